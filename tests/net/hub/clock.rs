//! A server whose clock is set while a hub follows it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::SinkExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

use super::PATIENCE;
use super::hostile::Process;

/// How far the server's clock is ahead until it is set right.
const AHEAD: SignedDuration = SignedDuration::from_secs(600);

/// Time on a connection after which the clock is set right: events of the first two seconds are not
/// live, and those of one more second establish the estimate.
const WRONG_FOR: Duration = Duration::from_secs(4);

/// Sends an event of each of three runs ten times a second, by a clock that is set back once.
async fn serve(listener: TcpListener) {
    let Ok((stream, _)) = listener.accept().await else { return };
    let Ok(mut socket) = accept_async(stream).await else { return };
    let began = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    for number in 0_u64.. {
        ticks.tick().await;
        let ahead = if began.elapsed() < WRONG_FOR { AHEAD } else { SignedDuration::ZERO };
        for run in ["run-1", "run-2", "run-3"] {
            let (node, phase) =
                if number == 0 { (None, "start") } else { (Some("PLAN"), "progress") };
            let event = json!({
                "event_id": format!("{run}-{number}"), "ts": (Timestamp::now() + ahead).to_string(),
                "run_id": run, "node_name": node, "phase": phase,
            });
            if socket.send(Message::text(event.to_string())).await.is_err() {
                return;
            }
        }
    }
}

/// Returns the seconds of a length of time such as `10 min` or `9 min 58 s`.
fn seconds(words: &str) -> u64 {
    let parts: Vec<&str> = words.split(' ').collect();
    let part = |part: &[&str]| match part {
        [number, "min"] => 60 * number.parse::<u64>().unwrap(),
        [number, "s"] => number.parse().unwrap(),
        _ => panic!("{words}"),
    };
    parts.chunks(2).map(part).sum()
}

#[tokio::test]
async fn step_of_the_server_clock_is_logged_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("ws://{}/events", listener.local_addr().unwrap());
    tokio::spawn(serve(listener));
    let mut command = Command::new(env!("CARGO_BIN_EXE_meterbridge"));
    command
        .args(["serve", &upstream, "--listen", "127.0.0.1:0", "--store", "none"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut hub = Process(command.spawn().unwrap());
    let (send, mut lines) = tokio::sync::mpsc::unbounded_channel();
    let log = BufReader::new(hub.0.stderr.take().unwrap());
    std::thread::spawn(move || {
        log.lines().map_while(Result::ok).try_for_each(|line| send.send(line))
    });

    let mut steps = Vec::new();
    let first = async {
        while let Some(line) = lines.recv().await {
            if line.contains("clock") {
                steps.push(line);
                return;
            }
        }
    };
    timeout(PATIENCE, first).await.expect("the step is logged");
    let by = steps[0].split_once("the server's clock was set back by ").map(|(_, by)| seconds(by));
    assert!(by.is_some_and(|secs| (595..=605).contains(&secs)), "{steps:?}");
    // Many further events by the right clock are no further step.
    let more = async {
        while let Some(line) = lines.recv().await {
            steps.extend(line.contains("clock").then_some(line));
        }
    };
    assert!(timeout(Duration::from_secs(3), more).await.is_err(), "the hub goes on");
    assert_eq!(steps.len(), 1, "{steps:?}");
}
