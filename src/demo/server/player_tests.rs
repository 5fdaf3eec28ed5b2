//! A studio under control, in virtual time.

use std::{collections::HashMap, time::Duration};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::*;
use crate::demo::server::{
    controls::{DemoAnswer, DemoControls},
    subscribers::Subscription,
};

/// A studio of one slot, whose player runs until the test ends.
struct Studio {
    controls: DemoControls,
    subscription: Subscription,
    /// All frames so far, oldest first.
    frames: Vec<Value>,
}

impl Studio {
    fn open(runs: usize) -> Self {
        let subscribers = Arc::new(Subscribers::new(4, 100_000));
        let (controls, orders) = DemoControls::new();
        let options = DemoOptions { runs, ..DemoOptions::default() };
        let mut player = Player::open(&options, 5, Arc::clone(&subscribers), orders);
        let subscription = subscribers.subscribe(None);
        tokio::spawn(async move { player.play().await });
        let frames = subscription.replay.iter().map(parsed).collect();
        Self { controls, subscription, frames }
    }

    /// Lets time pass; returns the frames of it.
    async fn pass(&mut self, secs: u64) -> Vec<Value> {
        tokio::time::sleep(Duration::from_secs(secs)).await;
        let mut new = Vec::new();
        while let Ok(text) = self.subscription.live.try_recv() {
            new.push(parsed(&text));
        }
        self.frames.extend(new.clone());
        new
    }

    fn tell(&self, command: DemoCommand) {
        assert!(self.controls.send(command));
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let answer = self.controls.post(path.to_owned(), body.to_string()).await;
        let DemoAnswer { status, body } = answer.unwrap();
        (status, serde_json::from_str(&body).unwrap())
    }

    /// Returns the phases of a run's frames, such as `PLAN start`.
    fn story(&self, run: &str) -> Vec<String> {
        let of_run = self.frames.iter().filter(|frame| frame["run_id"] == run);
        of_run
            .filter(|frame| frame["phase"] != "progress")
            .map(|frame| {
                let node = frame["node_name"].as_str().unwrap_or("run");
                format!("{node} {}", frame["phase"].as_str().unwrap())
            })
            .collect()
    }
}

fn parsed(text: &Utf8Bytes) -> Value {
    serde_json::from_str(text).unwrap()
}

fn is_created(frame: &Value) -> bool {
    frame["data"]["message"] == "Workflow run created"
}

fn id_of(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn presenter_makes_a_run_fail_and_its_retry_starts() {
    let mut studio = Studio::open(1);
    studio.tell(DemoCommand::FailNext);
    let frames = studio.pass(20).await;
    let created: Vec<_> = frames.iter().filter(|frame| is_created(frame)).collect();
    let [failed, retry] = created[..] else { panic!("{created:?}") };
    assert_eq!(failed["data"]["song_id"], retry["data"]["song_id"]);
    let story = studio.story(failed["run_id"].as_str().unwrap());
    let ends = ["STYLE start", "STYLE fail", "run fail"];
    assert_eq!(story[story.len() - 3..], ends);
    assert!(studio.story(retry["run_id"].as_str().unwrap()).contains(&"run start".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn presenter_makes_a_run_need_a_fix_that_raises_the_score() {
    let mut studio = Studio::open(1);
    studio.tell(DemoCommand::FixNext);
    let frames = studio.pass(50).await;
    let run = &frames.iter().find(|frame| is_created(frame)).unwrap()["run_id"];
    let totals: Vec<f64> = frames
        .iter()
        .filter(|frame| frame["run_id"] == *run && frame["node_name"] == "VALIDATE")
        .filter_map(|frame| frame["data"]["scores"]["total"].as_f64())
        .collect();
    let [low, high] = totals[..] else { panic!("{totals:?}") };
    assert!(low < 0.8 && 0.8 <= high, "{totals:?}");
}

/// A pause and changes of speed in the middle of nodes and runs.
#[tokio::test(start_paused = true)]
async fn durations_agree_with_the_times_of_events_after_pauses_and_changes_of_speed() {
    let mut studio = Studio::open(6);
    studio.pass(3).await;
    studio.tell(DemoCommand::Pause(true));
    assert!(studio.controls.is_paused());
    studio.pass(1).await;
    assert!(studio.pass(60).await.is_empty(), "a paused studio sends nothing");
    studio.tell(DemoCommand::Pause(false));
    for speed in [5.0, 1.0, 2.0, 1.0, 5.0] {
        studio.tell(DemoCommand::Speed(speed));
        assert!(!studio.pass(11).await.is_empty());
    }
    studio.pass(60).await;
    let mut starts: HashMap<(String, Value), jiff::Timestamp> = HashMap::new();
    let mut checked = 0;
    for frame in &studio.frames {
        let key = (id_of(&frame["run_id"]), frame["node_name"].clone());
        let at: jiff::Timestamp = frame["ts"].as_str().unwrap().parse().unwrap();
        if frame["phase"] == "start" {
            starts.insert(key, at);
        } else if let Some(duration) = frame["duration_ms"].as_f64() {
            let elapsed = at.duration_since(starts[&key]).as_secs_f64() * 1000.0;
            assert!((elapsed - duration).abs() < 3.0, "{elapsed} ms: {frame}");
            checked += 1;
        }
    }
    assert!(checked > 100, "{checked}");
}

#[tokio::test(start_paused = true)]
async fn restart_cancels_unfinished_runs_and_repeats_the_opening() {
    let mut studio = Studio::open(6);
    studio.pass(40).await;
    let in_progress = unfinished(&studio.frames);
    assert!(in_progress.len() >= 4);
    studio.tell(DemoCommand::Restart);
    let frames = studio.pass(25).await;
    for run in &in_progress {
        let last = frames.iter().rfind(|frame| frame["run_id"] == **run).unwrap();
        assert_eq!(last["data"]["message"], "Workflow run cancelled", "{run}");
    }
    // The success of the opening, after 21 s.
    let ends = |frame: &&Value| frame["node_name"].is_null() && frame["phase"] == "end";
    let success = frames.iter().find(ends).unwrap();
    assert!(!in_progress.contains(&id_of(&success["run_id"])));
    assert!(studio.story(success["run_id"].as_str().unwrap()).len() > 10);
}

/// Returns the ids of runs without an end.
fn unfinished(frames: &[Value]) -> Vec<String> {
    let mut open = Vec::new();
    for frame in frames.iter().filter(|frame| frame["node_name"].is_null()) {
        let run = id_of(&frame["run_id"]);
        open.retain(|other| *other != run);
        let message = &frame["data"]["message"];
        if frame["phase"] == "start" || message == "Workflow run created" {
            open.push(run);
        }
    }
    open
}

#[tokio::test(start_paused = true)]
async fn started_run_is_queued_until_it_is_executed() {
    let mut studio = Studio::open(1);
    let song = studio.frames[0]["data"]["song_id"].clone();
    let (status, made) = studio.post("/runs", json!({ "song_id": song, "seed": 42 })).await;
    assert_eq!(status, 200, "{made}");
    let run = id_of(&made["run_id"]);
    studio.pass(100).await;
    assert_eq!(studio.story(&run), ["run info"]);
    let created = studio.frames.iter().find(|frame| frame["run_id"] == *run).unwrap();
    assert_eq!(created["data"]["global_seed"], 42);
    let execute = format!("/runs/{run}/execute");
    assert_eq!(studio.post(&execute, Value::Null).await.0, 200);
    studio.pass(1).await;
    assert_eq!(studio.story(&run), ["run info", "run start", "PLAN start"]);
    let (status, refusal) = studio.post(&execute, Value::Null).await;
    assert_eq!(status, 409);
    let words = "Only a queued run can be executed; this one is running";
    assert_eq!(refusal["detail"], words);
    studio.pass(300).await;
    assert_eq!(studio.story(&run).last().unwrap(), "run end");
}

#[tokio::test(start_paused = true)]
async fn cancelled_run_ends_with_its_running_step() {
    let mut studio = Studio::open(1);
    let run = unfinished(&studio.frames).pop().unwrap();
    let running = studio.story(&run).pop().unwrap();
    assert_eq!(running, "RENDER start");
    let cancel = format!("/runs/{run}/cancel");
    assert_eq!(studio.post(&cancel, Value::Null).await.0, 200);
    studio.pass(120).await;
    let story = studio.story(&run);
    assert_eq!(story[story.len() - 3..], ["RENDER start", "run info", "RENDER end"]);
    let is_late = |frame: &&Value| frame["run_id"] == *run && frame["phase"] == "progress";
    let of_run = studio.frames.iter().rev().take_while(|frame| frame["phase"] != "info");
    assert_eq!(of_run.filter(is_late).count(), 0, "progress would say that the run goes on");
    let (status, refusal) = studio.post(&cancel, Value::Null).await;
    assert_eq!(status, 409);
    let words = "Only a queued or running run can be cancelled; this one is cancelled";
    assert_eq!(refusal["detail"], words);
}

#[tokio::test(start_paused = true)]
async fn retry_takes_the_place_of_the_planned_one() {
    let mut studio = Studio::open(1);
    studio.tell(DemoCommand::FailNext);
    let frames = studio.pass(4).await;
    let failed = id_of(&frames.iter().find(|frame| is_created(frame)).unwrap()["run_id"]);
    let song =
        frames.iter().find(|frame| frame["run_id"] == *failed).unwrap()["data"]["song_id"].clone();
    assert_eq!(studio.story(&failed).last().unwrap(), "run fail");
    let (status, made) = studio.post(&format!("/runs/{failed}/retry"), Value::Null).await;
    assert_eq!(status, 200, "{made}");
    studio.pass(30).await;
    let of_song = |frame: &&Value| is_created(frame) && frame["data"]["song_id"] == song;
    let created: Vec<_> = studio.frames.iter().filter(of_song).collect();
    let retries = created.iter().filter(|frame| frame["run_id"] != *failed);
    let retries: Vec<_> = retries.map(|frame| frame["run_id"].clone()).collect();
    assert_eq!(retries, [made["new_run_id"].clone()]);
}

#[tokio::test(start_paused = true)]
async fn calls_on_what_the_studio_does_not_have_are_refused_with_a_reason() {
    let studio = Studio::open(1);
    let nobody = uuid::Uuid::from_u128(9);
    for (path, body) in [
        ("/runs".to_owned(), json!({ "song_id": nobody.to_string() })),
        ("/runs".to_owned(), json!({ "song_id": 3 })),
        (format!("/runs/{nobody}/retry"), Value::Null),
        ("/runs/r-1/cancel".to_owned(), Value::Null),
        ("/workflows/execute".to_owned(), Value::Null),
    ] {
        let (status, refusal) = studio.post(&path, body).await;
        assert_eq!(status, 404, "{path}");
        assert!(!refusal["detail"].as_str().unwrap().is_empty(), "{path}");
    }
}
