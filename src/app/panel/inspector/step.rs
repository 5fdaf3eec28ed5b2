//! *Step*: the attempts of one step, and what the events of one of them tell.

use bevy_egui::egui::{RichText, Ui, vec2};

use super::choice::{Choice, attempt_of, dropped, latest, shown};
use super::part::{
    Head, Mark, Side, head_ui, log_button_ui, paint_cell, quiet_ui, row_ui, value_ui,
};
use super::state::InspectorState;
use super::trace::{split_trace, trace_ui};
use super::verdicts::{FixColumn, Fixes, fix_of};
use super::view::InspectorView;
use crate::app::panel::glyph::{Sign, sign_ui};
use crate::app::panel::node::{long_text_ui, scores_ui, status_sentence};
use crate::app::panel::style::{self, ink, text};
use crate::app::panel::widgets::{self, copy_ui};
use crate::app::state::clock::millis_between;
use crate::app::state::status::node_status_words;
use crate::app::words::{
    clock_words, duration_words, instant_words, number_words, one_line, time_words,
};
use crate::model::{Attempt, Node, NodeStatus, Run, RunStatus, total_score};
use crate::protocol::NodeName;
use crate::timeline::RunBars;

/// Steps that can be chosen here at most; others can in the bars.
const MOST_CHIPS: usize = 36;

/// Items of a list of values that are shown at most; all are in the raw events.
const MOST_VALUES: usize = 40;

/// Shows the section.
pub(super) fn step_ui(
    ui: &mut Ui,
    view: &InspectorView,
    (run, bars): (&Run, &RunBars),
    state: &mut InspectorState,
) {
    let palette = style::palette(ui.ctx());
    let Some((node, number)) = shown(run, state.choice()) else { return };
    let sum = match latest(node) {
        0 => node.name.to_string(),
        1 => format!("{}, 1 attempt", node.name),
        attempts => format!("{}, {attempts} attempts", node.name),
    };
    let tone = palette.text_secondary;
    head_ui(ui, &mut state.open.step, &Head { title: "Step", preview: "", sum: &sum, tone });
    if !state.open.step {
        return;
    }
    let chip = chips_ui(ui, run, node);
    let attempt = attempt_of(node, number);
    status_ui(ui, view, node, number, attempt);
    let pressed = attempts_ui(ui, view, (run, bars), (node, number), state);
    if let Some(attempt) = attempt {
        details_ui(ui, view, run, (node, number, attempt), state);
    }
    if let Some(choice) = chip.or(pressed) {
        state.choose(Some(choice));
    }
}

/// Shows a button for each step; returns what was chosen.
fn chips_ui(ui: &mut Ui, run: &Run, node: &Node) -> Option<Choice> {
    let palette = style::palette(ui.ctx());
    let mut chosen = None;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(5.0, 5.0);
        for step in run.nodes.iter().take(MOST_CHIPS) {
            let is_shown = step.name == node.name;
            let words = RichText::new(step.name.as_str()).font(style::body(text::SMALL));
            let tone = match step.status {
                _ if is_shown => palette.text,
                NodeStatus::Pending | NodeStatus::Skipped => palette.text_tertiary,
                NodeStatus::Failed => palette.failed_text,
                _ => palette.text,
            };
            let chip = bevy_egui::egui::Button::new(words.color(ink(tone)))
                .selected(is_shown)
                .truncate()
                .min_size(vec2(0.0, 26.0));
            let response = ui.add(chip);
            let label = format!("{} {}", step.name, node_status_words(step.status));
            widgets::describe_button(&response, &label);
            if response.on_hover_text(label).clicked() {
                chosen = Some(Choice::of_attempt(run, &step.name, latest(step)));
            }
        }
        if run.nodes.len() > MOST_CHIPS {
            ui.weak(format!("and {} more", run.nodes.len() - MOST_CHIPS));
        }
    });
    chosen
}

/// Status of an attempt: the run may have settled that of its last one.
fn status_of(node: &Node, number: u32, attempt: Option<&Attempt>) -> NodeStatus {
    match attempt.map_or(node.status, |attempt| attempt.status) {
        NodeStatus::Running if number == latest(node) => node.status,
        status => status,
    }
}

/// Shows the status with its marks, and what it means.
fn status_ui(
    ui: &mut Ui,
    view: &InspectorView,
    node: &Node,
    number: u32,
    attempt: Option<&Attempt>,
) {
    let palette = style::palette(ui.ctx());
    let status = status_of(node, number, attempt);
    let is_latest = number == latest(node);
    let sign = Sign::from(status);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().interact_size.y = 22.0;
        ui.spacing_mut().item_spacing.x = 8.0;
        sign_ui(ui, sign, 8.0);
        let words = RichText::new(node_status_words(status)).font(style::semibold(15.0));
        ui.label(words.color(ink(sign.text_colour(palette))));
        if node.inferred && is_latest {
            mark_ui(ui, "inferred", "Its own end was not received; it follows from the run's end.");
        }
        let from_rest = attempt.map_or(node.from_rest, |attempt| attempt.from_rest);
        if from_rest {
            mark_ui(ui, "REST", "No event reported this; it comes from the backend's REST API.");
        }
        let started = attempt.and_then(|attempt| attempt.started_at);
        if let Some(at) = started {
            let words = format!("since {}", time_words(at, view.zone));
            let ended = attempt.and_then(|attempt| attempt.ended_at);
            let words = ended.map_or(words, |ended| {
                format!("{} to {}", time_words(at, view.zone), time_words(ended, view.zone))
            });
            ui.weak(RichText::new(words).font(style::body(text::SMALL)))
                .on_hover_text(instant_words(at, view.zone));
        }
        let usual = view.run_store.model.stats().node_baseline(&node.name);
        if let Some(usual) = usual {
            let words = format!("usual {}", duration_words(usual.p50_ms));
            ui.weak(RichText::new(words).font(style::body(text::SMALL)));
        }
    });
    if let Some(sentence) = status_sentence(node, status, is_latest) {
        quiet_ui(ui, sentence);
    }
    if status == NodeStatus::Running
        && let Some(percent) = node.progress_percent
    {
        let label = format!("{percent:.0} % done");
        let width = ui.available_width();
        widgets::bar_ui(ui, width, percent as f32 / 100.0, palette.running, &label);
    }
}

/// Shows a word in a frame: where a value comes from.
fn mark_ui(ui: &mut Ui, word: &str, tip: &str) {
    let palette = style::palette(ui.ctx());
    let words = RichText::new(word).font(style::body(text::SMALL));
    let frame = bevy_egui::egui::Frame::new()
        .stroke(bevy_egui::egui::Stroke::new(1.0, ink(palette.line_strong)))
        .corner_radius(4)
        .inner_margin(bevy_egui::egui::Margin::symmetric(5, 0));
    let response = frame.show(ui, |ui| ui.label(words.color(ink(palette.text_secondary)))).inner;
    response.on_hover_text(tip);
}

/// Verdict of an attempt in words: "done", "0.76, not passed".
fn verdict_words(status: NodeStatus, attempt: &Attempt, verdict: Option<&FixColumn>) -> String {
    let score = total_score(&attempt.scores).map(number_words);
    let passed = verdict.and_then(|verdict| verdict.passed);
    match (score, passed, status) {
        (Some(score), Some(true), NodeStatus::Success) => format!("{score}, passed"),
        (Some(score), Some(false), _) => format!("{score}, not passed"),
        (Some(score), ..) => score,
        (None, Some(false), NodeStatus::Success) => "not passed".to_owned(),
        (None, ..) => node_status_words(status).to_owned(),
    }
}

/// Shows the attempts as rows; returns what was chosen.
fn attempts_ui(
    ui: &mut Ui,
    view: &InspectorView,
    (run, bars): (&Run, &RunBars),
    (node, number): (&Node, u32),
    state: &mut InspectorState,
) -> Option<Choice> {
    let palette = style::palette(ui.ctx());
    let mut chosen = None;
    let left_out = dropped(node);
    if left_out > 0 {
        quiet_ui(ui, &format!("The first {left_out} attempts are no longer kept."));
    }
    let fixes = Fixes::of(run, bars, None);
    let log = view.run_store.model.log();
    let width = ui.available_width();
    let is_wide = width >= 560.0;
    for (index, attempt) in node.history().iter().enumerate() {
        let own = left_out + index as u32 + 1;
        let status = status_of(node, own, Some(attempt));
        let fields = state.lines.attempt_fields(log, &node.name, attempt);
        let verdict = fixes.columns.iter().find(|it| node.name == "VALIDATE" && it.attempt == own);
        let fix = fix_of(run, bars, &node.name, own);
        let started = attempt.started_at.map(|at| time_words(at, view.zone));
        let until = run.ended_at.filter(|_| run.status == RunStatus::Cancelled);
        let so_far = attempt.started_at.filter(|_| status == NodeStatus::Running);
        let so_far = so_far.map(|at| millis_between(at, until.unwrap_or(view.server_now)));
        let took = attempt.duration_ms.map(duration_words).or(so_far.map(clock_words));
        let mut words = verdict_words(status, attempt, verdict);
        if let Some(error) = &attempt.error {
            words.push_str(&format!(": {}", one_line(split_trace(error).0)));
        }
        let dash = || "–".to_owned();
        let (started, took) = (started.unwrap_or_else(dash), took.unwrap_or_else(dash));
        let fix = if fix > 0 { format!("fix {fix}") } else { String::new() };
        let seed = fields.get(|fields| fields.seed.clone()).unwrap_or_default();
        let skill = fields.get(|fields| fields.skill.clone()).unwrap_or_default();
        let mut label = format!("attempt {own}, started {started}, {took}, {words}");
        for (name, value) in [("", &fix), ("seed ", &seed), ("skill ", &skill)] {
            if !value.is_empty() {
                label.push_str(&format!(", {name}{value}"));
            }
        }
        let is_chosen =
            state.choice().is_some_and(|choice| choice.is_attempt(run, &node.name, own));
        let mark = match (is_chosen, own == number) {
            (true, _) => Mark::Framed,
            (false, true) => Mark::Shown,
            (false, false) => Mark::None,
        };
        let (rect, response) = row_ui(ui, ("attempt", own), mark, &label);
        let (y, left) = (rect.center().y, rect.left());
        let (body, bold) = (|| style::body(15.0), || style::semibold(15.0));
        let put = |x: f32, room: f32, words: &str, font, tone| {
            paint_cell(ui, Side::From(left + x), (y, room), words, font, tone);
        };
        put(0.0, 28.0, &own.to_string(), bold(), palette.text);
        put(34.0, 70.0, &started, body(), palette.text_secondary);
        paint_cell(ui, Side::To(left + 156.0), (y, 52.0), &took, bold(), palette.text);
        let refused = verdict.is_some_and(|verdict| verdict.passed == Some(false));
        let sign = if refused { Sign::FAILED } else { Sign::from(status) };
        sign.paint(ui.painter(), bevy_egui::egui::pos2(left + 176.0, y), 7.0);
        let extra = if is_wide { 250.0 } else { 54.0 };
        put(190.0, width - 190.0 - extra, &words, body(), sign.text_colour(palette));
        let fix_to = if is_wide { width - 196.0 } else { width };
        let side = Side::To(left + fix_to);
        paint_cell(ui, side, (y, 50.0), &fix, body(), palette.text_secondary);
        if is_wide {
            let side = Side::To(left + width - 130.0);
            paint_cell(ui, side, (y, 62.0), &seed, body(), palette.text_secondary);
            let font = style::mono(text::SMALL);
            put(width - 120.0, 120.0, &skill, font, palette.text_secondary);
        }
        if response.clicked() {
            chosen = Some(Choice::of_attempt(run, &node.name, own));
        }
        response.on_hover_text(label);
    }
    chosen
}

/// Shows what the events of an attempt tell.
fn details_ui(
    ui: &mut Ui,
    view: &InspectorView,
    run: &Run,
    (node, number, attempt): (&Node, u32, &Attempt),
    state: &mut InspectorState,
) {
    let log = view.run_store.model.log();
    let fields = state.lines.attempt_fields(log, &node.name, attempt);
    if attempt.scores.len() > 1 {
        let scores = &attempt.scores[..attempt.scores.len().min(MOST_VALUES)];
        scores_ui(ui, scores, status_of(node, number, Some(attempt)));
    }
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        ui.spacing_mut().interact_size.y = 22.0;
        let value = |ui: &mut Ui, name: &str, value: Option<String>, mono: bool| {
            if let Some(value) = value {
                value_ui(ui, name, &value, mono);
            }
        };
        value(ui, "skill", fields.get(|it| it.skill.clone()), true);
        value(ui, "seed", fields.get(|it| it.seed.clone()), true);
        let deterministic = fields.get(|it| it.is_deterministic);
        let deterministic = deterministic.map(|is| if is { "yes" } else { "no" }.to_owned());
        value(ui, "deterministic", deterministic, false);
        value(ui, "error type", fields.get(|it| it.error_type.clone()), true);
        let both = [fields.end.as_deref(), fields.start.as_deref()];
        let both = || both.into_iter().flatten();
        let params = both().map(|it| &it.model_params).find(|list| !list.is_empty());
        list_ui(ui, "Model parameters", params.map(Vec::as_slice).unwrap_or_default());
        let metrics = both().map(|it| &it.metrics).find(|list| !list.is_empty());
        list_ui(ui, "Metrics", metrics.map(Vec::as_slice).unwrap_or_default());
        if let Some(hash) = fields.get(|it| it.output_hash.clone()) {
            ui.horizontal(|ui| {
                let width = ui.available_width() - 62.0;
                ui.allocate_ui(vec2(width, 22.0), |ui| value_ui(ui, "output hash", &hash, true));
                copy_ui(ui, "Copy the output hash", || hash.clone());
            });
        }
    });
    issues_ui(ui, &fields);
    let artifacts: Vec<(String, String)> = [fields.end.as_deref(), fields.start.as_deref()]
        .into_iter()
        .flatten()
        .flat_map(|fields| &fields.artifacts)
        .map(|it| (it.file.clone().unwrap_or_else(|| it.name.clone()), it.summary.clone()))
        .collect();
    list_ui(ui, "Artifacts", &artifacts);
    let is_told = fields.start.is_some() || fields.end.is_some();
    if !is_told && !attempt.from_rest {
        quiet_ui(ui, "The events of this attempt are not in the log, so no more is known of it.");
    }
    error_ui(ui, run, node, attempt, state, fields.get(|it| it.stack_trace.clone()));
}

/// Shows values under a title; nothing where there are none.
fn list_ui(ui: &mut Ui, title: &str, values: &[(String, String)]) {
    if values.is_empty() {
        return;
    }
    let palette = style::palette(ui.ctx());
    let words = RichText::new(title).font(style::semibold(text::SMALL));
    ui.label(words.color(ink(palette.text)));
    for (name, value) in values.iter().take(MOST_VALUES) {
        value_ui(ui, name, value, true);
    }
    if values.len() > MOST_VALUES {
        quiet_ui(ui, &format!("{} more are in the raw events.", values.len() - MOST_VALUES));
    }
}

fn issues_ui(ui: &mut Ui, fields: &super::lines::AttemptFields) {
    let palette = style::palette(ui.ctx());
    let both = [fields.start.as_deref(), fields.end.as_deref()];
    let issues: Vec<_> = both.into_iter().flatten().flat_map(|fields| &fields.issues).collect();
    if issues.is_empty() {
        return;
    }
    let title =
        RichText::new(format!("Issues, {}", issues.len())).font(style::semibold(text::SMALL));
    ui.label(title.color(ink(palette.text)));
    for (index, issue) in issues.iter().take(MOST_VALUES).enumerate() {
        let severity = issue.severity.as_deref().unwrap_or("issue");
        let tone = match severity.to_ascii_lowercase().as_str() {
            "error" | "critical" | "fatal" => palette.failed_text,
            "warning" | "warn" => palette.cancelled,
            _ => palette.text_secondary,
        };
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().interact_size.y = 20.0;
            ui.spacing_mut().item_spacing.x = 8.0;
            let word = RichText::new(severity).font(style::semibold(text::SMALL));
            ui.label(word.color(ink(tone)));
            if !issue.place.is_empty() {
                let place = RichText::new(&issue.place).font(style::mono(text::SMALL));
                ui.label(place.color(ink(palette.text_tertiary)));
            }
        });
        ui.push_id(("issue", index), |ui| long_text_ui(ui, "issue", &issue.message, 4.0));
    }
    if issues.len() > MOST_VALUES {
        quiet_ui(ui, &format!("{} more are in the raw events.", issues.len() - MOST_VALUES));
    }
}

/// Shows the error of an attempt, with its stack trace folded.
fn error_ui(
    ui: &mut Ui,
    run: &Run,
    node: &Node,
    attempt: &Attempt,
    state: &mut InspectorState,
    told_trace: Option<String>,
) {
    let palette = style::palette(ui.ctx());
    let Some(error) = &attempt.error else {
        if let Some(trace) = told_trace {
            trace_ui(ui, "step", &trace, &mut state.open.traces);
        }
        return;
    };
    let (said, trace) = split_trace(error);
    style::note_frame(palette.failed_deep).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.horizontal(|ui| {
            sign_ui(ui, Sign::FAILED, 8.0);
            let head = RichText::new("What went wrong").font(style::semibold(15.0));
            ui.label(head.color(ink(palette.failed_text)));
            copy_ui(ui, "Copy the error text", || error.to_string());
        });
        long_text_ui(ui, "step error", said.trim_end(), 5.0);
        if log_button_ui(ui) {
            state.wants_log = Some((run.id().clone(), NodeName::clone(&node.name)));
        }
    });
    if let Some(trace) = told_trace.as_deref().or(trace) {
        trace_ui(ui, "step", trace, &mut state.open.traces);
    }
}
