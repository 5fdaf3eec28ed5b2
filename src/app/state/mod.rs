//! Application state: the model, and what the user or the director selected of it. Nothing here
//! draws.

pub mod actions;
mod attempts;
#[doc(hidden)]
pub mod auto;
#[doc(hidden)]
pub mod chrome;
#[doc(hidden)]
pub mod clock;
pub mod desk;
pub mod dock;
pub mod entities;
pub(crate) mod failure_life;
#[doc(hidden)]
pub mod finale;
pub(crate) mod first_start;
#[doc(hidden)]
pub mod focus;
#[doc(hidden)]
pub mod folding;
pub(crate) mod free_space;
pub(crate) mod hint_words;
pub(crate) mod hints;
#[doc(hidden)]
pub mod history;
pub(crate) mod hit;
pub(crate) mod hub_past;
pub(crate) mod hub_rewind;
mod known_history;
pub mod link;
pub mod link_health;
mod names;
pub(crate) mod next_frame;
#[doc(hidden)]
pub mod opening;
#[doc(hidden)]
pub mod presence;
pub mod refetch_rules;
#[doc(hidden)]
pub mod rewind;
mod rewound;
pub mod run_store;
#[doc(hidden)]
pub mod run_view;
#[doc(hidden)]
pub mod selection;
#[doc(hidden)]
pub mod settings;
mod song_runs;
pub(crate) mod spread;
#[doc(hidden)]
pub mod status;
pub(crate) mod step_cells;
#[doc(hidden)]
pub mod take;
#[doc(hidden)]
pub mod timeline;
#[doc(hidden)]
pub mod view;
pub mod viewport;
