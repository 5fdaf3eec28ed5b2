//! Index of the lines of the event log that pass the filters, updated as the log grows.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::filter::{LineKind, LogFilter};
use crate::model::{EventLog, LogEntry, LogItem, Model, Run};

/// Effort of one frame, in lines that are examined without a search.
pub(super) const EFFORT_PER_FRAME: usize = 50_000;

/// Lines to examine.
#[derive(Clone, Copy)]
pub(super) struct Lines<'a> {
    pub log: &'a EventLog,
    pub model: &'a Model,
    /// Number that differs where lines of the same number may be other lines.
    pub generation: u64,
}

impl Lines<'_> {
    /// Examines a line, and takes its effort from `left`. Returns it where it passes.
    fn examine(&self, seq: u64, filter: &LogFilter, left: &mut usize) -> Option<&LogEntry> {
        let entry = self.log.line(seq)?;
        *left = left.saturating_sub(filter.effort(self.log, entry));
        filter.passes(self.model, self.log, entry).then_some(entry)
    }
}

/// Index of the lines that pass, by their numbers, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct LogIndex {
    filter: LogFilter,
    generation: u64,
    lines: VecDeque<u64>,
    /// Lines that tell of a failure, a part of `lines`.
    failures: VecDeque<u64>,
    /// First line that was examined; `looked_to` is the one after the last.
    looked_from: u64,
    looked_to: u64,
    started: bool,
    /// Number that with a line's place gives it the same parity as long as it is in the index.
    parity: usize,
    run: ExaminedRun,
}

/// Events of the run to which the filter limits an index, whether or not they pass its other filters.
#[derive(Clone, Copy, Debug, Default)]
struct ExaminedRun {
    events: u64,
    earliest: Option<Timestamp>,
    /// Number of the first line.
    first_seq: Option<u64>,
    /// True when one of them is no longer kept.
    has_dropped: bool,
}

impl LogIndex {
    /// Numbers of the lines that pass, oldest first.
    pub(super) fn lines(&self) -> &VecDeque<u64> {
        &self.lines
    }

    /// Numbers of the lines that pass and tell of a failure, oldest first.
    pub(super) fn failures(&self) -> &VecDeque<u64> {
        &self.failures
    }

    /// Filters that the lines pass.
    pub(super) fn filter(&self) -> &LogFilter {
        &self.filter
    }

    /// Place of the first line that is not before the one with this number.
    pub(super) fn place_of(&self, seq: u64) -> usize {
        self.lines.partition_point(|line| *line < seq)
    }

    /// True when the line passes and was examined.
    pub(super) fn has(&self, seq: u64) -> bool {
        self.lines.get(self.place_of(seq)) == Some(&seq)
    }

    /// True for every other line, and for each line always the same.
    pub(super) fn is_odd(&self, place: usize) -> bool {
        self.parity.wrapping_add(place) % 2 == 1
    }

    /// True when lines have still to be examined.
    pub(super) fn is_searching(&self, log: &EventLog) -> bool {
        self.looked_from > log.first_seq() || self.looked_to < log.written()
    }

    /// True when older events of `run`, to which the filter limits the index, are no longer kept.
    pub(super) fn lacks_events_of(&self, run: &Run, log: &EventLog) -> bool {
        let is_whole = self.run.events >= run.events()
            || self.run.earliest.is_some_and(|at| at <= run.first_event_at());
        let may_lack = log.first_seq() > 0 && !self.is_searching(log);
        self.run.has_dropped || (may_lack && !is_whole)
    }

    /// Examines the new lines, then older ones, newest first, so that a changed filter shows lines at
    /// once, as far as the effort `left` suffices. A changed filter starts the index anew.
    pub(super) fn update(&mut self, lines: Lines, filter: &LogFilter, left: &mut usize) {
        let (first, end) = (lines.log.first_seq(), lines.log.written());
        let is_other = self.filter != *filter || self.generation != lines.generation;
        if !self.started || is_other || self.looked_to < first || self.looked_to > end {
            *self = Self {
                filter: filter.clone(),
                generation: lines.generation,
                looked_from: end,
                looked_to: end,
                started: true,
                ..Self::default()
            };
        }
        let dropped = self.place_of(first);
        self.lines.drain(..dropped);
        self.parity = self.parity.wrapping_add(dropped);
        self.failures.drain(..self.failures.partition_point(|line| *line < first));
        self.run.has_dropped |= self.run.first_seq.is_some_and(|seq| seq < first);
        self.looked_from = self.looked_from.max(first);

        while self.looked_to < end && *left > 0 {
            let seq = self.looked_to;
            self.looked_to += 1;
            self.note_run(lines.log, seq);
            if let Some(entry) = lines.examine(seq, &self.filter, left) {
                self.lines.push_back(seq);
                if LineKind::of(&entry.item) == LineKind::Failed {
                    self.failures.push_back(seq);
                }
            }
        }
        while self.looked_from > first && *left > 0 {
            self.looked_from -= 1;
            let seq = self.looked_from;
            self.note_run(lines.log, seq);
            if let Some(entry) = lines.examine(seq, &self.filter, left) {
                self.lines.push_front(seq);
                self.parity = self.parity.wrapping_sub(1);
                if LineKind::of(&entry.item) == LineKind::Failed {
                    self.failures.push_front(seq);
                }
            }
        }
    }

    /// Notes an event of the run to which the filter limits the index.
    fn note_run(&mut self, log: &EventLog, seq: u64) {
        let Some(id) = &self.filter.run else { return };
        if let Some(LogItem::Event(event)) = log.line(seq).map(|entry| &entry.item)
            && event.run_id == *id
        {
            let run = &mut self.run;
            run.events += 1;
            run.earliest = Some(run.earliest.map_or(event.at, |at| at.min(event.at)));
            run.first_seq = Some(run.first_seq.map_or(seq, |first| first.min(seq)));
        }
    }
}

/// Number of lines that came after the last one shown and pass the filters.
#[derive(Clone, Debug, Default)]
pub(super) struct NewerCount {
    filter: LogFilter,
    from: u64,
    looked_to: u64,
    passed: u64,
    /// True when lines were dropped before they could be examined.
    has_missed: bool,
}

impl NewerCount {
    /// Begins to count at this line.
    pub(super) fn from(seq: u64) -> Self {
        Self { from: seq, looked_to: seq, ..Self::default() }
    }

    /// Examines the lines that came, as far as the effort `left` suffices.
    pub(super) fn update(&mut self, lines: Lines, filter: &LogFilter, left: &mut usize) {
        if self.filter != *filter {
            *self = Self { filter: filter.clone(), ..Self::from(self.from) };
        }
        let first = lines.log.first_seq();
        self.has_missed |= self.looked_to < first;
        self.looked_to = self.looked_to.max(first);
        while self.looked_to < lines.log.written() && *left > 0 {
            self.passed += u64::from(lines.examine(self.looked_to, &self.filter, left).is_some());
            self.looked_to += 1;
        }
    }

    /// Number of lines found so far.
    pub(super) fn passed(&self) -> u64 {
        self.passed
    }

    /// True when lines have still to be examined.
    pub(super) fn is_counting(&self, log: &EventLog) -> bool {
        self.looked_to < log.written()
    }

    /// True when there may be more than were found.
    pub(super) fn is_least(&self, log: &EventLog) -> bool {
        self.has_missed || self.is_counting(log)
    }
}

#[cfg(test)]
mod tests {
    use super::super::filter::{KindFilter, NodeFilter};
    use super::*;
    use crate::app::panel::testing::{frame, receive};
    use crate::app::state::run_store::RunStore;
    use crate::model::Retention;

    fn run_store(log_events: usize) -> RunStore {
        RunStore::new(Retention { log_events, ..Retention::default() })
    }

    fn write(run_store: &mut RunStore, from: u32, to: u32) {
        for n in from..to {
            let node = if n % 2 == 0 { Some("PLAN") } else { None };
            let (run, phase) = (format!("run-{}", n % 3), if n % 7 == 0 { "fail" } else { "info" });
            receive(run_store, &[&frame(n % 3600, &run, node, phase, &format!(r#"{{"n":{n}}}"#))]);
        }
    }

    fn lines(run_store: &RunStore) -> Lines<'_> {
        Lines { log: run_store.model.log(), model: &run_store.model, generation: 0 }
    }

    /// Lines that pass, found by examining all of them, and failures among them.
    fn all_passing(lines: Lines, filter: &LogFilter) -> [Vec<u64>; 2] {
        let passing = |line: &&LogEntry| filter.passes(lines.model, lines.log, line);
        let is_failure = |line: &&LogEntry| LineKind::of(&line.item) == LineKind::Failed;
        let all = lines.log.entries().iter().filter(passing);
        let failures = lines.log.entries().iter().filter(passing).filter(is_failure);
        [all.map(|line| line.seq).collect(), failures.map(|line| line.seq).collect()]
    }

    fn assert_whole(index: &LogIndex, lines: Lines, filter: &LogFilter) {
        let [all, failures] = all_passing(lines, filter);
        assert_eq!(
            (index.lines(), index.failures()),
            (&all.into(), &failures.into()),
            "{filter:?}"
        );
        assert!(!index.is_searching(lines.log));
    }

    fn filters() -> Vec<LogFilter> {
        let all = LogFilter::default;
        let search = |search: &str| LogFilter { words: LogFilter::words_of(search), ..all() };
        vec![
            all(),
            LogFilter { run: Some("run-1".into()), ..all() },
            LogFilter { node: NodeFilter::Node("PLAN".into()), ..all() },
            LogFilter { node: NodeFilter::Workflow, ..all() },
            LogFilter { kind: KindFilter::Kind(LineKind::Unreadable), ..all() },
            search("\"n\":1"),
            LogFilter { kind: KindFilter::Kind(LineKind::Info), ..search("PLAN") },
        ]
    }

    #[test]
    fn index_equals_filtering_every_line() {
        for filter in filters() {
            let mut run_store = run_store(60);
            let mut index = LogIndex::default();
            for step in 0..12 {
                write(&mut run_store, step * 10, step * 10 + 10);
                receive(&mut run_store, &["no event"]);
                index.update(lines(&run_store), &filter, &mut 1_000_000);
                assert_whole(&index, lines(&run_store), &filter);
            }
        }
    }

    #[test]
    fn changed_filter_rebuilds_the_index() {
        let mut run_store = run_store(1000);
        write(&mut run_store, 0, 50);
        let mut index = LogIndex::default();
        for filter in filters() {
            index.update(lines(&run_store), &filter, &mut 1_000_000);
            assert_whole(&index, lines(&run_store), &filter);
        }
    }

    #[test]
    fn long_log_is_searched_in_steps_newest_first() {
        let mut run_store = run_store(100_000);
        write(&mut run_store, 0, 3_000);
        let (lines, log) = (lines(&run_store), run_store.model.log());
        let words = LogFilter::words_of("run-");
        let filter = LogFilter { words, ..LogFilter::default() };
        let effort = filter.effort(log, log.entries().front().unwrap());
        let mut index = LogIndex::default();
        let mut most = 0;
        for step in 1.. {
            let mut left = 1_000;
            index.update(lines, &filter, &mut left);
            let found = index.lines().len();
            most = most.max(found.saturating_sub(1_000 / effort * (step - 1)));
            assert_eq!(index.lines().back(), Some(&(log.written() - 1)));
            assert_eq!(index.lines().front(), Some(&(log.written() - found as u64)));
            if !index.is_searching(log) {
                break;
            }
            assert!(step < 100, "{found}");
        }
        assert_whole(&index, lines, &filter);
        assert!(most <= 1_000 / effort * 2, "{most} lines in a step");
    }

    #[test]
    fn lines_keep_their_parity() {
        let mut run_store = run_store(10);
        write(&mut run_store, 0, 10);
        let (filter, mut index) = (LogFilter::default(), LogIndex::default());
        index.update(lines(&run_store), &filter, &mut 4);
        let odd = |index: &LogIndex, seq: u64| index.is_odd(index.place_of(seq));
        let nine = odd(&index, 9);
        for written in 10..16 {
            write(&mut run_store, written, written + 1);
            index.update(lines(&run_store), &filter, &mut 4);
            assert_eq!((odd(&index, 9), odd(&index, 8)), (nine, !nine));
        }
    }

    #[test]
    fn index_tells_whether_events_of_the_run_were_dropped() {
        let mut run_store = run_store(10);
        write(&mut run_store, 0, 12);
        receive(&mut run_store, &[&frame(20, "new", None, "start", "{}")]);
        let check = |run_store: &RunStore, index: &mut LogIndex, run: &str, expected: bool| {
            let filter = LogFilter {
                run: Some(run.into()),
                kind: KindFilter::Kind(LineKind::Other),
                ..LogFilter::default()
            };
            let lines = lines(run_store);
            index.update(lines, &filter, &mut 1_000);
            let run = lines.model.run(run).unwrap();
            assert_eq!(index.lacks_events_of(run, lines.log), expected);
        };
        check(&run_store, &mut LogIndex::default(), "run-1", true);
        let mut index = LogIndex::default();
        check(&run_store, &mut index, "new", false);
        write(&mut run_store, 21, 30);
        check(&run_store, &mut index, "new", false);
        write(&mut run_store, 30, 32);
        check(&run_store, &mut index, "new", true);
        check(&run_store, &mut LogIndex::default(), "new", true);
    }

    #[test]
    fn newer_lines_are_counted_in_steps() {
        let mut run_store = run_store(20);
        write(&mut run_store, 0, 10);
        let filter = LogFilter { node: NodeFilter::Workflow, ..LogFilter::default() };
        let mut newer = NewerCount::from(10);
        write(&mut run_store, 10, 20);
        newer.update(lines(&run_store), &filter, &mut 4);
        assert_eq!((newer.passed(), newer.is_least(run_store.model.log())), (2, true));
        newer.update(lines(&run_store), &filter, &mut 40);
        assert_eq!((newer.passed(), newer.is_least(run_store.model.log())), (5, false));
        newer.update(lines(&run_store), &LogFilter::default(), &mut 40);
        assert_eq!(newer.passed(), 10, "another filter counts anew");
        write(&mut run_store, 20, 60);
        newer.update(lines(&run_store), &LogFilter::default(), &mut 40);
        assert_eq!((newer.passed(), newer.is_least(run_store.model.log())), (30, true));
    }
}
