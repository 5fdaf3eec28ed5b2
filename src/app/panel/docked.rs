//! The panel at a side of the window: its place, and the splitter that changes its size.

use bevy::math::Vec2;
use bevy_egui::egui::{self, Id, LayerId, Rect, Stroke, Ui, UiBuilder, pos2};

use super::sections::{columns_ui, stacked_ui};
use super::splitter::{Moves, SPLITTER, splitter_ui};
use super::state::{PanelState, PanelView};
use super::style;
use crate::app::overlays::notices::Notices;
use crate::app::state::actions::Action;
use crate::app::state::dock::{PanelDock, PanelSide};

/// Shows the panel at its side of the window; returns the requested actions.
pub(super) fn docked_ui(
    ctx: &egui::Context,
    view: &PanelView,
    dock: &mut PanelDock,
    notices: &mut Notices,
    state: &mut PanelState,
) -> Vec<Action> {
    let palette = style::palette(ctx);
    let screen = ctx.viewport_rect();
    let window = Vec2::new(screen.width(), screen.height());
    let mut root = Ui::new(
        ctx.clone(),
        Id::new("window"),
        UiBuilder::new().layer_id(LayerId::background()).max_rect(screen),
    );
    let (bar, _) = places(screen, dock.side, dock.size(window));
    let (label, moves, grows) = match dock.side {
        PanelSide::Left => ("Width of the panel", Moves::Across, 1.0),
        PanelSide::Right => ("Width of the panel", Moves::Across, -1.0),
        PanelSide::Bottom => ("Height of the panel", Moves::UpAndDown, -1.0),
    };
    let moved = splitter_ui(&mut root, bar, label, moves);
    if moved != 0.0 {
        dock.resize(dock.size(window) + grows * moved, window);
    }
    let (bar, body) = places(screen, dock.side, dock.size(window));
    root.painter().rect_filled(body, 0.0, style::ink(palette.bridge));
    let line = Stroke::new(1.5, style::ink(palette.line));
    match dock.side {
        PanelSide::Left => root.painter().vline(bar.left(), bar.y_range(), line),
        PanelSide::Right => root.painter().vline(bar.right(), bar.y_range(), line),
        PanelSide::Bottom => root.painter().hline(bar.x_range(), bar.bottom(), line),
    };
    let mut inner = Ui::new(
        ctx.clone(),
        Id::new("panel"),
        UiBuilder::new().layer_id(LayerId::background()).max_rect(body - style::PANEL_MARGIN),
    );
    inner.set_clip_rect(body);
    match dock.side {
        PanelSide::Bottom => columns_ui(&mut inner, view, notices, state),
        PanelSide::Left | PanelSide::Right => stacked_ui(&mut inner, view, notices, state),
    }
}

/// Returns the places of splitter and contents of a panel of this size.
fn places(screen: Rect, side: PanelSide, size: f32) -> (Rect, Rect) {
    let (min, max) = (screen.min, screen.max);
    match side {
        PanelSide::Left => {
            let x = min.x + size - SPLITTER;
            let bar = Rect::from_min_max(pos2(x, min.y), pos2(x + SPLITTER, max.y));
            (bar, Rect::from_min_max(min, pos2(x, max.y)))
        }
        PanelSide::Right => {
            let x = max.x - size;
            let bar = Rect::from_min_max(pos2(x, min.y), pos2(x + SPLITTER, max.y));
            (bar, Rect::from_min_max(pos2(x + SPLITTER, min.y), max))
        }
        PanelSide::Bottom => {
            let y = max.y - size;
            let bar = Rect::from_min_max(pos2(min.x, y), pos2(max.x, y + SPLITTER));
            (bar, Rect::from_min_max(pos2(min.x, y + SPLITTER), max))
        }
    }
}
