//! Reasons why an option refuses a value, without hints about flags and `--help`.

use std::error::Error as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Returns the reason of a clap error in one line: what was expected, where that is known.
pub(crate) fn reason_of(error: &clap::Error, value: &str) -> String {
    match (error.kind(), error.get(ContextKind::ValidValue)) {
        (_, Some(ContextValue::Strings(valid))) if !valid.is_empty() => {
            format!("expected {}", valid.join(" or "))
        }
        (ErrorKind::InvalidValue, _) if value.is_empty() => "a value is missing".to_owned(),
        _ => match error.source() {
            Some(source) => {
                let why = source.to_string();
                expected(&why).map_or(why, str::to_owned)
            }
            None => error.to_string().lines().next().unwrap_or_default().to_owned(),
        },
    }
}

/// Returns what was expected, for the messages of the standard library's parsers.
pub(crate) fn expected(why: &str) -> Option<&'static str> {
    let is_number =
        ["invalid digit", "cannot parse integer", "number too large", "number too small"];
    if is_number.iter().any(|words| why.starts_with(words)) {
        return Some("expected a whole number, such as 5");
    }
    why.starts_with("invalid socket address")
        .then_some("expected an IP address and a port, such as 127.0.0.1:8080")
}
