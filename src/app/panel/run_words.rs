//! A run in words, for the lists of runs.

use bevy_egui::egui::{RichText, Ui};
use jiff::Timestamp;

use super::style::{self, text};
use crate::app::state::clock::millis_between;
use crate::app::state::run_store::RunStore;
use crate::app::state::run_view::{failure_words, queued_ms, song_story_words};
use crate::app::state::status::run_status_words;
use crate::model::{Run, RunStatus};

/// Tooltip of the button that marks a failure as seen.
pub(super) const MARK_AS_SEEN: &str = "The failure is no longer shown as news: on this screen, or on all \
                                       screens of the hub. Nothing is sent to the backend.";

/// Maximum number of characters of the reason of a failure.
const LONGEST_REASON: usize = 240;

/// Current node of a run, or its status once it is over.
pub(super) fn place_words(run: &Run) -> &str {
    match run.status {
        RunStatus::Running => run.current_node().map_or("running", |node| node.name.as_str()),
        RunStatus::Failed => run.failed_node().map_or("failed", |node| node.name.as_str()),
        status => run_status_words(status),
    }
}

/// Milliseconds that a run has been going or took, including its time in the queue.
pub(super) fn elapsed_ms(run: &Run, server_now: Timestamp) -> Option<u64> {
    let own_ms = if run.status.is_over() {
        run.duration_ms
    } else {
        run.started_at.map(|started_at| millis_between(started_at, server_now))
    };
    own_ms.map(|millis| millis + queued_ms(run))
}

/// Shows what a row leaves out of a run: its whole name, its ids, its seed, its part in the story of the
/// song, and why it failed.
pub(super) fn run_tip_ui(ui: &mut Ui, run_store: &RunStore, run: &Run) {
    ui.label(RichText::new(run_store.name(run)).font(style::semibold(text::BODY)));
    ui.label(RichText::new(crate::text::name(run.id())).monospace());
    if let Some(song_id) = &run.song_id {
        ui.weak(format!("song {song_id}"));
    }
    if let Some(seed) = run.seed {
        ui.weak(format!("seed {seed}"));
    }
    if let Some(story) = run_store.song_story(run) {
        ui.weak(song_story_words(story));
    }
    if let Some((_, reason)) = failure_words(run) {
        let palette = style::palette(ui.ctx());
        let reason = crate::text::excerpt(&reason, LONGEST_REASON);
        ui.label(RichText::new(reason).color(style::ink(palette.failed_text)));
    }
}
