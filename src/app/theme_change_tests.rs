//! Tests that a change of theme redraws every part of every view once.

use std::path::Path;

use bevy::prelude::*;

use crate::app::draw::{Canvas, DrawClock};
use crate::app::state::actions::Action;
use crate::app::state::focus;
use crate::app::state::run_store::RunStore;
use crate::app::test_display::display;
use crate::app::theme::Theme;
use crate::config::ViewName;
use crate::model::{Model, Retention};
use crate::source::playback::TimedFrames;
use crate::source::recording::Recording;

#[derive(Resource, Default)]
struct Drew(bool);

fn record_drawing(canvas: Res<Canvas>, mut drew: ResMut<Drew>) {
    drew.0 = canvas.is_changed();
}

/// App without a window that shows a view of a recording at its end.
fn showing(scene: &str, view: ViewName) -> App {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenes");
    let recording = Recording::open(&path.join(format!("{scene}.ndjson"))).unwrap();
    let (mut frames, mut model) = (TimedFrames::new(recording), Model::new(Retention::default()));
    let mut now = "2026-11-23T12:00:00Z".parse().unwrap();
    while let Some((batch, _)) = frames.next(now).unwrap() {
        now = batch.received_at;
        model.receive(batch, |_, _| {});
    }
    let newest = model.runs().next().map(|run| run.id().clone());
    let mut app = display(view, now);
    app.init_resource::<Drew>()
        .add_systems(PostUpdate, record_drawing)
        .insert_resource(RunStore::of(model));
    if let Some(run) = newest {
        app.world_mut().resource_mut::<focus::Focus>().pin(run);
    }
    for _ in 0..3 {
        frame_later(&mut app);
    }
    app
}

/// Draws a frame ten seconds later, when all motion has ended; returns whether the canvas changed.
fn frame_later(app: &mut App) -> bool {
    app.world_mut().resource_mut::<DrawClock>().secs += 10.0;
    app.update();
    app.world().resource::<Drew>().0
}

#[test]
fn next_theme_redraws_every_part_of_every_view_once() {
    for (scene, view) in [
        ("wall-12", ViewName::Wall),
        ("wall-40", ViewName::Wall),
        ("400-runs", ViewName::Wall),
        ("wall-failures", ViewName::Wall),
        ("waiting", ViewName::Wall),
        ("failed", ViewName::Stage),
        ("waiting", ViewName::Stage),
        ("wall-12", ViewName::Timeline),
        ("failed", ViewName::Race),
        ("waiting", ViewName::Timeline),
        ("wall-12", ViewName::History),
        ("waiting", ViewName::History),
    ] {
        let mut app = showing(scene, view);
        assert!(!frame_later(&mut app), "{scene}: it rests");
        for theme in [Theme::Light, Theme::HighContrast, Theme::Dark] {
            app.world_mut().write_message(Action::NextTheme);
            assert!(frame_later(&mut app), "{scene} in {theme:?}");
            let canvas = app.world().resource::<Canvas>();
            assert_eq!(canvas.theme, theme);
            let left: Vec<_> = canvas.drawn_otherwise().collect();
            assert!(left.is_empty(), "{scene} in {theme:?}: {left:?}");
            frame_later(&mut app);
            assert!(!frame_later(&mut app), "{scene}: it rests again");
        }
    }
}
