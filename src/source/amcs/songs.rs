//! Songs whose runs were seen lately: their lists of runs help where the list of all runs cannot be read.

use std::collections::VecDeque;

use smol_str::SmolStr;
use tokio::time::Instant;

/// Songs that are remembered.
const MOST_SONGS: usize = 6;

/// The songs of the last runs, the newest last.
#[derive(Debug, Default)]
pub(super) struct RecentSongs {
    songs: VecDeque<(SmolStr, Instant)>,
    wanted: Vec<SmolStr>,
    /// Songs that the application asked for.
    refetched: Vec<SmolStr>,
}

impl RecentSongs {
    /// A run of the song was seen.
    pub fn heard(&mut self, song: Option<&SmolStr>, now: Instant) {
        let Some(song) = song else { return };
        self.songs.retain(|(known, _)| known != song);
        self.songs.push_back((song.clone(), now));
        if self.songs.len() > MOST_SONGS {
            self.songs.pop_front();
        }
    }

    /// The runs of all of them are to be asked for once.
    pub fn want(&mut self) {
        let recent = self.songs.iter().map(|(song, _)| song);
        self.wanted = recent.chain(&self.refetched).cloned().collect();
        self.wanted.sort();
        self.wanted.dedup();
    }

    /// The application wants a song again.
    pub fn refetch(&mut self, song: &SmolStr) {
        for songs in [&mut self.wanted, &mut self.refetched] {
            if !songs.contains(song) {
                songs.push(song.clone());
            }
        }
    }

    /// True once for a song that the application wanted again.
    pub fn take_refetched(&mut self, song: &SmolStr) -> bool {
        let before = self.refetched.len();
        self.refetched.retain(|wanted| wanted != song);
        self.refetched.len() < before
    }

    /// Songs whose runs are to be asked for.
    pub fn wanted(&self) -> &[SmolStr] {
        &self.wanted
    }

    /// The runs of a song were asked for.
    pub fn answered(&mut self, song: &SmolStr) {
        self.wanted.retain(|wanted| wanted != song);
    }
}
