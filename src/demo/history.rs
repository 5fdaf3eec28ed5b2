//! Events that are replayed to viewers who connect later.

use std::collections::{HashMap, VecDeque};

use tokio_tungstenite::tungstenite::Utf8Bytes;
use uuid::Uuid;

/// Number of finished runs kept; unfinished runs are always kept whole.
pub(super) const FINISHED_RUNS: usize = 25;

/// Number of events above which finished runs are forgotten, oldest first.
pub(super) const MAX_EVENTS: usize = 3000;

/// An event that was sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) run_id: Uuid,
    pub(super) text: Utf8Bytes,
    /// Text that the backend's own endpoint replays; `None` for events that it does not store.
    pub(super) backend_replay: Option<Utf8Bytes>,
    /// True for the last event of its run.
    pub(super) last: bool,
}

/// The events of the latest runs. Bounded by [`FINISHED_RUNS`], [`MAX_EVENTS`] and the unfinished
/// runs.
#[derive(Debug, Default)]
pub(super) struct History {
    runs: HashMap<Uuid, Vec<(u64, Sent)>>,
    /// Finished runs, oldest first.
    finished: VecDeque<Uuid>,
    /// Number of events in `runs`.
    events: usize,
    /// Sequence number of the next event, for the order across runs.
    sequence: u64,
}

impl History {
    pub(super) fn push(&mut self, sent: Sent) {
        let (run_id, last) = (sent.run_id, sent.last);
        self.runs.entry(run_id).or_default().push((self.sequence, sent));
        self.sequence += 1;
        self.events += 1;
        if last {
            self.finished.push_back(run_id);
        }
        while self.finished.len() > FINISHED_RUNS || self.events > MAX_EVENTS {
            let Some(forgotten) = self.finished.pop_front() else { break };
            self.events -= self.runs.remove(&forgotten).map_or(0, |events| events.len());
        }
    }

    /// Returns all kept events, in the order in which they were sent.
    pub(super) fn all(&self) -> Vec<Utf8Bytes> {
        let mut kept: Vec<_> = self.runs.values().flatten().collect();
        kept.sort_unstable_by_key(|(sequence, _)| *sequence);
        kept.into_iter().map(|(_, sent)| sent.text.clone()).collect()
    }

    /// Returns the events that the backend's own endpoint replays for a run: only those that the backend
    /// stores, in the text of a replay.
    pub(super) fn backend_replay(&self, run_id: Uuid) -> Vec<Utf8Bytes> {
        let events = self.runs.get(&run_id).map_or(&[][..], Vec::as_slice);
        events.iter().filter_map(|(_, sent)| sent.backend_replay.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(run: u128, text: String, last: bool) -> Sent {
        let backend_replay = last.then(|| Utf8Bytes::from("stored"));
        Sent { run_id: Uuid::from_u128(run), text: text.into(), backend_replay, last }
    }

    #[test]
    fn history_keeps_latest_finished_and_all_unfinished_runs_in_order() {
        let mut history = History::default();
        history.push(sent(0, "in work".into(), false));
        for run in 1..=40 {
            history.push(sent(run, format!("{run} a"), false));
            history.push(sent(run, format!("{run} b"), true));
        }
        let all = history.all();
        assert_eq!(all.len(), 1 + 2 * FINISHED_RUNS);
        assert_eq!(all[0], "in work");
        assert_eq!(all[1], "16 a");
        assert_eq!(all[50], "40 b");
        assert_eq!(history.backend_replay(Uuid::from_u128(40)), ["stored"]);
        assert!(history.backend_replay(Uuid::from_u128(1)).is_empty());
    }

    #[test]
    fn event_limit_drops_finished_but_never_unfinished_runs() {
        let mut history = History::default();
        for run in 0..10 {
            for event in 0..MAX_EVENTS / 10 {
                history.push(sent(run, event.to_string(), event + 1 == MAX_EVENTS / 10));
            }
        }
        assert_eq!(history.all().len(), MAX_EVENTS);
        for event in 0..MAX_EVENTS + 5 {
            history.push(sent(99, event.to_string(), false));
        }
        assert_eq!(history.all().len(), MAX_EVENTS + 5);
        assert_eq!(history.events, MAX_EVENTS + 5);
    }
}
