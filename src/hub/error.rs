//! Why nothing can be served.

use std::{io, net::SocketAddr, path::PathBuf};

use thiserror::Error;

use super::{StoreError, gate::TokenError, passthrough::UpstreamSetupError};
use crate::{
    demo::DemoError,
    source::{AccessError, UrlError},
};

/// Why the page and the events could not be served. Once they are, nothing ends it but its owner.
#[derive(Debug, Error)]
pub enum HubError {
    /// As `meterbridge demo` says it.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// A mistake on the command line.
    #[error(
        "there is no page in `{}`: a page has an index.html, and web/build.sh makes one in \
         web/dist", .folder.display()
    )]
    NoPage { folder: PathBuf },
    /// A mistake on the command line.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// As the system is set up, nothing says where.
    #[error(
        "there is no place for the hub's store: name a file with --store, or keep nothing with \
         --store none"
    )]
    NoStateFolder,
    /// A mistake on the command line.
    #[error(
        "--listen {address} would open the hub to other machines, which needs a token for screens: \
         put one of 16 characters or more into METERBRIDGE_HUB_TOKEN, or into a file for \
         --hub-token-file; or listen on a loopback address such as 127.0.0.1:{}", .address.port()
    )]
    RemoteWithoutToken { address: SocketAddr },
    /// The token for screens is none.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The token for screens cannot be had.
    #[error("--hub-token-file: {0}")]
    TokenFile(AccessError),
    /// The backend's REST cannot be asked.
    #[error(transparent)]
    Upstream(#[from] UpstreamSetupError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot start the hub's thread: {0}")]
    Thread(io::Error),
}

impl HubError {
    /// What `meterbridge serve` exits with: 2 for a usage error as clap has it, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Demo(error) => error.exit_code(),
            Self::NoPage { .. }
            | Self::Url(_)
            | Self::NoStateFolder
            | Self::RemoteWithoutToken { .. }
            | Self::Token(_)
            | Self::TokenFile(_) => 2,
            Self::Upstream(_) | Self::Store(_) | Self::Thread(_) => 1,
        }
    }
}
