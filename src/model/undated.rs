//! Events whose instant means "unset" (protocol section 6.4). Their position is derived from the dated
//! events of their run and from the event itself.

use jiff::{SignedDuration, Timestamp};

use super::fact::{Fact, FactKind, RUN_LANE};

/// Assigns positions to undated events: a run's start before all other events, its end after them, a
/// node's end after its start, and a node's start before its end, if those are dated. The result is a
/// function of the set of events.
pub(super) fn place_undated(facts: &mut [Fact]) {
    if facts.iter().all(|fact| fact.instant().is_some()) {
        return;
    }
    let dated: Vec<Fact> = facts.iter().filter(|fact| fact.instant().is_some()).cloned().collect();
    let first = dated.iter().map(|fact| fact.at).min().unwrap_or(Timestamp::UNIX_EPOCH);
    let last = dated.iter().map(|fact| fact.at).max().unwrap_or(Timestamp::UNIX_EPOCH);
    for fact in facts.iter_mut().filter(|fact| fact.instant().is_none()) {
        fact.at = match fact.kind {
            FactKind::Created => Timestamp::MIN,
            FactKind::Start if fact.lane == RUN_LANE => first,
            FactKind::Start => before_its_end(fact, &dated).unwrap_or(last),
            FactKind::End | FactKind::Fail if fact.lane != RUN_LANE => {
                behind_its_start(fact, &dated).unwrap_or(last)
            }
            _ => last,
        };
    }
}

fn is_end(fact: &Fact) -> bool {
    matches!(fact.kind, FactKind::End | FactKind::Fail)
}

/// Returns the end time of a node whose latest start is not followed by a dated end.
fn behind_its_start(end: &Fact, dated: &[Fact]) -> Option<Timestamp> {
    let of_lane = || dated.iter().filter(|fact| fact.lane == end.lane);
    let start =
        of_lane().filter(|fact| fact.kind == FactKind::Start).max_by_key(|f| f.sort_key())?;
    if of_lane().any(|fact| is_end(fact) && fact.sort_key() > start.sort_key()) {
        return None;
    }
    start.at.checked_add(reported_duration(end)).ok()
}

/// Returns the start time of a node whose first end is not preceded by a dated start.
fn before_its_end(start: &Fact, dated: &[Fact]) -> Option<Timestamp> {
    let of_lane = || dated.iter().filter(|fact| fact.lane == start.lane);
    let end = of_lane().filter(|fact| is_end(fact)).min_by_key(|fact| fact.sort_key())?;
    if of_lane().any(|fact| fact.kind == FactKind::Start && fact.sort_key() < end.sort_key()) {
        return None;
    }
    end.at.checked_sub(reported_duration(end)).ok()
}

fn reported_duration(end: &Fact) -> SignedDuration {
    let millis = end.duration_ms().and_then(|millis| i64::try_from(millis).ok());
    SignedDuration::from_millis(millis.unwrap_or(0))
}
