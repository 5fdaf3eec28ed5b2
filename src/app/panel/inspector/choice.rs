//! Choice of an attempt of a step, or of an event. One choice is framed in every section, and in the
//! list of events.

use jiff::Timestamp;

use crate::app::panel::log::attempt_at;
use crate::model::{Attempt, Node, Run, RunStatus};
use crate::protocol::{NodeName, RunId};
use crate::timeline::Bar;

/// A chosen attempt of a step, or a chosen event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app::panel) struct Choice {
    /// The run.
    pub run: RunId,
    /// The step; `None` for an event of the run as a whole.
    pub node: Option<NodeName>,
    /// Number of the attempt of the step, from 1; those no longer kept count as well. 0 where the step has none.
    pub attempt: u32,
    /// Number of the chosen event in the log; `None` when the attempt as a whole was chosen.
    pub event: Option<u64>,
}

impl Choice {
    /// Chooses an attempt of a step.
    pub(in crate::app::panel) fn of_attempt(run: &Run, node: &NodeName, attempt: u32) -> Self {
        Self { run: run.id().clone(), node: Some(node.clone()), attempt, event: None }
    }

    /// Chooses an event, and with it the attempt to which it belongs. `seq` is its number in the log, `at` its
    /// instant by the server's clock; with `is_end` it ends an attempt.
    pub(in crate::app::panel) fn of_event(
        run: &Run,
        node: Option<&str>,
        (at, is_end): (Timestamp, bool),
        seq: u64,
    ) -> Self {
        let found = node.and_then(|name| run.node(name));
        Self {
            run: run.id().clone(),
            node: node.map(NodeName::new),
            attempt: found.map_or(0, |node| attempt_to_show(node, at, is_end)),
            event: Some(seq),
        }
    }

    /// True when this attempt of the run is chosen.
    pub(in crate::app::panel) fn is_attempt(&self, run: &Run, node: &str, attempt: u32) -> bool {
        self.run == *run.id() && self.node.as_deref() == Some(node) && self.attempt == attempt
    }
}

/// Number of attempts of a node that are no longer kept.
pub(super) fn dropped(node: &Node) -> u32 {
    node.attempts.saturating_sub(node.history().len() as u32)
}

/// Returns an attempt by its number, from 1; `None` when it is no longer kept.
pub(super) fn attempt_of(node: &Node, number: u32) -> Option<&Attempt> {
    let index = number.checked_sub(dropped(node) + 1)?;
    node.history().get(index as usize)
}

/// Number of the attempt that a bar shows, from 1.
pub(super) fn number_of(run: &Run, bar: &Bar) -> u32 {
    run.node(&bar.node).map_or(0, dropped) + bar.attempt as u32 + 1
}

/// Returns the number of the attempt at an instant, else of the first one kept; 0 where the step has none.
fn attempt_to_show(node: &Node, at: Timestamp, is_end: bool) -> u32 {
    let first = if node.history().is_empty() { 0 } else { dropped(node) + 1 };
    attempt_at(node, at, is_end).unwrap_or(first)
}

/// Returns the step and attempt to show: the chosen one, else the latest attempt of the failed, running or
/// last seen step.
pub(super) fn shown<'a>(run: &'a Run, choice: Option<&Choice>) -> Option<(&'a Node, u32)> {
    let chosen = choice.filter(|choice| choice.run == *run.id());
    if let Some(choice) = chosen
        && let Some(node) = choice.node.as_deref().and_then(|name| run.node(name))
    {
        let is_kept = attempt_of(node, choice.attempt).is_some();
        return Some((node, if is_kept { choice.attempt } else { latest(node) }));
    }
    let node = shown_node(run)?;
    Some((node, latest(node)))
}

/// Number of the latest attempt; 0 where there is none.
pub(super) fn latest(node: &Node) -> u32 {
    dropped(node) + node.history().len() as u32
}

/// Returns the step to show of a run of which none was chosen: the failed, running or last seen one.
pub(in crate::app::panel) fn shown_node(run: &Run) -> Option<&Node> {
    run.failed_node()
        .filter(|_| run.status == RunStatus::Failed)
        .or_else(|| run.current_node())
        .or_else(|| last_seen(run))
        .or_else(|| run.nodes.first())
}

/// Returns the step that started last, as far as its start is known.
fn last_seen(run: &Run) -> Option<&Node> {
    run.nodes.iter().rev().find(|node| node.was_seen())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panel::testing::{frame, run_store};

    #[test]
    fn event_belongs_to_the_attempt_that_was_under_way() {
        let frames = [
            frame(0, "r", None, "start", "{}"),
            frame(10, "r", Some("VALIDATE"), "start", "{}"),
            frame(14, "r", Some("VALIDATE"), "end", "{}"),
            frame(20, "r", Some("FIX"), "start", "{}"),
            frame(30, "r", Some("FIX"), "end", "{}"),
            frame(60, "r", Some("VALIDATE"), "start", "{}"),
        ];
        let run_store = run_store(&frames.each_ref().map(String::as_str));
        let run = run_store.model.run("r").unwrap();
        let at = |second: i64| {
            let begin: Timestamp = "2025-11-13T10:00:00Z".parse().unwrap();
            begin + jiff::SignedDuration::from_secs(second)
        };
        let attempt = |node, second| Choice::of_event(run, node, (at(second), false), 7).attempt;
        assert_eq!(attempt(Some("VALIDATE"), 5), 1, "before the first");
        assert_eq!(attempt(Some("VALIDATE"), 14), 1);
        assert_eq!(attempt(Some("VALIDATE"), 40), 1);
        assert_eq!(attempt(Some("VALIDATE"), 60), 2);
        assert_eq!(attempt(Some("RENDER"), 60), 0);
        assert_eq!(attempt(None, 60), 0);
        let chosen = Choice::of_event(run, Some("VALIDATE"), (at(14), true), 2);
        assert!(chosen.is_attempt(run, "VALIDATE", 1) && !chosen.is_attempt(run, "FIX", 1));
        let (node, number) = shown(run, Some(&chosen)).unwrap();
        assert_eq!((node.name.as_str(), number), ("VALIDATE", 1));
        let (node, number) = shown(run, None).unwrap();
        assert_eq!((node.name.as_str(), number), ("VALIDATE", 2));
    }
}
