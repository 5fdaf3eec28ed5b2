//! Errors of the demo studio while starting.

use std::{io, net::SocketAddr};

use thiserror::Error;

/// An error that prevents the demo studio from opening. Once open, only its owner ends it.
#[derive(Debug, Error)]
pub enum DemoError {
    /// Usage error.
    #[error(
        "--listen {address} would open the demo studio to other machines: add --allow-remote if \
         that is meant, or listen on a loopback address such as 127.0.0.1:{}",
        .address.port()
    )]
    RemoteNotAllowed { address: SocketAddr },
    #[error(
        "cannot listen on {address}: the address is in use; stop what runs there, or choose \
         another port with --listen"
    )]
    AddressInUse { address: SocketAddr },
    #[error("cannot listen on {address}: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("cannot start the demo studio's thread: {0}")]
    Thread(io::Error),
    #[error("cannot wait for the signal to end: {0}")]
    Signal(io::Error),
}

impl DemoError {
    /// Returns the exit code of `meterbridge demo`: 2 for usage errors, as in clap, otherwise 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::RemoteNotAllowed { .. } => 2,
            Self::AddressInUse { .. } | Self::Listen { .. } | Self::Thread(_) | Self::Signal(_) => {
                1
            }
        }
    }

    pub(crate) fn listen(address: SocketAddr, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::AddrInUse {
            Self::AddressInUse { address }
        } else {
            Self::Listen { address, source }
        }
    }
}
