//! Hostile fields through every text output of the core. No output may contain control or escape
//! characters that a terminal, a log or a reader obeys, nor lines of unbounded length.

use std::io::Write;
use std::process::Stdio;

use meterbridge::inspect::{self, Report, Style};
use meterbridge::protocol::{Batch, Item};
use meterbridge::source::Disconnect;
use serde_json::{Value, json};

use crate::support::{meterbridge, model_of, received_at};

/// Line breaks, escape sequences, C0 and C1 controls, and unterminated bidi overrides.
const HOSTILE: &str = "a\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}31m\u{9d}0;t\u{9c}b\r\nc\u{2028}d\u{202e}e\u{2066}\0\u{8}f\u{85}g";

/// Asserts that a text has no invisible characters other than line breaks and tabs.
#[track_caller]
fn assert_visible(what: &str, text: &str) {
    let bad = |c: &char| {
        c.is_control() && !matches!(c, '\n' | '\t')
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}' | '\u{200b}')
    };
    if let Some(c) = text.chars().find(bad) {
        let head: String = text.chars().take(2_000).collect();
        panic!("{what}: {c:?} in {head}");
    }
}

/// Returns events with hostile values in all fields, and malformed frames.
fn frames() -> Vec<String> {
    let long = HOSTILE.repeat(100_000);
    let event = |node: &str, phase: &str| {
        json!({
            "ts": "2026-11-23T10:00:00Z", "run_id": HOSTILE, "node_name": node, "phase": phase,
            "event_id": format!("{node}{phase}{HOSTILE}"),
            "data": {
                "song_id": HOSTILE, "song_title": HOSTILE, "message": HOSTILE, "error_message": HOSTILE,
                "error_type": HOSTILE, "scores": {HOSTILE: 0.5}, "artifacts": [HOSTILE],
            },
        })
    };
    let mut frames: Vec<Value> = [HOSTILE, "PLAN"]
        .into_iter()
        .flat_map(|node| ["start", "fail", HOSTILE].map(|phase| event(node, phase)))
        .collect();
    let mut run_level = event("", "fail");
    run_level["node_name"] = Value::Null;
    frames.push(run_level);
    let mut bad_time = event("PLAN", "end");
    bad_time["ts"] = long.as_str().into();
    frames.push(bad_time);
    let mut frames: Vec<String> = frames.iter().map(Value::to_string).collect();
    frames.extend([HOSTILE.to_owned(), long, format!("{{\"run_id\": {HOSTILE}}}")]);
    frames
}

#[test]
fn table_and_json_of_hostile_fields_are_safe() {
    let report = Report::of(&model_of(frames()));
    let mut table = Vec::new();
    inspect::write_table(&mut table, &report, Style { width: None, colours: false }).unwrap();
    assert_visible("the table", std::str::from_utf8(&table).unwrap());
    let mut json = Vec::new();
    inspect::write_json(&mut json, &report).unwrap();
    let json = String::from_utf8(json).unwrap();
    assert_visible("the JSON", &json);
    let read: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read, serde_json::to_value(&report).unwrap(), "nothing is lost");
    assert_eq!(read["runs"][0]["run_id"], HOSTILE, "an id is as it came");
    assert_eq!(read["runs"][0]["nodes"][0]["error"], "ab\nc\nde f\ng".replace(" f", "f"));
}

#[test]
fn inspect_output_has_short_lines_and_no_escapes() {
    for arguments in [&["inspect", "-"][..], &["inspect", "--json", "-"]] {
        let mut child = meterbridge()
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let lines: Vec<String> = frames()
            .iter()
            .map(|frame| json!({"recv_ms": 0, "text": frame}).to_string())
            .chain([HOSTILE.replace(['\r', '\n'], "")])
            .collect();
        let writer = std::thread::spawn(move || input.write_all(lines.join("\n").as_bytes()));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        assert_eq!(output.status.code(), Some(0));
        for (what, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            let text = std::str::from_utf8(bytes).unwrap();
            assert_visible(what, text);
            let longest = text.lines().map(str::len).max().unwrap();
            assert!(longest < 1_000, "{what} of {arguments:?}: a line of {longest} bytes");
        }
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(
            stderr.contains("line 8: an event whose time cannot be read: \"ab c d"),
            "{stderr}"
        );
    }
}

/// Regression: a frame of 3.9 MB once wrote a line of 3.9 MB into a log.
#[test]
fn reasons_for_malformed_frames_are_short() {
    let mut batch = Batch::new(received_at(), true);
    frames().iter().for_each(|frame| batch.push_text(frame));
    batch.push_bytes(b"\xff\x1b[31m");
    batch.push_unreadable(HOSTILE.repeat(1_000), HOSTILE);
    let mut malformed = 0;
    for item in &batch.items {
        if let Item::Malformed(error) = item {
            malformed += 1;
            assert_visible("a reason", &error.reason);
            assert!(error.reason.len() < 1_000 && !error.reason.contains('\n'), "{}", error.reason);
            assert_visible("a bad frame", &error.text);
            assert!(error.text.len() <= meterbridge::protocol::KEPT_OF_A_BAD_FRAME);
        }
    }
    assert_eq!(malformed, 6);
}

/// Regression: 300 messages of 3.9 MB once filled 1.4 GB.
#[test]
fn texts_kept_of_an_event_are_bounded() {
    let long = "é\n".repeat(1_300_000);
    let names: Vec<String> = (0..5_000).map(|nth| format!("{nth}{}", &long[..6_000])).collect();
    let scores: serde_json::Map<_, _> = names.iter().map(|it| (it.clone(), 0.5.into())).collect();
    let event = json!({
        "ts": "2026-11-23T10:00:00Z", "run_id": "r-1", "node_name": long, "phase": "fail",
        "data": {
            "song_id": long, "message": long, "error_message": long, "error_type": long,
            "scores": scores, "artifacts": names,
        },
    });
    let run = json!({
        "ts": "2026-11-23T10:00:00Z", "run_id": "r-1", "phase": "start",
        "data": {"song_title": long, "message": long},
    });
    let snapshot = json!({"hub": {"run": {
        "run_id": "r-2", "song_title": long, "error": {"message": long}, "validation_scores": scores,
        "executions": [{"node_name": long, "status": "failed"}],
    }}});
    for (frame, most) in [(&event, 1_000_000), (&run, 30_000), (&snapshot, 500_000)] {
        let mut batch = Batch::new(received_at(), true);
        batch.push_text(&frame.to_string());
        let kept = format!("{:?}", batch.items);
        assert!(matches!(batch.items[..], [Item::Event(_) | Item::Run(_)]), "{}", &kept[..200]);
        assert!(kept.len() < most && kept.contains('…'), "{} bytes", kept.len());
    }
    // An id is not cut, because it names something at the backend: a longer one is none.
    let mut with_long_id = run.clone();
    with_long_id["run_id"] = "r".repeat(1_025).into();
    let mut batch = Batch::new(received_at(), true);
    batch.push_text(&with_long_id.to_string());
    let Item::Malformed(error) = &batch.items[0] else { panic!("{:?}", batch.items) };
    assert_eq!(error.reason, "an event whose `run_id` has 1025 bytes");
}

#[test]
fn messages_of_servers_and_hubs_are_short_and_visible() {
    let long = HOSTILE.repeat(10_000);
    let upstream = json!({"hub": {"upstream": {
        "state": "lost", "since": "2026-11-23T10:00:00Z", "reason": long,
    }}});
    let mut batch = Batch::new(received_at(), true);
    batch.push_text(&upstream.to_string());
    let shown = format!("{:?}", batch.items);
    assert!(shown.contains("Upstream") && shown.len() < 2_000, "{shown}");
    assert!(!shown.contains("\\u{") && !shown.contains("\\n"), "{shown}");
    let words =
        Disconnect::Http { status: 500, words: meterbridge::source::server_words(long.as_bytes()) };
    assert_visible("an ending", &words.to_string());
    assert!(words.to_string().len() < 1_000);
}

/// The name of a file comes from outside as well.
#[test]
fn file_name_is_shown_on_one_line() {
    let folder = std::env::temp_dir().join(format!("meterbridge-hostile-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("a\u{1b}[31m\nb\u{202e}");
    std::fs::write(&path, "nonsense").unwrap();
    let output = meterbridge().arg("inspect").arg(&path).output().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_visible("stderr", &stderr);
    assert!(stderr.contains("/a b` is not a recording"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}
