//! Fills the desk: gives each pane what it shows, and turns what was asked for in it into actions.

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;
use bevy_egui::egui::{self, Ui};

use super::desk::{DeskState, FootView, Form, Pane, TopBarView, desk_ui};
use super::log::{LogState, LogView, events_ui};
use super::node::{NodeChoice, NodeView, node_ui};
use super::runs_table::{RunsTableState, RunsTableView, export_csv, runs_table_ui};
use super::state::{PanelState, PanelView, Unfolded};
use crate::app::draw::DrawClock;
use crate::app::overlays::notices::Notices;
use crate::app::state::actions::Action;
use crate::app::state::chrome::KeyboardFocus;
use crate::app::state::desk::{ControlsScale, Desk};
use crate::app::state::rewind::PastView;
use crate::app::state::view::View;
use crate::app::views::bridge::TransportView;
use crate::app::views::chrome::ViewChrome;
use crate::app::views::counts::RunCounts;

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
}

impl DeskInput<'_> {
    /// Shows the desk; returns the requested actions.
    pub(super) fn show(
        &mut self,
        ctx: &egui::Context,
        view: &PanelView,
        notices: &Notices,
        state: &mut PanelState,
    ) -> Vec<Action> {
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
            (key, TransportView::of(view.run_store, &shown, view.live_now))
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
            unread: notices.unread(),
        };
        let foot = FootView {
            bridge: self.chrome.as_ref().and_then(|chrome| chrome.bridge()),
            transport: &transport.1,
            past,
        };
        if ctx.input(|input| input.key_pressed(egui::Key::Escape)) {
            state.desk.back(ctx);
        }
        if self.desk.wants_search {
            self.desk.bypass_change_detection().wants_search = false;
            state.desk.show(Pane::Runs);
            state.table.focus_search();
        }
        let PanelState { desk, table, node, log, unfolded, .. } = state;
        let is_offline = self.chrome.as_ref().is_some_and(|chrome| chrome.is_lost());
        let mut actions = desk_ui(ctx, &top_bar, &foot, desk, |ui, pane, form| {
            pane_ui(ui, pane, (form, is_offline), view, (table, node, log), unfolded)
        });
        // The details show the step of the event that is chosen.
        let chosen = state.log.chosen().and_then(|(run, node, _)| Some((run, node?)));
        if state.chosen != chosen {
            if let Some((run, node)) = &chosen {
                state.node.choose(run.clone(), node.clone());
            }
            state.chosen = chosen;
        }
        // Where there is one pane, a run that is opened is shown in it.
        if DeskState::is_alone(ctx) && actions.iter().any(|it| matches!(it, Action::Open(_))) {
            actions.retain(|action| !matches!(action, Action::Open(_)));
            state.desk.show(Pane::Inspector);
        }
        if std::mem::take(&mut state.table.wants_export) {
            let text = export_csv(view.run_store, state.table.listed());
            actions.push(Action::SaveFile { name: "runs.csv".to_owned(), text });
        }
        if let Some(form) = state.log.wants_export.take() {
            let lines = log_view(view);
            let text = state.log.exported(&lines, form);
            let name = format!("events.{}", form.extension());
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

/// Shows a pane of the desk; returns the requested actions.
fn pane_ui(
    ui: &mut Ui,
    pane: Pane,
    (form, is_offline): (Form, bool),
    view: &PanelView,
    (table, node, log): (&mut RunsTableState, &mut NodeChoice, &mut LogState),
    unfolded: &mut Unfolded,
) -> Vec<Action> {
    let (run_store, focus, now) = (view.run_store, view.focus, view.server_now);
    let run = focus.run().and_then(|id| run_store.model.run(id));
    match pane {
        Pane::Runs => {
            let shown = RunsTableView {
                run_store,
                focus,
                now: view.now,
                server_now: now,
                zone: view.zone,
                is_offline,
                is_narrow: form == Form::One,
            };
            runs_table_ui(ui, &shown, table)
        }
        Pane::Inspector => {
            let shown = NodeView { run, run_store, server_now: now, zone: view.zone };
            node_ui(ui, &shown, &mut unfolded.node, node)
        }
        Pane::Events => events_ui(ui, &log_view(view), log),
    }
}
