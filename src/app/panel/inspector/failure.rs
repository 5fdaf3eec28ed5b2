//! *Last error*: the latest failure of the song up to the shown run, and how often its reason occurred.

use bevy_egui::egui::{Label, RichText, Ui};
use jiff::{SignedDuration, Timestamp};

use super::failure_state::{Counted, FailureState};
use super::part::{
    Head, InspectorButton, copy_button_ui, head_ui, inspector_button_ui, log_button_ui, quiet_ui,
};
use super::state::InspectorState;
use super::ticket::ticket_text;
use super::trace::{split_trace, trace_ui};
use super::view::InspectorView;
use crate::app::panel::glyph::{Sign, sign_ui};
use crate::app::panel::node::long_text_ui;
use crate::app::panel::style::{self, ink, text};
use crate::app::words::{count_words, instant_words, time_words};
use crate::model::{FailureCause, Node, Run, RunStatus, failure_words_of};
use crate::protocol::NodeName;

/// Length in bytes from which on an error is shown a few lines at a time.
const LONG_ERROR: usize = 400;

/// Seconds for which the count of a reason is kept.
const COUNTED_SECS: f64 = 2.0;

/// Hours over which a reason is counted.
const COUNTED_HOURS: i64 = 24;

/// A failed execution of the song.
struct Failed<'a> {
    run: &'a Run,
    /// Number of the run among those of its song; `None` for the shown run.
    attempt: Option<usize>,
    /// Number of an earlier execution of the run.
    execution: Option<u32>,
    nodes: &'a [Node],
    error: Option<&'a str>,
    at: Option<Timestamp>,
}

/// Returns the failures of the song up to the shown run, the latest first.
fn failures<'a>(view: &InspectorView<'a>, run: &'a Run) -> Vec<Failed<'a>> {
    let mut found = Vec::new();
    let runs = view.run_store.numbered_song_runs(run);
    let earlier = runs.into_iter().rev().skip_while(|(_, listed)| listed.id() != run.id());
    for (number, listed) in earlier {
        let attempt = (listed.id() != run.id()).then_some(number);
        if listed.status == RunStatus::Failed {
            found.push(Failed {
                run: listed,
                attempt,
                execution: None,
                nodes: &listed.nodes,
                error: listed.error.as_deref(),
                at: listed.counted_end(),
            });
        }
        let kept = listed.history.len() as u32;
        let before = listed.executions.saturating_sub(1).saturating_sub(kept);
        for (place, execution) in listed.history.iter().enumerate().rev() {
            if execution.status == RunStatus::Failed {
                found.push(Failed {
                    run: listed,
                    attempt,
                    execution: Some(before + place as u32 + 1),
                    nodes: &execution.nodes,
                    error: execution.error.as_deref(),
                    at: execution.ended_at,
                });
            }
        }
    }
    found
}

/// Shows the section.
pub(super) fn failure_ui(ui: &mut Ui, view: &InspectorView, run: &Run, state: &mut InspectorState) {
    let palette = style::palette(ui.ctx());
    if state.failure.run.as_ref() != Some(run.id()) {
        state.failure = FailureState { run: Some(run.id().clone()), ..FailureState::default() };
    }
    let found = failures(view, run);
    state.failure.back = state.failure.back.min(found.len().saturating_sub(1));
    let place = state.failure.back;
    let sum = match found.len() {
        0 => "none".to_owned(),
        1 => String::new(),
        count => format!("{} of {count}", place + 1),
    };
    let preview = found.get(place).map(|failed| title_words(view, failed)).unwrap_or_default();
    let tone = palette.text_secondary;
    let head = Head { title: "Last error", preview: &preview, sum: &sum, tone };
    head_ui(ui, &mut state.open.error, &head);
    if !state.open.error {
        return;
    }
    let Some(failed) = found.get(place) else {
        quiet_ui(ui, "No run of this song has failed so far.");
        return;
    };
    if found.len() > 1 {
        others_ui(ui, state, found.len());
    }
    error_ui(ui, view, failed, state);
}

/// Shows buttons for the failures before and after.
fn others_ui(ui: &mut Ui, state: &mut InspectorState, count: usize) {
    let palette = style::palette(ui.ctx());
    ui.horizontal(|ui| {
        let button = |words, is_enabled| InspectorButton {
            words,
            key: None,
            tone: palette.text,
            tip: "",
            is_enabled,
            width: 120.0,
        };
        let back = state.failure.back;
        if inspector_button_ui(ui, &button("Earlier error", back + 1 < count)).clicked() {
            state.failure.back += 1;
        }
        if inspector_button_ui(ui, &button("Later error", back > 0)).clicked() {
            state.failure.back -= 1;
        }
    });
}

/// Returns what failed and when: "Attempt 2, VALIDATE failed at 21:07:12".
fn title_words(view: &InspectorView, failed: &Failed) -> String {
    let (step, _) = failure_words_of(failed.nodes, failed.error);
    let mut parts = Vec::new();
    parts.extend(failed.attempt.map(|attempt| format!("attempt {attempt}")));
    parts.extend(failed.execution.map(|execution| format!("execution {execution}")));
    let step = step.unwrap_or_else(|| "run".to_owned());
    let at = failed.at.map(|at| format!(" at {}", time_words(at, view.zone)));
    parts.push(format!("{step} failed{}", at.unwrap_or_default()));
    let words = parts.join(", ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn error_ui(ui: &mut Ui, view: &InspectorView, failed: &Failed, state: &mut InspectorState) {
    let palette = style::palette(ui.ctx());
    let (step, reason) = failure_words_of(failed.nodes, failed.error);
    let node = step.as_deref().and_then(|step| failed.nodes.iter().find(|it| it.name == step));
    let error = node.map_or(failed.error, |node| node.error.as_deref());
    let (said, trace) = error.map_or((reason.as_str(), None), split_trace);
    let times = times_in_a_day(ui, view, failed, (step.clone(), &reason), state);
    let frame = bevy_egui::egui::Frame::new()
        .fill(ink(palette.failed_tint_to))
        .stroke(bevy_egui::egui::Stroke::new(1.0, ink(palette.failed)))
        .corner_radius(6)
        .inner_margin(bevy_egui::egui::Margin { left: 18, right: 10, top: 8, bottom: 8 });
    let response = frame.show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 4.0;
        ui.horizontal_wrapped(|ui| {
            sign_ui(ui, Sign::FAILED, 8.0);
            let title = RichText::new(title_words(view, failed)).font(style::semibold(15.0));
            let title = ui.label(title.color(ink(palette.failed_text)));
            if let Some(at) = failed.at {
                title.on_hover_text(instant_words(at, view.zone));
            }
        });
        let said = said.trim_end();
        if said.len() > LONG_ERROR || said.lines().count() > 4 {
            long_text_ui(ui, "last error", said, 5.0);
        } else {
            let words = RichText::new(said).font(style::body(15.0)).color(ink(palette.text));
            ui.add(Label::new(words).wrap());
        }
        ui.horizontal_wrapped(|ui| {
            if times > 0 {
                let times = match times {
                    1 => "only this time in 24 h".to_owned(),
                    times => format!("same reason {} times in 24 h", count_words(times)),
                };
                let words = RichText::new(times).font(style::body(text::SMALL));
                ui.label(words.color(ink(palette.text_secondary)));
            }
            copy_button_ui(ui, "Copy", "Copy the error for a ticket", 74.0, || {
                let place = node.map(|node| (node.name.as_str(), node.attempts));
                let place = place.filter(|_| failed.execution.is_none());
                let run = failed.run;
                let mut ticket =
                    ticket_text(run, place, view.run_store, view.server_now, view.zone);
                if let Some(execution) = failed.execution {
                    let of = step.as_deref().unwrap_or("the run");
                    let error = crate::text::clean(error.unwrap_or(&reason));
                    ticket.push_str(&format!("Execution {execution}: {of} failed\n{error}\n"));
                }
                ticket
            });
            if let Some(node) = node
                && log_button_ui(ui)
            {
                state.wants_log = Some((failed.run.id().clone(), NodeName::clone(&node.name)));
            }
        });
    });
    let rect = response.response.rect;
    let edge =
        bevy_egui::egui::Rect::from_min_size(rect.min, bevy_egui::egui::vec2(5.0, rect.height()));
    ui.painter().rect_filled(edge, 2.0, ink(palette.failed));
    if let Some(trace) = trace {
        trace_ui(ui, "last error", trace, &mut state.open.traces);
    }
}

/// Returns how many runs failed for the same reason within 24 h, counted every few seconds.
fn times_in_a_day(
    ui: &Ui,
    view: &InspectorView,
    failed: &Failed,
    (step, reason): (Option<String>, &str),
    state: &mut InspectorState,
) -> u64 {
    let now = ui.input(|input| input.time);
    let known = state.failure.counted.as_ref().filter(|counted| {
        counted.run == *failed.run.id()
            && counted.at == failed.at
            && (0.0..COUNTED_SECS).contains(&(now - counted.counted_at))
    });
    if let Some(known) = known {
        return known.times;
    }
    let from = view.server_now.checked_sub(SignedDuration::from_hours(COUNTED_HOURS));
    let from = from.unwrap_or(Timestamp::MIN);
    let cause = FailureCause::new(step, reason);
    let times = view.run_store.history().failures_for(&cause, from, view.server_now);
    let run = failed.run.id().clone();
    state.failure.counted = Some(Counted { run, at: failed.at, counted_at: now, times });
    times
}
