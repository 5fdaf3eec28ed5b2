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
mod docked;
mod glyph;
mod help;
mod inspector;
mod key_caps;
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
mod sections;
mod settings;
mod sources;
mod splitter;
mod state;
mod step_track;
mod style;
mod wake;
mod widgets;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod whole;

use bevy::prelude::*;
use bevy::winit::EventLoopProxyWrapper;
use bevy_egui::egui;
use bevy_egui::{EguiContexts, EguiPrimaryContextPass};

use self::desk_view::DeskInput;
use self::docked::docked_ui;
use self::state::{PanelState, PanelView};
use self::wake::RepaintFilter;
use super::draw::{DrawClock, Faults, guarded_without_card};
use super::theme::{Theme, ThemeChoice};
use crate::app::control::run_operations::RunOperations;
use crate::app::overlays::notices::Notices;
use crate::app::state::actions::Action;
use crate::app::state::chrome::{Chrome, KeyboardFocus, PanelDialog};
use crate::app::state::clock::{PlaybackClock, local_zone};
use crate::app::state::desk::{ControlsScale, Desk};
use crate::app::state::dock::PanelDock;
use crate::app::state::first_start::FirstStart;
use crate::app::state::focus::Focus;
use crate::app::state::link::Link;
use crate::app::state::opening::{BeingOpened, RecentSources};
use crate::app::state::presence::{Presence, ScreenSleepWarning};
use crate::app::state::run_store::{RunStore, SourceReplaced};
use crate::app::state::settings::SettingsBook;
use crate::app::state::view::View;
use crate::app::state::viewport::PanelArea;
use crate::app::systems::AppSystems;
use crate::app::views::counts::RunCounts;
use crate::bounded::bounded;
use crate::layout::CanvasSize;

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
        .init_resource::<PanelDock>()
        .init_resource::<RunCounts>()
        .init_resource::<DrawClock>()
        .init_resource::<palette::PaletteState>()
        .init_resource::<settings::SettingsState>()
        .init_resource::<SettingsBook>()
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
                guarded_without_card("the settings", settings::show.map(drop::<Result>), close),
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
    (chrome.panel, chrome.help) = (false, false);
    (chrome.palette, chrome.settings) = (false, false);
    operations.dialog = None;
    *state = PanelState::default();
}

/// Forgets what was chosen of a source, because another one begins.
fn forget(mut state: ResMut<PanelState>, mut on_desk: ResMut<Desk>) {
    let PanelState { unfolded, desk, mut table, mut inspector, asked, .. } =
        std::mem::take(&mut *state);
    table.forget();
    on_desk.is_comparing = false;
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
    (mut area, mut dialog, mut dock): (ResMut<PanelArea>, ResMut<PanelDialog>, ResMut<PanelDock>),
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
    let is_above = chrome.help || chrome.palette || chrome.settings;
    let shown = (chrome.panel && !hides_panel) || on_desk || is_above || asks;
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
        side: dock.side,
        operations: &operations,
        sleep_warning: sleep_warning.0.as_deref(),
    };
    let mut placed = PanelArea { side: dock.side, ..PanelArea::default() };
    // The panel is hidden while nobody is present, and keeps its state until then.
    let has_room = ctx.viewport_rect().width() >= PanelDock::LEAST_WIDTH;
    let panel = chrome.panel && !hides_panel && !on_desk && has_room;
    surroundings.copy_run(&ctx, &view, &mut notices, &state);
    if on_desk {
        actions.write_batch(surroundings.show(&ctx, &view, &mut notices, &mut state));
    } else if panel {
        let mut moved = *dock;
        actions.write_batch(docked_ui(&ctx, &view, &mut moved, &mut notices, &mut state));
        dock.set_if_neq(moved);
        let window = Vec2::from(<(f32, f32)>::from(ctx.viewport_rect().size()));
        placed.size_px = (dock.size(window) * ctx.zoom_factor()).round();
        placed.overlays = dock.overlays(window);
    }
    if !hides_panel
        && let Some(entry) = &state.log.opened
        && (!log::entry_ui(&ctx, entry)
            || !(chrome.panel || on_desk)
            || !chrome.settings && ctx.input(|input| input.key_pressed(egui::Key::Escape)))
    {
        state.log.opened = None;
    }
    if state.log.is_at_work() {
        state.log.end_frame();
    }
    let covers = on_desk && surroundings.covers_runs(&ctx, &state);
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
    area.set_if_neq(placed);
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
    let wanted = own * by_user.min((width / (PanelDock::LEAST_WIDTH * own)).max(1.0));
    if (wanted - ctx.zoom_factor()).abs() > 0.005 {
        ctx.set_zoom_factor(wanted);
    }
}

#[cfg(test)]
mod tests;
