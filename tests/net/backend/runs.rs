//! Database contents of the stand-in, and the changes that executing a run makes to them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::execution::key_error;
use super::script::Script;

/// Duration in milliseconds of a node that failed before its skill began.
const NO_TIME_MS: u64 = 2;

/// Row of `executions`, with fields that REST does not return.
pub struct Execution {
    /// Number of the run's execution, from 1.
    pub number: u32,
    pub node: &'static str,
    pub status: &'static str,
    /// Duration in REST, in milliseconds: slightly longer than the event's.
    pub duration_ms: Option<u64>,
    /// Duration in the event, in milliseconds.
    pub event_ms: Option<u64>,
    pub started_at: Timestamp,
    pub completed_at: Option<Timestamp>,
    pub raised: Option<String>,
}

pub struct Run {
    pub id: Uuid,
    pub song_id: Uuid,
    pub seed: u64,
    /// Status in the database column.
    pub status: &'static str,
    pub executing: bool,
    pub current_node: Option<&'static str>,
    pub fix_iterations: u32,
    pub scores: Option<Value>,
    pub error: Option<Value>,
    pub cancelled_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub started_at: Option<Timestamp>,
    /// Number of executions begun.
    pub number: u32,
    pub executions: Vec<Execution>,
    pub scripts: Vec<Script>,
    /// Events that are replayed to new sockets, with their phases: `info`, `start` and `end` of the
    /// run.
    pub stored: Vec<(String, &'static str)>,
    pub watchers: Vec<mpsc::UnboundedSender<String>>,
    /// A watcher was removed, so that the next publication raises.
    pub next_publication_raises: bool,
    /// The watcher whose removal makes it raise was cut off.
    pub was_cut: bool,
    pub manifest: Value,
}

impl Run {
    pub fn script(&self) -> Script {
        let at = (self.number as usize).saturating_sub(1).min(self.scripts.len() - 1);
        self.scripts[at].clone()
    }
}

#[derive(Default)]
pub struct BackendRuns {
    pub runs: BTreeMap<Uuid, Run>,
    /// Ids in order of creation.
    pub order: Vec<Uuid>,
    pub songs: BTreeMap<Uuid, String>,
    /// Script of runs that a client creates; `None` for runs that succeed at once.
    pub of_clients: Option<Script>,
    /// Runs that failed because a watcher left, once for each execution.
    pub failed_by_watchers: Vec<Uuid>,
    /// Number of those whose watcher's connection was cut or reset.
    pub failed_by_cuts: usize,
    ids: u64,
}

impl BackendRuns {
    /// Creates a new id in the form of a UUID v4.
    pub fn fresh_id(&mut self) -> Uuid {
        self.ids += 1;
        let mixed = u128::from(self.ids).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        uuid::Builder::from_random_bytes(mixed.to_be_bytes()).into_uuid()
    }

    pub fn add_song(&mut self, title: &str) -> Uuid {
        let id = self.fresh_id();
        self.songs.insert(id, title.to_owned());
        id
    }

    pub fn add_run(&mut self, song_id: Uuid, scripts: Vec<Script>, now: Timestamp) -> Uuid {
        let id = self.fresh_id();
        let run = Run {
            id,
            song_id,
            seed: 42,
            status: "pending",
            executing: false,
            current_node: None,
            fix_iterations: 0,
            scores: None,
            error: None,
            cancelled_at: None,
            created_at: now,
            updated_at: now,
            started_at: None,
            number: 0,
            executions: Vec::new(),
            scripts,
            stored: Vec::new(),
            watchers: Vec::new(),
            next_publication_raises: false,
            was_cut: false,
            manifest: json!({"graph": [], "flags": {"render": true}}),
        };
        self.runs.insert(id, run);
        self.order.push(id);
        let data =
            json!({"seed": 42, "message": "Workflow run created", "song_id": song_id.to_string()});
        self.tell(id, None, "info", data, now);
        id
    }

    pub fn run(&mut self, id: Uuid) -> &mut Run {
        self.runs.get_mut(&id).unwrap()
    }

    /// Sends an event to the watchers of a run, and stores it where the backend would.
    pub fn tell(
        &mut self,
        id: Uuid,
        node: Option<&str>,
        phase: &'static str,
        data: Value,
        at: Timestamp,
    ) {
        let event_id = self.fresh_id();
        let run = self.run(id);
        let frame = json!({
            "event_id": event_id.to_string(), "run_id": id.to_string(), "timestamp": zoned(at, "+00:00"),
            "node_name": node, "phase": phase, "metrics": {}, "issues": [], "data": data,
        });
        let lost = phase == "end" && node.is_none() && run.script().loses_end;
        if !lost {
            run.watchers.retain(|watcher| watcher.send(frame.to_string()).is_ok());
        }
        if node.is_none() && phase != "fail" {
            // The database uses another time zone: same instant, different text.
            let mut replayed = frame;
            replayed["timestamp"] = json!(zoned(at, "-05:00"));
            run.stored.push((replayed.to_string(), phase));
        }
    }

    /// Begins an execution of a run and sends the `start` event.
    pub fn begin(&mut self, id: Uuid, now: Timestamp) {
        let run = self.run(id);
        run.number += 1;
        run.next_publication_raises = false;
        run.status = "running";
        run.executing = true;
        run.current_node = None;
        run.fix_iterations = 0;
        run.scores = None;
        run.started_at = Some(now);
        run.updated_at = now;
        self.tell(id, None, "start", json!({"message": "Workflow execution started"}), now);
    }

    fn add_row(&mut self, id: Uuid, node: &'static str, now: Timestamp) -> usize {
        let run = self.run(id);
        run.executions.push(Execution {
            number: run.number,
            node,
            status: "running",
            duration_ms: None,
            event_ms: None,
            started_at: now,
            completed_at: None,
            raised: None,
        });
        run.executions.len() - 1
    }

    /// Fails a node before its skill began, without sending an event.
    pub fn fail_silently(&mut self, id: Uuid, node: &'static str, now: Timestamp) {
        let row = self.add_row(id, node, now);
        self.fail_row(id, row, None, now);
    }

    fn fail_row(&mut self, id: Uuid, row: usize, raised: Option<String>, now: Timestamp) {
        let run = self.run(id);
        let at = after(now, NO_TIME_MS as i64);
        run.updated_at = at;
        let execution = &mut run.executions[row];
        execution.status = "failed";
        execution.duration_ms = Some(NO_TIME_MS);
        execution.event_ms = Some(NO_TIME_MS);
        execution.completed_at = Some(at);
        execution.raised = raised;
    }

    /// Takes the error that the next publication raises after a watcher was removed.
    fn publication_error(&mut self, id: Uuid) -> Option<String> {
        if !std::mem::take(&mut self.run(id).next_publication_raises) {
            return None;
        }
        self.failed_by_watchers.push(id);
        self.failed_by_cuts += usize::from(self.run(id).was_cut);
        Some(key_error(id))
    }

    /// Begins a node. Returns `None` where publishing its `start` raises.
    pub fn begin_node(&mut self, id: Uuid, node: &'static str, now: Timestamp) -> Option<usize> {
        let row = self.add_row(id, node, now);
        if let Some(words) = self.publication_error(id) {
            self.fail_row(id, row, Some(words), now);
            return None;
        }
        let run = self.run(id);
        let number = run.number;
        let index = run.executions.iter().filter(|row| row.number == number).count() - 1;
        let data = json!({
            "skill_name": skill(node), "seed": run.seed + index as u64, "node_index": index,
            "deterministic": true,
        });
        // The event is 2 ms later than its row, as a cancel's is, so that events and rows agree on the
        // order.
        self.tell(id, Some(node), "start", data, after(now, 2));
        Some(row)
    }

    /// Ends a node whose skill took `millis`. Returns the error that it raised.
    pub fn end_node(
        &mut self,
        id: Uuid,
        row: usize,
        millis: u64,
        raises: Option<String>,
        now: Timestamp,
    ) -> Option<String> {
        let raises = self.publication_error(id).or(raises);
        let run = self.run(id);
        let execution = &mut run.executions[row];
        let node = execution.node;
        execution.status = if raises.is_some() { "failed" } else { "completed" };
        execution.duration_ms = Some(millis + 5);
        execution.event_ms = Some(millis);
        execution.completed_at = Some(after(now, 1));
        execution.raised.clone_from(&raises);
        run.updated_at = after(now, 1);
        if raises.is_none() {
            run.current_node = Some(node);
        }
        if node == "FIX" {
            run.fix_iterations += 1;
        }
        let (phase, data) = match &raises {
            None => (
                "end",
                json!({
                    "skill_name": skill(node), "duration_ms": millis,
                    "output_hash": "ffeb29ea8b8a7f10a38a9a2d63e5d7edfc0634852ef457b196ae3c1c08135fef",
                    "model_params": {"temperature": 0.2, "top_p": 0.9, "seed": 42},
                }),
            ),
            Some(words) => (
                "fail",
                json!({
                    "skill_name": skill(node), "error_type": "LLMTimeout",
                    "error_message": words, "duration_ms": millis,
                    "stack_trace": "Traceback (most recent call last):\n",
                }),
            ),
        };
        self.tell(id, Some(node), phase, data, now);
        raises
    }

    /// Ends the execution of a run, with an error or without.
    pub fn end(&mut self, id: Uuid, error: Option<String>, now: Timestamp) {
        let error = error.or_else(|| self.publication_error(id));
        let run = self.run(id);
        run.executing = false;
        run.next_publication_raises = false;
        run.updated_at = now;
        match error {
            None => {
                run.status = "completed";
                run.scores = Some(json!({
                    "total": 0.88, "singability": 0.86, "hook_density": 0.71,
                    "profanity_score": 1.0, "rhyme_tightness": 0.82, "section_completeness": 1.0,
                }));
                let took = now.duration_since(run.started_at.unwrap()).as_millis();
                let data = json!({
                    "message": "Workflow execution completed", "duration_ms": took as u64,
                    "fix_iterations": run.fix_iterations,
                });
                self.tell(id, None, "end", data, after(now, 2));
            }
            Some(words) => {
                run.status = "failed";
                // A fault of the backend: this is the last completed node, not the failed one.
                run.error = Some(json!({
                    "node": run.current_node, "message": words, "timestamp": zoned(now, "+00:00"),
                }));
                let data = json!({
                    "message": "Workflow execution failed",
                    "error": format!("Workflow run {id} failed: {words}"),
                    "error_type": "WorkflowOrchestrationError",
                });
                self.tell(id, None, "fail", data, after(now, 2));
            }
        }
    }

    /// Cancels a run. Returns false where the run is unknown or over.
    pub fn cancel(&mut self, id: Uuid, now: Timestamp) -> bool {
        let Some(run) = self.runs.get_mut(&id) else { return false };
        if !matches!(run.status, "running" | "pending") {
            return false;
        }
        run.status = "cancelled";
        run.cancelled_at = Some(now);
        run.updated_at = now;
        run.error = Some(json!({
            "message": "Workflow run cancelled by user", "timestamp": zoned(now, "+00:00"),
        }));
        self.tell(id, None, "info", json!({"message": "Workflow run cancelled"}), after(now, 2));
        true
    }
}

pub fn skill(node: &str) -> String {
    format!("amcs.{}.generate", node.to_ascii_lowercase())
}

pub fn after(at: Timestamp, millis: i64) -> Timestamp {
    at + jiff::SignedDuration::from_millis(millis)
}

/// Formats a time as the backend does: microseconds, or no fraction where it is 0.
pub fn zoned(at: Timestamp, offset: &str) -> String {
    let hours: i64 = offset[..3].parse().unwrap();
    let local = at + jiff::SignedDuration::from_hours(hours);
    let micros = local.subsec_microsecond();
    let seconds = local.strftime("%Y-%m-%dT%H:%M:%S");
    match micros {
        0 => format!("{seconds}{offset}"),
        _ => format!("{seconds}.{micros:06}{offset}"),
    }
}
