//! The wall: all runs and their statuses at a glance.
//!
//! | file | contents |
//! | --- | --- |
//! | `wall_index` | index of all runs, updated from changes |
//! | `level`, `order`, `plan` | density; order of the runs; which have a place, or the board |
//! | `tile_view`, `board_view`, `causes` | texts and numbers, without places or colours |
//! | `moves` | motion of tiles and rows |
//! | `tile`, `strip`, `failed`, `chain`, `marks` | drawing of a tile |
//! | `rows` | drawing of the timing board |
//! | `header`, `failures`, `board`, `waiting` | drawing of the rest |
//! | `fit`, `board_failures` | fitting of texts; setting of failures |

mod block;
mod board;
mod board_failures;
pub mod board_view;
pub mod causes;
mod chain;
mod failed;
mod failures;
pub mod fit;
pub mod header;
pub mod level;
mod marks;
mod moves;
pub mod order;
pub mod plan;
mod rows;
mod strip;
mod tile;
pub mod tile_view;
mod waiting;
pub mod wall_index;

use bevy::ecs::schedule::ScheduleConfigs;
use bevy::ecs::system::ScheduleSystem;
use bevy::prelude::*;
use jiff::Timestamp;

use self::block::Block;
use self::board::BoardMemory;
use self::causes::Failures;
use self::failures::FailuresView;
use self::header::HeaderView;
use self::level::{LevelKeeper, RunsNow};
use self::marks::{TileMarks, retry_words};
use self::moves::{MoveContext, Moves};
use self::order::Kind;
use self::plan::{Line, Places, Plan, PlanRequest, plan};
use self::rows::{FrameView, SlabView, draw_frame};
use self::tile_view::{MORE_ORDER, More, TileView, more_words};
use self::wall_index::{LATELY, WallIndex, WallIndexState, sync_wall_index};
use super::chrome::ViewChrome;
use super::counts::RunCounts;
use crate::app::draw::{Canvas, DrawClock, end_fault, guarded};
use crate::app::state::clock::{PlaybackClock, local_zone};
use crate::app::state::hints::HintAreas;
use crate::app::state::hit::Pickable;
use crate::app::state::link::Link;
use crate::app::state::next_frame::NextFrame;
use crate::app::state::run_store::RunStore;
use crate::app::state::run_view::ordinal_words;
use crate::app::state::selection::Selection;
use crate::app::state::status::run_status_words;
use crate::app::state::view::on_wall;
use crate::app::state::viewport::{ReducedMotion, Viewport};
use crate::app::systems::AppSystems;
use crate::app::theme::{Theme, motion};
use crate::app::words::count_words;
use crate::layout::{CanvasSize, Density, Rect};
use crate::model::{FollowUp, Model, Run, RunStatus};
use crate::protocol::RunId;

/// Name of the areas with hints.
const PART: &str = "wall";

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<WallIndexState>()
        .init_resource::<WallMemory>()
        .init_resource::<HintAreas>()
        .add_systems(Update, sync_wall_index.in_set(AppSystems::Sync));
}

/// Systems that draw the wall or remove it.
pub(super) fn systems() -> ScheduleConfigs<ScheduleSystem> {
    let away = (leave, end_fault("the wall")).chain().run_if(not(on_wall));
    (away, guarded("the wall", draw, forget).run_if(on_wall)).chain()
}

/// State of the wall as last drawn.
#[derive(Resource, Default)]
pub(super) struct WallMemory {
    cause: Option<WallInputs>,
    /// Number of jumps in time so far.
    jumps: u64,
    plan: Option<Plan>,
    level: LevelKeeper,
    /// Draw-clock time of the last reordering, and of the last plan; `planned` is the index revision it
    /// was made from.
    planned_at: f64,
    tried_at: f64,
    planned: u64,
    /// Runs that have a place and those that have none, by status.
    shown: More,
    more: More,
    /// Words about runs of which none has a tile, with the tile on which they stand.
    label: Option<(String, Rect)>,
    /// Last tiles of the statuses of which other runs have no place, with the words about these.
    notes: Vec<(RunStatus, RunId, String)>,
    frame: Option<FrameView>,
    slab: Block<SlabView>,
    /// Draw-clock time at which the first run came.
    begun_at: f64,
    moves: Moves,
    head: Option<(HeaderView, CanvasSize)>,
    waiting: Option<(waiting::WaitingView, CanvasSize)>,
    failures: Block<FailuresView>,
    board: BoardMemory,
}

impl WallMemory {
    /// Removes everything from the canvas, and forgets it.
    fn leave(&mut self, canvas: &mut Canvas) {
        let Self { moves, mut failures, mut slab, mut board, .. } = std::mem::take(self);
        moves.leave(canvas);
        failures.leave(canvas);
        slab.leave(canvas);
        board.leave(canvas);
        for name in ["wall", "wall rows", "wall more", "wall waiting"] {
            canvas.remove(name);
        }
    }

    /// Makes everything be drawn again in its place, as after a change of theme.
    fn forget_looks(&mut self) {
        self.head = None;
        self.waiting = None;
        self.label = None;
        self.frame = None;
        self.slab.forget_looks();
        self.moves.forget_looks();
        self.failures.forget_looks();
        self.board.forget_looks();
    }
}

/// Inputs of a plan.
struct PlanInputs<'a> {
    wall_index: &'a WallIndex,
    run_store: &'a RunStore,
    counts: RunCounts,
    canvas_size: CanvasSize,
    server_now: Timestamp,
    now: f64,
    /// True when the wall takes a new order without motion.
    at_once: bool,
    /// True when it may take a new order whenever the last one was taken.
    may_reorder: bool,
    /// True when somebody just marked failures as seen.
    marked: bool,
    reduced_motion: bool,
}

impl WallMemory {
    /// Plans the wall anew where it may be reordered, or where a running run would have no place.
    fn follow(&mut self, inputs: &PlanInputs) {
        let PlanInputs { wall_index, now, at_once, .. } = *inputs;
        let load = RunsNow::of(wall_index, inputs.run_store, inputs.server_now);
        let level = self.level.settle(load, now, inputs.may_reorder);
        let gap_over = inputs.may_reorder || now - self.planned_at >= motion::REORDER_GAP;
        let stale = self.planned != wall_index.revision()
            || at_once
            || inputs.marked
            || now - self.tried_at >= motion::REORDER_GAP;
        let same_level = self.plan.as_ref().and_then(Plan::level) == Some(level);
        let must = self.plan.as_ref().is_none_or(|plan| {
            !same_level || plan.hides_running(wall_index) || self.lacks_place(plan, load)
        });
        let may = gap_over && stale;
        if !must && !may {
            return;
        }
        // The order stays where it changed a moment ago; only what must have a place is added.
        let held = self.plan.as_ref().filter(|_| same_level && !gap_over);
        let next = plan(&PlanRequest {
            wall_index,
            run_store: inputs.run_store,
            counts: inputs.counts,
            canvas_size: inputs.canvas_size,
            server_now: inputs.server_now,
            level,
            columns: if at_once { 0 } else { self.columns() },
            held,
        });
        if self.plan.as_ref() != Some(&next) {
            if held.is_none() {
                self.planned_at = now;
            }
            self.moves.follow(&next, now, at_once, inputs.reduced_motion);
        }
        if held.is_none() {
            (self.tried_at, self.planned) = (now, wall_index.revision());
        }
        self.plan = Some(next);
    }

    /// Columns of the timing board as it stands.
    fn columns(&self) -> usize {
        let places = self.plan.as_ref().and_then(Plan::places);
        places.and_then(|places| places.rows).map_or(0, |rows| rows.columns)
    }

    /// True when rows have no place for failures that came, or no row in words for runs that are not
    /// shown.
    fn lacks_place(&self, plan: &Plan, load: RunsNow) -> bool {
        let Some((places, layout)) =
            plan.places().and_then(|places| Some((places, places.rows.as_ref()?)))
        else {
            return false;
        };
        let has = |line| places.lines.iter().any(|(found, _)| *found == line);
        // Running runs take the rows of the queued ones, and both those of the ended ones.
        let rows_of = |kinds: &[Kind], lines: &[Line]| {
            let runs = places.runs.iter().filter(|placed| kinds.contains(&placed.kind)).count();
            runs + lines.iter().filter(|line| has(**line)).count()
        };
        let running = rows_of(&[Kind::Running, Kind::Silent], &[Line::Running]);
        let alive = running + rows_of(&[Kind::Queued], &[Line::Queued]);
        let has_room = |taken: usize| taken < layout.capacity();
        let more = &self.more;
        let ended = more.completed + more.cancelled + more.failed;
        (load.fresh > 0 && places.failures.is_none())
            || (more.queued > 0 && !has(Line::Queued) && has_room(running))
            || (ended > 0 && !has(Line::Ended) && has_room(alive))
    }

    /// Counts the runs that have a place, and those of the header that have none.
    fn count_others(&mut self, model: &Model, counts: &RunCounts, server_now: Timestamp) {
        let since = server_now.checked_sub(LATELY).unwrap_or(Timestamp::MIN);
        let mut shown = More::default();
        let Some(places) = self.plan.as_ref().and_then(Plan::places) else {
            (self.shown, self.more) = (shown, More::default());
            return;
        };
        let ids = places.runs.iter().flat_map(|placed| {
            let shared = places.group(&placed.id).iter().filter(|id| **id != placed.id);
            std::iter::once(&placed.id).chain(shared)
        });
        for run in ids.filter_map(|id| model.run(id)) {
            if run.counted_end().is_none_or(|at| at >= since) {
                shown.count(run.status);
            }
        }
        let mut more = More::beyond(counts, &shown);
        if places.failures.is_some() {
            // The failures stand in a block of their own, which counts them.
            more.failed = 0;
        }
        (self.shown, self.more) = (shown, more);
    }

    /// Last tile of each status of which runs have no place, with the words about these. A run that a retry
    /// made good has no words about other failures.
    fn notes(&self, run_store: &RunStore) -> Vec<(RunStatus, RunId, String)> {
        let tiles = self.plan.as_ref().and_then(Plan::places).filter(|p| p.rows.is_none());
        let Some(places) = tiles else {
            return Vec::new();
        };
        let is_of = |status: RunStatus, kind: Kind| match status {
            RunStatus::Running => matches!(kind, Kind::Running | Kind::Silent),
            RunStatus::Pending => kind == Kind::Queued,
            RunStatus::Failed => kind == Kind::Failed,
            RunStatus::Cancelled => kind == Kind::Cancelled,
            RunStatus::Completed => kind == Kind::Finished,
        };
        let note = |status: &RunStatus| {
            let more = self.more.of(*status);
            let is_recovered = |id: &RunId| {
                let run = run_store.model.run(id);
                run.is_some_and(|run| matches!(run_store.follow_up(run), FollowUp::Recovered(..)))
            };
            let last = places.runs.iter().rfind(|placed| is_of(*status, placed.kind));
            let last =
                last.filter(|placed| *status != RunStatus::Failed || !is_recovered(&placed.id));
            let last = last.filter(|_| more > 0 && places.density == Density::Tile)?;
            let words = more_words(*status, more, self.shown.of(*status));
            Some((*status, last.id.clone(), words))
        };
        MORE_ORDER.iter().filter_map(note).collect()
    }

    /// Draws the frame of the timing board, or the words about runs of which none has a tile.
    fn show_others(&mut self, canvas: &mut Canvas, run_store: &RunStore) {
        let places = self.plan.as_ref().and_then(Plan::places);
        let frame = places.and_then(|places| FrameView::of(places, &self.more, &self.shown));
        if self.frame != frame {
            match &frame {
                Some(frame) => draw_frame(canvas.redraw("wall rows"), frame),
                None => canvas.remove("wall rows"),
            }
        }
        let mut notes = self.notes(run_store);
        // The statuses that have no tile with a note are counted with that of the last tile, or on its edge.
        let is_apart = |status: &&RunStatus| {
            self.more.of(**status) > 0 && notes.iter().all(|(noted, ..)| noted != *status)
        };
        let apart: Vec<RunStatus> = MORE_ORDER.iter().filter(is_apart).copied().collect();
        let tiles = places.filter(|places| places.rows.is_none());
        let last = tiles.and_then(|places| places.runs.last()).filter(|_| !apart.is_empty());
        // A tile has room for two numbers.
        let noted = last.filter(|_| apart.len() == 1);
        let noted = noted.and_then(|last| notes.iter_mut().find(|(_, id, _)| *id == last.id));
        let counted = apart.iter().map(|status| {
            let number = count_words(self.more.of(*status) as u64);
            format!("{number} {}", run_status_words(*status))
        });
        let counted = counted.collect::<Vec<_>>().join(", ");
        let label = match (noted, last) {
            (Some((.., words)), _) => {
                words.push_str(", ");
                words.push_str(&counted);
                None
            }
            (None, Some(last)) => {
                // At the left, because the mode of the display stands below the last tile.
                let row = tiles.into_iter().flat_map(|places| &places.runs);
                let row = row.filter(|placed| placed.rect.y == last.rect.y);
                let first = row.map(|placed| placed.rect).min_by(|a, b| a.x.total_cmp(&b.x));
                Some((format!("+ {counted}"), first.unwrap_or(last.rect)))
            }
            (None, None) => None,
        };
        if self.label != label {
            match &label {
                Some((words, tile)) => {
                    waiting::draw_more(canvas.redraw("wall more"), words, *tile);
                }
                None => canvas.remove("wall more"),
            }
        }
        (self.frame, self.label, self.notes) = (frame, label, notes);
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
    /// Number of failures marked as seen.
    marks: u64,
    theme: Theme,
    /// True when time stands still, so that nothing may grow on.
    frozen: bool,
}

/// Removes the wall while another view is shown.
fn leave(
    mut canvas: ResMut<Canvas>,
    mut memory: ResMut<WallMemory>,
    mut pickable: ResMut<Pickable>,
    mut hints: ResMut<HintAreas>,
) {
    if memory.cause.is_some() {
        memory.leave(&mut canvas);
        hints.show(PART, Vec::new());
        pickable.clear();
    }
}

/// Removes the wall after a panic, or when another source begins.
pub(super) fn forget(
    mut canvas: ResMut<Canvas>,
    mut memory: ResMut<WallMemory>,
    mut pickable: ResMut<Pickable>,
    mut hints: ResMut<HintAreas>,
) {
    *memory = WallMemory::default();
    hints.show(PART, Vec::new());
    canvas.remove_view();
    pickable.clear();
}

#[expect(clippy::too_many_arguments, reason = "each is a resource the picture is made from")]
fn draw(
    canvas: ResMut<Canvas>,
    mut memory: ResMut<WallMemory>,
    (mut pickable, mut hints): (ResMut<Pickable>, ResMut<HintAreas>),
    (counted, counts): (Res<WallIndexState>, Res<RunCounts>),
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
        marks: run_store.marks(),
        theme: canvas.theme,
        frozen: clock.is_fixed(),
    };
    let same = memory.cause.as_ref() == Some(&cause) && memory.jumps == run_store.jumps();
    if same
        && !memory.moves.is_moving(now)
        && memory.board.due_in(now).is_none_or(|secs| secs > 0.0)
    {
        return;
    }
    let repaints = memory.cause.as_ref().is_some_and(|before| before.theme != cause.theme);
    let lost = cause.lost;
    let canvas_size = viewport.canvas_size();
    // A mark as seen is drawn at once, as the answer to the user.
    let marked = memory.cause.as_ref().is_some_and(|before| before.marks != cause.marks);
    let resized = memory.cause.as_ref().is_none_or(|before| before.viewport != *viewport);
    memory.cause = Some(cause);
    let model = &run_store.model;
    let memory = &mut *memory;
    // Marks the canvas as changed only when a part was redrawn: a changed canvas is rendered at full
    // rate.
    let generation = canvas.generation();
    let mut changing = canvas;
    let canvas = changing.bypass_change_detection();
    if memory.jumps != run_store.jumps() {
        // Another instant is laid out as if the display had begun with it.
        let cause = memory.cause.take();
        memory.leave(canvas);
        (memory.jumps, memory.cause) = (run_store.jumps(), cause);
    }

    if repaints {
        memory.forget_looks();
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
        memory.count_others(model, &counts, clock.server_now);
        // At first a studio's runs arrive one after the other, and nobody relies on their order yet.
        let at_once = clock.is_fixed() || resized || now - memory.begun_at < motion::WALL_SETTLES;
        memory.follow(&PlanInputs {
            wall_index: &counted.wall_index,
            run_store: &run_store,
            counts: *counts,
            canvas_size,
            server_now: clock.server_now,
            now,
            at_once,
            // Nor does anybody while a replay lasts.
            may_reorder: at_once || counted.replayed || marked,
            marked,
            reduced_motion: reduced_motion.0 || lost,
        });
        memory.count_others(model, &counts, clock.server_now);
        memory.show_others(canvas, &run_store);
    }

    let context =
        MoveContext { now, frozen: clock.is_fixed() || lost, selected: selection.0.as_ref() };
    let queue = if same { Vec::new() } else { queue(&counted.wall_index) };
    let notes = &memory.notes;
    let (plan, moves) = (memory.plan.as_ref().and_then(Plan::places), &mut memory.moves);
    let view_of = |id: &RunId| {
        let run = model.run(id)?;
        let mut view = TileView::of(run, &run_store, clock.now, clock.server_now);
        if let Some(place) = queue.iter().position(|queued| queued == id) {
            let place = u32::try_from(place + 1).unwrap_or(u32::MAX);
            view.note = format!("{} in line", ordinal_words(place));
        }
        if let Some(group) = plan.map(|places| places.group(id)).filter(|group| !group.is_empty()) {
            let runs: Vec<&Run> = group.iter().filter_map(|id| model.run(id)).collect();
            view.share(&runs, &run_store, clock.server_now);
        }
        let retry = |places: &Places| {
            let retry = places.retries.iter().find(|retry| retry.id == *id)?;
            // Failed runs of the same title are told apart by their start, too.
            let failed = model.run(&retry.failed)?;
            let since = failed.begun_at().to_zoned(local_zone()).strftime("%H:%M");
            let attempt = run_store.song_story(run).map_or(2, |story| story.attempt);
            Some(retry_words(attempt, &since.to_string()))
        };
        let marks = TileMarks {
            next: plan.is_some_and(|places| places.next.as_ref() == Some(id)),
            retry: plan.and_then(retry),
            more: notes.iter().find(|(_, noted, _)| noted == id).map(|(.., words)| words.clone()),
        };
        Some((view, marks))
    };
    moves.draw(canvas, &context, !same, view_of);
    if canvas.generation() != generation {
        hints.show(PART, moves.steps().cloned().collect());
    }
    if !same {
        let places = memory.plan.as_ref().and_then(Plan::places);
        let rows = places.and_then(|places| places.rows);
        let failures = places.and_then(|places| places.failures);
        let block = failures.filter(|_| rows.is_none()).map(|rect| {
            let failures = Failures::of(&counts, &counted.wall_index, &run_store, clock.server_now);
            FailuresView { failures, rect }
        });
        memory.failures.show(canvas, block);
        let slab = failures.zip(rows).map(|place| {
            let times = (clock.now, clock.server_now);
            SlabView::of(counts.failed, place, &counted.wall_index, &run_store, times)
        });
        memory.slab.show(canvas, slab);
        if memory.plan != Some(Plan::Board) {
            pickable.show_tiles(memory.moves.places());
            let shared = memory.moves.shared_names();
            pickable.show_names([memory.failures.names(), memory.slab.names(), &shared].concat());
        }
    }

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
            &mut pickable,
            board::BoardContext {
                wall_index: &counted.wall_index,
                run_store: &run_store,
                counts: *counts,
                canvas_size,
                now,
                server_now: clock.server_now,
            },
        );
    } else {
        memory.board.leave(canvas);
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

/// Ids of the queued runs by their place in line.
fn queue(wall_index: &WallIndex) -> Vec<RunId> {
    wall_index.queued().take(level::MOST_ROWS).map(|(_, id)| id.clone()).collect()
}

#[cfg(test)]
#[path = "same_numbers_tests.rs"]
mod tests;
