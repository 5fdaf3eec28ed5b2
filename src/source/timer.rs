//! Waiting, on the clock there is.

#[cfg(target_arch = "wasm32")]
pub(super) use gloo_timers::future::sleep;
#[cfg(not(target_arch = "wasm32"))]
pub(super) use tokio::time::sleep;
