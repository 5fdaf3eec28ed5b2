//! Deliveries of webhooks.

use super::text::{Exposition, Kind};
use crate::hub::relay::Hub;
use crate::hub::webhooks::{Outbox, Webhooks};

/// Adds the numbers of a hub's webhooks; nothing where there are none.
pub(super) fn tell_webhooks(metrics: &mut Exposition, webhooks: &Webhooks, hub: &Hub) {
    let outboxes = webhooks.outboxes();
    if outboxes.is_empty() {
        return;
    }
    let waiting: Vec<_> =
        outboxes.iter().map(|outbox| ([("webhook", outbox.name())], outbox.waiting())).collect();
    metrics.add_labelled_metric(
        Kind::Gauge,
        "meterbridge_hub_webhook_queue",
        "Messages that wait for their delivery.",
        waiting.iter().map(|(labels, count)| (&labels[..], *count)),
    );
    let messages: Vec<_> = outboxes
        .iter()
        .flat_map(|outbox| {
            let labels = |outcome| [("webhook", outbox.name()), ("outcome", outcome)];
            [
                (labels("delivered"), outbox.delivered.get()),
                (labels("failed"), outbox.failed.get()),
                (labels("lost"), outbox.lost.get()),
            ]
        })
        .collect();
    metrics.add_labelled_metric(
        Kind::Counter,
        "meterbridge_hub_webhook_messages_total",
        "Messages by outcome: delivered, failed after all retries, lost because too many waited.",
        messages.iter().map(|(labels, count)| (&labels[..], *count)),
    );
    let retried = |outbox: &Outbox| outbox.retried.get();
    let retries: Vec<_> =
        outboxes.iter().map(|outbox| ([("webhook", outbox.name())], retried(outbox))).collect();
    metrics.add_labelled_metric(
        Kind::Counter,
        "meterbridge_hub_webhook_retries_total",
        "Messages that were sent again after a failure.",
        retries.iter().map(|(labels, count)| (&labels[..], *count)),
    );
    metrics.add_metric(
        Kind::Counter,
        "meterbridge_hub_news_lost_total",
        "News that no webhook was asked about because too many waited.",
        hub.counters().news_lost.get(),
    );
}
