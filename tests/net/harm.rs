//! Tests that the stand-in harms watched runs as protocol section 6 describes for the backend, and
//! hides the same short runs from its lists.

use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::backend::{AnswerTimes, Backend, POOL, RemovalFaults, Script};
use crate::stand_in::{ask, connect, texts, watch};

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn of(run: Uuid) -> String {
    format!("?run_id={run}")
}

async fn detail(backend: &Backend, run: Uuid) -> Value {
    ask(backend, "GET", &format!("/runs/{run}"), None).await.1
}

/// Node and status of each row of a run.
fn rows(detail: &Value) -> Vec<(&str, &str)> {
    let rows = detail["executions"].as_array().unwrap().iter();
    rows.map(|row| (row["node_name"].as_str().unwrap(), row["status"].as_str().unwrap())).collect()
}

async fn until_over(backend: &Backend, run: Uuid) {
    let over = async {
        while backend.lock().run(run).executing || backend.lock().run(run).number == 0 {
            sleep(millis(10)).await;
        }
    };
    timeout(Duration::from_secs(600), over).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn watcher_that_leaves_during_a_run_fails_its_next_publication() {
    let backend = Backend::new();
    backend.expect_harm();
    backend.fail_after_removals(RemovalFaults::ALWAYS);
    let (watched, unwatched) =
        (backend.start_run([Script::success(1000)]), backend.start_run([Script::success(1000)]));
    sleep(millis(1500)).await;
    drop(watch(&backend, &of(watched)).await);
    let mut stays = watch(&backend, &of(watched)).await;
    until_over(&backend, watched).await;
    // The watcher left while a skill was running, so publishing the node's end raises.
    let told = detail(&backend, watched).await;
    let error = format!("UUID('{watched}')");
    assert_eq!(told["status"], "failed");
    let words = format!("Skill amcs.style.generate execution failed: {error}");
    assert_eq!(told["error"]["message"], words);
    assert_eq!(rows(&told), [("PLAN", "completed"), ("STYLE", "failed")]);
    let events = texts(&mut stays).await;
    let last = events.last().unwrap();
    assert_eq!((&last["phase"], &last["node_name"]), (&Value::from("fail"), &Value::Null));
    assert!(last["data"]["error"].as_str().unwrap().contains(&error), "{last}");
    until_over(&backend, unwatched).await;
    assert_eq!(detail(&backend, unwatched).await["status"], "completed");
    assert_eq!(backend.failed_by_watchers(), [watched]);

    // When a watcher leaves between two nodes, publishing the next start raises.
    let between = backend.start_run([Script::success(1000)]);
    let mut socket = watch(&backend, &of(between)).await;
    while backend.lock().run(between).executions.iter().all(|row| row.status == "running") {
        sleep(millis(1)).await;
    }
    socket.close(None).await.unwrap();
    until_over(&backend, between).await;
    let told = detail(&backend, between).await;
    assert_eq!(told["error"]["message"], format!("UUID('{between}')"));

    // Nothing is published about a finished run.
    let over = backend.start_run([Script::success(10)]);
    let socket = watch(&backend, &of(over)).await;
    until_over(&backend, over).await;
    drop(socket);
    backend.start(over);
    sleep(millis(10)).await;
    until_over(&backend, over).await;
    assert_eq!(backend.failed_by_watchers(), [watched, between]);
}

#[tokio::test(start_paused = true)]
async fn killed_viewers_fail_more_runs_than_viewers_that_send_a_close_frame() {
    for (is_polite, expected) in [(true, 17.0 / 144.0), (false, 45.0 / 82.0)] {
        let backend = Backend::new();
        backend.expect_harm();
        let mut runs = Vec::new();
        for _ in 0..200 {
            let run = backend.start_run([Script::success(300)]);
            sleep(millis(400)).await;
            let mut socket = watch(&backend, &of(run)).await;
            if is_polite {
                socket.close(None).await.unwrap();
            }
            drop(socket);
            runs.push(run);
        }
        sleep(Duration::from_secs(10)).await;
        let share = backend.failed_by_watchers().len() as f64 / runs.len() as f64;
        assert!((share - expected).abs() < 0.07, "{share}, polite: {is_polite}");
    }
}

#[tokio::test(start_paused = true)]
async fn sockets_and_pending_requests_each_hold_a_pool_connection() {
    let backend = Backend::new();
    let slow = AnswerTimes { detail: millis(800), other: millis(800) };
    backend.answer_within(slow);
    let run = backend.add_run([Script::success(10)]);
    let socket = watch(&backend, &of(run)).await;
    sleep(millis(10)).await;
    assert_eq!(backend.pool().by_watchers, 1);
    let path = format!("/runs/{run}");
    tokio::join!(ask(&backend, "GET", &path, None), ask(&backend, "GET", &path, None), async {
        sleep(millis(100)).await;
        assert_eq!(backend.pool().by_watchers, 3);
    });
    drop(socket);
    sleep(millis(10)).await;
    let pool = backend.pool();
    assert_eq!((pool.by_watchers, pool.most_by_watchers, pool.freezes), (0, 3, 0));
    backend.forget_pool_maxima();
    assert_eq!(backend.pool().most_by_watchers, 0);
}

#[tokio::test(start_paused = true)]
async fn exhausted_pool_freezes_the_server_for_30_s_and_counts_the_freeze() {
    let backend = Backend::new();
    backend.expect_harm();
    let run = backend.add_run([Script::success(50)]);
    let mut sockets = Vec::new();
    for _ in 0..POOL {
        sockets.push(watch(&backend, &of(run)).await);
    }
    sleep(millis(10)).await;
    assert_eq!(backend.pool().freezes, 0);
    let began = Instant::now();
    let asked = ask(&backend, "GET", "/monitoring/active-runs", None);
    let meanwhile = async {
        sleep(millis(10)).await;
        backend.is_frozen()
    };
    let ((status, body), is_frozen) = tokio::join!(asked, meanwhile);
    assert!(is_frozen);
    assert_eq!((status, began.elapsed().as_secs()), (500, 30));
    assert!(body["detail"].as_str().unwrap().starts_with("QueuePool limit"), "{body}");
    // A run needs a connection for each commit, so every commit freezes the server.
    let executed = backend.start_run([Script::success(50)]);
    until_over(&backend, executed).await;
    assert!(began.elapsed() > Duration::from_secs(16 * 30), "{:?}", began.elapsed());
    let pool = backend.pool();
    assert_eq!((pool.freezes, pool.freezes_by_watchers), (17, 17));
}

#[tokio::test(start_paused = true)]
async fn runs_in_lockstep_freeze_the_server_without_viewers() {
    for lockstep in [true, false] {
        let backend = Backend::new();
        if lockstep {
            backend.keep_lockstep();
        }
        for _ in 0..40 {
            backend.start_run([Script::success(3000)]);
        }
        sleep(Duration::from_secs(20)).await;
        let pool = backend.pool();
        assert_eq!((pool.freezes > 0, pool.freezes_by_watchers), (lockstep, 0), "{pool:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn pages_without_pending_runs_are_readable() {
    let backend = Backend::new();
    let page = async |limit: usize, cursor: usize| {
        let path = format!("/workflow-runs?limit={limit}&cursor={cursor}");
        ask(&backend, "GET", &path, None).await
    };
    let over: Vec<Uuid> = (0..20).map(|_| backend.start_run([Script::success(10)])).collect();
    sleep(Duration::from_secs(5)).await;
    let order = |body: &Value| -> Vec<Uuid> {
        let items = body["items"].as_array().unwrap().iter();
        items.map(|item| Uuid::try_parse(item["run_id"].as_str().unwrap()).unwrap()).collect()
    };
    let (_, whole) = page(50, 0).await;
    assert_ne!(order(&whole), over, "neither by age …");
    backend.seed(7);
    let (_, other) = page(50, 0).await;
    assert_ne!(order(&whole), order(&other), "… nor by anything else");
    backend.add_pending(200);
    assert_eq!(page(50, 0).await.0, 500);
    let mut found = Vec::new();
    for place in 0..220 {
        if let (200, body) = page(1, place).await {
            assert_eq!(body["page_info"]["total_count"], 220);
            found.extend(order(&body));
        }
    }
    found.sort_unstable();
    let mut expected = over;
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[tokio::test(start_paused = true)]
async fn failed_run_is_not_in_the_list_of_active_runs() {
    let backend = Backend::new();
    backend.allow_connections(8);
    for total in [100, 2500] {
        let script = Script::without_skill("COMPOSE", 10).lasting(millis(total));
        let began = Instant::now();
        let run = backend.start_run([script]);
        let mut socket = watch(&backend, &of(run)).await;
        until_over(&backend, run).await;
        let took = began.elapsed();
        assert!(took >= millis(total * 4 / 5) && took < millis(total * 7 / 5), "{took:?}");
        let active = ask(&backend, "GET", "/monitoring/active-runs", None).await.1;
        assert_eq!(active["active_count"], 0);
        let told = detail(&backend, run).await;
        assert_eq!(
            (&told["status"], rows(&told).last().unwrap()),
            (&Value::from("failed"), &("COMPOSE", "failed"))
        );
        let events = texts(&mut socket).await;
        assert!(events.iter().all(|event| event["node_name"] != "COMPOSE"), "{events:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn rows_of_retried_attempts_stay_running() {
    let backend = Backend::new();
    let run = backend.start_run([Script::success(50).retrying("STYLE", 2)]);
    sleep(millis(10)).await;
    until_over(&backend, run).await;
    let told = detail(&backend, run).await;
    assert_eq!(told["status"], "completed");
    let of_style: Vec<&str> = rows(&told)
        .iter()
        .filter(|(node, _)| *node == "STYLE")
        .map(|(_, status)| *status)
        .collect();
    assert_eq!(of_style, ["running", "running", "completed"]);
}

#[tokio::test(start_paused = true)]
async fn run_cancelled_during_a_node_of_a_killed_server_keeps_its_running_row() {
    let backend = Backend::new();
    let run = backend.start_run([Script::success(2000)]);
    sleep(Duration::from_secs(3)).await;
    backend.cancel(run);
    backend.kill(Duration::from_secs(1)).await;
    sleep(Duration::from_secs(3600)).await;
    let told = detail(&backend, run).await;
    assert_eq!(told["status"], "cancelled");
    assert_eq!(rows(&told), [("PLAN", "completed"), ("STYLE", "running")]);
    let active = ask(&backend, "GET", "/monitoring/active-runs", None).await.1;
    assert_eq!(active["active_count"], 0);
}

#[tokio::test(start_paused = true)]
async fn execute_answers_500_after_the_run_failed() {
    let backend = Backend::new();
    let run = backend.add_run([Script::without_skill("LYRICS", 500)]);
    let began = Instant::now();
    let path = format!("/runs/{run}/execute");
    let (status, body) = ask(&backend, "POST", &path, None).await;
    assert_eq!((status, began.elapsed().as_secs()), (500, 1), "{body}");
    assert_eq!(detail(&backend, run).await["executions"].as_array().unwrap().len(), 3);
    let unknown = format!("/runs/{}/execute", Uuid::from_u128(7));
    let (status, body) = ask(&backend, "POST", &unknown, None).await;
    assert!(status == 500 && body["detail"].as_str().unwrap().contains("[SQL: "), "{body}");
}

#[tokio::test]
async fn sigterm_closes_the_port_at_once_while_executions_continue() {
    let backend = Backend::new();
    let address = backend.listen().await;
    drop(TcpStream::connect(address).await.unwrap());
    let run = backend.start_run([Script::success(10)]);
    let restart = backend.restart(millis(600));
    let meanwhile = async {
        sleep(millis(50)).await;
        assert!(TcpStream::connect(address).await.is_err(), "nothing listens");
        until_over(&backend, run).await;
        assert!(TcpStream::connect(address).await.is_err(), "still not");
        assert_eq!(backend.lock().run(run).status, "completed");
    };
    tokio::join!(restart, meanwhile);
    let is_back = async {
        while TcpStream::connect(address).await.is_err() {
            sleep(millis(5)).await;
        }
    };
    timeout(Duration::from_secs(5), is_back).await.unwrap();
    drop(connect(&backend).await);
}

#[tokio::test(start_paused = true)]
async fn dropped_handle_panics_with_the_harm_that_was_done() {
    let caught = |backend: Backend| {
        let check = std::panic::AssertUnwindSafe(move || drop(backend));
        std::panic::catch_unwind(check).err().map(|words| *words.downcast::<String>().unwrap())
    };
    let backend = Backend::new();
    backend.fail_after_removals(RemovalFaults::ALWAYS);
    let run = backend.start_run([Script::success(500)]);
    sleep(millis(900)).await;
    drop(watch(&backend, &of(run)).await);
    until_over(&backend, run).await;
    assert!(caught(backend.clone()).is_none(), "a clone says nothing");
    assert!(caught(backend).unwrap().contains("because a watcher went"));

    let backend = Backend::new();
    backend.allow_connections(1);
    let run = backend.add_run([Script::success(500)]);
    let _sockets = (watch(&backend, &of(run)).await, watch(&backend, &of(run)).await);
    sleep(millis(10)).await;
    assert_eq!(caught(backend).unwrap(), "watchers held 2 connections at once, 1 are allowed");
    assert!(caught(Backend::new()).is_none());
}
