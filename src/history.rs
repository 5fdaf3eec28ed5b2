//! History: what became of runs by time, kept long after the runs themselves are dropped.
//!
//! Each execution of a run that has ended counts once, in the parts of time in which it ended by the
//! server's clock. When later events change what is known of it, the old contribution is taken back. What
//! is kept therefore does not depend on the order of arrival, on duplicates or on restarts. Parts can be
//! added: the sum of two parts is the part of all their runs.
//!
//! | part | what it does |
//! | --- | --- |
//! | `sketch` | durations as a histogram, for quantiles |
//! | `ended` | a run → its ended executions |
//! | `cause` | why runs failed, without numbers and ids |
//! | `bucket` | counts, durations, causes and fixes of the runs of one part of time |
//! | `codec` | both as bytes |
//! | `aggregates` | the parts of all levels, and what each run has contributed |
//! | `period` | hours and days of a time zone, and the period to compare with |
//! | `summary` | parts → the numbers of a period beside those of the period before |
//! | `csv`, `table` | a summary for spreadsheets and for people |
//!
//! # Levels and limits
//!
//! Five minutes are kept for three days, quarter hours for 100 days, hours for as long as the history is
//! kept. A quarter of an hour divides every offset of a time zone in use, so hours and days are exact in
//! each of them; in zones whose offset is no whole hour, days before the last 100 begin up to 45 minutes
//! off. A part of time holds at most 64 steps and 24 causes; further causes are counted together.

mod aggregates;
mod bucket;
mod cause;
mod codec;
#[cfg(feature = "cli")]
mod csv;
mod ended;
mod period;
mod sketch;
mod summary;
mod table;

pub use aggregates::{History, HistoryChanges, Level, NotedRun, Slices, Written};
pub use bucket::{Bucket, CauseCount};
pub use cause::Cause;
#[cfg(feature = "cli")]
pub use csv::{SummaryRows, write_csv};
pub use ended::{EndedRun, Outcome};
pub use period::{Last, LastError, Part, Period, PeriodError};
pub use sketch::Sketch;
pub use summary::{
    BarSummary, CauseOfBar, CauseSummary, CauseTotal, Change, EndedRuns, FixCounts,
    LEAST_TO_COMPARE, RIDGE_PARTS, Ridge, StepNumbers, StepSummary, Summary, SummaryInput, Totals,
    VERSION, summary_of,
};
pub use table::write_table;
