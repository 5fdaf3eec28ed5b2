//! Load on the backend by viewers without a common hub.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use crate::backend::Backend;
use crate::control::Control;
use crate::delays::Delays;
use crate::round::{Folder, until_healthy};
use crate::studio::keep_running;
use crate::viewer::Viewer;
use crate::{Options, on_runtime};

const VIEWERS: [usize; 4] = [0, 2, 5, 10];
/// Time for every viewer to read the existing runs.
const SETTLES: Duration = Duration::from_secs(8);
const SAMPLE: Duration = Duration::from_millis(2);
/// Pause between two rounds of requests by the control client.
const PAUSE: Duration = Duration::from_millis(50);

/// Measures with each number of viewers and prints a table.
pub fn measure(options: &Options) {
    println!("{} runs running, {} s each", options.runs, options.seconds);
    println!(
        "| viewers | pool used, mean | most | most by viewers | answer p50, ms | p95, ms | longest, ms | \
         viewers' requests a second | freezes caused | runs failed |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for viewers in VIEWERS {
        on_runtime(measure_with(options, viewers));
    }
}

async fn measure_with(options: &Options, count: usize) {
    let folder = Folder::new(count as u64);
    let backend = Backend::begun_at(Timestamp::now());
    backend.expect_harm();
    backend.answer_within(options.answer_times());
    let address = backend.listen().await;
    let _runs = keep_running(&backend, options.runs);
    let mut viewers = Vec::new();
    for nth in 0..count {
        let name = format!("viewer-{nth}");
        let has_window = options.has_window();
        let mut viewer = match has_window {
            true => Viewer::window(options, &name, address, &folder.0),
            false => Viewer::hub(options, &name, address, &folder.0, false),
        };
        viewer.start();
        if !has_window {
            until_healthy(&viewer).await;
        }
        viewers.push(viewer);
    }
    sleep(SETTLES).await;
    let done = Arc::new(AtomicBool::new(false));
    let is_done = done.clone();
    let control = std::thread::spawn(move || ask_until(address, &is_done));
    backend.forget_pool_maxima();
    let (before, began) = (backend.seen().viewers_requests, Instant::now());
    let (mut held, mut samples) = (0, 0_u32);
    while began.elapsed() < Duration::from_secs(options.seconds) {
        sleep(SAMPLE).await;
        held += backend.pool().held;
        samples += 1;
    }
    let requests = backend.seen().viewers_requests - before;
    let secs = began.elapsed().as_secs_f64();
    done.store(true, Ordering::Relaxed);
    while !control.is_finished() {
        sleep(SAMPLE).await;
    }
    let answers = control.join().expect("the control client does not panic");
    let pool = backend.pool();
    println!(
        "| {count} | {:.2} | {} | {} | {:.1} | {:.1} | {:.0} | {:.1} | {} | {} |",
        held as f64 / f64::from(samples),
        pool.most_held,
        pool.most_by_watchers,
        answers.percentile_ms(0.5),
        answers.percentile_ms(0.95),
        answers.percentile_ms(1.0),
        requests as f64 / secs,
        pool.freezes_by_watchers,
        backend.failed_by_watchers().len(),
    );
}

/// Requests the list of active runs, and the detail of the first of them, until `done`.
fn ask_until(address: std::net::SocketAddr, done: &AtomicBool) -> Delays {
    let (mut control, mut answers) = (Control::connect(address), Delays::default());
    while !done.load(Ordering::Relaxed) {
        let (took, list) = control.ask("/monitoring/active-runs");
        answers.add(took);
        let list = list.unwrap_or_default();
        let list: serde_json::Value = serde_json::from_str(&list).unwrap_or_default();
        if let Some(run) = list["runs"][0]["run_id"].as_str() {
            answers.add(control.ask(&format!("/runs/{run}")).0);
        }
        std::thread::sleep(PAUSE);
    }
    answers
}
