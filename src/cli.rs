//! The command line, parsed into values; `main` performs the commands.

#[cfg(feature = "app")]
mod clip;
mod explained;
mod history;
mod hub_address;
mod output;
mod screens;
mod settings_store;
#[cfg(feature = "hub")]
mod webhooks;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use thiserror::Error;

use crate::config::{
    ConnectionOptions, MeasuringSettings, NamedRuns, RecordFileOptions, RecordOptions,
    SettingsArgs, WindowRequest,
};
#[cfg(feature = "app")]
use crate::config::{Moment, Size, SnapshotRequest};
use crate::history::PeriodError;
use crate::inspect::{AsOf, NoSuchMoment, Style};
use crate::kiosk::KioskOptions;
use crate::notify::{NotifyOptions, NotifySettings};
use crate::record::RecordRequest;
use crate::seconds::seconds;
use crate::source::{Address, RecordingFiles, SourceError, SourceSpec, UrlError};

#[cfg(feature = "app")]
pub use clip::ClipArgs;
use explained::explained;
pub use history::{HistoryArgs, HistorySource, When};
pub use output::{ExportArgs, ExportFormat, OutputError, ReportArgs, Target};
pub use screens::{ScreensArgs, write_screens};
pub use settings_store::FileStore;
#[cfg(feature = "hub")]
pub use webhooks::WebhooksArgs;

const AFTER_HELP: &str = "\
Examples:
  meterbridge                                       the built-in demo studio, no backend needed
  meterbridge ws://localhost:8000/events            a live stream of all runs
  meterbridge http://localhost:8000                 an AMCS backend, polled through its REST API
  meterbridge recording.ndjson --speed 4            a recording, four times as fast
  meterbridge inspect recording.ndjson              a table in the terminal, no window
  meterbridge record http://localhost:8000 -o day.ndjson.zst  a recording, no window
  meterbridge snapshot recording.ndjson -o out.png  a picture, no window
  meterbridge clip recording.ndjson -o film.mp4     a film of a recording
  meterbridge report recording.ndjson -o out.html   a page to share or print
  meterbridge export recording.ndjson --format perfetto -o trace.json
                                                    a trace; also OpenTelemetry and CSV
  meterbridge history http://localhost:8080 --last 7d  the outcomes of a week's runs
  meterbridge screens http://localhost:8080         the screens of a hub
  meterbridge serve                                 the demo studio in a browser
  meterbridge serve http://localhost:8000           a hub, for many screens
  meterbridge ws://localhost:8000/events --kiosk    an unattended screen

The options above can also be set in the environment: METERBRIDGE_ and the name, as in
METERBRIDGE_RECONNECT_DELAY=10, or in the settings file, as in reconnect-delay = 10. The command line
overrides the environment, and the environment overrides the file.";

const AFTER_INSPECT_HELP: &str = "\
Examples:
  meterbridge inspect recording.ndjson
  meterbridge inspect conn1.ndjson conn2.ndjson     two connections to one server
  tail -f events.ndjson | meterbridge inspect - --json | jq .runs
  meterbridge inspect recording.ndjson --as-of 10:15    as it was then
  meterbridge inspect recording.ndjson --as-of +2:30    two and a half minutes in

Each line is a recorded frame, {\"recv_ms\": 12.5, \"text\": \"…\"}, or an event. The file may be
gzip, Zstandard or UTF-16, JSON that lists events, or lines of a log.";

const AFTER_RECORD_HELP: &str = "\
Examples:
  meterbridge record ws://localhost:8000/events -o studio.ndjson
  meterbridge record http://localhost:8000 -o studio.ndjson.zst      compressed
  meterbridge record ws://studio/events -o day.ndjson.zst --rotate-after 24h
                                            day-0001.ndjson.zst, day-0002.ndjson.zst …
  meterbridge studio.ndjson --speed 4       plays the recording
  meterbridge inspect studio.ndjson         reports its runs";

#[cfg(feature = "hub")]
const AFTER_SERVE_HELP: &str = "\
Examples:
  meterbridge serve                                       on this machine, port 8080
  meterbridge serve http://localhost:8000                 a hub: this backend, for many screens
  meterbridge serve --listen 127.0.0.1:0                  any free port, which is printed
  meterbridge serve --page web/dist --speed 4             this page, the demo four times as fast
  meterbridge serve --listen 0.0.0.0:8080 --allow-remote  also for other machines
  meterbridge serve http://studio:8000 --listen 0.0.0.0:8080 --hub-token-file token
                                                          a hub for other machines
  meterbridge ws://127.0.0.1:8080/events                  the same events in a window

web/build.sh builds the page.";

/// A live big-screen view of AI music-production workflows.
///
/// Opens a window and shows the runs of SOURCE as they happen. Without SOURCE the built-in demo
/// studio plays.
#[derive(Parser, Clone, Debug)]
#[command(version, after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,

    #[command(flatten)]
    pub window: WindowArgs,
}

/// Subcommands, which replace the window.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    Inspect(InspectArgs),
    Record(Box<RecordArgs>),
    Export(ExportArgs),
    Report(ReportArgs),
    History(Box<HistoryArgs>),
    Screens(ScreensArgs),
    #[cfg(feature = "app")]
    Snapshot(Box<SnapshotArgs>),
    #[cfg(feature = "app")]
    Clip(Box<ClipArgs>),
    Demo(DemoCommand),
    #[cfg(feature = "hub")]
    Serve(Box<ServeCommand>),
    #[cfg(feature = "hub")]
    Webhooks(WebhooksArgs),
}

/// Options of the window.
#[derive(Args, Clone, Debug)]
pub struct WindowArgs {
    /// A stream of events (ws://… or wss://…), an AMCS backend (http://… or https://…) or a
    /// recording (a file; several files are shown as one recording)
    #[arg(value_name = "SOURCE")]
    pub source: Vec<Address>,

    /// Fill the screen
    #[arg(long, help_heading = "View", value_parser = clap::builder::FalseyValueParser::new())]
    #[arg(env = "METERBRIDGE_FULLSCREEN", hide_env = true)]
    pub fullscreen: bool,

    #[command(flatten)]
    pub settings: SettingsArgs,

    #[command(flatten)]
    pub kiosk: KioskOptions,

    #[command(flatten)]
    pub notify: NotifyOptions,

    #[command(flatten)]
    pub record: RecordOptions,

    #[command(flatten)]
    pub file: FileOptions,

    /// Log frame times, the number of runs and memory use at this interval
    #[arg(long, value_name = "SECONDS", help_heading = "Measuring", value_parser = seconds)]
    #[arg(env = "METERBRIDGE_STATS", hide_env = true)]
    pub stats: Option<Duration>,

    /// Draw at the full rate of the screen, even if nothing moves
    #[arg(long, help_heading = "Measuring")]
    #[arg(value_parser = clap::builder::FalseyValueParser::new())]
    #[arg(env = "METERBRIDGE_DRAW_ALWAYS", hide_env = true)]
    pub draw_always: bool,
}

/// Choice of the settings file.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Settings file")]
pub struct FileOptions {
    /// Read the settings that are not on the command line or in the environment from this file, TOML with
    /// the names of these options as keys; `none` reads no file [default: settings.toml in the user's
    /// folder for settings]
    #[arg(id = "settings-file", long = "settings", value_name = "FILE|none")]
    #[arg(env = "METERBRIDGE_SETTINGS", hide_env = true)]
    pub settings: Option<PathBuf>,

    /// Lay the table [profile.NAME] of the settings file over its other settings
    #[arg(long, value_name = "NAME", env = "METERBRIDGE_PROFILE", hide_env = true)]
    pub profile: Option<String>,
}

/// Read events without a window and report every run
///
/// Several files are read into one report, as if they were consecutive connections.
#[derive(Args, Clone, Debug)]
#[command(after_help = AFTER_INSPECT_HELP)]
pub struct InspectArgs {
    /// Recordings, or `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Write JSON instead of a table
    #[arg(long)]
    pub json: bool,

    /// Report what was known at this time of the recording: an instant (2026-11-23T10:15:00Z), a time of
    /// day (10:15 or 10:15:30, in the time zone of this machine) or the time since its beginning (+2:30,
    /// +1:02:30)
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<AsOf>,
}

/// Record everything that a source sends into a file, without a window
///
/// The file can be played, inspected and drawn like any recording. A lost connection is retried for as
/// long as it takes. Ctrl-C or SIGTERM ends the recording; a kill loses less than its last second.
#[derive(Args, Clone, Debug)]
#[command(after_help = AFTER_RECORD_HELP)]
pub struct RecordArgs {
    /// A stream of events (ws://… or wss://…) or an AMCS backend (http://… or https://…)
    #[arg(value_name = "SOURCE")]
    pub source: Address,

    /// The file to write; a name that ends in .zst or .gz compresses it
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,

    #[command(flatten)]
    pub files: RecordFileOptions,

    #[command(flatten)]
    pub named: NamedRuns,

    #[command(flatten)]
    pub connection: ConnectionOptions,
}

/// Draw one picture into a file, without a window
#[cfg(feature = "app")]
#[derive(Args, Clone, Debug)]
pub struct SnapshotArgs {
    /// A stream of events (ws://… or wss://…), an AMCS backend (http://… or https://…) or a
    /// recording (a file; several files are shown as one recording); without it, the demo studio
    #[arg(value_name = "SOURCE")]
    pub source: Vec<Address>,

    /// Pixels
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1920x1080", value_parser = size)]
    pub size: Size,

    /// Time of the picture: seconds after the start, or the `end` of a recording; for a live source
    /// counted from the connection, with `end` after 10 seconds
    #[arg(long, value_name = "SECONDS|end", default_value = "end", value_parser = moment)]
    pub at: Moment,

    /// Draw this earlier moment, as a rewound display shows it: an instant
    /// (2026-11-23T10:15:00Z), a time of day (10:15 or 10:15:30) or the time since the beginning (+2:30)
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<AsOf>,

    /// With --as-of, draw the past as paused instead of playing
    #[arg(long, requires = "as_of")]
    pub paused: bool,

    /// The PNG file to write
    #[arg(long, short, value_name = "FILE", default_value = "meterbridge.png")]
    pub output: PathBuf,

    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Serve the demo studio's events on a WebSocket, for any client
///
/// Serves workflow events of made-up songs, to try Meterbridge and other clients without a backend.
#[derive(Args, Clone, Debug)]
pub struct DemoCommand {
    #[command(flatten)]
    pub demo: crate::demo::DemoArgs,
}

/// Serve the page for browsers, with the demo studio or as the hub of a backend
///
/// Open the printed address in a browser. Other clients find the same events at /events. With URL
/// the program is a hub: it stores the events of a backend or of another stream, and passes them on
/// to any number of screens.
#[cfg(feature = "hub")]
#[derive(Args, Clone, Debug)]
#[command(after_help = AFTER_SERVE_HELP)]
pub struct ServeCommand {
    #[command(flatten)]
    pub serve: crate::hub::ServeArgs,
}

/// A usage error, with exit code 2.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UsageError {
    #[error("there is no file `{}`; try `meterbridge {command} --help`", .path.display())]
    NoFile { path: PathBuf, command: &'static str },
    #[error("a clip is drawn from a recording; `meterbridge record` makes one")]
    ClipNeedsRecording,
    #[error("a film needs even numbers in --size")]
    OddSize,
    #[error(
        "`{}` is not a format for films: give a folder, a .png, an .mp4, .mkv, .mov or .webm, or -",
        .path.display()
    )]
    UnknownFilm { path: PathBuf },
    #[error("--rows belongs to --format csv; leave it out or choose that format")]
    RowsWithoutCsv,
    #[error(
        "standard output is a terminal; give a file with -o, or -o - to write there all the same"
    )]
    OutputOnTerminal,
    #[error("-o `{}` would overwrite one of the recordings; choose another file", .path.display())]
    OutputIsInput { path: PathBuf },
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(
        "`{}` is a recording already: record from an address, such as ws://localhost:8000/events or \
         http://localhost:8000", .path
    )]
    IsRecording { path: RecordingFiles },
    #[error("--record is for a stream, a backend or the demo studio: `{}` is a recording already", .path)]
    NothingToRecord { path: RecordingFiles },
    #[error(transparent)]
    NoSuchMoment(#[from] NoSuchMoment),
    #[error("a history comes from one hub or from recordings: name one address, or only files")]
    SeveralHubs,
    #[error(transparent)]
    HubAddress(#[from] UrlError),
    #[error(transparent)]
    Period(#[from] PeriodError),
    /// A hub cannot use what was asked of it, for reasons that it gives.
    #[error("{words}")]
    RefusedByHub { words: String },
}

impl WindowArgs {
    /// Converts the arguments to a request.
    ///
    /// # Errors
    ///
    /// Fails when the source does not exist.
    pub fn request(&self) -> Result<WindowRequest, UsageError> {
        let source = source_of(&self.source)?;
        let mut settings = self.settings.settings_in(&self.kiosk, source == SourceSpec::Demo);
        settings.view.fullscreen = self.fullscreen || self.kiosk.kiosk;
        settings.notify = NotifySettings::from(&self.notify);
        settings.record = self.record.settings();
        if let (SourceSpec::Recording(path), Some(_)) = (&source, &settings.record) {
            return Err(UsageError::NothingToRecord { path: path.clone() });
        }
        settings.measuring = MeasuringSettings {
            stats_every: self.stats.filter(|every| !every.is_zero()),
            draw_always: self.draw_always,
        };
        Ok(WindowRequest { source, settings })
    }
}

impl RecordArgs {
    /// Converts the arguments to a request.
    ///
    /// # Errors
    ///
    /// Fails when the source is no address.
    pub fn request(&self) -> Result<RecordRequest, UsageError> {
        match SourceSpec::parse(Some(self.source.as_str()))? {
            SourceSpec::Recording(path) => Err(UsageError::IsRecording { path }),
            SourceSpec::Demo | SourceSpec::WebSocket(_) | SourceSpec::Api(_) => Ok(RecordRequest {
                source: self.source.clone(),
                // Nobody is there who could press a button.
                connection: self.connection.settings(true, &self.named.run),
                recorder: self.files.settings(self.output.clone()),
            }),
        }
    }
}

#[cfg(feature = "app")]
impl SnapshotArgs {
    /// Converts the arguments to a request.
    ///
    /// # Errors
    ///
    /// Fails when the source does not exist.
    pub fn request(&self) -> Result<SnapshotRequest, UsageError> {
        let mut settings = self.settings.settings();
        // Nobody can press Connect.
        settings.connection.enabled = true;
        // A picture is taken in seconds. A socket would have to stay until its run is over.
        settings.connection.api.poll_only();
        Ok(SnapshotRequest {
            source: source_of(&self.source)?,
            settings,
            size: self.size,
            at: self.at,
            as_of: self.as_of,
            paused: self.paused,
            output: self.output.clone(),
        })
    }
}

impl InspectArgs {
    /// File name that stands for standard input.
    pub const STDIN: &'static str = "-";

    /// Checks that all files exist, before anything is read.
    ///
    /// # Errors
    ///
    /// Fails when a file does not exist.
    pub fn check(&self) -> Result<(), UsageError> {
        Self::check_files(&self.files, "inspect")
    }

    fn check_files(files: &[PathBuf], command: &'static str) -> Result<(), UsageError> {
        let missing = |path: &&PathBuf| path.as_path() != Path::new(Self::STDIN) && !path.exists();
        match files.iter().find(missing) {
            Some(path) => Err(UsageError::NoFile { path: path.clone(), command }),
            None => Ok(()),
        }
    }
}

/// Parses SOURCE; suggests a command where a mistyped one was taken for a file.
fn source_of(sources: &[Address]) -> Result<SourceSpec, SourceError> {
    let program = Cli::command();
    let commands: Vec<&str> = program.get_subcommands().map(clap::Command::get_name).collect();
    SourceSpec::parse_all(sources).map_err(|error| error.suggest(&commands))
}

/// Returns the style for standard output: width and colours of the terminal, or unlimited width
/// without colours when it is not a terminal. Respects `NO_COLOR`.
pub fn stdout_style() -> Style {
    let stdout = std::io::stdout();
    let width = terminal_size::terminal_size_of(&stdout)
        .map(|(terminal_size::Width(width), _)| usize::from(width));
    let colours = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    Style { width, colours }
}

/// Parses arguments, environment and settings file; prints help and usage errors and ends the program for them.
/// The store has the settings of the window; the other commands have no file.
pub fn parse() -> (Cli, Option<FileStore>) {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let cli =
        Cli::try_parse_from(&arguments).unwrap_or_else(|error| explained(error, &arguments).exit());
    let store = cli.command.is_none().then(|| FileStore::open(arguments, &cli.window.file));
    let cli = store.as_ref().and_then(FileStore::cli).unwrap_or(cli);
    if let Err(reason) = cli.check() {
        Cli::command().error(ErrorKind::ValueValidation, reason).exit()
    }
    (cli, store)
}

impl Cli {
    /// Checks options that depend on each other.
    fn check(&self) -> Result<(), String> {
        self.connection().map_or(Ok(()), ConnectionOptions::check)
    }

    /// Options of the connection that the command makes.
    fn connection(&self) -> Option<&ConnectionOptions> {
        match &self.command {
            None => Some(&self.window.settings.connection),
            Some(Command::Record(args)) => Some(&args.connection),
            #[cfg(feature = "app")]
            Some(Command::Snapshot(args)) => Some(&args.settings.connection),
            #[cfg(feature = "app")]
            Some(Command::Clip(args)) => Some(&args.settings.connection),
            #[cfg(feature = "hub")]
            Some(Command::Serve(args)) => Some(&args.serve.connection),
            Some(_) => None,
        }
    }
}

/// Maximum pixels per side, supported by every GPU.
#[cfg(feature = "app")]
const MOST_PIXELS: u32 = 8192;

#[cfg(feature = "app")]
fn size(text: &str) -> Result<Size, String> {
    let side = |text: &str| text.parse().ok().filter(|side| (1..=MOST_PIXELS).contains(side));
    text.split_once(['x', '×'])
        .and_then(|(width, height)| Some(Size { width: side(width)?, height: side(height)? }))
        .ok_or_else(|| format!("expected pixels up to {MOST_PIXELS}, such as 1920x1080"))
}

#[cfg(feature = "app")]
fn moment(text: &str) -> Result<Moment, String> {
    if text == "end" {
        return Ok(Moment::End);
    }
    match text.parse() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(Moment::Seconds(seconds)),
        _ => Err("expected seconds, such as 12.5, or `end`".to_owned()),
    }
}

#[cfg(test)]
mod tests;
