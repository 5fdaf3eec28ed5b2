//! Permission to use a backend that one of several programs has at a time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Interval at which requests look whether the permission has come.
#[cfg(not(target_arch = "wasm32"))]
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Permission to send requests to a backend, valid until an instant of the monotonic clock that is moved
/// on while the permission is renewed. A program that was stopped for a while therefore finds it expired
/// when it wakes up. Clones are the same permission.
#[derive(Clone, Debug, Default)]
pub struct Warrant(Arc<Mutex<Option<Instant>>>);

impl Warrant {
    /// Makes the permission valid until `until`.
    pub fn extend(&self, until: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// Ends the permission.
    pub fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// True while requests may be sent.
    pub fn is_valid(&self) -> bool {
        self.left() > Duration::ZERO
    }

    /// Returns the time for which the permission is still valid.
    pub fn left(&self) -> Duration {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// Waits until the permission is valid.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) async fn granted(&self) {
        while !self.is_valid() {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permission_is_valid_until_its_end_and_for_all_clones() {
        let warrant = Warrant::default();
        let clone = warrant.clone();
        assert!(!clone.is_valid());
        warrant.extend(Instant::now() + Duration::from_secs(60));
        assert!(clone.is_valid() && clone.left() > Duration::from_secs(50));
        clone.end();
        assert!(!warrant.is_valid());
        // As after a stop that lasted longer than the permission.
        let past = Instant::now().checked_sub(Duration::from_millis(1)).unwrap();
        warrant.extend(past);
        assert!(!warrant.is_valid());
    }
}
