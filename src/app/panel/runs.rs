//! Section of the panel with the list of runs: search, filter, selection.

use bevy_egui::egui::{
    Button, ComboBox, RichText, ScrollArea, Sense, Ui, WidgetInfo, WidgetType, vec2,
};
use jiff::Timestamp;

use super::glyph::Sign;
use super::run_words::{elapsed_ms, place_words, run_tip_ui};
use super::style::{self, ink, space, text};
use super::widgets::{self, elided, paint_line, paint_line_to, search_ui, section_ui};
use crate::app::state::actions::{Action, ActionEntry};
use crate::app::state::focus::{Focus, listed_runs};
use crate::app::state::run_store::RunStore;
use crate::app::state::status::run_status_words;
use crate::app::words::{clock_words, count_words};
use crate::model::{EstimateErrors, Run, RunStatus};
use crate::protocol::RunId;

/// Number of runs up to which every change of the model updates the list; above it at most every
/// [`REFRESH_SECS`] seconds.
const CHEAP_RUNS: usize = 300;
const REFRESH_SECS: f64 = 0.25;

/// Number of past estimates from which on their errors are shown.
const LEAST_ESTIMATES: usize = 10;

/// Search text and filter, with the list of matching runs.
#[derive(Clone, Debug, Default)]
pub(super) struct RunList {
    search: String,
    status: Option<RunStatus>,
    found: Vec<RunId>,
    /// Inputs that `found` was made from.
    made_from: Option<ListInputs>,
}

#[derive(Clone, Debug, PartialEq)]
struct ListInputs {
    generation: u64,
    search: String,
    status: Option<RunStatus>,
    at_secs: f64,
}

impl RunList {
    /// Updates the list if the model or the filters have changed.
    fn refresh(&mut self, run_store: &RunStore, now_secs: f64) {
        let search = self.search.trim().to_lowercase();
        if let Some(made) = &self.made_from
            && made.search == search
            && made.status == self.status
        {
            let soon = run_store.model.len() > CHEAP_RUNS
                && (0.0..REFRESH_SECS).contains(&(now_secs - made.at_secs));
            if made.generation == run_store.generation || soon {
                return;
            }
        }
        self.found.clear();
        let matching = |run: &&&Run| {
            self.status.is_none_or(|status| run.status == status) && matches(run, &search)
        };
        let runs = listed_runs(run_store);
        self.found.extend(runs.iter().filter(matching).map(|run| run.id().clone()));
        self.made_from = Some(ListInputs {
            generation: run_store.generation,
            search,
            status: self.status,
            at_secs: now_secs,
        });
    }
}

/// True when the title, an id or the seed of a run contains `search`, which is in lower case.
fn matches(run: &Run, search: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(search);
    search.is_empty()
        || has(run.id())
        || run.song_title.as_deref().is_some_and(has)
        || run.song_id.as_deref().is_some_and(has)
        || run.seed.is_some_and(|seed| seed.to_string().contains(search))
}

pub(super) fn runs_ui(
    ui: &mut Ui,
    run_store: &RunStore,
    focus: &Focus,
    server_now: Timestamp,
    visible_rows: usize,
    open: &mut bool,
    list: &mut RunList,
) -> Vec<Action> {
    let mut actions = Vec::new();
    list.refresh(run_store, ui.input(|input| input.time));
    let (found, all) = (list.found.len(), run_store.model.len());
    section_ui(ui, open, "Runs", |ui| {
        let filtered = list.status.is_some() || !list.search.trim().is_empty();
        let all_words = count_words(all as u64);
        let count = match filtered {
            true => format!("{} of {all_words}", count_words(found as u64)),
            false => all_words,
        };
        ui.weak(count);
        if focus.run().is_some() {
            following_ui(ui, focus, &mut actions);
        }
    });
    if !*open {
        return actions;
    }
    filters_ui(ui, list);
    if list.found.is_empty() {
        let sentence = if all == 0 { "No runs yet." } else { "No matching runs" };
        ui.weak(sentence);
        return actions;
    }
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ScrollArea::vertical()
            .id_salt("runs")
            .max_height(visible_rows as f32 * space::ROW)
            .min_scrolled_height(visible_rows as f32 * space::ROW)
            .auto_shrink([false, true])
            .show_rows(ui, space::ROW, list.found.len(), |ui, rows| {
                for row in rows {
                    let Some(run) = list.found.get(row).and_then(|id| run_store.model.run(id))
                    else {
                        // Dropped since the list was made: its row stays empty until the next update.
                        ui.allocate_space(vec2(ui.available_width(), space::ROW));
                        continue;
                    };
                    let selected = focus.run() == Some(run.id());
                    if run_ui(ui, run_store, run, selected, row, server_now) {
                        actions.push(Action::SelectRun(run.id().clone()));
                    }
                }
            });
    });
    estimates_ui(ui, &run_store.model.estimate_errors());
    actions
}

/// Shows how wrong estimates of the time to go were; nothing before there were ten.
fn estimates_ui(ui: &mut Ui, errors: &[EstimateErrors]) {
    let lines: Vec<String> = errors.iter().filter_map(estimate_error_words).collect();
    let Some(halfway) = lines.get(lines.len() / 2) else { return };
    ui.add_space(space::GAP);
    ui.weak(halfway).on_hover_text(lines.join("\n"));
}

/// Errors of past estimates in words; `None` before there were ten.
fn estimate_error_words(errors: &EstimateErrors) -> Option<String> {
    let EstimateErrors { percent, samples, p50_ms, p90_ms, without } = *errors;
    if samples < LEAST_ESTIMATES {
        return None;
    }
    let place = if percent == 50 { "halfway".to_owned() } else { format!("at {percent} %") };
    let [half, most] = [p50_ms, p90_ms].map(|millis| clock_words(millis.max(1_000)));
    let without = match without {
        0 => String::new(),
        without => format!(", {} without an estimate", count_words(without as u64)),
    };
    Some(format!(
        "Estimate error {place}: median {half}, 90 % within {most} ({} runs{without})",
        count_words(samples as u64)
    ))
}

/// Shows whether the stage follows the newest run, and toggles it.
fn following_ui(ui: &mut Ui, focus: &Focus, actions: &mut Vec<Action>) {
    let palette = style::palette(ui.ctx());
    let (words, tip) = if focus.is_following() {
        ("following", "Pin this run")
    } else {
        ("Pinned", "Follow the newest run")
    };
    let tone = if focus.is_following() { palette.violet_text } else { palette.text };
    let pill = Button::new(RichText::new(words).font(style::body(text::SMALL)).color(ink(tone)))
        .corner_radius(13)
        .min_size(vec2(0.0, 26.0))
        .selected(focus.is_following());
    if ui.add(pill).on_hover_text(ActionEntry::with_keys(tip, &Action::ToggleFollowing)).clicked() {
        actions.push(Action::ToggleFollowing);
    }
}

fn filters_ui(ui: &mut Ui, list: &mut RunList) {
    ui.horizontal(|ui| {
        let width = ui.available_width() - 140.0 - space::GAP;
        search_ui(ui, &mut list.search, "Search title, id or seed", width);
        let words = |status: Option<RunStatus>| status.map_or("All statuses", run_status_words);
        let response = ComboBox::from_id_salt("run states")
            .width(140.0)
            .selected_text(words(list.status))
            .show_ui(ui, |ui| {
                ui.selectable_value(&mut list.status, None, words(None));
                for status in RunStatus::ALL {
                    ui.selectable_value(&mut list.status, Some(status), words(Some(status)));
                }
            })
            .response;
        widgets::set_accessible_name(&response, "Filter by status");
    });
}

/// Shows a run's row; returns true when it was clicked.
fn run_ui(
    ui: &mut Ui,
    run_store: &RunStore,
    run: &Run,
    selected: bool,
    row: usize,
    server_now: Timestamp,
) -> bool {
    let palette = style::palette(ui.ctx());
    let size = vec2(ui.available_width(), space::ROW);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let response = ui.interact(rect, ui.id().with(run.id().as_str()), Sense::click());
    let title = run_store.name(run);
    let short_id = run_store.short_id(run.id());
    let place = place_words(run);
    let elapsed = elapsed_ms(run, server_now).map_or("–".to_owned(), clock_words);
    response.widget_info(|| {
        let status = run_status_words(run.status);
        let label = format!("{title}, {short_id}, {status}, {place}, {elapsed}");
        WidgetInfo::selected(WidgetType::SelectableLabel, true, selected, label)
    });
    let back = rect.shrink2(vec2(0.0, 1.0));
    if selected {
        ui.painter().rect_filled(back, 5.0, ink(palette.selection));
    } else if response.hovered() {
        ui.painter().rect_filled(back, 5.0, ink(palette.hover));
    } else if row % 2 == 1 {
        ui.painter().rect_filled(back, 5.0, ink(palette.card));
    }
    widgets::focus_ring(ui, &response, back);

    let sign = Sign::from(run.status);
    let y = rect.center().y;
    sign.paint(ui.painter(), rect.left_center() + vec2(16.0, 0.0), 8.5);
    let width = rect.width();
    let (id_x, place_x) = (rect.left() + width * 0.37, rect.left() + width * 0.61);
    let name = elided(ui, &title, style::semibold(text::BODY), palette.text, width * 0.37 - 44.0);
    paint_line(ui, rect.left() + 34.0, y, name);
    let id_tone = if selected { palette.text_secondary } else { palette.text_tertiary };
    let id_font = style::mono(text::MONO);
    let id = elided(ui, &short_id, id_font, id_tone, width * 0.24 - 8.0);
    paint_line(ui, id_x, y, id);
    let place_tone = match run.status {
        RunStatus::Running | RunStatus::Completed if selected => palette.text,
        _ => sign.text_colour(palette),
    };
    let place = elided(ui, place, style::body(text::BODY), place_tone, width * 0.39 - 72.0);
    paint_line(ui, place_x, y, place);
    let elapsed = elided(ui, &elapsed, style::mono(text::MONO), palette.text, 80.0);
    paint_line_to(ui, rect.right() - 8.0, y, elapsed);

    let clicked = response.clicked();
    response.on_hover_ui(|ui| run_tip_ui(ui, run_store, run));
    clicked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panel::testing::{frame, harness, receive, run_store};
    use crate::app::state::clock::local_zone;
    use egui_kittest::kittest::Queryable;

    struct Scene {
        run_store: RunStore,
        focus: Focus,
        list: RunList,
        actions: Vec<Action>,
    }

    impl Scene {
        fn new() -> Self {
            let neon = r#"{"song_title":"Neon Rain","global_seed":42}"#;
            let glass = r#"{"song_title":"Glass Harbour","song_id":"song-7"}"#;
            let frames = [
                frame(0, "run-1", None, "start", neon),
                frame(1, "run-2", None, "start", glass),
                frame(2, "run-2", Some("PLAN"), "start", "{}"),
                frame(3, "run-1", None, "end", "{}"),
            ];
            let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
            let mut focus = Focus::new(Some("run-2".into()));
            focus.toggle_following();
            Self { run_store: run_store(&frames), focus, list: RunList::default(), actions: vec![] }
        }

        fn show(&mut self, ui: &mut Ui) {
            let now = "2025-11-13T10:02:16Z".parse().unwrap();
            let Self { run_store, focus, list, .. } = self;
            let actions = runs_ui(ui, run_store, focus, now, 5, &mut true, list);
            self.actions.extend(actions);
        }
    }

    #[test]
    fn click_on_a_row_selects_the_run() {
        let mut harness = harness(Scene::new(), |ui, scene| scene.show(ui));
        harness.get_by_label("Glass Harbour, run-2, running, PLAN, 2:15").click();
        harness.run();
        assert_eq!(harness.state().actions, [Action::SelectRun("run-2".into())]);
    }

    #[test]
    fn rows_of_runs_that_look_alike_differ() {
        let mut scene = Scene::new();
        let glass = r#"{"song_title":"Glass Harbour"}"#;
        receive(
            &mut scene.run_store,
            &[
                &frame(10, "nightly-build-linux-0001", None, "start", "{}"),
                &frame(11, "nightly-build-macos-0001", None, "start", "{}"),
                &frame(63, "run-4", None, "start", glass),
            ],
        );
        let zone = local_zone();
        let minute = |at: &str| {
            at.parse::<Timestamp>().unwrap().to_zoned(zone.clone()).strftime("%H:%M").to_string()
        };
        let (first, second) = (minute("2025-11-13T10:00:01Z"), minute("2025-11-13T10:01:03Z"));
        let harness = harness(scene, |ui, scene| scene.show(ui));
        harness.get_by_label("…linux…, …linux…, running, running, 2:06");
        harness.get_by_label("…macos…, …macos…, running, running, 2:05");
        harness.get_by_label(&format!("{first} · Glass Harbour, run-2, running, PLAN, 2:15"));
        harness.get_by_label(&format!("{second} · Glass Harbour, run-4, running, running, 1:13"));
        harness.get_by_label("Neon Rain, run-1, finished, finished, 0:03");
    }

    #[test]
    fn following_button_toggles_following() {
        let mut harness = harness(Scene::new(), |ui, scene| scene.show(ui));
        harness.get_by_label("following").click();
        harness.run();
        assert_eq!(harness.state().actions, [Action::ToggleFollowing]);
        harness.state_mut().focus.pin("run-1".into());
        harness.step();
        assert!(harness.query_by_label("Pinned").is_some());
    }

    #[test]
    fn search_covers_titles_ids_and_seeds() {
        let scene = Scene::new();
        let check = |search: &str, status, expected: &[&str]| {
            let mut list = RunList { search: search.to_owned(), status, ..RunList::default() };
            list.refresh(&scene.run_store, 0.0);
            assert_eq!(list.found, expected, "{search}");
        };
        check("", None, &["run-2", "run-1"]);
        check(" NEON", None, &["run-1"]);
        check("song-7", None, &["run-2"]);
        check("42", None, &["run-1"]);
        check("run-", Some(RunStatus::Completed), &["run-1"]);
        check("nothing", None, &[]);
    }

    #[test]
    fn short_list_updates_with_the_model() {
        let mut scene = Scene::new();
        scene.list.refresh(&scene.run_store, 0.0);
        assert_eq!(scene.list.found.len(), 2);
        receive(&mut scene.run_store, &[&frame(9, "run-3", None, "start", "{}")]);
        scene.list.refresh(&scene.run_store, 0.01);
        assert_eq!(scene.list.found, ["run-3", "run-2", "run-1"]);
    }

    #[test]
    fn long_list_updates_at_most_every_quarter_second() {
        let mut scene = Scene::new();
        let starts = |from: u32, to: u32| -> Vec<String> {
            (from..to).map(|n| frame(n % 3600, &format!("r{n}"), None, "start", "{}")).collect()
        };
        let frames = starts(0, 400);
        receive(&mut scene.run_store, &frames.iter().map(String::as_str).collect::<Vec<_>>());
        scene.list.refresh(&scene.run_store, 10.0);
        assert_eq!(scene.list.found.len(), 402);
        let frames = starts(400, 401);
        receive(&mut scene.run_store, &frames.iter().map(String::as_str).collect::<Vec<_>>());
        scene.list.refresh(&scene.run_store, 10.1);
        assert_eq!(scene.list.found.len(), 402);
        scene.list.refresh(&scene.run_store, 10.3);
        assert_eq!(scene.list.found.len(), 403);
    }
}
