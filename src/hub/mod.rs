//! `meterbridge serve`: the page and the events behind one address.
//!
//! | path | content |
//! | --- | --- |
//! | `/events`, with an upstream | the hub's stream of all runs |
//! | otherwise `/events`, and `/api/v1/runs/events?run_id=…` in the backend's dialect | the demo studio's WebSocket, as in `meterbridge demo` |
//! | `/api/v1/…` | the backend's REST API, forwarded |
//! | `/healthz`, `/metrics` | health and metrics of the hub |
//! | `/history`, `/history/summary` | kept frames as a recording; what became of runs |
//! | `/screens` | screens report, and are listed |
//! | `/seen` | POST marks failures as seen, for all screens |
//! | `/login` | login for browsers, when a token is required |
//! | everything else | the page: GET and HEAD of its files |
//!
//! | module | content |
//! | --- | --- |
//! | `args`, `cluster_args` | arguments of `meterbridge serve` |
//! | `server` | connections: accepting, limiting and closing them |
//! | `connections` | which connection is closed when there are too many |
//! | `events` | the WebSocket handshake, before a connection goes to the demo or the hub |
//! | [`relay`] | the hub itself |
//! | `front` | everything in front of the hub |
//! | [`gate`] | access control |
//! | [`passthrough`] | the backend's REST API |
//! | `history` | `/history`, `/history/summary` |
//! | `screens` | `/screens` |
//! | `seen` | `/seen` |
//! | `health`, `metrics` | `/healthz`, `/metrics` |
//! | [`site`] | the page's files, from a folder or embedded in the program |
//! | [`webhooks`] | what happens in the studio, told to other services |
//! | `headers` | HTTP headers |
//!
//! Viewers of a demo studio may come from pages of other origins, as with `meterbridge demo`: its
//! data is made up and public, and input from clients changes nothing. Viewers of a hub may not.

mod answer;
mod args;
#[cfg(feature = "cluster")]
mod cluster_args;
mod connections;
mod error;
mod events;
mod front;
pub mod gate;
mod headers;
mod health;
mod history;
mod metrics;
pub mod passthrough;
pub mod relay;
mod run;
mod screens;
mod seen;
mod server;
pub mod site;
mod started;
pub mod webhooks;

pub use args::ServeArgs;
pub use error::HubError;
pub use front::FrontOptions;
pub use headers::CONTENT_SECURITY_POLICY;
pub use relay::{Counters, Hub, HubOptions, JournalRetention, StoreError, StoreState};
pub use run::run;
pub use server::HubServer;
pub use site::Site;

/// Maximum length of a log line in characters.
const LONGEST_LINE: usize = 1_000;

/// Logs one line to stderr. The text may contain names and messages from outside and is cleaned.
fn log_line(text: &str) {
    use std::io::Write;

    // A closed stderr must not stop the server.
    let _ = writeln!(std::io::stderr(), "{}", crate::text::excerpt(text, LONGEST_LINE));
}
