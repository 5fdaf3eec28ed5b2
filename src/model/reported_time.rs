//! Correction of the instants in REST snapshots, so that they match those of the events.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::clock::ServerStep;
use super::fact::SKEW;
use crate::protocol::{RunSnapshot, is_unset};

/// Removes instants that mean "unset", and moves those from before steps of the server's clock.
pub(super) fn corrected(snapshot: Arc<RunSnapshot>, steps: &[ServerStep]) -> Arc<RunSnapshot> {
    if !has_unset(&snapshot) && steps.is_empty() {
        return snapshot;
    }
    let mut corrected = Arc::unwrap_or_clone(snapshot);
    change(&mut corrected, |at| at.filter(|at| !is_unset(*at)));
    for step in steps {
        correct_for_step(&mut corrected, *step);
    }
    Arc::new(corrected)
}

/// Returns the snapshot with all instants moved.
pub(super) fn shifted(snapshot: &RunSnapshot, by: SignedDuration) -> Arc<RunSnapshot> {
    let mut shifted = snapshot.clone();
    change(&mut shifted, |at| moved(at, by));
    Arc::new(shifted)
}

fn moved(at: Option<Timestamp>, by: SignedDuration) -> Option<Timestamp> {
    at.map(|at| at.checked_add(by).unwrap_or(at))
}

fn has_unset(snapshot: &RunSnapshot) -> bool {
    let rows = snapshot.executions.iter().flat_map(|row| [row.started_at, row.completed_at]);
    let errors = snapshot.earlier_errors.iter().chain(&snapshot.error).map(|error| error.at);
    let of_run = [snapshot.created_at, snapshot.updated_at];
    rows.chain(errors).chain(of_run).flatten().any(is_unset)
}

fn change(snapshot: &mut RunSnapshot, change: impl Fn(Option<Timestamp>) -> Option<Timestamp>) {
    for row in &mut snapshot.executions {
        row.started_at = change(row.started_at);
        row.completed_at = change(row.completed_at);
    }
    snapshot.created_at = change(snapshot.created_at);
    snapshot.updated_at = change(snapshot.updated_at);
    for error in snapshot.earlier_errors.iter_mut().chain(&mut snapshot.error) {
        error.at = change(error.at);
    }
}

/// Moves instants that were written before the step. Rows are in order of execution, so an instant that
/// goes back shows where the clock was set; otherwise instants up to the clock's reading at the step
/// are from before it.
fn correct_for_step(snapshot: &mut RunSnapshot, step: ServerStep) {
    let by = step.by;
    let starts: Vec<Option<Timestamp>> =
        snapshot.executions.iter().map(|row| row.started_at).collect();
    let goes_back = |pair: &[Option<Timestamp>]| match pair {
        [Some(one), Some(next)] => one.duration_since(*next) > SKEW,
        _ => false,
    };
    let back = starts.windows(2).rposition(goes_back).map(|place| place + 1);
    let reached = step.reached.checked_add(SKEW).unwrap_or(step.reached);
    let is_before = |at: Option<Timestamp>| at.is_some_and(|at| at <= reached);
    let mut newest_is_before = true;
    for (place, row) in snapshot.executions.iter_mut().enumerate() {
        let before = match back {
            Some(back) if by.is_negative() => place < back,
            _ => is_before(row.started_at),
        };
        newest_is_before = before;
        if before {
            row.started_at = moved(row.started_at, by);
            // A node may have been running during the step.
            let ends_before = row.completed_at.zip(row.started_at).is_some_and(|(ended, began)| {
                !by.is_negative() && is_before(Some(ended))
                    || by.is_negative() && ended.duration_since(began) > -by
            });
            if ends_before {
                row.completed_at = moved(row.completed_at, by);
            }
        }
    }
    snapshot.created_at = moved(snapshot.created_at, by);
    for error in snapshot.earlier_errors.iter_mut().filter(|error| is_before(error.at)) {
        error.at = moved(error.at, by);
    }
    if newest_is_before && is_before(snapshot.updated_at) {
        snapshot.updated_at = moved(snapshot.updated_at, by);
        if let Some(error) = &mut snapshot.error {
            error.at = moved(error.at, by);
        }
    }
}
