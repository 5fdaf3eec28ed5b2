//! A display for tests: without a window and a renderer, it draws into a canvas that tests read.

use bevy::prelude::*;
use jiff::Timestamp;

use super::draw::{Canvas, DrawClock};
use super::plugins::MeterbridgePlugin;
use super::state::clock::PlaybackClock;
use super::state::next_frame::NextFrame;
use super::state::viewport;
use super::{theme, views};
use crate::config::{Settings, ViewName};

/// Returns a display without a source that shows a view at a time that stands still.
pub(super) fn display(view: ViewName, now: Timestamp) -> App {
    let mut settings = Settings::default();
    settings.view.view = view;
    let mut app = App::new();
    app.add_plugins((MinimalPlugins, MeterbridgePlugin { settings, source: None }))
        .init_resource::<Canvas>()
        .init_resource::<NextFrame>()
        .insert_resource(DrawClock { secs: 100.0, follow_real_time: false })
        .add_plugins((theme::plugin, viewport::plugin, views::plugin))
        .insert_resource(PlaybackClock::fixed(now));
    app
}
