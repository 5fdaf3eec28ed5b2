//! Arguments of `meterbridge serve` for a cluster of hubs.

use std::path::PathBuf;

use super::HubError;
use super::relay::cluster::ClusterOptions;
use crate::config::ConnectionOptions;

/// Number of NATS servers from which messages are kept three times.
const SERVERS_FOR_REPLICAS: usize = 3;

/// Longest name of a cluster.
const LONGEST_PREFIX: usize = 64;

/// Arguments of `meterbridge serve` for a cluster of hubs.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Cluster")]
pub struct ClusterArgs {
    /// Be one of several hubs that share these NATS servers (nats://… or tls://…, separated by commas): one
    /// of them watches the backend, and all serve what it sees; takes the place of --store
    #[arg(long, value_name = "URL,…", value_delimiter = ',', requires = "url")]
    #[arg(conflicts_with = "store", env = "METERBRIDGE_CLUSTER", hide_env = true)]
    #[arg(hide_env_values = true)]
    pub cluster: Vec<String>,

    /// File with the credentials of NATS (.creds)
    #[arg(long, value_name = "FILE", requires = "cluster")]
    #[arg(env = "METERBRIDGE_CLUSTER_CREDENTIALS", hide_env = true)]
    pub cluster_credentials: Option<PathBuf>,

    /// Name of the stream, and first part of the subjects; hubs of one backend have the same
    #[arg(long, value_name = "NAME", default_value = "meterbridge", value_parser = prefix)]
    #[arg(env = "METERBRIDGE_CLUSTER_PREFIX", hide_env = true)]
    pub cluster_prefix: String,

    /// Number of NATS servers that keep each event [default: 3 with three servers or more, else 1]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=5))]
    #[arg(env = "METERBRIDGE_CLUSTER_REPLICAS", hide_env = true)]
    pub cluster_replicas: Option<u8>,
}

impl ClusterArgs {
    /// Returns the settings of the cluster; `None` for a hub by itself.
    ///
    /// # Errors
    ///
    /// Fails when an address is not one of a NATS server, the credentials cannot be read, or sockets are
    /// allowed, which a change of the watching hub would close in the middle of runs.
    pub(super) fn options(
        &self,
        connection: &ConnectionOptions,
    ) -> Result<Option<ClusterOptions>, HubError> {
        if self.cluster.is_empty() {
            return Ok(None);
        }
        let fail = |detail: String| Err(HubError::Cluster { detail });
        for server in &self.cluster {
            let is_right = ["nats://", "tls://"].iter().any(|scheme| server.starts_with(scheme))
                && server.parse::<async_nats::ServerAddr>().is_ok();
            if !is_right {
                let shown = crate::source::redact(server);
                return fail(format!("`{shown}` is no NATS server: write nats://HOST:4222"));
            }
        }
        let api = connection.settings(true, &[]).api;
        if api.max_sockets > 0 && !api.safe_sockets {
            return fail(
                "--sockets is not possible in a cluster: when another hub takes over, sockets would \
                 close during runs, which makes the backend fail them"
                    .to_owned(),
            );
        }
        if let Some(file) = &self.cluster_credentials
            && let Err(error) = std::fs::metadata(file)
        {
            return fail(format!("cannot read the credentials `{}`: {error}", file.display()));
        }
        let by_default = if self.cluster.len() >= SERVERS_FOR_REPLICAS { 3 } else { 1 };
        Ok(Some(ClusterOptions {
            servers: self.cluster.clone(),
            credentials: self.cluster_credentials.clone(),
            prefix: self.cluster_prefix.clone(),
            replicas: self.cluster_replicas.map_or(by_default, usize::from),
        }))
    }
}

/// Parses the name of a cluster, which is part of subjects.
fn prefix(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !text.is_empty() && text.len() <= LONGEST_PREFIX && text.chars().all(is_plain) {
        return Ok(text.to_owned());
    }
    Err("expected up to 64 letters, digits, - and _".to_owned())
}
