//! Changes of the source while the display runs.
//!
//! A recording is checked first, on a thread of its own, so that neither a slow disk nor a wrong file costs
//! what is shown. Then the old source is dropped and everything known of it is forgotten, before the frame
//! takes anything from the new one.

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;
use crossbeam_channel::{Receiver, TryRecvError, bounded};
use tracing::error;

#[cfg(not(target_arch = "wasm32"))]
use super::recording::Recordings;
use super::run_operations::RunOperations;
use super::starter::Starter;
use crate::app::draw::{DrawClock, DrawSystems};
use crate::app::overlays::notices::{Notice, Notices};
use crate::app::state::auto::Auto;
use crate::app::state::clock::PlaybackClock;
use crate::app::state::entities::RunIndex;
use crate::app::state::focus::Focus;
use crate::app::state::link::Link;
use crate::app::state::opening::BeingOpened;
#[cfg(not(target_arch = "wasm32"))]
use crate::app::state::opening::RecentSources;
use crate::app::state::run_store::{RunStore, SourceReplaced};
use crate::app::state::selection::Selection;
use crate::app::state::timeline::TimelineState;
use crate::app::systems::AppSystems;
use crate::source::{RecordingFiles, SourceSpec, Waker, opening};

/// Result of the check of a recording: the reason why it cannot be played, in words.
type Checked = Result<(), String>;

/// Sources that are to be shown.
#[derive(Resource, Default)]
pub(super) struct Openings {
    /// Recording that is being checked.
    checking: Option<(RecordingFiles, Receiver<Checked>)>,
    /// Source to be shown in the next frame.
    ready: Option<SourceSpec>,
    /// Reasons why files were not opened, to be told.
    failures: Vec<String>,
}

impl Openings {
    /// Shows a source as soon as it may be; takes the place of one that was asked for before.
    pub fn ask(&mut self, source: SourceSpec, link: &Link, waker: Waker) {
        self.cancel();
        match source {
            _ if link.source.is_none() => {
                let reason = "the app that embeds this display supplies the events";
                self.fail(reason.to_owned(), &waker);
            }
            SourceSpec::Recording(files) => {
                let checked = check(files.clone(), waker);
                self.checking = Some((files, checked));
            }
            stream => {
                self.ready = Some(stream);
                waker();
            }
        }
    }

    /// Gives up what is not shown yet.
    pub fn cancel(&mut self) {
        (self.checking, self.ready) = (None, None);
    }

    /// Has the user told why files were not opened.
    pub fn fail(&mut self, reason: String, waker: &Waker) {
        self.failures.push(reason);
        waker();
    }

    /// Takes the result of a check that is over.
    fn take_checked(&mut self) {
        let Some((_, result)) = &self.checking else { return };
        let result = match result.try_recv() {
            Ok(result) => result,
            Err(TryRecvError::Empty) => return,
            Err(TryRecvError::Disconnected) => Err("the check of the file has crashed".to_owned()),
        };
        let Some((files, _)) = self.checking.take() else { return };
        match result {
            Ok(()) => self.ready = Some(SourceSpec::Recording(files)),
            Err(reason) => self.failures.push(reason),
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn check(files: RecordingFiles, waker: Waker) -> Receiver<Checked> {
    let (result, checked) = bounded(1);
    let failed = result.clone();
    let body = move || {
        // Sending fails when the opening was cancelled.
        let _ = result.send(opening::check(&files).map_err(|error| error.to_string()));
        waker();
    };
    let thread = std::thread::Builder::new().name("meterbridge-opening".to_owned()).spawn(body);
    if let Err(error) = thread {
        let _ = failed.try_send(Err(format!("cannot start a thread: {error}")));
    }
    checked
}

#[cfg(target_arch = "wasm32")]
fn check(files: RecordingFiles, waker: Waker) -> Receiver<Checked> {
    let (result, checked) = bounded(1);
    let _ = result.try_send(opening::check(&files).map_err(|error| error.to_string()));
    waker();
    checked
}

pub(super) fn plugin(app: &mut App) {
    #[cfg(not(target_arch = "wasm32"))]
    app.init_resource::<RecentSources>();
    app.init_resource::<Openings>()
        .init_resource::<BeingOpened>()
        .add_systems(PreUpdate, show_opened.after(DrawSystems::Clock).in_set(AppSystems::Open));
}

/// Everything that is known of a source, and what was chosen of it.
#[derive(SystemParam)]
struct Known<'w> {
    link: ResMut<'w, Link>,
    run_store: ResMut<'w, RunStore>,
    clock: ResMut<'w, PlaybackClock>,
    focus: ResMut<'w, Focus>,
    selection: ResMut<'w, Selection>,
    timeline: ResMut<'w, TimelineState>,
    notices: ResMut<'w, Notices>,
    operations: ResMut<'w, RunOperations>,
    entities: ResMut<'w, RunIndex>,
    auto: Option<ResMut<'w, Auto>>,
}

impl Known<'_> {
    /// Forgets everything but the link.
    fn forget(&mut self, starter: &Starter, now_secs: f64) {
        self.run_store.forget(starter.options.retention);
        self.clock.follow_real_time();
        self.focus.follow();
        self.selection.0 = None;
        *self.timeline = TimelineState::default();
        self.notices.forget();
        self.operations.forget();
        self.entities.rebuild();
        if let Some(auto) = &mut self.auto {
            auto.0.forget_runs(now_secs);
        }
    }
}

/// Shows the source that was asked for, and says why files were not opened.
fn show_opened(
    mut openings: ResMut<Openings>,
    mut being_opened: ResMut<BeingOpened>,
    mut known: Known,
    #[cfg(not(target_arch = "wasm32"))] (mut recent, mut recordings): (
        ResMut<RecentSources>,
        ResMut<Recordings>,
    ),
    draw_clock: Res<DrawClock>,
    mut replaced: MessageWriter<SourceReplaced>,
    starter: Starter,
) {
    let openings = openings.bypass_change_detection();
    openings.take_checked();
    let name = openings.checking.as_ref().map(|(files, _)| files.name());
    being_opened.set_if_neq(BeingOpened(name));
    let now_secs = draw_clock.secs;
    if let Some(source) = openings.ready.take() {
        let left = known.link.leave_for(source.clone());
        #[cfg(not(target_arch = "wasm32"))]
        recordings.leave(left, &mut known.link, starter.waker());
        #[cfg(target_arch = "wasm32")]
        drop(left);
        known.forget(&starter, now_secs);
        starter.start(&mut known.link);
        #[cfg(not(target_arch = "wasm32"))]
        remember(&mut recent, &source);
        replaced.write(SourceReplaced);
    }
    for reason in openings.failures.drain(..) {
        error!("not opened: {reason}");
        let at = known.clock.live_now;
        known.link.log_error(at, reason.clone());
        known.link.last_error = Some((at, reason.clone()));
        known.notices.tell(Notice::of_display("Not opened", reason, true, at), now_secs);
    }
}

/// Remembers a recording for the next start.
#[cfg(not(target_arch = "wasm32"))]
fn remember(recent: &mut RecentSources, source: &SourceSpec) {
    let SourceSpec::Recording(files) = source else { return };
    // The next start may be in another folder.
    let absolute = |path| std::path::absolute(path).ok();
    let paths = files.paths().iter().filter_map(absolute).collect();
    let Some(files) = RecordingFiles::of(paths) else { return };
    recent.add(SourceSpec::Recording(files));
    super::recent_sources::write(recent);
}
