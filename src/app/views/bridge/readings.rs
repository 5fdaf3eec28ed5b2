//! Readings of the four meters: value, position on a scale, and history.

use jiff::Timestamp;

use crate::app::views::counts::RunCounts;
use crate::app::views::wall::wall_index::LATELY;
use crate::app::words::clock_words;
use crate::bounded::bounded;
use crate::model::{Model, RunStatus};

const EVENTS_WINDOW_SECS: u32 = 5;
const PEAK_WINDOW_SECS: u32 = 60;
/// Number of bars in a history.
const BARS: usize = 40;
/// Time span of the histories of events and of active runs: 15 s per bar, the model's slot for active
/// runs.
const RECENT_SECS: u32 = 15 * BARS as u32;
/// Success rate below which the needle is in the danger zone, as a fraction.
const BAD_BELOW: f64 = 0.75;

/// Reading of one meter.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub label: &'static str,
    pub value: String,
    /// Note on the value, in full and in short; both empty when there is none.
    pub note: [String; 2],
    /// True when the note reports failures.
    pub alarming: bool,
    /// Needle position, 0 to 1; `None` hides the needle.
    pub needle: Option<f32>,
    /// Marked point on the scale, 0 to 1: the peak of the last minute, or p95 of run times.
    pub peak: Option<f32>,
    /// Danger zone on the scale, 0 to 1.
    pub danger: Option<(f32, f32)>,
    /// Numbers at the left, middle and right of the scale.
    pub scale: [String; 3],
    /// History, oldest bar first.
    pub bars: Vec<Bar>,
}

/// One bar of a history; heights are fractions of the tallest bar, 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bar {
    /// Height of the whole bar.
    pub height: f32,
    /// Height of its upper part, which stands for failures.
    pub failed: f32,
}

/// Histories of all meters. They cost more than the current readings, so they are computed once a
/// second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    events: Vec<u32>,
    /// Events in the busiest second of the span.
    pub(super) busiest: u32,
    active: Vec<u32>,
    outcomes: Vec<(u32, u32)>,
    /// Durations of completed runs in milliseconds, oldest first; 0 where there is none yet.
    run_times: Vec<u64>,
}

impl History {
    /// History up to `server_now`.
    pub fn of(model: &Model, server_now: Timestamp) -> Self {
        let stats = model.stats();
        let active = model.count(RunStatus::Running);
        let now = model.clock().machine_time(server_now);
        let mut run_times: Vec<u64> = stats.last_run_durations(BARS).collect();
        // Pads at the front, so that the newest bar is always at the right.
        run_times.splice(0..0, std::iter::repeat_n(0, BARS - run_times.len()));
        Self {
            events: stats.events_by(now, RECENT_SECS, BARS),
            busiest: stats.peak_events_per_second(now, RECENT_SECS),
            active: stats.active_by(server_now, active, BARS),
            outcomes: stats.outcomes_by(server_now, LATELY, BARS),
            run_times,
        }
    }
}

/// Returns the four readings, from left to right. An unknown event rate is shown as a dash.
pub(super) fn readings(
    model: &Model,
    history: &History,
    counts: &RunCounts,
    is_rate_known: bool,
    server_now: Timestamp,
) -> [Reading; 4] {
    let baseline = model.stats().run_baseline();
    [
        events(model, history, is_rate_known, server_now),
        active_runs(counts.active, history),
        success(counts, history),
        run_time(baseline.map(|baseline| (baseline.p50_ms, baseline.p95_ms)), history),
    ]
}

fn events(model: &Model, history: &History, is_rate_known: bool, server_now: Timestamp) -> Reading {
    let stats = model.stats();
    let now = model.clock().machine_time(server_now);
    let rate = stats.events_per_second(now, EVENTS_WINDOW_SECS);
    let peak = stats.peak_events_per_second(now, PEAK_WINDOW_SECS);
    let scale = scale_for(rate.max(f64::from(peak)), &[10.0, 30.0, 100.0, 300.0, 1e3, 1e4, 1e5]);
    Reading {
        label: "events/s",
        value: if is_rate_known { rate_words(rate) } else { "–".to_owned() },
        note: notes(&format!("most {}", history.busiest), "in 10 min", history.busiest > 0),
        alarming: false,
        needle: if is_rate_known { part(rate, scale) } else { Some(0.0) },
        peak: part(f64::from(peak), scale).filter(|_| peak > 0),
        danger: None,
        scale: numbers(0.0, scale, ""),
        bars: bars(history.events.iter().map(|count| (f64::from(*count), 0.0))),
    }
}

fn active_runs(active: usize, history: &History) -> Reading {
    let scale = scale_for(active as f64, &[10.0, 20.0, 50.0, 100.0, 500.0, 1e3, 1e4]);
    let most = history.active.iter().copied().max().unwrap_or(0);
    Reading {
        label: "active runs",
        value: active.to_string(),
        note: notes(&format!("most {most}"), "in 10 min", most > 0),
        alarming: false,
        needle: part(active as f64, scale),
        peak: None,
        danger: None,
        scale: numbers(0.0, scale, ""),
        bars: bars(history.active.iter().map(|count| (f64::from(*count), 0.0))),
    }
}

fn success(counts: &RunCounts, history: &History) -> Reading {
    let RunCounts { completed, failed, .. } = *counts;
    let ended = completed + failed;
    let success = (ended > 0).then(|| completed as f64 / ended as f64);
    // The scale starts at 50 %, or at 0 when the value is no higher than that.
    let from = if success.is_some_and(|part| part <= 0.5) { 0.0 } else { 0.5 };
    let both =
        |(completed, failed): &(u32, u32)| (f64::from(completed + failed), f64::from(*failed));
    let note = if failed > 0 { format!("{failed} failed") } else { format!("all of {ended}") };
    Reading {
        label: "success",
        value: success.map_or_else(|| "–".to_owned(), percent_words),
        note: notes(&note, "in 1 h", ended > 0),
        alarming: failed > 0,
        needle: success.map(|part| bounded((part - from) / (1.0 - from), 0.0, 1.0) as f32),
        peak: None,
        danger: Some((0.0, ((BAD_BELOW - from) / (1.0 - from)) as f32)),
        scale: numbers(from * 100.0, 100.0, " %"),
        bars: bars(history.outcomes.iter().map(both)),
    }
}

/// Reading of run times; `baseline` is the median and the 95th percentile, in milliseconds.
fn run_time(baseline: Option<(u64, u64)>, history: &History) -> Reading {
    let minutes = |ms: u64| ms as f64 / 60_000.0;
    // Without any run yet, the scale fits five minutes.
    let longest = baseline.map_or(5.0, |(_, p95)| minutes(p95));
    let scale = scale_for(longest, &[0.1, 1.0, 5.0, 10.0, 30.0, 60.0, 600.0]);
    let p95 = baseline.map(|(_, p95)| format!("p95 {}", clock_words(p95)));
    Reading {
        label: "p50 run",
        value: baseline.map_or_else(|| "–".to_owned(), |(p50, _)| clock_words(p50)),
        note: [p95.clone().unwrap_or_default(), p95.unwrap_or_default()],
        alarming: false,
        needle: baseline.and_then(|(p50, _)| part(minutes(p50), scale)),
        peak: baseline.and_then(|(_, p95)| part(minutes(p95), scale)),
        danger: None,
        scale: numbers(0.0, scale, " min"),
        bars: bars(history.run_times.iter().map(|millis| (*millis as f64, 0.0))),
    }
}

/// Note in full (value and period) and in short (value only); both empty unless `known`.
fn notes(what: &str, of: &str, known: bool) -> [String; 2] {
    if known { [format!("{what} {of}"), what.to_owned()] } else { Default::default() }
}

/// Bars from pairs of (all, failed); the tallest bar has height 1.
fn bars(of: impl Iterator<Item = (f64, f64)> + Clone) -> Vec<Bar> {
    let tallest = of.clone().map(|(all, _)| all).fold(0.0, f64::max);
    of.map(|(all, failed)| Bar {
        height: if tallest > 0.0 { (all / tallest) as f32 } else { 0.0 },
        failed: if tallest > 0.0 { (failed / tallest) as f32 } else { 0.0 },
    })
    .collect()
}

fn part(value: f64, scale: f64) -> Option<f32> {
    Some(bounded(value / scale, 0.0, 1.0) as f32)
}

fn scale_for(value: f64, scales: &[f64]) -> f64 {
    scales.iter().copied().find(|scale| value <= *scale).unwrap_or(1e6)
}

fn rate_words(rate: f64) -> String {
    if rate < 100.0 { format!("{rate:.1}") } else { format!("{rate:.0}") }
}

/// Formats a fraction as percent; only 1.0 becomes "100 %", so 999 of 1000 are "99.9 %".
fn percent_words(part: f64) -> String {
    let percent = part * 100.0;
    let rounded = format!("{percent:.0}");
    if part < 1.0 && rounded == "100" { "99.9 %".to_owned() } else { format!("{rounded} %") }
}

fn numbers(from: f64, to: f64, unit: &str) -> [String; 3] {
    let number = |value: f64| match value {
        value if value >= 10_000.0 => format!("{:.0}k", value / 1000.0),
        value if value.fract() == 0.0 => format!("{value:.0}"),
        value => format!("{value}"),
    };
    // The unit stands in the middle, where there is room; at the end it would leave the scale.
    [number(from), format!("{}{unit}", number((from + to) / 2.0)), number(to)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::views::wall::wall_index::WallIndex;
    use crate::model::Retention;
    use crate::protocol::Batch;
    use jiff::SignedDuration;

    fn at(second: i64) -> Timestamp {
        "2026-11-23T01:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
    }

    fn counts(model: &Model, server_now: Timestamp) -> RunCounts {
        RunCounts::of(model, &WallIndex::default(), server_now)
    }

    fn readings_of(ended: &[(&str, i64)]) -> [Reading; 4] {
        let mut model = Model::new(Retention::EVERYTHING);
        let mut batch = Batch::new(at(0), false);
        for (number, (phase, second)) in ended.iter().enumerate() {
            let at = at(*second);
            batch.push_text(&format!(
                r#"{{"ts":"{at}","run_id":"{number}","phase":"{phase}","duration_ms":125000}}"#
            ));
        }
        model.receive(batch, |_, _| ());
        readings(&model, &History::of(&model, at(3599)), &counts(&model, at(3599)), true, at(3599))
    }

    #[test]
    fn success_meter_shows_failures_of_the_last_hour() {
        let [_, _, success, run_time] =
            readings_of(&[("end", 10), ("fail", 20), ("end", 3590), ("end", 3595)]);
        assert_eq!(success.value, "75 %");
        assert_eq!(success.note, ["1 failed in 1 h", "1 failed"]);
        assert!(success.alarming);
        assert_eq!(success.bars.len(), BARS);
        assert_eq!(success.bars[0], Bar { height: 1.0, failed: 0.5 });
        assert_eq!(success.bars[BARS - 1], Bar { height: 1.0, failed: 0.0 });
        assert_eq!(success.bars[20], Bar::default());
        assert_eq!((run_time.value.as_str(), run_time.note[0].as_str()), ("2:05", "p95 2:05"));
    }

    #[test]
    fn meters_without_runs_show_no_values() {
        let [events, active, success, run_time] = readings_of(&[]);
        assert_eq!(events.value, "0.0");
        assert_eq!(active.value, "0");
        for reading in [&success, &run_time] {
            assert_eq!((reading.value.as_str(), reading.needle), ("–", None));
        }
        for reading in [events, active, success, run_time] {
            assert_eq!(reading.note, ["", ""]);
            assert!(reading.bars.iter().all(|bar| *bar == Bar::default()));
        }
    }

    #[test]
    fn event_rate_counts_live_events_only_and_is_a_dash_when_unknown() {
        let mut model = Model::new(Retention::EVERYTHING);
        for (live, id) in [(false, 1), (false, 2), (false, 3), (true, 4)] {
            let mut batch = Batch::new(at(100), live);
            batch.push_text(&format!(
                r#"{{"ts":"{}","run_id":"r","phase":"info","event_id":"{id}"}}"#,
                at(100)
            ));
            model.receive(batch, |_, _| ());
        }
        let history = History::of(&model, at(100));
        assert_eq!(history.busiest, 1);
        let counts = counts(&model, at(100));
        let [known, ..] = readings(&model, &history, &counts, true, at(100));
        assert_eq!(known.note[0], "most 1 in 10 min");
        let [unknown, ..] = readings(&model, &history, &counts, false, at(100));
        assert_eq!(unknown.value, "–");
    }

    #[test]
    fn success_just_below_one_is_not_100_percent() {
        assert_eq!(percent_words(0.9996), "99.9 %");
        assert_eq!(percent_words(1.0), "100 %");
        assert_eq!(percent_words(0.5), "50 %");
    }
}
