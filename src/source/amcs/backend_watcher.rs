//! Brings together what REST tells and what the sockets of runs tell: decides what is asked, which
//! runs have a socket, and what is handed on. One question is in flight at a time, and all connections
//! come out of one budget: watching must not harm (protocol, section 6).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::api::{Api, QueryResult};
use super::discovery::Discovery;
use super::held_sockets::{HeldSocket, close_when_over};
use super::pacing::Pacer;
use super::queries::{Freshness, Queries, QueryKey};
use super::run_socket::{Handle, SocketMessage};
use super::songs::RecentSongs;
use super::watched_run::{Look, Loss, WatchedRun};
use crate::protocol::RunId;
use crate::source::api_url::ApiUrl;
use crate::source::connector::Connect;
use crate::source::http::{HttpClient, HttpError};
use crate::source::run_operation::{ApiRequest, LookAt, OperationClient, ResponseFuture};
use crate::source::source_context::SourceContext;
use crate::source::{
    ConnectionBudget, Credentials, Disconnect, HeldRuns, Polling, PollingReason, Updates,
};

/// The list of active runs is asked for this often while nothing runs.
const IDLE_LIST_INTERVAL: Duration = Duration::from_secs(2);
/// A refused list of active runs is asked for again after this long; until then the list of all runs
/// stands in for it.
const REFUSED_LIST_INTERVAL: Duration = Duration::from_secs(60);
/// How long a song's title is known.
const SONG_LASTS: Duration = Duration::from_secs(300);
/// A question in flight for this long is told of: the backend does not answer.
const UNANSWERED_AFTER: Duration = Duration::from_secs(5);
/// News of sockets that may wait; sockets that have more wait themselves.
const MOST_NEWS: usize = 64;
/// How long sockets may take to say goodbye.
const GOODBYE: Duration = Duration::from_millis(500);
/// Stands for never.
const FAR: Duration = Duration::from_secs(86_400);
/// Paces that are told, in seconds: small changes are no news.
const PACES: [u16; 7] = [2, 3, 5, 10, 20, 30, 60];

/// The question that is in flight.
pub(super) struct Asking {
    /// Set when it is sent.
    began: Arc<OnceLock<Instant>>,
    /// When it was decided, by this machine's clock.
    since: Timestamp,
}

impl Asking {
    fn began(&self) -> Option<Instant> {
        self.began.get().copied()
    }
}

/// What happened that the session has to know.
#[derive(Debug)]
pub(super) enum PollOutcome {
    /// The backend answers.
    Reached,
    /// It does not; nothing else works either where `sockets` are none.
    Unreached(Disconnect),
}

pub(super) struct BackendWatcher<C> {
    pub(super) connector: Arc<C>,
    pub(super) url: ApiUrl,
    pub(super) credentials: Option<Credentials>,
    pub(super) api: Arc<Api<C>>,
    pub(super) queries: Queries,
    pub(super) watched: BTreeMap<RunId, WatchedRun>,
    pub(super) sockets: HashMap<RunId, Handle>,
    pub(super) socket_tasks: JoinSet<RunId>,
    pub(super) next_token: u64,
    pub(super) answers: JoinSet<(QueryResult, Duration)>,
    pub(super) asking: Option<Asking>,
    pub(super) pacer: Pacer,
    pub(super) discovery: Discovery,
    pub(super) songs: RecentSongs,
    pub(super) held: HeldRuns,
    pub(super) budget: ConnectionBudget,
    pub(super) news: mpsc::Receiver<SocketMessage>,
    pub(super) news_sender: mpsc::Sender<SocketMessage>,
    /// Runs that something was done to.
    pub(super) touched: mpsc::UnboundedReceiver<RunId>,
    pub(super) touched_sender: mpsc::UnboundedSender<RunId>,
    /// The server's clock at a moment of ours.
    pub(super) server_clock: Option<(Timestamp, Instant)>,
    /// The last question was answered, whatever was said.
    pub(super) is_reached: bool,
    /// Something that could be read was answered, and nothing has failed since.
    pub(super) is_readable: bool,
    /// When the backend was last found to be away.
    pub(super) lost: Option<Loss>,
    /// Why the list of active runs was refused; the list of all runs stands in for it.
    pub(super) list_refusal: Option<HttpError>,
    /// A question was begun while the backend does not answer: whoever waits is told.
    pub(super) began_to_try: bool,
    /// It was said that no run can be listed.
    pub(super) said_refusal: bool,
    /// Why the last socket could not be had.
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
            pacer: Pacer::new(),
            discovery: Discovery::new(),
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
            lost: None,
            list_refusal: None,
            began_to_try: false,
            said_refusal: false,
            socket_trouble: None,
        }
    }

    /// The way for acts to this backend.
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

    /// Whether a socket is open.
    pub fn has_socket(&self) -> bool {
        self.sockets.values().any(|socket| socket.is_open)
    }

    /// Whether the backend is being asked whether it is back.
    pub fn is_trying(&self) -> bool {
        !self.is_reached && !self.answers.is_empty()
    }

    /// The next list is not asked for before `at`.
    pub fn wait_until(&mut self, at: Instant) {
        self.queries.pause_until(&QueryKey::List, at);
    }

    /// Starts what is due; waits for what happens next and takes it in. Can be dropped while it
    /// waits.
    pub async fn step(&mut self, context: &mut SourceContext) -> Option<PollOutcome> {
        let now = Instant::now();
        self.tidy();
        self.arrange_sockets(context, now);
        let wake = self.ask(context, now);
        if std::mem::take(&mut self.began_to_try) {
            return None;
        }
        // What the application does not take waits where it is.
        let has_room = context.signal_sender.has_room();
        let now = Instant::now();
        // When it is to be told that there is no answer.
        let began = |asking: &Asking| asking.began().unwrap_or(now) + UNANSWERED_AFTER;
        let silent_at = self.asking.as_ref().map(began);
        let wake = silent_at.filter(|at| *at > now).map_or(wake, |at| wake.min(at));
        tokio::select! {
            biased;
            Some(answer) = self.answers.join_next(), if has_room && !self.answers.is_empty() => {
                // A question does not panic, and nobody aborts it.
                let Ok((answer, took)) = answer else {
                    self.asking = None;
                    return None;
                };
                self.take_answer(answer, took, context)
            }
            // What a socket tells of its end comes before its end.
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
            () = context.signal_sender.room(), if !has_room => None,
            () = tokio::time::sleep_until(wake) => None,
        }
    }

    /// Closes the sockets of runs that are over, and waits a moment for them. The others are held in the
    /// background until their runs are over: [`HeldRuns`] counts them.
    pub async fn stop(mut self) {
        for (id, socket) in &self.sockets {
            socket.part(is_over(self.watched.get(id)));
        }
        self.news.close();
        // A question that is given up still holds its connection at the other end: so does its task.
        self.answers.detach_all();
        let all = async { while self.socket_tasks.join_next().await.is_some() {} };
        let _ = timeout(GOODBYE, all).await;
        self.socket_tasks.detach_all();
        let sockets = std::mem::take(&mut self.sockets);
        let held = sockets.into_iter().filter(|(_, socket)| !socket.goal.is_closed());
        let held: Vec<HeldSocket> = held
            .filter_map(|(id, socket)| {
                Some(HeldSocket::new(self.watched.remove(&id)?, socket.goal))
            })
            .collect();
        if !held.is_empty() {
            let server_clock = self.server_clock;
            let loss = self.lost;
            tokio::spawn(close_when_over(self.api, self.pacer, server_clock, loss, held));
        }
    }

    /// Something was done to a run: it is asked for now, and watched until it is over, though it may
    /// be in no list.
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

    /// Lets go of runs that are over and told in full.
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

    /// Every question there is to ask, with the moment it is due.
    fn questions(&self, context: &SourceContext, now: Instant) -> Vec<(Instant, QueryKey)> {
        let poll = context.settings.api.poll_interval;
        let lasting = |lasts: Duration| Freshness { lasts: Some(lasts), stale_lasts: poll };
        let mut due = Vec::new();
        let mut want = |key: QueryKey, freshness: Freshness, since: Instant| {
            due.extend(self.queries.due(&key, freshness, since).map(|at| (at, key)));
        };
        let running = self.running();
        let list_interval = match (&self.list_refusal, running) {
            // Whoever tries again says when.
            _ if !self.is_reached => Duration::ZERO,
            (Some(_), _) => REFUSED_LIST_INTERVAL,
            (None, 0) => IDLE_LIST_INTERVAL.max(poll / 2),
            (None, _) => poll / 2,
        };
        want(QueryKey::List, lasting(list_interval), now);
        if !self.is_reached {
            // One question is enough to find out whether it is back.
            return due;
        }
        let server_now = self.server_now();
        let goes_on = |run: &&WatchedRun| !run.is_over() && !run.is_missing && !run.waits();
        let unfinished = self.watched.values().filter(goes_on).count();
        for (id, run) in &self.watched {
            let key = QueryKey::Run(id.clone());
            let look = Look {
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

    /// Runs that are polled because they go on.
    fn running(&self) -> usize {
        self.watched.values().filter(|run| run.is_running()).count()
    }

    /// Asks what is due most, unless a question is in flight or the backend needs a rest. Returns when
    /// there is something to do again.
    fn ask(&mut self, context: &mut SourceContext, now: Instant) -> Instant {
        let sockets_due =
            self.watched.values().map(|run| run.socket_due(now)).filter(|at| *at > now);
        let wake = sockets_due.fold(now + FAR, Instant::min);
        if self.asking.is_some() {
            return wake;
        }
        let mut questions = self.questions(context, now);
        let asks_for_rows = self.discovery.next(now).1.is_small();
        for (at, key) in &mut questions {
            let allowed_at = match key {
                QueryKey::Page if asks_for_rows => self.pacer.rows_at(now),
                _ => self.pacer.next_at(now),
            };
            // What may be asked by now stays overdue since it was due.
            if allowed_at > now {
                *at = allowed_at.max(*at);
            }
        }
        let at = questions.iter().map(|(at, _)| *at).min().unwrap_or(now + FAR);
        if at > now {
            return wake.min(at);
        }
        // What is overdue for longer comes first, and what says the most about many a bit before.
        let urgency = |(at, key): &(Instant, QueryKey)| {
            at.checked_sub(self.queries.head_start(key)).unwrap_or(*at)
        };
        let due = questions.into_iter().filter(|(at, _)| *at <= now);
        let Some((_, key)) = due.min_by_key(urgency) else { return wake };
        self.queries.begin(&key);
        self.began_to_try |= !self.is_reached;
        self.asking = Some(Asking { began: Arc::default(), since: context.now() });
        self.start(key, now);
        wake
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
            // What waits for its turn here waits for nothing that the backend does.
            let asked = *began.get_or_init(Instant::now);
            let answer = match key {
                QueryKey::List => QueryResult::List(api.active_runs().await),
                QueryKey::Page => {
                    let answer = api.page(&page).await;
                    QueryResult::Page(page, answer)
                }
                QueryKey::SongRuns(song) => {
                    let answer = api.runs_of_song(&song).await;
                    QueryResult::SongRuns(song, answer)
                }
                QueryKey::Run(id) => {
                    let answer = api.run(&id).await;
                    QueryResult::Run(id, socket, answer)
                }
                QueryKey::Song(id) => {
                    let answer = api.song_title(&id).await;
                    QueryResult::Song(id, answer)
                }
            };
            (answer, asked.elapsed())
        });
    }

    /// How news come now, and why sockets cannot be had where they were asked for.
    pub fn updates(&self, context: &SourceContext) -> (Updates, Option<&Disconnect>) {
        if let Some(asking) = self.asking.as_ref().filter(|asking| is_slow(asking)) {
            return (Updates::Unanswered { since: asking.since }, None);
        }
        let settings = &context.settings.api;
        let candidates = self.socket_candidates(usize::MAX);
        let is_open = |id: &RunId| self.sockets.get(id).is_some_and(|socket| socket.is_open);
        let has_failed =
            |id: &RunId| self.watched.get(id).is_some_and(|run| run.socket_failures() > 0);
        let every_secs = self.pace(settings.poll_interval);
        let most = settings.sockets();
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

    /// Seconds between two looks at a running run.
    fn pace(&self, poll_interval: Duration) -> u16 {
        let running = u32::try_from(self.running()).unwrap_or(u32::MAX);
        let pace = poll_interval.max(self.pacer.cycle().saturating_mul(running));
        let secs = pace.as_secs_f64().round();
        let told = PACES.iter().find(|told| f64::from(**told) >= secs);
        told.copied().unwrap_or(PACES[PACES.len() - 1])
    }
}

/// True for a question that has been in flight for so long that it has to be told.
pub(super) fn is_slow(asking: &Asking) -> bool {
    asking.began().is_some_and(|began| began.elapsed() >= UNANSWERED_AFTER)
}

/// Returns true when nothing more is expected of a run, also where it is no longer watched.
pub(super) fn is_over(run: Option<&WatchedRun>) -> bool {
    run.is_none_or(|run| run.is_over() || run.is_missing)
}
