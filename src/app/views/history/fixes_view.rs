//! View model of the fixes that songs needed.

use super::period_view::{PeriodWords, share_words};
use crate::history::{FixCounts, LEAST_TO_COMPARE, Summary};

/// Names of the rows; the last one is of songs that failed.
const NAMES: [&str; 5] = ["none", "1", "2", "3", "failed"];

/// Fixes that songs needed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FixesView {
    /// Empty where no song was judged.
    pub rows: Vec<FixRow>,
    /// Meaning of the mark: "the week before"; empty where there is none.
    pub before: String,
    /// "68 of 100 pass at the first try".
    pub sentence: String,
}

/// Songs that needed so many fixes.
#[derive(Clone, Debug, PartialEq)]
pub struct FixRow {
    pub name: &'static str,
    pub is_failed: bool,
    pub share: f64,
    /// "68 %".
    pub words: String,
    /// The share in the period before.
    pub before: Option<f64>,
}

impl FixesView {
    /// Fixes of a period.
    pub fn of(summary: &Summary, period: PeriodWords) -> Self {
        let Some(shares) = summary.fixes.shares() else { return Self::default() };
        let is_enough = |fixes: &FixCounts| fixes.all().iter().sum::<u64>() >= LEAST_TO_COMPARE;
        let before = summary.fixes_before.shares().filter(|_| is_enough(&summary.fixes_before));
        let rows = NAMES.into_iter().enumerate().map(|(place, name)| FixRow {
            name,
            is_failed: place == 4,
            share: shares[place],
            words: share_words(shares[place]),
            before: before.map(|before| before[place]),
        });
        let first = summary.fixes.none;
        let all: u64 = summary.fixes.all().iter().sum();
        let sentence = match all {
            ..100 => format!("{first} of {all} passed at the first try"),
            // "100 of 100" stands for all only.
            _ if first < all => {
                format!("{:.0} of 100 pass at the first try", (shares[0] * 100.0).round().min(99.0))
            }
            _ => "all pass at the first try".to_owned(),
        };
        Self {
            rows: rows.collect(),
            before: before.map(|_| period.before.to_owned()).unwrap_or_default(),
            sentence,
        }
    }
}
