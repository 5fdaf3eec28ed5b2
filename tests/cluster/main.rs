//! Tests of several hubs as one, with real NATS servers (Debian's `nats-server`) and hubs as processes on
//! loopback: whatever fails, all screens show what is true at the stand-in backend, which never has more
//! than one viewer.
//!
//! `METERBRIDGE_CLUSTER_ROUNDS` sets the number of rounds of random faults (default 1).

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop where it fails, in its helpers too"
)]

#[path = "../net/backend/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests of the source use the rest")]
mod backend;
mod faults;
mod hubs;
mod journal;
mod nats;
mod proxy;
mod scene;
mod screen;
