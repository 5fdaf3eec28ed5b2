//! Odd inputs from real systems with their correct results: tokens, texts, files.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use meterbridge::inspect::{self, Report, RunReport};
use meterbridge::model::{Model, Retention};
use meterbridge::protocol::{Batch, Item, RunSnapshot};
use meterbridge::source::recording::Recording;
use serde_json::{Value, json};

use crate::support::{answer, fixture, report_of, run_of};

fn case(name: &str) -> PathBuf {
    fixture("cases").join(format!("{name}.ndjson"))
}

/// Reads a file in which every line is valid, and returns its report.
fn read(path: &Path) -> Report {
    let mut model = Model::new(Retention::EVERYTHING);
    let problems = inspect::read_into(&mut model, Recording::open(path).unwrap()).unwrap();
    assert_eq!(problems, [""; 0], "{}", path.display());
    Report::of(&model)
}

/// Returns the only run of a case.
fn run_of_case(name: &str) -> RunReport {
    let mut report = read(&case(name));
    assert_eq!(report.runs.len(), 1, "{report:#?}");
    assert_eq!((report.malformed, report.ignored), (0, 0), "{report:#?}");
    report.runs.remove(0)
}

/// Returns exit code, standard output and standard error of `inspect --json` and of `inspect` for a
/// file.
fn told(path: &Path) -> [(Option<i32>, String, String); 2] {
    let path = path.to_str().unwrap();
    [&["inspect", "--json", path][..], &["inspect", path]].map(|arguments| {
        let output = answer(arguments);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    })
}

fn instant(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

/// Returns a start event of run `r` with additional or replaced fields.
fn start(fields: &str) -> String {
    format!(r#"{{"run_id":"r","phase":"start","ts":"2026-11-23T10:00:00Z",{fields}}}"#)
}

#[test]
fn nan_scores_are_dropped_alone() {
    let run = run_of_case("nan-scores");
    let validate = &run.nodes[5];
    assert_eq!((validate.status, validate.duration_ms), ("success", Some(1_000)));
    let scores: Vec<_> = validate.scores.as_ref().unwrap().iter().collect();
    assert_eq!(scores, [(&"singability".to_owned(), &0.8)]);
    assert_eq!(run.status, "running");
}

#[test]
fn non_json_tokens_drop_only_their_field() {
    for (token, seed) in
        [("-Infinity", None), ("undefined", None), ("1e999", None), ("+7", Some(7))]
    {
        let frame = start(&format!(r#""data":{{"global_seed":{token},"message":"m"}}"#));
        assert_eq!(run_of([frame]).seed, seed, "{token}");
    }
    // A writer whose locale has a decimal comma.
    let end =
        start(r#""node_name":"VALIDATE","duration_ms":1500,25,"data":{"scores":{"a":0,5,"b":1}}"#);
    let run = run_of([start("\"x\":1"), end.replace("start", "end")]);
    assert_eq!((run.nodes[5].status, run.nodes[5].duration_ms), ("success", Some(1_500)));
    let scores: Vec<_> = run.nodes[5].scores.as_ref().unwrap().values().collect();
    assert_eq!(scores, [&0.5, &1.0]);
    let rest = br#"{"run_id":"r","status":"failed","validation_scores":{"a":NaN,"b":0.5},
        "error":"take_\udce9"}"#;
    let run = RunSnapshot::read(rest).unwrap();
    assert_eq!(*run.scores, [("b".into(), 0.5)]);
    assert_eq!(&*run.error.unwrap().message, "take_\u{fffd}");
}

#[test]
fn lone_surrogates_are_shown_as_replacement_characters() {
    let run = run_of_case("lone-surrogate");
    assert_eq!((run.status, run.nodes[2].status), ("failed", "failed"));
    let error = "cannot read take_\u{fffd}t\u{fffd}.wav";
    assert_eq!(run.nodes[2].error.as_deref(), Some(error));
    assert_eq!(run.error, Some(format!("node LYRICS failed: {error}")));
}

#[test]
fn broken_escapes_drop_no_event() {
    for (escaped, shown) in [
        (r"\ud83d", "\u{fffd}"),
        (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
        (r"\x1b[31mred", "red"),
        (r"C:\dir", r"C:\dir"),
    ] {
        let run = run_of([start(&format!(r#""data":{{"song_title":"{escaped}","x":1}}"#))]);
        assert_eq!(run.status, "running", "{escaped}");
        let failed = start(&format!(r#""data":{{"error":"{escaped}"}}"#)).replace("start", "fail");
        assert_eq!(run_of([failed]).error.as_deref(), Some(shown), "{escaped}");
    }
}

#[test]
fn seed_of_64_bits_is_kept_exactly() {
    let run = run_of_case("seed-u64");
    assert_eq!((run.status, run.seed), ("completed", Some(18_446_744_073_709_551_615)));
    let (_, json, _) = &told(&case("seed-u64"))[0];
    assert!(json.contains("\"seed\": 18446744073709551615,"), "{json}");
}

#[test]
fn seeds_may_be_negative_or_text_but_not_larger() {
    for (token, seed) in [
        ("-9223372036854775808", Some(i128::from(i64::MIN))),
        ("\"18446744073709551615\"", Some(i128::from(u64::MAX))),
        ("18446744073709551616", None),
        ("\"seven\"", None),
    ] {
        let run = run_of([start(&format!(r#""data":{{"global_seed":{token}}}"#))]);
        assert_eq!((run.status, run.seed), ("running", seed), "{token}");
    }
}

#[test]
fn glued_objects_are_read_one_by_one() {
    let run = run_of_case("glued");
    assert_eq!((run.status, run.events), ("completed", 19));
    assert!(run.nodes.iter().all(|node| node.name == "FIX" || node.status == "success"));
}

/// A frame may hold as many objects as a line.
#[test]
fn several_objects_in_one_frame_are_read_one_by_one() {
    let events: Vec<String> =
        ["start", "info", "end"].map(|phase| start("\"x\":1").replace("start", phase)).into();
    for joined in [events.concat(), events.join("\n"), events.join(", "), events.join("\u{1e}")] {
        let report = report_of([&joined]);
        assert_eq!((report.frames, report.events, report.malformed), (1, 3, 0), "{joined}");
    }
    let report = report_of([format!("[{},{}", events[0], &events[1][..30])]);
    assert_eq!((report.events, report.malformed), (1, 1), "what is cut off costs itself");
}

/// A writer that was killed within a line goes on in the same line when it is started again.
#[test]
fn event_that_is_cut_off_costs_no_event_behind_it_in_the_line() {
    let (first, second) = (start("\"x\":{\"y\":[1]}"), start("\"x\":1").replace("start", "end"));
    for cut in 2..first.len() {
        let report = report_of([format!("{}{second}", &first[..cut])]);
        assert_eq!((report.events, report.malformed), (1, 1), "{}", &first[..cut]);
        assert_eq!(report.runs[0].status, "completed");
        let report = report_of([format!("{}{first}{second}", &first[..cut])]);
        assert_eq!((report.events, report.malformed), (2, 1), "{}", &first[..cut]);
    }
}

#[test]
fn every_time_format_is_read() {
    let report = read(&case("time-forms"));
    let ten = instant("2026-11-23T10:00:00Z");
    let other = [
        ("form-01", "2026-11-23T10:00:00.1234567Z"),
        ("form-02", "2026-11-23T10:00:00.123456789Z"),
        ("form-03", "2026-11-23T10:00:00.123456789Z"),
        ("form-08", "2026-11-23T10:00:00.123456Z"),
        ("form-10", "2026-11-23T10:00:00.123Z"),
        // A leap second, and midnight at the end of the day.
        ("form-12", "2026-11-23T10:00:59Z"),
        ("form-13", "2026-11-24T00:00:00Z"),
    ];
    assert_eq!(report.runs.len(), 24);
    for run in report.runs {
        let expected = other.iter().find(|(name, _)| *name == run.run_id);
        let expected = expected.map_or(ten, |(_, text)| instant(text));
        let started_at = run.started_at.as_deref().map(|text| text.parse().unwrap());
        assert_eq!(started_at, expected, "{}", run.run_id);
    }
}

#[test]
fn forms_of_a_time_from_other_writers_are_read() {
    for (time, expected) in [
        // The minus sign that ISO 8601 writes, a text that was quoted twice, a byte order mark.
        ("2026-11-23T05:00:00\u{2212}05:00", "2026-11-23T10:00:00Z"),
        ("\\\"2026-11-23T10:00:00Z\\\"", "2026-11-23T10:00:00Z"),
        ("\u{feff}2026-11-23T10:00:00.5Z", "2026-11-23T10:00:00.5Z"),
        // C's `%g`, which writes numbers of this size with an exponent.
        ("1.7954280005e+09", "2026-11-23T10:00:00.5Z"),
    ] {
        let run = run_of([start("\"x\":1").replace("2026-11-23T10:00:00Z", time)]);
        assert_eq!(run.started_at.as_deref(), Some(expected), "{time}");
    }
    // The decimals of an hour are not seconds.
    let report = report_of([start("\"x\":1").replace("T10:00:00Z", "T10.5Z")]);
    assert_eq!((report.events, report.malformed), (0, 1));
}

#[test]
fn numbers_since_1970_are_read_as_times() {
    let report = read(&case("epoch-time"));
    for run in &report.runs {
        let [plan, style] = &run.nodes[..2] else { panic!("{run:#?}") };
        match run.run_id.as_str() {
            "epoch-text" => assert_eq!(run.started_at.as_deref(), Some("2026-11-23T10:00:00.005Z")),
            id => {
                assert_eq!(run.started_at.as_deref(), Some("2026-11-23T10:00:00Z"), "{id}");
                assert_eq!((plan.status, plan.duration_ms), ("success", Some(2_000)), "{id}");
                assert_eq!(style.status, "running", "{id}");
            }
        }
    }
    assert_eq!(report.runs.len(), 3);
}

#[test]
fn unit_of_epoch_times_is_detected_by_magnitude() {
    for number in
        ["1795428000", "1795428000000", "1795428000000000", "1795428000000000000", "1.795428e9"]
    {
        let event = start("\"x\":1").replace("\"2026-11-23T10:00:00Z\"", number);
        assert_eq!(run_of([event]).started_at.as_deref(), Some("2026-11-23T10:00:00Z"), "{number}");
    }
    let rest = br#"{"run_id":"r","created_at":1795428000.5,"updated_at":1795428000000}"#;
    let run = RunSnapshot::read(rest).unwrap();
    assert_eq!(run.created_at, instant("2026-11-23T10:00:00.5Z"));
    assert_eq!(run.updated_at, instant("2026-11-23T10:00:00Z"));
}

#[test]
fn pretty_printed_gzipped_and_utf_16_recordings_are_read() {
    for name in ["pretty", "gzipped", "utf16le"] {
        let run = run_of_case(name);
        assert_eq!((run.status, run.events), ("completed", 19), "{name}");
        assert_eq!(run.duration_ms, Some(16_500), "{name}");
    }
}

#[test]
fn events_of_other_systems_are_no_recording() {
    let path = case("foreign-otel-trace");
    for (code, stdout, stderr) in told(&path) {
        assert_eq!((code, stdout.as_str()), (Some(1), ""));
        assert_eq!(
            stderr,
            format!(
                "error: `{}` is not a recording: it has no AMCS events (they are JSON with `run_id` and \
                 `phase`), but JSON with `resourceSpans`\n",
                path.display()
            )
        );
    }
}

#[test]
fn text_and_picture_are_no_recordings_but_an_empty_file_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = std::env::temp_dir().join(format!("meterbridge-files-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.join(name), bytes).unwrap();
        folder.join(name)
    };
    for (path, words) in [
        (root.join("README.md"), "it has no AMCS events"),
        (write("picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "it is a PNG picture"),
        (write("binary", &[0, 1, 2, 3, 255].repeat(99)), "it is binary data, not text"),
        (write("packed", b"\xfd7zXZ\0\0\x04"), "it is compressed with xz; unpack it with `xz -d`"),
    ] {
        for (code, stdout, stderr) in told(&path) {
            assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
            assert!(stderr.contains(&format!(" is not a recording: {words}")), "{stderr}");
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
        }
    }
    for (name, bytes) in [("empty", &b""[..]), ("blank", b"\n\r\n"), ("array", b"[]\n")] {
        for (code, _, stderr) in told(&write(name, bytes)) {
            assert_eq!((code, stderr.as_str()), (Some(0), ""), "{name}");
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn terminal_colours_are_removed_from_texts() {
    let run = run_of_case("ansi-error");
    assert_eq!(run.error.as_deref(), Some("node LYRICS failed"));
    let error = "Error: model gpt refusedlink";
    assert_eq!(run.nodes[2].error.as_deref(), Some(error));
    let mut model = Model::new(Retention::EVERYTHING);
    inspect::read_into(&mut model, Recording::open(&case("ansi-error")).unwrap()).unwrap();
    assert_eq!(model.runs().next().unwrap().song_title.as_deref(), Some("Bold Title"));
}

#[test]
fn controls_and_bidi_overrides_are_removed_from_texts() {
    let run = run_of_case("control-error");
    assert_eq!(run.nodes[2].error.as_deref(), Some("abcde\nfg gnitset h\u{fffd} \u{fffd}"));
}

/// Names of things become one line, texts keep their lines, and ids stay as received.
#[test]
fn names_become_one_line_and_ids_are_unchanged() {
    let hostile = "a\r\nb\u{2028}c\u{202e}d\u{1b}[31me";
    let event = json!({
        "run_id": hostile, "phase": "start", "ts": "2026-11-23T10:00:00Z", "node_name": hostile,
        "data": {"song_id": hostile, "message": hostile, "scores": {hostile: 1}},
    });
    let mut batch = Batch::new(Timestamp::UNIX_EPOCH, true);
    batch.push_text(&event.to_string());
    let [Item::Event(event)] = &batch.items[..] else { panic!("{batch:?}") };
    assert_eq!(event.run_id, hostile);
    assert_eq!(event.node.as_deref(), Some("a b cde"));
    assert_eq!(event.message(), Some("a\nb\ncde"));
    assert_eq!(event.scores(), [("a b cde".into(), 1.0)]);
    assert_eq!(event.detail.as_ref().unwrap().song_id.as_deref(), Some(hostile));
    // A run with such an id is still the same run to the backend, and names from REST are treated
    // alike.
    let rest =
        json!({"run_id": hostile, "song_title": hostile, "executions": [{"node_name": hostile}]});
    let run = RunSnapshot::read(rest.to_string().as_bytes()).unwrap();
    assert_eq!(run.run_id, hostile);
    assert_eq!(run.song_title.as_deref(), Some("a b cde"));
    assert_eq!(run.executions[0].node, "a b cde");
    assert_eq!(Some(run.clone()), RunSnapshot::read(run.to_json().as_bytes()).ok());
    // A node name without visible characters is still a node, and not the run.
    let event = start("\"node_name\":\"\\u202e\"");
    let run = run_of([event]);
    assert_eq!(run.current_node.as_deref(), Some("\u{fffd}"));
    let _: Value = serde_json::to_value(run).unwrap();
}
