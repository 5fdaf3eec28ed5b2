//! `meterbridge serve …`

use std::{net::SocketAddr, path::PathBuf};

use crate::demo::StudioArgs;

/// Where to serve what.
#[derive(Clone, Debug, PartialEq, clap::Args)]
pub struct ServeArgs {
    /// Address and port to listen on; port 0 takes any free port
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8080",
        env = "METERBRIDGE_SERVE_LISTEN"
    )]
    pub listen: SocketAddr,

    /// The folder of the page; without it the page of this program, else `dist` or `web` beside
    /// the program, else `web/dist` here
    #[arg(long, value_name = "FOLDER", env = "METERBRIDGE_SERVE_PAGE")]
    pub page: Option<PathBuf>,

    #[command(flatten)]
    pub studio: StudioArgs,
}
