//! Notifications of the system or of the browser, where they are wanted: [`notify`](crate::notify) says what is
//! told and when, this module brings it news and the time, and `native` or `page` shows them.

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod page;

use std::hash::BuildHasher;

use bevy::prelude::*;
use foldhash::fast::FixedState;

#[cfg(not(target_arch = "wasm32"))]
use native::Delivery;
#[cfg(target_arch = "wasm32")]
use page::Delivery;

use crate::app::state::clock::{PlaybackClock, local_zone};
use crate::app::state::link::Link;
use crate::app::state::next_frame::NextFrame;
use crate::app::state::run_store::{EventReceived, RunStore, SourceReplaced};
use crate::app::systems::AppSystems;
use crate::model::{FailureCause, Run, RunStatus, failure_words};
use crate::notify::{News, Notifier, NotifySettings, Watching};
use crate::source::{ConnectionState, Updates};

/// Rule that decides which notifications are sent, and the way to send them.
#[derive(Resource)]
struct Notifications {
    notifier: Notifier,
    delivery: Delivery,
}

/// Adds notifications, where the settings want any.
pub(super) fn add(app: &mut App, settings: NotifySettings) {
    let notifier = Notifier::new(settings);
    if !notifier.is_on() {
        return;
    }
    let delivery = Delivery::begin(settings.sound);
    app.insert_resource(Notifications { notifier, delivery })
        .init_resource::<NextFrame>()
        .add_message::<SourceReplaced>()
        .add_systems(Update, tell.in_set(AppSystems::Hint));
}

/// Hands news to the rule, and delivers what is due.
fn tell(
    mut received: MessageReader<EventReceived>,
    mut replaced: MessageReader<SourceReplaced>,
    mut notifications: ResMut<Notifications>,
    run_store: Res<RunStore>,
    link: Res<Link>,
    clock: Res<PlaybackClock>,
    mut next: ResMut<NextFrame>,
) {
    let Notifications { notifier, delivery } = &mut *notifications;
    if replaced.read().count() > 0 {
        notifier.forget();
    }
    let now = clock.live_now;
    let watching = match link.is_recording() {
        true => Watching::Recording,
        false if run_store.is_rewound() => Watching::Past,
        false => Watching::Live,
    };
    let model = run_store.live();
    let server_now = model.clock().server_time(now);
    for event in received.read() {
        let change = &event.change;
        let Some((_, status)) = change.run_status else { continue };
        if !event.is_news(server_now) {
            continue;
        }
        let news = model.run(&change.run_id).and_then(|run| news_of(run, status, &run_store));
        if let Some(news) = news {
            notifier.add(news, watching, now);
        }
    }
    notifier.connection(is_lost(&link), &link.source_name(), now);
    let time = now.to_zoned(local_zone()).time();
    for notification in notifier.due(now, time) {
        delivery.show(notification);
    }
    if let Some(wait) = notifier.due_in(now) {
        next.within_secs(wait.as_secs_f64());
    }
}

/// Returns what a run's new status means for somebody who does not look at the screen.
fn news_of(run: &Run, status: RunStatus, run_store: &RunStore) -> Option<News> {
    let title = run_store.live_name(run);
    match status {
        RunStatus::Failed => {
            let (step, reason) = failure_words(run)?;
            let cause = FixedState::default().hash_one(FailureCause::of(run));
            Some(News::Failed { title, step, reason, cause })
        }
        RunStatus::Completed => {
            let before = run_store.attempt_before(run)?;
            (before.status == RunStatus::Failed).then_some(News::Recovered { title })
        }
        _ => None,
    }
}

/// True when a backend that was reached is lost; `None` while there is none that could be.
fn is_lost(link: &Link) -> Option<bool> {
    if link.is_recording() {
        return None;
    }
    match &link.state {
        ConnectionState::Connected { updates, .. } => {
            Some(matches!(updates, Updates::Cut { .. } | Updates::Unanswered { .. }))
        }
        ConnectionState::Reconnecting { .. } | ConnectionState::Failed { .. } => {
            link.was_connected().then_some(true)
        }
        ConnectionState::Connecting { .. } | ConnectionState::Disconnected => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::config::Settings;
    use crate::model::Retention;
    use crate::protocol::Batch;
    use crate::source::SourceSpec;

    fn noon() -> Timestamp {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    /// Store after these events: run, second, step, phase and error.
    fn store(events: &[(&str, i64, &str, &str, &str)]) -> RunStore {
        let mut batch = Batch::new(noon(), true);
        for (run, second, node, phase, error) in events {
            let at = noon() + SignedDuration::from_secs(*second);
            let node = match *node {
                "" => String::new(),
                node => format!(r#""node_name":"{node}","#),
            };
            let data = serde_json::json!({ "error": error, "song_id": "s", "song_title": run });
            batch.push_text(&format!(
                r#"{{"ts":"{at}","run_id":"{run}",{node}"phase":"{phase}","data":{data}}}"#
            ));
        }
        let mut run_store = RunStore::new(Retention::default());
        run_store.receive(batch, |_, _| {});
        run_store
    }

    fn news(run_store: &RunStore, run: &str) -> Option<News> {
        let run = run_store.model.run(run).unwrap();
        news_of(run, run.status, run_store)
    }

    const FAILED: [(&str, i64, &str, &str, &str); 6] = [
        ("a", -90, "COMPOSE", "start", ""),
        ("a", -80, "COMPOSE", "fail", "no answer within 30 s"),
        ("a", -80, "", "fail", "no answer within 30 s"),
        ("b", -70, "COMPOSE", "start", ""),
        ("b", -60, "COMPOSE", "fail", "no answer within 45 s"),
        ("b", -60, "", "fail", "no answer within 45 s"),
    ];

    #[test]
    fn failures_of_one_step_whose_reasons_differ_in_numbers_have_one_cause() {
        let run_store = store(&FAILED);
        let causes = ["a", "b"].map(|run| match news(&run_store, run) {
            Some(News::Failed { step, cause, .. }) => (step, cause),
            other => panic!("{other:?}"),
        });
        assert_eq!(causes[0], causes[1]);
        assert_eq!(causes[0].0.as_deref(), Some("COMPOSE"));
    }

    #[test]
    fn success_is_news_only_after_a_failure_of_the_song() {
        let after = |events: &[(&str, i64, &str, &str, &str)]| {
            let ends = [("c", -50, "PLAN", "start", ""), ("c", -40, "", "end", "")];
            news(&store(&[events, &ends].concat()), "c")
        };
        assert_eq!(after(&FAILED), Some(News::Recovered { title: "c".to_owned() }));
        assert_eq!(after(&[]), None);
    }

    #[test]
    fn hub_without_its_backend_is_lost_and_a_recording_never() {
        let check = |source: SourceSpec, state: ConnectionState, expected: Option<bool>| {
            let mut link = Link::new(&Settings::default(), Some(source));
            link.state = state;
            assert_eq!(is_lost(&link), expected);
        };
        let hub = || SourceSpec::WebSocket("ws://hub.local/events".into());
        let connected = |updates| ConnectionState::Connected {
            url: "ws://hub.local/events".to_owned(),
            since: noon(),
            updates,
        };
        let cut = || Updates::Cut { since: noon(), reason: "refused".to_owned() };
        check(hub(), connected(Updates::Live), Some(false));
        check(hub(), connected(cut()), Some(true));
        check(hub(), ConnectionState::Disconnected, None);
        check(SourceSpec::Recording("a.ndjson".into()), connected(cut()), None);
        // A server that was never reached is not lost.
        let (url, reason) = (String::new(), String::new());
        check(hub(), ConnectionState::Failed { url, reason, is_probed: true }, None);
    }
}
