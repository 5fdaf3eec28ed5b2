//! Still parts of the timing board: column heads, rules between sections, and rows in words.

use bevy::color::Alpha;

use super::super::plan::{Line, Places};
use super::super::tile_view::{MORE_ORDER, More, more_words};
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, measure, truncate};
use crate::layout::RowsLayout;
use crate::model::RunStatus;

/// Type sizes of heads and of rows in words.
const HEAD: f32 = 22.0;
const WORDS: f32 = 24.0;
/// Opacity of the ground of every other row.
const STRIPE: f32 = 0.035;

/// Contents of the frame.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameView {
    layout: RowsLayout,
    /// Number of rows in use.
    rows: usize,
    /// Rows above which a section begins.
    sections: Vec<Rect>,
    /// Rows in words.
    lines: Vec<(String, Rect)>,
}

impl FrameView {
    /// Returns the frame of a plan; `None` for tiles. `more` are the numbers of runs without a row,
    /// `shown` those of runs that have one.
    pub fn of(places: &Places, more: &More, shown: &More) -> Option<Self> {
        let layout = places.rows?;
        let begins = places.runs.windows(2).filter(|pair| pair[0].kind != pair[1].kind);
        let mut sections: Vec<Rect> = begins.map(|pair| pair[1].rect).collect();
        let words = |statuses: &[RunStatus]| {
            let told = statuses.iter().filter(|status| more.of(**status) > 0);
            let told = told.map(|status| more_words(*status, more.of(*status), shown.of(*status)));
            told.collect::<Vec<_>>().join(", ")
        };
        let line = |(line, rect): &(Line, Rect)| {
            let statuses = match line {
                Line::Running => &MORE_ORDER[..1],
                Line::Queued => &MORE_ORDER[1..2],
                Line::Ended => &MORE_ORDER[2..],
            };
            (words(statuses), *rect)
        };
        let lines = places.lines.iter().map(line).filter(|(words, _)| !words.is_empty());
        let lines: Vec<(String, Rect)> = lines.collect();
        // A line about runs of which none has a row begins a section of its own.
        let statuses = [RunStatus::Pending, RunStatus::Completed];
        let alone = |line: &Line| match line {
            Line::Running => false,
            Line::Queued => shown.of(statuses[0]) == 0,
            Line::Ended => shown.of(statuses[1]) == 0,
        };
        sections.extend(places.lines.iter().filter(|(line, _)| alone(line)).map(|(_, at)| *at));
        Some(Self { layout, rows: places.runs.len() + lines.len(), sections, lines })
    }

    /// Texts of the rows in words.
    #[cfg(test)]
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(|(words, _)| words.as_str())
    }
}

/// Draws the frame.
pub fn draw_frame(part: &mut Part, view: &FrameView) {
    let palette = part.palette;
    let layout = &view.layout;
    for index in (0..view.rows).filter(|index| (index % layout.rows.max(1)).is_multiple_of(2)) {
        // A flat palette has no shades.
        if !palette.flat {
            let stripe = Shape::rounded_box(layout.row(index)).radius(6.0);
            part.shape(Layer::Rack, stripe.fill(palette.text.with_alpha(STRIPE)));
        }
    }
    let columns = view.rows.div_ceil(layout.rows.max(1)).max(1).min(layout.columns);
    for column in 0..columns {
        draw_heads(part, layout, column);
        if column > 0 {
            let x = layout.column(column) - (layout.step - layout.first.w) / 2.0;
            let top = layout.heads - HEAD * layout.scale;
            let bottom = layout.first.y + layout.first.h * layout.rows as f32;
            let rule = Rect::new(x - 0.75, top, 1.5, bottom - top);
            part.shape(Layer::Rack, Shape::rounded_box(rule).fill(palette.line));
        }
    }
    for row in &view.sections {
        if row.y > layout.first.y + 1.0 {
            let rule = Rect::new(row.x, row.y - 1.0, row.w, 2.0);
            part.shape(Layer::Module, Shape::rounded_box(rule).fill(palette.line_strong));
        }
    }
    for (place, (words, row)) in view.lines.iter().enumerate() {
        let x = row.x + layout.places.song.0;
        let words_size = WORDS * layout.scale;
        let room = row.x + layout.places.to_go - x;
        let words = truncate(Face::Text600, words_size, words, room).into_owned();
        let y = row.centre_y() + words_size * 0.36;
        part.text(
            Layer::Face,
            Text::new(("line", place), words, x, y, Face::Text600, words_size).colour(palette.text),
        );
    }
}

fn draw_heads(part: &mut Part, layout: &RowsLayout, column: usize) {
    let palette = part.palette;
    let (left, places) = (layout.column(column), &layout.places);
    let head = |key: &'static str, x: f32| {
        let size = HEAD * layout.scale;
        Text::new((key, column), key, left + x, layout.heads, Face::Text500, size)
            .colour(palette.text_secondary)
    };
    let mut heads = vec![
        head("song", places.song.0),
        head("steps", places.steps),
        head("fix", places.fix),
        head("step now", places.now),
        head("elapsed", places.elapsed).end(),
        head("to go", places.to_go).end(),
    ];
    if let Some((x, w)) = places.usual {
        // Over the time and its bar: "usual" alone would name the time, and farther right it would read as
        // one phrase with the next head.
        let k = layout.scale;
        let end = x + w * 0.35;
        let width = |words: &str| measure(Face::Text500, HEAD * k, 0.0, words);
        let free = end - places.now - width("step now") - 12.0 * k;
        let words = if width("of usual") <= free { "of usual" } else { "usual" };
        heads.push(head(words, end).end());
    }
    for text in heads {
        part.text(Layer::Face, text);
    }
}
