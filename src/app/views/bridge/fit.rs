//! Fitting of the bridge's texts into their panels.

use crate::app::draw::{Face, measure};

/// Returns the first of the texts that fits into `room`.
pub(super) fn first_fitting<T: AsRef<str>>(
    face: Face,
    size: f32,
    texts: &[T],
    room: f32,
) -> Option<&str> {
    texts.iter().map(AsRef::as_ref).find(|text| measure(face, size, 0.0, text) <= room)
}

/// Returns the size of type at which a text is at most `room` wide, `wanted` at most.
pub(super) fn shrunk(face: Face, wanted: f32, text: &str, room: f32) -> f32 {
    let width = measure(face, wanted, 0.0, text);
    if width <= room { wanted } else { wanted * (room / width).max(0.05) }
}
