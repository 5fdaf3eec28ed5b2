//! Tables of runs and of steps.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::steps::{Span, Step, executions, queue};
use super::table::{Cell, Table, TableForm, foreign, plain};
use crate::model::{Model, Run, failure_words, final_score, total_score};
use crate::protocol::Score;

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

/// Writes a table with a header line (RFC 4180), in the order of the runs' first events. Unknown values are empty.
pub fn write_csv(out: &mut impl Write, model: &Model, rows: Rows) -> io::Result<()> {
    let runs = model.runs_in_order();
    if rows == Rows::Runs {
        return write_runs(out, runs, TableForm::Csv);
    }
    let mut table = Table::begin(out, TableForm::Csv, OF_STEPS)?;
    for run in runs {
        for execution in executions(run) {
            for step in &execution.steps {
                table.row(step_cells(run, execution.number, step))?;
            }
        }
    }
    Ok(())
}

/// Writes the table of these runs, in their order. Unknown values are empty in CSV, `null` in NDJSON.
pub fn write_runs<'a>(
    out: &mut impl Write,
    runs: impl IntoIterator<Item = &'a Run>,
    form: TableForm,
) -> io::Result<()> {
    let mut table = Table::begin(out, form, OF_RUNS)?;
    runs.into_iter().try_for_each(|run| table.row(run_cells(run)))
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
