//! One round: runs start in waves, viewers start and end, and finally each run as shown is compared
//! with its true state.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use crate::Options;
use crate::backend::{Backend, Phase, Truth};
use crate::plan::{Plan, Step};
use crate::screen::ScreenClient;
use crate::tally::Tally;
use crate::viewer::{Ended, Viewer};

/// Time after its end within which a run must be shown right.
const SOON: Duration = Duration::from_secs(15);
/// Time from which a single round tells that a run was shown right.
const SLOW: Duration = Duration::from_secs(4);
const TICK: Duration = Duration::from_millis(200);
/// Time between two checks of the hub's health, once it is up.
const HEALTH_INTERVAL: Duration = Duration::from_secs(2);
/// Time, beyond the length of the longest run, within which a viewer must end after SIGTERM.
const STOP_PATIENCE: Duration = Duration::from_secs(30);
/// Time, beyond three times the length of the longest run, after which a round is given up.
const ROUND_PATIENCE: Duration = Duration::from_secs(180);

/// Prefix of the difference that is ignored where [`Round::forgot_cancel`].
const UNSEEN_CANCEL: &str = "cancel requested: shown false";

/// Largest number of differences reported for a run.
const MOST_WRONG: usize = 3;

/// A run of the round, with the times at which it ended and was shown right.
struct Watched {
    id: Uuid,
    ended_at: Option<Instant>,
    shown_after: Option<Duration>,
}

struct Round<'a> {
    options: &'a Options,
    number: u64,
    backend: Backend,
    phase: Phase,
    viewers: Vec<Viewer>,
    screen: ScreenClient,
    runs: Vec<Option<Watched>>,
    plan: Plan,
    began: Instant,
    /// The time since when the hub has been up; `backend_since` is the same for the backend.
    hub_since: Option<Instant>,
    backend_since: Instant,
    health_at: Instant,
    tally: Tally,
    /// True for each viewer that should be running.
    wanted: Vec<bool>,
}

/// Plays round `number` and returns its counts.
pub async fn play(options: &Options, number: u64) -> Tally {
    let folder = Folder::new(number);
    let backend = Backend::begun_at(Timestamp::now());
    backend.expect_harm();
    backend.seed(number);
    backend.answer_within(options.answer_times());
    let upstream = backend.listen().await;
    let hub = Viewer::hub(options, "hub", upstream, &folder.0, true);
    let second = match options.has_window() {
        true => Viewer::window(options, "window", upstream, &folder.0),
        false => Viewer::hub(options, "second", upstream, &folder.0, false),
    };
    let screen = ScreenClient::open(hub.events_url());
    let plan = Plan::draw(number, options.longest, 2, options.backend_falls);
    backend.add_pending(plan.pending);
    let now = Instant::now();
    let round = Round {
        options,
        number,
        backend,
        phase: Phase::Up,
        viewers: vec![hub, second],
        screen,
        runs: plan.runs.iter().map(|_| None).collect(),
        plan,
        began: now,
        hub_since: None,
        backend_since: now,
        health_at: now,
        tally: Tally { rounds: 1, ..Tally::default() },
        wanted: vec![false; 2],
    };
    round.play().await
}

impl Round<'_> {
    async fn play(mut self) -> Tally {
        let began = self.began;
        let mut operations: VecDeque<(Instant, Step)> =
            self.plan.operations.iter().map(|(at, operation)| (began + *at, *operation)).collect();
        let mut tick = began;
        loop {
            let now = Instant::now();
            while operations.front().is_some_and(|(at, _)| *at <= now) {
                let Some((_, operation)) = operations.pop_front() else { break };
                if self.options.rounds == 1 && operation.is_rare() {
                    println!("{:.1} s: {operation:?}", began.elapsed().as_secs_f64());
                }
                if !self.operate(operation) {
                    // Try again at the next tick, behind what may have to happen before, such as a start
                    // of the backend.
                    let later = now + TICK;
                    let place = operations.partition_point(|(at, _)| *at <= later);
                    operations.insert(place, (later, operation));
                }
            }
            if now >= tick {
                tick = now + TICK;
                self.look().await;
            }
            if operations.is_empty() && self.is_settled() {
                break;
            }
            let patience = ROUND_PATIENCE + Duration::from_secs_f64(3.0 * self.options.longest);
            if began.elapsed() > patience {
                self.give_up(operations.len());
                break;
            }
            sleep_until(operations.front().map_or(tick, |(at, _)| tick.min(*at))).await;
        }
        self.finish()
    }

    /// Carries out a step. Returns false where it is not possible yet.
    fn operate(&mut self, operation: Step) -> bool {
        match operation {
            // A server that is down starts no run.
            Step::StartRun(_) if self.phase != Phase::Up => return false,
            Step::StartRun(nth) => self.start_run(nth),
            Step::CancelRun(nth) => {
                if let Some(run) = &self.runs[nth] {
                    let now = self.backend.now();
                    let mut studio = self.backend.lock();
                    if self.phase == Phase::Up && studio.run(run.id).executing {
                        studio.cancel(run.id, now);
                    }
                }
            }
            Step::StartViewer(which) => self.wanted[which] = true,
            Step::KillViewer(which) => {
                self.tally.viewers_killed += usize::from(self.viewers[which].is_there());
                self.viewers[which].kill();
                self.gone(which);
            }
            Step::StopViewer(which) => {
                self.tally.viewers_stopped += usize::from(self.viewers[which].is_there());
                self.viewers[which].stop();
                self.gone(which);
            }
            Step::StopBackend => self.turn(Phase::Restarting),
            Step::KillBackend => self.turn(Phase::Killed),
            Step::StartBackend => self.turn(Phase::Up),
        }
        true
    }

    fn gone(&mut self, which: usize) {
        self.wanted[which] = false;
        if which == 0 {
            self.hub_since = None;
        }
    }

    fn turn(&mut self, phase: Phase) {
        self.phase = phase;
        self.backend.turn(phase);
        self.backend_since = Instant::now();
    }

    fn start_run(&mut self, nth: usize) {
        let planned = &self.plan.runs[nth];
        let before = nth.checked_sub(1).and_then(|before| self.runs[before].as_ref());
        let id = match before.filter(|_| planned.shares_song) {
            None => self.backend.add_run([planned.script.clone()]),
            Some(before) => {
                let now = self.backend.now();
                let mut studio = self.backend.lock();
                let song = studio.run(before.id).song_id;
                studio.add_run(song, vec![planned.script.clone()], now)
            }
        };
        self.backend.start(id);
        self.runs[nth] = Some(Watched { id, ended_at: None, shown_after: None });
    }

    /// Checks the viewers, and the runs that they show.
    async fn look(&mut self) {
        for which in 0..self.viewers.len() {
            self.look_after(which);
        }
        let now = Instant::now();
        if self.viewers[0].is_there() && self.wanted[0] && now >= self.health_at {
            let is_up = self.viewers[0].is_healthy().await;
            match (is_up, self.hub_since) {
                (true, None) => self.hub_since = Some(now),
                (false, Some(_)) => {
                    self.trouble("the hub does not say that it is well".to_owned());
                    self.hub_since = None;
                }
                _ => {}
            }
            self.health_at = now + if is_up { HEALTH_INTERVAL } else { TICK };
        }
        if self.phase != Phase::Up || self.backend.is_frozen() {
            self.backend_since = now;
        }
        self.compare(now);
    }

    fn look_after(&mut self, which: usize) {
        let viewer = &mut self.viewers[which];
        match viewer.ended() {
            Some(Ended::Stopped(after)) => {
                self.tally.longest_stop = self.tally.longest_stop.max(after);
            }
            Some(Ended::ByItself) => {
                let words = format!("{} ended by itself: {}", viewer.name, viewer.last_words());
                self.trouble(words);
            }
            None => {}
        }
        let viewer = &mut self.viewers[which];
        let patience = STOP_PATIENCE + Duration::from_secs_f64(self.options.longest);
        if viewer.is_stopping() && viewer.stopping_for() > patience {
            self.tally.viewers_stuck += 1;
            viewer.kill();
        }
        if self.wanted[which] && !viewer.is_there() {
            viewer.start();
            if which == 0 {
                self.hub_since = None;
                self.health_at = Instant::now();
            }
        }
    }

    /// Reports a round that does not settle, with what it waits for.
    fn give_up(&mut self, operations: usize) {
        let unfinished = self.runs.iter().flatten().filter(|run| run.ended_at.is_none()).count();
        let (phase, hub, frozen) = (self.phase, self.hub_since.is_some(), self.backend.is_frozen());
        let pool = self.backend.pool();
        self.trouble(format!(
            "given up with {operations} operations left and {unfinished} runs not over; backend \
             {phase:?}, frozen {frozen}; hub is up {hub}; {pool:?}"
        ));
    }

    fn trouble(&mut self, words: String) {
        self.tally.troubles.push(format!("round {}: {words}", self.number));
    }

    /// Records which runs are over, and which of those are shown right by now.
    fn compare(&mut self, now: Instant) {
        let since = self.hub_since.map(|hub| hub.max(self.backend_since));
        let mut runs = std::mem::take(&mut self.runs);
        for run in runs.iter_mut().flatten() {
            if run.ended_at.is_none() && self.is_over(run.id) {
                run.ended_at = Some(now);
            }
            if let (Some(ended), None, Some(since)) = (run.ended_at, run.shown_after, since)
                && self.differences(run.id).is_empty()
            {
                let after = now - ended.max(since).min(now);
                run.shown_after = Some(after);
                if self.options.rounds == 1 && after > SLOW {
                    let status = self.backend.lock().run(run.id).status;
                    println!("{:.1} s after: {}", after.as_secs_f64(), self.described(run, status));
                }
            }
        }
        self.runs = runs;
    }

    /// True when the run has been executed and is no longer executing.
    fn is_over(&self, id: Uuid) -> bool {
        let mut studio = self.backend.lock();
        let run = studio.run(id);
        run.number > 0 && !run.executing
    }

    /// True for a run that a killed server left in the middle of a node.
    fn was_left(&self, id: Uuid) -> bool {
        let mut studio = self.backend.lock();
        let run = studio.run(id);
        let is_unfinished = run.executions.last().is_some_and(|row| row.status == "running");
        !run.executing && (run.status == "running" || is_unfinished)
    }

    fn differences(&self, id: Uuid) -> Vec<String> {
        match self.screen.report(id) {
            None => vec!["it is not shown".to_owned()],
            Some(report) => {
                let mut wrong = Truth::of(&self.backend, id).differences(&report);
                if self.forgot_cancel(id) {
                    wrong.retain(|words| !words.starts_with(UNSEEN_CANCEL));
                }
                wrong
            }
        }
    }

    /// True for a run that was cancelled and then ended by itself: its row contains only how it ended,
    /// so a viewer without a socket cannot know of the cancellation.
    fn forgot_cancel(&self, id: Uuid) -> bool {
        let mut studio = self.backend.lock();
        let run = studio.run(id);
        run.cancelled_at.is_some() && run.status != "cancelled"
    }

    /// True when all runs are over and the hub had enough time to show them.
    fn is_settled(&mut self) -> bool {
        self.wanted[0] = true;
        let ends: Option<Vec<Instant>> =
            self.runs.iter().flatten().map(|run| run.ended_at).collect();
        let (Some(ends), Some(hub)) = (ends, self.hub_since) else { return false };
        let last = ends.into_iter().max().unwrap_or(hub).max(hub).max(self.backend_since);
        let is_all_shown = self.runs.iter().flatten().all(|run| run.shown_after.is_some());
        let waited = last.elapsed();
        waited > SOON + TICK || is_all_shown && waited > 2 * HEALTH_INTERVAL
    }

    fn described(&self, run: &Watched, status: &str) -> String {
        let ended = run.ended_at.map_or(0.0, |at| (at - self.began).as_secs_f64());
        let mut studio = self.backend.lock();
        let it = studio.run(run.id);
        let began = it.started_at.unwrap_or(it.created_at);
        let took = it.updated_at.duration_since(began).as_secs_f64();
        let (round, id, pending) = (self.number, run.id, self.plan.pending);
        format!(
            "round {round} with {pending} pending, run {id}, {status} {ended:.1} s into it, which took {took:.1} s"
        )
    }

    fn finish(mut self) -> Tally {
        let runs = std::mem::take(&mut self.runs);
        self.tally.runs = runs.len();
        for run in runs.iter().flatten() {
            let wrong = self.differences(run.id);
            self.tally.forgotten_cancels += usize::from(self.forgot_cancel(run.id));
            let status = self.backend.lock().run(run.id).status;
            let place = self.described(run, status);
            if self.was_left(run.id) {
                self.tally.orphans += 1;
                self.tally.orphans_right += usize::from(wrong.is_empty());
                if !wrong.is_empty() {
                    let wrong = wrong.join("; ");
                    self.tally.troubles.push(format!("{place}, left by a killed server: {wrong}"));
                }
                continue;
            }
            self.tally.ended += 1;
            match run.shown_after {
                _ if !wrong.is_empty() => {
                    let more = match wrong.len().saturating_sub(MOST_WRONG) {
                        0 => String::new(),
                        more => format!("; and {more} more"),
                    };
                    let wrong = wrong[..wrong.len().min(MOST_WRONG)].join("; ");
                    self.tally.wrong.push(format!("{place}: {wrong}{more}"));
                }
                None => self.tally.late.push(format!("{place}: at the very end")),
                Some(after) if after > SOON => {
                    self.tally.late.push(format!("{place}: after {:.1} s", after.as_secs_f64()));
                }
                Some(_) => self.tally.right += 1,
            }
            if let Some(after) = run.shown_after {
                self.tally.shown_after.add(after);
            }
        }
        let pool = self.backend.pool();
        self.tally.freezes = pool.freezes;
        self.tally.freezes_by_watchers = pool.freezes_by_watchers;
        self.tally.most_by_watchers = pool.most_by_watchers;
        self.tally.most_held = pool.most_held;
        self.tally.failed_by_watchers = self.backend.failed_by_watchers().len();
        self.tally.failed_by_cuts = self.backend.failed_by_cuts();
        self.tally
    }
}

/// Temporary folder of a round, removed when dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(number: u64) -> Self {
        let name = format!("meterbridge-harm-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Waits until the hub reports that it works. Panics after [`STOP_PATIENCE`].
pub async fn until_healthy(hub: &Viewer) {
    let began = Instant::now();
    while !hub.is_healthy().await {
        assert!(
            began.elapsed() < STOP_PATIENCE,
            "{} does not work: {}",
            hub.name,
            hub.last_words()
        );
        sleep(TICK).await;
    }
}
