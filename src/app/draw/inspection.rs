//! Places of shapes and texts, for tests that look at a picture without drawing it on a GPU.

use bevy::math::{Rect as MathRect, Vec2};

use super::canvas::{Anchor, Canvas, Layer, Part, Text};
use super::instance::Instance;
use super::metrics::measure;
use crate::layout::{CanvasSize, Rect};

/// Parts around the views, which may stand on the bridge.
const AROUND: [&str; 8] =
    ["frame", "bridge", "director", "toasts", "fault", "past", "hint", "first hint"];
/// The view that has no bridge below it.
const WITHOUT_BRIDGE: &str = "history";
/// Part of a type size below the baseline.
const DESCENT: f32 = 0.2;

impl Canvas {
    /// Returns what is wrong with the picture: coordinates that are not finite, and parts of a view that reach
    /// below the upper edge of the bridge.
    pub fn faults(&self, canvas_size: CanvasSize) -> Vec<String> {
        let mut faults = Vec::new();
        for part in self.parts() {
            let name = part.name();
            let foot = match name == WITHOUT_BRIDGE {
                true => canvas_size.height + 0.5,
                false => canvas_size.bridge_top() + 0.5,
            };
            let is_view = !AROUND.contains(&name);
            for (layer, shape) in &part.shapes {
                let is_shadow = shape.raw.tex[2] > 0.0;
                let bottom = shape.extent.max.y;
                if !all_finite(&shape.encode(0.0)) {
                    faults
                        .push(format!("{name}: {layer:?} shape without a finite place: {shape:?}"));
                } else if is_view && !is_shadow && *layer > Layer::Pool && bottom > foot {
                    faults.push(format!(
                        "{name}: {layer:?} shape reaches {bottom}, bridge at {foot}"
                    ));
                }
            }
            for (layer, text) in &part.texts {
                let place = place_of(text);
                let words = words_of(text);
                if !(place.min.is_finite() && place.max.is_finite() && text.opacity.is_finite()) {
                    faults.push(format!("{name}: {layer:?} {words:?} without a finite place"));
                } else if text.spans.iter().any(|span| span.size <= 0.0) {
                    faults.push(format!("{name}: {layer:?} {words:?} has no size"));
                } else if is_view && place.max.y > foot {
                    let bottom = place.max.y;
                    faults.push(format!("{name}: {words:?} reaches {bottom}, bridge at {foot}"));
                }
            }
        }
        faults
    }

    /// Returns the parts of the views, without what is around them, with every shape and text.
    pub fn views(&self) -> Vec<String> {
        let views = self.parts().iter().filter(|part| !AROUND.contains(&part.name()));
        let mut views: Vec<String> = views
            .map(|part| format!("{:?}: {:?} {:?}", part.id(), part.shapes, part.texts))
            .collect();
        views.sort_unstable();
        views
    }

    /// Returns the number of shapes of a part.
    pub fn shapes_in(&self, part: &'static str) -> usize {
        let parts = self.parts().iter().filter(|found| found.name() == part);
        parts.map(|part| part.shapes.len()).sum()
    }

    /// Returns the visible texts of a part with their places.
    pub fn words(&self, part: &'static str) -> Vec<(String, Rect)> {
        let parts = self.parts().iter().filter(|found| found.name() == part);
        let texts = parts.flat_map(|part: &Part| &part.texts);
        texts
            .filter(|(_, text)| text.opacity > 0.0)
            .map(|(_, text)| {
                let MathRect { min, max } = place_of(text);
                (words_of(text), Rect::new(min.x, min.y, max.x - min.x, max.y - min.y))
            })
            .collect()
    }
}

fn words_of(text: &Text) -> String {
    text.spans.iter().map(|span| span.text.as_ref()).collect::<Vec<_>>().join(" ")
}

fn place_of(text: &Text) -> MathRect {
    let width: f32 = text
        .spans
        .iter()
        .map(|span| span.gap + measure(span.face, span.size, span.tracking_em, &span.text))
        .sum();
    let size = text.spans.iter().map(|span| span.size).fold(0.0, f32::max);
    let left = match text.anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => width / 2.0,
        Anchor::End => width,
    };
    let from = text.position - Vec2::new(left, size * 0.74);
    MathRect { min: from, max: from + Vec2::new(width, size * (0.74 + DESCENT)) }
}

fn all_finite(raw: &Instance) -> bool {
    [
        raw.bounds,
        raw.geom0,
        raw.geom1,
        raw.geom2,
        raw.style,
        raw.glow_dash,
        raw.tex,
        raw.clip,
        raw.fade,
        raw.enter,
        raw.motion,
        raw.gradient,
    ]
    .iter()
    .flatten()
    .all(|value| value.is_finite())
}
