//! Refetches that an embedding app requests: they are answered, and their load on the backend is bounded
//! however often they are requested.

use std::time::Duration;

use meterbridge::source::{Command, ConnectionSettings, RefetchTarget};
use uuid::Uuid;

use crate::backend::{Backend, Script};
use crate::client::{TestClient, settings};
use crate::stage::Stage;

const POLL: Duration = Duration::from_secs(2);

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn run(id: Uuid) -> RefetchTarget {
    RefetchTarget::Run(id.to_string().as_str().into())
}

async fn refetch(client: &TestClient, target: RefetchTarget) {
    client.commands.send(Command::Refetch(target)).await.unwrap();
}

/// Number of requests for a path so far.
fn asked(backend: &Backend, path: &str) -> usize {
    backend.seen().requests.iter().filter(|request| request.contains(path)).count()
}

/// Returns a client that has seen a run end and no longer requests it.
async fn after_the_end() -> (Backend, TestClient, Uuid) {
    let backend = Backend::new();
    let mut client = TestClient::watching(&backend, settings());
    let id = backend.start_run([Script::success(100)]);
    client.pass(secs(15)).await;
    client.shows(&backend, &[id]).await;
    assert_eq!(client.report(id).unwrap().status, "completed");
    let before = asked(&backend, &format!("/runs/{id}"));
    client.pass(secs(20)).await;
    assert_eq!(asked(&backend, &format!("/runs/{id}")), before, "nobody asks for it");
    (backend, client, id)
}

#[tokio::test(start_paused = true)]
async fn refetch_requests_a_run_that_is_over_once() {
    let (backend, mut client, id) = after_the_end().await;
    let before = asked(&backend, &format!("/runs/{id}"));
    refetch(&client, run(id)).await;
    client.pass(secs(1)).await;
    assert_eq!(asked(&backend, &format!("/runs/{id}")), before + 1);
    client.pass(secs(20)).await;
    assert_eq!(asked(&backend, &format!("/runs/{id}")), before + 1, "and only once");
    client.shows(&backend, &[id]).await;
}

#[tokio::test(start_paused = true)]
async fn refetch_of_a_song_shows_its_new_title() {
    let (backend, mut client, id) = after_the_end().await;
    let song = {
        let mut runs = backend.lock();
        let song = runs.run(id).song_id;
        runs.songs.insert(song, "Neon Sun".to_owned());
        song
    };
    client.pass(secs(20)).await;
    let title = |client: &TestClient| {
        let id = id.to_string();
        client.model.run(&id).unwrap().song_title.as_deref().map(str::to_owned)
    };
    assert_eq!(title(&client).as_deref(), Some("Neon Rain"));
    refetch(&client, RefetchTarget::Song(song.to_string().into())).await;
    client.pass(secs(2)).await;
    assert_eq!(title(&client).as_deref(), Some("Neon Sun"));
}

#[tokio::test(start_paused = true)]
async fn refetch_of_runs_requests_the_lists() {
    let (backend, mut client, _) = after_the_end().await;
    let pages = |backend: &Backend| asked(backend, "/workflow-runs");
    // Without refetches the client requests the list of all runs every 2 s.
    let before = pages(&backend);
    while pages(&backend) == before {
        client.pass(Duration::from_millis(20)).await;
    }
    refetch(&client, RefetchTarget::Runs).await;
    client.pass(Duration::from_millis(500)).await;
    assert_eq!(pages(&backend), before + 2);
}

#[tokio::test(start_paused = true)]
async fn constant_refetching_costs_one_request_per_target_and_interval() {
    let backend = Backend::new();
    let mut client = TestClient::watching(&backend, settings());
    let ids: Vec<Uuid> = (0..4).map(|_| backend.start_run([Script::success(100)])).collect();
    client.pass(secs(20)).await;
    let nowhere = Uuid::from_u128(7);
    let before = asked(&backend, "/runs/");
    let lists = asked(&backend, "/monitoring/active-runs");
    for _ in 0..1_000 {
        for id in ids.iter().chain([&nowhere]) {
            refetch(&client, run(*id)).await;
        }
        refetch(&client, RefetchTarget::Runs).await;
        client.pass(Duration::from_millis(20)).await;
    }
    let intervals = 20_000 / POLL.as_millis() as usize + 1;
    let questions = asked(&backend, "/runs/") - before;
    assert!(questions <= intervals * (ids.len() + 1), "{questions} questions in 20 s");
    assert!(questions >= (intervals - 2) * (ids.len() + 1), "{questions} questions in 20 s");
    let lists = asked(&backend, "/monitoring/active-runs") - lists;
    assert!(lists <= 15, "{lists} lists in 20 s");
    assert_eq!(backend.pool().most_by_watchers, 1, "one question at a time");
    client.shows(&backend, &ids).await;
}

#[tokio::test(start_paused = true)]
async fn refetches_send_nothing_to_a_backend_that_does_not_answer() {
    let (backend, mut client, id) = after_the_end().await;
    backend.freeze(secs(40));
    let before = backend.seen().requests.len();
    for _ in 0..100 {
        refetch(&client, run(id)).await;
        refetch(&client, RefetchTarget::Runs).await;
        client.pass(Duration::from_millis(300)).await;
    }
    assert!(backend.seen().requests.len() <= before + 1);
    client.pass(secs(30)).await;
    client.shows(&backend, &[id]).await;
}

#[tokio::test(start_paused = true)]
async fn stream_of_events_ignores_refetches() {
    let mut stage = Stage::with(ConnectionSettings::default(), Some(crate::stage::URL));
    let _server = stage.attempt().await.accept().await;
    stage.until_state("connected").await;
    for target in [RefetchTarget::Runs, RefetchTarget::Song("s".into())] {
        stage.command(Command::Refetch(target)).await;
    }
    tokio::time::sleep(secs(1)).await;
    stage.expect_states(&["connecting", "connected at 0"]);
}
