//! Exports as other programs read them: traces and tables of every recording.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use meterbridge::export::{Rows, write_csv, write_otlp, write_perfetto};
use meterbridge::inspect::read_as_far_as_possible;
use meterbridge::model::{Model, Retention};
use meterbridge::source::recording::Recording;
use serde::Deserialize;
use serde_json::Value;

use crate::support::{answer, fixture, model_of};

/// Returns every recording of the fixtures.
pub fn recordings() -> Vec<PathBuf> {
    let folders = ["cases", "dialects", "scenes", "transcripts"];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(fixture(folder)).unwrap());
    let mut paths: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| {
        let name = path.to_str().unwrap();
        name.ends_with(".ndjson") && !name.ends_with(".http.ndjson")
    });
    paths.sort();
    assert!(paths.len() > 60, "the fixtures are there");
    paths
}

pub fn model_in(path: &Path) -> Model {
    let mut model = Model::new(Retention::EVERYTHING);
    let file = std::fs::File::open(path).unwrap();
    let _ = read_as_far_as_possible(&mut model, Recording::new(file));
    model
}

fn perfetto(model: &Model) -> Vec<Value> {
    let mut out = Vec::new();
    write_perfetto(&mut out, model).unwrap();
    let trace: Value = serde_json::from_slice(&out).unwrap();
    trace["traceEvents"].as_array().unwrap().clone()
}

/// Checks a trace against the trace event format, and returns the names of its open slices.
#[track_caller]
fn check_trace(events: &[Value], name: &str) -> Vec<String> {
    let text = |event: &Value, key: &str| event[key].as_str().unwrap_or_default().to_owned();
    let mut last = i64::MIN;
    // Ends of the complete slices and begins of the open ones, by thread.
    let mut threads: HashMap<i64, (i64, i64)> = HashMap::new();
    let mut named: HashSet<i64> = HashSet::new();
    let (mut flows, mut open) = (BTreeMap::<i64, Vec<String>>::new(), Vec::new());
    for event in events {
        let number = |key: &str| {
            event[key].as_i64().unwrap_or_else(|| panic!("{name}: no whole `{key}` in {event}"))
        };
        let (ph, ts, pid, tid) = (text(event, "ph"), number("ts"), number("pid"), number("tid"));
        assert!(pid > 0 && ts >= 0, "{name}: {event}");
        assert!(ts >= last, "{name}: not in order: {event}");
        last = ts;
        assert!(!text(event, "name").is_empty(), "{name}: {event}");
        match ph.as_str() {
            "M" if event["name"] == "thread_name" => assert!(named.insert(tid), "{name}: {event}"),
            "M" => {}
            "X" | "B" => {
                assert!(named.contains(&tid), "{name}: thread without a name: {event}");
                let (until, begun) = threads.entry(tid).or_insert((i64::MIN, i64::MAX));
                assert!(ts >= *until, "{name}: slices of a thread overlap: {event}");
                if ph == "X" {
                    assert!(number("dur") >= 0, "{name}: {event}");
                    assert!(ts <= *begun, "{name}: slice behind an open one: {event}");
                    *until = ts + number("dur");
                } else {
                    *begun = ts;
                    open.push(text(event, "name"));
                }
            }
            "i" => assert!(["t", "p"].contains(&event["s"].as_str().unwrap()), "{name}: {event}"),
            "s" | "f" => flows.entry(number("id")).or_default().push(ph),
            other => panic!("{name}: phase {other}"),
        }
    }
    for (id, ends) in flows {
        assert_eq!(ends, ["s", "f"], "{name}: flow {id}");
    }
    open
}

#[test]
fn perfetto_traces_of_all_recordings_follow_the_trace_event_format() {
    for path in recordings() {
        let model = model_in(&path);
        let open = check_trace(&perfetto(&model), path.to_str().unwrap());
        // A cancelled run may have a step that goes on.
        let goes_on =
            model.runs().any(|run| !run.status.is_over() || run.running_nodes().next().is_some());
        assert!(open.is_empty() || goes_on, "{}: {open:?}", path.display());
    }
}

#[test]
fn perfetto_shows_fix_passes_as_threads_with_an_arrow_from_the_refusal() {
    let events = perfetto(&model_in(&fixture("transcripts/b2-fix-exhausted.ndjson")));
    let named = |ph: &str, name: &str| {
        events.iter().filter(|it| it["ph"] == ph && it["name"] == name).collect::<Vec<_>>()
    };
    let threads: Vec<&str> =
        named("M", "thread_name").iter().map(|it| it["args"]["name"].as_str().unwrap()).collect();
    assert_eq!(threads, ["run", "first pass", "fix 1", "fix 2", "fix 3"]);
    assert_eq!(named("X", "VALIDATE").len(), 4);
    assert_eq!(named("X", "queued").len(), 1, "the wait in the queue is a slice");
    let (starts, ends) = (named("s", "refused"), named("f", "refused"));
    assert_eq!((starts.len(), ends.len()), (3, 3));
    for (fix, end) in named("X", "FIX").iter().zip(&ends) {
        assert_eq!((&fix["ts"], &fix["tid"]), (&end["ts"], &end["tid"]));
    }
}

#[test]
fn perfetto_leaves_open_what_still_runs() {
    let events = perfetto(&model_in(&fixture("scenes/mid-run.ndjson")));
    let open = check_trace(&events, "mid-run");
    assert_eq!(open, ["run", "run", "RENDER", "run", "VALIDATE", "LYRICS"]);
    assert!(!events.iter().any(|it| it["ph"] == "E"));
}

#[test]
fn perfetto_lays_overlapping_steps_on_threads_of_their_own() {
    let event = |node: &str, phase: &str, second: u32| {
        format!(
            r#"{{"ts":"2026-11-23T10:00:{second:02}Z","run_id":"r","node_name":"{node}","phase":"{phase}"}}"#
        )
    };
    let events = perfetto(&model_of([
        event("A", "start", 1),
        event("B", "start", 2),
        event("A", "end", 3),
        event("B", "end", 4),
    ]));
    check_trace(&events, "overlap");
    let slices: HashSet<_> =
        events.iter().filter(|it| it["ph"] == "X").map(|it| it["tid"].as_u64()).collect();
    assert_eq!(slices.len(), 2);
}

/// OTLP's messages in their JSON mapping; another field fails.
mod otlp {
    use super::*;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    pub struct TracesData {
        pub resource_spans: Vec<ResourceSpans>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    pub struct ResourceSpans {
        pub resource: Resource,
        pub scope_spans: Vec<ScopeSpans>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Resource {
        pub attributes: Vec<KeyValue>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct ScopeSpans {
        #[serde(rename = "scope")]
        pub _scope: Scope,
        pub spans: Vec<Span>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Scope {
        #[serde(rename = "name")]
        pub _name: String,
        #[serde(rename = "version")]
        pub _version: String,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    pub struct Span {
        pub trace_id: String,
        pub span_id: String,
        pub parent_span_id: Option<String>,
        pub name: String,
        pub kind: u8,
        pub start_time_unix_nano: String,
        pub end_time_unix_nano: String,
        pub attributes: Vec<KeyValue>,
        pub events: Vec<Event>,
        pub status: Status,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct KeyValue {
        pub key: String,
        pub value: AnyValue,
    }
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub enum AnyValue {
        #[serde(rename = "stringValue")]
        String(#[expect(dead_code, reason = "only its type is checked")] String),
        #[serde(rename = "boolValue")]
        Bool(#[expect(dead_code, reason = "only its type is checked")] bool),
        #[serde(rename = "intValue")]
        Int(String),
        #[serde(rename = "doubleValue")]
        Double(#[expect(dead_code, reason = "only its type is checked")] f64),
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    pub struct Event {
        pub time_unix_nano: String,
        pub name: String,
        pub attributes: Vec<KeyValue>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Status {
        pub code: u8,
        pub message: Option<String>,
    }
}

fn otlp(model: &Model) -> Vec<otlp::Span> {
    let mut out = Vec::new();
    write_otlp(&mut out, model).unwrap();
    assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1, "one line");
    let data: otlp::TracesData = serde_json::from_slice(&out).unwrap();
    let [resource] = <[_; 1]>::try_from(data.resource_spans).ok().unwrap();
    assert!(resource.resource.attributes.iter().any(|it| it.key == "service.name"));
    let [scope] = <[_; 1]>::try_from(resource.scope_spans).ok().unwrap();
    scope.spans
}

#[test]
fn otlp_of_all_recordings_follows_the_json_mapping() {
    let is_hex = |id: &str, length: usize| {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        id.len() == length && id.bytes().all(is_digit) && id.bytes().any(|byte| byte != b'0')
    };
    for path in recordings() {
        let name = path.display();
        let model = model_in(&path);
        let spans = otlp(&model);
        let mut ids = HashSet::new();
        for span in &spans {
            assert!(is_hex(&span.trace_id, 32) && is_hex(&span.span_id, 16), "{name}");
            assert!(span.parent_span_id.as_ref().is_none_or(|id| is_hex(id, 16)), "{name}");
            assert!(ids.insert((&span.trace_id, &span.span_id)), "{name}: an id occurs twice");
            assert!(!span.name.is_empty() && span.kind == 1 && span.status.code <= 2, "{name}");
            let [start, end] = [&span.start_time_unix_nano, &span.end_time_unix_nano]
                .map(|nanos| nanos.parse::<u64>().unwrap());
            assert!(0 < start && start <= end, "{name}: {}", span.name);
            let mut attributes =
                span.attributes.iter().chain(span.events.iter().flat_map(|it| &it.attributes));
            assert!(attributes.all(|it| match &it.value {
                otlp::AnyValue::Int(digits) => digits.parse::<i64>().is_ok(),
                _ => true,
            }));
            for event in &span.events {
                assert!(event.time_unix_nano.parse::<u64>().is_ok() && !event.name.is_empty());
            }
        }
        let roots = spans.iter().filter(|span| span.parent_span_id.is_none()).count();
        let over = model.runs().filter(|run| run.status.is_over()).count();
        assert_eq!(roots, over, "{name}: each run that is over has a root");
    }
}

#[test]
fn otlp_has_the_run_as_root_and_the_failure_as_status() {
    let spans = otlp(&model_in(&fixture("transcripts/c-node-fails.ndjson")));
    let root = spans.iter().find(|span| span.parent_span_id.is_none()).unwrap();
    assert_eq!(root.trace_id, "7e8a54a3112d4ff39774fda0b38f821e");
    assert_eq!(root.start_time_unix_nano.len(), 19);
    let failed = spans.iter().find(|span| span.name == "LYRICS").unwrap();
    assert_eq!(failed.parent_span_id.as_ref(), Some(&root.span_id));
    assert_eq!((failed.status.code, root.status.code), (2, 2));
    assert!(failed.status.message.as_ref().unwrap().contains("timed out"));
    assert_eq!(failed.events[0].name, "exception");
}

/// Parses CSV by RFC 4180.
fn parsed(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut letters, mut quoted) = (text.chars().peekable(), false);
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => cell.extend(letters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {
                assert_eq!(letters.next(), Some('\n'));
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            letter => cell.push(letter),
        }
    }
    assert!(row.is_empty() && cell.is_empty() && !quoted, "the last row is complete");
    rows
}

fn csv(model: &Model, rows: Rows) -> Vec<Vec<String>> {
    let mut out = Vec::new();
    write_csv(&mut out, model, rows).unwrap();
    parsed(&String::from_utf8(out).unwrap())
}

#[test]
fn csv_of_all_recordings_has_rectangular_rows() {
    for path in recordings() {
        let model = model_in(&path);
        let runs = csv(&model, Rows::Runs);
        assert_eq!(runs.len(), 1 + model.len(), "{}", path.display());
        let steps = csv(&model, Rows::Steps);
        for rows in [runs, steps] {
            assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{}", path.display());
        }
    }
}

#[test]
fn csv_of_runs_agrees_with_inspect() {
    let model = model_in(&fixture("scenes/12-runs.ndjson"));
    let report = meterbridge::inspect::Report::of(&model);
    let rows = csv(&model, Rows::Runs);
    for (row, run) in rows[1..].iter().zip(&report.runs) {
        let at = |name: &str| &row[rows[0].iter().position(|head| head == name).unwrap()];
        assert_eq!(at("run_id"), &run.run_id);
        assert_eq!(at("status"), run.status);
        assert_eq!(at("started_at"), &run.started_at.clone().unwrap_or_default());
        assert_eq!(*at("duration_ms"), run.duration_ms.map_or(String::new(), |it| it.to_string()));
        assert_eq!(*at("fix_iterations"), run.fix_iterations.to_string());
    }
}

#[test]
fn csv_of_steps_has_a_row_for_each_attempt_with_its_pass() {
    let rows = csv(&model_in(&fixture("transcripts/b2-fix-exhausted.ndjson")), Rows::Steps);
    let at = |name: &str| rows[0].iter().position(|head| head == name).unwrap();
    let validations: Vec<_> = rows
        .iter()
        .filter(|row| row[at("step")] == "VALIDATE")
        .map(|row| (row[at("attempt")].as_str(), row[at("fix_pass")].as_str()))
        .collect();
    assert_eq!(validations, [("1", "0"), ("2", "1"), ("3", "2"), ("4", "3")]);
}

fn path_text(name: &str) -> String {
    fixture(name).to_str().unwrap().to_owned()
}

/// Runs `export`; returns exit code, standard output and standard error.
fn exported(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = answer(&[&["export"], arguments].concat());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn export_writes_to_standard_output_or_a_file() {
    let recording = path_text("transcripts/a-success-live.ndjson");
    let (code, stdout, stderr) = exported(&[&recording, "--format", "csv"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(stdout.starts_with("run_id,"));
    let folder = std::env::temp_dir().join(format!("meterbridge-export-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("out.csv");
    let (code, nothing, _) =
        exported(&[&recording, "--format", "csv", "-o", file.to_str().unwrap()]);
    assert_eq!((code, nothing.as_str()), (Some(0), ""));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), stdout);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "no half file is left");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn export_refuses_contradictions_and_its_own_input() {
    let recording = path_text("transcripts/a-success-live.ndjson");
    let before = std::fs::read(&recording).unwrap();
    for (arguments, code, words) in [
        (vec!["missing.ndjson", "--format", "csv"], 2, "there is no file `missing.ndjson`"),
        (vec![&recording, "--format", "otlp", "--rows", "steps"], 2, "belongs to --format csv"),
        (
            vec![&recording, "--format", "csv", "-o", &recording],
            2,
            "would overwrite one of the recordings",
        ),
        (vec![&recording, "--format", "xml"], 2, "possible values: perfetto, otlp, csv"),
        (vec![&recording, "--format", "csv", "-o", "/no/such/folder/x"], 1, "cannot write"),
    ] {
        let (actual, stdout, stderr) = exported(&arguments);
        assert_eq!((actual, stdout.as_str()), (Some(code), ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
    }
    assert_eq!(std::fs::read(&recording).unwrap(), before);
}

#[test]
fn export_to_otlp_says_how_many_open_spans_are_left_out() {
    let (code, _, stderr) = exported(&[&path_text("scenes/mid-run.ndjson"), "--format", "otlp"]);
    assert_eq!(code, Some(0));
    assert!(stderr.starts_with("left out: 6 spans that have not ended"), "{stderr}");
}
