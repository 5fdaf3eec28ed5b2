//! Recovery from interrupted connections: afterwards the screen shows the same as an undisturbed
//! viewer.

use std::time::Duration;

use meterbridge::inspect::{Report, RunReport};
use meterbridge::model::{Model, Retention};
use meterbridge::protocol::Batch;
use meterbridge::source::ConnectionSettings;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;

use crate::stage::{Server, Stage};

const RECORDING: &str = include_str!("../fixtures/transcripts/b-fix-twice-then-pass.ndjson");
const URL: &str = "ws://studio:8000/events";

/// Fault of a connection in the middle of a run.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Close(u16),
    /// Lost without a close frame (1006).
    Drop,
    DropMidFrame,
    Garbage,
    TooLong,
    Silence,
}

fn frames() -> Vec<String> {
    RECORDING
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            line["text"].as_str().unwrap().to_owned()
        })
        .collect()
}

fn runs(batches: impl IntoIterator<Item = Batch>) -> Vec<RunReport> {
    let mut model = Model::new(Retention::EVERYTHING);
    for batch in batches {
        model.receive(batch, |_, _| {});
    }
    Report::of(&model).runs
}

fn undisturbed() -> Vec<RunReport> {
    let mut batch = Batch::new(jiff::Timestamp::UNIX_EPOCH, true);
    for frame in frames() {
        batch.push_text(&frame);
    }
    runs([batch])
}

/// Applies the fault; returns `None` when the connection is gone.
async fn strike(mut server: Server, fault: Fault) -> Option<Server> {
    match fault {
        Fault::Close(code) => {
            let _closed = server.close(code, "").await;
            None
        }
        Fault::Drop => None,
        Fault::DropMidFrame => {
            // A text frame of 100 bytes of which only ten arrive.
            let head = [&[0x81, 100][..], b"{\"run_id\":"].concat();
            server.socket.get_mut().write_all(&head).await.unwrap();
            None
        }
        Fault::Garbage => {
            server.send("no JSON at all").await;
            server.send(Message::binary(vec![0xff, 0xfe])).await;
            Some(server)
        }
        Fault::TooLong => {
            // The head of a text frame of 100 MiB is enough.
            let length = (100_u64 << 20).to_be_bytes();
            let head = [&[0x81, 127][..], &length].concat();
            server.socket.get_mut().write_all(&head).await.unwrap();
            None
        }
        Fault::Silence => {
            // The server is frozen: it neither sends nor answers a ping.
            tokio::time::sleep(Duration::from_secs(46)).await;
            None
        }
    }
}

#[tokio::test(start_paused = true)]
async fn run_after_any_fault_equals_that_of_an_undisturbed_viewer() {
    let frames = frames();
    let expected = undisturbed();
    let faults = [1000, 1001, 1011, 1012, 1013].map(Fault::Close).into_iter().chain([
        Fault::Drop,
        Fault::DropMidFrame,
        Fault::Garbage,
        Fault::TooLong,
        Fault::Silence,
    ]);
    for fault in faults {
        for cut in [1, 7, 15, frames.len() - 1] {
            let mut stage = Stage::with(ConnectionSettings::default(), Some(URL));
            let mut server = stage.attempt().await.accept().await;
            for frame in &frames[..cut] {
                server.send(frame.as_str()).await;
            }
            stage.until_items(cut).await;
            let mut server = match strike(server, fault).await {
                Some(server) => server,
                None => {
                    let mut server = stage.attempt().await.accept().await;
                    // Earlier frames are replayed, as on every connection.
                    for frame in &frames[..cut] {
                        server.send(frame.as_str()).await;
                    }
                    server
                }
            };
            for frame in &frames[cut..] {
                server.send(frame.as_str()).await;
            }
            stage
                .until("the run's end", |stage| {
                    runs(stage.batches().into_iter().cloned())
                        .first()
                        .is_some_and(|run| run.status == "completed")
                })
                .await;
            let seen = runs(stage.batches().into_iter().cloned());
            assert_eq!(seen, expected, "{fault:?} after {cut} frames");
        }
    }
}
