//! Why nothing can be served.

use std::path::PathBuf;

use thiserror::Error;

use crate::demo::DemoError;

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
}

impl HubError {
    /// What `meterbridge serve` exits with: 2 for a usage error as clap has it, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Demo(error) => error.exit_code(),
            Self::NoPage { .. } => 2,
        }
    }
}
