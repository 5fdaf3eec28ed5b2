//! Draws the header of the history: the product, the periods, runs and success.

use super::history_view::HeaderView;
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, measure, truncate};
use crate::app::state::actions::Action;
use crate::app::state::hit::Button;
use crate::app::theme::size;
use crate::app::views::chrome::draw_mark;
use crate::layout::HistoryPlaces;

/// Distance from the left margin to the product's name.
const NAME_INDENT: f32 = 56.0;
/// Sizes of a pill's words, of numbers and of their words.
const PILL: f32 = 26.0;
const NUMBER: f32 = 44.0;
const WORD: f32 = 26.0;
const SMALL: f32 = 22.0;
/// Gaps between two pills, after them, after a number, and between the numbers.
const PILL_GAP: f32 = 10.0;
const AFTER_PILLS: f32 = 22.0;
const AFTER_NUMBER: f32 = 10.0;
const BETWEEN: f32 = 38.0;
const BEFORE_CHANGE: f32 = 25.0;

/// Draws the header; returns the buttons of the periods.
pub fn draw(part: &mut Part, view: &HeaderView, at: &HistoryPlaces) -> Vec<Button> {
    let k = at.header_scale;
    let palette = part.palette;
    draw_mark(part, at.left, at.name + 2.0 * k, 1.46 * k);
    let name_size = size::PRODUCT * k;
    let name_x = at.left + NAME_INDENT * k;
    let name = Text::new("product", "Meterbridge", name_x, at.name, Face::Text600, name_size);
    part.text(Layer::Face, name.colour(palette.text));
    let x = match at.subtitle == at.name {
        true => name_x + measure(Face::Text600, name_size, 0.0, "Meterbridge") + 24.0 * k,
        false => name_x,
    };
    let subtitle_size = size::TICKER * k;
    let room = at.subtitle_right - x;
    let words = truncate(Face::Text500, subtitle_size, &view.subtitle, room).into_owned();
    let subtitle = Text::new("subtitle", words, x, at.subtitle, Face::Text500, subtitle_size);
    part.text(Layer::Face, subtitle.colour(palette.text_secondary));
    let (buttons, end) = draw_pills(part, view, at);
    let left = at.numbers_left.unwrap_or(end + AFTER_PILLS * k);
    draw_numbers(part, view, (left, at.numbers), at.numbers_right - left, k);
    buttons
}

fn draw_pills(part: &mut Part, view: &HeaderView, at: &HistoryPlaces) -> (Vec<Button>, f32) {
    let (k, palette) = (at.header_scale, part.palette);
    let (mut x, y, height) = at.pills;
    let mut buttons = Vec::new();
    for (place, (period, name)) in view.pills.iter().enumerate() {
        let width = measure(Face::Text600, PILL * k, 0.0, name) + 42.0 * k;
        let rect = Rect::new(x, y, width, height);
        let is_chosen = view.chosen == Some(place);
        let (fill, edge, ink) = match is_chosen {
            true => (palette.violet, palette.violet_led, palette.on_violet),
            false => (palette.card, palette.line_strong, palette.text_secondary),
        };
        let body = Shape::rounded_box(rect).radius(height / 2.0).fill(fill).border(1.5 * k, edge);
        part.shape(Layer::Module, body);
        let baseline = rect.centre_y() + 9.0 * k;
        let text =
            Text::new(("pill", place), *name, rect.centre_x(), baseline, Face::Text600, PILL * k);
        part.text(Layer::Face, text.middle().colour(ink));
        let action = Action::ShowPeriod(*period);
        buttons.push(Button { rect, action, holds_pointer: true });
        x = rect.right() + PILL_GAP * k;
    }
    (buttons, x - PILL_GAP * k)
}

/// Forms of the numbers, from the most room to the least.
#[derive(Clone, Copy, Debug)]
struct Form {
    scale: f32,
    has_words: bool,
    has_change: bool,
}

const FORMS: [Form; 7] = [
    Form { scale: 1.0, has_words: true, has_change: true },
    Form { scale: 0.9, has_words: true, has_change: true },
    Form { scale: 0.85, has_words: true, has_change: false },
    Form { scale: 0.85, has_words: false, has_change: true },
    Form { scale: 0.7, has_words: true, has_change: false },
    Form { scale: 0.7, has_words: false, has_change: false },
    Form { scale: 0.5, has_words: false, has_change: false },
];

impl Form {
    fn number(&self, k: f32, words: &str) -> f32 {
        measure(Face::Display700, NUMBER * self.scale * k, 0.0, words)
    }

    /// Size of words, which stay readable.
    fn word_size(&self, k: f32) -> f32 {
        (WORD * self.scale).max(SMALL) * k
    }

    fn word(&self, k: f32, words: &str) -> f32 {
        let width = measure(Face::Text500, self.word_size(k), 0.0, words);
        if self.has_words { AFTER_NUMBER * k + width } else { 0.0 }
    }

    fn change(&self, k: f32, view: &HeaderView) -> f32 {
        if !self.has_change || view.change.is_empty() {
            return 0.0;
        }
        let words = measure(Face::Text500, SMALL * k, 0.0, view.change_word);
        let number = measure(Face::Text600, WORD * k, 0.0, &view.change);
        BEFORE_CHANGE * k + words.max(number)
    }

    fn width(&self, k: f32, view: &HeaderView) -> f32 {
        let runs = self.number(k, &view.runs) + self.word(k, view.runs_word);
        if view.success.is_empty() {
            return runs;
        }
        let success = self.number(k, &view.success) + self.word(k, "success");
        runs + BETWEEN * self.scale * k + success + self.change(k, view)
    }
}

fn draw_numbers(part: &mut Part, view: &HeaderView, (left, y): (f32, f32), room: f32, k: f32) {
    if view.runs.is_empty() {
        return;
    }
    let palette = part.palette;
    let fitting = FORMS.iter().find(|form| form.width(k, view) <= room);
    let Some(form) = fitting else { return };
    let mut x = left;
    let all = [("runs", &view.runs, view.runs_word), ("success", &view.success, "success")];
    for (key, number, word) in all.into_iter().filter(|(_, number, _)| !number.is_empty()) {
        if x > left {
            x += BETWEEN * form.scale * k;
        }
        let size = NUMBER * form.scale * k;
        let text =
            Text::new(key, number.clone(), x, y, Face::Display700, size).colour(palette.text);
        let text = match form.has_words {
            true => text
                .then(AFTER_NUMBER * k, word)
                .face(Face::Text500)
                .size(form.word_size(k))
                .colour(palette.text_secondary),
            false => text,
        };
        part.text(Layer::Face, text);
        x += form.number(k, number) + form.word(k, word);
    }
    if view.success.is_empty() {
        return;
    }
    if form.has_change && !view.change.is_empty() {
        let ink = match view.is_better {
            Some(true) => palette.success,
            Some(false) => palette.failed_text,
            None => palette.text_secondary,
        };
        let x = x + BEFORE_CHANGE * k;
        let change = view.change.clone();
        let text = Text::new("change", change, x, y - 16.0 * k, Face::Text600, WORD * k);
        part.text(Layer::Face, text.colour(ink));
        let text = Text::new("in", view.change_word, x, y + 12.0 * k, Face::Text500, SMALL * k);
        part.text(Layer::Face, text.colour(palette.text_secondary));
    }
}
