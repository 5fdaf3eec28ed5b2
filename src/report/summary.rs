//! Contents of the page, from the model.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    Baseline, FailureCause, NodeStatus, Run, RunStatus, display_name, failure_words,
};

/// Maximum number of runs in the table.
pub(super) const MOST_RUNS: usize = 1_000;
/// Maximum number of causes of failure.
pub(super) const MOST_CAUSES: usize = 50;
/// Maximum number of songs named for a cause.
pub(super) const MOST_SONGS: usize = 5;
/// Maximum number of steps in the table.
pub(super) const MOST_STEPS: usize = 40;
/// Maximum number of bars in the chart of outcomes.
const MOST_BARS: i64 = 48;

/// Lengths that a bar of the chart of outcomes may have, in seconds.
const BAR_SECS: [i64; 14] =
    [1, 5, 15, 60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000, 31_536_000];

/// Runs with the same cause of failure.
pub(super) struct CauseGroup<'a> {
    /// Step and reason of the latest failure.
    pub(super) step: Option<String>,
    pub(super) reason: String,
    pub(super) count: usize,
    /// Names of the first songs, without repetition.
    pub(super) songs: Vec<&'a str>,
    pub(super) song_count: usize,
    pub(super) last: Option<Timestamp>,
}

/// Durations and outcomes of a step, over all kept attempts.
#[derive(Default)]
pub(super) struct StepLine {
    pub(super) name: String,
    pub(super) attempts: u64,
    pub(super) failed: u64,
    pub(super) usual: Option<Baseline>,
    pub(super) longest_ms: Option<u64>,
}

/// Runs that ended in one part of the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) finished: usize,
    pub(super) failed: usize,
    pub(super) cancelled: usize,
}

impl Ends {
    pub(super) fn total(self) -> usize {
        self.finished + self.failed + self.cancelled
    }
}

/// Runs by outcome over time, in parts of equal length.
pub(super) struct Outcomes {
    pub(super) parts: Vec<(Timestamp, Ends)>,
    pub(super) part_secs: i64,
}

/// Runs by their number of fix passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FixLine {
    pub(super) runs: usize,
    pub(super) finished: usize,
    pub(super) failed: usize,
}

/// Number of lines of the table of fix passes; the last one has all runs with more.
pub(super) const FIX_LINES: usize = 5;

/// Returns the runs that ended, by time; `None` when none did.
pub(super) fn outcomes(runs: &[&Run]) -> Option<Outcomes> {
    let ended = || {
        runs.iter()
            .filter(|run| run.status.is_over())
            .filter_map(|run| Some((run.counted_end()?.as_second(), run.status)))
    };
    let (first, last) = (ended().map(|it| it.0).min()?, ended().map(|it| it.0).max()?);
    let span = last - first;
    let longest = BAR_SECS[BAR_SECS.len() - 1];
    let fits = |secs: &i64| span / secs + 2 <= MOST_BARS;
    // Beyond decades, whole multiples of a year.
    let part_secs = BAR_SECS.into_iter().find(fits);
    let part_secs = part_secs.unwrap_or_else(|| longest * (span / longest / (MOST_BARS - 2) + 1));
    let begin = first.div_euclid(part_secs);
    let count = last.div_euclid(part_secs) - begin + 1;
    let at = |part: i64| Timestamp::from_second((begin + part) * part_secs);
    let at = |part| at(part).unwrap_or(Timestamp::MIN);
    let mut parts: Vec<_> = (0..count).map(|part| (at(part), Ends::default())).collect();
    for (second, status) in ended() {
        let part = usize::try_from(second.div_euclid(part_secs) - begin).unwrap_or(0);
        let Some((_, ends)) = parts.get_mut(part) else { continue };
        match status {
            RunStatus::Completed => ends.finished += 1,
            RunStatus::Failed => ends.failed += 1,
            _ => ends.cancelled += 1,
        }
    }
    Some(Outcomes { parts, part_secs })
}

/// Returns the causes of failure, the most frequent first.
pub(super) fn causes<'a>(runs: &[&'a Run]) -> Vec<CauseGroup<'a>> {
    let mut groups: HashMap<FailureCause, (CauseGroup, HashSet<&str>)> = HashMap::new();
    for run in runs {
        let (Some(cause), Some((step, reason))) = (FailureCause::of(run), failure_words(run))
        else {
            continue;
        };
        let (group, songs) = groups.entry(cause).or_insert_with(|| {
            let (songs, reason) = (Vec::new(), String::new());
            let group =
                CauseGroup { step: None, reason, count: 0, songs, song_count: 0, last: None };
            (group, HashSet::new())
        });
        group.count += 1;
        let song = display_name(run).as_str();
        if songs.insert(song) && group.songs.len() < MOST_SONGS {
            group.songs.push(song);
        }
        group.song_count = songs.len();
        let at = run.counted_end();
        if group.last.is_none() || at > group.last {
            (group.last, group.step, group.reason) = (at.or(group.last), step, reason);
        }
    }
    let mut groups: Vec<_> = groups.into_values().map(|(group, _)| group).collect();
    groups.sort_by(|a, b| {
        let key = |it: &CauseGroup| (it.count, it.last);
        let other = (&a.step, &a.reason).cmp(&(&b.step, &b.reason));
        key(b).cmp(&key(a)).then(other)
    });
    groups
}

/// Number of latest successes that a usual duration is taken from.
const USUAL_OF: usize = 200;

/// Returns the usual duration of the latest of these successes, given by end and milliseconds. The model's
/// own baselines lack what arrived late in a recording.
fn baseline(mut successes: Vec<(Option<Timestamp>, u64)>) -> Option<Baseline> {
    successes.sort_unstable();
    let latest = &successes[successes.len().saturating_sub(USUAL_OF)..];
    let mut sorted: Vec<u64> = latest.iter().map(|(_, millis)| *millis).collect();
    sorted.sort_unstable();
    let at = |percent: usize| {
        sorted.get((percent * sorted.len()).div_ceil(100).saturating_sub(1)).copied()
    };
    Some(Baseline { p50_ms: at(50)?, p95_ms: at(95)?, samples: sorted.len() })
}

/// Returns the usual duration of the finished runs.
pub(super) fn usual_run(runs: &[&Run]) -> Option<Baseline> {
    let finished = runs.iter().filter(|run| run.status == RunStatus::Completed);
    baseline(finished.filter_map(|run| Some((run.ended_at, run.duration_ms?))).collect())
}

/// Returns the steps that were seen: the pipeline in its order, then others by name.
pub(super) fn steps(runs: &[&Run]) -> Vec<StepLine> {
    let mut lines: HashMap<&str, StepLine> = HashMap::new();
    let mut successes: HashMap<&str, Vec<(Option<Timestamp>, u64)>> = HashMap::new();
    for run in runs {
        let earlier = run.history.iter().flat_map(|execution| &execution.nodes);
        for node in earlier.chain(&run.nodes).filter(|node| node.was_seen()) {
            let line = lines.entry(node.name.as_str()).or_default();
            line.attempts += u64::from(node.attempts);
            for attempt in node.history() {
                line.failed += u64::from(attempt.status == NodeStatus::Failed);
                line.longest_ms = line.longest_ms.max(attempt.duration_ms);
                if let (NodeStatus::Success, Some(millis)) = (attempt.status, attempt.duration_ms) {
                    let of_step = successes.entry(node.name.as_str()).or_default();
                    of_step.push((attempt.ended_at, millis));
                }
            }
        }
    }
    let mut lines: Vec<StepLine> = lines
        .into_iter()
        .map(|(name, line)| StepLine {
            name: name.to_owned(),
            usual: successes.remove(name).and_then(baseline),
            ..line
        })
        .collect();
    lines.sort_by_key(|line| {
        (crate::protocol::pipeline_index(&line.name).unwrap_or(usize::MAX), line.name.clone())
    });
    lines
}

/// Returns the started runs by their number of fix passes: 0, 1, 2, 3 and more.
pub(super) fn fixes(runs: &[&Run]) -> [FixLine; FIX_LINES] {
    let mut lines = [FixLine::default(); FIX_LINES];
    for run in runs.iter().filter(|run| run.executions > 0) {
        let line = &mut lines[(run.fix_iterations as usize).min(FIX_LINES - 1)];
        line.runs += 1;
        line.finished += usize::from(run.status == RunStatus::Completed);
        line.failed += usize::from(run.status == RunStatus::Failed);
    }
    lines
}

/// Returns the first and the last plausible instant of the runs.
pub(super) fn time_range(runs: &[&Run]) -> Option<(Timestamp, Timestamp)> {
    let first = runs.iter().map(|run| run.first_event_at()).min()?;
    let ends = runs.iter().map(|run| run.counted_end().unwrap_or(run.last_event_at()));
    Some((first, ends.max()?.max(first)))
}

/// Returns a length of time in words for a bar.
pub(super) fn part_words(secs: i64) -> String {
    let millis = SignedDuration::from_secs(secs).as_millis();
    crate::text::length_words(u64::try_from(millis).unwrap_or(0))
}
