//! The page and the events behind one address: `meterbridge serve`.
//!
//! | path | what it gives |
//! | --- | --- |
//! | `/events`, where there is an upstream | the hub's stream of all runs |
//! | else `/events`, and `/api/v1/runs/events?run_id=…` in the backend's dialect | the demo studio's WebSocket, as `meterbridge demo` has it |
//! | `/api/v1/…` | the backend's REST, passed through |
//! | `/healthz`, `/metrics` | how the hub is |
//! | `/login` | the way in for browsers, where a token is asked for |
//! | everything else | the page: GET and HEAD of its files |
//!
//! | module | what it is |
//! | --- | --- |
//! | `args` | `meterbridge serve …` |
//! | `server` | connections: accepted, bounded in number and in time, and ended |
//! | `events` | a WebSocket's handshake; what comes after it is the demo's, or the hub's |
//! | [`relay`] | the hub itself |
//! | `front` | all that stands in front of it, put together |
//! | [`gate`] | who may come in |
//! | [`passthrough`] | the backend's REST |
//! | `health`, `metrics` | `/healthz`, `/metrics` |
//! | [`site`] | the page's files, in a folder or in this program |
//! | `headers` | what every answer says to the browser |
//!
//! A studio's viewer may come from a page of another origin, as with `meterbridge demo`: what the studio
//! tells is made up and public, and what clients send changes nothing. A hub's may not.

mod answer;
mod args;
mod error;
mod events;
mod front;
pub mod gate;
mod headers;
mod health;
mod metrics;
pub mod passthrough;
pub mod relay;
mod run;
mod server;
pub mod site;
mod started;

pub use args::ServeArgs;
pub use error::HubError;
pub use front::FrontOptions;
pub use headers::CONTENT_SECURITY_POLICY;
pub use relay::{Counters, Hub, HubOptions, JournalRetention, StoreError, StoreState};
pub use run::run;
pub use server::HubServer;
pub use site::Site;

/// Characters of the longest line that is told.
const LONGEST_LINE: usize = 1_000;

/// Tells whoever runs the hub, in one line: names and words from outside may be in it.
fn tell(text: &str) {
    use std::io::Write;

    // A closed stderr is no reason not to serve.
    let _ = writeln!(std::io::stderr(), "{}", crate::text::excerpt(text, LONGEST_LINE));
}
