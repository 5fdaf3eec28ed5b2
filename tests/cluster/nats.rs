//! NATS servers as processes, on ports that stay theirs when they are started again.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Makes folders unique among the tests of a process.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// One or three servers, with folders that are deleted at the end.
pub struct Nats {
    servers: Vec<Server>,
    folder: PathBuf,
}

struct Server {
    port: u16,
    route: u16,
    process: Option<Child>,
}

/// Ports that systems give to no outgoing connection, so that a port is still free when its server is started again.
const PORTS: std::ops::Range<u32> = 20_000..30_000;

/// Returns a port that nobody uses, and that no other test of this process gets.
fn free_port() -> u16 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id() * 97;
    loop {
        let place = first.wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)) % 10_000;
        let port = u16::try_from(PORTS.start + place).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Nats {
    pub fn start(count: usize) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("meterbridge-nats-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        // Possibly left by a killed test.
        let _ = std::fs::remove_dir_all(&folder);
        let server = || Server { port: free_port(), route: free_port(), process: None };
        let servers = std::iter::repeat_with(server).take(count).collect();
        let mut nats = Self { servers, folder };
        (0..count).for_each(|nth| nats.restart(nth));
        (0..count).for_each(|nth| nats.listens(nth));
        nats
    }

    /// Waits until a server listens.
    fn listens(&mut self, nth: usize) {
        let began = Instant::now();
        let (log, server) = (self.log(nth), &mut self.servers[nth]);
        while TcpStream::connect(("127.0.0.1", server.port)).is_err() {
            let has_ended =
                server.process.as_mut().is_some_and(|it| it.try_wait().unwrap().is_some());
            assert!(
                !has_ended && began.elapsed() < Duration::from_secs(20),
                "nats-server does not listen: {}",
                std::fs::read_to_string(log).unwrap()
            );
            sleep(Duration::from_millis(20));
        }
    }

    /// Path of what a server says.
    fn log(&self, nth: usize) -> PathBuf {
        self.folder.join(format!("{nth}.log"))
    }

    pub fn restart(&mut self, nth: usize) {
        let routes: Vec<String> =
            self.servers.iter().map(|it| format!("nats://127.0.0.1:{}", it.route)).collect();
        let is_clustered = routes.len() > 1;
        std::fs::create_dir_all(&self.folder).unwrap();
        let log = std::fs::File::options().create(true).append(true).open(self.log(nth)).unwrap();
        let server = &mut self.servers[nth];
        let mut command = Command::new("nats-server");
        command.args(["-a", "127.0.0.1", "-p", &server.port.to_string(), "-js", "-sd"]);
        command.arg(self.folder.join(nth.to_string()));
        if is_clustered {
            let route = format!("nats://127.0.0.1:{}", server.route);
            command.args(["-n", &format!("n{nth}"), "--cluster_name", "test"]);
            command.args(["--cluster", &route, "--routes", &routes.join(",")]);
        }
        let started = command.stdout(Stdio::null()).stderr(log).spawn();
        server.process = Some(started.expect(
            "these tests need nats-server on the PATH: apt-get install nats-server (tests/lacking-packages)",
        ));
    }

    pub fn kill(&mut self, nth: usize) {
        if let Some(mut process) = self.servers[nth].process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    pub fn port(&self, nth: usize) -> u16 {
        self.servers[nth].port
    }

    pub fn count(&self) -> usize {
        self.servers.len()
    }

    /// Returns the addresses of all servers, as `--cluster` takes them.
    pub fn addresses(&self) -> String {
        let addresses: Vec<String> =
            self.servers.iter().map(|it| format!("nats://127.0.0.1:{}", it.port)).collect();
        addresses.join(",")
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        (0..self.servers.len()).for_each(|nth| self.kill(nth));
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
