//! Meterbridge: a live big-screen view of AI music-production workflows.
//!
//! Modules, from the wire inwards:
//!
//! | module | content | does not know |
//! | --- | --- | --- |
//! | [`protocol`] | wire text → [`protocol::WorkflowEvent`] | clocks, I/O, Bevy |
//! | [`model`] | events → runs, nodes, attempts, log, counters | sockets, clocks, Bevy |
//! | [`layout`] | positions of modules, tiles and cells in design pixels | the model, Bevy |
//! | [`text`] | text from outside → text that is safe to show | everything else |
//! | [`source`] | sources of events: WebSocket, backend, recording | the model, Bevy |
//! | [`demo`] | a simulated studio: seeded scenarios → events on a real WebSocket | source, model |
//! | `server` (not in the browser) | code shared by the servers of demo and hub | both |
//! | `hub` (not in the browser) | the page and the events of a backend or studio | Bevy |
//! | [`director`] | rules for what an unattended wall shows when | clocks, Bevy |
//! | [`kiosk`] | behaviour of an unattended screen: drift, dimming, watchdog | clocks, Bevy |
//! | `vitals` (not in the browser) | frame times, memory and CPU time | Bevy |
//! | [`inspect`] | a model → a report as JSON or as a table | clocks, Bevy |
//! | [`config`], `cli`, [`query`] | settings, the command line, a page's address | |
//! | `embed` (feature `app`) | the public API for embedding apps | |
//! | `app` (feature `app`) | the Bevy app: ingest, entities, views, panel, snapshots | sockets, field names |
//!
//! Data flows one way: source thread → bounded channel of batches → ingest → model → drawing. The
//! picture, and the entities for embedding apps, are derived from the model. `ARCHITECTURE.md`
//! describes the architecture and its invariants.

#[cfg(feature = "app")]
pub mod app;
#[cfg(not(target_arch = "wasm32"))]
pub mod cli;
pub mod config;
pub mod demo;
pub mod director;
#[cfg(not(target_arch = "wasm32"))]
pub mod drain;
#[cfg(feature = "app")]
pub mod embed;
#[cfg(not(target_arch = "wasm32"))]
pub mod hub;
pub mod inspect;
pub mod kiosk;
pub mod layout;
pub mod model;
pub mod protocol;
pub mod query;
mod seconds;
#[cfg(not(target_arch = "wasm32"))]
mod server;
pub mod source;
pub mod text;
#[cfg(not(target_arch = "wasm32"))]
pub mod vitals;
