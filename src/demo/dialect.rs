//! Renders events of the studio as the JSON text that a backend sends.
//!
//! Two dialects, described in `protocol`: the guide's, from the product guide, and the backend's,
//! from recordings. The demo adds to the originals:
//!
//! * Guide: `event_id`, so that repeated events are recognized; `song_title` at the run's start;
//!   run-level `info` for created and cancelled, because the guide has no event for either and
//!   viewers could not show queue times and cancellations without them; `progress` of long nodes.
//! * Backend: `song_title` in the `data` of "Workflow run created". Nothing else.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, tz};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::scenario::{Failure, Node, Run, RunFailure, TimedEvent, What};

/// Dialect of the events that the demo sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Dialect {
    /// Events as in the product guide, with scores and artifacts.
    #[default]
    Guide,
    /// Events as recorded from a real backend, without scores and progress.
    Backend,
}

/// Converts studio time to wall-clock time, and the studio's ids to those of this session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Session {
    /// Wall-clock time of studio time zero.
    pub epoch: Timestamp,
    /// Speed factor: seconds of studio time per second of wall-clock time.
    pub speed: f64,
    /// Combined with the ids of runs and events. A studio restarted with the same seed performs
    /// different work, and connected viewers must not take its events for duplicates.
    pub salt: u128,
}

impl Session {
    /// Converts a duration to wall-clock time.
    pub fn wall_duration(&self, duration: Duration) -> Duration {
        duration.div_f64(self.speed)
    }

    /// Converts a time to wall-clock time, in whole microseconds.
    pub fn wall_instant(&self, at: SignedDuration) -> Timestamp {
        let micros = (at.as_secs_f64() / self.speed * 1e6).round() as i64;
        let instant = self.epoch.saturating_add(SignedDuration::from_micros(micros));
        let instant = instant.unwrap_or(self.epoch);
        Timestamp::from_microsecond(instant.as_microsecond()).unwrap_or(instant)
    }

    /// Returns the id in this session for an id of the studio; both are version 4 UUIDs.
    pub fn id(&self, id: Uuid) -> Uuid {
        uuid::Builder::from_random_bytes((id.as_u128() ^ self.salt).to_be_bytes()).into_uuid()
    }

    fn millis(&self, duration: Duration) -> u64 {
        u64::try_from(self.wall_duration(duration).as_millis()).unwrap_or(u64::MAX)
    }
}

/// Distinguishes live events from events replayed from the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    Live,
    /// Replayed events; the backend writes their timestamps in its database's time zone.
    Replay,
}

impl Dialect {
    /// Returns the frame for an event; `None` if this dialect has no such event.
    pub fn render(
        self,
        event: &TimedEvent,
        session: &Session,
        delivery: Delivery,
    ) -> Option<String> {
        let text = match self {
            Self::Guide => serde_json::to_string(&guide_frame(event, session)),
            Self::Backend => serde_json::to_string(&backend_frame(event, session, delivery)?),
        };
        // Serialization cannot fail: maps with string keys, strings and finite numbers.
        text.ok()
    }
}

#[derive(Serialize)]
struct GuideFrame<'a> {
    event_id: String,
    ts: String,
    run_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_name: Option<&'static str>,
    phase: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    data: GuideData<'a>,
    request_id: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum GuideData<'a> {
    Song {
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<&'static str>,
        song_id: String,
        song_title: String,
        global_seed: i64,
    },
    Message {
        message: &'static str,
    },
    Status {
        status: &'static str,
    },
    Start {
        node_index: u32,
    },
    Progress {
        #[serde(skip_serializing_if = "Option::is_none")]
        progress_percentage: Option<f64>,
        message: &'static str,
        #[serde(skip_serializing_if = "Map::is_empty")]
        artifacts: &'a Map<String, Value>,
    },
    Result {
        artifacts: &'a Map<String, Value>,
        #[serde(skip_serializing_if = "Map::is_empty")]
        scores: Map<String, Value>,
    },
    Error {
        error_message: String,
    },
}

fn guide_frame<'a>(event: &'a TimedEvent, session: &Session) -> GuideFrame<'a> {
    let run = &*event.run;
    let song = |message| GuideData::Song {
        message,
        song_id: run.song.id.to_string(),
        song_title: run.song.full_title(),
        global_seed: run.seed,
    };
    let (phase, duration, data) = match &event.event.what {
        What::Created => ("info", None, song(Some(CREATED))),
        What::Cancelled => ("info", None, GuideData::Message { message: CANCELLED }),
        What::RunStart => ("start", None, song(None)),
        What::RunEnd { duration, .. } => {
            ("end", Some(*duration), GuideData::Status { status: "completed" })
        }
        What::RunFail { node, reason } => {
            let error_message = match reason {
                RunFailure::NodeFailed { failure, after } => {
                    let message = failure.message(session.wall_duration(*after));
                    format!("{} failed: {message}", node.name())
                }
                RunFailure::SkillMissing => skill_missing(*node),
            };
            ("fail", None, GuideData::Error { error_message })
        }
        What::NodeStart { index, .. } => ("start", None, GuideData::Start { node_index: *index }),
        What::Progress { percent, message, artifacts, .. } => {
            let data = GuideData::Progress { progress_percentage: *percent, message, artifacts };
            ("progress", None, data)
        }
        What::NodeEnd { duration, scores, artifacts, .. } => {
            let scores =
                scores.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
            ("end", Some(*duration), GuideData::Result { artifacts, scores })
        }
        What::NodeFail { failure, duration, .. } => {
            let error_message = failure.message(session.wall_duration(*duration)).into_owned();
            ("fail", None, GuideData::Error { error_message })
        }
    };
    GuideFrame {
        event_id: session.id(event.event.id).to_string(),
        ts: session.wall_instant(event.at).to_string(),
        run_id: session.id(run.id).to_string(),
        node_name: event.event.what.node().map(Node::name),
        phase,
        duration_ms: duration.map(|duration| session.millis(duration)),
        data,
        request_id: format!("req-{}", session.id(run.request_id).simple()),
    }
}

#[derive(Serialize)]
struct BackendFrame {
    event_id: String,
    run_id: String,
    timestamp: String,
    /// Null for run-level events, never absent.
    node_name: Option<&'static str>,
    phase: &'static str,
    metrics: Map<String, Value>,
    issues: [&'static str; 0],
    data: BackendData,
}

#[derive(Serialize)]
#[serde(untagged)]
enum BackendData {
    Created {
        seed: i64,
        message: &'static str,
        song_id: String,
        song_title: String,
    },
    Message {
        message: &'static str,
    },
    RunEnd {
        message: &'static str,
        duration_ms: u64,
        fix_iterations: u32,
    },
    RunFail {
        message: &'static str,
        error: String,
        error_type: &'static str,
    },
    NodeStart {
        skill_name: &'static str,
        seed: i64,
        node_index: u32,
        deterministic: bool,
    },
    NodeEnd {
        skill_name: &'static str,
        duration_ms: u64,
        output_hash: String,
        model_params: Option<ModelParams>,
    },
    NodeFail {
        skill_name: &'static str,
        error_type: &'static str,
        error_message: String,
        duration_ms: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        stack_trace: Option<String>,
    },
}

#[derive(Serialize)]
struct ModelParams {
    temperature: f64,
    top_p: f64,
    seed: i64,
}

fn backend_frame(
    event: &TimedEvent,
    session: &Session,
    delivery: Delivery,
) -> Option<BackendFrame> {
    let run = &*event.run;
    let (phase, data) = match &event.event.what {
        What::Created => {
            let data = BackendData::Created {
                seed: run.seed,
                message: CREATED,
                song_id: run.song.id.to_string(),
                song_title: run.song.full_title(),
            };
            ("info", data)
        }
        What::Cancelled => ("info", BackendData::Message { message: CANCELLED }),
        What::RunStart => ("start", BackendData::Message { message: "Workflow execution started" }),
        What::RunEnd { duration, fix_iterations } => {
            let data = BackendData::RunEnd {
                message: "Workflow execution completed",
                duration_ms: session.millis(*duration),
                fix_iterations: *fix_iterations,
            };
            ("end", data)
        }
        What::RunFail { node, reason } => ("fail", backend_run_fail(run, *node, *reason, session)),
        What::NodeStart { node, index } => {
            let data = BackendData::NodeStart {
                skill_name: node.skill(),
                seed: run.seed + i64::from(*index),
                node_index: *index,
                deterministic: node.is_deterministic(),
            };
            ("start", data)
        }
        // Defined in the backend's types but never sent.
        What::Progress { .. } => return None,
        What::NodeEnd { node, index, duration, output_hash, .. } => {
            let seed = run.seed + i64::from(*index);
            let data = BackendData::NodeEnd {
                skill_name: node.skill(),
                duration_ms: session.millis(*duration),
                output_hash: output_hash.iter().map(|byte| format!("{byte:02x}")).collect(),
                model_params: node.model_params().map(|(temperature, top_p)| ModelParams {
                    temperature,
                    top_p,
                    seed,
                }),
            };
            ("end", data)
        }
        What::NodeFail { node, duration, failure } => {
            let error_message = failure.message(session.wall_duration(*duration)).into_owned();
            let data = BackendData::NodeFail {
                skill_name: node.skill(),
                error_type: failure.error_type(),
                duration_ms: session.millis(*duration),
                stack_trace: stack_trace(*node, *failure, &error_message),
                error_message,
            };
            ("fail", data)
        }
    };
    Some(BackendFrame {
        event_id: session.id(event.event.id).to_string(),
        run_id: session.id(run.id).to_string(),
        timestamp: python_isoformat(session.wall_instant(event.at), delivery),
        node_name: event.event.what.node().map(Node::name),
        phase,
        metrics: Map::new(),
        issues: [],
        data,
    })
}

const CREATED: &str = "Workflow run created";
const CANCELLED: &str = "Workflow run cancelled";

fn backend_run_fail(run: &Run, node: Node, reason: RunFailure, session: &Session) -> BackendData {
    let why = match reason {
        RunFailure::NodeFailed { failure, after } => {
            let message = failure.message(session.wall_duration(after));
            format!("Skill {} execution failed: {message}", node.skill())
        }
        RunFailure::SkillMissing => skill_missing(node),
    };
    BackendData::RunFail {
        message: "Workflow execution failed",
        error: format!("Workflow run {} failed: {why}", session.id(run.id)),
        error_type: "WorkflowOrchestrationError",
    }
}

fn skill_missing(node: Node) -> String {
    format!("Skill not registered for {}: {}", node.name(), node.skill())
}

/// Returns the stack trace as recorded: none for invalid input, otherwise at most 1000 characters.
fn stack_trace(node: Node, failure: Failure, message: &str) -> Option<String> {
    if failure == Failure::UnknownGenre {
        return None;
    }
    let name = node.name().to_lowercase();
    let kind = failure.error_type();
    let text = format!(
        "Traceback (most recent call last):\n  \
         File \"/srv/amcs/app/workflows/skill.py\", line 205, in wrapper\n    \
         outputs = await func(inputs, context, **kwargs)\n              \
         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  \
         File \"/srv/amcs/app/skills/{name}.py\", line 118, in {name}\n    \
         result = await self.engine.call(request)\n             \
         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n\
         app.errors.{kind}: {message}\n"
    );
    Some(text.chars().take(1000).collect())
}

/// Time zone of the recorded backend's database.
const DATABASE_ZONE: tz::TimeZone = tz::TimeZone::fixed(tz::offset(-5));

/// Formats a timestamp like Python: numeric offset, and a fraction of six digits or none.
fn python_isoformat(instant: Timestamp, delivery: Delivery) -> String {
    let zone = match delivery {
        Delivery::Live => tz::TimeZone::UTC,
        Delivery::Replay => DATABASE_ZONE,
    };
    let local = instant.to_zoned(zone);
    let fraction = match local.subsec_nanosecond() / 1000 {
        0 => String::new(),
        micros => format!(".{micros:06}"),
    };
    format!("{}{fraction}{}", local.strftime("%Y-%m-%dT%H:%M:%S"), local.strftime("%:z"))
}

#[cfg(test)]
#[path = "dialect_tests.rs"]
mod tests;
