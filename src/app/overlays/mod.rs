//! Overlays, drawn above the views: toasts and the director's pill.

pub mod notices;
pub mod pill;
