//! Colours, type sizes and durations: the design's tokens. Nothing outside names a literal colour.
//!
//! Lengths are design pixels: 1080 to the height of the screen.

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
    pub const METER_VALUE: f32 = 40.0;
    pub const AS_OF: f32 = 30.0;
    pub const MODULE_NAME: f32 = 28.0;
    pub const META: f32 = 26.0;
    pub const BASELINE_GHOST: f32 = 24.0;
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
    /// The least that a name may be asked to be read in.
    pub const NAME_MIN: f32 = 28.0;
    /// The least that a wall may ask a viewer to read.
    pub const ESSENTIAL_MIN: f32 = 22.0;
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
    /// A failure on the wall that is no longer news becomes one of the past.
    pub const FAIL_SETTLES: f64 = 1.0;
    /// What moves under reduced motion.
    pub const CROSS_FADE: f32 = 0.2;
    /// One view gives way to another, because somebody wants it to.
    pub const VIEW_FADE: f32 = 0.22;
    /// The same by itself: whoever looks elsewhere in the room is not called.
    pub const DIRECTOR_FADE: f32 = 0.7;
    /// The least time between two changes of the order on the wall.
    pub const REORDER_GAP: f64 = 5.0;
    /// A window system needs no longer to make a window as large as its screen.
    pub const SETTLE_WINDOW_SECS: f64 = 2.0;
    /// Between frames of what moves slowly.
    pub const SLOW_FRAME_SECS: f64 = 0.066;
    /// From the first run on, a wall follows the order at once for so long.
    pub const WALL_SETTLES: f64 = 2.0;
    /// The help stays for so long when nobody is there to close it.
    pub const HELP_STAYS: f64 = 60.0;
    /// The least a breathing halo falls to.
    pub const BREATHE_LOW: f32 = 0.72;
}
