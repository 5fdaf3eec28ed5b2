//! Events as a file: NDJSON, which is a recording, or CSV.

use std::borrow::Cow;

use super::filter::LogFilter;
use super::line::{LineWords, attempt_of};
use super::view::LogView;
use crate::export::{Cell, Table, TableForm, foreign, plain};
use crate::model::{EventLog, LogEntry, LogItem};
use crate::text;

const CSV_COLUMNS: &[&str] =
    &["time", "received", "run_id", "song", "step", "attempt", "phase", "duration_ms", "text"];

/// Returns all events of a log that pass the filter, oldest first: as a table, or as NDJSON, in which each event is as
/// it was received and which Meterbridge opens as a recording.
pub(super) fn export_text(
    view: &LogView,
    log: &EventLog,
    filter: &LogFilter,
    form: TableForm,
) -> String {
    let model = &view.run_store.model;
    let entries = log.entries().iter().filter(|entry| filter.passes(model, log, entry));
    match form {
        TableForm::Ndjson => {
            let lines = entries.flat_map(|entry| [ndjson_line(log, entry), "\n".into()]);
            lines.collect()
        }
        TableForm::Csv => {
            let mut out = Vec::new();
            // Writing to memory does not fail.
            let written = Table::begin(&mut out, form, CSV_COLUMNS).and_then(|mut table| {
                entries.into_iter().try_for_each(|entry| table.row(csv_cells(entry, view)))
            });
            written.unwrap_or_default();
            String::from_utf8_lossy(&out).into_owned()
        }
    }
}

/// Returns an event as it was received, on one line. What is no event, or was cut, becomes a line of a
/// recording with that text, so that every line is JSON.
fn ndjson_line<'a>(log: &'a EventLog, entry: &'a LogEntry) -> Cow<'a, str> {
    // A line break in JSON is white space: within a text it is written as an escape.
    let raw = match &entry.item {
        LogItem::Event(_) => log.raw(entry),
        LogItem::ParseError(error) => &error.text,
    };
    let is_event = matches!(entry.item, LogItem::Event(_));
    // A field of this name would make it a line of a recording, and a cut text ends with this sign.
    if !is_event || raw.contains("\"recv_ms\"") || !raw.ends_with('}') {
        // A reader puts what has the time 0 where it stands.
        return serde_json::json!({ "recv_ms": 0, "text": raw }).to_string().into();
    }
    match raw.contains(['\n', '\r']) {
        true => raw.replace(['\n', '\r'], " ").into(),
        false => raw.into(),
    }
}

fn csv_cells<'a>(entry: &'a LogEntry, view: &LogView<'a>) -> [Cell<'a>; CSV_COLUMNS.len()] {
    let LineWords { phase, text, .. } = LineWords::new(entry, view);
    let received = plain(Some(entry.received_at));
    let none = || foreign(None);
    let text = Cell::Foreign(text::one_line(&text).into_owned().into());
    match &entry.item {
        LogItem::Event(event) => {
            let run = view.run_of(&event.run_id);
            let title = run.and_then(|run| run.song_title.as_deref().or(run.song_id.as_deref()));
            [
                plain(Some(event.at)),
                received,
                foreign(Some(&event.run_id)),
                foreign(title),
                foreign(event.node.as_deref()),
                plain(run.and_then(|run| attempt_of(run, event))),
                Cell::Foreign(text::one_line(&phase).into_owned().into()),
                plain(event.duration_ms),
                text,
            ]
        }
        LogItem::ParseError(_) => {
            let phase = Cell::Plain(phase.to_string());
            [none(), received, none(), none(), none(), none(), phase, none(), text]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::filter::{KindFilter, LineKind, NodeFilter};
    use super::*;
    use crate::app::panel::testing::{frame, receive, run_store, zone};
    use crate::app::state::run_store::RunStore;
    use crate::protocol::{Batch, Item};

    fn store() -> RunStore {
        let title = r#"{"song_title":"=Glass, \"Harbour\""}"#;
        let mut run_store = run_store(&[
            &frame(0, "run-1", None, "start", title),
            &frame(1, "run-1", Some("PLAN"), "start", "{\"message\":\n\"a\\nb\",\r\n\"x\":1}"),
            &frame(2, "run-1", Some("PLAN"), "end", r#"{"duration_ms":2100}"#),
            &frame(3, "run-2", Some("PLAN"), "fail", r#"{"error":"quota","recv_ms":5}"#),
            "[{\"nonsense\": 1}, {\"half\"",
        ]);
        let long = format!(r#"{{"message":"{}"}}"#, "x".repeat(70_000));
        receive(&mut run_store, &[&frame(4, "run-2", None, "info", &long)]);
        receive(&mut run_store, &["data: {\"run_id\": \"r\",\nthe end", "\"text\"", "12"]);
        receive(&mut run_store, &[&frame(5, "run-2", None, "end", "{}")]);
        run_store
    }

    fn exported(run_store: &RunStore, filter: &LogFilter, form: TableForm) -> String {
        let zone = zone();
        let view = LogView { run_store, run: None, zone: &zone };
        export_text(&view, view.log(), filter, form)
    }

    /// Decodes a file as a recording.
    fn reread(file: &str) -> Vec<Item> {
        let mut batch = Batch::new("2025-11-13T12:00:00Z".parse().unwrap(), true);
        let summary = crate::source::recording::read(file.as_bytes(), |frame| {
            frame.push_into(&mut batch);
        });
        assert_eq!(summary.unwrap().malformed_lines, 0, "every line is JSON");
        batch.items
    }

    #[test]
    fn exported_ndjson_is_a_recording_of_the_same_events() {
        let run_store = store();
        let file = exported(&run_store, &LogFilter::default(), TableForm::Ndjson);
        let log = run_store.model.log();
        assert_eq!(file.lines().count(), log.entries().len());
        assert!(file.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
        let items = reread(&file);
        assert_eq!(items.len(), log.entries().len());
        for (item, line) in items.iter().zip(log.entries().iter()) {
            match (item, &line.item) {
                (Item::Event(reread), LogItem::Event(event)) => assert_eq!(reread, event),
                (Item::Malformed(reread), LogItem::ParseError(error)) => {
                    assert_eq!(reread.text, error.text);
                }
                // Only the beginning of this one was kept.
                (Item::Malformed(_), LogItem::Event(_)) => assert!(log.raw(line).ends_with('…')),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn only_what_is_filtered_is_exported() {
        let run_store = store();
        let filter = LogFilter {
            run: Some("run-1".into()),
            node: NodeFilter::Node("PLAN".into()),
            kind: KindFilter::Kind(LineKind::Started),
            words: LogFilter::words_of("message"),
        };
        let file = exported(&run_store, &filter, TableForm::Ndjson);
        let items = reread(&file);
        let [Item::Event(event)] = &items[..] else { panic!("{items:?}") };
        assert_eq!((event.node.as_deref(), event.message()), (Some("PLAN"), Some("a\nb")));
    }

    #[test]
    fn exported_csv_is_a_table_without_formulas() {
        let run_store = store();
        let filter = LogFilter { run: Some("run-1".into()), ..LogFilter::default() };
        let file = exported(&run_store, &filter, TableForm::Csv);
        let rows: Vec<&str> = file.split_terminator("\r\n").collect();
        assert_eq!(rows[0], CSV_COLUMNS.join(","));
        let start = "2025-11-13T10:00:00Z,2025-11-13T12:00:00Z,run-1,\"'=Glass, \"\"Harbour\"\"\",,,started,,";
        assert_eq!(rows[1], start);
        assert!(rows[3].ends_with(",PLAN,1,done,2100,2.1 s"), "{}", rows[3]);
        assert_eq!(rows.len(), 4);
    }
}
