//! `/metrics`: metrics of the hub, and of the studio that it watches, for Prometheus.

mod studio;
mod text;
mod webhooks;

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use jiff::Timestamp;

use self::text::{CONTENT_TYPE, Exposition, Kind};
use super::{
    gate::Gate,
    passthrough::Passthrough,
    relay::{Hub, StoreState, counters::Counter},
    started::Started,
    webhooks::Webhooks,
};
use crate::protocol::hub::UpstreamState;

/// Components whose metrics are reported.
#[derive(Clone)]
pub(super) struct MetricsSource {
    pub gate: Arc<Gate>,
    pub passthrough: Arc<Passthrough>,
    /// `None` for a demo studio.
    pub hub: Option<Arc<Hub>>,
    /// `None` for a demo studio.
    pub webhooks: Option<Arc<Webhooks>>,
    pub started: Started,
}

pub(super) fn routes(source: MetricsSource) -> Router {
    Router::new().route("/metrics", get(answer_metrics)).with_state(source)
}

async fn answer_metrics(State(source): State<MetricsSource>) -> Response {
    let mut metrics = Exposition::default();
    tell_front(&mut metrics, &source);
    if let Some(hub) = &source.hub {
        tell_hub(&mut metrics, hub);
        studio::tell_studio(&mut metrics, hub);
    }
    if let (Some(hub), Some(webhooks)) = (&source.hub, &source.webhooks) {
        webhooks::tell_webhooks(&mut metrics, webhooks, hub);
    }
    let headers = [(header::CONTENT_TYPE, CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")];
    (headers, metrics.into_text()).into_response()
}

fn tell_front(metrics: &mut Exposition, source: &MetricsSource) {
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    metrics.add_labelled_metric(
        Kind::Gauge,
        "meterbridge_hub_build_info",
        "Program version as a label; the value is always 1.",
        [(&version[..], 1)],
    );
    metrics.add_metric(
        Kind::Gauge,
        "meterbridge_hub_start_time_seconds",
        "Start time of the hub, in seconds since 1970.",
        unix_seconds(source.started.at),
    );
    let places = source.gate.limits();
    metrics.add_metric(
        Kind::Gauge,
        "meterbridge_hub_screens",
        "Connected screens.",
        places.clients(),
    );
    metrics.add_metric(
        Kind::Gauge,
        "meterbridge_hub_screens_limit",
        "Maximum number of connected screens (--max-screens).",
        places.max_screens(),
    );
    let refused: Vec<_> = source.gate.refusals().counts().collect();
    let refused = refused.iter().map(|(reason, count)| ([("reason", reason.name())], *count));
    metrics.add_labelled_metric(
        Kind::Counter,
        "meterbridge_hub_refused_total",
        "Refused connections and requests, by reason.",
        refused.collect::<Vec<_>>().iter().map(|(labels, count)| (&labels[..], *count)),
    );
    let answers = source.passthrough.answers().counts().map(|(class, it)| ([("code", class)], it));
    metrics.add_labelled_metric(
        Kind::Counter,
        "meterbridge_hub_api_requests_total",
        "Answers to requests below /api/v1, by HTTP status class.",
        answers.collect::<Vec<_>>().iter().map(|(labels, count)| (&labels[..], *count)),
    );
}

fn tell_hub(metrics: &mut Exposition, hub: &Hub) {
    let upstream = hub.upstream_state();
    let states = [UpstreamState::Live, UpstreamState::Polling, UpstreamState::Lost];
    let states =
        states.map(|state| ([("state", state.as_str())], u8::from(state == upstream.state)));
    metrics.add_labelled_metric(
        Kind::Gauge,
        "meterbridge_hub_upstream_state",
        "State of the connection to upstream: 1 for the present state, 0 for the others.",
        states.iter().map(|(labels, value)| (&labels[..], *value)),
    );
    let words = [("state", upstream.state.as_str()), ("reason", upstream.reason.as_str())];
    metrics.add_labelled_metric(
        Kind::Gauge,
        "meterbridge_hub_upstream_info",
        "Present upstream state and its reason as labels; the value is always 1.",
        [(&words[..], 1)],
    );
    metrics.add_metric(
        Kind::Gauge,
        "meterbridge_hub_upstream_state_since_seconds",
        "Time at which the present upstream state began, in seconds since 1970.",
        unix_seconds(upstream.since),
    );
    metrics.add_metric(
        Kind::Gauge,
        "meterbridge_hub_store_up",
        "1 while the store is written, otherwise 0.",
        u8::from(hub.store_state() == StoreState::Written),
    );
    let counters = hub.counters();
    let gauges: [(&str, &str, &Counter); 5] = [
        (
            "screens_behind",
            "Screens that have not been sent everything yet.",
            &counters.clients_behind,
        ),
        ("runs", "Runs kept.", &counters.runs),
        ("journal_frames", "Frames kept for screens.", &counters.journal_entries),
        (
            "journal_bytes",
            "Bytes of the frames kept for screens (--keep-mib).",
            &counters.journal_bytes,
        ),
        ("store_bytes", "Size of the store on disk, in bytes.", &counters.store_bytes),
    ];
    for (name, help, value) in gauges {
        metrics.add_metric(Kind::Gauge, &format!("meterbridge_hub_{name}"), help, value.get());
    }
    let totals: [(&str, &str, &Counter); 13] = [
        ("upstream_frames", "Frames received from upstream.", &counters.frames_in),
        ("upstream_reconnects", "Reconnections to upstream.", &counters.upstream_reconnects),
        ("events_duplicate", "Events that had been received before.", &counters.duplicates),
        ("events_malformed", "Frames or events that could not be read.", &counters.malformed),
        ("events_dropped", "Frames dropped unread.", &counters.dropped),
        ("frames_sent", "Numbered frames sent, to all screens together.", &counters.frames_out),
        ("screen_connections", "Connections of screens.", &counters.clients_total),
        (
            "screen_resumes",
            "Connections of screens that resumed where they were.",
            &counters.resumes,
        ),
        ("screen_replays", "Connections of screens that were sent everything.", &counters.replays),
        (
            "screen_lag_closes",
            "Connections of screens closed because they read nothing.",
            &counters.lag_closes,
        ),
        (
            "screen_flood_closes",
            "Connections of screens closed because they sent too much.",
            &counters.flood_closes,
        ),
        ("runs_dropped", "Runs removed by the limits (--keep-…).", &counters.runs_dropped),
        ("store_errors", "Failed writes to the store.", &counters.store_errors),
    ];
    for (name, help, value) in totals {
        metrics.add_metric(
            Kind::Counter,
            &format!("meterbridge_hub_{name}_total"),
            help,
            value.get(),
        );
    }
}

fn unix_seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}
