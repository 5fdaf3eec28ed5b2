//! Histogram of event delays with a fixed amount of memory.

use std::fmt;
use std::time::Duration;

/// Width of a class.
const CLASS_MICROS: usize = 50;
/// Number of classes. Delays of ten seconds or more fall into the last one.
const CLASSES: usize = 200_000;

#[derive(Clone)]
pub struct Delays {
    classes: Vec<u64>,
    count: u64,
    longest: Duration,
}

impl Default for Delays {
    fn default() -> Self {
        Self { classes: vec![0; CLASSES], count: 0, longest: Duration::ZERO }
    }
}

impl Delays {
    pub fn add(&mut self, delay: Duration) {
        let class = delay.as_micros() as usize / CLASS_MICROS;
        self.classes[class.min(CLASSES - 1)] += 1;
        self.count += 1;
        self.longest = self.longest.max(delay);
    }

    /// Returns the percentile for a fraction `part` from 0 to 1, rounded up to a class, in
    /// milliseconds.
    pub fn percentile_ms(&self, part: f64) -> f64 {
        let wanted = (self.count as f64 * part).ceil() as u64;
        let mut seen = 0;
        let class = self.classes.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        (class.unwrap_or(CLASSES - 1) + 1) as f64 * CLASS_MICROS as f64 / 1e3
    }
}

impl fmt::Display for Delays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|part| self.percentile_ms(part));
        let longest = self.longest.as_secs_f64() * 1e3;
        write!(f, "{} | {p50:.1} | {p95:.1} | {p99:.1} | {longest:.1} |", self.count)
    }
}
