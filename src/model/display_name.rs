//! Text that a run is named by.

use smol_str::SmolStr;

use super::Run;

/// Text that a run is named by, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisplayName<'a> {
    /// Title of the song.
    Title(&'a str),
    /// Id of the song, which has no title.
    SongId(&'a str),
    /// Id of the run, whose song is unknown.
    RunId(&'a str),
}

impl<'a> DisplayName<'a> {
    /// Returns the text.
    pub fn as_str(self) -> &'a str {
        match self {
            Self::Title(text) | Self::SongId(text) | Self::RunId(text) => text,
        }
    }
}

/// Returns the text that a run is named by: its song's title, else its song's id, else its own id.
pub fn display_name(run: &Run) -> DisplayName<'_> {
    fn told(text: &Option<SmolStr>) -> Option<&str> {
        text.as_deref().map(str::trim).filter(|text| !text.is_empty())
    }
    match (told(&run.song_title), told(&run.song_id)) {
        (Some(title), _) => DisplayName::Title(title),
        (None, Some(song_id)) => DisplayName::SongId(song_id),
        (None, None) => DisplayName::RunId(run.id()),
    }
}
