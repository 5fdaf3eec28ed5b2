//! The hub under many screens: how long an event takes from the backend to a screen, what it costs,
//! whether screens that stop reading are noticed by the others, and whether all are equal after the hub
//! was killed. `benches/README.md` has what came of it.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a bench that cannot have what it measures has nothing to measure"
)]

use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::Parser;
use jiff::Timestamp;
use meterbridge::inspect::{Report, RunReport};
use meterbridge::model::{Model, Retention};
use meterbridge::protocol::Batch;

use self::program::{Program, Usage, socket_mib, stolen_secs};
use self::screens::{Phase, Screens};
use self::upstream::Upstream;

mod delays;
mod program;
#[path = "../recorded.rs"]
mod recorded;
mod screens;
mod upstream;

/// The program's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long all of it may take to become quiet.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long a part of the session goes on before it is measured.
const WARM_UP: Duration = Duration::from_secs(5);

/// How long the hub is gone.
const GONE: Duration = Duration::from_secs(2);

/// One hub, its backend and its screens on this machine.
#[derive(Parser)]
struct Options {
    #[arg(long, default_value_t = 200)]
    screens: usize,
    /// Screens that stop reading in the second part
    #[arg(long, default_value_t = 10)]
    stalled: usize,
    /// Runs at the same time
    #[arg(long, default_value_t = 500)]
    runs: usize,
    /// Events a second
    #[arg(long, default_value_t = 1_000)]
    rate: u32,
    /// Length of the first part; the second takes half as long again
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Said by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// What was used so far.
struct Reading {
    at: Instant,
    hub: Usage,
    own: Usage,
    stolen_secs: f64,
}

impl Reading {
    fn take(hub: &Program) -> Self {
        let (hub, own) = (hub.usage(), Usage::of_this_process());
        Self { at: Instant::now(), hub, own, stolen_secs: stolen_secs() }
    }
}

fn main() {
    let options = Options::parse();
    let retention = screens::retention(options.runs);
    let folder = std::env::temp_dir().join(format!("meterbridge-bench-{}", std::process::id()));
    let store = folder.join("hub.sqlite");
    println!("Load before: {}", load());

    let upstream = Upstream::start(options.runs, options.rate);
    let hub = Program::serve(upstream.address, 0, &store);
    println!("Hub alone: {:.0} MiB", hub.usage().memory_mib);
    let screens = Screens::open(&hub.events_url(), options.screens, options.stalled, retention);
    until("all screens are there", || screens.connections() == options.screens);
    println!("With {} screens at rest: {:.0} MiB", options.screens, hub.usage().memory_mib);

    upstream.play();
    sleep(WARM_UP);
    measure("All read", Phase::AllRead, &hub, &screens, Duration::from_secs(options.seconds));

    screens.stall(true);
    sleep(WARM_UP);
    let length = Duration::from_secs(options.seconds * 3 / 2);
    measure("Some stalled", Phase::SomeStalled, &hub, &screens, length);
    let metrics = hub.metrics();
    screens.stall(false);
    sleep(WARM_UP);

    let before = screens.connections();
    println!("\nHub at its end: {:?}", hub.usage().memory_mib);
    let (port, killed) = (hub.address.port(), Instant::now());
    hub.kill();
    sleep(GONE);
    let started = Instant::now();
    let hub = Program::serve(upstream.address, port, &store);
    let ready = started.elapsed();
    println!("Started again, and there after {:.0} ms", ms(ready));
    until("all screens are back", || screens.connections() >= before + options.screens);
    println!("All screens back {:.0} ms after the kill", ms(killed.elapsed()));
    sleep(2 * WARM_UP);
    upstream.stop();
    // What the clock had begun may still be on its way.
    sleep(Duration::from_millis(100));

    let texts = upstream.texts();
    let total = texts.len() as u64;
    until("all screens have everything", || screens.applied().all(|events| events == total));
    let usage = hub.usage();
    println!("Hub at the end: {:.0} MiB, at most {:.0}", usage.memory_mib, usage.peak_mib);

    let late = Screens::open(&hub.events_url(), 1, 0, retention);
    let began = Instant::now();
    until("a new screen has everything", || late.applied().all(|events| events == total));
    println!("A new screen is told {total} events within {:.0} ms", ms(began.elapsed()));
    let late = late.end();
    let ended = screens.end();
    for line in metrics.iter().chain(&hub.metrics()) {
        println!("    {line}");
    }
    hub.kill();
    // Nobody else has it.
    let _ = std::fs::remove_dir_all(&folder);

    println!("\n| delay, ms | events | p50 | p95 | p99 | max |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for (name, phase) in [("all read", Phase::AllRead), ("some stalled", Phase::SomeStalled)] {
        let times = &ended.readers[phase as usize];
        println!("| {name}: arrived {}", times.arrived);
        println!("| {name}: applied {}", times.applied);
        println!("| {name}: applied by the others {}", ended.stallers[phase as usize].applied);
        println!("    {:.1} MB of events", times.bytes as f64 / 1e6);
    }
    let recovered = ended.screens.iter().filter_map(|screen| screen.recovered_at);
    let mut recovered: Vec<Duration> = recovered.map(|at| at - killed).collect();
    recovered.sort_unstable();
    if let [first, .., last] = recovered[..] {
        println!(
            "Up to date again after the kill: {} screens, the first after {:.0} ms, the last after {:.0} ms",
            recovered.len(),
            ms(first),
            ms(last)
        );
    }

    let expected = truth(&texts, retention);
    println!("\n{} runs, {total} events", expected.len());
    assert_eq!(expected, runs(&late.screens[0].model), "what the hub tells is not what happened");
    for screen in &ended.screens {
        assert!(runs(&screen.model) == expected, "a screen shows something else");
        let counters = screen.model.counters();
        assert_eq!((counters.events, counters.duplicates), (total, 0), "{counters:?}");
        assert_eq!((counters.malformed, counters.dropped, counters.ignored), (0, 0, 0));
    }
    let connections: u32 = ended.screens.iter().map(|screen| screen.connections).sum();
    println!("All {} screens are equal to it, over {connections} connections; nothing came twice", options.screens);
}

/// Lets it run for `length` and says what that took.
fn measure(name: &str, phase: Phase, hub: &Program, screens: &Screens, length: Duration) {
    let before = Reading::take(hub);
    screens.enter(phase);
    sleep(length);
    screens.enter(Phase::Between);
    let after = Reading::take(hub);
    let secs = (after.at - before.at).as_secs_f64();
    println!("\n{name}, {secs:.1} s, stolen {:.2} s", after.stolen_secs - before.stolen_secs);
    for (who, spent) in
        [("hub", after.hub.since(&before.hub)), ("bench", after.own.since(&before.own))]
    {
        let all: f64 = spent.iter().map(|(_, secs)| secs).sum();
        print!("  {who}: {:.1} % of a core", all / secs * 100.0);
        for (thread, spent) in spent {
            print!(", {thread} {:.1}", spent / secs * 100.0);
        }
        println!();
    }
    println!(
        "  hub {:.0} → {:.0} MiB, bench {:.0} MiB, sockets {:.1} MiB; applied {:?} to {:?} events",
        before.hub.memory_mib,
        after.hub.memory_mib,
        after.own.memory_mib,
        socket_mib(),
        screens.applied().min(),
        screens.applied().max(),
    );
}

/// What the events come to.
fn truth(texts: &[impl AsRef<str>], retention: Retention) -> Vec<RunReport> {
    let mut model = Model::new(retention);
    let mut batch = Batch::new(Timestamp::now(), true);
    texts.iter().for_each(|text| batch.push_text(text.as_ref()));
    model.receive(batch, |_, _| ());
    runs(&model)
}

fn runs(model: &Model) -> Vec<RunReport> {
    Report::of(model).runs
}

fn until(what: &str, done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        sleep(Duration::from_millis(5));
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}
