//! What happens is told: as a toast while it is news, and in the panel for whoever comes later.
//!
//! | file | what it is |
//! | --- | --- |
//! | `notice` | something that happened, in words |
//! | `toasts` | which notices are on screen when: rules over time |
//! | `draw` | where toasts stand, and how they look; a click on one |
//!
//! Toasts are drawn on the canvas like everything that is read from across the room: in its sizes of
//! type and its colours, in step with its scale and its drift. A window of egui's would be as large
//! as the panel's, and would wake a display at rest.

mod draw;
mod notice;
mod toasts;

use std::collections::VecDeque;

use bevy::prelude::*;

pub use self::draw::ToastAreas;
pub use self::notice::{News, Notice};
pub use self::toasts::{Toast, Toasts};

use crate::app::draw::DrawClock;
use crate::app::state::actions::Action;
use crate::app::state::auto::Auto;
use crate::app::state::clock::{PlaybackClock, millis_between};
use crate::app::state::link::Link;
use crate::app::state::run_store::{EventReceived, OperationFinished, RunStore};
use crate::app::state::view::View;
use crate::app::systems::AppSystems;
use crate::app::words::{one_line, run_title, short_id};
use crate::director::STALE_SECS;
use crate::model::{Model, Run, RunStatus};
use crate::source::{OperationOutcome, RunOperation};

/// Notices kept.
const KEPT: usize = 200;

/// Everything that was told.
#[derive(Resource, Clone, Debug, Default)]
pub struct Notices {
    /// What is on screen.
    pub toasts: Toasts,
    /// Oldest first.
    kept: VecDeque<Notice>,
    unread: usize,
    /// Nobody is there to be told of every run: the picture says it, and the director goes there.
    unattended: bool,
}

impl Notices {
    /// For a screen that nobody operates, or somebody does.
    pub fn new(unattended: bool) -> Self {
        Self { unattended, ..Self::default() }
    }

    /// What was told, the newest first.
    pub fn newest_first(&self) -> impl DoubleEndedIterator<Item = &Notice> + ExactSizeIterator {
        self.kept.iter().rev()
    }

    /// How many have come since somebody last looked.
    pub fn unread(&self) -> usize {
        self.unread
    }

    /// Somebody looks.
    pub fn read(&mut self) {
        self.unread = 0;
    }

    /// Keeps it. Runs that went well go first, so that they drown nothing that did not.
    pub(in crate::app) fn keep(&mut self, notice: Notice) {
        if self.kept.len() == KEPT {
            let dull = self.kept.iter().position(|kept| !kept.news.is_bad());
            self.kept.remove(dull.unwrap_or(0));
        }
        self.kept.push_back(notice);
        self.unread = (self.unread + 1).min(KEPT);
    }
}

pub(in crate::app) fn plugin(app: &mut App) {
    app.init_resource::<Notices>()
        .init_resource::<DrawClock>()
        // After Esc has taken some off the screen.
        .add_systems(Update, obey.in_set(AppSystems::Operate))
        .add_systems(Update, hear.in_set(AppSystems::Sync));
}

/// Draws the toasts. For an app with views.
pub(in crate::app) fn draw_plugin(app: &mut App) {
    app.add_plugins(draw::plugin);
}

/// Carries out the actions on toasts.
fn obey(
    mut actions: MessageReader<Action>,
    mut notices: ResMut<Notices>,
    draw_clock: Res<DrawClock>,
) {
    for action in actions.read() {
        if let Action::Dismiss(number) = action {
            notices.toasts.dismiss(*number, draw_clock.secs);
        }
    }
}

fn hear(
    mut received: MessageReader<EventReceived>,
    mut finished: MessageReader<OperationFinished>,
    mut notices: ResMut<Notices>,
    run_store: Res<RunStore>,
    link: Res<Link>,
    (clock, draw_clock): (Res<PlaybackClock>, Res<DrawClock>),
    (auto, view): (Option<Res<Auto>>, Option<Res<View>>),
) {
    let (at, now) = (clock.now, draw_clock.secs);
    // A wall shows how runs end, and would say it twice, over what it shows; so does one that directs
    // itself. What somebody asked for here is answered there, too.
    let on_wall = view.is_some_and(|view| matches!(*view, View::Wall));
    let quiet = notices.unattended || on_wall || auto.is_some_and(|auto| auto.0.is_auto());
    for EventReceived { change, live, .. } in received.read() {
        let Some((_, status)) = change.run_status else { continue };
        let age_secs = millis_between(change.at, clock.server_now) as f64 / 1000.0;
        // What is replayed, and what a page hears of when it comes back to the front, is no news.
        if !live || link.is_recording() || age_secs > STALE_SECS {
            continue;
        }
        let Some(run) = run_store.model.run(&change.run_id) else { continue };
        let news = match status {
            RunStatus::Completed => News::Completed { took_ms: run.duration_ms },
            RunStatus::Failed => failure(run),
            _ => continue,
        };
        let notice = Notice { at, run: Some(run.id().clone()), title: run_title(run), news };
        notices.keep(notice.clone());
        if !quiet {
            notices.toasts.tell(notice, now);
        }
    }
    for OperationFinished(outcome) in finished.read() {
        let notice = Notice::of_operation(outcome.clone(), title_of(outcome, &run_store.model), at);
        notices.keep(notice.clone());
        notices.toasts.tell(notice, now);
    }
}

/// Where a run failed, and why.
fn failure(run: &Run) -> News {
    let node = run.failed_node();
    let reason = node.and_then(|node| node.error.as_deref()).or(run.error.as_deref());
    News::Failed {
        node: node.map(|node| node.name.clone()),
        reason: reason.map_or_else(|| "Unknown error".to_owned(), one_line),
    }
}

/// What the run is called that something was done to, or the song.
fn title_of(outcome: &OperationOutcome, model: &Model) -> String {
    match &outcome.operation {
        RunOperation::Start { song_id, .. } => {
            let mut runs = model.runs().filter(|run| run.song_id.as_ref() == Some(song_id));
            let titled = runs.find(|run| run.song_title.is_some());
            titled.map_or_else(|| format!("Song {}", short_id(song_id)), run_title)
        }
        operation => {
            let run = operation.run().and_then(|run| model.run(run));
            let id = operation.run().map_or("", |run| run.as_str());
            run.map_or_else(|| format!("Run {}", short_id(id)), run_title)
        }
    }
}
