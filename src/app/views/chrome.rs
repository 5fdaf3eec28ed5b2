//! Chrome around every view: the ground, the clock, the band when the connection is lost, and the
//! bridge at the foot.

use bevy::ecs::schedule::ScheduleConfigs;
use bevy::ecs::system::ScheduleSystem;
use bevy::math::Vec2;
use bevy::prelude::*;
use jiff::Timestamp;

use super::bridge::{self, BridgeView, History};
use super::counts::RunCounts;
use crate::app::draw::{
    Canvas, DrawClock, Face, Layer, Part, Rect, Shape, Text, guarded, truncate,
};
use crate::app::state::clock::{PlaybackClock, local_zone, millis_between};
use crate::app::state::link::Link;
use crate::app::state::run_store::RunStore;
use crate::app::state::view::View;
use crate::app::state::viewport::{ReducedMotion, Viewport, Zoom};
use crate::app::theme::{Theme, size};
use crate::app::words::{updates_words, whole_seconds};
use crate::layout::CanvasSize;
use crate::source::ConnectionState;

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<ViewChrome>().init_resource::<Theme>();
}

/// Systems that draw the chrome.
pub(super) fn systems() -> ScheduleConfigs<ScheduleSystem> {
    guarded("the frame with its meters", draw, forget)
}

/// Makes everything be drawn again after a panic.
fn forget(mut canvas: ResMut<Canvas>, mut view_chrome: ResMut<ViewChrome>) {
    *view_chrome = ViewChrome::default();
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

    /// The meters as last drawn.
    #[cfg(test)]
    pub(super) fn bridge(&self) -> Option<&BridgeView> {
        Some(&self.drawn.as_ref()?.bridge)
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
}

#[derive(Clone, Debug, PartialEq)]
struct Drawn {
    bridge: BridgeView,
    clock: String,
    notice: Option<String>,
    canvas_size: CanvasSize,
    zoom: Zoom,
    view: View,
    reduced_motion: bool,
    theme: Theme,
}

impl Drawn {
    /// Inputs of the bridge.
    fn look(&self) -> (&BridgeView, CanvasSize, Theme) {
        (&self.bridge, self.canvas_size, self.theme)
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
    reduced_motion: Res<ReducedMotion>,
    theme: Res<Theme>,
) {
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
    };
    let view_chrome = view_chrome.into_inner();
    if view_chrome.cause.as_ref() == Some(&cause) {
        return;
    }
    let made = (cause.seconds.1, if clock.is_fixed() { cause.generation } else { 0 });
    view_chrome.cause = Some(cause);
    let model = &run_store.model;
    let history = match &mut view_chrome.history {
        Some((before, history)) if *before == made => history,
        old => {
            let before = old.take().map(|(_, before)| before);
            &mut old.insert((made, History::after(before, model, clock.server_now))).1
        }
    };
    let drawn = Drawn {
        bridge: BridgeView::of(model, history, &counts, &link, clock.now, clock.server_now),
        clock: clock.now.to_zoned(local_zone()).strftime("%H:%M").to_string(),
        notice: notice(&link, clock.now),
        canvas_size: viewport.canvas_size(),
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
    canvas.origin = zoom.origin_px.round();
    // Data that is no longer updated is drawn without motion and with drained colours.
    let lost = drawn.bridge.light.state.is_lost();
    canvas.desaturate = if lost { 0.6 } else { 0.0 };
    canvas.reduced_motion = lost || reduced_motion.0;

    let part = canvas.redraw("frame").stay();
    draw_ground(part, &canvas_size);
    draw_time_of_day(part, &canvas_size, &drawn.clock);
    if let Some(notice) = &drawn.notice {
        draw_notice(part, notice, *view, &canvas_size);
    }
    // A fixed clock also fixes the needles.
    let from = before.as_ref().map(|before| &before.bridge).filter(|_| !clock.is_fixed());
    let from = from.or(clock.is_fixed().then_some(&drawn.bridge));
    if before.as_ref().is_none_or(|before| before.look() != drawn.look()) {
        bridge::draw(
            canvas.redraw("bridge").stay(),
            &drawn.bridge,
            from,
            &canvas_size,
            draw_clock.secs,
        );
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

/// Draws the time of day, hours and minutes, at the top right.
fn draw_time_of_day(part: &mut Part, canvas_size: &CanvasSize, clock: &str) {
    let words = clock.to_owned();
    part.text(
        Layer::Face,
        Text::new("clock", words, canvas_size.right(), 84.0, Face::Display700, size::CLOCK)
            .end()
            .tracking(-0.02)
            .colour(part.palette.text_secondary),
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
            Some(format!("Connection lost. Attempt {attempt}{of} {when}."))
        }
        ConnectionState::Failed { reason, .. } => {
            Some(format!("No connection: {}", reason.trim_end_matches('.')))
        }
        ConnectionState::Connected { updates, .. } => updates_words(updates, &local_zone()),
        _ => None,
    }
}

/// Draws the amber band: the problem and the next step.
fn draw_notice(part: &mut Part, notice: &str, view: View, canvas_size: &CanvasSize) {
    let palette = part.palette;
    let (band, words_size) = match view {
        View::Stage { .. } => {
            (Rect::new(CanvasSize::MARGIN, 28.0, canvas_size.width - 112.0 - 190.0, 62.0), 34.0)
        }
        // Covers the header's counts, which move down.
        View::Wall => (Rect::new(350.0, 8.0, canvas_size.width - 350.0 - 56.0 - 190.0, 50.0), 30.0),
    };
    part.shape(
        Layer::Band,
        Shape::rounded_box(band)
            .radius(14.0)
            .fill(palette.cancelled_band)
            .border(2.0, palette.cancelled),
    );
    let y = band.centre_y();
    let at = |x: f32| Vec2::new(band.x + x, y);
    let link = |a: f32, b: f32| Shape::capsule(at(a), at(b), 4.0).fill(palette.cancelled);
    part.shape(Layer::Band, link(22.0, 46.0));
    part.shape(
        Layer::Band,
        Shape::rounded_box(Rect::new(band.x + 34.0, y - 9.0, 22.0, 18.0))
            .radius(3.0)
            .fill(palette.cancelled),
    );
    part.shape(Layer::Band, Shape::ring(at(80.0), 9.0, 4.0).fill(palette.cancelled));
    part.shape(Layer::Band, link(92.0, 104.0));
    let words = truncate(Face::Text500, words_size, notice, band.w - 150.0).into_owned();
    let baseline = y + words_size * 0.353;
    part.text(
        Layer::Band,
        Text::new("notice", words, band.x + 126.0, baseline, Face::Text500, words_size)
            .colour(palette.text),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::words::time_words;
    use crate::config::Settings;
    use crate::source::{Polling, PollingReason, SourceSpec, Updates};

    fn link(state: ConnectionState) -> Link {
        let source = SourceSpec::WebSocket("ws://studio/events".into());
        let mut link = Link::new(&Settings::default(), Some(source));
        link.state = state;
        link
    }

    fn connected(updates: Updates) -> ConnectionState {
        let since = Timestamp::UNIX_EPOCH;
        ConnectionState::Connected { url: "http://studio".to_owned(), since, updates }
    }

    #[test]
    fn band_reports_late_or_missing_updates_only() {
        let said = |updates| notice(&link(connected(updates)), Timestamp::UNIX_EPOCH);
        assert_eq!(said(Updates::Live), None);
        let polling = "Real-time updates unavailable. Polling API instead.";
        let by = |reason| Updates::Polling(Polling { every_secs: 2, reason });
        assert_eq!(said(by(PollingReason::NoSockets)).as_deref(), Some(polling));
        assert_eq!(said(by(PollingReason::Safety)), None, "that is normal");
        let cut = |reason: &str| {
            let since = Timestamp::UNIX_EPOCH;
            let at = time_words(since, &local_zone());
            let words = said(Updates::Cut { since, reason: reason.to_owned() });
            words.unwrap_or_default().replace(&at, "21:03:04")
        };
        assert_eq!(
            cut("refused: nothing listens at studio:8000."),
            "The hub lost its backend at 21:03:04 and tries again: refused: nothing listens at \
             studio:8000"
        );
        assert_eq!(cut(""), "The hub lost its backend at 21:03:04 and tries again");
    }
}
