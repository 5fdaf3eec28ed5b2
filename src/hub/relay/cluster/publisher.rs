//! Publishing in order and once: each message names the number of the message before it, so that the
//! server refuses everything from a hub that has been replaced, however late it arrives.

use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use futures_util::StreamExt;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::connection::Connection;
use super::record::{Content, Record};

/// Number of messages that are sent before their answers are awaited.
const AT_ONCE: usize = 256;

/// Number of messages that are removed at the same time.
const REMOVALS_AT_ONCE: usize = 16;

/// Number of attempts to begin while another hub still publishes.
const BEGIN_ATTEMPTS: usize = 20;

/// Outcome of publishing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Published {
    /// Messages that were not published because they are larger than the server allows.
    pub too_large: u64,
    /// Reason why the rest was not published, and its number of messages.
    pub failed: Option<(String, u64)>,
}

/// The hub's side of the stream while it watches.
#[derive(Debug, Default)]
pub(super) struct Publisher {
    epoch: u64,
    /// Number of the last message of the stream; `None` while this hub may not publish.
    last: Option<u64>,
}

impl Publisher {
    /// Begins an epoch: from now on the stream takes messages of this hub only.
    ///
    /// # Errors
    ///
    /// Returns words when NATS does not answer.
    pub(super) async fn begin(
        &mut self,
        connection: &Connection,
        epoch: u64,
        hub: &str,
        backend: &str,
    ) -> Result<(), String> {
        self.last = None;
        self.epoch = epoch;
        let content = Content::Watch { hub: hub.to_owned(), backend: backend.to_owned() };
        let record = Record { at: Timestamp::now(), content };
        let mut words = String::new();
        for _ in 0..BEGIN_ATTEMPTS {
            // The hub that watched before may publish until the first message of this one.
            let info = connection.stream().await?;
            let info = connection.answered(info.get_info()).await?;
            let last = info.state.last_sequence;
            let message = self.message(&record, last);
            let sending = async {
                let subject = connection.subject(&record.subject());
                connection.context.send_publish(subject, message).await?.await
            };
            match connection.answered(sending).await {
                Ok(ack) => {
                    self.last = Some(ack.sequence);
                    return Ok(());
                }
                Err(error) => words = error,
            }
        }
        Err(words)
    }

    /// Ends the epoch.
    pub(super) fn end(&mut self) {
        self.last = None;
    }

    fn message(&self, record: &Record, last: u64) -> PublishMessage {
        PublishMessage::build()
            .headers(record.headers())
            .expected_last_sequence(last)
            .payload(record.payload(self.epoch))
    }

    /// Publishes records in order.
    pub(super) async fn publish(
        &mut self,
        connection: &Connection,
        records: &[Record],
    ) -> Published {
        let mut published = Published::default();
        let mut next = 0;
        while next < records.len() {
            match self.publish_some(connection, &records[next..], &mut published).await {
                Ok(count) => next += count,
                Err(words) => {
                    self.last = None;
                    published.failed = Some((words, (records.len() - next) as u64));
                    break;
                }
            }
        }
        published
    }

    /// Publishes the first records. Returns their number, at least one.
    async fn publish_some(
        &mut self,
        connection: &Connection,
        records: &[Record],
        published: &mut Published,
    ) -> Result<usize, String> {
        let Some(mut last) = self.last else {
            return Err("this hub does not watch the backend".to_owned());
        };
        let mut acks = Vec::new();
        for record in records.iter().take(AT_ONCE) {
            let subject = connection.subject(&record.subject());
            let message = self.message(record, last + acks.len() as u64);
            let sending = connection.context.send_publish(subject, message).await;
            match sending {
                Ok(ack) => acks.push(ack),
                Err(error) if error.kind() == PublishErrorKind::MaxPayloadExceeded => {
                    if !acks.is_empty() {
                        break;
                    }
                    published.too_large += 1;
                    return Ok(1);
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        let mut done = 0;
        for ack in acks {
            let ack = ack.await.map_err(|error| error.to_string())?;
            done += 1;
            if ack.duplicate {
                // The numbers of all that follow are one too high: they are sent again.
                break;
            }
            last = ack.sequence;
            self.last = Some(last);
        }
        Ok(done)
    }

    /// Removes single messages, several at a time.
    pub(super) async fn remove(connection: &Connection, numbers: Vec<u64>) {
        let subject = &format!("STREAM.MSG.DELETE.{}", connection.prefix);
        let removals = futures_util::stream::iter(numbers).map(|number| async move {
            // Without overwriting it on disk, which takes long. One that is gone already is what is wanted.
            let request = json!({ "seq": number, "no_erase": true });
            let removing = connection.context.request::<_, _, Value>(subject.clone(), &request);
            let _ = connection.answered(removing).await;
        });
        removals.buffer_unordered(REMOVALS_AT_ONCE).collect::<()>().await;
    }
}
