//! Ended executions of a run, as far as the history counts them.

use jiff::Timestamp;
use smol_str::SmolStr;

use super::cause::Cause;
use crate::model::{Attempt, FailureCause, Node, NodeStatus, Run, RunStatus, failure_words_of};
use crate::protocol::NodeName;
use crate::text;

/// Most durations of steps that are counted of one execution.
const MOST_DURATIONS: usize = 256;

/// Most characters kept of an example of a cause.
const LONGEST_EXAMPLE: usize = 200;

/// Steps that decide whether a song needs a fix, and whose failure means that no fix helped.
const FIXING: [&str; 2] = ["VALIDATE", "FIX"];

/// Outcome of an execution of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Ended without an error.
    Finished,
    /// Ended with an error.
    Failed,
    /// Cancelled by a user.
    Cancelled,
}

/// An execution of a run that has ended: all that the history counts of it.
#[derive(Clone, Debug, PartialEq)]
pub struct EndedRun {
    /// Second in which it ended, by the server's clock.
    pub second: i64,
    /// Outcome of the execution.
    pub outcome: Outcome,
    /// Duration in milliseconds, where it is known.
    pub took_ms: Option<u64>,
    /// Milliseconds of each attempt of a step that succeeded.
    pub steps: Vec<(NodeName, u64)>,
    /// Cause of the failure, and the reason as it was given.
    pub cause: Option<(Cause, SmolStr)>,
    /// Place in [`Bucket::fixes`](super::Bucket::fixes); `None` where the song was not judged.
    pub fixes: Option<u8>,
}

impl EndedRun {
    /// Returns the ended executions of a run, each with its number, oldest first. The model keeps the last
    /// eight earlier ones. The flag says whether the last one is over.
    pub fn all_of(run: &Run) -> Vec<(u32, Self)> {
        let mut all = Vec::new();
        let first = first_known(run);
        for (number, execution) in (first..).zip(&run.history) {
            let at = execution.ended_at.or(execution.started_at).unwrap_or(run.first_event_at());
            let fixes = execution.nodes.iter().find(|node| node.name == "FIX");
            let told = Told {
                status: execution.status,
                at,
                took_ms: execution.duration_ms,
                error: execution.error.as_deref(),
                nodes: &execution.nodes,
                fixes: fixes.map_or(0, |node| node.attempts),
            };
            all.extend(told.ended().map(|ended| (number, ended)));
        }
        let told = Told {
            status: run.status,
            at: run.counted_end().unwrap_or(run.last_event_at()),
            took_ms: run.duration_ms,
            error: run.error.as_deref(),
            nodes: &run.nodes,
            fixes: run.fix_iterations,
        };
        all.extend(told.ended().map(|ended| (run.executions.max(first), ended)));
        all
    }
}

/// Returns the number of the first execution that the model still knows.
pub(super) fn first_known(run: &Run) -> u32 {
    let earlier = u32::try_from(run.history.len()).unwrap_or(u32::MAX);
    run.executions.saturating_sub(earlier).max(1)
}

/// Facts about one execution.
struct Told<'a> {
    status: RunStatus,
    at: Timestamp,
    took_ms: Option<u64>,
    error: Option<&'a str>,
    nodes: &'a [Node],
    fixes: u32,
}

impl Told<'_> {
    fn ended(&self) -> Option<EndedRun> {
        let outcome = match self.status {
            RunStatus::Completed => Outcome::Finished,
            RunStatus::Failed => Outcome::Failed,
            RunStatus::Cancelled => Outcome::Cancelled,
            RunStatus::Pending | RunStatus::Running => return None,
        };
        let cause = (outcome == Outcome::Failed).then(|| {
            let (step, reason) = failure_words_of(self.nodes, self.error);
            let example = text::excerpt(&reason, LONGEST_EXAMPLE);
            (Cause::of(&FailureCause::new(step, &reason)), SmolStr::from(example))
        });
        let fixes = match outcome {
            Outcome::Finished => Some(self.fixes.min(3) as u8),
            Outcome::Failed => {
                let step = cause.as_ref().and_then(|(cause, _)| cause.step.as_deref());
                step.is_some_and(|step| FIXING.contains(&step)).then_some(4)
            }
            Outcome::Cancelled => None,
        };
        let took = |node: &'_ Node| {
            let done = |attempt: &Attempt| {
                (attempt.status == NodeStatus::Success).then_some(attempt.duration_ms)?
            };
            let name = node.name.clone();
            node.history().iter().filter_map(done).map(move |ms| (name.clone(), ms)).collect()
        };
        let mut steps: Vec<(NodeName, u64)> =
            self.nodes.iter().flat_map(|node| -> Vec<(NodeName, u64)> { took(node) }).collect();
        steps.truncate(MOST_DURATIONS);
        Some(EndedRun {
            second: self.at.as_second(),
            outcome,
            took_ms: self.took_ms,
            steps,
            cause,
            fixes,
        })
    }
}
