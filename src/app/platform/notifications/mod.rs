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

use crate::app::state::clock::{PlaybackClock, local_zone, millis_between};
use crate::app::state::link::Link;
use crate::app::state::next_frame::NextFrame;
use crate::app::state::run_store::{EventReceived, RunStore, SourceReplaced};
use crate::app::systems::AppSystems;
use crate::director::STALE_SECS;
use crate::model::{FailureCause, Run, RunStatus, failure_words};
use crate::notify::{News, Notifier, NotifySettings, Watching};
use crate::source::{ConnectionState, Updates};

/// What is told, and the way to tell it.
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
        .add_systems(Update, tell.in_set(AppSystems::Tell));
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
    for EventReceived { change, live, .. } in received.read() {
        let Some((_, status)) = change.run_status else { continue };
        let age_secs = millis_between(change.at, server_now) as f64 / 1000.0;
        if !live || age_secs > STALE_SECS {
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
