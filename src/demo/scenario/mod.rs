//! What happens in the simulated studio, as data: no clock, no I/O, no text of the wire.
//!
//! Studio time is a [`SignedDuration`](jiff::SignedDuration) from the moment the curtain rises
//! (zero). What lies before zero has already happened when the first viewer comes. The same seed
//! and options give the same studio, event ids included.
//!
//! Runs are of 14 kinds with weights, with log-normal durations. The studio opens with six acts in which a
//! completion, a fix, a failure and its retry come soon; the 50 minutes before it are written backwards, so that
//! the opening stays as it was designed whatever the seed.

mod event;
mod kind;
mod nodes;
mod schedule;
mod script;
mod song;
mod timeline;
mod titles;

pub use event::{Event, PlannedEvent, PlannedRun, Run, RunFailure, What};
pub use kind::{Failure, Scenario};
pub use nodes::{Node, PASS_SCORE, SCORE_WEIGHTS};
pub use schedule::{DemoSchedule, DemoScheduleOptions, MAX_RUNS};
pub use song::{Song, Sound};
pub use timeline::{TimedEvent, Timeline};
