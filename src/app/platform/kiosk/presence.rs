//! Hides pointer and chrome while nobody is present, and shows them again at the first user input.

use bevy::prelude::*;
use bevy::window::{CursorMoved, CursorOptions, PrimaryWindow};

use super::KioskSystems;
use crate::app::control::user_input::{self, UserInput};
use crate::app::draw::DrawClock;
use crate::app::state::chrome::Chrome;
use crate::app::state::next_frame::NextFrame;
use crate::app::state::presence::Presence;
use crate::app::theme::motion;
use crate::kiosk::attention::Attention;

#[derive(Resource, Debug)]
struct AttentionTracker(Attention);

pub(super) fn plugin(app: &mut App) {
    // Apps without a window lack these messages.
    user_input::add_messages(app);
    app.add_message::<CursorMoved>()
        .insert_resource(AttentionTracker(Attention::new(0.0)))
        .add_systems(Update, (notice, hide_pointer).chain().in_set(KioskSystems::Notice))
        .add_systems(
            Update,
            (schedule_frame, put_help_away).chain().in_set(KioskSystems::Presence),
        );
}

fn notice(
    clock: Res<DrawClock>,
    mut input: UserInput,
    mut moves: MessageReader<CursorMoved>,
    mut pointer: Local<Option<Vec2>>,
    mut tracker: ResMut<AttentionTracker>,
    mut presence: ResMut<Presence>,
) {
    // Some systems report movement of a pointer at rest when a window changes under it.
    let moved = moves.read().filter(|at| pointer.replace(at.position) != Some(at.position)).count();
    if input.did_something() || moved > 0 {
        tracker.0.notice(clock.secs);
    }
    let away = tracker.0.is_away(clock.secs);
    presence.set_if_neq(Presence { away, ..*presence });
}

fn hide_pointer(
    presence: Res<Presence>,
    mut windows: Query<&mut CursorOptions, With<PrimaryWindow>>,
) {
    for mut cursor in &mut windows {
        if cursor.visible == presence.away {
            cursor.visible = !presence.away;
        }
    }
}

/// Closes help, palette and settings after a while without user input, so that the wall becomes visible again. The
/// delay leaves time to read the help from a distance.
fn put_help_away(
    clock: Res<DrawClock>,
    presence: Res<Presence>,
    mut chrome: ResMut<Chrome>,
    mut next: ResMut<NextFrame>,
    mut since: Local<Option<f64>>,
) {
    if !((chrome.help || chrome.palette || chrome.settings) && presence.away) {
        *since = None;
        return;
    }
    let left_secs = motion::HELP_STAYS + *since.get_or_insert(clock.secs) - clock.secs;
    if left_secs > 0.0 {
        next.within_secs(left_secs);
    } else {
        (chrome.help, chrome.palette, chrome.settings) = (false, false, false);
    }
}

/// Requests a frame at the moment of absence; a display at rest would notice it up to a second
/// late.
fn schedule_frame(
    clock: Res<DrawClock>,
    tracker: Res<AttentionTracker>,
    mut next: ResMut<NextFrame>,
) {
    if let Some(left_secs) = tracker.0.left_secs(clock.secs) {
        next.within_secs(left_secs);
    }
}
