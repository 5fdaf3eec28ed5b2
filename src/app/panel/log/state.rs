//! Filters, rows, choice and scroll position of the event log.

use super::choice::{Choice, LogMove, Subject, Wish};
use super::entry::OpenEntry;
use super::export::export_text;
use super::filter::{KindFilter, LogFilter, NodeFilter};
use super::hold::Hold;
use super::index::{EFFORT_PER_FRAME, Lines, LogIndex};
use super::view::LogView;
use super::{copy, notice};
use crate::app::words::count_words;
use crate::export::TableForm;
use crate::model::{EventLog, LogEntry, LogItem};
use crate::protocol::{NodeName, RunId};

/// Place of the row at the upper edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TopRow {
    pub seq: u64,
    /// Distance from the row's upper edge to that of the view, in points; negative where the row is lower.
    pub below: f32,
}

/// Filters, rows, choice and scroll position of the log.
#[derive(Clone, Debug)]
pub(in crate::app::panel) struct LogState {
    pub(super) all_runs: bool,
    pub(super) node: NodeFilter,
    pub(super) kind: KindFilter,
    pub(super) search: String,
    index: LogIndex,
    /// Lines of a paused log; `None` while new ones are followed.
    hold: Option<Hold>,
    choice: Option<Choice>,
    wish: Option<Wish>,
    /// True when the wish is older than a frame, and when the log was shown in this one.
    is_old_wish: bool,
    was_shown: bool,
    /// Row to scroll to.
    pub(super) reveal: Option<u64>,
    pub(super) top: Option<TopRow>,
    /// Scroll position after the last frame, in points.
    pub(super) offset: f32,
    /// Number of rows of a page.
    pub(super) page_rows: usize,
    /// Line on which the pointer went down; a growing log may show another one there at its release.
    pub(super) pressed: Option<u64>,
    /// Line that was clicked last, and when by egui's clock.
    clicked: Option<(u64, f64)>,
    /// Sentence about what was just done, until this time in seconds of egui's clock.
    note: Option<(String, f64)>,
    jumps: u64,
    /// Opened line.
    pub(in crate::app::panel) opened: Option<OpenEntry>,
    /// Form in which the user wants to save what is filtered; taken by the one who shows the dialog.
    pub(super) wants_export: Option<TableForm>,
}

impl Default for LogState {
    fn default() -> Self {
        Self {
            all_runs: true,
            node: NodeFilter::All,
            kind: KindFilter::All,
            search: String::new(),
            index: LogIndex::default(),
            hold: None,
            choice: None,
            wish: None,
            is_old_wish: false,
            was_shown: false,
            reveal: None,
            top: None,
            offset: 0.0,
            page_rows: 1,
            pressed: None,
            clicked: None,
            note: None,
            jumps: 0,
            opened: None,
            wants_export: None,
        }
    }
}

/// Seconds for which a sentence about what was just done is shown.
const NOTE_SECS: f64 = 2.0;

/// Longest time between the clicks of a double click, in seconds, and a little more.
const DOUBLE_CLICK_SECS: f64 = 0.6;

/// Calls of the owner of the log.
impl LogState {
    /// Limits the log to the run in focus, or shows all runs.
    pub(in crate::app::panel) fn show_all_runs(&mut self, all_runs: bool) {
        self.all_runs = all_runs;
    }

    /// Moves to another row when the log is shown next.
    pub(in crate::app::panel) fn go(&mut self, to: LogMove) {
        self.wish = Some(Wish::Move(to));
    }

    /// Ends a frame. A move that a hidden log could not make ends as well: it would select another run when
    /// the log is shown later.
    pub(in crate::app::panel) fn end_frame(&mut self) {
        if !self.was_shown && self.is_old_wish {
            self.wish = None;
        }
        (self.was_shown, self.is_old_wish) = (false, self.wish.is_some());
    }

    /// True when [`Self::end_frame`] has something to do.
    pub(in crate::app::panel) fn is_at_work(&self) -> bool {
        self.was_shown || self.is_old_wish || self.wish.is_some()
    }

    /// True while new events are followed.
    pub(in crate::app::panel) fn is_following(&self) -> bool {
        self.hold.is_none()
    }

    /// Returns run, node and number of the attempt, from 1 on, of the chosen event.
    pub(in crate::app::panel) fn chosen(&self) -> Option<(RunId, Option<NodeName>, Option<u32>)> {
        let Subject { run, node, attempt, .. } = self.choice.as_ref()?.subject.clone()?;
        Some((run, node, attempt))
    }

    /// Chooses the event with this number, and scrolls to it. Filters that hide it are cleared.
    pub(in crate::app::panel) fn show_event(&mut self, seq: u64) {
        self.wish = Some(Wish::Event(seq));
    }

    /// Chooses the newest event of a node, or of its attempt with this number, and scrolls to it. No
    /// effect where such an event is chosen already. Filters that hide it are cleared.
    pub(in crate::app::panel) fn show_node(
        &mut self,
        run: &RunId,
        node: &NodeName,
        attempt: Option<u32>,
    ) {
        let subject = self.choice.as_ref().and_then(|choice| choice.subject.as_ref());
        if !subject.is_some_and(|subject| subject.is_of(run, node, attempt)) {
            let (run, node) = (run.clone(), node.clone());
            self.wish = Some(Wish::Node { run, node, attempt, before: u64::MAX });
        }
    }

    /// Returns the text of the chosen rows, for a ticket; `None` where none is chosen.
    pub(in crate::app::panel) fn copied_text(&self, view: &LogView) -> Option<String> {
        let rows = self.chosen_rows();
        (rows.len() > 0).then(|| copy::ticket_text(view, self.shown(view), rows))
    }

    /// Returns all events that pass the filters, as a file.
    pub(in crate::app::panel) fn exported(&self, view: &LogView, form: TableForm) -> String {
        export_text(view, self.shown(view), &self.filter(view), form)
    }

    /// Says for 2 s what was done. `now_secs` is egui's time.
    pub(in crate::app::panel) fn say(&mut self, words: impl Into<String>, now_secs: f64) {
        self.note = Some((words.into(), now_secs + NOTE_SECS));
    }
}

/// Parts of the state that rows, controls and keys share.
impl LogState {
    /// Log whose rows are shown: as it was when it was paused, or as it is.
    pub(super) fn shown<'a>(&'a self, view: &LogView<'a>) -> &'a EventLog {
        self.hold.as_ref().map_or(view.log(), Hold::log)
    }

    pub(super) fn hold(&self) -> Option<&Hold> {
        self.hold.as_ref()
    }

    pub(super) fn index(&self) -> &LogIndex {
        &self.index
    }

    pub(super) fn choice(&self) -> Option<&Choice> {
        self.choice.as_ref()
    }

    pub(super) fn filter(&self, view: &LogView) -> LogFilter {
        LogFilter {
            run: view.run.filter(|_| !self.all_runs).cloned(),
            node: self.node.clone(),
            kind: self.kind,
            words: LogFilter::words_of(&self.search),
        }
    }

    /// True when rows are of one run.
    pub(super) fn is_of_one_run(&self) -> bool {
        self.index.filter().run.is_some()
    }

    /// Stops following: the rows stay, whatever comes.
    pub(super) fn pause(&mut self, view: &LogView, is_by_scroll: bool) {
        if self.hold.is_none() {
            self.hold = Some(Hold::new(view.log(), is_by_scroll));
        }
    }

    /// Follows new events again.
    pub(super) fn follow(&mut self) {
        (self.hold, self.reveal) = (None, None);
    }

    /// Sentence about what was just done.
    pub(super) fn note(&mut self, now_secs: f64) -> Option<&str> {
        self.note.take_if(|(_, until)| *until < now_secs);
        self.note.as_ref().map(|(words, _)| words.as_str())
    }

    /// Words of the first row about events that are no longer kept.
    pub(super) fn first_row(&self, view: &LogView) -> Option<notice::FirstRow> {
        notice::first_row(view, self.shown(view), &self.index, self.hold())
    }

    /// True when a filter other than that by run is set.
    pub(super) fn is_filtered(&self) -> bool {
        self.node != NodeFilter::All
            || self.kind != KindFilter::All
            || !self.search.trim().is_empty()
    }

    /// Clears all filters but that by run.
    pub(super) fn clear_filters(&mut self) {
        (self.node, self.kind) = (NodeFilter::All, KindFilter::All);
        self.search.clear();
    }

    /// Brings the rows in step with the log, and moves where the user wants to. Returns the run of the
    /// event that was chosen by that, unless it is in focus.
    pub(super) fn update(&mut self, view: &LogView, now_secs: f64) -> Option<RunId> {
        self.was_shown = true;
        if self.jumps != view.run_store.jumps() {
            self.jumps = view.run_store.jumps();
            self.hold = None;
            self.check_choice(view);
        }
        let (live, filter, mut left) = (view.log(), self.filter(view), EFFORT_PER_FRAME);
        let model = &view.run_store.model;
        if let Some(hold) = &mut self.hold {
            hold.trim(live);
        }
        let log = self.hold.as_ref().map_or(live, Hold::log);
        let generation = self.jumps;
        self.index.update(Lines { log, model, generation }, &filter, &mut left);
        if let Some(hold) = &mut self.hold {
            hold.newer.update(Lines { log: live, model, generation }, &filter, &mut left);
        }
        self.grant(view, now_secs).filter(|run| view.run != Some(run))
    }

    /// True when the next frame has to go on with something.
    pub(super) fn is_busy(&self, view: &LogView) -> bool {
        if *self.index.filter() != self.filter(view) {
            return true;
        }
        let counts = self.hold().is_some_and(|hold| hold.newer.is_counting(view.log()));
        self.index.is_searching(self.shown(view)) || self.wish.is_some() || counts
    }

    /// Forgets the choice where the line with its number is another one, as in another source's past.
    fn check_choice(&mut self, view: &LogView) {
        let Some(choice) = &self.choice else { return };
        let id = view.log().line(choice.head).and_then(|entry| match &entry.item {
            LogItem::Event(event) => Some(event.id),
            LogItem::ParseError(_) => None,
        });
        if id.is_some() && id != choice.subject.as_ref().map(|subject| subject.id) {
            self.choice = None;
        }
    }

    /// Chooses a row; `extends` moves one end of the chosen rows to it. Returns its run.
    pub(super) fn choose(&mut self, view: &LogView, seq: u64, extends: bool) -> Option<RunId> {
        let choice = Choice::new(self.shown(view).line(seq)?, view);
        let tail = self.choice.as_ref().filter(|_| extends).map_or(seq, |choice| choice.tail);
        self.choice = Some(Choice { tail, ..choice });
        Some(self.choice.as_ref()?.subject.as_ref()?.run.clone())
    }

    /// Chooses all rows.
    pub(super) fn choose_all(&mut self, view: &LogView) {
        let ends = [self.index.lines().front().copied(), self.index.lines().back().copied()];
        for (seq, extends) in ends.into_iter().flatten().zip([false, true]) {
            self.choose(view, seq, extends);
        }
    }

    /// Numbers of the chosen rows that pass the filters.
    pub(super) fn chosen_rows(&self) -> impl ExactSizeIterator<Item = u64> {
        let places = self.choice.as_ref().map_or(0..0, |choice| {
            let (first, last) = choice.ends();
            self.index.place_of(first)..self.index.place_of(last.saturating_add(1))
        });
        self.index.lines().range(places).copied()
    }

    /// Chooses the row that was clicked. Returns its run.
    pub(super) fn click(
        &mut self,
        view: &LogView,
        seq: u64,
        extends: bool,
        now_secs: f64,
    ) -> Option<RunId> {
        self.clicked = Some((seq, now_secs));
        self.choose(view, seq, extends)
    }

    /// Opens the row whose first click a double click at `seq` continues: a growing log may show another
    /// row there at the second.
    pub(super) fn double_click(&mut self, view: &LogView, seq: u64, now_secs: f64) {
        let clicked = self.clicked.filter(|(_, at)| now_secs - at < DOUBLE_CLICK_SECS);
        self.choose(view, clicked.map_or(seq, |(seq, _)| seq), false);
        self.open_chosen(view);
    }

    /// Opens the chosen row.
    pub(super) fn open_chosen(&mut self, view: &LogView) {
        let log = self.shown(view);
        let entry = self.choice.as_ref().and_then(|choice| log.line(choice.head));
        self.opened = entry.map(|entry| OpenEntry::new(log, entry, view.zone));
    }

    /// Copies the chosen rows. Returns their text.
    pub(super) fn copy_chosen(&mut self, view: &LogView, now_secs: f64) -> Option<String> {
        let text = self.copied_text(view)?;
        let words = match self.chosen_rows().len() {
            1 => "copied".to_owned(),
            count => format!("copied {} events", count_words(count as u64)),
        };
        self.say(words, now_secs);
        Some(text)
    }
}

/// Moves.
impl LogState {
    /// Makes the wished move, or the part of it that one frame has time for. Returns the run of the event
    /// that was chosen.
    fn grant(&mut self, view: &LogView, now_secs: f64) -> Option<RunId> {
        match self.wish.take()? {
            Wish::Move(to) => self.make(view, to, now_secs),
            Wish::Event(seq) => {
                self.go_to(view, Some(seq), "this event is no longer kept", now_secs)
            }
            Wish::OfRun { run, is_later, from } => {
                self.find_of_run(view, (run, is_later), from, now_secs)
            }
            Wish::Node { run, node, attempt, before } => {
                self.find_node(view, (run, node, attempt), before, now_secs)
            }
        }
    }

    fn make(&mut self, view: &LogView, to: LogMove, now_secs: f64) -> Option<RunId> {
        let (index, failures) = (&self.index, self.index.failures());
        let chosen = self.choice.as_ref().map(|choice| choice.head);
        let is_searching = index.is_searching(self.shown(view));
        let page = isize::try_from(self.page_rows).unwrap_or(1).max(1);
        let (found, words) = match to {
            LogMove::Now => {
                self.follow();
                return None;
            }
            LogMove::First => (index.lines().front().copied(), ""),
            LogMove::Rows(by, extends) => return self.step(view, by, extends),
            LogMove::Pages(by, extends) => {
                return self.step(view, by.saturating_mul(page), extends);
            }
            LogMove::FirstFailure if is_searching => (None, ""),
            LogMove::FirstFailure => (failures.front().copied(), "no failure here"),
            LogMove::FailureBefore => {
                let end = chosen.unwrap_or(u64::MAX);
                let before = failures.partition_point(|line| *line < end).checked_sub(1);
                (before.and_then(|place| failures.get(place).copied()), "no earlier failure")
            }
            LogMove::NextFailure => {
                let start = chosen.or(self.top.map(|top| top.seq.saturating_sub(1)));
                let after = failures.partition_point(|line| Some(*line) <= start);
                (failures.get(after).copied(), "no later failure")
            }
            LogMove::BeforeOfRun | LogMove::NextOfRun => {
                return self.begin_of_run(view, to == LogMove::NextOfRun, now_secs);
            }
        };
        if found.is_none() && is_searching {
            self.wish = Some(Wish::Move(to));
            return None;
        }
        self.go_to(view, found, words, now_secs)
    }

    /// Moves the choice by a number of rows; without a choice, to the last row in view, or the first.
    fn step(&mut self, view: &LogView, by: isize, extends: bool) -> Option<RunId> {
        let last = self.index.lines().len().checked_sub(1)?;
        let to = match &self.choice {
            Some(choice) => {
                let place = self.index.place_of(choice.head);
                // Down from a row that does not pass is the next one that does.
                let is_between = !self.index.has(choice.head) && by > 0;
                place.saturating_add_signed(if is_between { by - 1 } else { by })
            }
            None if self.is_following() => last,
            None => self.top.map_or(0, |top| self.index.place_of(top.seq)),
        };
        let seq = self.index.lines().get(to.min(last)).copied()?;
        self.pause(view, false);
        self.reveal = Some(seq);
        self.choose(view, seq, extends)
    }

    /// Begins the search for the next line of the chosen event's run, or of the run in focus.
    fn begin_of_run(&mut self, view: &LogView, is_later: bool, now_secs: f64) -> Option<RunId> {
        let subject = self.choice.as_ref().and_then(|choice| choice.subject.as_ref());
        let run = subject.map(|subject| &subject.run).or(view.run)?.clone();
        let from = match (&self.choice, is_later) {
            (Some(choice), true) => choice.head.saturating_add(1),
            (Some(choice), false) => choice.head,
            (None, true) => 0,
            (None, false) => u64::MAX,
        };
        self.find_of_run(view, (run, is_later), from, now_secs)
    }

    /// Searches the rows for the next line of a run, as far as one frame has time for.
    fn find_of_run(
        &mut self,
        view: &LogView,
        (run, is_later): (RunId, bool),
        from: u64,
        now_secs: f64,
    ) -> Option<RunId> {
        let (log, lines, place) = (self.shown(view), self.index.lines(), self.index.place_of(from));
        let is_of_run = |seq: &u64| {
            let item = log.line(*seq).map(|entry| &entry.item);
            matches!(item, Some(LogItem::Event(event)) if event.run_id == run)
        };
        let (places, goes_on) = if is_later {
            let end = lines.len().min(place + EFFORT_PER_FRAME);
            (place..end, lines.get(end).copied())
        } else {
            let start = place.saturating_sub(EFFORT_PER_FRAME);
            (start..place, lines.get(start).copied().filter(|_| start > 0))
        };
        let mut rows = lines.range(places).copied();
        let found = if is_later { rows.find(is_of_run) } else { rows.rfind(is_of_run) };
        // Older rows may still be added.
        let goes_on = goes_on.or((!is_later && self.index.is_searching(log)).then_some(from));
        if found.is_none()
            && let Some(from) = goes_on
        {
            self.wish = Some(Wish::OfRun { run, is_later, from });
            return None;
        }
        self.go_to(view, found, "no other event of this run", now_secs)
    }

    /// Searches for the newest event of a node, as far as one frame has time for.
    fn find_node(
        &mut self,
        view: &LogView,
        (run, node, attempt): (RunId, NodeName, Option<u32>),
        before: u64,
        now_secs: f64,
    ) -> Option<RunId> {
        let log = self.shown(view);
        let end = before.min(log.written());
        let start = log.first_seq().max(end.saturating_sub(EFFORT_PER_FRAME as u64));
        let is_wanted = |entry: &LogEntry| match &entry.item {
            LogItem::Event(event) if event.run_id == run && event.node.as_ref() == Some(&node) => {
                let subject = Choice::new(entry, view).subject;
                subject.is_some_and(|subject| subject.is_of(&run, &node, attempt))
            }
            _ => false,
        };
        let mut lines = (start..end).rev().filter_map(|seq| log.line(seq));
        let found = lines.find(|entry| is_wanted(entry)).map(|entry| entry.seq);
        if found.is_none() && start > log.first_seq() {
            self.wish = Some(Wish::Node { run, node, attempt, before: start });
            return None;
        }
        self.go_to(view, found, "no event of this step is kept", now_secs)
    }

    /// Chooses a line and scrolls to it, or says why not. Filters that hide it are cleared.
    fn go_to(
        &mut self,
        view: &LogView,
        seq: Option<u64>,
        else_words: &str,
        now_secs: f64,
    ) -> Option<RunId> {
        let Some(entry) = seq.and_then(|seq| self.shown(view).line(seq)) else {
            if !else_words.is_empty() {
                self.say(else_words, now_secs);
            }
            return None;
        };
        let (seq, is_of_shown_run) = match &entry.item {
            LogItem::Event(event) => (entry.seq, view.run == Some(&event.run_id)),
            LogItem::ParseError(_) => (entry.seq, true),
        };
        if !self.filter(view).passes(&view.run_store.model, self.shown(view), entry) {
            self.all_runs |= !is_of_shown_run;
            self.clear_filters();
        }
        self.pause(view, false);
        self.reveal = Some(seq);
        self.choose(view, seq, false)
    }
}
