//! The wall: all runs and their statuses at a glance.
//!
//! | file | contents |
//! | --- | --- |
//! | `wall_index` | index of all runs, updated from changes |
//! | `plan` | runs that have a tile, their order and places; or the board |
//! | `tile_view`, `board_view` | texts and numbers, without places or colours |
//! | `moves` | motion of the tiles |
//! | `tile`, `strip`, `small`, `failed`, `chain` | drawing of a tile |
//! | `header`, `failures`, `board`, `cells`, `waiting` | drawing of the rest |
//! | `fit`, `board_failures` | fitting of texts; setting of failures |

mod board;
mod board_failures;
pub mod board_view;
mod cells;
mod chain;
mod failed;
mod failures;
mod fit;
pub mod header;
mod moves;
pub mod plan;
mod small;
mod strip;
mod tile;
pub mod tile_view;
mod waiting;
pub mod wall_index;

use bevy::ecs::schedule::ScheduleConfigs;
use bevy::ecs::system::ScheduleSystem;
use bevy::prelude::*;

use self::board::BoardMemory;
use self::failures::FailuresBlock;
use self::header::HeaderView;
use self::moves::{MoveContext, Moves};
use self::plan::{Plan, Tiles, plan};
use self::tile_view::TileView;
use self::wall_index::{WallIndexState, sync_wall_index};
use super::chrome::ViewChrome;
use super::counts::RunCounts;
use crate::app::draw::{Canvas, CellField, DrawClock, end_fault, guarded};
use crate::app::state::auto::Auto;
use crate::app::state::clock::PlaybackClock;
use crate::app::state::hit::Pickable;
use crate::app::state::link::Link;
use crate::app::state::next_frame::NextFrame;
use crate::app::state::run_store::RunStore;
use crate::app::state::selection::Selection;
use crate::app::state::view::on_wall;
use crate::app::state::viewport::{ReducedMotion, Viewport};
use crate::app::systems::AppSystems;
use crate::app::theme::{Theme, motion};
use crate::layout::CanvasSize;
use crate::protocol::RunId;

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<WallIndexState>().init_resource::<WallMemory>().add_systems(
        Update,
        sync_wall_index.in_set(AppSystems::Sync).run_if(on_wall.or_eager(will_return)),
    );
}

/// Systems that draw the wall or remove it.
pub(super) fn systems() -> ScheduleConfigs<ScheduleSystem> {
    let away = (leave, end_fault("the wall")).chain().run_if(not(on_wall));
    (away, guarded("the wall", draw, forget).run_if(on_wall)).chain()
}

/// Run condition: true while the director is on, which may return to the wall; the index is then kept,
/// to spare a count of all runs.
fn will_return(auto: Option<Res<Auto>>) -> bool {
    auto.is_some_and(|auto| auto.0.is_auto())
}

/// State of the wall as last drawn.
#[derive(Resource, Default)]
struct WallMemory {
    cause: Option<WallInputs>,
    plan: Option<Plan>,
    /// Draw-clock time of the last new plan; `planned` is the index revision it was made from.
    planned_at: f64,
    planned: u64,
    /// Draw-clock time at which the first run came.
    begun_at: f64,
    moves: Moves,
    head: Option<(HeaderView, CanvasSize)>,
    waiting: Option<(waiting::WaitingView, CanvasSize)>,
    failures: FailuresBlock,
    board: BoardMemory,
}

impl WallMemory {
    /// Makes everything be drawn again in its place, as after a change of theme.
    fn forget_looks(&mut self) {
        self.head = None;
        self.waiting = None;
        self.moves.forget_looks();
        self.failures.forget_looks();
        self.board.forget_looks();
    }
}

/// Inputs of the wall; cheap to compare in every frame.
#[derive(Clone, Debug, PartialEq)]
struct WallInputs {
    revision: u64,
    counts: RunCounts,
    seconds: (i64, i64),
    viewport: Viewport,
    lost: bool,
    selected: Option<RunId>,
    theme: Theme,
}

/// Removes the wall while another view is shown.
fn leave(
    mut canvas: ResMut<Canvas>,
    mut memory: ResMut<WallMemory>,
    mut field: ResMut<CellField>,
    mut pickable: ResMut<Pickable>,
) {
    if memory.cause.is_some() {
        let WallMemory { moves, mut failures, mut board, .. } = std::mem::take(&mut *memory);
        moves.leave(&mut canvas);
        failures.leave(&mut canvas);
        board.leave(&mut canvas, &mut field);
        for name in ["wall", "wall more", "wall waiting"] {
            canvas.remove(name);
        }
        pickable.clear();
    }
}

/// Removes the wall after a panic, whatever it left half done.
fn forget(
    mut canvas: ResMut<Canvas>,
    mut memory: ResMut<WallMemory>,
    mut field: ResMut<CellField>,
    mut pickable: ResMut<Pickable>,
) {
    *memory = WallMemory::default();
    canvas.remove_view();
    field.hide();
    pickable.clear();
}

#[expect(clippy::too_many_arguments, reason = "each is a resource the picture is made from")]
fn draw(
    canvas: ResMut<Canvas>,
    mut memory: ResMut<WallMemory>,
    mut field: ResMut<CellField>,
    mut pickable: ResMut<Pickable>,
    (mut counted, counts): (ResMut<WallIndexState>, Res<RunCounts>),
    run_store: Res<RunStore>,
    link: Res<Link>,
    clock: Res<PlaybackClock>,
    draw_clock: Res<DrawClock>,
    viewport: Res<Viewport>,
    selection: Res<Selection>,
    reduced_motion: Res<ReducedMotion>,
    around: Res<ViewChrome>,
    mut next: ResMut<NextFrame>,
) {
    let now = draw_clock.secs;
    let cause = WallInputs {
        revision: counted.wall_index.revision(),
        counts: *counts,
        seconds: (clock.now.as_second(), clock.server_now.as_second()),
        viewport: *viewport,
        lost: around.is_lost(),
        selected: selection.0.clone(),
        theme: canvas.theme,
    };
    let same = memory.cause.as_ref() == Some(&cause);
    if same
        && !memory.moves.is_moving(now)
        && memory.board.due_in(now).is_none_or(|secs| secs > 0.0)
    {
        return;
    }
    let repaints = memory.cause.as_ref().is_some_and(|before| before.theme != cause.theme);
    let lost = cause.lost;
    let canvas_size = viewport.canvas_size();
    let resized = memory.cause.as_ref().is_none_or(|before| before.viewport != *viewport);
    memory.cause = Some(cause);
    let model = &run_store.model;
    let memory = &mut *memory;
    // Marks the canvas as changed only when a part was redrawn: a changed canvas is rendered at full
    // rate.
    let generation = canvas.generation();
    let mut changing = canvas;
    let canvas = changing.bypass_change_detection();

    if repaints {
        memory.forget_looks();
        if let Some(plan) = &memory.plan {
            show_more(canvas, plan);
        }
    }
    if !same {
        let head = (HeaderView::of(&counts), canvas_size);
        if memory.head.as_ref() != Some(&head) {
            header::draw(canvas.redraw("wall"), &head.0, &head.1);
            memory.head = Some(head);
        }
        let nothing_yet = matches!(memory.plan, None | Some(Plan::Nothing));
        if nothing_yet {
            memory.begun_at = now;
        }
        // At first a studio's runs arrive one after the other, and nobody relies on their order yet.
        let at_once = clock.is_fixed() || resized || now - memory.begun_at < motion::WALL_SETTLES;
        // Nor does anybody while a replay lasts.
        let may_reorder =
            at_once || counted.replayed || now - memory.planned_at >= motion::REORDER_GAP;
        if may_reorder
            && (resized || memory.planned != counted.wall_index.revision() || clock.is_fixed())
        {
            let next =
                plan(&counted.wall_index, &canvas_size, clock.server_now, memory.plan.as_ref());
            if memory.plan.as_ref() != Some(&next) {
                memory.planned_at = now;
                memory.moves.follow(&next, now, at_once, reduced_motion.0 || lost);
                show_more(canvas, &next);
                memory.plan = Some(next);
            }
            memory.planned = counted.wall_index.revision();
        }
    }

    let context =
        MoveContext { now, frozen: clock.is_fixed() || lost, selected: selection.0.as_ref() };
    let view_of = |id: &RunId| {
        let run = model.run(id)?;
        Some(TileView::of(run, &run_store, clock.now, clock.server_now))
    };
    memory.moves.draw(canvas, &context, !same, view_of);
    pickable.show_tiles(memory.moves.places());
    if !same {
        let block = match &memory.plan {
            Some(Plan::Tiles(tiles)) => tiles.failures,
            _ => None,
        };
        let counted = (&*counts, &counted.wall_index);
        memory.failures.draw(canvas, block, counted, &run_store, clock.server_now);
    }
    pickable.show_names(memory.failures.names());

    let waiting = matches!(memory.plan, Some(Plan::Nothing) | None)
        .then(|| (waiting::WaitingView::of(&link), canvas_size));
    if memory.waiting != waiting {
        match &waiting {
            Some((view, canvas_size)) => {
                waiting::draw(canvas.redraw("wall waiting"), view, canvas_size)
            }
            None => canvas.remove("wall waiting"),
        }
        memory.waiting = waiting;
    }

    if memory.plan == Some(Plan::Board) {
        memory.board.draw(
            canvas,
            &mut field,
            &mut pickable,
            board::BoardContext {
                wall_index: &mut counted.bypass_change_detection().wall_index,
                run_store: &run_store,
                counts: *counts,
                canvas_size,
                now,
                server_now: clock.server_now,
                frozen: clock.is_fixed() || lost,
            },
        );
    } else {
        memory.board.leave(canvas, &mut field);
    }
    if memory.moves.is_moving(now) {
        next.within_secs(0.0);
    }
    if let Some(secs) = memory.board.due_in(now) {
        next.within_secs(secs);
    }
    if canvas.generation() != generation {
        changing.set_changed();
    }
}

/// Draws the counts of runs without a tile, in the last place.
fn show_more(canvas: &mut Canvas, plan: &Plan) {
    match plan {
        Plan::Tiles(Tiles { more: Some((more, rect)), density, .. }) => {
            waiting::draw_more(canvas.redraw("wall more"), more, *rect, *density);
        }
        _ => canvas.remove("wall more"),
    }
}

#[cfg(test)]
#[path = "same_numbers_tests.rs"]
mod tests;
