//! Control: turns keys and clicks into actions, and performs them.

pub mod confirmation;
pub mod connection;
pub mod director;
#[cfg(not(target_arch = "wasm32"))]
mod file_dialog;
#[cfg(not(target_arch = "wasm32"))]
pub mod file_drop;
pub mod following;
pub mod fullscreen;
pub mod history;
pub mod hover;
pub mod keys;
pub mod navigation;
mod opening;
#[cfg(target_arch = "wasm32")]
mod page_recording;
pub mod presenting;
pub mod presses;
#[cfg(not(target_arch = "wasm32"))]
mod recent_sources;
#[cfg(not(target_arch = "wasm32"))]
pub mod recording;
pub mod refetching;
pub mod run_operations;
mod saving;
mod settings;
pub mod situation;
pub mod starter;
pub mod timeline;
pub mod transport;
pub mod user_input;
pub mod zoom;

use bevy::input::touch::TouchInput;
use bevy::prelude::*;

use self::presses::pointer_on_controls;
use crate::app::draw::Canvas;
use crate::app::state::chrome::PanelDialog;
use crate::app::state::hit::{Buttons, Pickable, Scrub};
use crate::app::state::view::on_wall;
use crate::app::state::viewport::PanelArea;
use crate::app::systems::AppSystems;

/// Adds the systems that turn keys and clicks into actions.
pub fn input_plugin(app: &mut App) {
    let pick = presses::pick.run_if(not(pointer_on_controls)).run_if(on_wall);
    let scrub = presses::scrub.run_if(resource_exists::<Canvas>);
    app.init_resource::<PanelDialog>()
        .init_resource::<transport::Refusals>()
        .init_resource::<PanelArea>()
        .init_resource::<Buttons>()
        .init_resource::<Pickable>()
        .init_resource::<Scrub>()
        .add_message::<TouchInput>()
        .add_systems(
            Update,
            (keys::read_keys, presses::press, scrub, pick).chain().in_set(AppSystems::Press),
        );
}
