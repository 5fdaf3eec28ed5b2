//! Errors while a clip is drawn.

use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use thiserror::Error;

use crate::app::draw::{NoAdapter, OffscreenError};
use crate::source::recording::RecordingError;

/// Error while drawing a clip.
#[derive(Debug, Error)]
pub enum ClipError {
    #[error(transparent)]
    Recording(#[from] RecordingError),
    #[error("the recording has no times, so no part of it can be drawn as a film")]
    NoTimes,
    #[error("the recording is empty")]
    Empty,
    #[error(
        "nothing lies between --from {from} and --to {to}: the recording lasts from {began_at} to {ended_at}"
    )]
    NothingBetween { from: Timestamp, to: Timestamp, began_at: Timestamp, ended_at: Timestamp },
    #[error(transparent)]
    NoAdapter(#[from] NoAdapter),
    #[error(transparent)]
    Offscreen(#[from] OffscreenError),
    #[error("cannot write {}: {error}", path.display())]
    Write { path: PathBuf, error: io::Error },
    #[error(
        "ffmpeg could not be started ({error}): install it, or write to a folder, to a .png file, or to \
         `-` for another program"
    )]
    NoFfmpeg { error: io::Error },
    #[error("ffmpeg failed: see its messages above")]
    Ffmpeg,
}
