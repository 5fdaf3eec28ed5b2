//! The source that a text names: a URL, or a file.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

use super::{Address, ApiUrl, UrlError, check_address, redact};

/// Source of events, as named on the command line or in the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceSpec {
    /// Built-in demo studio, configured by [`demo`](crate::config::Settings::demo).
    Demo,
    /// A `ws://` or `wss://` URL with a host.
    WebSocket(Address),
    /// An `http://` or `https://` URL of a backend with a REST API and one socket per run.
    Api(Address),
    /// Recordings that existed when they were named.
    Recording(RecordingFiles),
}

/// One recording, or several that are played as one, in the order of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingFiles {
    paths: Vec<PathBuf>,
    /// Contents of the files. A page cannot read files by their paths.
    #[cfg(target_arch = "wasm32")]
    contents: Vec<Contents>,
}

/// Contents of a file that a page was given.
#[cfg(target_arch = "wasm32")]
#[derive(Clone)]
pub struct Contents(std::sync::Arc<[u8]>);

#[cfg(target_arch = "wasm32")]
impl AsRef<[u8]> for Contents {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(target_arch = "wasm32")]
impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contents({} bytes)", self.0.len())
    }
}

#[cfg(target_arch = "wasm32")]
impl PartialEq for Contents {
    fn eq(&self, other: &Self) -> bool {
        std::sync::Arc::ptr_eq(&self.0, &other.0)
    }
}

#[cfg(target_arch = "wasm32")]
impl Eq for Contents {}

impl RecordingFiles {
    /// Returns several files as one recording; `None` without any.
    pub fn of(paths: Vec<PathBuf>) -> Option<Self> {
        (!paths.is_empty()).then_some(Self {
            paths,
            #[cfg(target_arch = "wasm32")]
            contents: Vec::new(),
        })
    }

    /// Returns files that a page was given, with their contents; `None` without any.
    #[cfg(target_arch = "wasm32")]
    pub fn given(files: Vec<(String, Vec<u8>)>) -> Option<Self> {
        let (names, contents): (Vec<_>, Vec<_>) = files.into_iter().unzip();
        let mut given = Self::of(names.into_iter().map(PathBuf::from).collect())?;
        given.contents = contents.into_iter().map(|bytes| Contents(bytes.into())).collect();
        Some(given)
    }

    /// Returns the contents of files that a page was given, in the order of their paths.
    #[cfg(target_arch = "wasm32")]
    pub(super) fn contents(&self) -> &[Contents] {
        &self.contents
    }

    /// Returns the files, in the order in which they were named.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Returns the name of the first file, and how many more there are.
    pub fn name(&self) -> String {
        let Some((first, more)) = self.paths.split_first() else { return String::new() };
        let name = first.file_name().unwrap_or(first.as_os_str()).to_string_lossy();
        match more.len() {
            0 => name.into_owned(),
            more => format!("{name} and {more} more"),
        }
    }
}

impl fmt::Display for RecordingFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, path) in self.paths.iter().enumerate() {
            write!(f, "{}{}", if nth == 0 { "" } else { ", " }, path.display())?;
        }
        Ok(())
    }
}

impl<P: Into<PathBuf>> From<P> for RecordingFiles {
    fn from(path: P) -> Self {
        Self {
            paths: vec![path.into()],
            #[cfg(target_arch = "wasm32")]
            contents: Vec::new(),
        }
    }
}

/// Error for a text that names no existing source.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the message of each variant describes it")]
pub enum SourceError {
    #[error("there is no file and no command `{source_text}`; {advice}")]
    NoSource { source_text: String, advice: String },
    #[error("{reason}")]
    BadUrl { reason: UrlError },
    #[error("only recordings can be shown together: `{source_text}` is an address")]
    NotMerged { source_text: Address },
}

impl SourceError {
    /// Suggests the command that was probably meant where the text resembles one of `commands`.
    pub fn suggest(mut self, commands: &[&str]) -> Self {
        if let Self::NoSource { source_text, advice } = &mut self
            && let Some(command) =
                commands.iter().find(|it| crate::text::distance(source_text, it) <= 2)
        {
            *advice = format!("did you mean `meterbridge {command}`?");
        }
        self
    }
}

impl SourceSpec {
    /// Returns the stream or backend at an address.
    pub fn of_address(address: &str) -> Self {
        let url = Address::from(address);
        if ApiUrl::is_meant(address) { Self::Api(url) } else { Self::WebSocket(url) }
    }

    /// Returns the address of a stream or backend, with its secrets; empty for the rest.
    pub fn address(&self) -> &str {
        match self {
            Self::WebSocket(url) | Self::Api(url) => url.as_str(),
            Self::Demo | Self::Recording(_) => "",
        }
    }

    /// True for recordings.
    pub fn is_recording(&self) -> bool {
        matches!(self, Self::Recording(_))
    }

    /// Parses SOURCE of the command line; `None` is the demo studio.
    ///
    /// # Errors
    ///
    /// Fails when the text is neither a valid URL (`ws://`, `wss://`, `http://`, `https://`) nor an
    /// existing file.
    pub fn parse(source: Option<&str>) -> Result<Self, SourceError> {
        let Some(text) = source else {
            return Ok(Self::Demo);
        };
        if text.contains("://") {
            check_address(text).map_err(|reason| SourceError::BadUrl { reason })?;
            return Ok(Self::of_address(text));
        }
        let path = PathBuf::from(text);
        if !path.exists() {
            // A mistyped address may contain a password.
            let has_password = text.split(['/', '@']).next().is_some_and(|it| it.contains(':'));
            let is_address = is_bare_address(text);
            let source_text = match has_password && !is_address {
                true => redact(text),
                false => text.to_owned(),
            };
            return Err(SourceError::NoSource { source_text, advice: advice_on(text, is_address) });
        }
        Ok(Self::Recording(path.into()))
    }

    /// Parses the sources of a command line; none is the demo studio, and several are recordings.
    ///
    /// # Errors
    ///
    /// Fails like [`parse`](Self::parse), and when one of several sources is no recording.
    pub fn parse_all(sources: &[Address]) -> Result<Self, SourceError> {
        if let [] | [_] = sources {
            return Self::parse(sources.first().map(Address::as_str));
        }
        let mut files = Vec::new();
        for source in sources {
            match Self::parse(Some(source.as_str()))? {
                Self::Recording(named) => files.extend(named.paths),
                _ => return Err(SourceError::NotMerged { source_text: source.clone() }),
            }
        }
        Ok(RecordingFiles::of(files).map_or(Self::Demo, Self::Recording))
    }
}

/// True for an address without its protocol: `localhost:8000`, `10.0.0.7:8000/events`, `localhost`.
fn is_bare_address(text: &str) -> bool {
    let host = text.split('/').next().unwrap_or_default();
    let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
    let is_port = port.parse::<u16>().is_ok();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !name.is_empty() && name.chars().all(is_name) && (is_port || host == "localhost")
}

/// Says what was probably meant by a source that does not exist.
fn advice_on(text: &str, is_address: bool) -> String {
    if is_address {
        let host = text.split('/').next().unwrap_or_default();
        return format!(
            "a server is written as `http://{host}` (an AMCS backend) or `ws://{host}/events` (a stream \
             of events)"
        );
    }
    "try `meterbridge --help`".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistyped_source_says_what_was_meant() {
        let commands = ["inspect", "snapshot", "demo", "serve"];
        let said = |text| SourceSpec::parse(Some(text)).unwrap_err().suggest(&commands).to_string();
        for text in ["localhost:8000", "10.0.0.7:8000/events", "studio.local:80"] {
            let host = text.split('/').next().unwrap();
            assert_eq!(
                said(text),
                format!(
                    "there is no file and no command `{text}`; a server is written as `http://{host}` (an \
                     AMCS backend) or `ws://{host}/events` (a stream of events)"
                )
            );
        }
        assert!(said("localhost").contains("`http://localhost`"));
        for (text, command) in
            [("inspct", "inspect"), ("Serve", "serve"), ("snapshoot", "snapshot"), ("dmeo", "demo")]
        {
            assert!(
                said(text).ends_with(&format!("did you mean `meterbridge {command}`?")),
                "{text}"
            );
        }
        let of_a_small_build =
            SourceSpec::parse(Some("snapshoot")).unwrap_err().suggest(&["inspect"]);
        assert!(of_a_small_build.to_string().ends_with("try `meterbridge --help`"));
        for text in ["recording.ndjson", "a:b", "", "no/such/file"] {
            assert!(said(text).ends_with("try `meterbridge --help`"), "{text}: {}", said(text));
        }
        assert!(!said("me:hunter2@studio:8000").contains("hunter2"));
    }

    #[test]
    fn source_is_the_demo_a_url_or_an_existing_file() {
        assert_eq!(SourceSpec::parse(None), Ok(SourceSpec::Demo));
        for url in
            ["ws://localhost:8000/events", "wss://u:p@host/x?run_id=1", "ws://[::1]:8000", "ws://h"]
        {
            assert_eq!(SourceSpec::parse(Some(url)), Ok(SourceSpec::WebSocket(url.into())));
        }
        for url in ["http://h", "https://u:p@host/amcs/"] {
            assert_eq!(SourceSpec::parse(Some(url)), Ok(SourceSpec::Api(url.into())));
        }
        for wrong in
            ["http://", "https:///x", "ws://", "ws:///x", "ws://h:x", "ws://h:70000", "file:///x"]
        {
            let parsed = SourceSpec::parse(Some(wrong));
            assert!(matches!(parsed, Err(SourceError::BadUrl { .. })), "{wrong}: {parsed:?}");
        }
        let here = SourceSpec::parse(Some("Cargo.toml"));
        assert_eq!(here, Ok(SourceSpec::Recording("Cargo.toml".into())));
    }

    #[test]
    fn several_sources_are_recordings() {
        let parsed = |texts: &[&str]| {
            let sources: Vec<Address> = texts.iter().map(|text| Address::from(*text)).collect();
            SourceSpec::parse_all(&sources)
        };
        assert_eq!(parsed(&[]), Ok(SourceSpec::Demo));
        assert_eq!(parsed(&["ws://h"]), Ok(SourceSpec::WebSocket("ws://h".into())));
        let Ok(SourceSpec::Recording(files)) = parsed(&["Cargo.toml", "src/lib.rs"]) else {
            panic!("not recordings");
        };
        assert_eq!(files.name(), "Cargo.toml and 1 more");
        assert_eq!(files.to_string(), "Cargo.toml, src/lib.rs");
        let error = parsed(&["Cargo.toml", "ws://me:hunter2@h"]).unwrap_err().to_string();
        assert_eq!(error, "only recordings can be shown together: `ws://h` is an address");
        assert!(parsed(&["Cargo.toml", "missing"]).is_err());
    }
}
