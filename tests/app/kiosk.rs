//! Kiosk mode on an unattended screen: pointer, panel, drift and dimming, on a manually set clock.

use bevy::input::ButtonState;
use bevy::input::keyboard::{Key, KeyboardInput};
use bevy::prelude::*;
use bevy::window::{CursorMoved, CursorOptions, PrimaryWindow};
use jiff::Timestamp;
use meterbridge::app::MeterbridgePlugin;
use meterbridge::app::draw::{Canvas, DrawClock};
use meterbridge::app::platform::kiosk::{DayClock, KioskPlugin};
use meterbridge::app::state::chrome::Chrome;
use meterbridge::app::state::clock::PlaybackClock;
use meterbridge::app::state::presence::Presence;
use meterbridge::app::state::viewport::Viewport;
use meterbridge::config::Settings;
use meterbridge::kiosk::KioskSettings;

use super::support::{draw_later, noon};

fn kiosk_with(settings: KioskSettings) -> App {
    let mut app = App::new();
    app.add_plugins((
        MinimalPlugins,
        MeterbridgePlugin { settings: Settings::default(), source: None },
        KioskPlugin { settings, panel_stays: false },
    ));
    app.insert_resource(PlaybackClock::fixed(noon()))
        .insert_resource(DrawClock { secs: 0.0, follow_real_time: false })
        .init_resource::<Canvas>()
        .init_resource::<Viewport>();
    app.world_mut().spawn((Window::default(), PrimaryWindow));
    app.update();
    app
}

fn kiosk() -> App {
    kiosk_with(KioskSettings { on: true, ..default() })
}

fn move_pointer(app: &mut App, x: f32) {
    let window = app.world_mut().query_filtered::<Entity, With<PrimaryWindow>>();
    let window = { window }.single(app.world()).unwrap();
    app.world_mut().write_message(CursorMoved {
        window,
        position: Vec2::new(x, 10.0),
        delta: None,
    });
    app.update();
}

fn press(app: &mut App) {
    app.world_mut().write_message(KeyboardInput {
        key_code: KeyCode::KeyP,
        logical_key: Key::Character("p".into()),
        state: ButtonState::Pressed,
        text: None,
        repeat: false,
        window: Entity::PLACEHOLDER,
    });
    app.update();
}

#[track_caller]
fn assert_away(app: &mut App, away: bool) {
    assert_eq!(app.world().resource::<Presence>().away, away);
    let mut cursors = app.world_mut().query::<&CursorOptions>();
    assert_eq!(cursors.single(app.world()).unwrap().visible, !away);
}

#[test]
fn help_closes_by_itself() {
    let mut app = kiosk();
    press(&mut app);
    app.world_mut().resource_mut::<Chrome>().help = true;
    let mut helps = |secs: f64| {
        draw_later(&mut app, secs);
        app.world().resource::<Chrome>().help
    };
    assert!(helps(9.0), "nobody moves, somebody reads");
    assert!(helps(59.0));
    assert!(!helps(1.5));
}

#[test]
fn pointer_hides_after_nine_seconds_until_it_moves() {
    let mut app = kiosk();
    assert_away(&mut app, false);
    draw_later(&mut app, 8.9);
    assert_away(&mut app, false);
    draw_later(&mut app, 0.1);
    assert_away(&mut app, true);
    draw_later(&mut app, 3600.0);
    assert_away(&mut app, true);
    // The pointer appears in the frame that receives the move.
    move_pointer(&mut app, 5.0);
    assert_away(&mut app, false);
    draw_later(&mut app, 9.0);
    assert_away(&mut app, true);
    press(&mut app);
    assert_away(&mut app, false);
}

/// Window systems report the pointer's position when a window changes beneath it.
#[test]
fn motionless_pointer_does_not_count_as_presence() {
    let mut app = kiosk();
    move_pointer(&mut app, 5.0);
    draw_later(&mut app, 9.0);
    move_pointer(&mut app, 5.0);
    assert_away(&mut app, true);
    move_pointer(&mut app, 6.0);
    assert_away(&mut app, false);
}

#[test]
fn nothing_hides_or_drifts_without_kiosk_mode() {
    let mut app = kiosk_with(KioskSettings::default());
    draw_later(&mut app, 3600.0);
    assert!(app.world().get_resource::<Presence>().is_none_or(|presence| !presence.away));
    let mut cursors = app.world_mut().query::<&CursorOptions>();
    assert!(cursors.single(app.world()).unwrap().visible);
    let canvas = app.world().resource::<Canvas>();
    assert_eq!((canvas.shift, canvas.brightness), (Vec2::ZERO, 1.0));
}

#[test]
fn requested_panel_stays_visible() {
    let away = Presence { away: true, panel_stays: false };
    assert!(away.hides_panel());
    assert!(!Presence { panel_stays: true, ..away }.hides_panel());
}

#[test]
fn picture_drifts_once_a_minute_by_whole_pixels_without_a_redraw() {
    let mut app = kiosk();
    // Twice the design size: 24 design pixels are 48 pixels.
    app.insert_resource(Viewport { size_px: Vec2::new(3840.0, 2160.0), ..default() });
    draw_later(&mut app, 59.9);
    let mut moves = 0;
    for _ in 0..30 {
        let before = app.world().resource::<Canvas>().shift;
        app.world_mut().clear_trackers();
        draw_later(&mut app, 30.0);
        let halfway = app.world().resource::<Canvas>().shift;
        draw_later(&mut app, 29.0);
        assert_eq!(app.world().resource::<Canvas>().shift, halfway, "it rests");
        assert_eq!(halfway, halfway.round());
        assert!(halfway.length() <= 49.0 && before.distance(halfway) <= 49.0);
        assert!(!app.world().is_resource_changed::<Canvas>());
        moves += u32::from(before != halfway);
        draw_later(&mut app, 1.0);
    }
    assert!(moves >= 28, "{moves}");
}

#[test]
fn picture_dims_by_time_of_day_and_failures_dim_less() {
    let hours = "22:00-07:00".parse().unwrap();
    let settings = KioskSettings { dim: Some(hours), dim_level: 0.4, ..default() };
    let mut app = kiosk_with(settings);
    let mut at = |time: &str| {
        let now: Timestamp = format!("2026-11-23T{time}Z").parse().unwrap();
        let zone = meterbridge::app::state::clock::local_zone();
        // The same time of day in any time zone that the tests run in.
        let offset = zone.to_offset(now);
        let now = now - jiff::SignedDuration::from_secs(offset.seconds().into());
        app.insert_resource(DayClock { now, follow_real_time: false });
        app.update();
        let canvas = app.world().resource::<Canvas>();
        (canvas.brightness, canvas.brightness_kept)
    };
    assert_eq!(at("12:00:00"), (1.0, 1.0));
    let (ordinary, failure) = at("23:00:00");
    assert!((ordinary - 0.4).abs() < 0.01, "{ordinary}");
    assert!((failure - 0.7).abs() < 0.01, "{failure}");
    let (fading, _) = at("22:00:15");
    assert!((fading - 0.7).abs() < 0.01, "{fading}");
    assert_eq!(at("07:00:30"), (1.0, 1.0));
}
