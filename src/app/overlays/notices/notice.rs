//! Notices: recent events and outcomes of operations that a user may want to know.

use jiff::Timestamp;

use crate::app::words::{duration_words, one_line};
use crate::protocol::{NodeName, RunId};
use crate::source::{OperationOutcome, RunOperation};

/// Kind of a notice.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// A run completed; `took_ms` is its duration in milliseconds.
    Completed { took_ms: Option<u64> },
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
}

impl News {
    /// True when something went wrong.
    pub fn is_bad(&self) -> bool {
        matches!(
            self,
            Self::Failed { .. } | Self::Refused { .. } | Self::Presented { is_refused: true, .. }
        )
    }

    /// True for outcomes of operations that were requested here.
    pub fn is_an_answer(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Refused { .. } | Self::Presented { .. })
    }

    /// Priority: the highest weight is shown first.
    pub fn weight(&self) -> u8 {
        match self {
            Self::Completed { .. } => 0,
            Self::Failed { .. } => 1,
            Self::Done { .. } | Self::Presented { .. } => 2,
            Self::Refused { .. } => 3,
        }
    }

    /// True when both have the same cause: the same node and reason of a failure, or the same kind.
    pub fn has_cause_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Failed { node: a, reason: why }, Self::Failed { node: b, reason }) => {
                a == b && why == reason
            }
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
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
    /// Title of the run; a name for the song while there is no run.
    pub title: String,
    pub news: News,
}

impl Notice {
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

    /// Notice of what a presenter's key did, or of why it did nothing.
    pub fn of_presenting(words: String, is_refused: bool, at: Timestamp) -> Self {
        let title = "Demo studio".to_owned();
        Self { at, run: None, title, news: News::Presented { words, is_refused } }
    }

    /// Heading in a few words.
    pub fn head(&self) -> String {
        match &self.news {
            News::Completed { .. } => "Workflow completed successfully".to_owned(),
            News::Failed { node: Some(node), .. } => format!("Workflow failed at {node}"),
            News::Failed { node: None, .. } => "Workflow failed".to_owned(),
            News::Done { operation, .. } => match operation {
                RunOperation::Start { .. } => "Workflow started",
                RunOperation::Cancel(_) => "Cancel requested",
                RunOperation::Retry(_) => "New run created",
                RunOperation::Execute(_) => "Execution started",
            }
            .to_owned(),
            News::Refused { operation, .. } => {
                let verb = match operation {
                    RunOperation::Start { .. } => "started",
                    RunOperation::Cancel(_) => "cancelled",
                    RunOperation::Retry(_) => "retried",
                    RunOperation::Execute(_) => "executed",
                };
                format!("Could not be {verb}: {}", self.title)
            }
            News::Presented { .. } => self.title.clone(),
        }
    }

    /// Text below the heading: the run's title and details.
    pub fn words(&self) -> String {
        match &self.news {
            News::Completed { took_ms: Some(millis) } => {
                format!("{}, took {}", self.title, duration_words(*millis))
            }
            News::Completed { took_ms: None } => self.title.clone(),
            News::Failed { reason, .. } => format!("{}: {}", self.title, one_line(reason)),
            News::Done { words, .. } => format!("{}: {}", self.title, lower_first(words)),
            News::Refused { words, .. } | News::Presented { words, .. } => one_line(words),
        }
    }
}

/// Lower-cases the first letter, for words after a colon.
fn lower_first(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_lowercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}
