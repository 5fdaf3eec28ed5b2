//! Section of the panel on the connection: address, state, last error, health.

mod address;
mod assistant;
mod diagnostics;
mod health;
mod numbers;
mod view;

use std::time::Duration;

use bevy_egui::egui::{Align, ComboBox, DragValue, Label, Layout, RichText, Ui};
use jiff::Timestamp;

use self::address::{AddressDraft, address_ui};
use self::health::{HealthState, health_ui};
pub(super) use self::view::ConnectionView;
use self::view::state_words;
use super::connection_log::connection_log_ui;
use super::glyph::{Sign, sign_ui};
use super::sources::{NameDraft, sources_ui};
use super::style::{self, ink, text};
use super::widgets::{self, copy_ui, section_ui};
use crate::app::state::actions::Action;
use crate::app::state::clock::millis_between;
use crate::app::words::{time_words, updates_words, whole_seconds};
use crate::bounded::bounded;
use crate::source::{
    Backoff, ConnectionSettings, ConnectionState, PollingReason, SourceSpec, Updates, redact,
};
use crate::text::sentence;
use crate::time_zone;

/// Entries of the section that are not applied yet.
#[derive(Clone, Debug, Default)]
pub(super) struct ConnectionDraft {
    address: AddressDraft,
    name: NameDraft,
    health: HealthState,
    log_open: bool,
}

/// Recommendation shown when a window watches a backend directly.
const BEHIND_A_HUB: &str = "Each window that watches a backend holds one of its 15 database connections. \
     For several screens run one hub (meterbridge serve) and point them at it.";

fn state_sign(state: &ConnectionState, waited: Option<f32>) -> Sign {
    match state {
        ConnectionState::Disconnected => Sign::PENDING,
        ConnectionState::Connecting { .. } => Sign::Linking,
        ConnectionState::Connected {
            updates: Updates::Cut { .. } | Updates::Unanswered { .. },
            ..
        } => Sign::Linking,
        ConnectionState::Connected { .. } => Sign::Linked,
        ConnectionState::Reconnecting { .. } => waited.map_or(Sign::Linking, Sign::Waiting),
        ConnectionState::Failed { .. } => Sign::FAILED,
    }
}

/// Milliseconds until the next attempt, and the elapsed part of the wait, 0 to 1.
fn reconnect_wait(view: &ConnectionView) -> Option<(u64, f32)> {
    let ConnectionState::Reconnecting { next_attempt_at: Some(at), attempt, .. } = view.state
    else {
        return None;
    };
    let left = millis_between(view.now, *at);
    let whole = match view.settings.backoff {
        Backoff::Constant => {
            u64::try_from(view.settings.reconnect_delay.as_millis()).unwrap_or(u64::MAX)
        }
        Backoff::Exponential => 1000 << attempt.saturating_sub(1).min(5),
    };
    let part = 1.0 - left as f32 / whole.max(left).max(1) as f32;
    Some((left, part))
}

/// Advice on the last error; `None` while connected or connecting.
fn advice(state: &ConnectionState) -> Option<&'static str> {
    match state {
        ConnectionState::Connected { .. } | ConnectionState::Connecting { .. } => None,
        ConnectionState::Reconnecting { .. } => Some("Retrying automatically."),
        ConnectionState::Failed { is_probed: true, .. } => {
            Some("Retrying in the background. Press Reconnect to try now.")
        }
        ConnectionState::Failed { .. } => {
            Some("Not retrying. Check the address and that the server runs, then press Reconnect.")
        }
        ConnectionState::Disconnected => Some("Press Connect to try again."),
    }
}

pub(super) fn connection_ui(
    ui: &mut Ui,
    view: &ConnectionView,
    open: &mut bool,
    draft: &mut ConnectionDraft,
) -> Vec<Action> {
    let mut actions = Vec::new();
    let waiting = reconnect_wait(view);
    section_ui(ui, open, "Connection", |ui| {
        let sign = state_sign(view.state, waiting.map(|(_, part)| part));
        // A recording is played, not connected to.
        let words = match (view.source, view.state) {
            (Some(SourceSpec::Recording(_)), ConnectionState::Connected { .. }) => {
                "Playing".to_owned()
            }
            (Some(SourceSpec::Recording(_)), ConnectionState::Disconnected) => "Ended".to_owned(),
            (_, state) => state_words(state),
        };
        let words = RichText::new(words)
            .font(style::semibold(text::BODY))
            .color(ink(sign.text_colour(style::palette(ui.ctx()))));
        ui.label(words);
        sign_ui(ui, sign, 8.5);
    });
    if !*open {
        return actions;
    }
    match view.source {
        Some(SourceSpec::Recording(files)) => {
            let name = files.name();
            ui.weak(format!("Replay of {name}. Times are those of the recording."))
                .on_hover_text(files.to_string());
            address_ui(ui, view, &mut draft.address, &mut actions);
        }
        None => {
            ui.weak("The app that embeds this display supplies the events.");
        }
        Some(SourceSpec::Demo | SourceSpec::WebSocket(_) | SourceSpec::Api(_)) => {
            address_ui(ui, view, &mut draft.address, &mut actions);
            if let ConnectionState::Connected { updates, .. } = view.state
                && let Some(words) = updates_words(updates, view.zone)
            {
                let tone = style::palette(ui.ctx()).cancelled;
                ui.add(Label::new(RichText::new(words).color(ink(tone))).wrap());
            }
            let state = view.state;
            if let ConnectionState::Connected { updates: Updates::Polling(polling), .. } = state
                && polling.reason == PollingReason::Safety
            {
                ui.weak(polling.words());
            }
            if matches!(view.source, Some(SourceSpec::Api(_))) {
                ui.weak(BEHIND_A_HUB);
            }
            if let Some((left, part)) = waiting {
                wait_ui(ui, left, part);
            }
            settings_ui(ui, view.settings, &mut actions);
        }
    }
    sources_ui(ui, &view.sources, &mut draft.name, &mut actions);
    if let Some((at, message)) = view.last_error {
        error_ui(ui, *at, message, view);
    }
    health_ui(ui, view, &mut draft.health);
    let zone = format!("Times of day in {}", time_zone::current().words(view.now));
    ui.add(Label::new(RichText::new(zone).weak()).wrap());
    connection_log_ui(ui, view.log, view.zone, &mut draft.log_open);
    actions
}

fn wait_ui(ui: &mut Ui, left_ms: u64, part: f32) {
    let palette = style::palette(ui.ctx());
    let left = whole_seconds(left_ms.div_ceil(1000) * 1000);
    ui.horizontal(|ui| {
        ui.weak("Next retry in");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.monospace(&left);
            let label = format!("Next retry in {left}");
            widgets::bar_ui(ui, ui.available_width(), part, palette.cancelled, &label);
        });
    });
    ui.ctx().request_repaint_after(Duration::from_millis(100));
}

/// Name of a backoff, and its description.
fn backoff_words(backoff: Backoff) -> (&'static str, &'static str) {
    match backoff {
        Backoff::Constant => ("constant", "constant: the same delay each time"),
        Backoff::Exponential => {
            ("exponential", "exponential: 1, 2, 4 … 30 s, with random variation")
        }
    }
}

fn settings_ui(ui: &mut Ui, settings: &ConnectionSettings, actions: &mut Vec<Action>) {
    let mut changed = settings.clone();
    ui.horizontal(|ui| {
        ui.label(RichText::new("Retry delay").weak());
        if settings.backoff == Backoff::Constant {
            let mut seconds = settings.reconnect_delay.as_secs_f64();
            let drag = DragValue::new(&mut seconds)
                .range(0.5..=60.0)
                .speed(0.1)
                .fixed_decimals(1)
                .suffix(" s");
            let response = ui.add(drag).on_hover_text("Drag, or click to type: 0.5 to 60 s");
            widgets::set_accessible_name(&response, "Reconnect delay in seconds");
            if (seconds - settings.reconnect_delay.as_secs_f64()).abs() > 1e-3 {
                changed.reconnect_delay = Duration::from_secs_f64(bounded(seconds, 0.5, 60.0));
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let drag = DragValue::new(&mut changed.max_reconnect_attempts)
                .range(0..=1000)
                .speed(0.1)
                .custom_formatter(|count, _| match count as u32 {
                    0 => "no limit".to_owned(),
                    count => count.to_string(),
                })
                .custom_parser(|text| match text.trim() {
                    "no limit" => Some(0.0),
                    number => number.parse().ok(),
                });
            let response = ui.add(drag).on_hover_text("Drag, or click to type. 0 = never give up");
            widgets::set_accessible_name(&response, "Max attempts");
            ui.label(RichText::new("Max attempts").weak());
            let response = ComboBox::from_id_salt("backoff")
                .width(ui.available_width())
                .truncate()
                .selected_text(backoff_words(settings.backoff).0)
                .show_ui(ui, |ui| {
                    for backoff in [Backoff::Constant, Backoff::Exponential] {
                        let (_, words) = backoff_words(backoff);
                        ui.selectable_value(&mut changed.backoff, backoff, words);
                    }
                })
                .response;
            widgets::set_accessible_name(&response, "Backoff");
        });
    });
    if changed != *settings {
        actions.push(Action::Configure(Box::new(changed)));
    }
}

fn error_ui(ui: &mut Ui, at: Timestamp, message: &str, view: &ConnectionView) {
    let palette = style::palette(ui.ctx());
    style::note_frame(palette.failed_deep).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 3.0;
        ui.horizontal(|ui| {
            sign_ui(ui, Sign::FAILED, 8.5);
            let head = RichText::new("Last error").font(style::semibold(text::BODY));
            ui.label(head.color(ink(palette.failed_text)));
            ui.label(format!("at {}", time_words(at, view.zone)));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                copy_ui(ui, "Copy the error", || format!("{at} {} {message}", redact(view.url)));
            });
        });
        let shown: String = message.chars().take(400).collect();
        let advice = advice(view.state).map_or(String::new(), |advice| format!(" {advice}"));
        ui.add(Label::new(format!("{}{advice}", sentence(&shown))).wrap());
    });
}

#[cfg(test)]
mod tests;
