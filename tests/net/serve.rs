//! Page and events behind one address, over real sockets on 127.0.0.1.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use futures_util::{FutureExt, StreamExt};
use meterbridge::demo::{DemoError, DemoOptions, Dialect};
use meterbridge::hub::site::EmbeddedFile;
use meterbridge::hub::{CONTENT_SECURITY_POLICY, HubError, HubServer, Site};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::page::{FILES, Folder, SECRET, ask, get};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const PATIENCE: Duration = Duration::from_secs(20);
const SCRIPT: &str = "/assets/meterbridge-3f2a9c81.js";
const WASM: &str = "/assets/meterbridge-3f2a9c81.wasm";

fn in_program(path: &str) -> Option<EmbeddedFile> {
    let (_, content) = FILES.iter().find(|(name, _)| *name == path)?;
    let modified = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 5);
    Some(EmbeddedFile { data: (*content).into(), modified: Some(modified) })
}

async fn start(options: DemoOptions, site: Option<Site>) -> HubServer {
    HubServer::start(SocketAddr::from(([127, 0, 0, 1], 0)), options, site).await.unwrap()
}

async fn serve(folder: &Folder) -> HubServer {
    start(fast(), Some(Site::of_folder(&folder.page()).unwrap())).await
}

/// Returns options fast enough to see whole runs in a test.
fn fast() -> DemoOptions {
    DemoOptions { speed: 50.0, ..DemoOptions::default() }
}

async fn connect(url: &str) -> Socket {
    timeout(PATIENCE, connect_async(url)).await.unwrap().unwrap().0
}

async fn next_text(socket: &mut Socket) -> String {
    loop {
        match timeout(PATIENCE, socket.next()).await.expect("nothing came").unwrap().unwrap() {
            Message::Text(text) => return text.to_string(),
            Message::Close(frame) => panic!("closed: {frame:?}"),
            _ => {}
        }
    }
}

/// Reads until the close frame.
async fn closed_with(socket: &mut Socket) -> (CloseCode, String) {
    loop {
        match timeout(PATIENCE, socket.next()).await.expect("not closed") {
            Some(Ok(Message::Close(Some(frame)))) => return (frame.code, frame.reason.to_string()),
            Some(Ok(_)) => {}
            other => panic!("no close frame, but {other:?}"),
        }
    }
}

/// Checks that apply to a page in a folder and to an embedded one.
async fn check_page(server: &HubServer) {
    let html = "text/html; charset=utf-8";
    for (path, kind, body) in [
        ("/", html, FILES[0].1),
        ("/?source=demo", html, FILES[0].1),
        ("/index.html", html, FILES[0].1),
        ("/embed.html", html, FILES[2].1),
        ("/icon.svg", "image/svg+xml", FILES[3].1),
        ("/site.webmanifest", "application/manifest+json", FILES[4].1),
        (SCRIPT, "text/javascript; charset=utf-8", FILES[5].1),
        (WASM, "application/wasm", FILES[8].1),
        ("/assets/style-0123abcd.css", "text/css; charset=utf-8", FILES[10].1),
        ("/fonts/inter.woff2", "font/woff2", FILES[11].1),
    ] {
        let answer = get(server, path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{path}");
        assert_eq!(answer.body, body, "{path}");
        assert_eq!(answer.header("content-encoding"), None, "{path}");
        assert_eq!(answer.header("vary"), Some("Accept-Encoding"), "{path}");
        let holds = match path.starts_with("/assets/") {
            true => "public, max-age=31536000, immutable",
            false => "no-cache",
        };
        assert_eq!(answer.header("cache-control"), Some(holds), "{path}");
        assert!(answer.header("etag").is_some() && answer.header("last-modified").is_some());

        let length = body.len().to_string();
        let head = ask(server, "HEAD", path, &[]).await;
        assert_eq!((head.status, head.header("content-length")), (200, Some(length.as_str())));
        assert_eq!(head.header("content-type"), Some(kind), "{path}");
        assert!(head.body.is_empty(), "{path}");
    }
    for path in ["/nowhere", "/assets", "/assets/", "/index.html/", "/assets/x-3f2a9c81.js"] {
        let answer = get(server, path).await;
        assert_eq!((answer.status, answer.header("cache-control")), (404, Some("no-cache")));
        assert_eq!(
            answer.text(),
            "There is nothing at this address; the page is at /.\n",
            "{path}"
        );
    }
}

#[tokio::test]
async fn page_in_a_folder_is_served_with_content_types_and_caching() {
    let folder = Folder::with_page("types");
    let server = serve(&folder).await;
    check_page(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn embedded_page_is_served_like_a_folder() {
    let server = start(fast(), Some(Site::of_program(in_program))).await;
    check_page(&server).await;
    let answer = ask(&server, "GET", SCRIPT, &["Accept-Encoding: br", "Range: bytes=8-"]).await;
    assert_eq!((answer.status, answer.text()), (206, "brotli"));
    let hostile = get(&server, "/assets/..%2findex.html").await;
    assert_eq!(hostile.status, 404);
    server.stop().await;
}

#[tokio::test]
async fn precompressed_files_are_sent_when_accepted() {
    let folder = Folder::with_page("compressed");
    let server = serve(&folder).await;
    for (path, accepted, encoding, body) in [
        (SCRIPT, "gzip, deflate, br, zstd", Some("br"), "script, brotli"),
        (SCRIPT, "gzip", Some("gzip"), "script, gzip"),
        (SCRIPT, "br;q=0.1, gzip;q=0.9", Some("gzip"), "script, gzip"),
        (SCRIPT, "br;q=0, gzip;q=0", None, "export default 1;"),
        (SCRIPT, "identity", None, "export default 1;"),
        (SCRIPT, "zstd", None, "export default 1;"),
        (WASM, "br, gzip", Some("gzip"), "wasm, gzip"),
        (WASM, "br", None, "\0asm"),
        ("/", "br", Some("br"), "index, brotli"),
    ] {
        let accept = format!("Accept-Encoding: {accepted}");
        let answer = ask(&server, "GET", path, &[&accept]).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-encoding"), encoding, "{path} for {accepted}");
        assert_eq!(answer.text(), body, "{path} for {accepted}");
        assert_eq!(answer.header("vary"), Some("Accept-Encoding"));
        // The content type is that of the uncompressed content.
        let plain = get(&server, path).await;
        assert_eq!(answer.header("content-type"), plain.header("content-type"));
    }
    server.stop().await;
}

#[tokio::test]
async fn unchanged_files_are_answered_with_304() {
    let folder = Folder::with_page("conditions");
    let server = serve(&folder).await;
    for (path, accepted) in [("/", "identity"), ("/", "br"), (SCRIPT, "gzip")] {
        let accept = format!("Accept-Encoding: {accepted}");
        let first = ask(&server, "GET", path, &[&accept]).await;
        let tag = format!("If-None-Match: {}", first.header("etag").unwrap());
        let date = format!("If-Modified-Since: {}", first.header("last-modified").unwrap());
        for condition in [&tag, &date] {
            let again = ask(&server, "GET", path, &[&accept, condition]).await;
            assert_eq!((again.status, again.body.len()), (304, 0), "{path}, {condition}");
            for name in ["etag", "cache-control", "vary", "content-security-policy"] {
                assert_eq!(again.header(name), first.header(name), "{path}: {name}");
            }
        }
        let other = ask(&server, "GET", path, &[&accept, "If-None-Match: \"other\""]).await;
        assert_eq!(other.status, 200);
        // Same length as before, as a new build's `index.html` may have: the tag must still differ.
        if path == "/" {
            folder.write("index.html", &vec![b'x'; FILES[0].1.len()]);
            folder.write("index.html.br", &vec![b'x'; FILES[1].1.len()]);
            assert_eq!(ask(&server, "GET", path, &[&accept, &tag]).await.status, 200);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn only_get_and_head_are_allowed() {
    let folder = Folder::with_page("methods");
    for site in [Some(Site::of_folder(&folder.page()).unwrap()), None] {
        let server = start(fast(), site).await;
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"] {
            for path in ["/", "/events"] {
                let answer = ask(&server, method, path, &["Content-Length: 0"]).await;
                assert_eq!(answer.status, 405, "{method} {path}");
                assert_eq!(answer.header("allow"), Some("GET,HEAD"), "{method} {path}");
            }
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn files_outside_the_folder_are_not_served() {
    let folder = Folder::with_page("escapes");
    folder.write(".env", SECRET.as_bytes());
    folder.write(".git/config", SECRET.as_bytes());
    #[cfg(unix)]
    {
        let link = |target: &Path, name: &str| {
            std::os::unix::fs::symlink(target, folder.page().join(name)).unwrap();
        };
        link(&folder.0.join("secret.txt"), "link.txt");
        link(&folder.0, "linked");
        link(Path::new("loop.txt"), "loop.txt");
        link(Path::new("embed.html"), "inside.html");
    }
    let server = serve(&folder).await;
    let absolute = folder.0.join("secret.txt");
    let absolute = absolute.to_str().unwrap();
    let long = format!("/{}", "x".repeat(4000));
    for path in [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/%2E%2E/secret.txt",
        "/..%2fsecret.txt",
        "/..%2Fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/..%5csecret.txt",
        "/..%00/secret.txt",
        "/index.html%00",
        "/%00",
        "/%ff",
        "/%252e%252e/secret.txt",
        "/link.txt",
        "/linked/secret.txt",
        "/loop.txt",
        "/.env",
        "/%2eenv",
        "/.git/config",
        "/assets/../index.html",
        absolute,
        &format!("/{absolute}"),
        &format!("//{absolute}"),
        &absolute.replace('/', "%2f"),
        &format!("/{}", absolute.replace('/', "%2f")),
        &long,
    ] {
        for method in ["GET", "HEAD"] {
            let answer = ask(&server, method, path, &[]).await;
            // 400 means an invalid path.
            assert!([400, 404].contains(&answer.status), "{method} {path}: {answer:?}");
            assert!(!answer.text().contains(SECRET), "{method} {path}: {answer:?}");
        }
    }
    // A link within the page is followed.
    #[cfg(unix)]
    assert_eq!(get(&server, "/inside.html").await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn every_response_has_security_headers() {
    let folder = Folder::with_page("headers");
    for site in [Some(Site::of_folder(&folder.page()).unwrap()), None] {
        let server = start(fast(), site).await;
        for (method, path) in [
            ("GET", "/"),
            ("HEAD", "/"),
            ("GET", SCRIPT),
            ("GET", "/nowhere"),
            ("GET", "/..%2fsecret.txt"),
            ("POST", "/"),
            ("GET", "/events"),
            ("POST", "/events"),
            ("GET", "/api/v1/runs/events"),
        ] {
            let answer = ask(&server, method, path, &[]).await;
            for (name, value) in [
                ("content-security-policy", CONTENT_SECURITY_POLICY),
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("cross-origin-opener-policy", "same-origin"),
            ] {
                assert_eq!(answer.header(name), Some(value), "{method} {path}");
            }
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn missing_page_is_explained_and_events_are_served() {
    let server = start(fast(), None).await;
    for path in ["/", "/index.html"] {
        let answer = get(&server, path).await;
        assert_eq!(answer.status, 503);
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        for hint in ["web/build.sh", "--page", "/events"] {
            assert!(answer.text().contains(hint), "{hint} is not in {}", answer.text());
        }
    }
    assert_eq!(get(&server, SCRIPT).await.status, 404);
    next_text(&mut connect(&server.events_url()).await).await;
    server.stop().await;
}

#[test]
fn page_is_a_folder_with_an_index() {
    let folder = Folder::empty("found");
    let beside = folder.0.join("program");
    let current = folder.0.join("checkout");
    let found = || Site::found_near(Some(&beside), &current);
    assert!(found().is_none());
    let error = Site::of_folder(&folder.page()).unwrap_err();
    assert!(matches!(error, HubError::NoPage { .. }) && error.exit_code() == 2, "{error}");
    // Each of these takes precedence over the previous one.
    for place in [current.join("web/dist"), beside.join("web"), beside.join("dist")] {
        fs::create_dir_all(&place).unwrap();
        let before = format!("{:?}", found());
        fs::write(place.join("index.html"), "").unwrap();
        let after = format!("{:?}", found());
        assert_ne!(before, after);
        assert!(after.contains(&format!("{:?}", place.canonicalize().unwrap())), "{after}");
    }
}

#[tokio::test]
async fn events_are_those_of_the_demo() {
    let server = start(DemoOptions { runs: 100, ..fast() }, None).await;
    let url = format!("ws://{}/events", server.address());
    assert_eq!(server.events_url(), url);
    let mut early = connect(&url).await;
    let mut seen = Vec::new();
    while seen.len() < 600 {
        seen.push(next_text(&mut early).await);
    }
    assert!(seen.iter().all(|text| serde_json::from_str::<Value>(text).unwrap()["ts"].is_string()));
    // Old events are replayed to the late viewer; new ones reach both.
    let mut late = connect(&url).await;
    for _ in 0..1000 {
        let text = next_text(&mut late).await;
        while !seen.contains(&text) {
            assert!(seen.len() < 5000, "the early viewer was not sent {text}");
            seen.push(next_text(&mut early).await);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn viewer_from_another_origin_is_accepted() {
    let server = start(fast(), None).await;
    let mut request = server.events_url().into_client_request().unwrap();
    request.headers_mut().insert("Origin", HeaderValue::from_static("https://elsewhere.example"));
    let (mut socket, answer) = connect_async(request).await.unwrap();
    // The WebSocket response has the same headers as every other response.
    assert_eq!(answer.headers()["content-security-policy"], CONTENT_SECURITY_POLICY);
    next_text(&mut socket).await;
    server.stop().await;
}

#[tokio::test]
async fn backend_endpoint_exists_only_in_its_dialect() {
    let guide = start(fast(), None).await;
    let one_run = |server: &HubServer, run: &str| {
        format!("ws://{}/api/v1/runs/events?run_id={run}", server.address())
    };
    match connect_async(one_run(&guide, "x")).await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 404),
        other => panic!("{other:?}"),
    }
    guide.stop().await;

    let backend = start(DemoOptions { dialect: Dialect::Backend, ..fast() }, None).await;
    let refused = closed_with(&mut connect(&one_run(&backend, "run-123")).await).await;
    assert_eq!(refused, (CloseCode::Policy, "Invalid run_id format".to_owned()));
    let mut all = connect(&backend.events_url()).await;
    let first: Value = serde_json::from_str(&next_text(&mut all).await).unwrap();
    let run_id = first["run_id"].as_str().unwrap();
    let mut one = connect(&one_run(&backend, run_id)).await;
    let stored: Value = serde_json::from_str(&next_text(&mut one).await).unwrap();
    assert_eq!(stored["run_id"], run_id);
    backend.stop().await;
}

#[tokio::test]
async fn plain_get_of_events_is_explained() {
    let server = start(fast(), None).await;
    let answer = get(&server, "/events").await;
    assert_eq!((answer.status, answer.header("upgrade")), (426, Some("websocket")));
    assert!(answer.text().contains("WebSocket"), "{}", answer.text());
    server.stop().await;
}

#[tokio::test]
async fn viewers_are_bounded_while_the_page_stays_available() {
    let folder = Folder::with_page("full");
    let server = start(
        DemoOptions { runs: 1, ..DemoOptions::default() },
        Some(Site::of_folder(&folder.page()).unwrap()),
    )
    .await;
    let mut viewers = Vec::new();
    while viewers.len() < 64 {
        viewers.push(connect(&server.events_url()).await);
    }
    match connect_async(server.events_url()).await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 503),
        other => panic!("{other:?}"),
    }
    assert_eq!(get(&server, "/").await.status, 200);
    // A place is free again as soon as a viewer has left.
    let mut leaving = viewers.pop().unwrap();
    leaving.close(None).await.unwrap();
    while leaving.next().await.is_some_and(|message| message.is_ok()) {}
    let again = async {
        while connect_async(server.events_url()).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, again).await.expect("nobody is let in any more");
    server.stop().await;
}

#[tokio::test]
async fn stopping_closes_all_connections_and_frees_the_port() {
    let folder = Folder::with_page("stop");
    let server = serve(&folder).await;
    let address = server.address();
    let mut viewer = connect(&server.events_url()).await;
    // One connection is idle after a response, another never sent anything.
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(idle.read_u8().await.unwrap());
    }
    let mut silent = TcpStream::connect(address).await.unwrap();
    assert_eq!(get(&server, "/").await.status, 200);

    let (closed, ()) = tokio::join!(closed_with(&mut viewer), server.stop());
    assert_eq!(closed.0, CloseCode::Away);
    for stream in [&mut idle, &mut silent] {
        let read = timeout(PATIENCE, stream.read(&mut [0; 16])).await.expect("still open");
        assert_eq!(read.unwrap_or(0), 0);
    }
    let site = Some(Site::of_folder(&folder.page()).unwrap());
    let again = HubServer::start(address, fast(), site).await.unwrap();
    again.stop().await;
}

#[tokio::test]
async fn address_in_use_is_reported_like_the_demo_does() {
    let server = start(fast(), None).await;
    let address = server.address();
    let error = HubServer::start(address, fast(), None).await.unwrap_err();
    assert!(matches!(error, HubError::Demo(DemoError::AddressInUse { .. })), "{error}");
    assert_eq!(error.exit_code(), 1);
    assert_eq!(
        error.to_string(),
        format!(
            "cannot listen on {address}: the address is in use; stop what runs there, or choose \
             another port with --listen"
        )
    );
    server.stop().await;
}

#[tokio::test]
async fn connections_are_bounded_and_the_longest_idle_one_makes_room() {
    let server = start(DemoOptions::default(), None).await;
    let mut silent = Vec::new();
    while silent.len() < 288 {
        silent.push(TcpStream::connect(server.address()).await.unwrap());
    }
    // Much sooner than silent connections are cut off.
    let soon = Duration::from_secs(5);
    let answer = timeout(soon, get(&server, "/")).await.expect("an answer in time");
    assert_eq!(answer.status, 503, "there is no page");
    let closed = timeout(soon, silent[0].read(&mut [0])).await.expect("it is still open");
    assert_eq!(closed.unwrap_or(0), 0);
    assert!(silent[1].read(&mut [0]).now_or_never().is_none(), "others need not go");
    server.stop().await;
}

/// With paused time, idle tasks jump to the next deadline.
#[tokio::test(start_paused = true)]
async fn unfinished_request_is_cut_off() {
    let server = start(DemoOptions::default(), None).await;
    for begun in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\n"] {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        // Closed with or without a response.
        let _ = stream.read_to_end(&mut rest).await;
        assert!(!rest.starts_with(b"HTTP/1.1 2"), "{begun:?}");
    }
    server.stop().await;
}

/// With paused time, idle tasks jump to the next deadline.
#[tokio::test(start_paused = true)]
async fn client_that_does_not_read_is_cut_off() {
    let folder = Folder::with_page("sleeper");
    let large = vec![b'x'; 32 << 20];
    folder.write("large.bin", &large);
    let site = Site::of_folder(&folder.page()).unwrap();
    let server = start(DemoOptions::default(), Some(site)).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(8 << 10).unwrap();
    let mut sleeper = socket.connect(server.address()).await.unwrap();
    sleeper.write_all(b"GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    // No real wait: paused time jumps.
    tokio::time::sleep(Duration::from_secs(700)).await;
    let mut read = Vec::new();
    let _ = sleeper.read_to_end(&mut read).await;
    assert!(read.len() < large.len(), "it was served to the end");
    server.stop().await;
}
