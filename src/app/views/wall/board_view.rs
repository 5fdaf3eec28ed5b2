//! What the board says: failures by their cause, runs by the node they are at, what was finished.

use jiff::{SignedDuration, Timestamp};

use super::tile_view::ago_words;
use super::wall_index::{LATELY, Load, WallIndex};
use crate::app::state::clock::millis_between;
use crate::app::state::run_view::{SETTLED_AFTER_MS, failure_words};
use crate::app::words::{clock_words, run_title};
use crate::model::{Model, RunStatus};
use crate::protocol::{PIPELINE, RunId};

/// Failures that are named.
pub const MOST_NAMED: usize = 12;
/// Failures whose causes are looked at; an older one is only counted.
const MOST_EXPLAINED: usize = 400;
const LATEST: usize = 24;
/// Parts of the last hour.
pub const SPARKS: usize = 30;

/// Everything the board says.
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
    /// Titles, the latest first.
    pub cancelled_latest: Vec<(RunId, String)>,
}

/// Failures of the last hour.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Failures {
    pub count: usize,
    /// The latest was seen by whoever was there: it need not shine any more.
    pub settled: bool,
    /// The most frequent cause first.
    pub groups: Vec<Group>,
}

/// Failures of one cause.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// "RENDER", or "the run" where no node failed.
    pub node: String,
    pub reason: String,
    pub count: usize,
    /// "2 min ago": the latest of them.
    pub ago: String,
    /// The latest first; not all of very many.
    pub runs: Vec<(RunId, String)>,
}

/// What stands at a node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeLoad {
    pub name: String,
    pub load: Load,
}

/// A run that was finished.
#[derive(Clone, Debug, PartialEq)]
pub struct Latest {
    pub id: RunId,
    pub title: String,
    /// "02:05".
    pub took: String,
    /// "13 s ago".
    pub ago: String,
}

impl BoardView {
    pub fn of(wall_index: &WallIndex, model: &Model, server_now: Timestamp) -> Self {
        let named = |(_, id): (Timestamp, &RunId)| Some((id.clone(), run_title(model.run(id)?)));
        let latest = wall_index.newest(RunStatus::Completed).take(LATEST).filter_map(|(at, id)| {
            let run = model.run(id)?;
            Some(Latest {
                id: id.clone(),
                title: run_title(run),
                took: run.duration_ms.map_or_else(String::new, clock_words),
                ago: ago_words(millis_between(at, server_now)),
            })
        });
        Self {
            failures: Failures::of(wall_index, model, server_now),
            nodes: loads(wall_index),
            active: wall_index.active(),
            silent: wall_index.silent_count(),
            finished: wall_index.lately(RunStatus::Completed),
            sparks: model.stats().outcomes_by(server_now, LATELY, SPARKS),
            latest: latest.collect(),
            cancelled: wall_index.lately(RunStatus::Cancelled),
            cancelled_latest: wall_index
                .newest(RunStatus::Cancelled)
                .take(wall_index.lately(RunStatus::Cancelled).min(6))
                .filter_map(named)
                .collect(),
        }
    }
}

/// The pipeline's nodes, and others where something stands.
fn loads(wall_index: &WallIndex) -> Vec<NodeLoad> {
    let loads = wall_index.loads().enumerate();
    loads
        .filter(|(index, (_, load))| *index < PIPELINE.len() || *load != Load::default())
        .map(|(_, (name, load))| NodeLoad { name: name.to_string(), load })
        .collect()
}

impl Failures {
    /// The failures of the last hour.
    pub fn of(wall_index: &WallIndex, model: &Model, server_now: Timestamp) -> Self {
        let count = wall_index.lately(RunStatus::Failed);
        let latest = wall_index.newest(RunStatus::Failed).next();
        let settled =
            latest.is_none_or(|(at, _)| millis_between(at, server_now) >= SETTLED_AFTER_MS);
        let since = server_now.checked_sub(SignedDuration::from_hours(1));
        let since = since.unwrap_or(Timestamp::MIN);
        let mut groups: Vec<Group> = Vec::new();
        let newest = wall_index.newest(RunStatus::Failed).take_while(|(at, _)| *at >= since);
        for (at, id) in newest.take(MOST_EXPLAINED) {
            let Some((run, (node, reason))) =
                model.run(id).and_then(|run| Some((run, failure_words(run)?)))
            else {
                continue;
            };
            let node = node.unwrap_or_else(|| "the run".to_owned());
            let known = groups.iter_mut().find(|g| g.node == node && g.reason == reason);
            let group = match known {
                Some(group) => group,
                None => {
                    let ago = ago_words(millis_between(at, server_now));
                    groups.push(Group { node, reason, count: 0, ago, runs: Vec::new() });
                    let last = groups.len() - 1;
                    &mut groups[last]
                }
            };
            group.count += 1;
            if group.runs.len() < MOST_NAMED {
                group.runs.push((id.clone(), run_title(run)));
            }
        }
        // Those of one size stay in order of their latest.
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        Self { count, settled, groups }
    }
}
