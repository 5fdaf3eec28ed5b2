//! The verdicts of a run and the scores of each fix pass.

use std::sync::Arc;

use super::choice::{Choice, attempt_of, number_of};
use crate::app::state::run_view::verdicts;
use crate::app::words::number_words;
use crate::model::{Run, is_total_score, total_score};
use crate::protocol::{MAX_FIX_PASSES, NodeName, Score};
use crate::timeline::RunBars;

/// Verdict before the first fix, or after one.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::app::panel) struct FixColumn {
    /// Number of the fix; 0 for the first verdict.
    pub fix: u32,
    /// Number of VALIDATE's attempt, from 1.
    pub attempt: u32,
    /// Total score.
    pub total: Option<f64>,
    /// All scores, sorted by name.
    pub scores: Arc<[Score]>,
    /// `None` while the verdict is not known.
    pub passed: Option<bool>,
    /// True while VALIDATE is at work.
    pub is_open: bool,
}

impl FixColumn {
    /// Name of the column: "first", "fix 1".
    pub(in crate::app::panel) fn name(&self) -> String {
        match self.fix {
            0 => "first".to_owned(),
            fix => format!("fix {fix}"),
        }
    }

    /// Returns the verdict in words: "fix 1, 0.76, not passed".
    pub(in crate::app::panel) fn words(&self) -> String {
        let total =
            self.total.map_or_else(String::new, |total| format!(", {}", number_words(total)));
        let verdict = match self.passed {
            Some(true) => ", passed",
            Some(false) => ", not passed",
            None if self.is_open => ", at work",
            None => "",
        };
        format!("{}{total}{verdict}", self.name())
    }

    /// Returns the score with this name.
    pub(in crate::app::panel) fn score(&self, name: &str) -> Option<f64> {
        self.scores.iter().find(|(known, _)| known == name).map(|(_, score)| *score)
    }

    /// Chooses the verdict.
    pub(super) fn choice(&self, run: &Run) -> Choice {
        Choice::of_attempt(run, &NodeName::new_static("VALIDATE"), self.attempt)
    }

    /// True when the verdict is chosen, or a step of the fix before it; `fix` is the fix pass of what is chosen.
    pub(super) fn is_chosen(&self, run: &Run, choice: &Choice, fix: u32) -> bool {
        choice.is_attempt(run, "VALIDATE", self.attempt)
            || choice.run == *run.id() && fix > 0 && fix == self.fix
    }
}

/// The verdicts of a run, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::app::panel) struct Fixes {
    /// A column for each verdict.
    pub columns: Vec<FixColumn>,
    /// Least total that passes, if it is known.
    pub pass_mark: Option<f64>,
    /// Latest verdict; `None` while it is not known.
    pub passed: Option<bool>,
    /// Fixes that were begun.
    pub begun: u32,
}

impl Fixes {
    /// Returns the verdicts of a run with these bars.
    pub(in crate::app::panel) fn of(run: &Run, bars: &RunBars, pass_mark: Option<f64>) -> Self {
        let Some(validate) = run.node("VALIDATE") else { return Self::default() };
        let verdicts = verdicts(run);
        let column = |index: usize| {
            let bar = bars.bars.iter().find(|bar| bar.node == "VALIDATE" && bar.attempt == index);
            let attempt = validate.history().get(index)?;
            let first = super::choice::dropped(validate);
            Some(FixColumn {
                // A verdict without times is known by its place.
                fix: bar.map_or(first + index as u32, |bar| bar.fix),
                attempt: bar.map_or(first + index as u32 + 1, |bar| number_of(run, bar)),
                total: total_score(&attempt.scores),
                scores: attempt.scores.clone(),
                passed: verdicts.get(index).and_then(|verdict| verdict.passed),
                is_open: bar.is_some_and(|bar| bar.is_open),
            })
        };
        let columns: Vec<FixColumn> = (0..validate.history().len()).filter_map(column).collect();
        let begun = run.fix_passes();
        // While a fix is under way, the verdict before it is not the last word.
        let settled = |column: &&FixColumn| run.status.is_over() || column.fix >= begun;
        let passed = columns.last().filter(settled).and_then(|column| column.passed);
        Self { columns, pass_mark, passed, begun }
    }

    /// Returns the outcome in words: "passed with fix 2 of 3".
    pub(super) fn sum_words(&self) -> String {
        let most = self.begun.max(MAX_FIX_PASSES);
        match (self.passed, self.begun) {
            (Some(true), 0) => "passed at once".to_owned(),
            (Some(true), fix) => format!("passed with fix {fix} of {most}"),
            (Some(false), 0) => "not passed".to_owned(),
            (Some(false), 1) => "not passed after 1 fix".to_owned(),
            (Some(false), fixes) => format!("not passed after {fixes} fixes"),
            (None, 0) => String::new(),
            (None, fix) => format!("fix {fix} of {most}"),
        }
    }

    /// Returns the ends of the scale: tenths around all totals and the pass mark.
    pub(in crate::app::panel) fn scale(&self) -> (f64, f64) {
        let totals = self.columns.iter().filter_map(|column| column.total);
        let known = totals.chain(self.pass_mark).filter(|score| score.is_finite());
        let (low, high) = known.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), score| {
            (low.min(score), high.max(score))
        });
        if low > high {
            return (0.0, 1.0);
        }
        if high > 1.0 || low < 0.0 {
            let room = ((high - low) * 0.1).max(high.abs().max(low.abs()) * 1e-6).max(1e-9);
            return (low - room, high + room);
        }
        let low = (((low - 0.1) * 10.0).floor() / 10.0).max(0.0);
        (low, 1.0)
    }

    /// True when a score of this name is the total.
    pub(in crate::app::panel) fn is_total(name: &str) -> bool {
        is_total_score(name)
    }

    /// Names of all scores but the total, in order.
    pub(in crate::app::panel) fn part_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        let all = self.columns.iter().flat_map(|column| column.scores.iter());
        names.extend(all.map(|(name, _)| name.as_str()).filter(|name| !Self::is_total(name)));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Returns the first column and the latest ones, so many in all, and the number of those left out.
    pub(super) fn fitting(&self, most: usize) -> (Vec<&FixColumn>, usize) {
        if self.columns.len() <= most {
            return (self.columns.iter().collect(), 0);
        }
        let latest = self.columns.len() - (most.max(2) - 1);
        let mut shown: Vec<&FixColumn> = self.columns.iter().take(1).collect();
        shown.extend(&self.columns[latest..]);
        let left_out = self.columns.len() - shown.len();
        (shown, left_out)
    }

    /// Returns by how much a score changed from the first verdict to the latest; `None` before a second one.
    pub(super) fn change_of(&self, name: &str) -> Option<f64> {
        let mut known = self.columns.iter().filter_map(|column| column.score(name));
        let first = known.next()?;
        Some(known.next_back()? - first)
    }

    /// Returns by how much the total changed.
    pub(super) fn change(&self) -> Option<f64> {
        let mut known = self.columns.iter().filter_map(|column| column.total);
        let first = known.next()?;
        Some(known.next_back()? - first)
    }

    /// Returns the latest column with scores.
    pub(in crate::app::panel) fn latest_scored(&self) -> Option<&FixColumn> {
        self.columns.iter().rfind(|column| !column.scores.is_empty())
    }
}

/// Returns the fix pass to which a step's attempt belongs; 0 for none.
pub(super) fn fix_of(run: &Run, bars: &RunBars, node: &str, attempt: u32) -> u32 {
    if run.node(node).and_then(|node| attempt_of(node, attempt)).is_none() {
        return 0;
    }
    let is_it = |bar: &&crate::timeline::Bar| bar.node == node && number_of(run, bar) == attempt;
    bars.bars.iter().find(is_it).map_or(0, |bar| bar.fix)
}
