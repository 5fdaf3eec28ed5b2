//! *Attempts of this song*: its runs as rows, the newest first.

use bevy_egui::egui::{ScrollArea, Sense, Ui, pos2, vec2};

use super::part::{Head, Mark, ROW, Side, head_ui, paint_cell, row_ui};
use super::state::InspectorState;
use super::view::InspectorView;
use super::words::elapsed_words;
use crate::app::panel::glyph::Sign;
use crate::app::panel::style::{self, text};
use crate::app::state::actions::Action;
use crate::app::state::run_view::verdicts;
use crate::app::state::status::run_status_words;
use crate::app::words::{number_words, one_line, time_words};
use crate::model::{Run, RunStatus, failure_words, final_score};

/// Rows that are shown before they scroll.
const MOST_ROWS: usize = 8;

/// Right edges and widths of the columns, in points from the left edge of the rows.
struct Columns {
    started: f32,
    took_to: f32,
    ended: f32,
    ended_room: f32,
    /// `None` where there is no room for the seed.
    seed_to: Option<f32>,
    score_to: f32,
}

impl Columns {
    fn of(width: f32) -> Self {
        let score_to = width;
        // The seed leaves first.
        let seed_to = (width >= 410.0).then_some(width - 60.0);
        let ended = 168.0;
        let ended_to = seed_to.map_or(width - 50.0, |to| to - 66.0);
        Self {
            started: 34.0,
            took_to: 156.0,
            ended,
            ended_room: (ended_to - ended - 22.0).max(0.0),
            seed_to,
            score_to,
        }
    }
}

/// A run of the song, in words.
struct AttemptRow {
    number: String,
    started: String,
    took: String,
    ended: String,
    reason: String,
    seed: String,
    score: String,
    is_refused: bool,
}

impl AttemptRow {
    fn of(view: &InspectorView, run: &Run, number: usize) -> Self {
        let dash = || "–".to_owned();
        let begun = run.started_at.or(run.created_at).map(|_| run.begun_at());
        let node = match run.status {
            RunStatus::Failed => run.failed_node(),
            RunStatus::Running | RunStatus::Cancelled => run.current_node(),
            RunStatus::Pending | RunStatus::Completed => None,
        };
        let status = run_status_words(run.status);
        let ended = match (run.status, node) {
            (RunStatus::Running, Some(node)) => format!("at {}", node.name),
            (_, Some(node)) => node.name.to_string(),
            (_, None) => status.to_owned(),
        };
        let reason = failure_words(run).map(|(_, reason)| one_line(&reason)).unwrap_or_default();
        let is_refused = verdicts(run).last().is_some_and(|it| it.passed == Some(false));
        Self {
            number: number.to_string(),
            started: begun.map_or_else(dash, |at| time_words(at, view.zone)),
            took: elapsed_words(run, view.server_now).1,
            ended,
            reason,
            seed: run.seed.map_or_else(dash, |seed| seed.to_string()),
            score: final_score(run).map_or_else(dash, number_words),
            is_refused,
        }
    }

    /// Words for a screen reader.
    fn label(&self, run: &Run) -> String {
        let status = run_status_words(run.status);
        let place = if self.ended == status { String::new() } else { format!(" {}", self.ended) };
        format!(
            "attempt {}, started {}, {}, {status}{place}, seed {}, score {}",
            self.number, self.started, self.took, self.seed, self.score
        )
    }
}

/// Shows the section; returns the requested actions.
pub(super) fn attempts_ui(
    ui: &mut Ui,
    view: &InspectorView,
    run: &Run,
    state: &mut InspectorState,
) -> Vec<Action> {
    let mut actions = Vec::new();
    let palette = style::palette(ui.ctx());
    let runs = view.run_store.numbered_song_runs(run);
    let finished = runs.iter().filter(|(_, run)| run.status == RunStatus::Completed).count();
    let finished = match finished {
        0 => "none finished".to_owned(),
        finished => format!("{finished} finished"),
    };
    let sum = match run.song_id {
        Some(_) => format!("{}, {finished}", runs.len()),
        None => String::new(),
    };
    let tone = palette.text_secondary;
    let head = Head { title: "Attempts of this song", preview: "", sum: &sum, tone };
    head_ui(ui, &mut state.open.attempts, &head);
    if !state.open.attempts {
        return actions;
    }
    if run.song_id.is_none() {
        super::part::quiet_ui(ui, "The run names no song, so other attempts are not known.");
        return actions;
    }
    let columns = Columns::of(ui.available_width());
    heads(ui, &columns);
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ScrollArea::vertical()
            .id_salt("attempts")
            .max_height(MOST_ROWS as f32 * ROW)
            .auto_shrink([false, true])
            .show_rows(ui, ROW, runs.len(), |ui, rows| {
                for row in rows {
                    let (number, listed) = runs[runs.len() - 1 - row];
                    let is_own = listed.id() == run.id();
                    if attempt_ui(ui, view, listed, number, &columns, is_own) && !is_own {
                        actions.push(Action::SelectRun(listed.id().clone()));
                    }
                }
            });
    });
    actions
}

fn heads(ui: &mut Ui, columns: &Columns) {
    let palette = style::palette(ui.ctx());
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 20.0), Sense::hover());
    let (y, left) = (rect.center().y, rect.left());
    let put = |side: Side, words: &str| {
        let side = match side {
            Side::From(x) => Side::From(left + x),
            Side::To(x) => Side::To(left + x),
        };
        let font = style::body(text::SMALL);
        paint_cell(ui, side, (y, 80.0), words, font, palette.text_tertiary);
    };
    put(Side::From(0.0), "no");
    put(Side::From(columns.started), "started");
    put(Side::To(columns.took_to), "took");
    put(Side::From(columns.ended), "ended");
    if let Some(seed_to) = columns.seed_to {
        put(Side::To(seed_to), "seed");
    }
    put(Side::To(columns.score_to), "score");
}

/// Shows the row of a run; returns true when it was pressed.
fn attempt_ui(
    ui: &mut Ui,
    view: &InspectorView,
    run: &Run,
    number: usize,
    columns: &Columns,
    is_own: bool,
) -> bool {
    let palette = style::palette(ui.ctx());
    let words = AttemptRow::of(view, run, number);
    let label = words.label(run);
    let mark = if is_own { Mark::Selected } else { Mark::None };
    let (rect, response) = row_ui(ui, run.id().as_str(), mark, &label);
    let (y, left) = (rect.center().y, rect.left());
    let strong = palette.text;
    let plain = if is_own { palette.text } else { palette.text_secondary };
    let sign = Sign::from(run.status);
    let ended_tone = match run.status {
        _ if is_own => palette.text,
        RunStatus::Completed => palette.text_secondary,
        _ => sign.text_colour(palette),
    };
    let score_tone = if words.is_refused && !is_own { palette.failed_text } else { strong };
    let (body, bold) = (|| style::body(15.0), || style::semibold(15.0));
    let side = Side::From(left);
    paint_cell(ui, side, (y, columns.started - 4.0), &words.number, bold(), strong);
    let side = Side::From(left + columns.started);
    paint_cell(ui, side, (y, 70.0), &words.started, body(), plain);
    let side = Side::To(left + columns.took_to);
    paint_cell(ui, side, (y, 50.0), &words.took, bold(), strong);
    sign.paint(ui.painter(), pos2(left + columns.ended + 8.0, y), 7.0);
    let ended = match words.reason.as_str() {
        "" => words.ended.clone(),
        // Only wide panes have room for the reason.
        reason if columns.ended_room > 200.0 => format!("{}: {reason}", words.ended),
        _ => words.ended.clone(),
    };
    let side = Side::From(left + columns.ended + 22.0);
    paint_cell(ui, side, (y, columns.ended_room), &ended, style::semibold(14.5), ended_tone);
    if let Some(seed_to) = columns.seed_to {
        paint_cell(ui, Side::To(left + seed_to), (y, 62.0), &words.seed, body(), plain);
    }
    let side = Side::To(left + columns.score_to);
    paint_cell(ui, side, (y, 48.0), &words.score, bold(), score_tone);
    let clicked = response.clicked();
    response.on_hover_ui(|ui| {
        ui.label(view.run_store.name(run));
        ui.weak(format!("run {}", crate::text::name(run.id())));
        if let Some(seed) = run.seed {
            ui.weak(format!("seed {seed}"));
        }
        if !words.reason.is_empty() {
            ui.label(&words.reason);
        }
    });
    clicked
}
