//! The meter bridge of the studio: a live big-screen view of AI music-production workflows.
//!
//! The crate is read from the wire inwards:
//!
//! | module | what it is | what it does not know |
//! | --- | --- | --- |
//! | [`protocol`] | wire text → [`protocol::WorkflowEvent`] | clocks, I/O, Bevy |
//! | [`model`] | events → runs, nodes, attempts, log, counters | sockets, clocks, Bevy |
//! | [`layout`] | a pipeline → positions of modules and cables | the model, Bevy |
//! | [`source`] | where events come from: WebSocket, recording, demo | Bevy, what is drawn |
//! | [`demo`] | a simulated studio: seeded scenarios → events on a real WebSocket | the model |
//! | [`config`], [`cli`] | settings and the command line | |
//! | `app` (feature `app`) | Bevy: ingest, entities, stage, meters, panel, snapshots | sockets, JSON |
//!
//! Data flows one way: source thread → bounded channel of batches → ingest → model → entities →
//! drawing. What is drawn is derived from the model and can be rebuilt at any moment.
//! `ARCHITECTURE.md` has the whole picture and the invariants.

#[cfg(feature = "app")]
pub mod app;
pub mod cli;
pub mod config;
pub mod demo;
pub mod inspect;
pub mod layout;
pub mod model;
pub mod protocol;
pub mod source;
