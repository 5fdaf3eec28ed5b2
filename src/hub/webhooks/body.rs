//! Bodies of requests: a message as JSON, in general or for Slack.

use serde_json::{Value, json};
use uuid::Uuid;

use super::config::{Format, Webhook};
use super::message::{Collected, Content, Digest, Message, Outage, Topic, song_words};
use crate::hub::relay::RunNews;
use crate::text;

/// Version of the general body.
const VERSION: u64 = 1;

/// Maximum number of characters of a value in a template.
const LONGEST_VALUE: usize = 1_000;

/// Returns the body for a webhook. `backend` is its address without secrets; `id` stays the same when the
/// message is sent again.
pub fn body_of(message: &Message, webhook: &Webhook, backend: &str, id: Uuid) -> String {
    let value = |field| value_of(message, webhook, backend, field);
    match webhook.format {
        Format::Slack => {
            let text = webhook.template.fill(|field| for_slack(&value(field)));
            json!({ "text": text }).to_string()
        }
        Format::Json => {
            let text = webhook.template.fill(value);
            let mut body = json!({
                "meterbridge": VERSION,
                "id": id.to_string(),
                "event": message.event(),
                "at": message.at.to_string(),
                "backend": backend,
                "count": message.count(),
                "text": text,
            });
            match &message.content {
                Content::Runs(_, collected) => add_collected(&mut body, collected, webhook),
                Content::Lost(outage) | Content::Back(outage) => body["outage"] = outage_of(outage),
                Content::Digest(digest) => body["digest"] = digest_of(digest, webhook),
                Content::Test => {}
            }
            body.to_string()
        }
    }
}

fn add_collected(body: &mut Value, collected: &Collected, webhook: &Webhook) {
    body["runs"] = collected.runs.iter().map(|run| run_of(run, webhook)).collect();
    let cause = |(step, reason, count): (Option<&str>, &str, u64)| json!({ "step": step, "reason": reason, "count": count });
    let causes: Vec<Value> = collected.causes().into_iter().map(cause).collect();
    if !causes.is_empty() {
        body["causes"] = causes.into();
    }
}

fn run_of(run: &RunNews, webhook: &Webhook) -> Value {
    let mut body = json!({
        "run_id": run.run.as_str(),
        "song": run.song,
        "execution": run.execution,
        "at": run.at.to_string(),
    });
    let step = run.step.as_deref().map(Value::from);
    let reason = run.reason.as_deref().map(Value::from);
    let failed_before = (run.failed_before > 0).then(|| run.failed_before.into());
    let more = [
        ("step", step),
        ("reason", reason),
        ("took_ms", run.took_ms.map(Value::from)),
        ("failed_before", failed_before),
        ("link", link_of(run, webhook).map(Value::from)),
    ];
    for (name, value) in more {
        if let Some(value) = value {
            body[name] = value;
        }
    }
    body
}

fn outage_of(outage: &Outage) -> Value {
    json!({
        "since": outage.since.to_string(),
        "lasted_ms": outage.lasted_ms,
        "reason": outage.reason,
    })
}

fn digest_of(digest: &Digest, webhook: &Webhook) -> Value {
    let mut body = json!({ "hours": digest.hours, "outages": digest.outages });
    for (topic, collected) in Topic::ALL.into_iter().zip(&digest.collected) {
        let name = match topic {
            Topic::Failure => "failures",
            Topic::Recovery => "recoveries",
            Topic::Slow => "slow",
        };
        body[name] = json!({ "count": collected.count });
        add_collected(&mut body[name], collected, webhook);
    }
    if let Some(outage) = &digest.lasting {
        body["outage"] = outage_of(outage);
    }
    body
}

/// Returns the link to a run on the hub's page; `None` where no page is named.
fn link_of(run: &RunNews, webhook: &Webhook) -> Option<String> {
    let page = webhook.page.as_deref()?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("run", &run.run);
    Some(format!("{page}?{}", query.finish()))
}

fn value_of(message: &Message, webhook: &Webhook, backend: &str, field: &str) -> String {
    let run = message.run();
    let value = match field {
        // Each part of it is cut already.
        "text" => return message.words(),
        "event" => Some(message.event().to_owned()),
        "count" => Some(message.count().to_string()),
        "time" => Some(message.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()),
        "backend" => Some(backend.to_owned()),
        "link" => run.and_then(|run| link_of(run, webhook)).or_else(|| webhook.page.clone()),
        "song" => run.map(song_words),
        "run" => run.map(|run| run.run.to_string()),
        "execution" => run.map(|run| run.execution.to_string()),
        "step" => run.and_then(|run| run.step.clone()),
        "took" => run.and_then(|run| run.took_ms).map(text::duration_words),
        "reason" => match &message.content {
            Content::Lost(outage) | Content::Back(outage) => Some(outage.reason.clone()),
            _ => run.and_then(|run| run.reason.clone()),
        },
        _ => None,
    };
    text::excerpt(value.as_deref().unwrap_or("-"), LONGEST_VALUE)
}

/// Escapes what Slack takes for mentions and links.
fn for_slack(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
