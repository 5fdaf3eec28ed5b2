//! Saves texts as files: through the desktop's dialog, in a page as a download.

#[cfg(not(target_arch = "wasm32"))]
use std::{
    fs,
    path::{Path, PathBuf},
};

#[cfg(not(target_arch = "wasm32"))]
use bevy::platform::time::Instant;
use bevy::prelude::*;
#[cfg(not(target_arch = "wasm32"))]
use bevy::tasks::block_on;
#[cfg(not(target_arch = "wasm32"))]
use crossbeam_channel::{Receiver, Sender, unbounded};
use jiff::Timestamp;
#[cfg(not(target_arch = "wasm32"))]
use rfd::AsyncFileDialog;

#[cfg(not(target_arch = "wasm32"))]
use super::file_dialog::AT_ONCE;
#[cfg(target_arch = "wasm32")]
use super::page_recording::save;
use super::starter::Starter;
use crate::app::draw::DrawClock;
use crate::app::overlays::notices::{Notice, Notices};
use crate::app::state::actions::Action;

/// Number of names that are tried for a file whose name is taken.
#[cfg(not(target_arch = "wasm32"))]
const MOST_NAMES: usize = 99;

/// Outcome of saving a file: its path, `None` where the user closed the dialog, or the reason why it was not
/// written.
#[cfg(not(target_arch = "wasm32"))]
type Saved = Result<Option<PathBuf>, String>;

/// Outcomes of the dialogs that are open.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Resource)]
pub(super) struct Saving(Sender<Saved>, Receiver<Saved>);

#[cfg(not(target_arch = "wasm32"))]
impl Default for Saving {
    fn default() -> Self {
        let (sender, receiver) = unbounded();
        Self(sender, receiver)
    }
}

/// Asks where a file is to be saved, and saves it there; tells what became of it.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn save_files(
    mut actions: MessageReader<Action>,
    saving: Res<Saving>,
    mut notices: ResMut<Notices>,
    draw_clock: Res<DrawClock>,
    starter: Starter,
) {
    let mut tell = |saved: Saved| {
        let at = Timestamp::now();
        let notice = match saved {
            Ok(None) => return,
            Ok(Some(path)) => Notice::of_display("Saved", path.display().to_string(), false, at),
            Err(reason) => Notice::of_display("Not saved:", reason, true, at),
        };
        notices.tell(notice, draw_clock.secs);
    };
    for action in actions.read() {
        let Action::SaveFile { name, text } = action else { continue };
        // Some systems want the dialog to be made on the main thread; waiting for it is free.
        let dialog = AsyncFileDialog::new().set_title("Save").set_file_name(name).save_file();
        let (sender, waker) = (saving.0.clone(), starter.waker());
        let (name, text, began) = (name.clone(), text.clone(), Instant::now());
        let body = move || {
            let chosen = block_on(dialog).map(|file| file.path().to_owned());
            // Without a dialog the file goes to the folder in which meterbridge was started.
            let saved = match chosen {
                Some(path) => Some(write(&path, &text, false).map(|()| path)),
                None if began.elapsed() < AT_ONCE => Some(write_beside(&name, &text)),
                None => None,
            };
            let _ = sender.send(saved.transpose());
            waker();
        };
        let thread = std::thread::Builder::new().name("meterbridge-save".to_owned()).spawn(body);
        if let Err(error) = thread {
            tell(Err(format!("cannot start a thread: {error}")));
        }
    }
    for saved in saving.1.try_iter() {
        tell(saved);
    }
}

/// Writes a file; fails where it exists already and must be new.
#[cfg(not(target_arch = "wasm32"))]
fn write(path: &Path, text: &str, is_new: bool) -> Result<(), String> {
    use std::io::Write;

    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).create_new(is_new);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| format!("`{}`: {error}", path.display()))
}

/// Writes a file into the folder in which meterbridge was started, under a name that is free there:
/// "runs.csv", "runs 2.csv".
#[cfg(not(target_arch = "wasm32"))]
fn write_beside(name: &str, text: &str) -> Result<PathBuf, String> {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, "txt"));
    let names = (2..=MOST_NAMES).map(|number| format!("{stem} {number}.{ending}"));
    let free = std::iter::once(name.to_owned()).chain(names).map(PathBuf::from);
    let path = free.into_iter().find(|path| !path.exists());
    let path =
        path.ok_or_else(|| format!("`{name}` and {MOST_NAMES} names like it exist already"))?;
    write(&path, text, true)?;
    Ok(path.canonicalize().unwrap_or(path))
}

/// Has the browser save files; tells what became of them.
#[cfg(target_arch = "wasm32")]
pub(super) fn save_files(
    mut actions: MessageReader<Action>,
    mut notices: ResMut<Notices>,
    draw_clock: Res<DrawClock>,
    _starter: Starter,
) {
    for action in actions.read() {
        let Action::SaveFile { name, text } = action else { continue };
        let at = Timestamp::now();
        let notice = match save(name, text.as_bytes()) {
            Ok(()) => Notice::of_display("Saved", name.clone(), false, at),
            Err(_) => {
                let words = format!("{name}: the browser did not save it");
                Notice::of_display("Not saved:", words, true, at)
            }
        };
        notices.tell(notice, draw_clock.secs);
    }
}
