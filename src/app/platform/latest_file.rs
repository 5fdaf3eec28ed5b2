//! A file whose content changes faster than it is written: one writer at a time, and the last content wins.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::app::state::opening::in_background;
use crate::replace_file::replace;

/// A file that is written in the background.
#[derive(Clone)]
pub(super) struct LatestFile(Arc<Inner>);

struct Inner {
    path: PathBuf,
    /// Content that is not written yet.
    waiting: Mutex<Option<String>>,
    /// Held while the file is written.
    writing: Mutex<()>,
    /// Sentence about a write that failed; the error follows it.
    failed: &'static str,
}

impl LatestFile {
    /// Returns the file with this path. When it cannot be written, the log says `failed`, the path and why.
    pub(super) fn new(path: PathBuf, failed: &'static str) -> Self {
        let (waiting, writing) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { path, waiting, writing, failed }))
    }

    /// Writes this content in the background, unless a later one takes its place before.
    pub(super) fn write(&self, text: String) {
        // A content that nobody has taken yet has a thread on its way.
        if locked(&self.0.waiting).replace(text).is_none() {
            let file = self.clone();
            in_background(move || file.finish());
        }
    }

    /// Writes what waits, and returns when it is written.
    pub(super) fn finish(&self) {
        let Inner { path, waiting, writing, failed } = &*self.0;
        let _one = locked(writing);
        let text = locked(waiting).take();
        if let Some(text) = text
            && let Err(error) = replace(path, &text)
        {
            tracing::warn!("{failed} `{}`: {error}", path.display());
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_content_wins_however_fast_it_changes() {
        let folder =
            std::env::temp_dir().join(format!("meterbridge-latest-{}", std::process::id()));
        let path = folder.join("panel.json");
        let file = LatestFile::new(path.clone(), "not written to");
        for number in 0..300 {
            file.write(format!("{number}").repeat(1_000));
        }
        file.finish();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "299".repeat(1_000));
        let files = std::fs::read_dir(&folder).unwrap().count();
        assert_eq!(files, 1, "nothing is left half written");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn nothing_is_written_without_a_change() {
        let path = std::env::temp_dir().join(format!("meterbridge-same-{}", std::process::id()));
        LatestFile::new(path.clone(), "not written to").finish();
        assert!(!path.exists());
    }
}
