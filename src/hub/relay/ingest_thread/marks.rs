//! Marks of failures that were seen: who may have one, and how it begins and ends.

use tokio::sync::oneshot;

use super::IngestThread;
use crate::hub::relay::Marked;
use crate::model::{Model, RunStatus};
use crate::protocol::RunId;

/// Request to mark failures as seen.
pub(in crate::hub::relay) struct MarkRequest {
    pub runs: Vec<RunId>,
    pub answer: oneshot::Sender<Marked>,
}

/// Sorts runs by whether they can be marked: only failures can.
pub(super) fn sorted(runs: Vec<RunId>, model: &Model) -> Marked {
    let mut marked = Marked::default();
    for run in runs {
        let list = match model.run(&run) {
            None => &mut marked.unknown,
            Some(_) if has_failed(model, &run) => &mut marked.seen,
            Some(_) => &mut marked.not_failed,
        };
        list.push(run);
    }
    marked
}

impl IngestThread {
    /// Marks failures as seen: in the store, and then for the screens.
    pub(super) fn mark_seen(&mut self, runs: Vec<RunId>) -> Marked {
        let shared = self.shared.clone();
        let marked = sorted(runs, &shared.model());
        let is_new = |run: &&RunId| !shared.state().seen.contains(run);
        let new: Vec<RunId> = marked.seen.iter().filter(is_new).cloned().collect();
        if !new.is_empty() {
            self.write(|store| store.mark_seen(&new));
            let mut state = shared.state_mut();
            new.into_iter().for_each(|run| state.seen.insert(run));
            drop(state);
            shared.notify_clients();
        }
        marked
    }

    /// Removes the marks of runs that are no longer failed, or no longer kept. Screens do the same by
    /// themselves.
    pub(super) fn remove_marks(&mut self, runs: &[RunId]) {
        let shared = self.shared.clone();
        let is_marked = |run: &&RunId| shared.state().seen.contains(run);
        let runs: Vec<RunId> = runs.iter().filter(is_marked).cloned().collect();
        if runs.is_empty() {
            return;
        }
        self.write(|store| store.unmark_seen(&runs));
        let mut state = shared.state_mut();
        runs.iter().for_each(|run| state.seen.remove(run));
    }

    /// Takes over the stored marks, without those of runs that have not failed.
    pub(super) fn restore_marks(&mut self, marked: Vec<RunId>) {
        let shared = self.shared.clone();
        let (kept, outdated): (Vec<RunId>, Vec<RunId>) = {
            let model = shared.model();
            marked.into_iter().partition(|run| has_failed(&model, run))
        };
        if !outdated.is_empty() {
            self.write(|store| store.unmark_seen(&outdated));
        }
        let mut state = shared.state_mut();
        kept.into_iter().for_each(|run| state.seen.insert(run));
    }
}

/// True for a run that has failed and is not executed again.
pub(super) fn has_failed(model: &Model, run: &str) -> bool {
    model.run(run).is_some_and(|run| run.status == RunStatus::Failed)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use crate::hub::Hub;
    use crate::hub::relay::JournalRetention;
    use crate::protocol::Batch;
    use crate::source::Signal;

    #[test]
    fn mark_of_an_upstream_hub_does_not_land_on_a_newer_failure() {
        let event = |phase: &str, second: u32| {
            format!(r#"{{"ts":"2026-11-23T10:00:{second:02}Z","run_id":"r","phase":"{phase}"}}"#)
        };
        let failed = [event("start", 1), event("fail", 2)];
        let again = [event("start", 3), event("fail", 4)];
        let mark = [r#"{"hub":{"seen":["r"]}}"#.to_owned()];
        let is_marked = |parts: &[&[String]]| {
            let keep =
                JournalRetention { age: Duration::from_secs(86_400), bytes: 1 << 20, runs: 10 };
            let (mut ingest_thread, shared) = Hub::prepared(keep);
            let signal = |texts: &&[String]| {
                let mut batch = Batch::new(Timestamp::now(), true);
                texts.iter().for_each(|text| batch.push_text(text));
                Signal::Batch(batch)
            };
            ingest_thread.take(parts.iter().map(signal).collect());
            shared.state().seen.contains("r")
        };
        assert!(is_marked(&[&failed, &mark]));
        assert!(!is_marked(&[&failed, &mark, &again]));
        assert!(!is_marked(&[&failed, &mark, &again[..1]]));
        assert!(is_marked(&[&failed, &again, &mark]));
        assert!(is_marked(&[&failed, &mark, &again, &mark]));
    }
}
