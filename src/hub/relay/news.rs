//! News of the studio for people who are away from every screen: failures, recoveries, slow runs, outages.

use std::cmp::Reverse;

use jiff::Timestamp;

use crate::history::{EndedRun, Outcome};
use crate::model::{Model, Run, RunStatus};
use crate::protocol::RunId;
use crate::protocol::hub::Upstream;

/// Maximum number of news that wait to be taken; further ones are lost and counted.
pub(super) const MOST_WAITING: usize = 4_096;

/// Something that happened in the studio. Each is told once.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// An execution of a run failed.
    Failed(RunNews),
    /// A song finished after failures.
    Recovered(RunNews),
    /// A run takes longer than 95 % of the last finished ones.
    Slow(RunNews),
    /// The connection to the backend changed.
    Upstream(Upstream),
}

/// A run that there is news of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunNews {
    pub run: RunId,
    /// Title of the song.
    pub song: Option<String>,
    /// Number of the execution, from 1 on.
    pub execution: u32,
    /// Step that failed, or at which the run is.
    pub step: Option<String>,
    /// Reason of a failure on one line.
    pub reason: Option<String>,
    /// The reason without numbers and ids, by which failures are grouped.
    pub cause: Option<String>,
    /// Milliseconds that it took, or has taken so far.
    pub took_ms: Option<u64>,
    /// End of the execution by the server's clock, to the second; of a slow run, the present.
    pub at: Timestamp,
    /// Number of failures in a row before a recovery.
    pub failed_before: u32,
}

impl News {
    /// Returns the news of an execution that ended; `None` where it neither failed nor recovered.
    pub(super) fn of_end(
        model: &Model,
        run: &Run,
        execution: u32,
        ended: &EndedRun,
    ) -> Option<Self> {
        let news = |failed_before| {
            let (cause, reason) = ended.cause.clone().unzip();
            RunNews {
                run: run.id().clone(),
                song: run.song_title.as_ref().map(ToString::to_string),
                execution,
                step: cause.as_ref().and_then(|cause| cause.step.as_ref().map(ToString::to_string)),
                reason: reason.map(String::from),
                cause: cause.map(|cause| cause.reason.to_string()),
                took_ms: ended.took_ms,
                at: Timestamp::from_second(ended.second).unwrap_or_default(),
                failed_before,
            }
        };
        match ended.outcome {
            Outcome::Failed => Some(Self::Failed(news(0))),
            Outcome::Finished => match failures_before(model, run) {
                0 => None,
                failures => Some(Self::Recovered(news(failures))),
            },
            Outcome::Cancelled => None,
        }
    }
}

/// Returns how often a run's song failed in a row before this run finished. Cancelled runs have no outcome.
fn failures_before(model: &Model, run: &Run) -> u32 {
    let mut failures = 0;
    for execution in run.history.iter().rev() {
        match execution.status {
            RunStatus::Failed => failures += 1,
            RunStatus::Completed => return failures,
            RunStatus::Pending | RunStatus::Running | RunStatus::Cancelled => {}
        }
    }
    let Some(song) = run.song_id.as_ref() else { return failures };
    let begun = run.begun_at();
    let is_earlier = |other: &&Run| {
        other.song_id.as_ref() == Some(song)
            && other.id() != run.id()
            && matches!(other.status, RunStatus::Failed | RunStatus::Completed)
            && other.counted_end().is_some_and(|end| end <= begun)
    };
    let mut earlier: Vec<&Run> = model.runs().filter(is_earlier).collect();
    earlier.sort_by_key(|other| Reverse(other.counted_end()));
    let failed = earlier.iter().take_while(|other| other.status == RunStatus::Failed).count();
    failures.saturating_add(u32::try_from(failed).unwrap_or(u32::MAX))
}

/// Returns the news of runs that became slow at or after `since`, by the server's clock: those that take
/// longer than 95 % of the last finished runs, once at least `least` have finished.
pub(super) fn slow_runs(
    model: &Model,
    now: Timestamp,
    since: Timestamp,
    least: usize,
) -> Vec<RunNews> {
    let Some(usual) = model.stats().run_baseline().filter(|it| it.samples >= least) else {
        return Vec::new();
    };
    let slow = |run: &Run| {
        let took_ms = run.elapsed_ms(now).filter(|_| run.status == RunStatus::Running)?;
        let excess = took_ms.checked_sub(usual.p95_ms).filter(|excess| *excess > 0)?;
        let excess = jiff::SignedDuration::from_millis(i64::try_from(excess).ok()?);
        let is_new = now.checked_sub(excess).is_ok_and(|began| began >= since);
        (is_new && !run.is_orphan(now)).then(|| RunNews {
            run: run.id().clone(),
            song: run.song_title.as_ref().map(ToString::to_string),
            execution: run.executions.max(1),
            step: run.stands().map(|(node, _)| node.to_string()),
            reason: None,
            cause: None,
            took_ms: Some(took_ms),
            at: now,
            failed_before: 0,
        })
    };
    model.runs().filter_map(slow).collect()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::model::Retention;
    use crate::protocol::Batch;

    /// Returns a model of these events: seconds, run, song and phase.
    fn model(events: &[(i64, &str, &str, &str)]) -> Model {
        let mut batch = Batch::new(at(1_000), true);
        for (second, run, song, phase) in events {
            let song = format!(r#","data":{{"song_id":"{song}"}}"#);
            let (at, song) = (at(*second), if *phase == "start" { song.as_str() } else { "" });
            batch
                .push_text(&format!(r#"{{"ts":"{at}","run_id":"{run}","phase":"{phase}"{song}}}"#));
        }
        let mut model = Model::new(Retention::default());
        model.receive(batch, |_, _| ());
        model
    }

    fn at(second: i64) -> Timestamp {
        let begin: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        begin + SignedDuration::from_secs(second)
    }

    #[test]
    fn slow_runs_are_those_that_became_slow_since_then() {
        let mut events = Vec::new();
        for run in ["a", "b", "c"] {
            events.extend([(0, run, "s", "start"), (10, run, "s", "end")]);
        }
        events.extend([(900, "slow", "s", "start"), (985, "quick", "s", "start")]);
        let model = model(&events);
        let told = |now, since, least| {
            let slow = slow_runs(&model, at(now), at(since), least);
            slow.into_iter().map(|run| (run.run.to_string(), run.took_ms)).collect::<Vec<_>>()
        };
        assert_eq!(told(910, 0, 3), []);
        assert_eq!(told(911, 0, 3), [("slow".to_owned(), Some(11_000))]);
        assert_eq!(told(995, 910, 3), [("slow".to_owned(), Some(95_000))]);
        assert_eq!(told(995, 911, 3), [], "it was slow before");
        assert_eq!(told(995, 0, 4), [], "too few runs to know what is usual");
    }

    #[test]
    fn song_recovers_by_another_execution_or_another_run() {
        let model = model(&[
            (0, "a", "one", "start"),
            (10, "a", "one", "fail"),
            (20, "b", "one", "start"),
            (30, "b", "one", "fail"),
            (40, "c", "one", "start"),
            (50, "c", "one", "end"),
            (60, "d", "one", "start"),
            (70, "d", "one", "end"),
            (0, "e", "two", "start"),
            (10, "e", "two", "fail"),
            (20, "e", "two", "start"),
            (30, "e", "two", "end"),
        ]);
        let failures = |run: &str| failures_before(&model, model.run(run).unwrap());
        assert_eq!(["c", "d", "e"].map(failures), [2, 0, 1]);
    }
}
