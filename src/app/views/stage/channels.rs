//! Tests that any two statuses whose colours are too alike differ in glyph and in texture or motion, as
//! drawn, in every theme and for each kind of colour vision.

use std::collections::BTreeSet;

use super::rack;
use super::stage_layout::StageLayout;
use crate::app::state::run_view::waiting_modules;
use crate::app::state::run_view::{FailureView, ModuleView, StageView};
use bevy::math::Vec2;

use crate::app::draw::glyphs::badge;
use crate::app::draw::{Canvas, Layer, Traits};
use crate::app::state::status::DisplayStatus;
use crate::app::theme::vision::{Vision, distance};
use crate::app::theme::{Palette, Theme};
use crate::layout::{CanvasSize, RackRequest, lay_out_rack};
use crate::model::{Baseline, NodeStatus};

/// Least CIEDE2000 distance at which two colours count as distinct. Two colours side by side are
/// distinct above 5 (Mokrzycki, Tatol: Colour difference ΔE, 2011, section 5); status colours stand
/// apart and are compared from memory, so twice that.
const FAR: f32 = 10.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Running,
    Success,
    Failed,
    Cancelled,
    /// Neutral in colour, as is `Skipped`.
    Pending,
    Skipped,
}

impl Status {
    const ALL: [Self; 6] =
        [Self::Running, Self::Success, Self::Failed, Self::Cancelled, Self::Pending, Self::Skipped];

    fn colour(self, palette: &Palette) -> bevy::color::Color {
        match self {
            Self::Running => palette.running,
            Self::Success => palette.success,
            Self::Failed => palette.failed,
            Self::Cancelled => palette.cancelled,
            Self::Pending | Self::Skipped => palette.text_tertiary,
        }
    }

    fn module(self) -> ModuleView {
        let status = match self {
            Self::Running => NodeStatus::Running,
            Self::Success => NodeStatus::Success,
            Self::Failed => NodeStatus::Failed,
            Self::Cancelled | Self::Skipped => NodeStatus::Skipped,
            Self::Pending => NodeStatus::Pending,
        };
        ModuleView {
            status,
            stopped: self == Self::Cancelled,
            duration_ms: Some(4_000),
            baseline: Some(Baseline { p50_ms: 5_000, p95_ms: 9_000, samples: 9 }),
            ..waiting_modules().remove(0)
        }
    }

    fn glyph(self) -> DisplayStatus {
        match self {
            Self::Running => DisplayStatus::Running,
            Self::Success => DisplayStatus::Success,
            Self::Failed => DisplayStatus::Failed,
            Self::Cancelled => DisplayStatus::Cancelled,
            Self::Pending => DisplayStatus::Pending,
            Self::Skipped => DisplayStatus::Skipped,
        }
    }

    /// Shapes of the status's glyph.
    fn badge(self) -> Vec<Traits> {
        let mut canvas = Canvas::default();
        let part = canvas.redraw("glyph");
        badge(part, Layer::Face, self.glyph(), Vec2::ZERO, 20.0, "glyph");
        part.traits().collect()
    }

    /// Shapes that the rack draws for a node in this status.
    fn drawn(self, theme: Theme) -> Vec<Traits> {
        let module = self.module();
        let rack = lay_out_rack(&RackRequest {
            focus: vec![module.has_focus() || self == Self::Failed],
            left: CanvasSize::MARGIN,
            right: 500.0,
            top: 312.0,
            enlarged: 1.0,
            roomy: false,
            loop_between: None,
            loop_scale: 1.0,
        });
        let canvas_size = CanvasSize::of_pixels(1920.0, 1080.0);
        let layout = StageLayout {
            canvas_size,
            rack,
            moving: vec![false],
            failure_top: 196.0,
            lower_top: 644.0,
            unit: 1.0,
            clock_secs: 0.0,
            failed_at: 0.0,
            frozen: false,
        };
        let mut view = StageView::waiting(vec![module]);
        if self == Self::Failed {
            view.failure = Some(FailureView {
                headline: String::new(),
                reason: String::new(),
                module: Some(0),
                settled: false,
            });
        }
        let mut canvas = Canvas::default();
        canvas.theme = theme;
        let part = canvas.redraw("stage");
        rack::draw_modules(part, &view, &layout);
        rack::draw_failure(part, &view, &layout);
        part.traits().collect()
    }
}

/// Compares two statuses without colour: [glyph silhouette, texture, motion], true where they differ.
/// Texture includes solid or hollow glyphs and dashed outlines.
fn channels_apart(one: Status, other: Status, theme: Theme) -> [bool; 3] {
    fn set<T: Ord>(drawn: &[Traits], channel: fn(&Traits) -> T) -> BTreeSet<T> {
        drawn.iter().map(channel).collect()
    }
    let silhouette = |status: Status| set(&status.badge(), |traits| traits.silhouette);
    let texture = |status: Status| {
        let solid = status.badge().iter().any(|traits| traits.area);
        (solid, set(&status.drawn(theme), |traits| (traits.texture, traits.dashed)))
    };
    let motion = |status: Status| set(&status.drawn(theme), |traits| traits.motion);
    [
        silhouette(one) != silhouette(other),
        texture(one) != texture(other),
        motion(one) != motion(other),
    ]
}

#[test]
fn statuses_alike_in_colour_differ_in_glyph_and_texture_or_motion() {
    let mut leaning = BTreeSet::new();
    for theme in Theme::ALL {
        let palette = theme.palette();
        for (index, one) in Status::ALL.into_iter().enumerate() {
            for other in Status::ALL.into_iter().skip(index + 1) {
                let [glyph, texture, motion] = channels_apart(one, other, theme);
                for vision in Vision::ALL {
                    let seen = |status: Status| vision.sees(status.colour(palette));
                    let far = distance(seen(one), seen(other));
                    if far >= FAR {
                        continue;
                    }
                    leaning.insert(format!("{theme:?}"));
                    assert!(
                        glyph && (texture || motion),
                        "{theme:?}, {vision:?}: {one:?} and {other:?} are {far:.1} apart, and \
                         glyph {glyph}, texture {texture}, motion {motion}"
                    );
                }
            }
        }
    }
    assert!(!leaning.is_empty(), "grey alone makes some pairs lean on the other channels");
}

/// Covers the first five statuses: the high-contrast theme needs colour alone, except for the two
/// neutral ones.
#[test]
fn high_contrast_colours_differ_for_every_colour_vision() {
    let palette = Theme::HighContrast.palette();
    let visions = [Vision::Normal, Vision::Protanopia, Vision::Deuteranopia, Vision::Tritanopia];
    for vision in visions {
        for (index, one) in Status::ALL[..5].iter().enumerate() {
            for other in &Status::ALL[index + 1..5] {
                let seen = |status: &Status| vision.sees(status.colour(palette));
                let far = distance(seen(one), seen(other));
                assert!(far >= FAR, "{vision:?}: {one:?} and {other:?}: {far:.1}");
            }
        }
    }
}

/// Covers the first five statuses, without colour blindness.
#[test]
fn status_colours_differ_for_normal_vision_in_every_theme() {
    for theme in Theme::ALL {
        for (index, one) in Status::ALL[..5].iter().enumerate() {
            for other in &Status::ALL[index + 1..5] {
                let colour = |status: &Status| status.colour(theme.palette());
                let far = distance(colour(one), colour(other));
                assert!(far >= 2.0 * FAR, "{theme:?}: {one:?} and {other:?}: {far:.1}");
            }
        }
    }
}
