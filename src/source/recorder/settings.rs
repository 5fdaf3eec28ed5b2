//! Settings of a recorder.

use std::path::PathBuf;
use std::time::Duration;

/// Place and form of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecorderSettings {
    /// File to write. A name that ends in `.zst` or `.gz` compresses it.
    pub path: PathBuf,
    /// Begin another file before one gets larger than this many bytes.
    pub rotate_size: Option<u64>,
    /// Begin another file when one is older than this.
    pub rotate_after: Option<Duration>,
    /// Replace the file if it exists. Has no effect with rotation, which goes on with the next number.
    pub overwrite: bool,
}

impl RecorderSettings {
    /// True when the recording may take several files.
    pub fn rotates(&self) -> bool {
        self.rotate_size.is_some() || self.rotate_after.is_some()
    }
}
