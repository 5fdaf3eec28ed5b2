//! The inspector: everything that is known of one run, in sections that fold.
//!
//! | file | what it does |
//! | --- | --- |
//! | `view`, `state` | inputs; what is folded, chosen and searched |
//! | `choice` | what is chosen, in every section at once |
//! | `lines` | the run's lines of the log, and the fields in them that only the inspector shows |
//! | `head`, `operations` | song, story, step now, ids; the actions |
//! | `this_run`, `axis` | the run, the usual run and the attempt before as bars on one clock |
//! | `attempts` | the runs of the song |
//! | `fixes`, `verdicts` | scores before and after each fix |
//! | `step` | the attempts of one step and their values |
//! | `failure`, `failure_state`, `trace`, `ticket` | the last error, stack traces, what goes into a ticket |
//! | `artifacts`, `artifacts_state` | files and results |
//! | `raw`, `raw_state`, `json` | the events as received |
//! | `part`, `words` | widgets and words of several sections |

mod artifacts;
mod artifacts_state;
mod attempts;
pub(super) mod axis;
mod choice;
mod failure;
mod failure_state;
mod fixes;
mod head;
mod json;
mod lines;
mod operations;
pub(super) mod part;
mod raw;
mod raw_state;
mod state;
mod step;
mod this_run;
mod ticket;
mod trace;
mod verdicts;
mod view;
pub(super) mod words;

#[cfg(test)]
pub mod scenes;
#[cfg(test)]
mod tests;

use bevy_egui::egui::{Frame, Margin, ScrollArea, Ui};

pub(super) use self::choice::{Choice, shown_node};
pub(super) use self::lines::{ReadState, RunLines};
pub(super) use self::state::InspectorState;
pub(super) use self::ticket::ticket_text;
pub(super) use self::verdicts::Fixes;
pub(super) use self::view::{InspectorView, OpenSections};
use crate::app::state::actions::Action;
use crate::timeline::RunBars;

/// Room around the sections, in points.
const MARGIN: i8 = 16;

/// Shows the inspector in the whole room of `ui`, which it scrolls; returns the requested actions.
pub(super) fn inspector_ui(
    ui: &mut Ui,
    view: &InspectorView,
    state: &mut InspectorState,
) -> Vec<Action> {
    let mut actions = Vec::new();
    let Some(run) = view.run else {
        Frame::new().inner_margin(Margin::same(MARGIN)).show(ui, |ui| {
            part::quiet_ui(ui, "No run is selected. Select one in the list of runs.");
        });
        return actions;
    };
    let log = view.run_store.model.log();
    let is_reading = state.lines.update(log, run.id());
    let bars = RunBars::of(run, view.server_now);
    let choice = state.choice().cloned();
    state.lines.frame(run, choice.as_ref());
    let before = std::mem::take(&mut state.tops);
    let output =
        ScrollArea::vertical().id_salt("inspector").auto_shrink([false, false]).show(ui, |ui| {
            let top = ui.min_rect().top();
            let frame = Frame::new().inner_margin(Margin { bottom: 24, ..Margin::same(MARGIN) });
            frame.show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.spacing_mut().item_spacing.y = 4.0;
                actions.extend(head::head_ui(ui, view, run, state));
                let begin = |ui: &mut Ui, state: &mut InspectorState| {
                    part::rule_ui(ui);
                    state.tops.push(ui.cursor().top() - top);
                };
                begin(ui, state);
                actions.extend(this_run::this_run_ui(ui, view, (run, &bars), state));
                begin(ui, state);
                actions.extend(attempts::attempts_ui(ui, view, run, state));
                begin(ui, state);
                fixes::fixes_ui(ui, view, (run, &bars), state);
                begin(ui, state);
                step::step_ui(ui, view, (run, &bars), state);
                begin(ui, state);
                failure::failure_ui(ui, view, run, state);
                begin(ui, state);
                artifacts::artifacts_ui(ui, view, (run, &bars), state);
                begin(ui, state);
                raw::raw_ui(ui, view, run, state, is_reading);
            });
        });
    keep_place(ui, output.id, output.state, &before, &state.tops);
    actions
}

/// Scrolls by as much as the section at the upper edge moved, when what is above it grew or shrank.
fn keep_place(
    ui: &Ui,
    id: bevy_egui::egui::Id,
    mut scroll: bevy_egui::egui::scroll_area::State,
    before: &[f32],
    now: &[f32],
) {
    let offset = scroll.offset.y;
    let Some(place) = before.iter().rposition(|top| *top <= offset) else { return };
    let moved = now.get(place).map_or(0.0, |top| top - before[place]);
    if moved.abs() > 0.5 {
        scroll.offset.y = (offset + moved).max(0.0);
        scroll.store(ui.ctx(), id);
        ui.ctx().request_discard("the inspector keeps its place");
    }
}
