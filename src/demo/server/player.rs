//! Plays the studio: advances studio time with the wall clock, publishes events when they are due, and
//! obeys its controls.

use std::{collections::HashSet, sync::Arc};

use jiff::SignedDuration;
use tokio::{sync::mpsc, time::sleep_until};
use uuid::Uuid;

use super::{
    super::{
        Dialect,
        dialect::Delivery,
        history::Sent,
        scenario::{
            DemoSchedule, DemoScheduleOptions, Event, Run, Scenario, TimedEvent, Timeline, What,
        },
    },
    DemoOptions,
    clock::StudioClock,
    controls::{DemoCommand, Order},
    known_runs::{HeldRuns, KnownRuns},
    subscribers::Subscribers,
};

/// Number of events published before other tasks get their turn.
const BURST: usize = 256;

pub(super) struct Player {
    pub(super) timeline: Timeline,
    pub(super) clock: StudioClock,
    pub(super) known: KnownRuns,
    /// Runs that wait for their execution.
    pub(super) held: HeldRuns,
    options: DemoOptions,
    subscribers: Arc<Subscribers>,
    orders: mpsc::Receiver<Order>,
    rng: fastrand::Rng,
}

impl Player {
    /// Opens a studio whose past has already happened.
    pub(super) fn open(
        options: &DemoOptions,
        salt: u128,
        subscribers: Arc<Subscribers>,
        orders: mpsc::Receiver<Order>,
    ) -> Self {
        let mut player = Self {
            timeline: timeline(options),
            clock: StudioClock::new(options.speed, salt),
            known: KnownRuns::default(),
            held: HeldRuns::default(),
            options: options.clone(),
            subscribers,
            orders,
            rng: fastrand::Rng::with_seed(salt as u64),
        };
        while let Some(event) = player.timeline.next_until(SignedDuration::ZERO) {
            player.publish(event);
        }
        player
    }

    /// Plays the studio forever. Cancel-safe.
    pub(super) async fn play(&mut self) {
        loop {
            let due = self.clock.due(self.timeline.next_at());
            let next_event = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                Some(order) = self.orders.recv() => self.obey(order),
                () = next_event => self.publish_due(),
            }
            tokio::task::yield_now().await;
        }
    }

    fn publish_due(&mut self) {
        self.clock.follow_wall_clock();
        let now = self.clock.now();
        for _ in 0..BURST {
            let Some(event) = self.timeline.next_until(now) else { break };
            self.publish(event);
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Command(command) => self.perform(command),
            Order::Call { path, body, answer } => {
                // Sending fails when the caller no longer waits.
                let _ = answer.send(self.answer(&path, &body));
            }
        }
    }

    fn perform(&mut self, command: DemoCommand) {
        match command {
            // The failure that happens soonest after the start.
            DemoCommand::FailNext => self.add_extra_run(Scenario::StyleGenre),
            DemoCommand::FixNext => self.add_extra_run(Scenario::Fix(1)),
            DemoCommand::Pause(is_paused) => self.clock.set_paused(is_paused),
            DemoCommand::Speed(speed) => self.clock.set_speed(speed),
            DemoCommand::Restart => self.restart(),
        }
    }

    fn add_extra_run(&mut self, scenario: Scenario) {
        let now = self.clock.now();
        for planned in self.timeline.schedule().extra_episode(scenario, now) {
            self.timeline.add(planned);
        }
    }

    /// Cancels the unfinished runs, and opens the studio again with the runs of its opening. Viewers
    /// already know its past.
    fn restart(&mut self) {
        let unfinished: Vec<_> = self.known.unfinished().map(Arc::clone).collect();
        for run in unfinished {
            self.publish_now(&run, What::Cancelled, true);
        }
        self.known = KnownRuns::default();
        self.held = HeldRuns::default();
        self.timeline = timeline(&self.options);
        let salt = self.rng.u128(..);
        self.clock.restart(salt);
        let mut past = Vec::new();
        while let Some(event) = self.timeline.next_until(SignedDuration::ZERO) {
            past.push(event);
        }
        let over: HashSet<Uuid> =
            past.iter().filter(|event| event.last).map(|event| event.run.id).collect();
        for event in past.into_iter().filter(|event| !over.contains(&event.run.id)) {
            self.publish(event);
        }
    }

    /// Publishes an event that happens now. `last` is true for the last event of its run.
    pub(super) fn publish_now(&mut self, run: &Arc<Run>, what: What, last: bool) {
        let event = Event { id: self.new_id(), what };
        self.publish(TimedEvent { at: self.clock.now(), run: Arc::clone(run), event, last });
    }

    fn new_id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.rng.u128(..).to_be_bytes()).into_uuid()
    }

    pub(super) fn publish(&mut self, mut event: TimedEvent) {
        self.known.note(&mut event, &self.clock);
        let (dialect, session) = (self.options.dialect, self.clock.session());
        let Some(text) = dialect.render(&event, session, Delivery::Live) else { return };
        let backend_replay = (dialect == Dialect::Backend && event.event.what.is_stored())
            .then(|| dialect.render(&event, session, Delivery::Replay))
            .flatten();
        self.subscribers.publish(Sent {
            run_id: session.id(event.run.id),
            text: text.into(),
            backend_replay: backend_replay.map(Into::into),
            last: event.last,
        });
    }
}

fn timeline(options: &DemoOptions) -> Timeline {
    Timeline::new(DemoSchedule::new(options.seed, DemoScheduleOptions { runs: options.runs }))
}

#[cfg(test)]
#[path = "player_tests.rs"]
mod tests;
