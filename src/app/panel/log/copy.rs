//! Text of chosen events, for a ticket.

use super::line::{LineWords, attempt_of, offset_words, phase_words};
use super::view::LogView;
use crate::app::words::{count_words, instant_words};
use crate::model::{EventLog, LogEntry, LogItem, Run};
use crate::protocol::{Phase, WorkflowEvent};
use crate::text;

/// Maximum number of events of one text.
const MOST_EVENTS: usize = 2_000;

/// Maximum number of bytes of one error.
const MOST_ERROR_BYTES: usize = 16 << 10;

/// Returns the text of events: for each run a line about it, and a line for each event, with the whole
/// error of one that failed.
pub(super) fn ticket_text(
    view: &LogView,
    log: &EventLog,
    seqs: impl ExactSizeIterator<Item = u64>,
) -> String {
    let left_out = seqs.len().saturating_sub(MOST_EVENTS);
    let mut lines: Vec<String> = Vec::new();
    let mut last_run = None;
    for entry in seqs.take(MOST_EVENTS).filter_map(|seq| log.line(seq)) {
        match &entry.item {
            LogItem::Event(event) => {
                if last_run != Some(&event.run_id) {
                    last_run = Some(&event.run_id);
                    lines.push(run_line(event, view));
                }
                push_event(&mut lines, entry, event, view);
            }
            LogItem::ParseError(error) => {
                let at = instant_words(entry.received_at, view.zone);
                lines.push(format!("{at}  unreadable: {}", error.reason));
                lines.push(format!("    {}", error.text));
            }
        }
    }
    if left_out > 0 {
        lines.push(format!("and {} more events", count_words(left_out as u64)));
    }
    lines.join("\n")
}

/// Describes the run of an event: name, song, id, seed, attempt.
fn run_line(event: &WorkflowEvent, view: &LogView) -> String {
    let id = text::name(&event.run_id);
    let Some(run) = view.run_of(&event.run_id) else { return format!("run {id}") };
    let mut parts = Vec::new();
    if let Some(title) = run.song_title.as_deref() {
        parts.push(text::name(title).into_owned());
    }
    if let Some(song) = run.song_id.as_deref() {
        parts.push(format!("song {}", text::name(song)));
    }
    parts.push(format!("run {id}"));
    if let Some(story) = view.run_store.song_story(run) {
        parts.push(format!("attempt {}", story.attempt));
    }
    if let Some(seed) = run.seed {
        parts.push(format!("seed {seed}"));
    }
    parts.join(", ")
}

fn push_event(lines: &mut Vec<String>, entry: &LogEntry, event: &WorkflowEvent, view: &LogView) {
    let run: Option<&Run> = view.run_of(&event.run_id);
    let words = LineWords::new(entry, view);
    let mut line = instant_words(event.at, view.zone);
    if let Some(offset) = run.and_then(|run| offset_words(run, event.at)) {
        line.push_str(&format!("  {offset}"));
    }
    line.push_str(&format!("  {}", words.node));
    if let Some(attempt) = run.and_then(|run| attempt_of(run, event)).filter(|it| *it > 1) {
        line.push_str(&format!(" (attempt {attempt})"));
    }
    line.push_str(&format!(" {}", phase_words(entry)));
    let error = (event.phase == Phase::Fail).then(|| text::clean(event.error_text()));
    let is_long = error.as_ref().is_some_and(|error| !words.text.contains(&**error));
    if !words.text.is_empty() && !is_long {
        line.push_str(&format!(": {}", words.text));
    }
    lines.push(line);
    if let Some(error) = error.filter(|_| is_long) {
        let error = text::head_of(&error, MOST_ERROR_BYTES);
        lines.extend(error.lines().map(|line| format!("    {line}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panel::testing::{frame, receive, run_store, zone};

    #[test]
    fn text_of_events_names_song_run_seed_attempt_time_and_error() {
        let start = r#"{"song_title":"Glass Harbour","song_id":"song-7","global_seed":1187}"#;
        let error = r#"{"error":"Traceback:\n  File \"x\"\nquota exceeded"}"#;
        let mut run_store = run_store(&[
            &frame(52, "run-1", None, "start", start),
            &frame(60, "run-1", Some("PLAN"), "start", "{}"),
            &frame(61, "run-1", Some("PLAN"), "end", "{}"),
            &frame(62, "run-1", Some("PLAN"), "start", "{}"),
            &frame(75, "run-1", Some("PLAN"), "fail", error),
            &frame(76, "run-2", None, "fail", r#"{"error":"no skill"}"#),
        ]);
        receive(&mut run_store, &["{ not json"]);
        let zone = zone();
        let view = LogView { run_store: &run_store, run: None, zone: &zone };
        let copied = ticket_text(&view, view.log(), [0_u64, 4, 5, 6].into_iter());
        let lines: Vec<&str> = copied.lines().collect();
        assert_eq!(lines[0], "Glass Harbour, song song-7, run run-1, seed 1187");
        assert_eq!(lines[1], "2025-11-13 10:00:52.000 +00:00  +0:00  workflow started");
        assert_eq!(lines[2], "2025-11-13 10:01:15.000 +00:00  +0:23  PLAN (attempt 2) failed");
        assert_eq!(lines[3..6], ["    Traceback:", "      File \"x\"", "    quota exceeded"]);
        assert_eq!(lines[6], "run run-2");
        assert!(lines[7].ends_with("workflow failed: no skill"), "{}", lines[7]);
        assert!(
            lines[8].starts_with("2025-11-13 12:00:00.000 +00:00  unreadable: "),
            "{}",
            lines[8]
        );
        assert_eq!(lines[9], "    { not json");
    }

    #[test]
    fn long_choice_is_cut_and_says_so() {
        let run_store = run_store(&[&frame(0, "run-1", None, "start", "{}")]);
        let zone = zone();
        let view = LogView { run_store: &run_store, run: None, zone: &zone };
        let copied = ticket_text(&view, view.log(), vec![0; 3_500].into_iter());
        assert!(copied.ends_with("\nand 1,500 more events"));
    }
}
