//! Options from which the settings are made, for the command line and a page's address.
//!
//! Each option is a flag, an environment variable `METERBRIDGE_*`, a key of the settings file (`file`) and a
//! default, in this precedence.

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
use crate::notify::NotifySettings;
use crate::seconds::{MOST_SECONDS, seconds};
use crate::source::{
    Access, ApiCalls, ApiSettings, Backoff, ConnectionBudget, ConnectionSettings, Secret,
};
use crate::time_zone::DisplayZone;

/// The options that fill [`Settings`].
#[derive(Args, Clone, Debug)]
pub struct SettingsArgs {
    /// Options of the display.
    #[command(flatten)]
    pub view: ViewOptions,
    /// Options of the connection to a stream or a backend.
    #[command(flatten)]
    pub connection: ConnectionOptions,
    /// Options for the start of a connection.
    #[command(flatten)]
    pub start: StartOptions,
    /// Options of the built-in demo studio.
    #[command(flatten)]
    pub demo: DemoStudioOptions,
    /// Options that bound memory.
    #[command(flatten)]
    pub retention: RetentionOptions,
}

impl SettingsArgs {
    /// Returns the settings for attended use.
    pub fn settings(&self) -> Settings {
        self.settings_in(&KioskOptions::default(), false)
    }

    /// Returns the settings for a screen; unattended screens and the demo studio have different
    /// defaults.
    pub fn settings_in(&self, kiosk: &KioskOptions, is_demo: bool) -> Settings {
        let Self { view, connection, start, demo, retention } = self;
        let run = view.named.run.iter().find(|run| !run.is_empty()).cloned();
        // A view or run named on the command line must not be replaced by the director.
        let unless_told = (kiosk.kiosk || is_demo) && view.view.is_none() && run.is_none();
        let director = DirectorSettings::new(&kiosk.director, unless_told);
        // A director starts with the wall, to which it always returns.
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
                ..Retention::default()
            },
            view: ViewSettings {
                view: begins_with.unwrap_or_default(),
                run,
                panel: if view.no_panel { Some(false) } else { view.panel },
                fullscreen: false,
                reduced_motion: view.reduced_motion,
                theme: view.theme,
                speed: view.speed,
                time_zone: view.time_zone.clone(),
            },
            demo: DemoSettings { seed: demo.seed, runs: demo.runs, speed: demo.demo_speed },
            kiosk: KioskSettings::from(kiosk),
            notify: NotifySettings::default(),
            measuring: MeasuringSettings::default(),
            director,
            allow_actions: connection.allow_actions,
            record: None,
        }
    }
}

/// Options of the connection to a stream or a backend.
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

    /// After giving up, try again quietly at this interval; 0 never tries again
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = probe_interval)]
    #[arg(env = "METERBRIDGE_PROBE_SECS", hide_env = true)]
    pub probe_secs: Duration,

    /// `constant` waits the same each time, `exponential` 1, 2, 4 … 30 seconds [default: constant;
    /// with --kiosk exponential]
    #[arg(long, value_enum, hide_possible_values = true)]
    #[arg(env = "METERBRIDGE_BACKOFF", hide_env = true)]
    pub backoff: Option<BackoffName>,

    /// Give an attempt to connect this long: network, TLS and handshake together
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = timeout)]
    #[arg(env = "METERBRIDGE_CONNECT_TIMEOUT", hide_env = true)]
    pub connect_timeout: Duration,

    /// Send a ping over a stream of events at this interval; 0 sends none
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds)]
    #[arg(env = "METERBRIDGE_PING_INTERVAL", hide_env = true)]
    pub ping_interval: Duration,

    /// Treat a stream of events as lost after this long without a frame, answers to pings included; 0
    /// waits forever. Must be longer than --ping-interval
    #[arg(long, value_name = "SECONDS", default_value = "45", value_parser = seconds)]
    #[arg(env = "METERBRIDGE_IDLE_TIMEOUT", hide_env = true)]
    pub idle_timeout: Duration,

    /// Skip messages larger than this; in bytes, or with k or M
    #[arg(long, value_name = "BYTES", default_value = "4M", value_parser = bytes)]
    #[arg(env = "METERBRIDGE_MAX_MESSAGE_BYTES", hide_env = true)]
    pub max_message_bytes: usize,

    /// Watch up to this many running runs of a backend over sockets, which deliver events at once,
    /// with progress and stack traces. AMCS can fail a run when a socket that watches it closes, so
    /// each socket stays open until its run has ended. Other runs are polled [default: 0; with
    /// --safe-sockets 8]
    #[arg(long, value_name = "N", value_parser = sockets)]
    #[arg(env = "METERBRIDGE_SOCKETS", hide_env = true)]
    pub sockets: Option<usize>,

    /// Hold at most this many connections to a backend, sockets and REST requests together; AMCS
    /// stalls when all its clients together hold 15 [default: 1; with sockets 3; with
    /// --safe-sockets 12]
    #[arg(long, value_name = "N", value_parser = connections)]
    #[arg(env = "METERBRIDGE_MAX_CONNECTIONS", hide_env = true)]
    pub max_connections: Option<usize>,

    /// Close sockets at once; only for a backend that never fails a run when a socket closes
    #[arg(long, value_parser = FalseyValueParser::new())]
    #[arg(env = "METERBRIDGE_SAFE_SOCKETS", hide_env = true)]
    pub safe_sockets: bool,

    /// On exit, keep sockets of running runs open until these runs have ended, for at most this long
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = seconds)]
    #[arg(env = "METERBRIDGE_DRAIN_SECS", hide_env = true)]
    pub drain_secs: Duration,

    /// Poll each running run of a backend at this interval, at least 2
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = interval)]
    #[arg(env = "METERBRIDGE_POLL_SECS", hide_env = true)]
    pub poll_secs: Duration,

    /// Allow runs to be started, cancelled, retried and executed from here, each after a
    /// confirmation; in a page's address also `actions`
    #[arg(long, visible_alias = "actions", value_parser = FalseyValueParser::new())]
    #[arg(env = "METERBRIDGE_ALLOW_ACTIONS", hide_env = true)]
    pub allow_actions: bool,

    /// API calls that operations use: those of the `backend`, or those of the product `guide` if
    /// the server has them
    #[arg(long, value_enum, value_name = "backend|guide", default_value = "backend")]
    #[arg(hide_possible_values = true, env = "METERBRIDGE_API", hide_env = true)]
    pub api: ApiName,

    /// Send the token in this file as `Authorization: Bearer …`; without this option, the token in
    /// METERBRIDGE_TOKEN is sent
    #[arg(long, value_name = "FILE", env = "METERBRIDGE_TOKEN_FILE", hide_env = true)]
    pub token_file: Option<PathBuf>,

    /// Send the token unchanged, in this header
    #[arg(long, value_name = "NAME", env = "METERBRIDGE_TOKEN_HEADER", hide_env = true)]
    pub token_header: Option<String>,

    /// Also trust the certificates in this file (PEM)
    #[arg(long, value_name = "FILE", env = "METERBRIDGE_CA_FILE", hide_env = true)]
    pub ca_file: Option<PathBuf>,
}

/// Options for the start of a connection.
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

/// Default number of sockets for a backend that tolerates watchers that come and go.
const SAFE_SOCKETS: usize = 8;

/// Environment variable with the token. There is no option for it, because command lines are
/// visible to all users of a machine.
const TOKEN: &str = "METERBRIDGE_TOKEN";

/// Returns credentials and certificates by these options; the token is that of the environment where no
/// file is named.
pub(crate) fn access_of(
    token_file: Option<PathBuf>,
    token_header: Option<String>,
    ca_file: Option<PathBuf>,
) -> Access {
    let token = std::env::var(TOKEN).ok().and_then(|token| Secret::new(&token));
    Access { token, token_file, token_header, ca_file }
}

impl ConnectionOptions {
    /// Checks options that depend on each other.
    ///
    /// # Errors
    ///
    /// Returns what is wrong and what to write when connections would be lost between two pings.
    pub fn check(&self) -> Result<(), String> {
        let (ping, idle) = (self.ping_interval, self.idle_timeout);
        if ping.is_zero() || idle.is_zero() || idle > ping {
            return Ok(());
        }
        Err(format!(
            "--idle-timeout ({} s) must be longer than --ping-interval ({} s), because a quiet stream \
             would be taken for lost before its first ping is answered; 0 turns either off",
            idle.as_secs_f64(),
            ping.as_secs_f64()
        ))
    }

    /// Converts the options to settings, with different defaults for attended and unattended use.
    /// An explicit delay is constant by default, in a kiosk as well.
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
            probe_interval: self.probe_secs,
            backoff,
            insist: kiosk,
            connect_timeout: self.connect_timeout,
            ping_interval: self.ping_interval,
            idle_timeout: self.idle_timeout,
            max_message_bytes: self.max_message_bytes,
            access: access_of(
                self.token_file.clone(),
                self.token_header.clone(),
                self.ca_file.clone(),
            ),
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

/// Number of runs that a screen or a hub keeps.
#[derive(Args, Clone, Debug)]
pub struct KeptRuns {
    /// Keep at most this many runs; those that ended longest ago are dropped first
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = at_least_one)]
    #[arg(env = "METERBRIDGE_KEEP_RUNS", hide_env = true)]
    pub keep_runs: usize,
}

/// Runs that the user names on the command line.
#[derive(Args, Clone, Debug)]
pub struct NamedRuns {
    /// Show this run instead of following the newest. On a backend, this run is watched even if the
    /// backend does not list it; may be given more than once
    #[arg(long, value_name = "ID", env = "METERBRIDGE_RUN", hide_env = true)]
    pub run: Vec<String>,
}

/// Options that bound memory.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Memory")]
pub struct RetentionOptions {
    /// Number of kept runs.
    #[command(flatten)]
    pub runs: KeptRuns,

    /// Keep at most this many lines of the event log
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    #[arg(env = "METERBRIDGE_KEEP_EVENTS", hide_env = true)]
    pub keep_events: usize,

    /// Keep at most this many events of each run, to sort in events that arrive late
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = at_least_one)]
    #[arg(env = "METERBRIDGE_KEEP_EVENTS_PER_RUN", hide_env = true)]
    pub keep_events_per_run: usize,
}

/// Options of the display.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "View")]
pub struct ViewOptions {
    /// Start with one run (`stage`), with all runs (`wall`), with bars over time (`timeline`: of the
    /// run that `--run` names, else of all runs), with one run beside another (`race`), with days and weeks
    /// (`history`) or with runs, details and events side by side (`desk`) [default: stage; with a director
    /// wall]
    #[arg(long, value_enum, value_name = "stage|wall|timeline|race|history|desk")]
    #[arg(hide_possible_values = true, env = "METERBRIDGE_VIEW", hide_env = true)]
    pub view: Option<ViewName>,

    /// Runs that the user names.
    #[command(flatten)]
    pub named: NamedRuns,

    /// Open the side panel with connection, runs, steps and event log
    #[arg(long, value_name = "yes|no", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "yes", value_parser = BoolishValueParser::new())]
    #[arg(hide_possible_values = true)]
    #[arg(env = "METERBRIDGE_PANEL", hide_env = true)]
    pub panel: Option<bool>,

    /// Start with the panel closed
    #[arg(long, overrides_with = "panel")]
    pub no_panel: bool,

    /// Reduce motion: keep only movement that carries information
    #[arg(long, value_parser = FalseyValueParser::new())]
    #[arg(env = "METERBRIDGE_REDUCED_MOTION", hide_env = true)]
    pub reduced_motion: bool,

    /// Colours: `dark`, `light`, `high-contrast`, or `auto` to follow the system or the browser
    #[arg(long, value_enum, value_name = "THEME", default_value = "dark")]
    #[arg(hide_possible_values = true, env = "METERBRIDGE_THEME", hide_env = true)]
    pub theme: ThemeName,

    /// Play a recording this many times as fast
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = factor)]
    #[arg(env = "METERBRIDGE_SPEED", hide_env = true)]
    pub speed: f64,

    /// Show times in this time zone: a name such as Europe/Berlin, UTC, an offset such as +02:00, or
    /// a POSIX rule [default: that of the system or the browser]
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    #[arg(env = "METERBRIDGE_TIME_ZONE", hide_env = true)]
    pub time_zone: Option<DisplayZone>,
}

/// Options of the built-in demo studio.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Built-in demo studio")]
pub struct DemoStudioOptions {
    /// Seed of the demo: the same seed gives the same songs [default: 7]
    #[arg(long, value_name = "N", env = "METERBRIDGE_SEED", hide_env = true)]
    pub seed: Option<u64>,

    /// Number of runs at the same time [default: 6]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MAX_RUNS as i64))]
    #[arg(env = "METERBRIDGE_RUNS", hide_env = true)]
    pub runs: Option<u32>,

    /// Run the demo this many times as fast
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = parse_speed)]
    #[arg(env = "METERBRIDGE_DEMO_SPEED", hide_env = true)]
    pub demo_speed: f64,
}

const MOST_SPEED: f64 = 1_000.0;
/// Minimum polling interval.
const LEAST_INTERVAL: Duration = Duration::from_secs(2);

/// Minimum interval of quiet attempts.
const LEAST_PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// Minimum time for an attempt to connect; no attempt succeeds in less.
const LEAST_TIMEOUT: Duration = Duration::from_millis(100);

/// Parses a polling interval in seconds.
fn interval(text: &str) -> Result<Duration, String> {
    seconds(text)
        .ok()
        .filter(|interval| *interval >= LEAST_INTERVAL)
        .ok_or_else(|| format!("expected seconds from 2 to {MOST_SECONDS}, such as 5"))
}

/// Parses the interval of quiet attempts, in seconds; 0 for none.
fn probe_interval(text: &str) -> Result<Duration, String> {
    seconds(text)
        .ok()
        .filter(|interval| interval.is_zero() || *interval >= LEAST_PROBE_INTERVAL)
        .ok_or_else(|| format!("expected 0, or seconds from 1 to {MOST_SECONDS}, such as 30"))
}

/// Parses the time for an attempt to connect, in seconds.
fn timeout(text: &str) -> Result<Duration, String> {
    seconds(text)
        .ok()
        .filter(|timeout| *timeout >= LEAST_TIMEOUT)
        .ok_or_else(|| format!("expected seconds from 0.1 to {MOST_SECONDS}, such as 10"))
}

/// Parses a number of sockets. The backend stalls at 15 connections, of which other clients hold
/// some.
fn sockets(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count < 14 => Ok(count),
        _ => Err("expected a whole number from 0 to 13; with 0, all runs are polled".to_owned()),
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
        _ => Err("expected a whole number of at least 1".to_owned()),
    }
}

/// Parses a number of bytes, with `k` or `M` (also `KiB`, `MB` …) for 1024 and 1024².
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
    fn bytes_accept_units() {
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
    fn probe_interval_is_zero_or_at_least_one_second() {
        for (text, expected) in
            [("0", Some(0)), ("1", Some(1)), ("30", Some(30)), ("0.5", None), ("-1", None)]
        {
            assert_eq!(probe_interval(text).ok(), expected.map(Duration::from_secs), "{text}");
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
