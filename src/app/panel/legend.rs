//! Legend of the signs: each with its colour, glyph and texture, as drawn on the canvas.

use std::f32::consts::TAU;

use bevy::color::Color;
use bevy_egui::egui::{
    Color32, CornerRadius, Painter, Pos2, Rect, RichText, Sense, Shape, Stroke, StrokeKind, Ui,
    Vec2, pos2, vec2,
};

use super::glyph::Sign;
use super::style::{self, ink};
use crate::app::state::status::DisplayStatus;
use crate::app::theme::Palette;

/// Drawing with its name and its explanation.
type Drawing = (fn(&Painter, Rect), &'static str, &'static str);

/// Drawings other than status signs.
pub(super) const DRAWINGS: [Drawing; 6] = [
    (paint_dial, "ring", "Full = slowest 5 %. Tick = usual (median) time."),
    (paint_meter, "meter", "Dot = peak, or start of the slowest 5 %. Bars = history."),
    (
        paint_chain,
        "chain",
        "One dot for each step: done, running, failed, pending. FIX appears below when it is needed.",
    ),
    (
        paint_cells,
        "cells",
        "One cell for each step. Low and solid = done, tall = running, line = pending.",
    ),
    (
        paint_lanes,
        "fix lanes",
        "One lane for each fix. Beads = running, solid = passed, dashes = refused.",
    ),
    (paint_veil, "lost", "No connection: colours fade and motion stops, but nothing is removed."),
];

const PICTURE: Vec2 = Vec2::new(76.0, 36.0);
/// Larger than the panel's type, because the help is read from further away.
const NAME: f32 = 21.0;
const WORDS: f32 = 17.0;

/// Shows the signs of status, one below the other.
pub(super) fn signs_ui(ui: &mut Ui) {
    for (status, words) in DisplayStatus::LEGEND {
        let sign = Sign::from(status);
        let tone = sign.text_colour(style::palette(ui.ctx()));
        line_ui(ui, status.words(), words, tone, |painter, rect| {
            sign.paint(painter, rect.left_center() + vec2(14.0, 0.0), 13.0);
            let body = Rect::from_min_max(rect.min + vec2(36.0, 4.0), rect.max - vec2(0.0, 4.0));
            paint_body(painter, body, status);
        });
    }
}

/// Shows the other drawings, one below the other.
pub(super) fn drawings_ui(ui: &mut Ui) {
    for (paint, name, words) in DRAWINGS {
        let tone = style::palette(ui.ctx()).text;
        line_ui(ui, name, words, tone, paint);
    }
}

/// Shows a picture and a name, with the explanation below the name.
fn line_ui(ui: &mut Ui, name: &str, words: &str, tone: Color, paint: impl FnOnce(&Painter, Rect)) {
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 14.0;
        let (rect, _) = ui.allocate_exact_size(PICTURE + vec2(0.0, 6.0), Sense::hover());
        let rect = Rect::from_min_size(rect.min + vec2(0.0, 4.0), PICTURE);
        paint(&ui.painter().with_clip_rect(rect.expand(1.0)), rect);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            let name = RichText::new(name).font(style::semibold(NAME));
            ui.label(name.color(ink(tone)));
            ui.label(RichText::new(words).font(style::body(WORDS)).weak());
        });
    });
}

fn line(width: f32, colour: Color) -> Stroke {
    Stroke::new(width, ink(colour))
}

fn outline(rect: Rect) -> Vec<Pos2> {
    vec![
        rect.left_top(),
        rect.right_top(),
        rect.right_bottom(),
        rect.left_bottom(),
        rect.left_top(),
    ]
}

/// Paints lines across a rectangle, `step` apart; each leans by the rectangle's height times `lean`.
fn paint_stripes(painter: &Painter, rect: Rect, step: f32, lean: f32, stroke: Stroke) {
    let inner = painter.with_clip_rect(rect.intersect(painter.clip_rect()));
    let lean = rect.height() * lean;
    let count = ((rect.width() + lean.abs()) / step).ceil() as usize;
    for place in 0..=count {
        let x = rect.left() + place as f32 * step;
        inner.line_segment([pos2(x, rect.top()), pos2(x - lean, rect.bottom())], stroke);
    }
}

/// Paints a node's body for a status: colour and texture.
fn paint_body(painter: &Painter, rect: Rect, status: DisplayStatus) {
    let p = style::palette(painter.ctx());
    let fill = |colour: Color| painter.rect_filled(rect, CornerRadius::same(6), ink(colour));
    let edge = |width: f32, colour: Color| {
        painter.rect_stroke(rect, CornerRadius::same(6), line(width, colour), StrokeKind::Inside)
    };
    let broken = |dash: f32, gap: f32, colour: Color| {
        painter.extend(Shape::dashed_line(
            &outline(rect.shrink(1.0)),
            line(2.0, colour),
            dash,
            gap,
        ));
    };
    match status {
        DisplayStatus::Running => {
            fill(p.running_panel_top);
            edge(3.0, p.running);
            for place in 0..3 {
                let at = rect.left_center() + vec2(11.0 + 10.0 * place as f32, 0.0);
                let arms = vec![at + vec2(-3.0, -5.0), at + vec2(2.0, 0.0), at + vec2(-3.0, 5.0)];
                painter.add(Shape::line(arms, line(2.0, p.running)));
            }
        }
        DisplayStatus::Success => {
            fill(p.success);
        }
        DisplayStatus::Failed => {
            fill(p.failed);
            paint_stripes(painter, rect, 9.0, 1.0, line(4.0, p.failed_hatch));
        }
        DisplayStatus::Cancelled => {
            fill(p.panel_top);
            paint_stripes(painter, rect, 8.0, 0.0, line(3.0, p.cancelled_edge));
            edge(2.0, p.cancelled);
        }
        DisplayStatus::Skipped => {
            fill(p.skipped_panel);
            paint_stripes(painter, rect, 8.0, 1.0, line(1.0, p.skipped_outline));
            broken(6.0, 4.0, p.skipped_hatch);
        }
        DisplayStatus::Unknown => {
            fill(p.skipped_panel);
            broken(1.5, 5.0, p.skipped_hatch);
        }
        DisplayStatus::Silent => {
            fill(p.card);
            let stroke = line(1.0, p.stale_outline);
            for row in 1..6 {
                painter.hline(rect.x_range(), rect.top() + 5.0 * row as f32, stroke);
            }
            broken(1.5, 5.0, p.stale_outline);
        }
        _ => {
            fill(p.ghost);
            edge(2.0, p.pending_outline);
        }
    }
}

/// Direction of an angle on a dial, in degrees clockwise from 12 o'clock.
fn towards(deg: f32) -> Vec2 {
    Vec2::angled((deg - 90.0) / 360.0 * TAU)
}

fn arc(centre: Pos2, radius: f32, (from, to): (f32, f32), stroke: Stroke) -> Shape {
    let points =
        (0..=32).map(|step| centre + towards(from + (to - from) * step as f32 / 32.0) * radius);
    Shape::line(points.collect(), stroke)
}

fn paint_dial(painter: &Painter, rect: Rect) {
    let p = style::palette(painter.ctx());
    let centre = rect.center() + vec2(0.0, 1.0);
    let radius = 14.0;
    painter.add(arc(centre, radius, (-150.0, 150.0), line(4.0, p.running_track)));
    painter.add(arc(centre, radius, (-150.0, 10.0), line(4.0, p.running)));
    let tick = towards(60.0);
    let ends = [centre + tick * (radius - 3.0), centre + tick * (radius + 6.0)];
    painter.line_segment(ends, line(2.5, p.text));
}

fn paint_meter(painter: &Painter, rect: Rect) {
    let p = style::palette(painter.ctx());
    painter.rect_filled(rect, CornerRadius::same(4), ink(p.meter_face));
    let inner = painter.with_clip_rect(rect.intersect(painter.clip_rect()));
    let pivot = pos2(rect.center().x, rect.bottom() + 14.0);
    inner.add(arc(pivot, 38.0, (-44.0, 44.0), line(1.5, p.scale)));
    inner.line_segment([pivot, pivot + towards(-12.0) * 40.0], line(2.0, p.needle));
    inner.circle_filled(pivot + towards(24.0) * 32.0, 3.0, ink(p.violet_text));
    for (place, tall) in [2.0, 4.0, 3.0, 5.0, 7.0, 4.0, 6.0, 3.0].into_iter().enumerate() {
        let foot = rect.left_bottom() + vec2(6.0 + 8.4 * place as f32, -2.0);
        let bar = Rect::from_min_max(foot - vec2(0.0, tall), foot + vec2(5.0, 0.0));
        inner.rect_filled(bar, 0.0, ink(p.scale).gamma_multiply(0.55));
    }
    painter.rect_stroke(rect, CornerRadius::same(4), line(1.5, p.meter_edge), StrokeKind::Inside);
}

fn paint_chain(painter: &Painter, rect: Rect) {
    let p = style::palette(painter.ctx());
    let at = |place: usize| rect.left_top() + vec2(6.0 + 21.0 * place as f32, 12.0);
    painter.line_segment([at(0), at(1)], line(3.0, p.success_line));
    painter.line_segment([at(1), at(2)], line(3.0, p.running));
    painter.line_segment([at(2), at(3)], line(2.0, p.line_strong));
    let below = at(1).lerp(at(2), 0.5) + vec2(-10.5, 16.0);
    let curve = [at(0), below - vec2(8.0, 0.0), below + vec2(8.0, 0.0), at(1)];
    let bend = bevy_egui::egui::epaint::CubicBezierShape::from_points_stroke(
        curve,
        false,
        Color32::TRANSPARENT,
        line(2.0, p.success),
    );
    painter.add(bend);
    painter.circle_filled(below - vec2(0.0, 4.0), 4.0, ink(p.success));
    painter.circle_filled(at(0), 5.5, ink(p.success));
    painter.circle_filled(at(1), 5.5, ink(p.success));
    Sign::RUNNING.paint(painter, at(2), 10.0);
    painter.circle_filled(at(3), 5.0, ink(p.card));
    painter.circle_stroke(at(3), 5.0, line(2.0, p.tile_dot));
}

fn paint_cells(painter: &Painter, rect: Rect) {
    let p: &Palette = style::palette(painter.ctx());
    let cells = [
        (p.success_dense, 0.62),
        (p.success_dense, 0.62),
        (p.success_dense, 0.62),
        (p.running, 1.0),
        (p.line_strong, 0.16),
        (p.line_strong, 0.16),
    ];
    for (place, (colour, tall)) in cells.into_iter().enumerate() {
        let foot = rect.left_bottom() + vec2(12.5 * place as f32, -8.0);
        let cell = Rect::from_min_max(foot - vec2(0.0, 22.0 * tall), foot + vec2(10.0, 0.0));
        painter.rect_filled(cell, CornerRadius::same(2), ink(colour));
    }
}

fn paint_lanes(painter: &Painter, rect: Rect) {
    let p = style::palette(painter.ctx());
    for (place, (bed, core)) in
        [(p.running_jacket, p.running), (p.success_deep, p.success), (p.failed_deep, p.failed)]
            .into_iter()
            .enumerate()
    {
        let x = rect.left() + 12.0 + 26.0 * place as f32;
        let ends = [pos2(x, rect.top() + 6.0), pos2(x, rect.bottom())];
        painter.line_segment(ends, line(9.0, bed));
        match place {
            0 => {
                painter.line_segment(ends, line(4.5, core));
                for bead in 0..2 {
                    let y = rect.top() + 14.0 + 13.0 * bead as f32;
                    painter.line_segment([pos2(x, y), pos2(x, y + 4.0)], line(4.5, p.bead));
                }
            }
            1 => {
                painter.line_segment(ends, line(4.5, core));
            }
            _ => {
                painter.extend(Shape::dashed_line(&ends, line(4.5, core), 7.0, 4.0));
            }
        }
        let tip =
            [pos2(x, rect.top()), pos2(x + 7.0, rect.top() + 9.0), pos2(x - 7.0, rect.top() + 9.0)];
        painter.add(Shape::convex_polygon(tip.to_vec(), ink(core), Stroke::NONE));
    }
}

/// Paints the sign of a connection that is being retried, on the notice band.
fn paint_veil(painter: &Painter, rect: Rect) {
    let p = style::palette(painter.ctx());
    let band = rect.shrink2(vec2(0.0, 7.0));
    painter.rect_filled(band, CornerRadius::same(6), ink(p.cancelled_band));
    painter.rect_stroke(band, CornerRadius::same(6), line(1.5, p.cancelled), StrokeKind::Inside);
    Sign::Linking.paint(painter, band.left_center() + vec2(16.0, 0.0), 8.0);
    for pip in 0..3 {
        let at = band.left_center() + vec2(36.0 + 12.0 * pip as f32, 0.0);
        painter.circle_filled(at, 3.0, ink(p.cancelled));
    }
}
