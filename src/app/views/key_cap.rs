//! Keys as they are shown on the canvas.

use std::hash::Hash;

use bevy::color::{Alpha, Color};

use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text};

/// Draws a key as a frame with its words in the middle. `size` is the size of type, `k` the length of a design
/// pixel, `ground` the colour behind it.
pub fn draw_key(
    part: &mut Part,
    layer: Layer,
    (id, words): (impl Hash, String),
    (rect, size, k): (Rect, f32, f32),
    (edge, ground): (Color, Color),
) {
    let cap = Shape::rounded_box(rect).radius(6.0 * k).border(1.5 * k, edge);
    part.shape(layer, cap.fill(ground.with_alpha(0.0)).keep_colour());
    let (x, y) = (rect.centre_x(), rect.centre_y() + 7.8 * k);
    let text = Text::new(id, words, x, y, Face::Text600, size).middle();
    part.text(layer, text.colour(part.palette.text).keep_colour());
}
