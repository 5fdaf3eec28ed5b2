//! Data that outlasts a visit: settings changed by the user, and the link that shows the same
//! elsewhere.

use bevy::prelude::*;
use tracing::warn;
use web_sys::Storage;

use super::Page;
use crate::app::panel::ShareLink;
use crate::app::panel::memory::PanelMemory;
use crate::app::state::actions::Action;
use crate::app::state::auto::Auto;
use crate::app::state::chrome::Chrome;
use crate::app::state::focus::Focus;
use crate::app::state::link::Link;
use crate::app::state::opening::RecentSources;
use crate::app::state::run_store::Connected;
use crate::app::state::view::View;
use crate::app::theme::ThemeChoice;
use crate::config::ViewName;
use crate::query::{PageState, kept_query, link_query};
use crate::source::SourceSpec;

/// Key in the browser's local storage; the value is a list of sources, newest first.
const RECENT_KEY: &str = "meterbridge.recent";
/// Key in the browser's local storage; the value is the JSON of [`PanelMemory`].
const PANEL_KEY: &str = "meterbridge.panel";
/// Key in the browser's local storage; the value is a query string.
const KEY: &str = "meterbridge.settings";

/// Returns the browser's storage. It may be disabled, full, or forbidden in an iframe; nothing is
/// kept then, and no error is shown.
fn storage(page: &Page) -> Option<Storage> {
    page.storage.then(|| web_sys::window()?.local_storage().ok()?).flatten()
}

/// Returns the query string kept by an earlier visit, or an empty one.
pub(super) fn stored_query(page: &Page) -> String {
    storage(page).and_then(|storage| storage.get_item(KEY).ok()?).unwrap_or_default()
}

/// Returns the address of a page that shows the same.
fn address(
    link: &Link,
    focus: &Focus,
    chrome: &Chrome,
    view: View,
    theme: ThemeChoice,
    directed: bool,
    page: &Page,
) -> String {
    let source = source_of(link);
    let pinned = if focus.is_following() { None } else { focus.run() };
    let shown = PageState {
        run: pinned.map(|run| run.as_str()),
        view: if directed { ViewName::default() } else { view.name() },
        director: directed,
        ..shown(&source, link, chrome, theme)
    };
    let query = link_query(&shown, page.own_source.as_deref());
    let location = web_sys::window().map(|window| window.location());
    let part = |read: fn(&web_sys::Location) -> Result<String, wasm_bindgen::JsValue>| {
        location.as_ref().and_then(|location| read(location).ok()).unwrap_or_default()
    };
    let path = format!("{}{}", part(web_sys::Location::origin), part(web_sys::Location::pathname));
    if query.is_empty() { path } else { format!("{path}?{query}") }
}

/// Returns the address of the stream, also while a recording is shown.
fn source_of(link: &Link) -> String {
    link.stream().map(|stream| stream.address().to_owned()).unwrap_or_default()
}

fn shown<'a>(
    source: &'a str,
    link: &'a Link,
    chrome: &Chrome,
    theme: ThemeChoice,
) -> PageState<'a> {
    PageState {
        source,
        connection: &link.settings,
        run: None,
        panel: chrome.panel,
        // The last view is not a setting.
        view: ViewName::default(),
        theme: theme.0,
        director: false,
    }
}

pub(super) fn plugin(app: &mut App) {
    app.add_systems(PreStartup, read_panel)
        .add_systems(Startup, read_recent)
        .add_systems(Last, keep_panel.run_if(resource_exists_and_changed::<PanelMemory>))
        .add_systems(PostUpdate, (store_settings, update_share_link, keep_recent));
}

/// Reads what the panel remembers.
fn read_panel(page: Res<Page>, mut memory: ResMut<PanelMemory>) {
    memory.0 = storage(&page).and_then(|storage| storage.get_item(PANEL_KEY).ok()?);
}

/// Keeps what the panel remembers.
fn keep_panel(page: Res<Page>, memory: Res<PanelMemory>) {
    if let (Some(storage), Some(text)) = (storage(&page), &memory.0) {
        // A failure to store is ignored; see `storage`.
        let _ = storage.set_item(PANEL_KEY, text);
    }
}

/// Reads the addresses of earlier visits. What cannot be read is ignored, and the console says so.
fn read_recent(page: Res<Page>, mut recent: ResMut<RecentSources>) {
    let stored = storage(&page).and_then(|storage| storage.get_item(RECENT_KEY).ok()?);
    let Some(text) = stored else { return };
    if let Err(error) = recent.restore(&text) {
        warn!("the list of recent addresses is damaged, and starts empty: {error}");
    }
}

/// Remembers an address that was connected to, unless it has secrets, and the names that the user gave.
fn keep_recent(
    mut connected: MessageReader<Connected>,
    mut actions: MessageReader<Action>,
    link: Res<Link>,
    page: Res<Page>,
    mut recent: ResMut<RecentSources>,
) {
    let mut has_changed = false;
    for action in actions.read() {
        has_changed |= recent.bypass_change_detection().apply(action);
    }
    let has_connected = connected.read().count() > 0;
    if has_connected && !link.is_recording() {
        has_changed |= recent.connected_to(SourceSpec::of_address(&link.url));
    }
    if !has_changed {
        return;
    }
    if let (Some(storage), Some(text)) = (storage(&page), recent.to_text()) {
        // A failure to store is ignored; see `storage`.
        let _ = storage.set_item(RECENT_KEY, &text);
    }
}

#[expect(clippy::too_many_arguments, reason = "a link tells all of it")]
fn update_share_link(
    link: Res<Link>,
    focus: Res<Focus>,
    chrome: Res<Chrome>,
    view: Res<View>,
    theme: Res<ThemeChoice>,
    auto: Res<Auto>,
    page: Res<Page>,
    mut share: ResMut<ShareLink>,
) {
    let changed = link.is_changed()
        || focus.is_changed()
        || chrome.is_changed()
        || view.is_changed()
        || auto.is_changed()
        || theme.is_changed();
    if share.0.is_none() || changed {
        let directed = auto.0.is_auto();
        let address = address(&link, &focus, &chrome, *view, *theme, directed, &page);
        share.set_if_neq(ShareLink(Some(address)));
    }
}

/// Stores the settings when the user changed one since the page was opened. Settings from the
/// page's address are stored only together with such a change.
fn store_settings(
    link: Res<Link>,
    chrome: Res<Chrome>,
    theme: Res<ThemeChoice>,
    page: Res<Page>,
    mut last: Local<Option<String>>,
) {
    let changed = link.is_changed() || chrome.is_changed() || theme.is_changed();
    if !changed {
        return;
    }
    let source = source_of(&link);
    if source.is_empty() {
        return;
    }
    let query = kept_query(&shown(&source, &link, &chrome, *theme), page.own_source.as_deref());
    let changed = last.as_ref().is_some_and(|last| *last != query);
    if changed && let Some(storage) = storage(&page) {
        // A failure to store is ignored; see `storage`.
        let _ =
            if query.is_empty() { storage.remove_item(KEY) } else { storage.set_item(KEY, &query) };
    }
    *last = Some(query);
}
