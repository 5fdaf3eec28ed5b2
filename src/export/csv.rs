//! Tables for spreadsheets (RFC 4180).

use std::borrow::Cow;
use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::steps::{Span, Step, executions, queue};
use crate::model::{Model, Run, failure_words, final_score, total_score};
use crate::protocol::Score;
use crate::text;

/// Subject of a row of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Rows {
    /// One row for each run
    #[default]
    Runs,
    /// One row for each attempt of each step
    Steps,
}

const OF_RUNS: &[&str] = &[
    "run_id",
    "song_id",
    "song_title",
    "seed",
    "status",
    "cancel_requested",
    "executions",
    "created_at",
    "started_at",
    "ended_at",
    "queued_ms",
    "duration_ms",
    "fix_iterations",
    "score",
    "failed_step",
    "error",
    "events",
    "from_rest",
];

const OF_STEPS: &[&str] = &[
    "run_id",
    "song_id",
    "song_title",
    "execution",
    "fix_pass",
    "step",
    "attempt",
    "status",
    "started_at",
    "ended_at",
    "duration_ms",
    "score",
    "scores",
    "error",
    "from_rest",
];

/// Writes a table with a header line, in the order of the runs' first events. Unknown values are empty.
pub fn write_csv(out: &mut impl Write, model: &Model, rows: Rows) -> io::Result<()> {
    let runs = model.runs_in_order();
    if rows == Rows::Runs {
        return write_runs_csv(out, runs);
    }
    write_head(out, OF_STEPS)?;
    for run in runs {
        for execution in executions(run) {
            for step in &execution.steps {
                write_row(out, step_cells(run, execution.number, step))?;
            }
        }
    }
    Ok(())
}

/// Writes the table of these runs with a header line, in their order. Unknown values are empty.
pub fn write_runs_csv<'a>(
    out: &mut impl Write,
    runs: impl IntoIterator<Item = &'a Run>,
) -> io::Result<()> {
    write_head(out, OF_RUNS)?;
    runs.into_iter().try_for_each(|run| write_row(out, run_cells(run)))
}

fn write_head(out: &mut impl Write, names: &[&str]) -> io::Result<()> {
    write_row(out, names.iter().map(|name| Cell::Plain((*name).to_owned())))
}

/// Content of a cell.
pub(crate) enum Cell<'a> {
    /// Number, time or word of the program.
    Plain(String),
    /// Text from outside.
    Foreign(Cow<'a, str>),
}

/// Returns a number, time or word; nothing for what is not known.
pub(crate) fn plain<T: ToString>(value: Option<T>) -> Cell<'static> {
    Cell::Plain(value.map_or_else(String::new, |value| value.to_string()))
}

/// Returns a text from outside.
pub(crate) fn foreign(text: Option<&str>) -> Cell<'_> {
    Cell::Foreign(text::one_line(text.unwrap_or_default()))
}

fn number(value: Option<f64>) -> Cell<'static> {
    plain(value.filter(|value| value.is_finite()))
}

fn run_cells(run: &Run) -> [Cell<'_>; OF_RUNS.len()] {
    let queued_ms = match queue(run) {
        Some(Span::Complete { start, end }) => Some(end.duration_since(start).as_millis()),
        _ => None,
    };
    let failed = failure_words(run).and_then(|(step, _)| step);
    [
        foreign(Some(run.id())),
        foreign(run.song_id.as_deref()),
        foreign(run.song_title.as_deref()),
        plain(run.seed),
        plain(Some(run.status.as_str())),
        plain(Some(run.cancel_requested)),
        plain(Some(run.executions)),
        plain(run.created_at),
        plain(run.started_at),
        plain(run.ended_at),
        plain(queued_ms),
        plain(run.duration_ms),
        plain(Some(run.fix_iterations)),
        number(final_score(run)),
        Cell::Foreign(failed.unwrap_or_default().into()),
        foreign(run.error.as_deref()),
        plain(Some(run.events())),
        plain(Some(run.from_rest)),
    ]
}

fn step_cells<'a>(run: &'a Run, execution: u32, step: &Step<'a>) -> [Cell<'a>; OF_STEPS.len()] {
    let attempt = step.attempt;
    let at = |at: Option<Timestamp>| plain(at);
    [
        foreign(Some(run.id())),
        foreign(run.song_id.as_deref()),
        foreign(run.song_title.as_deref()),
        plain(Some(execution)),
        plain(Some(step.pass)),
        foreign(Some(&step.node.name)),
        plain(Some(step.number)),
        plain(Some(attempt.status.as_str())),
        at(attempt.started_at),
        at(attempt.ended_at),
        plain(attempt.duration_ms),
        number(total_score(&attempt.scores)),
        Cell::Foreign(scores_json(&attempt.scores).into()),
        foreign(attempt.error.as_deref()),
        plain(Some(attempt.from_rest)),
    ]
}

fn scores_json(scores: &[Score]) -> String {
    #[derive(Serialize)]
    #[serde(transparent)]
    struct Scores<'a>(#[serde(serialize_with = "super::steps::scores")] &'a [Score]);
    match scores {
        [] => String::new(),
        // An object of texts and numbers can always be written.
        scores => serde_json::to_string(&Scores(scores)).unwrap_or_default(),
    }
}

/// Writes one row.
pub(crate) fn write_row<'a>(
    out: &mut impl Write,
    cells: impl IntoIterator<Item = Cell<'a>>,
) -> io::Result<()> {
    for (column, cell) in cells.into_iter().enumerate() {
        if column > 0 {
            out.write_all(b",")?;
        }
        let text: Cow<str> = match cell {
            Cell::Plain(text) => text.into(),
            Cell::Foreign(text) => without_formula(text),
        };
        if text.contains([',', '"', '\r', '\n']) || text.starts_with(' ') || text.ends_with(' ') {
            write!(out, "\"{}\"", text.replace('"', "\"\""))?;
        } else {
            out.write_all(text.as_bytes())?;
        }
    }
    out.write_all(b"\r\n")
}

/// Puts an apostrophe before a text that a spreadsheet would take for a formula.
fn without_formula(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) {
        true => format!("'{text}").into(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: Vec<Cell>) -> String {
        let mut out = Vec::new();
        write_row(&mut out, cells).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn texts_that_look_like_formulas_get_an_apostrophe_and_numbers_do_not() {
        let cells =
            ["=1+1", " @SUM(A1)", "-5 Degrees", "a=b"].map(|text| Cell::Foreign(text.into()));
        assert_eq!(row(cells.into()), "'=1+1,' @SUM(A1),'-5 Degrees,a=b\r\n");
        assert_eq!(row(vec![plain(Some(-5))]), "-5\r\n");
    }

    #[test]
    fn commas_quotes_and_outer_blanks_are_quoted() {
        let cells = ["a,b", "say \"x\"", "end "].map(|text| Cell::Foreign(text.into()));
        assert_eq!(row(cells.into()), "\"a,b\",\"say \"\"x\"\"\",\"end \"\r\n");
    }
}
