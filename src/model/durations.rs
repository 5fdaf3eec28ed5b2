//! Recent durations of one kind, and what is usual among them.

use std::collections::VecDeque;

/// Number of recent durations that are kept of each kind.
const KEPT: usize = 200;

/// Typical duration of a node or run, from its recent successes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Baseline {
    /// Median, in milliseconds.
    pub p50_ms: u64,
    /// 95th percentile, in milliseconds.
    pub p95_ms: u64,
    /// Number of durations used, at most 200.
    pub samples: usize,
}

/// Recent durations in milliseconds, also kept sorted for percentiles.
#[derive(Clone, Debug, Default)]
pub(super) struct Durations {
    last: VecDeque<u32>,
    sorted: Vec<u32>,
}

impl Durations {
    /// Adds a duration; the oldest of 200 leaves. A duration of more than 49 days counts as 49 days.
    pub(super) fn push(&mut self, millis: u64) {
        let millis = u32::try_from(millis).unwrap_or(u32::MAX);
        if self.last.len() == KEPT
            && let Some(oldest) = self.last.pop_front()
            && let Ok(place) = self.sorted.binary_search(&oldest)
        {
            self.sorted.remove(place);
        }
        self.last.push_back(millis);
        let place = self.sorted.partition_point(|kept| *kept < millis);
        self.sorted.insert(place, millis);
    }

    /// Returns the number of durations that are kept.
    pub(super) fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Returns the nearest-rank percentile of all durations; `None` when there are none.
    pub(super) fn percentile(&self, quantile: f64) -> Option<u64> {
        percentile(&self.sorted, quantile)
    }

    /// Returns how long something that has taken `so_far_ms` will still take: one of those durations that are
    /// longer, less what it has taken. Returns as an error by how many milliseconds it exceeds the usual
    /// duration if it takes longer than 95 % of all.
    pub(super) fn beyond(&self, so_far_ms: u64) -> Result<Spread, u64> {
        let [usual, slow] = [0.50, 0.95].map(|quantile| self.percentile(quantile).unwrap_or(0));
        // Compared in whole seconds, like everything that counts on screen.
        if so_far_ms / 1000 > slow / 1000 {
            return Err(so_far_ms.saturating_sub(usual));
        }
        let first = self.sorted.partition_point(|kept| u64::from(*kept) <= so_far_ms);
        Ok(Spread::of(&self.sorted[first..], so_far_ms))
    }

    /// Returns how the durations are spread.
    pub(super) fn spread(&self) -> Spread {
        Spread::of(&self.sorted, 0)
    }

    /// Returns the usual duration and the limit of the slowest 5 %; `None` when there are none.
    pub(super) fn baseline(&self) -> Option<Baseline> {
        Some(Baseline {
            p50_ms: self.percentile(0.50)?,
            p95_ms: self.percentile(0.95)?,
            samples: self.len(),
        })
    }

    /// Returns all durations that are kept, oldest first.
    pub(super) fn kept(&self) -> impl Iterator<Item = u32> {
        self.last.iter().copied()
    }

    /// Returns the last `most` durations, oldest first.
    pub(super) fn last(&self, most: usize) -> impl Iterator<Item = u64> {
        let skipped = self.last.len().saturating_sub(most);
        self.last.iter().skip(skipped).copied().map(u64::from)
    }

    /// Returns the size on the heap in bytes.
    pub(super) fn bytes(&self) -> usize {
        (self.last.capacity() + self.sorted.capacity()) * size_of::<u32>()
    }
}

/// Durations at the middles of [`Spread::PARTS`] equal parts of all, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spread([u64; Spread::PARTS]);

impl Spread {
    const PARTS: usize = 12;

    /// Returns the spread of sorted durations, each less `shorter`; that of nothing is 0.
    fn of(sorted: &[u32], shorter: u64) -> Self {
        let middle = |part: usize| {
            let place = (2 * part + 1) * sorted.len() / (2 * Self::PARTS);
            sorted.get(place).map_or(0, |kept| u64::from(*kept).saturating_sub(shorter))
        };
        Self(std::array::from_fn(middle))
    }

    /// Returns the median of the sum of two durations that do not depend on each other.
    pub(super) fn median_of_sum(&self, other: &Self) -> u64 {
        let mut sums = [0; Self::PARTS * Self::PARTS];
        let pairs = self.0.iter().flat_map(|one| other.0.iter().map(move |other| one + other));
        for (sum, pair) in sums.iter_mut().zip(pairs) {
            *sum = pair;
        }
        let middle = sums.len() / 2;
        *sums.select_nth_unstable(middle).1
    }

    /// Returns the median.
    pub(super) fn median(&self) -> u64 {
        self.0[Self::PARTS / 2]
    }
}

/// Returns the nearest-rank percentile of sorted values; `None` when there are none.
pub(super) fn percentile(sorted: &[u32], quantile: f64) -> Option<u64> {
    let rank = (quantile * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().map(u64::from)
}
