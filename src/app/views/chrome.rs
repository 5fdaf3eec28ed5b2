//! Chrome around every view: the ground, the clock, the band when the connection is lost, and the
//! bridge at the foot.

use bevy::ecs::schedule::ScheduleConfigs;
use bevy::ecs::system::ScheduleSystem;
use bevy::math::Vec2;
use bevy::prelude::*;
use jiff::Timestamp;

use super::bridge::{self, BridgeView, History, is_polled};
use super::counts::RunCounts;
use super::rewound::{LiveFailure, LiveFailureCard, moment_words};
use crate::app::draw::{
    Canvas, DrawClock, Face, Layer, Part, Rect, Shape, Text, guarded, measure, truncate,
};
use crate::app::state::actions::{Action, Transport};
use crate::app::state::clock::{PlaybackClock, local_zone, millis_between};
use crate::app::state::free_space::FreeSpace;
use crate::app::state::hints::HintAreas;
use crate::app::state::hit::{Button, Buttons, Scrub};
use crate::app::state::link::{Link, Present};
use crate::app::state::run_store::RunStore;
use crate::app::state::view::View;
use crate::app::state::viewport::{Edges, ReducedMotion, Viewport, Zoom};
use crate::app::theme::{Theme, size};
use crate::app::words::{updates_words, whole_seconds};
use crate::layout::{CanvasSize, HeaderPlaces, lay_out_history, stage_lane, wall_header};
use crate::source::ConnectionState;

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<ViewChrome>()
        .init_resource::<Theme>()
        .init_resource::<Buttons>()
        .init_resource::<HintAreas>()
        .init_resource::<Scrub>();
}

/// Names of the buttons on the bridge, and of that on the news of a failure.
const TRANSPORT: &str = "transport";
const LIVE_FAILURE: &str = "live failure";
/// Part of a second after which a past that plays is drawn again.
const PLAYING_STEPS_PER_SEC: i64 = 4;
/// Width of the lane that the second line of the clock takes while the past is shown.
const CLOCK_LINE_IN_LANE: f32 = 64.0;

/// Systems that draw the chrome.
pub(super) fn systems() -> ScheduleConfigs<ScheduleSystem> {
    guarded("the frame with its meters", draw, forget)
}

/// Makes everything be drawn again after a panic, or when another source begins.
pub(super) fn forget(
    mut canvas: ResMut<Canvas>,
    mut view_chrome: ResMut<ViewChrome>,
    mut buttons: ResMut<Buttons>,
    mut scrub: ResMut<Scrub>,
    mut hints: ResMut<HintAreas>,
) {
    *view_chrome = ViewChrome::default();
    *scrub = Scrub::default();
    hints.show(TRANSPORT, Vec::new());
    for name in [TRANSPORT, LIVE_FAILURE] {
        buttons.show(name, Vec::new());
    }
    canvas.remove("bridge");
}

/// State of the chrome as last drawn.
#[derive(Resource, Default)]
pub struct ViewChrome {
    cause: Option<ChromeInputs>,
    drawn: Option<Drawn>,
    /// History of the meters with its key: the server's second and, while the clock is fixed, the
    /// model's generation.
    history: Option<((i64, u64), History)>,
}

impl ViewChrome {
    /// True when the data on screen is no longer updated.
    pub fn is_lost(&self) -> bool {
        self.drawn.as_ref().is_some_and(|drawn| drawn.bridge.light.state.is_lost())
    }

    /// The meters and the connection as last drawn.
    pub fn bridge(&self) -> Option<&BridgeView> {
        Some(&self.drawn.as_ref()?.bridge)
    }

    /// Sentence about failures in live time, while the past is shown.
    pub fn live_failure(&self) -> Option<String> {
        let (failure, _) = self.drawn.as_ref()?.past.as_ref()?;
        failure.as_ref().map(LiveFailure::sentence)
    }

    /// Words of the pill that tells how far the shown past is behind live; `None` when it is live.
    pub fn behind_words(&self) -> Option<&str> {
        Some(self.drawn.as_ref()?.bridge.transport.as_ref()?.behind.as_str())
    }

    /// Time of day, or the moment of the past that is shown.
    pub fn clock_words(&self) -> Option<&str> {
        Some(self.drawn.as_ref()?.clock.as_str())
    }

    /// Word of the connection light.
    pub fn light_word(&self) -> Option<&str> {
        Some(self.drawn.as_ref()?.bridge.light.word.as_str())
    }

    /// Text of the band over the view; `None` while there is no band.
    pub fn notice(&self) -> Option<&str> {
        self.drawn.as_ref()?.notice.as_deref()
    }
}

/// Inputs of the chrome; cheap to compare in every frame.
#[derive(Clone, Debug, PartialEq)]
struct ChromeInputs {
    generation: u64,
    /// Whole seconds of this machine's clock and the server's; nothing ticks faster.
    seconds: (i64, i64),
    counts: RunCounts,
    link: ConnectionState,
    viewport: Viewport,
    zoom: Zoom,
    view: View,
    reduced_motion: bool,
    theme: Theme,
    past: Option<PastInputs>,
}

/// Inputs of the chrome while the past is shown.
#[derive(Clone, Debug, PartialEq)]
struct PastInputs {
    jumps: u64,
    is_playing: bool,
    speed: f64,
    /// Shown instant in parts of a second, and the live second.
    at: (i64, i64),
    newer: u64,
    /// Changes of the hub's past and of its reach.
    hub: u64,
}

#[derive(Clone, Debug, PartialEq)]
struct Drawn {
    bridge: BridgeView,
    clock: String,
    /// News of live time, and the present in words; `None` when the display is live.
    past: Option<(Option<LiveFailure>, String)>,
    notice: Option<String>,
    canvas_size: CanvasSize,
    /// Upper left corner of the views, in device pixels, and the edges that the panel covers.
    place: (Vec2, Edges),
    zoom: Zoom,
    view: View,
    reduced_motion: bool,
    theme: Theme,
}

impl Drawn {
    /// Inputs of the bridge.
    fn look(&self) -> (&BridgeView, bool, CanvasSize, Theme) {
        (&self.bridge, self.has_bridge(), self.canvas_size, self.theme)
    }

    /// False where the light of the connection alone stands at the foot, or the desk has a foot of its own.
    fn has_bridge(&self) -> bool {
        !matches!(self.view, View::History | View::Desk)
    }
}

#[expect(clippy::too_many_arguments, reason = "each is a resource the picture is made from")]
pub(super) fn draw(
    mut canvas: ResMut<Canvas>,
    view_chrome: ResMut<ViewChrome>,
    (run_store, counts): (Res<RunStore>, Res<RunCounts>),
    link: Res<Link>,
    clock: Res<PlaybackClock>,
    draw_clock: Res<DrawClock>,
    viewport: Res<Viewport>,
    zoom: Res<Zoom>,
    view: Res<View>,
    (reduced_motion, theme): (Res<ReducedMotion>, Res<Theme>),
    (mut free, mut buttons, mut scrub): (ResMut<FreeSpace>, ResMut<Buttons>, ResMut<Scrub>),
    mut hints: ResMut<HintAreas>,
) {
    let shown = run_store.shown_past();
    let cause = ChromeInputs {
        generation: run_store.generation,
        seconds: (clock.now.as_second(), clock.server_now.as_second()),
        counts: *counts,
        link: link.state.clone(),
        viewport: *viewport,
        zoom: *zoom,
        view: *view,
        reduced_motion: reduced_motion.0,
        theme: *theme,
        past: shown.map(|shown| PastInputs {
            jumps: run_store.jumps(),
            is_playing: shown.is_playing,
            speed: shown.speed,
            at: (
                shown.at.as_millisecond() * PLAYING_STEPS_PER_SEC / 1_000,
                clock.live_now.as_second(),
            ),
            newer: run_store.newer_events(),
            hub: run_store.hub_changes(),
        }),
    };
    let view_chrome = view_chrome.into_inner();
    if view_chrome.cause.as_ref() == Some(&cause) {
        return;
    }
    let made = (cause.seconds.1, if clock.is_fixed() { cause.generation } else { 0 });
    view_chrome.cause = Some(cause);
    let model = run_store.live();
    let history = match &mut view_chrome.history {
        // The meters are not seen while the past is shown.
        Some((before, history)) if *before == made || shown.is_some() => history,
        old => {
            let before = old.take().map(|(_, before)| before);
            let server_now = model.clock().server_time(clock.live_now);
            let history = History::after(before, model, is_polled(&link), server_now);
            &mut old.insert((made, history)).1
        }
    };
    let live_now = clock.live_now;
    let live_server_now = model.clock().server_time(live_now);
    let bridge = BridgeView::of(model, history, &counts, &link, live_now, live_server_now);
    let bridge = match &shown {
        Some(shown) => bridge.of_past(&run_store, shown, &link, live_now),
        None => bridge,
    };
    let zone = local_zone();
    let drawn = Drawn {
        bridge,
        clock: match shown {
            Some(_) => moment_words(clock.now, live_now, &zone),
            None => clock.now.to_zoned(zone.clone()).strftime("%H:%M").to_string(),
        },
        past: shown.map(|_| {
            let format = match link.present() {
                Present::Live => "now it is %H:%M:%S",
                Present::Replay => "replay at %H:%M:%S",
            };
            let now = live_now.to_zoned(zone).strftime(format).to_string();
            (LiveFailure::of(&run_store, link.present(), live_now), now)
        }),
        notice: notice(&link, live_now),
        canvas_size: viewport.canvas_size(),
        place: (viewport.views_origin_px(), viewport.covered),
        zoom: *zoom,
        view: *view,
        reduced_motion: reduced_motion.0,
        theme: *theme,
    };
    if view_chrome.drawn.as_ref() == Some(&drawn) {
        return;
    }
    let before = view_chrome.drawn.take();
    let canvas_size = drawn.canvas_size;
    canvas.theme = drawn.theme;
    canvas.scale = canvas_size.scale * zoom.factor;
    canvas.origin = (viewport.views_origin_px() + zoom.origin_px).round();
    // Data that is no longer updated is drawn without motion and with drained colours.
    let lost = drawn.bridge.light.state.is_lost();
    canvas.desaturate = if lost { 0.6 } else { 0.0 };
    let stands_still = shown.is_some_and(|shown| !shown.is_playing);
    canvas.reduced_motion = lost || reduced_motion.0 || stands_still;

    let part = canvas.redraw("frame").stay();
    draw_ground(part, &canvas_size);
    let now_words = drawn.past.as_ref().map(|(_, now)| now.as_str());
    draw_time_of_day(part, &canvas_size, *view, &drawn.clock, now_words);
    let band = drawn.notice.as_deref().map(|notice| Band::of(notice, *view, &canvas_size));
    if let Some(band) = &band {
        band.draw(part);
    }
    let mut space = free_space(band.as_ref(), *view, &canvas_size);
    if drawn.past.is_some() && !canvas_size.is_tall() {
        space.lane.w = (space.lane.w - CLOCK_LINE_IN_LANE * space.scale).max(0.0);
    }
    space.lane = uncovered(space.lane, viewport.covered, &canvas_size);
    let news = drawn.past.as_ref().and_then(|(failure, _)| failure.clone());
    let card = news.and_then(|news| LiveFailureCard::of(news, space.lane, space.scale));
    if let Some(card) = &card {
        card.draw(part);
        let x = card.rect.right() + BAND_GAP * space.scale;
        space.lane = Rect { x, w: (space.lane.right() - x).max(0.0), ..space.lane };
    }
    let action = Action::Time(Transport::Live);
    let button = card.map(|card| Button { rect: card.rect, action, holds_pointer: true });
    let button: Vec<Button> = button.into_iter().collect();
    buttons.show(LIVE_FAILURE, button);
    free.set_if_neq(space);
    // A fixed clock also fixes the needles.
    let from = before.as_ref().map(|before| &before.bridge).filter(|_| !clock.is_fixed());
    let from = from.or(clock.is_fixed().then_some(&drawn.bridge));
    if before.as_ref().is_none_or(|before| before.look() != drawn.look()) {
        let part = canvas.redraw("bridge").stay();
        let (pressed, area) = match drawn.has_bridge() {
            true => bridge::draw(part, &drawn.bridge, from, &canvas_size, draw_clock.secs),
            false => {
                let places = lay_out_history(&canvas_size);
                bridge::draw_light(
                    part,
                    &drawn.bridge.light,
                    (places.left, places.foot),
                    places.scale,
                );
                (Vec::new(), None)
            }
        };
        let areas = drawn.has_bridge().then(|| bridge::hint_areas(&drawn.bridge, &canvas_size));
        hints.show(TRANSPORT, areas.unwrap_or_default());
        buttons.show(TRANSPORT, pressed);
        let dragged = scrub.dragged.filter(|_| area.is_some());
        scrub.set_if_neq(Scrub { area, dragged });
    }
    view_chrome.drawn = Some(drawn);
}

fn draw_ground(part: &mut Part, canvas_size: &CanvasSize) {
    let palette = part.palette;
    let full = Rect::new(-32.0, -32.0, canvas_size.width + 64.0, canvas_size.height + 64.0);
    part.shape(
        Layer::Background,
        Shape::rounded_box(full).fill_vertical(palette.bg_top, palette.bg_bottom),
    );
}

/// Draws the product's mark at `x` on `baseline`: five level bars, the tallest 26 design pixels at
/// `scale` 1.
pub fn draw_mark(part: &mut Part, x: f32, baseline: f32, scale: f32) {
    let palette = part.palette;
    let bars = [10.9, 19.2, 26.0, 15.6, 7.8];
    for (index, height) in bars.into_iter().enumerate() {
        let height = height * scale;
        let left = x + index as f32 * 6.25 * scale;
        let bar = Rect::new(left, baseline - height, 3.6 * scale, height);
        let ink = if index == 2 { palette.text } else { palette.violet_text };
        part.shape(
            Layer::Module,
            Shape::rounded_box(bar).radius(1.8 * scale).fill(ink).unsnapped(),
        );
    }
}

/// Draws the time of day at the top right: hours and minutes, or the moment of the past that is shown with
/// the present below it.
fn draw_time_of_day(
    part: &mut Part,
    canvas_size: &CanvasSize,
    view: View,
    clock: &str,
    now_words: Option<&str>,
) {
    let words = clock.to_owned();
    let (right, mut y, scale) = if view.is_about_all() {
        let places = wall_header(canvas_size);
        (places.right, places.clock_y, places.scale)
    } else {
        (canvas_size.right(), 82.0, 1.0)
    };
    let mut ink = part.palette.text_secondary;
    if let Some(now) = now_words {
        // Below the tab on a portrait screen; on the stage above the elapsed time.
        let (up, down) = match view.is_about_all() {
            true if canvas_size.is_portrait() => (2.0, 22.0),
            true => (10.0, 26.0),
            false => (16.0, 14.0),
        };
        let at = y + down * scale;
        let below =
            Text::new("now", now.to_owned(), right, at, Face::Text500, size::TICKER * scale).end();
        part.text(Layer::Face, below.colour(part.palette.text_secondary));
        y -= up * scale;
        ink = part.palette.violet_text;
    }
    part.text(
        Layer::Face,
        Text::new("clock", words, right, y, Face::Display700, size::CLOCK * scale)
            .end()
            .tracking(-0.02)
            .colour(ink),
    );
}

/// Text of the band while updates are late or missing; `None` while they are live.
fn notice(link: &Link, now: Timestamp) -> Option<String> {
    if link.is_recording() {
        return None;
    }
    match &link.state {
        ConnectionState::Reconnecting { attempt, max_attempts, next_attempt_at, .. } => {
            let of = if *max_attempts == 0 { String::new() } else { format!(" of {max_attempts}") };
            let when = match next_attempt_at {
                Some(at) => {
                    let millis = millis_between(now, *at).div_ceil(1000) * 1000;
                    format!("in {}", whole_seconds(millis))
                }
                None => "under way".to_owned(),
            };
            let what = if link.was_connected() { "Connection lost" } else { "Cannot connect" };
            Some(format!("{what}. Attempt {attempt}{of} {when}."))
        }
        ConnectionState::Failed { reason, .. } => {
            let what = if link.was_connected() { "No connection" } else { "Cannot connect" };
            Some(format!("{what}: {}", reason.trim_end_matches('.')))
        }
        ConnectionState::Connected { updates, .. } => updates_words(updates, &local_zone()),
        _ => None,
    }
}

/// Least width of the lane beside the band of the wall.
const LANE_BESIDE_BAND: f32 = 360.0;
/// Distance between the band and the lane.
const BAND_GAP: f32 = 24.0;

/// Amber band: the problem and the next step.
#[derive(Clone, Debug, PartialEq)]
struct Band {
    rect: Rect,
    words: String,
    words_size: f32,
    /// Distance from the left edge to the words; [`Self::END`] is that from the words to the right edge.
    sign_width: f32,
}

impl Band {
    const END: f32 = 24.0;
    /// Sizes of type tried, until the words fit.
    const STAGE_SIZES: [f32; 3] = [34.0, 30.0, 26.0];
    const WALL_SIZES: [f32; 2] = [size::TICKER, size::ESSENTIAL_MIN];

    fn of(notice: &str, view: View, canvas_size: &CanvasSize) -> Self {
        let (room, sizes, sign_width, scale) = match view.is_about_all() {
            // Stands over the line above the title, and ends before the lane.
            false => {
                let right = if canvas_size.is_tall() {
                    canvas_size.right() - CanvasSize::CLOCK_WIDTH
                } else {
                    stage_lane(canvas_size).0.x - BAND_GAP
                };
                let x = CanvasSize::MARGIN;
                (Rect::new(x, 28.0, right - x, 62.0), &Self::STAGE_SIZES[..], 126.0, 1.0)
            }
            // Shares the lane with the toasts.
            true => {
                let (lane, scale) = lane_of_all(view, canvas_size);
                let w = (lane.w - (LANE_BESIDE_BAND + BAND_GAP) * scale).max(0.0);
                (Rect { w, ..lane }, &Self::WALL_SIZES[..], 76.0, scale)
            }
        };
        let (sign_width, end) = (sign_width * scale, Self::END * scale);
        let words_room = (room.w - sign_width - end).max(0.0);
        let width = |size: f32| measure(Face::Text500, size * scale, 0.0, notice);
        let fitting = sizes.iter().find(|size| width(**size) <= words_room);
        let words_size = fitting.or(sizes.last()).copied().unwrap_or(size::ESSENTIAL_MIN) * scale;
        let words = truncate(Face::Text500, words_size, notice, words_room).into_owned();
        let w = match view.is_about_all() {
            false => room.w,
            true => sign_width + measure(Face::Text500, words_size, 0.0, &words) + end,
        };
        Self { rect: Rect { w, ..room }, words, words_size, sign_width }
    }

    fn draw(&self, part: &mut Part) {
        let palette = part.palette;
        let Self { rect, .. } = *self;
        part.shape(
            Layer::Band,
            Shape::rounded_box(rect)
                .radius((rect.h / 2.0).min(14.0 + rect.h * 0.12))
                .fill(palette.cancelled_band)
                .border(2.0, palette.cancelled),
        );
        // A plug that has come off its socket, drawn for a width of 126.
        let (y, scale) = (rect.centre_y(), self.sign_width / 126.0);
        let at = |x: f32| Vec2::new(rect.x + x * scale, y);
        let link =
            |a: f32, b: f32| Shape::capsule(at(a), at(b), 4.0 * scale).fill(palette.cancelled);
        part.shape(Layer::Band, link(22.0, 46.0));
        part.shape(
            Layer::Band,
            Shape::rounded_box(Rect::new(at(34.0).x, y - 9.0 * scale, 22.0 * scale, 18.0 * scale))
                .radius(3.0 * scale)
                .fill(palette.cancelled),
        );
        let socket = Shape::ring(at(80.0), 9.0 * scale, 4.0 * scale);
        part.shape(Layer::Band, socket.fill(palette.cancelled));
        part.shape(Layer::Band, link(92.0, 104.0));
        let (x, baseline) = (rect.x + self.sign_width, y + self.words_size * 0.353);
        part.text(
            Layer::Band,
            Text::new("notice", self.words.clone(), x, baseline, Face::Text500, self.words_size)
                .colour(palette.text),
        );
    }
}

/// Returns the lane of a view that is about all runs, and the factor of its type.
fn lane_of_all(view: View, canvas_size: &CanvasSize) -> (Rect, f32) {
    let HeaderPlaces { lane, scale, .. } = wall_header(canvas_size);
    match view {
        View::History => (lay_out_history(canvas_size).lane, scale),
        _ => (lane, scale),
    }
}

/// Returns the lane for toasts, less the part that the band takes.
fn free_space(band: Option<&Band>, view: View, canvas_size: &CanvasSize) -> FreeSpace {
    if !view.is_about_all() {
        let (lane, scale) = stage_lane(canvas_size);
        return FreeSpace { lane, scale };
    }
    let (lane, scale) = lane_of_all(view, canvas_size);
    let x = band.map_or(lane.x, |band| band.rect.right() + BAND_GAP * scale);
    FreeSpace { lane: Rect { x, w: (lane.right() - x).max(0.0), ..lane }, scale }
}

/// Returns the part of the lane that the panel does not cover.
fn uncovered(lane: Rect, covered: Edges, canvas_size: &CanvasSize) -> Rect {
    let x = lane.x.max(covered.left / canvas_size.scale);
    let right = lane.right().min(canvas_size.width - covered.right / canvas_size.scale);
    Rect { x, w: (right - x).max(0.0), ..lane }
}

#[cfg(test)]
mod tests;
