//! Events inside other JSON: an export that lists them (`{"events": […]}`), a structured log
//! (`{"level": "info", "event": {…}}`), messages of a browser's HAR file (`"data": "{…}"`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::protocol::{Batch, Item};

/// Levels of objects, arrays and texts that are searched.
const DEEPEST: usize = 8;

/// Returns the events within JSON that is no event itself: those of arrays in order, those of fields by
/// the fields' names. Empty where there are none.
pub(super) fn events_within(json: &str) -> Vec<String> {
    let mut events = Vec::new();
    if mentions_event(json) && !is_event(json) {
        search(json, DEEPEST, &mut events);
    }
    events
}

fn search(json: &str, depth: usize, events: &mut Vec<String>) {
    if depth == 0 || !mentions_event(json) {
        return;
    }
    let json = json.trim();
    if json.starts_with('{') {
        if is_event(json) {
            events.push(json.to_owned());
        } else if let Ok(fields) = serde_json::from_str::<BTreeMap<Cow<str>, &RawValue>>(json) {
            fields.values().for_each(|value| search(value.get(), depth - 1, events));
        }
    } else if json.starts_with('[') {
        if let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(json) {
            elements.iter().for_each(|value| search(value.get(), depth - 1, events));
        }
    } else if json.starts_with('"')
        && let Ok(text) = serde_json::from_str::<String>(json)
    {
        search(&text, depth - 1, events);
    }
}

fn mentions_event(json: &str) -> bool {
    json.contains("run_id") && json.contains("phase")
}

fn is_event(json: &str) -> bool {
    let mut batch = Batch::new(Timestamp::UNIX_EPOCH, false);
    batch.push_text(json);
    batch.items.iter().any(|item| matches!(item, Item::Event(_)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_found_in_lists_fields_and_texts() {
        let event =
            |id: &str| json!({"run_id": id, "phase": "start", "ts": "2026-11-23T10:00:00Z"});
        let (a, b) = (event("a"), event("b"));
        for json in [
            json!({"events": [a, b]}),
            json!({"level": "info", "events": {"first": a, "second": b}}),
            json!({"log": {"entries": [{"messages": [{"data": a.to_string()}, {"data": b.to_string()}]}]}}),
            json!([[[a], b]]),
        ] {
            let found = events_within(&json.to_string());
            assert_eq!(found, [a.to_string(), b.to_string()], "{json}");
        }
    }

    #[test]
    fn events_and_other_json_have_no_events_within() {
        let event = json!({"run_id": "a", "phase": "start", "ts": "2026-11-23T10:00:00Z"});
        let mut outer = event.clone();
        outer["data"] = json!({"cause": event});
        let mut deep = event.to_string();
        for _ in 0..DEEPEST {
            deep = format!("[{deep}]");
        }
        for json in [
            outer.to_string(),
            deep,
            json!({"note": "run_id and phase"}).to_string(),
            json!({"run_id": "a", "phase": "start"}).to_string(),
        ] {
            assert_eq!(events_within(&json), [""; 0], "{json}");
        }
    }
}
