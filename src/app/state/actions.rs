//! Actions that a user can request, and the table of keyboard shortcuts that trigger them.

use bevy::prelude::*;
use jiff::Timestamp;

use crate::config::ThemeName;
use crate::history::Last;
use crate::model::{Run, RunStatus};
use crate::protocol::RunId;
use crate::source::{Address, RunOperation, SourceSpec};

/// A user's request, made by key, click, panel or script.
#[derive(Message, Clone, Debug, PartialEq)]
pub enum Action {
    /// Turns following of the newest active run on or off.
    ToggleFollowing,
    /// Shows the next run of the list.
    NextRun,
    /// Shows the previous run of the list.
    PreviousRun,
    /// Races against the next run of the list.
    NextOpponent,
    /// Races against the previous run of the list.
    PreviousOpponent,
    /// Shows this run and stays on it.
    SelectRun(RunId),
    /// Resumes following, starting with the newest active run.
    Follow,
    /// Turns the director on or off.
    ToggleAuto,
    /// Turns the director on.
    Auto,
    /// Switches between the wall of all runs and the stage of one run.
    ToggleWall,
    /// Switches between the timeline and the view of the same runs.
    ToggleTimeline,
    /// Compares the run on the timeline with another one, then with the next one, then with none.
    Race,
    /// Zooms the timeline by a number of steps; positive ones are closer.
    ZoomTime(i32),
    /// Shows the history of all runs by hours and days, or goes back.
    ToggleHistory,
    /// Shows this period of the history.
    ShowPeriod(Last),
    /// Chooses the part of the history so many places later; earlier, if negative.
    ChoosePart(i32),
    /// Chooses the step or cause so many places further down; up, if negative.
    ChooseRow(i32),
    /// Opens the run selected on the wall and stays on it.
    OpenSelected,
    /// Opens this run from the wall and stays on it.
    Open(RunId),
    /// Zooms so that everything fits.
    Fit,
    /// Switches to the next theme.
    NextTheme,
    /// Switches to this theme.
    ChooseTheme(ThemeName),
    /// Opens or closes the panel.
    TogglePanel,
    /// Enters or leaves full screen.
    ToggleFullscreen,
    /// Opens or closes the help.
    ToggleHelp,
    /// Closes whatever is open; otherwise goes back to the wall or resumes following.
    Back,
    /// Connects to this URL.
    Connect(Address),
    /// Shows another source in place of this one. What is shown stays until a recording was found to be one.
    OpenSource(SourceSpec),
    /// Lets the user choose recordings to open.
    ChooseFiles,
    /// Gives up the opening of a recording that is not shown yet.
    CancelOpening,
    /// Says why a file could not be opened.
    TellOpeningFailed(String),
    /// Shows the stream again that was shown before a recording.
    BackToStream,
    /// Begins to record what the source sends, or ends the recording.
    ToggleRecording,
    /// Closes the connection and stays disconnected.
    Disconnect,
    /// Connects again, with the attempt counter reset.
    Reconnect,
    /// Marks the failure of this run as seen, so that it is no longer news. `None` means the failed run
    /// that the user selected, or all failed runs if none is selected.
    MarkSeen(Option<RunId>),
    /// Skips the pause that a recording is in.
    SkipPause,
    /// Asks the user to confirm an operation on this run, or on the shown run if `None`.
    Ask(OperationKind, Option<RunId>),
    /// The user's answer to the confirmation dialog: the operation to perform, or `None` to abandon
    /// it.
    Answer(Option<RunOperation>),
    /// Removes the toast with this id.
    Dismiss(u64),
    /// Replaces the connection settings.
    Configure(Box<crate::source::ConnectionSettings>),
    /// Gives the demo studio a presenter's command.
    Present(Presenting),
    /// Moves in time: shows the past, plays it, or goes back to live.
    Time(Transport),
}

/// A movement in time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Transport {
    /// Stops the picture, or lets it play on.
    TogglePlaying,
    /// Stops the picture, or lets it play on, whatever it did before.
    Play(bool),
    /// Shows the instant so many seconds later; earlier, if negative.
    Skip(i32),
    /// Shows this instant.
    Show(Timestamp),
    /// Shows the next event, and stops there.
    NextEvent,
    /// Shows the event before, and stops there.
    PreviousEvent,
    /// Shows the next failure.
    NextFailure,
    /// Shows the failure before.
    PreviousFailure,
    /// Shows the oldest instant that is kept.
    Oldest,
    /// Goes back to live.
    Live,
    /// Plays at this speed of [`super::rewind::SPEEDS`], by its place there.
    Speed(usize),
}

/// A presenter's command to the demo studio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presenting {
    /// Starts a run that fails, and then its retry.
    FailNext,
    /// Starts a run that needs a fix.
    FixNext,
    /// Stops the studio's time, or lets it go on.
    TogglePause,
    /// Opens the studio again.
    Restart,
    /// Sets the speed, as a multiple of real time.
    Speed(u8),
}

/// Kind of a run operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// Creates a run of a song and executes it.
    Start,
    /// Cancels a run.
    Cancel,
    /// Creates a new run for the song of a failed run.
    Retry,
    /// Executes a queued run.
    Execute,
}

impl OperationKind {
    /// Operations on an existing run, in the order in which the UI offers them.
    pub const ON_A_RUN: [Self; 3] = [Self::Execute, Self::Retry, Self::Cancel];

    /// True when the operation applies to a run in its current state.
    pub fn fits(self, run: &Run) -> bool {
        match self {
            Self::Start => false,
            Self::Execute => run.status == RunStatus::Pending,
            Self::Retry => run.status == RunStatus::Failed,
            // A cancelled run continues until its current node ends; a second cancel would be an
            // error.
            Self::Cancel => !run.status.is_over() && !run.cancel_requested,
        }
    }

    /// Returns this operation for `run`, or `None` for `Start`, which creates a run.
    pub(in crate::app) fn operation(self, run: &RunId) -> Option<RunOperation> {
        match self {
            Self::Start => None,
            Self::Cancel => Some(RunOperation::Cancel(run.clone())),
            Self::Retry => Some(RunOperation::Retry(run.clone())),
            Self::Execute => Some(RunOperation::Execute(run.clone())),
        }
    }

    /// Returns the kind of `operation`.
    pub fn of(operation: &RunOperation) -> Self {
        match operation {
            RunOperation::Start { .. } => Self::Start,
            RunOperation::Cancel(_) => Self::Cancel,
            RunOperation::Retry(_) => Self::Retry,
            RunOperation::Execute(_) => Self::Execute,
        }
    }
}

/// A keyboard shortcut and its line in the help.
pub struct Shortcut {
    /// Key, by its position on the keyboard.
    pub key: KeyCode,
    /// Label of the key as printed on the keyboard.
    pub key_text: &'static str,
    /// Short description of the action.
    pub text: &'static str,
    /// Creates the action.
    pub action: fn() -> Action,
}

impl Shortcut {
    /// True when the shortcut is useful only where run operations are allowed.
    pub fn needs_leave(&self) -> bool {
        matches!((self.action)(), Action::Ask(..))
    }

    /// True when the shortcut has an effect only in the demo studio.
    pub fn needs_demo(&self) -> bool {
        matches!((self.action)(), Action::Present(_))
    }
}

/// All keyboard shortcuts.
pub const SHORTCUTS: &[Shortcut] = &[
    Shortcut {
        key: KeyCode::Space,
        key_text: "Space",
        text: "Stop the picture, or let it play on; a press on the live light does the same",
        action: || Action::Time(Transport::TogglePlaying),
    },
    Shortcut {
        key: KeyCode::ArrowLeft,
        key_text: "←",
        text: "Back in time by 1 s; Shift: 10 s; Ctrl: to the event before",
        action: || Action::Time(Transport::Skip(-1)),
    },
    Shortcut {
        key: KeyCode::ArrowRight,
        key_text: "→",
        text: "Forward in time by 1 s; Shift: 10 s; Ctrl: to the next event",
        action: || Action::Time(Transport::Skip(1)),
    },
    Shortcut {
        key: KeyCode::BracketLeft,
        key_text: "[",
        text: "Back in time to the failure before",
        action: || Action::Time(Transport::PreviousFailure),
    },
    Shortcut {
        key: KeyCode::BracketRight,
        key_text: "]",
        text: "Forward in time to the next failure",
        action: || Action::Time(Transport::NextFailure),
    },
    Shortcut {
        key: KeyCode::Home,
        key_text: "Home",
        text: "Back in time as far as it is kept",
        action: || Action::Time(Transport::Oldest),
    },
    Shortcut {
        key: KeyCode::KeyL,
        key_text: "L",
        text: "Back to live",
        action: || Action::Time(Transport::Live),
    },
    Shortcut {
        key: KeyCode::End,
        key_text: "End",
        text: "Back to live",
        action: || Action::Time(Transport::Live),
    },
    Shortcut {
        key: KeyCode::Digit1,
        key_text: "1",
        text: "Play the past at a quarter of its speed",
        action: || Action::Time(Transport::Speed(0)),
    },
    Shortcut {
        key: KeyCode::Digit2,
        key_text: "2",
        text: "Play the past at half its speed",
        action: || Action::Time(Transport::Speed(1)),
    },
    Shortcut {
        key: KeyCode::Digit3,
        key_text: "3",
        text: "Play the past at its own speed",
        action: || Action::Time(Transport::Speed(2)),
    },
    Shortcut {
        key: KeyCode::Digit4,
        key_text: "4",
        text: "Play the past 2 times as fast",
        action: || Action::Time(Transport::Speed(3)),
    },
    Shortcut {
        key: KeyCode::Digit5,
        key_text: "5",
        text: "Play the past 5 times as fast",
        action: || Action::Time(Transport::Speed(4)),
    },
    Shortcut {
        key: KeyCode::Digit6,
        key_text: "6",
        text: "Play the past 10 times as fast",
        action: || Action::Time(Transport::Speed(5)),
    },
    Shortcut {
        key: KeyCode::Digit7,
        key_text: "7",
        text: "Play the past 60 times as fast",
        action: || Action::Time(Transport::Speed(6)),
    },
    Shortcut {
        key: KeyCode::KeyK,
        key_text: "K",
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
        key: KeyCode::KeyG,
        key_text: "G",
        text: "The timeline: runs and steps as bars over time",
        action: || Action::ToggleTimeline,
    },
    Shortcut {
        key: KeyCode::KeyC,
        key_text: "C",
        text: "Compare the run with its last success, or the run before; Shift ↑ ↓: with any run",
        action: || Action::Race,
    },
    Shortcut {
        key: KeyCode::KeyH,
        key_text: "H",
        text: "The history: days and weeks of all runs; ← → ↑ ↓ choose, Enter opens",
        action: || Action::ToggleHistory,
    },
    Shortcut {
        key: KeyCode::Equal,
        key_text: "+",
        text: "Timeline: zoom in; history: a shorter period",
        action: || Action::ZoomTime(1),
    },
    Shortcut {
        key: KeyCode::Minus,
        key_text: "-",
        text: "Timeline: zoom out; history: a longer period",
        action: || Action::ZoomTime(-1),
    },
    Shortcut {
        key: KeyCode::KeyA,
        key_text: "A",
        text: "Turn the director (auto) on or off",
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
        text: "Retry this failed run",
        action: || Action::Ask(OperationKind::Retry, None),
    },
    Shortcut {
        key: KeyCode::KeyE,
        key_text: "E",
        text: "Execute this queued run",
        action: || Action::Ask(OperationKind::Execute, None),
    },
    Shortcut {
        key: KeyCode::KeyM,
        key_text: "M",
        text: "Mark the selected failure, or all, as seen",
        action: || Action::MarkSeen(None),
    },
    Shortcut {
        key: KeyCode::KeyJ,
        key_text: "J",
        text: "Skip a gap of the recording",
        action: || Action::SkipPause,
    },
    Shortcut {
        key: KeyCode::F11,
        key_text: "F11",
        text: "Full screen, or a window",
        action: || Action::ToggleFullscreen,
    },
    Shortcut {
        key: KeyCode::F1,
        key_text: "F1",
        text: "Demo: play at the speed of a real studio",
        action: || Action::Present(Presenting::Speed(1)),
    },
    Shortcut {
        key: KeyCode::F2,
        key_text: "F2",
        text: "Demo: play 2 times as fast",
        action: || Action::Present(Presenting::Speed(2)),
    },
    Shortcut {
        key: KeyCode::F5,
        key_text: "F5",
        text: "Demo: play 5 times as fast",
        action: || Action::Present(Presenting::Speed(5)),
    },
    Shortcut {
        key: KeyCode::F6,
        key_text: "F6",
        text: "Demo: the next run fails; it starts at once",
        action: || Action::Present(Presenting::FailNext),
    },
    Shortcut {
        key: KeyCode::F7,
        key_text: "F7",
        text: "Demo: the next run needs a fix; it starts at once",
        action: || Action::Present(Presenting::FixNext),
    },
    Shortcut {
        key: KeyCode::F8,
        key_text: "F8",
        text: "Demo: pause the studio, or let it go on",
        action: || Action::Present(Presenting::TogglePause),
    },
    Shortcut {
        key: KeyCode::F9,
        key_text: "F9",
        text: "Demo: open the studio again, from its beginning",
        action: || Action::Present(Presenting::Restart),
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
        text: "Close what is open, return to the wall, or follow again",
        action: || Action::Back,
    },
];

/// A key with Ctrl. A page has none of them, because they are the browser's.
pub struct Chord {
    /// Key, by its position on the keyboard, for layouts that are not Latin.
    pub key: KeyCode,
    /// Letter that the key produces.
    pub letter: &'static str,
    /// Names of the keys.
    pub keys: &'static str,
    /// Short description of the action.
    pub text: &'static str,
    /// Creates the action.
    pub action: fn() -> Action,
}

/// All keys with Ctrl.
pub const CHORDS: &[Chord] = &[
    Chord {
        key: KeyCode::KeyO,
        letter: "o",
        keys: "Ctrl O",
        text: "Open a recording",
        action: || Action::ChooseFiles,
    },
    Chord {
        key: KeyCode::KeyR,
        letter: "r",
        keys: "Ctrl R",
        text: "Record what arrives, or end the recording",
        action: || Action::ToggleRecording,
    },
];
