//! Generates one run from its creation to its last event.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use jiff::SignedDuration;
use serde_json::{Map, json};

use super::{
    Event, Failure, Node, PASS_SCORE, PlannedEvent, PlannedRun, Run, RunFailure, SCORE_WEIGHTS,
    Scenario, Song, What,
    titles::{draw_sound, random_uuid},
};
use crate::bounded::bounded;
use crate::protocol::MAX_FIX_PASSES;

/// Maximum time from creation to start of a run, in seconds.
const MAX_QUEUE_SECS: f64 = 40.0;

/// Typical interval of progress events in seconds, for nodes that send them.
const PROGRESS_EVERY_SECS: f64 = 4.5;

/// Factor by which the slow node of [`Scenario::SlowNode`] takes longer.
const SLOW_FACTOR: f64 = 3.0;

/// Time from creation to start of a brisk run, in seconds.
const BRISK_QUEUE_SECS: f64 = 1.5;

/// Shortest and longest factor on a typical duration.
const FACTORS: (f64, f64) = (0.45, 2.2);

/// Durations of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Durations as in a real studio, by chance.
    Natural,
    /// Natural durations, but a start without a queue and fix passes of about 11 s, in which only the
    /// changed lines are composed again: the director's time for a fix shows its outcome, too.
    Told,
    /// Like [`Told`](Self::Told), with the shortest natural durations in all other nodes: for runs
    /// that a presenter asks for.
    Brisk,
}

impl Pace {
    /// Returns the duration of a node in seconds where it is not by chance.
    fn secs(self, node: Node, in_fix_pass: bool) -> Option<f64> {
        match (self, node) {
            (Self::Natural, _) => None,
            (_, Node::Fix) => Some(3.4),
            (_, Node::Compose) if in_fix_pass => Some(5.6),
            (_, Node::Validate) if in_fix_pass => Some(2.2),
            (Self::Told, _) => None,
            (Self::Brisk, _) => Some(node.typical_secs() * FACTORS.0),
        }
    }
}

/// Generates a run of `scenario`, created at studio time zero; the caller moves it.
pub(super) fn write_run(
    rng: &mut fastrand::Rng,
    scenario: Scenario,
    pace: Pace,
    song: Song,
    retried: Option<&Run>,
) -> PlannedRun {
    let run = Run {
        id: random_uuid(rng),
        request_id: random_uuid(rng),
        sound: retried.map_or_else(|| draw_sound(rng), |failed| failed.sound.clone()),
        seed: retried.map_or_else(|| rng.i64(1..1_000_000), |failed| failed.seed),
        retry_of: retried.map(|failed| failed.id),
        song,
        scenario,
    };
    let mut script = Script::new(rng, &run, pace);
    script.say(What::Created);
    let queued_secs = script.queue_secs();
    script.wait(queued_secs);
    match scenario {
        Scenario::ExecutedTwice => {
            script.execute(scenario.failure(), &[0.9]);
            let pause_secs = 5.0 + 10.0 * script.rng.f64();
            script.wait(pause_secs);
            script.execute(None, &[0.9]);
        }
        _ => {
            let targets = script.score_targets();
            script.execute(scenario.failure(), &targets);
        }
    }
    if matches!(scenario, Scenario::CancelledGoesOn | Scenario::CancelledStops) {
        script.cancel();
    }
    let events = script.events;
    PlannedRun { run: Arc::new(run), created_at: SignedDuration::ZERO, events }
}

/// Returns a log-normal duration around `typical`, in seconds: never negative, occasionally long.
pub(super) fn natural_secs(rng: &mut fastrand::Rng, typical: f64, sigma: f64) -> f64 {
    // Box–Muller transform; `1 - f64()` is never zero.
    let normal = (-2.0 * (1.0 - rng.f64()).ln()).sqrt() * (std::f64::consts::TAU * rng.f64()).cos();
    typical * bounded((sigma * normal).exp(), FACTORS.0, FACTORS.1)
}

struct Script<'a> {
    rng: &'a mut fastrand::Rng,
    run: &'a Run,
    /// Time since the run was created.
    now: Duration,
    events: Vec<PlannedEvent>,
    /// Index of the next node in the current execution.
    index: u32,
    /// True from the first fix on.
    in_fix_pass: bool,
    pace: Pace,
    slow: Option<Node>,
    missing: Option<Node>,
}

impl<'a> Script<'a> {
    fn new(rng: &'a mut fastrand::Rng, run: &'a Run, pace: Pace) -> Self {
        let slow = (run.scenario == Scenario::SlowNode)
            .then(|| [Node::Compose, Node::Lyrics, Node::Render][rng.usize(..3)]);
        let missing = (run.scenario == Scenario::SkillMissing)
            .then(|| [Node::Producer, Node::Render, Node::Review][rng.usize(..3)]);
        Self {
            rng,
            run,
            now: Duration::ZERO,
            events: Vec::new(),
            index: 0,
            in_fix_pass: false,
            pace,
            slow,
            missing,
        }
    }

    fn say(&mut self, what: What) {
        let event = Event { id: random_uuid(self.rng), what };
        self.events.push(PlannedEvent { offset: self.now, event });
    }

    /// Advances the time, truncated to microseconds, the resolution of the wire.
    fn wait(&mut self, secs: f64) {
        self.now += Duration::from_micros((secs * 1e6) as u64);
    }

    /// Advances the time by the short gap between consecutive events.
    fn breathe(&mut self) {
        let secs = 0.008 + 0.008 * self.rng.f64();
        self.wait(secs);
    }

    /// Returns a queue time in seconds: usually short, sometimes long.
    fn queue_secs(&mut self) -> f64 {
        if self.pace != Pace::Natural {
            return BRISK_QUEUE_SECS;
        }
        (-6.0 * (1.0 - self.rng.f64()).ln()).min(MAX_QUEUE_SECS)
    }

    /// Returns VALIDATE's total scores, one per attempt.
    fn score_targets(&mut self) -> Vec<f64> {
        let passing = 0.83 + 0.13 * self.rng.f64();
        let (failing, then) = match self.run.scenario {
            Scenario::Fix(1) => return vec![0.70 + 0.07 * self.rng.f64(), passing],
            Scenario::Fix(passes) => (u32::from(passes).min(MAX_FIX_PASSES), Some(passing)),
            Scenario::FixExhausted => (MAX_FIX_PASSES + 1, None),
            _ => (0, Some(passing)),
        };
        let first = 0.52 + 0.08 * self.rng.f64();
        let step = (0.77 - first) / f64::from(failing.max(2) - 1);
        (0..failing).map(|pass| first + step * f64::from(pass)).chain(then).collect()
    }

    /// Generates one execution from its `start` to its `end` or `fail`.
    fn execute(&mut self, failure: Option<Failure>, score_targets: &[f64]) {
        let started = self.now;
        self.index = 0;
        self.in_fix_pass = false;
        self.say(What::RunStart);
        self.breathe();
        // On `Break` the failure has already been added.
        if let ControlFlow::Continue(fix_iterations) = self.nodes(failure, score_targets) {
            let duration = self.now - started;
            self.say(What::RunEnd { duration, fix_iterations });
        }
    }

    /// Generates all nodes in order; returns the number of fix passes if no node failed.
    fn nodes(&mut self, failure: Option<Failure>, targets: &[f64]) -> ControlFlow<(), u32> {
        for node in [Node::Plan, Node::Style, Node::Lyrics, Node::Producer] {
            self.node(node, failure, &[])?;
        }
        let mut fix_iterations = 0;
        let mut content = false;
        for (pass, &target) in targets.iter().enumerate() {
            self.node(Node::Compose, failure, &[])?;
            let scores = self.scores(target);
            self.node(Node::Validate, failure, &scores)?;
            content = target >= PASS_SCORE;
            if !content && pass + 1 < targets.len() {
                self.in_fix_pass = true;
                self.node(Node::Fix, failure, &[])?;
                fix_iterations += 1;
            }
        }
        if content {
            self.node(Node::Render, failure, &[])?;
        }
        self.node(Node::Review, failure, &[])?;
        ControlFlow::Continue(fix_iterations)
    }

    /// Generates one execution of one node.
    fn node(
        &mut self,
        node: Node,
        failure: Option<Failure>,
        scores: &[(&'static str, f64)],
    ) -> ControlFlow<()> {
        if self.missing == Some(node) {
            self.say(What::RunFail { node, reason: RunFailure::SkillMissing });
            return ControlFlow::Break(());
        }
        let index = self.index;
        self.index += 1;
        self.say(What::NodeStart { node, index });
        let started = self.now;
        let failure = failure.filter(|failure| failure.node() == node);
        let (typical, sigma) = failure.map_or((node.typical_secs(), 0.22), Failure::after_secs);
        let factor = if self.slow == Some(node) { SLOW_FACTOR } else { 1.0 };
        let fixed_secs = self.pace.secs(node, self.in_fix_pass).filter(|_| failure.is_none());
        let secs = match fixed_secs {
            Some(secs) => secs,
            None => natural_secs(self.rng, typical, sigma) * factor,
        };
        // A node that fails late reports progress towards its typical duration until it fails.
        self.progress(
            node,
            secs,
            if failure.is_some() { node.typical_secs().max(secs) } else { secs },
        );
        self.now = started;
        self.wait(secs);
        let duration = self.now - started;
        match failure {
            Some(failure) => {
                self.say(What::NodeFail { node, duration, failure });
                self.breathe();
                let reason = RunFailure::NodeFailed { failure, after: duration };
                self.say(What::RunFail { node, reason });
                ControlFlow::Break(())
            }
            None => {
                let total = scores.last().map(|(_, total)| *total);
                let artifacts = node.artifacts(&self.run.song, &self.run.sound, total, self.rng);
                let mut output_hash = [0; 32];
                self.rng.fill(&mut output_hash);
                let scores = scores.to_vec();
                self.say(What::NodeEnd { node, index, duration, scores, artifacts, output_hash });
                self.breathe();
                ControlFlow::Continue(())
            }
        }
    }

    /// Adds progress events of a long node within `secs`; percentages refer to `whole_secs`.
    fn progress(&mut self, node: Node, secs: f64, whole_secs: f64) {
        let messages = node.progress_messages();
        if messages.is_empty() {
            return;
        }
        let started = self.now;
        // Slow nodes also report less often: at most about ten events.
        let every = PROGRESS_EVERY_SECS.max(secs / 10.0);
        let mut at = every * (0.4 + 0.4 * self.rng.f64());
        while at < secs - 0.5 {
            let done = at / whole_secs;
            let stage = ((done * messages.len() as f64) as usize).min(messages.len() - 1);
            // The language model cannot report its progress; other nodes can.
            let percent = (node != Node::Lyrics).then(|| (done * 100.0).floor().min(99.0));
            let mut artifacts = Map::new();
            if node == Node::Lyrics && stage == 2 {
                artifacts.insert("lyrics_draft".to_owned(), json!({"lines": self.rng.u32(8..=14)}));
            }
            self.now = started;
            self.wait(at);
            self.say(What::Progress { node, percent, message: messages[stage], artifacts });
            at += every * (0.7 + 0.6 * self.rng.f64());
        }
    }

    /// Returns scores with two decimals whose weighted total is about `target`; the total is last.
    fn scores(&mut self, target: f64) -> Vec<(&'static str, f64)> {
        let mut values = SCORE_WEIGHTS.map(|_| target + 0.24 * (self.rng.f64() - 0.5));
        let total = |values: &[f64; 4]| -> f64 {
            values.iter().zip(SCORE_WEIGHTS).map(|(value, (_, weight))| value * weight).sum()
        };
        // Clamped scores cannot take their share; a few rounds distribute it to the others.
        for _ in 0..8 {
            let missing = target - total(&values);
            values = values.map(|value| bounded(value + missing, 0.2, 1.0));
        }
        let values = values.map(two_digits);
        let named = SCORE_WEIGHTS.iter().zip(values).map(|((name, _), value)| (*name, value));
        named.chain([("total", two_digits(total(&values)))]).collect()
    }

    /// Inserts a cancellation in the middle of COMPOSE.
    fn cancel(&mut self) {
        let is_start = |what: &What| matches!(what, What::NodeStart { node: Node::Compose, .. });
        let Some(start) = self.events.iter().position(|planned| is_start(&planned.event.what))
        else {
            return;
        };
        let within = Node::Compose.typical_secs() * (0.1 + 0.25 * self.rng.f64());
        let offset = self.events[start].offset + Duration::from_micros((within * 1e6) as u64);
        let place = self.events.partition_point(|planned| planned.offset <= offset);
        if self.run.scenario == Scenario::CancelledStops {
            self.events.truncate(place);
        }
        let event = Event { id: random_uuid(self.rng), what: What::Cancelled };
        self.events.insert(place, PlannedEvent { offset, event });
    }
}

fn two_digits(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
