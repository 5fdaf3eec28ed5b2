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
pub(super) struct Delivery {
    /// True where the browser has notifications: Safari on iOS and the views of Android apps have none.
    has_notifications: bool,
    /// Random, so that another page does not replace the notifications of this one.
    start: String,
}

impl Delivery {
    /// Asks for permission at the next click, as browsers demand; a browser that was asked before is not asked
    /// again. That click also lets sounds play.
    pub fn begin(sound: bool) -> Self {
        let start = format!("{:x}", (js_sys::Math::random() * f64::from(u32::MAX)) as u32);
        let Some(window) = web_sys::window() else {
            return Self { has_notifications: false, start };
        };
        let has_notifications =
            js_sys::Reflect::has(&window, &"Notification".into()).unwrap_or(false);
        let listener = EventListener::once(&window, "click", move |_| {
            if has_notifications
                && BrowserNotification::permission() == NotificationPermission::Default
            {
                // The answer is read before each notification.
                let _ = BrowserNotification::request_permission();
            }
            if sound && let Ok(context) = AudioContext::new() {
                AUDIO.with_borrow_mut(|audio| *audio = Some(context));
            }
        });
        listener.forget();
        Self { has_notifications, start }
    }

    /// Shows a notification, if the browser has them and the user has allowed it, and plays its sound.
    pub fn show(&mut self, notification: Notification) {
        let Notification { number, title, body, has_sound, .. } = notification;
        if self.has_notifications
            && BrowserNotification::permission() == NotificationPermission::Granted
        {
            let options = NotificationOptions::new();
            options.set_body(&body);
            options.set_tag(&format!("meterbridge-{}-{number}", self.start));
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
