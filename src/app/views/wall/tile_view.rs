//! Contents of a tile: texts and numbers, without places or colours.

use jiff::Timestamp;

use crate::app::state::clock::millis_between;
use crate::app::state::failure_life::{FailureLife, FailureStage, is_fresh};
use crate::app::state::run_store::RunStore;
use crate::app::state::run_view::{FailureView, FixView, ModuleView, StageView, remaining_words};
use crate::app::state::status::run_status_words;
use crate::app::views::counts::RunCounts;
use crate::app::words::{
    ago_words, clock_words, count_words, countdown_words, names_words, number_words,
};
use crate::model::{Baseline, FollowUp, NodeStatus, Remaining, Run, RunStatus};
use crate::protocol::{MAX_FIX_PASSES, RunId};

/// Greatest age of a run's end that counts as just now, in milliseconds.
const JUST_ENDED_MS: u64 = 5_000;

/// Appearance of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    Queued,
    Running,
    /// Running, without events for longer than `STALE_AFTER_MS`.
    Silent,
    /// Failed, and still news.
    Failed,
    /// Failed, and no longer news.
    FailedBefore,
    /// Failed, and a retry finished a moment ago.
    Recovered,
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
    /// Detail after the place: "0:24 of 0:33", "4 s ago".
    pub detail: String,
    /// Time of the running step alone, for where the detail does not fit: "0:24"; empty without such.
    pub step_time: String,
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
    /// The failed song's later run and its state.
    pub follow_up: Option<FollowUp>,
    /// Fate of the failed song, in words; empty unless the run failed.
    pub became: String,
    /// Estimate of a running run with news.
    pub left: Option<Remaining>,
    /// Milliseconds without news, of a silent run.
    pub silent_ms: Option<u64>,
    /// Total score of a finished run.
    pub score: Option<f64>,
    /// Age of a run that is over: "4 s ago".
    pub ago: String,
    /// Part of the title in which it differs from others that begin alike; empty without such.
    pub variant: String,
    /// True for 5 s after the run's end.
    pub just_ended: bool,
    /// Songs that failed for the same cause and share the tile, this one among them: those without a
    /// retry first, and the newest first among these; none if it stands alone.
    pub songs: Vec<FailedSong>,
}

/// Failed song in a tile that several share.
#[derive(Clone, Debug, PartialEq)]
pub struct FailedSong {
    pub id: RunId,
    pub title: String,
    /// Part of the title in which it differs from others that begin alike; empty without such.
    pub variant: String,
    /// Age of the failure: "40 s ago".
    pub ago: String,
    /// Fate of the song: "no retry yet".
    pub became: String,
    /// True once a later run of the song was queued or started.
    pub is_answered: bool,
}

impl FailedSong {
    pub fn of(run: &Run, run_store: &RunStore, server_now: Timestamp) -> Self {
        let life = FailureLife::of(run, run_store, server_now);
        let ended_ms = run.counted_end().map(|at| millis_between(at, server_now));
        Self {
            id: run.id().clone(),
            title: run_store.name(run),
            variant: run_store.variant(run).unwrap_or_default(),
            ago: ended_ms.map_or_else(String::new, ago_words),
            is_answered: life.as_ref().is_some_and(|life| life.follow_up != FollowUp::NotRetried),
            became: life.map_or_else(String::new, |life| life.words(run, run_store, server_now)),
        }
    }
}

impl TileView {
    pub fn of(run: &Run, run_store: &RunStore, now: Timestamp, server_now: Timestamp) -> Self {
        let stage = StageView::of(run, run_store, now, server_now);
        let ended_ms = run.ended_at.map(|at| millis_between(at, server_now));
        let life = FailureLife::of(run, run_store, server_now);
        let look = match run.status {
            RunStatus::Pending => Look::Queued,
            RunStatus::Running if stage.silent_ms.is_some() => Look::Silent,
            RunStatus::Running => Look::Running,
            RunStatus::Failed => match life.as_ref().map(|life| life.stage) {
                Some(FailureStage::Fresh) => Look::Failed,
                Some(FailureStage::Recovered) => Look::Recovered,
                _ => Look::FailedBefore,
            },
            RunStatus::Cancelled => Look::Cancelled,
            RunStatus::Completed => Look::Finished,
        };
        let score = stage.scores.as_ref().and_then(|scores| scores.total);
        let score = score.filter(|_| run.status == RunStatus::Completed);
        let ago = ended_ms.map_or_else(String::new, ago_words);
        let (place, detail) = place_words(run, &stage, &ago);
        let step_time = match run.status {
            RunStatus::Running if !detail.is_empty() => {
                let step = running_step(&stage.modules, &stage.fix);
                step.so_far_ms.map_or_else(String::new, clock_words)
            }
            _ => String::new(),
        };
        let running = stage.modules.iter().find(|module| module.has_focus());
        let note = match look {
            Look::Running | Look::Silent if stage.fix.live => {
                format!("fix {} of {MAX_FIX_PASSES}", stage.fix.passes)
            }
            Look::Running if running.is_some_and(ModuleView::is_slow) => "slow".to_owned(),
            _ => String::new(),
        };
        let left = run_store.model.remaining(run, server_now);
        let other_time = match look {
            Look::Queued => (String::new(), String::new()),
            Look::Running => remaining_time(left),
            Look::Silent => {
                let silent_ms = stage.silent_ms.unwrap_or(0);
                ("no news for".to_owned(), clock_words(silent_ms))
            }
            Look::Failed | Look::FailedBefore | Look::Recovered => {
                ("failed".to_owned(), ago.clone())
            }
            Look::Cancelled => {
                let stopped = stage.modules.iter().find(|module| module.stopped);
                let at = |step: &str| ("at step".to_owned(), step.to_owned());
                stopped.map_or_else(Default::default, |module| at(&module.name))
            }
            Look::Finished => match score {
                Some(total) => ("score".to_owned(), number_words(total)),
                None => (String::new(), String::new()),
            },
        };
        let other_words = match look {
            Look::Queued => String::new(),
            Look::Running => remaining_words(left),
            Look::Finished if score.is_none() => String::new(),
            _ => format!("{} {}", other_time.0, other_time.1),
        };
        Self {
            id: run.id().clone(),
            look,
            title: stage.title,
            place,
            detail,
            step_time,
            note,
            cancel_requested: stage.cancel_requested,
            chain: stage.modules,
            fix: stage.fix,
            time: (stage.time_word.to_owned(), stage.time),
            other_time,
            other_words,
            failure: stage.failure,
            became: life
                .as_ref()
                .map_or_else(String::new, |life| life.words(run, run_store, server_now)),
            follow_up: life.map(|life| life.follow_up),
            left: (look == Look::Running).then_some(left),
            silent_ms: stage.silent_ms,
            score,
            ago,
            variant: run_store.variant(run).unwrap_or_default(),
            just_ended: ended_ms.is_some_and(|ms| ms < JUST_ENDED_MS),
            songs: Vec::new(),
        }
    }
}

impl TileView {
    /// Makes the tile tell of several failures for the same cause, newest first.
    pub fn share(&mut self, runs: &[&Run], run_store: &RunStore, server_now: Timestamp) {
        self.songs = runs.iter().map(|run| FailedSong::of(run, run_store, server_now)).collect();
        // A stable sort: those that nobody retries are named before the others.
        self.songs.sort_by_key(|song| song.is_answered);
        if runs.iter().any(|run| is_fresh(run, run_store, server_now)) {
            self.look = Look::Failed;
        }
    }
}

fn place_words(run: &Run, stage: &StageView, ago: &str) -> (String, String) {
    match run.status {
        RunStatus::Pending => ("queued".to_owned(), String::new()),
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
            match running.len() {
                0 => ("running".to_owned(), "between two steps".to_owned()),
                1 => (running[0].to_owned(), step_words(&stage.modules, &stage.fix)),
                _ => (names_words(&running), String::new()),
            }
        }
        RunStatus::Failed => {
            let headline = stage.failure.as_ref().map(|failure| failure.headline.clone());
            (headline.unwrap_or_else(|| "Failed".to_owned()), String::new())
        }
        RunStatus::Cancelled => ("cancelled".to_owned(), ago.to_owned()),
        RunStatus::Completed if stage.nothing_rendered => {
            ("finished".to_owned(), "nothing rendered".to_owned())
        }
        RunStatus::Completed => ("finished".to_owned(), ago.to_owned()),
    }
}

/// Time that the running step has taken, and its usual time: "0:24 of 0:33".
fn step_words(modules: &[ModuleView], fix: &FixView) -> String {
    let step = running_step(modules, fix);
    match (step.so_far_ms, step.baseline) {
        (Some(millis), Some(usual)) => {
            format!("{} of {}", clock_words(millis), clock_words(usual.p50_ms))
        }
        (Some(millis), None) => clock_words(millis),
        (None, _) => String::new(),
    }
}

/// Running step of a run: its time so far, and the usual one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepTime {
    pub so_far_ms: Option<u64>,
    pub baseline: Option<Baseline>,
}

/// Returns the time of the step that runs; of the first one if there are several.
pub fn running_step(modules: &[ModuleView], fix: &FixView) -> StepTime {
    match modules.iter().find(|module| module.has_focus()) {
        Some(module) => StepTime { so_far_ms: module.duration_ms, baseline: module.baseline },
        None if fix.status == NodeStatus::Running => {
            StepTime { so_far_ms: fix.duration_ms, baseline: fix.baseline }
        }
        None => StepTime::default(),
    }
}

/// Estimate as label and value, which read as one: "late by" and "0:12".
fn remaining_time(left: Remaining) -> (String, String) {
    let (label, value) = match left {
        Remaining::Unknown => ("to go", "not known yet".to_owned()),
        Remaining::Left { millis, .. } => ("to go", countdown_words(millis)),
        Remaining::AnyMoment => ("finishes", "any moment".to_owned()),
        Remaining::Late { by_ms } => ("late by", clock_words(by_ms)),
    };
    (label.to_owned(), value)
}

/// Numbers of runs without a place, by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct More {
    pub running: usize,
    pub queued: usize,
    pub failed: usize,
    pub cancelled: usize,
    pub completed: usize,
}

impl More {
    /// Returns the number of a status.
    pub fn of(&self, status: RunStatus) -> usize {
        match status {
            RunStatus::Running => self.running,
            RunStatus::Pending => self.queued,
            RunStatus::Failed => self.failed,
            RunStatus::Cancelled => self.cancelled,
            RunStatus::Completed => self.completed,
        }
    }

    /// Returns the numbers of the header less those of the runs that have a place.
    pub fn beyond(counts: &RunCounts, shown: &Self) -> Self {
        Self {
            running: counts.active.saturating_sub(shown.running),
            queued: counts.queued.saturating_sub(shown.queued),
            failed: counts.failed.saturating_sub(shown.failed),
            cancelled: counts.cancelled.saturating_sub(shown.cancelled),
            completed: counts.completed.saturating_sub(shown.completed),
        }
    }

    /// Counts a run that has a place.
    pub fn count(&mut self, status: RunStatus) {
        let number = match status {
            RunStatus::Running => &mut self.running,
            RunStatus::Pending => &mut self.queued,
            RunStatus::Failed => &mut self.failed,
            RunStatus::Cancelled => &mut self.cancelled,
            RunStatus::Completed => &mut self.completed,
        };
        *number += 1;
    }
}

/// Statuses in the order in which runs without a place are counted.
pub const MORE_ORDER: [RunStatus; 5] = [
    RunStatus::Running,
    RunStatus::Pending,
    RunStatus::Failed,
    RunStatus::Cancelled,
    RunStatus::Completed,
];

/// Words for runs without a place: "+5 more running", "and 29 more finished"; without "more" where no
/// run of this status has one.
pub fn more_words(status: RunStatus, count: usize, shown: usize) -> String {
    let number = count_words(count as u64);
    let word = run_status_words(status);
    match status {
        _ if shown == 0 => format!("{number} {word}"),
        RunStatus::Running => format!("+{number} more {word}"),
        RunStatus::Failed if count == 1 => format!("and 1 more run {word}"),
        RunStatus::Failed => format!("and {number} more runs {word}"),
        _ => format!("and {number} more {word}"),
    }
}
