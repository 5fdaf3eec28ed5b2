//! Section of the panel on the run in focus: its nodes, and the attempts of one node.

use bevy::color::Color;
use bevy_egui::egui::{
    Align, Button, Label, Layout, RichText, ScrollArea, Sense, Ui, WidgetInfo, WidgetType, vec2,
};
use jiff::{Timestamp, tz::TimeZone};

use super::glyph::{Sign, sign_ui};
use super::inspector::shown_node;
use super::run_words::{MARK_AS_SEEN, elapsed_ms};
use super::style::{self, ink, space, text};
use super::widgets::{
    self, Offer, button_ui, copy_ui, elided, paint_line, paint_line_to, section_ui,
};
use crate::app::state::actions::{Action, ActionEntry};
use crate::app::state::clock::millis_between;
use crate::app::state::failure_life::is_fresh;
use crate::app::state::run_store::RunStore;
use crate::app::state::run_view::{queued_ms, song_story_words};
use crate::app::state::status::{node_status_words, run_status_words};
use crate::app::words::{
    clock_words, duration_words, number_words, score_words, time_words, whole_seconds,
};
use crate::bounded::bounded;
use crate::model::{Attempt, Node, NodeStatus, Run, RunStatus, is_total_score};
use crate::protocol::{MAX_FIX_PASSES, NodeName, RunId, Score};

/// Height of a node's cell.
const CELL: f32 = 27.0;
/// Rows of cells before they scroll.
const CELL_ROWS: usize = 5;
/// Bytes of a text that are laid out at most; copying takes all of it.
const SHOWN_ERROR_BYTES: usize = 32 << 10;

/// Inputs of the section.
pub(super) struct NodeView<'a> {
    pub run: Option<&'a Run>,
    pub run_store: &'a RunStore,
    pub server_now: Timestamp,
    pub zone: &'a TimeZone,
}

/// Chosen node and attempt.
#[derive(Clone, Debug, Default)]
pub(super) struct NodeChoice {
    node: Option<(RunId, NodeName)>,
    /// Number of the chosen attempt, from 1; `None` for the latest.
    attempt: Option<u32>,
}

impl NodeChoice {
    /// Chooses a node of a run, and its latest attempt.
    pub(super) fn choose(&mut self, run: RunId, node: NodeName) {
        *self = Self { node: Some((run, node)), attempt: None };
    }

    /// Node to show: the chosen one, else as the inspector has it.
    fn node<'a>(&self, run: &'a Run) -> Option<&'a Node> {
        let chosen = self.node.as_ref().filter(|(id, _)| id == run.id());
        chosen.and_then(|(_, name)| run.node(name)).or_else(|| shown_node(run))
    }
}

pub(super) fn node_ui(
    ui: &mut Ui,
    view: &NodeView,
    open: &mut bool,
    choice: &mut NodeChoice,
) -> Vec<Action> {
    let mut actions = Vec::new();
    let palette = style::palette(ui.ctx());
    let Some(run) = view.run else {
        section_ui(ui, open, "Run", |_| {});
        if *open {
            ui.weak("Waiting for the first run.");
        }
        return actions;
    };
    section_ui(ui, open, &format!("Run: {}", view.run_store.name(run)), |ui| {
        copy_ui(ui, "Copy the run's id", || run.id().to_string());
        let id = RichText::new(view.run_store.short_id(run.id())).monospace();
        let id = id.color(ink(palette.text_tertiary));
        ui.label(id).on_hover_text(crate::text::name(run.id()));
    });
    if !*open {
        return actions;
    }
    facts_ui(ui, run, view.run_store, view.server_now);
    seen_ui(ui, run, view, &mut actions);
    let shown = choice.node(run).map(|node| node.name.clone());
    cells_ui(ui, run, shown.as_ref(), view.server_now, choice);
    let Some(node) = choice.node(run) else { return actions };
    details_ui(ui, node, view, choice);
    if let Some(error) = &run.error
        && node.error.as_ref() != Some(error)
    {
        error_ui(ui, "The run failed", error);
    }
    actions
}

/// Offers to mark a failure as seen while it is news, and says when it is marked.
fn seen_ui(ui: &mut Ui, run: &Run, view: &NodeView, actions: &mut Vec<Action>) {
    let is_marked = view.run_store.is_seen(run.id());
    if is_marked {
        ui.weak("Marked as seen.");
    } else if is_fresh(run, view.run_store, view.server_now) {
        let tip = ActionEntry::with_keys(MARK_AS_SEEN, &Action::MarkSeen(None));
        let response = button_ui(ui, "Mark as seen", Offer::Plain, 112.0);
        if response.on_hover_text(tip).clicked() {
            actions.push(Action::MarkSeen(Some(run.id().clone())));
        }
    }
}

/// Shows facts about the whole run, in one line.
fn facts_ui(ui: &mut Ui, run: &Run, run_store: &RunStore, server_now: Timestamp) {
    let palette = style::palette(ui.ctx());
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(12.0, 2.0);
        ui.spacing_mut().interact_size.y = 22.0;
        let sign = Sign::from(run.status);
        sign_ui(ui, sign, 8.0);
        let status = RichText::new(run_status_words(run.status)).font(style::semibold(text::BODY));
        ui.label(status.color(ink(sign.text_colour(palette))));
        let mut fact = |words: String| ui.weak(words);
        if let Some(millis) = elapsed_ms(run, server_now) {
            let word = if run.status.is_over() { "took" } else { "elapsed" };
            fact(format!("{word} {}", clock_words(millis)));
        }
        let millis = queued_ms(run);
        if millis > 0 {
            fact(format!("{} of it queued", whole_seconds(millis)));
        }
        if let Some(seed) = run.seed {
            fact(format!("seed {seed}"));
        }
        if run.fix_iterations > 0 {
            let most = run.fix_iterations.max(MAX_FIX_PASSES);
            fact(format!("fix {} of {most}", run.fix_iterations));
        }
        if run.executions > 1 {
            fact(format!("execution {}", run.executions));
        }
        if let Some(story) = run_store.song_story(run) {
            fact(song_story_words(story));
        }
        if run.cancel_requested && run.status != RunStatus::Cancelled {
            ui.label(RichText::new("cancel requested").color(ink(palette.cancelled)));
        }
    });
}

fn cells_ui(
    ui: &mut Ui,
    run: &Run,
    shown: Option<&NodeName>,
    server_now: Timestamp,
    choice: &mut NodeChoice,
) {
    let columns = bounded((ui.available_width() / 165.0).floor(), 2.0, 5.0) as usize;
    let gap = 4.0;
    let width = (ui.available_width() - gap * (columns as f32 - 1.0)) / columns as f32;
    ScrollArea::vertical()
        .id_salt("nodes")
        .max_height(CELL_ROWS as f32 * (CELL + gap))
        .auto_shrink([false, true])
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing = vec2(gap, gap);
            for row in run.nodes.chunks(columns) {
                ui.horizontal(|ui| {
                    for node in row {
                        let selected = shown == Some(&node.name);
                        if cell_ui(ui, node, selected, width, server_now) {
                            choice.node = Some((run.id().clone(), node.name.clone()));
                            choice.attempt = None;
                        }
                    }
                });
            }
        });
}

/// Time that the latest attempt took, or has been running; empty when it is unknown.
fn time_of_node(node: &Node, server_now: Timestamp) -> String {
    let words = match node.status {
        NodeStatus::Running => {
            node.started_at.map(|at| clock_words(millis_between(at, server_now)))
        }
        _ => node.duration_ms.map(duration_words),
    };
    words.unwrap_or_default()
}

/// Shows a node's cell; returns true when it was clicked.
fn cell_ui(ui: &mut Ui, node: &Node, selected: bool, width: f32, server_now: Timestamp) -> bool {
    let palette = style::palette(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(vec2(width, CELL), Sense::click());
    let sign = Sign::from(node.status);
    let tries = if node.attempts > 1 { format!("×{}", node.attempts) } else { String::new() };
    let time = time_of_node(node, server_now);
    response.widget_info(|| {
        let label = format!("{} {}", node.name, node_status_words(node.status));
        WidgetInfo::selected(WidgetType::SelectableLabel, true, selected, label)
    });
    let back = match (selected, response.hovered()) {
        (true, _) => palette.selection,
        (false, true) => palette.hover,
        (false, false) => palette.card,
    };
    ui.painter().rect_filled(rect, 5.0, ink(back));
    widgets::focus_ring(ui, &response, rect);
    let y = rect.center().y;
    sign.paint(ui.painter(), rect.left_center() + vec2(14.0, 0.0), 7.5);
    let small = || style::mono(text::SMALL);
    let tone = if selected { palette.text } else { palette.text_secondary };
    let time = elided(ui, &time, small(), tone, 60.0);
    let tries = elided(ui, &tries, small(), palette.violet_text, 34.0);
    let (time_width, tries_width) = (time.size().x, tries.size().x);
    paint_line_to(ui, rect.right() - 6.0, y, time);
    let faint = matches!(node.status, NodeStatus::Pending | NodeStatus::Skipped);
    let tone = if faint && !selected { palette.text_tertiary } else { palette.text };
    let room = width - 28.0 - time_width - tries_width - 18.0;
    let name = elided(ui, &node.name, style::body(text::SMALL), tone, room);
    let after = rect.left() + 28.0 + name.size().x + 5.0;
    paint_line(ui, rect.left() + 28.0, y, name);
    paint_line(ui, after, y, tries);
    response.clicked()
}

/// Shows an attempt of a node, or the node itself when no attempt was seen.
fn details_ui(ui: &mut Ui, node: &Node, view: &NodeView, choice: &mut NodeChoice) {
    let palette = style::palette(ui.ctx());
    let history = node.history();
    // Old attempts may have been dropped; the others keep their numbers.
    let dropped = node.attempts.saturating_sub(history.len() as u32);
    let latest = dropped + history.len() as u32;
    let number = choice.attempt.filter(|n| (dropped + 1..=latest).contains(n)).unwrap_or(latest);
    let attempt = history.get(number.saturating_sub(dropped + 1) as usize);

    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        ui.label(RichText::new(node.name.as_str()).font(style::semibold(text::SECTION)));
        if latest > 1 {
            for n in dropped + 1..=latest {
                let tone = if n == number { palette.text } else { palette.text_secondary };
                let words = RichText::new(format!("Attempt {n}")).color(ink(tone));
                let tab = Button::new(words).selected(n == number).min_size(vec2(64.0, 28.0));
                if ui.add(tab).clicked() {
                    choice.attempt = Some(n);
                }
            }
        }
    });
    let status = attempt.map_or(node.status, |attempt| match attempt.status {
        // The run may have settled the status of its last attempt.
        NodeStatus::Running if number == latest => node.status,
        status => status,
    });
    status_ui(ui, node, attempt, status, view);
    if let Some(sentence) = status_sentence(node, status, number == latest) {
        ui.add(Label::new(RichText::new(sentence).weak()).wrap());
    }
    if status == NodeStatus::Running
        && let Some(percent) = node.progress_percent
    {
        ui.horizontal(|ui| {
            let width = ui.available_width() - 64.0;
            let label = format!("{percent:.0} % done");
            widgets::bar_ui(ui, width, percent as f32 / 100.0, palette.running, &label);
            ui.monospace(format!("{percent:.0} %"));
        });
    }
    let scores = attempt.map_or(&node.scores, |attempt| &attempt.scores);
    scores_ui(ui, scores, status);
    if let Some(error) = attempt.map_or(&node.error, |attempt| &attempt.error) {
        error_ui(ui, "What went wrong", error);
    }
}

/// Shows status, duration and usual duration, start and end.
fn status_ui(
    ui: &mut Ui,
    node: &Node,
    attempt: Option<&Attempt>,
    status: NodeStatus,
    view: &NodeView,
) {
    let sign = Sign::from(status);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().interact_size.y = 22.0;
        sign_ui(ui, sign, 8.5);
        let words = RichText::new(node_status_words(status)).font(style::semibold(text::BODY));
        ui.label(words.color(ink(sign.text_colour(style::palette(ui.ctx())))));
        let started_at = attempt.map_or(node.started_at, |attempt| attempt.started_at);
        let ended_at = attempt.map_or(node.ended_at, |attempt| attempt.ended_at);
        let told = attempt.map_or(node.duration_ms, |attempt| attempt.duration_ms);
        let running = status == NodeStatus::Running;
        let going = started_at.filter(|_| running).map(|at| millis_between(at, view.server_now));
        let mut facts = Vec::new();
        facts.extend(told.map(duration_words).or(going.map(clock_words)));
        let baseline = view.run_store.model.stats().node_baseline(&node.name);
        facts.extend(baseline.map(|baseline| format!("usual {}", duration_words(baseline.p50_ms))));
        let time = |at| time_words(at, view.zone);
        facts.extend(match (started_at, ended_at) {
            (Some(from), Some(to)) => Some(format!("{} to {}", time(from), time(to))),
            (Some(from), None) => Some(format!("since {}", time(from))),
            (None, Some(to)) => Some(format!("until {}", time(to))),
            (None, None) => None,
        });
        ui.weak(facts.join(", "));
    });
}

/// Sentence that explains a status; `None` when its word is enough.
pub(super) fn status_sentence(
    node: &Node,
    status: NodeStatus,
    latest: bool,
) -> Option<&'static str> {
    match status {
        NodeStatus::Unknown => Some("No data: its events were not received."),
        NodeStatus::Skipped => Some("It was not needed and never started."),
        NodeStatus::Pending => Some("It has not started yet."),
        _ if latest && node.inferred => {
            Some("Its own end was not received; the status follows from the run's end.")
        }
        _ if latest && node.from_rest => {
            Some("No event reported this; it comes from the backend's REST API.")
        }
        _ => None,
    }
}

/// Shows scores as bars, the total last.
pub(super) fn scores_ui(ui: &mut Ui, scores: &[Score], status: NodeStatus) {
    let palette = style::palette(ui.ctx());
    if scores.is_empty() {
        return;
    }
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        let (total, parts): (Vec<_>, Vec<_>) =
            scores.iter().partition(|(name, _)| is_total_score(name));
        for (name, score) in parts {
            score_ui(ui, name, *score, false, palette.led_neutral);
        }
        let lit = if status == NodeStatus::Failed { palette.failed } else { palette.led_neutral };
        for (name, score) in total {
            score_ui(ui, name, *score, true, lit);
        }
    });
}

fn score_ui(ui: &mut Ui, name: &str, score: f64, total: bool, lit: Color) {
    let palette = style::palette(ui.ctx());
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, 22.0), Sense::hover());
    let words = score_words(name);
    let number = number_words(score);
    response.widget_info(|| {
        let label = format!("{words} {number}");
        WidgetInfo::labeled(WidgetType::ProgressIndicator, true, label)
    });
    let (font, tone) = if total {
        (style::semibold(text::BODY), palette.text)
    } else {
        (style::body(text::BODY), palette.text_secondary)
    };
    let y = rect.center().y;
    let label_width = (width * 0.36).min(220.0);
    paint_line(ui, rect.left(), y, elided(ui, &words, font, tone, label_width - 14.0));
    let from = rect.left_center() + vec2(label_width, 0.0);
    widgets::paint_leds(ui, from, width - label_width - 56.0, score as f32, lit);
    let tone = if lit == palette.failed { palette.failed_text } else { palette.text };
    let number = elided(ui, &number, style::mono(text::MONO), tone, 60.0);
    paint_line_to(ui, rect.right(), y, number);
    response.on_hover_text(format!("{name}: {score}"));
}

/// Shows the text of an error as received.
fn error_ui(ui: &mut Ui, head: &str, error: &str) {
    let palette = style::palette(ui.ctx());
    style::note_frame(palette.failed_deep).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        ui.horizontal(|ui| {
            sign_ui(ui, Sign::FAILED, 8.5);
            let head = RichText::new(head).font(style::semibold(text::BODY));
            ui.label(head.color(ink(palette.failed_text)));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                copy_ui(ui, "Copy the error text", || error.to_owned());
            });
        });
        long_text_ui(ui, head, error, 5.0);
    });
}

/// Shows a text of any length, so many lines at a time; `salt` tells it from other ones of `ui`.
pub(super) fn long_text_ui(
    ui: &mut Ui,
    salt: impl std::hash::Hash + std::fmt::Debug,
    all: &str,
    lines: f32,
) {
    ScrollArea::vertical()
        .id_salt(salt)
        .max_height(lines * space::LINE)
        .min_scrolled_height(lines.min(3.0) * space::LINE)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            let shown = crate::text::head_of(all, SHOWN_ERROR_BYTES);
            let words = RichText::new(shown).font(style::mono(text::SMALL));
            ui.add(Label::new(words).wrap());
            if shown.len() < all.len() {
                ui.weak("… and more: copy it to read all.");
            }
        });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panel::testing::{frame, harness, receive, run_store, zone};
    use egui_kittest::{Harness, kittest::Queryable};

    struct Scene {
        run_store: RunStore,
        choice: NodeChoice,
        actions: Vec<Action>,
    }

    impl Scene {
        fn new(events: &[(&str, &str, &str)]) -> Self {
            let mut frames = vec![frame(0, "run-1", None, "start", "{}")];
            for (second, (node, phase, data)) in (1..).zip(events) {
                frames.push(frame(second, "run-1", Some(node), phase, data));
            }
            let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
            let run_store = run_store(&frames);
            Self { run_store, choice: NodeChoice::default(), actions: Vec::new() }
        }

        fn harness<'a>(self) -> Harness<'a, Self> {
            harness(self, |ui, scene| {
                let zone = zone();
                let view = NodeView {
                    run: scene.run_store.model.run("run-1"),
                    run_store: &scene.run_store,
                    server_now: "2025-11-13T10:01:00Z".parse().unwrap(),
                    zone: &zone,
                };
                scene.actions.extend(node_ui(ui, &view, &mut true, &mut scene.choice));
            })
        }
    }

    fn two_passes() -> Scene {
        let error = format!(r#"{{"error_message":"{}"}}"#, r"a long line\n".repeat(900));
        Scene::new(&[
            ("COMPOSE", "start", "{}"),
            ("COMPOSE", "end", "{}"),
            ("VALIDATE", "start", "{}"),
            ("VALIDATE", "fail", &error),
            ("VALIDATE", "start", "{}"),
            ("VALIDATE", "end", r#"{"scores":{"section_completeness":0.92,"total":0.88}}"#),
            ("RENDER", "start", "{}"),
        ])
    }

    #[test]
    fn running_node_is_shown_until_another_is_chosen() {
        let mut harness = two_passes().harness();
        assert!(harness.query_by_label_contains("since 10:00:07").is_some());
        harness.get_by_label("COMPOSE done").click();
        harness.run();
        assert!(harness.query_by_label_contains("10:00:01 to 10:00:02").is_some());
    }

    #[test]
    fn failure_that_is_news_can_be_marked_as_seen() {
        let words = "Mark as seen";
        assert!(two_passes().harness().query_by_label(words).is_none());
        let mut scene = two_passes();
        receive(&mut scene.run_store, &[&frame(20, "run-1", None, "fail", "{}")]);
        let mut harness = scene.harness();
        harness.get_by_label(words).click();
        harness.run();
        let run = RunId::new("run-1");
        assert_eq!(harness.state().actions, [Action::MarkSeen(Some(run.clone()))]);
        harness.state_mut().run_store.mark_seen(&run);
        harness.run();
        assert!(harness.query_by_label(words).is_none());
        assert!(harness.query_by_label("Marked as seen.").is_some());
    }

    #[test]
    fn run_of_a_song_that_failed_before_says_so() {
        let song = r#"{"song_id":"song-7"}"#;
        let mut scene = Scene::new(&[("PLAN", "start", song)]);
        let before =
            [frame(0, "run-0", None, "start", song), frame(0, "run-0", None, "fail", "{}")];
        receive(&mut scene.run_store, &[&before[0], &before[1]]);
        let harness = scene.harness();
        let words = "attempt 2 of this song, 1 failed before";
        assert!(harness.query_by_label(words).is_some());
    }

    #[test]
    fn every_attempt_has_a_tab() {
        let mut harness = two_passes().harness();
        harness.get_by_label("VALIDATE done").click();
        harness.run();
        assert!(harness.query_by_label("section completeness 0.92").is_some());
        assert!(harness.query_by_label("What went wrong").is_none());
        harness.get_by_label("Attempt 1").click();
        harness.run();
        assert!(harness.query_by_label("section completeness 0.92").is_none());
        assert!(harness.query_by_label("What went wrong").is_some());
        assert!(harness.query_by_label("Copy the error text").is_some());
    }

    #[test]
    fn pending_node_shows_an_explanation() {
        let mut harness = two_passes().harness();
        harness.get_by_label_contains("REVIEW").click();
        harness.run();
        assert!(harness.query_by_label("It has not started yet.").is_some());
    }
}
