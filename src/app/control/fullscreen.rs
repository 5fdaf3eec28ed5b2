//! Applies full screen mode from [`Chrome`] to the window.

use bevy::prelude::*;
use bevy::window::{MonitorSelection, PrimaryWindow, WindowMode};

use crate::app::state::chrome::Chrome;
use crate::app::systems::AppSystems;

/// The monitor that a full-screen window fills.
#[derive(Resource, Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) struct FullscreenOn(pub MonitorSelection);

pub(in crate::app) fn window_mode(fullscreen: bool, monitor: MonitorSelection) -> WindowMode {
    if fullscreen { WindowMode::BorderlessFullscreen(monitor) } else { WindowMode::Windowed }
}

pub(in crate::app) fn plugin(app: &mut App) {
    let changed = resource_changed::<Chrome>.or_eager(resource_changed::<FullscreenOn>);
    app.insert_resource(FullscreenOn(MonitorSelection::Current));
    app.add_systems(Update, go_fullscreen.in_set(AppSystems::Sync).run_if(changed));
}

/// Updates the window mode from [`Chrome`]. No window exists when the app draws into an image.
fn go_fullscreen(
    chrome: Res<Chrome>,
    monitor: Res<FullscreenOn>,
    mut windows: Query<&mut Window, With<PrimaryWindow>>,
) {
    let mode = window_mode(chrome.fullscreen, monitor.0);
    for mut window in &mut windows {
        if window.mode != mode {
            window.mode = mode;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_mode_follows_chrome_fullscreen() {
        let mut app = App::new();
        app.init_resource::<Chrome>().add_plugins(plugin);
        let window = app.world_mut().spawn((Window::default(), PrimaryWindow)).id();
        for fullscreen in [true, false] {
            app.world_mut().resource_mut::<Chrome>().fullscreen = fullscreen;
            app.update();
            let mode = app.world().get::<Window>(window).map(|window| window.mode);
            assert_eq!(mode == Some(WindowMode::Windowed), !fullscreen);
        }
    }
}
