//! What is logged, and what is not whatever `RUST_LOG` says.

use bevy::log::tracing_subscriber::Layer;
use bevy::log::tracing_subscriber::layer::Context;
use bevy::log::{BoxedLayer, LogPlugin};
use bevy::prelude::*;
use tracing::{Level, Metadata, Subscriber};

/// The log, with what `filter` lets through unless `RUST_LOG` says otherwise.
pub(in crate::app) fn log_plugin(filter: &str) -> LogPlugin {
    LogPlugin { filter: filter.to_owned(), custom_layer: discreet, ..default() }
}

fn discreet(_: &mut App) -> Option<BoxedLayer> {
    Some(Box::new(Discreet))
}

/// Keeps what a library writes down of each frame out of the log: servers repeat credentials, and what
/// comes over a socket is free of them only once the source has read it.
struct Discreet;

impl<S: Subscriber> Layer<S> for Discreet {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let of_sockets = ["tungstenite", "tokio_tungstenite"];
        *metadata.level() <= Level::INFO
            || !of_sockets.iter().any(|library| metadata.target().starts_with(library))
    }
}
