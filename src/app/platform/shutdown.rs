//! Handling of Ctrl-C and SIGTERM. The first signal closes the window, after which the program
//! waits while it holds sockets of running runs; the second ends the program at once.

use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Builder;

use bevy::prelude::*;
use bevy::winit::{EventLoopProxyWrapper, WinitUserEvent};
use tracing::warn;

use crate::drain;
use crate::server::signals::Signals;

/// Exit code after Ctrl-C, as in shells.
const INTERRUPTED: i32 = 130;

/// Set when a signal asked the program to end.
#[derive(Resource, Clone, Default)]
struct AskedToEnd(Arc<AtomicBool>);

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<AskedToEnd>().add_systems(Startup, listen).add_systems(
        First,
        exit_app.run_if(|asked: Res<AskedToEnd>| asked.0.load(Ordering::Acquire)),
    );
}

fn exit_app(mut exits: MessageWriter<AppExit>) {
    exits.write(AppExit::Success);
}

/// Listens for signals on a thread that runs until the program ends.
fn listen(asked: Res<AskedToEnd>, proxy: Option<Res<EventLoopProxyWrapper>>) {
    let asked = asked.0.clone();
    let proxy = proxy.map(|proxy| (**proxy).clone());
    let body = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            // If signals cannot be received, they end the program by default.
            let Ok(mut signals) = Signals::listen() else { return };
            signals.received().await;
            asked.store(true, Ordering::Release);
            if let Some(proxy) = &proxy {
                // Sending fails only when the window, and with it the event loop, is gone.
                let _ = proxy.send_event(WinitUserEvent::WakeUp);
            }
            // After the window was closed for another reason, a single signal ends the program.
            if !drain::is_ending() {
                signals.received().await;
            }
            drain::close_held_sockets().await;
            exit(INTERRUPTED);
        });
    };
    if let Err(error) = Builder::new().name("meterbridge-signals".to_owned()).spawn(body) {
        warn!("signals cannot be handled, and will end the program at once: {error}");
    }
}
