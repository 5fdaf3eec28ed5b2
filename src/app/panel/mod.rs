//! The egui side panel (connection, runs, operations, run in focus, notices, event log), the help and
//! the dialogs.
//!
//! The panel reads the model and writes [`Action`]s; it never changes the model. Sections show and
//! return values that do not depend on Bevy, so they are tested without a window.

mod compare;
mod confirm_dialog;
mod connection;
mod connection_log;
mod copied;
mod desk;
mod desk_view;
mod glyph;
mod help;
mod inspector;
mod legend;
mod log;
pub mod memory;
mod node;
mod notices;
mod palette;
mod run_operations;
mod run_words;
mod runs;
mod runs_table;
mod sources;
mod state;
mod step_track;
mod style;
mod wake;
mod widgets;

#[cfg(test)]
mod testing;

use bevy::prelude::*;
use bevy::winit::EventLoopProxyWrapper;
use bevy_egui::egui::{self, Align, Id, LayerId, Layout, Panel, Rangef, RichText, ScrollArea, Ui};
use bevy_egui::{EguiContexts, EguiPrimaryContextPass};

use self::connection::{ConnectionView, connection_ui};
use self::desk_view::DeskInput;
use self::log::{LogView, log_ui};
use self::node::{NodeView, node_ui};
use self::notices::{notices_ui, unread_words};
use self::run_operations::{RunOperationsView, run_operations_ui};
use self::runs::runs_ui;
use self::sources::SourcesView;
use self::state::{PanelState, PanelView};
use self::style::space;
use self::wake::RepaintFilter;
use super::draw::{DrawClock, Faults, guarded_without_card};
use super::theme::{Theme, ThemeChoice};
use crate::app::control::run_operations::RunOperations;
use crate::app::overlays::notices::Notices;
use crate::app::state::actions::Action;
use crate::app::state::chrome::{Chrome, KeyboardFocus, PanelDialog};
use crate::app::state::clock::{PlaybackClock, local_zone};
use crate::app::state::desk::{ControlsScale, Desk};
use crate::app::state::first_start::FirstStart;
use crate::app::state::focus::Focus;
use crate::app::state::link::Link;
use crate::app::state::opening::{BeingOpened, RecentSources};
use crate::app::state::presence::{Presence, ScreenSleepWarning};
use crate::app::state::run_store::{RunStore, SourceReplaced};
use crate::app::state::view::View;
use crate::app::state::viewport::PanelArea;
use crate::app::systems::AppSystems;
use crate::app::views::counts::RunCounts;
use crate::bounded::bounded;
use crate::config::ThemeName;
use crate::layout::CanvasSize;

const WIDTH: f32 = 556.0;
const WIDTH_RANGE: Rangef = Rangef { min: 480.0, max: 720.0 };
/// Height reserved for the event log in a low window, in points.
const LOG_HEIGHT: f32 = 210.0;
/// Height of the event log's title when folded, in points.
const FOLDED: f32 = 44.0;

/// Address of a page with the same view; `None` where there is none.
#[derive(Resource, Clone, Debug, Default, PartialEq, Eq)]
pub struct ShareLink(pub Option<String>);

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<PanelArea>()
        .init_resource::<PanelDialog>()
        .init_resource::<PanelState>()
        .init_resource::<ShareLink>()
        .init_resource::<Presence>()
        .init_resource::<ScreenSleepWarning>()
        .init_resource::<Theme>()
        .init_resource::<ThemeChoice>()
        .init_resource::<RunOperations>()
        .init_resource::<Notices>()
        .init_resource::<Faults>()
        .init_resource::<RecentSources>()
        .init_resource::<BeingOpened>()
        .init_resource::<KeyboardFocus>()
        .init_resource::<Desk>()
        .init_resource::<ControlsScale>()
        .init_resource::<RunCounts>()
        .init_resource::<DrawClock>()
        .init_resource::<palette::PaletteState>()
        .init_resource::<memory::PanelMemory>()
        .init_resource::<FirstStart>()
        .add_systems(Startup, memory::restore)
        .add_systems(Update, memory::remember.in_set(AppSystems::Tell))
        .add_message::<SourceReplaced>()
        .add_systems(Update, forget.run_if(on_message::<SourceReplaced>).in_set(AppSystems::Sync))
        // Without a context there is nothing to show the panel in, which is no fault.
        .add_systems(
            EguiPrimaryContextPass,
            (
                guarded_without_card("the panel", show.map(drop::<Result>), close),
                guarded_without_card("the palette", palette::show.map(drop::<Result>), close),
            )
                .chain(),
        );
}

/// Closes the panel and what stands above it, after a panic.
fn close(
    mut chrome: ResMut<Chrome>,
    mut operations: ResMut<RunOperations>,
    mut state: ResMut<PanelState>,
) {
    (chrome.panel, chrome.help, chrome.palette) = (false, false, false);
    operations.dialog = None;
    *state = PanelState::default();
}

/// Forgets what was chosen of a source, because another one begins.
fn forget(mut state: ResMut<PanelState>) {
    let PanelState { unfolded, mut desk, mut table, mut inspector, asked, .. } =
        std::mem::take(&mut *state);
    table.forget();
    desk.is_comparing = false;
    inspector.forget();
    *state = PanelState { unfolded, desk, table, inspector, asked, ..PanelState::default() };
}

/// Returns size and file of the recording that is being made.
fn recording_of(link: &Link) -> Option<(String, String)> {
    let summary = link.settings.recorder.as_ref()?.summary();
    Some((crate::text::size_words(summary.bytes), summary.path.display().to_string()))
}

#[expect(clippy::too_many_arguments, reason = "a system names what it reads")]
fn show(
    mut contexts: EguiContexts,
    run_store: Res<RunStore>,
    (link, recent, being_opened): (Res<Link>, Res<RecentSources>, Res<BeingOpened>),
    focus: Res<Focus>,
    chrome: Res<Chrome>,
    (presence, share, sleep_warning): (Res<Presence>, Res<ShareLink>, Res<ScreenSleepWarning>),
    clock: Res<PlaybackClock>,
    (theme, choice): (Res<Theme>, Res<ThemeChoice>),
    (mut operations, mut notices): (ResMut<RunOperations>, ResMut<Notices>),
    mut state: ResMut<PanelState>,
    (mut area, mut dialog): (ResMut<PanelArea>, ResMut<PanelDialog>),
    mut actions: MessageWriter<Action>,
    proxy: Option<Res<EventLoopProxyWrapper>>,
    mut wakes: Local<RepaintFilter>,
    mut surroundings: DeskInput,
) -> Result {
    let ctx = contexts.ctx_mut()?.clone();
    let hides_panel = presence.hides_panel();
    let asks = operations.dialog.is_some();
    // The desk has nothing below it that could be shown while nobody is present.
    let on_desk = *surroundings.view == View::Desk;
    // In a text field it deletes the rest of the line.
    ctx.input_mut(|input| input.consume_key(egui::Modifiers::COMMAND, egui::Key::K));
    let shown = (chrome.panel && !hides_panel) || on_desk || chrome.help || chrome.palette || asks;
    wakes.forward_while(shown, &ctx, proxy.as_deref());
    let width_px = ctx.viewport_rect().width() * ctx.zoom_factor();
    if width_px < 1.0 {
        // There is no window yet: egui would remember the panel at a width of nothing.
        return Ok(());
    }
    scale(&ctx, surroundings.scale.0);
    if !style::install_style(&ctx, *theme) {
        return Ok(());
    }
    #[cfg(not(target_arch = "wasm32"))]
    if shown {
        style::add_system_fonts(&ctx);
    }
    let stream = link.stream();
    let view = PanelView {
        run_store: &run_store,
        link: &link,
        stream: stream.as_ref(),
        recent: &recent,
        being_opened: &being_opened,
        recording: recording_of(&link),
        focus: &focus,
        live_now: clock.live_now,
        now: clock.now,
        server_now: clock.server_now,
        zone: &local_zone(),
        share: share.0.as_deref(),
        theme: choice.0,
        operations: &operations,
        sleep_warning: sleep_warning.0.as_deref(),
    };
    let mut width_px = 0.0;
    // The panel is hidden while nobody is present, and keeps its state until then.
    let has_room = ctx.viewport_rect().width() >= WIDTH_RANGE.min;
    let panel = chrome.panel && !hides_panel && !on_desk && has_room;
    if on_desk {
        actions.write_batch(surroundings.show(&ctx, &view, &mut notices, &mut state));
    } else if panel {
        let (width, wanted) = side_panel_ui(&ctx, &view, &mut notices, &mut state);
        width_px = (width * ctx.zoom_factor()).round();
        actions.write_batch(wanted);
    }
    if !hides_panel
        && let Some(entry) = &state.log.opened
        && (!log::entry_ui(&ctx, entry)
            || !(chrome.panel || on_desk)
            || ctx.input(|input| input.key_pressed(egui::Key::Escape)))
    {
        state.log.opened = None;
    }
    let covers = on_desk && state.desk.covers_runs(&ctx);
    dialog.set_if_neq(PanelDialog(!hides_panel && state.log.opened.is_some() || asks || covers));
    if chrome.help {
        actions.write_batch(help::help_ui(&ctx, operations.allowed, link.is_demo()));
    }
    let is_new = asks && !state.asked;
    if state.asked != asks {
        state.asked = asks;
    }
    if let Some(dialog) = operations.bypass_change_detection().dialog.as_mut() {
        actions.write_batch(confirm_dialog::confirm_dialog_ui(&ctx, dialog, &run_store, is_new));
    }
    area.set_if_neq(PanelArea { width_px });
    surroundings.focus.set_if_neq(keyboard_focus(&ctx));
    Ok(())
}

/// Returns the element that has the keyboard's focus.
fn keyboard_focus(ctx: &egui::Context) -> KeyboardFocus {
    let focused = ctx.memory(|memory| memory.focused());
    let list = focused.and_then(|id| widgets::list_focus(ctx, id));
    match (focused, list) {
        _ if ctx.text_edit_focused() => KeyboardFocus::Text,
        _ if ctx.any_popup_open() => KeyboardFocus::Control,
        (Some(_), Some(has_failures)) => KeyboardFocus::List { has_failures },
        (Some(_), None) => KeyboardFocus::Control,
        (None, _) => KeyboardFocus::View,
    }
}

/// Scales egui up on a window that is taller than the design; never down, because text would become
/// smaller than its least size. The user may enlarge or shrink it further.
fn scale(ctx: &egui::Context, by_user: f32) {
    let height = ctx.viewport_rect().height() * ctx.zoom_factor();
    // A window that is too narrow for the panel keeps its controls at their own size.
    let width = ctx.viewport_rect().width() * ctx.zoom_factor();
    let own = bounded(height / CanvasSize::HEIGHT, 1.0, 4.0);
    let wanted = own * by_user.min((width / (WIDTH_RANGE.min * own)).max(1.0));
    if (wanted - ctx.zoom_factor()).abs() > 0.005 {
        ctx.set_zoom_factor(wanted);
    }
}

/// Shows the panel at the right edge; returns its width in points, and the requested actions.
fn side_panel_ui(
    ctx: &egui::Context,
    view: &PanelView,
    notices: &mut Notices,
    state: &mut PanelState,
) -> (f32, Vec<Action>) {
    let palette = style::palette(ctx);
    let mut root = Ui::new(
        ctx.clone(),
        Id::new("window"),
        egui::UiBuilder::new().layer_id(LayerId::background()).max_rect(ctx.viewport_rect()),
    );
    let response = Panel::right(Id::new("panel"))
        .resizable(true)
        .size_range(WIDTH_RANGE)
        .default_size(WIDTH)
        .show_separator_line(false)
        .frame(style::panel_frame(palette))
        .show(&mut root, |ui| {
            // A panel otherwise shrinks to its contents.
            ui.set_min_width(ui.available_width());
            panel_ui(ui, view, notices, state)
        });
    let rect = response.response.rect;
    let edge = egui::Stroke::new(1.5, style::ink(palette.line));
    root.painter().vline(rect.left() + 0.75, rect.y_range(), edge);
    (rect.width(), response.inner)
}

/// Shows the panel's contents; returns the requested actions.
fn panel_ui(
    ui: &mut Ui,
    view: &PanelView,
    notices: &mut Notices,
    state: &mut PanelState,
) -> Vec<Action> {
    let mut actions = Vec::new();
    let unread = notices.unread();
    let wants_notices = head_ui(ui, view.share, unread, &mut actions);
    state.unfolded.notices |= wants_notices;
    theme_ui(ui, view.theme, &mut actions);
    widgets::rule_ui(ui);
    if let Some(sleep_warning) = view.sleep_warning {
        ui.weak(sleep_warning);
        widgets::rule_ui(ui);
    }
    let PanelState { unfolded, connection, runs, node, log, .. } = state;
    let height = ui.available_height();
    let kept = if unfolded.log { LOG_HEIGHT.min(height * 0.45) } else { FOLDED };
    let model = &view.run_store.model;
    ScrollArea::vertical()
        .id_salt("sections")
        .max_height(height - kept)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            let counters = view.run_store.live().counters();
            let sources = SourcesView {
                source: view.link.source.as_ref(),
                stream: view.stream,
                recent: Some(view.recent),
                being_opened: Some(view.being_opened),
                recording: view.recording.as_ref(),
            };
            let link = ConnectionView::new(view.link, sources, counters, view.live_now, view.zone);
            actions.extend(connection_ui(ui, &link, &mut unfolded.connection, connection));
            widgets::rule_ui(ui);
            let rows = bounded((height * 0.15 / space::ROW) as usize, 3, 12);
            let (run_store, focus, now) = (view.run_store, view.focus, view.server_now);
            actions.extend(runs_ui(ui, run_store, focus, now, rows, &mut unfolded.runs, runs));
            widgets::rule_ui(ui);
            let run = focus.run().and_then(|id| model.run(id));
            if view.operations.allowed {
                let shown = RunOperationsView {
                    operations: view.operations,
                    run,
                    acting: view.link.acting(),
                };
                actions.extend(run_operations_ui(ui, &shown, &mut unfolded.operations));
                widgets::rule_ui(ui);
            }
            let shown = NodeView { run, run_store, server_now: now, zone: view.zone };
            actions.extend(node_ui(ui, &shown, &mut unfolded.node, node));
            widgets::rule_ui(ui);
            actions.extend(notices_ui(ui, notices, view.zone, &mut unfolded.notices));
            if wants_notices {
                ui.scroll_to_cursor(Some(Align::BOTTOM));
            }
        });
    widgets::rule_ui(ui);
    let lines = LogView { run_store: view.run_store, run: view.focus.run(), zone: view.zone };
    actions.extend(log_ui(ui, &lines, &mut unfolded.log, log));
    actions
}

/// Shows the choice of themes.
fn theme_ui(ui: &mut Ui, chosen: ThemeName, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.weak("Colours");
        for theme in ThemeName::ALL {
            let name = match theme {
                ThemeName::Auto => "system",
                ThemeName::Dark => "dark",
                ThemeName::Light => "light",
                ThemeName::HighContrast => "high contrast",
            };
            if ui.selectable_label(theme == chosen, name).clicked() {
                actions.push(Action::ChooseTheme(theme));
            }
        }
    });
}

/// Shows the panel's head; returns true when the user asks for the notices.
fn head_ui(ui: &mut Ui, share: Option<&str>, unread: usize, actions: &mut Vec<Action>) -> bool {
    let mut wants_notices = false;
    ui.horizontal(|ui| {
        ui.label(RichText::new("Panel").font(style::semibold(style::text::HEAD)));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if widgets::close_ui(ui, "Hide the panel").clicked() {
                actions.push(Action::TogglePanel);
            }
            ui.weak("P to hide");
            if let Some(link) = share {
                let hint = "Copy the address of a page with this view";
                if widgets::text_button_ui(ui, "copy link", hint).on_hover_text(link).clicked() {
                    ui.ctx().copy_text(link.to_owned());
                }
            }
            if unread > 0 {
                let words = unread_words(unread);
                let hint = format!("Show the notices, {words}");
                wants_notices = widgets::text_button_ui(ui, &words, &hint).clicked();
            }
        });
    });
    widgets::rule_ui(ui);
    wants_notices
}

#[cfg(test)]
mod tests;
