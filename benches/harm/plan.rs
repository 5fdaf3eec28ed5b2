//! Plan of a round, drawn at random with the round's number as the seed.

use std::time::Duration;

use crate::backend::Script;

/// Largest number of runs in a round.
const MOST_RUNS: usize = 40;
const SHORTEST_SECS: f64 = 0.1;
/// Numbers of pending runs, which make pages of the list of all runs unreadable.
const PENDING: [usize; 3] = [0, 12, 200];
const NODES: [&str; 6] = ["PLAN", "STYLE", "LYRICS", "PRODUCER", "COMPOSE", "VALIDATE"];

/// One step of a round.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Starts the run with this index in [`Plan::runs`].
    StartRun(usize),
    CancelRun(usize),
    StartViewer(usize),
    KillViewer(usize),
    StopViewer(usize),
    StopBackend,
    KillBackend,
    StartBackend,
}

impl Step {
    /// False for what happens to single runs.
    pub fn is_rare(self) -> bool {
        !matches!(self, Self::StartRun(_) | Self::CancelRun(_))
    }
}

pub struct PlannedRun {
    pub script: Script,
    /// The run has the same song as the run before it.
    pub shares_song: bool,
}

pub struct Plan {
    pub runs: Vec<PlannedRun>,
    pub pending: usize,
    /// Steps with their times, in order of time.
    pub operations: Vec<(Duration, Step)>,
}

impl Plan {
    /// Draws the plan of round `number`. The first viewer is the hub.
    pub fn draw(number: u64, longest_secs: f64, viewers: usize, backend_falls: u8) -> Self {
        let mut random = fastrand::Rng::with_seed(number);
        let span = (longest_secs * 0.75).max(15.0);
        let mut operations = Vec::new();
        let mut runs = Vec::new();
        let count = random.usize(5..=MOST_RUNS);
        let waves: Vec<f64> = (0..random.usize(1..=4)).map(|_| random.f64() * span * 0.7).collect();
        for nth in 0..count {
            let length = SHORTEST_SECS * (longest_secs / SHORTEST_SECS).powf(random.f64());
            let begin = waves[random.usize(..waves.len())] + random.f64() * 0.3;
            operations.push((begin, Step::StartRun(nth)));
            if random.u8(..100) < 10 {
                operations.push((begin + random.f64() * length, Step::CancelRun(nth)));
            }
            let script = script(&mut random).lasting(Duration::from_secs_f64(length));
            runs.push(PlannedRun { script, shares_song: random.u8(..100) < 30 });
        }
        for viewer in 0..viewers {
            let mut at = random.f64() * span * 0.2;
            while at < span {
                operations.push((at, Step::StartViewer(viewer)));
                at += 0.5 + random.f64() * span * 0.5;
                let end = if random.bool() { Step::KillViewer } else { Step::StopViewer };
                if at < span {
                    operations.push((at, end(viewer)));
                }
                at += 0.2 + random.f64() * 6.0;
            }
        }
        if random.u8(..100) < backend_falls {
            let at = random.f64() * span;
            let end = if random.bool() { Step::KillBackend } else { Step::StopBackend };
            operations.push((at, end));
            operations.push((at + 0.5 + random.f64() * 8.0, Step::StartBackend));
        }
        operations.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let operations = operations
            .into_iter()
            .map(|(at, operation)| (Duration::from_secs_f64(at), operation))
            .collect();
        Self { runs, pending: PENDING[random.usize(..PENDING.len())], operations }
    }
}

fn script(random: &mut fastrand::Rng) -> Script {
    let node = NODES[random.usize(..NODES.len())];
    match random.u8(..100) {
        0..45 => Script::success(0),
        45..60 => Script::with_fixes(random.usize(1..=3), 0),
        60..72 => Script::failing(node, "LLM call timed out after 30s", 0),
        72..84 => Script::without_skill(node, 0),
        84..94 => Script::success(0).retrying(node, random.u32(1..=2)),
        _ => Script::success(0).losing_its_end(),
    }
}
