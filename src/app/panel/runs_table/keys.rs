//! Keyboard within the table. Tab reaches the search field, the buttons, one chip, one head and one row;
//! arrows move among chips, heads and rows.

use bevy_egui::egui::{FocusDirection, Id, Key, Modifiers, Ui};

use super::columns::{Column, Columns};
use super::order::CHIPS;
use super::state::{Ids, RunsTableState, RunsTableView, Scroll};
use crate::app::state::actions::Action;
use crate::protocol::RunId;

/// Press on a key, with its meaning at the place that has the focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Press {
    /// Clears the search, or leaves the empty field.
    Escape,
    ToSearch,
    ToFirstRow,
    ToRows,
    /// To the heads, or so many heads to the right.
    Heads(i32),
    /// So many chips to the right.
    Chips(i32),
    /// So many rows down.
    Rows(i32),
    /// So many screens of rows down.
    Pages(i32),
    /// Lets new runs in, and goes to the top; with the focus on a row, to the first one.
    Top {
        with_focus: bool,
    },
    Last,
    /// Selects the run of the row, or opens it if it is selected.
    Choose,
}

/// Place in the table that has the keyboard focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spot {
    Search,
    Chip,
    NewRuns,
    Head,
    Row,
}

fn spot(ui: &Ui, ids: Ids, state: &RunsTableState) -> Option<Spot> {
    let focused = ui.memory(|memory| memory.focused())?;
    match focused {
        id if id == ids.search() => Some(Spot::Search),
        id if id == ids.new_runs() => Some(Spot::NewRuns),
        id if (0..CHIPS).any(|index| ids.chip(index) == id) => Some(Spot::Chip),
        id if Column::ALL.into_iter().any(|column| ids.head(column) == id) => Some(Spot::Head),
        id if state.cursor.as_ref().is_some_and(|run| ids.row(run) == id) => Some(Spot::Row),
        _ => None,
    }
}

/// Takes the presses that mean something at the place that has the focus.
pub(super) fn take(ui: &Ui, ids: Ids, state: &RunsTableState) -> Vec<Press> {
    let Some(spot) = spot(ui, ids, state) else { return Vec::new() };
    let mut presses = Vec::new();
    let mut took_arrow = false;
    ui.input_mut(|input| {
        let mut on = |modifiers: Modifiers, key: Key, press: Press| {
            let count = input.count_and_consume_key(modifiers, key);
            let arrows = [Key::ArrowUp, Key::ArrowDown, Key::ArrowLeft, Key::ArrowRight];
            took_arrow |= count > 0 && arrows.contains(&key);
            presses.extend(std::iter::repeat_n(press, count));
        };
        let (plain, shift) = (Modifiers::NONE, Modifiers::SHIFT);
        match spot {
            Spot::Search => {
                on(plain, Key::Escape, Press::Escape);
                on(plain, Key::ArrowDown, Press::ToFirstRow);
                on(plain, Key::Enter, Press::ToFirstRow);
            }
            Spot::Chip | Spot::NewRuns => {
                on(plain, Key::ArrowLeft, Press::Chips(-1));
                on(plain, Key::ArrowRight, Press::Chips(1));
                on(plain, Key::ArrowDown, Press::ToRows);
                on(plain, Key::ArrowUp, Press::ToSearch);
                on(plain, Key::Home, Press::Top { with_focus: false });
            }
            Spot::Head => {
                on(plain, Key::ArrowLeft, Press::Heads(-1));
                on(plain, Key::ArrowRight, Press::Heads(1));
                on(plain, Key::ArrowDown, Press::ToRows);
                on(plain, Key::ArrowUp, Press::ToSearch);
                on(plain, Key::Home, Press::Top { with_focus: false });
            }
            Spot::Row => {
                on(shift, Key::ArrowLeft, Press::Heads(-1));
                on(shift, Key::ArrowRight, Press::Heads(1));
                on(plain, Key::ArrowUp, Press::Rows(-1));
                on(plain, Key::ArrowDown, Press::Rows(1));
                on(plain, Key::PageUp, Press::Pages(-1));
                on(plain, Key::PageDown, Press::Pages(1));
                on(plain, Key::Home, Press::Top { with_focus: true });
                on(plain, Key::End, Press::Last);
                on(plain, Key::Enter, Press::Choose);
            }
        }
        if spot == Spot::Row {
            // Space means time everywhere; egui would take it for a click.
            input.consume_key(Modifiers::NONE, Key::Space);
        }
    });
    if took_arrow {
        // In the first frame of a focus egui moves it on by arrows all the same.
        ui.memory_mut(|memory| memory.move_focus(FocusDirection::None));
    }
    presses
}

/// Does what a press means. `columns` and the height of the list in points are those on screen.
pub(super) fn perform(
    ui: &Ui,
    ids: Ids,
    view: &RunsTableView,
    state: &mut RunsTableState,
    press: Press,
    (columns, height): (&Columns, f32),
) -> Option<Action> {
    let focus = |id: Id| ui.memory_mut(|memory| memory.request_focus(id));
    let count = state.order.rows().len();
    let page = (height / columns.row_height()).floor().max(2.0) as usize - 1;
    match press {
        Press::Escape if state.search.is_empty() => {
            ui.memory_mut(|memory| memory.surrender_focus(ids.search()));
        }
        Press::Escape => state.search.clear(),
        Press::ToSearch => focus(ids.search()),
        Press::ToFirstRow => go_to(ui, ids, state, 0),
        Press::ToRows => {
            let selected = view.focus.run();
            let known = state.cursor.as_ref().or(selected);
            let row = known.and_then(|run| state.order.row_of(run));
            let first = (state.offset / columns.row_height()).ceil() as usize;
            go_to(ui, ids, state, row.unwrap_or(first));
        }
        Press::Heads(by) => {
            let shown = columns.heads();
            let is_there = spot(ui, ids, state) == Some(Spot::Head);
            if let Some(place) = shown.iter().position(|column| *column == state.head)
                && is_there
            {
                let place = place.saturating_add_signed(by as isize).min(shown.len() - 1);
                state.head = shown[place];
            }
            focus(ids.head(state.head));
        }
        Press::Chips(by) => {
            state.chip = state.chip.saturating_add_signed(by as isize).min(CHIPS - 1);
            focus(ids.chip(state.chip));
        }
        Press::Rows(by) => move_by(ui, ids, state, by as isize),
        Press::Pages(by) => move_by(ui, ids, state, page as isize * by as isize),
        Press::Top { with_focus } => {
            state.let_in();
            state.refresh(ui, ids, view);
            state.scroll = Some(Scroll::Top);
            if with_focus {
                go_to(ui, ids, state, 0);
            }
        }
        Press::Last => go_to(ui, ids, state, count.saturating_sub(1)),
        Press::Choose => return state.cursor.clone().map(|run| choose(view, state, run)),
    }
    None
}

/// Returns the action of a press on a row: its run is selected, or opened if it is selected already.
pub(super) fn choose(view: &RunsTableView, state: &mut RunsTableState, run: RunId) -> Action {
    let is_selected = view.focus.run() == Some(&run) && !view.focus.is_following();
    if is_selected {
        return Action::Open(run);
    }
    state.selected_here = Some(run.clone());
    Action::SelectRun(run)
}

fn move_by(ui: &Ui, ids: Ids, state: &mut RunsTableState, by: isize) {
    let row = state.cursor.as_ref().and_then(|run| state.order.row_of(run)).unwrap_or(0);
    go_to(ui, ids, state, row.saturating_add_signed(by));
}

/// Puts the focus on a row, or on the last one, and brings it into view.
fn go_to(ui: &Ui, ids: Ids, state: &mut RunsTableState, row: usize) {
    let rows = state.order.rows();
    let row = row.min(rows.len().saturating_sub(1));
    if let Some(run) = rows.get(row).cloned() {
        ui.memory_mut(|memory| memory.request_focus(ids.row(&run)));
        state.cursor = Some(run);
        state.scroll = Some(Scroll::Reveal(row));
    }
}
