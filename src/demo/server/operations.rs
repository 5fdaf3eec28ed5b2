//! The backend's calls on runs: create, execute, cancel, retry. Answers have the backend's form.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    super::scenario::{PlannedRun, Run, TimedEvent, What, song_by_id},
    controls::DemoAnswer,
    known_runs::State,
    player::Player,
};

/// Number of runs that may wait for their execution.
const MAX_HELD: usize = 100;

/// Status and reason of a refusal.
type Refused = (u16, String);

impl Player {
    /// Answers a `POST` at a path below the base of the API.
    pub(super) fn answer(&mut self, path: &str, body: &str) -> DemoAnswer {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let result = match parts[..] {
            ["runs"] => self.create(body),
            ["runs", id, verb] => self.operate(id, verb),
            _ => Err((404, "Not Found".to_owned())),
        };
        let (status, body) = match result {
            Ok(body) => (200, body),
            Err((status, reason)) => (status, json!({ "detail": reason })),
        };
        DemoAnswer { status, body: body.to_string() }
    }

    fn create(&mut self, body: &str) -> Result<Value, Refused> {
        let request: Value =
            serde_json::from_str(body).map_err(|error| (422, error.to_string()))?;
        let song_id = request["song_id"].as_str().unwrap_or_default();
        let song = Uuid::try_parse(song_id).ok().and_then(song_by_id).ok_or_else(|| {
            let hint = "select a run and start its song again";
            (404, format!("The demo studio has no song {song_id}: {hint}"))
        })?;
        let now = self.clock.now();
        let seed = request["seed"].as_i64();
        let planned = self.timeline.schedule().extra_run(song, seed, None, now);
        Ok(json!({ "run_id": self.hold(planned)?.to_string() }))
    }

    fn operate(&mut self, id: &str, verb: &str) -> Result<Value, Refused> {
        let known = Uuid::try_parse(id).ok().and_then(|id| Some((id, self.known.get(id)?)));
        let Some((id, known)) = known else {
            return Err((404, "The demo studio does not know this run any more".to_owned()));
        };
        let (run, state) = (Arc::clone(&known.run), known.state);
        let refused = |needed: &str| {
            let (done, is) = (participle(verb), state.word());
            Err((409, format!("Only a {needed} run can be {done}; this one is {is}")))
        };
        match (verb, state) {
            ("execute", State::Queued) => self.execute(id, &run),
            ("execute", _) => refused("queued"),
            ("cancel", State::Queued | State::Running) => self.cancel(id, &run),
            ("cancel", _) => refused("queued or running"),
            ("retry", State::Failed) => self.retry(&run),
            ("retry", _) => refused("failed"),
            _ => Err((404, "Not Found".to_owned())),
        }
    }

    fn execute(&mut self, id: Uuid, run: &Arc<Run>) -> Result<Value, Refused> {
        let now = self.clock.now();
        if let Some(mut planned) = self.held.0.remove(&id) {
            let queued = planned.offset_of(|what| *what == What::RunStart).unwrap_or_default();
            planned.created_at = now - SignedDuration::try_from(queued).unwrap_or_default();
            self.timeline.add(planned);
        } else {
            let events = self.timeline.take_runs(|other| other.id == run.id);
            let early = events.first().map_or(SignedDuration::ZERO, |first| first.at - now);
            for mut event in events {
                event.at -= early;
                self.timeline.put_back(event);
            }
        }
        Ok(json!({ "run_id": id.to_string(), "status": "running" }))
    }

    /// Cancels a run. Like the backend, lets a running node end first.
    fn cancel(&mut self, id: Uuid, run: &Arc<Run>) -> Result<Value, Refused> {
        self.held.0.remove(&id);
        let is_in_node = self.known.get(id).is_some_and(|known| known.has_running_node());
        // A retry that the studio has planned would be one of a cancelled run.
        let is_own = |other: &Run| other.id == run.id || other.retry_of == Some(run.id);
        let rest = self.timeline.take_runs(is_own);
        let ends_node = |what: &What| matches!(what, What::NodeEnd { .. } | What::NodeFail { .. });
        // Progress after a cancellation would tell a viewer that the run goes on.
        let end = rest
            .into_iter()
            .find(|event| event.run.id == run.id && ends_node(&event.event.what))
            .filter(|_| is_in_node);
        self.publish_now(run, What::Cancelled, end.is_none());
        if let Some(end) = end {
            self.timeline.put_back(TimedEvent { last: true, ..end });
        }
        Ok(json!({ "run_id": id.to_string(), "status": "cancelled" }))
    }

    fn retry(&mut self, run: &Arc<Run>) -> Result<Value, Refused> {
        let now = self.clock.now();
        // Takes the place of the retry that the studio has planned and not yet created.
        let session = *self.clock.session();
        let known = &self.known;
        self.timeline.take_runs(|other| {
            other.retry_of == Some(run.id) && known.get(session.id(other.id)).is_none()
        });
        let planned = self.timeline.schedule().extra_run(run.song.clone(), None, Some(run), now);
        Ok(json!({ "new_run_id": self.hold(planned)?.to_string() }))
    }

    /// Creates a run that is executed on request; returns its id.
    fn hold(&mut self, mut planned: PlannedRun) -> Result<Uuid, Refused> {
        if self.held.0.len() >= MAX_HELD {
            return Err((429, format!("{MAX_HELD} runs already wait for their execution")));
        }
        let run = Arc::clone(&planned.run);
        planned.events.retain(|event| event.event.what != What::Created);
        self.publish_now(&run, What::Created, false);
        let id = self.clock.session().id(run.id);
        self.held.0.insert(id, planned);
        Ok(id)
    }
}

/// Returns the participle of a call's verb.
fn participle(verb: &str) -> &'static str {
    match verb {
        "execute" => "executed",
        "cancel" => "cancelled",
        _ => "retried",
    }
}
