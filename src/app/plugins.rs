//! Plugins that make up the application, for its binary and for apps that embed it.

use bevy::prelude::*;
use bevy_egui::{EguiGlobalSettings, EguiPlugin, PrimaryEguiContext};

use super::control::{
    self, connection, following, fullscreen, navigation, presenting, refetching, run_operations,
    starter, zoom,
};
use super::draw::{CanvasCamera, DrawPlugin, overlay_camera};
#[cfg(not(target_arch = "wasm32"))]
use super::overlays::drop_hint;
use super::overlays::{self, notices};
use super::state::next_frame::NextFrame;
use super::state::{entities, focus, history, link, rewind, run_store, view, viewport};
use super::{panel, systems, theme, views};
use crate::config::Settings;
use crate::protocol::RunId;
use crate::source::SourceSpec;

/// Adds everything that needs no window and no renderer: model, source, focus, entities and messages.
/// An embedding Bevy app adds this one; see `examples/embed.rs`.
pub struct MeterbridgePlugin {
    /// Settings of connection, model and views.
    pub settings: Settings,
    /// Source of events; `None` when the embedding app feeds [`run_store::RunStore`] itself.
    pub source: Option<SourceSpec>,
}

impl Plugin for MeterbridgePlugin {
    fn build(&self, app: &mut App) {
        let run = self.settings.view.run.as_deref().map(RunId::new);
        crate::time_zone::set(self.settings.view.time_zone.clone());
        app.insert_resource(run_store::RunStore::new(self.settings.retention))
            .insert_resource(link::Link::new(&self.settings, self.source.clone()))
            .insert_resource(focus::Focus::new(run))
            .insert_resource(theme::ThemeChoice(self.settings.view.theme))
            .insert_resource(view::View::named(
                self.settings.view.view,
                self.settings.view.run.is_some(),
            ))
            .insert_resource(run_operations::RunOperations::new(self.settings.allow_actions))
            .insert_resource(notices::Notices::new(self.settings.kiosk.on))
            .insert_resource(rewind::Unattended::new(self.settings.kiosk.on))
            .insert_resource(starter::SourceOptions::new(&self.settings));
        app.add_plugins((
            systems::plugin,
            run_store::plugin,
            rewind::plugin,
            history::plugin,
            navigation::plugin,
            connection::plugin,
            theme::choice_plugin,
            following::plugin,
            run_operations::plugin,
            presenting::plugin,
            refetching::plugin,
            notices::plugin,
            entities::plugin,
        ));
        #[cfg(not(target_arch = "wasm32"))]
        app.add_plugins(control::file_drop::plugin)
            .insert_resource(control::recording::Recordings::new(self.settings.record.clone()));
        if self.source.is_some() {
            app.add_plugins(connection::source_plugin);
        }
    }
}

/// Adds the drawing: the canvas with stage, wall and meter bridge.
pub struct ViewPlugin;

impl Plugin for ViewPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<NextFrame>().add_plugins((
            DrawPlugin,
            theme::plugin,
            viewport::plugin,
            views::plugin,
            notices::draw_plugin,
            overlays::hints_plugin,
        ));
        #[cfg(not(target_arch = "wasm32"))]
        app.add_plugins(drop_hint::plugin);
    }
}

/// Adds the controls: keys, side panel, help, full screen. Needs a [`MeterbridgePlugin`] and the
/// cameras of [`spawn_cameras`].
pub struct ControlsPlugin;

impl Plugin for ControlsPlugin {
    fn build(&self, app: &mut App) {
        app.add_plugins(EguiPlugin::default())
            .insert_resource(EguiGlobalSettings { auto_create_primary_context: false, ..default() })
            .add_plugins((
                control::input_plugin,
                zoom::plugin,
                control::timeline::plugin,
                control::history::plugin,
                control::hover::plugin,
                fullscreen::plugin,
                panel::plugin,
            ));
    }
}

/// Spawns the canvas camera and, above it, the panel's: egui cannot draw with the canvas's camera.
pub fn spawn_cameras(mut commands: Commands) {
    commands.spawn(CanvasCamera);
    commands.spawn((overlay_camera(1), PrimaryEguiContext));
}
