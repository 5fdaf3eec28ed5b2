//! HTTP connections: accepting them, limiting their number and duration, and closing them.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use axum::{Router, extract::Request, http::header, middleware, response::Response};
use hyper::{body::Incoming, server::conn::http1, service::Service};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use super::{
    Hub, HubError, Site,
    connections::{Connection, Connections, MOST_CONNECTIONS},
    events,
    front::{Front, FrontOptions},
    gate::{Crowded, Gate, GateOptions, Peer, Reason},
    headers, health, site,
    webhooks::Webhooks,
};
use crate::demo::{DemoBroadcaster, DemoError, DemoOptions, server::ALL_RUNS};
use crate::server::port::{self, next_connection};

/// Send buffer per screen; the system's default may be megabytes for a screen that does not read.
const SEND_BUFFER_BYTES: u32 = 256 << 10;

/// Maximum size of a request's head in bytes.
const MAX_HEAD_BYTES: usize = 16 << 10;

/// Timeout for receiving the head of a request, including the idle time before it.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Lifetime of a connection. Loading the page's 20 MB never takes this long. Clients that do not
/// read are cut off; idle clients just reconnect.
const CONNECTION_LIFETIME: Duration = Duration::from_secs(600);

/// Time for a client to receive the rest of an answer when its connection is closed.
const CLOSE_GRACE: Duration = Duration::from_millis(500);

/// Listens on the address, like `meterbridge demo`.
fn bind(
    listen: SocketAddr,
    send_buffer_bytes: Option<u32>,
) -> Result<(TcpListener, SocketAddr), DemoError> {
    port::bind(listen, send_buffer_bytes).map_err(|source| DemoError::listen(listen, source))
}

/// The source of events behind the page.
#[derive(Clone, Debug)]
pub(super) enum Served {
    /// A demo studio.
    Demo(Arc<DemoBroadcaster>),
    /// A hub with an upstream.
    Hub(Arc<Hub>),
}

impl Served {
    fn hub(&self) -> Option<Arc<Hub>> {
        match self {
            Self::Demo(_) => None,
            Self::Hub(hub) => Some(Arc::clone(hub)),
        }
    }

    /// Closes every viewer with 1001 and waits briefly for confirmation.
    async fn close(&self) {
        match self {
            Self::Demo(broadcaster) => broadcaster.close().await,
            Self::Hub(hub) => hub.close().await,
        }
    }
}

/// Serves the page and its events on one port. Dropping it ends both at once; [`stop`](Self::stop)
/// closes connections properly first.
#[derive(Debug)]
pub struct HubServer {
    address: SocketAddr,
    served: Served,
    /// `None` for a demo studio.
    webhooks: Option<Arc<Webhooks>>,
    stopping: watch::Sender<bool>,
    /// Accepts connections and owns them.
    serve: JoinHandle<()>,
}

impl HubServer {
    /// Serves `site` and a demo studio on `listen` (port 0 for any free port), on the current
    /// runtime. Without a site, a placeholder page explains how to get one.
    ///
    /// # Errors
    ///
    /// Fails when the address cannot be listened on.
    pub async fn start(
        listen: SocketAddr,
        options: DemoOptions,
        site: Option<Site>,
    ) -> Result<Self, HubError> {
        let front = FrontOptions {
            gate: GateOptions { is_public: true, ..GateOptions::default() },
            ..FrontOptions::default()
        };
        Self::start_behind(listen, options, site, front).await
    }

    /// Serves `site` and a demo studio, with the given front.
    ///
    /// # Errors
    ///
    /// Fails when the address cannot be listened on, or the front cannot be created.
    pub async fn start_behind(
        listen: SocketAddr,
        options: DemoOptions,
        site: Option<Site>,
        front: FrontOptions,
    ) -> Result<Self, HubError> {
        let bound = bind(listen, None)?;
        let served = Served::Demo(Arc::new(DemoBroadcaster::open(options)));
        Self::with_listener(bound, served, site, front)
    }

    /// Serves `site` and a hub.
    ///
    /// # Errors
    ///
    /// Fails when the address cannot be listened on, or the front cannot be created.
    pub async fn start_hub(
        listen: SocketAddr,
        hub: Hub,
        site: Option<Site>,
    ) -> Result<Self, HubError> {
        Self::start_hub_behind(listen, hub, site, FrontOptions::default()).await
    }

    /// Serves `site` and a hub, with the given front.
    ///
    /// # Errors
    ///
    /// Fails when the address cannot be listened on, or the front cannot be created.
    pub async fn start_hub_behind(
        listen: SocketAddr,
        hub: Hub,
        site: Option<Site>,
        front: FrontOptions,
    ) -> Result<Self, HubError> {
        let bound = bind(listen, Some(SEND_BUFFER_BYTES))?;
        Self::with_listener(bound, Served::Hub(Arc::new(hub)), site, front)
    }

    fn with_listener(
        (listener, address): (TcpListener, SocketAddr),
        served: Served,
        site: Option<Site>,
        front: FrontOptions,
    ) -> Result<Self, HubError> {
        let (stopping, stopped) = watch::channel(false);
        let front = Front::new(address, served.hub(), front)?;
        let gate = Arc::clone(&front.gate);
        let webhooks = front.webhooks.clone();
        let router = router(front, &served, site);
        let serve = tokio::spawn(serve(listener, router, gate, stopped));
        Ok(Self { address, served, webhooks, stopping, serve })
    }

    /// Returns the address on which the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL of the page.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Returns the URL of the stream of all runs.
    pub fn events_url(&self) -> String {
        format!("ws://{}{ALL_RUNS}", self.address)
    }

    /// Returns the hub; `None` for a demo studio.
    pub fn hub(&self) -> Option<&Hub> {
        match &self.served {
            Served::Demo(_) => None,
            Served::Hub(hub) => Some(hub),
        }
    }

    /// Closes every viewer with 1001 and every other connection after its answer, waits briefly for
    /// both, and ends.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        let webhooks = async {
            if let Some(webhooks) = &self.webhooks {
                webhooks.stop().await;
            }
        };
        // The result does not matter: the port is free when both have finished.
        let _ = tokio::join!(self.served.close(), webhooks, &mut self.serve);
    }
}

impl Drop for HubServer {
    fn drop(&mut self) {
        self.serve.abort();
        if let Some(hub) = self.hub() {
            hub.end();
        }
    }
}

fn router(front: Front, served: &Served, site: Option<Site>) -> Router {
    let page = site::routes(site).layer(middleware::from_fn(headers::add_caching_headers));
    let events = match served {
        Served::Demo(broadcaster) => events::demo_routes(Arc::clone(broadcaster)),
        Served::Hub(hub) => events::hub_routes(Arc::clone(hub)),
    };
    front.router(events, page)
}

/// Accepts connections until told to stop, then waits for the open ones.
async fn serve(
    listener: TcpListener,
    router: Router,
    gate: Arc<Gate>,
    stopped: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let open = Arc::new(Connections::default());
    let mut connections = JoinSet::new();
    let accept = async {
        loop {
            let stream = next_connection(&listener).await;
            // A client without an address has already left.
            let Ok(from) = stream.peer_addr() else { continue };
            // A refused client takes nobody's place.
            let Some(peer) = gate.limits().enter(from.ip()) else {
                gate.refusals().count(Reason::Connections);
                continue;
            };
            if room.available_permits() == 0 {
                open.close_one();
            }
            // The semaphore is never closed.
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
            let entry = Arc::new(open.enter());
            let connection =
                handle_connection(stream, router.clone(), peer, entry, stopped.clone());
            connections.spawn(async move {
                connection.await;
                drop(place);
            });
            // Remove finished tasks, so that they do not accumulate.
            while connections.try_join_next().is_some() {}
        }
    };
    tokio::select! {
        () = accept => {}
        () = wait_for_stop(stopped.clone()) => {}
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Waits until told to stop, or until the sender is dropped.
async fn wait_for_stop(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// Serves one connection until it ends or becomes a WebSocket.
async fn handle_connection(
    stream: TcpStream,
    router: Router,
    peer: Peer,
    entry: Arc<Connection>,
    stopped: watch::Receiver<bool>,
) {
    // Send small answers at once; a failure only delays them.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_header_size(MAX_HEAD_BYTES)
        .serve_connection(
            TokioIo::new(stream),
            PeerService::new(router, peer.clone(), Arc::clone(&entry)),
        )
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        // However it ended, the client has been informed or has left.
        _ended = connection.as_mut() => return,
        // The client was idle, or did not read.
        () = entry.closing() => return,
        () = wait_for_stop(stopped) => {}
        () = wait_for_lifetime(&peer) => {}
    }
    connection.as_mut().graceful_shutdown();
    // Clients that do not finish within the grace period are cut off.
    let _ = timeout(CLOSE_GRACE, connection).await;
}

/// Waits until a connection has reached its lifetime, extended while it waits for the end of a run.
async fn wait_for_lifetime(peer: &Peer) {
    loop {
        sleep(CONNECTION_LIFETIME).await;
        if !peer.waits_long() {
            return;
        }
    }
}

/// The router as a service that adds the client's connection to each request.
struct PeerService {
    router: TowerToHyperService<Router>,
    peer: Peer,
    entry: Arc<Connection>,
}

impl PeerService {
    fn new(router: Router, peer: Peer, entry: Arc<Connection>) -> Self {
        Self { router: TowerToHyperService::new(router), peer, entry }
    }
}

impl Service<Request<Incoming>> for PeerService {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer.clone());
        let is_urgent =
            request.uri().path() == health::PATH || request.headers().contains_key(header::UPGRADE);
        if !self.entry.begin(is_urgent) {
            request.extensions_mut().insert(Crowded);
        }
        let (answer, entry) = (self.router.call(request), Arc::clone(&self.entry));
        Box::pin(async move { answer.await.map(|answer| answer.map(|body| entry.sending(body))) })
    }
}
