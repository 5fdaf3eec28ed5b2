//! Recordings that are being opened, that were opened lately, and those that hover over the window.

use std::collections::VecDeque;
#[cfg(not(target_arch = "wasm32"))]
use std::{
    fs, io,
    path::{Path, PathBuf},
};

use bevy::prelude::*;
#[cfg(not(target_arch = "wasm32"))]
use tracing::warn;

#[cfg(not(target_arch = "wasm32"))]
use crate::source::RecordingFiles;
use crate::source::SourceSpec;

/// Number of sources that are remembered.
pub const MOST_RECENT: usize = 8;

/// True while files hover over the window.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilesHover(pub bool);

/// Name of the recording that is being opened; `None` for none.
#[derive(Resource, Clone, Debug, Default, PartialEq, Eq)]
pub struct BeingOpened(pub Option<String>);

/// Sources that were opened lately, newest first: recordings, or in a page addresses.
#[derive(Resource, Clone, Debug, Default, PartialEq)]
pub struct RecentSources {
    sources: VecDeque<SourceSpec>,
    /// File in which recordings are remembered; `None` for none.
    #[cfg(not(target_arch = "wasm32"))]
    file: Option<PathBuf>,
}

impl RecentSources {
    /// Returns the sources, newest first.
    pub fn sources(&self) -> impl ExactSizeIterator<Item = &SourceSpec> {
        self.sources.iter()
    }

    /// Adds a source as the newest.
    pub fn add(&mut self, source: SourceSpec) {
        self.sources.retain(|known| *known != source);
        self.sources.push_front(source);
        self.sources.truncate(MOST_RECENT);
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl RecentSources {
    /// Reads the recordings that were remembered in a file. A file that cannot be read is ignored, and the log
    /// says so.
    pub fn read(file: PathBuf) -> Self {
        let remembered = match fs::read(&file) {
            Ok(text) => parse(&text).unwrap_or_else(|error| {
                warn!(
                    "the list of recent recordings `{}` is damaged ({error}); it begins anew",
                    file.display()
                );
                Vec::new()
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                warn!("cannot read the recent recordings `{}`: {error}", file.display());
                Vec::new()
            }
        };
        let files = remembered.into_iter().filter_map(RecordingFiles::of);
        let sources = files.map(SourceSpec::Recording).take(MOST_RECENT).collect();
        Self { sources, file: Some(file) }
    }

    /// Returns the file, and what has to be written to it; `None` where nothing is remembered.
    pub(in crate::app) fn to_write(&self) -> Option<(PathBuf, String)> {
        let text = |path: &PathBuf| path.to_str().map(str::to_owned);
        let files = self.sources.iter().filter_map(|source| match source {
            SourceSpec::Recording(files) => files.paths().iter().map(text).collect(),
            _ => None,
        });
        let files: Vec<Vec<String>> = files.collect();
        Some((self.file.clone()?, serde_json::to_string_pretty(&files).ok()?))
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn parse(text: &[u8]) -> serde_json::Result<Vec<Vec<PathBuf>>> {
    serde_json::from_slice(text)
}

/// Does what may take long without delaying a frame. Without a thread it is left to the drop of what `work`
/// has.
#[cfg(not(target_arch = "wasm32"))]
pub(in crate::app) fn in_background(work: impl FnOnce() + Send + 'static) {
    let _ = std::thread::Builder::new().name("meterbridge-disk".to_owned()).spawn(work);
}

/// Replaces a file as a whole, so that a kill leaves the old one or the new one. Creates its folder.
///
/// # Errors
///
/// Fails when the folder or the file cannot be written.
#[cfg(not(target_arch = "wasm32"))]
pub(in crate::app) fn replace(file: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = file.with_extension("new");
    fs::write(&new, text)?;
    fs::rename(new, file)
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;

    fn recording(name: &str) -> SourceSpec {
        SourceSpec::Recording(Path::new(name).into())
    }

    #[test]
    fn last_eight_recordings_are_remembered_newest_first() {
        let folder =
            std::env::temp_dir().join(format!("meterbridge-recent-{}", std::process::id()));
        let file = folder.join("state/recent.json");
        let mut recent = RecentSources::read(file.clone());
        assert_eq!(recent.sources().len(), 0);
        for number in 0..10 {
            recent.add(recording(&format!("/tapes/{number}.ndjson")));
        }
        recent.add(recording("/tapes/5.ndjson"));
        let (path, text) = recent.to_write().unwrap();
        replace(&path, &text).unwrap();
        let again = RecentSources::read(file.clone());
        assert_eq!(again, recent);
        let names: Vec<_> = again.sources().cloned().collect();
        let expected = [5, 9, 8, 7, 6, 4, 3, 2].map(|it| recording(&format!("/tapes/{it}.ndjson")));
        assert_eq!(names, expected);
        fs::write(&file, "[[1, {").unwrap();
        assert_eq!(RecentSources::read(file).sources().len(), 0, "a damaged file is ignored");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn nothing_is_written_where_no_file_was_named() {
        let mut recent = RecentSources::default();
        recent.add(recording("a.ndjson"));
        assert_eq!(recent.to_write(), None);
    }
}
