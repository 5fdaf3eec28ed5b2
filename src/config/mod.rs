//! The settings. `options` (feature `cli`) makes them from the command line, the environment and a
//! page's address. `file` reads and changes the settings file; `entries` is what the settings window shows.

#[cfg(all(feature = "cli", not(target_arch = "wasm32")))]
mod catalogue;
mod entries;
#[cfg(all(feature = "cli", not(target_arch = "wasm32")))]
mod file;
#[cfg(feature = "cli")]
mod options;
#[cfg(feature = "cli")]
mod reason;
#[cfg(feature = "cli")]
mod record_options;

#[cfg(not(target_arch = "wasm32"))]
use std::path::PathBuf;
use std::time::Duration;

use crate::director::DirectorSettings;
#[cfg(not(target_arch = "wasm32"))]
use crate::inspect::AsOf;
use crate::kiosk::KioskSettings;
use crate::model::Retention;
use crate::notify::NotifySettings;
#[cfg(not(target_arch = "wasm32"))]
use crate::source::RecordingFiles;
use crate::source::recorder::RecorderSettings;
use crate::source::{ConnectionSettings, SourceSpec};
use crate::time_zone::DisplayZone;

pub use entries::{
    Complaint, Origin, SettingEntry, SettingKind, SettingsStore, SettingsTable, is_live, is_yes,
};
#[cfg(all(feature = "cli", not(target_arch = "wasm32")))]
pub use file::{Checks, Layers, SettingsFile, settings_file};
#[cfg(all(feature = "cli", not(target_arch = "wasm32")))]
pub(crate) use reason::expected;
#[cfg(feature = "cli")]
pub(crate) use reason::reason_of;
#[cfg(feature = "cli")]
pub use record_options::{RecordFileOptions, RecordOptions};

#[cfg(all(feature = "cli", not(target_arch = "wasm32")))]
pub(crate) use options::access_of;
#[cfg(feature = "cli")]
pub use options::{
    ApiName, BackoffName, ConnectionOptions, DemoStudioOptions, KeptRuns, NamedRuns,
    RetentionOptions, SettingsArgs, StartOptions, ViewOptions,
};

/// All settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// How to connect: retries, timeouts, credentials, use of REST. The address is in
    /// [`SourceSpec`](crate::source::SourceSpec).
    pub connection: ConnectionSettings,
    /// Limits on what the model keeps.
    pub retention: Retention,
    /// Settings of the display.
    pub view: ViewSettings,
    /// Settings of the built-in demo studio.
    pub demo: DemoSettings,
    /// Settings of an unattended screen.
    pub kiosk: KioskSettings,
    /// Notifications of the system or of the browser.
    pub notify: NotifySettings,
    /// Settings for measurements.
    pub measuring: MeasuringSettings,
    /// Settings of the director.
    pub director: DirectorSettings,
    /// True when users may start, cancel, retry and execute runs.
    pub allow_actions: bool,
    /// File into which everything is recorded that the source sends; `None` for none.
    pub record: Option<RecorderSettings>,
}

/// Settings for measurements, not available in a page.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MeasuringSettings {
    /// Interval of log lines with frame statistics; `None` for none.
    pub stats_every: Option<Duration>,
    /// True to draw as many frames as the screen can show, even if nothing moves.
    pub draw_always: bool,
}

/// Source and settings of a window.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowRequest {
    /// Source of events.
    pub source: SourceSpec,
    /// Settings of the window.
    pub settings: Settings,
}

/// A request for a snapshot.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotRequest {
    /// Source of events.
    pub source: SourceSpec,
    /// Settings of the picture.
    pub settings: Settings,
    /// Size of the picture.
    pub size: Size,
    /// Time of the picture.
    pub at: Moment,
    /// Moment before `at` that is shown, as on a display that was rewound; `None` draws `at` itself.
    pub as_of: Option<AsOf>,
    /// True for a picture that stands still at `as_of`, false for one that plays on from there.
    pub paused: bool,
    /// Path of the PNG file to write.
    pub output: PathBuf,
}

/// A request for a clip.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Clone, Debug, PartialEq)]
pub struct ClipRequest {
    /// The recording.
    pub files: RecordingFiles,
    /// Settings of the pictures.
    pub settings: Settings,
    /// Begin of the part that is drawn.
    pub from: AsOf,
    /// Its end; `None` at the end of the recording.
    pub to: Option<AsOf>,
    /// Pictures in a second of the film.
    pub pictures_a_second: u32,
    /// Seconds of the recording in a second of the film.
    pub rate: f64,
    /// Size of the pictures.
    pub size: Size,
    /// Output of the film.
    pub output: ClipOutput,
}

/// Output of a clip.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClipOutput {
    /// A folder of numbered PNG files.
    Folder(PathBuf),
    /// One animated PNG file.
    AnimatedPng(PathBuf),
    /// A film that ffmpeg encodes.
    Film(PathBuf),
    /// YUV4MPEG2 on standard output.
    Yuv,
}

/// Size of a picture in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Horizontal size.
    pub width: u32,
    /// Vertical size.
    pub height: u32,
}

/// The time at which a picture is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Moment {
    /// After the last event of a recording; for a live source, ten seconds after connecting.
    End,
    /// Seconds after the start of a recording, or after connecting to a live source.
    Seconds(f64),
}

/// Settings of the display.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewSettings {
    /// View at the start.
    pub view: ViewName,
    /// Run to show and stay on; `None` follows the newest.
    pub run: Option<String>,
    /// True to open the panel; `None` leaves it closed.
    pub panel: Option<bool>,
    /// True to fill the screen.
    pub fullscreen: bool,
    /// True to avoid all unnecessary motion.
    pub reduced_motion: bool,
    /// Colours.
    pub theme: ThemeName,
    /// Playback speed of a recording, as a multiple of real time.
    pub speed: f64,
    /// Time zone of all times shown; `None` for that of the system or the browser.
    pub time_zone: Option<DisplayZone>,
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
            time_zone: None,
        }
    }
}

/// Settings of the built-in demo studio, which plays when no source is given.
#[derive(Clone, Debug, PartialEq)]
pub struct DemoSettings {
    /// Seed; `None` uses the studio's default, with the same songs each time.
    pub seed: Option<u64>,
    /// Runs at a time; `None` uses the studio's default.
    pub runs: Option<u32>,
    /// Speed of the studio, as a multiple of real time.
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
    /// View of one run.
    #[default]
    Stage,
    /// View of all runs.
    Wall,
    /// Bars over time: of the run that is named, else of all runs.
    Timeline,
    /// One run beside another one of its song, or beside the usual run.
    Race,
    /// Outcomes of runs by hours and days.
    History,
    /// Runs, details and events side by side.
    Desk,
}

impl ViewName {
    /// Returns the name as it is spelled on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stage => "stage",
            Self::Wall => "wall",
            Self::Timeline => "timeline",
            Self::Race => "race",
            Self::History => "history",
            Self::Desk => "desk",
        }
    }
}

/// A theme, as it is spelled on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum ThemeName {
    /// Theme that the system or the browser prefers, where it states a preference.
    Auto,
    /// Light text on a dark background.
    #[default]
    Dark,
    /// Dark text on a light background.
    Light,
    /// Black, white and a few strong colours.
    HighContrast,
}

impl ThemeName {
    /// All themes, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Dark, Self::Light, Self::HighContrast];

    /// Returns the name used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Dark => "dark",
            Self::Light => "light",
            Self::HighContrast => "high-contrast",
        }
    }
}
