//! Options of `meterbridge serve` for access control.

use std::path::PathBuf;

use super::{GateOptions, HubToken, Origin};
use crate::{hub::HubError, source::Secret};

/// Environment variable with the token. There is no option for it, because command lines are
/// visible to all users of a machine.
const TOKEN: &str = "METERBRIDGE_HUB_TOKEN";

/// Options that control access to the hub.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Access")]
pub struct GateArgs {
    /// Require the token in this file from screens; without this option, the token in
    /// METERBRIDGE_HUB_TOKEN. A hub that other machines can reach needs a token
    #[arg(long, value_name = "FILE", env = "METERBRIDGE_HUB_TOKEN_FILE", hide_env = true)]
    pub hub_token_file: Option<PathBuf>,

    /// Also let pages of this origin, such as https://studio.example, open sockets and operate
    /// runs; may be given more than once
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',')]
    #[arg(env = "METERBRIDGE_ALLOW_ORIGIN", hide_env = true)]
    pub allow_origin: Vec<Origin>,

    /// Serve at most this many screens at a time
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = at_least_one)]
    #[arg(env = "METERBRIDGE_MAX_SCREENS", hide_env = true)]
    pub max_screens: usize,

    /// Accept at most this many connections from one address at a time, screens included;
    /// connections from this machine are not counted
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = at_least_one)]
    #[arg(env = "METERBRIDGE_MAX_PER_ADDRESS", hide_env = true)]
    pub max_per_address: usize,

    /// Answer at most this many requests per second from one address, in bursts five times as many;
    /// 0 is unlimited. Requests from this machine are not counted
    #[arg(long, value_name = "N", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=100_000))]
    #[arg(env = "METERBRIDGE_MAX_REQUEST_RATE", hide_env = true)]
    pub max_request_rate: u32,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err("expected a whole number of at least 1".to_owned()),
    }
}

impl GateArgs {
    /// Converts the options to access rules.
    ///
    /// # Errors
    ///
    /// Fails when the token cannot be read or is not acceptable.
    pub fn options(&self) -> Result<GateOptions, HubError> {
        let secret = match &self.hub_token_file {
            Some(path) => Some(Secret::of_file(path).map_err(HubError::TokenFile)?),
            None => std::env::var(TOKEN).ok().and_then(|token| Secret::new(&token)),
        };
        Ok(GateOptions {
            token: secret.as_ref().map(HubToken::new).transpose()?,
            origins: self.allow_origin.clone(),
            is_public: false,
            max_screens: self.max_screens,
            max_per_address: self.max_per_address,
            max_request_rate: self.max_request_rate,
        })
    }
}
