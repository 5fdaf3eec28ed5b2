//! Reasons why an action has no effect now. Keys tell them, the palette shows them beside the action.

use thiserror::Error;

use super::{Action, ActionEntry, OperationKind, Scope, Transport};
use crate::app::state::view::{TimelineMode, View};
use crate::model::{Run, RunStatus};
use crate::source::OperationRefusal;

/// Reason why an action has no effect now.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Obstacle {
    /// The action belongs to the timeline.
    #[error("only on the timeline{}", key(&Action::ToggleTimeline))]
    OnlyOnTimeline,
    /// The action belongs to the history.
    #[error("only in the history{}", key(&Action::ToggleHistory))]
    OnlyInHistory,
    /// The action races against another run.
    #[error("only in a race of two runs{}", key(&Action::Race))]
    OnlyInRace,
    /// The display shows the past.
    #[error("the past is shown; leave it first{}", key(&Action::Time(Transport::Live)))]
    Past,
    /// The display shows the present.
    #[error("the newest moment is shown already")]
    Live,
    /// The latest event is shown.
    #[error("this is the latest event; leave the past instead{}", key(&Action::Time(Transport::Live)))]
    LatestEvent,
    /// The settings allow no operations on runs.
    #[error("operations on runs are off: start meterbridge with --allow-actions")]
    NotAllowed,
    /// The source takes no operations.
    #[error(transparent)]
    Refused(#[from] OperationRefusal),
    /// There is no run to act on.
    #[error("no run is selected")]
    NoRun,
    /// No earlier run of the song finished.
    #[error("no earlier run of this song finished")]
    NoSuccess,
    /// The run is not failed.
    #[error("only a failed run can be retried; this one is {}", .0.words())]
    NotFailed(RunStatus),
    /// The run is not queued.
    #[error("only a queued run can be executed; this one is {}", .0.words())]
    NotQueued(RunStatus),
    /// The run is over.
    #[error("only a queued or running run can be cancelled; this one is {}", .0.words())]
    Over(RunStatus),
    /// The run is being cancelled.
    #[error("cancel requested: the step that is running continues to its end")]
    BeingCancelled,
    /// The operation was sent.
    #[error("it was sent; the outcome is not known yet")]
    UnderWay,
    /// The view shows all runs, so none is followed.
    #[error("this view shows all runs and follows none")]
    FollowsNone,
    /// The stage is shown.
    #[error("this run is open already")]
    Open,
    /// The source is not the demo studio.
    #[error(
        "only for the demo studio, but this display shows {source_name}; start meterbridge without a \
         source to see the demo"
    )]
    NotTheDemo {
        /// Name of the source that is shown.
        source_name: String,
    },
    /// The source is not a recording.
    #[error("no recording is shown")]
    NoRecording,
    /// No recording is being opened.
    #[error("no recording is being opened")]
    NothingOpening,
    /// No stream was shown before a recording.
    #[error("no stream was shown before")]
    NoStream,
    /// The embedding app feeds the display.
    #[error("the events come from the embedding app")]
    NoSource,
    /// The display has no settings of its own.
    #[error("the settings are those of the embedding app")]
    NoSettings,
    /// The connection is closed.
    #[error("not connected")]
    Disconnected,
}

impl Obstacle {
    /// Returns the reason why an operation does not apply to a run, if so.
    pub fn of_run(kind: OperationKind, run: &Run) -> Option<Self> {
        match kind {
            _ if kind.fits(run) => None,
            OperationKind::Retry => Some(Self::NotFailed(run.status)),
            OperationKind::Execute => Some(Self::NotQueued(run.status)),
            OperationKind::Cancel if !run.status.is_over() => Some(Self::BeingCancelled),
            OperationKind::Cancel | OperationKind::Start => Some(Self::Over(run.status)),
        }
    }
}

/// Returns the first key of an action in brackets, to follow a sentence; empty where it has none.
fn key(action: &Action) -> String {
    ActionEntry::keys_of(action).map_or_else(String::new, |keys| format!(" (key {keys})"))
}

/// State of the display as far as it decides whether an action has an effect.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// View that is shown.
    pub view: View,
    /// True while the past is shown.
    pub is_rewound: bool,
    /// True while a hub is asked for an earlier moment.
    pub is_asking: bool,
    /// True when the settings allow operations on runs.
    pub may_operate: bool,
    /// Reason why the source takes no operations, if it takes none.
    pub acting: Result<(), OperationRefusal>,
    /// Run that the user looks at.
    pub run: Option<&'a Run>,
    /// True when an earlier run of its song finished.
    pub has_success: bool,
    /// True when the demo studio of this program is shown.
    pub is_demo: bool,
    /// True when a recording is shown.
    pub is_recording: bool,
    /// True while a recording is being opened.
    pub is_opening: bool,
    /// True when a stream was shown before the recording.
    pub has_stream: bool,
    /// True when the display has a source.
    pub has_source: bool,
    /// True when settings can be changed and saved.
    pub has_settings: bool,
    /// True while the connection is closed for good.
    pub is_disconnected: bool,
    /// Name of the source for people.
    pub source_name: String,
}

impl Situation<'_> {
    /// Checks whether an action has an effect now.
    ///
    /// # Errors
    ///
    /// Returns the reason when it has none.
    pub fn check(&self, action: &Action) -> Result<(), Obstacle> {
        let is_race = matches!(self.view, View::Timeline { mode: TimelineMode::Race, .. });
        let unless = |is_so: bool, obstacle: Obstacle| if is_so { Ok(()) } else { Err(obstacle) };
        match action {
            Action::NextOpponent | Action::PreviousOpponent => {
                unless(is_race, Obstacle::OnlyInRace)
            }
            Action::ChoosePart(_) | Action::ChooseRow(_) => {
                unless(Scope::History.contains(self.view), Obstacle::OnlyInHistory)
            }
            Action::ZoomTime(_) => unless(
                Scope::Timeline.contains(self.view) || Scope::History.contains(self.view),
                Obstacle::OnlyOnTimeline,
            ),
            Action::Time(Transport::Live) => {
                unless(self.is_rewound || self.is_asking, Obstacle::Live)
            }
            Action::ToggleFollowing => unless(!self.view.is_about_all(), Obstacle::FollowsNone),
            Action::OpenSelected => match self.view {
                View::Stage { .. } => Err(Obstacle::Open),
                View::History => Ok(()),
                _ => unless(self.run.is_some(), Obstacle::NoRun),
            },
            Action::CopyRun => unless(self.run.is_some(), Obstacle::NoRun),
            Action::SelectLastSuccess if self.run.is_none() => Err(Obstacle::NoRun),
            Action::SelectLastSuccess => unless(self.has_success, Obstacle::NoSuccess),
            Action::ShowStage => unless(!matches!(self.view, View::Stage { .. }), Obstacle::Open),
            Action::MarkSeen(_) => unless(!self.is_rewound, Obstacle::Past),
            Action::Ask(kind, _) => self.check_operation(*kind),
            Action::Present(_) => {
                unless(self.is_demo, Obstacle::NotTheDemo { source_name: self.source_name.clone() })
            }
            Action::SkipPause => unless(self.is_recording, Obstacle::NoRecording),
            Action::CancelOpening => unless(self.is_opening, Obstacle::NothingOpening),
            Action::BackToStream => {
                unless(self.is_recording && self.has_stream, Obstacle::NoStream)
            }
            Action::ToggleSettings | Action::UndoSetting | Action::ReadSettings => {
                unless(self.has_settings, Obstacle::NoSettings)
            }
            Action::Reconnect => unless(self.has_source, Obstacle::NoSource),
            Action::Disconnect if !self.has_source => Err(Obstacle::NoSource),
            Action::Disconnect => unless(!self.is_disconnected, Obstacle::Disconnected),
            _ => Ok(()),
        }
    }

    fn check_operation(&self, kind: OperationKind) -> Result<(), Obstacle> {
        if !self.may_operate {
            return Err(Obstacle::NotAllowed);
        }
        if self.is_rewound {
            return Err(Obstacle::Past);
        }
        self.acting?;
        if kind == OperationKind::Start {
            return Ok(());
        }
        Obstacle::of_run(kind, self.run.ok_or(Obstacle::NoRun)?).map_or(Ok(()), Err)
    }

    /// Returns the reason why an entry of the table has no effect now, if so.
    pub fn obstacle(&self, entry: &ActionEntry) -> Option<Obstacle> {
        let in_scope = entry.scope.contains(self.view);
        match (entry.scope, in_scope) {
            (Scope::Timeline, false) => Some(Obstacle::OnlyOnTimeline),
            (Scope::History, false) => Some(Obstacle::OnlyInHistory),
            _ => self.check(&(entry.action)()).err(),
        }
    }
}

#[cfg(test)]
impl Situation<'_> {
    /// Situation of tests: connected to a stream, without a run and without permission.
    pub(in crate::app) fn of_view(view: View) -> Self {
        Self {
            view,
            is_rewound: false,
            is_asking: false,
            may_operate: false,
            acting: Ok(()),
            run: None,
            has_success: false,
            is_demo: false,
            is_recording: false,
            is_opening: false,
            has_stream: false,
            has_source: true,
            has_settings: true,
            is_disconnected: false,
            source_name: "studio.example".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn action_without_effect_has_its_reason() {
        let wall = Situation::of_view(View::Wall);
        let words = |situation: &Situation, action: Action| {
            situation.check(&action).err().map(|obstacle| obstacle.to_string())
        };
        let retry = Action::Ask(OperationKind::Retry, None);
        assert!(words(&wall, retry.clone()).unwrap().contains("--allow-actions"));
        let allowed = Situation { may_operate: true, ..wall.clone() };
        assert_eq!(words(&allowed, retry.clone()).unwrap(), "no run is selected");
        let events = Situation { acting: Err(OperationRefusal::OnlyEvents), ..allowed.clone() };
        assert!(words(&events, retry).unwrap().contains("Actions need an http:// backend"));
        let present = Action::Present(super::super::Presenting::FailNext);
        assert!(words(&wall, present).unwrap().contains("shows studio.example"));
        assert_eq!(words(&wall, Action::ZoomTime(1)).unwrap(), "only on the timeline (key G)");
        assert_eq!(words(&Situation::of_view(View::History), Action::ZoomTime(1)), None);
        let past = Situation { is_rewound: true, ..wall.clone() };
        assert_eq!(words(&past, Action::Time(Transport::Live)), None);
        assert_eq!(
            words(&wall, Action::Time(Transport::Live)).unwrap(),
            "the newest moment is shown already"
        );
        let words_of_past = words(&past, Action::MarkSeen(None)).unwrap();
        assert_eq!(words_of_past, "the past is shown; leave it first (key L)");
        assert_eq!(words(&wall, Action::ToggleHelp), None);
    }
}
