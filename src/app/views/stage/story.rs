//! The run's story in a sentence or two, for the space beside the FIX loop.

use crate::model::{NodeStatus, Run, RunStatus};
use crate::protocol::MAX_FIX_PASSES;

use crate::app::state::clock::millis_between;
use crate::app::state::run_view::StageView;
use crate::app::words::{ago_words, duration_words, number_words};

/// Sentences about the run that the rack does not show at a glance; empty when there are none.
pub fn story(run: &Run, view: &StageView, now: jiff::Timestamp) -> Vec<String> {
    let mut told = Vec::new();
    if run.nodes.iter().any(|node| node.status == NodeStatus::Unknown) {
        told.push(if run.nodes.iter().any(|node| node.was_seen()) {
            "Some of its first steps were not seen.".to_owned()
        } else {
            "Its steps were not seen.".to_owned()
        });
    }
    if view.fix.passes > 0 {
        told.push(fix_story(view));
    }
    if run.status == RunStatus::Completed
        && run.node("RENDER").is_some_and(|render| render.status == NodeStatus::Skipped)
    {
        told.push(if view.fix.passes >= MAX_FIX_PASSES {
            "No fix was good enough, so nothing was rendered.".to_owned()
        } else {
            "Nothing was rendered.".to_owned()
        });
    }
    if let Some(failed) =
        run.failed_node().filter(|_| run.status == RunStatus::Failed && !told.is_empty())
    {
        let after = failed
            .duration_ms
            .map_or_else(String::new, |millis| format!(" after {}", unbroken(millis)));
        told.push(format!("{} failed{after}.", failed.name));
    }
    for module in view.modules.iter().filter(|module| module.has_focus() && module.is_slow()) {
        if let Some(baseline) = module.baseline {
            told.push(format!(
                "{} is slow: only the slowest 5 % take over {}.",
                module.name,
                unbroken(baseline.p95_ms)
            ));
        }
    }
    if view.cancel_requested {
        told.push(if run.status == RunStatus::Running {
            "Cancel requested; the run continues.".to_owned()
        } else {
            "Cancel requested; the run continued to its end.".to_owned()
        });
    }
    if run.executions > 1
        && let Some(before) = run.history.last()
    {
        told.push(format!("The previous execution {}.", outcome_words(before.status)));
    }
    if told.is_empty() && run.status.is_over() && run.status != RunStatus::Failed {
        let ended = run.ended_at.map(|at| ago_words(millis_between(at, now)));
        told.extend(ended.map(|ago| format!("Ended {ago}.")));
    }
    told
}

fn outcome_words(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Completed => "finished",
        RunStatus::Failed => "failed",
        RunStatus::Cancelled => "was cancelled",
        RunStatus::Pending | RunStatus::Running => "was not seen to end",
    }
}

/// Formats a duration with no-break spaces.
fn unbroken(millis: u64) -> String {
    duration_words(millis).replace(' ', "\u{a0}")
}

fn times_words(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{more} times"),
    }
}

fn fix_story(view: &StageView) -> String {
    let refused = view.fix.verdicts.iter().filter(|v| v.passed == Some(false)).count() as u32;
    let refused = times_words(refused.max(view.fix.passes.min(MAX_FIX_PASSES)));
    let mut scores = view.fix.verdicts.iter().filter_map(|verdict| verdict.score);
    let first = scores.next();
    match (first, scores.next_back()) {
        (Some(first), Some(last)) if last > first => format!(
            "VALIDATE refused {refused}; fixing raised the score from {} to {}.",
            number_words(first),
            number_words(last)
        ),
        (Some(first), Some(last)) => {
            format!(
                "VALIDATE refused {refused}; the score went from {} to {}.",
                number_words(first),
                number_words(last)
            )
        }
        (Some(first), None) => {
            format!("VALIDATE refused {refused}, with a score of {}.", number_words(first))
        }
        _ => format!("VALIDATE refused {refused}."),
    }
}
