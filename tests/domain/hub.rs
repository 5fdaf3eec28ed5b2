//! Frames of a hub's stream, written and read.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use meterbridge::model::Model;
use meterbridge::protocol::hub::{
    Hello, HistoryOffer, HubFrame, Position, Upstream, UpstreamState, run_frame,
};
use meterbridge::protocol::rest::{NodeExecution, ReportedError, ReportedStatus};
use meterbridge::protocol::{Batch, Item, RunSnapshot};
use meterbridge::text;
use proptest::prelude::*;
use smol_str::SmolStr;

use crate::support::received_at;

fn read(text: &str) -> Item {
    let mut batch = Batch::new(received_at(), true);
    batch.push_text(text);
    assert_eq!((batch.frames, batch.items.len()), (1, 1), "{text}");
    batch.items.remove(0)
}

#[test]
fn written_frames_are_read_back() {
    let at = Position { stream: "1f0c5e1e-0000-4000-8000-000000000001".into(), seq: 41 };
    let since = "2026-11-23T21:03:04.5Z".parse().unwrap();
    let upstream = |state, reason: &str| {
        HubFrame::Upstream(Upstream { state, since, reason: reason.to_owned() })
    };
    for frame in [
        HubFrame::Hello(Hello {
            at: at.clone(),
            api: Some("/api/v1".into()),
            actions: true,
            seen: None,
            screens: None,
            history: None,
        }),
        HubFrame::Hello(Hello {
            at: at.clone(),
            api: None,
            actions: false,
            seen: Some("/seen".into()),
            screens: Some("/screens".into()),
            history: Some(HistoryOffer { path: "/history".into(), since: None }),
        }),
        HubFrame::Hello(Hello {
            at,
            api: None,
            actions: false,
            seen: None,
            screens: None,
            history: Some(HistoryOffer { path: "/history".into(), since: Some(since) }),
        }),
        HubFrame::Seen(vec!["r-1".into(), "r \"2\"".into()]),
        HubFrame::Seen(Vec::new()),
        HubFrame::Seq(u64::MAX),
        HubFrame::Live,
        upstream(UpstreamState::Live, ""),
        upstream(UpstreamState::Polling, "Real-time updates unavailable."),
        upstream(UpstreamState::Lost, "refused: \"nothing\" listens"),
    ] {
        let text = frame.to_json();
        assert_eq!(read(&text), Item::Hub(frame), "{text}");
    }
}

/// Frames that follow the protocol with other spacing and more fields.
#[test]
fn frames_are_read_as_other_hubs_may_write_them() {
    let hello = r#" { "hub" : {"hello":1,"stream":"s","seq":7,"more":[1]} } "#;
    let at = Position { stream: "s".into(), seq: 7 };
    assert_eq!(
        read(hello),
        Item::Hub(HubFrame::Hello(Hello {
            at,
            api: None,
            actions: false,
            seen: None,
            screens: None,
            history: None
        }))
    );
    let run = r#"{"hub":{"run":{"run_id":"r","status":"running","executions":[]}}}"#;
    let Item::Run(run) = read(run) else { panic!("no run") };
    assert_eq!((run.run_id.as_str(), run.status), ("r", Some(ReportedStatus::Running)));
}

/// Hubs of this version and older ones work with screens of both: the history is an addition to the hello.
#[test]
fn hello_announces_the_history_in_a_field_that_others_may_lack_or_ignore() {
    let history = |field: &str| {
        let text =
            format!(r#"{{"hub":{{"hello":1,"stream":"s","seq":7,"actions":false{field}}}}}"#);
        match read(&text) {
            Item::Hub(HubFrame::Hello(hello)) => {
                assert_eq!((hello.at.stream.as_str(), hello.at.seq), ("s", 7), "{text}");
                hello.history
            }
            other => panic!("{text}: {other:?}"),
        }
    };
    let offer = |since: Option<&str>| {
        let since = since.map(|since| since.parse().unwrap());
        Some(HistoryOffer { path: "/history".into(), since })
    };
    assert_eq!(history(""), None, "an older hub");
    for odd in ["true", "null", "[]", "{}", r#"{"since":"2026-11-16T08:00:00Z"}"#, r#"{"path":7}"#]
    {
        assert_eq!(history(&format!(r#","history":{odd}"#)), None, "{odd}");
    }
    let path = r#""path":"/history""#;
    let at = "2026-11-16T08:00:00Z";
    let told = history(&format!(r#","history":{{{path},"since":"{at}","more":1}}"#));
    assert_eq!(told, offer(Some(at)));
    for odd in ["", r#","since":null"#, r#","since":"soon""#] {
        assert_eq!(history(&format!(r#","history":{{{path}{odd}}}"#)), offer(None), "{odd}");
    }
    // An older screen reads these fields, and no others.
    let at = Position { stream: "s".into(), seq: 7 };
    let hello = Hello {
        at,
        api: Some("/api".into()),
        actions: true,
        seen: None,
        screens: None,
        history: offer(None),
    };
    let text = HubFrame::Hello(hello).to_json();
    let written: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(written.as_object().unwrap().len(), 1);
    for (name, value) in [("hello", "1"), ("stream", r#""s""#), ("seq", "7"), ("actions", "true")] {
        assert_eq!(written["hub"][name].to_string(), value, "{name}");
    }
}

#[test]
fn invalid_hub_frames_are_ignored_and_events_stay_events() {
    for text in [
        r#"{"hub":null}"#,
        r#"{"hub":7}"#,
        r#"{"hub":{}}"#,
        r#"{"hub":{"news":1}}"#,
        r#"{"hub":{"seen":"r-1"}}"#,
        r#"{"hub":{"seen":["r-1",2]}}"#,
        r#"{"hub":{"seen":[""]}}"#,
        r#"{"hub":{"live":false}}"#,
        r#"{"hub":{"seq":-1}}"#,
        r#"{"hub":{"seq":"7"}}"#,
        r#"{"hub":{"hello":2,"stream":"s","seq":7}}"#,
        r#"{"hub":{"hello":1,"stream":"","seq":7}}"#,
        r#"{"hub":{"hello":1,"stream":"s"}}"#,
        r#"{"hub":{"run":{"status":"running"}}}"#,
        r#"{"hub":{"run":[]}}"#,
        r#"{"hub":{"upstream":{"state":"odd","since":"2026-11-23T21:03:04Z"}}}"#,
        r#"{"hub":{"upstream":{"state":"lost","since":"yesterday"}}}"#,
        r#"{"hub":{"live":true},"more":1}"#,
    ] {
        assert_eq!(read(text), Item::Ignored, "{text}");
    }
    let stream = "s".repeat(65);
    let long = format!(r#"{{"hub":{{"hello":1,"stream":"{stream}","seq":7}}}}"#);
    assert_eq!(read(&long), Item::Ignored);
    let event = r#"{"hub":{"live":true},"run_id":"r","phase":"start","ts":"2026-11-23T21:03:04Z"}"#;
    assert!(matches!(read(event), Item::Event(event) if event.run_id == "r"));
}

#[test]
fn run_of_a_hub_equals_the_run_of_rest() {
    let body = r#"{"run_id":"r","song_id":"s","song_title":"Neon Rain","status":"running",
        "updated_at":"2026-11-23T21:03:04Z","gapless":true,"executions":
        [{"node_name":"PLAN","status":"completed","duration_ms":70,
        "started_at":"2026-11-23T21:03:03Z","completed_at":"2026-11-23T21:03:03.07Z"}]}"#;
    let run = RunSnapshot::read(body.as_bytes()).unwrap();
    assert!(run.gapless);
    let of = |fill: &dyn Fn(&mut Batch)| {
        let mut model = Model::default();
        let mut batch = Batch::new(received_at(), true);
        fill(&mut batch);
        model.receive(batch, |_, _| ());
        let run = model.run("r").unwrap();
        let title = run.song_title.clone();
        (format!("{:?}", run.nodes), title, model.counters().snapshots, model.counters().ignored)
    };
    let told = of(&|batch| {
        batch.push_text(r#"{"hub":{"live":true}}"#);
        batch.push_text(&run_frame(&run));
    });
    assert_eq!(told, of(&|batch| batch.push_run(Arc::new(run.clone()))));
    assert_eq!((told.1.as_deref(), told.2, told.3), (Some("Neon Rain"), 1, 0));
}

fn instant() -> impl Strategy<Value = Option<Timestamp>> {
    let at = |nanos: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_nanos(nanos);
    proptest::option::of(any::<i64>().prop_map(at))
}

fn words() -> impl Strategy<Value = String> {
    "[a-z\\PC\"\\\\\n]{0,12}[a-zé音]"
}

/// Generates names as they are after reading: on one line.
fn names() -> impl Strategy<Value = String> {
    words().prop_map(|words| text::one_line(&words).into_owned())
}

fn status() -> impl Strategy<Value = ReportedStatus> {
    proptest::sample::select(vec![
        ReportedStatus::Pending,
        ReportedStatus::Running,
        ReportedStatus::Completed,
        ReportedStatus::Failed,
        ReportedStatus::Cancelled,
    ])
}

fn run() -> impl Strategy<Value = RunSnapshot> {
    let score = any::<f64>().prop_filter("of any use", |score| score.abs() < 1e300);
    let scores = proptest::collection::btree_map(names(), score, 0..5);
    let execution = (names(), status(), instant(), instant(), proptest::option::of(any::<u64>()));
    let execution = execution.prop_map(|(node, status, started_at, completed_at, duration_ms)| {
        NodeExecution { node: node.into(), status, started_at, completed_at, duration_ms }
    });
    let error = (words(), instant())
        .prop_map(|(message, at)| ReportedError { message: text::clean(&message).into(), at });
    let id = || proptest::option::of(words().prop_map(SmolStr::from));
    let title = || proptest::option::of(names().prop_map(SmolStr::from));
    let count = || proptest::option::of(any::<u32>());
    let head = (words(), id(), title(), proptest::option::of(status()), count(), count());
    let executions = proptest::collection::vec(execution, 0..6);
    let rest = (scores, proptest::option::of(error), instant(), instant(), executions);
    (head, rest, any::<bool>()).prop_map(|(head, rest, gapless)| {
        let (run_id, song_id, song_title, status, fix_iterations, starts) = head;
        let (scores, error, created_at, updated_at, executions) = rest;
        RunSnapshot {
            run_id: run_id.into(),
            song_id,
            song_title,
            status,
            fix_iterations,
            scores: scores.into_iter().map(|(name, score)| (name.into(), score)).collect(),
            error,
            created_at,
            updated_at,
            executions,
            starts,
            gapless,
            earlier_errors: Vec::new(),
            is_settled: false,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    /// A hub's screens receive everything that the hub knows of a run, to the last digit of a score; so
    /// does the hub itself after a restart.
    #[test]
    fn run_is_read_as_it_was_written(run in run()) {
        let text = run.to_json();
        prop_assert_eq!(&RunSnapshot::read(text.as_bytes()).unwrap(), &run, "{}", text);
        prop_assert_eq!(read(&run_frame(&run)), Item::Run(Arc::new(run)));
    }
}
