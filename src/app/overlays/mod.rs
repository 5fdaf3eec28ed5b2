//! What lies over the views.

pub mod notices;
pub mod pill;
