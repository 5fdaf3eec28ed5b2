//! The desk: runs, details and events side by side, in the whole window.

mod foot;
mod top_bar;

use bevy_egui::egui::{self, Id, LayerId, Rect, Stroke, Ui, UiBuilder, pos2, vec2};

pub(super) use self::foot::FootView;
use self::foot::foot_ui;
pub(super) use self::top_bar::TopBarView;
use self::top_bar::top_bar_ui;
use super::splitter::{Moves, SPLITTER, splitter_ui};
use super::style::{self, ink};
use crate::app::overlays::notices::Notices;
use crate::app::state::actions::Action;
use crate::bounded::bounded;

/// Height of the top bar, of the foot, and of the foot in a low window.
const TOP_BAR: f32 = 48.0;
const FOOT: f32 = 68.0;
const LOW_FOOT: f32 = 54.0;
/// Height below which the window is low.
const LOW: f32 = 900.0;
/// Width from which there are three panes, and two.
const THREE_PANES: f32 = 1600.0;
const TWO_PANES: f32 = 1100.0;
/// Least part of the width that a pane takes.
const LEAST_PART: f32 = 0.16;

/// Panes of the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pane {
    Runs,
    Inspector,
    Events,
    /// Two runs side by side, in place of all others.
    Compare,
}

/// Form of the desk, by the width of the window in points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Runs, inspector, events.
    Three,
    /// Runs, and beside them the inspector or the events.
    Two,
    /// One of them.
    One,
}

impl Form {
    fn of(width: f32, height: f32) -> Self {
        match width {
            _ if width < height => Self::One,
            THREE_PANES.. => Self::Three,
            TWO_PANES.. => Self::Two,
            _ => Self::One,
        }
    }
}

/// Places of the splitters, and the pane that is shown where not all of them fit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DeskState {
    /// Parts of the width that runs and inspector take, of three panes.
    pub three: [f32; 2],
    /// Part of the width that the runs take, of two panes.
    pub two: f32,
    /// Pane beside the runs, or the only one.
    pub shown: Pane,
    /// True once the desk was shown.
    pub was_shown: bool,
}

impl Default for DeskState {
    fn default() -> Self {
        Self {
            three: [948.0 / 1920.0, 488.0 / 1920.0],
            two: 0.51,
            shown: Pane::Runs,
            was_shown: false,
        }
    }
}

impl DeskState {
    /// True where only one pane has room.
    pub(super) fn is_alone(ctx: &egui::Context) -> bool {
        let size = ctx.viewport_rect().size();
        Form::of(size.x, size.y) == Form::One
    }

    /// True while another pane has the place of the runs.
    pub(super) fn covers_runs(&self, ctx: &egui::Context) -> bool {
        Self::is_alone(ctx) && self.shown != Pane::Runs
    }
}

/// Shows the desk; `pane_ui` shows a pane in the `Ui` that it is given. While two runs are compared, the comparison
/// has the place of all panes. Returns the requested actions.
pub(super) fn desk_ui(
    ctx: &egui::Context,
    (top_bar, notices): (&TopBarView, &mut Notices),
    foot: &FootView,
    (state, is_comparing): (&mut DeskState, bool),
    mut pane_ui: impl FnMut(&mut Ui, Pane, Form) -> Vec<Action>,
) -> Vec<Action> {
    let palette = style::palette(ctx);
    let screen = ctx.viewport_rect();
    let mut root = Ui::new(
        ctx.clone(),
        Id::new("desk"),
        UiBuilder::new().layer_id(LayerId::background()).max_rect(screen),
    );
    root.painter().rect_filled(screen, 0.0, ink(palette.bg));
    let foot_height = if screen.height() < LOW { LOW_FOOT } else { FOOT };
    let bar = Rect::from_min_size(screen.min, vec2(screen.width(), TOP_BAR));
    let foot_rect =
        Rect::from_min_max(pos2(screen.left(), screen.bottom() - foot_height), screen.max);
    let body = Rect::from_min_max(bar.left_bottom(), foot_rect.right_top());
    let mut actions = Vec::new();
    for (rect, line) in [(bar, bar.bottom()), (foot_rect, foot_rect.top())] {
        root.painter().rect_filled(rect, 0.0, ink(palette.bridge));
        root.painter().hline(rect.x_range(), line, Stroke::new(1.0, ink(palette.line)));
    }
    actions.extend(top_bar_ui(&mut child(&root, "top bar", bar), top_bar, notices));
    let form = Form::of(screen.width(), screen.height());
    let panes = match is_comparing {
        true => {
            let below_bar = Rect::from_min_max(body.min + vec2(0.0, 1.0), body.max);
            vec![(Pane::Compare, below_bar)]
        }
        false => panes_ui(&mut root, body, form, state),
    };
    for (pane, rect) in panes {
        root.painter().rect_filled(rect, 0.0, ink(palette.bridge));
        let name = match pane {
            Pane::Runs => "runs pane",
            Pane::Inspector => "inspector pane",
            Pane::Events => "events pane",
            Pane::Compare => "comparison",
        };
        actions.extend(pane_ui(&mut child(&root, name, rect), pane, form));
    }
    actions.extend(foot_ui(&mut child(&root, "foot", foot_rect), foot));
    actions
}

fn child(root: &Ui, name: &str, rect: Rect) -> Ui {
    let mut ui = Ui::new(
        root.ctx().clone(),
        Id::new(("desk", name)),
        UiBuilder::new().layer_id(LayerId::background()).max_rect(rect),
    );
    ui.set_clip_rect(rect.expand(2.0));
    ui
}

/// Returns the panes that are shown with their places, and lets splitters be dragged.
fn panes_ui(root: &mut Ui, body: Rect, form: Form, state: &mut DeskState) -> Vec<(Pane, Rect)> {
    let width = body.width();
    let between = |from: f32, to: f32| {
        Rect::from_min_max(
            pos2(body.left() + from, body.top() + 1.0),
            pos2(body.left() + to, body.bottom()),
        )
    };
    match form {
        Form::One => vec![(state.shown, between(0.0, width))],
        Form::Two => {
            if let Some(at) = moved_splitter(root, body, "runs", state.two * width) {
                state.two = bounded(at / width, LEAST_PART, 1.0 - LEAST_PART);
            }
            let at = state.two * width;
            let beside = if state.shown == Pane::Events { Pane::Events } else { Pane::Inspector };
            vec![(Pane::Runs, between(0.0, at)), (beside, between(at + SPLITTER, width))]
        }
        Form::Three => {
            let [runs, inspector] = state.three;
            let both = runs + inspector;
            if let Some(at) = moved_splitter(root, body, "runs", runs * width) {
                let runs = bounded(at / width, LEAST_PART, both - LEAST_PART);
                state.three = [runs, both - runs];
            }
            if let Some(at) = moved_splitter(root, body, "inspector", both * width) {
                let [runs, _] = state.three;
                let both = bounded(at / width, runs + LEAST_PART, 1.0 - LEAST_PART);
                state.three[1] = both - runs;
            }
            let [runs, inspector] = state.three;
            let (first, second) = (runs * width, (runs + inspector) * width);
            vec![
                (Pane::Runs, between(0.0, first)),
                (Pane::Inspector, between(first + SPLITTER, second)),
                (Pane::Events, between(second + SPLITTER, width)),
            ]
        }
    }
}

/// Shows a splitter at `x` from the left edge; returns where it is after it was moved, `None` where it was not.
fn moved_splitter(root: &mut Ui, body: Rect, name: &str, x: f32) -> Option<f32> {
    let rect =
        Rect::from_min_size(pos2(body.left() + x, body.top()), vec2(SPLITTER, body.height()));
    let moved = splitter_ui(root, rect, &format!("Width of the {name}"), Moves::Across);
    (moved != 0.0).then_some(x + moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn desk_folds_by_the_width_of_the_window() {
        assert_eq!(Form::of(1920.0, 1080.0), Form::Three);
        assert_eq!(Form::of(1280.0, 720.0), Form::Two);
        assert_eq!(Form::of(800.0, 600.0), Form::One);
        assert_eq!(Form::of(1080.0, 1920.0), Form::One);
        assert_eq!(Form::of(2000.0, 3000.0), Form::One);
    }
}
