//! The timeline where not everything is known: runs without news, steps that were not seen, and the
//! time before the first event; and which runs and differences it names.

use jiff::tz::TimeZone;
use meterbridge::app::state::clock::PlaybackClock;
use meterbridge::app::state::run_store::RunStore;
use meterbridge::app::state::timeline::{Against, TimelineState};
use meterbridge::app::views::timeline::bar::BarKind;
use meterbridge::app::views::timeline::runs_view::{
    AHEAD, CellKind, RowEnd, RunRow, RunsView, minutes_words,
};
use meterbridge::protocol::RunId;

use super::super::support::{event, feed, headless_app, pass, play_scene};
use super::{ended, focused, lanes, race, row, run_of, runs};

#[test]
fn a_run_without_news_ends_at_its_last_event_and_is_not_next() {
    let mut app = headless_app();
    play_scene(&mut app, "mid-run");
    let id = focused(&app).unwrap();
    let heard_at = {
        let model = &app.world().resource::<RunStore>().model;
        model.run(&RunId::new(&id)).unwrap().last_event_at()
    };
    let before = runs(&app, 14);
    assert_eq!(before.rows.iter().filter(|row| row.is_next).count(), 1);
    assert_eq!(row(&before, &id).unheard, None);
    pass(&mut app, 31);
    let after = runs(&app, 14);
    let silent = row(&after, &id);
    assert!(after.rows.iter().all(|row| !row.is_next), "all three are without news");
    assert_eq!(silent.value, "–");
    assert_eq!(silent.cells.last().unwrap().span.to, heard_at);
    assert_eq!(silent.unheard.map(|span| (span.from, span.to)), Some((heard_at, after.now)));
    let view = lanes(&app);
    assert_eq!((view.silent_since, view.likely_end), (Some(heard_at), None));
    let (view, _) = race(&app, &id, Against::LastSuccess);
    let lane = &view.lanes[0];
    assert_eq!(lane.unheard.map(|(from, _)| from), lane.bars.last().map(|bar| bar.to));
    assert_eq!((lane.words.as_str(), view.likely_ms), ("", None));
}

#[test]
fn next_is_looked_for_among_all_runs() {
    let mut app = headless_app();
    play_scene(&mut app, "wall-12");
    let view = runs(&app, 14);
    let next: Vec<&RunRow> = view.rows.iter().filter(|row| row.is_next).collect();
    assert_eq!(next.len(), 1);
    for room in 1..14 {
        for row in runs(&app, room).rows {
            assert_eq!(row.is_next, row.id == next[0].id, "{room} rows");
        }
    }
}

#[test]
fn an_old_run_has_a_row_when_the_view_is_moved_back_to_it() {
    let mut app = headless_app();
    let mut events = run_of("old", "Low Sun", -1_500, &[("PLAN", 60)]);
    events.push(event("old", None, "end", -1_440));
    for number in 0..30 {
        let id = format!("short-{number:02}");
        events.extend(run_of(&id, &id, -200 + number, &[("PLAN", 1)]));
        events.push(event(&id, None, "end", -190 + number));
    }
    feed(&mut app, events);
    assert!(runs(&app, 14).rows.iter().all(|row| row.id != *"old"));
    app.world_mut().resource_mut::<TimelineState>().back_ms = 20.0 * 60_000.0;
    let view = runs(&app, 14);
    assert_eq!((view.rows.len(), view.in_time), (1, 1));
    assert_eq!(row(&view, "old").value, "1:00");
}

#[test]
fn a_zoom_that_was_chosen_stays_when_the_view_is_made_again() {
    let mut app = headless_app();
    feed(&mut app, run_of("a", "Neon Rain", -270, &[("PLAN", 60)]));
    app.world_mut().resource_mut::<TimelineState>().zoom = Some(-1);
    let world = app.world();
    let (run_store, state) = (world.resource::<RunStore>(), world.resource::<TimelineState>());
    let now = world.resource::<PlaybackClock>().server_now;
    let mut before = None;
    for _ in 0..3 {
        let form = (14, 1_290.0, AHEAD);
        let view = RunsView::of(run_store, state, form, before, (now, &TimeZone::UTC));
        assert_eq!((view.fitting, view.minutes), (5, 15));
        before = Some(view.fitting);
    }
}

#[test]
fn steps_that_were_not_seen_have_an_unknown_time_in_a_race() {
    let mut app = headless_app();
    play_scene(&mut app, "unknown-start");
    let id = focused(&app).unwrap();
    let (view, header) = race(&app, &id, Against::LastSuccess);
    assert_eq!((view.columns[0].name.as_str(), view.columns[0].this.as_str()), ("PLAN", "?"));
    assert_eq!(view.note, "Not all steps of both runs were seen.");
    assert!(header.starts_with("no gap yet"), "{header}");
}

#[test]
fn the_first_of_the_queue_is_next_in_line_and_the_oldest_keep_their_rows() {
    let mut app = headless_app();
    let waits = |number: i64| format!("waits-{number:02}");
    feed(&mut app, (0..20).map(|number| event(&waits(number), None, "info", -100 + number)));
    let view = runs(&app, 5);
    let told: Vec<(String, &RowEnd)> =
        view.rows.iter().map(|row| (row.id.to_string(), &row.end)).collect();
    let words = |words: &str| RowEnd::Queued(words.to_owned());
    let (first, other) = (words("queued, next in line"), words("queued"));
    assert_eq!(told[0], (waits(0), &first));
    for number in 1..5 {
        assert_eq!(told[number as usize], (waits(number), &other));
    }
}

#[test]
fn no_time_is_shown_before_the_first_event() {
    let mut app = headless_app();
    feed(&mut app, run_of("a", "Neon Rain", -200, &[("PLAN", 60)]));
    let view = runs(&app, 14);
    let begun = view.now - jiff::SignedDuration::from_secs(200);
    let from = view.axis.span().from;
    assert!(from.duration_since(begun).as_secs().abs() <= 1, "{from}");
    assert_eq!((view.shown_ms, view.most_back_ms), (360_000.0, 0.0), "the scale is as before");
    assert_eq!(minutes_words(&view), "last 3 min");
}

#[test]
fn a_run_known_only_by_its_end_has_no_usual_time_and_an_unsure_bar() {
    let mut app = headless_app();
    let mut events = run_of("done", "Low Sun", -280, &[("PLAN", 5), ("STYLE", 5)]);
    events.push(event("done", None, "end", -250));
    events.push(event("end-only", None, "end", -100));
    events.push(event("step", Some("LYRICS"), "end", -20));
    feed(&mut app, events);
    let view = runs(&app, 14);
    assert!(row(&view, "done").usual.is_some());
    assert_eq!(row(&view, "end-only").usual, None);
    assert_eq!(row(&view, "step").cells[0].kind, CellKind::Unsure);
    let (view, _) = race(&app, "step", Against::LastSuccess);
    assert_eq!(view.lanes[0].bars[0].kind, BarKind::Unsure);
}

#[test]
fn words_of_the_time_shown_are_right_with_folds_and_when_moved() {
    let mut app = headless_app();
    let all = [("PLAN", 30), ("STYLE", 30)];
    let mut events = run_of("early", "Low Sun", -9_000, &all);
    events.push(event("early", None, "end", -8_940));
    events.extend(run_of("late", "Kite Season", -60, &all));
    feed(&mut app, events);
    assert_eq!(minutes_words(&runs(&app, 14)), "last 2 h 30 min");
    let more = |number| run_of(&format!("more-{number}"), "Kite Season", -60, &all);
    feed(&mut app, (0..14).flat_map(more).collect::<Vec<_>>());
    assert_eq!(minutes_words(&runs(&app, 14)), "last 1 minute", "all rows are taken");
    // The 12 s ahead are moved out of sight first.
    app.world_mut().resource_mut::<TimelineState>().back_ms = 42_000.0;
    let words = minutes_words(&runs(&app, 14));
    assert!(words.ends_with(", up to 30 s ago"), "{words}");
}

#[test]
fn the_largest_difference_of_a_race_is_named_wherever_it_is() {
    let mut app = headless_app();
    let all = [
        ("PLAN", 2),
        ("STYLE", 2),
        ("LYRICS", 2),
        ("PRODUCER", 2),
        ("COMPOSE", 2),
        ("VALIDATE", 2),
        ("FIX", 4),
        ("COMPOSE", 4),
        ("VALIDATE", 4),
    ];
    let mut events = run_of("good", "Neon Rain", -900, &all);
    events.push(event("good", None, "end", -870));
    events.extend(run_of("same", "Neon Rain", -800, &all));
    events.push(event("same", Some("RENDER"), "start", -776));
    events.push(event("same", None, "fail", -770));
    events.extend(run_of("unfixed", "Neon Rain", -700, &all[..6]));
    events.push(event("unfixed", Some("RENDER"), "start", -688));
    events.push(event("unfixed", None, "fail", -680));
    events.extend(run_of("waited", "Neon Rain", -600, &all[..1]));
    events.push(event("waited", Some("STYLE"), "start", -588));
    events.push(ended("waited", "STYLE", -586, 2));
    events.push(event("waited", None, "fail", -580));
    events.extend(run_of("unseen", "Neon Rain", -500, &[]));
    events.push(event("unseen", Some("PLAN"), "end", -495));
    events.extend(all[1..6].iter().flat_map(|(node, _)| {
        [event("unseen", Some(node), "start", -490), event("unseen", Some(node), "end", -489)]
    }));
    events.push(event("unseen", Some("RENDER"), "start", -480));
    feed(&mut app, events);
    let (_, header) = race(&app, "same", Against::LastSuccess);
    assert_eq!(header, "level with the last success 0.0 s");
    let words = |found: &Option<(String, u64)>| found.clone().map(|(words, _)| words);
    let (view, _) = race(&app, "unfixed", Against::LastSuccess);
    assert_eq!(words(&view.won).as_deref(), Some("fix 1 0:12 faster"));
    let (view, _) = race(&app, "waited", Against::LastSuccess);
    assert_eq!(words(&view.lost).as_deref(), Some("between the steps 0:10 slower"));
    let (view, _) = race(&app, "unseen", Against::LastSuccess);
    let fix = view.columns.iter().find(|column| column.name == "fix 1").unwrap();
    assert_eq!(fix.difference, "–", "it will not come");
}

#[test]
fn the_lane_of_a_race_ends_with_the_estimate_or_says_nothing() {
    let mut app = headless_app();
    play_scene(&mut app, "mid-run");
    let id = focused(&app).unwrap();
    let (view, _) = race(&app, &id, Against::LastSuccess);
    let likely = meterbridge::app::words::clock_words(view.likely_ms.unwrap());
    assert_eq!(view.lanes[0].words, format!("likely end {likely}"));
}
