//! Table of a race: what each column took in both runs, and the difference.

use bevy::color::{Alpha, Color};

use super::race_place::RacePlace;
use super::race_view::{ColumnState, ColumnView, RaceView};
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, Texture, truncate};
use crate::app::theme::Palette;
use crate::app::views::wall::fit::size_for;

/// Type sizes.
const HEAD: f32 = 26.0;
const VALUE: f32 = 28.0;
const DIFFERENCE: f32 = 30.0;
const STATE: f32 = 24.0;

/// Lines of the table.
const THIS: &str = "this run";
const LAST: &str = "last";
const DIFFERENCE_WORD: &str = "difference";
const SCALE: &str = "faster | slower";

/// Draws the table below the gap.
pub fn draw_table(part: &mut Part, view: &RaceView, at: &RacePlace, k: f32) {
    let palette = part.palette;
    let heads = at.layout.heads;
    let rule = Rect::new(
        at.layout.time.left,
        heads.y - 12.0 * k,
        at.layout.time.right - at.layout.time.left,
        1.5,
    );
    part.shape(Layer::Background, Shape::rounded_box(rule).fill(palette.hair));
    let other = if view.lanes[1].label == "usual run" { "usual" } else { LAST };
    let most = at
        .columns
        .iter()
        .filter_map(|column| column.difference_ms)
        .map(i64::unsigned_abs)
        .max()
        .unwrap_or(0)
        .max(1);
    if at.layout.is_portrait {
        draw_rows(part, at, (other, most), k);
        return;
    }
    let y = |drawn: f32| heads.y + (drawn - 652.0);
    for (words, at_y, ink, face) in [
        (THIS, 726.0, palette.text, Face::Text600),
        (other, 762.0, palette.text_secondary, Face::Text500),
        (DIFFERENCE_WORD, 810.0, palette.text, Face::Text600),
        (SCALE, 860.0, palette.text_secondary, Face::Text500),
    ] {
        let size = size_for(face, (STATE, 18.0), words, heads.w - 4.0);
        let text = Text::new(("table", words), words, heads.x, y(at_y), face, size);
        part.text(Layer::Module, text.colour(ink));
    }
    for (place, (column, rect)) in at.columns.iter().zip(&at.layout.columns).enumerate() {
        let right =
            rect.right() - if rect.right() >= at.layout.time.right - 1.0 { 0.0 } else { 10.0 };
        let room = rect.w - 24.0;
        if column.is_marked && column.other == "–" && !palette.flat {
            let back = Rect::new(right - room - 6.0, heads.y, room + 16.0, heads.h);
            let shape = Shape::rounded_box(back).radius(10.0).fill(palette.text.with_alpha(0.09));
            part.shape(Layer::Background, shape);
        }
        let mut put = |key: &'static str, words: &str, at_y: f32, look: (Face, f32), ink: Color| {
            let size = size_for(look.0, (look.1, 18.0), words, room);
            let words = truncate(look.0, size, words, room).into_owned();
            let text = Text::new((key, place), words, right, y(at_y), look.0, size);
            part.text(Layer::Module, text.end().colour(ink));
        };
        let look = Look::of(column, palette);
        put("name", &column.name, 684.0, (Face::Text600, HEAD), look.name);
        put("this", &column.this, 726.0, (Face::Text600, VALUE), look.this);
        put("other", &column.other, 762.0, (Face::Text500, VALUE), palette.text_secondary);
        let (face, size) = look.difference;
        put("difference", &column.difference, 810.0, (face, size), look.ink);
        let bar = Rect::new(right - room, y(836.0), room, 34.0);
        draw_difference(part, column.difference_ms, bar, most);
    }
}

/// Faces, sizes and ink of the words of a column.
struct Look {
    name: Color,
    this: Color,
    difference: (Face, f32),
    ink: Color,
}

impl Look {
    fn of(column: &ColumnView, palette: &Palette) -> Self {
        let (name, this) = match column.state {
            ColumnState::AtWork => (palette.running, palette.running),
            ColumnState::ToCome => (palette.text_secondary, palette.text),
            ColumnState::Over => (palette.text, palette.text),
        };
        let (difference, ink) = match (column.state, column.is_marked) {
            (ColumnState::AtWork, _) => ((Face::Text600, STATE), palette.running),
            (_, true) => ((Face::Text700, DIFFERENCE), palette.text),
            _ if column.difference_ms.is_some() => {
                ((Face::Text500, DIFFERENCE), palette.text_secondary)
            }
            _ => ((Face::Text600, STATE), palette.text_secondary),
        };
        Self { name, this, difference, ink }
    }
}

/// Draws a difference as a bar: faster to the left and solid, slower to the right and hatched.
fn draw_difference(part: &mut Part, ms: Option<i64>, rect: Rect, most: u64) {
    let palette = part.palette;
    let middle = rect.centre_x();
    let line = |rect: Rect, ink: Color| Shape::rounded_box(rect).fill(ink);
    let across = Rect::new(rect.x, rect.centre_y() - 1.0, rect.w, 2.0);
    part.shape(Layer::Background, line(across, palette.hair));
    let tick = Rect::new(middle - 1.0, rect.y, 2.0, rect.h);
    part.shape(Layer::Rack, line(tick, palette.line_strong));
    let Some(ms) = ms.filter(|ms| *ms != 0) else { return };
    let length = (ms.unsigned_abs() as f64 / most as f64 * f64::from(rect.w / 2.0)) as f32;
    let length = length.max(2.0);
    let (x, fill) = match ms < 0 {
        true => (middle - length, palette.success),
        false => (middle, palette.text),
    };
    let bar = Rect::new(x, rect.y + 4.0, length, rect.h - 8.0);
    let mut shape = Shape::rounded_box(bar).radius(2.0).fill(fill);
    if ms > 0 {
        shape = shape.texture(Texture::Hatch { period: 9.0, width: 4.0 }, palette.bg);
    }
    part.shape(Layer::Module, shape);
}

/// Draws the table of a narrow screen, in which each column is a row.
fn draw_rows(part: &mut Part, at: &RacePlace, (other, most): (&'static str, u64), k: f32) {
    let palette = part.palette;
    let heads = at.layout.heads;
    let part_of = |share: f32| heads.x + heads.w * share;
    let ends = [part_of(0.42), part_of(0.56), part_of(0.74)];
    let y = heads.y + 36.0 * k;
    for (words, x) in [(THIS, ends[0]), (other, ends[1]), (DIFFERENCE_WORD, ends[2])] {
        let text = Text::new(("table", words), words, x, y, Face::Text500, STATE * k);
        part.text(Layer::Module, text.end().colour(palette.text_secondary));
    }
    let text = Text::new(("table", SCALE), SCALE, heads.right(), y, Face::Text500, STATE * k);
    part.text(Layer::Module, text.end().colour(palette.text_secondary));
    for (place, (column, rect)) in at.columns.iter().zip(&at.layout.columns).enumerate() {
        let look = Look::of(column, palette);
        let y = rect.centre_y() + 10.0 * k;
        let mut put = |key: &'static str,
                       words: &str,
                       (x, room): (f32, f32),
                       (face, size): (Face, f32),
                       ink: Color| {
            let size = size_for(face, (size * k, 16.0 * k), words, room);
            let words = truncate(face, size, words, room).into_owned();
            let text = Text::new((key, place), words, x, y, face, size);
            let text = if key == "name" { text } else { text.end() };
            part.text(Layer::Module, text.colour(ink));
        };
        let name_room = heads.w * 0.28;
        put("name", &column.name, (heads.x, name_room), (Face::Text600, VALUE), look.name);
        let room = heads.w * 0.125;
        put("this", &column.this, (ends[0], room), (Face::Text600, VALUE), look.this);
        put(
            "other",
            &column.other,
            (ends[1], room),
            (Face::Text500, VALUE),
            palette.text_secondary,
        );
        let room = heads.w * 0.165;
        put("difference", &column.difference, (ends[2], room), look.difference, look.ink);
        let x = part_of(0.77);
        let height = (34.0 * k).min(rect.h - 6.0);
        let bar = Rect::new(x, rect.centre_y() - height / 2.0, heads.right() - x, height);
        draw_difference(part, column.difference_ms, bar, most);
    }
}
