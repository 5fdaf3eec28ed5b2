//! Patch cables between the modules.

use bevy::color::{Alpha, Color};
use bevy::math::Vec2;

use super::stage_layout::StageLayout;
use crate::app::draw::{Layer, Part, Rect, Shape};
use crate::app::state::run_view::StageView;
use crate::app::state::status::{DisplayStatus, Progress};
use crate::app::theme::Palette;
use crate::layout::ModuleBox;
use crate::model::{NodeStatus, RunStatus};

const SAG: f32 = 58.0;
/// Distance that leads extend beyond the screen's edge, because the picture drifts against burn-in.
const BLEED: f32 = 32.0;

/// State of a cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CableState {
    Idle,
    Live,
    Done,
    /// The step before it was skipped or is unknown.
    Dotted,
}

impl CableState {
    fn into_module(status: NodeStatus) -> Self {
        match DisplayStatus::from(status).progress() {
            Progress::AtWork => Self::Live,
            Progress::Over => Self::Done,
            Progress::PassedOver => Self::Dotted,
            Progress::Ahead => Self::Idle,
        }
    }

    fn plug(self, palette: &Palette) -> Color {
        match self {
            Self::Idle | Self::Dotted => palette.cable_core_idle,
            Self::Live => palette.running,
            Self::Done => palette.success,
        }
    }
}

/// Draws all cables of the rack, the leads in and out, and the unplugged lead of a failure.
pub fn draw(part: &mut Part, view: &StageView, layout: &StageLayout) {
    let modules = &layout.rack.modules;
    let failed = view.failure.as_ref().and_then(|failure| failure.module);
    let signal_into = |index: usize| {
        let module = &view.modules[index];
        if module.stopped {
            return CableState::Done;
        }
        // During a fix pass COMPOSE gets its signal from the loop.
        if view.fix.live && module.name == "COMPOSE" {
            return CableState::Done;
        }
        let passed_over = index > 0
            && matches!(
                DisplayStatus::from(view.modules[index - 1].status).progress(),
                Progress::PassedOver | Progress::Ahead
            );
        match CableState::into_module(module.status) {
            CableState::Done if passed_over => CableState::Dotted,
            signal => signal,
        }
    };
    let count = view.modules.len().min(modules.len());
    for index in 0..count {
        let signal = signal_into(index);
        let ((in_x, in_y), _) = modules[index].jacks();
        let to = Vec2::new(in_x, in_y);
        let starts_row = index == 0 || modules[index - 1].row != modules[index].row;
        if starts_row {
            let edge = Vec2::new(-BLEED, in_y + 26.0);
            let path = [
                edge,
                edge + Vec2::new(50.0 + BLEED, 40.0),
                Vec2::new(in_x - 6.0, in_y + 60.0),
                to,
            ];
            cable(part, Layer::Cable, path, signal);
            plug(part, Layer::Cable, to, signal.plug(part.palette), signal);
        } else if failed != Some(index - 1) {
            let (_, (out_x, out_y)) = modules[index - 1].jacks();
            let from = Vec2::new(out_x, out_y);
            // The failure block covers the cables, except for the cable into the failed module.
            let layer = if failed == Some(index) { Layer::OverlayFace } else { Layer::Cable };
            cable(part, layer, Shape::cable_points(from, to, SAG), signal);
            plug(part, layer, from, signal.plug(part.palette), signal);
            plug(part, layer, to, signal.plug(part.palette), signal);
        }
        let ends_row = index + 1 == count || modules[index + 1].row != modules[index].row;
        if failed == Some(index) {
            unplugged(part, &modules[index]);
        } else if ends_row {
            let last = index + 1 == count;
            let signal = if last {
                match view.status {
                    RunStatus::Completed => CableState::into_module(view.modules[index].status),
                    _ => CableState::Idle,
                }
            } else {
                signal_into(index + 1)
            };
            let (_, (out_x, out_y)) = modules[index].jacks();
            let from = Vec2::new(out_x, out_y);
            let edge = Vec2::new(layout.canvas_size.width + BLEED, out_y + 26.0);
            let path = [
                from,
                Vec2::new(out_x + 4.0, out_y + 60.0),
                edge - Vec2::new(50.0 + BLEED, -44.0),
                edge,
            ];
            cable(part, Layer::Cable, path, signal);
            plug(part, Layer::Cable, from, signal.plug(part.palette), signal);
        }
    }
}

/// Draws the cables of a finished run on their way into one line at `y`; `t` is the part of the way.
pub(super) fn draw_straightening(part: &mut Part, layout: &StageLayout, y: f32, t: f32) {
    let modules = &layout.rack.modules;
    let end = layout.canvas_size.width + BLEED;
    let starts = modules.iter().map(|module| module.jacks().1);
    let mut from = Vec2::new(-BLEED, modules.first().map_or(y, |module| module.jacks().0.1 + 26.0));
    let ends = modules.iter().map(|module| module.jacks().0);
    let last = modules.last().map_or(y, |module| module.jacks().1.1 + 26.0);
    let ink = part.palette.success;
    for ((x, into), start) in ends.chain([(end, last)]).zip(starts.map(Some).chain([None])) {
        let to = Vec2::new(x, into);
        let path = Shape::cable_points(from, to, SAG * (1.0 - t));
        let straight = path.map(|point| Vec2::new(point.x, point.y + (y - point.y) * t));
        part.shape(Layer::Cable, Shape::cubic(straight, 4.6).fill(ink).opacity(1.0 - 0.5 * t));
        if let Some((x, y)) = start {
            from = Vec2::new(x, y);
        }
    }
}

fn cable(part: &mut Part, layer: Layer, points: [Vec2; 4], signal: CableState) {
    let palette = part.palette;
    let shadow = points.map(|point| point + Vec2::new(0.0, 4.0));
    let jacket = match signal {
        CableState::Idle | CableState::Dotted => 9.0,
        CableState::Live => 12.0,
        CableState::Done => 11.0,
    };
    part.shape(layer, Shape::cubic(shadow, jacket + 4.0).fill(palette.shadow).opacity(0.45));
    let body = Shape::cubic(points, jacket);
    match signal {
        CableState::Idle => {
            part.shape(layer, body.fill(palette.cable_idle));
            part.shape(layer, Shape::cubic(points, 2.0).fill(palette.cable_core_idle));
        }
        CableState::Dotted => {
            part.shape(layer, body.fill(palette.cable_idle));
            part.shape(
                layer,
                Shape::cubic(points, 3.0).fill(palette.skipped_hatch).dash(2.0, 10.0),
            );
        }
        CableState::Done => {
            part.shape(layer, body.fill(palette.success_jacket));
            part.shape(layer, Shape::cubic(points, 4.6).fill(palette.success));
        }
        CableState::Live => {
            part.shape(
                layer,
                body.fill(palette.running_jacket).glow(9.0, 20.0, palette.running.with_alpha(0.5)),
            );
            part.shape(
                layer,
                Shape::cubic(points, 4.3)
                    .fill(palette.running.with_alpha(0.55))
                    .beads(6.6, palette.bead),
            );
        }
    }
}

fn plug(part: &mut Part, layer: Layer, at: Vec2, ink: Color, signal: CableState) {
    let palette = part.palette;
    let body = if signal == CableState::Idle { palette.plug_idle } else { palette.plug };
    part.shape(layer, Shape::disc(at, 11.0).fill(body).border(3.5, ink));
    part.shape(layer, Shape::disc(at, 3.6).fill(ink));
}

/// Draws the lead out of a failed module, hanging with its plug in the air.
fn unplugged(part: &mut Part, module: &ModuleBox) {
    let palette = part.palette;
    let (_, (x, y)) = module.jacks();
    let from = Vec2::new(x, y);
    let end = from + Vec2::new(26.0, 26.0);
    let path = [from, from + Vec2::new(0.0, 44.0), end - Vec2::new(0.0, 4.0), end];
    let layer = Layer::OverlayFace;
    part.shape(layer, Shape::cubic(path, 10.0).fill(palette.cable_idle));
    part.shape(layer, Shape::cubic(path, 2.0).fill(palette.cable_core_idle));
    plug(part, layer, from, palette.cable_core_idle, CableState::Idle);
    let body = Rect::new(end.x - 8.0, end.y - 6.0, 16.0, 30.0);
    part.shape(layer, Shape::rounded_box(body).radius(4.0).fill(palette.cable_core_idle));
    let tip = Rect::new(end.x - 3.5, end.y + 22.0, 7.0, 16.0);
    part.shape(layer, Shape::rounded_box(tip).radius(3.0).fill(palette.plug_tip));
}
