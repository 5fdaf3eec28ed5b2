//! The transport, which stands in place of the meters while the past is shown: activity over time with the
//! ends of runs, the shown instant in it, and its controls.

use bevy::color::Alpha;
use bevy::math::Vec2;
use jiff::{SignedDuration, Timestamp};

use super::fit::first_fitting;
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, measure};
use crate::app::state::actions::{Action, ActionEntry, KeyCombination, Transport};
use crate::app::state::clock::{local_zone, millis_between};
use crate::app::state::hit::{Button, ScrubArea};
use crate::app::state::link::Present;
use crate::app::state::rewind::{PastView, SPEEDS};
use crate::app::state::run_store::RunStore;
use crate::app::theme::size;
use crate::app::views::key_cap::draw_key;
use crate::app::words::{clock_words, count_words, phase_words};
use crate::bounded::bounded;
use crate::layout::Bridge;
use crate::model::{LogItem, RunStatus};

const LAYER: Layer = Layer::Bridge;
/// Lengths of time that the bar can show, in minutes; the shortest that has the shown instant.
const SPANS_MIN: [i64; 12] =
    [15, 30, 60, 180, 360, 720, 1_440, 4_320, 10_080, 20_160, 43_200, 525_600];
/// Least part of the bar before the shown instant.
const BEFORE_HEAD: f64 = 0.1;
/// Shortest time on the bar, in seconds.
const LEAST_SECS: i64 = 60;
/// Number of bars of the wave.
const BARS: usize = 281;
/// Most ends of runs on the bar.
const MOST_MARKS: usize = 200;
/// Part of the bar's width that a mark takes, by status.
const MARK_ROOM: f64 = 0.009;
const FAILURE_ROOM: f64 = 0.016;
/// Height above the tallest bar, for the marks and the time at the bar's start.
const ABOVE_WAVE: f32 = 25.0;

/// Contents of the transport.
#[derive(Clone, Debug, PartialEq)]
pub struct TransportView {
    pub is_playing: bool,
    speed: f64,
    /// Start and end of the bar, and the shown instant.
    pub from: Timestamp,
    pub until: Timestamp,
    at: Timestamp,
    /// Time of day at the bar's start.
    pub start: String,
    /// Activity by part of the bar, 0 to 1.
    pub wave: Vec<f32>,
    /// Ends of runs: place from 0 to 1, status, and the instant.
    pub marks: Vec<(f32, RunStatus, Timestamp)>,
    /// Name of the newest moment.
    present: Present,
    /// "2:14 behind live"
    pub behind: String,
    /// The latest event: its step or kind in bold, and the rest, from long to short.
    event: (String, [String; 2]),
}

impl TransportView {
    pub fn of(
        run_store: &RunStore,
        shown: &PastView,
        present: Present,
        live_now: Timestamp,
    ) -> Self {
        let until = run_store.latest(live_now);
        let oldest = run_store.oldest_in_reach().unwrap_or(until);
        let span = |from: Timestamp| until.duration_since(from).as_secs_f64().max(1.0);
        let mut starts = SPANS_MIN.into_iter().map(|minutes| {
            let from = until.checked_sub(SignedDuration::from_mins(minutes));
            from.unwrap_or(Timestamp::MIN).max(oldest)
        });
        let has_head = |from: &Timestamp| {
            *from == oldest
                || shown.at.duration_since(*from).as_secs_f64() >= BEFORE_HEAD * span(*from)
        };
        let from = starts.clone().find(has_head).or(starts.next_back()).unwrap_or(oldest);
        let least = until.checked_sub(SignedDuration::from_secs(LEAST_SECS)).unwrap_or(from);
        let from = from.min(least);
        let counts = run_store.activity(from, until, BARS);
        let place = |at: Timestamp| at.duration_since(from).as_secs_f64() / span(from);
        let start = from.to_zoned(local_zone());
        let is_today = start.date() == until.to_zoned(local_zone()).date();
        let start = start.strftime(if is_today { "%H:%M" } else { "%-d %b %H:%M" }).to_string();
        let ends = run_store.ends(from, until).map(|mark| (place(mark.at), mark.status, mark.at));
        Self {
            is_playing: shown.is_playing,
            speed: shown.speed,
            from,
            until,
            at: shown.at,
            start,
            wave: heights(&counts),
            marks: thinned(ends.collect()),
            present,
            behind: format!(
                "{} behind {}",
                clock_words(millis_between(shown.at, until)),
                present.words()
            ),
            event: last_event(run_store),
        }
    }

    /// Place of an instant on the bar, 0 to 1.
    pub fn place(&self, at: Timestamp) -> f32 {
        let span = self.until.duration_since(self.from).as_secs_f64().max(1.0);
        bounded(at.duration_since(self.from).as_secs_f64() / span, 0.0, 1.0) as f32
    }
}

/// Returns the heights of bars. A few bars of a burst, such as a replay, do not flatten all others.
fn heights(counts: &[u32]) -> Vec<f32> {
    let mut sorted: Vec<u32> = counts.iter().copied().filter(|count| *count > 0).collect();
    sorted.sort_unstable();
    let usual =
        sorted.get((sorted.len() * 49).div_ceil(50).saturating_sub(1)).copied().unwrap_or(1);
    let height = |count: &u32| bounded(*count as f32 / usual.max(1) as f32, 0.0, 1.0);
    counts.iter().map(height).collect()
}

/// Leaves out ends that would cover others: failures have precedence, and then later ends.
fn thinned(ends: Vec<(f64, RunStatus, Timestamp)>) -> Vec<(f32, RunStatus, Timestamp)> {
    let mut kept: Vec<(f64, RunStatus, Timestamp)> = Vec::new();
    for wanted in [RunStatus::Failed, RunStatus::Cancelled, RunStatus::Completed] {
        for end in ends.iter().rev().filter(|(_, status, _)| *status == wanted) {
            if kept.len() >= MOST_MARKS {
                break;
            }
            let room = |status: RunStatus| {
                if status == RunStatus::Failed { FAILURE_ROOM } else { MARK_ROOM }
            };
            let covers = |(place, status, _): &(f64, RunStatus, Timestamp)| {
                (place - end.0).abs() < room(*status).max(room(wanted))
            };
            if !kept.iter().any(covers) {
                kept.push(*end);
            }
        }
    }
    kept.into_iter().map(|(place, status, at)| (place as f32, status, at)).collect()
}

/// Describes the latest event of the shown model.
fn last_event(run_store: &RunStore) -> (String, [String; 2]) {
    let model = &run_store.model;
    let number = format!("event {}", count_words(model.counters().events));
    let event = model.log().entries().iter().rev().find_map(|entry| match &entry.item {
        LogItem::Event(event) => Some(event),
        LogItem::ParseError(_) => None,
    });
    match event {
        Some(event) => {
            let what = event.node.as_ref().map_or_else(|| "run".to_owned(), ToString::to_string);
            let phase = phase_words(event);
            (what, [format!("{phase}, {number}"), number])
        }
        None => (String::new(), [number.clone(), number]),
    }
}

/// Places of the transport's parts.
#[derive(Clone, Copy, Debug)]
struct Places {
    body: Rect,
    wave: Rect,
    /// Upper edge and height of the row of controls.
    controls: (f32, f32),
    /// Upper edge of the row of keys; `None` where there is no room.
    keys: Option<f32>,
    /// Factor of lengths and sizes of type.
    k: f32,
}

impl Places {
    fn of(bridge: &Bridge) -> Self {
        let (first, last) = (bridge.meters[0], bridge.meters[bridge.meters.len() - 1]);
        let k = bridge.scale;
        if bridge.is_portrait {
            let body = Rect::new(first.x, first.y, last.right() - first.x, first.h);
            let wave = Rect::new(body.x + 14.0 * k, body.y + 7.0 * k, body.w - 28.0 * k, 42.0 * k);
            let top = wave.bottom() + 9.0 * k;
            return Self { body, wave, controls: (top, 38.0 * k), keys: None, k };
        }
        let body = Rect::new(first.x, first.y - 4.0, last.right() - first.x, first.h + 8.0);
        let wave = Rect::new(body.x + 17.2, body.y + 10.0, body.w - 34.4, 66.0);
        Self { body, wave, controls: (body.y + 86.0, 40.0), keys: Some(body.y + 131.0), k }
    }
}

/// Areas of the transport that can be pressed.
pub(super) struct Pressable {
    pub buttons: Vec<Button>,
    pub scrub: ScrubArea,
}

/// Draws the transport in place of the meters; returns what can be pressed.
pub(super) fn draw(part: &mut Part, view: &TransportView, bridge: &Bridge) -> Pressable {
    let palette = part.palette;
    let places = Places::of(bridge);
    let Places { body, wave, k, .. } = places;
    let panel = Shape::rounded_box(body)
        .radius(10.0 * k)
        .fill(palette.connection_panel)
        .border(2.0 * k, palette.violet_led);
    part.shape(LAYER, panel.keep_colour());
    let mut buttons = draw_wave(part, view, &places);
    buttons.extend(draw_controls(part, view, &places));
    if let Some(y) = places.keys {
        draw_keys(part, (view.is_playing, view.present), body, y, k);
    }
    let scrub = ScrubArea { rect: wave, from: view.from, until: view.until };
    Pressable { buttons, scrub }
}

fn draw_wave(part: &mut Part, view: &TransportView, places: &Places) -> Vec<Button> {
    let palette = part.palette;
    let Places { wave, k, .. } = *places;
    part.shape(LAYER, Shape::rounded_box(wave).radius(4.0 * k).fill(palette.well));
    let x_of = |place: f32| wave.x + place * wave.w;
    let head = x_of(view.place(view.at));
    let newer = Rect::new(head, wave.y, (wave.right() - head).max(0.0), wave.h);
    part.shape(LAYER, Shape::rounded_box(newer).fill(palette.text).opacity(0.06));
    let pitch = wave.w / view.wave.len().max(1) as f32;
    let foot = wave.bottom() - 2.0 * k;
    for (index, height) in view.wave.iter().enumerate().filter(|(_, height)| **height > 0.0) {
        let x = wave.x + index as f32 * pitch;
        let height = ((wave.h - ABOVE_WAVE * k).max(0.0) * height).max(2.0 * k);
        let bar = Shape::rounded_box(Rect::new(x, foot - height, pitch * 0.68, height)).unsnapped();
        let is_behind = x < head;
        let ink = if is_behind { palette.violet_text } else { palette.text_decorative };
        part.shape(LAYER, bar.fill(ink).opacity(if is_behind { 0.85 } else { 1.0 }));
    }
    let start_size = size::ESSENTIAL_MIN * k;
    let start_end = wave.x + 16.0 * k + measure(Face::Text500, start_size, 0.0, &view.start);
    let start = Text::new(
        "start",
        view.start.clone(),
        wave.x + 8.0 * k,
        wave.y + 21.0 * k,
        Face::Text500,
        start_size,
    );
    let reaches_start = |place: f32| x_of(place) - 10.0 * k < start_end;
    let mut ends = view.marks.iter().filter(|(_, status, _)| *status != RunStatus::Completed);
    let has_start = head > start_end && !ends.any(|(place, ..)| reaches_start(*place));
    if has_start {
        part.text(LAYER, start.colour(palette.text_secondary));
    }
    let y = wave.y + 12.0 * k;
    let mut buttons = Vec::new();
    // Failures last, above all others.
    for (place, status, at) in view.marks.iter().rev() {
        let centre = Vec2::new(bounded(x_of(*place), wave.x + 6.0 * k, wave.right() - 6.0 * k), y);
        if has_start && centre.x - 6.0 * k < start_end && *status == RunStatus::Completed {
            continue;
        }
        let radius = draw_mark(part, *status, centre, foot, k);
        let reach = radius + 3.0 * k;
        let rect = Rect::new(centre.x - reach, centre.y - reach, 2.0 * reach, 2.0 * reach);
        let action = Action::Time(Transport::Show(*at));
        buttons.push(Button { rect, action, holds_pointer: true });
    }
    let line = |x: f32, top: f32| {
        Rect::new(x - 2.0 * k, wave.y - top * k, 4.0 * k, wave.h + (top + 4.0) * k)
    };
    let live = Shape::rounded_box(line(wave.right(), 4.0)).fill(palette.success);
    part.shape(LAYER, live.keep_colour());
    part.shape(LAYER, Shape::rounded_box(line(head, 6.0)).fill(palette.text));
    let top = wave.y - 8.0 * k;
    let arrow = Shape::triangle(
        Vec2::new(head - 10.0 * k, top),
        Vec2::new(head + 10.0 * k, top),
        Vec2::new(head, top + 12.0 * k),
        0.0,
    );
    part.shape(LAYER, arrow.fill(palette.text));
    buttons.reverse();
    buttons
}

/// Draws the mark of an end; returns its radius.
fn draw_mark(part: &mut Part, status: RunStatus, centre: Vec2, foot: f32, k: f32) -> f32 {
    let palette = part.palette;
    match status {
        RunStatus::Failed => {
            let radius = 10.0 * k;
            let stem = Rect::new(
                centre.x - k,
                centre.y + radius,
                2.0 * k,
                (foot - centre.y - radius).max(0.0),
            );
            part.shape(
                LAYER,
                Shape::rounded_box(stem).fill(palette.failed).opacity(0.8).keep_colour(),
            );
            part.shape(LAYER, Shape::octagon(centre, radius).fill(palette.failed).keep_colour());
            let cross = Shape::cross(centre, radius * 0.38, radius * 0.24);
            part.shape(LAYER, cross.fill(palette.failed_ink).keep_colour());
            radius
        }
        RunStatus::Cancelled => {
            let square = |side: f32| {
                Shape::rounded_box(Rect::new(
                    centre.x - side / 2.0,
                    centre.y - side / 2.0,
                    side,
                    side,
                ))
            };
            part.shape(LAYER, square(12.9 * k).radius(2.1 * k).fill(palette.cancelled));
            part.shape(LAYER, square(5.6 * k).radius(0.7 * k).fill(palette.cancelled_ink));
            6.5 * k
        }
        _ => {
            part.shape(LAYER, Shape::disc(centre, 5.5 * k).fill(palette.success));
            5.5 * k
        }
    }
}

fn draw_controls(part: &mut Part, view: &TransportView, places: &Places) -> Vec<Button> {
    let palette = part.palette;
    let Places { wave, controls: (y, h), k, .. } = *places;
    let mut buttons = Vec::new();
    let mut press = |rect: Rect, transport: Transport| {
        let action = Action::Time(transport);
        buttons.push(Button { rect, action, holds_pointer: true });
    };
    // The pill stands at the right end, and comes first: it has to have room.
    let pill_size = size::META * k;
    let behind_width = measure(Face::Text600, pill_size, 0.0, &view.behind);
    let pill_width = behind_width + 68.0 * k;
    let pill = Rect::new(
        wave.right() - pill_width,
        y - 3.5 * k + (h - 40.0 * k) / 2.0,
        pill_width,
        46.0 * k,
    );
    let ring = Shape::rounded_box(pill).radius(pill.h / 2.0).border(3.0 * k, palette.violet_text);
    part.shape(LAYER, ring.fill(palette.violet.with_alpha(0.0)).keep_colour());
    let (sign, middle) = (pill.x + 25.0 * k, pill.centre_y());
    if view.is_playing {
        let ring = Shape::ring(Vec2::new(sign, middle), 7.0 * k, 3.0 * k);
        part.shape(LAYER, ring.fill(palette.violet_text));
    } else {
        for left in [sign - 8.0 * k, sign + 3.0 * k] {
            let bar = Rect::new(left, middle - 10.0 * k, 6.0 * k, 20.0 * k);
            part.shape(LAYER, Shape::rounded_box(bar).fill(palette.violet_text));
        }
    }
    let behind = Text::new(
        "behind",
        view.behind.clone(),
        pill.x + 44.0 * k,
        middle + 9.5 * k,
        Face::Text600,
        pill_size,
    );
    part.text(LAYER, behind.colour(palette.text));
    press(pill, Transport::Live);

    let mut x = wave.x;
    let right = pill.x - 12.0 * k;
    let steps = [
        (46.0, Transport::Oldest),
        (46.0, Transport::PreviousEvent),
        (64.0, Transport::TogglePlaying),
        (46.0, Transport::NextEvent),
    ];
    for (width, transport) in steps {
        let rect = Rect::new(x, y, width * k, h);
        if rect.right() > right {
            return buttons;
        }
        draw_button(part, rect, transport, view.is_playing, k);
        press(rect, transport);
        x = rect.right() + 8.0 * k;
    }
    x += 10.0 * k;
    for (place, speed) in SPEEDS.into_iter().enumerate() {
        let words = format!("{speed}×");
        let type_size = size::ESSENTIAL_MIN * k;
        let width = measure(Face::Text600, type_size, 0.0, &words) + 30.0 * k;
        let rect = Rect::new(x, y, width, h);
        if rect.right() > right {
            return buttons;
        }
        let is_chosen = speed == view.speed;
        let (edge, ink) = match is_chosen {
            true => (palette.violet_led, palette.text),
            false => (palette.line_strong, palette.text_secondary),
        };
        let ground = if is_chosen && view.is_playing {
            palette.selection
        } else {
            palette.selection.with_alpha(0.0)
        };
        let width = if is_chosen { 2.5 } else { 1.5 };
        let chip = Shape::rounded_box(rect).radius(h / 2.0).fill(ground).border(width * k, edge);
        part.shape(LAYER, chip);
        let baseline = rect.centre_y() + 8.0 * k;
        part.text(
            LAYER,
            Text::new(("speed", place), words, rect.centre_x(), baseline, Face::Text600, type_size)
                .middle()
                .colour(ink),
        );
        press(rect, Transport::Speed(place));
        x = rect.right() + 7.4 * k;
    }
    x += 11.0 * k;
    let (what, rest) = &view.event;
    let type_size = size::ESSENTIAL_MIN * k;
    let gap = if what.is_empty() { 0.0 } else { 8.0 * k };
    let what_width = measure(Face::Text600, type_size, 0.0, what) + gap;
    let room = right - x - what_width;
    if let Some(rest) = first_fitting(Face::Text500, type_size, rest, room) {
        let rest = rest.to_owned();
        let baseline = y + h / 2.0 + 8.0 * k;
        if !what.is_empty() {
            let what = Text::new("what", what.clone(), x, baseline, Face::Text600, type_size);
            part.text(LAYER, what.colour(palette.text));
        }
        let rest = Text::new("event", rest, x + what_width, baseline, Face::Text500, type_size);
        part.text(LAYER, rest.colour(palette.text_secondary));
    }
    buttons
}

fn draw_button(part: &mut Part, rect: Rect, transport: Transport, is_playing: bool, k: f32) {
    let palette = part.palette;
    let is_main = transport == Transport::TogglePlaying;
    let (ground, edge, ink) = if is_main {
        (palette.violet, palette.violet_led, palette.on_violet)
    } else {
        (palette.card, palette.line_strong, palette.text)
    };
    let body = Shape::rounded_box(rect).radius(8.0 * k).fill(ground).border(1.5 * k, edge);
    part.shape(LAYER, body);
    let centre = Vec2::new(rect.centre_x(), rect.centre_y());
    let at = |dx: f32, dy: f32| centre + Vec2::new(dx, dy) * k;
    let bar = |part: &mut Part, left: f32, width: f32, half: f32| {
        let rect = Rect::new(centre.x + left * k, centre.y - half * k, width * k, 2.0 * half * k);
        part.shape(LAYER, Shape::rounded_box(rect).fill(ink));
    };
    let arrow = |part: &mut Part, foot: f32, tip: f32, half: f32| {
        let shape = Shape::triangle(at(foot, -half), at(foot, half), at(tip, 0.0), 0.0);
        part.shape(LAYER, shape.fill(ink));
    };
    match transport {
        Transport::Oldest => {
            bar(part, -10.0, 3.5, 9.0);
            arrow(part, 10.0, -4.0, 9.0);
        }
        Transport::PreviousEvent => {
            arrow(part, -1.0, -13.0, 9.0);
            part.shape(LAYER, Shape::disc(at(8.0, 0.0), 4.0 * k).fill(ink));
        }
        Transport::NextEvent => {
            arrow(part, 1.0, 13.0, 9.0);
            part.shape(LAYER, Shape::disc(at(-8.0, 0.0), 4.0 * k).fill(ink));
        }
        _ if is_playing => {
            bar(part, -9.0, 6.0, 10.0);
            bar(part, 3.0, 6.0, 10.0);
        }
        _ => arrow(part, -7.0, 11.0, 11.0),
    }
}

/// Word between the first and the last of several keys.
const TO: &str = "to";

/// Returns the keys of the transport, with what they do.
fn key_groups(is_playing: bool, present: Present) -> [(Vec<String>, &'static str); 8] {
    let combinations = |moves: &[Transport]| -> Vec<&'static KeyCombination> {
        let entries = moves.iter().filter_map(|to| ActionEntry::of(&Action::Time(*to)));
        entries.flat_map(|entry| entry.keys).collect()
    };
    let keys = |moves: &[Transport]| -> Vec<String> {
        combinations(moves).into_iter().map(ToString::to_string).collect()
    };
    // With a modifier the arrows go further.
    let modifier = |to: Transport| -> Vec<String> {
        combinations(&[to]).first().map(|keys| keys.with.words().to_owned()).into_iter().collect()
    };
    let back = match present {
        Present::Live => "back to live",
        Present::Replay => "newest",
    };
    let speed = |place: usize| keys(&[Transport::Speed(place)]);
    let speeds = [speed(0), vec![TO.to_owned()], speed(SPEEDS.len() - 1)].concat();
    [
        (keys(&[Transport::TogglePlaying]), if is_playing { "pause" } else { "play" }),
        (keys(&[Transport::Skip(-1), Transport::Skip(1)]), "1 s"),
        (modifier(Transport::Skip(-10)), "10 s"),
        (modifier(Transport::PreviousEvent), "event"),
        (keys(&[Transport::Oldest]), "oldest"),
        (speeds, "speed"),
        (keys(&[Transport::PreviousFailure, Transport::NextFailure]), "failures"),
        (keys(&[Transport::Live]), back),
    ]
}

/// Draws the line of keys, as far as there is room.
fn draw_keys(part: &mut Part, (is_playing, present): (bool, Present), body: Rect, y: f32, k: f32) {
    let palette = part.palette;
    let groups = key_groups(is_playing, present);
    let type_size = size::ESSENTIAL_MIN * k;
    let width = |face, words: &str| measure(face, type_size, 0.0, words);
    let key_width = |key: &str| width(Face::Text600, key) + 18.0 * k;
    let part_width = |key: &str| {
        if key == TO { width(Face::Text500, key) } else { key_width(key).max(30.0 * k) }
    };
    let mut x = body.x + 18.0 * k;
    let right = body.right() - 16.0 * k;
    let baseline = y + 22.8 * k;
    for (place, (keys, words)) in groups.into_iter().enumerate() {
        let keys_width: f32 = keys.iter().map(|key| part_width(key) + 7.0 * k).sum();
        if x + keys_width + width(Face::Text500, words) > right {
            return;
        }
        for (number, key) in keys.iter().enumerate() {
            let w = part_width(key);
            let id = ("key", place, number);
            if key == TO {
                let text = Text::new(id, key.clone(), x, baseline, Face::Text500, type_size);
                part.text(LAYER, text.colour(palette.text_secondary));
            } else {
                let place = (Rect::new(x, y, w, 30.0 * k), type_size, k);
                let colours = (palette.text_tertiary, palette.card);
                draw_key(part, LAYER, (id, key.clone()), place, colours);
            }
            x += w + 7.0 * k;
        }
        x += 3.0 * k;
        let text = Text::new(("key words", place), words, x, baseline, Face::Text500, type_size);
        part.text(LAYER, text.colour(palette.text_secondary));
        x += width(Face::Text500, words) + 21.0 * k;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burst_does_not_flatten_the_wave() {
        let mut counts = vec![10; 100];
        counts[50] = 5_000;
        let heights = heights(&counts);
        assert_eq!((heights[0], heights[50]), (1.0, 1.0));
        assert_eq!(super::heights(&[0, 2, 4]), [0.0, 0.5, 1.0]);
        assert!(super::heights(&[0; 4]).iter().all(|height| *height == 0.0));
    }

    #[test]
    fn failure_is_never_covered_by_other_ends() {
        let at = Timestamp::UNIX_EPOCH;
        let ends = (0..1_000).map(|index| {
            let status = if index == 500 { RunStatus::Failed } else { RunStatus::Completed };
            (f64::from(index) / 1_000.0, status, at)
        });
        let marks = thinned(ends.collect());
        assert_eq!(marks[0].1, RunStatus::Failed);
        let others = marks.iter().skip(1);
        assert!(others.clone().all(|(place, ..)| (place - marks[0].0).abs() >= 0.0159));
        assert!(others.count() > 80);
    }
}
