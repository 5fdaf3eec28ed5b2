//! Drawn dialogs and toasts: which pixels they change. Drawn in this process, because no snapshot
//! contains them.

use bevy::log::LogPlugin;
use bevy::prelude::*;
use meterbridge::app::draw::{
    DrawClock, aim_cameras, make_ready, offscreen_plugins, render_to_png,
};
use meterbridge::app::overlays::notices::{News, Notice, Notices, ToastAreas};
use meterbridge::app::state::actions::Action;
use meterbridge::app::state::actions::OperationKind;
use meterbridge::app::state::chrome::Chrome;
use meterbridge::app::state::clock::PlaybackClock;
use meterbridge::app::state::link::Link;
use meterbridge::app::state::viewport::Viewport;
use meterbridge::app::{ControlsPlugin, MeterbridgePlugin, ViewPlugin};
use meterbridge::config::{Settings, ThemeName, ViewName};
use meterbridge::source::{ConnectionState, RunOperation, SourceSpec, Updates};

use super::picture::{Picture, scratch};
use super::support::{noon, perform, play_scene};

const NOW: f64 = 100.0;
const SIZE: UVec2 = UVec2::new(960, 540);

/// Builds an app that draws a scene with all overlays.
fn drawn(theme: ThemeName, view: ViewName, scene: &str) -> App {
    let mut settings = Settings { allow_actions: true, ..Settings::default() };
    settings.view.view = view;
    settings.view.theme = theme;
    let mut app = App::new();
    app.add_plugins(offscreen_plugins().unwrap().disable::<LogPlugin>());
    app.add_plugins((MeterbridgePlugin { settings, source: None }, ViewPlugin, ControlsPlugin));
    app.insert_resource(PlaybackClock::fixed(noon()))
        .insert_resource(Chrome::default())
        .insert_resource(DrawClock { secs: NOW, follow_real_time: false })
        .insert_resource(Viewport { size_px: SIZE.as_vec2(), ..default() });
    make_ready(&mut app);
    let world = app.world_mut();
    meterbridge::app::spawn_cameras(world.commands());
    world.flush();
    aim_cameras(&mut app, SIZE).unwrap();
    play_scene(&mut app, scene);
    let mut notices = app.world_mut().resource_mut::<Notices>();
    *notices = Notices::new(false);
    let mut link = app.world_mut().resource_mut::<Link>();
    let url = "http://127.0.0.1:8000".to_owned();
    link.source = Some(SourceSpec::Api(url.as_str().into()));
    link.url = url.clone();
    link.state = ConnectionState::Connected { url, since: noon(), updates: Updates::Live };
    app.update();
    app
}

fn tell(app: &mut App, title: &str, news: News) {
    let notice = Notice { at: noon(), run: Some("r".into()), title: title.to_owned(), news };
    let mut notices = app.world_mut().resource_mut::<Notices>();
    notices.toasts.add_notice(notice, NOW - 1.0);
}

/// Adds an answer, which stands in the lane since a second, and news of runs that wait.
fn tell_of_many(app: &mut App) {
    let words = "Run 1f0c9b9e-1 is not in failed status".to_owned();
    tell(app, "Night Train", News::Refused { operation: RunOperation::Retry("r".into()), words });
    let failed = |node: &str, reason: &str| News::Failed {
        node: Some(node.into()),
        reason: reason.to_owned(),
    };
    tell(app, "Neon Rain", News::Completed { took_ms: Some(125_000), score: Some(0.91) });
    tell(app, "Blue Hour", failed("RENDER", "Provider quota exceeded: 429 Too Many Requests"));
    tell(app, "Low Tide", failed("STYLE", "no such genre"));
}

/// Returns the bounding rectangle of the pixels that differ between two pictures.
fn changed(a: &Picture, b: &Picture) -> Option<Rect> {
    let mut area: Option<Rect> = None;
    for y in 0..a.height {
        for x in 0..a.width {
            if a.at(x, y) != b.at(x, y) {
                let point = Vec2::new(x as f32, y as f32);
                let pixel = Rect::from_corners(point, point + 1.0);
                area = Some(area.map_or(pixel, |area| area.union(pixel)));
            }
        }
    }
    area
}

fn picture(app: &mut App, name: &str) -> Picture {
    for _ in 0..3 {
        app.update();
    }
    let path = scratch(&format!("acts-{name}.png"));
    render_to_png(app, SIZE, &path).unwrap();
    Picture::read(&path)
}

/// The dialog leaves the brightness of everything behind it unchanged, and none of its text is cut off.
#[test]
fn question_changes_only_its_own_area() {
    for theme in [ThemeName::Dark, ThemeName::Light] {
        let mut app = drawn(theme, ViewName::Stage, "mid-run");
        let before = picture(&mut app, "before");
        perform(&mut app, Action::Ask(OperationKind::Cancel, None));
        let asked = picture(&mut app, "question");
        let area = changed(&before, &asked).unwrap();
        // 540 points and margins, in the middle, and a shadow.
        let size = SIZE.as_vec2();
        assert!((area.center() - size / 2.0).abs().max_element() < 24.0, "{area:?}");
        assert!((560.0..680.0).contains(&area.width()), "{area:?}");
        assert!((180.0..300.0).contains(&area.height()), "{area:?}");
        perform(&mut app, Action::Answer(None));
        assert_eq!(changed(&before, &picture(&mut app, "left")), None, "it leaves nothing");
    }
}

/// One toast is shown, in the lane; the picture is as before once it is gone.
#[test]
fn toast_changes_only_its_lane() {
    for (view, scene) in [(ViewName::Stage, "failed"), (ViewName::Wall, "wall-failures")] {
        let mut app = drawn(ThemeName::Dark, view, scene);
        let before = picture(&mut app, "before");
        tell_of_many(&mut app);
        let told = picture(&mut app, &format!("toasts-{scene}"));
        let (_, place) = app.world().resource::<ToastAreas>().shown().unwrap();
        let area = changed(&before, &told).unwrap();
        let scale = SIZE.x as f32 / 1920.0;
        let corner = Vec2::new(place.x, place.y) * scale;
        let toast = Rect::from_corners(corner, corner + Vec2::new(place.w, place.h) * scale);
        assert!(area.contains(toast.inflate(-2.0).min) && area.contains(toast.inflate(-2.0).max));
        assert!(toast.inflate(1.5).contains(area.min) && toast.inflate(1.5).contains(area.max));

        let clock = app.world().resource::<DrawClock>().secs;
        // Fading, and gone with those that waited.
        app.world_mut().resource_mut::<DrawClock>().secs = clock + 4.9;
        picture(&mut app, "fading");
        app.world_mut().resource_mut::<DrawClock>().secs = clock + 200.0;
        app.update();
        assert_eq!(app.world().resource::<ToastAreas>().shown(), None);
        app.world_mut().resource_mut::<DrawClock>().secs = NOW;
        assert_eq!(changed(&before, &picture(&mut app, "gone")), None);
    }
}
