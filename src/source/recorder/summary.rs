//! Result of a recording.

use std::path::PathBuf;

/// Result of a recording so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecorderSummary {
    /// Frames and REST answers recorded.
    pub frames: u64,
    /// Frames and REST answers that were not recorded, because there was no room for them.
    pub lost: u64,
    /// Bytes in all files.
    pub bytes: u64,
    /// Number of files.
    pub files: u32,
    /// Last file.
    pub path: PathBuf,
}
