//! Words about runs, bars and scores that several sections use.

use bevy::color::{Color, Luminance};
use jiff::Timestamp;

use crate::app::state::clock::millis_between;
use crate::app::state::run_view::queued_ms;
use crate::app::theme::Palette;
use crate::app::words::{clock_words, duration_words, number_words};
use crate::model::{NodeStatus, Run, RunStatus};
use crate::timeline::Bar;

/// Differences of a duration up to here are none, in milliseconds.
const LEVEL_MS: u64 = 50;

/// Returns the step and fix pass of a bar: "VALIDATE after fix 1", "FIX 1".
pub(in crate::app::panel) fn bar_words(bar: &Bar) -> String {
    match bar.fix {
        0 => bar.node.to_string(),
        fix if bar.node == "FIX" => format!("FIX {fix}"),
        fix => format!("{} after fix {fix}", bar.node),
    }
}

/// Returns how long a bar took, or has taken: "4.0 s", "0:35 so far".
pub(in crate::app::panel) fn bar_time_words(bar: &Bar) -> String {
    match bar.took_ms() {
        Some(ms) if bar.is_open => format!("{} so far", clock_words(ms)),
        Some(ms) => duration_words(ms),
        None => "time not known".to_owned(),
    }
}

/// Colour of a bar of a run, and of the text on it; `None` where it is drawn as a dashed frame.
pub(in crate::app::panel) fn bar_tones(
    bar: &Bar,
    palette: &Palette,
    is_before: bool,
) -> Option<(Color, Color)> {
    let done = if is_before { palette.success_floor } else { palette.success_dense };
    let fill = match bar.status {
        _ if bar.stopped => palette.cancelled,
        NodeStatus::Running => palette.running,
        NodeStatus::Failed => palette.failed,
        NodeStatus::Success if bar.node == "FIX" => palette.text,
        NodeStatus::Success => done,
        NodeStatus::Pending | NodeStatus::Skipped | NodeStatus::Unknown => return None,
    };
    Some((fill, text_on(fill, palette)))
}

/// Returns the colour of text that is read best on `fill`: that of text, or that of the ground.
fn text_on(fill: Color, palette: &Palette) -> Color {
    let contrast = |ink: Color| {
        let (a, b) = (fill.luminance() + 0.05, ink.luminance() + 0.05);
        (a / b).max(b / a)
    };
    if contrast(palette.text) >= contrast(palette.bg) { palette.text } else { palette.bg }
}

/// Returns the score with its sign: "+0.15", "−0.02", "0.00".
pub(in crate::app::panel) fn score_change_words(change: f64) -> String {
    match number_words(change.abs()) {
        _ if change.abs() < 0.005 => "0.00".to_owned(),
        words if change < 0.0 => format!("−{words}"),
        words => format!("+{words}"),
    }
}

/// Returns a difference of durations: sign and seconds with tenths, from 10 s on minutes and seconds.
pub(in crate::app::panel) fn time_change_words(ms: i64) -> String {
    let words = duration_words(ms.unsigned_abs());
    match ms {
        ms if ms.unsigned_abs() < LEVEL_MS => words,
        ..0 => format!("−{words}"),
        _ => format!("+{words}"),
    }
}

/// Word and number for how long a run has been going or took, with its time in the queue: ("elapsed", "3:15").
pub(in crate::app::panel) fn elapsed_words(
    run: &Run,
    server_now: Timestamp,
) -> (&'static str, String) {
    let begun = run.started_at.unwrap_or(run.first_event_at());
    let (word, own_ms) = match run.status {
        RunStatus::Pending => ("queued", millis_between(run.first_event_at(), server_now)),
        RunStatus::Running => ("elapsed", millis_between(begun, server_now)),
        over => {
            let word = if over == RunStatus::Completed { "took" } else { "stopped after" };
            let until = run.ended_at.unwrap_or(run.last_event_at());
            (word, run.duration_ms.unwrap_or_else(|| millis_between(begun, until)))
        }
    };
    (word, clock_words(own_ms.saturating_add(queued_ms(run))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_have_a_sign_unless_they_are_none() {
        assert_eq!(score_change_words(0.15), "+0.15");
        assert_eq!(score_change_words(-0.021), "−0.02");
        assert_eq!(score_change_words(0.001), "0.00");
        assert_eq!(score_change_words(0.0), "0.00");
        assert_eq!(time_change_words(-8_000), "−8.0 s");
        assert_eq!(time_change_words(1_000), "+1.0 s");
        assert_eq!(time_change_words(40), "0.0 s");
        assert_eq!(time_change_words(83_000), "+1:23");
    }
}
