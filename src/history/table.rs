//! A summary as tables for people.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthStr;

use super::summary::{BarSummary, Change, StepSummary, Summary};
use crate::inspect::{Style, shortened};
use crate::text::{self, count_words, duration_words};

/// Share of success under which it is told in colour.
const LEAST_SUCCESS: f64 = 0.94;

/// Number of causes that are named.
const NAMED_CAUSES: usize = 6;

/// Blocks of a trend, from little to much.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Most blocks of a trend; the last ones are shown.
const MOST_BLOCKS: usize = 31;

const RED: &str = "31";
const YELLOW: &str = "33";

/// Writes a summary for people: totals, days or hours, steps, causes and fixes. Times are those of `zone`.
pub fn write_table(
    out: &mut impl Write,
    summary: &Summary,
    zone: &TimeZone,
    style: Style,
) -> io::Result<()> {
    let mut lines = Lines { out, style };
    let period = period_words(summary, zone);
    lines.line(&format!("{period}, time zone {}", text::one_line(&summary.zone)), None)?;
    if summary.now.runs + summary.before.runs == 0 {
        let kept = match &summary.kept_since {
            Some(since) => {
                format!("The history begins at {}.", clock(since, zone, "%Y-%m-%d %H:%M"))
            }
            None => "No run has ended yet.".to_owned(),
        };
        return lines.line(&format!("No runs ended in this period. {kept}"), None);
    }
    lines.line(&totals_words(summary), None)?;
    lines.line(&durations_words(summary), None)?;
    groups(&mut lines, summary, zone)?;
    steps(&mut lines, summary)?;
    causes(&mut lines, summary)?;
    fixes(&mut lines, summary)
}

struct Lines<'a, W> {
    out: &'a mut W,
    style: Style,
}

impl<W: Write> Lines<'_, W> {
    fn line(&mut self, text: &str, colour: Option<&str>) -> io::Result<()> {
        let text = shortened(text, self.style.width.unwrap_or(usize::MAX).max(40));
        match colour.filter(|_| self.style.colours) {
            Some(code) => writeln!(self.out, "\u{1b}[{code}m{text}\u{1b}[0m"),
            None => writeln!(self.out, "{text}"),
        }
    }

    /// Writes rows under their head; columns from `numbers` on are aligned right.
    fn table(
        &mut self,
        head: &[&str],
        rows: &[(Vec<String>, Option<&str>)],
        is_right: impl Fn(usize) -> bool,
    ) -> io::Result<()> {
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|(cells, _)| cells.get(column));
            cells.map(|cell| cell.width()).chain([head[column].width()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..head.len()).map(width).collect();
        let line = |cells: &[&str]| {
            let mut line = String::new();
            for (column, cell) in cells.iter().enumerate() {
                let padding = " ".repeat(widths[column].saturating_sub(cell.width()));
                let gap = if column > 0 { "  " } else { "" };
                match is_right(column) {
                    true => line.extend([gap, &padding, cell]),
                    false => line.extend([gap, cell, &padding]),
                }
            }
            line
        };
        self.line("", None)?;
        self.line(&line(head), None)?;
        for (cells, colour) in rows {
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            self.line(&line(&cells), *colour)?;
        }
        Ok(())
    }
}

fn clock(at: &str, zone: &TimeZone, format: &str) -> String {
    let Ok(at) = at.parse::<Timestamp>() else { return text::one_line(at).into_owned() };
    at.to_zoned(zone.clone()).strftime(format).to_string()
}

fn period_words(summary: &Summary, zone: &TimeZone) -> String {
    let (from, to) = match summary.group.as_str() {
        "hour" => ("%a %d %b %H:%M", "%a %d %b %Y %H:%M"),
        _ => ("%a %d %b", "%a %d %b %Y"),
    };
    // A period that ends with a day ends before the next one.
    let last = summary.to.parse::<Timestamp>().ok().filter(|_| summary.group != "hour");
    let last = last.and_then(|at| at.checked_sub(jiff::SignedDuration::from_secs(1)).ok());
    let end = last.map_or_else(|| summary.to.clone(), |at| at.to_string());
    format!("{} to {}", clock(&summary.from, zone, from), clock(&end, zone, to))
}

fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", count_words(count), if count == 1 { "" } else { "s" })
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

/// Returns a number with its sign: `+21`, `−12`, `±0`.
fn signed(by: i64) -> String {
    match by {
        0 => "±0".to_owned(),
        1.. => format!("+{}", count_words(by.unsigned_abs())),
        _ => format!("−{}", count_words(by.unsigned_abs())),
    }
}

fn change_of(now: u64, before: u64) -> String {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    signed(number(now).saturating_sub(number(before)))
}

/// Returns a difference of durations with its sign, in seconds, from 10 s in minutes and seconds.
fn signed_duration(by_ms: i64) -> String {
    let sign = if by_ms < 0 { '−' } else { '+' };
    format!("{sign}{}", duration_words(by_ms.unsigned_abs()))
}

fn totals_words(summary: &Summary) -> String {
    let (now, before) = (&summary.now, &summary.before);
    // Nothing is known of a period before the history began.
    let change = match before.runs {
        0 => String::new(),
        _ => format!(" ({} from before)", change_of(now.runs, before.runs)),
    };
    let mut words = format!(
        "{}{change}: {} finished, {} failed, {} cancelled; {} success",
        counted(now.runs, "run"),
        count_words(now.ended.finished),
        count_words(now.ended.failed),
        count_words(now.ended.cancelled),
        percent(now.ended.success),
    );
    if let Some(change) = summary.success_change {
        let sign = if change < 0.0 { '−' } else { '+' };
        words += &format!(" ({sign}{:.1} points)", change.abs() * 100.0);
    }
    words
}

fn durations_words(summary: &Summary) -> String {
    let told = |millis: Option<u64>, change: Option<i64>| {
        let took = millis.map_or_else(|| "-".to_owned(), duration_words);
        let change = change.map(|by| format!(" ({})", signed_duration(by))).unwrap_or_default();
        format!("{took}{change}")
    };
    format!(
        "a run takes {}, slowest 5 % {}",
        told(summary.now.ended.usual_ms, summary.usual_change_ms),
        told(summary.now.ended.slow_ms, summary.slow_change_ms),
    )
}

fn groups<W: Write>(lines: &mut Lines<W>, summary: &Summary, zone: &TimeZone) -> io::Result<()> {
    let (name, format) = match summary.group.as_str() {
        "hour" => ("HOUR", "%a %d %b %H:%M"),
        _ => ("DAY", "%a %d %b"),
    };
    let cells = |bar: &BarSummary| {
        let ended = &bar.ended;
        let took = |millis: Option<u64>| millis.map_or_else(|| "-".to_owned(), duration_words);
        let cause = bar.cause.as_ref().map(|cause| {
            let step = cause.step.as_deref().map(|step| format!("{step}: ")).unwrap_or_default();
            text::one_line(&format!("{} {step}{}", count_words(cause.count), cause.reason))
                .into_owned()
        });
        let colour = ended.success.is_some_and(|share| share < LEAST_SUCCESS).then_some(RED);
        let cells = vec![
            clock(&ended.from, zone, format),
            count_words(ended.runs()),
            count_words(ended.failed),
            count_words(ended.cancelled),
            percent(ended.success),
            took(ended.usual_ms),
            took(ended.slow_ms),
            cause.unwrap_or_default(),
        ];
        (cells, colour)
    };
    let rows: Vec<_> = summary.groups.iter().map(cells).collect();
    let head = [
        name,
        "RUNS",
        "FAILED",
        "CANCELLED",
        "SUCCESS",
        "USUAL",
        "SLOWEST 5 %",
        "MOST FREQUENT CAUSE",
    ];
    lines.table(&head, &rows, |column| (1..=6).contains(&column))
}

fn steps<W: Write>(lines: &mut Lines<W>, summary: &Summary) -> io::Result<()> {
    let cells = |step: &StepSummary| {
        let is_most = summary.changed_most.as_ref() == Some(&step.step);
        let took = |millis: Option<u64>| millis.map_or_else(|| "-".to_owned(), duration_words);
        let change = match step.change {
            Change::Same => "same".to_owned(),
            Change::TooFewRuns => "too few runs".to_owned(),
            Change::Slower | Change::Faster => signed_duration(step.change_ms.unwrap_or_default()),
        };
        let mark = if is_most { "changed most" } else { "" };
        let cells = vec![
            text::one_line(&step.step).into_owned(),
            count_words(step.now.count),
            took(step.now.usual_ms),
            took(step.now.slow_ms),
            took(step.before.usual_ms),
            change,
            mark.to_owned(),
        ];
        (cells, is_most.then_some(YELLOW))
    };
    let rows: Vec<_> = summary.steps.iter().map(cells).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let head = ["STEP", "TIMES", "USUAL", "SLOWEST 5 %", "BEFORE", "CHANGE", ""];
    lines.table(&head, &rows, |column| (1..=5).contains(&column))
}

fn causes<W: Write>(lines: &mut Lines<W>, summary: &Summary) -> io::Result<()> {
    let row = |count: u64, before: u64, trend: &[u64], words: String| {
        let words = text::one_line(&words).into_owned();
        let change = match summary.before.runs {
            0 => "-".to_owned(),
            _ => change_of(count, before),
        };
        (vec![count_words(count), change, blocks(trend), words], None)
    };
    let named = summary.causes.iter().take(NAMED_CAUSES);
    let mut rows: Vec<_> = named
        .map(|cause| {
            let step = cause.step.as_deref().unwrap_or("outside a step");
            let total = &cause.total;
            row(total.count, total.before, &total.trend, format!("{step}: {}", cause.example))
        })
        .collect();
    let mut rest = summary.other_causes.clone();
    for cause in summary.causes.iter().skip(NAMED_CAUSES) {
        rest.count += cause.total.count;
        rest.before += cause.total.before;
        rest.trend.iter_mut().zip(&cause.total.trend).for_each(|(sum, count)| *sum += count);
    }
    if rest.count + rest.before > 0 {
        let kinds = summary.cause_kinds.saturating_sub(rows.len() as u64);
        let words = match kinds {
            0 => "other causes".to_owned(),
            kinds => format!("other, {}", counted(kinds, "cause")),
        };
        rows.push(row(rest.count, rest.before, &rest.trend, words));
    }
    if rows.is_empty() {
        return Ok(());
    }
    lines.table(&["FAILED", "CHANGE", "TREND", "WHY"], &rows, |column| column < 2)
}

/// Draws a trend with blocks; a dot where there was none.
fn blocks(trend: &[u64]) -> String {
    let shown = &trend[trend.len().saturating_sub(MOST_BLOCKS)..];
    let most = shown.iter().copied().max().unwrap_or(0);
    let block = |count: &u64| match (count * BLOCKS.len() as u64).checked_div(most) {
        Some(1..) => {
            let place = (count * BLOCKS.len() as u64).div_ceil(most).max(1) - 1;
            BLOCKS.get(usize::try_from(place).unwrap_or(0)).copied().unwrap_or('█')
        }
        _ if *count > 0 => BLOCKS[0],
        _ => '·',
    };
    shown.iter().map(block).collect()
}

fn fixes<W: Write>(lines: &mut Lines<W>, summary: &Summary) -> io::Result<()> {
    let Some(shares) = summary.fixes.shares() else { return Ok(()) };
    let before = summary.fixes_before.shares();
    let names = ["none", "1", "2", "3", "failed"];
    let rows: Vec<_> = names
        .into_iter()
        .enumerate()
        .map(|(place, name)| {
            let cells = vec![
                name.to_owned(),
                count_words(summary.fixes.all()[place]),
                percent(Some(shares[place])),
                percent(before.map(|before| before[place])),
            ];
            (cells, None)
        })
        .collect();
    lines.table(&["FIXES NEEDED", "SONGS", "SHARE", "BEFORE"], &rows, |column| column > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trend_is_drawn_by_its_greatest_number() {
        assert_eq!(blocks(&[0, 1, 4, 8, 800]), "·▁▁▁█");
        assert_eq!(blocks(&[1, 2, 3, 4]), "▂▄▆█");
        assert_eq!(blocks(&[0, 0]), "··");
        assert_eq!(blocks(&[7; 90]).chars().count(), 31);
    }

    #[test]
    fn differences_have_their_sign() {
        assert_eq!([21, -12, 0].map(signed), ["+21", "−12", "±0"]);
        assert_eq!([9_000, -600, 70_000].map(signed_duration), ["+9.0 s", "−0.6 s", "+1:10"]);
    }
}
