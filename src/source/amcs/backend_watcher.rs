//! Combines the REST API and the sockets of runs: decides which request is sent next, which runs have a
//! socket, and what is delivered to the application. At most one request is in flight, and all
//! connections count towards one budget, because watching must not harm the backend (protocol,
//! section 6).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use smol_str::SmolStr;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::api::{Api, QueryAnswer};
use super::discovery::Discovery;
use super::pacing::Pacer;
use super::queries::{Freshness, Queries, QueryKey};
use super::run_socket::{SocketHandle, SocketMessage};
use super::socket_drain::{DrainedSocket, close_when_over};
use super::songs::RecentSongs;
use super::watched_run::{FreshnessInputs, Loss, WatchedRun};
use crate::protocol::RunId;
use crate::source::api_url::ApiUrl;
use crate::source::connector::Connect;
use crate::source::http::{HttpClient, HttpError};
use crate::source::run_operation::{ApiRequest, LookAt, OperationClient, ResponseFuture};
use crate::source::source_context::SourceContext;
use crate::source::{
    ConnectionBudget, Credentials, Disconnect, HeldRuns, Polling, PollingReason, Updates,
};

/// Shortest interval of requests for the list of active runs while nothing runs.
const IDLE_LIST_INTERVAL: Duration = Duration::from_secs(2);
/// Pause before a refused list of active runs is requested again. The list of all runs replaces it
/// until then.
const REFUSED_LIST_INTERVAL: Duration = Duration::from_secs(60);
/// The same pause while nothing can be read.
const UNREADABLE_LIST_INTERVAL: Duration = Duration::from_secs(3);
/// Age at which the title of a song is requested again.
const SONG_LASTS: Duration = Duration::from_secs(300);
/// Time in flight after which a request is reported as unanswered.
const UNANSWERED_AFTER: Duration = Duration::from_secs(5);
/// Time after which a request that could not be sent counts as unanswered, too.
const UNSENT_AFTER: Duration = Duration::from_secs(8);
/// Kinds of requests: the list of active runs, details and songs of runs that go on, pages of the list of
/// all runs, and details and songs of runs that were over when they were found.
const LIST: usize = 0;
const DETAIL: usize = 1;
const PAGE: usize = 2;
const PAST: usize = 3;
/// Shares of the kinds in the requests, while all of them are due.
const SHARES: [u32; 4] = [6, 6, 2, 3];
/// Capacity of the channel of socket messages. A socket task waits while the channel is full.
const MOST_NEWS: usize = 64;
/// Time allowed for sockets to close when the watcher stops.
const GOODBYE: Duration = Duration::from_millis(500);
/// Delay that stands for never.
const FAR: Duration = Duration::from_secs(86_400);
/// Polling intervals that are shown, in seconds. Only these, so that small changes are not reported.
const PACES: [u16; 7] = [2, 3, 5, 10, 20, 30, 60];

/// The request in flight.
pub(super) struct PendingRequest {
    /// Time at which it was chosen.
    chosen_at: Instant,
    /// Time at which the request was sent; unset while it waits for a connection permit.
    began: Arc<OnceLock<Instant>>,
    /// Time at which the request was chosen, by the local clock.
    pub(super) since: Timestamp,
}

impl PendingRequest {
    /// Returns the time from which the backend counts as not answering.
    fn slow_at(&self) -> Instant {
        match self.began.get() {
            Some(began) => *began + UNANSWERED_AFTER,
            None => self.chosen_at + UNSENT_AFTER,
        }
    }
}

/// Reachability of the backend, as reported to the session.
#[derive(Debug)]
pub(super) enum PollOutcome {
    /// A request succeeded for the first time since the backend was unreached.
    Reached,
    /// The last request got no answer, or no list of runs can be read. Open sockets may still deliver
    /// events.
    Unreached(Disconnect),
}

pub(super) struct BackendWatcher<C> {
    pub(super) connector: Arc<C>,
    pub(super) url: ApiUrl,
    pub(super) credentials: Option<Credentials>,
    pub(super) api: Arc<Api<C>>,
    pub(super) queries: Queries,
    pub(super) watched: BTreeMap<RunId, WatchedRun>,
    pub(super) sockets: HashMap<RunId, SocketHandle>,
    pub(super) socket_tasks: JoinSet<RunId>,
    pub(super) next_token: u64,
    pub(super) answers: JoinSet<(QueryAnswer, Duration)>,
    pub(super) asking: Option<PendingRequest>,
    /// Number of requests since the last one of each kind.
    since: [u32; 4],
    pub(super) pacer: Pacer,
    pub(super) discovery: Discovery,
    pub(super) songs: RecentSongs,
    pub(super) held: HeldRuns,
    pub(super) budget: ConnectionBudget,
    pub(super) news: mpsc::Receiver<SocketMessage>,
    pub(super) news_sender: mpsc::Sender<SocketMessage>,
    /// Ids of runs that were created or operated on here.
    pub(super) touched: mpsc::UnboundedReceiver<RunId>,
    pub(super) touched_sender: mpsc::UnboundedSender<RunId>,
    /// The server's time, with the local time at which it was received.
    pub(super) server_clock: Option<(Timestamp, Instant)>,
    /// True when the last request was answered, whatever its status. Also false when no list of runs
    /// can be read and there is nothing else to read or watch.
    pub(super) is_reached: bool,
    /// True when a list or a run was read, and since then every request was answered and the lists of
    /// runs were not refused altogether.
    pub(super) is_readable: bool,
    /// The last time a list or a run was read.
    pub(super) read_at: Option<Instant>,
    /// The last time a run was refused although it may exist.
    pub(super) run_refused_at: Option<Instant>,
    /// Time of a request that was unanswered for long and then failed, by the local clock; unset after
    /// the next success.
    pub(super) unanswered_since: Option<Timestamp>,
    /// The last time a request got no answer.
    pub(super) lost: Option<Loss>,
    /// Error in the last answer to a request for the list of active runs. While set, the list of all
    /// runs replaces that list.
    pub(super) list_refusal: Option<HttpError>,
    /// The first time of the refusals since that list was last read.
    pub(super) list_refused_at: Option<Instant>,
    /// True when a request was started while the backend is unreached: [`step`](Self::step) returns at
    /// once, so that the session reports the attempt.
    pub(super) began_to_try: bool,
    /// True once it was logged that no runs can be listed.
    pub(super) said_refusal: bool,
    /// Reason for which the last socket ended or failed to open.
    pub(super) socket_trouble: Option<Disconnect>,
}

impl<C: Connect + Send + Sync + 'static> BackendWatcher<C> {
    pub fn new(
        connector: Arc<C>,
        url: ApiUrl,
        credentials: Option<Credentials>,
        context: &SourceContext,
    ) -> Self {
        let limit = context.settings.connect_timeout;
        let client = HttpClient::new(connector.clone(), url.clone(), credentials.clone(), limit);
        let budget = context.settings.api.budget.clone();
        let api = Arc::new(Api::new(client, url.api_base(), budget.clone()));
        let (news_sender, news) = mpsc::channel(MOST_NEWS);
        let (touched_sender, touched) = mpsc::unbounded_channel();
        let now = Instant::now();
        let settings = &context.settings.api;
        let unfinished = settings.unfinished.iter().map(|id| {
            let mut run = WatchedRun::new(id.clone(), now);
            run.is_ours = true;
            (id.clone(), run)
        });
        let named = settings.runs.iter().map(|id| {
            let id = RunId::new(id);
            let mut run = WatchedRun::new(id.clone(), now);
            run.is_named = true;
            (id, run)
        });
        Self {
            connector,
            url,
            credentials,
            api,
            queries: Queries::default(),
            watched: unfinished.chain(named).collect(),
            sockets: HashMap::new(),
            socket_tasks: JoinSet::new(),
            next_token: 0,
            answers: JoinSet::new(),
            asking: None,
            since: [0; 4],
            pacer: Pacer::new(),
            discovery: Discovery::new(now),
            songs: RecentSongs::default(),
            held: budget.held().clone(),
            budget,
            news,
            news_sender,
            touched,
            touched_sender,
            server_clock: None,
            is_reached: false,
            is_readable: false,
            read_at: None,
            run_refused_at: None,
            unanswered_since: None,
            lost: None,
            list_refusal: None,
            list_refused_at: None,
            began_to_try: false,
            said_refusal: false,
            socket_trouble: None,
        }
    }

    /// Returns a client that sends run operations to this backend.
    pub fn operation_client(&self) -> OperationClient {
        let api = self.api.clone();
        let post = move |call: ApiRequest| -> ResponseFuture {
            let api = api.clone();
            Box::pin(async move { api.post(call).await })
        };
        let api = self.api.clone();
        let look: LookAt = Arc::new(move |run| {
            let api = api.clone();
            Box::pin(async move {
                let _permit = api.permit().await;
                api.run(&run).await.ok()
            })
        });
        let touched = Some(self.touched_sender.clone());
        OperationClient { post: Arc::new(post), look: Some(look), touched }
    }

    /// True when at least one socket is open.
    pub fn has_socket(&self) -> bool {
        self.sockets.values().any(|socket| socket.is_open)
    }

    /// True while a request to an unreached backend is under way.
    pub fn is_trying(&self) -> bool {
        !self.is_reached && !self.answers.is_empty()
    }

    /// Delays the next request for the list of active runs until `at`.
    pub fn wait_until(&mut self, at: Instant) {
        self.queries.pause_until(&QueryKey::List, at);
    }

    /// Starts the requests and sockets that are due, then waits for one answer or message and processes
    /// it. Returns `None` when there is no reachability to report. Cancel-safe.
    pub async fn step(&mut self, context: &mut SourceContext) -> Option<PollOutcome> {
        let now = Instant::now();
        self.tidy();
        self.arrange_sockets(context, now);
        let wake = self.ask(context, now);
        if std::mem::take(&mut self.began_to_try) {
            return None;
        }
        // While the application has no room for signals, answers and socket messages stay unprocessed.
        let has_room = context.signal_sender.has_room();
        let now = Instant::now();
        // Time at which the request in flight counts as unanswered.
        let silent_at = self.asking.as_ref().map(PendingRequest::slow_at);
        let wake = silent_at.filter(|at| *at > now).map_or(wake, |at| wake.min(at));
        tokio::select! {
            biased;
            Some(answer) = self.answers.join_next(), if has_room && !self.answers.is_empty() => {
                // A request task does not panic and is not aborted, so this branch is not expected.
                let Ok((answer, took)) = answer else {
                    self.asking = None;
                    return None;
                };
                self.take_answer(answer, took, context)
            }
            // Before the ended tasks: a socket's last messages must be processed before its handle is
            // removed.
            Some(news) = self.news.recv(), if has_room => {
                self.take_news(news, context);
                None
            }
            Some(run) = self.socket_tasks.join_next(), if has_room && !self.socket_tasks.is_empty() => {
                let run = run.ok()?;
                self.sockets.remove(&run);
                None
            }
            Some(run) = self.touched.recv() => {
                self.watch(run);
                None
            }
            () = context.signal_sender.wait_for_capacity(), if !has_room => None,
            () = tokio::time::sleep_until(wake) => None,
        }
    }

    /// Closes the sockets of runs that are over, and waits up to [`GOODBYE`] for them. The other
    /// sockets stay open in the background until their runs are over: [`HeldRuns`] counts them.
    pub async fn stop(mut self) {
        for (id, socket) in &self.sockets {
            socket.stop_listening(is_over(self.watched.get(id)));
        }
        self.news.close();
        // Let the request in flight finish: the backend uses a connection for it even after it is
        // abandoned, so its task must keep the connection permit.
        self.answers.detach_all();
        let all = async { while self.socket_tasks.join_next().await.is_some() {} };
        let _ = timeout(GOODBYE, all).await;
        self.socket_tasks.detach_all();
        let sockets = std::mem::take(&mut self.sockets);
        let held = sockets.into_iter().filter(|(_, socket)| !socket.goal.is_closed());
        let held: Vec<DrainedSocket> = held
            .filter_map(|(id, socket)| {
                Some(DrainedSocket::new(self.watched.remove(&id)?, socket.goal))
            })
            .collect();
        if !held.is_empty() {
            let server_clock = self.server_clock;
            let loss = self.lost;
            tokio::spawn(close_when_over(self.api, self.pacer, server_clock, loss, held));
        }
    }

    /// Watches a run that was created or operated on until it is over, even when no list contains it,
    /// and requests its detail at once.
    pub(super) fn watch(&mut self, id: RunId) {
        let now = Instant::now();
        let run =
            self.watched.entry(id.clone()).or_insert_with(|| WatchedRun::new(id.clone(), now));
        run.is_ours = true;
        run.is_missing = false;
        self.queries.demand(&QueryKey::Run(id), now);
    }

    pub(super) fn server_now(&self) -> Option<Timestamp> {
        self.server_clock.and_then(|(told, at)| told.checked_add(at.elapsed()).ok())
    }

    /// Stops watching runs that are over or missing. A run stays watched while it is named by the user,
    /// listed, or has a socket, and until its song's title is read.
    fn tidy(&mut self) {
        let (queries, sockets) = (&mut self.queries, &self.sockets);
        let before = self.watched.len();
        self.watched.retain(|id, run| {
            let song = run.song_id.clone().map(QueryKey::Song);
            let titled = song.is_none_or(|song| queries.is_settled(&song));
            let done = run.is_over() || run.is_missing;
            let keep =
                !done || run.is_named || run.is_listed || !titled || sockets.contains_key(id);
            if !keep {
                queries.forget(&QueryKey::Run(id.clone()));
            }
            keep
        });
        if self.watched.len() < before {
            let watched = &self.watched;
            let wanted =
                |song: &str| watched.values().any(|run| run.song_id.as_deref() == Some(song));
            queries.keep_songs(wanted);
        }
    }

    /// Returns all possible requests, each with the time at which it is due.
    fn questions(&self, context: &SourceContext, now: Instant) -> Vec<(Instant, QueryKey)> {
        let poll = context.settings.api.poll_interval;
        let lasting = |lasts: Duration| Freshness { lasts: Some(lasts), stale_lasts: poll };
        let mut due = Vec::new();
        let mut want = |key: QueryKey, freshness: Freshness, since: Instant| {
            due.extend(self.queries.due(&key, freshness, since).map(|at| (at, key)));
        };
        let running = self.running();
        let list_interval = match (&self.list_refusal, running) {
            // The session sets the time of the next attempt with `wait_until`.
            _ if !self.is_reached => Duration::ZERO,
            (Some(_), _) if !self.is_readable => UNREADABLE_LIST_INTERVAL,
            (Some(_), _) => REFUSED_LIST_INTERVAL,
            (None, 0) => IDLE_LIST_INTERVAL.max(poll / 2),
            (None, _) => poll / 2,
        };
        want(QueryKey::List, lasting(list_interval), now);
        if !self.is_reached {
            // One request is enough to find out whether the backend is back.
            return due;
        }
        let server_now = self.server_now();
        let goes_on = |run: &&WatchedRun| {
            !run.is_over() && !run.is_missing && !run.waits() && !run.is_unread_past()
        };
        let unfinished = self.watched.values().filter(goes_on).count();
        for (id, run) in &self.watched {
            let key = QueryKey::Run(id.clone());
            let look = FreshnessInputs {
                socket_is_open: self.sockets.get(id).is_some_and(|socket| socket.is_open),
                poll_interval: poll,
                unfinished,
                server_now,
                answered_at: self.queries.answered_at(&key),
                now,
            };
            want(key, run.freshness(&look), run.known_since());
            if let Some(song) = &run.song_id {
                want(QueryKey::Song(song.clone()), lasting(SONG_LASTS), run.known_since());
            }
        }
        for song in self.songs.wanted() {
            want(
                QueryKey::SongRuns(song.clone()),
                Freshness { lasts: None, stale_lasts: poll },
                now,
            );
        }
        let (at, _) = self.discovery.next(now);
        due.extend(
            self.queries.due_unless_paused(&QueryKey::Page, at).map(|at| (at, QueryKey::Page)),
        );
        due
    }

    /// Returns the number of watched runs that are running.
    fn running(&self) -> usize {
        self.watched.values().filter(|run| run.is_running()).count()
    }

    /// Starts the most urgent request that is due, unless one is in flight or the pacer demands a
    /// pause. Returns the time at which the next request or socket is due.
    fn ask(&mut self, context: &mut SourceContext, now: Instant) -> Instant {
        let sockets_due =
            self.watched.values().map(|run| run.socket_due(now)).filter(|at| *at > now);
        let wake = sockets_due.fold(now + FAR, Instant::min);
        if self.asking.is_some() {
            return wake;
        }
        let mut questions = self.questions(context, now);
        for (at, key) in &mut questions {
            let allowed_at = match key {
                QueryKey::Page => self.pacer.pages_at(now),
                _ => self.pacer.next_at(now),
            };
            // A request that the pacer allows by now keeps its due time, which orders overdue requests.
            if allowed_at > now {
                *at = allowed_at.max(*at);
            }
        }
        let at = questions.iter().map(|(at, _)| *at).min().unwrap_or(now + FAR);
        if at > now {
            return wake.min(at);
        }
        questions.retain(|(at, _)| *at <= now);
        let Some(key) = self.next_turn(&questions) else { return wake };
        self.queries.begin(&key);
        self.began_to_try |= !self.is_reached;
        self.asking =
            Some(PendingRequest { chosen_at: now, began: Arc::default(), since: context.now() });
        self.start(key, now);
        wake
    }

    /// Chooses among requests that are due: of each kind its share, by the kind that has waited longest
    /// relative to its share.
    fn next_turn(&mut self, due: &[(Instant, QueryKey)]) -> Option<QueryKey> {
        let goes_on = |run: &&WatchedRun| !run.is_over() && !run.is_unread_past();
        let unfinished = self.watched.values().filter(goes_on);
        let songs: HashSet<&SmolStr> = unfinished.filter_map(|run| run.song_id.as_ref()).collect();
        let past = |key: &QueryKey| match key {
            QueryKey::Run(id) => self.watched.get(id).filter(|run| run.is_unread_past()),
            _ => None,
        };
        let kind = |key: &QueryKey| match key {
            QueryKey::List => LIST,
            QueryKey::Page => PAGE,
            QueryKey::Song(song) if !songs.contains(song) => PAST,
            key if past(key).is_some() => PAST,
            QueryKey::SongRuns(_) | QueryKey::Run(_) | QueryKey::Song(_) => DETAIL,
        };
        let waited = |kind: &usize| self.since[*kind].saturating_mul(SHARES[*kind]);
        let chosen = due.iter().map(|(_, key)| kind(key)).max_by_key(waited)?;
        let mut of_kind = due.iter().filter(|(_, key)| kind(key) == chosen);
        // The longest overdue request comes first. Requests that tell more get a head start.
        let urgency = |(at, key): &&(Instant, QueryKey)| {
            at.checked_sub(self.queries.head_start(key)).unwrap_or(*at)
        };
        let (_, key) = match chosen {
            PAST => of_kind.max_by_key(|(_, key)| past(key).map(|run| run.started_at)),
            LIST | PAGE => of_kind.next(),
            _ => of_kind.min_by_key(urgency),
        }?;
        let key = key.clone();
        for (kind, since) in self.since.iter_mut().enumerate() {
            *since = if kind == chosen { 0 } else { since.saturating_add(1) };
        }
        Some(key)
    }

    fn start(&mut self, key: QueryKey, now: Instant) {
        let api = self.api.clone();
        let (_, page) = self.discovery.next(now);
        let socket = match &key {
            QueryKey::Run(id) => {
                self.sockets.get(id).filter(|socket| socket.is_open).map(|socket| socket.token)
            }
            _ => None,
        };
        let began = self.asking.as_ref().map(|asking| asking.began.clone()).unwrap_or_default();
        self.answers.spawn(async move {
            let _permit = api.permit().await;
            // Measure from here: waiting for the permit is no part of the backend's answer time.
            let asked = *began.get_or_init(Instant::now);
            let answer = match key {
                QueryKey::List => QueryAnswer::List(api.active_runs().await),
                QueryKey::Page => {
                    let answer = api.page(&page).await;
                    QueryAnswer::Page(page, answer)
                }
                QueryKey::SongRuns(song) => {
                    let answer = api.runs_of_song(&song).await;
                    QueryAnswer::SongRuns(song, answer)
                }
                QueryKey::Run(id) => {
                    let answer = api.run(&id).await;
                    QueryAnswer::Run(id, socket, answer)
                }
                QueryKey::Song(id) => {
                    let answer = api.song_title(&id).await;
                    QueryAnswer::Song(id, answer)
                }
            };
            (answer, asked.elapsed())
        });
    }

    /// Returns how updates arrive at present, and the last socket error where wanted sockets fail.
    pub fn updates(&self, context: &SourceContext) -> (Updates, Option<&Disconnect>) {
        if let Some(asking) = self.asking.as_ref().filter(|asking| is_slow(asking)) {
            return (Updates::Unanswered { since: asking.since }, None);
        }
        if let Some(since) = self.unanswered_since {
            return (Updates::Unanswered { since }, None);
        }
        let settings = &context.settings.api;
        let most = settings.sockets();
        let candidates = self.runs_wanting_sockets(if most > 0 { usize::MAX } else { 0 });
        let is_open = |id: &RunId| self.sockets.get(id).is_some_and(|socket| socket.is_open);
        let has_failed =
            |id: &RunId| self.watched.get(id).is_some_and(|run| run.socket_failures() > 0);
        let every_secs = self.pace(settings.poll_interval);
        if most > 0 && candidates.iter().take(most).any(|id| !is_open(id) && has_failed(id)) {
            let reason = PollingReason::NoSockets;
            return (
                Updates::Polling(Polling { every_secs, reason }),
                self.socket_trouble.as_ref(),
            );
        }
        if most > 0 && candidates.len() <= most {
            return (Updates::Live, None);
        }
        (Updates::Polling(Polling { every_secs, reason: PollingReason::Safety }), None)
    }

    /// Returns the polling interval of a running run in seconds, rounded up to one of [`PACES`].
    fn pace(&self, poll_interval: Duration) -> u16 {
        let running = u32::try_from(self.running()).unwrap_or(u32::MAX);
        let pace = poll_interval.max(self.pacer.cycle().saturating_mul(running));
        let secs = pace.as_secs_f64().round();
        let told = PACES.iter().find(|told| f64::from(**told) >= secs);
        told.copied().unwrap_or(PACES[PACES.len() - 1])
    }
}

/// True when a request has been in flight for at least [`UNANSWERED_AFTER`], or has waited for
/// [`UNSENT_AFTER`] because another request of this program holds the connection.
pub(super) fn is_slow(asking: &PendingRequest) -> bool {
    asking.slow_at() <= Instant::now()
}

/// True when no further progress of a run is expected. Also true for a run that is no longer watched.
pub(super) fn is_over(run: Option<&WatchedRun>) -> bool {
    run.is_none_or(|run| run.is_over() || run.is_missing)
}
