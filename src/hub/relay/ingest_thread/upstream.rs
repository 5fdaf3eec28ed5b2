//! The state of the upstream connection, as screens are shown it.

use jiff::Timestamp;

use crate::protocol::hub::{Upstream, UpstreamState};
use crate::source::{ConnectionState, Updates};

/// Converts the state of the source to the upstream state that screens are shown.
pub(super) fn upstream_of(state: &ConnectionState) -> Upstream {
    let words;
    let (state, reason) = match state {
        ConnectionState::Connected { updates: Updates::Live, .. } => (UpstreamState::Live, ""),
        ConnectionState::Connected { updates: Updates::Polling(polling), .. } => {
            words = polling.words();
            (UpstreamState::Polling, words.as_str())
        }
        ConnectionState::Connected { updates: Updates::Unanswered { since }, .. } => {
            let reason = "the backend does not answer".to_owned();
            return Upstream { state: UpstreamState::Lost, since: *since, reason };
        }
        // Upstream is another hub, which has lost its own upstream.
        ConnectionState::Connected { updates: Updates::Cut { reason, .. }, .. } => {
            (UpstreamState::Lost, reason.as_str())
        }
        ConnectionState::Disconnected => (UpstreamState::Lost, "not connected"),
        ConnectionState::Connecting { .. } => (UpstreamState::Lost, "connecting"),
        ConnectionState::Reconnecting { reason, .. } | ConnectionState::Failed { reason, .. } => {
            (UpstreamState::Lost, reason.as_str())
        }
    };
    Upstream { state, since: Timestamp::now(), reason: reason.to_owned() }
}
