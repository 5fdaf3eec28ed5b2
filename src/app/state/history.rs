//! The history on the display: its numbers and where they are from, what is asked for, and what is chosen.

use std::sync::Arc;
use std::time::Duration;

use bevy::platform::time::Instant;
use bevy::prelude::*;
use jiff::Timestamp;

use super::clock::PlaybackClock;
use super::link::{Link, SummaryReceived};
use super::next_frame::NextFrame;
use super::run_store::{RunStore, SourceReplaced};
use super::view::{View, on_history};
use crate::app::systems::AppSystems;
use crate::history::{Last, Summary};
use crate::layout::Rect;
use crate::time_zone;

/// Periods that can be chosen, the shortest first.
pub const PERIODS: [Last; 4] = [Last::Hours(24), Last::Days(7), Last::Days(30), Last::Days(90)];

/// Least time between two summaries of what this display has seen.
const LEAST: Duration = Duration::from_secs(1);

/// Time between two questions to a hub about the same period.
const AGAIN: Duration = Duration::from_secs(60);

/// Origin of the numbers of the history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HistoryOrigin {
    /// This display, from the runs that it has seen.
    #[default]
    Seen,
    /// The hub, which keeps a history of its own.
    Hub,
}

/// Numbers of the history that are shown.
#[derive(Resource, Clone, Debug)]
pub struct HistoryData {
    /// The numbers; `None` until they are known.
    pub summary: Option<Arc<Summary>>,
    /// Origin of the numbers.
    pub from: HistoryOrigin,
    /// The period that is asked for.
    pub asked: Last,
    /// Reason why a hub did not give its numbers.
    pub error: Option<String>,
}

impl Default for HistoryData {
    fn default() -> Self {
        Self { summary: None, from: HistoryOrigin::Seen, asked: Last::Days(7), error: None }
    }
}

impl HistoryData {
    /// Asks for a period; until its numbers are known there are none.
    pub fn ask(&mut self, period: Last) {
        if self.asked != period {
            *self = Self { asked: period, ..Self::default() };
        }
    }

    /// Takes a hub's answer about a period. Its numbers replace those that this display counted; without
    /// them the reason is told beside these. An answer about another period than the one asked for comes
    /// too late.
    pub fn answer(&mut self, period: Last, answer: Result<Arc<Summary>, String>) {
        if period != self.asked {
            return;
        }
        match answer {
            Ok(summary) => {
                (self.summary, self.from, self.error) = (Some(summary), HistoryOrigin::Hub, None);
            }
            Err(error) => self.error = Some(error),
        }
    }

    /// Takes the numbers that this display counted, unless a hub gave its own.
    fn count(&mut self, summary: Summary) {
        if self.from == HistoryOrigin::Seen {
            self.summary = Some(Arc::new(summary));
        }
    }
}

/// Choice of the user in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// The part of the period that begins at this instant.
    Part(Timestamp),
    /// This step.
    Step(String),
    /// Failures of this step for this reason.
    Cause {
        /// The failed step, if one failed.
        step: Option<String>,
        /// The reason, in which `#` stands for numbers and ids.
        reason: String,
    },
}

/// Choices of the user in the history.
#[derive(Resource, Clone, Debug, Default, PartialEq)]
pub struct HistoryState {
    /// Part, step or cause that is chosen.
    pub chosen: Option<Chosen>,
    /// Place of the pointer over the view, in design pixels.
    pub pointed: Option<Vec2>,
    /// View that it was opened from, and that it returns to.
    pub opened_from: Option<View>,
}

impl HistoryState {
    /// Returns the choice that is read out: under the pointer, else the chosen one if it is to be seen.
    pub fn shown<'a>(&'a self, areas: &'a HistoryAreas) -> Option<&'a Chosen> {
        let pointed = self.pointed.and_then(|at| areas.at(at));
        pointed.or(self.chosen.as_ref().filter(|chosen| areas.has(chosen)))
    }
}

/// Areas of what can be chosen, in the order of the keys.
#[derive(Resource, Clone, Debug, Default, PartialEq)]
pub struct HistoryAreas {
    /// Parts of the period by their begins.
    pub parts: Vec<(Chosen, Rect)>,
    /// Steps, then causes.
    pub rows: Vec<(Chosen, Rect)>,
}

impl HistoryAreas {
    /// Returns what is at a point.
    pub fn at(&self, point: Vec2) -> Option<&Chosen> {
        let mut all = self.parts.iter().chain(&self.rows);
        all.find(|(_, rect)| rect.holds(point.x, point.y)).map(|(chosen, _)| chosen)
    }

    fn has(&self, chosen: &Chosen) -> bool {
        self.parts.iter().chain(&self.rows).any(|(known, _)| known == chosen)
    }

    /// Returns the part `by` places after the chosen one; the last one when none is chosen.
    pub fn part(&self, chosen: Option<&Chosen>, by: i32) -> Option<Chosen> {
        Self::step(&self.parts, chosen, by, self.parts.len().saturating_sub(1))
    }

    /// Returns the step or cause `by` places after the chosen one; the first one when none is chosen.
    pub fn row(&self, chosen: Option<&Chosen>, by: i32) -> Option<Chosen> {
        Self::step(&self.rows, chosen, by, 0)
    }

    fn step(
        all: &[(Chosen, Rect)],
        chosen: Option<&Chosen>,
        by: i32,
        first: usize,
    ) -> Option<Chosen> {
        let here = chosen.and_then(|chosen| all.iter().position(|(known, _)| known == chosen));
        let there = match here {
            Some(here) => {
                let by = isize::try_from(by).unwrap_or(0);
                here.saturating_add_signed(by).min(all.len().saturating_sub(1))
            }
            None => first,
        };
        all.get(there).map(|(chosen, _)| chosen.clone())
    }
}

pub(in crate::app) fn plugin(app: &mut App) {
    app.init_resource::<HistoryData>()
        .init_resource::<HistoryState>()
        .init_resource::<HistoryAreas>()
        .init_resource::<AskedOfHub>()
        .init_resource::<NextFrame>()
        .add_message::<SourceReplaced>()
        .add_message::<SummaryReceived>()
        .add_systems(
            Update,
            (
                forget.run_if(on_message::<SourceReplaced>),
                take_answer,
                (ask_hub, count).chain().run_if(on_history),
            )
                .chain()
                .in_set(AppSystems::Sync),
        );
}

/// Forgets the numbers of a source that was left.
fn forget(
    mut data: ResMut<HistoryData>,
    mut state: ResMut<HistoryState>,
    mut asked: ResMut<AskedOfHub>,
) {
    asked.0 = None;
    *data = HistoryData { asked: data.asked, ..HistoryData::default() };
    state.chosen = None;
}

/// Last question to the hub, and when it was asked.
#[derive(Resource, Debug, Default)]
struct AskedOfHub(Option<(String, Instant)>);

/// Query for the hub's summary of a period. A zone whose name is only for people is left out; the hub then uses
/// its own.
fn query_of(period: Last, zone: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("last", &period.to_string());
    if zone.parse::<time_zone::DisplayZone>().is_ok_and(|known| known.name() == zone) {
        query.append_pair("zone", zone);
    }
    query.finish()
}

/// Asks a hub for its numbers: at once for another period, and again every minute while they are looked at.
fn ask_hub(
    mut data: ResMut<HistoryData>,
    link: Option<Res<Link>>,
    mut next: ResMut<NextFrame>,
    mut asked: ResMut<AskedOfHub>,
) {
    let asked = &mut asked.0;
    let Some(link) = link.filter(|link| link.has_history) else {
        *asked = None;
        if data.from == HistoryOrigin::Hub && data.error.is_none() {
            data.error = Some("it is not connected".to_owned());
        }
        return;
    };
    let query = query_of(data.asked, time_zone::current().name());
    if let Some((before, at)) = asked {
        let wait = AGAIN.saturating_sub(at.elapsed());
        if *before == query && !wait.is_zero() {
            next.within_secs(wait.as_secs_f64());
            return;
        }
    }
    link.ask_summary(query.clone());
    *asked = Some((query, Instant::now()));
}

/// Takes the hub's answers. One about another period or zone comes too late.
fn take_answer(mut data: ResMut<HistoryData>, mut answers: MessageReader<SummaryReceived>) {
    for SummaryReceived(answer) in answers.read() {
        let asked = data.asked;
        if answer.query != query_of(asked, time_zone::current().name()) {
            continue;
        }
        let summary = answer.result.clone().and_then(|text| {
            let read = serde_json::from_str::<Summary>(&text);
            read.map(Arc::new).map_err(|error| format!("the hub's history cannot be read: {error}"))
        });
        data.answer(asked, summary);
    }
}

/// Inputs of the last count.
#[derive(Clone, Debug, PartialEq)]
struct Counted {
    generation: u64,
    minute: i64,
    asked: Last,
    zone: String,
}

/// Counts what this display has seen, while it is looked at: where something changed, at most once a second.
fn count(
    mut data: ResMut<HistoryData>,
    run_store: Res<RunStore>,
    clock: Res<PlaybackClock>,
    mut next: ResMut<NextFrame>,
    mut counted: Local<Option<(Counted, Instant)>>,
) {
    if data.from == HistoryOrigin::Hub {
        *counted = None;
        return;
    }
    // Also while the past is shown: the view says so.
    let now = run_store.live().clock().server_time(clock.live_now);
    let zone = time_zone::current();
    let cause = Counted {
        generation: run_store.history().generation(),
        minute: now.as_second().div_euclid(60),
        asked: data.asked,
        zone: zone.name().to_owned(),
    };
    if let Some((before, at)) = counted.as_ref().filter(|_| data.summary.is_some()) {
        if *before == cause {
            return;
        }
        // A clock that is set by hand waits for no time.
        let wait = LEAST.saturating_sub(at.elapsed());
        if before.asked == cause.asked && !wait.is_zero() && !clock.is_fixed() {
            next.within_secs(wait.as_secs_f64());
            return;
        }
    }
    *counted = Some((cause, Instant::now()));
    match run_store.history().summary(data.asked, now, &zone) {
        Ok(summary) => data.count(summary),
        Err(error) => data.error = Some(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{History, Period, summary_of};

    fn summary(last: Last) -> Summary {
        let now = "2026-11-23T20:14:00Z".parse().unwrap();
        let period = Period::last(last, now, None, &"UTC".parse().unwrap()).unwrap();
        summary_of(&History::default(), period).unwrap()
    }

    #[test]
    fn answer_of_a_hub_replaces_what_was_seen_until_another_period_is_asked_for() {
        let mut data = HistoryData::default();
        data.count(summary(Last::Days(7)));
        data.answer(Last::Days(7), Err("it does not answer".to_owned()));
        assert_eq!(
            (data.from, data.error.as_deref()),
            (HistoryOrigin::Seen, Some("it does not answer"))
        );
        let of_hub = Arc::new(Summary { zone: "hub".to_owned(), ..summary(Last::Days(7)) });
        data.answer(Last::Days(7), Ok(of_hub.clone()));
        data.count(summary(Last::Days(7)));
        assert_eq!((data.from, data.error.clone()), (HistoryOrigin::Hub, None));
        assert_eq!(data.summary, Some(of_hub.clone()));
        data.ask(Last::Days(30));
        assert_eq!((data.from, data.summary.clone()), (HistoryOrigin::Seen, None));
        data.answer(Last::Days(7), Ok(of_hub));
        assert_eq!(data.summary, None, "it came too late");
    }

    #[test]
    fn hub_is_asked_with_zones_that_it_can_read() {
        let asked = |zone| query_of(Last::Days(7), zone);
        assert_eq!(asked("Europe/Berlin"), "last=7d&zone=Europe%2FBerlin");
        assert_eq!(asked("UTC"), "last=7d&zone=UTC");
        for for_people in ["local time", "UTC+02:00", "UTC (the system's time zone was not found)"]
        {
            assert_eq!(asked(for_people), "last=7d", "{for_people}");
        }
    }

    #[test]
    fn keys_go_through_parts_and_through_steps_and_causes() {
        let rect = Rect::new(0.0, 0.0, 1.0, 1.0);
        let part = |second| Chosen::Part(Timestamp::from_second(second).unwrap());
        let step = |name: &str| Chosen::Step(name.to_owned());
        let areas = HistoryAreas {
            parts: (0..3).map(|nth| (part(nth), rect)).collect(),
            rows: vec![(step("PLAN"), rect), (step("RENDER"), rect)],
        };
        assert_eq!(areas.part(None, -1), Some(part(2)), "the newest first");
        assert_eq!(areas.part(Some(&part(2)), -1), Some(part(1)));
        assert_eq!(areas.part(Some(&part(2)), -10), Some(part(0)));
        assert_eq!(areas.part(Some(&part(2)), 1), Some(part(2)));
        assert_eq!(areas.row(Some(&part(2)), 1), Some(step("PLAN")));
        assert_eq!(areas.row(Some(&step("PLAN")), 1), Some(step("RENDER")));
        assert_eq!(HistoryAreas::default().row(None, 1), None);
    }
}
