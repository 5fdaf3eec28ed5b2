//! Estimates of the time to go, against what runs of the demo studio really took.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use meterbridge::demo::Dialect;
use meterbridge::demo::dialect::{Delivery, Session};
use meterbridge::demo::scenario::{DemoSchedule, DemoScheduleOptions, Timeline};
use meterbridge::model::{Model, Remaining, Retention, RunStatus, millis_between};
use meterbridge::protocol::{Batch, RunId};

/// Completed runs whose estimates are compared with what they took.
const RUNS: usize = 1_000;

/// Runs that are in progress at the same time.
const SLOTS: usize = 24;

fn studio() -> Vec<Batch> {
    let session = Session { epoch: "2026-11-23T10:00:00Z".parse().unwrap(), speed: 1.0, salt: 5 };
    let mut timeline = Timeline::new(DemoSchedule::new(7, DemoScheduleOptions { runs: SLOTS }));
    // A slot makes a run in about two minutes; a third of them fails, is cancelled or executed again.
    let minutes = (RUNS * 3 * 3 / 2 / SLOTS).max(20);
    let mut batches = Vec::new();
    while let Some(event) = timeline.next_until(SignedDuration::from_mins(minutes as i64)) {
        if let Some(text) = Dialect::Guide.render(&event, &session, Delivery::Live) {
            let mut batch = Batch::new(session.wall_instant(event.at), true);
            batch.push_text(&text);
            batches.push(batch);
        }
    }
    batches
}

/// Errors in milliseconds, of our estimate and of the naive one.
#[derive(Default)]
struct Errors {
    ours: Vec<u64>,
    naive: Vec<u64>,
    late: usize,
    unknown: usize,
}

fn percentile(errors: &[u64], quantile: f64) -> u64 {
    let mut sorted = errors.to_vec();
    sorted.sort_unstable();
    sorted[((quantile * sorted.len() as f64).ceil() as usize).saturating_sub(1)]
}

/// The naive estimate is the usual time of a whole run less what has elapsed.
#[test]
fn estimates_are_nearer_to_the_truth_than_the_usual_time_less_the_elapsed_one() {
    let mut model = Model::new(Retention { runs: 100_000, ..Retention::default() });
    let batches = studio();
    for batch in &batches {
        model.receive(batch.clone(), |_, _| {});
    }
    let mut probes: Vec<(Timestamp, RunId, u64, u64)> = Vec::new();
    let mut completed: Vec<_> = model
        .runs()
        .filter(|run| run.status == RunStatus::Completed && run.executions == 1)
        .filter_map(|run| Some((run.started_at?, run.ended_at?, run.id().clone())))
        .collect();
    completed.sort();
    // The first runs teach.
    for (started_at, ended_at, id) in completed.into_iter().skip(20).take(RUNS) {
        let total = millis_between(started_at, ended_at);
        for percent in [25, 50, 75] {
            let truth = total - total * percent / 100;
            let at = ended_at - SignedDuration::from_millis(truth as i64);
            probes.push((at, id.clone(), percent, truth));
        }
    }
    assert_eq!(probes.len(), 3 * RUNS);
    probes.sort();
    let mut probes = probes.into_iter().peekable();
    let mut model = Model::new(Retention { runs: 100_000, ..Retention::default() });
    let mut told: HashMap<u64, Errors> = HashMap::new();
    for batch in batches {
        while let Some((at, id, percent, truth)) =
            probes.next_if(|(at, ..)| *at < batch.received_at)
        {
            let run = model.run(&id).unwrap();
            let errors = told.entry(percent).or_default();
            match model.remaining(run, at) {
                Remaining::Left { millis, .. } => {
                    errors.ours.push(millis.abs_diff(truth));
                    let usual = model.stats().run_baseline().unwrap().p50_ms;
                    let elapsed = millis_between(run.started_at.unwrap(), at);
                    errors.naive.push(usual.saturating_sub(elapsed).abs_diff(truth));
                }
                Remaining::AnyMoment => errors.ours.push(truth),
                Remaining::Late { .. } => errors.late += 1,
                Remaining::Unknown => errors.unknown += 1,
            }
        }
        model.receive(batch, |_, _| {});
    }
    for percent in [25, 50, 75] {
        let errors = &told[&percent];
        let [ours, naive] = [&errors.ours, &errors.naive]
            .map(|errors| [0.5, 0.9].map(|quantile| percentile(errors, quantile)));
        println!(
            "after {} %: error p50 {} ms, p90 {} ms; naive p50 {} ms, p90 {} ms; {} estimates, {} late, {} unknown",
            percent,
            ours[0],
            ours[1],
            naive[0],
            naive[1],
            errors.ours.len(),
            errors.late,
            errors.unknown
        );
        assert!(ours[0] < naive[0] && ours[1] < naive[1], "{ours:?} {naive:?}");
        assert!(errors.late + errors.unknown < errors.ours.len() / 4);
    }
    for errors in model.estimate_errors() {
        println!("{errors:?}");
        assert_eq!(errors.samples + errors.without, 200, "the last 200 runs");
        let measured = percentile(&told[&errors.percent].ours, 0.5);
        let differs = errors.p50_ms.abs_diff(measured);
        assert!(differs < measured / 4, "{errors:?} and {measured} of all runs");
    }
}
