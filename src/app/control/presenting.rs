//! Performs a presenter's actions on the demo studio, and says what was done.

use bevy::prelude::*;

use super::transport;
use crate::app::draw::DrawClock;
use crate::app::overlays::notices::{Notice, Notices};
#[cfg(not(target_arch = "wasm32"))]
use crate::app::state::actions::ActionEntry;
use crate::app::state::actions::{Action, Obstacle, Presenting};
use crate::app::state::clock::PlaybackClock;
use crate::app::state::link::Link;
use crate::app::systems::AppSystems;
#[cfg(not(target_arch = "wasm32"))]
use crate::demo::{DemoCommand, DemoControls};

pub(in crate::app) fn plugin(app: &mut App) {
    // After the systems that dismiss toasts, before those that add notices of runs.
    app.add_systems(Update, (present, transport::tell).chain().in_set(AppSystems::Follow));
}

fn present(
    mut actions: MessageReader<Action>,
    link: Res<Link>,
    mut notices: ResMut<Notices>,
    (clock, draw_clock): (Res<PlaybackClock>, Res<DrawClock>),
) {
    for action in actions.read() {
        let Action::Present(command) = action else { continue };
        let told = perform(*command, &link);
        let is_refused = told.is_err();
        let words = told.unwrap_or_else(|refusal| refusal);
        let notice = Notice::of_presenting(words, is_refused, clock.live_now);
        notices.keep(notice.clone());
        notices.toasts.add_notice(notice, draw_clock.secs);
    }
}

/// Performs a command; returns what was done.
///
/// # Errors
///
/// Returns the reason when nothing was done.
#[cfg(not(target_arch = "wasm32"))]
fn perform(command: Presenting, link: &Link) -> Result<String, String> {
    let controls = link.demo_controls().ok_or_else(|| not_the_demo(link))?;
    let (order, words) = order(command, controls);
    if controls.send(order) {
        Ok(words)
    } else {
        Err("the studio is too busy: try again in a moment".to_owned())
    }
}

#[cfg(target_arch = "wasm32")]
fn perform(_: Presenting, link: &Link) -> Result<String, String> {
    Err(not_the_demo(link))
}

/// Returns the command for the studio, and what it does in words.
#[cfg(not(target_arch = "wasm32"))]
fn order(command: Presenting, controls: &DemoControls) -> (DemoCommand, String) {
    let is_paused = controls.is_paused();
    let starts = if is_paused { "starts when the studio resumes" } else { "starts now" };
    match command {
        Presenting::FailNext => {
            (DemoCommand::FailNext, format!("a run {starts}, and will fail in STYLE"))
        }
        Presenting::FixNext => {
            (DemoCommand::FixNext, format!("a run {starts}, and will need a fix"))
        }
        Presenting::TogglePause if is_paused => {
            (DemoCommand::Pause(false), "the studio has resumed".to_owned())
        }
        Presenting::TogglePause => {
            let words = "the studio is paused";
            let again = Action::Present(Presenting::TogglePause);
            let words = match ActionEntry::keys_of(&again) {
                Some(keys) => format!("{words}; {keys} resumes it"),
                None => words.to_owned(),
            };
            (DemoCommand::Pause(true), words)
        }
        Presenting::Restart => (
            DemoCommand::Restart,
            "the studio has restarted; its unfinished runs were cancelled".to_owned(),
        ),
        Presenting::Speed(1) => (DemoCommand::Speed(1.0), "speed of a real studio".to_owned()),
        Presenting::Speed(factor) => {
            (DemoCommand::Speed(f64::from(factor)), format!("{factor} times as fast"))
        }
    }
}

fn not_the_demo(link: &Link) -> String {
    Obstacle::NotTheDemo { source_name: link.source_name() }.to_string()
}
