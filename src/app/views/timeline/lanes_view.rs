//! View model of one run's timeline: lanes with bars, their words, and the usual run behind them; without
//! position or colour.

use jiff::{SignedDuration, Timestamp};

use super::bar::{BarKind, silent_since, unsure_words};
use crate::app::state::run_store::RunStore;
use crate::app::state::run_view::{StageView, failure_words};
use crate::app::state::timeline::CellId;
use crate::app::words::{duration_words, number_words};
use crate::model::{NodeStatus, Remaining, Run, RunStatus, Stats};
use crate::protocol::{MAX_FIX_PASSES, PIPELINE};
use crate::timeline::{
    Bar, Leg, RunBars, Span, UsualBar, critical_path, idle_stretches, time_by_node, usual_to_come,
};

/// Lanes of the loop that are always there: the first, and two fixes.
const LEAST_LOOP_LANES: u32 = 3;
/// Part of the time shown that is kept free behind a run's end, for words.
const FREE: f64 = 0.13;
/// Time shown of a run whose end cannot be estimated, in multiples of its time so far.
const GUESS: f64 = 1.5;
/// Part of the time shown from which an idle stretch within a run is folded.
const FOLDED_FROM: f64 = 1.0 / 3.0;
/// Times shown of a run that grows, in seconds: few, so that the scale rarely changes.
const SPANS: [u64; 24] = [
    15, 30, 45, 60, 90, 120, 150, 180, 252, 300, 420, 600, 780, 900, 1_200, 1_800, 2_700, 3_600,
    5_400, 7_200, 14_400, 28_800, 57_600, 115_200,
];
/// Steps named in the summary.
const MOST_SHARES: usize = 4;

/// Timeline of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct LanesView {
    pub lanes: Vec<Lane>,
    /// Number of lanes for which there is no room.
    pub more: usize,
    /// Time that is shown when all of it fits, and the idle stretches in it that are folded.
    pub shown: Span,
    pub folded: Vec<Span>,
    /// Beginning of the run.
    pub origin: Timestamp,
    /// Likely end of the run.
    pub likely_end: Option<Timestamp>,
    /// True while the run goes on, so that there is a line of now.
    pub goes_on: bool,
    /// Last event of a run without news, where its bars at work end.
    pub silent_since: Option<Timestamp>,
    /// The critical path: bars that follow each other on it.
    pub links: Vec<Link>,
    pub waits: Vec<Wait>,
    /// The steps that took most: "COMPOSE 45 %, RENDER 20 %, waiting 12 %".
    pub shares: String,
}

/// Kind of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneKind {
    Step,
    /// Part of the fix loop: 0 for what came before the first fix.
    Loop(u32),
}

/// A lane: a step, or a pass through the fix loop.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    pub label: String,
    pub kind: LaneKind,
    /// True while nothing of it has begun.
    pub is_quiet: bool,
    pub bars: Vec<BarView>,
    /// Usual times of steps to come.
    pub to_come: Vec<UsualBar>,
    /// Usual time of the only step to come: "usual 0:48".
    pub usual: String,
    /// Words before the bars, such as the time of the first: "0:34".
    pub before: String,
    /// Words behind the bars: the time, and the share of the run.
    pub took: String,
    pub share: String,
    /// Score of the verdict; `passed` is `None` while it is not known.
    pub verdict: Option<(Option<bool>, String)>,
    /// Reason of a failure.
    pub failure: Option<String>,
    /// Words in place of bars, or about what is not known of them.
    pub note: &'static str,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct BarView {
    pub cell: CellId,
    pub name: String,
    /// From start to end; while the step is at work, empty at its start.
    pub span: Span,
    pub kind: BarKind,
    pub from_known: bool,
    pub to_known: bool,
    /// False where other steps, at work at the same time, made the run as long as it is.
    pub on_path: bool,
    /// Ends of the usual time and of the slowest 5 %.
    pub usual: Option<(Timestamp, Timestamp)>,
    pub usual_ms: Option<(u64, u64)>,
}

/// Stretch in which nothing was at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Lane of the step that was waited for.
    pub lane: usize,
    pub span: Span,
    /// True for the wait before the run's start.
    pub is_queue: bool,
}

/// Two bars that follow each other on the critical path, as (lane, index).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub from: (usize, usize),
    pub to: (usize, usize),
    /// True where a negative verdict led to a fix.
    pub refused: bool,
}

fn later(at: Timestamp, millis: u64) -> Timestamp {
    let by = SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX));
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

impl LanesView {
    /// Returns the timeline of a run, with at most `room` lanes.
    pub fn of(
        run: &Run,
        stage: &StageView,
        run_store: &RunStore,
        room: usize,
        server_now: Timestamp,
    ) -> Self {
        let stats = run_store.model.stats();
        let bars = RunBars::of(run, server_now);
        let path = critical_path(&bars);
        // In whole seconds, so that nothing is drawn again in between.
        let second = Timestamp::from_second(server_now.as_second()).unwrap_or(server_now);
        let to_come = usual_to_come(run, &bars, stats, second);
        let mut lanes = lanes_of(run, &bars, &to_come);
        // Lanes of what happened stay when there is no room for all.
        let more = lanes.len().saturating_sub(room);
        while lanes.len() > room {
            let quiet = lanes.iter().rposition(|lane| lane.is_quiet);
            lanes.remove(quiet.unwrap_or(lanes.len() - 1));
        }
        let times = time_by_node(&bars, &path);
        let total_ms = bars.span.millis();
        for lane in &mut lanes {
            fill_lane(lane, run, stage, &bars, &path, stats);
            let time = times
                .iter()
                .find(|(node, _)| node.as_ref().is_some_and(|node| node.as_str() == lane.label));
            if let Some((_, ms)) = time.filter(|_| !lane.took.is_empty()) {
                lane.share = percent_words(*ms, total_ms);
            }
        }
        let links = links_of(&lanes, &bars, &path);
        let waits = waits_of(&lanes, &bars);
        let silent_since = silent_since(run, server_now);
        let is_heard = run.status == RunStatus::Running && silent_since.is_none();
        let likely_end = match run_store.model.remaining(run, second) {
            Remaining::Left { millis: ms, .. } if is_heard => Some(later(second, ms)),
            _ => None,
        };
        let goes_on = !bars.is_over;
        let (shown, folded) = time_shown(&bars, &to_come, likely_end);
        Self {
            lanes,
            more,
            shown,
            folded,
            origin: bars.span.from,
            likely_end,
            goes_on,
            silent_since,
            links,
            waits,
            shares: shares_words(&times, total_ms),
        }
    }

    /// Start of a bar that is at work, by lane and index.
    pub fn open_bars(&self) -> impl Iterator<Item = (usize, &BarView)> {
        self.lanes.iter().enumerate().flat_map(|(place, lane)| {
            lane.bars.iter().filter(|bar| bar.kind == BarKind::AtWork).map(move |bar| (place, bar))
        })
    }
}

/// Empty lanes in the order of the pipeline, then of further steps.
fn lanes_of(run: &Run, bars: &RunBars, to_come: &[UsualBar]) -> Vec<Lane> {
    let fixes = bars.bars.iter().map(|bar| bar.fix).max().unwrap_or(0);
    let fixes = fixes.max(run.fix_iterations.min(MAX_FIX_PASSES));
    let spare = u32::from(!bars.is_over && fixes < MAX_FIX_PASSES);
    let loop_lanes = (fixes + 1 + spare).max(LEAST_LOOP_LANES);
    let mut lanes = Vec::new();
    let mut add = |label: String, kind: LaneKind| {
        let mine = |usual: &&UsualBar| belongs(&usual.node, usual.fix, &label, kind);
        let to_come: Vec<UsualBar> = to_come.iter().filter(mine).cloned().collect();
        lanes.push(Lane {
            is_quiet: true,
            bars: Vec::new(),
            to_come,
            usual: String::new(),
            before: String::new(),
            took: String::new(),
            share: String::new(),
            verdict: None,
            failure: None,
            note: "",
            label,
            kind,
        });
    };
    for (place, node) in run.nodes.iter().enumerate() {
        match node.name.as_str() {
            "COMPOSE" => {
                add("first".to_owned(), LaneKind::Loop(0));
                (1..loop_lanes).for_each(|fix| add(format!("fix {fix}"), LaneKind::Loop(fix)));
            }
            "VALIDATE" | "FIX" if place < PIPELINE.len() => {}
            name => add(name.to_owned(), LaneKind::Step),
        }
    }
    lanes
}

fn belongs(node: &str, fix: u32, label: &str, kind: LaneKind) -> bool {
    match kind {
        LaneKind::Step => node == label,
        LaneKind::Loop(pass) => matches!(node, "COMPOSE" | "VALIDATE" | "FIX") && fix == pass,
    }
}

/// Puts the bars and words of a lane into it.
fn fill_lane(
    lane: &mut Lane,
    run: &Run,
    stage: &StageView,
    bars: &RunBars,
    path: &[Leg],
    stats: &Stats,
) {
    let mine: Vec<(usize, &Bar)> = bars
        .bars
        .iter()
        .enumerate()
        .filter(|(_, bar)| belongs(&bar.node, bar.fix, &lane.label, lane.kind))
        .collect();
    lane.bars = mine
        .iter()
        .map(|(index, bar)| {
            let verdict = stage.fix.verdicts.get(bar.attempt).and_then(|verdict| verdict.passed);
            let refused = bar.node == "VALIDATE" && verdict == Some(false);
            bar_view(run, bar, refused, path.iter().any(|leg| leg.bar == Some(*index)), stats)
        })
        .collect();
    lane.is_quiet = lane.bars.is_empty();
    let last = mine.last().map(|(_, bar)| *bar);
    let untold = mine.iter().find_map(|(_, bar)| unsure_words(bar));
    lane.note = match untold {
        Some(words) => words,
        None if lane.is_quiet => absent_words(lane, run, bars),
        None => "",
    };
    let validated = mine.iter().rfind(|(_, bar)| bar.node == "VALIDATE" && !bar.is_open);
    if let Some((_, bar)) = validated {
        let attempts = run.node("VALIDATE").map_or(&[][..], |node| node.history());
        let scores = attempts.get(bar.attempt).map(|attempt| &attempt.scores);
        let score = scores.and_then(|scores| crate::model::total_score(scores));
        let passed = match stage.fix.verdicts.get(bar.attempt) {
            Some(verdict) => verdict.passed,
            None => stage.scores.as_ref().and_then(|scores| scores.passed),
        };
        lane.verdict = score.map(|score| (passed, number_words(score)));
    }
    let failed = mine.iter().rfind(|(_, bar)| bar.status == NodeStatus::Failed);
    if failed.is_some() {
        let reason = failed.and_then(|(_, bar)| bar.error.as_deref());
        let told = failure_words(run)
            .filter(|(node, _)| failed.is_some_and(|(_, bar)| node.as_deref() == Some(&bar.node)));
        let reason = told
            .map(|(_, reason)| reason)
            .or_else(|| reason.map(crate::app::words::one_line))
            .unwrap_or_else(|| "no reason was given".to_owned());
        lane.failure = Some(reason);
    }
    match (lane.kind, last) {
        (LaneKind::Loop(fix), Some(_)) => {
            let first = mine.first().and_then(|(_, bar)| Some((bar, bar.took_ms()?)));
            if let Some((bar, ms)) = first.filter(|(bar, _)| !bar.is_open) {
                let words = duration_words(ms);
                lane.before = if fix == 0 { words } else { format!("{} {words}", bar.node) };
            }
        }
        (LaneKind::Step, Some(bar)) if !bar.is_open => {
            let all: Option<u64> = mine.iter().map(|(_, bar)| bar.took_ms()).sum();
            lane.took = all.map_or_else(String::new, duration_words);
            if mine.len() > 1 && all.is_some() {
                lane.took = format!("{} × {}", mine.len(), lane.took);
            }
        }
        _ => {}
    }
    if let [usual] = &lane.to_come[..] {
        let ms = usual.span.millis();
        lane.usual = format!("usual {}", duration_words(ms));
    }
}

/// Words of a lane in which nothing has begun.
fn absent_words(lane: &Lane, run: &Run, bars: &RunBars) -> &'static str {
    if let LaneKind::Loop(fix @ 1..) = lane.kind {
        return if run.fix_iterations >= fix {
            "times not seen"
        } else if bars.is_over && run.status == RunStatus::Completed {
            "not needed"
        } else if bars.is_over {
            "not run"
        } else {
            "spare"
        };
    }
    let name = if lane.kind == LaneKind::Step { lane.label.as_str() } else { "COMPOSE" };
    match run.node(name) {
        Some(node) if bars.untimed.contains(&node.name) => "times not seen",
        Some(node) if node.status == NodeStatus::Skipped => "not run",
        Some(node) if node.status == NodeStatus::Unknown => "not seen",
        Some(_) if lane.to_come.is_empty() && !bars.is_over => "no usual time yet",
        _ => "",
    }
}

fn bar_view(run: &Run, bar: &Bar, refused: bool, on_path: bool, stats: &Stats) -> BarView {
    let kind = BarKind::of(bar, refused);
    let usual = stats.node_baseline(&bar.node);
    let from = bar.span.from;
    BarView {
        cell: CellId { run: run.id().clone(), node: bar.node.clone(), attempt: bar.attempt },
        name: bar.node.to_string(),
        span: if bar.is_open { Span::new(from, from) } else { bar.span },
        kind,
        from_known: bar.from_known,
        to_known: bar.to_known || bar.is_open || bar.stopped,
        on_path: on_path || bar.is_open || bar.span.millis() == 0,
        usual: usual.map(|usual| (later(from, usual.p50_ms), later(from, usual.p95_ms))),
        usual_ms: usual.map(|usual| (usual.p50_ms, usual.p95_ms)),
    }
}

fn place_of(lanes: &[Lane], bar: &Bar) -> Option<(usize, usize)> {
    lanes.iter().enumerate().find_map(|(place, lane)| {
        let is_it = |view: &BarView| view.cell.node == bar.node && view.cell.attempt == bar.attempt;
        Some((place, lane.bars.iter().position(is_it)?))
    })
}

fn links_of(lanes: &[Lane], bars: &RunBars, path: &[Leg]) -> Vec<Link> {
    let on_path: Vec<&Bar> = path.iter().filter_map(|leg| bars.bars.get(leg.bar?)).collect();
    let link = |pair: &[&Bar]| {
        let [before, after] = pair else { return None };
        let (from, to) = (place_of(lanes, before)?, place_of(lanes, after)?);
        let kind = lanes.get(from.0)?.bars.get(from.1)?.kind;
        let refused = kind == BarKind::Refused && after.node == "FIX";
        (from.0 != to.0).then_some(Link { from, to, refused })
    };
    on_path.windows(2).filter_map(link).collect()
}

fn waits_of(lanes: &[Lane], bars: &RunBars) -> Vec<Wait> {
    let first =
        || bars.bars.first().and_then(|bar| place_of(lanes, bar)).map_or(0, |place| place.0);
    let queued = bars.queued.map(|span| Wait { lane: first(), span, is_queue: true });
    let between = bars.gaps().into_iter().filter_map(|span| {
        let next = bars.bars.iter().find(|bar| bar.span.from >= span.to)?;
        Some(Wait { lane: place_of(lanes, next)?.0, span, is_queue: false })
    });
    queued.into_iter().chain(between).collect()
}

fn percent_words(ms: u64, total_ms: u64) -> String {
    match ms as f64 / total_ms.max(1) as f64 * 100.0 {
        percent if percent < 0.5 => "under 1 %".to_owned(),
        percent => format!("{percent:.0} %"),
    }
}

fn shares_words(times: &[(Option<crate::protocol::NodeName>, u64)], total_ms: u64) -> String {
    let mut times: Vec<_> = times.iter().filter(|(_, ms)| *ms * 100 >= total_ms).collect();
    times.sort_by_key(|(_, ms)| std::cmp::Reverse(*ms));
    let words = times.iter().take(MOST_SHARES).map(|(node, ms)| {
        let name = node.as_ref().map_or("waiting", |node| node.as_str());
        format!("{name} {}", percent_words(*ms, total_ms))
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Returns the time to show, and which idle stretches of it are folded.
fn time_shown(
    bars: &RunBars,
    to_come: &[UsualBar],
    likely_end: Option<Timestamp>,
) -> (Span, Vec<Span>) {
    let from = bars.span.from;
    let expected = to_come.last().map(|usual| usual.span.to).max(likely_end);
    let to = match expected {
        _ if bars.is_over => bars.span.to,
        Some(end) => end.max(bars.span.to),
        None => later(from, (bars.span.millis() as f64 * GUESS) as u64),
    };
    let needed = Span::new(from, to).millis();
    let busy: Vec<Span> = bars.bars.iter().map(|bar| bar.span).collect();
    // The wait that goes on now is not folded, because it grows.
    let known = Span::new(from, busy.iter().map(|span| span.to).max().unwrap_or(from));
    let least = (needed as f64 * FOLDED_FROM) as u64;
    let folded = idle_stretches(&busy, known, least.max(1_000));
    let hidden: u64 = folded.iter().map(Span::millis).sum();
    let wanted = needed.saturating_sub(hidden) as f64 / (1.0 - FREE);
    let length = match bars.is_over {
        true => wanted.max(1_000.0) as u64,
        false => SPANS
            .iter()
            .map(|secs| secs * 1_000)
            .find(|ms| *ms as f64 >= wanted)
            .unwrap_or((wanted.min(1e15)) as u64),
    };
    (Span::new(from, later(from, length.saturating_add(hidden))), folded)
}
