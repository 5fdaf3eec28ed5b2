//! The three panes: time in each step, scores and errors, seed and model parameters.

use bevy_egui::egui::{
    Label, Rangef, Rect, RichText, Sense, Shape, Stroke, Ui, WidgetInfo, WidgetType, pos2, vec2,
};

use super::rows::{
    ROW, column_heads, hidden_ui, paint_difference, paint_letter, pane_head_ui, row_ui, value_font,
};
use super::times::Times;
use super::values::{ParameterRow, ScoreRow, Scores};
use super::view::CompareView;
use crate::app::panel::glyph::Sign;
use crate::app::panel::inspector::part::{Side, copy_button_ui, paint_cell, quiet_ui};
use crate::app::panel::inspector::ticket_text;
use crate::app::panel::inspector::words::{score_change_words, time_change_words};
use crate::app::panel::style::{self, ink, text};
use crate::app::panel::widgets;
use crate::app::words::{clock_words, number_words, one_line, score_words, time_words};
use crate::bounded::bounded;
use crate::model::{Run, failure_words};

/// Shows time in each step.
pub(super) fn times_ui(ui: &mut Ui, times: &Times, only_differences: bool) {
    let palette = style::palette(ui.ctx());
    let sum = format!("{} of {} differ by 2 s or more", times.marked(), times.rows.len());
    pane_head_ui(ui, "Time in each step", &sum);
    let width = ui.available_width();
    let a_to = width * 0.40;
    let b_to = width * 0.55;
    let change_to = width * 0.72;
    let scale = Rangef::new(width * 0.75, width - 6.0);
    let middle = scale.center();
    let mut heads =
        vec![(Side::To(a_to), "A"), (Side::To(b_to), "B"), (Side::To(change_to), "difference")];
    if scale.span() > 150.0 {
        heads
            .extend([(Side::To(middle - 8.0), "A faster"), (Side::From(middle + 8.0), "A slower")]);
    }
    column_heads(ui, &heads);
    let most = times.rows.iter().filter_map(|row| row.difference_ms).map(i64::unsigned_abs).max();
    let most = most.unwrap_or(0).max(1_000);
    let mut hidden = 0;
    for (index, row) in times.rows.iter().enumerate() {
        if only_differences && !row.is_marked {
            hidden += 1;
            continue;
        }
        let change = row.difference_words();
        let label =
            format!("{}: A {}, B {}, {change} {}", row.name, row.both[0], row.both[1], row.note);
        let (rect, _) = row_ui(ui, row.is_marked, index % 2 == 1, label.trim());
        let (y, left) = (rect.center().y, rect.left());
        let font = || value_font(row.is_marked);
        let room = a_to - 62.0;
        paint_cell(ui, Side::From(left + 12.0), (y, room), &row.name, font(), palette.text);
        let tone = if row.is_at_work { palette.running } else { palette.text };
        let strong = style::semibold(15.5);
        paint_cell(ui, Side::To(left + a_to), (y, 56.0), &row.both[0], strong, tone);
        let side = Side::To(left + b_to);
        paint_cell(ui, side, (y, 66.0), &row.both[1], font(), palette.text_secondary);
        let tone = if row.is_marked { palette.text } else { palette.text_secondary };
        paint_cell(ui, Side::To(left + change_to), (y, 74.0), &change, font(), tone);
        let area =
            Rect::from_x_y_ranges(Rangef::new(left + scale.min, left + scale.max), rect.y_range());
        match row.difference_ms {
            Some(ms) => {
                let part = bounded(ms as f64 / most as f64, -1.0, 1.0) as f32;
                paint_difference(ui, area, part, palette.success, palette.text);
            }
            None => {
                let side = Side::From(area.left());
                paint_cell(ui, side, (y, area.width()), &row.note, style::body(15.0), tone);
            }
        }
    }
    hidden_ui(ui, hidden);
    total_ui(ui, times, [a_to, b_to, change_to, scale.min]);
}

/// Shows the sums up to the end of the last step that is over in both.
fn total_ui(ui: &mut Ui, times: &Times, [a_to, b_to, change_to, words_from]: [f32; 4]) {
    let palette = style::palette(ui.ctx());
    let Some(gap) = times.gap_ms else {
        quiet_ui(ui, "No step is over in both runs yet, so there is no gap.");
        return;
    };
    let name = format!("to the end of {}", times.until);
    let [a, b] = times.totals_ms.map(|ms| clock_words(ms.saturating_add(500)));
    let change = time_change_words(gap);
    let words = match gap {
        gap if gap.unsigned_abs() < 50 => "level",
        ..0 => "A faster",
        _ => "A slower",
    };
    let label = format!("{name}: A {a}, B {b}, {change}, {words}");
    let (rect, _) = row_ui(ui, false, false, &label);
    let stroke = Stroke::new(1.5, ink(palette.line_strong));
    ui.painter().hline(rect.x_range(), rect.top(), stroke);
    let (y, left) = (rect.center().y + 2.0, rect.left());
    let font = || style::semibold(15.5);
    let tone = if gap < -50 { palette.success } else { palette.text };
    paint_cell(ui, Side::From(left + 12.0), (y, a_to - 54.0), &name, font(), palette.text);
    paint_cell(ui, Side::To(left + a_to), (y, 56.0), &a, font(), palette.text);
    paint_cell(ui, Side::To(left + b_to), (y, 66.0), &b, font(), palette.text_secondary);
    paint_cell(ui, Side::To(left + change_to), (y, 74.0), &change, font(), tone);
    paint_cell(ui, Side::From(left + words_from), (y, 90.0), words, font(), tone);
}

/// Shows scores and errors.
pub(super) fn scores_ui(ui: &mut Ui, view: &CompareView, scores: &Scores, only_differences: bool) {
    let palette = style::palette(ui.ctx());
    let mark = scores.fixes[0].pass_mark;
    let sum = mark.map_or_else(String::new, |mark| format!("pass mark {}", number_words(mark)));
    let sum = match (scores.marked(), sum.is_empty()) {
        (marked, true) => format!("{marked} differ"),
        (marked, false) => format!("{marked} differ, {sum}"),
    };
    pane_head_ui(ui, "Scores", &sum);
    if scores.fixes.iter().all(|fixes| fixes.latest_scored().is_none()) {
        quiet_ui(ui, "Neither run has a verdict with scores.");
    } else {
        chart_ui(ui, scores);
        let width = ui.available_width();
        let to = [width * 0.58, width * 0.76, width - 8.0];
        let name = |side: usize, letter: &str| {
            let last = scores.fixes[side].latest_scored();
            last.map_or_else(|| letter.to_owned(), |last| format!("{letter}, {}", last.name()))
        };
        let (a, b) = (name(0, "A"), name(1, "B"));
        column_heads(
            ui,
            &[(Side::To(to[0]), &a), (Side::To(to[1]), &b), (Side::To(to[2]), "difference")],
        );
        let mut hidden = 0;
        for (index, row) in scores.rows.iter().enumerate() {
            if only_differences && !row.is_marked {
                hidden += 1;
                continue;
            }
            score_ui(ui, row, index, to, [palette.text, palette.text_secondary]);
        }
        hidden_ui(ui, hidden);
        let tones = scores.fixes.each_ref().map(|fixes| match fixes.passed {
            Some(true) => palette.success,
            Some(false) => palette.failed_text,
            None => palette.text,
        });
        score_ui(ui, &scores.total, 0, to, tones);
    }
    ui.add_space(6.0);
    for (letter, run) in [("A", Some(view.a)), ("B", view.b)] {
        match run {
            Some(run) => error_ui(ui, view, letter, run),
            None => quiet_ui(ui, "B is the usual run: the median of each step, without scores."),
        }
    }
}

fn score_ui(
    ui: &mut Ui,
    row: &ScoreRow,
    index: usize,
    to: [f32; 3],
    tones: [bevy::color::Color; 2],
) {
    let palette = style::palette(ui.ctx());
    let name = if row.name == "total" { "total".to_owned() } else { score_words(&row.name) };
    let change = match row.difference {
        Some(difference) => score_change_words(difference),
        None if row.is_marked => "≠".to_owned(),
        None => String::new(),
    };
    let label = format!("{name}: A {}, B {}, {change}", row.words(0), row.words(1));
    let (rect, _) = row_ui(ui, row.is_marked, index % 2 == 1, &label);
    let (y, left) = (rect.center().y, rect.left());
    let font = || value_font(row.is_marked);
    let room = to[0] - 74.0;
    paint_cell(ui, Side::From(left + 12.0), (y, room), &name, font(), palette.text);
    let strong = || style::semibold(15.5);
    paint_cell(ui, Side::To(left + to[0]), (y, 60.0), &row.words(0), strong(), tones[0]);
    paint_cell(ui, Side::To(left + to[1]), (y, 60.0), &row.words(1), font(), tones[1]);
    let tone = if row.is_marked { palette.text } else { palette.text_secondary };
    paint_cell(ui, Side::To(left + to[2]), (y, 70.0), &change, font(), tone);
}

/// Paints the totals of both runs by fix.
fn chart_ui(ui: &mut Ui, scores: &Scores) {
    let palette = style::palette(ui.ctx());
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, 190.0), Sense::hover());
    let all = || scores.fixes.iter().flat_map(|fixes| &fixes.columns);
    let fixes = all().map(|column| column.fix).max().unwrap_or(0).max(1);
    let ends = scores.fixes.each_ref().map(|fixes| fixes.scale());
    let has =
        scores.fixes.each_ref().map(|fixes| fixes.columns.iter().any(|it| it.total.is_some()));
    let (low, high) = match has {
        [true, true] => (ends[0].0.min(ends[1].0), ends[0].1.max(ends[1].1)),
        [false, true] => ends[1],
        _ => ends[0],
    };
    let plot = Rect::from_min_max(
        pos2(rect.left() + 46.0, rect.top() + 8.0),
        pos2(rect.right() - 96.0, rect.bottom() - 26.0),
    );
    let y = |score: f64| {
        let part = bounded((score - low) / (high - low), 0.0, 1.0);
        plot.bottom() - plot.height() * part as f32
    };
    let pitch = plot.width() / (fixes as f32 + 0.7);
    let x = |fix: u32| plot.left() + pitch * (fix as f32 + 0.35);
    let small = || style::body(text::SMALL);
    if let Some(mark) = scores.fixes[0].pass_mark {
        let at = y(mark);
        let zone = Rect::from_min_max(plot.min, pos2(plot.right(), at));
        ui.painter().rect_filled(zone, 0.0, ink(palette.success_deep));
        ui.painter().hline(plot.x_range(), at, Stroke::new(2.0, ink(palette.text)));
        let side = Side::To(plot.left() - 8.0);
        let font = style::semibold(text::SMALL);
        paint_cell(ui, side, (at, 40.0), &number_words(mark), font, palette.text);
    }
    for score in [low, high] {
        let clear = scores.fixes[0].pass_mark.is_none_or(|mark| (y(mark) - y(score)).abs() > 18.0);
        ui.painter().hline(plot.x_range(), y(score), Stroke::new(1.0, ink(palette.hair)));
        if clear {
            let side = Side::To(plot.left() - 8.0);
            paint_cell(
                ui,
                side,
                (y(score), 40.0),
                &number_words(score),
                small(),
                palette.text_tertiary,
            );
        }
    }
    let mut free_from = f32::NEG_INFINITY;
    for fix in 0..=fixes.min(64) {
        let words = if fix == 0 { "first".to_owned() } else { format!("fix {fix}") };
        let galley = widgets::elided(ui, &words, small(), palette.text_secondary, 60.0);
        let left = x(fix) - galley.size().x / 2.0;
        if left > free_from {
            free_from = left + galley.size().x + 4.0;
            widgets::paint_line(ui, left, rect.bottom() - 10.0, galley);
        }
    }
    let mut taken: Option<f32> = None;
    for (side, (letter, fixes)) in ["A", "B"].into_iter().zip(&scores.fixes).enumerate() {
        let points: Vec<_> = fixes
            .columns
            .iter()
            .filter_map(|column| Some((pos2(x(column.fix), y(column.total?)), column)))
            .collect();
        let path: Vec<_> = points.iter().map(|(point, _)| *point).collect();
        if side == 0 {
            let stroke = Stroke::new(2.0, ink(palette.text));
            ui.painter().add(Shape::line(path, stroke));
        } else {
            let stroke = Stroke::new(1.5, ink(palette.text_secondary));
            ui.painter().extend(Shape::dashed_line(&path, stroke, 5.0, 4.0));
        }
        for (point, column) in &points {
            let sign = match column.passed {
                Some(true) => Sign::SUCCESS,
                Some(false) => Sign::FAILED,
                None => Sign::RUNNING,
            };
            sign.paint(ui.painter(), *point, 7.0);
        }
        if let Some((point, column)) = points.last() {
            let (words, tone) = match column.passed {
                Some(true) => ("passed", palette.success),
                Some(false) => ("failed", palette.failed_text),
                None => ("", palette.text),
            };
            let total = column.total.map(number_words).unwrap_or_default();
            let words = format!("{letter} {total} {words}");
            // The words of the two runs keep apart.
            let near = taken.filter(|taken| (taken - point.y).abs() < 18.0);
            let at = near.map_or(point.y, |taken| taken + 18.0);
            taken = Some(at);
            let from = point.x + 12.0;
            let room = rect.right() - from;
            let font = style::semibold(15.0);
            paint_cell(ui, Side::From(from), (at, room), words.trim(), font, tone);
        }
    }
    let said: Vec<String> = ["A", "B"]
        .into_iter()
        .zip(&scores.fixes)
        .flat_map(|(letter, fixes)| {
            fixes.columns.iter().map(move |column| format!("{letter} {}", column.words()))
        })
        .collect();
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, said.join("; ")));
}

/// Shows the error of one side, or that there is none.
fn error_ui(ui: &mut Ui, view: &CompareView, letter: &str, run: &Run) {
    let palette = style::palette(ui.ctx());
    let failure = failure_words(run);
    let head = |ui: &mut Ui, words: String, tone| {
        let width = ui.available_width();
        let (rect, response) = ui.allocate_exact_size(vec2(width, 26.0), Sense::hover());
        paint_letter(ui, pos2(rect.left() + 11.0, rect.center().y), letter);
        let side = Side::From(rect.left() + 32.0);
        let font = style::semibold(15.0);
        paint_cell(ui, side, (rect.center().y, width - 32.0), &words, font, tone);
        let said = format!("{letter}: {words}");
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &said));
    };
    let Some((step, reason)) = failure else {
        let word = crate::app::state::status::run_status_words(run.status);
        head(ui, format!("no error, {word}"), palette.text_secondary);
        return;
    };
    style::note_frame(palette.failed_deep).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        let at = run.counted_end().map(|at| format!(" at {}", time_words(at, view.zone)));
        let step = step.unwrap_or_else(|| "run".to_owned());
        head(ui, format!("{step} failed{}", at.unwrap_or_default()), palette.failed_text);
        let words = RichText::new(one_line(&reason)).font(style::body(15.0));
        ui.add(Label::new(words.color(ink(palette.text))).wrap());
        let label = format!("Copy the error of {letter} for a ticket");
        copy_button_ui(ui, "Copy", &label, 74.0, || {
            ticket_text(run, None, view.run_store, view.server_now, view.zone)
        });
    });
}

/// Shows seed and parameters.
pub(super) fn parameters_ui(
    ui: &mut Ui,
    rows: &[ParameterRow],
    has_b: bool,
    only_differences: bool,
) {
    let palette = style::palette(ui.ctx());
    let marked = rows.iter().filter(|row| has_b && row.is_marked()).count();
    let sum = format!("{marked} of {} differ", rows.len());
    pane_head_ui(ui, "Seed and model parameters", if has_b { &sum } else { "" });
    if !has_b {
        quiet_ui(ui, "The usual run has no seed and no parameters.");
    }
    let width = ui.available_width();
    let from = [12.0, width * 0.20, width * 0.44, width * 0.69];
    let heads = [
        (Side::From(from[0]), "step, parameter"),
        (Side::From(from[2]), "A"),
        (Side::From(from[3]), "B"),
    ];
    column_heads(ui, &heads);
    let mut hidden = 0;
    let top = ui.cursor().top();
    // Only visible rows are made.
    let clip = ui.clip_rect();
    for (index, row) in rows.iter().enumerate() {
        let is_marked = has_b && row.is_marked();
        if only_differences && !is_marked {
            hidden += 1;
            continue;
        }
        let y = top + (index - hidden) as f32 * (ROW + ui.spacing().item_spacing.y);
        if y > clip.bottom() || y + ROW < clip.top() {
            ui.allocate_space(vec2(width, ROW));
            continue;
        }
        let sign = if is_marked { ", ≠" } else { "" };
        let label =
            format!("{} {}: A {}, B {}{sign}", row.step, row.name, row.words(0), row.words(1));
        let (rect, response) = row_ui(ui, is_marked, index % 2 == 1, &label);
        let (y, left) = (rect.center().y, rect.left());
        let tone = if is_marked { palette.text } else { palette.text_secondary };
        let name = if is_marked { style::semibold(15.0) } else { style::body(15.0) };
        let room = from[1] - from[0] - 8.0;
        paint_cell(ui, Side::From(left + from[0]), (y, room), &row.step, name.clone(), tone);
        let room = from[2] - from[1] - 8.0;
        paint_cell(ui, Side::From(left + from[1]), (y, room), &row.name, name, tone);
        let mono = || style::mono(text::SMALL);
        let room = from[3] - from[2] - 8.0;
        paint_cell(ui, Side::From(left + from[2]), (y, room), row.words(0), mono(), tone);
        if has_b {
            let room = width - from[3] - 26.0;
            paint_cell(ui, Side::From(left + from[3]), (y, room), row.words(1), mono(), tone);
        }
        if is_marked {
            let side = Side::To(left + width - 8.0);
            paint_cell(ui, side, (y, 18.0), "≠", style::semibold(text::SECTION), palette.text);
        }
        response.on_hover_text(label);
    }
    hidden_ui(ui, hidden);
}
