//! A studio that keeps so many runs running.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;
use uuid::Uuid;

use crate::backend::{Backend, Script};

/// Between two looks at which runs have ended.
const LOOK: Duration = Duration::from_millis(100);

/// Keeps so many runs running, whose nodes take 1.5 to 5 s each; the first begin one after the other.
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
