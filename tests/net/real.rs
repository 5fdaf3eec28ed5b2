//! Sources on real threads and sockets, on ports that the system picks.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use meterbridge::source::{
    ConnectionSettings, ConnectionState, Signal, SourceHandle, spawn, spawn_recording,
};
use tokio::net::{TcpListener, TcpSocket};
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

use crate::stage::event;

pub fn settings() -> ConnectionSettings {
    ConnectionSettings { max_reconnect_attempts: 1, ..quick() }
}

fn quick() -> ConnectionSettings {
    ConnectionSettings { reconnect_delay: Duration::from_millis(20), ..Default::default() }
}

/// Takes signals until `pick` returns a value.
pub fn wait_for<T>(source: &SourceHandle, mut pick: impl FnMut(Signal) -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let signal = source.signals.recv_deadline(deadline).expect("the signal in time");
        if let Some(found) = pick(signal) {
            return found;
        }
    }
}

pub fn failure(signal: Signal) -> Option<String> {
    match signal {
        Signal::State(ConnectionState::Failed { reason, .. }) => Some(reason),
        _ => None,
    }
}

fn run_of(signal: Signal) -> Option<String> {
    match signal {
        Signal::Batch(batch) => batch.items.iter().find_map(|item| match item {
            meterbridge::protocol::Item::Event(event) => Some(event.run_id.to_string()),
            _ => None,
        }),
        _ => None,
    }
}

/// Serves an event to each of two viewers; returns their close codes.
#[tokio::main(flavor = "current_thread")]
async fn serve_twice(listener: std::net::TcpListener) -> Vec<Option<u16>> {
    let listener = TcpListener::from_std(listener).unwrap();
    let mut codes = Vec::new();
    for run in ["one", "two"] {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = accept_async(stream).await.unwrap();
        socket.send(Message::text(event(run))).await.unwrap();
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Close(frame) => codes.push(frame.map(|f| u16::from(f.code))),
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    codes
}

#[test]
fn source_thread_reads_events_and_ends_with_its_handle() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    let server = std::thread::spawn(move || serve_twice(listener));
    let url = format!("ws://127.0.0.1:{port}/events");
    let source = spawn(Some(url), ConnectionSettings::default(), Arc::new(|| {}));
    assert_eq!(wait_for(&source, run_of), "one");
    source.reconnect();
    assert_eq!(wait_for(&source, run_of), "two");
    let began = Instant::now();
    drop(source);
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(server.join().unwrap(), [Some(1000), Some(1000)]);
}

#[test]
fn refused_port_is_named() {
    // Bound but not listening: no other process gets the port meanwhile.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    let url = format!("ws://127.0.0.1:{port}/events?token=secret");
    let source = spawn(Some(url), settings(), Arc::new(|| {}));
    assert_eq!(
        wait_for(&source, failure),
        format!("nothing is listening at 127.0.0.1:{port}. Is the backend running?")
    );
}

#[test]
fn unknown_host_is_named() {
    // The resolver refuses a name with an empty label itself, without asking the network.
    let source = spawn(Some("ws://studio..invalid/".into()), settings(), Arc::new(|| {}));
    assert_eq!(
        wait_for(&source, failure),
        "no such host: studio..invalid. Check the name and the network"
    );
}

#[test]
fn missing_recording_is_named() {
    let path = PathBuf::from("no/such.ndjson");
    let source = spawn_recording(path, 1.0, Arc::new(|| {}));
    let reason = wait_for(&source, failure);
    assert!(reason.starts_with("cannot open the recording `no/such.ndjson`: "), "{reason}");
    assert!(reason.ends_with(". Check the path"), "{reason}");
}
