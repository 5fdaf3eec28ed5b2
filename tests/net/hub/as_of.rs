//! A hub's kept frames, read up to an instant, show the runs as they were known then: for every transcript
//! and for half an hour of the demo studio.

use std::io::Cursor;
use std::path::Path;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use meterbridge::demo::Dialect;
use meterbridge::demo::dialect::{Delivery, Session};
use meterbridge::demo::scenario::{DemoSchedule, DemoScheduleOptions, Timeline};
use meterbridge::hub::relay::{Hub, PageRequest};
use meterbridge::inspect::{Report, RunReport, read_as_far_as_possible};
use meterbridge::model::{Model, Retention};
use meterbridge::protocol::{Batch, Item};
use meterbridge::source::Signal;
use meterbridge::source::playback::TimedFrames;
use meterbridge::source::recording::Recording;

use super::{Fed, eventually, keeping_old};

/// Returns the frames of a recording with their times.
pub(super) fn recorded(path: &Path) -> Vec<Batch> {
    let mut frames = TimedFrames::new(Recording::open(path).unwrap());
    let mut batches = Vec::new();
    while let Some((batch, _)) = frames.next("2026-11-23T01:00:00Z".parse().unwrap()).unwrap() {
        batches.push(batch);
    }
    batches
}

/// Returns half an hour of the demo studio, each event a little after it happened.
pub(super) fn studio(dialect: Dialect) -> Vec<Batch> {
    let begin: Timestamp = "2026-11-23T01:00:00Z".parse().unwrap();
    let session = Session { epoch: begin, speed: 1.0, salt: 5 };
    let mut timeline = Timeline::new(DemoSchedule::new(7, DemoScheduleOptions { runs: 4 }));
    let mut batches = Vec::new();
    while let Some(event) = timeline.next_until(SignedDuration::from_mins(30)) {
        if let Some(text) = dialect.render(&event, &session, Delivery::Live) {
            let at = session.wall_instant(event.at) + SignedDuration::from_millis(3);
            let mut batch = Batch::new(at, true);
            batch.push_text(&text);
            batches.push(batch);
        }
    }
    batches
}

/// Returns the runs that a hub shows as of an instant.
fn shown(hub: &Hub, to: Timestamp) -> Vec<RunReport> {
    let request = PageRequest { to: Some(to), ..PageRequest::default() };
    let mut reader = hub.page(request).reader;
    let mut lines = Vec::new();
    while let Some(more) = reader.next_lines() {
        lines.extend(more);
    }
    let mut model = Model::new(Retention::EVERYTHING);
    let readout = read_as_far_as_possible(&mut model, Recording::new(Cursor::new(lines)));
    readout.result.unwrap();
    Report::of(&model).runs
}

/// Returns the runs that a live model knows at an instant.
pub(super) fn known(batches: &[Batch], to: Timestamp) -> Vec<RunReport> {
    let mut model = Model::new(Retention::EVERYTHING);
    for batch in batches.iter().filter(|batch| batch.received_at <= to) {
        model.receive(batch.clone(), |_, _| ());
    }
    Report::of(&model).runs
}

/// Returns all recorded streams of events by the names of their files.
pub(super) fn transcripts() -> Vec<(String, Vec<Batch>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/transcripts");
    let paths = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let named = paths.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path));
    // Others are what was asked of REST meanwhile.
    let is_stream = |name: &str| name.ends_with(".ndjson") && !name.ends_with(".http.ndjson");
    let streams = named.filter(|(name, _)| is_stream(name));
    streams.map(|(name, path)| (name, recorded(&path))).collect()
}

/// Compares what a hub shows with what was known, at random instants. Returns how many were compared.
async fn check(name: &str, batches: &[Batch], instants: usize) -> usize {
    let fed = Fed::with(&keeping_old(None)).unwrap();
    let frames: u64 = batches.iter().map(|batch| batch.frames).sum();
    for batch in batches {
        fed.upstream.send(Signal::Batch(batch.clone())).unwrap();
    }
    let taken = &fed.hub.counters().frames_in;
    eventually(name, || taken.get() == frames).await;
    let last = batches.iter().map(|batch| batch.received_at).max().unwrap();
    let at_last = known(batches, last);
    // The last frame is counted before it is kept.
    eventually(name, || shown(&fed.hub, last) == at_last).await;
    // Of REST answers only the latest is kept, so an earlier instant may lack some.
    let has_answers =
        batches.iter().flat_map(|batch| &batch.items).any(|item| matches!(item, Item::Run(_)));
    let count = if has_answers { 0 } else { instants };
    let mut random = Rng::with_seed(500);
    for _ in 0..count {
        let to = batches[random.usize(..batches.len())].received_at;
        let to = to + SignedDuration::from_millis(random.i64(-2..3));
        assert_eq!(shown(&fed.hub, to), known(batches, to), "{name} as of {to}");
    }
    count
}

#[tokio::test]
async fn transcripts_read_from_a_hub_equal_the_live_model_at_every_instant() {
    let mut compared = 0;
    for (name, batches) in transcripts() {
        compared += check(&name, &batches, 40).await;
    }
    assert!(compared >= 400, "{compared}");
}

#[tokio::test]
async fn half_an_hour_of_the_studio_read_from_a_hub_equals_the_live_model() {
    for dialect in [Dialect::Guide, Dialect::Backend] {
        assert_eq!(check("the studio", &studio(dialect), 50).await, 50);
    }
}
