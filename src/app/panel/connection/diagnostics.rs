//! Diagnostics of the connection as a plain text for a ticket, without secrets.

use std::fmt::Write;

use super::numbers;
use super::view::{ConnectionView, state_words};
use crate::app::panel::connection_log::log_words;
use crate::app::words::updates_words;
use crate::source::{Backoff, ConnectionState, SourceSpec, redact};
use crate::text;

/// Most entries of the log, the last ones.
const MOST_ENTRIES: usize = 20;

/// Returns version, platform, source, state, settings, numbers and the last entries of the log.
pub(super) fn text(view: &ConnectionView) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a text cannot fail.
        let _ = writeln!(out, "{name}: {value}");
    };
    line("Meterbridge", env!("CARGO_PKG_VERSION"));
    line("platform", &platform_words());
    line("time", &view.now.to_string());
    line("source", &source_words(view));
    line("state", &state_line(view));
    line("settings", &settings_words(view));
    for row in numbers::rows(view) {
        line(row.name, &row.value);
    }
    if let Some((at, message)) = view.last_error {
        line("last error", &format!("{at} {}", text::one_line(message)));
    }
    let skipped = view.log.len().saturating_sub(MOST_ENTRIES);
    line("connection log", &format!("{} entries, the last {MOST_ENTRIES}", view.log.len()));
    for entry in view.log.iter().skip(skipped) {
        let words = log_words(&entry.event);
        let url = redact(&entry.url);
        let _ = writeln!(out, "  {} {url} {}", entry.at, text::one_line(&words));
    }
    out
}

fn platform_words() -> String {
    if cfg!(target_arch = "wasm32") {
        "web page".to_owned()
    } else {
        format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)
    }
}

fn source_words(view: &ConnectionView) -> String {
    let address = text::one_line(&redact(view.url)).into_owned();
    match view.source {
        None => "events of the embedding app".to_owned(),
        Some(SourceSpec::Demo) => format!("demo studio at {address}"),
        Some(SourceSpec::Recording(files)) => {
            format!("recording {}", text::name(&files.name()))
        }
        Some(SourceSpec::WebSocket(_) | SourceSpec::Api(_)) => address,
    }
}

fn state_line(view: &ConnectionView) -> String {
    let mut words = state_words(view.state);
    let reason = match view.state {
        ConnectionState::Connected { since, updates, .. } => {
            let _ = write!(words, " since {since}");
            updates_words(updates, view.zone).unwrap_or_default()
        }
        ConnectionState::Reconnecting { reason, .. } | ConnectionState::Failed { reason, .. } => {
            reason.clone()
        }
        ConnectionState::Connecting { .. } | ConnectionState::Disconnected => String::new(),
    };
    if !reason.is_empty() {
        let _ = write!(words, ": {}", text::one_line(&reason));
    }
    words
}

fn settings_words(view: &ConnectionView) -> String {
    let settings = view.settings;
    let delay = match settings.backoff {
        Backoff::Constant => format!("{} s", settings.reconnect_delay.as_secs_f64()),
        Backoff::Exponential => "1, 2, 4 … 30 s".to_owned(),
    };
    let attempts = match settings.max_reconnect_attempts {
        0 => "no limit".to_owned(),
        most => most.to_string(),
    };
    format!("retry delay {delay}, attempts {attempts}, sockets {}", settings.api.sockets())
}
