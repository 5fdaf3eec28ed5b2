//! Percentiles of durations.

use std::time::Duration;

#[derive(Default)]
pub struct Delays(Vec<Duration>);

impl Delays {
    pub fn add(&mut self, delay: Duration) {
        self.0.push(delay);
    }

    pub fn append(&mut self, other: &mut Self) {
        self.0.append(&mut other.0);
    }

    /// Percentile in milliseconds, by the nearest-rank method; `part` is in `0.0..=1.0`. 0 without
    /// durations.
    pub fn percentile_ms(&self, part: f64) -> f64 {
        let mut delays = self.0.clone();
        delays.sort_unstable();
        let place = (delays.len() as f64 * part).ceil() as usize;
        delays.get(place.saturating_sub(1)).map_or(0.0, |delay| delay.as_secs_f64() * 1e3)
    }
}
