//! Errors of arguments, in words that say where a value came from and what was expected.

use std::error::Error as _;
use std::ffi::OsString;

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Cli;
use crate::config::expected;

/// Names the environment variable instead of its option where the value came from there, and says what was
/// expected where the parser of the standard library does not.
pub(super) fn explained(mut error: clap::Error, arguments: &[OsString]) -> clap::Error {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let Some(flag) = option.split(' ').next().filter(|it| it.starts_with("--")) else {
        return error;
    };
    let is_given = arguments.iter().filter_map(|it| it.to_str()).any(|argument| {
        argument.strip_prefix(flag).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    });
    let name = flag[2..].replace('-', "_").to_uppercase();
    let invalid = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) => value.as_str(),
        _ => return error,
    };
    // Some variables hold several values.
    let has_invalid = |told: String| told == invalid || told.split(',').any(|it| it == invalid);
    let variables = ["METERBRIDGE_", "METERBRIDGE_SERVE_", "METERBRIDGE_DEMO_"];
    let mut variables = variables.iter().map(|prefix| format!("{prefix}{name}"));
    let from = variables.find(|name| !is_given && std::env::var(name).is_ok_and(has_invalid));
    let named = from.map_or_else(|| option.clone(), |variable| format!("{variable} (environment)"));
    let expected = error.source().map(ToString::to_string).and_then(|why| expected(&why));
    if let Some(expected) = expected {
        let words = format!("invalid value '{invalid}' for '{named}': {expected}\n");
        return Cli::command().error(ErrorKind::ValueValidation, words.trim_end());
    }
    error.insert(ContextKind::InvalidArg, ContextValue::String(named));
    error
}
