//! The plugins that an app is made of, or that another app takes in.

use bevy::prelude::*;
use bevy_egui::{EguiGlobalSettings, EguiPlugin};

use super::control::{connection, keys, run_operations, zoom};
use super::draw::DrawPlugin;
use super::overlays::{notices, pill};
use super::platform::{power, window};
use super::state::{actions, clock, entities, focus, run_store, view, viewport};
use super::systems::AppSystems;
use super::views::{chrome, stage, transition, wall};
use super::{panel, theme};
use crate::config::Settings;
use crate::protocol::RunId;
use crate::source::SourceSpec;

/// Everything about the studio that needs no window and no renderer: model, source, focus,
/// entities and messages. A Bevy app of one's own embeds this one; see `examples/embed.rs`.
pub struct StudioPlugin {
    pub settings: Settings,
    /// Where events come from; `None` when the embedding app feeds [`run_store::Studio`] by itself.
    pub source: Option<SourceSpec>,
}

impl Plugin for StudioPlugin {
    fn build(&self, app: &mut App) {
        use AppSystems::{Act, Draw, Ingest, Sync, Tell};
        app.configure_sets(PreUpdate, Ingest)
            .configure_sets(Update, (Act, Sync, Draw, Tell).chain());
        let run = self.settings.view.run.as_deref().map(RunId::new);
        app.insert_resource(run_store::Studio::new(self.settings.retention))
            .insert_resource(run_store::Link::new(&self.settings, self.source.clone()))
            .insert_resource(focus::Focus::new(run))
            .insert_resource(theme::ThemeChoice(self.settings.view.theme))
            .insert_resource(view::View::named(self.settings.view.view))
            .insert_resource(run_operations::Acts::new(self.settings.allow_actions))
            .insert_resource(notices::Notices::new(self.settings.kiosk.on))
            .insert_resource(connection::SourceOptions::new(&self.settings));
        app.add_plugins((
            clock::plugin,
            run_store::plugin,
            actions::plugin,
            focus::plugin,
            run_operations::plugin,
            notices::plugin,
            entities::plugin,
        ));
        if self.source.is_some() {
            app.add_plugins(connection::plugin);
        }
    }
}

/// What is seen: the canvas with the stage or the wall, and the bridge.
pub struct ViewPlugin;

impl Plugin for ViewPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<power::NextFrame>().add_plugins((
            DrawPlugin,
            theme::plugin,
            viewport::plugin,
            transition::plugin,
            chrome::plugin,
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
            .add_plugins((keys::plugin, panel::plugin, zoom::plugin, window::plugin))
            .add_plugins((pill::press_plugin, notices::press_plugin));
    }
}
