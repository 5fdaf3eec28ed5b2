//! Durations as a histogram with slots that grow by one percent each.
//!
//! A quantile lies in the same slot as the duration that it stands for, and so differs from it by less
//! than 1 %, whatever the number of durations. Sketches can be added, and durations taken back.

/// Ratio between the bounds of a slot.
const GROWTH: f64 = 1.01;

/// Number of the last slot: longer durations than 366 days count as these.
const LAST_SLOT: u16 = 2_430;

/// Durations in milliseconds, as counts by slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    /// Slot of the first count.
    first: u16,
    /// Counts from the first to the last slot that has one.
    counts: Vec<u32>,
    count: u64,
    sum_ms: u64,
}

/// Returns the slot of a duration: 0 for none at all.
fn slot_of(millis: u64) -> u16 {
    if millis == 0 {
        return 0;
    }
    let slot = (millis as f64).ln() / GROWTH.ln();
    // The slots of large numbers are within the range of the type.
    (slot as u16).saturating_add(1).min(LAST_SLOT)
}

/// Returns the least duration of a slot in milliseconds.
fn lower_bound(slot: f64) -> f64 {
    GROWTH.powf(slot - 1.0)
}

impl Sketch {
    /// Number of durations.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Sum of the durations in milliseconds.
    pub fn sum_ms(&self) -> u64 {
        self.sum_ms
    }

    /// Returns the mean in milliseconds; `None` when there is no duration.
    pub fn mean_ms(&self) -> Option<u64> {
        self.sum_ms.checked_div(self.count)
    }

    /// Adds a duration.
    pub fn add(&mut self, millis: u64) {
        self.sum_ms = self.sum_ms.saturating_add(millis);
        self.add_slot(slot_of(millis), 1);
    }

    /// Takes a duration back.
    pub fn remove(&mut self, millis: u64) {
        let slot = slot_of(millis);
        let place = slot.checked_sub(self.first).map(usize::from);
        let Some(count) = place.and_then(|place| self.counts.get_mut(place)).filter(|it| **it > 0)
        else {
            return;
        };
        *count -= 1;
        self.count -= 1;
        self.sum_ms = self.sum_ms.saturating_sub(millis);
        self.trim();
    }

    /// Adds all durations of another sketch.
    pub fn merge(&mut self, other: &Self) {
        self.sum_ms = self.sum_ms.saturating_add(other.sum_ms);
        for (slot, count) in other.slots() {
            self.add_slot(slot, count);
        }
    }

    /// Adds to the sum alone, for counts that are added by slot.
    pub(super) fn add_sum(&mut self, millis: u64) {
        self.sum_ms = self.sum_ms.saturating_add(millis);
    }

    /// Adds durations of a slot.
    pub(super) fn add_slot(&mut self, slot: u16, count: u32) {
        let slot = slot.min(LAST_SLOT);
        if count == 0 {
            return;
        }
        if self.counts.is_empty() {
            self.first = slot;
        } else if slot < self.first {
            let missing = usize::from(self.first - slot);
            self.counts.splice(0..0, std::iter::repeat_n(0, missing));
            self.first = slot;
        }
        let place = usize::from(slot - self.first);
        if place >= self.counts.len() {
            self.counts.resize(place + 1, 0);
        }
        self.counts[place] = self.counts[place].saturating_add(count);
        self.count = self.count.saturating_add(u64::from(count));
    }

    /// Returns the share of the durations in each of `parts` equal parts of the logarithmic scale from
    /// `from_ms` to `to_ms`, as the height of a ridge: 1 is all of them. Durations beyond it are left out.
    pub fn density(&self, from_ms: u64, to_ms: u64, parts: usize) -> Vec<f64> {
        let mut heights = vec![0.0; parts];
        let scale = |millis: u64| (millis.max(1) as f64).ln() / GROWTH.ln() + 1.0;
        let (begin, end) = (scale(from_ms), scale(to_ms));
        let width = (end - begin) / parts.max(1) as f64;
        if width <= 0.0 || self.count == 0 {
            return heights;
        }
        for (slot, count) in self.slots() {
            // A slot may lie in several parts.
            let (low, high) = (f64::from(slot), f64::from(slot) + 1.0);
            let first = ((low - begin) / width).floor().max(0.0) as usize;
            for (place, height) in heights.iter_mut().enumerate().skip(first) {
                let from = begin + place as f64 * width;
                if from >= high {
                    break;
                }
                let share = (high.min(from + width) - low.max(from)).max(0.0);
                *height += share * f64::from(count) / self.count as f64;
            }
        }
        heights
    }

    /// Returns the slots that have counts, ascending.
    pub(super) fn slots(&self) -> impl Iterator<Item = (u16, u32)> {
        let counts = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        counts.map(|(place, count)| (self.first + place as u16, *count))
    }

    /// Drops empty slots at both ends, so that equal sketches are equal values.
    fn trim(&mut self) {
        let used = self.counts.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
        self.counts.truncate(used);
        let empty = self.counts.iter().position(|count| *count > 0).unwrap_or(0);
        self.counts.drain(..empty);
        self.first = if self.counts.is_empty() { 0 } else { self.first + empty as u16 };
    }

    /// Returns the nearest-rank quantile in milliseconds, less than 1 % off; `None` when there is no
    /// duration.
    pub fn quantile_ms(&self, quantile: f64) -> Option<u64> {
        let rank = ((quantile * self.count as f64).ceil() as u64).max(1);
        let mut before = 0;
        for (slot, count) in self.slots() {
            let count = u64::from(count);
            if before + count < rank {
                before += count;
                continue;
            }
            if slot == 0 {
                return Some(0);
            }
            // The durations of a slot count as spread over it.
            let within = ((rank - before) as f64 - 0.5) / count as f64;
            return Some(lower_bound(f64::from(slot) + within).round() as u64);
        }
        None
    }

    /// Returns the usual duration: the median.
    pub fn usual_ms(&self) -> Option<u64> {
        self.quantile_ms(0.50)
    }

    /// Returns the duration beyond which the slowest 5 % are.
    pub fn slow_ms(&self) -> Option<u64> {
        self.quantile_ms(0.95)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(millis: impl IntoIterator<Item = u64>) -> Sketch {
        let mut sketch = Sketch::default();
        millis.into_iter().for_each(|millis| sketch.add(millis));
        sketch
    }

    #[test]
    fn quantiles_are_less_than_one_percent_off() {
        let mut random = fastrand::Rng::with_seed(7);
        for scale in [1.0_f64, 80.0, 4_000.0, 57_000.0, 3.0e9] {
            let mut all: Vec<u64> =
                (0..501).map(|_| (scale * (0.2 + random.f64())).round() as u64).collect();
            let sketch = of(all.iter().copied());
            all.sort_unstable();
            for (quantile, place) in [(0.5, 250), (0.95, 475), (1.0, 500), (0.0, 0)] {
                let (found, exact) = (sketch.quantile_ms(quantile).unwrap(), all[place]);
                let off = found.abs_diff(exact) as f64;
                assert!(off <= 0.01 * exact as f64 + 0.5, "{quantile}: {found} for {exact}");
            }
            assert_eq!(sketch.mean_ms(), Some(all.iter().sum::<u64>() / 501));
        }
    }

    #[test]
    fn ridge_has_all_durations_within_its_bounds() {
        let sketch = of((0..1_000).map(|nth| 500 + nth));
        let heights = sketch.density(250, 4_000, 40);
        assert!((heights.iter().sum::<f64>() - 1.0).abs() < 0.001, "{heights:?}");
        assert_eq!(heights[0], 0.0);
        let part = sketch.density(1_000, 4_000, 40).iter().sum::<f64>();
        assert!((part - 0.5).abs() < 0.02, "{part}");
        assert_eq!(sketch.density(10, 10, 3), [0.0; 3]);
        assert_eq!(Sketch::default().density(250, 4_000, 2), [0.0; 2]);
    }

    #[test]
    fn durations_beyond_the_scale_count_at_its_ends() {
        let sketch = of([0, 0, u64::MAX]);
        assert_eq!((sketch.count(), sketch.usual_ms()), (3, Some(0)));
        assert!(sketch.slow_ms().unwrap() > 364 * 86_400_000);
        assert_eq!(Sketch::default().usual_ms(), None);
        assert_eq!(Sketch::default().mean_ms(), None);
    }

    #[test]
    fn what_is_taken_back_leaves_nothing_behind() {
        let mut sketch = of([5, 70_000, 900]);
        for millis in [70_000, 5] {
            sketch.remove(millis);
        }
        assert_eq!(sketch, of([900]));
        sketch.remove(31);
        assert_eq!(sketch, of([900]), "it was not in it");
        sketch.remove(900);
        assert_eq!(sketch, Sketch::default());
    }
}
