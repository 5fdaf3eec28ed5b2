//! How many real-size events a second one core decodes and applies, however many runs there are,
//! and what serde_json alone does with the same frames.

#![expect(
    clippy::expect_used,
    reason = "a bench that cannot read its own input has nothing to measure"
)]

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};
use meterbridge::model::Model;
use meterbridge::protocol::Batch;
use serde::Deserialize;
use std::hint::black_box;

/// The program's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The recorded runs that are sent again and again, under other names.
const TRANSCRIPTS: [&str; 5] = [
    include_str!("../tests/fixtures/transcripts/a-success-live.ndjson"),
    include_str!("../tests/fixtures/transcripts/b-fix-twice-then-pass.ndjson"),
    include_str!("../tests/fixtures/transcripts/b2-fix-exhausted.ndjson"),
    include_str!("../tests/fixtures/transcripts/c-node-fails.ndjson"),
    include_str!("../tests/fixtures/transcripts/d-cancel-during.ndjson"),
];

/// Frames of one pass.
const FRAMES: usize = 120_000;
/// Frames of one batch: what a socket holds when it is busy.
const BATCH: usize = 256;
const MICROS_BETWEEN_FRAMES: i64 = 10;

#[derive(Deserialize)]
struct Recorded {
    text: String,
}

/// The least that any reader has to do with a frame. Nothing is kept of it.
#[derive(Deserialize)]
#[expect(dead_code, reason = "only read")]
struct Plain<'a> {
    event_id: &'a str,
    run_id: &'a str,
    timestamp: &'a str,
    node_name: Option<&'a str>,
    phase: &'a str,
}

/// A frame whose ids and instant can be written over.
struct Frame {
    text: String,
    run: u64,
    event_id: usize,
    run_id: usize,
    timestamp: usize,
}

impl Frame {
    fn new(recorded: &str, run: u64) -> Self {
        let after = |name: &str| recorded.find(name).expect("a backend frame has it") + name.len();
        Self {
            text: recorded.to_owned(),
            run,
            event_id: after("\"event_id\":\""),
            run_id: after("\"run_id\":\""),
            timestamp: after("\"timestamp\":\""),
        }
    }

    /// Makes it an event that never was before: ids in the shape of a UUID, an instant with
    /// microseconds, all of the length they had.
    fn renew(&mut self, pass: u64, nth: u64, at: Timestamp) {
        let uuid = |a: u64, b: u64| {
            // Spread, as version 4 is.
            let mixed = (u128::from(a) << 64 | u128::from(b))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
            let hex = format!("{mixed:032x}");
            [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
        };
        let event_id = uuid(pass + 1, nth);
        let run_id = uuid(!pass, self.run);
        let instant = at.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string();
        self.text.replace_range(self.event_id..self.event_id + 36, &event_id);
        self.text.replace_range(self.run_id..self.run_id + 36, &run_id);
        self.text.replace_range(self.timestamp..self.timestamp + 32, &instant);
    }
}

/// A pass over `at_once` runs at the same time: each sends its next frame in turn, and a run that
/// is over makes way for a new one.
fn frames(at_once: usize) -> Vec<Frame> {
    let recorded: Vec<Vec<String>> = TRANSCRIPTS
        .iter()
        .map(|transcript| {
            let line = |line| serde_json::from_str::<Recorded>(line).expect("a recording").text;
            transcript.lines().map(line).collect()
        })
        .collect();
    let mut next_run = 0..;
    let mut start = || (next_run.next().unwrap_or_default(), 0_usize);
    let mut running: Vec<(u64, usize)> = (0..at_once).map(|_| start()).collect();
    let mut frames = Vec::with_capacity(FRAMES);
    'full: loop {
        for place in &mut running {
            let events = &recorded[place.0 as usize % recorded.len()];
            frames.push(Frame::new(&events[place.1], place.0));
            place.1 += 1;
            if place.1 == events.len() {
                *place = start();
            }
            if frames.len() == FRAMES {
                break 'full;
            }
        }
    }
    frames
}

/// Time of `passes` over the frames, renewing them in between, which is not timed.
fn time_passes(frames: &mut [Frame], passes: u64, mut pass: impl FnMut(&[Frame])) -> Duration {
    let begin: Timestamp = "2026-11-23T01:08:40Z".parse().expect("an instant");
    let mut total = Duration::ZERO;
    for number in 0..passes {
        for (nth, frame) in frames.iter_mut().enumerate() {
            let micros = (number as i64 * FRAMES as i64 + nth as i64) * MICROS_BETWEEN_FRAMES;
            frame.renew(number, nth as u64, begin + SignedDuration::from_micros(micros));
        }
        let started = Instant::now();
        pass(frames);
        total += started.elapsed();
    }
    total
}

fn ingest(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ingest");
    group.sample_size(10);
    group.throughput(Throughput::Elements(FRAMES as u64));

    for at_once in [50, 500, 5_000] {
        let mut frames = frames(at_once);
        // The model lives on, as it does on a wall: its bounds are reached and things are dropped.
        group.bench_function(BenchmarkId::new("decode_and_apply", at_once), |bencher| {
            bencher.iter_custom(|passes| {
                let mut model = Model::default();
                // Until the bound on runs is reached.
                let warm_up = 3;
                let mut seen = 0;
                let mut spent = Duration::ZERO;
                let mut receive = |frames: &[Frame]| {
                    let begin = Instant::now();
                    for frames in frames.chunks(BATCH) {
                        let mut batch = Batch::new(Timestamp::UNIX_EPOCH, true);
                        for frame in frames {
                            batch.push_text(&frame.text);
                        }
                        model.receive(batch, |_, change| {
                            black_box(change);
                        });
                    }
                    seen += 1;
                    if seen > warm_up {
                        spent += begin.elapsed();
                    }
                };
                time_passes(&mut frames, passes + warm_up, &mut receive);
                let counters = model.counters();
                assert_eq!(counters.events, (passes + warm_up) * FRAMES as u64, "{counters:?}");
                spent
            });
        });
    }

    let mut frames = frames(500);
    group.bench_function("decode_only", |bencher| {
        bencher.iter_custom(|passes| {
            time_passes(&mut frames, passes, |frames| {
                for frames in frames.chunks(BATCH) {
                    let mut batch = Batch::new(Timestamp::UNIX_EPOCH, true);
                    for frame in frames {
                        batch.push_text(&frame.text);
                    }
                    black_box(&batch);
                }
            })
        });
    });
    group.bench_function("serde_json_alone", |bencher| {
        bencher.iter_custom(|passes| {
            time_passes(&mut frames, passes, |frames| {
                for frame in frames {
                    let plain: Plain = serde_json::from_str(&frame.text).expect("an event");
                    black_box(&plain);
                }
            })
        });
    });
    group.finish();
}

criterion_group!(benches, ingest);
criterion_main!(benches);
