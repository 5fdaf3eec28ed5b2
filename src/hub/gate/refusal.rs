//! Why a request is refused: its status, its words, and how often that was.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::hub::answer::detail;

/// Why somebody is not let in, or not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// More requests than an address may make.
    Rate,
    /// It asks for a host that this is not (a name that was made to mean this machine).
    Host,
    /// A page of another site.
    Origin,
    /// The token was not shown, or was another one.
    Token,
    /// So many wrong tokens that none is looked at.
    Mistakes,
    /// More connections than an address may have.
    Connections,
    /// More screens than there may be.
    Clients,
    /// Something larger than it may be.
    Size,
    /// Something that is not done for screens.
    Action,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Rate,
        Self::Host,
        Self::Origin,
        Self::Token,
        Self::Mistakes,
        Self::Connections,
        Self::Clients,
        Self::Size,
        Self::Action,
    ];

    /// As it stands in a label.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Host => "host",
            Self::Origin => "origin",
            Self::Token => "token",
            Self::Mistakes => "wrong_tokens",
            Self::Connections => "connections",
            Self::Clients => "screens",
            Self::Size => "size",
            Self::Action => "action",
        }
    }

    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Rate | Self::Mistakes => StatusCode::TOO_MANY_REQUESTS,
            Self::Host | Self::Origin | Self::Action => StatusCode::FORBIDDEN,
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::Connections | Self::Clients => StatusCode::SERVICE_UNAVAILABLE,
            Self::Size => StatusCode::PAYLOAD_TOO_LARGE,
        }
    }

    /// What happened, and what to do.
    pub fn words(self) -> &'static str {
        match self {
            Self::Rate => "too many requests came from this address: ask less often",
            Self::Host => {
                "this hub answers to the names of its own machine only: open it as 127.0.0.1 or \
                 localhost, or give it a token (METERBRIDGE_HUB_TOKEN) or --allow-origin"
            }
            Self::Origin => {
                "a page of another site may not do this: open the hub's own page, or start the hub \
                 with --allow-origin"
            }
            Self::Token => {
                "this needs the token for screens: send it as `Authorization: Bearer …`, or sign in \
                 at /login"
            }
            Self::Mistakes => "too many wrong tokens came from this address: wait a minute",
            Self::Connections => "this address has too many connections (--max-per-address)",
            Self::Clients => "there are as many screens as there may be (--max-screens)",
            Self::Size => "the request is too large",
            Self::Action => {
                "this hub only shows: start it with --allow-actions to start, cancel, retry and \
                 execute runs through it"
            }
        }
    }

    /// What else the answer says.
    fn header(self) -> Option<(HeaderName, &'static str)> {
        match self {
            Self::Rate => Some((header::RETRY_AFTER, "1")),
            Self::Mistakes => Some((header::RETRY_AFTER, "60")),
            Self::Clients => Some((header::RETRY_AFTER, "30")),
            Self::Token => Some((header::WWW_AUTHENTICATE, "Bearer realm=\"meterbridge\"")),
            _ => None,
        }
    }
}

/// The answer to a request for `path`.
pub(super) fn answer(reason: Reason, path: &str) -> Response {
    let mut response = if path.starts_with("/api/") {
        detail(reason.status(), reason.words())
    } else {
        (reason.status(), format!("{}\n", reason.words())).into_response()
    };
    if let Some((name, value)) = reason.header() {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// How many were refused, by reason.
#[derive(Debug, Default)]
pub struct Refusals([AtomicU64; Reason::ALL.len()]);

impl Refusals {
    /// One more.
    pub fn count(&self, reason: Reason) {
        if let Some(count) = self.0.get(reason as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Every reason with its count.
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
    fn each_reason_is_counted_as_itself() {
        let refusals = Refusals::default();
        refusals.count(Reason::Action);
        refusals.count(Reason::Host);
        refusals.count(Reason::Host);
        let counted: Vec<_> = refusals.counts().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [(Reason::Host, 2), (Reason::Action, 1)]);
    }
}
