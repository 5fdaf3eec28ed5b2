//! Notifications of the browser, and their sound.

use std::cell::RefCell;

use gloo_events::EventListener;
use web_sys::{
    AudioContext, Notification as BrowserNotification, NotificationOptions, NotificationPermission,
};

use crate::notify::Notification;

/// Pitch of the two tones in hertz, and their length and loudness.
const TONES_HZ: [f32; 2] = [660.0, 495.0];
const TONE_SECS: f64 = 0.16;
const LOUDNESS: f32 = 0.12;

thread_local! {
    /// Context that plays sounds. Browsers let it play once the user has clicked.
    static AUDIO: RefCell<Option<AudioContext>> = const { RefCell::new(None) };
}

/// Shows notifications once the user has allowed them.
pub(super) struct Delivery;

impl Delivery {
    /// Asks for permission at the next click, as browsers demand; a browser that was asked before is not asked
    /// again. That click also lets sounds play.
    pub fn begin(sound: bool) -> Self {
        let Some(window) = web_sys::window() else { return Self };
        let listener = EventListener::once(&window, "click", move |_| {
            if BrowserNotification::permission() == NotificationPermission::Default {
                // The answer is read before each notification.
                let _ = BrowserNotification::request_permission();
            }
            if sound && let Ok(context) = AudioContext::new() {
                AUDIO.with_borrow_mut(|audio| *audio = Some(context));
            }
        });
        listener.forget();
        Self
    }

    /// Shows a notification, if the user has allowed it.
    pub fn show(&mut self, notification: Notification) {
        let Notification { number, title, body, has_sound, .. } = notification;
        if BrowserNotification::permission() == NotificationPermission::Granted {
            let options = NotificationOptions::new();
            options.set_body(&body);
            options.set_tag(&format!("meterbridge-{number}"));
            // Some browsers let only a service worker show notifications, which a page need not have.
            let _ = BrowserNotification::new_with_options(&title, &options);
        }
        if has_sound {
            AUDIO.with_borrow(|audio| audio.as_ref().map(play));
        }
    }
}

/// Plays two short tones. A browser that refuses to play is left silent.
fn play(context: &AudioContext) -> Option<()> {
    for (place, pitch) in TONES_HZ.into_iter().enumerate() {
        let (tone, volume) = (context.create_oscillator().ok()?, context.create_gain().ok()?);
        let begin = context.current_time() + place as f64 * TONE_SECS;
        let end = begin + TONE_SECS;
        tone.frequency().set_value(pitch);
        volume.gain().set_value_at_time(LOUDNESS, begin).ok()?;
        volume.gain().linear_ramp_to_value_at_time(0.0, end).ok()?;
        tone.connect_with_audio_node(&volume).ok()?;
        volume.connect_with_audio_node(&context.destination()).ok()?;
        tone.start_with_when(begin).ok()?;
        tone.stop_with_when(end).ok()?;
    }
    Some(())
}
