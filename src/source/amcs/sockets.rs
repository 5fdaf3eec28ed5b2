//! Sockets of runs: selects the runs that get one, opens and releases sockets, and processes their
//! messages.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::backend_watcher::{BackendWatcher, is_over, is_slow};
use super::queries::QueryKey;
use super::run_socket::{RunSocket, SocketEvent, SocketGoal, SocketHandle, SocketMessage};
use super::watched_run::WatchedRun;
use crate::protocol::{Item, RunId};
use crate::source::Backoff;
use crate::source::connector::Connect;
use crate::source::source_context::SourceContext;

impl<C: Connect + Send + Sync + 'static> BackendWatcher<C> {
    /// Returns the at most `most` runs that should have a socket. Unfinished runs that have one come
    /// first, then named, then begun, then the most recently started runs.
    pub(super) fn runs_wanting_sockets(&self, most: usize) -> Vec<RunId> {
        if most == 0 {
            return Vec::new();
        }
        let (server_now, now) = (self.server_now(), Instant::now());
        let has_socket = |run: &WatchedRun| self.sockets.contains_key(&run.id);
        let wants = |run: &&WatchedRun| {
            run.wants_socket(server_now, self.lost.as_ref(), now)
                || has_socket(run) && !run.is_over() && !run.is_missing
        };
        let mut wanting: Vec<&WatchedRun> = self.watched.values().filter(wants).collect();
        // Queued runs come last, so that they take no socket from a running run.
        wanting.sort_by_key(|run| {
            std::cmp::Reverse((has_socket(run), run.is_named, !run.waits(), run.started_at))
        });
        // Queued runs may never begin: unless named, they get at most half of the sockets.
        let mut waiting = 0;
        wanting.retain(|run| {
            waiting += usize::from(run.waits());
            !run.waits() || run.is_named || waiting <= most.div_ceil(2)
        });
        wanting.into_iter().take(most).map(|run| run.id.clone()).collect()
    }

    /// Releases the sockets of runs that should have none, and opens the wanted ones as far as there is
    /// room. A socket counts until it is closed.
    pub(super) fn arrange_sockets(&mut self, context: &SourceContext, now: Instant) {
        let most = context.settings.api.sockets();
        let wanted = self.runs_wanting_sockets(most);
        for (id, socket) in self.sockets.iter().filter(|(id, _)| !wanted.contains(id)) {
            socket.stop_listening(is_over(self.watched.get(id)));
        }
        if !self.is_reached || self.asking.as_ref().is_some_and(is_slow) {
            // Open no socket while the backend does not answer: it would have to be served, together
            // with all waiting requests, when the backend recovers.
            return;
        }
        for id in wanted {
            let due = self.watched.get(&id).is_some_and(|run| run.socket_due(now) <= now);
            if !due || self.sockets.contains_key(&id) || self.sockets.len() >= most {
                continue;
            }
            let Some(permit) = self.budget.try_take() else { break };
            let (goal_sender, goal) = watch::channel(SocketGoal::Listen);
            self.next_token += 1;
            let socket = RunSocket {
                connector: self.connector.clone(),
                url: self.url.at(self.api.events_target(&id)),
                credentials: self.credentials.clone(),
                settings: context.settings.clone(),
                run: id.clone(),
                token: self.next_token,
                messages: self.news_sender.clone(),
                goal,
                _permit: permit,
                held: self.held.clone(),
                goes_on: self.watched.get(&id).is_some_and(|run| !run.is_over() && !run.waits()),
            };
            self.socket_tasks.spawn(socket.run());
            let handle = SocketHandle { token: self.next_token, is_open: false, goal: goal_sender };
            self.sockets.insert(id, handle);
        }
    }

    pub(super) fn take_news(&mut self, news: SocketMessage, context: &mut SourceContext) {
        let now = Instant::now();
        let SocketMessage { run: id, token, event } = news;
        let (Some(socket), Some(run)) = (self.sockets.get_mut(&id), self.watched.get_mut(&id))
        else {
            return;
        };
        if socket.token != token {
            return;
        }
        match event {
            SocketEvent::Opened => {
                socket.is_open = true;
                run.socket_opened(now);
                self.queries.demand(&QueryKey::Run(id), now);
            }
            SocketEvent::Batch(mut batch) => {
                for item in &batch.items {
                    // Events of other runs are not expected here. They are delivered, but cause no
                    // requests.
                    if let Item::Event(event) = item
                        && event.run_id == id
                    {
                        let call = run.observe(event, now);
                        let key = QueryKey::Run(id.clone());
                        if call.demands_run {
                            self.queries.demand(&key, now);
                        } else if call.invalidates_run {
                            self.queries.invalidate(&key);
                        }
                        if let (true, Some(song)) = (call.invalidates_song, &run.song_id) {
                            self.queries.invalidate(&QueryKey::Song(song.clone()));
                        }
                    }
                }
                batch.received_at = context.now();
                context.deliver(batch);
            }
            SocketEvent::Ended(disconnect) => {
                socket.is_open = false;
                let delay = match context.settings.backoff {
                    Backoff::Constant => context.settings.reconnect_delay,
                    Backoff::Exponential => Duration::from_secs(1 << run.socket_failures().min(5)),
                };
                run.socket_failed(disconnect.is_final(), delay, now);
                self.queries.invalidate(&QueryKey::Run(id));
                self.socket_trouble = Some(disconnect);
            }
        }
    }
}
