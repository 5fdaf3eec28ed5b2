//! Delivery of messages to one webhook: a bounded queue, retries, signatures.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use ring::hmac;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;
use uuid::Uuid;

use super::body::body_of;
use super::config::Webhook;
use super::message::Message;
use crate::hub::log_line;
use crate::hub::relay::counters::Counter;
use crate::source::connector::NetConnector;
use crate::source::http::{HttpClient, HttpError, HttpResponse};

/// Longest time that a receiver may ask to wait.
const LONGEST_ASKED: Duration = Duration::from_secs(600);

/// Header with the signature of the body.
const SIGNATURE: &str = "x-meterbridge-signature";

/// Header with the id of a message, which is the same each time that it is sent.
const DELIVERY: &str = "x-meterbridge-delivery";

/// Limits of deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliverySettings {
    /// Time for an answer.
    pub patience: Duration,
    /// Number of retries after the first failure.
    pub retries: u32,
    /// Wait before the first retry; each further one is twice as long.
    pub first_wait: Duration,
    pub longest_wait: Duration,
    /// Maximum number of messages that wait; for a further one, the oldest is lost.
    pub most_waiting: usize,
}

impl Default for DeliverySettings {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(10),
            retries: 10,
            first_wait: Duration::from_secs(1),
            // Ten minutes in all.
            longest_wait: Duration::from_secs(160),
            most_waiting: 100,
        }
    }
}

impl DeliverySettings {
    /// Returns the wait before a retry, from 0 on, without jitter.
    fn wait(&self, retry: u32) -> Duration {
        let factor = 2_u32.saturating_pow(retry);
        self.first_wait.saturating_mul(factor).min(self.longest_wait)
    }
}

/// Messages that wait for a webhook, and what became of the others.
#[derive(Debug)]
pub struct Outbox {
    webhook: Webhook,
    /// Address of the backend, without secrets.
    backend: String,
    settings: DeliverySettings,
    waiting: Mutex<Waiting>,
    added: Notify,
    /// Messages that were delivered.
    pub delivered: Counter,
    /// Messages that were refused, or given up after the last retry.
    pub failed: Counter,
    /// Messages that were lost because too many waited.
    pub lost: Counter,
    /// Retries of all messages together.
    pub retried: Counter,
}

#[derive(Debug, Default)]
struct Waiting {
    messages: VecDeque<(Uuid, Message)>,
    /// Message that is being delivered.
    current: bool,
    /// True when no message will be added.
    is_closed: bool,
    /// Reason why the last delivery failed.
    trouble: Option<String>,
}

/// Result of sending a message once.
#[derive(Debug, PartialEq, Eq)]
enum Attempt {
    Delivered,
    /// Failed, and may succeed later: not before this time, if the receiver says so.
    Failed(String, Option<Duration>),
    /// Failed for good.
    Refused(String),
}

impl Outbox {
    /// Creates an empty outbox.
    pub fn new(webhook: Webhook, backend: String, settings: DeliverySettings) -> Self {
        Self {
            webhook,
            backend,
            settings,
            waiting: Mutex::default(),
            added: Notify::new(),
            delivered: Counter::default(),
            failed: Counter::default(),
            lost: Counter::default(),
            retried: Counter::default(),
        }
    }

    /// Returns the name of the webhook.
    pub fn name(&self) -> &str {
        &self.webhook.name
    }

    /// Returns the number of messages that wait or are being delivered.
    pub fn waiting(&self) -> usize {
        let waiting = self.lock();
        waiting.messages.len() + usize::from(waiting.current)
    }

    /// Returns the reason why the last delivery failed; `None` if it succeeded.
    pub fn trouble(&self) -> Option<String> {
        self.lock().trouble.clone()
    }

    /// Adds a message.
    pub fn push(&self, message: Message) {
        let id = fresh_id();
        let mut waiting = self.lock();
        if waiting.messages.len() >= self.settings.most_waiting {
            waiting.messages.pop_front();
            self.lost.add(1);
        }
        waiting.messages.push_back((id, message));
        drop(waiting);
        self.added.notify_one();
    }

    /// Says that no message will be added.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.added.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // A panic while the lock was held cannot have left the queue inconsistent.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Delivers messages in their order until the outbox is closed and empty. Once `stopping`, each message
    /// is sent once more at most.
    pub async fn deliver_all(
        &self,
        client: &HttpClient<NetConnector>,
        mut stopping: watch::Receiver<bool>,
    ) {
        loop {
            let next = {
                let mut waiting = self.lock();
                let next = waiting.messages.pop_front();
                waiting.current = next.is_some();
                if next.is_none() && waiting.is_closed {
                    return;
                }
                next
            };
            match next {
                Some((id, message)) => self.deliver(client, id, &message, &mut stopping).await,
                None => self.added.notified().await,
            }
        }
    }

    async fn deliver(
        &self,
        client: &HttpClient<NetConnector>,
        id: Uuid,
        message: &Message,
        stopping: &mut watch::Receiver<bool>,
    ) {
        let body = body_of(message, &self.webhook, &self.backend, id);
        let mut retry = 0;
        let words = loop {
            match self.send(client, id, body.clone()).await {
                Attempt::Delivered => {
                    self.delivered.add(1);
                    self.lock().trouble = None;
                    return;
                }
                Attempt::Refused(words) => break words,
                Attempt::Failed(words, asked) => {
                    if retry >= self.settings.retries || *stopping.borrow() {
                        break words;
                    }
                    self.lock().trouble = Some(words);
                    let jitter = 0.75 + fastrand::f64() / 2.0;
                    let wait = self.settings.wait(retry).mul_f64(jitter);
                    tokio::select! {
                        () = sleep(asked.map_or(wait, |asked| asked.max(wait))) => {}
                        // An error means that the hub is gone.
                        _ = stopping.wait_for(|stopping| *stopping) => {}
                    }
                    retry += 1;
                    self.retried.add(1);
                }
            }
        };
        self.failed.add(1);
        let name = self.name();
        log_line(&format!("warning: webhook {name}: a message is not delivered: {words}"));
        self.lock().trouble = Some(words);
    }

    /// Sends a message once, past the queue. Returns why it failed.
    pub(super) async fn send_test(
        &self,
        client: &HttpClient<NetConnector>,
        message: &Message,
    ) -> Result<(), String> {
        let id = fresh_id();
        let body = body_of(message, &self.webhook, &self.backend, id);
        match self.send(client, id, body).await {
            Attempt::Delivered => Ok(()),
            Attempt::Failed(words, _) | Attempt::Refused(words) => Err(words),
        }
    }

    async fn send(&self, client: &HttpClient<NetConnector>, id: Uuid, body: String) -> Attempt {
        let mut headers = vec![(DELIVERY, id.to_string())];
        if let Some(key) = &self.webhook.key {
            headers.push((SIGNATURE, signature(key, body.as_bytes())));
        }
        let target = self.webhook.url.location().target();
        outcome(client.send_once(target, body, &headers).await, Timestamp::now())
    }
}

fn fresh_id() -> Uuid {
    uuid::Builder::from_random_bytes(fastrand::u128(..).to_be_bytes()).into_uuid()
}

/// Returns the signature of a body: its HMAC-SHA256 in hexadecimal digits.
fn signature(key: &hmac::Key, body: &[u8]) -> String {
    let code = hmac::sign(key, body);
    let digits: String = code.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={digits}")
}

fn outcome(answer: Result<HttpResponse, HttpError>, now: Timestamp) -> Attempt {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Attempt::Failed(error.to_string(), None),
    };
    let words = format!("HTTP {}", answer.status);
    match answer.status {
        200..300 => Attempt::Delivered,
        // Another address might not be meant to know the message.
        300..400 => Attempt::Refused(format!("{words}: redirects are not followed")),
        429 | 500.. => {
            let asked = answer.header("retry-after").and_then(|text| asked_wait(&text, now));
            Attempt::Failed(words, asked)
        }
        _ => Attempt::Refused(words),
    }
}

/// Returns the wait that `Retry-After` asks for, in seconds or until a date, at most ten minutes.
fn asked_wait(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(LONGEST_ASKED));
    }
    let until = DateTimeParser::new().parse_timestamp(text).ok()?;
    let wait = Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO);
    Some(wait.min(LONGEST_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_take_ten_minutes_in_all() {
        let settings = DeliverySettings::default();
        let waits: Vec<u64> = (0..settings.retries).map(|it| settings.wait(it).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 160, 160]);
        assert_eq!(settings.wait(u32::MAX), settings.longest_wait);
    }

    #[test]
    fn receiver_may_ask_for_a_wait_in_seconds_or_by_a_date() {
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        let asked = |text| asked_wait(text, now).map(|wait| wait.as_secs());
        assert_eq!(asked(" 17 "), Some(17));
        assert_eq!(asked("Mon, 23 Nov 2026 10:01:30 GMT"), Some(90));
        assert_eq!(asked("Mon, 23 Nov 2026 09:00:00 GMT"), Some(0));
        assert_eq!((asked("86400"), asked("soon"), asked("-1")), (Some(600), None, None));
    }

    /// The value is that of RFC 4231, test case 2.
    #[test]
    fn signature_is_the_hmac_of_the_body() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"Jefe");
        assert_eq!(
            signature(&key, b"what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
