use super::*;
use crate::app::overlays::hints_plugin;
use crate::app::state::viewport::Viewport;
use crate::app::test_display;
use crate::config::ViewName;
use crate::layout::{Bridge, CanvasSize};
use crate::protocol::{Batch, NodeName, RunId};
use bevy::input::ButtonState;
use bevy::input::keyboard::{Key, KeyboardInput};
use jiff::{SignedDuration, Timestamp};

/// Screens of the tests, in pixels.
const SCREENS: [(u32, u32); 3] = [(1280, 720), (1920, 1080), (1080, 1920)];

fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn event(run: &str, node: &str, phase: &str, second: i64, took_secs: i64) -> String {
    let node = match node {
        "" => String::new(),
        node => format!(r#""node_name":"{node}","#),
    };
    let at = noon() + SignedDuration::from_secs(second);
    let data = format!(r#"{{"song_title":"{run}","duration_ms":{}}}"#, took_secs * 1000);
    format!(r#"{{"ts":"{at}","run_id":"{run}",{node}"phase":"{phase}","data":{data}}}"#)
}

/// Events of a run that finished, and of one that is composing for 42 s at noon.
fn batch() -> Batch {
    let mut batch = Batch::new(noon(), true);
    let mut push = |run: &str, steps: &[(&str, i64, i64)]| {
        batch.push_text(&event(run, "", "start", steps[0].1, 0));
        for (node, from, to) in steps {
            batch.push_text(&event(run, node, "start", *from, 0));
            if *to < 0 {
                batch.push_text(&event(run, node, "end", *to, to - from));
            }
        }
        if let Some((_, _, end)) = steps.last().filter(|(_, _, end)| *end < 0) {
            batch.push_text(&event(run, "", "end", *end, 92));
        }
    };
    push("Before", &[("PLAN", -300, -290), ("STYLE", -290, -280), ("COMPOSE", -280, -208)]);
    push("Harbour", &[("PLAN", -90, -70), ("STYLE", -70, -42), ("COMPOSE", -42, 0)]);
    batch
}

/// A display of a view with a window of a size, in which the pointer can rest.
struct Desk {
    app: App,
}

impl Desk {
    fn new(view: ViewName, size: (u32, u32)) -> Self {
        Self::of(view, size, batch())
    }

    /// Display of what is told in a batch.
    fn of(view: ViewName, (width, height): (u32, u32), batch: Batch) -> Self {
        let mut app = test_display::display(view, noon());
        let size_px = Vec2::new(width as f32, height as f32);
        app.insert_resource(Viewport { size_px, ..default() }).add_plugins((plugin, hints_plugin));
        let mut window = Window::default();
        window.resolution.set_physical_resolution(width, height);
        app.world_mut().spawn((window, PrimaryWindow));
        app.world_mut().resource_mut::<RunStore>().receive(batch, |_, _| {});
        app.update();
        let mut desk = Self { app };
        desk.wait(60.0);
        desk
    }

    fn canvas(&self) -> &Canvas {
        self.app.world().resource::<Canvas>()
    }

    /// Moves the pointer to a point in design pixels, and draws a frame.
    fn move_to(&mut self, point: Vec2) {
        let canvas = self.canvas();
        let px = point * canvas.scale + canvas.origin + canvas.shift;
        self.set_pointer(Some(px));
        self.app.update();
    }

    fn set_pointer(&mut self, px: Option<Vec2>) {
        let mut windows = self.app.world_mut().query::<&mut Window>();
        let mut window = windows.single_mut(self.app.world_mut()).unwrap();
        window.set_physical_cursor_position(px.map(Vec2::as_dvec2));
    }

    /// Lets time pass, and draws a frame.
    fn wait(&mut self, secs: f64) {
        self.app.world_mut().resource_mut::<DrawClock>().secs += secs;
        self.app.update();
    }

    /// Lets the pointer rest at a point, until it has a hint.
    fn rest_at(&mut self, point: Vec2) {
        self.move_to(point);
        self.wait(0.51);
        self.app.update();
    }

    /// Words of the card: title and paragraphs.
    fn words(&self) -> Vec<String> {
        let shown = &self.app.world().resource::<ShownHint>().hint;
        let words = shown.as_ref().map(|hint| hint.words.clone()).unwrap_or_default();
        [words.title].into_iter().chain(words.lines).filter(|line| !line.is_empty()).collect()
    }

    /// Texts on the canvas that belong to the card.
    fn drawn(&self) -> String {
        let drawn = self.canvas().words("hint").into_iter().map(|(words, _)| words);
        drawn.collect::<Vec<_>>().join(" ")
    }

    fn meter(&self, place: usize) -> Vec2 {
        let rect = Bridge::of(&self.canvas_size()).meters[place];
        Vec2::new(rect.centre_x(), rect.centre_y())
    }

    fn canvas_size(&self) -> CanvasSize {
        self.app.world().resource::<Viewport>().canvas_size()
    }

    /// Middle of a step of the run on the stage or of the run's tile.
    fn step(&self, run: &str, step: &str) -> Vec2 {
        let areas = self.app.world().resource::<HintAreas>();
        let size = self.canvas_size();
        let (run, step) = (RunId::new(run), NodeName::from(step));
        for y in 0..(size.height as i32 / 6) {
            for x in 0..(size.width as i32 / 6) {
                let point = Vec2::new(x as f32, y as f32) * 6.0 + 3.0;
                if let Some((HintSubject::Step { run: found, step: name, .. }, rect)) =
                    areas.at(point)
                    && (&found, &name) == (&run, &step)
                {
                    return Vec2::new(rect.centre_x(), rect.centre_y());
                }
            }
        }
        panic!("{step} of {run:?} is not on the screen");
    }
}

#[test]
fn resting_pointer_gets_the_meaning_of_a_meter_inside_every_screen() {
    for size in SCREENS {
        for place in 0..4 {
            let mut desk = Desk::new(ViewName::Wall, size);
            let pointer = desk.meter(place);
            desk.move_to(pointer);
            desk.wait(0.4);
            assert_eq!(desk.drawn(), "", "it has not rested for long");
            desk.wait(0.11);
            desk.app.update();
            let title = [
                "Events a second",
                "Runs in progress",
                "Successful runs of the last hour",
                "Usual",
            ][place];
            assert!(desk.drawn().starts_with(title), "{size:?}: {}", desk.drawn());
            let card = desk.app.world().resource::<ShownHint>().card.unwrap();
            let screen = desk.canvas_size();
            assert!(card.x >= 0.0 && card.right() <= screen.width, "{size:?}: {card:?}");
            assert!(card.y >= 0.0 && card.bottom() <= screen.height, "{size:?}: {card:?}");
            assert!(!card.holds(pointer.x, pointer.y), "{size:?}: {card:?} covers the pointer");
            for (words, rect) in desk.canvas().words("hint") {
                let is_inside = rect.x >= card.x && rect.right() <= card.right();
                assert!(is_inside && rect.bottom() <= card.bottom(), "{words}: {rect:?} {card:?}");
            }
        }
    }
}

#[test]
fn step_on_the_stage_says_its_time_beside_the_usual_one() {
    let mut desk = Desk::new(ViewName::Stage, (1920, 1080));
    desk.rest_at(desk.step("Harbour", "COMPOSE"));
    assert_eq!(
        desk.words(),
        [
            "COMPOSE",
            "Running, now 0:42",
            "Usually 1:12, slowest 5 % over 1:12.",
            "Dial: full = slowest 5 %, tick = usual (median) time."
        ]
    );
    desk.rest_at(desk.step("Harbour", "STYLE"));
    assert_eq!(desk.words()[1..3], ["Done in 0:28", "Usually 0:10, slowest 5 % over 0:28."]);
    desk.rest_at(desk.step("Harbour", "FIX"));
    assert_eq!(desk.words()[0], "FIX");
}

#[test]
fn step_cell_on_the_wall_says_which_step_it_is() {
    for size in SCREENS {
        let mut desk = Desk::new(ViewName::Wall, size);
        desk.rest_at(desk.step("Harbour", "COMPOSE"));
        assert_eq!(desk.words()[..2], ["COMPOSE", "Running, now 0:42"], "{size:?}");
        assert!(desk.drawn().contains("Usually 1:12"), "{}", desk.drawn());
    }
}

#[test]
fn cell_of_the_board_says_which_run_it_is() {
    let mut batch = Batch::new(noon(), true);
    for number in 0..120 {
        let (run, step) = (format!("Song {number}"), ["PLAN", "STYLE", "LYRICS"][number % 3]);
        batch.push_text(&event(&run, "", "start", -60, 0));
        batch.push_text(&event(&run, step, "start", -50, 0));
    }
    let mut desk = Desk::of(ViewName::Wall, (1920, 1080), batch);
    let cells = desk.app.world().resource::<Pickable>().cells();
    assert!(cells.len() > 20, "{} cells", cells.len());
    let (run, rect) = cells[7].clone();
    desk.rest_at(Vec2::new(rect.centre_x(), rect.centre_y()));
    assert_eq!(desk.words()[0], run.as_str());
    assert!(desk.words()[1].starts_with("Running: "), "{:?}", desk.words());
    assert!(desk.words()[2].starts_with("elapsed 1:00"), "{:?}", desk.words());
}

#[test]
fn hint_goes_when_the_pointer_leaves_or_a_key_is_pressed() {
    let mut desk = Desk::new(ViewName::Wall, (1920, 1080));
    let meter = desk.meter(0);
    desk.rest_at(meter);
    assert!(!desk.drawn().is_empty());
    desk.move_to(meter + Vec2::new(20.0, 0.0));
    assert!(!desk.drawn().is_empty(), "the pointer is still on the meter");
    desk.move_to(Vec2::new(960.0, 870.0));
    assert_eq!(desk.drawn(), "");
    // Back on the meter, a key takes it away until the pointer moves.
    desk.rest_at(meter);
    let world = desk.app.world_mut();
    let window = world.query_filtered::<Entity, With<Window>>().single(world).unwrap();
    world.write_message(KeyboardInput {
        key_code: KeyCode::KeyT,
        logical_key: Key::Character("t".into()),
        state: ButtonState::Pressed,
        text: None,
        repeat: false,
        window,
    });
    desk.app.update();
    assert_eq!(desk.drawn(), "");
    desk.wait(2.0);
    assert_eq!(desk.drawn(), "", "the pointer has not moved");
    desk.set_pointer(None);
    desk.app.update();
    desk.rest_at(meter);
    assert!(!desk.drawn().is_empty());
    desk.set_pointer(None);
    desk.app.update();
    assert_eq!(desk.drawn(), "", "the pointer left the window");
}

/// On a wall nobody takes the pointer away, which lies in the middle of a bare X server's screen from the start on.
#[test]
fn pointer_that_nobody_moves_covers_nothing() {
    let mut desk = Desk::new(ViewName::Wall, (1920, 1080));
    let meter = desk.meter(0);
    desk.rest_at(meter);
    desk.wait(19.0);
    assert!(!desk.drawn().is_empty());
    desk.wait(1.1);
    assert_eq!(desk.drawn(), "", "after 20 s");
    desk.wait(60.0);
    assert_eq!(desk.drawn(), "");
    desk.rest_at(meter + Vec2::new(20.0, 0.0));
    assert!(!desk.drawn().is_empty(), "it was moved");

    let mut rest = Rest { began_at: Some(100.0), ..Rest::default() };
    rest.note(meter, 100.4);
    assert!(rest.is_answered, "it was there from the start");
    rest.note(meter + 1.0, 109.0);
    assert!(rest.is_answered);
    rest.note(meter + 40.0, 110.0);
    assert!(!rest.is_answered, "somebody moves it");
}

#[test]
fn nothing_is_drawn_while_the_pointer_rests_or_is_absent() {
    let mut desk = Desk::new(ViewName::Wall, (1920, 1080));
    let generation = desk.canvas().generation();
    desk.wait(3.0);
    assert_eq!(desk.canvas().generation(), generation, "without a pointer");
    // A place without a meaning.
    desk.rest_at(Vec2::new(960.0, 890.0));
    desk.wait(3.0);
    assert_eq!(desk.canvas().generation(), generation, "over nothing");
    let meter = desk.meter(1);
    desk.rest_at(meter);
    let shown = desk.canvas().generation();
    assert_eq!(shown, generation + 1, "one card");
    desk.wait(3.0);
    assert_eq!(desk.canvas().generation(), shown, "while it rests");
}

#[test]
fn unattended_display_has_no_hints() {
    let mut desk = Desk::new(ViewName::Wall, (1920, 1080));
    desk.app.insert_resource(Unattended::new(true));
    let meter = desk.meter(0);
    desk.rest_at(meter);
    desk.wait(2.0);
    assert_eq!(desk.drawn(), "");
}
