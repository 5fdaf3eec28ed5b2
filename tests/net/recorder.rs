//! Recorder: what is recorded replays to the report of the live model, in every kind of file.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use meterbridge::inspect::{Report, read_as_far_as_possible};
use meterbridge::model::{Model, Retention};
use meterbridge::protocol::Batch;
use meterbridge::source::recorder::{Recorder, RecorderSettings};
use meterbridge::source::recording::Recording;
use meterbridge::source::{ConnectionSettings, Signal, spawn};
use tokio::net::TcpListener;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

use crate::backend::{Backend, Script};
use crate::client::{TestClient, naming, with_sockets};

/// A folder that is removed at the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(test: &str) -> Self {
        let name = format!("meterbridge-recorder-{test}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Returns the names of the files, sorted.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn to(path: PathBuf) -> RecorderSettings {
    RecorderSettings { path, ..RecorderSettings::default() }
}

/// Returns the report of recordings that are whole.
#[track_caller]
fn replayed(files: &[PathBuf]) -> Report {
    let mut model = Model::new(Retention::EVERYTHING);
    for file in files {
        let mut recording = Recording::open(file).unwrap();
        let readout = read_as_far_as_possible(&mut model, Recording::open(file).unwrap());
        readout.result.unwrap();
        while recording.next_frame().unwrap().is_some() {}
        assert_eq!(recording.torn(), None, "{}", file.display());
    }
    Report::of(&model)
}

fn event(run: usize, phase: &str, second: usize) -> String {
    format!(r#"{{"run_id":"run-{run}","phase":"{phase}","ts":"2026-11-23T10:00:{second:02}Z"}}"#)
}

/// Frames of every kind: events, lists, empty ones, text that is no event, bytes that are no text.
fn odd_frames() -> Vec<Message> {
    let mut frames: Vec<Message> =
        (0..20).map(|run| Message::text(event(run, "start", run))).collect();
    frames.extend([
        Message::text(format!("[{},{}]", event(1, "end", 30), event(2, "fail", 31))),
        Message::text("[]"),
        Message::text(""),
        Message::text("{\"keepalive\": true}"),
        Message::text("nonsense \u{1b}[31m \"quoted\" \\ 音楽\n{"),
        Message::text(format!("{}{}", event(3, "end", 32), event(4, "end", 33))),
        Message::binary(event(5, "end", 34).into_bytes()),
        // Would be an event if it were read with replacement characters.
        Message::binary([event(6, "end", 35).as_bytes(), b"\xff"].concat()),
        Message::text(event(1, "end", 30)),
        // Larger than the limit of the test.
        Message::text(format!("{{\"a\":\"{}\"}}", "x".repeat(5_000))),
        Message::text(event(7, "end", 36)),
    ]);
    frames
}

/// Serves frames to one viewer, on a thread; returns the port.
fn serve(frames: Vec<Message>) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            let mut socket = accept_async(listener.accept().await.unwrap().0).await.unwrap();
            for frame in frames {
                socket.send(frame).await.unwrap();
            }
            while let Some(Ok(_)) = socket.next().await {}
        });
    });
    port
}

/// Records a WebSocket into `file`. Returns the report of the live model.
fn recorded_live(file: PathBuf) -> Report {
    let frames = odd_frames();
    let count = frames.len() as u64;
    let url = format!("ws://127.0.0.1:{}/events?token=hunter2-hunter2", serve(frames));
    let recorder = Recorder::start(to(file)).unwrap();
    let settings = ConnectionSettings {
        recorder: Some(recorder.clone()),
        max_message_bytes: 4_000,
        ..ConnectionSettings::default()
    };
    let source = spawn(Some(url), settings, Arc::new(|| {}));
    let mut model = Model::new(Retention::EVERYTHING);
    let deadline = Instant::now() + Duration::from_secs(20);
    while model.counters().frames < count {
        if let Signal::Batch(batch) = source.signals.recv_deadline(deadline).unwrap() {
            model.receive(batch, |_, _| ());
        }
    }
    drop(source);
    assert_eq!(recorder.finish().frames, count);
    Report::of(&model)
}

#[test]
fn recorded_stream_replays_to_the_live_report_in_every_compression() {
    let folder = Folder::new("stream");
    for name in ["a.ndjson", "a.ndjson.zst", "a.ndjson.gz"] {
        let live = recorded_live(folder.file(name));
        assert_eq!((live.events, live.duplicates, live.ignored), (26, 1, 3), "{name}");
        assert_eq!(live.malformed, 3, "{name}");
        assert_eq!(replayed(&[folder.file(name)]), live, "{name}");
    }
    let text = std::fs::read_to_string(folder.file("a.ndjson")).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    let header: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(header["meterbridge"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(header["meterbridge"]["source"].as_str().unwrap().starts_with("ws://127.0.0.1:"));
    assert!(text.contains("\"connection\":\"connected\""), "{text}");
    assert!(text.contains("\"connection\":\"disconnected\""), "{text}");
}

#[tokio::test(start_paused = true)]
async fn recorded_backend_replays_to_the_live_report() {
    let folder = Folder::new("backend");
    for sockets in [0, 8] {
        let file = folder.file(&format!("{sockets}.ndjson.zst"));
        let recorder = Recorder::start(to(file.clone())).unwrap();
        let backend = Backend::new();
        backend.send_live_first();
        let mut runs = vec![
            backend.start_run([Script::with_fixes(2, 600)]),
            backend.start_run([Script::failing("LYRICS", "LLM call timed out", 300)]),
        ];
        let mut settings = if sockets == 0 { naming(&runs) } else { with_sockets(sockets) };
        settings.recorder = Some(recorder.clone());
        let mut client = TestClient::watching(&backend, settings);
        backend.allow_connections(9);
        client.pass(Duration::from_secs(2)).await;
        runs.push(backend.start_run([Script::success(400)]));
        client.pass(Duration::from_secs(60)).await;
        client.shows(&backend, &runs).await;
        let live = Report::of(&client.model);
        assert_eq!(live.frames > 0, sockets > 0, "the test has answers without frames");
        assert_eq!(live.runs.len(), 3);
        assert!(live.runs[1].from_rest || sockets > 0);
        recorder.finish();
        assert_eq!(replayed(&[file]), live, "{sockets} sockets");
    }
}

/// Returns a batch's tape of this many events.
fn record_events(recorder: &Recorder, from: usize, count: usize) {
    let at: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
    for run in from..from + count {
        let mut batch = Batch::new(at, true);
        batch.keep_frames();
        batch.push_text(&event(run, "start", run % 60));
        let tape = batch.take_tape().unwrap();
        recorder.record("ws://studio/events", at, true, &tape, |text| text.into());
    }
}

#[test]
fn rotation_keeps_files_below_their_size_and_continues_their_numbers() {
    let folder = Folder::new("rotation");
    let settings = RecorderSettings {
        rotate_size: Some(64 << 10),
        // Without effect: no file of a rotating recording is replaced.
        overwrite: true,
        ..to(folder.file("day.ndjson"))
    };
    for round in 0..2 {
        let recorder = Recorder::start(settings.clone()).unwrap();
        for step in 0..30 {
            record_events(&recorder, round * 3_000 + step * 100, 100);
            let before = recorder.summary().bytes;
            // Each hundred is a flush of its own.
            while recorder.summary().bytes == before {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let summary = recorder.finish();
        assert_eq!((summary.frames, summary.lost), (3_000, 0));
        assert!(summary.files > 3, "{summary:?}");
    }
    let names = folder.names();
    let expected: Vec<String> =
        (1..=names.len()).map(|number| format!("day-{number:04}.ndjson")).collect();
    assert_eq!(names, expected);
    let files: Vec<PathBuf> = names.iter().map(|name| folder.file(name)).collect();
    for file in &files {
        let size = file.metadata().unwrap().len();
        assert!(size > 0 && size <= 64 << 10, "{}: {size}", file.display());
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.lines().next().unwrap().contains("\"started_at\""), "{text}");
    }
    let report = replayed(&files);
    assert_eq!((report.events, report.frames, report.ignored), (6_000, 6_000, 0));
}

#[test]
fn existing_file_is_kept_unless_it_is_to_be_replaced() {
    let folder = Folder::new("existing");
    let file = folder.file("kept.ndjson");
    std::fs::write(&file, "kept\n").unwrap();
    let error = Recorder::start(to(file.clone())).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "`{}` exists and is not overwritten: name another file, or replace it with --overwrite",
            file.display()
        )
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept\n");
    let recorder =
        Recorder::start(RecorderSettings { overwrite: true, ..to(file.clone()) }).unwrap();
    record_events(&recorder, 0, 3);
    recorder.finish();
    assert_eq!(replayed(&[file]).events, 3);
    let missing = Recorder::start(to(folder.file("no/such/a.ndjson"))).unwrap_err().to_string();
    assert!(missing.ends_with("(os error 2). Create the folder first"), "{missing}");
}

/// Returns the program with a clean environment.
fn meterbridge() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meterbridge"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("METERBRIDGE_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

fn record(source: &str, file: &Path, more: &[&str]) -> Command {
    let mut command = meterbridge();
    command.args(["record", source, "-o"]).arg(file).args(more);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[track_caller]
fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn recording_a_recording_is_a_usage_error() {
    let folder = Folder::new("usage");
    let output = record("Cargo.toml", &folder.file("a.ndjson"), &[]).output().unwrap();
    let (code, _, stderr) = said(&output);
    assert_eq!(code, Some(2));
    assert_eq!(
        stderr,
        "error: `Cargo.toml` is a recording already: record from an address, such as \
         ws://localhost:8000/events or http://localhost:8000\n"
    );
    let output = meterbridge().args(["Cargo.toml", "--record", "a.ndjson"]).output().unwrap();
    let (code, _, stderr) = said(&output);
    assert_eq!(code, Some(2));
    assert_eq!(
        stderr,
        "error: --record is for a stream, a backend or the demo studio: `Cargo.toml` is a recording \
         already\n"
    );
    assert!(folder.names().is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn full_disk_ends_the_recording_with_what_to_do() {
    let url = format!("ws://127.0.0.1:{}/events", serve(odd_frames()));
    let full = Path::new("/dev/full");
    let output = record(&url, full, &["--overwrite"]).output().unwrap();
    let (code, stdout, stderr) = said(&output);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(
        stderr.ends_with(
            "error: cannot write the recording `/dev/full`: No space left on device (os error 28). \
             Make room on the disk, or record to another one; what was recorded before is kept\n"
        ),
        "{stderr}"
    );
    assert!(stdout.starts_with("Recording ws://127.0.0.1:"), "{stdout}");
}

#[cfg(unix)]
#[test]
fn terminated_program_writes_everything_and_says_what_it_recorded() {
    let folder = Folder::new("terminated");
    let file = folder.file("a.ndjson.gz");
    let frames = odd_frames();
    let url = format!("ws://127.0.0.1:{}/events", serve(frames.clone()));
    let child = record(&url, &file, &[]).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    let frames_in = |file: &Path| {
        let mut count = 0;
        if let Ok(mut recording) = Recording::open(file) {
            while let Ok(Some(_)) = recording.next_frame() {
                count += 1;
            }
        }
        count
    };
    while frames_in(&file) < frames.len() {
        assert!(Instant::now() < deadline, "{} frames", frames_in(&file));
        std::thread::sleep(Duration::from_millis(20));
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let (code, stdout, stderr) = said(&child.wait_with_output().unwrap());
    assert_eq!(code, Some(0), "{stderr}");
    let lines: Vec<&str> = stdout.lines().collect();
    let path = file.display().to_string();
    assert_eq!(lines.len(), 2, "{stdout}");
    assert_eq!(lines[0], format!("Recording {url} to {path}. Ctrl-C ends it."));
    let summary = lines[1];
    assert!(summary.starts_with("Recorded 31 messages in "), "{summary}");
    assert!(summary.contains(&format!(" to {path} (")), "{summary}");
    assert!(stderr.starts_with(&format!("connected to {url}\n")), "{stderr}");
    assert_eq!(replayed(&[file]).frames, 31);
}
