//! DOM events dispatched on the canvas, which tell the page's scripts what the viewer sees.

use bevy::prelude::*;
use serde::Serialize;
use wasm_bindgen::JsValue;
use web_sys::{CustomEvent, CustomEventInit, HtmlCanvasElement};

use super::Page;
use super::calls::{ConnectionReport, PageSystems};
use crate::app::state::actions::Action;
use crate::app::state::run_store::{ConnectionChanged, EventReceived, RunStore};
use crate::app::words::run_title;
use crate::model::{NodeStatus, Run, RunStatus};

/// Frames until the picture is complete: the first lacks the window size, the second its text.
const FRAMES_UNTIL_READY: u32 = 3;

/// Payload of an event about a run.
#[derive(Serialize)]
struct RunDetail<'a> {
    run_id: &'a str,
    title: String,
    /// False when the event was replayed after connecting; true when it happens now.
    live: bool,
    duration_ms: Option<u64>,
    /// The failed node.
    node: Option<&'a str>,
    /// The error message.
    message: Option<&'a str>,
}

#[derive(Serialize)]
struct Crash<'a> {
    message: &'a str,
}

/// A DOM event to dispatch once scripts may run.
struct PendingEvent {
    name: &'static str,
    /// JSON text.
    detail: String,
}

/// DOM events of this frame.
#[derive(Resource, Default)]
struct PendingEvents(Vec<PendingEvent>);

impl PendingEvents {
    fn add(&mut self, name: &'static str, detail: &impl Serialize) {
        if let Ok(detail) = serde_json::to_string(detail) {
            self.0.push(PendingEvent { name, detail });
        }
    }
}

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<PendingEvents>()
        .add_systems(PostUpdate, (note_connection, note_runs, note_choosing).chain())
        .add_systems(Last, dispatch_pending_events.after(PageSystems::Publish));
}

fn note_connection(
    mut changed: MessageReader<ConnectionChanged>,
    run_store: Res<RunStore>,
    mut pending: ResMut<PendingEvents>,
    mut last: Local<Option<ConnectionReport>>,
) {
    for ConnectionChanged(state) in changed.read() {
        let connection = ConnectionReport::of(state, run_store.live().counters().dropped);
        // Waiting for an attempt and making it are two states here but equal for scripts.
        if last.as_ref() != Some(&connection) {
            pending.add("meterbridge:connection", &connection);
            *last = Some(connection);
        }
    }
}

fn note_runs(
    mut received: MessageReader<EventReceived>,
    run_store: Res<RunStore>,
    mut pending: ResMut<PendingEvents>,
) {
    for EventReceived { change, live, .. } in received.read() {
        let Some((_, status)) = change.run_status else {
            continue;
        };
        let Some(run) = run_store.live().run(&change.run_id) else {
            continue;
        };
        let name = match status {
            RunStatus::Running => "meterbridge:run-started",
            RunStatus::Completed => "meterbridge:run-completed",
            RunStatus::Failed => "meterbridge:run-failed",
            RunStatus::Cancelled => "meterbridge:run-cancelled",
            _ => continue,
        };
        pending.add(name, &run_detail(run, *live));
    }
}

/// Has the page show its dialog for files.
fn note_choosing(mut actions: MessageReader<Action>, mut pending: ResMut<PendingEvents>) {
    if actions.read().filter(|action| matches!(action, Action::ChooseFiles)).count() > 0 {
        pending.add("meterbridge:choose-files", &());
    }
}

fn run_detail(run: &Run, live: bool) -> RunDetail<'_> {
    let failed = (run.status == RunStatus::Failed)
        .then(|| run.nodes.iter().rfind(|node| node.status == NodeStatus::Failed))
        .flatten();
    RunDetail {
        run_id: run.id().as_str(),
        title: run_title(run),
        live,
        duration_ms: run.duration_ms,
        node: failed.map(|node| node.name.as_str()),
        message: failed.and_then(|node| node.error.as_deref()).or(run.error.as_deref()),
    }
}

/// Dispatches the pending events, in order.
fn dispatch_pending_events(
    page: Res<Page>,
    mut pending: ResMut<PendingEvents>,
    mut frames: Local<u32>,
) {
    *frames = frames.saturating_add(1);
    let ready = *frames == FRAMES_UNTIL_READY;
    if pending.0.is_empty() && !ready {
        return;
    }
    let Some(canvas) = page.canvas() else {
        return;
    };
    if ready {
        dispatch(&canvas, "meterbridge:ready", "null");
    }
    for PendingEvent { name, detail } in std::mem::take(&mut pending.0) {
        dispatch(&canvas, name, &detail);
    }
}

fn dispatch(canvas: &HtmlCanvasElement, name: &str, detail: &str) {
    let init = CustomEventInit::new();
    init.set_bubbles(true);
    init.set_detail(&js_sys::JSON::parse(detail).unwrap_or(JsValue::NULL));
    if let Ok(event) = CustomEvent::new_with_event_init_dict(name, &init) {
        // Errors in a listener are reported by the browser.
        let _ = canvas.dispatch_event(&event);
    }
}

/// Installs a panic hook that informs the page, because nothing is drawn after a panic.
pub(super) fn tell_crashes(page: Page) {
    std::panic::set_hook(Box::new(move |info| {
        let message = info.to_string();
        web_sys::console::error_1(&JsValue::from_str(&message));
        let detail = serde_json::to_string(&Crash { message: &message }).unwrap_or_default();
        if let Some(canvas) = page.canvas() {
            dispatch(&canvas, "meterbridge:crashed", &detail);
        }
    }));
}
