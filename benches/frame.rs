//! Processor time of a frame, without the renderer's drawing: a wall of 10,000 runs of 9 nodes, the same
//! 90,000 nodes as one sprite each, the timing board of 60 runs beside the tiles of 12, the open desk with 10,000
//! runs and 100,000 rows of the log; and the time of a jump to a moment of the past, the wall included.
//!
//! ```text
//! cargo bench --bench frame                 all cases
//! cargo bench --bench frame -- sprites      those with this in their name
//! cargo bench --bench frame -- past         the jumps alone
//! cargo bench --bench frame -- desk --runs=100 --frames=30 --events=1000
//!                                           a trial with small numbers
//! ```

#![expect(
    clippy::expect_used,
    reason = "a bench that cannot read its own input has nothing to measure"
)]

use std::time::{Duration, Instant};

use bevy::log::LogPlugin;
use bevy::prelude::*;
use bevy::render::RenderApp;
use bevy::render::renderer::RenderDevice;
use bevy_egui::{EguiContext, PrimaryEguiContext};
use jiff::{SignedDuration, Timestamp};
use meterbridge::app::draw::{aim_cameras, make_ready, offscreen_plugins};
use meterbridge::app::state::actions::{Action, Transport};
use meterbridge::app::state::entities::RunIndex;
use meterbridge::app::state::run_store::{self, Announcements, RunStore};
use meterbridge::app::state::viewport::Viewport;
use meterbridge::app::{AppSystems, ControlsPlugin, MeterbridgePlugin, ViewPlugin};
use meterbridge::config::{Settings, ViewName};
use meterbridge::protocol::{Batch, PIPELINE};

use self::phases::{FrameTimes, Phase, Stopwatch, measure};
use self::recorded::Busy;

mod phases;
mod recorded;

/// The program's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Small, so that drawing hardly counts.
const SIZE: UVec2 = UVec2::new(320, 180);
const RUNS: usize = 10_000;
const NODES: usize = RUNS * PIPELINE.len();
/// Nodes that change per frame: one in a hundred.
const CHANGING: usize = NODES / 100;
/// Events of a run before the measurement: the runs are then at various nodes, and some are over.
const EVENTS_BEFORE: usize = 30;
/// Frames before the measurement, until pipelines, atlases and buffers exist.
const FRAMES_BEFORE: usize = 90;
const FRAMES: usize = 900;
/// Window of the desk, its rows of the log, and events of a frame: 1,000 a second.
const DESK: UVec2 = UVec2::new(1920, 1080);
const DESK_ROWS: usize = 100_000;
const DESK_EVENTS: usize = 17;
/// Jumps into the past, the events there, those of a batch, and the runs at once.
const JUMPS: usize = 300;
const JUMPS_EVENTS: usize = 1_000_000;
const JUMPS_BATCH: usize = 1_000;
const JUMPS_RUNS: usize = 500;
/// Frame interval, as on a screen, so that work done once per second occurs as often as in reality.
const FRAME: Duration = Duration::from_nanos(16_666_667);

fn main() {
    // cargo passes `--bench` on; arguments that are no flags name cases.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let cases: [(&str, Make); 13] = [
        ("the engine alone", engine_alone),
        ("wall, 900 nodes changing", || wall(RUNS, CHANGING)),
        ("wall, 100 nodes changing", || wall(RUNS, RUNS / 100)),
        ("wall, nothing changing", || wall(RUNS, 0)),
        ("60 rows, a node changing", || wall(60, 1)),
        ("60 rows, nothing changing", || wall(60, 0)),
        ("12 tiles, a node changing", || wall(12, 1)),
        ("12 tiles, nothing changing", || wall(12, 0)),
        ("desk, 1,000 events/s", || desk(DESK_EVENTS, false)),
        ("desk, nothing arrives", || desk(0, false)),
        ("desk compares, 1,000 events/s", || desk(DESK_EVENTS, true)),
        ("sprites, 900 changing", || sprites(CHANGING)),
        ("sprites, nothing changing", || sprites(0)),
    ];
    if wanted.is_empty() || wanted.iter().any(|part| part == "past") {
        jumps();
    }
    println!("runs of {} nodes, {} frames each; ms, median / p99", PIPELINE.len(), frames());
    print!("{:<30}", "");
    Phase::ALL.iter().for_each(|phase| print!("{:>17}", phase.name()));
    println!("{:>17}{:>10}", "all", "mean");
    for (name, case) in cases {
        if wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str())) {
            report(name, case().run());
        }
    }
}

/// Returns a number given as `--name=number`.
fn option(name: &str, default: usize) -> usize {
    let given = std::env::args().find_map(|argument| {
        argument.strip_prefix("--")?.strip_prefix(name)?.strip_prefix('=')?.parse().ok()
    });
    given.unwrap_or(default)
}

/// Frames that are measured.
fn frames() -> usize {
    option("frames", FRAMES)
}

fn report(name: &str, frames: Vec<FrameTimes>) {
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let column = |mut times: Vec<Duration>| {
        times.sort_unstable();
        let at = |part: f64| ms(times[((times.len() - 1) as f64 * part).round() as usize]);
        format!("{:>8.3} / {:>6.3}", at(0.5), at(0.99))
    };
    print!("{name:<30}");
    for phase in Phase::ALL {
        print!("{}", column(frames.iter().map(|frame| frame[phase as usize]).collect()));
    }
    let whole: Vec<Duration> = frames.iter().map(|frame| frame.iter().sum()).collect();
    let mean = ms(whole.iter().sum()) / whole.len() as f64;
    println!("{}{mean:>10.3}", column(whole));
}

/// Constructor of a case.
type Make = fn() -> Case;

/// An app whose frames are measured.
struct Case {
    app: App,
    watch: Stopwatch,
    /// Called before each frame, unmeasured.
    feed: Box<dyn FnMut(&mut App)>,
}

impl Case {
    /// Makes an app ready and points its cameras at a picture.
    fn new(app: App) -> Self {
        Self::of_size(app, SIZE)
    }

    /// Does the same with a picture of this size.
    fn of_size(mut app: App, size: UVec2) -> Self {
        make_ready(&mut app);
        aim_cameras(&mut app, size).expect("an app that can draw");
        let watch = measure(&mut app);
        Self { app, watch, feed: Box::new(|_| ()) }
    }

    fn run(mut self) -> Vec<FrameTimes> {
        let mut next = Instant::now();
        let count = frames();
        let mut frames = Vec::with_capacity(count);
        for number in 0..FRAMES_BEFORE + count {
            (self.feed)(&mut self.app);
            self.app.update();
            self.wait_until_drawn();
            let times = self.watch.take();
            if number >= FRAMES_BEFORE {
                frames.push(times);
            }
            next = (next + FRAME).max(Instant::now());
            std::thread::sleep(next - Instant::now());
        }
        frames
    }

    /// Waits for the renderer, which draws on the same processor and must not disturb the next
    /// measurement.
    fn wait_until_drawn(&self) {
        let render = self.app.get_sub_app(RenderApp).expect("an app that draws");
        let device = render.world().resource::<RenderDevice>();
        device.poll(wgpu::PollType::wait_indefinitely()).expect("a device that draws");
    }
}

/// Creates the engine as the application uses it, without a window.
fn engine() -> App {
    let plugins = offscreen_plugins().expect("something to draw with");
    let mut app = App::new();
    app.add_plugins(plugins.set(LogPlugin { filter: "error".to_owned(), ..default() }));
    app
}

/// Measures the fixed cost of a frame.
fn engine_alone() -> Case {
    let mut app = engine();
    app.world_mut().spawn((Camera2d, Msaa::Off));
    Case::new(app)
}

/// Decoded events since the last frame. A real source decodes on its own thread.
#[derive(Resource, Default)]
struct Arrived(Option<Batch>);

/// Builds the whole application with these settings, in a window of this size in pixels.
fn display(settings: Settings, size: UVec2) -> App {
    let mut app = engine();
    app.add_plugins((MeterbridgePlugin { settings, source: None }, ViewPlugin, ControlsPlugin))
        .insert_resource(Viewport { size_px: size.as_vec2(), ..default() })
        .init_resource::<Arrived>()
        .add_systems(PreUpdate, take_in.in_set(AppSystems::Ingest));
    meterbridge::app::spawn_cameras(app.world_mut().commands());
    app.world_mut().flush();
    app
}

/// Builds the whole application as a wall of `runs` runs at once, with `changing` events per frame, each of
/// another run.
fn wall(runs: usize, changing: usize) -> Case {
    let mut settings = Settings::default();
    settings.view.view = ViewName::Wall;
    let mut app = display(settings, SIZE);
    let world = app.world_mut();

    let mut backend = Backend { frames: Busy::new(runs), sent: 0 };
    let mut run_store = world.resource_mut::<RunStore>();
    for _ in 0..EVENTS_BEFORE * runs / CHANGING.min(runs) {
        run_store.model.receive(backend.say(CHANGING.min(runs)), |_, _| {});
    }
    run_store.generation += 1;
    world.resource_mut::<RunIndex>().rebuild();

    let mut case = Case::new(app);
    case.feed = Box::new(move |app| {
        let batch = (changing > 0).then(|| backend.say(changing));
        app.insert_resource(Arrived(batch));
    });
    case
}

/// Builds the whole application with the desk open: a run is selected, its details and its events are shown. So many
/// events arrive in each frame.
fn desk(arriving: usize, compares: bool) -> Case {
    let (runs, rows) = (option("runs", RUNS), option("events", DESK_ROWS));
    let mut settings = Settings::default();
    settings.view.view = ViewName::Desk;
    settings.retention.log_events = rows;
    let mut app = display(settings, DESK);
    let world = app.world_mut();

    let mut backend = Backend { frames: Busy::new(runs), sent: 0 };
    for _ in 0..(EVENTS_BEFORE * runs).max(rows).div_ceil(CHANGING) {
        world.insert_resource(Arrived(Some(backend.say(CHANGING))));
        world.run_system_cached(take_in).expect("resources of the model");
    }
    let run_store = world.resource::<RunStore>();
    let selected = run_store.model.runs().max_by_key(|run| run.events());
    let selected = selected.map(|run| run.id().clone());
    world.resource_mut::<RunIndex>().rebuild();

    let mut case = Case::of_size(app, DESK);
    if let Some(run) = selected {
        case.app.world_mut().write_message(Action::SelectRun(run));
    }
    if compares {
        case.app.world_mut().write_message(Action::Race);
    }
    // The desk has its size from the second frame on, and fonts from the third.
    for _ in 0..4 {
        case.app.update();
        case.wait_until_drawn();
    }
    let times = case.watch.take();
    assert!(times[Phase::Egui as usize] > Duration::ZERO, "the desk is drawn in egui's pass");
    let world = case.app.world_mut();
    let mut contexts = world.query_filtered::<&mut EguiContext, With<PrimaryEguiContext>>();
    let width = contexts.single_mut(world).expect("a context").get_mut().viewport_rect().width();
    assert_eq!(width, DESK.x as f32, "the desk fills the window");
    let log = world.resource::<RunStore>().model.log().entries().len();
    println!("desk of {} runs, {log} rows", world.resource::<RunStore>().model.len());
    case.feed = Box::new(move |app| {
        let batch = (arriving > 0).then(|| backend.say(arriving));
        app.insert_resource(Arrived(batch));
    });
    case
}

/// Measures jumps to random moments among a million events: from the action until the wall of that moment
/// is drawn, with all work of a frame.
fn jumps() {
    let mut case = wall(JUMPS_RUNS, 0);
    case.feed = Box::new(|_| ());
    let mut backend = Backend { frames: Busy::new(JUMPS_RUNS), sent: 1 << 32 };
    let batches = JUMPS_EVENTS / JUMPS_BATCH;
    // Each run has an event a second.
    let between = SignedDuration::from_millis((1000 * JUMPS_BATCH / JUMPS_RUNS) as i64);
    let end = Timestamp::now();
    let mut at = end - between * batches as i32;
    for _ in 0..batches {
        at += between;
        let batch = backend.say_at(JUMPS_BATCH, at);
        case.app.insert_resource(Arrived(Some(batch)));
        case.app.update();
    }
    case.wait_until_drawn();
    let reach = case.app.world().resource::<RunStore>().past().reach();
    let since = reach.since.expect("a past that is kept");
    let mut random = fastrand::Rng::with_seed(1);
    let kept = end.duration_since(since).as_millis() as i64;
    case.watch.take();
    let mut frames = Vec::with_capacity(JUMPS);
    let mut rendering = Vec::with_capacity(JUMPS);
    let mut times: Vec<Duration> = (0..JUMPS)
        .map(|_| {
            let at = since + SignedDuration::from_millis(random.i64(0..=kept));
            let began = Instant::now();
            case.app.world_mut().write_message(Action::Time(Transport::Show(at)));
            case.app.update();
            let updated = Instant::now();
            case.wait_until_drawn();
            assert!(case.app.world().resource::<RunStore>().is_rewound());
            rendering.push(updated.elapsed());
            frames.push(case.watch.take());
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    let ms = |place: usize| times[place.min(JUMPS - 1)].as_secs_f64() * 1e3;
    println!(
        "{JUMPS} jumps among {JUMPS_EVENTS} events of {JUMPS_RUNS} runs at once, {} s of them kept: \
         p50 {:.0} ms, p99 {:.0} ms, most {:.0} ms",
        kept / 1000,
        ms(JUMPS / 2),
        ms(JUMPS * 99 / 100),
        ms(JUMPS),
    );
    rendering.sort_unstable();
    let median = rendering[JUMPS / 2].as_secs_f64() * 1e3;
    println!("of it the renderer after the frame: p50 {median:.0} ms; the frame's own work:");
    print!("{:<30}", "");
    Phase::ALL.iter().for_each(|phase| print!("{:>17}", phase.name()));
    println!("{:>17}{:>10}", "all", "mean");
    report("a jump", frames);
}

fn take_in(mut arrived: ResMut<Arrived>, mut run_store: ResMut<RunStore>, mut told: Announcements) {
    if let Some(batch) = arrived.0.take() {
        run_store::receive(&mut run_store, batch, &mut told);
    }
}

/// Simulated backend, which creates the next events.
struct Backend {
    frames: Busy,
    sent: u64,
}

impl Backend {
    fn say(&mut self, events: usize) -> Batch {
        self.say_at(events, Timestamp::now())
    }

    fn say_at(&mut self, events: usize, now: Timestamp) -> Batch {
        let mut batch = Batch::new(now, true);
        for mut frame in self.frames.by_ref().take(events) {
            self.sent += 1;
            frame.renew(0, self.sent, now);
            batch.push_text(&frame.text);
        }
        batch
    }
}

/// Index of the next sprite that changes its colour.
#[derive(Resource, Default)]
struct NextSprite(usize);

/// Builds one sprite per node, as a user of the engine would.
fn sprites(changing: usize) -> Case {
    let mut app = engine();
    let world = app.world_mut();
    world.spawn((Camera2d, Msaa::Off));
    let columns = 400;
    let pitch = SIZE.as_vec2() / Vec2::new(columns as f32, (NODES / columns) as f32);
    let cells: Vec<Entity> = (0..NODES)
        .map(|cell| {
            let at = Vec2::new((cell % columns) as f32, (cell / columns) as f32) + 0.5;
            let at = (at * pitch - SIZE.as_vec2() * 0.5).extend(0.0);
            let sprite = Sprite::from_color(Color::WHITE, pitch * 0.8);
            world.spawn((sprite, Transform::from_translation(at))).id()
        })
        .collect();
    app.init_resource::<NextSprite>().add_systems(
        Update,
        move |mut next_sprite: ResMut<NextSprite>, mut sprites: Query<&mut Sprite>| {
            for _ in 0..changing {
                // A prime step, so that neighbours do not change together.
                next_sprite.0 = (next_sprite.0 + 7_919) % NODES;
                if let Ok(mut sprite) = sprites.get_mut(cells[next_sprite.0]) {
                    let is_white = sprite.color == Color::WHITE;
                    sprite.color = if is_white { Color::BLACK } else { Color::WHITE };
                }
            }
        },
    );
    Case::new(app)
}
