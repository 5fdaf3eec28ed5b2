//! Playback of recordings as a source.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Receiver;
use jiff::{SignedDuration, Timestamp};
use meterbridge::protocol::{Batch, Item};
use meterbridge::source::merge::MergedFrames;
use meterbridge::source::playback::TimedFrames;
use meterbridge::source::recording::Recording;
use meterbridge::source::signal_sender::{CHANNEL_CAPACITY, SignalSender};
use meterbridge::source::source_context::Environment;
use meterbridge::source::{Command, ConnectionEvent, ConnectionState, Signal, playback};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

const RECORDING: &str = concat!(
    r#"{"recv_ms":100.0,"text":"{\"run_id\":\"a\",\"phase\":\"start\",\"ts\":\"2026-11-23T00:00:00Z\"}"}"#,
    "\n",
    r#"{"recv_ms":100.4,"text":"{\"run_id\":\"b\",\"phase\":\"start\",\"ts\":\"2026-11-23T00:00:00Z\"}"}"#,
    "\nnonsense\n",
    r#"{"recv_ms":4100.0,"text":"{\"run_id\":\"a\",\"phase\":\"end\",\"ts\":\"2026-11-23T00:00:03.9Z\"}"}"#,
    "\n",
);

fn play(speed: f64) -> (Receiver<Signal>, mpsc::Sender<Command>) {
    play_from(|| Recording::new(RECORDING.as_bytes()), speed)
}

fn play_from<R: Read + Send + 'static>(
    open: impl Fn() -> Recording<R> + Send + 'static,
    speed: f64,
) -> (Receiver<Signal>, mpsc::Sender<Command>) {
    let (sender, signals) = crossbeam_channel::bounded(CHANNEL_CAPACITY);
    let (commands, taken) = mpsc::channel(8);
    let signal_sender = SignalSender::new(sender, Arc::new(|| {}));
    let environment = Environment {
        clock: Box::new(|| "2027-01-01T00:00:00Z".parse().unwrap()),
        random: Box::new(|| 0.5),
    };
    tokio::spawn(async move {
        let open = move || Ok(open());
        playback::play(open, "a.ndjson", speed, taken, signal_sender, environment).await;
    });
    (signals, commands)
}

async fn next(signals: &Receiver<Signal>) -> Signal {
    for _ in 0..3_600_000 {
        if let Ok(signal) = signals.try_recv() {
            return signal;
        }
        sleep(Duration::from_millis(1)).await;
    }
    panic!("nothing is told");
}

async fn next_batch(signals: &Receiver<Signal>) -> Batch {
    loop {
        match next(signals).await {
            Signal::Batch(batch) => return batch,
            Signal::State(ConnectionState::Disconnected) => panic!("it is over"),
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn plays_in_real_time_with_the_recordings_own_clock() {
    for (speed, millis) in [(1.0, 4000), (2.0, 2000), (0.0, 4000), (f64::INFINITY, 0)] {
        let began = Instant::now();
        let (signals, _commands) = play(speed);
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let mut batches = vec![next_batch(&signals).await];
        let mut frames = batches[0].frames;
        while frames < 4 {
            batches.push(next_batch(&signals).await);
            frames += batches.last().unwrap().frames;
        }
        let elapsed = began.elapsed();
        let due = Duration::from_millis(millis);
        assert!(elapsed >= due && elapsed < due + Duration::from_millis(20), "{elapsed:?}");
        let last = batches.last().unwrap();
        assert_eq!(last.received_at, at("2026-11-23T00:00:04Z"));
        let items: Vec<&Item> = batches.iter().flat_map(|batch| &batch.items).collect();
        assert_eq!(items.len(), 4);
        assert!(matches!(items[2], Item::Malformed(_)));
        let texts: Vec<&str> = batches.iter().flat_map(Batch::event_texts).collect();
        assert_eq!(texts.len(), 3);
        assert!(texts.iter().all(|text| text.starts_with('{') && text.ends_with('}')), "{texts:?}");
        match next(&signals).await {
            Signal::Log(entry) => assert_eq!(
                entry.event,
                ConnectionEvent::Disconnected {
                    code: None,
                    reason: "the recording has ended: 4 frames".into()
                }
            ),
            other => panic!("{other:?}"),
        }
        match next(&signals).await {
            Signal::State(ConnectionState::Disconnected) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn recording_obeys_connection_commands() {
    let (signals, commands) = play(1.0);
    match next(&signals).await {
        Signal::Log(entry) => assert_eq!(entry.url, "file:a.ndjson"),
        other => panic!("{other:?}"),
    }
    match next(&signals).await {
        Signal::State(ConnectionState::Connected { url, .. }) => assert_eq!(url, "file:a.ndjson"),
        other => panic!("{other:?}"),
    }
    next_batch(&signals).await;
    commands.send(Command::Disconnect).await.unwrap();
    loop {
        match next(&signals).await {
            Signal::State(ConnectionState::Disconnected) => break,
            Signal::Batch(batch) => assert!(batch.frames < 3),
            _ => {}
        }
    }
    sleep(Duration::from_secs(10)).await;
    assert!(signals.is_empty());
    commands.send(Command::Reconnect).await.unwrap();
    let mut frames = 0;
    while frames < 4 {
        frames += next_batch(&signals).await.frames;
    }
}

/// A disk that fails.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("disk"))
    }
}

#[tokio::test(start_paused = true)]
async fn frames_before_a_read_error_are_played() {
    let open = || Recording::new(RECORDING.as_bytes().chain(Broken));
    let (signals, _commands) = play_from(open, 1.0);
    let mut frames = 0;
    while frames < 4 {
        frames += next_batch(&signals).await.frames;
    }
    while !matches!(next(&signals).await, Signal::State(ConnectionState::Failed { .. })) {}
}

#[tokio::test(start_paused = true)]
async fn history_shares_batches_and_live_batches_are_short() {
    let begin: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
    let line = move |recv_ms: i64, second: i64| {
        let at = begin + SignedDuration::from_secs(second);
        let event = json!({"run_id": format!("r{second}"), "phase": "start", "ts": at.to_string()});
        json!({"recv_ms": recv_ms, "text": event.to_string()}).to_string() + "\n"
    };
    let history = (0..300).map(|n| line(n, 12 * n));
    let live = (0..20).map(|n| line(10_000 + 3_000 * n, 3_600 + 3 * n));
    let text: String = history.chain(live).collect();
    let open = move || Recording::new(io::Cursor::new(text.clone()));
    let (signals, _commands) = play_from(open, f64::INFINITY);
    let (mut frames, mut replays, mut live_frames) = (0, 0, 0);
    while frames < 320 {
        let batch = next_batch(&signals).await;
        frames += batch.frames;
        if !batch.live {
            replays += 1;
            continue;
        }
        live_frames += batch.frames;
        for item in &batch.items {
            let Item::Event(event) = item else { panic!("{item:?}") };
            assert!(batch.received_at.duration_since(event.at) <= SignedDuration::from_secs(5));
        }
    }
    assert!(replays <= 2, "{replays} batches of history");
    assert_eq!(live_frames, 20);
}

/// Returns a recording of REST-like and event lines: `(recv_ms, run, second)`.
fn tape(frames: &[(f64, &str, u32)]) -> Recording<io::Cursor<String>> {
    let line = |(recv_ms, run, second): &(f64, &str, u32)| {
        let (minute, second) = (second / 60, second % 60);
        let ts = format!("2026-11-23T00:{minute:02}:{second:02}Z");
        let text = json!({"run_id": run, "phase": "start", "ts": ts}).to_string();
        json!({"recv_ms": recv_ms, "text": text}).to_string() + "\n"
    };
    Recording::new(io::Cursor::new(frames.iter().map(line).collect()))
}

#[test]
fn several_recordings_are_merged_by_the_servers_clock() {
    // Two recorders that began at different times; the second one a day after its computer's start.
    let one = tape(&[(0.0, "a", 1), (4_000.0, "b", 5), (6_000.0, "c", 7), (200_000.0, "d", 201)]);
    let other = tape(&[(86_400_000.0, "x", 3), (86_403_500.0, "y", 6)]);
    let mut merged = MergedFrames::new(vec![other, one]);
    let mut read = Vec::new();
    while let Some((batch, timing)) = merged.next(Timestamp::UNIX_EPOCH).unwrap() {
        let Some(Item::Event(event)) = batch.items.first() else { panic!("no event") };
        let at = timing.at.unwrap().as_millisecond() % 3_600_000;
        read.push((
            event.run_id.to_string(),
            timing.offset.as_millis(),
            at,
            timing.left_out.as_secs(),
        ));
    }
    let expected = [
        ("a", 0, 1_000, 0),
        ("x", 2_000, 3_000, 0),
        ("b", 4_000, 5_000, 0),
        ("y", 5_500, 6_500, 0),
        ("c", 6_000, 7_000, 0),
        // A pause in all files is cut.
        ("d", 11_000, 201_000, 189),
    ];
    let expected = expected.map(|(run, offset, at, cut)| (run.to_owned(), offset, at, cut));
    assert_eq!(read, expected);
    assert_eq!(merged.frames(), 6);
}

#[test]
fn recorded_answers_have_the_recorders_time() {
    let run = r#"{"hub":{"run":{"run_id":"r","status":"running"}}}"#;
    let lines = [
        json!({"recv_ms": 0, "meterbridge": {"recording": 1, "started_at": "2026-11-23T10:00:00Z"}}),
        json!({"recv_ms": 500, "rest": true, "text": run}),
        json!({"recv_ms": 2500, "rest": true, "text": run}),
    ];
    let text = lines.map(|line| line.to_string()).join("\n");
    let mut frames = TimedFrames::new(Recording::new(io::Cursor::new(text)));
    let mut times = Vec::new();
    while let Some((batch, timing)) = frames.next(Timestamp::UNIX_EPOCH).unwrap() {
        assert!(matches!(batch.items[..], [Item::Run(_)]));
        assert_eq!(batch.frames, 0, "an answer is no frame");
        times.push((batch.received_at.to_string(), timing.offset.as_millis()));
    }
    let expected = [("2026-11-23T10:00:00.5Z", 0), ("2026-11-23T10:00:02.5Z", 2_000)];
    assert_eq!(times, expected.map(|(at, offset)| (at.to_owned(), offset)));
}
