//! Inputs of the comparison, and the user's choices in it.

use std::sync::Arc;

use jiff::{Timestamp, tz::TimeZone};

use super::values::ParameterRow;
use crate::app::panel::inspector::{ReadState, RunLines};
use crate::app::state::run_store::RunStore;
use crate::model::Run;
use crate::protocol::RunId;

/// Runs of a song that have a number of their own as B.
pub(super) const MOST_NUMBERS: usize = 9;

/// Inputs of the comparison.
pub(in crate::app::panel) struct CompareView<'a> {
    /// The model that is shown.
    pub run_store: &'a RunStore,
    /// Run that is compared.
    pub a: &'a Run,
    /// Run that it is compared with; `None` for the usual run.
    pub b: Option<&'a Run>,
    /// Time of the server at the moment that is shown.
    pub server_now: Timestamp,
    /// Time zone of all times shown.
    pub zone: &'a TimeZone,
}

/// Run that another one is compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::app::panel) enum Against {
    /// The song's run before it, else the usual run.
    #[default]
    AttemptBefore,
    /// A chosen run.
    Run(RunId),
    /// The median of each step.
    Usual,
}

/// Panes of a comparison that is too narrow for all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::app::panel) enum Tab {
    /// Time in each step.
    #[default]
    Times,
    /// Scores and errors.
    Scores,
    /// Seed and model parameters.
    Parameters,
}

impl Tab {
    /// All tabs with their words.
    pub(super) const ALL: [(Self, &'static str); 3] =
        [(Self::Times, "Times"), (Self::Scores, "Scores"), (Self::Parameters, "Parameters")];
}

/// Choices of the user.
#[derive(Clone, Debug, Default)]
pub(in crate::app::panel) struct CompareState {
    /// Run that A is compared with.
    pub against: Against,
    /// True when equal values are hidden.
    pub only_differences: bool,
    /// Shown tab of a narrow comparison.
    pub tab: Tab,
    /// Selected run when A and B were chosen.
    selected: Option<RunId>,
    /// Run that is A; `None` for the selected one.
    side_a: Option<RunId>,
    pub(super) a: RunLines,
    pub(super) b: RunLines,
    /// Parameters, with the events of A and B that they were read from.
    pub(super) parameters: (Vec<ReadState>, Arc<[ParameterRow]>),
}

impl CompareState {
    /// Returns A and B for the selected run; B is `None` for the usual run. Another selected run is compared
    /// with the attempt before it again.
    pub(in crate::app::panel) fn sides<'a>(
        &mut self,
        run: &'a Run,
        run_store: &'a RunStore,
    ) -> (&'a Run, Option<&'a Run>) {
        if self.selected.as_ref() != Some(run.id()) {
            self.selected = Some(run.id().clone());
            (self.side_a, self.against) = (None, Against::default());
        }
        let a = self.side_a.as_ref().and_then(|id| run_store.model.run(id)).unwrap_or(run);
        let b = match &self.against {
            Against::AttemptBefore => run_store.attempt_before(a),
            Against::Run(id) => run_store.model.run(id).filter(|other| other.id() != a.id()),
            Against::Usual => None,
        };
        (a, b)
    }

    /// Makes A of B and B of A.
    pub(super) fn swap(&mut self, a: &Run, b: &Run) {
        self.side_a = Some(b.id().clone());
        self.against = Against::Run(a.id().clone());
    }
}
