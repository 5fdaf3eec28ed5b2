//! Why the demo studio cannot open.

use std::{io, net::SocketAddr};

use thiserror::Error;

/// Why the demo studio could not be opened. Once it is open nothing ends it but its owner.
#[derive(Debug, Error)]
pub enum DemoError {
    /// A mistake on the command line.
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
    /// What `meterbridge demo` exits with: 2 for a usage error as clap has it, else 1.
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
