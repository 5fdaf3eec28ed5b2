//! Life of a failure: news, known, answered by a retry, or history.

use jiff::Timestamp;

use crate::app::state::clock::millis_between;
use crate::app::state::run_store::RunStore;
use crate::app::state::run_view::{STALE_AFTER_MS, remaining_words};
use crate::model::{FollowUp, MOST_FAILURES, Remaining, Run, RunStatus};

/// Age up to which a failure without a retry is news, in milliseconds.
pub const FRESH_MS: u64 = 180_000;
/// Time for which a recovery is shown, in milliseconds.
pub const RECOVERED_MS: u64 = 60_000;
/// Age from which a failure is only in the history, in milliseconds.
pub const HISTORY_MS: u64 = 3_600_000;

/// Stage of a failure's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureStage {
    /// Failed within [`FRESH_MS`], without a retry, and not marked as seen: shown large and solid.
    Fresh,
    /// Known, or being retried: a quiet card.
    Quiet,
    /// A retry finished within [`RECOVERED_MS`].
    Recovered,
    /// Only counted: recovered, failed again in a later run, or older than [`HISTORY_MS`].
    Counted,
}

/// Stage of a failure's life, and what became of the song.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureLife {
    pub stage: FailureStage,
    /// The later run of the song and its state; `NotRetried` for a failure that is history, of which
    /// nobody asks.
    pub follow_up: FollowUp,
}

impl FailureLife {
    /// Describes the failure of `run`; `None` unless it failed.
    pub fn of(run: &Run, run_store: &RunStore, server_now: Timestamp) -> Option<Self> {
        if run.status != RunStatus::Failed {
            return None;
        }
        let age_ms = run.counted_end().map_or(u64::MAX, |at| millis_between(at, server_now));
        if age_ms >= HISTORY_MS {
            let follow_up = FollowUp::NotRetried;
            return Some(Self { stage: FailureStage::Counted, follow_up });
        }
        let follow_up = run_store.follow_up(run);
        let stage = match &follow_up {
            FollowUp::FailedAgain(_) => FailureStage::Counted,
            FollowUp::Recovered(_, at) if millis_between(*at, server_now) < RECOVERED_MS => {
                FailureStage::Recovered
            }
            FollowUp::Recovered(..) => FailureStage::Counted,
            FollowUp::RetryQueued(_) | FollowUp::RetryRunning(_) => FailureStage::Quiet,
            FollowUp::NotRetried if age_ms >= FRESH_MS || run_store.is_seen(run.id()) => {
                FailureStage::Quiet
            }
            FollowUp::NotRetried => FailureStage::Fresh,
        };
        Some(Self { stage, follow_up })
    }

    /// Returns the fate of the song: "no retry yet", "not retried", "retry running, 0:52 to go",
    /// "recovered", "failed twice, not retried".
    pub fn words(&self, run: &Run, run_store: &RunStore, server_now: Timestamp) -> String {
        let times = match run_store.failures_in_a_row(run) {
            0 | 1 => String::new(),
            2 => "failed twice".to_owned(),
            MOST_FAILURES => format!("failed {MOST_FAILURES} times or more"),
            times => format!("failed {times} times"),
        };
        let became = match &self.follow_up {
            FollowUp::NotRetried if self.stage == FailureStage::Fresh => "no retry yet".to_owned(),
            FollowUp::NotRetried => "not retried".to_owned(),
            FollowUp::RetryQueued(_) => "retry queued".to_owned(),
            FollowUp::RetryRunning(id) => retry_words(id, run_store, server_now),
            FollowUp::Recovered(..) => "recovered".to_owned(),
            FollowUp::FailedAgain(_) => "failed again".to_owned(),
        };
        let words = [times, became].into_iter().filter(|words| !words.is_empty());
        words.collect::<Vec<_>>().join(", ")
    }
}

/// Returns true while the failure of `run` is news.
pub fn is_fresh(run: &Run, run_store: &RunStore, server_now: Timestamp) -> bool {
    let life = FailureLife::of(run, run_store, server_now);
    life.is_some_and(|life| life.stage == FailureStage::Fresh)
}

/// Words for a running retry: "retry running, 0:52 to go", "retry without news".
fn retry_words(id: &str, run_store: &RunStore, server_now: Timestamp) -> String {
    let model = &run_store.model;
    let retry = model.run(id);
    let heard_at = retry.map(Run::last_event_at);
    if heard_at.is_some_and(|at| millis_between(at, server_now) > STALE_AFTER_MS) {
        return "retry without news".to_owned();
    }
    let left = retry.map(|retry| model.remaining(retry, server_now));
    match left {
        None | Some(Remaining::Unknown) => "retry running".to_owned(),
        Some(left) => format!("retry running, {}", remaining_words(left)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Retention;
    use crate::protocol::{Batch, RunId};

    /// Run of a song: its id, its start, and its end with its phase, in minutes and seconds after ten.
    type Told<'a> = (&'a str, &'a str, Option<(&'a str, &'a str)>);

    fn store(runs: &[Told]) -> RunStore {
        let mut batch = Batch::new("2026-11-23T10:30:00Z".parse().unwrap(), false);
        for (run, start, end) in runs {
            let mut push = |at: &str, phase: &str| {
                batch.push_text(&format!(
                    r#"{{"ts":"2026-11-23T10:{at}Z","run_id":"{run}","phase":"{phase}","data":{{"song_id":"s"}}}}"#
                ));
            };
            push(start, "start");
            if let Some((at, phase)) = end {
                push(at, phase);
            }
        }
        let mut store = RunStore::new(Retention::default());
        store.receive(batch, |_, _| {});
        store
    }

    /// Stage and words of run `a` at this time.
    fn life_at(store: &RunStore, at: &str) -> (FailureStage, String) {
        let now = format!("2026-11-23T{at}Z").parse().unwrap();
        let run = store.model.run("a").unwrap();
        let life = FailureLife::of(run, store, now).unwrap();
        (life.stage, life.words(run, store, now))
    }

    #[test]
    fn failure_is_fresh_for_3_min_and_then_not_retried_for_an_hour() {
        let store = store(&[("a", "00:00", Some(("00:10", "fail")))]);
        let (fresh, quiet) = (FailureStage::Fresh, FailureStage::Quiet);
        assert_eq!(life_at(&store, "10:03:09"), (fresh, "no retry yet".into()));
        assert_eq!(life_at(&store, "10:03:10"), (quiet, "not retried".into()));
        assert_eq!(life_at(&store, "11:00:10").0, FailureStage::Counted);
        let mut store = store;
        store.mark_seen(&RunId::new("a"));
        assert_eq!(life_at(&store, "10:01:00"), (quiet, "not retried".into()));
    }

    #[test]
    fn mark_of_a_hub_makes_a_failure_quiet_until_it_fails_again() {
        let mut store = store(&[("a", "00:00", Some(("00:10", "fail")))]);
        let say = |store: &mut RunStore, texts: &[&str]| {
            let mut batch = Batch::new("2026-11-23T10:30:00Z".parse().unwrap(), true);
            texts.iter().for_each(|text| batch.push_text(text));
            store.receive(batch, |_, _| {});
        };
        let marks = store.marks();
        say(&mut store, &[r#"{"hub":{"seen":["unknown","a"]}}"#]);
        assert_eq!(life_at(&store, "10:01:00").0, FailureStage::Quiet);
        assert_eq!(store.marks(), marks + 1, "views draw it again");
        // Executed again and failed again, within one batch.
        say(
            &mut store,
            &[
                r#"{"ts":"2026-11-23T10:02:00Z","run_id":"a","phase":"start"}"#,
                r#"{"ts":"2026-11-23T10:02:30Z","run_id":"a","phase":"fail"}"#,
            ],
        );
        assert_eq!(life_at(&store, "10:03:00").0, FailureStage::Fresh);
    }

    #[test]
    fn failure_is_quiet_while_its_retry_runs_and_recovered_for_a_minute_after_it() {
        let failed = ("a", "00:00", Some(("00:10", "fail")));
        let running = store(&[failed, ("b", "00:20", None)]);
        let words = "retry running".to_owned();
        assert_eq!(life_at(&running, "10:00:30"), (FailureStage::Quiet, words));
        let recovered = store(&[failed, ("b", "00:20", Some(("01:00", "end")))]);
        let words = "recovered".to_owned();
        assert_eq!(life_at(&recovered, "10:01:30"), (FailureStage::Recovered, words));
        assert_eq!(life_at(&recovered, "10:02:00").0, FailureStage::Counted);
    }

    #[test]
    fn failed_retry_takes_over_from_the_failure_and_counts_it() {
        let runs =
            [("a", "00:00", Some(("00:10", "fail"))), ("b", "00:20", Some(("01:00", "fail")))];
        let store = store(&runs);
        assert_eq!(life_at(&store, "10:01:30").0, FailureStage::Counted);
        let now = "2026-11-23T10:10:00Z".parse().unwrap();
        let run = store.model.run("b").unwrap();
        let life = FailureLife::of(run, &store, now).unwrap();
        assert_eq!(life.words(run, &store, now), "failed twice, not retried");
    }

    #[test]
    fn failures_beyond_those_counted_are_not_denied() {
        let at = |secs: usize| format!("{:02}:{:02}", secs / 60, secs % 60);
        let times: Vec<_> =
            (0..150).map(|nth| (format!("{nth:03}"), at(2 * nth), at(2 * nth + 1))).collect();
        let runs: Vec<Told> = times
            .iter()
            .map(|(id, start, end)| (id.as_str(), start.as_str(), Some((end.as_str(), "fail"))))
            .collect();
        let (store, now) = (store(&runs), "2026-11-23T10:20:00Z".parse().unwrap());
        let words = |run| {
            let run = store.model.run(run).unwrap();
            FailureLife::of(run, &store, now).unwrap().words(run, &store, now)
        };
        assert_eq!(words("097"), "failed 98 times, failed again");
        assert_eq!(words("149"), "failed 99 times or more, not retried");
    }
}
