//! Meterbridge: a live big-screen view of AI music-production workflows.
//!
//! Modules, from the wire inwards:
//!
//! | module | content | does not know |
//! | --- | --- | --- |
//! | [`protocol`] | wire text → [`protocol::WorkflowEvent`] | clocks, I/O, Bevy |
//! | [`model`] | events → runs, nodes, attempts, log, counters | sockets, clocks, Bevy |
//! | `layout` | positions of modules, tiles and cells in design pixels | the model, Bevy |
//! | `timeline` | runs as bars over time, and how two of them differ | sockets, clocks, Bevy |
//! | [`text`] | text from outside → text that is safe to show | everything else |
//! | `state_folder` | the folder for data that outlasts the program | everything else |
//! | [`time_zone`] | the time zone in which times are shown | everything else |
//! | [`source`] | sources of events: WebSocket, backend, recording | the model, Bevy |
//! | `demo` | a simulated studio: seeded scenarios → events on a real WebSocket | source, model |
//! | `server` (not in the browser) | code shared by the servers of demo and hub | both |
//! | `hub` (feature `hub`, not in the browser) | the page and the events of a backend or studio | Bevy |
//! | `director` | rules for what an unattended wall shows when | clocks, Bevy |
//! | `kiosk` | behaviour of an unattended screen: drift, dimming, watchdog | clocks, Bevy |
//! | `notify` | which news are told by notifications, when and in which words | clocks, I/O, Bevy |
//! | `vitals` (not in the browser) | frame times, memory and CPU time | Bevy |
//! | `inspect` | a model → a report as JSON or as a table | clocks, Bevy |
//! | `history` | what became of runs by hour and day, kept for long | clocks, I/O, Bevy |
//! | `record` (feature `cli`) | recording without a window | Bevy |
//! | `export`; `report` (feature `cli`) | a model → traces and CSV; a page of HTML | clocks, Bevy |
//! | [`config`] | settings | |
//! | `cli`, `query` (feature `cli`) | the command line, a page's address | |
//! | `embed` (feature `app`) | the public API for embedding apps | |
//! | `app` (feature `app`) | the Bevy app: ingest, entities, views, panel, snapshots | sockets, field names |
//!
//! An embedding app uses `embed` and the items that it refers to in [`protocol`], [`model`], [`source`]
//! and [`config`]. The other modules are public only for the program's binary, tests and benches; they
//! are hidden from the documentation (`#[doc(hidden)]`) and change without notice.
//!
//! Data flows one way: source thread → bounded channel of batches → ingest → model → drawing. The
//! picture, and the entities for embedding apps, are derived from the model. `ARCHITECTURE.md`
//! describes the architecture and its invariants.

#![warn(missing_docs)]

#[cfg(feature = "app")]
pub mod app;
mod bounded;
#[cfg(all(feature = "cli", not(target_arch = "wasm32")))]
#[doc(hidden)]
pub mod cli;
pub mod config;
#[doc(hidden)]
pub mod demo;
#[doc(hidden)]
pub mod director;
#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
pub mod drain;
#[cfg(feature = "app")]
pub mod embed;
#[cfg(any(feature = "app", feature = "cli"))]
#[doc(hidden)]
pub mod export;
#[doc(hidden)]
pub mod history;
#[cfg(all(feature = "hub", not(target_arch = "wasm32")))]
#[doc(hidden)]
pub mod hub;
#[doc(hidden)]
pub mod inspect;
#[doc(hidden)]
pub mod kiosk;
#[doc(hidden)]
pub mod layout;
pub mod model;
#[doc(hidden)]
pub mod notify;
#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
pub mod progress;
pub mod protocol;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod query;
#[cfg(all(feature = "cli", not(target_arch = "wasm32")))]
#[doc(hidden)]
pub mod record;
#[cfg(not(target_arch = "wasm32"))]
mod replace_file;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod report;
#[cfg(feature = "cli")]
mod seconds;
#[cfg(not(target_arch = "wasm32"))]
mod server;
pub mod source;
#[cfg(all(any(feature = "app", feature = "hub"), not(target_arch = "wasm32")))]
mod state_folder;
pub mod text;
pub mod time_zone;
#[doc(hidden)]
pub mod timeline;
#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
pub mod vitals;
