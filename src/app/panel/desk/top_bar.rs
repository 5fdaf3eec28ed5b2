//! Top bar of the desk: the views, the palette, the numbers of runs, and the time.

use bevy_egui::egui::{
    Align, Button, CornerRadius, Layout, Popup, PopupCloseBehavior, Rect, RichText, Sense, Stroke,
    Ui, WidgetInfo, WidgetType, pos2, vec2,
};
use jiff::tz::TimeZone;

use crate::app::overlays::notices::Notices;
use crate::app::panel::glyph::{Sign, sign_ui};
use crate::app::panel::notices::{list_ui, unread_words};
use crate::app::panel::style::{self, ink, text};
use crate::app::panel::widgets::{elided, paint_line, paint_line_to};
use crate::app::state::actions::{Action, ActionEntry};
use crate::app::state::status::DisplayStatus;
use crate::app::views::counts::RunCounts;
use crate::app::words::count_words;
use crate::bounded::bounded;

/// Height of a control of the bar, and the gap between its parts.
const CONTROL: f32 = 32.0;
const GAP: f32 = 12.0;
/// Widths below which the keys of the views leave, then their names, then the numbers.
const KEYS_FROM: f32 = 1400.0;
const NAMES_FROM: f32 = 1100.0;
const NUMBERS_FROM: f32 = 900.0;
/// Width of the list of notices.
const NOTICES: f32 = 460.0;

/// Inputs of the top bar.
pub(in crate::app::panel) struct TopBarView<'a> {
    pub counts: RunCounts,
    /// Time of day, or of the moment that is shown.
    pub clock: &'a str,
    /// News that are told for some seconds in place of the numbers, and true when they are bad.
    pub news: Option<(String, bool)>,
    /// True while the past is shown.
    pub is_past: bool,
    /// Time zone of all times.
    pub zone: &'a TimeZone,
}

const VIEWS: [(&str, Action); 5] = [
    ("Stage", Action::ShowStage),
    ("Wall", Action::ToggleWall),
    ("Timeline", Action::ToggleTimeline),
    ("History", Action::ToggleHistory),
    ("Desk", Action::ToggleDesk),
];

/// Shows the top bar, and the notices once they are asked for; returns the requested actions.
pub(super) fn top_bar_ui(ui: &mut Ui, view: &TopBarView, notices: &mut Notices) -> Vec<Action> {
    let palette = style::palette(ui.ctx());
    let mut actions = Vec::new();
    let bar = ui.max_rect();
    let (has_names, has_keys) = (bar.width() >= NAMES_FROM, bar.width() >= KEYS_FROM);
    ui.spacing_mut().item_spacing = vec2(6.0, 0.0);
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_height(bar.height());
        ui.add_space(14.0);
        mark_ui(ui);
        if has_keys {
            ui.label(RichText::new("Meterbridge").font(style::semibold(text::HEAD)));
        }
        ui.add_space(GAP);
        for (name, action) in VIEWS {
            let keys = ActionEntry::of(&action).map(ActionEntry::key_words).unwrap_or_default();
            let words = match (has_names, has_keys) {
                (true, true) => format!("{name}  {keys}"),
                (true, false) => name.to_owned(),
                (false, _) => keys.clone(),
            };
            let is_here = action == Action::ToggleDesk;
            let button = Button::new(RichText::new(words).font(style::body(text::BODY)))
                .min_size(vec2(32.0, CONTROL))
                .selected(is_here);
            let response = ui.add(button);
            response.widget_info(|| {
                WidgetInfo::selected(WidgetType::Button, true, is_here, format!("{name} ({keys})"))
            });
            if response.on_hover_text(format!("{name} ({keys})")).clicked() && !is_here {
                actions.push(action);
            }
        }
        ui.add_space(GAP);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add_space(16.0);
            let ink_of_clock = if view.is_past { palette.violet_text } else { palette.text };
            let clock = RichText::new(view.clock).font(style::semibold(21.0));
            ui.label(clock.color(ink(ink_of_clock)));
            ui.add_space(GAP);
            match &view.news {
                Some((words, is_bad)) => {
                    let tone = if *is_bad { palette.failed_text } else { palette.text };
                    let room = ui.available_width() - 280.0;
                    let words = elided(ui, words, style::semibold(text::BODY), tone, room);
                    let (rect, response) = ui.allocate_exact_size(words.size(), Sense::hover());
                    let told = words.text().to_owned();
                    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &told));
                    paint_line(ui, rect.left(), rect.center().y, words);
                }
                None if bar.width() >= NUMBERS_FROM => numbers_ui(ui, view, has_keys),
                None => {}
            }
            actions.extend(notices_button_ui(ui, notices, view.zone));
            ui.add_space(GAP);
            if find_ui(ui).clicked() {
                actions.push(Action::TogglePalette);
            }
        });
    });
    actions
}

/// Shows the button of the notices, with a dot and their number while some are unread; a press opens the list,
/// which marks them as read. Returns the requested actions.
fn notices_button_ui(ui: &mut Ui, notices: &mut Notices, zone: &TimeZone) -> Vec<Action> {
    let palette = style::palette(ui.ctx());
    let unread = notices.unread();
    let words = match unread {
        0 => "Notices".to_owned(),
        // The dot stands in the room before the words.
        unread => format!("   {}", unread_words(unread)),
    };
    let button = Button::new(RichText::new(words).font(style::body(text::BODY)));
    let response = ui.add(button.min_size(vec2(32.0, CONTROL)));
    let label = match unread {
        0 => "Notices".to_owned(),
        unread => format!("Notices, {}", unread_words(unread)),
    };
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, &label));
    if unread > 0 {
        let dot = pos2(response.rect.left() + 13.0, response.rect.center().y);
        ui.painter().circle_filled(dot, 4.5, ink(palette.violet_text));
    }
    let response = response.on_hover_text("What ended and what was done, newest first");
    let list = Popup::from_toggle_button_response(&response)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .width(NOTICES)
        .show(|ui| list_ui(ui, notices, zone));
    list.map(|list| list.inner).unwrap_or_default()
}

/// Paints the product's mark: five level bars.
fn mark_ui(ui: &mut Ui) {
    let palette = style::palette(ui.ctx());
    let (rect, _) = ui.allocate_exact_size(vec2(26.0, 22.0), Sense::hover());
    for (index, height) in [8.4, 14.8, 20.0, 12.0, 6.0].into_iter().enumerate() {
        let left = rect.left() + index as f32 * 4.8;
        let bar =
            Rect::from_min_max(pos2(left, rect.bottom() - height), pos2(left + 2.8, rect.bottom()));
        let tone = if index == 2 { palette.text } else { palette.violet_text };
        ui.painter().rect_filled(bar, 1.4, ink(tone));
    }
}

/// Shows the field that opens the palette.
fn find_ui(ui: &mut Ui) -> bevy_egui::egui::Response {
    let palette = style::palette(ui.ctx());
    let width = bounded(ui.available_width() - 8.0, 36.0, 480.0);
    let (rect, response) = ui.allocate_exact_size(vec2(width, CONTROL), Sense::click());
    let label = "Find a run, a step, an action";
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, label));
    let edge = if response.hovered() || response.has_focus() {
        Stroke::new(2.0, ink(palette.violet_text))
    } else {
        Stroke::new(1.0, ink(palette.line_strong))
    };
    ui.painter().rect(
        rect,
        CornerRadius::same(6),
        ink(palette.well),
        edge,
        bevy_egui::egui::StrokeKind::Inside,
    );
    let centre = pos2(rect.left() + 18.0, rect.center().y);
    let lens = Stroke::new(1.8, ink(palette.text_secondary));
    ui.painter().circle_stroke(centre - vec2(1.5, 1.5), 5.5, lens);
    ui.painter().line_segment([centre + vec2(2.5, 2.5), centre + vec2(7.0, 7.0)], lens);
    let keys = ActionEntry::of(&Action::TogglePalette).map(ActionEntry::key_words);
    let keys = elided(
        ui,
        &keys.unwrap_or_default(),
        style::body(text::SMALL),
        palette.text_secondary,
        90.0,
    );
    let end = rect.right() - 12.0 - keys.size().x;
    if rect.width() > 120.0 {
        paint_line_to(ui, rect.right() - 12.0, rect.center().y, keys);
        let room = end - rect.left() - 46.0;
        let words = elided(ui, label, style::body(text::BODY), palette.text_tertiary, room);
        paint_line(ui, rect.left() + 34.0, rect.center().y, words);
    }
    response.on_hover_text(label)
}

/// Shows the numbers of runs, from right to left; without `has_words` signs stand for the statuses.
fn numbers_ui(ui: &mut Ui, view: &TopBarView, has_words: bool) {
    let palette = style::palette(ui.ctx());
    let RunCounts { active, queued, completed, failed, cancelled, .. } = view.counts;
    let number = |ui: &mut Ui, status: DisplayStatus, count: usize, name: &str| {
        let all = format!("{} {name}", count_words(count as u64));
        let words = if has_words { all.clone() } else { count_words(count as u64) };
        let words = RichText::new(words).font(style::body(text::BODY));
        let tone = if count > 0 { palette.text } else { palette.text_secondary };
        let response = ui.label(words.color(ink(tone)));
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &all));
        response.on_hover_text(all.as_str());
        sign_ui(ui, Sign::Status(status), 7.0);
        ui.add_space(6.0);
    };
    number(ui, DisplayStatus::Success, completed, "finished");
    number(ui, DisplayStatus::Cancelled, cancelled, "cancelled");
    number(ui, DisplayStatus::Failed, failed, "failed");
    if has_words {
        ui.weak(view.counts.window_words());
    }
    let (rule, _) = ui.allocate_exact_size(vec2(13.0, 22.0), Sense::hover());
    ui.painter().vline(rule.center().x, rule.y_range(), Stroke::new(1.0, ink(palette.line_strong)));
    number(ui, DisplayStatus::Pending, queued, "queued");
    number(ui, DisplayStatus::Running, active, "running");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::overlays::notices::Notice;
    use crate::app::panel::testing::harness;
    use egui_kittest::kittest::Queryable;

    #[test]
    fn unread_notices_are_counted_on_their_button_until_the_list_opens() {
        let mut notices = Notices::default();
        for words in ["one", "two"] {
            let at = jiff::Timestamp::UNIX_EPOCH;
            notices.keep(Notice::of_display("Recording", words.to_owned(), false, at));
        }
        let mut harness = harness(notices, |ui, notices| {
            ui.set_min_width(500.0);
            notices_button_ui(ui, notices, &TimeZone::UTC);
        });
        assert!(harness.query_by_label_contains("Recording one").is_none(), "closed");
        harness.get_by_label("Notices, 2 new").click();
        harness.run();
        assert_eq!(harness.state().unread(), 0);
        assert_eq!(harness.query_all_by_label_contains("Recording").count(), 2);
        // Read notices can be looked at again.
        harness.get_by_label("Notices").click();
        harness.run();
        assert!(harness.query_by_label_contains("Recording one").is_none(), "closed again");
        harness.get_by_label("Notices").click();
        harness.run();
        assert!(harness.query_by_label_contains("Recording one").is_some());
    }
}
