//! HTTP front of a hub over real sockets: access control, requests forwarded to the backend, health and
//! metrics.

mod health;
mod limits;
mod metrics;
mod passthrough;
mod token;
mod upstream;

use std::net::SocketAddr;
use std::time::Duration;

use meterbridge::hub::gate::{GateOptions, HubToken};
use meterbridge::hub::passthrough::{API_BASE, ApiBackend};
use meterbridge::hub::{FrontOptions, Hub, HubOptions, HubServer, JournalRetention};
use meterbridge::source::{Access, ConnectionBudget, ConnectionSettings, Secret, parse_api_url};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};

/// The hub's own token for the backend.
const UPSTREAM_TOKEN: &str = "upstream-s3cr3t-t0ken";
/// Token of the screens.
const TOKEN: &str = "screens-s3cr3t-t0ken";

fn loopback() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

fn access() -> Access {
    Access { token: Secret::new(UPSTREAM_TOKEN), ..Access::default() }
}

fn with_token(token: &str) -> GateOptions {
    let token = HubToken::new(&Secret::new(token).unwrap()).unwrap();
    GateOptions { token: Some(token), ..GateOptions::default() }
}

/// Configuration of a hub for a backend at `upstream`, as `meterbridge serve` would start it.
struct Plan {
    upstream: SocketAddr,
    listen: SocketAddr,
    gate: GateOptions,
    actions: bool,
}

impl Plan {
    fn of(upstream: SocketAddr) -> Self {
        Self { upstream, listen: loopback(), gate: GateOptions::default(), actions: false }
    }

    fn with(self, gate: GateOptions) -> Self {
        Self { gate, ..self }
    }

    fn acting(self) -> Self {
        Self { actions: true, ..self }
    }

    fn options(&self) -> HubOptions {
        let connection = ConnectionSettings {
            access: access(),
            reconnect_delay: Duration::from_millis(50),
            max_reconnect_attempts: 0,
            insist: true,
            ..ConnectionSettings::default()
        };
        let age = Duration::from_secs(3600);
        HubOptions {
            upstream: format!("http://{}", self.upstream).into(),
            connection,
            store: None,
            keep: JournalRetention { age, bytes: 1 << 20, runs: 100 },
            keep_history: Duration::from_secs(400 * 86_400),
            api: Some(API_BASE),
            actions: self.actions,
            #[cfg(feature = "cluster")]
            cluster: None,
        }
    }

    fn front(&self) -> FrontOptions {
        let url = parse_api_url(&format!("http://{}", self.upstream)).unwrap();
        FrontOptions {
            gate: self.gate.clone(),
            behind: ApiBackend::Backend {
                url,
                access: Box::new(access()),
                budget: ConnectionBudget::new(1),
            },
            allow_actions: self.actions,
            ..FrontOptions::default()
        }
    }

    /// Starts a hub that watches its upstream.
    async fn start(self) -> HubServer {
        let hub = Hub::open(self.options()).unwrap();
        HubServer::start_hub_behind(self.listen, hub, None, self.front()).await.unwrap()
    }

    /// Starts a hub that only forwards: it sends its upstream nothing that no screen asked for.
    async fn start_quietly(self) -> HubServer {
        let hub = Hub::fed_by(crossbeam_channel::never(), &self.options()).unwrap();
        HubServer::start_hub_behind(self.listen, hub, None, self.front()).await.unwrap()
    }
}

/// Returns the status of a WebSocket handshake with these headers; 101 means an open socket.
async fn handshake(server: &HubServer, headers: &[(&'static str, &str)]) -> u16 {
    let mut request = server.events_url().into_client_request().unwrap();
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).unwrap();
        request.headers_mut().insert(HeaderName::from_static(name), value);
    }
    match connect_async(request).await {
        Ok(_) => 101,
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
    }
}
