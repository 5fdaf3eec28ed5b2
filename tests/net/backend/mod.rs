//! Stand-in for the AMCS backend: implements protocol sections 2 to 4 with all faults, over any
//! transport, and the harm of watching in section 6. Runs as a simulation on tokio's paused time, or as
//! a server on a port.

mod execution;
mod harm;
mod http;
mod parrot;
mod pool;
mod rest;
mod runs;
mod script;
mod server;
mod socket;
mod truth;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use meterbridge::source::connector::Connect;
use meterbridge::source::{Disconnect, SourceUrl};
use tokio::io::DuplexStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use self::harm::Allowance;
pub use self::harm::RemovalFaults;
use self::http::Request;
pub use self::parrot::Parrot;
use self::pool::Pool;
pub use self::pool::{POOL, PoolCounts};
pub use self::runs::BackendRuns;
pub use self::script::Script;
pub use self::truth::Truth;

pub const BASE: &str = "/api/v1";

/// Header of a control client, whose requests do not count as a viewer's.
pub const CONTROL_HEADER: &str = "x-control";

/// Requests that need a bearer token.
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

/// Durations of answers while no other answer is worked on.
#[derive(Clone, Copy, Debug)]
pub struct AnswerTimes {
    /// Duration of `GET /runs/{run_id}`.
    pub detail: Duration,
    /// Duration of every other call.
    pub other: Duration,
}

impl AnswerTimes {
    fn of(self, path: &str) -> Duration {
        let id = path.strip_prefix("/runs/");
        if id.is_some_and(|id| !id.contains('/')) { self.detail } else { self.other }
    }
}

impl Default for AnswerTimes {
    fn default() -> Self {
        Self { detail: Duration::from_millis(8), other: Duration::from_millis(5) }
    }
}

/// Settings and counters of the stand-in.
struct Knobs {
    guard: Guard,
    ping_interval: Duration,
    live_comes_first: bool,
    has_active_runs: bool,
    sockets_refused: Option<u16>,
    /// The calls of the product guide are served, too.
    speaks_guide: bool,
    /// Status and target origin of a redirect of every request.
    moved: Option<(u16, String)>,
    parrot: Option<Parrot>,
    gateway: Option<GatewayAnswer>,
    frozen_until: Option<Instant>,
    executing: Vec<tokio::task::AbortHandle>,
    answer_times: AnswerTimes,
    /// Runs that begin together commit together.
    lockstep: bool,
    /// Seed for the order of the list of all runs.
    list_seed: u64,
    removal_faults: RemovalFaults,
    random: fastrand::Rng,
    pool: Pool,
    allowance: Allowance,
    seen: Seen,
}

/// Answer of a gateway in front of the backend: a status, a redirect's target, and a page.
#[derive(Clone, Copy, Debug)]
pub struct GatewayAnswer {
    pub status: u16,
    pub location: Option<&'static str>,
    pub page: &'static str,
}

/// Requests and connections received.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Method and path of each request, in order.
    pub requests: Vec<String>,
    pub authorizations: Vec<Option<String>>,
    /// Path and body of each `POST`, in order.
    pub posts: Vec<(String, serde_json::Value)>,
    /// Content type of each `POST`, in order.
    pub content_types: Vec<Option<String>>,
    pub watchers: usize,
    pub most_watchers: usize,
    /// Number of accepted handshakes of run sockets.
    pub handshakes: usize,
    /// Number of data frames from clients, which must not send any.
    pub data_frames: usize,
    /// Number of requests, without those of control clients.
    pub viewers_requests: usize,
}

struct Inner {
    runs: Mutex<BackendRuns>,
    knobs: Mutex<Knobs>,
    /// Held during half of the work on an answer, so that answers block each other.
    event_loop: tokio::sync::Mutex<()>,
    phase: watch::Sender<Phase>,
    began: Instant,
    epoch: Timestamp,
    last_reading: Mutex<Duration>,
}

/// Handle on the stand-in. When the test's own handle is dropped, it asserts that watching did no harm;
/// clones do not.
pub struct Backend {
    inner: Arc<Inner>,
    is_tests_own: bool,
}

impl Clone for Backend {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), is_tests_own: false }
    }
}

impl Backend {
    /// Creates a stand-in on the current runtime, with a fixed starting time.
    pub fn new() -> Self {
        Self::begun_at("2026-11-23T01:08:40Z".parse().unwrap())
    }

    /// Like [`new`](Self::new), with a clock that starts at `epoch` and follows tokio's.
    pub fn begun_at(epoch: Timestamp) -> Self {
        let knobs = Knobs {
            guard: Guard::Nobody,
            ping_interval: Duration::from_secs(20),
            live_comes_first: false,
            has_active_runs: true,
            sockets_refused: None,
            speaks_guide: false,
            moved: None,
            parrot: None,
            gateway: None,
            frozen_until: None,
            executing: Vec::new(),
            answer_times: AnswerTimes::default(),
            lockstep: false,
            list_seed: 0,
            removal_faults: RemovalFaults::default(),
            random: fastrand::Rng::with_seed(0),
            pool: Pool::default(),
            allowance: Allowance::default(),
            seen: Seen::default(),
        };
        let inner = Inner {
            runs: Mutex::default(),
            knobs: Mutex::new(knobs),
            event_loop: tokio::sync::Mutex::default(),
            phase: watch::Sender::new(Phase::Up),
            began: Instant::now(),
            epoch,
            last_reading: Mutex::default(),
        };
        Self { inner: Arc::new(inner), is_tests_own: true }
    }

    /// The server's clock. Each reading is later than the one before, so that timestamps give the order
    /// of what happens at one instant of paused time.
    pub fn now(&self) -> Timestamp {
        let elapsed = self.inner.began.elapsed();
        let mut last = self.inner.last_reading.lock().unwrap();
        *last = elapsed.max(*last + Duration::from_micros(1));
        self.inner.epoch + *last
    }

    pub fn lock(&self) -> MutexGuard<'_, BackendRuns> {
        self.inner.runs.lock().unwrap()
    }

    fn knobs(&self) -> MutexGuard<'_, Knobs> {
        self.inner.knobs.lock().unwrap()
    }

    pub fn seen(&self) -> Seen {
        self.knobs().seen.clone()
    }

    /// Database connections in use, and the freezes that they caused.
    pub fn pool(&self) -> PoolCounts {
        self.knobs().pool.counts()
    }

    pub fn forget_pool_maxima(&self) {
        self.knobs().pool.forget_maxima();
    }

    /// Seeds the order of the list of all runs, and the choice of watcher removals that fail their
    /// runs.
    pub fn seed(&self, seed: u64) {
        let mut knobs = self.knobs();
        knobs.list_seed = seed;
        knobs.random = fastrand::Rng::with_seed(seed);
    }

    fn list_seed(&self) -> u64 {
        self.knobs().list_seed
    }

    pub fn answer_within(&self, times: AnswerTimes) {
        self.knobs().answer_times = times;
    }

    fn answer_times(&self) -> AnswerTimes {
        self.knobs().answer_times
    }

    pub fn ask_for(&self, guard: Guard) {
        self.knobs().guard = guard;
    }

    /// Sends live events before the replayed ones.
    pub fn send_live_first(&self) {
        self.knobs().live_comes_first = true;
    }

    /// Refuses every socket handshake with `status`; `None` accepts them.
    pub fn refuse_sockets(&self, status: Option<u16>) {
        self.knobs().sockets_refused = status;
    }

    /// Serves the calls of the product guide, too.
    pub fn speak_guide(&self) {
        self.knobs().speaks_guide = true;
    }

    fn speaks_guide(&self) -> bool {
        self.knobs().speaks_guide
    }

    pub fn without_active_runs(&self) {
        self.knobs().has_active_runs = false;
    }

    /// Repeats the credentials of requests.
    pub fn repeat_credentials(&self, parrot: Parrot) {
        self.knobs().parrot = Some(parrot);
    }

    /// The place in which credentials are repeated, and the credentials of `request`; `None` without
    /// any.
    fn repeats(&self, request: &Request) -> Option<(Parrot, String)> {
        let parrot = self.knobs().parrot?;
        let said = parrot::credentials_of(request);
        (!said.is_empty()).then_some((parrot, said))
    }

    /// Answers every request with a redirect to `origin`.
    pub fn move_to(&self, status: u16, origin: &str) {
        self.knobs().moved = Some((status, origin.to_owned()));
    }

    /// Answers every request as a gateway in front of the backend would; `None` lets requests through.
    pub fn answer_all(&self, answer: Option<GatewayAnswer>) {
        self.knobs().gateway = answer;
    }

    pub fn add_run(&self, scripts: impl Into<Vec<Script>>) -> Uuid {
        self.add_run_of("Neon Rain", scripts)
    }

    /// Adds a song with this title, and a run of it.
    pub fn add_run_of(&self, title: &str, scripts: impl Into<Vec<Script>>) -> Uuid {
        let now = self.now();
        let mut runs = self.lock();
        let song = runs.add_song(title);
        runs.add_run(song, scripts.into(), now)
    }

    /// Adds a run and executes it.
    pub fn start_run(&self, scripts: impl Into<Vec<Script>>) -> Uuid {
        let id = self.add_run(scripts);
        self.start(id);
        id
    }

    /// Adds runs that are never executed. Each makes the page of the list that it is on fail.
    pub fn add_pending(&self, count: usize) {
        for _ in 0..count {
            self.add_run([Script::success(10)]);
        }
    }

    pub fn cancel(&self, id: Uuid) {
        let now = self.now();
        assert!(self.lock().cancel(id, now));
    }

    /// Freezes frames, pings, answers and progress for `time`. Everything continues at once afterwards.
    pub fn freeze(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut knobs = self.knobs();
        knobs.frozen_until = knobs.frozen_until.max(Some(until));
    }

    pub fn is_frozen(&self) -> bool {
        self.knobs().frozen_until.is_some_and(|until| until > Instant::now())
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

    fn phase(&self) -> watch::Receiver<Phase> {
        let mut phase = self.inner.phase.subscribe();
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

    fn admit_watcher(&self) -> WatcherPermit {
        let mut knobs = self.knobs();
        let seen = &mut knobs.seen;
        seen.handshakes += 1;
        seen.watchers += 1;
        seen.most_watchers = seen.most_watchers.max(seen.watchers);
        WatcherPermit(self.clone())
    }
}

/// Counts one open run socket until it is dropped.
struct WatcherPermit(Backend);

impl Drop for WatcherPermit {
    fn drop(&mut self) {
        self.0.knobs().seen.watchers -= 1;
    }
}

/// Connector to the stand-in without a network.
pub struct Wire(pub Backend);

impl Connect for Wire {
    type Transport = DuplexStream;

    async fn connect(&self, url: &SourceUrl) -> Result<DuplexStream, Disconnect> {
        if *self.0.inner.phase.borrow() != Phase::Up {
            return Err(Disconnect::Refused { address: url.authority() });
        }
        let (client, server) = tokio::io::duplex(64 << 10);
        tokio::spawn(self.0.clone().serve(server));
        Ok(client)
    }
}
