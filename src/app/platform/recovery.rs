//! Handling of permanent drawing failures: the graphics device was lost in a driver reset or during
//! suspend, or graphics memory is exhausted.
//!
//! The engine can replace a lost device, but objects that other libraries keep on it (text, egui)
//! do not survive that in the current versions, and their use aborts the program. Restarting the
//! program is reliable and costs about a second without a picture.

use bevy::prelude::*;
use bevy::render::error_handler::{RenderError, RenderErrorHandler, RenderErrorPolicy};

/// Decides what happens after a permanent drawing failure.
pub struct RecoveryPlugin {
    /// Restarts the program, given the reason; `None` ends the program with an error instead.
    pub restart: Option<fn(&str)>,
}

#[derive(Resource, Clone, Copy, Debug)]
struct Restart(Option<fn(&str)>);

impl Plugin for RecoveryPlugin {
    fn build(&self, app: &mut App) {
        app.insert_resource(Restart(self.restart)).insert_resource(RenderErrorHandler(handle));
    }
}

/// Handles an error that the engine has already logged. Called again each frame until the program
/// ends.
fn handle(failed: &RenderError, world: &mut World, _: &mut World) -> RenderErrorPolicy {
    match world.resource::<Restart>().0 {
        Some(restart) => restart(&format!("drawing has failed ({:?})", failed.ty)),
        None => drop(world.write_message(AppExit::error())),
    }
    RenderErrorPolicy::StopRendering
}
