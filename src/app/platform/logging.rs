//! Logging setup, including what is never logged regardless of `RUST_LOG`.

use std::io::{self, IsTerminal};

use bevy::log::tracing_subscriber::Layer;
use bevy::log::tracing_subscriber::fmt;
use bevy::log::tracing_subscriber::layer::Context;
use bevy::log::{BoxedFmtLayer, BoxedLayer, LogPlugin};
use bevy::prelude::*;
use tracing::{Level, Metadata, Subscriber};

/// Returns the log plugin, with `filter` as the default of `RUST_LOG`.
pub(in crate::app) fn log_plugin(filter: &str) -> LogPlugin {
    LogPlugin {
        filter: filter.to_owned(),
        custom_layer: socket_log_layer,
        fmt_layer: stderr_layer,
        ..default()
    }
}

/// Writes to standard error, in colour only on a terminal: a journal or a file shows codes as text.
fn stderr_layer(_: &mut App) -> Option<BoxedFmtLayer> {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let in_colour = !no_color && io::stderr().is_terminal();
    Some(Box::new(fmt::Layer::default().with_ansi(in_colour).with_writer(io::stderr)))
}

fn socket_log_layer(_: &mut App) -> Option<BoxedLayer> {
    Some(Box::new(SocketLogFilter))
}

/// Suppresses frame-level log lines of the WebSocket libraries: servers may repeat credentials, and
/// text from a socket is free of them only after the source has processed it.
struct SocketLogFilter;

impl<S: Subscriber> Layer<S> for SocketLogFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let of_sockets = ["tungstenite", "tokio_tungstenite"];
        *metadata.level() <= Level::INFO
            || !of_sockets.iter().any(|library| metadata.target().starts_with(library))
    }
}
