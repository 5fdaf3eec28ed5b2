//! `meterbridge export`: writes the runs of a model for other programs.
//!
//! | part | what it does |
//! | --- | --- |
//! | `steps` | a run → its executions, and their attempts with pass and place in time |
//! | `perfetto` | Chrome's trace event format, for ui.perfetto.dev |
//! | `otlp` | OpenTelemetry's JSON, for viewers of traces |
//! | `csv`, `table` | tables of runs and steps; their rows as CSV or NDJSON |
//!
//! An end that is not known is not made up: each format says how it writes what has none.

mod csv;
mod otlp;
mod perfetto;
mod steps;
mod table;

pub use csv::{Rows, write_csv, write_runs};
pub use otlp::write_otlp;
pub use perfetto::write_perfetto;
pub use table::TableForm;
#[cfg(any(feature = "app", feature = "cli"))]
pub(crate) use table::{Cell, Table, foreign, plain};

/// Numbers of attempts and runs that a format cannot hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Runs and attempts that have not ended.
    pub open: u64,
    /// Attempts without any known time.
    pub untimed: u64,
}
