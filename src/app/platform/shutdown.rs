//! Ctrl-C and SIGTERM: the first closes the window, so that the program can end as it should while it
//! holds sockets of running runs; the second ends the program at once.

use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Builder;

use bevy::prelude::*;
use bevy::winit::{EventLoopProxyWrapper, WinitUserEvent};
use tracing::warn;

use crate::drain;
use crate::server::signals::Signals;

/// Exit code of a program that Ctrl-C ended, as shells have it.
const INTERRUPTED: i32 = 130;

/// Set when the program was asked to end.
#[derive(Resource, Clone, Default)]
struct AskedToEnd(Arc<AtomicBool>);

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<AskedToEnd>()
        .add_systems(Startup, listen)
        .add_systems(First, leave.run_if(|asked: Res<AskedToEnd>| asked.0.load(Ordering::Acquire)));
}

fn leave(mut exits: MessageWriter<AppExit>) {
    exits.write(AppExit::Success);
}

/// Listens for signals on a thread of its own, which ends with the program.
fn listen(asked: Res<AskedToEnd>, proxy: Option<Res<EventLoopProxyWrapper>>) {
    let asked = asked.0.clone();
    let proxy = proxy.map(|proxy| (**proxy).clone());
    let body = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            // Where signals cannot be listened for they end the program as they always do.
            let Ok(mut signals) = Signals::listen() else { return };
            signals.received().await;
            asked.store(true, Ordering::Release);
            if let Some(proxy) = &proxy {
                // The loop is gone only when the window is.
                let _ = proxy.send_event(WinitUserEvent::WakeUp);
            }
            // Once the window is closed, however that was, one signal more is enough.
            if !drain::is_ending() {
                signals.received().await;
            }
            drain::give_up().await;
            exit(INTERRUPTED);
        });
    };
    if let Err(error) = Builder::new().name("meterbridge-signals".to_owned()).spawn(body) {
        warn!("signals end the program at once: {error}");
    }
}
