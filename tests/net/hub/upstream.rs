//! Upstreams of a hub: the backend stand-in, an event stream, another hub.

use std::time::Duration;

use crate::client::with_sockets;
use jiff::Timestamp;
use meterbridge::demo::{DemoOptions, DemoServer};
use meterbridge::hub::HubServer;
use meterbridge::hub::relay::{Hub, HubOptions};
use meterbridge::inspect::Report;
use meterbridge::protocol::hub::UpstreamState;
use meterbridge::protocol::{Batch, RunSnapshot};
use meterbridge::source::{ConnectionState, Signal, Updates};
use uuid::Uuid;

use super::{Fed, NetViewer, TempStore, connect, eventually, options, runs_of, whole_run};
use crate::backend::{Backend, Script, Truth};

pub(super) async fn hub_of(options: HubOptions) -> HubServer {
    HubServer::start_hub(([127, 0, 0, 1], 0).into(), Hub::open(options).unwrap(), None)
        .await
        .unwrap()
}

fn differences(client: &NetViewer, backend: &Backend, run: Uuid) -> Vec<String> {
    let report = Report::of(&client.model).runs.into_iter().find(|it| it.run_id == run.to_string());
    match report {
        None => vec!["it is not shown".to_owned()],
        Some(report) => Truth::of(backend, run).differences(&report),
    }
}

#[tokio::test]
async fn late_screen_sees_runs_forgotten_by_the_backend_even_after_a_restart() {
    let temp_store = TempStore::new("backend");
    let backend = Backend::new();
    let address = backend.listen().await;
    let options = HubOptions {
        upstream: format!("http://{address}").into(),
        connection: with_sockets(8),
        ..options(Some(temp_store.file()))
    };
    backend.allow_connections(9);
    let runs = [
        backend.start_run([Script::with_fixes(1, 500)]),
        backend.start_run([Script::failing("COMPOSE", "boom", 700)]),
    ];
    let server = hub_of(options.clone()).await;
    let mut early = connect(&server, None).await;
    early
        .until("their ends and titles", |client| {
            runs.iter().all(|run| {
                let shown = client.model.run(&run.to_string());
                shown.is_some_and(|run| run.status.is_over() && run.song_title.is_some())
                    && differences(client, &backend, *run).is_empty()
            })
        })
        .await;
    assert!(early.upstream.iter().any(|upstream| upstream.state == UpstreamState::Live));
    let mut late = connect(&server, None).await;
    late.until_live().await;
    let texts = late.texts();
    let starts = texts
        .iter()
        .filter(|text| text.contains(r#""COMPOSE""#) && text.contains(r#""phase":"start""#));
    assert_eq!(starts.count(), 3, "the backend stores none of them");
    let check = |client: &NetViewer| {
        for run in runs {
            assert_eq!(differences(client, &backend, run), [""; 0]);
            let shown = client.model.run(&run.to_string()).unwrap();
            assert_eq!(shown.song_title.as_deref(), Some("Neon Rain"));
            assert!(!shown.from_rest, "its end was heard");
        }
    };
    check(&late);
    // The backend may be asked once more about a finished run.
    let hub = server.hub().unwrap();
    late.until("what the hub knows", |client| client.runs() == runs_of(hub)).await;
    server.stop().await;

    let server = hub_of(options).await;
    let mut later = connect(&server, None).await;
    later.until_live().await;
    check(&later);
    let mut back = connect(&server, early.position.as_ref()).await;
    back.until_live().await;
    assert_eq!(back.hellos[0].at.stream, early.hellos[0].at.stream);
    assert!(backend.seen().most_watchers <= 8);
    server.stop().await;
}

#[tokio::test]
async fn screens_receive_the_upstream_state() {
    let backend = Backend::new();
    backend.refuse_sockets(Some(503));
    let address = backend.listen().await;
    backend.start_run([Script::success(60_000)]);
    let options = HubOptions {
        upstream: format!("http://{address}").into(),
        connection: with_sockets(8),
        ..options(None)
    };
    backend.allow_connections(9);
    let server = hub_of(options).await;
    let mut client = connect(&server, None).await;
    let stands = |client: &NetViewer, state| {
        client.upstream.last().is_some_and(|upstream| upstream.state == state)
    };
    client.until("asking instead", |it| stands(it, UpstreamState::Polling)).await;
    backend.refuse_sockets(None);
    client.until("live again", |it| stands(it, UpstreamState::Live)).await;
    let kill = backend.kill(Duration::from_secs(4));
    let lost = client.until("being lost", |it| stands(it, UpstreamState::Lost));
    tokio::join!(kill, lost);
    let lost = client.upstream.last().unwrap().clone();
    assert!(!lost.reason.is_empty());
    client.until("being back", |it| !stands(it, UpstreamState::Lost)).await;
    let counters = server.hub().unwrap().counters();
    assert_eq!(counters.upstream_reconnects.get(), 1);
    assert_eq!(server.hub().unwrap().upstream_state(), *client.upstream.last().unwrap());
    server.stop().await;
}

#[tokio::test]
async fn event_stream_is_forwarded_unchanged() {
    let demo = DemoOptions { speed: 100.0, runs: 40, ..DemoOptions::default() };
    let demo_server = DemoServer::start(([127, 0, 0, 1], 0).into(), demo).await.unwrap();
    let server = hub_of(HubOptions { upstream: demo_server.url().into(), ..options(None) }).await;
    let hub = server.hub().unwrap();
    let mut early = connect(&server, None).await;
    early.until_told(1500).await;
    let mut late = connect(&server, None).await;
    late.until_live().await;
    demo_server.stop().await;
    eventually("the loss", || hub.upstream_state().state == UpstreamState::Lost).await;
    let mut last = connect(&server, None).await;
    last.until_live().await;
    let end = last.position.clone();
    for client in [&mut early, &mut late] {
        client.until("the end", |client| client.position == end).await;
        assert_eq!(client.told, last.told);
        assert_eq!(client.runs(), runs_of(hub));
    }
    server.stop().await;
}

#[tokio::test]
async fn hub_can_have_another_hub_as_upstream() {
    let Fed { hub, upstream } = Fed::new();
    let first = HubServer::start_hub(([127, 0, 0, 1], 0).into(), hub, None).await.unwrap();
    let second = hub_of(HubOptions { upstream: first.events_url().into(), ..options(None) }).await;
    let mut client = connect(&second, None).await;
    let reason = "nothing is listening at studio:8000. Is the backend running?";
    let url = "http://studio:8000".to_owned();
    let failed =
        ConnectionState::Failed { url: url.clone(), reason: reason.to_owned(), is_probed: false };
    upstream.send(Signal::State(failed)).unwrap();
    client
        .until("what the first hub lacks", |client| {
            client.upstream.last().is_some_and(|upstream| upstream.reason.contains(reason))
        })
        .await;
    let mut batch = Batch::new(Timestamp::now(), true);
    whole_run("r-1").iter().for_each(|text| batch.push_text(text));
    let run = RunSnapshot::read(br#"{"run_id":"r-1","song_id":"s-1"}"#).unwrap();
    batch.push_run(RunSnapshot { song_title: Some("Neon Rain".into()), ..run }.into());
    upstream.send(Signal::Batch(batch)).unwrap();
    let (since, updates) = (Timestamp::now(), Updates::Live);
    upstream.send(Signal::State(ConnectionState::Connected { url, since, updates })).unwrap();
    client.until_told(19).await;
    client
        .until("live", |client| {
            client.upstream.last().is_some_and(|upstream| upstream.state == UpstreamState::Live)
        })
        .await;
    assert_eq!(client.texts()[..18], whole_run("r-1"));
    assert_eq!(client.runs(), runs_of(first.hub().unwrap()));
    assert_eq!(client.runs(), runs_of(second.hub().unwrap()));
    assert_eq!(client.model.run("r-1").unwrap().song_title.as_deref(), Some("Neon Rain"));
    second.stop().await;
    first.stop().await;
}
