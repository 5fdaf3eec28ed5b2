//! Contents of a tile: texts and numbers, without places or colours.

use jiff::Timestamp;

use crate::app::state::clock::millis_between;
use crate::app::state::run_store::RunStore;
use crate::app::state::run_view::{
    FailureView, FixView, ModuleView, Remaining, StageView, remaining,
};
use crate::app::words::{ago_words, clock_words, countdown_words, names_words, number_words};
use crate::model::{NodeStatus, Run, RunStatus};
use crate::protocol::{MAX_FIX_PASSES, RunId};

/// Age from which a failure is no longer news, in milliseconds.
const OLD_FAILURE_MS: u64 = 600_000;
/// Greatest age of a run's end that counts as just now, in milliseconds.
const JUST_ENDED_MS: u64 = 5_000;

/// Appearance of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    Queued,
    Running,
    /// Running, without events for longer than `STALE_AFTER_MS`.
    Silent,
    /// Failed within the last 10 minutes.
    Failed,
    /// Failed more than 10 minutes ago.
    FailedBefore,
    Cancelled,
    Finished,
}

/// Contents of a tile.
#[derive(Clone, Debug, PartialEq)]
pub struct TileView {
    pub id: RunId,
    pub look: Look,
    pub title: String,
    /// Current step or status: "LYRICS", "Finished", "Queued".
    pub place: String,
    /// Detail after the place: "0:11", "score 0.91".
    pub detail: String,
    /// Note, more important than the detail: "fix 1 of 3", "slow".
    pub note: String,
    pub cancel_requested: bool,
    pub chain: Vec<ModuleView>,
    pub fix: FixView,
    /// Label and value: "elapsed" and "0:48".
    pub time: (String, String),
    /// Label and value: "to go" and "1:47", "no news for" and "0:38".
    pub other_time: (String, String),
    /// The same in one line: "1:47 to go", "no news for 0:38".
    pub other_words: String,
    pub failure: Option<FailureView>,
    /// True for 5 s after the run's end.
    pub just_ended: bool,
}

impl TileView {
    pub fn of(run: &Run, run_store: &RunStore, now: Timestamp, server_now: Timestamp) -> Self {
        let stage = StageView::of(run, run_store, now, server_now);
        let ended_ms = run.ended_at.map(|at| millis_between(at, server_now));
        let look = match run.status {
            RunStatus::Pending => Look::Queued,
            RunStatus::Running if stage.silent_ms.is_some() => Look::Silent,
            RunStatus::Running => Look::Running,
            RunStatus::Failed if ended_ms.is_some_and(|ms| ms > OLD_FAILURE_MS) => {
                Look::FailedBefore
            }
            RunStatus::Failed => Look::Failed,
            RunStatus::Cancelled => Look::Cancelled,
            RunStatus::Completed => Look::Finished,
        };
        let (place, detail) = place_words(run, &stage);
        let running = stage.modules.iter().find(|module| module.has_focus());
        let note = match look {
            Look::Running | Look::Silent if stage.fix.live => {
                format!("fix {} of {MAX_FIX_PASSES}", stage.fix.passes)
            }
            Look::Running if running.is_some_and(ModuleView::is_slow) => "slow".to_owned(),
            _ => String::new(),
        };
        let ago = ended_ms.map_or_else(String::new, ago_words);
        let left = remaining(run, run_store.model.stats(), server_now);
        let other_time = match look {
            Look::Queued => (String::new(), String::new()),
            Look::Running => remaining_time(left),
            Look::Silent => {
                let silent_ms = stage.silent_ms.unwrap_or(0);
                ("no news for".to_owned(), clock_words(silent_ms))
            }
            Look::Failed | Look::FailedBefore => ("failed".to_owned(), ago),
            Look::Cancelled => ("cancelled".to_owned(), ago),
            Look::Finished => ("finished".to_owned(), ago),
        };
        let other_words = match look {
            Look::Queued => String::new(),
            Look::Running => left.words(),
            _ => format!("{} {}", other_time.0, other_time.1),
        };
        Self {
            id: run.id().clone(),
            look,
            title: stage.title,
            place,
            detail,
            note,
            cancel_requested: stage.cancel_requested,
            chain: stage.modules,
            fix: stage.fix,
            time: (stage.time_word.to_owned(), stage.time),
            other_time,
            other_words,
            failure: stage.failure,
            just_ended: ended_ms.is_some_and(|ms| ms < JUST_ENDED_MS),
        }
    }
}

fn place_words(run: &Run, stage: &StageView) -> (String, String) {
    match run.status {
        RunStatus::Pending => ("Queued".to_owned(), String::new()),
        RunStatus::Running => {
            let mut running: Vec<&str> = stage
                .modules
                .iter()
                .filter(|module| module.has_focus())
                .map(|module| module.name.as_str())
                .collect();
            if stage.fix.status == NodeStatus::Running {
                running.push("FIX");
            }
            let duration_ms = if running == ["FIX"] {
                stage.fix.duration_ms
            } else {
                let focused = stage.modules.iter().find(|module| module.has_focus());
                focused.and_then(|module| module.duration_ms)
            };
            match running.len() {
                0 => ("Running".to_owned(), "between two steps".to_owned()),
                1 => (running[0].to_owned(), duration_ms.map_or_else(String::new, clock_words)),
                _ => (names_words(&running), String::new()),
            }
        }
        RunStatus::Failed => {
            let headline = stage.failure.as_ref().map(|failure| failure.headline.clone());
            (headline.unwrap_or_else(|| "Failed".to_owned()), String::new())
        }
        RunStatus::Cancelled => {
            let stopped = stage.modules.iter().find(|module| module.stopped);
            ("Cancelled".to_owned(), stopped.map_or_else(String::new, |at| at.name.clone()))
        }
        RunStatus::Completed if stage.nothing_rendered => {
            ("Finished".to_owned(), "nothing rendered".to_owned())
        }
        RunStatus::Completed => {
            let score = stage.scores.as_ref().and_then(|scores| scores.total);
            let score =
                score.map_or_else(String::new, |total| format!("score {}", number_words(total)));
            ("Finished".to_owned(), score)
        }
    }
}

/// Estimate as label and value, which read as one: "taking longer" and "than usual".
fn remaining_time(left: Remaining) -> (String, String) {
    let (label, value) = match left {
        Remaining::Unknown => ("to go", "not known yet".to_owned()),
        Remaining::Left(millis) => ("to go", countdown_words(millis)),
        Remaining::AnyMoment => ("done", "any moment".to_owned()),
        Remaining::LongerThanUsual => ("taking longer", "than usual".to_owned()),
    };
    (label.to_owned(), value)
}

/// Words for runs without a tile: "+312 finished", "+4 cancelled".
pub fn more_words(more: &super::plan::More) -> Vec<String> {
    let told =
        [(more.failed, "failed"), (more.cancelled, "cancelled"), (more.completed, "finished")];
    let words = told.into_iter().filter(|(count, _)| *count > 0);
    words
        .map(|(count, word)| format!("+{} {word}", crate::app::words::count_words(count as u64)))
        .collect()
}
