//! Changes of the source while the display runs: streams, recordings, drops, and recordings made here.

use std::path::{Path, PathBuf};
use std::process::Command;

use bevy::prelude::*;
use bevy::window::FileDragAndDrop;
use meterbridge::app::control::recording::Recordings;
use meterbridge::app::overlays::notices::Notices;
use meterbridge::app::state::actions::Action;
use meterbridge::app::state::clock::PlaybackClock;
use meterbridge::app::state::entities::RunEntity;
use meterbridge::app::state::focus::Focus;
use meterbridge::app::state::link::Link;
use meterbridge::app::state::opening::{FilesHover, RecentSources};
use meterbridge::app::state::run_store::RunStore;
use meterbridge::app::state::selection::Selection;
use meterbridge::app::state::timeline::TimelineState;
use meterbridge::config::Settings;
use meterbridge::demo::{DemoHandle, DemoOptions, spawn_thread};
use meterbridge::inspect::Report;
use meterbridge::model::Model;
use meterbridge::source::recorder::RecorderSettings;
use meterbridge::source::{ConnectionState, RecordingFiles, SourceSpec};

use super::scenes::{self, fixture};
use super::support::{connected_to, perform, until};

fn demo() -> DemoHandle {
    spawn_thread(DemoOptions { runs: 3, speed: 20.0, ..DemoOptions::default() }).unwrap()
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.view.speed = f64::INFINITY;
    settings
}

/// Returns an app connected to a demo studio whose first runs have arrived.
fn watching(demo: &DemoHandle) -> App {
    let mut app = connected_to(SourceSpec::WebSocket(demo.url().into()), settings());
    until(&mut app, "a run", |app| runs(app) > 0);
    app
}

fn link(app: &App) -> &Link {
    app.world().resource::<Link>()
}

fn model(app: &App) -> &Model {
    &app.world().resource::<RunStore>().model
}

fn runs(app: &App) -> usize {
    model(app).len()
}

fn scene(name: &str) -> SourceSpec {
    SourceSpec::Recording(scenes::path(name).into())
}

/// Opens a recording and waits for its end.
fn open(app: &mut App, source: SourceSpec) {
    let name = source.clone();
    perform(app, Action::OpenSource(source));
    until(app, "the end of the recording", |app| {
        let link = link(app);
        let is_over = |entry: &meterbridge::source::ConnectionLogEntry| {
            matches!(&entry.event, meterbridge::source::ConnectionEvent::Disconnected { reason, .. }
                if reason.starts_with("the recording has ended"))
        };
        link.source.as_ref() == Some(&name) && link.log.iter().any(is_over) && link.backlog == 0
    });
    app.update();
}

/// Returns the report of what is shown, and of a display that showed only this source.
fn reports(app: &App, source: SourceSpec) -> (String, String) {
    let report = |app: &App| serde_json::to_string_pretty(&Report::of(model(app))).unwrap();
    let mut fresh =
        connected_to(SourceSpec::Recording(fixture("cases/min-fix.ndjson").into()), settings());
    if let SourceSpec::Recording(_) = &source {
        fresh = connected_to(source, settings());
    }
    until(&mut fresh, "the end", |app| {
        link(app).state == ConnectionState::Disconnected && runs(app) > 0
    });
    (report(app), report(&fresh))
}

fn toast(app: &App) -> String {
    let notices = app.world().resource::<Notices>();
    notices.newest_first().next().map(|notice| notice.head()).unwrap_or_default()
}

#[test]
fn nothing_of_a_stream_remains_when_a_recording_is_opened() {
    let demo = demo();
    let mut app = watching(&demo);
    let run = model(&app).runs().next().unwrap().id().clone();
    app.world_mut().resource_mut::<Focus>().pin(run.clone());
    app.world_mut().resource_mut::<Selection>().0 = Some(run.clone());
    app.world_mut().resource_mut::<TimelineState>().back_ms = 60_000.0;
    let live_since = model(&app).counters().frames;
    assert!(live_since > 0);

    open(&mut app, scene("failed"));
    assert!(model(&app).run(&run).is_none());
    let (shown, fresh) = reports(&app, scene("failed"));
    assert_eq!(shown, fresh);
    assert_eq!(app.world().resource::<Selection>().0, None);
    assert_eq!(app.world().resource::<TimelineState>().back_ms, 0.0);
    assert!(app.world().resource::<Focus>().run() != Some(&run));
    assert!(
        link(&app).log.iter().all(|entry| entry.url.starts_with("file:")),
        "{:?}",
        link(&app).log
    );
    let world = app.world_mut();
    let entities: Vec<_> = world.query::<&RunEntity>().iter(world).cloned().collect();
    assert_eq!(entities.len(), runs(&app));
    assert!(entities.iter().all(|entity| entity.id != run));
    let year = app.world().resource::<PlaybackClock>().now.to_string();
    assert!(year.as_str() < "2026-11-30", "the time is the recording's: {year}");
}

#[test]
fn one_recording_follows_another_and_several_are_one() {
    let mut app = connected_to(scene("failed"), settings());
    until(&mut app, "the first", |app| runs(app) > 0);
    for name in ["completed", "wall-12"] {
        open(&mut app, scene(name));
        let (shown, fresh) = reports(&app, scene(name));
        assert_eq!(shown, fresh, "{name}");
    }
    let both = RecordingFiles::of(vec![scenes::path("wall-3"), scenes::path("failed")]);
    let both = SourceSpec::Recording(both.unwrap());
    open(&mut app, both.clone());
    let (shown, fresh) = reports(&app, both);
    assert_eq!(shown, fresh);
    let recent = app.world().resource::<RecentSources>();
    let names: Vec<String> = recent
        .sources()
        .filter_map(|source| match source {
            SourceSpec::Recording(files) => Some(files.name()),
            _ => None,
        })
        .collect();
    assert_eq!(names, ["wall-3.ndjson and 1 more", "wall-12.ndjson", "completed.ndjson"]);
}

#[test]
fn back_to_the_stream_shows_the_stream_as_of_now() {
    let demo = demo();
    let mut app = watching(&demo);
    open(&mut app, scene("failed"));
    let recorded = model(&app).runs().next().unwrap().id().clone();
    assert_eq!(link(&app).stream(), Some(SourceSpec::WebSocket(demo.url().into())));

    perform(&mut app, Action::BackToStream);
    until(&mut app, "the stream", |app| {
        matches!(&link(app).state, ConnectionState::Connected { url, .. } if url == demo.url())
            && runs(app) > 0
    });
    assert!(model(&app).run(&recorded).is_none());
    let now = app.world().resource::<PlaybackClock>().now;
    let behind = jiff::Timestamp::now().duration_since(now).as_secs_f64();
    assert!(behind.abs() < 5.0, "the time is the real one again: {behind} s");
    // A stream has nothing to go back to.
    perform(&mut app, Action::BackToStream);
    app.update();
    assert!(matches!(link(&app).source, Some(SourceSpec::WebSocket(_))));
}

#[test]
fn demo_studio_begins_anew_after_a_recording() {
    let mut app = connected_to(SourceSpec::Demo, settings());
    until(&mut app, "a run", |app| runs(app) > 0);
    open(&mut app, scene("failed"));
    assert_eq!(link(&app).stream(), Some(SourceSpec::Demo));
    perform(&mut app, Action::BackToStream);
    until(&mut app, "the studio", |app| link(app).is_demo() && runs(app) > 0);
    assert!(link(&app).acting().is_ok(), "its runs can be operated on");
}

#[test]
fn connect_leads_from_a_recording_to_an_address() {
    let demo = demo();
    let mut app = connected_to(scene("failed"), settings());
    until(&mut app, "the recording", |app| runs(app) > 0);
    let recorded = model(&app).runs().next().unwrap().id().clone();
    perform(&mut app, Action::Connect(demo.url().into()));
    until(&mut app, "the stream", |app| {
        matches!(link(app).state, ConnectionState::Connected { .. })
            && !link(app).is_recording()
            && runs(app) > 0
    });
    assert!(model(&app).run(&recorded).is_none());
}

#[test]
fn file_that_cannot_be_read_costs_nothing_and_is_told() {
    let demo = demo();
    let mut app = watching(&demo);
    let kept: Vec<_> = model(&app).runs().map(|run| run.id().clone()).collect();
    for (path, words) in [
        ("no/such.ndjson", "cannot open the recording `no/such.ndjson`"),
        ("tests", "`tests` is a folder: name a recording in it"),
        ("Cargo.toml", "`Cargo.toml` is not a recording"),
    ] {
        let source = SourceSpec::Recording(Path::new(path).into());
        perform(&mut app, Action::OpenSource(source));
        until(&mut app, "the refusal", |app| toast(app).contains(words));
        assert!(toast(&app).starts_with("Not opened "), "{}", toast(&app));
        let (_, error) = link(&app).last_error.clone().unwrap();
        assert!(error.contains(words), "{error}");
    }
    assert!(matches!(link(&app).state, ConnectionState::Connected { .. }));
    assert!(kept.iter().all(|run| model(&app).run(run).is_some()), "what was shown stays");
}

#[test]
fn files_of_one_drop_are_opened_together() {
    let mut app = connected_to(scene("failed"), settings());
    until(&mut app, "the recording", |app| runs(app) > 0);
    let window = Entity::PLACEHOLDER;
    let hover = |name: &str| FileDragAndDrop::HoveredFile { window, path_buf: scenes::path(name) };
    let drop = |name: &str| FileDragAndDrop::DroppedFile { window, path_buf: scenes::path(name) };
    app.world_mut().write_message(hover("wall-3"));
    app.update();
    assert_eq!(*app.world().resource::<FilesHover>(), FilesHover(true));
    app.world_mut().write_message(FileDragAndDrop::HoveredFileCanceled { window });
    app.update();
    assert_eq!(*app.world().resource::<FilesHover>(), FilesHover(false));
    // The system may tell of the files in two frames.
    app.world_mut().write_message(hover("wall-3"));
    app.world_mut().write_message(drop("wall-3"));
    app.update();
    app.world_mut().write_message(drop("completed"));
    app.update();
    assert_eq!(*app.world().resource::<FilesHover>(), FilesHover(false));
    let both = RecordingFiles::of(vec![scenes::path("wall-3"), scenes::path("completed")]).unwrap();
    until(&mut app, "both files", |app| {
        link(app).source == Some(SourceSpec::Recording(both.clone())) && runs(app) >= 4
    });
}

#[test]
fn opening_that_was_cancelled_changes_nothing() {
    let mut app = connected_to(scene("failed"), settings());
    until(&mut app, "the recording", |app| runs(app) > 0);
    app.world_mut().write_message(Action::OpenSource(scene("completed")));
    app.world_mut().write_message(Action::CancelOpening);
    for _ in 0..50 {
        app.update();
        std::thread::yield_now();
    }
    assert_eq!(link(&app).source, Some(scene("failed")));
}

/// A folder that is removed at the end of a test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("meterbridge-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn inspect(path: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_meterbridge"))
        .args(["inspect", "--json"])
        .arg(path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn recording_from_the_window_reads_as_what_was_shown() {
    let folder = Folder::new("recordings");
    let demo = demo();
    let mut settings = settings();
    settings.connection.enabled = false;
    let mut app = connected_to(SourceSpec::WebSocket(demo.url().into()), settings);
    app.world_mut().resource_mut::<Recordings>().folder = Some(folder.0.clone());
    app.update();
    perform(&mut app, Action::ToggleRecording);
    assert!(link(&app).settings.recorder.is_some());
    assert!(toast(&app).starts_with("Recording to "), "{}", toast(&app));
    perform(&mut app, Action::Connect(demo.url().into()));
    until(&mut app, "runs", |app| runs(app) > 3);
    perform(&mut app, Action::Disconnect);
    until(&mut app, "the end of the connection", |app| {
        link(app).state == ConnectionState::Disconnected && link(app).backlog == 0
    });
    perform(&mut app, Action::ToggleRecording);
    assert!(link(&app).settings.recorder.is_none());
    until(&mut app, "the last lines", |app| toast(app).starts_with("Recorded "));

    let files: Vec<_> =
        std::fs::read_dir(&folder.0).unwrap().map(|it| it.unwrap().path()).collect();
    let [file] = &files[..] else { panic!("{files:?}") };
    assert_eq!(file.extension().and_then(|ending| ending.to_str()), Some("ndjson"));
    assert!(file.file_name().unwrap().to_str().unwrap().starts_with("127.0.0.1-"), "{file:?}");
    let told: serde_json::Value = serde_json::from_str(&inspect(file)).unwrap();
    let shown = serde_json::to_value(Report::of(model(&app))).unwrap();
    assert_eq!(told["runs"], shown["runs"]);

    // The recording can be opened where it was made.
    open(&mut app, SourceSpec::Recording(file.clone().into()));
    let again = serde_json::to_value(Report::of(model(&app))).unwrap();
    assert_eq!(again["runs"], shown["runs"]);
}

#[test]
fn recording_ends_when_a_recording_is_opened() {
    let folder = Folder::new("ends");
    let demo = demo();
    let mut app = watching(&demo);
    app.world_mut().resource_mut::<Recordings>().folder = Some(folder.0.clone());
    perform(&mut app, Action::ToggleRecording);
    open(&mut app, scene("failed"));
    assert!(link(&app).settings.recorder.is_none());
    until(&mut app, "the last lines", |app| toast(app).starts_with("Recorded "));
    perform(&mut app, Action::ToggleRecording);
    assert!(link(&app).settings.recorder.is_none());
    let refusal = "Not recording: a recording is playing; return to the stream first";
    assert_eq!(toast(&app), refusal);
}

#[test]
fn second_recording_beside_a_named_one_replaces_nothing() {
    let folder = Folder::new("named");
    std::fs::create_dir_all(&folder.0).unwrap();
    let named = folder.0.join("studio.ndjson.gz");
    let demo = demo();
    let mut settings = settings();
    settings.record = Some(RecorderSettings { path: named.clone(), ..RecorderSettings::default() });
    let mut app = connected_to(SourceSpec::WebSocket(demo.url().into()), settings);
    app.update();
    for ended in ["the first", "the second"] {
        perform(&mut app, Action::ToggleRecording);
        assert!(link(&app).settings.recorder.is_some(), "{}", toast(&app));
        perform(&mut app, Action::ToggleRecording);
        until(&mut app, ended, |app| toast(app).starts_with("Recorded "));
    }
    assert!(named.exists());
    let files = std::fs::read_dir(&folder.0).unwrap().map(|it| it.unwrap().file_name());
    let mut names: Vec<String> = files.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[0].starts_with("studio-") && names[0].ends_with(".ndjson.gz"), "{names:?}");
}

#[test]
fn folder_that_cannot_be_written_is_told_and_the_display_goes_on() {
    let demo = demo();
    let mut app = watching(&demo);
    app.world_mut().resource_mut::<Recordings>().folder = Some("Cargo.toml/recordings".into());
    perform(&mut app, Action::ToggleRecording);
    assert!(toast(&app).starts_with("Not recording: cannot create the folder"), "{}", toast(&app));
    assert!(link(&app).settings.recorder.is_none());
    let before = model(&app).counters().events;
    until(&mut app, "more events", |app| model(app).counters().events > before);
}
