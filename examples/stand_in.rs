//! Stand-in for an AMCS backend on a port, with all flaws of the real one: for trying out a hub or a
//! screen, and for the browser tests.
//!
//! ```text
//! cargo run --no-default-features --features cli,hub --example stand_in
//! cargo run -- serve http://127.0.0.1:8000 --allow-actions
//! ```
//!
//! Each line of JSON on stdin is a [`ControlRequest`], which is answered by one line on stdout.
//!
//! ```text
//! {"start": {"title": "Copper Sky", "fails": "COMPOSE"}}
//! {"run":"8f1c…","song":"41d0…"}
//! {"refuse_sockets": true}
//! {}
//! ```

#![expect(clippy::unwrap_used, reason = "what it shares with tests may stop where it fails")]

#[path = "../tests/net/backend/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use the rest")]
mod backend;

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use jiff::Timestamp;
use meterbridge::protocol::PIPELINE;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::sleep;
use uuid::Uuid;

use self::backend::{Backend, Guard, Phase, RemovalFaults, Script};

/// Error message of a failing node.
const WORDS: &str = "LLM call timed out after 30s";

/// Pause of an automatic run before the next one.
const BETWEEN_RUNS: Duration = Duration::from_secs(2);

const TITLES: [&str; 8] = [
    "Neon Rain",
    "Copper Sky",
    "Velvet Engine",
    "Paper Lanterns",
    "Midnight Ferry",
    "Glass Orchard",
    "Slow Satellites",
    "Harbour Lights",
];

/// A stand-in for an AMCS backend
#[derive(Parser)]
struct Args {
    /// Listen here
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8000")]
    listen: SocketAddr,

    /// Fail no run when a socket that watches it goes away
    #[arg(long)]
    bears_watchers: bool,

    /// Number of automatic runs at a time; 0 for none
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: usize,

    /// Duration of a node
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 2500)]
    node_ms: u64,
}

/// Request on a line of stdin.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum ControlRequest {
    /// Creates a song and a run of it, and executes the run. Answers with `run` and `song`.
    Start(Plan),
    /// Works like `Start`, but leaves the run pending.
    Add(Plan),
    /// Sets the behaviour of runs that clients create from now on.
    OfClients(Plan),
    /// Creates a song without a run. Answers with `song`.
    Song(String),
    /// Starts or stops refusing sockets with 403.
    RefuseSockets(bool),
    /// Freezes the backend for this many seconds.
    Freeze(f64),
    /// Acts as after SIGTERM: closes sockets with 1012 and refuses connections until `up`.
    Terminate,
    /// Acts as after SIGKILL: connections are lost, running runs become orphans, and connections are
    /// refused until `up`.
    Kill,
    Up,
    /// Requires this token of everybody; null requires none.
    Token(Option<String>),
    /// Answers with `requests`, in order, and `watchers`.
    Seen,
    /// Answers with the true `status` of a run and its `executions`.
    Run(String),
}

/// Behaviour of a run.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    #[serde(default)]
    title: String,
    /// Duration of each node; the command line's by default.
    node_ms: Option<u64>,
    /// Node that raises an error.
    fails: Option<String>,
    /// Number of passes through FIX.
    #[serde(default)]
    fixes: usize,
}

impl Plan {
    fn script(&self, args: &Args) -> Result<Script, String> {
        let millis = self.node_ms.unwrap_or(args.node_ms);
        let Some(name) = &self.fails else { return Ok(Script::with_fixes(self.fixes, millis)) };
        let node = PIPELINE.iter().find(|node| *node == name);
        let node = node.ok_or_else(|| format!("there is no node {name}"))?;
        Ok(Script::failing(node, WORDS, millis))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let args = Args::parse();
    let backend = Backend::begun_at(Timestamp::now());
    // Interactive use may harm runs; the harm is tested elsewhere.
    backend.expect_harm();
    if args.bears_watchers {
        backend.fail_after_removals(RemovalFaults { polite: 0.0, reset: 0.0, cut: 0.0 });
    }
    let listener = TcpListener::bind(args.listen).await?;
    println!("Backend at http://{}. Ctrl-C ends it.", listener.local_addr()?);
    backend.accept(listener, |stream| async { Some(stream) });
    for place in 0..args.runs {
        tokio::spawn(keep_going(backend.clone(), place, args.runs, args.node_ms));
    }
    let mut lines = lines();
    while let Some(line) = lines.recv().await {
        let answer = match serde_json::from_str(&line) {
            Ok(request) => grant(&backend, &args, request),
            Err(error) => Err(error.to_string()),
        };
        println!("{}", answer.unwrap_or_else(|words| json!({"error": words})));
    }
    // Stdin has ended, as without a terminal: keep serving.
    std::future::pending().await
}

/// Reads lines of stdin on a separate thread, because a blocking read from a terminal would keep the
/// program from ending.
fn lines() -> tokio::sync::mpsc::Receiver<String> {
    let (sender, receiver) = tokio::sync::mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if !line.trim().is_empty() && sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Executes one run after another: of seven, one needs a fix and one fails.
async fn keep_going(backend: Backend, place: usize, places: usize, node_ms: u64) {
    // Start the series at different times.
    sleep(Duration::from_millis(node_ms * 8 * place as u64 / places as u64)).await;
    for number in (place..).step_by(places) {
        let script = match number % 7 {
            3 => Script::with_fixes(1, node_ms),
            5 => Script::failing("COMPOSE", WORDS, node_ms),
            _ => Script::success(node_ms),
        };
        let run = backend.add_run_of(TITLES[number % TITLES.len()], [script]);
        // When the backend is killed, its run becomes an orphan.
        let _ = backend.start(run).await;
        sleep(BETWEEN_RUNS).await;
    }
}

fn grant(backend: &Backend, args: &Args, request: ControlRequest) -> Result<Value, String> {
    let added = |plan: &Plan| -> Result<Uuid, String> {
        Ok(backend.add_run_of(&plan.title, [plan.script(args)?]))
    };
    match request {
        ControlRequest::Start(plan) => {
            let run = added(&plan)?;
            backend.start(run);
            Ok(names(backend, run))
        }
        ControlRequest::Add(plan) => {
            let run = added(&plan)?;
            Ok(names(backend, run))
        }
        ControlRequest::OfClients(plan) => {
            let script = plan.script(args)?;
            backend.lock().of_clients = Some(script);
            Ok(json!({}))
        }
        ControlRequest::Song(title) => {
            Ok(json!({"song": backend.lock().add_song(&title).to_string()}))
        }
        ControlRequest::RefuseSockets(on) => {
            backend.refuse_sockets(on.then_some(403));
            Ok(json!({}))
        }
        ControlRequest::Freeze(secs) => {
            let time = Duration::try_from_secs_f64(secs).map_err(|error| error.to_string())?;
            backend.freeze(time);
            Ok(json!({}))
        }
        ControlRequest::Terminate => Ok(turn(backend, Phase::Restarting)),
        ControlRequest::Kill => Ok(turn(backend, Phase::Killed)),
        ControlRequest::Up => Ok(turn(backend, Phase::Up)),
        ControlRequest::Token(token) => {
            backend.ask_for(token.map_or(Guard::Nobody, Guard::Everything));
            Ok(json!({}))
        }
        ControlRequest::Seen => {
            let seen = backend.seen();
            Ok(json!({"requests": seen.requests, "watchers": seen.watchers}))
        }
        ControlRequest::Run(id) => {
            let id = Uuid::try_parse(&id).map_err(|error| error.to_string())?;
            let studio = backend.lock();
            let run = studio.runs.get(&id).ok_or("there is no such run")?;
            let executions: Vec<Value> = run
                .executions
                .iter()
                .map(|row| json!({"node": row.node, "status": row.status, "number": row.number}))
                .collect();
            Ok(json!({"status": run.status, "seed": run.seed, "executions": executions}))
        }
    }
}

fn turn(backend: &Backend, phase: Phase) -> Value {
    backend.turn(phase);
    json!({})
}

fn names(backend: &Backend, run: Uuid) -> Value {
    let song = backend.lock().run(run).song_id;
    json!({"run": run.to_string(), "song": song.to_string()})
}
