//! Tests of when a finale begins, ends and moves.

use bevy::ecs::system::RunSystemOnce;
use jiff::SignedDuration;

use super::tests::{app, frame};
use super::*;
use crate::protocol::{Batch, RunSnapshot};

fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

/// App with a clock that runs, on the stage of run `a`.
fn running() -> App {
    let mut app = app();
    app.insert_resource(PlaybackClock::default());
    let mut stage = Stage(&mut app);
    stage.set_clock(0);
    stage.tell("a", None, "start", -60);
    for (node, second) in [("PLAN", -60), ("COMPOSE", -50), ("VALIDATE", -20), ("RENDER", -10)] {
        stage.tell("a", Some(node), "start", second);
        stage.tell("a", Some(node), "end", second + 8);
    }
    app.world_mut().resource_mut::<Focus>().pin(RunId::new("a"));
    frame(&mut app, 100.0);
    app
}

struct Stage<'a>(&'a mut App);

impl Stage<'_> {
    fn set_clock(&mut self, seconds: i64) {
        let at = noon() + SignedDuration::from_secs(seconds);
        let mut clock = self.0.world_mut().resource_mut::<PlaybackClock>();
        (clock.now, clock.server_now) = (at, at);
    }

    fn tell(&mut self, run: &str, node: Option<&str>, phase: &str, seconds: i64) {
        let at = noon() + SignedDuration::from_secs(seconds);
        let node = node.map_or_else(String::new, |node| format!(r#""node_name":"{node}","#));
        let mut batch = Batch::new(at.max(noon()), true);
        batch.push_text(&format!(r#"{{"ts":"{at}","run_id":"{run}",{node}"phase":"{phase}"}}"#));
        self.0.world_mut().resource_mut::<RunStore>().receive(batch, |_, _| {});
    }

    /// Draws the frame `seconds` after noon, which is 100 s of the draw clock.
    fn at(&mut self, seconds: f64) -> Option<Moment> {
        self.set_clock(seconds.floor() as i64);
        frame(self.0, 100.0 + seconds);
        let drawn = self.0.world().resource::<StageMemory>().drawn.as_ref();
        drawn.and_then(|drawn| drawn.finale)
    }

    /// Contents of the last drawing.
    fn contents(&self) -> Arc<Contents> {
        Arc::clone(&self.0.world().resource::<StageMemory>().contents)
    }

    /// Returns the time until the next frame that the last one requested, and forgets it.
    fn take_requested(&mut self) -> Option<std::time::Duration> {
        self.0.world_mut().resource_mut::<NextFrame>().0.take()
    }

    fn is_fading(&self) -> bool {
        self.0.world().resource::<Canvas>().is_fading()
    }
}

#[test]
fn finale_lasts_12_s_from_the_end_that_the_stage_saw() {
    let mut app = running();
    let mut stage = Stage(&mut app);
    stage.tell("b", None, "start", -5);
    assert_eq!(stage.at(0.5), None, "the run goes on");
    // Its end is told two seconds late.
    stage.tell("a", None, "end", 1);
    let begins = stage.at(3.0).unwrap();
    assert_eq!((begins.straight, begins.take), (0.0, 0.0));
    assert_eq!(stage.at(3.0 + 1.4).unwrap().take, 0.5);
    assert_eq!(stage.at(3.0 + 2.4).unwrap().foot, 1.0);
    assert!(stage.at(3.0 + 11.9).unwrap().next);
    assert!(!stage.is_fading());
    assert_eq!(stage.at(3.0 + 12.0), None);
    assert!(stage.is_fading(), "what follows comes with a fade");
    assert_eq!(stage.at(40.0), None, "it does not come back");
}

#[test]
fn finale_lasts_20_s_while_nothing_else_runs() {
    let mut app = running();
    let mut stage = Stage(&mut app);
    stage.tell("a", None, "end", 1);
    stage.at(1.0);
    assert!(stage.at(20.9).is_some());
    assert_eq!(stage.at(21.0), None);
}

#[test]
fn failure_anywhere_ends_the_finale_at_once() {
    for failed_at in [2, -1] {
        let mut app = running();
        let mut stage = Stage(&mut app);
        stage.tell("b", None, "start", -30);
        stage.tell("a", None, "end", 1);
        stage.at(1.0);
        assert!(stage.at(4.0).is_some());
        // Even one that happened before the end, and arrives late.
        stage.tell("b", None, "fail", failed_at);
        assert_eq!(stage.at(4.1), None, "{failed_at}");
        assert!(!stage.is_fading(), "without a fade");
        assert_eq!(stage.at(5.0), None, "it does not come back");
    }
}

#[test]
fn failure_before_the_end_does_not_prevent_a_finale() {
    let mut app = running();
    let mut stage = Stage(&mut app);
    stage.tell("b", None, "start", -30);
    stage.tell("b", None, "fail", -2);
    stage.at(0.5);
    stage.tell("a", None, "end", 1);
    assert!(stage.at(1.0).is_some());
}

#[test]
fn reduced_motion_gives_a_still_finale_with_a_fade_of_200_ms() {
    let mut app = running();
    app.world_mut().resource_mut::<Canvas>().reduced_motion = true;
    let mut stage = Stage(&mut app);
    stage.at(0.5);
    stage.tell("a", None, "end", 1);
    let begins = stage.at(1.0).unwrap();
    assert_eq!((begins.straight, begins.take, begins.score, begins.foot), (1.0, 1.0, 1.0, 1.0));
    assert!(stage.is_fading());
    let advance = |app: &mut App, secs| app.world_mut().resource_mut::<Canvas>().advance_fade(secs);
    advance(stage.0, 101.19);
    assert!(stage.is_fading());
    advance(stage.0, 101.2);
    assert!(!stage.is_fading());
    frame(stage.0, 101.5);
    assert!(!frame(stage.0, 101.6), "it stands still");
}

#[test]
fn run_that_was_opened_later_has_what_is_left_of_its_finale() {
    let mut app = running();
    let mut stage = Stage(&mut app);
    stage.tell("c", None, "start", -5);
    stage.0.world_mut().resource_mut::<Focus>().pin(RunId::new("c"));
    stage.at(0.5);
    stage.tell("a", None, "end", 1);
    stage.at(5.0);
    stage.0.world_mut().resource_mut::<Focus>().pin(RunId::new("a"));
    let opened = stage.at(6.0).unwrap();
    assert_eq!(opened.foot, 1.0, "no entrance");
    assert_eq!(stage.at(13.0), None);
}

#[test]
fn director_brings_a_run_with_its_whole_finale() {
    let mut app = running();
    let mut stage = Stage(&mut app);
    stage.tell("c", None, "start", -5);
    stage.0.world_mut().resource_mut::<Focus>().pin(RunId::new("c"));
    stage.tell("a", None, "end", 1);
    stage.at(20.0);
    stage.0.world_mut().resource_mut::<Focus>().direct(RunId::new("a"));
    assert_eq!(stage.at(21.0).unwrap().take, 0.0);
    assert!(stage.at(32.9).is_some());
    assert_eq!(stage.at(33.0), None);
}

#[test]
fn run_that_ended_while_the_stage_was_away_has_no_whole_finale() {
    let mut app = running();
    let mut stage = Stage(&mut app);
    assert_eq!(stage.at(0.5), None, "the run goes on");
    stage.0.world_mut().run_system_once(leave).unwrap();
    stage.tell("a", None, "end", 1);
    assert_eq!(stage.at(40.0), None);
    // One that the wall showed for a moment only has what is left.
    let mut app = running();
    let mut stage = Stage(&mut app);
    stage.at(0.5);
    stage.0.world_mut().run_system_once(leave).unwrap();
    stage.tell("a", None, "end", 1);
    assert_eq!(stage.at(6.0).unwrap().foot, 1.0, "no entrance");
    assert!(stage.at(20.9).is_some());
    assert_eq!(stage.at(21.0), None);
}

#[test]
fn unchanged_frames_request_the_next_change_of_the_finale() {
    let mut app = running();
    let mut stage = Stage(&mut app);
    stage.at(0.5);
    stage.tell("a", None, "end", 1);
    stage.at(1.0);
    stage.at(5.0);
    stage.take_requested();
    stage.at(5.5);
    // The next run's name is bright from 11 s on.
    assert_eq!(stage.take_requested(), Some(std::time::Duration::from_millis(6_500)));
}

#[test]
fn entrance_draws_the_same_contents_again() {
    let mut app = running();
    let mut stage = Stage(&mut app);
    stage.at(0.5);
    stage.tell("a", None, "end", 1);
    stage.at(1.0);
    let first = stage.contents();
    let (early, late) = (stage.at(1.5).unwrap(), stage.at(1.9).unwrap());
    assert!(early.straight < late.straight, "it moves");
    assert!(Arc::ptr_eq(&first, &stage.contents()));
    stage.at(2.5);
    let second = stage.contents();
    assert!(!Arc::ptr_eq(&first, &second), "the age is counted");
    let take = |contents: &Contents| Arc::clone(&contents.finale.as_ref().unwrap().take);
    assert!(Arc::ptr_eq(&take(&first), &take(&second)));
    // A late event changes the take.
    stage.tell("a", Some("RENDER"), "info", -1);
    stage.at(2.6);
    assert!(!Arc::ptr_eq(&take(&second), &take(&stage.contents())));
}

#[test]
fn take_has_the_score_that_rest_tells_later() {
    let mut app = running();
    let mut stage = Stage(&mut app);
    stage.at(0.5);
    stage.tell("a", None, "end", 1);
    stage.at(1.0);
    let score = |stage: &Stage| {
        let contents = stage.contents();
        contents.finale.as_ref().unwrap().take.verdicts[0].score
    };
    assert_eq!(score(&stage), None);
    let told = br#"{"run_id":"a","status":"completed","validation_scores":{"total":0.9}}"#;
    let mut batch = Batch::new(noon(), true);
    batch.push_run(Arc::new(RunSnapshot::read(told).unwrap()));
    stage.0.world_mut().resource_mut::<RunStore>().receive(batch, |_, _| {});
    stage.at(1.1);
    assert_eq!(score(&stage), Some(0.9));
}

#[test]
fn run_without_a_song_has_no_finale() {
    let mut app = app();
    app.insert_resource(PlaybackClock::default());
    let mut stage = Stage(&mut app);
    stage.set_clock(0);
    stage.tell("a", None, "start", -60);
    stage.tell("a", Some("VALIDATE"), "start", -20);
    stage.tell("a", Some("VALIDATE"), "end", -10);
    stage.0.world_mut().resource_mut::<Focus>().pin(RunId::new("a"));
    stage.at(0.0);
    stage.tell("a", None, "end", 1);
    assert_eq!(stage.at(2.0), None);
}

#[test]
fn fixed_clock_shows_the_finale_of_its_own_moment() {
    let mut app = running();
    let mut stage = Stage(&mut app);
    stage.tell("a", None, "end", 1);
    for (millis, expected) in [(1_700, 0.5), (2_800, 1.0)] {
        let at = noon() + SignedDuration::from_millis(700 + millis);
        let mut clock = PlaybackClock::fixed(at);
        clock.server_now = at;
        stage.0.insert_resource(clock);
        stage.0.insert_resource(StageMemory::default());
        frame(stage.0, 100.0);
        let memory = stage.0.world().resource::<StageMemory>();
        let moment = memory.drawn.as_ref().unwrap().finale.unwrap();
        assert!((moment.take - expected).abs() < 0.01, "{millis}: {moment:?}");
    }
}
