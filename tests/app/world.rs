//! ECS world that mirrors the model, as an embedding app sees it.

use bevy::prelude::*;
use meterbridge::app::state::entities::{NodeEntity, RunEntity, RunIndex};
use meterbridge::app::state::run_store::RunStore;
use meterbridge::app::state::run_store::{
    EventReceived, NodeFinished, ParseErrorReceived, RunFinished,
};
use meterbridge::config::Settings;
use meterbridge::model::{NodeStatus, RunStatus};

use super::support::{announced, event, feed, headless_app, headless_app_with, play_scene};

/// Returns every run with its nodes in order, sorted by run id.
fn world_of(app: &mut App) -> Vec<(RunEntity, Vec<NodeEntity>)> {
    let world = app.world_mut();
    let mut runs = Vec::new();
    for (run, children) in world.query::<(&RunEntity, &Children)>().iter(world) {
        let nodes = children.iter().map(|child| world.get::<NodeEntity>(child).unwrap().clone());
        runs.push((run.clone(), nodes.collect()));
    }
    runs.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
    runs
}

/// Returns the expected content of the world, according to the model.
fn model_of(app: &App) -> Vec<(RunEntity, Vec<NodeEntity>)> {
    let mut runs: Vec<_> = app
        .world()
        .resource::<RunStore>()
        .model
        .runs()
        .map(|run| {
            let nodes = run.nodes.iter().map(|node| NodeEntity {
                name: node.name.clone(),
                status: node.status,
                attempts: node.attempts,
            });
            let entity = RunEntity {
                id: run.id().clone(),
                status: run.status,
                cancel_requested: run.cancel_requested,
            };
            (entity, nodes.collect())
        })
        .collect();
    runs.sort_by(|(a, _), (b, _): &(RunEntity, Vec<NodeEntity>)| a.id.cmp(&b.id));
    runs
}

fn node_entities(app: &mut App) -> usize {
    let world = app.world_mut();
    world.query::<&NodeEntity>().iter(world).count()
}

#[test]
fn runs_and_nodes_follow_the_events() {
    let mut app = headless_app();
    feed(&mut app, [event("r", None, "start", 0)]);
    let world = world_of(&mut app);
    assert_eq!(world.len(), 1);
    let (run, nodes) = &world[0];
    assert_eq!((run.id.as_str(), run.status), ("r", RunStatus::Running));
    assert_eq!(nodes.len(), 9, "the whole pipeline is there from the first event on");
    assert!(nodes.iter().all(|node| node.status == NodeStatus::Pending));
    let entity = app.world().resource::<RunIndex>().run("r").unwrap();

    feed(&mut app, [event("r", Some("PLAN"), "start", 1), event("r", Some("PLAN"), "end", 2)]);
    feed(&mut app, [event("r", Some("STYLE"), "start", 3), event("r", Some("MASTER"), "start", 4)]);
    let (_, nodes) = &world_of(&mut app)[0];
    let of = |name: &str| nodes.iter().find(|node| node.name == name).unwrap();
    assert_eq!((of("PLAN").status, of("PLAN").attempts), (NodeStatus::Success, 1));
    assert_eq!(of("STYLE").status, NodeStatus::Running);
    assert_eq!(of("MASTER").status, NodeStatus::Running, "a node nobody had heard of");
    assert_eq!(nodes.len(), 10);

    feed(&mut app, [event("r", None, "fail", 5)]);
    assert_eq!(world_of(&mut app)[0].0.status, RunStatus::Failed);
    let index = app.world().resource::<RunIndex>();
    assert_eq!(index.run("r"), Some(entity), "it is the same entity all the time");
}

#[test]
fn second_execution_removes_extra_nodes_of_the_first() {
    let mut app = headless_app();
    let first = [("MASTER", "start"), ("MASTER", "end")];
    feed(&mut app, [event("r", None, "start", 0)]);
    feed(&mut app, first.map(|(node, phase)| event("r", Some(node), phase, 1)));
    assert_eq!(node_entities(&mut app), 10);
    feed(&mut app, [event("r", None, "end", 2), event("r", None, "start", 30)]);
    assert_eq!(node_entities(&mut app), 9);
    assert_eq!(world_of(&mut app), model_of(&app));
}

#[test]
fn evicted_run_leaves_the_world_with_its_nodes() {
    let mut settings = Settings::default();
    settings.retention.runs = 2;
    let mut app = headless_app_with(settings);
    for (second, run) in ["a", "b", "c"].into_iter().enumerate() {
        let second = second as i64 * 10;
        feed(&mut app, [event(run, None, "start", second), event(run, None, "end", second + 1)]);
    }
    let ids: Vec<_> = world_of(&mut app).into_iter().map(|(run, _)| run.id).collect();
    assert_eq!(ids, ["b", "c"]);
    assert_eq!(node_entities(&mut app), 18, "no node is left behind");
    assert_eq!(app.world().resource::<RunIndex>().run("a"), None);
}

#[test]
fn deleted_world_is_rebuilt_identically() {
    for scene in ["12-runs", "second-fix-pass", "unknown-extra-node", "second-execution"] {
        let mut app = headless_app();
        play_scene(&mut app, scene);
        let before = world_of(&mut app);
        assert_eq!(before, model_of(&app), "{scene}");
        let entity = app.world().resource::<RunIndex>().run(&before[0].0.id);
        let nodes = node_entities(&mut app);

        app.world_mut().resource_mut::<RunIndex>().rebuild();
        app.update();
        assert_eq!(world_of(&mut app), before, "{scene}");
        assert_eq!(node_entities(&mut app), nodes, "{scene}: none is left from before");
        let again = app.world().resource::<RunIndex>().run(&before[0].0.id);
        assert_ne!(again, entity, "{scene}: it was not thrown away at all");
    }
}

#[test]
fn events_reach_the_world_in_the_frame_they_arrive() {
    let mut app = headless_app();
    feed(
        &mut app,
        [
            event("r", None, "start", 0),
            event("r", Some("PLAN"), "start", 1),
            event("r", Some("PLAN"), "fail", 2),
            event("r", None, "fail", 2),
        ],
    );
    assert_eq!(world_of(&mut app), model_of(&app));
    assert_eq!(world_of(&mut app)[0].1[0].status, NodeStatus::Failed);
}

#[test]
fn embedding_app_receives_each_message_once() {
    let mut app = headless_app();
    let frames = [
        event("r", None, "start", 0),
        event("r", Some("PLAN"), "start", 1),
        event("r", Some("PLAN"), "end", 2),
        event("r", Some("STYLE"), "start", 3),
        event("r", Some("STYLE"), "fail", 4),
        event("r", None, "fail", 4),
    ];
    feed(&mut app, &frames);
    let events = announced::<EventReceived>(&mut app);
    assert_eq!(events.len(), frames.len());
    assert!(events[0].change.new_run && !events[1].change.new_run);
    assert_eq!(events[2].event.as_ref().and_then(|event| event.node.as_deref()), Some("PLAN"));
    let nodes: Vec<_> = announced::<NodeFinished>(&mut app)
        .into_iter()
        .map(|told| (told.run_id.to_string(), told.node.to_string(), told.status))
        .collect();
    let node = |name: &str, status| ("r".to_owned(), name.to_owned(), status);
    assert_eq!(nodes, [node("PLAN", NodeStatus::Success), node("STYLE", NodeStatus::Failed)]);
    let runs: Vec<_> =
        announced::<RunFinished>(&mut app).into_iter().map(|told| told.status).collect();
    assert_eq!(runs, [RunStatus::Failed]);

    // A reconnect repeats all events.
    feed(&mut app, &frames);
    assert!(announced::<EventReceived>(&mut app).is_empty());
    assert!(announced::<NodeFinished>(&mut app).is_empty());
    assert!(announced::<RunFinished>(&mut app).is_empty());
}

#[test]
fn malformed_frame_is_announced_and_the_next_is_read() {
    let mut app = headless_app();
    let next = event("r", None, "start", 0);
    feed(&mut app, ["<html>502 Bad Gateway</html>", r#"{"run_id":"r","ts":"x"}"#, &next]);
    let told = announced::<ParseErrorReceived>(&mut app);
    assert_eq!(told.len(), 2);
    assert!(told[0].reason.starts_with("not JSON"), "{told:?}");
    assert_eq!(told[0].text, "<html>502 Bad Gateway</html>");
    assert_eq!(told[1].reason, "an event without `phase`");
    assert_eq!(announced::<EventReceived>(&mut app).len(), 1);
}
