//! Bevy: everything on screen.

pub mod draw;
