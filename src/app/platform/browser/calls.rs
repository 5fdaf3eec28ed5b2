//! What scripts of the page may ask for. Calls wait for the next frame; questions are answered
//! from what the last frame left.

use std::cell::RefCell;

use bevy::ecs::change_detection::DetectChangesMut;
use bevy::prelude::*;
use bevy::winit::{EventLoopProxyWrapper, WinitUserEvent};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::app::control::run_operations::RunOperations;
use crate::app::overlays::notices::Notices;
use crate::app::panel::ShareLink;
use crate::app::state::actions::Action;
use crate::app::state::actions::OperationKind;
use crate::app::state::auto::Auto;
use crate::app::state::chrome::Chrome;
use crate::app::state::focus::Focus;
use crate::app::state::link::Link;
use crate::app::state::run_store::RunStore;
use crate::app::state::viewport::ReducedMotion;
use crate::app::systems::AppSystems;
use crate::app::views::chrome::ViewChrome;
use crate::app::words::run_title;
use crate::director::Mode;
use crate::inspect::Report;
use crate::model::{Model, Retention};
use crate::protocol::RunId;
use crate::source::{ConnectionState, Updates, parse_source_url};

thread_local! {
    static SCRIPT_CHANNEL: RefCell<ScriptChannel> = const { RefCell::new(ScriptChannel { calls: Vec::new(), wake: None, published: None }) };
}

/// Where scripts and the application meet.
struct ScriptChannel {
    /// Calls of scripts, in order.
    calls: Vec<Action>,
    /// Wakes a sleeping application.
    wake: Option<Box<dyn Fn()>>,
    /// What the last frame left; empty during a frame.
    published: Option<PublishedState>,
}

/// The state between two frames.
struct PublishedState {
    model: Model,
    view: View,
    connection: Connection,
    link: String,
}

/// What [`state`] says beside what `meterbridge inspect --json` says.
#[derive(Serialize)]
struct State<'a> {
    #[serde(flatten)]
    report: Report,
    connection: &'a Connection,
    view: &'a View,
}

/// The connection as scripts see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Connection {
    state: &'static str,
    url: String,
    attempt: Option<u32>,
    /// 0: without end.
    max_attempts: Option<u32>,
    /// Why there is no connection, or why it brings no news as they happen.
    reason: Option<String>,
    /// How news come while connected: "live", "polling", or "cut" where a hub has lost its backend.
    updates: Option<&'static str>,
    /// Frames that were thrown away because the page was behind.
    dropped: u64,
}

/// What is on screen.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct View {
    run_id: Option<String>,
    /// What that run is called on screen.
    title: Option<String>,
    following: bool,
    /// Who decides what is shown: "auto", "pinned" or, without a director, "off".
    director: &'static str,
    panel: bool,
    fullscreen: bool,
    reduced_motion: bool,
    /// What the band over the picture says.
    notice: Option<String>,
    /// What is asked before it is done: "start", "cancel", "retry" or "execute".
    question: Option<&'static str>,
    /// The toasts on screen, each as its two lines.
    toasts: Vec<String>,
}

impl Connection {
    pub(super) fn of(state: &ConnectionState, dropped: u64) -> Self {
        let new = |state, url: &str| Self {
            state,
            url: url.to_owned(),
            attempt: None,
            max_attempts: None,
            reason: None,
            updates: None,
            dropped,
        };
        match state {
            ConnectionState::Disconnected => new("disconnected", ""),
            ConnectionState::Connecting { url } => new("connecting", url),
            ConnectionState::Connected { url, updates, .. } => {
                let (name, reason) = match updates {
                    Updates::Live => ("live", None),
                    Updates::Polling(polling) => ("polling", Some(polling.words())),
                    Updates::Unanswered { .. } => {
                        ("unanswered", Some(Updates::unanswered_words(None)))
                    }
                    Updates::Cut { reason, .. } => ("cut", Some(Updates::cut_words(None, reason))),
                };
                Self { updates: Some(name), reason, ..new("connected", url) }
            }
            ConnectionState::Reconnecting { url, attempt, max_attempts, reason, .. } => Self {
                attempt: Some(*attempt),
                max_attempts: Some(*max_attempts),
                reason: Some(reason.clone()),
                ..new("reconnecting", url)
            },
            ConnectionState::Failed { url, reason } => {
                Self { reason: Some(reason.clone()), ..new("failed", url) }
            }
        }
    }
}

/// Everything that is known, as JSON: what `meterbridge inspect --json` prints, with `connection`
/// and `view`. `{}` before the first frame.
#[wasm_bindgen]
pub fn state() -> String {
    SCRIPT_CHANNEL.with_borrow(|channel| {
        let Some(PublishedState { model, view, connection, .. }) = &channel.published else {
            return "{}".to_owned();
        };
        // Nothing in it can fail to be JSON: no maps with other keys than text.
        serde_json::to_string(&State { report: Report::of(model), connection, view })
            .unwrap_or_default()
    })
}

/// The address of a page that shows the same. Empty before the first frame.
#[wasm_bindgen]
pub fn link() -> String {
    SCRIPT_CHANNEL.with_borrow(|channel| {
        channel.published.as_ref().map(|published| published.link.clone()).unwrap_or_default()
    })
}

/// Connects to another event stream.
///
/// # Errors
///
/// When `url` is none; the message says what to write instead.
#[wasm_bindgen]
pub fn connect(url: String) -> Result<(), JsError> {
    parse_source_url(&url)?;
    call(Action::Connect(url.into()));
    Ok(())
}

/// Closes the connection and stays closed. What is on screen stays.
#[wasm_bindgen]
pub fn disconnect() {
    call(Action::Disconnect);
}

/// Shows a run and stays with it; without one, follows again.
#[wasm_bindgen]
pub fn select(run_id: Option<String>) {
    call(run_id.map_or(Action::Follow, |run| Action::SelectRun(RunId::new(run))));
}

/// Has the director take over, as key A does.
#[wasm_bindgen]
pub fn auto() {
    call(Action::Auto);
}

fn call(action: Action) {
    SCRIPT_CHANNEL.with_borrow_mut(|channel| {
        channel.calls.push(action);
        if let Some(wake) = &channel.wake {
            wake();
        }
    });
}

/// The moments of a frame that scripts depend on.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum PageSystems {
    /// `Last`: the state is left for scripts. Only after it may scripts be run.
    Publish,
}

pub(super) fn plugin(app: &mut App) {
    app.add_systems(Startup, set_waker)
        .add_systems(First, reclaim)
        .add_systems(Update, answer_calls.before(AppSystems::Press))
        .add_systems(Last, publish.in_set(PageSystems::Publish));
}

fn set_waker(proxy: Res<EventLoopProxyWrapper>) {
    let proxy = (**proxy).clone();
    // The loop is gone only when the page is.
    let wake = move || {
        let _ = proxy.send_event(WinitUserEvent::WakeUp);
    };
    SCRIPT_CHANNEL.with_borrow_mut(|channel| channel.wake = Some(Box::new(wake)));
}

fn answer_calls(mut actions: MessageWriter<Action>) {
    let calls = SCRIPT_CHANNEL.with_borrow_mut(|channel| std::mem::take(&mut channel.calls));
    actions.write_batch(calls);
}

/// The model is lent to scripts between frames rather than copied for them.
fn reclaim(mut run_store: ResMut<RunStore>) {
    if let Some(published) = SCRIPT_CHANNEL.with_borrow_mut(|channel| channel.published.take()) {
        run_store.bypass_change_detection().model = published.model;
    }
}

#[expect(clippy::too_many_arguments, reason = "each is a resource that scripts are told of")]
fn publish(
    mut run_store: ResMut<RunStore>,
    link: Res<Link>,
    focus: Res<Focus>,
    auto: Res<Auto>,
    chrome: Res<Chrome>,
    reduced_motion: Res<ReducedMotion>,
    (view_chrome, operations, notices): (Res<ViewChrome>, Res<RunOperations>, Res<Notices>),
    share: Res<ShareLink>,
) {
    let toasts = notices.toasts.standing().map(|(_, toast)| toast);
    let view = View {
        run_id: focus.run().map(ToString::to_string),
        title: focus.run().and_then(|id| run_store.model.run(id)).map(run_title),
        following: focus.is_following(),
        director: match auto.0.mode() {
            Mode::Off => "off",
            Mode::Auto => "auto",
            Mode::Pinned { .. } => "pinned",
        },
        panel: chrome.panel,
        fullscreen: chrome.fullscreen,
        reduced_motion: reduced_motion.0,
        notice: view_chrome.notice().map(str::to_owned),
        question: operations.dialog.as_ref().map(|dialog| match dialog.kind {
            OperationKind::Start => "start",
            OperationKind::Cancel => "cancel",
            OperationKind::Retry => "retry",
            OperationKind::Execute => "execute",
        }),
        toasts: toasts.map(|toast| format!("{}\n{}", toast.head(), toast.words())).collect(),
    };
    let empty = Model::new(Retention::EVERYTHING);
    let model = std::mem::replace(&mut run_store.bypass_change_detection().model, empty);
    let published = PublishedState {
        connection: Connection::of(&link.state, model.counters().dropped),
        model,
        view,
        link: share.0.clone().unwrap_or_default(),
    };
    SCRIPT_CHANNEL.with_borrow_mut(|channel| channel.published = Some(published));
}
