use super::*;
use crate::app::state::actions::Transport;
use crate::config::Settings;
use crate::model::Retention;
use crate::protocol::{Batch, RunId};
use crate::source::SourceSpec;

fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

/// Store after these events: second, step, phase and error.
fn store(events: &[(i64, &str, &str, &str)]) -> RunStore {
    let mut batch = Batch::new(noon(), true);
    for (second, node, phase, error) in events {
        let at = noon() + jiff::SignedDuration::from_secs(*second);
        let node = match *node {
            "" => String::new(),
            node => format!(r#""node_name":"{node}","#),
        };
        let error = serde_json::json!({ "error": error, "song_title": "Glass Harbour" });
        batch.push_text(&format!(
            r#"{{"ts":"{at}","run_id":"a",{node}"phase":"{phase}","data":{error}}}"#
        ));
    }
    let mut run_store = RunStore::new(Retention::default());
    run_store.receive(batch, |_, _| {});
    run_store
}

fn words_in(run_store: &RunStore, link: &Link, subject: HintSubject) -> Option<Vec<String>> {
    let now = noon();
    let context = HintContext { run_store, link, now, server_now: now, live_now: now };
    let HintWords { title, lines } = context.words(&subject)?;
    Some([title].into_iter().chain(lines).collect())
}

fn words_of(run_store: &RunStore, subject: HintSubject) -> Option<Vec<String>> {
    words_in(run_store, &Link::new(&Settings::default(), Some(SourceSpec::Demo)), subject)
}

fn step(name: &str) -> HintSubject {
    HintSubject::Step { run: RunId::new("a"), step: name.into(), has_dial: false }
}

#[test]
fn step_of_a_cancelled_run_says_so() {
    let mut run_store = store(&[(-100, "", "start", ""), (-100, "COMPOSE", "start", "")]);
    let at = noon() - jiff::SignedDuration::from_secs(88);
    let mut batch = Batch::new(noon(), true);
    let data = r#"{"message":"Workflow run cancelled"}"#;
    batch.push_text(&format!(r#"{{"ts":"{at}","run_id":"a","phase":"info","data":{data}}}"#));
    run_store.receive(batch, |_, _| {});
    let said = words_of(&run_store, step("COMPOSE")).unwrap();
    assert_eq!(said[1], "Stopped after 0:12: the run was cancelled");
}

#[test]
fn failed_step_tells_its_reason_and_its_attempt() {
    let run_store = store(&[
        (-100, "", "start", ""),
        (-100, "COMPOSE", "start", ""),
        (-90, "COMPOSE", "fail", "quota"),
        (-80, "COMPOSE", "start", ""),
        (-67, "COMPOSE", "fail", "out of memory"),
        (-67, "", "fail", "out of memory"),
    ]);
    let said = words_of(&run_store, step("COMPOSE")).unwrap();
    assert_eq!(said[0], "COMPOSE");
    assert_eq!(said[1], "Failed after 0:13, 2nd attempt");
    assert_eq!(said[2], "No usual time yet: it has not succeeded so far.");
    assert_eq!(said[3], "out of memory");
    let said = words_of(&run_store, HintSubject::Run(RunId::new("a"))).unwrap();
    assert_eq!(said[0], "Glass Harbour");
    assert_eq!(said[1], "COMPOSE failed: out of memory");
    assert!(said[2].starts_with("stopped after 0:33"), "{said:?}");
    assert!(said[3].starts_with("Run a, since "), "{said:?}");
}

#[test]
fn what_is_gone_has_no_words() {
    let run_store = store(&[(-100, "", "start", "")]);
    assert_eq!(words_of(&run_store, step("MASTERING")), None);
    assert_eq!(words_of(&run_store, HintSubject::Run(RunId::new("other"))), None);
    assert_eq!(words_of(&run_store, HintSubject::Meter(4)), None);
    assert_eq!(words_of(&run_store, step("STYLE")).unwrap()[1], "Not started yet");
}

#[test]
fn button_says_its_action_and_its_key() {
    let run_store = store(&[]);
    let button = |action| words_of(&run_store, HintSubject::Button(action));
    let oldest = ["Oldest moment that is kept", "Key: Home"].map(str::to_owned).to_vec();
    assert_eq!(button(Action::Time(Transport::Oldest)), Some(oldest));
    assert_eq!(button(Action::Open(RunId::new("a"))), None);
}

#[test]
fn connection_says_what_its_state_means() {
    let run_store = store(&[]);
    let check = |state: ConnectionState, expected: &str| {
        let source = SourceSpec::WebSocket("wss://studio.local/events".into());
        let mut link = Link::new(&Settings::default(), Some(source));
        link.state = state;
        let said = words_in(&run_store, &link, HintSubject::Connection).unwrap();
        assert!(said.iter().any(|line| line == expected), "{expected}: {said:?}");
        assert_eq!(said.last().unwrap(), "Click to pause the picture (Space).");
    };
    let url = || "wss://studio.local/events".to_owned();
    let updates = Updates::Live;
    check(
        ConnectionState::Connected { url: url(), since: noon(), updates },
        "Events arrive as they happen.",
    );
    let (reason, is_probed) = ("nothing is listening at studio.local".to_owned(), true);
    check(
        ConnectionState::Failed { url: url(), reason, is_probed },
        "Nothing is listening at studio.local.",
    );
    check(ConnectionState::Disconnected, "Not connected. Connect in the panel (P).");
}
