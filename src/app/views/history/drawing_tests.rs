//! Tests of the history on the display: keys, what it draws again, and that it can be drawn at any size without a
//! text over another.

use std::sync::Arc;

use bevy::prelude::*;
use fastrand::Rng;
use jiff::Timestamp;

use super::causes_view::CausesView;
use super::tests::weeks::{now, weeks};
use super::tests::{one_run, small_weeks, store_of, summary_of};
use super::{HistoryMemory, PART};
use crate::app::draw::{Canvas, DrawClock, Faults};
use crate::app::state::actions::{Action, Transport};
use crate::app::state::focus::Focus;
use crate::app::state::history::{Chosen, HistoryAreas, HistoryData, HistoryState, PERIODS};
use crate::app::state::run_store::RunStore;
use crate::app::state::view::View;
use crate::app::state::viewport::Viewport;
use crate::app::test_display::{SCREENS, SIZES, THEMES, display};
use crate::app::text_layout_tests::overlap;
use crate::app::theme::ThemeChoice;
use crate::app::totality_tests::random_model;
use crate::config::ViewName;
use crate::history::Last;
use crate::layout::Rect;
use crate::model::{Model, Retention, RunStatus};
use crate::protocol::Batch;

/// Display that shows the history of a store.
fn showing(run_store: RunStore, now: Timestamp, size_px: (f32, f32)) -> App {
    let mut app = display(ViewName::History, now);
    app.insert_resource(Viewport { size_px: size_px.into(), ..default() })
        .insert_resource(run_store);
    app
}

fn perform(app: &mut App, action: Action) {
    app.world_mut().write_message(action);
    app.update();
}

fn chosen(app: &App) -> Option<Chosen> {
    app.world().resource::<HistoryState>().chosen.clone()
}

#[test]
fn keys_choose_and_enter_opens_the_newest_run_behind_it() {
    let (weeks, run_store) = small_weeks();
    drop(weeks);
    let newest = run_store.model.runs().filter(|run| run.status.is_over());
    let newest = newest.max_by_key(|run| run.counted_end()).unwrap().id().clone();
    let failed = run_store.model.runs().filter(|run| run.status == RunStatus::Failed);
    let failed = failed.max_by_key(|run| run.counted_end()).map(|run| run.id().clone());
    let mut app = showing(run_store, now(), SCREENS[0]);
    app.update();
    perform(&mut app, Action::ChooseRow(1));
    assert_eq!(chosen(&app), Some(Chosen::Step("PLAN".to_owned())));
    perform(&mut app, Action::ChooseRow(-1));
    assert_eq!(chosen(&app), Some(Chosen::Step("PLAN".to_owned())), "there is none before");
    for _ in 0..20 {
        perform(&mut app, Action::ChooseRow(1));
    }
    assert!(matches!(chosen(&app), Some(Chosen::Cause { .. })), "{:?}", chosen(&app));
    perform(&mut app, Action::ChoosePart(-1));
    let last = app.world().resource::<HistoryAreas>().parts.last().unwrap().0.clone();
    assert_eq!(chosen(&app), Some(last));
    perform(&mut app, Action::Back);
    assert_eq!((chosen(&app), *app.world().resource::<View>()), (None, View::History));
    // A step of the newest run.
    perform(&mut app, Action::ChooseRow(1));
    perform(&mut app, Action::OpenSelected);
    assert_eq!(*app.world().resource::<View>(), View::Stage { from_wall: true });
    assert_eq!(app.world().resource::<Focus>().run(), Some(&newest));
    perform(&mut app, Action::ToggleHistory);
    assert_eq!(*app.world().resource::<View>(), View::History);
    // The first day: its runs are gone.
    perform(&mut app, Action::ChoosePart(-1_000));
    perform(&mut app, Action::ChoosePart(-1_000));
    perform(&mut app, Action::OpenSelected);
    assert_eq!(*app.world().resource::<View>(), View::History);
    if let Some(failed) = failed {
        let run = app.world().resource::<RunStore>().model.run(&failed).unwrap();
        let cause = crate::model::FailureCause::of(run).unwrap();
        let cause = crate::history::Cause::of(&cause);
        let row = Chosen::Cause {
            step: cause.step.map(|step| step.to_string()),
            reason: cause.reason.to_string(),
        };
        app.world_mut().resource_mut::<HistoryState>().chosen = Some(row);
        perform(&mut app, Action::OpenSelected);
        assert_eq!(app.world().resource::<Focus>().run(), Some(&failed));
    }
}

#[test]
fn history_opens_over_any_view_and_goes_back_to_it() {
    let timeline = View::named(ViewName::Timeline, false);
    for before in [View::Wall, View::Stage { from_wall: false }, timeline] {
        let mut app = showing(one_run(None), now(), SCREENS[0]);
        app.insert_resource(before);
        app.update();
        for back in [Action::ToggleHistory, Action::Back] {
            perform(&mut app, Action::ToggleHistory);
            assert_eq!(*app.world().resource::<View>(), View::History);
            assert!(!app.world().resource::<Canvas>().words(PART).is_empty());
            perform(&mut app, back);
            assert_eq!(*app.world().resource::<View>(), before);
            assert!(app.world().resource::<Canvas>().words(PART).is_empty());
        }
    }
    let mut app = showing(one_run(None), now(), SCREENS[0]);
    perform(&mut app, Action::Back);
    assert_eq!(*app.world().resource::<View>(), View::Wall);
}

#[test]
fn periods_change_by_pill_and_by_plus_and_minus() {
    let mut app = showing(one_run(None), now(), SCREENS[0]);
    let asked = |app: &App| app.world().resource::<HistoryData>().asked;
    perform(&mut app, Action::ShowPeriod(Last::Days(30)));
    assert_eq!(asked(&app), Last::Days(30));
    perform(&mut app, Action::ZoomTime(-1));
    assert_eq!(asked(&app), Last::Days(90));
    perform(&mut app, Action::ZoomTime(-1));
    assert_eq!(asked(&app), Last::Days(90), "there is no longer one");
    for _ in 0..5 {
        perform(&mut app, Action::ZoomTime(1));
    }
    assert_eq!(asked(&app), Last::Hours(24));
    let data = app.world().resource::<HistoryData>();
    assert_eq!(data.summary.as_ref().unwrap().bucket, "10min");
}

#[test]
fn past_is_told_to_be_that_of_now() {
    let mut app = showing(one_run(None), now(), SCREENS[0]);
    app.update();
    perform(&mut app, Action::Time(Transport::Skip(-10)));
    perform(&mut app, Action::Time(Transport::Skip(-180)));
    let words = app.world().resource::<Canvas>().words(PART);
    let has = |wanted: &str| words.iter().any(|(words, _)| words.contains(wanted));
    assert!(has("these numbers are current"), "{words:?}");
    assert!(has("1 run"), "{words:?}");
}

#[test]
fn history_is_counted_and_drawn_again_only_where_something_changed() {
    let mut app = showing(one_run(None), now(), SCREENS[0]);
    app.update();
    app.update();
    let first = app.world().resource::<HistoryData>().summary.clone().unwrap();
    let drawn = app.world().resource::<Canvas>().views();
    app.world_mut().resource_mut::<DrawClock>().secs += 5.0;
    app.update();
    let second = app.world().resource::<HistoryData>().summary.clone().unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(app.world().resource::<Canvas>().views(), drawn);
    let mut batch = Batch::new(now(), true);
    batch.push_text(&format!(r#"{{"ts":"{}","run_id":"s","phase":"start"}}"#, now()));
    batch.push_text(&format!(r#"{{"ts":"{}","run_id":"s","phase":"fail"}}"#, now()));
    app.world_mut().resource_mut::<RunStore>().receive(batch, |_, _| {});
    app.update();
    let third = app.world().resource::<HistoryData>().summary.clone().unwrap();
    assert_eq!(third.now.runs, 2);
    assert!(app.world().resource::<HistoryMemory>().drawn.is_some());
}

/// Draws a frame and returns what is wrong with it.
fn faults(app: &mut App) -> Vec<String> {
    app.update();
    let caught = app.world().resource::<Faults>().message_of("the history");
    let mut found: Vec<String> =
        caught.into_iter().map(|said| format!("panicked: {said}")).collect();
    let canvas_size = app.world().resource::<Viewport>().canvas_size();
    found.extend(app.world().resource::<Canvas>().faults(canvas_size));
    found
}

/// Returns texts that cover another one or the clock, or leave the screen.
fn misplaced(app: &App) -> Vec<String> {
    let canvas_size = app.world().resource::<Viewport>().canvas_size();
    let canvas = app.world().resource::<Canvas>();
    let names = [PART, "frame", "bridge"];
    let all: Vec<(String, Rect)> = names.into_iter().flat_map(|name| canvas.words(name)).collect();
    let mut found = Vec::new();
    for (place, (text, at)) in all.iter().enumerate() {
        if at.x < -0.5 || at.right() > canvas_size.width + 0.5 || at.y < 0.0 {
            found.push(format!("{text:?} {at:?} leaves the screen"));
        }
        for (other, its) in &all[..place] {
            if overlap(at, its) {
                found.push(format!("{text:?} {at:?} over {other:?} {its:?}"));
            }
        }
    }
    found
}

/// A random choice of what can be chosen.
fn choose_one(app: &mut App, rng: &mut Rng) {
    let areas = app.world().resource::<HistoryAreas>();
    let all: Vec<Chosen> =
        areas.parts.iter().chain(&areas.rows).map(|(chosen, _)| chosen.clone()).collect();
    let chosen = (!all.is_empty()).then(|| all[rng.usize(0..all.len())].clone());
    app.world_mut().resource_mut::<HistoryState>().chosen = chosen;
}

#[test]
fn any_history_is_drawn_at_any_size_in_any_theme() {
    let (_, store) = small_weeks();
    let mut weeks_app = showing(store, now(), SIZES[0]);
    for seed in 0..60_u64 {
        let mut rng = Rng::with_seed(seed);
        let runs = [0, 1, 2, 5, 14, 17, 38, 70][rng.usize(0..8)];
        let nodes = [0, 1, 4, 9, 24, 120, 300][seed as usize % 7];
        let mut of_random;
        let app = match seed % 2 {
            0 => &mut weeks_app,
            _ => {
                let (model, now): (Model, Timestamp) = random_model(&mut rng, runs, nodes);
                of_random = showing(RunStore::of(model), now, SIZES[seed as usize % 12]);
                &mut of_random
            }
        };
        for _ in 0..3 {
            let size = SIZES[rng.usize(0..SIZES.len())];
            let period = PERIODS[rng.usize(0..PERIODS.len())];
            app.insert_resource(ThemeChoice(THEMES[rng.usize(0..3)]))
                .insert_resource(Viewport { size_px: size.into(), ..default() });
            app.world_mut().write_message(Action::ShowPeriod(period));
            let mut found = faults(app);
            choose_one(app, &mut rng);
            found.extend(faults(app));
            let case = format!("seed {seed}, {runs} runs, {nodes} nodes, {size:?}, {period:?}");
            assert!(found.is_empty(), "{case}: {:#?}", &found[..found.len().min(5)]);
        }
    }
}

#[test]
fn no_text_of_the_history_covers_another() {
    let (_, store) = small_weeks();
    let long = "the renderer at 10.0.0.7 refused the job because its queue has been full for more \
                than ten minutes and nobody emptied it";
    let studios = [
        (store, now()),
        (one_run(None), now()),
        (one_run(Some(long)), now()),
        (RunStore::new(Retention::default()), now()),
        (store_of(&weeks(0.6).lines, Retention { runs: 10, ..Retention::default() }), now()),
    ];
    let mut all = Vec::new();
    for (nth, (store, now)) in studios.into_iter().enumerate() {
        let mut rng = Rng::with_seed(nth as u64);
        let mut app = showing(store, now, SCREENS[0]);
        for size in SCREENS {
            for period in PERIODS {
                app.insert_resource(ThemeChoice(THEMES[rng.usize(0..3)]))
                    .insert_resource(Viewport { size_px: size.into(), ..default() });
                app.world_mut().write_message(Action::ShowPeriod(period));
                app.update();
                for _ in 0..4 {
                    let found = misplaced(&app);
                    let chosen = chosen(&app);
                    let case = format!("studio {nth}, {size:?}, {period:?}, {chosen:?}");
                    all.extend(found.into_iter().map(|fault| format!("{case}: {fault}")));
                    choose_one(&mut app, &mut rng);
                    app.update();
                }
            }
        }
    }
    assert!(all.is_empty(), "{} faults: {:#?}", all.len(), &all[..all.len().min(20)]);
}

#[test]
fn long_causes_stay_in_their_panel() {
    let long = "x".repeat(3_000);
    let mut app = showing(one_run(Some(&long)), now(), SCREENS[1]);
    let found = faults(&mut app);
    assert!(found.is_empty(), "{found:?}");
    let words = app.world().resource::<Canvas>().words(PART);
    let (cause, at) = words.iter().find(|(words, _)| words.starts_with("xxx")).unwrap();
    assert!(cause.ends_with('…') && at.right() < 1_620.0, "{at:?}");
    let summary = summary_of(app.world().resource::<RunStore>(), Last::Days(7));
    assert_eq!(CausesView::of(&summary).rows[0].step, "RENDER");
}
