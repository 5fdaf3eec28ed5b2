//! The studio's own numbers: its runs and how long they and their nodes took.

use super::text::{Exposition, Kind};
use crate::history::Outcome;
use crate::hub::relay::Hub;
use crate::model::RunStatus;

/// Outcomes of runs and their names.
const OUTCOMES: [(Outcome, &str); 3] = [
    (Outcome::Finished, "finished"),
    (Outcome::Failed, "failed"),
    (Outcome::Cancelled, "cancelled"),
];

/// Statuses of runs and their names, as on screens.
const STATUSES: [(RunStatus, &str); 5] = [
    (RunStatus::Pending, "queued"),
    (RunStatus::Running, "running"),
    (RunStatus::Completed, "finished"),
    (RunStatus::Failed, "failed"),
    (RunStatus::Cancelled, "cancelled"),
];

/// Adds the numbers of a hub's studio.
pub(super) fn tell_studio(metrics: &mut Exposition, hub: &Hub) {
    let runs = {
        let model = hub.model();
        STATUSES.map(|(status, name)| ([("status", name)], model.count(status)))
    };
    metrics.add_labelled_metric(
        Kind::Gauge,
        "meterbridge_runs",
        "Runs that the hub keeps, by status.",
        runs.iter().map(|(labels, count)| (&labels[..], *count)),
    );
    let studio = hub.studio();
    let ended = OUTCOMES.map(|(outcome, name)| ([("outcome", name)], studio.ended(outcome)));
    metrics.add_labelled_metric(
        Kind::Counter,
        "meterbridge_runs_total",
        "Executions of runs that ended, by outcome.",
        ended.iter().map(|(labels, count)| (&labels[..], *count)),
    );
    metrics.add_histograms(
        "meterbridge_run_duration_seconds",
        "Durations of executions of runs that ended, by outcome.",
        "outcome",
        OUTCOMES.map(|(outcome, name)| (name, studio.run_durations(outcome))),
    );
    metrics.add_histograms(
        "meterbridge_node_duration_seconds",
        "Durations of successful attempts of nodes, of runs that ended.",
        "node",
        studio.node_durations(),
    );
}
