//! `/history` and `/history/summary`: kept frames as a recording, and a history that outlives runs and hubs.

use std::io::Cursor;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use meterbridge::hub::gate::{GateOptions, HubToken};
use meterbridge::hub::relay::{HubOptions, JournalRetention};
use meterbridge::inspect::{AsOf, End, Report, RunReport, read_as_far_as_possible, read_until};
use meterbridge::model::{Model, Retention};
use meterbridge::source::Secret;
use meterbridge::source::recording::Recording;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::served::Served;
use super::{KEEP_ALL, TempStore, eventually, keeping_old, options, runs_of, whole_run};
use crate::page::{Answer, get, request};

const TOKEN: &str = "screens-s3cr3t-t0ken";

impl Served {
    /// Starts a hub without a store that keeps old frames.
    async fn of_old_frames() -> Self {
        Self::open(&keeping_old(None)).await
    }

    /// Sends frames that arrive at a time, and waits until the hub keeps this many.
    async fn say_at<T: AsRef<str>>(
        &self,
        at: Timestamp,
        texts: impl IntoIterator<Item = T>,
        frames: u64,
    ) {
        self.send(at, texts);
        let entries = &self.hub().counters().journal_entries;
        eventually("the frames are kept", || entries.get() == frames).await;
    }

    async fn get(&self, target: &str) -> Answer {
        get(&self.server, target).await
    }

    async fn summary(&self, query: &str) -> Value {
        let answer = self.get(&format!("/history/summary?{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Returns the runs of lines of a recording.
#[track_caller]
fn replayed(lines: &[u8]) -> Vec<RunReport> {
    let mut model = Model::new(Retention::EVERYTHING);
    let readout = read_as_far_as_possible(&mut model, Recording::new(Cursor::new(lines.to_vec())));
    readout.result.unwrap();
    assert_eq!(readout.problems, [""; 0]);
    Report::of(&model).runs
}

/// Returns the body of a chunked answer without the lengths of its chunks.
pub(super) fn unchunked(answer: &Answer) -> Vec<u8> {
    if answer.header("transfer-encoding") != Some("chunked") {
        return answer.body.clone();
    }
    let (mut body, mut rest) = (Vec::new(), &answer.body[..]);
    loop {
        let end = rest.windows(2).position(|it| it == b"\r\n").unwrap();
        let length = std::str::from_utf8(&rest[..end]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        if length == 0 {
            return body;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + length]);
        rest = &rest[end + 2 + length + 2..];
    }
}

/// Returns the texts of the frames in lines of a recording.
fn texts(lines: &[u8]) -> Vec<String> {
    let lines = std::str::from_utf8(lines).unwrap().lines();
    let line = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    lines.filter_map(|it| line(it)["text"].as_str().map(str::to_owned)).collect()
}

/// Sends runs of which every event arrives at another instant, a little after it happened. Returns the
/// instants.
async fn tell(served: &Served) -> Vec<Timestamp> {
    let begin = at("2026-11-23T01:00:00Z");
    let runs: Vec<Vec<String>> = (0..4).map(|run| whole_run(&format!("r-{run}"))).collect();
    let mut arrivals = Vec::new();
    // The events of the runs take turns.
    for place in 0..18 {
        let second = if place == 17 { 20 } else { place as i64 };
        for (nth, run) in runs.iter().enumerate() {
            let at = begin + SignedDuration::from_millis(1_000 * second + 200 * nth as i64 + 50);
            arrivals.push(at);
            served.say_at(at, [&run[place]], arrivals.len() as u64).await;
        }
    }
    arrivals
}

#[tokio::test]
async fn frames_of_a_hub_replay_to_its_runs() {
    let served = Served::of_old_frames().await;
    let arrivals = tell(&served).await;
    let all = served.get("/history").await;
    assert_eq!((all.status, all.header("content-type")), (200, Some("application/x-ndjson")));
    assert_eq!(all.header("meterbridge-next"), None);
    let lines = unchunked(&all);
    assert_eq!(replayed(&lines), runs_of(served.hub()));
    assert_eq!(texts(&lines).len(), arrivals.len());
    // The header is that of a recording, without secrets.
    let first: Value =
        serde_json::from_slice(lines.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    assert_eq!(first["meterbridge"]["started_at"], "2026-11-23T01:00:00.05Z");
    assert_eq!(first["meterbridge"]["source"], "ws://127.0.0.1:9/events");
    served.server.stop().await;
}

/// The hub as of an instant is a hub that has received nothing after it.
#[tokio::test]
async fn frames_up_to_an_instant_replay_to_the_hub_as_of_then() {
    let whole = Served::of_old_frames().await;
    let arrivals = tell(&whole).await;
    let all = unchunked(&whole.get("/history").await);
    let said = texts(&all);
    for count in [1, 7, 40, 41, 71] {
        let until = arrivals[count - 1];
        let part = unchunked(&whole.get(&format!("/history?to={until}")).await);
        let early = Served::of_old_frames().await;
        for (place, (text, at)) in said.iter().zip(&arrivals).take(count).enumerate() {
            early.say_at(*at, [text], place as u64 + 1).await;
        }
        let expected = runs_of(early.hub());
        assert_eq!(replayed(&part), expected, "{count}");
        // The same by the recorder's clock of the whole recording.
        let mut model = Model::new(Retention::EVERYTHING);
        let since_begin = AsOf::SinceBegin(until.duration_since(arrivals[0]));
        let mut end = End::new(since_begin, jiff::tz::TimeZone::UTC);
        read_until(&mut model, Recording::new(Cursor::new(all.clone())), &mut end);
        assert_eq!(Report::of(&model).runs, expected, "{count}");
        early.server.stop().await;
    }
    whole.server.stop().await;
}

#[tokio::test]
async fn pages_together_are_the_whole() {
    let served = Served::of_old_frames().await;
    tell(&served).await;
    let between = "from=2026-11-23T01:00:05.05Z&to=2026-11-23T01:00:13.650Z";
    let whole = unchunked(&served.get(&format!("/history?{between}")).await);
    assert_eq!(texts(&whole).len(), 36, "both ends count");
    let (mut pages, mut after, mut file) = (0, String::new(), Vec::new());
    loop {
        let page = served.get(&format!("/history?{between}&limit=10{after}")).await;
        pages += 1;
        file.extend(unchunked(&page));
        let Some(next) = page.header("meterbridge-next") else { break };
        after = format!("&after={next}");
    }
    assert_eq!(pages, 4);
    assert_eq!(texts(&file), texts(&whole));
    assert_eq!(replayed(&file), replayed(&whole), "pages in one file are one recording");
    // A page that ends with the last frame has no next one.
    let exact = served.get(&format!("/history?{between}&limit=36")).await;
    assert_eq!(exact.header("meterbridge-next"), None);
    let nothing = served.get("/history?from=2030-01-01T00:00:00Z").await;
    assert_eq!(replayed(&unchunked(&nothing)), []);
    served.server.stop().await;
}

#[tokio::test]
async fn questions_that_make_no_sense_are_refused_with_words() {
    let served = Served::of_old_frames().await;
    for (target, status, words) in [
        ("/history?from=yesterday", 400, "expected an instant"),
        ("/history?from=2026-11-23T02:00:00Z&to=2026-11-23T01:00:00Z", 400, "must not be after"),
        ("/history?limit=0", 400, "`limit`"),
        ("/history?after=7", 400, "meterbridge-next"),
        ("/history?after=other-stream.7", 410, "another stream"),
        ("/history?form=csv", 400, "unknown parameter `form`"),
        ("/history?limit=1&limit=2", 400, "twice"),
        ("/history/summary?last=soon", 400, "24h"),
        ("/history/summary?bucket=week", 400, "`10min`, `hour` or `day`"),
        ("/history/summary?zone=Europe/Berln", 400, "time zone"),
        ("/history/summary?to=2026-11-23T01:00:00Z", 400, "`to` needs `from`"),
        ("/history/summary?last=7d&from=2026-11-23T01:00:00Z", 400, "cannot be used"),
        ("/history/summary?last=36500d&bucket=hour", 400, "choose `day`"),
        ("/history/summary?format=xml", 400, "`json` or `csv`"),
    ] {
        let answer = served.get(target).await;
        assert_eq!(answer.status, status, "{target}");
        assert!(answer.text().contains(words), "{target}: {}", answer.text());
    }
    assert_eq!(request(served.server.address(), "POST", "/history", &[], b"").await.status, 405);
    served.server.stop().await;
}

#[tokio::test]
async fn history_needs_the_token_for_screens() {
    let token = HubToken::new(&Secret::new(TOKEN).unwrap()).unwrap();
    let gate = GateOptions { token: Some(token), ..GateOptions::default() };
    let served = Served::behind(&options(None), gate).await;
    let bearer = format!("Authorization: Bearer {TOKEN}");
    for path in ["/history", "/history?limit=1", "/history/summary"] {
        let refusal = served.get(path).await;
        assert_eq!(refusal.status, 401, "{path}");
        let refusal: Value = serde_json::from_slice(&refusal.body).unwrap();
        assert!(refusal["detail"].as_str().unwrap().contains("token for screens"), "{path}");
        let address = served.server.address();
        let wrong = ["Authorization: Bearer screens-s3cr3t-t0ke"];
        assert_eq!(request(address, "GET", path, &wrong, b"").await.status, 401, "{path}");
        assert_eq!(request(address, "GET", path, &[&bearer], b"").await.status, 200, "{path}");
    }
    served.server.stop().await;
    // Without a token, only this machine's own names are answered.
    let open = Served::of_old_frames().await;
    for path in ["/history", "/history/summary"] {
        let answer =
            request(open.server.address(), "GET", path, &["Host: evil.example"], b"").await;
        assert_eq!(answer.status, 403, "{path}");
    }
    open.server.stop().await;
}

/// A client that stops reading costs no memory and holds nothing up; when it leaves, reading ends.
#[tokio::test]
async fn client_that_does_not_read_delays_nobody() {
    let served = Served::of_old_frames().await;
    let begin = at("2026-11-23T01:00:00Z");
    let long = "x".repeat(20_000);
    let event = |nth: u32| {
        format!(
            r#"{{"ts":"2026-11-23T01:00:00Z","run_id":"r","node_name":"PLAN","phase":"info","event_id":"e-{nth}","data":{{"message":"{long}"}}}}"#
        )
    };
    served.say_at(begin, (0..1_000).map(event), 1_000).await;
    let mut lazy = TcpStream::connect(served.server.address()).await.unwrap();
    let head = "GET /history HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    lazy.write_all(head.as_bytes()).await.unwrap();
    let mut some = [0; 1_000];
    lazy.read_exact(&mut some).await.unwrap();
    // The hub goes on meanwhile.
    served.say_at(begin, whole_run("s"), 1_018).await;
    assert_eq!(served.get("/history/summary").await.status, 200);
    drop(lazy);
    let all = unchunked(&served.get("/history").await);
    assert_eq!(texts(&all).len(), 1_018);
    served.server.stop().await;
}

fn this_hour(run: &str, phase: &str) -> Vec<String> {
    until(Timestamp::now(), run, phase)
}

/// Returns a run of 90 seconds.
fn until(now: Timestamp, run: &str, phase: &str) -> Vec<String> {
    let before = now - SignedDuration::from_secs(90);
    let event = |at: Timestamp, phase: &str, rest: &str| {
        format!(r#"{{"ts":"{at}","run_id":"{run}","phase":"{phase}"{rest}}}"#)
    };
    let end = match phase {
        "cancelled" => event(now, "info", r#","data":{"status":"cancelled"}"#),
        phase => event(now, phase, ""),
    };
    vec![event(before, "start", ""), end]
}

/// Returns the numbers of runs, and of finished, failed and cancelled ones.
fn counts(totals: &Value) -> [u64; 4] {
    ["runs", "finished", "failed", "cancelled"].map(|name| totals[name].as_u64().unwrap())
}

#[tokio::test]
async fn history_outlives_the_runs_and_restarts() {
    let temp_store = TempStore::new("history");
    let keep = JournalRetention { runs: 1, ..KEEP_ALL };
    let options = HubOptions { keep, ..options(Some(temp_store.file())) };
    let served = Served::open(&options).await;
    let frames = &served.hub().counters().journal_entries;
    let ended = [("a", "end"), ("b", "fail"), ("c", "cancelled"), ("d", "end")];
    let end = Timestamp::now() - SignedDuration::from_mins(5);
    let all: Vec<String> =
        ended.into_iter().flat_map(|(run, phase)| until(end, run, phase)).collect();
    served.send(end, &all);
    let dropped = &served.hub().counters().runs_dropped;
    eventually("three runs are dropped", || dropped.get() == 3 || frames.get() == 2).await;
    let expected = served.summary("last=24h&zone=UTC").await["now"].clone();
    assert_eq!(counts(&expected), [4, 2, 1, 1]);
    served.server.stop().await;
    // Twice, as a restart must not count anything again either, and a backend tells everything again.
    for _ in 0..2 {
        let served = Served::open(&options).await;
        let totals = served.summary("last=24h&zone=UTC").await["now"].clone();
        assert_eq!(counts(&totals), [4, 2, 1, 1]);
        served.send(end, &all);
        let duplicates = &served.hub().counters().duplicates;
        eventually("all events are known", || duplicates.get() == all.len() as u64).await;
        let totals = served.summary("last=24h&zone=UTC").await["now"].clone();
        assert_eq!(counts(&totals), [4, 2, 1, 1]);
        served.server.stop().await;
    }
    let served = Served::open(&options).await;
    // A run that was dropped is executed again.
    let end = end + SignedDuration::from_mins(3);
    served.send(end, until(end, "a", "end"));
    eventually("it counts once more", || served.hub().history().total().runs() == 5).await;
    let totals = served.summary("last=24h&zone=UTC").await["now"].clone();
    assert_eq!(counts(&totals), [5, 3, 1, 1]);
    served.server.stop().await;
}

#[tokio::test]
async fn history_of_an_older_store_is_made_from_its_frames() {
    let temp_store = TempStore::new("older-history");
    let options = options(Some(temp_store.file()));
    let served = Served::open(&options).await;
    let frames: Vec<String> =
        [this_hour("a", "end"), this_hour("b", "fail")].into_iter().flatten().collect();
    served.say_at(Timestamp::now(), &frames, 4).await;
    let summary = served.summary("last=24h&zone=UTC").await;
    assert_eq!(summary["now"]["runs"], 2);
    served.server.stop().await;
    // As a version without a history leaves it.
    let db = rusqlite::Connection::open(temp_store.file()).unwrap();
    db.execute_batch(
        "DROP TABLE history; DROP TABLE contributed; DELETE FROM meta WHERE name = 'history'",
    )
    .unwrap();
    db.close().unwrap();
    for _ in 0..2 {
        let served = Served::open(&options).await;
        let totals = served.summary("last=24h&zone=UTC").await["now"].clone();
        assert_eq!(counts(&totals), counts(&summary["now"]));
        assert_eq!(totals["usual_ms"], summary["now"]["usual_ms"]);
        served.server.stop().await;
    }
}

#[tokio::test]
async fn damaged_parts_of_the_history_are_skipped() {
    let temp_store = TempStore::new("damaged-history");
    let options = options(Some(temp_store.file()));
    let served = Served::open(&options).await;
    served.say_at(Timestamp::now(), &this_hour("a", "end"), 2).await;
    served.server.stop().await;
    let db = rusqlite::Connection::open(temp_store.file()).unwrap();
    db.execute_batch(
        "UPDATE history SET data = x'00ff'; INSERT INTO history VALUES (9, 0, x''), (0, 1, x'01')",
    )
    .unwrap();
    db.close().unwrap();
    let served = Served::open(&options).await;
    assert_eq!(served.summary("last=24h&zone=UTC").await["now"]["runs"], 0);
    served.server.stop().await;
}

#[tokio::test]
async fn history_is_kept_for_as_long_as_it_is_told_to() {
    let temp_store = TempStore::new("keep-history");
    let long = options(Some(temp_store.file()));
    let served = Served::open(&long).await;
    let now = Timestamp::now();
    let old = now - SignedDuration::from_hours(30 * 24);
    let event = |at: Timestamp, run: &str, phase: &str| {
        format!(r#"{{"ts":"{at}","run_id":"{run}","phase":"{phase}"}}"#)
    };
    let frames = [old, now].map(|at| [event(at, "r", "start"), event(at, "r", "end")]);
    served.say_at(now, frames.as_flattened(), 4).await;
    assert_eq!(served.summary("last=90d&zone=UTC").await["now"]["runs"], 2);
    served.server.stop().await;
    let short = HubOptions { keep_history: Duration::from_secs(20 * 86_400), ..long };
    let served = Served::open(&short).await;
    assert_eq!(served.summary("last=90d&zone=UTC").await["now"]["runs"], 1);
    served.server.stop().await;
}

#[tokio::test]
async fn command_shows_the_history_of_a_hub_and_of_its_frames() {
    let served = Served::of_old_frames().await;
    let end = Timestamp::now() - SignedDuration::from_secs(5);
    let mut frames = this_hour("a", "end");
    frames.extend(this_hour("b", "fail"));
    served.say_at(end, &frames, 4).await;
    let url = served.server.events_url();
    let lines = unchunked(&served.get("/history").await);
    let file = std::env::temp_dir().join(format!("meterbridge-history-{}", std::process::id()));
    std::fs::write(&file, lines).unwrap();
    let run = |source: String, options: &'static [&'static str]| {
        tokio::task::spawn_blocking(move || {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_meterbridge"));
            command.env_remove("METERBRIDGE_TOKEN");
            command.args(["history", &source, "--time-zone", "UTC"]).args(options);
            let output = command.output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            (output.status.code(), String::from_utf8(output.stdout).unwrap(), said)
        })
    };
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap()["now"]["runs"].as_u64();
    let file_name = file.display().to_string();
    for source in [url.clone(), file_name.clone()] {
        let (code, out, said) = run(source.clone(), &["--last", "24h", "--json"]).await.unwrap();
        assert_eq!((code, json(&out)), (Some(0), Some(2)), "{source}: {said}");
        let (code, out, said) = run(source.clone(), &["--last", "24h"]).await.unwrap();
        let words = "2 runs: 1 finished, 1 failed, 0 cancelled; 50.0 % success";
        assert!(code == Some(0) && out.contains(words), "{source}: {out}{said}");
        let (_, out, _) =
            run(source, &["--last", "24h", "--csv", "--rows", "causes"]).await.unwrap();
        assert_eq!(out.lines().count(), 2, "{out}");
    }
    let (code, _, said) = run(url.replace("/events", "/other"), &[]).await.unwrap();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("name the address of a hub"), "{said}");
    for options in [
        &["--last", "soon"][..],
        &["--json", "--csv"],
        &["--to", "2026-11-23"],
        &["--from", "2026-11-24", "--to", "2026-11-22"],
    ] {
        assert_eq!(run(url.clone(), options).await.unwrap().0, Some(2), "{options:?}");
    }
    let (code, _, said) = run("no-such-file.ndjson".to_owned(), &[]).await.unwrap();
    assert_eq!(code, Some(2), "{said}");
    std::fs::remove_file(file).unwrap();
    served.server.stop().await;
}
