//! Checks that no output contains a credential: neither a source's signals, whatever the server
//! repeats, nor a hub's messages, logs, responses and store.

use std::fmt::Debug;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::Parser;
use futures_util::StreamExt;
use futures_util::future::join_all;
use meterbridge::cli::Cli;
use meterbridge::config::{Settings, WindowRequest};
use meterbridge::inspect::Report;
use meterbridge::model::{Model, Retention};
use meterbridge::source::connector::Connect;
use meterbridge::source::http::HttpClient;
use meterbridge::source::recorder::{Recorder, RecorderSettings};
use meterbridge::source::signal_sender::{CHANNEL_CAPACITY, SignalSender};
use meterbridge::source::source_context::Environment;
use meterbridge::source::{
    Access, Address, Command as Asked, ConnectionBudget, ConnectionSettings, Credentials,
    RunOperation, Secret, Signal, SourceSpec, net, parse_api_url, parse_source_url,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use uuid::Uuid;

use crate::backend::{Backend, Parrot, Script, Wire};
use crate::client::naming;

const TOKEN: &str = "t0ken-5f1e8d-s3cret";
const PASSWORD: &str = "p4ssw0rd-77aa41";
/// `ann:` and the password, as in `Authorization: Basic`.
const BASIC: &str = "YW5uOnA0c3N3MHJkLTc3YWE0MQ==";

/// Token that a hub requires of its screens.
const HUB_TOKEN: &str = "scr33ns-t0ken-91abc";

/// Way in which a credential is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    Environment,
    File,
    Header,
    Url,
}

const ALL: [Given; 4] = [Given::Environment, Given::File, Given::Header, Given::Url];

impl Given {
    /// Returns the user info that precedes the host in a URL.
    fn userinfo(self) -> String {
        if self == Self::Url { format!("ann:{PASSWORD}@") } else { String::new() }
    }

    fn access(self, file: &std::path::Path) -> Access {
        let token = Secret::new(TOKEN);
        match self {
            Self::Environment => Access { token, ..Access::default() },
            Self::File => Access { token_file: Some(file.to_owned()), ..Access::default() },
            Self::Header => {
                Access { token, token_header: Some("X-Api-Key".to_owned()), ..Access::default() }
            }
            Self::Url => Access::default(),
        }
    }

    /// Returns the credential that the server must have received; otherwise the test would prove
    /// nothing.
    fn sent(self) -> String {
        match self {
            Self::Environment | Self::File => format!("Bearer {TOKEN}"),
            Self::Header => TOKEN.to_owned(),
            Self::Url => format!("Basic {BASIC}"),
        }
    }
}

/// Asserts that a visible text contains no part of a credential.
#[track_caller]
fn assert_clean(what: impl Debug, seen: &str) {
    let secrets = [TOKEN, PASSWORD, BASIC, &BASIC[..12], HUB_TOKEN];
    let escaped = secrets.map(|secret| {
        // As escapes in JSON, and as escapes in JSON that is quoted once more.
        let unit = |unit: u16| format!("u{unit:04x}");
        secret[..8].encode_utf16().map(unit).collect::<Vec<_>>()
    });
    let lower = seen.to_ascii_lowercase();
    for escaped in escaped {
        for backslash in ["\\", "\\\\"] {
            let escaped = backslash.to_owned() + &escaped.join(backslash);
            assert!(!lower.contains(&escaped), "{what:?}: {escaped}");
        }
    }
    for secret in secrets {
        let Some(at) = seen.find(secret) else { continue };
        let from = seen[..at].char_indices().rev().nth(200).map_or(0, |(at, _)| at);
        panic!("{what:?}: {secret} in …{}", &seen[from..at + secret.len()]);
    }
}

/// A folder with a token file.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Self {
        let name = format!("meterbridge-secrets-{test}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("token"), format!("{TOKEN}\n")).unwrap();
        Self(folder)
    }

    fn token_file(&self) -> PathBuf {
        self.0.join("token")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Returns all signals of a source within `time`, and the resulting model, as text.
async fn told(
    connector: impl Connect + Send + Sync + 'static,
    url: String,
    settings: ConnectionSettings,
    run: Uuid,
    time: Duration,
) -> String {
    let (sender, signals) = crossbeam_channel::bounded(CHANNEL_CAPACITY);
    let (commands, receiver) = mpsc::channel(64);
    let environment = Environment::system();
    let signal_sender = SignalSender::new(sender, std::sync::Arc::new(|| {}));
    tokio::spawn(net::run(connector, Some(url), settings, receiver, signal_sender, environment));
    let mut model = Model::new(Retention { log_events: 1_000, ..Retention::EVERYTHING });
    let mut seen = String::new();
    let end = Instant::now() + time;
    let mut asked = false;
    while Instant::now() < end {
        sleep(Duration::from_millis(20)).await;
        if !asked && Instant::now() > end - time / 2 {
            asked = true;
            commands
                .send(Asked::Operate(RunOperation::Cancel(run.to_string().into())))
                .await
                .unwrap();
        }
        for signal in signals.try_iter() {
            seen.push_str(&format!("{signal:?}\n"));
            if let Signal::Batch(batch) = signal {
                model.receive(batch, |_, change| seen.push_str(&format!("{change:?}\n")));
            }
        }
    }
    assert!(asked);
    seen + &serde_json::to_string(&Report::of(&model)).unwrap() + &format!("{model:?}")
}

#[tokio::test(start_paused = true)]
async fn signals_contain_no_credential_that_a_server_repeats() {
    let scratch = Scratch::new("told");
    for given in ALL {
        for parrot in [
            Parrot::Refuses(401),
            Parrot::Refuses(500),
            Parrot::Moves,
            Parrot::Closes(1011),
            Parrot::Closes(1008),
            Parrot::Tells,
            Parrot::Escapes,
        ] {
            for scheme in ["http", "ws"] {
                let backend = Backend::new();
                backend.repeat_credentials(parrot);
                let run = backend.start_run([Script::success(500)]);
                let path = match scheme {
                    "ws" => format!("/api/v1/runs/events?run_id={run}&access_token={TOKEN}"),
                    _ => String::new(),
                };
                let url = format!("{scheme}://{}studio:8000{path}", given.userinfo());
                let access = given.access(&scratch.token_file());
                let mut settings = ConnectionSettings { access, ..naming(&[run]) };
                // Sockets, too, may repeat what was sent to them.
                settings.api.max_sockets = 1;
                settings.api.budget = ConnectionBudget::new(2);
                backend.allow_connections(2);
                let time = Duration::from_secs(20);
                let file = scratch.0.join("recording.ndjson");
                let record =
                    RecorderSettings { path: file.clone(), overwrite: true, ..Default::default() };
                let recorder = Recorder::start(record).unwrap();
                settings.recorder = Some(recorder.clone());
                let mut seen = told(Wire(backend.clone()), url, settings, run, time).await;
                recorder.finish();
                let recorded = std::fs::read_to_string(&file).unwrap();
                assert!(recorded.contains("\"connection\""), "{recorded}");
                seen += &recorded;
                let what = (given, parrot, scheme);
                let sent = Some(given.sent());
                let authorizations = backend.seen().authorizations;
                assert!(authorizations.contains(&sent), "{what:?}: it was not sent");
                assert!(seen.contains('…'), "{what:?}: nothing was repeated in {seen}");
                assert_clean(what, &seen);
            }
        }
    }
}

/// Anything that holds a credential may be printed in a log or a panic.
#[test]
fn debug_output_contains_no_credential() {
    let scratch = Scratch::new("printed");
    let url = format!("wss://ann:{PASSWORD}@studio/events?token={TOKEN}");
    let api = format!("https://ann:{PASSWORD}@studio:8000/amcs?api_key={TOKEN}");
    let mut printed = Vec::new();
    for given in ALL {
        let access = given.access(&scratch.token_file());
        let connection = ConnectionSettings { access: access.clone(), ..Default::default() };
        let settings = Settings { connection, ..Settings::default() };
        let source = SourceSpec::WebSocket(url.as_str().into());
        printed.push(format!("{access:?} {:?}", access.credentials()));
        printed.push(format!("{:?}", WindowRequest { source, settings: settings.clone() }));
        printed.push(format!("{:?}", Asked::Configure(Box::new(settings.connection))));
    }
    printed.push(format!("{:?}", Credentials::new(Secret::new(TOKEN).unwrap(), None)));
    printed.push(format!("{:?} {:?}", SourceSpec::Api(api.as_str().into()), Address::from(&*url)));
    printed.push(format!("{:?}", Asked::Connect { url: url.as_str().into() }));
    for url in [&url, &api] {
        printed.push(format!("{:?} {:?}", parse_source_url(url), parse_api_url(url)));
        for command in [vec![url.as_str()], vec!["serve", url], vec![url, "--kiosk"]] {
            let arguments = ["meterbridge"].into_iter().chain(command);
            let cli = Cli::try_parse_from(arguments).unwrap();
            printed.push(format!("{cli:?} {:?}", cli.window.request()));
        }
    }
    let wrong = format!("ann:{PASSWORD}@studio:8000");
    printed.push(SourceSpec::parse(Some(&wrong)).unwrap_err().to_string());
    printed.push(SourceSpec::parse(Some(&format!("ftp://{wrong}"))).unwrap_err().to_string());
    assert!(printed.iter().any(|text| text.contains("studio")), "it was given");
    for text in printed {
        assert_clean("printed", &text);
    }
}

#[test]
fn panic_message_contains_no_credential() {
    let credentials = Credentials::new(Secret::new(TOKEN).unwrap(), None).unwrap();
    let url = parse_source_url(&format!("ws://ann:{PASSWORD}@studio/")).unwrap();
    let held = (Access { token: Secret::new(TOKEN), ..Access::default() }, credentials, url);
    let thread = std::thread::Builder::new().name("holder".to_owned());
    let panicked = thread.spawn(move || {
        panic!("{held:?}");
    });
    let words = panicked.unwrap().join().unwrap_err();
    let words = words.downcast_ref::<String>().unwrap();
    assert!(words.contains("Access"), "it says what was held: {words}");
    assert_clean("panic", words);
}

/// `meterbridge serve` with full logging.
struct Hub {
    child: std::process::Child,
    address: String,
    /// Collects everything on standard output and standard error.
    said: Option<std::thread::JoinHandle<String>>,
}

impl Drop for Hub {
    fn drop(&mut self) {
        // Usually ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Hub {
    /// Starts a hub. URL and tokens come from the environment, so the command line has neither.
    fn start(given: Given, upstream: &str, scratch: &Scratch) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meterbridge"));
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--reconnect-delay", "0.2", "--store"])
            .arg(scratch.0.join("hub.sqlite"))
            .env("METERBRIDGE_SERVE_URL", upstream)
            .env("METERBRIDGE_HUB_TOKEN", HUB_TOKEN)
            .env("RUST_LOG", "trace")
            .env("RUST_BACKTRACE", "full")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        match given {
            Given::Url => {}
            Given::File => drop(command.arg("--token-file").arg(scratch.token_file())),
            Given::Environment => drop(command.env("METERBRIDGE_TOKEN", TOKEN)),
            Given::Header => {
                command.env("METERBRIDGE_TOKEN", TOKEN).args(["--token-header", "X-Api-Key"]);
            }
        }
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let address = address.unwrap_or_else(|| panic!("it says {line:?}")).to_owned();
        let mut stderr = child.stderr.take().unwrap();
        let said = std::thread::spawn(move || {
            let mut said = line;
            stderr.read_to_string(&mut said).unwrap();
            said
        });
        Self { child, address, said: Some(said) }
    }

    /// Returns the command line, which everybody on the machine can see.
    fn command_line(&self) -> String {
        let path = format!("/proc/{}/cmdline", self.child.id());
        // Available on some systems only.
        std::fs::read(path).map_or_else(|_| String::new(), |it| String::from_utf8_lossy(&it).into())
    }

    /// Returns the response to a request, head and body.
    async fn get(&self, path: &str, token: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\
             Connection: close\r\n\r\n",
            self.address
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Returns everything that a screen receives until shortly after the first frame from upstream.
    async fn told(&self) -> String {
        let url = format!("ws://{}/events", self.address);
        let mut request = url.into_client_request().unwrap();
        let token = format!("Bearer {HUB_TOKEN}").parse().unwrap();
        request.headers_mut().insert("authorization", token);
        let (mut screen, _) = connect_async(request).await.unwrap();
        let mut told = String::new();
        let mut patience = Duration::from_secs(8);
        while let Ok(Some(Ok(message))) = timeout(patience, screen.next()).await {
            let text = message.to_text().unwrap_or_default().to_owned();
            if text.contains("run_id") || text.contains(r#""lost""#) {
                patience = Duration::from_secs(1);
            }
            told.push_str(&text);
            told.push('\n');
        }
        told
    }

    /// Ends the hub; returns its output.
    fn end(mut self) -> String {
        self.child.kill().unwrap();
        self.said.take().unwrap().join().unwrap()
    }
}

#[tokio::test]
async fn hub_outputs_and_store_contain_no_credential() {
    let parrots =
        [Parrot::Tells, Parrot::Escapes, Parrot::Refuses(401), Parrot::Moves, Parrot::Closes(1011)];
    for given in ALL {
        join_all(parrots.map(|parrot| check_hub(given, parrot))).await;
    }
}

async fn check_hub(given: Given, parrot: Parrot) {
    let scratch = Scratch::new(&format!("hub-{given:?}-{parrot:?}"));
    let backend = Backend::new();
    backend.repeat_credentials(parrot);
    let run = backend.start_run([Script::success(200)]);
    let address = backend.listen().await;
    let upstream = format!("http://{}{address}", given.userinfo());
    let hub = Hub::start(given, &upstream, &scratch);
    let mut seen = hub.told().await;
    for path in ["/", "/healthz", "/metrics", &format!("/api/v1/runs/{run}")] {
        seen.push_str(&hub.get(path, HUB_TOKEN).await);
    }
    assert!(seen.contains("hello") && seen.contains("meterbridge_"), "{seen}");
    // Requests with the token as a path, in the query, or with a wrong token do not reveal the right
    // one.
    for (path, token) in
        [(format!("/{HUB_TOKEN}"), "wr0ng"), (format!("/x?token={HUB_TOKEN}"), HUB_TOKEN)]
    {
        seen.push_str(&hub.get(&path, token).await);
    }
    let what = (given, parrot);
    let command_line = hub.command_line();
    assert!(command_line.is_empty() || command_line.contains("serve"), "{command_line}");
    assert_clean((what, "the command line"), &command_line);
    assert_clean((what, "what it serves"), &seen);
    let said = hub.end();
    assert!(said.contains("the hub of http://127.0.0.1"), "{said}");
    assert_clean((what, "what it logs"), &said);
    let mut kept = 0;
    for file in std::fs::read_dir(&scratch.0).unwrap() {
        let path = file.unwrap().path();
        if path != scratch.token_file() {
            let bytes = std::fs::read(&path).unwrap();
            kept += bytes.len();
            assert_clean((what, &path), &String::from_utf8_lossy(&bytes));
        }
    }
    let sent = Some(given.sent());
    assert!(backend.seen().authorizations.contains(&sent), "{what:?}: it was not sent");
    if parrot == Parrot::Tells {
        assert!(seen.contains('…') && kept > 0, "{what:?}: nothing was repeated in {seen}");
    }
}

/// REST responses go into the model, and from there to any output.
#[tokio::test(start_paused = true)]
async fn rest_response_contains_no_credential() {
    let backend = Backend::new();
    backend.repeat_credentials(Parrot::Tells);
    let run = backend.start_run([Script::success(50)]);
    let url = parse_api_url(&format!("http://ann:{PASSWORD}@studio:8000")).unwrap();
    let client = HttpClient::new(
        std::sync::Arc::new(Wire(backend.clone())),
        url,
        None,
        Duration::from_secs(10),
    );
    let body = client.get(&format!("/api/v1/runs/{run}")).await.unwrap();
    let body = String::from_utf8(body).unwrap();
    assert!(body.contains(&format!("{run}")) && body.contains('…'), "{body}");
    assert_clean("rest", &body);
}
