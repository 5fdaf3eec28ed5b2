//! Tests of the lane for toasts: nothing else stands in it, at any size, and no texts of the header overlap.

use bevy::prelude::*;
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

use crate::app::draw::{Canvas, DrawClock};
use crate::app::overlays::notices::{self, News, Notice, Notices, ToastAreas};
use crate::app::plugins::MeterbridgePlugin;
use crate::app::state::clock::PlaybackClock;
use crate::app::state::focus::Focus;
use crate::app::state::link::Link;
use crate::app::state::next_frame::NextFrame;
use crate::app::state::run_store::RunStore;
use crate::app::state::viewport::{self, Viewport};
use crate::app::theme;
use crate::app::views;
use crate::app::views::counts::RunCounts;
use crate::app::views::wall::header::{self, HeaderView};
use crate::config::{Settings, ViewName};
use crate::layout::{CanvasSize, Rect, lay_out_history, stage_lane, wall_header};
use crate::model::{Model, Retention};
use crate::protocol::Batch;
use crate::source::{ConnectionState, Polling, PollingReason, RunOperation, SourceSpec, Updates};

const SIZES: [(f32, f32); 12] = [
    (1.0, 1.0),
    (320.0, 240.0),
    (1280.0, 720.0),
    (1024.0, 768.0),
    (1280.0, 1024.0),
    (1200.0, 1200.0),
    (1600.0, 1999.0),
    (1080.0, 1920.0),
    (1920.0, 1080.0),
    (2560.0, 1080.0),
    (3840.0, 2160.0),
    (7680.0, 1080.0),
];
const NOW: f64 = 100.0;

fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

/// Connections with a band of each kind, and one without.
fn connections() -> Vec<ConnectionState> {
    let url = || "http://studio:8000".to_owned();
    let connected = |updates| ConnectionState::Connected { url: url(), since: noon(), updates };
    vec![
        connected(Updates::Live),
        connected(Updates::Polling(Polling { every_secs: 2, reason: PollingReason::NoSockets })),
        connected(Updates::Unanswered { since: noon() }),
        connected(Updates::Cut { since: noon(), reason: "refused: nothing listens".repeat(5) }),
        ConnectionState::Reconnecting {
            url: url(),
            attempt: 2,
            max_attempts: 5,
            next_attempt_at: Some(noon() + SignedDuration::from_secs(3)),
            reason: String::new(),
        },
        ConnectionState::Failed { url: url(), reason: "it was refused".into(), is_probed: true },
    ]
}

/// App without a window: one run with a long name, a connection, and a toast.
fn showing(view: ViewName, state: &ConnectionState, size_px: (f32, f32), title: &str) -> App {
    let mut settings = Settings::default();
    settings.view.view = view;
    let mut model = Model::new(Retention::default());
    let mut batch = Batch::new(noon(), true);
    batch.push_text(&format!(
        r#"{{"ts":"{}","run_id":"nightly-build-linux-0001","phase":"start","data":{{
            "song_title":"{title}","global_seed":9223372036854775807}}}}"#,
        noon()
    ));
    model.receive(batch, |_, _| {});
    let mut app = App::new();
    app.add_plugins((
        MinimalPlugins,
        MeterbridgePlugin { settings: settings.clone(), source: None },
    ))
    .init_resource::<Canvas>()
    .init_resource::<NextFrame>()
    .insert_resource(DrawClock { secs: NOW, follow_real_time: false })
    .add_plugins((theme::plugin, viewport::plugin, views::plugin, notices::draw_plugin))
    .insert_resource(PlaybackClock::fixed(noon()))
    .insert_resource(Viewport { size_px: size_px.into(), ..default() })
    .insert_resource(RunStore::of(model));
    app.world_mut().resource_mut::<Focus>().pin("nightly-build-linux-0001".into());
    let source = SourceSpec::WebSocket("ws://studio/events".into());
    let mut link = Link::new(&settings, Some(source));
    link.state = state.clone();
    app.insert_resource(link);
    app.update();
    // An answer, which also the wall shows.
    let operation = RunOperation::Retry("r".into());
    let news = News::Refused { operation, words: "Run 1 is not in failed status. ".repeat(4) };
    let notice = Notice { at: noon(), run: Some("r".into()), title: title.to_owned(), news };
    app.world_mut().resource_mut::<Notices>().toasts.add_notice(notice, NOW - 1.0);
    app.update();
    app
}

fn overlap(a: &Rect, b: &Rect) -> bool {
    let apart = 0.5;
    a.x + apart < b.right()
        && b.x + apart < a.right()
        && a.y + apart < b.bottom()
        && b.y + apart < a.bottom()
}

/// Pairs of texts that overlap, and texts that leave the canvas.
fn collisions(words: &[(String, Rect)], canvas_size: CanvasSize) -> Vec<String> {
    let mut found = Vec::new();
    for (at, (a, place)) in words.iter().enumerate() {
        for (b, other) in &words[at + 1..] {
            if overlap(place, other) {
                found.push(format!("{a:?} overlaps {b:?}"));
            }
        }
        if place.x < 0.0 || place.right() > canvas_size.width {
            found.push(format!("{a:?} leaves the canvas: {place:?}"));
        }
    }
    found
}

fn random_counts(random: &mut Rng) -> RunCounts {
    let mut number = || {
        let most = [1, 2, 20, 400, 10_000, 1_000_000][random.usize(0..6)];
        random.usize(0..most)
    };
    let [active, silent, queued, completed, failed, cancelled] = std::array::from_fn(|_| number());
    let watched_min = random.bool().then(|| random.u32(1..60));
    RunCounts {
        active,
        silent,
        queued,
        completed,
        failed,
        cancelled,
        watched_min,
        is_replay: false,
    }
}

#[test]
fn header_band_and_toast_never_overlap_at_any_size() {
    let mut random = Rng::with_seed(15);
    let titles =
        ["Undertow", "Everything We Left on the Platform at Night", "夜の灯台", "مطر النيون"];
    for size in SIZES {
        for state in connections() {
            for view in [
                ViewName::Wall,
                ViewName::Stage,
                ViewName::Timeline,
                ViewName::Race,
                ViewName::History,
            ] {
                let title = titles[random.usize(0..titles.len())];
                let mut app = showing(view, &state, size, title);
                let canvas_size = app.world().resource::<Viewport>().canvas_size();
                let free = app.world().resource::<crate::app::state::free_space::FreeSpace>().lane;
                let lane = match view {
                    ViewName::Wall | ViewName::Timeline => wall_header(&canvas_size).lane,
                    ViewName::Stage | ViewName::Race => stage_lane(&canvas_size).0,
                    ViewName::History => lay_out_history(&canvas_size).lane,
                    ViewName::Desk => unreachable!("the desk draws nothing on the canvas"),
                };
                assert!(free.w >= 240.0 && free.right() <= lane.right() + 0.1, "{size:?} {free:?}");
                let world = app.world_mut();
                if view == ViewName::Wall {
                    let counts = random_counts(&mut random);
                    let part = world.resource_mut::<Canvas>().into_inner().redraw("wall");
                    header::draw(part, &HeaderView::of(&counts), &canvas_size);
                }
                let canvas = app.world().resource::<Canvas>();
                let mut words = canvas.words("frame");
                match view {
                    ViewName::Wall => words.extend(canvas.words("wall")),
                    ViewName::Timeline | ViewName::Race => words.extend(canvas.words("timeline")),
                    ViewName::History => words.extend(canvas.words("history")),
                    ViewName::Desk => {}
                    ViewName::Stage => {
                        let stage = canvas.words("stage").into_iter();
                        words.extend(stage.filter(|(_, place)| place.y < 300.0));
                    }
                }
                let what = format!("{size:?} {view:?} {state:?}");
                let found = collisions(&words, canvas_size);
                assert!(found.is_empty(), "{what}: {found:#?}");
                let covered: Vec<_> =
                    words.iter().filter(|(_, place)| overlap(place, &free)).collect();
                assert!(covered.is_empty(), "{what}: {covered:?} in the lane {free:?}");
                let (_, toast) = app.world().resource::<ToastAreas>().shown().unwrap();
                assert!(toast.x == free.x && toast.right() <= free.right() + 0.1, "{what}");
                assert!((toast.y, toast.h) == (free.y, free.h), "{what}: {toast:?}");
            }
        }
    }
}

/// The portrait header also fits a canvas of 1080 design pixels.
#[test]
fn counts_fit_every_header() {
    let mut random = Rng::with_seed(16);
    let narrow = CanvasSize { width: 1080.0, height: 1920.0, scale: 1.0 };
    let sizes = SIZES.map(|(width, height)| CanvasSize::of_pixels(width, height));
    for canvas_size in sizes.into_iter().chain([narrow]) {
        for _ in 0..60 {
            let view = HeaderView::of(&random_counts(&mut random));
            let mut canvas = Canvas::default();
            header::draw(canvas.redraw("wall"), &view, &canvas_size);
            let words = canvas.words("wall");
            let found = collisions(&words, canvas_size);
            assert!(found.is_empty(), "{canvas_size:?}: {found:#?}");
            for count in view.counts() {
                let shown = words.iter().any(|(words, _)| words.contains(&count.number));
                assert!(shown, "{canvas_size:?}: {count:?} is missing");
            }
            let lane = wall_header(&canvas_size).lane;
            let covered = words.iter().find(|(_, place)| overlap(place, &lane));
            assert_eq!(covered, None, "{canvas_size:?}");
        }
    }
}
