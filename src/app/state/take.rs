//! The take: a finished run drawn like a recording. It is made of nothing but the run's own events and
//! durations, so equal runs have equal takes; it is no picture of the music.
//!
//! The run's time is cut into [`BARS`] equal spans, one bar each. A bar is high where a step took long and
//! where many events came:
//!
//! * A step has a level between [`QUIET`] and [`LOUD`]: by the square root of its duration as a part of the
//!   longest one's. It rises at the step's start and falls at its end, and swings once in a round
//!   number of seconds ([`SWING_SECS`]): in runs with few events these show how long a step took.
//! * An event adds to the bar of its span, and less to each bar beside it ([`DECAY`]).
//! * The highest bar is 1.

use jiff::Timestamp;

use super::clock::millis_between;
use super::run_view::FixView;
use crate::model::{FactKind, Run};

/// Number of bars.
pub const BARS: usize = 226;
/// Height of bars in which no step was at work.
const FLOOR: f32 = 0.06;
/// Levels of the shortest and of the longest step.
const QUIET: f32 = 0.12;
const LOUD: f32 = 0.62;
/// Bars over which a step rises and falls.
const ATTACK: f32 = 7.0;
/// Part of a step's level that swings.
const SWING: f32 = 0.4;
/// Least number of bars in which a step swings once.
const LEAST_SWING_BARS: f64 = 3.2;
/// Times in which a step may swing once, in seconds.
const SWING_SECS: [f64; 12] =
    [1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0];
/// Part of an event's weight that reaches the next bar.
const DECAY: f32 = 0.6;
/// Bars that an event reaches on each side.
const REACH: usize = 8;
/// Weights of an event that reports something, and of one that only starts or ends a step.
const REPORT: f32 = 1.0;
const CHANGE: f32 = 0.3;
/// Greatest height that events add.
const EVENTS: f32 = 0.38;

/// A run as bars, sections and verdicts. Places are parts of the run's time, 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Take {
    /// Heights, 0 to 1.
    pub bars: Vec<f32>,
    pub sections: Vec<Section>,
    pub verdicts: Vec<TakeVerdict>,
    /// Time from the run's start to its end, in milliseconds.
    pub total_ms: u64,
}

/// One pass through a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// "COMPOSE", "FIX 1".
    pub name: String,
    pub from: f32,
    pub to: f32,
}

/// A verdict of VALIDATE, at the end of its pass.
#[derive(Clone, Debug, PartialEq)]
pub struct TakeVerdict {
    pub from: f32,
    pub at: f32,
    pub passed: bool,
    pub score: Option<f64>,
}

impl Take {
    /// Returns the take of a run that is over; `None` when the times of its start, its end or all its steps
    /// are not known.
    pub fn of(run: &Run, fix: &FixView) -> Option<Self> {
        let from = run.started_at.unwrap_or(run.first_event_at());
        let to = run.ended_at?;
        let total_ms = millis_between(from, to);
        if total_ms == 0 {
            return None;
        }
        let place =
            |at: Timestamp| (millis_between(from, at) as f64 / total_ms as f64).min(1.0) as f32;
        let mut sections = Vec::new();
        let mut verdicts = Vec::new();
        for node in &run.nodes {
            for (pass, attempt) in node.history().iter().enumerate() {
                let Some((begun, ended)) =
                    span(attempt.started_at, attempt.ended_at, attempt.duration_ms)
                else {
                    continue;
                };
                let name = if node.name == "FIX" {
                    format!("FIX {}", pass + 1)
                } else {
                    node.name.to_string()
                };
                let section = Section { name, from: place(begun), to: place(ended) };
                let verdict = fix.verdicts.get(pass).map(|verdict| (verdict.passed, verdict.score));
                if node.name == "VALIDATE"
                    && let Some((Some(passed), score)) = verdict
                {
                    verdicts.push(TakeVerdict {
                        from: section.from,
                        at: section.to,
                        passed,
                        score,
                    });
                }
                sections.push(section);
            }
        }
        if sections.is_empty() {
            return None;
        }
        sections.sort_by(|a, b| a.from.total_cmp(&b.from).then(a.to.total_cmp(&b.to)));
        let events = run
            .recent_events()
            .filter_map(|event| Some((event.at.filter(|at| *at >= from && *at <= to)?, event.kind)))
            .map(|(at, kind)| (place(at), weight(kind)));
        Some(Self {
            bars: bars(&sections, events, swing_bars(total_ms)),
            sections,
            verdicts,
            total_ms,
        })
    }
}

/// Returns start and end of an attempt, one of which may follow from its duration.
fn span(
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    duration_ms: Option<u64>,
) -> Option<(Timestamp, Timestamp)> {
    let by = |millis: u64| i64::try_from(millis).ok().map(jiff::SignedDuration::from_millis);
    match (started_at, ended_at) {
        (Some(started), Some(ended)) => Some((started, ended)),
        (None, Some(ended)) => Some((ended.checked_sub(by(duration_ms?)?).ok()?, ended)),
        (Some(started), None) => Some((started, started.checked_add(by(duration_ms?)?).ok()?)),
        (None, None) => None,
    }
}

fn weight(kind: FactKind) -> f32 {
    match kind {
        FactKind::Progress | FactKind::Info | FactKind::Fail => REPORT,
        FactKind::Start | FactKind::End | FactKind::Created | FactKind::Cancelled => CHANGE,
    }
}

/// Number of bars in which a step swings once, in a run of this duration.
fn swing_bars(total_ms: u64) -> f32 {
    let bar_secs = total_ms as f64 / 1000.0 / BARS as f64;
    let secs = SWING_SECS.into_iter().find(|secs| *secs >= LEAST_SWING_BARS * bar_secs);
    secs.map_or(LEAST_SWING_BARS, |secs| secs / bar_secs) as f32
}

fn bars(
    sections: &[Section],
    events: impl Iterator<Item = (f32, f32)>,
    swing_bars: f32,
) -> Vec<f32> {
    let longest = sections.iter().map(|section| section.to - section.from).fold(0.0, f32::max);
    let mut heights = vec![FLOOR; BARS];
    for section in sections {
        let length = section.to - section.from;
        if length <= 0.0 {
            continue;
        }
        let level = QUIET + (LOUD - QUIET) * (length / longest).sqrt();
        let (first, last) = (section.from * BARS as f32, section.to * BARS as f32);
        for (bar, height) in heights.iter_mut().enumerate() {
            let middle = bar as f32 + 0.5;
            // A step shorter than a bar still shows in it.
            let inside = (middle > first && middle < last) || (first as usize == bar);
            if inside {
                let edge = (middle - first).min(last - middle).max(0.0) + 0.5;
                let rise = (edge / ATTACK).min(1.0).sqrt();
                let turns = (middle - first) / swing_bars;
                let swing = 1.0 - SWING * 0.5 * (1.0 - (turns * std::f32::consts::TAU).cos());
                *height = height.max(FLOOR + (level - FLOOR) * rise * swing);
            }
        }
    }
    let mut told = vec![0.0_f32; BARS];
    for (at, weight) in events {
        let centre = ((at * BARS as f32) as usize).min(BARS - 1);
        let near = told.iter_mut().enumerate().skip(centre.saturating_sub(REACH));
        for (bar, told) in near.take_while(|(bar, _)| *bar <= centre + REACH) {
            *told += weight * DECAY.powi(bar.abs_diff(centre) as i32);
        }
    }
    for (height, told) in heights.iter_mut().zip(told) {
        *height += EVENTS * told / (1.0 + told);
    }
    let highest = heights.iter().copied().fold(FLOOR, f32::max);
    heights.iter().map(|height| height / highest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(from: f32, to: f32) -> Section {
        Section { name: "STEP".to_owned(), from, to }
    }

    /// Bars of steps that do not swing.
    fn steady(sections: &[Section], events: &[(f32, f32)]) -> Vec<f32> {
        bars(sections, events.iter().copied(), f32::INFINITY)
    }

    #[track_caller]
    fn near(found: f32, expected: f32) {
        assert!((found - expected).abs() < 2e-3, "{found} instead of {expected}");
    }

    #[test]
    fn longest_step_is_the_highest_and_others_follow_the_root_of_their_duration() {
        let bars = steady(&[section(0.0, 0.25), section(0.25, 1.0)], &[]);
        assert_eq!(bars.len(), BARS);
        near(bars[150], 1.0);
        // 0.12 + 0.5 · √(1/3) = 0.4087, of 0.62.
        near(bars[28], 0.4087 / 0.62);
        // Half a bar inside the step: 0.06 + 0.56 · √(1/7) = 0.2717, of 0.62.
        near(bars[225], 0.2717 / 0.62);
    }

    #[test]
    fn event_raises_its_own_bar_most_and_those_beside_it_less() {
        let at = (100.0 + 0.5) / BARS as f32;
        let bars = steady(&[section(0.0, 1.0)], &[(at, REPORT)]);
        // 0.62 + 0.38 / 2 = 0.81; beside it 0.62 + 0.38 · 0.6 / 1.6 = 0.7625.
        near(bars[100], 1.0);
        near(bars[99], 0.7625 / 0.81);
        near(bars[101], 0.7625 / 0.81);
        near(bars[120], 0.62 / 0.81);
    }

    #[test]
    fn step_swings_once_in_a_round_number_of_seconds() {
        // 226 bars of half a second: 2 s are the first time of at least 3.2 bars.
        assert_eq!(swing_bars(113_000), 4.0);
        assert_eq!(swing_bars(226_000), 5.0);
        let bars = bars(&[section(0.0, 1.0)], std::iter::empty(), 8.0);
        let (high, low) = (bars[103], bars[99]);
        assert!(low < 0.7 * high, "{high} {low}");
        near(bars[95], high);
        near(bars[111], high);
    }

    #[test]
    fn time_without_steps_or_events_is_nearly_flat() {
        near(steady(&[section(0.0, 0.5)], &[])[200], 0.06 / 0.62);
    }

    #[test]
    fn odd_sections_give_bars_between_0_and_1() {
        let odd = [section(0.0, 0.0), section(0.9, 0.2), section(1.0, 1.0), section(0.3, 0.3001)];
        let bars = steady(&odd, &[(0.0, REPORT), (1.0, REPORT)]);
        assert!(bars.iter().all(|height| (0.0..=1.0).contains(height)), "{bars:?}");
        assert!(steady(&[], &[]).iter().all(|height| *height == 1.0));
    }
}
