//! What the studio works on.

use uuid::Uuid;

/// What a run works on. The same title is the same song, whatever the seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Song {
    pub id: Uuid,
    pub title: &'static str,
    /// Told apart from earlier songs of this title when more songs are in work than there are
    /// titles; empty as a rule.
    pub version: &'static str,
}

impl Song {
    /// The title as shown.
    pub fn full_title(&self) -> String {
        format!("{}{}", self.title, self.version)
    }
}

/// How the song is to sound: what the artifacts of a run agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    pub genre: &'static str,
    pub mood: &'static str,
    pub key: &'static str,
    pub tempo_bpm: u32,
}
