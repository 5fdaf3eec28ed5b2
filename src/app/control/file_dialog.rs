//! The desktop's own dialog for opening files. It runs on a thread; frames go on.

use std::path::PathBuf;
use std::time::Duration;

use bevy::platform::time::Instant;
use bevy::prelude::*;
use bevy::tasks::block_on;
use crossbeam_channel::{Receiver, TryRecvError, bounded};
use rfd::{AsyncFileDialog, FileHandle};

use super::opening::Openings;
use super::starter::Starter;
use crate::app::state::actions::Action;
use crate::app::state::link::Link;
use crate::source::{RecordingFiles, SourceSpec};

/// Endings of recordings. The content decides what a file is; these are offered first.
const ENDINGS: &[&str] = &["ndjson", "jsonl", "json", "log", "txt", "har", "gz", "zst"];
/// Nobody closes a dialog as fast as this: there was none.
pub(super) const AT_ONCE: Duration = Duration::from_millis(150);

/// The dialog, while it is open.
#[derive(Resource, Default)]
pub(super) struct OpenDialog(Option<Receiver<Closed>>);

/// Outcome of the dialog.
struct Closed {
    chosen: Option<Vec<PathBuf>>,
    after: Duration,
}

/// Opens the dialog, and what was chosen in it.
pub(super) fn choose(
    mut actions: MessageReader<Action>,
    mut dialog: ResMut<OpenDialog>,
    mut openings: ResMut<Openings>,
    link: Res<Link>,
    starter: Starter,
) {
    let asked = actions.read().filter(|action| matches!(action, Action::ChooseFiles)).count() > 0;
    if asked && dialog.0.is_none() {
        match open(starter.waker()) {
            Ok(closed) => dialog.0 = Some(closed),
            Err(reason) => openings.fail(reason, &starter.waker()),
        }
    }
    let Some(closed) = dialog.0.as_ref().map(Receiver::try_recv) else { return };
    let closed = match closed {
        Ok(closed) => closed,
        Err(TryRecvError::Empty) => return,
        Err(TryRecvError::Disconnected) => {
            dialog.0 = None;
            openings.fail("the file dialog has crashed".to_owned(), &starter.waker());
            return;
        }
    };
    dialog.0 = None;
    match closed.chosen.and_then(RecordingFiles::of) {
        Some(files) => openings.ask(SourceSpec::Recording(files), &link, starter.waker()),
        None if closed.after < AT_ONCE => {
            let reason = "this desktop has no file dialog: drop the file onto the window, or start \
                          meterbridge with its name";
            openings.fail(reason.to_owned(), &starter.waker());
        }
        None => {}
    }
}

fn open(waker: crate::source::Waker) -> Result<Receiver<Closed>, String> {
    // Some systems want the dialog to be made on the main thread; waiting for it is free.
    let dialog = AsyncFileDialog::new()
        .set_title("Open a recording")
        .add_filter("Recordings", ENDINGS)
        .add_filter("All files", &["*"])
        .pick_files();
    let (sender, closed) = bounded(1);
    let began = Instant::now();
    let body = move || {
        let chosen = block_on(dialog);
        let path = |file: FileHandle| file.path().to_owned();
        let chosen = chosen.map(|files| files.into_iter().map(path).collect());
        let _ = sender.send(Closed { chosen, after: began.elapsed() });
        waker();
    };
    let thread = std::thread::Builder::new().name("meterbridge-dialog".to_owned()).spawn(body);
    thread.map(|_| closed).map_err(|error| format!("cannot start a thread: {error}"))
}
