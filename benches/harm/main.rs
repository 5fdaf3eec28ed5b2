//! Bench that shows whether watching does harm: real viewers are started, killed and stopped at random,
//! with a stand-in that has the real backend's faults (`tests/net/backend`). `benches/README.md` has
//! the commands.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a bench that cannot have what it measures has nothing to measure"
)]

#[path = "../../tests/net/backend/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use more of it")]
mod backend;
mod control;
mod delays;
mod latency;
mod load;
mod plan;
mod round;
mod screen;
mod studio;
mod tally;
mod viewer;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;

use self::backend::AnswerTimes;
use self::tally::Tally;

/// Rounds between two lines of progress.
const PROGRESS: u64 = 10;

/// Viewers at a stand-in of the backend, on this machine.
#[derive(Clone, Parser)]
struct Options {
    /// Rounds of waves of runs
    #[arg(long, default_value_t = 200)]
    rounds: u64,
    /// Number of the first round; each round depends on its number alone
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Rounds played at the same time, each with a backend of its own
    #[arg(long, default_value_t = 1)]
    at_once: usize,
    /// Length of the longest runs, in seconds
    #[arg(long, default_value_t = 60.0)]
    longest: f64,
    /// Rounds in a hundred in which the backend is stopped or killed, too
    #[arg(long, default_value_t = 10)]
    backend_falls: u8,
    /// Put a second hub, without a store, in the window's place
    #[arg(long)]
    no_window: bool,
    /// Arguments for every viewer, such as "--sockets 4 --max-connections 7"
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    viewer_args: String,
    /// The program; METERBRIDGE_BIN and the one that cargo built without
    #[arg(long)]
    program: Option<PathBuf>,
    /// Exit with 1 where watching did harm or viewers held more connections than this
    #[arg(long, value_name = "CONNECTIONS")]
    assert_most: Option<usize>,
    /// Measure the backend under 0, 2, 5 and 10 viewers instead
    #[arg(long)]
    load: bool,
    /// Measure the time from a node's change to the hub's stream instead, with 1, 8 and 40 runs
    #[arg(long)]
    latency: bool,
    /// Length of each measurement
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Running runs while the load is measured
    #[arg(long, default_value_t = 8)]
    runs: usize,
    /// Time that the backend takes to answer with a run's detail
    #[arg(long, default_value_t = 8)]
    detail_ms: u64,
    /// Time that the backend takes for any other answer
    #[arg(long, default_value_t = 5)]
    list_ms: u64,
    /// Passed by `cargo bench`; ignored
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    fn answer_times(&self) -> AnswerTimes {
        let [detail, other] = [self.detail_ms, self.list_ms].map(Duration::from_millis);
        AnswerTimes { detail, other }
    }

    fn program(&self) -> PathBuf {
        let named = std::env::var_os("METERBRIDGE_BIN").map(PathBuf::from);
        let built = || env!("CARGO_BIN_EXE_meterbridge").into();
        self.program.clone().or(named).unwrap_or_else(built)
    }

    fn viewer_args(&self) -> Vec<String> {
        self.viewer_args.split_whitespace().map(str::to_owned).collect()
    }

    fn has_window(&self) -> bool {
        !self.no_window && std::env::var_os("DISPLAY").is_some()
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    println!("Program: {}, viewers get: {:?}", options.program().display(), options.viewer_args());
    match (options.load, options.latency) {
        (true, _) => load::measure(&options),
        (_, true) => latency::measure(&options),
        _ => return play(&options),
    }
    ExitCode::SUCCESS
}

/// Plays all rounds and prints the results.
fn play(options: &Options) -> ExitCode {
    let beside = if options.has_window() { "a window" } else { "a hub without a store" };
    println!(
        "{} rounds from {}, {} at once, each with a hub and {beside}",
        options.rounds, options.seed, options.at_once
    );
    let (next, total, began) = (AtomicU64::new(0), Mutex::new(Tally::default()), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..options.at_once.max(1) {
            scope.spawn(|| {
                loop {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    if nth >= options.rounds {
                        return;
                    }
                    let one = on_runtime(round::play(options, options.seed + nth));
                    print!("{}", one.details());
                    let mut total = total.lock().expect("nobody panics");
                    total.add(one);
                    if total.rounds % PROGRESS == 0 {
                        println!("{:.0} s: {}", began.elapsed().as_secs_f64(), total.line());
                    }
                }
            });
        }
    });
    let total = total.into_inner().expect("nobody panics");
    println!("\n{total}");
    match options.assert_most {
        Some(most) if total.did_harm(most) => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

fn on_runtime<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work)
}
