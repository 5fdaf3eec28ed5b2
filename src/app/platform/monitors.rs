//! Selects the monitor that the window fills.
//!
//! Monitors are numbered by position, from the left, because the system's own order depends on
//! cables. A monitor that is turned off and on again is found again.

use std::cmp::Reverse;

use bevy::prelude::*;
use bevy::window::{Monitor, MonitorSelection, PrimaryMonitor, PrimaryWindow, WindowMode};
use tracing::{info, warn};

use crate::app::control::fullscreen::FullscreenOn;
use crate::app::draw::DrawClock;
use crate::app::systems::AppSystems;
use crate::app::theme::motion;
use crate::kiosk::MonitorChoice;

/// The monitor selected in the settings.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::app) struct WantedMonitor(pub Option<MonitorChoice>);

/// Enables [`force_fullscreen`], for systems without a window manager to resize the window.
#[derive(Resource, Clone, Copy, Debug)]
pub(in crate::app) struct ForceFullscreen;

pub(in crate::app) fn plugin(app: &mut App) {
    app.add_systems(Update, choose.in_set(AppSystems::Navigate)).add_systems(
        Update,
        force_fullscreen.in_set(AppSystems::DrawChrome).run_if(resource_exists::<ForceFullscreen>),
    );
}

/// Looks up the wanted monitor whenever monitors are added or removed.
fn choose(
    monitors: Query<(Entity, &Monitor)>,
    added: Query<(), Added<Monitor>>,
    mut removed: RemovedComponents<Monitor>,
    wanted: Res<WantedMonitor>,
    mut fullscreen_on: ResMut<FullscreenOn>,
) {
    if added.is_empty() && removed.read().count() == 0 {
        return;
    }
    let Some(wanted) = wanted.0 else {
        return;
    };
    let mut standing: Vec<(Entity, &Monitor)> = monitors.iter().collect();
    standing.sort_by_key(|(_, monitor)| {
        let at = monitor.physical_position;
        (at.x, at.y)
    });
    let index = wanted.monitor_index(standing.len());
    let found = index.and_then(|index| standing.get(index));
    match found {
        Some((_, monitor)) => {
            let name = monitor.name.as_deref().unwrap_or("without a name");
            info!("screen {} is {name}", wanted.number);
        }
        None if wanted.of.is_some() => {
            info!(
                "screen {}: this machine has {}, so the system chooses",
                wanted.number,
                standing.len()
            );
        }
        None => {
            warn!("there is no screen {}: this machine has {}", wanted.number, standing.len());
        }
    }
    let chosen = found.map(|(entity, _)| MonitorSelection::Entity(*entity));
    fullscreen_on.set_if_neq(FullscreenOn(chosen.unwrap_or(MonitorSelection::Current)));
}

/// Resizes a full-screen window to its monitor's size if it still differs after
/// [`motion::SETTLE_WINDOW_SECS`]. A window manager, if any, has done so by then and would not
/// allow it otherwise.
fn force_fullscreen(
    clock: Res<DrawClock>,
    fullscreen_on: Res<FullscreenOn>,
    monitors: Query<(Entity, &Monitor, Has<PrimaryMonitor>)>,
    mut windows: Query<&mut Window, With<PrimaryWindow>>,
    mut asked: Local<Option<(f64, Entity)>>,
) {
    let best = |(entity, monitor, primary): &(Entity, &Monitor, bool)| {
        let (x, y) = monitor.physical_position.into();
        let chosen = fullscreen_on.0 == MonitorSelection::Entity(*entity);
        (chosen, *primary, Reverse((x, y)))
    };
    let Some((entity, monitor, _)) = monitors.iter().max_by_key(best) else {
        return;
    };
    let (since, _) = match *asked {
        Some(asked) if asked.1 == entity => asked,
        _ => *asked.insert((clock.secs, entity)),
    };
    if clock.secs - since < motion::SETTLE_WINDOW_SECS {
        return;
    }
    // Done once per monitor; later changes of the window by the system are left alone.
    *asked = Some((f64::INFINITY, entity));
    for mut window in &mut windows {
        let (size, is) = (monitor.physical_size(), window.physical_size());
        let fills = matches!(window.mode, WindowMode::BorderlessFullscreen(_));
        let known = matches!(fullscreen_on.0, MonitorSelection::Entity(_));
        if fills && is != size && (known || monitors.iter().len() == 1) {
            info!("the window is {is}, its screen {size}: resizing the window");
            window.position = WindowPosition::At(monitor.physical_position);
            window.resolution.set_physical_resolution(size.x, size.y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn monitor(name: &str, x: i32, y: i32) -> Monitor {
        Monitor {
            name: Some(name.to_owned()),
            physical_height: 1080,
            physical_width: 1920,
            physical_position: IVec2::new(x, y),
            refresh_rate_millihertz: None,
            scale_factor: 1.0,
            video_modes: Vec::new(),
        }
    }

    fn app(wanted: &str) -> App {
        let mut app = App::new();
        app.insert_resource(WantedMonitor(wanted.parse().ok()))
            .insert_resource(FullscreenOn(MonitorSelection::Current))
            .init_resource::<DrawClock>()
            .add_plugins(plugin);
        app
    }

    fn chosen(app: &mut App) -> Option<String> {
        app.update();
        match app.world().resource::<FullscreenOn>().0 {
            MonitorSelection::Entity(entity) => app.world().get::<Monitor>(entity)?.name.clone(),
            _ => None,
        }
    }

    #[test]
    fn monitors_are_numbered_from_the_left() {
        let mut app = app("2/3");
        for (name, x) in [("right", 3840), ("left", 0), ("middle", 1920)] {
            app.world_mut().spawn(monitor(name, x, 0));
        }
        assert_eq!(chosen(&mut app).as_deref(), Some("middle"));
    }

    #[test]
    fn monitor_is_found_again_after_removal() {
        let mut app = app("2");
        app.world_mut().spawn(monitor("left", 0, 0));
        assert_eq!(chosen(&mut app), None);
        let right = app.world_mut().spawn(monitor("right", 1920, 0)).id();
        assert_eq!(chosen(&mut app).as_deref(), Some("right"));
        app.world_mut().despawn(right);
        assert_eq!(chosen(&mut app), None);
        app.world_mut().spawn(monitor("right again", 1920, 0));
        assert_eq!(chosen(&mut app).as_deref(), Some("right again"));
    }

    #[test]
    fn forced_fullscreen_resizes_window_to_monitor() {
        for (kiosk, expected) in [(false, [1600, 900]), (true, [1920, 1080])] {
            let mut app = app("");
            if kiosk {
                app.insert_resource(ForceFullscreen);
            }
            app.world_mut().spawn(monitor("only", 0, 0));
            let mode = WindowMode::BorderlessFullscreen(MonitorSelection::Current);
            let window = Window { resolution: (1600, 900).into(), mode, ..default() };
            let window = app.world_mut().spawn((window, PrimaryWindow)).id();
            app.update();
            app.world_mut().resource_mut::<DrawClock>().secs += 3.0;
            app.update();
            let size = app.world().get::<Window>(window).map(Window::physical_size);
            assert_eq!(size, Some(expected.into()));
        }
    }
}
