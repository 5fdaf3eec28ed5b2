//! Marks that set the run of a tile or row apart: that it finishes next, that it is a retry,
//! and how many runs of its kind have no place.

use bevy::color::Color;

use super::tile_view::{Look, TileView};
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, measure, truncate};
use crate::app::theme::size;
use crate::model::MOST_ATTEMPTS;

/// Height of a tab on a tile's upper edge, and the distance of its words from its ends.
const TAB_HEIGHT: f32 = 29.0;
const TAB_PAD: f32 = 12.0;
/// Part of the tab above the tile's edge.
const TAB_RISE: f32 = 14.0;
const RADIUS: f32 = 14.0;

/// Marks of a tile or row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TileMarks {
    /// True for the running run that should finish next.
    pub next: bool,
    /// Words about a retry, if the run is one: "retry of 21:09".
    pub retry: Option<String>,
    /// Number of other runs of this status that have no place: "and 29 more finished".
    pub more: Option<String>,
}

impl TileMarks {
    /// True where the run of this view finishes next.
    pub fn is_next(&self, view: &TileView) -> bool {
        self.next && view.look == Look::Running
    }

    /// Words of the tab of a retry that is under way.
    pub fn retry(&self, view: &TileView) -> Option<&str> {
        let is_under_way = matches!(view.look, Look::Running | Look::Silent | Look::Queued);
        self.retry.as_deref().filter(|_| is_under_way)
    }
}

/// Words about the retry of the run that began at a time; from the third run of a song on with its number:
/// "attempt 3, retry of 21:09".
pub fn retry_words(attempt: usize, since: &str) -> String {
    match attempt {
        ..=2 => format!("retry of {since}"),
        MOST_ATTEMPTS.. => format!("one more retry of {since}"),
        attempt => format!("attempt {attempt}, retry of {since}"),
    }
}

/// Draws the tab of a tile, and the border of the one that finishes next.
pub fn draw_tab(part: &mut Part, view: &TileView, marks: &TileMarks, rect: Rect) {
    let is_next = marks.is_next(view);
    let words = match marks.retry(view) {
        _ if is_next => "next to finish".to_owned(),
        Some(words) => words.to_owned(),
        None => return,
    };
    if is_next {
        let outline = Shape::rounded_box(rect).radius(RADIUS).unsnapped();
        part.shape(Layer::Module, outline.fill(Color::NONE).border(3.0, part.palette.text));
    }
    let words_size = size::ESSENTIAL_MIN;
    let room = rect.w - 24.0;
    let words = truncate(Face::Text600, words_size, &words, room - 2.0 * TAB_PAD).into_owned();
    let width = measure(Face::Text600, words_size, 0.0, &words) + 2.0 * TAB_PAD;
    let tab = Rect::new(rect.x + 12.0, rect.y - TAB_RISE, width.min(room), TAB_HEIGHT);
    draw_tag(part, (tab, 8.0), (words, words_size), is_next);
}

/// Draws a tag: the light one of the run that finishes next, or the blue one of a retry.
pub fn draw_tag(
    part: &mut Part,
    (tag, radius): (Rect, f32),
    (words, words_size): (String, f32),
    is_next: bool,
) {
    let palette = part.palette;
    let body = Shape::rounded_box(tag).radius(radius).unsnapped();
    let (body, ink) = if is_next {
        (body.fill(palette.text), palette.bg)
    } else {
        (body.fill(palette.running_deep).border(2.0, palette.running), palette.text)
    };
    part.shape(Layer::Face, body);
    let baseline = tag.centre_y() + words_size * 0.36;
    part.text(
        Layer::Face,
        Text::new("tag", words, tag.centre_x(), baseline, Face::Text600, words_size)
            .middle()
            .colour(ink),
    );
}

/// Draws the edges of two more cards behind a tile.
pub fn draw_edges(part: &mut Part, rect: Rect) {
    let palette = part.palette;
    for step in [2.0, 1.0] {
        let (x, width) = (rect.x + 10.0 * step, rect.w - 20.0 * step);
        let edge = Rect::new(x, rect.bottom() - 30.0, width, 30.0 + 5.0 * step);
        let edge = Shape::rounded_box(edge).radius(RADIUS).unsnapped();
        part.shape(Layer::Rack, edge.fill(palette.card).border(1.5, palette.tile_edge));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_from_the_third_run_of_a_song_on_have_a_number() {
        assert_eq!(retry_words(2, "21:09"), "retry of 21:09");
        assert_eq!(retry_words(3, "21:09"), "attempt 3, retry of 21:09");
        assert_eq!(retry_words(MOST_ATTEMPTS, "21:09"), "one more retry of 21:09");
    }
}
