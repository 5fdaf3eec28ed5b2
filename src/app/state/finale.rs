//! The finale of a song that finished on the stage: what it shows, and for how long.

use jiff::Timestamp;

use super::clock::millis_between;
use super::run_store::RunStore;
use super::run_view::{StageView, ordinal_words, queued_ms, remaining, total_score};
use super::status::DisplayStatus;
use super::take::Take;
use crate::app::words::{
    ago_words, clock_words, count_words, number_words, score_words, step_words,
};
use crate::model::{Model, Node, NodeStatus, Run, RunStatus};
use crate::protocol::MAX_FIX_PASSES;

/// Time for which a finished song keeps the stage, in milliseconds.
pub const LENGTH_MS: u64 = 12_000;
/// The same while nothing else runs.
pub const LENGTH_ALONE_MS: u64 = 20_000;
/// Greatest age of a run's end at which its arrival begins a finale, in milliseconds.
pub const NEWS_MS: u64 = 45_000;
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
    pub take: Take,
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
    /// Heading and rows of the first block: what was made, else how it went.
    pub made: (&'static str, Vec<(String, String)>),
    pub scores: Vec<(String, f64)>,
    /// "Salt & Static, 0:22 to go": the run that is shown next.
    pub next: Option<String>,
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
    /// Returns the finale of a run; `None` when it has none. `follows` is true where the stage goes on to
    /// another run by itself.
    pub fn of(
        run: &Run,
        stage: &StageView,
        run_store: &RunStore,
        server_now: Timestamp,
        follows: bool,
    ) -> Option<Self> {
        if !is_due(run) {
            return None;
        }
        let model = &run_store.model;
        let take = Take::of(run, &verdicts_of(run, stage))?;
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
            comparison: comparison(run, stage, took_ms, usual_ms),
            steps: run.nodes.iter().map(|node| step_time(node, run_store)).collect(),
            made: made(run),
            scores: stage.scores.as_ref().map_or_else(Vec::new, |scores| {
                scores.parts.iter().take(MOST_ROWS).cloned().collect()
            }),
            next: follows.then(|| next(run_store, server_now)).flatten(),
            take,
        })
    }
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

/// Returns the run's total score, and those of all finished runs.
fn scores_of(run: &Run, model: &Model) -> (Option<f64>, Vec<f64>) {
    let of = |run: &Run| {
        let validate = run.node("VALIDATE")?;
        let latest = validate.history().iter().rfind(|attempt| !attempt.scores.is_empty())?;
        total_score(&latest.scores).filter(|score| score.is_finite())
    };
    let finished = model.runs().filter(|run| run.status == RunStatus::Completed);
    let mut all: Vec<f64> = finished.filter_map(of).collect();
    all.sort_by(f64::total_cmp);
    (of(run), all)
}

fn usual_score(all: &[f64]) -> String {
    let median = all.get(all.len() / 2).filter(|_| all.len() > 1);
    median.map_or_else(String::new, |score| format!("usual {}", number_words(*score)))
}

fn rank(score: f64, all: &[f64]) -> String {
    let better = all.iter().filter(|other| **other > score).count();
    match (all.len(), better) {
        (0 | 1, _) => String::new(),
        (count, 0) => format!("best of {} runs", count_words(count as u64)),
        (count, better) => {
            let place = u32::try_from(better + 1).unwrap_or(u32::MAX);
            format!("{} of {} runs", ordinal_words(place), count_words(count as u64))
        }
    }
}

/// Formats a difference: whole seconds under a minute, then as a clock.
fn difference_words(millis: u64) -> String {
    match (millis + 500) / 1000 {
        seconds @ 0..60 => format!("{seconds} s"),
        _ => clock_words(millis + 500),
    }
}

fn comparison(run: &Run, stage: &StageView, took_ms: u64, usual_ms: Option<u64>) -> [String; 2] {
    let total = match usual_ms {
        None => "the first song seen here".to_owned(),
        Some(usual) if took_ms.abs_diff(usual) < LEAST_DIFFERENCE_MS.max(usual / 50) => {
            "as long as usual".to_owned()
        }
        Some(usual) => {
            let than = if took_ms > usual { "longer" } else { "shorter" };
            format!("{} {than} than usual", difference_words(took_ms.abs_diff(usual)))
        }
    };
    [total, reason(run, stage)]
}

/// What made the run longer or shorter: its fixes, else the step that differs most from usual.
fn reason(run: &Run, stage: &StageView) -> String {
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
        let (took, usual) = (module.duration_ms?, module.baseline?.p50_ms);
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

fn step_time(node: &Node, run_store: &RunStore) -> StepTime {
    let times: Vec<u64> = node.history().iter().filter_map(|attempt| attempt.duration_ms).collect();
    let time = match times[..] {
        [] => String::new(),
        [one] => step_words(one),
        [first, second] if first < 9_950 && second < 9_950 => {
            format!("{} + {}", step_words(first).trim_end_matches(" s"), step_words(second))
        }
        [first, second] => format!("{} + {}", step_words(first), step_words(second)),
        _ => format!(
            "{} × {}",
            times.len(),
            step_words(times.iter().sum::<u64>() / times.len() as u64)
        ),
    };
    let baseline = run_store.model.stats().node_baseline(&node.name);
    let unused = node.name == "FIX" && node.attempts == 0;
    let status = match node.status {
        NodeStatus::Skipped if unused => DisplayStatus::Pending,
        status => DisplayStatus::from(status),
    };
    let usual = match (node.status, baseline) {
        _ if unused => "not used".to_owned(),
        (NodeStatus::Skipped, _) => "not run".to_owned(),
        (NodeStatus::Unknown, _) => "not seen".to_owned(),
        (_, Some(baseline)) => format!("usual {}", step_words(baseline.p50_ms)),
        (_, None) => String::new(),
    };
    StepTime { name: node.name.to_string(), status, time, usual }
}

/// Lists the run's artifacts with the step that reported each, the latest first; if none were reported, what
/// is known of its way.
fn made(run: &Run) -> (&'static str, Vec<(String, String)>) {
    let mut rows: Vec<(String, String)> = Vec::new();
    let mut more = 0;
    for event in run.recent_events() {
        let Some((detail, node)) = event.detail.zip(event.node) else { continue };
        for name in &detail.artifacts {
            let name = if name.contains('.') { name.to_string() } else { score_words(name) };
            if rows.iter().any(|(known, _)| *known == name) {
                continue;
            }
            if rows.len() < MOST_ROWS {
                rows.push((name, node.to_owned()));
            } else {
                more += 1;
            }
        }
    }
    if more > 0
        && let Some(last) = rows.last_mut()
    {
        *last = (format!("and {} more", more + 1), String::new());
    }
    if !rows.is_empty() {
        return ("what was made", rows);
    }
    let attempts: u32 = run.nodes.iter().map(|node| node.attempts).sum();
    rows.push(("steps run".to_owned(), attempts.to_string()));
    rows.push(("events".to_owned(), count_words(run.events())));
    if queued_ms(run) > 0 {
        rows.push(("queued".to_owned(), clock_words(queued_ms(run))));
    }
    if let Some(seed) = run.seed {
        rows.push(("seed".to_owned(), seed.to_string()));
    }
    ("how it went", rows)
}

fn next(run_store: &RunStore, server_now: Timestamp) -> Option<String> {
    let run = run_store.model.newest_active()?;
    let left = remaining(run, run_store.model.stats(), server_now);
    Some(format!("{}, {}", run_store.name(run), left.words()))
}
