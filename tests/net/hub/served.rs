//! A hub behind its HTTP server, whose upstream signals are sent by the test.

use crossbeam_channel::Sender;
use jiff::Timestamp;
use meterbridge::hub::gate::GateOptions;
use meterbridge::hub::relay::{Hub, HubOptions};
use meterbridge::hub::{FrontOptions, HubServer};
use meterbridge::protocol::Batch;
use meterbridge::source::Signal;

pub struct Served {
    pub server: HubServer,
    upstream: Sender<Signal>,
}

impl Served {
    /// Starts a hub that admits everybody.
    pub async fn open(options: &HubOptions) -> Self {
        Self::behind(options, GateOptions::default()).await
    }

    /// Starts a hub behind a gate.
    pub async fn behind(options: &HubOptions, gate: GateOptions) -> Self {
        let (upstream, signals) = crossbeam_channel::bounded(32);
        let hub = Hub::fed_by(signals, options).unwrap();
        let front = FrontOptions { gate, ..FrontOptions::default() };
        let listen = ([127, 0, 0, 1], 0).into();
        let server = HubServer::start_hub_behind(listen, hub, None, front).await.unwrap();
        Self { server, upstream }
    }

    pub fn hub(&self) -> &Hub {
        self.server.hub().unwrap()
    }

    /// Sends frames as one batch that arrives at a time.
    pub fn send<T: AsRef<str>>(&self, at: Timestamp, texts: impl IntoIterator<Item = T>) {
        let mut batch = Batch::new(at, true);
        texts.into_iter().for_each(|text| batch.push_text(text.as_ref()));
        self.send_batch(batch);
    }

    pub fn send_batch(&self, batch: Batch) {
        self.upstream.send(Signal::Batch(batch)).unwrap();
    }
}
