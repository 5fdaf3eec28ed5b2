use super::*;
use crate::app::words::time_words;
use crate::config::Settings;
use crate::source::{Polling, PollingReason, SourceSpec, Updates};

fn link(state: ConnectionState) -> Link {
    let source = SourceSpec::WebSocket("ws://studio/events".into());
    let mut link = Link::new(&Settings::default(), Some(source));
    link.state = state;
    link
}

fn connected(updates: Updates) -> ConnectionState {
    let since = Timestamp::UNIX_EPOCH;
    ConnectionState::Connected { url: "http://studio".to_owned(), since, updates }
}

#[test]
fn connection_that_was_never_established_is_not_called_lost() {
    let url = || "ws://studio/events".to_owned();
    let reason = || "nothing is listening at studio. Is the backend running?".to_owned();
    let retrying = || ConnectionState::Reconnecting {
        url: url(),
        attempt: 1,
        max_attempts: 5,
        next_attempt_at: None,
        reason: reason(),
    };
    let failed = || ConnectionState::Failed { url: url(), reason: reason(), is_probed: true };
    let mut link = link(ConnectionState::Connecting { url: url() });
    let said = |link: &Link| notice(link, Timestamp::UNIX_EPOCH).unwrap_or_default();
    let waiting = |link: &Link| link.waiting_title("Waiting for the first run");
    assert_eq!(waiting(&link), "Waiting for the first run");
    link.enter(retrying());
    assert_eq!(said(&link), "Cannot connect. Attempt 1 of 5 under way.");
    assert_eq!(waiting(&link), "Not connected");
    link.enter(failed());
    assert_eq!(said(&link), format!("Cannot connect: {}", reason()));
    let (since, updates) = (Timestamp::UNIX_EPOCH, Updates::Live);
    link.enter(ConnectionState::Connected { url: url(), since, updates });
    assert_eq!(waiting(&link), "Waiting for the first run");
    link.enter(retrying());
    assert_eq!(said(&link), "Connection lost. Attempt 1 of 5 under way.");
    link.enter(failed());
    assert_eq!(said(&link), format!("No connection: {}", reason()));
    // Another address has not been connected to.
    link.enter(ConnectionState::Failed {
        url: "ws://other/".to_owned(),
        reason: reason(),
        is_probed: true,
    });
    assert!(said(&link).starts_with("Cannot connect: "));
}

#[test]
fn band_reports_late_or_missing_updates_only() {
    let said = |updates| notice(&link(connected(updates)), Timestamp::UNIX_EPOCH);
    assert_eq!(said(Updates::Live), None);
    let polling = "Real-time updates unavailable. Polling API instead.";
    let by = |reason| Updates::Polling(Polling { every_secs: 2, reason });
    assert_eq!(said(by(PollingReason::NoSockets)).as_deref(), Some(polling));
    assert_eq!(said(by(PollingReason::Safety)), None, "that is normal");
    let cut = |reason: &str| {
        let since = Timestamp::UNIX_EPOCH;
        let at = time_words(since, &local_zone());
        let words = said(Updates::Cut { since, reason: reason.to_owned() });
        words.unwrap_or_default().replace(&at, "21:03:04")
    };
    assert_eq!(
        cut("nothing is listening at studio:8000."),
        "The hub lost its backend at 21:03:04 and tries again: nothing is listening at \
         studio:8000"
    );
    assert_eq!(cut(""), "The hub lost its backend at 21:03:04 and tries again");
}
