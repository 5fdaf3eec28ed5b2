//! Who decides: what was asked for is carried out here.

pub mod connection;
pub mod director;
pub mod hands;
pub mod keys;
pub mod run_operations;
pub mod zoom;
