//! View model of one run for the stage: text and numbers, without position or colour.

use jiff::Timestamp;

use crate::app::state::clock::millis_between;
use crate::app::state::run_store::RunStore;
use crate::app::state::status::DisplayStatus;
use crate::app::words::{clock_words, countdown_words, names_words, number_words, whole_seconds};
use crate::model::{
    Attempt, Baseline, MOST_ATTEMPTS, Model, NodeStatus, Remaining, Run, RunStatus, SongStory,
    Stats, is_total_score,
};
pub use crate::model::{failure_words, final_score, total_score};
use crate::protocol::{MAX_FIX_PASSES, PIPELINE};

/// Milliseconds without events after which a running run counts as silent.
pub const STALE_AFTER_MS: u64 = 30_000;
/// Milliseconds after which a failure is shown less prominently: its bar becomes a tint (design,
/// section 10).
pub const SETTLED_AFTER_MS: u64 = 600_000;

/// Everything the stage shows of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct StageView {
    pub title: String,
    /// Run id, seed and execution, shown above the title.
    pub meta: Vec<String>,
    pub status: RunStatus,
    /// Status as a word ("Running", "Queued").
    pub status_word: &'static str,
    /// Text after the status word, such as "LYRICS, step 3 of 8".
    pub status_detail: String,
    /// True when cancellation was requested but the run has not been cancelled.
    pub cancel_requested: bool,
    /// True when the run completed without a song, because RENDER was skipped.
    pub nothing_rendered: bool,
    /// Label of `time`: "queued", "elapsed", "took" or "stopped after".
    pub time_word: &'static str,
    /// Total time, such as "0:48".
    pub time: String,
    /// Note on the time: "1:47 to go", "longer than usual", "no news for 0:38".
    pub time_detail: String,
    /// Text such as "32 s of it queued"; empty when the run was not queued.
    pub queued: String,
    pub modules: Vec<ModuleView>,
    pub fix: FixView,
    pub failure: Option<FailureView>,
    pub scores: Option<ScoresView>,
    /// Milliseconds since the last event, while the run is running and this exceeds
    /// [`STALE_AFTER_MS`].
    pub silent_ms: Option<u64>,
}

/// View model of a module of the rack.
#[derive(Clone, Debug, PartialEq)]
pub struct ModuleView {
    pub name: String,
    pub status: NodeStatus,
    /// True when the node was running at the time its run was cancelled.
    pub stopped: bool,
    /// Duration of the last attempt in milliseconds; elapsed time while it runs.
    pub duration_ms: Option<u64>,
    pub attempts: u32,
    pub baseline: Option<Baseline>,
    /// True when the last verdict on the song was negative.
    pub refused: bool,
    /// True when an earlier attempt failed or had a negative verdict; drawn as a small octagon in
    /// the corner.
    pub refused_before: bool,
    /// Statuses of the modules that this one stands for; `None` for a module of its own.
    pub folded: Option<Folded>,
}

impl ModuleView {
    /// Returns the view of a node about which nothing is known but its status.
    pub fn new(name: String, status: NodeStatus) -> Self {
        Self {
            name,
            status,
            stopped: false,
            duration_ms: None,
            attempts: 0,
            baseline: None,
            refused: false,
            refused_before: false,
            folded: None,
        }
    }

    /// True when the module is highlighted because its node is running.
    pub fn has_focus(&self) -> bool {
        self.status == NodeStatus::Running && self.folded.is_none()
    }

    /// True when the duration exceeds the 95th percentile of past executions.
    pub fn is_slow(&self) -> bool {
        match (self.duration_ms, self.baseline) {
            (Some(duration_ms), Some(baseline)) => duration_ms > baseline.p95_ms,
            _ => false,
        }
    }
}

/// Statuses of folded modules.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded {
    /// Statuses with the number of modules in each, the most important first; none is 0.
    pub counts: Vec<(DisplayStatus, usize)>,
}

/// Returns the modules of a pipeline about which nothing is known yet.
pub(in crate::app) fn waiting_modules() -> Vec<ModuleView> {
    PIPELINE
        .iter()
        .filter(|name| **name != "FIX")
        .map(|name| ModuleView::new((*name).to_owned(), NodeStatus::Pending))
        .collect()
}

/// View model of the FIX loop.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FixView {
    /// Number of times FIX started so far.
    pub passes: u32,
    /// VALIDATE's verdicts: the first, then one after each fix pass.
    pub verdicts: Vec<Verdict>,
    /// Status of the FIX node; `duration_ms` is that of its latest attempt, or the elapsed time.
    pub status: NodeStatus,
    pub duration_ms: Option<u64>,
    pub baseline: Option<Baseline>,
    /// True while a fix pass is in progress: in FIX, or in COMPOSE or VALIDATE after it.
    pub live: bool,
}

/// A verdict of VALIDATE.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// `None` while VALIDATE is running or the verdict is unknown.
    pub passed: Option<bool>,
    pub score: Option<f64>,
}

/// View model of a run's failure.
#[derive(Clone, Debug, PartialEq)]
pub struct FailureView {
    /// "RENDER failed", "Run failed".
    pub headline: String,
    /// Reason on one line, without line breaks.
    pub reason: String,
    /// Index of the failed module; `None` when FIX or the run as a whole failed.
    pub module: Option<usize>,
    /// True when the failure is older than [`SETTLED_AFTER_MS`].
    pub settled: bool,
}

/// Scores of the last VALIDATE attempt that reported any.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoresView {
    /// The total score, if reported.
    pub total: Option<f64>,
    pub passed: Option<bool>,
    /// The other scores, in order of name: display name and value.
    pub parts: Vec<(String, f64)>,
}

impl StageView {
    /// Returns the view without a run, which shows an idle pipeline.
    pub fn waiting(modules: Vec<ModuleView>) -> Self {
        Self {
            title: String::new(),
            meta: Vec::new(),
            status: RunStatus::Pending,
            status_word: "",
            status_detail: String::new(),
            cancel_requested: false,
            nothing_rendered: false,
            time_word: "",
            time: String::new(),
            time_detail: String::new(),
            queued: String::new(),
            modules,
            fix: FixView::default(),
            failure: None,
            scores: None,
            silent_ms: None,
        }
    }

    /// Returns the view of a run at server time `server_now`, which is local time `now`.
    pub fn of(run: &Run, run_store: &RunStore, now: Timestamp, server_now: Timestamp) -> Self {
        let stats = run_store.model.stats();
        let mut modules: Vec<ModuleView> = run
            .nodes
            .iter()
            .filter(|node| node.name != "FIX")
            .map(|node| module_view(run, node, stats, server_now))
            .collect();
        let fix = fix_view(run, stats, server_now);
        await_next_pass(&mut modules, &fix);
        let scores = scores_view(run, &fix);
        let failure = failure_view(run, &modules, server_now);
        let silent = millis_between(run.last_received_at(), now);
        let silent_ms =
            (run.status == RunStatus::Running && silent > STALE_AFTER_MS).then_some(silent);
        let Times { word: time_word, time, detail, queued } =
            times(run, &run_store.model, server_now);
        // An estimate based on outdated events would be misleading.
        let time_detail = match silent_ms {
            Some(silent_ms) => format!("no news for {}", clock_words(silent_ms)),
            None => detail,
        };
        Self {
            title: run_store.labelled_name(run),
            meta: meta(run, run_store, server_now),
            status: run.status,
            status_word: match run.status {
                RunStatus::Pending => "Queued",
                RunStatus::Running => "Running",
                RunStatus::Completed => "Finished",
                RunStatus::Failed => "Failed",
                RunStatus::Cancelled => "Cancelled",
            },
            status_detail: status_detail(run, &modules, &fix),
            cancel_requested: run.cancel_requested && run.status != RunStatus::Cancelled,
            nothing_rendered: run.status == RunStatus::Completed
                && run.node("RENDER").is_some_and(|node| node.status == NodeStatus::Skipped),
            time_word,
            time,
            time_detail,
            queued,
            modules,
            fix,
            failure,
            scores,
            silent_ms,
        }
    }
}

fn meta(run: &Run, run_store: &RunStore, server_now: Timestamp) -> Vec<String> {
    let mut meta = vec![format!("run {}", run_store.short_id(run.id()))];
    meta.extend(run_store.song_story(run).map(song_story_words));
    if let Some(seed) = run.seed {
        meta.push(format!("seed {seed}"));
    }
    if run.executions > 1 {
        meta.push(format!("execution {}", run.executions));
    }
    if run.status == RunStatus::Running
        && let Remaining::Left { samples, .. } = run_store.model.remaining(run, server_now)
    {
        meta.push(format!("estimate from {samples} runs"));
    }
    meta
}

fn module_view(
    run: &Run,
    node: &crate::model::Node,
    stats: &Stats,
    server_now: Timestamp,
) -> ModuleView {
    let until = if run.status.is_over() { run.ended_at.unwrap_or(server_now) } else { server_now };
    let so_far = || node.started_at.map(|started_at| millis_between(started_at, until));
    let running = node.status == NodeStatus::Running;
    let stopped = running && run.status == RunStatus::Cancelled;
    ModuleView {
        name: node.name.to_string(),
        status: if stopped { NodeStatus::Pending } else { node.status },
        stopped,
        duration_ms: if running { so_far() } else { node.duration_ms },
        attempts: node.attempts,
        baseline: stats.node_baseline(&node.name),
        refused: false,
        refused_before: node.status != NodeStatus::Failed
            && node.history().iter().any(|attempt| attempt.status == NodeStatus::Failed),
        folded: None,
    }
}

/// Marks VALIDATE as refused, and the nodes that the current fix pass will repeat as pending.
fn await_next_pass(modules: &mut [ModuleView], fix: &FixView) {
    let refused = fix.verdicts.last().is_some_and(|verdict| verdict.passed == Some(false));
    for module in modules.iter_mut().filter(|module| module.name == "VALIDATE") {
        module.refused = refused && module.status != NodeStatus::Running;
        module.refused_before |= refused;
    }
    if !fix.live {
        return;
    }
    let runs = |name: &str| modules.iter().any(|m| m.name == name && m.has_focus());
    let waiting: &[&str] = if fix.status == NodeStatus::Running {
        &["COMPOSE", "VALIDATE"]
    } else if runs("COMPOSE") {
        &["VALIDATE"]
    } else {
        &[]
    };
    for module in modules.iter_mut().filter(|module| waiting.contains(&module.name.as_str())) {
        if module.status == NodeStatus::Success {
            module.status = NodeStatus::Pending;
        }
    }
}

fn fix_view(run: &Run, stats: &Stats, server_now: Timestamp) -> FixView {
    let Some(fix) = run.node("FIX") else {
        return FixView::default();
    };
    let running = fix.status == NodeStatus::Running;
    let so_far = || fix.started_at.map(|started_at| millis_between(started_at, server_now));
    let passes = run.fix_passes();
    let verdicts = if passes > 0 { verdicts(run) } else { Vec::new() };
    let judged = verdicts.iter().filter(|verdict| verdict.passed.is_some()).count() as u32;
    FixView {
        passes,
        live: passes > 0 && judged <= passes && run.status == RunStatus::Running,
        verdicts,
        status: fix.status,
        baseline: stats.node_baseline("FIX"),
        duration_ms: if running { so_far() } else { fix.duration_ms },
    }
}

/// Returns VALIDATE's verdicts, one for each of its kept attempts, oldest first.
pub fn verdicts(run: &Run) -> Vec<Verdict> {
    let Some(validate) = run.node("VALIDATE") else { return Vec::new() };
    let passes = run.fix_passes();
    let moved_on = moved_on(run);
    let render = run.node("RENDER").map(|render| render.status);
    let exhausted = passes >= MAX_FIX_PASSES && render == Some(NodeStatus::Skipped);
    let verdict = |(index, attempt): (usize, &Attempt)| {
        // No event carries VALIDATE's verdict. A later fix pass implies that it refused; a node
        // after the loop implies that it passed.
        let refused = (index as u32) < passes || attempt.status == NodeStatus::Failed;
        let passed = match attempt.status {
            NodeStatus::Running => None,
            _ if refused || exhausted => Some(false),
            _ => moved_on.then_some(true),
        };
        Verdict { passed, score: total_score(&attempt.scores) }
    };
    validate.history().iter().enumerate().map(verdict).collect()
}

/// True when the run completed or went past the fix loop, which implies that VALIDATE passed.
fn moved_on(run: &Run) -> bool {
    let behind = ["RENDER", "REVIEW"].map(|name| run.node(name).map(|node| node.status));
    run.status == RunStatus::Completed
        || behind.iter().flatten().any(|status| {
            matches!(status, NodeStatus::Running | NodeStatus::Success | NodeStatus::Failed)
        })
}

/// True when the failure is old enough to be shown less prominently.
fn is_settled(run: &Run, server_now: Timestamp) -> bool {
    run.ended_at.is_some_and(|at| millis_between(at, server_now) >= SETTLED_AFTER_MS)
}

fn failure_view(run: &Run, modules: &[ModuleView], server_now: Timestamp) -> Option<FailureView> {
    let (node, reason) = failure_words(run)?;
    let settled = is_settled(run, server_now);
    let (headline, module) = match node {
        Some(node) => {
            (format!("{node} failed"), modules.iter().position(|module| module.name == node))
        }
        None => ("Run failed".to_owned(), None),
    };
    Some(FailureView { headline, reason, module, settled })
}

fn scores_view(run: &Run, fix: &FixView) -> Option<ScoresView> {
    let validate = run.node("VALIDATE")?;
    let latest = validate.history().iter().rfind(|attempt| !attempt.scores.is_empty())?;
    Some(ScoresView {
        total: total_score(&latest.scores),
        passed: fix
            .verdicts
            .last()
            .map_or_else(|| moved_on(run).then_some(true), |verdict| verdict.passed),
        parts: latest
            .scores
            .iter()
            .filter(|(name, _)| !is_total_score(name))
            .map(|(name, value)| (crate::app::words::score_words(name), *value))
            .collect(),
    })
}

fn status_detail(run: &Run, modules: &[ModuleView], fix: &FixView) -> String {
    match run.status {
        RunStatus::Pending => "not started yet".to_owned(),
        RunStatus::Running => {
            let mut running: Vec<&str> = modules
                .iter()
                .filter(|module| module.has_focus())
                .map(|module| module.name.as_str())
                .collect();
            if fix.status == NodeStatus::Running {
                running.push("FIX");
            }
            match running[..] {
                [] => "between two steps".to_owned(),
                ["FIX"] => format!("fix {} of {MAX_FIX_PASSES}", fix.passes),
                [_] if fix.live => {
                    format!("{}, fix {} of {MAX_FIX_PASSES}", running[0], fix.passes)
                }
                [name] => match modules.iter().position(|module| module.name == name) {
                    Some(index) => format!("{name}, step {} of {}", index + 1, modules.len()),
                    None => name.to_owned(),
                },
                _ => names_words(&running),
            }
        }
        RunStatus::Completed => {
            let total = scores_view(run, fix).and_then(|scores| scores.total);
            let mut words =
                total.map_or_else(String::new, |total| format!("score {}", number_words(total)));
            if fix.passes > 0 {
                let fixes = if fix.passes == 1 { "fix" } else { "fixes" };
                let separator = if words.is_empty() { "" } else { ", " };
                words.push_str(&format!("{separator}{} {fixes}", fix.passes));
            }
            words
        }
        RunStatus::Cancelled => modules
            .iter()
            .find(|module| module.stopped)
            .map_or_else(String::new, |module| format!("during {}", module.name)),
        RunStatus::Failed => String::new(),
    }
}

/// Returns how long a run was queued before it started, in milliseconds. Waits under 1 s, and those
/// of runs with more than one execution, count as 0.
pub fn queued_ms(run: &Run) -> u64 {
    match (run.created_at, run.started_at) {
        (Some(created_at), Some(started_at)) if run.executions <= 1 => {
            Some(millis_between(created_at, started_at)).filter(|ms| *ms >= 1000).unwrap_or(0)
        }
        _ => 0,
    }
}

/// Text of a run's times.
struct Times {
    word: &'static str,
    time: String,
    detail: String,
    queued: String,
}

fn times(run: &Run, model: &Model, server_now: Timestamp) -> Times {
    let begun_at = run.started_at.unwrap_or(run.first_event_at());
    let queued_ms = queued_ms(run);
    let (word, own_ms) = match run.status {
        RunStatus::Pending => ("queued", millis_between(run.first_event_at(), server_now)),
        RunStatus::Running => ("elapsed", millis_between(begun_at, server_now)),
        over => {
            let word = if over == RunStatus::Completed { "took" } else { "stopped after" };
            let until = run.ended_at.unwrap_or(server_now);
            (word, run.duration_ms.unwrap_or_else(|| millis_between(begun_at, until)))
        }
    };
    let detail = match run.status {
        RunStatus::Running => remaining_words(model.remaining(run, server_now)),
        _ => String::new(),
    };
    let total_ms = own_ms + queued_ms;
    let time = clock_words(total_ms);
    let queued = if queued_ms == 0 {
        String::new()
    } else {
        format!("{} of it queued", whole_seconds(queued_ms))
    };
    Times { word, time, detail, queued }
}

/// The part of a run in the story of its song, in words: "attempt 3 of this song, 2 failed before".
pub fn song_story_words(story: SongStory) -> String {
    let attempt = match story.attempt {
        MOST_ATTEMPTS => format!("attempt {MOST_ATTEMPTS} or later of this song"),
        attempt => format!("attempt {attempt} of this song"),
    };
    match story.failed_before {
        0 => attempt,
        failed => format!("{attempt}, {failed} failed before"),
    }
}

/// Returns the milliseconds until a running run should finish, by which the next one is chosen; `None` where they
/// are not known, or where the run is to be cancelled.
pub fn millis_to_finish(model: &Model, run: &Run, server_now: Timestamp) -> Option<u64> {
    match model.remaining(run, server_now) {
        _ if run.cancel_requested => None,
        Remaining::AnyMoment => Some(0),
        Remaining::Left { millis, .. } => Some(millis),
        Remaining::Late { .. } | Remaining::Unknown => None,
    }
}

/// The time that a run will still take, in words: "1:47 to go", "late by 0:12".
pub fn remaining_words(left: Remaining) -> String {
    match left {
        Remaining::Unknown => "no estimate yet".to_owned(),
        Remaining::Left { millis, .. } => format!("{} to go", countdown_words(millis)),
        Remaining::AnyMoment => "any moment now".to_owned(),
        Remaining::Late { by_ms } => format!("late by {}", clock_words(by_ms)),
    }
}

/// "1st", "2nd", "3rd", "4th", "11th".
pub fn ordinal_words(number: u32) -> String {
    let suffix = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Retention;
    use crate::protocol::Batch;

    /// A run that is to be cancelled will hardly finish, although its steps go on.
    #[test]
    fn run_that_is_to_be_cancelled_does_not_count_as_the_next_to_finish() {
        let second = |second: i64| Timestamp::from_second(1_795_428_000 + second).unwrap();
        let mut run_store = RunStore::new(Retention::default());
        let mut tell = |at: i64, run: &str, rest: &str| {
            let at = second(at);
            let mut batch = Batch::new(at, true);
            batch.push_text(&format!(r#"{{"ts":"{at}","run_id":"{run}",{rest}}}"#));
            run_store.receive(batch, |_, _| ());
        };
        let step = |node: &str, phase: &str| format!(r#""node_name":"{node}","phase":"{phase}""#);
        for (nth, run) in ["a", "b", "c"].into_iter().enumerate() {
            let from = 100 * nth as i64;
            tell(from, run, r#""phase":"start""#);
            for (node, start, end) in [("PLAN", 0, 10), ("STYLE", 10, 30)] {
                tell(from + start, run, &step(node, "start"));
                tell(from + end, run, &step(node, "end"));
            }
            tell(from + 30, run, r#""phase":"end""#);
        }
        for run in ["goes on", "cancelled"] {
            tell(400, run, r#""phase":"start""#);
            tell(400, run, &step("PLAN", "start"));
        }
        tell(405, "cancelled", r#""phase":"info","data":{"message":"Workflow run cancelled"}"#);
        for run in ["goes on", "cancelled"] {
            tell(410, run, &step("PLAN", "end"));
            tell(410, run, &step("STYLE", "start"));
        }
        let left = |run: &str| {
            let run = run_store.model.run(run).unwrap();
            assert_eq!(run.status, RunStatus::Running);
            millis_to_finish(&run_store.model, run, second(412))
        };
        assert_eq!((left("goes on"), left("cancelled")), (Some(18_000), None));
    }
}
