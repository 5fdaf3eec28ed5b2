//! The schedule of the studio: a constant number of runs at a time, without end.
//!
//! Each slot works through *episodes*: a run, or a failed run and its retry. Episodes before studio
//! time zero are generated backwards from the opening, so that the opening is exactly as designed;
//! episodes after it are generated forwards.
//!
//! The opening tells a story to a display whose director shows one run at a time: a success at
//! [`SUCCESS_SECS`], a fix pass at [`FIX_SECS`], and a failure at [`FAILURE_SECS`] with its retry.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc, time::Duration};

use jiff::SignedDuration;

use super::{
    Node, PlannedRun, Run, Scenario, Song, What,
    script::{Pace, natural_secs, write_run},
    titles::{ShuffledTitles, TITLES},
};
use crate::bounded::bounded;

/// Maximum number of runs at a time.
pub const MAX_RUNS: usize = 1000;

/// Length of the studio's past.
const PAST: SignedDuration = SignedDuration::from_mins(50);

/// Maximum number of episodes in the past; a large studio has a shorter past.
const MAX_PAST_EPISODES: usize = 200;

/// Typical pause of a slot between two episodes, in seconds.
const PAUSE_SECS: f64 = 5.0;

/// Number of failed runs out of ten that are retried.
const RETRIED_OF_TEN: u32 = 6;

/// Studio time of the opening's success, in seconds. The director shows the wall for 20 s first, and
/// after it the success for 6 to 12 s and the wall for another 20 s.
const SUCCESS_SECS: f64 = 21.0;

/// Studio time at which the opening's fix pass starts, in seconds. It takes 11 s.
const FIX_SECS: f64 = 56.0;

/// Studio time of the opening's failure, in seconds.
const FAILURE_SECS: f64 = 77.0;

/// Studio time until which the story of the opening is told, in seconds: runs that start before are
/// plain ones, so that nothing else is worth showing.
const STORY_SECS: i64 = 95;

/// Time from the end of a failed run to the creation of its retry, in seconds, where both belong to a
/// story.
const TOLD_RETRY_SECS: f64 = 3.5;

/// Options of the studio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoScheduleOptions {
    /// Runs at a time, 1 to [`MAX_RUNS`]; other values are clamped.
    pub runs: usize,
}

impl Default for DemoScheduleOptions {
    fn default() -> Self {
        Self { runs: 6 }
    }
}

/// State of one slot at studio time zero: a run of `scenario` whose first event that satisfies `is`
/// happens at `at_secs`.
struct OpeningRun {
    scenario: Scenario,
    is: fn(&What) -> bool,
    at_secs: f64,
}

/// The opening, most important run first, because a studio may have only one slot.
const OPENING: [OpeningRun; 6] = [
    OpeningRun {
        scenario: Scenario::Plain,
        is: |what| matches!(what, What::RunEnd { .. }),
        at_secs: SUCCESS_SECS,
    },
    OpeningRun {
        scenario: Scenario::Fix(1),
        is: |what| matches!(what, What::NodeStart { node: Node::Fix, .. }),
        at_secs: FIX_SECS,
    },
    OpeningRun {
        scenario: Scenario::RenderQuota,
        is: |what| matches!(what, What::NodeFail { .. }),
        at_secs: FAILURE_SECS,
    },
    OpeningRun {
        scenario: Scenario::CancelledGoesOn,
        is: |what| matches!(what, What::NodeStart { node: Node::Lyrics, .. }),
        at_secs: -7.0,
    },
    OpeningRun {
        scenario: Scenario::Plain,
        is: |what| matches!(what, What::RunStart),
        at_secs: 2.5,
    },
    OpeningRun {
        scenario: Scenario::SlowNode,
        is: |what| matches!(what, What::NodeStart { node: Node::Lyrics, .. }),
        at_secs: -3.0,
    },
];

/// An endless, deterministic schedule of runs.
#[derive(Clone, Debug)]
pub struct DemoSchedule {
    rng: fastrand::Rng,
    titles: ShuffledTitles,
    /// The times at which slots are free for their next episodes.
    free: BinaryHeap<Reverse<(SignedDuration, usize)>>,
    /// Past runs, and runs in progress at zero; returned first.
    past: Vec<PlannedRun>,
    /// Studio time until which runs that start are plain.
    story_until: SignedDuration,
}

impl DemoSchedule {
    pub fn new(seed: u64, options: DemoScheduleOptions) -> Self {
        let runs = bounded(options.runs, 1, MAX_RUNS);
        let mut schedule = Self {
            rng: fastrand::Rng::with_seed(seed),
            titles: ShuffledTitles::new(runs * 2 > TITLES.len()),
            free: BinaryHeap::with_capacity(runs),
            past: Vec::new(),
            story_until: SignedDuration::ZERO,
        };
        // In a larger studio, other runs fail and finish meanwhile anyway.
        if runs <= OPENING.len() {
            schedule.story_until = SignedDuration::from_secs(STORY_SECS);
        }
        let opened = schedule.open(runs);
        schedule.remember(opened);
        schedule
    }

    /// Returns a time before which nothing more will be generated.
    pub fn written_until(&self) -> SignedDuration {
        if !self.past.is_empty() {
            return SignedDuration::MIN;
        }
        self.free.peek().map_or(SignedDuration::MAX, |Reverse((at, _))| *at)
    }

    /// Returns the runs of the next episode. The first call returns the whole past and the opening;
    /// later calls return one episode each, ordered by start.
    pub fn next_episode(&mut self) -> Vec<PlannedRun> {
        if !self.past.is_empty() {
            return std::mem::take(&mut self.past);
        }
        let Some(Reverse((at, slot))) = self.free.pop() else {
            // Unreachable: a studio has at least one slot, and each slot is put back below.
            return Vec::new();
        };
        let drawn = Scenario::draw(&mut self.rng);
        let scenario = if at < self.story_until { Scenario::Plain } else { drawn };
        let mut episode = self.write_episode(scenario, Pace::Natural);
        let over = shift(&mut episode, at);
        self.release(slot, over);
        episode
    }

    /// Returns a run of the next song, and its retry if it fails, created at `at` in addition to the
    /// runs of the slots.
    pub fn extra_episode(&mut self, scenario: Scenario, at: SignedDuration) -> Vec<PlannedRun> {
        let mut episode = self.write_episode(scenario, Pace::Brisk);
        shift(&mut episode, at);
        episode
    }

    /// Returns a plain run of `song`, created at `at` in addition to the runs of the slots.
    pub fn extra_run(
        &mut self,
        song: Song,
        seed: Option<i64>,
        retried: Option<&Run>,
        at: SignedDuration,
    ) -> PlannedRun {
        let mut planned = write_run(&mut self.rng, Scenario::Plain, Pace::Natural, song, retried);
        planned.created_at = whole_micros(at);
        if let Some(seed) = seed {
            planned.run = Arc::new(Run { seed, ..Run::clone(&planned.run) });
        }
        planned
    }

    /// Generates the runs in progress at zero; returns the start of each slot's run.
    fn open(&mut self, runs: usize) -> BinaryHeap<(SignedDuration, usize)> {
        let mut began = BinaryHeap::with_capacity(runs);
        for slot in 0..runs {
            let opening_run = OPENING.get(slot);
            let scenario = opening_run
                .map_or_else(|| Scenario::draw(&mut self.rng), |opening_run| opening_run.scenario);
            let pace = if opening_run.is_some() { Pace::Told } else { Pace::Natural };
            let mut episode = self.write_episode(scenario, pace);
            let first = &episode[0];
            let anchored = opening_run.and_then(|opening_run| {
                let offset = SignedDuration::try_from(first.offset_of(opening_run.is)?).ok()?;
                Some(SignedDuration::from_secs_f64(opening_run.at_secs) - offset)
            });
            let created_at = anchored.unwrap_or_else(|| {
                -SignedDuration::from_secs_f64(first.length().as_secs_f64() * self.rng.f64())
            });
            let over = shift(&mut episode, created_at);
            self.release(slot, over.max(SignedDuration::ZERO));
            // A run may be created after the opening; the past ends before it.
            began.push((created_at.min(SignedDuration::ZERO), slot));
            self.past.append(&mut episode);
        }
        began
    }

    /// Generates the past backwards, always for the slot whose past is shortest.
    fn remember(&mut self, mut began: BinaryHeap<(SignedDuration, usize)>) {
        for _ in 0..MAX_PAST_EPISODES {
            let Some((at, slot)) = began.pop().filter(|(at, _)| *at > -PAST) else {
                break;
            };
            let scenario = Scenario::draw(&mut self.rng);
            let mut episode = self.write_episode(scenario, Pace::Natural);
            let length = shift(&mut episode, SignedDuration::ZERO);
            let created_at = at - self.pause() - length;
            shift(&mut episode, created_at);
            began.push((created_at, slot));
            self.past.append(&mut episode);
        }
        self.past.sort_by_key(|planned| planned.created_at);
    }

    /// Generates a run that starts at zero and, if it fails, possibly its retry.
    fn write_episode(&mut self, scenario: Scenario, pace: Pace) -> Vec<PlannedRun> {
        let song = self.titles.deal(&mut self.rng, OPENING.len());
        let first = write_run(&mut self.rng, scenario, pace, song.clone(), None);
        let is_told = pace != Pace::Natural;
        let retried = scenario.ends_failed() && (is_told || self.rng.u32(..10) < RETRIED_OF_TEN);
        if !retried {
            return vec![first];
        }
        // A missing skill is still missing in the retry.
        let again = if scenario == Scenario::SkillMissing { scenario } else { Scenario::Plain };
        // The retry takes its natural time, but is not queued for long.
        let again_pace = if is_told { Pace::Told } else { Pace::Natural };
        let mut second = write_run(&mut self.rng, again, again_pace, song, Some(&first.run));
        let wait_secs = match again_pace {
            Pace::Natural => natural_secs(&mut self.rng, 9.0, 0.4),
            Pace::Told | Pace::Brisk => TOLD_RETRY_SECS,
        };
        let later = first.length().as_secs_f64() + wait_secs;
        second.created_at = SignedDuration::from_secs_f64(later);
        vec![first, second]
    }

    /// Frees a slot a little after its episode has ended.
    fn release(&mut self, slot: usize, over: SignedDuration) {
        let free_at = over + self.pause();
        self.free.push(Reverse((free_at, slot)));
    }

    fn pause(&mut self) -> SignedDuration {
        SignedDuration::from_secs_f64(natural_secs(&mut self.rng, PAUSE_SECS, 0.5))
    }
}

/// Moves an episode by `by`; returns the end of the episode.
fn shift(episode: &mut [PlannedRun], by: SignedDuration) -> SignedDuration {
    let mut over = SignedDuration::MIN;
    for planned in episode {
        planned.created_at = whole_micros(planned.created_at + by);
        over = over.max(planned.created_at + signed(planned.length()));
    }
    over
}

/// Converts a duration. Runs last minutes, so the conversion never saturates.
pub(super) fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// Truncates to microseconds, the resolution of the wire.
fn whole_micros(duration: SignedDuration) -> SignedDuration {
    SignedDuration::from_micros(i64::try_from(duration.as_micros()).unwrap_or_default())
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
