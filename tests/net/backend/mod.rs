//! A backend that stands in for AMCS: what protocol sections 2 to 4 say, with every trap, over any
//! transport. On paused time it is a simulation; on a port it is a server.

mod http;
mod rest;
mod script;
mod socket;
mod studio;
mod truth;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use meterbridge::source::connector::Connect;
use meterbridge::source::{Ending, SourceUrl};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use self::http::Request;
pub use self::script::Script;
pub use self::studio::Studio;
pub use self::truth::Truth;

/// Watchers it bears: each holds one of the database's connections.
const POOL: usize = 15;
/// How long the one too many freezes everything.
const POOL_TIMEOUT: Duration = Duration::from_secs(30);

pub const BASE: &str = "/api/v1";

/// Who has to show a bearer token.
#[derive(Clone, Debug, Default)]
pub enum Guard {
    #[default]
    Nobody,
    ActiveRuns(String),
    Everything(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Up,
    Restarting,
    Killed,
}

/// What a test may set, and what it may read.
struct Knobs {
    guard: Guard,
    ping_interval: Duration,
    live_comes_first: bool,
    has_active_runs: bool,
    sockets_refused: Option<u16>,
    /// It has the calls of the product guide, too.
    speaks_guide: bool,
    /// Where everything has moved to: status and address.
    moved: Option<(u16, String)>,
    frozen_until: Option<Instant>,
    executing: Vec<tokio::task::AbortHandle>,
    seen: Seen,
}

/// What came in.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// `GET /runs/…` with its authorization, in order.
    pub requests: Vec<String>,
    pub authorizations: Vec<Option<String>>,
    /// Path and body of each `POST`, in order.
    pub posts: Vec<(String, serde_json::Value)>,
    /// Content types that these had.
    pub content_types: Vec<Option<String>>,
    pub watchers: usize,
    pub most_watchers: usize,
    /// Handshakes of run sockets.
    pub handshakes: usize,
    /// Data frames from clients: there must be none.
    pub data_frames: usize,
}

struct Inner {
    studio: Mutex<Studio>,
    knobs: Mutex<Knobs>,
    phase: watch::Sender<Phase>,
    began: Instant,
    epoch: Timestamp,
}

#[derive(Clone)]
pub struct Backend(Arc<Inner>);

impl Backend {
    /// On the runtime this is called on, with a day of its own.
    pub fn new() -> Self {
        Self::begun_at("2026-11-23T01:08:40Z".parse().unwrap())
    }

    /// As [`new`](Self::new), with a clock that begins at `epoch` and goes with tokio's.
    pub fn begun_at(epoch: Timestamp) -> Self {
        let knobs = Knobs {
            guard: Guard::Nobody,
            ping_interval: Duration::from_secs(20),
            live_comes_first: false,
            has_active_runs: true,
            sockets_refused: None,
            speaks_guide: false,
            moved: None,
            frozen_until: None,
            executing: Vec::new(),
            seen: Seen::default(),
        };
        Self(Arc::new(Inner {
            studio: Mutex::default(),
            knobs: Mutex::new(knobs),
            phase: watch::Sender::new(Phase::Up),
            began: Instant::now(),
            epoch,
        }))
    }

    pub fn now(&self) -> Timestamp {
        self.0.epoch + self.0.began.elapsed()
    }

    pub fn lock(&self) -> MutexGuard<'_, Studio> {
        self.0.studio.lock().unwrap()
    }

    fn knobs(&self) -> MutexGuard<'_, Knobs> {
        self.0.knobs.lock().unwrap()
    }

    pub fn seen(&self) -> Seen {
        self.knobs().seen.clone()
    }

    pub fn ask_for(&self, guard: Guard) {
        self.knobs().guard = guard;
    }

    /// Live events arrive before what is replayed.
    pub fn send_live_first(&self) {
        self.knobs().live_comes_first = true;
    }

    /// Every handshake of a socket is refused with `status`, or none is.
    pub fn refuse_sockets(&self, status: Option<u16>) {
        self.knobs().sockets_refused = status;
    }

    /// It has the calls of the product guide, too.
    pub fn speak_guide(&self) {
        self.knobs().speaks_guide = true;
    }

    fn speaks_guide(&self) -> bool {
        self.knobs().speaks_guide
    }

    pub fn without_active_runs(&self) {
        self.knobs().has_active_runs = false;
    }

    /// Everything is answered with a redirect to `origin`.
    pub fn move_to(&self, status: u16, origin: &str) {
        self.knobs().moved = Some((status, origin.to_owned()));
    }

    pub fn add_run(&self, scripts: impl Into<Vec<Script>>) -> Uuid {
        self.add_run_of("Neon Rain", scripts)
    }

    /// Adds a song of this title, and a run of it.
    pub fn add_run_of(&self, title: &str, scripts: impl Into<Vec<Script>>) -> Uuid {
        let now = self.now();
        let mut studio = self.lock();
        let song = studio.add_song(title);
        studio.add_run(song, scripts.into(), now)
    }

    /// Adds a run and executes it.
    pub fn start_run(&self, scripts: impl Into<Vec<Script>>) -> Uuid {
        let id = self.add_run(scripts);
        self.start(id);
        id
    }

    /// Executes a run; it goes on whoever hangs up.
    pub fn start(&self, id: Uuid) -> JoinHandle<()> {
        let backend = self.clone();
        let task = tokio::spawn(async move { backend.play(id).await });
        self.knobs().executing.push(task.abort_handle());
        task
    }

    async fn execute(&self, id: Uuid) -> Result<(), tokio::task::JoinError> {
        self.start(id).await
    }

    pub fn cancel(&self, id: Uuid) {
        let now = self.now();
        assert!(self.lock().cancel(id, now));
    }

    /// Executes a run to its end.
    async fn play(&self, id: Uuid) {
        self.thawed().await;
        let now = self.now();
        self.lock().begin(id, now);
        let script = self.lock().run(id).script();
        self.pause(10).await;
        let failed = |node: &str, words: &str| {
            Some(format!("Skill {} execution failed: {words}", studio::skill(node)))
        };
        for step in &script.steps {
            let now = self.now();
            let row = self.lock().begin_node(id, step.node, now);
            self.pause(5 + step.millis).await;
            let now = self.now();
            self.lock().end_node(id, row, step.millis, step.raises, now);
            self.pause(5).await;
            if let Some(words) = step.raises {
                let now = self.now();
                return self.lock().end(id, failed(step.node, words), now);
            }
        }
        let error = script.unregistered.and_then(|node| failed(node, "no such skill"));
        let now = self.now();
        self.lock().end(id, error, now);
    }

    async fn pause(&self, millis: u64) {
        sleep(Duration::from_millis(millis)).await;
        self.thawed().await;
    }

    /// No frames, no pings, no answers, no progress for `time`; then everything at once.
    pub fn freeze(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut knobs = self.knobs();
        knobs.frozen_until = knobs.frozen_until.max(Some(until));
    }

    pub async fn thawed(&self) {
        loop {
            let until = self.knobs().frozen_until;
            match until {
                Some(until) if until > Instant::now() => sleep_until(until).await,
                _ => return,
            }
        }
    }

    /// SIGTERM: sockets are closed with 1012, what runs goes on, and after `pause` it is back.
    pub async fn restart(&self, pause: Duration) {
        self.turn(Phase::Restarting);
        sleep(pause).await;
        self.turn(Phase::Up);
    }

    /// SIGKILL: connections are lost, what runs is an orphan, and after `pause` it is back.
    pub async fn kill(&self, pause: Duration) {
        self.turn(Phase::Killed);
        sleep(pause).await;
        self.turn(Phase::Up);
    }

    /// Ends the server in one of two ways, or begins it anew.
    pub fn turn(&self, phase: Phase) {
        if phase == Phase::Killed {
            for execution in self.knobs().executing.drain(..) {
                execution.abort();
            }
            self.lock().runs.values_mut().for_each(|run| run.executing = false);
        }
        self.0.phase.send_replace(phase);
    }

    fn phase(&self) -> watch::Receiver<Phase> {
        let mut phase = self.0.phase.subscribe();
        phase.mark_unchanged();
        phase
    }

    fn guard(&self) -> Guard {
        self.knobs().guard.clone()
    }

    fn ping_interval(&self) -> Duration {
        self.knobs().ping_interval
    }

    fn live_comes_first(&self) -> bool {
        self.knobs().live_comes_first
    }

    fn count_data(&self) {
        self.knobs().seen.data_frames += 1;
    }

    fn take_seat(&self) -> Seat {
        let mut knobs = self.knobs();
        let seen = &mut knobs.seen;
        seen.handshakes += 1;
        seen.watchers += 1;
        seen.most_watchers = seen.most_watchers.max(seen.watchers);
        let full = seen.watchers > POOL;
        drop(knobs);
        if full {
            self.freeze(POOL_TIMEOUT);
        }
        Seat(self.clone())
    }

    /// A port on loopback that leads here.
    pub async fn listen(&self) -> SocketAddr {
        self.listen_with(|stream| async { Some(stream) }).await
    }

    /// A port on loopback that leads here, through what `wrap` makes of a connection.
    pub async fn listen_with<F, S>(
        &self,
        wrap: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> SocketAddr
    where
        F: Future<Output = Option<S>> + Send,
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        self.accept(listener, wrap);
        address
    }

    /// Has `listener` lead here, through what `wrap` makes of a connection.
    pub fn accept<F, S>(
        &self,
        listener: TcpListener,
        wrap: impl Fn(TcpStream) -> F + Send + 'static,
    ) where
        F: Future<Output = Option<S>> + Send,
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let backend = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Down: whoever comes is sent away without an answer.
                if *backend.0.phase.borrow() == Phase::Up
                    && let Some(stream) = wrap(stream).await
                {
                    tokio::spawn(backend.clone().serve(stream));
                }
            }
        });
    }

    /// Serves one connection until it ends.
    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(self, mut stream: S) {
        let mut phase = self.phase();
        loop {
            let request = tokio::select! {
                request = Request::read(&mut stream) => request,
                _ = phase.changed() => return,
            };
            let Some(request) = request else { return };
            self.thawed().await;
            let answered = tokio::select! {
                biased;
                // Who was killed while it was frozen answers nobody.
                _ = phase.changed() => return,
                answered = self.respond(&mut stream, &request) => answered,
            };
            match answered {
                Next::KeepAlive => {}
                Next::Drop => return,
                Next::Upgrade => {
                    socket::serve(&self, stream, &request).await;
                    return;
                }
            }
        }
    }

    async fn respond<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        request: &Request,
    ) -> Next {
        let (refused, moved, has_active_runs) = {
            let mut knobs = self.knobs();
            let authorization = request.headers.get("authorization").cloned();
            knobs.seen.requests.push(format!("{} {}", request.method, request.path));
            knobs.seen.authorizations.push(authorization);
            if request.method == "POST" {
                let body = serde_json::from_slice(&request.body).unwrap_or_default();
                knobs.seen.posts.push((request.path.clone(), body));
                knobs.seen.content_types.push(request.headers.get("content-type").cloned());
            }
            (knobs.sockets_refused, knobs.moved.clone(), knobs.has_active_runs)
        };
        let upgrade = request.headers.contains_key("upgrade");
        let path = request.path.strip_prefix(BASE);
        let mut reply = match path {
            _ if moved.is_some() => rest::Reply {
                status: moved.as_ref().map_or(0, |(status, _)| *status),
                body: serde_json::Value::Null,
                drops: false,
                location: moved.map(|(_, origin)| format!("{origin}{}", request.path)),
            },
            Some("/runs/events") if upgrade && refused.is_none() => return Next::Upgrade,
            _ if upgrade => rest::Reply {
                status: refused.unwrap_or(403),
                body: serde_json::json!({"detail": "Forbidden"}),
                drops: true,
                location: None,
            },
            Some(path) => rest::reply(self, request, path).await,
            None => rest::Reply {
                status: 404,
                body: serde_json::json!({"detail": "Not Found"}),
                drops: false,
                location: None,
            },
        };
        if !has_active_runs && path == Some("/monitoring/active-runs") {
            reply.status = 404;
        }
        // A server that froze meanwhile answers when it thaws.
        self.thawed().await;
        let headers: Vec<(&str, String)> =
            reply.location.into_iter().map(|place| ("location", place)).collect();
        let sent = http::answer(stream, reply.status, &headers, &reply.body).await;
        if reply.drops || sent.is_err() { Next::Drop } else { Next::KeepAlive }
    }
}

enum Next {
    KeepAlive,
    Drop,
    Upgrade,
}

/// A watcher's database connection.
struct Seat(Backend);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.knobs().seen.watchers -= 1;
    }
}

/// The way to the stand-in without a network.
pub struct Wire(pub Backend);

impl Connect for Wire {
    type Transport = DuplexStream;

    async fn connect(&self, url: &SourceUrl) -> Result<DuplexStream, Ending> {
        if *self.0.0.phase.borrow() != Phase::Up {
            return Err(Ending::Refused { address: url.authority() });
        }
        let (client, server) = tokio::io::duplex(64 << 10);
        tokio::spawn(self.0.clone().serve(server));
        Ok(client)
    }
}
