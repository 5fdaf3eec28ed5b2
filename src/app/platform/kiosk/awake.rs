//! Whether the screen stays awake. Where the platform does not let us, people are told why, calmly:
//! the panel has it, and the log.

/// In a page its scripts keep the screen awake (`web/boot/kiosk.js`) and say so.
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

    /// A desktop that starts after this program may have what was lacking.
    const ASK_AGAIN_AFTER: Duration = Duration::from_secs(60);

    #[derive(Resource, Debug)]
    struct Told(Receiver<ScreenSleepWarning>);

    pub(in crate::app::platform::kiosk) fn build(app: &mut App) {
        let (sender, receiver) = bounded(4);
        let keeping =
            thread::Builder::new().name("keep-awake".to_owned()).spawn(move || keep(&sender));
        if let Err(error) = keeping {
            warn!("nothing keeps the screen awake: {error}");
            return;
        }
        app.init_resource::<ScreenSleepWarning>()
            .insert_resource(Told(receiver))
            .add_systems(Update, hear);
    }

    fn hear(told: Res<Told>, mut sleep_warning: ResMut<ScreenSleepWarning>) {
        if let Some(last) = told.0.try_iter().last() {
            sleep_warning.set_if_neq(last);
        }
    }

    /// Asks for as long as the program lives; says what is news.
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
            // Where the window is gone nobody has to know.
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
