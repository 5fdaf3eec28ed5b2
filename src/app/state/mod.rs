//! What is so: the model and what is chosen of it. Nothing here draws.

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
pub mod refetch_rules;
pub mod run_store;
pub mod run_view;
pub mod selection;
pub mod status;
pub mod view;
pub mod viewport;
