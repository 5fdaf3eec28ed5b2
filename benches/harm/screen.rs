//! Screen of a hub: a client that feeds the hub's stream into a model, which is new with each
//! connection.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::StreamExt;
use jiff::Timestamp;
use meterbridge::inspect::RunReport;
use meterbridge::model::{Model, Retention};
use meterbridge::protocol::Batch;
use meterbridge::protocol::Item;
use meterbridge::protocol::hub::HubFrame;
use meterbridge::source::{self, ConnectionSettings, Signal};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

/// Pause between two attempts to connect.
/// Time between two frames of a window.
const FRAME: Duration = Duration::from_millis(16);
const PAUSE: Duration = Duration::from_millis(100);

pub struct ScreenClient {
    shared: Arc<Shared>,
    task: Option<JoinHandle<()>>,
    /// Set when nobody looks any more.
    is_over: Arc<AtomicBool>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    news: Notify,
}

#[derive(Default)]
struct State {
    /// Present once the hub has sent all of its stored events.
    model: Option<Model>,
}

impl ScreenClient {
    pub fn open(url: String) -> Self {
        let shared = Arc::new(Shared::default());
        let task = Some(tokio::spawn(watch(url, shared.clone())));
        Self { shared, task, is_over: Arc::default() }
    }

    /// Watches a backend as a window does: with a source of its own, whose batches go into the model once
    /// a frame.
    pub fn window(backend: SocketAddr) -> Self {
        let (shared, is_over) = (Arc::new(Shared::default()), Arc::<AtomicBool>::default());
        let (filled, ends) = (shared.clone(), is_over.clone());
        std::thread::spawn(move || {
            let url = Some(format!("http://{backend}"));
            let source = source::spawn(url, ConnectionSettings::default(), Arc::new(|| {}));
            while !ends.load(Ordering::Acquire) {
                std::thread::sleep(FRAME);
                let mut state = filled.state.lock().expect("nobody panics");
                let model = state.model.get_or_insert_with(|| Model::new(Retention::EVERYTHING));
                for signal in source.signals.try_iter() {
                    if let Signal::Batch(batch) = signal {
                        model.receive(batch, |_, _| ());
                    }
                }
                drop(state);
                filled.news.notify_one();
            }
        });
        Self { shared, task: None, is_over }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().expect("nobody panics")
    }

    /// The run as shown; `None` where it is not shown.
    pub fn report(&self, run: Uuid) -> Option<RunReport> {
        let state = self.state();
        state.model.as_ref()?.run(&run.to_string()).map(RunReport::of)
    }

    /// Waits until something is received.
    pub async fn news(&self) {
        self.shared.news.notified().await;
    }
}

impl Drop for ScreenClient {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn watch(url: String, shared: Arc<Shared>) {
    loop {
        follow(&url, &shared).await;
        shared.state.lock().expect("nobody panics").model = None;
        tokio::time::sleep(PAUSE).await;
    }
}

async fn follow(url: &str, shared: &Shared) -> Option<()> {
    let (mut socket, _) = connect_async(url).await.ok()?;
    let mut model = Some(Model::new(Retention::EVERYTHING));
    loop {
        let Message::Text(text) = socket.next().await?.ok()? else { continue };
        let mut batch = Batch::new(Timestamp::now(), model.is_none());
        batch.push_text(&text);
        let is_live = batch
            .items
            .iter()
            .any(|item| matches!(item, Item::Hub(frame) if *frame == HubFrame::Live));
        let mut state = shared.state.lock().expect("nobody panics");
        if is_live {
            state.model = model.take();
        }
        if let Some(model) = model.as_mut().or(state.model.as_mut()) {
            model.receive(batch, |_, _| ());
        }
        drop(state);
        shared.news.notify_one();
    }
}
