//! The journal: numbered frames for screens, in memory, with limits on their total size.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use foldhash::fast::FixedState;
use jiff::{SignedDuration, Timestamp};
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
    frames: BTreeMap<u64, JournalFrame>,
    runs: HashMap<RunId, JournalRun, FixedState>,
    /// Highest sequence number ever assigned.
    last: u64,
    bytes: usize,
    /// Runs with more than [`MOST_ENTRIES_OF_A_RUN`] frames.
    overfull: HashSet<RunId, FixedState>,
}

/// A kept frame.
#[derive(Debug)]
pub(super) struct JournalFrame {
    /// Time of reception, as this machine's clock is set now.
    pub at: Timestamp,
    pub kind: JournalEntryKind,
    pub text: Utf8Bytes,
}

#[derive(Debug)]
struct JournalRun {
    /// Sequence numbers of the run's frames, ascending.
    seqs: Vec<u64>,
    snapshot: Option<u64>,
    bytes: usize,
    /// Time of the last frame, as this machine's clock is set now.
    heard_at: Timestamp,
}

/// A run to be dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OutdatedRun {
    pub run: RunId,
    /// True when it was silent for too long, whatever the room.
    pub is_aged: bool,
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

    /// Returns the time of reception of the first frame that is kept.
    pub(super) fn first_at(&self) -> Option<Timestamp> {
        self.frames.values().next().map(|frame| frame.at)
    }

    pub(super) fn entries(&self) -> usize {
        self.frames.len()
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
        self.frames.insert(seq, JournalFrame { at, kind, text });
        if let Some(replaced) = replaced {
            self.remove(&run, &[replaced]);
        }
    }

    /// Counts numbers up to `seq` as assigned, to what is no frame.
    #[cfg(feature = "cluster")]
    pub(super) fn skip_to(&mut self, seq: u64) {
        self.last = self.last.max(seq);
    }

    /// Returns the frames with numbers above `after`, up to `until`, in order.
    pub(super) fn read(&self, after: u64, until: u64) -> impl Iterator<Item = (u64, &Utf8Bytes)> {
        self.frames(after, until).map(|(seq, frame)| (seq, &frame.text))
    }

    /// Returns the same with the times of reception.
    pub(super) fn frames(
        &self,
        after: u64,
        until: u64,
    ) -> impl Iterator<Item = (u64, &JournalFrame)> {
        let range = (after < until).then(|| self.frames.range(after + 1..=until));
        range.into_iter().flatten().map(|(seq, frame)| (*seq, frame))
    }

    /// Notes that this machine's clock was set by `by`: no run becomes older or younger.
    pub(super) fn clock_stepped(&mut self, by: SignedDuration) {
        let runs = self.runs.values_mut().map(|run| &mut run.heard_at);
        for at in runs.chain(self.frames.values_mut().map(|frame| &mut frame.at)) {
            *at = at.checked_add(by).unwrap_or(*at);
        }
    }

    /// Returns the runs to drop at `now`; `has_ended` tells whether a run has ended. Runs that have
    /// not ended are not included unless they were silent for [`ORPHAN_AFTER`].
    pub(super) fn outdated(
        &self,
        keep: &JournalRetention,
        now: Timestamp,
        has_ended: impl Fn(&RunId) -> bool,
    ) -> Vec<OutdatedRun> {
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
            let is_aged = longer(kept, keep.age);
            if !is_aged && !exceeds_limits(keep, runs, bytes) {
                break;
            }
            runs -= 1;
            bytes -= kept.bytes;
            gone.push(OutdatedRun { run: run.clone(), is_aged });
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

    /// Returns the oldest frames of the largest runs, as many as have to go to meet the size limit.
    /// Newest frames and snapshots are not included. Empty while the limit is met.
    pub(super) fn excess(&self, keep: &JournalRetention) -> Vec<(RunId, Vec<u64>)> {
        let limit = usize::try_from(keep.bytes).unwrap_or(usize::MAX);
        if self.bytes <= limit {
            return Vec::new();
        }
        // Some room is made for what comes next, so that this is not done again for each frame.
        let share = fair_share(self.runs.values().map(|kept| kept.bytes), limit - limit / 8);
        let excess = |(run, kept): (&RunId, &JournalRun)| {
            let mut bytes = kept.bytes;
            let last = kept.seqs.last();
            let may_go = |seq: &&u64| kept.snapshot != Some(**seq) && last != Some(*seq);
            let seqs: Vec<u64> = kept
                .seqs
                .iter()
                .filter(may_go)
                .copied()
                .take_while(|seq| {
                    let is_over = bytes > share;
                    bytes =
                        bytes.saturating_sub(self.frames.get(seq).map_or(0, JournalFrame::cost));
                    is_over
                })
                .collect();
            (!seqs.is_empty()).then(|| (run.clone(), seqs))
        };
        self.runs.iter().filter_map(excess).collect()
    }

    /// Returns the numbers of a run's frames.
    pub(super) fn numbers_of(&self, run: &str) -> &[u64] {
        self.runs.get(run).map_or(&[], |kept| &kept.seqs)
    }

    /// Removes some of a run's frames.
    pub(super) fn remove(&mut self, run: &RunId, seqs: &[u64]) {
        let Some(kept) = self.runs.get_mut(run) else { return };
        for seq in seqs {
            let Some(frame) = self.frames.remove(seq) else { continue };
            kept.bytes -= frame.cost();
            self.bytes -= frame.cost();
        }
        kept.seqs.retain(|seq| self.frames.contains_key(seq));
        kept.snapshot = kept.snapshot.filter(|seq| self.frames.contains_key(seq));
        if kept.seqs.is_empty() {
            self.runs.remove(run);
        }
    }

    /// Removes a run with all its frames.
    pub(super) fn drop_run(&mut self, run: &RunId) {
        let Some(kept) = self.runs.remove(run) else { return };
        for seq in &kept.seqs {
            self.frames.remove(seq);
        }
        self.bytes -= kept.bytes;
    }
}

impl JournalFrame {
    fn cost(&self) -> usize {
        cost(&self.text)
    }
}

fn cost(text: &Utf8Bytes) -> usize {
    text.len() + BYTES_BESIDE_TEXT
}

fn exceeds_limits(keep: &JournalRetention, runs: usize, bytes: usize) -> bool {
    runs > keep.runs || bytes as u64 > keep.bytes
}

/// Returns the largest size that all of `sizes` may have if their sum is to be at most `limit`: larger
/// ones are cut to it, and smaller ones are kept.
fn fair_share(sizes: impl Iterator<Item = usize>, limit: usize) -> usize {
    let mut sizes: Vec<usize> = sizes.collect();
    sizes.sort_unstable();
    let (mut rest, mut count) = (limit, sizes.len());
    for size in sizes {
        let share = rest / count;
        if size > share {
            return share;
        }
        rest -= size;
        count -= 1;
    }
    usize::MAX
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
        let outdated = |keep: JournalRetention, secs: i64| {
            let outdated = journal.outdated(&keep, at(secs), ended);
            outdated.into_iter().map(|outdated| outdated.run).collect::<Vec<_>>()
        };
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
    fn clock_step_changes_no_age() {
        let mut journal = Journal::default();
        push(&mut journal, "old", JournalEntryKind::Event, 0);
        push(&mut journal, "new", JournalEntryKind::Event, 3000);
        let days = 400 * 86_400;
        journal.clock_stepped(SignedDuration::from_secs(days));
        let outdated = |secs| journal.outdated(&KEEP, at(days + secs), |_| true);
        assert_eq!(outdated(3000), []);
        assert_eq!(outdated(3601), [OutdatedRun { run: "old".into(), is_aged: true }]);
        let few = JournalRetention { runs: 1, ..KEEP };
        let outdated = journal.outdated(&few, at(days + 3000), |_| true);
        assert_eq!(outdated, [OutdatedRun { run: "old".into(), is_aged: false }]);
    }

    #[test]
    fn running_runs_lose_their_oldest_frames_beyond_the_byte_limit() {
        let mut journal = Journal::default();
        for _ in 0..10 {
            push(&mut journal, "small", JournalEntryKind::Event, 0);
        }
        let small = journal.bytes();
        push(&mut journal, "large", JournalEntryKind::Snapshot, 0);
        for _ in 0..1000 {
            push(&mut journal, "large", JournalEntryKind::Event, 0);
        }
        let keep = JournalRetention { bytes: 8 * small as u64, ..KEEP };
        assert!(journal.outdated(&keep, at(0), |_| false).is_empty());
        let excess = journal.excess(&keep);
        assert_eq!(excess.len(), 1, "only the large run is cut");
        for (run, seqs) in &excess {
            journal.remove(run, seqs);
        }
        let bytes = journal.bytes();
        assert!((6 * small..=7 * small).contains(&bytes), "{bytes} of {small}");
        assert_eq!(journal.numbers_of("small").len(), 10);
        assert_eq!(journal.snapshot_of("large"), Some(11));
        assert_eq!(journal.numbers_of("large").last(), Some(&1011));
        assert!(journal.excess(&keep).is_empty());
        // The newest frame of a run stays, however large it is.
        assert_eq!(journal.excess(&JournalRetention { bytes: 1, ..KEEP }).len(), 2);
        for (run, seqs) in journal.excess(&JournalRetention { bytes: 1, ..KEEP }) {
            journal.remove(&run, &seqs);
        }
        assert_eq!((journal.runs(), journal.entries()), (2, 3));
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
