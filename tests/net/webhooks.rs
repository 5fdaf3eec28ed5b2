//! Webhooks: what a real receiver on loopback gets when.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use meterbridge::hub::webhooks::{DeliverySettings, Webhook, WebhookOptions, read_text};
use meterbridge::hub::{FrontOptions, Hub, HubOptions, HubServer};
use meterbridge::protocol::Batch;
use meterbridge::source::{ConnectionState, Signal};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::hub::{TempStore, eventually, options};
use crate::page::get;

/// A request as it arrived.
#[derive(Clone, Debug)]
struct Arrived {
    target: String,
    head: String,
    body: String,
}

impl Arrived {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn summary(&self) -> (String, u64) {
        let body = self.json();
        (body["event"].as_str().unwrap().to_owned(), body["count"].as_u64().unwrap())
    }
}

/// A server that takes webhooks and answers as told, and then with 204.
#[derive(Clone, Default)]
struct Receiver {
    arrived: Arc<Mutex<Vec<Arrived>>>,
    answers: Arc<Mutex<Vec<&'static str>>>,
}

impl Receiver {
    /// Starts a receiver; returns its address.
    async fn listen(&self, answers: &[&'static str]) -> String {
        *self.answers.lock().unwrap() = answers.iter().rev().copied().collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let receiver = self.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(receiver.clone().answer(stream));
            }
        });
        format!("http://{address}/hook?x=1")
    }

    async fn answer(self, mut stream: TcpStream) {
        let mut bytes = Vec::new();
        loop {
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return;
            }
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let arrived = Arrived { target, head: head.to_owned(), body: body.to_owned() };
            let length = arrived.header("content-length").unwrap().parse::<usize>().unwrap();
            if body.len() < length {
                continue;
            }
            let answer = self.answers.lock().unwrap().pop().unwrap_or("204 No Content");
            self.arrived.lock().unwrap().push(arrived);
            let answer =
                format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
            return;
        }
    }

    fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    async fn has(&self, count: usize) -> Vec<Arrived> {
        eventually("the messages", || self.arrived.lock().unwrap().len() >= count).await;
        self.arrived()
    }
}

/// A hub whose upstream signals are sent by the test, with webhooks.
struct Studio {
    server: HubServer,
    upstream: crossbeam_channel::Sender<Signal>,
}

fn webhooks(text: &str) -> Vec<Webhook> {
    let variable = |name: &str| (name == "KEY").then(|| "k3y".to_owned());
    read_text(text, Path::new("webhooks.toml"), variable).unwrap()
}

fn quick() -> DeliverySettings {
    let (first_wait, longest_wait) = (Duration::from_millis(1), Duration::from_millis(5));
    DeliverySettings { first_wait, longest_wait, retries: 3, ..DeliverySettings::default() }
}

impl Studio {
    async fn open(options: &HubOptions, webhooks: Vec<Webhook>) -> Self {
        let (upstream, signals) = crossbeam_channel::bounded(32);
        let hub = Hub::fed_by(signals, options).unwrap();
        let webhooks = WebhookOptions { webhooks, delivery: quick(), ..WebhookOptions::default() };
        let front = FrontOptions { webhooks, ..FrontOptions::default() };
        let listen = ([127, 0, 0, 1], 0).into();
        let server = HubServer::start_hub_behind(listen, hub, None, front).await.unwrap();
        Self { server, upstream }
    }

    async fn with(text: &str) -> Self {
        Self::open(&options(None), webhooks(text)).await
    }

    fn say(&self, texts: impl IntoIterator<Item = String>) {
        let mut batch = Batch::new(Timestamp::now(), true);
        texts.into_iter().for_each(|text| batch.push_text(&text));
        self.upstream.send(Signal::Batch(batch)).unwrap();
    }
}

/// Returns a run that failed at RENDER this many seconds ago.
fn failed(run: &str, ago: i64) -> Vec<String> {
    let now = Timestamp::now();
    let at = |ago: i64| now - SignedDuration::from_secs(ago);
    let render = r#","node_name":"RENDER""#;
    let event = |ago: i64, phase: &str, more: &str| {
        format!(r#"{{"ts":"{}","run_id":"{run}","phase":"{phase}"{more}}}"#, at(ago))
    };
    let error = r#","data":{"error_message":"quota 7 exceeded"}"#;
    vec![
        event(ago, "start", ""),
        event(ago, "start", render),
        event(ago, "fail", &format!("{render}{error}")),
        event(ago, "fail", error),
    ]
}

/// Returns a run that succeeds now.
fn finished(run: &str) -> Vec<String> {
    let now = Timestamp::now();
    let event = |phase: &str| format!(r#"{{"ts":"{now}","run_id":"{run}","phase":"{phase}"}}"#);
    vec![event("start"), event("end")]
}

#[tokio::test]
async fn failure_arrives_signed_and_to_the_letter() {
    let receiver = Receiver::default();
    let url = receiver.listen(&[]).await;
    let studio = Studio::with(&format!(
        "[[webhook]]\nurl = \"{url}\"\nsecret_env = \"KEY\"\npage = \"http://studio\"\n\
         template = \"Oh: {{text}} ({{took}})\""
    ))
    .await;
    studio.say(failed("r 1", 0));
    let arrived = receiver.has(1).await.remove(0);
    assert_eq!(arrived.target, "/hook?x=1");
    assert_eq!(arrived.header("content-type"), Some("application/json"));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"k3y");
    let code = ring::hmac::sign(&key, arrived.body.as_bytes());
    let digits: String = code.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(arrived.header("x-meterbridge-signature").unwrap(), format!("sha256={digits}"));
    let mut body = arrived.json();
    assert_eq!(body["id"].as_str(), arrived.header("x-meterbridge-delivery"));
    for place in ["/id", "/at", "/runs/0/at", "/runs/0/took_ms", "/text"] {
        assert!(!body.pointer(place).unwrap().is_null(), "{place}");
    }
    let text = body["text"].as_str().unwrap();
    assert!(text.starts_with("Oh: r 1 failed at RENDER: quota 7 exceeded (0.0 s)"), "{text}");
    for name in ["id", "at", "text"] {
        body.as_object_mut().unwrap().remove(name);
    }
    for name in ["at", "took_ms"] {
        body["runs"][0].as_object_mut().unwrap().remove(name);
    }
    let run = json!({
        "run_id": "r 1", "song": null, "execution": 1, "step": "RENDER",
        "reason": "quota 7 exceeded", "link": "http://studio/?run=r+1",
    });
    assert_eq!(
        body,
        json!({
            "meterbridge": 1, "event": "failure", "backend": "ws://127.0.0.1:9/events", "count": 1,
            "runs": [run],
            "causes": [{ "step": "RENDER", "reason": "quota # exceeded", "count": 1 }],
        })
    );
    studio.server.stop().await;
    assert_eq!(receiver.arrived().len(), 1);
}

#[tokio::test]
async fn thousand_failures_at_once_arrive_as_two_messages() {
    let receiver = Receiver::default();
    let url = receiver.listen(&[]).await;
    let studio = Studio::with(&format!("[[webhook]]\nurl = \"{url}\"\ngroup_secs = 3600")).await;
    for part in 0..10 {
        studio.say((0..100).flat_map(|number| failed(&format!("r{part}-{number}"), 0)));
    }
    let hub = studio.server.hub().unwrap();
    eventually("all failures", || hub.counters().journal_entries.get() == 4_000).await;
    receiver.has(1).await;
    studio.server.stop().await;
    let told: Vec<_> = receiver.arrived().iter().map(Arrived::summary).collect();
    assert_eq!(told, [("failure".to_owned(), 1), ("failure".to_owned(), 999)]);
    let body = receiver.arrived()[1].json();
    assert_eq!(body["text"], "999 runs failed: 999 × RENDER: quota # exceeded");
    assert_eq!(body["runs"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn recovery_is_told_for_slack_with_its_text_escaped() {
    let receiver = Receiver::default();
    let url = receiver.listen(&[]).await;
    let studio = Studio::with(&format!(
        "[[webhook]]\nurl = \"{url}\"\nformat = \"slack\"\nevents = [\"recovery\"]\n\
         template = \"<!here> {{run}}: {{text}}\""
    ))
    .await;
    studio.say([failed("<a&b>", 5), finished("<a&b>"), finished("c")].concat());
    let arrived = receiver.has(1).await.remove(0);
    let text = arrived.json()["text"].as_str().unwrap().to_owned();
    let begin =
        "<!here> &lt;a&amp;b&gt;: &lt;a&amp;b&gt; (execution 2) finished in 0.0 s after a failure";
    assert_eq!(text, begin);
    studio.server.stop().await;
    assert_eq!(receiver.arrived().len(), 1);
}

#[tokio::test]
async fn failures_of_before_are_no_news_after_a_restart() {
    let receiver = Receiver::default();
    let url = receiver.listen(&[]).await;
    let hooks = webhooks(&format!("[[webhook]]\nurl = \"{url}\"\ngroup_secs = 3600"));
    let store = TempStore::new("webhooks");
    let told = failed("told", 0);
    // A hub without a past does not tell of what it finds.
    let studio = Studio::open(&options(Some(store.file())), hooks.clone()).await;
    studio.say(failed("found", 100));
    studio.say(told.clone());
    receiver.has(1).await;
    studio.server.stop().await;
    let studio = Studio::open(&options(Some(store.file())), hooks).await;
    studio.say(told);
    // While the hub was away: a short time ago, and a long time ago.
    studio.say([failed("recent", 60), failed("old", 3_000)].concat());
    let hub = studio.server.hub().unwrap();
    eventually("all frames", || hub.counters().journal_entries.get() == 16).await;
    receiver.has(2).await;
    studio.server.stop().await;
    let runs: Vec<Value> =
        receiver.arrived().iter().map(|arrived| arrived.json()["runs"].clone()).collect();
    let ids: Vec<&Value> = runs.iter().map(|runs| &runs[0]["run_id"]).collect();
    assert_eq!(ids, ["told", "recent"]);
    assert!(runs.iter().all(|runs| runs.as_array().unwrap().len() == 1), "{runs:?}");
}

#[tokio::test]
async fn failed_delivery_is_repeated_and_a_refused_one_is_not() {
    let receiver = Receiver::default();
    let slow_down = "429 Too Many Requests\r\nRetry-After: 0";
    let answers = ["503 Service Unavailable", slow_down, "200 OK", "404 Not Found"];
    let url = receiver.listen(&answers).await;
    let studio = Studio::with(&format!(
        "[[webhook]]\nname = \"ops\"\nurl = \"{url}\"\nevents = [\"failure\", \"recovery\"]"
    ))
    .await;
    studio.say(failed("a", 0));
    let arrived = receiver.has(3).await;
    let ids: Vec<_> = arrived.iter().map(|it| it.header("x-meterbridge-delivery")).collect();
    assert!(ids[0].is_some() && ids[0] == ids[1] && ids[1] == ids[2], "{ids:?}");
    assert_eq!(arrived[0].body, arrived[2].body);
    studio.say(finished("a"));
    receiver.has(4).await;
    let metrics = async || get(&studio.server, "/metrics").await.text().to_owned();
    let failed = "meterbridge_hub_webhook_messages_total{webhook=\"ops\",outcome=\"failed\"} 1\n";
    while !metrics().await.contains(failed) {
        tokio::task::yield_now().await;
    }
    let metrics = metrics().await;
    for line in [
        "meterbridge_hub_webhook_messages_total{webhook=\"ops\",outcome=\"delivered\"} 1\n",
        "meterbridge_hub_webhook_messages_total{webhook=\"ops\",outcome=\"lost\"} 0\n",
        "meterbridge_hub_webhook_retries_total{webhook=\"ops\"} 2\n",
        "meterbridge_hub_webhook_queue{webhook=\"ops\"} 0\n",
        "meterbridge_hub_news_lost_total 0\n",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    let health: Value =
        serde_json::from_slice(&get(&studio.server, "/healthz").await.body).unwrap();
    let problems = health["problems"].as_array().unwrap();
    assert_eq!(problems.last().unwrap(), "webhook ops fails: HTTP 404");
    let webhook = json!({ "name": "ops", "queue": 0, "delivered": 1, "failed": 1, "lost": 0 });
    assert_eq!(health["webhooks"], json!([webhook]));
    studio.server.stop().await;
    assert_eq!(receiver.arrived().len(), 4);
}

#[tokio::test]
async fn redirects_are_not_followed_and_retries_end() {
    let elsewhere = Receiver::default();
    let other = elsewhere.listen(&[]).await;
    let receiver = Receiver::default();
    let redirect: &'static str = format!("307 Temporary\r\nLocation: {other}").leak();
    let down = "500 Internal Server Error";
    let url = receiver.listen(&[redirect, down, down, down, down]).await;
    let studio = Studio::with(&format!("[[webhook]]\nurl = \"{url}\"\ngroup_secs = 1")).await;
    studio.say(failed("a", 0));
    receiver.has(1).await;
    studio.say(failed("b", 0));
    // One message and three retries.
    receiver.has(5).await;
    studio.say(failed("c", 0));
    assert_eq!(receiver.has(6).await[5].json()["runs"][0]["run_id"], "c");
    studio.server.stop().await;
    assert!(elsewhere.arrived().is_empty());
}

#[tokio::test]
async fn outage_is_told_once_and_so_is_its_end() {
    let receiver = Receiver::default();
    let url = receiver.listen(&[]).await;
    let studio = Studio::with(&format!("[[webhook]]\nurl = \"{url}\"\noutage_secs = 1")).await;
    // The hub has not reached its upstream yet.
    let lost = receiver.has(1).await.remove(0).json();
    assert_eq!(
        (&lost["event"], &lost["outage"]["reason"]),
        (&json!("backend_lost"), &json!("connecting"))
    );
    let live = ConnectionState::Connected {
        url: "ws://127.0.0.1:9/events".to_owned(),
        since: Timestamp::now(),
        updates: meterbridge::source::Updates::Live,
    };
    studio.upstream.send(Signal::State(live)).unwrap();
    let back = receiver.has(2).await.remove(1).json();
    assert_eq!(back["event"], "backend_back");
    assert!(back["outage"]["lasted_ms"].as_u64().unwrap() >= 1_000, "{back}");
    studio.server.stop().await;
    assert_eq!(receiver.arrived().len(), 2);
}

/// Runs the program with a file of webhooks. Returns exit code, stdout and stderr.
async fn run(name: &str, text: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = crate::page::Folder::empty(name);
    let file = folder.0.join("w.toml");
    std::fs::create_dir_all(&folder.0).unwrap();
    std::fs::write(&file, text).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_meterbridge"));
    command.args(arguments).current_dir(&folder.0).env("KEY", "k3y");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn hub_does_not_start_with_a_mistake_in_the_file() {
    let serve = ["serve", "http://127.0.0.1:9", "--store=none", "--listen=127.0.0.1:0"];
    let serve: Vec<&str> = serve.into_iter().chain(["--webhooks", "w.toml"]).collect();
    let text = "[[webhook]]\nurl = \"http://h\"\nformat = \"xml\"\n";
    let (code, _, error) = run("webhooks-mistake", text, &serve).await;
    let expected = "error: w.toml:3:10: format: expected \"json\" or \"slack\"\n";
    assert_eq!((code, error.as_str()), (Some(2), expected));
    let demo = ["serve", "--listen=127.0.0.1:0", "--webhooks", "w.toml"];
    let (code, _, error) = run("webhooks-demo", text, &demo).await;
    assert_eq!(code, Some(2));
    assert!(error.contains("the demo studio tells nobody"), "{error}");
}

#[tokio::test]
async fn webhooks_are_checked_and_tried_from_the_command_line() {
    let receiver = Receiver::default();
    let url = receiver.listen(&["200 OK", "404 Not Found"]).await;
    let authority = url.split('/').nth(2).unwrap();
    let text = format!(
        "[[webhook]]\nname = \"a\"\nurl = \"{url}\"\nsecret_env = \"KEY\"\n\
         [[webhook]]\nname = \"b\"\nurl = \"{url}\"\nformat = \"slack\"\nevents = [\"slow\"]\n"
    );
    let words = format!(
        "a: {authority} as json, signed: failure, recovery, backend_lost\nb: {authority} as slack: slow\n"
    );
    let checked = run("webhooks-check", &text, &["webhooks", "w.toml"]).await;
    assert_eq!(checked, (Some(0), words.clone(), String::new()));
    let tried = run("webhooks-test", &text, &["webhooks", "w.toml", "--test"]).await;
    let words = format!("{words}a: delivered\nb: not delivered: HTTP 404\n");
    assert_eq!(tried, (Some(1), words, "error: 1 of 2 webhooks failed\n".to_owned()));
    let arrived = receiver.arrived();
    assert_eq!(arrived[0].json()["event"], "test");
    assert_eq!(arrived[1].json(), json!({ "text": "This is a test of a webhook of Meterbridge" }));
}
