//! `/screens`: screens report to their hub, and the hub lists them.
//!
//! A report tells what a screen shows and how it is; it changes nothing at the hub but its line in the
//! list. Screens without a report, such as earlier versions and other clients, are only counted.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::StatusCode,
    response::Response,
    routing::get,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::{
    answer::{as_json, error_response},
    gate::{Gate, Reason},
    relay::SCREENS_PATH,
};
use crate::protocol::screen::{REPORT_INTERVAL, ScreenReport};

/// Maximum size of a report in bytes.
const MOST_BYTES: usize = 8 << 10;

/// Time for a report to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Maximum number of screens in the list; for a further one, the one that is silent for longest leaves.
const MOST_SCREENS: usize = 2_048;

/// Time without a report after which a screen is lost.
const LOST_AFTER: Duration = Duration::from_secs(3 * REPORT_INTERVAL.as_secs() + 5);

/// Time without a report after which a screen leaves the list.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(86_400);

/// Time of a frame in milliseconds from which a screen is slow: less than 20 pictures a second.
const SLOW_FRAME_MS: f64 = 50.0;

/// A screen that has reported.
#[derive(Clone, Debug)]
struct Screen {
    report: ScreenReport,
    since: Timestamp,
    reported: Instant,
}

/// Screens by name and id.
#[derive(Debug, Default)]
struct Screens(BTreeMap<(String, String), Screen>);

impl Screens {
    fn note(&mut self, report: ScreenReport, at: Timestamp, now: Instant) {
        self.0.retain(|_, screen| now.duration_since(screen.reported) < FORGOTTEN_AFTER);
        // A screen that was started again takes the place of its lost self.
        self.0.retain(|(name, id), screen| {
            let is_former = *name == report.name && *id != report.id;
            !is_former || now.duration_since(screen.reported) < LOST_AFTER
        });
        let key = (report.name.clone(), report.id.clone());
        if self.0.len() >= MOST_SCREENS && !self.0.contains_key(&key) {
            let quietest = self.0.iter().min_by_key(|(_, screen)| screen.reported);
            if let Some(key) = quietest.map(|(key, _)| key.clone()) {
                self.0.remove(&key);
            }
        }
        let since = self.0.get(&key).map_or(at, |known| known.since);
        self.0.insert(key, Screen { report, since, reported: now });
    }

    fn list(&self, now: Instant) -> Vec<Value> {
        let listed = |screen: &Screen| {
            let silent = now.duration_since(screen.reported);
            if silent >= FORGOTTEN_AFTER {
                return None;
            }
            let mut listed = screen.report.to_json();
            listed["health"] = health(&screen.report, silent).into();
            listed["since"] = screen.since.to_string().into();
            listed["silent_secs"] = silent.as_secs().into();
            Some(listed)
        };
        self.0.values().filter_map(listed).collect()
    }
}

fn health(report: &ScreenReport, silent: Duration) -> &'static str {
    if silent >= LOST_AFTER {
        "lost"
    } else if report.error.is_some() {
        "error"
    } else if report.frame_ms.is_some_and(|ms| ms >= SLOW_FRAME_MS) {
        "slow"
    } else {
        "ok"
    }
}

/// State of the route.
#[derive(Clone)]
struct ScreensService {
    screens: Arc<Mutex<Screens>>,
    gate: Arc<Gate>,
}

/// Returns the route of a hub's screens.
pub(super) fn routes(gate: Arc<Gate>) -> Router {
    let service = ScreensService { screens: Arc::default(), gate };
    Router::new().route(SCREENS_PATH, get(list).post(note)).with_state(service)
}

async fn list(State(service): State<ScreensService>) -> Response {
    let screens = service.screens.lock().unwrap_or_else(PoisonError::into_inner);
    let body = json!({
        "screens": screens.list(Instant::now()),
        "connected": service.gate.limits().clients(),
    });
    drop(screens);
    as_json(StatusCode::OK, format!("{body}\n"))
}

async fn note(State(service): State<ScreensService>, request: Request) -> Response {
    let body = match timeout(PATIENCE, to_bytes(request.into_body(), MOST_BYTES)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            service.gate.refusals().count(Reason::Size);
            return error_response(StatusCode::PAYLOAD_TOO_LARGE, "a report has at most 8 KiB");
        }
        Err(_) => {
            let words = "the report took too long to arrive";
            return error_response(StatusCode::REQUEST_TIMEOUT, words);
        }
    };
    let Some(report) = ScreenReport::read(&body) else {
        let words = "expected a report of a screen, a JSON object with its name";
        return error_response(StatusCode::BAD_REQUEST, words);
    };
    let mut screens = service.screens.lock().unwrap_or_else(PoisonError::into_inner);
    screens.note(report, Timestamp::now(), Instant::now());
    drop(screens);
    let body = json!({ "next_report_secs": REPORT_INTERVAL.as_secs() });
    as_json(StatusCode::OK, body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(name: &str, id: &str) -> ScreenReport {
        ScreenReport { name: name.to_owned(), id: id.to_owned(), ..ScreenReport::default() }
    }

    fn told(screens: &Screens, now: Instant) -> Vec<String> {
        let words = |screen: &Value| {
            let text = |name: &str| screen[name].as_str().unwrap_or_default().to_owned();
            format!("{}/{} {}", text("name"), text("id"), text("health"))
        };
        screens.list(now).iter().map(words).collect()
    }

    #[test]
    fn screen_is_lost_when_it_is_silent_and_leaves_after_a_day() {
        let (mut screens, begin, at) = (Screens::default(), Instant::now(), Timestamp::UNIX_EPOCH);
        let after = |secs| begin + Duration::from_secs(secs);
        screens.note(report("a", "1"), at, begin);
        screens.note(ScreenReport { frame_ms: Some(80.0), ..report("b", "1") }, at, after(30));
        screens.note(
            ScreenReport { error: Some("e".to_owned()), ..report("c", "1") },
            at,
            after(30),
        );
        assert_eq!(told(&screens, after(34)), ["a/1 ok", "b/1 slow", "c/1 error"]);
        assert_eq!(told(&screens, after(35)), ["a/1 lost", "b/1 slow", "c/1 error"]);
        assert_eq!(told(&screens, after(86_400)), ["b/1 lost", "c/1 lost"]);
    }

    #[test]
    fn restarted_screen_replaces_its_lost_self_and_two_of_one_name_are_both_listed() {
        let (mut screens, begin, at) = (Screens::default(), Instant::now(), Timestamp::UNIX_EPOCH);
        let after = |secs| begin + Duration::from_secs(secs);
        screens.note(report("a", "1"), at, begin);
        screens.note(report("a", "2"), at, after(1));
        assert_eq!(told(&screens, after(1)), ["a/1 ok", "a/2 ok"]);
        screens.note(report("a", "2"), at, after(36));
        assert_eq!(told(&screens, after(36)), ["a/2 ok"]);
        for number in 0..MOST_SCREENS {
            screens.note(report("many", &number.to_string()), at, after(40));
        }
        assert_eq!(screens.0.len(), MOST_SCREENS);
        assert!(!screens.0.contains_key(&("a".to_owned(), "2".to_owned())));
    }
}
