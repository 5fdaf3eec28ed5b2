//! First row of the event log: events that are no longer kept.

use jiff::Timestamp;

use super::hold::Hold;
use super::index::LogIndex;
use super::view::LogView;
use crate::app::words::count_words;
use crate::model::EventLog;

/// First row of the log, about events that are no longer kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FirstRow {
    pub words: String,
    /// Instant to which a rewind shows the events that are missing; `None` where none is in reach.
    pub rewind_to: Option<Timestamp>,
}

/// Returns the first row; `None` while nothing is missing.
pub(super) fn first_row(
    view: &LogView,
    log: &EventLog,
    index: &LogIndex,
    hold: Option<&Hold>,
) -> Option<FirstRow> {
    let dropped = log.first_seq();
    // The older lines of a past instant come a little later than the others.
    if dropped == 0 || view.run_store.lacks_log() {
        return None;
    }
    let missing = match &index.filter().run {
        Some(run) => {
            let run = view.run_of(run)?;
            if !index.lacks_events_of(run, log) {
                return None;
            }
            "older events of this run are no longer kept".to_owned()
        }
        None if dropped == 1 => "1 older event is no longer kept".to_owned(),
        None => format!("{} older events are no longer kept", count_words(dropped)),
    };
    let lost = hold.map_or(0, Hold::lost);
    if lost > 0 {
        let lost = count_words(lost);
        return Some(FirstRow {
            words: format!("{missing}, {lost} of them since the pause"),
            rewind_to: None,
        });
    }
    // A rewind shows the log as it was at the instant, with older lines.
    let first_at = log.entries().front().map(|entry| entry.received_at);
    let own = view.run_store.oldest();
    let in_reach = view.run_store.oldest_in_reach();
    let is_before = |at: &Timestamp| first_at.is_some_and(|first| *at < first);
    let rewind_to = first_at.filter(|_| in_reach.is_some_and(|at| is_before(&at)));
    let words = match (own.filter(is_before), rewind_to) {
        (_, None) => missing,
        (Some(_), Some(_)) => format!("{missing}: rewind to see them"),
        (None, Some(_)) => format!("{missing} here: rewind to fetch them from the hub"),
    };
    Some(FirstRow { words, rewind_to })
}

#[cfg(test)]
mod tests {
    use super::super::filter::LogFilter;
    use super::super::index::Lines;
    use super::*;
    use crate::app::panel::testing::{frame, receive, zone};
    use crate::app::state::run_store::RunStore;
    use crate::model::Retention;

    fn row(run_store: &RunStore, run: Option<&str>) -> Option<FirstRow> {
        let zone = zone();
        let view = LogView { run_store, run: None, zone: &zone };
        let filter = LogFilter { run: run.map(Into::into), ..LogFilter::default() };
        let mut index = LogIndex::default();
        let (log, model) = (view.log(), &run_store.model);
        index.update(Lines { log, model, generation: 0 }, &filter, &mut 1_000);
        first_row(&view, log, &index, None)
    }

    #[test]
    fn dropped_events_are_counted_and_those_of_a_run_are_said() {
        let mut run_store = RunStore::new(Retention { log_events: 10, ..Retention::default() });
        let write = |run_store: &mut RunStore, run: &str, from: u32, to: u32| {
            for n in from..to {
                receive(
                    run_store,
                    &[&frame(n, run, Some("PLAN"), "progress", &format!(r#"{{"n":{n}}}"#))],
                );
            }
        };
        write(&mut run_store, "old", 0, 10);
        assert_eq!((row(&run_store, None), row(&run_store, Some("old"))), (None, None));
        write(&mut run_store, "new", 10, 15);
        let words = |run| row(&run_store, run).map(|row| row.words);
        let all = words(None).unwrap();
        assert!(all.starts_with("5 older events are no longer kept"), "{all}");
        let old = words(Some("old")).unwrap();
        assert!(old.starts_with("older events of this run are no longer kept"), "{old}");
        assert_eq!(words(Some("new")), None);
        assert_eq!(words(Some("unknown")), None);
    }
}
