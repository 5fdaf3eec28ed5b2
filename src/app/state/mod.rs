//! Application state: the model, and what the user or the director selected of it. Nothing here
//! draws.

pub mod actions;
pub mod auto;
pub mod chrome;
pub mod clock;
pub mod entities;
pub mod focus;
pub mod free_space;
pub mod hit;
pub mod link;
pub mod next_frame;
pub mod presence;
pub mod run_store;
pub mod run_view;
pub mod selection;
pub mod status;
pub mod view;
pub mod viewport;
