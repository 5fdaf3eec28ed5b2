//! The timeline: runs and steps as bars over time.
//!
//! [`timeline`](crate::timeline) computes bars, critical path, folded stretches and races. Of the files
//! here, those that end in `_view` have the words and what is drawn, without place and colour; the others
//! draw. Of one run, what stands still is a canvas part of its own, drawn again only when something in it
//! differs, and what grows another one, drawn again when now has come to the next pixel. All runs and a race
//! are drawn as a whole in either case.

pub mod bar;
mod foot;
pub mod header;
mod lane_words;
mod lanes;
mod lanes_place;
pub mod lanes_view;
mod pen;
mod race;
mod race_place;
mod race_table;
pub mod race_view;
pub mod readout;
mod runs;
pub mod runs_view;
#[cfg(test)]
mod tests;

use bevy::ecs::schedule::ScheduleConfigs;
use bevy::ecs::system::{ScheduleSystem, SystemParam};
use bevy::prelude::*;
use jiff::Timestamp;

use self::foot::Sign;
use self::header::HeaderView;
use self::lanes::{Growing, Lines};
use self::lanes_place::LanesPlace;
use self::lanes_view::LanesView;
use self::race_place::RacePlace;
use self::race_view::RaceView;
use self::readout::Readout;
use self::runs_view::RunsView;
use super::chrome::ViewChrome;
use super::counts::RunCounts;
use super::wall;
use crate::app::draw::{Canvas, end_fault, guarded};
use crate::app::state::clock::{PlaybackClock, local_zone};
use crate::app::state::focus::Focus;
use crate::app::state::hit::Pickable;
use crate::app::state::link::Link;
use crate::app::state::next_frame::NextFrame;
use crate::app::state::run_store::RunStore;
use crate::app::state::run_view::StageView;
use crate::app::state::selection::Selection;
use crate::app::state::timeline::{Against, CellId, Cells, TimelineState};
use crate::app::state::view::{TimelineMode, View, on_timeline};
use crate::app::state::viewport::Viewport;
use crate::app::theme::Theme;
use crate::layout::{CanvasSize, Rect, TimeRows, lay_out_lanes, lay_out_timeline, timeline_room};
use crate::model::Run;
use crate::protocol::RunId;

/// Parts of the canvas: what stands still, and what grows above it.
const STILL: &str = "timeline";
const GROWING: &str = "timeline now";

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<TimelineMemory>()
        .init_resource::<TimelineState>()
        .init_resource::<Cells>()
        .init_resource::<Selection>()
        .init_resource::<Pickable>();
}

/// Systems that draw the timeline or remove it.
pub(super) fn systems() -> ScheduleConfigs<ScheduleSystem> {
    let away = (leave, end_fault("the timeline")).chain().run_if(not(on_timeline));
    (away, guarded("the timeline", draw, forget).run_if(on_timeline)).chain()
}

/// State of the timeline as last drawn.
#[derive(Resource, Default)]
pub(super) struct TimelineMemory {
    cause: Option<Inputs>,
    /// Time of the server that was drawn last, and the milliseconds that a pixel stands for.
    drawn_at: Option<(Timestamp, f64)>,
    still: Option<Still>,
    growing: Option<(Growing, f32, bool)>,
    lines: Option<Lines>,
    still_cells: Vec<(CellId, Rect)>,
}

/// Inputs of the timeline; cheap to compare in every frame.
#[derive(Clone, Debug, PartialEq)]
struct Inputs {
    generation: u64,
    seconds: i64,
    mode: TimelineMode,
    focus: (Option<RunId>, bool),
    selection: Option<RunId>,
    zoom: (Option<i32>, f64),
    against: Against,
    chosen: Option<CellId>,
    viewport: Viewport,
    theme: Theme,
    has_notice: bool,
}

/// Still part of the picture, as it was drawn.
#[derive(Clone, Debug, PartialEq)]
enum Still {
    Nothing { theme: Theme, canvas_size: CanvasSize, has_notice: bool, title: &'static str },
    Lanes(Box<StillLanes>),
    Runs(Box<StillRuns>),
    Race(Box<StillRace>),
}

#[derive(Clone, Debug, PartialEq)]
struct StillLanes {
    view: LanesView,
    place: LanesPlace,
    readout: Option<Readout>,
    chosen: Option<CellId>,
    theme: Theme,
}

#[derive(Clone, Debug, PartialEq)]
struct StillRuns {
    view: RunsView,
    rows: TimeRows,
    counts: RunCounts,
    readout: Option<Readout>,
    chosen: Option<CellId>,
    selected: Option<RunId>,
    canvas_size: CanvasSize,
    theme: Theme,
}

#[derive(Clone, Debug, PartialEq)]
struct StillRace {
    view: RaceView,
    header: HeaderView,
    place: RacePlace,
    readout: Option<Readout>,
    chosen: Option<CellId>,
    has_notice: bool,
    canvas_size: CanvasSize,
    theme: Theme,
}

fn leave(
    mut canvas: ResMut<Canvas>,
    mut memory: ResMut<TimelineMemory>,
    mut cells: ResMut<Cells>,
    mut pickable: ResMut<Pickable>,
) {
    if memory.cause.is_some() {
        *memory = TimelineMemory::default();
        *cells = Cells::default();
        pickable.clear();
        canvas.remove(STILL);
        canvas.remove(GROWING);
    }
}

/// Removes the timeline after a panic, whatever it left half done.
pub(super) fn forget(
    mut canvas: ResMut<Canvas>,
    mut memory: ResMut<TimelineMemory>,
    mut cells: ResMut<Cells>,
    mut pickable: ResMut<Pickable>,
) {
    *memory = TimelineMemory::default();
    *cells = Cells::default();
    pickable.clear();
    canvas.remove(STILL);
    canvas.remove(GROWING);
}

/// Inputs of the picture.
#[derive(SystemParam)]
struct Shown<'w> {
    run_store: Res<'w, RunStore>,
    focus: Res<'w, Focus>,
    selection: Res<'w, Selection>,
    state: Res<'w, TimelineState>,
    clock: Res<'w, PlaybackClock>,
    viewport: Res<'w, Viewport>,
    view: Res<'w, View>,
    counts: Res<'w, RunCounts>,
    view_chrome: Res<'w, ViewChrome>,
    link: Res<'w, Link>,
}

impl Shown<'_> {
    fn mode(&self) -> TimelineMode {
        match *self.view {
            View::Timeline { mode, .. } => mode,
            _ => TimelineMode::AllRuns,
        }
    }

    fn run(&self) -> Option<&Run> {
        self.focus.run().and_then(|id| self.run_store.model.run(id))
    }

    fn inputs(&self, theme: Theme, cells: &Cells) -> Inputs {
        Inputs {
            generation: self.run_store.generation,
            seconds: self.clock.server_now.as_second(),
            mode: self.mode(),
            focus: (self.focus.run().cloned(), self.focus.is_following()),
            selection: self.selection.0.clone(),
            zoom: (self.state.zoom, self.state.back_ms),
            against: self.state.against.clone(),
            chosen: self.chosen(cells),
            viewport: *self.viewport,
            theme,
            has_notice: self.view_chrome.notice().is_some(),
        }
    }

    /// The cell that is pointed at, else the selected one.
    fn chosen(&self, cells: &Cells) -> Option<CellId> {
        let pointed = self.state.pointed.and_then(|at| cells.at(at));
        pointed.or(self.state.selected.as_ref()).cloned()
    }
}

fn draw(
    mut canvas: ResMut<Canvas>,
    mut memory: ResMut<TimelineMemory>,
    mut cells: ResMut<Cells>,
    mut pickable: ResMut<Pickable>,
    shown: Shown,
    mut next: ResMut<NextFrame>,
) {
    let inputs = shown.inputs(canvas.theme, &cells);
    let now = shown.clock.server_now;
    let is_known = memory.cause.as_ref() == Some(&inputs);
    // In between, only now moves, one pixel at a time.
    let passed = memory.drawn_at.map(|(at, ms)| (now.duration_since(at).as_secs_f64() * 1e3, ms));
    if is_known && passed.is_none_or(|(ms, px)| (0.0..px).contains(&ms)) {
        request_next(&memory, &shown, &mut next);
        return;
    }
    let is_another = memory.cause.as_ref().is_none_or(|cause| cause.mode != inputs.mode);
    memory.cause = Some(inputs);
    if is_another {
        *cells = Cells::default();
        pickable.clear();
    }
    match (shown.mode(), shown.run()) {
        (TimelineMode::Run, Some(run)) => {
            draw_lanes(&mut canvas, &mut memory, &mut cells, &shown, run);
        }
        (TimelineMode::Race, Some(run)) => {
            draw_race(&mut canvas, &mut memory, &mut cells, &shown, run);
        }
        (TimelineMode::AllRuns, _) => {
            draw_runs(&mut canvas, &mut memory, (&mut cells, &mut pickable), &shown);
        }
        (TimelineMode::Run | TimelineMode::Race, None) => {
            draw_nothing(&mut canvas, &mut memory, &mut cells, &shown);
        }
    }
    request_next(&memory, &shown, &mut next);
}

/// Says that there is no run yet, or not the one that is to be shown.
fn draw_nothing(
    canvas: &mut ResMut<Canvas>,
    memory: &mut TimelineMemory,
    cells: &mut ResMut<Cells>,
    shown: &Shown,
) {
    let canvas_size = shown.viewport.canvas_size();
    let has_notice = shown.view_chrome.notice().is_some();
    let title = shown.link.waiting_title(match shown.focus.run() {
        Some(_) => "Waiting for the chosen run",
        None => "Waiting for the first run",
    });
    let still = Still::Nothing { theme: canvas.theme, canvas_size, has_notice, title };
    if memory.still.as_ref() != Some(&still) {
        canvas.redraw(GROWING);
        let header = HeaderView {
            meta: vec!["timeline".to_owned()],
            title: title.to_owned(),
            ..HeaderView::default()
        };
        header.draw(canvas.redraw(STILL), &canvas_size, has_notice);
        **cells = Cells::default();
        memory.still = Some(still);
    }
    memory.drawn_at = None;
}

/// Requests the frame in which now comes to the next pixel.
fn request_next(memory: &TimelineMemory, shown: &Shown, next: &mut NextFrame) {
    let Some((at, ms_per_px)) = memory.drawn_at else { return };
    if shown.clock.is_fixed() || shown.view_chrome.is_lost() {
        return;
    }
    let passed = shown.clock.server_now.duration_since(at).as_secs_f64() * 1e3;
    next.within_secs(((ms_per_px - passed) / 1e3).max(0.0));
}

/// Legend of one run's lanes.
const OF_LANES: [(Sign, &str); 3] =
    [(Sign::Usual, "usual"), (Sign::Frame, "slowest 5 %"), (Sign::Wait, "waiting")];
const ASIDE: (Sign, &str) = (Sign::Aside, "beside others");

fn draw_lanes(
    canvas: &mut ResMut<Canvas>,
    memory: &mut TimelineMemory,
    cells: &mut ResMut<Cells>,
    shown: &Shown,
    run: &Run,
) {
    let now = shown.clock.server_now;
    let canvas_size = shown.viewport.canvas_size();
    let stage = StageView::of(run, &shown.run_store, shown.clock.now, now);
    let room = lay_out_lanes(&canvas_size, usize::MAX).rows;
    let view = LanesView::of(run, &stage, &shown.run_store, room, now);
    let place = LanesPlace::of(&view, &shown.state, &canvas_size, now);
    let chosen = shown.chosen(cells).filter(|cell| cell.run == *run.id());
    let readout = chosen
        .as_ref()
        .and_then(|cell| Readout::of(cell, &shown.run_store, now, &local_zone(), false));
    let head = HeaderView::of(&stage);
    let growing = Growing::of(&view, head, now);
    let still = StillLanes { view, place, readout, chosen: chosen.clone(), theme: canvas.theme };
    let ms_per_px = still.place.scale.ms_per_px;
    let is_same = matches!(&memory.still, Some(Still::Lanes(drawn)) if **drawn == still);
    if !is_same || memory.lines.is_none() {
        let part = canvas.redraw(STILL);
        let StillLanes { view, place, readout, .. } = &still;
        let (found, lines) = lanes::draw(part, view, place, now, chosen.as_ref());
        let mut legend = OF_LANES.to_vec();
        if view.lanes.iter().flat_map(|lane| &lane.bars).any(|bar| !bar.on_path) {
            legend.push(ASIDE);
        }
        let more = match view.more {
            0 => String::new(),
            more => format!("+{more} more steps; "),
        };
        let summary = match view.shares.is_empty() {
            true => more,
            false => format!("{more}of the run: {}", view.shares),
        };
        foot::draw(part, &place.rows, readout.as_ref(), &legend, (&summary, &[]));
        memory.still_cells = found;
        memory.lines = Some(lines);
        memory.growing = None;
    }
    let now_x = still.place.scale.x(now).floor();
    let look = (growing, now_x, shown.view_chrome.notice().is_some());
    if memory.growing.as_ref() != Some(&look)
        && let Some(lines) = &memory.lines
    {
        let part = canvas.redraw(GROWING);
        look.0.header.draw(part, &canvas_size, look.2);
        let open = lanes::draw_growing(
            part,
            (&still.view, &look.0),
            &still.place,
            lines,
            now,
            chosen.as_ref(),
        );
        let all = memory.still_cells.iter().cloned().chain(open).collect();
        **cells = Cells { cells: all, ms_per_px, most_back_ms: still.place.most_back_ms };
        memory.growing = Some(look);
    }
    // The line stands at whole pixels.
    let behind = (still.place.scale.x(now) - now_x).max(0.0);
    let at =
        now.checked_sub(jiff::SignedDuration::from_secs_f64(f64::from(behind) * ms_per_px / 1e3));
    let grows = still.view.goes_on;
    memory.drawn_at = grows.then_some((at.unwrap_or(now), ms_per_px));
    memory.still = Some(Still::Lanes(Box::new(still)));
}

/// Legend of all runs.
const OF_RUNS: [(Sign, &str); 3] =
    [(Sign::Frame, "usual run"), (Sign::Wait, "waiting"), (Sign::Fix, "fix")];

fn draw_runs(
    canvas: &mut ResMut<Canvas>,
    memory: &mut TimelineMemory,
    (cells, pickable): (&mut ResMut<Cells>, &mut ResMut<Pickable>),
    shown: &Shown,
) {
    let (now, zone) = (shown.clock.server_now, local_zone());
    let canvas_size = shown.viewport.canvas_size();
    let room = timeline_room(&canvas_size);
    let width = f64::from(lay_out_timeline(&canvas_size, room).width());
    let before = match &memory.still {
        Some(Still::Runs(drawn)) => Some(drawn.view.fitting),
        _ => None,
    };
    let ahead = match canvas_size.is_portrait() {
        true => runs_view::NARROW_AHEAD,
        false => runs_view::AHEAD,
    };
    let form = (room, width, ahead);
    let view = RunsView::of(&shown.run_store, &shown.state, form, before, (now, &zone));
    let rows = lay_out_timeline(&canvas_size, view.rows.len());
    let chosen = shown.chosen(cells);
    let readout =
        chosen.as_ref().and_then(|cell| Readout::of(cell, &shown.run_store, now, &zone, true));
    let still = StillRuns {
        view,
        rows,
        counts: *shown.counts,
        readout,
        chosen,
        selected: shown.selection.0.clone(),
        canvas_size,
        theme: canvas.theme,
    };
    let px_ms = still.view.shown_ms / width.max(1.0);
    let is_same = matches!(&memory.still, Some(Still::Runs(drawn)) if **drawn == still);
    if !is_same {
        canvas.redraw(GROWING);
        let part = canvas.redraw(STILL);
        let StillRuns { view, rows, counts, readout, chosen, selected, .. } = &still;
        wall::header::draw(part, &wall::header::HeaderView::of(counts), &canvas_size);
        let scale = runs::scale_of(view, rows);
        let places =
            runs::draw(part, view, (rows, &scale), &zone, chosen.as_ref(), selected.as_ref());
        let words = runs_view::minutes_words(view);
        foot::draw(part, rows, readout.as_ref(), &OF_RUNS, (&words, &view.untold));
        pickable.show_tiles(places.runs.iter().map(|(id, rect)| (id, *rect)));
        **cells =
            Cells { cells: places.cells, ms_per_px: px_ms, most_back_ms: still.view.most_back_ms };
    }
    memory.drawn_at = Some((still.view.now, px_ms));
    memory.still = Some(Still::Runs(Box::new(still)));
}

fn draw_race(
    canvas: &mut ResMut<Canvas>,
    memory: &mut TimelineMemory,
    cells: &mut ResMut<Cells>,
    shown: &Shown,
    run: &Run,
) {
    let (now, zone) = (shown.clock.server_now, local_zone());
    let canvas_size = shown.viewport.canvas_size();
    let (state, times) = (&shown.state, (shown.clock.now, now));
    let (view, header) = RaceView::of(run, &shown.run_store, &state.against, times, &zone);
    let place = RacePlace::of(&view, state.zoom.unwrap_or(0), state.back_ms, &canvas_size);
    let chosen = shown.chosen(cells);
    let readout =
        chosen.as_ref().and_then(|cell| Readout::of(cell, &shown.run_store, now, &zone, false));
    let still = StillRace {
        view,
        header,
        place,
        readout,
        chosen,
        has_notice: shown.view_chrome.notice().is_some(),
        canvas_size,
        theme: canvas.theme,
    };
    let ms_per_px = still.place.scale.ms_per_px;
    let is_same = matches!(&memory.still, Some(Still::Race(drawn)) if **drawn == still);
    if !is_same {
        canvas.redraw(GROWING);
        let part = canvas.redraw(STILL);
        still.header.draw(part, &canvas_size, still.has_notice);
        let found = race::draw(
            part,
            &still.view,
            &still.place,
            still.chosen.as_ref(),
            still.readout.as_ref(),
        );
        **cells = Cells { cells: found, ms_per_px, most_back_ms: still.place.most_back_ms };
    }
    memory.drawn_at = still.view.goes_on.then_some((now, ms_per_px.min(1_000.0)));
    memory.still = Some(Still::Race(Box::new(still)));
}
