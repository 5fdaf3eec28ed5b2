//! Colours, type sizes and durations: the design's tokens. No other file names a literal colour.
//!
//! Lengths are design pixels: 1080 to the height of the screen.

use bevy::color::Srgba;

/// Colours of the dark theme.
pub mod colour {
    use super::{Srgba, rgb, rgba};

    pub const BG_TOP: Srgba = rgb(0x15161C);
    pub const BG: Srgba = rgb(0x101116);
    pub const BG_BOTTOM: Srgba = rgb(0x0C0D11);

    pub const CARD: Srgba = rgb(0x1B1C22);
    pub const PANEL_TOP: Srgba = rgb(0x22242B);
    pub const PANEL_BOTTOM: Srgba = rgb(0x191A20);
    pub const PANEL_DONE_TOP: Srgba = rgb(0x20262A);
    pub const PANEL_DONE_BOTTOM: Srgba = rgb(0x191C20);
    pub const GHOST: Srgba = rgb(0x14151A);
    pub const WELL: Srgba = rgb(0x0B0C10);
    pub const BRIDGE_TOP: Srgba = rgb(0x1E2027);
    pub const BRIDGE: Srgba = rgb(0x17181E);
    pub const BRIDGE_BOTTOM: Srgba = rgb(0x121318);
    pub const RAIL: Srgba = rgb(0x1A1B21);
    pub const RAIL_EDGE: Srgba = rgb(0x34363F);
    pub const HOLE: Srgba = rgb(0x08090B);
    pub const BEZEL_TOP: Srgba = rgb(0x262830);
    pub const BEZEL_BOTTOM: Srgba = rgb(0x1B1C22);
    pub const METAL_TOP: Srgba = rgb(0x6A6D78);
    pub const METAL_BOTTOM: Srgba = rgb(0x2C2E36);

    pub const HAIR: Srgba = rgb(0x2B2D36);
    pub const LINE: Srgba = rgb(0x33363F);
    pub const LINE_STRONG: Srgba = rgb(0x41444F);
    pub const HIGHLIGHT: Srgba = rgba(0xFFFFFF, 0x1A);

    pub const TEXT: Srgba = rgb(0xF4F0E8);
    pub const TEXT_SECONDARY: Srgba = rgb(0xBDB9B0);
    pub const TEXT_TERTIARY: Srgba = rgb(0x908D86);
    pub const TEXT_DECORATIVE: Srgba = rgb(0x5E6069);

    pub const VIOLET: Srgba = rgb(0x5B45D8);
    pub const VIOLET_TEXT: Srgba = rgb(0xABA0FF);
    pub const VIOLET_LED: Srgba = rgb(0x7A66F0);
    pub const SELECTION: Srgba = rgb(0x38307A);
    pub const ON_VIOLET: Srgba = rgb(0xFFFFFF);

    pub const RUNNING: Srgba = rgb(0x56B4E9);
    pub const RUNNING_DEEP: Srgba = rgb(0x16394F);
    pub const BEAD: Srgba = rgb(0xDDF3FF);
    pub const RUNNING_PANEL_TOP: Srgba = rgb(0x1E2B36);
    pub const RUNNING_PANEL_BOTTOM: Srgba = rgb(0x171C23);

    pub const SUCCESS: Srgba = rgb(0x2FBF8F);
    pub const SUCCESS_LINE: Srgba = rgb(0x218B69);
    pub const SUCCESS_DEEP: Srgba = rgb(0x123F33);

    pub const FAILED: Srgba = rgb(0xE8603C);
    pub const FAILED_TOP: Srgba = rgb(0xEE6B47);
    pub const FAILED_BOTTOM: Srgba = rgb(0xDB5430);
    pub const FAILED_TEXT: Srgba = rgb(0xFF9070);
    pub const FAILED_DEEP: Srgba = rgb(0x3B1A12);
    pub const FAILED_INK: Srgba = rgb(0x1A0803);

    pub const CANCELLED: Srgba = rgb(0xE6A23C);
    pub const CANCELLED_DEEP: Srgba = rgb(0x42301A);
    pub const CANCELLED_INK: Srgba = rgb(0x241605);
    pub const CANCELLED_BAND: Srgba = rgb(0x2B2316);

    pub const PENDING_OUTLINE: Srgba = rgb(0x3B3E48);
    pub const SKIPPED_OUTLINE: Srgba = rgb(0x4A4C55);
    pub const SKIPPED_HATCH: Srgba = rgb(0x908D86);

    pub const LAMP: Srgba = rgb(0xF6E2B8);
    pub const SCALE: Srgba = rgb(0xE9DFC8);
    pub const NEEDLE: Srgba = rgb(0xF4F0E8);
    pub const DANGER_IDLE: Srgba = rgb(0x8A4A35);
    pub const LED_OFF: Srgba = rgb(0x23252C);
    pub const LED_NEUTRAL: Srgba = rgb(0xCFC9BC);
}

/// Sizes of type in design pixels.
pub mod size {
    pub const HERO: f32 = 112.0;
    pub const HERO_FAILED: f32 = 100.0;
    pub const RING_TIME: f32 = 70.0;
    pub const CLOCK: f32 = 64.0;
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
    /// The least that a wall may ask a viewer to read.
    pub const ESSENTIAL_MIN: f32 = 22.0;
}

const fn rgb(hex: u32) -> Srgba {
    rgba(hex, 0xFF)
}

const fn rgba(hex: u32, alpha: u8) -> Srgba {
    Srgba {
        red: ((hex >> 16) & 0xFF) as f32 / 255.0,
        green: ((hex >> 8) & 0xFF) as f32 / 255.0,
        blue: (hex & 0xFF) as f32 / 255.0,
        alpha: alpha as f32 / 255.0,
    }
}
