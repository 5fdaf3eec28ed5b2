//! Everything a user can ask for. One table gives what has a key its key and its words.

use bevy::prelude::*;

use crate::config::ThemeName;
use crate::model::{Run, RunStatus};
use crate::protocol::RunId;
use crate::source::{Address, RunOperation};

/// Something the user asked for, by key or in the panel.
#[derive(Message, Clone, Debug, PartialEq)]
pub enum Action {
    /// Follows the newest active run, or stays with the one that is shown.
    ToggleFollowing,
    /// Shows the next run of the list.
    NextRun,
    /// Shows the previous run of the list.
    PreviousRun,
    /// Shows this run and stays with it.
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
    /// Zooms so that everything is in sight.
    Fit,
    /// Other colours: the next theme.
    NextTheme,
    /// Shows the colours of this theme.
    ChooseTheme(ThemeName),
    /// Opens or closes the panel.
    TogglePanel,
    /// Fills the screen, or goes back into the window.
    ToggleFullscreen,
    /// Opens or closes the help.
    ToggleHelp,
    /// Closes what is open, else goes back to the wall or follows again.
    Back,
    /// Connects to the URL.
    Connect(Address),
    /// Closes the connection until it is asked for again.
    Disconnect,
    /// Connects anew, with a fresh count of attempts.
    Reconnect,
    /// Asks whether to do something to a run: this one, or the one that is shown.
    Ask(OperationKind, Option<RunId>),
    /// The answer: what is to be done, or nothing.
    Answer(Option<RunOperation>),
    /// Takes a toast off the screen.
    Dismiss(u64),
    /// Changes the connection's settings.
    Configure(Box<crate::source::ConnectionSettings>),
}

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// A new run of a song.
    Start,
    /// The end of a run.
    Cancel,
    /// A new run with what another run was made of.
    Retry,
    /// The execution of a run that waits.
    Execute,
}

impl OperationKind {
    /// What can be done to a run, in the order in which it is offered.
    pub const ON_A_RUN: [Self; 3] = [Self::Execute, Self::Retry, Self::Cancel];

    /// Whether it makes sense for a run as it stands.
    pub fn fits(self, run: &Run) -> bool {
        match self {
            Self::Start => false,
            Self::Execute => run.status == RunStatus::Pending,
            Self::Retry => run.status == RunStatus::Failed,
            // What is asked to stop goes on to the end of its node: asking again is an error.
            Self::Cancel => !run.status.is_over() && !run.cancel_requested,
        }
    }

    /// It, done to a run; `None` of what makes one.
    pub(in crate::app) fn operation(self, run: &RunId) -> Option<RunOperation> {
        match self {
            Self::Start => None,
            Self::Cancel => Some(RunOperation::Cancel(run.clone())),
            Self::Retry => Some(RunOperation::Retry(run.clone())),
            Self::Execute => Some(RunOperation::Execute(run.clone())),
        }
    }

    /// What an act is of.
    pub fn of(operation: &RunOperation) -> Self {
        match operation {
            RunOperation::Start { .. } => Self::Start,
            RunOperation::Cancel(_) => Self::Cancel,
            RunOperation::Retry(_) => Self::Retry,
            RunOperation::Execute(_) => Self::Execute,
        }
    }
}

/// One line of the help: an action with its key.
pub struct Shortcut {
    /// The key, by its place on the keyboard.
    pub key: KeyCode,
    /// The key as it stands on the keyboard.
    pub key_text: &'static str,
    /// What the action does, in a few words.
    pub text: &'static str,
    /// Makes the action.
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
        action: || Action::Ask(OperationKind::Start, None),
    },
    Shortcut {
        key: KeyCode::KeyX,
        key_text: "X",
        text: "Cancel this run",
        action: || Action::Ask(OperationKind::Cancel, None),
    },
    Shortcut {
        key: KeyCode::KeyR,
        key_text: "R",
        text: "Retry this run, which failed",
        action: || Action::Ask(OperationKind::Retry, None),
    },
    Shortcut {
        key: KeyCode::KeyE,
        key_text: "E",
        text: "Execute this run, which waits",
        action: || Action::Ask(OperationKind::Execute, None),
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
