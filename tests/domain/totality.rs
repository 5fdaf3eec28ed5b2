//! No input causes a panic, and every element is counted exactly once.

use jiff::Timestamp;
use meterbridge::inspect::Report;
use meterbridge::model::{LogItem, Model, Retention};
use meterbridge::protocol::{Batch, Item, KEPT_OF_A_BAD_FRAME};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{report_of, run_of};

/// Returns the numbers of events, duplicates, malformed and ignored elements of one frame.
fn counted(frame: &str) -> [u64; 4] {
    let report = report_of([frame]);
    assert_eq!(report.frames, 1, "{frame}");
    [report.events, report.duplicates, report.malformed, report.ignored]
}

const EVENT: [u64; 4] = [1, 0, 0, 0];
const MALFORMED: [u64; 4] = [0, 0, 1, 0];
const IGNORED: [u64; 4] = [0, 0, 0, 1];

#[test]
fn odd_frames_are_counted_once() {
    let event = r#"{"ts":"2025-11-13T10:00:00Z","run_id":"r","phase":"start"}"#;
    let with_data = |data: &str| {
        format!(r#"{{"ts":"2025-11-13T10:00:00Z","run_id":"r","phase":"start","data":{data}}}"#)
    };
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let cases: Vec<(String, [u64; 4])> = vec![
        (event.to_owned(), EVENT),
        (format!("\u{feff}{event}"), EVENT),
        (format!("\r\n\t {event} \n"), EVENT),
        (String::new(), IGNORED),
        ("   ".to_owned(), IGNORED),
        ("{}".to_owned(), IGNORED),
        ("[]".to_owned(), IGNORED),
        (r#"{"type":"ping"}"#.to_owned(), IGNORED),
        (r#"{"hub":{"seq":7}}"#.to_owned(), [0; 4]),
        (r#"{"hub":{"news":7}}"#.to_owned(), IGNORED),
        ("null".to_owned(), MALFORMED),
        ("17".to_owned(), MALFORMED),
        ("\"text\"".to_owned(), MALFORMED),
        ("ping".to_owned(), MALFORMED),
        ("{".to_owned(), MALFORMED),
        (format!("{event}{event}"), [1, 1, 0, 0]),
        (format!("{event}\n{event},{{}}"), [1, 1, 0, 1]),
        (format!("{event} and {event}"), [1, 1, 1, 0]),
        (serde_json::to_string(event).unwrap(), EVENT),
        (format!("{event},"), EVENT),
        ("\0".to_owned(), MALFORMED),
        (event.replace("start", "st\0art"), IGNORED),
        (event.replace("\"r\"", r#""a\u0000b""#), EVENT),
        (event.replace("\"r\"", r#""\ud800""#), EVENT),
        (event.replace("\"r\"", "NaN"), MALFORMED),
        (event.replace("\"r\"", "17"), EVENT),
        (event.replace("\"r\"", "\"\""), MALFORMED),
        (event.replace("\"r\"", "null"), MALFORMED),
        (event.replace("\"r\"", "[1]"), MALFORMED),
        (event.replace("\"start\"", "17"), MALFORMED),
        (event.replace("\"start\"", "\"\""), IGNORED),
        (event.replace("2025-11-13T10:00:00Z", "yesterday"), MALFORMED),
        (event.replace("2025-11-13T10:00:00Z", "2025-13-45T99:00:00Z"), MALFORMED),
        (event.replace("\"2025-11-13T10:00:00Z\"", "1763028000"), EVENT),
        (event.replace("\"2025-11-13T10:00:00Z\"", "1e300"), MALFORMED),
        (event.replace("2025-11-13T10:00:00Z", "+999999-01-01T00:00:00Z"), MALFORMED),
        (event.replace("2025", "0000"), EVENT),
        (event.replace("\"ts\"", "\"TS\""), MALFORMED),
        (r#"{"ts":"2025-11-13T10:00:00Z","phase":"start"}"#.to_owned(), MALFORMED),
        (r#"{"ts":"2025-11-13T10:00:00Z","run_id":"r"}"#.to_owned(), MALFORMED),
        // With duplicate keys the last one counts.
        (event.replace("\"phase\"", "\"phase\":7,\"phase\""), EVENT),
        (with_data("null"), EVENT),
        (with_data("[]"), EVENT),
        (with_data("\"text\""), EVENT),
        (with_data("-0.0"), EVENT),
        (with_data(r#"{"seed":18446744073709551615,"duration_ms":-1}"#), EVENT),
        (with_data(r#"{"seed":1e308,"fix_iterations":4294967296}"#), EVENT),
        (with_data(r#"{"scores":[1],"artifacts":7,"message":{}}"#), EVENT),
        (with_data(r#"{"scores":{"a":"b","c":null},"artifacts":["x",1]}"#), EVENT),
        (with_data(&format!(r#"{{"x":{}}}"#, deep(10_000))), EVENT),
        (with_data(r#"{"x":1e999,"y":123456789012345678901234567890}"#), EVENT),
        (deep(10_000), MALFORMED),
        ("[".repeat(100_000), MALFORMED),
        (r#"{"a":"#.repeat(100_000), MALFORMED),
        (format!("[{event},[{event}]]"), [1, 0, 1, 0]),
        (format!("[{event},{event}]"), [1, 1, 0, 0]),
        (format!("[{event},null,{{}},{event}]"), [1, 1, 1, 1]),
        (format!("[{event},"), EVENT),
        (format!("[{event},{}", &event[..20]), [1, 0, 1, 0]),
    ];
    for (frame, expected) in cases {
        let shown: String = frame.chars().take(200).collect();
        assert_eq!(counted(&frame), expected, "{shown}");
    }
}

/// Error texts of 11 kB were seen in real traffic.
#[test]
fn long_hostile_error_is_kept_whole_and_cleaned() {
    let error =
        "line \"one\"\n<script>alert('x')</script>\t\u{1b}[31m\u{202e} Grüße 音楽\r\n".repeat(200);
    assert!(error.len() > 11_000);
    let frame = json!({
        "ts": "2025-11-13T10:00:00Z", "run_id": "r", "node_name": "LYRICS", "phase": "fail",
        "data": {"error_message": error},
    });
    let run = run_of([frame.to_string()]);
    let shown = "line \"one\"\n<script>alert('x')</script>\t Grüße 音楽\n".repeat(200);
    assert_eq!(run.nodes[2].error.as_deref(), Some(&*shown));
}

#[test]
fn first_4_kb_of_a_malformed_frame_are_logged() {
    let frame = format!("{{\"x\": \"{}", "é".repeat(5_000));
    let mut model = Model::default();
    let mut batch = Batch::new(Timestamp::UNIX_EPOCH, true);
    batch.push_text(&frame);
    batch.push_text(r#"{"ts":"2025-11-13T10:00:00Z","run_id":"r","phase":"start"}"#);
    model.receive(batch, |_, _| ());
    let line = model.log().entries().front().unwrap();
    let LogItem::ParseError(error) = &line.item else { panic!("{line:?}") };
    assert!(error.reason.starts_with("not JSON: "), "{}", error.reason);
    assert!((KEPT_OF_A_BAD_FRAME - 3..=KEPT_OF_A_BAD_FRAME).contains(&error.text.len()));
    assert!(frame.starts_with(&*error.text));
    assert_eq!(model.counters().events, 1, "the next frame is read");
}

/// Generates any JSON value.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((word(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Generates words with a meaning in the protocol, to be used in wrong places.
fn word() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![
        "ts",
        "timestamp",
        "run_id",
        "node",
        "node_name",
        "phase",
        "event_id",
        "request_id",
        "duration_ms",
        "data",
        "metrics",
        "issues",
        "scores",
        "artifacts",
        "message",
        "error",
        "error_message",
        "song_id",
        "seed",
        "node_index",
        "fix_iterations",
        "status",
        "progress_percentage",
        "start",
        "end",
        "fail",
        "info",
        "progress",
        "PLAN",
        "FIX",
        "VALIDATE",
        "REVIEW",
        "MASTER",
        "2025-11-13T10:00:00Z",
        "2025-11-13T10:00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-30T22:00:00Z",
        "Workflow run cancelled",
        "Workflow run created",
        "96879dc6-ebc3-47ed-99b6-2b0ae26f1635",
        "run-1",
    ])
    .prop_map(str::to_owned)
}

/// Generates an event with any of its fields, each of any type.
fn odd_event() -> impl Strategy<Value = Value> {
    let instant = proptest::sample::select(vec![
        "2025-11-13T10:00:00Z",
        "2025-11-13T10:00:01.5+05:00",
        "2025-11-13T10:00:01",
        "0001-01-01T00:00:00+14:00",
        "9999-12-30T22:00:00Z",
        "-009999-01-02T01:59:59Z",
    ]);
    let phase = proptest::sample::select(vec!["start", "end", "fail", "info", "progress", "odd"]);
    let node = proptest::sample::select(vec!["", "PLAN", "FIX", "VALIDATE", "REVIEW", "MASTER"]);
    let more = proptest::collection::vec((word(), any_json()), 0..4);
    let data = proptest::collection::vec((word(), any_json()), 0..4);
    (instant, phase, node, 0..3_u8, more, data).prop_map(|(ts, phase, node, run, more, data)| {
        let data: serde_json::Map<String, Value> = data.into_iter().collect();
        let mut event = json!({
            "ts": ts, "run_id": format!("run-{run}"), "phase": phase, "node_name": node,
            "data": data,
        });
        for (field, value) in more {
            event[field] = value;
        }
        event
    })
}

fn frame() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        ".{0,200}".prop_map(String::into_bytes),
        any_json().prop_map(|value| value.to_string().into_bytes()),
        odd_event().prop_map(|value| value.to_string().into_bytes()),
        proptest::collection::vec(odd_event(), 0..6)
            .prop_map(|events| Value::from(events).to_string().into_bytes()),
        // An event with one wrong byte.
        (odd_event(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(event, at, byte)| {
            let mut bytes = event.to_string().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_input_panics_and_each_element_is_counted_once(
        frames in proptest::collection::vec(frame(), 1..40),
        runs in 1..4_usize,
        events_per_run in 1..6_usize,
        log_events in 0..8_usize,
        text_bytes in 0..2_000_usize,
    ) {
        let mut batch = Batch::new(Timestamp::UNIX_EPOCH, true);
        for frame in &frames {
            batch.push_bytes(frame);
        }
        prop_assert_eq!(batch.frames, frames.len() as u64);
        let events = batch.items.iter().filter(|item| matches!(item, Item::Event(_))).count() as u64;
        let elements = batch.items.len() as u64;

        for retention in [
            Retention::EVERYTHING,
            Retention { runs, events_per_run, log_events, text_bytes },
        ] {
            let mut model = Model::new(retention);
            let mut changes = 0;
            model.receive(batch.clone(), |_, _| changes += 1);
            let counters = *model.counters();
            prop_assert_eq!(counters.frames, frames.len() as u64);
            prop_assert_eq!(
                counters.events + counters.duplicates + counters.malformed + counters.ignored,
                elements
            );
            prop_assert_eq!(counters.events, changes);
            prop_assert!(counters.events + counters.duplicates <= events);
            prop_assert!(model.len() <= retention.runs);
            prop_assert!(model.log().entries().len() <= retention.log_events);
            prop_assert_eq!(
                model.len(),
                meterbridge::model::RunStatus::ALL.iter().map(|s| model.count(*s)).sum::<usize>()
            );
            // Every query on the model returns.
            let report = Report::of(&model);
            prop_assert!(serde_json::to_string(&report).is_ok());
            for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
                let server_now = model.clock().server_time(now);
                model.stats().events_per_second(server_now, 10);
                model.stats().peak_events_per_second(server_now, 60);
                model.stats().outcomes(server_now, jiff::SignedDuration::from_hours(1));
                for run in model.runs() {
                    run.elapsed_ms(server_now);
                    run.nodes.iter().for_each(|node| { node.elapsed_ms(server_now); });
                }
            }
            model.newest_active();
        }
    }

    /// Any events in any order give the same runs.
    #[test]
    fn odd_events_give_the_same_runs_in_any_order(
        (events, shuffled) in proptest::collection::vec(odd_event(), 1..12)
            .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle()))
    ) {
        let texts = |events: &[Value]| events.iter().map(Value::to_string).collect::<Vec<_>>();
        prop_assert_eq!(report_of(texts(&events)).runs, report_of(texts(&shuffled)).runs);
    }
}
