//! Shared helpers of the domain tests: fixtures, models and reports built from frames.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use jiff::Timestamp;
use meterbridge::inspect::{Report, RunReport};
use meterbridge::model::{Model, Retention};
use meterbridge::protocol::Batch;
use serde_json::Value;

/// Returns a fixture's path below `tests/fixtures`.
pub fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Returns the frames of a recorded transcript, in order.
pub fn transcript(name: &str) -> Vec<String> {
    let path = fixture("transcripts").join(format!("{name}.ndjson"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            line["text"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// Returns a command for the binary with a clean environment.
pub fn meterbridge() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meterbridge"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("METERBRIDGE_") {
            command.env_remove(name);
        }
    }
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
        command.env_remove(name);
    }
    // The settings of whoever runs the tests are not those of the tests.
    command.env("METERBRIDGE_SETTINGS", "none");
    command.stdin(Stdio::null());
    command
}

/// Runs the binary and returns its output.
pub fn answer(arguments: &[&str]) -> Output {
    meterbridge().args(arguments).output().unwrap()
}

pub fn received_at() -> Timestamp {
    "2026-11-23T01:10:00Z".parse().unwrap()
}

/// Returns a model that has received these frames in order.
pub fn model_of<T: AsRef<str>>(frames: impl IntoIterator<Item = T>) -> Model {
    let mut model = Model::new(Retention::EVERYTHING);
    feed(&mut model, frames);
    model
}

pub fn feed<T: AsRef<str>>(model: &mut Model, frames: impl IntoIterator<Item = T>) {
    let mut batch = Batch::new(received_at(), true);
    for frame in frames {
        batch.push_text(frame.as_ref());
    }
    model.receive(batch, |_, _| ());
}

pub fn report_of<T: AsRef<str>>(frames: impl IntoIterator<Item = T>) -> Report {
    Report::of(&model_of(frames))
}

/// Returns the only run of these frames.
pub fn run_of<T: AsRef<str>>(frames: impl IntoIterator<Item = T>) -> RunReport {
    let mut report = report_of(frames);
    assert_eq!(report.runs.len(), 1, "{report:#?}");
    report.runs.remove(0)
}
