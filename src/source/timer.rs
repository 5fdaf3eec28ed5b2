//! Sleep function of the platform.

#[cfg(target_arch = "wasm32")]
pub(super) use gloo_timers::future::sleep;
#[cfg(not(target_arch = "wasm32"))]
pub(super) use tokio::time::sleep;
