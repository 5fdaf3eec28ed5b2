//! A notice: something that happened just now and that somebody may want to hear of.

use jiff::Timestamp;

use crate::app::words::{duration_words, one_line};
use crate::protocol::{NodeName, RunId};
use crate::source::{OperationOutcome, RunOperation};

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// A run came to a good end.
    Completed { took_ms: Option<u64> },
    /// A run failed.
    Failed {
        /// Where; `None` where the run says nothing of a node.
        node: Option<NodeName>,
        reason: String,
    },
    /// What somebody here asked for was done.
    Done { operation: RunOperation, words: String },
    /// It was not: why.
    Refused { operation: RunOperation, words: String },
}

impl News {
    /// Whether something went wrong.
    pub fn is_bad(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Refused { .. })
    }

    /// Whether somebody here waits for it.
    pub fn is_an_answer(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Refused { .. })
    }

    /// What weighs more comes first.
    pub fn weight(&self) -> u8 {
        match self {
            Self::Completed { .. } => 0,
            Self::Failed { .. } => 1,
            Self::Done { .. } => 2,
            Self::Refused { .. } => 3,
        }
    }

    /// Whether it is the same again, of another run.
    pub fn has_cause_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Failed { node: a, reason: why }, Self::Failed { node: b, reason }) => {
                a == b && why == reason
            }
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// By this machine's clock.
    pub at: Timestamp,
    /// The run that it is about, where there is one to go to.
    pub run: Option<RunId>,
    /// What that run is called; the song's id where there is no run yet.
    pub title: String,
    pub news: News,
}

impl Notice {
    /// What became of an act.
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

    /// What happened, in few words.
    pub fn head(&self) -> String {
        match &self.news {
            News::Completed { .. } => "Workflow completed successfully".to_owned(),
            News::Failed { node: Some(node), .. } => format!("Workflow failed at {node}"),
            News::Failed { node: None, .. } => "Workflow failed".to_owned(),
            News::Done { operation, .. } => match operation {
                RunOperation::Start { .. } => "Workflow started",
                RunOperation::Cancel(_) => "Cancel was asked for",
                RunOperation::Retry(_) => "Retry was made",
                RunOperation::Execute(_) => "Execution began",
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
        }
    }

    /// Of what, and why.
    pub fn words(&self) -> String {
        match &self.news {
            News::Completed { took_ms: Some(millis) } => {
                format!("{}, took {}", self.title, duration_words(*millis))
            }
            News::Completed { took_ms: None } => self.title.clone(),
            News::Failed { reason, .. } => format!("{}: {}", self.title, one_line(reason)),
            News::Done { words, .. } => format!("{}: {}", self.title, lower_first(words)),
            News::Refused { words, .. } => one_line(words),
        }
    }
}

/// Words that go on behind a colon.
fn lower_first(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_lowercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}
