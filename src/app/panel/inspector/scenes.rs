//! Runs for the tests of the inspector and of the comparison.

use std::fmt::Write as _;

use bevy_egui::egui::{OutputCommand, Ui, vec2};
use egui_kittest::Harness;
use jiff::{SignedDuration, Timestamp};

use super::{InspectorState, InspectorView, inspector_ui};
use crate::app::control::run_operations::RunOperations;
use crate::app::panel::style;
use crate::app::panel::testing::{frame, receive, zone};
use crate::app::state::actions::Action;
use crate::app::state::run_store::RunStore;
use crate::app::theme::Theme;
use crate::model::Retention;
use crate::source::OperationRefusal;

/// Steps before the first verdict, with their seconds.
const STEPS: [(&str, u32); 6] =
    [("PLAN", 2), ("STYLE", 3), ("LYRICS", 18), ("PRODUCER", 6), ("COMPOSE", 34), ("VALIDATE", 4)];

/// End of a told run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app::panel) enum End {
    Finished,
    AtRender,
    FailedAtRender,
    FailedAtValidate,
    Cancelled,
}

/// Frames of runs.
#[derive(Default)]
pub(in crate::app::panel) struct Told(pub Vec<String>);

impl Told {
    pub(in crate::app::panel) fn push(
        &mut self,
        second: u32,
        run: &str,
        node: Option<&str>,
        phase: &str,
        data: &str,
    ) {
        self.0.push(frame(second, run, node, phase, data));
    }

    fn step(&mut self, run: &str, node: &str, (at, took): (u32, u32), extra: &str) -> u32 {
        let (skill, fields) = (node.to_lowercase(), self.0.len());
        let start = format!(r#"{{"skill_name":"amcs.{skill}.generate","seed":{fields}}}"#);
        self.push(at, run, Some(node), "start", &start);
        let end = format!(
            r#"{{"duration_ms":{},"output_hash":"ffeb29ea{fields}","model_params":{{"temperature":0.{took},"top_p":0.95}}{extra}}}"#,
            took * 1000
        );
        self.push(at + took, run, Some(node), "end", &end);
        at + took
    }

    /// Tells a run of a song from `at` seconds after ten. `totals` are its verdicts.
    pub(in crate::app::panel) fn run(
        &mut self,
        run: &str,
        song: &str,
        (at, seed): (u32, i64),
        totals: &[f64],
        end: End,
    ) {
        let start = format!(
            r#"{{"song_id":"{song}","song_title":"Glass Harbour","global_seed":{seed},"message":"Workflow run created"}}"#
        );
        self.push(at, run, None, "info", &start);
        let mut now = at + 4;
        self.push(now, run, None, "start", "{}");
        for (node, took) in &STEPS[..5] {
            // The words of one seed take longer.
            let more = if *node == "LYRICS" && seed == 42 { 8 } else { 0 };
            now = self.step(run, node, (now, took + more), "");
        }
        for (fix, total) in totals.iter().enumerate() {
            if fix > 0 {
                now = self.step(run, "FIX", (now, 8), r#","artifacts":{"fix_patch":{"lines":9}}"#);
                now = self.step(run, "COMPOSE", (now, 31), "");
            }
            let is_last = fix + 1 == totals.len();
            if is_last && end == End::FailedAtValidate {
                self.push(now, run, Some("VALIDATE"), "start", r#"{"skill_name":"amcs.validate"}"#);
                let error = format!("Score {total} after 3 fixes, needs 0.80");
                let data = format!(
                    r#"{{"error_message":"{error}","error_type":"ValidationError","scores":{{"hook_density":0.7,"total":{total}}}}}"#
                );
                self.push(now + 4, run, Some("VALIDATE"), "fail", &data);
                let data = format!(r#"{{"error_message":"VALIDATE failed: {error}"}}"#);
                self.push(now + 4, run, None, "fail", &data);
                return;
            }
            let extra = format!(
                r#","scores":{{"hook_density":{:.2},"singability":0.8,"total":{total}}},"artifacts":{{"validation_report":{{"needs":0.8,"passed":{}}}}}"#,
                total - 0.1,
                *total >= 0.8
            );
            now = self.step(run, "VALIDATE", (now, 4), &extra);
        }
        match end {
            End::AtRender => self.push(now, run, Some("RENDER"), "start", "{}"),
            End::Cancelled => {
                self.push(now, run, Some("RENDER"), "start", "{}");
                let data = r#"{"message":"Workflow run cancelled"}"#;
                self.push(now + 9, run, None, "info", data);
            }
            End::FailedAtRender => {
                self.push(now, run, Some("RENDER"), "start", "{}");
                let error = r#"{"error_message":"Queue north is full","stack_trace":"Traceback (most recent call last):\n  File \"render.py\", line 3\nQueueFull: north"}"#;
                self.push(now + 20, run, Some("RENDER"), "fail", error);
                self.push(now + 20, run, None, "fail", r#"{"error_message":"RENDER failed"}"#);
            }
            End::Finished | End::FailedAtValidate => {
                let files = r#","artifacts":{"audio":{"file":"glass-harbour.wav","bytes":35651584,"seconds":212}}"#;
                now = self.step(run, "RENDER", (now, 48), files);
                now = self.step(run, "REVIEW", (now, 6), "");
                self.push(now, run, None, "end", r#"{"status":"completed"}"#);
            }
        }
    }
}

/// The inspector with what it shows.
pub(in crate::app::panel) struct Scene {
    pub run_store: RunStore,
    pub run: String,
    pub now: Timestamp,
    pub operations: RunOperations,
    pub acting: Result<(), OperationRefusal>,
    pub is_offline: bool,
    pub share: Option<String>,
    pub state: InspectorState,
    pub actions: Vec<Action>,
    pub theme: Theme,
}

/// Instant so many seconds after ten.
pub(in crate::app::panel) fn after_ten(seconds: i64) -> Timestamp {
    let begin: Timestamp = "2025-11-13T10:00:00Z".parse().unwrap();
    begin + SignedDuration::from_secs(seconds)
}

impl Scene {
    /// Scene of `run`, so many seconds after ten.
    pub(in crate::app::panel) fn new(told: &Told, run: &str, now: i64) -> Self {
        let mut run_store = RunStore::new(Retention::default());
        let frames: Vec<&str> = told.0.iter().map(String::as_str).collect();
        receive(&mut run_store, &frames);
        let mut state = InspectorState::default();
        (state.open.artifacts, state.open.raw, state.open.traces) = (true, true, true);
        Self {
            run_store,
            run: run.to_owned(),
            now: after_ten(now),
            operations: RunOperations::new(true),
            acting: Ok(()),
            is_offline: false,
            share: None,
            state,
            actions: Vec::new(),
            theme: Theme::default(),
        }
    }

    /// The song of the drawing: two failed attempts, and the third at RENDER.
    pub(in crate::app::panel) fn third_attempt() -> Self {
        let mut told = Told::default();
        for (nth, at) in [0, 200, 400].into_iter().enumerate() {
            told.run(
                &format!("usual-{nth}"),
                &format!("song-{nth}"),
                (at, 7),
                &[0.9],
                End::Finished,
            );
        }
        told.run("a1", "glass-harbour-07", (600, 42), &[0.84], End::FailedAtRender);
        let totals = [0.68, 0.73, 0.75, 0.77];
        told.run("a2", "glass-harbour-07", (800, 42), &totals, End::FailedAtValidate);
        told.run(
            "79d5c1f0-0000-4000-8000-00000000e4e4a",
            "glass-harbour-07",
            (1_200, 1187),
            &[0.71, 0.76, 0.86],
            End::AtRender,
        );
        Self::new(&told, "79d5c1f0-0000-4000-8000-00000000e4e4a", 1_200 + 180)
    }

    pub(in crate::app::panel) fn failed_at_validate() -> Self {
        let mut scene = Self::third_attempt();
        "a2".clone_into(&mut scene.run);
        scene
    }

    pub(in crate::app::panel) fn queued() -> Self {
        let mut told = Told::default();
        let data = r#"{"song_id":"s","song_title":"Harvest","global_seed":3,"message":"Workflow run created"}"#;
        told.push(0, "q", None, "info", data);
        Self::new(&told, "q", 9)
    }

    pub(in crate::app::panel) fn cancelled() -> Self {
        let mut told = Told::default();
        told.run("c", "s", (0, 5), &[0.9], End::Cancelled);
        Self::new(&told, "c", 300)
    }

    pub(in crate::app::panel) fn finished() -> Self {
        let mut told = Told::default();
        told.run("f", "s", (0, 5), &[0.7, 0.9], End::Finished);
        Self::new(&told, "f", 900)
    }

    /// A run with an error of 11 kB, a stack trace, and titles in other scripts.
    pub(in crate::app::panel) fn long_error() -> Self {
        let mut told = Told::default();
        let title = "🎹🎹🎹 שלום עולם שיר ארוך מאוד مرحبا بالعالم A title that goes on and on, far beyond what fits";
        let data = format!(r#"{{"song_id":"{}","song_title":"{title}"}}"#, "s".repeat(90));
        told.push(0, "e", None, "start", &data);
        told.push(1, "e", Some("LYRICS"), "start", "{}");
        let mut error = String::new();
        for line in 0..250 {
            write!(
                error,
                r"line {line} of <script> \u202e \ud83d\ude00 \u05e9\u05dc\u05d5\u05dd {}\n",
                "x".repeat(20)
            )
            .unwrap();
        }
        let trace = r#"Traceback (most recent call last):\n  File \"a.py\", line 1\nValueError: 0"#;
        let data = format!(
            r#"{{"error_message":"{error}{trace}","error_type":"ValueError","stack_trace":"{trace}"}}"#
        );
        told.push(9, "e", Some("LYRICS"), "fail", &data);
        told.push(9, "e", None, "fail", &data);
        Self::new(&told, "e", 60)
    }

    /// Runs of everything that a run can be, with names for messages.
    pub(in crate::app::panel) fn all() -> Vec<(&'static str, Self)> {
        vec![
            ("third attempt", Self::third_attempt()),
            ("failed at VALIDATE", Self::failed_at_validate()),
            ("queued", Self::queued()),
            ("cancelled", Self::cancelled()),
            ("finished", Self::finished()),
            ("long error", Self::long_error()),
        ]
    }

    pub(in crate::app::panel) fn show(&mut self, ui: &mut Ui) {
        let zone = zone();
        let view = InspectorView {
            run_store: &self.run_store,
            run: self.run_store.model.run(&self.run),
            server_now: self.now,
            zone: &zone,
            operations: &self.operations,
            acting: self.acting,
            is_offline: self.is_offline,
            is_pinned: false,
            share: self.share.as_deref(),
            command: self.share.as_deref(),
        };
        self.actions.extend(inspector_ui(ui, &view, &mut self.state));
    }

    /// Headless pane of this size.
    pub(in crate::app::panel) fn harness<'a>(self, width: f32, height: f32) -> Harness<'a, Self> {
        let mut harness =
            Harness::builder().with_size(vec2(width, height)).with_max_steps(40).build_ui_state(
                |ui, scene: &mut Self| {
                    if style::install_style(ui.ctx(), scene.theme) {
                        scene.show(ui);
                    }
                },
                self,
            );
        harness.run_steps(3);
        harness
    }
}

/// Returns the texts copied in the last frame.
pub(in crate::app::panel) fn copied<State>(harness: &Harness<State>) -> Vec<String> {
    let commands = harness.output().platform_output.commands.iter();
    let copied = commands.filter_map(|command| match command {
        OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    copied.collect()
}
