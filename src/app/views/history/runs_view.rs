//! View model of the runs by time: a bar for each part of the period, and totals of its days, weeks or months.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::period_view::{days_words, instant, success_words, tenths_of, zoned};
use crate::app::words::{count_words, one_line};
use crate::history::{BarSummary, Summary};

/// Share of success under which it is told in the colour of failures.
const LEAST_SUCCESS: f64 = 0.94;
/// Hours of a column of 24 hours.
const HOURS: i8 = 4;

/// Runs by time.
#[derive(Clone, Debug, PartialEq)]
pub struct RunsView {
    /// "runs an hour".
    pub title: &'static str,
    /// "3,680 finished", "147 failed", "42 cancelled".
    pub legend: [String; 3],
    /// Begin and end of the axis.
    pub from: Timestamp,
    pub to: Timestamp,
    /// End of the time of which nothing is known; `None` where all is known.
    pub unknown_until: Option<Timestamp>,
    pub bars: Vec<Bar>,
    /// Most runs of a bar.
    pub most: u64,
    pub columns: Vec<Column>,
}

/// Runs that ended within a part of the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    pub from: Timestamp,
    pub to: Timestamp,
    pub finished: u64,
    pub failed: u64,
    pub cancelled: u64,
}

impl Bar {
    /// Number of all of them.
    pub fn runs(&self) -> u64 {
        self.finished + self.failed + self.cancelled
    }
}

/// Totals of a day, or of a longer or shorter part of the period.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub from: Timestamp,
    pub to: Timestamp,
    /// "Tue 17".
    pub label: String,
    /// The same in less room.
    pub short_label: String,
    /// "646 runs"; "not known" before the history begins.
    pub runs: String,
    /// The number alone.
    pub count: String,
    /// "97.5 %"; empty where no run was finished or failed.
    pub success: String,
    /// True when it is under 94 %.
    pub is_low: bool,
}

impl RunsView {
    /// Returns the runs of a period; `None` when it has no parts.
    pub fn of(summary: &Summary, zone: &TimeZone) -> Option<Self> {
        let bars: Vec<Bar> = summary.buckets.iter().filter_map(bar_of).collect();
        let (first, last) = (bars.first()?, bars.last()?);
        let (from, mut to) = (first.from, last.to);
        if summary.group == "day"
            && let Some(group) = summary.groups.last().and_then(bar_of)
        {
            // The day of now is drawn as a whole.
            to = to.max(group.to);
        }
        let since = summary.kept_since.as_deref().and_then(instant);
        let unknown_until = match since {
            Some(since) => (since > from).then_some(since.min(to)),
            None => Some(to),
        };
        let columns = columns(summary, zone, from, since);
        let title = match summary.bucket.as_str() {
            "10min" => "runs in 10 minutes",
            "hour" => "runs an hour",
            _ => "runs a day",
        };
        let ended = &summary.now.ended;
        let most = bars.iter().map(Bar::runs).max().unwrap_or(0);
        let legend = [
            format!("{} finished", count_words(ended.finished)),
            format!("{} failed", count_words(ended.failed)),
            format!("{} cancelled", count_words(ended.cancelled)),
        ];
        Some(Self { title, legend, from, to, unknown_until, bars, most, columns })
    }
}

fn bar_of(part: &BarSummary) -> Option<Bar> {
    let ended = &part.ended;
    let (from, to) = (instant(&ended.from)?, instant(&ended.to)?);
    let bar = Bar {
        from,
        to,
        finished: ended.finished,
        failed: ended.failed,
        cancelled: ended.cancelled,
    };
    (from < to).then_some(bar)
}

/// Sums up groups: 24 hours by four hours, 30 days by weeks, 90 days by months.
fn columns(
    summary: &Summary,
    zone: &TimeZone,
    from: Timestamp,
    since: Option<Timestamp>,
) -> Vec<Column> {
    let by_hours = summary.group == "hour";
    let days = summary.groups.len();
    let key = |at: Timestamp| {
        let at = at.to_zoned(zone.clone());
        match days {
            _ if by_hours => (at.date(), at.hour() / HOURS),
            ..9 => (at.date(), 0),
            9..45 => {
                let back = i64::from(at.weekday().to_monday_zero_offset());
                (at.date().checked_sub(back.days()).unwrap_or(at.date()), 0)
            }
            _ => (at.date().first_of_month(), 0),
        }
    };
    let mut sums: Vec<(_, Bar)> = Vec::new();
    for bar in summary.groups.iter().filter_map(bar_of) {
        let key = key(bar.from);
        match sums.last_mut().filter(|(known, _)| *known == key) {
            Some((_, sum)) => {
                sum.to = bar.to;
                sum.finished += bar.finished;
                sum.failed += bar.failed;
                sum.cancelled += bar.cancelled;
            }
            None => sums.push((key, bar)),
        }
    }
    let column = |(_, sum): (_, Bar)| {
        let begin = sum.from.to_zoned(zone.clone());
        let (label, short_label) = match days {
            _ if by_hours => {
                let hour = begin.hour() / HOURS * HOURS;
                (format!("{hour} to {} h", hour + HOURS), format!("{hour} h"))
            }
            ..9 => (zoned(sum.from, zone, "%a %-d"), zoned(sum.from, zone, "%-d")),
            9..45 => (days_words(sum.from, sum.to, zone), zoned(sum.from, zone, "%-d %b")),
            _ => (zoned(sum.from, zone, "%B"), zoned(sum.from, zone, "%b")),
        };
        let is_known = since.is_some_and(|since| since < sum.to);
        let judged = sum.finished + sum.failed;
        let share = (judged > 0).then_some((sum.finished, judged));
        let count = count_words(sum.runs());
        let runs = match sum.runs() {
            _ if !is_known => "not known".to_owned(),
            1 => "1 run".to_owned(),
            _ => format!("{count} runs"),
        };
        Column {
            from: sum.from.max(from),
            to: sum.to,
            label,
            short_label,
            runs,
            count: if is_known { count } else { "–".to_owned() },
            success: share.map(success_words).unwrap_or_default(),
            is_low: share.is_some_and(|(part, all)| tenths_of(part, all) < LEAST_SUCCESS * 1_000.0),
        }
    };
    sums.into_iter().map(column).collect()
}

/// Words about a part of the period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartWords {
    /// "Fri 20 Nov, 14:00 to 15:00".
    pub title: String,
    /// "19 of 57 failed: quota exceeded".
    pub words: String,
    /// The same in two lines, where there is a cause: "19 of 57 failed", "12 of them: quota exceeded".
    pub lines: Option<[String; 2]>,
}

/// Returns what is known about the part that begins at an instant.
pub fn part_words(summary: &Summary, begin: Timestamp, zone: &TimeZone) -> Option<PartWords> {
    let is_it = |part: &&BarSummary| instant(&part.ended.from) == Some(begin);
    let part = summary.buckets.iter().find(is_it)?;
    let to = instant(&part.ended.to)?;
    let title = match summary.bucket.as_str() {
        "day" => zoned(begin, zone, "%a %-d %b"),
        _ => format!("{} to {}", zoned(begin, zone, "%a %-d %b, %H:%M"), zoned(to, zone, "%H:%M")),
    };
    let ended = &part.ended;
    let runs = match ended.runs() {
        1 => "1 run".to_owned(),
        runs => format!("{} runs", count_words(runs)),
    };
    let since = summary.kept_since.as_deref().and_then(instant);
    let mut lines = None;
    let words = match () {
        () if since.is_none_or(|since| to <= since) => "not known".to_owned(),
        () if ended.runs() == 0 => "no run ended".to_owned(),
        () if ended.failed > 0 => {
            let failed =
                format!("{} of {} failed", count_words(ended.failed), count_words(ended.runs()));
            let told = part.cause.as_ref().map(|cause| {
                let reason = one_line(&cause.reason);
                match cause.count >= ended.failed {
                    true => (format!("{failed}: {reason}"), reason),
                    false => {
                        let reason = format!("{} of them: {reason}", count_words(cause.count));
                        (format!("{failed}, {reason}"), reason)
                    }
                }
            });
            match told {
                Some((words, reason)) => {
                    lines = Some([failed, reason]);
                    words
                }
                None => failed,
            }
        }
        () if ended.cancelled > 0 => {
            format!("{runs}, {} cancelled, none failed", count_words(ended.cancelled))
        }
        () => format!("{runs}, none failed"),
    };
    Some(PartWords { title, words, lines })
}
