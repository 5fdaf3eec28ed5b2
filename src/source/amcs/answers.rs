//! Processes REST answers: updates the watched runs, delivers snapshots, and schedules requests.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use smol_str::SmolStr;
use tokio::time::Instant;

use super::api::QueryAnswer;
use super::backend_watcher::{BackendWatcher, PollOutcome, is_slow};
use super::discovery::{PageAnswer, PageQuestion};
use super::queries::QueryKey;
use super::watched_run::{Loss, WatchedRun};
use crate::protocol::RunId;
use crate::protocol::rest::{ListedRun, ReportedStatus, RunList, RunSnapshot};
use crate::source::Disconnect;
use crate::source::connector::Connect;
use crate::source::http::HttpError;
use crate::source::source_context::SourceContext;

/// Limits on finished runs that are requested although they were never seen running: at most 200 per
/// answer, no older than 24 h. A hub that was away for longer requests all that ended since then.
const MOST_PAST: usize = 200;
const PAST: SignedDuration = SignedDuration::from_hours(24);

/// Time since a run was read after which the backend counts as unreachable while it refuses its lists:
/// the interval of requests for the least urgent runs.
const READ_LASTS: Duration = Duration::from_secs(60);
/// The same time while it refuses runs, too.
const RUN_REFUSED_AFTER: Duration = Duration::from_secs(5);

impl<C: Connect + Send + Sync + 'static> BackendWatcher<C> {
    pub(super) fn take_answer(
        &mut self,
        answer: QueryAnswer,
        took: Duration,
        context: &mut SourceContext,
    ) -> Option<PollOutcome> {
        let now = Instant::now();
        let asking = self.asking.take();
        match &answer {
            QueryAnswer::Page(page, _) => self.pacer.answered_page(page.is_small(), took, now),
            _ => self.pacer.answered(took, now),
        }
        let key = match &answer {
            QueryAnswer::List(_) => QueryKey::List,
            QueryAnswer::Page(..) => QueryKey::Page,
            QueryAnswer::SongRuns(song, _) => QueryKey::SongRuns(song.clone()),
            QueryAnswer::Run(id, ..) => QueryKey::Run(id.clone()),
            QueryAnswer::Song(id, _) => QueryKey::Song(id.clone()),
        };
        // A 4xx status is an answer, too: the object does not exist or is not accessible. Errors of
        // lists and titles count as answers because both are requested again at their normal interval.
        let is_told = |error: &HttpError| {
            let is_of_no_run = !matches!(key, QueryKey::Run(_));
            matches!(error.status(), Some(400..=499)) || is_of_no_run && error.was_answered()
        };
        let failure = answer.error().cloned();
        context.answer_bytes += self.api.take_received();
        if failure.is_none() {
            context.answered_in = Some(took);
        }
        self.queries.answered(&key, failure.as_ref().is_none_or(is_told), now);
        match &failure {
            // A gateway's error does not mean that the backend answers again.
            Some(error) if !matches!(error.status(), Some(400..=499)) => {
                let slow = asking.filter(is_slow).map(|asking| asking.since);
                self.unanswered_since = self.unanswered_since.or(slow);
            }
            _ => self.unanswered_since = None,
        }
        if let Some(error) = failure.as_ref().filter(|error| !error.was_answered()) {
            if let QueryAnswer::Page(page, _) = &answer {
                self.discovery.answered(page, &PageAnswer::Lost, now);
            }
            self.lost = Some(Loss { at: now, server_at: self.server_now() });
            self.is_reached = false;
            self.is_readable = false;
            self.unanswered_since = None;
            return Some(PollOutcome::Unreached(disconnect_of(error.clone())));
        }
        let was_reached = std::mem::replace(&mut self.is_reached, true);
        let was_readable = self.is_readable;
        if failure.is_none() && !matches!(key, QueryKey::Song(_)) {
            self.is_readable = true;
            self.read_at = Some(now);
        }
        if !was_reached || self.is_readable && !was_readable {
            self.queries.end_pauses();
            self.watched.values_mut().for_each(WatchedRun::end_pause);
            // Unfinished runs may have ended meanwhile, and unknown runs may have begun and ended.
            let unfinished = self.watched.values().filter(|run| !run.is_over() && !run.is_missing);
            unfinished.for_each(|run| self.queries.demand(&QueryKey::Run(run.id.clone()), now));
            self.discovery.demand(now);
        }
        let refusal = match answer {
            QueryAnswer::List(Ok(list)) => {
                self.list_refusal = None;
                self.said_refusal = false;
                self.take_list(&list, true, now);
                None
            }
            QueryAnswer::List(Err(error)) => {
                if self.list_refusal.replace(error.clone()).is_none() {
                    self.list_refused_at = Some(now);
                    self.discovery.demand(now);
                }
                // Nothing could be read before, and the other list is not due.
                let is_lost = !self.is_readable && self.discovery.is_pausing(now);
                if is_lost { self.refuse_list(error, context, now) } else { None }
            }
            QueryAnswer::Page(page, answer) => self.take_page(&page, answer, context, now),
            QueryAnswer::SongRuns(song, answer) => {
                self.songs.answered(&song);
                self.watch_newest_of_refetched_song(&song, answer.as_ref().ok());
                let new_runs = answer.map(|list| self.discovery.note(&list).0).unwrap_or_default();
                self.take_past(new_runs, context, now);
                None
            }
            QueryAnswer::Run(id, socket, Ok(snapshot)) => {
                self.take_run(&id, socket, snapshot, context, now);
                None
            }
            QueryAnswer::Run(id, _, Err(error)) => {
                self.run_is_refused(&id, &error, context);
                None
            }
            QueryAnswer::Song(id, answer) => {
                // A song that does not exist has no title.
                self.take_title(&id, answer.ok().flatten(), context);
                None
            }
        };
        refusal.or((self.is_readable && !was_readable).then_some(PollOutcome::Reached))
    }

    /// Processes a list of active runs. A run that is missing from a complete list is no longer
    /// running.
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
        let runs = |run: &&ListedRun| run.status.is_none_or(|it| it == ReportedStatus::Running);
        for run in list.runs.iter().filter(runs) {
            let id = run.run_id.clone();
            self.songs.heard(run.song_id.as_ref(), now);
            let watched =
                self.watched.entry(id.clone()).or_insert_with(|| WatchedRun::new(id.clone(), now));
            if watched.listed(run) {
                // Not at once: detail requests must not exceed the normal rate of a running run.
                self.queries.invalidate(&QueryKey::Run(id));
            }
        }
        for id in were_listed {
            // The run was running, and is no longer listed.
            if self.watched.get(&id).is_some_and(|run| !run.is_listed && run.is_running()) {
                self.queries.demand(&QueryKey::Run(id), now);
            }
        }
    }

    /// Processes a page of the list of all runs.
    fn take_page(
        &mut self,
        page: &PageQuestion,
        answer: Result<RunList, HttpError>,
        context: &mut SourceContext,
        now: Instant,
    ) -> Option<PollOutcome> {
        let answer = answer.map_or_else(
            |error| match error.status() {
                Some(300..=499) => PageAnswer::Denied,
                _ => PageAnswer::Refused,
            },
            PageAnswer::Rows,
        );
        let found = self.discovery.answered(page, &answer, now);
        if let (PageAnswer::Rows(list), Some(_)) = (&answer, &self.list_refusal) {
            self.take_list(list, false, now);
            for row in list.runs.iter().filter(|row| row.status != Some(ReportedStatus::Running)) {
                if let Some(run) = self.watched.get_mut(&row.run_id) {
                    run.is_listed = false;
                }
            }
        }
        self.take_past(found.new_runs, context, now);
        let end = found.end?;
        if !end.is_complete {
            self.songs.want();
            let wanted = self.songs.wanted().iter();
            wanted.for_each(|song| self.queries.demand(&QueryKey::SongRuns(song.clone()), now));
        }
        let refusal = self.list_refusal.clone()?;
        // The list of all runs is the only source of running runs now: walk it again.
        self.discovery.demand(now + context.settings.api.poll_interval / 2);
        if end.is_refused {
            return self.refuse_list(refusal, context, now);
        }
        self.said_refusal = false;
        None
    }

    /// Watches runs from the list of all runs that were not seen running, until their detail is read.
    fn take_past(&mut self, runs: Vec<ListedRun>, context: &mut SourceContext, now: Instant) {
        let server_now = self.server_now().unwrap_or_else(|| context.now());
        let Ok(day) = server_now.checked_sub(PAST) else { return };
        let since = context.settings.api.seen_until.map_or(day, |seen| seen.min(day));
        let is_past = |run: &ListedRun| {
            let ended =
                run.status.is_some_and(|it| it.is_final() || it == ReportedStatus::Cancelled);
            ended && run.updated_at.max(run.started_at).is_none_or(|at| at >= since)
        };
        // A run listed here as running may be over before the list of active runs is requested.
        for run in runs.iter().filter(|run| run.status == Some(ReportedStatus::Running)) {
            let id = run.run_id.clone();
            self.watched.entry(id.clone()).or_insert_with(|| WatchedRun::past(id, run, now));
        }
        let mut past: Vec<ListedRun> = runs.into_iter().filter(is_past).collect();
        past.sort_by_key(|run| std::cmp::Reverse(run.updated_at.max(run.started_at)));
        for run in past.into_iter().take(MOST_PAST) {
            let id = run.run_id.clone();
            self.songs.heard(run.song_id.as_ref(), now);
            match self.watched.get(&id) {
                // Its end was missed, or it was executed again.
                Some(_) => self.queries.demand(&QueryKey::Run(id), now),
                None => {
                    self.watched.insert(id.clone(), WatchedRun::past(id, &run, now));
                }
            }
        }
    }

    /// Handles the case where neither list can be read. Reports the backend as unreached when no run
    /// could be read since then either; otherwise logs the refusal once.
    fn refuse_list(
        &mut self,
        error: HttpError,
        context: &mut SourceContext,
        now: Instant,
    ) -> Option<PollOutcome> {
        let disconnect = disconnect_of(error);
        if !self.is_readable || !self.reads_runs(now) {
            // The backend answers, but no answer is readable.
            self.is_reached = false;
            self.is_readable = false;
            self.unanswered_since = None;
            return Some(PollOutcome::Unreached(disconnect));
        }
        if !std::mem::replace(&mut self.said_refusal, true) {
            context.log_error(format!("runs cannot be listed: {disconnect}"));
        }
        None
    }

    /// True when runs could be read since the list of active runs was refused, and still can.
    fn reads_runs(&self, now: Instant) -> bool {
        let Some(read_at) = self.read_at.filter(|at| Some(*at) > self.list_refused_at) else {
            return false;
        };
        let age = now.saturating_duration_since(read_at);
        let is_refused = self.run_refused_at > Some(read_at) && age >= RUN_REFUSED_AFTER;
        !is_refused && age < READ_LASTS
    }

    fn take_run(
        &mut self,
        id: &RunId,
        socket: Option<u64>,
        mut snapshot: RunSnapshot,
        context: &mut SourceContext,
        now: Instant,
    ) {
        let server_now = self.server_now();
        let Some(run) = self.watched.get_mut(id) else { return };
        let open = self.sockets.get(id).filter(|socket| socket.is_open).map(|socket| socket.token);
        snapshot.gapless = socket.is_some() && socket == open;
        let song = snapshot.song_id.as_ref();
        snapshot.song_title = song.and_then(|song| self.queries.title(song)).cloned();
        // The first snapshot describes the time before this run was watched, so it is not live.
        let live = run.snapshot.is_some();
        if let Some(snapshot) = run.apply_snapshot(snapshot, self.lost.as_ref(), server_now, now) {
            deliver(snapshot, live, context);
        }
    }

    fn run_is_refused(&mut self, id: &RunId, error: &HttpError, context: &mut SourceContext) {
        if !matches!(error.status(), Some(400..=499)) {
            self.run_refused_at = Some(Instant::now());
        }
        let Some(run) = self.watched.get_mut(id) else { return };
        if !matches!(error.status(), Some(404 | 422)) || run.is_missing {
            return;
        }
        if self.sockets.get(id).is_some_and(|socket| socket.is_open) {
            // Events arrive, so the run exists: the 404 or 422 is wrong.
            return;
        }
        run.is_missing = true;
        run.is_listed = false;
        if run.is_named {
            context.log_error(format!("run {id}: {error}"));
        }
    }

    fn take_title(&mut self, song: &SmolStr, title: Option<SmolStr>, context: &mut SourceContext) {
        if !self.queries.keep_title(song, title.clone()) {
            return;
        }
        for run in self.watched.values_mut().filter(|run| run.song_id.as_ref() == Some(song)) {
            if let Some(snapshot) = &mut run.snapshot {
                Arc::make_mut(snapshot).song_title.clone_from(&title);
                deliver(snapshot.clone(), false, context);
            }
        }
    }
}

fn deliver(snapshot: Arc<RunSnapshot>, live: bool, context: &mut SourceContext) {
    let mut batch = context.new_batch(live);
    batch.push_run(snapshot);
    context.deliver(batch);
}

fn disconnect_of(error: HttpError) -> Disconnect {
    match error {
        HttpError::NoConnection(disconnect) => disconnect,
        HttpError::Lost => Disconnect::Lost,
        HttpError::Silent { after } => Disconnect::ConnectTimeout { after },
        error => Disconnect::Rest { status: error.status(), text: error.to_string() },
    }
}
