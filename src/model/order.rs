//! The order of a run's events where their instants do not decide.
//!
//! Several clocks write the instants of one run, some in whole seconds. Instants that differ by at most
//! [`SKEW`] therefore do not decide what came first; the grammar of a run does. Nearly every event fits
//! where its instant puts it. Around an event that does not fit, a search finds the order with the
//! lowest cost by the grammar; ties go to the order that moves events least, then to the order by
//! [`Fact::sort_key`]. The result is a function of the set of events and does not depend on the order
//! of arrival.

use jiff::{SignedDuration, Timestamp};

use super::fact::{Fact, RUN_LANE, SKEW};
use super::grammar::{Around, Class, Grammar, HARD, MISSING_START_COST, Mismatch};
use crate::protocol::PIPELINE;

/// Maximum difference of the instants of two events that may be reordered: two nodes' clocks may each
/// be off by [`SKEW`].
const REACH: SignedDuration = SignedDuration::from_secs(10);

/// Tolerance in milliseconds, beside 10 %, between a reported duration and the difference of two
/// instants.
const AGREEMENT_MS: i128 = 250;
/// The same tolerance when one of the instants is a whole second.
const CUT_AGREEMENT_MS: i128 = 1_500;

/// Cost of placing an event before an earlier one of its own lane.
fn own_lane_cost(lane: u16) -> u64 {
    if lane == RUN_LANE { HARD / 2 } else { HARD / 4 }
}

/// Number of partial orders kept among those that postpone the same event.
const KEPT_OF_EACH: usize = 4;

/// Maximum number of partial orders compared at a time.
const WIDEST: usize = 48;

/// Number of events within [`REACH`] of each other from which on they stay in order of instant.
const DENSE: usize = 600;

/// Bound on the steps examined per event: the more events are within reach, the fewer partial orders
/// are compared.
const WORK: usize = 4_096;

/// Number of events that a search may put in order before the rest of the run stays in order of instant.
/// A run without gaps in its grammar needs none; several executions by skewed clocks need some hundreds.
const MOST_SEARCHED: usize = 500;

/// State after the last ordered event.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ordered {
    pub(super) grammar: Grammar,
    /// A later event cannot change the order if its instant is after this one; `None` when no event
    /// could.
    pub(super) unsettled: Option<Timestamp>,
    /// True when the events violate the grammar so often that the rest stays in order of instant.
    gave_up: bool,
}

impl Ordered {
    /// True when an event whose sort key is greater than all others can simply be appended. `latest` is
    /// the latest instant of the others.
    pub(super) fn takes(&self, fact: &Fact, latest: Option<Timestamp>) -> bool {
        let settled = self.unsettled.is_none_or(|until| fact.at > until);
        settled && (self.gave_up || follows(&self.grammar, fact, latest))
    }
}

/// True when `fact` may follow in the grammar and no event within reach could belong after it.
fn follows(grammar: &Grammar, fact: &Fact, latest: Option<Timestamp>) -> bool {
    grammar.fits(fact) || begins_anew(grammar, fact, latest)
}

/// True for the start of another execution, later than [`REACH`] after the last event before it.
fn begins_anew(grammar: &Grammar, fact: &Fact, latest: Option<Timestamp>) -> bool {
    fact.lane == RUN_LANE
        && Class::of(fact) == Class::Start
        && grammar.is_over()
        && latest.is_some_and(|latest| fact.at.duration_since(latest) > REACH)
}

/// Orders events that are sorted by [`Fact::sort_key`]. `before` is the grammar's state after the
/// events that are no longer kept, and `latest` their latest instant.
pub(super) fn arrange(facts: &mut [Fact], before: Grammar, latest: Option<Timestamp>) -> Ordered {
    let mut ordered = Ordered { grammar: before, ..Ordered::default() };
    // Index of the first event that may still be moved, and the state before it.
    let (mut begin, mut at_begin) = (0, before);
    let (mut next, mut searched) = (0, 0);
    let mut latest = latest;
    while let Some(fact) = facts.get(next) {
        if follows(&ordered.grammar, fact, latest) {
            ordered.grammar.step(fact);
            latest = latest.max(Some(fact.at));
            next += 1;
            continue;
        }
        let odd_at = fact.at;
        if searched >= MOST_SEARCHED {
            ordered.grammar.step(fact);
            ordered.gave_up = true;
            latest = latest.max(Some(odd_at));
            next += 1;
            continue;
        }
        if is_dense(facts, next) {
            ordered.grammar.step(fact);
            ordered.unsettled = ordered.unsettled.max(odd_at.checked_add(REACH).ok());
            latest = latest.max(Some(odd_at));
            next += 1;
            continue;
        }
        while begin < next && odd_at.duration_since(facts[begin].at) > REACH {
            at_begin.step(&facts[begin]);
            begin += 1;
        }
        // Restore the order by sort key: an earlier search may have reordered some of these events.
        facts[begin..next].sort_by_key(Fact::sort_key);
        let (order, grammar, costly) =
            Search::new(&facts[begin..], odd_at).run(at_begin, MOST_SEARCHED - searched);
        next = begin + order.len();
        searched += order.len();
        latest = latest.max(facts[begin..next].iter().map(|fact| fact.at).max());
        permute(&mut facts[begin..next], order);
        ordered.grammar = grammar;
        ordered.unsettled = ordered.unsettled.max(costly.checked_add(REACH).ok());
    }
    ordered
}

/// True when the events around `odd` are too many for a search. No pipeline sends that many, so they
/// stay in order of instant.
fn is_dense(facts: &[Fact], odd: usize) -> bool {
    let odd_at = facts[odd].at;
    let near = |fact: &&Fact| fact.at.duration_since(odd_at).abs() <= REACH;
    let before = facts[..odd].iter().rev().take_while(near).take(DENSE).count();
    before + facts[odd..].iter().take_while(near).take(DENSE).count() >= DENSE
}

/// Moves `facts[order[i]]` to index `i`.
fn permute(facts: &mut [Fact], mut order: Vec<u32>) {
    for start in 0..order.len() {
        let mut place = start;
        loop {
            let from = order[place] as usize;
            order[place] = place as u32;
            if from == start {
                break;
            }
            facts.swap(place, from);
            place = from;
        }
    }
}

/// Events of one lane and class, by index, in order of their sort keys.
struct Queue {
    lane: u16,
    class: Class,
    facts: Vec<u32>,
}

/// A partial order: the first events of a possible order.
#[derive(Clone)]
struct Path {
    grammar: Grammar,
    cost: u64,
    /// Index of its last step in [`Search::steps`].
    step: usize,
    /// Number of events taken from each queue.
    taken: Box<[u32]>,
    /// Latest start taken from each queue of starts, as index + 1; 0 for none.
    latest_start: Box<[u32]>,
    /// Hash of the set of events taken.
    hash: u64,
    /// Lower bound of the cost of the remaining events.
    bound: u64,
    /// Latest instant of an event that had a cost.
    costly: Timestamp,
}

/// A step of a partial order: an event by index, and the previous step.
struct Step {
    fact: u32,
    before: usize,
}

/// An extension of a partial order by one event.
struct Candidate {
    /// Cost including this event, plus the lower bound for the remaining ones.
    total: u64,
    cost: u64,
    path: usize,
    queue: usize,
    fact: u32,
    is_costly: bool,
    /// First event by sort key that is not taken yet, before and after this step.
    first: u32,
    first_after: u32,
}

/// Search for the order of the events around one that does not fit.
struct Search<'a> {
    facts: &'a [Fact],
    queues: Vec<Queue>,
    steps: Vec<Step>,
    odd_at: Timestamp,
}

impl<'a> Search<'a> {
    fn new(facts: &'a [Fact], odd_at: Timestamp) -> Self {
        let mut queues: Vec<Queue> = Vec::new();
        let mut last_at = odd_at;
        for (number, fact) in (0..).zip(facts) {
            if fact.at.duration_since(last_at) > REACH {
                break;
            }
            last_at = last_at.max(fact.at);
            let (lane, class) = (fact.lane, Class::of(fact));
            match queues.iter_mut().find(|queue| queue.lane == lane && queue.class == class) {
                Some(queue) => queue.facts.push(number),
                None => queues.push(Queue { lane, class, facts: vec![number] }),
            }
        }
        // [`Search::mismatch`] finds the starts of a lane by the position of their queue.
        queues.sort_by_key(|queue| (queue.lane, queue.class));
        Self { facts, queues, steps: Vec::new(), odd_at }
    }

    /// Orders at least one and about `most` events. Returns their indices in order, the state after
    /// them, and the latest instant of an event that had a cost.
    fn run(mut self, grammar: Grammar, most: usize) -> (Vec<u32>, Grammar, Timestamp) {
        let queues = self.queues.len();
        let all: usize = self.queues.iter().map(|queue| queue.facts.len()).sum();
        let mut paths = vec![Path {
            grammar,
            cost: 0,
            step: usize::MAX,
            taken: vec![0; queues].into(),
            latest_start: vec![0; queues].into(),
            hash: 0,
            bound: 0,
            costly: self.odd_at,
        }];
        paths[0].bound = self.bound(&paths[0].grammar, &paths[0].taken);
        if paths[0].bound == 0
            && let Some(found) = self.order_by_key(paths[0].clone(), all.min(most))
        {
            return found;
        }
        for count in 0..all.min(most) {
            if count > 0 && self.is_settled(&paths[0], count) {
                break;
            }
            paths = self.extend(&paths);
        }
        let best = &paths[0];
        let (mut order, mut grammar) = (self.events_of(best), best.grammar);
        // Events that a search cut short has postponed come last.
        let end = order.iter().max().map_or(0, |last| last + 1);
        let mut postponed: Vec<u32> = Vec::new();
        if order.len() < end as usize {
            let mut taken = vec![false; end as usize];
            order.iter().for_each(|number| taken[*number as usize] = true);
            postponed.extend((0..end).filter(|number| !taken[*number as usize]));
        }
        postponed.iter().for_each(|number| grammar.step(&self.facts[*number as usize]));
        order.append(&mut postponed);
        (order, grammar, best.costly)
    }

    /// Returns the same as [`run`](Self::run) when the order by sort key has no cost, which makes it the
    /// best, as when a run is executed again soon after its end; `None` otherwise.
    fn order_by_key(&self, mut path: Path, most: usize) -> Option<(Vec<u32>, Grammar, Timestamp)> {
        let mut count = 0;
        while count < most && (count == 0 || !self.is_settled(&path, count)) {
            let (number, queue) = self.first(&path)?;
            let fact = &self.facts[number as usize];
            let mut around = self.around(&path, fact.at);
            if self.queues[queue].class != Class::Other {
                around.mismatch = self.mismatch(&path, queue, number);
            }
            if path.grammar.cost(fact, around) > 0 {
                return None;
            }
            path.grammar.step(fact);
            self.take(&mut path, queue, number);
            count += 1;
        }
        Some(((0..count as u32).collect(), path.grammar, path.costly))
    }

    /// True when the events since the last cost are so far apart that the best order is final.
    fn is_settled(&self, best: &Path, count: usize) -> bool {
        let Some(next) = self.facts.get(count) else { return false };
        next.at.duration_since(best.costly) > REACH
            && self.first(best).is_some_and(|(first, _)| first as usize == count)
    }

    fn head(&self, path: &Path, queue: usize) -> Option<u32> {
        self.queues[queue].facts.get(path.taken[queue] as usize).copied()
    }

    /// Returns the first event by sort key that is not taken yet, and its queue.
    fn first(&self, path: &Path) -> Option<(u32, usize)> {
        let heads =
            (0..self.queues.len()).filter_map(|queue| Some((self.head(path, queue)?, queue)));
        heads.min()
    }

    /// Returns the first event by its sort key that is not taken yet, other than the head of `first_queue`;
    /// `u32::MAX` when there is none.
    fn second(&self, path: &Path, first_queue: usize) -> u32 {
        let heads =
            self.queues.iter().zip(&path.taken).enumerate().filter_map(|(queue, (of, taken))| {
                of.facts.get(*taken as usize + usize::from(queue == first_queue)).copied()
            });
        heads.min().unwrap_or(u32::MAX)
    }

    /// Returns the best partial orders that are one event longer, the best first.
    fn extend(&mut self, paths: &[Path]) -> Vec<Path> {
        let mut candidates = Vec::new();
        for (number, path) in paths.iter().enumerate() {
            self.candidates(number, path, &mut candidates);
        }
        candidates.sort_by_key(|candidate| (candidate.total, candidate.path, candidate.fact));
        let within_reach = candidates.first().map_or(0, |best| self.within_reach(best.first));
        let width = crate::bounded::bounded(WORK / within_reach.max(1), 1, WIDEST);
        let mut extended: Vec<Path> = Vec::with_capacity(width);
        // A partial order that postpones a costly event looks good for a while. Keep some of each group
        // that postpones the same event, so that they do not displace all others.
        let mut kept_by_first: Vec<(u32, usize)> = Vec::new();
        for candidate in candidates {
            let path = &paths[candidate.path];
            let kept =
                match kept_by_first.iter_mut().find(|(first, _)| *first == candidate.first_after) {
                    Some((_, kept)) => kept,
                    None => {
                        kept_by_first.push((candidate.first_after, 0));
                        let Some((_, kept)) = kept_by_first.last_mut() else { continue };
                        kept
                    }
                };
            if extended.len() >= width.div_ceil(2) && *kept >= KEPT_OF_EACH {
                continue;
            }
            let hash = path.hash ^ scatter(candidate.fact);
            let mut grammar = path.grammar;
            grammar.step(&self.facts[candidate.fact as usize]);
            // Of two partial orders of the same events in the same state, the first has the lower cost.
            if extended.iter().any(|known| known.hash == hash && known.grammar == grammar) {
                continue;
            }
            *kept += 1;
            self.steps.push(Step { fact: candidate.fact, before: path.step });
            let step = self.steps.len() - 1;
            let longer = Path { grammar, hash, step, ..path.clone() };
            extended.push(self.longer(&candidate, longer));
            if extended.len() == width {
                break;
            }
        }
        extended
    }

    /// Returns a lower bound of the cost of the remaining events: that of ends without a start.
    fn bound(&self, grammar: &Grammar, taken: &[u32]) -> u64 {
        let mut missing = 0;
        for of_lane in self.queues.chunk_by(|one, next| one.lane == next.lane) {
            let lane = of_lane[0].lane;
            if lane != RUN_LANE {
                missing += self.missing_starts(grammar, taken, lane);
            }
        }
        missing * MISSING_START_COST
    }

    /// Counts the remaining ends of a lane for which no start remains.
    fn missing_starts(&self, grammar: &Grammar, taken: &[u32], lane: u16) -> u64 {
        let begin = self.queues.partition_point(|queue| queue.lane < lane);
        let (mut starts, mut ends) = (usize::from(grammar.runs(lane)), 0);
        for (queue, taken) in self.queues.iter().zip(taken).skip(begin) {
            if queue.lane != lane {
                break;
            }
            let rest = queue.facts.len() - *taken as usize;
            match queue.class {
                Class::Start => starts += rest,
                Class::End | Class::Fail => ends += rest,
                // Progress of a node whose start was missed implies that start.
                Class::Other => starts += usize::from(rest > 0),
            }
        }
        ends.saturating_sub(starts) as u64
    }

    fn within_reach(&self, first: u32) -> usize {
        let facts = &self.facts[first as usize..];
        facts.partition_point(|fact| fact.at.duration_since(facts[0].at) <= REACH)
    }

    fn candidates(&self, number: usize, path: &Path, candidates: &mut Vec<Candidate>) {
        let Some((first, first_queue)) = self.first(path) else { return };
        let first_at = self.facts[first as usize].at;
        let second = self.second(path, first_queue);
        let mut push = |queue: usize, fact: u32, cost: u64| {
            let overtaken = self.facts[fact as usize].at.duration_since(first_at);
            let further = if fact == first { 0 } else { overtaken.as_millis() as u64 / 100 + 1 };
            let cost = path.cost + cost + further;
            candidates.push(Candidate {
                total: cost + self.bound_after(path, queue, fact),
                cost,
                path: number,
                queue,
                fact,
                is_costly: cost > path.cost,
                first,
                first_after: if fact == first { second } else { first },
            });
        };
        let is_other = self.queues[first_queue].class == Class::Other;
        let around = self.around(path, first_at);
        if is_other {
            let cost = path.grammar.cost(&self.facts[first as usize], around);
            push(first_queue, first, cost);
            if cost == 0 {
                return;
            }
        }
        let first_of_run = self.first_of_lane(path, RUN_LANE);
        for (queue, waiting) in self.queues.iter().enumerate() {
            let Some(fact) = self.head(path, queue).filter(|_| waiting.class != Class::Other)
            else {
                continue;
            };
            let at = self.facts[fact as usize].at;
            let passes = |other: u32, bound: SignedDuration| {
                at.duration_since(self.facts[other as usize].at) <= bound
            };
            let first_of_lane = self.first_of_lane(path, waiting.lane);
            let may = passes(first, if waiting.lane == RUN_LANE { SKEW } else { REACH })
                && first_of_run.is_none_or(|other| passes(other, SKEW))
                && first_of_lane.is_none_or(|other| passes(other, SKEW));
            if may {
                let mismatch = self.mismatch(path, queue, fact);
                let cost =
                    path.grammar.cost(&self.facts[fact as usize], Around { mismatch, ..around });
                // Most lanes are written by one clock, so passing an earlier event of the same lane
                // costs extra.
                let passes_own =
                    first_of_lane.is_some_and(|other| !passes(other, SignedDuration::ZERO));
                push(queue, fact, cost + if passes_own { own_lane_cost(waiting.lane) } else { 0 });
            }
        }
    }

    fn first_of_lane(&self, path: &Path, lane: u16) -> Option<u32> {
        let begin = self.queues.partition_point(|queue| queue.lane < lane);
        let queues = (begin..self.queues.len()).take_while(|at| self.queues[*at].lane == lane);
        queues.filter_map(|queue| self.head(path, queue)).min()
    }

    /// Returns which starts within [`SKEW`] are not taken yet.
    fn around(&self, path: &Path, first_at: Timestamp) -> Around {
        let mut around = Around::default();
        let starts = (0..).zip(&self.queues).filter(|(_, queue)| queue.class == Class::Start);
        for (number, queue) in starts {
            let Some(start) = self.head(path, number) else { continue };
            let apart = self.facts[start as usize].at.duration_since(first_at);
            if queue.lane == RUN_LANE {
                around.run_start = apart <= SKEW;
            } else if usize::from(queue.lane) < PIPELINE.len() && apart <= SKEW {
                around.waiting |= 1 << queue.lane;
            }
        }
        around
    }

    /// Compares the duration reported by an end with the latest start of its lane.
    fn mismatch(&self, path: &Path, queue: usize, fact: u32) -> Mismatch {
        let fact = &self.facts[fact as usize];
        let Some(told) = fact.duration_ms() else { return Mismatch::None };
        let starts = self.queues.partition_point(|known| {
            (known.lane, known.class) < (self.queues[queue].lane, Class::Start)
        });
        let latest = path.latest_start.get(starts).and_then(|number| number.checked_sub(1));
        let Some(start) = latest.map(|number| &self.facts[number as usize]) else {
            return Mismatch::None;
        };
        let span = fact.at.duration_since(start.at).as_millis();
        let is_cut = |at: Timestamp| at.subsec_nanosecond() == 0;
        let agreement = if is_cut(fact.at) || is_cut(start.at) {
            CUT_AGREEMENT_MS
        } else {
            AGREEMENT_MS + i128::from(told) / 10
        };
        if start.lane != fact.lane || (span - i128::from(told)).abs() <= agreement {
            Mismatch::None
        } else if fact.at == start.at {
            Mismatch::Certain
        } else {
            Mismatch::Some
        }
    }

    /// Returns [`bound`](Self::bound) after one more event is taken.
    fn bound_after(&self, path: &Path, queue: usize, fact: u32) -> u64 {
        let (lane, class) = (self.queues[queue].lane, self.queues[queue].class);
        let is_idle = !path.grammar.runs(lane);
        let has_changed = match class {
            Class::Start => !is_idle,
            Class::End | Class::Fail => lane == RUN_LANE || is_idle,
            Class::Other => lane != RUN_LANE && is_idle,
        };
        if !has_changed {
            // A start and its end cancel out, so the bound is the same.
            return path.bound;
        }
        let mut grammar = path.grammar;
        grammar.step(&self.facts[fact as usize]);
        let mut taken = path.taken.clone();
        taken[queue] += 1;
        self.bound(&grammar, &taken)
    }

    /// Applies the candidate to a copy of its partial order.
    fn longer(&self, candidate: &Candidate, mut path: Path) -> Path {
        path.cost = candidate.cost;
        path.bound = candidate.total - candidate.cost;
        self.take(&mut path, candidate.queue, candidate.fact);
        if candidate.is_costly {
            path.costly = path.costly.max(self.facts[candidate.fact as usize].at);
        }
        path
    }

    /// Takes the head of a queue.
    fn take(&self, path: &mut Path, queue: usize, number: u32) {
        path.taken[queue] += 1;
        if self.queues[queue].class == Class::Start {
            path.latest_start[queue] = number + 1;
        }
    }

    fn events_of(&self, path: &Path) -> Vec<u32> {
        let mut events = Vec::new();
        let mut step = path.step;
        while let Some(last) = self.steps.get(step) {
            events.push(last.fact);
            step = last.before;
        }
        events.reverse();
        events
    }
}

/// Returns a pseudo-random number for an event, whose XOR over a set hashes the set.
fn scatter(number: u32) -> u64 {
    // The finalizer of SplitMix64.
    let mut mixed = u64::from(number).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
