//! View model of the time in each step, against the period before.

use super::period_view::duration_change_words;
use crate::app::words::{count_words, duration_words};
use crate::history::{Change, Ridge, StepSummary, Summary};
use crate::text;

/// Time in each step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepsView {
    pub rows: Vec<StepRow>,
    /// Number of further steps that have no room.
    pub more: usize,
}

/// Time in a step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRow {
    /// Name as it was told, by which it is chosen.
    pub step: String,
    pub name: String,
    /// "0:57"; a dash where it is not known.
    pub usual: String,
    /// "+9 s", "same", "too few runs".
    pub change: String,
    /// True for a change of at least 2 %.
    pub is_changed: bool,
    /// True for the step that changed by most seconds.
    pub is_most: bool,
    /// Curves of this period and of the period before, with the greatest height 1; empty where nothing is
    /// known. Both begin and end with the scale.
    pub now: Vec<f32>,
    pub before: Vec<f32>,
}

impl StepsView {
    /// Steps of a period, as many as there is room for; the one that changed most is among them.
    pub fn of(summary: &Summary, room: usize) -> Self {
        let is_most = |step: &StepSummary| summary.changed_most.as_ref() == Some(&step.step);
        let mut shown: Vec<&StepSummary> = summary.steps.iter().collect();
        let room = room.max(1);
        if shown.len() > room {
            let most = shown.iter().position(|step| is_most(step)).filter(|place| *place >= room);
            let most = most.map(|place| shown[place]);
            shown.truncate(room - usize::from(most.is_some()).min(room));
            shown.extend(most);
        }
        let more = summary.steps.len() - shown.len();
        Self { rows: shown.into_iter().map(|step| row(step, is_most(step))).collect(), more }
    }
}

fn row(step: &StepSummary, is_most: bool) -> StepRow {
    let change = match step.change {
        Change::Same => "same".to_owned(),
        Change::TooFewRuns => "too few runs".to_owned(),
        Change::Slower | Change::Faster => {
            duration_change_words(step.change_ms.unwrap_or_default())
        }
    };
    // Without enough runs on both sides a curve would say what is not known.
    let is_known = step.change != Change::TooFewRuns;
    let (now, before) =
        step.ridge.as_ref().map(|ridge| curves(ridge, is_known)).unwrap_or_default();
    StepRow {
        step: step.step.clone(),
        name: text::name(&step.step).into_owned(),
        usual: step.now.usual_ms.map_or_else(|| "–".to_owned(), duration_words),
        change,
        is_changed: matches!(step.change, Change::Slower | Change::Faster),
        is_most,
        now: if step.now.count > 0 { now } else { Vec::new() },
        before,
    }
}

/// Smooth curves of a ridge, drawn to one scale; of this period alone where the one before is not known.
fn curves(ridge: &Ridge, is_before_known: bool) -> (Vec<f32>, Vec<f32>) {
    let now = smooth(&ridge.now);
    let before = if is_before_known { smooth(&ridge.before) } else { Vec::new() };
    let most = now.iter().chain(&before).copied().fold(0.0_f32, f32::max);
    let scaled = |curve: Vec<f32>| -> Vec<f32> {
        if most <= 0.0 || !most.is_finite() {
            return Vec::new();
        }
        curve.into_iter().map(|height| height / most).collect()
    };
    (scaled(now), scaled(before))
}

/// Mean of each part and those beside it, by a bell curve.
fn smooth(shares: &[f64]) -> Vec<f32> {
    const BELL: [f64; 4] = [0.30, 0.22, 0.10, 0.03];
    let place = |at: usize| {
        let near = |by: isize| at.checked_add_signed(by).and_then(|at| shares.get(at));
        let sum = (-3..=3).map(|by: isize| {
            let share = near(by).copied().filter(|share| share.is_finite()).unwrap_or(0.0);
            share.max(0.0) * BELL[by.unsigned_abs()]
        });
        sum.sum::<f64>() as f32
    };
    (0..shares.len()).map(place).collect()
}

/// Place of the usual duration of the period before on the scale of a ridge, from 0 to 1.
pub fn usual_place() -> f32 {
    // Half to two and a half times of it, on a logarithmic scale.
    (2.0_f32).ln() / (5.0_f32).ln()
}

/// Words about a step.
pub fn step_words(summary: &Summary, name: &str) -> Option<String> {
    let step = summary.steps.iter().find(|step| step.step == name)?;
    let took = |millis: Option<u64>| millis.map_or_else(|| "–".to_owned(), duration_words);
    let mut words = vec![format!("usual {}", took(step.now.usual_ms))];
    if step.before.usual_ms.is_some() {
        words.push(format!("before {}", took(step.before.usual_ms)));
    }
    words.push(format!("slowest 5 % {}", took(step.now.slow_ms)));
    words.push(match step.now.count {
        1 => "once".to_owned(),
        count => format!("{} times", count_words(count)),
    });
    Some(words.join(", "))
}
