//! Selects the monitor that the window fills.
//!
//! Monitors are numbered by position, from the left, because the system's own order depends on
//! cables. A monitor that is turned off and on again is found again.

use std::sync::{Arc, Mutex, PoisonError};

use bevy::prelude::*;
use bevy::window::{Monitor, MonitorSelection, PrimaryWindow, WindowMode};
#[cfg(target_os = "linux")]
use bevy::winit::{EventLoopProxyWrapper, WinitUserEvent};
use tracing::{debug, info, warn};

use crate::app::control::fullscreen::FullscreenOn;
use crate::app::draw::DrawClock;
use crate::app::systems::AppSystems;
use crate::app::theme::motion;
use crate::kiosk::MonitorChoice;

/// The monitor selected in the settings.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::app) struct WantedMonitor(pub Option<MonitorChoice>);

/// Size of a window that does not fill the screen, in pixels.
pub(in crate::app) const WINDOW_SIZE: UVec2 = UVec2::new(1600, 900);

pub(in crate::app) fn plugin(app: &mut App) {
    app.init_resource::<FilledScreen>()
        .init_resource::<XScreenSize>()
        .add_systems(Update, choose.in_set(AppSystems::Navigate))
        // Before anything is drawn.
        .add_systems(First, fill_screen);
    #[cfg(target_os = "linux")]
    app.add_systems(PreStartup, follow_x_screen);
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
            info!("{}", fallback_words(wanted.number, standing.len()));
        }
        None => {
            warn!("there is no screen {}: this machine has {}", wanted.number, standing.len());
        }
    }
    let chosen = found.map(|(entity, _)| MonitorSelection::Entity(*entity));
    fullscreen_on.set_if_neq(FullscreenOn(chosen.unwrap_or(MonitorSelection::Current)));
}

/// Says which screen is used where a wall spans machines and this one has fewer screens.
fn fallback_words(number: usize, screens: usize) -> String {
    match screens {
        1 => "using the only screen of this machine".to_owned(),
        _ => format!(
            "screen {number} is on another machine: this one has {screens} screens, and the system \
             chooses one of them"
        ),
    }
}

/// Returns the size that a window is created with. The system gives a full-screen window another one, of which
/// nobody hears in time, so that it must be the size of no screen: a window that seems to fill its screen is not
/// resized.
pub(super) fn first_size(fullscreen: bool) -> (u32, u32) {
    (WINDOW_SIZE.x, WINDOW_SIZE.y + u32::from(fullscreen))
}

/// Screen that the window was made to fill, and the size that the window had before.
#[derive(Resource, Clone, Debug, Default, PartialEq)]
struct FilledScreen(Option<(Screen, UVec2)>);

/// Place and size of a screen, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Screen {
    position: IVec2,
    size: UVec2,
}

/// Size of an X server's screen, which the engine's [`Monitor`] does not follow; `None` where it is not
/// known.
#[derive(Resource, Clone, Debug, Default)]
struct XScreenSize(Arc<Mutex<Option<UVec2>>>);

impl XScreenSize {
    fn get(&self) -> Option<UVec2> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Follows the size of an X server's screen, and wakes the window after each change.
#[cfg(target_os = "linux")]
fn follow_x_screen(size: Res<XScreenSize>, proxy: Option<Res<EventLoopProxyWrapper>>) {
    if is_wayland() {
        return;
    }
    let (size, proxy) = (Arc::downgrade(&size.0), proxy.map(|proxy| (**proxy).clone()));
    super::x_screen::follow(move |new| {
        let Some(size) = size.upgrade() else { return false };
        *size.lock().unwrap_or_else(PoisonError::into_inner) = Some(new);
        // Sending fails only when the window, and with it the event loop, is gone.
        proxy.as_ref().is_none_or(|proxy| proxy.send_event(WinitUserEvent::WakeUp).is_ok())
    });
}

/// Makes a full-screen window fill its screen where no window manager does so, as on a bare X server:
/// from the first frame, and after each change of the screen's size. A window manager gives the window
/// the same size.
fn fill_screen(
    clock: Res<DrawClock>,
    fullscreen_on: Res<FullscreenOn>,
    x_screen_size: Res<XScreenSize>,
    monitors: Query<(Entity, &Monitor)>,
    mut windows: Query<&mut Window, With<PrimaryWindow>>,
    mut filled: ResMut<FilledScreen>,
) {
    // Wayland gives the window its size a moment later.
    if is_wayland() && clock.secs < motion::SETTLE_WINDOW_SECS {
        return;
    }
    let Ok(mut window) = windows.single_mut() else { return };
    // The system fills the screen that it chooses among several.
    let is_only = monitors.iter().len() == 1;
    let chosen = |entity| fullscreen_on.0 == MonitorSelection::Entity(entity);
    let monitor = monitors.iter().find(|(entity, _)| is_only || chosen(*entity));
    let screen = monitor.map(|(_, monitor)| Screen {
        position: monitor.physical_position,
        size: x_screen_size.get().filter(|_| is_only).unwrap_or(monitor.physical_size()),
    });
    fill(&mut window, screen, &mut filled);
}

/// Resizes the window when its screen, or the size of that screen, is another than before. Later
/// changes of the window by the system are left alone.
fn fill(window: &mut Mut<Window>, screen: Option<Screen>, filled: &mut FilledScreen) {
    if !matches!(window.mode, WindowMode::BorderlessFullscreen(_)) {
        // Without a window manager, nobody else makes it smaller again.
        if let Some((screen, before)) = filled.0.take()
            && screen.size == window.physical_size()
            && screen.size != before
        {
            window.resolution.set_physical_resolution(before.x, before.y);
        }
        return;
    }
    let Some(screen) = screen.filter(|screen| screen.size.min_element() > 0) else { return };
    let is = window.physical_size();
    let before = match filled.0 {
        Some((known, _)) if known == screen => return,
        Some((_, before)) => before,
        None if is == UVec2::from(first_size(true)) => WINDOW_SIZE,
        None => is,
    };
    filled.0 = Some((screen, before));
    if is != screen.size {
        debug!("the window is {is}, its screen {}: resizing the window", screen.size);
        window.position = WindowPosition::At(screen.position);
        window.resolution.set_physical_resolution(screen.size.x, screen.size.y);
    }
}

/// True when windows are opened on a Wayland compositor.
fn is_wayland() -> bool {
    let named = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(target_os = "linux") && (named("WAYLAND_DISPLAY") || named("WAYLAND_SOCKET"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fallback_names_the_screen_that_is_used() {
        assert_eq!(fallback_words(2, 1), "using the only screen of this machine");
        assert!(fallback_words(3, 2).starts_with("screen 3 is on another machine"));
    }

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

    /// A window whose size follows each request, as on a server without a window manager.
    fn bare_app() -> App {
        let mut app = app("");
        let mode = WindowMode::BorderlessFullscreen(MonitorSelection::Current);
        let resolution = first_size(true).into();
        app.world_mut().spawn((Window { resolution, mode, ..default() }, PrimaryWindow));
        app.insert_resource(DrawClock { secs: 3.0, ..default() });
        app
    }

    fn window_of(app: &mut App) -> Mut<'_, Window> {
        app.world_mut().query::<&mut Window>().single_mut(app.world_mut()).unwrap()
    }

    fn size(app: &mut App) -> [u32; 2] {
        app.update();
        window_of(app).physical_size().to_array()
    }

    #[test]
    fn window_fills_the_screen_from_the_first_frame_and_after_each_change_of_resolution() {
        let mut app = bare_app();
        app.world_mut().spawn(monitor("only", 0, 0));
        let told = XScreenSize::default();
        app.insert_resource(told.clone());
        assert_eq!(size(&mut app), [1920, 1080]);
        for new in [[1280, 720], [3840, 2160], [1080, 1920], [1600, 900]] {
            *told.0.lock().unwrap() = Some(new.into());
            assert_eq!(size(&mut app), new);
        }
        window_of(&mut app).mode = WindowMode::Windowed;
        assert_eq!(size(&mut app), WINDOW_SIZE.to_array(), "no longer in full screen");
    }

    /// The X server's window is of another size than the engine was told, and a resize to the size that the engine
    /// knows already does not happen.
    #[test]
    fn screen_of_the_size_of_an_ordinary_window_is_filled_by_a_request() {
        let mut app = bare_app();
        let (physical_width, physical_height) = (WINDOW_SIZE.x, WINDOW_SIZE.y);
        app.world_mut().spawn(Monitor { physical_width, physical_height, ..monitor("only", 0, 0) });
        let asked = window_of(&mut app).physical_size();
        assert_ne!(asked.to_array(), [1600, 900]);
        assert_eq!(size(&mut app), [1600, 900]);
    }

    #[test]
    fn window_has_its_own_size_again_after_full_screen() {
        for (own, is_restored_by_the_system) in
            [([2000, 1200], false), ([2000, 1200], true), ([3840, 2160], false)]
        {
            let mut app = bare_app();
            app.world_mut().spawn(Monitor {
                physical_width: 3840,
                physical_height: 2160,
                ..monitor("only", 0, 0)
            });
            let full = std::mem::replace(&mut window_of(&mut app).mode, WindowMode::Windowed);
            window_of(&mut app).resolution.set_physical_resolution(own[0], own[1]);
            assert_eq!(size(&mut app), own);
            for _ in 0..2 {
                window_of(&mut app).mode = full;
                assert_eq!(size(&mut app), [3840, 2160]);
                window_of(&mut app).mode = WindowMode::Windowed;
                if is_restored_by_the_system {
                    window_of(&mut app).resolution.set_physical_resolution(own[0], own[1]);
                }
                assert_eq!(size(&mut app), own);
                assert_eq!(size(&mut app), own, "in the frames after that, too");
            }
        }
    }

    #[test]
    fn size_that_the_system_gives_the_window_afterwards_is_left_alone() {
        let mut app = bare_app();
        app.world_mut().spawn(monitor("only", 0, 0));
        app.update();
        window_of(&mut app).resolution.set_physical_resolution(1920, 1050);
        assert_eq!(size(&mut app), [1920, 1050]);
    }

    #[test]
    fn chosen_screen_of_several_is_filled_and_otherwise_the_system_chooses() {
        for (wanted, expected) in [("", first_size(true).into()), ("2", [2560, 1440])] {
            let mut app = bare_app();
            app.insert_resource(WantedMonitor(wanted.parse().ok()));
            app.world_mut().spawn(monitor("left", 0, 0));
            let (physical_width, physical_height) = (2560, 1440);
            let right = Monitor { physical_width, physical_height, ..monitor("right", 1920, 0) };
            app.world_mut().spawn(right);
            // The size of all screens together.
            *app.world().resource::<XScreenSize>().0.lock().unwrap() = Some([4480, 1440].into());
            app.update();
            assert_eq!(size(&mut app), expected, "{wanted}");
        }
    }
}
