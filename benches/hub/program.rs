//! The hub as a process, and its resource usage and metrics.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Unit of processor time in /proc, the same on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// Metrics that are printed, without the prefix `meterbridge_hub_`.
const METRICS: [&str; 7] = [
    "journal_bytes ",
    "store_bytes ",
    "frames_sent_total ",
    "events_duplicate_total ",
    "screen_resumes_total ",
    "screen_replays_total ",
    "screen_lag_closes_total ",
];

pub struct Program {
    child: Child,
    pub address: SocketAddr,
}

impl Program {
    /// Starts `meterbridge serve` for `upstream`; `port` 0 takes any free port.
    pub fn serve(upstream: SocketAddr, port: u16, store: &Path) -> Self {
        let built = env!("CARGO_BIN_EXE_meterbridge");
        let program = std::env::var("METERBRIDGE_BIN").unwrap_or_else(|_| built.to_owned());
        let mut command = Command::new(program);
        // The caller's settings must not apply.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("METERBRIDGE_")) {
            command.env_remove(name);
        }
        command.args(["serve", &format!("ws://{upstream}/events"), "--reconnect-delay=0.25"]);
        // Keep all runs, however long the test takes.
        command.args(["--keep-runs=1000000", "--keep-mib=65536"]);
        command.args(["--listen", &format!("127.0.0.1:{port}"), "--store"]).arg(store);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program can be started");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let address = address.and_then(|address| address.parse().ok());
        Self { child, address: address.unwrap_or_else(|| panic!("the hub said: {line:?}")) }
    }

    pub fn events_url(&self) -> String {
        format!("ws://{}/events", self.address)
    }

    /// Kills the process as `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    pub fn usage(&self) -> Usage {
        Usage::of(&self.child.id().to_string())
    }

    /// Returns the hub's own values of the metrics in `METRICS`.
    pub fn metrics(&self) -> Vec<String> {
        let mut answer = String::new();
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).expect("it takes a request");
        stream.read_to_string(&mut answer).expect("it answers in words");
        let told = answer.lines().filter_map(|line| line.strip_prefix("meterbridge_hub_"));
        let is_wanted = |line: &&str| METRICS.iter().any(|name| line.starts_with(name));
        told.filter(is_wanted).map(str::to_owned).collect()
    }
}

/// Resources that a process has used so far.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// Resident memory.
    pub memory_mib: f64,
    /// Processor time of each thread, by its name.
    pub threads: Vec<(String, Duration)>,
}

impl Usage {
    pub fn of_this_process() -> Self {
        Self::of("self")
    }

    fn of(process: &str) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<f64>().ok());
        let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten();
        let threads = tasks.flatten().filter_map(|task| {
            let stat = fs::read_to_string(task.path().join("stat")).ok()?;
            // The second field is a name in brackets, which may contain spaces.
            let (name, fields) = stat.split_once('(')?.1.rsplit_once(')')?;
            let mut times = fields.split_whitespace().skip(11);
            let mut ticks = || times.next()?.parse::<u32>().ok();
            Some((name.to_owned(), TICK * (ticks()? + ticks()?)))
        });
        Self { memory_mib: kib.unwrap_or(0.0) / 1024.0, threads: threads.collect() }
    }

    /// Returns the seconds of processor time of each thread since `before`.
    pub fn since(&self, before: &Self) -> Vec<(String, f64)> {
        let earlier = |name: &str| {
            let same = before.threads.iter().find(|(thread, _)| thread == name);
            same.map_or(Duration::ZERO, |(_, time)| *time)
        };
        let spent = |(name, time): &(String, Duration)| {
            (name.clone(), time.saturating_sub(earlier(name)).as_secs_f64())
        };
        self.threads.iter().map(spent).collect()
    }
}

/// Returns the seconds that the hypervisor took from this machine's processors so far (steal time).
pub fn stolen_secs() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks =
        stat.lines().next().and_then(|all| all.split_whitespace().nth(8)?.parse::<f64>().ok());
    ticks.unwrap_or(0.0) * TICK.as_secs_f64()
}

/// Returns the MiB used by all sockets of the machine, which are attributed to no process.
pub fn socket_mib() -> f64 {
    const PAGE_BYTES: f64 = 4096.0;
    let stat = fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
    let line = stat.lines().find(|line| line.starts_with("TCP:")).unwrap_or_default();
    let mut words = line.split_whitespace().skip_while(|word| *word != "mem");
    let pages = words.nth(1).and_then(|pages| pages.parse::<f64>().ok());
    pages.unwrap_or(0.0) * PAGE_BYTES / f64::from(1 << 20)
}
