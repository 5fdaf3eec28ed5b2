//! Sums by time slot, for a limited number of recent slots.

use std::collections::VecDeque;

use jiff::Timestamp;

/// Sums by time slot. Slots without an amount are not stored.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    width_secs: i64,
    most: usize,
    /// Slot number, counted from the epoch, and sum; in order of slot.
    sums: VecDeque<(i64, i64)>,
}

impl Slots {
    /// Keeps the latest `most` slots of `width_secs` seconds each.
    pub(super) fn new(width_secs: i64, most: usize) -> Self {
        Self { width_secs: width_secs.max(1), most, sums: VecDeque::new() }
    }

    /// Adds an amount to the slot of an instant. An amount older than all kept slots is discarded when
    /// the limit is reached.
    pub(super) fn add(&mut self, at: Timestamp, amount: i64) {
        let slot = self.slot(at);
        match self.sums.back_mut() {
            Some((last, sum)) if *last == slot => *sum += amount,
            Some((last, _)) if *last > slot => {
                match self.sums.binary_search_by_key(&slot, |(kept, _)| *kept) {
                    Ok(place) => self.sums[place].1 += amount,
                    Err(0) if self.sums.len() >= self.most => {}
                    Err(place) => self.sums.insert(place, (slot, amount)),
                }
            }
            _ => self.sums.push_back((slot, amount)),
        }
        while self.sums.len() > self.most {
            self.sums.pop_front();
        }
    }

    /// Returns the approximate size in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.sums.capacity() * size_of::<(i64, i64)>()
    }

    /// Returns the number of the slot that contains an instant.
    pub(super) fn slot(&self, at: Timestamp) -> i64 {
        at.as_second().div_euclid(self.width_secs)
    }

    /// Returns slots and sums from the latest back to slot `first`.
    pub(super) fn back_to(&self, first: i64) -> impl Iterator<Item = (i64, i64)> {
        self.sums.iter().rev().copied().take_while(move |(slot, _)| *slot >= first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn adds_late_amounts_to_their_slot_and_drops_oldest_slots() {
        let mut slots = Slots::new(10, 3);
        for (second, amount) in [(40, 1), (61, 2), (55, 4), (48, 8), (70, 16), (10, 32)] {
            slots.add(at(second), amount);
        }
        assert_eq!(slots.back_to(0).collect::<Vec<_>>(), [(7, 16), (6, 2), (5, 4)]);
        assert_eq!(slots.back_to(6).collect::<Vec<_>>(), [(7, 16), (6, 2)]);
    }
}
