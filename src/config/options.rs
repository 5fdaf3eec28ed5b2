//! The one table of options that fill the settings, for the command line and a page's address.
//!
//! Each option is a flag, an environment variable `METERBRIDGE_*` and a default, in that order.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{BoolishValueParser, FalseyValueParser};

use super::{DemoSettings, MeasuringSettings, Settings, ThemeName, ViewName, ViewSettings};
use crate::demo::parse_speed;
use crate::demo::scenario::MAX_RUNS;
use crate::director::DirectorSettings;
use crate::kiosk::{KioskOptions, KioskSettings};
use crate::model::Retention;
use crate::seconds::{MOST_SECONDS, seconds};
use crate::source::{
    Access, ApiCalls, ApiSettings, Backoff, ConnectionBudget, ConnectionSettings, Secret,
};

/// The options that fill [`Settings`].
#[derive(Args, Clone, Debug)]
pub struct SettingsArgs {
    /// What is shown.
    #[command(flatten)]
    pub view: ViewOptions,
    /// How the source is connected to.
    #[command(flatten)]
    pub connection: ConnectionOptions,
    /// Whether it is connected to from the start.
    #[command(flatten)]
    pub start: StartOptions,
    /// The built-in demo studio.
    #[command(flatten)]
    pub demo: DemoStudioOptions,
    /// How much is kept in memory.
    #[command(flatten)]
    pub retention: RetentionOptions,
}

impl SettingsArgs {
    /// The settings of what is shown for a moment, or to somebody.
    pub fn settings(&self) -> Settings {
        self.settings_in(&KioskOptions::default())
    }

    /// The settings of a screen; one that nobody operates has defaults of its own.
    pub fn settings_in(&self, kiosk: &KioskOptions) -> Settings {
        let Self { view, connection, start, demo, retention } = self;
        let run = view.named.run.iter().find(|run| !run.is_empty()).cloned();
        // Whoever names a view or a run wants to see that.
        let unless_told = kiosk.kiosk && view.view.is_none() && run.is_none();
        let director = DirectorSettings::new(&kiosk.director, unless_told);
        // It begins where it always goes back to.
        let begins_with = if director.on { Some(ViewName::Wall) } else { view.view };
        Settings {
            connection: ConnectionSettings {
                enabled: start.enabled.unwrap_or(true),
                ..connection.settings(kiosk.kiosk, &view.named.run)
            },
            retention: Retention {
                runs: retention.runs.keep_runs,
                log_events: retention.keep_events,
                events_per_run: retention.keep_events_per_run,
            },
            view: ViewSettings {
                view: begins_with.unwrap_or_default(),
                run,
                panel: if view.no_panel { Some(false) } else { view.panel },
                fullscreen: false,
                reduced_motion: view.reduced_motion,
                theme: view.theme,
                speed: view.speed,
            },
            demo: DemoSettings { seed: demo.seed, runs: demo.runs, speed: demo.demo_speed },
            kiosk: KioskSettings::from(kiosk),
            measuring: MeasuringSettings::default(),
            director,
            allow_actions: connection.allow_actions,
        }
    }
}

/// Options of a WebSocket connection.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionOptions {
    /// Wait this long before connecting again [default: 3]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    #[arg(env = "METERBRIDGE_RECONNECT_DELAY", hide_env = true)]
    pub reconnect_delay: Option<Duration>,

    /// Give up after this many failed attempts in a row; 0 never gives up [default: 5; with --kiosk
    /// 0]
    #[arg(long, value_name = "N")]
    #[arg(env = "METERBRIDGE_MAX_RECONNECT_ATTEMPTS", hide_env = true)]
    pub max_reconnect_attempts: Option<u32>,

    /// `constant` waits the same each time, `exponential` 1, 2, 4 … 30 seconds [default: constant;
    /// with --kiosk exponential]
    #[arg(long, value_enum, hide_possible_values = true)]
    #[arg(env = "METERBRIDGE_BACKOFF", hide_env = true)]
    pub backoff: Option<BackoffName>,

    /// Give an attempt to connect this long: network, TLS and handshake together
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = timeout)]
    #[arg(env = "METERBRIDGE_CONNECT_TIMEOUT", hide_env = true)]
    pub connect_timeout: Duration,

    /// Send a ping over a stream of events this often; 0 sends none
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds)]
    #[arg(env = "METERBRIDGE_PING_INTERVAL", hide_env = true)]
    pub ping_interval: Duration,

    /// Take a stream of events for lost after this long without a frame, answers to pings included; 0
    /// waits for ever. It has to be longer than --ping-interval
    #[arg(long, value_name = "SECONDS", default_value = "45", value_parser = seconds)]
    #[arg(env = "METERBRIDGE_IDLE_TIMEOUT", hide_env = true)]
    pub idle_timeout: Duration,

    /// Refuse larger messages; bytes, or with k or M
    #[arg(long, value_name = "BYTES", default_value = "4M", value_parser = bytes)]
    #[arg(env = "METERBRIDGE_MAX_MESSAGE_BYTES", hide_env = true)]
    pub max_message_bytes: usize,

    /// Watch up to this many running runs of a backend over sockets: events at once, with progress and
    /// stack traces. AMCS can fail a run when a socket that watches it goes away, so each stays open
    /// until its run is over. The rest is polled [default: 0; with --safe-sockets 8]
    #[arg(long, value_name = "N", value_parser = sockets)]
    #[arg(env = "METERBRIDGE_SOCKETS", hide_env = true)]
    pub sockets: Option<usize>,

    /// Hold at most this many connections to a backend, sockets and REST questions together; AMCS stands
    /// still at 15 of all its clients [default: 1; with sockets 3; with --safe-sockets 12]
    #[arg(long, value_name = "N", value_parser = connections)]
    #[arg(env = "METERBRIDGE_MAX_CONNECTIONS", hide_env = true)]
    pub max_connections: Option<usize>,

    /// The backend is known not to fail runs when a socket goes away: sockets are closed at once
    #[arg(long, value_parser = FalseyValueParser::new())]
    #[arg(env = "METERBRIDGE_SAFE_SOCKETS", hide_env = true)]
    pub safe_sockets: bool,

    /// At the end, hold sockets of running runs for up to this long, until those runs are over
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = seconds)]
    #[arg(env = "METERBRIDGE_DRAIN_SECS", hide_env = true)]
    pub drain_secs: Duration,

    /// Ask a backend for a running run this often, at least 2
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = interval)]
    #[arg(env = "METERBRIDGE_POLL_SECS", hide_env = true)]
    pub poll_secs: Duration,

    /// Let runs be started, cancelled, retried and executed from here, each after a question; in a
    /// page's address also `actions`
    #[arg(long, visible_alias = "actions", value_parser = FalseyValueParser::new())]
    #[arg(env = "METERBRIDGE_ALLOW_ACTIONS", hide_env = true)]
    pub allow_actions: bool,

    /// Whose calls that makes: `backend`, or `guide`, the product guide's, where the server knows them
    #[arg(long, value_enum, value_name = "backend|guide", default_value = "backend")]
    #[arg(hide_possible_values = true, env = "METERBRIDGE_API", hide_env = true)]
    pub api: ApiName,

    /// Send the token in this file, as `Authorization: Bearer …`; METERBRIDGE_TOKEN in the
    /// environment is sent without
    #[arg(long, value_name = "FILE", env = "METERBRIDGE_TOKEN_FILE", hide_env = true)]
    pub token_file: Option<PathBuf>,

    /// Send the token as it is, in this header
    #[arg(long, value_name = "NAME", env = "METERBRIDGE_TOKEN_HEADER", hide_env = true)]
    pub token_header: Option<String>,

    /// Trust the certificates in this file, too (PEM)
    #[arg(long, value_name = "FILE", env = "METERBRIDGE_CA_FILE", hide_env = true)]
    pub ca_file: Option<PathBuf>,
}

/// Whether a source is connected to from the start.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Connection")]
pub struct StartOptions {
    /// Connect from the start; `no` waits until Connect is pressed in the panel [default: yes]
    #[arg(long, value_name = "yes|no", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "yes", value_parser = BoolishValueParser::new())]
    #[arg(hide_possible_values = true)]
    #[arg(env = "METERBRIDGE_ENABLED", hide_env = true)]
    pub enabled: Option<bool>,
}

/// Sockets of a backend that bears watchers that come and go.
const SAFE_SOCKETS: usize = 8;

/// The token itself. There is no option for it: what stands on a command line, everybody sees.
const TOKEN: &str = "METERBRIDGE_TOKEN";

impl ConnectionOptions {
    /// What was asked for, and else what a desk or a wall that nobody operates needs. Whoever names
    /// a delay wants it to be waited, there too.
    pub(crate) fn settings(&self, kiosk: bool, runs: &[String]) -> ConnectionSettings {
        let defaults = ConnectionSettings::default();
        let backoff = match self.backoff {
            Some(BackoffName::Constant) => Backoff::Constant,
            Some(BackoffName::Exponential) => Backoff::Exponential,
            None if kiosk && self.reconnect_delay.is_none() => Backoff::Exponential,
            None => defaults.backoff,
        };
        let most = if kiosk { 0 } else { defaults.max_reconnect_attempts };
        let sockets = self.sockets.unwrap_or(if self.safe_sockets { SAFE_SOCKETS } else { 0 });
        let connections = self.max_connections.unwrap_or(match sockets {
            0 => ApiSettings::CONNECTIONS,
            _ if self.safe_sockets => sockets + ApiSettings::QUESTIONS_BESIDE_SAFE_SOCKETS,
            _ => ApiSettings::CONNECTIONS_WITH_SOCKETS,
        });
        ConnectionSettings {
            reconnect_delay: self.reconnect_delay.unwrap_or(defaults.reconnect_delay),
            max_reconnect_attempts: self.max_reconnect_attempts.unwrap_or(most),
            backoff,
            insist: kiosk,
            connect_timeout: self.connect_timeout,
            ping_interval: self.ping_interval,
            idle_timeout: self.idle_timeout,
            max_message_bytes: self.max_message_bytes,
            access: Access {
                token: std::env::var(TOKEN).ok().and_then(|token| Secret::new(&token)),
                token_file: self.token_file.clone(),
                token_header: self.token_header.clone(),
                ca_file: self.ca_file.clone(),
            },
            api: ApiSettings {
                max_sockets: sockets,
                budget: ConnectionBudget::new(connections),
                safe_sockets: self.safe_sockets,
                drain: self.drain_secs,
                poll_interval: self.poll_secs,
                runs: runs.iter().filter(|run| !run.is_empty()).cloned().collect(),
                calls: match self.api {
                    ApiName::Backend => ApiCalls::Backend,
                    ApiName::Guide => ApiCalls::Guide,
                },
                ..defaults.api
            },
            ..defaults
        }
    }
}

/// [`Backoff`] as it is spelled on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum BackoffName {
    /// [`Backoff::Constant`].
    Constant,
    /// [`Backoff::Exponential`].
    Exponential,
}

/// [`ApiCalls`] as they are spelled on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ApiName {
    /// [`ApiCalls::Backend`].
    Backend,
    /// [`ApiCalls::Guide`].
    Guide,
}

/// How many runs a screen keeps, or a hub.
#[derive(Args, Clone, Debug)]
pub struct KeptRuns {
    /// Keep this many runs; those that ended longest ago go first
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = at_least_one)]
    #[arg(env = "METERBRIDGE_KEEP_RUNS", hide_env = true)]
    pub keep_runs: usize,
}

/// Runs that are named by whoever starts the program.
#[derive(Args, Clone, Debug)]
pub struct NamedRuns {
    /// Show this run instead of following the newest. A backend's API is watched for it even where
    /// it lists it no more; may be given more than once
    #[arg(long, value_name = "ID", env = "METERBRIDGE_RUN", hide_env = true)]
    pub run: Vec<String>,
}

/// Options that bound memory.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Memory")]
pub struct RetentionOptions {
    /// How many runs are kept.
    #[command(flatten)]
    pub runs: KeptRuns,

    /// Keep this many lines of the event log
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    #[arg(env = "METERBRIDGE_KEEP_EVENTS", hide_env = true)]
    pub keep_events: usize,

    /// Keep this many events of one run, to put late ones into their place
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = at_least_one)]
    #[arg(env = "METERBRIDGE_KEEP_EVENTS_PER_RUN", hide_env = true)]
    pub keep_events_per_run: usize,
}

/// Options of what is shown.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "View")]
pub struct ViewOptions {
    /// Begin with one run, or with all of them: `stage` or `wall` [default: stage; with a director
    /// wall]
    #[arg(long, value_enum, value_name = "stage|wall")]
    #[arg(hide_possible_values = true, env = "METERBRIDGE_VIEW", hide_env = true)]
    pub view: Option<ViewName>,

    /// Runs that are shown or watched by name.
    #[command(flatten)]
    pub named: NamedRuns,

    /// Open the panel with the log, the numbers and the connection
    #[arg(long, value_name = "yes|no", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "yes", value_parser = BoolishValueParser::new())]
    #[arg(hide_possible_values = true)]
    #[arg(env = "METERBRIDGE_PANEL", hide_env = true)]
    pub panel: Option<bool>,

    /// Begin with the panel closed
    #[arg(long, overrides_with = "panel")]
    pub no_panel: bool,

    /// Nothing moves that need not
    #[arg(long, value_parser = FalseyValueParser::new())]
    #[arg(env = "METERBRIDGE_REDUCED_MOTION", hide_env = true)]
    pub reduced_motion: bool,

    /// Colours: `dark`, `light`, `high-contrast`, or `auto` for what the system or the browser wishes
    #[arg(long, value_enum, value_name = "THEME", default_value = "dark")]
    #[arg(hide_possible_values = true, env = "METERBRIDGE_THEME", hide_env = true)]
    pub theme: ThemeName,

    /// Play a recording this many times as fast
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = factor)]
    #[arg(env = "METERBRIDGE_SPEED", hide_env = true)]
    pub speed: f64,
}

/// Options of the built-in demo studio.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Built-in demo studio")]
pub struct DemoStudioOptions {
    /// Play the same songs again [default: 7]
    #[arg(long, value_name = "N", env = "METERBRIDGE_SEED", hide_env = true)]
    pub seed: Option<u64>,

    /// Work on this many songs at the same time [default: 6]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MAX_RUNS as i64))]
    #[arg(env = "METERBRIDGE_RUNS", hide_env = true)]
    pub runs: Option<u32>,

    /// Work this many times as fast
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = parse_speed)]
    #[arg(env = "METERBRIDGE_DEMO_SPEED", hide_env = true)]
    pub demo_speed: f64,
}

const MOST_SPEED: f64 = 1_000.0;
/// Nobody is to be asked more often.
const LEAST_INTERVAL: Duration = Duration::from_secs(2);

/// No attempt succeeds in less.
const LEAST_TIMEOUT: Duration = Duration::from_millis(100);

/// Seconds between two questions.
fn interval(text: &str) -> Result<Duration, String> {
    seconds(text)
        .ok()
        .filter(|interval| *interval >= LEAST_INTERVAL)
        .ok_or_else(|| format!("expected seconds from 2 to {MOST_SECONDS}, such as 5"))
}

/// Seconds that an attempt may take.
fn timeout(text: &str) -> Result<Duration, String> {
    seconds(text)
        .ok()
        .filter(|timeout| *timeout >= LEAST_TIMEOUT)
        .ok_or_else(|| format!("expected seconds from 0.1 to {MOST_SECONDS}, such as 10"))
}

/// The backend stands still at 15 connections, of which other clients hold some.
fn sockets(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count < 14 => Ok(count),
        _ => Err("expected a whole number up to 13; 0 only polls".to_owned()),
    }
}

fn connections(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if (1..15).contains(&count) => Ok(count),
        _ => Err("expected a whole number from 1 to 14".to_owned()),
    }
}

fn factor(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(factor) if factor > 0.0 && factor <= MOST_SPEED => Ok(factor),
        _ => Err(format!("expected a number above 0 and up to {MOST_SPEED}, such as 2 or 0.5")),
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err("expected a whole number from 1".to_owned()),
    }
}

/// Bytes, with `k` or `M` (also `KiB`, `MB` …) for 1024 and 1024².
fn bytes(text: &str) -> Result<usize, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(digits);
    let shift = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => Some(0),
        "k" | "kb" | "kib" => Some(10),
        "m" | "mb" | "mib" => Some(20),
        _ => None,
    };
    count
        .parse::<usize>()
        .ok()
        .zip(shift)
        .and_then(|(count, shift)| count.checked_mul(1 << shift))
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| "expected bytes, such as 65536, 512k or 4M".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_take_units() {
        for (text, expected) in [
            ("1", Some(1)),
            ("65536", Some(65_536)),
            ("512k", Some(512 << 10)),
            ("4MiB", Some(4 << 20)),
            ("4 M", Some(4 << 20)),
            ("0", None),
            ("", None),
            ("M", None),
            ("4G", None),
            ("-1", None),
            ("99999999999999999999", None),
            ("18446744073709551615M", None),
        ] {
            assert_eq!(bytes(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn delays_and_factors_are_finite_and_not_negative() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in ["-1", "NaN", "inf", "1e9", "soon", ""] {
            assert!(seconds(text).is_err(), "{text}");
            assert!(factor(text).is_err(), "{text}");
        }
        assert!(factor("0").is_err());
    }
}
