//! The source that a text names: a URL, or a file.

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
    /// A recording file that existed when it was named.
    Recording(PathBuf),
}

/// Error for a text that names no existing source.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the message of each variant describes it")]
pub enum SourceError {
    #[error("there is no file and no command `{source_text}`; try `meterbridge --help`")]
    NoSource { source_text: String },
    #[error("{reason}")]
    BadUrl { reason: UrlError },
}

impl SourceSpec {
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
            let url = Address::from(text);
            return Ok(if ApiUrl::is_meant(text) { Self::Api(url) } else { Self::WebSocket(url) });
        }
        let path = PathBuf::from(text);
        if !path.exists() {
            // A mistyped address may contain a password.
            let has_password = text.split(['/', '@']).next().is_some_and(|it| it.contains(':'));
            let source_text = if has_password { redact(text) } else { text.to_owned() };
            return Err(SourceError::NoSource { source_text });
        }
        Ok(Self::Recording(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
