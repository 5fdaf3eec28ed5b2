//! The demo studio alone: `meterbridge demo`.

use std::io::{self, Write};

use super::{DemoArgs, DemoError, DemoServer};

/// Opens the studio, says where on stdout, and keeps it open until Ctrl-C or SIGTERM; then closes
/// its clients with 1001 and returns.
///
/// # Errors
///
/// When it cannot be opened; [`DemoError::exit_code`] says what to exit with.
pub async fn run(args: DemoArgs) -> Result<(), DemoError> {
    let listen = args.checked_listen()?;
    // Before the address is out: who reads it may send the signal.
    let mut signals = Signals::listen().map_err(DemoError::Signal)?;
    let server = DemoServer::start(listen, args.options()).await?;
    // A closed stdout is no reason not to play.
    let _ = writeln!(io::stdout(), "{}", announcement(&server.url(), &args));
    signals.received().await;
    server.stop().await;
    Ok(())
}

fn announcement(url: &str, args: &DemoArgs) -> String {
    let DemoArgs { seed, runs, speed, .. } = args;
    let runs = if *runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") };
    format!("Demo studio on {url}, seed {seed}, {runs} at a time, {speed} × speed. Ctrl-C ends it.")
}

/// What ends the studio.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn received(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "as on Unix, where it can fail")]
    fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    async fn received(&mut self) {
        // Without a way to be told, the studio stays open until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::Dialect;

    #[test]
    fn says_where_it_is_and_what_it_plays() {
        let args = DemoArgs {
            listen: "127.0.0.1:8000".parse().unwrap(),
            seed: 7,
            speed: 4.0,
            runs: 6,
            dialect: Dialect::Guide,
            allow_remote: false,
        };
        assert_eq!(
            announcement("ws://127.0.0.1:8000/events", &args),
            "Demo studio on ws://127.0.0.1:8000/events, seed 7, 6 runs at a time, 4 × speed. \
             Ctrl-C ends it."
        );
    }
}
