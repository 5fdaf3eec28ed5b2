//! Runs as bars over time: what is known of each step's start and end, which steps make a run as long as
//! it is, which stretches are idle, and how two runs of a song differ. Positions and colours are added by
//! `layout` and `app`.
//!
//! Instants come from events where there are any. Where one is missing it is bounded by what is known, and
//! the bar says so ([`Bar::from_known`], [`Bar::to_known`]).

mod axis;
mod bars;
mod path;
mod race;
#[cfg(test)]
mod tests;

pub use axis::{Axis, Piece, idle_stretches};
pub use bars::{Bar, RunBars, Span, UsualBar, span_of, usual_to_come};
pub use path::{Leg, critical_path, time_by_node};
pub use race::{BETWEEN, Column, Lap, Opponent, Race};
