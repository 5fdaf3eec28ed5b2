//! Errors of `meterbridge serve` while starting.

use std::{io, net::SocketAddr, path::PathBuf};

use thiserror::Error;

use super::{
    StoreError, gate::TokenError, passthrough::UpstreamSetupError, webhooks::WebhookError,
};
use crate::{
    demo::DemoError,
    source::{AccessError, UrlError},
};

/// An error that prevents the hub or the demo from being served. Once serving, only a signal ends
/// it.
#[derive(Debug, Error)]
pub enum HubError {
    /// Error of the demo studio, as in `meterbridge demo`.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// Usage error.
    #[error(
        "there is no page in `{}`: a page has an index.html, and web/build.sh makes one in \
         web/dist", .folder.display()
    )]
    NoPage { folder: PathBuf },
    /// Usage error.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// No folder for the store can be determined from the environment.
    #[error(
        "there is no place for the hub's store: name a file with --store, or keep nothing with \
         --store none"
    )]
    NoStateFolder,
    /// Usage error.
    #[error(
        "--listen {address} would open the hub to other machines, which needs a token for screens: \
         put one of 16 characters or more into METERBRIDGE_HUB_TOKEN, or into a file for \
         --hub-token-file; or listen on a loopback address such as 127.0.0.1:{}", .address.port()
    )]
    RemoteWithoutToken { address: SocketAddr },
    /// The token for screens is invalid.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The token file cannot be read.
    #[error("--hub-token-file: {0}")]
    TokenFile(AccessError),
    /// The file of webhooks has a mistake, or cannot be read.
    #[error(transparent)]
    Webhooks(#[from] WebhookError),
    /// Usage error.
    #[error("--webhooks needs the URL of a backend or stream: the demo studio tells nobody")]
    WebhooksWithoutHub,
    /// The client for the backend's REST API cannot be created.
    #[error(transparent)]
    Upstream(#[from] UpstreamSetupError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot start the hub's thread: {0}")]
    Thread(io::Error),
    /// Usage error.
    #[cfg(feature = "cluster")]
    #[error("--cluster: {detail}")]
    Cluster { detail: String },
}

impl HubError {
    /// Returns the exit code of `meterbridge serve`: 2 for usage errors, as in clap, otherwise 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Demo(error) => error.exit_code(),
            Self::NoPage { .. }
            | Self::Url(_)
            | Self::NoStateFolder
            | Self::RemoteWithoutToken { .. }
            | Self::Token(_)
            | Self::TokenFile(_)
            | Self::Webhooks(_)
            | Self::WebhooksWithoutHub => 2,
            #[cfg(feature = "cluster")]
            Self::Cluster { .. } => 2,
            Self::Upstream(_) | Self::Store(_) | Self::Thread(_) => 1,
        }
    }
}
