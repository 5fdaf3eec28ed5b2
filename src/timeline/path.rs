//! The critical path: which steps made a run as long as it is.

use super::bars::{RunBars, Span};
use crate::protocol::NodeName;

/// Part of the critical path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Index of the bar; `None` while nothing was at work: in the queue, or between two steps.
    pub bar: Option<usize>,
    /// Part of the run's time.
    pub span: Span,
}

/// Returns the critical path of a run from its beginning to its end, without a gap: at each instant the
/// step that was at work longest from there, or nothing. Of steps at work at the same time, only the one that ended
/// last counts.
pub fn critical_path(run: &RunBars) -> Vec<Leg> {
    // For each number of bars in order of their starts, the one of them that ends last.
    let mut ends_last = Vec::with_capacity(run.bars.len());
    for (index, bar) in run.bars.iter().enumerate() {
        let before = ends_last.last().copied().unwrap_or(index);
        let last: &super::Bar = run.bars.get(before).unwrap_or(bar);
        // Of two that end together, the earlier one explains more.
        ends_last.push(if bar.span.to > last.span.to { index } else { before });
    }
    let mut legs = Vec::new();
    let mut at = run.span.to;
    while at > run.span.from {
        let begun = run.bars.partition_point(|bar| bar.span.from < at);
        let Some(index) = begun.checked_sub(1).and_then(|last| ends_last.get(last)).copied() else {
            break;
        };
        let span = run.bars[index].span;
        if span.to < at {
            legs.push(Leg { bar: None, span: Span::new(span.to, at) });
        }
        at = at.min(span.to);
        if span.from < at {
            legs.push(Leg { bar: Some(index), span: Span::new(span.from, at) });
        }
        at = span.from.max(run.span.from);
    }
    if at > run.span.from {
        legs.push(Leg { bar: None, span: Span::new(run.span.from, at) });
    }
    legs.reverse();
    legs
}

/// Returns the time of each step on the path in milliseconds, in order of first appearance; `None` is the time in
/// which nothing was at work. The times add up to the length of the run.
pub fn time_by_node(run: &RunBars, path: &[Leg]) -> Vec<(Option<NodeName>, u64)> {
    let mut times: Vec<(Option<NodeName>, u64)> = Vec::new();
    for leg in path {
        let node = leg.bar.and_then(|index| run.bars.get(index)).map(|bar| bar.node.clone());
        match times.iter_mut().find(|(known, _)| *known == node) {
            Some((_, millis)) => *millis += leg.span.millis(),
            None => times.push((node, leg.span.millis())),
        }
    }
    times
}
