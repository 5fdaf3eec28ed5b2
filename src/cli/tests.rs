use super::*;
use crate::config::Settings;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn kiosk_reconnects_forever_unless_told_otherwise() {
    let settings = |flags: &[&str]| {
        let all = ["meterbridge"].into_iter().chain(flags.iter().copied());
        Cli::parse_from(all).window.request().unwrap().settings
    };
    let Settings { connection, view, kiosk, .. } =
        settings(&["--kiosk", "--screen=2/3", "--dim=22:00-07:00", "--dim-level=0.5"]);
    assert_eq!(connection.backoff, crate::source::Backoff::Exponential);
    assert_eq!(connection.max_reconnect_attempts, 0);
    assert!(connection.insist && view.fullscreen && kiosk.on);
    assert_eq!(view.panel, None);
    assert_eq!(kiosk.screen.map(|screen| screen.number), Some(2));
    assert_eq!((kiosk.dim, kiosk.dim_level), ("22:00-07:00".parse().ok(), 0.5));

    let explicit =
        settings(&["--kiosk", "--backoff=constant", "--max-reconnect-attempts=7", "--panel"]);
    assert_eq!(explicit.connection.backoff, crate::source::Backoff::Constant);
    assert_eq!(explicit.connection.max_reconnect_attempts, 7);
    assert_eq!(explicit.view.panel, Some(true));
    let delayed = settings(&["--kiosk", "--reconnect-delay=10"]).connection;
    assert_eq!(delayed.backoff, crate::source::Backoff::Constant);
    assert_eq!(delayed.reconnect_delay.as_secs(), 10);
    assert_eq!(delayed.max_reconnect_attempts, 0);
    for wrong in ["--screen=4/3", "--dim=night", "--dim-level=0", "--connect-timeout=0"] {
        assert!(Cli::try_parse_from(["meterbridge", wrong]).is_err(), "{wrong}");
    }
}

#[test]
fn flags_fill_the_settings() {
    let cli = Cli::parse_from([
        "meterbridge",
        "--reconnect-delay=0.5",
        "--backoff=exponential",
        "--max-message-bytes=1M",
        "--enabled=no",
        "--connect-timeout=2.5",
        "--ping-interval=0",
        "--idle-timeout=90",
        "--keep-runs=7",
        "--fullscreen",
        "--panel",
        "--no-panel",
        "--seed=3",
    ]);
    let settings = cli.window.request().map(|request| request.settings);
    let settings = settings.unwrap_or_default();
    assert_eq!(settings.connection.reconnect_delay.as_millis(), 500);
    assert_eq!(settings.connection.backoff, crate::source::Backoff::Exponential);
    assert_eq!(settings.connection.max_message_bytes, 1 << 20);
    assert!(!settings.connection.enabled);
    assert_eq!(settings.connection.connect_timeout.as_millis(), 2_500);
    assert_eq!(settings.connection.ping_interval.as_secs(), 0);
    assert_eq!(settings.connection.idle_timeout.as_secs(), 90);
    assert_eq!(settings.retention.runs, 7);
    assert!(settings.view.fullscreen);
    assert_eq!(settings.view.panel, Some(false));
    assert_eq!(settings.demo.seed, Some(3));
    let plain = Cli::parse_from(["meterbridge"]).window.settings.settings();
    assert_eq!(plain, Settings::default(), "the options' defaults are the types' defaults");
}

#[test]
fn demo_studio_is_directed_unless_a_view_or_run_is_given() {
    let directed = |flags: &[&str]| {
        let cli = Cli::parse_from(["meterbridge"].iter().chain(flags));
        cli.window.request().map(|request| request.settings.director.on)
    };
    assert_eq!(directed(&[]), Ok(true));
    assert_eq!(directed(&["--seed=3", "--theme=light"]), Ok(true));
    for flags in [&["--director=no"][..], &["--view=stage"], &["--run=r"], &["ws://studio/"]] {
        assert_eq!(directed(flags), Ok(false), "{flags:?}");
    }
}

#[cfg(feature = "app")]
#[test]
fn snapshot_opens_no_socket_that_it_would_have_to_hold() {
    let sockets = |flags: &[&str]| {
        let flags = ["meterbridge", "snapshot", "http://studio:8000"].iter().chain(flags);
        let Some(Command::Snapshot(args)) = Cli::parse_from(flags).command else {
            panic!("another command");
        };
        args.request().map(|request| request.settings.connection.api.sockets()).unwrap_or(99)
    };
    assert_eq!(sockets(&["--sockets=4"]), 0);
    assert_eq!(sockets(&["--safe-sockets"]), 8);
}
