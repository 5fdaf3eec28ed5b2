//! Order of the rows: which runs are listed, sorted by what, and how long the order is held.
//!
//! Rows never move under the pointer or the keyboard. While the order is held, runs that came since wait
//! outside the list and are counted, and the listed ones keep their rows whatever becomes of them.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;

use foldhash::fast::FixedState;
use jiff::Timestamp;

use super::columns::Column;
use super::search::{Needle, SearchTexts, fold, step_of};
use crate::app::panel::run_words::elapsed_ms;
use crate::app::state::clock::millis_between;
use crate::app::state::run_store::RunStore;
use crate::model::{Remaining, Run, RunStatus, display_name, final_score};
use crate::protocol::{RunId, pipeline_index};

/// Number of runs up to which every change of the model updates the order; above it at most every
/// [`REFRESH_SECS`] seconds.
const CHEAP_RUNS: usize = 300;
const REFRESH_SECS: f64 = 0.25;
/// Seconds after which an order by time is updated without any change of the model.
const TIME_SECS: f64 = 1.0;

/// Statuses in the order of the chips, which is also that of the sorted column.
pub(super) const STATUSES: [RunStatus; 5] = [
    RunStatus::Running,
    RunStatus::Pending,
    RunStatus::Failed,
    RunStatus::Cancelled,
    RunStatus::Completed,
];

/// Number of chips: all runs, and each status.
pub(super) const CHIPS: usize = STATUSES.len() + 1;

/// Column by which rows are sorted, and the direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sorting {
    pub column: Column,
    /// True when the greatest value, or the newest run, stands first.
    pub descending: bool,
}

impl Default for Sorting {
    fn default() -> Self {
        Self { column: Column::Started, descending: true }
    }
}

impl Sorting {
    /// Returns the sorting after a press on the head of a column.
    pub(super) fn pressed(self, column: Column) -> Self {
        let descending = match column == self.column {
            true => !self.descending,
            false => column.begins_descending(),
        };
        Self { column, descending }
    }
}

/// Filters and sorting that the user asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub sorting: Sorting,
    pub needle: Needle,
    /// Only runs with this status; all if `None`.
    pub status: Option<RunStatus>,
}

/// Reasons to hold the order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hold {
    /// The pointer is on a row.
    pub pointed: bool,
    /// A row has the keyboard focus.
    pub focused: bool,
    /// A listed run was selected by the user.
    pub selected: bool,
    /// The list is not at its top.
    pub scrolled: bool,
}

impl Hold {
    /// True when there is a reason.
    pub(super) fn is_on(self) -> bool {
        self.pointed || self.focused || self.selected || self.scrolled
    }
}

/// Runs that came since the order was made, and are not listed yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Waiting {
    /// Number of runs that are new.
    pub new: usize,
    /// Number of runs that would be listed: new ones, and those that became what is asked for.
    pub matching: usize,
}

/// Listed runs in their order, and the numbers that belong to them.
#[derive(Clone, Debug, Default)]
pub(super) struct RunOrder {
    rows: Vec<RunId>,
    /// Runs that were known when the order was made, and whether they were listed.
    known: HashMap<RunId, bool, FixedState>,
    /// Places of the queued runs in their line, from 1 on.
    queue: HashMap<RunId, u32, FixedState>,
    texts: SearchTexts,
    counts: [usize; STATUSES.len()],
    waiting: Waiting,
    /// True when another order would be shown if it were not held.
    differs: bool,
    made: Option<Made>,
}

/// Inputs that an order was made from.
#[derive(Clone, Debug, PartialEq)]
struct Made {
    generation: u64,
    jumps: u64,
    request: Request,
    held: bool,
    at_secs: f64,
}

/// Run that is asked for, with what it is sorted by.
struct Found<'a> {
    key: Key<'a>,
    started: Timestamp,
    run: &'a Run,
}

/// Value of the sorted column. Unknown values stand last in both directions.
#[derive(Clone, Debug, PartialEq)]
enum Key<'a> {
    Number(f64),
    Text(Cow<'a, str>),
    Unknown,
}

impl RunOrder {
    /// Listed runs in their order; some may have been dropped from the model since.
    pub(super) fn rows(&self) -> &[RunId] {
        &self.rows
    }

    /// True when a run has a row.
    pub(super) fn lists(&self, id: &str) -> bool {
        self.known.get(id).copied().unwrap_or(false)
    }

    /// Row of a run; `None` where it is not listed.
    pub(super) fn row_of(&self, id: &str) -> Option<usize> {
        self.lists(id).then(|| self.rows.iter().position(|row| row == id)).flatten()
    }

    /// Place of a queued run in the line, from 1 on.
    pub(super) fn place_in_line(&self, id: &RunId) -> Option<u32> {
        self.queue.get(id).copied()
    }

    /// Number of runs that the search matches, by status in the order of [`STATUSES`]. Runs that wait
    /// outside the list do not count.
    pub(super) fn counts(&self) -> &[usize; STATUSES.len()] {
        &self.counts
    }

    /// Runs that are not listed because the order is held.
    pub(super) fn waiting(&self) -> Waiting {
        self.waiting
    }

    /// True while the order is held and would otherwise be another one.
    pub(super) fn is_held(&self) -> bool {
        self.differs
    }

    /// Seconds until the order may be updated again; `None` where nothing has changed.
    pub(super) fn due_secs(&self, run_store: &RunStore, now_secs: f64) -> Option<f64> {
        let made = self.made.as_ref()?;
        let is_old = made.generation != run_store.generation;
        is_old.then(|| (REFRESH_SECS - (now_secs - made.at_secs)).max(0.0))
    }

    /// Updates the order, unless it is held or was just updated; `now_secs` is the time of the frame.
    /// Returns true when the user asked for something else, so that the list begins at its top.
    pub(super) fn refresh(
        &mut self,
        run_store: &RunStore,
        request: &Request,
        hold: Hold,
        now_secs: f64,
        server_now: Timestamp,
    ) -> bool {
        let made = self.made.as_ref();
        let is_other = made.is_none_or(|made| made.request != *request);
        let is_moved = made.is_some_and(|made| made.jumps != run_store.jumps());
        let held = hold.is_on() && !is_other && !is_moved;
        if let Some(made) = made
            && !is_other
            && !is_moved
        {
            let since = now_secs - made.at_secs;
            let is_recent = (0.0..REFRESH_SECS).contains(&since);
            let many = run_store.model.len() > CHEAP_RUNS;
            let is_timed = request.sorting.column.is_timed() && since >= TIME_SECS;
            let is_new = made.generation != run_store.generation || made.held != held || is_timed;
            if !is_new || many && is_recent {
                return false;
            }
        }
        self.make(run_store, request, held, server_now);
        self.made = Some(Made {
            generation: run_store.generation,
            jumps: run_store.jumps(),
            request: request.clone(),
            held,
            at_secs: now_secs,
        });
        is_other
    }

    /// Lists the runs that wait, at the next update.
    pub(super) fn let_in(&mut self) {
        self.made = None;
    }

    fn make(&mut self, run_store: &RunStore, request: &Request, held: bool, server_now: Timestamp) {
        self.counts = Default::default();
        self.waiting = Waiting::default();
        if request.needle.is_empty() {
            self.texts.clear();
        } else if self.texts.len() > run_store.model.len() {
            self.texts.retain(|id| run_store.model.run(id).is_some());
        }
        let mut found: Vec<Found> = Vec::new();
        for run in run_store.model.runs() {
            let is_match = self.texts.matches(run, &request.needle);
            let is_asked = is_match && request.status.is_none_or(|status| run.status == status);
            let known = if held {
                self.known.get(run.id()).copied()
            } else {
                self.note(run.id(), is_asked);
                Some(is_asked)
            };
            self.waiting.new += usize::from(known.is_none());
            if is_match && known.is_some() {
                let place = STATUSES.iter().position(|status| *status == run.status);
                self.counts[place.unwrap_or(0)] += 1;
            }
            if is_asked {
                self.waiting.matching += usize::from(known != Some(true));
                let key = Key::of(run_store, run, request.sorting.column, server_now);
                found.push(Found { key, started: started_at(run), run });
            }
        }
        let descending = request.sorting.descending;
        found.sort_unstable_by(|one, other| one.compare(other, descending));
        let ids = || found.iter().map(|found| found.run.id());
        if held {
            self.differs = !self.rows.iter().eq(ids());
        } else {
            self.differs = false;
            self.rows.clear();
            self.rows.extend(ids().cloned());
            if self.known.len() > run_store.model.len() {
                self.known.retain(|id, _| run_store.model.run(id).is_some());
            }
        }
        self.make_queue(run_store);
    }

    /// Remembers that a run is known, and whether it is listed.
    fn note(&mut self, id: &RunId, is_listed: bool) {
        match self.known.get_mut(id) {
            Some(was_listed) => *was_listed = is_listed,
            None => drop(self.known.insert(id.clone(), is_listed)),
        }
    }

    fn make_queue(&mut self, run_store: &RunStore) {
        self.queue.clear();
        if run_store.model.count(RunStatus::Pending) == 0 {
            return;
        }
        let runs = run_store.model.runs().filter(|run| run.status == RunStatus::Pending);
        let mut queued: Vec<(Timestamp, &RunId)> =
            runs.map(|run| (started_at(run), run.id())).collect();
        queued.sort_unstable();
        let places = queued.into_iter().zip(1..);
        self.queue.extend(places.map(|((_, id), place)| (id.clone(), place)));
    }
}

impl Found<'_> {
    /// Compares by the sorted column; equal runs stand newest first in both directions.
    fn compare(&self, other: &Self, descending: bool) -> Ordering {
        let turned = |order: Ordering| if descending { order.reverse() } else { order };
        let by_key = match (&self.key, &other.key) {
            (Key::Number(one), Key::Number(other)) => turned(one.total_cmp(other)),
            (Key::Text(one), Key::Text(other)) => turned(one.cmp(other)),
            (Key::Unknown, Key::Unknown) => Ordering::Equal,
            (Key::Unknown, _) => Ordering::Greater,
            (_, Key::Unknown) => Ordering::Less,
            // One column has values of one kind.
            (Key::Number(_), Key::Text(_)) => Ordering::Less,
            (Key::Text(_), Key::Number(_)) => Ordering::Greater,
        };
        by_key
            .then_with(|| other.started.cmp(&self.started))
            .then_with(|| other.run.id().cmp(self.run.id()))
    }
}

impl<'a> Key<'a> {
    fn of(run_store: &RunStore, run: &'a Run, column: Column, server_now: Timestamp) -> Self {
        let number = |value: Option<f64>| value.map_or(Self::Unknown, Self::Number);
        match column {
            Column::Status => {
                let place = STATUSES.iter().position(|status| *status == run.status);
                number(place.map(|place| place as f64))
            }
            Column::Song => Self::Text(fold(display_name(run).as_str()).into()),
            Column::RunId => Self::Text(run.id().as_str().into()),
            Column::Step => Self::Number(step_place(run)),
            Column::Elapsed => number(shown_elapsed_ms(run, server_now).map(|ms| ms as f64)),
            Column::ToGo => match run.status {
                RunStatus::Running => match run_store.model.remaining(run, server_now) {
                    Remaining::Unknown => Self::Unknown,
                    Remaining::AnyMoment => Self::Number(0.0),
                    Remaining::Left { millis, .. } => Self::Number(millis as f64),
                    Remaining::Late { by_ms } => Self::Number(-1.0 - by_ms as f64),
                },
                _ => Self::Unknown,
            },
            Column::Started => Self::Number(started_at(run).as_microsecond() as f64),
            Column::Ended => number(run.ended_at.map(|at| at.as_microsecond() as f64)),
            Column::Attempts => Self::Number(run_store.attempt(run) as f64),
            Column::Score => number(final_score(run).filter(|score| score.is_finite())),
        }
    }
}

/// Place of a run on its way: queued, at a step, at a step outside the pipeline, finished.
fn step_place(run: &Run) -> f64 {
    match (run.status, step_of(run)) {
        (RunStatus::Pending, _) => -1.0,
        (RunStatus::Completed, _) => 1_000.0,
        (_, Some(step)) => pipeline_index(step).map_or(100.0, |place| place as f64),
        (_, None) => 0.0,
    }
}

/// Start of a run, or its creation while it is queued.
pub(super) fn started_at(run: &Run) -> Timestamp {
    // Start and elapsed time add up to now.
    run.begun_at()
}

/// Milliseconds that a run has been going or took; of a queued run, that it has been waiting.
pub(super) fn shown_elapsed_ms(run: &Run, server_now: Timestamp) -> Option<u64> {
    match run.status {
        RunStatus::Pending => Some(millis_between(run.first_event_at(), server_now)),
        _ => elapsed_ms(run, server_now),
    }
}
