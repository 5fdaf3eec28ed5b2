//! Signal chain on a tile: the rack in small.

use std::borrow::Cow;

use bevy::color::{Alpha, Color};
use bevy::math::Vec2;

use super::tile_view::{Look, TileView};
use crate::app::draw::glyphs::badge;
use crate::app::draw::{Layer, Part, Rect, Shape};
use crate::app::state::folding::fold;
use crate::app::state::hints::{HintArea, Meaning};
use crate::app::state::run_view::ModuleView;
use crate::app::state::status::{DisplayStatus, Progress};
use crate::bounded::bounded;
use crate::model::NodeStatus;

const LAYER: Layer = Layer::Face;
const BEAD_SPEED: f32 = 40.0;
/// Distance from the middle of a node up to which it is pointed at, at scale 1.
const NODE_REACH: f32 = 24.0;
/// Least distance between nodes.
const LEAST_PITCH: f32 = 20.0;
const DIAL_START_DEG: f32 = -150.0;
const DIAL_END_DEG: f32 = 150.0;

/// Place and scale of a chain.
#[derive(Clone, Copy, Debug)]
pub struct ChainLayout {
    /// Centre of the first node; `right` is that of the last.
    pub left: f32,
    pub right: f32,
    pub y: f32,
    /// Scale; 1 on the reference tile (348.8 × 240).
    pub scale: f32,
    /// Distance of FIX below the chain.
    pub drop: f32,
    /// Distance of the FIX loop from its nodes, as a fraction of the pitch; leaves room for texts below
    /// them.
    pub loop_inset: f32,
    pub clock_secs: f64,
    /// True when nothing moves.
    pub frozen: bool,
    /// Colour below the chain, which fills hollow shapes.
    pub ground: Color,
}

impl ChainLayout {
    pub fn pitch(&self, nodes: usize) -> f32 {
        (self.right - self.left) / nodes.saturating_sub(1).max(1) as f32
    }

    pub fn node(&self, index: usize, nodes: usize) -> Vec2 {
        Vec2::new(self.left + self.pitch(nodes) * index as f32, self.y)
    }

    /// Scale for this number of nodes: [`ChainLayout::scale`], smaller where nodes are close.
    fn scale_for(&self, nodes: usize) -> f32 {
        self.scale.min(self.pitch(nodes) / 39.0).max(0.3)
    }
}

/// Number of nodes that stand at least `pitch` apart on a chain of this length.
pub fn most_nodes(length: f32, pitch: f32) -> usize {
    (length / pitch).max(0.0) as usize + 1
}

/// Returns the tile with at most `most` nodes; the least important others are folded.
pub fn fold_to(view: &TileView, most: usize) -> Cow<'_, TileView> {
    let failed = view.failure.as_ref().and_then(|failure| failure.module);
    match fold(&view.chain, failed, |focus, _| focus.len() <= most) {
        Some(fold) => Cow::Owned(TileView { chain: fold.modules, ..view.clone() }),
        None => Cow::Borrowed(view),
    }
}

/// Draws the pipeline of a run, with the FIX loop once it is used. Returns where its steps stand.
pub fn draw(part: &mut Part, view: &TileView, at: &ChainLayout) -> HintArea {
    let view = &*fold_to(view, most_nodes(at.right - at.left, LEAST_PITCH));
    let count = view.chain.len();
    let k = at.scale_for(count);
    for index in 1..count {
        draw_link(part, view, index, at, k);
    }
    if view.fix.passes > 0 {
        draw_loop(part, view, at, k);
    }
    for (index, module) in view.chain.iter().enumerate() {
        draw_node(part, view, module, at.node(index, count), at, k);
    }
    let (pitch, height) = (at.pitch(count), 2.0 * NODE_REACH * k);
    let rect = Rect::new(at.left - pitch / 2.0, at.y - height / 2.0, pitch * count as f32, height);
    let steps = view.chain.iter().map(|module| module.name.as_str().into()).collect();
    HintArea { rect, meaning: Meaning::Steps { run: view.id.clone(), steps } }
}

pub fn progress(module: &ModuleView) -> Progress {
    DisplayStatus::from(module.status).progress()
}

pub fn passed_over(module: &ModuleView) -> bool {
    progress(module) == Progress::PassedOver && !module.stopped
}

fn draw_link(part: &mut Part, view: &TileView, index: usize, at: &ChainLayout, k: f32) {
    let palette = part.palette;
    let count = view.chain.len();
    let (from, to) = (at.node(index - 1, count), at.node(index, count));
    let (before, module) = (&view.chain[index - 1], &view.chain[index]);
    let line = |width: f32, ink: Color| Shape::capsule(from, to, width * k).fill(ink);
    let in_pass = view.fix.live && module.name == "COMPOSE";
    let link = match progress(module) {
        _ if module.stopped => line(5.0, palette.success_line),
        Progress::AtWork if !in_pass && !passed_over(before) => {
            let lit = line(5.0, palette.running);
            if at.frozen {
                lit
            } else {
                lit.beads_at(7.0 * k, palette.bead, BEAD_SPEED * k, 40.0 * k, 0.5 * k)
            }
        }
        Progress::PassedOver => line(3.0, palette.line).dash(3.0 * k, 6.0 * k),
        Progress::Ahead if view.look == Look::Cancelled => {
            line(3.0, palette.line).dash(3.0 * k, 6.0 * k)
        }
        Progress::Ahead => line(3.0, palette.line),
        _ if passed_over(before) => line(3.0, palette.line).dash(3.0 * k, 6.0 * k),
        _ => line(5.0, palette.success_line),
    };
    part.shape(LAYER, link);
}

fn draw_loop(part: &mut Part, view: &TileView, at: &ChainLayout, k: f32) {
    let palette = part.palette;
    let position = |name: &str| view.chain.iter().position(|module| module.name == name);
    let (Some(compose), Some(validate)) = (position("COMPOSE"), position("VALIDATE")) else {
        return;
    };
    let count = view.chain.len();
    let (to, from) = (at.node(compose, count), at.node(validate, count));
    let below = |x: f32, y: f32| Vec2::new(x, at.y + y);
    // The loop stays clear of the texts below the nodes, if these are far apart.
    let pitch = at.pitch(count);
    let inset = ((pitch - 44.0 * k) * 0.3).max(pitch * at.loop_inset);
    let (right, left) = (from.x - inset, to.x + inset);
    let begin = if inset > 10.0 * k { 2.0 * k } else { 10.0 * k };
    // A cubic reaches three quarters of the way to its control points.
    let reach = begin + (at.drop - begin) / 0.75;
    let path = |width: f32| {
        let points =
            [below(right, begin), below(right, reach), below(left, reach), below(left, begin)];
        Shape::cubic(points, width * k)
    };
    let fix = Vec2::new((from.x + to.x) / 2.0, at.y + at.drop);
    let fix = fix.with_x(bounded(fix.x, to.x.min(from.x), to.x.max(from.x)));
    let last = view.fix.verdicts.last().and_then(|verdict| verdict.passed);
    let refused = view.fix.status == NodeStatus::Failed
        || (!view.fix.live && last == Some(false))
        || (view.failure.is_some() && last != Some(true));
    // A failure is drawn quietly once the song has finished in a later run.
    let is_recovered = view.look == Look::Recovered;
    let failed_ink = if is_recovered { palette.text_tertiary } else { palette.failed };
    if view.fix.live && view.look != Look::Cancelled {
        let live = path(3.5).fill(palette.running);
        let live = if at.frozen {
            live
        } else {
            live.beads_at(7.0 * k, palette.bead, BEAD_SPEED * k, 40.0 * k, 0.5 * k)
        };
        part.shape(LAYER, live);
    } else if refused {
        let path = path(3.5).fill(failed_ink).dash(7.0 * k, 5.0 * k);
        part.shape(LAYER, path.keep_colour());
    } else {
        part.shape(LAYER, path(3.5).fill(palette.success));
    }
    if view.fix.status == NodeStatus::Running && view.look != Look::Cancelled {
        part.shape(LAYER, Shape::disc(fix, 16.0 * k).fill(at.ground));
        badge(part, LAYER, DisplayStatus::Running, fix, 13.0 * k, "fix");
    } else if refused {
        part.shape(LAYER, Shape::disc(fix, 9.0 * k).fill(failed_ink).keep_colour());
    } else {
        let ink = if view.fix.live { palette.running } else { palette.success };
        part.shape(LAYER, Shape::disc(fix, 9.0 * k).fill(ink));
    }
}

fn draw_node(
    part: &mut Part,
    view: &TileView,
    module: &ModuleView,
    centre: Vec2,
    at: &ChainLayout,
    k: f32,
) {
    let palette = part.palette;
    let hollow = |part: &mut Part, radius: f32, ink: Color, dash: Option<(f32, f32)>| {
        part.shape(LAYER, Shape::disc(centre, radius * k).fill(at.ground));
        let ring = Shape::ring(centre, radius * k, 2.5 * k).fill(ink);
        let ring = match dash {
            Some((dash, gap)) => ring.dash(dash * k, gap * k),
            None => ring,
        };
        part.shape(LAYER, ring);
    };
    match module.status {
        _ if module.folded.is_some() => {
            let ink = match progress(module) {
                Progress::AtWork => palette.running,
                Progress::Over => palette.success,
                Progress::Ahead | Progress::PassedOver => palette.tile_dot,
            };
            part.shape(LAYER, Shape::disc(centre, 12.0 * k).fill(at.ground));
            for dot in [-1.0, 0.0, 1.0] {
                let centre = centre + Vec2::new(7.0 * k * dot, 0.0);
                part.shape(LAYER, Shape::disc(centre, 2.6 * k).fill(ink));
            }
        }
        _ if module.stopped => {
            let bed = Rect::centred(centre, 38.0 * k, 38.0 * k);
            part.shape(LAYER, Shape::rounded_box(bed).radius(6.0 * k).fill(at.ground));
            badge(part, LAYER, DisplayStatus::Cancelled, centre, 13.5 * k, &module.name);
        }
        NodeStatus::Running => draw_running(part, module, centre, at, k),
        // A failure is drawn quietly once the song has finished in a later run.
        NodeStatus::Failed if view.look == Look::Recovered => {
            hollow(part, 12.0, palette.text_secondary, None);
            let cross = Shape::cross(centre, 4.2 * k, 2.4 * k);
            part.shape(LAYER, cross.fill(palette.text_secondary));
        }
        NodeStatus::Failed => {
            part.shape(LAYER, Shape::disc(centre, 21.0 * k).fill(at.ground));
            badge(part, LAYER, DisplayStatus::Failed, centre, 16.0 * k, &module.name);
        }
        NodeStatus::Success if module.refused && !view.fix.live => {
            part.shape(LAYER, Shape::disc(centre, 15.0 * k).fill(at.ground));
            badge(part, LAYER, DisplayStatus::Failed, centre, 11.0 * k, &module.name);
        }
        NodeStatus::Success => {
            part.shape(LAYER, Shape::disc(centre, 9.0 * k).fill(palette.success));
        }
        NodeStatus::Unknown => hollow(part, 8.0, palette.tile_dot_skipped, Some((0.5, 5.0))),
        _ if passed_over(module) => {
            hollow(part, 8.0, palette.tile_dot_skipped, Some((3.0, 4.0)));
        }
        _ => hollow(part, 8.0, palette.tile_dot, None),
    }
}

fn draw_running(part: &mut Part, module: &ModuleView, centre: Vec2, at: &ChainLayout, k: f32) {
    let palette = part.palette;
    let ink = palette.running;
    if !at.frozen {
        part.shape(
            LAYER,
            Shape::pool(centre, 44.0 * k, ink.with_alpha(0.17), ink.with_alpha(0.05)),
        );
    }
    part.shape(LAYER, Shape::disc(centre, 21.0 * k).fill(palette.tile_ring_bed));
    let arc = |width: f32| Shape::arc(centre, 18.0 * k, width * k, DIAL_START_DEG, DIAL_END_DEG);
    part.shape(LAYER, arc(5.0).fill(palette.tile_ring_track));
    if let (Some(baseline), Some(millis)) = (module.baseline, module.duration_ms) {
        let full_ms = baseline.p95_ms.max(1) as f32;
        let covered = bounded(millis as f32 / full_ms, 0.0, 1.0);
        let per_sec = if at.frozen { 0.0 } else { 1000.0 / full_ms };
        part.shape(LAYER, arc(5.5).fill(ink).growing(at.clock_secs, covered, per_sec));
    }
    part.shape(LAYER, Shape::levels(centre, Vec2::new(8.0, 7.5) * k).fill(ink));
}

/// Glyph of a run's look.
pub fn glyph(look: Look) -> DisplayStatus {
    match look {
        Look::Queued => DisplayStatus::Pending,
        Look::Running => DisplayStatus::Running,
        Look::Silent => DisplayStatus::Silent,
        Look::Failed | Look::FailedBefore => DisplayStatus::Failed,
        Look::Cancelled => DisplayStatus::Cancelled,
        Look::Finished | Look::Recovered => DisplayStatus::Success,
    }
}
