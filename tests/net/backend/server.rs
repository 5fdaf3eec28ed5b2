//! Server of the stand-in: ports, connections, and routing of requests.

use std::net::SocketAddr;

use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use super::http::{self, Request};
use super::parrot::{self, Parrot};
use super::pool::{Holder, POOL_WORDS};
use super::{BASE, Backend, CONTROL_HEADER, GatewayAnswer, Phase, rest, socket};

/// Number of connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

impl Backend {
    /// Serves on a free loopback port and returns its address.
    pub async fn listen(&self) -> SocketAddr {
        self.listen_with(|stream| async { Some(stream) }).await
    }

    /// Like [`listen`](Self::listen), with every connection passed through `wrap`.
    pub async fn listen_with<F, S>(
        &self,
        wrap: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> SocketAddr
    where
        F: Future<Output = Option<S>> + Send,
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        self.accept(listener, wrap);
        address
    }

    /// Serves the connections of `listener`, each passed through `wrap`.
    pub fn accept<F, S>(
        &self,
        listener: TcpListener,
        wrap: impl Fn(TcpStream) -> F + Send + 'static,
    ) where
        F: Future<Output = Option<S>> + Send,
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (backend, mut phase) = (self.clone(), self.phase());
        tokio::spawn(async move {
            let address = listener.local_addr().unwrap();
            let mut listener = Some(listener);
            loop {
                if *phase.borrow_and_update() != Phase::Up {
                    // Close the port at once, although executions may continue, and reserve its number.
                    drop(listener.take());
                    let socket = reserve(address).await;
                    if phase.wait_for(|phase| *phase == Phase::Up).await.is_err() {
                        return;
                    }
                    listener = Some(socket.listen(BACKLOG).unwrap());
                }
                let Some(listener) = &listener else { return };
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    changed = phase.changed() => match changed {
                        Ok(()) => continue,
                        Err(_) => return,
                    },
                };
                if let Ok((stream, _)) = accepted
                    && let Some(stream) = wrap(stream).await
                {
                    tokio::spawn(backend.clone().serve(stream));
                }
            }
        });
    }

    /// Serves one connection until it ends.
    pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(self, mut stream: S) {
        let mut phase = self.phase();
        loop {
            let request = tokio::select! {
                request = Request::read(&mut stream) => request,
                _ = phase.changed() => return,
            };
            let Some(request) = request else { return };
            self.thawed().await;
            let answered = tokio::select! {
                biased;
                // A server that is killed while frozen answers nothing.
                () = killed(&mut phase) => return,
                answered = self.respond(&mut stream, &request) => answered,
            };
            match answered {
                Next::KeepAlive if *phase.borrow() == Phase::Up => {}
                Next::KeepAlive | Next::Drop => return,
                Next::Upgrade => {
                    socket::serve(&self, stream, &request).await;
                    return;
                }
            }
        }
    }

    async fn respond<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        request: &Request,
    ) -> Next {
        let (refused, moved, has_active_runs, gateway) = {
            let mut knobs = self.knobs();
            let named = |name: &str| request.headers.get(name).cloned();
            let authorization = named("authorization").or_else(|| named("x-api-key"));
            let is_control = request.headers.contains_key(CONTROL_HEADER);
            knobs.seen.viewers_requests += usize::from(!is_control);
            knobs.seen.requests.push(format!("{} {}", request.method, request.path));
            knobs.seen.authorizations.push(authorization);
            if request.method == "POST" {
                let body = serde_json::from_slice(&request.body).unwrap_or_default();
                knobs.seen.posts.push((request.path.clone(), body));
                knobs.seen.content_types.push(request.headers.get("content-type").cloned());
            }
            (knobs.sockets_refused, knobs.moved.clone(), knobs.has_active_runs, knobs.gateway)
        };
        if let Some(GatewayAnswer { status, location, page }) = gateway {
            self.thawed().await;
            let headers: Vec<_> =
                location.map(|it| ("location", it.to_owned())).into_iter().collect();
            let sent = http::answer_text(stream, status, &headers, "text/html", page).await;
            return if sent.is_err() { Next::Drop } else { Next::KeepAlive };
        }
        let upgrade = request.headers.contains_key("upgrade");
        let path = request.path.strip_prefix(BASE);
        let repeats = self.repeats(request);
        let mut reply = match path {
            _ if let Some((Parrot::Refuses(status), said)) = &repeats => {
                rest::Reply::new(*status, json!({"detail": format!("{said} will not do")}))
            }
            _ if let Some((Parrot::Moves, said)) = &repeats => {
                let userinfo = said.replace(' ', ":");
                rest::Reply::moved(307, format!("http://{userinfo}@elsewhere/{said}?x={said}"))
            }
            _ if let Some((status, origin)) = moved => {
                rest::Reply::moved(status, format!("{origin}{}", request.path))
            }
            Some("/runs/events") if upgrade && refused.is_none() => return Next::Upgrade,
            _ if upgrade => rest::Reply {
                drops: true,
                ..rest::Reply::new(refused.unwrap_or(403), json!({"detail": "Forbidden"}))
            },
            Some(path) => self.answer(request, path).await,
            None => rest::Reply::new(404, json!({"detail": "Not Found"})),
        };
        if let Some((Parrot::Tells, said)) = &repeats
            && reply.body["executions"].is_array()
        {
            reply.body["error"] = parrot::error(said);
        }
        if !has_active_runs && path == Some("/monitoring/active-runs") {
            reply.status = 404;
        }
        // A server that froze meanwhile answers after the freeze.
        self.thawed().await;
        let headers: Vec<(&str, String)> =
            reply.location.into_iter().map(|place| ("location", place)).collect();
        let sent = http::answer(stream, reply.status, &headers, &reply.body).await;
        if reply.drops || sent.is_err() { Next::Drop } else { Next::KeepAlive }
    }

    /// Answers a call. Takes the configured time and holds a database connection meanwhile.
    async fn answer(&self, request: &Request, path: &str) -> rest::Reply {
        let is_control = request.headers.contains_key(CONTROL_HEADER);
        let holder = match request.method.as_str() {
            "GET" if !is_control => Holder::Query,
            _ => Holder::Other,
        };
        let Some(held) = self.connection(holder).await else {
            return rest::Reply::unhandled(POOL_WORDS);
        };
        self.work(self.answer_times().of(path)).await;
        // An execution uses connections of its own.
        let held = if path.ends_with("/execute") { None } else { Some(held) };
        let reply = rest::reply(self, request, path).await;
        drop(held);
        reply
    }
}

/// Binds the port without listening, so that connections to it are refused.
async fn reserve(address: SocketAddr) -> TcpSocket {
    loop {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        if socket.bind(address).is_ok() {
            return socket;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

/// Waits until the server is killed. A restart does not count: it lets requests finish.
async fn killed(phase: &mut watch::Receiver<Phase>) {
    if phase.wait_for(|phase| *phase == Phase::Killed).await.is_err() {
        std::future::pending().await
    }
}

enum Next {
    KeepAlive,
    Drop,
    Upgrade,
}
