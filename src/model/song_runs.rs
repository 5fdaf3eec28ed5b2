//! Fate of a failed song: the later runs of the same song.

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::FixedState;
use jiff::Timestamp;
use smol_str::SmolStr;

use super::{Model, Run, RunStatus};
use crate::protocol::RunId;

/// Maximum number of other runs of a song that are looked at before or after a run. A song that was run
/// more often still costs no more time.
const MOST_OTHERS: usize = 200;

/// Maximum number of a run among those of its song; a later one has the same.
pub const MOST_ATTEMPTS: usize = MOST_OTHERS + 1;

/// Maximum number of failures in a row that are counted.
pub const MOST_FAILURES: usize = 99;

/// Sequel of a failed run. A retry is a later run of the same song that began after the
/// failure; a cancelled one is no retry, because it has no outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FollowUp {
    /// No later run of the song is known.
    NotRetried,
    /// A retry waits for its start.
    RetryQueued(RunId),
    /// A retry is running.
    RetryRunning(RunId),
    /// A retry finished at this time of the server.
    Recovered(RunId, Timestamp),
    /// The last retry failed as well; it has a follow-up of its own.
    FailedAgain(RunId),
}

/// Part of a run in the story of its song, as far as earlier runs of the song are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SongStory {
    /// Number of the run among those of its song, from 1 on; at most [`MOST_ATTEMPTS`].
    pub attempt: usize,
    /// Number of earlier runs that failed.
    pub failed_before: usize,
}

/// Index of all runs by song. Each update costs as much as the runs that changed.
#[derive(Clone, Debug, Default)]
pub struct SongRuns {
    runs: HashMap<RunId, Option<(SmolStr, Timestamp)>, FixedState>,
    songs: HashMap<SmolStr, BTreeSet<(Timestamp, RunId)>, FixedState>,
}

impl SongRuns {
    /// Brings the index in step with the model. `touched` are the runs that changed or were evicted;
    /// an id may occur more than once. Indexes all runs anew if these do not account for all runs.
    pub fn update(&mut self, model: &Model, touched: &[RunId]) {
        for id in touched {
            self.update_run(model, id);
        }
        if self.runs.len() != model.len() {
            *self = Self::default();
            for run in model.runs() {
                self.update_run(model, run.id());
            }
        }
    }

    fn update_run(&mut self, model: &Model, id: &RunId) {
        let entry = model.run(id).map(|run| {
            let song = run.song_id.clone();
            song.map(|song| {
                (song, run.created_at.or(run.started_at).unwrap_or(run.first_event_at()))
            })
        });
        if self.runs.get(id) == entry.as_ref() {
            return;
        }
        if let Some(Some((song, begun))) = self.runs.remove(id)
            && let Some(runs) = self.songs.get_mut(&song)
        {
            runs.remove(&(begun, id.clone()));
            if runs.is_empty() {
                self.songs.remove(&song);
            }
        }
        if let Some(entry) = entry {
            if let Some((song, begun)) = &entry {
                self.songs.entry(song.clone()).or_default().insert((*begun, id.clone()));
            }
            self.runs.insert(id.clone(), entry);
        }
    }

    /// Returns the song's other runs that began before `run` did, latest first, at most 200.
    pub fn earlier<'a>(&'a self, model: &'a Model, run: &Run) -> impl Iterator<Item = &'a Run> {
        let key = self.key_of(run);
        let runs = key.and_then(|(song, key)| Some(self.songs.get(song)?.range(..key).rev()));
        runs.into_iter().flatten().take(MOST_OTHERS).filter_map(|(_, id)| model.run(id))
    }

    /// Number of `run` among those of its song, from 1 on; at most [`MOST_ATTEMPTS`].
    pub fn attempt(&self, run: &Run) -> usize {
        let runs =
            self.key_of(run).and_then(|(song, key)| Some(self.songs.get(song)?.range(..key)));
        1 + runs.into_iter().flatten().take(MOST_OTHERS).count()
    }

    /// Returns the song's other runs that began after `run` did, earliest first, at most 200.
    pub fn later<'a>(&'a self, model: &'a Model, run: &Run) -> impl Iterator<Item = &'a Run> {
        let key = self.key_of(run);
        let after = |(song, key)| {
            let range = (std::ops::Bound::Excluded(key), std::ops::Bound::Unbounded);
            Some(self.songs.get(song)?.range(range))
        };
        let runs = key.and_then(after).into_iter().flatten().take(MOST_OTHERS);
        runs.filter_map(|(_, id)| model.run(id))
    }

    fn key_of(&self, run: &Run) -> Option<(&SmolStr, (Timestamp, RunId))> {
        let (song, begun) = self.runs.get(run.id())?.as_ref()?;
        Some((song, (*begun, run.id().clone())))
    }

    /// Returns what followed the failure of `run` among the song's 200 next runs.
    pub fn follow_up(&self, model: &Model, run: &Run) -> FollowUp {
        let Some(failed_at) = run.counted_end() else {
            return FollowUp::NotRetried;
        };
        let mut follow_up = FollowUp::NotRetried;
        for retry in self.later(model, run) {
            let begun = beginning(retry);
            if begun < failed_at {
                continue;
            }
            let id = || retry.id().clone();
            follow_up = match retry.status {
                RunStatus::Completed => {
                    return FollowUp::Recovered(id(), retry.counted_end().unwrap_or(begun));
                }
                RunStatus::Running => FollowUp::RetryRunning(id()),
                RunStatus::Pending if !matches!(follow_up, FollowUp::RetryRunning(_)) => {
                    FollowUp::RetryQueued(id())
                }
                RunStatus::Failed
                    if matches!(follow_up, FollowUp::NotRetried | FollowUp::FailedAgain(_)) =>
                {
                    FollowUp::FailedAgain(id())
                }
                RunStatus::Pending | RunStatus::Failed | RunStatus::Cancelled => follow_up,
            };
        }
        follow_up
    }

    /// Returns the failed run that `run` retries: the song's latest earlier run that was not cancelled, if
    /// that failed before `run` began.
    pub fn retried_by<'a>(&'a self, model: &'a Model, run: &Run) -> Option<&'a Run> {
        let before = self.earlier(model, run).find(|run| run.status != RunStatus::Cancelled)?;
        let failed_at = before.counted_end().filter(|_| before.status == RunStatus::Failed)?;
        (beginning(run) >= failed_at).then_some(before)
    }

    /// Returns the part of `run` in the story of its song; `None` for the first run of a song.
    pub fn story(&self, model: &Model, run: &Run) -> Option<SongStory> {
        let (mut attempt, mut failed_before) = (1, 0);
        for before in self.earlier(model, run) {
            attempt += 1;
            failed_before += usize::from(before.status == RunStatus::Failed);
        }
        (attempt > 1).then_some(SongStory { attempt, failed_before })
    }

    /// Returns how often the song failed in a row up to `run`, which failed: 1 if its run before that
    /// was not a failure, and at most 99. Cancelled runs are passed over.
    pub fn failures_in_a_row(&self, model: &Model, run: &Run) -> usize {
        let before = self.earlier(model, run).filter(|run| run.status != RunStatus::Cancelled);
        let failed = before.take_while(|run| run.status == RunStatus::Failed);
        1 + failed.take(MOST_FAILURES - 1).count()
    }
}

/// Start of a run, or its creation while it is queued.
fn beginning(run: &Run) -> Timestamp {
    run.started_at.or(run.created_at).unwrap_or(run.first_event_at())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Retention;
    use crate::protocol::Batch;

    /// Run of a song: its id, its start and its end in seconds of a minute, and the phase of its end; no
    /// end while it runs.
    type Told<'a> = (&'a str, u32, Option<(u32, &'a str)>);

    fn runs_of(runs: &[Told]) -> (Model, SongRuns) {
        let mut batch = Batch::new("2026-11-23T10:30:00Z".parse().unwrap(), false);
        for (run, start, end) in runs {
            let data = r#"{"song_id":"s"}"#;
            batch.push_text(&format!(
                r#"{{"ts":"2026-11-23T10:00:{start:02}Z","run_id":"{run}","phase":"start","data":{data}}}"#
            ));
            if let Some((end, phase)) = end {
                batch.push_text(&format!(
                    r#"{{"ts":"2026-11-23T10:00:{end:02}Z","run_id":"{run}","phase":"{phase}"}}"#
                ));
            }
        }
        let mut model = Model::new(Retention::default());
        let mut songs = SongRuns::default();
        let mut touched = Vec::new();
        model.receive(batch, |_, change| touched.push(change.run_id));
        songs.update(&model, &touched);
        (model, songs)
    }

    fn follow_up(runs: &[Told]) -> FollowUp {
        let (model, songs) = runs_of(runs);
        songs.follow_up(&model, model.run("a").unwrap())
    }

    const FAILED: Told = ("a", 0, Some((10, "fail")));

    #[test]
    fn follow_up_of_a_failure_is_the_state_of_its_retry() {
        let b = || RunId::new("b");
        assert_eq!(follow_up(&[FAILED]), FollowUp::NotRetried);
        assert_eq!(follow_up(&[FAILED, ("b", 12, None)]), FollowUp::RetryRunning(b()));
        assert_eq!(follow_up(&[FAILED, ("b", 12, Some((20, "fail")))]), FollowUp::FailedAgain(b()));
        let at = "2026-11-23T10:00:20Z".parse().unwrap();
        let finished = ("b", 12, Some((20, "end")));
        assert_eq!(follow_up(&[FAILED, finished]), FollowUp::Recovered(b(), at));
        // A failure after the recovery is another story.
        let later = ("c", 30, Some((40, "fail")));
        assert_eq!(follow_up(&[FAILED, finished, later]), FollowUp::Recovered(b(), at));
        // The order of arrival does not matter.
        assert_eq!(follow_up(&[later, finished, FAILED]), FollowUp::Recovered(b(), at));
    }

    #[test]
    fn run_that_began_before_the_failure_is_no_retry() {
        assert_eq!(follow_up(&[FAILED, ("b", 5, None)]), FollowUp::NotRetried);
    }

    #[test]
    fn running_retry_after_failed_ones_is_the_follow_up() {
        let runs = [FAILED, ("b", 12, Some((20, "fail"))), ("c", 22, None)];
        assert_eq!(follow_up(&runs), FollowUp::RetryRunning(RunId::new("c")));
        let (model, songs) = runs_of(&runs);
        assert_eq!(songs.failures_in_a_row(&model, model.run("b").unwrap()), 2);
        let retried =
            |id| songs.retried_by(&model, model.run(id).unwrap()).map(|run| run.id().as_str());
        assert_eq!(["a", "b", "c"].map(retried), [None, Some("a"), Some("b")]);
    }

    #[test]
    fn story_of_a_song_counts_the_runs_before() {
        let runs = [FAILED, ("b", 12, Some((20, "fail"))), ("c", 22, None)];
        let (model, songs) = runs_of(&runs);
        let story = |id| songs.story(&model, model.run(id).unwrap());
        let story = ["a", "b", "c"].map(|id| story(id).map(|it| (it.attempt, it.failed_before)));
        assert_eq!(story, [None, Some((2, 1)), Some((3, 2))]);
        assert_eq!(["a", "b", "c"].map(|id| songs.attempt(model.run(id).unwrap())), [1, 2, 3]);
    }

    #[test]
    fn failures_in_a_row_end_at_a_success() {
        let runs = [FAILED, ("b", 12, Some((20, "end"))), ("c", 22, Some((30, "fail")))];
        let (model, songs) = runs_of(&runs);
        assert_eq!(songs.failures_in_a_row(&model, model.run("c").unwrap()), 1);
    }

    #[test]
    fn only_the_nearest_runs_of_a_song_that_failed_hundreds_of_times_are_looked_at() {
        let ids: Vec<String> = (0..300).map(|nth| format!("{nth:03}")).collect();
        let runs: Vec<Told> = ids.iter().map(|id| (id.as_str(), 10, Some((10, "fail")))).collect();
        let (model, songs) = runs_of(&runs);
        let failures = |id| songs.failures_in_a_row(&model, model.run(id).unwrap());
        assert_eq!(["097", "098", "099", "299"].map(failures), [98, 99, 99, 99]);
        let first = model.run("000").unwrap();
        assert_eq!(songs.follow_up(&model, first), FollowUp::FailedAgain(RunId::new("200")));
        assert_eq!(songs.earlier(&model, model.run("299").unwrap()).count(), 200);
        assert_eq!(songs.attempt(model.run("299").unwrap()), MOST_ATTEMPTS);
    }

    #[test]
    fn runs_of_other_songs_and_without_song_are_no_retries() {
        let (mut model, mut songs) = runs_of(&[FAILED]);
        let mut batch = Batch::new("2026-11-23T10:30:00Z".parse().unwrap(), false);
        batch.push_text(
            r#"{"ts":"2026-11-23T10:00:12Z","run_id":"b","phase":"start","data":{"song_id":"t"}}"#,
        );
        batch.push_text(r#"{"ts":"2026-11-23T10:00:12Z","run_id":"c","phase":"start"}"#);
        let mut touched = Vec::new();
        model.receive(batch, |_, change| touched.push(change.run_id));
        songs.update(&model, &touched);
        assert_eq!(songs.follow_up(&model, model.run("a").unwrap()), FollowUp::NotRetried);
        model.forget("a", "2026-11-23T10:30:00Z".parse().unwrap());
        songs.update(&model, &[RunId::new("a")]);
        assert_eq!(songs.songs.len(), 1, "a dropped run leaves nothing behind");
    }
}
