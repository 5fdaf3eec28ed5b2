//! Time to open a hub whose store has a history of 400 days, and to sum up periods of it. Results are in
//! `benches/README.md`.

#![expect(
    clippy::expect_used,
    reason = "a bench that cannot make its store has nothing to measure"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use meterbridge::history::{EndedRun, History, Last, Outcome, Part, Period, SummaryInput};
use meterbridge::hub::{Hub, HubOptions, JournalRetention};
use meterbridge::protocol::PIPELINE;
use meterbridge::source::ConnectionSettings;
use meterbridge::time_zone::DisplayZone;

/// The program's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DAYS: i64 = 400;
const KEEP: Duration = Duration::from_secs(400 * 86_400);

/// Returns a history of so many runs an hour, day and night.
fn seeded(now: Timestamp, runs_an_hour: i64) -> History {
    let mut random = fastrand::Rng::with_seed(16);
    let mut history = History::default();
    let hours = DAYS * 24;
    for nth in 0..hours * runs_an_hour {
        let mut spread = |usual: f64| (usual * (0.7 + 0.6 * random.f64())) as u64;
        let steps = PIPELINE
            .iter()
            .enumerate()
            .map(|(place, step)| ((*step).into(), spread(2_000.0 + 7_000.0 * place as f64)));
        let ended = EndedRun {
            second: (now - SignedDuration::from_hours(hours)).as_second()
                + nth * 3_600 / runs_an_hour,
            outcome: Outcome::Finished,
            steps: steps.collect(),
            took_ms: Some(spread(134_000.0)),
            cause: None,
            fixes: Some(u8::from(nth % 4 == 0)),
        };
        history.count(&ended);
    }
    history.prune(now, KEEP);
    history
}

fn main() {
    let now = Timestamp::now();
    let zone: DisplayZone = "Europe/Berlin".parse().expect("a zone");
    println!(
        "| runs an hour | parts | MiB | file MiB | open ms | 7 d by hours ms | 90 d by days ms | \
         400 d by days ms |"
    );
    println!("|{}", " ---: |".repeat(8));
    for runs_an_hour in [10, 60] {
        let folder = std::env::temp_dir().join(format!("meterbridge-bench-{}", std::process::id()));
        let options = HubOptions {
            upstream: "ws://127.0.0.1:9/events".into(),
            connection: ConnectionSettings::default(),
            store: Some(folder.join("hub.sqlite")),
            keep: JournalRetention { age: KEEP, bytes: 1 << 28, runs: 10_000 },
            keep_history: KEEP,
            api: None,
            actions: false,
            #[cfg(feature = "cluster")]
            cluster: None,
        };
        let open = || {
            let (_upstream, signals) = crossbeam_channel::bounded(1);
            Hub::fed_by(signals, &options).expect("a hub")
        };
        drop(open());
        let mut history = seeded(now, runs_an_hour);
        let (parts, bytes) = history.size();
        write(&options, &mut history);
        let file = std::fs::metadata(folder.join("hub.sqlite")).expect("a store").len();
        let began = Instant::now();
        let hub = open();
        let opened = began.elapsed();
        let summed = |last, part| {
            let period = Period::last(last, now, Some(part), &zone).expect("a period");
            let began = Instant::now();
            let input = SummaryInput::of(&hub.history(), period).expect("it is kept");
            black_box(input.summary());
            began.elapsed().as_secs_f64() * 1_000.0
        };
        println!(
            "| {runs_an_hour} | {parts} | {:.1} | {:.1} | {:.0} | {:.1} | {:.1} | {:.0} |",
            bytes as f64 / f64::from(1 << 20),
            file as f64 / f64::from(1 << 20),
            opened.as_secs_f64() * 1_000.0,
            summed(Last::Days(7), Part::Hour),
            summed(Last::Days(90), Part::Day),
            summed(Last::Days(400), Part::Day),
        );
        drop(hub);
        std::fs::remove_dir_all(folder).expect("the folder is removed");
    }
}

/// Writes a history into the store of a hub that is not running.
fn write(options: &HubOptions, history: &mut History) {
    let path = options.store.as_ref().expect("a store");
    let mut db = rusqlite::Connection::open(path).expect("the store");
    let transaction = db.transaction().expect("a transaction");
    for (level, start, data) in history.take_changes().buckets {
        let Some(data) = data else { continue };
        transaction
            .execute(
                "INSERT INTO history VALUES (?1, ?2, ?3)",
                rusqlite::params![level as i64, start, &*data],
            )
            .expect("a row");
    }
    transaction.commit().expect("the rows");
}
