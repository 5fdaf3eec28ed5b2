//! Two runs from their creation on one clock, with the ends of their steps joined, and the gap over time.

use bevy_egui::egui::{Rangef, Rect, Sense, Shape, Stroke, Ui, WidgetInfo, WidgetType, pos2, vec2};

use super::rows::paint_letter;
use super::times::Times;
use super::view::CompareView;
use crate::app::panel::glyph::Sign;
use crate::app::panel::inspector::axis::TimeAxis;
use crate::app::panel::inspector::part::{Side, paint_cell, paint_dashed};
use crate::app::panel::inspector::words::bar_tones;
use crate::app::panel::style::{self, ink, text};
use crate::app::panel::widgets;
use crate::app::state::clock::millis_between;
use crate::app::state::run_view::verdicts;
use crate::app::words::{clock_words, duration_words, number_words};
use crate::bounded::bounded;
use crate::model::{Remaining, Run, RunStatus};
use crate::timeline::{BETWEEN, Bar, Lap, RunBars, usual_to_come};

/// Height of the strip, in points.
const HEIGHT: f32 = 236.0;

/// Height of a lane's bars, in points.
const LANE: f32 = 34.0;

/// Returns the gap in words: "A 6.9 s ahead after fix 2".
pub(super) fn gap_words(times: &Times) -> String {
    match times.gap_ms {
        None => "no step is over in both runs yet".to_owned(),
        Some(gap) if gap.unsigned_abs() < 50 => format!("level after {}", times.until),
        Some(gap) => {
            let way = if gap < 0 { "ahead" } else { "behind" };
            format!("A {} {way} after {}", duration_words(gap.unsigned_abs()), times.until)
        }
    }
}

/// Shows the strip.
pub(super) fn strip_ui(ui: &mut Ui, view: &CompareView, times: &Times, names: &[String; 2]) {
    let palette = style::palette(ui.ctx());
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::hover());
    let labels = bounded(width * 0.14, 124.0, 174.0);
    let a = RunBars::of(view.a, view.server_now);
    let b = view.b.map(|b| RunBars::of(b, view.server_now));
    let left = match view.run_store.model.remaining(view.a, view.server_now) {
        Remaining::Left { millis, .. } => millis,
        Remaining::Unknown | Remaining::AnyMoment | Remaining::Late { .. } => 0,
    };
    // The usual run waits in no queue, and neither does A beside it.
    let begun = match &b {
        Some(_) => a.span.from,
        None => a.started_at.unwrap_or(a.span.from),
    };
    let own_ms = millis_between(begun, a.span.to);
    let likely_ms = own_ms.saturating_add(left);
    let b_ms = match (&b, times.race.other_took_ms) {
        (Some(b), _) => b.span.millis(),
        (None, usual) => usual.unwrap_or(0),
    };
    // The end of a lane has its words at the right.
    let x =
        Rangef::new(rect.left() + labels, (rect.right() - 96.0).max(rect.left() + labels + 60.0));
    let most = bounded((x.span() / 90.0) as u64, 2, 12);
    let shown_ms = likely_ms.max(b_ms);
    let axis = TimeAxis::new(begun, x, shown_ms, most);
    axis.paint(ui, rect.top() + 10.0, Rangef::new(rect.top() + 22.0, rect.bottom() - 4.0));
    let lanes = [rect.top() + 66.0, rect.top() + 132.0];
    for ((letter, y), name) in ["A", "B"].into_iter().zip(lanes).zip(names) {
        paint_letter(ui, pos2(rect.left() + 11.0, y), letter);
        let side = Side::From(rect.left() + 30.0);
        let font = style::semibold(15.0);
        paint_cell(ui, side, (y, labels - 38.0), name, font, palette.text);
    }
    joins(ui, times, &axis, (lanes[0] + LANE / 2.0 + 1.0, lanes[1] - LANE / 2.0 - 1.0));
    lane(ui, view.a, &a, &axis, (lanes[0], true));
    to_come(ui, view, &a, &axis, lanes[0]);
    end_words(ui, view.a, (own_ms, likely_ms), &axis, lanes[0]);
    match (view.b, &b) {
        (Some(run), Some(bars)) => {
            let own = TimeAxis { from: bars.span.from, ..axis };
            lane(ui, run, bars, &own, (lanes[1], false));
            end_words(ui, run, (bars.span.millis(), bars.span.millis()), &axis, lanes[1]);
        }
        _ => usual_lane(ui, times, &axis, lanes[1]),
    }
    gap(ui, times, &axis, (rect, rect.bottom() - 40.0));
    if view.a.status == RunStatus::Running {
        let now = axis.x(own_ms);
        let line = Stroke::new(2.5, ink(palette.text));
        ui.painter().vline(now, Rangef::new(rect.top() + 22.0, rect.bottom() - 6.0), line);
    }
    let said = format!("A {}, B {}: {}", names[0], names[1], gap_words(times));
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &said));
}

/// Paints the bars of a run; A has its verdicts above, B below.
fn lane(ui: &Ui, run: &Run, bars: &RunBars, axis: &TimeAxis, (y, is_a): (f32, bool)) {
    let palette = style::palette(ui.ctx());
    if let Some(queued) = bars.queued {
        let (from, to) = (axis.at(queued.from), axis.at(queued.to));
        if to > from {
            let rect = Rect::from_min_max(pos2(from, y - 3.0), pos2(to, y + 3.0));
            ui.painter().rect_filled(rect, 0.0, ink(palette.pending_outline));
        }
    }
    let verdicts = verdicts(run);
    let scores = run.node("VALIDATE").map_or(&[][..], |node| node.history());
    for bar in &bars.bars {
        let is_fix = bar.node == "FIX";
        let from = axis.at(bar.span.from);
        let to = (axis.at(bar.span.to) - 1.5).max(from + 2.0);
        let half = LANE / 2.0 + if is_fix { 4.0 } else { 0.0 };
        let rect = Rect::from_min_max(pos2(from, y - half), pos2(to, y + half));
        paint_bar(ui, bar, rect, !is_a);
        let attempt = scores.get(bar.attempt).filter(|_| bar.node == "VALIDATE" && !bar.is_open);
        let total = attempt.and_then(|attempt| crate::model::total_score(&attempt.scores));
        if let Some(total) = total {
            let passed = verdicts.get(bar.attempt).and_then(|verdict| verdict.passed);
            let at = if is_a { y - half - 11.0 } else { y + half + 12.0 };
            paint_verdict(ui, passed, total, pos2(rect.right(), at));
        }
    }
}

fn paint_bar(ui: &Ui, bar: &Bar, rect: Rect, is_b: bool) {
    let palette = style::palette(ui.ctx());
    let Some((fill, tone)) = bar_tones(bar, palette, is_b) else {
        return paint_dashed(ui, rect);
    };
    ui.painter().rect_filled(rect, 3.0, ink(fill));
    let long = if bar.node == "FIX" { format!("FIX {}", bar.fix) } else { bar.node.to_string() };
    let short = if bar.node == "FIX" { bar.fix.to_string() } else { String::new() };
    for words in [long, short] {
        let galley = widgets::elided(ui, &words, style::semibold(15.0), tone, 300.0);
        if !words.is_empty() && galley.size().x + 8.0 <= rect.width() {
            widgets::paint_line(ui, rect.left() + 6.0, rect.center().y, galley);
            return;
        }
    }
}

fn paint_verdict(ui: &Ui, passed: Option<bool>, total: f64, at: bevy_egui::egui::Pos2) {
    let palette = style::palette(ui.ctx());
    let (sign, tone) = match passed {
        Some(true) => (Sign::SUCCESS, palette.success),
        Some(false) => (Sign::FAILED, palette.failed_text),
        None => (Sign::PENDING, palette.text),
    };
    sign.paint(ui.painter(), at - vec2(7.0, 0.0), 6.5);
    let font = style::semibold(15.0);
    paint_cell(ui, Side::To(at.x - 18.0), (at.y, 60.0), &number_words(total), font, tone);
}

/// Paints what a run is still likely to go through.
fn to_come(ui: &Ui, view: &CompareView, bars: &RunBars, axis: &TimeAxis, y: f32) {
    let stats = view.run_store.model.stats();
    let mut from = axis.at(bars.span.to) + 2.0;
    for usual in usual_to_come(view.a, bars, stats, view.server_now) {
        let begin = axis.at(usual.span.from).max(from);
        let end = axis.at(usual.span.to);
        if begin > from + 3.0 {
            let rect =
                Rect::from_min_max(pos2(from, y - LANE / 2.0), pos2(begin - 2.0, y + LANE / 2.0));
            paint_dashed(ui, rect);
        }
        if end > begin + 3.0 {
            let rect = Rect::from_min_max(pos2(begin, y - LANE / 2.0), pos2(end, y + LANE / 2.0));
            paint_dashed(ui, rect);
        }
        from = end + 2.0;
    }
}

/// Paints when and how a run ended, or will.
fn end_words(ui: &Ui, run: &Run, (own_ms, likely_ms): (u64, u64), axis: &TimeAxis, y: f32) {
    let palette = style::palette(ui.ctx());
    let (end, words, tone) = match run.status {
        RunStatus::Failed => (own_ms, "failed", palette.failed_text),
        RunStatus::Cancelled => (own_ms, "cancelled", palette.cancelled),
        RunStatus::Completed => (own_ms, "took", palette.text_secondary),
        RunStatus::Running if likely_ms > own_ms => (likely_ms, "likely", palette.text_secondary),
        RunStatus::Running | RunStatus::Pending => (own_ms, "so far", palette.text_secondary),
    };
    let mut x = axis.x(end) + 10.0;
    if run.status.is_over() {
        Sign::from(run.status).paint(ui.painter(), pos2(x + 6.0, y), 8.0);
        x += 20.0;
    }
    let words = format!("{} {words}", clock_words(end));
    paint_cell(ui, Side::From(x), (y, 130.0), &words, style::body(15.0), tone);
}

/// Paints the usual run, whose steps follow each other.
fn usual_lane(ui: &Ui, times: &Times, axis: &TimeAxis, y: f32) {
    let palette = style::palette(ui.ctx());
    for column in &times.race.columns {
        if let (Lap::Took(ms), Some(to)) = (column.other, column.ends_ms.1) {
            let (from, to) = (axis.x(to.saturating_sub(ms)), axis.x(to));
            let to = (to - 1.5).max(from + 2.0);
            paint_dashed(
                ui,
                Rect::from_min_max(pos2(from, y - LANE / 2.0), pos2(to, y + LANE / 2.0)),
            );
        }
    }
    let words = match times.race.other_took_ms {
        Some(ms) => format!("{} usual", clock_words(ms + 500)),
        None => "usual times are not all known".to_owned(),
    };
    let x = times.race.other_took_ms.map_or(axis.left, |ms| axis.x(ms) + 10.0);
    paint_cell(ui, Side::From(x), (y, 230.0), &words, style::body(15.0), palette.text_secondary);
}

/// Joins the ends of the same step in both lanes.
fn joins(ui: &Ui, times: &Times, axis: &TimeAxis, (top, bottom): (f32, f32)) {
    let palette = style::palette(ui.ctx());
    let stroke = Stroke::new(1.5, ink(palette.text).gamma_multiply(0.5));
    for column in times.race.columns.iter().filter(|column| column.name != BETWEEN) {
        if column.difference_ms.is_none() {
            continue;
        }
        if let (Some(a), Some(b)) = column.ends_ms {
            let from = axis.x(a.saturating_add(times.queued_ms[0]));
            let to = axis.x(b.saturating_add(times.queued_ms[1]));
            ui.painter().line_segment([pos2(from, top), pos2(to, bottom)], stroke);
        }
    }
}

/// Paints the gap over time: A behind above the line, ahead below it.
fn gap(ui: &Ui, times: &Times, axis: &TimeAxis, (rect, y): (Rect, f32)) {
    let palette = style::palette(ui.ctx());
    let side = Side::From(rect.left());
    let room = axis.left - rect.left() - 8.0;
    paint_cell(ui, side, (y - 16.0, room), "gap", style::semibold(15.0), palette.text);
    let small = || style::body(text::SMALL);
    paint_cell(ui, side, (y + 3.0, room), "A behind above,", small(), palette.text_secondary);
    paint_cell(ui, side, (y + 21.0, room), "ahead below", small(), palette.text_secondary);
    let line = Stroke::new(1.5, ink(palette.line_strong));
    ui.painter().hline(Rangef::new(axis.left, axis.right), y, line);
    let wait = times.gap_ms.unwrap_or(0).saturating_sub(times.race.gap_ms.unwrap_or(0));
    let points: Vec<(u64, i64)> = times
        .race
        .curve
        .iter()
        .map(|(at, gap)| (at.saturating_add(times.queued_ms[0]), gap.saturating_add(wait)))
        .collect();
    let most = points.iter().map(|(_, gap)| gap.unsigned_abs()).max().unwrap_or(0).max(1_000);
    let place = |(at, gap): (u64, i64)| {
        let part = bounded(gap as f64 / most as f64, -1.0, 1.0) as f32;
        pos2(axis.x(at), y - part * 24.0)
    };
    let begin = pos2(axis.left, y);
    let path: Vec<_> =
        std::iter::once(begin).chain(points.iter().map(|point| place(*point))).collect();
    let is_ahead = times.gap_ms.is_some_and(|gap| gap < 0);
    let tone = if is_ahead { palette.success } else { palette.text };
    let Some(end) = path.last().copied().filter(|_| times.gap_ms.is_some()) else {
        let side = Side::From(axis.left + 8.0);
        let room = axis.right - axis.left - 8.0;
        let words = gap_words(times);
        paint_cell(ui, side, (y - 14.0, room), &words, style::body(15.0), palette.text_secondary);
        return;
    };
    ui.painter().add(Shape::line(path, Stroke::new(2.5, ink(tone))));
    ui.painter().circle_filled(end, 4.5, ink(tone));
    let words = gap_words(times);
    let galley =
        widgets::elided(ui, &words, style::semibold(15.0), palette.text, rect.width() * 0.5);
    let fits = end.x + 10.0 + galley.size().x <= rect.right();
    let x = if fits { end.x + 10.0 } else { end.x - 10.0 - galley.size().x };
    let at = bounded(end.y, y - 14.0, y + 16.0);
    widgets::paint_line(ui, x.max(axis.left), at, galley);
}
