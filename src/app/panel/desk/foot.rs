//! Foot of the desk: the connection, four numbers, and the way back in time.

use bevy_egui::egui::{
    self, CornerRadius, Rect, RichText, Sense, Stroke, Ui, UiBuilder, WidgetInfo, WidgetType, pos2,
    vec2,
};
use jiff::{SignedDuration, Timestamp};

use crate::app::panel::glyph::Sign;
use crate::app::panel::style::{self, ink, text};
use crate::app::panel::widgets::{Offer, button_ui, elided, focus_ring, paint_line};
use crate::app::state::actions::{Action, ActionEntry, Transport};
use crate::app::state::rewind::PastView;
use crate::app::views::bridge::{BridgeView, Light, TransportView};
use crate::bounded::bounded;
use crate::model::RunStatus;

/// Width of the connection, of a number, and the least width of the bar of time.
const CONNECTION: f32 = 230.0;
const NUMBER: f32 = 156.0;
const LEAST_WAVE: f32 = 160.0;
/// Size of the numbers.
const VALUE: f32 = 19.0;

/// Inputs of the foot.
pub(in crate::app::panel) struct FootView<'a> {
    /// Readings and connection; `None` before they were first made.
    pub bridge: Option<&'a BridgeView>,
    /// Activity over time, also while live.
    pub transport: &'a TransportView,
    /// Instant that is shown; `None` when it is live.
    pub past: Option<PastView>,
}

/// Shows the foot; returns the requested actions.
pub(super) fn foot_ui(ui: &mut Ui, view: &FootView) -> Vec<Action> {
    let mut actions = Vec::new();
    let all = ui.max_rect();
    let mut left = all.left() + 16.0;
    if let Some(bridge) = view.bridge {
        connection_ui(
            ui,
            bridge,
            Rect::from_min_size(pos2(left, all.top()), vec2(CONNECTION, all.height())),
        );
        left += CONNECTION;
        let right = 300.0 + LEAST_WAVE;
        // Success and events first, where not all of them fit.
        let fits = ((all.right() - left - right) / NUMBER).floor().max(0.0) as usize;
        let order: &[usize] = match fits {
            0 => &[],
            1 => &[2],
            2 => &[0, 2],
            3 => &[0, 1, 2],
            _ => &[0, 1, 2, 3],
        };
        for index in order {
            let rect = Rect::from_min_size(pos2(left, all.top()), vec2(NUMBER, all.height()));
            number_ui(ui, &bridge.readings[*index], rect);
            left += NUMBER;
        }
    }
    let row =
        Rect::from_min_max(pos2(left + 12.0, all.top()), pos2(all.right() - 16.0, all.bottom()));
    transport_ui(ui, view, row, &mut actions);
    actions
}

fn connection_ui(ui: &mut Ui, bridge: &BridgeView, rect: Rect) {
    let palette = style::palette(ui.ctx());
    let light = &bridge.light;
    let sign = match light.state {
        Light::Live | Light::Recording | Light::Ended | Light::Polling => Sign::Linked,
        _ => Sign::Linking,
    };
    sign.paint(ui.painter(), pos2(rect.left() + 16.0, rect.center().y), 13.0);
    let tone = match light.state {
        state if state.is_past() => palette.violet_text,
        Light::Live | Light::Recording | Light::Ended | Light::Polling => palette.text,
        _ => palette.cancelled,
    };
    let x = rect.left() + 42.0;
    let room = rect.right() - x - 10.0;
    let word = elided(ui, &light.word, style::semibold(text::SECTION), tone, room);
    let width = word.size().x;
    paint_line(ui, x, rect.center().y - 11.0, word);
    let beside = elided(
        ui,
        &light.beside,
        style::body(text::SMALL),
        palette.text_secondary,
        room - width - 8.0,
    );
    paint_line(ui, x + width + 8.0, rect.center().y - 10.0, beside);
    let source = elided(ui, &light.source, style::body(text::SMALL), palette.text_secondary, room);
    paint_line(ui, x, rect.center().y + 11.0, source);
    let response = ui.interact(rect, ui.id().with("connection"), Sense::hover());
    let label = format!("{} {}, {}", light.word, light.beside, light.source);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &label));
    let mut tip = label.clone();
    if let Some(below) = light.below.first() {
        tip = format!("{tip}\n{below}");
    }
    response.on_hover_text(tip);
}

fn number_ui(ui: &mut Ui, reading: &crate::app::views::bridge::Reading, rect: Rect) {
    let palette = style::palette(ui.ctx());
    ui.painter().vline(
        rect.left(),
        rect.y_range().shrink(14.0),
        Stroke::new(1.0, ink(palette.line)),
    );
    let x = rect.left() + 14.0;
    let room = rect.right() - x - 6.0;
    let label = reading.label.iter().min_by_key(|label| label.len());
    let label = label.map_or("", String::as_str);
    let name = reading.label.first().map_or("", String::as_str);
    let caption = elided(ui, label, style::body(text::SMALL), palette.text_secondary, room);
    paint_line(ui, x, rect.center().y - 13.0, caption);
    let value = elided(ui, &reading.value, style::semibold(VALUE), palette.text, room);
    let width = value.size().x;
    paint_line(ui, x, rect.center().y + 10.0, value);
    let tone = if reading.alarming { palette.failed_text } else { palette.violet_text };
    let note = &reading.note[1];
    let note = elided(ui, note, style::body(text::SMALL), tone, room - width - 8.0);
    paint_line(ui, x + width + 8.0, rect.center().y + 11.0, note);
    let response = ui.interact(rect, ui.id().with(name), Sense::hover());
    let words = format!("{name}: {}. {}", reading.value, reading.note[0]);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &words));
    response.on_hover_text(words.clone());
}

fn transport_ui(ui: &mut Ui, view: &FootView, row: Rect, actions: &mut Vec<Action>) {
    let palette = style::palette(ui.ctx());
    let is_playing = view.past.is_none_or(|past| past.is_playing);
    let (pause, pause_name) = if is_playing { ("⏸", "Pause") } else { ("▶", "Play") };
    let buttons = [
        ("⏮", "Previous event", Transport::PreviousEvent),
        (pause, pause_name, Transport::TogglePlaying),
        ("⏭", "Next event", Transport::NextEvent),
    ];
    let mut left = row.left();
    for (sign, words, transport) in buttons {
        let name = &ActionEntry::with_keys(words, &Action::Time(transport));
        let rect = Rect::from_center_size(pos2(left + 17.0, row.center().y), vec2(34.0, 34.0));
        let mut child = ui.new_child(UiBuilder::new().id_salt(name).max_rect(rect));
        let response = child.add_sized(rect.size(), egui::Button::new(RichText::new("")));
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, name));
        paint_transport(ui, rect, sign);
        if response.on_hover_text(name).clicked() {
            actions.push(Action::Time(transport));
        }
        left += 40.0;
    }
    let pill_width = if view.past.is_some() { 172.0 } else { 96.0 };
    // A recording that plays is not live.
    let is_recorded = view
        .bridge
        .is_some_and(|bridge| matches!(bridge.light.state, Light::Recording | Light::Ended));
    let wave = Rect::from_min_max(
        pos2(left + 8.0, row.top() + 8.0),
        pos2(row.right() - pill_width - 12.0, row.bottom() - 8.0),
    );
    if wave.width() > 60.0 {
        wave_ui(ui, view, wave, actions);
    }
    let pill = Rect::from_center_size(
        pos2(row.right() - pill_width / 2.0, row.center().y),
        vec2(pill_width, 34.0),
    );
    let mut child = ui.new_child(UiBuilder::new().id_salt("pill").max_rect(pill));
    match view.past {
        None => {
            child.scope(|ui| {
                ui.set_min_size(pill.size());
                ui.painter().rect_filled(pill, 17.0, ink(palette.violet));
                ui.painter().circle_filled(
                    pos2(pill.left() + 18.0, pill.center().y),
                    5.0,
                    ink(palette.on_violet),
                );
                let words = elided(
                    ui,
                    if is_recorded { "REPLAY" } else { "LIVE" },
                    style::semibold(text::SMALL),
                    palette.on_violet,
                    64.0,
                );
                paint_line(ui, pill.left() + 30.0, pill.center().y, words);
            });
        }
        Some(_) => {
            let words = &view.transport.behind;
            let present = view.bridge.map(|bridge| bridge.light.present).unwrap_or_default();
            let tip = format!("Back to {}", present.words());
            let tip = ActionEntry::with_keys(&tip, &Action::Time(Transport::Live));
            let response = button_ui(&mut child, words, Offer::Plain, pill.width());
            if response.on_hover_text(tip).clicked() {
                actions.push(Action::Time(Transport::Live));
            }
        }
    }
}

/// Paints the sign of a button of the transport.
fn paint_transport(ui: &Ui, rect: Rect, sign: &str) {
    let palette = style::palette(ui.ctx());
    let tone = ink(palette.text);
    let centre = rect.center();
    let triangle = |x: f32, flip: f32| {
        let points = vec![
            centre + vec2(x - 5.0 * flip, -7.0),
            centre + vec2(x + 6.0 * flip, 0.0),
            centre + vec2(x - 5.0 * flip, 7.0),
        ];
        egui::Shape::convex_polygon(points, tone, Stroke::NONE)
    };
    let bar = |x: f32| {
        let rect = Rect::from_center_size(centre + vec2(x, 0.0), vec2(3.5, 14.0));
        egui::Shape::rect_filled(rect, CornerRadius::same(1), tone)
    };
    let shapes = match sign {
        "⏮" => vec![triangle(1.0, -1.0), bar(-7.0)],
        "⏭" => vec![triangle(-1.0, 1.0), bar(7.0)],
        "⏸" => vec![bar(-4.0), bar(4.0)],
        _ => vec![triangle(0.0, 1.0)],
    };
    shapes.into_iter().for_each(|shape| {
        ui.painter().add(shape);
    });
}

/// Shows activity over time with the ends of runs; a press or drag shows that instant.
fn wave_ui(ui: &mut Ui, view: &FootView, rect: Rect, actions: &mut Vec<Action>) {
    let palette = style::palette(ui.ctx());
    let transport = view.transport;
    let response = ui.interact(rect, ui.id().with("wave"), Sense::click_and_drag());
    response.widget_info(|| {
        WidgetInfo::labeled(WidgetType::Slider, true, "Time: press to see an earlier moment")
    });
    ui.painter().rect_filled(rect, 4.0, ink(palette.well));
    let x_of = |place: f32| rect.left() + place * rect.width();
    let head = view.past.map(|past| x_of(transport.place(past.at)));
    let bars = transport.wave.len().max(1);
    let pitch = rect.width() / bars as f32;
    for (index, height) in transport.wave.iter().enumerate().filter(|(_, height)| **height > 0.0) {
        let x = x_of(index as f32 / bars as f32);
        let height = ((rect.height() - 20.0) * height).max(2.0);
        let bar = Rect::from_min_max(
            pos2(x, rect.bottom() - 2.0 - height),
            pos2(x + (pitch * 0.68).max(1.0), rect.bottom() - 2.0),
        );
        let is_before = head.is_some_and(|head| x < head);
        let tone = if is_before { palette.violet_text } else { palette.text_decorative };
        ui.painter().rect_filled(bar, 0.0, ink(tone));
    }
    let start =
        elided(ui, &transport.start, style::body(text::SMALL), palette.text_secondary, 120.0);
    let start_end = rect.left() + 8.0 + start.size().x;
    let y = rect.top() + 10.0;
    let mut covered = false;
    for (place, status, _) in transport.marks.iter().rev() {
        let x = bounded(x_of(*place), rect.left() + 8.0, rect.right() - 8.0);
        covered |= x - 8.0 < start_end;
        let sign = match status {
            RunStatus::Failed => Sign::FAILED,
            RunStatus::Cancelled => Sign::from(RunStatus::Cancelled),
            _ => {
                ui.painter().circle_filled(pos2(x, y), 3.5, ink(palette.success));
                continue;
            }
        };
        sign.paint(ui.painter(), pos2(x, y), 6.5);
    }
    if !covered {
        paint_line(ui, rect.left() + 8.0, y, start);
    }
    ui.painter().rect_filled(
        Rect::from_min_max(
            pos2(rect.right() - 3.0, rect.top() - 3.0),
            pos2(rect.right(), rect.bottom() + 3.0),
        ),
        0.0,
        ink(palette.success),
    );
    if let Some(head) = head {
        let line = Rect::from_min_max(
            pos2(head - 1.5, rect.top() - 4.0),
            pos2(head + 1.5, rect.bottom() + 4.0),
        );
        ui.painter().rect_filled(line, 0.0, ink(palette.text));
    }
    focus_ring(ui, &response, rect.expand(2.0));
    if (response.clicked() || response.dragged())
        && let Some(at) = response.interact_pointer_pos()
    {
        let place = bounded((at.x - rect.left()) / rect.width().max(1.0), 0.0, 1.0);
        let mark = transport.marks.iter().find(|(mark, ..)| {
            response.clicked() && (x_of(*mark) - at.x).abs() < 7.0 && at.y < y + 9.0
        });
        let at =
            mark.map_or_else(|| instant(transport.from, transport.until, place), |(.., at)| *at);
        actions.push(Action::Time(Transport::Show(at)));
    }
}

/// Instant at a place of the bar, 0 to 1.
fn instant(from: Timestamp, until: Timestamp, place: f32) -> Timestamp {
    let span = until.duration_since(from).as_secs_f64().max(0.0);
    let by = SignedDuration::try_from_secs_f64(span * f64::from(place)).unwrap_or_default();
    from.checked_add(by).unwrap_or(until)
}
