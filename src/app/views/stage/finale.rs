//! The finale of a song that finished on the stage: its take, its steps, and what came of it.

use bevy::color::{Alpha, Color};
use bevy::math::Vec2;

use super::finale_moment::Moment;
use super::finale_take;
use super::header;
use super::lower::leds;
use super::stage_layout::StageLayout;
use crate::app::draw::glyphs::{badge, diamond};
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, measure, truncate};
use crate::app::state::finale::{FinaleView, Made, StepTime};
use crate::app::state::run_view::StageView;
use crate::app::state::status::DisplayStatus;
use crate::app::theme::size;
use crate::app::words::{clock_words, duration_words, number_words};
use crate::bounded::bounded;
use crate::layout::FinaleLayout;

/// Least distance from one step to the next.
const STEP_GAP: f32 = 18.0;
/// Least scale of the steps' type, below which steps are counted instead.
const LEAST_STEP_SCALE: f32 = 0.92;
const STEP_SIZES: [f32; 3] = [24.0, 28.0, 22.0];
/// Indent of a step's name, behind its glyph.
const STEP_INDENT: f32 = 30.0;
/// Width at which a step's name is cut off.
const WIDEST_STEP_NAME: f32 = 240.0;
/// Baselines in a block, from its upper edge.
const HEADING: f32 = 28.0;
const FIRST_ROW: f32 = 68.0;
const ROW: f32 = 26.0;
/// Least type size of the sentence beside the time.
const LEAST_SENTENCE: f32 = 20.0;
/// Greatest width of a block on a tall screen.
const WIDEST_BLOCK: f32 = 900.0;
/// Width of a score's meter.
const METER: f32 = 228.0;

/// Draws the finale. What gives way to it is drawn before, by the stage.
pub(super) fn draw(
    part: &mut Part,
    stage: &StageView,
    view: &FinaleView,
    moment: &Moment,
    (at, layout): (&FinaleLayout, &StageLayout),
) {
    let palette = part.palette;
    let centre = Vec2::new((at.left + at.right) / 2.0, at.line - 12.0);
    let radii = Vec2::new((at.right - at.left) * 0.61, at.up * 2.57);
    let light = |alpha: f32| palette.success.with_alpha(alpha * palette.pool * moment.straight);
    part.shape(Layer::Pool, Shape::pool_ellipse(centre, radii, light(0.2), light(0.06)));
    draw_header(part, stage, view, moment, layout);
    finale_take::draw(part, &view.take, moment, at);
    finale_take::draw_line(part, moment, at);
    if moment.take >= 1.0 {
        finale_take::draw_sections(part, &view.take, at);
    }
    let steps = part.mark();
    draw_rules(part, at);
    draw_steps(part, &view.steps, at);
    part.dim(steps, moment.straight);
    let foot = part.mark();
    finale_take::draw_usual(part, view, at);
    let [made, took, scored] = at.blocks;
    if at.beside {
        for block in [took, scored] {
            let gap = (took.x - made.right()) / 2.0;
            let line = Rect::new(block.x - gap, block.y, 1.5, block.h);
            part.shape(Layer::Rack, Shape::rounded_box(line).fill(palette.hair));
        }
    }
    draw_made(part, view, made, at);
    draw_took(part, view, took, at);
    draw_scored(part, view, scored, at);
    part.dim(foot, moment.foot);
}

fn draw_header(
    part: &mut Part,
    stage: &StageView,
    view: &FinaleView,
    moment: &Moment,
    layout: &StageLayout,
) {
    // Without the time in the queue, which stands below.
    let time = duration_words(view.took_ms);
    let took = format!("took {time}");
    let (number, notes) = match view.score {
        Some(score) if moment.is_scored => {
            (number_words(score * f64::from(moment.score)), ["score", took.as_str()])
        }
        _ => (time, [stage.time_word, ""]),
    };
    header::draw_title(part, (&stage.title, false), (&number, notes), layout);
    let words = (stage.status, stage.status_word, view.detail.as_str());
    let (left, right, baseline) = header::draw_status(part, words, &[], &view.usual_score, layout);
    if let Some(next) = &view.next {
        draw_next(part, next, moment.next, (left, right, baseline), layout.unit);
    }
}

/// Draws the name of the next run between the ends of the status line, where it has room.
fn draw_next(
    part: &mut Part,
    next: &str,
    bright: bool,
    (left, right, baseline): (f32, f32, f32),
    unit: f32,
) {
    let palette = part.palette;
    let text_size = 24.0 * unit;
    let lead = "next on stage: ";
    let lead_width = measure(Face::Text500, text_size, 0.0, lead);
    let (pad, height) = (52.0 * unit, 44.0 * unit);
    let room = right - left - 80.0 * unit - pad - 22.0 * unit - lead_width;
    if room < 160.0 * unit {
        return;
    }
    let next = truncate(Face::Text600, text_size, next, room).into_owned();
    let width = pad + lead_width + measure(Face::Text600, text_size, 0.0, &next) + 22.0 * unit;
    let x = right - 40.0 * unit - width;
    let pill = Rect::new(x, baseline - 34.0 * unit, width, height);
    let (fill, edge, ink) = if bright {
        (palette.running_deep, palette.running, palette.text)
    } else {
        (Color::NONE, palette.line_strong, palette.text_secondary)
    };
    part.shape(
        Layer::Module,
        Shape::rounded_box(pill).radius(height / 2.0).fill(fill).border(1.5, edge),
    );
    let glyph = Vec2::new(x + 24.0 * unit, pill.centre_y());
    badge(part, Layer::Face, DisplayStatus::Idle, glyph, 11.0 * unit, "next");
    part.text(
        Layer::Face,
        Text::new("next", lead, x + pad, baseline - 3.5 * unit, Face::Text500, text_size)
            .colour(ink)
            .then(0.0, next)
            .face(Face::Text600),
    );
}

fn draw_rules(part: &mut Part, at: &FinaleLayout) {
    for y in at.rules {
        let rule = Rect::new(at.left, y, at.right - at.left, 1.5);
        part.shape(Layer::Rack, Shape::rounded_box(rule).fill(part.palette.hair));
    }
}

/// Natural width of a step's column at a type scale.
fn step_width(step: &StepTime, scale: f32) -> f32 {
    let [name, time, usual] = STEP_SIZES.map(|points| points * scale);
    let widths = [
        STEP_INDENT * scale
            + measure(Face::Text600, name, 0.0, &step.name).min(WIDEST_STEP_NAME * scale),
        measure(Face::Text600, time, 0.0, &step.time),
        measure(Face::Text500, usual, 0.0, &step.usual),
    ];
    widths.into_iter().fold(0.0, f32::max)
}

/// Draws the steps with their times, in one row or two; steps without room are counted.
fn draw_steps(part: &mut Part, steps: &[StepTime], at: &FinaleLayout) {
    let rows = at.step_rows.len().max(1);
    let per_row = steps.len().div_ceil(rows).max(1);
    let width = at.right - at.left;
    for (row, (steps, top)) in steps.chunks(per_row).zip(&at.step_rows).enumerate() {
        let natural = |scale: f32, steps: &[StepTime]| {
            let widths: f32 = steps.iter().map(|step| step_width(step, scale)).sum();
            widths + STEP_GAP * scale * steps.len().saturating_sub(1) as f32
        };
        let full = at.unit;
        let scale = (full * width / natural(full, steps).max(1.0)).min(full);
        let scale = scale.max(full * LEAST_STEP_SCALE);
        // Leaves room for the count.
        let count_room = 110.0 * scale;
        let mut shown = steps.len();
        while shown > 0
            && natural(scale, &steps[..shown]) + if shown < steps.len() { count_room } else { 0.0 }
                > width
        {
            shown -= 1;
        }
        let more = steps.len() - shown;
        let used = natural(scale, &steps[..shown]);
        let spare = (width - used - if more > 0 { count_room } else { 0.0 }).max(0.0);
        // Two rows share their columns' gaps with the ends, so that the last is not far away.
        let gaps = if more > 0 || shown < 2 { shown.max(1) } else { shown - 1 };
        let gap = STEP_GAP * scale + (spare / gaps as f32).min(90.0 * scale);
        let mut x = at.left;
        for (index, step) in steps[..shown].iter().enumerate() {
            draw_step(part, step, (row, index), (x, *top), scale);
            x += step_width(step, scale) + gap;
        }
        if more > 0 {
            let y = top + 60.0 * scale;
            part.text(
                Layer::Face,
                Text::new(
                    ("more steps", row),
                    format!("+{more} more"),
                    x,
                    y,
                    Face::Text600,
                    24.0 * scale,
                )
                .colour(part.palette.text_secondary),
            );
        }
    }
}

fn draw_step(
    part: &mut Part,
    step: &StepTime,
    key: (usize, usize),
    (x, top): (f32, f32),
    scale: f32,
) {
    let palette = part.palette;
    let [name, time, usual] = STEP_SIZES.map(|points| points * scale);
    let glyph = Vec2::new(x + 11.0 * scale, top + 16.0 * scale);
    badge(part, Layer::Face, step.status, glyph, 11.0 * scale, &format!("step time {key:?}"));
    let strong =
        if step.status == DisplayStatus::Success { palette.text } else { palette.text_secondary };
    let name_room = WIDEST_STEP_NAME * scale + 0.5;
    let words = truncate(Face::Text600, name, &step.name, name_room).into_owned();
    let line =
        |key: (&'static str, (usize, usize)), words: String, x: f32, y: f32, face, points| {
            Text::new(key, words, x, top + y * scale, face, points)
        };
    let name_x = x + STEP_INDENT * scale;
    part.text(
        Layer::Face,
        line(("step name", key), words, name_x, 24.0, Face::Text600, name).colour(strong),
    );
    part.text(
        Layer::Face,
        line(("step time", key), step.time.clone(), x, 60.0, Face::Text600, time)
            .colour(palette.text),
    );
    let below = if step.time.is_empty() { 60.0 } else { 90.0 };
    part.text(
        Layer::Face,
        line(("step usual", key), step.usual.clone(), x, below, Face::Text500, usual)
            .colour(palette.text_secondary),
    );
}

fn draw_heading(part: &mut Part, words: &'static str, block: Rect, at: &FinaleLayout) {
    let y = block.y + HEADING * at.unit;
    part.text(
        Layer::Face,
        Text::new(("block", words), words, block.x, y, Face::Text600, 28.0 * at.unit)
            .colour(part.palette.text),
    );
}

/// Baseline of a row of a block.
fn row_baseline(block: Rect, row: usize, at: &FinaleLayout) -> f32 {
    block.y + FIRST_ROW * at.unit + row as f32 * at.row_pitch
}

fn draw_made(part: &mut Part, view: &FinaleView, block: Rect, at: &FinaleLayout) {
    let palette = part.palette;
    let (heading, rows, is_list) = match &view.made {
        Made::Artifacts(rows) => ("what was made", rows, true),
        Made::Way(rows) => ("how it went", rows, false),
    };
    draw_heading(part, heading, block, at);
    let unit = at.unit;
    let text_size = ROW * unit;
    let indent = if is_list { 32.0 * unit } else { 0.0 };
    let right = block.right().min(block.x + WIDEST_BLOCK * unit);
    for (row, (name, value)) in rows.iter().enumerate() {
        let y = row_baseline(block, row, at);
        if is_list && !value.is_empty() {
            let page = Rect::new(block.x + 2.0, y - 18.0 * unit, 17.0 * unit, 19.0 * unit);
            part.shape(
                Layer::Face,
                Shape::rounded_box(page)
                    .radii([2.0, 7.0 * unit, 2.0, 2.0])
                    .fill(Color::NONE)
                    .border(2.0, palette.violet_text),
            );
        }
        let value_width = measure(Face::Text500, text_size, 0.0, value);
        let room = right - block.x - indent - value_width - 20.0;
        let name = truncate(Face::Text500, text_size, name, room).into_owned();
        part.text(
            Layer::Face,
            Text::new(("made", row), name, block.x + indent, y, Face::Text500, text_size)
                .colour(palette.text),
        );
        let value =
            truncate(Face::Text500, text_size, value, right - block.x - indent).into_owned();
        part.text(
            Layer::Face,
            Text::new(("made by", row), value, right, y, Face::Text500, text_size)
                .end()
                .colour(palette.text_secondary),
        );
    }
}

/// Type size at which both lines of a sentence fit a room.
fn sentence_size(lines: &[String; 2], room: f32, unit: f32) -> f32 {
    let wanted = ROW * unit;
    let widest =
        lines.iter().map(|line| measure(Face::Text600, wanted, 0.0, line)).fold(1.0, f32::max);
    bounded((wanted * room / widest).floor(), LEAST_SENTENCE * unit, wanted)
}

fn draw_took(part: &mut Part, view: &FinaleView, block: Rect, at: &FinaleLayout) {
    let palette = part.palette;
    let unit = at.unit;
    draw_heading(part, "how long it took", block, at);
    let block = Rect { w: block.w.min(WIDEST_BLOCK * unit), ..block };
    let words = duration_words(view.took_ms);
    let (big, y) = (64.0 * unit, block.y + 94.0 * unit);
    let big_width = measure(Face::Display700, big, -0.016, &words);
    part.text(
        Layer::Face,
        Text::new("took", words, block.x, y, Face::Display700, big)
            .tracking(-0.016)
            .colour(palette.text),
    );
    let x = block.x + big_width + 24.0 * unit;
    let text_size = sentence_size(&view.comparison, block.right() - x, unit);
    let [total, reason] = &view.comparison;
    let separator = if reason.is_empty() { "" } else { ":" };
    let total = format!("{total}{separator}");
    for (row, (words, face, ink)) in [
        (total, Face::Text600, palette.text),
        (reason.clone(), Face::Text500, palette.text_secondary),
    ]
    .into_iter()
    .enumerate()
    {
        let words = truncate(face, text_size, &words, block.right() - x).into_owned();
        let y = row_baseline(block, 0, at) + row as f32 * 32.0 * unit;
        part.text(
            Layer::Face,
            Text::new(("longer", row), words, x, y, face, text_size).colour(ink),
        );
    }
    draw_bar(part, view, block, at);
}

/// Draws the run's time as a bar, with the usual time and the slow limit.
fn draw_bar(part: &mut Part, view: &FinaleView, block: Rect, at: &FinaleLayout) {
    let palette = part.palette;
    let unit = at.unit;
    let longest = view.took_ms.max(view.slowest_ms.unwrap_or(0)).max(view.usual_ms.unwrap_or(0));
    let end_ms = longest.saturating_add(longest / 4).max(1);
    let x_of = |millis: u64| block.x + block.w * (millis as f64 / end_ms as f64) as f32;
    let top = block.y + 126.0 * unit + (at.row_pitch - 33.0 * unit) * 2.0;
    let height = 14.0 * unit;
    let bar = |w: f32| Shape::rounded_box(Rect::new(block.x, top, w, height)).radius(height / 2.0);
    part.shape(Layer::Module, bar(block.w).fill(palette.led_off.with_alpha(1.0)));
    let took = (x_of(view.took_ms) - block.x).max(height);
    part.shape(Layer::Module, bar(took).fill(palette.success).unsnapped());
    let (Some(usual_ms), Some(slowest_ms)) = (view.usual_ms, view.slowest_ms) else { return };
    let text_size = size::ESSENTIAL_MIN * unit;
    let y = top + 44.0 * unit;
    let usual_x = x_of(usual_ms);
    let tick = Rect::new(usual_x - 1.5, top - 8.0 * unit, 3.0, 30.0 * unit);
    part.shape(Layer::Face, Shape::rounded_box(tick).fill(palette.text).unsnapped());
    let usual = format!("usual {}", clock_words(usual_ms + 500));
    let usual_width = measure(Face::Text600, text_size, 0.0, &usual);
    let usual_right = (usual_x + 8.0 * unit).max(block.x + usual_width);
    part.text(
        Layer::Face,
        Text::new("took usual", usual, usual_right, y, Face::Text600, text_size)
            .end()
            .colour(palette.text),
    );
    let middle = Vec2::new(x_of(slowest_ms), top + height / 2.0);
    for half in diamond(middle, Vec2::splat(9.0 * unit)) {
        part.shape(Layer::Face, half.fill(palette.violet_text));
    }
    let slowest = format!("slowest 5 %: {}", clock_words(slowest_ms + 500));
    let slowest_width = measure(Face::Text600, text_size, 0.0, &slowest);
    let right = block.right();
    if right - slowest_width > usual_right + 14.0 * unit {
        part.text(
            Layer::Face,
            Text::new("took slowest", slowest, right, y, Face::Text600, text_size)
                .end()
                .colour(palette.violet_text),
        );
    }
}

fn draw_scored(part: &mut Part, view: &FinaleView, block: Rect, at: &FinaleLayout) {
    let palette = part.palette;
    let unit = at.unit;
    draw_heading(part, "how it scored", block, at);
    let block = Rect { w: block.w.min(WIDEST_BLOCK * unit), ..block };
    part.text(
        Layer::Face,
        Text::new(
            "rank",
            view.rank.clone(),
            block.right(),
            block.y + HEADING * unit,
            Face::Text500,
            24.0 * unit,
        )
        .end()
        .colour(palette.text_secondary),
    );
    let text_size = ROW * unit;
    if view.scores.is_empty() {
        let words = if view.score.is_some() {
            "only a total was reported"
        } else {
            "no scores were reported"
        };
        part.text(
            Layer::Face,
            Text::new(
                "no scores",
                words,
                block.x,
                row_baseline(block, 0, at),
                Face::Text500,
                text_size,
            )
            .colour(palette.text_secondary),
        );
        return;
    }
    let right = block.right();
    let value_width = view
        .scores
        .iter()
        .map(|(_, value)| measure(Face::Text600, text_size, 0.0, &number_words(*value)))
        .fold(66.0 * unit, f32::max);
    let meter_right = right - value_width - 24.0 * unit;
    let name_width = view
        .scores
        .iter()
        .map(|(name, _)| measure(Face::Text500, text_size, 0.0, name))
        .fold(0.0, f32::max);
    let room = meter_right - block.x;
    let meter_width = (room - name_width - 16.0 * unit).min(METER * unit);
    let with_meters = meter_width >= 90.0 * unit;
    let name_room = if with_meters { room - meter_width - 16.0 * unit } else { room };
    for (row, (name, value)) in view.scores.iter().enumerate() {
        let y = row_baseline(block, row, at);
        let name = truncate(Face::Text500, text_size, name, name_room).into_owned();
        part.text(
            Layer::Face,
            Text::new(("scored", row), name, block.x, y, Face::Text500, text_size)
                .colour(palette.text),
        );
        if with_meters {
            let meter = (meter_right - meter_width, meter_right);
            leds(part, meter, y - 19.0 * unit, 21.0 * unit, *value, palette.led_neutral);
        }
        part.text(
            Layer::Face,
            Text::new(
                ("scored value", row),
                number_words(*value),
                right,
                y,
                Face::Text600,
                text_size,
            )
            .end()
            .colour(palette.text),
        );
    }
}
