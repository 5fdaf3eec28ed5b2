//! Contents of a scrub bar: events by second, and the ends of runs.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::super::{Change, RunStatus};
use crate::protocol::RunId;

/// End of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndMark {
    /// Arrival of what told of it, by this machine's clock.
    pub at: Timestamp,
    /// The run that ended.
    pub run_id: RunId,
    /// Completed, failed or cancelled.
    pub status: RunStatus,
    /// False when it was told while a backend replayed stored events, and may have happened long before.
    pub live: bool,
}

/// Events by second, and ends of runs, in order of arrival.
#[derive(Debug, Default)]
pub(super) struct Activity {
    seconds: VecDeque<(i64, u32)>,
    marks: VecDeque<EndMark>,
}

impl Activity {
    /// Adds changes of runs that arrived at `at`.
    pub(super) fn add(&mut self, at: Timestamp, changes: u32) {
        let second = at.as_second();
        let mut count = changes;
        while let Some((_, moved)) = self.seconds.pop_back_if(|(last, _)| *last >= second) {
            // Also after this machine's clock was set back.
            count = count.saturating_add(moved);
        }
        if count > 0 {
            self.seconds.push_back((second, count));
        }
        for mark in self.marks.iter_mut().rev().take_while(|mark| mark.at > at) {
            mark.at = at;
        }
    }

    /// Adds a mark if a change ended its run.
    pub(super) fn mark(&mut self, change: &Change, at: Timestamp, live: bool) {
        if let Some((from, status)) = change.run_status
            && status.is_over()
            && (from != status || change.new_run)
        {
            self.marks.push_back(EndMark { at, run_id: change.run_id.clone(), status, live });
        }
    }

    /// Drops everything before `at`.
    pub(super) fn drop_before(&mut self, at: Timestamp) {
        let kept = self.seconds.partition_point(|(second, _)| *second < at.as_second());
        self.seconds.drain(..kept);
        let kept = self.marks.partition_point(|mark| mark.at < at);
        self.marks.drain(..kept);
    }

    pub(super) fn marks(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> impl DoubleEndedIterator<Item = &EndMark> {
        let first = self.marks.partition_point(|mark| mark.at < from);
        let last = self.marks.partition_point(|mark| mark.at <= until);
        self.marks.range(first..last.max(first))
    }

    pub(super) fn histogram(&self, from: Timestamp, until: Timestamp, parts: usize) -> Vec<u32> {
        let mut counts = vec![0_u32; parts];
        let (begin, end) = (from.as_second(), until.as_second());
        let length = i128::from(end) - i128::from(begin) + 1;
        let first = self.seconds.partition_point(|(second, _)| *second < begin);
        for (second, count) in self.seconds.range(first..).take_while(|(second, _)| *second <= end)
        {
            let part = (i128::from(*second) - i128::from(begin)) * parts as i128 / length.max(1);
            if let Some(sum) = usize::try_from(part).ok().and_then(|part| counts.get_mut(part)) {
                *sum = sum.saturating_add(*count);
            }
        }
        counts
    }

    /// Approximate size in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.seconds.len() * size_of::<(i64, u32)>() + self.marks.len() * size_of::<EndMark>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn histogram_counts_every_second_once() {
        let mut activity = Activity::default();
        for (second, changes) in [(10, 1), (10, 2), (12, 4), (19, 8), (25, 0), (30, 16)] {
            activity.add(at(second), changes);
        }
        assert_eq!(activity.histogram(at(10), at(19), 5), [3, 4, 0, 0, 8]);
        assert_eq!(activity.histogram(at(10), at(19), 1), [15]);
        assert_eq!(activity.histogram(at(19), at(10), 2), [0, 0]);
        assert_eq!(activity.histogram(at(0), at(99), 0), [0; 0]);
        activity.drop_before(at(12));
        assert_eq!(activity.histogram(Timestamp::MIN, Timestamp::MAX, 1), [28]);
    }

    #[test]
    fn what_arrived_before_the_clock_was_set_back_counts_from_then_on() {
        let mut activity = Activity::default();
        for (second, changes) in [(10, 1), (20, 2), (30, 4), (15, 8)] {
            activity.add(at(second), changes);
        }
        assert_eq!(activity.histogram(at(10), at(19), 2), [1, 14]);
        assert_eq!(activity.histogram(at(16), at(40), 1), [0]);
    }
}
