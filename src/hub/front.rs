//! Everything in front of what is served: access control, the backend's REST API, health and
//! metrics.
//!
//! The gate checks every request first: its rate; `Host`, only without a token, because host names
//! are then the only defence against DNS rebinding; and `Origin`, for requests that open a socket
//! or change something. Events, REST and metrics require the token, and the page redirects to the
//! login. A connection is counted while its entry in the requests' extensions exists, and a screen
//! while its socket exists, so that both counts are correct however they end. A demo studio is
//! public: only the limits apply to it.

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, middleware};

use super::{
    Hub, HubError,
    gate::{self, Gate, GateOptions},
    headers,
    health::{self, HealthSource},
    history,
    metrics::{self, MetricsSource},
    passthrough::{self, ApiBackend, Passthrough},
    screens, seen,
    started::Started,
    webhooks::{WebhookOptions, Webhooks},
};

/// Options of the front.
#[derive(Clone, Debug, Default)]
pub struct FrontOptions {
    /// Access rules.
    pub gate: GateOptions,
    /// The API behind `/api`.
    pub behind: ApiBackend,
    /// True when forwarded requests may change something.
    pub allow_actions: bool,
    /// Webhooks of a hub.
    pub webhooks: WebhookOptions,
}

/// The components of a running front.
pub(super) struct Front {
    pub gate: Arc<Gate>,
    pub passthrough: Arc<Passthrough>,
    /// `None` for a demo studio.
    pub hub: Option<Arc<Hub>>,
    /// `None` for a demo studio.
    pub webhooks: Option<Arc<Webhooks>>,
    pub started: Started,
}

impl Front {
    /// # Errors
    ///
    /// Fails when the certificate authorities for the backend cannot be loaded.
    pub fn new(
        bound: SocketAddr,
        hub: Option<Arc<Hub>>,
        options: FrontOptions,
    ) -> Result<Self, HubError> {
        let gate = Gate::new(bound, options.gate.clone());
        let FrontOptions { behind, allow_actions, webhooks, .. } = options;
        let refusals = gate.refusals().clone();
        let passthrough = Passthrough::new(behind, allow_actions, refusals, hub.as_ref())?;
        let (gate, passthrough) = (Arc::new(gate), Arc::new(passthrough));
        let webhooks = hub.as_ref().map(|hub| Webhooks::start(hub, webhooks)).transpose()?;
        let webhooks = webhooks.map(Arc::new);
        #[cfg(feature = "cluster")]
        passthrough.answer_cluster();
        Ok(Self { gate, passthrough, hub, webhooks, started: Started::now() })
    }

    /// Returns the router of all paths: those of events and page, and the front's own.
    pub fn router(self, events: Router, page: Router) -> Router {
        let Self { gate, passthrough, hub, webhooks, started } = self;
        let health = HealthSource {
            gate: Arc::clone(&gate),
            hub: hub.clone(),
            webhooks: webhooks.clone(),
            started,
        };
        let metrics = MetricsSource {
            gate: Arc::clone(&gate),
            passthrough: Arc::clone(&passthrough),
            hub: hub.clone(),
            webhooks,
            started,
        };
        let refusals = Arc::clone(gate.refusals());
        let history = hub.clone().map(history::routes).unwrap_or_default();
        let screens = hub.as_ref().map(|_| screens::routes(Arc::clone(&gate))).unwrap_or_default();
        let marks = hub.map(|hub| seen::routes(hub, refusals)).unwrap_or_default();
        let gate = || Arc::clone(&gate);
        let events = events.layer(middleware::from_fn_with_state(gate(), gate::reserve));
        let for_clients = events
            .merge(passthrough::routes(passthrough))
            .merge(metrics::routes(metrics))
            .merge(marks)
            .merge(screens)
            .merge(history)
            .layer(middleware::from_fn_with_state(gate(), gate::ask_for_token));
        let page = page.layer(middleware::from_fn_with_state(gate(), gate::lead_to_login));
        for_clients
            .merge(gate::login_routes(gate()))
            .merge(health::routes(health))
            .fallback_service(page)
            .layer(middleware::from_fn_with_state(gate(), gate::admit))
            .layer(middleware::from_fn(headers::add_security_headers))
    }
}
