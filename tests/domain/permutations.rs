//! The final state depends neither on the order of arrival nor on duplicates.

use meterbridge::inspect::{Report, RunReport};
use meterbridge::model::{Model, Retention};
use proptest::prelude::*;

use crate::support::{feed, model_of, report_of, transcript};

/// Generates the frames in any order, some of them repeated.
fn arrival(frames: Vec<String>) -> impl Strategy<Value = Vec<String>> {
    let again = proptest::collection::vec(0..frames.len(), 0..frames.len());
    again.prop_flat_map(move |again| {
        let mut all = frames.clone();
        all.extend(again.into_iter().map(|place| frames[place].clone()));
        Just(all).prop_shuffle()
    })
}

fn check(recorded: &[String], arrived: &[String]) -> Result<(), TestCaseError> {
    let expected = report_of(recorded);
    let report = report_of(arrived);
    prop_assert_eq!(&report.runs, &expected.runs);
    prop_assert_eq!(report.events, expected.events);
    prop_assert_eq!(report.frames, report.events + report.duplicates);
    Ok(())
}

fn both_of_g() -> Vec<String> {
    let mut frames = transcript("g-reconnect-midrun.conn1");
    frames.extend(transcript("g-reconnect-midrun.conn2"));
    frames
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn b_in_any_order(arrived in arrival(transcript("b-fix-twice-then-pass"))) {
        check(&transcript("b-fix-twice-then-pass"), &arrived)?;
    }

    #[test]
    fn d_in_any_order(arrived in arrival(transcript("d-cancel-during"))) {
        check(&transcript("d-cancel-during"), &arrived)?;
    }

    #[test]
    fn g_in_any_order(arrived in arrival(both_of_g())) {
        check(&both_of_g(), &arrived)?;
    }

    /// All recordings at once, so that runs interleave.
    #[test]
    fn all_interleaved(arrived in arrival(everything())) {
        check(&everything(), &arrived)?;
    }

    /// The state does not depend on the batching of frames either, and at any moment a run's event
    /// count is the number of its distinct events.
    #[test]
    fn intermediate_state_is_the_fold_of_the_arrived_frames(
        arrived in arrival(transcript("d-cancel-during")),
        cut in 0..20_usize,
    ) {
        let (before, after) = arrived.split_at(cut);
        let mut model = Model::new(Retention::EVERYTHING);
        feed(&mut model, before);
        let mut sorted = before.to_vec();
        sorted.sort_by_key(|frame| {
            let event: serde_json::Value = serde_json::from_str(frame).unwrap();
            event["timestamp"].as_str().unwrap().to_owned()
        });
        prop_assert_eq!(Report::of(&model).runs, report_of(&sorted).runs);
        feed(&mut model, after);
        prop_assert_eq!(Report::of(&model).runs, report_of(transcript("d-cancel-during")).runs);
    }

    /// A bound on the events kept per run changes nothing for events that arrive in order.
    #[test]
    fn event_bound_changes_nothing_for_ordered_events(most in 1..40_usize) {
        let frames = transcript("b2-fix-exhausted");
        let mut model = Model::new(Retention { events_per_run: most, ..Retention::default() });
        feed(&mut model, &frames);
        let whole = model_of(&frames);
        let runs = |model: &Model| model.runs().map(RunReport::of).collect::<Vec<_>>();
        prop_assert_eq!(runs(&model), runs(&whole));
    }
}

fn everything() -> Vec<String> {
    ["a-success-live", "b2-fix-exhausted", "c-node-fails", "e-retry.original", "e-retry.new"]
        .into_iter()
        .flat_map(transcript)
        .collect()
}
