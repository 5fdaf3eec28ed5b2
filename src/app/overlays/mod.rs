//! Overlays, drawn above the views: toasts, the director's pill, and the hint at a drop.

#[cfg(not(target_arch = "wasm32"))]
pub mod drop_hint;
pub mod notices;
pub mod pill;
