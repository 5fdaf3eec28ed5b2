//! The connection to NATS, and what the cluster keeps there: a stream, and a bucket for the lease.

use std::time::Duration;

use async_nats::jetstream::kv;
use async_nats::jetstream::stream::{Config, DiscardPolicy, Stream};
use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions};
use tokio::time::timeout;

use super::options::ClusterOptions;
use crate::hub::relay::JournalRetention;

/// Time for a server to answer a request about the stream or the lease.
pub(super) const ANSWER_PATIENCE: Duration = Duration::from_secs(2);

/// Longest pause between attempts to reconnect.
const MOST_RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// Time for which messages are kept beyond `--keep-days`: runs are removed as a whole by the hub that
/// watches, and this only limits what is left when none does.
const AGE_RESERVE: Duration = Duration::from_secs(86_400);

/// A connected client, and the names of what the cluster keeps.
#[derive(Clone)]
pub(super) struct Connection {
    pub client: Client,
    pub context: Context,
    pub prefix: String,
    replicas: usize,
    keep: JournalRetention,
}

impl Connection {
    /// Connects; never gives up. Only invalid settings fail.
    ///
    /// # Errors
    ///
    /// Returns words when the credentials or the addresses cannot be used.
    pub(super) async fn open(
        options: &ClusterOptions,
        keep: JournalRetention,
    ) -> Result<Self, String> {
        let mut connect = ConnectOptions::new()
            .name("meterbridge hub")
            .retry_on_initial_connect()
            .connection_timeout(ANSWER_PATIENCE)
            .request_timeout(Some(ANSWER_PATIENCE))
            .ping_interval(Duration::from_secs(2))
            .reconnect_delay_callback(|attempts| {
                let delay = Duration::from_millis(50)
                    * u32::try_from(attempts).unwrap_or(u32::MAX).min(100);
                delay.min(MOST_RECONNECT_DELAY)
            });
        if let Some(file) = &options.credentials {
            connect = connect.credentials_file(file).await.map_err(|error| error.to_string())?;
        }
        let client =
            connect.connect(&options.servers[..]).await.map_err(|error| error.to_string())?;
        let context = jetstream::ContextBuilder::new()
            .timeout(ANSWER_PATIENCE)
            .ack_timeout(ANSWER_PATIENCE)
            .build(client.clone());
        let (prefix, replicas) = (options.prefix.clone(), options.replicas);
        Ok(Self { client, context, prefix, replicas, keep })
    }

    /// Returns the subject of a record, from its part below the prefix.
    pub(super) fn subject(&self, below: &str) -> String {
        format!("{}.log.{below}", self.prefix)
    }

    /// Returns the stream, and makes it where there is none.
    pub(super) async fn stream(&self) -> Result<Stream, String> {
        let bytes = i64::try_from(self.keep.bytes).unwrap_or(i64::MAX);
        let config = Config {
            name: self.prefix.clone(),
            subjects: vec![self.subject(">")],
            description: Some("Journal of Meterbridge hubs".to_owned()),
            // The hub that watches removes whole runs long before.
            max_bytes: bytes.saturating_mul(2).saturating_add(64 << 20),
            max_age: self.keep.age.saturating_add(AGE_RESERVE),
            discard: DiscardPolicy::Old,
            num_replicas: self.replicas,
            duplicate_window: Duration::from_secs(120),
            ..Config::default()
        };
        let found = self.answered(self.context.get_stream(&self.prefix)).await;
        let Ok(found) = found else {
            // Another hub may make it at the same time.
            return self.answered(self.context.get_or_create_stream(config)).await;
        };
        let has = &found.cached_info().config;
        let limits = |it: &Config| (it.max_bytes, it.max_age, it.num_replicas);
        if limits(has) != limits(&config) {
            // The limits of the hub that was started last apply.
            let _ = self.answered(self.context.update_stream(config)).await;
        }
        Ok(found)
    }

    /// Returns the bucket of the lease, and makes it where there is none.
    pub(super) async fn bucket(&self) -> Result<kv::Store, String> {
        let bucket = format!("{}-lease", self.prefix);
        if let Ok(found) = self.answered(self.context.get_key_value(&bucket)).await {
            return Ok(found);
        }
        // The stream under a bucket, as every client makes it, but read from its leader only: another server
        // may not have the last renewal yet.
        let config = Config {
            name: format!("KV_{bucket}"),
            subjects: vec![format!("$KV.{bucket}.>")],
            description: Some("Which Meterbridge hub watches the backend".to_owned()),
            max_messages_per_subject: 1,
            discard: DiscardPolicy::New,
            num_replicas: self.replicas,
            allow_rollup: true,
            deny_delete: true,
            ..Config::default()
        };
        self.answered(self.context.get_or_create_stream(config)).await?;
        self.answered(self.context.get_key_value(&bucket)).await
    }

    /// Waits for an answer, but not for ever.
    pub(super) async fn answered<T, E: std::fmt::Display>(
        &self,
        request: impl Future<Output = Result<T, E>>,
    ) -> Result<T, String> {
        match timeout(2 * ANSWER_PATIENCE, request).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err("NATS does not answer".to_owned()),
        }
    }
}
