//! Why runs failed within the last hour: failures by cause, with their number, their trend and what became
//! of their songs.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use jiff::{SignedDuration, Timestamp};

use super::wall_index::{LATELY, WallIndex};
use crate::app::state::clock::millis_between;
use crate::app::state::failure_life::{FRESH_MS, FailureLife, FailureStage};
use crate::app::state::run_store::RunStore;
use crate::app::state::run_view::{SETTLED_AFTER_MS, failure_words};
use crate::app::views::counts::RunCounts;
use crate::app::words::{ago_words, count_words};
use crate::model::FollowUp;
use crate::protocol::RunId;

/// Greatest number of failures of a cause that are named.
pub const MOST_NAMED: usize = 12;
/// Greatest number of failures, the newest ones, of which is asked what became of their songs.
const MOST_FOLLOWED: usize = 1_000;
/// Minutes of the bars.
const MINUTES: i64 = 15;
/// Failures from which a cause has a rate.
const MANY: usize = 10;
/// Minutes of which the rate now is the mean, and minutes before them that must be known to compare.
const RATE_MIN: f64 = 10.0;

/// Place of a failure for which no step is to blame.
const OUTSIDE_A_STEP: &str = "outside a step";

/// Failures of the last hour.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Failures {
    pub count: usize,
    /// True when the latest failure is older than [`SETTLED_AFTER_MS`]; the block then does not glow.
    pub settled: bool,
    /// Causes: solid ones first, then the most frequent; recovered ones last.
    pub groups: Vec<Group>,
}

/// Failures of one cause: at the same node, for the same reason but for numbers and ids in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Name of the failed node; `None` where a run failed outside a step.
    pub node: Option<String>,
    /// Reason of the latest of them.
    pub reason: String,
    pub count: usize,
    /// Age of the latest of them: "2 min ago".
    pub ago: String,
    /// Numbers of them by what became of their songs.
    pub follow_ups: FollowUps,
    /// Fate of the song, if there is one failure: "retry running, 0:52 to go".
    pub became: String,
    /// Ids and titles, at most [`MOST_NAMED`]: those without a retry first where others have one, the
    /// first of either kind with its fate, "not retried: Neon Rain"; the latest first among these.
    pub runs: Vec<(RunId, String)>,
    /// True while its newest failure is news and it comes more often than twice as often as usual.
    pub is_solid: bool,
    /// Number of them within the last minute.
    pub last_minute: usize,
    /// Number of them in each of the last minutes, oldest first; at most 15, and none before the first event.
    pub minutes: Vec<u32>,
    /// Fate of the songs, or how often it happens, in two or three words: "not retried", "falling".
    pub told: String,
}

/// Numbers of failures by what became of their songs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FollowUps {
    pub recovered: usize,
    /// Retry queued or running.
    pub running: usize,
    /// Retry failed as well.
    pub failed_again: usize,
    /// Without a retry, and no longer news.
    pub not_retried: usize,
    /// Without a retry, and news.
    pub fresh: usize,
}

impl FollowUps {
    fn count(&mut self, life: &FailureLife) {
        match life.follow_up {
            FollowUp::Recovered(..) => self.recovered += 1,
            FollowUp::RetryQueued(_) | FollowUp::RetryRunning(_) => self.running += 1,
            FollowUp::FailedAgain(_) => self.failed_again += 1,
            FollowUp::NotRetried if life.stage == FailureStage::Fresh => self.fresh += 1,
            FollowUp::NotRetried => self.not_retried += 1,
        }
    }

    fn all(&self) -> usize {
        self.recovered + self.running + self.failed_again + self.without()
    }

    /// Without a retry, news or not.
    fn without(&self) -> usize {
        self.not_retried + self.fresh
    }
}

impl Group {
    /// Returns the place of the failures: "RENDER", "outside a step".
    pub fn place_words(&self) -> &str {
        self.node.as_deref().unwrap_or(OUTSIDE_A_STEP)
    }

    /// Returns the failures without their number: "RENDER failed", "failed outside a step".
    pub fn failed_words(&self) -> String {
        match &self.node {
            Some(node) => format!("{node} failed"),
            None => format!("failed {OUTSIDE_A_STEP}"),
        }
    }

    /// Returns the number of failures with their place, to be read by itself: "2 at RENDER", "2 failed
    /// outside a step".
    pub fn counted_words(&self) -> String {
        let count = count_words(self.count as u64);
        match &self.node {
            Some(node) => format!("{count} at {node}"),
            None => format!("{count} failed {OUTSIDE_A_STEP}"),
        }
    }

    /// Returns the fate of the songs: "2 recovered, 1 retried, 3 not retried"; empty while all are fresh.
    pub fn became_words(&self) -> String {
        if self.count == 1 {
            return self.became.clone();
        }
        let FollowUps { recovered, running, failed_again, not_retried, .. } = self.follow_ups;
        joined(&[
            (recovered, "recovered"),
            (running + failed_again, "retried"),
            (not_retried, "not retried"),
        ])
    }

    /// Returns the fate of the songs, with a retry and without one: "4 retries running, 1 recovered", "5 not
    /// retried". Empty where there are too many failures to know.
    pub fn retry_words(&self) -> (String, String) {
        let follow_ups = self.follow_ups;
        if follow_ups.all() < self.count {
            return Default::default();
        }
        let retries = if follow_ups.running == 1 { "retry running" } else { "retries running" };
        let with = joined(&[
            (follow_ups.running, retries),
            (follow_ups.recovered, "recovered"),
            (follow_ups.failed_again, "failed again"),
        ]);
        (with, joined(&[(follow_ups.without(), "not retried")]))
    }

    /// Names those whose songs have a later run after the others, and says which are which: a number
    /// alone, "1 not retried", would not say whose song waits. Those of which that is not known are named
    /// where no mark could be taken for theirs.
    fn name_answered(&mut self, answered: Vec<(RunId, String)>, mut unasked: Vec<(RunId, String)>) {
        let mark = |runs: &mut Vec<(RunId, String)>, fate: &str| {
            if let Some((_, title)) = runs.first_mut() {
                *title = format!("{fate}: {title}");
            }
        };
        let mut answered = answered;
        if !self.runs.is_empty() && !answered.is_empty() {
            mark(&mut self.runs, "not retried");
            mark(&mut answered, "retried");
        } else if answered.is_empty() {
            self.runs.append(&mut unasked);
        }
        self.runs.append(&mut answered);
        self.runs.truncate(MOST_NAMED);
    }

    /// True when the songs of all have finished since.
    pub fn is_recovered(&self) -> bool {
        self.count > 0 && self.follow_ups.recovered == self.count
    }
}

/// Numbers with their words, without zeros.
fn joined(told: &[(usize, &str)]) -> String {
    let told = told.iter().filter(|(count, _)| *count > 0);
    let told = told.map(|(count, word)| format!("{} {word}", count_words(*count as u64)));
    told.collect::<Vec<_>>().join(", ")
}

/// Numbers of failures of a cause within the time up to now.
#[derive(Clone, Default)]
struct Recent {
    ten_min: usize,
    newest_ms: u64,
    /// Ids and titles of those whose songs have a later run, latest first.
    answered: Vec<(RunId, String)>,
    /// Ids and titles of those of which nobody asked whether their songs have a later run.
    unasked: Vec<(RunId, String)>,
}

impl Failures {
    /// Failures of the last hour, grouped by cause. Its cost follows their number, not that of all runs.
    pub fn of(
        counts: &RunCounts,
        wall_index: &WallIndex,
        run_store: &RunStore,
        server_now: Timestamp,
    ) -> Self {
        let model = &run_store.model;
        let hour_ago = server_now.checked_sub(LATELY).unwrap_or(Timestamp::MIN);
        let begun = model.first_at().unwrap_or(server_now).max(hour_ago);
        let known_min = server_now.duration_since(begun).as_secs_f64() / 60.0;
        let bars = (known_min.ceil() as usize).max(1).min(MINUTES as usize);
        let mut groups: Vec<(Group, Recent)> = Vec::new();
        let mut causes: HashMap<u64, usize, FixedState> = HashMap::default();
        for (place, (at, id, cause)) in wall_index.failures(hour_ago).enumerate() {
            let Some(run) = model.run(id) else { continue };
            let age_ms = millis_between(at, server_now);
            let index = *causes.entry(cause).or_insert_with(|| {
                let (node, reason) = failure_words(run).unwrap_or_default();
                let ago = ago_words(age_ms);
                let minutes = vec![0; bars];
                let group = Group { node, reason, ago, minutes, ..Group::default() };
                groups.push((group, Recent { newest_ms: age_ms, ..Recent::default() }));
                groups.len() - 1
            });
            let Some((group, recent)) = groups.get_mut(index) else { continue };
            group.count += 1;
            group.last_minute += usize::from(age_ms < 60_000);
            recent.ten_min += usize::from(age_ms < 600_000);
            let minute = usize::try_from(age_ms / 60_000).unwrap_or(usize::MAX);
            if let Some(bar) = bars.checked_sub(minute + 1).and_then(|n| group.minutes.get_mut(n)) {
                *bar += 1;
            }
            let is_followed = place < MOST_FOLLOWED;
            let life = is_followed.then(|| FailureLife::of(run, run_store, server_now)).flatten();
            if let Some(life) = &life {
                group.follow_ups.count(life);
                if group.count == 1 {
                    group.became = life.words(run, run_store, server_now);
                }
            }
            let alike = match life.map(|life| life.follow_up) {
                Some(FollowUp::NotRetried) => &mut group.runs,
                Some(_) => &mut recent.answered,
                None => &mut recent.unasked,
            };
            if alike.len() < MOST_NAMED {
                alike.push((id.clone(), run_store.name(run)));
            }
        }
        let mut groups: Vec<Group> = groups
            .into_iter()
            .map(|(mut group, recent)| {
                group.is_solid = is_solid(&group, &recent, known_min);
                group.told = told(&group, &recent, known_min);
                group.name_answered(recent.answered, recent.unasked);
                group
            })
            .collect();
        // A stable sort: groups of equal size stay in order of their latest failure.
        groups.sort_by_key(|group| {
            (!group.is_solid, group.is_recovered(), std::cmp::Reverse(group.count))
        });
        let latest = wall_index.failures(hour_ago).next();
        let is_settled = |at| millis_between(at, server_now) >= SETTLED_AFTER_MS;
        let settled = latest.is_none_or(|(at, ..)| is_settled(at));
        Self { count: counts.failed, settled, groups }
    }

    /// Failures that no group tells of, because their runs are no longer kept.
    pub fn untold(&self) -> usize {
        let told: usize = self.groups.iter().map(|group| group.count).sum();
        self.count.saturating_sub(told)
    }
}

/// True while the newest failure of a cause is news that nobody has answered, and failures come more than
/// twice as often as usual: a constant trickle never paints the wall.
fn is_solid(group: &Group, recent: &Recent, known_min: f64) -> bool {
    if recent.newest_ms >= FRESH_MS || group.follow_ups.fresh == 0 {
        return false;
    }
    let before_min = known_min - RATE_MIN;
    if before_min < RATE_MIN {
        return true;
    }
    let usual = (group.count - recent.ten_min) as f64 / before_min;
    recent.ten_min as f64 / RATE_MIN > 2.0 * usual
}

/// Returns the fate of the songs, or how often it happens.
fn told(group: &Group, recent: &Recent, known_min: f64) -> String {
    let follow_ups = group.follow_ups;
    if group.is_recovered() {
        return "recovered".to_owned();
    }
    if group.count >= MANY {
        let before = (group.count - recent.ten_min) as f64;
        let before_min = known_min - RATE_MIN;
        let rate = recent.ten_min as f64 / RATE_MIN;
        let usual = if before_min >= RATE_MIN { Some(before / before_min) } else { None };
        return match usual {
            Some(usual) if rate > 1.5 * usual => "rising".to_owned(),
            Some(usual) if rate < 0.5 * usual => "falling".to_owned(),
            _ if recent.ten_min >= 10 => format!("{rate:.0} a minute"),
            _ => format!("{} in 10 min", recent.ten_min),
        };
    }
    let answered = group.count.saturating_sub(follow_ups.without());
    let one = group.count == 1;
    match follow_ups {
        FollowUps { not_retried: 0, .. } if answered == 0 => "no retry yet".to_owned(),
        _ if answered == 0 => "not retried".to_owned(),
        FollowUps { running: 1, .. } if one => "retry running".to_owned(),
        FollowUps { failed_again: 1, .. } if one => "failed again".to_owned(),
        _ => format!("{answered} of {} retried", group.count),
    }
}

/// Length of the bars of failures as words: "15 min ago".
pub fn since_words(minutes: usize) -> String {
    let age = SignedDuration::from_mins(i64::try_from(minutes).unwrap_or(MINUTES));
    ago_words(u64::try_from(age.as_millis()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_outside_a_step_has_words_of_its_own() {
        let at = |node: Option<&str>| Group {
            node: node.map(str::to_owned),
            count: 2,
            ..Group::default()
        };
        let words = |group: Group| (group.counted_words(), group.failed_words());
        let of = |counted: &str, failed: &str| (counted.to_owned(), failed.to_owned());
        assert_eq!(words(at(Some("RENDER"))), of("2 at RENDER", "RENDER failed"));
        assert_eq!(words(at(None)), of("2 failed outside a step", "failed outside a step"));
    }

    /// `count` failures, `ten_min` of them in the last ten minutes, and one of these news.
    fn group(count: usize, ten_min: usize, newest_s: u64) -> (Group, Recent) {
        let follow_ups = FollowUps { fresh: 1, not_retried: count - 1, ..Default::default() };
        let recent = Recent { ten_min, newest_ms: newest_s * 1_000, ..Recent::default() };
        (Group { count, follow_ups, ..Group::default() }, recent)
    }

    #[test]
    fn cause_is_solid_while_it_is_news_and_comes_more_than_twice_as_often() {
        let solid = |count, ten_min, newest_s, known_min| {
            let (group, recent) = group(count, ten_min, newest_s);
            is_solid(&group, &recent, known_min)
        };
        assert!(solid(1, 1, 179, 60.0));
        assert!(!solid(1, 1, 180, 60.0));
        // 25 in 50 minutes are five in ten.
        assert!(!solid(35, 10, 10, 60.0), "twice as often");
        assert!(solid(36, 11, 10, 60.0));
        assert!(!solid(30, 5, 10, 60.0), "a constant trickle");
        assert!(solid(9, 5, 10, 19.0), "nothing is usual yet");
        let (mut seen, recent) = group(1, 1, 10);
        seen.follow_ups = FollowUps { not_retried: 1, ..FollowUps::default() };
        assert!(!is_solid(&seen, &recent, 60.0), "marked as seen");
    }

    #[test]
    fn few_failures_tell_of_retries_and_many_of_their_rate() {
        let said = |follow_ups: FollowUps, ten_min, known_min| {
            let group = Group { count: follow_ups.all(), follow_ups, ..Group::default() };
            told(&group, &Recent { ten_min, ..Recent::default() }, known_min)
        };
        let zero = FollowUps::default();
        assert_eq!(said(FollowUps { not_retried: 2, ..zero }, 0, 60.0), "not retried");
        assert_eq!(said(FollowUps { fresh: 2, ..zero }, 0, 60.0), "no retry yet");
        assert_eq!(said(FollowUps { running: 1, ..zero }, 0, 60.0), "retry running");
        let some = FollowUps { running: 1, recovered: 1, fresh: 1, ..zero };
        assert_eq!(said(some, 0, 60.0), "2 of 3 retried");
        assert_eq!(said(FollowUps { recovered: 13, ..zero }, 0, 60.0), "recovered");
        let many = FollowUps { not_retried: 60, ..zero };
        assert_eq!(said(many, 10, 60.0), "1 a minute");
        assert_eq!(said(many, 4, 60.0), "falling");
        assert_eq!(said(many, 30, 60.0), "rising");
        assert_eq!(said(many, 9, 15.0), "9 in 10 min");
    }

    #[test]
    fn songs_without_a_retry_are_named_as_such_beside_others() {
        let named = |titles: &[&str]| -> Vec<(RunId, String)> {
            titles.iter().map(|title| (RunId::new(title), (*title).to_owned())).collect()
        };
        let told = |unanswered: &[&str], answered: &[&str]| {
            let mut group = Group { runs: named(unanswered), ..Group::default() };
            group.name_answered(named(answered), named(&["Velvet Engine"]));
            group.runs.into_iter().map(|(_, title)| title).collect::<Vec<_>>()
        };
        let mixed = ["not retried: Saffron", "retried: Neon Rain", "Kite Season"];
        assert_eq!(told(&["Saffron"], &["Neon Rain", "Kite Season"]), mixed);
        let unmarked = ["Saffron", "Low Tide", "Velvet Engine"];
        assert_eq!(told(&["Saffron", "Low Tide"], &[]), unmarked, "the last was not asked");
        assert_eq!(told(&[], &["Saffron", "Low Tide"]), ["Saffron", "Low Tide"]);
        let many = told(&["a"; 12], &["b"; 3]);
        assert_eq!((many.len(), many[11].as_str()), (MOST_NAMED, "a"));
    }

    #[test]
    fn retries_and_failures_without_one_add_up() {
        let follow_ups =
            FollowUps { running: 4, recovered: 1, failed_again: 2, not_retried: 3, fresh: 2 };
        let group = Group { count: 12, follow_ups, ..Group::default() };
        let (with, without) = group.retry_words();
        assert_eq!(with, "4 retries running, 1 recovered, 2 failed again");
        assert_eq!(without, "5 not retried");
        let more = Group { count: 13, follow_ups, ..Group::default() };
        assert_eq!(more.retry_words(), Default::default(), "one was not followed");
    }
}
