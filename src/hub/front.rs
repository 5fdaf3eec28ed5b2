//! What stands in front of whatever is served: who may come in, the backend's REST, health and
//! numbers.
//!
//! The gate is asked first, about every request: rate; `Host`, only without a token, when names are the one
//! defence against DNS rebinding; `Origin` of what opens a socket or changes something. The token is asked for
//! before events, REST and metrics, and the page leads to the login. A connection counts while its entry in the
//! requests' extensions lives, and a screen while its socket does, so that both are released however they end.
//! A demo studio is public: only the limits apply to it.

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, middleware};

use super::{
    Hub, HubError,
    gate::{self, Gate, GateOptions},
    headers,
    health::{self, HealthSource},
    metrics::{self, MetricsSource},
    passthrough::{self, ApiBackend, Passthrough},
    started::Started,
};

/// How a hub meets the world.
#[derive(Clone, Debug, Default)]
pub struct FrontOptions {
    /// Who may come in.
    pub gate: GateOptions,
    /// What is passed through.
    pub behind: ApiBackend,
    /// Whether what is passed through may change something.
    pub allow_actions: bool,
}

/// A front at work.
pub(super) struct Front {
    pub gate: Arc<Gate>,
    pub passthrough: Arc<Passthrough>,
    /// `None` where a demo studio plays.
    pub hub: Option<Arc<Hub>>,
    pub started: Started,
}

impl Front {
    /// # Errors
    ///
    /// When the authorities that the backend is to be checked with cannot be had.
    pub fn new(
        bound: SocketAddr,
        hub: Option<Arc<Hub>>,
        options: FrontOptions,
    ) -> Result<Self, HubError> {
        let gate = Gate::new(bound, options.gate.clone());
        let FrontOptions { behind, allow_actions, .. } = options;
        let refusals = gate.refusals().clone();
        let passthrough = Passthrough::new(behind, allow_actions, refusals, hub.as_ref())?;
        let (gate, passthrough) = (Arc::new(gate), Arc::new(passthrough));
        Ok(Self { gate, passthrough, hub, started: Started::now() })
    }

    /// All addresses: those of the events and of the page, and the front's own.
    pub fn router(self, events: Router, page: Router) -> Router {
        let Self { gate, passthrough, hub, started } = self;
        let health = HealthSource { gate: Arc::clone(&gate), hub: hub.clone(), started };
        let metrics = MetricsSource {
            gate: Arc::clone(&gate),
            passthrough: Arc::clone(&passthrough),
            hub,
            started,
        };
        let gate = || Arc::clone(&gate);
        let events = events.layer(middleware::from_fn_with_state(gate(), gate::reserve));
        let for_clients = events
            .merge(passthrough::routes(passthrough))
            .merge(metrics::routes(metrics))
            .layer(middleware::from_fn_with_state(gate(), gate::ask_for_token));
        let page = page.layer(middleware::from_fn_with_state(gate(), gate::lead_to_login));
        for_clients
            .merge(gate::login_routes(gate()))
            .merge(health::routes(health))
            .fallback_service(page)
            .layer(middleware::from_fn_with_state(gate(), gate::admit))
            .layer(middleware::from_fn(headers::protect))
    }
}
