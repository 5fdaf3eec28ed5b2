//! The application: Bevy plugins around the model.
//!
//! Every frame goes one way: [`ingest`] drains the source into the model, [`actions`] carries out
//! what the user asked for, [`entities`] brings the world in step with the model, and the views
//! draw. Only ingest changes the model.

pub mod actions;
pub mod clock;
pub mod entities;
pub mod focus;
pub mod ingest;
pub mod input;
pub mod panel;
pub mod theme;
mod window;
pub mod words;

use bevy::prelude::*;

/// The order of a frame, for systems of every plugin.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AppSystems {
    /// `PreUpdate`: the clock moves, the source's channel is drained into the model.
    Ingest,
    /// `Update`, first: what the user asked for is carried out, the focus follows.
    Act,
    /// `Update`: entities are brought in step with the model.
    Sync,
    /// `Update`, last: views write what is drawn.
    Draw,
}

/// Everything about the studio that needs no window and no renderer: model, source, focus,
/// entities and messages. A Bevy app of one's own embeds this one; see `examples/embed.rs`.
pub struct StudioPlugin {
    pub settings: crate::config::Settings,
    /// Where events come from.
    pub source: ingest::SourceChoice,
}

impl Plugin for StudioPlugin {
    fn build(&self, app: &mut App) {
        app.configure_sets(PreUpdate, AppSystems::Ingest)
            .configure_sets(Update, (AppSystems::Act, AppSystems::Sync, AppSystems::Draw).chain());
        app.insert_resource(ingest::Studio::new(self.settings.retention))
            .insert_resource(ingest::Link::new(&self.settings, self.source.clone()))
            .insert_resource(focus::Focus::new(self.settings.run.clone()));
        app.add_plugins((
            clock::plugin,
            ingest::plugin,
            actions::plugin,
            focus::plugin,
            entities::plugin,
        ));
    }
}

/// What a user operates: keys, side panel, help, full screen. Needs a [`StudioPlugin`],
/// bevy_egui's plugin and a camera with its primary context.
pub struct ControlsPlugin;

impl Plugin for ControlsPlugin {
    fn build(&self, app: &mut App) {
        app.add_plugins((input::plugin, panel::plugin, window::plugin));
    }
}
