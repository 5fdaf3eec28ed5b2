//! The demo studio: a simulated AMCS backend on a real WebSocket.
//!
//! | module | content |
//! | --- | --- |
//! | [`scenario`] | what happens in the studio, in studio time; seeded, without clock and I/O |
//! | [`dialect`] | renders events as the JSON text of a backend |
//! | `history` | events replayed to viewers who connect later; bounded |
//! | [`server`] | studio time → wall-clock time, WebSocket endpoints, clients |
//! | `args` (feature `cli`) | arguments of `meterbridge demo`, partly shared with `serve` |
//!
//! The app starts the studio with [`spawn_thread`] and connects to [`DemoHandle::url`] like to any
//! backend; the command line runs it alone with `run`. The demo does not know the model: its
//! events go through a socket and the decoder like all others.

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
pub use server::{DemoAnswer, DemoBroadcaster, DemoCommand, DemoControls, DemoOptions, DemoServer};
pub use speed::{SPEEDS, parse_speed};
