//! The demo studio alone: `meterbridge demo`.

use std::io::{self, Write};

use super::{DemoArgs, DemoError, DemoServer};
use crate::server::signals::Signals;

/// Opens the studio, says where on stdout, and keeps it open until Ctrl-C or SIGTERM; then closes
/// its clients with 1001 and returns.
///
/// # Errors
///
/// When it cannot be opened; [`DemoError::exit_code`] says what to exit with.
pub async fn run(args: DemoArgs) -> Result<(), DemoError> {
    let listen = args.demo.checked(args.listen)?;
    // Before the address is out: who reads it may send the signal.
    let mut signals = Signals::listen().map_err(DemoError::Signal)?;
    let server = DemoServer::start(listen, args.demo.options()).await?;
    // A closed stdout is no reason not to play.
    let _ = writeln!(io::stdout(), "{}", announcement(&server.url(), &args));
    signals.received().await;
    server.stop().await;
    Ok(())
}

fn announcement(url: &str, args: &DemoArgs) -> String {
    format!("Demo studio on {url}, {}. Ctrl-C ends it.", args.demo.told())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::{DemoStudioArgs, Dialect};

    #[test]
    fn says_where_it_is_and_what_it_plays() {
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
