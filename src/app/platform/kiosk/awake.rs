//! Keeps the screen awake. Where the platform does not allow that, the panel and the log say why.

/// In a web page, scripts do this and report to the application (`web/boot/kiosk.js`).
#[cfg(not(target_arch = "wasm32"))]
pub(super) use native::build;

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::thread;
    use std::time::Duration;

    use bevy::prelude::*;
    use crossbeam_channel::{Receiver, Sender, bounded};
    use tracing::{info, warn};

    use crate::app::state::presence::ScreenSleepWarning;
    use crate::kiosk::awake::keep_awake;

    /// Retry interval: a desktop service that was missing may have started meanwhile.
    const ASK_AGAIN_AFTER: Duration = Duration::from_secs(60);

    #[derive(Resource, Debug)]
    struct SleepWarningReceiver(Receiver<ScreenSleepWarning>);

    pub(in crate::app::platform::kiosk) fn build(app: &mut App) {
        let (sender, receiver) = bounded(4);
        let keeping =
            thread::Builder::new().name("keep-awake".to_owned()).spawn(move || keep(&sender));
        if let Err(error) = keeping {
            warn!("the screen is not kept awake: {error}");
            return;
        }
        app.init_resource::<ScreenSleepWarning>()
            .insert_resource(SleepWarningReceiver(receiver))
            .add_systems(Update, receive_sleep_warning);
    }

    fn receive_sleep_warning(
        told: Res<SleepWarningReceiver>,
        mut sleep_warning: ResMut<ScreenSleepWarning>,
    ) {
        if let Some(last) = told.0.try_iter().last() {
            sleep_warning.set_if_neq(last);
        }
    }

    /// Keeps requesting an awake screen for the lifetime of the program, and reports changes.
    fn keep(told: &Sender<ScreenSleepWarning>) {
        let mut said = None;
        let mut say = |sleep_warning: Option<String>| {
            if said.as_ref() == Some(&sleep_warning) {
                return;
            }
            match &sleep_warning {
                None => info!("the screen is kept awake"),
                Some(words) => warn!("{words}"),
            }
            said = Some(sleep_warning.clone());
            // Sending fails only when the window is gone, and then nobody needs the report.
            let _ = told.send(ScreenSleepWarning(sleep_warning));
        };
        loop {
            let why = match keep_awake() {
                Ok(kept) => {
                    say(None);
                    kept.until_lost()
                }
                Err(why) => why,
            };
            say(Some(format!("The screen may go dark: {why}.")));
            thread::sleep(ASK_AGAIN_AFTER);
        }
    }
}
