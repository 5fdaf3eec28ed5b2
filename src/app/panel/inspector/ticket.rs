//! Text about a run for a ticket.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::choice::attempt_of;
use crate::app::panel::run_words::elapsed_ms;
use crate::app::state::run_store::RunStore;
use crate::app::state::status::{node_status_words, run_status_words};
use crate::app::words::{clock_words, duration_words, instant_words};
use crate::model::{NodeStatus, Run, RunStatus, failure_words};
use crate::text;
use crate::timeline::RunBars;

/// Returns song, run, attempt, step, seed, time, status and error of a run as text with one fact on each
/// line. `place` is the step with the number of its attempt, from 1; `None` for the failed one, else none.
pub(in crate::app::panel) fn ticket_text(
    run: &Run,
    place: Option<(&str, u32)>,
    run_store: &RunStore,
    server_now: Timestamp,
    zone: &TimeZone,
) -> String {
    let failed = run.failed_node().filter(|_| run.status == RunStatus::Failed);
    let place = place.or_else(|| failed.map(|node| (node.name.as_str(), node.attempts)));
    let mut lines: Vec<(&str, String)> = Vec::new();
    let title = run.song_title.as_deref().map(text::name);
    let song = match (title, run.song_id.as_deref().map(text::name)) {
        (Some(title), Some(id)) => format!("{title} ({id})"),
        (Some(name), None) | (None, Some(name)) => name.into_owned(),
        (None, None) => "unknown".to_owned(),
    };
    lines.push(("Song", song));
    lines.push(("Run", text::name(run.id()).into_owned()));
    if let Some(story) = run_store.song_story(run) {
        let failed = match story.failed_before {
            0 => String::new(),
            failed => format!(", {failed} failed before"),
        };
        lines.push(("Attempt", format!("{} of this song{failed}", story.attempt)));
    }
    if run.executions > 1 {
        lines.push(("Execution", run.executions.to_string()));
    }
    let node = place.and_then(|(name, number)| Some((run.node(name)?, number)));
    let attempt = node.and_then(|(node, number)| attempt_of(node, number));
    if let Some((node, number)) = node {
        lines.push(("Step", step_words(run, &node.name, number, server_now)));
        let status = attempt.map_or(node.status, |attempt| attempt.status);
        let took = attempt.and_then(|attempt| attempt.duration_ms).map(duration_words);
        let took = took.map_or_else(String::new, |took| format!(" after {took}"));
        lines.push(("Step status", format!("{}{took}", node_status_words(status))));
    }
    if let Some(seed) = run.seed {
        lines.push(("Seed", seed.to_string()));
    }
    let time = |at: Option<Timestamp>| at.map(|at| instant_words(at, zone));
    let started = time(run.started_at.or(run.created_at).map(|_| run.begun_at()));
    lines.extend(started.map(|at| ("Started", at)));
    let ended = attempt.and_then(|attempt| attempt.ended_at).filter(|_| failed.is_some());
    let ended = time(ended.or(run.ended_at));
    lines.extend(ended.map(|at| ("Ended", at)));
    let took = elapsed_ms(run, server_now);
    let took = took.map_or_else(String::new, |took| format!(", {}", clock_words(took)));
    lines.push(("Status", format!("{}{took}", run_status_words(run.status))));
    let of_attempt = attempt.and_then(|attempt| attempt.error.as_deref());
    let of_run = run.error.as_deref().filter(|_| run.status == RunStatus::Failed);
    let is_refused = attempt.is_some_and(|attempt| attempt.status != NodeStatus::Failed);
    let error = of_attempt.or(of_run.filter(|_| !is_refused || node.is_none()));
    if let Some(error) = error {
        lines.push(("Error", text::clean(error).trim_end().to_owned()));
    } else if let Some((_, reason)) = failure_words(run) {
        lines.push(("Error", text::clean(&reason).into_owned()));
    }
    let mut ticket = String::new();
    for (name, value) in lines {
        ticket.push_str(name);
        ticket.push_str(": ");
        ticket.push_str(&value);
        ticket.push('\n');
    }
    ticket
}

/// Returns a step with its fix pass and attempt: "VALIDATE after fix 1, attempt 2".
fn step_words(run: &Run, node: &str, number: u32, now: Timestamp) -> String {
    let bars = RunBars::of(run, now);
    let bar = bars
        .bars
        .iter()
        .find(|bar| bar.node == node && super::choice::number_of(run, bar) == number);
    let mut words = match bar {
        Some(bar) => super::words::bar_words(bar),
        None => node.to_owned(),
    };
    if run.node(node).is_some_and(|node| node.attempts > 1) {
        words.push_str(&format!(", attempt {number}"));
    }
    words
}
