//! The past on the display: which instant is shown, whether it plays on, and how fast.
//!
//! While the past is shown, [`RunStore::model`] is the model of the past, and the live model goes on beside
//! it with its own names. A jump to another instant replaces the shown model as a whole
//! ([`RunStore::jumps`]); what plays on changes it step by step, and tells each change
//! ([`PastChanged`]).

use std::time::Duration;

use bevy::ecs::system::SystemParam;
use bevy::platform::time::Instant;
use bevy::prelude::*;
use jiff::{SignedDuration, Timestamp};

use super::clock::{PlaybackClock, local_zone, millis_between};
use super::hub_past::{HubPast, Landing};
use super::hub_rewind::pursue;
use super::names::Names;
use super::next_frame::NextFrame;
#[cfg(not(target_arch = "wasm32"))]
use super::opening::in_background;
use super::rewound::Rewound;
pub use super::rewound::{PastChanged, PastView, SPEEDS, Unattended};
use super::run_store::{EventReceived, RunStore};
use crate::app::systems::AppSystems;
use crate::model::past::{Cursor, FetchedPast, OutOfReach, Past};
use crate::model::{Change, Model, Run, RunStatus, SongRuns};
use crate::protocol::RunId;

/// Time that one frame may spend on playing; playing is slower where that is not enough.
const PLAY_BUDGET: Duration = Duration::from_millis(8);
/// Frees what belonged to an earlier instant; off the frame where there are threads, because ten thousand runs
/// take long.
fn free(earlier: impl Send + 'static) {
    #[cfg(not(target_arch = "wasm32"))]
    in_background(move || drop(earlier));
    #[cfg(target_arch = "wasm32")]
    drop(earlier);
}

/// Makes the indexes of a model anew, both at once where there are threads.
fn indexes_of(model: &Model) -> (Names, SongRuns) {
    let zone = local_zone();
    let names = || {
        let mut names = Names::default();
        names.update(model, &[], &zone);
        names
    };
    let songs = || {
        let mut songs = SongRuns::default();
        songs.update(model, &[]);
        songs
    };
    #[cfg(not(target_arch = "wasm32"))]
    return std::thread::scope(|scope| {
        let songs = scope.spawn(songs);
        let names = names();
        (names, songs.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    #[cfg(target_arch = "wasm32")]
    return (names(), songs());
}

impl RunStore {
    /// The model as of now, whatever is shown.
    pub fn live(&self) -> &Model {
        self.rewound.as_ref().map_or(&self.model, |rewound| &rewound.live)
    }

    fn live_mut(&mut self) -> &mut Model {
        self.rewound.as_mut().map_or(&mut self.model, |rewound| &mut rewound.live)
    }

    /// Everything that was received, for the instants that are kept.
    pub fn past(&self) -> &Past {
        &self.past
    }

    /// Returns the instant that is shown and how it plays; `None` when the display is live.
    pub fn shown_past(&self) -> Option<PastView> {
        let Rewound { at, is_playing, speed, .. } = **self.rewound.as_ref()?;
        Some(PastView { at, is_playing, speed })
    }

    /// True when the past is shown.
    pub fn is_rewound(&self) -> bool {
        self.rewound.is_some()
    }

    /// Number of times that another instant was shown at once; indexes are then made anew.
    pub fn jumps(&self) -> u64 {
        self.jumps
    }

    /// Name of a run of the live model for the screen.
    pub fn live_name(&self, run: &Run) -> String {
        self.rewound.as_ref().map_or(&self.names, |rewound| &rewound.names).name(run, false)
    }

    /// Runs that failed in live time since the past is shown, and are still failed, newest first, with the
    /// time of that.
    pub fn live_failures(&self) -> impl Iterator<Item = (&Run, Timestamp)> {
        let failed = self.rewound.as_ref().map_or(&[][..], |rewound| &rewound.failed);
        failed.iter().rev().filter_map(|(id, at)| {
            let run = self.live().run(id).filter(|run| run.status == RunStatus::Failed)?;
            Some((run, *at))
        })
    }

    /// The latest known time by this machine's clock: `live_now`, or that of what arrived since.
    pub(in crate::app) fn latest(&self, live_now: Timestamp) -> Timestamp {
        self.live_now.max(live_now)
    }

    /// Number of events that came after the instant that is shown.
    pub fn newer_events(&self) -> u64 {
        self.live().counters().events.saturating_sub(self.model.counters().events)
    }

    pub(super) fn take_clock_steps(&mut self) -> Vec<crate::model::ClockStep> {
        self.live_mut().take_clock_steps()
    }

    pub(super) fn connection_stands(&mut self, at: Timestamp) {
        match self.rewound.as_mut() {
            Some(rewound) => self.past.connection_stands(&mut rewound.live, at),
            None => self.past.connection_stands(&mut self.model, at),
        }
    }

    pub(super) fn connection_lost(&mut self, at: Timestamp) {
        match self.rewound.as_mut() {
            Some(rewound) => self.past.connection_lost(&mut rewound.live, at),
            None => self.past.connection_lost(&mut self.model, at),
        }
    }

    /// Returns the oldest instant that is kept here; `None` when nothing was received.
    pub fn oldest(&self) -> Option<Timestamp> {
        let reach = self.past.reach();
        let kept = reach.kept.map(|(first, _)| first);
        match reach.since {
            Some(since) => Some(kept.map_or(since, |first| first.min(since)).max(since)),
            None => kept,
        }
    }

    /// Shows the instant `at`, or the oldest one in reach; live from the present on. Playing goes on as
    /// before; from live, `is_playing` says whether it plays. Returns false when there is nothing to show.
    ///
    /// An instant that only the hub has is shown as soon as it has answered.
    pub(in crate::app) fn rewind_to(
        &mut self,
        at: Timestamp,
        live_now: Timestamp,
        is_playing: bool,
    ) -> bool {
        let before = self.shown_past().map_or(is_playing, |past| past.is_playing);
        let is_playing = self.aimed_at().map_or(before, |(_, is_playing)| is_playing);
        if at > live_now || (at == live_now && is_playing) {
            self.go_live();
            return true;
        }
        let Some(oldest) = self.oldest() else { return false };
        if at < oldest && self.rewind_before(at, oldest, is_playing, Landing::At) {
            return true;
        }
        self.cancel_asking();
        self.show_own(at.max(oldest), is_playing)
    }

    /// Shows an instant of this screen's own past.
    pub(super) fn show_own(&mut self, at: Timestamp, is_playing: bool) -> bool {
        let Ok(cursor) = self.past.cursor(at) else { return false };
        self.show_cursor(cursor, at, is_playing, false);
        true
    }

    /// Shows a model of the past, of the hub's or of this screen's own.
    pub(super) fn show_cursor(
        &mut self,
        cursor: Cursor,
        at: Timestamp,
        is_playing: bool,
        is_of_hub: bool,
    ) {
        self.hub.note_shown();
        let (model, place) = cursor.into_parts();
        let before = std::mem::replace(&mut self.model, model);
        match self.rewound.as_mut() {
            Some(rewound) => {
                (rewound.at, rewound.place, rewound.has_log) = (at, place, false);
                (rewound.is_playing, rewound.is_of_hub) = (is_playing, is_of_hub);
                let indexes = (std::mem::take(&mut self.names), std::mem::take(&mut self.songs));
                free((before, indexes));
            }
            None => {
                self.rewound = Some(Box::new(Rewound {
                    live: before,
                    names: std::mem::take(&mut self.names),
                    songs: std::mem::take(&mut self.songs),
                    at,
                    place,
                    is_of_hub,
                    is_playing,
                    speed: 1.0,
                    has_log: false,
                    failed: Vec::new(),
                }));
            }
        }
        (self.names, self.songs) = indexes_of(&self.model);
        self.jumped();
    }

    /// Shows the present again.
    pub(in crate::app) fn go_live(&mut self) {
        self.cancel_asking();
        if let Some(rewound) = self.rewound.take() {
            let Rewound { live, names, songs, .. } = *rewound;
            (self.model, self.names, self.songs) = (live, names, songs);
            self.jumped();
        }
    }

    fn jumped(&mut self) {
        self.jumps += 1;
        self.generation += 1;
    }

    /// Lets the past play on, or stops it. No effect while the display is live.
    pub(in crate::app) fn set_playing(&mut self, is_playing: bool) {
        if let Some(goal) = self.hub.goal_mut() {
            goal.is_playing = is_playing;
        } else if let Some(rewound) = self.rewound.as_mut() {
            rewound.is_playing = is_playing;
        }
    }

    /// Sets the speed of playing. No effect while the display is live.
    pub(in crate::app) fn set_speed(&mut self, speed: f64) {
        if let Some(rewound) = self.rewound.as_mut() {
            rewound.speed = speed;
        }
    }

    /// Adds the older lines to the log of the model of the past, once for each instant.
    pub(in crate::app) fn fill_log(&mut self) {
        if self.is_shown_lost() {
            return;
        }
        if let Some(rewound) = self.rewound.as_mut().filter(|rewound| !rewound.has_log) {
            rewound.has_log = true;
            past_of(rewound, &self.past, &self.hub).fill_log(&mut self.model, usize::MAX);
            self.generation += 1;
        }
    }

    /// True when the log of the shown model lacks older lines.
    pub(in crate::app) fn lacks_log(&self) -> bool {
        self.rewound.as_ref().is_some_and(|rewound| !rewound.has_log)
    }

    /// Plays the past on by some real time, and tells each change. Goes live where it reaches that.
    fn play_on(
        &mut self,
        passed: SignedDuration,
        live_now: Timestamp,
        budget: Duration,
        tell: impl FnMut(Change),
    ) {
        let Some(rewound) = self.rewound.as_ref().filter(|rewound| rewound.is_playing) else {
            return;
        };
        if self.hub.goal().is_some() || self.is_shown_lost() {
            return;
        }
        let is_of_hub = rewound.is_of_hub;
        let step = SignedDuration::try_from_secs_f64(passed.as_secs_f64() * rewound.speed);
        let step = step.unwrap_or(SignedDuration::MAX);
        let mut to = rewound.at.checked_add(step).unwrap_or(Timestamp::MAX);
        if to >= live_now {
            return self.go_live();
        }
        if is_of_hub
            && let Some(own) = self.oldest()
            && let Some(covered_to) = self.hub.fetched().and_then(FetchedPast::covered_to)
        {
            if to >= own && covered_to >= own {
                self.show_own(to, true);
                return;
            }
            // The next part is on its way, or nothing more comes.
            if to > covered_to && self.hub.is_stuck() {
                self.set_playing(false);
            }
            to = to.min(covered_to);
        }
        if let Err(OutOfReach { since }) = self.advance(to, budget, tell) {
            self.rewind_to(since, live_now, true);
        }
    }

    fn advance(
        &mut self,
        to: Timestamp,
        budget: Duration,
        mut tell: impl FnMut(Change),
    ) -> Result<(), OutOfReach> {
        let Some(rewound) = self.rewound.as_deref_mut() else { return Ok(()) };
        let past = past_of(rewound, &self.past, &self.hub);
        let begun = Instant::now();
        let mut touched: Vec<RunId> = Vec::new();
        let mut is_changed = false;
        loop {
            let next = rewound.place.next_at(past)?.filter(|next| *next <= to);
            let Some(next) = next else {
                rewound.at = to;
                break;
            };
            rewound.place.advance(past, &mut self.model, next, |_, change| {
                touched.push(change.run_id.clone());
                touched.extend(change.evicted.iter().cloned());
                tell(change);
            })?;
            is_changed = true;
            rewound.at = rewound.at.max(next);
            if begun.elapsed() > budget {
                break;
            }
        }
        if is_changed {
            touched.sort_unstable();
            touched.dedup();
            self.generation += 1;
            self.update_indexes(&touched);
        }
        Ok(())
    }
}

/// Returns the past that the shown model is of.
fn past_of<'a>(rewound: &Rewound, own: &'a Past, hub: &'a HubPast) -> &'a Past {
    hub.fetched().filter(|_| rewound.is_of_hub).map_or(own, FetchedPast::past)
}

pub(in crate::app) fn plugin(app: &mut App) {
    app.add_message::<PastChanged>()
        .init_resource::<Unattended>()
        .init_resource::<NextFrame>()
        .add_systems(PreUpdate, (pursue, play).chain().after(AppSystems::Ingest));
}

/// Plays the past on, and lets the clock follow the instant that is shown.
fn play(
    mut run_store: ResMut<RunStore>,
    mut clock: ResMut<PlaybackClock>,
    mut told: MessageWriter<PastChanged>,
) {
    let passed = clock.take_passed();
    if run_store.shown_past().is_some_and(|past| past.is_playing) {
        let live_now = clock.live_now;
        // A clock that is set by hand waits.
        let budget = if clock.is_fixed() { Duration::MAX } else { PLAY_BUDGET };
        run_store.play_on(passed, live_now, budget, |change| {
            told.write(PastChanged(change));
        });
    }
    show_on(&mut clock, &run_store);
}

/// Lets the clock show what the store shows.
pub(in crate::app) fn show_on(clock: &mut PlaybackClock, run_store: &RunStore) {
    clock.show(run_store.shown_past().map(|past| past.at));
    clock.server_now = run_store.model.clock().server_time(clock.now);
}

/// Returns how far the shown instant is behind live, in milliseconds.
pub fn behind_ms(past: &PastView, clock: &PlaybackClock) -> u64 {
    millis_between(past.at, clock.live_now)
}

/// Changes of the shown model, for systems that keep something in step with it.
#[derive(SystemParam)]
pub struct ShownChanges<'w, 's> {
    received: MessageReader<'w, 's, EventReceived>,
    past: MessageReader<'w, 's, PastChanged>,
    jumps: Local<'s, u64>,
}

/// Changes of the shown model since a system last ran.
pub enum Changed<'a> {
    /// Another instant is shown.
    Everything,
    /// Changed runs; true for a change that was replayed, from before the connection.
    Runs(Vec<(&'a Change, bool)>),
}

impl ShownChanges<'_, '_> {
    /// Returns what changed since the last call.
    pub fn take(&mut self, run_store: &RunStore) -> Changed<'_> {
        if std::mem::replace(&mut *self.jumps, run_store.jumps()) != run_store.jumps() {
            self.received.clear();
            self.past.clear();
            return Changed::Everything;
        }
        if run_store.is_rewound() {
            self.received.clear();
            return Changed::Runs(self.past.read().map(|changed| (&changed.0, false)).collect());
        }
        self.past.clear();
        Changed::Runs(self.received.read().map(|it| (&it.change, !it.live)).collect())
    }
}
