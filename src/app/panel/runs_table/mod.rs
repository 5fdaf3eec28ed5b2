//! Table of runs for the desk: columns, sorting, search, filter by status, and an order that is held while
//! somebody looks at a row.
//!
//! | part | what it does |
//! | --- | --- |
//! | `state` | what was typed and chosen, and the place of the keyboard |
//! | `columns`, `layout` | places of the columns and of the parts for each size |
//! | `order`, `search` | which runs are listed in which order; what a search finds |
//! | `row`, `row_ui`, `fit` | a run in words; its row; lines that fit a column |
//! | `tools`, `chips`, `heads`, `list` | title and search; filters; heads; rows |
//! | `keys`, `focus` | the keyboard within the table |
//! | `export` | listed runs as CSV or NDJSON |

mod chips;
mod columns;
mod export;
mod fit;
mod focus;
mod heads;
mod keys;
mod layout;
mod list;
mod order;
mod row;
mod row_ui;
mod search;
mod state;
mod tools;

#[cfg(test)]
mod tests;

use bevy_egui::egui::{Sense, Ui};

use self::chips::{chips_ui, new_chip_ui};
use self::columns::Columns;
pub(super) use self::export::export_runs;
use self::heads::heads_ui;
use self::layout::Layout;
use self::list::{foot_ui, list_ui};
use self::state::Ids;
pub(super) use self::state::{RunsTablePrefs, RunsTableState, RunsTableView};
use self::tools::{search_field_ui, title_ui};
use super::style::{self, ink};
use crate::app::state::actions::Action;

/// Shows the table in what is left of `ui`; returns the requested actions.
pub(super) fn runs_table_ui(
    ui: &mut Ui,
    view: &RunsTableView,
    state: &mut RunsTableState,
) -> Vec<Action> {
    let rect = ui.available_rect_before_wrap();
    let ids = Ids(ui.id().with("runs table"));
    let palette = style::palette(ui.ctx());
    ui.painter().rect_filled(rect, 0.0, ink(palette.panel_bottom));
    let columns = Columns::of(rect.width(), view.is_narrow, &state.prefs.hidden);
    let mut actions = Vec::new();
    let presses = keys::take(ui, ids, state);
    let layout = Layout::of(rect, &columns);
    search_field_ui(ui, ids, &layout, state);
    state.refresh(ui, ids, view);
    let rows_height = layout.rows.height();
    for press in presses {
        actions.extend(keys::perform(ui, ids, view, state, press, (&columns, rows_height)));
    }
    let title_end = title_ui(ui, ids, (&layout, &columns), view, state);
    let chips_end = chips_ui(ui, ids, &layout, state);
    new_chip_ui(ui, ids, &layout, (title_end, chips_end), state);
    heads_ui(ui, ids, &layout, &columns, state);
    actions.extend(list_ui(ui, ids, &layout, &columns, view, state));
    foot_ui(ui, ids, &layout, view, state);
    ui.allocate_rect(rect, Sense::hover());
    actions
}
