//! Brings together what REST tells and what the sockets of runs tell: decides what is asked, which
//! runs have a socket, and what is handed on.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use smol_str::SmolStr;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::api::{Api, Found};
use super::line::{Line, News, What};
use super::queries::{Freshness, Key, Queries};
use super::watched::Watched;
use crate::protocol::rest::{ListedRun, RunList, RunSnapshot, ToldStatus};
use crate::protocol::{Batch, Item, RunId};
use crate::source::act::{Actor, Call, Posted};
use crate::source::api_url::ApiUrl;
use crate::source::connector::Connect;
use crate::source::desk::Desk;
use crate::source::http::{HttpClient, HttpError};
use crate::source::{Backoff, Credentials, Ending, Updates};

/// How often the runs that are there are asked for.
const LIST_INTERVAL: Duration = Duration::from_secs(3);
/// Runs that were over when we came, and how old they may be: what a producer asks for who was not
/// there.
const MOST_PAST: usize = 12;
const PAST: SignedDuration = SignedDuration::from_hours(1);
/// How long a song's title is known.
const SONG_LASTS: Duration = Duration::from_secs(300);
/// Questions at the same time: each holds one of the backend's 15 database connections.
const MOST_IN_FLIGHT: usize = 4;
/// News of lines that may wait; lines that have more wait themselves.
const MOST_NEWS: usize = 64;
/// How long lines may take to say goodbye.
const GOODBYE: Duration = Duration::from_millis(500);
/// Stands for never.
const FAR: Duration = Duration::from_secs(86_400);

/// A line at work.
struct Handle {
    token: u64,
    is_open: bool,
    /// Taken when it is told to stop.
    stop: Option<oneshot::Sender<()>>,
}

/// An answer of REST.
enum Answer {
    List(Result<Found, HttpError>),
    Past(Result<Found, HttpError>),
    /// With the token of the line that was open when it was asked.
    Run(RunId, Option<u64>, Result<RunSnapshot, HttpError>),
    Song(SmolStr, Result<Option<SmolStr>, HttpError>),
}

/// What happened that the session has to know.
#[derive(Debug)]
pub(super) enum Turnout {
    /// The backend answers.
    Reached,
    /// It does not; nothing else works either where `lines` are none.
    Unreached(Ending),
}

pub(super) struct Conductor<C> {
    connector: Arc<C>,
    url: ApiUrl,
    credentials: Option<Credentials>,
    api: Arc<Api<C>>,
    queries: Queries,
    watched: BTreeMap<RunId, Watched>,
    lines: HashMap<RunId, Handle>,
    line_tasks: JoinSet<RunId>,
    next_token: u64,
    answers: JoinSet<Answer>,
    news: mpsc::Receiver<News>,
    news_sender: mpsc::Sender<News>,
    /// Runs that something was done to.
    touched: mpsc::UnboundedReceiver<RunId>,
    touched_sender: mpsc::UnboundedSender<RunId>,
    /// The server's clock at a moment of ours.
    server_clock: Option<(Timestamp, Instant)>,
    /// The last question was answered, whatever was said.
    is_reached: bool,
    /// A question was begun while the backend does not answer: whoever waits is told.
    began_to_try: bool,
    /// It was said that no run can be listed.
    list_is_refused: bool,
    /// Why the last socket could not be had.
    line_trouble: Option<Ending>,
}

impl<C: Connect + Send + Sync + 'static> Conductor<C> {
    pub fn new(
        connector: Arc<C>,
        url: ApiUrl,
        credentials: Option<Credentials>,
        desk: &Desk,
    ) -> Self {
        let limit = desk.settings.connect_timeout;
        let client = HttpClient::new(connector.clone(), url.clone(), credentials.clone(), limit);
        let api = Arc::new(Api::new(client, url.bases()));
        let (news_sender, news) = mpsc::channel(MOST_NEWS);
        let (touched_sender, touched) = mpsc::unbounded_channel();
        let now = Instant::now();
        let named = desk.settings.api.runs.iter().map(|id| {
            let id = RunId::new(id);
            let mut run = Watched::new(id.clone(), now);
            run.is_named = true;
            (id, run)
        });
        Self {
            connector,
            url,
            credentials,
            api,
            queries: Queries::default(),
            watched: named.collect(),
            lines: HashMap::new(),
            line_tasks: JoinSet::new(),
            next_token: 0,
            answers: JoinSet::new(),
            news,
            news_sender,
            touched,
            touched_sender,
            server_clock: None,
            is_reached: false,
            began_to_try: false,
            list_is_refused: false,
            line_trouble: None,
        }
    }

    /// The way for acts to this backend.
    pub fn actor(&self) -> Actor {
        let api = self.api.clone();
        let post = move |call: Call| -> Posted {
            let api = api.clone();
            Box::pin(async move { api.post(call).await })
        };
        Actor { post: Arc::new(post), touched: Some(self.touched_sender.clone()) }
    }

    /// Whether a socket is open.
    pub fn has_line(&self) -> bool {
        self.lines.values().any(|line| line.is_open)
    }

    /// Whether the backend is being asked whether it is back.
    pub fn is_trying(&self) -> bool {
        !self.is_reached && !self.answers.is_empty()
    }

    /// The next list is not asked for before `at`.
    pub fn wait_until(&mut self, at: Instant) {
        self.queries.pause_until(&Key::List, at);
    }

    /// Starts what is due; waits for what happens next and takes it in. Can be dropped while it
    /// waits.
    pub async fn step(&mut self, desk: &mut Desk) -> Option<Turnout> {
        let now = Instant::now();
        self.tidy();
        self.arrange_lines(desk, now);
        let wake = self.ask(desk, now);
        if std::mem::take(&mut self.began_to_try) {
            return None;
        }
        // What the application does not take waits where it is.
        let has_room = desk.outlet.has_room();
        tokio::select! {
            biased;
            Some(answer) = self.answers.join_next(), if has_room && !self.answers.is_empty() => {
                // A question does not panic, and nobody aborts it.
                self.take_answer(answer.ok()?, desk)
            }
            // What a line tells of its end comes before its end.
            Some(news) = self.news.recv(), if has_room => {
                self.take_news(news, desk);
                None
            }
            Some(run) = self.line_tasks.join_next(), if has_room && !self.line_tasks.is_empty() => {
                let run = run.ok()?;
                self.lines.remove(&run);
                None
            }
            Some(run) = self.touched.recv() => {
                self.watch(run);
                None
            }
            () = desk.outlet.room(), if !has_room => None,
            () = tokio::time::sleep_until(wake) => None,
        }
    }

    /// Closes all sockets, and waits a moment for them.
    pub async fn stop(mut self) {
        self.lines.clear();
        self.news.close();
        self.answers.abort_all();
        let all = async { while self.line_tasks.join_next().await.is_some() {} };
        // Who takes longer is cut off.
        let _ = timeout(GOODBYE, all).await;
    }

    /// Something was done to a run: it is asked for now, and watched until it is over, though it may
    /// be in no list.
    fn watch(&mut self, id: RunId) {
        let now = Instant::now();
        let run = self.watched.entry(id.clone()).or_insert_with(|| Watched::new(id.clone(), now));
        run.is_ours = true;
        run.is_missing = false;
        self.queries.demand(&Key::Run(id));
    }

    fn server_now(&self) -> Option<Timestamp> {
        self.server_clock.and_then(|(told, at)| told.checked_add(at.elapsed()).ok())
    }

    /// Lets go of runs that are over and told in full.
    fn tidy(&mut self) {
        let (queries, lines) = (&mut self.queries, &self.lines);
        let before = self.watched.len();
        self.watched.retain(|id, run| {
            let song = run.song_id.clone().map(Key::Song);
            let titled = song.is_none_or(|song| queries.is_settled(&song));
            let done = run.is_over() || run.is_missing;
            let keep = !done || run.is_named || run.is_listed || !titled || lines.contains_key(id);
            if !keep {
                queries.forget(&Key::Run(id.clone()));
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

    /// The runs that should have a socket, the most wanted first.
    fn line_candidates(&self, most: usize) -> Vec<RunId> {
        let (server_now, now) = (self.server_now(), Instant::now());
        let mut wanting: Vec<&Watched> =
            self.watched.values().filter(|run| run.wants_line(server_now, now)).collect();
        // What waits keeps nobody from hearing what runs.
        wanting.sort_by_key(|run| std::cmp::Reverse((run.is_named, !run.waits(), run.started_at)));
        wanting.into_iter().take(most).map(|run| run.id.clone()).collect()
    }

    /// Closes sockets that nobody wants, and opens those that are wanted, as far as there is room:
    /// one that still says goodbye holds its place.
    fn arrange_lines(&mut self, desk: &Desk, now: Instant) {
        let most = desk.settings.api.max_sockets;
        let wanted = self.line_candidates(most);
        for (_, line) in self.lines.iter_mut().filter(|(id, _)| !wanted.contains(id)) {
            line.stop = None;
        }
        if !self.is_reached {
            return;
        }
        for id in wanted {
            let due = self.watched.get(&id).is_some_and(|run| run.line_due(now) <= now);
            if !due || self.lines.contains_key(&id) || self.lines.len() >= most {
                continue;
            }
            let (stop, stopped) = oneshot::channel();
            self.next_token += 1;
            let line = Line {
                connector: self.connector.clone(),
                url: self.url.at(self.api.events_target(&id)),
                credentials: self.credentials.clone(),
                settings: desk.settings.clone(),
                run: id.clone(),
                token: self.next_token,
                news: self.news_sender.clone(),
                stop: stopped,
            };
            self.line_tasks.spawn(line.run());
            let handle = Handle { token: self.next_token, is_open: false, stop: Some(stop) };
            self.lines.insert(id, handle);
        }
    }

    /// Every question there is to ask, with the moment it is due.
    fn questions(&self, desk: &Desk, now: Instant) -> Vec<(Instant, Key)> {
        let poll = desk.settings.api.poll_interval;
        let lasting = |lasts: Duration| Freshness { lasts: Some(lasts), stale_lasts: poll };
        let mut due = Vec::new();
        let mut want = |key: Key, freshness: Freshness| {
            due.extend(self.queries.due(&key, freshness, now).map(|at| (at, key)));
        };
        want(Key::List, lasting(LIST_INTERVAL));
        if !self.is_reached {
            // One question is enough to find out whether it is back.
            return due;
        }
        want(Key::Past, Freshness { lasts: None, stale_lasts: poll });
        let server_now = self.server_now();
        for (id, run) in &self.watched {
            let key = Key::Run(id.clone());
            let open = self.lines.get(id).is_some_and(|line| line.is_open);
            let answered_at = self.queries.answered_at(&key);
            want(key, run.freshness(open, poll, server_now, answered_at, now));
            if let Some(song) = &run.song_id {
                want(Key::Song(song.clone()), lasting(SONG_LASTS));
            }
        }
        due
    }

    /// Asks what is due, as far as there is room. Returns when there is something to do again.
    fn ask(&mut self, desk: &Desk, now: Instant) -> Instant {
        let mut questions = self.questions(desk, now);
        questions.sort_by_key(|(at, key)| (*at, !matches!(key, Key::List)));
        questions.dedup();
        let mut wake = now + FAR;
        for (at, key) in questions {
            if at > now {
                wake = wake.min(at);
            } else if self.answers.len() < MOST_IN_FLIGHT {
                self.queries.begin(&key);
                self.began_to_try |= !self.is_reached;
                self.start(key);
            }
        }
        let lines_due = self.watched.values().map(|run| run.line_due(now)).filter(|at| *at > now);
        lines_due.fold(wake, Instant::min)
    }

    fn start(&mut self, key: Key) {
        let api = self.api.clone();
        match key {
            Key::List => {
                self.answers.spawn(async move { Answer::List(api.find_runs().await) });
            }
            Key::Past => {
                self.answers.spawn(async move { Answer::Past(api.read_pages().await) });
            }
            Key::Run(id) => {
                let line = self.lines.get(&id).filter(|line| line.is_open).map(|line| line.token);
                self.answers.spawn(async move {
                    let answer = api.run(&id).await;
                    Answer::Run(id, line, answer)
                });
            }
            Key::Song(id) => {
                self.answers.spawn(async move {
                    let answer = api.song_title(&id).await;
                    Answer::Song(id, answer)
                });
            }
        }
    }

    fn take_answer(&mut self, answer: Answer, desk: &mut Desk) -> Option<Turnout> {
        let now = Instant::now();
        let (key, failure) = match &answer {
            Answer::List(answer) => (Key::List, answer.as_ref().err().cloned()),
            Answer::Past(answer) => (Key::Past, answer.as_ref().err().cloned()),
            Answer::Run(id, _, answer) => (Key::Run(id.clone()), answer.as_ref().err().cloned()),
            Answer::Song(id, answer) => (Key::Song(id.clone()), answer.as_ref().err().cloned()),
        };
        // That there is no such thing is an answer, too; and a list that is spoilt stays so.
        let is_told = |error: &HttpError| {
            matches!(error.status(), Some(400..=499)) || key == Key::Past && error.was_answered()
        };
        self.queries.answered(&key, failure.as_ref().is_none_or(is_told), now);
        if let Some(error) = failure.filter(|error| !error.was_answered()) {
            // Questions that were under way fail together: that is one failure, not several.
            let was_reached = std::mem::replace(&mut self.is_reached, false);
            let counts = was_reached || key == Key::List;
            return counts.then(|| Turnout::Unreached(ending_of(error)));
        }
        let was_reached = std::mem::replace(&mut self.is_reached, true);
        if !was_reached {
            self.queries.end_pauses();
            self.queries.demand(&Key::Past);
            for run in self.watched.values_mut() {
                run.end_pause();
                if !run.is_over() {
                    self.queries.demand(&Key::Run(run.id.clone()));
                }
            }
        }
        let refusal = match answer {
            Answer::List(Ok(found)) => {
                self.take_list(found, now);
                None
            }
            Answer::List(Err(error)) => self.refuse_list(error, desk),
            Answer::Past(found) => {
                self.take_past(found.unwrap_or_default().list, desk, now);
                None
            }
            Answer::Run(id, line, Ok(snapshot)) => {
                self.take_run(&id, line, snapshot, desk, now);
                None
            }
            Answer::Run(id, _, Err(error)) => {
                self.run_is_refused(&id, &error, desk);
                None
            }
            Answer::Song(id, answer) => {
                // A song that is not there has no title.
                self.take_title(&id, answer.ok().flatten(), desk);
                None
            }
        };
        refusal.or((!was_reached).then_some(Turnout::Reached))
    }

    fn take_list(&mut self, found: Found, now: Instant) {
        self.list_is_refused = false;
        let Found { list, is_complete } = found;
        if let Some(told) = list.server_now {
            self.server_clock = Some((told, now));
        }
        let were_listed: Vec<RunId> = if is_complete {
            let listed = self.watched.values_mut().filter(|run| run.is_listed);
            listed
                .map(|run| {
                    run.is_listed = false;
                    run.id.clone()
                })
                .collect()
        } else {
            Vec::new()
        };
        for run in &list.runs {
            if run.status.is_none_or(|status| status == ToldStatus::Running) {
                let id = run.run_id.clone();
                self.watched.entry(id.clone()).or_insert_with(|| Watched::new(id, now)).listed(run);
            }
        }
        for id in were_listed {
            // It ran, and does not any more.
            if self.watched.get(&id).is_some_and(|run| !run.is_listed && run.is_running()) {
                self.queries.demand(&Key::Run(id));
            }
        }
    }

    /// Watches the last runs of those that are over, until they are told.
    fn take_past(&mut self, list: RunList, desk: &mut Desk, now: Instant) {
        let Ok(since) = self.server_now().unwrap_or_else(|| desk.now()).checked_sub(PAST) else {
            return;
        };
        let is_past = |run: &ListedRun| {
            run.status.is_some_and(ToldStatus::is_final) && run.started_at >= Some(since)
        };
        let mut past: Vec<ListedRun> = list.runs.into_iter().filter(is_past).collect();
        past.sort_by_key(|run| std::cmp::Reverse(run.started_at));
        for run in past.into_iter().take(MOST_PAST) {
            let id = run.run_id.clone();
            self.watched.entry(id.clone()).or_insert_with(|| Watched::past(id, &run, now));
        }
    }

    /// Nothing can be listed. Where that is for good and no run was named, there is nothing to show.
    fn refuse_list(&mut self, error: HttpError, desk: &mut Desk) -> Option<Turnout> {
        let ending = ending_of(error);
        if ending.is_final() && self.watched.is_empty() {
            return Some(Turnout::Unreached(ending));
        }
        if !std::mem::replace(&mut self.list_is_refused, true) {
            desk.log_error(format!("runs cannot be listed: {ending}"));
        }
        None
    }

    fn take_run(
        &mut self,
        id: &RunId,
        line: Option<u64>,
        mut snapshot: RunSnapshot,
        desk: &mut Desk,
        now: Instant,
    ) {
        let Some(run) = self.watched.get_mut(id) else { return };
        let open = self.lines.get(id).filter(|line| line.is_open).map(|line| line.token);
        snapshot.gapless = line.is_some() && line == open;
        let song = snapshot.song_id.as_ref();
        snapshot.song_title = song.and_then(|song| self.queries.title(song)).cloned();
        let snapshot = Arc::new(snapshot);
        // What the first answer tells happened before we looked.
        let live = run.snapshot.is_some();
        if run.told(snapshot.clone(), now) {
            deliver(snapshot, live, desk);
        }
    }

    fn run_is_refused(&mut self, id: &RunId, error: &HttpError, desk: &mut Desk) {
        let Some(run) = self.watched.get_mut(id) else { return };
        if !matches!(error.status(), Some(404 | 422)) || run.is_missing {
            return;
        }
        run.is_missing = true;
        run.is_listed = false;
        if run.is_named {
            desk.log_error(format!("run {id}: {error}"));
        }
    }

    fn take_title(&mut self, song: &SmolStr, title: Option<SmolStr>, desk: &mut Desk) {
        if !self.queries.keep_title(song, title.clone()) {
            return;
        }
        for run in self.watched.values_mut().filter(|run| run.song_id.as_ref() == Some(song)) {
            if let Some(snapshot) = &mut run.snapshot {
                Arc::make_mut(snapshot).song_title.clone_from(&title);
                deliver(snapshot.clone(), false, desk);
            }
        }
    }

    fn take_news(&mut self, news: News, desk: &mut Desk) {
        let now = Instant::now();
        let News { run: id, token, what } = news;
        let (Some(line), Some(run)) = (self.lines.get_mut(&id), self.watched.get_mut(&id)) else {
            return;
        };
        if line.token != token {
            return;
        }
        match what {
            What::Opened => {
                line.is_open = true;
                run.line_opened(now);
                self.queries.demand(&Key::Run(id));
            }
            What::Batch(mut batch) => {
                for item in &batch.items {
                    // The socket of a run tells of nothing else; what does is applied all the same.
                    if let Item::Event(event) = item
                        && event.run_id == id
                    {
                        let call = run.observe(event, now);
                        let key = Key::Run(id.clone());
                        if call.demands_run {
                            self.queries.demand(&key);
                        } else if call.invalidates_run {
                            self.queries.invalidate(&key);
                        }
                        if let (true, Some(song)) = (call.invalidates_song, &run.song_id) {
                            self.queries.invalidate(&Key::Song(song.clone()));
                        }
                    }
                }
                batch.received_at = desk.now();
                desk.deliver(batch);
            }
            What::Ended(ending) => {
                line.is_open = false;
                let delay = match desk.settings.backoff {
                    Backoff::Constant => desk.settings.reconnect_delay,
                    Backoff::Exponential => Duration::from_secs(1 << run.line_failures().min(5)),
                };
                run.line_failed(ending.is_final(), delay, now);
                self.queries.demand(&Key::Run(id));
                self.line_trouble = Some(ending);
            }
        }
    }

    /// Whether a run that goes on is asked for instead of heard, and why.
    pub fn updates(&self, desk: &Desk) -> (Updates, Option<&Ending>) {
        let candidates = self.line_candidates(desk.settings.api.max_sockets);
        let unheard = candidates.iter().any(|id| {
            let open = self.lines.get(id).is_some_and(|line| line.is_open);
            !open && self.watched.get(id).is_some_and(|run| run.line_failures() > 0)
        });
        if unheard { (Updates::Polling, self.line_trouble.as_ref()) } else { (Updates::Live, None) }
    }
}

fn deliver(snapshot: Arc<RunSnapshot>, live: bool, desk: &mut Desk) {
    let mut batch = Batch::new(desk.now(), live);
    batch.push_run(snapshot);
    desk.deliver(batch);
}

fn ending_of(error: HttpError) -> Ending {
    match error {
        HttpError::NoConnection(ending) => ending,
        HttpError::Lost => Ending::Lost,
        HttpError::Silent { after } => Ending::ConnectTimeout { after },
        error => Ending::Rest { status: error.status(), text: error.to_string() },
    }
}
