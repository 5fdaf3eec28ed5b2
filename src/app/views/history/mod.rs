//! The history: days and weeks of a studio.
//!
//! [`history`](crate::history) has the numbers, and [`HistoryData`] those that are shown. Of the files here,
//! those that end in `_view` have the words and what is drawn, without place and colour; the others draw. The
//! whole is one part of the canvas, drawn again only when something in it differs. It has no meter bridge
//! below it. While the past is shown it goes on telling what is known now, and says so: parts of time hold more
//! than the moment that is shown.

pub mod causes_view;
pub mod durations_view;
pub mod fixes_view;
pub mod history_view;
pub mod period_view;
pub mod runs_view;
pub mod steps_view;

mod causes;
#[cfg(test)]
mod drawing_tests;
mod durations;
mod fixes;
mod foot;
mod header;
mod pen;
mod runs;
mod steps;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bevy::ecs::schedule::ScheduleConfigs;
use bevy::ecs::system::{ScheduleSystem, SystemParam};
use bevy::prelude::*;

use self::history_view::{Around, Body, HistoryView, Numbers};
use self::pen::{Align, Pen, Style};
use crate::app::draw::{Canvas, Face, Part, Rect, end_fault, guarded};
use crate::app::state::auto::Auto;
use crate::app::state::clock::{PlaybackClock, local_zone};
use crate::app::state::history::{Chosen, HistoryAreas, HistoryData, HistoryOrigin, HistoryState};
use crate::app::state::hit::Buttons;
use crate::app::state::link::Link;
use crate::app::state::run_store::RunStore;
use crate::app::state::view::on_history;
use crate::app::state::viewport::Viewport;
use crate::app::theme::Theme;
use crate::director::Mode;
use crate::history::{Last, Summary};
use crate::layout::{CanvasSize, HistoryPlaces, lay_out_history};

/// The part of the canvas, and the name of the buttons.
const PART: &str = "history";

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<HistoryMemory>()
        .init_resource::<HistoryData>()
        .init_resource::<HistoryState>()
        .init_resource::<HistoryAreas>()
        .init_resource::<Buttons>();
}

/// Systems that draw the history or remove it.
pub(super) fn systems() -> ScheduleConfigs<ScheduleSystem> {
    let away = (leave, end_fault("the history")).chain().run_if(not(on_history));
    (away, guarded("the history", draw, forget).run_if(on_history)).chain()
}

/// The history as last drawn.
#[derive(Resource, Default)]
pub(super) struct HistoryMemory {
    cause: Option<Inputs>,
    drawn: Option<Drawn>,
}

/// Inputs of the history; cheap to compare in every frame.
#[derive(Clone, Debug)]
struct Inputs {
    summary: Option<Arc<Summary>>,
    from: HistoryOrigin,
    asked: Last,
    error: Option<String>,
    chosen: Option<Chosen>,
    source: String,
    is_recording: bool,
    is_rewound: bool,
    /// Hour of the server's clock: times of another day have their date.
    hour: i64,
    has_keys: bool,
    viewport: Viewport,
    theme: Theme,
}

impl PartialEq for Inputs {
    fn eq(&self, other: &Self) -> bool {
        let same_summary = match (&self.summary, &other.summary) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        };
        same_summary
            && (self.from, self.asked, &self.error, &self.chosen)
                == (other.from, other.asked, &other.error, &other.chosen)
            && (&self.source, self.is_recording, self.is_rewound, self.hour)
                == (&other.source, other.is_recording, other.is_rewound, other.hour)
            && (self.has_keys, self.viewport, self.theme)
                == (other.has_keys, other.viewport, other.theme)
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Drawn {
    view: HistoryView,
    canvas_size: CanvasSize,
    has_keys: bool,
    theme: Theme,
}

fn leave(
    canvas: ResMut<Canvas>,
    memory: ResMut<HistoryMemory>,
    areas: ResMut<HistoryAreas>,
    buttons: ResMut<Buttons>,
) {
    if memory.cause.is_some() {
        forget(canvas, memory, areas, buttons);
    }
}

/// Removes the history after a panic, whatever it left half done.
pub(super) fn forget(
    mut canvas: ResMut<Canvas>,
    mut memory: ResMut<HistoryMemory>,
    mut areas: ResMut<HistoryAreas>,
    mut buttons: ResMut<Buttons>,
) {
    *memory = HistoryMemory::default();
    *areas = HistoryAreas::default();
    buttons.show(PART, Vec::new());
    canvas.remove(PART);
}

/// Inputs of the picture.
#[derive(SystemParam)]
struct Shown<'w> {
    data: Res<'w, HistoryData>,
    state: Res<'w, HistoryState>,
    run_store: Res<'w, RunStore>,
    link: Res<'w, Link>,
    clock: Res<'w, PlaybackClock>,
    viewport: Res<'w, Viewport>,
    auto: Option<Res<'w, Auto>>,
}

impl Shown<'_> {
    fn now(&self) -> jiff::Timestamp {
        self.run_store.live().clock().server_time(self.clock.live_now)
    }

    fn inputs(&self, theme: Theme, areas: &HistoryAreas) -> Inputs {
        let source = match self.link.source {
            Some(_) => self.link.source_name(),
            None => String::new(),
        };
        Inputs {
            summary: self.data.summary.clone(),
            from: self.data.from,
            asked: self.data.asked,
            error: self.data.error.clone(),
            chosen: self.state.shown(areas).cloned(),
            source,
            is_recording: self.link.is_recording(),
            is_rewound: self.run_store.is_rewound(),
            hour: self.now().as_second().div_euclid(3_600),
            // The director's pill stands in their place, also while a user suspends it.
            has_keys: self.auto.as_ref().is_none_or(|auto| auto.0.mode() == Mode::Off),
            viewport: *self.viewport,
            theme,
        }
    }
}

fn draw(
    mut canvas: ResMut<Canvas>,
    mut memory: ResMut<HistoryMemory>,
    mut areas: ResMut<HistoryAreas>,
    mut buttons: ResMut<Buttons>,
    shown: Shown,
) {
    let inputs = shown.inputs(canvas.theme, &areas);
    if memory.cause.as_ref() == Some(&inputs) {
        return;
    }
    let canvas_size = shown.viewport.canvas_size();
    let places = lay_out_history(&canvas_size);
    let around = Around {
        source: &inputs.source,
        is_recording: inputs.is_recording,
        is_rewound: inputs.is_rewound,
        now: shown.now(),
        zone: &local_zone(),
        chosen: inputs.chosen.as_ref(),
        steps: steps::room(&places),
    };
    let view = HistoryView::of(&shown.data, &around);
    let drawn = Drawn { view, canvas_size, has_keys: inputs.has_keys, theme: canvas.theme };
    memory.cause = Some(inputs);
    if memory.drawn.as_ref() == Some(&drawn) {
        return;
    }
    let part = canvas.redraw(PART);
    buttons.show(PART, header::draw(part, &drawn.view.header, &places));
    let found = match &drawn.view.body {
        Body::Nothing(words) => {
            draw_nothing(part, words, &places);
            HistoryAreas::default()
        }
        Body::Numbers(numbers) => draw_numbers(part, numbers, &places),
    };
    let part_name = match shown.data.asked {
        Last::Hours(_) => "10 minutes",
        Last::Days(..8) => "hour",
        Last::Days(_) => "day",
    };
    let has_keys = drawn.has_keys && matches!(drawn.view.body, Body::Numbers(_));
    foot::draw(part, &drawn.view.foot, &places, part_name, has_keys);
    areas.set_if_neq(found);
    memory.drawn = Some(drawn);
}

fn draw_numbers(part: &mut Part, numbers: &Numbers, at: &HistoryPlaces) -> HistoryAreas {
    let mut pen = Pen { part, k: at.scale };
    let parts = runs::draw(&mut pen, at.runs, &numbers.runs, numbers.part.as_ref());
    durations::draw(&mut pen, at.durations, &numbers.durations, &numbers.runs);
    let chosen = numbers.row.as_ref();
    let mut rows = steps::draw(&mut pen, at.steps, &numbers.steps, &numbers.against, chosen);
    rows.extend(causes::draw(&mut pen, at.causes, &numbers.causes, chosen));
    fixes::draw(&mut pen, at.fixes, &numbers.fixes);
    HistoryAreas { parts, rows }
}

/// Says why there are no numbers.
fn draw_nothing(part: &mut Part, words: &str, at: &HistoryPlaces) {
    let mut pen = Pen { part, k: at.scale };
    let panels = [at.runs, at.durations, at.steps, at.causes, at.fixes];
    let bottom = panels.iter().map(Rect::bottom).fold(0.0, f32::max);
    let middle = ((at.left + at.right) / 2.0, (at.runs.y + bottom) / 2.0);
    let ink = pen.part.palette.text_secondary;
    let style = Style { face: Face::Text500, size: 36.0, ink, align: Align::Middle };
    pen.put(("nothing", 0), words, middle, style, at.right - at.left);
}
