//! The numbers of a period beside those of the period before. Its fields are a stable interface for
//! scripts: `docs/history.md` describes them.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::aggregates::{History, Slices};
use super::bucket::{Bucket, CauseCount, rounded};
use super::cause::Cause;
use super::period::{Part, Period, PeriodError};
use super::sketch::Sketch;
use crate::protocol::{NodeName, PIPELINE};

/// Version of the fields.
pub const VERSION: u32 = 1;

/// Runs or attempts that both periods need to be compared.
pub const LEAST_TO_COMPARE: u64 = 30;

/// Share by which a duration differs at least.
const LEAST_CHANGE: f64 = 0.02;

/// Most causes that are named.
const MOST_NAMED: usize = 20;

/// Numbers of a period beside those of the period before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Version of these fields.
    pub meterbridge_history: u32,
    /// Begin of the period in UTC.
    pub from: String,
    /// End of the period in UTC.
    pub to: String,
    /// Time zone of hours and days.
    pub zone: String,
    /// Length of `buckets`: `10min`, `hour` or `day`.
    pub bucket: String,
    /// Length of `groups` and of trends: `hour` or `day`.
    pub group: String,
    /// First instant of the history that is kept; `null` while no run has ended.
    pub kept_since: Option<String>,
    /// Totals of the period.
    pub now: Totals,
    /// Totals of the period before.
    pub before: Totals,
    /// Difference of the shares of success; `null` unless both periods have 30 runs.
    pub success_change: Option<f64>,
    /// Difference of the usual duration of a run in milliseconds; `null` unless both periods have 30
    /// finished runs.
    pub usual_change_ms: Option<i64>,
    /// The same of the duration beyond which the slowest 5 % are.
    pub slow_change_ms: Option<i64>,
    /// Parts of the period, in order.
    pub buckets: Vec<BarSummary>,
    /// The same in longer parts.
    pub groups: Vec<BarSummary>,
    /// Steps in the order of the pipeline, then others by name.
    pub steps: Vec<StepSummary>,
    /// The step whose usual duration has changed by most milliseconds; `null` if none has changed.
    pub changed_most: Option<String>,
    /// Causes of failures, the most frequent first.
    pub causes: Vec<CauseSummary>,
    /// Failures for other causes.
    pub other_causes: CauseTotal,
    /// Number of all causes of the period, named or not, as far as they are kept apart.
    pub cause_kinds: u64,
    /// Fixes that songs needed.
    pub fixes: FixCounts,
    /// The same of the period before.
    pub fixes_before: FixCounts,
}

/// Runs that ended between two instants.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EndedRuns {
    /// Begin in UTC.
    pub from: String,
    /// End in UTC.
    pub to: String,
    /// Runs that ended without an error.
    pub finished: u64,
    /// Runs that ended with an error.
    pub failed: u64,
    /// Runs that were cancelled.
    pub cancelled: u64,
    /// Share of finished runs among those that were not cancelled.
    pub success: Option<f64>,
    /// Median duration of the finished runs in milliseconds.
    pub usual_ms: Option<u64>,
    /// Duration beyond which the slowest 5 % of them are.
    pub slow_ms: Option<u64>,
}

impl EndedRuns {
    fn of(bucket: &Bucket, from: Timestamp, to: Timestamp) -> Self {
        Self {
            from: from.to_string(),
            to: to.to_string(),
            finished: bucket.finished,
            failed: bucket.failed,
            cancelled: bucket.cancelled,
            success: bucket.success(),
            usual_ms: bucket.took.usual_ms(),
            slow_ms: bucket.took.slow_ms(),
        }
    }

    /// Number of all of them.
    pub fn runs(&self) -> u64 {
        self.finished + self.failed + self.cancelled
    }
}

/// Totals of a period.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Runs that ended.
    pub runs: u64,
    /// The same by outcome, with their durations.
    #[serde(flatten)]
    pub ended: EndedRuns,
    /// Mean duration of the finished runs in milliseconds.
    pub mean_ms: Option<u64>,
}

/// Runs that ended within a part of the period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BarSummary {
    /// Their numbers.
    #[serde(flatten)]
    pub ended: EndedRuns,
    /// The most frequent cause of failures.
    pub cause: Option<CauseOfBar>,
}

impl BarSummary {
    fn of(bucket: &Bucket, from: Timestamp, to: Timestamp) -> Self {
        let first = bucket.causes.iter().max_by_key(|(cause, it)| (it.count, Reverse(*cause)));
        Self {
            ended: EndedRuns::of(bucket, from, to),
            cause: first.map(|(cause, it)| CauseOfBar {
                step: cause.step.as_ref().map(ToString::to_string),
                reason: it.example.to_string(),
                count: it.count,
            }),
        }
    }
}

/// The most frequent cause of a part of the period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CauseOfBar {
    /// The failed step.
    pub step: Option<String>,
    /// The reason of one of them.
    pub reason: String,
    /// Number of failures.
    pub count: u64,
}

/// Attempts of a step in one period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepNumbers {
    /// Attempts that succeeded.
    pub count: u64,
    /// Their median duration in milliseconds.
    pub usual_ms: Option<u64>,
    /// Duration beyond which the slowest 5 % of them are.
    pub slow_ms: Option<u64>,
}

/// Change of a step between two periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Less than 2 %.
    Same,
    /// Longer than before.
    Slower,
    /// Shorter than before.
    Faster,
    /// One of the periods has less than 30 attempts.
    TooFewRuns,
}

/// Parts of a ridge.
pub const RIDGE_PARTS: usize = 40;

/// Least and greatest duration of a ridge, as parts of the usual one.
const RIDGE: (f64, f64) = (0.5, 2.5);

/// How the durations of a step are spread, in parts of equal length of a logarithmic scale around the usual
/// duration of the period before, or of this one where that has too few.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ridge {
    /// Duration at the begin of the scale in milliseconds.
    pub from_ms: u64,
    /// Duration at its end.
    pub to_ms: u64,
    /// Share of the durations of this period in each part; what lies beyond the scale is left out.
    pub now: Vec<f64>,
    /// The same of the period before.
    pub before: Vec<f64>,
}

impl Ridge {
    fn of(now: &Sketch, before: &Sketch) -> Option<Self> {
        // The middle of a few durations is chance.
        let usual_before = before.usual_ms().filter(|_| before.count() >= LEAST_TO_COMPARE);
        let usual_ms = usual_before.or(now.usual_ms()).or(before.usual_ms())?.max(1) as f64;
        let (from_ms, to_ms) =
            ((usual_ms * RIDGE.0).round() as u64, (usual_ms * RIDGE.1).ceil() as u64);
        let shares = |sketch: &Sketch| {
            let shares = sketch.density(from_ms, to_ms, RIDGE_PARTS);
            shares.into_iter().map(rounded).collect()
        };
        Some(Self { from_ms, to_ms, now: shares(now), before: shares(before) })
    }
}

/// Time in a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepSummary {
    /// Name.
    pub step: String,
    /// Value of this period.
    pub now: StepNumbers,
    /// The period before.
    pub before: StepNumbers,
    /// Difference of the usual durations in milliseconds; `null` where one is not known.
    pub change_ms: Option<i64>,
    /// Direction of the change.
    pub change: Change,
    /// Spread of the durations; `null` where none is known.
    #[serde(default)]
    pub ridge: Option<Ridge>,
}

/// Failures for one cause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CauseSummary {
    /// The failed step; `null` where no step failed.
    pub step: Option<String>,
    /// The reason, in which `#` stands for numbers and ids.
    pub reason: String,
    /// The reason of one of them as it was given.
    pub example: String,
    /// Their numbers.
    #[serde(flatten)]
    pub total: CauseTotal,
}

/// Numbers of failures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseTotal {
    /// In this period.
    pub count: u64,
    /// In the period before.
    pub before: u64,
    /// In each of the groups of this period.
    pub trend: Vec<u64>,
}

/// Songs by the fixes that they needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixCounts {
    /// Finished without a fix.
    pub none: u64,
    /// Finished after one fix.
    pub one: u64,
    /// Finished after two.
    pub two: u64,
    /// Finished after three or more.
    pub three: u64,
    /// Failed in VALIDATE or FIX.
    pub failed: u64,
}

impl FixCounts {
    fn of([none, one, two, three, failed]: [u64; 5]) -> Self {
        Self { none, one, two, three, failed }
    }

    /// Returns the numbers in order.
    pub fn all(&self) -> [u64; 5] {
        [self.none, self.one, self.two, self.three, self.failed]
    }

    /// Returns the shares in order; `None` when no song was judged.
    pub fn shares(&self) -> Option<[f64; 5]> {
        let sum: u64 = self.all().iter().sum();
        (sum > 0).then(|| self.all().map(|count| count as f64 / sum as f64))
    }
}

/// Parts of time that a summary needs, taken from a history so that nobody has to wait for it.
#[derive(Clone, Debug)]
pub struct SummaryInput {
    period: Period,
    now: Slices,
    before: Slices,
    kept_since: Option<Timestamp>,
}

impl SummaryInput {
    /// Takes the parts of a period from a history.
    ///
    /// # Errors
    ///
    /// Fails when the history does not keep such short parts for so long.
    pub fn of(history: &History, period: Period) -> Result<Self, PeriodError> {
        let fine = period.part == Part::TenMinutes;
        if let Some(since) = history.fine_since().filter(|since| fine && *since > period.from) {
            return Err(PeriodError::NotKept { since });
        }
        // A part counts as a whole where the period ends within it. In a short period that is much, so it
        // is made from the shortest parts. The period before may reach further back than these are kept.
        let is_fine = |since| history.fine_since().is_none_or(|fine| fine <= since);
        let by_five_minutes = period.is_by_five_minutes();
        let now_is_fine = fine || (by_five_minutes && is_fine(period.from));
        let before_is_fine = by_five_minutes && is_fine(period.before.0);
        Ok(Self {
            now: history.slices(period.from, period.to, now_is_fine),
            before: history.slices(period.before.0, period.before.1, before_is_fine),
            kept_since: history.reach().map(|(from, _)| from),
            period,
        })
    }

    /// Adds everything up.
    pub fn summary(&self) -> Summary {
        let Period { from, to, before: (before_from, before_to), part, zone } = &self.period;
        let none = |bounds: &[Timestamp]| vec![Bucket::default(); bounds.len().saturating_sub(1)];
        let part_bounds = self.period.bounds(*part);
        let mut bars = none(&part_bounds);
        // Days are their own groups.
        let group_bounds = (*part != part.group()).then(|| self.period.bounds(part.group()));
        let mut groups = group_bounds.as_deref().map(none);
        let mut total = Bucket::default();
        self.now.each(|at, bucket| {
            add_to_bar(&mut bars, &part_bounds, at, &bucket);
            if let Some((groups, bounds)) = groups.as_mut().zip(group_bounds.as_ref()) {
                add_to_bar(groups, bounds, at, &bucket);
            }
            total.merge(&bucket);
        });
        let groups = groups.as_ref().unwrap_or(&bars);
        let group_bounds = group_bounds.as_ref().unwrap_or(&part_bounds);
        let mut before = Bucket::default();
        self.before.each(|_, bucket| before.merge(&bucket));

        let summaries = |bounds: &[Timestamp], bars: &[Bucket]| {
            let spans = bounds.windows(2).zip(bars);
            spans.map(|(span, bar)| BarSummary::of(bar, span[0], span[1])).collect()
        };
        let steps = steps(&total, &before);
        let changed =
            steps.iter().filter(|it| matches!(it.change, Change::Slower | Change::Faster));
        let changed_most = changed.max_by_key(|step| step.change_ms.unwrap_or(0).unsigned_abs());
        let (causes, other_causes) = causes(&total, &before, groups);
        let finished_are_enough = total.took.count().min(before.took.count()) >= LEAST_TO_COMPARE;
        let judged = |bucket: &Bucket| bucket.finished + bucket.failed;
        let runs_are_enough = judged(&total).min(judged(&before)) >= LEAST_TO_COMPARE;
        let change = |quantile: fn(&Sketch) -> Option<u64>| {
            let change = difference(quantile(&total.took), quantile(&before.took));
            change.filter(|_| finished_are_enough)
        };
        let success_change = total.success().zip(before.success());
        Summary {
            meterbridge_history: VERSION,
            from: from.to_string(),
            to: to.to_string(),
            zone: zone.name().to_owned(),
            bucket: part.as_str().to_owned(),
            group: part.group().as_str().to_owned(),
            kept_since: self.kept_since.map(|at| at.to_string()),
            now: totals(&total, *from, *to),
            before: totals(&before, *before_from, *before_to),
            success_change: success_change
                .filter(|_| runs_are_enough)
                .map(|(now, before)| rounded(now - before)),
            usual_change_ms: change(Sketch::usual_ms),
            slow_change_ms: change(Sketch::slow_ms),
            buckets: summaries(&part_bounds, &bars),
            groups: summaries(group_bounds, groups),
            changed_most: changed_most.map(|step| step.step.clone()),
            steps,
            causes,
            other_causes,
            cause_kinds: total.causes.len() as u64,
            fixes: FixCounts::of(total.fixes),
            fixes_before: FixCounts::of(before.fixes),
        }
    }
}

/// Returns the summary of a period.
///
/// # Errors
///
/// Fails when the history does not keep such short parts for so long.
pub fn summary_of(history: &History, period: Period) -> Result<Summary, PeriodError> {
    Ok(SummaryInput::of(history, period)?.summary())
}

/// Adds the outcomes of a part of time to the bar in which it begins.
fn add_to_bar(bars: &mut [Bucket], bounds: &[Timestamp], at: Timestamp, bucket: &Bucket) {
    let place = bounds.partition_point(|bound| *bound <= at).checked_sub(1);
    if let Some(bar) = place.and_then(|place| bars.get_mut(place)) {
        bar.merge_outcomes(bucket);
    }
}

fn totals(bucket: &Bucket, from: Timestamp, to: Timestamp) -> Totals {
    Totals {
        runs: bucket.runs(),
        ended: EndedRuns::of(bucket, from, to),
        mean_ms: bucket.took.mean_ms(),
    }
}

fn difference(now: Option<u64>, before: Option<u64>) -> Option<i64> {
    let (now, before) = (i64::try_from(now?).ok()?, i64::try_from(before?).ok()?);
    now.checked_sub(before)
}

fn steps(total: &Bucket, before: &Bucket) -> Vec<StepSummary> {
    let numbers = |durations: &Sketch| StepNumbers {
        count: durations.count(),
        usual_ms: durations.usual_ms(),
        slow_ms: durations.slow_ms(),
    };
    let place = |name: &str| PIPELINE.iter().position(|step| *step == name);
    let mut names: Vec<_> = total.steps.keys().chain(before.steps.keys()).collect();
    names.sort_by_key(|name| (place(name).unwrap_or(usize::MAX), *name));
    names.dedup();
    let step = |name: &NodeName| {
        let of = |bucket: &Bucket| bucket.steps.get(name).map(numbers).unwrap_or_default();
        let (now, earlier) = (of(total), of(before));
        let change_ms = difference(now.usual_ms, earlier.usual_ms);
        let change = match change_ms {
            Some(by) if now.count.min(earlier.count) >= LEAST_TO_COMPARE => {
                let share = by as f64 / earlier.usual_ms.unwrap_or(1).max(1) as f64;
                match () {
                    () if share.abs() < LEAST_CHANGE => Change::Same,
                    () if share > 0.0 => Change::Slower,
                    () => Change::Faster,
                }
            }
            _ => Change::TooFewRuns,
        };
        let none = Sketch::default();
        let ridge = Ridge::of(
            total.steps.get(name).unwrap_or(&none),
            before.steps.get(name).unwrap_or(&none),
        );
        StepSummary { step: name.to_string(), now, before: earlier, change_ms, change, ridge }
    };
    names.into_iter().map(step).collect()
}

fn causes(total: &Bucket, before: &Bucket, groups: &[Bucket]) -> (Vec<CauseSummary>, CauseTotal) {
    let mut order: Vec<(&Cause, &CauseCount)> = total.causes.iter().collect();
    order.sort_by_key(|(cause, it)| (Reverse(it.count), *cause));
    let of_groups = |cause: &Cause| -> Vec<u64> {
        groups.iter().map(|bar| bar.causes.get(cause).map_or(0, |it| it.count)).collect()
    };
    let earlier = |cause: &Cause| before.causes.get(cause).map_or(0, |it| it.count);
    order.truncate(MOST_NAMED);
    let named: Vec<CauseSummary> = order
        .iter()
        .map(|(cause, CauseCount { count, example })| CauseSummary {
            step: cause.step.as_ref().map(ToString::to_string),
            reason: cause.reason.to_string(),
            example: example.to_string(),
            total: CauseTotal { count: *count, before: earlier(cause), trend: of_groups(cause) },
        })
        .collect();
    // Failures that belong to none of the named causes.
    let sum = |of: fn(&CauseTotal) -> u64| named.iter().map(|cause| of(&cause.total)).sum::<u64>();
    let told = |place: usize| named.iter().map(|cause| cause.total.trend[place]).sum::<u64>();
    let trend = groups.iter().enumerate();
    let other = CauseTotal {
        count: total.failed.saturating_sub(sum(|it| it.count)),
        before: before.failed.saturating_sub(sum(|it| it.before)),
        trend: trend.map(|(place, bar)| bar.failed.saturating_sub(told(place))).collect(),
    };
    (named, other)
}
