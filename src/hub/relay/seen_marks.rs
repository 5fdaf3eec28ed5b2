//! Failures that somebody marked as seen, in the order of marking.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;

use crate::protocol::RunId;

/// Marks with numbers that increase, so that a screen can be sent those that it lacks.
#[derive(Debug, Default)]
pub(super) struct SeenMarks {
    numbers: HashMap<RunId, u64, FixedState>,
    runs: BTreeMap<u64, RunId>,
    last: u64,
}

impl SeenMarks {
    /// Returns the number of the newest mark, whether it still exists or not; 0 before the first.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn contains(&self, run: &str) -> bool {
        self.numbers.contains_key(run)
    }

    /// Adds a mark, unless the run has one.
    pub(super) fn insert(&mut self, run: RunId) {
        if self.contains(&run) {
            return;
        }
        self.last += 1;
        self.numbers.insert(run.clone(), self.last);
        self.runs.insert(self.last, run);
    }

    pub(super) fn remove(&mut self, run: &str) {
        if let Some(number) = self.numbers.remove(run) {
            self.runs.remove(&number);
        }
    }

    /// Returns at most `most` marks after number `after`, and the number up to which they are all.
    pub(super) fn read(&self, after: u64, most: usize) -> (Vec<RunId>, u64) {
        let range = self.runs.range(after.saturating_add(1)..).take(most);
        let (mut runs, mut until) = (Vec::new(), after);
        for (number, run) in range {
            runs.push(run.clone());
            until = *number;
        }
        let until = if runs.len() < most { self.last.max(after) } else { until };
        (runs, until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mark_is_read_once_and_removed_ones_never() {
        let mut marks = SeenMarks::default();
        assert_eq!(marks.read(0, 2), (vec![], 0));
        for run in ["a", "b", "a", "c", "d"] {
            marks.insert(run.into());
        }
        assert_eq!((marks.last(), marks.runs.len()), (4, 4));
        marks.remove("b");
        marks.remove("unknown");
        assert_eq!(marks.read(0, 2), (vec!["a".into(), "c".into()], 3));
        assert_eq!(marks.read(3, 2), (vec!["d".into()], 4));
        marks.remove("d");
        assert_eq!(marks.read(3, 2), (vec![], 4));
        // A run that failed again and is marked again is news to every screen.
        marks.insert("b".into());
        assert_eq!(marks.read(4, 2), (vec!["b".into()], 5));
        assert!(marks.contains("b") && !marks.contains("d"));
    }
}
