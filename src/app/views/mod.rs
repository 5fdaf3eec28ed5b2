//! What is seen of runs: the views, and what is around each.

pub mod bridge;
pub mod chrome;
pub mod stage;
pub mod transition;
pub mod wall;
