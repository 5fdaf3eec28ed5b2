//! Sleeping, and the time that passes, on each platform.

#[cfg(not(target_arch = "wasm32"))]
pub(super) use tokio::time::{Instant, sleep, sleep_until};

#[cfg(target_arch = "wasm32")]
pub(super) use self::page::{Instant, sleep, sleep_until};

/// The browser's timers. A page has no other clock than the time of day.
#[cfg(target_arch = "wasm32")]
mod page {
    use std::ops::Add;
    use std::time::Duration;

    pub(in crate::source) use gloo_timers::future::sleep;
    use jiff::{SignedDuration, Timestamp};

    /// Longest sleep of the browser's timers that is used at once.
    const LONGEST: Duration = Duration::from_secs(3_600);

    /// A moment.
    #[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
    pub(in crate::source) struct Instant(Timestamp);

    impl Instant {
        pub fn now() -> Self {
            Self(Timestamp::now())
        }

        pub fn saturating_duration_since(self, earlier: Self) -> Duration {
            Duration::try_from(self.0.duration_since(earlier.0)).unwrap_or_default()
        }

        pub fn checked_sub(self, duration: Duration) -> Option<Self> {
            let duration = SignedDuration::try_from(duration).ok()?;
            self.0.checked_sub(duration).ok().map(Self)
        }
    }

    impl Add<Duration> for Instant {
        type Output = Self;

        fn add(self, duration: Duration) -> Self {
            Self(self.0.saturating_add(duration).unwrap_or(Timestamp::MAX))
        }
    }

    pub(in crate::source) async fn sleep_until(due: Instant) {
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            sleep(left.min(LONGEST)).await;
        }
    }
}
