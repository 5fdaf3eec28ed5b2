//! `/healthz`: health of the hub, for supervisors that restart it.
//!
//! | status | `status` | meaning |
//! | --- | --- | --- |
//! | 200 | `ok` | no problems |
//! | 200 | `degraded` | the hub works, but upstream is lost, the store is not written, or a webhook fails. A restart would not help, and taking the hub out of service would blank every screen |
//! | 503 | `down` | the hub itself does not work |
//!
//! With `?strict`, `degraded` is answered with 503 as well, for monitors that look only at the
//! status and restart nothing.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    response::Response,
    routing::get,
};
use serde_json::{Value, json};

#[cfg(feature = "cluster")]
use super::relay::cluster::ClusterStatus;
use super::{
    answer::as_json,
    gate::Gate,
    relay::Hub,
    started::Started,
    webhooks::{Outbox, Webhooks},
};
use crate::protocol::hub::{Upstream, UpstreamState};

/// Path of the answer.
pub(super) const PATH: &str = "/healthz";

/// Components whose health is reported.
#[derive(Clone)]
pub(super) struct HealthSource {
    pub gate: Arc<Gate>,
    /// `None` for a demo studio.
    pub hub: Option<Arc<Hub>>,
    /// `None` for a demo studio.
    pub webhooks: Option<Arc<Webhooks>>,
    pub started: Started,
}

pub(super) fn routes(source: HealthSource) -> Router {
    Router::new().route(PATH, get(answer_health)).with_state(source)
}

/// Health of the hub, ordered from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Health {
    Ok,
    Degraded,
    Down,
}

impl Health {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Down => "down",
        }
    }
}

/// State of the hub at one moment, so that all parts of an answer are consistent.
struct HubCondition {
    upstream: Upstream,
    store_trouble: Option<String>,
    is_at_work: bool,
    #[cfg(feature = "cluster")]
    cluster: Option<ClusterStatus>,
}

impl HubCondition {
    fn of(hub: &Hub) -> Self {
        Self {
            upstream: hub.upstream_state(),
            store_trouble: hub.store_trouble(),
            is_at_work: hub.is_at_work(),
            #[cfg(feature = "cluster")]
            cluster: hub.cluster(),
        }
    }

    fn troubles(&self) -> Vec<(Health, String)> {
        let mut troubles = Vec::new();
        if !self.is_at_work {
            let words = "the hub has stopped receiving events: restart it";
            troubles.push((Health::Down, words.to_owned()));
        }
        #[cfg(feature = "cluster")]
        if let Some((words, _)) = self.cluster.as_ref().and_then(|it| it.away.as_ref()) {
            let words = format!("NATS cannot be reached: {words}");
            troubles.push((Health::Degraded, words));
            // The state of the backend is not known, and the hub says the same about it.
            return troubles;
        }
        #[cfg(feature = "cluster")]
        if let Some(words) = self.cluster.as_ref().and_then(|it| it.lease_trouble.as_ref()) {
            let words = format!("the lease of the cluster cannot be used: {words}");
            troubles.push((Health::Degraded, words));
        }
        if self.upstream.state == UpstreamState::Lost {
            let words = format!("upstream is lost: {}", self.upstream.reason);
            troubles.push((Health::Degraded, words));
        }
        troubles.extend(self.store_trouble.clone().map(|words| (Health::Degraded, words)));
        troubles
    }
}

async fn answer_health(State(source): State<HealthSource>, request: Request) -> Response {
    let seen = source.hub.as_deref().map(HubCondition::of);
    let mut troubles = seen.as_ref().map(HubCondition::troubles).unwrap_or_default();
    let outboxes = source.webhooks.as_deref().map(Webhooks::outboxes).unwrap_or_default();
    troubles.extend(outboxes.iter().filter_map(|outbox| {
        let words = format!("webhook {} fails: {}", outbox.name(), outbox.trouble()?);
        Some((Health::Degraded, words))
    }));
    let health = troubles.iter().map(|(health, _)| *health).max().unwrap_or(Health::Ok);
    let query = request.uri().query().unwrap_or_default();
    let strict = form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "strict");
    let status = match health {
        Health::Ok => StatusCode::OK,
        Health::Degraded if !strict => StatusCode::OK,
        Health::Degraded | Health::Down => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut body = json!({ "status": health.name() });
    // Without the token, only the status is reported.
    if source.gate.is_known(&request) {
        body["problems"] = troubles.iter().map(|(_, words)| words.as_str()).collect();
        body["version"] = env!("CARGO_PKG_VERSION").into();
        body["uptime_seconds"] = source.started.elapsed().as_secs().into();
        body["screens"] = source.gate.limits().clients().into();
        if let (Some(hub), Some(seen)) = (&source.hub, seen) {
            tell_hub(&mut body, hub, &seen);
        }
        if !outboxes.is_empty() {
            body["webhooks"] = outboxes.iter().map(|outbox| tell_webhook(outbox)).collect();
        }
    }
    as_json(status, format!("{body}\n"))
}

fn tell_webhook(outbox: &Outbox) -> Value {
    json!({
        "name": outbox.name(),
        "queue": outbox.waiting(),
        "delivered": outbox.delivered.get(),
        "failed": outbox.failed.get(),
        "lost": outbox.lost.get(),
    })
}

fn tell_hub(body: &mut Value, hub: &Hub, seen: &HubCondition) {
    body["upstream"] = json!({
        "state": seen.upstream.state.as_str(),
        "since": seen.upstream.since.to_string(),
        "reason": seen.upstream.reason,
    });
    let (state, bytes) = (hub.store_state(), hub.counters().store_bytes.get());
    body["store"] = json!({ "state": state.as_str(), "bytes": bytes });
    body["runs"] = hub.counters().runs.get().into();
    #[cfg(feature = "cluster")]
    if let Some(cluster) = &seen.cluster {
        tell_cluster(body, cluster);
    }
}

#[cfg(feature = "cluster")]
fn tell_cluster(body: &mut Value, cluster: &ClusterStatus) {
    body["cluster"] = json!({
        "name": cluster.name,
        "role": cluster.role.as_str(),
        "watching": cluster.holder,
        "lease_seconds": cluster.lease_left.as_secs_f64(),
        "epoch": cluster.epoch,
        "last": cluster.last,
        "lag": cluster.lag,
        "away_since": cluster.away.as_ref().map(|(_, since)| since.to_string()),
        "unpublished": cluster.unpublished,
        "outdated": cluster.outdated,
    });
}
