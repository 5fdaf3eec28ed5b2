//! Applies the embedding app's refetch rules.

use bevy::prelude::*;

use crate::app::state::link::Link;
use crate::app::state::refetch_rules::RefetchRules;
use crate::app::state::run_store::{EventReceived, RunStore, finished_nodes, finished_run};
use crate::app::systems::AppSystems;
use crate::source::RefetchTarget;

pub(in crate::app) fn plugin(app: &mut App) {
    app.init_resource::<RefetchRules>()
        .add_systems(Update, apply_rules.in_set(AppSystems::Operate));
}

fn apply_rules(
    mut received: MessageReader<EventReceived>,
    rules: Res<RefetchRules>,
    run_store: Res<RunStore>,
    link: Res<Link>,
) {
    if rules.is_empty() {
        received.clear();
        return;
    }
    let mut targets: Vec<RefetchTarget> = Vec::new();
    for EventReceived { event, change, .. } in received.read().filter(|it| it.live) {
        for node in finished_nodes(change) {
            targets.extend(rules.nodes.iter().filter_map(|rule| rule(&node, &run_store)));
        }
        if let Some(run) = finished_run(change) {
            targets.extend(rules.runs.iter().filter_map(|rule| rule(&run, &run_store)));
        }
        if let Some(event) = event {
            targets.extend(rules.events.iter().filter_map(|rule| rule(event, &run_store)));
        }
    }
    // The command channel is bounded: send each target once.
    let mut sent = std::collections::HashSet::new();
    targets.retain(|target| sent.insert(target.clone()));
    for target in targets {
        link.refetch(target);
    }
}
