//! Tasks of a source: on its thread's runtime, or in a page on that of the browser.

use std::future::Future;

/// Starts a task that outlives whoever started it.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}

/// Starts a task that outlives whoever started it.
#[cfg(target_arch = "wasm32")]
pub(super) fn spawn(task: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(task);
}
