//! Notices: recent events and outcomes of operations that a user may want to know.

use jiff::Timestamp;

use crate::app::words::{clock_words, number_words, one_line, whole_seconds};
use crate::protocol::{NodeName, RunId};
use crate::source::{OperationOutcome, RunOperation};

/// Kind of a notice.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// A run finished.
    Completed {
        /// Duration in milliseconds.
        took_ms: Option<u64>,
        /// Total score of the last VALIDATE.
        score: Option<f64>,
    },
    /// A run failed.
    Failed {
        /// Failed node; `None` when the run's failure names none.
        node: Option<NodeName>,
        reason: String,
    },
    /// An operation that was requested here succeeded.
    Done { operation: RunOperation, words: String },
    /// An operation that was requested here was refused or failed; `words` has the reason.
    Refused { operation: RunOperation, words: String },
    /// Answer to a presenter's key.
    Presented { words: String, is_refused: bool },
    /// The connection stands again; it was lost for `after_ms` milliseconds.
    Reconnected { after_ms: u64 },
}

/// Subject of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Run,
    /// An operation that was requested here.
    Operation,
    /// A presenter's key.
    Presenter,
    Connection,
}

impl News {
    /// True when something went wrong.
    pub fn is_bad(&self) -> bool {
        matches!(
            self,
            Self::Failed { .. } | Self::Refused { .. } | Self::Presented { is_refused: true, .. }
        )
    }

    pub(super) fn subject(&self) -> Subject {
        match self {
            Self::Completed { .. } | Self::Failed { .. } => Subject::Run,
            Self::Done { .. } | Self::Refused { .. } => Subject::Operation,
            Self::Presented { .. } => Subject::Presenter,
            Self::Reconnected { .. } => Subject::Connection,
        }
    }
}

/// A notice about a run or an operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Time by this machine's clock.
    pub at: Timestamp,
    /// Run to open on a click; `None` when there is none.
    pub run: Option<RunId>,
    /// Title of the run; a name for the song while there is no run; "Connected again".
    pub title: String,
    pub news: News,
}

impl Notice {
    /// Notice of a connection that stands again.
    pub fn of_connection(after_ms: u64, at: Timestamp) -> Self {
        let title = "Connected again".to_owned();
        Self { at, run: None, title, news: News::Reconnected { after_ms } }
    }

    /// Notice of what a presenter's key did, or of why it did nothing.
    pub fn of_presenting(words: String, is_refused: bool, at: Timestamp) -> Self {
        let title = "Demo studio".to_owned();
        Self { at, run: None, title, news: News::Presented { words, is_refused } }
    }

    /// Notice of what cannot be done while the past is shown, or of what is not kept.
    pub fn of_rewinding(words: String, at: Timestamp) -> Self {
        Self::of_display("Not possible:", words, true, at)
    }

    /// Notice of what the display did, or of why it did not: "Recording", "Not opened".
    pub fn of_display(title: &str, words: String, is_bad: bool, at: Timestamp) -> Self {
        let news = News::Presented { words, is_refused: is_bad };
        Self { at, run: None, title: title.to_owned(), news }
    }

    /// Notice of an operation's outcome.
    pub fn of_operation(outcome: OperationOutcome, title: String, at: Timestamp) -> Self {
        let OperationOutcome { operation, result } = outcome;
        match result {
            Ok(done) => {
                let news = News::Done { operation, words: done.words };
                Self { at, run: done.run, title, news }
            }
            Err(words) => {
                let run = operation.run().cloned();
                Self { at, run, title, news: News::Refused { operation, words } }
            }
        }
    }

    /// Predicate after the run's title: "finished", "RENDER failed", "could not be retried".
    pub fn verb(&self) -> String {
        match &self.news {
            News::Completed { .. } => "finished".to_owned(),
            News::Failed { node: Some(node), .. } => format!("{node} failed"),
            News::Failed { node: None, .. } => "failed".to_owned(),
            News::Done { operation, .. } => match operation {
                RunOperation::Start { .. } => "started",
                RunOperation::Cancel(_) => "cancel requested",
                RunOperation::Retry(_) => "retry created",
                RunOperation::Execute(_) => "execution started",
            }
            .to_owned(),
            News::Refused { operation, .. } => {
                let verb = match operation {
                    RunOperation::Start { .. } => "started",
                    RunOperation::Cancel(_) => "cancelled",
                    RunOperation::Retry(_) => "retried",
                    RunOperation::Execute(_) => "executed",
                };
                format!("could not be {verb}")
            }
            News::Presented { words, .. } => one_line(words),
            News::Reconnected { after_ms } => format!("after {}", whole_seconds(*after_ms)),
        }
    }

    /// Score and duration, the reason, or the server's words; may be empty.
    pub fn detail(&self) -> String {
        match &self.news {
            News::Completed { took_ms, score } => {
                let score = score.map(|score| format!("score {}", number_words(score)));
                let took = took_ms.map(|millis| format!("took {}", clock_words(millis)));
                score.into_iter().chain(took).collect::<Vec<_>>().join(", ")
            }
            News::Failed { reason, .. } => one_line(reason),
            // Some servers repeat what was asked for.
            News::Done { words, .. } if lower_first(words) == self.verb() => String::new(),
            News::Done { words, .. } | News::Refused { words, .. } => one_line(words),
            News::Presented { .. } | News::Reconnected { .. } => String::new(),
        }
    }

    /// Title and verb: "Paper Lanterns finished".
    pub fn head(&self) -> String {
        format!("{} {}", self.title, self.verb())
    }

    /// Words after the title in a sentence, with the age of a failure: "RENDER failed 4 s ago: quota
    /// exceeded", "finished, score 0.91, took 2:05".
    pub fn sentence(&self, ago: &str) -> String {
        let (verb, detail) = (self.verb(), self.detail());
        let mark = match self.news {
            _ if detail.is_empty() => "",
            News::Completed { .. } => ", ",
            _ => ": ",
        };
        match self.news {
            News::Failed { .. } => format!("{verb} {ago}{mark}{detail}"),
            // "Started with seed 42"
            News::Done { .. } if lower_first(&detail).starts_with(&verb) => lower_first(&detail),
            News::Done { .. } => format!("{verb}{mark}{}", lower_first(&detail)),
            _ => format!("{verb}{mark}{detail}"),
        }
    }
}

/// Lower-cases the first letter, for words after a colon.
fn lower_first(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_lowercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}
