//! The journal: numbered frames for screens, in memory, with limits on their total size.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use foldhash::fast::FixedState;
use jiff::Timestamp;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::protocol::{ORPHAN_AFTER, RunId};

/// Estimated memory per frame in addition to its text, in bytes.
const BYTES_BESIDE_TEXT: usize = 64;

/// Maximum number of frames kept of one run. An endless run never becomes droppable as a whole, so
/// it needs a limit of its own.
const MOST_ENTRIES_OF_A_RUN: usize = 10_000;

/// A numbered frame.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct JournalEntry {
    pub seq: u64,
    pub run: RunId,
    pub kind: JournalEntryKind,
    /// Time of reception, by the local clock.
    pub at: Timestamp,
    /// Text as it is sent to screens.
    pub text: Utf8Bytes,
}

/// Content of a numbered frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JournalEntryKind {
    /// A workflow event, unchanged.
    Event,
    /// State of a run reported by REST; replaces earlier snapshots of the run.
    Snapshot,
}

/// Retention limits. Whole runs are dropped, starting with the run that has been silent longest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JournalRetention {
    /// Silence after which a run is dropped.
    pub age: Duration,
    /// Size limit in bytes of the kept frames.
    pub bytes: u64,
    pub runs: usize,
}

/// The journal; see the module documentation.
#[derive(Debug, Default)]
pub(super) struct Journal {
    texts: BTreeMap<u64, Utf8Bytes>,
    runs: HashMap<RunId, JournalRun, FixedState>,
    /// Highest sequence number ever assigned.
    last: u64,
    bytes: usize,
    /// Runs with more than [`MOST_ENTRIES_OF_A_RUN`] frames.
    overfull: HashSet<RunId, FixedState>,
}

#[derive(Debug)]
struct JournalRun {
    /// Sequence numbers of the run's frames, ascending.
    seqs: Vec<u64>,
    snapshot: Option<u64>,
    bytes: usize,
    heard_at: Timestamp,
}

impl Journal {
    /// Creates an empty journal whose next number is `last` + 1.
    pub(super) fn after(last: u64) -> Self {
        Self { last, ..Self::default() }
    }

    /// Returns the highest sequence number ever assigned.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn entries(&self) -> usize {
        self.texts.len()
    }

    pub(super) fn runs(&self) -> usize {
        self.runs.len()
    }

    /// Returns the size of the kept frames, as counted for [`JournalRetention::bytes`].
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the number of the run's snapshot.
    pub(super) fn snapshot_of(&self, run: &str) -> Option<u64> {
        self.runs.get(run)?.snapshot
    }

    /// Adds a frame, whose number must be higher than all earlier ones.
    pub(super) fn push(&mut self, entry: JournalEntry) {
        let JournalEntry { seq, run, kind, at, text } = entry;
        let cost = cost(&text);
        let kept = self.runs.entry(run.clone()).or_insert_with(|| JournalRun {
            seqs: Vec::new(),
            snapshot: None,
            bytes: 0,
            heard_at: at,
        });
        kept.heard_at = kept.heard_at.max(at);
        kept.seqs.push(seq);
        kept.bytes += cost;
        let replaced = match kind {
            JournalEntryKind::Event => None,
            JournalEntryKind::Snapshot => kept.snapshot.replace(seq),
        };
        if kept.seqs.len() > MOST_ENTRIES_OF_A_RUN {
            self.overfull.insert(run.clone());
        }
        self.bytes += cost;
        self.last = self.last.max(seq);
        self.texts.insert(seq, text);
        if let Some(replaced) = replaced {
            self.remove(&run, &[replaced]);
        }
    }

    /// Returns the frames with numbers above `after`, up to `until`, in order.
    pub(super) fn read(&self, after: u64, until: u64) -> impl Iterator<Item = (u64, &Utf8Bytes)> {
        let range = (after < until).then(|| self.texts.range(after + 1..=until));
        range.into_iter().flatten().map(|(seq, text)| (*seq, text))
    }

    /// Returns the runs to drop at `now`; `has_ended` tells whether a run has ended. Runs that have
    /// not ended are not included unless they were silent for [`ORPHAN_AFTER`].
    pub(super) fn outdated(
        &self,
        keep: &JournalRetention,
        now: Timestamp,
        has_ended: impl Fn(&RunId) -> bool,
    ) -> Vec<RunId> {
        let quiet_for = |kept: &JournalRun| now.duration_since(kept.heard_at);
        let longer = |kept: &JournalRun, limit: Duration| {
            Duration::try_from(quiet_for(kept)).is_ok_and(|quiet| quiet > limit)
        };
        let mut may_go: Vec<(&RunId, &JournalRun)> = self
            .runs
            .iter()
            .filter(|(run, kept)| longer(kept, ORPHAN_AFTER) || has_ended(run))
            .collect();
        may_go.sort_by_key(|(run, kept)| (kept.heard_at, *run));
        let (mut runs, mut bytes) = (self.runs.len(), self.bytes);
        let mut gone = Vec::new();
        for (run, kept) in may_go {
            if !longer(kept, keep.age) && !exceeds_limits(keep, runs, bytes) {
                break;
            }
            runs -= 1;
            bytes -= kept.bytes;
            gone.push(run.clone());
        }
        gone
    }

    /// True when the number of runs or bytes exceeds its limit.
    pub(super) fn exceeds_limits(&self, keep: &JournalRetention) -> bool {
        exceeds_limits(keep, self.runs.len(), self.bytes)
    }

    /// Returns the oldest frames of runs that exceed [`MOST_ENTRIES_OF_A_RUN`], without snapshots.
    pub(super) fn surplus(&mut self) -> Vec<(RunId, Vec<u64>)> {
        let overfull = std::mem::take(&mut self.overfull);
        let surplus = |run: RunId| {
            let kept = self.runs.get(&run)?;
            let most = kept.seqs.len().saturating_sub(MOST_ENTRIES_OF_A_RUN);
            let oldest = kept.seqs.iter().filter(|seq| kept.snapshot != Some(**seq));
            Some((run, oldest.take(most).copied().collect()))
        };
        overfull.into_iter().filter_map(surplus).collect()
    }

    /// Returns the numbers of a run's frames.
    pub(super) fn numbers_of(&self, run: &str) -> &[u64] {
        self.runs.get(run).map_or(&[], |kept| &kept.seqs)
    }

    /// Removes some of a run's frames.
    pub(super) fn remove(&mut self, run: &RunId, seqs: &[u64]) {
        let Some(kept) = self.runs.get_mut(run) else { return };
        for seq in seqs {
            let Some(text) = self.texts.remove(seq) else { continue };
            kept.bytes -= cost(&text);
            self.bytes -= cost(&text);
        }
        kept.seqs.retain(|seq| self.texts.contains_key(seq));
        kept.snapshot = kept.snapshot.filter(|seq| self.texts.contains_key(seq));
        if kept.seqs.is_empty() {
            self.runs.remove(run);
        }
    }

    /// Removes a run with all its frames.
    pub(super) fn drop_run(&mut self, run: &RunId) {
        let Some(kept) = self.runs.remove(run) else { return };
        for seq in &kept.seqs {
            self.texts.remove(seq);
        }
        self.bytes -= kept.bytes;
    }
}

fn cost(text: &Utf8Bytes) -> usize {
    text.len() + BYTES_BESIDE_TEXT
}

fn exceeds_limits(keep: &JournalRetention, runs: usize, bytes: usize) -> bool {
    runs > keep.runs || bytes as u64 > keep.bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP: JournalRetention =
        JournalRetention { age: Duration::from_secs(3600), bytes: u64::MAX, runs: usize::MAX };

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + secs).unwrap()
    }

    fn push(journal: &mut Journal, run: &str, kind: JournalEntryKind, secs: i64) -> u64 {
        let seq = journal.last() + 1;
        let text = format!("{run} {seq}").into();
        journal.push(JournalEntry { seq, run: run.into(), kind, at: at(secs), text });
        seq
    }

    fn read(journal: &Journal, after: u64) -> Vec<u64> {
        journal.read(after, journal.last()).map(|(seq, _)| seq).collect()
    }

    #[test]
    fn only_the_latest_snapshot_of_a_run_is_kept() {
        let mut journal = Journal::after(10);
        push(&mut journal, "a", JournalEntryKind::Snapshot, 0);
        push(&mut journal, "a", JournalEntryKind::Event, 0);
        push(&mut journal, "b", JournalEntryKind::Snapshot, 0);
        assert_eq!(journal.snapshot_of("a"), Some(11));
        push(&mut journal, "a", JournalEntryKind::Snapshot, 0);
        assert_eq!(journal.snapshot_of("a"), Some(14));
        assert_eq!(read(&journal, 0), [12, 13, 14]);
        assert_eq!(read(&journal, 13), [14]);
        assert_eq!(journal.numbers_of("a"), [12, 14]);
        for run in ["a", "b"] {
            journal.drop_run(&run.into());
        }
        assert_eq!((journal.runs(), journal.entries(), journal.bytes()), (0, 0, 0));
        assert_eq!(journal.last(), 14, "numbers are not given twice");
        assert!(read(&journal, 0).is_empty() && read(&journal, 14).is_empty());
    }

    #[test]
    fn ended_runs_are_dropped_oldest_first_and_running_ones_kept() {
        let mut journal = Journal::default();
        for (run, secs) in [("running", 0), ("old", 10), ("newer", 20), ("newest", 30)] {
            push(&mut journal, run, JournalEntryKind::Event, secs);
        }
        let ended = |run: &RunId| run != "running";
        let outdated = |keep: JournalRetention, secs: i64| journal.outdated(&keep, at(secs), ended);
        assert!(outdated(KEEP, 40).is_empty());
        assert_eq!(outdated(JournalRetention { runs: 2, ..KEEP }, 40), ["old", "newer"]);
        assert_eq!(outdated(JournalRetention { runs: 0, ..KEEP }, 40), ["old", "newer", "newest"]);
        let bytes = journal.bytes() as u64;
        assert_eq!(outdated(JournalRetention { bytes: bytes - 1, ..KEEP }, 40), ["old"]);
        assert!(outdated(JournalRetention { bytes, ..KEEP }, 40).is_empty());
        let age = Duration::from_secs(15);
        assert_eq!(outdated(JournalRetention { age, ..KEEP }, 40), ["old", "newer"]);
        // A run that has been silent for long is no exception.
        let quiet = 1 + ORPHAN_AFTER.as_secs() as i64;
        assert_eq!(outdated(JournalRetention { runs: 3, ..KEEP }, quiet), ["running"]);
    }

    #[test]
    fn overfull_run_keeps_its_latest_frames_and_its_snapshot() {
        let mut journal = Journal::default();
        push(&mut journal, "a", JournalEntryKind::Snapshot, 0);
        for _ in 0..MOST_ENTRIES_OF_A_RUN + 2 {
            push(&mut journal, "a", JournalEntryKind::Event, 0);
        }
        let surplus = journal.surplus();
        assert_eq!(surplus, [("a".into(), vec![2, 3, 4])]);
        journal.remove(&surplus[0].0, &surplus[0].1);
        assert_eq!(journal.entries(), MOST_ENTRIES_OF_A_RUN);
        assert_eq!(journal.snapshot_of("a"), Some(1));
        assert!(journal.surplus().is_empty());
    }
}
