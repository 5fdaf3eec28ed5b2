//! The stage: the whole pipeline of one run.
//!
//! [`run_view`](crate::app::state::run_view) has the texts and numbers, `layout` the places, and the
//! other files draw. Shapes are written again only when something they show has changed; in between,
//! the shaders move them.

mod cables;
#[cfg(test)]
mod channels;
mod failure_text;
mod fix_loop;
mod folded;
mod header;
mod lower;
mod module_parts;
mod rack;
mod resting_layout;
mod stage_layout;
pub mod story;

use bevy::color::Alpha;
use bevy::ecs::schedule::ScheduleConfigs;
use bevy::ecs::system::ScheduleSystem;
use bevy::math::Vec2;
use bevy::prelude::*;
use jiff::Timestamp;

use self::resting_layout::RestingLayout;
use self::stage_layout::StageLayout;
use super::chrome::ViewChrome;
use crate::app::draw::{Canvas, DrawClock, Face, Layer, Part, Shape, Text, end_fault, guarded};
use crate::app::state::clock::{PlaybackClock, millis_between};
use crate::app::state::focus::Focus;
use crate::app::state::link::Link;
use crate::app::state::next_frame::NextFrame;
use crate::app::state::run_store::RunStore;
use crate::app::state::run_view::{StageView, waiting_modules};
use crate::app::state::view::on_stage;
use crate::app::state::viewport::Viewport;
use crate::app::theme::{Theme, motion, size};
use crate::bounded::bounded;
use crate::layout::{CanvasSize, ModuleBox};
use crate::model::{Run, RunStatus};
use crate::protocol::RunId;
use crate::source::ConnectionState;

const FAILURE_TOP: f32 = 196.0;
/// Age given to motions that are to be over at once, in seconds.
const LONG_AGO_SECS: f64 = 1e4;
/// Greatest age of a run's end at which its failure makes an entrance, in milliseconds.
const NEWS_OF_AN_END_MS: u64 = 5_000;

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<StageMemory>();
}

/// Systems that draw the stage or remove it.
pub(super) fn systems() -> ScheduleConfigs<ScheduleSystem> {
    let away = (leave, end_fault("the stage")).chain().run_if(not(on_stage));
    (away, guarded("the stage", draw, forget).run_if(on_stage)).chain()
}

/// State of the stage as last drawn, to detect changes and start motions.
#[derive(Resource, Default)]
struct StageMemory {
    cause: Option<StageInputs>,
    drawn: Option<Drawn>,
    run: Option<RunId>,
    /// Places of the modules when the last move began; `to` has their targets.
    from: Vec<ModuleBox>,
    to: Vec<ModuleBox>,
    moved_at: f64,
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
    focus: (Option<RunId>, bool),
    link: ConnectionState,
    viewport: Viewport,
    theme: Theme,
}

/// Contents of a drawing; when equal, nothing has to be drawn.
#[derive(Clone, Debug, PartialEq)]
struct Drawn {
    run: Option<RunId>,
    stage: Option<StageView>,
    story: Vec<String>,
    /// Connection state shown while there is no run.
    waits_for: Option<ConnectionState>,
    has_notice: bool,
    lost: bool,
    canvas_size: CanvasSize,
    run_events: u64,
    theme: Theme,
}

/// Removes the stage while another view is shown.
fn leave(mut canvas: ResMut<Canvas>, mut memory: ResMut<StageMemory>) {
    if memory.cause.take().is_some() {
        memory.drawn = None;
        canvas.remove("stage");
    }
}

/// Removes the stage after a panic, whatever that left half done.
fn forget(mut canvas: ResMut<Canvas>, mut memory: ResMut<StageMemory>) {
    *memory = StageMemory::default();
    canvas.remove("stage");
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
) {
    let now = draw_clock.secs;
    // Where frames are rare, the next one may come after the move's end; it is still drawn.
    let moving = memory.is_moving();
    let cause = StageInputs {
        generation: run_store.generation,
        seconds: (clock.now.as_second(), clock.server_now.as_second()),
        focus: (focus.run().cloned(), focus.is_following()),
        link: link.state.clone(),
        viewport: *viewport,
        theme: canvas.theme,
    };
    if !moving && memory.cause.as_ref() == Some(&cause) {
        return;
    }
    memory.cause = Some(cause);

    let model = &run_store.model;
    let run = focus.run().and_then(|id| model.run(id));
    let mut stage = run.map(|run| StageView::of(run, &run_store, clock.now, clock.server_now));
    if let Some(stage) = stage.as_mut().filter(|_| !focus.is_following()) {
        stage.meta.push("staying on this run".to_owned());
    }
    let story = match (run, &stage) {
        (Some(run), Some(stage)) => story::story(run, stage, clock.server_now),
        _ => Vec::new(),
    };
    if let Some(stage) = &mut stage {
        resting_layout::fold_modules(stage, viewport.canvas_size());
    }
    let drawn = Drawn {
        run: run.map(|run| run.id().clone()),
        story,
        waits_for: run.is_none().then(|| link.state.clone()),
        has_notice: view_chrome.notice().is_some(),
        lost: view_chrome.is_lost(),
        canvas_size: viewport.canvas_size(),
        run_events: run.map_or(0, Run::events),
        theme: canvas.theme,
        stage,
    };
    memory.drawn_at = now;
    let reduced_motion = canvas.reduced_motion;
    if memory.notice_changes(&drawn, run, clock.server_now, now, reduced_motion) {
        canvas.cross_fade(now, f64::from(motion::CROSS_FADE));
        next.within_secs(0.0);
    }
    if memory.is_moving() {
        next.within_secs(0.0);
    }
    if !moving && memory.drawn.as_ref() == Some(&drawn) {
        return;
    }

    let (canvas_size, lost) = (drawn.canvas_size, drawn.lost);
    let layout = memory.layout(canvas_size, drawn.stage.as_ref(), now, clock.is_fixed() || lost);
    let part = canvas.redraw("stage");
    rack::draw_rails(part, &layout);
    match (&drawn.stage, run) {
        (Some(stage), Some(run)) => draw_run(part, stage, run, &drawn, &layout),
        _ => draw_waiting(part, &link, &layout),
    }
    memory.drawn = Some(drawn);
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

    /// Records when a move or a failure began; returns true when the picture must fade instead, because
    /// reduced motion forbids a move.
    fn notice_changes(
        &mut self,
        drawn: &Drawn,
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
        let to = RestingLayout::of(drawn.canvas_size, drawn.stage.as_ref()).rack.modules;
        if to != self.to {
            let size_changed =
                self.drawn.as_ref().is_none_or(|before| before.canvas_size != drawn.canvas_size);
            let elsewhere = !same_run || size_changed || self.to.len() != to.len();
            let jumps = elsewhere || reduced_motion;
            fades = reduced_motion && !elsewhere;
            self.from = if jumps { to.clone() } else { self.placed(now) };
            self.moved_at = if jumps { now - LONG_AGO_SECS } else { now };
            self.to = to;
        }
        self.status = status;
        self.run = run.map(|run| run.id().clone());
        fades
    }

    /// Places of the modules at `now`, interpolated during a move.
    fn placed(&self, now: f64) -> Vec<ModuleBox> {
        let t = bounded((now - self.moved_at) / f64::from(motion::FOCUS_MOVE), 0.0, 1.0) as f32;
        let eased = 1.0 - (1.0 - t).powi(4);
        let pairs = self.from.iter().zip(&self.to);
        pairs.map(|(from, to)| ModuleBox { rect: from.rect.lerp(&to.rect, eased), ..*to }).collect()
    }

    fn layout(
        &self,
        canvas_size: CanvasSize,
        stage: Option<&StageView>,
        now: f64,
        frozen: bool,
    ) -> StageLayout {
        let RestingLayout { mut rack, down, lower_top } = RestingLayout::of(canvas_size, stage);
        rack.modules = self.placed(now);
        let on_the_way = now < self.moved_at + f64::from(motion::FOCUS_MOVE);
        let pairs = self.from.iter().zip(&self.to);
        let moving = pairs.map(|(from, to)| on_the_way && from.rect != to.rect).collect();
        StageLayout {
            rack,
            moving,
            down,
            failure_top: FAILURE_TOP + down,
            lower_top,
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
    fix_loop::draw(part, stage, layout);
    rack::draw_modules(part, stage, layout);
    rack::draw_failure(part, stage, layout);
    cables::draw(part, stage, layout);
    lower::draw_ticker(part, run, drawn.story.is_empty(), layout);
    lower::draw_story(part, &drawn.story, layout);
    if let Some(scores) = &stage.scores {
        lower::draw_scores(part, scores, layout);
    }
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
            "Waiting for the first run",
            53.0,
            180.0 + layout.down,
            Face::Display700,
            84.0,
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
        ConnectionState::Disconnected => "not connected; press P for the panel".to_owned(),
    };
    let room = layout.canvas_size.width - 112.0;
    let words = crate::app::draw::truncate(Face::Text500, size::STATUS_LINE, &connected_to, room)
        .into_owned();
    part.text(
        Layer::Face,
        Text::new("status", words, 56.0, 246.0 + layout.down, Face::Text500, size::STATUS_LINE)
            .colour(palette.text_secondary),
    );
    let modules = waiting_modules();
    let stage = StageView::waiting(modules);
    fix_loop::draw(part, &stage, layout);
    rack::draw_modules(part, &stage, layout);
    cables::draw(part, &stage, layout);
}

#[cfg(test)]
mod tests;
