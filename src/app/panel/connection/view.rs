//! Inputs of the connection section.

use std::collections::VecDeque;

use jiff::{Timestamp, tz::TimeZone};

use crate::app::panel::sources::SourcesView;
use crate::app::state::link::Link;
use crate::app::state::link_health::LinkHealth;
use crate::model::Counters;
use crate::source::{ConnectionLogEntry, ConnectionSettings, ConnectionState, SourceSpec, Updates};

/// Inputs of the section.
pub(in crate::app::panel) struct ConnectionView<'a> {
    pub source: Option<&'a SourceSpec>,
    pub sources: SourcesView<'a>,
    /// URL in use.
    pub url: &'a str,
    pub state: &'a ConnectionState,
    pub settings: &'a ConnectionSettings,
    pub last_error: Option<&'a (Timestamp, String)>,
    pub log: &'a VecDeque<ConnectionLogEntry>,
    pub backlog: usize,
    pub counters: &'a Counters,
    pub health: &'a LinkHealth,
    pub now: Timestamp,
    pub zone: &'a TimeZone,
}

impl<'a> ConnectionView<'a> {
    pub(in crate::app::panel) fn new(
        link: &'a Link,
        sources: SourcesView<'a>,
        counters: &'a Counters,
        now: Timestamp,
        zone: &'a TimeZone,
    ) -> Self {
        Self {
            source: link.source.as_ref(),
            sources,
            url: match (&link.source, sources.stream) {
                (Some(SourceSpec::Recording(_)), Some(stream)) => stream.address(),
                (Some(SourceSpec::Recording(_)), None) => "",
                _ => &link.url,
            },
            state: &link.state,
            settings: &link.settings,
            last_error: link.last_error.as_ref(),
            log: &link.log,
            backlog: link.backlog,
            counters,
            health: &link.health,
            now,
            zone,
        }
    }
}

/// Words of a connection state.
pub(super) fn state_words(state: &ConnectionState) -> String {
    match state {
        ConnectionState::Disconnected => "Disconnected".to_owned(),
        ConnectionState::Connecting { .. } => "Connecting".to_owned(),
        ConnectionState::Connected { updates: Updates::Unanswered { .. }, .. } => {
            "Connected, no answer".to_owned()
        }
        ConnectionState::Connected { updates: Updates::Cut { .. }, .. } => {
            "Hub without its backend".to_owned()
        }
        ConnectionState::Connected { .. } => "Connected".to_owned(),
        ConnectionState::Reconnecting { attempt, max_attempts: 0, .. } => {
            format!("Reconnecting, attempt {attempt}")
        }
        ConnectionState::Reconnecting { attempt, max_attempts, .. } => {
            format!("Reconnecting, attempt {attempt}/{max_attempts}")
        }
        ConnectionState::Failed { .. } => "Failed".to_owned(),
    }
}
