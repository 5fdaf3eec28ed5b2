//! Entities for runs and nodes, synchronized with the model.
//!
//! Systems of an embedding app can detect changes through these entities; Meterbridge's own views
//! read the model. The entities are never the source of truth: despawning all of them and syncing
//! again produces the same world.

use std::collections::HashMap;

use bevy::prelude::*;
use foldhash::fast::FixedState;

use super::rewind::{Changed, ShownChanges};
use super::run_store::{RunStore, touched};
use crate::app::systems::AppSystems;
use crate::model::{self, NodeStatus, RunStatus};
use crate::protocol::{NodeName, RunId};

/// A run of the model. Its nodes are its children.
#[derive(Component, Clone, Debug, PartialEq)]
pub struct RunEntity {
    /// Id of the run.
    pub id: RunId,
    /// Status of the run.
    pub status: RunStatus,
    /// True when a cancel was requested, whether or not the run went on.
    pub cancel_requested: bool,
}

/// A node of a run; child of its [`RunEntity`].
#[derive(Component, Clone, Debug, PartialEq)]
pub struct NodeEntity {
    /// Name of the node, such as `STYLE`.
    pub name: NodeName,
    /// Status of the node.
    pub status: NodeStatus,
    /// Number of attempts.
    pub attempts: u32,
}

impl RunEntity {
    fn of(run: &model::Run) -> Self {
        let (status, cancel_requested) = (run.status, run.cancel_requested);
        Self { id: run.id().clone(), status, cancel_requested }
    }

    fn shows(&self, run: &model::Run) -> bool {
        (self.status, self.cancel_requested) == (run.status, run.cancel_requested)
    }
}

impl NodeEntity {
    fn of(node: &model::Node) -> Self {
        Self { name: node.name.clone(), status: node.status, attempts: node.attempts }
    }

    fn shows(&self, node: &model::Node) -> bool {
        (self.status, self.attempts, &self.name) == (node.status, node.attempts, &node.name)
    }
}

/// Maps runs to their entities.
#[derive(Resource, Default)]
pub struct RunIndex {
    runs: HashMap<RunId, RunEntry, FixedState>,
    /// Set to rebuild every entity at the next sync.
    rebuild: bool,
}

struct RunEntry {
    run: Entity,
    /// One entry per node, in the model's order, with the last component value written. The copy
    /// avoids looking up unchanged entities, of which there can be 90,000.
    nodes: Vec<(Entity, NodeEntity)>,
}

impl RunIndex {
    /// Returns the entity of a run.
    pub fn run(&self, id: &str) -> Option<Entity> {
        self.runs.get(id).map(|entry| entry.run)
    }

    /// Requests that all entities be despawned and spawned again at the next sync.
    pub fn rebuild(&mut self) {
        self.rebuild = true;
    }
}

pub(in crate::app) fn plugin(app: &mut App) {
    app.init_resource::<RunIndex>().add_systems(Update, sync.in_set(AppSystems::Sync));
}

fn sync(
    mut commands: Commands,
    mut index: ResMut<RunIndex>,
    run_store: Res<RunStore>,
    mut shown: ShownChanges,
    mut runs: Query<&mut RunEntity>,
    mut nodes: Query<&mut NodeEntity>,
) {
    let changed = match shown.take(&run_store) {
        Changed::Runs(changed) if !index.rebuild => changed,
        _ => {
            // Another instant has most runs of the one before: their entities stay.
            let is_new = std::mem::take(&mut index.rebuild);
            index.runs.retain(|id, entry| {
                let stays = !is_new && run_store.model.run(id).is_some();
                if !stays {
                    commands.entity(entry.run).despawn();
                }
                stays
            });
            for run in run_store.model.runs() {
                sync_run(&mut commands, &mut index, run, &mut runs, &mut nodes);
            }
            return;
        }
    };
    for id in touched(changed.into_iter().map(|(change, _)| change)) {
        match run_store.model.run(id) {
            Some(run) => sync_run(&mut commands, &mut index, run, &mut runs, &mut nodes),
            None => {
                if let Some(entry) = index.runs.remove(id) {
                    commands.entity(entry.run).despawn();
                }
            }
        }
    }
}

fn sync_run(
    commands: &mut Commands,
    index: &mut RunIndex,
    run: &model::Run,
    runs: &mut Query<&mut RunEntity>,
    nodes: &mut Query<&mut NodeEntity>,
) {
    let is_known = index.runs.contains_key(run.id());
    let entry = index.runs.entry(run.id().clone()).or_insert_with(|| RunEntry {
        run: commands.spawn((Name::new(format!("run {}", run.id())), RunEntity::of(run))).id(),
        nodes: Vec::with_capacity(run.nodes.len()),
    });
    if is_known
        && let Ok(mut component) = runs.get_mut(entry.run)
        && !component.shows(run)
    {
        *component = RunEntity::of(run);
    }
    for (position, node) in run.nodes.iter().enumerate() {
        match entry.nodes.get_mut(position) {
            Some((_, given)) if given.shows(node) => {}
            Some((entity, given)) => {
                *given = NodeEntity::of(node);
                match nodes.get_mut(*entity) {
                    Ok(mut component) => component.clone_from(given),
                    // The entity was spawned this frame; its component is still in the command
                    // queue.
                    Err(_) => drop(commands.entity(*entity).insert(given.clone())),
                }
            }
            None => {
                let given = NodeEntity::of(node);
                let name = Name::new(node.name.to_string());
                let entity = commands.spawn((name, given.clone(), ChildOf(entry.run))).id();
                entry.nodes.push((entity, given));
            }
        }
    }
    for (surplus, _) in entry.nodes.drain(run.nodes.len().min(entry.nodes.len())..) {
        commands.entity(surplus).despawn();
    }
}
