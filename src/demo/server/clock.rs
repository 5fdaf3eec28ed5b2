//! Studio time and wall-clock time, with pauses and changes of speed.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::super::dialect::Session;

/// Difference above which the wall clock must have been set, or the machine was suspended.
const CLOCK_STEP: SignedDuration = SignedDuration::from_secs(2);

/// Speeds with which times can be computed. Any other is refused.
const SPEEDS: std::ops::RangeInclusive<f64> = 1e-6..=1e6;

/// The studio's clock.
#[derive(Debug)]
pub(super) struct StudioClock {
    /// Ids, and the conversion of studio time at the current speed.
    session: Session,
    /// Instant of `studio`: of the opening, the last change of speed, or the start of the pause.
    anchor: Instant,
    studio: SignedDuration,
    is_paused: bool,
    changes: u32,
}

impl StudioClock {
    /// Opens the studio now: studio time zero.
    pub(super) fn new(speed: f64, salt: u128) -> Self {
        let speed = if SPEEDS.contains(&speed) { speed } else { 1.0 };
        Self {
            session: Session { epoch: Timestamp::now(), speed, salt },
            anchor: Instant::now(),
            studio: SignedDuration::ZERO,
            is_paused: false,
            changes: 0,
        }
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// Returns the number of pauses, changes of speed and steps of the wall clock so far.
    pub(super) fn changes(&self) -> u32 {
        self.changes
    }

    /// Returns the studio time.
    pub(super) fn now(&self) -> SignedDuration {
        if self.is_paused {
            return self.studio;
        }
        let elapsed_secs = self.anchor.elapsed().as_secs_f64();
        self.studio + SignedDuration::from_secs_f64(elapsed_secs * self.session.speed)
    }

    /// Returns the instant of a studio time; `None` while the studio is paused.
    pub(super) fn due(&self, at: SignedDuration) -> Option<Instant> {
        let wait_secs = (at - self.studio).as_secs_f64() / self.session.speed;
        (!self.is_paused).then(|| self.anchor + Duration::from_secs_f64(wait_secs.max(0.0)))
    }

    /// Changes the speed from now on. No effect for a number that is no speed.
    pub(super) fn set_speed(&mut self, speed: f64) {
        if !SPEEDS.contains(&speed) || speed == self.session.speed {
            return;
        }
        self.changes += 1;
        let now = self.now();
        let wall = self.session.wall_instant(now);
        self.session.speed = speed;
        let since_epoch = SignedDuration::from_secs_f64(now.as_secs_f64() / speed);
        self.move_epoch(wall, -since_epoch);
        if !self.is_paused {
            (self.anchor, self.studio) = (Instant::now(), now);
        }
    }

    /// Stops studio time, or lets it go on.
    pub(super) fn set_paused(&mut self, is_paused: bool) {
        if is_paused == self.is_paused {
            return;
        }
        self.changes += 1;
        if is_paused {
            self.studio = self.now();
        } else {
            let paused_for = SignedDuration::try_from(self.anchor.elapsed()).unwrap_or_default();
            self.move_epoch(self.session.epoch, paused_for);
        }
        (self.anchor, self.is_paused) = (Instant::now(), is_paused);
    }

    /// Opens the studio again, with other ids; a pause ends.
    pub(super) fn restart(&mut self, salt: u128) {
        self.set_paused(false);
        self.session.epoch = self.session.wall_instant(self.now());
        self.session.salt = salt;
        (self.anchor, self.studio) = (Instant::now(), SignedDuration::ZERO);
    }

    /// Adjusts event times when the wall clock jumps forward. A clock set back is ignored, because
    /// event times must not go back.
    pub(super) fn follow_wall_clock(&mut self) {
        let ahead = Timestamp::now().duration_since(self.session.wall_instant(self.now()));
        if ahead > CLOCK_STEP && !self.is_paused {
            self.changes += 1;
            self.move_epoch(self.session.epoch, ahead);
        }
    }

    fn move_epoch(&mut self, from: Timestamp, by: SignedDuration) {
        self.session.epoch = from.checked_add(by).unwrap_or(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(clock: &StudioClock) -> f64 {
        (clock.now().as_secs_f64() * 100.0).round() / 100.0
    }

    fn wall_secs(clock: &StudioClock, from: Timestamp) -> f64 {
        let wall = clock.session().wall_instant(clock.now());
        (wall.duration_since(from).as_secs_f64() * 100.0).round() / 100.0
    }

    #[tokio::test(start_paused = true)]
    async fn studio_time_follows_speed_and_pauses_and_wall_time_does_not_jump() {
        let mut clock = StudioClock::new(1.0, 1);
        let from = clock.session().epoch;
        let mut wall = 0.0;
        let mut studio = 0.0;
        for (speed, is_paused) in
            [(1.0, false), (5.0, false), (5.0, true), (2.0, true), (2.0, false), (1.0, false)]
        {
            clock.set_speed(speed);
            clock.set_paused(is_paused);
            tokio::time::advance(Duration::from_secs(4)).await;
            wall += 4.0;
            studio += if is_paused { 0.0 } else { 4.0 * speed };
            assert_eq!(secs(&clock), studio, "{speed} {is_paused}");
            if !is_paused {
                assert_eq!(wall_secs(&clock, from), wall, "{speed} {is_paused}");
            }
            let later = clock.due(clock.now() + SignedDuration::from_secs(10));
            let wait = later.map(|at| (at - Instant::now()).as_secs_f64());
            assert_eq!(wait.is_none(), is_paused);
            assert!(wait.is_none_or(|wait| (wait - 10.0 / speed).abs() < 0.01), "{wait:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn number_that_is_no_speed_is_refused() {
        for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -1.0, 1e-300, 1e300] {
            assert_eq!(StudioClock::new(wrong, 1).session().speed, 1.0, "{wrong}");
            let mut clock = StudioClock::new(2.0, 1);
            tokio::time::advance(Duration::from_secs(3)).await;
            clock.set_speed(wrong);
            assert_eq!((secs(&clock), clock.session().speed, clock.changes()), (6.0, 2.0, 0));
            assert!(clock.due(SignedDuration::from_hours(1)).is_some());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn wall_clock_set_forward_is_followed_and_counted_as_a_change() {
        let mut clock = StudioClock::new(1.0, 1);
        clock.follow_wall_clock();
        assert_eq!(clock.changes(), 0);
        clock.session.epoch -= SignedDuration::from_hours(1);
        clock.follow_wall_clock();
        assert_eq!(clock.changes(), 1, "durations that began before are corrected");
        let behind = Timestamp::now().duration_since(clock.session().wall_instant(clock.now()));
        assert!(behind.abs() < CLOCK_STEP, "{behind}");
    }

    #[tokio::test(start_paused = true)]
    async fn restart_begins_at_zero_and_ends_a_pause() {
        let mut clock = StudioClock::new(2.0, 1);
        let from = clock.session().epoch;
        tokio::time::advance(Duration::from_secs(30)).await;
        clock.set_paused(true);
        tokio::time::advance(Duration::from_secs(10)).await;
        clock.restart(7);
        assert_eq!((secs(&clock), wall_secs(&clock, from)), (0.0, 40.0));
        assert_eq!((clock.session().salt, clock.session().speed), (7, 2.0));
        assert!(clock.due(SignedDuration::from_secs(1)).is_some());
    }
}
