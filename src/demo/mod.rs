//! The demo studio: a simulated AMCS backend on a real WebSocket.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`scenario`] | seeded, pure: what happens in the studio, in studio time; no clock, no I/O |
//! | [`dialect`] | an event of the studio → the JSON text a backend would send |
//! | `history` | what a viewer who connects late is replayed; bounded |
//! | [`server`] | studio time → wall clock, the WebSocket endpoints, the clients |
//! | `args` (feature `cli`) | `meterbridge demo …`, and what `serve` has in common with it |
//!
//! The app starts it with [`spawn_thread`] and connects to [`DemoHandle::url`] as to any backend;
//! the command line runs it alone with `run`. Nothing here knows the model: what is shown of the
//! demo has gone through a socket and the decoder like everything else.

#[cfg(all(feature = "cli", not(target_arch = "wasm32")))]
pub mod args;
pub mod dialect;
#[cfg(not(target_arch = "wasm32"))]
mod error;
#[cfg(not(target_arch = "wasm32"))]
mod handle;
#[cfg(not(target_arch = "wasm32"))]
mod history;
#[cfg(all(feature = "cli", not(target_arch = "wasm32")))]
mod run;
pub mod scenario;
#[cfg(not(target_arch = "wasm32"))]
pub mod server;
mod speed;

#[cfg(all(feature = "cli", not(target_arch = "wasm32")))]
pub use args::{DemoArgs, DemoStudioArgs};
pub use dialect::Dialect;
#[cfg(not(target_arch = "wasm32"))]
pub use error::DemoError;
#[cfg(not(target_arch = "wasm32"))]
pub use handle::{DemoHandle, spawn_thread};
#[cfg(all(feature = "cli", not(target_arch = "wasm32")))]
pub use run::run;
#[cfg(not(target_arch = "wasm32"))]
pub use server::{DemoBroadcaster, DemoOptions, DemoServer};
pub use speed::{SPEEDS, parse_speed};
