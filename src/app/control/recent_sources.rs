//! Names of sources, the list of recent ones, and tests of addresses.

use bevy::prelude::*;
use crossbeam_channel::{Receiver, TryRecvError};

use super::starter::Starter;
use crate::app::state::actions::Action;
use crate::app::state::link::Link;
use crate::app::state::opening::{AddressTest, RecentSources, in_background};
use crate::app::state::run_store::Connected;
#[cfg(not(target_arch = "wasm32"))]
use crate::replace_file::replace;
use crate::source::test_address;

/// Performs the actions on sources, and remembers the addresses that were connected to.
pub(super) fn apply(
    mut actions: MessageReader<Action>,
    mut recent: ResMut<RecentSources>,
    mut connected: MessageReader<Connected>,
    mut testing: Local<Option<Receiver<Result<u16, String>>>>,
    link: Res<Link>,
    starter: Starter,
) {
    let mut has_changed = false;
    for action in actions.read() {
        has_changed |= recent.bypass_change_detection().apply(action);
        if let Action::TestAddress(address) = action {
            *testing = Some(test_address(address, &link.settings.access, starter.waker()));
            recent.test = Some(AddressTest { address: address.clone(), result: None });
        }
    }
    if connected.read().count() > 0
        && !link.is_recording()
        && let Some(stream) = link.stream()
    {
        has_changed |= recent.bypass_change_detection().connected_to(stream);
    }
    let tested = match testing.as_ref().map(Receiver::try_recv) {
        None | Some(Err(TryRecvError::Empty)) => None,
        Some(Ok(result)) => Some(result),
        Some(Err(TryRecvError::Disconnected)) => Some(Err("the test has crashed".to_owned())),
    };
    if let Some(result) = tested {
        *testing = None;
        if let Some(test) = &mut recent.test {
            test.result = Some(result);
        }
    }
    if has_changed {
        recent.set_changed();
        write(&recent);
    }
}

/// Writes the list of recent sources for the next start.
pub(super) fn write(recent: &RecentSources) {
    let Some((file, text)) = recent.to_write() else { return };
    in_background(move || {
        if let Err(error) = replace(&file, &text) {
            tracing::warn!("recent sources cannot be kept in `{}`: {error}", file.display());
        }
    });
}
