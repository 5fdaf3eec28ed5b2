//! State of panel and desk between frames, and the data that they show.

use bevy::prelude::*;
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::compare::CompareState;
use super::connection::ConnectionDraft;
use super::desk::{DeskState, Pane};
use super::inspector::{Choice, InspectorState};
use super::log::LogState;
use super::node::NodeChoice;
use super::runs::RunList;
use super::runs_table::RunsTableState;
use crate::app::control::run_operations::RunOperations;
use crate::app::state::dock::PanelSide;
use crate::app::state::focus::Focus;
use crate::app::state::link::Link;
use crate::app::state::opening::{BeingOpened, RecentSources};
use crate::app::state::run_store::RunStore;
use crate::app::views::bridge::TransportView;
use crate::config::ThemeName;
use crate::protocol::{NodeName, RunId};
use crate::source::SourceSpec;

/// Sections that are unfolded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Unfolded {
    pub connection: bool,
    pub runs: bool,
    pub operations: bool,
    pub node: bool,
    pub notices: bool,
    pub log: bool,
}

impl Default for Unfolded {
    fn default() -> Self {
        Self {
            connection: true,
            runs: true,
            operations: true,
            node: true,
            notices: false,
            log: true,
        }
    }
}

/// Text typed, items chosen and sections folded by the user.
#[derive(Resource, Clone, Debug, Default)]
pub(super) struct PanelState {
    pub unfolded: Unfolded,
    pub connection: ConnectionDraft,
    pub runs: RunList,
    pub node: NodeChoice,
    pub log: LogState,
    pub inspector: InspectorState,
    pub compare: CompareState,
    /// Choices in events and details when they were last brought in step.
    pub chosen: Chosen,
    pub desk: DeskState,
    pub table: RunsTableState,
    /// Activity over time at the desk's foot, with what it was made from.
    pub transport: Option<(TransportKey, TransportView)>,
    /// True when the confirmation dialog was open in the last frame.
    pub asked: bool,
}

impl PanelState {
    /// Shows the attempts of this step.
    pub(super) fn show_step(&mut self, run: &RunId, node: &NodeName) {
        let choice = Choice { run: run.clone(), node: Some(node.clone()), attempt: 0, event: None };
        self.inspector.choose(Some(choice));
        self.node.choose(run.clone(), node.clone());
        self.desk.shown = Pane::Inspector;
        self.log.show_node(run, node, None);
    }
}

/// Choice in the list of events, and in the details.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Chosen {
    pub of_log: Option<(RunId, Option<NodeName>, Option<u32>)>,
    pub of_inspector: Option<Choice>,
}

/// Inputs of the activity at the desk's foot: the second, the instant that is shown, and the number of jumps.
pub(super) type TransportKey = (i64, Option<(Timestamp, bool)>, u64);

/// Inputs of the panel.
pub(super) struct PanelView<'a> {
    pub run_store: &'a RunStore,
    pub link: &'a Link,
    pub stream: Option<&'a SourceSpec>,
    pub recent: &'a RecentSources,
    pub being_opened: &'a BeingOpened,
    /// Size and file of the recording that is being made.
    pub recording: Option<(String, String)>,
    pub focus: &'a Focus,
    /// The present, whatever moment is shown.
    pub live_now: Timestamp,
    /// The time that is shown, by this machine's clock.
    pub now: Timestamp,
    pub server_now: Timestamp,
    pub zone: &'a TimeZone,
    pub share: Option<&'a str>,
    pub theme: ThemeName,
    /// Side of the window at which the panel stands.
    pub side: PanelSide,
    pub operations: &'a RunOperations,
    /// Warning that the screen may go dark.
    pub sleep_warning: Option<&'a str>,
}
