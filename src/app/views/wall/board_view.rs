//! Contents of the board: failures by cause, running runs by node, finished runs.

use jiff::Timestamp;

use super::wall_index::{LATELY, Load, WallIndex};
use crate::app::state::clock::millis_between;
use crate::app::state::failure_life::{FailureLife, FailureStage};
use crate::app::state::run_store::RunStore;
use crate::app::state::run_view::{SETTLED_AFTER_MS, failure_words};
use crate::app::views::counts::RunCounts;
use crate::app::words::{ago_words, clock_words, count_words};
use crate::model::{FollowUp, RunStatus};
use crate::protocol::{PIPELINE, RunId};
use crate::text;

/// Greatest number of failures that are named.
pub const MOST_NAMED: usize = 12;
/// Greatest number of failures that are grouped by cause; older ones are only counted.
const MOST_EXPLAINED: usize = 400;
const LATEST: usize = 24;
/// Number of parts of the last hour.
pub const SPARKS: usize = 30;

/// Contents of the board.
#[derive(Clone, Debug, PartialEq)]
pub struct BoardView {
    pub failures: Failures,
    pub nodes: Vec<NodeLoad>,
    pub active: usize,
    pub silent: usize,
    pub finished: usize,
    /// Runs that completed and failed in each part of the last hour, oldest first.
    pub sparks: Vec<(u32, u32)>,
    pub latest: Vec<Latest>,
    pub cancelled: usize,
    /// Ids and titles of cancelled runs, latest first.
    pub cancelled_latest: Vec<(RunId, String)>,
}

/// Failures of the last hour.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Failures {
    pub count: usize,
    /// True when the latest failure is older than [`SETTLED_AFTER_MS`]; the block then does not glow.
    pub settled: bool,
    /// Causes, the most frequent first.
    pub groups: Vec<Group>,
}

/// Failures of one cause: at the same node, for the same reason but for numbers and ids in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Name of the failed node, or "the run" where no node failed.
    pub node: String,
    /// Reason of the latest of them.
    pub reason: String,
    pub count: usize,
    /// Age of the latest of them: "2 min ago".
    pub ago: String,
    /// Numbers of them by what became of their songs.
    pub follow_ups: FollowUps,
    /// What became of the song, if there is one failure: "retry running, 0:52 to go".
    pub became: String,
    /// Ids and titles, latest first, at most [`MOST_NAMED`].
    pub runs: Vec<(RunId, String)>,
}

/// Numbers of failures by what became of their songs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FollowUps {
    pub recovered: usize,
    /// Retry queued or running, or failed as well.
    pub retried: usize,
    /// Without a retry, and no longer fresh.
    pub not_retried: usize,
}

impl FollowUps {
    fn count(&mut self, life: &FailureLife) {
        match life.follow_up {
            FollowUp::Recovered(..) => self.recovered += 1,
            FollowUp::NotRetried if life.stage == FailureStage::Fresh => {}
            FollowUp::NotRetried => self.not_retried += 1,
            _ => self.retried += 1,
        }
    }
}

impl Group {
    /// What became of the songs: "2 recovered, 1 retried, 3 not retried"; empty while all are fresh.
    pub fn became_words(&self) -> String {
        if self.count == 1 {
            return self.became.clone();
        }
        let FollowUps { recovered, retried, not_retried } = self.follow_ups;
        let told = [(recovered, "recovered"), (retried, "retried"), (not_retried, "not retried")];
        let told = told.into_iter().filter(|(count, _)| *count > 0);
        let told = told.map(|(count, word)| format!("{} {word}", count_words(count as u64)));
        told.collect::<Vec<_>>().join(", ")
    }
}

/// Runs at one node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeLoad {
    pub name: String,
    pub load: Load,
}

/// Completed run.
#[derive(Clone, Debug, PartialEq)]
pub struct Latest {
    pub id: RunId,
    pub title: String,
    /// Duration: "02:05".
    pub took: String,
    /// Age: "13 s ago".
    pub ago: String,
}

impl BoardView {
    pub fn of(
        counts: &RunCounts,
        wall_index: &WallIndex,
        run_store: &RunStore,
        server_now: Timestamp,
    ) -> Self {
        let model = &run_store.model;
        let named =
            |(_, id): (Timestamp, &RunId)| Some((id.clone(), run_store.name(model.run(id)?)));
        let latest = wall_index.newest(RunStatus::Completed).take(LATEST).filter_map(|(at, id)| {
            let run = model.run(id)?;
            Some(Latest {
                id: id.clone(),
                title: run_store.name(run),
                took: run.duration_ms.map_or_else(String::new, clock_words),
                ago: ago_words(millis_between(at, server_now)),
            })
        });
        Self {
            failures: Failures::of(counts, wall_index, run_store, server_now),
            nodes: loads(wall_index),
            active: counts.active,
            silent: counts.silent,
            finished: counts.completed,
            sparks: model.stats().outcomes_by(server_now, LATELY, SPARKS),
            latest: latest.collect(),
            cancelled: counts.cancelled,
            cancelled_latest: wall_index
                .newest(RunStatus::Cancelled)
                .take(counts.cancelled.min(6))
                .filter_map(named)
                .collect(),
        }
    }
}

/// Loads of the pipeline's nodes, and of others that have any.
fn loads(wall_index: &WallIndex) -> Vec<NodeLoad> {
    let loads = wall_index.loads().enumerate();
    loads
        .filter(|(index, (_, load))| *index < PIPELINE.len() || *load != Load::default())
        .map(|(_, (name, load))| NodeLoad { name: name.to_string(), load })
        .collect()
}

impl Failures {
    /// Failures of the last hour, grouped by cause.
    pub fn of(
        counts: &RunCounts,
        wall_index: &WallIndex,
        run_store: &RunStore,
        server_now: Timestamp,
    ) -> Self {
        let model = &run_store.model;
        let count = counts.failed;
        let latest = wall_index.newest(RunStatus::Failed).next();
        let settled =
            latest.is_none_or(|(at, _)| millis_between(at, server_now) >= SETTLED_AFTER_MS);
        let since = server_now.checked_sub(LATELY).unwrap_or(Timestamp::MIN);
        let mut groups: Vec<Group> = Vec::new();
        // Node and masked reason of each group.
        let mut causes: Vec<(String, String)> = Vec::new();
        let newest = wall_index.newest(RunStatus::Failed).take_while(|(at, _)| *at >= since);
        for (at, id) in newest.take(MOST_EXPLAINED.min(count)) {
            let Some((run, (node, reason))) =
                model.run(id).and_then(|run| Some((run, failure_words(run)?)))
            else {
                continue;
            };
            let node = node.unwrap_or_else(|| "the run".to_owned());
            let cause = (node.clone(), text::masked(&reason));
            let known = causes.iter().position(|known| *known == cause);
            let group = match known {
                Some(index) => &mut groups[index],
                None => {
                    causes.push(cause);
                    let ago = ago_words(millis_between(at, server_now));
                    groups.push(Group { node, reason, ago, ..Group::default() });
                    let last = groups.len() - 1;
                    &mut groups[last]
                }
            };
            group.count += 1;
            if let Some(life) = FailureLife::of(run, run_store, server_now) {
                group.follow_ups.count(&life);
                if group.count == 1 {
                    group.became = life.words(run, run_store, server_now);
                }
            }
            if group.runs.len() < MOST_NAMED {
                group.runs.push((id.clone(), run_store.name(run)));
            }
        }
        // A stable sort: groups of equal size stay in order of their latest failure.
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        Self { count, settled, groups }
    }
}
