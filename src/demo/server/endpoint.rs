//! Endpoints of the studio, by the path of the handshake.

use tokio_tungstenite::tungstenite::http::{StatusCode, Uri};
use uuid::Uuid;

use super::super::Dialect;

/// Path of the stream of all runs.
pub const ALL_RUNS: &str = "/events";

/// Path of the stream of one run, `?run_id=…`; backend dialect only.
pub const ONE_RUN: &str = "/api/v1/runs/events";

/// Reason for refusing a client before its handshake is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Too many clients, or the studio is closing.
    Full,
    /// Unknown path.
    Unknown,
}

impl Refusal {
    /// Returns the HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Full => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unknown => StatusCode::NOT_FOUND,
        }
    }

    /// Returns a text for people: one line with a line break.
    pub fn text(self) -> &'static str {
        match self {
            Self::Full => "The demo studio is full.\n",
            Self::Unknown => "The demo studio is at /events.\n",
        }
    }
}

/// The endpoint behind a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// Stream of all runs.
    Everything,
    /// Stream of one run, as the backend replays it.
    Run(Uuid),
    /// The handshake succeeds, and the connection is then closed with 1008 and this reason.
    Refused(&'static str),
}

impl Endpoint {
    /// Returns the endpoint at a path; `None` if there is none.
    pub(super) fn at(uri: &Uri, dialect: Dialect) -> Option<Self> {
        match (uri.path(), dialect) {
            (ALL_RUNS, _) => Some(Self::Everything),
            (ONE_RUN, Dialect::Backend) => Some(Self::one_run(uri.query())),
            _ => None,
        }
    }

    fn one_run(query: Option<&str>) -> Self {
        let run_id = query
            .into_iter()
            .flat_map(|query| query.split('&'))
            .find_map(|pair| pair.strip_prefix("run_id="))
            .filter(|run_id| !run_id.is_empty());
        match run_id.map(Uuid::try_parse) {
            None => Self::Refused("Missing run_id query parameter"),
            Some(Err(_)) => Self::Refused("Invalid run_id format"),
            Some(Ok(run_id)) => Self::Run(run_id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_depend_on_path_and_dialect() {
        let run_id = Uuid::from_u128(0x1234_5678_9abc_4def_8123_4567_89ab_cdef);
        let one_run = format!("/api/v1/runs/events?x=1&run_id={run_id}");
        let check = |path: &str, dialect, expected: Option<Endpoint>| {
            let uri: Uri = path.parse().unwrap();
            assert_eq!(Endpoint::at(&uri, dialect), expected, "{path}");
        };
        use Dialect::{Backend, Guide};
        check("/events", Guide, Some(Endpoint::Everything));
        check("/events?token=abc", Backend, Some(Endpoint::Everything));
        check(&one_run, Backend, Some(Endpoint::Run(run_id)));
        check(&one_run, Guide, None);
        let missing = Some(Endpoint::Refused("Missing run_id query parameter"));
        check("/api/v1/runs/events", Backend, missing.clone());
        check("/api/v1/runs/events?run_id=", Backend, missing);
        let invalid = Some(Endpoint::Refused("Invalid run_id format"));
        check("/api/v1/runs/events?run_id=run-123", Backend, invalid);
        check("/", Guide, None);
        check("/eventsource", Backend, None);
    }
}
