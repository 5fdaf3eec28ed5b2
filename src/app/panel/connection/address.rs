//! The field for an address, what is said about the address, and the buttons below.

use std::time::Duration;

use bevy_egui::egui::{Align, Key, Label, RichText, TextEdit, Ui, vec2};

use super::assistant::{complete, kind_words, place_words, stream_instead};
use super::view::ConnectionView;
use crate::app::panel::glyph::{Sign, sign_ui};
use crate::app::panel::style::{self, ink, space, text};
use crate::app::panel::widgets::{self, Offer, button_ui};
use crate::app::state::actions::Action;
use crate::app::state::opening::AddressTest;
use crate::source::{Address, ConnectionState, SourceSpec, UrlError, check_address, redact};
use crate::text::sentence;

/// Time without typing after which is said what is wrong, in seconds.
const PAUSE_SECS: f64 = 0.8;

/// Content of the field.
#[derive(Clone, Debug, Default)]
pub(super) struct AddressDraft {
    url: String,
    /// URL in use when the field was last filled from it.
    filled_from: Address,
    /// Time of the last change by the user, in seconds of egui's clock; `None` once the field was left.
    typed_at: Option<f64>,
}

impl AddressDraft {
    /// Refills the field when the URL in use has changed. The field shows it without secrets, because
    /// anybody can read the screen.
    fn follow(&mut self, url: &str) {
        if self.filled_from.as_str() != url {
            self.filled_from = url.into();
            self.url = redact(url);
            self.typed_at = None;
        }
    }

    /// URL to connect to: the URL in use, with its secrets, while the field is unchanged; else the
    /// typed one, with the scheme that it lacks.
    fn url_to_connect(&self, in_use: &str) -> String {
        let typed = self.url.trim();
        if typed == redact(in_use) { in_use.to_owned() } else { complete(typed).into() }
    }
}

/// States of the three buttons: connect, disconnect, reconnect. `other_url` is true when the field
/// differs from the URL in use.
pub(super) fn offers(state: &ConnectionState, other_url: bool) -> [Offer; 3] {
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

/// Shows the field, a line about the address in it, and the buttons.
pub(super) fn address_ui(
    ui: &mut Ui,
    view: &ConnectionView,
    draft: &mut AddressDraft,
    actions: &mut Vec<Action>,
) {
    let palette = style::palette(ui.ctx());
    draft.follow(view.url);
    let width = ui.available_width();
    let field = TextEdit::singleline(&mut draft.url)
        .font(style::mono(text::MONO))
        .hint_text(
            RichText::new("studio:8000, or ws://host:port/path").color(ink(palette.text_tertiary)),
        )
        .desired_width(width - 20.0)
        .min_size(vec2(width, space::ROW))
        .margin(vec2(10.0, 4.0))
        .vertical_align(Align::Center);
    let response = ui.add(field);
    widgets::set_accessible_name(&response, "Address of the source");
    let now = ui.input(|input| input.time);
    if response.changed() {
        draft.typed_at = Some(now);
    }
    if !response.has_focus() {
        draft.typed_at = None;
    }
    let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));

    let url = draft.url_to_connect(view.url);
    let wrong = check_address(&url).err();
    let rests = draft.typed_at.map_or(0.0, |at| at + PAUSE_SECS - now);
    if rests > 0.0 {
        ui.ctx().request_repaint_after(Duration::from_secs_f64(rests));
    }
    let shown = wrong.as_ref().filter(|_| rests <= 0.0);
    if !url.is_empty()
        && let Some(meant) = about_ui(ui, view, &url, draft.url.trim(), shown, rests > 0.0)
    {
        draft.url = meant;
    }
    buttons_ui(ui, view, &url, wrong.is_none(), entered, actions);
}

/// Says what an address leads to, or what is wrong with it. Returns another address that the user chose.
fn about_ui(
    ui: &mut Ui,
    view: &ConnectionView,
    url: &str,
    typed: &str,
    wrong: Option<&UrlError>,
    is_typing: bool,
) -> Option<String> {
    let palette = style::palette(ui.ctx());
    let mut meant = None;
    ui.horizontal_wrapped(|ui| {
        // The line keeps its height, so that nothing below moves while the user types.
        ui.set_min_height(space::LINE);
        ui.spacing_mut().interact_size.y = space::LINE;
        let tested = view.sources.recent.and_then(|recent| recent.test.as_ref());
        let tested = tested.filter(|test| test.address.as_str() == url);
        if let Some(error) = wrong {
            sign_ui(ui, Sign::FAILED, 8.0);
            let words = RichText::new(sentence(&error.to_string()));
            ui.add(Label::new(words.color(ink(palette.failed_text))).wrap());
        } else if let Some(test) = tested {
            test_ui(ui, test);
        } else if check_address(url).is_ok() {
            let kind = kind_words(url);
            let words = if typed == redact(url) {
                sentence(kind)
            } else {
                format!("{}, {kind}.", redact(url))
            };
            ui.weak(words);
        }
        if !is_typing && let Some(stream) = stream_instead(url).filter(|it| it != url) {
            let shown = redact(&stream);
            let words = format!("use {shown}");
            let label = format!("Use {shown}, a stream of events or a hub");
            if widgets::text_button_ui(ui, &words, &label).on_hover_text(&label).clicked() {
                meant = Some(stream);
            }
        }
    });
    meant
}

/// Says whether a server answered.
fn test_ui(ui: &mut Ui, test: &AddressTest) {
    let palette = style::palette(ui.ctx());
    let place = place_words(test.address.as_str());
    match &test.result {
        None => {
            ui.weak(format!("Asking {place} …"));
        }
        Some(Ok(status)) => {
            sign_ui(ui, Sign::Linked, 8.0);
            ui.label(format!("A server answers at {place}."))
                .on_hover_text(format!("It answered HTTP {status} to GET /."));
        }
        Some(Err(reason)) => {
            sign_ui(ui, Sign::FAILED, 8.0);
            let words = RichText::new(sentence(reason)).color(ink(palette.failed_text));
            ui.add(Label::new(words).wrap());
        }
    }
}

fn buttons_ui(
    ui: &mut Ui,
    view: &ConnectionView,
    url: &str,
    is_right: bool,
    entered: bool,
    actions: &mut Vec<Action>,
) {
    let is_recording = view.source.is_some_and(SourceSpec::is_recording);
    let mut offered = match is_recording {
        true => [Offer::Plain, Offer::Disabled, Offer::Disabled],
        false => offers(view.state, url != view.url),
    };
    if !is_right {
        offered[0] = Offer::Disabled;
    }
    let each = (ui.available_width() - 3.0 * space::GAP) / 4.0;
    ui.horizontal(|ui| {
        let connect = button_ui(ui, "Connect", offered[0], each).clicked();
        if connect || (entered && is_right) {
            actions.push(Action::Connect(url.into()));
        }
        // A recording is left, and has no connection of its own.
        if !is_recording {
            if button_ui(ui, "Disconnect", offered[1], each).clicked() {
                actions.push(Action::Disconnect);
            }
            if button_ui(ui, "Reconnect", offered[2], each).clicked() {
                actions.push(Action::Reconnect);
            }
        }
        // Browsers do not let a page ask other servers.
        if !cfg!(target_arch = "wasm32") {
            actions.extend(test_button_ui(ui, view, url, is_right, each));
        }
    });
}

/// Shows the button that asks the server once whether it answers; returns the requested action.
fn test_button_ui(
    ui: &mut Ui,
    view: &ConnectionView,
    url: &str,
    is_right: bool,
    width: f32,
) -> Option<Action> {
    let recent = view.sources.recent?;
    // The server that is connected answers; another request would only load it.
    let is_connected = matches!(view.state, ConnectionState::Connected { .. }) && url == view.url;
    let is_under_way = recent.test.as_ref().is_some_and(|test| test.result.is_none());
    let is_possible = is_right && !is_connected && !is_under_way;
    let offer = if is_possible { Offer::Plain } else { Offer::Disabled };
    let hint = format!(
        "Sends one request (GET /) to {}, without credentials, and opens no stream of events.",
        place_words(url)
    );
    let button = button_ui(ui, "Test", offer, width);
    let why = if is_connected { "The connection stands." } else { hint.as_str() };
    let is_pressed = button.on_hover_text(why).on_disabled_hover_text(why).clicked();
    is_pressed.then(|| Action::TestAddress(Address::from(url)))
}
