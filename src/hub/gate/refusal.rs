//! Reasons for refusing a request, with status, text and count.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::hub::{answer::error_response, history::FRAMES, relay::SEEN_PATH};

/// Reason why a connection or request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Too many requests from the address.
    Rate,
    /// The `Host` header is not a name of this hub (DNS rebinding).
    Host,
    /// The request comes from a page of another site.
    Origin,
    /// The token is missing or wrong.
    Token,
    /// The token is wrong, and so were too many before it from the address.
    Mistakes,
    /// Too many connections from the address.
    Connections,
    /// Too many screens.
    Clients,
    /// Too many requests are being answered.
    Busy,
    /// The request is too large.
    Size,
    /// The hub does not perform this operation for screens.
    Action,
}

impl Reason {
    /// All reasons, in the order of their discriminants.
    pub const ALL: [Self; 10] = [
        Self::Rate,
        Self::Host,
        Self::Origin,
        Self::Token,
        Self::Mistakes,
        Self::Connections,
        Self::Clients,
        Self::Busy,
        Self::Size,
        Self::Action,
    ];

    /// Returns the name used in metrics labels.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Host => "host",
            Self::Origin => "origin",
            Self::Token => "token",
            Self::Mistakes => "wrong_tokens",
            Self::Connections => "connections",
            Self::Clients => "screens",
            Self::Busy => "busy",
            Self::Size => "size",
            Self::Action => "action",
        }
    }

    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Rate | Self::Mistakes => StatusCode::TOO_MANY_REQUESTS,
            Self::Host | Self::Origin | Self::Action => StatusCode::FORBIDDEN,
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::Connections | Self::Clients | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Size => StatusCode::PAYLOAD_TOO_LARGE,
        }
    }

    /// Returns a text that says what happened and what to do.
    pub fn words(self) -> &'static str {
        match self {
            Self::Rate => "too many requests from this address: send fewer",
            Self::Host => {
                "this hub accepts only the names of its own machine: open it as 127.0.0.1 or \
                 localhost, or start it with a token (METERBRIDGE_HUB_TOKEN) or --allow-origin"
            }
            Self::Origin => {
                "a page of another site may not do this: open the hub's own page, or start the hub \
                 with --allow-origin"
            }
            Self::Token => {
                "this request needs the token for screens: send it as `Authorization: Bearer …`, or \
                 sign in at /login"
            }
            Self::Mistakes => {
                "wrong token, after several wrong ones from this address: ask the operator of this hub"
            }
            Self::Connections => "this address has too many connections (--max-per-address)",
            Self::Clients => "too many screens are connected (--max-screens)",
            Self::Busy => "this hub is answering too many requests: try again",
            Self::Size => "the request is too large",
            Self::Action => {
                "this hub does not allow actions on runs: start it with --allow-actions to start, cancel, \
                 retry and execute runs through it"
            }
        }
    }

    /// Returns an additional header of the answer.
    fn header(self) -> Option<(HeaderName, &'static str)> {
        match self {
            Self::Rate | Self::Busy => Some((header::RETRY_AFTER, "1")),
            Self::Mistakes => Some((header::RETRY_AFTER, "60")),
            Self::Clients => Some((header::RETRY_AFTER, "30")),
            Self::Token => Some((header::WWW_AUTHENTICATE, "Bearer realm=\"meterbridge\"")),
            _ => None,
        }
    }
}

/// Returns the answer to a refused request for `path`.
pub(super) fn answer(reason: Reason, path: &str) -> Response {
    let mut response = if answers_in_json(path) {
        error_response(reason.status(), reason.words())
    } else {
        (reason.status(), format!("{}\n", reason.words())).into_response()
    };
    if let Some((name, value)) = reason.header() {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// True for paths whose own errors are JSON, too.
fn answers_in_json(path: &str) -> bool {
    path.starts_with("/api/")
        || path == SEEN_PATH
        || path.strip_prefix(FRAMES).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Numbers of refusals by reason.
#[derive(Debug, Default)]
pub struct Refusals([AtomicU64; Reason::ALL.len()]);

impl Refusals {
    /// Counts one refusal.
    pub fn count(&self, reason: Reason) {
        if let Some(count) = self.0.get(reason as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns every reason with its count.
    pub fn counts(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL
            .into_iter()
            .zip(&self.0)
            .map(|(reason, it)| (reason, it.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_by_reason() {
        let refusals = Refusals::default();
        refusals.count(Reason::Action);
        refusals.count(Reason::Host);
        refusals.count(Reason::Host);
        let counted: Vec<_> = refusals.counts().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [(Reason::Host, 2), (Reason::Action, 1)]);
    }
}
