//! egui asks for another frame after whatever it hears. Where nothing of it is shown that would
//! keep a display from its rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bevy::winit::{EventLoopProxyWrapper, WinitUserEvent};
use bevy_egui::egui;

/// Passes egui's wishes on while something of it is shown.
#[derive(Default)]
pub(super) struct Wakes {
    shown: Arc<AtomicBool>,
    installed: bool,
}

impl Wakes {
    /// Takes the place of bevy_egui's own callback, which passes all of them on.
    pub(super) fn only_while(
        &mut self,
        shown: bool,
        ctx: &egui::Context,
        proxy: Option<&EventLoopProxyWrapper>,
    ) {
        self.shown.store(shown, Ordering::Relaxed);
        let Some(proxy) = proxy.filter(|_| !self.installed) else {
            return;
        };
        self.installed = true;
        let (shown, proxy) = (Arc::clone(&self.shown), (**proxy).clone());
        ctx.set_request_repaint_callback(move |request| {
            if request.delay.is_zero() && shown.load(Ordering::Relaxed) {
                // The loop is gone only when the window is.
                let _ = proxy.send_event(WinitUserEvent::WakeUp);
            }
        });
    }
}
