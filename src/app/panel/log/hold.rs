//! Lines that a paused log keeps, although the model drops them.

use jiff::Timestamp;

use super::index::NewerCount;
use crate::model::{EventLog, LogItem};

/// Limits on lines that only a paused log keeps: their number, and their size in bytes.
const MOST_HELD_LINES: u64 = 100_000;
const MOST_HELD_BYTES: usize = 128 << 20;

/// The log as it was when it was paused, with the lines that the model has dropped since. It shares the
/// memory of the others with the model.
#[derive(Clone, Debug)]
pub(super) struct Hold {
    log: EventLog,
    /// Instant of the last line.
    at: Option<Timestamp>,
    /// True when the user scrolled up, in which case scrolling to the end follows again.
    pub is_by_scroll: bool,
    pub newer: NewerCount,
    /// Number of lines that were held, and dropped at the limits.
    lost: u64,
    /// First kept line of the model when the limits were last checked.
    checked_at: u64,
}

impl Hold {
    /// Holds all lines that are kept now.
    pub(super) fn new(log: &EventLog, is_by_scroll: bool) -> Self {
        let at = log.entries().back().map(|entry| match &entry.item {
            LogItem::Event(event) => event.at,
            LogItem::ParseError(_) => entry.received_at,
        });
        Self {
            log: log.clone(),
            at,
            is_by_scroll,
            newer: NewerCount::from(log.written()),
            lost: 0,
            checked_at: 0,
        }
    }

    /// The lines that are held.
    pub(super) fn log(&self) -> &EventLog {
        &self.log
    }

    /// Instant of the last line that is held; `None` where there is none.
    pub(super) fn at(&self) -> Option<Timestamp> {
        self.at
    }

    /// Number of lines that were held, and dropped at the limits.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Drops the oldest lines where the model has dropped more than are held.
    pub(super) fn trim(&mut self, live: &EventLog) {
        self.trim_to(live, MOST_HELD_LINES, MOST_HELD_BYTES);
    }

    fn trim_to(&mut self, live: &EventLog, most_lines: u64, most_bytes: usize) {
        let first = live.first_seq();
        if self.checked_at == first {
            return;
        }
        self.checked_at = first;
        let before = self.log.first_seq();
        self.log.drop_before(first.saturating_sub(most_lines));
        let mut surplus = self.log.bytes_before(first).saturating_sub(most_bytes);
        while surplus > 0 {
            // Lines of one block are freed together.
            self.log.drop_before(self.log.first_seq() + 1 + most_lines / 1_000);
            surplus = self.log.bytes_before(first).saturating_sub(most_bytes);
        }
        self.lost += self.log.first_seq() - before;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panel::testing::{frame, receive};
    use crate::app::state::run_store::RunStore;
    use crate::model::Retention;

    #[test]
    fn held_lines_are_bounded_and_lost_ones_counted() {
        let mut run_store = RunStore::new(Retention { log_events: 5_000, ..Retention::default() });
        let write = |run_store: &mut RunStore, from: u32, to: u32| {
            let frames: Vec<String> = (from..to)
                .map(|n| frame(n % 3_600, "run-1", None, "info", &format!(r#"{{"n":{n}}}"#)))
                .collect();
            receive(run_store, &frames.iter().map(String::as_str).collect::<Vec<_>>());
        };
        write(&mut run_store, 0, 5_000);
        let mut hold = Hold::new(run_store.model.log(), false);
        assert_eq!(hold.at(), Some("2025-11-13T10:23:19Z".parse().unwrap()));
        write(&mut run_store, 5_000, 12_000);
        let live = run_store.model.log();
        hold.trim_to(live, 100_000, usize::MAX);
        assert_eq!(
            (hold.log().entries().len(), hold.lost()),
            (5_000, 0),
            "the model has none of them"
        );
        hold.checked_at = 0;
        hold.trim_to(live, 3_000, usize::MAX);
        assert_eq!((hold.log().first_seq(), hold.lost()), (4_000, 4_000));
        let mut hold = Hold { checked_at: 0, lost: 0, ..Hold::new(live, false) };
        write(&mut run_store, 12_000, 18_000);
        let bytes = hold.log().bytes_before(u64::MAX);
        hold.trim_to(run_store.model.log(), 100_000, bytes / 2);
        assert!(hold.log().bytes_before(u64::MAX) <= bytes / 2);
        assert_eq!(hold.lost(), hold.log().first_seq() - 7_000);
        assert!((1_000..5_000).contains(&hold.lost()), "{}", hold.lost());
    }
}
