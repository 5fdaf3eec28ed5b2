//! Songs of the studio.

use uuid::Uuid;

/// The song of a run. The same title is the same song, whatever the seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Song {
    pub id: Uuid,
    pub title: &'static str,
    /// Suffix that distinguishes songs with the same title when there are more songs in progress
    /// than titles; usually empty.
    pub version: &'static str,
}

impl Song {
    /// Returns the title as shown.
    pub fn full_title(&self) -> String {
        format!("{}{}", self.title, self.version)
    }
}

/// Musical properties of a song, used consistently in all artifacts of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    pub genre: &'static str,
    pub mood: &'static str,
    pub key: &'static str,
    pub tempo_bpm: u32,
}
