//! The design's tokens: colours, type sizes and durations. No other module names a literal colour.
//!
//! Lengths are in design pixels, of which the screen's height has 1080.

mod choice;
#[cfg(test)]
pub mod contrast;
mod dark;
mod high_contrast;
mod light;
mod palette;
mod tone;
#[cfg(test)]
pub mod vision;

pub use self::choice::{SystemPreference, Theme, ThemeChoice};
pub(super) use self::choice::{choice_plugin, plugin};
pub use self::dark::DARK;
pub use self::high_contrast::HIGH_CONTRAST;
pub use self::light::LIGHT;
pub use self::palette::Palette;

/// Type sizes in design pixels.
pub mod size {
    pub const HERO: f32 = 112.0;
    pub const HERO_FAILED: f32 = 100.0;
    pub const RING_TIME: f32 = 70.0;
    pub const CLOCK: f32 = 56.0;
    pub const LIVE: f32 = 46.0;
    pub const FAIL_BAND: f32 = 44.0;
    pub const FAIL_BAND_WRAPPED: f32 = 36.0;
    pub const MODULE_NAME_FOCUS: f32 = 40.0;
    pub const STATUS_LINE: f32 = 38.0;
    pub const MODULE_VALUE: f32 = 36.0;
    pub const METER_VALUE: f32 = 44.0;
    /// Value of five characters or more.
    pub const METER_VALUE_LONG: f32 = 38.0;
    /// The same on a portrait screen.
    pub const METER_VALUE_SMALL: f32 = 42.0;
    pub const METER_VALUE_SMALL_LONG: f32 = 34.0;
    /// Word of the connection on a portrait screen.
    pub const LIVE_SMALL: f32 = 36.0;
    pub const METER_CAPTION: f32 = 24.0;
    pub const MODULE_NAME: f32 = 28.0;
    pub const META: f32 = 26.0;
    pub const BASELINE_GHOST: f32 = 26.0;
    pub const METER_NOTE: f32 = 22.0;
    pub const METER_SCALE: f32 = 20.0;
    pub const TICKER: f32 = 24.0;
    pub const BASELINE_NOTE: f32 = 22.0;
    pub const COUNT_XL: f32 = 64.0;
    pub const COUNT: f32 = 38.0;
    pub const FAIL_TITLE: f32 = 60.0;
    pub const FAIL_MESSAGE: f32 = 42.0;
    pub const TILE_TITLE: f32 = 32.0;
    pub const TILE_TIME: f32 = 38.0;
    pub const TILE_NODE: f32 = 28.0;
    pub const PRODUCT: f32 = 32.0;
    pub const PILL: f32 = 22.0;
    /// Minimum size for names.
    pub const NAME_MIN: f32 = 28.0;
    /// Minimum size for any text that a wall asks its viewers to read.
    pub const ESSENTIAL_MIN: f32 = 22.0;
}

/// Durations of animations in seconds, unless noted otherwise.
pub mod motion {
    pub const FOCUS_MOVE: f32 = 0.42;
    pub const FAIL_FILL: f32 = 0.36;
    pub const FAIL_BAND: f32 = 0.42;
    /// Movement of a tile to its new place.
    pub const TILE_MOVE: f32 = 0.7;
    /// Appearance and disappearance of a tile.
    pub const TILE_FADE: f32 = 0.3;
    /// Transition of a failure on the wall from recent to past.
    pub const FAIL_SETTLES: f64 = 1.0;
    /// Cross-fade that replaces movement under reduced motion.
    pub const CROSS_FADE: f32 = 0.2;
    /// Fade between views on the user's request.
    pub const VIEW_FADE: f32 = 0.22;
    /// Fade between views by the director: slower, so that it does not draw attention.
    pub const DIRECTOR_FADE: f32 = 0.7;
    /// Fade of border and tint of the past when the display goes live.
    pub const PAST_FADE: f64 = 0.48;
    /// Fade from a finale to what follows it.
    pub const FINALE_FADE: f32 = 0.4;
    /// Minimum interval between two reorderings of the wall.
    pub const REORDER_GAP: f64 = 5.0;
    /// Longest time that a window system needs to resize a window to full screen.
    pub const SETTLE_WINDOW_SECS: f64 = 2.0;
    /// Interval between frames of slow animations.
    pub const SLOW_FRAME_SECS: f64 = 0.066;
    /// Period after the first run during which the wall reorders at once.
    pub const WALL_SETTLES: f64 = 2.0;
    /// Time after which an unattended display closes the help.
    pub const HELP_STAYS: f64 = 60.0;
    /// Lowest brightness of a pulsing halo, as a fraction.
    pub const BREATHE_LOW: f32 = 0.72;
}
