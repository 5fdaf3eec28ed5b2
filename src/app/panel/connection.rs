//! Section of the panel on the connection: address, state, last error, counters.

use std::collections::VecDeque;
use std::time::Duration;

use bevy_egui::egui::{
    Align, ComboBox, DragValue, Key, Label, Layout, RichText, TextEdit, Ui, vec2,
};
use jiff::{Timestamp, tz::TimeZone};

use super::connection_log::connection_log_ui;
use super::glyph::{Sign, sign_ui};
use super::sources::{SourcesView, sources_ui};
use super::style::{self, ink, space, text};
use super::widgets::{self, Offer, button_ui, copy_ui, section_ui};
use crate::app::state::actions::Action;
use crate::app::state::clock::millis_between;
use crate::app::state::link::Link;
use crate::app::words::{count_words, time_words, updates_words, whole_seconds};
use crate::bounded::bounded;
use crate::model::Counters;
use crate::source::{
    Address, Backoff, ConnectionLogEntry, ConnectionSettings, ConnectionState, PollingReason,
    SourceSpec, Updates, check_address, redact,
};
use crate::time_zone;

/// Inputs of the section.
pub(super) struct ConnectionView<'a> {
    pub source: Option<&'a SourceSpec>,
    pub sources: SourcesView<'a>,
    /// URL in use.
    pub url: &'a str,
    pub state: &'a ConnectionState,
    pub settings: &'a ConnectionSettings,
    pub last_error: Option<&'a (Timestamp, String)>,
    pub log: &'a VecDeque<ConnectionLogEntry>,
    pub backlog: usize,
    pub counters: &'a Counters,
    pub now: Timestamp,
    pub zone: &'a TimeZone,
}

impl<'a> ConnectionView<'a> {
    pub(super) fn new(
        link: &'a Link,
        sources: SourcesView<'a>,
        counters: &'a Counters,
        now: Timestamp,
        zone: &'a TimeZone,
    ) -> Self {
        Self {
            source: link.source.as_ref(),
            sources,
            url: match (&link.source, sources.stream) {
                (Some(SourceSpec::Recording(_)), Some(stream)) => stream.address(),
                (Some(SourceSpec::Recording(_)), None) => "",
                _ => &link.url,
            },
            state: &link.state,
            settings: &link.settings,
            last_error: link.last_error.as_ref(),
            log: &link.log,
            backlog: link.backlog,
            counters,
            now,
            zone,
        }
    }
}

/// Entries of the section that are not applied yet.
#[derive(Clone, Debug, Default)]
pub(super) struct ConnectionDraft {
    url: String,
    /// URL in use when the field was last filled from it.
    filled_from: Address,
    log_open: bool,
}

impl ConnectionDraft {
    /// Refills the field when the URL in use has changed. The field shows it without secrets, because
    /// anybody can read the screen.
    fn follow(&mut self, url: &str) {
        if self.filled_from.as_str() != url {
            self.filled_from = url.into();
            self.url = redact(url);
        }
    }

    /// URL to connect to: the URL in use, with its secrets, while the field is unchanged; else the
    /// typed one.
    fn url_to_connect<'a>(&'a self, in_use: &'a str) -> &'a str {
        let typed = self.url.trim();
        if typed == redact(in_use) { in_use } else { typed }
    }
}

/// Recommendation shown when a window watches a backend directly.
const BEHIND_A_HUB: &str = "Each window that watches a backend holds one of its 15 database connections. \
     For several screens run one hub (meterbridge serve) and point them at it.";

/// Words of a connection state.
fn state_words(state: &ConnectionState) -> String {
    match state {
        ConnectionState::Disconnected => "Disconnected".to_owned(),
        ConnectionState::Connecting { .. } => "Connecting".to_owned(),
        ConnectionState::Connected { updates: Updates::Unanswered { .. }, .. } => {
            "Connected, no answer".to_owned()
        }
        ConnectionState::Connected { updates: Updates::Cut { .. }, .. } => {
            "Hub without its backend".to_owned()
        }
        ConnectionState::Connected { .. } => "Connected".to_owned(),
        ConnectionState::Reconnecting { attempt, max_attempts: 0, .. } => {
            format!("Reconnecting, attempt {attempt}")
        }
        ConnectionState::Reconnecting { attempt, max_attempts, .. } => {
            format!("Reconnecting, attempt {attempt}/{max_attempts}")
        }
        ConnectionState::Failed { .. } => "Failed".to_owned(),
    }
}

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

/// States of the three buttons: connect, disconnect, reconnect. `other_url` is true when the field
/// differs from the URL in use.
fn offers(state: &ConnectionState, other_url: bool) -> [Offer; 3] {
    use Offer::{Disabled, Plain, Primary};
    match state {
        ConnectionState::Disconnected => [Primary, Disabled, Disabled],
        ConnectionState::Connecting { .. } if other_url => [Primary, Plain, Disabled],
        ConnectionState::Connecting { .. } => [Disabled, Plain, Disabled],
        _ if other_url => {
            let open = !matches!(state, ConnectionState::Failed { is_probed: false, .. });
            [Primary, if open { Plain } else { Disabled }, Plain]
        }
        ConnectionState::Connected { .. } => [Disabled, Plain, Plain],
        ConnectionState::Reconnecting { .. } => [Disabled, Plain, Primary],
        ConnectionState::Failed { is_probed: true, .. } => [Disabled, Plain, Primary],
        ConnectionState::Failed { .. } => [Disabled, Disabled, Primary],
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
        ConnectionState::Reconnecting { .. } => Some("Meterbridge retries by itself."),
        ConnectionState::Failed { is_probed: true, .. } => {
            Some("Tried again from time to time. Press Reconnect to try now.")
        }
        ConnectionState::Failed { .. } => {
            Some("Not tried again. Check the URL and that the server runs, then press Reconnect.")
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
        let words = RichText::new(state_words(view.state))
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
            ui.weak(format!("Playing the recording {name}; times are those of the recording."))
                .on_hover_text(files.to_string());
            address_ui(ui, view, draft, &mut actions);
        }
        None => {
            ui.weak("The events come from the embedding app.");
        }
        Some(SourceSpec::Demo | SourceSpec::WebSocket(_) | SourceSpec::Api(_)) => {
            address_ui(ui, view, draft, &mut actions);
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
    sources_ui(ui, &view.sources, &mut actions);
    if let Some((at, message)) = view.last_error {
        error_ui(ui, *at, message, view);
    }
    counters_ui(ui, view.counters, view.backlog);
    let zone = format!("Times of day in {}", time_zone::current().words(view.now));
    ui.add(Label::new(RichText::new(zone).weak()).wrap());
    connection_log_ui(ui, view.log, view.zone, &mut draft.log_open);
    actions
}

fn address_ui(
    ui: &mut Ui,
    view: &ConnectionView,
    draft: &mut ConnectionDraft,
    actions: &mut Vec<Action>,
) {
    let palette = style::palette(ui.ctx());
    draft.follow(view.url);
    let width = ui.available_width();
    let field = TextEdit::singleline(&mut draft.url)
        .font(style::mono(text::MONO))
        .hint_text(RichText::new("ws://host:port/path").color(ink(palette.text_tertiary)))
        .desired_width(width - 20.0)
        .min_size(vec2(width, space::ROW))
        .margin(vec2(10.0, 4.0))
        .vertical_align(Align::Center);
    let response = ui.add(field);
    widgets::set_accessible_name(&response, "URL of the event stream");
    let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));

    let url = draft.url_to_connect(view.url);
    let wrong = check_address(url).err();
    if let Some(error) = &wrong
        && !url.is_empty()
    {
        ui.horizontal_top(|ui| {
            sign_ui(ui, Sign::FAILED, 8.0);
            let sentence = RichText::new(error.to_string()).color(ink(palette.failed_text));
            ui.add(Label::new(sentence).wrap());
        });
    }

    let is_recording = view.source.is_some_and(SourceSpec::is_recording);
    let mut offered = match is_recording {
        true => [Offer::Plain, Offer::Disabled, Offer::Disabled],
        false => offers(view.state, url != view.url),
    };
    if wrong.is_some() {
        offered[0] = Offer::Disabled;
    }
    let each = (width - 2.0 * space::GAP) / 3.0;
    ui.horizontal(|ui| {
        let connect = button_ui(ui, "Connect", offered[0], each).clicked();
        if connect || (entered && wrong.is_none()) {
            actions.push(Action::Connect(url.into()));
        }
        // A recording is left, and has no connection of its own.
        if is_recording {
            return;
        }
        if button_ui(ui, "Disconnect", offered[1], each).clicked() {
            actions.push(Action::Disconnect);
        }
        if button_ui(ui, "Reconnect", offered[2], each).clicked() {
            actions.push(Action::Reconnect);
        }
    });
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
            let response = ui.add(drag).on_hover_text("Drag, or press to type: 0.5 to 60 s");
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
            let response = ui.add(drag).on_hover_text("Drag, or press to type; 0: never give up");
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
        let advice = advice(view.state).map_or(String::new(), |advice| format!(". {advice}"));
        let said = shown.trim_end_matches('.');
        ui.add(Label::new(format!("{said}{advice}")).wrap());
    });
}

/// Shows the counters of received items; losses are highlighted.
fn counters_ui(ui: &mut Ui, counters: &Counters, backlog: usize) {
    let palette = style::palette(ui.ctx());
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(14.0, 2.0);
        ui.spacing_mut().interact_size.y = 20.0;
        let plain = |ui: &mut Ui, count: u64, words: &str| {
            ui.label(RichText::new(format!("{} {words}", count_words(count))).size(15.0).weak());
        };
        plain(ui, counters.frames, "frames");
        plain(ui, counters.events, "events");
        if counters.duplicates > 0 {
            plain(ui, counters.duplicates, "duplicates");
        }
        if counters.ignored > 0 {
            plain(ui, counters.ignored, "ignored");
        }
        let warn = |ui: &mut Ui, count: u64, words: &str, tone, why: &str| {
            if count > 0 {
                let text = RichText::new(format!("{} {words}", count_words(count)));
                ui.label(text.size(15.0).color(ink(tone))).on_hover_text(why);
            }
        };
        let malformed = counters.malformed;
        let why = "Frames that are not events; the event log shows them.";
        warn(ui, malformed, "unreadable", palette.failed_text, why);
        let why = "Dropped unread: frames arrived faster than they were read. Meterbridge \
            has reconnected.";
        warn(ui, counters.dropped, "frames dropped", palette.failed_text, why);
        let why = "Old runs were dropped to stay within the limits on runs and on the size of their \
            texts.";
        warn(ui, counters.evicted_runs, "runs dropped", palette.cancelled, why);
        let why = "Received, but not shown yet: more arrives than can be read per drawn frame.";
        warn(ui, backlog as u64, "batches waiting", palette.cancelled, why);
    });
}

#[cfg(test)]
mod tests;
