//! Actions that a user can request: the vocabulary, the table of their names and keys, and the reasons why
//! one has no effect now.

mod obstacle;
mod table;

use bevy::prelude::*;
use jiff::Timestamp;

use super::dock::PanelSide;
use crate::config::ThemeName;
use crate::export::TableForm;
use crate::history::Last;
use crate::model::{Run, RunStatus};
use crate::protocol::RunId;
use crate::source::{Address, RunOperation, SourceSpec};

pub use self::obstacle::{Obstacle, Situation};
pub use self::table::{ACTIONS, ActionEntry, ActionGroup, COPY_KEYS, KeyCombination, Scope, With};

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
    /// Shows the stage of the run in focus.
    ShowStage,
    /// Switches between the wall of all runs and the stage of one run.
    ToggleWall,
    /// Switches between the timeline and the view of the same runs.
    ToggleTimeline,
    /// Compares the run with another one: as a race on the timeline, where it then takes the next one and none;
    /// side by side on the desk.
    Race,
    /// Zooms the timeline by a number of steps; positive ones are closer.
    ZoomTime(i32),
    /// Shows the history of all runs by hours and days, or goes back.
    ToggleHistory,
    /// Opens the desk, or goes back to the view that it was opened from.
    ToggleDesk,
    /// Opens the desk with the search for runs.
    SearchRuns,
    /// Saves the runs that the desk lists, in this form.
    ExportRuns(TableForm),
    /// Shows the newest earlier run of the song that finished.
    SelectLastSuccess,
    /// Copies what is known of the run as text for a ticket.
    CopyRun,
    /// Opens or closes the palette, which finds actions, runs, steps and settings.
    TogglePalette,
    /// Opens or closes the settings.
    ToggleSettings,
    /// Opens the settings at this one, by its name.
    ShowSetting(String),
    /// Saves the values of a setting; `None` removes them, so that the default holds again.
    ChangeSetting(String, Option<Vec<String>>),
    /// Takes back the last change of a setting.
    UndoSetting,
    /// Reads the settings file again.
    ReadSettings,
    /// Uses another profile of the settings file, or none.
    ChooseProfile(Option<String>),
    /// Makes the controls larger by a number of steps; smaller, if negative.
    ScaleControls(i32),
    /// Gives the controls their own size again.
    ResetControlsScale,
    /// Shows this period of the history.
    ShowPeriod(Last),
    /// Chooses the part of the history so many places later; earlier, if negative.
    ChoosePart(i32),
    /// Chooses the step or cause so many places further down; up, if negative.
    ChooseRow(i32),
    /// Opens the selected run and stays on it.
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
    /// Shows the panel at the next side of the window.
    MovePanel,
    /// Shows the panel at this side of the window.
    DockPanel(PanelSide),
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
    /// Gives a source a name; an empty one removes it.
    NameSource(SourceSpec, String),
    /// Forgets a recent source, with its name.
    ForgetSource(SourceSpec),
    /// Asks the server of an address once whether it answers.
    TestAddress(Address),
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
    /// Saves a text as a file, whose place the user chooses.
    SaveFile {
        /// Name that is proposed.
        name: String,
        /// Content of the file.
        text: String,
    },
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
