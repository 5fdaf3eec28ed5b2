//! The estimate of the server's time: wrong instants, clocks that are set, lost connections.

use jiff::{SignedDuration, Timestamp};
use meterbridge::inspect::Report;
use meterbridge::model::{ClockOwner, ClockStep, Model, NodeStatus, RunStatus};
use meterbridge::protocol::Batch;
use meterbridge::source::playback::TimedFrames;
use meterbridge::source::recording::Recording;
use serde_json::{Value, json};

/// A backend with some runs, and a viewer. Each has its own clock.
struct Studio {
    model: Model,
    /// Seconds since the beginning.
    now: f64,
    server_ahead: f64,
    viewer_ahead: f64,
    told: u64,
    steps: Vec<ClockStep>,
}

fn begin() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn after(secs: f64) -> Timestamp {
    begin() + SignedDuration::from_secs_f64(secs)
}

const RUNS: [&str; 3] = ["live-0", "live-1", "live-2"];

impl Studio {
    fn new() -> Self {
        Self {
            model: Model::default(),
            now: 0.0,
            server_ahead: 0.0,
            viewer_ahead: 0.0,
            told: 0,
            steps: Vec::new(),
        }
    }

    fn event(&mut self, run: &str, node: &str, phase: &str, data: Value) -> String {
        let at = after(self.now + self.server_ahead);
        self.told += 1;
        json!({
            "event_id": format!("{:032x}", self.told), "timestamp": at.to_string(), "run_id": run,
            "node_name": (!node.is_empty()).then_some(node), "phase": phase, "data": data,
        })
        .to_string()
    }

    /// Delivers frames now.
    fn arrive(&mut self, frames: &[String], live: bool) {
        let mut batch = Batch::new(after(self.now + self.viewer_ahead + 0.01), live);
        for frame in frames {
            batch.push_text(frame);
        }
        self.model.receive(batch, |_, _| ());
        self.steps.extend(self.model.take_clock_steps());
    }

    /// Delivers the same event for every run.
    fn all(&mut self, node: &str, phase: &str, data: Value) {
        let frames: Vec<String> =
            RUNS.iter().map(|run| self.event(run, node, phase, data.clone())).collect();
        self.arrive(&frames, true);
    }

    fn start(&mut self) {
        self.all("", "info", json!({"message": "Workflow run created"}));
        self.all("", "start", json!({}));
    }

    fn node(&mut self, node: &str, index: u32, secs: f64) {
        self.all(node, "start", json!({"node_index": index}));
        self.now += secs;
        self.all(node, "end", json!({"duration_ms": (secs * 1000.0) as u64}));
    }

    /// Returns the elapsed time of a run in milliseconds as the viewer sees it.
    fn elapsed_ms(&self, run: &str) -> u64 {
        let now = self.model.clock().server_time(after(self.now + self.viewer_ahead));
        self.model.run(run).unwrap().elapsed_ms(now).unwrap()
    }

    #[track_caller]
    fn check_elapsed(&self, expected_secs: f64) {
        for run in RUNS {
            let elapsed = self.elapsed_ms(run) as f64 / 1000.0;
            assert!((elapsed - expected_secs).abs() < 0.5, "{run}: {elapsed}, not {expected_secs}");
        }
    }

    #[track_caller]
    fn check_steps(&self, expected: &[&str]) {
        let told: Vec<String> = self.steps.iter().map(ToString::to_string).collect();
        assert_eq!(told, expected);
    }
}

#[test]
fn single_future_event_does_not_move_the_clock() {
    for wrong in ["2031-01-01T00:00:00Z", "2026-11-23T10:10:00Z", "9999-12-31T23:59:59Z"] {
        let mut studio = Studio::new();
        studio.start();
        studio.node("PLAN", 0, 3.0);
        let stray = format!(r#"{{"ts":"{wrong}","run_id":"stray","phase":"start"}}"#);
        studio.arrive(&[stray], true);
        studio.check_elapsed(3.0);
        studio.node("STYLE", 1, 3.0);
        studio.check_elapsed(6.0);
        studio.check_steps(&[]);
    }
}

#[test]
fn run_with_a_future_instant_is_not_sorted_as_the_newest() {
    let mut studio = Studio::new();
    studio.start();
    let stray = r#"{"ts":"2031-01-01T00:00:00Z","run_id":"stray","phase":"start"}"#.to_owned();
    studio.arrive(&[stray], true);
    studio.now += 1.0;
    let newer = studio.event("newer", "", "start", json!({}));
    studio.arrive(&[newer], true);
    assert_eq!(studio.model.newest_active().unwrap().id(), "newer");
}

#[test]
fn clock_recovers_when_the_first_event_has_a_wrong_instant() {
    let mut studio = Studio::new();
    let stray = r#"{"ts":"2031-01-01T00:00:00Z","run_id":"stray","phase":"start"}"#.to_owned();
    studio.arrive(&[stray], true);
    studio.start();
    studio.now += 2.0;
    studio.check_elapsed(2.0);
    studio.check_steps(&[]);
}

#[test]
fn burst_of_old_events_does_not_move_the_clock() {
    let mut studio = Studio::new();
    studio.start();
    studio.node("PLAN", 0, 3.0);
    let old = |number| {
        format!(
            r#"{{"ts":"2020-01-01T00:00:00Z","run_id":"past","phase":"info","event_id":"{number}"}}"#
        )
    };
    studio.arrive(&(0..300).map(old).collect::<Vec<_>>(), true);
    studio.node("STYLE", 1, 3.0);
    studio.check_elapsed(6.0);
    studio.check_steps(&[]);
}

#[test]
fn unset_instants_do_not_move_the_clock() {
    let mut studio = Studio::new();
    studio.start();
    let zero = |number| {
        format!(
            r#"{{"ts":"0001-01-01T00:00:00Z","run_id":"zero-{number}","phase":"start","event_id":"z{number}"}}"#
        )
    };
    for number in 0..10 {
        studio.now += 1.0;
        studio.arrive(&[zero(number)], true);
    }
    studio.check_elapsed(10.0);
    studio.check_steps(&[]);
    assert_eq!(studio.model.run("zero-0").unwrap().started_at, None);
}

#[test]
fn server_clock_set_back_is_reported_once_and_new_events_still_apply() {
    let mut studio = Studio::new();
    studio.server_ahead = 600.0;
    studio.start();
    studio.node("PLAN", 0, 3.0);
    studio.check_elapsed(3.0);
    studio.all("STYLE", "start", json!({"node_index": 1}));
    studio.server_ahead = 0.0;
    studio.now += 3.0;
    studio.all("STYLE", "end", json!({"duration_ms": 3000}));
    studio.check_steps(&["the server's clock was set back by 10 min"]);
    studio.check_elapsed(6.0);
    studio.node("LYRICS", 2, 3.0);
    studio.check_elapsed(9.0);
    for run in RUNS {
        let run = studio.model.run(run).unwrap();
        assert_eq!((run.status, run.executions), (RunStatus::Running, 1));
        for node in &run.nodes[..3] {
            assert_eq!((node.status, node.attempts), (NodeStatus::Success, 1), "{}", node.name);
            assert_eq!(node.duration_ms, Some(3000));
        }
        assert_eq!(run.nodes[3].status, NodeStatus::Pending);
    }
    studio.all("", "end", json!({}));
    let run = studio.model.run("live-0").unwrap();
    assert_eq!((run.status, run.history.len()), (RunStatus::Completed, 0));
    assert!(run.duration_ms.is_some_and(|ms| ms.abs_diff(9000) < 100), "{:?}", run.duration_ms);
    assert_eq!(studio.steps.len(), 1, "told once");
    assert_eq!(studio.steps[0].owner, ClockOwner::Server);
}

#[test]
fn run_executed_again_after_the_server_clock_was_set_back_is_running() {
    let mut studio = Studio::new();
    studio.server_ahead = 600.0;
    studio.start();
    studio.node("PLAN", 0, 3.0);
    studio.all("", "fail", json!({"error": "no"}));
    studio.server_ahead = 0.0;
    studio.now += 5.0;
    studio.all("", "start", json!({}));
    studio.node("PLAN", 0, 2.0);
    for run in RUNS {
        let run = studio.model.run(run).unwrap();
        assert_eq!((run.status, run.executions), (RunStatus::Running, 2));
        assert_eq!(run.history[0].status, RunStatus::Failed);
    }
    studio.check_elapsed(2.0);
}

#[test]
fn server_clock_set_forward_is_reported_once() {
    let mut studio = Studio::new();
    studio.server_ahead = -600.0;
    studio.start();
    studio.node("PLAN", 0, 3.0);
    studio.all("STYLE", "start", json!({"node_index": 1}));
    studio.server_ahead = 0.0;
    studio.now += 3.0;
    studio.all("STYLE", "end", json!({"duration_ms": 3000}));
    studio.check_steps(&["the server's clock was set forward by 10 min"]);
    studio.check_elapsed(6.0);
    studio.node("LYRICS", 2, 3.0);
    studio.check_elapsed(9.0);
    assert_eq!(studio.steps.len(), 1);
}

#[test]
fn correction_of_the_local_clock_is_reported_once() {
    let mut studio = Studio::new();
    // Three days behind, until the clock is synchronised over the network.
    studio.viewer_ahead = -259_200.0;
    studio.start();
    studio.node("PLAN", 0, 8.0);
    studio.check_elapsed(8.0);
    studio.check_steps(&[]);
    studio.all("STYLE", "start", json!({"node_index": 1}));
    studio.now += 4.0;
    studio.viewer_ahead = 0.0;
    studio.now += 4.0;
    studio.all("STYLE", "end", json!({"duration_ms": 8000}));
    studio.all("LYRICS", "start", json!({"node_index": 2}));
    // What arrives late says the same, as long as it arrives at once.
    studio.check_steps(&[]);
    studio.now += 2.0;
    studio.all("LYRICS", "info", json!({"message": "verse 1"}));
    studio.check_steps(&["this machine's clock was set forward by 3 d"]);
    studio.check_elapsed(18.0);
    studio.now += 6.0;
    // The clock is set back again.
    studio.viewer_ahead = -259_200.0;
    studio.all("LYRICS", "end", json!({"duration_ms": 8000}));
    studio.check_elapsed(24.0);
    assert_eq!(studio.steps[1].to_string(), "this machine's clock was set back by 3 d");
    assert_eq!(studio.steps.len(), 2);
}

#[test]
fn stalled_server_is_not_taken_for_a_clock_step() {
    let mut studio = Studio::new();
    studio.start();
    studio.node("PLAN", 0, 3.0);
    // Frames sent before the server froze arrive together with those sent after it.
    let held: Vec<String> = RUNS
        .iter()
        .map(|run| studio.event(run, "STYLE", "start", json!({"node_index": 1})))
        .collect();
    studio.now += 45.0;
    studio.arrive(&held, true);
    studio.all("STYLE", "end", json!({"duration_ms": 45_000}));
    studio.node("LYRICS", 2, 3.0);
    studio.check_elapsed(51.0);
    studio.check_steps(&[]);
}

/// A browser freezes tabs in the background, and a machine sleeps: what the socket held meanwhile is read at once.
#[test]
fn events_of_hours_that_are_read_at_once_are_not_taken_for_a_clock_step() {
    let mut studio = Studio::new();
    studio.start();
    studio.node("PLAN", 0, 3.0);
    let mut held = Vec::new();
    for (index, node) in ["STYLE", "LYRICS", "PRODUCER", "COMPOSE"].into_iter().enumerate() {
        let index = index + 1;
        for phase in ["start", "end"] {
            let data = json!({"node_index": index, "duration_ms": 1_800_000});
            held.extend(RUNS.iter().map(|run| studio.event(run, node, phase, data.clone())));
            if phase == "start" {
                studio.now += 1_800.0;
            }
        }
    }
    studio.now += 60.0;
    studio.arrive(&held, true);
    studio.all("VALIDATE", "start", json!({"node_index": 5}));
    studio.check_elapsed(7_263.0);
    studio.node("VALIDATE", 5, 3.0);
    studio.check_elapsed(7_266.0);
    studio.check_steps(&[]);
    for node in &studio.model.run(RUNS[0]).unwrap().nodes[1..5] {
        assert_eq!(node.duration_ms, Some(1_800_000), "{}", node.name);
    }
}

#[test]
fn enough_agreeing_outliers_replace_the_estimate() {
    let mut studio = Studio::new();
    studio.start();
    studio.node("PLAN", 0, 3.0);
    studio.server_ahead = -30.0;
    for _ in 0..2 {
        let frames: Vec<String> =
            (0..100).map(|_| studio.event("live-0", "", "info", json!({}))).collect();
        studio.arrive(&frames, true);
        studio.now += 3.0;
    }
    assert!((studio.model.clock().lag().as_secs_f64() - 30.0).abs() < 1.0);
    assert_eq!(studio.steps.len(), 1);
}

#[test]
fn offset_is_estimated_anew_after_a_reconnect() {
    let mut studio = Studio::new();
    studio.start();
    studio.node("PLAN", 0, 3.0);
    studio.model.connection_lost(after(studio.now));
    // Another server, or the same one with another clock: not a step.
    studio.now += 60.0;
    studio.server_ahead = 30.0;
    studio.model.connection_stands();
    studio.start();
    studio.now += 2.0;
    studio.all("PLAN", "start", json!({"node_index": 0}));
    studio.check_elapsed(2.0);
    studio.check_steps(&[]);
}

#[test]
fn server_time_stands_still_while_disconnected() {
    let mut studio = Studio::new();
    studio.start();
    studio.node("PLAN", 0, 3.0);
    assert_eq!(studio.model.clock().as_of(), None);
    let lost = after(studio.now);
    studio.model.connection_lost(lost);
    studio.now += 100.0;
    studio.check_elapsed(3.0);
    studio.model.connection_lost(after(studio.now));
    assert_eq!(studio.model.clock().as_of(), Some(lost), "since it was lost");
    studio.model.connection_stands();
    studio.check_elapsed(103.0);
}

#[test]
fn two_agreeing_replayed_events_set_the_clock() {
    let mut studio = Studio::new();
    studio.server_ahead = 600.0;
    let frames = [
        studio.event("live-0", "", "info", json!({"message": "Workflow run created"})),
        studio.event("live-0", "", "start", json!({})),
    ];
    studio.arrive(&frames, false);
    let lag = studio.model.clock().lag();
    assert!((lag.as_secs_f64() + 600.0).abs() < 1.0, "{lag}");
    let mut studio = Studio::new();
    let stray = r#"{"ts":"2031-01-01T00:00:00Z","run_id":"stray","phase":"start"}"#.to_owned();
    let start = studio.event("live-0", "", "start", json!({}));
    studio.arrive(&[stray, start], false);
    assert!(studio.model.clock().lag().abs() < SignedDuration::from_secs(1));
}

#[test]
fn rest_and_events_agree_after_the_server_clock_was_set_back() {
    let mut studio = Studio::new();
    studio.server_ahead = 600.0;
    studio.start();
    studio.node("PLAN", 0, 3.0);
    studio.all("STYLE", "start", json!({"node_index": 1}));
    studio.server_ahead = 0.0;
    studio.now += 3.0;
    studio.all("STYLE", "end", json!({"duration_ms": 3000}));
    let before = Report::of(&studio.model).runs;
    // The database keeps the instants from before the step.
    let row = |node: &str, from: f64, to: f64| {
        json!({
            "node_name": node, "status": "completed", "duration_ms": 3000,
            "started_at": after(from).to_string(), "completed_at": after(to).to_string(),
        })
    };
    let answer = json!({
        "run_id": "live-0", "status": "running", "created_at": after(600.0).to_string(),
        "updated_at": after(6.0).to_string(),
        "executions": [row("PLAN", 600.0, 603.0), row("STYLE", 603.0, 6.0)],
    });
    let body = answer.to_string();
    let snapshot = meterbridge::protocol::RunSnapshot::read(body.as_bytes()).unwrap();
    studio.model.join(snapshot.into(), after(studio.now));
    let joined = Report::of(&studio.model).runs;
    assert_eq!(joined[0].nodes, before[0].nodes);
    assert_eq!((joined[0].executions, joined[0].status), (1, "running"));
}

/// Returns a model that has received a recording, frame by frame, as snapshots do.
fn model_of_recording(lines: &[String]) -> Model {
    let mut frames = TimedFrames::new(Recording::new(std::io::Cursor::new(lines.join("\n"))));
    let mut model = Model::default();
    while let Some((batch, _)) = frames.next(begin()).unwrap() {
        model.receive(batch, |_, _| ());
    }
    model
}

fn bare(run: &str, phase: &str, at: f64) -> String {
    json!({"ts": after(at).to_string(), "run_id": run, "phase": phase}).to_string()
}

fn recorded(recv_ms: f64, text: &str) -> String {
    json!({"recv_ms": recv_ms, "text": text}).to_string()
}

#[test]
fn replayed_history_within_a_recording_is_not_a_clock_step() {
    let history = [
        bare("a", "start", 1000.0),
        bare("b", "start", 1000.1),
        bare("a", "end", 1001.0),
        bare("b", "end", 1001.1),
        bare("c", "start", 4600.0),
    ];
    let mut model = model_of_recording(&[
        recorded(0.0, &bare("first", "start", 0.0)),
        recorded(2000.0, &bare("first", "info", 2.0)),
        recorded(3500.0, &bare("first", "info", 3.5)),
        recorded(4000.0, &format!("[{}]", history.join(","))),
    ]);
    let steps = model.take_clock_steps();
    assert!(steps.is_empty(), "{steps:?}");
}

#[test]
fn older_runs_later_in_a_file_of_bare_events_are_not_a_clock_step() {
    let lines = [
        ("late", "start", 4000.0),
        ("late", "info", 4001.5),
        ("late", "info", 4003.0),
        ("x", "start", 400.0),
        ("y", "start", 400.1),
        ("x", "info", 400.5),
        ("y", "info", 400.6),
    ];
    let mut model = model_of_recording(&lines.map(|(run, phase, at)| bare(run, phase, at)));
    let steps = model.take_clock_steps();
    assert!(steps.is_empty(), "{steps:?}");
    assert_eq!(model.run("late").unwrap().started_at, Some(after(4000.0)));
}
