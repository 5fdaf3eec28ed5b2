//! Joins REST snapshots with events: a snapshot is laid over the state folded from a run's events.
//!
//! An event takes precedence over a snapshot that reports the same fact, because it comes from the node
//! itself; REST fills in what was missed. The result is a function of the folded events and of the
//! freshest snapshot. It does not depend on which of them came first, and a repeated snapshot changes
//! nothing.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::node::{Attempt, FIX, Finish, MOST_NODES, Node, NodeStatus};
use super::run_state::RunState;
use super::status::RunStatus;
use crate::protocol::rest::{NodeExecution, ReportedStatus, RunSnapshot};
use crate::protocol::{PIPELINE, pipeline_index};

/// Maximum difference between an event's instant and the database row of the same start or end.
const BETWEEN_EVENT_AND_ROW: SignedDuration = SignedDuration::from_millis(50);

/// The first row of an execution is at most this much older than the event of the run's start.
const BETWEEN_STARTS: SignedDuration = SignedDuration::from_millis(10);

/// VALIDATE's index in the [`PIPELINE`].
const VALIDATE: usize = 5;

/// Lays `snapshot` over the state folded from a run's events.
pub(super) fn join(state: &mut RunState, snapshot: &RunSnapshot) {
    fill(&mut state.song_id, &snapshot.song_id);
    fill(&mut state.song_title, &snapshot.song_title);
    state.created_at = state.created_at.or(snapshot.created_at);

    let rows = current_rows(state, snapshot);
    // The run-level part of the snapshot may describe the execution before this one.
    let is_of_this = state
        .started_at
        .is_none_or(|began| snapshot.updated_at.is_none_or(|updated| updated >= began));
    let events_begin = first_start(&state.nodes);
    if !rows.is_empty() {
        state.executions = state.executions.max(1);
        state.started_at = state.started_at.or(rows[0].started_at);
    }
    let error = error_text(snapshot);
    add_rows(&mut state.nodes, &rows, &error);
    if is_of_this {
        join_outcome(state, snapshot, &error);
    }
    go_on_where_nodes_do(state);

    let reaches = |begin: Timestamp| {
        snapshot
            .reported_until()
            .is_some_and(|until| begin.duration_since(until) <= BETWEEN_EVENT_AND_ROW)
    };
    let told_to_the_end = is_of_this && snapshot.status.is_some_and(ReportedStatus::is_final);
    let never_began = snapshot.status == Some(ReportedStatus::Cancelled) && rows.is_empty();
    let is_complete = match events_begin {
        _ if told_to_the_end || snapshot.gapless || never_began => true,
        Some(begin) => reaches(begin),
        // Without node events only the rows describe nodes. They may be older than the end of a run
        // that is over, unless the snapshot is final as well.
        None => !state.status.is_over() || snapshot.status == Some(ReportedStatus::Cancelled),
    };
    settle(state, is_complete);
    if snapshot.is_settled && state.status == RunStatus::Cancelled {
        forget_what_ran(&mut state.nodes);
    }
    let fixes = state.nodes[FIX].attempts;
    let told = snapshot.fix_iterations.filter(|_| told_to_the_end).unwrap_or(0);
    state.fix_iterations = state.fix_iterations.max(fixes).max(told);
    let validate = &mut state.nodes[VALIDATE];
    if is_of_this && validate.status == NodeStatus::Success && validate.scores.is_empty() {
        validate.scores = snapshot.scores.clone();
    }
    order_starts(&mut state.nodes);
}

fn fill<T: Clone>(mine: &mut Option<T>, theirs: &Option<T>) {
    if mine.is_none() {
        mine.clone_from(theirs);
    }
}

fn error_text(snapshot: &RunSnapshot) -> Arc<str> {
    let told = snapshot.error.as_ref().filter(|error| !error.is_cancel());
    told.map_or_else(|| "Unknown error".into(), |error| error.message.clone())
}

/// Returns the rows of the current execution. Adds the rows of earlier executions to the history, and
/// begins executions that no event reported.
fn current_rows<'a>(state: &mut RunState, snapshot: &'a RunSnapshot) -> Vec<&'a NodeExecution> {
    let starts: Vec<Option<Timestamp>> =
        state.history.iter().map(|execution| execution.started_at).collect();
    let mut rows: Vec<&NodeExecution> = snapshot.executions.iter().collect();
    if let Some(began) = state.started_at.filter(|_| state.executions > 1) {
        let is_before = |row: &&NodeExecution, at: Timestamp| {
            row.started_at.is_some_and(|started| at.duration_since(started) > BETWEEN_STARTS)
        };
        let (earlier, current): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| is_before(row, began));
        rows = current;
        for (place, execution) in state.history.iter_mut().enumerate() {
            let until = starts.get(place + 1).copied().flatten().unwrap_or(began);
            let mine: Vec<&NodeExecution> = earlier
                .iter()
                .filter(|row| is_before(row, until))
                .filter(|row| starts[place].is_none_or(|since| !is_before(row, since)))
                .copied()
                .collect();
            let told = snapshot.earlier_error(mine.first().and_then(|row| row.started_at), until);
            let error = execution.error.clone().or_else(|| told.map(|it| it.message.clone()));
            add_rows(&mut execution.nodes, &mine, &error.unwrap_or_default());
            skip_waiting(&mut execution.nodes, true);
        }
    }
    // The first pipeline node is in no loop, so a second row of it means a second execution. The
    // exception: if the backend reports fewer run starts, the node was retried within one execution,
    // and its rows stay together.
    let first = |row: &NodeExecution| row.node == PIPELINE[0];
    let mut more = snapshot.starts.map_or(u32::MAX, |starts| starts.saturating_sub(1));
    while let Some(next) = rows.iter().skip(1).position(|row| first(row)).filter(|_| more > 0) {
        more -= 1;
        let next = next + 1;
        let Some(at) = rows[next].started_at else { break };
        let past: Vec<&NodeExecution> = rows.drain(..next).collect();
        let failed = past.iter().any(|row| row.status == ReportedStatus::Failed);
        state.executions = state.executions.max(1);
        state.started_at = state.started_at.or(past[0].started_at);
        let told = snapshot.earlier_error(past[0].started_at, at);
        let error = state.error.clone().or_else(|| told.map(|it| it.message.clone()));
        add_rows(&mut state.nodes, &past, &error.clone().unwrap_or_default());
        if !state.status.is_over() {
            state.status = if failed { RunStatus::Failed } else { RunStatus::Completed };
            state.error = error.filter(|_| failed);
            state.ended_at = past.last().and_then(|row| row.completed_at);
        }
        settle(state, true);
        order_starts(&mut state.nodes);
        state.begin_execution(Some(at));
    }
    rows
}

/// Merges rows into the attempts of their nodes.
fn add_rows(nodes: &mut Vec<Node>, rows: &[&NodeExecution], error: &Arc<str>) {
    for row in rows {
        let known = nodes.iter().any(|node| node.name == row.node);
        if !known && nodes.len() < MOST_NODES {
            nodes.push(Node::new(row.node.clone()));
        }
    }
    for node in nodes {
        let mine: Vec<&NodeExecution> =
            rows.iter().filter(|row| row.node == node.name).copied().collect();
        if !mine.is_empty() {
            add_attempts(node, &mine, error);
        }
    }
}

fn add_attempts(node: &mut Node, rows: &[&NodeExecution], error: &Arc<str>) {
    let mut heard: Vec<Attempt> = node.history().to_vec();
    let heard_of = heard.len();
    part_ends(&mut heard, rows);
    let parted = (heard.len() - heard_of) as u32;
    if node.inferred
        && let Some(latest) = heard.last_mut()
    {
        // The outcome was inferred from the run's end; a row is more reliable.
        latest.status = NodeStatus::Unknown;
    }
    let dropped = node.attempts as usize > heard_of;
    let mut heard = heard.into_iter().peekable();
    let mut rows = rows.iter().peekable();
    let mut attempts: Vec<Attempt> = Vec::new();
    let mut added = parted;
    loop {
        match (heard.peek(), rows.peek()) {
            (None, None) => break,
            (Some(attempt), Some(row)) if are_same(attempt, row) => {
                let mut attempt = attempt.clone();
                complete(&mut attempt, row, error);
                attempts.push(attempt);
                heard.next();
                rows.next();
            }
            (attempt, Some(row)) if attempt.is_none_or(|attempt| is_earlier(row, attempt)) => {
                // When older attempts were dropped, rows before the first kept attempt belong to
                // dropped ones.
                if !(dropped && attempts.is_empty() && attempt.is_some()) {
                    attempts.push(attempt_of(row, error));
                    added += 1;
                }
                rows.next();
            }
            (Some(_), _) => attempts.extend(heard.next()),
            (None, Some(_)) => {
                rows.next();
            }
        }
    }
    node.replace_attempts(attempts, added);
}

/// Separates an end from a start that came after it. Without rows the pair counts as one attempt
/// written by two clocks. A row that has this end but not this start shows that they are two attempts.
fn part_ends(heard: &mut Vec<Attempt>, rows: &[&NodeExecution]) {
    let are_near = |one: Option<Timestamp>, other: Option<Timestamp>| {
        one.zip(other)
            .is_some_and(|(one, other)| one.duration_since(other).abs() <= BETWEEN_EVENT_AND_ROW)
    };
    let known = heard.len();
    let mut place = 0;
    while let Some(attempt) = heard.get_mut(place).filter(|_| place < known) {
        let (began, ended) = (attempt.started_at, attempt.ended_at);
        let is_other = |row: &&&NodeExecution| {
            are_near(row.completed_at, ended) && !are_near(row.started_at, began)
        };
        if ended < began && ended.is_some() && rows.iter().any(|row| is_other(&row)) {
            let later = Attempt {
                ended_at: None,
                duration_ms: None,
                status: NodeStatus::Running,
                error: None,
                scores: Arc::default(),
                ..attempt.clone()
            };
            let span = attempt.duration_ms.and_then(|ms| i64::try_from(ms).ok());
            attempt.started_at = ended
                .zip(span)
                .and_then(|(ended, ms)| ended.checked_sub(SignedDuration::from_millis(ms)).ok());
            heard.push(later);
        }
        place += 1;
    }
    if heard.len() > known {
        heard.sort_by_key(|attempt| attempt.started_at.or(attempt.ended_at));
    }
}

fn is_earlier(row: &NodeExecution, attempt: &Attempt) -> bool {
    match (row.started_at, attempt.started_at.or(attempt.ended_at)) {
        (Some(row), Some(attempt)) => row < attempt,
        _ => false,
    }
}

/// True when attempt and row overlap in time: a node has one attempt at a time.
fn are_same(attempt: &Attempt, row: &NodeExecution) -> bool {
    let Some(row_began) = row.started_at else { return true };
    let Some(began) = attempt.started_at.or(attempt.ended_at) else { return true };
    let ended = match attempt.status {
        NodeStatus::Running | NodeStatus::Unknown => Timestamp::MAX,
        _ => attempt.ended_at.unwrap_or(began),
    };
    let row_ended = match row.status {
        ReportedStatus::Running | ReportedStatus::Pending => Timestamp::MAX,
        _ => row.completed_at.unwrap_or(row_began),
    };
    let apart = |earlier: Timestamp, later: Timestamp| {
        later.duration_since(earlier) > BETWEEN_EVENT_AND_ROW
    };
    !apart(row_ended, began) && !apart(ended, row_began)
}

/// Returns an attempt that is known only from a row.
fn attempt_of(row: &NodeExecution, error: &Arc<str>) -> Attempt {
    let mut attempt = Attempt {
        started_at: row.started_at,
        ended_at: None,
        duration_ms: None,
        status: NodeStatus::Running,
        error: None,
        scores: Arc::default(),
        from_rest: true,
    };
    complete(&mut attempt, row, error);
    attempt
}

/// Fills in from the row what the attempt's own events left open.
fn complete(attempt: &mut Attempt, row: &NodeExecution, error: &Arc<str>) {
    if attempt.started_at.is_none() {
        attempt.started_at = row.started_at;
    }
    if !matches!(attempt.status, NodeStatus::Running | NodeStatus::Unknown) {
        return;
    }
    let failed = row.status == ReportedStatus::Failed;
    if !failed && row.status != ReportedStatus::Completed {
        return;
    }
    attempt.status = if failed { NodeStatus::Failed } else { NodeStatus::Success };
    attempt.ended_at = row.completed_at;
    attempt.duration_ms = row.duration_ms;
    attempt.error = failed.then(|| error.clone());
    attempt.from_rest = true;
}

/// Takes the run-level outcome from REST, where events do not know better.
fn join_outcome(state: &mut RunState, snapshot: &RunSnapshot, error: &Arc<str>) {
    let cancelled_at = snapshot.error.as_ref().filter(|error| error.is_cancel()).map(|e| e.at);
    let is_of_this = |at: Timestamp| state.started_at.is_none_or(|began| at >= began);
    if cancelled_at.is_some_and(|at| at.is_none_or(is_of_this)) {
        state.cancel_requested = true;
    }
    let Some(status) = snapshot.status else { return };
    if matches!(state.status, RunStatus::Completed | RunStatus::Failed) {
        return;
    }
    if status != ReportedStatus::Pending && !state.cancelled_before_start(status) {
        state.executions = state.executions.max(1);
    }
    match status {
        ReportedStatus::Pending => {}
        ReportedStatus::Running if state.status == RunStatus::Pending => {
            state.status = RunStatus::Running;
        }
        ReportedStatus::Running => {}
        ReportedStatus::Cancelled => {
            state.cancel_requested = true;
            if state.status != RunStatus::Cancelled {
                state.status = RunStatus::Cancelled;
                state.end(cancelled_at.flatten().or(snapshot.updated_at));
                state.from_rest = true;
            }
        }
        ReportedStatus::Completed | ReportedStatus::Failed => {
            let failed = status == ReportedStatus::Failed;
            state.status = if failed { RunStatus::Failed } else { RunStatus::Completed };
            state.error = failed.then(|| error.clone());
            state.end(snapshot.updated_at);
            state.from_rest = true;
        }
    }
}

/// Resumes a cancelled run in which a node started after the cancel (protocol section 5.3).
fn go_on_where_nodes_do(state: &mut RunState) {
    let Some(cancelled_at) = state.ended_at.filter(|_| state.status == RunStatus::Cancelled) else {
        return;
    };
    if state.nodes.iter().any(|node| node.started_at.is_some_and(|at| at > cancelled_at)) {
        state.status = RunStatus::Running;
        state.ended_at = None;
        state.duration_ms = None;
        state.from_rest = false;
    }
}

/// Brings nodes without an attempt, and running nodes, in line with the run's status.
fn settle(state: &mut RunState, is_complete: bool) {
    let outcome = match state.status {
        RunStatus::Completed => Some((NodeStatus::Success, None)),
        RunStatus::Failed => Some((NodeStatus::Failed, state.error.clone())),
        _ => None,
    };
    if let Some((status, error)) = outcome {
        for node in state.nodes.iter_mut().filter(|node| node.status == NodeStatus::Running) {
            node.finish(Finish {
                at: None,
                status,
                duration_ms: None,
                error: error.clone(),
                scores: Arc::default(),
                inferred: true,
            });
        }
    }
    if is_complete {
        skip_waiting(&mut state.nodes, state.status.is_over());
    }
}

/// Marks the running node of a cancelled run as unknown: its server is gone, so its outcome was never
/// recorded.
fn forget_what_ran(nodes: &mut [Node]) {
    for node in nodes.iter_mut().filter(|node| node.status == NodeStatus::Running) {
        node.finish(Finish {
            at: None,
            status: NodeStatus::Unknown,
            duration_ms: None,
            error: None,
            scores: Arc::default(),
            inferred: true,
        });
    }
}

/// Sets the status of nodes that never started: skipped if the run is over or has passed them, else
/// pending.
fn skip_waiting(nodes: &mut [Node], over: bool) {
    let pipeline = nodes.len().min(PIPELINE.len());
    let passed = nodes[..pipeline].iter().rposition(Node::was_seen).unwrap_or(0);
    for (place, node) in nodes.iter_mut().enumerate().filter(|(_, node)| !node.was_seen()) {
        let skipped = over || place < passed;
        node.status = if skipped { NodeStatus::Skipped } else { NodeStatus::Pending };
    }
}

fn first_start(nodes: &[Node]) -> Option<Timestamp> {
    let attempts = nodes.iter().flat_map(Node::history);
    attempts.filter_map(|attempt| attempt.started_at.or(attempt.ended_at)).min()
}

/// Numbers the started nodes by start time; the node that started last has the largest number.
fn order_starts(nodes: &mut [Node]) {
    let mut started: Vec<usize> = (0..nodes.len()).filter(|&at| nodes[at].was_seen()).collect();
    started.sort_by_key(|&at| {
        let node = &nodes[at];
        let place = pipeline_index(&node.name).unwrap_or(PIPELINE.len());
        (node.started_at, place, node.start_order)
    });
    for (order, at) in (1..).zip(started) {
        nodes[at].start_order = order;
    }
}
