//! Connections: accepted, bounded in number and in time, and ended.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, middleware};
use hyper::server::conn::http1;
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

use super::{Hub, HubError, Site, events, headers, site};
use crate::demo::{
    DemoOptions, House,
    server::{ALL_RUNS, bind, next_connection},
};

/// HTTP connections at a time; more wait to be accepted. WebSockets are not among them: whoever
/// serves them counts those.
const MAX_CONNECTIONS: usize = 256;

/// A client has so long for the head of a request, and for the pause before it.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Nobody takes longer over a page and its 20 MB. Who does, reads nothing and is cut off; a client
/// that is at rest merely connects again.
const CONNECTION_LIFETIME: Duration = Duration::from_secs(600);

/// How long a client has to take the rest of an answer when its connection ends.
const CLOSE_GRACE: Duration = Duration::from_millis(500);

/// What is behind the page.
#[derive(Clone, Debug)]
pub(super) enum Served {
    /// A demo studio.
    Studio(Arc<House>),
    /// A hub, with an upstream.
    Hub(Arc<Hub>),
}

impl Served {
    /// Closes every viewer with 1001, and waits a moment for them to take it.
    async fn close(&self) {
        match self {
            Self::Studio(house) => house.close().await,
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
        let bound = bind(listen).await?;
        Ok(Self::over(bound, Served::Studio(Arc::new(House::open(options))), site))
    }

    /// The same with a hub in the studio's place.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on.
    pub async fn start_hub(
        listen: SocketAddr,
        hub: Hub,
        site: Option<Site>,
    ) -> Result<Self, HubError> {
        let bound = bind(listen).await?;
        Ok(Self::over(bound, Served::Hub(Arc::new(hub)), site))
    }

    fn over(
        (listener, address): (TcpListener, SocketAddr),
        served: Served,
        site: Option<Site>,
    ) -> Self {
        let (stopping, stopped) = watch::channel(false);
        let serve = tokio::spawn(serve(listener, router(served.clone(), site), stopped));
        Self { address, served, stopping, serve }
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
            Served::Studio(_) => None,
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

fn router(served: Served, site: Option<Site>) -> Router {
    let page = site::routes(site).layer(middleware::from_fn(headers::describe));
    let events = match served {
        Served::Studio(house) => events::of_studio(house),
        Served::Hub(hub) => events::of_hub(hub),
    };
    events.fallback_service(page).layer(middleware::from_fn(headers::protect))
}

/// Accepts connections until it is told to stop, then waits for those it has.
async fn serve(listener: TcpListener, router: Router, stopped: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    let accept = async {
        // The room is never closed.
        while let Ok(place) = Arc::clone(&room).acquire_owned().await {
            let stream = next_connection(&listener).await;
            let connection = converse(stream, router.clone(), stopped.clone());
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
async fn converse(stream: TcpStream, router: Router, stopped: watch::Receiver<bool>) {
    // Small answers at once; where that cannot be had they are merely later.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        // Whatever ended it, the client knows: it has been told, or it left.
        _ended = connection.as_mut() => return,
        () = told(stopped) => {}
        () = sleep(CONNECTION_LIFETIME) => {}
    }
    connection.as_mut().graceful_shutdown();
    // Who does not take it within the grace is cut off.
    let _ = timeout(CLOSE_GRACE, connection).await;
}
