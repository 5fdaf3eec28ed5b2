//! HTTP client for one origin: keep-alive connections, redirects, time limits. Credentials are sent to
//! that origin only and appear in no visible output.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use meterbridge::source::connector::Connect;
use meterbridge::source::http::{HttpClient, HttpError};
use meterbridge::source::{
    Access, ConnectionSettings, ConnectionState, Credentials, Disconnect, Secret, SourceUrl,
    parse_api_url, spawn,
};
use tokio::io::DuplexStream;
use uuid::Uuid;

use crate::backend::{BASE, Backend, Guard, Script, Wire};
use crate::client::{TestClient, check_manners, naming, settings, with_sockets};
use crate::real::wait_for;
use crate::wss::certificate;

const TOKEN: &str = "s3cr3t-t0ken";

/// Connector that records the host of each connection.
struct Counting(Wire, Arc<Mutex<Vec<String>>>);

impl Connect for Counting {
    type Transport = DuplexStream;

    async fn connect(&self, url: &SourceUrl) -> Result<DuplexStream, Disconnect> {
        self.1.lock().unwrap().push(url.authority());
        self.0.connect(url).await
    }
}

fn client(backend: &Backend) -> (HttpClient<Counting>, Arc<Mutex<Vec<String>>>) {
    let connections = Arc::new(Mutex::new(Vec::new()));
    let connector = Counting(Wire(backend.clone()), connections.clone());
    let url = parse_api_url("http://studio:8000").unwrap();
    let credentials = Credentials::new(Secret::new(TOKEN).unwrap(), None).unwrap();
    let limit = Duration::from_secs(10);
    (HttpClient::new(Arc::new(connector), url, Some(credentials), limit), connections)
}

fn with_token() -> ConnectionSettings {
    let access = Access { token: Secret::new(TOKEN), ..Access::default() };
    ConnectionSettings { access, ..settings() }
}

#[tokio::test(start_paused = true)]
async fn connection_is_kept_and_replaced_when_lost() {
    let backend = Backend::new();
    backend.add_run([Script::success(10)]);
    let (client, connections) = client(&backend);
    let active = format!("{BASE}/monitoring/active-runs");
    client.get(&active).await.unwrap();
    client.get(&active).await.unwrap();
    assert_eq!(connections.lock().unwrap().len(), 1, "it is kept");
    // The server drops the connection without a response.
    let refused = client.get(&format!("{BASE}/workflow-runs")).await.unwrap_err();
    assert_eq!(refused.status(), Some(500));
    assert!(refused.to_string().starts_with("HTTP 500: 1 validation error"), "{refused}");
    client.get(&active).await.unwrap();
    assert_eq!(connections.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn redirect_to_another_origin_is_not_followed() {
    let backend = Backend::new();
    let (client, connections) = client(&backend);
    backend.move_to(307, "http://evil:8000");
    let moved = client.get("/x").await.unwrap_err();
    assert!(matches!(moved, HttpError::Moved { status: 307, .. }), "{moved}");
    assert_eq!(
        moved.to_string(),
        "HTTP 307: it moved to http://evil:8000/x. Connect to that address instead"
    );
    assert_eq!(*connections.lock().unwrap(), ["studio:8000"]);
    // Redirects on the same origin are followed, up to the limit.
    backend.move_to(307, "");
    let circle = client.get("/x").await.unwrap_err();
    assert!(circle.to_string().contains("in a circle"), "{circle}");
    assert_eq!(backend.seen().requests.len(), 1 + 4);
}

#[tokio::test(start_paused = true)]
async fn unanswered_request_times_out() {
    let backend = Backend::new();
    let (client, _) = client(&backend);
    backend.freeze(Duration::from_secs(45));
    let began = tokio::time::Instant::now();
    let silent = client.get(&format!("{BASE}/monitoring/active-runs")).await.unwrap_err();
    assert_eq!(silent.to_string(), "no answer within 10 s");
    assert_eq!(began.elapsed(), Duration::from_secs(10));
}

/// Returns everything that a person, a log or a recording could see of a client.
fn visible(client: &TestClient) -> String {
    format!("{:?} {:?} {:?}", client.states, client.log, client.model)
}

#[tokio::test(start_paused = true)]
async fn token_grants_access_and_is_never_visible() {
    let backend = Backend::new();
    backend.ask_for(Guard::Everything(TOKEN.to_owned()));
    let run = backend.start_run([Script::failing("STYLE", "boom", 2500)]);
    let mut client = TestClient::watching(
        &backend,
        ConnectionSettings { api: with_sockets(1).api, ..with_token() },
    );
    backend.allow_connections(2);
    client.pass(Duration::from_secs(12)).await;
    client.shows(&backend, &[run]).await;
    assert!(client.report(run).unwrap().events > 3, "its socket told");
    let seen = backend.seen();
    assert!(seen.requests.iter().any(|request| request.contains("/runs/events")));
    let bearer = Some(format!("Bearer {TOKEN}"));
    assert!(seen.authorizations.iter().all(|given| *given == bearer), "{seen:#?}");
    assert!(!seen.requests.iter().any(|request| request.contains(TOKEN)), "not in a URL");
    assert!(!visible(&client).contains(TOKEN));
    check_manners(&backend);
}

#[tokio::test(start_paused = true)]
async fn refused_token_is_reported_but_not_shown() {
    let backend = Backend::new();
    backend.ask_for(Guard::Everything("another".to_owned()));
    let mut client = TestClient::watching(&backend, with_token());
    client.pass(Duration::from_secs(2)).await;
    let Some(ConnectionState::Failed { reason, .. }) = client.states.last() else {
        panic!("{:?}", client.states)
    };
    assert!(reason.contains("401") && reason.contains("METERBRIDGE_TOKEN"), "{reason}");
    assert!(!visible(&client).contains(TOKEN));
}

#[tokio::test(start_paused = true)]
async fn unreadable_token_file_is_reported() {
    let backend = Backend::new();
    let file = Some(PathBuf::from("no/such/token"));
    let access = Access { token_file: file, ..Access::default() };
    let mut client = TestClient::watching(&backend, ConnectionSettings { access, ..settings() });
    client.pass(Duration::from_secs(1)).await;
    let Some(ConnectionState::Failed { reason, .. }) = client.states.last() else {
        panic!("{:?}", client.states)
    };
    assert!(reason.starts_with("cannot read the token file `no/such/token`"), "{reason}");
    assert!(backend.seen().requests.is_empty());
}

/// Starts a backend with one run on its own runtime and port, and returns both.
fn serve(certificate: Option<tokio_rustls::TlsAcceptor>) -> (u16, Uuid) {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let backend = Backend::new();
            backend.ask_for(Guard::Everything(TOKEN.to_owned()));
            let run = backend.start_run([Script::success(20)]);
            let address = match certificate {
                None => backend.listen().await,
                Some(acceptor) => {
                    let wrap = move |stream| {
                        let accepting = acceptor.accept(stream);
                        async { accepting.await.ok() }
                    };
                    backend.listen_with(wrap).await
                }
            };
            sender.send((address.port(), run)).unwrap();
            std::future::pending::<()>().await;
        });
    });
    receiver.recv().unwrap()
}

/// Waits until the source reports the run as completed.
fn see_completed(url: String, access: Access, run: Uuid) {
    let settings = ConnectionSettings { access, ..naming(&[run]) };
    let source = spawn(Some(url), settings, Arc::new(|| {}));
    let mut model = meterbridge::model::Model::default();
    wait_for(&source, |signal| match signal {
        meterbridge::source::Signal::Batch(batch) => {
            model.receive(batch, |_, _| ());
            let run = model.run(&run.to_string())?;
            (run.status == meterbridge::model::RunStatus::Completed).then_some(())
        }
        meterbridge::source::Signal::State(ConnectionState::Failed { reason, .. }) => {
            panic!("{reason}")
        }
        _ => None,
    });
}

#[test]
fn watches_a_backend_over_real_sockets() {
    let (port, run) = serve(None);
    let access = Access { token: Secret::new(TOKEN), ..Access::default() };
    see_completed(format!("http://127.0.0.1:{port}"), access, run);
}

#[test]
fn watches_a_backend_over_tls_with_its_own_authority() {
    let (certificate, acceptor) = certificate("localhost");
    let (port, run) = serve(Some(acceptor));
    let folder = std::env::temp_dir().join(format!("meterbridge-access-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (ca_file, token_file) = (folder.join("ca.pem"), folder.join("token"));
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n",
        base64_lines(&certificate)
    );
    std::fs::write(&ca_file, pem).unwrap();
    std::fs::write(&token_file, format!("{TOKEN}\n")).unwrap();
    let access =
        Access { token_file: Some(token_file), ca_file: Some(ca_file), ..Access::default() };
    see_completed(format!("https://localhost:{port}"), access, run);
    std::fs::remove_dir_all(folder).unwrap();

    // Without the CA file the certificate is not trusted, and nothing is sent to the server.
    let access = Access { token: Secret::new(TOKEN), ..Access::default() };
    let attempts = ConnectionSettings { max_reconnect_attempts: 1, access, ..naming(&[run]) };
    let quick = ConnectionSettings { reconnect_delay: Duration::from_millis(10), ..attempts };
    let url = format!("https://localhost:{port}");
    let source = spawn(Some(url), quick, Arc::new(|| {}));
    let reason = wait_for(&source, crate::real::failure);
    assert!(reason.contains("not from a known authority"), "{reason}");
}

/// Encodes bytes as Base64 (RFC 4648, section 4), in lines of 64 characters.
fn base64_lines(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits: String = bytes
        .chunks(3)
        .flat_map(|chunk| {
            let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
                << (8 * (3 - chunk.len()));
            let digit = move |place: usize| match place <= chunk.len() {
                true => char::from(DIGITS[(bits >> (18 - 6 * place) & 63) as usize]),
                false => '=',
            };
            (0..4).map(digit)
        })
        .collect();
    let lines = digits.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned());
    lines.map(|line| line + "\n").collect()
}
