//! Webhooks: what happens in the studio, told to other services over HTTP.
//!
//! | part | content |
//! | --- | --- |
//! | `config` | the file of `--webhooks` |
//! | `template` | texts with fields |
//! | `quiet` | quiet hours |
//! | `rule` | what is told when; pure |
//! | `message` | messages and their words |
//! | `body` | messages as JSON |
//! | `delivery` | queue, retries and signatures of one webhook |
//!
//! The hub's news go to a task that asks the rule of each webhook; each webhook has a task of its own that
//! delivers, so that a receiver that does not answer delays no other.

mod body;
mod config;
mod delivery;
mod message;
mod quiet;
mod rule;
mod template;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

pub use self::config::{Format, Webhook, WebhookError, read_file, read_text};
pub use self::delivery::{DeliverySettings, Outbox};
use self::message::{Content, Message};
use self::rule::{Moment, Rule};
use super::Hub;
use super::passthrough::UpstreamSetupError;
use super::relay::News;
use crate::source::Access;
use crate::source::connector::NetConnector;
use crate::source::http::HttpClient;

/// Interval at which the rules are told the time.
const TICK: Duration = Duration::from_millis(500);

/// Interval at which slow runs are looked for.
const SLOW_INTERVAL: Duration = Duration::from_secs(5);

/// Time for the last deliveries when the hub ends.
const LAST_DELIVERIES: Duration = Duration::from_secs(3);

/// Webhooks of a hub, and how they are delivered.
#[derive(Clone, Debug, Default)]
pub struct WebhookOptions {
    pub webhooks: Vec<Webhook>,
    pub delivery: DeliverySettings,
    /// Certificate authorities to trust; its credentials are not sent.
    pub access: Access,
}

/// The running webhooks of a hub.
#[derive(Debug)]
pub struct Webhooks {
    outboxes: Vec<Arc<Outbox>>,
    stopping: watch::Sender<bool>,
    tasks: Mutex<JoinSet<()>>,
}

impl Webhooks {
    /// Starts the tasks, on the current runtime; none without webhooks.
    ///
    /// # Errors
    ///
    /// Fails when the certificate authorities cannot be loaded.
    pub fn start(hub: &Arc<Hub>, options: WebhookOptions) -> Result<Self, UpstreamSetupError> {
        let news = hub.take_news();
        let stopping = watch::Sender::new(false);
        let (mut outboxes, mut rules, mut tasks) = (Vec::new(), Vec::new(), JoinSet::new());
        if !options.webhooks.is_empty() {
            let connector = Arc::new(NetConnector::trusting(options.access.trust()?)?);
            for webhook in options.webhooks {
                let patience = options.delivery.patience;
                let (url, rule) = (webhook.url.clone(), Rule::new(webhook.rule.clone()));
                let client = HttpClient::new(connector.clone(), url, None, patience);
                let backend = hub.upstream().to_owned();
                let outbox = Arc::new(Outbox::new(webhook, backend, options.delivery.clone()));
                outboxes.push(outbox.clone());
                rules.push((rule, outbox.clone()));
                let stop = stopping.subscribe();
                tasks.spawn(async move { outbox.deliver_all(&client, stop).await });
            }
            if let Some(news) = news {
                tasks.spawn(decide(hub.clone(), news, rules, stopping.subscribe()));
            }
        }
        Ok(Self { outboxes, stopping, tasks: Mutex::new(tasks) })
    }

    /// Returns the webhooks.
    pub fn outboxes(&self) -> &[Arc<Outbox>] {
        &self.outboxes
    }

    /// Tells what is held back, gives the last deliveries a moment, and ends.
    pub async fn stop(&self) {
        self.stopping.send_replace(true);
        let mut tasks = {
            let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *tasks)
        };
        let all = async { while tasks.join_next().await.is_some() {} };
        // What cannot be delivered in time is lost.
        let _ = timeout(LAST_DELIVERIES, all).await;
    }
}

/// Sends each webhook a test message, once. Returns the name of each, and why it failed.
///
/// # Errors
///
/// Fails when the certificate authorities cannot be loaded.
pub async fn send_tests(
    options: WebhookOptions,
) -> Result<Vec<(String, Result<(), String>)>, UpstreamSetupError> {
    let connector = Arc::new(NetConnector::trusting(options.access.trust()?)?);
    let mut results = Vec::new();
    for webhook in options.webhooks {
        let (url, patience) = (webhook.url.clone(), options.delivery.patience);
        let client = HttpClient::new(connector.clone(), url, None, patience);
        let outbox = Outbox::new(webhook, "-".to_owned(), options.delivery.clone());
        let message = Message { at: Timestamp::now(), content: Content::Test };
        results.push((outbox.name().to_owned(), outbox.send_test(&client, &message).await));
    }
    Ok(results)
}

/// Takes news until the hub ends, and passes on what the rules tell.
async fn decide(
    hub: Arc<Hub>,
    mut news: mpsc::Receiver<News>,
    mut rules: Vec<(Rule, Arc<Outbox>)>,
    mut stopping: watch::Receiver<bool>,
) {
    let (began, since) = (Instant::now(), Timestamp::now());
    let now = || Moment { at: Timestamp::now(), elapsed: began.elapsed() };
    // Every hub of a cluster keeps in mind what has been told, so that another one can go on.
    let tell = |outbox: &Outbox, messages: Vec<Message>| {
        if hub.tells_webhooks() {
            messages.into_iter().for_each(|message| outbox.push(message));
        }
    };
    let hear = |rules: &mut [(Rule, Arc<Outbox>)], news: &News| {
        for (rule, outbox) in rules {
            tell(outbox, rule.hear(news, now()));
        }
    };
    hear(&mut rules, &News::Upstream(hub.upstream_state()));
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looked = began;
    let wants_slow = rules.iter().any(|(rule, _)| rule.wants_slow());
    loop {
        tokio::select! {
            // The sender lives as long as the hub.
            Some(news) = news.recv() => hear(&mut rules, &news),
            _ = ticks.tick() => {
                if wants_slow && looked.elapsed() >= SLOW_INTERVAL {
                    looked = Instant::now();
                    let slow = hub.slow_runs(since);
                    slow.into_iter().for_each(|run| hear(&mut rules, &News::Slow(run)));
                }
                for (rule, outbox) in &mut rules {
                    tell(outbox, rule.tick(now()));
                }
            }
            _ = stopping.wait_for(|stopping| *stopping) => break,
        }
    }
    while let Ok(news) = news.try_recv() {
        hear(&mut rules, &news);
    }
    for (rule, outbox) in &mut rules {
        tell(outbox, rule.finish(now()));
        outbox.close();
    }
}
