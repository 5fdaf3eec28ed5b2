//! Settings of a cluster of hubs.

use std::path::PathBuf;

/// Settings of a cluster of hubs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterOptions {
    /// Addresses of NATS servers: `nats://` or `tls://`.
    pub servers: Vec<String>,
    /// File with the credentials of NATS.
    pub credentials: Option<PathBuf>,
    /// Name of the stream, and first part of all subjects. Hubs of one cluster have the same.
    pub prefix: String,
    /// Number of NATS servers that keep each message.
    pub replicas: usize,
}
