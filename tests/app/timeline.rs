//! The timeline: how it is reached and left, and what it says of runs and races.

mod known;

use std::path::Path;

use bevy::prelude::*;
use jiff::tz::TimeZone;
use meterbridge::app::state::actions::{ACTIONS, Action, Scope};
use meterbridge::app::state::clock::PlaybackClock;
use meterbridge::app::state::focus::Focus;
use meterbridge::app::state::run_store::RunStore;
use meterbridge::app::state::run_view::StageView;
use meterbridge::app::state::selection::Selection;
use meterbridge::app::state::timeline::{Against, TimelineState};
use meterbridge::app::state::view::{TimelineMode, View};
use meterbridge::app::views::timeline::bar::BarKind;
use meterbridge::app::views::timeline::lanes_view::{Lane, LanesView};
use meterbridge::app::views::timeline::race_view::RaceView;
use meterbridge::app::views::timeline::runs_view::{AHEAD, CellKind, RowEnd, RunRow, RunsView};
use meterbridge::config::{Settings, ViewName};
use meterbridge::protocol::RunId;

use super::support::{
    event, feed, headless_app, headless_app_with, pass, perform, play_scene, play_tape,
};

fn view(app: &App) -> View {
    *app.world().resource::<View>()
}

fn timeline(mode: TimelineMode, from_wall: bool) -> View {
    View::Timeline { mode, from_wall }
}

fn select(app: &mut App, run: &str) {
    app.world_mut().resource_mut::<Selection>().0 = Some(RunId::new(run));
}

fn focused(app: &App) -> Option<String> {
    app.world().resource::<Focus>().run().map(ToString::to_string)
}

fn action_of(key: &str) -> Action {
    let on_timeline = |scope: Scope| scope != Scope::History;
    let has_key = ACTIONS
        .iter()
        .filter(|entry| on_timeline(entry.scope))
        .find(|entry| entry.keys.iter().any(|keys| keys.to_string() == key));
    (has_key.unwrap().action)()
}

/// The event of a step's end, with its duration.
fn ended(run: &str, node: &str, second: i64, took: i64) -> String {
    let data = format!(r#","data":{{"duration_ms":{}}}}}"#, took * 1_000);
    event(run, Some(node), "end", second).replace('}', &data)
}

/// Events of a run of a song: its start, and steps one after the other.
fn run_of(run: &str, song: &str, begun: i64, steps: &[(&str, i64)]) -> Vec<String> {
    let data = format!(r#","data":{{"song_id":"{song}","song_title":"{song}"}}}}"#);
    let mut events = vec![event(run, None, "start", begun).replace('}', &data)];
    let mut second = begun;
    for (node, took) in steps {
        events.push(event(run, Some(node), "start", second));
        second += took;
        events.push(ended(run, node, second, *took));
    }
    events
}

fn lanes(app: &App) -> LanesView {
    let world = app.world();
    let (run_store, clock) = (world.resource::<RunStore>(), world.resource::<PlaybackClock>());
    let run = world.resource::<Focus>().run().and_then(|id| run_store.model.run(id)).unwrap();
    let stage = StageView::of(run, run_store, clock.now, clock.server_now);
    LanesView::of(run, &stage, run_store, 40, clock.server_now)
}

fn runs(app: &App, room: usize) -> RunsView {
    let world = app.world();
    let (run_store, clock) = (world.resource::<RunStore>(), world.resource::<PlaybackClock>());
    let state = world.resource::<TimelineState>();
    RunsView::of(run_store, state, (room, 1_290.0, AHEAD), None, (clock.server_now, &TimeZone::UTC))
}

fn race(app: &App, run: &str, against: Against) -> (RaceView, String) {
    let world = app.world();
    let (run_store, clock) = (world.resource::<RunStore>(), world.resource::<PlaybackClock>());
    let run = run_store.model.run(&RunId::new(run)).unwrap();
    let times = (clock.now, clock.server_now);
    let (race, header) = RaceView::of(run, run_store, &against, times, &TimeZone::UTC);
    (race, format!("{} {} {}", header.word, header.note, header.number))
}

fn lane<'a>(view: &'a LanesView, label: &str) -> &'a Lane {
    view.lanes.iter().find(|lane| lane.label == label).unwrap()
}

/// A lane in one line: its words, and each bar as `COMPOSE+`, at work `>`, failed `!`, refused `?`.
fn lane_words(lane: &Lane) -> String {
    let bars = lane.bars.iter().map(|bar| {
        let mark = match bar.kind {
            BarKind::Done => "+",
            BarKind::AtWork => ">",
            BarKind::Failed => "!",
            BarKind::Refused => "?",
            BarKind::Stopped => "=",
            BarKind::Unsure => "~",
        };
        format!("{}{mark}", bar.name)
    });
    let verdict = lane.verdict.as_ref().map(|(_, score)| score.clone());
    let words = [lane.before.clone()]
        .into_iter()
        .chain(bars)
        .chain(verdict)
        .chain([lane.took.clone(), lane.share.clone(), lane.note.to_owned()])
        .chain(lane.failure.clone())
        .filter(|words| !words.is_empty());
    format!("{}: {}", lane.label, words.collect::<Vec<_>>().join(" ")).trim_end().to_owned()
}

fn all_lanes(view: &LanesView) -> Vec<String> {
    view.lanes.iter().map(lane_words).collect()
}

#[test]
fn key_g_toggles_the_timeline_of_what_is_shown() {
    assert_eq!(action_of("G"), Action::ToggleTimeline);
    assert_eq!(action_of("J"), Action::SkipPause);
    let mut app = headless_app();
    feed(&mut app, [event("a", Some("PLAN"), "start", 0)]);
    perform(&mut app, action_of("G"));
    assert_eq!(view(&app), timeline(TimelineMode::Run, false));
    perform(&mut app, action_of("G"));
    assert_eq!(view(&app), View::Stage { from_wall: false });
    perform(&mut app, Action::ToggleWall);
    perform(&mut app, action_of("G"));
    assert_eq!(view(&app), timeline(TimelineMode::AllRuns, false));
    perform(&mut app, action_of("G"));
    assert_eq!(view(&app), View::Wall);
}

#[test]
fn enter_opens_a_selected_run_and_then_its_stage_and_escape_goes_back() {
    let mut app = headless_app();
    feed(&mut app, [event("a", Some("PLAN"), "start", 0), event("b", Some("PLAN"), "start", 1)]);
    perform(&mut app, Action::ToggleWall);
    perform(&mut app, Action::ToggleTimeline);
    perform(&mut app, Action::OpenSelected);
    assert_eq!(view(&app), timeline(TimelineMode::AllRuns, false), "nothing is selected");
    select(&mut app, "a");
    perform(&mut app, Action::OpenSelected);
    assert_eq!(view(&app), timeline(TimelineMode::Run, true));
    assert_eq!(focused(&app).as_deref(), Some("a"));
    perform(&mut app, Action::OpenSelected);
    assert_eq!(view(&app), View::Stage { from_wall: true });
    perform(&mut app, Action::ToggleTimeline);
    perform(&mut app, Action::Back);
    assert_eq!(view(&app), timeline(TimelineMode::AllRuns, false));
    perform(&mut app, Action::Back);
    assert_eq!(view(&app), timeline(TimelineMode::AllRuns, false), "the selection goes first");
    perform(&mut app, Action::Back);
    assert_eq!(view(&app), View::Wall);
}

#[test]
fn w_on_the_timeline_changes_between_one_run_and_all() {
    let mut app = headless_app();
    feed(&mut app, [event("a", Some("PLAN"), "start", 0)]);
    perform(&mut app, Action::ToggleTimeline);
    perform(&mut app, Action::ToggleWall);
    assert_eq!(view(&app), timeline(TimelineMode::AllRuns, false));
    perform(&mut app, Action::ToggleWall);
    assert_eq!(view(&app), timeline(TimelineMode::Run, true));
}

#[test]
fn settings_choose_the_form_of_the_timeline() {
    for (name, run, mode) in [
        (ViewName::Timeline, None, TimelineMode::AllRuns),
        (ViewName::Timeline, Some("a"), TimelineMode::Run),
        (ViewName::Race, Some("a"), TimelineMode::Race),
    ] {
        let mut settings = Settings::default();
        settings.view.view = name;
        settings.view.run = run.map(str::to_owned);
        let app = headless_app_with(settings);
        assert_eq!(view(&app), timeline(mode, false));
        assert_eq!(view(&app).name(), name);
    }
}

#[test]
fn zoom_is_by_steps_and_f_fits_again() {
    let mut app = headless_app();
    let steps = [("PLAN", 60), ("STYLE", 60)];
    feed(&mut app, run_of("a", "Neon Rain", -600, &steps));
    perform(&mut app, Action::ToggleWall);
    perform(&mut app, Action::ToggleTimeline);
    assert_eq!(runs(&app, 14).minutes, 15, "the smallest in which the run fits");
    perform(&mut app, action_of("+"));
    assert_eq!(runs(&app, 14).minutes, 5);
    for _ in 0..9 {
        perform(&mut app, action_of("-"));
    }
    assert_eq!(runs(&app, 14).minutes, 60);
    perform(&mut app, Action::Fit);
    assert_eq!(runs(&app, 14).minutes, 15);
}

#[test]
fn a_run_grows_and_its_likely_end_stays() {
    let mut app = headless_app();
    play_scene(&mut app, "mid-run");
    let before = lanes(&app);
    assert!(before.goes_on);
    assert_eq!(lane_words(lane(&before, "LYRICS")), "LYRICS: LYRICS>");
    assert_eq!(lane_words(lane(&before, "RENDER")), "RENDER:");
    assert_eq!(lane(&before, "RENDER").usual, "usual 0:48");
    pass(&mut app, 1);
    let after = lanes(&app);
    assert_eq!(after.likely_end, before.likely_end);
    assert_eq!((after.shown, after.origin), (before.shown, before.origin));
    assert_eq!(after.lanes[2].bars, before.lanes[2].bars, "what stands still is equal");
    // Beyond its usual time the end moves away, and nothing says when a late run ends.
    pass(&mut app, 12);
    assert!(lanes(&app).likely_end > before.likely_end);
    pass(&mut app, 60);
    assert_eq!(lanes(&app).likely_end, None);
}

#[test]
fn queue_and_waits_are_visible() {
    let mut app = headless_app();
    play_scene(&mut app, "mid-run");
    let view = lanes(&app);
    let queue = view.waits.iter().find(|wait| wait.is_queue).unwrap();
    assert_eq!((queue.lane, queue.span.millis() / 1_000), (0, 32));
    assert!(view.shares.contains("waiting"), "{}", view.shares);
}

#[test]
fn three_fix_passes_are_three_lanes() {
    let mut app = headless_app();
    play_scene(&mut app, "completed-exhausted");
    let view = lanes(&app);
    let lines = all_lanes(&view);
    let loops: Vec<&String> = lines.iter().filter(|line| line.contains("COMPOSE")).collect();
    assert_eq!(loops.len(), 4, "{lines:#?}");
    for (line, begins) in loops.iter().zip(["first:", "fix 1: FIX", "fix 2: FIX", "fix 3: FIX"]) {
        assert!(line.starts_with(begins), "{line}");
        assert!(line.contains("VALIDATE?"), "{line}");
    }
    let refused = view.links.iter().filter(|link| link.refused).count();
    assert_eq!(refused, 3, "each refusal leads to a fix");
}

#[test]
fn a_failed_step_says_its_reason() {
    let mut app = headless_app();
    play_scene(&mut app, "failed");
    let view = lanes(&app);
    let line = lane_words(lane(&view, "RENDER"));
    assert!(line.contains("RENDER! "), "{line}");
    assert!(line.contains("Engine queue rejected the job: quota exceeded"), "{line}");
    assert_eq!(lane(&view, "REVIEW").note, "not run");
    assert!(!view.goes_on && view.likely_end.is_none());
}

#[test]
fn what_is_not_known_is_said() {
    let mut app = headless_app();
    feed(
        &mut app,
        [
            event("a", Some("PLAN"), "start", -60),
            event("a", Some("STYLE"), "start", -50),
            event("a", Some("LYRICS"), "end", -20),
        ],
    );
    assert_eq!(lane(&lanes(&app), "RENDER").note, "no usual time yet");
    feed(&mut app, [event("a", None, "end", -10)]);
    let view = lanes(&app);
    assert_eq!(lane(&view, "PLAN").note, "end not seen");
    assert_eq!(lane(&view, "LYRICS").note, "start not seen");
    assert_eq!(lane(&view, "RENDER").note, "not run");
}

fn row<'a>(view: &'a RunsView, id: &str) -> &'a RunRow {
    view.rows.iter().find(|row| row.id == *id).unwrap()
}

#[test]
fn all_runs_stand_in_order_of_their_starts_with_how_they_ended() {
    let mut app = headless_app();
    let all = [("PLAN", 5), ("STYLE", 5), ("LYRICS", 20)];
    let mut events = run_of("done", "Low Sun", -280, &all);
    events.push(event("done", None, "end", -250));
    events.extend(run_of("broken", "Glass Harbour", -240, &all[..2]));
    let error = r#","data":{"error":"quota exceeded"}}"#;
    events.push(event("broken", Some("LYRICS"), "start", -230));
    events.push(event("broken", Some("LYRICS"), "fail", -220).replace('}', error));
    events.push(event("broken", None, "fail", -220).replace('}', error));
    events.extend(run_of("again", "Glass Harbour", -100, &all[..2]));
    events.push(event("again", Some("LYRICS"), "start", -90));
    events.push(event("waits", None, "info", -20));
    feed(&mut app, events);
    let view = runs(&app, 14);
    let order: Vec<&str> = view.rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(order, ["done", "broken", "again", "waits"]);
    let ends = |id: &str| match &row(&view, id).end {
        RowEnd::Over { words, .. } => format!("over, {words}"),
        RowEnd::AtWork(step) => format!("at work, {step}"),
        RowEnd::Queued(words) => words.clone(),
    };
    assert_eq!(ends("done"), "over, ");
    assert_eq!(ends("broken"), "over, LYRICS: quota exceeded");
    assert_eq!(ends("waits"), "queued, next in line");
    assert_eq!(row(&view, "again").retry_of.as_deref(), Some("broken"));
    assert_eq!(row(&view, "done").value, "0:30");
    assert_eq!(row(&view, "waits").value, "–");
    let last = row(&view, "broken").cells.last().unwrap();
    assert_eq!(last.kind, CellKind::Failed);
}

#[test]
fn failure_without_a_row_is_told() {
    let mut app = headless_app();
    let failed = |id: &str, name: &str, second: i64| {
        let mut events = run_of(id, name, second - 30, &[("PLAN", 5)]);
        events.push(event(id, Some("STYLE"), "start", second - 20));
        events.push(event(id, None, "fail", second));
        events
    };
    // A run that goes on, so that no time is folded.
    feed(&mut app, run_of("long", "Low Sun", -2_400, &[("PLAN", 5)]));
    feed(&mut app, failed("old", "Ashes of June", -1_530));
    for number in 0..14 {
        let id = format!("new-{number:02}");
        feed(&mut app, run_of(&id, &id, -200 + number, &[("PLAN", 1)]));
    }
    let view = runs(&app, 15);
    assert!(view.rows.iter().all(|row| row.id != "old"), "running runs have all rows");
    assert_eq!(
        view.untold,
        ["Ashes of June failed 25 min ago", "failed 25 min ago", "1 failed earlier"]
    );
    // Closer, it is before the time shown.
    app.world_mut().resource_mut::<TimelineState>().zoom = Some(4);
    let view = runs(&app, 15);
    let window = view.axis.span().from;
    let now = app.world().resource::<PlaybackClock>().server_now;
    let before = (now.duration_since(window).as_secs() - 1_530).abs() / 60;
    assert_eq!(view.untold[0], format!("Ashes of June failed {before} min before this window"));
    feed(&mut app, failed("older", "Neon Rain", -2_000));
    let words =
        format!("2 failed earlier, the latest, Ashes of June, {before} min before this window");
    assert_eq!(runs(&app, 15).untold[0], words);
    // With a row it is not told of twice, and it has one before a success.
    app.world_mut().resource_mut::<TimelineState>().zoom = None;
    assert!(runs(&app, 40).untold.is_empty());
}

#[test]
fn runs_without_room_are_counted_and_no_running_one_is_left_out() {
    let mut app = headless_app();
    let mut events = run_of("long", "Low Sun", -280, &[("PLAN", 5)]);
    events.push(event("long", Some("STYLE"), "start", -275));
    for number in 0..30 {
        let id = format!("short-{number:02}");
        events.extend(run_of(&id, &id, -200 + number, &[("PLAN", 1)]));
        events.push(event(&id, None, "end", -190 + number));
    }
    feed(&mut app, events);
    let view = runs(&app, 14);
    assert_eq!((view.rows.len(), view.in_time), (14, 31));
    assert_eq!(view.rows[0].id.as_str(), "long");
    assert_eq!(view.rows[1].id.as_str(), "short-17", "of those that are over the newest stay");
}

#[test]
fn idle_hours_between_runs_are_folded() {
    let mut app = headless_app();
    let all = [("PLAN", 30), ("STYLE", 30)];
    let mut events = run_of("early", "Low Sun", -9_000, &all);
    events.push(event("early", None, "end", -8_940));
    events.extend(run_of("late", "Kite Season", -60, &all));
    feed(&mut app, events);
    let view = runs(&app, 14);
    let folded: Vec<u64> = view
        .axis
        .pieces()
        .iter()
        .filter(|piece| piece.folded)
        .map(|piece| piece.span.millis() / 1_000)
        .collect();
    assert_eq!(folded, [8_880]);
    let order: Vec<&str> = view.rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(order, ["early", "late"], "what is before the fold is shown");
}

#[test]
fn a_race_is_against_the_last_success_and_its_differences_add_up() {
    let mut app = headless_app();
    let mut events =
        run_of("good", "Neon Rain", -900, &[("PLAN", 2), ("STYLE", 4), ("LYRICS", 20)]);
    events.push(event("good", None, "end", -874));
    events.extend(run_of("bad", "Neon Rain", -600, &[("PLAN", 9)]));
    events.push(event("bad", None, "fail", -590).replace('}', r#","data":{"error":"x"}}"#));
    events.extend(run_of("now", "Neon Rain", -100, &[("PLAN", 5), ("STYLE", 3)]));
    events.push(event("now", Some("LYRICS"), "start", -92));
    feed(&mut app, events);
    let (view, header) = race(&app, "now", Against::LastSuccess);
    assert_eq!(header, "behind the last success 2.0 s");
    let told: Vec<String> = view.columns[..3]
        .iter()
        .map(|column| {
            format!("{} {} {} {}", column.name, column.this, column.other, column.difference)
        })
        .collect();
    assert_eq!(
        told,
        ["PLAN 5.0 s 2.0 s +3.0 s", "STYLE 3.0 s 4.0 s −1.0 s", "LYRICS 1:32 0:20 at work"]
    );
    let sum: i64 = view.columns.iter().filter_map(|column| column.difference_ms).sum();
    assert_eq!(Some(sum), view.gap_ms);
    let (_, header) = race(&app, "now", Against::AttemptBefore);
    assert_eq!(header, "ahead of the run before 4.0 s");
    let (_, header) = race(&app, "good", Against::LastSuccess);
    assert!(header.contains("the usual run"), "{header}");
}

#[test]
fn key_c_races_against_the_last_success_then_the_run_before_then_ends() {
    let mut app = headless_app();
    let mut events = run_of("good", "Neon Rain", -900, &[("PLAN", 2)]);
    events.push(event("good", None, "end", -874));
    events.extend(run_of("bad", "Neon Rain", -600, &[("PLAN", 9)]));
    events.push(event("bad", None, "fail", -590));
    events.extend(run_of("now", "Neon Rain", -100, &[("PLAN", 5)]));
    feed(&mut app, events);
    perform(&mut app, Action::SelectRun(RunId::new("now")));
    let against = |app: &App| app.world().resource::<TimelineState>().against.clone();
    // From the stage as from the timeline.
    perform(&mut app, action_of("C"));
    assert_eq!(view(&app), timeline(TimelineMode::Race, false));
    assert_eq!(against(&app), Against::LastSuccess);
    perform(&mut app, action_of("C"));
    assert_eq!(view(&app), timeline(TimelineMode::Race, false));
    assert_eq!(against(&app), Against::AttemptBefore);
    perform(&mut app, action_of("C"));
    assert_eq!(view(&app), timeline(TimelineMode::Run, false));
}

#[test]
fn a_race_is_against_any_run_that_is_chosen() {
    let mut app = headless_app();
    let mut events = run_of("first", "Neon Rain", -900, &[("PLAN", 2)]);
    events.push(event("first", None, "end", -890));
    events.extend(run_of("second", "Glass Harbour", -600, &[("PLAN", 9)]));
    events.push(event("second", None, "end", -580));
    events.extend(run_of("now", "Slow Comet", -100, &[("PLAN", 5)]));
    feed(&mut app, events);
    perform(&mut app, Action::SelectRun(RunId::new("now")));
    perform(&mut app, Action::NextOpponent);
    let against = |app: &App| app.world().resource::<TimelineState>().against.clone();
    assert_eq!(against(&app), Against::LastSuccess, "there is no race yet");
    perform(&mut app, Action::ToggleTimeline);
    perform(&mut app, action_of("C"));
    let chosen = |id: &str| Against::Run(RunId::new(id));
    for (action, opponent) in [
        (Action::NextOpponent, "second"),
        (Action::NextOpponent, "first"),
        // The list ends here.
        (Action::NextOpponent, "first"),
        (Action::PreviousOpponent, "second"),
        // The run itself is no opponent.
        (Action::PreviousOpponent, "second"),
    ] {
        perform(&mut app, action);
        assert_eq!(against(&app), chosen(opponent));
    }
    let (view, header) = race(&app, "now", chosen("second"));
    assert_eq!(header, "ahead of the chosen run 4.0 s");
    assert_eq!(view.columns[0].difference, "−4.0 s");
}

/// Every recorded run adds up: bars, shares and races are made without a panic.
#[test]
fn every_transcript_has_a_timeline() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/transcripts");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".ndjson") || name.contains(".http.") {
            continue;
        }
        let mut app = headless_app();
        play_tape(&mut app, &std::fs::read_to_string(&path).unwrap());
        if app.world().resource::<Focus>().run().is_none() {
            continue;
        }
        seen += 1;
        let id = focused(&app).unwrap();
        assert!(!lanes(&app).lanes.is_empty(), "{name}");
        assert!(runs(&app, 14).rows.len() <= 14, "{name}");
        let (view, _) = race(&app, &id, Against::LastSuccess);
        let sum: i64 = view.columns.iter().filter_map(|column| column.difference_ms).sum();
        assert_eq!(sum, view.gap_ms.unwrap_or(0), "{name}");
    }
    assert!(seen >= 5, "only {seen} transcripts");
}
