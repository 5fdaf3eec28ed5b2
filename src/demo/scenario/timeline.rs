//! All events of a studio in chronological order.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use jiff::SignedDuration;

use super::{DemoSchedule, Event, PlannedRun, Run, schedule::signed};

/// An event with its studio time.
#[derive(Clone, Debug, PartialEq)]
pub struct TimedEvent {
    pub at: SignedDuration,
    pub run: Arc<Run>,
    pub event: Event,
    /// True for the last event of its run.
    pub last: bool,
}

/// An endless iterator over a studio's events in chronological order, starting with its past.
#[derive(Clone, Debug)]
pub struct Timeline {
    schedule: DemoSchedule,
    /// Generated events that were not returned yet, ordered by time and then by generation.
    ahead: BinaryHeap<Reverse<QueuedEvent>>,
    written: u64,
}

#[derive(Clone, Debug)]
struct QueuedEvent {
    key: (SignedDuration, u64),
    event: TimedEvent,
}

impl PartialEq for QueuedEvent {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for QueuedEvent {}

impl PartialOrd for QueuedEvent {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for QueuedEvent {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

impl Timeline {
    pub fn new(schedule: DemoSchedule) -> Self {
        Self { schedule, ahead: BinaryHeap::new(), written: 0 }
    }

    /// Returns the time of the next event.
    pub fn next_at(&mut self) -> SignedDuration {
        self.write_ahead();
        self.ahead.peek().map_or(SignedDuration::MAX, |Reverse(next)| next.event.at)
    }

    /// Returns the next event if it happens no later than `until`.
    pub fn next_until(&mut self, until: SignedDuration) -> Option<TimedEvent> {
        if self.next_at() > until {
            return None;
        }
        self.ahead.pop().map(|Reverse(next)| next.event)
    }

    /// Returns the studio's schedule, for runs in addition to it.
    pub fn schedule(&mut self) -> &mut DemoSchedule {
        &mut self.schedule
    }

    /// Adds the events of a run.
    pub fn add(&mut self, planned: PlannedRun) {
        let count = planned.events.len();
        for (place, planned_event) in planned.events.into_iter().enumerate() {
            let at = planned.created_at + signed(planned_event.offset);
            self.put_back(TimedEvent {
                at,
                run: Arc::clone(&planned.run),
                event: planned_event.event,
                last: place + 1 == count,
            });
        }
    }

    /// Adds one event.
    pub fn put_back(&mut self, event: TimedEvent) {
        self.ahead.push(Reverse(QueuedEvent { key: (event.at, self.written), event }));
        self.written += 1;
    }

    /// Removes the known events of the runs for which `is` returns true; returns them in order.
    pub fn take_runs(&mut self, is: impl Fn(&Run) -> bool) -> Vec<TimedEvent> {
        let all = std::mem::take(&mut self.ahead).into_sorted_vec();
        let (taken, kept): (Vec<_>, Vec<_>) =
            all.into_iter().rev().partition(|Reverse(queued)| is(&queued.event.run));
        self.ahead = kept.into();
        taken.into_iter().map(|Reverse(queued)| queued.event).collect()
    }

    /// Generates episodes until no later one can contain an event before the next known one.
    fn write_ahead(&mut self) {
        while self
            .ahead
            .peek()
            .is_none_or(|Reverse(next)| next.event.at >= self.schedule.written_until())
        {
            for planned in self.schedule.next_episode() {
                self.add(planned);
            }
        }
    }
}

impl Iterator for Timeline {
    type Item = TimedEvent;

    fn next(&mut self) -> Option<TimedEvent> {
        self.next_until(SignedDuration::MAX)
    }
}
