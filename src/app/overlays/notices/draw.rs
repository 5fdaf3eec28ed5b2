//! Drawing of the toast in its lane, and its button.

use bevy::math::Vec2;
use bevy::prelude::*;

use super::{Notices, Toast, Toasts};
use crate::app::draw::glyphs::badge;
use crate::app::draw::{
    Canvas, DrawClock, Face, Faults, Layer, Part, Rect, Shape, Text, guarded_without_card, measure,
    truncate,
};
use crate::app::state::actions::Action;
use crate::app::state::free_space::FreeSpace;
use crate::app::state::hit::{Button, Buttons};
use crate::app::state::next_frame::NextFrame;
use crate::app::state::status::DisplayStatus;
use crate::app::state::viewport::ReducedMotion;
use crate::app::systems::AppSystems;
use crate::app::theme::{Theme, size};

const PART: &str = "toasts";
/// Narrowest lane in which a toast can be read.
const LANE_OF_A_TOAST: f32 = 240.0;
const BADGE: f32 = 12.0;
/// Distance between the title and the words after it.
const AFTER_TITLE: f32 = 8.0;
/// Part of the room that a long title keeps beside long words.
const TITLE_SHARE: f32 = 0.35;
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
fn forget(
    mut canvas: ResMut<Canvas>,
    mut areas: ResMut<ToastAreas>,
    mut notices: ResMut<Notices>,
    mut buttons: ResMut<Buttons>,
) {
    buttons.show(PART, Vec::new());
    *areas = ToastAreas::default();
    notices.toasts = Toasts::default();
    canvas.remove(PART);
}

/// Place of the toast, in design pixels.
#[derive(Resource, Clone, Debug, Default, PartialEq)]
pub struct ToastAreas {
    shown: Option<(u64, Rect)>,
    drawn: Option<(Card, Theme)>,
}

impl ToastAreas {
    /// The toast on screen, by number, and its place.
    pub fn shown(&self) -> Option<(u64, Rect)> {
        self.shown
    }
}

/// The toast as drawn.
#[derive(Clone, Debug, PartialEq)]
struct Card {
    rect: Rect,
    /// Factor of lengths and sizes of type.
    scale: f32,
    bad: bool,
    title: String,
    words: String,
    opacity: f32,
}

#[expect(clippy::too_many_arguments, reason = "a system names what it reads")]
fn draw(
    mut canvas: ResMut<Canvas>,
    mut notices: ResMut<Notices>,
    mut areas: ResMut<ToastAreas>,
    mut next: ResMut<NextFrame>,
    draw_clock: Res<DrawClock>,
    free: Res<FreeSpace>,
    mut buttons: ResMut<Buttons>,
    reduced_motion: Option<Res<ReducedMotion>>,
) {
    let now = draw_clock.secs;
    let toasts = &mut notices.bypass_change_detection().toasts;
    if toasts.is_idle() && areas.shown.is_none() {
        return;
    }
    toasts.set_calm(reduced_motion.is_some_and(|reduced| reduced.0));
    toasts.set_has_lane(free.lane.w >= LANE_OF_A_TOAST * free.scale && free.scale > 0.0);
    toasts.step(now);
    if let Some(secs) = toasts.due_in_secs(now) {
        next.within_secs(secs.max(FADE_FRAME_SECS));
    }
    let standing = toasts.standing();
    let card = standing.map(|toast| Card::of(toast, &free, toasts.opacity(toast, now), now));
    let shown = standing.zip(card.as_ref()).map(|(toast, card)| (toast.number, card.rect));
    let drawn = card.map(|card| (card, canvas.theme));
    if areas.drawn == drawn && areas.shown == shown {
        return;
    }
    match &drawn {
        Some((card, _)) => card.draw(canvas.redraw(PART).stay()),
        None => canvas.remove(PART),
    }
    let button = |(number, rect)| {
        let action = Action::Dismiss(number);
        Button { rect, action, holds_pointer: true }
    };
    buttons.show(PART, shown.map(button).into_iter().collect());
    *areas = ToastAreas { shown, drawn };
}

impl Card {
    /// Lays out a toast at the left end of the lane, as wide as its words.
    fn of(toast: &Toast, free: &FreeSpace, opacity: f32, now: f64) -> Self {
        let FreeSpace { lane, scale } = *free;
        let (title, words) = (toast.title(), toast.words(now));
        let type_size = size::TICKER * scale;
        let around = words_left(lane, scale) + end_width(lane, scale) + AFTER_TITLE * scale;
        let room = lane.w - around;
        let words_width = measure(Face::Text500, type_size, 0.0, &words);
        let title_room = (room - words_width).max(room * TITLE_SHARE);
        let title = truncate(Face::Text600, type_size, &title, title_room).into_owned();
        let title_width = measure(Face::Text600, type_size, 0.0, &title);
        let words = truncate(Face::Text500, type_size, &words, room - title_width).into_owned();
        let words_width = measure(Face::Text500, type_size, 0.0, &words);
        let w = (around + title_width + words_width).min(lane.w);
        let (rect, bad) = (Rect { w, ..lane }, toast.is_bad());
        Self { rect, scale, bad, title, words, opacity }
    }

    fn draw(&self, part: &mut Part) {
        let palette = part.palette;
        let since = part.mark();
        let Self { rect, scale, bad, .. } = *self;
        let (ground, edge, glyph) = if bad {
            (palette.failed_tint, palette.failed, DisplayStatus::Failed)
        } else {
            (palette.success_deep, palette.success_line, DisplayStatus::Success)
        };
        let width = scale * if palette.flat { 3.0 } else { 1.5 };
        let body = Shape::rounded_box(rect).radius(rect.h / 2.0).fill(ground).border(width, edge);
        part.shape(Layer::Band, if bad { body.keep_colour() } else { body });
        let centre = Vec2::new(rect.x + rect.h / 2.0 + 2.0 * scale, rect.centre_y());
        badge(part, Layer::Band, glyph, centre, BADGE * scale, "toast");
        let type_size = size::TICKER * scale;
        let (x, baseline) = (rect.x + words_left(rect, scale), rect.centre_y() + type_size * 0.358);
        let text = Text::new("toast", self.title.clone(), x, baseline, Face::Text600, type_size)
            .colour(palette.text)
            // A span of its own: a right-to-left title would otherwise move the words.
            .then(AFTER_TITLE * scale, self.words.clone())
            .face(Face::Text500);
        part.text(Layer::Band, if bad { text.keep_colour() } else { text });
        part.dim(since, self.opacity);
    }
}

/// Distance from the left edge of a toast to its words.
fn words_left(rect: Rect, scale: f32) -> f32 {
    rect.h + 8.0 * scale
}

/// Distance from the words of a toast to its right edge.
fn end_width(rect: Rect, scale: f32) -> f32 {
    rect.h / 2.0 + 6.0 * scale
}

#[cfg(test)]
mod tests {
    use bevy::ecs::system::RunSystemOnce;

    use super::super::{News, Notice};
    use super::*;
    use crate::layout::{CanvasSize, HeaderPlaces, stage_lane, wall_header};

    fn toast(title: &str, reason: &str) -> Toast {
        let news = News::Failed { node: Some("COMPOSE".into()), reason: reason.to_owned() };
        let at = jiff::Timestamp::UNIX_EPOCH;
        let mut toasts = Toasts::default();
        toasts.add_notice(Notice { at, run: None, title: title.to_owned(), news }, 0.0);
        toasts.standing().unwrap().clone()
    }

    #[test]
    fn toast_that_was_removed_after_a_panic_has_no_button() {
        let mut world = World::new();
        world.init_resource::<Canvas>();
        world.init_resource::<ToastAreas>();
        world.init_resource::<Notices>();
        world.init_resource::<Buttons>();
        let (rect, action) = (Rect::new(0.0, 0.0, 10.0, 10.0), Action::Dismiss(1));
        let button = Button { rect, action, holds_pointer: true };
        world.resource_mut::<Buttons>().show(PART, vec![button]);
        world.run_system_once(forget).unwrap();
        assert!(!world.resource::<Buttons>().hold_pointer_at(Vec2::new(5.0, 5.0)));
    }

    #[test]
    fn toast_never_reaches_beyond_its_lane() {
        for pixels in [(1920.0, 1080.0), (1080.0, 1920.0), (1024.0, 768.0), (2560.0, 1080.0)] {
            let canvas_size = CanvasSize::of_pixels(pixels.0, pixels.1);
            let HeaderPlaces { lane, scale, .. } = wall_header(&canvas_size);
            for (lane, scale) in [(lane, scale), stage_lane(&canvas_size)] {
                let type_size = size::TICKER * scale;
                for length in 0..90 {
                    let title = "Glass Harbour ".repeat(7)[..length].to_owned();
                    for reason in ["quota", &"out of memory ".repeat(10)] {
                        let free = FreeSpace { lane, scale };
                        let card = Card::of(&toast(&title, reason), &free, 1.0, 40.0);
                        let end = words_left(lane, scale)
                            + measure(Face::Text600, type_size, 0.0, &card.title)
                            + AFTER_TITLE * scale
                            + measure(Face::Text500, type_size, 0.0, &card.words)
                            + end_width(lane, scale);
                        assert!(end <= lane.w + 0.1, "{pixels:?} {title} {reason}");
                        assert!(card.rect.w <= lane.w && card.rect.x == lane.x);
                    }
                }
            }
        }
    }

    #[test]
    fn long_title_leaves_room_for_the_reason() {
        let (lane, scale) = stage_lane(&CanvasSize::of_pixels(1920.0, 1080.0));
        let free = FreeSpace { lane, scale };
        let title = "Everything We Left on the Platform at Night";
        let card = Card::of(&toast(title, "quota exceeded"), &free, 1.0, 40.0);
        assert!(card.title.ends_with('…'), "{}", card.title);
        assert!(card.words.starts_with("COMPOSE failed 40 s ago: "), "{}", card.words);
        let card = Card::of(&toast("Undertow", "quota"), &free, 1.0, 40.0);
        assert_eq!((card.title.as_str(), card.words.ends_with("ago: quota")), ("Undertow", true));
        assert!(card.rect.w < lane.w, "as wide as its words");
    }
}
