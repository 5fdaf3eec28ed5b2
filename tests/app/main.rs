//! Tests of the application without a window: the ECS world that mirrors the model, and drawn pictures.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop where it fails, in its helpers too"
)]

mod alike;
mod ambiguity;
#[expect(dead_code, unused_imports, reason = "the tests of the core use the rest")]
#[path = "../net/backend/mod.rs"]
mod backend;
mod cli;
mod clip;
mod demo;
mod desk;
mod director;
mod dvr;
mod fed_hub;
mod focus;
mod hub_past;
mod kiosk;
mod link;
mod lost_device;
mod opening;
mod picture;
mod pixels;
mod refetching;
mod run_operations;
mod run_operations_pixels;
mod scenes;
mod secrets;
mod seen;
mod stage_words;
mod support;
mod tape;
mod timeline;
mod transition;
mod wall;
mod wall_pixels;
mod wall_scenes;
mod world;
