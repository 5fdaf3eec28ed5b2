//! Places and drawing of toasts: stacked in a corner where they cover nothing important.

use bevy::math::Vec2;
use bevy::prelude::*;

use super::{Notices, Toast, Toasts};
use crate::app::draw::glyphs::badge;
use crate::app::draw::{
    Canvas, DrawClock, Face, Faults, Layer, Part, Rect, Shape, Text, guarded_without_card, measure,
    wrap,
};
use crate::app::state::actions::Action;
use crate::app::state::free_space::{FreeSpace, Room};
use crate::app::state::hit::{Button, Buttons};
use crate::app::state::next_frame::NextFrame;
use crate::app::state::status::DisplayStatus;
use crate::app::state::viewport::ReducedMotion;
use crate::app::systems::AppSystems;
use crate::app::theme::{Theme, size};
use crate::app::words::count_words;
use crate::bounded::bounded;

const PART: &str = "toasts";
/// Height of a toast; two of them leave the first line of the stage's event list visible.
const HEIGHT: f32 = 88.0;
const GAP: f32 = 8.0;
const WIDEST: f32 = 860.0;
const NARROWEST: f32 = 420.0;
/// Distance from the left edge to the words; [`END`] is that from the words to the right edge.
const SIGN_WIDTH: f32 = 82.0;
const END: f32 = 28.0;
const BADGE: f32 = 21.0;
/// Interval between the frames of a fade, in seconds.
const FADE_FRAME_SECS: f64 = 0.033;

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<ToastAreas>()
        .init_resource::<FreeSpace>()
        .init_resource::<Buttons>()
        .init_resource::<NextFrame>()
        .init_resource::<Faults>()
        .add_systems(
            Update,
            guarded_without_card("the toasts", draw, forget)
                .in_set(AppSystems::Tell)
                .run_if(resource_exists::<Canvas>),
        );
}

/// Removes the toasts after a panic.
fn forget(mut canvas: ResMut<Canvas>, mut areas: ResMut<ToastAreas>, mut notices: ResMut<Notices>) {
    *areas = ToastAreas::default();
    notices.toasts = Toasts::default();
    canvas.remove(PART);
}

/// Places of the toasts, in design pixels.
#[derive(Resource, Clone, Debug, Default, PartialEq)]
pub struct ToastAreas {
    rects: Vec<(u64, Rect)>,
    drawn: Option<Drawn>,
}

impl ToastAreas {
    /// Toasts on screen, by number.
    pub fn rects(&self) -> &[(u64, Rect)] {
        &self.rects
    }

    /// Number of the toast at a point.
    pub fn at(&self, point: Vec2) -> Option<u64> {
        let (number, _) = self.rects.iter().find(|(_, rect)| rect.holds(point.x, point.y))?;
        Some(*number)
    }
}

/// Toasts as drawn on the canvas.
#[derive(Clone, Debug, PartialEq)]
struct Drawn {
    toasts: Vec<Card>,
    theme: Theme,
}

/// One toast as drawn.
#[derive(Clone, Debug, PartialEq)]
struct Card {
    rect: Rect,
    glyph: DisplayStatus,
    bad: bool,
    head: String,
    lines: Vec<String>,
    line_size: f32,
    /// Number of waiting toasts, "+2 more", in the uppermost toast.
    more: Option<String>,
    opacity: f32,
}

/// Corner for toasts, which are stacked from its bottom up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Corner {
    room: Rect,
    at_right: bool,
}

impl Corner {
    /// Part of a room that toasts use.
    fn of(Room { rect, at_right }: Room) -> Self {
        let w = WIDEST.min(rect.w);
        let x = if at_right { rect.right() - w } else { rect.x };
        Self { room: Rect { x, w, ..rect }, at_right }
    }

    /// First room that has a place for a toast and covers none of the rectangles to keep visible;
    /// an empty corner if there is none.
    fn found(free: &FreeSpace) -> Self {
        let corners = free.rooms.iter().map(|room| Self::of(*room).clear_of(&free.keep));
        let mut corners = corners.filter(|corner| corner.places() > 0);
        corners.next().unwrap_or_default()
    }

    fn places(&self) -> usize {
        ((self.room.h + GAP) / (HEIGHT + GAP)).floor().max(0.0) as usize
    }

    /// Rectangle of a toast; `index` counts from below.
    fn toast_rect(&self, index: usize, width: f32) -> Rect {
        let x = if self.at_right { self.room.right() - width } else { self.room.x };
        let y = self.room.bottom() - HEIGHT - index as f32 * (HEIGHT + GAP);
        Rect::new(x, y, width, HEIGHT)
    }

    /// Corner reduced at its top until it covers none of `keep`.
    fn clear_of(self, keep: &[Rect]) -> Self {
        let overlapping = keep.iter().filter(|rect| {
            rect.x < self.room.right()
                && self.room.x < rect.right()
                && rect.y < self.room.bottom()
                && self.room.y < rect.bottom()
        });
        let top = overlapping.map(Rect::bottom).fold(self.room.y, f32::max);
        let h = (self.room.bottom() - top).max(0.0);
        Self { room: Rect { y: top, h, ..self.room }, ..self }
    }
}

#[expect(clippy::too_many_arguments, reason = "a system names what it reads")]
fn draw(
    mut canvas: ResMut<Canvas>,
    mut notices: ResMut<Notices>,
    mut places: ResMut<ToastAreas>,
    mut next: ResMut<NextFrame>,
    draw_clock: Res<DrawClock>,
    free: Res<FreeSpace>,
    mut buttons: ResMut<Buttons>,
    reduced_motion: Option<Res<ReducedMotion>>,
) {
    let now = draw_clock.secs;
    let toasts = &mut notices.bypass_change_detection().toasts;
    if toasts.is_idle() && places.rects.is_empty() {
        return;
    }
    let corner = Corner::found(&free);
    toasts.set_calm(reduced_motion.is_some_and(|reduced| reduced.0));
    toasts.set_places(corner.places());
    toasts.step(now);
    if let Some(secs) = toasts.due_in_secs(now) {
        next.within_secs(secs.max(FADE_FRAME_SECS));
    }

    let waiting = toasts.waiting(now);
    let uppermost = toasts.standing().map(|(place, _)| place).max();
    let mut rects = Vec::new();
    let cards: Vec<Card> = toasts
        .standing()
        .map(|(place, toast)| {
            let more = (Some(place) == uppermost && waiting > 0).then_some(waiting);
            let opacity = toasts.opacity(toast, now);
            let card = Card::of(toast, more, corner, place, opacity);
            rects.push((toast.number, card.rect));
            card
        })
        .collect();
    let drawn = (!cards.is_empty()).then_some(Drawn { toasts: cards, theme: canvas.theme });
    if places.drawn != drawn {
        match &drawn {
            Some(drawn) => {
                let part = canvas.redraw(PART).stay();
                drawn.toasts.iter().enumerate().for_each(|(at, card)| card.draw(part, at));
            }
            None => canvas.remove(PART),
        }
        let button = |(number, rect): &(u64, Rect)| {
            let action = Action::Dismiss(*number);
            Button { rect: *rect, action, holds_pointer: true }
        };
        buttons.show(PART, rects.iter().map(button).collect());
        *places = ToastAreas { rects, drawn };
    }
}

impl Card {
    fn of(toast: &Toast, more: Option<usize>, corner: Corner, place: usize, opacity: f32) -> Self {
        let (head, words) = (toast.head(), toast.words());
        let more = more.map(|count| format!("+{} more", count_words(count as u64)));
        let more_width = more
            .as_ref()
            .map_or(0.0, |more| 24.0 + measure(Face::Text600, size::BASELINE_NOTE, 0.0, more));
        let head_width = measure(Face::Text600, size::TILE_NODE, 0.0, head) + more_width;
        let words_width = measure(Face::Text500, size::TICKER, 0.0, words);
        let widest = WIDEST.min(corner.room.w);
        let wanted = head_width.max(words_width) + SIGN_WIDTH + END + 4.0;
        let width = bounded(wanted, NARROWEST.min(widest), widest);
        let room = width - SIGN_WIDTH - END;
        let head = wrap(Face::Text600, size::TILE_NODE, head, room - more_width, 1).concat();
        let (line_size, most) =
            if words_width > room { (size::BASELINE_NOTE, 2) } else { (size::TICKER, 1) };
        let lines = wrap(Face::Text500, line_size, words, room, most);
        Self {
            rect: corner.toast_rect(place, width),
            glyph: match toast.news() {
                news if news.is_bad() => DisplayStatus::Failed,
                _ => DisplayStatus::Success,
            },
            bad: toast.news().is_bad(),
            head,
            lines,
            line_size,
            more,
            opacity,
        }
    }

    fn draw(&self, part: &mut Part, at: usize) {
        let palette = part.palette;
        let since = part.mark();
        let (ground, edge) = if self.bad {
            (palette.failed_deep, palette.failed)
        } else {
            (palette.bezel_top, palette.line_strong)
        };
        let (head_ink, ink) = if self.bad {
            (palette.failed_text, palette.failed_text)
        } else {
            (palette.text, palette.text_secondary)
        };
        // The shadow ends where the bridge begins.
        let shadow = Shape::rounded_box(self.rect.translated(0.0, 2.0)).radius(18.0);
        part.shape(Layer::Band, shadow.fill(palette.shadow).soft(6.0).opacity(0.6));
        let body = Shape::rounded_box(self.rect).radius(18.0).fill(ground).border(2.0, edge);
        part.shape(Layer::Band, if self.bad { body.keep_colour() } else { body });
        let centre = Vec2::new(self.rect.x + 44.0, self.rect.centre_y());
        badge(part, Layer::Band, self.glyph, centre, BADGE, "toast");

        let (x, top) = (self.rect.x + SIGN_WIDTH, self.rect.y);
        let (head_y, first, pitch) = match self.lines.len() {
            0 => (53.0, 0.0, 0.0),
            1 => (39.0, 70.0, 0.0),
            _ => (31.0, 56.0, 24.0),
        };
        let line = |key: &'static str, words: &str, y: f32, face: Face, size: f32| {
            Text::new((key, at), words.to_owned(), x, top + y, face, size)
        };
        let kept = |text: Text| if self.bad { text.keep_colour() } else { text };
        let head = line("toast", &self.head, head_y, Face::Text600, size::TILE_NODE);
        part.text(Layer::Band, kept(head.colour(head_ink)));
        for (row, words) in self.lines.iter().enumerate() {
            let y = first + row as f32 * pitch;
            let key = if row == 0 { "toast line" } else { "toast line 2" };
            let text = line(key, words, y, Face::Text500, self.line_size);
            part.text(Layer::Band, kept(text.colour(ink)));
        }
        if let Some(more) = &self.more {
            let x = self.rect.right() - END;
            let text = Text::new(
                "toasts more",
                more.clone(),
                x,
                top + head_y,
                Face::Text600,
                size::BASELINE_NOTE,
            );
            part.text(Layer::Band, kept(text.end().colour(ink)));
        }
        part.dim(since, self.opacity);
    }
}

#[cfg(test)]
mod tests {
    use super::super::News;
    use super::super::Notice;
    use super::*;
    use crate::app::views::wall::rooms;
    use crate::layout::{CanvasSize, wall_area};

    fn hd() -> CanvasSize {
        CanvasSize::of_pixels(1920.0, 1080.0)
    }

    fn overlap(a: &Rect, b: &Rect) -> bool {
        a.x < b.right() && b.x < a.right() && a.y < b.bottom() && b.y < a.bottom()
    }

    #[test]
    fn wall_toasts_cover_no_failure_band_or_bridge() {
        let tile = |x: f32, y: f32| Rect::new(x, y, 348.8, 240.0);
        let all = wall_area(&hd());
        for (failed, has_band, places) in [
            (vec![], false, 3),
            // The usual place of a failure.
            (vec![Rect::new(56.0, 120.0, 713.6, 496.0)], false, 3),
            // The last tile: there is room below it, or in the other corner.
            (vec![tile(1515.2, 632.0)], false, 3),
            (vec![tile(1515.2, 120.0)], false, 3),
            (vec![tile(1515.2, 632.0), tile(56.0, 632.0)], false, 1),
            (vec![all], false, 1),
            (vec![all], true, 0),
        ] {
            let free = FreeSpace { rooms: rooms(&hd(), has_band), keep: failed.clone() };
            let corner = Corner::found(&free);
            let shown = corner.places().min(super::super::toasts::MOST);
            assert_eq!(shown, places, "{failed:?}");
            for index in 0..shown {
                let rect = corner.toast_rect(index, WIDEST.min(corner.room.w));
                assert!(rect.bottom() <= hd().bridge_top(), "{rect:?}");
                assert!(!failed.iter().any(|failed| overlap(failed, &rect)), "{rect:?} {failed:?}");
                let band = Rect::new(350.0, 8.0, 1324.0, 50.0);
                assert!(!has_band || !overlap(&band, &rect), "{rect:?}");
                let clock = Rect::new(1690.0, 30.0, 174.0, 70.0);
                assert!(!overlap(&clock, &rect), "{rect:?}");
            }
        }
    }

    /// Covers words that just do not fit one line at the larger size but do fit it at the smaller one.
    #[test]
    fn toast_lines_stay_inside_its_edge() {
        let corner = Corner::found(&FreeSpace { rooms: rooms(&hd(), false), keep: Vec::new() });
        for length in 10..120 {
            let reason = "out of memory ".repeat(10)[..length].trim_end().to_owned();
            let news = News::Failed { node: Some("COMPOSE".into()), reason };
            let at = jiff::Timestamp::UNIX_EPOCH;
            let mut toasts = crate::app::overlays::notices::Toasts::default();
            toasts.set_places(3);
            toasts.add_notice(Notice { at, run: None, title: "Neon Rain".to_owned(), news }, 0.0);
            toasts.step(1.0);
            let (place, toast) = toasts.standing().next().unwrap();
            let card = Card::of(toast, None, corner, place, 1.0);
            for line in &card.lines {
                let width = measure(Face::Text500, card.line_size, 0.0, line);
                assert!(SIGN_WIDTH + width + END <= card.rect.w, "{length}: {line}");
            }
        }
    }
}
