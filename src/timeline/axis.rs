//! The axis of time, on which idle stretches can be folded.

use jiff::{SignedDuration, Timestamp};

use super::bars::Span;

/// Part of an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// Time that the piece stands for.
    pub span: Span,
    /// Begin in milliseconds of length from the beginning of the axis.
    pub at: f64,
    /// Its length; for a folded piece, less than its time.
    pub length: f64,
    /// True for an idle stretch that is folded.
    pub folded: bool,
}

/// Time as a line, in order and without gaps. Lengths are in milliseconds; a folded stretch is shorter
/// than its time.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    pieces: Vec<Piece>,
}

/// Returns the stretches of at least `least_ms` in `span` in which none of `busy` lies, in order.
pub fn idle_stretches(busy: &[Span], span: Span, least_ms: u64) -> Vec<Span> {
    let mut busy: Vec<Span> = busy.to_vec();
    busy.sort_unstable_by_key(|busy| busy.from);
    let mut idle = Vec::new();
    let mut at = span.from;
    let mut add = |from: Timestamp, to: Timestamp| {
        let stretch = Span::new(from, to);
        if stretch.millis() >= least_ms.max(1) {
            idle.push(stretch);
        }
    };
    for work in busy {
        if work.from >= span.to {
            break;
        }
        if work.from > at {
            add(at, work.from);
        }
        at = at.max(work.to);
    }
    if at < span.to {
        add(at, span.to);
    }
    idle
}

impl Axis {
    /// Returns the axis of `span`, on which each of `breaks` (in order, apart from each other) is `break_ms` long.
    pub fn folded(span: Span, breaks: &[Span], break_ms: f64) -> Self {
        let mut axis = Self { pieces: Vec::with_capacity(2 * breaks.len() + 1) };
        let mut at = span.from;
        for stretch in breaks {
            let stretch = stretch.within(&span);
            if stretch.to <= stretch.from || stretch.from < at {
                continue;
            }
            axis.push(Span::new(at, stretch.from), None);
            axis.push(stretch, Some(break_ms));
            at = stretch.to;
        }
        axis.push(Span::new(at, span.to), None);
        if axis.pieces.is_empty() {
            axis.pieces.push(Piece { span, at: 0.0, length: 1.0, folded: false });
        }
        axis
    }

    /// Returns the axis that ends at `end` and is `length_ms` long; the more stretches are folded, the more time it
    /// shows. `idle` are the idle stretches in order.
    pub fn back_from(end: Timestamp, length_ms: f64, idle: &[Span], break_ms: f64) -> Self {
        let mut left = length_ms.max(1.0);
        let mut at = end;
        let mut breaks = Vec::new();
        for stretch in idle.iter().rev().filter(|stretch| stretch.from < end) {
            let to = stretch.to.min(at);
            let unfolded = millis(to, at);
            if unfolded + break_ms >= left || millis(stretch.from, to) <= break_ms {
                if unfolded >= left {
                    break;
                }
                continue;
            }
            left -= unfolded + break_ms;
            at = stretch.from;
            breaks.push(Span::new(stretch.from, to));
        }
        breaks.reverse();
        Self::folded(Span::new(moved(at, -left), end), &breaks, break_ms)
    }

    /// Returns the axis from an instant on, with what it has folded behind that; unchanged when it begins later.
    pub fn starting_at(self, first: Timestamp) -> Self {
        let span = self.span();
        if span.from >= first {
            return self;
        }
        let folded = || self.pieces.iter().filter(|piece| piece.folded);
        let breaks: Vec<Span> = folded().map(|piece| piece.span).collect();
        let length = folded().map(|piece| piece.length).fold(1.0, f64::max);
        Self::folded(Span::new(first, span.to), &breaks, length)
    }

    fn push(&mut self, span: Span, folded_ms: Option<f64>) {
        let time = millis(span.from, span.to);
        if time <= 0.0 {
            return;
        }
        let at = self.length();
        let length = folded_ms.map_or(time, |ms| ms.min(time).max(1.0));
        self.pieces.push(Piece { span, at, length, folded: folded_ms.is_some() });
    }

    /// Length in milliseconds.
    pub fn length(&self) -> f64 {
        self.pieces.last().map_or(0.0, |last| last.at + last.length)
    }

    /// Time from beginning to end.
    pub fn span(&self) -> Span {
        match (self.pieces.first(), self.pieces.last()) {
            (Some(first), Some(last)) => Span::new(first.span.from, last.span.to),
            _ => Span::new(Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH),
        }
    }

    /// Pieces in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Returns where an instant stands; before the beginning it is negative, and behind the end beyond the
    /// length.
    pub fn place(&self, at: Timestamp) -> f64 {
        let span = self.span();
        if at < span.from {
            return -millis(at, span.from);
        }
        let place = self.pieces.partition_point(|piece| piece.span.to < at);
        match self.pieces.get(place) {
            Some(piece) => {
                let part = millis(piece.span.from, at) / millis(piece.span.from, piece.span.to);
                piece.at + piece.length * part.min(1.0)
            }
            None => self.length() + millis(span.to, at),
        }
    }

    /// Returns the instant that stands at a place.
    pub fn time_at(&self, place: f64) -> Timestamp {
        let found = self.pieces.partition_point(|piece| piece.at + piece.length < place);
        match self.pieces.get(found) {
            Some(piece) if place >= 0.0 => {
                let time = millis(piece.span.from, piece.span.to);
                moved(piece.span.from, (place - piece.at) / piece.length * time)
            }
            Some(piece) => moved(piece.span.from, place),
            None => moved(self.span().to, place - self.length()),
        }
    }
}

/// Milliseconds from one instant to another, with their fraction.
fn millis(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64() * 1000.0
}

/// Returns the instant `millis` later, within what a timestamp can hold.
fn moved(at: Timestamp, millis: f64) -> Timestamp {
    let by = SignedDuration::try_from_secs_f64(millis / 1000.0).unwrap_or_default();
    at.checked_add(by).unwrap_or(if millis < 0.0 { Timestamp::MIN } else { Timestamp::MAX })
}
