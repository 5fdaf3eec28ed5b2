//! The demo studio on a display: the story of its first two minutes, a presenter's keys, and run
//! operations.

use std::collections::HashSet;

use bevy::prelude::*;
use jiff::SignedDuration;
use meterbridge::app::MeterbridgePlugin;
use meterbridge::app::control::director::DirectorPlugin;
use meterbridge::app::draw::{Canvas, DrawClock};
use meterbridge::app::overlays::notices::Notices;
use meterbridge::app::state::actions::{ACTIONS, Action, OperationKind, Presenting};
use meterbridge::app::state::auto::Auto;
use meterbridge::app::state::clock::PlaybackClock;
use meterbridge::app::state::focus::Focus;
use meterbridge::app::state::link::Link;
use meterbridge::app::state::run_store::RunStore;
use meterbridge::app::state::view::View;
use meterbridge::app::state::viewport::Viewport;
use meterbridge::config::{DemoSettings, Settings, ViewName};
use meterbridge::demo::Dialect;
use meterbridge::demo::dialect::{Delivery, Session};
use meterbridge::demo::scenario::{DemoSchedule, DemoScheduleOptions, Timeline};
use meterbridge::director::DirectorSettings;
use meterbridge::model::{Run, RunStatus};
use meterbridge::protocol::RunId;
use meterbridge::source::{ConnectionState, RunOperation, SourceSpec};

use super::support::{connected_to, feed_as, headless_app, noon, perform, until};

/// Frames a second, in virtual time.
const RATE: f64 = 10.0;

/// A display whose director has begun `phase_secs` after the studio opened.
struct Display {
    app: App,
    events: std::iter::Peekable<Box<dyn Iterator<Item = (f64, String)>>>,
    phase_secs: f64,
    secs: f64,
}

impl Display {
    fn new(seed: u64, phase_secs: f64, hold_completed_secs: f64) -> Self {
        let mut settings = Settings::default();
        settings.view.view = ViewName::Wall;
        let mut director = DirectorSettings { on: true, ..default() };
        director.rates.hold_completed_secs = hold_completed_secs;
        let mut app = App::new();
        app.add_plugins((
            MinimalPlugins,
            MeterbridgePlugin { settings, source: None },
            DirectorPlugin { settings: director },
        ))
        .insert_resource(PlaybackClock::fixed(noon()))
        .insert_resource(DrawClock { secs: 0.0, follow_real_time: false })
        .init_resource::<Canvas>()
        .init_resource::<Viewport>();
        app.update();
        let session = Session { epoch: noon(), speed: 1.0, salt: 0 };
        let schedule = DemoSchedule::new(seed, DemoScheduleOptions::default());
        let events = Timeline::new(schedule).filter_map(move |event| {
            let frame = Dialect::Guide.render(&event, &session, Delivery::Live)?;
            Some((event.at.as_secs_f64(), frame))
        });
        let events: Box<dyn Iterator<Item = (f64, String)>> = Box::new(events);
        Self { app, events: events.peekable(), phase_secs, secs: 0.0 }
    }

    fn draw_next_frame(&mut self) {
        self.secs += 1.0 / RATE;
        let studio_secs = self.secs + self.phase_secs;
        let now = noon() + SignedDuration::from_secs_f64(studio_secs);
        self.app.world_mut().resource_mut::<PlaybackClock>().set(now);
        let mut frames = Vec::new();
        while let Some((_, frame)) = self.events.next_if(|(at, _)| *at <= studio_secs) {
            frames.push(frame);
        }
        self.app.world_mut().resource_mut::<DrawClock>().secs = self.secs;
        // Frames of the first two seconds of a connection count as replayed.
        feed_as(&mut self.app, frames, self.secs > 2.0);
    }

    /// Returns the run on the stage; `None` while the wall is shown.
    fn on_stage(&self) -> Option<&Run> {
        let world = self.app.world();
        let on_stage = matches!(world.resource::<View>(), View::Stage { .. });
        let run = world.resource::<Focus>().run().filter(|_| on_stage)?;
        world.resource::<RunStore>().model.run(run)
    }
}

/// Returns what the stage shows of a run, such as "fix, 0.73 then 0.88". `failed` is the song of the
/// failure that was shown before.
fn told(run: &Run, failed: Option<&str>) -> String {
    let passes = run.node("VALIDATE").map(|node| node.history()).unwrap_or_default();
    let scores: Vec<f64> = passes
        .iter()
        .filter_map(|pass| pass.scores.iter().find(|(name, _)| name == "total"))
        .map(|(_, value)| *value)
        .collect();
    match (run.status, run.fix_iterations, &scores[..]) {
        (RunStatus::Completed, 0, [_]) => "success".to_owned(),
        (RunStatus::Running, 1, [low]) if *low < 0.8 => "fix, one score".to_owned(),
        (RunStatus::Running, 1, [low, high]) if low < high && *high >= 0.8 => {
            "fix, a lower and a higher score".to_owned()
        }
        (RunStatus::Failed, ..) => "failure".to_owned(),
        (RunStatus::Running, 0, []) if failed.is_some() && run.song_id.as_deref() == failed => {
            "retry".to_owned()
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn first_two_minutes_show_a_success_a_fix_and_a_failure_with_its_retry_on_the_stage() {
    // The display may begin before or after its first events, and show finales.
    for (phase_secs, hold_completed_secs) in
        [(0.0, 6.0), (0.05, 12.0), (1.3, 6.0), (2.9, 12.0), (4.0, 6.0), (8.0, 6.0)]
    {
        let mut display = Display::new(7, phase_secs, hold_completed_secs);
        let mut story: Vec<String> = Vec::new();
        let mut failed: Option<String> = None;
        while display.secs + phase_secs < 120.0 {
            display.draw_next_frame();
            let Some(run) = display.on_stage() else { continue };
            let words = told(run, failed.as_deref());
            if run.status == RunStatus::Failed {
                failed = run.song_id.as_ref().map(ToString::to_string);
            }
            if story.last() != Some(&words) {
                story.push(words);
            }
        }
        let expected =
            ["success", "fix, one score", "fix, a lower and a higher score", "failure", "retry"];
        let from =
            format!("{phase_secs} s after the opening, successes for {hold_completed_secs} s");
        assert_eq!(story[..expected.len().min(story.len())], expected, "{from}: {story:?}");
    }
}

/// An app connected to its own demo studio.
fn demo(runs: u32, speed: f64) -> App {
    let demo = DemoSettings { runs: Some(runs), speed, ..default() };
    let mut app = connected_to(SourceSpec::Demo, Settings { demo, ..Settings::default() });
    app.insert_resource(DrawClock { secs: 0.0, follow_real_time: false });
    until(&mut app, "runs on a live connection", |app| {
        let state = &app.world().resource::<Link>().state;
        matches!(state, ConnectionState::Connected { .. }) && !model(app).is_empty()
    });
    app
}

fn model(app: &App) -> &meterbridge::model::Model {
    &app.world().resource::<RunStore>().model
}

/// Returns the title and words of each kept notice, newest first. Runs that end meanwhile have some, too.
fn notices(app: &App) -> impl Iterator<Item = (&str, String)> {
    app.world().resource::<Notices>().newest_first().map(|notice| {
        let words = format!("{} {}", notice.verb(), notice.detail());
        (notice.title.as_str(), words.trim_end().to_owned())
    })
}

/// Returns the newest words of the demo studio about its presenter's keys.
fn studio_words(app: &App) -> String {
    notices(app)
        .find(|(title, _)| *title == "Demo studio")
        .map(|(_, words)| words)
        .unwrap_or_default()
}

fn is_told(app: &App, words: &str) -> bool {
    notices(app).any(|(_, told)| told.contains(words))
}

/// Presses confirm in the dialog that an action opens.
fn confirm(app: &mut App, kind: OperationKind, run: &RunId, operation: RunOperation) {
    perform(app, Action::Ask(kind, Some(run.clone())));
    perform(app, Action::Answer(Some(operation)));
}

fn known_runs(app: &App) -> HashSet<RunId> {
    model(app).runs().map(|run| run.id().clone()).collect()
}

fn run_with(app: &mut App, what: &str, is: impl Fn(&Run) -> bool) -> RunId {
    let mut found = None;
    until(app, what, |app| {
        found = model(app).runs().find(|run| is(run)).map(|run| run.id().clone());
        found.is_some()
    });
    found.unwrap()
}

#[test]
fn demo_is_operated_like_a_backend_without_permission_in_the_settings() {
    let mut app = demo(4, 4.0);
    assert!(app.world().resource::<Link>().is_demo());
    assert_eq!(app.world().resource::<Link>().acting(), Ok(()));

    // In a long step, which at a real studio's speed does not end before the run is cancelled.
    let running = run_with(&mut app, "a run in a long step", |run| {
        run.current_node().is_some_and(|node| {
            let is_new = node.elapsed_ms(jiff::Timestamp::now()).is_some_and(|ms| ms < 1_000);
            is_new && ["LYRICS", "COMPOSE", "RENDER"].contains(&&*node.name)
        })
    });
    perform(&mut app, Action::Present(Presenting::Speed(1)));
    let cancel = RunOperation::Cancel(running.clone());
    confirm(&mut app, OperationKind::Cancel, &running, cancel);
    until(&mut app, "a cancelled run", |app| {
        model(app).run(&running).is_some_and(|run| run.status == RunStatus::Cancelled)
    });

    perform(&mut app, Action::Present(Presenting::Speed(5)));
    perform(&mut app, Action::Present(Presenting::FailNext));
    let failed = run_with(&mut app, "a failed run", |run| {
        run.status == RunStatus::Failed && run.failed_node().is_some_and(|n| n.name == "STYLE")
    });
    // The studio retries the song by itself, too.
    let known = known_runs(&app);
    let retry = RunOperation::Retry(failed.clone());
    confirm(&mut app, OperationKind::Retry, &failed, retry);
    until(&mut app, "an answer to the retry", |app| is_told(app, "retry created"));
    let song = model(&app).run(&failed).unwrap().song_id.clone();
    let queued = run_with(&mut app, "a queued run", |run| {
        run.status == RunStatus::Pending && run.song_id == song && !known.contains(run.id())
    });
    let execute = RunOperation::Execute(queued.clone());
    confirm(&mut app, OperationKind::Execute, &queued, execute);
    until(&mut app, "the execution", |app| {
        model(app).run(&queued).is_some_and(|run| run.status != RunStatus::Pending)
    });

    let known = known_runs(&app);
    let start = RunOperation::Start { song_id: song.clone().unwrap(), seed: Some(5) };
    confirm(&mut app, OperationKind::Start, &queued, start);
    let made = run_with(&mut app, "a run with seed 5", |run| {
        run.seed == Some(5.into()) && !known.contains(run.id())
    });
    assert_eq!(model(&app).run(&made).unwrap().song_id, song);
}

#[test]
fn presenters_keys_pause_and_speed_up_the_studio_and_say_so() {
    let mut app = demo(6, 20.0);
    let cancelled = |app: &App| {
        let runs = model(app).runs().filter(|run| run.status == RunStatus::Cancelled);
        runs.map(|run| run.id().clone()).collect::<HashSet<_>>()
    };
    let mut cancelled_before = HashSet::new();
    let mut unfinished = HashSet::new();
    for (command, words) in [
        (Presenting::Speed(1), "speed of a real studio"),
        (Presenting::Speed(5), "5 times as fast"),
        (Presenting::TogglePause, "the studio is paused; F8 resumes it"),
        (Presenting::FixNext, "a run starts when the studio resumes, and will need a fix"),
        (Presenting::TogglePause, "the studio has resumed"),
        (Presenting::FailNext, "a run starts now, and will fail in STYLE"),
        (Presenting::Restart, "the studio has restarted; its unfinished runs were cancelled"),
    ] {
        if command == Presenting::Restart {
            let runs = model(&app).runs().filter(|run| !run.status.is_over());
            unfinished = runs.map(|run| run.id().clone()).collect();
            cancelled_before = cancelled(&app);
        }
        perform(&mut app, Action::Present(command));
        assert_eq!(studio_words(&app), words);
    }
    assert!(!unfinished.is_empty());
    until(&mut app, "the end of all runs of the time before the restart", |app| {
        unfinished.iter().all(|run| model(app).run(run).is_none_or(|run| run.status.is_over()))
    });
    // The run that had just started was cancelled, even if it was not known here yet.
    until(&mut app, "a run that the restart cancelled", |app| cancelled(app) != cancelled_before);
}

#[test]
fn presenters_keys_do_nothing_outside_the_demo_and_say_why() {
    let mut app = headless_app();
    app.insert_resource(DrawClock { secs: 0.0, follow_real_time: false });
    for entry in ACTIONS.iter().filter(|entry| entry.presents()) {
        perform(&mut app, (entry.action)());
        let words = notices(&app).next().map(|(_, words)| words).unwrap_or_default();
        assert!(words.contains("only for the demo studio"), "{}: {words}", entry.name);
        assert!(words.contains("this display shows no source"), "{}: {words}", entry.name);
    }
    assert!(model(&app).is_empty());
}

#[test]
fn demo_connected_to_another_server_needs_permission_for_operations_again() {
    let mut app = demo(1, 20.0);
    let run = run_with(&mut app, "a running run", |run| run.status == RunStatus::Running);
    perform(&mut app, Action::Ask(OperationKind::Cancel, Some(run.clone())));
    perform(&mut app, Action::Connect("ws://127.0.0.1:9/events".into()));
    assert!(app.world().resource::<Link>().acting().is_err());
    let cancel = RunOperation::Cancel(run.clone());
    perform(&mut app, Action::Answer(Some(cancel)));
    perform(&mut app, Action::Present(Presenting::FailNext));
    assert!(is_told(&app, "only for the demo studio"));
    assert!(!model(&app).run(&run).unwrap().cancel_requested);
}

/// A presenter's key lets the director go on; any other key pins the view.
#[test]
fn presenters_keys_do_not_pin_the_view() {
    let mut display = Display::new(7, 0.0, 6.0);
    perform(&mut display.app, Action::Present(Presenting::FailNext));
    assert!(display.app.world().resource::<Auto>().0.is_auto());
    perform(&mut display.app, Action::NextRun);
    assert!(!display.app.world().resource::<Auto>().0.is_auto());
}
