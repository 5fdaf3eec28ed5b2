//! A hub for tests of screens: the test says what its backend sends.

use std::sync::mpsc;
use std::time::Duration;

use crossbeam_channel::Sender;
use meterbridge::hub::HubServer;
use meterbridge::hub::relay::{Hub, HubOptions, JournalRetention};
use meterbridge::source::{ConnectionSettings, Signal};
use tokio::sync::oneshot;

/// A hub on a thread of its own, whose upstream signals are sent by the test.
pub struct FedHub {
    /// Address of its events.
    pub url: String,
    /// Takes what its source would send.
    pub upstream: Sender<Signal>,
    /// Dropping it ends the hub.
    _quit: oneshot::Sender<()>,
}

impl FedHub {
    pub fn start() -> Self {
        let (upstream, signals) = crossbeam_channel::bounded(32);
        let (sender, receiver) = mpsc::channel();
        let (quit, quitting) = oneshot::channel::<()>();
        on_a_thread(async move {
            let options = HubOptions {
                upstream: "ws://127.0.0.1:9/events".into(),
                connection: ConnectionSettings::default(),
                store: None,
                keep: JournalRetention {
                    age: Duration::from_secs(86_400),
                    bytes: 64 << 20,
                    runs: 10_000,
                },
                keep_history: Duration::from_secs(86_400),
                api: None,
                actions: false,
                #[cfg(feature = "cluster")]
                cluster: None,
            };
            let hub = Hub::fed_by(signals, &options).unwrap();
            let listen = ([127, 0, 0, 1], 0).into();
            let server = HubServer::start_hub(listen, hub, None).await.unwrap();
            sender.send(server.events_url()).unwrap();
            // Ends with an error when the other side is dropped.
            let _ = quitting.await;
        });
        Self { url: receiver.recv().unwrap(), upstream, _quit: quit }
    }
}

/// Runs a future on a thread with a runtime of its own.
pub fn on_a_thread(work: impl Future<Output = ()> + Send + 'static) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(work);
    });
}
