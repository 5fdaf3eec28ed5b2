//! Density of the wall: chosen from the number of runs that matter now, with hysteresis.

use std::collections::HashSet;

use foldhash::fast::FixedState;
use jiff::{SignedDuration, Timestamp};

use super::wall_index::WallIndex;
use crate::app::state::failure_life::{FRESH_MS, is_fresh};
use crate::app::state::run_store::RunStore;
use crate::layout::{MOST_FAILED_TILES, failed_cells};
use crate::model::{FailureCause, RunStatus};

/// Age up to which a cancelled run has a place.
pub const NEWS: SignedDuration = SignedDuration::from_mins(10);
/// Most runs shown as tiles, as one column of rows, and as rows.
const MOST_TILES: usize = 12;
const MOST_ONE_COLUMN: usize = 16;
pub const MOST_ROWS: usize = 60;
/// Cells of the grid of large tiles, and places of that beside a block of failures.
pub const LARGE_CELLS: usize = 6;
pub const LARGE_BESIDE: usize = 4;
/// Number of runs that must be missing before the wall becomes less dense, and for how long, in seconds.
const SLACK: usize = 2;
const SLACK_SECS: f64 = 20.0;

/// Density of the wall, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Tiles on the grid of 3×2.
    Large,
    /// Tiles on the grid of 5×3.
    Medium,
    /// Rows in one column.
    OneColumn,
    /// Rows in as many columns as the screen has.
    Rows,
    Board,
}

/// Number of runs that raise the density.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunsNow {
    /// Failures that are news, running, queued, cancelled lately. Finished runs never count.
    pub runs: usize,
    /// Failures that are news.
    pub fresh: usize,
    /// Causes of these.
    pub causes: usize,
}

impl RunsNow {
    pub fn of(wall_index: &WallIndex, run_store: &RunStore, server_now: Timestamp) -> Self {
        let since = |age| server_now.checked_sub(age).unwrap_or(Timestamp::MIN);
        let newest = |status, from| {
            let newest = wall_index.newest(status).take_while(move |(at, _)| *at >= from);
            newest.take(MOST_ROWS + SLACK + 1)
        };
        let age = SignedDuration::from_millis(FRESH_MS as i64);
        let failed = newest(RunStatus::Failed, since(age));
        let failed = failed.filter_map(|(_, id)| run_store.model.run(id));
        let mut causes = HashSet::with_hasher(FixedState::default());
        let mut fresh = 0;
        for run in failed.filter(|run| is_fresh(run, run_store, server_now)) {
            fresh += 1;
            causes.extend(FailureCause::of(run));
        }
        let cancelled = newest(RunStatus::Cancelled, since(NEWS)).count();
        let others = wall_index.active() + wall_index.queued_count();
        Self { runs: fresh + others + cancelled, fresh, causes: causes.len() }
    }

    /// Returns the density of this number of runs.
    pub fn level(self) -> Level {
        let others = self.runs - self.fresh;
        match self.runs {
            runs if runs > MOST_ROWS => Level::Board,
            runs if runs > MOST_ONE_COLUMN => Level::Rows,
            runs if runs > MOST_TILES => Level::OneColumn,
            _ if self.causes > MOST_FAILED_TILES && others <= LARGE_BESIDE => Level::Large,
            _ if self.causes >= MOST_FAILED_TILES => Level::Medium,
            _ if failed_cells(self.causes) + others <= LARGE_CELLS => Level::Large,
            _ => Level::Medium,
        }
    }

    fn with_slack(self) -> Self {
        Self { runs: self.runs + SLACK, ..self }
    }
}

/// Keeps the density: it rises at once, and falls when runs have been missing for a while.
#[derive(Clone, Copy, Debug, Default)]
pub struct LevelKeeper {
    level: Option<Level>,
    /// Draw-clock time since which enough runs are missing.
    below_since: Option<f64>,
}

impl LevelKeeper {
    /// Returns the density at the draw-clock time `now`. `at_once` ignores what was before.
    pub fn settle(&mut self, load: RunsNow, now: f64, at_once: bool) -> Level {
        let natural = load.level();
        let level = match self.level {
            Some(level) if !at_once && natural < level => {
                let lower = load.with_slack().level();
                if lower >= level {
                    self.below_since = None;
                    level
                } else if now - *self.below_since.get_or_insert(now) < SLACK_SECS {
                    level
                } else {
                    self.below_since = None;
                    lower
                }
            }
            _ => {
                self.below_since = None;
                natural
            }
        };
        self.level = Some(level);
        level
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(runs: usize, fresh: usize) -> RunsNow {
        RunsNow { runs, fresh, causes: fresh }
    }

    #[test]
    fn density_follows_the_runs_that_are_not_finished() {
        for (runs, level) in [
            (0, Level::Large),
            (6, Level::Large),
            (7, Level::Medium),
            (12, Level::Medium),
            (13, Level::OneColumn),
            (16, Level::OneColumn),
            (17, Level::Rows),
            (60, Level::Rows),
            (61, Level::Board),
        ] {
            assert_eq!(load(runs, 0).level(), level, "{runs} runs");
        }
        // A failure takes four cells, two take four, three six.
        for (runs, fresh, level) in [
            (3, 1, Level::Large),
            (4, 1, Level::Medium),
            (4, 2, Level::Large),
            (5, 2, Level::Medium),
            (3, 3, Level::Medium),
            (8, 4, Level::Large),
            (9, 4, Level::Medium),
        ] {
            assert_eq!(load(runs, fresh).level(), level, "{runs} runs, {fresh} failures");
        }
    }

    #[test]
    fn density_rises_at_once_and_falls_after_20_s_two_below_the_limit() {
        let mut keeper = LevelKeeper::default();
        let mut settle = |runs, now| keeper.settle(load(runs, 0), now, false);
        assert_eq!(settle(12, 0.0), Level::Medium);
        assert_eq!(settle(13, 0.1), Level::OneColumn);
        assert_eq!(settle(11, 100.0), Level::OneColumn, "one below is not enough");
        assert_eq!(settle(11, 200.0), Level::OneColumn);
        assert_eq!(settle(10, 201.0), Level::OneColumn);
        assert_eq!(settle(10, 220.9), Level::OneColumn);
        assert_eq!(settle(11, 221.0), Level::OneColumn, "the time begins anew");
        assert_eq!(settle(10, 222.0), Level::OneColumn);
        assert_eq!(settle(10, 242.0), Level::Medium);
        assert_eq!(settle(61, 243.0), Level::Board);
        assert_eq!(keeper.settle(load(1, 0), 244.0, true), Level::Large, "a still picture");
    }
}
