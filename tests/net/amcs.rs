//! Source for a real backend, tested against a simulated one: within 15 seconds of any event the
//! display shows the true state. Tokio's clock is paused; all durations are realistic.

use std::time::Duration;

use meterbridge::inspect::RunReport;
use meterbridge::source::{Command, ConnectionSettings, ConnectionState, Updates};
use tokio::time::sleep;
use uuid::Uuid;

use crate::backend::{Backend, Guard, Script};
use crate::client::{TestClient, check_manners, naming, settings, with_sockets};

const WORDS: &str = "LLM call timed out in LYRICS after 30s";

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn is_from_rest(report: &RunReport, node: &str) -> bool {
    report.nodes.iter().any(|it| it.name == node && it.from_rest)
}

#[tokio::test(start_paused = true)]
async fn run_is_discovered_watched_live_and_released() {
    let backend = Backend::new();
    backend.send_live_first();
    let mut client = TestClient::watching(&backend, with_sockets(8));
    backend.allow_connections(9);
    client.pass(secs(1)).await;
    assert!(client.is_connected(), "{:?}", client.states);
    let run = backend.start_run([Script::with_fixes(2, 600)]);
    client.shows(&backend, &[run]).await;
    let song = backend.lock().run(run).song_id;
    backend.lock().songs.insert(song, "Neon Rain (Reprise)".to_owned());
    // From now on the shown state is right at almost any moment.
    let mut wrong = 0;
    while backend.lock().run(run).executing {
        client.pass(Duration::from_millis(100)).await;
        wrong += usize::from(!client.differences(&backend, &[run]).is_empty());
    }
    assert!(wrong < 15, "{wrong} times of about 90");
    client.shows(&backend, &[run]).await;
    let report = client.report(run).unwrap();
    assert_eq!((report.status, report.from_rest), ("completed", false));
    // The run may have given its song another title.
    client.pass(secs(6)).await;
    assert!(is_from_rest(&report, "PLAN"), "it began before it was found");
    assert!(!is_from_rest(&report, "REVIEW"));
    let title = client.model.run(&run.to_string()).unwrap().song_title.clone();
    assert_eq!(title.as_deref(), Some("Neon Rain (Reprise)"));
    client.pass(secs(3)).await;
    assert_eq!(backend.seen().watchers, 0, "its socket is closed when it is over");
    let asked = backend.seen().requests.len();
    client.pass(secs(60)).await;
    let later = backend.seen().requests;
    let looks = |it: &String| it.contains("active-runs") || it.contains("workflow-runs");
    assert!(later[asked..].iter().all(looks), "{later:#?}");
    check_manners(&backend);
}

#[tokio::test(start_paused = true)]
async fn late_viewer_sees_the_outcome() {
    let backend = Backend::new();
    let runs = [
        backend.start_run([Script::with_fixes(1, 100)]),
        backend.start_run([Script::failing("LYRICS", WORDS, 100)]),
        backend.start_run([Script::without_skill("COMPOSE", 100)]),
        backend.start_run([Script::without_skill("PLAN", 100)]),
        backend.add_run([Script::success(100)]),
    ];
    sleep(secs(30)).await;
    let mut client = TestClient::watching(&backend, naming(&runs));
    let took = client.shows(&backend, &runs).await;
    assert!(took < secs(2), "{took:?}");
    let failed = client.report(runs[1]).unwrap();
    assert!(failed.from_rest && is_from_rest(&failed, "LYRICS"));
    assert_eq!(failed.nodes[1].status, "success", "REST names STYLE as the one that failed");
    check_manners(&backend);
}

#[tokio::test(start_paused = true)]
async fn recently_ended_runs_are_shown_on_connecting() {
    let backend = Backend::new();
    let old = backend.start_run([Script::success(100)]);
    sleep(secs(30 * 3600)).await;
    let runs = [
        backend.start_run([Script::with_fixes(1, 100)]),
        backend.start_run([Script::failing("LYRICS", WORDS, 100)]),
    ];
    sleep(secs(1800)).await;
    let mut client = TestClient::watching(&backend, settings());
    let took = client.shows(&backend, &runs).await;
    assert!(took < secs(5), "{took:?}");
    assert_eq!(client.report(runs[1]).unwrap().status, "failed");
    assert!(client.report(old).is_none(), "nobody asks for what ended hours ago");
    client.pass(secs(60)).await;
    let asked = backend.seen().requests;
    let details = asked.iter().filter(|it| it.contains("/runs/")).count();
    assert_eq!(details, runs.len(), "each is asked for once: {asked:#?}");
    assert_eq!(backend.seen().watchers, 0);
}

#[tokio::test(start_paused = true)]
async fn failure_of_a_watched_run_is_shown() {
    let backend = Backend::new();
    let mut client = TestClient::watching(&backend, settings());
    let run = backend.start_run([Script::failing("COMPOSE", "boom", 1500)]);
    client.pass(secs(14)).await;
    client.shows(&backend, &[run]).await;
    assert_eq!(client.report(run).unwrap().status, "failed");
}

#[tokio::test(start_paused = true)]
async fn socket_lost_mid_run_loses_no_state() {
    let backend = Backend::new();
    let mut client = TestClient::watching(&backend, with_sockets(8));
    backend.allow_connections(9);
    let run = backend.start_run([Script::with_fixes(1, 1500)]);
    client.pass(secs(5)).await;
    // All connections are lost, and the backend is back at once.
    backend.restart(Duration::from_millis(100)).await;
    client.pass(secs(5)).await;
    client.shows(&backend, &[run]).await;
    client.pass(secs(15)).await;
    client.shows(&backend, &[run]).await;
    assert_eq!(client.report(run).unwrap().status, "completed");
    check_manners(&backend);
}

#[tokio::test(start_paused = true)]
async fn missed_end_of_a_run_is_detected() {
    let backend = Backend::new();
    let mut client = TestClient::watching(&backend, with_sockets(8));
    backend.allow_connections(9);
    let run = backend.start_run([Script::success(1000).losing_its_end()]);
    client.pass(secs(1)).await;
    client.until("its end", |_| !backend.lock().run(run).executing).await;
    let took = client.shows(&backend, &[run]).await;
    assert!(took < secs(13), "{took:?}");
    assert!(client.report(run).unwrap().from_rest);
    client.pass(secs(3)).await;
    assert_eq!(backend.seen().watchers, 0);
}

#[tokio::test(start_paused = true)]
async fn cancelled_run_that_continues_is_shown() {
    let backend = Backend::new();
    backend.expect_viewers(2);
    let mut client = TestClient::watching(&backend, settings());
    let run = backend.start_run([Script::success(2000)]);
    client.pass(secs(7)).await;
    backend.cancel(run);
    client.pass(Duration::from_millis(200)).await;
    assert_eq!(client.report(run).unwrap().status, "cancelled");
    client.pass(secs(3)).await;
    client.shows(&backend, &[run]).await;
    assert_eq!(client.report(run).unwrap().status, "running");
    client.until("its end", |_| !backend.lock().run(run).executing).await;
    client.shows(&backend, &[run]).await;
    let report = client.report(run).unwrap();
    assert_eq!((report.status, report.cancel_requested), ("completed", true));

    // With REST only.
    backend.refuse_sockets(Some(403));
    let mut polling = TestClient::watching(&backend, settings());
    let run = backend.start_run([Script::success(4000)]);
    polling.pass(secs(7)).await;
    backend.cancel(run);
    polling.pass(secs(6)).await;
    polling.shows(&backend, &[run]).await;
    polling.until("its end", |_| !backend.lock().run(run).executing).await;
    polling.shows(&backend, &[run]).await;
    let report = polling.report(run).unwrap();
    assert_eq!((report.status, report.cancel_requested), ("completed", true));
}

#[tokio::test(start_paused = true)]
async fn retry_is_a_separate_run() {
    let backend = Backend::new();
    let mut client = TestClient::watching(&backend, settings());
    let failed = backend.start_run([Script::failing("STYLE", "boom", 2000)]);
    client.pass(secs(8)).await;
    let now = backend.now();
    let song = backend.lock().run(failed).song_id;
    let again = backend.lock().add_run(song, vec![Script::success(800)], now);
    client.pass(secs(10)).await;
    backend.start(again);
    client.pass(secs(10)).await;
    client.shows(&backend, &[failed, again]).await;
    assert_eq!(client.report(again).unwrap().status, "completed");
}

#[tokio::test(start_paused = true)]
async fn second_execution_keeps_the_run_id() {
    let backend = Backend::new();
    backend.expect_viewers(2);
    let mut client = TestClient::watching(&backend, settings());
    let scripts = [Script::failing("COMPOSE", "boom", 1000), Script::with_fixes(1, 1000)];
    let run = backend.start_run(scripts.clone());
    client.pass(secs(20)).await;
    client.shows(&backend, &[run]).await;
    backend.start(run);
    client.pass(secs(6)).await;
    client.shows(&backend, &[run]).await;
    assert_eq!(client.report(run).unwrap().executions, 2);
    client.pass(secs(20)).await;
    client.shows(&backend, &[run]).await;
    let shown = client.model.run(&run.to_string()).unwrap();
    assert_eq!(shown.history.len(), 1);
    let error = shown.history[0].nodes[4].error.as_deref();
    assert!(error.is_some_and(|error| error.ends_with("boom")), "{error:?}");

    // With REST only.
    backend.refuse_sockets(Some(403));
    let mut polling = TestClient::watching(&backend, settings());
    let run = backend.start_run(scripts);
    polling.pass(secs(20)).await;
    polling.shows(&backend, &[run]).await;
    backend.start(run);
    polling.pass(secs(6)).await;
    polling.shows(&backend, &[run]).await;
    polling.pass(secs(20)).await;
    polling.shows(&backend, &[run]).await;
    assert_eq!(polling.model.run(&run.to_string()).unwrap().history.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn forty_runs_share_eight_sockets() {
    let backend = Backend::new();
    let mut runs = Vec::new();
    for number in 0..40 {
        let script = match number % 4 {
            0 => Script::failing("VALIDATE", "boom", 4000),
            1 => Script::with_fixes(2, 2000),
            _ => Script::success(3000 + 50 * number),
        };
        runs.push(backend.start_run([script]));
        sleep(Duration::from_millis(100)).await;
    }
    let mut client = TestClient::watching(&backend, with_sockets(8));
    backend.allow_connections(9);
    client.pass(secs(6)).await;
    assert_eq!(backend.seen().watchers, 8);
    assert!(client.polls(), "32 runs are polled, since there are so many");
    client.pass(secs(60)).await;
    client.shows(&backend, &runs).await;
    assert!(runs.iter().all(|id| client.report(*id).unwrap().status != "running"));
    check_manners(&backend);
}

#[tokio::test(start_paused = true)]
async fn backend_frozen_for_45_seconds_loses_no_state() {
    let backend = Backend::new();
    let mut client = TestClient::watching(&backend, with_sockets(8));
    backend.allow_connections(9);
    let runs: Vec<Uuid> =
        (0..3).map(|_| backend.start_run([Script::with_fixes(1, 2000)])).collect();
    client.pass(secs(9)).await;
    client.shows(&backend, &runs).await;
    let said = client.log.len();
    backend.freeze(secs(45));
    client.pass(secs(44)).await;
    assert!(runs.iter().all(|id| client.report(*id).unwrap().status == "running"));
    assert!(client.is_connected(), "{:?}", client.states);
    assert_eq!(client.log[said..].len(), 1, "it is said once: {:#?}", &client.log[said..]);
    client.pass(secs(2)).await;
    client.shows(&backend, &runs).await;
    client.pass(secs(30)).await;
    client.shows(&backend, &runs).await;
    assert_eq!(backend.seen().handshakes, 3, "no socket was opened anew");
    check_manners(&backend);
}

#[tokio::test(start_paused = true)]
async fn reconnects_after_a_backend_restart() {
    let backend = Backend::new();
    let mut client = TestClient::watching(&backend, settings());
    let runs: Vec<Uuid> =
        (0..3).map(|_| backend.start_run([Script::with_fixes(1, 1200)])).collect();
    client.pass(secs(5)).await;
    backend.restart(secs(8)).await;
    client.take();
    assert!(matches!(client.states.last(), Some(ConnectionState::Reconnecting { .. })));
    let under_way = |state: &ConnectionState| {
        matches!(state, ConnectionState::Reconnecting { next_attempt_at: None, .. })
    };
    assert!(client.states.iter().any(under_way));
    client.shows(&backend, &runs).await;
    assert!(client.is_connected());
    client.pass(secs(20)).await;
    client.shows(&backend, &runs).await;
    check_manners(&backend);
}

#[tokio::test(start_paused = true)]
async fn requests_that_fail_together_count_as_one_failure() {
    let backend = Backend::new();
    let runs: Vec<Uuid> =
        (0..40).map(|_| backend.start_run([Script::with_fixes(3, 2500)])).collect();
    let settings = ConnectionSettings { max_reconnect_attempts: 5, ..settings() };
    let mut client = TestClient::watching(&backend, settings);
    client.pass(secs(9)).await;
    backend.restart(secs(13)).await;
    client.pass(secs(90)).await;
    client.shows(&backend, &runs).await;
    assert!(client.is_connected(), "{:?}", client.states);
    check_manners(&backend);
}

#[tokio::test(start_paused = true)]
async fn killed_backend_leaves_orphaned_runs() {
    let backend = Backend::new();
    let mut client = TestClient::watching(&backend, with_sockets(8));
    backend.allow_connections(9);
    let orphans: Vec<Uuid> = (0..9).map(|_| backend.start_run([Script::success(2000)])).collect();
    client.pass(secs(5)).await;
    backend.kill(secs(4)).await;
    client.shows(&backend, &orphans).await;
    // The orphans stay "running" for ever; new runs get sockets once the orphans are recognised.
    client.pass(secs(700)).await;
    assert_eq!(backend.seen().watchers, 0, "no socket for what is dead");
    let run = client.model.run(&orphans[0].to_string()).unwrap();
    assert!(run.is_orphan(backend.now()));
    let asked = backend.seen().requests.len();
    client.pass(secs(60)).await;
    let details =
        backend.seen().requests[asked..].iter().filter(|it| it.contains("/runs/")).count();
    assert!(details <= 2 * orphans.len(), "{details} questions about the dead in a minute");
    let run = backend.start_run([Script::success(1000)]);
    client.pass(secs(4)).await;
    assert_eq!(backend.seen().watchers, 1);
    client.shows(&backend, &[run]).await;
    check_manners(&backend);
}

#[tokio::test(start_paused = true)]
async fn orphans_of_yesterday_get_no_socket() {
    let backend = Backend::new();
    backend.expect_viewers(2);
    let orphans: Vec<Uuid> = (0..9).map(|_| backend.start_run([Script::success(2000)])).collect();
    sleep(secs(5)).await;
    backend.kill(secs(1)).await;
    sleep(secs(86_400)).await;
    let run = backend.start_run([Script::success(1000)]);
    sleep(secs(1)).await;
    for listed in [true, false] {
        if !listed {
            backend.without_active_runs();
        }
        let before = backend.seen().handshakes;
        let mut client = TestClient::watching(&backend, with_sockets(8));
        backend.allow_connections(9);
        client.pass(secs(2)).await;
        client.shows(&backend, &orphans).await;
        if listed {
            client.shows(&backend, &[run]).await;
            assert_eq!(backend.seen().handshakes, before + 1);
        }
        client.pass(secs(620)).await;
        client.commands.send(Command::Disconnect).await.unwrap();
        client.pass(secs(1)).await;
        assert_eq!(backend.seen().watchers, 0);
    }
    check_manners(&backend);
}

#[tokio::test(start_paused = true)]
async fn falls_back_to_polling_without_sockets() {
    let backend = Backend::new();
    backend.refuse_sockets(Some(503));
    let mut client = TestClient::watching(&backend, with_sockets(8));
    backend.allow_connections(9);
    let run = backend.start_run([Script::with_fixes(3, 4000)]);
    client.until("asking instead", TestClient::polls).await;
    assert!(client.errors().iter().any(|words| words.starts_with(Updates::POLLING_WORDS)));
    let asked = backend.seen().requests.len();
    client.pass(secs(20)).await;
    client.shows(&backend, &[run]).await;
    let details = backend.seen().requests[asked..]
        .iter()
        .filter(|it| it.contains("/runs/") && !it.contains("events"))
        .count();
    assert!((7..=11).contains(&details), "{details} questions in 20 s");
    backend.refuse_sockets(None);
    client.until("live again", |client| !client.polls()).await;
    let events = |client: &TestClient| client.report(run).unwrap().events;
    let before = events(&client);
    client.pass(secs(60)).await;
    client.shows(&backend, &[run]).await;
    assert!(events(&client) > before + 5);
    let report = client.report(run).unwrap();
    assert_eq!((report.status, report.fix_iterations), ("completed", 3));
    assert!(!report.from_rest && is_from_rest(&report, "PLAN"));
}

#[tokio::test(start_paused = true)]
async fn runs_are_discovered_without_the_active_runs_endpoint() {
    for guarded in [true, false] {
        let backend = Backend::new();
        match guarded {
            true => backend.ask_for(Guard::ActiveRuns("t".to_owned())),
            false => backend.without_active_runs(),
        }
        let mut client = TestClient::watching(&backend, settings());
        let run = backend.start_run([Script::success(2000)]);
        client.pass(secs(5)).await;
        client.shows(&backend, &[run]).await;
        // A pending run makes the page of the list that contains it fail.
        backend.add_run([Script::success(10)]);
        client.pass(secs(20)).await;
        client.shows(&backend, &[run]).await;
        let pages = |it: &&String| it.ends_with("/workflow-runs");
        let before = backend.seen().requests.iter().filter(pages).count();
        client.pass(secs(20)).await;
        let asked = backend.seen().requests.iter().filter(pages).count() - before;
        assert!(asked <= 200, "{asked} pages in 20 s");
        assert!(client.is_connected(), "{:?}", client.states);
    }
}

#[tokio::test(start_paused = true)]
async fn named_run_is_watched_when_nothing_can_be_listed() {
    let backend = Backend::new();
    backend.ask_for(Guard::ActiveRuns("t".to_owned()));
    let run = backend.add_run([Script::success(2000)]);
    // A second pending run makes the list fail permanently.
    backend.add_run([Script::success(10)]);
    let mut client = TestClient::watching(&backend, naming(&[run]));
    client.pass(secs(25)).await;
    client.shows(&backend, &[run]).await;
    assert!(client.is_connected(), "{:?}", client.states);
    let said = client.errors().iter().filter(|words| words.contains("cannot be listed")).count();
    assert_eq!(said, 1, "{:#?}", client.log);
    check_manners(&backend);
}

#[tokio::test(start_paused = true)]
async fn commands_stop_and_restart_watching() {
    let backend = Backend::new();
    let mut client = TestClient::watching(&backend, settings());
    backend.start_run([Script::success(3000)]);
    client.pass(secs(5)).await;
    assert!(client.polls());
    client.commands.send(Command::Disconnect).await.unwrap();
    client.pass(secs(2)).await;
    assert_eq!(client.states.last(), Some(&ConnectionState::Disconnected));
    let asked = backend.seen().requests.len();
    client.pass(secs(30)).await;
    assert_eq!(backend.seen().requests.len(), asked);
    client.commands.send(Command::Reconnect).await.unwrap();
    client.pass(secs(2)).await;
    assert!(client.is_connected());
}

#[tokio::test(start_paused = true)]
async fn commands_keep_a_socket_open_until_its_run_is_over() {
    let backend = Backend::new();
    let settings = with_sockets(8);
    let held = settings.api.budget.held().clone();
    let mut client = TestClient::watching(&backend, settings);
    backend.allow_connections(9);
    let run = backend.start_run([Script::success(3000)]);
    client.pass(secs(5)).await;
    assert_eq!((backend.seen().watchers, held.count()), (1, 1));
    client.commands.send(Command::Disconnect).await.unwrap();
    client.pass(secs(2)).await;
    assert_eq!(client.states.last(), Some(&ConnectionState::Disconnected));
    assert_eq!((backend.seen().watchers, held.count()), (1, 1), "it could fail the run");
    while backend.lock().run(run).executing {
        client.pass(secs(1)).await;
    }
    client.pass(secs(2)).await;
    assert_eq!((backend.seen().watchers, held.count()), (0, 0));
    assert_eq!(backend.lock().run(run).status, "completed");
}

#[tokio::test(start_paused = true)]
async fn closes_a_held_socket_though_the_end_of_its_run_is_never_published() {
    let backend = Backend::new();
    let settings = with_sockets(2);
    let held = settings.api.budget.held().clone();
    let mut client = TestClient::watching(&backend, settings);
    backend.allow_connections(3);
    let run = backend.start_run([Script::success(1000).losing_its_end()]);
    client.pass(secs(3)).await;
    assert_eq!((backend.seen().watchers, held.count()), (1, 1));
    client.commands.send(Command::Disconnect).await.unwrap();
    client.pass(secs(2)).await;
    assert_eq!(held.count(), 1, "it could fail the run");
    while backend.lock().run(run).executing {
        client.pass(secs(1)).await;
    }
    client.pass(secs(6)).await;
    assert_eq!((backend.seen().watchers, held.count()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn holds_a_socket_of_a_running_run_that_has_not_delivered_an_event() {
    let backend = Backend::new();
    let settings = with_sockets(2);
    let held = settings.api.budget.held().clone();
    let run = backend.start_run([Script::success(60_000)]);
    sleep(secs(1)).await;
    // Nothing is replayed, and the first node ends long after the socket is opened.
    backend.lock().run(run).stored.clear();
    let mut client = TestClient::watching(&backend, settings);
    backend.allow_connections(3);
    client.pass(secs(4)).await;
    client.commands.send(Command::Disconnect).await.unwrap();
    client.pass(secs(5)).await;
    assert_eq!((backend.seen().watchers, held.count()), (1, 1), "it could fail the run");
    assert!(backend.lock().run(run).executing);
}
