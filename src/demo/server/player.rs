//! Plays the studio: advances studio time with the wall clock and publishes events when they are
//! due.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep_until};

use super::{
    super::{
        Dialect,
        dialect::{Delivery, Session},
        history::Sent,
        scenario::{DemoSchedule, DemoScheduleOptions, TimedEvent, Timeline},
    },
    DemoOptions,
    subscribers::Subscribers,
};

/// Number of events published before other tasks get their turn.
const BURST: usize = 256;

/// Difference above which the wall clock must have been set, or the machine was suspended.
const CLOCK_STEP: SignedDuration = SignedDuration::from_secs(2);

pub(super) struct Player {
    timeline: Timeline,
    session: Session,
    dialect: Dialect,
    subscribers: Arc<Subscribers>,
    /// Time of studio time zero.
    opened: Instant,
}

impl Player {
    /// Opens a studio whose past has already happened.
    pub(super) fn open(options: &DemoOptions, salt: u128, subscribers: Arc<Subscribers>) -> Self {
        let schedule = DemoSchedule::new(options.seed, DemoScheduleOptions { runs: options.runs });
        let speed = if options.speed > 0.0 { options.speed } else { 1.0 };
        let mut timeline = Timeline::new(schedule);
        let opened = Instant::now();
        let session = Session { epoch: Timestamp::now(), speed, salt };
        let dialect = options.dialect;
        while let Some(event) = timeline.next_until(SignedDuration::ZERO) {
            publish(&subscribers, dialect, &session, &event);
        }
        Self { timeline, session, dialect, subscribers, opened }
    }

    /// Plays the studio forever. Cancel-safe.
    pub(super) async fn play(&mut self) {
        loop {
            let next_at = self.timeline.next_at();
            sleep_until(self.due(next_at)).await;
            self.follow_wall_clock();
            let now = self.studio_now();
            for _ in 0..BURST {
                let Some(event) = self.timeline.next_until(now) else { break };
                publish(&self.subscribers, self.dialect, &self.session, &event);
            }
            tokio::task::yield_now().await;
        }
    }

    fn due(&self, at: SignedDuration) -> Instant {
        self.opened + Duration::from_secs_f64((at.as_secs_f64() / self.session.speed).max(0.0))
    }

    fn studio_now(&self) -> SignedDuration {
        SignedDuration::from_secs_f64(self.opened.elapsed().as_secs_f64() * self.session.speed)
    }

    /// Adjusts event times when the wall clock jumps forward. A clock set back is ignored, because
    /// event times must not go back.
    fn follow_wall_clock(&mut self) {
        let elapsed = SignedDuration::try_from(self.opened.elapsed()).unwrap_or_default();
        let ahead = Timestamp::now().duration_since(self.session.epoch) - elapsed;
        if ahead > CLOCK_STEP {
            self.session.epoch += ahead;
        }
    }
}

fn publish(subscribers: &Subscribers, dialect: Dialect, session: &Session, event: &TimedEvent) {
    let Some(text) = dialect.render(event, session, Delivery::Live) else { return };
    let backend_replay = (dialect == Dialect::Backend && event.event.what.is_stored())
        .then(|| dialect.render(event, session, Delivery::Replay))
        .flatten();
    subscribers.publish(Sent {
        run_id: session.id(event.run.id),
        text: text.into(),
        backend_replay: backend_replay.map(Into::into),
        last: event.last,
    });
}
