//! Filters of the event log.

use crate::app::words::phase_words;
use crate::model::{EventLog, LogEntry, LogItem, Model};
use crate::protocol::{NodeName, Phase, RunId, WorkflowEvent};

/// Kind of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineKind {
    Started,
    /// End of a step, or of a run, without an error.
    Ended,
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
        Self::Ended,
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
                Phase::End => Self::Ended,
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
            Self::Ended => "done, finished",
            Self::Failed => "failed",
            Self::Progress => "progress",
            Self::Info => "info",
            Self::Other => "other",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Level of a log line. The protocol has none; it follows from the phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Info,
    /// Cancellation, or an event with a phase that this version does not know.
    Warning,
    /// Failure, or a frame that could not be read.
    Error,
}

impl Level {
    pub(super) fn of(item: &LogItem) -> Self {
        let says_cancelled = |event: &WorkflowEvent| {
            event.detail.as_ref().is_some_and(|detail| detail.says_cancelled)
        };
        match item {
            LogItem::ParseError(_) => Self::Error,
            LogItem::Event(event) => match event.phase {
                Phase::Fail => Self::Error,
                Phase::Other(_) => Self::Warning,
                _ if says_cancelled(event) => Self::Warning,
                _ => Self::Info,
            },
        }
    }
}

/// Filter by phase or level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum KindFilter {
    #[default]
    All,
    /// Lines of this kind.
    Kind(LineKind),
    /// Lines of this level and of graver ones.
    From(Level),
}

impl KindFilter {
    /// Levels to choose from, besides all.
    pub(super) const LEVELS: [Self; 2] = [Self::From(Level::Warning), Self::From(Level::Error)];

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::All | Self::From(Level::Info) => "all phases",
            Self::Kind(kind) => kind.words(),
            Self::From(Level::Warning) => "warnings, errors",
            Self::From(Level::Error) => "errors",
        }
    }

    fn passes(self, item: &LogItem) -> bool {
        match self {
            Self::All => true,
            Self::Kind(kind) => kind == LineKind::of(item),
            Self::From(level) => level <= Level::of(item),
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

/// Filters of the event log. A line passes that passes each of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LogFilter {
    /// Run to show; `None` shows all. An unreadable line passes when its text has the run's id.
    pub run: Option<RunId>,
    pub node: NodeFilter,
    pub kind: KindFilter,
    /// Words in lower case. Each has to occur in what was received, in the word for the phase, or in the
    /// title of the run's song.
    pub words: Vec<String>,
}

impl LogFilter {
    /// Returns the words of a search text.
    pub(super) fn words_of(search: &str) -> Vec<String> {
        search.split_whitespace().map(str::to_lowercase).collect()
    }

    /// True when a line passes all filters.
    pub(super) fn passes(&self, model: &Model, log: &EventLog, entry: &LogEntry) -> bool {
        if !self.kind.passes(&entry.item) {
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
                    && self.words.iter().all(|word| event_has(word, event, model, log.raw(entry)))
            }
            LogItem::ParseError(error) => {
                self.node == NodeFilter::All
                    && self.run.as_ref().is_none_or(|run| error.text.contains(run.as_str()))
                    && self.words.iter().all(|word| {
                        contains(&error.text, word)
                            || contains(&error.reason, word)
                            || contains(LineKind::Unreadable.words(), word)
                    })
            }
        }
    }

    /// Effort of examining a line, in lines that are examined without a search.
    pub(super) fn effort(&self, log: &EventLog, entry: &LogEntry) -> usize {
        if self.words.is_empty() {
            return 1;
        }
        let bytes = match &entry.item {
            LogItem::Event(_) => log.raw(entry).len(),
            LogItem::ParseError(error) => error.text.len(),
        };
        SEARCH_EFFORT + self.words.len() * bytes / BYTES_PER_EFFORT
    }
}

/// Effort of a search of one line, and number of bytes whose search takes as long as one line without a
/// search.
const SEARCH_EFFORT: usize = 8;
const BYTES_PER_EFFORT: usize = 128;

/// True when an event, the word for its phase or the title of its song contains `word`.
fn event_has(word: &str, event: &WorkflowEvent, model: &Model, raw: &str) -> bool {
    if contains(raw, word) || contains(&phase_words(event), word) {
        return true;
    }
    // JSON may write letters outside ASCII as escapes.
    if !word.is_ascii()
        && let Some(detail) = event.detail.as_deref()
    {
        let texts = [detail.message.as_deref(), detail.error.as_deref()];
        if texts.into_iter().flatten().any(|text| contains(text, word)) {
            return true;
        }
    }
    let title = model.run(&event.run_id).and_then(|run| run.song_title.as_deref());
    title.is_some_and(|title| contains(title, word))
}

/// True when `text` contains `word`, which is in lower case, in letters of either case. Allocates nothing
/// for a word in ASCII.
fn contains(text: &str, word: &str) -> bool {
    if !word.is_ascii() {
        return text.to_lowercase().contains(word);
    }
    let (text, word) = (text.as_bytes(), word.as_bytes());
    let Some((first, _)) = word.split_first() else { return true };
    let (lower, upper) = (*first, first.to_ascii_uppercase());
    text.windows(word.len()).any(|window| {
        (window[0] == lower || window[0] == upper) && window.eq_ignore_ascii_case(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panel::testing::{frame, receive, run_store};

    #[test]
    fn search_ignores_case() {
        assert!(contains("Genre NOT found", "not f"));
        assert!(contains("Ürzte", "ü") && contains("ΑΒΓ", "β"));
        assert!(!contains("no", "not"));
        assert!(contains("", ""));
    }

    /// Numbers of the lines that pass.
    fn passing(filter: &LogFilter) -> Vec<u64> {
        let title = r#"{"song_title":"Glass Harbour"}"#;
        let mut run_store = run_store(&[
            &frame(0, "run-1", None, "start", title),
            &frame(1, "run-1", Some("PLAN"), "start", "{}"),
            &frame(2, "run-1", Some("PLAN"), "fail", r#"{"error":"quota exceeded"}"#),
            &frame(3, "run-2", Some("STYLE"), "end", r#"{"message":"gr\u00fcn"}"#),
            &frame(4, "run-2", None, "info", r#"{"message":"Workflow cancelled"}"#),
            &frame(5, "run-2", Some("PLAN"), "paused", "{}"),
        ]);
        receive(&mut run_store, &[r#"{"run_id":"run-2","#]);
        let (model, log) = (&run_store.model, run_store.model.log());
        let lines = log.entries().iter().filter(|line| filter.passes(model, log, line));
        lines.map(|line| line.seq).collect()
    }

    #[test]
    fn each_filter_applies() {
        let check = |filter: LogFilter, expected: &[u64]| {
            assert_eq!(passing(&filter), expected, "{filter:?}");
        };
        let all = LogFilter::default;
        check(all(), &[0, 1, 2, 3, 4, 5, 6]);
        check(LogFilter { run: Some("run-1".into()), ..all() }, &[0, 1, 2]);
        // An unreadable line that names the run.
        check(LogFilter { run: Some("run-2".into()), ..all() }, &[3, 4, 5, 6]);
        check(LogFilter { node: NodeFilter::Workflow, ..all() }, &[0, 4]);
        check(LogFilter { node: NodeFilter::Node("PLAN".into()), ..all() }, &[1, 2, 5]);
        check(LogFilter { kind: KindFilter::Kind(LineKind::Started), ..all() }, &[0, 1]);
        check(LogFilter { kind: KindFilter::From(Level::Error), ..all() }, &[2, 6]);
        check(LogFilter { kind: KindFilter::From(Level::Warning), ..all() }, &[2, 4, 5, 6]);
    }

    #[test]
    fn all_words_of_a_search_have_to_occur() {
        let check = |search: &str, expected: &[u64]| {
            let filter = LogFilter { words: LogFilter::words_of(search), ..LogFilter::default() };
            assert_eq!(passing(&filter), expected, "{search}");
        };
        check("  QUOTA ", &[2]);
        check("plan start", &[1]);
        check("plan quota nothing", &[]);
        // Words that are shown, though they were not received.
        check("failed", &[2]);
        check("done", &[3]);
        check("glass harbour", &[0, 1, 2]);
        check("harbour failed", &[2]);
        check("unreadable", &[6]);
        // Escaped letters.
        check("GRÜN", &[3]);
    }
}
