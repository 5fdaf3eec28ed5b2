//! The application: Bevy plugins around the model.
//!
//! Every frame goes one way: [`ingest`] drains the source into the model, [`actions`] carries out
//! what the user asked for, [`entities`] brings the world in step with the model, and the views
//! draw. Only ingest changes the model; a snapshot of a recording brings a finished one along.

pub mod actions;
pub mod acts;
mod bridge;
#[cfg(target_arch = "wasm32")]
mod browser;
pub mod clock;
pub mod director;
pub mod draw;
pub mod entities;
pub mod focus;
mod frame;
mod glyphs;
mod hands;
pub mod ingest;
pub mod input;
pub mod kiosk;
#[cfg(not(target_arch = "wasm32"))]
mod logging;
pub mod notices;
pub mod panel;
mod pointer;
mod power;
#[cfg(not(target_arch = "wasm32"))]
pub mod recovery;
#[cfg(not(target_arch = "wasm32"))]
mod screens;
#[cfg(not(target_arch = "wasm32"))]
mod snapshot;
mod source;
pub mod stage;
pub mod theme;
mod transition;
pub mod view;
pub mod viewport;
#[cfg(not(target_arch = "wasm32"))]
mod vitals;
pub mod wall;
mod window;
pub mod words;

#[cfg(not(target_arch = "wasm32"))]
pub use snapshot::{SnapshotError, snapshot};
#[cfg(not(target_arch = "wasm32"))]
pub use window::{WindowError, run};

use bevy::prelude::*;
use bevy_egui::{EguiGlobalSettings, EguiPlugin};

use crate::config::Settings;
use crate::protocol::RunId;
use crate::source::SourceSpec;

/// The order of a frame, for systems of every plugin.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AppSystems {
    /// `PreUpdate`: the clock moves, the source's channel is drained into the model.
    Ingest,
    /// `Update`, first: what the user asked for is carried out, the focus follows.
    Act,
    /// `Update`: entities are brought in step with the model.
    Sync,
    /// `Update`: views write what is drawn.
    Draw,
    /// `Update`, last: what happened is told over them.
    Tell,
}

/// Everything about the studio that needs no window and no renderer: model, source, focus,
/// entities and messages. A Bevy app of one's own embeds this one; see `examples/embed.rs`.
pub struct StudioPlugin {
    pub settings: Settings,
    /// Where events come from; `None` when the embedding app feeds [`ingest::Studio`] by itself.
    pub source: Option<SourceSpec>,
}

impl Plugin for StudioPlugin {
    fn build(&self, app: &mut App) {
        use AppSystems::{Act, Draw, Ingest, Sync, Tell};
        app.configure_sets(PreUpdate, Ingest)
            .configure_sets(Update, (Act, Sync, Draw, Tell).chain());
        let run = self.settings.view.run.as_deref().map(RunId::new);
        app.insert_resource(ingest::Studio::new(self.settings.retention))
            .insert_resource(ingest::Link::new(&self.settings, self.source.clone()))
            .insert_resource(focus::Focus::new(run))
            .insert_resource(theme::ThemeChoice(self.settings.view.theme))
            .insert_resource(view::View::named(self.settings.view.view))
            .insert_resource(acts::Acts::new(self.settings.allow_actions))
            .insert_resource(notices::Notices::new(self.settings.kiosk.on))
            .insert_resource(source::SourceOptions::new(&self.settings));
        app.add_plugins((
            clock::plugin,
            ingest::plugin,
            actions::plugin,
            focus::plugin,
            acts::plugin,
            notices::plugin,
            entities::plugin,
        ));
        if self.source.is_some() {
            app.add_plugins(source::plugin);
        }
    }
}

/// What is seen: the canvas with the stage or the wall, and the bridge.
pub struct ViewPlugin;

impl Plugin for ViewPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<power::NextFrame>().add_plugins((
            draw::DrawPlugin,
            theme::plugin,
            viewport::plugin,
            transition::plugin,
            frame::plugin,
            stage::plugin,
            wall::plugin,
            notices::draw_plugin,
        ));
    }
}

/// What a user operates: keys, side panel, help, full screen. Needs a [`StudioPlugin`] and the
/// cameras of [`viewport::spawn_cameras`].
pub struct ControlsPlugin;

impl Plugin for ControlsPlugin {
    fn build(&self, app: &mut App) {
        app.add_plugins(EguiPlugin::default())
            .insert_resource(EguiGlobalSettings { auto_create_primary_context: false, ..default() })
            .add_plugins((input::plugin, panel::plugin, pointer::plugin, window::plugin))
            .add_plugins((director::press_plugin, notices::press_plugin));
    }
}
