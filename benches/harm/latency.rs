//! Time from a node's change in the backend to its arrival at a screen of the hub, and in a window.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::backend::Backend;
use crate::delays::Delays;
use crate::round::{Folder, until_healthy};
use crate::screen::ScreenClient;
use crate::studio::keep_running;
use crate::viewer::Viewer;
use crate::{Options, on_runtime};

const RUNS: [usize; 3] = [1, 8, 40];
const SETTLES: Duration = Duration::from_secs(8);
/// Time after the measurement in which late changes are still counted.
const LAST: Duration = Duration::from_secs(15);

/// Change of a node: the run, the index of its row, and true for an end or false for a start.
type Change = (Uuid, usize, bool);

/// Measures with each number of runs and prints a table.
pub fn measure(options: &Options) {
    println!("{} s each", options.seconds);
    println!(
        "| viewer | running runs | changes | p50, ms | p95, ms | longest, ms | never seen | requests a second | \
         most connections | runs failed |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for runs in RUNS {
        on_runtime(measure_with(options, runs, true));
        on_runtime(measure_with(options, runs, false));
    }
}

async fn measure_with(options: &Options, runs: usize, is_hub: bool) {
    let folder = Folder::new(runs as u64);
    let backend = Backend::begun_at(Timestamp::now());
    backend.expect_harm();
    backend.answer_within(options.answer_times());
    let address = backend.listen().await;
    let studio = keep_running(&backend, runs);
    let mut hub = Viewer::hub(options, "hub", address, &folder.0, false);
    let screen = if is_hub {
        hub.start();
        until_healthy(&hub).await;
        ScreenClient::open(hub.events_url())
    } else {
        ScreenClient::window(address)
    };
    sleep(SETTLES).await;
    let (from, began) = (backend.now(), Instant::now());
    let length = Duration::from_secs(options.seconds);
    let until = from + length;
    let before = backend.seen().viewers_requests;
    let (mut seen, mut delays) = (HashSet::new(), Delays::default());
    let mut requests = 0;
    while began.elapsed() < length + LAST {
        if began.elapsed() < length {
            requests = backend.seen().viewers_requests - before;
        }
        // The timeout lets the loop go on when the screen receives nothing.
        let _ = timeout(Duration::from_millis(200), screen.news()).await;
        note(&backend, &screen, (from, until), &mut seen, &mut delays);
    }
    studio.abort();
    let all = changes(&backend, from, until).len();
    println!(
        "| {} | {runs} | {all} | {:.0} | {:.0} | {:.0} | {} | {:.1} | {} | {} |",
        if is_hub { "hub" } else { "window" },
        delays.percentile_ms(0.5),
        delays.percentile_ms(0.95),
        delays.percentile_ms(1.0),
        all - seen.len(),
        requests as f64 / length.as_secs_f64(),
        backend.pool().most_by_watchers,
        backend.failed_by_watchers().len(),
    );
}

/// Changes in `from..until`, with their times.
fn changes(backend: &Backend, from: Timestamp, until: Timestamp) -> Vec<(Change, Timestamp)> {
    let studio = backend.lock();
    let mut changes = Vec::new();
    for run in studio.runs.values() {
        for (place, row) in run.executions.iter().enumerate() {
            changes.push(((run.id, place, false), row.started_at));
            changes.extend(row.completed_at.map(|at| ((run.id, place, true), at)));
        }
    }
    changes.retain(|(_, at)| *at >= from && *at < until);
    changes
}

/// Records the changes that the screen shows by now, with their delays.
fn note(
    backend: &Backend,
    screen: &ScreenClient,
    (from, until): (Timestamp, Timestamp),
    seen: &mut HashSet<Change>,
    delays: &mut Delays,
) {
    let new: Vec<_> =
        changes(backend, from, until).into_iter().filter(|(it, _)| !seen.contains(it)).collect();
    for (change, at) in new {
        if is_shown(backend, screen, change) {
            seen.insert(change);
            delays.add(Duration::try_from(backend.now().duration_since(at)).unwrap_or_default());
        }
    }
}

fn is_shown(backend: &Backend, screen: &ScreenClient, (run, place, is_end): Change) -> bool {
    let (name, attempt) = {
        let mut studio = backend.lock();
        let rows = &studio.run(run).executions;
        let name = rows[place].node;
        (name, rows[..=place].iter().filter(|row| row.node == name).count() as u32)
    };
    let Some(report) = screen.report(run) else { return false };
    let Some(node) = report.nodes.iter().find(|node| node.name == name) else { return false };
    let is_over = matches!(node.status, "success" | "failed");
    node.attempts > attempt || node.attempts == attempt && (!is_end || is_over)
}
