//! Generator of runs as a backend would report them, with optional skew and truncation of their
//! instants.

use jiff::{SignedDuration, Timestamp};
use meterbridge::protocol::PIPELINE;
use serde_json::{Value, json};

const FIX: usize = 6;
const COMPOSE: usize = 4;
const VALIDATE: usize = 5;
const RENDER: usize = 7;
/// Number of fix passes after which the backend gives up and skips RENDER.
const MOST_FIXES: u32 = 3;

/// An event of a story, with its true time.
#[derive(Clone, Debug)]
pub struct Told {
    pub at: Timestamp,
    /// Pipeline index of the node; `None` for the run.
    pub node: Option<usize>,
    pub phase: &'static str,
    pub node_index: Option<u32>,
    pub duration_ms: Option<u64>,
    pub fix_iterations: Option<u32>,
}

/// Pseudo-random numbers, reproducible by seed (SplitMix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number from `least` to `most`, both included.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        least + (self.next() % (most - least + 1) as u64) as i64
    }

    /// Returns true with a probability of `percent` / 100.
    pub fn chance(&mut self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }
}

/// Parameters of a story.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// True for the backend's form, with `node_index`; false for the guide's.
    pub backend: bool,
    /// Maximum duration of a node in milliseconds.
    pub slowest_ms: i64,
    /// Maximum number of executions.
    pub executions: i64,
}

/// Writes a story.
struct Writer<'a> {
    dice: &'a mut Dice,
    manner: Manner,
    now: Timestamp,
    index: u32,
    /// Nodes that this run skips.
    left_out: Vec<usize>,
    events: Vec<Told>,
}

impl Writer<'_> {
    fn wait(&mut self, least_ms: i64, most_ms: i64) -> i64 {
        let millis = self.dice.between(least_ms, most_ms);
        self.now += SignedDuration::from_millis(millis);
        millis
    }

    fn tell(&mut self, node: Option<usize>, phase: &'static str) -> &mut Told {
        let at = self.now;
        let (node_index, duration_ms, fix_iterations) = (None, None, None);
        self.events.push(Told { at, node, phase, node_index, duration_ms, fix_iterations });
        self.events.last_mut().unwrap()
    }

    fn node(&mut self, place: usize, outcome: &'static str) {
        self.wait(1, 20);
        let index = self.index;
        self.index += 1;
        let backend = self.manner.backend;
        self.tell(Some(place), "start").node_index = backend.then_some(index);
        let slowest = self.manner.slowest_ms;
        let took = match self.dice.between(0, 2) {
            0 => self.wait(1, slowest.min(200)),
            1 => self.wait(1, slowest.min(2_000)),
            _ => self.wait(1, slowest),
        };
        self.tell(Some(place), outcome).duration_ms = Some(took as u64);
    }

    /// Writes one execution. Returns true when it fails.
    fn execution(&mut self) -> bool {
        self.index = 0;
        let began = self.now;
        self.tell(None, "start");
        let fails_at = self.dice.chance(50).then(|| self.dice.between(0, 8) as usize);
        for place in [0, 1, 2, 3, COMPOSE, VALIDATE, RENDER, 8] {
            if self.left_out.contains(&place) || place == RENDER && self.fixes() == MOST_FIXES {
                continue;
            }
            if fails_at == Some(place) && place != VALIDATE {
                self.node(place, "fail");
                return self.fail();
            }
            if place != VALIDATE {
                self.node(place, "end");
            } else if self.fix_loop(fails_at) {
                return self.fail();
            }
        }
        self.wait(1, 20);
        let fixes = self.fixes();
        let took = self.now.duration_since(began).as_millis() as u64;
        let backend = self.manner.backend;
        let end = self.tell(None, "end");
        end.duration_ms = backend.then_some(took);
        end.fix_iterations = backend.then_some(fixes);
        false
    }

    fn fixes(&self) -> u32 {
        let began = self.events.iter().rposition(|told| told.node.is_none()).unwrap_or(0);
        let fixes = self.events[began..].iter();
        fixes.filter(|told| told.node == Some(FIX) && told.phase == "start").count() as u32
    }

    /// Writes VALIDATE and the fix passes. Returns true when the run fails there.
    fn fix_loop(&mut self, fails_at: Option<usize>) -> bool {
        let passes = self.dice.between(-2, i64::from(MOST_FIXES)).max(0);
        for _ in 0..passes {
            // After a rejection the backend reports an `end` of VALIDATE, the guide a `fail`.
            self.node(VALIDATE, if self.manner.backend { "end" } else { "fail" });
            for place in [FIX, COMPOSE] {
                if fails_at == Some(FIX) && self.dice.chance(30) {
                    self.node(place, "fail");
                    return true;
                }
                self.node(place, "end");
            }
        }
        let is_content = self.manner.backend || passes < i64::from(MOST_FIXES);
        self.node(VALIDATE, if is_content { "end" } else { "fail" });
        false
    }

    fn fail(&mut self) -> bool {
        self.wait(1, 20);
        self.tell(None, "fail");
        true
    }
}

/// Generates a story, in order.
pub fn story(dice: &mut Dice, manner: Manner) -> Vec<Told> {
    let now = "2026-11-23T10:00:00Z".parse::<Timestamp>().unwrap();
    let now = now + SignedDuration::from_micros(dice.between(0, 60_000_000));
    let left_out = [1, 2, 3, RENDER, 8].into_iter().filter(|_| dice.chance(8)).collect();
    let mut writer = Writer { dice, manner, now, index: 0, left_out, events: Vec::new() };
    let executions = writer.dice.between(1, manner.executions);
    for number in 0..executions {
        if number > 0 {
            // A user executes the run again.
            match writer.dice.between(0, 1) {
                0 => writer.wait(1_000, 5_000),
                _ => writer.wait(5_000, 60_000),
            };
        }
        writer.execution();
    }
    // The story may be incomplete, as of a run that goes on.
    if writer.dice.chance(20) {
        let most = writer.events.len() as i64;
        let kept = writer.dice.between(most.min(3), most) as usize;
        writer.events.truncate(kept);
    }
    writer.events
}

/// Returns the events as frames. `shifts` is the offset of each node's clock; `cut` truncates instants
/// to whole seconds.
pub fn frames(
    story: &[Told],
    dice: &mut Dice,
    shifts: &[SignedDuration],
    cut: bool,
) -> Vec<String> {
    story
        .iter()
        .map(|told| {
            let shift = told.node.map_or(SignedDuration::ZERO, |place| shifts[place]);
            let mut at = told.at + shift;
            if cut {
                at = Timestamp::from_second(at.as_second()).unwrap();
            }
            frame(told, at, dice)
        })
        .collect()
}

fn frame(told: &Told, at: Timestamp, dice: &mut Dice) -> String {
    let mut data = serde_json::Map::new();
    if let Some(index) = told.node_index {
        data.insert("node_index".into(), index.into());
    }
    if let Some(count) = told.fix_iterations {
        data.insert("fix_iterations".into(), count.into());
    }
    if told.phase == "fail" {
        data.insert("error".into(), "it broke".into());
    }
    let id = format!("{:08x}-0000-4000-8000-{:012x}", dice.next() as u32, dice.next() >> 16);
    let mut event = json!({
        "event_id": id, "ts": at.to_string(), "run_id": "run-1", "phase": told.phase,
        "data": Value::Object(data),
    });
    if let Some(place) = told.node {
        event["node_name"] = PIPELINE[place].into();
    }
    if let Some(millis) = told.duration_ms {
        event["duration_ms"] = millis.into();
    }
    event.to_string()
}

/// Shuffles the frames.
pub fn shuffle(dice: &mut Dice, frames: &mut [String]) {
    for place in (1..frames.len()).rev() {
        frames.swap(place, dice.between(0, place as i64) as usize);
    }
}
