//! Planned behaviour of a run of the stand-in.

use std::time::Duration;

/// Time that each node and each run takes beyond its skills, in milliseconds.
const NODE_OVERHEAD_MS: u64 = 10;

/// One execution of a node.
#[derive(Clone, Debug)]
pub struct Step {
    pub node: &'static str,
    pub millis: u64,
    /// Error that the node raises at its end.
    pub raises: Option<&'static str>,
    /// Failed attempts before the last one. The row of each stays `running` for ever, without an end
    /// event.
    pub retries: u32,
}

/// One execution of a run. Each start of the run takes the next script; the last one is repeated.
#[derive(Clone, Debug)]
pub struct Script {
    pub steps: Vec<Step>,
    /// Node whose skill is not registered: no event names it, its row is `failed`, and the run fails at
    /// once.
    pub unregistered: Option<&'static str>,
    /// The run's `end` event is not sent to watchers, only stored and replayed.
    pub loses_end: bool,
}

const BEFORE_FIX: [&str; 6] = ["PLAN", "STYLE", "LYRICS", "PRODUCER", "COMPOSE", "VALIDATE"];
const AFTER_FIX: [&str; 2] = ["RENDER", "REVIEW"];

impl Script {
    /// Creates a script with `fixes` fix passes, in which every node takes `millis`.
    pub fn with_fixes(fixes: usize, millis: u64) -> Self {
        let mut nodes = BEFORE_FIX.to_vec();
        for _ in 0..fixes {
            nodes.extend(["FIX", "COMPOSE", "VALIDATE"]);
        }
        nodes.extend(AFTER_FIX);
        let step = |node| Step { node, millis, raises: None, retries: 0 };
        let steps = nodes.into_iter().map(step).collect();
        Self { steps, unregistered: None, loses_end: false }
    }

    pub fn success(millis: u64) -> Self {
        Self::with_fixes(0, millis)
    }

    /// Like [`success`](Self::success) up to `node`, which raises `words`.
    pub fn failing(node: &'static str, words: &'static str, millis: u64) -> Self {
        let mut script = Self::success(millis);
        let at = script.place(node);
        script.steps.truncate(at + 1);
        script.steps[at].raises = Some(words);
        script
    }

    /// Like [`success`](Self::success) up to `node`, which has no skill.
    pub fn without_skill(node: &'static str, millis: u64) -> Self {
        let mut script = Self::success(millis);
        let at = script.place(node);
        script.steps.truncate(at);
        script.unregistered = Some(node);
        script
    }

    pub fn losing_its_end(mut self) -> Self {
        self.loses_end = true;
        self
    }

    /// Adds `retries` attempts of `node` whose rows stay `running`.
    pub fn retrying(mut self, node: &'static str, retries: u32) -> Self {
        let at = self.place(node);
        self.steps[at].retries = retries;
        self
    }

    /// Sets the durations of all nodes so that the run takes about `total`.
    pub fn lasting(mut self, total: Duration) -> Self {
        let attempts: u64 = self.steps.iter().map(|step| 1 + u64::from(step.retries)).sum();
        let skills = (total.as_millis() as u64).saturating_sub(NODE_OVERHEAD_MS * (attempts + 1));
        for step in &mut self.steps {
            step.millis = skills / attempts.max(1);
        }
        self
    }

    /// Duration of the run, without the delay that sets it apart from others.
    pub fn length(&self) -> Duration {
        let step = |step: &Step| (1 + u64::from(step.retries)) * (NODE_OVERHEAD_MS + step.millis);
        Duration::from_millis(NODE_OVERHEAD_MS + self.steps.iter().map(step).sum::<u64>())
    }

    fn place(&self, node: &str) -> usize {
        self.steps.iter().position(|step| step.node == node).unwrap()
    }
}
