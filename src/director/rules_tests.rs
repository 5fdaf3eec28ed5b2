use super::*;
use crate::director::DirectorSettings;

const FAILED: ShowReason = ShowReason::Failed;
const FIX: ShowReason = ShowReason::Fix;
const COMPLETED: ShowReason = ShowReason::Completed;

/// A director with the default rates, stepped ten times per second.
struct Wall {
    director: Director,
    now_secs: f64,
}

impl Wall {
    /// Starts a director that has shown the wall for 100 s.
    fn new() -> Self {
        Self::with(DirectorSettings::default().rates)
    }

    fn with(rates: Rates) -> Self {
        Self { director: Director::new(rates, true, -100.0), now_secs: 0.0 }
    }

    fn tell(&mut self, run: &str, why: ShowReason) -> &mut Self {
        self.director.propose_run(&RunId::new(run), why, self.now_secs);
        self.pass(0.0)
    }

    fn pass(&mut self, secs: f64) -> &mut Self {
        let until = self.now_secs + secs;
        while self.now_secs + 0.1 < until {
            self.now_secs += 0.1;
            self.director.step(self.now_secs);
        }
        self.now_secs = until;
        self.director.step(until);
        self
    }

    fn touch(&mut self) -> &mut Self {
        self.director.touch(self.now_secs);
        self.pass(0.0)
    }

    /// Returns what is shown: "song failed", "wall", "pinned", "off".
    fn shows(&self) -> String {
        match (self.director.mode(), self.director.shot()) {
            (Mode::Off, _) => "off".to_owned(),
            (Mode::Pinned { .. }, _) => "pinned".to_owned(),
            (Mode::Auto, None) if self.director.shows_history() => "history".to_owned(),
            (Mode::Auto, None) => "wall".to_owned(),
            (Mode::Auto, Some(shot)) => format!("{} {:?}", shot.run, shot.why).to_lowercase(),
        }
    }

    #[track_caller]
    fn show(&mut self, expected: &str) -> &mut Self {
        assert_eq!(self.shows(), expected, "at {} s", self.now_secs);
        self
    }
}

#[test]
fn default_holds_are_15_s_for_failures_and_12_s_for_fixes_and_completions() {
    for (why, words, hold) in
        [(FAILED, "a failed", 15.0), (FIX, "a fix", 12.0), (COMPLETED, "a completed", 12.0)]
    {
        let mut wall = Wall::new();
        wall.show("wall").tell("a", why).show(words);
        wall.pass(hold - 0.1).show(words).pass(0.1).show("wall");
    }
}

#[test]
fn waiting_runs_are_shown_in_order_of_importance() {
    let default = DirectorSettings::default().rates;
    let short = Rates { gap_secs: 4.0, hold_failed_secs: 5.0, hold_fix_secs: 5.0, ..default };
    let mut wall = Wall::with(short);
    wall.tell("first", FAILED).tell("done", COMPLETED).tell("pass", FIX).tell("bad", FAILED);
    for words in ["first failed", "bad failed", "pass fix", "done completed"] {
        wall.show(words).pass(if words == "done completed" { 12.0 } else { 5.0 });
        wall.show("wall").pass(4.0);
    }
    wall.show("wall");
}

#[test]
fn more_important_reason_interrupts_after_the_minimum_hold() {
    let mut wall = Wall::new();
    wall.tell("done", COMPLETED).pass(1.0).tell("bad", FAILED).show("done completed");
    wall.pass(2.9).show("done completed").pass(0.1).show("bad failed");
}

#[test]
fn equal_or_less_important_reasons_wait() {
    let mut wall = Wall::new();
    wall.tell("bad", FAILED).pass(1.0).tell("worse", FAILED).tell("fix", FIX);
    wall.pass(13.9).show("bad failed").pass(0.1).show("wall");
    // A failure waits for only 5 s of the wall.
    wall.pass(4.9).show("wall").pass(0.1).show("worse failed");
}

#[test]
fn wall_is_shown_20_s_between_two_runs() {
    let mut wall = Wall::new();
    wall.tell("a", COMPLETED).pass(12.0).show("wall").tell("b", COMPLETED).pass(19.9).show("wall");
    wall.pass(0.1).show("b completed");
}

#[test]
fn stale_waiting_runs_are_dropped() {
    let mut wall = Wall::new();
    wall.tell("bad", FAILED).tell("fix", FIX).tell("done", COMPLETED).pass(14.9);
    wall.tell("late", COMPLETED).pass(0.1).show("wall").pass(20.0).show("late completed");
    wall.pass(60.0).show("wall");
}

#[test]
fn failure_of_the_shown_run_restarts_its_hold() {
    let mut wall = Wall::new();
    wall.tell("a", FIX).pass(10.0).tell("a", FAILED).show("a failed");
    wall.pass(14.9).show("a failed").pass(0.1).show("wall");
}

#[test]
fn shown_fix_pass_ends_3_s_after_validation() {
    let mut wall = Wall::new();
    let run = RunId::new("a");
    wall.tell("a", FIX).pass(5.0);
    wall.director.validated(&run, wall.now_secs);
    wall.pass(2.9).show("a fix").pass(0.1).show("wall");
    // Also where its hold would have ended before.
    let mut late = Wall::new();
    late.tell("a", FIX).pass(11.5);
    late.director.validated(&run, late.now_secs);
    late.pass(2.9).show("a fix").pass(0.1).show("wall");
    // A waiting fix pass has nothing to show any more.
    wall.tell("a", FIX).pass(1.0);
    wall.director.validated(&run, wall.now_secs);
    wall.pass(60.0).show("wall");
    // A failure still has.
    wall.tell("a", FAILED).pass(5.0);
    wall.director.validated(&run, wall.now_secs);
    wall.pass(9.9).show("a failed");
}

#[test]
fn restarted_run_leaves_the_stage_soon() {
    let mut wall = Wall::new();
    wall.tell("a", FAILED).pass(1.0);
    wall.director.restarted(&RunId::new("a"), wall.now_secs);
    // Not before its minimum hold.
    wall.pass(2.9).show("a failed").pass(0.1).show("wall");
}

#[test]
fn evicted_run_leaves_the_stage_at_once() {
    let mut wall = Wall::new();
    wall.tell("a", FAILED).pass(1.0);
    wall.director.gone(&RunId::new("a"), wall.now_secs);
    wall.show("wall");
}

#[test]
fn many_failures_are_left_to_the_wall() {
    let mut wall = Wall::new();
    wall.tell("one", FAILED).pass(1.0).tell("two", FAILED).tell("three", FAILED).pass(1.0);
    wall.show("one failed").tell("four", FAILED).show("one failed").pass(2.0).show("wall");
    // For as long as failures keep coming.
    for run in 0..60 {
        wall.tell(&run.to_string(), FAILED).pass(10.0).show("wall");
    }
    // One by one again when they stop.
    wall.pass(60.0).tell("late", FAILED).show("late failed");
}

#[test]
fn run_that_keeps_failing_is_shown_60_s_at_most() {
    let mut wall = Wall::new();
    for _ in 0..3 {
        wall.tell("a", FAILED).pass(14.0).show("a failed");
    }
    wall.tell("a", FIX).pass(60.0).show("wall");
}

#[test]
fn input_suspends_the_director_for_120_s_after_the_last_one() {
    let mut wall = Wall::new();
    wall.tell("a", FAILED).pass(1.0).touch().show("pinned").pass(100.0).touch();
    wall.pass(119.9).show("pinned").pass(0.1).show("wall");
}

#[test]
fn pin_of_zero_lasts_until_take_over() {
    let rates = Rates { pin_secs: 0.0, ..DirectorSettings::default().rates };
    let mut wall = Wall::with(rates);
    wall.touch().pass(86_400.0).show("pinned");
    wall.director.take_over(wall.now_secs);
    wall.show("wall");
}

#[test]
fn toggle_turns_off_only_a_director_not_set_in_settings() {
    let rates = DirectorSettings::default().rates;
    let mut manual = Wall { director: Director::new(rates, false, 0.0), now_secs: 0.0 };
    manual.tell("a", FAILED).touch().show("off");
    manual.director.toggle(0.0);
    manual.show("wall").touch().show("pinned");
    manual.director.toggle(0.0);
    manual.show("wall");
    manual.director.toggle(0.0);
    manual.show("off");
    let mut wall = Wall::new();
    wall.director.toggle(0.0);
    wall.show("pinned");
}

#[test]
fn no_new_run_is_shown_while_not_live() {
    let mut wall = Wall::new();
    wall.tell("a", FAILED).tell("b", FAILED).pass(1.0);
    wall.director.set_live(false);
    wall.tell("c", FAILED).show("a failed").pass(14.0).show("wall").pass(60.0).show("wall");
    wall.director.set_live(true);
    wall.tell("d", FAILED).show("d failed");
}

#[test]
fn hold_of_zero_never_shows_such_runs() {
    let rates = Rates { hold_completed_secs: 0.0, ..DirectorSettings::default().rates };
    let mut wall = Wall::with(rates);
    wall.tell("a", COMPLETED).pass(30.0).show("wall").tell("b", FIX).show("b fix");
}

#[test]
fn due_in_secs_names_the_next_decision() {
    let mut wall = Wall::new();
    let due = |wall: &mut Wall| wall.director.due_in_secs(wall.now_secs);
    assert_eq!(due(&mut wall), None);
    assert_eq!(due(wall.tell("a", COMPLETED)), Some(12.0));
    assert_eq!(due(wall.tell("b", FAILED)), Some(4.0));
    assert_eq!(due(wall.pass(4.0).show("b failed")), Some(15.0));
    assert_eq!(due(wall.tell("c", FAILED).pass(15.0).show("wall")), Some(5.0));
    assert_eq!(due(wall.touch()), Some(120.0));
}

/// Checks limits with thousands of events per second from ten thousand runs.
#[test]
fn event_flood_keeps_queues_bounded_and_changes_rare() {
    let mut wall = Wall::new();
    let mut random = fastrand::Rng::with_seed(4);
    let mut shown = wall.shows();
    let (mut changed_at, mut changes) = (-100.0, Vec::new());
    for _ in 0..36_000 {
        for _ in 0..20 {
            // Failures are rare, or the wall would be shown all the time.
            let why = match random.u32(0..200_000) {
                0 => FAILED,
                n if n < 20_000 => FIX,
                _ => COMPLETED,
            };
            let run = RunId::new(random.u32(0..10_000).to_string().as_str());
            wall.director.propose_run(&run, why, wall.now_secs);
        }
        wall.pass(0.1);
        assert!(wall.director.waiting.len() <= MOST_WAITING);
        assert!(wall.director.failed_at_secs.len() <= MANY_FAILURES + 1);
        let run = |words: &str| words.split(' ').next().map(str::to_owned);
        if run(&wall.shows()) != run(&shown) {
            let stood = wall.now_secs - changed_at;
            assert!(stood > LEAST_HOLD_SECS - 1e-6, "{shown} stood for {stood} s");
            changed_at = wall.now_secs;
            changes.push(changed_at);
        }
        shown = wall.shows();
    }
    let most = changes
        .iter()
        .map(|from| changes.iter().filter(|at| (*from..from + 60.0).contains(at)).count());
    let most = most.max().unwrap_or(0);
    assert!(changes.len() > 100 && most <= 8, "{} changes, at most {most} a minute", changes.len());
}

#[test]
fn retry_of_the_shown_failure_takes_its_place_after_8_s() {
    let mut wall = Wall::new();
    wall.tell("a", FAILED).pass(2.0);
    wall.director.retried(&RunId::new("a"), &RunId::new("a again"));
    assert!(wall.director.due_in_secs(wall.now_secs).is_some_and(|due| (due - 6.0).abs() < 1e-6));
    wall.pass(5.9).show("a failed").pass(0.2).show("a again retry");
    wall.pass(9.8).show("a again retry").pass(0.2).show("wall");
}

#[test]
fn retry_of_a_failure_that_is_not_shown_changes_nothing() {
    let mut wall = Wall::new();
    wall.tell("b", COMPLETED);
    for failed in ["a", "b"] {
        wall.director.retried(&RunId::new(failed), &RunId::new("again"));
    }
    wall.pass(11.9).show("b completed").pass(0.1).show("wall");
}

#[test]
fn failure_of_the_shown_retry_is_shown_as_a_failure() {
    let mut wall = Wall::new();
    wall.tell("a", FAILED);
    wall.director.retried(&RunId::new("a"), &RunId::new("again"));
    wall.pass(9.0).show("again retry").tell("again", FAILED).show("again failed");
    wall.pass(14.9).show("again failed").pass(0.2).show("wall");
}

#[test]
fn retry_that_failed_meanwhile_is_shown_as_a_failure() {
    let mut wall = Wall::new();
    wall.tell("a", FAILED);
    wall.director.retried(&RunId::new("a"), &RunId::new("again"));
    wall.pass(5.0).tell("again", FAILED).show("a failed");
    wall.pass(3.1).show("again failed").pass(14.8).show("again failed").pass(0.2).show("wall");
}

#[test]
fn retry_that_was_removed_is_not_shown() {
    let mut wall = Wall::new();
    wall.tell("a", FAILED);
    wall.director.retried(&RunId::new("a"), &RunId::new("again"));
    wall.pass(5.0);
    wall.director.gone(&RunId::new("again"), wall.now_secs);
    wall.pass(9.9).show("a failed").pass(0.2).show("wall");
}

#[test]
fn history_is_shown_for_20_s_every_five_minutes_where_there_is_one() {
    let mut wall = Wall::new();
    wall.pass(1_000.0).show("wall");
    wall.director.set_history_known(true);
    wall.pass(0.0).show("history").pass(19.9).show("history").pass(0.1).show("wall");
    assert_eq!(wall.director.due_in_secs(wall.now_secs), Some(300.0));
    wall.pass(299.9).show("wall").pass(0.1).show("history");
}

#[test]
fn history_gives_way_to_a_run_and_to_a_user() {
    let mut wall = Wall::new();
    wall.director.set_history_known(true);
    wall.pass(200.0).show("history");
    wall.tell("a", FAILED).show("history").pass(4.0).show("a failed");
    wall.pass(15.0).show("wall").pass(100.0).show("wall");
    wall.pass(185.0).show("history").touch().show("pinned").pass(120.0).show("wall");
}

#[test]
fn history_covers_no_failure_that_is_news() {
    let mut wall = Wall::new();
    wall.pass(195.0).tell("a", FAILED).show("a failed");
    wall.director.set_history_known(true);
    wall.pass(15.0).show("wall").pass(164.9).show("wall").pass(0.2).show("history");
}

#[test]
fn history_is_not_shown_while_nothing_arrives() {
    let mut wall = Wall::new();
    wall.director.set_history_known(true);
    wall.director.set_live(false);
    wall.pass(1_000.0).show("wall");
}

#[test]
fn history_waits_until_the_wall_has_stood_for_the_gap() {
    let mut wall = Wall::new();
    wall.pass(195.0).tell("a", COMPLETED).show("a completed");
    wall.director.set_history_known(true);
    wall.pass(12.0).show("wall").pass(19.9).show("wall").pass(0.2).show("history");
}

#[test]
fn history_gives_way_to_many_failures_but_stands_for_4_s() {
    let mut wall = Wall::new();
    wall.director.set_history_known(true);
    wall.pass(200.0).show("history");
    for run in ["a", "b", "c", "d"] {
        wall.tell(run, FAILED).show("history");
    }
    wall.pass(3.9).show("history").pass(0.2).show("wall");
}
