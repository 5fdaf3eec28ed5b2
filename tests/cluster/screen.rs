//! A screen that goes to the next hub when its own is gone, and continues there.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::StreamExt;
use jiff::Timestamp;
use meterbridge::inspect::{Report, RunReport};
use meterbridge::model::{Model, Retention};
use meterbridge::protocol::hub::{HubFrame, Position, Upstream};
use meterbridge::protocol::{Batch, Item};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

pub struct Screen {
    shown: Arc<Mutex<Shown>>,
    task: JoinHandle<()>,
}

/// Content of a screen.
pub struct Shown {
    pub model: Model,
    pub position: Option<Position>,
    /// Names of the streams, one after the other.
    pub streams: Vec<String>,
    /// Texts of numbered frames, with their numbers.
    pub frames: Vec<(u64, String)>,
    pub upstream: Option<Upstream>,
    pub seen: Vec<String>,
    pub connections: usize,
}

impl Screen {
    /// Connects to the first of these streams, and to the next whenever a connection ends.
    pub fn of(urls: Vec<String>) -> Self {
        let shown = Arc::new(Mutex::new(Shown {
            model: Model::new(Retention::EVERYTHING),
            position: None,
            streams: Vec::new(),
            frames: Vec::new(),
            upstream: None,
            seen: Vec::new(),
            connections: 0,
        }));
        let content = shown.clone();
        let task = tokio::spawn(async move {
            for url in urls.iter().cycle() {
                watch(url, &content).await;
                sleep(Duration::from_millis(100)).await;
            }
        });
        Self { shown, task }
    }

    pub fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap()
    }

    pub fn runs(&self) -> Vec<RunReport> {
        Report::of(&self.shown().model).runs
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn watch(url: &str, shown: &Mutex<Shown>) {
    let url = match &shown.lock().unwrap().position {
        None => url.to_owned(),
        Some(Position { stream, seq }) => format!("{url}?stream={stream}&after={seq}"),
    };
    let Ok(Ok((mut socket, _))) = timeout(Duration::from_secs(3), connect_async(url)).await else {
        return;
    };
    shown.lock().unwrap().connections += 1;
    let mut live = false;
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        shown.lock().unwrap().take(&text, &mut live);
    }
}

impl Shown {
    fn take(&mut self, text: &str, live: &mut bool) {
        let mut batch = Batch::new(Timestamp::now(), *live);
        batch.push_text(text);
        match &batch.items[0] {
            Item::Event(_) | Item::Run(_) => {
                let position = self.position.as_mut().expect("no hello before the first frame");
                position.seq += 1;
                self.frames.push((position.seq, text.to_owned()));
            }
            Item::Hub(HubFrame::Hello(hello)) => {
                *live = false;
                let stream = hello.at.stream.to_string();
                if self.streams.last() == Some(&stream) {
                    let known = self.position.as_ref().map(|position| position.seq);
                    assert_eq!(Some(hello.at.seq), known, "it continues where it was");
                } else {
                    self.streams.push(stream);
                }
                self.position = Some(hello.at.clone());
            }
            Item::Hub(HubFrame::Seq(seq)) => {
                let position = self.position.as_mut().expect("no hello before a number");
                assert!(position.seq < *seq, "{} is followed by {seq}", position.seq);
                position.seq = *seq;
            }
            Item::Hub(HubFrame::Live) => *live = true,
            Item::Hub(HubFrame::Upstream(upstream)) => self.upstream = Some(upstream.clone()),
            Item::Hub(HubFrame::Seen(runs)) => {
                self.seen.extend(runs.iter().map(ToString::to_string));
            }
            other => panic!("{other:?}: {text}"),
        }
        self.model.receive(batch, |_, _| ());
    }
}
