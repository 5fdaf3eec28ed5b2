//! Recording in a page: keeps what arrives in memory, and has the browser save it as a file at the end.

use bevy::prelude::*;
use gloo_timers::callback::Timeout;
use jiff::Timestamp;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, BlobPropertyBag, HtmlElement, Url};

use crate::app::draw::DrawClock;
use crate::app::overlays::notices::{Notice, Notices};
use crate::app::state::actions::Action;
use crate::app::state::link::Link;
use crate::source::ConnectionSettings;
use crate::source::recorder::Recorder;
use crate::text::{count_words, file_stem, size_words};
use crate::time_zone;

/// Time within which a browser has begun to read a file that it saves.
const READ_WITHIN_MS: u32 = 60_000;

pub(super) fn record(
    mut actions: MessageReader<Action>,
    mut link: ResMut<Link>,
    mut notices: ResMut<Notices>,
    draw_clock: Res<DrawClock>,
) {
    let at = Timestamp::now();
    let mut told: Vec<Notice> = Vec::new();
    let toggles = actions.read().filter(|action| matches!(action, Action::ToggleRecording)).count();
    for _ in 0..toggles {
        told.push(match link.settings.recorder.clone() {
            Some(recorder) => end(&mut link, &recorder, "Recorded", at),
            None => begin(&mut link, at),
        });
    }
    if let Some(recorder) = link.settings.recorder.clone() {
        let has_left = link.is_recording();
        if recorder.failure().is_some() || has_left {
            let title = if has_left { "Recorded" } else { "Recording is full:" };
            told.push(end(&mut link, &recorder, title, at));
        }
    }
    for notice in told {
        notices.tell(notice, draw_clock.secs);
    }
}

fn configure(link: &mut Link, recorder: Option<Recorder>) {
    let settings = ConnectionSettings { recorder, ..link.settings.clone() };
    link.configure(settings);
}

fn begin(link: &mut Link, at: Timestamp) -> Notice {
    let reason = match &link.source {
        None => Some("the app that embeds this display supplies the events"),
        Some(source) if source.is_recording() => {
            Some("a recording is playing; return to the stream first")
        }
        Some(_) => None,
    };
    if let Some(reason) = reason {
        return Notice::of_display("Not recording:", reason.to_owned(), true, at);
    }
    let now = at.to_zoned(time_zone::current().zone().clone());
    let stem = file_stem(&link.source_name());
    let name = format!("{stem}-{}.ndjson", now.strftime("%Y-%m-%d-%H%M%S"));
    configure(link, Some(Recorder::start(&name)));
    Notice::of_display("Recording", format!("for {name}, until it is stopped"), false, at)
}

/// Ends a recording, and has the browser save it.
fn end(link: &mut Link, recorder: &Recorder, title: &str, at: Timestamp) -> Notice {
    configure(link, None);
    let summary = recorder.summary();
    let name = summary.path.display().to_string();
    let s = if summary.frames == 1 { "" } else { "s" };
    let (frames, size) = (count_words(summary.frames), size_words(summary.bytes));
    let words = format!("{frames} message{s} ({size}) to {name}");
    match save(&name, &recorder.finish()) {
        Ok(()) => Notice::of_display(title, words, false, at),
        Err(_) => {
            let words = format!("{words}: the browser did not save it");
            Notice::of_display("Not saved:", words, true, at)
        }
    }
}

/// Has the browser save a file under this name, in its folder for downloads.
pub(super) fn save(name: &str, bytes: &[u8]) -> Result<(), JsValue> {
    let document = web_sys::window().and_then(|window| window.document()).ok_or(JsValue::NULL)?;
    let kind = BlobPropertyBag::new();
    kind.set_type(if name.ends_with(".csv") { "text/csv" } else { "application/x-ndjson" });
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(bytes));
    let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &kind)?;
    let address = Url::create_object_url_with_blob(&blob)?;
    let anchor: HtmlElement = document.create_element("a")?.dyn_into()?;
    anchor.set_attribute("href", &address)?;
    anchor.set_attribute("download", name)?;
    anchor.click();
    // Some browsers read it only later.
    Timeout::new(READ_WITHIN_MS, move || {
        let _ = Url::revoke_object_url(&address);
    })
    .forget();
    Ok(())
}
