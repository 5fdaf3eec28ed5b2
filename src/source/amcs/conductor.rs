//! Brings together what REST tells and what the sockets of runs tell: decides what is asked, which
//! runs have a socket, and what is handed on. One question is in flight at a time, and all connections
//! come out of one budget: watching must not harm (protocol, section 6).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use smol_str::SmolStr;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::api::Api;
use super::discovery::{Discovery, PageAnswer, PageQuestion};
use super::line::{Line, News, What};
use super::pacing::Pacer;
use super::queries::{Freshness, Key, Queries};
use super::songs::RecentSongs;
use super::watched::{Look, Watched};
use crate::protocol::rest::{ListedRun, RunList, RunSnapshot, ToldStatus};
use crate::protocol::{Batch, Item, RunId};
use crate::source::act::{Actor, Call, Posted};
use crate::source::api_url::ApiUrl;
use crate::source::connector::Connect;
use crate::source::desk::Desk;
use crate::source::http::{HttpClient, HttpError};
use crate::source::{
    Backoff, ConnectionBudget, Credentials, Ending, HeldRuns, Polling, PollingReason, Updates,
};

/// The list of active runs is asked for this often while nothing runs.
const IDLE_LIST_INTERVAL: Duration = Duration::from_secs(2);
/// A refused list of active runs is asked for again after this long; until then the list of all runs
/// stands in for it.
const REFUSED_LIST_INTERVAL: Duration = Duration::from_secs(60);
/// Runs that were over when we came: how many are asked for, and how old they may be. Of a hub that was
/// away for longer, all that ended meanwhile.
const MOST_PAST: usize = 200;
const PAST: SignedDuration = SignedDuration::from_hours(24);
/// How long a song's title is known.
const SONG_LASTS: Duration = Duration::from_secs(300);
/// A question in flight for this long is told of: the backend does not answer.
const UNANSWERED_AFTER: Duration = Duration::from_secs(5);
/// News of lines that may wait; lines that have more wait themselves.
const MOST_NEWS: usize = 64;
/// How long lines may take to say goodbye.
const GOODBYE: Duration = Duration::from_millis(500);
/// Stands for never.
const FAR: Duration = Duration::from_secs(86_400);
/// Paces that are told, in seconds: small changes are no news.
const PACES: [u16; 7] = [2, 3, 5, 10, 20, 30, 60];

/// A line at work.
struct Handle {
    token: u64,
    is_open: bool,
    /// Taken when it is told to stop.
    stop: Option<oneshot::Sender<()>>,
}

/// An answer of REST.
enum Answer {
    List(Result<RunList, HttpError>),
    Page(PageQuestion, Result<RunList, HttpError>),
    SongRuns(SmolStr, Result<RunList, HttpError>),
    /// With the token of the line that was open when it was asked.
    Run(RunId, Option<u64>, Result<RunSnapshot, HttpError>),
    Song(SmolStr, Result<Option<SmolStr>, HttpError>),
}

impl Answer {
    /// Why it says nothing that was asked for, where that is so.
    fn failure(&self) -> Option<&HttpError> {
        match self {
            Self::List(answer) | Self::Page(_, answer) | Self::SongRuns(_, answer) => {
                answer.as_ref().err()
            }
            Self::Run(_, _, answer) => answer.as_ref().err(),
            Self::Song(_, answer) => answer.as_ref().err(),
        }
    }
}

/// The question that is in flight.
struct Asking {
    began: Instant,
    /// The same by this machine's clock.
    since: Timestamp,
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
    asking: Option<Asking>,
    pacer: Pacer,
    discovery: Discovery,
    songs: RecentSongs,
    held: HeldRuns,
    budget: ConnectionBudget,
    news: mpsc::Receiver<News>,
    news_sender: mpsc::Sender<News>,
    /// Runs that something was done to.
    touched: mpsc::UnboundedReceiver<RunId>,
    touched_sender: mpsc::UnboundedSender<RunId>,
    /// The server's clock at a moment of ours.
    server_clock: Option<(Timestamp, Instant)>,
    /// The last question was answered, whatever was said.
    is_reached: bool,
    /// Something that could be read was answered, and nothing has failed since.
    is_readable: bool,
    /// When the backend was last found to be away.
    lost_at: Option<Instant>,
    /// Why the list of active runs was refused; the list of all runs stands in for it.
    list_refusal: Option<HttpError>,
    /// A question was begun while the backend does not answer: whoever waits is told.
    began_to_try: bool,
    /// It was said that no run can be listed.
    said_refusal: bool,
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
        let budget = desk.settings.api.budget.clone();
        let api = Arc::new(Api::new(client, url.bases(), budget.clone()));
        let (news_sender, news) = mpsc::channel(MOST_NEWS);
        let (touched_sender, touched) = mpsc::unbounded_channel();
        let now = Instant::now();
        let settings = &desk.settings.api;
        let unfinished = settings.unfinished.iter().map(|id| {
            let mut run = Watched::new(id.clone(), now);
            run.is_ours = true;
            (id.clone(), run)
        });
        let named = settings.runs.iter().map(|id| {
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
            watched: unfinished.chain(named).collect(),
            lines: HashMap::new(),
            line_tasks: JoinSet::new(),
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
            lost_at: None,
            list_refusal: None,
            began_to_try: false,
            said_refusal: false,
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
        let now = Instant::now();
        // When it is to be told that there is no answer.
        let silent_at = self.asking.as_ref().map(|asking| asking.began + UNANSWERED_AFTER);
        let wake = silent_at.filter(|at| *at > now).map_or(wake, |at| wake.min(at));
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

    /// Closes the sockets of runs that are over, and waits a moment for them. The others go on by
    /// themselves until their runs are over: [`HeldRuns`] counts them.
    pub async fn stop(mut self) {
        let over = self.watched.iter().filter(|(_, run)| run.is_over());
        for (id, _) in over {
            if let Some(stop) = self.lines.get_mut(id).and_then(|line| line.stop.take()) {
                let _ = stop.send(());
            }
        }
        self.lines.clear();
        self.news.close();
        self.answers.abort_all();
        let all = async { while self.line_tasks.join_next().await.is_some() {} };
        let _ = timeout(GOODBYE, all).await;
        self.line_tasks.detach_all();
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

    /// The runs that should have a socket: those that have one and are not over, then the most wanted.
    fn line_candidates(&self, most: usize) -> Vec<RunId> {
        let (server_now, now) = (self.server_now(), Instant::now());
        let has_line = |run: &Watched| self.lines.contains_key(&run.id);
        let wants = |run: &&Watched| {
            run.wants_line(server_now, now) || has_line(run) && !run.is_over() && !run.is_missing
        };
        let mut wanting: Vec<&Watched> = self.watched.values().filter(wants).collect();
        // What waits keeps nobody from hearing what runs.
        wanting.sort_by_key(|run| {
            std::cmp::Reverse((has_line(run), run.is_named, !run.waits(), run.started_at))
        });
        wanting.into_iter().take(most).map(|run| run.id.clone()).collect()
    }

    /// Closes the sockets of runs that are over, and opens those that are wanted, as far as there is
    /// room: one that still says goodbye holds its place.
    fn arrange_lines(&mut self, desk: &Desk, now: Instant) {
        let most = desk.settings.api.sockets();
        let wanted = self.line_candidates(most);
        for (id, line) in self.lines.iter_mut().filter(|(id, _)| !wanted.contains(id)) {
            let Some(stop) = line.stop.take() else { continue };
            if self.watched.get(id).is_none_or(|run| run.is_over() || run.is_missing) {
                let _ = stop.send(());
            }
        }
        if !self.is_reached || self.asking.as_ref().is_some_and(is_slow) {
            // A socket that is opened now comes to life with all that waits.
            return;
        }
        for id in wanted {
            let due = self.watched.get(&id).is_some_and(|run| run.line_due(now) <= now);
            if !due || self.lines.contains_key(&id) || self.lines.len() >= most {
                continue;
            }
            let Some(permit) = self.budget.try_take() else { break };
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
                _permit: permit,
                held: self.held.clone(),
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
        let running = self.running();
        let list_interval = match (&self.list_refusal, running) {
            (Some(_), _) => REFUSED_LIST_INTERVAL,
            (None, 0) => IDLE_LIST_INTERVAL.max(poll / 2),
            (None, _) => poll / 2,
        };
        want(Key::List, lasting(list_interval));
        if !self.is_reached {
            // One question is enough to find out whether it is back.
            return due;
        }
        let server_now = self.server_now();
        for (id, run) in &self.watched {
            let key = Key::Run(id.clone());
            let look = Look {
                line_is_open: self.lines.get(id).is_some_and(|line| line.is_open),
                poll_interval: poll,
                running,
                server_now,
                answered_at: self.queries.answered_at(&key),
                now,
            };
            want(key, run.freshness(&look));
            if let Some(song) = &run.song_id {
                want(Key::Song(song.clone()), lasting(SONG_LASTS));
            }
        }
        for song in self.songs.wanted() {
            want(Key::SongRuns(song.clone()), Freshness { lasts: None, stale_lasts: poll });
        }
        let (at, _) = self.discovery.next(now);
        due.extend(self.queries.due_unless_paused(&Key::Page, at).map(|at| (at, Key::Page)));
        due
    }

    /// Runs that are polled because they go on.
    fn running(&self) -> usize {
        self.watched.values().filter(|run| run.is_running()).count()
    }

    /// Asks what is due most, unless a question is in flight or the backend needs a rest. Returns when
    /// there is something to do again.
    fn ask(&mut self, desk: &mut Desk, now: Instant) -> Instant {
        let lines_due = self.watched.values().map(|run| run.line_due(now)).filter(|at| *at > now);
        let wake = lines_due.fold(now + FAR, Instant::min);
        if self.asking.is_some() {
            return wake;
        }
        let questions = self.questions(desk, now);
        let earliest = questions.iter().map(|(at, _)| *at).min().unwrap_or(now + FAR);
        let at = earliest.max(self.pacer.next_at(now));
        if at > now {
            return wake.min(at);
        }
        // What is overdue for longer comes first, and what says the most about many a bit before.
        let urgency = |(at, key): &(Instant, Key)| {
            at.checked_sub(self.queries.head_start(key)).unwrap_or(*at)
        };
        let due = questions.into_iter().filter(|(at, _)| *at <= now);
        let Some((_, key)) = due.min_by_key(urgency) else { return wake };
        self.queries.begin(&key);
        self.began_to_try |= !self.is_reached;
        self.asking = Some(Asking { began: now, since: desk.now() });
        self.start(key, now);
        wake
    }

    fn start(&mut self, key: Key, now: Instant) {
        let api = self.api.clone();
        let (_, page) = self.discovery.next(now);
        let line = match &key {
            Key::Run(id) => self.lines.get(id).filter(|line| line.is_open).map(|line| line.token),
            _ => None,
        };
        self.answers.spawn(async move {
            let _permit = api.permit().await;
            match key {
                Key::List => Answer::List(api.active_runs().await),
                Key::Page => {
                    let answer = api.page(&page).await;
                    Answer::Page(page, answer)
                }
                Key::SongRuns(song) => {
                    let answer = api.runs_of_song(&song).await;
                    Answer::SongRuns(song, answer)
                }
                Key::Run(id) => {
                    let answer = api.run(&id).await;
                    Answer::Run(id, line, answer)
                }
                Key::Song(id) => {
                    let answer = api.song_title(&id).await;
                    Answer::Song(id, answer)
                }
            }
        });
    }

    fn take_answer(&mut self, answer: Answer, desk: &mut Desk) -> Option<Turnout> {
        let now = Instant::now();
        if let Some(asking) = self.asking.take() {
            self.pacer.answered(now.saturating_duration_since(asking.began), now);
        }
        let key = match &answer {
            Answer::List(_) => Key::List,
            Answer::Page(..) => Key::Page,
            Answer::SongRuns(song, _) => Key::SongRuns(song.clone()),
            Answer::Run(id, ..) => Key::Run(id.clone()),
            Answer::Song(id, _) => Key::Song(id.clone()),
        };
        // That there is no such thing is an answer, too; and how pages are asked for again is not the
        // queries' business.
        let is_told = |error: &HttpError| {
            let is_of_lists = matches!(key, Key::Page | Key::List | Key::SongRuns(_));
            matches!(error.status(), Some(400..=499)) || is_of_lists && error.was_answered()
        };
        let failure = answer.failure().cloned();
        self.queries.answered(&key, failure.as_ref().is_none_or(is_told), now);
        if let Some(error) = failure.as_ref().filter(|error| !error.was_answered()) {
            if let Answer::Page(page, _) = &answer {
                self.discovery.answered(page, &PageAnswer::Lost, now);
            }
            self.lost_at = Some(now);
            self.is_reached = false;
            self.is_readable = false;
            return Some(Turnout::Unreached(ending_of(error.clone())));
        }
        let was_reached = std::mem::replace(&mut self.is_reached, true);
        let was_readable = self.is_readable;
        self.is_readable |= failure.is_none();
        if !was_reached {
            self.queries.end_pauses();
            self.watched.values_mut().for_each(Watched::end_pause);
            // What was not over may have ended meanwhile, and other runs with it.
            let unfinished = self.watched.values().filter(|run| !run.is_over() && !run.is_missing);
            unfinished.for_each(|run| self.queries.demand(&Key::Run(run.id.clone())));
            self.discovery.demand();
        }
        let refusal = match answer {
            Answer::List(Ok(list)) => {
                self.list_refusal = None;
                self.said_refusal = false;
                self.take_list(&list, true, now);
                None
            }
            Answer::List(Err(error)) => {
                if self.list_refusal.replace(error).is_none() {
                    self.discovery.demand();
                }
                None
            }
            Answer::Page(page, answer) => self.take_page(&page, answer, desk, now),
            Answer::SongRuns(song, answer) => {
                self.songs.answered(&song);
                let news = answer.map(|list| self.discovery.note(&list)).unwrap_or_default();
                self.take_past(news, desk, now);
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
        refusal.or((self.is_readable && !was_readable).then_some(Turnout::Reached))
    }

    /// Takes in which runs are active. What is missing in a complete list does not run any more.
    fn take_list(&mut self, list: &RunList, is_complete: bool, now: Instant) {
        if let Some(told) = list.server_now {
            self.server_clock = Some((told, now));
        }
        let mut were_listed = Vec::new();
        if is_complete {
            for run in self.watched.values_mut().filter(|run| run.is_listed) {
                run.is_listed = false;
                were_listed.push(run.id.clone());
            }
        }
        let runs = |run: &&ListedRun| run.status.is_none_or(|it| it == ToldStatus::Running);
        for run in list.runs.iter().filter(runs) {
            let id = run.run_id.clone();
            self.songs.heard(run.song_id.as_ref(), now);
            let watched =
                self.watched.entry(id.clone()).or_insert_with(|| Watched::new(id.clone(), now));
            if watched.listed(run) {
                // Soon, and not more often than any running run is asked for.
                self.queries.invalidate(&Key::Run(id));
            }
        }
        for id in were_listed {
            // It ran, and does not any more.
            if self.watched.get(&id).is_some_and(|run| !run.is_listed && run.is_running()) {
                self.queries.demand(&Key::Run(id));
            }
        }
    }

    /// Takes in a page of the list of all runs.
    fn take_page(
        &mut self,
        page: &PageQuestion,
        answer: Result<RunList, HttpError>,
        desk: &mut Desk,
        now: Instant,
    ) -> Option<Turnout> {
        let answer = answer.map_or(PageAnswer::Refused, PageAnswer::Rows);
        let found = self.discovery.answered(page, &answer, now);
        if let (PageAnswer::Rows(list), Some(_)) = (&answer, &self.list_refusal) {
            self.take_list(list, false, now);
        }
        self.take_past(found.news, desk, now);
        let end = found.end?;
        if !end.is_complete {
            self.songs.want();
            let wanted = self.songs.wanted().iter();
            wanted.for_each(|song| self.queries.demand(&Key::SongRuns(song.clone())));
        }
        let refusal = self.list_refusal.clone()?;
        // Nothing else lists the runs that run.
        self.discovery.demand();
        if end.is_refused {
            return self.refuse_list(refusal, desk);
        }
        self.said_refusal = false;
        None
    }

    /// Watches runs of the list of all runs that nobody has seen running, until they are told.
    fn take_past(&mut self, runs: Vec<ListedRun>, desk: &mut Desk, now: Instant) {
        let server_now = self.server_now().unwrap_or_else(|| desk.now());
        let Ok(day) = server_now.checked_sub(PAST) else { return };
        let since = desk.settings.api.seen_until.map_or(day, |seen| seen.min(day));
        let is_past = |run: &ListedRun| {
            let ended = run.status.is_some_and(|it| it.is_final() || it == ToldStatus::Cancelled);
            ended && run.updated_at.max(run.started_at) >= Some(since)
        };
        let mut past: Vec<ListedRun> = runs.into_iter().filter(is_past).collect();
        past.sort_by_key(|run| std::cmp::Reverse(run.updated_at.max(run.started_at)));
        for run in past.into_iter().take(MOST_PAST) {
            let id = run.run_id.clone();
            self.songs.heard(run.song_id.as_ref(), now);
            match self.watched.get(&id) {
                // Its end was missed, or it was executed again.
                Some(_) => self.queries.demand(&Key::Run(id)),
                None => {
                    self.watched.insert(id.clone(), Watched::past(id, &run, now));
                }
            }
        }
    }

    /// Nothing can be listed. Where that is for good and no run was named, there is nothing to show.
    fn refuse_list(&mut self, error: HttpError, desk: &mut Desk) -> Option<Turnout> {
        let ending = ending_of(error);
        if ending.is_final() && self.watched.is_empty() {
            return Some(Turnout::Unreached(ending));
        }
        if !std::mem::replace(&mut self.said_refusal, true) {
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
        // What the first answer tells happened before we looked.
        let live = run.snapshot.is_some();
        let server_now =
            self.server_clock.and_then(|(at, seen)| at.checked_add(seen.elapsed()).ok());
        if let Some(snapshot) = run.told(snapshot, self.lost_at, server_now, now) {
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

    /// How news come now, and why sockets cannot be had where they were asked for.
    pub fn updates(&self, desk: &Desk) -> (Updates, Option<&Ending>) {
        if let Some(asking) = self.asking.as_ref().filter(|asking| is_slow(asking)) {
            return (Updates::Unanswered { since: asking.since }, None);
        }
        let settings = &desk.settings.api;
        let candidates = self.line_candidates(usize::MAX);
        let is_open = |id: &RunId| self.lines.get(id).is_some_and(|line| line.is_open);
        let has_failed =
            |id: &RunId| self.watched.get(id).is_some_and(|run| run.line_failures() > 0);
        let every_secs = self.pace(settings.poll_interval);
        let most = settings.sockets();
        if most > 0 && candidates.iter().take(most).any(|id| !is_open(id) && has_failed(id)) {
            let reason = PollingReason::NoSockets;
            return (Updates::Polling(Polling { every_secs, reason }), self.line_trouble.as_ref());
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
fn is_slow(asking: &Asking) -> bool {
    asking.began.elapsed() >= UNANSWERED_AFTER
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
