//! `meterbridge serve`, from its arguments to its end.

use std::io::{self, Write};

use super::{Hub, HubError, HubServer, ServeArgs, Site};
use crate::demo::DemoError;
use crate::drain;
use crate::server::signals::Signals;

/// Serves the page with the demo studio or a hub, prints its address to stdout, and runs until
/// Ctrl-C or SIGTERM. Then closes its clients with 1001, waits for runs whose sockets it holds, and
/// returns.
///
/// # Errors
///
/// Fails when the server cannot be started; [`HubError::exit_code`] gives the exit code.
pub async fn run(args: ServeArgs) -> Result<(), HubError> {
    let (listen, hub) = (args.listen, args.hub()?);
    let api = hub.as_ref().map(|hub| hub.connection.api.clone());
    let front = args.front(hub.as_ref())?;
    let site = match &args.page {
        Some(folder) => Some(Site::of_folder(folder)?),
        None => Site::found(),
    };
    let lacks_page = site.is_none();
    let mut signals = Signals::listen().map_err(DemoError::Signal)?;
    let server = match hub {
        None => HubServer::start_behind(listen, args.demo.options(), site, front).await?,
        Some(hub) => HubServer::start_hub_behind(listen, Hub::open(hub)?, site, front).await?,
    };
    if lacks_page {
        // A closed stderr, or stdout below, must not stop the server.
        let _ = writeln!(
            io::stderr(),
            "warning: there is no page to serve: run web/build.sh and start again here, or name the \
             page's folder with --page; {} works without a page",
            server.events_url()
        );
    }
    let _ = writeln!(io::stdout(), "{}", announcement(&server.url(), &args));
    signals.received().await;
    server.stop().await;
    if let Some(api) = api {
        drain::wait_for_held_runs(api.budget.held(), api.drain, signals.received()).await;
    }
    Ok(())
}

fn announcement(url: &str, args: &ServeArgs) -> String {
    let what = match &args.url {
        None => format!("demo studio {}", args.demo.playback_summary()),
        Some(upstream) => format!("the hub of {upstream}"),
    };
    format!("Meterbridge on {url}, {what}. Ctrl-C ends it.")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    #[test]
    fn announcement_names_address_and_upstream() {
        let said = |flags: &[&str]| {
            let flags = ["meterbridge", "serve"].iter().chain(flags);
            let Some(Command::Serve(command)) = Cli::parse_from(flags).command else {
                panic!("not the command");
            };
            announcement("http://127.0.0.1:8080/", &command.serve)
        };
        assert_eq!(
            said(&["--seed=7", "--speed=0.5", "--runs=1"]),
            "Meterbridge on http://127.0.0.1:8080/, demo studio seed 7, 1 run at a time, 0.5 × \
             speed. Ctrl-C ends it."
        );
        assert_eq!(
            said(&["http://ann:secret@studio:8000"]),
            "Meterbridge on http://127.0.0.1:8080/, the hub of http://studio:8000. Ctrl-C ends it."
        );
    }
}
