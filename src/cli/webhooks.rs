//! Arguments of `meterbridge webhooks`.

use std::path::PathBuf;

use clap::Args;

use crate::config::access_of;
use crate::source::Access;

const AFTER_HELP: &str = "\
Examples:
  meterbridge webhooks webhooks.toml            what is wrong in the file, else what it says
  meterbridge webhooks webhooks.toml --test     sends each webhook a test message
  meterbridge serve http://studio:8000 --webhooks webhooks.toml

docs/hub.md describes the file.";

/// Check a file of webhooks, and try them
#[derive(Args, Clone, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct WebhooksArgs {
    /// The file for `serve --webhooks`
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Send a test message to each address, once
    #[arg(long)]
    pub test: bool,

    /// Also trust the certificates in this file (PEM)
    #[arg(long, value_name = "FILE", env = "METERBRIDGE_CA_FILE", hide_env = true)]
    pub ca_file: Option<PathBuf>,
}

impl WebhooksArgs {
    /// Returns the certificates to trust, without credentials.
    pub fn access(&self) -> Access {
        Access { token: None, ..access_of(None, None, self.ca_file.clone()) }
    }
}
