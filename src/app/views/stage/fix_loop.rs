//! The FIX loop: one lane per pass, from VALIDATE through FIX back to COMPOSE, with the verdicts
//! inside.

use bevy::color::{Alpha, Color};
use bevy::math::Vec2;

use super::stage_layout::{FIX_GROWS, StageLayout};
use crate::app::draw::glyphs::badge;
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, measure};
use crate::app::state::run_view::{FixView, StageView, Verdict};
use crate::app::state::status::DisplayStatus;
use crate::app::theme::size;
use crate::app::words::{clock_words, duration_words, number_words};
use crate::bounded::bounded;
use crate::layout::FixLoop;
use crate::model::NodeStatus;
use crate::protocol::MAX_FIX_PASSES;

const ROW_PITCH: f32 = 34.0;
const CROWDED_ROW_PITCH: f32 = 29.0;

/// State of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    Ghost,
    /// The pass is under way in FIX or COMPOSE.
    Live,
    /// The pass awaits VALIDATE's verdict.
    Waiting,
    Passed,
    Refused,
}

/// Draws the loop, as a ghost while it is unused.
pub fn draw(part: &mut Part, view: &StageView, layout: &StageLayout) {
    let Some(at) = layout.rack.fix_loop else {
        return;
    };
    let fix = &view.fix;
    let shown = bounded(fix.passes as usize, 1, at.radii.len());
    // Unlinked, lanes would end at modules of another row.
    let lanes = if at.linked { shown } else { 0 };
    for pass in (0..lanes).rev() {
        draw_lane(part, &at, pass, lane_of(view, pass));
    }
    if fix.passes > 0 {
        draw_verdicts(part, fix, &at);
    }
    draw_module(part, view, &at);
}

fn lane_of(view: &StageView, pass: usize) -> Lane {
    let fix = &view.fix;
    if pass as u32 >= fix.passes {
        return Lane::Ghost;
    }
    match fix.verdicts.get(pass + 1).and_then(|verdict| verdict.passed) {
        Some(true) => Lane::Passed,
        Some(false) => Lane::Refused,
        None if pass as u32 + 1 < fix.passes => Lane::Refused,
        // The run is over without a verdict on this pass.
        None if view.status.is_over() && fix.status == NodeStatus::Failed => Lane::Refused,
        None if view.status.is_over() => Lane::Ghost,
        None => {
            let compose_runs =
                view.modules.iter().any(|module| module.name == "COMPOSE" && module.has_focus());
            if fix.status == NodeStatus::Running || compose_runs {
                Lane::Live
            } else {
                Lane::Waiting
            }
        }
    }
}

fn draw_lane(part: &mut Part, at: &FixLoop, pass: usize, lane: Lane) {
    let palette = part.palette;
    let radius = at.radius(pass);
    let centre = Vec2::new(at.centre_x, at.arc_y);
    let path = |width: f32| Shape::lane(centre, radius, at.top, width);
    let arrow = match lane {
        Lane::Ghost => {
            part.shape(Layer::Rack, path(12.0).fill(palette.lane));
            part.shape(Layer::Rack, path(3.5).fill(palette.lane_idle).dash(2.0, 9.0));
            palette.lane_idle
        }
        Lane::Live => {
            part.shape(
                Layer::Rack,
                path(13.0).fill(palette.running_jacket).glow(
                    6.0,
                    18.0,
                    palette.running.with_alpha(0.4),
                ),
            );
            part.shape(
                Layer::Rack,
                path(6.0).fill(palette.running.with_alpha(0.55)).beads(6.6, palette.bead),
            );
            palette.running
        }
        Lane::Waiting => {
            part.shape(Layer::Rack, path(13.0).fill(palette.running_jacket));
            part.shape(Layer::Rack, path(6.0).fill(palette.running));
            palette.running
        }
        Lane::Passed => {
            part.shape(
                Layer::Rack,
                path(13.0).fill(palette.success_deep).glow(
                    4.0,
                    18.0,
                    palette.success.with_alpha(0.4),
                ),
            );
            part.shape(Layer::Rack, path(6.0).fill(palette.success));
            palette.success
        }
        Lane::Refused => {
            part.shape(Layer::Rack, path(13.0).fill(palette.failed_deep).keep_colour());
            part.shape(Layer::Rack, path(6.0).fill(palette.failed).dash(11.0, 7.0).keep_colour());
            palette.failed
        }
    };
    let tip = Vec2::new(at.centre_x - radius, at.top + 4.0);
    part.shape(Layer::Rack, Shape::arrowhead(tip, 0.0, 20.0, 24.0).fill(arrow));
}

/// Draws the verdicts: "first 0.74 ✗", "after fix 1 0.88 ✓".
fn draw_verdicts(part: &mut Part, fix: &FixView, at: &FixLoop) {
    let palette = part.palette;
    let k = at.scale;
    let left = at.centre_x - at.radii[0] + 18.0 * k;
    let right = at.centre_x + at.radii[0] - 18.0 * k;
    let pitch = if fix.verdicts.len() > 3 { CROWDED_ROW_PITCH } else { ROW_PITCH } * k;
    let rows = (fix.verdicts.len() as f32 - 1.0) * pitch;
    // Stays below the cable from COMPOSE to VALIDATE.
    let first_y = ((at.top + at.module.y) / 2.0 - rows / 2.0 + 6.0 * k).max(at.top + 42.0);
    for (row, verdict) in fix.verdicts.iter().enumerate().take(4) {
        let y = first_y + row as f32 * pitch;
        let label = if row == 0 { "first".to_owned() } else { format!("after fix {row}") };
        let glyph = match verdict.passed {
            Some(true) => DisplayStatus::Success,
            Some(false) => DisplayStatus::Failed,
            None => DisplayStatus::Running,
        };
        let centre = Vec2::new(right - 12.0 * k, y - 8.0 * k);
        badge(part, Layer::Face, glyph, centre, 12.0 * k, "verdict");
        let score = score_words(verdict);
        let score_x = right - 30.0 * k;
        let label_size = size::ESSENTIAL_MIN * k;
        let label_room = score_x - measure(Face::Text600, 26.0 * k, 0.0, &score) - left - 8.0 * k;
        // A score of many digits takes the place of its label.
        if measure(Face::Text500, label_size, 0.0, &label) <= label_room {
            part.text(
                Layer::Face,
                Text::new(("verdict", row), label, left, y, Face::Text500, label_size)
                    .colour(palette.text_secondary),
            );
        }
        part.text(
            Layer::Face,
            Text::new(("score", row), score, score_x, y, Face::Text600, 26.0 * k)
                .end()
                .colour(palette.text),
        );
    }
}

fn score_words(verdict: &Verdict) -> String {
    verdict.score.map_or_else(String::new, number_words)
}

fn draw_module(part: &mut Part, view: &StageView, at: &FixLoop) {
    let palette = part.palette;
    let fix = &view.fix;
    let failed = fix.status == NodeStatus::Failed;
    let running = fix.status == NodeStatus::Running;
    let k = at.scale;
    let rect = if running {
        let (wider, taller) = (FIX_GROWS * k, 12.0 * k);
        Rect::new(
            at.module.x - wider,
            at.module.y - taller,
            at.module.w + 2.0 * wider,
            at.module.h + taller + 4.0 * k,
        )
    } else {
        at.module
    };
    let used = fix.passes > 0;
    part.shape(
        Layer::Module,
        Shape::rounded_box(rect.translated(0.0, 8.0))
            .radius(12.0)
            .fill(palette.shadow)
            .opacity(0.5)
            .soft(10.0),
    );
    let body = Shape::rounded_box(rect).radius(12.0);
    let (body, ink): (Shape, Color) = if failed {
        (body.fill(palette.failed).keep_colour(), palette.failed_ink)
    } else if running {
        let body = body
            .fill_vertical(palette.running_panel_top, palette.running_panel_bottom)
            .border(3.0, palette.running)
            .glow(9.0, 8.0, palette.running.with_alpha(0.26));
        (body, palette.text)
    } else if used {
        let body = body
            .fill_vertical(palette.panel_top, palette.panel_bottom)
            .border(1.5, palette.fix_edge);
        (body, palette.text)
    } else {
        (body.fill(palette.card).border(2.0, palette.pending_outline), palette.text)
    };
    part.shape(Layer::Module, body);
    let left = rect.x + 22.0 * k;
    if running {
        draw_running(part, fix, rect, left, k);
        return;
    }
    if !used && !failed {
        draw_unused(part, view, rect, k);
        return;
    }
    let baseline = rect.y + 49.0 * k;
    part.text(
        Layer::Face,
        Text::new("fix name", "FIX", left, baseline, Face::Text600, 30.0 * k).colour(ink),
    );
    let words =
        if failed { "failed".to_owned() } else { format!("{} of {MAX_FIX_PASSES}", fix.passes) };
    let right = rect.x + rect.w - 22.0 * k;
    part.text(
        Layer::Face,
        Text::new("fix passes", words, right, baseline, Face::Text600, 30.0 * k).end().colour(ink),
    );
}

/// Draws FIX before its first pass, or in a run that did without.
fn draw_unused(part: &mut Part, view: &StageView, rect: Rect, k: f32) {
    let palette = part.palette;
    let words = if view.status.is_over() {
        "not used".to_owned()
    } else {
        format!("if needed, up to {MAX_FIX_PASSES}")
    };
    let (x, y) = (rect.centre_x(), rect.y);
    part.text(
        Layer::Face,
        Text::new("fix name", "FIX", x, y + 35.0 * k, Face::Text600, 28.0 * k)
            .middle()
            .colour(palette.text),
    );
    part.text(
        Layer::Face,
        Text::new("fix passes", words, x, y + 63.0 * k, Face::Text500, size::ESSENTIAL_MIN * k)
            .middle()
            .colour(palette.text_secondary),
    );
}

/// Draws FIX while it runs: the number of the pass and its time so far.
fn draw_running(part: &mut Part, fix: &FixView, rect: Rect, left: f32, k: f32) {
    let palette = part.palette;
    let middle = rect.y + rect.h / 2.0;
    let name = format!("FIX {} of {MAX_FIX_PASSES}", fix.passes);
    part.text(
        Layer::Face,
        Text::new("fix name", name, left, middle - 2.0 * k, Face::Text600, 30.0 * k)
            .colour(palette.text),
    );
    let baseline = fix.baseline.map_or_else(
        || "no usual yet".to_owned(),
        |baseline| format!("usual {}", duration_words(baseline.p50_ms)),
    );
    part.text(
        Layer::Face,
        Text::new("fix usual", baseline, left, middle + 28.0 * k, Face::Text500, 22.0 * k)
            .colour(palette.text_secondary),
    );
    let right = rect.x + rect.w - 20.0 * k;
    let time = clock_words(fix.duration_ms.unwrap_or(0));
    let room = right - left - 165.0 * k;
    let width = measure(Face::Display700, 46.0 * k, 0.0, &time);
    let time_size = 46.0 * k * (room / width.max(1.0)).min(1.0);
    part.text(
        Layer::Face,
        Text::new("fix passes", time, right, middle + 17.0 * k, Face::Display700, time_size)
            .end()
            .colour(palette.text),
    );
    let centre = Vec2::new(rect.x + rect.w / 2.0, rect.y);
    part.shape(
        Layer::Face,
        Shape::disc(centre, 19.0).fill(palette.running_deep).border(3.0, palette.running),
    );
    part.shape(Layer::Face, Shape::levels(centre, Vec2::new(8.0, 8.0)).fill(palette.running));
}
