//! State of the table: what was typed and chosen, the order, and the place of the keyboard.

use std::time::Duration;

use bevy_egui::egui::{Id, Rect, Ui};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::columns::Column;
use super::order::{Hold, Request, RunOrder, Sorting};
use super::search::Needle;
use crate::app::state::focus::Focus;
use crate::app::state::run_store::RunStore;
use crate::export::TableForm;
use crate::model::RunStatus;
use crate::protocol::RunId;

/// Inputs of the table.
#[derive(Clone, Copy)]
pub(in crate::app::panel) struct RunsTableView<'a> {
    /// Runs that are shown.
    pub run_store: &'a RunStore,
    /// Run that is selected in every pane.
    pub focus: &'a Focus,
    /// Time that is shown, by this machine's clock.
    pub now: Timestamp,
    /// Time that is shown, by the server's clock.
    pub server_now: Timestamp,
    /// Time zone of the starts.
    pub zone: &'a TimeZone,
    /// True without a connection: no time to go is known then.
    pub is_offline: bool,
    /// True where there is one pane: rows have two lines.
    pub is_narrow: bool,
}

/// Choices that outlast the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app::panel) struct RunsTablePrefs {
    /// Column by which rows are sorted.
    pub sort: Column,
    /// True when the greatest value, or the newest run, stands first.
    pub descending: bool,
    /// Columns that the user has hidden.
    pub hidden: Vec<Column>,
}

impl Default for RunsTablePrefs {
    fn default() -> Self {
        let Sorting { column, descending } = Sorting::default();
        Self { sort: column, descending, hidden: Vec::new() }
    }
}

/// Text typed, filters, order and keyboard position of the table.
#[derive(Clone, Debug)]
pub(in crate::app::panel) struct RunsTableState {
    pub(super) search: String,
    pub(super) status: Option<RunStatus>,
    pub(super) prefs: RunsTablePrefs,
    pub(super) order: RunOrder,
    /// Row that has the keyboard focus, or had it last.
    pub(super) cursor: Option<RunId>,
    /// Head and chip that Tab reaches.
    pub(super) head: Column,
    pub(super) chip: usize,
    pub(super) wants_search: bool,
    /// True when the selected run is to be scrolled into view.
    pub(super) wants_selected: bool,
    pub(super) scroll: Option<Scroll>,
    /// Distance of the first row from the list's top edge, in points.
    pub(super) offset: f32,
    /// Rows on screen in the last frame.
    pub(super) rows_rect: Rect,
    /// Run that was selected in the last frame.
    pub(super) last_selected: Option<RunId>,
    /// Run that was selected by a press on its row.
    pub(super) selected_here: Option<RunId>,
    /// Form in which the user asked to save the listed runs.
    pub wants_export: Option<TableForm>,
}

impl Default for RunsTableState {
    fn default() -> Self {
        Self {
            search: String::new(),
            status: None,
            prefs: RunsTablePrefs::default(),
            order: RunOrder::default(),
            cursor: None,
            head: Sorting::default().column,
            chip: 0,
            wants_search: false,
            wants_selected: false,
            scroll: None,
            offset: 0.0,
            rows_rect: Rect::NOTHING,
            last_selected: None,
            selected_here: None,
            wants_export: None,
        }
    }
}

/// Movement of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scroll {
    Top,
    /// Least movement that brings a row into view.
    Reveal(usize),
    /// Movement of a row that is out of view to the middle.
    Centre(usize),
}

impl RunsTableState {
    /// Choices that outlast the session.
    pub(in crate::app::panel) fn prefs(&self) -> &RunsTablePrefs {
        &self.prefs
    }

    /// Restores the choices of an earlier session.
    pub(in crate::app::panel) fn set_prefs(&mut self, prefs: RunsTablePrefs) {
        self.prefs = prefs;
    }

    /// Forgets what was typed and chosen of a source, because another one begins.
    pub(in crate::app::panel) fn forget(&mut self) {
        *self = Self { prefs: self.prefs.clone(), ..Self::default() };
    }

    /// Puts the keyboard focus into the search field, with the next frame.
    pub(in crate::app::panel) fn focus_search(&mut self) {
        self.wants_search = true;
    }

    /// Lists the runs that came while the order was held, and goes to the top.
    pub(in crate::app::panel) fn let_in(&mut self) {
        self.order.let_in();
    }

    /// Listed runs in their order.
    pub(in crate::app::panel) fn listed(&self) -> &[RunId] {
        self.order.rows()
    }

    /// Returns the run so many listed rows below the given one; above, if negative. `None` where nothing moves.
    pub(in crate::app::panel) fn stepped(&self, from: Option<&RunId>, by: i32) -> Option<RunId> {
        let rows = self.listed();
        let by = isize::try_from(by).unwrap_or(0);
        let here = from.and_then(|run| rows.iter().position(|listed| listed == run));
        let there = match here {
            _ if by == 0 => return None,
            Some(here) => here.saturating_add_signed(by).min(rows.len().saturating_sub(1)),
            None => 0,
        };
        rows.get(there).filter(|run| Some(*run) != from).cloned()
    }

    /// Sorts by a column; by that which sorts already, the other way round.
    pub(super) fn sort_by(&mut self, column: Column) {
        let sorting =
            Sorting { column: self.prefs.sort, descending: self.prefs.descending }.pressed(column);
        (self.prefs.sort, self.prefs.descending) = (sorting.column, sorting.descending);
    }

    /// Returns the filters and the sorting that the user asks for.
    pub(super) fn request(&self) -> Request {
        Request {
            sorting: Sorting { column: self.prefs.sort, descending: self.prefs.descending },
            needle: Needle::new(&self.search),
            status: self.status,
        }
    }

    /// True when not all runs are asked for.
    pub(super) fn is_filtered(&self) -> bool {
        self.status.is_some() || !self.search.trim().is_empty()
    }

    /// Returns the reasons to hold the order.
    pub(super) fn hold(&self, ui: &Ui, ids: Ids, view: &RunsTableView) -> Hold {
        let focused = ui.memory(|memory| memory.focused());
        let selected = view.focus.run().filter(|_| !view.focus.is_following());
        Hold {
            pointed: ui.rect_contains_pointer(self.rows_rect),
            focused: self.cursor.as_ref().is_some_and(|id| focused == Some(ids.row(id))),
            selected: selected.is_some_and(|id| self.order.lists(id)),
            scrolled: self.offset > 0.5,
        }
    }

    /// Updates the order, and follows a selection that was made elsewhere.
    pub(super) fn refresh(&mut self, ui: &Ui, ids: Ids, view: &RunsTableView) {
        let now_secs = ui.input(|input| input.time);
        let (request, hold) = (self.request(), self.hold(ui, ids, view));
        if self.order.refresh(view.run_store, &request, hold, now_secs, view.server_now) {
            self.scroll = Some(Scroll::Top);
        }
        let selected = view.focus.run();
        let is_other = selected != self.last_selected.as_ref();
        let is_own = is_other && selected.is_some() && selected == self.selected_here.as_ref();
        self.last_selected = selected.cloned();
        // The selection moves by itself while the newest run is followed: the list does not.
        let is_chosen = is_other && !is_own && !view.focus.is_following();
        if let Some(id) = selected.filter(|_| is_chosen || self.wants_selected) {
            let is_new = !self.order.lists(id) && self.order.waiting().matching > 0;
            if is_new && !hold.pointed && !hold.focused {
                self.order.let_in();
                self.order.refresh(view.run_store, &request, hold, now_secs, view.server_now);
            }
            if let Some(row) = self.order.row_of(id) {
                self.scroll = Some(Scroll::Centre(row));
            }
        }
        self.wants_selected = false;
        if let Some(due_secs) = self.order.due_secs(view.run_store, now_secs) {
            ui.ctx().request_repaint_after(Duration::from_secs_f64(due_secs.min(1.0)));
        }
    }
}

/// Ids of the table's widgets.
#[derive(Clone, Copy)]
pub(super) struct Ids(pub Id);

impl Ids {
    pub(super) fn search(self) -> Id {
        self.0.with("search")
    }

    pub(super) fn chip(self, index: usize) -> Id {
        self.0.with(("chip", index))
    }

    /// Chip that lets new runs in.
    pub(super) fn new_runs(self) -> Id {
        self.0.with("new runs")
    }

    pub(super) fn head(self, column: Column) -> Id {
        self.0.with(("head", column.words()))
    }

    pub(super) fn row(self, run: &str) -> Id {
        self.0.with(("row", run))
    }

    pub(super) fn part(self, name: &str) -> Id {
        self.0.with(name)
    }
}
