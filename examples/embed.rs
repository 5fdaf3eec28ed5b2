//! Embeds Meterbridge in a Bevy app, without a window or a GPU:
//!
//! ```text
//! cargo run --example embed                                     the built-in demo studio
//! cargo run --example embed -- ws://localhost:8000/events       a live stream
//! cargo run --example embed -- recording.ndjson --speed 10      a recording
//! ```
//!
//! The app ends after `--finished` runs or `--seconds`, whichever comes first. `MeterbridgePlugin`
//! reports what happens in messages; `docs/embedding.md` compares them with the callbacks of the product
//! guide's hook.

use std::time::Duration;

use anyhow::{Result, bail};
use bevy::app::ScheduleRunnerPlugin;
use bevy::prelude::*;
use clap::Parser;
use meterbridge::config::SettingsArgs;
use meterbridge::embed::{
    AppSystems, Connected, ConnectionError, Disconnected, EventReceived, MeterbridgePlugin,
    NodeFinished, ParseErrorReceived, Run, RunFinished, RunStore, SourceSpec,
};
use meterbridge::text::duration_words;

/// Interval between two updates: the longest delay of a report.
const UPDATE_EVERY: Duration = Duration::from_millis(20);

/// Print what happens in a studio
#[derive(Parser)]
struct Arguments {
    /// A stream (ws://…), a backend (http://…) or a recording; without it, the demo studio
    source: Option<String>,

    /// End after so many finished runs
    #[arg(long, default_value_t = 20)]
    finished: usize,

    /// End after so many seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,

    #[command(flatten)]
    settings: SettingsArgs,
}

/// Conditions for the end.
#[derive(Resource)]
struct Limits {
    runs: usize,
    time: Duration,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let exit = App::new()
        .add_plugins(MinimalPlugins.set(ScheduleRunnerPlugin::run_loop(UPDATE_EVERY)))
        .add_plugins(MeterbridgePlugin {
            settings: arguments.settings.settings(),
            source: Some(SourceSpec::parse(arguments.source.as_deref())?),
        })
        .insert_resource(Limits {
            runs: arguments.finished,
            time: Duration::from_secs(arguments.seconds),
        })
        // After `Sync` the entities of runs and nodes match the model, too.
        .add_systems(Update, (tell_connection, tell_work, end).chain().after(AppSystems::Sync))
        .run();
    match exit {
        AppExit::Success => Ok(()),
        AppExit::Error(code) => bail!("the app ended with code {code}"),
    }
}

fn tell_connection(
    mut connected: MessageReader<Connected>,
    mut disconnected: MessageReader<Disconnected>,
    mut errors: MessageReader<ConnectionError>,
    mut parse_errors: MessageReader<ParseErrorReceived>,
) {
    for Connected { url } in connected.read() {
        println!("connected to {url}");
    }
    for ConnectionError { message } in errors.read() {
        println!("error: {message}");
    }
    for ParseErrorReceived { reason, .. } in parse_errors.read() {
        println!("could not be read: {reason}");
    }
    for Disconnected { code, reason } in disconnected.read() {
        match code {
            Some(code) => println!("disconnected, {code}: {reason}"),
            None => println!("disconnected: {reason}"),
        }
    }
}

fn tell_work(
    run_store: Res<RunStore>,
    mut events: MessageReader<EventReceived>,
    mut nodes: MessageReader<NodeFinished>,
    mut runs: MessageReader<RunFinished>,
) {
    let title_of = |run: &Run| run.song_title.as_ref().map(ToString::to_string);
    let title = |id: &str| run_store.model.run(id).and_then(title_of).unwrap_or(id.to_owned());
    for EventReceived { event, .. } in events.read() {
        let Some(event) = event else { continue };
        if let Some((_, total)) = event.scores().iter().find(|(name, _)| name == "total") {
            println!("{}: scored {total:.2}", title(&event.run_id));
        }
    }
    for NodeFinished { run_id, node, status } in nodes.read() {
        println!("{}: {node} {}", title(run_id), status.as_str());
    }
    for RunFinished { run_id, status } in runs.read() {
        let took = run_store.model.run(run_id).and_then(|run| run.duration_ms);
        let took = took.map_or_else(String::new, |millis| format!(", {}", duration_words(millis)));
        println!("{}: {}{took}", title(run_id), status.as_str());
    }
}

fn end(
    limits: Res<Limits>,
    time: Res<Time<Real>>,
    mut finished: Local<usize>,
    mut runs: MessageReader<RunFinished>,
    mut exit: MessageWriter<AppExit>,
) {
    *finished += runs.read().count();
    if *finished >= limits.runs || time.elapsed() >= limits.time {
        exit.write(AppExit::Success);
    }
}
