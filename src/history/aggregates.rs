//! Parts of time of all levels, and what each run has contributed to them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use jiff::Timestamp;

use super::bucket::{Bucket, MOST_CAUSES};
use super::codec::{decode, decode_ended, encode, encode_ended};
use super::ended::{EndedRun, first_known};
use crate::model::Run;
use crate::protocol::RunId;

/// Time for which five minutes are kept apart.
const FINE_FOR: i64 = 3 * 86_400;

/// Time for which quarter hours are kept apart.
const QUARTERS_FOR: i64 = 100 * 86_400;

/// Length of the parts of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Five minutes, each of which is part of a quarter hour as well.
    FiveMinutes,
    /// Quarter hours.
    QuarterHour,
    /// Hours, which replace quarter hours that are old.
    Hour,
}

impl Level {
    /// Every level, the finest first.
    pub const ALL: [Self; 3] = [Self::FiveMinutes, Self::QuarterHour, Self::Hour];

    /// Length in seconds.
    pub fn seconds(self) -> i64 {
        match self {
            Self::FiveMinutes => 300,
            Self::QuarterHour => 900,
            Self::Hour => 3_600,
        }
    }

    fn begin(self, second: i64) -> i64 {
        second - second.rem_euclid(self.seconds())
    }
}

/// Instants before which parts of time are no longer kept, in seconds.
#[derive(Clone, Copy, Debug)]
struct Horizons {
    fine: i64,
    quarters: i64,
    all: i64,
}

impl Default for Horizons {
    fn default() -> Self {
        Self { fine: i64::MIN, quarters: i64::MIN, all: i64::MIN }
    }
}

/// A part of time or a contribution as bytes; `None` when it is dropped.
pub type Written = Option<Arc<[u8]>>;

/// Changes that have to be written where a history is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryChanges {
    /// Parts of time, by level and first second; `None` for those that are dropped.
    pub buckets: Vec<(Level, i64, Written)>,
    /// Contributions of runs; `None` for runs that cannot contribute any more.
    pub runs: Vec<(RunId, Written)>,
}

impl HistoryChanges {
    /// True when there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty() && self.runs.is_empty()
    }
}

/// Ended executions of a run, each with its number, before and after a change.
#[derive(Clone, Debug, PartialEq)]
pub struct NotedRun {
    /// Executions that were counted before.
    pub before: Vec<(u32, EndedRun)>,
    /// Executions that are counted now.
    pub after: Vec<(u32, EndedRun)>,
}

/// Parts of time in the order of time, each with its first second.
#[derive(Clone, Debug, Default)]
pub struct Slices {
    parts: Vec<(i64, Arc<[u8]>)>,
}

impl Slices {
    /// Calls `each` with every part of time.
    pub fn each(&self, mut each: impl FnMut(Timestamp, Bucket)) {
        for (second, bytes) in &self.parts {
            if let (Ok(at), Some(bucket)) = (Timestamp::from_second(*second), decode(bytes)) {
                each(at, bucket);
            }
        }
    }
}

/// Counts and durations of ended runs by time.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Parts of time of each level, by their first second, as bytes.
    levels: [BTreeMap<i64, Arc<[u8]>>; 3],
    /// Contributions of the runs that may still change.
    runs: HashMap<RunId, Arc<[u8]>, FixedState>,
    horizons: Horizons,
    changed: BTreeSet<(Level, i64)>,
    changed_runs: HashSet<RunId, FixedState>,
}

impl History {
    /// Counts the ended executions of a run, and takes back what it contributed before if that has changed.
    /// Executions that ended by `counted_until` are left out: they were counted before the run was dropped.
    /// Returns true when something changed.
    pub fn note(&mut self, run: &Run, counted_until: Option<Timestamp>) -> bool {
        self.note_changes(run, counted_until).is_some()
    }

    /// Works like [`note`](Self::note). Returns what changed; `None` when nothing did.
    pub fn note_changes(
        &mut self,
        run: &Run,
        counted_until: Option<Timestamp>,
    ) -> Option<NotedRun> {
        let known = self.runs.get(run.id()).cloned();
        let before = known.as_deref().and_then(decode_ended).unwrap_or_default();
        let mut now = EndedRun::all_of(run);
        if before.is_empty() && now.is_empty() {
            return None;
        }
        if let Some(until) = counted_until {
            now.retain(|(_, ended)| ended.second > until.as_second());
        }
        // Executions that the model no longer knows stay counted. After a restart the model does not know
        // of executions without kept frames, and starts its numbers at the first one that has frames.
        let first = first_known(run);
        let begin = now.iter().map(|(_, ended)| ended.second);
        let begin = begin.fold(run.first_event_at().as_second(), i64::min);
        let is_past = |(number, ended): &&(u32, EndedRun)| *number < first || ended.second < begin;
        let mut all: Vec<(u32, EndedRun)> = before.iter().filter(is_past).cloned().collect();
        all.append(&mut now);
        if all == before {
            return None;
        }
        for (_, ended) in before.iter().filter(|ended| !all.contains(ended)) {
            self.change(ended.second, |bucket| bucket.remove(ended));
        }
        for (_, ended) in all.iter().filter(|ended| !before.contains(ended)) {
            self.count(ended);
        }
        self.changed_runs.insert(run.id().clone());
        if all.is_empty() {
            self.runs.remove(run.id());
        } else {
            self.runs.insert(run.id().clone(), encode_ended(&all).into());
        }
        Some(NotedRun { before, after: all })
    }

    /// Counts an execution that is known not to be counted yet, and cannot change.
    pub fn count(&mut self, ended: &EndedRun) {
        self.change(ended.second, |bucket| bucket.add(ended));
    }

    /// Returns the last instant of the second in which a run last ended, as far as the run may still change;
    /// `None` when none of it is counted.
    pub fn last_end(&self, run: &RunId) -> Option<Timestamp> {
        let ended = decode_ended(self.runs.get(run)?)?;
        let last = ended.iter().map(|(_, ended)| ended.second).max()?;
        // To the microsecond, as stores have it.
        Timestamp::new(last, 999_999_000).ok()
    }

    /// Forgets what a run has contributed, because it is dropped and cannot change any more. It stays
    /// counted.
    pub fn forget(&mut self, run: &RunId) {
        if self.runs.remove(run).is_some() {
            self.changed_runs.insert(run.clone());
        }
    }

    /// Changes the parts of time of a second.
    fn change(&mut self, second: i64, change: impl Fn(&mut Bucket)) {
        let Horizons { fine, quarters, all } = self.horizons;
        if second < all {
            return;
        }
        let coarse = if second < quarters { Level::Hour } else { Level::QuarterHour };
        let level = (second >= fine).then_some(Level::FiveMinutes);
        for level in level.into_iter().chain([coarse]) {
            let begin = level.begin(second);
            let parts = &mut self.levels[level as usize];
            let mut bucket = parts.get(&begin).and_then(|bytes| decode(bytes)).unwrap_or_default();
            change(&mut bucket);
            if bucket.is_empty() {
                parts.remove(&begin);
            } else {
                parts.insert(begin, encode(&bucket).into());
            }
            self.changed.insert((level, begin));
        }
    }

    /// Drops what is older than `keep` at `now`, and adds old quarter hours up to hours. Time does not go
    /// further than the last run that has ended, so that a clock that is wrong drops nothing.
    pub fn prune(&mut self, now: Timestamp, keep: Duration) {
        let quarters = &self.levels[Level::QuarterHour as usize];
        let Some((last, _)) = quarters.last_key_value() else { return };
        let now = now.as_second().min(last + Level::QuarterHour.seconds());
        let keep = i64::try_from(keep.as_secs()).unwrap_or(i64::MAX);
        let before = |age: i64| now.saturating_sub(age.min(keep));
        self.horizons = Horizons {
            fine: Level::FiveMinutes.begin(before(FINE_FOR)),
            quarters: Level::Hour.begin(before(QUARTERS_FOR)),
            all: Level::Hour.begin(before(i64::MAX)),
        };
        let Horizons { fine, quarters, all } = self.horizons;
        self.drop_before(Level::FiveMinutes, fine, |_, _, _| ());
        self.drop_before(Level::QuarterHour, quarters, |history, begin, bytes| {
            history.add_up(begin, &bytes);
        });
        self.drop_before(Level::Hour, all, |_, _, _| ());
    }

    fn drop_before(
        &mut self,
        level: Level,
        horizon: i64,
        mut each: impl FnMut(&mut Self, i64, Arc<[u8]>),
    ) {
        let parts = &mut self.levels[level as usize];
        if parts.first_key_value().is_none_or(|(first, _)| *first >= horizon) {
            return;
        }
        let kept = parts.split_off(&horizon);
        for (begin, bytes) in std::mem::replace(parts, kept) {
            self.changed.insert((level, begin));
            each(self, begin, bytes);
        }
    }

    /// Adds a quarter hour to its hour.
    fn add_up(&mut self, begin: i64, bytes: &[u8]) {
        let Some(quarter) = decode(bytes) else { return };
        let begin = Level::Hour.begin(begin);
        let hours = &mut self.levels[Level::Hour as usize];
        let mut hour = hours.get(&begin).and_then(|bytes| decode(bytes)).unwrap_or_default();
        hour.merge_within(&quarter, MOST_CAUSES);
        hours.insert(begin, encode(&hour).into());
        self.changed.insert((Level::Hour, begin));
    }

    /// Returns what has changed since the last call.
    pub fn take_changes(&mut self) -> HistoryChanges {
        let buckets = std::mem::take(&mut self.changed);
        let runs = std::mem::take(&mut self.changed_runs);
        let bytes = |level: Level, begin| self.levels[level as usize].get(&begin).cloned();
        HistoryChanges {
            buckets: buckets
                .into_iter()
                .map(|(level, begin)| (level, begin, bytes(level, begin)))
                .collect(),
            runs: runs
                .into_iter()
                .map(|run| {
                    let bytes = self.runs.get(&run).cloned();
                    (run, bytes)
                })
                .collect(),
        }
    }

    /// Forgets what has changed, where nothing is written.
    pub fn discard_changes(&mut self) {
        self.changed.clear();
        self.changed_runs.clear();
    }

    /// Takes over a part of time that was written before; returns false for bytes that are not those of one.
    pub fn restore_bucket(&mut self, level: Level, begin: i64, bytes: &[u8]) -> bool {
        let is_right = level.begin(begin) == begin && decode(bytes).is_some();
        if is_right {
            self.levels[level as usize].insert(begin, bytes.into());
        }
        is_right
    }

    /// Takes over what a run contributed; returns false for bytes that are not those of it.
    pub fn restore_run(&mut self, run: RunId, bytes: &[u8]) -> bool {
        let is_right = decode_ended(bytes).is_some();
        if is_right {
            self.runs.insert(run, bytes.into());
        }
        is_right
    }

    /// Returns the first and the last instant of the parts of time that are kept; `None` while no run has
    /// ended.
    pub fn reach(&self) -> Option<(Timestamp, Timestamp)> {
        let coarse = [Level::Hour, Level::QuarterHour].map(|level| {
            let parts = &self.levels[level as usize];
            let (first, _) = parts.first_key_value()?;
            let (last, _) = parts.last_key_value()?;
            Some((*first, last + level.seconds()))
        });
        let mut both = coarse.into_iter().flatten();
        let first = both.next()?;
        let (from, to) =
            both.fold(first, |(from, to), (first, last)| (from.min(first), to.max(last)));
        Some((Timestamp::from_second(from).ok()?, Timestamp::from_second(to).ok()?))
    }

    /// Returns the instant from which five minutes are kept apart; `None` when all are.
    pub fn fine_since(&self) -> Option<Timestamp> {
        let fine = self.horizons.fine;
        (fine > i64::MIN).then(|| Timestamp::from_second(fine).ok()).flatten()
    }

    /// Number of parts of time, and their size in bytes.
    pub fn size(&self) -> (usize, usize) {
        let all = self.levels.iter().flat_map(BTreeMap::values);
        all.fold((0, 0), |(count, bytes), part| (count + 1, bytes + part.len()))
    }

    /// Returns the parts of time that begin from `from` up to `to`, and not at `to`: five minutes if `fine`,
    /// else quarter hours and hours.
    pub fn slices(&self, from: Timestamp, to: Timestamp, fine: bool) -> Slices {
        let levels: &[Level] =
            if fine { &[Level::FiveMinutes] } else { &[Level::Hour, Level::QuarterHour] };
        let (from, to) = (from.as_second(), to.as_second() + i64::from(to.subsec_nanosecond() > 0));
        let mut parts: Vec<(i64, Arc<[u8]>)> = Vec::new();
        if from < to {
            for level in levels {
                let found = self.levels[*level as usize].range(from..to);
                parts.extend(found.map(|(begin, bytes)| (*begin, bytes.clone())));
            }
        }
        // A run that ends late for long may leave an hour among quarter hours.
        parts.sort_by_key(|(begin, _)| *begin);
        Slices { parts }
    }

    /// Adds up everything that is kept, for tests and checks.
    pub fn total(&self) -> Bucket {
        let mut total = Bucket::default();
        self.slices(Timestamp::MIN, Timestamp::MAX, false).each(|_, bucket| total.merge(&bucket));
        total
    }
}
