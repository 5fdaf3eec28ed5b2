//! REST API as described in protocol section 4, with its faults.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::http::Request;
use super::runs::{BackendRuns, Run, zoned};
use super::script::Script;
use super::{Backend, Guard};

/// Answer of the stand-in. After an unhandled 500 the connection is dropped without notice.
pub struct Reply {
    pub status: u16,
    pub body: Value,
    pub drops: bool,
    /// The `Location` header of a redirect.
    pub location: Option<String>,
}

impl Reply {
    pub fn new(status: u16, body: Value) -> Self {
        Self { status, body, drops: false, location: None }
    }

    /// Creates a redirect.
    pub fn moved(status: u16, location: String) -> Self {
        Self { location: Some(location), ..Self::new(status, Value::Null) }
    }

    fn detail(status: u16, words: impl Into<String>) -> Self {
        Self::new(status, json!({"detail": words.into()}))
    }

    pub fn unhandled(words: &str) -> Self {
        let body = json!({"error": "Internal server error", "detail": words});
        Self { drops: true, ..Self::new(500, body) }
    }
}

fn not_a_uuid(place: &str, text: &str) -> Reply {
    let why = "invalid character: expected an optional prefix of `urn:uuid:`";
    let item = json!({
        "type": "uuid_parsing", "loc": ["path", place],
        "msg": format!("Input should be a valid UUID, {why}"), "input": text,
        "ctx": {"error": why},
    });
    Reply::new(422, json!({"detail": [item]}))
}

const PENDING_IN_A_PAGE: &str = "1 validation error for WorkflowRunResponse\nstatus\n  Input should \
     be 'running', 'completed', 'failed' or 'cancelled' [type=enum, input_value='pending']";

const UNKNOWN_RUN: &str = "Workflow execution failed: This Session's transaction has been rolled \
     back due to a previous exception during flush. To begin a new transaction with this Session, \
     first issue Session.rollback(). Original exception was: \
     (psycopg2.errors.ForeignKeyViolation) insert or update on table \"workflow_events\" violates \
     foreign key constraint \"workflow_events_run_id_fkey\"\nDETAIL:  Key (run_id)=(";
const UNKNOWN_RUN_SQL: &str = ") is not present in table \"workflow_runs\".\n\n[SQL: INSERT INTO \
     workflow_events (run_id, event_id, timestamp, node_name, phase) VALUES (%(run_id)s::UUID, \
     %(event_id)s::UUID, %(timestamp)s, %(node_name)s, %(phase)s)]";

/// Returns the answer to `request`. `path` is relative to the base.
pub async fn reply(backend: &Backend, request: &Request, path: &str) -> Reply {
    if let Some(refusal) = refusal(backend, request, path) {
        return refusal;
    }
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["monitoring", "active-runs"]) => active_runs(backend),
        ("GET", ["workflow-runs"]) => page(backend, request),
        ("GET", ["workflow-runs", "by-song", song]) => by_song(backend, song),
        ("GET", ["workflow-runs", id]) => match Uuid::try_parse(id) {
            Ok(_) => Reply::unhandled("BaseRepository.get_by_id() missing 1 required argument"),
            Err(_) => not_a_uuid("run_id", id),
        },
        ("GET", ["songs", id]) => song(backend, id),
        ("POST", ["runs"]) => create(backend, request),
        ("GET", ["runs", id]) => with_id(id, "run_id", |id| match backend.lock().runs.get(&id) {
            Some(run) => Reply::new(200, detail(run)),
            None => Reply::detail(404, format!("Workflow run {id} not found")),
        }),
        ("POST", ["runs", id, "execute"]) => match Uuid::try_parse(id) {
            Ok(id) => execute(backend, id).await,
            Err(_) => not_a_uuid("run_id", id),
        },
        ("POST", ["runs", id, "cancel"]) => with_id(id, "run_id", |id| cancel(backend, id)),
        ("POST", ["runs", id, "retry"]) => with_id(id, "run_id", |id| retry(backend, id)),
        ("POST", ["workflows", "execute"]) if backend.speaks_guide() => {
            execute_as_the_guide(backend, request)
        }
        ("POST", ["workflow-runs", id, "cancel"]) if backend.speaks_guide() => {
            with_id(id, "run_id", |id| cancel(backend, id))
        }
        _ => Reply::detail(404, "Not Found"),
    }
}

/// Answers the product guide's `POST /workflows/execute`: creates a run and starts it.
fn execute_as_the_guide(backend: &Backend, request: &Request) -> Reply {
    let created = create(backend, request);
    let id = created.body["run_id"].as_str().and_then(|id| Uuid::try_parse(id).ok());
    let Some(id) = id.filter(|_| created.status == 201) else { return created };
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    backend.lock().run(id).seed = body["global_seed"].as_u64().unwrap_or(42);
    backend.start(id);
    let started_at = utc(backend.now());
    let song = &created.body["song_id"];
    let (run, status) = (id.to_string(), "running");
    let body = json!({"run_id": run, "song_id": song, "status": status, "started_at": started_at});
    Reply::new(200, body)
}

fn refusal(backend: &Backend, request: &Request, path: &str) -> Option<Reply> {
    let guard = backend.guard();
    let wanted = match &guard {
        Guard::Nobody => return None,
        Guard::ActiveRuns(token) if path.contains("monitoring") => token,
        Guard::ActiveRuns(_) => return None,
        Guard::Everything(token) => token,
    };
    let given = request.headers.get("authorization");
    let right = given.is_some_and(|header| *header == format!("Bearer {wanted}"));
    (!right).then(|| Reply::detail(401, "Not authenticated"))
}

fn with_id(text: &str, place: &str, then: impl FnOnce(Uuid) -> Reply) -> Reply {
    Uuid::try_parse(text).map_or_else(|_| not_a_uuid(place, text), then)
}

fn utc(at: Timestamp) -> String {
    zoned(at, "+00:00")
}

/// Body of `GET /runs/{id}`.
pub fn detail(run: &Run) -> Value {
    let executions: Vec<Value> = run
        .executions
        .iter()
        .map(|row| {
            json!({
                "node_name": row.node, "status": row.status, "duration_ms": row.duration_ms,
                "started_at": utc(row.started_at), "completed_at": row.completed_at.map(utc),
            })
        })
        .collect();
    let mut counts = serde_json::Map::new();
    for (_, phase) in &run.stored {
        let count = counts.get(*phase).and_then(Value::as_u64).unwrap_or(0);
        counts.insert((*phase).to_owned(), json!(count + 1));
    }
    json!({
        "run_id": run.id.to_string(), "song_id": run.song_id.to_string(), "status": run.status,
        "current_node": run.current_node, "fix_iterations": run.fix_iterations,
        "validation_scores": run.scores, "error": run.error,
        "created_at": utc(run.created_at), "updated_at": utc(run.updated_at),
        "executions": executions, "event_counts": counts,
    })
}

fn active_runs(backend: &Backend) -> Reply {
    let now = backend.now();
    let runs = backend.lock();
    let runs: Vec<Value> = in_order(&runs)
        .filter(|run| run.status == "running")
        .map(|run| {
            let started_at = run.started_at.unwrap_or(run.created_at);
            json!({
                "run_id": run.id.to_string(), "song_id": run.song_id.to_string(), "status": run.status,
                "current_node": run.current_node, "started_at": utc(started_at),
                "elapsed_seconds": now.duration_since(started_at).as_secs_f64(),
            })
        })
        .collect();
    Reply::new(200, json!({"timestamp": utc(now), "active_count": runs.len(), "runs": runs}))
}

fn in_order(runs: &BackendRuns) -> impl Iterator<Item = &Run> {
    runs.order.iter().filter_map(|id| runs.runs.get(id))
}

/// A row of the lists, which write UTC as `Z`.
fn row(run: &Run) -> Value {
    json!({
        "song_id": run.song_id.to_string(), "run_id": run.id.to_string(), "status": run.status,
        "current_node": run.current_node, "node_outputs": {}, "event_stream": [],
        "validation_scores": run.scores, "fix_iterations": run.fix_iterations, "error": run.error,
        "extra_metadata": {"seed": run.seed, "manifest": run.manifest},
        "id": Uuid::from_u128(run.id.as_u128() ^ 1).to_string(),
        "tenant_id": "00000000-0000-0000-0000-000000000001",
        "owner_id": "00000000-0000-0000-0000-000000000000",
        "created_at": utc(run.created_at).replace("+00:00", "Z"),
        "updated_at": utc(run.updated_at).replace("+00:00", "Z"), "deleted_at": null,
    })
}

/// Answers with a page of all runs, in a meaningless order. A single pending run on the page makes the
/// whole page fail with 500. Cursors are positions.
fn page(backend: &Backend, request: &Request) -> Reply {
    let number = |name: &str| request.query.get(name).and_then(|text| text.parse::<usize>().ok());
    let (limit, begin) = (number("limit").unwrap_or(50), number("cursor").unwrap_or(0));
    let runs = backend.lock();
    let mut runs: Vec<&Run> = in_order(&runs).collect();
    runs.sort_by_key(|run| shuffled(run.id, backend.list_seed()));
    let total = runs.len();
    let part: Vec<&Run> = runs.into_iter().skip(begin).take(limit).collect();
    if part.iter().any(|run| run.status == "pending") {
        return Reply::unhandled(PENDING_IN_A_PAGE);
    }
    let end = begin + part.len();
    let items: Vec<Value> = part.into_iter().map(row).collect();
    let info = json!({
        "has_next_page": end < total, "has_previous_page": begin > 0,
        "start_cursor": begin.to_string(), "end_cursor": end.to_string(), "total_count": total,
    });
    Reply::new(200, json!({"items": items, "page_info": info}))
}

/// Sort key of a run in the list of all runs: depends only on the id and the seed.
fn shuffled(id: Uuid, seed: u64) -> u64 {
    let (high, low) = id.as_u64_pair();
    fastrand::Rng::with_seed(high ^ low.rotate_left(32) ^ seed).u64(..)
}

fn by_song(backend: &Backend, song: &str) -> Reply {
    with_id(song, "song_id", |song| {
        let runs = backend.lock();
        let mut runs: Vec<&Run> = in_order(&runs).filter(|run| run.song_id == song).collect();
        if runs.iter().any(|run| run.status == "pending") {
            return Reply::unhandled(PENDING_IN_A_PAGE);
        }
        runs.reverse();
        Reply::new(200, runs.into_iter().map(row).collect())
    })
}

fn song(backend: &Backend, id: &str) -> Reply {
    with_id(id, "song_id", |id| match backend.lock().songs.get(&id) {
        None => Reply::detail(404, format!("Song {id} not found")),
        Some(title) => Reply::new(
            200,
            json!({
                "title": title, "sds_version": "1.0.0", "global_seed": 42, "style_id": null,
                "persona_id": null, "blueprint_id": null, "status": "draft", "feature_flags": {},
                "render_config": null, "extra_metadata": {}, "id": id.to_string(),
                "tenant_id": "00000000-0000-0000-0000-000000000001",
                "owner_id": "00000000-0000-0000-0000-000000000000",
                "created_at": "2026-11-23T01:07:19.203296Z",
                "updated_at": "2026-11-23T01:07:19.203296Z", "deleted_at": null,
            }),
        ),
    })
}

fn create(backend: &Backend, request: &Request) -> Reply {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let invalid = |kind: &str, field: &str, words: &str, input: &Value| {
        let item = json!({"type": kind, "loc": ["body", field], "msg": words, "input": input});
        Reply::new(422, json!({"detail": [item]}))
    };
    let Some(song) = body["song_id"].as_str().and_then(|text| Uuid::try_parse(text).ok()) else {
        return invalid("missing", "song_id", "Field required", &body);
    };
    if body["seed"].as_i64().is_some_and(|seed| seed < 0) {
        let words = "Input should be greater than or equal to 0";
        let mut reply = invalid("greater_than_equal", "seed", words, &body["seed"]);
        reply.body["detail"][0]["ctx"] = json!({"ge": 0});
        return reply;
    }
    let now = backend.now();
    let mut runs = backend.lock();
    if !runs.songs.contains_key(&song) {
        return Reply::detail(400, "Failed to create workflow run: ForeignKeyViolation");
    }
    let script = runs.of_clients.clone().unwrap_or_else(|| Script::success(50));
    let id = runs.add_run(song, vec![script], now);
    let run = runs.run(id);
    run.seed = body["seed"].as_u64().unwrap_or(run.seed);
    run.manifest = body["manifest"].clone();
    let message = "Workflow run created successfully";
    let body = json!({"run_id": id.to_string(), "song_id": song.to_string(), "status": "pending", "message": message});
    Reply::new(201, body)
}

/// Executes a run and answers when it is over. The run continues when the client hangs up.
async fn execute(backend: &Backend, id: Uuid) -> Reply {
    if !backend.lock().runs.contains_key(&id) {
        return Reply::detail(500, format!("{UNKNOWN_RUN}{id}{UNKNOWN_RUN_SQL}"));
    }
    // A killed server answers nothing.
    let Ok(()) = backend.execute(id).await else { return std::future::pending().await };
    let runs = backend.lock();
    let run = &runs.runs[&id];
    if run.status == "failed" {
        let words = run.error.as_ref().and_then(|error| error["message"].as_str()).unwrap();
        let words = format!("Workflow execution failed: Workflow run {id} failed: {words}");
        return Reply::detail(500, words);
    }
    let took = run.updated_at.duration_since(run.started_at.unwrap()).as_millis();
    Reply::new(
        200,
        json!({
            "run_id": id.to_string(), "status": "completed", "duration_ms": took as u64,
            "fix_iterations": run.fix_iterations, "validation_scores": run.scores,
            "message": "Workflow execution completed",
        }),
    )
}

fn cancel(backend: &Backend, id: Uuid) -> Reply {
    let now = backend.now();
    if !backend.lock().cancel(id, now) {
        return Reply::detail(404, format!("Workflow run {id} not found or already completed"));
    }
    let message = "Workflow run cancelled successfully";
    Reply::new(200, json!({"run_id": id.to_string(), "status": "cancelled", "message": message}))
}

fn retry(backend: &Backend, id: Uuid) -> Reply {
    let now = backend.now();
    let mut runs = backend.lock();
    let Some(run) = runs.runs.get(&id) else {
        return Reply::detail(400, format!("Workflow run {id} not found"));
    };
    if run.status != "failed" {
        let status = run.status;
        let words = format!("Can only retry failed runs, current status: {status}");
        return Reply::detail(400, words);
    }
    let (song, scripts) = (run.song_id, run.scripts.clone());
    let new = runs.add_run(song, scripts, now);
    let message = "Retry run created successfully";
    Reply::new(
        200,
        json!({"original_run_id": id.to_string(), "new_run_id": new.to_string(), "message": message}),
    )
}
