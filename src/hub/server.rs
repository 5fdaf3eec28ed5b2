//! Connections: accepted, bounded in number and in time, and ended.

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, extract::Request, middleware, response::Response};
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
    Hub, HubError, Site, events,
    front::{Front, FrontOptions},
    gate::{Gate, GateOptions, Peer, Reason},
    headers, site,
};
use crate::demo::{DemoBroadcaster, DemoError, DemoOptions, server::ALL_RUNS};
use crate::server::port::{self, next_connection};

/// HTTP connections at a time; more wait to be accepted. Screens are counted beside them, by the
/// gate: however many there are, somebody can still ask how the hub is.
const MAX_CONNECTIONS: usize = 256;

/// What the system keeps for a screen that reads nothing: by itself it would be megabytes for each.
const SEND_BUFFER_BYTES: u32 = 256 << 10;

/// Bytes of a request's head.
const MAX_HEAD_BYTES: usize = 16 << 10;

/// A client has so long for the head of a request, and for the pause before it.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Nobody takes longer over a page and its 20 MB. Who does, reads nothing and is cut off; a client
/// that is at rest merely connects again.
const CONNECTION_LIFETIME: Duration = Duration::from_secs(600);

/// How long a client has to take the rest of an answer when its connection ends.
const CLOSE_GRACE: Duration = Duration::from_millis(500);

/// Listens, as `meterbridge demo` does.
fn bind(
    listen: SocketAddr,
    send_buffer_bytes: Option<u32>,
) -> Result<(TcpListener, SocketAddr), DemoError> {
    port::bind(listen, send_buffer_bytes).map_err(|source| DemoError::listen(listen, source))
}

/// What is behind the page.
#[derive(Clone, Debug)]
pub(super) enum Served {
    /// A demo studio.
    Demo(Arc<DemoBroadcaster>),
    /// A hub, with an upstream.
    Hub(Arc<Hub>),
}

impl Served {
    fn hub(&self) -> Option<Arc<Hub>> {
        match self {
            Self::Demo(_) => None,
            Self::Hub(hub) => Some(Arc::clone(hub)),
        }
    }

    /// Closes every viewer with 1001, and waits a moment for them to take it.
    async fn close(&self) {
        match self {
            Self::Demo(broadcaster) => broadcaster.close().await,
            Self::Hub(hub) => hub.close().await,
        }
    }
}

/// The page and its events on one port. Dropping it ends both at once; [`stop`](Self::stop) says
/// goodbye first.
#[derive(Debug)]
pub struct HubServer {
    address: SocketAddr,
    served: Served,
    stopping: watch::Sender<bool>,
    /// Accepts connections and owns them.
    serve: JoinHandle<()>,
}

impl HubServer {
    /// Serves `site` and a studio on `listen` (port 0: any free one), on the runtime this is called
    /// on. Without a site a page says how to get one.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on.
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

    /// The same behind a front of its own.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on, or the front cannot be had.
    pub async fn start_behind(
        listen: SocketAddr,
        options: DemoOptions,
        site: Option<Site>,
        front: FrontOptions,
    ) -> Result<Self, HubError> {
        let bound = bind(listen, None)?;
        let served = Served::Demo(Arc::new(DemoBroadcaster::open(options)));
        Self::over(bound, served, site, front)
    }

    /// The same with a hub in the studio's place.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on, or the front cannot be had.
    pub async fn start_hub(
        listen: SocketAddr,
        hub: Hub,
        site: Option<Site>,
    ) -> Result<Self, HubError> {
        Self::start_hub_behind(listen, hub, site, FrontOptions::default()).await
    }

    /// The same behind a front of its own.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on, or the front cannot be had.
    pub async fn start_hub_behind(
        listen: SocketAddr,
        hub: Hub,
        site: Option<Site>,
        front: FrontOptions,
    ) -> Result<Self, HubError> {
        let bound = bind(listen, Some(SEND_BUFFER_BYTES))?;
        Self::over(bound, Served::Hub(Arc::new(hub)), site, front)
    }

    fn over(
        (listener, address): (TcpListener, SocketAddr),
        served: Served,
        site: Option<Site>,
        front: FrontOptions,
    ) -> Result<Self, HubError> {
        let (stopping, stopped) = watch::channel(false);
        let front = Front::new(address, served.hub(), front)?;
        let gate = Arc::clone(&front.gate);
        let router = router(front, &served, site);
        let serve = tokio::spawn(serve(listener, router, gate, stopped));
        Ok(Self { address, served, stopping, serve })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the page is.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Where the events of all runs are.
    pub fn events_url(&self) -> String {
        format!("ws://{}{ALL_RUNS}", self.address)
    }

    /// The hub that is served, where it is one.
    pub fn hub(&self) -> Option<&Hub> {
        match &self.served {
            Served::Demo(_) => None,
            Served::Hub(hub) => Some(hub),
        }
    }

    /// Closes every viewer with 1001 and every other connection when it has its answer, waits a
    /// moment for both, and ends.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        // Ended or not: the port is free when both are through.
        let _ = tokio::join!(self.served.close(), &mut self.serve);
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
    let page = site::routes(site).layer(middleware::from_fn(headers::describe));
    let events = match served {
        Served::Demo(broadcaster) => events::of_demo(Arc::clone(broadcaster)),
        Served::Hub(hub) => events::of_hub(Arc::clone(hub)),
    };
    front.router(events, page)
}

/// Accepts connections until it is told to stop, then waits for those it has.
async fn serve(
    listener: TcpListener,
    router: Router,
    gate: Arc<Gate>,
    stopped: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    let accept = async {
        // The room is never closed.
        while let Ok(place) = Arc::clone(&room).acquire_owned().await {
            let stream = next_connection(&listener).await;
            // Who has no address any more has left.
            let Ok(from) = stream.peer_addr() else { continue };
            let Some(peer) = gate.limits().enter(from.ip()) else {
                gate.refusals().count(Reason::Connections);
                continue;
            };
            let connection = converse(stream, router.clone(), peer, stopped.clone());
            connections.spawn(async move {
                connection.await;
                drop(place);
            });
            // Those that have ended, so that they do not pile up.
            while connections.try_join_next().is_some() {}
        }
    };
    tokio::select! {
        () = accept => {}
        () = told(stopped.clone()) => {}
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Waits to be told to stop; nobody being left to tell is the same.
async fn told(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// Serves one connection until it ends or becomes a WebSocket.
async fn converse(stream: TcpStream, router: Router, peer: Peer, stopped: watch::Receiver<bool>) {
    // Small answers at once; where that cannot be had they are merely later.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_header_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), Answering::new(router, peer.clone()))
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        // Whatever ended it, the client knows: it has been told, or it left.
        _ended = connection.as_mut() => return,
        () = told(stopped) => {}
        () = grows_old(&peer) => {}
    }
    connection.as_mut().graceful_shutdown();
    // Who does not take it within the grace is cut off.
    let _ = timeout(CLOSE_GRACE, connection).await;
}

/// Waits until a connection has had its time. One that waits for the end of a run has not.
async fn grows_old(peer: &Peer) {
    loop {
        sleep(CONNECTION_LIFETIME).await;
        if !peer.waits_long() {
            return;
        }
    }
}

/// The router, telling it whose connection a request came on.
struct Answering {
    router: TowerToHyperService<Router>,
    peer: Peer,
}

impl Answering {
    fn new(router: Router, peer: Peer) -> Self {
        Self { router: TowerToHyperService::new(router), peer }
    }
}

impl Service<Request<Incoming>> for Answering {
    type Response = Response;
    type Error = Infallible;
    type Future = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer.clone());
        self.router.call(request)
    }
}
