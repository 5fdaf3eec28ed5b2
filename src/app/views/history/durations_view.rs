//! View model of how long runs take, over the period.

use jiff::Timestamp;

use super::period_view::{duration_change_words, instant};
use crate::app::words::duration_words;
use crate::history::{BarSummary, Summary};

/// Most points; parts of the period are taken together until there are no more.
const MOST_POINTS: usize = 60;

/// How long runs take.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DurationsView {
    /// Stretches of neighbouring parts, each from left to right.
    pub lines: Vec<Vec<Point>>,
    /// Usual duration of the period, and its change; empty where it is not known.
    pub usual: String,
    pub usual_note: String,
    /// Duration beyond which the slowest 5 % of the period are.
    pub slow: String,
    pub slow_note: String,
    /// Both in milliseconds.
    pub whole_ms: Option<(f64, f64)>,
}

/// Durations around an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub at: Timestamp,
    pub usual_ms: f64,
    pub slow_ms: f64,
}

impl DurationsView {
    /// Durations of a period. Each point is the mean of some neighbouring parts and of as many on each side, by
    /// the number of their runs: single parts differ by chance.
    pub fn of(summary: &Summary) -> Self {
        let ended = &summary.now.ended;
        let note = |word: &str, change: Option<i64>| match change {
            // Runs take so long that tenths say nothing.
            Some(by) => format!(
                "{word}, {}",
                duration_change_words((by + by.signum() * 500) / 1_000 * 1_000)
            ),
            None => word.to_owned(),
        };
        let parts = &summary.buckets;
        let each = parts.len().div_ceil(MOST_POINTS).max(1);
        let mut lines: Vec<Vec<Point>> = Vec::new();
        let mut is_open = false;
        for (place, some) in parts.chunks(each).enumerate() {
            let from = (place * each).saturating_sub(each);
            let around = &parts[from..((place + 2) * each).min(parts.len())];
            let point = point(some, around);
            if let Some(point) = point {
                if !is_open {
                    lines.push(Vec::new());
                }
                lines.last_mut().into_iter().for_each(|line| line.push(point));
            }
            is_open = point.is_some();
        }
        Self {
            lines,
            usual: ended.usual_ms.map(duration_words).unwrap_or_default(),
            usual_note: note("usual", summary.usual_change_ms),
            slow: ended.slow_ms.map(duration_words).unwrap_or_default(),
            slow_note: "slowest 5 %".to_owned(),
            whole_ms: ended
                .usual_ms
                .zip(ended.slow_ms)
                .map(|(usual, slow)| (usual as f64, slow as f64)),
        }
    }

    /// Least and greatest duration in milliseconds; `None` where there are no lines.
    pub fn range(&self) -> Option<(f64, f64)> {
        let points = || self.lines.iter().flatten().map(|point| (point.usual_ms, point.slow_ms));
        let all = || points().chain(self.whole_ms);
        let least = all().map(|(usual, _)| usual).fold(f64::INFINITY, f64::min);
        let most = all().map(|(usual, slow)| slow.max(usual)).fold(0.0, f64::max);
        (points().next().is_some()).then_some((least, most))
    }
}

/// Means of the parts around some, which stand in the middle of these; `None` where no run finished in them.
fn point(some: &[BarSummary], around: &[BarSummary]) -> Option<Point> {
    let finished: u64 = some.iter().map(|part| part.ended.finished).sum();
    let (from, to) = (instant(&some.first()?.ended.from)?, instant(&some.last()?.ended.to)?);
    let half = to.duration_since(from) / 2;
    let (mut runs, mut usual, mut slow) = (0.0, 0.0, 0.0);
    for near in around {
        let (Some(usual_ms), Some(slow_ms)) = (near.ended.usual_ms, near.ended.slow_ms) else {
            continue;
        };
        let weight = near.ended.finished as f64;
        runs += weight;
        usual += weight * usual_ms as f64;
        slow += weight * slow_ms as f64;
    }
    let at = from.checked_add(half).ok()?;
    let is_known = finished > 0 && runs > 0.0;
    is_known.then(|| Point { at, usual_ms: usual / runs, slow_ms: slow / runs })
}

/// Returns round durations in milliseconds for the lines of a scale that holds a range in at most `most` steps.
pub fn duration_ticks((least, greatest): (f64, f64), most: usize) -> Vec<f64> {
    const STEPS: [u64; 20] = [
        1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400,
        172_800, 864_000, 8_640_000,
    ];
    let most = most.max(1);
    let round = |step: f64| ((least / step).floor() * step, (greatest / step).ceil() * step);
    let fits = |step: &f64| {
        let (from, to) = round(*step);
        (to - from) / step <= most as f64
    };
    let all = STEPS.iter().map(|secs| *secs as f64 * 1_000.0);
    let tenths = [100.0, 200.0, 500.0].into_iter();
    let step = tenths.chain(all).find(fits).unwrap_or(greatest.max(1.0));
    let (from, to) = round(step);
    let steps = ((to - from) / step).round().max(1.0) as usize;
    (0..=steps.min(most + 1)).map(|nth| from + nth as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_the_range() {
        assert_eq!(
            duration_ticks((110_000.0, 215_000.0), 4),
            [60_000.0, 120_000.0, 180_000.0, 240_000.0]
        );
        assert_eq!(duration_ticks((5_100.0, 5_900.0), 4), [5_000.0, 5_500.0, 6_000.0]);
        assert_eq!(duration_ticks((0.0, 0.0), 4).len(), 2);
        for range in [(0.0, 1.0), (1.0, 9e14), (3e9, 3.1e9)] {
            let ticks = duration_ticks(range, 4);
            assert!(ticks.len() >= 2 && ticks.len() <= 6, "{range:?}: {ticks:?}");
        }
    }
}
