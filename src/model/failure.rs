//! Causes of failures and final scores: the outcome of a run in one line.

use super::node::failed_node;
use super::{Node, Run, RunStatus};
use crate::protocol::Score;
use crate::text;

/// Returns the failed node, if one failed, and the reason on one line; `None` unless the run
/// failed.
pub fn failure_words(run: &Run) -> Option<(Option<String>, String)> {
    if run.status != RunStatus::Failed {
        return None;
    }
    Some(failure_words_of(&run.nodes, run.error.as_deref()))
}

/// Returns the failed node, if one failed, and the reason on one line, of a failed execution with these
/// nodes and this error.
pub fn failure_words_of(nodes: &[Node], error: Option<&str>) -> (Option<String>, String) {
    let node = failed_node(nodes);
    let error = node.map_or(error, |node| node.error.as_deref());
    let unknown = || "no reason was given".to_owned();
    (node.map(|node| node.name.to_string()), error.map_or_else(unknown, reason_of))
}

/// Returns an error on one line, without its traceback, which only the inspector shows; the text before
/// it says what happened.
fn reason_of(error: &str) -> String {
    let said = error.split("Traceback (most recent call last)").next();
    let said = said.filter(|said| !said.trim().is_empty()).unwrap_or(error);
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Cause of a failure, by which failures are grouped: the step that failed and the reason, in which
/// numbers and ids do not count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FailureCause {
    /// The failed step; `None` where no step failed.
    step: Option<String>,
    masked_reason: String,
}

impl FailureCause {
    /// Returns the cause of the failure of `run`; `None` unless it failed.
    pub fn of(run: &Run) -> Option<Self> {
        let (step, reason) = failure_words(run)?;
        Some(Self::new(step, &reason))
    }

    /// Returns the cause of a failure of this step for this reason.
    pub fn new(step: Option<String>, reason: &str) -> Self {
        Self { step, masked_reason: text::masked(reason) }
    }

    /// The failed step; `None` where no step failed.
    pub fn step(&self) -> Option<&str> {
        self.step.as_deref()
    }

    /// The reason, in which `#` stands for numbers and ids.
    pub fn masked_reason(&self) -> &str {
        &self.masked_reason
    }
}

/// True when a score of this name is the total of the others.
pub fn is_total_score(name: &str) -> bool {
    matches!(name, "total" | "score" | "overall")
}

/// Returns the score named "total", else "score", else "overall".
pub fn total_score(scores: &[Score]) -> Option<f64> {
    let named = |name: &str| scores.iter().find(|(n, _)| n == name).map(|(_, value)| *value);
    named("total").or_else(|| named("score")).or_else(|| named("overall"))
}

/// Returns the total score of the last VALIDATE attempt that reported any.
pub fn final_score(run: &Run) -> Option<f64> {
    let attempts = run.node("VALIDATE")?.history();
    total_score(&attempts.iter().rfind(|attempt| !attempt.scores.is_empty())?.scores)
}
