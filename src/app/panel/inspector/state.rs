//! State of the inspector: folded sections, choice, search.

use super::artifacts_state::ArtifactsState;
use super::choice::Choice;
use super::failure_state::FailureState;
use super::lines::RunLines;
use super::raw_state::RawState;
use super::view::OpenSections;
use crate::protocol::{NodeName, RunId};

/// Folded sections, choice and search of the user, and lines of the log that belong to the shown run.
#[derive(Clone, Debug, Default)]
pub(in crate::app::panel) struct InspectorState {
    /// Unfolded sections.
    pub open: OpenSections,
    /// Set when the user asks for the log of a step; whoever shows the log takes it.
    pub wants_log: Option<(RunId, NodeName)>,
    choice: Option<Choice>,
    pub(super) lines: RunLines,
    pub(super) failure: FailureState,
    pub(super) raw: RawState,
    pub(super) artifacts: ArtifactsState,
    /// Top of each section in the last frame, from the top of the contents.
    pub(super) tops: Vec<f32>,
}

impl InspectorState {
    /// Forgets what was chosen and read of a source, because another one begins.
    pub(in crate::app::panel) fn forget(&mut self) {
        *self = Self { open: self.open, ..Self::default() };
    }

    /// Returns what is chosen: a step's attempt or an event.
    pub(in crate::app::panel) fn choice(&self) -> Option<&Choice> {
        self.choice.as_ref()
    }

    /// Chooses a step's attempt or an event, here and wherever else it appears.
    pub(in crate::app::panel) fn choose(&mut self, choice: Option<Choice>) {
        self.choice = choice;
    }

    /// Returns the number of the log line that stands for the choice, as of the last frame: the chosen event,
    /// else the one that ended the chosen attempt, else the one that started it.
    pub(in crate::app::panel) fn framed_event(&self) -> Option<u64> {
        let choice = self.choice.as_ref()?;
        choice.event.or_else(|| self.lines.event_of(choice))
    }
}
