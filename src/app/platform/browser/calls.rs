//! Functions for scripts of the page. Calls take effect in the next frame; queries are answered
//! from the state after the last frame.

use std::cell::RefCell;

use bevy::ecs::change_detection::DetectChangesMut;
use bevy::prelude::*;
use bevy::winit::{EventLoopProxyWrapper, WinitUserEvent};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::app::control::run_operations::RunOperations;
use crate::app::draw::DrawClock;
use crate::app::overlays::notices::Notices;
use crate::app::panel::ShareLink;
use crate::app::state::actions::Action;
use crate::app::state::actions::{OperationKind, Transport};
use crate::app::state::auto::Auto;
use crate::app::state::chrome::Chrome;
use crate::app::state::focus::Focus;
use crate::app::state::link::Link;
use crate::app::state::run_store::RunStore;
use crate::app::state::view::View;
use crate::app::state::viewport::ReducedMotion;
use crate::app::systems::AppSystems;
use crate::app::views::chrome::ViewChrome;
use crate::app::words::run_title;
use crate::director::Mode;
use crate::inspect::Report;
use crate::model::{Model, Retention};
use crate::protocol::RunId;
use crate::source::{ConnectionState, RecordingFiles, SourceSpec, Updates, parse_source_url};

thread_local! {
    static SCRIPT_CHANNEL: RefCell<ScriptChannel> = const { RefCell::new(ScriptChannel { calls: Vec::new(), wake: None, published: None }) };
}

/// Data exchanged between scripts and the application.
struct ScriptChannel {
    /// Actions requested by scripts, in order.
    calls: Vec<Action>,
    /// Wakes a sleeping application.
    wake: Option<Box<dyn Fn()>>,
    /// State after the last frame; `None` during a frame.
    published: Option<PublishedState>,
}

/// The application state between two frames.
struct PublishedState {
    model: Model,
    view: ViewReport,
    connection: ConnectionReport,
    link: String,
}

/// Return value of [`state`]: the report of `meterbridge inspect --json`, with two more fields.
#[derive(Serialize)]
struct State<'a> {
    #[serde(flatten)]
    report: Report,
    connection: &'a ConnectionReport,
    view: &'a ViewReport,
}

/// State of the connection as reported to scripts, by `state()` and by `meterbridge:connection` events.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct ConnectionReport {
    state: &'static str,
    url: String,
    attempt: Option<u32>,
    /// 0 means unlimited.
    max_attempts: Option<u32>,
    /// The reason why there is no connection, or why events do not arrive live.
    reason: Option<String>,
    /// Mode in which events arrive while connected: "live", "polling", "unanswered", or "cut" when a
    /// hub has lost its backend.
    updates: Option<&'static str>,
    /// Frames dropped because the page was behind.
    dropped: u64,
}

/// Content of the screen as reported to scripts.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct ViewReport {
    /// Name of the view, as it is spelled in the page's address.
    name: &'static str,
    run_id: Option<String>,
    /// Display title of that run.
    title: Option<String>,
    following: bool,
    /// Mode of the director: "auto", "pinned" or, without a director, "off".
    director: &'static str,
    panel: bool,
    fullscreen: bool,
    reduced_motion: bool,
    /// Moment of the past that is shown; `None` when the display is live.
    rewound_to: Option<String>,
    /// True when the picture stands still.
    paused: bool,
    /// Text of the band over the picture.
    notice: Option<String>,
    /// Operation in the open confirmation dialog: "start", "cancel", "retry" or "execute".
    question: Option<&'static str>,
    /// Sentence of the toast on screen; empty or one.
    toasts: Vec<String>,
}

impl ConnectionReport {
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
            ConnectionState::Failed { url, reason, .. } => {
                Self { reason: Some(reason.clone()), ..new("failed", url) }
            }
        }
    }
}

/// Returns the whole state as JSON: the output of `meterbridge inspect --json` with `connection`
/// and `view` added. Returns `{}` before the first frame.
#[wasm_bindgen]
pub fn state() -> String {
    SCRIPT_CHANNEL.with_borrow(|channel| {
        let Some(PublishedState { model, view, connection, .. }) = &channel.published else {
            return "{}".to_owned();
        };
        // Serialization cannot fail: the state holds no maps with keys other than strings.
        serde_json::to_string(&State { report: Report::of(model), connection, view })
            .unwrap_or_default()
    })
}

/// Returns the address of a page that shows the same. Empty before the first frame.
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
/// Fails when `url` is not a source address; the message says what to write instead.
#[wasm_bindgen]
pub fn connect(url: String) -> Result<(), JsError> {
    parse_source_url(&url)?;
    call(Action::Connect(url.into()));
    Ok(())
}

/// Shows recordings in place of the stream: the names of files and what they contain.
#[wasm_bindgen]
pub fn open_recordings(names: Vec<String>, contents: Vec<js_sys::Uint8Array>) {
    let contents = contents.into_iter().map(|bytes| bytes.to_vec());
    if let Some(files) = RecordingFiles::given(names.into_iter().zip(contents).collect()) {
        call(Action::OpenSource(SourceSpec::Recording(files)));
    }
}

/// Tells the user why a file could not be opened.
#[wasm_bindgen]
pub fn opening_failed(reason: String) {
    call(Action::TellOpeningFailed(reason));
}

/// Closes the connection and does not reconnect. The display keeps its content.
#[wasm_bindgen]
pub fn disconnect() {
    call(Action::Disconnect);
}

/// Shows a run and stays on it; without a run id, resumes following.
#[wasm_bindgen]
pub fn select(run_id: Option<String>) {
    call(run_id.map_or(Action::Follow, |run| Action::SelectRun(RunId::new(run))));
}

/// Turns the director on, as key A does.
#[wasm_bindgen]
pub fn auto() {
    call(Action::Auto);
}

/// Shows the moment `at`, an instant such as `2026-11-23T10:15:00Z`; without one, goes back to live.
///
/// # Errors
///
/// Fails when `at` is no instant.
#[wasm_bindgen]
pub fn rewind(at: Option<String>) -> Result<(), JsError> {
    let transport = match at {
        Some(at) => Transport::Show(at.parse()?),
        None => Transport::Live,
    };
    call(Action::Time(transport));
    Ok(())
}

/// Lets the past play on, or stops the picture.
#[wasm_bindgen]
pub fn play(plays: bool) {
    call(Action::Time(Transport::Play(plays)));
}

/// Begins to record what arrives, or ends the recording, which the browser then saves.
#[wasm_bindgen]
pub fn record() {
    call(Action::ToggleRecording);
}

fn call(action: Action) {
    SCRIPT_CHANNEL.with_borrow_mut(|channel| {
        channel.calls.push(action);
        if let Some(wake) = &channel.wake {
            wake();
        }
    });
}

/// Points of a frame that script access depends on.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum PageSystems {
    /// `Last`: publishes the state for scripts. Scripts may run only after this set.
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
    // Sending fails only when the page, and with it the event loop, is gone.
    let wake = move || {
        let _ = proxy.send_event(WinitUserEvent::WakeUp);
    };
    SCRIPT_CHANNEL.with_borrow_mut(|channel| channel.wake = Some(Box::new(wake)));
}

fn answer_calls(mut actions: MessageWriter<Action>) {
    let calls = SCRIPT_CHANNEL.with_borrow_mut(|channel| std::mem::take(&mut channel.calls));
    actions.write_batch(calls);
}

/// Takes the model back, which is lent to scripts between frames rather than copied.
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
    (chrome, view): (Res<Chrome>, Res<View>),
    reduced_motion: Res<ReducedMotion>,
    (view_chrome, operations, notices): (Res<ViewChrome>, Res<RunOperations>, Res<Notices>),
    draw_clock: Res<DrawClock>,
    share: Res<ShareLink>,
) {
    let toast = notices.toasts.standing();
    let past = run_store.shown_past();
    let view = ViewReport {
        name: view.name().name(),
        rewound_to: past.map(|past| past.at.to_string()),
        paused: past.is_some_and(|past| !past.is_playing),
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
        toasts: toast
            .map(|toast| format!("{} {}", toast.title(), toast.words(draw_clock.secs)))
            .into_iter()
            .collect(),
    };
    let dropped = run_store.live().counters().dropped;
    let empty = Model::new(Retention::EVERYTHING);
    let model = std::mem::replace(&mut run_store.bypass_change_detection().model, empty);
    let published = PublishedState {
        connection: ConnectionReport::of(&link.state, dropped),
        model,
        view,
        link: share.0.clone().unwrap_or_default(),
    };
    SCRIPT_CHANNEL.with_borrow_mut(|channel| channel.published = Some(published));
}
