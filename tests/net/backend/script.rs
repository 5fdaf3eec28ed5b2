//! What a run of the stand-in will do, as data.

/// One execution of a node.
#[derive(Clone, Debug)]
pub struct Step {
    pub node: &'static str,
    pub millis: u64,
    /// What it raises at its end.
    pub raises: Option<&'static str>,
}

/// One execution of a run. Each start of the run takes the next script, and the last one again.
#[derive(Clone, Debug)]
pub struct Script {
    pub steps: Vec<Step>,
    /// The node whose skill is not registered: no event of it, straight to the run's `fail`.
    pub unregistered: Option<&'static str>,
    /// Nobody who watches is told the `end`; it is stored and replayed.
    pub loses_end: bool,
}

const BEFORE_FIX: [&str; 6] = ["PLAN", "STYLE", "LYRICS", "PRODUCER", "COMPOSE", "VALIDATE"];
const SCORES_PASS: [&str; 2] = ["RENDER", "REVIEW"];

impl Script {
    /// Every node takes `millis`; `fixes` passes are needed.
    pub fn with_fixes(fixes: usize, millis: u64) -> Self {
        let mut nodes = BEFORE_FIX.to_vec();
        for _ in 0..fixes {
            nodes.extend(["FIX", "COMPOSE", "VALIDATE"]);
        }
        nodes.extend(SCORES_PASS);
        let step = |node| Step { node, millis, raises: None };
        let steps = nodes.into_iter().map(step).collect();
        Self { steps, unregistered: None, loses_end: false }
    }

    pub fn success(millis: u64) -> Self {
        Self::with_fixes(0, millis)
    }

    /// As [`success`](Self::success) up to `node`, which raises.
    pub fn failing(node: &'static str, words: &'static str, millis: u64) -> Self {
        let mut script = Self::success(millis);
        let at = script.steps.iter().position(|step| step.node == node).unwrap();
        script.steps.truncate(at + 1);
        script.steps[at].raises = Some(words);
        script
    }

    /// As [`success`](Self::success) up to `node`, for which there is no skill.
    pub fn without_skill(node: &'static str, millis: u64) -> Self {
        let mut script = Self::success(millis);
        let at = script.steps.iter().position(|step| step.node == node).unwrap();
        script.steps.truncate(at);
        script.unregistered = Some(node);
        script
    }

    pub fn losing_its_end(mut self) -> Self {
        self.loses_end = true;
        self
    }
}
