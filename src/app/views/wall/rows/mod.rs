//! The timing board: one row for each run, in aligned columns.
//!
//! `frame` draws what stands still (heads, rules, rows in words), `row` a run, `cells` its steps, and
//! `slab` the failures above the rows.

mod cells;
mod frame;
mod row;
mod slab;

pub use self::frame::{FrameView, draw_frame};
pub use self::row::draw_row;
pub use self::slab::SlabView;
