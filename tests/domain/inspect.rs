//! Output of `inspect`: recordings as a table and as JSON, whole, cut off, piped and merged.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use super::cli::{piped, said};
use crate::support::{fixture, meterbridge};

#[test]
fn lines_are_recorded_frames_or_bare_events() {
    let event = r#"{"ts":"2025-11-13T10:00:00Z","run_id":"r","phase":"start"}"#;
    let later = event.replace("10:00:00", "10:00:09");
    let recorded = json!({"recv_ms": 12.5, "text": event}).to_string();
    let input = [
        "\u{feff}".to_owned() + &recorded,
        String::new(),
        "   ".to_owned(),
        format!("{event}\r"),
        later,
        "nonsense".to_owned(),
        // Not a recorded frame: read as a frame itself, which belongs to no run.
        r#"{"recv_ms": "12", "text": "{}"}"#.to_owned(),
        r#"{"recv_ms": 1, "text": "nonsense"}"#.to_owned(),
        r#"{"recv_ms": 1, "text": "[]"}"#.to_owned(),
        r#"{"ts":"2025-11-13T10:00:00Z","run_id":"r"}"#.to_owned(),
    ]
    .join("\n");
    let bytes = [input.as_bytes(), b"\n\xff\xfe"].concat();
    let (code, stdout, stderr) = piped(&["inspect", "-", "--json"], &bytes);
    assert_eq!(code, Some(0), "{stderr}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    for (field, expected) in
        [("frames", 9), ("events", 2), ("duplicates", 1), ("malformed", 4), ("ignored", 2)]
    {
        assert_eq!(report[field], expected, "{field} of {stdout}");
    }
    let problems: Vec<&str> = stderr.lines().collect();
    assert_eq!(problems.len(), 4, "{stderr}");
    assert!(problems[0].starts_with("-: line 6: not JSON: "), "{stderr}");
    assert!(problems[1].starts_with("-: line 8: not JSON: "), "{stderr}");
    assert_eq!(problems[2], "-: line 10: an event without `phase`");
    assert!(problems[3].starts_with("-: line 11: not JSON: "), "{stderr}");
}

#[test]
fn json_report_has_exactly_these_fields() {
    let path = fixture("dialects/guide.ndjson");
    let (_, stdout, _) = said(&["inspect", "--json", path.to_str().unwrap()]);
    let report: Value = serde_json::from_str(&stdout).unwrap();
    let fields = |value: &Value| {
        let mut fields: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        fields.sort();
        fields.join(" ")
    };
    assert_eq!(fields(&report), "duplicates events frames ignored malformed runs");
    assert_eq!(
        fields(&report["runs"][0]),
        "cancel_requested current_node duration_ms ended_at error events executions fix_iterations \
         from_rest nodes run_id seed song_id started_at status"
    );
    assert_eq!(
        fields(&report["runs"][0]["nodes"][0]),
        "attempts duration_ms error from_rest inferred name scores status"
    );
}

#[test]
fn piped_table_is_aligned_without_colours_and_ends_with_counters() {
    let path = fixture("dialects/guide.ndjson");
    let (code, table, stderr) = said(&["inspect", path.to_str().unwrap()]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(
        table,
        "\
STATUS    TIME  FIX  EVENTS  RUN      SONG
finished  5:00    0      18  run-123  song-456
  PLAN 3.0 s · STYLE 0:20 · LYRICS 1:00 · PRODUCER 0:20 · COMPOSE 1:00 · VALIDATE 0:10 · \
FIX skipped · RENDER 1:40 · REVIEW 0:14
failed    2:30    0       6  run-124  song-457
  PLAN 3.0 s · STYLE failed 0:10 · LYRICS skipped · PRODUCER skipped · COMPOSE skipped · \
VALIDATE skipped · FIX skipped · RENDER skipped · REVIEW skipped
  STYLE: Genre not found in blueprint
  run: Workflow failed

2 runs, 24 frames, 24 events, 0 duplicates, 0 malformed, 0 ignored
"
    );
}

/// The report has what precedes the failure.
#[test]
fn cut_off_recording_is_reported_as_far_as_it_is_whole() {
    let whole = std::fs::read(fixture("cases/gzipped.ndjson")).unwrap();
    let cut = &whole[..whole.len() - 100];
    let (code, stdout, stderr) = piped(&["inspect", "-", "--json"], cut);
    assert_eq!(code, Some(0), "it was cut off by whoever ended the recorder");
    let line = stderr
        .trim_end()
        .strip_prefix("-: the gzip data is cut off after line ")
        .and_then(|rest| rest.strip_suffix("; what precedes this was read"));
    let line: u64 = line.unwrap_or_else(|| panic!("{stderr}")).parse().unwrap();
    let report: Value = serde_json::from_str(&stdout).unwrap();
    let events = report["events"].as_u64().unwrap();
    assert!(events > 0 && line - events <= 1, "{line} {stdout}");
    // Without any whole line there is nothing to report.
    let (code, stdout, stderr) = piped(&["inspect", "-"], &whole[..2]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert_eq!(stderr, "error: cannot read the input: the gzip data is cut off\n");
}

#[test]
fn empty_input_succeeds() {
    let (code, stdout, stderr) = piped(&["inspect", "-"], b"");
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(stdout, "0 runs, 0 frames, 0 events, 0 duplicates, 0 malformed, 0 ignored\n");
}

#[test]
fn closed_output_pipe_is_no_error() {
    // More output than a pipe holds, so that the write fails.
    let lines: Vec<String> = (0..2_000)
        .map(|run| {
            format!(r#"{{"ts":"2025-11-13T10:00:00Z","run_id":"run-{run}","phase":"start"}}"#)
        })
        .collect();
    let mut child = meterbridge()
        .args(["inspect", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(lines.join("\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// Two recorders of one server: each has a part of each run, and the report is that of one recording of
/// everything.
#[test]
fn recordings_of_one_server_are_merged_in_any_order() {
    let path = fixture("transcripts/b-fix-twice-then-pass.ndjson");
    let whole = std::fs::read_to_string(&path).unwrap();
    let folder = std::env::temp_dir().join(format!("meterbridge-merge-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (mut one, mut other) = (String::new(), String::new());
    for (nth, line) in whole.lines().enumerate() {
        // Some frames are in both.
        if nth % 3 != 0 {
            one += &format!("{line}\n");
        }
        if nth % 3 != 1 {
            other += &format!("{line}\n");
        }
    }
    let files = [("one", &one), ("other", &other)].map(|(name, text)| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    });
    let runs = |files: &[&str]| {
        let (code, stdout, stderr) = said(&[&["inspect", "--json"], files].concat());
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        let report: Value = serde_json::from_str(&stdout).unwrap();
        (report["events"].clone(), report["runs"].clone())
    };
    let expected = runs(&[path.to_str().unwrap()]);
    assert!(expected.0.as_u64().unwrap() > 20);
    assert_eq!(runs(&[&files[0], &files[1]]), expected);
    assert_eq!(runs(&[&files[1], &files[0]]), expected);
    std::fs::remove_dir_all(folder).unwrap();
}
