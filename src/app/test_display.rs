//! A display for tests: without a window and a renderer, it draws into a canvas that tests read.

use bevy::prelude::*;
use jiff::Timestamp;

use super::draw::{Canvas, DrawClock};
use super::plugins::MeterbridgePlugin;
use super::state::clock::PlaybackClock;
use super::state::next_frame::NextFrame;
use super::state::viewport;
use super::{theme, views};
use crate::config::{Settings, ThemeName, ViewName};

/// All themes.
pub(super) const THEMES: [ThemeName; 3] =
    [ThemeName::Dark, ThemeName::Light, ThemeName::HighContrast];
/// Sizes in pixels, from nothing to 8K, in every proportion.
pub(super) const SIZES: [(f32, f32); 12] = [
    (1.0, 1.0),
    (1.0, 4320.0),
    (7680.0, 1.0),
    (17.0, 300.0),
    (320.0, 240.0),
    (1024.0, 768.0),
    (1200.0, 1200.0),
    (1080.0, 1350.0),
    (1080.0, 1920.0),
    (1920.0, 1080.0),
    (7680.0, 1080.0),
    (7680.0, 4320.0),
];
/// Sizes of screens.
pub(super) const SCREENS: [(f32, f32); 8] = [
    (1920.0, 1080.0),
    (1080.0, 1920.0),
    (3840.0, 2160.0),
    (1280.0, 720.0),
    (1280.0, 1024.0),
    (1200.0, 1200.0),
    (1080.0, 1350.0),
    (2560.0, 1080.0),
];

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
