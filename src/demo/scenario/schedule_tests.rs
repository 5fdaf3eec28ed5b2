//! Properties of the studio for various seeds.

use std::collections::{HashMap, HashSet};

use super::*;
use crate::demo::scenario::{PASS_SCORE, PlannedEvent, RunFailure, TimedEvent, Timeline};

fn schedule(seed: u64, runs: usize) -> DemoSchedule {
    DemoSchedule::new(seed, DemoScheduleOptions { runs })
}

fn runs(seed: u64, slots: usize, at_least: usize) -> Vec<PlannedRun> {
    let mut schedule = schedule(seed, slots);
    let mut runs = Vec::new();
    while runs.len() < at_least {
        runs.extend(schedule.next_episode());
    }
    runs
}

fn secs(at: SignedDuration) -> f64 {
    at.as_secs_f64()
}

#[test]
fn equal_seeds_give_equal_studios() {
    assert_eq!(runs(7, 6, 300), runs(7, 6, 300));
    let ids = |seed| runs(seed, 6, 50).iter().map(|planned| planned.run.id).collect::<HashSet<_>>();
    assert!(ids(7).is_disjoint(&ids(8)));
}

#[test]
fn every_scenario_occurs_within_1000_runs() {
    for seed in [0, 1, 7] {
        let runs = runs(seed, 6, 1000);
        let seen: HashSet<_> = runs.iter().map(|planned| planned.run.scenario).collect();
        for (scenario, _) in Scenario::WEIGHTED {
            assert!(seen.contains(&scenario), "seed {seed}: no {scenario:?}");
        }
        assert!(runs.iter().any(|planned| planned.run.retry_of.is_some()), "seed {seed}: no retry");
    }
}

#[test]
fn most_runs_complete() {
    let runs = runs(3, 6, 2000);
    let failed = runs.iter().filter(|planned| planned.run.scenario.ends_failed()).count();
    let share = failed as f64 / runs.len() as f64;
    assert!((0.03..0.12).contains(&share), "{share}");
}

#[test]
fn retry_keeps_song_and_seed_and_starts_later() {
    let runs = runs(5, 6, 2000);
    let by_id: HashMap<_, _> = runs.iter().map(|planned| (planned.run.id, planned)).collect();
    for retry in runs.iter().filter(|planned| planned.run.retry_of.is_some()) {
        let failed = by_id[&retry.run.retry_of.unwrap()];
        assert_eq!(retry.run.song, failed.run.song);
        assert_eq!(retry.run.seed, failed.run.seed);
        assert!(retry.created_at > failed.created_at + signed(failed.length()));
        assert!(failed.run.scenario.ends_failed());
    }
}

#[test]
fn events_are_in_order_and_nodes_do_not_overlap() {
    for planned in runs(11, 6, 1500) {
        let mut last = Duration::ZERO;
        let mut open = None;
        let mut next_index = 0;
        assert_eq!(planned.events[0].event.what, What::Created);
        for (place, PlannedEvent { offset, event }) in planned.events.iter().enumerate() {
            assert!(*offset > last || place == 0, "{:?} {event:?}", planned.run.scenario);
            last = *offset;
            match &event.what {
                What::RunStart => next_index = 0,
                What::NodeStart { node, index } => {
                    assert_eq!(*index, next_index);
                    next_index += 1;
                    assert_eq!(open.replace((*node, *offset)), None);
                }
                What::Progress { node, percent, .. } => {
                    assert_eq!(open.unwrap().0, *node);
                    assert!(percent.is_none_or(|percent| (0.0..100.0).contains(&percent)));
                }
                What::NodeEnd { node, duration, .. } | What::NodeFail { node, duration, .. } => {
                    let (started, at) = open.take().unwrap();
                    assert_eq!(started, *node);
                    assert_eq!(*offset - at, *duration);
                }
                What::RunEnd { .. } | What::RunFail { .. } => assert_eq!(open, None),
                What::Created | What::Cancelled => {}
            }
        }
        let stopped = planned.run.scenario == Scenario::CancelledStops;
        assert_eq!(open.is_some(), stopped, "{:?}", planned.run.scenario);
    }
}

#[test]
fn scores_match_the_path_of_the_fix_loop() {
    for planned in runs(13, 6, 1500) {
        let whats: Vec<_> = planned.events.iter().map(|planned| &planned.event.what).collect();
        for (place, what) in whats.iter().enumerate() {
            let What::NodeEnd { node: Node::Validate, scores, .. } = what else { continue };
            assert_eq!(scores.len(), 5);
            assert!(scores.iter().all(|(_, value)| (0.0..=1.0).contains(value)), "{scores:?}");
            let total = scores.iter().find(|(name, _)| *name == "total").unwrap().1;
            let next = whats[place + 1..].iter().find_map(|what| match what {
                What::NodeStart { node, .. } => Some(*node),
                What::RunFail { node, reason: RunFailure::SkillMissing } => Some(*node),
                _ => None,
            });
            let passes = total >= PASS_SCORE;
            match next.unwrap() {
                Node::Render => assert!(passes, "{total}"),
                Node::Fix => assert!(!passes, "{total}"),
                // RENDER is skipped because the fix loop is exhausted.
                Node::Review => assert!(!passes, "{total}"),
                other => panic!("{other:?} after VALIDATE"),
            }
        }
    }
}

#[test]
fn fix_passes_match_the_scenario() {
    for planned in runs(17, 6, 1500) {
        let expected = match planned.run.scenario {
            Scenario::Fix(passes) => u32::from(passes),
            Scenario::FixExhausted => crate::protocol::MAX_FIX_PASSES,
            Scenario::Plain | Scenario::SlowNode => 0,
            _ => continue,
        };
        let counted = planned
            .events
            .iter()
            .filter(|planned| matches!(planned.event.what, What::NodeStart { node: Node::Fix, .. }))
            .count();
        let Some(What::RunEnd { fix_iterations, .. }) =
            planned.events.last().map(|planned| &planned.event.what)
        else {
            panic!("{:?} does not end", planned.run.scenario);
        };
        assert_eq!((counted as u32, *fix_iterations), (expected, expected));
    }
}

/// Returns the live events of the first two minutes.
fn first_two_minutes(seed: u64) -> Vec<TimedEvent> {
    Timeline::new(schedule(seed, 6))
        .skip_while(|event| event.at <= SignedDuration::ZERO)
        .take_while(|event| secs(event.at) < 120.0)
        .collect()
}

#[test]
fn opening_tells_of_a_success_then_a_fix_then_a_failure_and_its_retry() {
    for seed in 0..40 {
        let live = first_two_minutes(seed);
        let at = |run: uuid::Uuid, is: &dyn Fn(&What) -> bool| {
            let mut of_run = live.iter().filter(|event| event.run.id == run);
            of_run.find(|event| is(&event.event.what)).map(|event| secs(event.at))
        };
        let run_of = |is: &dyn Fn(&What) -> bool| {
            live.iter().find(|event| is(&event.event.what)).map(|event| event.run.id).unwrap()
        };
        let ended = |what: &What| matches!(what, What::RunEnd { .. });
        let success = run_of(&ended);
        assert_eq!(at(success, &ended), Some(SUCCESS_SECS), "seed {seed}");

        let fix = |what: &What| matches!(what, What::NodeStart { node: Node::Fix, .. });
        let fixed = run_of(&fix);
        assert_eq!(at(fixed, &fix), Some(FIX_SECS), "seed {seed}");
        let scores: Vec<(f64, f64)> = live
            .iter()
            .filter(|event| event.run.id == fixed)
            .filter_map(|event| match &event.event.what {
                What::NodeEnd { node: Node::Validate, scores, .. } => {
                    Some((secs(event.at), scores.last().unwrap().1))
                }
                _ => None,
            })
            .collect();
        let [(low_at, low), (high_at, high)] = scores[..] else { panic!("{scores:?}") };
        assert!(low < PASS_SCORE && PASS_SCORE <= high, "seed {seed}: {low} then {high}");
        assert!(low_at < FIX_SECS && high_at < FIX_SECS + 11.5, "seed {seed}");

        let fails = |what: &What| matches!(what, What::NodeFail { .. });
        let failed = run_of(&fails);
        assert_eq!(at(failed, &fails), Some(FAILURE_SECS), "seed {seed}");
        let retry = live.iter().find(|event| event.run.retry_of == Some(failed)).unwrap().run.id;
        let retried_at = at(retry, &|what| *what == What::RunStart).unwrap();
        assert!((80.0..84.0).contains(&retried_at), "seed {seed}: {retried_at}");
    }
}

#[test]
fn nothing_else_is_worth_showing_before_the_story_is_told() {
    for seed in 0..40 {
        let others: Vec<_> = first_two_minutes(seed)
            .into_iter()
            .filter(|event| secs(event.at) < FAILURE_SECS)
            .filter(|event| {
                let what = &event.event.what;
                matches!(what, What::RunEnd { .. } | What::RunFail { .. })
                    || matches!(what, What::NodeStart { node: Node::Fix, .. })
            })
            .map(|event| secs(event.at))
            .collect();
        assert_eq!(others, [SUCCESS_SECS, FIX_SECS], "seed {seed}");
    }
}

#[test]
fn past_contains_finished_and_unfinished_runs() {
    for slots in [1, 2, 6, 40] {
        let mut in_work = HashSet::new();
        let mut finished = 0;
        for event in
            Timeline::new(schedule(7, slots)).take_while(|event| event.at <= SignedDuration::ZERO)
        {
            in_work.insert(event.run.id);
            if event.last {
                in_work.remove(&event.run.id);
                finished += 1;
            }
        }
        assert!(finished >= 12, "{slots} slots: {finished}");
        assert!(in_work.len() <= slots);
        assert!(in_work.len() * 2 >= slots, "{slots} slots: {}", in_work.len());
    }
}

#[test]
fn timeline_is_monotonic_and_limited_to_its_slots() {
    let mut in_work = HashSet::new();
    let mut last_at = SignedDuration::MIN;
    for event in Timeline::new(schedule(23, 9)).take(30_000) {
        assert!(event.at >= last_at);
        last_at = event.at;
        in_work.insert(event.run.id);
        assert!(in_work.len() <= 9);
        if event.last {
            in_work.remove(&event.run.id);
        }
    }
}

#[test]
fn event_ids_are_unique() {
    let events: Vec<_> = Timeline::new(schedule(29, 50)).take(20_000).collect();
    let ids: HashSet<_> = events.iter().map(|event| event.event.id).collect();
    assert_eq!(ids.len(), events.len());
    assert!(ids.iter().all(|id| id.get_version_num() == 4));
}

#[test]
fn studio_supports_1000_runs_at_a_time() {
    let events = Timeline::new(schedule(1, 1000)).take_while(|event| secs(event.at) < 60.0);
    assert!(events.count() > 10_000);
}
