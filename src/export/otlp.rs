//! OpenTelemetry's JSON (OTLP/JSON), one document on one line.
//!
//! A run is a trace: its root span is the run, and each attempt of a node is a child. Ids follow from
//! the run's id, so that exporting again gives the same ids. As with every exporter, a span is written
//! when it has ended; of what goes on, a later export completes the trace.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::LeftOut;
use super::steps::{Execution, Span as Place, Step, executions, plausible, queue};
use crate::inspect::write_compact;
use crate::model::{FactKind, Model, NodeStatus, Run, RunStatus, display_name};
use crate::text;

const INTERNAL: u8 = 1;
const STATUS_UNSET: u8 = 0;
const STATUS_OK: u8 = 1;
const STATUS_ERROR: u8 = 2;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Span {
    trace_id: String,
    span_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<String>,
    name: String,
    kind: u8,
    start_time_unix_nano: String,
    end_time_unix_nano: String,
    attributes: Vec<Attribute>,
    events: Vec<Event>,
    status: Status,
}

#[derive(Serialize)]
struct Attribute {
    key: String,
    value: Value,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    time_unix_nano: String,
    name: String,
    attributes: Vec<Attribute>,
}

#[derive(Serialize)]
struct Status {
    code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// Writes a trace of each run, run by run.
pub fn write_otlp(out: &mut impl Write, model: &Model) -> io::Result<LeftOut> {
    let resource = [text_of("service.name", "amcs"), text_of("telemetry.sdk.name", "meterbridge")];
    out.write_all(br#"{"resourceSpans":[{"resource":{"attributes":"#)?;
    write_compact(out, &resource)?;
    let scope = json!({ "name": "meterbridge", "version": env!("CARGO_PKG_VERSION") });
    write!(out, "}},\"scopeSpans\":[{{\"scope\":{scope},\"spans\":[")?;
    let (mut left_out, mut is_first) = (LeftOut::default(), true);
    for run in model.runs_in_order() {
        for span in spans(run, &mut left_out) {
            if !std::mem::take(&mut is_first) {
                out.write_all(b",")?;
            }
            write_compact(out, &span)?;
        }
    }
    out.write_all(b"]}]}]}\n")?;
    Ok(left_out)
}

fn spans(run: &Run, left_out: &mut LeftOut) -> Vec<Span> {
    let trace_id = trace_id(run.id());
    let root_id = span_id(run.id(), "run");
    let mut spans = Vec::new();
    // Events of the root: what has no span.
    let mut events = Vec::new();
    let executions = executions(run);
    let has_several = run.executions > 1;
    for execution in &executions {
        let id = span_id(run.id(), &format!("execution {}", execution.number));
        let parent = if has_several { id.clone() } else { root_id.clone() };
        if has_several {
            match execution.span {
                Place::Complete { start, end } => spans.push(Span {
                    trace_id: trace_id.clone(),
                    span_id: id,
                    parent_span_id: Some(root_id.clone()),
                    name: format!("execution {}", execution.number),
                    kind: INTERNAL,
                    start_time_unix_nano: nanos(start),
                    end_time_unix_nano: nanos(end),
                    attributes: execution_attributes(execution),
                    events: Vec::new(),
                    status: run_status(execution.status, execution.error.map(|it| &**it)),
                }),
                _ if !execution.status.is_over() => left_out.open += 1,
                _ => {}
            }
        }
        for step in &execution.steps {
            let key = format!("{} {} {}", execution.number, step.number, step.node.name);
            let attributes = step_attributes(execution, step);
            let name = text::name(&step.node.name).into_owned();
            let missing = match step.span {
                Place::Complete { start, end } => {
                    let error = step.attempt.error.as_deref();
                    let failure = error.filter(|_| step.attempt.status == NodeStatus::Failed);
                    spans.push(Span {
                        trace_id: trace_id.clone(),
                        span_id: span_id(run.id(), &key),
                        parent_span_id: Some(parent.clone()),
                        name,
                        kind: INTERNAL,
                        start_time_unix_nano: nanos(start),
                        end_time_unix_nano: nanos(end),
                        attributes,
                        events: failure.map(|error| exception(end, error)).into_iter().collect(),
                        status: step_status(step),
                    });
                    continue;
                }
                Place::Start(_) if step.is_open() => {
                    left_out.open += 1;
                    continue;
                }
                Place::Start(at) => (at, "started, end not recorded"),
                Place::End(at) => (at, "ended, start not recorded"),
                Place::Unknown => {
                    left_out.untimed += 1;
                    continue;
                }
            };
            let (at, what) = missing;
            let time_unix_nano = nanos(at);
            events.push(Event { time_unix_nano, name: format!("{name} {what}"), attributes });
        }
    }
    let queued = queue(run);
    if let Some(Place::Complete { start, end }) = queued {
        spans.push(Span {
            trace_id: trace_id.clone(),
            span_id: span_id(run.id(), "queued"),
            parent_span_id: Some(root_id.clone()),
            name: "queued".to_owned(),
            kind: INTERNAL,
            start_time_unix_nano: nanos(start),
            end_time_unix_nano: nanos(end),
            attributes: Vec::new(),
            events: Vec::new(),
            status: Status { code: STATUS_UNSET, message: None },
        });
    }
    if !run.status.is_over() {
        left_out.open += 1;
        return spans;
    }
    let cancelled = run.recent_events().filter(|it| it.kind == FactKind::Cancelled);
    events.extend(cancelled.filter_map(|it| plausible(it.at)).map(|at| Event {
        time_unix_nano: nanos(at),
        name: "cancel requested".to_owned(),
        attributes: Vec::new(),
    }));
    let first = [
        queued.and_then(Place::first),
        executions.first().and_then(|it| it.span.first()),
        plausible(Some(run.first_event_at())),
    ];
    let last = executions.last().and_then(|it| it.span.end());
    // A run whose own end was not recorded ends with the last sign of it.
    let is_end_known = last.or(plausible(run.ended_at)).is_some();
    let last = last.or(plausible(run.ended_at)).or(plausible(Some(run.last_event_at())));
    let (Some(start), Some(end)) = (first.into_iter().flatten().min(), last) else {
        left_out.untimed += 1;
        return spans;
    };
    let mut attributes = run_attributes(run);
    attributes.push(bool_of("meterbridge.end_recorded", is_end_known));
    if let Some(error) = run.error.as_deref().filter(|_| run.status == RunStatus::Failed) {
        events.push(exception(end, error));
    }
    spans.push(Span {
        trace_id,
        span_id: root_id,
        parent_span_id: None,
        name: text::name(display_name(run).as_str()).into_owned(),
        kind: INTERNAL,
        start_time_unix_nano: nanos(start),
        end_time_unix_nano: nanos(end.max(start)),
        attributes,
        events,
        status: run_status(run.status, run.error.as_deref()),
    });
    spans
}

fn run_attributes(run: &Run) -> Vec<Attribute> {
    let mut attributes = vec![
        text_of("amcs.run.id", run.id()),
        text_of("amcs.run.status", run.status.as_str()),
        whole_of("amcs.run.executions", run.executions.into()),
        whole_of("amcs.run.fix_iterations", run.fix_iterations.into()),
        bool_of("amcs.run.cancel_requested", run.cancel_requested),
        bool_of("meterbridge.from_rest", run.from_rest),
    ];
    let texts = [("amcs.song.id", &run.song_id), ("amcs.song.title", &run.song_title)];
    attributes.extend(texts.into_iter().filter_map(|(key, it)| Some(text_of(key, it.as_ref()?))));
    attributes.extend(run.seed.map(|seed| whole_of("amcs.run.seed", seed)));
    attributes.extend(run.duration_ms.map(|it| whole_of("amcs.run.duration_ms", it.into())));
    attributes
}

fn execution_attributes(execution: &Execution) -> Vec<Attribute> {
    let duration = execution.duration_ms.map(|it| whole_of("amcs.run.duration_ms", it.into()));
    let number = whole_of("amcs.run.execution", execution.number.into());
    [number, text_of("amcs.run.status", execution.status.as_str())]
        .into_iter()
        .chain(duration)
        .collect()
}

fn step_attributes(execution: &Execution, step: &Step) -> Vec<Attribute> {
    let attempt = step.attempt;
    let mut attributes = vec![
        text_of("amcs.node.name", &step.node.name),
        text_of("amcs.node.status", attempt.status.as_str()),
        whole_of("amcs.node.attempt", step.number.into()),
        whole_of("amcs.run.execution", execution.number.into()),
        whole_of("amcs.run.fix_pass", step.pass.into()),
        bool_of("meterbridge.from_rest", attempt.from_rest),
    ];
    attributes.extend(attempt.duration_ms.map(|it| whole_of("amcs.node.duration_ms", it.into())));
    let scores = attempt.scores.iter().filter(|(_, score)| score.is_finite());
    attributes.extend(scores.map(|(name, score)| Attribute {
        key: format!("amcs.score.{name}"),
        value: json!({ "doubleValue": score }),
    }));
    attributes
}

fn run_status(status: RunStatus, error: Option<&str>) -> Status {
    match status {
        RunStatus::Completed => Status { code: STATUS_OK, message: None },
        RunStatus::Failed => Status { code: STATUS_ERROR, message: error.map(str::to_owned) },
        _ => Status { code: STATUS_UNSET, message: None },
    }
}

fn step_status(step: &Step) -> Status {
    let message = step.attempt.error.as_deref().map(str::to_owned);
    match step.attempt.status {
        NodeStatus::Success => Status { code: STATUS_OK, message: None },
        NodeStatus::Failed => Status { code: STATUS_ERROR, message },
        _ => Status { code: STATUS_UNSET, message: None },
    }
}

fn exception(at: Timestamp, error: &str) -> Event {
    let attributes = vec![text_of("exception.message", error)];
    Event { time_unix_nano: nanos(at), name: "exception".to_owned(), attributes }
}

fn text_of(key: &str, value: &str) -> Attribute {
    Attribute { key: key.to_owned(), value: json!({ "stringValue": value }) }
}

fn bool_of(key: &str, value: bool) -> Attribute {
    Attribute { key: key.to_owned(), value: json!({ "boolValue": value }) }
}

/// Returns a whole number; as text where it exceeds 64 bits.
fn whole_of(key: &str, value: i128) -> Attribute {
    match i64::try_from(value) {
        // 64-bit integers are decimal strings in the JSON mapping.
        Ok(value) => {
            Attribute { key: key.to_owned(), value: json!({ "intValue": value.to_string() }) }
        }
        Err(_) => text_of(key, &value.to_string()),
    }
}

fn nanos(at: Timestamp) -> String {
    at.as_nanosecond().to_string()
}

/// Returns the id of a run's trace: the run's id itself where that is a UUID, else a hash of it.
fn trace_id(run_id: &str) -> String {
    let uuid = uuid::Uuid::try_parse(run_id).ok();
    // Other spellings of the same UUID name other runs.
    let uuid = uuid.filter(|uuid| !uuid.is_nil() && uuid.to_string() == run_id);
    let id = uuid.map_or_else(|| fnv1a(run_id.as_bytes()), |uuid| uuid.as_u128());
    format!("{:032x}", id.max(1))
}

fn span_id(run_id: &str, key: &str) -> String {
    let hash = fnv1a([run_id.as_bytes(), b"\0", key.as_bytes()].concat().as_slice());
    let id = (hash >> 64) as u64 ^ hash as u64;
    format!("{:016x}", id.max(1))
}

/// Returns the 128-bit FNV-1a hash, which is the same on every machine and in every version.
fn fnv1a(bytes: &[u8]) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(OFFSET, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trace_ids_are_the_uuid_of_the_run_or_a_fixed_hash() {
        assert_eq!(
            trace_id("7e8a54a3-112d-4ff3-9774-fda0b38f821e"),
            "7e8a54a3112d4ff39774fda0b38f821e"
        );
        let upper = trace_id("7E8A54A3-112D-4FF3-9774-FDA0B38F821E");
        assert_ne!(upper, "7e8a54a3112d4ff39774fda0b38f821e");
        // Test vector of FNV-1a for the letter a.
        assert_eq!(trace_id("a"), "d228cb696f1a8caf78912b704e4a8964");
        assert_eq!(trace_id("00000000-0000-0000-0000-000000000000").len(), 32);
        assert_ne!(span_id("a", "1 1 PLAN"), span_id("a", "1 2 PLAN"));
    }
}
