//! The meter bridge of the studio: a live big-screen view of AI music-production workflows.
//!
//! The crate is read from the wire inwards:
//!
//! | module | what it is | what it does not know |
//! | --- | --- | --- |
//! | [`protocol`] | wire text → [`protocol::WorkflowEvent`] | clocks, I/O, Bevy |
//! | [`model`] | events → runs, nodes, attempts, log, counters | sockets, clocks, Bevy |
//! | `layout` | a row of modules → where they and the fix loop stand | the model, Bevy |
//! | [`text`] | text from outside → text that can be shown | everything |
//! | [`source`] | where events come from: WebSocket, recording | the model, Bevy |
//! | `demo` | a simulated studio: seeded scenarios → events on a real WebSocket | source, model |
//! | `server` (not in the browser) | what the servers of demo and hub have in common | both |
//! | `hub` (feature `hub`, not in the browser) | the page and the studio's events behind one address | source, model |
//! | `director` | which picture an unattended wall shows when | clocks, Bevy |
//! | `kiosk` | what a screen does that nobody operates: rest, dim, drift, restart | clocks, Bevy |
//! | `vitals` (not in the browser) | how long frames take, how much memory there is | Bevy |
//! | `inspect` | a model → a report as JSON or as a table | clocks, Bevy |
//! | [`config`] | settings | |
//! | `cli`, `query` (feature `cli`) | the command line, a page's address | |
//! | `embed` (feature `app`) | what an app that embeds Meterbridge works with | |
//! | `app` (feature `app`) | Bevy: ingest, entities, stage, meters, panel, snapshots | sockets, field names |
//!
//! An app that embeds Meterbridge works with `embed`, and with what that leads to in [`protocol`], [`model`], [`source`]
//! and [`config`]. The other modules are the program's own: they are public for its binary, its tests and its
//! benches, are left out of the documentation (`#[doc(hidden)]`), and change without notice.
//!
//! Data flows one way: source thread → bounded channel of batches → ingest → model → drawing. What
//! is drawn is derived from the model, as are the entities that an embedding app may look at.
//! `ARCHITECTURE.md` has the whole picture and the invariants.

#![warn(missing_docs)]

#[cfg(feature = "app")]
pub mod app;
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
pub mod protocol;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod query;
#[cfg(feature = "cli")]
mod seconds;
#[cfg(not(target_arch = "wasm32"))]
mod server;
pub mod source;
pub mod text;
#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
pub mod vitals;
