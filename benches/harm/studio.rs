//! Studio that keeps a constant number of runs running.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;
use uuid::Uuid;

use crate::backend::{Backend, Script};

/// Time between two checks for runs that have ended.
const LOOK: Duration = Duration::from_millis(100);

/// Keeps `count` runs running, with nodes of 1.5 to 5 s each. The first runs start 100 ms apart.
pub fn keep_running(backend: &Backend, count: usize) -> JoinHandle<()> {
    let backend = backend.clone();
    tokio::spawn(async move {
        let mut random = fastrand::Rng::with_seed(count as u64);
        let mut runs: Vec<Uuid> = Vec::new();
        loop {
            runs.retain(|id| {
                let mut studio = backend.lock();
                let run = studio.run(*id);
                run.executing || run.number == 0
            });
            if runs.len() < count {
                let mut script = Script::with_fixes(random.usize(0..=1), 0);
                for step in &mut script.steps {
                    step.millis = random.u64(1500..5000);
                }
                runs.push(backend.start_run([script]));
            }
            sleep(LOOK).await;
        }
    })
}
