//! The run store: the only place that changes the model, by draining the source's channel into it.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bevy::platform::time::Instant;
use bevy::prelude::*;
use foldhash::fast::FixedState;
use jiff::Timestamp;

use super::clock::{self, PlaybackClock, local_zone};
use super::hub_past::HubPast;
use super::known_history::KnownHistory;
use super::link::{HubOffer, Link, SummaryReceived};
use super::names::Names;
use super::rewound::Rewound;
use crate::app::systems::AppSystems;
use crate::director::STALE_SECS;
#[cfg(not(target_arch = "wasm32"))]
use crate::model::EstimateRecord;
use crate::model::past::{Past, PastLimits};
use crate::model::{
    Change, FollowUp, Model, NodeStatus, Retention, Run, RunStatus, SongRuns, SongStory,
};
use crate::protocol::hub::HubFrame;
use crate::protocol::{Batch, Item, NodeName, RunId, WorkflowEvent};
use crate::source::{
    ConnectionEvent, ConnectionLogEntry, ConnectionState, OperationOutcome, Signal,
};

/// Time that one frame may spend draining; the rest stays in the channel.
const INGEST_BUDGET: Duration = Duration::from_millis(4);
/// Time that one frame may spend draining after nothing was drained for [`LONG_ASLEEP`], as in a
/// hidden browser tab: a returning user should see the current state, not a replay of how it came
/// about.
const CATCH_UP_BUDGET: Duration = Duration::from_millis(250);
/// Longest period of catching up: a source whose channel never empties must not freeze the display.
const CATCH_UP_AT_MOST: Duration = Duration::from_secs(3);
const LONG_ASLEEP: Duration = Duration::from_secs(2);
/// Number of entries kept in the connection log.
const KEPT_CONNECTION_LOG: usize = 500;

/// The model that is shown, and a counter of its changes. While the past is shown, the live model goes on
/// beside it (`rewind`).
#[derive(Resource)]
pub struct RunStore {
    /// Runs, nodes, log and counters as of the instant that is shown. Changed by [`receive`] and read by
    /// everything else; [`RunStore::live`] is the model as of now.
    pub model: Model,
    /// Number of changes to the model so far; views compare it with the value they last drew.
    pub generation: u64,
    pub(super) names: Names,
    pub(super) songs: SongRuns,
    history: KnownHistory,
    pub(super) past: Past,
    /// Past that the hub kept.
    pub(super) hub: HubPast,
    pub(super) rewound: Option<Box<Rewound>>,
    /// Number of times that another instant was shown at once.
    pub(super) jumps: u64,
    /// Latest known time by this machine's clock.
    pub(super) live_now: Timestamp,
    /// Failures that somebody marked as seen, here or at another screen of the hub, with the time of that.
    seen: HashMap<RunId, Timestamp, FixedState>,
    /// Of these, those marked here that no hub has confirmed.
    unconfirmed: HashSet<RunId, FixedState>,
    /// Marks that the source has not been given yet.
    untold: Vec<RunId>,
    marks: u64,
}

impl RunStore {
    /// Creates an empty store with these limits.
    pub fn new(retention: Retention) -> Self {
        Self::of(Model::new(retention))
    }

    /// Creates the store of a model.
    pub fn of(model: Model) -> Self {
        let generation = u64::from(!model.is_empty());
        let mut names = Names::default();
        names.update(&model, &[], &local_zone());
        let mut songs = SongRuns::default();
        songs.update(&model, &[]);
        let mut history = KnownHistory::default();
        let all: Vec<RunId> = model.runs().map(|run| run.id().clone()).collect();
        history.note(&model, &all, Timestamp::MAX);
        let past = Past::new(PastLimits::of(model.retention()), &model);
        let live_now = model.last_received_at().unwrap_or(Timestamp::MIN);
        Self {
            model,
            generation,
            names,
            songs,
            history,
            past,
            hub: HubPast::default(),
            rewound: None,
            jumps: 0,
            live_now,
            seen: HashMap::default(),
            unconfirmed: HashSet::default(),
            untold: Vec::new(),
            marks: 0,
        }
    }

    /// Takes over what estimates were made from in an earlier session, before anything is received.
    #[cfg(not(target_arch = "wasm32"))]
    pub(in crate::app) fn continue_from(&mut self, record: &EstimateRecord) {
        if self.model.is_empty() && self.rewound.is_none() {
            self.model.continue_from(record);
            self.past = Past::new(PastLimits::of(self.model.retention()), &self.model);
        }
    }

    /// Forgets everything, because another source begins.
    pub(in crate::app) fn forget(&mut self, retention: Retention) {
        // Views compare them with what they last drew.
        let (generation, marks, jumps) = (self.generation + 1, self.marks + 1, self.jumps + 1);
        let hub = HubPast::after(&self.hub);
        *self = Self { generation, marks, jumps, hub, ..Self::new(retention) };
    }

    /// Applies a batch to the live model and its names, and calls `tell` for each change.
    pub(in crate::app) fn receive(
        &mut self,
        batch: Batch,
        mut tell: impl FnMut(Option<&WorkflowEvent>, Change),
    ) {
        let (at, is_live) = (batch.received_at, batch.live);
        self.live_now = self.live_now.max(at);
        let mut touched: Vec<RunId> = Vec::new();
        // Sources end a batch with a hub's marks, so that these follow everything else in it.
        let mut marked: Vec<RunId> = Vec::new();
        for item in &batch.items {
            if let Item::Hub(HubFrame::Seen(runs)) = item {
                marked.extend_from_slice(runs);
            }
        }
        let mut changed: Vec<RunId> = Vec::new();
        let mut failed: Vec<RunId> = Vec::new();
        let live = match self.rewound.as_deref_mut() {
            Some(rewound) => &mut rewound.live,
            None => {
                self.generation += 1;
                &mut self.model
            }
        };
        self.past.receive(live, batch, |event, change| {
            if let Some((_, status)) = change.run_status {
                changed.push(change.run_id.clone());
                if status == RunStatus::Failed && is_live {
                    failed.push(change.run_id.clone());
                }
            }
            if touched.last() != Some(&change.run_id) {
                touched.push(change.run_id.clone());
            }
            touched.extend(change.evicted.iter().cloned());
            tell(event, change);
        });
        touched.sort_unstable();
        touched.dedup();
        match self.rewound.as_deref_mut() {
            Some(rewound) => rewound.update_live(&touched, failed, at),
            None => self.update_indexes(&touched),
        }
        let live = self.rewound.as_ref().map_or(&self.model, |rewound| &rewound.live);
        self.history.note(live, &touched, live.clock().server_time(at));
        // A run that was executed again may have failed again within the batch.
        let ended = touched.iter().filter(|id| !self.has_failed(id)).cloned();
        changed.extend(ended);
        for id in &changed {
            self.seen.remove(id);
            self.unconfirmed.remove(id);
        }
        for id in &marked {
            self.insert_mark(id, at);
            self.unconfirmed.remove(id);
        }
    }

    /// Brings the indexes of the shown model in step with it.
    pub(super) fn update_indexes(&mut self, touched: &[RunId]) {
        self.names.update(&self.model, touched, &local_zone());
        self.songs.update(&self.model, touched);
    }

    fn has_failed(&self, id: &str) -> bool {
        self.live().run(id).is_some_and(|run| run.status == RunStatus::Failed)
    }

    /// Adds a mark; returns false where there is one already, or the run did not fail.
    fn insert_mark(&mut self, id: &RunId, at: Timestamp) -> bool {
        let is_new = self.has_failed(id) && !self.seen.contains_key(id);
        if is_new {
            self.seen.insert(id.clone(), at);
            self.generation += 1;
            self.marks += 1;
        }
        is_new
    }

    /// Marks a failure as seen, so that it is no longer news; no effect on runs that did not fail. A hub
    /// is told, and tells its other screens.
    pub fn mark_seen(&mut self, id: &RunId) {
        if self.insert_mark(id, self.live_now) {
            self.unconfirmed.insert(id.clone());
            self.untold.push(id.clone());
        }
    }

    /// Returns the marks that the source has not been given yet.
    fn take_untold_marks(&mut self) -> Vec<RunId> {
        std::mem::take(&mut self.untold)
    }

    /// Has a hub that has just been connected be told of the marks that no hub has confirmed.
    fn tell_marks_again(&mut self) {
        self.untold = self.unconfirmed.iter().cloned().collect();
        self.untold.sort_unstable();
    }

    /// True if somebody had marked the failure of this run as seen at the instant that is shown. A failure
    /// whose run was executed again since counts as unseen at every instant.
    pub fn is_seen(&self, id: &str) -> bool {
        let shown_at = self.rewound.as_ref().map(|rewound| rewound.at);
        self.seen.get(id).is_some_and(|at| shown_at.is_none_or(|shown_at| *at <= shown_at))
    }

    /// Number of times that a failure was marked as seen; views compare it with the value they last drew.
    pub fn marks(&self) -> u64 {
        self.marks
    }

    /// Outcomes of the runs that this display has seen, as of now, whatever is shown.
    pub fn history(&self) -> &KnownHistory {
        &self.history
    }

    /// Returns the sequel of the failure of `run`.
    pub fn follow_up(&self, run: &Run) -> FollowUp {
        self.songs.follow_up(&self.model, run)
    }

    /// Number of failures in a row of the song, up to `run`, which failed.
    pub fn failures_in_a_row(&self, run: &Run) -> usize {
        self.songs.failures_in_a_row(&self.model, run)
    }

    /// Part of `run` in the story of its song; `None` for the first run of a song.
    pub fn song_story(&self, run: &Run) -> Option<SongStory> {
        self.songs.story(&self.model, run)
    }

    /// The failed run that `run` retries: the song's latest earlier run, if that failed before `run`
    /// began.
    pub fn retried_by(&self, run: &Run) -> Option<&Run> {
        self.songs.retried_by(&self.model, run)
    }

    /// Latest of the song's other runs that began before `run` did.
    pub fn attempt_before(&self, run: &Run) -> Option<&Run> {
        self.songs.earlier(&self.model, run).next()
    }

    /// Latest success of the song among the runs that began before `run` did.
    pub fn last_success(&self, run: &Run) -> Option<&Run> {
        let mut earlier = self.songs.earlier(&self.model, run);
        earlier.find(|run| run.status == RunStatus::Completed)
    }

    /// Name of a run for the screen. Runs that look alike are told apart by their start or by the part
    /// of the id in which they differ.
    pub fn name(&self, run: &Run) -> String {
        self.names.name(run, false)
    }

    /// Name of a run as [`RunStore::name`], with the word "Song" or "Run" before an id.
    pub fn labelled_name(&self, run: &Run) -> String {
        self.names.name(run, true)
    }

    /// Part of a run's title in which it differs from other titles that begin alike.
    pub fn variant(&self, run: &Run) -> Option<String> {
        self.names.variant(run)
    }

    /// Shortened id of a run, which may have been dropped: its ends, or the part in which it differs
    /// from ids with the same ends.
    pub fn short_id(&self, id: &str) -> String {
        self.names.short_id(id)
    }
}

/// Sent when an event was applied, or when a REST answer changed a run.
#[derive(Message, Clone, Debug)]
pub struct EventReceived {
    /// The event; `None` when the change came from REST.
    pub event: Option<WorkflowEvent>,
    /// Changes in the model.
    pub change: Change,
    /// False when the event was replayed after connecting; true when it happens now.
    pub live: bool,
}

impl EventReceived {
    /// True when the event is worth telling at this time of the server. Replayed events are not, nor are those that
    /// arrive late, as in a page that returns to the foreground.
    pub fn is_news(&self, server_now: Timestamp) -> bool {
        let age_secs = clock::millis_between(self.change.at, server_now) as f64 / 1000.0;
        self.live && age_secs <= STALE_SECS
    }
}

/// Returns the ids of all runs that changed or were evicted, each once, in order of arrival.
pub(in crate::app) fn touched<'a>(changes: impl Iterator<Item = &'a Change>) -> Vec<&'a RunId> {
    let mut seen = HashSet::with_hasher(FixedState::default());
    let mut touched = Vec::new();
    for change in changes {
        let ids = std::iter::once(&change.run_id).chain(&change.evicted);
        touched.extend(ids.filter(|id| seen.insert(*id)));
    }
    touched
}

/// Sent when a node succeeded or failed.
#[derive(Message, Clone, Debug)]
pub struct NodeFinished {
    /// Id of the node's run.
    pub run_id: RunId,
    /// Name of the node, such as `STYLE`.
    pub node: NodeName,
    /// `Success` or `Failed`.
    pub status: NodeStatus,
}

/// Sent when a run completed, failed or was cancelled.
#[derive(Message, Clone, Debug)]
pub struct RunFinished {
    /// Id of the run.
    pub run_id: RunId,
    /// Final status.
    pub status: RunStatus,
}

/// Sent with the outcome of a run operation.
#[derive(Message, Clone, Debug, PartialEq)]
pub struct OperationFinished(pub OperationOutcome);

/// Sent when another source begins, and nothing of the one before is kept.
#[derive(Message, Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceReplaced;

/// Sent when the connection state changed. One frame can have several of these, in order.
#[derive(Message, Clone, Debug)]
pub struct ConnectionChanged(pub ConnectionState);

/// Sent when the connection was established.
#[derive(Message, Clone, Debug)]
pub struct Connected {
    /// Address, without its secrets.
    pub url: String,
}

/// Sent when either side closed the connection.
#[derive(Message, Clone, Debug)]
pub struct Disconnected {
    /// Code of the close frame; `None` if there was none.
    pub code: Option<u16>,
    /// Reason, as a sentence.
    pub reason: String,
}

/// Sent when the connection failed or could not be established.
#[derive(Message, Clone, Debug)]
pub struct ConnectionError {
    /// Description of the error, as a sentence.
    pub message: String,
}

/// Sent when a received message could not be decoded.
#[derive(Message, Clone, Debug)]
pub struct ParseErrorReceived {
    /// Description of the defect.
    pub reason: String,
    /// The first 4 kB of the message.
    pub text: String,
}

pub(in crate::app) fn plugin(app: &mut App) {
    app.add_message::<EventReceived>()
        .add_message::<NodeFinished>()
        .add_message::<RunFinished>()
        .add_message::<OperationFinished>()
        .add_message::<SourceReplaced>()
        .add_message::<ConnectionChanged>()
        .add_message::<Connected>()
        .add_message::<Disconnected>()
        .add_message::<ConnectionError>()
        .add_message::<ParseErrorReceived>()
        .add_message::<SummaryReceived>()
        .init_resource::<PlaybackClock>()
        // The clock ticks first, so that a recorded frame can then set it to its own time.
        .add_systems(PreUpdate, (clock::tick, drain).chain().in_set(AppSystems::Ingest));
}

/// Writers for all messages that an embedding app can read.
#[derive(bevy::ecs::system::SystemParam)]
pub struct Announcements<'w> {
    events: MessageWriter<'w, EventReceived>,
    nodes: MessageWriter<'w, NodeFinished>,
    runs: MessageWriter<'w, RunFinished>,
    operations: MessageWriter<'w, OperationFinished>,
    states: MessageWriter<'w, ConnectionChanged>,
    connected: MessageWriter<'w, Connected>,
    disconnected: MessageWriter<'w, Disconnected>,
    errors: MessageWriter<'w, ConnectionError>,
    parse_errors: MessageWriter<'w, ParseErrorReceived>,
    summaries: MessageWriter<'w, SummaryReceived>,
}

/// Draining budget of successive frames.
#[derive(Default)]
struct IngestBudget {
    last: Option<Instant>,
    /// Start of the current catch-up period; `None` once the channel was empty.
    catching_up_since: Option<Instant>,
}

impl IngestBudget {
    fn budget(&mut self, now: Instant) -> Duration {
        if self.last.replace(now).is_some_and(|last| now.duration_since(last) > LONG_ASLEEP) {
            self.catching_up_since = Some(now);
        }
        match self.catching_up_since {
            Some(since) if now.duration_since(since) <= CATCH_UP_AT_MOST => CATCH_UP_BUDGET,
            _ => INGEST_BUDGET,
        }
    }

    fn caught_up(&mut self) {
        self.catching_up_since = None;
    }
}

fn drain(
    mut run_store: ResMut<RunStore>,
    mut link: ResMut<Link>,
    mut clock: ResMut<PlaybackClock>,
    mut announce: Announcements,
    mut pace: Local<IngestBudget>,
) {
    let begun = Instant::now();
    let budget = pace.budget(begun);
    // Neither is seen on screen: the store counts as changed only when its model or marks change.
    let unseen = run_store.bypass_change_detection();
    unseen.live_now = clock.live_now;
    let marked = unseen.take_untold_marks();
    link.mark_seen(marked);
    let Some(signals) = link.handle.as_ref().map(|handle| handle.signals.clone()) else {
        return;
    };
    for signal in signals.try_iter() {
        match signal {
            Signal::Batch(batch) => {
                if link.is_recording() && !clock.is_fixed() {
                    clock.align(batch.received_at, link.recording_rate);
                }
                link.bypass_change_detection().health.note_batch(&batch);
                receive(&mut run_store, batch, &mut announce);
                for step in run_store.take_clock_steps() {
                    let event = ConnectionEvent::Note { message: step.to_string() };
                    let (at, url) = (step.noticed_at, link.url.clone());
                    log_connection_event(
                        &mut link,
                        ConnectionLogEntry { at, url, event },
                        &mut announce,
                    );
                }
            }
            Signal::State(state) => {
                match &state {
                    ConnectionState::Connected { .. } => link.last_error = None,
                    // The new connection may lead to another server, whose offer is unknown.
                    ConnectionState::Connecting { .. } => link.hub = None,
                    _ => {}
                }
                if !matches!(state, ConnectionState::Connected { .. }) {
                    link.has_history = false;
                    run_store.bypass_change_detection().take_offer(None, clock.live_now);
                }
                let stands =
                    |state: &ConnectionState| matches!(state, ConnectionState::Connected { .. });
                match (stands(&link.state), stands(&state)) {
                    (false, true) => run_store.connection_stands(clock.live_now),
                    // The time of a recording goes on behind its end.
                    (true, false) if !link.is_recording() => {
                        run_store.connection_lost(clock.live_now);
                    }
                    _ => {}
                }
                announce.states.write(ConnectionChanged(state.clone()));
                link.enter(state);
            }
            Signal::Log(entry) => log_connection_event(&mut link, entry, &mut announce),
            Signal::OperationFinished(outcome) => {
                announce.operations.write(OperationFinished(outcome));
            }
            Signal::Hub { api, actions, seen, history } => {
                link.hub = Some(HubOffer { api, actions });
                link.has_history = history.is_some();
                run_store.take_offer(history, clock.live_now);
                if seen {
                    run_store.tell_marks_again();
                }
            }
            Signal::History(answer) => run_store.bypass_change_detection().take_answer(answer),
            Signal::Summary(answer) => {
                announce.summaries.write(SummaryReceived(answer));
            }
        }
        if begun.elapsed() > budget {
            break;
        }
    }
    let backlog = signals.len();
    if backlog == 0 {
        pace.caught_up();
    }
    if link.backlog != backlog {
        link.backlog = backlog;
    }
}

/// Applies a batch to the model and sends a message for each change.
pub fn receive(run_store: &mut RunStore, batch: Batch, announce: &mut Announcements) {
    for item in &batch.items {
        if let Item::Malformed(error) = item {
            announce.parse_errors.write(ParseErrorReceived {
                reason: error.reason.clone(),
                text: error.text.to_string(),
            });
        }
    }
    let live = batch.live;
    run_store.receive(batch, |event, change| {
        announce.nodes.write_batch(finished_nodes(&change));
        announce.runs.write_batch(finished_run(&change));
        announce.events.write(EventReceived { event: event.cloned(), change, live });
    });
}

/// Returns the nodes that finished with a change.
pub(in crate::app) fn finished_nodes(change: &Change) -> impl Iterator<Item = NodeFinished> + '_ {
    let nodes = change.node.iter().chain(&change.snapshot_nodes);
    let finished = nodes.filter(|node| matches!(node.to, NodeStatus::Success | NodeStatus::Failed));
    finished.map(|node| NodeFinished {
        run_id: change.run_id.clone(),
        node: node.name.clone(),
        status: node.to,
    })
}

/// Returns the run that finished with a change.
pub(in crate::app) fn finished_run(change: &Change) -> Option<RunFinished> {
    let (_, status) = change.run_status.filter(|(_, status)| status.is_over())?;
    Some(RunFinished { run_id: change.run_id.clone(), status })
}

fn log_connection_event(link: &mut Link, entry: ConnectionLogEntry, announce: &mut Announcements) {
    match &entry.event {
        ConnectionEvent::Connecting | ConnectionEvent::Note { .. } => {}
        ConnectionEvent::Connected => {
            announce.connected.write(Connected { url: entry.url.clone() });
        }
        ConnectionEvent::Disconnected { code, reason } => {
            announce.disconnected.write(Disconnected { code: *code, reason: reason.clone() });
        }
        ConnectionEvent::Error { message } => {
            link.last_error = Some((entry.at, message.clone()));
            announce.errors.write(ConnectionError { message: message.clone() });
        }
    }
    if link.log.len() == KEPT_CONNECTION_LOG {
        link.log.pop_front();
    }
    link.log.push_back(entry);
}

#[cfg(test)]
mod tests;
