//! One line of the event log.

use bevy::color::Color;
use bevy_egui::egui::{Id, Response, Sense, Ui, WidgetInfo, WidgetType, vec2};
use jiff::tz::TimeZone;

use super::log_index::LineKind;
use super::log_index::LogView;
use super::style::{self, ink, space, text};
use super::widgets::{self, elided, paint_line};
use crate::app::theme::Palette;
use crate::app::words::{
    duration_words, instant_words, number_words, one_line, phase_words, score_words, time_words,
};
use crate::model::{LogEntry, LogItem};
use crate::protocol::{Phase, WorkflowEvent};

/// Shows a line. Its widget id is its `slot` on screen, so that a click counts although the log scrolls
/// under the pointer.
pub(super) fn line_ui(
    ui: &mut Ui,
    view: &LogView,
    entry: &LogEntry,
    with_run: bool,
    slot: usize,
) -> Response {
    let palette = style::palette(ui.ctx());
    let size = vec2(ui.available_width(), space::LINE);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let response = ui.interact(rect, Id::new("log line").with(slot), Sense::click());
    let words = LineWords::new(entry, view, with_run, palette);
    response.widget_info(|| {
        let label = [&words.time, &words.run, &words.node, &words.phase, &words.text];
        let label: Vec<&str> =
            label.iter().map(|part| part.as_str()).filter(|s| !s.is_empty()).collect();
        WidgetInfo::labeled(WidgetType::Button, true, label.join(" "))
    });
    if response.hovered() {
        ui.painter().rect_filled(rect, 3.0, ink(palette.bezel_top));
    }
    widgets::focus_ring(ui, &response, rect);

    let y = rect.center().y;
    let font = || style::mono(text::SMALL);
    let mut x = rect.left() + 8.0;
    let mut column = |text: &str, width: f32, tone| {
        paint_line(ui, x, y, elided(ui, text, font(), tone, width - 8.0));
        x += width;
    };
    column(&words.time, 78.0, palette.text_tertiary);
    if with_run {
        column(&words.run, 140.0, palette.text_secondary);
    }
    column(&words.node, 80.0, palette.text);
    column(&words.phase, 94.0, words.tone);
    let left = rect.right() - x;
    paint_line(ui, x, y, elided(ui, &words.text, font(), palette.text_secondary, left - 8.0));

    response.on_hover_ui(|ui| hover_ui(ui, entry, &words.text, view.zone))
}

fn hover_ui(ui: &mut Ui, entry: &LogEntry, words: &str, zone: &TimeZone) {
    match &entry.item {
        LogItem::Event(event) => {
            ui.label(instant_words(event.at, zone));
            ui.weak(format!("run {}", crate::text::name(&event.run_id)));
            if !words.is_empty() {
                ui.label(words);
            }
        }
        LogItem::ParseError(error) => {
            ui.label(format!("arrived {}", instant_words(entry.received_at, zone)));
            ui.label(&error.reason);
        }
    }
    ui.weak("Press for the whole event.");
}

/// Words of a line, by column.
struct LineWords {
    time: String,
    run: String,
    node: String,
    phase: String,
    tone: Color,
    text: String,
}

impl LineWords {
    fn new(entry: &LogEntry, view: &LogView, with_run: bool, palette: &Palette) -> Self {
        let event = match &entry.item {
            LogItem::Event(event) => event,
            LogItem::ParseError(error) => {
                return Self {
                    time: time_words(entry.received_at, view.zone),
                    run: if with_run { "–".to_owned() } else { String::new() },
                    node: "–".to_owned(),
                    phase: LineKind::Unreadable.words().to_owned(),
                    tone: palette.failed_text,
                    text: one_line(&error.reason),
                };
            }
        };
        let tone = match LineKind::of(&entry.item) {
            LineKind::Started | LineKind::Progress => palette.running,
            LineKind::Done => palette.success,
            LineKind::Failed | LineKind::Unreadable => palette.failed_text,
            LineKind::Info | LineKind::Other => palette.text_secondary,
        };
        let run = || {
            let run = view.run_store.model.run(&event.run_id);
            run.map_or_else(
                || view.run_store.short_id(&event.run_id),
                |run| view.run_store.name(run),
            )
        };
        Self {
            time: time_words(event.at, view.zone),
            run: if with_run { run() } else { String::new() },
            node: event.node.as_deref().unwrap_or("workflow").to_owned(),
            phase: phase_words(&event.phase).into_owned(),
            tone,
            text: event_words(event),
        }
    }
}

/// Details of an event besides its phase, in one line.
fn event_words(event: &WorkflowEvent) -> String {
    let mut parts = Vec::new();
    if event.phase == Phase::Fail {
        parts.push(one_line(event.error_text()));
    }
    if let Some(millis) = event.duration_ms {
        parts.push(duration_words(millis));
    }
    if let Some(percent) = event.detail.as_ref().and_then(|detail| detail.progress_percent) {
        parts.push(format!("{percent:.0} %"));
    }
    if let Some(message) = event.message() {
        let message = one_line(message);
        if !parts.contains(&message) {
            parts.push(message);
        }
    }
    let total = event.scores().iter().find(|(name, _)| name == "total");
    if let Some((name, score)) = total.or(event.scores().first()) {
        parts.push(format!("{} {}", score_words(name), number_words(*score)));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panel::testing::{frame, run_store};
    use crate::app::state::run_store::RunStore;
    use crate::app::theme::Theme;

    #[test]
    fn lines_of_runs_that_look_alike_differ() {
        let alike = ["linux", "macos"].map(|name| format!("nightly-build-{name}-0001"));
        let frames = [
            frame(0, &alike[0], None, "start", "{}"),
            frame(0, &alike[1], None, "start", "{}"),
            frame(0, "run-1", None, "start", r#"{"song_title":"Neon Rain"}"#),
            frame(0, "run-2", None, "start", r#"{"song_title":"Neon Rain"}"#),
            frame(0, "run-3", None, "start", r#"{"song_title":"Glass Harbour"}"#),
        ];
        let mut run_store = run_store(&frames.each_ref().map(String::as_str));
        let runs = |run_store: &RunStore| -> Vec<String> {
            let view = LogView { run_store, run: None, zone: &TimeZone::UTC };
            let palette = Theme::default().palette();
            let entries = run_store.model.log().entries().iter();
            entries.map(|entry| LineWords::new(entry, &view, true, palette).run).collect()
        };
        let expected =
            ["…linux…", "…macos…", "run-1 · Neon Rain", "run-2 · Neon Rain", "Glass Harbour"];
        assert_eq!(runs(&run_store), expected);
        // The log names a run that the model has dropped by its id.
        run_store.model.forget(&alike[0], "2025-11-13T12:00:00Z".parse().unwrap());
        assert_eq!(runs(&run_store)[0], "…linux…");
    }

    #[test]
    fn event_details_fit_one_line() {
        let check = |phase: &str, data: &str, expected: &str| {
            let run_store = run_store(&[&frame(0, "r", Some("VALIDATE"), phase, data)]);
            let entry = run_store.model.log().entries().front().cloned();
            let Some(LogEntry { item: LogItem::Event(event), .. }) = entry else {
                panic!("not an event: {data}");
            };
            assert_eq!(event_words(&event), expected);
        };
        check("fail", r#"{"error_message":"a\nb"}"#, "a b");
        check("end", r#"{"duration_ms":4100,"scores":{"a":1,"total":0.74}}"#, "4.1 s, score 0.74");
        check("progress", r#"{"progress_percentage":61.2,"message":"chorus"}"#, "61 %, chorus");
    }
}
