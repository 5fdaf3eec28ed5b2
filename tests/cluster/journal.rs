//! The same tests of what a hub keeps over a file (SQLite) and over a stream (JetStream).

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use jiff::Timestamp;
use meterbridge::hub::HubServer;
use meterbridge::hub::relay::cluster::ClusterOptions;
use meterbridge::hub::relay::{Hub, HubOptions, JournalRetention};
use meterbridge::inspect::Report;
use meterbridge::protocol::{Batch, RunId};
use meterbridge::source::{ConnectionSettings, Signal};
use tokio::time::sleep;

use crate::nats::Nats;
use crate::screen::Screen;

const PATIENCE: Duration = Duration::from_secs(30);

/// Storage of the journal.
enum Kept {
    File(PathBuf),
    Stream(Nats),
}

impl Kept {
    fn all(name: &str) -> [Self; 2] {
        let file = format!("meterbridge-journal-{}-{name}.sqlite", std::process::id());
        let file = std::env::temp_dir().join(file);
        let _ = std::fs::remove_file(&file);
        [Self::File(file), Self::Stream(Nats::start(1))]
    }

    fn options(&self, runs: usize) -> HubOptions {
        let age = Duration::from_secs(100_000 * 86_400);
        let cluster = match self {
            Self::File(_) => None,
            Self::Stream(nats) => Some(ClusterOptions {
                servers: vec![nats.addresses()],
                credentials: None,
                prefix: "journal".to_owned(),
                replicas: 1,
            }),
        };
        HubOptions {
            upstream: "ws://127.0.0.1:9/events".into(),
            connection: ConnectionSettings::default(),
            store: match self {
                Self::File(file) => Some(file.clone()),
                Self::Stream(_) => None,
            },
            keep: JournalRetention { age, bytes: 1 << 30, runs },
            keep_history: Duration::from_secs(400 * 86_400),
            api: None,
            actions: false,
            cluster,
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Self::File(file) = self {
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{}{end}", file.display()));
            }
        }
    }
}

/// A hub whose upstream is the test.
struct Fed {
    server: HubServer,
    upstream: Sender<Signal>,
}

impl Fed {
    async fn with(options: HubOptions) -> Self {
        let (upstream, signals) = crossbeam_channel::bounded(32);
        let hub = tokio::task::spawn_blocking(move || Hub::fed_by(signals, &options).unwrap());
        let hub = hub.await.unwrap();
        let server = HubServer::start_hub(([127, 0, 0, 1], 0).into(), hub, None).await.unwrap();
        Self { server, upstream }
    }

    fn say(&self, texts: &[String]) {
        let mut batch = Batch::new(Timestamp::now(), true);
        texts.iter().for_each(|text| batch.push_text(text));
        self.upstream.send(Signal::Batch(batch)).unwrap();
    }

    fn hub(&self) -> &Hub {
        self.server.hub().unwrap()
    }

    fn screen(&self) -> Screen {
        Screen::of(vec![self.server.events_url()])
    }

    /// Ends the hub as a stop does.
    async fn stop(self) {
        let Self { server, upstream } = self;
        server.stop().await;
        drop(upstream);
    }

    /// Returns the frames that a new screen gets, once they are these many.
    async fn kept(&self, count: usize) -> Vec<(u64, String)> {
        let screen = self.screen();
        until("the frames come", || screen.shown().frames.len() >= count).await;
        let shown = screen.shown();
        shown.frames.clone()
    }
}

async fn until(what: &str, done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "{what}: it did not happen");
        sleep(Duration::from_millis(10)).await;
    }
}

fn event(run: &str, phase: &str, second: u32) -> String {
    format!(r#"{{"ts":"2026-11-23T01:00:{second:02}Z","run_id":"{run}","phase":"{phase}"}}"#)
}

fn snapshot(run: &str, title: &str) -> String {
    format!(
        r#"{{"hub":{{"run":{{"run_id":"{run}","status":"running","executions":[],"song_title":"{title}","gapless":false}}}}}}"#
    )
}

#[tokio::test]
async fn frames_are_kept_in_order_with_their_numbers_and_once() {
    for kept in Kept::all("order") {
        let fed = Fed::with(kept.options(10_000)).await;
        let all: Vec<String> =
            (0..40).map(|nth| event(&format!("r-{nth}"), "start", nth)).collect();
        fed.say(&all[..20]);
        fed.say(&all[..30]);
        let first = fed.kept(30).await;
        let texts: Vec<&String> = first.iter().map(|(_, text)| text).collect();
        assert_eq!(texts, all[..30].iter().collect::<Vec<_>>());
        assert!(first.is_sorted_by_key(|(number, _)| *number));
        let stream = fed.screen();
        until("a stream", || !stream.shown().streams.is_empty()).await;
        let stream = stream.shown().streams[0].clone();
        let runs = Report::of(&fed.hub().model()).runs;
        fed.stop().await;
        // The next hub knows the same, and what its upstream repeats is nothing new.
        let fed = Fed::with(kept.options(10_000)).await;
        assert_eq!(Report::of(&fed.hub().model()).runs, runs);
        fed.say(&all);
        let then = fed.kept(40).await;
        assert_eq!(then[..30], first[..]);
        let texts: Vec<&String> = then.iter().map(|(_, text)| text).collect();
        assert_eq!(texts, all.iter().collect::<Vec<_>>());
        let screen = fed.screen();
        until("its stream", || !screen.shown().streams.is_empty()).await;
        assert_eq!(screen.shown().streams, [stream]);
        drop(screen);
        fed.stop().await;
    }
}

#[tokio::test]
async fn only_the_last_snapshot_of_a_run_is_kept() {
    for kept in Kept::all("snapshot") {
        let fed = Fed::with(kept.options(10_000)).await;
        for title in ["One", "Two", "Three"] {
            fed.say(&[snapshot("r", title)]);
            let has = |hub: &Hub| {
                let model = hub.model();
                model.run("r").is_some_and(|run| run.song_title.as_deref() == Some(title))
            };
            until("the title", || has(fed.hub())).await;
        }
        for _ in 0..2 {
            let frames = fed.kept(1).await;
            assert_eq!(frames.len(), 1, "{frames:?}");
            assert!(frames[0].1.contains("Three"), "{frames:?}");
        }
        fed.stop().await;
        let fed = Fed::with(kept.options(10_000)).await;
        let frames = fed.kept(1).await;
        assert!(frames.len() == 1 && frames[0].1.contains("Three"), "{frames:?}");
        fed.stop().await;
    }
}

#[tokio::test]
async fn marks_of_failures_are_kept_until_the_run_is_executed_again() {
    for kept in Kept::all("marks") {
        let fed = Fed::with(kept.options(10_000)).await;
        fed.say(&["a", "b"].map(|run| event(run, "start", 1)));
        fed.say(&["a", "b"].map(|run| event(run, "fail", 2)));
        fed.kept(4).await;
        let began = Instant::now();
        // A hub of a cluster marks once a hub watches.
        let marked = loop {
            let runs = vec![RunId::from("a"), RunId::from("b"), RunId::from("c")];
            match fed.hub().mark_seen(runs).await {
                Some(marked) => break marked,
                None => assert!(began.elapsed() < PATIENCE),
            }
        };
        assert_eq!((marked.seen.len(), marked.unknown.len()), (2, 1));
        let screen = fed.screen();
        until("the marks", || screen.shown().seen.len() == 2).await;
        fed.say(&[event("b", "start", 5)]);
        fed.kept(5).await;
        drop(screen);
        fed.stop().await;
        let fed = Fed::with(kept.options(10_000)).await;
        let screen = fed.screen();
        until("the mark", || !screen.shown().seen.is_empty()).await;
        assert_eq!(screen.shown().seen, ["a"]);
        drop(screen);
        fed.stop().await;
    }
}

#[tokio::test]
async fn runs_beyond_the_limit_go_as_a_whole_and_do_not_return() {
    for kept in Kept::all("limit") {
        let fed = Fed::with(kept.options(2)).await;
        let all: Vec<String> = (0..4)
            .flat_map(|nth| {
                let run = format!("r-{nth}");
                [event(&run, "start", 2 * nth), event(&run, "end", 2 * nth + 1)]
            })
            .collect();
        for run in all.chunks(2) {
            fed.say(run);
        }
        until("two runs are left", || fed.hub().counters().runs_dropped.get() == 2).await;
        let frames = fed.kept(4).await;
        let texts: Vec<&String> = frames.iter().map(|(_, text)| text).collect();
        assert_eq!(texts, all[4..].iter().collect::<Vec<_>>());
        if let Kept::Stream(nats) = &kept {
            // What the hubs no longer keep has left the stream, too.
            let client = async_nats::connect(nats.addresses()).await.unwrap();
            let context = async_nats::jetstream::new(client);
            let began = Instant::now();
            loop {
                let stream = context.get_stream("journal").await.unwrap();
                let messages = stream.get_info().await.unwrap().state.messages;
                // Four frames, two dropped runs, and who watches.
                if messages == 7 {
                    break;
                }
                assert!(began.elapsed() < PATIENCE, "{messages} messages");
                sleep(Duration::from_millis(50)).await;
            }
        }
        fed.stop().await;
        let fed = Fed::with(kept.options(2)).await;
        fed.say(&all);
        fed.say(&[event("new", "start", 30)]);
        let frames = fed.kept(5).await;
        let texts: Vec<&str> = frames.iter().map(|(_, text)| text.as_str()).collect();
        assert!(
            !texts.iter().any(|text| text.contains("r-0") || text.contains("r-1")),
            "{texts:?}"
        );
        fed.stop().await;
    }
}
