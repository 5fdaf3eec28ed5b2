//! *This run*: its steps as bars, the usual run and the attempt before on the same clock, and what is
//! known of the chosen cell.

use bevy_egui::egui::{
    Color32, Rangef, Rect, Response, Sense, Stroke, Ui, WidgetInfo, WidgetType, pos2,
    text::{LayoutJob, TextFormat},
    vec2,
};

use super::axis::TimeAxis;
use super::choice::{Choice, attempt_of, number_of, shown};
use super::part::{Head, Side, head_ui, paint_cell, paint_dashed, paint_frame};
use super::state::InspectorState;
use super::view::InspectorView;
use super::words::{bar_time_words, bar_tones, bar_words, elapsed_words};
use crate::app::panel::glyph::Sign;
use crate::app::panel::style::{self, ink, text};
use crate::app::panel::widgets;
use crate::app::state::actions::Action;
use crate::app::state::clock::millis_between;
use crate::app::state::run_view::verdicts;
use crate::app::state::status::run_status_words;
use crate::app::words::{clock_words, duration_words, number_words};
use crate::model::{Remaining, Run, RunStatus, total_score};
use crate::timeline::{Bar, RunBars, UsualBar, usual_to_come};

/// Width of the lanes' labels, in points.
const LABELS: f32 = 78.0;

/// Bars of a run that can be chosen at most; of a run with more, the earliest cannot.
const MOST_CELLS: usize = 400;

/// Height of the drawing: the axis' labels and three lanes.
const HEIGHT: f32 = 118.0;

/// The runs on one clock.
struct Lanes<'a> {
    bars: &'a RunBars,
    to_come: Vec<UsualBar>,
    /// Usual times, one after the other: begin and end in milliseconds.
    usual: Vec<(u64, u64)>,
    before: Option<(&'a Run, RunBars, usize)>,
}

impl<'a> Lanes<'a> {
    fn of(view: &InspectorView<'a>, run: &'a Run, bars: &'a RunBars) -> Self {
        let stats = view.run_store.model.stats();
        let to_come = match view.is_offline {
            true => Vec::new(),
            false => usual_to_come(run, bars, stats, view.server_now),
        };
        let mut at = 0;
        let steps = run.nodes.iter().filter(|node| node.name != "FIX");
        let usual = steps.filter_map(|node| {
            let from = at;
            at += stats.node_baseline(&node.name)?.p50_ms;
            Some((from, at))
        });
        let usual = usual.collect();
        let before = view.run_store.attempt_before(run).map(|before| {
            let number = view.run_store.song_story(before).map_or(1, |story| story.attempt);
            (before, RunBars::of(before, view.server_now), number)
        });
        Self { bars, to_come, usual, before }
    }

    /// Milliseconds that have to fit on the axis.
    fn shown_ms(&self, view: &InspectorView, run: &Run) -> u64 {
        let from = self.bars.span.from;
        let to_come = self.to_come.last().map_or(0, |last| millis_between(from, last.span.to));
        let left = match view.run_store.model.remaining(run, view.server_now) {
            Remaining::Left { millis, .. } => millis,
            Remaining::Unknown | Remaining::AnyMoment | Remaining::Late { .. } => 0,
        };
        let likely = self.bars.span.millis().saturating_add(left);
        let usual = self.usual.last().map_or(0, |(_, to)| *to);
        let before = self.before.as_ref().map_or(0, |(_, bars, _)| bars.span.millis());
        // A long run before would leave this one no room.
        let own = likely.max(to_come).max(usual);
        own.max(before.min(own.saturating_mul(4)))
    }
}

/// Words at the right of the title: "step 7 of 8", else the status.
fn sum_words(run: &Run) -> String {
    let steps = || run.nodes.iter().filter(|node| node.name != "FIX");
    let place = run.current_node().and_then(|now| steps().position(|step| step.name == now.name));
    match (run.status, place) {
        (RunStatus::Running, Some(place)) => format!("step {} of {}", place + 1, steps().count()),
        (RunStatus::Running, None) => match run.current_node() {
            Some(_) => format!("fix {}", run.fix_iterations),
            None => "between two steps".to_owned(),
        },
        (status, _) => run_status_words(status).to_owned(),
    }
}

/// Shows the section; returns the requested actions.
pub(super) fn this_run_ui(
    ui: &mut Ui,
    view: &InspectorView,
    (run, bars): (&Run, &RunBars),
    state: &mut InspectorState,
) -> Vec<Action> {
    let mut actions = Vec::new();
    let palette = style::palette(ui.ctx());
    let sum = sum_words(run);
    let (word, time) = elapsed_words(run, view.server_now);
    let preview = format!("{word} {time}");
    let head =
        Head { title: "This run", preview: &preview, sum: &sum, tone: palette.text_secondary };
    head_ui(ui, &mut state.open.run, &head);
    if !state.open.run {
        return actions;
    }
    let lanes = Lanes::of(view, run, bars);
    let width = ui.available_width();
    let (rect, _) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::hover());
    let x = Rangef::new(rect.left() + LABELS, rect.right());
    let most = bounded_ticks(x.span());
    let axis = TimeAxis::new(lanes.bars.span.from, x, lanes.shown_ms(view, run), most);
    axis.paint(ui, rect.top() + 9.0, Rangef::new(rect.top() + 20.0, rect.bottom()));
    if let Some(choice) = own_lane_ui(ui, run, &lanes, state, &axis, rect.top() + 38.0) {
        state.choose(Some(choice));
    }
    usual_lane(ui, &lanes, &axis, rect.top() + 71.0);
    if let Some((before, bars, number)) = &lanes.before
        && before_lane_ui(ui, before, bars, *number, &axis, (rect, rect.top() + 101.0))
    {
        actions.push(Action::SelectRun(before.id().clone()));
    }
    readout_ui(ui, view, run, bars, state);
    actions
}

/// Number of ticks that fit into so many points.
fn bounded_ticks(width: f32) -> u64 {
    crate::bounded::bounded((width / 72.0) as u64, 2, 8)
}

/// Paints the name of a lane.
fn label(ui: &Ui, axis: &TimeAxis, y: f32, words: &str, is_own: bool) {
    let palette = style::palette(ui.ctx());
    let (font, tone) = match is_own {
        true => (style::semibold(text::SMALL), palette.text),
        false => (style::body(text::SMALL), palette.text_secondary),
    };
    paint_cell(ui, Side::From(axis.left - LABELS), (y, LABELS - 6.0), words, font, tone);
}

/// Returns a bar's place in a lane of this height around `y`; FIX stands out.
fn bar_rect(axis: &TimeAxis, from: f32, to: f32, (y, height): (f32, f32), is_fix: bool) -> Rect {
    let height = if is_fix { height + 6.0 } else { height };
    let to = (to - 1.2).max(from + 2.0).min(axis.right.max(from + 2.0));
    Rect::from_min_max(pos2(from, y - height / 2.0), pos2(to, y + height / 2.0))
}

/// Paints a bar with its name, if that fits.
fn paint_bar(ui: &Ui, bar: &Bar, rect: Rect, is_before: bool) {
    let palette = style::palette(ui.ctx());
    let Some((fill, words_tone)) = bar_tones(bar, palette, is_before) else {
        paint_dashed(ui, rect);
        return;
    };
    ui.painter().rect_filled(rect, 2.0, ink(fill));
    if is_before {
        return;
    }
    let number = bar.fix.to_string();
    let words = if bar.node == "FIX" { number.as_str() } else { bar.node.as_str() };
    let galley = widgets::elided(ui, words, style::semibold(text::SMALL), words_tone, 200.0);
    let room = rect.width() - if bar.node == "FIX" { 0.0 } else { 8.0 };
    if galley.size().x <= room {
        let x = rect.center().x - galley.size().x / 2.0;
        widgets::paint_line(ui, x, rect.center().y, galley);
    }
}

/// Words about a cell for a screen reader: "VALIDATE after fix 1, failed, 4.0 s".
fn cell_label(run: &Run, bar: &Bar) -> String {
    let status = crate::app::state::status::node_status_words(bar.status);
    let status = if bar.stopped { "cancelled" } else { status };
    let score = run.node(&bar.node).and_then(|node| attempt_of(node, number_of(run, bar)));
    let score = score.and_then(|attempt| total_score(&attempt.scores));
    let score = score.map_or_else(String::new, |score| format!(", score {}", number_words(score)));
    format!("{}, {status}, {}{score}", bar_words(bar), bar_time_words(bar))
}

/// Shows the lane of the run itself; returns what was chosen in it.
fn own_lane_ui(
    ui: &mut Ui,
    run: &Run,
    lanes: &Lanes,
    state: &InspectorState,
    axis: &TimeAxis,
    y: f32,
) -> Option<Choice> {
    let palette = style::palette(ui.ctx());
    label(ui, axis, y, "this run", true);
    if let Some(queued) = lanes.bars.queued {
        paint_queue(ui, axis, (axis.at(queued.from), axis.at(queued.to)), y);
    }
    let mut chosen = None;
    let mut frame = None;
    let bars = &lanes.bars.bars;
    let first = bars.len().saturating_sub(MOST_CELLS);
    for (index, bar) in bars.iter().enumerate() {
        let is_fix = bar.node == "FIX";
        let (from, to) = (axis.at(bar.span.from), axis.at(bar.span.to));
        let rect = bar_rect(axis, from, to, (y, 24.0), is_fix);
        paint_bar(ui, bar, rect, false);
        let number = number_of(run, bar);
        let is_chosen =
            state.choice().is_some_and(|choice| choice.is_attempt(run, &bar.node, number));
        if is_chosen {
            frame = Some(rect.expand(2.0));
        }
        if index < first {
            continue;
        }
        let area = Rect::from_x_y_ranges(
            Rangef::new(rect.left() - 1.0, rect.right().max(rect.left() + 5.0)),
            Rangef::new(y - 18.0, y + 18.0),
        );
        let label = cell_label(run, bar);
        let response = cell_ui(ui, area, ("cell", &bar.node, number), (is_chosen, &label));
        widgets::focus_ring(ui, &response, rect.expand(2.0));
        if response.clicked() {
            chosen = Some(Choice::of_attempt(run, &bar.node, number));
        }
        response.on_hover_text(label);
    }
    if let Some(frame) = frame {
        paint_frame(ui, frame);
    }
    if run.status.is_over() {
        return chosen;
    }
    let now = axis.at(lanes.bars.span.to);
    let mut from = now;
    let left = lanes.to_come.first().map(|first| axis.at(first.span.from));
    let spans =
        lanes.to_come.iter().map(|usual| (axis.at(usual.span.from), axis.at(usual.span.to)));
    let left = left.into_iter().filter(|to| *to > now + 2.0).map(|to| (now, to));
    for (begin, end) in left.chain(spans) {
        let begin = begin.max(from);
        if end > begin + 2.0 {
            paint_dashed(ui, bar_rect(axis, begin + 1.0, end, (y, 23.0), false));
        }
        from = end;
    }
    if run.status == RunStatus::Running {
        let line = Stroke::new(2.0, ink(palette.text));
        ui.painter().vline(now, Rangef::new(y - 19.0, y + 19.0), line);
    }
    chosen
}

/// Shows a place that can be pressed; the caller paints it.
fn cell_ui(
    ui: &Ui,
    area: Rect,
    id: impl std::hash::Hash + std::fmt::Debug,
    (is_chosen, label): (bool, &str),
) -> Response {
    let response = ui.interact(area, ui.id().with(id), Sense::click());
    response
        .widget_info(|| WidgetInfo::selected(WidgetType::SelectableLabel, true, is_chosen, label));
    response
}

fn paint_queue(ui: &Ui, axis: &TimeAxis, (from, to): (f32, f32), y: f32) {
    let palette = style::palette(ui.ctx());
    if to > axis.left {
        let rect =
            Rect::from_min_max(pos2(from, y - 2.0), pos2((to - 1.0).max(from + 1.0), y + 2.0));
        ui.painter().rect_filled(rect, 0.0, ink(palette.pending_outline));
    }
}

/// Paints the lane of the usual run.
fn usual_lane(ui: &mut Ui, lanes: &Lanes, axis: &TimeAxis, y: f32) {
    let palette = style::palette(ui.ctx());
    label(ui, axis, y, "usual run", false);
    for (from, to) in &lanes.usual {
        let (from, to) = (axis.x(*from), axis.x(*to));
        paint_dashed(ui, bar_rect(axis, from + 0.5, to, (y, 15.0), false));
    }
    let total = lanes.usual.last().map(|(_, to)| *to);
    let words = total.map_or_else(|| "not known yet".to_owned(), |ms| clock_words(ms + 500));
    let x = total.map_or(axis.left, |ms| axis.x(ms) + 8.0);
    let font = || style::body(text::SMALL);
    if x + 46.0 <= axis.right || total.is_none() {
        let side = Side::From(x);
        paint_cell(ui, side, (y, axis.right - x), &words, font(), palette.text_secondary);
    }
    let area = Rect::from_x_y_ranges(
        Rangef::new(axis.left - LABELS, axis.right),
        Rangef::new(y - 10.0, y + 10.0),
    );
    let response = ui.interact(area, ui.id().with("usual run"), Sense::hover());
    let said = format!("Usual run: {words}, the median of each step");
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &said));
    response.on_hover_text(said);
}

/// Shows the lane of the attempt before; returns true when it was pressed.
fn before_lane_ui(
    ui: &mut Ui,
    before: &Run,
    bars: &RunBars,
    number: usize,
    axis: &TimeAxis,
    (rect, y): (Rect, f32),
) -> bool {
    let name = format!("attempt {number}");
    label(ui, axis, y, &name, false);
    // Both runs begin at the left end.
    let own = TimeAxis { from: bars.span.from, ..*axis };
    if let Some(queued) = bars.queued {
        paint_queue(ui, &own, (own.at(queued.from), own.at(queued.to)), y);
    }
    for bar in &bars.bars {
        let (from, to) = (own.at(bar.span.from), own.at(bar.span.to));
        if from < axis.right - 2.0 {
            paint_bar(ui, bar, bar_rect(&own, from, to, (y, 14.0), bar.node == "FIX"), true);
        }
    }
    let end = own.at(bars.span.to);
    if before.status.is_over() {
        let x = (end + 12.0).min(axis.right - 9.0);
        Sign::from(before.status).paint(ui.painter(), pos2(x, y), 7.5);
    }
    let status = run_status_words(before.status);
    let took = clock_words(bars.span.millis());
    let said = format!("{name}, {status} after {took}: show it");
    let area = Rect::from_x_y_ranges(rect.x_range(), Rangef::new(y - 12.0, y + 12.0));
    let response = cell_ui(ui, area, "attempt before", (false, &said));
    widgets::focus_ring(ui, &response, area);
    let clicked = response.clicked();
    response.on_hover_text(said);
    clicked
}

/// Shows what is known of the chosen cell, else of the step that the run is at.
fn readout_ui(
    ui: &mut Ui,
    view: &InspectorView,
    run: &Run,
    bars: &RunBars,
    state: &mut InspectorState,
) {
    let palette = style::palette(ui.ctx());
    let (title, words) = readout(view, run, bars, state);
    let mut job = LayoutJob::default();
    let look = |font, tone| TextFormat::simple(font, ink(tone));
    job.append(&title, 0.0, look(style::semibold(text::SMALL), palette.text));
    job.append(&words, 10.0, look(style::body(text::SMALL), palette.text_secondary));
    job.wrap.max_width = ui.available_width();
    // The height stays, whatever is chosen and while the words change.
    let rows = if job.wrap.max_width < 440.0 { 2 } else { 1 };
    job.wrap.max_rows = rows;
    let galley = ui.painter().layout_job(job);
    let size = vec2(ui.available_width(), rows as f32 * 18.0 + 4.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    ui.painter().galley(rect.min, galley, Color32::PLACEHOLDER);
    let said = format!("{title}: {words}");
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &said));
    response.on_hover_text(said);
}

/// Returns title and words about the shown attempt: ("VALIDATE after fix 1", "4.0 s, usual 4.0 s: 0.76, needs
/// 0.80").
fn readout(
    view: &InspectorView,
    run: &Run,
    bars: &RunBars,
    state: &mut InspectorState,
) -> (String, String) {
    let Some((node, number)) = shown(run, state.choice()) else {
        return ("No step".to_owned(), "has been seen yet".to_owned());
    };
    let bar = bars.bars.iter().find(|bar| bar.node == node.name && number_of(run, bar) == number);
    let Some(bar) = bar else {
        let status = crate::app::state::status::node_status_words(node.status);
        return (node.name.to_string(), status.to_owned());
    };
    let mut words = bar_time_words(bar);
    if let Some(usual) = view.run_store.model.stats().node_baseline(&bar.node) {
        words.push_str(&format!(", usual {}", duration_words(usual.p50_ms)));
    }
    let score = attempt_of(node, number).and_then(|attempt| total_score(&attempt.scores));
    if let Some(score) = score {
        words.push_str(&format!(": {}", number_words(score)));
        if let Some(mark) = state.lines.pass_mark(view.run_store.model.log()) {
            words.push_str(&format!(", needs {}", number_words(mark)));
        } else if node.name == "VALIDATE"
            && let Some(passed) = verdicts(run).get(bar.attempt).and_then(|it| it.passed)
        {
            words.push_str(if passed { ", passed" } else { ", not passed" });
        }
    } else if let Some(error) = &bar.error {
        words.push_str(&format!(": {}", crate::app::words::one_line(error)));
    }
    match (bar.from_known, bar.to_known || bar.is_open || bar.stopped) {
        (true, true) => {}
        (false, true) => words.push_str(", start not seen"),
        (true, false) => words.push_str(", end not seen"),
        (false, false) => words.push_str(", start and end not seen"),
    }
    (bar_words(bar), words)
}
