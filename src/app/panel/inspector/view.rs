//! Inputs of the inspector, and its unfolded sections.

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::app::control::run_operations::RunOperations;
use crate::app::state::run_store::RunStore;
use crate::model::Run;
use crate::source::OperationRefusal;

/// Inputs of the inspector.
pub(in crate::app::panel) struct InspectorView<'a> {
    /// The model that is shown.
    pub run_store: &'a RunStore,
    /// Run to show; `None` before the first one.
    pub run: Option<&'a Run>,
    /// Time of the server at the moment that is shown.
    pub server_now: Timestamp,
    /// Time zone of all times shown.
    pub zone: &'a TimeZone,
    /// Pending operations, and whether any are allowed.
    pub operations: &'a RunOperations,
    /// `Err` with the reason when no operation is possible now.
    pub acting: Result<(), OperationRefusal>,
    /// True while nothing arrives: what is "to go" is not known then.
    pub is_offline: bool,
    /// True when the display stays on this run.
    pub is_pinned: bool,
    /// Address of a page with this run, to copy.
    pub share: Option<&'a str>,
    /// Command line that shows this run, to copy.
    pub command: Option<&'a str>,
}

/// Sections that are unfolded; kept between sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app::panel) struct OpenSections {
    /// *This run*: its steps as bars.
    pub run: bool,
    /// *Attempts of this song*.
    pub attempts: bool,
    /// *Fixes*: verdicts and scores.
    pub fixes: bool,
    /// *Step*: attempts and values of one step.
    pub step: bool,
    /// *Last error*.
    pub error: bool,
    /// *Artifacts*.
    pub artifacts: bool,
    /// *Raw events*.
    pub raw: bool,
    /// The stack traces within *Step* and *Last error*.
    pub traces: bool,
}

impl Default for OpenSections {
    fn default() -> Self {
        Self {
            run: true,
            attempts: true,
            fixes: true,
            step: true,
            error: true,
            artifacts: false,
            raw: false,
            traces: false,
        }
    }
}
