//! Index of the lines of the event log that pass the filters, updated as the log grows.

use std::collections::VecDeque;

use jiff::tz::TimeZone;

use crate::app::state::run_store::RunStore;
use crate::bounded::bounded;
use crate::model::{EventLog, LogEntry, LogItem};
use crate::protocol::{NodeName, Phase, RunId};

/// Inputs of the event log section.
pub(super) struct LogView<'a> {
    pub run_store: &'a RunStore,
    /// Run in focus.
    pub run: Option<&'a RunId>,
    pub zone: &'a TimeZone,
}

/// Lines examined in one update: with cheap filters, and with a search of the text.
const LINES_PER_STEP: usize = 50_000;
const SEARCHED_LINES_PER_STEP: usize = 4_000;

/// Kind of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineKind {
    Started,
    Done,
    Failed,
    Progress,
    Info,
    /// Event with a phase that this version does not know.
    Other,
    /// Frame that is no event.
    Unreadable,
}

impl LineKind {
    pub(super) const ALL: [Self; 7] = [
        Self::Started,
        Self::Done,
        Self::Failed,
        Self::Progress,
        Self::Info,
        Self::Other,
        Self::Unreadable,
    ];

    pub(super) fn of(item: &LogItem) -> Self {
        match item {
            LogItem::ParseError(_) => Self::Unreadable,
            LogItem::Event(event) => match event.phase {
                Phase::Start => Self::Started,
                Phase::End => Self::Done,
                Phase::Fail => Self::Failed,
                Phase::Progress => Self::Progress,
                Phase::Info => Self::Info,
                Phase::Other(_) => Self::Other,
            },
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Progress => "progress",
            Self::Info => "info",
            Self::Other => "other",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Filter by node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum NodeFilter {
    #[default]
    All,
    /// Events without a node, about the run as a whole.
    Workflow,
    Node(NodeName),
}

/// Filters of the event log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LogFilter {
    /// Run to show; `None` shows all. Unreadable lines belong to no run and always pass this filter.
    pub run: Option<RunId>,
    pub node: NodeFilter,
    pub kind: Option<LineKind>,
    /// Text in ASCII lower case, searched in everything that was received.
    pub search: String,
}

impl LogFilter {
    fn passes(&self, log: &EventLog, entry: &LogEntry) -> bool {
        if self.kind.is_some_and(|kind| kind != LineKind::of(&entry.item)) {
            return false;
        }
        match &entry.item {
            LogItem::Event(event) => {
                self.run.as_ref().is_none_or(|run| *run == event.run_id)
                    && match &self.node {
                        NodeFilter::All => true,
                        NodeFilter::Workflow => event.node.is_none(),
                        NodeFilter::Node(name) => event.node.as_ref() == Some(name),
                    }
                    && contains(log.raw(entry), &self.search)
            }
            LogItem::ParseError(error) => {
                self.node == NodeFilter::All
                    && (contains(&error.text, &self.search)
                        || contains(&error.reason, &self.search))
            }
        }
    }
}

/// True when `text` contains `search`, ignoring ASCII case; `search` is in lower case. Allocates
/// nothing.
fn contains(text: &str, search: &str) -> bool {
    let (text, search) = (text.as_bytes(), search.as_bytes());
    let Some((first, _)) = search.split_first() else { return true };
    let (lower, upper) = (*first, first.to_ascii_uppercase());
    text.windows(search.len()).any(|window| {
        (window[0] == lower || window[0] == upper) && window.eq_ignore_ascii_case(search)
    })
}

/// Index of the lines that pass, by their numbers, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct LogIndex {
    filter: LogFilter,
    lines: VecDeque<u64>,
    /// First line that was examined; `looked_to` is the one after the last.
    looked_from: u64,
    looked_to: u64,
    started: bool,
}

/// Change at the front of the index in one update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shift {
    /// Number of lines added at the front.
    pub added: usize,
    /// Number of lines dropped from the front.
    pub dropped: usize,
}

impl LogIndex {
    pub(super) fn lines(&self) -> &VecDeque<u64> {
        &self.lines
    }

    /// Number of lines after the one with this number.
    pub(super) fn count_after(&self, seq: u64) -> usize {
        self.lines.len() - self.lines.partition_point(|line| *line <= seq)
    }

    /// True when older lines have still to be examined.
    pub(super) fn is_searching(&self, log: &EventLog) -> bool {
        self.looked_from > first_seq(log)
    }

    /// Examines the new lines up to `until`, then older ones, newest first, so that a changed filter
    /// shows lines at once. One call examines a limited number of lines. A changed filter starts the
    /// index anew.
    pub(super) fn update(&mut self, log: &EventLog, filter: &LogFilter, until: u64) -> Shift {
        let entries = log.entries();
        let first = first_seq(log);
        let until = bounded(until, first, log.written());
        if !self.started || self.filter != *filter || self.looked_to < first {
            self.started = true;
            self.filter.clone_from(filter);
            self.lines.clear();
            (self.looked_from, self.looked_to) = (until, until);
        }
        let mut shift = Shift::default();
        while self.lines.front().is_some_and(|line| *line < first) {
            self.lines.pop_front();
            shift.dropped += 1;
        }
        self.looked_from = self.looked_from.max(first);

        let searched = !self.filter.search.is_empty();
        let mut step = if searched { SEARCHED_LINES_PER_STEP } else { LINES_PER_STEP };
        let at = |seq: u64| entries.get((seq - first) as usize);
        while self.looked_to < until && step > 0 {
            if at(self.looked_to).is_some_and(|entry| self.filter.passes(log, entry)) {
                self.lines.push_back(self.looked_to);
            }
            self.looked_to += 1;
            step -= 1;
        }
        while self.looked_from > first && step > 0 {
            self.looked_from -= 1;
            if at(self.looked_from).is_some_and(|entry| self.filter.passes(log, entry)) {
                self.lines.push_front(self.looked_from);
                shift.added += 1;
            }
            step -= 1;
        }
        shift
    }
}

/// Number of the oldest line kept.
pub(super) fn first_seq(log: &EventLog) -> u64 {
    log.entries().front().map_or(log.written(), |entry| entry.seq)
}

/// Line with this number; `None` when it is no longer kept.
pub(super) fn line(log: &EventLog, seq: u64) -> Option<&LogEntry> {
    log.entries().get(usize::try_from(seq.checked_sub(first_seq(log))?).ok()?)
}

#[cfg(test)]
mod tests {
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
            let run = format!("run-{}", n % 3);
            receive(run_store, &[&frame(n % 3600, &run, node, "info", &format!(r#"{{"n":{n}}}"#))]);
        }
    }

    /// Lines that pass, found by examining all of them.
    fn all_passing(log: &EventLog, filter: &LogFilter) -> Vec<u64> {
        log.entries()
            .iter()
            .filter(|entry| filter.passes(log, entry))
            .map(|entry| entry.seq)
            .collect()
    }

    fn filters() -> Vec<LogFilter> {
        let all = LogFilter::default;
        vec![
            all(),
            LogFilter { run: Some("run-1".into()), ..all() },
            LogFilter { node: NodeFilter::Node("PLAN".into()), ..all() },
            LogFilter { node: NodeFilter::Workflow, ..all() },
            LogFilter { kind: Some(LineKind::Unreadable), ..all() },
            LogFilter { search: "\"n\":1".to_owned(), ..all() },
            LogFilter { search: "PLAN".to_lowercase(), kind: Some(LineKind::Info), ..all() },
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
                let log = run_store.model.log();
                index.update(log, &filter, log.written());
                assert_eq!(*index.lines(), all_passing(log, &filter), "{filter:?}");
            }
        }
    }

    #[test]
    fn changed_filter_rebuilds_the_index() {
        let mut run_store = run_store(1000);
        write(&mut run_store, 0, 50);
        let log = run_store.model.log();
        let mut index = LogIndex::default();
        for filter in filters() {
            index.update(log, &filter, log.written());
            assert_eq!(*index.lines(), all_passing(log, &filter));
        }
    }

    #[test]
    fn long_log_is_searched_in_steps_newest_first() {
        let mut run_store = run_store(100_000);
        let count = SEARCHED_LINES_PER_STEP as u32 + 500;
        write(&mut run_store, 0, count);
        let log = run_store.model.log();
        let filter = LogFilter { search: "run-".to_owned(), ..LogFilter::default() };
        let mut index = LogIndex::default();
        let shift = index.update(log, &filter, log.written());
        assert_eq!(shift, Shift { added: SEARCHED_LINES_PER_STEP, dropped: 0 });
        assert_eq!(index.lines().back(), Some(&(log.written() - 1)));
        assert!(index.is_searching(log));
        let shift = index.update(log, &filter, log.written());
        assert_eq!(shift, Shift { added: 500, dropped: 0 });
        assert!(!index.is_searching(log));
        assert_eq!(index.lines().len(), count as usize);
    }

    #[test]
    fn dropped_lines_leave_the_index_while_paused() {
        let mut run_store = run_store(10);
        write(&mut run_store, 0, 10);
        let filter = LogFilter::default();
        let mut index = LogIndex::default();
        index.update(run_store.model.log(), &filter, 10);
        write(&mut run_store, 10, 13);
        // While paused, new lines are not added, but dropped ones are still removed.
        let shift = index.update(run_store.model.log(), &filter, 10);
        assert_eq!(shift, Shift { added: 0, dropped: 3 });
        assert_eq!(index.count_after(7), 2);
        assert!(line(run_store.model.log(), 2).is_none());
        assert_eq!(line(run_store.model.log(), 3).map(|entry| entry.seq), Some(3));
    }

    #[test]
    fn search_ignores_ascii_case() {
        assert!(contains("Genre NOT found", "not f"));
        assert!(contains("ü", "ü"));
        assert!(!contains("no", "not"));
        assert!(contains("", ""));
    }
}
