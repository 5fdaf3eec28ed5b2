//! Events of the simulated studio as data: no clock, no I/O, no wire text.
//!
//! Studio time is a [`SignedDuration`](jiff::SignedDuration) since the opening (zero). Events
//! before zero have already happened when the first viewer connects. The same seed and options
//! produce the same studio, including event ids.
//!
//! Runs are of 14 weighted kinds with log-normal durations. The studio opens with six designed runs
//! that tell a story in the first two minutes: a success, a fix with a lower and a higher score, and a
//! failure with its retry. The 50 minutes before are generated backwards, so that the opening is as
//! designed for every seed.

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
pub use titles::song_by_id;
