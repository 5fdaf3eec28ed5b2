//! The steps of a run in brief: one cell for each step of the pipeline.

use crate::app::state::run_view::{Verdict, verdicts};
use crate::app::state::status::{DisplayStatus, Progress};
use crate::model::{NodeStatus, Run, RunStatus};
use crate::protocol::PIPELINE;

/// State of a step, as far as a small cell tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepCell {
    /// Still to come; in a fix pass also a step that is repeated.
    Ahead,
    Live,
    Done,
    Failed,
    /// Stopped by the cancellation of the run.
    Stopped,
    /// Not needed, or its events were not received.
    PassedOver,
    /// FIX, once it started.
    Fixes {
        /// Number of fix passes so far.
        passes: u32,
        /// True while a pass is in progress.
        live: bool,
    },
}

/// Returns the cells of a run's current execution, in the order of the pipeline.
pub fn step_cells(run: &Run) -> [StepCell; PIPELINE.len()] {
    let status_of = |name: &str| run.node(name).map_or(NodeStatus::Pending, |node| node.status);
    let passes = run.fix_passes();
    let live = passes > 0 && run.status == RunStatus::Running && {
        let is_judged = |verdict: &&Verdict| verdict.passed.is_some();
        verdicts(run).iter().filter(is_judged).count() <= passes as usize
    };
    let repeated: &[&str] = match live {
        true if status_of("FIX") == NodeStatus::Running => &["COMPOSE", "VALIDATE"],
        true if status_of("COMPOSE") == NodeStatus::Running => &["VALIDATE"],
        _ => &[],
    };
    PIPELINE.map(|name| {
        let status = status_of(name);
        match (name, status) {
            ("FIX", _) if passes > 0 => StepCell::Fixes { passes, live },
            (_, NodeStatus::Running) if run.status == RunStatus::Cancelled => StepCell::Stopped,
            (_, NodeStatus::Running) => StepCell::Live,
            (_, NodeStatus::Failed) => StepCell::Failed,
            (name, NodeStatus::Success) if repeated.contains(&name) => StepCell::Ahead,
            (_, NodeStatus::Success) => StepCell::Done,
            _ if DisplayStatus::from(status).progress() == Progress::PassedOver => {
                StepCell::PassedOver
            }
            _ => StepCell::Ahead,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::run_store::RunStore;
    use crate::model::Retention;
    use crate::protocol::Batch;

    fn cells(events: &[(&str, &str)]) -> String {
        let mut batch = Batch::new("2026-11-23T10:30:00Z".parse().unwrap(), false);
        for (second, (node, phase)) in events.iter().enumerate() {
            let node = match *node {
                "" => String::new(),
                node => format!(r#""node_name":"{node}","#),
            };
            batch.push_text(&format!(
                r#"{{"ts":"2026-11-23T10:00:{second:02}Z","run_id":"a",{node}"phase":"{phase}"}}"#
            ));
        }
        let mut run_store = RunStore::new(Retention::default());
        run_store.receive(batch, |_, _| {});
        let sign = |cell: StepCell| match cell {
            StepCell::Ahead => '_',
            StepCell::Live => 'L',
            StepCell::Done => '#',
            StepCell::Failed => 'X',
            StepCell::Stopped => 'S',
            StepCell::PassedOver => '-',
            StepCell::Fixes { passes, .. } => char::from_digit(passes, 10).unwrap(),
        };
        step_cells(run_store.model.run("a").unwrap()).map(sign).into_iter().collect()
    }

    const TO_COMPOSE: [(&str, &str); 11] = [
        ("", "start"),
        ("PLAN", "start"),
        ("PLAN", "end"),
        ("STYLE", "start"),
        ("STYLE", "end"),
        ("LYRICS", "start"),
        ("LYRICS", "end"),
        ("PRODUCER", "start"),
        ("PRODUCER", "end"),
        ("COMPOSE", "start"),
        ("COMPOSE", "end"),
    ];

    #[test]
    fn cells_follow_a_run_through_its_steps() {
        let with = |more: &[(&str, &str)]| cells(&[&TO_COMPOSE[..], more].concat());
        assert_eq!(cells(&[("", "start")]), "_________");
        assert_eq!(cells(&TO_COMPOSE[..10]), "####L____");
        assert_eq!(with(&[("VALIDATE", "start"), ("VALIDATE", "fail")]), "#####X___");
        let judged = [("VALIDATE", "start"), ("VALIDATE", "end")];
        assert_eq!(with(&[&judged[..], &[("RENDER", "start")]].concat()), "######-L_");
    }

    #[test]
    fn fix_pass_makes_its_steps_come_again() {
        let judged = [("VALIDATE", "start"), ("VALIDATE", "end")];
        let with = |more: &[(&str, &str)]| cells(&[&TO_COMPOSE[..], &judged, more].concat());
        assert_eq!(with(&[("FIX", "start")]), "####__1__");
        let again = [("FIX", "start"), ("FIX", "end"), ("COMPOSE", "start")];
        assert_eq!(with(&again), "####L_1__");
    }
}
