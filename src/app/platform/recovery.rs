//! When drawing fails for good: the graphics device was lost in a reset of its driver or while the
//! machine slept, or its memory is used up.
//!
//! The engine can replace a lost device, but what others keep on it (texts, egui) does not survive
//! that in these versions, and a use of it aborts. A new start of the program is a second without a
//! picture, and sound.

use bevy::prelude::*;
use bevy::render::error_handler::{RenderError, RenderErrorHandler, RenderErrorPolicy};

/// Decides what happens when drawing fails for good.
pub struct RecoveryPlugin {
    /// Starts the program again, with the reason; `None` ends it, for whoever sits before it.
    pub restart: Option<fn(&str)>,
}

#[derive(Resource, Clone, Copy, Debug)]
struct Restart(Option<fn(&str)>);

impl Plugin for RecoveryPlugin {
    fn build(&self, app: &mut App) {
        app.insert_resource(Restart(self.restart)).insert_resource(RenderErrorHandler(handle));
    }
}

/// The engine has logged the error by now. It asks again with each frame until something is done.
fn handle(failed: &RenderError, world: &mut World, _: &mut World) -> RenderErrorPolicy {
    match world.resource::<Restart>().0 {
        Some(restart) => restart(&format!("drawing has failed ({:?})", failed.ty)),
        None => drop(world.write_message(AppExit::error())),
    }
    RenderErrorPolicy::StopRendering
}
