//! Settings in the query of a page's address: the options of the command line, with the same names.
//!
//! `?source=wss://host/events&run=42&panel` corresponds to `meterbridge wss://host/events --run 42
//! --panel`. The query is parsed with the same table of options, so that no setting has two
//! spellings.

use std::borrow::Cow;

use clap::{Arg, ArgAction, CommandFactory, Parser};
use form_urlencoded::{Serializer, parse};
use thiserror::Error;

use crate::config::{Settings, SettingsArgs, ThemeName, ViewName, WindowRequest, reason_of};
use crate::kiosk::KioskOptions;
use crate::notify::{NotifyOptions, NotifySettings};
use crate::source::{
    Address, Backoff, ConnectionSettings, SourceSpec, UrlError, parse_source_url, redact,
};

/// Name of the source among the settings.
const SOURCE: &str = "source";

/// Options without meaning in a page: it begins with a stream, has no studio and selects no monitor,
/// a browser sends no pings, and `panel=no` makes `no-panel` superfluous.
const NOT_IN_A_PAGE: [&str; 16] = [
    "ca-file",
    "demo-speed",
    "drain-secs",
    "idle-timeout",
    "max-connections",
    "no-panel",
    "ping-interval",
    "poll-secs",
    "runs",
    "safe-sockets",
    "screen",
    "seed",
    "sockets",
    "speed",
    "token-file",
    "token-header",
];

/// The options of a page.
#[derive(Parser, Clone, Debug)]
#[command(no_binary_name = true, disable_help_flag = true)]
struct PageArgs {
    /// A WebSocket (ws://… or wss://…), or a path on the page's own host
    #[arg(long)]
    source: Option<Address>,

    #[command(flatten)]
    settings: SettingsArgs,

    #[command(flatten)]
    kiosk: KioskOptions,

    #[command(flatten)]
    notify: NotifyOptions,
}

/// An error in a page's query.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QueryError {
    #[error("there is no setting `{name}`. Known settings: {known}")]
    Unknown { name: String, known: String },
    #[error("`{name}={value}` cannot be used: {reason}")]
    BadValue { name: String, value: String, reason: String },
    #[error("`source` cannot be used: {0}")]
    BadSource(#[from] UrlError),
    #[error("`source` is missing: this page was not loaded from an event server")]
    NoSource,
}

/// State of a running page that its address can describe.
#[derive(Clone, Debug, PartialEq)]
pub struct PageState<'a> {
    /// Address of the source.
    pub source: &'a str,
    pub connection: &'a ConnectionSettings,
    /// The run chosen by the user.
    pub run: Option<&'a str>,
    pub panel: bool,
    /// The view that is shown.
    pub view: ViewName,
    /// The chosen theme.
    pub theme: ThemeName,
    /// True when the director is on.
    pub director: bool,
}

/// Returns the event stream of a page's own server; `None` for a page loaded from a file.
///
/// `protocol` and `host` are those of the page, such as `https:` and `example.org:8080`.
pub fn own_source(protocol: &str, host: &str) -> Option<String> {
    let scheme = match protocol {
        "http:" => "ws",
        "https:" => "wss",
        _ => return None,
    };
    (!host.is_empty()).then(|| format!("{scheme}://{host}/events"))
}

/// Parses the settings of a page. Later queries override earlier ones, setting by setting; each may
/// start with `?`. `own_source` is the result of the function [`own_source`].
///
/// # Errors
///
/// Fails when a setting is unknown or its value is invalid.
pub fn read(queries: &[&str], own_source: Option<&str>) -> Result<WindowRequest, QueryError> {
    let command = PageArgs::command();
    let in_a_page = |arg: &&Arg| arg.get_long().is_some_and(|name| !NOT_IN_A_PAGE.contains(&name));
    let options: Vec<&Arg> = command.get_arguments().filter(in_a_page).collect();
    let mut args: Vec<(String, Vec<String>)> = Vec::new();
    for query in queries {
        for (name, value) in parse(query.trim_start_matches('?').as_bytes()) {
            let option = options.iter().find(|arg| is_called(arg, &name));
            let option = option.ok_or_else(|| unknown(&name, &options))?;
            let name = Cow::Borrowed(option.get_long().unwrap_or_default());
            let given = argument(option, &name, &value)?;
            args.retain(|(known, _)| *known != name);
            args.push((name.into_owned(), given));
        }
    }
    let all = args.into_iter().flat_map(|(_, given)| given);
    let PageArgs { source, settings, kiosk, notify } =
        PageArgs::try_parse_from(all).map_err(|error| bad_value(SOURCE, "", &error))?;
    let source = match (source, own_source) {
        (Some(path), Some(own)) if path.as_str().starts_with('/') => {
            on_own_host(own, path.as_str())
        }
        (Some(text), _) => text.as_str().to_owned(),
        (None, Some(own)) => own.to_owned(),
        (None, None) => return Err(QueryError::NoSource),
    };
    parse_source_url(&source)?;
    let mut settings = settings.settings_in(&kiosk, false);
    settings.notify = NotifySettings::from(&notify);
    // A page has a stream of all runs and needs no list of runs to watch.
    settings.connection.api.runs.clear();
    Ok(WindowRequest { source: SourceSpec::WebSocket(source.into()), settings })
}

fn is_called(option: &Arg, name: &str) -> bool {
    let others = option.get_visible_aliases().unwrap_or_default();
    option.get_long() == Some(name) || others.contains(&name)
}

/// Converts one setting to command-line arguments. Parses it separately, so that errors name the
/// setting.
fn argument(option: &Arg, name: &str, value: &str) -> Result<Vec<String>, QueryError> {
    let given = match option.get_action() {
        ArgAction::SetTrue => match value.to_ascii_lowercase().as_str() {
            "" | "1" | "true" | "yes" | "on" => vec![format!("--{name}")],
            "0" | "false" | "no" | "off" => Vec::new(),
            _ => {
                let (name, value) = (name.to_owned(), value.to_owned());
                let reason = "expected yes or no".to_owned();
                return Err(QueryError::BadValue { name, value, reason });
            }
        },
        _ if value.is_empty() => vec![format!("--{name}")],
        _ => vec![format!("--{name}={value}")],
    };
    match PageArgs::try_parse_from(&given) {
        Ok(_) => Ok(given),
        Err(error) => Err(bad_value(name, value, &error)),
    }
}

fn unknown(name: &str, options: &[&Arg]) -> QueryError {
    let names: Vec<&str> = options.iter().filter_map(|option| option.get_long()).collect();
    QueryError::Unknown { name: name.to_owned(), known: names.join(", ") }
}

/// Converts a clap error, without its hints about flags and `--help`, which do not apply to a page.
fn bad_value(name: &str, value: &str, error: &clap::Error) -> QueryError {
    let reason = reason_of(error, value);
    QueryError::BadValue { name: name.to_owned(), value: value.to_owned(), reason }
}

/// Returns `path` on the host of `own`.
fn on_own_host(own: &str, path: &str) -> String {
    let host_end = own.find("://").map_or(0, |at| at + 3);
    let path_at = own[host_end..].find('/').map_or(own.len(), |at| host_end + at);
    format!("{}{path}", &own[..path_at])
}

/// Returns the query that shows the same in another browser; empty for a page's defaults. Secrets
/// in the source's URL are left out.
pub fn link_query(shown: &PageState, own_source: Option<&str>) -> String {
    let mut query = Serializer::new(String::new());
    write_settings(&mut query, shown, own_source);
    if !shown.connection.enabled {
        query.append_pair("enabled", "no");
    }
    if let Some(run) = shown.run {
        query.append_pair("run", run);
    }
    query.finish()
}

/// Returns the query that a browser stores between visits: like [`link_query`], but without the run,
/// without `enabled`, and without a source that contains secrets.
pub fn kept_query(shown: &PageState, own_source: Option<&str>) -> String {
    let mut query = Serializer::new(String::new());
    let secret = redact(shown.source) != shown.source;
    let source = if secret { own_source.unwrap_or_default() } else { shown.source };
    write_settings(&mut query, &PageState { source, ..shown.clone() }, own_source);
    query.finish()
}

fn write_settings(query: &mut Serializer<String>, shown: &PageState, own_source: Option<&str>) {
    let Settings { connection: defaults, view: looks, .. } = Settings::default();
    let PageState { source, connection, panel, view, director, theme, .. } = shown;
    if Some(*source) != own_source && !source.is_empty() {
        query.append_pair(SOURCE, &without_secrets(source));
    }
    if connection.reconnect_delay != defaults.reconnect_delay {
        let seconds = connection.reconnect_delay.as_secs_f64();
        query.append_pair("reconnect-delay", &seconds.to_string());
    }
    if connection.max_reconnect_attempts != defaults.max_reconnect_attempts {
        let attempts = connection.max_reconnect_attempts.to_string();
        query.append_pair("max-reconnect-attempts", &attempts);
    }
    if connection.connect_timeout != defaults.connect_timeout {
        let seconds = connection.connect_timeout.as_secs_f64();
        query.append_pair("connect-timeout", &seconds.to_string());
    }
    if connection.backoff != defaults.backoff {
        let name = match connection.backoff {
            Backoff::Constant => "constant",
            Backoff::Exponential => "exponential",
        };
        query.append_pair("backoff", name);
    }
    if *panel {
        query.append_pair("panel", "yes");
    }
    if *theme != looks.theme {
        query.append_pair("theme", theme.name());
    }
    if *view != looks.view {
        query.append_pair("view", view.name());
    }
    if *director {
        query.append_pair("director", "yes");
    }
}

/// Removes user, password and secret parameters from a URL. They are left out rather than masked,
/// so that the result is still a valid address.
fn without_secrets(source: &str) -> String {
    let shown = redact(source);
    let Some((before, query)) = shown.split_once('?') else { return shown };
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.ends_with("=…")).collect();
    if kept.is_empty() { before.to_owned() } else { format!("{before}?{}", kept.join("&")) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::notify::NotifyAbout;

    const OWN: &str = "ws://studio:8080/events";

    fn read_one(query: &str) -> Result<WindowRequest, QueryError> {
        read(&[query], Some(OWN))
    }

    fn source_of(query: &str) -> String {
        match read_one(query).unwrap().source {
            SourceSpec::WebSocket(url) => url.as_str().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn empty_query_shows_the_own_server() {
        let request = read_one("").unwrap();
        assert_eq!(request.source, SourceSpec::WebSocket(OWN.into()));
        assert_eq!(request.settings, Settings::default());
        assert_eq!(own_source("http:", "studio:8080").as_deref(), Some(OWN));
        assert_eq!(own_source("https:", "a.b").as_deref(), Some("wss://a.b/events"));
        assert_eq!(own_source("file:", ""), None);
        assert_eq!(read(&[""], None), Err(QueryError::NoSource));
    }

    #[test]
    fn settings_have_command_line_names() {
        let request = read_one(
            "?source=wss%3A%2F%2Fhost%2Fevents%3Fa%3D1&run=r-1&panel&reduced-motion=1\
             &reconnect-delay=0.5&max-reconnect-attempts=0&backoff=exponential&keep-runs=50",
        )
        .unwrap();
        assert_eq!(request.source, SourceSpec::WebSocket("wss://host/events?a=1".into()));
        let Settings { connection, retention, view, .. } = request.settings;
        assert_eq!(view.run.as_deref(), Some("r-1"));
        assert_eq!((view.panel, view.reduced_motion), (Some(true), true));
        assert_eq!(connection.reconnect_delay, Duration::from_millis(500));
        assert_eq!(connection.max_reconnect_attempts, 0);
        assert_eq!(connection.backoff, Backoff::Exponential);
        assert_eq!(retention.runs, 50);
    }

    #[test]
    fn time_zone_is_a_name_or_an_offset_whose_plus_may_be_a_space() {
        for (query, zone) in [
            ("time-zone=Europe/Berlin", "Europe/Berlin"),
            ("time-zone=-05:00", "-05:00"),
            ("time-zone=+05:30", "+05:30"),
            ("time-zone=%2B05:30", "+05:30"),
        ] {
            let view = read_one(query).unwrap().settings.view;
            assert_eq!(view.time_zone, zone.parse().ok(), "{query}");
            assert!(view.time_zone.is_some());
        }
        let error = read_one("time-zone=Europe/Berln").unwrap_err().to_string();
        assert!(error.contains("expected a time zone such as Europe/Berlin"), "{error}");
    }

    #[test]
    fn kiosk_option_works_in_a_page() {
        let settings = read_one("?kiosk&dim=22:00-07:00").unwrap().settings;
        assert!(settings.kiosk.on && settings.kiosk.dim.is_some());
        assert_eq!(settings.connection.max_reconnect_attempts, 0);
        assert_eq!(settings.connection.backoff, Backoff::Exponential);
        assert_eq!(read_one("kiosk=no").unwrap().settings, Settings::default());
        let delay = read_one("kiosk&reconnect-delay=10").unwrap().settings.connection;
        assert_eq!((delay.backoff, delay.max_reconnect_attempts), (Backoff::Constant, 0));
        let error = read_one("dim=night").unwrap_err().to_string();
        assert!(error.ends_with("expected two times of day, such as 22:00-07:00"), "{error}");
    }

    #[test]
    fn notifications_are_options_of_a_page() {
        let asked = "?notify=all&notify-sound&quiet-hours=22:00-07:00";
        let notify = read_one(asked).unwrap().settings.notify;
        assert_eq!((notify.about, notify.sound), (NotifyAbout::All, true));
        assert_eq!(notify.quiet, "22:00-07:00".parse().ok());
        assert_eq!(read_one("").unwrap().settings.notify, NotifySettings::default());
        let error = read_one("notify=loud").unwrap_err().to_string();
        assert!(error.contains("off or failures or all"), "{error}");
    }

    #[test]
    fn kiosk_has_a_director_unless_view_or_run_is_given() {
        for (query, on, view) in [
            ("", false, ViewName::Stage),
            ("kiosk", true, ViewName::Wall),
            ("kiosk&view=wall", false, ViewName::Wall),
            ("kiosk&view=stage", false, ViewName::Stage),
            ("kiosk&run=r-1", false, ViewName::Stage),
            ("kiosk&director=no", false, ViewName::Stage),
            ("director", true, ViewName::Wall),
            ("kiosk&view=stage&director=yes", true, ViewName::Wall),
        ] {
            let settings = read_one(query).unwrap().settings;
            assert_eq!((settings.director.on, settings.view.view), (on, view), "{query}");
        }
        let rates =
            read_one("director&hold-failed=30&pin=0&shot-gap=5").unwrap().settings.director.rates;
        assert_eq!((rates.hold_failed_secs, rates.pin_secs, rates.gap_secs), (30.0, 0.0, 5.0));
        let error = read_one("hold-fix=long").unwrap_err().to_string();
        assert!(error.contains("expected seconds from 0 to 86400"), "{error}");
    }

    #[test]
    fn operations_are_allowed_by_either_option_name() {
        let allowed = |query: &str| read_one(query).map(|request| request.settings.allow_actions);
        for (query, expected) in [
            ("", false),
            ("kiosk", false),
            ("actions", true),
            ("allow-actions", true),
            ("allow-actions&actions=no", false),
        ] {
            assert_eq!(allowed(query), Ok(expected), "{query}");
        }
        let calls = read_one("api=guide").unwrap().settings.connection.api.calls;
        assert_eq!(calls, crate::source::ApiCalls::Guide);
        let error = read_one("api=ours").unwrap_err().to_string();
        assert_eq!(error, "`api=ours` cannot be used: expected backend or guide");
    }

    #[test]
    fn source_path_is_on_the_own_host() {
        assert_eq!(source_of("source=/studio/events"), "ws://studio:8080/studio/events");
        assert_eq!(source_of("source=ws://other/x"), "ws://other/x");
    }

    #[test]
    fn later_queries_override_earlier_ones() {
        let request = read(&["panel=no&backoff=exponential", "?panel"], Some(OWN)).unwrap();
        assert_eq!(request.settings.view.panel, Some(true));
        assert_eq!(request.settings.connection.backoff, Backoff::Exponential);
        let off = read(&["reduced-motion", "reduced-motion=off"], Some(OWN)).unwrap();
        assert!(!off.settings.view.reduced_motion);
    }

    #[test]
    fn errors_name_the_setting() {
        let error = |query: &str| read_one(query).unwrap_err().to_string();
        assert!(
            error("pannel=1").starts_with("there is no setting `pannel`. Known settings: source, ")
        );
        assert_eq!(
            error("reconnect-delay=soon"),
            "`reconnect-delay=soon` cannot be used: \
             expected seconds from 0 to 86400, such as 3 or 0.5"
        );
        assert_eq!(
            error("backoff=maybe"),
            "`backoff=maybe` cannot be used: expected constant or exponential"
        );
        assert_eq!(error("keep-runs"), "`keep-runs=` cannot be used: a value is missing");
        assert_eq!(
            error("reduced-motion=2"),
            "`reduced-motion=2` cannot be used: expected yes or no"
        );
        assert!(error("source=http://x/").contains("an event stream begins with ws://"));
        assert!(error("source=loclhost:8000").starts_with("`source` cannot be used: "));
        assert!(error("seed=1").starts_with("there is no setting `seed`."));
        assert!(error("help").contains("no setting `help`"));
    }

    #[test]
    fn link_query_reproduces_the_view() {
        let connection = ConnectionSettings {
            reconnect_delay: Duration::from_millis(1500),
            max_reconnect_attempts: 0,
            backoff: Backoff::Exponential,
            connect_timeout: Duration::from_secs(4),
            enabled: false,
            ..Default::default()
        };
        let source = "wss://host/events?a=b&c=d%20e";
        let shown = PageState {
            source,
            connection: &connection,
            run: Some("ü & 1"),
            panel: true,
            view: ViewName::Wall,
            theme: ThemeName::Light,
            director: false,
        };
        let request = read_one(&link_query(&shown, Some(OWN))).unwrap();
        assert_eq!(request.source, SourceSpec::WebSocket(source.into()));
        assert_eq!(request.settings.connection, connection);
        assert_eq!(request.settings.view.run.as_deref(), Some("ü & 1"));
        assert_eq!(request.settings.view.panel, Some(true));
        assert_eq!(request.settings.view.view, ViewName::Wall);
        assert_eq!(request.settings.view.theme, ThemeName::Light);
        let bare = ConnectionSettings::default();
        let plain = PageState {
            source: OWN,
            connection: &bare,
            run: None,
            panel: false,
            view: ViewName::Stage,
            theme: ThemeName::Dark,
            director: false,
        };
        assert_eq!(link_query(&plain, Some(OWN)), "");
        assert!(read_one("").unwrap().settings.connection.enabled);
        assert!(!kept_query(&shown, Some(OWN)).contains("enabled"));
        let directed = link_query(&PageState { director: true, ..plain }, Some(OWN));
        assert_eq!(directed, "director=yes");
        assert!(read_one(&directed).unwrap().settings.director.on);
    }

    #[test]
    fn secrets_are_not_shared_or_stored() {
        let connection = ConnectionSettings::default();
        let source = "wss://user:hunter2@host/events?token=sesame&all=1";
        let shown = PageState {
            source,
            connection: &connection,
            run: None,
            panel: true,
            view: ViewName::Stage,
            theme: ThemeName::Dark,
            director: false,
        };
        let link = link_query(&shown, Some(OWN));
        assert_eq!(source_of(&link), "wss://host/events?all=1");
        assert_eq!(kept_query(&shown, Some(OWN)), "panel=yes");
        for text in [link, kept_query(&shown, None)] {
            assert!(!text.contains("sesame") && !text.contains("hunter2"), "{text}");
        }
    }
}
