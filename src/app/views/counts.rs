//! Numbers of runs that more than one display shows. They are counted at one place and once a frame, so
//! that header, board and meters say the same number in the same frame.

use bevy::prelude::*;
use jiff::Timestamp;

use super::wall::wall_index::{LATELY, WallIndex, WallIndexState};
use crate::app::draw::DrawClock;
use crate::app::state::clock::PlaybackClock;
use crate::app::state::link::Link;
use crate::app::state::next_frame::NextFrame;
use crate::app::state::run_store::RunStore;
use crate::app::state::view::View;
use crate::model::{Model, RunStatus};
use crate::source::ConnectionState;

/// Least time between two changes of the numbers, in seconds: faster ones cannot be read.
const NUMBERS_SECS: f64 = 0.25;

/// Numbers of runs; those that are over ended within [`LATELY`], on screens "last hour".
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// Running, with or without news.
    pub active: usize,
    /// Running, without news.
    pub silent: usize,
    pub queued: usize,
    pub completed: usize,
    pub failed: usize,
    pub cancelled: usize,
    /// Minutes for which the source has been watched, at least 1; `None` when they cover [`LATELY`], or
    /// while nothing was watched yet.
    pub watched_min: Option<u32>,
    /// True for the runs of a recording.
    pub is_replay: bool,
}

impl RunCounts {
    /// Counts the runs at `server_now`. Runs that ended and were dropped since still count as completed
    /// or failed.
    pub fn of(model: &Model, wall_index: &WallIndex, server_now: Timestamp) -> Self {
        let (completed, failed) = model.stats().outcomes(server_now, LATELY);
        Self {
            active: model.count(RunStatus::Running),
            silent: wall_index.silent_count(),
            queued: model.count(RunStatus::Pending),
            completed: completed as usize,
            failed: failed as usize,
            cancelled: wall_index.lately(RunStatus::Cancelled),
            watched_min: None,
            is_replay: false,
        }
    }

    /// Window of the runs that are over, as words: "last hour", "watching for 4 min".
    pub fn window_words(&self) -> String {
        match self.watched_min {
            None => "last hour".to_owned(),
            Some(minutes) => format!("watching for {minutes} min"),
        }
    }
}

/// Returns the minutes between the first thing known of a source and `server_now`; `None` when they cover
/// [`LATELY`], or when nothing is known.
fn watched_min(model: &Model, link: &Link, clock: &PlaybackClock) -> Option<u32> {
    // A connection without events counts, too; a recording is as old as its events.
    let connected_at = match &link.state {
        ConnectionState::Connected { since, .. } if !link.is_recording() => {
            clock.server_now.checked_sub(clock.now.duration_since(*since)).ok()
        }
        _ => None,
    };
    let since = [model.first_at(), connected_at].into_iter().flatten().min()?;
    let watched = clock.server_now.duration_since(since);
    (watched < LATELY).then(|| u32::try_from(watched.as_mins()).unwrap_or(0).max(1))
}

/// Inputs of the last count, and the draw-clock time of the last change.
#[derive(Default)]
pub(super) struct LastCount {
    inputs: Option<(u64, u64, Timestamp)>,
    changed_at: f64,
}

/// Counts the runs, after the indexes are in step with the model.
#[expect(clippy::too_many_arguments, reason = "each is a resource that the numbers depend on")]
pub(super) fn count_runs(
    mut counts: ResMut<RunCounts>,
    mut last: Local<LastCount>,
    run_store: Res<RunStore>,
    counted: Res<WallIndexState>,
    (clock, link): (Res<PlaybackClock>, Res<Link>),
    draw_clock: Res<DrawClock>,
    view: Res<View>,
    mut next: ResMut<NextFrame>,
) {
    // Windows of time move in whole seconds, like everything that counts on screen.
    let second = Timestamp::from_second(clock.server_now.as_second()).unwrap_or(clock.server_now);
    let inputs = (run_store.generation, counted.wall_index.revision(), second);
    if last.inputs == Some(inputs) && !view.is_changed() {
        return;
    }
    let now = draw_clock.secs;
    let due_in = last.changed_at + NUMBERS_SECS - now;
    let at_once = clock.is_fixed() || view.is_changed() || last.inputs.is_none();
    if !at_once && due_in > 0.0 && due_in <= NUMBERS_SECS {
        next.within_secs(due_in);
        return;
    }
    last.inputs = Some(inputs);
    let counted = RunCounts {
        watched_min: watched_min(&run_store.model, &link, &clock),
        is_replay: link.is_recording(),
        ..RunCounts::of(&run_store.model, &counted.wall_index, clock.server_now)
    };
    if *counts != counted {
        *counts = counted;
        last.changed_at = now;
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::app::test_display::display;
    use crate::config::ViewName;
    use crate::protocol::Batch;

    fn noon() -> Timestamp {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    fn app() -> App {
        let mut app = display(ViewName::Stage, noon());
        app.insert_resource(View::Stage { from_wall: false });
        app
    }

    /// Numbers of running runs and of those without news, `seconds` after noon.
    fn active_and_silent(app: &mut App, seconds: i64) -> (usize, usize) {
        let at = noon() + SignedDuration::from_secs(seconds);
        let mut clock = app.world_mut().resource_mut::<PlaybackClock>();
        clock.set(at);
        clock.server_now = at;
        app.update();
        let counts = app.world().resource::<RunCounts>();
        (counts.active, counts.silent)
    }

    fn tell(app: &mut App, run: &str, seconds: i64) {
        let at = noon() + SignedDuration::from_secs(seconds);
        let mut batch = Batch::new(at, true);
        batch.push_text(&format!(
            r#"{{"ts":"{at}","run_id":"{run}","node_name":"PLAN","phase":"start"}}"#
        ));
        app.world_mut().resource_mut::<RunStore>().receive(batch, |_, _| {});
    }

    #[test]
    fn runs_without_news_are_counted_on_the_stage_too() {
        let mut app = app();
        tell(&mut app, "a", 0);
        assert_eq!(active_and_silent(&mut app, 1), (1, 0));
        assert_eq!(active_and_silent(&mut app, 40), (1, 1), "it fell silent on the stage");
        *app.world_mut().resource_mut::<View>() = View::Wall;
        assert_eq!(active_and_silent(&mut app, 41), (1, 1));
        *app.world_mut().resource_mut::<View>() = View::Stage { from_wall: true };
        assert_eq!(active_and_silent(&mut app, 42), (1, 1));
        tell(&mut app, "b", 43);
        assert_eq!(active_and_silent(&mut app, 43), (2, 1), "there are news again");
    }
}
