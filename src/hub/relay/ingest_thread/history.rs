//! The history: fed by runs as they end, and written together with the frames that tell of their ends.

use jiff::Timestamp;
use tokio::sync::mpsc::error::TrySendError;

use super::{IngestThread, warn};
use crate::history::{EndedRun, HistoryChanges};
use crate::hub::relay::News;
use crate::hub::relay::store::{Store, StoreError, StoredHistory};
use crate::protocol::RunId;

impl IngestThread {
    /// Takes over the stored history. That of a store from before there was one is made from its runs.
    pub(super) fn load_history(&mut self, store: &mut Store) -> Result<(), StoreError> {
        let StoredHistory { history, unreadable, is_complete } = store.history()?;
        *self.shared.history() = history;
        if unreadable > 0 {
            warn(&format!("{unreadable} parts of the history cannot be read and are skipped"));
        }
        if !is_complete {
            let changes = {
                let (model, mut history) = (self.shared.model(), self.shared.history());
                for run in model.runs() {
                    history.note(run, self.dropped.until(run.id()));
                }
                history.take_changes()
            };
            store.write_history(&changes)?;
        }
        Ok(())
    }

    /// Counts what has ended of these runs. Returns what is to be written.
    pub(super) fn note_ended(&mut self, mut touched: Vec<RunId>) -> HistoryChanges {
        touched.sort_unstable();
        touched.dedup();
        let (model, mut history) = (self.shared.model(), self.shared.history());
        let mut studio = self.shared.studio();
        let since = self.counts_since.map(|at| model.clock().server_time(at).as_second());
        let news_since = model.clock().server_time(self.news_since).as_second();
        for run in touched.iter().filter_map(|run| model.run(run)) {
            // Executions that ended before the run was dropped are already counted.
            let noted = history.note_changes(run, self.dropped.until(run.id()));
            let Some(noted) = noted else { continue };
            let is_counted = |ended: &EndedRun| since.is_none_or(|since| ended.second >= since);
            for (number, ended) in studio.count(run.id(), noted, is_counted) {
                if ended.second >= news_since {
                    self.news.extend(News::of_end(&model, run, number, &ended));
                }
            }
        }
        history.take_changes()
    }

    /// Passes on the news of what was written.
    pub(super) fn tell_news(&mut self) {
        for news in self.news.drain(..) {
            if let Err(TrySendError::Full(_)) = self.shared.news_sender.try_send(news) {
                self.shared.counters.news_lost.add(1);
            }
        }
    }

    /// Forgets what dropped runs have contributed; it stays counted. Returns what is to be written.
    pub(super) fn forget_contributions(&mut self, runs: &[RunId]) -> HistoryChanges {
        let (mut history, mut studio) = (self.shared.history(), self.shared.studio());
        for run in runs {
            history.forget(run);
            studio.forget(run);
        }
        history.take_changes()
    }

    /// Drops what is older than the history is to reach.
    pub(super) fn prune_history(&mut self, now: Timestamp) {
        let changes = {
            let mut history = self.shared.history();
            history.prune(now, self.shared.keep_history);
            history.take_changes()
        };
        if !changes.is_empty() {
            self.write(|store| store.write_history(&changes));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::hub::Hub;
    use crate::hub::relay::JournalRetention;
    use crate::hub::relay::journal::OutdatedRun;
    use crate::protocol::Batch;
    use crate::source::Signal;

    /// The model drops runs by itself when their texts are too long.
    #[test]
    fn run_that_the_model_dropped_does_not_count_again_when_it_returns() {
        let keep = JournalRetention { age: Duration::from_secs(86_400), bytes: 1 << 20, runs: 10 };
        let (mut ingest_thread, shared) = Hub::prepared(keep);
        let now = Timestamp::now();
        let event = |phase: &str, ago: u64| {
            let at = now - Duration::from_secs(ago);
            format!(r#"{{"ts":"{at}","run_id":"r","phase":"{phase}"}}"#)
        };
        let say = |ingest_thread: &mut IngestThread, events: &[String]| {
            let mut batch = Batch::new(now, true);
            events.iter().for_each(|event| batch.push_text(event));
            ingest_thread.take(vec![Signal::Batch(batch)]);
            shared.history().total().finished
        };
        let first = [event("start", 90), event("end", 60)];
        assert_eq!(say(&mut ingest_thread, &first), 1);
        shared.model().forget("r", now);
        ingest_thread.drop_runs(vec![OutdatedRun { run: "r".into(), is_aged: false }]);
        assert_eq!(say(&mut ingest_thread, &first), 1);
        assert_eq!(shared.counters.duplicates.get(), 2);
        assert_eq!(say(&mut ingest_thread, &[event("start", 30), event("end", 10)]), 2);
    }
}
