//! The settings, typed. `options` (feature `cli`) fills them from the command line, the environment and a page's
//! address.

#[cfg(feature = "cli")]
mod options;

use std::path::PathBuf;
use std::time::Duration;

use crate::director::DirectorSettings;
use crate::kiosk::KioskSettings;
use crate::model::Retention;
use crate::source::{ConnectionSettings, SourceSpec};

#[cfg(feature = "cli")]
pub use options::{
    ApiName, BackoffName, ConnectionOptions, DemoStudioOptions, KeptRuns, NamedRuns,
    RetentionOptions, SettingsArgs, StartOptions, ViewOptions,
};

/// Everything that can be set, whoever set it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// How the source is connected to and retried.
    pub connection: ConnectionSettings,
    /// How much is kept in memory.
    pub retention: Retention,
    /// What is shown first, and how.
    pub view: ViewSettings,
    /// The built-in demo studio.
    pub demo: DemoSettings,
    /// What a screen does that nobody operates.
    pub kiosk: KioskSettings,
    /// What is measured.
    pub measuring: MeasuringSettings,
    /// Whether the director chooses what is shown, and for how long.
    pub director: DirectorSettings,
    /// Runs may be started, cancelled, retried and executed from here.
    pub allow_actions: bool,
}

/// What is asked of a window by whoever measures it. A page has none of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MeasuringSettings {
    /// Say how frames go each time that so long has passed.
    pub stats_every: Option<Duration>,
    /// Draw as often as the screen shows frames, whatever moves.
    pub draw_always: bool,
}

/// What the window is asked to show.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowRequest {
    /// Where events come from.
    pub source: SourceSpec,
    /// The settings of the window and of everything in it.
    pub settings: Settings,
}

/// What picture is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotRequest {
    /// Where events come from.
    pub source: SourceSpec,
    /// The settings of what is drawn.
    pub settings: Settings,
    /// Size of the picture.
    pub size: Size,
    /// The moment that the picture shows.
    pub at: Moment,
    /// The PNG file to write.
    pub output: PathBuf,
}

/// A picture's size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

/// When a picture is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Moment {
    /// After the last event; of a live source, ten seconds after its first.
    End,
    /// Seconds after the first event.
    Seconds(f64),
}

/// What is shown, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewSettings {
    /// The view to begin with.
    pub view: ViewName,
    /// Show this run and stay with it; `None` follows the newest.
    pub run: Option<String>,
    /// Whether the panel is open; `None` is closed.
    pub panel: Option<bool>,
    /// Fill the screen.
    pub fullscreen: bool,
    /// Nothing moves that need not.
    pub reduced_motion: bool,
    /// The colours.
    pub theme: ThemeName,
    /// How fast a recording plays; 1 is as it happened.
    pub speed: f64,
}

impl Default for ViewSettings {
    fn default() -> Self {
        Self {
            view: ViewName::Stage,
            run: None,
            panel: None,
            fullscreen: false,
            reduced_motion: false,
            theme: ThemeName::default(),
            speed: 1.0,
        }
    }
}

/// The built-in demo studio, which plays when no source is named.
#[derive(Clone, Debug, PartialEq)]
pub struct DemoSettings {
    /// `None` takes the studio's own: the same songs each time.
    pub seed: Option<u64>,
    /// Runs at the same time; `None` leaves it to the studio.
    pub runs: Option<u32>,
    /// How fast the studio works; 1 is real time.
    pub speed: f64,
}

impl Default for DemoSettings {
    fn default() -> Self {
        Self { seed: None, runs: None, speed: 1.0 }
    }
}

/// A view, as it is spelled on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum ViewName {
    /// One run.
    #[default]
    Stage,
    /// All runs.
    Wall,
}

/// A theme, as it is spelled on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum ThemeName {
    /// What the system or the browser wishes, as far as it says.
    Auto,
    /// Light writing on a dark ground.
    #[default]
    Dark,
    /// Dark writing on a light ground.
    Light,
    /// Black, white and few strong colours.
    HighContrast,
}

impl ThemeName {
    /// All of them, as they are offered.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Dark, Self::Light, Self::HighContrast];

    /// How it is spelled.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Dark => "dark",
            Self::Light => "light",
            Self::HighContrast => "high-contrast",
        }
    }
}
