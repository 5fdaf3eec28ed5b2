//! Guard around systems that draw: a panic in one of them costs its view until the next try, and not the
//! program. Nothing should panic; this limits the damage of a fault that no test found.
//!
//! A page cannot catch panics. There the page's card has the message (`platform/browser/events.rs`).

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bevy::ecs::prelude::*;
use bevy::ecs::schedule::{IntoScheduleConfigs, ScheduleConfigs};
use bevy::ecs::system::{
    Adapt, In, IntoAdapterSystem, IntoSystem, RunSystemError, ScheduleSystem, System, SystemIn,
};
use bevy::math::Vec2;
use tracing::{error, info};

use super::glyphs::badge;
use super::{Canvas, DrawClock, Face, Layer, Part, Rect, Shape, Text, wrap};
use crate::app::state::status::DisplayStatus;
use crate::app::state::viewport::Viewport;
use crate::app::theme::size;
use crate::layout::CanvasSize;
use crate::text;

/// Time until the first retry, in seconds of the draw clock; doubles with each failure in a row.
const FIRST_RETRY_SECS: f64 = 1.0;
const LONGEST_RETRY_SECS: f64 = 60.0;
const PART: &str = "fault";
/// Size of the card; several cards stand below each other.
const WIDEST: f32 = 1200.0;
const HEIGHT: f32 = 300.0;
const PAD: f32 = 36.0;
const LINE: f32 = 36.0;
const MOST_LINES: usize = 4;

/// Views that could not be drawn when last tried.
#[derive(Resource, Debug, Default)]
pub struct Faults(Vec<Fault>);

#[derive(Debug)]
struct Fault {
    what: &'static str,
    message: String,
    tries: u32,
    retry_at: f64,
    /// True in the frame of the failure.
    fresh: bool,
}

impl Faults {
    /// Returns the message of a view that could not be drawn.
    pub fn message_of(&self, what: &str) -> Option<&str> {
        self.0.iter().find(|fault| fault.what == what).map(|fault| fault.message.as_str())
    }

    fn may_try(&self, what: &str, now: f64) -> bool {
        self.0.iter().all(|fault| fault.what != what || now >= fault.retry_at)
    }

    fn is_fresh(&self, what: &str) -> bool {
        self.0.iter().any(|fault| fault.what == what && fault.fresh)
    }

    /// Forgets that a fault is new: its frame is over.
    fn begin_frame(&mut self, what: &str) {
        for fault in self.0.iter_mut().filter(|fault| fault.what == what) {
            fault.fresh = false;
        }
    }

    /// Records the outcome of a try.
    fn note(&mut self, what: &'static str, outcome: Result<(), String>, now: f64) {
        let known = self.0.iter().position(|fault| fault.what == what);
        match (outcome, known) {
            (Ok(()), None) => {}
            (Ok(()), Some(index)) => {
                info!("{what} can be drawn again");
                self.0.remove(index);
            }
            (Err(message), known) => {
                let before = known.map(|index| self.0.remove(index));
                let tries = before.as_ref().map_or(0, |fault| fault.tries) + 1;
                if before.is_none_or(|before| before.message != message) {
                    error!("{what} could not be drawn: {message}");
                }
                let wait = FIRST_RETRY_SECS * 2_f64.powi(tries.min(16) as i32 - 1);
                let retry_at = now + wait.min(LONGEST_RETRY_SECS);
                self.0.push(Fault { what, message, tries, retry_at, fresh: true });
            }
        }
    }
}

/// Adapter that turns a system's panic into its message.
struct Guard;

impl<S: System<In = (), Out = ()>> Adapt<S> for Guard {
    type In = ();
    type Out = Result<(), String>;

    fn adapt(
        &mut self,
        input: (),
        run_system: impl FnOnce(SystemIn<'_, S>) -> Result<(), RunSystemError>,
    ) -> Result<Self::Out, RunSystemError> {
        // `forget` makes the system redraw everything that a panic leaves half done.
        match catch_unwind(AssertUnwindSafe(|| run_system(input))) {
            Ok(outcome) => outcome.map(Ok),
            Err(panic) => Ok(Err(panic_message(&*panic))),
        }
    }
}

/// Returns the message of a caught panic on one line.
pub(in crate::app) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let message = panic.downcast_ref::<String>().map(String::as_str);
    let message = message.or_else(|| panic.downcast_ref::<&str>().copied());
    text::one_line(message.unwrap_or("no message")).into_owned()
}

/// Runs a system that draws `what`. If it panics, `forget` runs, which removes what was drawn and makes the
/// system draw everything at its next try; until that succeeds, a card has the panic's message.
pub fn guarded<M, N>(
    what: &'static str,
    system: impl IntoSystem<(), (), M>,
    forget: impl IntoSystem<(), (), N>,
) -> ScheduleConfigs<ScheduleSystem> {
    let show = move |faults: Option<ResMut<Faults>>,
                     canvas: Option<ResMut<Canvas>>,
                     viewport: Option<Res<Viewport>>| {
        if let (Some(faults), Some(canvas), Some(viewport)) = (faults, canvas, viewport) {
            show_fault(what, faults, canvas, viewport.canvas_size());
        }
    };
    (guarded_without_card(what, system, forget), show).chain()
}

/// Does the same as [`guarded`] without a card: the log has the message.
pub fn guarded_without_card<M, N>(
    what: &'static str,
    system: impl IntoSystem<(), (), M>,
    forget: impl IntoSystem<(), (), N>,
) -> ScheduleConfigs<ScheduleSystem> {
    let begin = move |mut faults: ResMut<Faults>| {
        faults.bypass_change_detection().begin_frame(what);
    };
    let note = move |In(outcome): In<Result<(), String>>,
                     mut faults: ResMut<Faults>,
                     clock: Res<DrawClock>| {
        faults.bypass_change_detection().note(what, outcome, clock.secs);
    };
    let may_try =
        move |faults: Res<Faults>, clock: Res<DrawClock>| faults.may_try(what, clock.secs);
    let failed = move |faults: Res<Faults>| faults.is_fresh(what);
    let forget = IntoSystem::into_system(forget);
    let guarded = IntoAdapterSystem::new(Guard, system).pipe(note);
    (begin, guarded.run_if(may_try), forget.run_if(failed)).chain()
}

/// Returns a system that ends the fault of a view that is not shown: its card goes, and the view is tried
/// at once when it is shown again.
pub fn end_fault(what: &'static str) -> impl FnMut(ResMut<Faults>, ResMut<Canvas>) + Clone {
    move |mut faults: ResMut<Faults>, mut canvas: ResMut<Canvas>| {
        let faults = &mut faults.bypass_change_detection().0;
        if let Some(index) = faults.iter().position(|fault| fault.what == what) {
            faults.remove(index);
            canvas.remove((PART, number_of(what)));
        }
    }
}

/// Draws the card of a fault when it is new, and removes it when it is over.
fn show_fault(
    what: &'static str,
    mut faults: ResMut<Faults>,
    mut canvas: ResMut<Canvas>,
    canvas_size: CanvasSize,
) {
    let faults = &mut faults.bypass_change_detection().0;
    let id = (PART, number_of(what));
    match faults.iter().position(|fault| fault.what == what) {
        Some(index) if faults[index].fresh => {
            draw_card(canvas.redraw(id).stay(), &faults[index], index, canvas_size);
        }
        None if canvas.bypass_change_detection().has(id) => canvas.remove(id),
        _ => {}
    }
}

/// Number of the part with the card of `what`.
fn number_of(what: &str) -> u32 {
    what.bytes().fold(0, |number, byte| number.wrapping_mul(31).wrapping_add(byte.into()))
}

fn draw_card(part: &mut Part, fault: &Fault, index: usize, canvas_size: CanvasSize) {
    let palette = part.palette;
    let width = (canvas_size.width - 2.0 * CanvasSize::MARGIN).min(WIDEST);
    let free = canvas_size.bridge_top();
    let top = (free - HEIGHT) / 2.0 + index as f32 * (HEIGHT + 16.0);
    let card = Rect::new((canvas_size.width - width) / 2.0, top, width, HEIGHT);
    let body = Shape::rounded_box(card).radius(18.0).fill(palette.panel_bottom);
    part.shape(Layer::Band, body.border(3.0, palette.failed));
    let (left, y) = (card.x + PAD, card.y + 62.0);
    badge(
        part,
        Layer::Band,
        DisplayStatus::Failed,
        Vec2::new(left + 20.0, y - 14.0),
        20.0,
        "fault",
    );
    let head = format!("{} could not be drawn", text::capitalised(fault.what));
    part.text(
        Layer::Band,
        Text::new(("fault", index), head, left + 58.0, y, Face::Display700, 40.0)
            .colour(palette.text),
    );
    let lines = wrap(Face::Text500, size::META, &fault.message, width - 2.0 * PAD, MOST_LINES);
    for (row, words) in lines.into_iter().enumerate() {
        let y = y + 54.0 + row as f32 * LINE;
        part.text(
            Layer::Band,
            Text::new(("fault line", index, row), words, left, y, Face::Text500, size::META)
                .colour(palette.text_secondary),
        );
    }
    let foot = "Meterbridge keeps trying. Please report this error, with the text above, to its developers.";
    part.text(
        Layer::Band,
        Text::new(("fault foot", index), foot, left, card.bottom() - 30.0, Face::Text500, 24.0)
            .colour(palette.text_tertiary),
    );
}

#[cfg(test)]
mod tests {
    use bevy::app::{App, Update};

    use super::*;

    #[derive(Resource, Default)]
    struct Script {
        panics: bool,
        drawn: u32,
        forgotten: u32,
    }

    fn draw(mut script: ResMut<Script>, mut canvas: ResMut<Canvas>) {
        canvas.redraw("view");
        assert!(!script.panics, "node {} is not there\u{1b}[31m", 7);
        script.drawn += 1;
    }

    fn forget(mut script: ResMut<Script>, mut canvas: ResMut<Canvas>) {
        script.forgotten += 1;
        canvas.remove("view");
    }

    fn app() -> App {
        let mut app = App::new();
        app.init_resource::<Faults>()
            .init_resource::<Script>()
            .init_resource::<Canvas>()
            .init_resource::<DrawClock>()
            .init_resource::<Viewport>()
            .add_systems(Update, guarded("the view", draw, forget));
        app
    }

    /// Updates at `secs` of the draw clock; returns the number of drawings and of removals so far, and
    /// whether there is a card.
    fn at(app: &mut App, secs: f64) -> (u32, u32, bool) {
        app.world_mut().resource_mut::<DrawClock>().secs = secs;
        app.update();
        let script = app.world().resource::<Script>();
        let card = app.world().resource::<Canvas>().has((PART, number_of("the view")));
        (script.drawn, script.forgotten, card)
    }

    #[test]
    fn panic_costs_the_view_until_it_can_be_drawn_again() {
        let mut app = app();
        assert_eq!(at(&mut app, 0.0), (1, 0, false));
        app.world_mut().resource_mut::<Script>().panics = true;
        assert_eq!(at(&mut app, 0.1), (1, 1, true));
        let faults = app.world().resource::<Faults>();
        assert_eq!(faults.message_of("the view"), Some("node 7 is not there"));
        assert!(!app.world().resource::<Canvas>().has("view"), "nothing half drawn stays");
        // Not tried again in every frame.
        assert_eq!(at(&mut app, 1.0), (1, 1, true));
        assert_eq!(at(&mut app, 1.2), (1, 2, true));
        assert_eq!(at(&mut app, 3.1), (1, 2, true), "the pause doubles");
        app.world_mut().resource_mut::<Script>().panics = false;
        assert_eq!(at(&mut app, 3.3), (2, 2, false));
        assert_eq!(app.world().resource::<Faults>().message_of("the view"), None);
    }

    #[test]
    fn fault_without_a_card_forgets_once_for_each_try() {
        let mut app = App::new();
        app.init_resource::<Faults>()
            .init_resource::<Script>()
            .init_resource::<Canvas>()
            .init_resource::<DrawClock>()
            .add_systems(Update, guarded_without_card("the view", draw, forget));
        app.world_mut().resource_mut::<Script>().panics = true;
        for (secs, forgotten) in [(0.0, 1), (0.2, 1), (0.4, 1), (0.9, 1), (1.1, 2), (1.2, 2)] {
            assert_eq!(at(&mut app, secs), (0, forgotten, false), "{secs}");
        }
    }

    #[test]
    fn fault_of_a_view_that_is_left_ends() {
        #[derive(Resource)]
        struct Shown(bool);
        let mut app = App::new();
        app.init_resource::<Faults>()
            .init_resource::<Script>()
            .init_resource::<Canvas>()
            .init_resource::<DrawClock>()
            .init_resource::<Viewport>()
            .insert_resource(Shown(true))
            .add_systems(
                Update,
                (
                    end_fault("the view").run_if(|shown: Res<Shown>| !shown.0),
                    guarded("the view", draw, forget).run_if(|shown: Res<Shown>| shown.0),
                )
                    .chain(),
            );
        app.world_mut().resource_mut::<Script>().panics = true;
        assert_eq!(at(&mut app, 0.0), (0, 1, true));
        app.world_mut().resource_mut::<Shown>().0 = false;
        assert_eq!(at(&mut app, 0.1), (0, 1, false));
        app.world_mut().resource_mut::<Shown>().0 = true;
        app.world_mut().resource_mut::<Script>().panics = false;
        assert_eq!(at(&mut app, 0.2), (1, 1, false), "drawn at once");
    }

    #[test]
    fn view_that_always_panics_is_tried_once_a_minute() {
        let mut app = app();
        app.world_mut().resource_mut::<Script>().panics = true;
        for second in 0..600 {
            at(&mut app, f64::from(second));
        }
        let tries = app.world().resource::<Script>().forgotten;
        assert!((14..=17).contains(&tries), "{tries}");
    }
}
