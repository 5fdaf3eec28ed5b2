//! States of the runs whose events were published.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    super::scenario::{PlannedRun, Run, RunFailure, TimedEvent, What},
    clock::StudioClock,
};

/// Number of finished runs whose states are kept.
const FINISHED_RUNS: usize = 300;

/// State of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Queued,
    Running,
    Completed,
    Failed,
    Cancelled,
}

impl State {
    pub(super) fn is_over(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// Returns the word for people.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "finished",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Wall-clock time of a start, and the number of changes of the clock until then.
#[derive(Clone, Copy, Debug)]
struct Start {
    at: Timestamp,
    changes: u32,
}

#[derive(Debug)]
pub(super) struct KnownRun {
    pub(super) run: Arc<Run>,
    pub(super) state: State,
    /// Start of the node that runs.
    node: Option<Start>,
    execution: Option<Start>,
    /// Time for which the failed node ran.
    failed_after: Option<Duration>,
    /// True when the last event was published. A cancelled run may still have some to come.
    has_ended: bool,
}

impl KnownRun {
    /// True while a node runs.
    pub(super) fn has_running_node(&self) -> bool {
        self.node.is_some()
    }
}

/// Runs that wait for their execution, by their ids in this session.
#[derive(Debug, Default)]
pub(super) struct HeldRuns(pub(super) HashMap<Uuid, PlannedRun>);

/// The runs by their ids of this session.
#[derive(Debug, Default)]
pub(super) struct KnownRuns {
    runs: HashMap<Uuid, KnownRun>,
    /// Finished runs, oldest first.
    finished: VecDeque<Uuid>,
}

impl KnownRuns {
    pub(super) fn get(&self, id: Uuid) -> Option<&KnownRun> {
        self.runs.get(&id)
    }

    /// Returns the runs that have events to come.
    pub(super) fn unfinished(&self) -> impl Iterator<Item = &Arc<Run>> {
        self.runs.values().filter(|known| !known.has_ended).map(|known| &known.run)
    }

    /// Notes an event that is about to be published. Durations during which the clock was paused or
    /// changed its speed are corrected, so that they agree with the times of the events.
    pub(super) fn note(&mut self, event: &mut TimedEvent, clock: &StudioClock) {
        let session = clock.session();
        let (now, changes) = (session.wall_instant(event.at), clock.changes());
        let start = Some(Start { at: now, changes });
        let correct = |duration: &mut Duration, start: Option<Start>| {
            if let Some(start) = start.filter(|start| start.changes != changes) {
                let elapsed = Duration::try_from(now.duration_since(start.at)).unwrap_or_default();
                *duration = elapsed.mul_f64(session.speed);
            }
        };
        let id = session.id(event.run.id);
        let known = match self.runs.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) if matches!(event.event.what, What::Created | What::RunStart) => {
                place.insert(KnownRun {
                    run: Arc::clone(&event.run),
                    state: State::Queued,
                    node: None,
                    execution: None,
                    failed_after: None,
                    has_ended: false,
                })
            }
            // The end of a run that was forgotten: a cancelled run lets its node end.
            Entry::Vacant(_) => return,
        };
        known.has_ended |= event.last;
        let was_over = known.state.is_over();
        match &mut event.event.what {
            What::Created | What::Progress { .. } => {}
            What::Cancelled => known.state = State::Cancelled,
            What::RunStart => (known.state, known.execution) = (State::Running, start),
            What::RunEnd { duration, .. } => {
                correct(duration, known.execution.take());
                known.state = State::Completed;
            }
            What::RunFail { reason, .. } => {
                if let RunFailure::NodeFailed { after, .. } = reason {
                    *after = known.failed_after.take().unwrap_or(*after);
                }
                known.state = State::Failed;
            }
            What::NodeStart { .. } => known.node = start,
            What::NodeEnd { duration, .. } => correct(duration, known.node.take()),
            What::NodeFail { duration, .. } => {
                correct(duration, known.node.take());
                known.failed_after = Some(*duration);
            }
        }
        if known.state.is_over() && !was_over {
            self.finished.retain(|finished| *finished != id);
            self.finished.push_back(id);
        }
        while self.finished.len() > FINISHED_RUNS {
            let oldest = self.finished.pop_front();
            // A failed run may have been executed again since.
            if let Some(oldest) = oldest
                && self.runs.get(&oldest).is_some_and(|known| known.state.is_over())
            {
                self.runs.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::super::scenario::{DemoSchedule, DemoScheduleOptions, Timeline};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn forgotten_run_does_not_come_back_with_its_last_event() {
        let clock = StudioClock::new(1.0, 1);
        let mut known = KnownRuns::default();
        let mut timeline = Timeline::new(DemoSchedule::new(7, DemoScheduleOptions { runs: 4 }));
        let mut next = || timeline.next_until(SignedDuration::from_hours(9)).unwrap();
        let mut node_end = None;
        while known.finished.len() < FINISHED_RUNS || node_end.is_none() {
            let mut event = next();
            if matches!(event.event.what, What::NodeEnd { .. }) {
                node_end.get_or_insert_with(|| event.clone());
            }
            known.note(&mut event, &clock);
        }
        let mut late = node_end.unwrap();
        let id = clock.session().id(late.run.id);
        while known.get(id).is_some() {
            known.note(&mut next(), &clock);
        }
        let kept = known.runs.len();
        known.note(&mut late, &clock);
        assert!(known.get(id).is_none());
        assert_eq!(known.runs.len(), kept);
        assert!(kept <= FINISHED_RUNS + 4 + 8, "{kept}");
    }
}
