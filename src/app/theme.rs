//! Colours, type sizes and durations: the design's tokens. No other file names a literal colour.
//!
//! Lengths are design pixels: 1080 to the height of the screen.

use bevy::color::{Color, Srgba};

/// Colours of the dark theme.
pub mod colour {
    use super::{Color, rgb, rgba};

    pub const BG_TOP: Color = rgb(0x15161C);
    pub const BG: Color = rgb(0x101116);
    pub const BG_BOTTOM: Color = rgb(0x0C0D11);

    pub const CARD: Color = rgb(0x1B1C22);
    pub const PANEL_TOP: Color = rgb(0x22242B);
    pub const PANEL_BOTTOM: Color = rgb(0x191A20);
    pub const PANEL_DONE_TOP: Color = rgb(0x20262A);
    pub const PANEL_DONE_BOTTOM: Color = rgb(0x191C20);
    pub const GHOST: Color = rgb(0x14151A);
    pub const WELL: Color = rgb(0x0B0C10);
    pub const BRIDGE_TOP: Color = rgb(0x1E2027);
    pub const BRIDGE: Color = rgb(0x17181E);
    pub const BRIDGE_BOTTOM: Color = rgb(0x121318);
    pub const RAIL: Color = rgb(0x1A1B21);
    pub const RAIL_EDGE: Color = rgb(0x34363F);
    pub const HOLE: Color = rgb(0x08090B);
    pub const BEZEL_TOP: Color = rgb(0x262830);
    pub const BEZEL_BOTTOM: Color = rgb(0x1B1C22);

    pub const HAIR: Color = rgb(0x2B2D36);
    pub const LINE: Color = rgb(0x33363F);
    pub const LINE_STRONG: Color = rgb(0x41444F);
    pub const HIGHLIGHT: Color = rgba(0xFFFFFF, 0x1A);

    pub const TEXT: Color = rgb(0xF4F0E8);
    pub const TEXT_SECONDARY: Color = rgb(0xBDB9B0);
    pub const TEXT_TERTIARY: Color = rgb(0x908D86);
    pub const TEXT_DECORATIVE: Color = rgb(0x5E6069);

    pub const VIOLET: Color = rgb(0x5B45D8);
    pub const VIOLET_TEXT: Color = rgb(0xABA0FF);
    pub const VIOLET_LED: Color = rgb(0x7A66F0);
    pub const SELECTION: Color = rgb(0x38307A);
    pub const ON_VIOLET: Color = rgb(0xFFFFFF);

    pub const RUNNING: Color = rgb(0x56B4E9);
    pub const RUNNING_DEEP: Color = rgb(0x16394F);
    pub const RUNNING_JACKET: Color = rgb(0x17394E);
    pub const RUNNING_TRACK: Color = rgb(0x27323C);
    pub const RUNNING_TRACK_EDGE: Color = rgb(0x0C1116);
    pub const RUNNING_SCALE_OFF: Color = rgb(0x4A5560);
    pub const BEAD: Color = rgb(0xDDF3FF);
    pub const RUNNING_PANEL_TOP: Color = rgb(0x1E2B36);
    pub const RUNNING_PANEL_BOTTOM: Color = rgb(0x171C23);

    pub const SUCCESS: Color = rgb(0x2FBF8F);
    pub const SUCCESS_JACKET: Color = rgb(0x17372F);
    pub const SUCCESS_DEEP: Color = rgb(0x123F33);

    pub const FAILED: Color = rgb(0xE8603C);
    pub const FAILED_TEXT: Color = rgb(0xFF9070);
    pub const FAILED_DEEP: Color = rgb(0x3B1A12);
    pub const FAILED_INK: Color = rgb(0x1A0803);
    pub const FAILED_TINT: Color = rgb(0x4A2015);

    pub const CANCELLED: Color = rgb(0xE6A23C);
    pub const CANCELLED_DEEP: Color = rgb(0x42301A);
    pub const CANCELLED_INK: Color = rgb(0x241605);
    pub const CANCELLED_BAND: Color = rgb(0x2B2316);

    pub const KNOB_TRACK: Color = rgb(0x30333D);
    pub const KNOB_TRACK_GHOST: Color = rgb(0x2A2C35);
    pub const GHOST_EDGE: Color = rgb(0x282A33);
    pub const JACK_WELL: Color = rgb(0x0A0B0E);
    pub const JACK_HOLE: Color = rgb(0x000000);
    pub const JACK_RIM: Color = rgb(0x33353E);
    pub const PLUG: Color = rgb(0x1D2026);
    pub const PLUG_IDLE: Color = rgb(0x1A1B21);
    pub const CABLE_IDLE: Color = rgb(0x22242C);
    pub const CABLE_CORE_IDLE: Color = rgb(0x3A3D47);
    pub const PLUG_TIP: Color = rgb(0x8F9199);
    pub const LANE: Color = rgb(0x1B1D23);
    pub const LANE_IDLE: Color = rgb(0x3A3D47);
    pub const FIX_EDGE: Color = rgb(0x4A4D58);
    pub const SKIPPED_PANEL: Color = rgb(0x131418);
    pub const SHADOW: Color = rgb(0x000000);
    pub const INK: Color = rgb(0x101116);
    pub const METER_WELL: Color = rgb(0x08090C);
    pub const METER_FACE: Color = rgb(0x0D0D10);
    pub const METER_EDGE: Color = rgb(0x343741);
    pub const PENDING_OUTLINE: Color = rgb(0x3B3E48);
    pub const SKIPPED_OUTLINE: Color = rgb(0x4A4C55);
    pub const SKIPPED_HATCH: Color = rgb(0x908D86);

    pub const TILE_EDGE: Color = rgb(0x31343D);
    pub const TILE_DOT: Color = rgb(0x4A4D58);
    pub const TILE_DOT_SKIPPED: Color = rgb(0x6A6C74);
    pub const TILE_RING_BED: Color = rgb(0x141C23);
    pub const TILE_RING_TRACK: Color = rgb(0x2B3945);
    pub const SUCCESS_LINE: Color = rgb(0x218B69);
    pub const SUCCESS_DENSE: Color = rgb(0x23805F);
    pub const SUCCESS_FLOOR: Color = rgb(0x2A5446);
    pub const FAILED_TINT_FROM: Color = rgb(0x4A2015);
    pub const FAILED_TINT_TO: Color = rgb(0x2A1511);
    pub const FAILED_ON_TINT: Color = rgb(0xFFB199);
    pub const CANCELLED_EDGE: Color = rgb(0x6E5024);
    pub const STALE_BADGE: Color = rgb(0x23252D);
    pub const STALE_OUTLINE: Color = rgb(0x6A6C74);
    pub const STALE_SCANLINE: Color = rgba(0xFFFFFF, 0x0D);

    pub const LAMP: Color = rgb(0xF6E2B8);
    pub const SCALE: Color = rgb(0xE9DFC8);
    pub const NEEDLE: Color = rgb(0xF4F0E8);
    pub const DANGER_IDLE: Color = rgb(0x8A4A35);
    pub const LED_OFF: Color = rgb(0x23252C);
    pub const LED_NEUTRAL: Color = rgb(0xCFC9BC);
}

/// Sizes of type in design pixels.
pub mod size {
    pub const HERO: f32 = 112.0;
    pub const HERO_FAILED: f32 = 100.0;
    pub const RING_TIME: f32 = 70.0;
    pub const CLOCK: f32 = 52.0;
    pub const LIVE: f32 = 46.0;
    pub const FAIL_BAND: f32 = 44.0;
    pub const FAIL_BAND_WRAPPED: f32 = 36.0;
    pub const MODULE_NAME_FOCUS: f32 = 40.0;
    pub const STATUS_LINE: f32 = 38.0;
    pub const MODULE_VALUE: f32 = 36.0;
    pub const METER_VALUE: f32 = 34.0;
    pub const AS_OF: f32 = 30.0;
    pub const MODULE_NAME: f32 = 28.0;
    pub const META: f32 = 26.0;
    pub const USUAL_GHOST: f32 = 24.0;
    pub const METER_LABEL: f32 = 24.0;
    pub const TICKER: f32 = 24.0;
    pub const USUAL: f32 = 22.0;
    pub const COUNT_XL: f32 = 64.0;
    pub const COUNT: f32 = 38.0;
    pub const FAIL_TITLE: f32 = 60.0;
    pub const FAIL_MESSAGE: f32 = 42.0;
    pub const TILE_TITLE: f32 = 32.0;
    pub const TILE_TIME: f32 = 38.0;
    pub const TILE_NODE: f32 = 28.0;
    pub const PRODUCT: f32 = 32.0;
    /// The least that a name may be asked to be read in.
    pub const NAME_MIN: f32 = 28.0;
    /// The least that a wall may ask a viewer to read.
    pub const ESSENTIAL_MIN: f32 = 22.0;
}

const fn rgb(hex: u32) -> Color {
    rgba(hex, 0xFF)
}

const fn rgba(hex: u32, alpha: u8) -> Color {
    Color::Srgba(Srgba {
        red: ((hex >> 16) & 0xFF) as f32 / 255.0,
        green: ((hex >> 8) & 0xFF) as f32 / 255.0,
        blue: (hex & 0xFF) as f32 / 255.0,
        alpha: alpha as f32 / 255.0,
    })
}

/// Durations of motion in seconds.
pub mod motion {
    pub const FOCUS_MOVE: f32 = 0.42;
    pub const FAIL_FILL: f32 = 0.36;
    pub const FAIL_BAND: f32 = 0.42;
    /// A tile goes to its new place.
    pub const TILE_MOVE: f32 = 0.7;
    /// A tile appears, or goes.
    pub const TILE_FADE: f32 = 0.3;
    /// What moves under reduced motion.
    pub const CROSS_FADE: f32 = 0.2;
    /// The least time between two changes of the order on the wall.
    pub const REORDER_GAP: f64 = 5.0;
    /// A window system needs no longer to make a window as large as its screen.
    pub const SETTLE_WINDOW_SECS: f64 = 2.0;
    /// Between frames of what moves slowly.
    pub const SLOW_FRAME_SECS: f64 = 0.066;
    /// From the first run on, a wall follows the order at once for so long.
    pub const WALL_SETTLES: f64 = 2.0;
    /// The least a breathing halo falls to.
    pub const BREATHE_LOW: f32 = 0.72;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kiosk::dim::LEAST_OF_A_FAILURE;

    /// WCAG 2.2, relative luminance, of a colour dimmed to a part of its brightness.
    fn luminance(colour: Color, brightness: f32) -> f32 {
        let Srgba { red, green, blue, .. } = colour.to_srgba();
        let linear = |c: f32| {
            let c = c * brightness;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    fn contrast(a: Color, b: Color, brightness: f32) -> f32 {
        let [a, b] = [a, b].map(|colour| luminance(colour, brightness) + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn a_dimmed_failure_can_be_read() {
        for (ink, paper) in
            [(colour::FAILED_INK, colour::FAILED), (colour::TEXT, colour::FAILED_TINT)]
        {
            let found = contrast(ink, paper, LEAST_OF_A_FAILURE);
            assert!(found >= 3.0, "{found}");
        }
    }
}
