//! A row of the palette: sign, title with the letters that were typed, words and keys.

use bevy::color::Color;
use bevy_egui::egui::{
    self, Rect, Sense, Stroke, TextFormat, Ui, WidgetInfo, WidgetType, pos2, text::LayoutJob, vec2,
};

use super::results::{Found, Item};
use super::view::{PAD, PaletteView, ROW};
use crate::app::panel::glyph::Sign;
use crate::app::panel::key_caps::paint_keys;
use crate::app::panel::style::{self, ink, text};
use crate::app::panel::widgets::{elided, paint_line};
use crate::app::state::run_view::remaining_words;
use crate::app::state::status::{node_status_words, run_status_words};
use crate::app::theme::Palette;
use crate::app::words::{clock_words, number_words, one_line};
use crate::config::{SettingEntry, SettingKind};
use crate::model::{Run, RunStatus, failure_words, final_score};

/// Shows a row; returns its response.
pub(super) fn row_ui(
    ui: &mut Ui,
    view: &PaletteView,
    item: &Item,
    is_chosen: bool,
) -> egui::Response {
    let palette = style::palette(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let entry = item.found.entry();
    let obstacle = entry.and_then(|entry| view.situation.obstacle(entry));
    let trailing = trailing_words(item, view, obstacle.as_ref().map(ToString::to_string));
    response.widget_info(|| {
        let keys = entry.map(|entry| entry.key_words()).unwrap_or_default();
        let setting = match &item.found {
            Found::Setting(name) => view.settings.and_then(|table| table.entry(name)),
            _ => None,
        };
        let value = setting.map_or_else(String::new, |entry| format!(", {}", value_words(entry)));
        let label = format!("{}{value}, {}, {keys}", item.title, trailing.words);
        let label = label.trim_end_matches([',', ' ']).to_owned();
        WidgetInfo::selected(WidgetType::SelectableLabel, true, is_chosen, label)
    });
    let back = rect.shrink2(vec2(6.0, 1.0));
    if is_chosen {
        ui.painter().rect_filled(back, 5.0, ink(palette.selection));
        let edge = Rect::from_min_size(back.min, vec2(4.0, back.height()));
        ui.painter().rect_filled(edge, 2.0, ink(palette.violet_text));
    } else if response.hovered() {
        ui.painter().rect_filled(back, 5.0, ink(palette.hover));
    }
    let y = rect.center().y;
    let sign_at = pos2(rect.left() + PAD + 10.0, y);
    match &item.found {
        Found::Run(id) => {
            if let Some(run) = view.run_store.model.run(id) {
                Sign::from(run.status).paint(ui.painter(), sign_at, 8.0);
            }
        }
        Found::Step(run, name) => {
            let node = view.run_store.model.run(run).and_then(|run| run.node(name));
            if let Some(node) = node {
                Sign::from(node.status).paint(ui.painter(), sign_at, 8.0);
            }
        }
        Found::Setting(_) => {
            let tone = ink(palette.text_secondary);
            for (by, at) in [(-5.0, 3.0), (0.0, -3.0), (5.0, 1.0)] {
                let line = [sign_at + vec2(by, -7.0), sign_at + vec2(by, 7.0)];
                ui.painter().line_segment(line, Stroke::new(1.5, tone));
                ui.painter().circle_filled(sign_at + vec2(by, at), 2.5, tone);
            }
        }
        Found::Action(_) => {
            let tone = ink(if obstacle.is_some() { palette.text_tertiary } else { palette.text });
            let points = [vec2(-4.0, -6.0), vec2(6.0, 0.0), vec2(-4.0, 6.0)];
            let points = points.map(|by| sign_at + by).to_vec();
            ui.painter().add(egui::Shape::convex_polygon(points, tone, Stroke::NONE));
        }
    }
    let mut right = rect.right() - PAD;
    for keys in entry.into_iter().flat_map(|entry| entry.keys).rev() {
        right = paint_keys(ui, right, y, &keys.to_string(), palette.text_secondary) - 8.0;
    }
    if let Found::Setting(name) = &item.found
        && let Some(entry) = view.settings.and_then(|table| table.entry(name))
    {
        right = paint_value(ui, right, y, &value_words(entry)) - 12.0;
    }
    let words = elided(ui, &trailing.words, style::body(text::MONO), trailing.tone(palette), 420.0);
    let left = right - words.size().x;
    paint_line(ui, left, y, words);
    let quiet = obstacle.is_some();
    let room = left - rect.left() - PAD - 52.0;
    let title = title_galley(ui, item, quiet, room);
    paint_line(ui, rect.left() + PAD + 34.0, y, title);
    response
}

/// Lays out the title with the letters that were typed in violet and underlined.
fn title_galley(ui: &Ui, item: &Item, quiet: bool, room: f32) -> std::sync::Arc<egui::Galley> {
    let palette = style::palette(ui.ctx());
    let tone = ink(if quiet { palette.text_secondary } else { palette.text });
    let plain = TextFormat::simple(style::semibold(text::BODY), tone);
    let typed = TextFormat {
        color: ink(palette.violet_text),
        underline: Stroke::new(1.5, ink(palette.violet_text)),
        ..plain.clone()
    };
    let id = TextFormat::simple(style::mono(text::SMALL), ink(palette.text_tertiary));
    // The id of a run stands behind its title.
    let id_from = match &item.found {
        Found::Run(_) => item.title.rfind("  ").unwrap_or(item.title.len()),
        _ => item.title.len(),
    };
    let mut job = LayoutJob::default();
    for (place, (at, sign)) in item.title.char_indices().enumerate() {
        let format = match (item.places.contains(&place), at >= id_from) {
            (true, _) => &typed,
            (false, true) => &id,
            (false, false) => &plain,
        };
        job.append(sign.encode_utf8(&mut [0; 4]), 0.0, format.clone());
    }
    job.wrap.max_width = room.max(40.0);
    job.wrap.max_rows = 1;
    job.wrap.break_anywhere = true;
    ui.painter().layout_job(job)
}

/// Paints the value of a setting as a field that ends at `right`; returns its left end.
fn paint_value(ui: &Ui, right: f32, y: f32, value: &str) -> f32 {
    let palette = style::palette(ui.ctx());
    let words = elided(ui, value, style::body(text::MONO), palette.text, 220.0);
    let width = words.size().x + 20.0;
    let field = Rect::from_min_size(pos2(right - width, y - 14.0), vec2(width, 28.0));
    let edge = Stroke::new(1.0, ink(palette.line_strong));
    ui.painter().rect(field, 5.0, ink(palette.well), edge, egui::StrokeKind::Inside);
    paint_line(ui, field.left() + 10.0, y, words);
    field.left()
}

/// Returns the value of a setting in words.
fn value_words(entry: &SettingEntry) -> String {
    let value = match entry.kind {
        SettingKind::Switch => if entry.is_on() { "on" } else { "off" }.to_owned(),
        _ if entry.values.is_empty() => entry.default.clone(),
        _ => entry.value(),
    };
    match value.as_str() {
        "" => "not set".to_owned(),
        _ => one_line(&value),
    }
}

/// Words at the end of a row.
struct Trailing {
    words: String,
    is_failed: bool,
}

impl Trailing {
    fn tone(&self, palette: &Palette) -> Color {
        if self.is_failed { palette.failed_text } else { palette.text_secondary }
    }
}

fn trailing_words(item: &Item, view: &PaletteView, obstacle: Option<String>) -> Trailing {
    let plain = |words: String| Trailing { words, is_failed: false };
    match &item.found {
        Found::Action(_) => plain(obstacle.unwrap_or_default()),
        Found::Setting(name) => {
            let entry = view.settings.and_then(|table| table.entry(name));
            plain(entry.map_or_else(String::new, |entry| entry.origin.word().to_owned()))
        }
        Found::Run(id) => match view.run_store.model.run(id) {
            Some(run) => {
                Trailing { words: run_words(run, view), is_failed: run.status == RunStatus::Failed }
            }
            None => plain("no longer kept".to_owned()),
        },
        Found::Step(run, name) => {
            let node = view.run_store.model.run(run).and_then(|run| run.node(name));
            plain(node.map_or_else(String::new, |node| {
                let took = node.history().last().and_then(|attempt| attempt.duration_ms);
                let status = node_status_words(node.status);
                match took {
                    Some(millis) => format!("{status}, {}", clock_words(millis)),
                    None => status.to_owned(),
                }
            }))
        }
    }
}

/// Where a run is, or how it ended.
fn run_words(run: &Run, view: &PaletteView) -> String {
    match run.status {
        RunStatus::Running => {
            let step = run.current_node().map_or("running", |node| node.name.as_str());
            let left = view.run_store.model.remaining(run, view.server_now);
            format!("{step}, {}", remaining_words(left))
        }
        RunStatus::Failed => {
            let (step, reason) = failure_words(run).unwrap_or_default();
            let step = step.map_or_else(String::new, |step| format!("{step}, "));
            one_line(&format!("{step}{reason}"))
        }
        RunStatus::Completed => match final_score(run) {
            Some(score) => format!("score {}", number_words(score)),
            None => run_status_words(run.status).to_owned(),
        },
        status => run_status_words(status).to_owned(),
    }
}
