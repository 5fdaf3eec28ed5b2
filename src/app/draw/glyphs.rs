//! Status glyphs: the same outline wherever a status is shown.

use bevy::math::Vec2;

use super::{Face, Layer, Part, Rect, Shape, Text};
use crate::app::state::status::{DisplayStatus, Outline};

/// Returns the halves of a diamond, the sign of the limit of the slowest 5 %; `half` is half of its width and
/// of its height.
pub fn diamond(centre: Vec2, half: Vec2) -> [Shape; 2] {
    let across = Vec2::new(half.x, 0.0);
    [-half.y, half.y].map(|tip| {
        Shape::triangle(centre - across, centre + Vec2::new(0.0, tip), centre + across, 0.5)
    })
}

/// Draws a status badge with this radius. `key` identifies the badge's position for its label.
pub fn badge(
    part: &mut Part,
    layer: Layer,
    status: DisplayStatus,
    centre: Vec2,
    radius: f32,
    key: &str,
) {
    let palette = part.palette;
    match status.outline() {
        Outline::Ring => {
            part.shape(
                layer,
                Shape::ring(centre, radius * 0.9, radius * 0.13).fill(palette.text_decorative),
            );
        }
        Outline::Levels { moving } => {
            part.shape(layer, Shape::disc(centre, radius).fill(palette.running_deep));
            part.shape(
                layer,
                Shape::arc(centre, radius * 0.93, radius * 0.19, -150.0, 150.0)
                    .fill(palette.running),
            );
            let levels = Shape::levels(centre, Vec2::new(radius * 0.44, radius * 0.42));
            let levels = if moving { levels } else { levels.standing_still() };
            part.shape(layer, levels.fill(palette.running));
        }
        Outline::Check => {
            part.shape(layer, Shape::disc(centre, radius).fill(palette.success));
            part.shape(layer, Shape::check(centre, radius).fill(palette.ink));
        }
        Outline::Octagon => {
            part.shape(layer, Shape::octagon(centre, radius).fill(palette.failed).keep_colour());
            part.shape(
                layer,
                Shape::cross(centre, radius * 0.38, radius * 0.24)
                    .fill(palette.failed_ink)
                    .keep_colour(),
            );
        }
        Outline::Square => {
            let square =
                Rect::new(centre.x - radius, centre.y - radius, 2.0 * radius, 2.0 * radius);
            part.shape(
                layer,
                Shape::rounded_box(square).radius(radius * 0.3).fill(palette.cancelled),
            );
            part.shape(
                layer,
                Shape::rounded_box(square.inset(radius * 0.62))
                    .radius(radius * 0.08)
                    .fill(palette.cancelled_ink),
            );
        }
        Outline::Clock => {
            let ink = palette.text_secondary;
            part.shape(layer, Shape::disc(centre, radius).fill(palette.stale_badge));
            part.shape(layer, Shape::ring(centre, radius * 0.64, radius * 0.17).fill(ink));
            let at = |x: f32, y: f32| centre + Vec2::new(x, y) * radius;
            let hands =
                Shape::polyline3(at(0.0, -0.36), at(0.0, 0.0), at(0.27, 0.18), radius * 0.17);
            part.shape(layer, hands.fill(ink));
        }
        Outline::Arrows => {
            part.shape(
                layer,
                Shape::ring(centre, radius * 0.92, radius * 0.14)
                    .fill(palette.skipped_hatch)
                    .dash(radius * 0.31, radius * 0.27),
            );
            for offset in [-0.36, 0.02] {
                let at = |x: f32, y: f32| centre + Vec2::new(x + offset, y) * radius;
                part.shape(
                    layer,
                    Shape::polyline3(at(0.0, -0.3), at(0.3, 0.0), at(0.0, 0.3), radius * 0.15)
                        .fill(palette.skipped_hatch),
                );
            }
        }
        Outline::QuestionMark => {
            part.shape(
                layer,
                Shape::ring(centre, radius * 0.92, radius * 0.13)
                    .fill(palette.skipped_hatch)
                    .dash(radius * 0.1, radius * 0.26),
            );
            let size = radius * 1.2;
            part.text(
                layer,
                Text::new(
                    ("unknown", key.to_owned()),
                    "?",
                    centre.x,
                    centre.y + size * 0.36,
                    Face::Text700,
                    size,
                )
                .middle()
                .colour(palette.skipped_hatch),
            );
        }
    }
}
