//! Tests of the source and the hub over the network. Transports are in memory and time is paused where
//! possible; tests of real sockets listen on a port that the system picks.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop where it fails, in its helpers too"
)]

mod access;
mod amcs;
mod backend;
mod backpressure;
mod client;
mod commands;
mod connections;
mod demo;
mod faults;
mod front;
mod gateway;
mod harm;
mod hub;
mod page;
mod playback;
mod real;
mod recorder;
mod recorder_kill;
mod recovery;
mod refetching;
mod resuming;
mod run_operations;
mod schedule;
mod secrets;
mod serve;
mod stage;
mod stand_in;
mod watching;
mod webhooks;
mod wss;
