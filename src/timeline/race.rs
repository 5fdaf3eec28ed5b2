//! Two runs of a song from the same start, and how they differ step by step.

use jiff::Timestamp;

use super::bars::{Bar, RunBars, millis_between};
use crate::model::{NodeStatus, Run, RunStatus, Stats};
use crate::protocol::PIPELINE;

/// Time that one of the two spent in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lap {
    /// Milliseconds that the steps of the column took.
    Took(u64),
    /// At work for these milliseconds so far.
    AtWork(u64),
    /// Failed or was stopped after these milliseconds.
    Broken(u64),
    /// Has not begun yet, or was not reached before the run ended.
    ToCome,
    /// Did not happen: the step was skipped, or no fix was needed.
    Absent,
    /// Happened, but nobody knows how long it took.
    Unknown,
}

impl Lap {
    /// Milliseconds that the column counts for, once it is over.
    fn counted_ms(self) -> u64 {
        match self {
            Self::Took(ms) => ms,
            _ => 0,
        }
    }

    fn is_over(self) -> bool {
        matches!(self, Self::Took(_) | Self::Absent)
    }
}

/// One column: a step, a whole fix pass, or the time between the steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// "PLAN", "fix 1", "between" (the time between the steps).
    pub name: String,
    /// Lap of this run.
    pub this: Lap,
    /// The run that it is compared with.
    pub other: Lap,
    /// Milliseconds that this run took longer; `None` while the column is not over in both.
    pub difference_ms: Option<i64>,
    /// Milliseconds from its own start at which each of the two came to the end of the column; while one is at
    /// work, its time so far.
    pub ends_ms: (Option<u64>, Option<u64>),
}

/// Run that another one is compared with.
#[derive(Clone, Copy, Debug)]
pub enum Opponent<'a> {
    /// Another run.
    Run(&'a Run),
    /// The usual times of the steps, one after the other.
    Usual(&'a Stats),
}

/// Comparison of a run with another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Race {
    /// Columns in the order of the pipeline, a column for each fix pass after VALIDATE, and the time between
    /// the steps last.
    pub columns: Vec<Column>,
    /// Milliseconds that this run is behind, over all columns that are over; negative when ahead. `None` when none
    /// is over.
    pub gap_ms: Option<i64>,
    /// Gap over time: milliseconds since this run's start, and milliseconds that it was behind then.
    pub curve: Vec<(u64, i64)>,
    /// Milliseconds since this run's start, up to its end or now.
    pub elapsed_ms: u64,
    /// Milliseconds from start to end of the other; `None` while it runs, and when the usual times are not
    /// all known.
    pub other_took_ms: Option<u64>,
}

/// Laps of one run: by column, with the time from its start to the end of each.
struct Course {
    laps: Vec<(Lap, Option<u64>)>,
    took_ms: Option<u64>,
}

impl Race {
    /// Compares a run with another one at `now`, by the server's clock.
    pub fn of(run: &Run, opponent: Opponent, now: Timestamp) -> Self {
        let this = RunBars::of(run, now);
        let other = match opponent {
            Opponent::Run(other) => Some((other, RunBars::of(other, now))),
            Opponent::Usual(_) => None,
        };
        let fixes = |bars: &RunBars| bars.bars.iter().map(|bar| bar.fix).max().unwrap_or(0);
        let most = fixes(&this).max(other.as_ref().map_or(0, |(_, bars)| fixes(bars)));
        let mut names = column_names(run, most);
        if let Some((other, _)) = &other {
            let more = other.nodes.iter().skip(PIPELINE.len()).map(|node| node.name.to_string());
            for name in more {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        let mine = Course::of_run(run, &this, &names);
        let theirs = match (&other, opponent) {
            (Some((other, bars)), _) => Course::of_run(other, bars, &names),
            (None, Opponent::Usual(stats)) => Course::usual(stats, &mine, &names),
            (None, Opponent::Run(_)) => Course { laps: Vec::new(), took_ms: None },
        };
        let begun = this.started_at.unwrap_or(this.span.from);
        Self::compare(names, &mine, &theirs, millis_between(begun, this.span.to))
    }

    fn compare(names: Vec<String>, mine: &Course, theirs: &Course, elapsed_ms: u64) -> Self {
        let mut columns: Vec<Column> = names
            .into_iter()
            .zip(mine.laps.iter().zip(&theirs.laps))
            .map(|(name, ((this, this_end), (other, other_end)))| Column {
                name,
                this: *this,
                other: *other,
                difference_ms: (this.is_over() && other.is_over())
                    .then(|| difference(this.counted_ms(), other.counted_ms())),
                ends_ms: (*this_end, *other_end),
            })
            .collect();
        // Only what lies before the first column that is not over can be compared as a whole.
        let over = columns.iter().take_while(|column| column.difference_ms.is_some()).count();
        for column in &mut columns[over..] {
            column.difference_ms = None;
        }
        let mut curve = vec![(0, 0)];
        let (mut this_end, mut other_end) = (0, 0);
        for column in &columns[..over] {
            this_end = this_end.max(column.ends_ms.0.unwrap_or(0));
            other_end = other_end.max(column.ends_ms.1.unwrap_or(0));
            curve.push((this_end, difference(this_end, other_end)));
        }
        curve.dedup();
        let gap_ms = columns[..over]
            .iter()
            .any(|column| column.this != Lap::Absent || column.other != Lap::Absent)
            .then(|| difference(this_end, other_end));
        // Time outside the steps: waits between them; negative where steps ran side by side.
        let steps: i64 = columns[..over].iter().filter_map(|column| column.difference_ms).sum();
        let waits = gap_ms.unwrap_or(0).saturating_sub(steps);
        if waits != 0 {
            let wait = |end: u64, of: fn(&Column) -> Lap| {
                let took: u64 = columns[..over].iter().map(|column| of(column).counted_ms()).sum();
                end.checked_sub(took)
            };
            let this = wait(this_end, |column| column.this);
            let other = wait(other_end, |column| column.other);
            let (this, other) = match this.zip(other) {
                Some((this, other)) => (Lap::Took(this), Lap::Took(other)),
                None => (Lap::Absent, Lap::Absent),
            };
            let between = Column {
                name: BETWEEN.to_owned(),
                this,
                other,
                difference_ms: Some(waits),
                ends_ms: (None, None),
            };
            columns.push(between);
        }
        let other_took_ms = theirs.took_ms;
        Self { columns, gap_ms, curve, elapsed_ms, other_took_ms }
    }
}

/// Name of the column for the time between the steps.
pub const BETWEEN: &str = "between";

fn difference(this: u64, other: u64) -> i64 {
    let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    signed(this).saturating_sub(signed(other))
}

/// Names of the columns: the pipeline with fix passes in place of FIX, and steps outside of it.
fn column_names(run: &Run, fixes: u32) -> Vec<String> {
    let mut names = Vec::new();
    for name in PIPELINE.iter().filter(|name| **name != "FIX") {
        names.push((*name).to_owned());
        if *name == "VALIDATE" {
            names.extend((1..=fixes).map(|fix| format!("fix {fix}")));
        }
    }
    names.extend(run.nodes.iter().skip(PIPELINE.len()).map(|node| node.name.to_string()));
    names
}

/// True when a bar belongs to a column.
fn belongs(bar: &Bar, column: &str) -> bool {
    match bar.fix {
        0 => bar.node == column,
        fix => column.strip_prefix("fix ").is_some_and(|number| number == fix.to_string()),
    }
}

impl Course {
    fn of_run(run: &Run, bars: &RunBars, names: &[String]) -> Self {
        let begun = bars.started_at.unwrap_or(bars.span.from);
        // Nothing of a column is to come when a later one has begun.
        let last_begun = names
            .iter()
            .rposition(|name| bars.bars.iter().any(|bar| belongs(bar, name)))
            .map_or(0, |place| place + 1);
        let laps = names.iter().enumerate().map(|(place, name)| {
            let mine = || bars.bars.iter().filter(|bar| belongs(bar, name));
            let end = mine().map(|bar| millis_between(begun, bar.span.to)).max();
            let took = mine().map(Bar::took_ms).sum::<Option<u64>>();
            let behind = place + 1 < last_begun || run.status == RunStatus::Completed;
            let last = mine().max_by_key(|bar| bar.span.to);
            let broke = last.is_some_and(|bar| bar.stopped || bar.status == NodeStatus::Failed);
            let is_fix = name.starts_with("fix ");
            let lap = match (end, took) {
                (None, _) if bars.untimed.iter().any(|node| **node == **name) => Lap::Unknown,
                (None, _) if was_missed(run, name) => Lap::Unknown,
                (None, _) if behind => Lap::Absent,
                (None, _) if is_fix && !in_loop(bars) && place < last_begun => Lap::Absent,
                (None, _) => Lap::ToCome,
                (Some(_), Some(ms)) if broke => Lap::Broken(ms),
                (Some(_), Some(ms)) if !behind && is_unfinished(bars, name) => match bars.is_over {
                    true => Lap::Broken(ms),
                    false => Lap::AtWork(ms),
                },
                (Some(_), Some(ms)) => Lap::Took(ms),
                (Some(_), None) => Lap::Unknown,
            };
            (lap, end)
        });
        Self {
            laps: laps.collect(),
            took_ms: run.status.is_over().then(|| millis_between(begun, bars.span.to)),
        }
    }

    /// Course of the usual run, which goes through no fix pass and leaves out what `mine` left out.
    fn usual(stats: &Stats, mine: &Self, names: &[String]) -> Self {
        let mut at = 0;
        let mut all_known = true;
        let laps = names.iter().zip(&mine.laps).map(|(name, (lap, _))| {
            let is_fix = name.starts_with("fix ");
            let usual = stats.node_baseline(name).map(|usual| usual.p50_ms);
            let lap = match (usual, lap) {
                _ if is_fix => Lap::Absent,
                (_, Lap::Absent) => Lap::Absent,
                (Some(ms), _) => Lap::Took(ms),
                (None, _) => {
                    all_known = false;
                    Lap::Unknown
                }
            };
            at += lap.counted_ms();
            (lap, (lap != Lap::Absent).then_some(at))
        });
        let laps = laps.collect();
        Self { laps, took_ms: all_known.then_some(at) }
    }
}

/// True when nobody knows whether a step ran, because its events were not seen.
fn was_missed(run: &Run, name: &str) -> bool {
    run.node(name).is_some_and(|node| node.status == NodeStatus::Unknown)
}

/// True when the last bar of a column is at work, or the fix pass still has steps to come.
fn is_unfinished(bars: &RunBars, name: &str) -> bool {
    let mine = || bars.bars.iter().filter(|bar| belongs(bar, name));
    let at_work = mine().any(|bar| bar.is_open);
    let in_pass = name.starts_with("fix ") && !mine().any(|bar| bar.node == "VALIDATE");
    at_work || in_pass
}

/// True while a step of the loop is at work.
fn in_loop(bars: &RunBars) -> bool {
    bars.bars.iter().any(|bar| bar.is_open && bar.is_in_loop())
}
