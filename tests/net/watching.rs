//! Tests that watching does not harm the backend and misses no run (protocol, section 6). Each test
//! ends with the stand-in's own check: no run failed because it was watched, no freeze was caused, and
//! viewers never held more than the allowed number of connections (one by default).

use std::time::Duration;

use meterbridge::protocol::RunId;
use meterbridge::source::{ApiSettings, ConnectionSettings, ConnectionState, Updates};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::backend::{AnswerTimes, Backend, RemovalFaults, Script};
use crate::client::{TestClient, settings, with_sockets};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Settings that never give up, as on a hub or a kiosk.
fn tireless() -> ConnectionSettings {
    ConnectionSettings { max_reconnect_attempts: 0, ..settings() }
}

/// Number of REST requests so far; socket handshakes appear in it, too.
fn questions(backend: &Backend) -> usize {
    backend.seen().requests.len()
}

#[tokio::test(start_paused = true)]
async fn killing_a_viewer_during_a_run_fails_no_run() {
    let backend = Backend::new();
    backend.fail_after_removals(RemovalFaults::ALWAYS);
    let runs: Vec<Uuid> = (0..8).map(|_| backend.start_run([Script::success(2000)])).collect();
    for _ in 0..5 {
        let mut client = TestClient::watching(&backend, settings());
        client.pass(secs(3)).await;
        // Aborts the source's tasks and so drops their connections.
        client.kill();
    }
    let mut client = TestClient::watching(&backend, settings());
    client.pass(secs(10)).await;
    client.shows(&backend, &runs).await;
    assert!(runs.iter().all(|run| backend.lock().run(*run).status == "completed"));
    assert_eq!(backend.seen().handshakes, 0, "no socket was ever opened");
}

#[tokio::test(start_paused = true)]
async fn sockets_stay_open_until_their_runs_end_and_new_runs_are_polled() {
    let backend = Backend::new();
    backend.fail_after_removals(RemovalFaults::ALWAYS);
    backend.allow_connections(3);
    let mut client = TestClient::watching(&backend, with_sockets(2));
    let old: Vec<Uuid> = (0..2).map(|_| backend.start_run([Script::success(3000)])).collect();
    client.pass(secs(4)).await;
    assert_eq!(backend.seen().watchers, 2);
    // The new runs do not displace the sockets of the old ones.
    let new: Vec<Uuid> = (0..4).map(|_| backend.start_run([Script::success(3000)])).collect();
    client.pass(secs(10)).await;
    assert_eq!((backend.seen().watchers, backend.seen().handshakes), (2, 2));
    let all: Vec<Uuid> = old.into_iter().chain(new).collect();
    client.pass(secs(30)).await;
    client.shows(&backend, &all).await;
    assert!(all.iter().all(|run| backend.lock().run(*run).status == "completed"));
    assert_eq!(backend.seen().watchers, 0);
}

#[tokio::test(start_paused = true)]
async fn frozen_backend_is_reported_and_not_sent_more_requests() {
    let backend = Backend::new();
    let mut client = TestClient::watching(&backend, settings());
    let run = backend.start_run([Script::success(30_000)]);
    client.pass(secs(5)).await;
    client.shows(&backend, &[run]).await;
    backend.freeze(secs(45));
    let asked = questions(&backend);
    client.pass(secs(10)).await;
    let state = client.states.last();
    let Some(ConnectionState::Connected { updates: Updates::Unanswered { since }, .. }) = state
    else {
        panic!("{state:?}")
    };
    assert!(backend.now().duration_since(*since).as_secs() <= 10);
    client.pass(secs(30)).await;
    assert!(questions(&backend) <= asked + 1, "nobody asks a backend that does not answer");
    client.pass(secs(8)).await;
    assert!(client.polls(), "{:?}", client.states.last());
    client.shows(&backend, &[run]).await;
}

#[tokio::test(start_paused = true)]
async fn node_change_is_seen_within_2500_ms_with_eight_running_runs() {
    let backend = Backend::new();
    let mut client = TestClient::watching(&backend, settings());
    for number in 0..8 {
        backend.start_run([Script::success(4000 + 700 * number)]);
        sleep(millis(300)).await;
    }
    client.pass(secs(5)).await;
    let mut seen_at = std::collections::HashMap::new();
    let mut longest = Duration::ZERO;
    let end = Instant::now() + secs(20);
    while Instant::now() < end {
        client.pass(millis(50)).await;
        let runs: Vec<Uuid> = backend.lock().order.clone();
        for run in runs {
            let truth = backend.lock().run(run).executions.len();
            let told = client.report(run).map_or(0, |report| {
                report.nodes.iter().map(|node| node.attempts as usize).sum::<usize>()
            });
            let since = *seen_at.entry((run, truth)).or_insert_with(Instant::now);
            if told < truth {
                longest = longest.max(since.elapsed());
            }
        }
    }
    assert!(longest <= millis(2500), "{longest:?}");
}

#[tokio::test(start_paused = true)]
async fn runs_shorter_than_the_poll_interval_are_found_despite_pending_runs() {
    for pending in [0, 12, 200] {
        let backend = Backend::new();
        let mut client = TestClient::watching(&backend, settings());
        for number in 0..pending + 20 {
            if number < pending {
                backend.add_run([Script::success(10)]);
            } else {
                backend.start_run([Script::success(20)]);
            }
        }
        client.pass(secs(30)).await;
        let mut runs = Vec::new();
        for lasting in [100, 300, 700, 1200, 2500] {
            let script = Script::without_skill("PLAN", 10).lasting(millis(lasting));
            eprintln!("{pending} pending, a run of {lasting} ms");
            let run = backend.start_run([script]);
            runs.push(run);
            client.pass(millis(lasting + 500)).await;
            let took = client.shows(&backend, &[run]).await;
            assert!(took <= secs(15), "{pending} pending, {lasting} ms: {took:?}");
        }
        assert!(runs.iter().all(|run| client.report(*run).unwrap().status == "failed"));
    }
}

#[tokio::test(start_paused = true)]
async fn finds_30_runs_that_ended_5_h_before_the_start() {
    let backend = Backend::new();
    let runs: Vec<Uuid> = (0..30).map(|_| backend.start_run([Script::success(50)])).collect();
    sleep(secs(5 * 3600)).await;
    let mut client = TestClient::watching(&backend, settings());
    let took = client.shows(&backend, &runs).await;
    assert!(took <= secs(15), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn unfinished_runs_of_a_store_are_requested_even_after_5_days() {
    let backend = Backend::new();
    let runs: Vec<Uuid> = (0..40).map(|_| backend.start_run([Script::success(50)])).collect();
    // Five days later, beyond the age up to which finished runs are looked for.
    sleep(secs(5 * 86_400)).await;
    let unfinished = runs.iter().map(|run| RunId::new(run.to_string())).collect();
    let api = ApiSettings { unfinished, ..ApiSettings::default() };
    let mut client = TestClient::watching(&backend, ConnectionSettings { api, ..settings() });
    let took = client.shows(&backend, &runs).await;
    assert!(took <= secs(15), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn unfinished_runs_are_shown_right_after_a_backend_restart() {
    let backend = Backend::new();
    let mut client = TestClient::watching(&backend, tireless());
    let runs: Vec<Uuid> = (0..30).map(|_| backend.start_run([Script::success(1000)])).collect();
    client.pass(secs(3)).await;
    backend.restart(secs(20)).await;
    let took = client.shows(&backend, &runs).await;
    assert!(took <= secs(15), "{took:?}");
    assert!(runs.iter().all(|run| client.report(*run).unwrap().status == "completed"));
}

#[tokio::test(start_paused = true)]
async fn run_cancelled_during_a_node_of_a_killed_server_is_over() {
    let backend = Backend::new();
    backend.allow_connections(2);
    let mut client = TestClient::watching(&backend, with_sockets(1));
    let run = backend.start_run([Script::success(20_000)]);
    client.pass(secs(25)).await;
    backend.cancel(run);
    client.pass(secs(2)).await;
    backend.kill(secs(4)).await;
    client.pass(secs(20)).await;
    let report = client.report(run).unwrap();
    assert_eq!(report.status, "cancelled");
    let running = report.nodes.iter().filter(|node| node.status == "running").count();
    assert_eq!(running, 0, "{:?}", report.nodes);
    assert_eq!(backend.seen().watchers, 0, "no socket for what is over");
    let asked = backend.seen().requests.iter().filter(|it| it.contains(&run.to_string())).count();
    client.pass(secs(60)).await;
    let later = backend.seen().requests.iter().filter(|it| it.contains(&run.to_string())).count();
    assert_eq!(later, asked, "nobody asks for it any more");
}

#[tokio::test(start_paused = true)]
async fn error_names_the_disconnection_that_failed_the_run() {
    let backend = Backend::new();
    backend.expect_harm();
    backend.fail_after_removals(RemovalFaults::ALWAYS);
    let run = backend.start_run([Script::success(2000)]);
    sleep(millis(500)).await;
    // A viewer that is not under test.
    drop(crate::stand_in::watch(&backend, &format!("?run_id={run}")).await);
    let mut client = TestClient::watching(&backend, settings());
    client.pass(secs(15)).await;
    let report = client.report(run).unwrap();
    let error = report.error.unwrap();
    assert!(
        error.starts_with("A viewer's disconnection made the backend fail this run"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn idle_backend_gets_at_most_70_requests_a_minute() {
    let backend = Backend::new();
    let mut client = TestClient::watching(&backend, settings());
    client.pass(secs(10)).await;
    let asked = questions(&backend);
    client.pass(secs(60)).await;
    let a_minute = questions(&backend) - asked;
    assert!(a_minute <= 70, "{a_minute} questions a minute of a backend where nothing happens");
}

/// A failure between two looks, a new run and an end are seen in time beside forty running runs.
#[tokio::test(start_paused = true)]
async fn lists_are_read_in_time_beside_forty_running_runs() {
    let backend = Backend::new();
    // Slow enough that the details of forty runs are always overdue.
    backend.answer_within(AnswerTimes { detail: millis(20), other: millis(20) });
    let mut client = TestClient::watching(&backend, settings());
    let slow: Vec<Uuid> = (0..40).map(|_| backend.start_run([Script::success(60_000)])).collect();
    client.pass(secs(20)).await;
    let lists = || backend.seen().requests.iter().filter(|it| it.ends_with("/active-runs")).count();
    let before = lists();
    client.pass(secs(20)).await;
    assert!(lists() - before >= 12, "{} lists in 20 s", lists() - before);
    let failed = backend.start_run([Script::without_skill("PLAN", 10).lasting(millis(100))]);
    client.pass(millis(200)).await;
    let took = client.shows(&backend, &[failed]).await;
    assert!(took <= secs(10), "a failure between two looks: {took:?}");
    let short = backend.start_run([Script::success(400)]);
    client.pass(secs(5)).await;
    let took = client.shows(&backend, &[short]).await;
    assert!(took <= secs(10), "an end: {took:?}");
    assert!(slow.iter().all(|run| client.report(*run).is_some()));
}

/// Runs that ended before a viewer came do not keep it from what runs.
#[tokio::test(start_paused = true)]
async fn backlog_of_ended_runs_does_not_delay_running_ones() {
    let backend = Backend::new();
    for _ in 0..150 {
        backend.start_run([Script::without_skill("PLAN", 10).lasting(millis(50))]);
        // More than 15 at a time would freeze the server.
        sleep(millis(60)).await;
    }
    let run = backend.start_run([Script::success(500)]);
    let mut client = TestClient::watching(&backend, settings());
    client.pass(secs(2)).await;
    while backend.lock().run(run).executing {
        client.pass(millis(100)).await;
    }
    let took = client.shows(&backend, &[run]).await;
    assert!(took <= secs(4), "{took:?}");
}

/// Running runs get their turn although every request has to wait.
#[tokio::test(start_paused = true)]
async fn running_run_is_polled_beside_a_backlog_at_a_slow_backend() {
    let backend = Backend::new();
    for _ in 0..100 {
        backend.start_run([Script::without_skill("PLAN", 10).lasting(millis(50))]);
        sleep(millis(60)).await;
    }
    backend.answer_within(AnswerTimes { detail: millis(60), other: millis(60) });
    let run = backend.start_run([Script::success(6000)]);
    let mut client = TestClient::watching(&backend, settings());
    client.pass(secs(5)).await;
    let details = || {
        let end = format!("/runs/{run}");
        backend.seen().requests.iter().filter(|it| it.ends_with(&end)).count()
    };
    let before = details();
    client.pass(secs(30)).await;
    assert!(details() - before >= 6, "{} details in 30 s", details() - before);
}
