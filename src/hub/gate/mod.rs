//! Access control: rate limits, origins, host names and the token.
//!
//! | part | what it does | what it does not know |
//! | --- | --- | --- |
//! | [`origin`] | origins of pages, and names of this machine | requests |
//! | [`token`] | compares the token; the cookie that stands for it | requests |
//! | [`rates`], [`connection_limits`] | limits on rates and on concurrent connections | reasons |
//! | [`refusal`] | reasons for refusals, their texts and statuses | clients |
//! | `login` | the page that asks for the token | the rest |
//! | this file | applies the checks to requests | |

mod args;
mod connection_limits;
mod login;
mod origin;
mod rates;
mod refusal;
mod token;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::Response,
};

pub use self::{
    args::GateArgs,
    connection_limits::{ClientSlot, ConnectionLimits, Peer},
    origin::Origin,
    refusal::{Reason, Refusals},
    token::{HubToken, TokenError},
};
use self::{origin::means_this_machine, rates::Buckets};

/// Number of wrong tokens that an address may try at once.
const MISTAKES: u32 = 10;
/// Interval after which an address may try another wrong token.
const BETWEEN_MISTAKES: Duration = Duration::from_secs(6);

/// Burst size of the request rate, in seconds of the sustained rate: a page consists of a dozen
/// files.
const BURST_SECS: u32 = 5;

/// Access rules of a hub.
#[derive(Clone, Debug)]
pub struct GateOptions {
    /// Token required from screens. Without one, only requests to this machine's own names are
    /// answered.
    pub token: Option<HubToken>,
    /// Other origins whose pages may open sockets and send changes.
    pub origins: Vec<Origin>,
    /// True when the served data is made up and public, so that pages of any origin may read it.
    pub is_public: bool,
    /// Maximum number of screens.
    pub max_screens: usize,
    /// Maximum number of connections per address, including screens. Loopback is not limited.
    pub max_per_address: usize,
    /// Maximum sustained rate of requests per address and second; 0 for no limit. Loopback is not
    /// limited.
    pub max_request_rate: u32,
}

impl Default for GateOptions {
    fn default() -> Self {
        Self {
            token: None,
            origins: Vec::new(),
            is_public: false,
            max_screens: 512,
            max_per_address: 64,
            max_request_rate: 20,
        }
    }
}

/// Marks, in a request's extensions, that too many requests are being answered.
#[derive(Clone, Copy, Debug)]
pub struct Crowded;

/// Applies the access rules.
#[derive(Debug)]
pub struct Gate {
    options: GateOptions,
    /// Address on which the hub listens.
    bound: SocketAddr,
    requests: Option<Buckets>,
    mistakes: Buckets,
    limits: Arc<ConnectionLimits>,
    refusals: Arc<Refusals>,
}

impl Gate {
    /// Creates the gate of a hub that listens on `bound`.
    pub fn new(bound: SocketAddr, options: GateOptions) -> Self {
        let rate = options.max_request_rate;
        let requests =
            (rate > 0).then(|| Buckets::new(Duration::from_secs(1) / rate, rate * BURST_SECS));
        Self {
            requests,
            mistakes: Buckets::new(BETWEEN_MISTAKES, MISTAKES),
            limits: Arc::new(ConnectionLimits::new(options.max_screens, options.max_per_address)),
            refusals: Arc::default(),
            options,
            bound,
        }
    }

    /// Returns the connection and screen limits, with their current numbers.
    pub fn limits(&self) -> &Arc<ConnectionLimits> {
        &self.limits
    }

    /// Returns the numbers of refusals by reason.
    pub fn refusals(&self) -> &Arc<Refusals> {
        &self.refusals
    }

    /// True when the request carries the token, or none is required.
    pub fn is_known(&self, request: &Request) -> bool {
        self.check_token(request).is_ok()
    }

    fn check(&self, request: &Request) -> Result<(), Reason> {
        if request.extensions().get::<Crowded>().is_some() {
            return Err(Reason::Busy);
        }
        let address = address_of(request);
        if let Some(requests) = &self.requests
            && !address.is_loopback()
            && !requests.take(address)
        {
            return Err(Reason::Rate);
        }
        if self.options.is_public {
            return Ok(());
        }
        let headers = request.headers();
        if self.options.token.is_none() && !hosts(headers).all(|host| self.answers_to(host)) {
            return Err(Reason::Host);
        }
        let admits = |origin: &str| {
            origin.parse::<Origin>().is_ok_and(|origin| {
                self.options.origins.contains(&origin)
                    || hosts(headers).any(|host| origin.is_of(host))
            })
        };
        if may_change_or_listen(request) && !header_values(headers, &header::ORIGIN).all(admits) {
            return Err(Reason::Origin);
        }
        Ok(())
    }

    fn answers_to(&self, host: &str) -> bool {
        means_this_machine(host, self.bound.ip())
            || self.options.origins.iter().any(|origin| origin.is_of(host))
    }

    fn check_token(&self, request: &Request) -> Result<(), Reason> {
        let Some(token) = &self.options.token else { return Ok(()) };
        let headers = request.headers();
        if self.cookies(headers).any(|value| token.is_cookie(value)) {
            return Ok(());
        }
        match bearer(headers) {
            Some(given) => self.check_given(token, given, address_of(request)),
            None => Err(Reason::Token),
        }
    }

    /// Checks a token sent by a client. The right token is accepted whatever else the address has
    /// sent, because all clients of a proxy share one address. Its length, and the rate of requests,
    /// make it hard to guess; the limit on wrong tokens bounds what they write into the log.
    fn check_given(&self, token: &HubToken, given: &str, address: IpAddr) -> Result<(), Reason> {
        if token.matches(given) {
            return Ok(());
        }
        if !self.mistakes.take(address) {
            return Err(Reason::Mistakes);
        }
        super::log_line(&format!("wrong token for screens from {address}"));
        Err(Reason::Token)
    }

    /// Returns the values of the hub's cookie.
    fn cookies<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        let pairs = header_values(headers, &header::COOKIE).flat_map(|text| text.split(';'));
        let named = pairs.filter_map(|pair| pair.trim().split_once('='));
        let name = self.cookie_name();
        named.filter(move |(found, _)| *found == name).map(|(_, value)| value)
    }

    /// Returns the cookie's name. It contains the port, because browsers send cookies to all ports
    /// of a host, which may run two hubs.
    fn cookie_name(&self) -> String {
        format!("meterbridge-hub-{}", self.bound.port())
    }

    fn refuse(&self, reason: Reason, path: &str) -> Response {
        self.refusals.count(reason);
        refusal::answer(reason, path)
    }
}

/// Middleware for every request; runs before anything else.
pub async fn admit(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    match gate.check(&request) {
        Ok(()) => next.run(request).await,
        Err(reason) => gate.refuse(reason, request.uri().path()),
    }
}

/// Middleware for paths that require the token.
pub async fn ask_for_token(
    State(gate): State<Arc<Gate>>,
    request: Request,
    next: Next,
) -> Response {
    match gate.check_token(&request) {
        Ok(()) => next.run(request).await,
        Err(reason) => gate.refuse(reason, request.uri().path()),
    }
}

/// Middleware for the stream of events: reserves a screen slot ([`ClientSlot`] in the request's
/// extensions) for each WebSocket. The slot is released when it is dropped.
pub async fn reserve(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    if is_upgrade(request.headers()) {
        let Some(slot) = gate.limits.reserve(request.extensions().get::<Peer>()) else {
            return gate.refuse(Reason::Clients, request.uri().path());
        };
        request.extensions_mut().insert(slot);
    }
    next.run(request).await
}

pub use login::{lead_to_login, routes as login_routes};

/// Returns the client's address; loopback when the request did not come over a connection.
fn address_of(request: &Request) -> IpAddr {
    request.extensions().get::<Peer>().map_or(Ipv4Addr::LOCALHOST.into(), Peer::address)
}

/// True for requests with which a page of another origin could do harm: those that are not GET or
/// HEAD, and WebSocket handshakes, which browsers allow to any host.
fn may_change_or_listen(request: &Request) -> bool {
    !matches!(*request.method(), Method::GET | Method::HEAD) || is_upgrade(request.headers())
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE)
}

/// Returns the values of a header; values that are not text are returned as empty.
fn header_values<'a>(
    headers: &'a HeaderMap,
    name: &header::HeaderName,
) -> impl Iterator<Item = &'a str> + use<'a> {
    headers.get_all(name).into_iter().map(|value| value.to_str().unwrap_or_default())
}

fn hosts(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    header_values(headers, &header::HOST)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = header_values(headers, &header::AUTHORIZATION).next()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
