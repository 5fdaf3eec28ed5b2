//! Header of the wall: numbers of runs by status, those of now before those of the last hour.

use bevy::math::Vec2;

use crate::app::draw::glyphs::badge;
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, measure};
use crate::app::state::status::{DisplayStatus, run_status_words};
use crate::app::theme::size;
use crate::app::views::chrome::draw_mark;
use crate::app::views::counts::RunCounts;
use crate::app::words::count_words;
use crate::layout::{CanvasSize, HeaderPlaces, wall_header};
use crate::model::RunStatus;

/// Distance from the left margin to the product's name.
const NAME_INDENT: f32 = 56.0;
/// Baseline of the subtitle on a landscape screen.
const SUBTITLE: f32 = 102.0;
/// Distance between two counts, and on both sides of the rule.
const GAP: f32 = 32.0;
const RULE_GAP: f32 = 26.0;
/// Distances from a glyph to its number, and from the number to its word.
const AFTER_GLYPH: f32 = 12.0;
const AFTER_NUMBER: f32 = 10.0;

/// Contents of the header.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeaderView {
    /// Numbers of now: running, queued.
    pub now: Vec<Count>,
    /// Window of the numbers of the past: "last hour", "watching for 4 min"; empty when there is nothing
    /// to say.
    pub window: String,
    /// Numbers of the past: failed, cancelled, finished.
    pub ended: Vec<Count>,
    /// Kind of what is shown: "song runs", "replay".
    pub subtitle: &'static str,
}

/// Number of runs with a status.
#[derive(Clone, Debug, PartialEq)]
pub struct Count {
    pub glyph: DisplayStatus,
    pub number: String,
    /// "running", "running, 4 without news".
    pub words: String,
}

impl HeaderView {
    /// Numbers other than 0, always in the same order.
    pub fn of(counts: &RunCounts) -> Self {
        let RunCounts { active, silent, queued, completed, failed, cancelled, .. } = *counts;
        let group = |numbers: &[(RunStatus, usize)]| -> Vec<Count> {
            let told = numbers.iter().filter(|(_, number)| *number > 0);
            told.map(|(status, number)| Count {
                glyph: DisplayStatus::from(*status),
                number: count_words(*number as u64),
                words: run_status_words(*status).to_owned(),
            })
            .collect()
        };
        let mut now = group(&[(RunStatus::Running, active), (RunStatus::Pending, queued)]);
        if let Some(running) = now.first_mut().filter(|_| active > 0 && silent > 0) {
            if silent == active {
                running.glyph = DisplayStatus::Idle;
            }
            let silent =
                if silent == active { "all".to_owned() } else { count_words(silent as u64) };
            running.words.push_str(&format!(", {silent} without news"));
        }
        let ended = group(&[
            (RunStatus::Failed, failed),
            (RunStatus::Cancelled, cancelled),
            (RunStatus::Completed, completed),
        ]);
        let is_told = counts.watched_min.is_some() || !ended.is_empty();
        let window = if is_told { counts.window_words() } else { String::new() };
        let subtitle = if counts.is_replay { "replay" } else { "song runs" };
        Self { now, window, ended, subtitle }
    }

    /// All numbers, from left to right.
    pub fn counts(&self) -> impl Iterator<Item = &Count> {
        self.now.iter().chain(&self.ended)
    }
}

/// Sizes of the counts, and which words are left out.
#[derive(Clone, Copy, Debug)]
struct Setting {
    number: f32,
    words: f32,
    radius: f32,
    gap: f32,
    /// Factor of the distances that do not shrink.
    unit: f32,
    /// False where there is room for glyphs and numbers only.
    has_words: bool,
}

impl Setting {
    fn scaled(places: &HeaderPlaces, scale: f32, has_words: bool) -> Self {
        let (number, words, radius) =
            if places.is_portrait { (38.0, 24.0, 16.0) } else { (40.0, 26.0, 17.0) };
        let (scale, unit) = (scale * places.scale, places.scale);
        Self {
            number: number * scale,
            words: (words * scale).max(size::ESSENTIAL_MIN * unit),
            radius: radius * scale,
            gap: GAP * scale * scale / unit,
            unit,
            has_words,
        }
    }

    /// Settings in descending order of preference.
    fn all(places: &HeaderPlaces) -> impl Iterator<Item = Self> {
        let scales =
            [(1.0, true), (0.93, true), (0.85, true), (1.0, false), (0.8, false), (0.6, false)];
        scales.into_iter().map(move |(scale, words)| Self::scaled(places, scale, words))
    }

    /// Distance from the left edge of a count to its number and to its right end.
    fn widths(&self, count: &Count) -> (f32, f32) {
        let to_number = 2.0 * self.radius + AFTER_GLYPH * self.unit;
        let number = measure(Face::Display700, self.number, 0.0, &count.number);
        let words = match self.has_words {
            true => {
                AFTER_NUMBER * self.unit + measure(Face::Text500, self.words, 0.0, &count.words)
            }
            false => 0.0,
        };
        (to_number, to_number + number + words)
    }

    /// Width of all counts of a group with the gaps between them.
    fn group_width(&self, group: &[Count]) -> f32 {
        let widths: f32 = group.iter().map(|count| self.widths(count).1).sum();
        widths + self.gap * group.len().saturating_sub(1) as f32
    }

    fn window_width(&self, window: &str) -> f32 {
        measure(Face::Text500, self.words, 0.0, window)
    }

    /// Width of the whole line: both groups, the rule between them, and the window.
    fn width(&self, view: &HeaderView, window: &str) -> f32 {
        let mut width = self.group_width(&view.now);
        if !view.now.is_empty() && has_past(view, window) {
            width += 2.0 * RULE_GAP * self.unit;
        }
        width += self.window_width(window);
        if !window.is_empty() && !view.ended.is_empty() {
            width += RULE_GAP * self.unit;
        }
        width + self.group_width(&view.ended)
    }
}

/// True when something stands behind the rule.
fn has_past(view: &HeaderView, window: &str) -> bool {
    !window.is_empty() || !view.ended.is_empty()
}

/// Draws the header.
pub fn draw(part: &mut Part, view: &HeaderView, canvas_size: &CanvasSize) {
    let places = wall_header(canvas_size);
    let HeaderPlaces { scale, left, name_y, .. } = places;
    let palette = part.palette;
    let (name_x, name_size) = (left + NAME_INDENT * scale, size::PRODUCT * scale);
    draw_mark(part, left, name_y + 2.0 * scale, 1.46 * scale);
    let name = Text::new("product", "Meterbridge", name_x, name_y, Face::Text600, name_size);
    part.text(Layer::Face, name.colour(palette.text));
    let name_width = measure(Face::Text600, name_size, 0.0, "Meterbridge");
    let gap = 24.0 * scale;
    let (x, y) =
        if places.is_portrait { (name_x + name_width + gap, name_y) } else { (name_x, SUBTITLE) };
    let mut subtitle =
        Text::new("subtitle", view.subtitle, x, y, Face::Text500, size::TICKER * scale)
            .colour(palette.text_secondary);
    // On two lines the window stands beside the name.
    let mut window = view.window.as_str();
    if places.is_portrait && !window.is_empty() {
        subtitle = subtitle.then(gap, std::mem::take(&mut window).to_owned());
    }
    part.text(Layer::Face, subtitle);
    draw_counts(part, view, window, &places);
}

fn draw_counts(part: &mut Part, view: &HeaderView, window: &str, places: &HeaderPlaces) {
    let (left, y) = places.counts;
    let room = places.counts_right - left;
    let fitting = Setting::all(places).find(|setting| setting.width(view, window) <= room);
    // The smallest setting holds a million runs of each status.
    let Some(setting) = fitting.or_else(|| Setting::all(places).last()) else { return };
    let (palette, unit) = (part.palette, setting.unit);
    let mut x = draw_group(part, &view.now, (left, y), setting);
    if !view.now.is_empty() && has_past(view, window) {
        x += RULE_GAP * unit;
        let rule = Rect::new(x - 1.0, y - 32.0 * unit, 2.0, 34.0 * unit);
        part.shape(Layer::Module, Shape::rounded_box(rule).fill(palette.line_strong));
        x += RULE_GAP * unit;
    }
    if !window.is_empty() {
        let words =
            Text::new("window", window.to_owned(), x, y - 2.0, Face::Text500, setting.words);
        part.text(Layer::Face, words.colour(palette.text_secondary));
        x += setting.window_width(window) + RULE_GAP * unit;
    }
    draw_group(part, &view.ended, (x, y), setting);
}

/// Draws the counts of a group from `x` on; returns its right end.
fn draw_group(part: &mut Part, group: &[Count], (left, y): (f32, f32), setting: Setting) -> f32 {
    let palette = part.palette;
    let mut x = left;
    for (place, count) in group.iter().enumerate() {
        if place > 0 {
            x += setting.gap;
        }
        let (to_number, width) = setting.widths(count);
        let centre = Vec2::new(x + setting.radius, y - 0.35 * setting.number);
        badge(part, Layer::Face, count.glyph, centre, setting.radius, "count");
        let number = Text::new(
            ("count", count.glyph as usize),
            count.number.clone(),
            x + to_number,
            y,
            Face::Display700,
            setting.number,
        )
        .colour(palette.text);
        let text = match setting.has_words {
            true => number
                .then(AFTER_NUMBER * setting.unit, count.words.clone())
                .face(Face::Text500)
                .size(setting.words)
                .colour(palette.text_secondary),
            false => number,
        };
        part.text(Layer::Face, text);
        x += width;
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(counts: RunCounts) -> String {
        let view = HeaderView::of(&counts);
        let group = |counts: &[Count]| {
            let told = counts.iter().map(|count| format!("{} {}", count.number, count.words));
            told.collect::<Vec<_>>().join(", ")
        };
        format!("{} | {} | {}", group(&view.now), view.window, group(&view.ended))
    }

    #[test]
    fn header_has_the_numbers_of_now_before_those_of_the_last_hour() {
        let counts = RunCounts {
            active: 26,
            silent: 4,
            queued: 3,
            failed: 2,
            cancelled: 1,
            completed: 1_031,
            watched_min: None,
            is_replay: false,
        };
        let all = "26 running, 4 without news, 3 queued | last hour | 2 failed, 1 cancelled, 1,031 finished";
        assert_eq!(words(counts), all, "runs without news are running");
        let fresh = RunCounts { watched_min: Some(4), ..counts };
        let expected = "26 running, 4 without news, 3 queued | watching for 4 min | 2 failed, 1 cancelled, 1,031 finished";
        assert_eq!(words(fresh), expected);
    }

    #[test]
    fn recording_is_called_a_replay() {
        let replay = RunCounts { is_replay: true, ..RunCounts::default() };
        assert_eq!(HeaderView::of(&replay).subtitle, "replay");
        assert_eq!(HeaderView::of(&RunCounts::default()).subtitle, "song runs");
    }

    #[test]
    fn header_leaves_zeros_out() {
        let counts = RunCounts { queued: 1, failed: 2, ..RunCounts::default() };
        assert_eq!(words(counts), "1 queued | last hour | 2 failed");
        assert_eq!(words(RunCounts { active: 1, ..RunCounts::default() }), "1 running |  | ");
        let nothing = RunCounts { watched_min: Some(2), ..RunCounts::default() };
        assert_eq!(words(nothing), " | watching for 2 min | ");
    }
}
