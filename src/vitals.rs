//! Health figures of a long-running display: frame times, memory and CPU time.

use std::time::Duration;

/// Width of a histogram class.
const CLASS: Duration = Duration::from_micros(500);
/// Number of classes; the last one collects all durations of about two seconds and more.
const CLASSES: usize = 4_096;

/// A histogram of durations, in a fixed amount of memory.
#[derive(Clone, Debug)]
pub struct Durations {
    classes: Vec<u32>,
    count: u32,
    longest: Duration,
}

impl Default for Durations {
    fn default() -> Self {
        Self { classes: vec![0; CLASSES], count: 0, longest: Duration::ZERO }
    }
}

impl Durations {
    pub fn add(&mut self, duration: Duration) {
        let class = (duration.as_nanos() / CLASS.as_nanos()) as usize;
        self.classes[class.min(CLASSES - 1)] += 1;
        self.count += 1;
        self.longest = self.longest.max(duration);
    }

    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns the longest duration, exactly; zero when there are none.
    pub fn longest(&self) -> Duration {
        self.longest
    }

    /// Returns the duration that a fraction `part` (0 to 1) of the durations does not exceed,
    /// rounded up to 0.5 ms but never beyond the longest.
    pub fn percentile(&self, part: f64) -> Duration {
        let wanted = (f64::from(self.count) * part).ceil() as u32;
        let mut seen = 0;
        for (class, count) in self.classes[..CLASSES - 1].iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return (CLASS * (class as u32 + 1)).min(self.longest);
            }
        }
        self.longest
    }

    /// Removes all durations.
    pub fn clear(&mut self) {
        self.classes.fill(0);
        (self.count, self.longest) = (0, Duration::ZERO);
    }
}

/// Returns the resident memory of this process in bytes; `None` where the system does not report
/// it.
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Returns the CPU time of this process, summed over all threads, with a resolution of 10 ms;
/// `None` where the system does not report it.
pub fn processor_time() -> Option<Duration> {
    /// The unit of `/proc/self/stat`: a clock tick, 10 ms on Linux.
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is a name in parentheses, which may contain spaces.
    let fields = stat.rsplit_once(')')?.1.split_whitespace();
    let mut times = fields.skip(11).map_while(|ticks| ticks.parse::<u32>().ok());
    Some(TICK * times.next()?.checked_add(times.next()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_count_durations_since_the_last_clear() {
        let millis = Duration::from_millis;
        let mut durations = Durations::default();
        durations.add(millis(9_000));
        durations.clear();
        assert_eq!(durations.percentile(0.99), Duration::ZERO);
        for number in 0..100 {
            durations.add(millis(number / 10));
        }
        durations.add(millis(5_000));
        assert_eq!(durations.count(), 101);
        assert_eq!(durations.longest(), millis(5_000));
        assert_eq!(durations.percentile(0.5), Duration::from_micros(5_500));
        assert_eq!(durations.percentile(0.99), Duration::from_micros(9_500));
        assert_eq!(durations.percentile(1.0), millis(5_000));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_and_cpu_time_are_read_on_linux() {
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1 << 20));
        let before = processor_time().expect("Linux says");
        // Busy-waits until the CPU time grows; the loop itself uses CPU time.
        while processor_time() == Some(before) {}
    }
}
