//! The stage: one run's whole pipeline, from the first frame on.
//!
//! [`view`] says what there is to say, `layout` where it stands, and the other files draw it. The
//! picture is written again only when something it shows has changed; between, the shader moves
//! it.

mod cables;
mod failure_text;
mod fix_loop;
mod header;
mod lower;
mod place;
mod rack;
pub mod story;
pub mod view;

use bevy::color::Alpha;
use bevy::math::Vec2;
use bevy::prelude::*;
use jiff::Timestamp;

pub use self::view::queued_ms;

use self::place::Place;
use self::view::{ModuleView, StageView};
use super::AppSystems;
use super::bridge::{self, BridgeView};
use super::clock::{PlaybackClock, local_zone, millis_between};
use super::draw::{Canvas, DrawClock, Face, Layer, Part, Shape, Text};
use super::focus::Focus;
use super::ingest::{Link, Studio};
use super::theme::{colour, motion, size};
use super::viewport::{ReducedMotion, Viewport, Zoom};
use super::words::run_title;
use crate::layout::{ModuleBox, Rack, RackRequest, Rect, Screen, lay_out_rack};
use crate::model::{Model, NodeStatus, Run, RunStatus};
use crate::protocol::{PIPELINE, RunId};
use crate::source::ConnectionState;

/// Upper edge of the rack on a 16:9 screen.
const RACK_TOP: f32 = 312.0;
const FAILURE_TOP: f32 = 196.0;
/// A failure seen later than this after it happened is drawn without its entrance, in seconds.
const LONG_AGO_SECS: f64 = 1e4;
/// An end seen later than this is none of the present, in milliseconds.
const NEWS_OF_AN_END_MS: u64 = 5_000;
/// A failure elsewhere is told for this long, in milliseconds.
const NEWS_MS: u64 = 60_000;

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<StageMemory>().add_systems(Update, draw.in_set(AppSystems::Draw));
}

/// What the stage showed last, to know what has changed and where motion begins.
#[derive(Resource, Default)]
struct StageMemory {
    cause: Option<Cause>,
    drawn: Option<Drawn>,
    run: Option<RunId>,
    /// Modules' places when the last move began, and where they go.
    from: Vec<ModuleBox>,
    to: Vec<ModuleBox>,
    moved_at: f64,
    /// When it was last drawn, or nothing of it had to be.
    drawn_at: f64,
    status: Option<RunStatus>,
    failed_at: f64,
    bridge: Option<BridgeView>,
}

/// What can change the picture; cheap to compare in every frame.
#[derive(Clone, Debug, PartialEq)]
struct Cause {
    generation: u64,
    /// Everything that ticks does so by the second, on this machine's and the server's clock.
    seconds: (i64, i64),
    focus: (Option<RunId>, bool),
    link: ConnectionState,
    viewport: Viewport,
    zoom: Zoom,
}

/// What a drawing was made from; equal means that nothing has to be drawn.
#[derive(Clone, Debug, PartialEq)]
struct Drawn {
    stage: Option<StageView>,
    story: Vec<String>,
    bridge: BridgeView,
    clock: String,
    notice: Option<String>,
    elsewhere: Option<String>,
    screen: Screen,
    zoom: Zoom,
    run_events: u64,
}

#[expect(clippy::too_many_arguments, reason = "each is a resource the picture is made from")]
fn draw(
    mut canvas: ResMut<Canvas>,
    mut memory: ResMut<StageMemory>,
    studio: Res<Studio>,
    link: Res<Link>,
    focus: Res<Focus>,
    clock: Res<PlaybackClock>,
    draw_clock: Res<DrawClock>,
    viewport: Res<Viewport>,
    zoom: Res<Zoom>,
    reduced_motion: Res<ReducedMotion>,
) {
    let now = draw_clock.secs;
    // Where frames are rare the last of a move can fall behind its end: it is drawn all the same.
    let arrived = memory.moved_at + f64::from(motion::FOCUS_MOVE);
    let moving = memory.drawn_at <= arrived;
    let cause = Cause {
        generation: studio.generation,
        seconds: (clock.now.as_second(), clock.server_now.as_second()),
        focus: (focus.run().cloned(), focus.is_following()),
        link: link.state.clone(),
        viewport: *viewport,
        zoom: *zoom,
    };
    if !moving && memory.cause.as_ref() == Some(&cause) {
        return;
    }
    memory.cause = Some(cause);

    let model = &studio.model;
    let run = focus.run().and_then(|id| model.run(id));
    let mut stage = run.map(|run| StageView::of(run, model.stats(), clock.now, clock.server_now));
    if let Some(stage) = stage.as_mut().filter(|_| !focus.is_following()) {
        stage.meta.push("staying on this run".to_owned());
    }
    let story = match (run, &stage) {
        (Some(run), Some(stage)) => story::story(run, stage, clock.server_now),
        _ => Vec::new(),
    };
    let bridge = BridgeView::of(model, &link, clock.now, clock.server_now);
    let drawn = Drawn {
        story,
        clock: clock.now.to_zoned(local_zone()).strftime("%H:%M").to_string(),
        notice: notice(&link, clock.now),
        elsewhere: elsewhere(model, focus.run(), clock.server_now),
        screen: viewport.screen(),
        zoom: *zoom,
        run_events: run.map_or(0, Run::events),
        stage,
        bridge,
    };
    memory.drawn_at = now;
    memory.notice_changes(&drawn, run, clock.server_now, now);
    if !moving && memory.drawn.as_ref() == Some(&drawn) {
        return;
    }

    let screen = drawn.screen;
    canvas.scale = screen.scale * zoom.factor;
    canvas.origin = zoom.origin_px.round();
    // What is not kept up to date does not move, and its colours drain.
    let lost = drawn.bridge.light.state.is_lost();
    canvas.desaturate = if lost { 0.6 } else { 0.0 };
    canvas.reduced_motion = lost || reduced_motion.0;
    let place = memory.place(screen, drawn.stage.as_ref(), now, clock.is_fixed() || lost);
    let part = canvas.redraw("stage");
    draw_ground(part, &screen);
    rack::draw_rails(part, &place);
    header::draw_clock(part, &place, &drawn.clock);
    match (&drawn.stage, run) {
        (Some(stage), Some(run)) => draw_run(part, stage, run, &drawn, &place),
        _ => draw_waiting(part, &link, &place),
    }
    if let Some(notice) = &drawn.notice {
        draw_notice(part, notice, &place);
    } else if let Some(elsewhere) = &drawn.elsewhere {
        let meta = drawn.stage.as_ref().map_or(&[][..], |stage| &stage.meta);
        header::draw_elsewhere(part, elsewhere, meta, &place);
    }
    // Where time stands still, so do the needles.
    let before = memory.bridge.take().filter(|_| !clock.is_fixed());
    let before = before.as_ref().or(clock.is_fixed().then_some(&drawn.bridge));
    bridge::draw(canvas.redraw("bridge"), &drawn.bridge, before, &screen, now);
    memory.bridge = Some(drawn.bridge.clone());
    memory.drawn = Some(drawn);
}

/// Whether a run has ended just now. What a viewer who was away missed makes no entrance.
fn is_news(run: &Run, server_now: Timestamp) -> bool {
    run.ended_at.is_none_or(|at| millis_between(at, server_now) < NEWS_OF_AN_END_MS)
}

impl StageMemory {
    /// Notes when a move or a failure began.
    fn notice_changes(
        &mut self,
        drawn: &Drawn,
        run: Option<&Run>,
        server_now: Timestamp,
        now: f64,
    ) {
        let same_run = run.map(Run::id) == self.run.as_ref();
        let status = run.map(|run| run.status);
        if status == Some(RunStatus::Failed) && self.status != status {
            let news = same_run && run.is_some_and(|run| is_news(run, server_now));
            self.failed_at = if news { now } else { now - LONG_AGO_SECS };
        }
        let to = self.lay_out(drawn.screen, drawn.stage.as_ref()).modules;
        if to != self.to {
            let screen_changed =
                self.drawn.as_ref().is_none_or(|before| before.screen != drawn.screen);
            let jumps = !same_run || screen_changed || self.to.len() != to.len();
            self.from = if jumps { to.clone() } else { self.placed(now) };
            self.moved_at = if jumps { now - LONG_AGO_SECS } else { now };
            self.to = to;
        }
        self.status = status;
        self.run = run.map(|run| run.id().clone());
    }

    fn lay_out(&self, screen: Screen, stage: Option<&StageView>) -> Rack {
        let waiting = waiting_modules();
        let modules = stage.map_or(&waiting[..], |stage| &stage.modules);
        let position = |name: &str| modules.iter().position(|module| module.name == name);
        let failed = stage.and_then(|stage| stage.failure.as_ref()?.module);
        lay_out_rack(&RackRequest {
            focus: modules
                .iter()
                .enumerate()
                .map(|(index, module)| module.has_focus() || failed == Some(index))
                .collect(),
            left: Screen::MARGIN,
            right: screen.right(),
            top: RACK_TOP + screen.extra_height() / 2.0,
            loop_between: position("COMPOSE").zip(position("VALIDATE")),
        })
    }

    /// Where modules are now, in the middle of a move.
    fn placed(&self, now: f64) -> Vec<ModuleBox> {
        let t = ((now - self.moved_at) / f64::from(motion::FOCUS_MOVE)).clamp(0.0, 1.0) as f32;
        let eased = 1.0 - (1.0 - t).powi(4);
        let pairs = self.from.iter().zip(&self.to);
        pairs.map(|(from, to)| ModuleBox { rect: from.rect.lerp(&to.rect, eased), ..*to }).collect()
    }

    fn place(&self, screen: Screen, stage: Option<&StageView>, now: f64, frozen: bool) -> Place {
        let mut rack = self.lay_out(screen, stage);
        rack.modules = self.placed(now);
        Place {
            rack,
            failure_top: FAILURE_TOP + screen.extra_height() / 2.0,
            clock_secs: now,
            failed_at: if frozen { now - LONG_AGO_SECS } else { self.failed_at },
            frozen,
            screen,
        }
    }
}

/// The pipeline before anything is known of a run.
fn waiting_modules() -> Vec<ModuleView> {
    PIPELINE
        .iter()
        .filter(|name| **name != "FIX")
        .map(|name| ModuleView {
            name: (*name).to_owned(),
            status: NodeStatus::Pending,
            stopped: false,
            duration_ms: None,
            attempts: 0,
            usual: None,
            refused: false,
            refused_before: false,
            progress_percent: None,
        })
        .collect()
}

fn draw_ground(part: &mut Part, screen: &Screen) {
    let full = Rect::new(-32.0, -32.0, screen.width + 64.0, screen.height + 64.0);
    part.shape(
        Layer::Background,
        Shape::rounded_box(full).fill_vertical(colour::BG_TOP, colour::BG_BOTTOM),
    );
}

fn draw_run(part: &mut Part, stage: &StageView, run: &Run, drawn: &Drawn, place: &Place) {
    draw_light_pool(part, stage, place);
    if drawn.notice.is_none() {
        header::draw_meta(part, &stage.meta);
    }
    header::draw_run(part, stage, place);
    fix_loop::draw(part, stage, place);
    rack::draw_modules(part, stage, place);
    rack::draw_failure(part, stage, place);
    cables::draw(part, stage, place);
    lower::draw_ticker(part, run, drawn.story.is_empty(), place);
    lower::draw_story(part, &drawn.story, place);
    if let Some(scores) = &stage.scores {
        lower::draw_scores(part, scores, place);
    }
}

/// Light on the ground behind what has the focus.
fn draw_light_pool(part: &mut Part, stage: &StageView, place: &Place) {
    let failed = stage.failure.as_ref().and_then(|failure| failure.module);
    for (index, (module, at)) in stage.modules.iter().zip(&place.rack.modules).enumerate() {
        let (ink, strong, weak, radius) = if failed == Some(index) {
            (colour::FAILED, 0.26, 0.07, 640.0)
        } else if module.has_focus() {
            (colour::RUNNING, 0.17, 0.05, 620.0)
        } else {
            continue;
        };
        let centre = Vec2::new(at.rect.centre_x(), at.rect.centre_y());
        part.shape(
            Layer::Pool,
            Shape::pool(centre, radius, ink.with_alpha(strong), ink.with_alpha(weak)),
        );
    }
}

/// The ghosted rack before the first run.
fn draw_waiting(part: &mut Part, link: &Link, place: &Place) {
    header::draw_meta(part, &["song runs".to_owned()]);
    part.text(
        Layer::Face,
        Text::new("title", "Waiting for the first run", 53.0, 180.0, Face::Display700, 84.0)
            .tracking(-0.022)
            .colour(colour::TEXT),
    );
    let connected_to = match &link.state {
        _ if link.is_recording() => "the recording has told of no run yet".to_owned(),
        ConnectionState::Connected { url, .. } => format!("connected to {url}"),
        ConnectionState::Connecting { url } => format!("connecting to {url}"),
        ConnectionState::Reconnecting { url, reason, .. } => {
            format!("no connection to {url}: {reason}")
        }
        ConnectionState::Failed { url, reason } => format!("no connection to {url}: {reason}"),
        ConnectionState::Disconnected => "not connected; press P for the panel".to_owned(),
    };
    let room = place.screen.width - 112.0;
    let words =
        super::draw::truncate(Face::Text500, size::STATUS_LINE, &connected_to, room).into_owned();
    part.text(
        Layer::Face,
        Text::new("status", words, 56.0, 246.0, Face::Text500, size::STATUS_LINE)
            .colour(colour::TEXT_SECONDARY),
    );
    let modules = waiting_modules();
    let stage = StageView::waiting(modules);
    fix_loop::draw(part, &stage, place);
    rack::draw_modules(part, &stage, place);
    cables::draw(part, &stage, place);
}

/// The last failure of another run, while it is news.
fn elsewhere(model: &Model, shown: Option<&RunId>, now: Timestamp) -> Option<String> {
    let news = model
        .runs()
        .filter(|run| run.status == RunStatus::Failed && Some(run.id()) != shown)
        .filter_map(|run| Some((run.ended_at?, run)))
        .filter(|(ended_at, _)| millis_between(*ended_at, now) < NEWS_MS)
        .max_by_key(|(ended_at, _)| *ended_at);
    let (ended_at, run) = news?;
    let node = run.failed_node().map_or("the run", |node| node.name.as_str());
    Some(format!(
        "Elsewhere, {}: {node} failed {} ago",
        run_title(run),
        view::age_words(ended_at, now)
    ))
}

/// What the one band says while the connection is lost; `None` while it is not.
fn notice(link: &Link, now: Timestamp) -> Option<String> {
    if link.is_recording() {
        return None;
    }
    match &link.state {
        ConnectionState::Reconnecting { attempt, max_attempts, next_attempt_at, .. } => {
            let of = if *max_attempts == 0 { String::new() } else { format!(" of {max_attempts}") };
            let when = match next_attempt_at {
                Some(at) => {
                    let secs = millis_between(now, *at).div_ceil(1000);
                    format!("in {secs} s")
                }
                None => "under way".to_owned(),
            };
            Some(format!("Connection lost. Attempt {attempt}{of} {when}."))
        }
        ConnectionState::Failed { reason, .. } => {
            Some(format!("No connection: {}", reason.trim_end_matches('.')))
        }
        _ => None,
    }
}

/// The amber band: what happened, and what happens next.
fn draw_notice(part: &mut Part, notice: &str, place: &Place) {
    let band = Rect::new(Screen::MARGIN, 28.0, place.screen.width - 112.0 - 190.0, 62.0);
    part.shape(
        Layer::Band,
        Shape::rounded_box(band)
            .radius(14.0)
            .fill(colour::CANCELLED_BAND)
            .border(2.0, colour::CANCELLED),
    );
    let y = band.centre_y();
    let at = |x: f32| Vec2::new(band.x + x, y);
    let link = |a: f32, b: f32| Shape::capsule(at(a), at(b), 4.0).fill(colour::CANCELLED);
    part.shape(Layer::Band, link(22.0, 46.0));
    part.shape(
        Layer::Band,
        Shape::rounded_box(Rect::new(band.x + 34.0, y - 9.0, 22.0, 18.0))
            .radius(3.0)
            .fill(colour::CANCELLED),
    );
    part.shape(Layer::Band, Shape::ring(at(80.0), 9.0, 4.0).fill(colour::CANCELLED));
    part.shape(Layer::Band, link(92.0, 104.0));
    let words = super::draw::truncate(Face::Text500, 34.0, notice, band.w - 150.0).into_owned();
    part.text(
        Layer::Band,
        Text::new("notice", words, band.x + 126.0, y + 12.0, Face::Text500, 34.0)
            .colour(colour::TEXT),
    );
}

#[cfg(test)]
mod tests;
