//! Simulated backend: a WebSocket server in the guide's role, with one stream of all runs. Every
//! connection receives everything from the beginning.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::time::MissedTickBehavior;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use crate::recorded::Busy;

const TICK: Duration = Duration::from_millis(1);

/// Most frames sent at once.
const CHUNK: usize = 256;

pub struct Upstream {
    pub address: SocketAddr,
    told: Arc<Told>,
    playing: watch::Sender<bool>,
}

struct Told {
    texts: Mutex<Vec<Utf8Bytes>>,
    count: watch::Sender<usize>,
}

impl Upstream {
    /// Starts a thread that generates `rate` events per second of `runs` simultaneous runs, once
    /// [`play`](Self::play) is called.
    pub fn start(runs: usize, rate: u32) -> Self {
        let told = Arc::new(Told { texts: Mutex::default(), count: watch::Sender::new(0) });
        let (playing, is_playing) = watch::channel(false);
        let (bound, address) = oneshot::channel();
        let shared = told.clone();
        let body = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                bound.send(listener.local_addr().expect("an address")).expect("somebody waits");
                tokio::spawn(play(shared.clone(), Busy::new(runs), rate, is_playing));
                loop {
                    let (stream, _) = listener.accept().await.expect("a connection");
                    tokio::spawn(tell(stream, shared.clone()));
                }
            });
        };
        let thread = std::thread::Builder::new().name("upstream".to_owned());
        thread.spawn(body).expect("a thread");
        Self { address: address.blocking_recv().expect("a port"), told, playing }
    }

    pub fn play(&self) {
        self.playing.send_replace(true);
    }

    pub fn stop(&self) {
        self.playing.send_replace(false);
    }

    /// Returns all frames generated so far.
    pub fn texts(&self) -> Vec<Utf8Bytes> {
        self.told.texts.lock().expect("nobody panics").clone()
    }
}

/// Generates events at a steady rate, each with the current time.
async fn play(told: Arc<Told>, mut events: Busy, rate: u32, mut playing: watch::Receiver<bool>) {
    let mut nth = 0;
    while playing.wait_for(|playing| *playing).await.is_ok() {
        let (began, mut done) = (Instant::now(), 0);
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        while *playing.borrow_and_update() {
            ticks.tick().await;
            let due = (began.elapsed().as_secs_f64() * f64::from(rate)) as u64;
            let mut texts = told.texts.lock().expect("nobody panics");
            while done < due {
                let mut frame = events.next().expect("it never ends");
                frame.renew(0, nth, Timestamp::now());
                texts.push(frame.text.into());
                (done, nth) = (done + 1, nth + 1);
            }
            told.count.send_replace(texts.len());
        }
    }
}

async fn tell(stream: TcpStream, told: Arc<Told>) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let mut socket = accept_async(stream).await?;
    let mut count = told.count.subscribe();
    let mut next = 0;
    loop {
        count.mark_unchanged();
        let chunk: Vec<Utf8Bytes> = {
            let texts = told.texts.lock().expect("nobody panics");
            texts[next..].iter().take(CHUNK).cloned().collect()
        };
        if chunk.is_empty() {
            tokio::select! {
                _ = count.changed() => {}
                // Pings, which the library answers, or the end.
                incoming = socket.next() => match incoming {
                    Some(message) => drop(message?),
                    None => return Ok(()),
                },
            }
            continue;
        }
        next += chunk.len();
        for text in chunk {
            socket.feed(Message::Text(text)).await?;
        }
        socket.flush().await?;
    }
}
