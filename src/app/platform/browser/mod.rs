//! The application in a web page: started by the page's boot script, controlled by its scripts.
//!
//! | file | content |
//! | --- | --- |
//! | `calls` | functions for scripts: `state`, `connect`, `disconnect`, `select`, `auto`, `link`, recordings |
//! | `screen_sleep` | reports from scripts about the screen's sleep |
//! | `events` | DOM events about what a viewer sees |
//! | `visits` | settings kept between visits, and the link to share |
//!
//! A page has one application, which runs on one thread. Scripts and systems exchange data through
//! thread-local cells that no system holds while a script runs. `web/README.md` documents the
//! interface for people who embed the page.

mod calls;
mod events;
mod screen_sleep;
mod visits;

use bevy::app::PanicHandlerPlugin;
use bevy::asset::{AssetMetaCheck, AssetPlugin};
use bevy::prelude::*;
use serde::Deserialize;
use wasm_bindgen::prelude::*;
use web_sys::HtmlCanvasElement;

use super::window;
use crate::app::state::chrome::Chrome;
use crate::app::state::first_start::FirstStart;
use crate::app::state::viewport::ReducedMotion;
use crate::app::systems::AppSystems;
use crate::app::theme::SystemPreference;
use crate::query;

/// Options passed by the boot script.
#[derive(Deserialize)]
struct StartOptions {
    /// CSS selector of the canvas to draw on.
    canvas: String,
    /// Settings, in the syntax of the page's address.
    query: String,
    /// True when settings are kept between visits.
    storage: bool,
}

/// The page that contains the application.
#[derive(Resource, Clone, Debug)]
struct Page {
    /// CSS selector of the canvas.
    canvas: String,
    /// The event stream of the page's own server.
    own_source: Option<String>,
    storage: bool,
}

impl Page {
    fn canvas(&self) -> Option<HtmlCanvasElement> {
        let document = web_sys::window()?.document()?;
        document.query_selector(&self.canvas).ok()??.dyn_into().ok()
    }
}

/// Starts the application on a canvas and returns; the application then runs until the page is
/// closed.
///
/// # Errors
///
/// Returns a sentence for the user when the options or the settings cannot be used.
#[wasm_bindgen]
pub fn start(options: JsValue) -> Result<(), JsError> {
    let json = js_sys::JSON::stringify(&options).map_err(|_| JsError::new("no options"))?;
    let options: StartOptions = serde_json::from_str(&String::from(json))?;
    let location = web_sys::window().ok_or_else(|| JsError::new("no window"))?.location();
    let text = |part: Result<String, JsValue>| part.unwrap_or_default();
    let own_source = query::own_source(&text(location.protocol()), &text(location.host()));
    let page = Page { canvas: options.canvas, own_source, storage: options.storage };
    if page.canvas().is_none() {
        return Err(JsError::new(&format!("there is no canvas that `{}` selects", page.canvas)));
    }

    let stored_query = visits::stored_query(&page);
    let asked = options.query.as_str();
    let read = |queries: &[&str]| query::read(queries, page.own_source.as_deref());
    // Settings kept by another version of the page may be unreadable.
    let mut request = read(&[&stored_query, asked]).or_else(|_| read(&[asked]))?;
    if request.settings.kiosk.on {
        // A kiosk shows what it was set up to show, not what somebody once changed on it.
        request = read(&[asked])?;
    }
    request.settings.view.reduced_motion |= prefers_reduced_motion();

    // Fails only when a logger is already set, and nothing else sets one.
    let _ = console_log::init_with_level(log::Level::Warn);
    events::tell_crashes(page.clone());

    let engine = DefaultPlugins
        .set(AssetPlugin { meta_check: AssetMetaCheck::Never, ..default() })
        // The engine's panic hook would replace the one that tells the page.
        .disable::<PanicHandlerPlugin>();
    let window = Window {
        canvas: Some(page.canvas.clone()),
        fit_canvas_to_parent: true,
        // Otherwise the browser's own keys would not work: F5, Ctrl+L, paste.
        prevent_default_event_handling: false,
        ..default()
    };
    let mut app = App::new();
    window::compose(&mut app, engine, window, request);
    if !page.storage {
        // Nothing is remembered, so that the keys would be told of at each visit.
        app.insert_resource(FirstStart::default());
    }
    app.insert_resource(page)
        .add_plugins((calls::plugin, screen_sleep::plugin, events::plugin, visits::plugin))
        .add_systems(
            Update,
            (follow_motion_preference, follow_contrast_preference, follow_fullscreen)
                .before(AppSystems::Press),
        );
    app.run();
    Ok(())
}

fn prefers_reduced_motion() -> bool {
    prefers("(prefers-reduced-motion: reduce)")
}

fn prefers(preference: &str) -> bool {
    let query = web_sys::window().and_then(|window| window.match_media(preference).ok()?);
    query.is_some_and(|query| query.matches())
}

/// Follows the contrast preference. The light or dark preference comes with the window; see
/// `window`.
fn follow_contrast_preference(mut preference: ResMut<SystemPreference>) {
    let more_contrast = prefers("(prefers-contrast: more)");
    if preference.more_contrast != more_contrast {
        preference.more_contrast = more_contrast;
    }
}

/// Follows changes of the motion preference while the page is open.
fn follow_motion_preference(mut reduced: ResMut<ReducedMotion>, mut last: Local<Option<bool>>) {
    let preference = prefers_reduced_motion();
    if last.replace(preference).is_some_and(|before| before != preference) {
        reduced.set_if_neq(ReducedMotion(preference));
    }
}

/// Notices when the user leaves full screen with the browser's own key.
fn follow_fullscreen(mut chrome: ResMut<Chrome>, mut was_full: Local<bool>) {
    let document = web_sys::window().and_then(|window| window.document());
    let full = document.is_some_and(|document| document.fullscreen_element().is_some());
    if *was_full && !full && chrome.fullscreen {
        chrome.fullscreen = false;
    }
    *was_full = full;
}
