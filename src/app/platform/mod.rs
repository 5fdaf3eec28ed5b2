//! The environment of the application: a window, a page or a picture, and the machine around it.

// A page reads its settings from its address.
#[cfg(all(feature = "cli", target_arch = "wasm32"))]
mod browser;
#[cfg(not(target_arch = "wasm32"))]
mod clip;
#[cfg(not(target_arch = "wasm32"))]
mod estimates;
pub mod kiosk;
#[cfg(not(target_arch = "wasm32"))]
mod latest_file;
#[cfg(not(target_arch = "wasm32"))]
mod logging;
#[cfg(not(target_arch = "wasm32"))]
mod monitors;
mod notifications;
pub mod power;
#[cfg(not(target_arch = "wasm32"))]
pub mod recovery;
#[cfg(not(target_arch = "wasm32"))]
mod shutdown;
#[cfg(not(target_arch = "wasm32"))]
mod snapshot;
#[cfg(not(target_arch = "wasm32"))]
mod vitals;
mod window;
#[cfg(target_os = "linux")]
mod x_screen;

#[cfg(not(target_arch = "wasm32"))]
pub use self::clip::{ClipError, clip};
#[cfg(not(target_arch = "wasm32"))]
pub use self::snapshot::{SnapshotError, snapshot};
#[cfg(not(target_arch = "wasm32"))]
pub use self::window::{WindowError, run};
