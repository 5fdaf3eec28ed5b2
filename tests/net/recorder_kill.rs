//! A killed recorder: at most the last second is missing, and every file can be opened.
//!
//! `METERBRIDGE_RECORDER_KILLS=50 cargo test --test net recorder_kill -- --nocapture` makes 50 kills
//! and prints what was lost.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::SinkExt;
use meterbridge::source::recording::Recording;
use tokio::net::TcpListener;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

use crate::recorder::Folder;

const EVENTS_PER_SECOND: u64 = 5_000;

/// Time at which each event was sent.
type Sent = Arc<Mutex<Vec<Instant>>>;

fn event(number: usize) -> String {
    format!(
        r#"{{"event_id":"0000{number:08}","run_id":"7e8a54a3-112d-4ff3-9774-fda0b38f82{:02x}","song_id":"aaaaaaaa-0000-4000-8000-000000000001","phase":"info","node_name":"COMPOSE","timestamp":"2026-11-23T01:08:49.536148+00:00","data":{{"message":"step {number} of the composition","number":{number}}}}}"#,
        number % 250
    )
}

/// Serves numbered events at a constant rate to one viewer after another. Each viewer gets them from 0.
async fn serve(listener: TcpListener, sent: Sent) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        sent.lock().unwrap().clear();
        let Ok(mut socket) = accept_async(stream).await else { continue };
        let began = Instant::now();
        let mut number = 0;
        'viewer: loop {
            let due = (began.elapsed().as_secs_f64() * EVENTS_PER_SECOND as f64) as usize;
            while number < due {
                let fed = socket.feed(Message::text(event(number))).await;
                sent.lock().unwrap().push(Instant::now());
                if fed.is_err() {
                    break 'viewer;
                }
                number += 1;
            }
            if socket.flush().await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn start(url: &str, file: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meterbridge"));
    command.args(["record", url, "-o"]).arg(file);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Files of a killed recorder.
struct Left {
    events: usize,
    bytes: u64,
    torn: bool,
}

/// Reads a recording, which has all events from 0 on.
#[track_caller]
fn read(file: &Path) -> Left {
    let mut recording = Recording::open(file).unwrap();
    let mut events = 0;
    while let Some(frame) = recording.next_frame().unwrap() {
        assert_eq!(frame.text, event(events), "{}", file.display());
        events += 1;
    }
    let (torn, bytes) = (recording.torn().is_some(), file.metadata().unwrap().len());
    assert_eq!(recording.summary().malformed_lines, 0);
    Left { events, bytes, torn }
}

#[test]
fn killed_recorder_loses_at_most_its_last_second() {
    let told = std::env::var("METERBRIDGE_RECORDER_KILLS").ok();
    let kills: usize = told.and_then(|count| count.parse().ok()).unwrap_or(3);
    let folder = Folder::new("killed");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/events", listener.local_addr().unwrap());
    listener.set_nonblocking(true).unwrap();
    let sent = Sent::default();
    let sending = sent.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { serve(TcpListener::from_std(listener).unwrap(), sending).await });
    });
    let (mut worst, mut lost_events, mut lost_bytes, mut torn) = (Duration::ZERO, 0, 0, 0);
    for kill in 0..kills {
        let endings = ["ndjson", "ndjson.zst", "ndjson.gz"];
        let file = folder.file(&format!("{kill}.{}", endings[kill % 3]));
        let mut child = start(&url, &file);
        // Every kill at another place within the interval of flushes.
        let lived = Duration::from_millis(1_500 + (kill as u64 * 377) % 1_000);
        std::thread::sleep(lived);
        child.kill().unwrap();
        let killed_at = Instant::now();
        child.wait().unwrap();
        let left = read(&file);
        // Events sent until the kill, whether they had arrived or not.
        let sent: Vec<Instant> = sent.lock().unwrap().clone();
        let sent: Vec<&Instant> = sent.iter().filter(|at| **at <= killed_at).collect();
        let lost = sent.len().saturating_sub(left.events);
        let missing = sent.get(left.events).map(|at| killed_at.duration_since(**at));
        let missing = missing.unwrap_or_default();
        assert!(left.events > 1_000, "only {} events in {}", left.events, file.display());
        assert!(missing <= Duration::from_secs(1), "{missing:?} missing in {}", file.display());
        worst = worst.max(missing);
        lost_events += lost;
        let text: usize = (left.events..sent.len()).map(|number| event(number).len()).sum();
        lost_bytes += text;
        torn += usize::from(left.torn);
        println!(
            "kill {kill}: {} sent, {} recorded in {} KiB, {lost} events and {text} bytes lost in the \
             last {missing:.0?}{}",
            sent.len(),
            left.events,
            left.bytes >> 10,
            if left.torn { ", torn" } else { "" },
        );
    }
    println!(
        "{kills} kills at {EVENTS_PER_SECOND} events/s: all open, {torn} torn; lost on average {} \
         events, {} KiB; at most the last {worst:.0?}",
        lost_events / kills.max(1),
        (lost_bytes / kills.max(1)) >> 10
    );
}
