//! The finale of a song that finished on the stage: what it shows, and for how long.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::clock::millis_between;
use super::run_store::RunStore;
use super::run_view::{
    StageView, final_score, ordinal_words, queued_ms, remaining_words, total_score,
};
use super::spread::passes_of_others;
use super::status::DisplayStatus;
use super::take::Take;
use crate::app::words::{
    ago_words, clock_words, count_words, duration_words, number_words, spaced_words, whole_seconds,
};
use crate::model::{Baseline, Model, Node, NodeStatus, Run, RunStatus, Stats};
use crate::protocol::MAX_FIX_PASSES;

/// Time for which a finished song keeps the stage, in milliseconds.
const LENGTH_MS: u64 = 12_000;
/// The same while nothing else runs.
const LENGTH_ALONE_MS: u64 = 20_000;
/// Greatest age of a run's end at which its arrival begins a finale, in milliseconds.
const NEWS_MS: u64 = 45_000;
/// Artifacts, scores and facts listed at most.
const MOST_ROWS: usize = 4;
/// Least difference from the usual time that is told, in milliseconds.
const LEAST_DIFFERENCE_MS: u64 = 1_000;

/// True for a run that made a song. One that ended without rendering has no finale, nor has one of which no
/// step was seen.
pub fn is_due(run: &Run) -> bool {
    let rendered = run.node("RENDER").is_none_or(|node| node.status != NodeStatus::Skipped);
    let seen = run.nodes.iter().any(Node::was_seen);
    run.status == RunStatus::Completed && rendered && seen && run.ended_at.is_some()
}

/// Returns how long the finale of a run lasts.
pub fn length_ms(model: &Model) -> u64 {
    if model.newest_active().is_some() { LENGTH_MS } else { LENGTH_ALONE_MS }
}

/// Returns the age in milliseconds at which the finale of a run begins that ended `since_end_ms` ago: a whole
/// one where the run was seen to go on (`was_running`), else what is left of it.
pub fn first_age_ms(since_end_ms: u64, was_running: bool) -> u64 {
    if was_running && since_end_ms < NEWS_MS { 0 } else { since_end_ms }
}

/// True when another run failed since this one ended, which ends its finale.
pub fn failed_since(run: &Run, model: &Model) -> bool {
    model.count(RunStatus::Failed) > 0
        && model.runs().any(|other| {
            other.status == RunStatus::Failed
                && other.id() != run.id()
                && other.ended_at >= run.ended_at
        })
}

/// Everything that a finale shows beside the stage's own header.
#[derive(Clone, Debug, PartialEq)]
pub struct FinaleView {
    pub take: Arc<Take>,
    /// "4 s ago, after 1 fix of 3".
    pub detail: String,
    pub score: Option<f64>,
    /// "usual 0.87"; empty when there are no other scores.
    pub usual_score: String,
    /// "best of 14 runs"; empty when there are no other scores.
    pub rank: String,
    /// Duration without the queue, and the usual and slowest ones.
    pub took_ms: u64,
    pub usual_ms: Option<u64>,
    pub slowest_ms: Option<u64>,
    /// "42 s longer than usual", and what made the difference.
    pub comparison: [String; 2],
    pub steps: Vec<StepTime>,
    pub made: Made,
    pub scores: Vec<(String, f64)>,
    /// "Salt & Static, 0:22 to go": the run that is shown next.
    pub next: Option<String>,
}

/// Rows of the first block.
#[derive(Clone, Debug, PartialEq)]
pub enum Made {
    /// Artifacts with the step that reported each; "and 3 more" without one.
    Artifacts(Vec<(String, String)>),
    /// Facts about the run's way, where no artifact was reported.
    Way(Vec<(String, String)>),
}

/// A step's time in this run.
#[derive(Clone, Debug, PartialEq)]
pub struct StepTime {
    pub name: String,
    pub status: DisplayStatus,
    /// "0:34 + 0:32".
    pub time: String,
    /// "usual 0:33".
    pub usual: String,
}

impl FinaleView {
    /// Returns the finale of a run with its take; `None` when it has none. `follows` is true where the stage
    /// goes on to another run by itself.
    pub fn of(
        run: &Run,
        stage: &StageView,
        take: Arc<Take>,
        run_store: &RunStore,
        server_now: Timestamp,
        follows: bool,
    ) -> Option<Self> {
        if !is_due(run) {
            return None;
        }
        let model = &run_store.model;
        let took_ms = run.duration_ms.unwrap_or(take.total_ms);
        // This run is among the finished ones by now.
        let baseline = model.stats().run_baseline().filter(|baseline| baseline.samples > 1);
        let (usual_ms, slowest_ms) =
            (baseline.map(|baseline| baseline.p50_ms), baseline.map(|baseline| baseline.p95_ms));
        let (score, others) = scores_of(run, model);
        let fixes = match stage.fix.passes {
            0 => "without a fix".to_owned(),
            passes => {
                let word = if passes == 1 { "fix" } else { "fixes" };
                format!("after {passes} {word} of {MAX_FIX_PASSES}")
            }
        };
        let ended = run.ended_at.map_or(0, |at| millis_between(at, server_now));
        let ago = if ended < 1_000 { "just now".to_owned() } else { ago_words(ended) };
        Some(Self {
            detail: format!("{ago}, {fixes}"),
            usual_score: usual_score(&others),
            rank: score.map_or_else(String::new, |score| rank(score, &others)),
            score,
            took_ms,
            usual_ms,
            slowest_ms,
            comparison: comparison(run, stage, model.stats(), took_ms, usual_ms),
            steps: run.nodes.iter().map(|node| step_time(node, model.stats())).collect(),
            made: made(run),
            scores: stage.scores.as_ref().map_or_else(Vec::new, |scores| {
                scores.parts.iter().take(MOST_ROWS).cloned().collect()
            }),
            next: follows.then(|| next(run_store, server_now)).flatten(),
            take,
        })
    }
}

/// Returns the take of a run; `None` when too little is known of its times.
pub fn take_of(run: &Run, stage: &StageView) -> Option<Take> {
    Take::of(run, &verdicts_of(run, stage))
}

/// Returns the fix loop with the verdict of a run that needed no fix.
fn verdicts_of(run: &Run, stage: &StageView) -> super::run_view::FixView {
    let mut fix = stage.fix.clone();
    if fix.passes == 0
        && let Some(validate) =
            run.node("VALIDATE").filter(|node| node.status == NodeStatus::Success)
    {
        let score = total_score(&validate.scores);
        fix.verdicts = vec![super::run_view::Verdict { passed: Some(true), score }];
    }
    fix
}

/// Returns the run's total score, and those of all other finished runs in ascending order.
fn scores_of(run: &Run, model: &Model) -> (Option<f64>, Vec<f64>) {
    let of = |run: &Run| final_score(run).filter(|score| score.is_finite());
    let finished = model.runs().filter(|other| other.status == RunStatus::Completed);
    let mut others: Vec<f64> =
        finished.filter(|other| other.id() != run.id()).filter_map(of).collect();
    others.sort_by(f64::total_cmp);
    (of(run), others)
}

/// The median of other runs' scores, which are in ascending order.
fn usual_score(others: &[f64]) -> String {
    let median = others.get(others.len().saturating_sub(1) / 2);
    median.map_or_else(String::new, |score| format!("usual {}", number_words(*score)))
}

fn rank(score: f64, others: &[f64]) -> String {
    if others.is_empty() {
        return String::new();
    }
    let better = others.iter().filter(|other| **other > score).count();
    let count = count_words(others.len() as u64 + 1);
    match better {
        0 => format!("best of {count} runs"),
        better => {
            let place = u32::try_from(better + 1).unwrap_or(u32::MAX);
            format!("{} of {count} runs", ordinal_words(place))
        }
    }
}

/// Formats a difference, rounded to whole seconds.
fn difference_words(millis: u64) -> String {
    whole_seconds(millis.saturating_add(500))
}

/// True when a time differs too little from the usual one to say so.
pub fn is_as_usual(took_ms: u64, usual_ms: u64) -> bool {
    took_ms.abs_diff(usual_ms) < LEAST_DIFFERENCE_MS.max(usual_ms / 50)
}

/// Returns the usual time of a step; `None` where only this run's own passes are known.
fn usual_of(node: &Node, stats: &Stats) -> Option<Baseline> {
    stats.node_baseline(&node.name).filter(|_| !passes_of_others(node, stats).is_empty())
}

fn comparison(
    run: &Run,
    stage: &StageView,
    stats: &Stats,
    took_ms: u64,
    usual_ms: Option<u64>,
) -> [String; 2] {
    let total = match usual_ms {
        None => "the first song seen here".to_owned(),
        Some(usual) if is_as_usual(took_ms, usual) => "as long as usual".to_owned(),
        Some(usual) => {
            let than = if took_ms > usual { "longer" } else { "shorter" };
            format!("{} {than} than usual", difference_words(took_ms.abs_diff(usual)))
        }
    };
    [total, reason(run, stage, stats)]
}

/// Returns why the run was longer or shorter: its fixes, else the step that differs most from usual.
fn reason(run: &Run, stage: &StageView, stats: &Stats) -> String {
    let again = |name: &str, first: usize| -> u64 {
        let attempts = run.node(name).map_or(&[][..], |node| node.history());
        attempts.iter().skip(first).filter_map(|attempt| attempt.duration_ms).sum()
    };
    match stage.fix.passes {
        0 => {}
        passes => {
            let millis = again("FIX", 0) + again("COMPOSE", 1) + again("VALIDATE", 1);
            let which =
                if passes == 1 { "the fix".to_owned() } else { format!("the {passes} fixes") };
            return format!("{which} took {}", difference_words(millis));
        }
    }
    let differences = stage.modules.iter().filter_map(|module| {
        let usual = usual_of(run.node(&module.name)?, stats)?.p50_ms;
        let took = module.duration_ms?;
        Some((took.abs_diff(usual), took > usual, &module.name))
    });
    match differences.max_by_key(|(difference, ..)| *difference) {
        Some((difference, longer, name)) if difference >= LEAST_DIFFERENCE_MS => {
            let than = if longer { "longer" } else { "less" };
            format!("{name} took {} {than}", difference_words(difference))
        }
        _ => String::new(),
    }
}

fn step_time(node: &Node, stats: &Stats) -> StepTime {
    let times: Vec<u64> = node.history().iter().filter_map(|attempt| attempt.duration_ms).collect();
    let time = match times[..] {
        [] => String::new(),
        [one] => duration_words(one),
        [first, second] if first < 9_950 && second < 9_950 => {
            format!("{} + {}", duration_words(first).trim_end_matches(" s"), duration_words(second))
        }
        [first, second] => format!("{} + {}", duration_words(first), duration_words(second)),
        _ => format!(
            "{} × {}",
            times.len(),
            duration_words(times.iter().sum::<u64>() / times.len() as u64)
        ),
    };
    let baseline = usual_of(node, stats);
    let unused = node.name == "FIX" && node.attempts == 0;
    let status = match node.status {
        NodeStatus::Skipped if unused => DisplayStatus::Pending,
        status => DisplayStatus::from(status),
    };
    let usual = match (node.status, baseline) {
        _ if unused => "not used".to_owned(),
        (NodeStatus::Skipped, _) => "not run".to_owned(),
        (NodeStatus::Unknown, _) => "not seen".to_owned(),
        (_, Some(baseline)) => format!("usual {}", duration_words(baseline.p50_ms)),
        (_, None) => String::new(),
    };
    StepTime { name: node.name.to_string(), status, time, usual }
}

/// Lists the run's artifacts with the step that reported each, the latest first; if none were reported, what
/// is known of its way.
fn made(run: &Run) -> Made {
    let mut artifacts: Vec<(String, String)> = Vec::new();
    let mut seen: HashSet<String> = HashSet::new();
    for event in run.recent_events() {
        let Some((detail, node)) = event.detail.zip(event.node) else { continue };
        for name in &detail.artifacts {
            // A dot begins a file's ending.
            let name = if name.contains('.') { name.to_string() } else { spaced_words(name) };
            if seen.insert(name.clone()) {
                artifacts.push((name, node.to_owned()));
            }
        }
    }
    if artifacts.len() > MOST_ROWS {
        let more = artifacts.len() - (MOST_ROWS - 1);
        artifacts.truncate(MOST_ROWS - 1);
        artifacts.push((format!("and {} more", count_words(more as u64)), String::new()));
    }
    if !artifacts.is_empty() {
        return Made::Artifacts(artifacts);
    }
    let mut rows = Vec::new();
    let attempts: u32 = run.nodes.iter().map(|node| node.attempts).sum();
    rows.push(("steps run".to_owned(), attempts.to_string()));
    rows.push(("events".to_owned(), count_words(run.events())));
    if queued_ms(run) > 0 {
        rows.push(("queued".to_owned(), clock_words(queued_ms(run))));
    }
    if let Some(seed) = run.seed {
        rows.push(("seed".to_owned(), seed.to_string()));
    }
    Made::Way(rows)
}

fn next(run_store: &RunStore, server_now: Timestamp) -> Option<String> {
    let run = run_store.model.newest_active()?;
    let left = run_store.model.remaining(run, server_now);
    Some(format!("{}, {}", run_store.name(run), remaining_words(left)))
}

#[cfg(test)]
#[path = "finale_tests.rs"]
mod tests;
