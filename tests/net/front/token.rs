//! Token for screens, its cookie, and the origins whose pages may act.

use std::net::SocketAddr;

use meterbridge::demo::DemoOptions;
use meterbridge::hub::gate::GateOptions;
use meterbridge::hub::{FrontOptions, HubServer, Site};

use super::upstream::{Echo, Manner};
use super::{Plan, TOKEN, handshake, loopback, with_token};
use crate::page::{Answer, Folder, ask, get, request};

const BEARER: &str = "Authorization: Bearer screens-s3cr3t-t0ken";

/// Paths of a hub that require the token.
const PRIVATE: [&str; 6] =
    ["/events", "/api/v1/runs/1", "/api/v1/nowhere", "/metrics", "/history", "/history/summary"];

async fn guarded() -> HubServer {
    let echo = Echo::new(Manner::Echo).await;
    Plan::of(echo.address).with(with_token(TOKEN)).acting().start_quietly().await
}

async fn sign_in(address: SocketAddr, query: &str, token: &str) -> Answer {
    let form = ["Content-Type: application/x-www-form-urlencoded"];
    let body = format!("token={token}");
    request(address, "POST", &format!("/login{query}"), &form, body.as_bytes()).await
}

/// Returns the cookie header that a browser sends from then on.
fn cookie(answer: &Answer) -> String {
    let set = answer.header("set-cookie").expect("a cookie");
    format!("Cookie: theme=dark; {}; x=1", set.split(';').next().unwrap())
}

#[tokio::test]
async fn only_the_login_page_is_visible_without_the_token() {
    let server = guarded().await;
    for path in PRIVATE {
        let refused = get(&server, path).await;
        assert_eq!(refused.status, 401, "{path}");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer realm=\"meterbridge\""));
        assert!(refused.text().contains("/login"), "{}", refused.text());
        let known = ask(&server, "GET", path, &[BEARER]).await;
        assert_ne!(known.status, 401, "{path}");
    }
    let cancel = "/api/v1/runs/1/cancel";
    assert_eq!(ask(&server, "POST", cancel, &[]).await.status, 401);
    assert_eq!(ask(&server, "POST", cancel, &[BEARER]).await.status, 200);
    assert_eq!(handshake(&server, &[]).await, 401);
    assert_eq!(handshake(&server, &[("authorization", &format!("Bearer {TOKEN}"))]).await, 101);
    for wrong in [
        "Authorization: Bearer screens-s3cr3t-t0ke",
        "Authorization: Bearer",
        "Authorization: Basic screens-s3cr3t-t0ken",
        "Authorization: screens-s3cr3t-t0ken",
        "Cookie: meterbridge-hub=screens-s3cr3t-t0ken",
        "X-Token: screens-s3cr3t-t0ken",
    ] {
        assert_eq!(ask(&server, "GET", "/metrics", &[wrong]).await.status, 401, "{wrong}");
    }
    // Tokens in URLs end up in logs and histories, so they are not accepted there.
    for path in [format!("/metrics?token={TOKEN}"), format!("/events?access_token={TOKEN}")] {
        assert_eq!(get(&server, &path).await.status, 401, "{path}");
    }
    server.stop().await;
}

/// A wall is set up once: its browser keeps the cookie, and neither a restart of the hub nor of the
/// screen asks for the token again. A changed token does.
#[tokio::test]
async fn browser_stays_signed_in_across_restarts() {
    let folder = Folder::with_page("login");
    let site = || Some(Site::of_folder(&folder.page()).unwrap());
    let front = |token| FrontOptions { gate: with_token(token), ..FrontOptions::default() };
    let start =
        |at, token| HubServer::start_behind(at, DemoOptions::default(), site(), front(token));
    let server = start(loopback(), TOKEN).await.unwrap();
    let address = server.address();

    for (path, temp_store) in [
        ("/", "/login"),
        ("/?kiosk&theme=light", "/login?next=%2F%3Fkiosk%26theme%3Dlight"),
        ("/index.html", "/login?next=%2Findex.html"),
        ("/embed.html?a=1", "/login?next=%2Fembed.html%3Fa%3D1"),
    ] {
        let led = get(&server, path).await;
        assert_eq!((led.status, led.header("location")), (303, Some(temp_store)), "{path}");
        assert_eq!(led.header("cache-control"), Some("no-store"));
    }
    // The page's files are no secret.
    for path in ["/assets/meterbridge-3f2a9c81.wasm", "/icon.svg", "/login.css"] {
        assert_eq!(get(&server, path).await.status, 200, "{path}");
    }
    let page = get(&server, "/login?next=%2F%3Fkiosk").await;
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self'") && policy.contains("default-src 'none'"));
    // Otherwise the form's origin would be `null`, and the form be refused.
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    for inline in ["<script", "style=", "<style", "onclick", "http://", "https://"] {
        assert!(!page.text().contains(inline), "{inline}");
    }
    assert!(page.text().contains("<form method=\"post\">") && !page.text().contains("alert"));

    let signed = sign_in(address, "?next=%2F%3Fkiosk%26theme%3Dlight", TOKEN).await;
    assert_eq!((signed.status, signed.header("location")), (303, Some("/?kiosk&theme=light")));
    let set = signed.header("set-cookie").unwrap();
    for part in ["; Path=/", "; HttpOnly", "; SameSite=Strict", "; Max-Age=34560000"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Secure") && !format!("{signed:?}").contains(TOKEN), "{signed:?}");
    let cookie = cookie(&signed);
    assert_eq!(ask(&server, "GET", "/?kiosk", &[&cookie]).await.status, 200);
    let again = ask(&server, "GET", "/login", &[&cookie]).await;
    assert_eq!((again.status, again.header("location")), (303, Some("/")));
    assert_eq!(handshake(&server, &[("cookie", &cookie["Cookie: ".len()..])]).await, 101);
    server.stop().await;

    let server = start(address, TOKEN).await.unwrap();
    assert_eq!(ask(&server, "GET", "/", &[&cookie]).await.status, 200, "after a restart");
    server.stop().await;
    let server = start(address, "another-token-of-ours").await.unwrap();
    assert_eq!(ask(&server, "GET", "/", &[&cookie]).await.status, 303, "with another token");
    assert_eq!(ask(&server, "GET", "/metrics", &[&cookie]).await.status, 401);
    // Behind a TLS proxy the cookie is marked `Secure`.
    let headers = ["Host: wall.example", "Origin: https://wall.example"];
    let body = b"token=another-token-of-ours";
    let signed = request(address, "POST", "/login", &headers, body).await;
    assert!(signed.header("set-cookie").unwrap().ends_with("; Secure"), "{signed:?}");
    server.stop().await;
}

#[tokio::test]
async fn login_redirects_only_to_this_hub() {
    let server = guarded().await;
    for next in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/x\r\nSet-Cookie: a=b",
        "",
    ] {
        let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let signed = sign_in(server.address(), &format!("?next={next}"), TOKEN).await;
        assert_eq!((signed.status, signed.header("location")), (303, Some("/")), "{next}");
    }
    server.stop().await;
}

#[tokio::test]
async fn wrong_tokens_are_counted_and_do_not_shut_out_the_right_one() {
    let server = guarded().await;
    let cookie = cookie(&sign_in(server.address(), "", TOKEN).await);
    let wrong = sign_in(server.address(), "", "wrong").await;
    assert_eq!((wrong.status, wrong.header("set-cookie")), (403, None));
    assert!(wrong.text().contains("role=\"alert\">Wrong token"), "{}", wrong.text());
    let long = sign_in(server.address(), "", &"x".repeat(5000)).await;
    assert_eq!(long.status, 413);
    for _ in 0..9 {
        let refused = ask(&server, "GET", "/metrics", &["Authorization: Bearer wrong"]).await;
        assert_eq!(refused.status, 401);
    }
    let refused = ask(&server, "GET", "/metrics", &["Authorization: Bearer wrong"]).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("60")));
    assert_eq!(sign_in(server.address(), "", "wrong").await.status, 429);
    // All clients of a proxy have its address: nobody else's mistakes count against the right token.
    assert_eq!(ask(&server, "GET", "/metrics", &[BEARER]).await.status, 200);
    assert_eq!(sign_in(server.address(), "", TOKEN).await.status, 303);
    // A signed-in browser is not affected.
    let metrics = ask(&server, "GET", "/metrics", &[&cookie]).await;
    assert_eq!(metrics.status, 200);
    for line in
        ["refused_total{reason=\"wrong_tokens\"} 2\n", "refused_total{reason=\"token\"} 10\n"]
    {
        assert!(metrics.text().contains(line), "{line}: {}", metrics.text());
    }
    // A request without any token is not affected either: it has guessed nothing.
    assert_eq!(get(&server, "/metrics").await.status, 401);
    server.stop().await;
}

/// A page of another site, open in the browser of somebody with access, can neither read nor act. A
/// screen that is no browser sends no origin.
#[tokio::test]
async fn pages_of_other_origins_can_neither_read_nor_act() {
    let echo = Echo::new(Manner::Echo).await;
    let allowed = vec!["https://studio.example".parse().unwrap()];
    let gate = GateOptions { origins: allowed, ..GateOptions::default() };
    let server = Plan::of(echo.address).with(gate).acting().start_quietly().await;
    let own = format!("http://{}", server.address());
    let port = server.address().port();
    for (origin, admitted) in [
        (None, true),
        (Some(&*own), true),
        (Some("https://studio.example"), true),
        (Some("https://evil.example"), false),
        (Some("http://studio.example"), false),
        (Some("https://studio.example.evil"), false),
        (Some("null"), false),
        (Some("http://127.0.0.1"), false),
        (Some(&*format!("http://localhost:{port}")), false),
        (Some("moz-extension://x"), false),
    ] {
        let headers: Vec<_> = origin.into_iter().map(|origin| ("origin", origin)).collect();
        let (opened, done) = if admitted { (101, 200) } else { (403, 403) };
        assert_eq!(handshake(&server, &headers).await, opened, "{origin:?}");
        let lines: Vec<String> = origin.iter().map(|origin| format!("Origin: {origin}")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let answer = ask(&server, "POST", "/api/v1/runs/1/cancel", &lines).await;
        assert_eq!(answer.status, done, "{origin:?}");
        // A plain `GET` is harmless: the browser does not show the response to another origin.
        let looked = ask(&server, "GET", "/api/v1/runs/1", &lines).await;
        assert_eq!((looked.status, looked.header("access-control-allow-origin")), (200, None));
    }
    assert_eq!(echo.asked().iter().filter(|asked| asked.starts_with("POST")).count(), 3);
    server.stop().await;
}

/// DNS rebinding: a foreign name that resolves to this machine makes a foreign page same-origin.
/// Without a token, the `Host` name is the only protection.
#[tokio::test]
async fn foreign_host_names_are_refused() {
    let echo = Echo::new(Manner::Echo).await;
    let allowed = vec!["https://studio.example".parse().unwrap()];
    let gate = GateOptions { origins: allowed.clone(), ..GateOptions::default() };
    let open = Plan::of(echo.address).with(gate).start_quietly().await;
    let port = open.address().port();
    for (host, status) in [
        (format!("127.0.0.1:{port}"), 200),
        (format!("localhost:{port}"), 200),
        ("hub.localhost".to_owned(), 200),
        (format!("[::1]:{port}"), 200),
        ("studio.example".to_owned(), 200),
        (format!("rebound.example:{port}"), 403),
        ("192.168.1.5".to_owned(), 403),
        ("127.0.0.1.rebound.example".to_owned(), 403),
    ] {
        for path in ["/api/v1/runs/1", "/healthz", "/metrics"] {
            let answer = ask(&open, "GET", path, &[&format!("Host: {host}")]).await;
            assert_eq!(answer.status, status, "{host} {path}");
        }
    }
    let rebound = [("host", "rebound.example"), ("origin", "http://rebound.example")];
    assert_eq!(handshake(&open, &rebound).await, 403);
    open.stop().await;

    // With a token, the foreign page has no cookie, and a proxy may use any name for the hub.
    let gate = GateOptions { origins: allowed, ..with_token(TOKEN) };
    let guarded = Plan::of(echo.address).with(gate).start_quietly().await;
    let named = ["Host: wall.example", BEARER];
    assert_eq!(ask(&guarded, "GET", "/api/v1/runs/1", &named).await.status, 200);
    assert_eq!(ask(&guarded, "GET", "/api/v1/runs/1", &named[..1]).await.status, 401);
    guarded.stop().await;
}
