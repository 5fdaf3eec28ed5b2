//! Moves a following focus to the newest active run.

use bevy::prelude::*;
use jiff::{SignedDuration, Timestamp};

use crate::app::draw::DrawClock;
use crate::app::state::clock::{PlaybackClock, millis_between};
use crate::app::state::finale;
use crate::app::state::focus::{Focus, OverSince, listed_runs};
use crate::app::state::run_store::RunStore;
use crate::app::state::view::View;
use crate::app::systems::AppSystems;
use crate::model::{Model, Run, RunStatus};
use crate::protocol::RunId;

/// Time in milliseconds for which a run that is over stays on the stage while following, unless it has a
/// finale.
const HOLD_FAILED_MS: u64 = 12_000;
const HOLD_OTHER_MS: u64 = 6_000;

/// Returns how long a run that is over stays on the stage, in milliseconds; a finale as long as it lasts.
fn hold_ms(run: &Run, model: &Model) -> u64 {
    match run.status {
        RunStatus::Failed => HOLD_FAILED_MS,
        _ if has_finale(run, model) => finale::length_ms(model),
        _ => HOLD_OTHER_MS,
    }
}

fn has_finale(run: &Run, model: &Model) -> bool {
    finale::is_due(run) && !finale::failed_since(run, model)
}

pub(in crate::app) fn plugin(app: &mut App) {
    app.add_systems(Update, follow_newest_active.in_set(AppSystems::Follow));
}

/// The clocks of the hold. It is measured as a finale is: by the draw clock, and by the playback clock while
/// that is fixed, because a still picture has no other.
struct Clocks<'a> {
    playback: &'a PlaybackClock,
    draw: DrawClock,
}

impl Clocks<'_> {
    /// Returns the moment `age_ms` ago.
    fn ago(&self, age_ms: u64) -> OverSince {
        let age = SignedDuration::from_millis(i64::try_from(age_ms).unwrap_or(i64::MAX));
        OverSince {
            playback: self.playback.now.checked_sub(age).unwrap_or(Timestamp::MIN),
            draw_secs: self.draw.secs - age_ms as f64 / 1000.0,
        }
    }

    /// Returns the milliseconds since a moment.
    fn since_ms(&self, at: OverSince) -> f64 {
        if self.playback.is_fixed() {
            millis_between(at.playback, self.playback.now) as f64
        } else {
            (self.draw.secs - at.draw_secs) * 1000.0
        }
    }
}

fn follow_newest_active(
    mut focus: ResMut<Focus>,
    run_store: Res<RunStore>,
    clock: Res<PlaybackClock>,
    draw_clock: Res<DrawClock>,
    view: Option<Res<View>>,
    mut running: Local<Option<RunId>>,
) {
    // On the desk the selection changes by hand only.
    let is_kept = view.is_some_and(|view| *view == View::Desk)
        && focus.run.as_ref().is_some_and(|id| run_store.model.run(id).is_some());
    if focus.pinned || focus.directed || is_kept {
        *running = None;
        return;
    }
    let model = &run_store.model;
    let shown = focus.run.as_ref().and_then(|id| model.run(id));
    let mut is_history = false;
    let keep = match shown {
        Some(run) if !run.status.is_over() => {
            if focus.over_since.is_some() {
                focus.over_since = None;
            }
            if running.as_ref() != Some(run.id()) {
                *running = Some(run.id().clone());
            }
            run.status == RunStatus::Running || model.newest_active().is_none()
        }
        Some(run) => {
            let clocks = Clocks { playback: &clock, draw: *draw_clock };
            let hold = hold_ms(run, model);
            let age_ms = run.ended_at.map_or(0, |at| millis_between(at, clock.server_now));
            is_history = age_ms >= hold;
            let since = focus.over_since.or_else(|| {
                let was_running = running.as_ref() == Some(run.id());
                let first_ms = match has_finale(run, model) {
                    true => finale::first_age_ms(age_ms, was_running),
                    // A run that ended long ago was replayed; it is not news.
                    false if is_history => age_ms,
                    false => 0,
                };
                (first_ms < hold).then(|| clocks.ago(first_ms))
            });
            if focus.over_since != since {
                focus.over_since = since;
            }
            since.is_some_and(|since| clocks.since_ms(since) < hold as f64)
        }
        None => false,
    };
    if keep {
        return;
    }
    let next = model
        .newest_active()
        .or_else(|| {
            // A replay can arrive in several parts, so keep moving to the newest finished run.
            let any = shown.is_none() || is_history;
            any.then(|| listed_runs(&run_store).first().copied()).flatten()
        })
        .map(|run| run.id().clone());
    if let Some(next) = next
        && focus.run.as_ref() != Some(&next)
    {
        focus.run = Some(next);
        focus.over_since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Retention;
    use crate::protocol::Batch;

    /// App whose playback clock is not fixed, as in a recording that is played at any speed.
    fn app() -> App {
        let mut app = App::new();
        app.insert_resource(RunStore::new(Retention::default()))
            .init_resource::<Focus>()
            .init_resource::<PlaybackClock>()
            .insert_resource(DrawClock { secs: 100.0, follow_real_time: false })
            .add_systems(Update, follow_newest_active);
        app
    }

    fn begin() -> Timestamp {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    fn tell(app: &mut App, run: &str, node: &str, phase: &str, second: i64) {
        let at = begin() + SignedDuration::from_secs(second);
        let mut batch = Batch::new(at, true);
        let node =
            if node.is_empty() { String::new() } else { format!(r#""node_name":"{node}","#) };
        batch.push_text(&format!(r#"{{"ts":"{at}","run_id":"{run}",{node}"phase":"{phase}"}}"#));
        app.world_mut().resource_mut::<RunStore>().receive(batch, |_, _| {});
    }

    /// Returns the run in focus `second` seconds of the recording and `drawn` seconds of drawing after the
    /// beginning.
    fn focus_at(app: &mut App, second: i64, drawn: f64) -> String {
        let at = begin() + SignedDuration::from_secs(second);
        let mut clock = app.world_mut().resource_mut::<PlaybackClock>();
        (clock.now, clock.server_now) = (at, at);
        app.world_mut().resource_mut::<DrawClock>().secs = 100.0 + drawn;
        app.update();
        app.world().resource::<Focus>().run().map(ToString::to_string).unwrap_or_default()
    }

    /// App in which song `a` ends at second 4 of the recording, while it is followed and drawn for 1 s.
    fn after_a_song(other: &str) -> App {
        let mut app = app();
        tell(&mut app, "a", "RENDER", "start", 0);
        assert_eq!(focus_at(&mut app, 0, 0.0), "a");
        if !other.is_empty() {
            tell(&mut app, other, "", "start", 1);
        }
        tell(&mut app, "a", "RENDER", "end", 4);
        tell(&mut app, "a", "", "end", 4);
        assert_eq!(focus_at(&mut app, 4, 1.0), "a");
        app
    }

    #[test]
    fn song_is_held_for_the_time_its_finale_is_drawn_at_any_speed_of_playback() {
        let mut app = after_a_song("b");
        // Four times as fast as recorded.
        assert_eq!(focus_at(&mut app, 4 + 47, 12.9), "a");
        assert_eq!(focus_at(&mut app, 4 + 48, 13.0), "b");
        // With a quarter of the speed.
        let mut app = after_a_song("b");
        assert_eq!(focus_at(&mut app, 4 + 2, 12.9), "a");
        assert_eq!(focus_at(&mut app, 4 + 3, 13.0), "b");
    }

    #[test]
    fn song_keeps_the_stage_for_its_longer_finale_while_nothing_else_runs() {
        let mut app = after_a_song("");
        tell(&mut app, "late", "", "start", -20);
        tell(&mut app, "late", "", "end", 5);
        assert_eq!(focus_at(&mut app, 4 + 19, 20.9), "a");
        assert_eq!(focus_at(&mut app, 4 + 20, 21.0), "late");
        // A run that begins meanwhile shortens it.
        let mut app = after_a_song("");
        assert_eq!(focus_at(&mut app, 4 + 13, 14.0), "a");
        tell(&mut app, "b", "", "start", 17);
        assert_eq!(focus_at(&mut app, 4 + 13, 14.0), "b");
    }

    #[test]
    fn song_that_ended_before_it_was_shown_is_held_for_what_is_left_of_its_finale() {
        let mut app = app();
        tell(&mut app, "a", "RENDER", "end", 0);
        tell(&mut app, "a", "", "end", 0);
        assert_eq!(focus_at(&mut app, 5, 5.0), "a");
        assert_eq!(focus_at(&mut app, 6, 6.0), "a");
        tell(&mut app, "b", "", "start", 6);
        assert_eq!(focus_at(&mut app, 11, 11.9), "a");
        assert_eq!(focus_at(&mut app, 12, 12.0), "b");
    }

    #[test]
    fn song_that_ended_while_it_was_pinned_is_not_held_again() {
        let mut app = app();
        tell(&mut app, "a", "RENDER", "start", 0);
        assert_eq!(focus_at(&mut app, 0, 0.0), "a");
        tell(&mut app, "b", "", "start", 1);
        app.world_mut().resource_mut::<Focus>().toggle_following();
        tell(&mut app, "a", "RENDER", "end", 4);
        tell(&mut app, "a", "", "end", 4);
        assert_eq!(focus_at(&mut app, 4, 4.0), "a");
        assert_eq!(focus_at(&mut app, 30, 30.0), "a");
        app.world_mut().resource_mut::<Focus>().toggle_following();
        assert_eq!(focus_at(&mut app, 31, 31.0), "b");
    }
}
