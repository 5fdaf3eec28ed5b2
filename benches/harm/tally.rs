//! Counts of the results of rounds.

use std::fmt;
use std::time::Duration;

use crate::delays::Delays;

/// Counts of one round, or of several.
#[derive(Default)]
pub struct Tally {
    pub rounds: u64,
    pub runs: usize,
    pub failed_by_watchers: usize,
    /// Failed runs among them whose watcher's connection was cut, as by SIGKILL.
    pub failed_by_cuts: usize,
    pub freezes: usize,
    pub freezes_by_watchers: usize,
    pub most_by_watchers: usize,
    pub most_held: usize,
    /// Runs that ended, without those that a killed server left running.
    pub ended: usize,
    pub right: usize,
    pub late: Vec<String>,
    pub wrong: Vec<String>,
    /// Runs whose rows do not contain their cancellation, because they ended by themselves after it.
    pub forgotten_cancels: usize,
    /// Runs that a killed server left running.
    pub orphans: usize,
    pub orphans_right: usize,
    /// Time from a run's end until it was shown right, counted from when both the hub and the backend
    /// were up.
    pub shown_after: Delays,
    pub viewers_killed: usize,
    pub viewers_stopped: usize,
    /// Viewers that did not end in time after SIGTERM.
    pub viewers_stuck: usize,
    pub longest_stop: Duration,
    /// Unexpected behaviour of viewers, such as an end without a signal.
    pub troubles: Vec<String>,
}

impl Tally {
    pub fn add(&mut self, mut other: Self) {
        self.rounds += other.rounds;
        self.runs += other.runs;
        self.failed_by_watchers += other.failed_by_watchers;
        self.failed_by_cuts += other.failed_by_cuts;
        self.freezes += other.freezes;
        self.freezes_by_watchers += other.freezes_by_watchers;
        self.most_by_watchers = self.most_by_watchers.max(other.most_by_watchers);
        self.most_held = self.most_held.max(other.most_held);
        self.ended += other.ended;
        self.right += other.right;
        self.late.append(&mut other.late);
        self.wrong.append(&mut other.wrong);
        self.forgotten_cancels += other.forgotten_cancels;
        self.orphans += other.orphans;
        self.orphans_right += other.orphans_right;
        self.shown_after.append(&mut other.shown_after);
        self.viewers_killed += other.viewers_killed;
        self.viewers_stopped += other.viewers_stopped;
        self.viewers_stuck += other.viewers_stuck;
        self.longest_stop = self.longest_stop.max(other.longest_stop);
        self.troubles.append(&mut other.troubles);
    }

    pub fn did_harm(&self, most: usize) -> bool {
        self.failed_by_watchers > 0 || self.freezes_by_watchers > 0 || self.most_by_watchers > most
    }

    /// Lists each run that was shown late or wrong, and all other trouble, one per line.
    pub fn details(&self) -> String {
        let lists = [("late", &self.late), ("wrong", &self.wrong), ("trouble", &self.troubles)];
        let lines = lists
            .iter()
            .flat_map(|(what, list)| list.iter().map(move |words| format!("{what}: {words}\n")));
        lines.collect()
    }

    pub fn line(&self) -> String {
        format!(
            "{} rounds, {} runs, {} failed by watching, {} freezes caused, right {}, late {}, wrong {}",
            self.rounds,
            self.runs,
            self.failed_by_watchers,
            self.freezes_by_watchers,
            self.right,
            self.late.len(),
            self.wrong.len()
        )
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percentile = |part| self.shown_after.percentile_ms(part) / 1e3;
        let mut row = |what: &str, count: String| writeln!(f, "| {what} | {count} |");
        row("what", "count".to_owned())?;
        row("---", "---:".to_owned())?;
        row("rounds", self.rounds.to_string())?;
        row(
            "viewers killed; stopped",
            format!("{}; {}", self.viewers_killed, self.viewers_stopped),
        )?;
        row("runs", self.runs.to_string())?;
        row("runs failed by watching", self.failed_by_watchers.to_string())?;
        row("of them by a viewer that was killed", self.failed_by_cuts.to_string())?;
        row("freezes caused by watching", self.freezes_by_watchers.to_string())?;
        row("freezes in all", self.freezes.to_string())?;
        row("most connections held by viewers", self.most_by_watchers.to_string())?;
        row("most connections held in all", self.most_held.to_string())?;
        row("runs ended while a hub could tell", self.ended.to_string())?;
        row("shown right within 15 s", self.right.to_string())?;
        row("shown right later", self.late.len().to_string())?;
        row("shown wrong at the end", self.wrong.len().to_string())?;
        row("cancelled, and ended by themselves", self.forgotten_cancels.to_string())?;
        row(
            "shown right after, p50; p95, s",
            format!("{:.1}; {:.1}", percentile(0.5), percentile(0.95)),
        )?;
        row("orphans; shown right", format!("{}; {}", self.orphans, self.orphans_right))?;
        let stop = self.longest_stop.as_secs_f64();
        row("longest end after SIGTERM, s; never", format!("{stop:.1}; {}", self.viewers_stuck))?;
        Ok(())
    }
}
