//! The hint at the keys at the first start: a quiet line above the meters.

use bevy::ecs::schedule::ScheduleConfigs;
use bevy::ecs::system::{ScheduleSystem, SystemParam};
use bevy::input::ButtonState;
use bevy::input::keyboard::{Key, KeyboardInput};
use bevy::prelude::*;

use crate::app::draw::{
    Canvas, DrawClock, Face, Faults, Layer, Part, Rect, Shape, Text, guarded_without_card, measure,
};
use crate::app::state::actions::{Action, ActionEntry};
use crate::app::state::first_start::FirstStart;
use crate::app::state::hit::{Button, Buttons};
use crate::app::state::view::View;
use crate::app::state::viewport::Viewport;
use crate::app::theme::Theme;
use crate::layout::{Bridge, CanvasSize};

const PART: &str = "first hint";
/// Distance between the bridge's upper edge and the meters that the other lengths are drawn for.
const ABOVE_METERS: f32 = 12.0;
const HEIGHT: f32 = 21.0;
const TYPE: f32 = 18.0;
/// Distance from the words to both ends.
const PAD: f32 = 16.0;

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<FirstStart>()
        .init_resource::<Drawn>()
        .init_resource::<Buttons>()
        .init_resource::<Faults>()
        .add_message::<KeyboardInput>();
}

/// Systems that draw the hint at the keys.
pub(super) fn systems() -> ScheduleConfigs<ScheduleSystem> {
    guarded_without_card("the hint at the keys", draw, forget).run_if(resource_exists::<Canvas>)
}

/// The hint as last drawn.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq)]
struct Drawn(Option<(CanvasSize, Theme)>);

/// Removes the hint after a panic.
fn forget(
    mut canvas: ResMut<Canvas>,
    mut first: ResMut<FirstStart>,
    mut drawn: ResMut<Drawn>,
    mut buttons: ResMut<Buttons>,
) {
    *first = FirstStart::default();
    *drawn = Drawn::default();
    buttons.show(PART, Vec::new());
    canvas.remove(PART);
}

/// Keys that were pressed, without those that only change others.
#[derive(SystemParam)]
struct Keys<'w, 's>(MessageReader<'w, 's, KeyboardInput>);

impl Keys<'_, '_> {
    fn were_pressed(&mut self) -> bool {
        let presses = self.0.read().filter(|key| key.state == ButtonState::Pressed);
        presses.filter(|key| !is_modifier(&key.logical_key)).count() > 0
    }
}

/// True for keys that do nothing by themselves, and are pressed for other reasons, too.
fn is_modifier(key: &Key) -> bool {
    matches!(
        key,
        Key::Shift
            | Key::Control
            | Key::Alt
            | Key::AltGraph
            | Key::Super
            | Key::Meta
            | Key::Hyper
            | Key::Symbol
            | Key::Fn
            | Key::CapsLock
            | Key::NumLock
            | Key::ScrollLock
            | Key::SymbolLock
            | Key::FnLock
    )
}

fn draw(
    mut canvas: ResMut<Canvas>,
    mut first: ResMut<FirstStart>,
    mut drawn: ResMut<Drawn>,
    mut buttons: ResMut<Buttons>,
    mut keys: Keys,
    clock: Res<DrawClock>,
    (viewport, view): (Res<Viewport>, Res<View>),
) {
    // History and desk have no bridge, and the foot of the timeline stands on it.
    let has_place = matches!(*view, View::Stage { .. } | View::Wall);
    // Only somebody who could read the line knows the keys.
    let (was_drawn, has_pressed) = (drawn.0.is_some(), keys.were_pressed());
    let mut stepped = *first;
    let is_shown = match has_place || was_drawn {
        true => stepped.step(clock.secs, has_pressed && was_drawn),
        false => {
            stepped.pause();
            false
        }
    };
    first.set_if_neq(stepped);
    let canvas_size = viewport.canvas_size();
    let next = Drawn((is_shown && has_place).then_some((canvas_size, canvas.theme)));
    if *drawn == next {
        return;
    }
    *drawn = next;
    if next.0.is_none() {
        canvas.remove(PART);
        buttons.show(PART, Vec::new());
        return;
    }
    let words = words();
    let rect = place(&words, &canvas_size);
    draw_line(canvas.redraw(PART).stay(), words, rect);
    buttons.show(PART, vec![Button { rect, action: Action::ToggleHelp, holds_pointer: false }]);
}

/// "? shows all keys · Ctrl K finds everything".
fn words() -> String {
    let keys = |action| ActionEntry::of(&action).map(ActionEntry::key_words).unwrap_or_default();
    let (help, palette) = (keys(Action::ToggleHelp), keys(Action::TogglePalette));
    format!("{help} shows all keys · {palette} finds everything")
}

/// Place at the left end of the bridge, between the views and the meters.
fn place(words: &str, canvas_size: &CanvasSize) -> Rect {
    let bridge = Bridge::of(canvas_size);
    let (left, foot) = (bridge.meters[0].x, bridge.meters[0].y);
    let k = (foot - bridge.rect.y) / ABOVE_METERS;
    let width = measure(Face::Text600, TYPE * k, 0.0, words) + 2.0 * PAD * k;
    Rect::new(left, foot - HEIGHT * k, width, HEIGHT * k)
}

fn draw_line(part: &mut Part, words: String, rect: Rect) {
    let palette = part.palette;
    let k = rect.h / HEIGHT;
    let body = Shape::rounded_box(rect).radius(rect.h / 2.0).fill(palette.bg);
    part.shape(Layer::Bridge, body.border(1.5 * k, palette.line_strong));
    let type_size = TYPE * k;
    let (x, baseline) = (rect.x + PAD * k, rect.centre_y() + type_size * 0.36);
    let text = Text::new("first hint", words, x, baseline, Face::Text600, type_size);
    part.text(Layer::Bridge, text.colour(palette.text_secondary));
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::app::state::clock::PlaybackClock;
    use crate::app::state::run_store::RunStore;
    use crate::app::test_display;
    use crate::config::ViewName;
    use crate::model::{Model, Retention};
    use crate::source::playback::TimedFrames;
    use crate::source::recording::Recording;

    fn display(view: ViewName, size_px: (f32, f32), first: FirstStart) -> App {
        let mut app = test_display::display(view, "2026-11-23T12:00:00Z".parse().unwrap());
        app.insert_resource(first)
            .insert_resource(Viewport { size_px: size_px.into(), ..default() })
            .add_plugins(crate::app::overlays::hints_plugin);
        app.update();
        app
    }

    fn words(app: &App) -> String {
        let words = app.world().resource::<Canvas>().words(PART);
        words.into_iter().map(|(words, _)| words).collect()
    }

    fn wait(app: &mut App, secs: f64) {
        app.world_mut().resource_mut::<DrawClock>().secs += secs;
        app.update();
    }

    #[test]
    fn first_start_tells_of_the_keys_for_20_s() {
        let mut app = display(ViewName::Wall, (1920.0, 1080.0), FirstStart::wanted(true));
        assert_eq!(words(&app), "? shows all keys · Ctrl K finds everything");
        wait(&mut app, 19.0);
        assert!(!words(&app).is_empty());
        wait(&mut app, 1.1);
        assert_eq!(words(&app), "");
        assert!(app.world().resource::<FirstStart>().knows_keys, "it is remembered");
        assert_eq!(
            app.world().resource::<Buttons>().by_overlay().flatten().count(),
            1,
            "the light"
        );
    }

    fn press(app: &mut App, key_code: KeyCode, logical_key: Key) {
        let (state, text, repeat) = (ButtonState::Pressed, None, false);
        let window = Entity::PLACEHOLDER;
        let key = KeyboardInput { key_code, logical_key, state, text, repeat, window };
        app.world_mut().write_message(key);
        app.update();
    }

    #[test]
    fn view_without_a_place_for_the_hint_does_not_use_it_up() {
        let mut app = display(ViewName::Desk, (1920.0, 1080.0), FirstStart::wanted(true));
        wait(&mut app, 30.0);
        press(&mut app, KeyCode::KeyJ, Key::Character("j".into()));
        wait(&mut app, 1.0);
        assert!(!app.world().resource::<FirstStart>().knows_keys, "nobody could read it");
        app.insert_resource(View::Wall);
        wait(&mut app, 1.0);
        assert!(!words(&app).is_empty());
        wait(&mut app, 19.0);
        assert!(!words(&app).is_empty());
        wait(&mut app, 1.1);
        assert_eq!(words(&app), "");
    }

    #[test]
    fn key_ends_the_hint() {
        let mut app = display(ViewName::Stage, (1920.0, 1080.0), FirstStart::wanted(true));
        assert!(!words(&app).is_empty());
        for (code, key) in [(KeyCode::ShiftLeft, Key::Shift), (KeyCode::AltLeft, Key::Alt)] {
            press(&mut app, code, key);
            assert!(!words(&app).is_empty(), "a modifier does nothing by itself");
        }
        press(&mut app, KeyCode::KeyW, Key::Character("w".into()));
        assert_eq!(words(&app), "");
        wait(&mut app, 1.0);
        assert_eq!(words(&app), "");
    }

    #[test]
    fn display_that_is_not_used_or_knows_the_keys_has_no_hint() {
        let mut known = FirstStart::wanted(true);
        known.knows_keys = true;
        for first in [FirstStart::default(), FirstStart::wanted(false), known] {
            let mut app = display(ViewName::Wall, (1920.0, 1080.0), first);
            assert_eq!(words(&app), "");
            wait(&mut app, 30.0);
            assert_eq!(app.world().resource::<FirstStart>().knows_keys, first.knows_keys);
        }
    }

    #[test]
    fn line_covers_no_text_of_a_view() {
        for (scene, view) in [
            ("waiting", ViewName::Stage),
            ("mid-run", ViewName::Stage),
            ("failed", ViewName::Stage),
            ("second-fix-pass", ViewName::Stage),
            ("waiting", ViewName::Wall),
            ("wall-12", ViewName::Wall),
            ("wall-40", ViewName::Wall),
            ("400-runs", ViewName::Wall),
        ] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenes");
            let recording = Recording::open(&path.join(format!("{scene}.ndjson"))).unwrap();
            let mut frames = TimedFrames::new(recording);
            let mut model = Model::new(Retention::default());
            let mut now = "2026-11-23T12:00:00Z".parse().unwrap();
            while let Some((batch, _)) = frames.next(now).unwrap() {
                now = batch.received_at;
                model.receive(batch, |_, _| {});
            }
            for size_px in [(1280.0, 720.0), (1920.0, 1080.0), (1080.0, 1920.0)] {
                let mut app = display(view, size_px, FirstStart::wanted(true));
                app.insert_resource(PlaybackClock::fixed(now));
                app.insert_resource(RunStore::of(model.clone()));
                for _ in 0..3 {
                    wait(&mut app, 1.0);
                }
                let canvas = app.world().resource::<Canvas>();
                let canvas_size = app.world().resource::<Viewport>().canvas_size();
                let rect = place(&super::words(), &canvas_size);
                assert!(rect.right() < Bridge::of(&canvas_size).tab(200.0).x, "{size_px:?}");
                for part in
                    ["stage", "wall", "tile", "wall more", "wall rows", "wall board", "bridge"]
                {
                    for (words, at) in canvas.words(part) {
                        let is_apart = at.right() <= rect.x
                            || at.x >= rect.right()
                            || at.bottom() <= rect.y
                            || at.y >= rect.bottom();
                        assert!(is_apart, "{scene} {size_px:?}: {words} {at:?} {rect:?}");
                    }
                }
            }
        }
    }
}
