//! Search and unfolded events of the raw events.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::json::{JsonTree, find};
use super::lines::event;
use crate::model::EventLog;
use crate::protocol::{EventId, data_of, readable_json};
use crate::text;

/// Events that are unfolded at most; unfolding another one folds the one unfolded first.
const MOST_OPEN: usize = 12;

/// Beginnings of events that are kept at most, and their length in characters.
const MOST_PREVIEWS: usize = 1_000;
const PREVIEW_CHARS: usize = 120;

/// Bytes of events that one update searches.
const SEARCHED_BYTES: usize = 512 << 10;

/// Search text and unfolded events.
#[derive(Clone, Debug, Default)]
pub(super) struct RawState {
    /// Text of the search field.
    pub search: String,
    /// Events that contain it.
    pub found: Found,
    /// Unfolded events by their numbers in the log.
    pub trees: BTreeMap<u64, JsonTree>,
    /// Unfolded events in the order in which they were unfolded.
    order: VecDeque<u64>,
    /// Beginnings of what the events on screen tell.
    previews: HashMap<EventId, String>,
}

/// Events that contain the search text.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// Search text, in ASCII lower case.
    pub search: String,
    /// Numbers of the events in the log.
    pub seqs: Arc<VecDeque<u64>>,
    /// First event that was searched; `to` is the number after the last.
    from: u64,
    to: u64,
}

impl Found {
    /// Searches new events, then older ones, newest first; a limited number of bytes in one call. Returns true
    /// while something is left.
    pub(super) fn update(&mut self, log: &EventLog, lines: &VecDeque<u64>, search: &str) -> bool {
        let (first, last) = (lines.front().copied(), lines.back().copied());
        let (Some(first), Some(last)) = (first, last) else {
            *self = Self { search: search.to_owned(), ..Self::default() };
            return false;
        };
        if self.search != search || self.to > last + 1 || self.to < first {
            *self =
                Self { search: search.to_owned(), from: last + 1, to: last + 1, ..Self::default() };
        }
        if self.seqs.front().is_some_and(|seq| *seq < first) {
            let seqs = Arc::make_mut(&mut self.seqs);
            seqs.drain(..seqs.partition_point(|seq| *seq < first));
        }
        let mut left = SEARCHED_BYTES;
        let contains = |seq: u64, left: &mut usize| {
            let raw = log.line(seq).map_or("", |entry| log.raw(entry));
            *left = left.saturating_sub(raw.len() + 64);
            find(raw, search).is_some()
        };
        let newer = lines.partition_point(|seq| *seq < self.to);
        for seq in lines.range(newer..) {
            if left == 0 {
                return true;
            }
            if contains(*seq, &mut left) {
                Arc::make_mut(&mut self.seqs).push_back(*seq);
            }
            self.to = seq + 1;
        }
        let older = lines.partition_point(|seq| *seq < self.from);
        for seq in lines.range(..older).rev() {
            if left == 0 {
                return true;
            }
            if contains(*seq, &mut left) {
                Arc::make_mut(&mut self.seqs).push_front(*seq);
            }
            self.from = *seq;
        }
        false
    }
}

impl RawState {
    /// Unfolds an event, or folds it.
    pub(super) fn toggle(&mut self, log: &EventLog, seq: u64, columns: usize) {
        if self.trees.remove(&seq).is_some() {
            self.order.retain(|open| *open != seq);
            return;
        }
        let Some((entry, _)) = event(log, seq) else { return };
        let mut tree = JsonTree::read(log.raw(entry), columns);
        tree.reveal(&self.found.search);
        self.trees.insert(seq, tree);
        self.order.push_back(seq);
        while self.order.len() > MOST_OPEN
            && let Some(oldest) = self.order.pop_front()
        {
            self.trees.remove(&oldest);
        }
    }

    /// Returns the beginning of an event's data, in which events differ; of one without any, or of a text that is no
    /// JSON, the beginning of the text. It is read once.
    pub(super) fn preview(&mut self, raw: &str, event: EventId) -> &str {
        self.previews.entry(event).or_insert_with(|| {
            let json = readable_json(raw);
            let data = json.as_deref().and_then(data_of).unwrap_or(raw);
            text::excerpt(data, PREVIEW_CHARS)
        })
    }

    /// Folds events that are no longer kept.
    pub(super) fn forget_before(&mut self, first: u64) {
        self.trees.retain(|seq, _| *seq >= first);
        self.order.retain(|seq| *seq >= first);
        if self.previews.len() > MOST_PREVIEWS {
            self.previews.clear();
        }
    }
}
