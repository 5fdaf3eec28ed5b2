//! Frame of every view while the past is shown: border, tint and tab, which say so at a glance, and the
//! news of failures in live time.

use bevy::ecs::schedule::ScheduleConfigs;
use bevy::ecs::system::ScheduleSystem;
use bevy::math::Vec2;
use bevy::prelude::*;
use jiff::{Timestamp, tz::TimeZone};

use crate::app::draw::glyphs::badge;
use crate::app::draw::{
    Canvas, DrawClock, Face, Layer, Part, Rect, Shape, Text, guarded_without_card, measure,
    truncate,
};
use crate::app::state::actions::{Action, ActionEntry, Transport};
use crate::app::state::clock::{PlaybackClock, local_zone, millis_between};
use crate::app::state::hub_past::Asking;
use crate::app::state::link::{Link, Present};
use crate::app::state::next_frame::NextFrame;
use crate::app::state::rewind::Unattended;
use crate::app::state::run_store::RunStore;
use crate::app::state::status::DisplayStatus;
use crate::app::state::viewport::{ReducedMotion, Viewport};
use crate::app::theme::{Theme, motion, size};
use crate::app::views::key_cap::draw_key;
use crate::app::words::{ago_words, clock_words, count_words};
use crate::layout::CanvasSize;

const PART: &str = "past";
/// Width of the border, and its dashes while the picture stands still.
const BORDER: f32 = 10.0;
const DASH: (f32, f32) = (44.0, 22.0);
/// Opacity of the tint on the ground.
const TINT: f32 = 0.1;
/// Tab on the upper edge: height, the part by which its lower edge is shorter at each end, distance from
/// its end to the sign, and from the sign to the words.
const TAB_HEIGHT: f32 = 36.0;
const TAB_SLANT: f32 = 14.0;
const TAB_PAD: f32 = 32.0;
const TAB_SIGN: f32 = 40.0;
/// Interval between two pictures while the past plays, in seconds.
const PLAYING_FRAME_SECS: f64 = 0.05;

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<PastEdge>().init_resource::<NextFrame>().init_resource::<Unattended>();
}

/// Systems that draw border, tint and tab.
pub(super) fn systems() -> ScheduleConfigs<ScheduleSystem> {
    guarded_without_card("the border of the past", draw, forget)
}

pub(super) fn forget(mut canvas: ResMut<Canvas>, mut edge: ResMut<PastEdge>) {
    *edge = PastEdge::default();
    canvas.remove(PART);
}

/// Border, tint and tab as last drawn.
#[derive(Resource, Clone, Debug, Default)]
pub struct PastEdge {
    drawn: Option<Drawn>,
    /// Draw-clock time at which the display went live.
    left_at: Option<f64>,
}

impl PastEdge {
    /// Words of the tab; `None` when the display is live.
    pub fn words(&self) -> Option<String> {
        let drawn = self.drawn.as_ref().filter(|_| self.left_at.is_none())?;
        Some(format!("{} {}", drawn.tab.word, drawn.tab.rest))
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Drawn {
    tab: TabView,
    canvas_size: CanvasSize,
    /// The whole picture in design pixels, whatever the zoom, and the length of a design pixel of an
    /// unzoomed one.
    edge: (Rect, f32),
    theme: Theme,
}

/// Words of the tab.
#[derive(Clone, Debug, PartialEq)]
struct TabView {
    is_playing: bool,
    word: &'static str,
    rest: String,
}

impl TabView {
    /// Says what the hub is asked for, and how much of it has come.
    fn of_asking(asking: &Asking, live_now: Timestamp) -> Self {
        let Asking { from, to, pages, of } = *asking;
        let zone = local_zone();
        let (from, to) = (moment_words(from, live_now, &zone), moment_words(to, live_now, &zone));
        let pages = match (pages, of) {
            (0, None) => String::new(),
            (1, None) => ", 1 page".to_owned(),
            (pages, None) => format!(", {} pages", count_words(pages)),
            (pages, Some(of)) => format!(", {} of {} pages", count_words(pages), count_words(of)),
        };
        let cancels = match ActionEntry::keys_of(&Action::Back) {
            Some(keys) => format!("; {keys} cancels"),
            None => String::new(),
        };
        let rest = format!("asking the hub for {from} to {to}{pages}{cancels}");
        Self { is_playing: false, word: "LOADING", rest }
    }

    fn of(at: &str, is_playing: bool, returns_in: Option<u32>, present: Present) -> Self {
        let present = present.words();
        let (word, told) = match is_playing {
            true => ("REWOUND", format!("to {at}, playing behind {present}")),
            false => ("PAUSED", format!("at {at}, the picture stands still")),
        };
        let rest = match returns_in {
            Some(secs) => {
                let left = clock_words(u64::from(secs) * 1000);
                let before = if is_playing { "to" } else { "at" };
                format!("{before} {at}, back to {present} in {left}")
            }
            None => told,
        };
        Self { is_playing, word, rest }
    }
}

#[expect(clippy::too_many_arguments, reason = "each is a resource the picture is made from")]
fn draw(
    mut canvas: ResMut<Canvas>,
    mut edge: ResMut<PastEdge>,
    run_store: Res<RunStore>,
    clock: Res<PlaybackClock>,
    draw_clock: Res<DrawClock>,
    viewport: Res<Viewport>,
    (theme, reduced_motion): (Res<Theme>, Res<ReducedMotion>),
    (unattended, link): (Res<Unattended>, Res<Link>),
    mut next: ResMut<NextFrame>,
) {
    let now = draw_clock.secs;
    let edge = edge.bypass_change_detection();
    let Some(past) = run_store.shown_past() else {
        leave(&mut canvas, edge, now, clock.is_fixed() || reduced_motion.0, &mut next);
        return;
    };
    if past.is_playing && !clock.is_fixed() {
        next.within_secs(PLAYING_FRAME_SECS);
    }
    let at = moment_words(past.at, clock.live_now, &local_zone());
    let origin_px = viewport.views_origin_px();
    let corner = canvas.point_at(origin_px);
    let opposite = canvas.point_at(origin_px + viewport.views_px());
    let canvas_size = viewport.canvas_size();
    let rect = Rect::new(corner.x, corner.y, opposite.x - corner.x, opposite.y - corner.y);
    let unit = rect.h / canvas_size.height;
    let drawn = Drawn {
        tab: match run_store.asking() {
            Some(asking) => TabView::of_asking(&asking, clock.live_now),
            None => TabView::of(&at, past.is_playing, unattended.said_secs(now), link.present()),
        },
        canvas_size,
        edge: (rect, unit),
        theme: *theme,
    };
    if edge.drawn.as_ref() == Some(&drawn) && edge.left_at.is_none() {
        return;
    }
    drawn.draw(canvas.redraw(PART).stay());
    (edge.drawn, edge.left_at) = (Some(drawn), None);
}

/// Lets border, tint and tab fade away after the display went live.
fn leave(
    canvas: &mut ResMut<Canvas>,
    edge: &mut PastEdge,
    now: f64,
    at_once: bool,
    next: &mut NextFrame,
) {
    let Some(drawn) = &edge.drawn else { return };
    let since = *edge.left_at.get_or_insert(now);
    let left = 1.0 - (now - since) / motion::PAST_FADE;
    if at_once || left <= 0.0 {
        *edge = PastEdge::default();
        canvas.remove(PART);
        return;
    }
    let part = canvas.redraw(PART).stay();
    let mark = part.mark();
    drawn.draw(part);
    part.dim(mark, left as f32);
    next.within_secs(0.0);
}

impl Drawn {
    fn draw(&self, part: &mut Part) {
        let palette = part.palette;
        let (rect, unit) = self.edge;
        let tint = Shape::rounded_box(rect).fill(palette.violet);
        part.shape(Layer::Pool, tint.opacity(TINT).keep_colour());
        let width = BORDER * unit;
        let border = Shape::rounded_box(rect);
        if self.tab.is_playing {
            let border = border.border(width, palette.violet_led);
            part.shape(Layer::Band, border.fill(palette.violet.with_alpha(0.0)).keep_colour());
        } else {
            self.draw_dashes(part, rect, unit);
        }
        self.draw_tab(part, rect, unit);
    }

    /// Draws the border as dashes, each side from its middle, on a dark ground.
    fn draw_dashes(&self, part: &mut Part, rect: Rect, unit: f32) {
        let palette = part.palette;
        let width = BORDER * unit;
        let under = Shape::rounded_box(rect).border(width, palette.well);
        part.shape(Layer::Band, under.fill(palette.well.with_alpha(0.0)).keep_colour());
        let (dash, period) = (DASH.0 * unit, (DASH.0 + DASH.1) * unit);
        let mut dashes = |from: f32, length: f32, place: &dyn Fn(f32, f32) -> Rect| {
            let count = (length / period).ceil().max(0.0) as usize;
            for index in 0..count {
                let at = index as f32 * period;
                let dash = Shape::rounded_box(place(from + at, dash.min(length - at)));
                part.shape(Layer::Band, dash.fill(palette.violet_led).keep_colour());
            }
        };
        dashes(rect.x, rect.w, &|x, w| Rect::new(x, rect.y, w, width));
        dashes(rect.x, rect.w, &|x, w| Rect::new(x, rect.bottom() - width, w, width));
        dashes(rect.y, rect.h, &|y, h| Rect::new(rect.x, y, width, h));
        dashes(rect.y, rect.h, &|y, h| Rect::new(rect.right() - width, y, width, h));
    }

    fn draw_tab(&self, part: &mut Part, rect: Rect, unit: f32) {
        let palette = part.palette;
        let TabView { is_playing, word, rest } = &self.tab;
        let mut k = unit * self.canvas_size.portrait_scale();
        let gap = 9.0;
        let width_at = |k: f32| {
            let type_size = size::TICKER * k;
            2.0 * (TAB_PAD + TAB_SLANT) * k
                + TAB_SIGN * k
                + measure(Face::Text600, type_size, 0.0, word)
                + gap * k
                + measure(Face::Text500, type_size, 0.0, rest)
        };
        // A narrow window has a smaller tab.
        let room = rect.w * 0.9;
        k *= (room / width_at(k)).min(1.0);
        let width = width_at(k);
        let (x, y, h) = (rect.centre_x() - width / 2.0, rect.y, TAB_HEIGHT * k);
        let slant = TAB_SLANT * k;
        let body = Rect::new(x + slant, y, width - 2.0 * slant, h);
        let fill = |shape: Shape| shape.fill(palette.violet).keep_colour();
        part.shape(Layer::Band, fill(Shape::rounded_box(body)));
        for (corner, foot, side) in [(x, x + slant, 1.0), (x + width, x + width - slant, -1.0)] {
            let inner = foot + side;
            part.shape(
                Layer::Band,
                fill(Shape::triangle(
                    Vec2::new(corner, y),
                    Vec2::new(inner, y),
                    Vec2::new(inner, y + h),
                    0.0,
                )),
            );
        }
        let ink = |shape: Shape| shape.fill(palette.on_violet).keep_colour();
        let sign = x + (TAB_SLANT + TAB_PAD) * k;
        let middle = y + h / 2.0;
        if *is_playing {
            for left in [sign, sign + 14.0 * k] {
                part.shape(
                    Layer::Band,
                    ink(Shape::triangle(
                        Vec2::new(left + 14.0 * k, middle - 10.0 * k),
                        Vec2::new(left + 14.0 * k, middle + 10.0 * k),
                        Vec2::new(left, middle),
                        0.0,
                    )),
                );
            }
        } else {
            for left in [sign, sign + 11.0 * k] {
                let bar = Rect::new(left, middle - 10.0 * k, 6.0 * k, 20.0 * k);
                part.shape(Layer::Band, ink(Shape::rounded_box(bar)));
            }
        }
        let type_size = size::TICKER * k;
        let text =
            Text::new("past", *word, sign + TAB_SIGN * k, y + 27.0 * k, Face::Text600, type_size)
                .colour(palette.on_violet)
                .then(gap * k, rest.clone())
                .face(Face::Text500)
                .keep_colour();
        part.text(Layer::Band, text);
    }
}

/// Formats a moment with seconds, and with its date when it is not of the same day as `now`.
pub fn moment_words(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let format = if at.date() == now.date() { "%H:%M:%S" } else { "%-d %b %H:%M:%S" };
    at.strftime(format).to_string()
}

/// News of failures in live time, told while the past is shown.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LiveFailure {
    /// "Live, 40 s ago:", and without the age "Live:".
    head: String,
    short_head: String,
    title: String,
    /// "failed at RENDER", "failed at RENDER, and 2 others"
    words: String,
}

impl LiveFailure {
    /// Returns the news at `live_now`; `None` while no run failed in live time.
    pub fn of(run_store: &RunStore, present: Present, live_now: Timestamp) -> Option<Self> {
        let mut failures = run_store.live_failures();
        let (run, at) = failures.next()?;
        let others = failures.count();
        let present = present.head();
        let head = format!("{present}, {}:", ago_words(millis_between(at, live_now)));
        let node = run.failed_node().map(|node| node.name.clone());
        let failed = node.map_or("failed".to_owned(), |node| format!("failed at {node}"));
        let words = match others {
            0 => failed,
            1 => format!("{failed}, and 1 other"),
            _ => format!("{failed}, and {} others", count_words(others as u64)),
        };
        let short_head = format!("{present}:");
        Some(Self { head, short_head, title: run_store.live_name(run), words })
    }

    /// The sentence without the key.
    pub fn sentence(&self) -> String {
        format!("{} {} {}", self.head, self.title, self.words)
    }
}

/// The news as laid out in the lane, with the key that goes back to live.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LiveFailureCard {
    pub rect: Rect,
    scale: f32,
    news: LiveFailure,
}

impl LiveFailureCard {
    /// Distances within the card: to the words, between two of them, and from the key to the end.
    const LEFT: f32 = 44.0;
    const GAP: f32 = 9.0;
    const BEFORE_KEY: f32 = 14.0;
    const KEY: f32 = 34.0;
    const END: f32 = 24.0;

    /// Lays the news out at the left end of a lane; `None` where there is no room.
    pub fn of(news: LiveFailure, lane: Rect, scale: f32) -> Option<Self> {
        let type_size = size::TICKER * scale;
        let fixed =
            (Self::LEFT + 2.0 * Self::GAP + Self::BEFORE_KEY + Self::KEY + Self::END) * scale;
        let room = lane.w - fixed;
        let width = |face, words: &str| measure(face, type_size, 0.0, words);
        let LiveFailure { mut head, short_head, title, words } = news;
        let needed = width(Face::Text600, &head) + width(Face::Text500, &words);
        if needed + room * 0.3 > room {
            short_head.clone_into(&mut head);
        }
        let room = room - width(Face::Text600, &head);
        if room < 120.0 * scale || scale <= 0.0 {
            return None;
        }
        let words_room = room * 0.6;
        let words = truncate(Face::Text500, type_size, &words, words_room).into_owned();
        let words_width = width(Face::Text500, &words);
        let title = truncate(Face::Text600, type_size, &title, room - words_width).into_owned();
        let w = fixed + width(Face::Text600, &head) + width(Face::Text600, &title) + words_width;
        let news = LiveFailure { head, short_head, title, words };
        Some(Self { rect: Rect { w: w.min(lane.w), ..lane }, scale, news })
    }

    pub fn draw(&self, part: &mut Part) {
        let palette = part.palette;
        let Self { rect, scale, news } = self;
        let k = *scale;
        let body = Shape::rounded_box(*rect)
            .radius(rect.h / 2.0)
            .fill(palette.failed_tint)
            .border(1.5 * k, palette.failed);
        part.shape(Layer::Band, body.keep_colour());
        let centre = Vec2::new(rect.x + 20.0 * k, rect.centre_y());
        badge(part, Layer::Band, DisplayStatus::Failed, centre, 12.0 * k, "live failure");
        let type_size = size::TICKER * k;
        let (x, baseline) = (rect.x + Self::LEFT * k, rect.centre_y() + type_size * 0.358);
        let text =
            Text::new("live failure", news.head.clone(), x, baseline, Face::Text600, type_size)
                .colour(palette.text)
                .then(Self::GAP * k, news.title.clone())
                .then(Self::GAP * k, news.words.clone())
                .face(Face::Text500)
                .keep_colour();
        part.text(Layer::Band, text);
        let right = rect.right() - Self::END * k;
        let key =
            Rect::new(right - Self::KEY * k, rect.centre_y() - 14.0 * k, Self::KEY * k, 28.0 * k);
        let keys = ActionEntry::keys_of(&Action::Time(Transport::Live)).unwrap_or_default();
        let place = (key, size::ESSENTIAL_MIN * k, k);
        let colours = (palette.text, palette.failed_tint);
        draw_key(part, Layer::Band, ("live failure key", keys), place, colours);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn playing_behind_and_paused_have_words_of_their_own() {
        let words = |is_playing, returns, present| {
            let tab = TabView::of("21:11:53", is_playing, returns, present);
            format!("{} {}", tab.word, tab.rest)
        };
        let tab = |is_playing, returns| words(is_playing, returns, Present::Live);
        assert_eq!(tab(true, None), "REWOUND to 21:11:53, playing behind live");
        assert_eq!(tab(false, None), "PAUSED at 21:11:53, the picture stands still");
        assert_eq!(tab(true, Some(24)), "REWOUND to 21:11:53, back to live in 0:24");
        assert_eq!(tab(false, Some(5)), "PAUSED at 21:11:53, back to live in 0:05");
        // A recording is never live.
        let tab = |returns| words(true, returns, Present::Replay);
        assert_eq!(tab(None), "REWOUND to 21:11:53, playing behind the replay");
        assert_eq!(tab(Some(24)), "REWOUND to 21:11:53, back to the replay in 0:24");
    }

    #[test]
    fn wait_for_the_hub_says_what_is_asked_for_and_how_much_has_come() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let (from, to) = (at("2026-11-23T09:00:00Z"), at("2026-11-23T09:20:00Z"));
        let shown = |instant: Timestamp| moment_words(instant, to, &local_zone());
        let span = format!("LOADING asking the hub for {} to {}", shown(from), shown(to));
        for (pages, of, told) in [
            (0, None, ""),
            (1, None, ", 1 page"),
            (3, Some(12), ", 3 of 12 pages"),
            (1_200, None, ", 1,200 pages"),
        ] {
            let tab = TabView::of_asking(&Asking { from, to, pages, of }, to);
            assert_eq!(format!("{} {}", tab.word, tab.rest), format!("{span}{told}; Esc cancels"));
        }
    }

    #[test]
    fn moment_of_another_day_has_its_date() {
        let at: Timestamp = "2026-11-23T21:11:53Z".parse().unwrap();
        let zone = TimeZone::UTC;
        assert_eq!(moment_words(at, at, &zone), "21:11:53");
        let later = "2026-11-24T01:00:00Z".parse().unwrap();
        assert_eq!(moment_words(at, later, &zone), "23 Nov 21:11:53");
    }

    #[test]
    fn news_of_a_live_failure_stays_inside_its_lane() {
        for (width, scale) in [(1302.0, 1.0), (660.0, 1.0), (500.0, 1.3), (300.0, 1.0), (80.0, 1.0)]
        {
            for length in [0, 13, 80] {
                let news = LiveFailure {
                    head: "Live, 40 s ago:".to_owned(),
                    short_head: "Live:".to_owned(),
                    title: "Glass Harbour ".repeat(7)[..length].to_owned(),
                    words: "failed at RENDER, and 12 others".to_owned(),
                };
                let lane = Rect::new(372.0, 80.0, width, 36.0);
                let Some(card) = LiveFailureCard::of(news, lane, scale) else { continue };
                assert!(card.rect.right() <= lane.right() + 0.01);
                let mut canvas = Canvas::default();
                card.draw(canvas.redraw("test"));
                for (words, at) in canvas.words("test") {
                    assert!(at.right() <= lane.right() + 0.5, "{words}: {at:?}");
                }
            }
        }
    }
}
