//! Everything a user can ask for. One table gives what has a key its key and its words.

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;

use super::focus::{Focus, listed_runs};
use super::hit::{Pickable, Selection};
use super::run_store::{Link, Studio};
use super::view::View;
use super::viewport::Zoom;
use crate::app::control::run_operations::Verb;
use crate::app::draw::DrawClock;
use crate::app::overlays::notices::Notices;
use crate::app::systems::AppSystems;
use crate::app::theme::{Theme, ThemeChoice};
use crate::config::ThemeName;
use crate::protocol::RunId;
use crate::source::{Act, Address};

/// Something the user asked for, by key or in the panel.
#[derive(Message, Clone, Debug, PartialEq)]
pub enum Action {
    ToggleFollowing,
    NextRun,
    PreviousRun,
    SelectRun(RunId),
    /// Follows again, from the newest active run.
    Follow,
    /// The director takes over, or leaves it to the user.
    ToggleAuto,
    /// The director takes over.
    Auto,
    /// All runs, or one again.
    ToggleWall,
    /// Shows the run that is selected on the wall, and stays on it.
    OpenSelected,
    /// Shows a run of the wall, and stays on it.
    Open(RunId),
    Fit,
    /// Other colours: the next theme.
    NextTheme,
    ChooseTheme(ThemeName),
    TogglePanel,
    ToggleFullscreen,
    ToggleHelp,
    /// Closes what is open, else goes back to the wall or follows again.
    Back,
    /// Connects to the URL.
    Connect(Address),
    Disconnect,
    Reconnect,
    /// Asks whether to do something to a run: this one, or the one that is shown.
    Ask(Verb, Option<RunId>),
    /// The answer: what is to be done, or nothing.
    Answer(Option<Act>),
    /// Takes a toast off the screen.
    Dismiss(u64),
    /// Changes the connection's settings.
    Configure(Box<crate::source::ConnectionSettings>),
}

/// One line of the help: an action with its key.
pub struct Shortcut {
    pub key: KeyCode,
    /// The key as it stands on the keyboard.
    pub key_text: &'static str,
    pub text: &'static str,
    pub action: fn() -> Action,
}

impl Shortcut {
    /// Whether it is of use only where runs may be acted on.
    pub fn needs_leave(&self) -> bool {
        matches!((self.action)(), Action::Ask(..))
    }
}

/// Every key that does something.
pub const SHORTCUTS: &[Shortcut] = &[
    Shortcut {
        key: KeyCode::Space,
        key_text: "Space",
        text: "Stay on this run, or follow again",
        action: || Action::ToggleFollowing,
    },
    Shortcut {
        key: KeyCode::ArrowDown,
        key_text: "↓",
        text: "Next run",
        action: || Action::NextRun,
    },
    Shortcut {
        key: KeyCode::ArrowUp,
        key_text: "↑",
        text: "Previous run",
        action: || Action::PreviousRun,
    },
    Shortcut {
        key: KeyCode::ArrowRight,
        key_text: "→",
        text: "Next run",
        action: || Action::NextRun,
    },
    Shortcut {
        key: KeyCode::ArrowLeft,
        key_text: "←",
        text: "Previous run",
        action: || Action::PreviousRun,
    },
    Shortcut {
        key: KeyCode::KeyW,
        key_text: "W",
        text: "The wall of all runs, or one run",
        action: || Action::ToggleWall,
    },
    Shortcut {
        key: KeyCode::Enter,
        key_text: "Enter",
        text: "Open the run selected on the wall",
        action: || Action::OpenSelected,
    },
    Shortcut {
        key: KeyCode::KeyA,
        key_text: "A",
        text: "Auto: the wall, and runs that are worth a look; or not",
        action: || Action::ToggleAuto,
    },
    Shortcut {
        key: KeyCode::KeyF,
        key_text: "F",
        text: "Fit the view to the window",
        action: || Action::Fit,
    },
    Shortcut {
        key: KeyCode::KeyT,
        key_text: "T",
        text: "Dark, light or high contrast",
        action: || Action::NextTheme,
    },
    Shortcut {
        key: KeyCode::KeyP,
        key_text: "P",
        text: "Show or hide the panel",
        action: || Action::TogglePanel,
    },
    Shortcut {
        key: KeyCode::KeyN,
        key_text: "N",
        text: "Start a new workflow",
        action: || Action::Ask(Verb::Start, None),
    },
    Shortcut {
        key: KeyCode::KeyX,
        key_text: "X",
        text: "Cancel this run",
        action: || Action::Ask(Verb::Cancel, None),
    },
    Shortcut {
        key: KeyCode::KeyR,
        key_text: "R",
        text: "Retry this run, which failed",
        action: || Action::Ask(Verb::Retry, None),
    },
    Shortcut {
        key: KeyCode::KeyE,
        key_text: "E",
        text: "Execute this run, which waits",
        action: || Action::Ask(Verb::Execute, None),
    },
    Shortcut {
        key: KeyCode::F11,
        key_text: "F11",
        text: "Full screen, or a window",
        action: || Action::ToggleFullscreen,
    },
    Shortcut {
        key: KeyCode::Slash,
        key_text: "?",
        text: "Show or hide this help",
        action: || Action::ToggleHelp,
    },
    Shortcut {
        key: KeyCode::Escape,
        key_text: "Esc",
        text: "Close what is open, back to the wall, or follow again",
        action: || Action::Back,
    },
];

/// What is open beside the stage.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chrome {
    pub panel: bool,
    pub help: bool,
    pub fullscreen: bool,
}

pub(in crate::app) fn plugin(app: &mut App) {
    app.add_message::<Action>()
        .init_resource::<Chrome>()
        .init_resource::<Theme>()
        .init_resource::<ThemeChoice>()
        .init_resource::<Zoom>()
        .init_resource::<Selection>()
        .init_resource::<Pickable>()
        .init_resource::<Notices>()
        .init_resource::<DrawClock>()
        .add_systems(Update, carry_out.in_set(AppSystems::Act));
}

/// The wall, as far as actions change it.
#[derive(SystemParam)]
pub(in crate::app) struct OnWall<'w> {
    view: ResMut<'w, View>,
    selection: ResMut<'w, Selection>,
    pickable: Res<'w, Pickable>,
}

impl OnWall<'_> {
    fn select(&mut self, by: isize) {
        self.selection.0 = self.pickable.step(self.selection.0.as_ref(), by);
    }

    fn open(&mut self, run: RunId, focus: &mut Focus, zoom: &mut Zoom) {
        self.selection.0 = Some(run.clone());
        focus.pin(run);
        *self.view = View::Stage { from_wall: *self.view == View::Wall };
        *zoom = Zoom::default();
    }
}

/// What lies over the views.
#[derive(SystemParam)]
pub(in crate::app) struct Overlay<'w> {
    notices: ResMut<'w, Notices>,
    clock: Res<'w, DrawClock>,
}

#[expect(clippy::too_many_arguments, reason = "an action may change anything")]
pub(in crate::app) fn carry_out(
    mut actions: MessageReader<Action>,
    studio: Res<Studio>,
    mut focus: ResMut<Focus>,
    mut link: ResMut<Link>,
    mut chrome: ResMut<Chrome>,
    mut zoom: ResMut<Zoom>,
    mut wall: OnWall,
    mut overlay: Overlay,
    theme: Res<Theme>,
    mut choice: ResMut<ThemeChoice>,
) {
    for action in actions.read() {
        let on_wall = *wall.view == View::Wall;
        match action {
            Action::NextRun if on_wall => wall.select(1),
            Action::PreviousRun if on_wall => wall.select(-1),
            // Nothing is followed there.
            Action::ToggleFollowing if on_wall => {}
            // The director hears them by itself, and so does who acts on runs.
            Action::ToggleAuto | Action::Auto | Action::Ask(..) | Action::Answer(_) => {}
            Action::Dismiss(number) => overlay.notices.toasts.dismiss(*number, overlay.clock.secs),
            Action::ToggleFollowing => focus.toggle_following(),
            Action::NextRun => step(&mut focus, &studio, 1),
            Action::PreviousRun => step(&mut focus, &studio, -1),
            Action::ToggleWall => {
                *wall.view = wall.view.toggled();
                *zoom = Zoom::default();
            }
            Action::OpenSelected => {
                if let Some(run) = wall.selection.0.clone().filter(|_| on_wall) {
                    wall.open(run, &mut focus, &mut zoom);
                }
            }
            Action::Open(run) => wall.open(run.clone(), &mut focus, &mut zoom),
            Action::SelectRun(run) if on_wall => wall.open(run.clone(), &mut focus, &mut zoom),
            Action::SelectRun(run) => focus.pin(run.clone()),
            Action::Fit => *zoom = Zoom::default(),
            Action::NextTheme => choice.0 = theme.next(),
            Action::ChooseTheme(name) => choice.0 = *name,
            Action::TogglePanel => chrome.panel = !chrome.panel,
            Action::ToggleFullscreen => chrome.fullscreen = !chrome.fullscreen,
            Action::ToggleHelp => chrome.help = !chrome.help,
            Action::Back if chrome.help => chrome.help = false,
            Action::Back if overlay.notices.toasts.any(overlay.clock.secs) => {
                overlay.notices.toasts.dismiss_all(overlay.clock.secs);
            }
            Action::Back if chrome.panel => chrome.panel = false,
            Action::Back if *wall.view == (View::Stage { from_wall: true }) => {
                *wall.view = View::Wall;
                *zoom = Zoom::default();
                focus.follow();
            }
            Action::Back if on_wall && wall.selection.0.is_some() => wall.selection.0 = None,
            Action::Back if chrome.fullscreen => chrome.fullscreen = false,
            Action::Back if on_wall => {}
            Action::Follow | Action::Back => focus.follow(),
            Action::Connect(url) => {
                url.as_str().clone_into(&mut link.url);
                link.connect();
            }
            Action::Disconnect => link.disconnect(),
            Action::Reconnect => link.reconnect(),
            Action::Configure(settings) => link.configure((**settings).clone()),
        }
    }
}

/// Pins the run `by` places further down the list; the list does not wrap.
fn step(focus: &mut Focus, studio: &Studio, by: isize) {
    let runs = listed_runs(studio);
    let here = focus.run().and_then(|id| runs.iter().position(|run| run.id() == id));
    let there = match here {
        Some(here) => here.saturating_add_signed(by).min(runs.len().saturating_sub(1)),
        None => 0,
    };
    if let Some(run) = runs.get(there) {
        focus.pin(run.id().clone());
    }
}
