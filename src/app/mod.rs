//! stub

use crate::cli::{SnapshotRequest, WindowRequest};

/// Opens the window and returns when it is closed.
pub fn run(_request: WindowRequest) -> std::io::Result<()> {
    Ok(())
}

/// Takes one picture.
pub fn snapshot(_request: SnapshotRequest) -> std::io::Result<()> {
    Ok(())
}
