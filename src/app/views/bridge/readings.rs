//! Readings of the four meters: value, place on a scale, and peak.

use jiff::{SignedDuration, Timestamp};

use super::scale::{Longest, Scale, seconds_end};
use crate::app::views::counts::RunCounts;
use crate::app::words::{clock_words, count_words, span_words};
use crate::model::{Baseline, Model, RunStatus, Stats};

/// Number of full seconds that the rate of events is the mean of.
const EVENTS_WINDOW_SECS: u32 = 5;
/// Period of the peaks.
const PEAK_SECS: u32 = 600;
/// Time without events after which a source that is polled counts as one that reports none.
const RECENT_SECS: u32 = 60;
/// Parts of the period that the model knows numbers of running runs for.
const PEAK_PARTS: usize = PEAK_SECS as usize / 15;
/// Number of ended runs from which on success is a percentage.
const ENOUGH_ENDED: usize = 10;
/// Success below which the needle is in the danger zone, in percent.
const BAD_BELOW: f64 = 75.0;

/// Reading of one meter. The value and the needle come from the same rounded number.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Caption, from long to short.
    pub label: Vec<String>,
    pub value: String,
    /// Needle position, 0 to 1; `None` hides the needle.
    pub needle: Option<f32>,
    pub scale: Scale,
    /// Marked point on the scale.
    pub mark: Option<Mark>,
    /// True when the note names the mark, and then begins with its sign.
    pub is_mark_named: bool,
    /// End of the danger zone on the scale, 0 to 1; it begins at 0.
    pub danger: Option<f32>,
    /// True when the needle is in the danger zone, and enough runs ended to say so.
    pub is_hot: bool,
    /// Second line of the caption, in full and in short; both empty when there is none.
    pub note: [String; 2],
    /// True when the note reports failures.
    pub alarming: bool,
}

/// Marked point on a scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    pub kind: MarkKind,
    /// Place on the scale, 0 to 1.
    pub place: f32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// Largest value of the period.
    Peak,
    /// Limit beyond which a run is slow.
    Limit,
}

/// Peaks of the meters. They cost more than the current readings, so they are computed once a second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Events in the busiest second of the period.
    busiest: u32,
    /// First moment at which the source was polled, by this machine's clock; `None` while it is not.
    polled_since: Option<Timestamp>,
    /// True when the source is polled and an event arrived since then, within [`RECENT_SECS`].
    pub(super) reports_events: bool,
    /// Largest number of running runs in the period.
    most_running: u32,
    /// Ends of the scale of run times, in seconds.
    time_ends: Longest,
    /// Longest of `time_ends`.
    time_end: f64,
}

impl History {
    /// History up to `server_now`, which follows an earlier one.
    pub fn after(
        before: Option<Self>,
        model: &Model,
        is_polled: bool,
        server_now: Timestamp,
    ) -> Self {
        let stats = model.stats();
        let running = model.count(RunStatus::Running);
        let now = model.clock().machine_time(server_now);
        let polled_since = is_polled.then(|| match &before {
            Some(before) => before.polled_since.unwrap_or(now),
            None => Timestamp::MIN,
        });
        let mut time_ends = before.map(|before| before.time_ends).unwrap_or_default();
        let slowest = stats.run_baseline().map_or(0, slow_secs);
        let time_end = time_ends.add(server_now, seconds_end(slowest as f64));
        Self {
            busiest: stats.peak_events_per_second(now, PEAK_SECS),
            polled_since,
            reports_events: polled_since.is_some_and(|since| has_events_after(stats, since, now)),
            most_running: stats
                .active_by(server_now, running, PEAK_PARTS)
                .into_iter()
                .max()
                .unwrap_or(0),
            time_ends,
            time_end,
        }
    }
}

/// True when events arrived in a full second after `since` and within [`RECENT_SECS`] before `now`.
fn has_events_after(stats: &Stats, since: Timestamp, now: Timestamp) -> bool {
    let full_secs = now.as_second().saturating_sub(since.as_second()) - 1;
    let secs = u32::try_from(full_secs.min(i64::from(RECENT_SECS)));
    secs.is_ok_and(|secs| stats.peak_events_per_second(now, secs) > 0)
}

/// State of the connection, as far as the meters depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reception {
    /// False when events are not received: the rate is then a dash.
    pub is_rate_known: bool,
    /// True when states are polled and events are not reported.
    pub is_polled: bool,
    /// True when the source answers and has sent nothing for long, so that no run has news.
    pub is_silent: bool,
    /// False for a recording, whose time may stand still.
    pub is_live: bool,
}

/// Returns the four readings, from left to right.
pub(super) fn readings(
    model: &Model,
    history: &History,
    counts: &RunCounts,
    reception: Reception,
    server_now: Timestamp,
) -> [Reading; 4] {
    let now = model.clock().machine_time(server_now);
    let rate = model.stats().events_per_second(now, EVENTS_WINDOW_SECS);
    let most = PEAK_SECS / 60;
    let known_min = counts.watched_min.map_or(most, |minutes| minutes.min(most));
    // Runs are told of earlier times; events are counted as they arrive.
    let received_min =
        model.first_received_at().map_or(0, |since| now.duration_since(since).as_mins());
    let received_min = u32::try_from(received_min).unwrap_or(0).max(1).min(known_min);
    // A rate is that of a whole window; what is replayed after connecting does not count.
    let window = SignedDuration::from_secs(i64::from(EVENTS_WINDOW_SECS));
    let is_new = model.first_received_at().is_some_and(|since| now.duration_since(since) < window);
    let is_new = is_new && reception.is_live;
    let rate = (!is_new || rate > 0.0 || history.busiest > 0).then_some(rate);
    [
        events(rate, history, reception, received_min),
        running(counts, history, reception, known_min),
        success(counts),
        run_time(model.stats().run_baseline(), history),
    ]
}

/// Returns what a reading has in common: everything but label and note.
fn reading(label: &[&str], value: String, number: f64, scale: Scale) -> Reading {
    Reading {
        label: label.iter().map(|text| (*text).to_owned()).collect(),
        value,
        needle: Some(scale.place(number)),
        scale,
        mark: None,
        is_mark_named: false,
        danger: None,
        is_hot: false,
        note: Default::default(),
        alarming: false,
    }
}

/// Returns the rate of events; `rate` is `None` until it was measured.
fn events(rate: Option<f64>, history: &History, reception: Reception, known_min: u32) -> Reading {
    let (number, words) = rounded(rate.unwrap_or_default());
    let peak = f64::from(history.busiest).max(number.ceil());
    let scale = Scale::of_counts(peak);
    let label = &["events a second", "events/s"];
    let known = reception.is_rate_known && rate.is_some();
    let (value, number) = if known { (words, number) } else { ("–".to_owned(), 0.0) };
    let mut reading = reading(label, value, number, scale);
    if peak > 0.0 {
        reading.mark_peak(peak, known_min);
    } else if known {
        reading.note = both("none so far");
    } else if reception.is_polled {
        reading.note = ["not known when polled", "not known"].map(str::to_owned);
    } else if reception.is_rate_known {
        reading.note = both("measuring");
    }
    reading
}

fn running(counts: &RunCounts, history: &History, reception: Reception, known_min: u32) -> Reading {
    let (number, words) = rounded_count(counts.active as f64);
    let peak = f64::from(history.most_running).max(counts.active as f64);
    let mut reading =
        reading(&["running now", "running"], words, number, Scale::of_counts(peak.max(number)));
    if peak > 0.0 {
        reading.mark_peak(peak, known_min);
    }
    let is_silent = reception.is_silent || counts.silent == counts.active;
    if is_silent && counts.active > 0 {
        // The dot stays on the face; the caption says what is more important.
        reading.note = ["all without news", "no news"].map(str::to_owned);
        reading.is_mark_named = false;
    }
    reading
}

/// Reading of the runs that ended within the hour, or since the source is watched.
fn success(counts: &RunCounts) -> Reading {
    let RunCounts { completed, failed, .. } = *counts;
    let ended = completed + failed;
    let is_hour_known = counts.watched_min.is_none();
    let label: &[&str] = if is_hour_known { &["success, 1 h", "success"] } else { &["success"] };
    if ended == 0 {
        let mut reading = reading(label, "–".to_owned(), 0.0, Scale::of_percent(50.0));
        reading.needle = None;
        reading.note = ["no run ended yet", "none yet"].map(str::to_owned);
        reading.set_danger(false);
        return reading;
    }
    let percent = completed as f64 / ended as f64 * 100.0;
    let is_enough = ended >= ENOUGH_ENDED;
    let (value, number) = if is_enough {
        // 100 % and 0 % stand for all and none only.
        let whole = match percent.round() {
            100.0 if failed > 0 => 99.0,
            0.0 if completed > 0 => 1.0,
            whole => whole,
        };
        (format!("{whole} %"), whole)
    } else {
        (format!("{completed} of {ended}"), percent)
    };
    let from = if is_enough && number >= 50.0 { 50.0 } else { 0.0 };
    let mut reading = reading(label, value, number, Scale::of_percent(from));
    let [failed_words, ended_words] = [failed, ended].map(|count| count_words(count as u64));
    reading.note =
        [format!("{failed_words} of {ended_words} failed"), format!("{failed_words} failed")];
    reading.alarming = failed > 0;
    reading.set_danger(is_enough);
    reading
}

/// Reading of run times.
fn run_time(baseline: Option<Baseline>, history: &History) -> Reading {
    let label = &["usual run"];
    let end = |slow: u64| seconds_end(slow as f64).max(history.time_end);
    let Some(baseline) = baseline else {
        let mut reading = reading(label, "–".to_owned(), 0.0, Scale::of_seconds(end(0)));
        reading.needle = None;
        reading.note = ["no run finished yet", "none yet"].map(str::to_owned);
        return reading;
    };
    let (usual, slow) = (whole_secs(baseline.p50_ms), slow_secs(baseline));
    let scale = Scale::of_seconds(end(slow));
    let mut reading = reading(label, clock_words(usual * 1000), usual as f64, scale);
    let place = reading.scale.place(slow as f64);
    reading.mark = Some(Mark { kind: MarkKind::Limit, place });
    reading.is_mark_named = true;
    let slow = span_words(slow * 1000);
    // Both times are those of the last runs, of which some may be older than the header's window.
    let last = format!("usual run, last {}", baseline.samples);
    let short = format!("usual of last {}", baseline.samples);
    reading.label = vec![format!("{last} runs"), last, short, label[0].to_owned()];
    reading.note = [format!("slowest 5 %: {slow}"), format!("slow: {slow}")];
    reading
}

impl Reading {
    /// Marks a peak on the scale and names it, with the period it is the largest value of.
    fn mark_peak(&mut self, peak: f64, known_min: u32) {
        self.mark = Some(Mark { kind: MarkKind::Peak, place: self.scale.place(peak) });
        self.is_mark_named = true;
        let (_, words) = rounded_count(peak);
        self.note = [format!("peak {words} in last {known_min} min"), format!("peak {words}")];
    }

    /// Adds the danger zone, and heats it where the needle is in it.
    fn set_danger(&mut self, is_meant: bool) {
        let end = self.scale.place(BAD_BELOW);
        self.danger = Some(end);
        self.is_hot = is_meant && self.needle.is_some_and(|needle| needle < end);
    }
}

fn both(note: &str) -> [String; 2] {
    [note.to_owned(), note.to_owned()]
}

fn whole_secs(millis: u64) -> u64 {
    millis.saturating_add(500) / 1000
}

/// Limit in seconds beyond which a run is slow.
fn slow_secs(baseline: Baseline) -> u64 {
    whole_secs(baseline.p95_ms)
}

/// Rounds a rate as it is printed: with a tenth below 100.
fn rounded(rate: f64) -> (f64, String) {
    let tenths = (rate * 10.0).round() / 10.0;
    if tenths < 100.0 { (tenths, format!("{tenths:.1}")) } else { rounded_count(rate) }
}

/// Rounds a number as it is printed: whole, and from a million on in tenths of a million.
fn rounded_count(number: f64) -> (f64, String) {
    let whole = number.round();
    if whole < 1e6 {
        return (whole, count_words(whole as u64));
    }
    let tenths = (number / 1e5).round();
    (tenths * 1e5, format!("{} M", tenths / 10.0))
}

#[cfg(test)]
#[path = "readings_tests.rs"]
mod tests;

#[cfg(test)]
pub(super) use self::tests::random;
