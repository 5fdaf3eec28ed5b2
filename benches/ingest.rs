//! Number of realistic events that one core decodes and applies per second, for several numbers of
//! runs, and the time of serde_json alone for the same frames.

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

use self::recorded::{Busy, Frame};

mod recorded;

/// The program's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Frames of one pass.
const FRAMES: usize = 120_000;
/// Frames of one batch, as from a busy socket.
const BATCH: usize = 256;
const MICROS_BETWEEN_FRAMES: i64 = 10;

/// Minimal content that any reader has to parse of a frame. Nothing is kept of it.
#[derive(Deserialize)]
#[expect(dead_code, reason = "only read")]
struct Plain<'a> {
    event_id: &'a str,
    run_id: &'a str,
    timestamp: &'a str,
    node_name: Option<&'a str>,
    phase: &'a str,
}

/// Measures `passes` over the frames. The frames are renewed in between, unmeasured.
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
        let mut frames: Vec<Frame> = Busy::new(at_once).take(FRAMES).collect();
        // The model is kept over all passes, as on a wall: its bounds are reached and old runs evicted.
        group.bench_function(BenchmarkId::new("decode_and_apply", at_once), |bencher| {
            bencher.iter_custom(|passes| {
                let mut model = Model::default();
                // Passes until the bound on runs is reached.
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

    let mut frames: Vec<Frame> = Busy::new(500).take(FRAMES).collect();
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
