//! Execution of runs by the stand-in.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;
use uuid::Uuid;

use super::runs::skill;
use super::script::{Script, Step};
use super::{Backend, Phase};

/// Time over which runs that begin together are spread, except in lockstep.
const SPREAD: Duration = Duration::from_millis(240);

/// Reason why an execution ended before its last step.
enum Failure {
    Skill(&'static str, String),
    /// The publication of an event raised, outside of any skill.
    Publication,
}

impl Failure {
    fn words(self, id: Uuid) -> String {
        match self {
            Self::Skill(node, words) => format!("Skill {} execution failed: {words}", skill(node)),
            Self::Publication => key_error(id),
        }
    }
}

/// Text of the error that a removed watcher causes.
pub fn key_error(id: Uuid) -> String {
    format!("UUID('{id}')")
}

impl Backend {
    /// Executes a run in its own task, which continues when the client hangs up.
    pub fn start(&self, id: Uuid) -> JoinHandle<()> {
        let backend = self.clone();
        let task = tokio::spawn(async move { backend.play(id).await });
        self.knobs().executing.push(task.abort_handle());
        task
    }

    pub(super) async fn execute(&self, id: Uuid) -> Result<(), tokio::task::JoinError> {
        self.start(id).await
    }

    /// Makes runs that begin together commit together, which can freeze the server without viewers.
    pub fn keep_lockstep(&self) {
        self.knobs().lockstep = true;
    }

    /// Executes a run to its end.
    async fn play(&self, id: Uuid) {
        self.thawed().await;
        let now = self.now();
        self.lock().begin(id, now);
        let script = self.lock().run(id).script();
        self.pause(10 + self.displacement(id, &script)).await;
        let error = self.play_steps(id, &script).await.err().map(|failure| failure.words(id));
        let now = self.now();
        self.lock().end(id, error, now);
    }

    async fn play_steps(&self, id: Uuid, script: &Script) -> Result<(), Failure> {
        for step in &script.steps {
            for _ in 0..step.retries {
                // The row of a retried attempt is never ended.
                self.begin_node(id, step).await?;
                self.pause(10 + step.millis).await;
            }
            let row = self.begin_node(id, step).await?;
            self.pause(5 + step.millis).await;
            self.commit().await;
            let now = self.now();
            let raises = step.raises.map(str::to_owned);
            let raised = self.lock().end_node(id, row, step.millis, raises, now);
            self.pause(5).await;
            if let Some(words) = raised {
                return Err(Failure::Skill(step.node, words));
            }
        }
        if let Some(node) = script.unregistered {
            self.commit().await;
            let now = self.now();
            self.lock().fail_silently(id, node, now);
            return Err(Failure::Skill(node, "no such skill".to_owned()));
        }
        Ok(())
    }

    async fn begin_node(&self, id: Uuid, step: &Step) -> Result<usize, Failure> {
        self.commit().await;
        let now = self.now();
        self.lock().begin_node(id, step.node, now).ok_or(Failure::Publication)
    }

    /// Delay in milliseconds that sets a run apart from others that begin with it.
    fn displacement(&self, id: Uuid, script: &Script) -> u64 {
        if self.knobs().lockstep {
            return 0;
        }
        let runs = self.lock();
        let number = runs.order.iter().position(|other| *other == id).unwrap_or(0);
        // Multiples of the golden ratio, modulo 1, are spread evenly for any number of runs.
        let share = (number as f64 * 0.618_033_988_749_895).fract();
        let most = SPREAD.min(script.length() / 4);
        (most.as_millis() as f64 * share) as u64
    }

    async fn pause(&self, millis: u64) {
        sleep(Duration::from_millis(millis)).await;
        self.thawed().await;
    }

    /// Restarts the server as after SIGTERM: the port is closed at once, sockets are closed with 1012,
    /// and executions continue. The server is up again after `pause`.
    pub async fn restart(&self, pause: Duration) {
        self.turn(Phase::Restarting);
        sleep(pause).await;
        self.turn(Phase::Up);
    }

    /// Kills the server as with SIGKILL: connections are lost and executing runs become orphans. The
    /// server is up again after `pause`.
    pub async fn kill(&self, pause: Duration) {
        self.turn(Phase::Killed);
        sleep(pause).await;
        self.turn(Phase::Up);
    }

    /// Switches the server to `phase`.
    pub fn turn(&self, phase: Phase) {
        if phase == Phase::Killed {
            let mut knobs = self.knobs();
            knobs.executing.drain(..).for_each(|execution| execution.abort());
            knobs.frozen_until = None;
            knobs.pool.reset();
            drop(knobs);
            for run in self.lock().runs.values_mut() {
                run.executing = false;
                run.next_publication_raises = false;
            }
        }
        self.inner.phase.send_replace(phase);
    }
}
