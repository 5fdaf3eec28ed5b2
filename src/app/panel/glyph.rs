//! Status signs for egui: each status has its own shape, because colour alone is not enough.

use std::f32::consts::TAU;

use bevy::color::Color;
use bevy_egui::egui::{
    Align2, CornerRadius, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, Ui, Vec2,
    epaint::PathShape, pos2, vec2,
};

use super::style::{self, ink};
use crate::app::state::status::{DisplayStatus, Outline, Tone};
use crate::app::theme::Palette;
use crate::bounded::bounded;

/// Meaning of a sign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sign {
    Status(DisplayStatus),
    /// Connected.
    Linked,
    /// Connecting, or connected without an answer from the backend.
    Linking,
    /// Waiting for the next attempt, with the elapsed part of the wait, 0 to 1.
    Waiting(f32),
}

impl<T: Into<DisplayStatus>> From<T> for Sign {
    fn from(status: T) -> Self {
        Self::Status(status.into())
    }
}

impl Sign {
    pub(super) const FAILED: Self = Self::Status(DisplayStatus::Failed);
    pub(super) const SUCCESS: Self = Self::Status(DisplayStatus::Success);
    pub(super) const PENDING: Self = Self::Status(DisplayStatus::Pending);
    pub(super) const RUNNING: Self = Self::Status(DisplayStatus::Running);

    /// Colour of words beside the sign.
    pub(super) fn text_colour(self, palette: &Palette) -> Color {
        palette.tone_words(match self {
            Self::Status(status) => status.tone(),
            Self::Linked => Tone::Success,
            Self::Linking | Self::Waiting(_) => Tone::Cancelled,
        })
    }

    /// Paints the sign around `centre`, with about `radius` to each side.
    pub(super) fn paint(self, painter: &Painter, centre: Pos2, radius: f32) {
        let palette = style::palette(painter.ctx());
        match self {
            Self::Status(status) => paint_outline(painter, centre, radius, status.outline()),
            Self::Linked => {
                painter.circle_filled(centre, radius * 0.36, ink(palette.success));
                for turn in [0.0, 0.5] {
                    let begin = (turn - 0.11) * TAU;
                    paint_arc(painter, centre, radius * 0.85, begin, 0.22 * TAU, palette.success);
                }
            }
            Self::Linking => paint_dashes(painter, centre, radius * 0.8, 6, palette.cancelled),
            Self::Waiting(part) => {
                let track = stroke(3.0, palette.cancelled_deep);
                painter.circle_stroke(centre, radius * 0.8, track);
                let sweep = bounded(part, 0.02, 1.0) * TAU;
                paint_arc(painter, centre, radius * 0.8, -0.25 * TAU, sweep, palette.cancelled);
            }
        }
    }
}

fn paint_outline(painter: &Painter, centre: Pos2, radius: f32, outline: Outline) {
    let palette = style::palette(painter.ctx());
    match outline {
        Outline::Ring => {
            painter.circle_stroke(centre, radius * 0.85, stroke(1.6, palette.text_tertiary));
        }
        Outline::Levels { .. } => paint_running(painter, centre, radius),
        Outline::Check => {
            painter.circle_filled(centre, radius, ink(palette.success));
            paint_check(painter, centre, radius);
        }
        Outline::Octagon => paint_failed(painter, centre, radius),
        Outline::Square => {
            let square = |half: f32| Rect::from_center_size(centre, Vec2::splat(half * 2.0));
            let corner = CornerRadius::same(2);
            painter.rect_filled(square(radius * 0.9), corner, ink(palette.cancelled));
            painter.rect_filled(square(radius * 0.34), 0.0, ink(palette.cancelled_ink));
        }
        Outline::Arrows => {
            paint_dashes(painter, centre, radius * 0.85, 8, palette.skipped_hatch);
            for shift in [-0.32, 0.12] {
                let tip = centre + vec2((shift + 0.26) * radius, 0.0);
                let wing = vec2(-0.26 * radius, 0.3 * radius);
                let points = vec![tip + wing, tip, tip + vec2(wing.x, -wing.y)];
                painter.add(Shape::line(points, stroke(1.4, palette.skipped_hatch)));
            }
        }
        Outline::QuestionMark => {
            paint_dashes(painter, centre, radius * 0.9, 14, palette.text_tertiary);
            let font = style::semibold((radius * 1.4).max(8.0));
            painter.text(centre, Align2::CENTER_CENTER, "?", font, ink(palette.text_secondary));
        }
        Outline::Clock => {
            let hand = stroke(1.6, palette.text_secondary);
            painter.circle_stroke(centre, radius * 0.85, hand);
            let (top, right) = (vec2(0.0, -0.5 * radius), vec2(0.36 * radius, 0.22 * radius));
            painter.add(Shape::line(vec![centre + top, centre, centre + right], hand));
        }
    }
}

/// Shows the sign as a widget.
pub(super) fn sign_ui(ui: &mut Ui, sign: Sign, radius: f32) -> Response {
    let side = radius * 2.0 + 2.0;
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(side), Sense::hover());
    sign.paint(ui.painter(), rect.center(), radius);
    response
}

fn stroke(width: f32, colour: Color) -> Stroke {
    Stroke::new(width, ink(colour))
}

fn on_circle(centre: Pos2, radius: f32, angle: f32) -> Pos2 {
    centre + Vec2::angled(angle) * radius
}

/// Paints an arc of `sweep` radians from `begin`, clockwise, where 0 points right.
fn paint_arc(painter: &Painter, centre: Pos2, radius: f32, begin: f32, sweep: f32, colour: Color) {
    let steps = (sweep / TAU * 40.0).ceil().max(2.0) as usize;
    let point = |step: usize| on_circle(centre, radius, begin + sweep * step as f32 / steps as f32);
    painter.add(Shape::line((0..=steps).map(point).collect(), stroke(2.4, colour)));
}

fn paint_dashes(painter: &Painter, centre: Pos2, radius: f32, dashes: usize, colour: Color) {
    let step = TAU / dashes as f32;
    for dash in 0..dashes {
        let begin = dash as f32 * step;
        let ends =
            [on_circle(centre, radius, begin), on_circle(centre, radius, begin + step * 0.55)];
        painter.line_segment(ends, stroke(1.6, colour));
    }
}

fn paint_running(painter: &Painter, centre: Pos2, radius: f32) {
    let palette = style::palette(painter.ctx());
    painter.circle_filled(centre, radius * 0.95, ink(palette.running_deep));
    // Open at the bottom, like the ring of a module.
    let begin = 0.25 * TAU + TAU / 12.0;
    let steps = 32;
    let sweep = TAU * 5.0 / 6.0;
    let point = |step: i32| on_circle(centre, radius * 0.9, begin + sweep * step as f32 / 32.0);
    painter.add(Shape::line((0..=steps).map(point).collect(), stroke(1.6, palette.running)));
    let foot = centre.y + radius * 0.42;
    for (place, height) in [(-1.0, 0.45), (0.0, 0.85), (1.0, 0.62)] {
        let x = centre.x + place * radius * 0.36;
        let bar = Rect::from_min_max(
            pos2(x - radius * 0.12, foot - radius * height),
            pos2(x + radius * 0.12, foot),
        );
        painter.rect_filled(bar, 0.5, ink(palette.running));
    }
}

fn paint_check(painter: &Painter, centre: Pos2, radius: f32) {
    let palette = style::palette(painter.ctx());
    let at = |x: f32, y: f32| centre + vec2(x, y) * radius;
    let points = vec![at(-0.43, 0.04), at(-0.1, 0.36), at(0.46, -0.32)];
    painter.add(Shape::line(points, stroke(1.9, palette.ink)));
}

fn paint_failed(painter: &Painter, centre: Pos2, radius: f32) {
    let palette = style::palette(painter.ctx());
    let corner = |place: i32| on_circle(centre, radius, (place as f32 + 0.5) * TAU / 8.0);
    painter.add(Shape::Path(PathShape::convex_polygon(
        (0..8).map(corner).collect(),
        ink(palette.failed),
        Stroke::NONE,
    )));
    let arm = radius * 0.36;
    for flip in [1.0, -1.0] {
        let ends = [centre + vec2(-arm, -arm * flip), centre + vec2(arm, arm * flip)];
        painter.line_segment(ends, stroke(2.2, palette.failed_ink));
    }
}

/// Paints the triangle of a foldable title.
pub(super) fn paint_fold(painter: &Painter, centre: Pos2, open: bool) {
    let palette = style::palette(painter.ctx());
    let points = if open {
        vec![centre + vec2(-6.0, -4.0), centre + vec2(6.0, -4.0), centre + vec2(0.0, 4.0)]
    } else {
        vec![centre + vec2(-4.0, -6.0), centre + vec2(4.0, 0.0), centre + vec2(-4.0, 6.0)]
    };
    let fill = ink(palette.text_secondary);
    painter.add(Shape::Path(PathShape::convex_polygon(points, fill, Stroke::NONE)));
}
