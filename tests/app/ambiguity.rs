//! Checks that systems with conflicting data access are ordered. Without an order the scheduler may run
//! them either way, so the drawn picture could vary between machines and runs.

use bevy::ecs::schedule::{
    AmbiguousSystemConflictsWarning, LogLevel, Schedule, ScheduleBuildError, ScheduleBuildSettings,
    ScheduleBuildWarning, Schedules,
};
use bevy::prelude::*;
use meterbridge::app::control::director::DirectorPlugin;
use meterbridge::app::draw::offscreen_plugins;
use meterbridge::app::platform::kiosk::KioskPlugin;
use meterbridge::app::{ControlsPlugin, MeterbridgePlugin, ViewPlugin};
use meterbridge::config::Settings;
use meterbridge::director::DirectorSettings;
use meterbridge::kiosk::KioskSettings;
use meterbridge::source::SourceSpec;

const OURS: &str = "meterbridge::";

/// Returns the pairs of unordered systems with conflicting data access of which at least one is ours.
/// Leaves out conflicts with foreign exclusive systems.
fn conflicts(world: &mut World, schedule: &mut Schedule) -> Vec<String> {
    schedule.set_build_settings(ScheduleBuildSettings {
        ambiguity_detection: LogLevel::Error,
        use_shortnames: false,
        ..default()
    });
    let pairs = match schedule.initialize(world) {
        Ok(_) => return Vec::new(),
        Err(ScheduleBuildError::Elevated(ScheduleBuildWarning::Ambiguity(
            AmbiguousSystemConflictsWarning(pairs),
        ))) => pairs,
        Err(error) => panic!("{}", error.to_string(schedule.graph(), world)),
    };
    pairs
        .to_string(schedule.graph(), world.components())
        .filter(|(a, b, data)| match (a.contains(OURS), b.contains(OURS)) {
            (true, true) => true,
            (false, false) => false,
            _ => !data.is_empty(),
        })
        .map(|(a, b, data)| format!("{a} and {b} meet in {data:?}"))
        .collect()
}

/// Returns the conflicts of all schedules of the app, one per line.
fn all_conflicts(app: &mut App) -> String {
    let world = app.world_mut();
    let schedules = world.resource::<Schedules>();
    let labels: Vec<_> = schedules.iter().map(|(_, schedule)| schedule.label()).collect();
    let mut lines = Vec::new();
    for label in labels {
        let found = world.schedule_scope(label, conflicts);
        lines.extend(found.into_iter().map(|pair| format!("{label:?}: {pair}")));
    }
    lines.join("\n")
}

fn plugin(source: Option<SourceSpec>) -> MeterbridgePlugin {
    MeterbridgePlugin { settings: Settings::default(), source }
}

#[test]
fn systems_are_unambiguous_without_a_window() {
    let mut app = App::new();
    app.add_plugins((MinimalPlugins, plugin(Some(SourceSpec::Demo))));
    assert_eq!(all_conflicts(&mut app), "");
}

#[test]
fn systems_are_unambiguous_with_stage_and_panel() {
    let mut app = App::new();
    app.add_plugins((offscreen_plugins().unwrap(), plugin(None), ViewPlugin, ControlsPlugin));
    assert_eq!(all_conflicts(&mut app), "");
}

#[test]
fn systems_are_unambiguous_in_a_kiosk() {
    let mut app = App::new();
    let settings = KioskSettings { on: true, dim: "22:00-07:00".parse().ok(), ..default() };
    app.add_plugins((offscreen_plugins().unwrap(), plugin(None), ViewPlugin, ControlsPlugin))
        .add_plugins(KioskPlugin { settings, panel_stays: false })
        .add_plugins(DirectorPlugin { settings: DirectorSettings::default() });
    assert_eq!(all_conflicts(&mut app), "");
}

/// Guards the tests above.
#[test]
fn missing_order_is_detected() {
    fn first(_: ResMut<meterbridge::app::state::focus::Focus>) {}
    fn second(_: ResMut<meterbridge::app::state::focus::Focus>) {}
    let mut app = App::new();
    app.add_plugins((MinimalPlugins, plugin(None))).add_systems(Update, (first, second));
    let found = all_conflicts(&mut app);
    assert!(found.contains("first") && found.contains("apply_navigation_actions"), "{found}");
}
