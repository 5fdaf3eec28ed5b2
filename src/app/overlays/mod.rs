//! Overlays, drawn above the views: toasts, the director's pill, and hints: beside the pointer, at the keys, and
//! at a drop.

#[cfg(not(target_arch = "wasm32"))]
pub mod drop_hint;
pub mod first_hint;
pub mod hint;
pub mod notices;
pub mod pill;
