//! Filter of egui's repaint requests. egui requests a frame after every input; while none of its
//! windows are shown, that would keep a display from resting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bevy::winit::{EventLoopProxyWrapper, WinitUserEvent};
use bevy_egui::egui;

/// Forwards egui's repaint requests while an egui window is shown.
#[derive(Default)]
pub(super) struct RepaintFilter {
    shown: Arc<AtomicBool>,
    installed: bool,
}

impl RepaintFilter {
    /// Sets whether requests are forwarded; installs, once, a callback in place of bevy_egui's, which
    /// forwards all of them.
    pub(super) fn forward_while(
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
                // Fails only after the event loop has ended.
                let _ = proxy.send_event(WinitUserEvent::WakeUp);
            }
        });
    }
}
