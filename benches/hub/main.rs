//! Load test of the hub with many screens: the delay of events from the backend to a screen, the cost,
//! the effect of stalled screens on the others, and equality of all screens after the hub was killed.
//! Results are in `benches/README.md`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a bench that cannot have what it measures has nothing to measure"
)]

use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::Parser;
use jiff::Timestamp;
use meterbridge::inspect::Report;
use meterbridge::model::{Counters, Model, Retention};
use meterbridge::protocol::Batch;

use self::clients::{Clients, Phase, Seen, Times};
use self::program::{Program, Usage, socket_mib, stolen_secs};
use self::upstream::Upstream;

mod clients;
mod delays;
mod program;
#[path = "../recorded.rs"]
mod recorded;
mod upstream;

/// The program's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Time limit for everything to settle.
const PATIENCE: Duration = Duration::from_secs(120);

/// Time before the first measurement, until the models' bounds are reached.
const WARM_UP: Duration = Duration::from_secs(30);

/// Time before a measurement after a change.
const PAUSE: Duration = Duration::from_secs(5);

/// Time for which the hub is down.
const GONE: Duration = Duration::from_secs(2);

/// One hub, its backend and its screens on this machine.
#[derive(Parser)]
struct Options {
    #[arg(long, default_value_t = 200)]
    clients: usize,
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

/// Resource usage at one moment.
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
    let retention = clients::retention(options.runs);
    let folder = std::env::temp_dir().join(format!("meterbridge-bench-{}", std::process::id()));
    let store = folder.join("hub.sqlite");
    println!("Load before: {}", load());

    let upstream = Upstream::start(options.runs, options.rate);
    let hub = Program::serve(upstream.address, 0, &store);
    println!("The hub alone: {:.0} MiB", hub.usage().memory_mib);
    let url = hub.events_url();
    let clients = Clients::open(&url, options.clients, options.stalled, retention);
    until("all screens are there", || clients.connections() == options.clients);
    println!("With {} screens and no event: {:.0} MiB", options.clients, hub.usage().memory_mib);

    upstream.play();
    sleep(WARM_UP);
    measure("All read", Phase::AllRead, &hub, &clients, Duration::from_secs(options.seconds));
    clients.stall(true);
    sleep(PAUSE);
    let length = Duration::from_secs(options.seconds * 3 / 2);
    measure("Some read nothing", Phase::SomeStalled, &hub, &clients, length);
    clients.stall(false);
    let knew_all = upstream.texts().len() as u64;
    let began = Instant::now();
    until("those that stalled have everything", || {
        clients.applied().all(|events| events >= knew_all)
    });
    println!("  what they had missed they have {:.1} s after", began.elapsed().as_secs_f64());
    sleep(PAUSE);

    let before = clients.connections();
    println!("\nKilled, with {:.0} MiB: {}", hub.usage().memory_mib, hub.metrics().join(", "));
    let (port, killed) = (hub.address.port(), Instant::now());
    hub.kill();
    sleep(GONE);
    let started = Instant::now();
    let hub = Program::serve(upstream.address, port, &store);
    println!(
        "  started again {:.1} s after, which takes {:.0} ms",
        GONE.as_secs_f64(),
        ms(started)
    );
    until("all screens are back", || clients.connections() >= before + options.clients);
    println!("  all screens connected {:.0} ms after the kill", ms(killed));
    sleep(2 * PAUSE);
    upstream.stop();
    // Events already begun are still sent.
    sleep(Duration::from_millis(100));

    let texts = upstream.texts();
    let total = texts.len() as u64;
    until("all screens have everything", || clients.applied().all(|events| events == total));
    println!("\nAt the end, with {:.0} MiB: {}", hub.usage().memory_mib, hub.metrics().join(", "));
    let (late, began) = (Clients::open(&url, 1, 0, retention), Instant::now());
    until("a new screen has everything", || late.applied().all(|events| events == total));
    println!("  a new screen has all {total} events after {:.0} ms", ms(began));
    let (late, seen) = (late.end(), clients.end());
    hub.kill();
    // No other process uses the folder.
    let _ = std::fs::remove_dir_all(&folder);

    say_delays(&seen);
    let recovered = seen.clients.iter().filter_map(|client| client.recovered_at);
    if let Some(last) = recovered.max() {
        let after = (last - killed).as_secs_f64();
        println!("\nThe last screen was up to date again {after:.1} s after the kill");
    }
    compare(&seen, &late, &truth(&texts, retention), total);
}

/// Prints the delays in the format of `benches/README.md`.
fn say_delays(seen: &Seen) {
    println!("\n| ms | events | p50 | p95 | p99 | longest |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for (name, phase) in [("all read", Phase::AllRead), ("some do not", Phase::SomeStalled)] {
        let Times { arrived, applied, bytes } = &seen.readers[phase as usize];
        println!("| {name}: arrived | {arrived}");
        println!("| {name}: applied | {applied}");
        println!("{:.0} MB of events", *bytes as f64 / 1e6);
    }
}

/// Asserts that all screens end with the true state.
fn compare(seen: &Seen, late: &Seen, truth: &Model, total: u64) {
    let expected = Report::of(truth).runs;
    let mut connections = 0;
    for client in late.clients.iter().chain(&seen.clients) {
        assert!(Report::of(&client.model).runs == expected, "a screen shows something else");
        let counters = client.model.counters();
        let Counters { events, duplicates, malformed, dropped, ignored, evicted_runs, .. } =
            *counters;
        assert_eq!((events, evicted_runs), (total, truth.counters().evicted_runs));
        assert_eq!((duplicates, malformed, dropped, ignored), (0, 0, 0, 0));
        connections += client.connections;
    }
    println!(
        "All {} screens have applied each of {total} events once, over {connections} connections, and are \
         equal in all of {} runs, as are a new screen and the backend's own count; {} older runs had to go",
        seen.clients.len(),
        expected.len(),
        truth.counters().evicted_runs
    );
}

/// Runs for `length` and prints the usage during that time.
fn measure(name: &str, phase: Phase, hub: &Program, clients: &Clients, length: Duration) {
    let before = Reading::take(hub);
    clients.enter(phase);
    sleep(length);
    clients.enter(Phase::Between);
    let after = Reading::take(hub);
    let secs = (after.at - before.at).as_secs_f64();
    println!("\n{name}, {secs:.1} s, stolen {:.2} s", after.stolen_secs - before.stolen_secs);
    for (who, spent) in
        [("hub", after.hub.since(&before.hub)), ("bench", after.own.since(&before.own))]
    {
        let all: f64 = spent.iter().map(|(_, secs)| secs).sum();
        print!("  {who}: {:.1} % of a core, of which", all / secs * 100.0);
        for (thread, spent) in spent {
            print!(" {thread} {:.1}", spent / secs * 100.0);
        }
        println!();
    }
    println!(
        "  memory: hub {:.0} to {:.0} MiB, bench {:.0} MiB, sockets of both {:.0} MiB",
        before.hub.memory_mib,
        after.hub.memory_mib,
        after.own.memory_mib,
        socket_mib(),
    );
}

/// Returns the model that results from the events.
fn truth(texts: &[impl AsRef<str>], retention: Retention) -> Model {
    let mut model = Model::new(retention);
    let mut batch = Batch::new(Timestamp::now(), true);
    texts.iter().for_each(|text| batch.push_text(text.as_ref()));
    model.receive(batch, |_, _| ());
    model
}

fn until(what: &str, done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        sleep(Duration::from_millis(5));
    }
}

/// Returns the milliseconds since then.
fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}
