//! What happens in the studio that somebody away from every screen wants to hear of.

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
