//! A run among those of its song.

use super::run_store::RunStore;
use crate::model::Run;

impl RunStore {
    /// Number of `run` among those of its song, from 1 on; at most
    /// [`MOST_ATTEMPTS`](crate::model::MOST_ATTEMPTS).
    pub fn attempt(&self, run: &Run) -> usize {
        self.songs.attempt(run)
    }

    /// Returns `run` and then the song's runs that began before it, latest first.
    pub fn attempts_back<'a>(&'a self, run: &'a Run) -> impl Iterator<Item = &'a Run> {
        std::iter::once(run).chain(self.songs.earlier(&self.model, run))
    }
}
