//! Generator of recordings. Runs are described one after the other; frames are written in order of
//! time.
//!
//! The JSON text is built here and not by a library: a library's order of fields depends on features
//! that other crates enable, and the recordings are committed.

use std::collections::HashMap;
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

/// Instant zero of a scene.
const ZERO: &str = "2026-11-23T21:13:18Z";
/// Time at which the viewer connected. Older events are replayed to it at once.
const OPENED_MS: i64 = -5_000;
/// Pause between two steps of a run.
const GAP_MS: i64 = 200;

/// Names and values of VALIDATE's scores.
pub type Scores = [(&'static str, f64); 5];

/// Recording under construction. Times are in milliseconds after instant zero.
pub struct Tape {
    rng: SplitMix,
    /// Time, run id (none for a keepalive) and text of each event.
    events: Vec<(i64, Option<String>, String)>,
    /// True when events have an `event_id`.
    with_ids: bool,
}

impl Tape {
    pub fn new(seed: u64) -> Self {
        Self { rng: SplitMix(seed), events: Vec::new(), with_ids: true }
    }

    /// Leaves `event_id` out, as the guide's own examples do.
    pub fn without_ids(mut self) -> Self {
        self.with_ids = false;
        self
    }

    /// Begins a run whose first event is at `at_ms`.
    pub fn run(&mut self, title: &str, at_ms: i64) -> Story<'_> {
        let run_id = self.rng.uuid();
        self.run_with_id(title, &run_id, at_ms)
    }

    pub fn run_with_id(&mut self, title: &str, run_id: &str, at_ms: i64) -> Story<'_> {
        Story {
            tape: self,
            title: title.to_owned(),
            run_id: run_id.to_owned(),
            at_ms,
            started_ms: at_ms,
            begun_ms: at_ms,
            fixes: 0,
        }
    }

    /// Adds a keepalive: it concerns no run, but shows that the connection is alive and what time it
    /// is.
    pub fn keepalive(&mut self, at_ms: i64) {
        self.events.push((at_ms, None, "{}".to_owned()));
    }

    pub fn rng(&mut self) -> &mut SplitMix {
        &mut self.rng
    }

    /// Returns the recording, one frame per line.
    pub fn write(mut self) -> String {
        self.events.sort_by_key(|(at_ms, ..)| *at_ms);
        let replayed = self.events.partition_point(|(at_ms, ..)| *at_ms < OPENED_MS);
        let live = self.events.split_off(replayed);
        // A replayed run is one frame with an array of its events.
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut runs: Vec<Vec<String>> = Vec::new();
        for (_, run_id, text) in self.events {
            let place = *places.entry(run_id.unwrap_or_default()).or_insert(runs.len());
            if place == runs.len() {
                runs.push(Vec::new());
            }
            runs[place].push(text);
        }
        let mut tape = String::new();
        // All replayed frames come before the live ones.
        let ms_apart = (-OPENED_MS as f64 / runs.len().max(1) as f64).min(1.0);
        for (place, events) in runs.iter().enumerate() {
            frame(&mut tape, (place as f64 * ms_apart) as i64, &format!("[{}]", events.join(",")));
        }
        for (at_ms, _, text) in live {
            frame(&mut tape, at_ms - OPENED_MS, &text);
        }
        tape
    }
}

fn frame(tape: &mut String, recv_ms: i64, text: &str) {
    let _ = writeln!(tape, "{{\"recv_ms\":{recv_ms},\"text\":{}}}", quoted(text));
}

/// Builder of one run. Each step advances its time.
pub struct Story<'t> {
    tape: &'t mut Tape,
    title: String,
    run_id: String,
    at_ms: i64,
    started_ms: i64,
    begun_ms: i64,
    fixes: u32,
}

impl Story<'_> {
    pub fn wait(&mut self, millis: i64) -> &mut Self {
        self.at_ms += millis;
        self
    }

    pub fn created(&mut self, seed: i64) -> &mut Self {
        let data = self.song(&format!("\"message\":\"Workflow run created\",\"seed\":{seed},"));
        self.say(None, "info", None, &data)
    }

    pub fn start(&mut self) -> &mut Self {
        let data = self.song("");
        self.started_ms = self.at_ms;
        self.say(None, "start", None, &data)
    }

    fn song(&mut self, before: &str) -> String {
        // The same title has the same song id.
        let title = self.title.clone();
        let seed =
            title.bytes().fold(7, |seed: u64, byte| seed * 31 % 0xFFFF_FFFB + u64::from(byte));
        let song_id = SplitMix(seed).uuid();
        format!("{{{before}\"song_id\":\"{song_id}\",\"song_title\":{}}}", quoted(&title))
    }

    pub fn begin(&mut self, node: &str) -> &mut Self {
        if node == "FIX" {
            self.fixes += 1;
        }
        self.begun_ms = self.at_ms;
        self.say(Some(node), "start", None, "{}")
    }

    pub fn progress(&mut self, node: &str, message: &str) -> &mut Self {
        let data = format!("{{\"message\":{}}}", quoted(message));
        self.say(Some(node), "progress", None, &data)
    }

    /// Ends the node that began last.
    pub fn finish(&mut self, node: &str, data: &str) -> &mut Self {
        let took = self.at_ms - self.begun_ms;
        self.say(Some(node), "end", Some(took), data).wait(GAP_MS)
    }

    /// Adds a whole step, start and end.
    pub fn step(&mut self, node: &str, millis: i64) -> &mut Self {
        self.begin(node).wait(millis).finish(node, "{}")
    }

    pub fn steps(&mut self, steps: &[(&str, i64)]) -> &mut Self {
        for (node, millis) in steps {
            self.step(node, *millis);
        }
        self
    }

    pub fn validate(&mut self, millis: i64, scores: &Scores) -> &mut Self {
        self.begin("VALIDATE").wait(millis).finish("VALIDATE", &scores_data(scores))
    }

    /// Adds only the end of a step: its start was not recorded, or is left out for brevity.
    pub fn ended(&mut self, node: &str, millis: i64, data: &str) -> &mut Self {
        if node == "FIX" {
            self.fixes += 1;
        }
        self.wait(millis).say(Some(node), "end", Some(millis), data).wait(GAP_MS)
    }

    /// Adds a step that fails, and fails the run.
    pub fn fails(&mut self, node: &str, millis: i64, error: &str) -> &mut Self {
        let data = format!("{{\"error_message\":{}}}", quoted(error));
        self.begin(node).wait(millis).say(Some(node), "fail", Some(millis), &data);
        self.wait(40).run_fails(&format!("{node} failed"))
    }

    pub fn run_fails(&mut self, error: &str) -> &mut Self {
        let data = format!("{{\"error_message\":{}}}", quoted(error));
        self.say(None, "fail", None, &data)
    }

    pub fn cancel(&mut self) -> &mut Self {
        self.say(None, "info", None, "{\"message\":\"Workflow run cancelled\"}")
    }

    pub fn end(&mut self) -> &mut Self {
        let data = format!("{{\"status\":\"completed\",\"fix_iterations\":{}}}", self.fixes);
        let took = self.at_ms - self.started_ms;
        self.say(None, "end", Some(took), &data)
    }

    /// Ends the recording here.
    pub fn now(&mut self) {
        let at_ms = self.at_ms;
        self.tape.keepalive(at_ms);
    }

    fn say(&mut self, node: Option<&str>, phase: &str, took: Option<i64>, data: &str) -> &mut Self {
        let mut text = String::from("{");
        if self.tape.with_ids {
            let id = self.tape.rng.uuid();
            let _ = write!(text, "\"event_id\":\"{id}\",");
        }
        let _ = write!(text, "\"ts\":\"{}\",\"run_id\":\"{}\",", instant(self.at_ms), self.run_id);
        if let Some(node) = node {
            let _ = write!(text, "\"node_name\":\"{node}\",");
        }
        let _ = write!(text, "\"phase\":\"{phase}\"");
        if let Some(took) = took {
            let _ = write!(text, ",\"duration_ms\":{took}");
        }
        if data != "{}" {
            let _ = write!(text, ",\"data\":{data}");
        }
        text.push('}');
        self.tape.events.push((self.at_ms, Some(self.run_id.clone()), text));
        self
    }
}

pub fn scores_data(scores: &Scores) -> String {
    let scores: Vec<String> =
        scores.iter().map(|(name, value)| format!("\"{name}\":{value:.2}")).collect();
    format!("{{\"scores\":{{{}}}}}", scores.join(","))
}

fn instant(at_ms: i64) -> Timestamp {
    let zero: Timestamp = ZERO.parse().unwrap();
    zero + SignedDuration::from_millis(at_ms)
}

/// Returns a JSON string.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// Random numbers independent of any crate's version: SplitMix64.
pub struct SplitMix(u64);

impl SplitMix {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Returns an integer below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn uuid(&mut self) -> String {
        let bits = u128::from(self.next()) << 64 | u128::from(self.next());
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string()
    }
}
