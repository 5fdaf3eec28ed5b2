//! The order of a run's events, where their instants do not decide.
//!
//! Several clocks write one run, some in whole seconds. So instants that differ by less than
//! [`SKEW`] do not decide what came first; the grammar of a run does. Nearly every event fits where
//! its instant puts it. Where one does not, the events around it are put in the order that offends
//! the grammar least, then the one that overtakes least, then the one by instant, rank and
//! identity. That is a function of the set of events: the order of arrival plays no part.

use jiff::{SignedDuration, Timestamp};

use super::fact::{Fact, RUN_LANE, SKEW};
use super::grammar::{Around, Class, Grammar, HARD, MISSING_START_COST, Mismatch};
use crate::protocol::PIPELINE;

/// Events of two nodes, each of which is off by as much, may be this far apart.
const REACH: SignedDuration = SignedDuration::from_secs(10);

/// A told duration agrees with two instants of one clock within this and a tenth.
const AGREEMENT_MS: i128 = 250;
/// A told duration agrees with two instants, both cut to whole seconds, within this.
const CUT_AGREEMENT_MS: i128 = 1_500;

/// Cost of an event that comes before an earlier one of its own lane.
fn own_lane_cost(lane: u16) -> u64 {
    if lane == RUN_LANE { HARD / 2 } else { HARD / 4 }
}

/// Orders kept of those that put off the same.
const KEPT_OF_EACH: usize = 4;

/// Orders that are compared at a time, where few events are within reach of each other.
const WIDEST: usize = 48;

/// Events within reach of each other that are put in order by the grammar.
const DENSE: usize = 600;

/// Where many are, so many steps are looked at for each of them.
const WORK: usize = 4_096;

/// The state of the order after the last event.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ordered {
    pub(super) grammar: Grammar,
    /// An event after this instant changes nothing in the order of those before it; `None` where
    /// none would.
    pub(super) unsettled: Option<Timestamp>,
}

impl Ordered {
    /// True where an event that is later than all others by instant, rank and identity simply
    /// comes after them. `latest` is the latest instant of the others.
    pub(super) fn takes(&self, fact: &Fact, latest: Option<Timestamp>) -> bool {
        let settled = self.unsettled.is_none_or(|until| fact.at > until);
        settled && follows(&self.grammar, fact, latest)
    }
}

/// True where `fact` fits after what came before, which has nothing within reach that could have
/// come after it.
fn follows(grammar: &Grammar, fact: &Fact, latest: Option<Timestamp>) -> bool {
    grammar.fits(fact) || begins_anew(grammar, fact, latest)
}

/// True for the start of another execution, long after the last event of the one before.
fn begins_anew(grammar: &Grammar, fact: &Fact, latest: Option<Timestamp>) -> bool {
    fact.lane == RUN_LANE
        && Class::of(fact) == Class::Start
        && grammar.is_over()
        && latest.is_some_and(|latest| fact.at.duration_since(latest) > REACH)
}

/// Brings events, sorted by instant, rank and identity, into their order. `before` is the state
/// after the events that are not kept any more, `latest` the latest instant of those.
pub(super) fn arrange(facts: &mut [Fact], before: Grammar, latest: Option<Timestamp>) -> Ordered {
    let mut ordered = Ordered { grammar: before, unsettled: None };
    // Where the events that may still be moved begin, and the state there.
    let (mut begin, mut at_begin) = (0, before);
    let mut next = 0;
    let mut latest = latest;
    while let Some(fact) = facts.get(next) {
        if follows(&ordered.grammar, fact, latest) {
            ordered.grammar.step(fact);
            latest = latest.max(Some(fact.at));
            next += 1;
            continue;
        }
        let odd_at = fact.at;
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
        // Part of these may have been put in order around something else.
        facts[begin..next].sort_by_key(Fact::sort_key);
        let (order, grammar, costly) = Search::new(&facts[begin..], odd_at).run(at_begin);
        next = begin + order.len();
        latest = latest.max(facts[begin..next].iter().map(|fact| fact.at).max());
        permute(&mut facts[begin..next], order);
        ordered.grammar = grammar;
        ordered.unsettled = ordered.unsettled.max(costly.checked_add(REACH).ok());
    }
    ordered
}

/// True where so many events lie around one that to look for their order would take long. No
/// pipeline tells as much; what does is left in order of instant.
fn is_dense(facts: &[Fact], odd: usize) -> bool {
    let odd_at = facts[odd].at;
    let near = |fact: &&Fact| fact.at.duration_since(odd_at).abs() <= REACH;
    let before = facts[..odd].iter().rev().take_while(near).take(DENSE).count();
    before + facts[odd..].iter().take_while(near).take(DENSE).count() >= DENSE
}

/// Puts `facts[order[i]]` in place `i`.
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

/// Events of one lane and class, by their number, in order.
struct Queue {
    lane: u16,
    class: Class,
    facts: Vec<u32>,
}

/// A beginning of an order.
#[derive(Clone)]
struct Path {
    grammar: Grammar,
    cost: u64,
    /// Its last step among all steps.
    step: usize,
    /// How many events it has, of which queue.
    taken: Box<[u32]>,
    /// The latest start in each queue of starts, by number + 1.
    latest_start: Box<[u32]>,
    /// Of the set of its events.
    hash: u64,
    /// The least that the events cost which it does not have.
    bound: u64,
    /// The latest instant of an event whose step cost something.
    costly: Timestamp,
}

/// A step of a path: an event by its number, and the step before.
struct Step {
    fact: u32,
    before: usize,
}

/// One more step of a path.
struct Candidate {
    /// Of the path with it, and the least that the rest costs.
    total: u64,
    cost: u64,
    path: usize,
    queue: usize,
    fact: u32,
    is_costly: bool,
    /// The first event by instant that the path did not have, and has not after this step.
    first: u32,
    first_after: u32,
}

/// A search for the order of events around one that does not fit.
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
        // Ends find the start that they end by the place of its queue.
        queues.sort_by_key(|queue| (queue.lane, queue.class));
        Self { facts, queues, steps: Vec::new(), odd_at }
    }

    /// Returns the numbers of the events in their order, the state after them, and the latest
    /// instant at which something was odd.
    fn run(mut self, grammar: Grammar) -> (Vec<u32>, Grammar, Timestamp) {
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
        for count in 0..all {
            if count > 0 && self.is_settled(&paths[0], count) {
                break;
            }
            paths = self.extend(&paths);
        }
        let best = &paths[0];
        (self.events_of(best), best.grammar, best.costly)
    }

    /// True where nothing odd was near for so long that the best order can stand.
    fn is_settled(&self, best: &Path, count: usize) -> bool {
        let Some(next) = self.facts.get(count) else { return false };
        next.at.duration_since(best.costly) > REACH
            && self.first(best).is_some_and(|(first, _)| first as usize == count)
    }

    fn head(&self, path: &Path, queue: usize) -> Option<u32> {
        self.queues[queue].facts.get(path.taken[queue] as usize).copied()
    }

    /// The first event by instant that the path does not have, and its queue.
    fn first(&self, path: &Path) -> Option<(u32, usize)> {
        let heads =
            (0..self.queues.len()).filter_map(|queue| Some((self.head(path, queue)?, queue)));
        heads.min()
    }

    /// The first that the path does not have but for the head of `first_queue`.
    fn second(&self, path: &Path, first_queue: usize) -> u32 {
        let heads =
            self.queues.iter().zip(&path.taken).enumerate().filter_map(|(queue, (of, taken))| {
                of.facts.get(*taken as usize + usize::from(queue == first_queue)).copied()
            });
        heads.min().unwrap_or(u32::MAX)
    }

    /// The best paths that are one step longer, the best first.
    fn extend(&mut self, paths: &[Path]) -> Vec<Path> {
        let mut candidates = Vec::new();
        for (number, path) in paths.iter().enumerate() {
            self.candidates(number, path, &mut candidates);
        }
        candidates.sort_by_key(|candidate| (candidate.total, candidate.path, candidate.fact));
        let within_reach = candidates.first().map_or(0, |best| self.within_reach(best.first));
        let width = (WORK / within_reach.max(1)).clamp(1, WIDEST);
        let mut extended: Vec<Path> = Vec::with_capacity(width);
        // Paths that put off what costs something look good for a while: of each set of those that
        // have put off the same, some are kept.
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
            // Of two that have the same events and stand at the same place the first is better.
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

    /// The least that the events cost that are not taken: ends for which there is no start.
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

    /// Ends of a lane for which there will be no start.
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
                Class::Other => {}
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
                // Most lanes are written by one clock.
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

    /// Which starts are still to come within reach.
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

    /// How the duration that an end tells agrees with the latest start of its lane.
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

    /// [`bound`](Self::bound) with one more event taken.
    fn bound_after(&self, path: &Path, queue: usize, fact: u32) -> u64 {
        let (lane, class) = (self.queues[queue].lane, self.queues[queue].class);
        let is_idle = !path.grammar.runs(lane);
        let has_changed = match class {
            Class::Start => !is_idle,
            Class::End | Class::Fail => lane == RUN_LANE || is_idle,
            Class::Other => false,
        };
        if !has_changed {
            // A start is used up by the node that runs, and that by its end.
            return path.bound;
        }
        let mut grammar = path.grammar;
        grammar.step(&self.facts[fact as usize]);
        let mut taken = path.taken.clone();
        taken[queue] += 1;
        self.bound(&grammar, &taken)
    }

    /// Counts the candidate in.
    fn longer(&self, candidate: &Candidate, mut path: Path) -> Path {
        path.cost = candidate.cost;
        path.bound = candidate.total - candidate.cost;
        path.taken[candidate.queue] += 1;
        if self.queues[candidate.queue].class == Class::Start {
            path.latest_start[candidate.queue] = candidate.fact + 1;
        }
        if candidate.is_costly {
            path.costly = path.costly.max(self.facts[candidate.fact as usize].at);
        }
        path
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

/// A number that stands for an event in the hash of a set.
fn scatter(number: u32) -> u64 {
    // The finalizer of SplitMix64.
    let mut mixed = u64::from(number).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
