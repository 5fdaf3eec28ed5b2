//! True state of a run of the stand-in, and the differences of a report from it.

use meterbridge::inspect::RunReport;
use meterbridge::protocol::PIPELINE;
use uuid::Uuid;

use super::Backend;

/// Largest accepted difference between the durations in REST and in events, in milliseconds.
const MILLIS_BETWEEN: u64 = 20;

/// Status of a node that was lost with its server: the node is not running, and its outcome is unknown.
const ENDED: &str = "neither pending, running nor success";

pub struct Truth {
    pub status: &'static str,
    cancel_requested: bool,
    executions: u32,
    song_id: String,
    fix_iterations: u32,
    current_node: Option<&'static str>,
    nodes: Vec<TrueNode>,
}

#[derive(Default)]
struct TrueNode {
    name: &'static str,
    /// [`ENDED`] where any status of an ended node is accepted.
    status: &'static str,
    attempts: u32,
    /// Duration of the last attempt in milliseconds.
    millis: Option<u64>,
    /// Error that the last attempt raised.
    raised: Option<String>,
}

impl Truth {
    pub fn of(backend: &Backend, id: Uuid) -> Self {
        let mut runs = backend.lock();
        let run = runs.run(id);
        // Protocol 5.3: a cancelled run that continues counts as running.
        let cancelled_at = run.cancelled_at.filter(|at| Some(*at) >= run.started_at);
        let rows: Vec<_> = run.executions.iter().filter(|row| row.number == run.number).collect();
        let goes_on = rows.iter().any(|row| Some(row.started_at) > cancelled_at);
        let status = match run.status {
            // A killed server executes nothing.
            "cancelled" if goes_on && run.number > 0 && run.executing => "running",
            status => status,
        };
        let over = !matches!(status, "pending" | "running");
        let last = rows.iter().rev().filter_map(|row| place(row.node)).max();
        let nodes = PIPELINE
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let attempts: Vec<_> = rows.iter().filter(|row| row.node == *name).collect();
                let Some(latest) = attempts.last() else {
                    let passed = over || last.is_some_and(|last| at < last);
                    let status = if passed { "skipped" } else { "pending" };
                    return TrueNode { name, status, ..TrueNode::default() };
                };
                let status = match latest.status {
                    "completed" => "success",
                    "running" if over && !run.executing => ENDED,
                    status => status,
                };
                TrueNode {
                    name,
                    status,
                    attempts: attempts.len() as u32,
                    millis: latest.event_ms,
                    raised: latest.raised.clone(),
                }
            })
            .collect();
        // Rows of retried attempts stay `running` for ever.
        let current = rows.last().filter(|row| row.status == "running");
        Self {
            status,
            cancel_requested: cancelled_at.is_some(),
            executions: run.number,
            song_id: run.song_id.to_string(),
            fix_iterations: run.fix_iterations,
            current_node: current.filter(|_| !over || run.executing).map(|row| row.node),
            nodes,
        }
    }

    /// Differences between `report` and the true state; empty where the report is right.
    pub fn differences(&self, report: &RunReport) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut check = |what: &str, shown: String, truth: String| {
            if shown != truth {
                wrong.push(format!("{what}: shown {shown}, true {truth}"));
            }
        };
        check("status", report.status.to_owned(), self.status.to_owned());
        check(
            "cancel requested",
            report.cancel_requested.to_string(),
            self.cancel_requested.to_string(),
        );
        check("executions", report.executions.to_string(), self.executions.to_string());
        check(
            "song",
            format!("{:?}", report.song_id.as_deref()),
            format!("{:?}", Some(&self.song_id)),
        );
        check("fixes", report.fix_iterations.to_string(), self.fix_iterations.to_string());
        let current = self.current_node.map(str::to_owned);
        check("current node", format!("{:?}", report.current_node), format!("{current:?}"));
        check("nodes", report.nodes.len().to_string(), self.nodes.len().to_string());
        for (shown, truth) in report.nodes.iter().zip(&self.nodes) {
            let TrueNode { name, status, attempts, millis, raised } = truth;
            let is_ended = !matches!(shown.status, "pending" | "running" | "success");
            let seen = if *status == ENDED && is_ended { ENDED } else { shown.status };
            check(name, seen.to_owned(), (*status).to_owned());
            check(&format!("attempts of {name}"), shown.attempts.to_string(), attempts.to_string());
            let near = match (shown.duration_ms, millis) {
                _ if *status == ENDED => true,
                (Some(shown), Some(millis)) => shown.abs_diff(*millis) <= MILLIS_BETWEEN,
                (shown, millis) => shown == *millis,
            };
            if !near {
                let (shown, truth) = (format!("{:?}", shown.duration_ms), format!("{millis:?}"));
                check(&format!("milliseconds of {name}"), shown, truth);
            }
            let told = shown.error.as_deref().unwrap_or_default();
            let says = raised.as_ref().is_none_or(|words| told.contains(words));
            check(
                &format!("error of {name}"),
                format!("{says} ({told})"),
                format!("true ({told})"),
            );
        }
        let failed = self.status == "failed";
        check("an error", report.error.is_some().to_string(), failed.to_string());
        wrong
    }
}

fn place(node: &str) -> Option<usize> {
    PIPELINE.iter().position(|name| *name == node)
}
