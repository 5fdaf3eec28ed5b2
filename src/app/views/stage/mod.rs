//! The stage: the whole pipeline of one run.
//!
//! [`run_view`](crate::app::state::run_view) has the texts and numbers, `layout` the places, and the
//! other files draw. Shapes are written again only when something they show has changed; in between,
//! the shaders move them.

mod cables;
#[cfg(test)]
mod channels;
mod failure_text;
mod finale;
mod finale_clock;
mod finale_moment;
mod finale_take;
mod fix_loop;
mod folded;
mod header;
mod lower;
mod module_parts;
mod rack;
mod resting_layout;
mod spread;
mod stage_layout;
pub mod story;

use std::sync::Arc;

use bevy::color::Alpha;
use bevy::ecs::schedule::ScheduleConfigs;
use bevy::ecs::system::ScheduleSystem;
use bevy::math::Vec2;
use bevy::prelude::*;
use jiff::Timestamp;

use self::finale_clock::FinaleClock;
use self::finale_moment::Moment;
use self::lower::Columns;
use self::resting_layout::RestingLayout;
use self::stage_layout::StageLayout;
use super::chrome::ViewChrome;
use crate::app::draw::{Canvas, DrawClock, Face, Layer, Part, Shape, Text, end_fault, guarded};
use crate::app::state::actions::{Action, ActionEntry};
use crate::app::state::clock::{PlaybackClock, millis_between};
use crate::app::state::failure_life::{FailureLife, FailureStage};
use crate::app::state::finale::{FinaleView, take_of};
use crate::app::state::focus::Focus;
use crate::app::state::hints::{HintArea, HintAreas, HintSubject};
use crate::app::state::link::Link;
use crate::app::state::next_frame::NextFrame;
use crate::app::state::run_store::RunStore;
use crate::app::state::run_view::{StageView, waiting_modules};
use crate::app::state::spread::Spread;
use crate::app::state::take::Take;
use crate::app::state::view::on_stage;
use crate::app::state::viewport::Viewport;
use crate::app::theme::{Theme, motion, size};
use crate::bounded::bounded;
use crate::layout::{CanvasSize, ModuleBox, lay_out_finale};
use crate::model::{FollowUp, Model, Run, RunStatus};
use crate::protocol::RunId;
use crate::source::ConnectionState;

/// Name of the canvas part, and of the areas with hints.
const PART: &str = "stage";
/// Distance from the upper edge of the failure bar to the rack.
const FAILURE_ABOVE_RACK: f32 = 116.0;
/// Age given to motions that are to be over at once, in seconds.
const LONG_AGO_SECS: f64 = 1e4;
/// Greatest age of a run's end at which its failure makes an entrance, in milliseconds.
const NEWS_OF_AN_END_MS: u64 = 5_000;

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<StageMemory>().init_resource::<HintAreas>();
}

/// Systems that draw the stage or remove it.
pub(super) fn systems() -> ScheduleConfigs<ScheduleSystem> {
    let away = (leave, end_fault("the stage")).chain().run_if(not(on_stage));
    (away, guarded("the stage", draw, forget).run_if(on_stage)).chain()
}

/// State of the stage as last drawn, to detect changes and start motions.
#[derive(Resource, Default)]
pub(super) struct StageMemory {
    cause: Option<StageInputs>,
    /// Number of jumps in time so far.
    jumps: u64,
    drawn: Option<Drawn>,
    /// Contents made for `cause`; a motion draws them again.
    contents: Arc<Contents>,
    /// True when these were made with a finale, if the run has one.
    has_finale: bool,
    take: TakeMemory,
    run: Option<RunId>,
    /// Places of the modules when the last move began; `to` has their targets.
    from: Vec<ModuleBox>,
    to: Vec<ModuleBox>,
    moved_at: f64,
    /// Part of the way at which the move begins, so that no module is narrower than its content allows.
    moves_from: f32,
    finale: FinaleClock,
    /// Draw-clock time at which the stage was last drawn or found unchanged, in seconds.
    drawn_at: f64,
    status: Option<RunStatus>,
    failed_at: f64,
}

/// Inputs of the stage; cheap to compare in every frame.
#[derive(Clone, Debug, PartialEq)]
struct StageInputs {
    generation: u64,
    /// Whole seconds of this machine's clock and the server's; nothing ticks faster.
    seconds: (i64, i64),
    /// Run in focus, and whether following or the director chose it.
    focus: (Option<RunId>, bool, bool),
    link: ConnectionState,
    viewport: Viewport,
    theme: Theme,
    /// True when time stands still, so that nothing may grow on.
    frozen: bool,
}

/// Contents of a drawing; when equal, nothing has to be drawn.
#[derive(Clone, Debug, PartialEq)]
struct Drawn {
    run: Option<RunId>,
    contents: Arc<Contents>,
    /// Motion of the finale, while there is one.
    finale: Option<Moment>,
    /// Connection state shown while there is no run.
    waits_for: Option<ConnectionState>,
    has_notice: bool,
    lost: bool,
    canvas_size: CanvasSize,
    run_events: u64,
    theme: Theme,
    frozen: bool,
}

/// Texts and numbers of the stage, without motion. They change with [`StageInputs`] only.
#[derive(Clone, Debug, Default, PartialEq)]
struct Contents {
    stage: Option<StageView>,
    /// Sentences about the run; the last one is about runs before it, and may be empty.
    story: Vec<String>,
    spread: Option<Spread>,
    /// Finale of a run that has one now.
    finale: Option<FinaleView>,
}

impl Contents {
    fn of(
        run: Option<&Run>,
        run_store: &RunStore,
        focus: &Focus,
        clock: &PlaybackClock,
        canvas_size: CanvasSize,
        takes: Option<&mut TakeMemory>,
    ) -> Self {
        let Some(run) = run else {
            return Self::default();
        };
        let server_now = clock.server_now;
        let mut stage = StageView::of(run, run_store, clock.now, server_now);
        // Of an old failure it is not looked up any more.
        let life = FailureLife::of(run, run_store, server_now).filter(|life| {
            life.stage != FailureStage::Counted || life.follow_up != FollowUp::NotRetried
        });
        stage.meta.extend(life.map(|life| life.words(run, run_store, server_now)));
        if !focus.is_following() {
            stage.meta.push("pinned".to_owned());
        }
        let mut story = story::story(run, &stage, server_now);
        story.push(story::past_story(run, run_store));
        let spread = match stage.scores {
            None => Spread::of(run, &stage, run_store.model.stats()),
            Some(_) => None,
        };
        let follows = focus.is_following() && !focus.is_directed();
        let take = takes.and_then(|takes| takes.of(run, &stage, run_store.generation));
        let finale =
            take.and_then(|take| FinaleView::of(run, &stage, take, run_store, server_now, follows));
        resting_layout::fold_modules(&mut stage, canvas_size);
        Self { stage: Some(stage), story, spread, finale }
    }
}

/// Take of the last finished run, which is made anew only when the model changes.
#[derive(Default)]
struct TakeMemory {
    /// Run, and the model's generation. Details that REST tells change no number of the run's own.
    made_of: Option<(RunId, u64)>,
    take: Option<Arc<Take>>,
}

impl TakeMemory {
    fn of(&mut self, run: &Run, stage: &StageView, generation: u64) -> Option<Arc<Take>> {
        let made_of = Some((run.id().clone(), generation));
        if self.made_of != made_of {
            self.take = take_of(run, stage).map(Arc::new);
            self.made_of = made_of;
        }
        self.take.clone()
    }
}

/// Removes the stage while another view is shown, and forgets what it showed of the run: when the stage
/// returns, it has not seen the run's end.
fn leave(
    mut canvas: ResMut<Canvas>,
    mut memory: ResMut<StageMemory>,
    mut hints: ResMut<HintAreas>,
) {
    if memory.cause.take().is_some() {
        hints.show(PART, Vec::new());
        memory.drawn = None;
        (memory.run, memory.status) = (None, None);
        canvas.remove(PART);
    }
}

/// Removes the stage after a panic, or when another source begins.
pub(super) fn forget(
    mut canvas: ResMut<Canvas>,
    mut memory: ResMut<StageMemory>,
    mut hints: ResMut<HintAreas>,
) {
    *memory = StageMemory::default();
    hints.show(PART, Vec::new());
    canvas.remove(PART);
}

#[expect(clippy::too_many_arguments, reason = "each is a resource the picture is made from")]
fn draw(
    mut canvas: ResMut<Canvas>,
    mut memory: ResMut<StageMemory>,
    run_store: Res<RunStore>,
    link: Res<Link>,
    focus: Res<Focus>,
    clock: Res<PlaybackClock>,
    draw_clock: Res<DrawClock>,
    viewport: Res<Viewport>,
    view_chrome: Res<ViewChrome>,
    mut next: ResMut<NextFrame>,
    mut hints: ResMut<HintAreas>,
) {
    let now = draw_clock.secs;
    if memory.jumps != run_store.jumps() {
        // Another instant is drawn as if the stage had just come.
        let drawn = memory.drawn.take().is_some();
        *memory = StageMemory { jumps: run_store.jumps(), ..StageMemory::default() };
        if drawn {
            canvas.remove(PART);
        }
    }
    // Frames may be so rare that the next one comes after the move's end; that one is still drawn.
    let moving = memory.is_moving() || memory.finale.is_due(now);
    let cause = StageInputs {
        generation: run_store.generation,
        seconds: (clock.now.as_second(), clock.server_now.as_second()),
        focus: (focus.run().cloned(), focus.is_following(), focus.is_directed()),
        link: link.state.clone(),
        viewport: *viewport,
        theme: canvas.theme,
        frozen: clock.is_fixed(),
    };
    let is_known = memory.cause.as_ref() == Some(&cause);
    if !moving && is_known {
        // A request holds for one frame.
        memory.request_next(now, &mut next);
        return;
    }

    let model = &run_store.model;
    let run = focus.run().and_then(|id| model.run(id));
    let age_ms = memory.finale_age(run, model, &focus, &clock, now);
    let wants_finale = age_ms.is_some();
    if !is_known || (wants_finale && !memory.has_finale) {
        let takes = wants_finale.then_some(&mut memory.take);
        let contents = Contents::of(run, &run_store, &focus, &clock, viewport.canvas_size(), takes);
        memory.contents = Arc::new(contents);
        memory.has_finale = wants_finale;
        memory.cause = Some(cause);
    }
    let contents = Arc::clone(&memory.contents);
    let reduced_motion = canvas.reduced_motion;
    let had_finale = memory.drawn.as_ref().is_some_and(|drawn| drawn.finale.is_some());
    let age_ms = age_ms.filter(|_| contents.finale.is_some());
    let finale = age_ms.map(|age_ms| Moment::at(age_ms, reduced_motion));
    memory.finale.wait(age_ms, reduced_motion, model, now);
    // A failure ends the finale at once, its time with a fade. Without motion it begins with one, too.
    let ends = had_finale && finale.is_none() && !memory.finale.was_cut();
    let begins = !had_finale && finale.is_some() && reduced_motion && memory.drawn.is_some();
    if !clock.is_fixed() && (ends || begins) {
        let secs = if reduced_motion { motion::CROSS_FADE } else { motion::FINALE_FADE };
        canvas.cross_fade(now, f64::from(secs));
        next.within_secs(0.0);
    }
    let drawn = Drawn {
        run: run.map(|run| run.id().clone()),
        contents,
        finale,
        waits_for: run.is_none().then(|| link.state.clone()),
        has_notice: view_chrome.notice().is_some(),
        lost: view_chrome.is_lost(),
        canvas_size: viewport.canvas_size(),
        run_events: run.map_or(0, Run::events),
        theme: canvas.theme,
        frozen: clock.is_fixed() || view_chrome.is_lost(),
    };
    memory.drawn_at = now;
    let resting = RestingLayout::of(drawn.canvas_size, drawn.contents.stage.as_ref());
    let to = &resting.rack.modules;
    if memory.notice_changes(&drawn, to, run, clock.server_now, now, reduced_motion) {
        canvas.cross_fade(now, f64::from(motion::CROSS_FADE));
        next.within_secs(0.0);
    }
    memory.request_next(now, &mut next);
    if !moving && memory.drawn.as_ref() == Some(&drawn) {
        return;
    }

    let (canvas_size, lost) = (drawn.canvas_size, drawn.lost);
    let layout = memory.layout(canvas_size, resting, now, clock.is_fixed() || lost);
    hints.show(PART, hint_areas(&drawn, &layout));
    let part = canvas.redraw(PART);
    match (&drawn.contents.stage, run) {
        (Some(stage), Some(run)) => match drawn.contents.finale.as_ref().zip(drawn.finale) {
            Some(finale) => draw_finale(part, (stage, run), finale, &drawn, &layout),
            None => draw_run(part, stage, run, &drawn, &layout),
        },
        _ => draw_waiting(part, &link, &layout),
    }
    memory.drawn = Some(drawn);
}

/// Returns the modules of a run as areas with hints; none while the finale covers them.
fn hint_areas(drawn: &Drawn, layout: &StageLayout) -> Vec<HintArea> {
    let is_covered = drawn.finale.is_some_and(|moment| moment.straight > 0.0);
    let shown = drawn.contents.stage.as_ref().zip(drawn.run.as_ref()).filter(|_| !is_covered);
    let Some((stage, run)) = shown else { return Vec::new() };
    let step =
        |name: &str| HintSubject::Step { run: run.clone(), step: name.into(), has_dial: true };
    let modules = stage.modules.iter().zip(&layout.rack.modules);
    let modules = modules.map(|(module, at)| HintArea::of(at.rect, step(&module.name)));
    let fix = layout.rack.fix_loop.as_ref();
    modules.chain(fix.map(|at| HintArea::of(at.module, step("FIX")))).collect()
}

/// True while a run goes on or has ended just now; an older failure makes no entrance.
fn is_news(run: &Run, server_now: Timestamp) -> bool {
    run.ended_at.is_none_or(|at| millis_between(at, server_now) < NEWS_OF_AN_END_MS)
}

impl StageMemory {
    /// True when the last drawing was before the end of a move.
    fn is_moving(&self) -> bool {
        self.drawn_at <= self.moved_at + f64::from(motion::FOCUS_MOVE)
    }

    /// Requests the next frame of a move, or the one in which the finale changes by itself.
    fn request_next(&self, now: f64, next: &mut NextFrame) {
        if self.is_moving() {
            next.within_secs(0.0);
        }
        if let Some(secs) = self.finale.due_in_secs(now) {
            next.within_secs(secs);
        }
    }

    /// Records when a move or a failure began; returns true when the picture must fade instead, because
    /// reduced motion forbids a move.
    fn notice_changes(
        &mut self,
        drawn: &Drawn,
        to: &[ModuleBox],
        run: Option<&Run>,
        server_now: Timestamp,
        now: f64,
        reduced_motion: bool,
    ) -> bool {
        let mut fades = false;
        let same_run = run.map(Run::id) == self.run.as_ref();
        let status = run.map(|run| run.status);
        if status == Some(RunStatus::Failed) && self.status != status {
            let news = same_run && run.is_some_and(|run| is_news(run, server_now));
            self.failed_at = if news { now } else { now - LONG_AGO_SECS };
        }
        if to != self.to {
            let size_changed =
                self.drawn.as_ref().is_none_or(|before| before.canvas_size != drawn.canvas_size);
            let other_rows = self.to.iter().zip(to).any(|(from, to)| from.row != to.row);
            let elsewhere = !same_run || size_changed || self.to.len() != to.len() || other_rows;
            let jumps = elsewhere || reduced_motion;
            fades = reduced_motion && !elsewhere;
            self.from = if jumps { to.to_vec() } else { self.placed(now) };
            self.moved_at = if jumps { now - LONG_AGO_SECS } else { now };
            let pairs = self.from.iter().zip(to);
            self.moves_from =
                pairs.map(|(from, to)| to.least_part_of_a_move(from)).fold(0.0, f32::max);
            self.to = to.to_vec();
        }
        self.status = status;
        self.run = run.map(|run| run.id().clone());
        fades
    }

    /// Returns the time since the finale began in milliseconds; `None` when there is none.
    fn finale_age(
        &mut self,
        run: Option<&Run>,
        model: &Model,
        focus: &Focus,
        clock: &PlaybackClock,
        now: f64,
    ) -> Option<f64> {
        let same_run = run.map(Run::id) == self.run.as_ref();
        let before = self.status.filter(|_| same_run);
        self.finale.age_ms(run, model, (before, focus.is_directed()), clock, now)
    }

    /// Places of the modules at `now`, interpolated during a move. A move begins where every module is as
    /// wide as its content needs: its first frame may stay on screen for long where frames are rare.
    fn placed(&self, now: f64) -> Vec<ModuleBox> {
        let t = bounded((now - self.moved_at) / f64::from(motion::FOCUS_MOVE), 0.0, 1.0) as f32;
        let eased = 1.0 - (1.0 - t).powi(4);
        let eased = self.moves_from + (1.0 - self.moves_from) * eased;
        let pairs = self.from.iter().zip(&self.to);
        pairs.map(|(from, to)| ModuleBox { rect: from.rect.lerp(&to.rect, eased), ..*to }).collect()
    }

    fn layout(
        &self,
        canvas_size: CanvasSize,
        resting: RestingLayout,
        now: f64,
        frozen: bool,
    ) -> StageLayout {
        let RestingLayout { mut rack, lower_top, unit } = resting;
        let rack_top = rack.row_tops.first().copied().unwrap_or(0.0);
        rack.modules = self.placed(now);
        let on_the_way = now < self.moved_at + f64::from(motion::FOCUS_MOVE);
        let pairs = self.from.iter().zip(&self.to);
        let moving = pairs.map(|(from, to)| on_the_way && from.rect != to.rect).collect();
        StageLayout {
            rack,
            moving,
            failure_top: rack_top - FAILURE_ABOVE_RACK,
            lower_top,
            unit,
            clock_secs: now,
            failed_at: if frozen { now - LONG_AGO_SECS } else { self.failed_at },
            frozen,
            canvas_size,
        }
    }
}

fn draw_run(part: &mut Part, stage: &StageView, run: &Run, drawn: &Drawn, layout: &StageLayout) {
    draw_light_pool(part, stage, layout);
    if !drawn.has_notice {
        header::draw_meta(part, &stage.meta, &layout.canvas_size);
    }
    header::draw_run(part, stage, layout);
    draw_rack(part, stage, layout);
    cables::draw(part, stage, layout);
    draw_below(part, stage, run, drawn, layout);
}

fn draw_rack(part: &mut Part, stage: &StageView, layout: &StageLayout) {
    rack::draw_rails(part, layout);
    fix_loop::draw(part, stage, layout);
    rack::draw_modules(part, stage, layout);
    rack::draw_failure(part, stage, layout);
}

/// Draws what stands below the rack: events, story, and scores or the spread of a step's times.
fn draw_below(part: &mut Part, stage: &StageView, run: &Run, drawn: &Drawn, layout: &StageLayout) {
    let columns = Columns::of(layout, &stage.fix);
    lower::draw_ticker(part, run, &columns, layout);
    lower::draw_story(part, &drawn.contents.story, &columns, layout);
    if let Some(scores) = &stage.scores {
        lower::draw_scores(part, scores, &columns, layout);
    } else if let Some(spread) = &drawn.contents.spread {
        lower::draw_spread(part, spread, &columns, layout);
    }
}

/// Draws the finale, and behind it what is left of the rack.
fn draw_finale(
    part: &mut Part,
    (stage, run): (&StageView, &Run),
    (view, moment): (&FinaleView, Moment),
    drawn: &Drawn,
    layout: &StageLayout,
) {
    if moment.straight <= 0.0 {
        draw_run(part, stage, run, drawn, layout);
        return;
    }
    if !drawn.has_notice {
        header::draw_meta(part, &stage.meta, &layout.canvas_size);
    }
    let status = header::status_baseline(layout);
    let at = lay_out_finale(layout.canvas_size, status, layout.unit);
    if moment.straight < 1.0 {
        let before = part.mark();
        draw_rack(part, stage, layout);
        draw_below(part, stage, run, drawn, layout);
        part.dim(before, 1.0 - moment.straight);
        cables::draw_straightening(part, layout, at.line + 1.5, moment.straight);
    }
    finale::draw(part, stage, view, &moment, (&at, layout));
}

/// Draws light on the ground behind running and failed modules.
fn draw_light_pool(part: &mut Part, stage: &StageView, layout: &StageLayout) {
    let palette = part.palette;
    let failed = stage.failure.as_ref().and_then(|failure| failure.module);
    for (index, (module, at)) in stage.modules.iter().zip(&layout.rack.modules).enumerate() {
        let (ink, strong, weak, radius) = if failed == Some(index) {
            (palette.failed, 0.26, 0.07, 640.0)
        } else if module.has_focus() {
            (palette.running, 0.17, 0.05, 620.0)
        } else {
            continue;
        };
        let centre = Vec2::new(at.rect.centre_x(), at.rect.centre_y());
        part.shape(
            Layer::Pool,
            Shape::pool(
                centre,
                radius,
                ink.with_alpha(strong * palette.pool),
                ink.with_alpha(weak * palette.pool),
            ),
        );
    }
}

/// Draws the ghost of the rack before the first run.
fn draw_waiting(part: &mut Part, link: &Link, layout: &StageLayout) {
    let palette = part.palette;
    header::draw_meta(part, &["song runs".to_owned()], &layout.canvas_size);
    part.text(
        Layer::Face,
        Text::new(
            "title",
            link.waiting_title("Waiting for the first run"),
            53.0,
            layout.rack_top() - 122.0 * layout.unit,
            Face::Display700,
            84.0 * layout.unit,
        )
        .tracking(-0.022)
        .colour(palette.text),
    );
    let connected_to = match &link.state {
        _ if link.is_recording() => "the recording has no run yet".to_owned(),
        ConnectionState::Connected { url, .. } => format!("connected to {url}"),
        ConnectionState::Connecting { url } => format!("connecting to {url}"),
        ConnectionState::Reconnecting { url, reason, .. } => {
            format!("no connection to {url}: {reason}")
        }
        ConnectionState::Failed { url, reason, .. } => format!("no connection to {url}: {reason}"),
        ConnectionState::Disconnected => match ActionEntry::keys_of(&Action::TogglePanel) {
            Some(keys) => format!("not connected; press {keys} for the panel"),
            None => "not connected".to_owned(),
        },
    };
    let room = layout.canvas_size.width - 112.0;
    let line_size = size::STATUS_LINE * layout.unit;
    let words =
        crate::app::draw::truncate(Face::Text500, line_size, &connected_to, room).into_owned();
    part.text(
        Layer::Face,
        Text::new("status", words, 56.0, header::status_baseline(layout), Face::Text500, line_size)
            .colour(palette.text_secondary),
    );
    let modules = waiting_modules();
    let stage = StageView::waiting(modules);
    draw_rack(part, &stage, layout);
    cables::draw(part, &stage, layout);
}

#[cfg(test)]
mod finale_tests;
#[cfg(test)]
mod move_tests;
#[cfg(test)]
mod tests;
