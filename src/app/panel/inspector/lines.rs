//! Lines of the log that belong to the shown run, by step, with the fields that only the inspector shows.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use super::choice::{Choice, attempt_of};
use crate::model::{Attempt, EventLog, LogEntry, LogItem, Run};
use crate::protocol::{EventFields, NodeName, Phase, RunId, WorkflowEvent};

/// Lines of the log examined in one update.
const LINES_PER_STEP: usize = 50_000;

/// Maximum number of events whose fields are kept.
const KEPT_FIELDS: usize = 512;

/// Lines of one run, by their numbers in the log, oldest first. Each update examines what is new, so that
/// its cost follows what arrives.
#[derive(Clone, Debug, Default)]
pub(in crate::app::panel) struct RunLines {
    run: Option<RunId>,
    seqs: Arc<VecDeque<u64>>,
    /// Lines of each step that start or end an attempt, or report a result.
    steps: HashMap<NodeName, VecDeque<StepLine>>,
    /// First line that was examined; `looked_to` is the one after the last.
    looked_from: u64,
    looked_to: u64,
    fields: HashMap<u64, Arc<EventFields>>,
    /// Number of the line that stands for the choice.
    framed: Option<(Choice, u64)>,
}

/// Events of a run that have been read: what is made of them stays the same until it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app::panel) struct ReadState {
    run: RunId,
    events: u64,
    received_at: Timestamp,
    /// Number of the run's lines, and the last of them.
    lines: (usize, Option<u64>),
}

/// A line of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct StepLine {
    seq: u64,
    is_start: bool,
    at: Timestamp,
}

/// Fields of the events that started and ended an attempt; `None` where the event is not in the log.
#[derive(Clone, Debug, Default)]
pub(in crate::app::panel) struct AttemptFields {
    /// Of its start.
    pub start: Option<Arc<EventFields>>,
    /// Of its end or failure.
    pub end: Option<Arc<EventFields>>,
}

impl AttemptFields {
    /// Returns a field of the end, else of the start.
    pub(in crate::app::panel) fn get<'a, T>(
        &'a self,
        field: impl Fn(&'a EventFields) -> Option<T>,
    ) -> Option<T> {
        let both = [self.end.as_deref(), self.start.as_deref()];
        both.into_iter().flatten().find_map(field)
    }
}

/// Returns the event in the line with this number.
pub(super) fn event(log: &EventLog, seq: u64) -> Option<(&LogEntry, &WorkflowEvent)> {
    let entry = log.line(seq)?;
    match &entry.item {
        LogItem::Event(event) => Some((entry, event)),
        LogItem::ParseError(_) => None,
    }
}

impl RunLines {
    /// Examines new lines of the log, then older ones, newest first; a limited number in one call. Returns true
    /// while older lines have still to be examined.
    pub(in crate::app::panel) fn update(&mut self, log: &EventLog, run: &RunId) -> bool {
        let (first, end) = (log.first_seq(), log.written());
        if self.run.as_ref() != Some(run) || self.looked_to < first || self.looked_to > end {
            *self = Self { run: Some(run.clone()), ..Self::default() };
            (self.looked_from, self.looked_to) = (end, end);
        }
        if self.seqs.front().is_some_and(|seq| *seq < first) {
            let seqs = Arc::make_mut(&mut self.seqs);
            seqs.drain(..seqs.partition_point(|seq| *seq < first));
        }
        for lines in self.steps.values_mut() {
            while lines.front().is_some_and(|line| line.seq < first) {
                lines.pop_front();
            }
        }
        self.looked_from = self.looked_from.max(first);
        let mut left = LINES_PER_STEP;
        let entries = log.entries();
        let at = |seq: u64| entries.get((seq - first) as usize);
        while self.looked_to < end && left > 0 {
            if let Some(entry) = at(self.looked_to) {
                self.note(entry, run, false);
            }
            self.looked_to += 1;
            left -= 1;
        }
        while self.looked_from > first && left > 0 {
            self.looked_from -= 1;
            if let Some(entry) = at(self.looked_from) {
                self.note(entry, run, true);
            }
            left -= 1;
        }
        self.looked_from > first || self.looked_to < end
    }

    fn note(&mut self, entry: &LogEntry, run: &RunId, is_older: bool) {
        let LogItem::Event(event) = &entry.item else { return };
        if event.run_id != *run {
            return;
        }
        let seqs = Arc::make_mut(&mut self.seqs);
        if is_older {
            seqs.push_front(entry.seq);
        } else {
            seqs.push_back(entry.seq);
        }
        let Some(node) = &event.node else { return };
        let is_start = match event.phase {
            Phase::Start => true,
            Phase::End | Phase::Fail => false,
            Phase::Info | Phase::Progress | Phase::Other(_) => return,
        };
        let lines = self.steps.entry(node.clone()).or_default();
        let line = StepLine { seq: entry.seq, is_start, at: event.at };
        if is_older {
            lines.push_front(line);
        } else {
            lines.push_back(line);
        }
    }

    /// Numbers of the run's lines, oldest first.
    pub(in crate::app::panel) fn seqs(&self) -> &Arc<VecDeque<u64>> {
        &self.seqs
    }

    /// Returns what of a run has been read.
    pub(in crate::app::panel) fn read_state(&self, run: &Run) -> ReadState {
        ReadState {
            run: run.id().clone(),
            events: run.events(),
            received_at: run.last_received_at(),
            lines: (self.seqs.len(), self.seqs.back().copied()),
        }
    }

    /// Returns the fields of the event in the line with this number, read once.
    pub(in crate::app::panel) fn fields(
        &mut self,
        log: &EventLog,
        seq: u64,
    ) -> Option<Arc<EventFields>> {
        if let Some(known) = self.fields.get(&seq) {
            return Some(known.clone());
        }
        let fields = Arc::new(EventFields::read(log.raw(log.line(seq)?)));
        if self.fields.len() >= KEPT_FIELDS {
            self.fields.clear();
        }
        self.fields.insert(seq, fields.clone());
        Some(fields)
    }

    /// Returns the fields of the events that started and ended an attempt.
    pub(in crate::app::panel) fn attempt_fields(
        &mut self,
        log: &EventLog,
        node: &str,
        attempt: &Attempt,
    ) -> AttemptFields {
        let start = self.line_at(node, attempt.started_at, true);
        let end = self.line_at(node, attempt.ended_at, false);
        AttemptFields {
            start: start.and_then(|seq| self.fields(log, seq)),
            end: end.and_then(|seq| self.fields(log, seq)),
        }
    }

    /// Returns the line of a step's start or end at an instant.
    pub(super) fn line_of(&self, node: &str, at: Timestamp) -> Option<u64> {
        let end = self.line_at(node, Some(at), false);
        end.or_else(|| self.line_at(node, Some(at), true))
    }

    /// Returns the line of a step's start or end at an instant; the last one of several.
    fn line_at(&self, node: &str, at: Option<Timestamp>, is_start: bool) -> Option<u64> {
        let at = at?;
        let lines = self.steps.get(node)?.iter().rev();
        let mut here = lines.filter(|line| line.at == at && line.is_start == is_start);
        here.next().map(|line| line.seq)
    }

    /// Returns the least total score that passes, as the run's latest verdict tells it.
    pub(in crate::app::panel) fn pass_mark(&mut self, log: &EventLog) -> Option<f64> {
        let lines = self.steps.get("VALIDATE")?;
        let ends: Vec<u64> =
            lines.iter().rev().filter(|line| !line.is_start).take(8).map(|line| line.seq).collect();
        ends.into_iter().find_map(|seq| self.fields(log, seq)?.pass_mark)
    }

    /// Finds the line that stands for the choice, for [`Self::event_of`].
    pub(super) fn frame(&mut self, run: &Run, choice: Option<&Choice>) {
        self.framed = choice.and_then(|choice| {
            let name = choice.node.as_deref()?;
            let attempt = attempt_of(run.node(name)?, choice.attempt)?;
            let end = self.line_at(name, attempt.ended_at, false);
            let seq = end.or_else(|| self.line_at(name, attempt.started_at, true))?;
            Some((choice.clone(), seq))
        });
    }

    /// Returns the line that stands for a choice, as of the last frame.
    pub(super) fn event_of(&self, choice: &Choice) -> Option<u64> {
        self.framed.as_ref().filter(|(framed, _)| framed == choice).map(|(_, seq)| *seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panel::testing::{frame, receive, run_store};
    use crate::app::state::run_store::RunStore;
    use crate::model::Retention;

    fn seqs(run_store: &RunStore, run: &str) -> Vec<u64> {
        let mut lines = RunLines::default();
        while lines.update(run_store.model.log(), &run.into()) {}
        lines.seqs().iter().copied().collect()
    }

    #[test]
    fn lines_equal_filtering_the_log_whenever_they_were_updated() {
        let retention = Retention { log_events: 40, ..Retention::default() };
        let mut run_store = RunStore::new(retention);
        let mut lines = RunLines::default();
        for n in 0..30 {
            for run in 0..3 {
                let node = if n % 2 == 0 { Some("PLAN") } else { None };
                receive(&mut run_store, &[&frame(n * 3, &format!("r{run}"), node, "start", "{}")]);
            }
            receive(&mut run_store, &["no event"]);
            lines.update(run_store.model.log(), &"r1".into());
            assert_eq!(lines.seqs().iter().copied().collect::<Vec<_>>(), seqs(&run_store, "r1"));
        }
        assert_eq!(lines.seqs().len(), 10);
        lines.update(run_store.model.log(), &"r2".into());
        assert_eq!(lines.seqs().iter().copied().collect::<Vec<_>>(), seqs(&run_store, "r2"));
    }

    #[test]
    fn fields_of_an_attempt_are_those_of_its_own_events() {
        let frames = [
            frame(0, "r", Some("PLAN"), "start", r#"{"skill_name":"plan","seed":1}"#),
            frame(4, "r", Some("PLAN"), "fail", r#"{"error_message":"no","stack_trace":"at a"}"#),
            frame(6, "r", Some("PLAN"), "start", r#"{"skill_name":"plan","seed":2}"#),
            frame(9, "r", Some("PLAN"), "end", r#"{"output_hash":"ff"}"#),
        ];
        let run_store = run_store(&frames.each_ref().map(String::as_str));
        let log = run_store.model.log();
        let run = run_store.model.run("r").unwrap();
        let mut lines = RunLines::default();
        lines.update(log, run.id());
        let node = run.node("PLAN").unwrap();
        let mut of = |number| lines.attempt_fields(log, "PLAN", attempt_of(node, number).unwrap());
        let (first, second) = (of(1), of(2));
        assert_eq!(first.get(|fields| fields.seed.clone()).as_deref(), Some("1"));
        assert_eq!(first.get(|fields| fields.stack_trace.clone()).as_deref(), Some("at a"));
        assert_eq!(second.get(|fields| fields.seed.clone()).as_deref(), Some("2"));
        assert_eq!(second.get(|fields| fields.output_hash.clone()).as_deref(), Some("ff"));
        let choice = Choice::of_attempt(run, &"PLAN".into(), 1);
        lines.frame(run, Some(&choice));
        assert_eq!(lines.event_of(&choice), Some(1));
    }
}
