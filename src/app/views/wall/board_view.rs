//! Contents of the board: why runs fail, where runs are now, and how many finish.

use jiff::{SignedDuration, Timestamp};

use super::causes::Failures;
use super::wall_index::{LATELY, Load, WallIndex};
use crate::app::state::clock::millis_between;
use crate::app::state::run_store::RunStore;
use crate::app::state::run_view::{final_score, millis_to_finish, remaining_words};
use crate::app::views::counts::RunCounts;
use crate::app::words::{ago_words, count_words, number_words, span_words};
use crate::model::{Model, Pace, RunStatus, StepLoad, Trend};
use crate::protocol::{PIPELINE, RunId};

/// Most running runs that have a cell each.
pub const MOST_CELLS: usize = 200;
/// Most running runs of which the one is looked for that finishes next.
const MOST_COMPARED: usize = 500;
/// Steps that have a row, and the name of the row of all others.
const MOST_STEPS: usize = 11;
const OTHER_STEPS: &str = "other steps";
/// Most finished runs in an hour that are named; above, names would only flicker.
const MOST_FINISHED_NAMED: usize = 1_000;
const LATEST: usize = 12;
/// Parts of the time of which ended runs are drawn as bars, and their lengths in seconds.
const MOST_PARTS: i64 = 60;
const PART_SECS: [i64; 6] = [5, 10, 15, 20, 30, 60];
/// Most bars of the distribution of run times, and their widths in seconds.
const MOST_BINS: u64 = 30;
const BIN_SECS: [u64; 15] = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 14_400];
/// Recent runs of which the distribution is known.
const RECENT: usize = 200;

/// Contents of the board.
#[derive(Clone, Debug, PartialEq)]
pub struct BoardView {
    /// "last hour", "watching for 4 min".
    pub window: String,
    pub failures: Failures,
    pub nodes: Vec<NodeLoad>,
    pub waiting: Waiting,
    /// Running run that should finish next, where few enough run and finish to read its name.
    pub next: Option<NextToFinish>,
    pub active: usize,
    pub silent: usize,
    pub finished: usize,
    pub pace: PaceView,
    /// Runs that finished, were cancelled and failed in each part of the last hour, oldest first; the
    /// first part is that of the first event.
    pub ended: Vec<[u32; 3]>,
    /// Length of a part in seconds, and the beginning of the first as words: "1 h ago".
    pub part_secs: i64,
    pub since: String,
    /// Latest finished runs, while few enough finish to read their names.
    pub latest: Vec<Latest>,
    /// How long runs took, where more finish.
    pub times: Option<RunTimes>,
    pub cancelled: usize,
    /// Ids and titles of cancelled runs, latest first, and the age of the first.
    pub cancelled_latest: Vec<(RunId, String)>,
    pub cancelled_ago: String,
    /// How often runs are cancelled: "2.7 a minute, as usual".
    pub cancelled_pace: String,
}

/// Runs at one node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeLoad {
    pub name: String,
    pub load: Load,
    /// Usual number of runs there; `None` while it is not known.
    pub usual: Option<usize>,
    /// "jammed: 1.7 times the usual load"; empty unless it is jammed.
    pub jam: String,
    /// Runs there, those without news last and true; empty where there are more than [`MOST_CELLS`].
    pub runs: Vec<(RunId, bool)>,
}

impl NodeLoad {
    /// Runs at the node or on the way to it.
    pub fn count(&self) -> usize {
        self.load.running + self.load.ahead
    }
}

/// Queued runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Waiting {
    pub count: usize,
    /// Longest time for which one has waited: "1:12".
    pub longest: String,
    /// Runs in their order, at most [`MOST_CELLS`].
    pub runs: Vec<RunId>,
}

/// Running run that should finish next; without an id where no run has an estimate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NextToFinish {
    pub id: Option<RunId>,
    pub title: String,
    /// "0:12 to go", "any moment now".
    pub left: String,
}

/// How many runs finish in a minute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PaceView {
    /// "3.3", "89".
    pub value: String,
    /// True when it rises, false when it falls.
    pub rises: Option<bool>,
    /// "falling for 13 min", "as usual"; "mean of 6 min" while the usual pace is not known.
    pub words: String,
    /// "usual 4.6", "usual not known yet".
    pub usual_words: String,
    pub usual: Option<f64>,
}

/// Completed run.
#[derive(Clone, Debug, PartialEq)]
pub struct Latest {
    pub id: RunId,
    pub title: String,
    /// "0.91".
    pub score: String,
    /// Duration: "2:05".
    pub took: String,
}

/// Distribution of the times that recent runs took.
#[derive(Clone, Debug, PartialEq)]
pub struct RunTimes {
    /// Number of runs it is made of.
    pub runs: usize,
    pub bins: Vec<u32>,
    pub first_secs: u64,
    pub bin_secs: u64,
    pub usual_ms: u64,
    pub slow_ms: u64,
}

impl BoardView {
    pub fn of(
        counts: &RunCounts,
        wall_index: &WallIndex,
        run_store: &RunStore,
        server_now: Timestamp,
    ) -> Self {
        let model = &run_store.model;
        let begun = model.first_at().unwrap_or(server_now);
        let names_finished = counts.completed <= MOST_FINISHED_NAMED;
        let newest = wall_index.newest(RunStatus::Completed);
        let latest = newest.take(if names_finished { LATEST } else { 0 }).filter_map(|(_, id)| {
            let run = model.run(id)?;
            Some(Latest {
                id: id.clone(),
                title: run_store.name(run),
                score: final_score(run).map_or_else(String::new, number_words),
                took: run.duration_ms.map_or_else(String::new, span_words),
            })
        });
        let cancelled_latest =
            wall_index.newest(RunStatus::Cancelled).take(counts.cancelled.min(6));
        let cancelled_at = wall_index.newest(RunStatus::Cancelled).next().map(|(at, _)| at);
        let [finished_by, cancelled_by] = minutes(model, wall_index, begun, server_now);
        let (ended, part_secs) = ended_by(model, wall_index, begun, server_now);
        let first_ms = u64::try_from(part_secs * 1_000).unwrap_or(0) * ended.len() as u64;
        Self {
            window: counts.window_words(),
            failures: Failures::of(counts, wall_index, run_store, server_now),
            nodes: loads(wall_index, model, begun, server_now),
            next: (names_finished && (1..=MOST_COMPARED).contains(&counts.active))
                .then(|| NextToFinish::of(wall_index, run_store, server_now)),
            waiting: Waiting::of(counts.queued, wall_index, server_now),
            active: counts.active,
            silent: counts.silent,
            finished: counts.completed,
            pace: PaceView::of(Pace::of(&finished_by)),
            ended,
            part_secs,
            since: ago_words(first_ms),
            latest: latest.collect(),
            times: (!names_finished).then(|| RunTimes::of(model)).flatten(),
            cancelled: counts.cancelled,
            cancelled_latest: cancelled_latest
                .filter_map(|(_, id)| Some((id.clone(), run_store.name(model.run(id)?))))
                .collect(),
            cancelled_ago: cancelled_at
                .map_or_else(String::new, |at| ago_words(millis_between(at, server_now))),
            cancelled_pace: cancelled_words(Pace::of(&cancelled_by)),
        }
    }
}

/// Loads of the pipeline's nodes, and of others that have any.
fn loads(
    wall_index: &WallIndex,
    model: &Model,
    begun: Timestamp,
    server_now: Timestamp,
) -> Vec<NodeLoad> {
    let active = wall_index.active();
    let mut nodes: Vec<NodeLoad> = Vec::new();
    // Place of each known node among the rows.
    let mut rows: Vec<Option<usize>> = Vec::new();
    for (index, (name, load)) in wall_index.loads().enumerate() {
        let has_row = index < PIPELINE.len() || load != Load::default();
        let fits = has_row && nodes.len() < MOST_STEPS;
        rows.push(fits.then_some(nodes.len()));
        if !fits {
            continue;
        }
        let known = model.stats().step_load(name, server_now, begun);
        let jam = jam_words(known, active);
        let name = name.to_string();
        nodes.push(NodeLoad { name, load, usual: known.usual, jam, runs: Vec::new() });
    }
    let told: usize = nodes.iter().map(NodeLoad::count).sum();
    let others = (active > told).then(|| {
        let silent: usize = nodes.iter().map(|node| node.load.silent).sum();
        let silent = wall_index.silent_count().saturating_sub(silent);
        let load = Load { running: active - told, silent, ahead: 0 };
        let (name, runs) = (OTHER_STEPS.to_owned(), Vec::new());
        NodeLoad { name, load, usual: None, jam: String::new(), runs }
    });
    let own = nodes.len();
    nodes.extend(others);
    if active <= MOST_CELLS {
        for (step, id, silent) in wall_index.at_steps() {
            let row = step.and_then(|step| rows.get(step).copied().flatten()).unwrap_or(own);
            if let Some(node) = nodes.get_mut(row) {
                node.runs.push((id.clone(), silent));
            }
        }
    }
    nodes
}

/// "jammed: 1.7 times the usual load"; empty for a load that is not a jam.
fn jam_words(load: StepLoad, active: usize) -> String {
    match load.usual {
        Some(usual) if load.is_jammed(active) => match usual {
            0 => "jammed: usually none".to_owned(),
            usual => {
                let times = load.running as f64 / usual as f64;
                format!("jammed: {times:.1} times the usual load")
            }
        },
        _ => String::new(),
    }
}

impl Waiting {
    fn of(count: usize, wall_index: &WallIndex, server_now: Timestamp) -> Self {
        let first = wall_index.queued().next();
        let longest = first.map(|(since, _)| span_words(millis_between(since, server_now)));
        let runs = wall_index.queued().take(MOST_CELLS).map(|(_, id)| id.clone());
        Self { count, longest: longest.unwrap_or_default(), runs: runs.collect() }
    }
}

impl NextToFinish {
    fn of(wall_index: &WallIndex, run_store: &RunStore, server_now: Timestamp) -> Self {
        let model = &run_store.model;
        let known = wall_index.running().filter_map(|(_, id)| {
            let run = model.run(id)?;
            Some((millis_to_finish(model, run, server_now)?, run))
        });
        // The first of equals: the one that runs longest.
        known.min_by_key(|(millis, _)| *millis).map_or_else(Self::default, |(_, run)| Self {
            id: Some(run.id().clone()),
            title: run_store.name(run),
            left: remaining_words(model.remaining(run, server_now)),
        })
    }
}

/// Whole minutes that are known, at most an hour.
fn known_minutes(begun: Timestamp, server_now: Timestamp) -> usize {
    let minutes = server_now.duration_since(begun).as_mins();
    usize::try_from(minutes).unwrap_or(0).min(60)
}

/// Numbers of finished and cancelled runs in each whole minute that is known, oldest first.
fn minutes(
    model: &Model,
    wall_index: &WallIndex,
    begun: Timestamp,
    server_now: Timestamp,
) -> [Vec<u32>; 2] {
    let known = known_minutes(begun, server_now);
    let window = SignedDuration::from_mins(known as i64);
    let finished = model.stats().outcomes_by(server_now, window, known);
    let mut cancelled = vec![0; known];
    count_back(wall_index, server_now, 60, &mut cancelled);
    [finished.into_iter().map(|(finished, _)| finished).collect(), cancelled]
}

/// Counts cancelled runs by parts of `part_secs` up to now.
fn count_back(wall_index: &WallIndex, server_now: Timestamp, part_secs: i64, parts: &mut [u32]) {
    let since = server_now.checked_sub(LATELY).unwrap_or(Timestamp::MIN);
    let newest = wall_index.newest(RunStatus::Cancelled).take_while(|(at, _)| *at >= since);
    for (at, _) in newest {
        let age_ms = server_now.duration_since(at).as_millis().max(0);
        let back = usize::try_from(age_ms / i128::from(part_secs * 1_000)).unwrap_or(usize::MAX);
        if let Some(part) = parts.len().checked_sub(back.saturating_add(1)) {
            parts[part] += 1;
        }
    }
}

/// Numbers of finished, cancelled and failed runs by parts of the last hour, from the first event on, and
/// the length of a part in seconds.
fn ended_by(
    model: &Model,
    wall_index: &WallIndex,
    begun: Timestamp,
    server_now: Timestamp,
) -> (Vec<[u32; 3]>, i64) {
    let known = server_now.duration_since(begun).as_secs().max(1).min(LATELY.as_secs());
    let part = PART_SECS.iter().copied().find(|part| known <= part * MOST_PARTS);
    let part = part.unwrap_or(LATELY.as_secs() / MOST_PARTS);
    let parts = usize::try_from((known + part - 1) / part).unwrap_or(1).max(1);
    let window = SignedDuration::from_secs(part * parts as i64);
    let outcomes = model.stats().outcomes_by(server_now, window, parts);
    let mut cancelled = vec![0; parts];
    count_back(wall_index, server_now, part, &mut cancelled);
    let ended = outcomes.into_iter().zip(cancelled);
    (ended.map(|((finished, failed), cancelled)| [finished, cancelled, failed]).collect(), part)
}

/// A rate a minute: "3.3", from ten on "89".
fn rate_words(rate: f64) -> String {
    if rate < 9.95 { format!("{rate:.1}") } else { count_words(rate.round() as u64) }
}

impl PaceView {
    fn of(pace: Pace) -> Self {
        let (rises, words) = match pace.trend {
            Trend::Rising(minutes) => (Some(true), format!("rising for {minutes} min")),
            Trend::Falling(minutes) => (Some(false), format!("falling for {minutes} min")),
            Trend::Level if pace.usual.is_some() => (None, "as usual".to_owned()),
            Trend::Level => (None, format!("mean of {} min", pace.minutes.max(1))),
        };
        Self {
            value: pace.now.map_or_else(|| "–".to_owned(), rate_words),
            rises,
            words,
            usual_words: pace.usual.map_or_else(
                || "usual not known yet".to_owned(),
                |usual| format!("usual {}", rate_words(usual)),
            ),
            usual: pace.usual,
        }
    }
}

/// "2.7 a minute, as usual"; empty before a minute is known.
fn cancelled_words(pace: Pace) -> String {
    let Some(now) = pace.now else { return String::new() };
    let than = match pace.trend {
        Trend::Rising(_) => ", more than usual",
        Trend::Falling(_) => ", less than usual",
        Trend::Level if pace.usual.is_some() => ", as usual",
        Trend::Level => "",
    };
    format!("{} a minute{than}", rate_words(now))
}

impl RunTimes {
    /// Distribution of recent run times; `None` before runs finished.
    fn of(model: &Model) -> Option<Self> {
        let stats = model.stats();
        let usual = stats.run_baseline()?;
        let least = stats.last_run_durations(RECENT).min()? / 1_000;
        let most = stats.last_run_durations(RECENT).max()? / 1_000;
        let fits = |bin: &u64| most / bin - least / bin < MOST_BINS;
        let bin_secs = BIN_SECS.iter().copied().find(fits).unwrap_or((most - least) / 29 + 1);
        let first = least / bin_secs;
        let mut bins = vec![0; usize::try_from(most / bin_secs - first).unwrap_or(0) + 1];
        for millis in stats.last_run_durations(RECENT) {
            let bin = usize::try_from(millis / 1_000 / bin_secs - first).unwrap_or(0);
            if let Some(bin) = bins.get_mut(bin) {
                *bin += 1;
            }
        }
        Some(Self {
            runs: usual.samples,
            bins,
            first_secs: first * bin_secs,
            bin_secs,
            usual_ms: usual.p50_ms,
            slow_ms: usual.p95_ms,
        })
    }
}
