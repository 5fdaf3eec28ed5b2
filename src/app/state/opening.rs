//! Sources that are being opened, that were opened lately, and files that hover over the window.

use std::collections::VecDeque;
use std::path::PathBuf;
#[cfg(not(target_arch = "wasm32"))]
use std::{fs, io};

use bevy::prelude::*;
#[cfg(not(target_arch = "wasm32"))]
use tracing::warn;

use super::actions::Action;
use crate::source::{Address, RecordingFiles, SourceSpec, check_address, redact};
use crate::text;

/// Number of sources without a name that are remembered.
pub const MOST_RECENT: usize = 8;
/// Number of sources with a name that are remembered.
pub const MOST_NAMED: usize = 24;

/// True while files hover over the window.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilesHover(pub bool);

/// Name of the recording that is being opened; `None` for none.
#[derive(Resource, Clone, Debug, Default, PartialEq, Eq)]
pub struct BeingOpened(pub Option<String>);

/// Most letters of a name of a source.
const LONGEST_NAME: usize = 40;

/// A source that was opened lately.
#[derive(Clone, Debug, PartialEq)]
pub struct RecentSource {
    /// The source: a recording, or an address without secrets.
    pub spec: SourceSpec,
    /// Name that the user gave it.
    pub name: Option<String>,
}

/// Test of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressTest {
    /// Address that was asked for.
    pub address: Address,
    /// HTTP status of the answer, or the reason why there was none; `None` while it is on its way.
    pub result: Option<Result<u16, String>>,
}

/// Sources that were opened lately, newest first: recordings and addresses. Those with a name stay longer.
#[derive(Resource, Clone, Debug, Default, PartialEq)]
pub struct RecentSources {
    sources: VecDeque<RecentSource>,
    /// The last test of an address.
    pub test: Option<AddressTest>,
    /// File in which they are remembered; `None` for none.
    #[cfg(not(target_arch = "wasm32"))]
    file: Option<PathBuf>,
}

impl RecentSources {
    /// Returns the sources, newest first.
    pub fn sources(&self) -> impl ExactSizeIterator<Item = &SourceSpec> {
        self.sources.iter().map(|source| &source.spec)
    }

    /// Returns the sources with their names, newest first.
    pub fn named(&self) -> impl ExactSizeIterator<Item = &RecentSource> {
        self.sources.iter()
    }

    /// Returns the name of a source.
    pub fn name_of(&self, spec: &SourceSpec) -> Option<&str> {
        let source = self.sources.iter().find(|source| source.spec == *spec)?;
        source.name.as_deref()
    }

    /// Adds a source as the newest; it keeps its name. Drops the oldest ones over the limits.
    pub fn add(&mut self, spec: SourceSpec) {
        let name = self.name_of(&spec).map(str::to_owned);
        self.sources.retain(|known| known.spec != spec);
        self.sources.push_front(RecentSource { spec, name });
        self.drop_oldest();
    }

    /// Adds a stream that was connected to as the newest; returns false where it is so already, or has secrets.
    pub(in crate::app) fn connected_to(&mut self, stream: SourceSpec) -> bool {
        if !can_be_remembered(&stream) || self.sources().next() == Some(&stream) {
            return false;
        }
        self.add(stream);
        true
    }

    /// Names a source, adding it if it is new; an empty name removes the name. Letters over the limit are
    /// cut off. A source with secrets cannot be remembered, and keeps no name.
    pub fn give_name(&mut self, spec: &SourceSpec, name: &str) {
        let name = text::excerpt(name.trim(), LONGEST_NAME);
        let name = Some(name).filter(|name| !name.is_empty());
        if !can_be_remembered(spec) {
            return;
        }
        match self.sources.iter_mut().find(|source| source.spec == *spec) {
            Some(source) => source.name = name,
            None => self.sources.push_front(RecentSource { spec: spec.clone(), name }),
        }
        self.drop_oldest();
    }

    /// Forgets a source.
    pub fn forget(&mut self, spec: &SourceSpec) {
        self.sources.retain(|known| known.spec != *spec);
    }

    /// Performs an action that concerns the list; returns false for all others.
    pub fn apply(&mut self, action: &Action) -> bool {
        match action {
            Action::NameSource(spec, name) => self.give_name(spec, name),
            Action::ForgetSource(spec) => self.forget(spec),
            _ => return false,
        }
        true
    }

    fn drop_oldest(&mut self) {
        let (mut named, mut others) = (0, 0);
        self.sources.retain(|source| {
            let (count, most) = match source.name {
                Some(_) => (&mut named, MOST_NAMED),
                None => (&mut others, MOST_RECENT),
            };
            *count += 1;
            *count <= most
        });
    }

    /// Reads sources that were remembered by [`to_text`](Self::to_text) or an earlier version. Entries that
    /// cannot be read are left out.
    ///
    /// # Errors
    ///
    /// Fails when the text is not a JSON list.
    pub fn restore(&mut self, text: &str) -> serde_json::Result<()> {
        let entries: Vec<serde_json::Value> = serde_json::from_str(text)?;
        self.sources = entries.iter().filter_map(remembered).collect();
        self.drop_oldest();
        Ok(())
    }

    /// Returns the sources as a text for [`restore`](Self::restore).
    pub fn to_text(&self) -> Option<String> {
        let entries: Vec<_> = self.sources.iter().filter_map(entry).collect();
        serde_json::to_string_pretty(&entries).ok()
    }
}

/// True when a source can be remembered: nothing of it is secret, and it is not the demo studio.
pub fn can_be_remembered(spec: &SourceSpec) -> bool {
    match spec {
        SourceSpec::Demo => false,
        SourceSpec::Recording(_) => true,
        SourceSpec::WebSocket(url) | SourceSpec::Api(url) => {
            redact(url.as_str()) == url.as_str() && check_address(url.as_str()).is_ok()
        }
    }
}

/// Returns the JSON of a source; `None` where it cannot be remembered.
fn entry(source: &RecentSource) -> Option<serde_json::Value> {
    let mut entry = serde_json::Map::new();
    if let Some(name) = &source.name {
        entry.insert("name".to_owned(), name.as_str().into());
    }
    match &source.spec {
        spec if !can_be_remembered(spec) => return None,
        SourceSpec::Recording(files) => {
            let paths: Option<Vec<&str>> = files.paths().iter().map(|path| path.to_str()).collect();
            entry.insert("files".to_owned(), paths?.into());
        }
        spec => {
            entry.insert("address".to_owned(), spec.address().into());
        }
    }
    Some(entry.into())
}

/// Reads the JSON of a source. Earlier versions wrote a list of files, or in a page an address.
fn remembered(entry: &serde_json::Value) -> Option<RecentSource> {
    let files = |files: &serde_json::Value| {
        let path = |path: &serde_json::Value| path.as_str().map(PathBuf::from);
        let paths: Option<Vec<_>> = files.as_array()?.iter().map(path).collect();
        RecordingFiles::of(paths?).map(SourceSpec::Recording)
    };
    let address = |address: &serde_json::Value| Some(SourceSpec::of_address(address.as_str()?));
    let spec = match entry {
        serde_json::Value::Object(fields) => {
            let of_files = fields.get("files").and_then(files);
            of_files.or_else(|| fields.get("address").and_then(address))
        }
        serde_json::Value::Array(_) => files(entry),
        other => address(other),
    };
    let name = entry.get("name").and_then(serde_json::Value::as_str);
    let name = name.map(|name| text::excerpt(name.trim(), LONGEST_NAME));
    let name = name.filter(|name| !name.is_empty());
    // A page cannot read a file by its path.
    let is_usable = |spec: &SourceSpec| !(cfg!(target_arch = "wasm32") && spec.is_recording());
    let spec = spec.filter(|spec| can_be_remembered(spec) && is_usable(spec))?;
    Some(RecentSource { spec, name })
}

#[cfg(not(target_arch = "wasm32"))]
impl RecentSources {
    /// Reads the sources that were remembered in a file. A file that cannot be read is ignored, and the log
    /// says so.
    pub fn read(file: PathBuf) -> Self {
        let mut recent = Self::default();
        match fs::read_to_string(&file) {
            Ok(text) => {
                if let Err(error) = recent.restore(&text) {
                    warn!(
                        "the list of recent sources `{}` is damaged ({error}), and starts empty",
                        file.display()
                    );
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                warn!("cannot read the recent sources `{}`: {error}", file.display());
            }
        }
        Self { file: Some(file), ..recent }
    }

    /// Returns the file, and what has to be written to it; `None` where nothing is remembered.
    pub(in crate::app) fn to_write(&self) -> Option<(PathBuf, String)> {
        Some((self.file.clone()?, self.to_text()?))
    }
}

/// Does what may take long without delaying a frame. Without a thread it is left to the drop of what `work`
/// has.
#[cfg(not(target_arch = "wasm32"))]
pub(in crate::app) fn in_background(work: impl FnOnce() + Send + 'static) {
    let _ = std::thread::Builder::new().name("meterbridge-background".to_owned()).spawn(work);
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::replace_file::replace;

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
    fn names_and_addresses_are_remembered() {
        let (stream, backend) = ("ws://studio/events", "http://studio:8000");
        let mut recent = RecentSources::default();
        recent.add(SourceSpec::of_address(stream));
        recent.add(recording("/tapes/monday.ndjson"));
        recent.give_name(&SourceSpec::of_address(stream), "  Studio A ");
        recent.give_name(&SourceSpec::of_address(backend), "Backend");
        let mut again = RecentSources::default();
        again.restore(&recent.to_text().unwrap()).unwrap();
        assert_eq!(again, recent);
        assert_eq!(again.name_of(&SourceSpec::of_address(stream)), Some("Studio A"));
        again.give_name(&SourceSpec::of_address(stream), "");
        assert_eq!(again.name_of(&SourceSpec::of_address(stream)), None);
        again.forget(&SourceSpec::of_address(backend));
        assert_eq!(again.sources().len(), 2);
    }

    #[test]
    fn named_source_outlasts_others_that_were_opened_later() {
        let mut recent = RecentSources::default();
        recent.give_name(&recording("/tapes/best.ndjson"), "The best");
        (0..20).for_each(|number| recent.add(recording(&format!("/tapes/{number}.ndjson"))));
        assert_eq!(recent.sources().len(), MOST_RECENT + 1);
        assert_eq!(recent.name_of(&recording("/tapes/best.ndjson")), Some("The best"));
        recent.add(recording("/tapes/best.ndjson"));
        assert_eq!(recent.named().next().unwrap().name.as_deref(), Some("The best"));
    }

    #[test]
    fn secrets_and_the_demo_studio_are_not_remembered() {
        let mut recent = RecentSources::default();
        for address in ["ws://ann:hunter2@studio/events", "ws://studio/events?token=sesame"] {
            recent.give_name(&SourceSpec::of_address(address), "Studio");
            recent.add(SourceSpec::of_address(address));
        }
        recent.add(SourceSpec::Demo);
        assert_eq!(recent.to_text().as_deref(), Some("[]"));
        assert!(recent.named().all(|source| source.name.is_none()));
    }

    #[test]
    fn lists_of_earlier_versions_and_damaged_entries_are_read() {
        let mut recent = RecentSources::default();
        let text = r#"[["/tapes/a.ndjson"], "ws://studio/events", 7, {"name": "x"}, ["/b", 1],
            {"address": "nonsense"}, {"address": "ws://hub/events", "name": "Hub"}]"#;
        recent.restore(text).unwrap();
        let sources: Vec<_> = recent.sources().cloned().collect();
        let hub = SourceSpec::of_address("ws://hub/events");
        let stream = SourceSpec::of_address("ws://studio/events");
        assert_eq!(sources, [recording("/tapes/a.ndjson"), stream, hub.clone()]);
        assert_eq!(recent.name_of(&hub), Some("Hub"));
        assert!(recent.restore("[[1, {").is_err());
    }

    #[test]
    fn nothing_is_written_where_no_file_was_named() {
        let mut recent = RecentSources::default();
        recent.add(recording("a.ndjson"));
        assert_eq!(recent.to_write(), None);
    }
}
