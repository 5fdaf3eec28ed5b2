//! Time to compute the model as of an instant, and the memory and time that keeping the past takes, at a
//! million events. Each number of memory is that of a process of its own.

#![expect(
    clippy::expect_used,
    reason = "a bench that cannot read its own input has nothing to measure"
)]

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use meterbridge::model::past::{Past, PastLimits};
use meterbridge::model::{Model, Retention};
use meterbridge::protocol::Batch;

use self::recorded::Busy;

mod recorded;

/// The program's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EVENTS: usize = 1_000_000;
/// Time of a batch: a source gathers frames for so long.
const MICROS_OF_A_BATCH: i64 = 10_000;
/// Time between two events of a run.
const MICROS_BETWEEN_EVENTS: i64 = 1_000_000;
const SEEKS: usize = 500;

/// Runs at once.
const CASES: [usize; 2] = [50, 500];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(place) = arguments.iter().position(|argument| argument == "--case") {
        let number = |nth: usize| arguments[place + nth].parse().expect("a number");
        return run_case(number(1), number(2) == 1);
    }
    println!(
        "| runs at once | past | seconds | resident MiB | journal MiB | \
         checkpoints MiB | checkpoints | kept s | of s | seek p50 ms | p99 ms | most ms |"
    );
    println!("|{}", " ---: |".repeat(12));
    let program = std::env::current_exe().expect("this bench");
    for at_once in CASES {
        for past in ["0", "1"] {
            let at_once = at_once.to_string();
            let case = Command::new(&program).args(["--case", &at_once, past]).status();
            assert!(case.expect("a process").success());
        }
    }
}

fn run_case(at_once: usize, with_past: bool) {
    let begin: Timestamp = "2026-11-23T01:08:40Z".parse().expect("an instant");
    let retention = Retention::default();
    let mut model = Model::new(retention);
    let mut past = Past::new(PastLimits::of(&retention), &model);
    let micros_between = MICROS_BETWEEN_EVENTS / at_once as i64;
    let events_of_a_batch = (MICROS_OF_A_BATCH / micros_between).max(1) as usize;
    let mut frames = Busy::new(at_once).take(EVENTS).enumerate().peekable();
    let mut spent = Duration::ZERO;
    let mut last_at = begin;
    while frames.peek().is_some() {
        let mut texts = Vec::with_capacity(events_of_a_batch);
        for (nth, mut frame) in frames.by_ref().take(events_of_a_batch) {
            last_at = begin + SignedDuration::from_micros(nth as i64 * micros_between);
            frame.renew(0, nth as u64, last_at);
            texts.push(frame.text);
        }
        let began = Instant::now();
        let mut batch = Batch::new(last_at, true);
        texts.iter().for_each(|text| batch.push_text(text));
        if with_past {
            past.receive(&mut model, batch, |_, change| {
                black_box(change);
            });
        } else {
            model.receive(batch, |_, change| {
                black_box(change);
            });
        }
        spent += began.elapsed();
    }
    assert_eq!(model.counters().events, EVENTS as u64, "{:?}", model.counters());
    let resident = resident_mib();
    let head = format!("| {at_once} | {} |", if with_past { "yes" } else { "no" });
    if !with_past {
        println!("{head} {:.2} | {resident:.0} | | | | | | | | |", spent.as_secs_f64());
        return;
    }
    let since = past.reach().since.unwrap_or(begin);
    let mut random = fastrand::Rng::with_seed(1);
    let mut times: Vec<Duration> = (0..SEEKS)
        .map(|_| {
            let kept = last_at.duration_since(since).as_micros() as i64;
            let at = since + SignedDuration::from_micros(random.i64(0..=kept));
            let began = Instant::now();
            let as_of = past.as_of(at).expect("an instant that is kept");
            let taken = began.elapsed();
            black_box(as_of.len());
            taken
        })
        .collect();
    times.sort();
    let millis = |place: usize| times[place.min(SEEKS - 1)].as_secs_f64() * 1e3;
    let memory = past.memory();
    let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
    println!(
        "{head} {:.2} | {resident:.0} | {:.1} | {:.1} | {} | {} | {} | {:.1} | {:.1} | {:.1} |",
        spent.as_secs_f64(),
        mib(memory.journal),
        mib(memory.checkpoints),
        memory.checkpoint_count,
        last_at.duration_since(since).as_secs(),
        last_at.duration_since(begin).as_secs(),
        millis(SEEKS / 2),
        millis(SEEKS * 99 / 100),
        millis(SEEKS),
    );
}

/// Returns the resident memory of this process in MiB; 0 where the system does not tell.
fn resident_mib() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok()));
    pages.unwrap_or(0.0) * 4096.0 / f64::from(1 << 20)
}
