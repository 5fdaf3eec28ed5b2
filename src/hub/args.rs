//! Arguments of `meterbridge serve`.

use std::env::var_os;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{
    FrontOptions, HubError, HubOptions, JournalRetention,
    gate::GateArgs,
    passthrough::{API_BASE, ApiBackend},
    webhooks::{self, WebhookOptions},
};
use crate::config::{ConnectionOptions, KeptRuns, NamedRuns};
use crate::demo::DemoStudioArgs;
use crate::source::{Access, Address, ApiUrl, check_address, parse_api_url, redact};
use crate::state_folder;

const A_DAY: f64 = 86_400.0;
const MOST_DAYS: f64 = 36_500.0;

/// Arguments of `meterbridge serve`.
#[derive(Clone, Debug, clap::Args)]
pub struct ServeArgs {
    /// Act as the hub of a backend (http://… or https://…) or of a stream of events (ws://… or
    /// wss://…); without URL the demo studio plays
    #[arg(value_name = "URL", env = "METERBRIDGE_SERVE_URL", hide_env = true)]
    pub url: Option<Address>,

    /// Address and port to listen on; port 0 takes any free port
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8080",
        env = "METERBRIDGE_SERVE_LISTEN"
    )]
    pub listen: SocketAddr,

    /// Folder of the page; by default the page built into this program, else `dist` or `web` beside
    /// the program, else `web/dist` in the current folder
    #[arg(long, value_name = "FOLDER", env = "METERBRIDGE_SERVE_PAGE")]
    pub page: Option<PathBuf>,

    #[command(flatten)]
    pub hub: HubArgs,

    #[cfg(feature = "cluster")]
    #[command(flatten)]
    pub cluster: super::cluster_args::ClusterArgs,

    #[command(flatten)]
    pub gate: GateArgs,

    #[command(flatten)]
    pub connection: ConnectionOptions,

    #[command(flatten, next_help_heading = "Demo studio")]
    pub demo: DemoStudioArgs,
}

/// Options of the hub's store and of the runs that it watches.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Hub")]
pub struct HubArgs {
    /// Store events in this file, so that they survive a restart of the hub; `none` keeps them in
    /// memory only [default: a file for each URL, in the user's state directory]
    #[arg(long, value_name = "FILE|none", env = "METERBRIDGE_STORE", hide_env = true)]
    pub store: Option<PathBuf>,

    /// Drop runs that have had no event for this many days
    #[arg(long, value_name = "DAYS", default_value = "7", value_parser = days)]
    #[arg(env = "METERBRIDGE_KEEP_DAYS", hide_env = true)]
    pub keep_days: Duration,

    /// Keep at most this many MiB of events; runs without an event for longest are dropped first
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    #[arg(env = "METERBRIDGE_KEEP_MIB", hide_env = true)]
    pub keep_mib: u64,

    /// Keep the history of ended runs, by hours and days, for this many days
    #[arg(long, value_name = "DAYS", default_value = "400", value_parser = days)]
    #[arg(env = "METERBRIDGE_KEEP_HISTORY", hide_env = true)]
    pub keep_history: Duration,

    /// Tell the webhooks in this TOML file of failures, recoveries, slow runs and outages
    #[arg(long, value_name = "FILE", env = "METERBRIDGE_WEBHOOKS", hide_env = true)]
    pub webhooks: Option<PathBuf>,

    #[command(flatten)]
    pub keep_runs: KeptRuns,

    #[command(flatten)]
    pub named: NamedRuns,
}

impl ServeArgs {
    /// Returns the options of the hub; `None` when the demo studio is to be served.
    ///
    /// # Errors
    ///
    /// Fails when the URL is invalid, or there is no folder for the store.
    pub fn hub(&self) -> Result<Option<HubOptions>, HubError> {
        let Some(url) = &self.url else { return Ok(None) };
        check_address(url.as_str())?;
        #[cfg(feature = "cluster")]
        let cluster = self.cluster.options(&self.connection)?;
        #[cfg(feature = "cluster")]
        let is_in_cluster = cluster.is_some();
        #[cfg(not(feature = "cluster"))]
        let is_in_cluster = false;
        let store = match &self.hub.store {
            // The stream of the cluster takes its place.
            _ if is_in_cluster => None,
            Some(path) if path == Path::new("none") => None,
            Some(path) => Some(path.clone()),
            None => Some(
                state_folder::state_folder(var_os)
                    .ok_or(HubError::NoStateFolder)?
                    .join(store_name(url.as_str())),
            ),
        };
        Ok(Some(HubOptions {
            upstream: url.clone(),
            // Always reconnect: nobody is present who could press a button.
            connection: self.connection.settings(true, &self.hub.named.run),
            store,
            keep: JournalRetention {
                age: self.hub.keep_days,
                bytes: self.hub.keep_mib << 20,
                runs: self.hub.keep_runs.keep_runs,
            },
            keep_history: self.hub.keep_history,
            api: ApiUrl::is_meant(url.as_str()).then_some(API_BASE),
            actions: ApiUrl::is_meant(url.as_str()) && self.connection.allow_actions,
            #[cfg(feature = "cluster")]
            cluster,
        }))
    }

    /// Returns the options of the front of `hub`, or of the demo studio.
    ///
    /// # Errors
    ///
    /// Fails when the token for screens cannot be read, or is missing where one is required, and when the
    /// file of webhooks has a mistake.
    pub fn front(&self, hub: Option<&HubOptions>) -> Result<FrontOptions, HubError> {
        let mut gate = self.gate.options()?;
        match (&gate.token, hub) {
            (None, None) => {
                // The demo's data is made up, so pages of any origin may read it.
                gate.is_public = true;
                self.demo.checked(self.listen)?;
            }
            (None, Some(_)) if !self.listen.ip().to_canonical().is_loopback() => {
                return Err(HubError::RemoteWithoutToken { address: self.listen });
            }
            _ => {}
        }
        let behind = match hub {
            None => ApiBackend::Demo,
            Some(hub) if hub.api.is_some() => ApiBackend::Backend {
                url: parse_api_url(hub.upstream.as_str())?,
                access: Box::new(hub.connection.access.clone()),
                budget: hub.connection.api.budget.clone(),
            },
            Some(_) => ApiBackend::Stream,
        };
        let allow_actions = hub.is_some_and(|hub| hub.actions);
        let webhooks = match (&self.hub.webhooks, hub) {
            (None, _) => Vec::new(),
            (Some(_), None) => return Err(HubError::WebhooksWithoutHub),
            (Some(path), Some(_)) => webhooks::read_file(path)?,
        };
        let access = Access {
            ca_file: hub.and_then(|hub| hub.connection.access.ca_file.clone()),
            ..Access::default()
        };
        let webhooks = WebhookOptions { webhooks, access, ..WebhookOptions::default() };
        Ok(FrontOptions { gate, behind, allow_actions, webhooks })
    }
}

/// Returns a file name that is unique per upstream, such as `hub-studio-8000.sqlite`.
fn store_name(url: &str) -> String {
    let shown = redact(url);
    let place = shown.split_once("://").map_or(&*shown, |(_, place)| place);
    let place = place.split(['/', '?']).next().unwrap_or(place);
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    format!("hub-{}.sqlite", place.chars().map(plain).collect::<String>().to_ascii_lowercase())
}

/// Parses a number of days, which may be fractional.
fn days(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(days) if days > 0.0 && days <= MOST_DAYS => Ok(Duration::from_secs_f64(days * A_DAY)),
        _ => Err(format!("expected days above 0 and up to {MOST_DAYS}, such as 7 or 0.5")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_names_are_unique_per_upstream_and_contain_no_secrets() {
        for (url, name) in [
            ("http://Studio:8000", "hub-studio-8000.sqlite"),
            ("https://ann:secret@studio.example/amcs?token=x", "hub-studio.example.sqlite"),
            ("ws://[::1]:9/events", "hub----1--9.sqlite"),
        ] {
            assert_eq!(store_name(url), name);
        }
    }

    #[test]
    fn days_may_be_fractional() {
        assert_eq!(days("0.5"), Ok(Duration::from_secs(43_200)));
        for text in ["0", "-1", "NaN", "inf", "40000", "soon"] {
            assert!(days(text).is_err(), "{text}");
        }
    }
}
