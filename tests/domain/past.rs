//! The model as of an instant equals the live model at that instant.

use std::fmt::Write as _;
use std::io::Cursor as Bytes;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use meterbridge::demo::Dialect;
use meterbridge::demo::dialect::{Delivery, Session};
use meterbridge::demo::scenario::{DemoSchedule, DemoScheduleOptions, Timeline};
use meterbridge::inspect::{AsOf, End, Report, read_until, write_json};
use meterbridge::model::past::{Past, PastLimits};
use meterbridge::model::{Model, Retention, Run, RunStatus};
use meterbridge::protocol::{Batch, Item, PIPELINE, RunSnapshot};
use meterbridge::source::playback::TimedFrames;
use meterbridge::source::recording::{Recording, RecordingError};
use serde_json::Value;

use crate::support::fixture;

/// Something that reaches a model.
#[derive(Clone)]
enum Arrival {
    Batch(Batch),
    Lost(Timestamp),
    Stands(Timestamp),
}

impl Arrival {
    fn at(&self) -> Timestamp {
        match self {
            Self::Batch(batch) => batch.received_at,
            Self::Lost(at) | Self::Stands(at) => *at,
        }
    }
}

/// Limits with which nothing of a test is dropped, and with many checkpoints.
const AMPLE: PastLimits =
    PastLimits { journal_bytes: 64 << 20, checkpoint_bytes: 512 << 20, checkpoint_events: 150 };

fn apply(model: &mut Model, arrival: &Arrival) {
    match arrival {
        Arrival::Batch(batch) => model.receive(batch.clone(), |_, _| ()),
        Arrival::Lost(at) => model.connection_lost(*at),
        Arrival::Stands(_) => model.connection_stands(),
    }
    model.take_clock_steps();
}

/// Returns the past of these arrivals, and its live model.
fn recorded(arrivals: &[Arrival], retention: Retention, limits: PastLimits) -> (Past, Model) {
    let mut model = Model::new(retention);
    let mut past = Past::new(limits, &model);
    for arrival in arrivals {
        record(&mut past, &mut model, arrival);
    }
    (past, model)
}

fn record(past: &mut Past, model: &mut Model, arrival: &Arrival) {
    match arrival {
        Arrival::Batch(batch) => past.receive(model, batch.clone(), |_, _| ()),
        Arrival::Lost(at) => past.connection_lost(model, *at),
        Arrival::Stands(at) => past.connection_stands(model, *at),
    }
    model.take_clock_steps();
}

fn report(model: &Model) -> String {
    let mut json = Vec::new();
    write_json(&mut json, &Report::of(model)).unwrap();
    String::from_utf8(json).unwrap()
}

/// Returns what a display shows of a model besides its runs and its log.
fn totals(model: &Model) -> String {
    let tally = RunStatus::ALL.map(|status| model.count(status));
    let (first, last) = (model.first_received_at(), model.last_received_at());
    let mut totals = format!("{:?} {tally:?} {first:?} {last:?}\n", model.counters());
    let (clock, texts, newest) = (model.clock(), model.text_bytes(), model.newest_active());
    let _ = writeln!(totals, "{clock:?} {texts} {:?}", newest.map(|run| run.id()));
    let now = last.unwrap_or_default();
    let (stats, active) = (model.stats(), model.count(RunStatus::Running));
    let hour = SignedDuration::from_hours(1);
    let events = stats.events_per_second(now, 3600);
    let outcomes = (stats.outcomes_by(now, hour, 60), stats.arrivals_by_second(now, 60));
    let _ = writeln!(totals, "{events:?} {outcomes:?} {:?}", stats.active_by(now, active, 60));
    let baselines = PIPELINE.map(|node| stats.node_baseline(node));
    let _ = writeln!(totals, "{baselines:?} {:?}", stats.run_baseline());
    totals
}

fn log(model: &Model) -> Vec<String> {
    let log = model.log();
    let lines = log.entries().iter();
    lines
        .map(|line| format!("{} {} {:?} {}", line.seq, line.received_at, line.item, log.raw(line)))
        .collect()
}

#[track_caller]
fn assert_same(as_of: &Model, live: &Model, what: &str) {
    assert_eq!(totals(as_of), totals(live), "{what}");
    let (runs, live_runs) = (as_of.runs_in_order(), live.runs_in_order());
    assert_eq!(runs.len(), live_runs.len(), "{what}");
    for (run, live) in runs.into_iter().zip(live_runs) {
        let times = |run: &Run| (run.first_event_at(), run.last_event_at(), run.last_received_at());
        assert_eq!(
            (run.id(), times(run), run.events()),
            (live.id(), times(live), live.events()),
            "{what}"
        );
        assert_eq!(run.state(), live.state(), "{what}");
        assert_eq!(run.snapshot(), live.snapshot(), "{what}");
        assert!(
            run.recent_events()
                .map(|it| (it.at, it.kind))
                .eq(live.recent_events().map(|it| (it.at, it.kind))),
            "{what}"
        );
    }
}

/// Returns for each of `count` random instants the number of arrivals by then: all up to the last one
/// that is not later.
fn instants(arrivals: &[Arrival], count: usize, seed: u64) -> Vec<(Timestamp, usize)> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut instants: Vec<(Timestamp, usize)> = (0..count)
        .map(|number| {
            let at = arrivals[random.usize(..arrivals.len())].at();
            let at = match number % 4 {
                0 => at,
                1 => at - SignedDuration::from_nanos(1),
                _ => at + SignedDuration::from_millis(random.i64(-3_000..3_000)),
            };
            let last = arrivals.iter().rposition(|arrival| arrival.at() <= at);
            (at, last.map_or(0, |last| last + 1))
        })
        .collect();
    instants.sort_by_key(|(_, arrived)| *arrived);
    instants
}

/// Checks that the model as of random instants equals the live model then, with its log, and that a
/// cursor that goes on from there arrives at the live model.
fn check(name: &str, arrivals: &[Arrival], count: usize, retention: Retention) {
    let (past, last) = recorded(arrivals, retention, AMPLE);
    let mut live = Model::new(retention);
    let mut applied = 0;
    let mut cursor = past.cursor(Timestamp::MIN).unwrap();
    for (number, (at, arrived)) in instants(arrivals, count, 7).into_iter().enumerate() {
        for arrival in &arrivals[applied..arrived] {
            apply(&mut live, arrival);
        }
        applied = arrived;
        let what = format!("{name} as of {at}, {arrived} arrivals");
        let mut as_of = past.as_of(at).unwrap();
        assert_same(&as_of, &live, &what);
        cursor.advance_to(&past, at, |_, _| ()).unwrap();
        if number % 10 == 0 {
            assert_eq!(report(&as_of), report(&live), "{what}");
            assert_same(cursor.model(), &live, &format!("{what}, by a cursor"));
            past.fill_log(&mut as_of, usize::MAX);
            assert_eq!(log(&as_of), log(&live), "{what}");
        }
    }
    assert_same(&past.as_of(Timestamp::MAX).unwrap(), &last, name);
}

/// Returns the arrivals of a recording, as its playback sends them.
fn played(text: &[u8]) -> Vec<Arrival> {
    let mut frames = TimedFrames::new(Recording::new(Bytes::new(text)));
    let mut arrivals = Vec::new();
    while let Ok(Some((batch, _))) = frames.next("2026-11-23T00:00:00Z".parse().unwrap()) {
        arrivals.push(Arrival::Batch(batch));
    }
    arrivals
}

/// Returns all recordings among the fixtures.
fn recordings() -> Vec<PathBuf> {
    let folders = ["transcripts", "cases", "scenes", "dialects"];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(fixture(folder)).unwrap());
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|path| {
        let name = path.to_string_lossy();
        name.ends_with(".ndjson") && !name.ends_with(".http.ndjson")
    });
    files.sort();
    files
}

#[test]
fn every_recording_as_of_any_instant_equals_live_and_inspect() {
    let files = recordings();
    assert!(files.len() > 60, "{}", files.len());
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read(&path).unwrap();
        let arrivals = played(&text);
        if arrivals.is_empty() {
            continue;
        }
        // Long recordings take long to compare in a debug build.
        let count = if arrivals.len() > 300 { 10 } else { 500 };
        check(&name, &arrivals, count.min(arrivals.len() * 5), Retention::default());
        let (past, _) = recorded(&arrivals, Retention::default(), AMPLE);
        for (at, arrived) in instants(&arrivals, 20, 11) {
            // Before the recording there is nothing to inspect.
            if arrived == 0 {
                continue;
            }
            let mut inspected = Model::new(Retention::EVERYTHING);
            let mut end = End::new(AsOf::Instant(at), TimeZone::UTC);
            let recording = Recording::new(Bytes::new(&text[..]));
            if let Err(error) = read_until(&mut inspected, recording, &mut end).result {
                assert!(matches!(error, RecordingError::NotARecording { .. }), "{name}: {error}");
                continue;
            }
            let as_of = past.as_of(at).unwrap();
            assert_eq!(report(&inspected), report(&as_of), "{name} as of {at}");
        }
    }
}

fn begin() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

/// Returns instants and frames of the demo studio.
fn studio(minutes: i64, runs: usize, dialect: Dialect) -> Vec<(Timestamp, String)> {
    let session = Session { epoch: begin(), speed: 1.0, salt: 5 };
    let mut timeline = Timeline::new(DemoSchedule::new(7, DemoScheduleOptions { runs }));
    let mut frames = Vec::new();
    while let Some(event) = timeline.next_until(SignedDuration::from_mins(minutes)) {
        if let Some(text) = dialect.render(&event, &session, Delivery::Live) {
            frames.push((session.wall_instant(event.at), text));
        }
    }
    frames
}

/// Returns the arrivals of a studio: what happened before it opened as a replay, then single frames.
fn studio_arrivals(minutes: i64, runs: usize, dialect: Dialect) -> Vec<Arrival> {
    let mut replay = Batch::new(begin(), false);
    let mut arrivals = Vec::new();
    for (at, text) in studio(minutes, runs, dialect) {
        if at <= begin() {
            replay.push_text(&text);
        } else {
            let mut batch = Batch::new(at + SignedDuration::from_millis(3), true);
            batch.push_text(&text);
            arrivals.push(Arrival::Batch(batch));
        }
    }
    [Arrival::Stands(begin()), Arrival::Batch(replay)].into_iter().chain(arrivals).collect()
}

#[test]
fn thirty_minutes_of_the_studio_as_of_500_instants_equal_live() {
    let arrivals = studio_arrivals(30, 6, Dialect::Guide);
    assert!(arrivals.len() > 1_000, "{}", arrivals.len());
    check("studio", &arrivals, 500, Retention::default());
}

#[test]
fn thirty_minutes_of_the_studio_recorded_are_the_same_in_a_file() {
    let frames = studio(30, 6, Dialect::Backend).into_iter().filter(|(at, _)| *at > begin());
    let lines = frames.map(|(at, text)| {
        let recv_ms = at.duration_since(begin()).as_millis_f64() + 3.0;
        serde_json::json!({"recv_ms": recv_ms, "text": text}).to_string()
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    let arrivals = played(text.as_bytes());
    let (past, _) = recorded(&arrivals, Retention::default(), AMPLE);
    for (at, arrived) in instants(&arrivals, 100, 3) {
        let mut inspected = Model::new(Retention::EVERYTHING);
        let mut end = End::new(AsOf::Instant(at), TimeZone::UTC);
        let recording = Recording::new(Bytes::new(text.as_bytes()));
        read_until(&mut inspected, recording, &mut end).result.unwrap();
        if arrived > 0 {
            assert_eq!(report(&inspected), report(&past.as_of(at).unwrap()), "as of {at}");
        }
    }
}

/// Returns the answers of the backend about its runs, in order.
fn answers(name: &str) -> Vec<Arc<RunSnapshot>> {
    let path = fixture("transcripts").join(format!("{name}.http.ndjson"));
    let text = std::fs::read_to_string(path).unwrap();
    let exchanges = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    exchanges
        .filter(|it| it["response_body"]["executions"].is_array())
        .map(|it| Arc::new(RunSnapshot::read(it["response_body"].to_string().as_bytes()).unwrap()))
        .collect()
}

/// Returns arrivals with everything that goes wrong: frames out of order, several in a batch, repeated,
/// unreadable, ignored; REST snapshots; lost connections; steps of either clock.
fn troubled_arrivals(seed: u64) -> Vec<Arrival> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut frames = studio(12, 6, Dialect::Guide);
    frames.drain(..frames.len() / 3);
    for place in 0..frames.len() {
        let other = (place + random.usize(..6)).min(frames.len() - 1);
        if random.u8(..) < 40 {
            frames.swap(place, other);
        }
    }
    let snapshots: Vec<Arc<RunSnapshot>> = ["a-success-live", "e-retry", "g-reconnect-midrun"]
        .iter()
        .flat_map(|name| answers(name))
        .collect();
    let transcript = std::fs::read(fixture("transcripts/g-reconnect-midrun.conn2.ndjson")).unwrap();
    let mut events_of_snapshots = played(&transcript).into_iter();
    let mut arrivals: Vec<Arrival> = Vec::new();
    let mut now = begin();
    let (steps, count) = (random.usize(..frames.len()), frames.len());
    let mut set_back = SignedDuration::ZERO;
    for (place, (at, text)) in frames.into_iter().enumerate() {
        now = now.max(at) + SignedDuration::from_millis(random.i64(0..40));
        if place == steps {
            // This machine's clock is set back; later the server's.
            set_back = SignedDuration::from_secs(random.i64(1..90));
        }
        let is_server_set = place > steps / 2 + count / 2;
        let text = match is_server_set {
            true => text.replace("2026-11-23T10:", "2026-11-23T09:"),
            false => text,
        };
        let mut batch = Batch::new(now - set_back, random.u8(..) < 250);
        batch.push_text(&text);
        match random.u8(..12) {
            0 => batch.push_text(&text),
            1 => batch.push_text("{\"run_id\":"),
            2 => batch.push_text("[]"),
            3 => batch.push_run(Arc::clone(&snapshots[random.usize(..snapshots.len())])),
            4 => batch.dropped += 3,
            5 => {
                if let Some(Arrival::Batch(earlier)) = arrivals.last() {
                    let earlier = earlier.clone();
                    batch.append(earlier);
                }
            }
            6 => batch.push_bytes(b"\xff"),
            7 => {
                if let Some(Arrival::Batch(other)) = events_of_snapshots.next() {
                    batch.append(other);
                }
            }
            8 => {
                batch.push_text(&text.replace("\"ts\"", "\"timestamp\"").replace("progress", "odd"))
            }
            _ => {}
        }
        let at = batch.received_at;
        arrivals.push(Arrival::Batch(batch));
        if random.u8(..) < 3 {
            arrivals.push(Arrival::Lost(at + SignedDuration::from_millis(1)));
            arrivals.push(Arrival::Stands(at + SignedDuration::from_millis(2)));
        }
    }
    arrivals
}

#[test]
fn troubled_streams_as_of_any_instant_equal_live() {
    for seed in 0..4 {
        let arrivals = troubled_arrivals(seed);
        let few = Retention { runs: 12, log_events: 300, events_per_run: 9, text_bytes: 20_000 };
        check(&format!("troubled {seed}"), &arrivals, 40, Retention::default());
        check(&format!("troubled {seed}, few runs"), &arrivals, 40, few);
    }
    // The streams contain what they are meant to contain.
    let (_, model) = recorded(&troubled_arrivals(0), Retention::default(), AMPLE);
    let counters = model.counters();
    assert!(counters.duplicates > 20 && counters.malformed > 20 && counters.snapshots > 3);
    assert!(counters.ignored > 10 && counters.dropped > 0, "{counters:?}");
}

#[test]
fn undated_events_in_the_past_take_their_time_of_arrival() {
    let frames = ["start", "info", "end"].map(|phase| {
        format!(
            r#"{{"ts":"0001-01-01T00:00:00Z","run_id":"r","phase":"{phase}","event_id":"{phase}"}}"#
        )
    });
    let arrivals: Vec<Arrival> = frames
        .iter()
        .zip([5, 10, 15])
        .map(|(text, second)| {
            let mut batch = Batch::new(begin() + SignedDuration::from_secs(second), true);
            batch.push_text(text);
            Arrival::Batch(batch)
        })
        .collect();
    check("undated", &arrivals, 50, Retention::default());
}

#[test]
fn dropped_past_is_refused_and_the_rest_still_equals_live() {
    let arrivals = studio_arrivals(30, 24, Dialect::Backend).split_off(2);
    let limits =
        PastLimits { journal_bytes: 160_000, checkpoint_bytes: 1 << 30, checkpoint_events: 150 };
    let (past, _) = recorded(&arrivals, Retention::default(), limits);
    let reach = past.reach();
    let since = reach.since.unwrap();
    let (first, last) = reach.kept.unwrap();
    assert!(since <= first && last == arrivals.last().unwrap().at(), "{reach:?}");
    assert!(since > begin() + SignedDuration::from_mins(5), "{reach:?}");
    assert!(last.duration_since(since) > SignedDuration::from_mins(2), "{reach:?}");
    assert!(past.memory().journal <= 600_000, "{:?}", past.memory());

    let mut live = Model::default();
    let (mut applied, mut refused, mut known) = (0, 0, 0);
    for (at, arrived) in instants(&arrivals, 200, 5) {
        arrivals[applied..arrived].iter().for_each(|arrival| apply(&mut live, arrival));
        applied = arrived;
        match past.as_of(at) {
            Ok(as_of) => {
                known += 1;
                assert!(at >= since);
                assert_same(&as_of, &live, &at.to_string());
            }
            Err(error) => {
                refused += 1;
                assert!(at < since && error.since == since, "{at}");
            }
        }
    }
    assert!(refused > 20 && known > 20, "{refused} {known}");
    assert_eq!(past.previous_event(since), None);
    assert_eq!(past.activity(Timestamp::MIN, since - SignedDuration::from_secs(1), 1), [0]);
    assert_eq!(past.ends(Timestamp::MIN, since - SignedDuration::from_secs(1)).count(), 0);
}

#[test]
fn checkpoints_stay_within_their_limit_and_the_past_shortens() {
    let arrivals = studio_arrivals(30, 24, Dialect::Guide);
    let limits = |checkpoint_bytes| PastLimits { checkpoint_bytes, ..AMPLE };
    let ample = recorded(&arrivals, Retention::default(), AMPLE).0;
    let half = ample.memory().checkpoints / 2;
    let (thinned, _) = recorded(&arrivals, Retention::default(), limits(half));
    assert_eq!(thinned.reach().since, None, "checkpoints between others go first");
    let memory = thinned.memory();
    assert!(memory.checkpoints <= half && memory.checkpoint_count > 5, "{memory:?}");
    let (short, live) = recorded(&arrivals, Retention::default(), limits(half / 8));
    assert!(short.reach().since.is_some());
    assert!(short.memory().checkpoints <= half / 8, "{:?}", short.memory());
    assert_same(&short.as_of(Timestamp::MAX).unwrap(), &live, "short");
}

#[test]
fn past_that_begins_late_knows_what_the_model_knew() {
    let arrivals = studio_arrivals(10, 6, Dialect::Guide);
    let (before, after) = arrivals.split_at(arrivals.len() / 2);
    let mut live = Model::default();
    before.iter().for_each(|arrival| apply(&mut live, arrival));
    let mut past = Past::new(AMPLE, &live);
    let at = live.last_received_at().unwrap();
    assert_same(&past.as_of(at).unwrap(), &live, "before anything arrived");
    assert_eq!(past.reach().kept, None);
    let known = live.clone();
    after.iter().for_each(|arrival| record(&mut past, &mut live, arrival));
    assert_same(&past.as_of(at).unwrap(), &known, "at the begin");
    assert!(past.as_of(at - SignedDuration::from_millis(1)).is_err());
    assert_same(&past.as_of(Timestamp::MAX).unwrap(), &live, "live");
}

#[test]
fn cursor_follows_live_behind_it_and_notices_what_is_lost() {
    let arrivals = studio_arrivals(30, 24, Dialect::Backend).split_off(2);
    let limits =
        PastLimits { journal_bytes: 160_000, checkpoint_bytes: 1 << 30, checkpoint_events: 150 };
    let mut live = Model::default();
    let mut past = Past::new(limits, &live);
    let mut behind = past.cursor(Timestamp::MIN).unwrap();
    let mut stuck = past.cursor(Timestamp::MIN).unwrap();
    let mut model = Model::default();
    let (mut applied, mut changes) = (0, 0);
    for (place, arrival) in arrivals.iter().enumerate() {
        record(&mut past, &mut live, arrival);
        let until = arrival.at() - SignedDuration::from_secs(20);
        behind.advance_to(&past, until, |_, _| changes += 1).unwrap();
        while arrivals[applied].at() <= until {
            apply(&mut model, &arrivals[applied]);
            applied += 1;
        }
        assert_eq!(behind.model().changes(), model.changes());
        assert_eq!(changes, model.changes(), "every change is reported once");
        if place % 500 == 0 {
            assert_same(behind.model(), &model, &until.to_string());
            let next = behind.next_at(&past).unwrap();
            assert_eq!(next, Some(arrivals[applied].at()));
        }
    }
    behind.advance_to(&past, Timestamp::MAX, |_, _| ()).unwrap();
    assert_same(behind.model(), &live, "caught up");
    assert_eq!(behind.next_at(&past), Ok(None));
    let lost = stuck.advance_to(&past, Timestamp::MAX, |_, _| ()).unwrap_err();
    assert_eq!(Some(lost.since), past.reach().since);
}

#[test]
fn neighbours_and_ends_are_those_of_the_arrivals() {
    let arrivals = studio_arrivals(30, 6, Dialect::Guide);
    let (past, _) = recorded(&arrivals, Retention::default(), AMPLE);
    let (mut model, mut changed, mut ends) = (Model::default(), Vec::new(), Vec::new());
    for arrival in &arrivals {
        let Arrival::Batch(batch) = arrival else { continue };
        model.receive(batch.clone(), |_, change| {
            changed.push(arrival.at());
            if let Some((_, status)) = change.run_status
                && status.is_over()
            {
                ends.push((arrival.at(), change.run_id.clone(), status));
            }
        });
    }
    for (at, _) in instants(&arrivals, 100, 9) {
        assert_eq!(past.next_event(at), changed.iter().copied().find(|it| *it > at), "{at}");
        assert_eq!(past.previous_event(at), changed.iter().copied().rfind(|it| *it < at), "{at}");
        let failures = || ends.iter().filter(|end| end.2 == RunStatus::Failed).map(|end| end.0);
        assert_eq!(past.next_failure(at).map(|mark| mark.at), failures().find(|it| *it > at));
        assert_eq!(past.previous_failure(at).map(|mark| mark.at), failures().rfind(|it| *it < at));
    }
    let marks = past.ends(Timestamp::MIN, Timestamp::MAX);
    let marks: Vec<_> = marks.map(|mark| (mark.at, mark.run_id.clone(), mark.status)).collect();
    assert_eq!(marks, ends);
    assert!(past.ends(begin(), begin()).all(|mark| !mark.live), "those of the replay");
    let minutes = past.activity(begin(), begin() + SignedDuration::from_secs(1799), 30);
    for (minute, count) in minutes.iter().enumerate() {
        let is_in = |at: &&Timestamp| at.duration_since(begin()).as_secs() / 60 == minute as i64;
        assert_eq!(*count as usize, changed.iter().filter(is_in).count(), "minute {minute}");
    }
}

#[test]
fn clock_set_back_hides_what_it_showed_before() {
    let text = |number: i32| {
        format!(r#"{{"ts":"2026-11-23T10:00:00Z","run_id":"{number}","phase":"start"}}"#)
    };
    let seconds = [0, 10, 20, 30, 15, 16, 40];
    let arrivals: Vec<Arrival> = (0..)
        .zip(seconds)
        .map(|(number, second)| {
            let mut batch = Batch::new(begin() + SignedDuration::from_secs(second), true);
            batch.push_text(&text(number));
            Arrival::Batch(batch)
        })
        .collect();
    for checkpoint_events in [1, 2, 1_000] {
        let limits = PastLimits { checkpoint_events, ..AMPLE };
        let (past, _) = recorded(&arrivals, Retention::default(), limits);
        let known = |second: i64| {
            let at = begin() + SignedDuration::from_secs(second);
            past.as_of(at).unwrap().len()
        };
        assert_eq!([-1, 0, 9, 14, 15, 16, 35, 40].map(known), [0, 1, 1, 2, 5, 6, 6, 7]);
        let second = |at: Option<Timestamp>| at.map(|at| at.duration_since(begin()).as_secs());
        assert_eq!(second(past.next_event(begin() + SignedDuration::from_secs(10))), Some(15));
        assert_eq!(second(past.previous_event(begin() + SignedDuration::from_secs(40))), Some(16));
    }
}

#[test]
fn batches_without_items_are_kept() {
    let mut dropped = Batch::new(begin(), true);
    dropped.dropped = 4;
    let mut ignored = Batch::new(begin() + SignedDuration::from_secs(1), true);
    ignored.frames = 3;
    let arrivals = [Arrival::Batch(dropped), Arrival::Batch(ignored)];
    assert!(
        arrivals.iter().all(|it| matches!(it, Arrival::Batch(batch) if batch.items.is_empty()))
    );
    check("empty", &arrivals, 20, Retention::default());
    let mut events = Batch::new(begin(), true);
    events.push_text("{}");
    assert!(matches!(events.items[..], [Item::Ignored]));
}
