//! Who may come in: how often, from which page, by which name, and with the token.
//!
//! | part | what it does | what it does not know |
//! | --- | --- | --- |
//! | [`origin`] | pages, and names of this machine | requests |
//! | [`token`] | the token, compared; the cookie that stands for it | requests |
//! | [`rates`], [`connection_limits`] | how often, and how many at a time | why |
//! | [`refusal`] | why not, in words and as a status | who |
//! | `login` | the page that asks for the token | the rest |
//! | here | which of them is asked of which request | all of it |

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

/// Wrong tokens of an address: so many at once …
const MISTAKES: u32 = 10;
/// … and another after this.
const BETWEEN_MISTAKES: Duration = Duration::from_secs(6);

/// Requests of an address at once, as seconds of what it may ask in the long run: a page is a dozen
/// files.
const BURST_SECS: u32 = 5;

/// Rules of a hub.
#[derive(Clone, Debug)]
pub struct GateOptions {
    /// What screens have to show. Without one, only this machine's own names are answered.
    pub token: Option<HubToken>,
    /// Pages of other origins that may open sockets and change things.
    pub origins: Vec<Origin>,
    /// What is served is made up and public: pages of any origin may look at it.
    pub is_public: bool,
    /// Screens at a time.
    pub max_screens: usize,
    /// Connections of an address at a time, screens included. This machine has no such bound.
    pub max_per_address: usize,
    /// Requests of an address a second, in the long run; 0 is no bound. This machine has none.
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

/// The rules at work.
#[derive(Debug)]
pub struct Gate {
    options: GateOptions,
    /// Where the hub listens.
    bound: SocketAddr,
    requests: Option<Buckets>,
    mistakes: Buckets,
    limits: Arc<ConnectionLimits>,
    refusals: Arc<Refusals>,
}

impl Gate {
    /// The gate of a hub that listens at `bound`.
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

    /// How many there are, and how many there may be.
    pub fn limits(&self) -> &Arc<ConnectionLimits> {
        &self.limits
    }

    /// How many were refused, and why.
    pub fn refusals(&self) -> &Arc<Refusals> {
        &self.refusals
    }

    /// Whether whoever asks has shown the token, or none is wanted.
    pub fn is_known(&self, request: &Request) -> bool {
        self.check_token(request).is_ok()
    }

    fn check(&self, request: &Request) -> Result<(), Reason> {
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
        if may_change_or_listen(request) && !texts(headers, &header::ORIGIN).all(admits) {
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

    /// A token is not even looked at where too many wrong ones came before it. Cookies are: nobody
    /// tries those out, and a wall must not go dark because of whoever sits beside it.
    fn check_given(&self, token: &HubToken, given: &str, address: IpAddr) -> Result<(), Reason> {
        if !self.mistakes.has(address) {
            return Err(Reason::Mistakes);
        }
        if token.is(given) {
            return Ok(());
        }
        self.mistakes.take(address);
        super::tell(&format!("a wrong token for screens came from {address}"));
        Err(Reason::Token)
    }

    /// Values of our cookie.
    fn cookies<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        let pairs = texts(headers, &header::COOKIE).flat_map(|text| text.split(';'));
        let named = pairs.filter_map(|pair| pair.trim().split_once('='));
        let name = self.cookie_name();
        named.filter(move |(found, _)| *found == name).map(|(_, value)| value)
    }

    /// Browsers send cookies to every port of a host: two hubs on one have two names.
    fn cookie_name(&self) -> String {
        format!("meterbridge-hub-{}", self.bound.port())
    }

    fn refuse(&self, reason: Reason, path: &str) -> Response {
        self.refusals.count(reason);
        refusal::answer(reason, path)
    }
}

/// On every request, before anything else.
pub async fn admit(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    match gate.check(&request) {
        Ok(()) => next.run(request).await,
        Err(reason) => gate.refuse(reason, request.uri().path()),
    }
}

/// On what is nobody's business without the token.
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

/// On the stream of events: whoever opens a socket gets a place ([`ClientSlot`] among the request's
/// extensions), and keeps it as long as that is kept.
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

/// Who asks; without a connection of its own, somebody in this process.
fn address_of(request: &Request) -> IpAddr {
    request.extensions().get::<Peer>().map_or(Ipv4Addr::LOCALHOST.into(), Peer::address)
}

/// Whether a page of another origin could do harm with it: whatever is no mere look, and a WebSocket,
/// which browsers open to anywhere.
fn may_change_or_listen(request: &Request) -> bool {
    !matches!(*request.method(), Method::GET | Method::HEAD) || is_upgrade(request.headers())
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE)
}

/// The texts of a header, what is no text as an empty one.
fn texts<'a>(
    headers: &'a HeaderMap,
    name: &header::HeaderName,
) -> impl Iterator<Item = &'a str> + use<'a> {
    headers.get_all(name).into_iter().map(|value| value.to_str().unwrap_or_default())
}

fn hosts(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    texts(headers, &header::HOST)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = texts(headers, &header::AUTHORIZATION).next()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
