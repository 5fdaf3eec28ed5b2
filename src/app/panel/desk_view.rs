//! Fills the desk: gives each pane what it shows, and turns what was asked for in it into actions.

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;
use bevy_egui::egui::{self, Ui};

use super::compare::{CompareState, CompareView, compare_ui};
use super::desk::{DeskState, FootView, Form, Pane, TopBarView, desk_ui};
use super::inspector::{Choice, InspectorState, InspectorView, inspector_ui, ticket_text};
use super::log::{LogState, LogView, events_ui};
use super::runs_table::{RunsTableState, RunsTableView, export_runs, runs_table_ui};
use super::state::{Chosen, PanelState, PanelView};
use crate::app::draw::DrawClock;
use crate::app::overlays::notices::{Notice, Notices};
use crate::app::state::actions::Action;
use crate::app::state::chrome::{Chrome, KeyboardFocus};
use crate::app::state::desk::{ControlsScale, Desk};
use crate::app::state::opening::can_be_remembered;
use crate::app::state::rewind::PastView;
use crate::app::state::view::View;
use crate::app::views::bridge::TransportView;
use crate::app::views::chrome::ViewChrome;
use crate::app::views::counts::RunCounts;
use crate::model::Run;
use crate::protocol::{NodeName, RunId};
use crate::source::SourceSpec;

/// Inputs of the desk besides those of the panel.
#[derive(SystemParam)]
pub(super) struct DeskInput<'w> {
    pub view: Res<'w, View>,
    chrome: Option<Res<'w, ViewChrome>>,
    counts: Res<'w, RunCounts>,
    draw_clock: Res<'w, DrawClock>,
    pub scale: Res<'w, ControlsScale>,
    desk: ResMut<'w, Desk>,
    pub focus: ResMut<'w, KeyboardFocus>,
    /// Windows that may stand above the desk.
    ui: Option<Res<'w, Chrome>>,
}

impl DeskInput<'_> {
    /// Copies the run that is asked for as text for a ticket, and says so.
    pub(super) fn copy_run(
        &mut self,
        ctx: &egui::Context,
        view: &PanelView,
        notices: &mut Notices,
        state: &PanelState,
    ) {
        let wanted = self.desk.bypass_change_detection().wants_copy.take();
        let Some(run) = wanted.and_then(|id| view.run_store.model.run(&id)) else { return };
        let place = state.inspector.choice().filter(|choice| choice.run == *run.id());
        let place = place.and_then(|choice| Some((choice.node.as_deref()?, choice.attempt)));
        ctx.copy_text(ticket_text(run, place, view.run_store, view.server_now, view.zone));
        let name = view.run_store.name(run);
        let notice = Notice::of_display("Copied", name, false, view.live_now);
        notices.tell(notice, self.draw_clock.secs);
    }

    /// True while something has the place of the runs.
    pub(super) fn covers_runs(&self, ctx: &egui::Context, state: &PanelState) -> bool {
        self.desk.is_comparing || state.desk.covers_runs(ctx)
    }

    /// Shows a pane, in place of a comparison.
    fn show_pane(&mut self, state: &mut PanelState, pane: Pane) {
        state.desk.shown = pane;
        self.desk.bypass_change_detection().is_comparing = false;
    }

    /// Ends the comparison, or goes back to the runs where another pane has their place.
    fn go_back(&mut self, ctx: &egui::Context, state: &mut PanelState) {
        let was_comparing = std::mem::take(&mut self.desk.bypass_change_detection().is_comparing);
        if !was_comparing && state.desk.covers_runs(ctx) {
            state.desk.shown = Pane::Runs;
        }
    }

    /// Shows the desk; returns the requested actions.
    pub(super) fn show(
        &mut self,
        ctx: &egui::Context,
        view: &PanelView,
        notices: &mut Notices,
        state: &mut PanelState,
    ) -> Vec<Action> {
        let is_free =
            *self.focus == KeyboardFocus::View || matches!(*self.focus, KeyboardFocus::List { .. });
        let is_covered = self.ui.as_ref().is_some_and(|ui| ui.help || ui.palette || ui.settings)
            || view.operations.dialog.is_some()
            || state.log.opened.is_some();
        if is_free && !is_covered && ctx.input(|input| input.key_pressed(egui::Key::Escape)) {
            self.go_back(ctx, state);
        }
        if self.desk.wants_search {
            self.desk.bypass_change_detection().wants_search = false;
            self.show_pane(state, Pane::Runs);
            state.table.focus_search();
        }
        let past = view.run_store.shown_past();
        let key = (
            view.live_now.as_second(),
            past.map(|past| (past.at, past.is_playing)),
            view.run_store.jumps(),
        );
        let made = state.transport.take().filter(|(made_from, _)| *made_from == key);
        let transport = made.unwrap_or_else(|| {
            let live = PastView { at: view.live_now, is_playing: true, speed: 1.0 };
            let shown = past.unwrap_or(live);
            (key, TransportView::of(view.run_store, &shown, view.link.present(), view.live_now))
        });
        let now = self.draw_clock.secs;
        let news = notices
            .toasts
            .standing()
            .map(|toast| (format!("{} {}", toast.title(), toast.words(now)), toast.is_bad()));
        let top_bar = TopBarView {
            counts: *self.counts,
            clock: self.chrome.as_ref().and_then(|chrome| chrome.clock_words()).unwrap_or(""),
            news,
            is_past: past.is_some(),
            zone: view.zone,
        };
        let foot = FootView {
            bridge: self.chrome.as_ref().and_then(|chrome| chrome.bridge()),
            transport: &transport.1,
            past,
        };
        // The desk begins with the events of the run that is selected.
        if !std::mem::replace(&mut state.desk.was_shown, true) {
            state.log.show_all_runs(false);
        }
        let mut chosen_tab = None;
        let shown = state.desk.shown;
        let PanelState { desk, table, inspector, compare, log, .. } = state;
        let is_offline = self.chrome.as_ref().is_some_and(|chrome| chrome.is_lost());
        let mut actions = desk_ui(
            ctx,
            (&top_bar, notices),
            &foot,
            (desk, self.desk.is_comparing),
            |ui, pane, form| {
                let mut panes = Panes { table, inspector, compare, log };
                if form != Form::Three && matches!(pane, Pane::Inspector | Pane::Events) {
                    chosen_tab = chosen_tab.or(tabs_ui(ui, shown, form));
                }
                pane_ui(ui, pane, (form, is_offline), view, &mut panes)
            },
        );
        if let Some(pane) = chosen_tab {
            self.show_pane(state, pane);
        }
        if couple(state) {
            self.show_pane(state, Pane::Events);
        }
        let by = std::mem::take(&mut self.desk.bypass_change_detection().wants_step);
        if let Some(run) = state.table.stepped(view.focus.run(), by) {
            actions.push(Action::SelectRun(run));
        }
        // Where there is one pane, a run that is opened is shown in it.
        if DeskState::is_alone(ctx) && actions.iter().any(|it| matches!(it, Action::Open(_))) {
            actions.retain(|action| !matches!(action, Action::Open(_)));
            self.show_pane(state, Pane::Inspector);
        }
        let wants_export = self.desk.bypass_change_detection().wants_export.take();
        if let Some(form) = state.table.wants_export.take().or(wants_export) {
            let text = export_runs(view.run_store, state.table.listed(), form);
            let name = format!("runs.{}", form.extension());
            actions.push(Action::SaveFile { name, text });
        }
        state.transport = Some(transport);
        actions
    }
}

/// Inputs of the event log.
fn log_view<'a>(view: &PanelView<'a>) -> LogView<'a> {
    LogView { run_store: view.run_store, run: view.focus.run(), zone: view.zone }
}

/// Shows the panes that share a place as tabs; returns the one that was pressed.
fn tabs_ui(ui: &mut Ui, shown: Pane, form: Form) -> Option<Pane> {
    let mut pressed = None;
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        ui.add_space(16.0);
        let tabs = [(Pane::Runs, "Runs"), (Pane::Inspector, "Details"), (Pane::Events, "Events")];
        // Beside the runs there is no tab for them.
        for (pane, name) in tabs.into_iter().skip(usize::from(form == Form::Two)) {
            let is_shown = (shown == Pane::Events) == (pane == Pane::Events) && pane != Pane::Runs;
            if ui.selectable_label(is_shown, name).clicked() {
                pressed = Some(pane);
            }
        }
    });
    pressed
}

/// Command line that shows a run of this source; `None` where the source cannot be named in it.
fn command_of(view: &PanelView, run: &Run) -> Option<String> {
    let source = view.link.source.as_ref().filter(|source| can_be_remembered(source))?;
    let named = match source {
        SourceSpec::Recording(files) => {
            files.paths().iter().map(|it| it.display().to_string()).collect()
        }
        source => vec![source.address().to_owned()],
    };
    let quoted = |word: &str| {
        let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "-_./:@%+,".contains(sign);
        match !word.is_empty() && word.chars().all(is_plain) {
            true => word.to_owned(),
            false => format!("'{}'", word.replace('\'', r"'\''")),
        }
    };
    let words: Vec<String> = named.iter().map(|word| quoted(word)).collect();
    Some(format!("meterbridge {} --run {}", words.join(" "), quoted(run.id())))
}

/// States of the panes.
struct Panes<'a> {
    table: &'a mut RunsTableState,
    inspector: &'a mut InspectorState,
    compare: &'a mut CompareState,
    log: &'a mut LogState,
}

/// Shows a pane of the desk; returns the requested actions.
fn pane_ui(
    ui: &mut Ui,
    pane: Pane,
    (form, is_offline): (Form, bool),
    view: &PanelView,
    panes: &mut Panes,
) -> Vec<Action> {
    let (run_store, focus, server_now) = (view.run_store, view.focus, view.server_now);
    let run = focus.run().and_then(|id| run_store.model.run(id));
    match (pane, run) {
        (Pane::Runs, _) => {
            let shown = RunsTableView {
                run_store,
                focus,
                now: view.now,
                server_now,
                zone: view.zone,
                is_offline,
                is_narrow: form == Form::One,
            };
            runs_table_ui(ui, &shown, panes.table)
        }
        (Pane::Compare, Some(run)) => {
            let (a, b) = panes.compare.sides(run, run_store);
            let shown = CompareView { run_store, a, b, server_now, zone: view.zone };
            compare_ui(ui, &shown, panes.compare)
        }
        (Pane::Inspector | Pane::Compare, run) => {
            let command = run.and_then(|run| command_of(view, run));
            let shown = InspectorView {
                run_store,
                run,
                server_now,
                zone: view.zone,
                operations: view.operations,
                acting: view.link.acting(),
                is_offline,
                is_pinned: !focus.is_following(),
                share: view.share,
                command: command.as_deref(),
            };
            inspector_ui(ui, &shown, panes.inspector)
        }
        (Pane::Events, _) => events_ui(ui, &log_view(view), panes.log),
    }
}

/// Brings the choices in events and details in step: what is chosen in one of them is chosen in both. Returns true
/// when the events are to be shown.
fn couple(state: &mut PanelState) -> bool {
    let of_log = state.log.chosen();
    if of_log != state.chosen.of_log {
        // An event that was chosen in the details keeps its frame there.
        let is_same = |(run, node, _): &(RunId, Option<NodeName>, Option<u32>)| {
            let chosen = state.inspector.choice();
            chosen.is_some_and(|it| it.run == *run && it.node == *node && it.event.is_some())
        };
        if let Some((run, node, attempt)) = of_log.clone().filter(|chosen| !is_same(chosen)) {
            let attempt = attempt.unwrap_or(0);
            state.inspector.choose(Some(Choice { run, node, attempt, event: None }));
        }
    } else if state.inspector.choice() != state.chosen.of_inspector.as_ref()
        && let Some(choice) = state.inspector.choice()
    {
        match (choice.event, &choice.node) {
            (Some(event), _) => state.log.show_event(event),
            (None, Some(node)) => {
                let attempt = Some(choice.attempt).filter(|attempt| *attempt > 0);
                state.log.show_node(&choice.run, node, attempt);
            }
            (None, None) => {}
        }
    }
    let wanted = state.inspector.wants_log.take();
    if let Some((run, node)) = &wanted {
        state.log.show_node(run, node, None);
    }
    let of_inspector = state.inspector.choice().cloned();
    state.chosen = Chosen { of_log: state.log.chosen(), of_inspector };
    wanted.is_some()
}
