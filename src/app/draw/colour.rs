//! Colour conversions.

use bevy::color::{Color, Srgba};

use crate::bounded::bounded;

/// Removes a fraction `amount` of the saturation: 0 keeps the colour, 1 makes it grey.
pub(super) fn desaturated(colour: Color, amount: f32) -> Color {
    let srgb = colour.to_srgba();
    let grey = 0.2126 * srgb.red + 0.7152 * srgb.green + 0.0722 * srgb.blue;
    let mix = |c: f32| c + (grey - c) * bounded(amount, 0.0, 1.0);
    Srgba::new(mix(srgb.red), mix(srgb.green), mix(srgb.blue), srgb.alpha).into()
}
