//! `meterbridge serve`, from its arguments to its end.

use std::io::{self, Write};

use super::{HubError, HubServer, ServeArgs, Site};
use crate::demo::{DemoError, signals::Signals};

/// Serves the page and the demo studio, says where on stdout, and goes on until Ctrl-C or SIGTERM;
/// then closes its clients with 1001 and returns.
///
/// # Errors
///
/// When it cannot be opened; [`HubError::exit_code`] says what to exit with.
pub async fn run(args: ServeArgs) -> Result<(), HubError> {
    let listen = args.studio.checked(args.listen)?;
    let site = match &args.page {
        Some(folder) => Some(Site::of_folder(folder)?),
        None => Site::found(),
    };
    let lacks_page = site.is_none();
    let mut signals = Signals::listen().map_err(DemoError::Signal)?;
    let server = HubServer::start(listen, args.studio.options(), site).await?;
    if lacks_page {
        // A closed stderr is no reason not to serve, nor a closed stdout below.
        let _ = writeln!(
            io::stderr(),
            "warning: there is no page: run web/build.sh and start again here, or name the page's \
             folder with --page; {} works without",
            server.events_url()
        );
    }
    let _ = writeln!(io::stdout(), "{}", announcement(&server.url(), &args));
    signals.received().await;
    server.stop().await;
    Ok(())
}

fn announcement(url: &str, args: &ServeArgs) -> String {
    format!("Meterbridge on {url}, demo studio {}. Ctrl-C ends it.", args.studio.told())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::{Dialect, StudioArgs};

    #[test]
    fn says_where_the_page_is_and_what_plays() {
        let args = ServeArgs {
            listen: "127.0.0.1:8080".parse().unwrap(),
            page: None,
            studio: StudioArgs {
                seed: 7,
                speed: 0.5,
                runs: 1,
                dialect: Dialect::Backend,
                allow_remote: false,
            },
        };
        assert_eq!(
            announcement("http://127.0.0.1:8080/", &args),
            "Meterbridge on http://127.0.0.1:8080/, demo studio seed 7, 1 run at a time, 0.5 × \
             speed. Ctrl-C ends it."
        );
    }
}
