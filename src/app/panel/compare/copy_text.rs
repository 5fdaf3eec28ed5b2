//! A comparison as text, for a ticket or a message.

use super::times::Times;
use super::values::{ParameterRow, ScoreRow, Scores};
use super::view::CompareView;
use crate::app::panel::inspector::words::{score_change_words, time_change_words};
use crate::app::words::{clock_words, run_title};
use crate::model::Run;

/// Returns the comparison with one value on each line: name, A, B and difference, between tabs.
pub(super) fn comparison_text(
    view: &CompareView,
    names: &[String; 2],
    times: &Times,
    scores: &Scores,
    parameters: &[ParameterRow],
) -> String {
    let mut lines = Vec::new();
    lines.push(format!("Comparison: {}", run_title(view.a)));
    let of = |letter: &str, name: &str, run: Option<&Run>| {
        let id =
            run.map_or_else(String::new, |run| format!(", run {}", crate::text::name(run.id())));
        format!("{letter}: {name}{id}")
    };
    lines.push(of("A", &names[0], Some(view.a)));
    lines.push(of("B", &names[1], view.b));
    lines.push("Time\tA\tB\tdifference".to_owned());
    for row in &times.rows {
        let note = if row.note.is_empty() { String::new() } else { format!("\t{}", row.note) };
        let change = row.difference_words();
        lines.push(format!("{}\t{}\t{}\t{change}{note}", row.name, row.both[0], row.both[1]));
    }
    if let Some(gap) = times.gap_ms {
        let [a, b] = times.totals_ms.map(|ms| clock_words(ms.saturating_add(500)));
        lines.push(format!("to the end of {}\t{a}\t{b}\t{}", times.until, time_change_words(gap)));
    }
    let score = |row: &ScoreRow| {
        let change = row.difference.map(score_change_words).unwrap_or_default();
        format!("{}\t{}\t{}\t{change}", row.name, row.words(0), row.words(1))
    };
    if scores.total.both.iter().any(Option::is_some) || !scores.rows.is_empty() {
        lines.push("Score\tA\tB\tdifference".to_owned());
        lines.extend(scores.rows.iter().map(score));
        lines.push(score(&scores.total));
    }
    lines.push("Parameter\tA\tB".to_owned());
    for row in parameters {
        let sign = if row.is_marked() && view.b.is_some() { "\t≠" } else { "" };
        let (step, name) = (&row.step, &row.name);
        lines.push(format!("{step} {name}\t{}\t{}{sign}", row.words(0), row.words(1)));
    }
    lines.push(String::new());
    lines.join("\n")
}
