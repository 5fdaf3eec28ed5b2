//! Many of the program's own screens on a hub that is a separate process.

use std::sync::Arc;
use std::time::Duration;

use meterbridge::inspect::{Report, RunReport};
use meterbridge::model::{Counters, Model, Retention};
use meterbridge::source::{ConnectionSettings, Signal, SourceHandle, spawn};

use super::restart::{Process, hurry};
use super::{TempStore, eventually};

struct Client {
    source: SourceHandle,
    model: Model,
}

impl Client {
    fn of(url: &str) -> Self {
        let settings = ConnectionSettings {
            reconnect_delay: Duration::from_millis(50),
            max_reconnect_attempts: 0,
            insist: true,
            ..ConnectionSettings::default()
        };
        let source = spawn(Some(url.to_owned()), settings, Arc::new(|| {}));
        Self { source, model: Model::new(Retention::EVERYTHING) }
    }

    /// Reads the received signals. Returns the number of known events.
    fn read(&mut self) -> u64 {
        for signal in self.source.signals.try_iter() {
            if let Signal::Batch(batch) = signal {
                self.model.receive(batch, |_, _| ());
            }
        }
        self.model.counters().events
    }

    fn runs(&self) -> Vec<RunReport> {
        Report::of(&self.model).runs
    }
}

/// `benches/hub` does the same on a larger scale and measures times.
#[tokio::test]
async fn all_screens_end_with_the_same_runs_after_failures() {
    let temp_store = TempStore::new("wall");
    let demo_server = hurry().await;
    let mut hub = Process::start(&demo_server.url(), "127.0.0.1:0", &temp_store.file());
    let mut stalled: Vec<Client> = (0..3).map(|_| Client::of(&hub.events_url)).collect();
    let mut reading: Vec<Client> = (0..17).map(|_| Client::of(&hub.events_url)).collect();
    for round in 1..=2 {
        eventually("events for those that read", || {
            reading.iter_mut().all(|client| client.read() >= round * 2_000)
        })
        .await;
        let address = hub.address.clone();
        hub.kill();
        hub = Process::start(&demo_server.url(), &address, &temp_store.file());
    }
    let mut clients = reading;
    clients.append(&mut stalled);
    eventually("events after it all, for everybody", || {
        clients.iter_mut().all(|client| client.read() >= 6_000)
    })
    .await;
    demo_server.stop().await;
    let mut late = Client::of(&hub.events_url);
    eventually("the end", || {
        let known = late.read();
        clients.iter_mut().all(|client| client.read() == known)
    })
    .await;
    let expected = late.runs();
    for client in &clients {
        assert!(client.runs() == expected, "a screen shows something else than the hub has");
        let Counters { duplicates, malformed, ignored, dropped, .. } = *client.model.counters();
        assert_eq!((duplicates, malformed, ignored, dropped), (0, 0, 0, 0));
    }
}
