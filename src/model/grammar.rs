//! The grammar of a run: which event may follow which.
//!
//! A run starts, its nodes run one after the other, and it ends; then it may be executed again. A node
//! starts before it ends. VALIDATE may lead to FIX, and FIX back to COMPOSE. [`Grammar`] is the
//! state after a sequence of events. [`Grammar::fits`] tells cheaply whether an event may follow;
//! events in order need nothing else. [`Grammar::cost`] rates an event that may not follow;
//! [`order`](super::order) uses it to compare possible orders of events whose instants do not decide.

use super::fact::{Fact, FactKind, LOST_LANE, NO_INDEX, RUN_LANE};
use super::node::FIX;
use crate::protocol::{MAX_FIX_PASSES, PIPELINE};

const COMPOSE: u8 = 4;
const VALIDATE: u8 = 5;
const FIX_PLACE: u8 = FIX as u8;
const RENDER: u8 = 7;
const REVIEW: u8 = 8;
/// One bit for each pipeline node.
const PIPELINE_BITS: u16 = (1 << PIPELINE.len()) - 1;
/// Cost of an event that cannot follow because an event before it is missing.
pub(super) const HARD: u64 = 100_000;

const PERCENT: u64 = HARD / 100;

/// Cost of an end of a node that is not running.
pub(super) const MISSING_START_COST: u64 = 2 * HARD;

/// Progress of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing has started.
    Waiting,
    /// Nodes have run, but the run's start was not seen.
    Implied,
    Open,
    Over,
}

/// Kinds of events that the grammar distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    Start,
    End,
    Fail,
    /// An event that does not affect the order.
    Other,
}

impl Class {
    pub(super) fn of(fact: &Fact) -> Self {
        match fact.kind {
            _ if fact.lane == LOST_LANE => Self::Other,
            FactKind::Start => Self::Start,
            FactKind::End => Self::End,
            FactKind::Fail => Self::Fail,
            FactKind::Created | FactKind::Cancelled | FactKind::Info | FactKind::Progress => {
                Self::Other
            }
        }
    }
}

/// State of the grammar after a sequence of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grammar {
    /// Lanes whose node is running, one bit each.
    running: [u64; 4],
    /// `node_index` values of this execution's starts, one bit for each value below 32.
    indices: u32,
    /// Largest `node_index` of this execution plus one.
    next_index: u32,
    /// Pipeline nodes that have started in this execution, one bit each.
    started: u16,
    /// Number of starts of COMPOSE, VALIDATE and FIX in this execution.
    composes: u8,
    validates: u8,
    fixes: u8,
    stage: Stage,
    /// True when a node other than VALIDATE failed and no node has started since.
    failed: bool,
    /// True when VALIDATE's last attempt failed.
    rejected: bool,
    /// True when this execution has had a node event.
    nodes_seen: bool,
}

impl Default for Grammar {
    fn default() -> Self {
        Self {
            running: [0; 4],
            indices: 0,
            next_index: 0,
            started: 0,
            composes: 0,
            validates: 0,
            fixes: 0,
            stage: Stage::Waiting,
            failed: false,
            rejected: false,
            nodes_seen: false,
        }
    }
}

/// Context of an event that affects its cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Around {
    /// Pipeline nodes, one bit each, that have a start within [`SKEW`](super::fact::SKEW) still to be
    /// placed.
    pub(super) waiting: u16,
    /// True when a run start within [`SKEW`](super::fact::SKEW) is still to be placed.
    pub(super) run_start: bool,
    /// For an end: whether its reported duration contradicts the last start in its lane.
    pub(super) mismatch: Mismatch,
}

/// Whether an end's reported duration contradicts the start that it would end, and how surely.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mismatch {
    /// The duration agrees, or none is reported.
    #[default]
    None,
    /// The duration does not agree; different clocks can explain it.
    Some,
    /// The duration does not agree, and both events have the same instant, probably of one clock.
    Certain,
}

impl Grammar {
    pub(super) fn runs(&self, lane: u16) -> bool {
        let word = self.running.get(usize::from(lane >> 6));
        word.is_some_and(|word| word & (1 << (lane & 63)) != 0)
    }

    fn set_running(&mut self, lane: u16, runs: bool) {
        if let Some(word) = self.running.get_mut(usize::from(lane >> 6)) {
            let bit = 1 << (lane & 63);
            *word = if runs { *word | bit } else { *word & !bit };
        }
    }

    fn some_run(&self) -> bool {
        self.running != [0; 4]
    }

    /// True when the execution is over, so that a start would begin another one.
    pub(super) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// True when the event may follow. This is evaluated for every event, so it leaves out rules that
    /// only matter between two executions.
    pub(super) fn fits(&self, fact: &Fact) -> bool {
        let class = Class::of(fact);
        if fact.lane == RUN_LANE {
            return match class {
                Class::Start => self.stage == Stage::Waiting,
                Class::End | Class::Fail => {
                    matches!(self.stage, Stage::Open | Stage::Implied) && !self.some_run()
                }
                Class::Other => true,
            };
        }
        match class {
            Class::Start => self.stage != Stage::Over && !self.runs(fact.lane),
            Class::End | Class::Fail => self.runs(fact.lane),
            Class::Other => {
                fact.kind != FactKind::Progress
                    || self.is_over()
                    || self.runs(fact.lane)
                    || fact.lane == LOST_LANE
            }
        }
    }

    /// Returns the cost of placing the event next; 0 means that nothing is unusual.
    pub(super) fn cost(&self, fact: &Fact, around: Around) -> u64 {
        let class = Class::of(fact);
        if fact.lane == RUN_LANE {
            self.run_cost(fact, class, around)
        } else {
            self.node_cost(fact, class, around)
        }
    }

    fn run_cost(&self, fact: &Fact, class: Class, around: Around) -> u64 {
        match (class, self.stage) {
            (Class::Other, _) | (Class::Start, Stage::Waiting | Stage::Over) => 0,
            // An execution without any node event probably had an end that was missed.
            (Class::Start, Stage::Open) if !self.nodes_seen => HARD / 4,
            (Class::Start, _) => HARD,
            (_, Stage::Waiting) if around.run_start => 5 * HARD,
            (_, Stage::Waiting | Stage::Over) => HARD,
            (_, Stage::Open | Stage::Implied) => {
                let running: u32 = self.running.iter().map(|word| word.count_ones()).sum();
                let outcome = match class {
                    Class::Fail if !self.failed => 3 * HARD / 10,
                    Class::End if self.failed => HARD / 10,
                    Class::End => self.end_cost(fact),
                    _ => 0,
                };
                let mismatch = if around.mismatch == Mismatch::None { 0 } else { 3 * HARD / 2 };
                // Missing ends come in groups: a base cost once, and a smaller cost for each.
                let missing = match running {
                    0 => 0,
                    _ => 4 * HARD / 10 + u64::from(running) * (HARD / 10),
                };
                missing + outcome + mismatch
            }
        }
    }

    /// Cost of the end of a run that completed, in view of its nodes.
    fn end_cost(&self, end: &Fact) -> u64 {
        let told = end.detail.as_ref().and_then(|detail| detail.fix_iterations);
        if told.is_some_and(|told| told != u32::from(self.fixes)) {
            return 6 * PERCENT;
        }
        // A run completes when its last composition was validated.
        if self.nodes_seen && self.validates <= self.fixes { 6 * PERCENT } else { 0 }
    }

    fn node_cost(&self, fact: &Fact, class: Class, around: Around) -> u64 {
        // A node event slightly older than the run's start belongs after that start and to nothing
        // else.
        let early = if self.stage == Stage::Waiting && around.run_start { 5 * HARD } else { 0 };
        early
            + match class {
                Class::Start => self.start_cost(fact, around),
                Class::End | Class::Fail if !self.runs(fact.lane) => MISSING_START_COST,
                Class::End | Class::Fail => match around.mismatch {
                    Mismatch::None => 0,
                    Mismatch::Some => 165 * HARD / 100,
                    Mismatch::Certain => 5 * HARD / 2,
                },
                Class::Other => {
                    if self.fits(fact) {
                        0
                    } else {
                        HARD / 2
                    }
                }
            }
    }

    fn start_cost(&self, fact: &Fact, around: Around) -> u64 {
        let mut cost = match self.stage {
            Stage::Over => HARD,
            Stage::Waiting => HARD / 5,
            Stage::Implied | Stage::Open => 0,
        };
        if self.runs(fact.lane) {
            cost += HARD;
        }
        let Some(place) = place_of(fact) else { return cost };
        let own = 1_u16 << place;
        if self.running[0] & u64::from(PIPELINE_BITS & !own) != 0 {
            cost += 8 * PERCENT;
        }
        if self.failed && self.started & own == 0 {
            cost += 15 * PERCENT;
        }
        if fact.node_index != NO_INDEX {
            return cost + self.loop_cost(place) + self.index_cost(fact.node_index);
        }
        // Count the nodes that this start skips although their own starts are still to be placed.
        let furthest = u16::BITS - self.started.leading_zeros();
        let given_up = if u32::from(self.fixes) >= MAX_FIX_PASSES { 1 << RENDER } else { 0 };
        let passed = (own - 1) & around.waiting & !(1 << FIX | given_up) & !self.started;
        let passed = passed.checked_shr(furthest).unwrap_or(0);
        let passed_cost = u64::from(passed.count_ones()) * 4 * PERCENT;
        // An execution usually begins with its first node.
        let first_cost = if self.started == 0 && place > 0 { 2 * PERCENT } else { 0 };
        cost + first_cost + passed_cost + self.loop_cost(place) + self.times_cost(place)
    }

    /// Cost of a start in view of the loop VALIDATE → FIX → COMPOSE. The rule compares numbers of
    /// starts, because the nodes' clocks may differ and so the order of starts is unreliable.
    fn loop_cost(&self, place: u8) -> u64 {
        let gives_up = u32::from(self.fixes) >= MAX_FIX_PASSES;
        let is_odd = match place {
            // No new composition waits for validation.
            VALIDATE => self.composes <= self.validates,
            FIX_PLACE => gives_up,
            // Either nothing was validated, or the fixed composition was not. A rejected composition is
            // fixed before RENDER; after the last fix pass RENDER is skipped (protocol section 2).
            RENDER => self.validates <= self.fixes || self.rejected,
            REVIEW => self.validates <= self.fixes || self.rejected && !gives_up,
            _ => false,
        };
        if is_odd { 6 * PERCENT } else { 0 }
    }

    /// Cost of a start's `node_index` in view of the ones before it.
    fn index_cost(&self, index: u32) -> u64 {
        let is_told = index < 32 && self.indices & (1 << index) != 0;
        match index.checked_sub(self.next_index) {
            _ if is_told => 40 * PERCENT,
            Some(0) => 0,
            Some(missing) => 8 * PERCENT + 4 * PERCENT * u64::from(missing.min(8)),
            None => 4 * PERCENT,
        }
    }

    /// Cost of another start of a node in view of the number of its starts. The order of nodes is not
    /// used, because their clocks may differ.
    fn times_cost(&self, place: u8) -> u64 {
        let is_odd = match place {
            COMPOSE => self.composes > self.fixes,
            VALIDATE => self.validates > self.fixes,
            FIX_PLACE => self.fixes >= self.validates,
            other => self.started & (1 << other) != 0,
        };
        let is_later_done = self.started >> place > 1 && self.started & (1 << place) == 0;
        match place {
            VALIDATE if is_odd && self.rejected => 15 * PERCENT,
            _ if is_odd && self.failed => 10 * PERCENT,
            _ if is_odd => 20 * PERCENT,
            FIX_PLACE => {
                if self.rejected {
                    0
                } else {
                    PERCENT
                }
            }
            _ if is_later_done => 4 * PERCENT,
            _ => 0,
        }
    }

    /// Advances the state by the event, whether or not it fits.
    pub(super) fn step(&mut self, fact: &Fact) {
        let class = Class::of(fact);
        if fact.lane == RUN_LANE {
            match class {
                Class::Start => *self = Self { stage: Stage::Open, ..Self::default() },
                Class::End | Class::Fail => {
                    self.stage = Stage::Over;
                    self.running = [0; 4];
                }
                Class::Other => {}
            }
            return;
        }
        if fact.lane == LOST_LANE {
            return;
        }
        if self.stage == Stage::Waiting {
            self.stage = Stage::Implied;
        }
        self.nodes_seen = true;
        match class {
            Class::Start => {
                self.set_running(fact.lane, true);
                self.failed = false;
                if let Some(place) = place_of(fact) {
                    self.started |= 1 << place;
                    let times = match place {
                        COMPOSE => Some(&mut self.composes),
                        VALIDATE => Some(&mut self.validates),
                        FIX_PLACE => Some(&mut self.fixes),
                        _ => None,
                    };
                    if let Some(times) = times {
                        *times = times.saturating_add(1);
                    }
                }
                if fact.node_index != NO_INDEX {
                    self.next_index = self.next_index.max(fact.node_index.saturating_add(1));
                    if fact.node_index < 32 {
                        self.indices |= 1 << fact.node_index;
                    }
                }
            }
            Class::End | Class::Fail => {
                self.set_running(fact.lane, false);
                let failed = class == Class::Fail;
                if fact.lane == u16::from(VALIDATE) {
                    self.rejected = failed;
                } else {
                    self.failed = failed;
                }
            }
            // The start was missed: what makes progress is running.
            Class::Other if fact.kind == FactKind::Progress && !self.is_over() => {
                self.set_running(fact.lane, true);
            }
            Class::Other => {}
        }
    }
}

/// Returns the pipeline index of the event's node; `None` for other nodes and for the run.
fn place_of(fact: &Fact) -> Option<u8> {
    let place = u8::try_from(fact.lane).ok()?;
    (usize::from(place) < PIPELINE.len()).then_some(place)
}
