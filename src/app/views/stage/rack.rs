//! Modules of the rack: a node's name, its dial and its time.

use bevy::math::Vec2;

use super::module_parts::{draw_jacks, fitting_name};
use super::stage_layout::StageLayout;
use crate::app::draw::glyphs::badge;
use crate::app::draw::{
    Entrance, Face, Layer, Part, Rect, Shape, Text, Texture, measure, truncate,
};
use crate::app::state::run_view::{FixView, ModuleView, StageView, ordinal_words};
use crate::app::state::status::{DisplayStatus, Progress};
use crate::app::theme::{motion, size};
use crate::app::words::{clock_words, duration_words};
use crate::bounded::bounded;
use crate::layout::ModuleBox;
use crate::model::{Baseline, NodeStatus};
use crate::protocol::MAX_FIX_PASSES;

/// Ends of a dial's scale, in degrees clockwise from the top.
const DIAL_START_DEG: f32 = -150.0;
const DIAL_END_DEG: f32 = 150.0;
/// Intervals between the marks on the ring of a running module.
const RING_MARKS: usize = 30;
/// Least type size of the notes on a narrow module.
const LEAST_NOTE: f32 = 18.0;
/// Width of the outline of a settled failure.
const SETTLED_OUTLINE: f32 = 4.0;
/// Distance between the holes in a rail.
const HOLE_PITCH: f32 = 28.0;

/// Draws the rails above and below each row.
pub fn draw_rails(part: &mut Part, layout: &StageLayout) {
    let palette = part.palette;
    let width = layout.canvas_size.width;
    for top in &layout.rack.row_tops {
        for y in [top - 18.0, top + layout.rack.module_height + 6.0] {
            let rail = Rect::new(48.0, y, width - 96.0, 12.0);
            part.shape(Layer::Rack, Shape::rounded_box(rail).radius(3.0).fill(palette.rail));
            let edge = Rect::new(50.0, y, width - 100.0, 1.5);
            part.shape(Layer::Rack, Shape::rounded_box(edge).fill(palette.rail_edge));
            let mut x = 64.0;
            while x < width - 56.0 {
                let hole = Vec2::new(x, y + 6.5);
                part.shape(Layer::Rack, Shape::disc(hole, 2.4).fill(palette.hole));
                x += HOLE_PITCH;
            }
        }
    }
}

/// Draws all modules but a failed one, which [`draw_failure`] draws.
pub fn draw_modules(part: &mut Part, view: &StageView, layout: &StageLayout) {
    let failed = view.failure.as_ref().and_then(|failure| failure.module);
    for (index, (module, at)) in view.modules.iter().zip(&layout.rack.modules).enumerate() {
        if failed == Some(index) {
            continue;
        }
        if let Some(folded) = &module.folded {
            super::folded::draw(part, (module, folded), at, index, layout);
        } else if module.has_focus() {
            draw_running(part, module, at, index, &view.fix, layout);
        } else {
            draw_resting(part, module, at, index, layout);
        }
    }
}

/// Fraction of the dial that a duration covers; full scale is p95.
fn dial_part(millis: u64, baseline: Baseline) -> f32 {
    bounded(millis as f32 / baseline.p95_ms.max(1) as f32, 0.0, 1.0)
}

fn dial_deg(part: f32) -> f32 {
    DIAL_START_DEG + (DIAL_END_DEG - DIAL_START_DEG) * part
}

fn draw_resting(
    part: &mut Part,
    module: &ModuleView,
    at: &ModuleBox,
    index: usize,
    layout: &StageLayout,
) {
    let palette = part.palette;
    let rect = at.rect;
    let (tall, wide) = (rect.h / 296.0, at.scale);
    let small = tall.min(wide);
    let (cx, y) = (rect.x + rect.w / 2.0, |offset: f32| rect.y + offset * tall);
    let done = module.status == NodeStatus::Success;
    let body = Shape::rounded_box(rect).radius(12.0);
    let body = match module.status {
        _ if module.stopped => body
            .fill_vertical(palette.panel_top, palette.panel_bottom)
            .border(2.0, palette.cancelled)
            .texture(Texture::Bars { period: 10.0, width: 4.0 }, palette.cancelled_band),
        NodeStatus::Success => body
            .fill_vertical(palette.panel_done_top, palette.panel_done_bottom)
            .border(1.5, palette.line)
            .highlight(0.1),
        NodeStatus::Skipped => body
            .fill(palette.skipped_panel)
            .texture(
                Texture::Hatch { period: 10.0, width: 2.0 },
                bevy::color::Alpha::with_alpha(&palette.skipped_hatch, 0.14),
            )
            .border(2.0, palette.skipped_outline)
            .dash(9.0, 8.0),
        NodeStatus::Unknown => {
            body.fill(palette.skipped_panel).border(2.0, palette.skipped_outline).dash(2.0, 7.0)
        }
        _ => body.fill(palette.card).border(1.5, palette.line_strong),
    };
    part.shape(Layer::Module, body);

    // Names of steps to come are readable from across the room; names of skipped steps need not be.
    let pending = matches!(module.status, NodeStatus::Pending | NodeStatus::Running);
    let quiet = if pending { palette.text_secondary } else { palette.text_tertiary };
    let (name, name_size) = fitting_name(
        &module.name,
        Face::Text600,
        (size::MODULE_NAME * wide, size::ESSENTIAL_MIN),
        rect.w - 16.0 * wide,
    );
    part.text(
        Layer::Face,
        Text::new(("name", index), name, cx, y(46.0), Face::Text600, name_size)
            .middle()
            .tracking(0.014)
            .colour(if done || module.stopped { palette.text } else { quiet }),
    );

    let centre = Vec2::new(cx, y(124.0));
    let radius = 52.0 * small;
    let glyph = match module.status {
        _ if module.stopped => DisplayStatus::Cancelled,
        NodeStatus::Success if module.refused => DisplayStatus::Failed,
        NodeStatus::Running => DisplayStatus::Pending,
        status => DisplayStatus::from(status),
    };
    let on_dial = glyph.progress() != Progress::PassedOver;
    if on_dial {
        let track = if done { palette.knob_track } else { palette.knob_track_ghost };
        part.shape(
            Layer::Face,
            Shape::arc(centre, radius, 5.0, DIAL_START_DEG, DIAL_END_DEG).fill(track),
        );
        if let (true, Some(millis), Some(baseline)) = (done, module.duration_ms, module.baseline) {
            let end = dial_deg(dial_part(millis, baseline).max(0.01));
            part.shape(
                Layer::Face,
                Shape::arc(centre, radius, 5.0, DIAL_START_DEG, end)
                    .fill(part.palette.tone(glyph.tone())),
            );
        }
        if let Some(baseline) = module.baseline {
            let ink = if done { palette.text } else { quiet };
            let deg = dial_deg(dial_part(baseline.p50_ms, baseline));
            let tick = Shape::tick(centre, deg, radius * 0.94, radius * 1.17, 3.0);
            part.shape(Layer::Face, tick.fill(ink));
        }
    }
    if glyph == DisplayStatus::Pending {
        let ring = Shape::ring(centre, 35.4 * small, 2.5).fill(palette.pending_outline);
        part.shape(Layer::Face, ring);
    } else {
        let badge_radius = if on_dial { 35.4 * small } else { 36.0 * small };
        badge(part, Layer::Face, glyph, centre, badge_radius, &module.name);
    }

    let (value, below) = resting_words(module);
    let value_size = (size::MODULE_VALUE * wide).max(26.0);
    let has_value = !value.is_empty();
    part.text(
        Layer::Face,
        Text::new(("value", index), value, cx, y(221.0), Face::Text600, value_size)
            .middle()
            .colour(palette.text),
    );
    let (below_y, below_size) = if has_value {
        (y(250.0), size::BASELINE_NOTE * small.max(1.0))
    } else {
        (y(216.0), (size::BASELINE_GHOST * wide).max(size::ESSENTIAL_MIN))
    };
    let sizes = (below_size, LEAST_NOTE);
    let (below, below_size) = fitting_name(&below, Face::Text500, sizes, rect.w - 8.0);
    part.text(
        Layer::Face,
        Text::new(("below", index), below, cx, below_y, Face::Text500, below_size)
            .middle()
            .colour(palette.text_secondary),
    );
    if module.refused_before && glyph != DisplayStatus::Failed {
        // At the very corner: a long name such as VALIDATE comes close to it.
        let corner = Vec2::new(rect.x + rect.w - 14.0, rect.y + 14.0);
        badge(part, Layer::Face, DisplayStatus::Failed, corner, 12.0, "corner");
    }
    draw_jacks(part, at, if done { palette.success } else { palette.jack_rim }, layout);
}

/// Scale of type in a module of scale `k`. A moving module changes its type size in steps, because each
/// size needs glyphs of its own.
fn type_scale(k: f32, moving: bool) -> f32 {
    const STEPS: f32 = 8.0;
    if moving { (k * STEPS).floor() / STEPS } else { k }
}

/// Texts below a dial: the value, and the line below it.
fn resting_words(module: &ModuleView) -> (String, String) {
    let baseline =
        module.baseline.map(|baseline| format!("usual {}", duration_words(baseline.p50_ms)));
    match module.status {
        _ if module.stopped => {
            (module.duration_ms.map_or_else(String::new, duration_words), "stopped here".to_owned())
        }
        NodeStatus::Success => {
            let below = match module.attempts {
                _ if module.refused => "refused".to_owned(),
                0 | 1 => baseline.unwrap_or_default(),
                attempts => format!("{} attempt", ordinal_words(attempts)),
            };
            match module.duration_ms {
                Some(millis) => (duration_words(millis), below),
                None => (String::new(), "done, inferred".to_owned()),
            }
        }
        NodeStatus::Failed => {
            (module.duration_ms.map_or_else(String::new, duration_words), "failed".to_owned())
        }
        NodeStatus::Skipped => (String::new(), "not run".to_owned()),
        NodeStatus::Unknown => (String::new(), "not seen".to_owned()),
        NodeStatus::Pending if module.attempts > 0 => (String::new(), "to do again".to_owned()),
        NodeStatus::Pending | NodeStatus::Running => (String::new(), baseline.unwrap_or_default()),
    }
}

fn draw_running(
    part: &mut Part,
    module: &ModuleView,
    at: &ModuleBox,
    index: usize,
    fix: &FixView,
    layout: &StageLayout,
) {
    let palette = part.palette;
    let rect = at.rect;
    // A moving module is narrower than its final size, and so are its contents.
    let k = at.scale.min(rect.h / 352.0).min(rect.w / 338.0);
    let type_k = type_scale(k, layout.is_moving(index));
    let cx = rect.x + rect.w / 2.0;
    let y = |offset: f32| rect.y + rect.h * offset / 352.0;
    let shadow = Rect::new(rect.x, rect.y + 14.0, rect.w, rect.h);
    part.shape(
        Layer::Module,
        Shape::rounded_box(shadow).radius(18.0).fill(palette.shadow).opacity(0.7).soft(10.0),
    );
    part.shape(
        Layer::Module,
        Shape::rounded_box(rect)
            .radius(18.0)
            .fill_vertical(palette.running_panel_top, palette.running_panel_bottom)
            .border(3.0, palette.running)
            .glow(9.0, 8.0, bevy::color::Alpha::with_alpha(&palette.running, 0.26)),
    );
    let sizes = (size::MODULE_NAME_FOCUS * type_k, size::ESSENTIAL_MIN);
    let room = rect.w - 60.0 * k.max(0.4);
    let (name, name_size) = fitting_name(&module.name, Face::Display700, sizes, room);
    part.text(
        Layer::Face,
        Text::new(("name", index), name, cx, y(54.0), Face::Display700, name_size)
            .middle()
            .tracking(0.015)
            .colour(palette.text),
    );

    let centre = Vec2::new(cx, y(193.0));
    let radius = 116.0 * k;
    let elapsed_ms = module.duration_ms.unwrap_or(0);
    // Without a baseline the ring shows activity and no progress.
    let covered = module.baseline.map_or(0.0, |baseline| dial_part(elapsed_ms, baseline));
    for mark in 0..=RING_MARKS {
        let position = mark as f32 / RING_MARKS as f32;
        let major = mark % 5 == 0;
        let lit = module.baseline.is_some() && position <= covered;
        let shape = Shape::tick(
            centre,
            dial_deg(position),
            radius + 14.0 * k,
            radius + if major { 20.0 } else { 18.0 } * k,
            if major { 2.5 } else { 1.5 },
        );
        let ink = if lit { palette.running } else { palette.running_scale_off };
        part.shape(Layer::Face, shape.fill(ink));
    }
    let ring = |width: f32| Shape::arc(centre, radius, width, DIAL_START_DEG, DIAL_END_DEG);
    part.shape(Layer::Face, ring(18.0 * k).fill(palette.running_track_edge));
    part.shape(Layer::Face, ring(14.0 * k).fill(palette.running_track));
    if let Some(baseline) = module.baseline {
        let per_sec = 1000.0 / baseline.p95_ms.max(1) as f32;
        part.shape(
            Layer::Face,
            ring(14.0 * k)
                .fill(palette.running)
                .glow(4.0, 16.0 * k, bevy::color::Alpha::with_alpha(&palette.running, 0.55))
                .growing(layout.clock_secs, covered, if layout.frozen { 0.0 } else { per_sec }),
        );
        let deg = dial_deg(dial_part(baseline.p50_ms, baseline));
        let tick = Shape::tick(centre, deg, radius - 7.0 * k, radius + 24.0 * k, 5.0 * k);
        part.shape(Layer::Face, tick.fill(palette.text));
    }
    part.shape(
        Layer::Face,
        Shape::levels(Vec2::new(cx, y(127.0)), Vec2::new(16.0, 15.0) * k).fill(palette.running),
    );
    let time_size = if elapsed_ms >= 3_600_000 { size::RING_TIME * 0.72 } else { size::RING_TIME };
    part.text(
        Layer::Face,
        Text::new(
            ("value", index),
            clock_words(elapsed_ms),
            cx,
            y(211.0),
            Face::Display700,
            time_size * type_k,
        )
        .middle()
        .tracking(-0.014)
        .colour(palette.text),
    );
    let below = match module.baseline {
        Some(_) if module.is_slow() => "slow".to_owned(),
        Some(baseline) => format!("of usual {}", clock_words(baseline.p50_ms + 500)),
        None => "no usual yet".to_owned(),
    };
    let below_sizes = ((24.0 * type_k).max(20.0), LEAST_NOTE);
    let (below, below_size) = fitting_name(&below, Face::Text500, below_sizes, rect.w - 16.0);
    part.text(
        Layer::Face,
        Text::new(("below", index), below, cx, y(247.0), Face::Text500, below_size)
            .middle()
            .colour(palette.text_secondary),
    );
    let mut note = Vec::new();
    if let Some(baseline) = module.baseline.filter(|_| module.is_slow()) {
        note.push(format!("usual {}", clock_words(baseline.p50_ms + 500)));
    }
    if fix.live && matches!(module.name.as_str(), "COMPOSE" | "VALIDATE") {
        note.push(format!("fix {} of {MAX_FIX_PASSES}", fix.passes));
    } else if module.attempts > 1 {
        note.push(format!("{} attempt", ordinal_words(module.attempts)));
    }
    // Drops notes from the end until they fit between the jacks.
    let note_size = (26.0 * type_k).max(22.0);
    let room = rect.w - 118.0 * k;
    while note.len() > 1 && measure(Face::Text500, note_size, 0.0, &note.join(", ")) > room {
        note.pop();
    }
    let note = truncate(Face::Text500, note_size, &note.join(", "), room).into_owned();
    part.text(
        Layer::Face,
        Text::new(("note", index), note, cx, y(331.0), Face::Text500, note_size)
            .middle()
            .colour(palette.text_secondary),
    );
    if module.refused_before {
        let corner = Vec2::new(rect.x + rect.w - 26.0, rect.y + 26.0);
        badge(part, Layer::Face, DisplayStatus::Failed, corner, 13.0, "corner");
    }
    draw_jacks(part, at, palette.running, layout);
}

/// Draws the failure block: a bar, joined in one outline with the failed module, if any.
pub fn draw_failure(part: &mut Part, view: &StageView, layout: &StageLayout) {
    let palette = part.palette;
    let Some(failure) = &view.failure else {
        return;
    };
    let bar = Rect::new(56.0, layout.failure_top, layout.canvas_size.width - 112.0, 84.0);
    let module = failure
        .module
        .and_then(|index| Some((index, view.modules.get(index)?, layout.rack.modules.get(index)?)));
    // The bar cannot reach a module in the second row.
    let joined = module.filter(|(_, _, at)| at.row == 0);
    let block = match joined {
        Some((_, _, at)) => Shape::tab_box(bar, at.rect, 18.0, 22.0),
        None => Shape::rounded_box(bar).radius(18.0),
    };
    let shadow = match joined {
        Some((_, _, at)) => {
            let rect = at.rect;
            Shape::tab_box(bar.translated(0.0, 12.0), rect.translated(0.0, 12.0), 18.0, 22.0)
        }
        None => Shape::rounded_box(bar.translated(0.0, 12.0)).radius(18.0),
    };
    part.shape(
        Layer::Overlay,
        shadow.fill(palette.shadow).opacity(0.55).soft(10.0).fade_in(layout.failed_at, 0.4),
    );
    let block = if failure.settled {
        // A settled failure has been seen by now, and such a bright area would burn in.
        block.fill(palette.failed_tint).border(SETTLED_OUTLINE, palette.failed)
    } else {
        block
            .fill(palette.failed)
            .glow(9.0, 12.0, bevy::color::Alpha::with_alpha(&palette.failed, 0.42))
            .breathing(motion::BREATHE_LOW)
            .enter(Entrance::TabRise, layout.failed_at, motion::FAIL_FILL + motion::FAIL_BAND)
    };
    part.shape(Layer::Overlay, block.keep_colour());
    let text_at = layout.failed_at + f64::from(motion::FAIL_FILL);
    let octagon = Vec2::new(108.0, bar.y + 42.0);
    let (ink, paper) = if failure.settled {
        (palette.failed, palette.failed_tint)
    } else {
        (palette.failed_ink, palette.failed)
    };
    part.shape(
        Layer::OverlayFace,
        Shape::octagon(octagon, 26.0).fill(ink).fade_in(text_at, 0.2).keep_colour(),
    );
    part.shape(
        Layer::OverlayFace,
        Shape::cross(octagon, 9.9, 6.5).fill(paper).fade_in(text_at, 0.2).keep_colour(),
    );
    super::failure_text::draw(part, failure, bar);

    if let Some((index, module, at)) = module {
        // A module joined to an unsettled bar is filled by the bar's shape.
        let has_body = joined.is_some() && !failure.settled;
        draw_failed_module(part, module, at, index, !has_body, layout);
    }
}

fn draw_failed_module(
    part: &mut Part,
    module: &ModuleView,
    at: &ModuleBox,
    index: usize,
    alone: bool,
    layout: &StageLayout,
) {
    let palette = part.palette;
    let rect = at.rect;
    let k = (rect.w / 338.0).min(rect.h / 352.0);
    let type_k = type_scale(k, layout.is_moving(index));
    let cx = rect.x + rect.w / 2.0;
    let y = |offset: f32| rect.y + rect.h * offset / 352.0;
    if alone {
        part.shape(
            Layer::Overlay,
            Shape::rounded_box(rect).radius(18.0).fill(palette.failed).keep_colour(),
        );
    }
    let foot = Rect::new(rect.x, rect.y + rect.h - 52.0, rect.w, 52.0);
    part.shape(
        Layer::Overlay,
        Shape::rounded_box(foot)
            .radii([0.0, 0.0, 18.0, 18.0])
            .fill(bevy::color::Color::NONE)
            .texture(Texture::Hatch { period: 14.0, width: 6.0 }, palette.failed_hatch)
            .keep_colour(),
    );
    let ink = |key: &'static str, text: String, offset: f32, face: Face, text_size: f32| {
        Text::new((key, index), text, cx, y(offset), face, text_size)
            .middle()
            .colour(palette.failed_ink)
            .keep_colour()
    };
    let (name, name_size) =
        fitting_name(&module.name, Face::Display700, (40.0 * type_k, 26.0), rect.w - 40.0);
    let name = ink("name", name, 52.0, Face::Display700, name_size);
    part.text(Layer::OverlayFace, name.tracking(0.015));
    let centre = Vec2::new(cx, y(136.0));
    part.shape(
        Layer::OverlayFace,
        Shape::octagon(centre, 62.0 * k).fill(palette.failed_ink).keep_colour(),
    );
    part.shape(
        Layer::OverlayFace,
        Shape::cross(centre, 23.1 * k, 14.0 * k).fill(palette.failed).keep_colour(),
    );
    let after = module
        .duration_ms
        .map_or_else(|| "failed".to_owned(), |millis| format!("after {}", duration_words(millis)));
    part.text(Layer::OverlayFace, ink("value", after, 244.0, Face::Text700, 38.0 * type_k));
    if module.attempts > 1 {
        let attempt = format!("{} attempt", ordinal_words(module.attempts));
        part.text(Layer::OverlayFace, ink("below", attempt, 279.0, Face::Text600, 26.0 * type_k));
    }
    let (left, right) = at.jacks();
    for (x, jack_y) in [left, right] {
        part.shape(
            Layer::OverlayFace,
            Shape::disc(Vec2::new(x, jack_y), 15.0).fill(palette.failed_ink).keep_colour(),
        );
    }
}
