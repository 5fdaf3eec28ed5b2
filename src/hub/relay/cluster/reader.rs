//! Reading the stream in order, from any place, through every failure of servers and networks.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::{Message, stream};
use futures_util::{FutureExt, StreamExt};
use ring::digest::{SHA256, digest};
use uuid::Uuid;

use super::connection::Connection;
use super::record::Record;

/// Interval at which the server tells that there is nothing new; after two without a word, reading begins
/// again.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Time for which a server waits for messages before it is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// Maximum number of messages that are handed on together.
const AT_ONCE: usize = 500;

/// A message of the stream, with its number.
#[derive(Debug)]
pub(in crate::hub::relay) struct ReadRecord {
    pub number: u64,
    pub epoch: u64,
    /// `None` for a message that this version cannot read.
    pub record: Option<Record>,
}

/// Messages that were read together.
#[derive(Debug)]
pub(in crate::hub::relay) struct ReadBatch {
    pub records: Vec<ReadRecord>,
    /// Number of messages that the stream has after these.
    pub behind: u64,
    /// True when everything that the stream had at the begin has been read before.
    pub is_live: bool,
}

/// Event of reading.
#[derive(Debug)]
pub(super) enum Reading {
    /// The stream is read from its begin: it is the first one, or another one than before.
    Begun(Uuid),
    /// The stream is read again where reading ended; it has this many messages more.
    Continued {
        behind: u64,
    },
    Batch(ReadBatch),
}

/// Place in the stream.
#[derive(Debug, Default)]
pub(super) struct Reader {
    stream: Option<Uuid>,
    /// Number of the last message that was read.
    last: u64,
}

impl Reader {
    /// Reads until something fails, and returns why. `each` may wait, which makes the server wait.
    pub(super) async fn read<F>(
        &mut self,
        connection: &Connection,
        mut each: impl FnMut(Reading) -> F,
    ) -> String
    where
        F: Future<Output = ()>,
    {
        match self.try_read(connection, &mut each).await {
            Ok(()) => "the stream has ended".to_owned(),
            Err(words) => words,
        }
    }

    async fn try_read<F>(
        &mut self,
        connection: &Connection,
        each: &mut impl FnMut(Reading) -> F,
    ) -> Result<(), String>
    where
        F: Future<Output = ()>,
    {
        let stream = connection.stream().await?;
        let info = connection.answered(stream.get_info()).await?;
        let id = stream_id(&info);
        if self.stream != Some(id) || info.state.last_sequence < self.last {
            // Numbers that were read and are gone belong to another stream.
            let is_short = self.stream == Some(id);
            let id = if is_short { super::fresh_id() } else { id };
            *self = Self { stream: Some(id), last: 0 };
            each(Reading::Begun(id)).await;
        }
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: self.last + 1 },
            ack_policy: AckPolicy::None,
            inactive_threshold: Duration::from_secs(30),
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        let consumer = connection.answered(stream.create_consumer(config)).await?;
        // Without messages that were removed.
        let behind = consumer.cached_info().num_pending;
        each(Reading::Continued { behind }).await;
        let mut is_live = behind == 0;
        let asking = consumer
            .stream()
            .max_messages_per_batch(AT_ONCE)
            .heartbeat(HEARTBEAT)
            .expires(ASK_AGAIN)
            .messages();
        let mut messages = connection.answered(asking).await?;
        let mut delivered = 0;
        while let Some(message) = messages.next().await {
            let mut batch = ReadBatch { records: Vec::new(), behind: 0, is_live };
            let mut taken = self.take(message, &mut delivered, &mut batch);
            while taken.is_ok() && batch.records.len() < AT_ONCE {
                let Some(Some(message)) = messages.next().now_or_never() else { break };
                taken = self.take(message, &mut delivered, &mut batch);
            }
            is_live |= batch.behind == 0;
            // What was read before an error is not read again.
            if !batch.records.is_empty() {
                each(Reading::Batch(batch)).await;
            }
            taken?;
        }
        Ok(())
    }

    fn take<E: std::fmt::Display>(
        &mut self,
        message: Result<Message, E>,
        delivered: &mut u64,
        batch: &mut ReadBatch,
    ) -> Result<(), String> {
        let message = message.map_err(|error| error.to_string())?;
        let info = message.info().map_err(|error| error.to_string())?;
        *delivered += 1;
        if info.consumer_sequence != *delivered || info.stream_sequence <= self.last {
            return Err("a message was lost on its way".to_owned());
        }
        self.last = info.stream_sequence;
        batch.behind = info.pending;
        let kind = message.subject.as_str().split('.').nth(2).unwrap_or_default();
        let read = Record::read(kind, &message.payload);
        let epoch = read.as_ref().map_or(0, |(_, epoch)| *epoch);
        let record = read.map(|(record, _)| record);
        batch.records.push(ReadRecord { number: self.last, epoch, record });
        Ok(())
    }
}

/// Returns the id of a stream, which is the same for every hub, and another one when the stream is
/// deleted and made again.
fn stream_id(info: &stream::Info) -> Uuid {
    let name = format!("{} {}", info.config.name, info.created.unix_timestamp_nanos());
    let hash = digest(&SHA256, name.as_bytes());
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}
