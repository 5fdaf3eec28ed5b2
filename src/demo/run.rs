//! `meterbridge demo`, from its arguments to its end.

use std::io::{self, Write};

use super::{DemoArgs, DemoError, DemoServer};
use crate::server::signals::Signals;

/// Opens the studio, prints its address to stdout, and runs until Ctrl-C or SIGTERM; then closes
/// its clients with 1001 and returns.
///
/// # Errors
///
/// Fails when the studio cannot be opened; [`DemoError::exit_code`] gives the exit code.
pub async fn run(args: DemoArgs) -> Result<(), DemoError> {
    let listen = args.demo.checked(args.listen)?;
    // Before the address is printed, because a script that reads it may send the signal at once.
    let mut signals = Signals::listen().map_err(DemoError::Signal)?;
    let server = DemoServer::start(listen, args.demo.options()).await?;
    // A closed stdout must not stop the studio.
    let _ = writeln!(io::stdout(), "{}", announcement(&server.url(), &args));
    signals.received().await;
    server.stop().await;
    Ok(())
}

fn announcement(url: &str, args: &DemoArgs) -> String {
    format!("Demo studio on {url}, {}. Ctrl-C ends it.", args.demo.playback_summary())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::{DemoStudioArgs, Dialect};

    #[test]
    fn announcement_names_address_seed_runs_and_speed() {
        let args = DemoArgs {
            listen: "127.0.0.1:8000".parse().unwrap(),
            demo: DemoStudioArgs {
                seed: 7,
                speed: 4.0,
                runs: 6,
                dialect: Dialect::Guide,
                allow_remote: false,
            },
        };
        assert_eq!(
            announcement("ws://127.0.0.1:8000/events", &args),
            "Demo studio on ws://127.0.0.1:8000/events, seed 7, 6 runs at a time, 4 × speed. \
             Ctrl-C ends it."
        );
    }
}
