//! The login page, which asks for the token. It works without scripts and is needed once per
//! browser.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use tokio::time::timeout;

use super::{Gate, HubToken, Origin, Reason, address_of, header_values};

const LOGIN: &str = "/login";
const PAGE: &str = include_str!("login.html");
const STYLE: &str = include_str!("login.css");

/// Placeholder for the message in the page.
const MESSAGE: &str = "<!--message-->";

/// Allows the form to be sent to the hub, which the other pages' policy forbids.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Maximum size of a form in bytes.
const MOST_BYTES: usize = 4 << 10;

/// Timeout for receiving a form.
const PATIENCE: Duration = Duration::from_secs(10);

/// Lifetime of the cookie in seconds: the longest that browsers accept, because nobody at a wall
/// could log in again.
const LASTS: u32 = 400 * 86_400;

/// Returns the routes of the login page and its style sheet.
pub fn routes(gate: Arc<Gate>) -> Router {
    let style = || async { ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE) };
    Router::new()
        .route(LOGIN, get(show_login_page).post(sign_in))
        .route("/login.css", get(style))
        .with_state(gate)
}

/// Redirects to the login when the page itself is opened without the cookie; the login returns to
/// the same address. Other files of the page are not secret.
pub async fn lead_to_login(
    State(gate): State<Arc<Gate>>,
    request: Request,
    next: Next,
) -> Response {
    let opens = matches!(request.uri().path(), "/" | "/index.html" | "/embed.html")
        && matches!(*request.method(), Method::GET | Method::HEAD);
    if !opens || gate.has_signed_in(request.headers()) {
        return next.run(request).await;
    }
    let wanted = request.uri().path_and_query().map_or("/", |wanted| wanted.as_str());
    let location = match wanted {
        "/" => LOGIN.to_owned(),
        wanted => format!("{LOGIN}?next={}", encoded(wanted)),
    };
    see(&location)
}

impl Gate {
    /// True when the browser has the cookie, or no token is configured.
    fn has_signed_in(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.options.token else { return true };
        self.cookies(headers).any(|value| token.is_cookie(value))
    }

    fn cookie(&self, token: &HubToken, secure: bool) -> String {
        let (name, value) = (self.cookie_name(), token.cookie());
        let secure = if secure { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; Max-Age={LASTS}; HttpOnly; SameSite=Strict{secure}")
    }
}

async fn show_login_page(State(gate): State<Arc<Gate>>, request: Request) -> Response {
    if gate.has_signed_in(request.headers()) {
        return see(&return_path(&request));
    }
    page(StatusCode::OK, "")
}

async fn sign_in(State(gate): State<Arc<Gate>>, request: Request) -> Response {
    let location = return_path(&request);
    let Some(token) = &gate.options.token else { return see(&location) };
    let address = address_of(&request);
    // With HTTPS, terminated by a proxy in front of the hub, the cookie is marked `Secure`.
    let secure = header_values(request.headers(), &header::ORIGIN)
        .any(|origin| origin.parse::<Origin>().is_ok_and(|origin| origin.is_secure()));
    let form = match timeout(PATIENCE, to_bytes(request.into_body(), MOST_BYTES)).await {
        Ok(Ok(form)) => form,
        Ok(Err(_)) => {
            gate.refusals.count(Reason::Size);
            return page(StatusCode::PAYLOAD_TOO_LARGE, "This is too long for a token.");
        }
        Err(_) => return page(StatusCode::REQUEST_TIMEOUT, "The form took too long to arrive."),
    };
    let given = form_urlencoded::parse(&form).find(|(name, _)| name == "token");
    let given = given.map(|(_, value)| value.trim().to_owned()).unwrap_or_default();
    match gate.check_given(token, &given, address) {
        Ok(()) => {
            let mut response = see(&location);
            if let Ok(cookie) = HeaderValue::from_str(&gate.cookie(token, secure)) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(reason) => {
            gate.refusals.count(reason);
            let words = match reason {
                Reason::Mistakes => {
                    "Wrong token, after several wrong ones from this address. Ask the operator of this \
                     hub."
                }
                _ => "Wrong token. Ask the operator of this hub.",
            };
            // 403 instead of 401: the form offers no header to retry with.
            let status = match reason {
                Reason::Mistakes => StatusCode::TOO_MANY_REQUESTS,
                _ => StatusCode::FORBIDDEN,
            };
            page(status, words)
        }
    }
}

/// Returns the address to return to after the login, restricted to paths of this hub.
fn return_path(request: &Request) -> String {
    let query = request.uri().query().unwrap_or_default();
    let next = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "next");
    let next = next.map(|(_, value)| value.into_owned()).unwrap_or_default();
    let is_own = next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_own { next } else { "/".to_owned() }
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Redirects with 303, so that the browser continues with GET.
fn see(location: &str) -> Response {
    let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, "no-store")];
    (StatusCode::SEE_OTHER, headers).into_response()
}

fn page(status: StatusCode, words: &'static str) -> Response {
    let message = match words {
        "" => String::new(),
        words => format!("<p role=\"alert\">{words}</p>"),
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::CACHE_CONTROL, "no-store"),
        // With `no-referrer`, browsers would send `Origin: null` with the form.
        (header::REFERRER_POLICY, "same-origin"),
    ];
    (status, headers, Html(PAGE.replacen(MESSAGE, &message, 1))).into_response()
}
