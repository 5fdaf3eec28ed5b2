//! Songs of recently seen runs. Their lists of runs are read where the list of all runs is unreadable.

use std::collections::VecDeque;

use smol_str::SmolStr;
use tokio::time::Instant;

/// Number of songs kept.
const MOST_SONGS: usize = 6;

/// Songs of the most recent runs, newest last.
#[derive(Debug, Default)]
pub(super) struct RecentSongs {
    songs: VecDeque<(SmolStr, Instant)>,
    wanted: Vec<SmolStr>,
    /// Songs that the application requested.
    refetched: Vec<SmolStr>,
}

impl RecentSongs {
    /// Records that a run of the song was seen.
    pub fn heard(&mut self, song: Option<&SmolStr>, now: Instant) {
        let Some(song) = song else { return };
        self.songs.retain(|(known, _)| known != song);
        self.songs.push_back((song.clone(), now));
        if self.songs.len() > MOST_SONGS {
            self.songs.pop_front();
        }
    }

    /// Marks the run lists of all kept songs to be requested once.
    pub fn want(&mut self) {
        let recent = self.songs.iter().map(|(song, _)| song);
        self.wanted = recent.chain(&self.refetched).cloned().collect();
        self.wanted.sort();
        self.wanted.dedup();
    }

    /// Adds a song that the application wants to refetch.
    pub fn refetch(&mut self, song: &SmolStr) {
        for songs in [&mut self.wanted, &mut self.refetched] {
            if !songs.contains(song) {
                songs.push(song.clone());
            }
        }
    }

    /// Returns true once for each refetch of a song.
    pub fn take_refetched(&mut self, song: &SmolStr) -> bool {
        let before = self.refetched.len();
        self.refetched.retain(|wanted| wanted != song);
        self.refetched.len() < before
    }

    /// Songs whose run lists are to be requested.
    pub fn wanted(&self) -> &[SmolStr] {
        &self.wanted
    }

    /// Records that the run list of a song was requested.
    pub fn answered(&mut self, song: &SmolStr) {
        self.wanted.retain(|wanted| wanted != song);
    }
}
