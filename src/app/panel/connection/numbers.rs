//! Health of the connection in numbers.

use super::view::ConnectionView;
use crate::app::state::clock::millis_between;
use crate::app::words::{clock_words, count_words};
use crate::source::{ConnectionState, SourceSpec};
use crate::text::size_words;

/// Value that is not known.
pub(super) const UNKNOWN: &str = "–";

/// One number of the health.
pub(super) struct Row {
    pub name: &'static str,
    pub value: String,
    /// True when the number tells of a loss.
    pub is_loss: bool,
    /// Meaning of the number, in a sentence.
    pub why: &'static str,
}

/// Returns the numbers, in their order.
pub(super) fn rows(view: &ConnectionView) -> Vec<Row> {
    let unknown = || UNKNOWN.to_owned();
    let mut rows = Vec::new();
    let mut add = |name, value: String, why| {
        rows.push(Row { name, value, is_loss: false, why });
    };
    let health = view.health;
    if !view.source.is_some_and(SourceSpec::is_recording) {
        let uptime = match view.state {
            ConnectionState::Connected { since, .. } => {
                clock_words(millis_between(*since, view.now))
            }
            _ => unknown(),
        };
        add("uptime", uptime, "Time since the connection was established.");
        let latency = health.answered_in.map_or_else(unknown, |took| match took.as_millis() {
            0 => "under 1 ms".to_owned(),
            millis => format!("{} ms", count_words(u64::try_from(millis).unwrap_or(u64::MAX))),
        });
        let why = "Time from the last ping, or the last request to a backend, to its answer. Unknown \
                   before the first ping, and in a browser.";
        add("latency", latency, why);
        let reconnects = count_words(u64::from(health.reconnects));
        add("reconnects", reconnects, "Connections to this address after the first.");
    }
    let rate = format!("{:.1}", health.events_per_second(view.now));
    add("events/s", rate, "Mean of the last 10 seconds.");
    add("received", size_words(health.bytes), "Size of the messages, without their headers.");
    let counters = view.counters;
    let count = |count: u64| count_words(count);
    add("frames", count(counters.frames), "Messages received.");
    add("events", count(counters.events), "Distinct events that were applied.");
    add("duplicates", count(counters.duplicates), "Events that had been received before.");
    let mut add_loss = |name, count: u64, why| {
        rows.push(Row { name, value: count_words(count), is_loss: count > 0, why });
    };
    let why = "Messages that could not be read as events. The event log shows them.";
    add_loss("malformed", counters.malformed, why);
    let why = "Frames dropped unread, because more arrived than could be read. Meterbridge has \
               reconnected since.";
    add_loss("dropped", counters.dropped, why);
    if counters.ignored > 0 {
        let why =
            "Events that change nothing: unknown phases, and events older than all that are kept.";
        rows.push(Row { name: "ignored", value: count(counters.ignored), is_loss: false, why });
    }
    let mut add_rare = |name, count: u64, why| {
        if count > 0 {
            rows.push(Row { name, value: count_words(count), is_loss: true, why });
        }
    };
    let why =
        "Old runs were dropped to stay within the limits on runs and on the size of their texts.";
    add_rare("runs dropped", counters.evicted_runs, why);
    let why = "Received, but not shown yet: more arrives than can be read per drawn frame.";
    add_rare("batches waiting", view.backlog as u64, why);
    rows
}
