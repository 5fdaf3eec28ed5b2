//! Logs statistics of frame times at a fixed interval, for measurements and for monitoring a wall.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bevy::app::{App, First, Last};
use bevy::ecs::prelude::*;
use bevy::render::{Render, RenderApp, RenderSystems};
use tracing::info;

use super::power::MaxFrameInterval;
use crate::app::state::link::Link;
use crate::app::state::run_store::RunStore;
use crate::model::Counters;
use crate::vitals::{Durations, processor_time, resident_bytes};

/// Frame times of one interval.
#[derive(Default)]
struct Frames {
    /// Time from the start of a frame until it is handed to the renderer.
    computed: Durations,
    /// Time that the renderer spends until the frame is handed to the screen.
    drawn: Durations,
    /// Delay of frames after the time at which they were due.
    late: Durations,
    /// CPU time of all threads during the frame that took longest to draw. A small value means that
    /// other processes used the machine.
    longest_worked: Option<Duration>,
}

/// Statistics shared by the main world and the render world, which may run on different threads.
#[derive(Resource, Clone, Default)]
struct SharedVitals(Arc<Mutex<Frames>>);

impl SharedVitals {
    fn with<T>(&self, of: impl FnOnce(&mut Frames) -> T) -> T {
        of(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// State of the current frame and of the current interval.
#[derive(Resource)]
struct Interval {
    length: Duration,
    begun: Instant,
    frame_begun: Instant,
    counters: Counters,
    most_waiting: usize,
}

/// Start of drawing, and the process's CPU time at that moment.
#[derive(Resource)]
struct DrawBegun(Instant, Option<Duration>);

/// Installs the systems that log statistics of frames and of the process once per interval.
pub(in crate::app) fn log_statistics_every(app: &mut App, length: Duration) {
    let vitals = SharedVitals::default();
    let now = Instant::now();
    if let Some(render_app) = app.get_sub_app_mut(RenderApp) {
        render_app
            .insert_resource(vitals.clone())
            .insert_resource(DrawBegun(now, None))
            .add_systems(
                Render,
                (
                    begin_drawing.before(RenderSystems::ExtractCommands),
                    end_drawing.after(RenderSystems::PostCleanup),
                ),
            );
    }
    app.insert_resource(vitals)
        .insert_resource(Interval {
            length,
            begun: now,
            frame_begun: now,
            counters: Counters::default(),
            most_waiting: 0,
        })
        .add_systems(First, begin_frame)
        .add_systems(Last, (end_frame, log_vitals).chain());
}

fn begin_drawing(mut begun: ResMut<DrawBegun>) {
    *begun = DrawBegun(Instant::now(), processor_time());
}

fn end_drawing(begun: Res<DrawBegun>, vitals: Res<SharedVitals>) {
    let (took, worked) = (begun.0.elapsed(), processor_time());
    vitals.with(|frames| {
        if took >= frames.drawn.longest() {
            frames.longest_worked = worked.zip(begun.1).map(|(now, then)| now.saturating_sub(then));
        }
        frames.drawn.add(took);
    });
}

fn begin_frame(
    mut interval: ResMut<Interval>,
    vitals: Res<SharedVitals>,
    rest: Res<MaxFrameInterval>,
) {
    let now = Instant::now();
    let late = (now - interval.frame_begun).saturating_sub(rest.0);
    interval.frame_begun = now;
    vitals.with(|frames| frames.late.add(late));
}

fn end_frame(mut interval: ResMut<Interval>, vitals: Res<SharedVitals>, link: Res<Link>) {
    interval.most_waiting = interval.most_waiting.max(link.backlog);
    vitals.with(|frames| frames.computed.add(interval.frame_begun.elapsed()));
}

/// Logs one line of names and values, for people and for scripts.
fn log_vitals(mut interval: ResMut<Interval>, vitals: Res<SharedVitals>, run_store: Res<RunStore>) {
    let passed = interval.begun.elapsed();
    if passed < interval.length {
        return;
    }
    let counters = *run_store.live().counters();
    let events = counters.events - interval.counters.events;
    let dropped = counters.dropped - interval.counters.dropped;
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    let told = vitals.with(|frames| {
        let told = |name: &str, durations: &mut Durations| {
            let (p99, longest) = (ms(durations.percentile(0.99)), ms(durations.longest()));
            let told = format!("{name}_p99_ms={p99:.1} {name}_max_ms={longest:.1}");
            durations.clear();
            told
        };
        let count = frames.drawn.count();
        let worked = frames.longest_worked.take().map(ms).unwrap_or_default();
        [
            format!("frames={count}"),
            told("computed", &mut frames.computed),
            told("drawn", &mut frames.drawn),
            format!("drawn_max_worked_ms={worked:.0}"),
            told("late", &mut frames.late),
        ]
        .join(" ")
    });
    info!(
        "stats: secs={:.1} {told} events_per_sec={:.1} runs={} waiting_max={} dropped={dropped} \
         rss_mib={:.1}",
        passed.as_secs_f64(),
        events as f64 / passed.as_secs_f64(),
        run_store.model.len(),
        interval.most_waiting,
        resident_bytes().unwrap_or(0) as f64 / f64::from(1 << 20),
    );
    interval.begun = Instant::now();
    interval.counters = counters;
    interval.most_waiting = 0;
}
