//! Wall-clock time of each phase of a frame, on one thread.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bevy::app::{App, First, Last, MainScheduleOrder, PostUpdate, PreUpdate};
use bevy::ecs::prelude::*;
use bevy::ecs::schedule::{ScheduleLabel, Schedules, SingleThreadedExecutor};
use bevy::render::{Render, RenderApp, RenderSystems};
use bevy_egui::{EguiPrimaryContextPass, EguiSchedule, PrimaryEguiContext};

/// Successive phases of a frame. The renderer's drawing is not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Phase {
    /// Events are received and applied.
    Ingest,
    /// Systems of `Update`: the views follow the model.
    Update,
    /// Systems of egui's pass: panel, desk and palette. The pass is a part of `PostUpdate`.
    Egui,
    /// Text layout, transforms and visibility, and egui's own work before and after its pass.
    PostUpdate,
    /// Extraction into the render world.
    Extract,
    /// Sorting, batching and filling of buffers.
    Prepare,
}

impl Phase {
    pub const ALL: [Self; 6] =
        [Self::Ingest, Self::Update, Self::Egui, Self::PostUpdate, Self::Extract, Self::Prepare];

    pub fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Update => "update",
            Self::Egui => "egui pass",
            Self::PostUpdate => "post-update",
            Self::Extract => "extract",
            Self::Prepare => "prepare",
        }
    }
}

/// Duration of each phase of one frame, in the order of [`Phase::ALL`].
pub type FrameTimes = [Duration; Phase::ALL.len()];

#[derive(Default)]
struct Watch {
    under_way: Option<(Phase, Instant)>,
    taken: FrameTimes,
}

/// Measures the current frame.
#[derive(Resource, Clone, Default)]
pub struct Stopwatch(Arc<Mutex<Watch>>);

impl Stopwatch {
    /// Ends the current phase and begins the next one, or an unmeasured period.
    fn turn(&self, next: Option<Phase>) {
        let mut watch = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some((phase, begun)) = watch.under_way.take() {
            watch.taken[phase as usize] += now - begun;
        }
        watch.under_way = next.map(|phase| (phase, Instant::now()));
    }

    /// Returns and resets the times of the finished frame.
    pub fn take(&self) -> FrameTimes {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).taken)
    }
}

/// Schedule of the main world in which a phase begins.
#[derive(ScheduleLabel, Clone, Debug, PartialEq, Eq, Hash)]
struct PhaseBoundary(Option<Phase>);

/// Schedule of an egui pass that is measured.
#[derive(ScheduleLabel, Clone, Debug, PartialEq, Eq, Hash)]
struct MeasuredPass;

/// Makes a ready app measure its frames and run on one thread, so that work is measured and not
/// waiting.
pub fn measure(app: &mut App) -> Stopwatch {
    let watch = Stopwatch::default();
    for part in [Some(Phase::Ingest), Some(Phase::Update), Some(Phase::PostUpdate), None] {
        let watch = watch.clone();
        app.add_systems(PhaseBoundary(part), move || watch.turn(part));
    }
    let mut order = app.world_mut().resource_mut::<MainScheduleOrder>();
    order.insert_before(First, PhaseBoundary(Some(Phase::Ingest)));
    order.insert_after(PreUpdate, PhaseBoundary(Some(Phase::Update)));
    order.insert_before(PostUpdate, PhaseBoundary(Some(Phase::PostUpdate)));
    order.insert_after(Last, PhaseBoundary(None));

    let of_pass = watch.clone();
    app.add_systems(MeasuredPass, move |world: &mut World| {
        of_pass.turn(Some(Phase::Egui));
        world.run_schedule(EguiPrimaryContextPass);
        of_pass.turn(Some(Phase::PostUpdate));
    });
    let world = app.world_mut();
    let mut contexts = world.query_filtered::<Entity, With<PrimaryEguiContext>>();
    let contexts: Vec<Entity> = contexts.iter(world).collect();
    for context in contexts {
        world.entity_mut(context).insert(EguiSchedule::new(MeasuredPass));
    }

    if let Some(render) = app.get_sub_app_mut(RenderApp) {
        if let Some(mut extract) = render.take_extract() {
            let watch = watch.clone();
            render.set_extract(move |main, render| {
                watch.turn(Some(Phase::Extract));
                extract(main, render);
                watch.turn(None);
            });
        }
        let to = |part| {
            let watch = watch.clone();
            move || watch.turn(part)
        };
        let prepare = Some(Phase::Prepare);
        render.add_systems(
            Render,
            (
                to(prepare).before(RenderSystems::ExtractCommands),
                to(None).after(RenderSystems::Prepare).before(RenderSystems::Render),
                to(prepare).after(RenderSystems::Render).before(RenderSystems::Cleanup),
                to(None).after(RenderSystems::PostCleanup),
            ),
        );
        on_one_thread(render.world_mut());
    }
    on_one_thread(app.world_mut());
    watch
}

fn on_one_thread(world: &mut World) {
    for (_, schedule) in world.resource_mut::<Schedules>().iter_mut() {
        schedule.set_executor(SingleThreadedExecutor::new());
    }
}
