//! Notices of ended runs and of operations: shown as toasts, and kept for the panel.
//!
//! | file | contents |
//! | --- | --- |
//! | `notice` | one notice, in words |
//! | `toasts` | rules over time: which notices are on screen |
//! | `draw` | drawing of the toast in its lane; clicks on it |
//!
//! Toasts are drawn on the canvas, because they are read across a room: with its type sizes and
//! colours, and in step with its scale and drift. An egui window would be as small as the panel, and
//! would wake a display at rest.

mod draw;
mod notice;
mod toasts;

use std::collections::VecDeque;

use bevy::prelude::*;
use jiff::Timestamp;

pub use self::draw::ToastAreas;
pub use self::notice::{News, Notice};
pub use self::toasts::{Shown, Toast, Toasts};

use crate::app::draw::DrawClock;
use crate::app::state::actions::Action;
use crate::app::state::auto::Auto;
use crate::app::state::clock::{PlaybackClock, millis_between};
use crate::app::state::focus::Focus;
use crate::app::state::link::Link;
use crate::app::state::run_store::{EventReceived, OperationFinished, RunStore};
use crate::app::state::run_view::final_score;
use crate::app::state::view::View;
use crate::app::systems::AppSystems;
use crate::app::words::{one_line, run_title, short_id};
use crate::model::{Run, RunStatus};
use crate::source::{ConnectionState, OperationOutcome, RunOperation};

/// Greatest number of notices kept.
const KEPT: usize = 200;
/// Least loss of the connection that gets a toast when it is over, in milliseconds.
const LEAST_OUTAGE_MS: u64 = 1_000;

/// All notices: those on screen and those kept for the panel.
#[derive(Resource, Clone, Debug, Default)]
pub struct Notices {
    /// Notices on screen.
    pub toasts: Toasts,
    /// Kept notices, oldest first.
    kept: VecDeque<Notice>,
    unread: usize,
    /// True on a kiosk: successes get no toasts there, because the view shows them.
    unattended: bool,
}

impl Notices {
    /// Creates the notices; `unattended` is true for an unattended screen.
    pub fn new(unattended: bool) -> Self {
        Self { unattended, ..Self::default() }
    }

    /// Forgets all notices, because another source begins.
    pub(in crate::app) fn forget(&mut self) {
        *self = Self::new(self.unattended);
    }

    /// Tells what the display did, in a toast, and keeps it.
    pub(in crate::app) fn tell(&mut self, notice: Notice, now_secs: f64) {
        self.keep(notice.clone());
        self.toasts.add_notice(notice, now_secs);
    }

    /// Kept notices, newest first.
    pub fn newest_first(&self) -> impl DoubleEndedIterator<Item = &Notice> + ExactSizeIterator {
        self.kept.iter().rev()
    }

    /// Number of notices since the last call of [`Notices::read`].
    pub fn unread(&self) -> usize {
        self.unread
    }

    /// Marks all notices as read.
    pub fn read(&mut self) {
        self.unread = 0;
    }

    /// Keeps a notice. When full, drops the oldest one that reports no failure, or else the oldest.
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
        .add_systems(Update, dismiss_toasts.in_set(AppSystems::Operate))
        .add_systems(Update, add_notices.in_set(AppSystems::Sync));
}

/// Adds the drawing of toasts, for an app with views.
pub(in crate::app) fn draw_plugin(app: &mut App) {
    app.add_plugins(draw::plugin);
}

/// Executes the actions on toasts.
fn dismiss_toasts(
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

/// Loss of the connection, to tell how long it lasted.
#[derive(Debug, Default)]
struct Outage {
    /// Source that was watched, by [`Link::left`].
    source: u64,
    has_stood: bool,
    lost_at: Option<Timestamp>,
}

impl Outage {
    /// Returns for how many milliseconds the connection was lost, once, when it stands again at `now`.
    /// Attempts before the first success are no loss.
    fn ended_after_ms(&mut self, link: &Link, now: Timestamp) -> Option<u64> {
        if self.source != link.left() {
            *self = Self { source: link.left(), ..Self::default() };
        }
        match &link.state {
            ConnectionState::Connected { .. } => {
                self.has_stood = true;
                let after_ms = millis_between(self.lost_at.take()?, now);
                (after_ms >= LEAST_OUTAGE_MS).then_some(after_ms)
            }
            ConnectionState::Reconnecting { .. } | ConnectionState::Failed { .. } => {
                self.lost_at = self.lost_at.or(self.has_stood.then_some(now));
                None
            }
            ConnectionState::Connecting { .. } => None,
            // By hand: whoever connects again knows.
            ConnectionState::Disconnected => {
                *self = Self { source: self.source, ..Self::default() };
                None
            }
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "a system names what it reads")]
fn add_notices(
    mut received: MessageReader<EventReceived>,
    mut finished: MessageReader<OperationFinished>,
    mut notices: ResMut<Notices>,
    mut outage: Local<Outage>,
    run_store: Res<RunStore>,
    link: Res<Link>,
    (clock, draw_clock): (Res<PlaybackClock>, Res<DrawClock>),
    (view, focus, auto): (Res<View>, Res<Focus>, Option<Res<Auto>>),
) {
    let (at, now) = (clock.live_now, draw_clock.secs);
    // No toast for runs that the view shows anyway: the wall shows every run, the stage its own.
    let shown = match *view {
        view if view.is_of_all_runs() => Some(Shown::AllRuns),
        View::History => None,
        _ => focus.run().map(Shown::Run),
    };
    // Nobody is interrupted by a success on a screen that shows the ends of runs by itself.
    let quiet = notices.unattended || auto.is_some_and(|auto| auto.0.is_auto());
    let model = run_store.live();
    let live_server_now = model.clock().server_time(clock.live_now);
    for event in received.read() {
        let change = &event.change;
        let Some((_, status)) = change.run_status else { continue };
        if link.is_recording() || !event.is_news(live_server_now) {
            continue;
        }
        let Some(run) = model.run(&change.run_id) else { continue };
        let news = match status {
            RunStatus::Completed => {
                News::Completed { took_ms: run.duration_ms, score: final_score(run) }
            }
            RunStatus::Failed => failure(run),
            _ => continue,
        };
        let notice =
            Notice { at, run: Some(run.id().clone()), title: run_store.live_name(run), news };
        notices.keep(notice.clone());
        let is_shown = match shown {
            Some(Shown::AllRuns) => true,
            Some(Shown::Run(shown)) => shown == run.id(),
            None => false,
        };
        // While the past is shown, the lane tells of failures in live time by itself, and of nothing else.
        let is_shown = is_shown || run_store.is_rewound();
        if !is_shown && (status == RunStatus::Failed || !quiet) {
            notices.toasts.add_notice(notice, now);
        }
    }
    for OperationFinished(outcome) in finished.read() {
        let notice = Notice::of_operation(outcome.clone(), title_of(outcome, &run_store), at);
        notices.keep(notice.clone());
        notices.toasts.add_notice(notice, now);
    }
    if let Some(after_ms) = outage.ended_after_ms(&link, at) {
        notices.toasts.add_notice(Notice::of_connection(after_ms, at), now);
    }
    if let Some(shown) = shown {
        notices.bypass_change_detection().toasts.dismiss_shown(shown, now);
    }
}

/// Failed node and reason of a run.
fn failure(run: &Run) -> News {
    let node = run.failed_node();
    let reason = node.and_then(|node| node.error.as_deref()).or(run.error.as_deref());
    News::Failed {
        node: node.map(|node| node.name.clone()),
        reason: reason.map_or_else(|| "no reason was given".to_owned(), one_line),
    }
}

/// Title of the run that an operation concerns, or a name for the song that it starts.
fn title_of(outcome: &OperationOutcome, run_store: &RunStore) -> String {
    let model = run_store.live();
    match &outcome.operation {
        RunOperation::Start { song_id, .. } => {
            let mut runs = model.runs().filter(|run| run.song_id.as_ref() == Some(song_id));
            let titled = runs.find(|run| run.song_title.is_some());
            titled.map_or_else(|| format!("Song {}", short_id(song_id)), run_title)
        }
        operation => {
            let run = operation.run().and_then(|run| model.run(run));
            let id = operation.run().map_or("", |run| run.as_str());
            run.map_or_else(
                || format!("Run {}", run_store.short_id(id)),
                |run| run_store.live_name(run),
            )
        }
    }
}
