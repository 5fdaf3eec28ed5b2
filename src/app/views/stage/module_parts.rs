//! Parts that all modules of the rack have: a name that fits, and jacks.

use bevy::math::Vec2;

use super::stage_layout::StageLayout;
use crate::app::draw::{Face, Layer, Part, Shape, measure, truncate};
use crate::layout::ModuleBox;

/// Module name with its type size: reduced from `wanted` down to `least` to fit `room`, then truncated.
pub(super) fn fitting_name(
    name: &str,
    face: Face,
    (wanted, least): (f32, f32),
    room: f32,
) -> (String, f32) {
    let wanted = wanted.max(least);
    // Letter spacing of 0.015 em.
    let width = measure(face, wanted, 0.015, name);
    let name_size = if width <= room { wanted } else { (wanted * room / width).floor().max(least) };
    (truncate(face, name_size, name, room).into_owned(), name_size)
}

/// Draws the jacks of the incoming and the outgoing cable.
pub(super) fn draw_jacks(
    part: &mut Part,
    at: &ModuleBox,
    rim: bevy::color::Color,
    layout: &StageLayout,
) {
    let palette = part.palette;
    let (left, right) = at.jacks();
    let size = if layout.rack.row_tops.len() > 1 { 0.8 } else { 1.0 };
    for (x, y) in [left, right] {
        let centre = Vec2::new(x, y);
        part.shape(
            Layer::Face,
            Shape::disc(centre, 13.0 * size).fill(palette.jack_well).border(3.0, rim),
        );
        part.shape(Layer::Face, Shape::disc(centre, 5.5 * size).fill(palette.jack_hole));
    }
}
