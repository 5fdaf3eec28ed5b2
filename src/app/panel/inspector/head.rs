//! Head of the inspector: song and time, the story of the song, the step now, ids, and actions.

use std::sync::Arc;

use bevy::color::Color;
use bevy_egui::egui::{
    CursorIcon, FontId, Galley, Label, Rect, RichText, Sense, Stroke, Ui, WidgetInfo, WidgetType,
    pos2,
    text::{LayoutJob, TextFormat},
    vec2,
};

use super::operations::buttons_ui;
use super::state::InspectorState;
use super::ticket::ticket_text;
use super::view::InspectorView;
use super::words::elapsed_words;
use crate::app::panel::copied::{copy_for, says_copied};
use crate::app::panel::glyph::Sign;
use crate::app::panel::run_words::MARK_AS_SEEN;
use crate::app::panel::style::{self, ink, text};
use crate::app::panel::widgets::{self, copy_words_ui, describe_button, elided, paint_line};
use crate::app::state::actions::{Action, ActionEntry};
use crate::app::state::failure_life::{FailureLife, is_fresh};
use crate::app::state::run_view::{remaining_words, verdicts};
use crate::app::words::{
    clock_words, duration_words, instant_words, number_words, run_title, time_words,
};
use crate::model::{MOST_ATTEMPTS, NodeStatus, Remaining, Run, RunStatus, final_score};

/// Signs of the runs of a song that are shown at most.
const MOST_SIGNS: usize = 10;

/// Distance of the signs of a song's runs, in points.
const SIGN_PITCH: f32 = 13.0;

/// Part of a line in its own font and colour.
type Piece<'a> = (&'a str, FontId, Color);

/// Shows the head; returns the requested actions.
pub(super) fn head_ui(
    ui: &mut Ui,
    view: &InspectorView,
    run: &Run,
    state: &mut InspectorState,
) -> Vec<Action> {
    let mut actions = Vec::new();
    title_ui(ui, view, run);
    story_ui(ui, view, run);
    step_ui(ui, view, run);
    facts_ui(ui, view, run, state);
    ui.add_space(2.0);
    buttons_ui(ui, view, run, &mut actions);
    seen_ui(ui, view, run, &mut actions);
    actions
}

/// Lays out pieces of one text, on at most `rows` rows.
fn pieces(ui: &Ui, pieces: &[Piece], width: f32, rows: usize) -> Arc<Galley> {
    let mut job = LayoutJob::default();
    for (words, font, tone) in pieces {
        job.append(words, 0.0, TextFormat::simple(font.clone(), ink(*tone)));
    }
    job.wrap.max_width = width.max(0.0);
    job.wrap.max_rows = rows;
    ui.painter().layout_job(job)
}

/// Returns what is left of a run in words, the number first: ("0:21", "to go").
fn left_words(view: &InspectorView, run: &Run) -> Option<(String, String)> {
    if run.status != RunStatus::Running {
        return None;
    }
    if view.is_offline {
        return Some(("–".to_owned(), "to go".to_owned()));
    }
    match view.run_store.model.remaining(run, view.server_now) {
        Remaining::Unknown => None,
        left @ Remaining::Left { .. } => {
            let words = remaining_words(left);
            let (number, rest) = words.split_once(' ').unwrap_or((&words, ""));
            Some((number.to_owned(), rest.to_owned()))
        }
        left => Some((String::new(), remaining_words(left))),
    }
}

fn title_ui(ui: &mut Ui, view: &InspectorView, run: &Run) {
    let palette = style::palette(ui.ctx());
    let width = ui.available_width();
    let strong = || style::semibold(text::BODY);
    let plain = || style::body(text::BODY);
    let (word, number) = elapsed_words(run, view.server_now);
    let (left, left_word) = left_words(view, run).unwrap_or_default();
    // What is over took its time; what goes on has a number first.
    let first = if run.status.is_over() {
        [(word.to_owned(), false), (number, true)]
    } else {
        [(number, true), (word.to_owned(), false)]
    };
    let parts = first.into_iter().chain([(left, true), (left_word, false)]);
    let parts: Vec<(String, bool)> = parts.filter(|(words, _)| !words.is_empty()).collect();
    let said: Vec<&str> = parts.iter().map(|(words, _)| words.as_str()).collect();
    let said = said.join(" ");
    let mut spaced = Vec::new();
    for (words, is_number) in &parts {
        if !spaced.is_empty() {
            spaced.push((" ", plain(), palette.text_secondary));
        }
        let look = match is_number {
            true => (strong(), palette.text),
            false => (plain(), palette.text_secondary),
        };
        spaced.push((words.as_str(), look.0, look.1));
    }
    let times = pieces(ui, &spaced, width, 1);
    let title = run_title(run);
    let font = || style::semibold(text::HEAD);
    let one = elided(ui, &title, font(), palette.text, f32::INFINITY);
    let beside = one.size().x + times.size().x + 32.0 + 18.0 <= width;
    let title_width = width - 32.0;
    let galley = match beside {
        true => one,
        false => pieces(ui, &[(&title, font(), palette.text)], title_width, 3),
    };
    let title_height = galley.size().y.max(26.0);
    let height = if beside { title_height } else { title_height + 26.0 };
    let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    let status = Sign::from(run.status);
    let centre = pos2(rect.left() + 11.0, rect.top() + 13.0);
    status.paint(ui.painter(), centre, 9.5);
    let at = pos2(rect.left() + 32.0, rect.top() + (26.0 - one_row(&galley)) / 2.0);
    ui.painter().galley(at, galley, bevy_egui::egui::Color32::PLACEHOLDER);
    if beside {
        let x = rect.right() - times.size().x;
        paint_line(ui, x, rect.top() + 13.0, times);
    } else {
        paint_line(ui, rect.left() + 32.0, rect.bottom() - 13.0, times);
    }
    let status = crate::app::state::status::run_status_words(run.status);
    response.widget_info(|| {
        WidgetInfo::labeled(WidgetType::Label, true, format!("{title}, {status}, {said}"))
    });
    response.on_hover_text(title);
}

/// Height of the first row of a galley.
fn one_row(galley: &Galley) -> f32 {
    galley.rows.first().map_or(0.0, |row| row.row.size.y)
}

/// Shows the run's part in the story of its song, with a sign for each of the song's runs.
fn story_ui(ui: &mut Ui, view: &InspectorView, run: &Run) {
    if run.song_id.is_none() {
        return;
    }
    let palette = style::palette(ui.ctx());
    let story = view.run_store.song_story(run);
    let runs = view.run_store.song_runs(run);
    let attempt = match story.map(|story| story.attempt) {
        None if runs.len() == 1 => "Only run of this song".to_owned(),
        None => "First run of this song".to_owned(),
        Some(MOST_ATTEMPTS) => format!("Attempt {MOST_ATTEMPTS} or later of this song"),
        Some(attempt) => format!("Attempt {attempt} of this song"),
    };
    let failed = story.map_or(0, |story| story.failed_before);
    let before = match failed {
        0 => String::new(),
        failed => format!(", {failed} failed before"),
    };
    let life = FailureLife::of(run, view.run_store, view.server_now);
    let after = life.map(|life| life.words(run, view.run_store, view.server_now));
    let after = after.filter(|words| !words.is_empty());
    let after = after.map_or_else(String::new, |words| format!("; {words}"));
    let width = ui.available_width();
    let shown = runs.len().min(MOST_SIGNS);
    let hidden = runs.len() - shown;
    let more = if hidden > 0 { format!("+{hidden}") } else { String::new() };
    let more = elided(ui, &more, style::body(text::SMALL), palette.text_secondary, 60.0);
    let signs_width = SIGN_PITCH * shown as f32 + more.size().x + 8.0;
    let strong = || style::semibold(15.0);
    let words = [
        (attempt.as_str(), strong(), palette.text),
        (before.as_str(), strong(), palette.failed_text),
        (after.as_str(), style::body(15.0), palette.text),
    ];
    let galley = pieces(ui, &words, width - signs_width - 28.0, 3);
    let height = galley.size().y + 14.0;
    let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    let back = if failed > 0 { palette.failed_deep } else { palette.card };
    ui.painter().rect_filled(rect, 6.0, ink(back));
    if failed > 0 {
        let edge = Rect::from_min_size(rect.min, vec2(4.0, rect.height()));
        ui.painter().rect_filled(edge, 1.0, ink(palette.failed));
    }
    let at = pos2(rect.left() + 16.0, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, bevy_egui::egui::Color32::PLACEHOLDER);
    let mut x = rect.right() - 12.0 - SIGN_PITCH * (shown.saturating_sub(1)) as f32;
    let more_width = more.size().x;
    paint_line(ui, x - 10.0 - more_width, rect.center().y, more);
    for listed in &runs[hidden..] {
        let centre = pos2(x, rect.center().y);
        Sign::from(listed.status).paint(ui.painter(), centre, 5.5);
        if listed.id() == run.id() {
            let stroke = Stroke::new(1.5, ink(palette.text));
            let under = rect.center().y + 9.0;
            ui.painter().hline(x - 5.0..=x + 5.0, under, stroke);
        }
        x += SIGN_PITCH;
    }
    let said = format!("{attempt}{before}{after}");
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &said));
    response.on_hover_text("One sign for each run of the song, oldest first");
}

/// Returns where the run is, in words: the step in its colour, and the rest.
fn step_words(view: &InspectorView, run: &Run) -> (String, String) {
    let fixes = run.fix_iterations;
    let fix_words = |word: &str| match fixes {
        0 => String::new(),
        1 => format!(", {word} 1 fix"),
        fixes => format!(", {word} {fixes} fixes"),
    };
    match run.status {
        RunStatus::Pending => ("Queued".to_owned(), "not started yet".to_owned()),
        RunStatus::Running => {
            let Some(node) = run.current_node() else {
                return ("Between two steps".to_owned(), String::new());
            };
            let usual = view.run_store.model.stats().node_baseline(&node.name);
            let usual = usual.map(|usual| duration_words(usual.p50_ms));
            let so_far = node.elapsed_ms(view.server_now).map(clock_words);
            let mut rest = match (so_far, usual) {
                (Some(time), Some(usual)) => format!("{time} of usual {usual}"),
                (Some(time), None) => time,
                (None, Some(usual)) => format!("usual {usual}"),
                (None, None) => String::new(),
            };
            let verdict = verdicts(run).last().copied();
            let note = match verdict.and_then(|verdict| verdict.passed) {
                Some(true) if fixes > 0 => format!(", passed with fix {fixes}"),
                _ if fixes > 0 => format!(", fix {fixes}"),
                _ => String::new(),
            };
            rest.push_str(&note);
            (node.name.to_string(), rest)
        }
        RunStatus::Completed => {
            let score = final_score(run).map(|score| format!("score {}", number_words(score)));
            let skipped = run.node("RENDER").is_some_and(|it| it.status == NodeStatus::Skipped);
            let note = if skipped { ", nothing rendered" } else { "" };
            let rest = format!("{}{}{note}", score.unwrap_or_default(), fix_words("after"));
            ("Finished".to_owned(), rest.trim_start_matches(", ").to_owned())
        }
        RunStatus::Failed => match run.failed_node() {
            Some(node) => {
                let after = node.duration_ms.map(duration_words);
                let after = after.map_or_else(String::new, |after| format!(" after {after}"));
                (node.name.to_string(), format!("failed{after}{}", fix_words("after")))
            }
            None => ("Failed".to_owned(), "outside a step".to_owned()),
        },
        RunStatus::Cancelled => match run.current_node() {
            Some(node) => (node.name.to_string(), "cancelled during this step".to_owned()),
            None => ("Cancelled".to_owned(), "between two steps".to_owned()),
        },
    }
}

fn step_ui(ui: &mut Ui, view: &InspectorView, run: &Run) {
    let palette = style::palette(ui.ctx());
    let (step, mut rest) = step_words(view, run);
    if run.cancel_requested && run.status != RunStatus::Cancelled {
        rest.push_str(", cancel requested");
    }
    let tone = Sign::from(run.status).text_colour(palette);
    let rest = format!("  {}", rest.trim_start_matches(", "));
    let words = [
        (step.as_str(), style::semibold(15.0), tone),
        (rest.as_str(), style::body(15.0), palette.text_secondary),
    ];
    let width = ui.available_width();
    let galley = pieces(ui, &words, width, 2);
    let (rect, response) =
        ui.allocate_exact_size(vec2(width, galley.size().y.max(22.0)), Sense::hover());
    ui.painter().galley(rect.min, galley, bevy_egui::egui::Color32::PLACEHOLDER);
    response.widget_info(|| {
        WidgetInfo::labeled(WidgetType::Label, true, format!("{step} {}", rest.trim()))
    });
}

/// Shows ids, seed and start, and what can be copied.
fn facts_ui(ui: &mut Ui, view: &InspectorView, run: &Run, state: &InspectorState) {
    let palette = style::palette(ui.ctx());
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(14.0, 2.0);
        ui.spacing_mut().interact_size.y = 22.0;
        id_ui(ui, view, run);
        let fact = |name: &str, value: &str, ui: &mut Ui| {
            let mut job = LayoutJob::default();
            let look = |font, tone: Color| TextFormat::simple(font, ink(tone));
            job.append(name, 0.0, look(style::body(text::SMALL), palette.text_tertiary));
            job.append(value, 6.0, look(style::mono(text::SMALL), palette.text));
            ui.add(Label::new(job).truncate())
        };
        if let Some(seed) = run.seed {
            fact("seed", &seed.to_string(), ui);
        }
        if run.started_at.or(run.created_at).is_some() {
            // With the elapsed time it adds up to now.
            let at = run.begun_at();
            let name = if run.started_at == Some(at) { "started" } else { "created" };
            fact(name, &time_words(at, view.zone), ui).on_hover_text(instant_words(at, view.zone));
        }
        if run.executions > 1 {
            fact("execution", &run.executions.to_string(), ui);
        }
        if run.from_rest {
            let word = RichText::new("REST").font(style::body(text::SMALL));
            let tip = "The outcome comes from the backend's REST API; no event reported it.";
            ui.label(word.color(ink(palette.text_secondary))).on_hover_text(tip);
        }
        let place = state.choice().filter(|choice| choice.run == *run.id());
        let place = place.and_then(|choice| Some((choice.node.clone()?, choice.attempt)));
        copy_words_ui(ui, "copy", "Copy the run for a ticket", || {
            let place = place.as_ref().map(|(node, attempt)| (node.as_str(), *attempt));
            ticket_text(run, place, view.run_store, view.server_now, view.zone)
        });
        if let Some(link) = view.share {
            copy_words_ui(ui, "link", "Copy the link to this run", || link.to_owned());
        }
        if let Some(command) = view.command {
            let label = "Copy the command line for this run";
            copy_words_ui(ui, "command", label, || command.to_owned());
        }
    });
}

/// Shows the run's id, which a click copies.
fn id_ui(ui: &mut Ui, view: &InspectorView, run: &Run) {
    let palette = style::palette(ui.ctx());
    let label = "Copy the run's id";
    let id = ui.id().with(("copied", label));
    let is_copied = says_copied(ui, id);
    let short = view.run_store.short_id(run.id());
    let words = if is_copied { "copied" } else { &short };
    let small = || style::body(text::SMALL);
    let name = elided(ui, "run", small(), palette.text_tertiary, 60.0);
    let value = elided(ui, words, style::mono(text::SMALL), palette.text, 180.0);
    let size = vec2(name.size().x + 6.0 + value.size().x, 22.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let value_x = rect.left() + name.size().x + 6.0;
    paint_line(ui, rect.left(), rect.center().y, name);
    paint_line(ui, value_x, rect.center().y, value);
    if response.hovered() {
        let line = Stroke::new(1.0, ink(palette.text_secondary));
        ui.painter().hline(value_x..=rect.right(), rect.bottom() - 3.0, line);
    }
    describe_button(&response, if is_copied { "copied" } else { label });
    widgets::focus_ring(ui, &response, rect.expand2(vec2(3.0, 0.0)));
    if response.clicked() {
        copy_for(ui, id, run.id().to_string());
    }
    let tip = format!("{}\nA click copies it.", crate::text::name(run.id()));
    response.on_hover_cursor(CursorIcon::PointingHand).on_hover_text(tip);
}

/// Offers to mark a failure as seen while it is news, and says when it is marked.
fn seen_ui(ui: &mut Ui, view: &InspectorView, run: &Run, actions: &mut Vec<Action>) {
    let palette = style::palette(ui.ctx());
    if view.run_store.is_seen(run.id()) {
        super::part::quiet_ui(ui, "Marked as seen.");
    } else if is_fresh(run, view.run_store, view.server_now) {
        let button = super::part::InspectorButton {
            words: "Mark as seen",
            key: ActionEntry::keys_of(&Action::MarkSeen(None)),
            tone: palette.text,
            tip: MARK_AS_SEEN,
            is_enabled: true,
            width: 160.0,
        };
        if super::part::inspector_button_ui(ui, &button).clicked() {
            actions.push(Action::MarkSeen(Some(run.id().clone())));
        }
    }
}
