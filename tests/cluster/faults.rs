//! Faults of hubs and of NATS: who watches, and what the screens show afterwards.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::hubs::HubProcess;
use crate::nats::Nats;
use crate::proxy::Proxy;
use crate::scene::{RECOVERY, Scene};
use crate::screen::Screen;

/// Time for a NATS server that was started again to catch up, before the next one is killed.
const CATCH_UP: Duration = Duration::from_secs(10);

async fn scene(servers: usize) -> Scene {
    Scene::start(Nats::start(servers), |_, nats| nats.addresses()).await
}

/// Waits until a hub other than `before` watches. Returns the time that it took.
async fn taken_over(scene: &Scene, before: usize) -> Duration {
    let began = Instant::now();
    while began.elapsed() < RECOVERY {
        for (nth, hub) in scene.hubs.iter().enumerate() {
            if nth != before && hub.is_watching().await {
                return began.elapsed();
            }
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("no other hub watches: {}", scene.hubs[(before + 1) % 3].said());
}

#[tokio::test]
async fn another_hub_watches_when_the_holder_is_killed() {
    let mut scene = scene(1).await;
    let holder = scene.holder().await;
    scene.begin_runs();
    scene.hubs[holder].kill();
    scene.begin_runs();
    let took = taken_over(&scene, holder).await;
    assert!(took < Duration::from_secs(10), "{took:?}");
    scene.begin_runs();
    scene.recovers().await;
    let moved = scene.screens[holder].shown().connections;
    assert!(moved > 1, "its screen went to another hub");
    // A hub that comes later knows what the others know.
    let (upstream, addresses) = (scene.upstream.clone(), scene.nats.addresses());
    scene.hubs[holder] = HubProcess::start(upstream, addresses, 1).await;
    scene.add_screen(holder);
    scene.recovers().await;
}

#[tokio::test]
async fn holder_that_was_frozen_for_20_seconds_changes_nothing_when_it_wakes() {
    let mut scene = scene(1).await;
    let holder = scene.holder().await;
    scene.begin_runs();
    scene.hubs[holder].signal("STOP");
    let frozen = Instant::now();
    taken_over(&scene, holder).await;
    scene.begin_runs();
    sleep(Duration::from_secs(20).saturating_sub(frozen.elapsed())).await;
    scene.hubs[holder].signal("CONT");
    scene.begin_runs();
    scene.recovers().await;
    assert!(!scene.hubs[holder].is_watching().await, "the lease is another's");
    let said = scene.hubs[holder].said();
    assert!(said.contains("no longer watches the backend"), "{said}");
}

#[tokio::test]
async fn holder_that_is_cut_from_nats_leaves_the_backend_to_another_hub() {
    let nats = Nats::start(1);
    let mut proxies = Vec::new();
    for _ in 0..3 {
        proxies.push(Proxy::to(nats.port(0)).await);
    }
    let mut scene = Scene::start(nats, |nth, _| proxies[nth].url()).await;
    let holder = scene.holder().await;
    scene.begin_runs();
    proxies[holder].cut();
    taken_over(&scene, holder).await;
    scene.begin_runs();
    let shown = |scene: &Scene| {
        let upstream = scene.screens[holder].shown().upstream.clone();
        upstream.is_some_and(|upstream| upstream.reason.contains("NATS cannot be reached"))
    };
    scene.until("its screen says so", RECOVERY, shown).await;
    assert!(!scene.hubs[holder].is_watching().await);
    proxies[holder].mend();
    scene.begin_runs();
    scene.recovers().await;
    let said = scene.hubs[holder].said();
    assert_eq!(said.matches("NATS cannot be reached").count(), 1, "once: {said}");
}

#[tokio::test]
async fn one_of_three_nats_servers_may_be_killed() {
    let mut scene = scene(3).await;
    for nth in 0..rounds().min(3) {
        scene.begin_runs();
        scene.nats.kill(nth);
        scene.begin_runs();
        scene.recovers().await;
        scene.nats.restart(nth);
        if nth + 1 < rounds() {
            sleep(CATCH_UP).await;
        }
    }
}

#[tokio::test]
async fn hubs_show_what_they_have_while_all_nats_servers_are_gone_and_then_the_rest() {
    let mut scene = scene(1).await;
    let before = scene.runs.len();
    scene.nats.kill(0);
    let gone = Instant::now();
    scene.begin_runs();
    let says_so = |scene: &Scene| {
        scene.screens.iter().all(|screen| {
            let upstream = screen.shown().upstream.clone();
            upstream.is_some_and(|upstream| upstream.reason.contains("NATS cannot be reached"))
        })
    };
    scene.until("all screens say so", RECOVERY, says_so).await;
    for screen in &scene.screens {
        assert!(screen.runs().len() >= before, "what was shown stays");
    }
    sleep(Duration::from_secs(30).saturating_sub(gone.elapsed())).await;
    scene.begin_runs();
    scene.nats.restart(0);
    scene.recovers().await;
    for hub in &scene.hubs {
        let said = hub.said();
        assert_eq!(said.matches("NATS cannot be reached").count(), 1, "once: {said}");
    }
}

#[tokio::test]
async fn failure_that_is_marked_at_one_hub_is_marked_at_all() {
    let scene = scene(1).await;
    let holder = scene.holder().await;
    let failed = scene.runs[2].to_string();
    let is_failed = |scene: &Scene| {
        let report = scene.screens[0].runs().into_iter().find(|run| run.run_id == failed);
        report.is_some_and(|run| run.status == "failed")
    };
    scene.until("it has failed", RECOVERY, is_failed).await;
    let follower = &scene.hubs[(holder + 1) % 3];
    let answer = follower.ask("POST", "/seen", &format!("[\"{failed}\"]")).await.unwrap();
    assert!(answer.contains(&format!("\"seen\":[\"{failed}\"]")), "{answer}");
    let is_marked =
        |scene: &Scene| scene.screens.iter().all(|screen| screen.shown().seen.contains(&failed));
    scene.until("all screens have the mark", RECOVERY, is_marked).await;
}

#[tokio::test]
async fn rest_calls_at_any_hub_are_made_by_the_hub_that_watches() {
    let scene = scene(1).await;
    let run = scene.runs[0].to_string();
    for hub in &scene.hubs {
        let answer = hub.ask("GET", &format!("/api/v1/runs/{run}"), "").await.unwrap();
        assert!(answer.contains(&run), "{answer}");
        let answer = hub.ask("GET", "/api/v1/runs/nothing", "").await.unwrap();
        assert!(answer.contains("detail"), "{answer}");
    }
    scene.recovers().await;
}

#[tokio::test]
async fn deleted_stream_is_made_again_with_all_that_was_shown() {
    let mut scene = scene(1).await;
    let client = async_nats::connect(scene.nats.addresses()).await.unwrap();
    let context = async_nats::jetstream::new(client);
    context.delete_stream("meterbridge").await.unwrap();
    scene.begin_runs();
    scene
        .until("all screens show the truth of another stream", RECOVERY, |scene| {
            let is_other = |screen: &Screen| screen.shown().streams.len() == 2;
            scene.screens.iter().all(is_other) && scene.differences().is_empty()
        })
        .await;
    // A screen that comes later is sent everything, by any hub.
    scene.screens.clear();
    (0..3).for_each(|nth| scene.add_screen(nth));
    scene.recovers().await;
}

/// Rounds of random faults.
fn rounds() -> usize {
    let rounds = std::env::var("METERBRIDGE_CLUSTER_ROUNDS").ok();
    rounds.map_or(1, |rounds| rounds.parse().expect("METERBRIDGE_CLUSTER_ROUNDS is a number"))
}

/// Seeded faults one after the other: a hub is killed and started again, frozen, or stopped in order.
#[tokio::test]
async fn any_order_of_faults_leaves_all_screens_right() {
    for seed in 0..rounds() as u64 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut scene = scene(1).await;
        for _ in 0..3 {
            let (fault, nth) = (random.u8(..4), random.usize(..3));
            let pause = Duration::from_millis(random.u64(..if fault < 2 { 2_000 } else { 9_000 }));
            scene.begin_runs();
            match fault {
                0 | 1 => {
                    match fault {
                        0 => scene.hubs[nth].kill(),
                        _ => scene.hubs[nth].signal("TERM"),
                    }
                    sleep(pause).await;
                    let (upstream, addresses) = (scene.upstream.clone(), scene.nats.addresses());
                    scene.hubs[nth] = HubProcess::start(upstream, addresses, 1).await;
                }
                2 => {
                    scene.hubs[nth].signal("STOP");
                    sleep(pause).await;
                    scene.hubs[nth].signal("CONT");
                }
                _ => {
                    scene.nats.kill(0);
                    sleep(pause).await;
                    scene.nats.restart(0);
                }
            }
            scene.screens.clear();
            (0..3).for_each(|nth| scene.add_screen(nth));
            scene.recovers().await;
        }
    }
}
