//! Words of one line of the event log.

use std::borrow::Cow;

use jiff::Timestamp;

use super::filter::LineKind;
use super::view::LogView;
use crate::app::state::clock::millis_between;
use crate::app::words::{
    self, clock_words, duration_words, number_words, one_line, score_words, time_words,
};
use crate::model::{LogEntry, LogItem, Node, Run};
use crate::protocol::{MAX_FIX_PASSES, Phase, WorkflowEvent};

/// Words of a line, by column.
pub(super) struct LineWords {
    pub time: String,
    /// Time since the run's start, `+1:55`; empty where it is not known.
    pub offset: String,
    /// Name of the run; a dash for an unreadable line.
    pub run: String,
    pub node: String,
    pub phase: String,
    pub text: String,
}

impl LineWords {
    pub(super) fn new(entry: &LogEntry, view: &LogView) -> Self {
        let event = match &entry.item {
            LogItem::Event(event) => event,
            LogItem::ParseError(error) => {
                return Self {
                    time: time_words(entry.received_at, view.zone),
                    offset: String::new(),
                    run: "–".to_owned(),
                    node: "–".to_owned(),
                    phase: LineKind::Unreadable.words().to_owned(),
                    text: one_line(&format!("{}: {}", error.reason, error.text)),
                };
            }
        };
        let run = view.run_of(&event.run_id);
        Self {
            time: time_words(event.at, view.zone),
            offset: run.and_then(|run| offset_words(run, event.at)).unwrap_or_default(),
            run: run_words(event, view),
            node: event.node.as_deref().unwrap_or("workflow").to_owned(),
            phase: phase_words(entry).into_owned(),
            text: event_words(event, run),
        }
    }
}

/// Returns the name of an event's run, which may have been dropped.
pub(super) fn run_words(event: &WorkflowEvent, view: &LogView) -> String {
    view.run_of(&event.run_id)
        .map_or_else(|| view.run_store.short_id(&event.run_id), |run| view.run_store.name(run))
}

/// Word for the phase of a line.
pub(super) fn phase_words(entry: &LogEntry) -> Cow<'_, str> {
    match &entry.item {
        LogItem::Event(event) => words::phase_words(event),
        LogItem::ParseError(_) => LineKind::Unreadable.words().into(),
    }
}

/// Time of an event since the start of its execution, `+1:55`, or before the first one, `−0:05`. `None`
/// where no start is known.
pub(super) fn offset_words(run: &Run, at: Timestamp) -> Option<String> {
    let earlier = run.history.iter().map(|execution| execution.started_at);
    let starts = earlier.chain([run.started_at]).flatten();
    let start = starts.clone().filter(|start| *start <= at).max().or_else(|| starts.min())?;
    Some(match start <= at {
        true => format!("+{}", clock_words(millis_between(start, at))),
        false => format!("−{}", clock_words(millis_between(at, start))),
    })
}

/// Returns the number of the attempt of its node that an event belongs to, from 1 on, as far as it is one
/// of the current execution and its start is known.
pub(super) fn attempt_of(run: &Run, event: &WorkflowEvent) -> Option<u32> {
    if run.started_at.is_some_and(|start| event.at < start) {
        return None;
    }
    let node = run.node(event.node.as_deref()?)?;
    attempt_at(node, event.at, matches!(event.phase, Phase::End | Phase::Fail))
}

/// Returns the number of a node's attempt at an instant, from 1 on. An attempt may begin at the instant at
/// which the one before ended: `is_end` says which one is meant.
pub(in crate::app::panel) fn attempt_at(node: &Node, at: Timestamp, is_end: bool) -> Option<u32> {
    let attempts = node.history();
    let ended = || attempts.iter().position(|attempt| attempt.ended_at == Some(at));
    let begun = || attempts.iter().rposition(|it| it.started_at.is_none_or(|start| start <= at));
    let place = if is_end { ended().or_else(begun) } else { begun() }?;
    let dropped = node.attempts.saturating_sub(u32::try_from(attempts.len()).ok()?);
    Some(dropped + u32::try_from(place).ok()? + 1)
}

/// Details of an event besides its phase, in one line. A run of the model tells the fix pass.
pub(super) fn event_words(event: &WorkflowEvent, run: Option<&Run>) -> String {
    let mut parts = Vec::new();
    if event.phase == Phase::Fail {
        parts.push(one_line(event.error_text()));
    }
    if event.phase == Phase::Start {
        parts.extend(run.and_then(|run| fix_words(run, event)));
    }
    if let Some(millis) = event.duration_ms {
        parts.push(duration_words(millis));
    }
    if let Some(percent) = event.detail.as_ref().and_then(|detail| detail.progress_percent) {
        parts.push(format!("{percent:.0} %"));
    }
    if let Some(message) = event.message() {
        let message = one_line(message);
        if !parts.contains(&message) {
            parts.push(message);
        }
    }
    let total = event.scores().iter().find(|(name, _)| name == "total");
    if let Some((name, score)) = total.or(event.scores().first()) {
        parts.push(format!("{} {}", score_words(name), number_words(*score)));
    }
    match event.detail.as_ref().map_or(0, |detail| detail.artifacts.len()) {
        0 => {}
        1 => parts.push("1 artifact".to_owned()),
        count => parts.push(format!("{count} artifacts")),
    }
    parts.join(", ")
}

/// Fix pass that begins with an event, `fix 1 of 3`, or that a step follows, `after fix 1`.
fn fix_words(run: &Run, event: &WorkflowEvent) -> Option<String> {
    match event.node.as_deref()? {
        "FIX" => attempt_of(run, event).map(|pass| format!("fix {pass} of {MAX_FIX_PASSES}")),
        "COMPOSE" | "VALIDATE" if attempt_of(run, event) > Some(1) => {
            let pass = attempt_at(run.node("FIX")?, event.at, false)?;
            Some(format!("after fix {pass}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panel::testing::{frame, receive, run_store};
    use crate::app::state::run_store::RunStore;
    use jiff::tz::TimeZone;

    fn lines(run_store: &RunStore) -> Vec<LineWords> {
        let view = LogView { run_store, run: None, zone: &TimeZone::UTC };
        view.log().entries().iter().map(|entry| LineWords::new(entry, &view)).collect()
    }

    #[test]
    fn lines_of_runs_that_look_alike_differ() {
        let alike = ["linux", "macos"].map(|name| format!("nightly-build-{name}-0001"));
        let frames = [
            frame(0, &alike[0], None, "start", "{}"),
            frame(0, &alike[1], None, "start", "{}"),
            frame(0, "run-1", None, "start", r#"{"song_title":"Neon Rain"}"#),
            frame(0, "run-2", None, "start", r#"{"song_title":"Neon Rain"}"#),
            frame(0, "run-3", None, "start", r#"{"song_title":"Glass Harbour"}"#),
        ];
        let mut run_store = run_store(&frames.each_ref().map(String::as_str));
        let runs = |run_store: &RunStore| -> Vec<String> {
            lines(run_store).into_iter().map(|line| line.run).collect()
        };
        let expected =
            ["…linux…", "…macos…", "run-1 · Neon Rain", "run-2 · Neon Rain", "Glass Harbour"];
        assert_eq!(runs(&run_store), expected);
        // The log names a run that the model has dropped by its id.
        run_store.model.forget(&alike[0], "2025-11-13T12:00:00Z".parse().unwrap());
        assert_eq!(runs(&run_store)[0], "…linux…");
    }

    #[test]
    fn event_details_fit_one_line() {
        let check = |phase: &str, data: &str, expected: &str| {
            let run_store = run_store(&[&frame(0, "r", Some("VALIDATE"), phase, data)]);
            assert_eq!(lines(&run_store)[0].text, expected);
        };
        check("fail", r#"{"error_message":"a\nb"}"#, "a b");
        check("end", r#"{"duration_ms":4100,"scores":{"a":1,"total":0.74}}"#, "4.1 s, score 0.74");
        check("progress", r#"{"progress_percentage":61.2,"message":"chorus"}"#, "61 %, chorus");
        check("end", r#"{"artifacts":["a.wav","b.md"]}"#, "2 artifacts");
    }

    #[test]
    fn unreadable_line_shows_its_reason_with_the_position_and_its_text() {
        let mut run_store = run_store(&[]);
        receive(&mut run_store, &["{\"run_id\": nonsense"]);
        let line = &lines(&run_store)[0];
        assert!(line.text.contains("column"), "{}", line.text);
        assert!(line.text.ends_with(r#": {"run_id": nonsense"#), "{}", line.text);
        assert_eq!((&*line.phase, &*line.time), ("unreadable", "12:00:00"));
    }

    #[test]
    fn starts_tell_the_fix_pass_and_offsets_the_time_in_the_run() {
        let mut second = 0;
        let mut event = |node: Option<&str>, phase: &str| {
            second += 5;
            frame(second, "run-1", node, phase, "{}")
        };
        let mut frames = vec![event(None, "info"), event(None, "start")];
        for node in ["COMPOSE", "VALIDATE"] {
            frames.extend([event(Some(node), "start"), event(Some(node), "end")]);
        }
        for _ in 0..2 {
            for node in ["FIX", "COMPOSE", "VALIDATE"] {
                frames.extend([event(Some(node), "start"), event(Some(node), "end")]);
            }
        }
        let run_store = run_store(&frames.iter().map(String::as_str).collect::<Vec<_>>());
        let lines = lines(&run_store);
        let words = |node: &str| -> Vec<&str> {
            let starts = lines.iter().filter(|it| it.node == node && it.phase == "started");
            starts.map(|line| line.text.split(", ").next().unwrap()).collect()
        };
        assert_eq!(words("FIX"), ["fix 1 of 3", "fix 2 of 3"]);
        assert_eq!(words("COMPOSE"), ["", "after fix 1", "after fix 2"]);
        assert_eq!(words("VALIDATE"), ["", "after fix 1", "after fix 2"]);
        let offsets: Vec<&str> = lines.iter().map(|line| &*line.offset).take(4).collect();
        assert_eq!(offsets, ["−0:05", "+0:00", "+0:05", "+0:10"]);

        let run = run_store.model.run("run-1").unwrap();
        let attempts = run_store.model.log().entries().iter().filter_map(|entry| {
            let LogItem::Event(event) = &entry.item else { return None };
            attempt_of(run, event)
        });
        let expected = [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3];
        assert_eq!(attempts.collect::<Vec<_>>(), expected);
    }
}
