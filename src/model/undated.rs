//! Events whose instant means "unset" (protocol section 6.4). Their position is derived from the dated
//! events of their run and from the event itself.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use jiff::{SignedDuration, Timestamp};

use super::fact::{Fact, FactKind, RUN_LANE, SortKey};

/// Assigns positions to undated events: a run's start before all other events, its end after them, a
/// node's end after its start, and a node's start before its end, if those are dated. The result is a
/// function of the set of events, and the work is linear in their number.
pub(super) fn place_undated(facts: &mut [Fact]) {
    if facts.iter().all(|fact| fact.instant().is_some()) {
        return;
    }
    let mut lanes: HashMap<u16, Lane, FixedState> = HashMap::default();
    let (mut first, mut last) = (None, None);
    for fact in facts.iter().filter(|fact| fact.instant().is_some()) {
        lanes.entry(fact.lane).or_default().add(fact);
        first = Some(first.map_or(fact.at, |first: Timestamp| first.min(fact.at)));
        last = last.max(Some(fact.at));
    }
    let first = first.unwrap_or(Timestamp::UNIX_EPOCH);
    let last = last.unwrap_or(Timestamp::UNIX_EPOCH);
    for fact in facts.iter_mut().filter(|fact| fact.instant().is_none()) {
        let lane = lanes.get(&fact.lane);
        fact.at = match fact.kind {
            FactKind::Created => Timestamp::MIN,
            FactKind::Start if fact.lane == RUN_LANE => first,
            FactKind::Start => lane.and_then(Lane::before_its_end).unwrap_or(last),
            FactKind::End | FactKind::Fail if fact.lane != RUN_LANE => {
                lane.and_then(|lane| lane.behind_its_start(reported_duration(fact))).unwrap_or(last)
            }
            _ => last,
        };
    }
}

/// The first and last dated starts and ends of a lane.
#[derive(Default)]
struct Lane {
    first_start: Option<SortKey>,
    last_start: Option<SortKey>,
    /// With the duration that it reports.
    first_end: Option<(SortKey, SignedDuration)>,
    last_end: Option<SortKey>,
}

impl Lane {
    fn add(&mut self, fact: &Fact) {
        let key = fact.sort_key();
        match fact.kind {
            FactKind::Start => {
                self.first_start = Some(self.first_start.map_or(key, |first| first.min(key)));
                self.last_start = self.last_start.max(Some(key));
            }
            FactKind::End | FactKind::Fail => {
                if self.first_end.is_none_or(|(first, _)| key < first) {
                    self.first_end = Some((key, reported_duration(fact)));
                }
                self.last_end = self.last_end.max(Some(key));
            }
            _ => {}
        }
    }

    /// Returns the end time of a node whose latest start is not followed by a dated end.
    fn behind_its_start(&self, took: SignedDuration) -> Option<Timestamp> {
        let start = self.last_start?;
        if self.last_end.is_some_and(|end| end > start) {
            return None;
        }
        start.0.checked_add(took).ok()
    }

    /// Returns the start time of a node whose first end is not preceded by a dated start.
    fn before_its_end(&self) -> Option<Timestamp> {
        let (end, took) = self.first_end?;
        if self.first_start.is_some_and(|start| start < end) {
            return None;
        }
        end.0.checked_sub(took).ok()
    }
}

fn reported_duration(end: &Fact) -> SignedDuration {
    let millis = end.duration_ms().and_then(|millis| i64::try_from(millis).ok());
    SignedDuration::from_millis(millis.unwrap_or(0))
}
