//! Starts the configured source, and performs the actions on the connection.

use bevy::prelude::*;

use super::opening::{self, Openings};
#[cfg(target_arch = "wasm32")]
use super::page_recording;
use super::starter::{self, Starter};
#[cfg(not(target_arch = "wasm32"))]
use super::{file_dialog, recent_sources, recording};
use super::{saving, settings};
use crate::app::state::actions::Action;
use crate::app::state::link::Link;
use crate::app::state::settings::SettingsBook;
use crate::app::state::viewport::ReducedMotion;
use crate::app::systems::AppSystems;
use crate::source::SourceSpec;

/// Adds the connection actions.
pub(in crate::app) fn plugin(app: &mut App) {
    let apply = apply_connection_actions;
    #[cfg(not(target_arch = "wasm32"))]
    let apply = (
        apply,
        file_dialog::choose,
        recording::record,
        saving::save_files,
        recent_sources::apply,
        settings::apply,
    )
        .chain();
    #[cfg(target_arch = "wasm32")]
    let apply = (apply, page_recording::record, saving::save_files, settings::apply).chain();
    app.init_resource::<SettingsBook>()
        .init_resource::<ReducedMotion>()
        .add_plugins((starter::plugin, opening::plugin))
        .add_systems(Update, apply.in_set(AppSystems::Navigate));
    #[cfg(not(target_arch = "wasm32"))]
    app.init_resource::<file_dialog::OpenDialog>()
        .init_resource::<recording::Recordings>()
        .init_resource::<saving::Saving>();
}

fn apply_connection_actions(
    mut actions: MessageReader<Action>,
    mut link: ResMut<Link>,
    mut openings: ResMut<Openings>,
    starter: Starter,
) {
    for action in actions.read() {
        match action {
            Action::Connect(url) if link.is_recording() => {
                link.settings.enabled = true;
                openings.ask(SourceSpec::of_address(url.as_str()), &link, starter.waker());
            }
            Action::Connect(url) => {
                url.as_str().clone_into(&mut link.url);
                link.connect();
            }
            Action::Disconnect => link.disconnect(),
            Action::Reconnect => link.reconnect(),
            Action::SkipPause => link.skip_pause(),
            Action::Configure(settings) => link.configure((**settings).clone()),
            Action::OpenSource(source) => openings.ask(source.clone(), &link, starter.waker()),
            Action::CancelOpening => openings.cancel(),
            Action::TellOpeningFailed(reason) => openings.fail(reason.clone(), &starter.waker()),
            Action::BackToStream => {
                if let Some(stream) = link.stream().filter(|_| link.is_recording()) {
                    openings.ask(stream, &link, starter.waker());
                }
            }
            _ => {}
        }
    }
}

/// Starts the source.
pub(in crate::app) fn source_plugin(app: &mut App) {
    app.add_systems(PreStartup, start);
}

fn start(mut link: ResMut<Link>, starter: Starter) {
    starter.start(&mut link);
}
