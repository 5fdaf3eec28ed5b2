//! Adds the application's refetches to the queue of requests to the backend.

use smol_str::SmolStr;
use tokio::time::Instant;

use super::backend_watcher::BackendWatcher;
use super::queries::QueryKey;
use crate::protocol::rest::RunList;
use crate::source::RefetchTarget;
use crate::source::connector::Connect;
use crate::source::source_context::SourceContext;

impl<C: Connect + Send + Sync + 'static> BackendWatcher<C> {
    /// Adds the refetches that are due to the queue. Returns the instant at which the next one is due;
    /// `None` when none waits.
    pub(super) fn take_refetches(&mut self, context: &mut SourceContext) -> Option<Instant> {
        let (now, interval) = (Instant::now(), context.settings.api.poll_interval);
        let refetches = context.refetches.as_mut()?;
        while let Some(target) = refetches.take(interval, now) {
            self.refetch(target, now);
        }
        refetches.next_at(interval, now)
    }

    fn refetch(&mut self, target: RefetchTarget, now: Instant) {
        match target {
            RefetchTarget::Run(id) => self.watch(id),
            RefetchTarget::Song(song) => {
                self.songs.refetch(&song);
                self.queries.demand(&QueryKey::SongRuns(song.clone()), now);
                self.queries.demand(&QueryKey::Song(song), now);
            }
            RefetchTarget::Runs => {
                self.queries.demand(&QueryKey::List, now);
                self.discovery.demand(now);
            }
        }
    }

    /// Watches the newest run of a refetched song, so that the title is requested and shown. `list` is
    /// `None` when the request failed.
    pub(super) fn watch_newest_of_refetched_song(
        &mut self,
        song: &SmolStr,
        list: Option<&RunList>,
    ) {
        if !self.songs.take_refetched(song) {
            return;
        }
        let runs = list.map(|list| list.runs.iter()).unwrap_or_default();
        if let Some(run) = runs.max_by_key(|run| run.started_at.max(run.updated_at)) {
            self.watch(run.run_id.clone());
        }
    }
}
