//! The run's story in a sentence or two, for the space beside the FIX loop.

use crate::model::{NodeStatus, Run, RunStatus};
use crate::protocol::MAX_FIX_PASSES;

use crate::app::state::clock::millis_between;
use crate::app::state::finale::is_as_usual;
use crate::app::state::run_store::RunStore;
use crate::app::state::run_view::{ModuleView, StageView};
use crate::app::words::{ago_words, clock_words, duration_words, number_words, whole_seconds};

/// Sentences about the run that the rack does not show at a glance.
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
    if told.is_empty() {
        told.extend(progress_story(run, view));
    }
    told
}

/// How far the run has come, and how fast.
fn progress_story(run: &Run, view: &StageView) -> Option<String> {
    let done: Vec<&ModuleView> =
        view.modules.iter().filter(|module| module.status == NodeStatus::Success).collect();
    let steps = match done.len() {
        0 => "No step".to_owned(),
        1 => "One step".to_owned(),
        count => format!(
            "{} steps",
            NUMBERS.get(count).map_or(count.to_string(), |word| (*word).to_owned())
        ),
    };
    match run.status {
        RunStatus::Pending => Some("Not started yet.".to_owned()),
        RunStatus::Running if done.is_empty() => {
            let first = view.modules.iter().find(|module| module.has_focus())?;
            Some(format!("{} is its first step.", first.name))
        }
        RunStatus::Running => Some(match pace_words(&done) {
            Some(pace) => format!("{steps} done, {pace}."),
            None => format!("{steps} done."),
        }),
        RunStatus::Failed => {
            let were = if done.len() > 1 { "were" } else { "was" };
            Some(format!("{steps} {were} done before."))
        }
        RunStatus::Completed | RunStatus::Cancelled => None,
    }
}

const NUMBERS: [&str; 10] =
    ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"];

/// Compares the time of finished steps with their usual times; `None` if these are not known.
fn pace_words(done: &[&ModuleView]) -> Option<String> {
    let pairs: Vec<(u64, u64)> = done
        .iter()
        .filter_map(|module| {
            // The first run has only its own passes to be compared with.
            let own = module.attempts.max(1) as usize;
            let usual = module.baseline.filter(|baseline| baseline.samples > own)?;
            Some((module.duration_ms?, usual.p50_ms))
        })
        .collect();
    let (took, usual) = pairs.iter().fold((0_u64, 0_u64), |sum, pair| {
        (sum.0.saturating_add(pair.0), sum.1.saturating_add(pair.1))
    });
    if usual == 0 {
        return None;
    }
    let difference = took.abs_diff(usual);
    let all_faster = pairs.len() > 1 && pairs.iter().all(|(took, usual)| took <= usual);
    Some(if is_as_usual(took, usual) {
        "as fast as usual".to_owned()
    } else if took < usual && all_faster && difference < usual / 5 {
        "all a little faster than usual".to_owned()
    } else {
        let than = if took < usual { "faster" } else { "slower" };
        format!("{} {than} than usual", whole_seconds(difference + 500).replace(' ', "\u{a0}"))
    })
}

/// How long the two finished runs before this one took; empty when there are none.
pub fn past_story(run: &Run, run_store: &RunStore) -> String {
    let begun_at = run.started_at.unwrap_or(run.first_event_at());
    let mut last: [Option<(jiff::Timestamp, u64)>; 2] = [None; 2];
    let finished = run_store.model.runs().filter(|other| other.status == RunStatus::Completed);
    for other in finished.filter(|other| other.id() != run.id()) {
        let ended = other.ended_at.filter(|at| *at <= begun_at).zip(other.duration_ms);
        if ended > last[1] {
            last[1] = ended;
            last.sort_by(|a, b| b.cmp(a));
        }
    }
    let took = |millis: u64| clock_words(millis.saturating_add(500)).replace(' ', "\u{a0}");
    match last {
        [Some((_, last)), Some((_, before))] => {
            format!("The two songs before it took {} and {}.", took(before), took(last))
        }
        [Some((_, last)), None] => format!("The song before it took {}.", took(last)),
        _ => String::new(),
    }
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
