//! Tests of the core, without an engine: every input is read correctly.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod as_of;
mod cases;
mod cli;
mod clocks;
mod decoding_cases;
mod dialects;
mod estimates;
mod events;
mod export;
mod history;
mod history_summary;
mod hostile_text;
mod hub;
mod identity;
mod inspect;
mod layers;
mod past;
mod permutations;
mod report;
mod rest;
mod retention;
mod rules;
mod settings;
mod settings_file;
mod skew;
mod stories;
mod support;
mod totality;
mod transcripts;
