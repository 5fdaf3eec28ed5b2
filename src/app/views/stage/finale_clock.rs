//! When a finale begins and ends.

use super::finale_moment::Moment;
use crate::app::state::clock::{PlaybackClock, millis_between};
use crate::app::state::finale::{failed_since, first_age_ms, is_due, length_ms};
use crate::model::{Model, Run, RunStatus};
use crate::protocol::RunId;

/// The finale of the run on the stage.
#[derive(Debug, Default)]
pub(super) struct FinaleClock {
    finale: Option<Finale>,
    /// Draw-clock time at which the picture changes by itself, in seconds.
    due_at: Option<f64>,
}

#[derive(Debug)]
struct Finale {
    run: RunId,
    /// Draw-clock time of its beginning, in seconds.
    began_at: f64,
    /// Number of failed runs at its beginning.
    failed: usize,
    /// True once it is over.
    is_over: bool,
    /// True when a failure ended it.
    was_cut: bool,
}

impl FinaleClock {
    /// Returns the time since the finale of a run began in milliseconds; `None` when it has none, or it is
    /// over. `before` is the run's status in the last drawing, if the stage showed the run then.
    ///
    /// A finale begins when the run ends on the stage, or when the director brings a run that ended just now.
    /// A run that is opened later has what is left of its finale. While the clock is fixed, only the run's own
    /// time counts, so that a recording has the same picture at the same moment.
    pub fn age_ms(
        &mut self,
        run: Option<&Run>,
        model: &Model,
        (before, directed): (Option<RunStatus>, bool),
        clock: &PlaybackClock,
        now: f64,
    ) -> Option<f64> {
        let Some((run, ended_at)) =
            run.filter(|run| is_due(run)).and_then(|run| Some((run, run.ended_at?)))
        else {
            self.finale = None;
            return None;
        };
        let since_end_ms = millis_between(ended_at, clock.server_now);
        let failed = model.count(RunStatus::Failed);
        if self.finale.as_ref().is_none_or(|finale| finale.run != *run.id()) {
            let on_stage = before.is_some_and(|status| !status.is_over());
            let first_ms = first_age_ms(since_end_ms, on_stage || directed);
            let began_at = now - first_ms as f64 / 1000.0;
            let (is_over, was_cut) = (false, false);
            self.finale =
                Some(Finale { run: run.id().clone(), began_at, failed, is_over, was_cut });
        }
        let finale = self.finale.as_mut()?;
        let age_ms = if clock.is_fixed() {
            since_end_ms as f64
        } else {
            ((now - finale.began_at) * 1000.0).max(0.0)
        };
        if !finale.is_over {
            finale.was_cut = failed > finale.failed || failed_since(run, model);
            finale.is_over = finale.was_cut || age_ms >= length_ms(model) as f64;
        }
        (!finale.is_over).then_some(age_ms)
    }

    /// Notes when the picture of a finale of this age changes next.
    pub fn wait(&mut self, age_ms: Option<f64>, still: bool, model: &Model, now: f64) {
        self.due_at = age_ms.map(|age_ms| {
            let rest_ms = length_ms(model) as f64 - age_ms;
            let change_ms = Moment::changes_in_ms(age_ms, still).unwrap_or(rest_ms);
            now + change_ms.min(rest_ms).max(0.0) / 1000.0
        });
    }

    /// True when the picture changes by now.
    pub fn is_due(&self, now: f64) -> bool {
        self.due_at.is_some_and(|at| now >= at)
    }

    /// Returns the time until the picture changes by itself.
    pub fn due_in_secs(&self, now: f64) -> Option<f64> {
        self.due_at.map(|at| (at - now).max(0.0))
    }

    /// True when a failure ended the finale.
    pub fn was_cut(&self) -> bool {
        self.finale.as_ref().is_some_and(|finale| finale.was_cut)
    }
}
