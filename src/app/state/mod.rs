//! What is so: the model and what is chosen of it. Nothing here draws.

pub mod actions;
pub mod clock;
pub mod entities;
pub mod focus;
pub mod hit;
pub mod run_store;
pub mod view;
pub mod viewport;
