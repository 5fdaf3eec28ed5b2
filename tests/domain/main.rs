//! The core, without an engine: what arrives is read right, whatever arrives.

mod cli;
mod dialects;
mod permutations;
mod retention;
mod rules;
mod support;
mod totality;
mod transcripts;
