//! Tests of bars, critical path, axis and race, on models that events were received into.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::model::{Model, NodeStatus, Retention, Run};
use crate::protocol::{Batch, PIPELINE, RunId};

fn at(secs: f64) -> Timestamp {
    let noon: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
    noon + SignedDuration::from_secs_f64(secs)
}

fn tell(batch: &mut Batch, run: &str, secs: f64, node: Option<&str>, phase: &str, data: &str) {
    let node = node.map_or_else(String::new, |node| format!(r#""node_name":"{node}","#));
    batch.push_text(&format!(
        r#"{{"ts":"{}","run_id":"{run}",{node}"phase":"{phase}","data":{data}}}"#,
        at(secs)
    ));
}

/// Model of events: (run, seconds, node or "", phase, data).
fn model(events: &[(&str, f64, &str, &str, &str)]) -> Model {
    let mut batch = Batch::new(at(0.0), true);
    for (run, secs, node, phase, data) in events {
        tell(&mut batch, run, *secs, Some(*node).filter(|node| !node.is_empty()), phase, data);
    }
    let mut model = Model::new(Retention::default());
    model.receive(batch, |_, _| {});
    model
}

fn run<'a>(model: &'a Model, id: &str) -> &'a Run {
    model.run(&RunId::new(id)).unwrap()
}

/// Events of steps that follow each other, from `begun`: (node, seconds).
fn steps<'a>(
    id: &'a str,
    begun: f64,
    steps: &[(&'a str, f64)],
) -> Vec<(&'a str, f64, &'a str, &'a str, &'a str)> {
    let mut events = vec![(id, begun, "", "start", "{}")];
    let mut now = begun;
    for (node, secs) in steps {
        events.push((id, now, *node, "start", "{}"));
        now += secs;
        let told = format!(r#"{{"duration_ms":{}}}"#, (secs * 1000.0).round());
        events.push((id, now, *node, "end", Box::leak(told.into_boxed_str())));
    }
    events
}

const THREE_FIXES: [(&str, f64); 17] = [
    ("PLAN", 2.0),
    ("STYLE", 3.0),
    ("LYRICS", 15.0),
    ("PRODUCER", 6.0),
    ("COMPOSE", 34.0),
    ("VALIDATE", 4.0),
    ("FIX", 8.0),
    ("COMPOSE", 30.0),
    ("VALIDATE", 4.0),
    ("FIX", 8.0),
    ("COMPOSE", 31.0),
    ("VALIDATE", 4.0),
    ("FIX", 9.0),
    ("COMPOSE", 32.0),
    ("VALIDATE", 4.0),
    ("RENDER", 48.0),
    ("REVIEW", 7.0),
];

#[test]
fn each_attempt_in_the_loop_belongs_to_its_fix_pass() {
    let model = model(&steps("r", 0.0, &THREE_FIXES));
    let bars = RunBars::of(run(&model, "r"), at(400.0));
    let passes: Vec<(&str, u32)> =
        bars.bars.iter().map(|bar| (bar.node.as_str(), bar.fix)).collect();
    assert_eq!(
        passes[4..],
        [
            ("COMPOSE", 0),
            ("VALIDATE", 0),
            ("FIX", 1),
            ("COMPOSE", 1),
            ("VALIDATE", 1),
            ("FIX", 2),
            ("COMPOSE", 2),
            ("VALIDATE", 2),
            ("FIX", 3),
            ("COMPOSE", 3),
            ("VALIDATE", 3),
            ("RENDER", 0),
            ("REVIEW", 0),
        ]
    );
}

#[test]
fn a_missing_instant_is_bounded_and_marked() {
    let model = model(&[
        ("r", 0.0, "", "start", "{}"),
        ("r", 1.0, "PLAN", "start", "{}"),
        // Its end was missed.
        ("r", 5.0, "STYLE", "start", "{}"),
        // Only its end was seen, without a duration.
        ("r", 8.0, "STYLE", "end", "{}"),
        ("r", 11.0, "LYRICS", "end", "{}"),
        // Its start follows from its duration.
        ("r", 20.0, "PRODUCER", "end", r#"{"duration_ms":4000}"#),
        ("r", 30.0, "", "end", "{}"),
    ]);
    let bars = RunBars::of(run(&model, "r"), at(60.0));
    let told: Vec<_> = bars
        .bars
        .iter()
        .map(|bar| (bar.node.as_str(), bar.span, bar.from_known, bar.to_known, bar.took_ms()))
        .collect();
    let span = |from: f64, to: f64| Span::new(at(from), at(to));
    assert_eq!(told[0], ("PLAN", span(1.0, 5.0), true, false, None));
    assert_eq!(told[1], ("STYLE", span(5.0, 8.0), true, true, Some(3_000)));
    assert_eq!(told[2], ("LYRICS", span(8.0, 11.0), false, true, None));
    assert_eq!((told[3].0, told[3].1, told[3].4), ("PRODUCER", span(16.0, 20.0), Some(4_000)));
}

#[test]
fn waits_in_the_queue_and_between_steps_are_told_apart() {
    let mut events = vec![("r", 0.0, "", "info", "{}")];
    events.extend(steps("r", 32.0, &[("PLAN", 2.0)]));
    events.push(("r", 40.0, "STYLE", "start", "{}"));
    let model = model(&events);
    let created = run(&model, "r").created_at;
    let bars = RunBars::of(run(&model, "r"), at(50.0));
    assert_eq!(bars.queued, created.map(|at_noon| Span::new(at_noon, at(32.0))));
    assert_eq!(bars.gaps(), [Span::new(at(34.0), at(40.0))]);
    let open = bars.bars.last().unwrap();
    assert!(open.is_open && open.span.to == at(50.0), "grows to now");
}

#[test]
fn a_run_that_is_started_again_begins_with_its_second_start() {
    let mut events = vec![("r", 0.0, "", "info", r#"{"message":"Workflow created"}"#)];
    events.extend(steps("r", 10.0, &[("PLAN", 2.0)]));
    events.push(("r", 20.0, "", "fail", "{}"));
    let told = model(&events);
    assert_eq!(span_of(run(&told, "r"), at(90.0)), Span::new(at(0.0), at(20.0)));
    events.extend(steps("r", 60.0, &[("PLAN", 2.0)]));
    let again = model(&events);
    let run = run(&again, "r");
    assert_eq!(run.executions, 2);
    assert_eq!(span_of(run, at(90.0)), Span::new(at(60.0), at(90.0)));
    assert_eq!(RunBars::of(run, at(90.0)).span, span_of(run, at(90.0)));
}

#[test]
fn usual_times_to_come_follow_the_step_at_work() {
    let mut events = steps("old", 0.0, &[("PLAN", 2.0), ("STYLE", 10.0), ("LYRICS", 20.0)]);
    events.push(("old", 40.0, "", "end", "{}"));
    events.extend(steps("r", 100.0, &[("PLAN", 2.0)]));
    events.push(("r", 102.0, "STYLE", "start", "{}"));
    let model = model(&events);
    let run = run(&model, "r");
    let bars = RunBars::of(run, at(105.0));
    let to_come = usual_to_come(run, &bars, model.stats(), at(105.0));
    let told: Vec<_> = to_come.iter().map(|usual| (usual.node.as_str(), usual.span)).collect();
    assert_eq!(told, [("LYRICS", Span::new(at(112.0), at(132.0)))], "ends where nothing is known");
    let late = usual_to_come(run, &bars, model.stats(), at(120.0));
    assert_eq!(late[0].span.from, at(120.0), "never before now");
}

#[test]
fn steps_at_work_at_the_same_time_count_once_on_the_critical_path() {
    let model = model(&[
        ("r", 0.0, "", "start", "{}"),
        ("r", 0.0, "PLAN", "start", "{}"),
        ("r", 4.0, "PLAN", "end", "{}"),
        ("r", 4.0, "LYRICS", "start", "{}"),
        ("r", 4.0, "PRODUCER", "start", "{}"),
        ("r", 9.0, "PRODUCER", "end", "{}"),
        ("r", 14.0, "LYRICS", "end", "{}"),
        ("r", 16.0, "COMPOSE", "start", "{}"),
        ("r", 20.0, "COMPOSE", "end", "{}"),
        ("r", 20.0, "", "end", "{}"),
    ]);
    let bars = RunBars::of(run(&model, "r"), at(30.0));
    let path = critical_path(&bars);
    let times = time_by_node(&bars, &path);
    let told: Vec<(Option<&str>, u64)> =
        times.iter().map(|(node, ms)| (node.as_ref().map(|node| node.as_str()), *ms)).collect();
    assert_eq!(
        told,
        [(Some("PLAN"), 4_000), (Some("LYRICS"), 10_000), (None, 2_000), (Some("COMPOSE"), 4_000)]
    );
}

#[test]
fn idle_stretches_are_folded_and_labelled_by_their_time() {
    let span = |from: f64, to: f64| Span::new(at(from), at(to));
    let busy = [span(0.0, 60.0), span(50.0, 90.0), span(900.0, 1_000.0)];
    let idle = idle_stretches(&busy, span(0.0, 1_010.0), 60_000);
    assert_eq!(idle, [span(90.0, 900.0)], "the last ten seconds are too short");
    let axis = Axis::folded(span(0.0, 1_000.0), &idle, 20_000.0);
    assert_eq!(axis.length(), 210_000.0);
    assert_eq!(axis.place(at(90.0)), 90_000.0);
    assert_eq!(axis.place(at(900.0)), 110_000.0);
    assert_eq!(axis.place(at(1_000.0)), 210_000.0);
    assert_eq!(axis.place(at(1_005.0)), 215_000.0, "goes on behind its end");
    // Folding shows more of the past on the same length.
    let back = Axis::back_from(at(1_000.0), 150_000.0, &idle, 20_000.0);
    assert_eq!(back.span(), span(60.0, 1_000.0));
    assert!((back.length() - 150_000.0).abs() < 1.0);
}

#[test]
fn a_fix_pass_is_one_column_of_a_race() {
    let mut events = steps(
        "old",
        0.0,
        &[
            ("PLAN", 2.0),
            ("STYLE", 3.1),
            ("LYRICS", 18.8),
            ("PRODUCER", 6.4),
            ("COMPOSE", 32.0),
            ("VALIDATE", 4.0),
            ("RENDER", 50.0),
            ("REVIEW", 7.0),
        ],
    );
    events.push(("old", 123.3, "", "end", "{}"));
    let this: Vec<(&str, f64)> = THREE_FIXES[..9].to_vec();
    events.extend(steps("r", 1_000.0, &this));
    events.push(("r", 1_106.0, "RENDER", "start", "{}"));
    let model = model(&events);
    let race = Race::of(run(&model, "r"), Opponent::Run(run(&model, "old")), at(1_110.0));
    let told: Vec<_> = race
        .columns
        .iter()
        .map(|column| (column.name.as_str(), column.this, column.difference_ms))
        .collect();
    assert_eq!(
        told,
        [
            ("PLAN", Lap::Took(2_000), Some(0)),
            ("STYLE", Lap::Took(3_000), Some(-100)),
            ("LYRICS", Lap::Took(15_000), Some(-3_800)),
            ("PRODUCER", Lap::Took(6_000), Some(-400)),
            ("COMPOSE", Lap::Took(34_000), Some(2_000)),
            ("VALIDATE", Lap::Took(4_000), Some(0)),
            ("fix 1", Lap::Took(42_000), Some(42_000)),
            ("RENDER", Lap::AtWork(4_000), None),
            ("REVIEW", Lap::ToCome, None),
        ]
    );
    assert_eq!(race.gap_ms, Some(39_700));
    assert_eq!(race.other_took_ms, Some(123_300));
}

#[test]
fn a_race_against_the_usual_run_needs_usual_times() {
    let events = steps("r", 0.0, &[("PLAN", 2.0), ("STYLE", 3.0)]);
    let model = model(&events);
    let race = Race::of(run(&model, "r"), Opponent::Usual(model.stats()), at(10.0));
    assert_eq!(race.gap_ms, Some(0), "it is its own usual run");
    assert_eq!(race.other_took_ms, None, "the usual time of LYRICS is not known");
}

/// Milliseconds of gap that the columns explain.
fn explained(race: &Race) -> i64 {
    race.columns.iter().filter_map(|column| column.difference_ms).sum()
}

/// Events of a run: steps may be left out, overlap, miss their start or end, and be repeated.
fn any_run() -> impl Strategy<Value = Vec<(usize, u8, u16, u16)>> {
    prop::collection::vec((0usize..11, 0u8..16, 0u16..90, 0u16..120), 0..40)
}

fn events_of(id: &str, run: &[(usize, u8, u16, u16)], over: u8, batch: &mut Batch) -> f64 {
    let mut now = 0.0;
    if over.is_multiple_of(2) {
        tell(batch, id, now, None, "info", "{}");
    }
    now += f64::from(over) * 3.0;
    tell(batch, id, now, None, "start", "{}");
    for (node, how, wait, took) in run {
        let name = PIPELINE.get(*node).copied().unwrap_or("MASTERING");
        now += f64::from(*wait) / 10.0;
        let end = now + f64::from(*took) / 10.0;
        if how & 1 == 0 || how & 2 == 0 {
            tell(batch, id, now, Some(name), "start", "{}");
        }
        let data = format!(r#"{{"duration_ms":{}}}"#, u32::from(*took) * 100);
        match how {
            0..=8 => tell(batch, id, end, Some(name), "end", "{}"),
            9..=11 => tell(batch, id, end, Some(name), "end", &data),
            12 => tell(batch, id, end, Some(name), "fail", r#"{"error":"broke"}"#),
            _ => {}
        }
        // Every third step is still at work when the next one starts.
        now = if how % 3 == 0 { now } else { end };
    }
    now += 5.0;
    match over % 5 {
        0 => tell(batch, id, now, None, "end", "{}"),
        1 => tell(batch, id, now, None, "fail", r#"{"error":"broke"}"#),
        2 => tell(batch, id, now, None, "cancelled", "{}"),
        _ => {}
    }
    now
}

proptest! {
    #[test]
    fn bars_lie_within_their_run_and_the_critical_path_fills_it(
        steps in any_run(), over in 0u8..10, later in 0u16..600
    ) {
        let mut batch = Batch::new(at(0.0), true);
        let end = events_of("r", &steps, over, &mut batch);
        let mut model = Model::new(Retention::default());
        model.receive(batch, |_, _| {});
        let now = at(end + f64::from(later));
        let run = run(&model, "r");
        let bars = RunBars::of(run, now);
        for bar in &bars.bars {
            prop_assert!(bars.span.from <= bar.span.from && bar.span.to <= bars.span.to);
            prop_assert!(bar.span.from <= bar.span.to);
            prop_assert!(!bar.is_open || (bar.status == NodeStatus::Running && !bars.is_over));
        }
        prop_assert!(bars.bars.is_sorted_by_key(|bar| bar.span.from));
        let path = critical_path(&bars);
        let mut reached = bars.span.from;
        for leg in &path {
            prop_assert_eq!(leg.span.from, reached);
            prop_assert!(leg.span.from < leg.span.to);
            reached = leg.span.to;
        }
        prop_assert_eq!(reached, bars.span.to);
        for gap in bars.gaps() {
            for bar in &bars.bars {
                prop_assert!(bar.span.to <= gap.from || gap.to <= bar.span.from);
            }
        }
        for pair in usual_to_come(run, &bars, model.stats(), now).windows(2) {
            prop_assert!(pair[0].span.from >= now && pair[0].span.to == pair[1].span.from);
        }
    }

    #[test]
    fn differences_of_a_race_add_up_to_its_gap(
        this in any_run(), other in any_run(), over in 0u8..10, other_over in 0u8..10
    ) {
        let mut batch = Batch::new(at(0.0), true);
        let end = events_of("this", &this, over, &mut batch)
            .max(events_of("other", &other, other_over, &mut batch));
        let mut model = Model::new(Retention::default());
        model.receive(batch, |_, _| {});
        let now = at(end);
        let against = [
            Opponent::Run(run(&model, "other")),
            Opponent::Run(run(&model, "this")),
            Opponent::Usual(model.stats()),
        ];
        for opponent in against {
            let race = Race::of(run(&model, "this"), opponent, now);
            prop_assert_eq!(explained(&race), race.gap_ms.unwrap_or(0));
            prop_assert!(race.curve.is_sorted_by_key(|(at, _)| *at));
            let last = race.curve.last().map(|(_, gap)| *gap);
            prop_assert_eq!(last, Some(race.gap_ms.unwrap_or(0)));
        }
        let itself = Race::of(run(&model, "this"), Opponent::Run(run(&model, "this")), now);
        prop_assert!(itself.columns.iter().all(|column| column.difference_ms.unwrap_or(0) == 0));
    }

    #[test]
    fn folding_keeps_the_order_and_can_be_undone(
        busy in prop::collection::vec((0u32..5_000, 0u32..300), 0..30),
        least in 1u64..400_000, length in 1_000.0f64..5_000_000.0, fold in 1_000.0f64..60_000.0,
        instants in prop::collection::vec(0u32..6_000, 2..30)
    ) {
        let spans: Vec<Span> = busy
            .iter()
            .map(|(from, long)| Span::new(at(f64::from(*from)), at(f64::from(from + long))))
            .collect();
        let whole = Span::new(at(0.0), at(5_500.0));
        let idle = idle_stretches(&spans, whole, least);
        for stretch in &idle {
            prop_assert!(stretch.millis() >= least);
            for span in &spans {
                prop_assert!(span.to <= stretch.from || stretch.to <= span.from);
            }
        }
        let back = Axis::back_from(whole.to, length, &idle, fold);
        prop_assert!((back.length() - length).abs() < 2.0, "{} for {length}", back.length());
        for axis in [Axis::folded(whole, &idle, fold), back] {
            let mut sorted = instants.clone();
            sorted.sort_unstable();
            let places: Vec<f64> =
                sorted.iter().map(|secs| axis.place(at(f64::from(*secs)))).collect();
            prop_assert!(places.is_sorted(), "{places:?}");
            for (secs, place) in sorted.iter().zip(&places) {
                let back = axis.time_at(*place).duration_since(at(f64::from(*secs)));
                prop_assert!(back.as_secs_f64().abs() < 0.05, "{secs}: {back}");
            }
        }
    }
}
