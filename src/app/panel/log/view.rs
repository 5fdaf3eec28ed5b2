//! Inputs of the event log.

use jiff::tz::TimeZone;

use crate::app::state::run_store::RunStore;
use crate::model::{EventLog, Run};
use crate::protocol::RunId;

/// Inputs of the event log.
#[derive(Clone, Copy)]
pub(in crate::app::panel) struct LogView<'a> {
    pub run_store: &'a RunStore,
    /// Run in focus.
    pub run: Option<&'a RunId>,
    /// Zone of all times shown.
    pub zone: &'a TimeZone,
}

impl<'a> LogView<'a> {
    /// Log of the model as of the instant that is shown.
    pub(super) fn log(&self) -> &'a EventLog {
        self.run_store.model.log()
    }

    /// Returns a run of the model, which may have been dropped.
    pub(super) fn run_of(&self, id: &str) -> Option<&'a Run> {
        self.run_store.model.run(id)
    }
}
