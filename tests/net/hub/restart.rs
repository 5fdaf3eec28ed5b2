//! End of a hub, orderly or not, and the hub that follows it.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use meterbridge::demo::{DemoOptions, DemoServer};
use tokio_tungstenite::connect_async;

use super::{Fed, TempStore, connect_to, event, eventually, options, runs_of, whole_run};

#[tokio::test]
async fn screens_resume_after_a_restart() {
    let temp_store = TempStore::new("resume");
    let options = options(Some(temp_store.file()));
    let fed = Fed::with(&options).unwrap();
    let all: Vec<String> = (0..6).flat_map(|run| whole_run(&format!("r-{run}"))).collect();
    fed.say(&all[..50]);
    let mut client = fed.viewer().await;
    client.until_told(50).await;
    let before = runs_of(&fed.hub);
    drop(fed);
    let fed = Fed::with(&options).unwrap();
    assert_eq!(runs_of(&fed.hub), before);
    let query = client.query();
    let mut client = client.continued(fed.viewer_at(&query).await);
    client.until_live().await;
    assert_eq!((client.told.len(), client.hellos.len()), (50, 2));
    assert_eq!(client.hellos[0].at.stream, client.hellos[1].at.stream);
    // The upstream replays old frames and continues: only the continuation is new.
    fed.say(&all);
    client.until_told(108).await;
    assert_eq!(fed.hub.counters().duplicates.get(), 50);
    assert_eq!(client.texts(), all);
    assert_eq!(client.runs(), runs_of(&fed.hub));
    fed.keeps(&all).await;
}

#[tokio::test]
async fn sequence_numbers_lost_in_a_power_failure_force_a_new_stream() {
    let temp_store = TempStore::new("power");
    let options = options(Some(temp_store.file()));
    let fed = Fed::with(&options).unwrap();
    fed.say(whole_run("r-1"));
    let mut client = fed.viewer().await;
    client.until_told(18).await;
    drop(fed);
    let db = rusqlite::Connection::open(temp_store.file()).unwrap();
    db.execute("UPDATE meta SET value = 'another' WHERE name = 'boot'", []).unwrap();
    db.close().unwrap();
    let mut expected = whole_run("r-1");
    for second in 0..2 {
        let fed = Fed::with(&options).unwrap();
        let mut back = fed.viewer_at(&client.query()).await;
        back.until_live().await;
        let is_same = back.hellos[0].at.stream == client.hellos[0].at.stream;
        assert_eq!(is_same, second > 0, "once, not each time that the hub starts");
        assert_eq!(back.texts().len(), if is_same { 0 } else { 18 });
        expected.push(event("r-2", None, "start", second));
        fed.say(&expected);
        back.until_told(if is_same { 1 } else { 19 }).await;
        fed.keeps(&expected).await;
        client = back;
    }
}

/// `meterbridge serve` as a separate process.
pub struct Process {
    child: Child,
    pub events_url: String,
    pub address: String,
}

impl Process {
    pub fn start(upstream: &str, listen: &str, store: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meterbridge"));
        command.args(["serve", upstream, "--listen", listen, "--store"]).arg(store);
        Self::of(command)
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let address = address.unwrap_or_else(|| panic!("it says {line:?}")).to_owned();
        Self { child, events_url: format!("ws://{address}/events"), address }
    }

    /// Kills the process with SIGKILL. Returns its standard error.
    pub fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Usually ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a studio fast enough to have events at every moment.
pub async fn hurry() -> DemoServer {
    let options = DemoOptions { speed: 100.0, runs: 60, ..DemoOptions::default() };
    DemoServer::start(([127, 0, 0, 1], 0).into(), options).await.unwrap()
}

#[tokio::test]
async fn killed_hub_has_stored_everything_it_sent() {
    let temp_store = TempStore::new("killed");
    let demo_server = hurry().await;
    let mut hub = Process::start(&demo_server.url(), "127.0.0.1:0", &temp_store.file());
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(connect_to(&hub.events_url, None).await);
    }
    for round in 1..=3 {
        // In the middle of the stream.
        for client in &mut clients {
            let told = client.told.len();
            client.until_told(told + 700).await;
        }
        let (address, url) = (hub.address.clone(), hub.events_url.clone());
        hub.kill();
        for client in &mut clients {
            client.closed().await;
        }
        hub = Process::start(&demo_server.url(), &address, &temp_store.file());
        let mut back = Vec::new();
        for client in clients {
            let position = client.position.clone();
            let mut client = client.continued(connect_to(&url, position.as_ref()).await);
            client.until_live().await;
            assert_eq!(client.hellos.len(), 1 + round);
            assert_eq!(client.hellos[round].at, position.unwrap(), "it goes on there");
            back.push(client);
        }
        clients = back;
    }
    demo_server.stop().await;
    // Early and late screens have received the same frames.
    let mut last = connect_to(&hub.events_url, None).await;
    last.until_live().await;
    let end = last.position.clone().unwrap();
    for client in &mut clients {
        client.until("the end", |client| client.position.as_ref() == Some(&end)).await;
        assert_eq!(client.told, last.told);
        assert_eq!(client.runs(), last.runs());
        let mut texts = client.texts();
        texts.sort_unstable();
        let before = texts.len();
        texts.dedup();
        assert_eq!(texts.len(), before, "something came twice");
    }
    assert!(last.told.len() > 2100);
}

/// Limits the hub's files to 2 MB with `ulimit`, to simulate a full disk.
#[cfg(unix)]
#[tokio::test]
async fn full_disk_affects_no_screen() {
    let temp_store = TempStore::new("full");
    let demo_server = hurry().await;
    let mut command = Command::new("bash");
    let serve = format!(
        "trap '' XFSZ; ulimit -f 2000; exec {} serve {} --listen 127.0.0.1:0 --store {}",
        env!("CARGO_BIN_EXE_meterbridge"),
        demo_server.url(),
        temp_store.file().display()
    );
    command.args(["-c", &serve]);
    let hub = Process::of(command);
    let mut client = connect_to(&hub.events_url, None).await;
    client.until("a new stream", |client| client.hellos.len() == 2).await;
    let told = client.told.len();
    client.until_told(told + 500).await;
    let (first, second) = (&client.hellos[0].at, &client.hellos[1].at);
    assert_ne!(first.stream, second.stream);
    let numbers: Vec<u64> = client.told.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<u64>>());
    demo_server.stop().await;
    let mut late = connect_to(&hub.events_url, None).await;
    late.until_live().await;
    let end = late.position.clone().unwrap();
    client.until("the end", |client| client.position.as_ref() == Some(&end)).await;
    assert_eq!(client.told, late.told);
    let said = hub.kill();
    assert!(said.contains("hub.sqlite") && said.contains("Nothing is stored"), "{said}");
    // A next hub with free disk space still finds what was written before.
    let fed = Fed::with(&options(Some(temp_store.file()))).unwrap();
    let kept = fed.kept().await;
    assert!(kept.len() > 100, "{}", kept.len());
    assert_eq!(kept, late.texts()[..kept.len()]);
    let mut back = fed.viewer_at(&late.query()).await;
    back.until_live().await;
    assert_eq!(back.hellos[0].at.seq, 0, "those numbers are not its own");
}

#[tokio::test]
async fn invalid_serve_options_are_reported_before_starting() {
    let temp_store = TempStore::new("said");
    let fail = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_meterbridge"))
            .arg("serve")
            .args(args)
            .env_remove("HOME")
            .env_remove("XDG_STATE_HOME")
            .env_remove("STATE_DIRECTORY")
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = fail(&["studio:8000"]);
    assert!(code == Some(2) && said.contains("ws://studio:8000"), "{said}");
    let (code, said) = fail(&["http://127.0.0.1:9"]);
    assert!(code == Some(2) && said.contains("--store none"), "{said}");
    let fed = Fed::with(&options(Some(temp_store.file()))).unwrap();
    let file = temp_store.file();
    let (code, said) =
        fail(&["http://127.0.0.1:9", "--listen=127.0.0.1:0", "--store", file.to_str().unwrap()]);
    assert!(code == Some(1) && said.contains("in use by another hub"), "{said}");
    drop(fed);
    let mut hub = Process::start("http://127.0.0.1:9", "127.0.0.1:0", &file);
    eventually("an end", || {
        // The hub is up, whatever its upstream does.
        matches!(hub.child.try_wait(), Ok(None))
    })
    .await;
    let (mut socket, _) = connect_async(&hub.events_url).await.unwrap();
    let _ = tokio::time::timeout(Duration::from_millis(1), socket.close(None)).await;
    hub.kill();
}
