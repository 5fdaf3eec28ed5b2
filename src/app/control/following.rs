//! Moves a following focus to the newest active run.

use bevy::prelude::*;

use crate::app::state::clock::{PlaybackClock, millis_between};
use crate::app::state::finale;
use crate::app::state::focus::{Focus, listed_runs};
use crate::app::state::run_store::RunStore;
use crate::app::systems::AppSystems;
use crate::model::{Model, Run, RunStatus};
use crate::protocol::RunId;

/// Time in milliseconds for which a run that is over stays on the stage while following, unless it has a
/// finale.
const HOLD_FAILED_MS: u64 = 12_000;
const HOLD_OTHER_MS: u64 = 6_000;

/// Returns how long a run that is over stays on the stage, in milliseconds.
fn hold_ms(run: &Run, model: &Model) -> u64 {
    match run.status {
        RunStatus::Failed => HOLD_FAILED_MS,
        _ if finale::is_due(run) && !finale::failed_since(run, model) => finale::LENGTH_MS,
        _ => HOLD_OTHER_MS,
    }
}

pub(in crate::app) fn plugin(app: &mut App) {
    app.add_systems(Update, follow_newest_active.in_set(AppSystems::Follow));
}

/// Returns the greatest age of a run's end at which the run is news, in milliseconds. `was_running` is true
/// for one that was followed while it ran: its finale begins when its end is told, however late that is.
fn news_ms(run: &Run, was_running: bool, hold_ms: u64) -> u64 {
    if was_running && finale::is_due(run) { finale::NEWS_MS.max(hold_ms) } else { hold_ms }
}

fn follow_newest_active(
    mut focus: ResMut<Focus>,
    run_store: Res<RunStore>,
    clock: Res<PlaybackClock>,
    mut running: Local<Option<RunId>>,
) {
    if focus.pinned || focus.directed {
        return;
    }
    let shown = focus.run.as_ref().and_then(|id| run_store.model.run(id));
    let mut is_history = false;
    let keep = match shown {
        Some(run) if !run.status.is_over() => {
            if focus.over_since.is_some() {
                focus.over_since = None;
            }
            if running.as_ref() != Some(run.id()) {
                *running = Some(run.id().clone());
            }
            run.status == RunStatus::Running || run_store.model.newest_active().is_none()
        }
        Some(run) => {
            let hold = hold_ms(run, &run_store.model);
            let age_ms = run.ended_at.map_or(0, |at| millis_between(at, clock.server_now));
            is_history = age_ms >= hold;
            match focus.over_since {
                Some(since) => millis_between(since, clock.now) < hold,
                // A run that ended long ago was replayed; it is not news.
                None if age_ms >= news_ms(run, running.as_ref() == Some(run.id()), hold) => false,
                None => {
                    focus.over_since = Some(clock.now);
                    true
                }
            }
        }
        None => false,
    };
    if keep {
        return;
    }
    let next = run_store
        .model
        .newest_active()
        .or_else(|| {
            // A replay can arrive in several parts, so keep moving to the newest finished run.
            let any = shown.is_none() || is_history;
            any.then(|| listed_runs(&run_store).first().copied()).flatten()
        })
        .map(|run| run.id().clone());
    if let Some(next) = next
        && focus.run.as_ref() != Some(&next)
    {
        focus.run = Some(next);
        focus.over_since = None;
    }
}
