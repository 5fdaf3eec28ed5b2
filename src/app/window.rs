//! The window: full screen, or not.

use bevy::prelude::*;
use bevy::window::{MonitorSelection, PrimaryWindow, WindowMode};

use super::AppSystems;
use super::actions::Chrome;

pub(super) fn plugin(app: &mut App) {
    let changed = resource_changed::<Chrome>;
    app.add_systems(Update, go_fullscreen.in_set(AppSystems::Draw).run_if(changed));
}

/// Makes the window what [`Chrome`] says. There is none when the app draws into an image.
fn go_fullscreen(chrome: Res<Chrome>, mut windows: Query<&mut Window, With<PrimaryWindow>>) {
    let mode = if chrome.fullscreen {
        WindowMode::BorderlessFullscreen(MonitorSelection::Current)
    } else {
        WindowMode::Windowed
    };
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
    fn the_window_follows_the_chrome() {
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
