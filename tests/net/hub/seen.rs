//! Failures that are marked as seen at a hub: by whom, for whom, and for how long.

use jiff::Timestamp;
use meterbridge::hub::gate::{GateOptions, HubToken};
use meterbridge::source::Secret;
use serde_json::{Value, json};

use super::served::Served;
use super::{TempStore, connect, event, options};
use crate::page::{Answer, get, request};

const TOKEN: &str = "screens-s3cr3t-t0ken";

impl Served {
    /// Starts a hub without a store that knows two failed runs, `a` and `b`, and a running one, `c`.
    async fn of_three_runs() -> Self {
        let served = Self::open(&options(None)).await;
        served.tell_three_runs().await;
        served
    }

    async fn tell_three_runs(&self) {
        let failed = |run| [event(run, None, "start", 0), event(run, None, "fail", 5)];
        self.send(Timestamp::now(), ["a", "b"].into_iter().flat_map(failed));
        self.send(Timestamp::now(), [event("c", None, "start", 6)]);
        self.has_taken(5).await;
    }

    /// Waits until a new screen receives this many frames.
    async fn has_taken(&self, frames: usize) {
        let mut screen = connect(&self.server, None).await;
        screen.until_told(frames).await;
    }

    async fn mark(&self, body: &str) -> Answer {
        self.mark_as(body, &[]).await
    }

    async fn mark_as(&self, body: &str, headers: &[&str]) -> Answer {
        request(self.server.address(), "POST", "/seen", headers, body.as_bytes()).await
    }
}

fn body(answer: &Answer) -> Value {
    assert_eq!(answer.header("content-type"), Some("application/json"), "{answer:?}");
    serde_json::from_slice(&answer.body).unwrap()
}

fn with_token() -> GateOptions {
    let token = HubToken::new(&Secret::new(TOKEN).unwrap()).unwrap();
    GateOptions { token: Some(token), ..GateOptions::default() }
}

#[tokio::test]
async fn mark_reaches_present_and_later_screens() {
    let served = Served::of_three_runs().await;
    let mut present = connect(&served.server, None).await;
    present.until_live().await;
    assert_eq!(present.hellos[0].seen.as_deref(), Some("/seen"));
    let answer = served.mark(r#"["a","c","x"]"#).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let expected = json!({"seen": ["a"], "not_failed": ["c"], "unknown": ["x"]});
    assert_eq!(body(&answer), expected);
    present.until("the mark", |screen| !screen.seen.is_empty()).await;
    assert_eq!(present.seen, ["a"]);
    // A second mark is told alone; a later screen gets both, after everything that led to them.
    assert_eq!(served.mark(r#"["b","a"]"#).await.status, 200);
    present.until("the second mark", |screen| screen.seen.len() > 1).await;
    assert_eq!(present.seen, ["a", "b"]);
    let mut later = connect(&served.server, None).await;
    later.until("the marks", |screen| !screen.seen.is_empty()).await;
    assert_eq!(later.seen, ["a", "b"]);
    assert_eq!(later.order, ["hello", "upstream", "n", "n", "n", "n", "n", "live", "seen"]);
    // A screen that resumes gets them, too.
    let position = later.position.clone();
    let mut back = connect(&served.server, position.as_ref()).await;
    back.until("the marks", |screen| !screen.seen.is_empty()).await;
    assert_eq!((back.seen.len(), back.told.len()), (2, 0));
}

#[tokio::test]
async fn mark_ends_when_the_run_is_executed_again() {
    let served = Served::of_three_runs().await;
    assert_eq!(served.mark(r#"["a","b"]"#).await.status, 200);
    served.send(Timestamp::now(), [event("a", None, "start", 10), event("a", None, "fail", 20)]);
    served.has_taken(7).await;
    let mut screen = connect(&served.server, None).await;
    screen.until("the marks", |screen| !screen.seen.is_empty()).await;
    assert_eq!(screen.seen, ["b"]);
    // The new failure can be marked again, and screens that had the old mark are told.
    assert_eq!(served.mark(r#"["a"]"#).await.status, 200);
    screen.until("the new mark", |screen| screen.seen.len() > 1).await;
    assert_eq!(screen.seen, ["b", "a"]);
}

#[tokio::test]
async fn marks_survive_a_restart_of_the_hub() {
    let temp_store = TempStore::new("seen");
    let options = options(Some(temp_store.file()));
    let served = Served::open(&options).await;
    served.tell_three_runs().await;
    assert_eq!(served.mark(r#"["b","a"]"#).await.status, 200);
    served.send(Timestamp::now(), [event("a", None, "start", 10)]);
    served.has_taken(6).await;
    drop(served);
    let served = Served::open(&options).await;
    let mut screen = connect(&served.server, None).await;
    screen.until("the marks", |screen| !screen.seen.is_empty()).await;
    assert_eq!(screen.seen, ["b"]);
    drop((screen, served));
    // A run that is no longer kept loses its mark, and the others do not.
    let mut few = options.clone();
    few.keep.runs = 1;
    drop(Served::open(&few).await);
    let db = rusqlite::Connection::open(temp_store.file()).unwrap();
    let count = |of: &str| -> i64 { db.query_row(of, [], |row| row.get(0)).unwrap() };
    assert_eq!(count("SELECT count(*) FROM dropped"), 1);
    assert_eq!(count("SELECT count(*) FROM seen"), 0);
}

#[tokio::test]
async fn marks_of_an_upstream_hub_apply_here_too() {
    let served = Served::of_three_runs().await;
    served.send(Timestamp::now(), [r#"{"hub":{"seen":["a","c","x"]}}"#.to_owned()]);
    let mut screen = connect(&served.server, None).await;
    screen.until("the mark", |screen| !screen.seen.is_empty()).await;
    assert_eq!(screen.seen, ["a"]);
}

#[tokio::test]
async fn requests_that_mark_nothing_are_refused_with_the_reason() {
    let served = Served::of_three_runs().await;
    let many = json!(vec!["a"; 1_001]).to_string();
    let large = json!(vec!["a".repeat(400); 700]).to_string();
    let list = "the body must be a JSON list of run ids, as in [\"1f0c…\",\"27ab…\"]";
    for (sent, status, reason) in [
        (r#"["x","y"]"#, 404, "this hub does not know the run: x, y"),
        (r#"["1","2","3","4"]"#, 404, "this hub does not know the run: 1, 2, 3, …"),
        (r#"["c"]"#, 409, "only a failed run can be marked as seen: c"),
        ("[]", 400, "the list is empty: name at least one run"),
        ("", 400, list),
        (r#"{"a":1}"#, 400, list),
        (r#"["a",1]"#, 400, list),
        (&many, 400, "1001 runs are named: at most 1000 at a time"),
        (&large, 413, "the body is larger than 256 KiB: send fewer runs at a time"),
    ] {
        let answer = served.mark(sent).await;
        let told = (answer.status, body(&answer)["detail"].clone());
        assert_eq!(told, (status, json!(reason)), "{}", &sent[..sent.len().min(40)]);
    }
    assert_eq!(get(&served.server, "/seen").await.status, 405);
    let mut screen = connect(&served.server, None).await;
    screen.until_live().await;
    assert_eq!(served.mark(r#"["b"]"#).await.status, 200);
    screen.until("the mark", |screen| !screen.seen.is_empty()).await;
    assert_eq!(screen.seen, ["b"], "none of the refused requests marked anything");
}

#[tokio::test]
async fn marking_needs_the_token_and_no_leave_for_operations() {
    let served = Served::behind(&options(None), with_token()).await;
    served.send(Timestamp::now(), [event("a", None, "fail", 5)]);
    let bearer = format!("Authorization: Bearer {TOKEN}");
    for headers in [&[][..], &["Authorization: Bearer wrong"]] {
        let answer = served.mark_as(r#"["a"]"#, headers).await;
        assert_eq!(answer.status, 401, "{headers:?}");
        assert!(body(&answer)["detail"].as_str().unwrap().contains("needs the token"));
    }
    let elsewhere = [bearer.as_str(), "Origin: https://elsewhere.example"];
    assert_eq!(served.mark_as(r#"["a"]"#, &elsewhere).await.status, 403);
    let hub = served.server.hub().unwrap();
    while hub.counters().journal_entries.get() == 0 {
        tokio::task::yield_now().await;
    }
    let answer = served.mark_as(r#"["a"]"#, &[&bearer]).await;
    assert_eq!((answer.status, body(&answer)["seen"].clone()), (200, json!(["a"])));
}
