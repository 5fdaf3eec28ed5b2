//! A screen that goes back in time further than it was connected asks its hub, shows what the hub showed
//! then, and says in words when it cannot.

use std::sync::{Arc, Mutex, mpsc};

use bevy::prelude::*;
use futures_util::SinkExt;
use jiff::{SignedDuration, Timestamp};
use meterbridge::app::overlays::notices::Notices;
use meterbridge::app::state::actions::{Action, Transport};
use meterbridge::app::state::history::{HistoryData, HistoryOrigin};
use meterbridge::app::state::link::{Link, SummaryReceived};
use meterbridge::app::state::run_store::RunStore;
use meterbridge::config::Settings;
use meterbridge::history::Last;
use meterbridge::inspect::{Report, RunReport};
use meterbridge::model::{Model, Retention};
use meterbridge::protocol::hub::{Hello, HistoryOffer, HubFrame, Position};
use meterbridge::protocol::{Batch, PIPELINE};
use meterbridge::source::{Signal, SourceSpec};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_tungstenite::accept_async;

use super::fed_hub::{FedHub, on_a_thread};
use super::support::{announced, connected_to, perform, until};

/// Number of frames that the hub is told before the screen comes: more than one page.
const FRAMES: i64 = 2_600;

/// A hub with a past.
struct TestHub(FedHub);

impl TestHub {
    /// Starts a hub that was told these batches.
    fn of(batches: &[Batch]) -> Self {
        let hub = FedHub::start();
        for batch in batches {
            hub.upstream.send(Signal::Batch(batch.clone())).unwrap();
        }
        Self(hub)
    }

    /// Connects a screen, and waits until it knows everything that the hub was told.
    fn screen(&self, batches: &[Batch]) -> App {
        screen_of(&self.0.url, batches)
    }
}

fn screen_of(url: &str, batches: &[Batch]) -> App {
    let mut app = connected_to(SourceSpec::WebSocket(url.into()), Settings::default());
    let expected = model_of(batches, Timestamp::MAX).counters().events;
    until(&mut app, "the replay", |app| {
        let (store, link) = (store(app), app.world().resource::<Link>());
        store.model.counters().events == expected && link.has_history
    });
    app
}

/// Two hours of a studio, until a minute ago.
fn studio() -> Vec<Batch> {
    let begin = Timestamp::now() - SignedDuration::from_mins(121);
    let mut rng = fastrand::Rng::with_seed(3);
    let mut batches = Vec::new();
    for nth in 0..FRAMES {
        let at = begin + SignedDuration::from_millis(nth * 7_200_000 / FRAMES);
        let run = format!("run-{}", nth / 20 - rng.i64(0..3));
        let (node, phase) = match rng.u8(0..12) {
            0 => (None, "end"),
            1 => (None, "fail"),
            2..7 => (Some(PIPELINE[rng.usize(0..PIPELINE.len())]), "start"),
            _ => (Some(PIPELINE[rng.usize(0..PIPELINE.len())]), "end"),
        };
        let event = serde_json::json!({
            "timestamp": at.to_string(), "run_id": run, "node_name": node, "phase": phase,
        });
        let mut batch = Batch::new(at, true);
        batch.push_text(&event.to_string());
        batches.push(batch);
    }
    batches
}

/// Returns the model of what had arrived by an instant.
fn model_of(batches: &[Batch], at: Timestamp) -> Model {
    let mut model = Model::new(Retention::default());
    for batch in batches.iter().filter(|batch| batch.received_at <= at) {
        model.receive(batch.clone(), |_, _| ());
    }
    model
}

fn store(app: &App) -> &RunStore {
    app.world().resource::<RunStore>()
}

/// Runs as they are reported; a stream has a hub's own frames beside the events.
fn runs(model: &Model) -> Vec<RunReport> {
    Report::of(model).runs
}

fn go(app: &mut App, transport: Transport) {
    perform(app, Action::Time(transport));
}

/// Waits until the screen shows this instant, and compares what it shows with what the hub knew then.
#[track_caller]
fn assert_shows(app: &mut App, at: Timestamp, batches: &[Batch]) {
    until(app, "the instant", |app| {
        store(app).shown_past().is_some_and(|past| past.at == at) && store(app).asking().is_none()
    });
    assert!(runs(&store(app).model) == runs(&model_of(batches, at)), "as of {at}");
}

#[test]
fn screen_shows_any_instant_of_its_hubs_past_and_live_time_is_not_touched() {
    let batches = studio();
    let hub = TestHub::of(&batches);
    let mut app = hub.screen(&batches);
    let own = store(&app).oldest().unwrap();
    let first = batches[0].received_at;
    assert!(own > batches.last().unwrap().received_at, "the screen itself knows nothing of then");
    assert_eq!(store(&app).oldest_in_reach(), Some(first));
    let counters = *store(&app).live().counters();
    let (log, memory) = (store(&app).live().log().written(), store(&app).past().memory());
    go(&mut app, Transport::Play(false));
    let mut rng = fastrand::Rng::with_seed(11);
    for round in 0..44 {
        let nth = [2_500, 300, 0, 1_200].get(round).copied();
        let nth = nth.unwrap_or_else(|| rng.usize(0..batches.len()));
        let at = batches[nth].received_at + SignedDuration::from_millis(rng.i64(-2..3));
        let at = at.max(first);
        go(&mut app, Transport::Show(at));
        assert_shows(&mut app, at, &batches);
    }
    assert_eq!(*store(&app).live().counters(), counters);
    assert_eq!(store(&app).live().log().written(), log);
    assert_eq!(store(&app).past().memory(), memory, "its own past is as it was");
    assert!(runs(store(&app).live()) == runs(&model_of(&batches, Timestamp::MAX)));
    // Events that come meanwhile are shown live, as ever.
    let mut batch = Batch::new(Timestamp::now(), true);
    batch.push_text(r#"{"run_id":"new","phase":"start","timestamp":"2026-11-23T12:00:00Z"}"#);
    hub.0.upstream.send(Signal::Batch(batch)).unwrap();
    until(&mut app, "news", |app| store(app).live().run("new").is_some());
    assert!(store(&app).model.run("new").is_none());
    go(&mut app, Transport::Live);
    assert!(store(&app).model.run("new").is_some() && store(&app).asking().is_none());
}

#[test]
fn steps_lead_from_the_screens_own_past_into_that_of_the_hub_and_back() {
    let batches = studio();
    let hub = TestHub::of(&batches);
    let mut app = hub.screen(&batches);
    let own = store(&app).oldest().unwrap();
    let last = batches.last().unwrap().received_at;
    // Paused first: the past that plays would be on its way already.
    go(&mut app, Transport::TogglePlaying);
    go(&mut app, Transport::Show(own));
    // The last event before the connection.
    go(&mut app, Transport::PreviousEvent);
    let changed = |at: Timestamp| model_of(&batches, at).changes();
    let before = batches.iter().rev().map(|batch| batch.received_at);
    let expected =
        before.clone().find(|at| changed(*at) > changed(*at - SignedDuration::from_nanos(1)));
    assert_shows(&mut app, expected.unwrap(), &batches);
    go(&mut app, Transport::NextEvent);
    until(&mut app, "this screen's own past", |app| {
        store(app).shown_past().is_some_and(|past| past.at >= own)
    });
    // Failures that the hub repeated when it was connected happened before.
    go(&mut app, Transport::Live);
    go(&mut app, Transport::PreviousFailure);
    until(&mut app, "a failure", |app| {
        let shown = store(app).shown_past().map(|past| past.at);
        store(app).asking().is_none() && shown.is_some_and(|at| at <= last)
    });
    let shown = store(&app).shown_past().unwrap().at;
    let failed =
        |at: Timestamp| model_of(&batches, at).count(meterbridge::model::RunStatus::Failed);
    assert!(
        failed(shown) > failed(shown - SignedDuration::from_nanos(1)),
        "a run failed at {shown}"
    );
    go(&mut app, Transport::Oldest);
    assert_shows(&mut app, batches[0].received_at, &batches);
    assert_eq!(store(&app).oldest_in_reach(), Some(batches[0].received_at));
    // The bar has what was fetched, and its ends.
    let parts = store(&app).activity(batches[0].received_at, last, 12);
    assert!(parts.iter().all(|count| *count > 0), "{parts:?}");
    assert!(store(&app).ends(batches[0].received_at, last).count() > 50);
}

#[test]
fn past_of_the_hub_plays_on_into_that_of_the_screen() {
    let batches = studio();
    let hub = TestHub::of(&batches);
    let mut app = hub.screen(&batches);
    let own = store(&app).oldest().unwrap();
    go(&mut app, Transport::Skip(-1));
    go(&mut app, Transport::Speed(6));
    go(&mut app, Transport::Show(own - SignedDuration::from_secs(3)));
    until(&mut app, "playing", |app| store(app).shown_past().is_some_and(|past| past.is_playing));
    until(&mut app, "live", |app| store(app).shown_past().is_none());
    assert!(runs(&store(&app).model) == runs(&model_of(&batches, Timestamp::MAX)));
}

#[test]
fn summary_of_the_hub_arrives_as_a_message() {
    let batches = studio();
    let hub = TestHub::of(&batches);
    let mut app = hub.screen(&batches);
    assert!(app.world().resource::<Link>().ask_summary("last=24h&zone=UTC"));
    let mut received = Vec::new();
    until(&mut app, "the summary", |app| {
        received.extend(announced::<SummaryReceived>(app));
        !received.is_empty()
    });
    let [SummaryReceived(answer)] = &received[..] else { panic!("{received:?}") };
    assert_eq!(answer.query, "last=24h&zone=UTC");
    let summary: serde_json::Value = serde_json::from_str(answer.result.as_ref().unwrap()).unwrap();
    assert!(summary["now"]["runs"].as_u64().unwrap() > 50, "{summary}");
}

#[test]
fn history_of_a_screen_is_the_hubs() {
    let batches = studio();
    let hub = TestHub::of(&batches);
    let mut app = hub.screen(&batches);
    perform(&mut app, Action::ToggleHistory);
    let data = |app: &App| app.world().resource::<HistoryData>().clone();
    until(&mut app, "the numbers of the hub", |app| data(app).from == HistoryOrigin::Hub);
    let of_week = data(&app).summary.unwrap();
    assert!(of_week.now.runs > 50, "{:?}", of_week.now);
    perform(&mut app, Action::ShowPeriod(Last::Hours(24)));
    until(&mut app, "another period", |app| {
        let data = data(app);
        data.asked == Last::Hours(24) && data.from == HistoryOrigin::Hub
    });
    assert_eq!(data(&app).error, None);
    assert_ne!(data(&app).summary.unwrap().from, of_week.from);
}

/// A hub with one live event, which answers questions about its past as it is told to.
struct MuteHub {
    url: String,
    /// Heads of the questions.
    asked: Arc<Mutex<Vec<String>>>,
    /// Answer to the next questions; `None` for none.
    answer: Arc<Mutex<Option<String>>>,
    told: Arc<Notify>,
}

impl MuteHub {
    fn start(since: Option<Timestamp>) -> Self {
        let (sender, receiver) = mpsc::channel();
        let (asked, answer) = (Arc::<Mutex<Vec<String>>>::default(), Arc::default());
        let told = Arc::new(Notify::new());
        let (heads, said, news) = (asked.clone(), Arc::clone(&answer), told.clone());
        on_a_thread(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            let mut socket = accept_async(stream).await.unwrap();
            let at = Position { stream: "s".into(), seq: 0 };
            let history = Some(HistoryOffer { path: "/history".into(), since });
            let hello = Hello { at, api: None, actions: false, seen: None, screens: None, history };
            for frame in [HubFrame::Hello(hello).to_json(), HubFrame::Live.to_json()] {
                socket.send(frame.into()).await.unwrap();
            }
            let event = r#"{"run_id":"r","phase":"start","timestamp":"2026-11-23T12:00:00Z"}"#;
            socket.send(event.into()).await.unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let (heads, said, news) = (heads.clone(), Arc::clone(&said), news.clone());
                tokio::spawn(answer_one(stream, heads, said, news));
            }
        });
        let url = format!("ws://{}/events", receiver.recv().unwrap());
        Self { url, asked, answer, told }
    }

    fn screen(&self) -> App {
        let mut batch = Batch::new(Timestamp::now(), true);
        batch.push_text(r#"{"run_id":"r","phase":"start","timestamp":"2026-11-23T12:00:00Z"}"#);
        screen_of(&self.url, &[batch])
    }

    fn say(&self, status: u16, body: &str) {
        let text = format!(
            "HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        *self.answer.lock().unwrap() = Some(text);
        self.told.notify_waiters();
    }

    fn questions(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

async fn answer_one(
    mut stream: TcpStream,
    heads: Arc<Mutex<Vec<String>>>,
    answer: Arc<Mutex<Option<String>>>,
    told: Arc<Notify>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let told = told.notified();
    heads.lock().unwrap().push(String::from_utf8(head).unwrap());
    let ready = answer.lock().unwrap().clone();
    let text = match ready {
        Some(text) => text,
        None => {
            told.await;
            answer.lock().unwrap().clone().unwrap()
        }
    };
    let _ = stream.write_all(text.as_bytes()).await;
}

fn an_hour_ago() -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(1)
}

#[test]
fn esc_and_l_give_up_what_the_hub_is_asked_for() {
    for key in [Action::Back, Action::Time(Transport::Live)] {
        let since = an_hour_ago();
        let hub = MuteHub::start(Some(since));
        let mut app = hub.screen();
        let own = store(&app).oldest().unwrap();
        let at = since + SignedDuration::from_mins(10);
        go(&mut app, Transport::Show(at));
        until(&mut app, "a question", |_| hub.questions() == 1);
        let asking = store(&app).asking().unwrap();
        assert_eq!((asking.from, asking.to, asking.pages), (since, at, 0));
        let shown = store(&app).shown_past().unwrap();
        assert_eq!((shown.at, shown.is_playing), (own, false), "it stands still meanwhile");
        // Steps go on from what is waited for.
        go(&mut app, Transport::Skip(-10));
        let asking = store(&app).asking().unwrap();
        assert_eq!(asking.to, at - SignedDuration::from_secs(10));
        perform(&mut app, key.clone());
        assert_eq!(store(&app).asking(), None);
        let is_live = key == Action::Time(Transport::Live);
        assert_eq!(store(&app).shown_past().is_none(), is_live, "{key:?}");
        hub.say(200, "");
        for _ in 0..50 {
            app.update();
        }
        assert_eq!(hub.questions(), 1, "it is asked for nothing more");
        assert!(app.world().resource::<Notices>().toasts.standing().is_none());
    }
}

#[test]
fn hub_that_cannot_answer_is_told_of_in_a_toast_and_the_bar_ends_where_the_screen_does() {
    for (status, body, said) in [
        (404, "", "it has no history: it is older than this screen"),
        (403, "not from here", "it refused (HTTP 403): not from here"),
        (200, "<html>", "its answer is not a recording"),
        (503, "ending", "it answered HTTP 503: ending"),
    ] {
        let since = an_hour_ago();
        let hub = MuteHub::start(Some(since));
        hub.say(status, body);
        let mut app = hub.screen();
        let own = store(&app).oldest().unwrap();
        assert_eq!(store(&app).oldest_in_reach(), Some(since));
        go(&mut app, Transport::Oldest);
        let told = |app: &App| {
            let standing = app.world().resource::<Notices>().toasts.standing();
            standing.map(|toast| toast.words(0.0).to_string())
        };
        until(&mut app, "a toast", |app| told(app).is_some());
        let words = told(&app).unwrap();
        assert!(words.contains(said), "{words}");
        assert!(words.contains("without it, this screen goes back to"), "{words}");
        assert_eq!(store(&app).asking(), None);
        assert_eq!(store(&app).shown_past().unwrap().at, own);
        assert_eq!(store(&app).oldest_in_reach(), Some(own), "{status}");
        // Only a hub that may answer later is asked again.
        go(&mut app, Transport::Show(since));
        let may_answer = status == 503;
        for _ in 0..20 {
            app.update();
        }
        until(&mut app, "the end", |app| store(app).asking().is_none());
        assert_eq!(hub.questions() == 2, may_answer, "{status}");
    }
}

#[test]
fn hub_without_a_first_frame_is_asked_for_nothing() {
    let hub = MuteHub::start(None);
    let mut app = hub.screen();
    let own = store(&app).oldest().unwrap();
    go(&mut app, Transport::Show(an_hour_ago()));
    assert_eq!((store(&app).asking(), store(&app).shown_past().unwrap().at), (None, own));
    assert_eq!(store(&app).oldest_in_reach(), Some(own));
    assert_eq!(hub.questions(), 0);
}
