//! Pill on the bridge's upper edge: the director's mode, and its reason for the view shown. A click on it does the
//! same as key A.

use bevy::math::Vec2;
use bevy::prelude::*;

use crate::app::draw::{
    Canvas, DrawClock, Face, Faults, Layer, Part, Rect, Shape, Text, guarded_without_card, measure,
};
use crate::app::state::actions::Action;
use crate::app::state::auto::Auto;
use crate::app::state::hit::{Button, Buttons};
use crate::app::state::view::View;
use crate::app::state::viewport::Viewport;
use crate::app::systems::AppSystems;
use crate::app::theme::{Theme, size};
use crate::app::words::clock_words;
use crate::bounded::bounded;
use crate::director::{Director, Mode, ShowReason};
use crate::layout::{Bridge, CanvasSize, lay_out_history};

const PART: &str = "director";
/// Height that the lengths of the pill are drawn for.
const HEIGHT: f32 = 24.0;
/// Distance from the left edge to the words; [`END`] is the distance from their end to the right edge.
const SIGN_WIDTH: f32 = 40.0;
const END: f32 = 18.0;

pub(in crate::app) fn plugin(app: &mut App) {
    app.init_resource::<Pill>().init_resource::<Buttons>().init_resource::<Faults>().add_systems(
        Update,
        guarded_without_card("the director's pill", draw, forget)
            .in_set(AppSystems::DrawOverlay)
            .run_if(resource_exists::<Canvas>),
    );
}

/// Removes the pill after a panic.
fn forget(mut canvas: ResMut<Canvas>, mut pill: ResMut<Pill>, mut buttons: ResMut<Buttons>) {
    buttons.show(PART, Vec::new());
    *pill = Pill::default();
    canvas.remove(PART);
}

/// Contents of the pill.
#[derive(Clone, Debug, PartialEq)]
pub struct PillView {
    pub words: String,
    /// True when the director chooses the view.
    pub auto: bool,
}

impl PillView {
    /// Contents for a director at `now_secs` of the draw clock; `None` when the director is off.
    pub fn of(director: &Director, now_secs: f64) -> Option<Self> {
        let (words, auto) = match director.mode() {
            Mode::Off => return None,
            Mode::Auto => (
                match director.shot().map(|shot| shot.why) {
                    None if director.shows_history() => "auto: history".to_owned(),
                    None => "auto".to_owned(),
                    Some(ShowReason::Failed) => "auto: failed".to_owned(),
                    Some(ShowReason::Fix) => "auto: fix".to_owned(),
                    Some(ShowReason::Retry) => "auto: retry".to_owned(),
                    Some(ShowReason::Completed) => "auto: finished".to_owned(),
                },
                true,
            ),
            Mode::Pinned { until_secs: None } => ("pinned".to_owned(), false),
            Mode::Pinned { until_secs: Some(until) } => {
                (format!("pinned, {} to go", left_words(until - now_secs)), false)
            }
        };
        Some(Self { words, auto })
    }
}

/// Time to go in steps, so that the words change rarely: "2:00", "0:40".
fn left_words(secs: f64) -> String {
    let tens = (secs / 10.0).ceil().max(1.0) * 10.0;
    let secs = if tens > 60.0 { (tens / 60.0).ceil() * 60.0 } else { tens };
    clock_words(bounded(secs * 1000.0, 0.0, 1e15) as u64)
}

/// Pill as last drawn, and its place.
#[derive(Resource, Clone, Debug, Default, PartialEq)]
pub struct Pill {
    view: Option<PillView>,
    canvas_size: Option<CanvasSize>,
    theme: Theme,
    rect: Option<Rect>,
}

impl Pill {
    /// Words of the pill; `None` when there is none.
    pub fn words(&self) -> Option<&str> {
        Some(self.view.as_ref()?.words.as_str())
    }

    /// Place of the pill, in design pixels.
    pub fn rect(&self) -> Option<Rect> {
        self.rect
    }
}

fn draw(
    mut canvas: ResMut<Canvas>,
    mut pill: ResMut<Pill>,
    mut buttons: ResMut<Buttons>,
    auto: Res<Auto>,
    clock: Res<DrawClock>,
    (viewport, shown): (Res<Viewport>, Res<View>),
) {
    let view = PillView::of(&auto.0, clock.secs);
    let canvas_size = viewport.canvas_size();
    let rect = view.as_ref().map(|view| place(&view.words, *shown, &canvas_size));
    let next = Pill { view, canvas_size: Some(canvas_size), theme: canvas.theme, rect };
    if *pill == next {
        return;
    }
    match (&next.view, rect) {
        (Some(view), Some(rect)) => draw_pill(canvas.redraw(PART).stay(), view, rect),
        _ => canvas.remove(PART),
    }
    let button = rect.map(|rect| Button { rect, action: Action::ToggleAuto, holds_pointer: false });
    buttons.show(PART, button.into_iter().collect());
    *pill = next;
}

/// Place between view and meters, above the panel of the connection, which is free on every view; without
/// meters at the end of the foot.
fn place(words: &str, view: View, canvas_size: &CanvasSize) -> Rect {
    let bridge = Bridge::of(canvas_size);
    let width = measure(Face::Text600, size::PILL, 0.0, words) + SIGN_WIDTH + END;
    if view == View::History {
        let at = lay_out_history(canvas_size);
        let (width, height) = (width * at.scale, HEIGHT * at.scale);
        return Rect::new(at.right - width, at.foot - 0.8 * height, width, height);
    }
    // The tab's height gives the factor of all lengths.
    let k = bridge.tab(0.0).h / HEIGHT;
    bridge.tab(width * k)
}

fn draw_pill(part: &mut Part, view: &PillView, rect: Rect) {
    let palette = part.palette;
    let k = rect.h / HEIGHT;
    let body = Shape::rounded_box(rect).radius(rect.h / 2.0);
    let (body, ink) = if view.auto {
        (body.fill(palette.violet), palette.on_violet)
    } else {
        (body.fill(palette.bg).border(2.0 * k, palette.violet_led), palette.violet_text)
    };
    part.shape(Layer::Bridge, body);
    let centre = Vec2::new(rect.x + 22.0 * k, rect.centre_y());
    let at = |dx: f32, dy: f32| centre + Vec2::new(dx, dy) * k;
    if view.auto {
        // A circular arrow: the director changes views.
        let ring = Shape::arc(centre, 7.0 * k, 2.6 * k, 50.0, 340.0).fill(ink);
        part.shape(Layer::Bridge, ring);
        let head = Shape::triangle(at(0.0, -11.0), at(5.5, -7.0), at(0.0, -3.0), 0.5 * k);
        part.shape(Layer::Bridge, head.fill(ink));
    } else {
        let head = at(0.0, -3.5);
        part.shape(Layer::Bridge, Shape::disc(head, 5.0 * k).fill(ink));
        let needle = Shape::capsule(head, at(0.0, 8.0), 2.2 * k);
        part.shape(Layer::Bridge, needle.fill(ink));
    }
    let type_size = size::PILL * k;
    let (x, baseline) = (rect.x + SIGN_WIDTH * k, rect.centre_y() + type_size * 0.36);
    part.text(
        Layer::Bridge,
        Text::new("pill", view.words.clone(), x, baseline, Face::Text600, type_size).colour(ink),
    );
}

#[cfg(test)]
mod tests {
    use bevy::ecs::system::RunSystemOnce;

    use super::*;

    #[test]
    fn words_stand_inside_the_pill_on_every_screen() {
        for (width, height) in [(1920.0, 1080.0), (1080.0, 1920.0), (1200.0, 1200.0)] {
            let canvas_size = CanvasSize::of_pixels(width, height);
            for (words, auto) in [("auto", true), ("pinned, 2:00 to go", false)] {
                let rect = place(words, View::Wall, &canvas_size);
                let mut canvas = Canvas::default();
                let view = PillView { words: words.to_owned(), auto };
                draw_pill(canvas.redraw(PART), &view, rect);
                let drawn = canvas.words(PART);
                let (_, at) = drawn.first().unwrap();
                // The ends are round, with the radius of half the height.
                assert!(at.x >= rect.x + rect.h / 2.0, "{width}×{height}: {at:?} in {rect:?}");
                assert!(at.right() <= rect.right() - rect.h / 2.0, "{width}×{height}: {at:?}");
                // A line has room for accents that these words do not have.
                let spare = rect.h / 20.0;
                assert!(
                    at.y >= rect.y && at.bottom() <= rect.bottom() + spare,
                    "{at:?} in {rect:?}"
                );
                assert!(rect.right() <= canvas_size.right() + 0.01, "{rect:?}");
            }
        }
    }

    #[test]
    fn pill_that_was_removed_after_a_panic_has_no_button() {
        let mut world = World::new();
        world.init_resource::<Canvas>();
        world.init_resource::<Pill>();
        world.init_resource::<Buttons>();
        let (rect, action) = (Rect::new(0.0, 0.0, 10.0, 10.0), Action::ToggleAuto);
        let button = Button { rect, action, holds_pointer: false };
        world.resource_mut::<Buttons>().show(PART, vec![button]);
        world.run_system_once(forget).unwrap();
        assert_eq!(world.resource::<Buttons>().by_overlay().flatten().count(), 0);
    }

    #[test]
    fn time_left_changes_in_steps() {
        for (secs, words) in
            [(120.0, "2:00"), (61.0, "2:00"), (60.0, "1:00"), (41.0, "0:50"), (0.1, "0:10")]
        {
            assert_eq!(left_words(secs), words);
        }
    }
}
