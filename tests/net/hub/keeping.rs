//! Retention of runs in the journal and the store.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use meterbridge::hub::relay::{JournalRetention, StoreError};
use meterbridge::hub::{HubError, HubOptions};
use meterbridge::protocol::RunSnapshot;
use tokio::time::timeout;

use super::{Fed, KEEP_ALL, PATIENCE, TempStore, event, eventually, options, runs_of, whole_run};

fn run(at: usize) -> Vec<String> {
    whole_run(&format!("r-{at}"))
}

fn runs(which: impl IntoIterator<Item = usize>) -> Vec<String> {
    which.into_iter().flat_map(run).collect()
}

fn keeping(keep: JournalRetention, temp_store: &TempStore) -> HubOptions {
    HubOptions { keep, ..options(Some(temp_store.file())) }
}

/// Sends the runs one after the other, one second apart.
fn say(fed: &Fed, which: impl IntoIterator<Item = usize>) {
    for at in which {
        let when = Timestamp::now() - SignedDuration::from_secs(100 - at as i64);
        fed.say_at(when, run(at));
    }
}

#[tokio::test]
async fn oldest_runs_are_dropped_beyond_the_run_limit() {
    let temp_store = TempStore::new("runs");
    let options = keeping(JournalRetention { runs: 3, ..KEEP_ALL }, &temp_store);
    let fed = Fed::with(&options).unwrap();
    say(&fed, 0..10);
    fed.keeps(&runs(7..10)).await;
    assert_eq!(runs_of(&fed.hub).len(), 3);
    assert_eq!(fed.hub.counters().runs_dropped.get(), 7);
    // An upstream that repeats dropped runs does not bring them back, and no sequence numbers are used.
    let last = last_number(&fed).await;
    say(&fed, 0..10);
    eventually("its end", || fed.hub.counters().duplicates.get() == 180).await;
    assert_eq!(last_number(&fed).await, last);
    // New events of a dropped run are kept.
    let again = event("r-2", None, "start", 600);
    fed.say([&again]);
    let mut expected = runs(7..10);
    expected.push(again);
    eventually("its drop", || fed.hub.counters().runs_dropped.get() == 8).await;
    fed.keeps(&expected[18..]).await;
    drop(fed);
    // The next hub behaves alike.
    let fed = Fed::with(&options).unwrap();
    say(&fed, 0..8);
    eventually("its end", || fed.hub.counters().duplicates.get() == 144).await;
    fed.keeps(&expected[18..]).await;
    assert_eq!(last_number(&fed).await, last + 1);
}

async fn last_number(fed: &Fed) -> u64 {
    let mut viewer = fed.viewer().await;
    viewer.until_live().await;
    viewer.position.unwrap().seq
}

#[tokio::test]
async fn oldest_runs_are_dropped_beyond_the_byte_limit() {
    let temp_store = TempStore::new("bytes");
    let fed =
        Fed::with(&keeping(JournalRetention { bytes: 10_000, ..KEEP_ALL }, &temp_store)).unwrap();
    say(&fed, 0..20);
    let each: usize = run(15).iter().map(|text| text.len() + 64).sum();
    let room = 10_000 / each;
    assert!((2..5).contains(&room), "{room}");
    fed.keeps(&runs(20 - room..20)).await;
    assert!(fed.hub.counters().journal_bytes.get() <= 10_000);
}

#[tokio::test]
async fn runs_are_dropped_beyond_the_age_limit() {
    let temp_store = TempStore::new("age");
    let options =
        keeping(JournalRetention { age: Duration::from_secs(3600), ..KEEP_ALL }, &temp_store);
    let fed = Fed::with(&options).unwrap();
    let hours_ago = |hours| Timestamp::now() - SignedDuration::from_hours(hours);
    // Dated two hours ago, as if the hub started again two hours later.
    fed.say_at(hours_ago(2), run(1));
    fed.say_at(hours_ago(2), [event("r-2", None, "start", 0)]);
    fed.say(run(3));
    fed.say([event("r-2", Some("PLAN"), "start", 1)]);
    eventually("all of it", || fed.hub.counters().journal_entries.get() == 38).await;
    drop(fed);
    let fed = Fed::with(&options).unwrap();
    let mut expected = vec![event("r-2", None, "start", 0)];
    expected.extend(run(3));
    expected.push(event("r-2", Some("PLAN"), "start", 1));
    fed.keeps(&expected).await;
}

/// Returns the events of a whole run that began `seconds` ago by the server's clock.
fn recent_run(run: &str, seconds: i64) -> Vec<String> {
    let at = |nth: i64| Timestamp::now() - SignedDuration::from_secs(seconds - nth);
    let event = |(nth, phase)| {
        let ts = at(nth);
        format!(r#"{{"ts":"{ts}","run_id":"{run}","event_id":"{run}{nth}","phase":"{phase}"}}"#)
    };
    [(0, "start"), (1, "end")].map(event).into()
}

/// A machine without a battery for its clock starts in the past: what it received then looks old as soon
/// as the clock is right. The server's clock says that it is not.
#[tokio::test]
async fn run_dropped_for_a_wrong_clocks_age_returns_in_a_replay() {
    let temp_store = TempStore::new("wrong-age");
    let options =
        keeping(JournalRetention { age: Duration::from_secs(3600), ..KEEP_ALL }, &temp_store);
    let fed = Fed::with(&options).unwrap();
    let (recent, old) = (recent_run("recent", 60), recent_run("old", 7200));
    let slow = Timestamp::now() - SignedDuration::from_hours(400 * 24);
    fed.say_at(slow, recent.iter().chain(&old));
    eventually("all of it", || fed.hub.counters().journal_entries.get() == 4).await;
    drop(fed);
    // Two starts, so that the store's marks are read as well.
    for _ in 0..2 {
        let fed = Fed::with(&options).unwrap();
        assert_eq!(fed.hub.counters().journal_entries.get(), 0);
    }
    let fed = Fed::with(&options).unwrap();
    fed.say(old.iter().chain(&recent));
    fed.keeps(&recent).await;
    assert_eq!(fed.hub.counters().duplicates.get(), 2, "the old run is as old as it seems");
}

/// Regression: a running run once grew a journal of 719 MB at `--keep-mib 64`.
#[tokio::test]
async fn running_run_loses_its_oldest_events_beyond_the_byte_limit() {
    let temp_store = TempStore::new("endless");
    let limit = 200_000;
    let options = keeping(JournalRetention { bytes: limit, ..KEEP_ALL }, &temp_store);
    let fed = Fed::with(&options).unwrap();
    let long = "x".repeat(1_000);
    let progress = |nth: usize| {
        let event = event("endless", Some("PLAN"), "progress", nth as u32 % 3600);
        event.replacen('{', &format!(r#"{{"event_id":"{nth}","data":{{"message":"{long}"}},"#), 1)
    };
    let mut expected = vec![event("other", None, "start", 0)];
    fed.say(&expected);
    for nth in 0..100 {
        fed.say((10 * nth..10 * nth + 10).map(progress));
    }
    let taken = || fed.hub.counters().frames_in.get();
    eventually("all events", || taken() == 1001).await;
    // The limit is checked every 10 s, also after the newest event was kept.
    let newest = progress(999);
    let within_limit = async {
        loop {
            let left = fed.kept().await;
            let counters = fed.hub.counters();
            let entries = usize::try_from(counters.journal_entries.get()).unwrap();
            let is_within = entries == left.len() && counters.journal_bytes.get() <= limit;
            // Nothing was dropped meanwhile, so that the gauges are those of these events.
            if is_within && left.last() == Some(&newest) && fed.kept().await == left {
                return left;
            }
            tokio::task::yield_now().await;
        }
    };
    let left = timeout(3 * PATIENCE, within_limit).await.expect("the newest events are kept");
    assert!((100..200).contains(&left.len()), "{}", left.len());
    expected.extend((0..1000).map(progress).skip(1001 - left.len()));
    assert_eq!(left, expected, "the newest events, and all of the other run");
    assert_eq!(runs_of(&fed.hub).len(), 2);
    drop(fed);
    Fed::with(&options).unwrap().keeps(&expected).await;
}

#[tokio::test]
async fn running_runs_are_kept_and_abandoned_ones_dropped() {
    let temp_store = TempStore::new("going-on");
    let options = keeping(JournalRetention { runs: 1, ..KEEP_ALL }, &temp_store);
    let fed = Fed::with(&options).unwrap();
    let mut going_on = vec![event("running", None, "start", 0)];
    going_on.push(event("cancelled", None, "start", 1));
    going_on.push(
        r#"{"ts":"2026-11-23T01:00:02Z","run_id":"cancelled","phase":"info","data":{"message":"Workflow run cancelled"}}"#
            .to_owned(),
    );
    going_on.push(
        r#"{"ts":"2026-11-23T01:00:03Z","run_id":"pending","phase":"info","data":{"message":"Workflow run created"}}"#
            .to_owned(),
    );
    let minutes_ago = |minutes| Timestamp::now() - SignedDuration::from_mins(minutes);
    fed.say_at(minutes_ago(9), &going_on);
    fed.say_at(minutes_ago(11), [event("orphan", None, "start", 4)]);
    say(&fed, 0..3);
    fed.keeps(&going_on).await;
    // Once the run ends, it is dropped.
    fed.say([event("running", None, "end", 10)]);
    fed.keeps(&going_on[1..]).await;
}

#[tokio::test]
async fn newer_snapshot_replaces_the_previous_one() {
    let temp_store = TempStore::new("snapshots");
    let fed = Fed::with(&options(Some(temp_store.file()))).unwrap();
    let snapshot = |nodes: usize, title: Option<&str>| {
        RunSnapshot {
        song_title: title.map(Into::into),
        ..RunSnapshot::read(
            format!(
                r#"{{"run_id":"r-1","song_id":"s-1","status":"running","updated_at":"2026-11-23T01:00:{nodes:02}Z",
                "executions":[{}]}}"#,
                vec![r#"{"node_name":"PLAN","status":"completed"}"#; nodes].join(",")
            )
            .as_bytes(),
        )
        .unwrap()
    }
    };
    let mut early = fed.viewer().await;
    early.until_live().await;
    fed.say([event("r-1", None, "start", 0)]);
    fed.say_run(snapshot(1, None));
    fed.say_run(snapshot(1, None));
    fed.say_run(snapshot(2, None));
    fed.say([event("r-1", Some("STYLE"), "start", 3)]);
    fed.say_run(snapshot(2, Some("Neon Rain")));
    early
        .until("its title", |client| {
            client.model.run("r-1").is_some_and(|run| run.song_title.is_some())
        })
        .await;
    // A snapshot with less information than what is known is ignored.
    fed.say_run(snapshot(1, Some("Neon Rain")));
    let check = async |fed: &Fed| {
        let mut late = fed.viewer().await;
        late.until_live().await;
        let last = early.position.as_ref().unwrap().seq;
        let numbers: Vec<u64> = late.told.iter().map(|(seq, _)| *seq).collect();
        assert_eq!(numbers, [1, last - 1, last]);
        assert_eq!(late.order, ["hello", "upstream", "n", "seq", "n", "n", "live"]);
        assert_eq!(late.runs(), early.runs());
        assert_eq!(late.runs(), runs_of(&fed.hub));
        assert_eq!(late.model.run("r-1").unwrap().song_title.as_deref(), Some("Neon Rain"));
    };
    check(&fed).await;
    drop(fed);
    check(&Fed::with(&options(Some(temp_store.file()))).unwrap()).await;
}

#[tokio::test]
async fn foreign_or_damaged_store_file_is_left_unchanged() {
    let temp_store = TempStore::new("foreign");
    let file = temp_store.file();
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let open = || match Fed::with(&options(Some(file.clone()))) {
        Err(HubError::Store(error)) => error,
        other => panic!("{:?}", other.map(|fed| fed.hub)),
    };
    let text = "not a database, but somebody's only copy of something. ".repeat(100);
    std::fs::write(&file, &text).unwrap();
    assert!(matches!(open(), StoreError::Foreign { .. }), "{}", open());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    std::fs::remove_file(&file).unwrap();

    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("CREATE TABLE songs (title TEXT); INSERT INTO songs VALUES ('x')").unwrap();
    other.close().unwrap();
    let before = std::fs::read(&file).unwrap();
    assert!(matches!(open(), StoreError::Foreign { .. }), "{}", open());
    assert_eq!(std::fs::read(&file).unwrap(), before);
    std::fs::remove_file(&file).unwrap();

    // A real hub's store, damaged in the middle.
    let fed = Fed::with(&options(Some(file.clone()))).unwrap();
    fed.say(runs(0..40));
    eventually("all of it", || fed.hub.counters().journal_entries.get() == 720).await;
    drop(fed);
    let mut bytes = std::fs::read(&file).unwrap();
    assert!(bytes.len() > 64 << 10, "{}", bytes.len());
    bytes[8 << 10..40 << 10].fill(0xa5);
    std::fs::write(&file, &bytes).unwrap();
    let error = open();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("move it away"), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}

#[tokio::test]
async fn store_is_used_by_one_hub_at_a_time() {
    let temp_store = TempStore::new("one");
    let first = Fed::with(&options(Some(temp_store.file()))).unwrap();
    let second = Fed::with(&options(Some(temp_store.file())));
    let Err(HubError::Store(error)) = second.map(|fed| fed.hub) else { panic!("two of them") };
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("another hub"), "{error}");
    first.say(run(1));
    first.keeps(&run(1)).await;
    drop(first);
    Fed::with(&options(Some(temp_store.file()))).unwrap().keeps(&run(1)).await;
}

#[tokio::test]
async fn store_folder_that_cannot_be_created_is_reported() {
    let temp_store = TempStore::new("folder");
    std::fs::write(&temp_store.0, "a file where a folder should be").unwrap();
    let Err(HubError::Store(error)) =
        Fed::with(&options(Some(temp_store.file()))).map(|fed| fed.hub)
    else {
        panic!("it was made");
    };
    assert!(matches!(error, StoreError::Folder { .. }), "{error}");
    std::fs::remove_file(&temp_store.0).unwrap();
}
