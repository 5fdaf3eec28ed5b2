//! A summary as a table for spreadsheets (RFC 4180).

use std::io::{self, Write};

use super::summary::{BarSummary, Summary};
use crate::export::{Cell, Table, TableForm, foreign, plain};

/// Subject of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum SummaryRows {
    /// One row for each part of the period
    #[default]
    Buckets,
    /// One row for each step
    Steps,
    /// One row for each cause of failures
    Causes,
}

const OF_BUCKETS: &[&str] = &[
    "from",
    "to",
    "runs",
    "finished",
    "failed",
    "cancelled",
    "success",
    "usual_ms",
    "slow_ms",
    "cause_step",
    "cause",
    "cause_count",
];

const OF_STEPS: &[&str] = &[
    "step",
    "count",
    "usual_ms",
    "slow_ms",
    "before_count",
    "before_usual_ms",
    "before_slow_ms",
    "change_ms",
];

const OF_CAUSES: &[&str] = &["step", "reason", "example", "count", "before"];

/// Writes a table with a header line. Unknown values are empty.
pub fn write_csv(out: &mut impl Write, summary: &Summary, rows: SummaryRows) -> io::Result<()> {
    let head = match rows {
        SummaryRows::Buckets => OF_BUCKETS,
        SummaryRows::Steps => OF_STEPS,
        SummaryRows::Causes => OF_CAUSES,
    };
    let mut table = Table::begin(out, TableForm::Csv, head)?;
    match rows {
        SummaryRows::Buckets => {
            summary.buckets.iter().try_for_each(|bar| table.row(bucket_cells(bar)))
        }
        SummaryRows::Steps => summary.steps.iter().try_for_each(|step| {
            let cells = [
                foreign(Some(&step.step)),
                plain(Some(step.now.count)),
                plain(step.now.usual_ms),
                plain(step.now.slow_ms),
                plain(Some(step.before.count)),
                plain(step.before.usual_ms),
                plain(step.before.slow_ms),
                plain(step.change_ms),
            ];
            table.row(cells)
        }),
        SummaryRows::Causes => summary.causes.iter().try_for_each(|cause| {
            let cells = [
                foreign(cause.step.as_deref()),
                foreign(Some(&cause.reason)),
                foreign(Some(&cause.example)),
                plain(Some(cause.total.count)),
                plain(Some(cause.total.before)),
            ];
            table.row(cells)
        }),
    }
}

fn bucket_cells(bar: &BarSummary) -> [Cell<'_>; OF_BUCKETS.len()] {
    let (ended, cause) = (&bar.ended, bar.cause.as_ref());
    [
        foreign(Some(&ended.from)),
        foreign(Some(&ended.to)),
        plain(Some(ended.runs())),
        plain(Some(ended.finished)),
        plain(Some(ended.failed)),
        plain(Some(ended.cancelled)),
        plain(ended.success.map(|share| format!("{share:.4}"))),
        plain(ended.usual_ms),
        plain(ended.slow_ms),
        foreign(cause.and_then(|cause| cause.step.as_deref())),
        foreign(cause.map(|cause| cause.reason.as_str())),
        plain(cause.map(|cause| cause.count)),
    ]
}
