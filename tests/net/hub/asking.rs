//! A screen asks its hub for the past before its own: what it shows of that is what the hub showed then, it
//! asks nobody else, and every way in which a hub may not answer has words.

use std::io::Cursor;
use std::sync::Arc;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use meterbridge::demo::Dialect;
use meterbridge::hub::gate::{GateOptions, HubToken};
use meterbridge::hub::relay::HubOptions;
use meterbridge::inspect::{AsOf, End, Report, RunReport, read_until};
use meterbridge::model::past::FetchedPast;
use meterbridge::model::{Model, Retention};
use meterbridge::protocol::hub::{Hello, HistoryOffer, HubFrame, Position};
use meterbridge::protocol::{Batch, Item};
use meterbridge::source::recording::Recording;
use meterbridge::source::{
    Access, Command, ConnectionSettings, ConnectionState, HistoryError, HistoryPage,
    HistoryQuestion, OfferedHistory, PAGE_FRAMES, Secret, Signal, SourceHandle, SummaryAnswer,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::as_of::{known, studio, transcripts};
use super::history::unchunked;
use super::served::Served;
use super::upstream::hub_of;
use super::{eventually, keeping_old, options, whole_run};
use crate::backend::{Backend, Script};
use crate::client::with_sockets;
use crate::page::get;
use crate::stage::{Attempt, Server, Stage};

const TOKEN: &str = "screens-s3cr3t-t0ken";

/// A screen of a hub, without a display.
struct Screen {
    source: SourceHandle,
    /// Signals other than states and log entries, until they are looked for.
    told: Vec<Signal>,
    asked: u64,
    /// Everything that the screen received as a viewer.
    live: Model,
}

impl Screen {
    async fn of(url: String, access: Access) -> Self {
        let settings = ConnectionSettings { access, ..ConnectionSettings::default() };
        let source = meterbridge::source::spawn(Some(url), settings, Arc::new(|| {}));
        Self { source, told: Vec::new(), asked: 0, live: Model::new(Retention::EVERYTHING) }
    }

    /// Waits for a signal, and takes it.
    async fn take<T>(&mut self, what: &str, pick: impl Fn(&Signal) -> Option<T>) -> T {
        let mut found = None;
        eventually(what, || {
            for signal in self.source.signals.try_iter() {
                match signal {
                    Signal::Batch(batch) => self.live.receive(batch, |_, _| ()),
                    signal => self.told.push(signal),
                }
            }
            let place = self.told.iter().position(|signal| pick(signal).is_some());
            found = place.and_then(|place| pick(&self.told.remove(place)));
            found.is_some()
        })
        .await;
        found.unwrap()
    }

    async fn offer(&mut self) -> Option<OfferedHistory> {
        let offer = |signal: &Signal| match signal {
            Signal::Hub { history, .. } => Some(history.clone()),
            _ => None,
        };
        self.take("a hub's hello", offer).await
    }

    async fn ask(
        &mut self,
        to: Timestamp,
        after: Option<String>,
    ) -> Result<HistoryPage, HistoryError> {
        self.asked += 1;
        let id = self.asked;
        self.source.send(Command::AskHistory(HistoryQuestion { id, to, after }));
        let answer = |signal: &Signal| match signal {
            Signal::History(answer) => Some(answer.clone()),
            _ => None,
        };
        let answer = self.take("an answer", answer).await;
        assert_eq!(answer.id, id);
        answer.result
    }

    /// Asks for everything up to `to`, and folds it; returns the number of pages, too.
    async fn fetch(&mut self, to: Timestamp) -> (FetchedPast, usize) {
        let mut fetched = FetchedPast::new(Retention::EVERYTHING);
        let (mut after, mut pages) = (None, 0);
        loop {
            let page = self.ask(to, after).await.unwrap();
            pages += 1;
            assert!(page.frames() <= PAGE_FRAMES as u64);
            page.batches.into_iter().for_each(|batch| fetched.receive(batch));
            after = page.end;
            if !page.has_next {
                fetched.cover(to);
                return (fetched, pages);
            }
        }
    }

    async fn summary(&mut self, query: &str) -> Result<String, String> {
        self.source.send(Command::AskSummary { query: query.to_owned() });
        let answer = |signal: &Signal| match signal {
            Signal::Summary(answer) => Some(answer.clone()),
            _ => None,
        };
        let SummaryAnswer { query: of, result } = self.take("a summary", answer).await;
        assert_eq!(of, query);
        result
    }
}

fn runs_as_of(fetched: &FetchedPast, at: Timestamp) -> Vec<RunReport> {
    Report::of(&fetched.past().as_of(at).unwrap()).runs
}

/// Returns what `inspect --as-of` shows of the hub's answer, whose frames arrive a little after the clock of
/// the studio shows their instants.
fn inspected(lines: &[u8], at: Timestamp, later: SignedDuration) -> Vec<RunReport> {
    let mut end = End::new(AsOf::Instant(at - later), jiff::tz::TimeZone::UTC);
    let mut model = Model::new(Retention::EVERYTHING);
    read_until(&mut model, Recording::new(Cursor::new(lines)), &mut end).result.unwrap();
    Report::of(&model).runs
}

/// Starts a hub that was told these batches.
async fn hub_with(batches: &[Batch]) -> Served {
    let served = Served::open(&keeping_old(None)).await;
    for batch in batches {
        served.send_batch(batch.clone());
    }
    let frames: u64 = batches.iter().map(|batch| batch.frames).sum();
    let counters = served.hub().counters();
    eventually("the frames are taken", || counters.frames_in.get() == frames).await;
    let last = batches.iter().map(|batch| batch.received_at).max().unwrap();
    let runs = known(batches, last);
    eventually("the last frame is kept", || super::runs_of(served.hub()) == runs).await;
    served
}

/// Compares what a screen shows of its hub's past with what was known then, at random instants.
async fn check(name: &str, batches: &[Batch], instants: usize) -> usize {
    let served = hub_with(batches).await;
    let mut screen = Screen::of(served.server.events_url(), Access::default()).await;
    let offer = screen.offer().await.expect("a history");
    let last = batches.iter().map(|batch| batch.received_at).max().unwrap();
    let has_answers =
        batches.iter().flat_map(|batch| &batch.items).any(|item| matches!(item, Item::Run(_)));
    let (fetched, _) = screen.fetch(last).await;
    // Of REST answers only the latest is kept.
    let mut compared = 0;
    if !has_answers {
        let first =
            batches.iter().find(|batch| batch.items.iter().any(|it| matches!(it, Item::Event(_))));
        assert_eq!(offer.since, first.map(|batch| batch.received_at), "{name}");
        let mut random = Rng::with_seed(500);
        for _ in 0..instants {
            let at = batches[random.usize(..batches.len())].received_at;
            let at = (at + SignedDuration::from_millis(random.i64(-2..3))).min(last);
            assert!(fetched.covers(at));
            assert_eq!(runs_as_of(&fetched, at), known(batches, at), "{name} as of {at}");
            compared += 1;
        }
    }
    served.server.stop().await;
    compared
}

#[tokio::test]
async fn screen_shows_transcripts_of_its_hubs_past_as_they_were_known_at_every_instant() {
    let mut compared = 0;
    for (name, batches) in transcripts() {
        compared += check(&name, &batches, 40).await;
    }
    assert!(compared >= 400, "{compared}");
}

#[tokio::test]
async fn past_of_a_screen_equals_inspect_as_of_the_hubs_recording() {
    let later = SignedDuration::from_millis(3);
    for dialect in [Dialect::Guide, Dialect::Backend] {
        let batches = studio(dialect);
        let served = hub_with(&batches).await;
        let lines = unchunked(&get(&served.server, "/history").await);
        let mut screen = Screen::of(served.server.events_url(), Access::default()).await;
        screen.offer().await.expect("a history");
        let last = batches.iter().map(|batch| batch.received_at).max().unwrap();
        let (fetched, _) = screen.fetch(last).await;
        let mut random = Rng::with_seed(7);
        for _ in 0..100 {
            let at = batches[random.usize(..batches.len())].received_at;
            let expected = inspected(&lines, at, later);
            assert_eq!(runs_as_of(&fetched, at), expected, "{dialect:?} as of {at}");
        }
        served.server.stop().await;
    }
}

#[tokio::test]
async fn past_is_asked_page_by_page_and_goes_on_where_it_ended() {
    let begin: Timestamp = "2026-11-23T01:00:00Z".parse().unwrap();
    let events: Vec<String> = (0..240).flat_map(|run| whole_run(&format!("r-{run}"))).collect();
    let mut batches = Vec::new();
    for (nth, event) in (0..).zip(&events) {
        let mut batch = Batch::new(begin + SignedDuration::from_millis(nth), true);
        batch.push_text(event);
        batches.push(batch);
    }
    let served = hub_with(&batches).await;
    let mut screen = Screen::of(served.server.events_url(), Access::default()).await;
    screen.offer().await.expect("a history");
    let end = batches.last().unwrap().received_at;
    let first = screen.ask(end, None).await.unwrap();
    assert_eq!((first.frames(), first.has_next, first.frames_in_all), (2_000, true, Some(4_320)));
    let (fetched, pages) = screen.fetch(end).await;
    assert_eq!(pages, 3);
    assert_eq!(runs_as_of(&fetched, end), known(&batches, end));
    // Up to the middle first, and from there to the end, without a frame that came before.
    let middle = batches[2_500].received_at;
    let (mut after, mut asked) = (None, Vec::new());
    for to in [middle, end] {
        loop {
            let page = screen.ask(to, after).await.unwrap();
            asked.extend(page.batches.iter().map(|batch| batch.received_at));
            after = page.end;
            if !page.has_next {
                break;
            }
        }
    }
    assert!(asked.is_sorted());
    let frames: Vec<Timestamp> = batches.iter().map(|batch| batch.received_at).collect();
    assert_eq!(asked, frames);
    // Nothing follows yet; then something does.
    let nothing = screen.ask(end, after.clone()).await.unwrap();
    assert_eq!((nothing.frames(), nothing.has_next), (0, false));
    let later = end + SignedDuration::from_secs(1);
    served.send(later, whole_run("later"));
    let entries = &served.hub().counters().journal_entries;
    eventually("more is kept", || entries.get() == 4_338).await;
    let more = screen.ask(later, nothing.end).await.unwrap();
    assert_eq!((more.frames(), more.has_next), (18, false));
    served.server.stop().await;
}

#[tokio::test]
async fn page_of_long_frames_ends_early_and_misses_none() {
    let begin: Timestamp = "2026-11-23T01:00:00Z".parse().unwrap();
    let long = "x".repeat(60_000);
    let event = |nth: u32| {
        format!(
            r#"{{"ts":"2026-11-23T01:00:00Z","run_id":"r","node_name":"PLAN","phase":"info","event_id":"e-{nth}","data":{{"message":"{long}"}}}}"#
        )
    };
    let served = Served::open(&keeping_old(None)).await;
    for nth in 0..100 {
        served.send(begin + SignedDuration::from_secs(i64::from(nth)), [event(nth)]);
    }
    let entries = &served.hub().counters().journal_entries;
    eventually("the frames are kept", || entries.get() == 100).await;
    let mut screen = Screen::of(served.server.events_url(), Access::default()).await;
    screen.offer().await.expect("a history");
    let end = begin + SignedDuration::from_secs(100);
    let first = screen.ask(end, None).await.unwrap();
    assert_eq!((first.frames(), first.has_next, first.frames_in_all), (35, true, Some(100)));
    let (fetched, pages) = screen.fetch(end).await;
    assert_eq!((pages, fetched.past().as_of(end).unwrap().counters().events), (3, 100));
    served.server.stop().await;
}

#[tokio::test]
async fn what_is_asked_of_the_past_changes_nothing_in_the_live_model() {
    let batches = studio(Dialect::Guide);
    let served = hub_with(&batches).await;
    let mut screen = Screen::of(served.server.events_url(), Access::default()).await;
    screen.offer().await.expect("a history");
    let last = batches.iter().map(|batch| batch.received_at).max().unwrap();
    let events = batches.len() as u64;
    let expected = known(&batches, last);
    screen.fetch(last).await;
    screen
        .take("the replay", |signal| {
            matches!(signal, Signal::State(ConnectionState::Connected { .. })).then_some(())
        })
        .await;
    let source = &screen.source.signals;
    let live = &mut screen.live;
    eventually("the replay is complete", || {
        for signal in source.try_iter() {
            if let Signal::Batch(batch) = signal {
                live.receive(batch, |_, _| ());
            }
        }
        Report::of(live).runs == expected
    })
    .await;
    assert_eq!(live.counters().events + live.counters().duplicates, events);
    served.server.stop().await;
}

#[tokio::test]
async fn past_is_asked_with_the_credentials_of_the_stream() {
    let token = Some(HubToken::new(&Secret::new(TOKEN).unwrap()).unwrap());
    let gate = GateOptions { token, ..GateOptions::default() };
    let served = Served::behind(&keeping_old(None), gate).await;
    served.send("2026-11-23T01:00:00Z".parse().unwrap(), whole_run("r"));
    let entries = &served.hub().counters().journal_entries;
    eventually("the frames are kept", || entries.get() == 18).await;
    let access = Access { token: Secret::new(TOKEN), ..Access::default() };
    let mut screen = Screen::of(served.server.events_url(), access).await;
    screen.offer().await.expect("a history");
    let page = screen.ask("2026-11-23T02:00:00Z".parse().unwrap(), None).await.unwrap();
    assert_eq!(page.frames(), 18);
    served.server.stop().await;
}

#[tokio::test]
async fn backend_is_told_nothing_when_a_screen_asks_for_the_past() {
    let backend = Backend::new();
    let address = backend.listen().await;
    let options = HubOptions {
        upstream: format!("http://{address}").into(),
        connection: with_sockets(0),
        ..options(None)
    };
    // One connection of the hub, and none of its screens: checked when the backend is dropped.
    backend.allow_connections(1);
    let run = backend.start_run([Script::success(300)]);
    let server = hub_of(options).await;
    let is_over = || {
        let model = server.hub().unwrap().model();
        model.run(&run.to_string()).is_some_and(|run| run.status.is_over())
    };
    eventually("the run is over", is_over).await;
    let mut screen = Screen::of(server.events_url(), Access::default()).await;
    screen.offer().await.expect("a history");
    for _ in 0..20 {
        let page = screen.ask(Timestamp::now(), None).await.unwrap();
        assert!(page.frames() > 0);
        screen.summary("last=24h&zone=UTC").await.unwrap();
    }
    let requests = backend.seen().requests;
    assert!(
        requests.iter().all(|it| it.starts_with("GET ") && !it.contains("history")),
        "{requests:?}"
    );
    server.stop().await;
}

#[tokio::test]
async fn summary_is_asked_of_the_hub() {
    let served = Served::open(&keeping_old(None)).await;
    let now = Timestamp::now();
    let event = |phase: &str| format!(r#"{{"ts":"{now}","run_id":"r","phase":"{phase}"}}"#);
    served.send(now, [event("start"), event("end")]);
    eventually("the run has ended", || served.hub().history().total().runs() == 1).await;
    let mut screen = Screen::of(served.server.events_url(), Access::default()).await;
    screen.offer().await.expect("a history");
    for query in ["last=24h&zone=UTC", ""] {
        let json = screen.summary(query).await.unwrap();
        let summary: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(summary["now"]["runs"], 1, "{query}");
    }
    let said = screen.summary("last=soon").await.unwrap_err();
    assert!(said.starts_with("The hub's history: it answered HTTP 400: `last`"), "{said}");
    served.server.stop().await;
}

fn hello(history: Option<&'static str>) -> String {
    let at = Position { stream: "s".into(), seq: 0 };
    let history = history.map(|path| HistoryOffer { path: path.into(), since: None });
    HubFrame::Hello(Hello { at, api: None, actions: false, seen: None, screens: None, history })
        .to_json()
}

fn question(id: u64) -> HistoryQuestion {
    HistoryQuestion { id, to: "2026-11-23T01:00:00Z".parse().unwrap(), after: None }
}

impl Stage {
    /// Connects to a hub with this hello.
    async fn greeted(history: Option<&'static str>) -> (Self, Server) {
        let mut stage = Self::new();
        let mut server = stage.attempt().await.accept().await;
        server.send(hello(history)).await;
        stage.until("a hub", |stage| !stage.hubs().is_empty()).await;
        (stage, server)
    }

    /// Waits until a question was answered.
    async fn answered(&mut self, id: u64) -> Result<u64, HistoryError> {
        self.until("an answer", |stage| stage.answers().iter().any(|(it, _)| *it == id)).await;
        let answer = self.answers().into_iter().find(|(it, _)| *it == id);
        answer.unwrap().1
    }
}

/// Reads the head of a request.
async fn head_of(stream: &mut DuplexStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// Answers a request with a status and a body.
async fn answer(attempt: Attempt, status: u16, body: &str) {
    let mut stream = attempt.open();
    let head = head_of(&mut stream).await;
    assert!(head.starts_with("GET /history?to=2026-11-23T01%3A00%3A00Z&limit=2000 "), "{head}");
    let length = body.len();
    let text = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).await.unwrap();
    // The client closes it when it has read the answer, or keeps it.
    tokio::spawn(async move {
        let _ = stream.read_u8().await;
    });
}

#[tokio::test(start_paused = true)]
async fn older_hub_without_a_history_is_asked_for_nothing() {
    let (mut stage, _server) = Stage::greeted(None).await;
    stage.command(Command::AskHistory(question(1))).await;
    assert_eq!(stage.answered(1).await, Err(HistoryError::NoHub));
    assert!(stage.attempts.try_recv().is_err(), "no request");
}

#[tokio::test(start_paused = true)]
async fn hub_that_cannot_answer_is_told_of_in_words() {
    for (status, body, expected) in [
        (404, "", "it has no history: it is older than this screen"),
        (403, "not from here", "it refused (HTTP 403): not from here"),
        (410, "", "it has restarted meanwhile"),
        (503, "ending", "it answered HTTP 503: ending"),
        (200, "<html>Hello</html>", "its answer is not a recording: "),
        (200, "", "its answer is not a recording: "),
    ] {
        let (mut stage, _server) = Stage::greeted(Some("/history")).await;
        stage.command(Command::AskHistory(question(1))).await;
        answer(stage.attempt().await, status, body).await;
        let said = stage.answered(1).await.unwrap_err().to_string();
        assert!(said.starts_with(expected), "{status}: {said}");
    }
    // Gone altogether: one more try, then words.
    let (mut stage, _server) = Stage::greeted(Some("/history")).await;
    stage.command(Command::AskHistory(question(1))).await;
    stage.attempt().await.refuse();
    let said = stage.answered(1).await.unwrap_err().to_string();
    assert!(said.contains("studio:8000"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn hub_that_has_too_many_questions_is_asked_again_later() {
    let (mut stage, _server) = Stage::greeted(Some("/history")).await;
    stage.command(Command::AskHistory(question(1))).await;
    let begun = stage.elapsed();
    for nth in 0..=20 {
        let attempt = stage.attempt().await;
        assert_eq!((attempt.at - begun).as_secs(), nth);
        answer(attempt, 429, "too many requests").await;
    }
    assert_eq!(stage.answered(1).await, Err(HistoryError::Busy));
    assert!(stage.attempts.try_recv().is_err(), "no request");
}

#[tokio::test(start_paused = true)]
async fn question_that_is_given_up_or_replaced_is_not_answered() {
    let (mut stage, _server) = Stage::greeted(Some("/history")).await;
    for given_up in [Command::CancelHistory, Command::AskHistory(question(2))] {
        stage.command(Command::AskHistory(question(1))).await;
        let mut stream = stage.attempt().await.open();
        head_of(&mut stream).await;
        stage.command(given_up).await;
        assert!(stream.read_u8().await.is_err(), "the request is closed");
    }
    answer(stage.attempt().await, 404, "").await;
    assert_eq!(stage.answered(2).await, Err(HistoryError::Unknown));
    assert_eq!(stage.answers().len(), 1);
    // A lost stream does not lose the question, but the next one needs a hub.
    let (mut stage, server) = Stage::greeted(Some("/history")).await;
    drop(server);
    stage.until_state("attempt").await;
    stage.command(Command::AskHistory(question(3))).await;
    assert_eq!(stage.answered(3).await, Err(HistoryError::NoHub));
}
