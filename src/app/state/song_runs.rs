//! The runs of a song, as a screen lists them.

use super::run_store::RunStore;
use crate::model::Run;

impl RunStore {
    /// Returns the runs of the song of `run`, oldest first: at most 200 before it, itself, and at most 200
    /// after it. Only `run` when its song is not known.
    pub fn song_runs<'a>(&'a self, run: &'a Run) -> Vec<&'a Run> {
        let mut runs: Vec<&Run> = self.songs.earlier(&self.model, run).collect();
        runs.reverse();
        runs.push(run);
        runs.extend(self.songs.later(&self.model, run));
        runs
    }

    /// Returns the runs of the song of `run` as [`RunStore::song_runs`] does, each with its number among all of them,
    /// from 1.
    pub fn numbered_song_runs<'a>(&'a self, run: &'a Run) -> Vec<(usize, &'a Run)> {
        let runs = self.song_runs(run);
        let own = runs.iter().position(|listed| listed.id() == run.id()).unwrap_or(0);
        let number = self.song_story(run).map_or(1, |story| story.attempt);
        let numbered = |(place, run): (usize, &'a Run)| ((number + place).saturating_sub(own), run);
        runs.into_iter().enumerate().map(numbered).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Retention;
    use crate::protocol::Batch;

    #[test]
    fn runs_of_a_song_are_listed_oldest_first() {
        let mut batch = Batch::new("2026-11-23T10:30:00Z".parse().unwrap(), false);
        for (run, song, second) in [("b", "s", 20), ("a", "s", 10), ("x", "t", 15), ("c", "s", 30)]
        {
            batch.push_text(&format!(
                r#"{{"ts":"2026-11-23T10:00:{second}Z","run_id":"{run}","phase":"start","data":{{"song_id":"{song}"}}}}"#
            ));
        }
        batch.push_text(r#"{"ts":"2026-11-23T10:00:00Z","run_id":"alone","phase":"start"}"#);
        let mut run_store = RunStore::new(Retention::default());
        run_store.receive(batch, |_, _| {});
        let listed = |id: &str| -> Vec<String> {
            let runs = run_store.song_runs(run_store.model.run(id).unwrap());
            runs.into_iter().map(|run| run.id().to_string()).collect()
        };
        assert_eq!(listed("b"), ["a", "b", "c"]);
        let numbers = run_store.numbered_song_runs(run_store.model.run("b").unwrap());
        let numbers: Vec<_> =
            numbers.into_iter().map(|(number, run)| (number, run.id().as_str())).collect();
        assert_eq!(numbers, [(1, "a"), (2, "b"), (3, "c")]);
        assert_eq!(listed("x"), ["x"]);
        assert_eq!(listed("alone"), ["alone"]);
    }
}
