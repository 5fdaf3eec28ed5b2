//! *Raw events*: the run's events as they were received, each as JSON that folds.

use std::collections::VecDeque;

use bevy_egui::egui::{
    Event, Rect, Response, Sense, Stroke, Ui, UiBuilder, WidgetInfo, WidgetType, pos2,
    text::{LayoutJob, TextFormat},
    vec2,
};

use super::choice::Choice;
use super::json::{RowWords, find};
use super::lines::event;
use super::part::{Head, Side, copy_button_ui, head_ui, paint_cell, paint_frame, quiet_ui};
use super::raw_state::Found;
use super::state::InspectorState;
use super::view::InspectorView;
use crate::app::panel::copied::{copy_for, says_copied};
use crate::app::panel::glyph::paint_fold;
use crate::app::panel::style::{self, ink, text};
use crate::app::panel::widgets::{self, search_ui};
use crate::app::words::{count_words, phase_words, time_words};
use crate::model::{EventLog, Run};
use crate::protocol::Phase;

/// Height of a row, in points.
const ROW: f32 = 24.0;

/// Indentation of a member, in points.
const INDENT: f32 = 14.0;

/// Width of a character of the rows, in points.
const CHAR: f32 = 8.4;

/// Bytes of events that are copied at most at once.
const MOST_COPIED: usize = 8 << 20;

/// Shows the section. `is_reading` is true while older lines of the log have still to be examined.
pub(super) fn raw_ui(
    ui: &mut Ui,
    view: &InspectorView,
    run: &Run,
    state: &mut InspectorState,
    is_reading: bool,
) {
    let palette = style::palette(ui.ctx());
    let log = view.run_store.model.log();
    let all = state.lines.seqs().len();
    let sum = match all {
        1 => "JSON, 1 event".to_owned(),
        all => format!("JSON, {} events", count_words(all as u64)),
    };
    let tone = palette.text_secondary;
    let head =
        Head { title: "Raw events", preview: "{ run_id, phase, data … }", sum: &sum, tone };
    head_ui(ui, &mut state.open.raw, &head);
    if !state.open.raw {
        return;
    }
    state.raw.forget_before(log.first_seq());
    let search = state.raw.search.trim().to_ascii_lowercase();
    let is_filtered = !search.is_empty();
    let is_changed = is_filtered && state.raw.found.search != search;
    let is_searching = is_filtered && state.raw.found.update(log, state.lines.seqs(), &search);
    if !is_filtered {
        state.raw.found = Found::default();
    }
    if is_changed {
        state.raw.trees.values_mut().for_each(|tree| tree.reveal(&search));
    }
    if is_reading || is_searching {
        ui.ctx().request_repaint();
    }
    let shown = if is_filtered { &state.raw.found.seqs } else { state.lines.seqs() }.clone();
    tools_ui(ui, log, state, &shown, (is_filtered, is_searching || is_reading));
    let missing = run.events().saturating_sub(all as u64);
    if missing > 0 && !is_reading {
        let words = match missing {
            1 => "1 older event of this run is no longer kept.".to_owned(),
            missing => {
                let missing = count_words(missing);
                format!("{missing} older events of this run are no longer kept.")
            }
        };
        quiet_ui(ui, &words);
    }
    if shown.is_empty() {
        let words = match (is_reading || is_searching, is_filtered) {
            (true, _) => "Searching …",
            (false, true) => "No event of this run contains this text.",
            (false, false) => "No event of this run is in the log.",
        };
        quiet_ui(ui, words);
        return;
    }
    rows_ui(ui, view, run, state, &shown);
}

/// Shows the search field, the count, and what copies all.
fn tools_ui(
    ui: &mut Ui,
    log: &EventLog,
    state: &mut InspectorState,
    shown: &VecDeque<u64>,
    (is_filtered, is_searching): (bool, bool),
) {
    ui.horizontal_wrapped(|ui| {
        let width = (ui.available_width() - 190.0).max(140.0);
        search_ui(ui, &mut state.raw.search, "Search raw events", width);
        let label = "Copy the events shown, one on each line";
        copy_button_ui(ui, "Copy all", label, 86.0, || {
            let mut all = String::new();
            for seq in shown {
                let raw = event(log, *seq).map_or("", |(entry, _)| log.raw(entry));
                if all.len() + raw.len() > MOST_COPIED {
                    break;
                }
                all.push_str(raw);
                all.push('\n');
            }
            all
        });
        let count = match (is_filtered, is_searching) {
            (_, true) => "searching …".to_owned(),
            (true, false) => {
                format!("{} of {}", shown.len(), count_words(state.lines.seqs().len() as u64))
            }
            (false, false) => String::new(),
        };
        ui.weak(count);
    });
}

/// Shows the events that are visible, with the rows of those that are unfolded.
fn rows_ui(
    ui: &mut Ui,
    view: &InspectorView,
    run: &Run,
    state: &mut InspectorState,
    shown: &VecDeque<u64>,
) {
    let width = ui.available_width();
    let columns = ((width - 4.0 * INDENT) / CHAR) as usize;
    // Place of each unfolded event, and the number of its rows with one for its note.
    let mut open: Vec<(usize, usize)> = Vec::new();
    for (seq, tree) in &mut state.raw.trees {
        tree.set_columns(columns);
        if let Ok(place) = shown.binary_search(seq) {
            open.push((place, tree.len() + usize::from(!tree.note().is_empty())));
        }
    }
    let total = shown.len() + open.iter().map(|(_, rows)| rows).sum::<usize>();
    let size = vec2(width, total as f32 * ROW);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let clip = ui.clip_rect();
    let first = ((clip.top() - rect.top()) / ROW).floor().max(0.0) as usize;
    let last = ((clip.bottom() - rect.top()) / ROW).ceil().max(0.0) as usize;
    let mut child = ui.new_child(UiBuilder::new().id_salt("raw rows").max_rect(rect));
    let mut toggled = None;
    for row in first..last.min(total) {
        let top = rect.top() + row as f32 * ROW;
        let area = Rect::from_min_size(pos2(rect.left(), top), vec2(width, ROW));
        let (place, of_tree) = place_of(row, &open);
        let Some(seq) = shown.get(place).copied() else { continue };
        match of_tree {
            None => {
                if event_ui(&mut child, view, state, seq, area) {
                    toggled = Some((seq, None));
                }
            }
            Some(of_tree) => {
                if member_ui(&mut child, state, seq, of_tree, area) {
                    toggled = Some((seq, Some(of_tree)));
                }
            }
        }
    }
    match toggled {
        Some((seq, None)) => {
            let log = view.run_store.model.log();
            if let Some((_, told)) = event(log, seq) {
                let is_end = matches!(told.phase, Phase::End | Phase::Fail);
                let node = told.node.as_deref();
                state.choose(Some(Choice::of_event(run, node, (told.at, is_end), seq)));
            }
            state.raw.toggle(log, seq, columns);
        }
        Some((seq, Some(row))) => {
            if let Some(tree) = state.raw.trees.get_mut(&seq) {
                tree.toggle(row);
            }
        }
        None => {}
    }
}

/// Returns the event of a row, and the row within it; `None` for the event's own row.
fn place_of(row: usize, open: &[(usize, usize)]) -> (usize, Option<usize>) {
    let mut before = 0;
    for (place, rows) in open {
        if row <= place + before {
            break;
        }
        let within = row - place - before - 1;
        if within < *rows {
            return (*place, Some(within));
        }
        before += rows;
    }
    (row - before, None)
}

/// Shows the row of an event; returns true when it was pressed.
fn event_ui(
    ui: &mut Ui,
    view: &InspectorView,
    state: &mut InspectorState,
    seq: u64,
    area: Rect,
) -> bool {
    let palette = style::palette(ui.ctx());
    let log = view.run_store.model.log();
    let Some((entry, told)) = event(log, seq) else { return false };
    let response = ui.interact(area, ui.id().with(seq), Sense::click());
    let is_open = state.raw.trees.contains_key(&seq);
    let time = time_words(told.at, view.zone);
    let node = told.node.as_deref().unwrap_or("run");
    let phase = phase_words(told);
    response.widget_info(|| {
        let label = format!("{time} {node} {phase}, raw");
        WidgetInfo::selected(WidgetType::CollapsingHeader, true, is_open, label)
    });
    ground(ui, &response, area);
    let y = area.center().y;
    paint_fold(ui.painter(), pos2(area.left() + 7.0, y), is_open);
    let mono = || style::mono(text::SMALL);
    let side = Side::From(area.left() + 20.0);
    paint_cell(ui, side, (y, 76.0), &time, mono(), palette.text_tertiary);
    let side = Side::From(area.left() + 98.0);
    paint_cell(ui, side, (y, 90.0), node, style::semibold(text::SMALL), palette.text);
    let tone = match told.phase {
        Phase::Start | Phase::Progress => palette.running,
        Phase::End => palette.success,
        Phase::Fail => palette.failed_text,
        Phase::Info | Phase::Other(_) => palette.text_secondary,
    };
    let side = Side::From(area.left() + 192.0);
    paint_cell(ui, side, (y, 66.0), &phase, style::body(text::SMALL), tone);
    let from = area.left() + 252.0;
    let room = area.right() - 6.0 - from;
    if room > 60.0 {
        let preview = state.raw.preview(log.raw(entry), told.id);
        paint_cell(ui, Side::From(from), (y, room), preview, mono(), palette.text_tertiary);
    }
    copy_row_ui(ui, &response, (area, seq, usize::MAX), || log.raw(entry).to_owned());
    if state.framed_event() == Some(seq) {
        paint_frame(ui, area.shrink2(vec2(2.5, 2.5)));
    }
    response.clicked()
}

/// Shows a row of an unfolded event; returns true when it was pressed.
fn member_ui(ui: &mut Ui, state: &InspectorState, seq: u64, row: usize, area: Rect) -> bool {
    let palette = style::palette(ui.ctx());
    let Some(tree) = state.raw.trees.get(&seq) else { return false };
    let y = area.center().y;
    let Some(words) = tree.words(row) else {
        let side = Side::From(area.left() + 32.0);
        let font = style::body(text::SMALL);
        paint_cell(ui, side, (y, area.width() - 40.0), tree.note(), font, palette.cancelled);
        return false;
    };
    let response = ui.interact(area, ui.id().with((seq, row)), Sense::click());
    let said = format!("{} {}", words.name, words.value);
    let said = said.trim().to_owned();
    response.widget_info(|| match words.fold {
        Some(folded) => WidgetInfo::selected(WidgetType::CollapsingHeader, true, !folded, &said),
        None => WidgetInfo::labeled(WidgetType::Label, true, &said),
    });
    ground(ui, &response, area);
    // Deep members keep room for their words.
    let depth = (words.depth as f32 * INDENT).min(area.width() * 0.4);
    let left = area.left() + 18.0 + depth;
    if let Some(folded) = words.fold {
        paint_fold(ui.painter(), pos2(left + 6.0, y), !folded);
    }
    let search = state.raw.found.search.as_str();
    let job = job_of(&words, search, palette);
    let room = area.right() - left - 18.0 - 56.0;
    let mut job = job;
    job.wrap.max_width = room.max(0.0);
    job.wrap.max_rows = 1;
    job.wrap.break_anywhere = true;
    let galley = ui.painter().layout_job(job);
    widgets::paint_line(ui, left + 16.0, y, galley);
    copy_row_ui(ui, &response, (area, seq, row), || tree.copy(row));
    response.clicked()
}

/// Lays out name and value, with what was searched underlined.
fn job_of(words: &RowWords, search: &str, palette: &crate::app::theme::Palette) -> LayoutJob {
    let mut job = LayoutJob::default();
    let font = || style::mono(text::SMALL);
    let name = if words.name.is_empty() { String::new() } else { format!("{} ", words.name) };
    for (part, tone) in [(name.as_str(), palette.text_secondary), (&words.value, palette.text)] {
        let plain = TextFormat::simple(font(), ink(tone));
        let mut rest = part;
        while let Some(at) = find(rest, search)
            && let Some((before, found)) = rest.split_at_checked(at)
            && let Some((hit, after)) = found.split_at_checked(search.len())
        {
            job.append(before, 0.0, plain.clone());
            let mut look = TextFormat::simple(font(), ink(palette.violet_text));
            look.underline = Stroke::new(1.5, ink(palette.violet_text));
            job.append(hit, 0.0, look);
            rest = after;
        }
        job.append(rest, 0.0, plain);
    }
    job
}

fn ground(ui: &Ui, response: &Response, area: Rect) {
    let palette = style::palette(ui.ctx());
    if response.hovered() {
        ui.painter().rect_filled(area, 3.0, ink(palette.hover));
    }
    widgets::focus_ring(ui, response, area);
}

/// Shows what copies a row, while the row is pointed at or focused; the key for copying does the same.
fn copy_row_ui(
    ui: &mut Ui,
    row: &Response,
    (area, seq, index): (Rect, u64, usize),
    text: impl Fn() -> String,
) {
    let palette = style::palette(ui.ctx());
    let id = ui.id().with(("copied", seq, index));
    let is_copied = says_copied(ui, id);
    if row.has_focus() && ui.input(|input| input.events.contains(&Event::Copy)) {
        copy_for(ui, id, text());
    }
    if !(row.hovered() || row.contains_pointer() || row.has_focus() || is_copied) {
        return;
    }
    let place = Rect::from_min_max(pos2(area.right() - 54.0, area.top()), area.max);
    // The row has the focus; this is for the pointer alone.
    let sense = Sense::CLICK;
    let response = ui.interact(place, ui.id().with(("copy", seq, index)), sense);
    widgets::describe_button(&response, if is_copied { "copied" } else { "Copy this value" });
    let words = if is_copied { "copied" } else { "copy" };
    let back = if row.hovered() { palette.hover } else { palette.bridge };
    ui.painter().rect_filled(place.shrink(2.5), 3.0, ink(back));
    let tone = palette.violet_text;
    let side = Side::To(area.right() - 6.0);
    let font = style::body(text::SMALL);
    paint_cell(ui, side, (area.center().y, 52.0), words, font, tone);
    if response.clicked() {
        copy_for(ui, id, text());
    }
    response.on_hover_text("Copy this value");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_belong_to_events_and_their_members() {
        let open = [(1, 2), (3, 1)];
        let all: Vec<(usize, Option<usize>)> = (0..8).map(|row| place_of(row, &open)).collect();
        let expected = [
            (0, None),
            (1, None),
            (1, Some(0)),
            (1, Some(1)),
            (2, None),
            (3, None),
            (3, Some(0)),
            (4, None),
        ];
        assert_eq!(all, expected);
        assert_eq!(place_of(5, &[]), (5, None));
    }
}
