//! Writes the report as a table for people.

use std::io::{self, Write};

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::{NodeReport, Report, RunReport};
use crate::model::RunStatus;
use crate::text::{self, count_words, duration_words};

/// Format of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Width of the terminal in columns: longer lines are shortened and node lines wrapped. `None`
    /// means unlimited.
    pub width: Option<usize>,
    /// True to use colours (ANSI escape sequences).
    pub colours: bool,
}

/// Smallest width used for the table, even in narrower terminals.
const LEAST_WIDTH: usize = 40;
const GAP: &str = "  ";
const SEPARATOR: &str = " · ";

/// Writes one line and the node lines for each run, and a last line with all counters.
///
/// The most important columns come first, so that narrow terminals cut off only the ids.
pub fn write_table(out: &mut impl Write, report: &Report, style: Style) -> io::Result<()> {
    let width = style.width.unwrap_or(usize::MAX).max(LEAST_WIDTH);
    let rows: Vec<[String; 6]> = report.runs.iter().map(cells).collect();
    let heads = ["STATUS", "TIME", "FIX", "EVENTS", "RUN", "SONG"];
    let widths: [usize; 6] = std::array::from_fn(|column| {
        rows.iter().map(|row| row[column].width()).chain([heads[column].width()]).max().unwrap_or(0)
    });
    if !rows.is_empty() {
        writeln!(out, "{}", shortened(&line(&heads.map(str::to_owned), &widths), width))?;
    }
    for (row, run) in rows.iter().zip(&report.runs) {
        let text = shortened(&line(row, &widths), width);
        writeln!(out, "{}", coloured(&text, run.status, style))?;
        for text in node_lines(&run.nodes, width - GAP.len()) {
            writeln!(out, "{GAP}{text}")?;
        }
        for node in &run.nodes {
            if let Some(error) = &node.error {
                let text = format!("{}: {}", one_line(&node.name), one_line(error));
                let text = shortened(&text, width - GAP.len());
                writeln!(out, "{GAP}{}", coloured(&text, "failed", style))?;
            }
        }
        if let Some(error) = &run.error {
            let text = shortened(&format!("run: {}", one_line(error)), width - GAP.len());
            writeln!(out, "{GAP}{}", coloured(&text, "failed", style))?;
        }
    }
    if !rows.is_empty() {
        writeln!(out)?;
    }
    writeln!(
        out,
        "{}, {}, {}, {}, {} malformed, {} ignored",
        counted(report.runs.len() as u64, "run"),
        counted(report.frames, "frame"),
        counted(report.events, "event"),
        counted(report.duplicates, "duplicate"),
        count_words(report.malformed),
        count_words(report.ignored),
    )
}

fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", count_words(count), if count == 1 { "" } else { "s" })
}

fn cells(run: &RunReport) -> [String; 6] {
    let known = RunStatus::ALL.into_iter().find(|status| status.as_str() == run.status);
    let mut status = known.map_or(run.status, RunStatus::words).to_owned();
    if run.executions > 1 {
        status.push_str(&format!(" (execution {})", run.executions));
    }
    if run.cancel_requested && run.status != "cancelled" {
        status.push_str(" (cancel requested)");
    }
    [
        status,
        run.duration_ms.map_or_else(|| "-".to_owned(), duration_words),
        run.fix_iterations.to_string(),
        count_words(run.events),
        one_line(&run.run_id),
        run.song_id.as_deref().map_or_else(|| "-".to_owned(), one_line),
    ]
}

/// Formats a row: texts aligned left, numbers right.
fn line(cells: &[String; 6], widths: &[usize; 6]) -> String {
    let mut text = String::new();
    for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let padding = " ".repeat(width - cell.width().min(*width));
        if column > 0 {
            text.push_str(GAP);
        }
        if !(1..=3).contains(&column) {
            text.push_str(cell);
            text.push_str(&padding);
        } else {
            text.push_str(&padding);
            text.push_str(cell);
        }
    }
    text
}

/// Returns the nodes in order, with line breaks between nodes only.
fn node_lines(nodes: &[NodeReport], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for node in nodes {
        let word = node_word(node);
        match lines.last_mut() {
            Some(line) if line.width() + SEPARATOR.width() + word.width() <= width => {
                line.push_str(SEPARATOR);
                line.push_str(&word);
            }
            _ => lines.push(shortened(&word, width)),
        }
    }
    lines
}

fn node_word(node: &NodeReport) -> String {
    let mut word = one_line(&node.name);
    match (node.status, node.duration_ms) {
        ("success", Some(millis)) => word.push_str(&format!(" {}", duration_words(millis))),
        ("success", None) => word.push_str(" done"),
        (status, Some(millis)) => word.push_str(&format!(" {status} {}", duration_words(millis))),
        (status, None) => word.push_str(&format!(" {status}")),
    }
    if node.attempts > 1 {
        word.push_str(&format!(" ×{}", node.attempts));
    }
    if node.inferred {
        word.push_str(" (inferred)");
    }
    if node.from_rest {
        word.push_str(" (REST)");
    }
    word
}

/// Makes text from the wire safe for a terminal: one line, without control characters.
pub(super) fn one_line(text: &str) -> String {
    text::single_spaced(text, usize::MAX)
}

/// Shortens text to `width` display columns, ending in `…` when something was cut off.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    let text = text.trim_end();
    if text.width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut columns = 0;
    for grapheme in text.graphemes(true) {
        columns += grapheme.width();
        if columns > width.saturating_sub(1) {
            break;
        }
        cut.push_str(grapheme);
    }
    cut.push('…');
    cut
}

fn coloured(text: &str, status: &str, style: Style) -> String {
    let code = match status {
        _ if !style.colours => return text.to_owned(),
        "running" => 36,
        "completed" => 32,
        "failed" => 31,
        "cancelled" => 33,
        _ => return text.to_owned(),
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_by_display_columns_and_stripped_of_controls() {
        assert_eq!(shortened("音楽制作", 5), "音楽…");
        assert_eq!(shortened("short", 5), "short");
        assert_eq!(one_line("a\n\tb \u{1b}[31mred"), "a b red");
    }
}
