//! The page and the events behind one address: `meterbridge serve`.
//!
//! | path | what it gives |
//! | --- | --- |
//! | `/events`, where there is an upstream | the hub's stream of all runs |
//! | else `/events`, and `/api/v1/runs/events?run_id=…` in the backend's dialect | the demo studio's WebSocket, as `meterbridge demo` has it |
//! | everything else | the page: GET and HEAD of its files |
//!
//! | module | what it is |
//! | --- | --- |
//! | `args` | `meterbridge serve …` |
//! | `server` | connections: accepted, bounded in number and in time, and ended |
//! | `events` | a WebSocket's handshake; what comes after it is the demo's, or the hub's |
//! | [`relay`] | the hub itself |
//! | [`site`] | the page's files, in a folder or in this program |
//! | `headers` | what every answer says to the browser |
//!
//! A viewer may come from a page of another origin, as with `meterbridge demo`: what the studio
//! tells is made up and public, and what clients send changes nothing.

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

pub use args::ServeArgs;
pub use error::HubError;
pub use front::FrontOptions;
pub use headers::CONTENT_SECURITY_POLICY;
pub use relay::{Counters, Hub, HubOptions, Keep, StoreError, StoreState};
pub use run::run;
pub use server::HubServer;
pub use site::Site;

/// Tells whoever runs the hub.
fn tell(text: &str) {
    use std::io::Write;

    // A closed stderr is no reason not to serve.
    let _ = writeln!(std::io::stderr(), "{text}");
}
