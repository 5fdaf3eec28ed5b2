//! Checks that no credential appears on a screen or in a snapshot's log, while the stand-in backend
//! repeats the received credentials wherever it can.

use std::process::Output;
use std::time::Duration;

use bevy::log::LogPlugin;
use bevy::prelude::*;
use meterbridge::app::draw::{Canvas, make_ready, offscreen_plugins};
use meterbridge::app::state::link::Link;
use meterbridge::app::state::run_store::RunStore;
use meterbridge::app::state::viewport::Viewport;
use meterbridge::app::{ControlsPlugin, MeterbridgePlugin, ViewPlugin};
use meterbridge::config::Settings;
use meterbridge::source::{
    Access, ConnectionBudget, ConnectionEvent, ConnectionState, Secret, SourceSpec,
};

use super::backend::{Parrot, Script};
use super::picture::{meterbridge, scratch};
use super::support::{self, until};

const TOKEN: &str = "t0ken-5f1e8d-s3cret";
const PASSWORD: &str = "p4ssw0rd-77aa41";
/// `ann:` and the password, as in `Authorization: Basic`.
const BASIC: &str = "YW5uOnA0c3N3MHJkLTc3YWE0MQ==";
const EVERYWHERE: [Parrot; 4] =
    [Parrot::Tells, Parrot::Closes(1011), Parrot::Moves, Parrot::Refuses(401)];

#[track_caller]
fn assert_clean(what: &str, seen: &str) {
    for secret in [TOKEN, PASSWORD, BASIC] {
        let Some(at) = seen.find(secret) else { continue };
        let from = seen[..at].char_indices().rev().nth(300).map_or(0, |(at, _)| at);
        panic!("{what}: {secret} in …{}", &seen[from..at + secret.len()]);
    }
}

/// Starts a stand-in with a run. Returns its address, and a function that returns the credentials that
/// it received.
fn stand_in(parrot: Parrot) -> (String, impl Fn() -> Vec<String>) {
    let (address, backend) = support::stand_in(move |backend| {
        backend.allow_connections(2);
        backend.repeat_credentials(parrot);
        backend.start_run([Script::success(400)]);
    });
    (address, move || backend.seen().authorizations.into_iter().flatten().collect())
}

/// Runs `meterbridge snapshot` with full logging; returns its result and everything that it printed.
fn snapshot(url: &str, token: bool, name: &str) -> (Output, String) {
    let picture = scratch(&format!("{name}.png"));
    let mut command = meterbridge();
    command.args(["snapshot", url, "--panel", "--at", "1.5", "--size", "640x360"]);
    command.args(["--reconnect-delay", "0.1", "-o"]).arg(picture);
    command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
    if token {
        command.env("METERBRIDGE_TOKEN", TOKEN);
    }
    let output = command.output().unwrap();
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    (output, String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn snapshot_prints_no_credential() {
    for parrot in EVERYWHERE {
        for token in [true, false] {
            let (address, shown) = stand_in(parrot);
            let userinfo = if token { String::new() } else { format!("ann:{PASSWORD}@") };
            let url = format!("http://{userinfo}{address}");
            let (output, said) = snapshot(&url, token, &format!("secret-{parrot:?}-{token}"));
            let what = format!("{parrot:?}, token: {token}");
            let sent = if token { format!("Bearer {TOKEN}") } else { format!("Basic {BASIC}") };
            assert!(shown().contains(&sent), "{what}: it was not sent");
            // A refused or redirected snapshot has no picture and fails with a message.
            let refused = matches!(parrot, Parrot::Refuses(_) | Parrot::Moves);
            assert_eq!(output.status.success(), !refused, "{what}: {}", tail(&said));
            assert!(said.contains("TRACE"), "{what}: it logs all that it can: {}", tail(&said));
            assert_clean(&what, &said);
            let warned = said.contains("can read the password on the command line");
            assert_eq!(warned, !token, "{what}");
        }
    }
}

fn tail(text: &str) -> &str {
    let from = text.char_indices().rev().nth(2000).map_or(0, |(at, _)| at);
    &text[from..]
}

/// Returns all text of the stage or the wall, with the panel open, until `done`.
fn words(url: &str, settings: Settings, done: impl Fn(&App) -> bool) -> String {
    let mut app = App::new();
    let quiet = LogPlugin { filter: "off".to_owned(), ..default() };
    app.add_plugins(offscreen_plugins().unwrap().set(quiet));
    let source = Some(SourceSpec::Api(url.into()));
    app.add_plugins((MeterbridgePlugin { settings, source }, ViewPlugin, ControlsPlugin));
    app.insert_resource(Viewport { size_px: Vec2::new(960.0, 540.0), ..default() });
    make_ready(&mut app);
    meterbridge::app::spawn_cameras(app.world_mut().commands());
    app.world_mut().flush();
    until(&mut app, "something to show", |app| done(app));
    let mut seen = String::new();
    for _ in 0..30 {
        app.update();
        let world = app.world();
        let link = world.resource::<Link>();
        seen.push_str(&format!("{:?}\n", world.resource::<Canvas>()));
        seen.push_str(&format!("{:?} {:?} {:?}\n", link.state, link.last_error, link.log));
    }
    seen + &format!("{:?}", app.world().resource::<RunStore>().model)
}

#[test]
fn no_screen_shows_a_credential() {
    for parrot in EVERYWHERE {
        let (address, shown) = stand_in(parrot);
        let mut settings = Settings::default();
        settings.connection.reconnect_delay = Duration::from_millis(50);
        settings.connection.access = Access { token: Secret::new(TOKEN), ..Access::default() };
        // Sockets, too, may repeat what was sent to them.
        settings.connection.api.max_sockets = 1;
        settings.connection.api.budget = ConnectionBudget::new(2);
        let url = format!("http://ann:{PASSWORD}@{address}");
        let seen = words(&url, settings, |app| {
            let world = app.world();
            let (link, run_store) = (world.resource::<Link>(), world.resource::<RunStore>());
            match parrot {
                Parrot::Refuses(_) => matches!(link.state, ConnectionState::Failed { .. }),
                Parrot::Tells => run_store.model.counters().malformed > 0,
                _ => link
                    .log
                    .iter()
                    .any(|entry| matches!(entry.event, ConnectionEvent::Error { .. })),
            }
        });
        assert!(shown().contains(&format!("Bearer {TOKEN}")), "{parrot:?}: it was not sent");
        assert!(seen.contains(&address) || seen.contains("PLAN"), "{parrot:?}: {}", tail(&seen));
        assert_clean(&format!("{parrot:?}"), &seen);
    }
}
