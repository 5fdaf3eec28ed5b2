//! Frames of the recorded backend, repeated under new ids and times.

use jiff::Timestamp;
use serde::Deserialize;

/// Recorded runs.
const TRANSCRIPTS: [&str; 5] = [
    include_str!("../tests/fixtures/transcripts/a-success-live.ndjson"),
    include_str!("../tests/fixtures/transcripts/b-fix-twice-then-pass.ndjson"),
    include_str!("../tests/fixtures/transcripts/b2-fix-exhausted.ndjson"),
    include_str!("../tests/fixtures/transcripts/c-node-fails.ndjson"),
    include_str!("../tests/fixtures/transcripts/d-cancel-during.ndjson"),
];

#[derive(Deserialize)]
struct Recorded {
    text: String,
}

/// A frame whose ids and time can be overwritten.
pub struct Frame {
    pub text: String,
    run: u64,
    event_id: usize,
    run_id: usize,
    timestamp: usize,
}

impl Frame {
    fn new(recorded: &str, run: u64) -> Self {
        let after = |name: &str| recorded.find(name).expect("a backend frame has it") + name.len();
        Self {
            text: recorded.to_owned(),
            run,
            event_id: after("\"event_id\":\""),
            run_id: after("\"run_id\":\""),
            timestamp: after("\"timestamp\":\""),
        }
    }

    /// Turns the frame into a new event: ids in the form of a UUID and a time with microseconds, all of
    /// their original length.
    pub fn renew(&mut self, pass: u64, nth: u64, at: Timestamp) {
        let uuid = |a: u64, b: u64| {
            // Spread the bits, as in UUID version 4.
            let mixed = (u128::from(a) << 64 | u128::from(b))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
            let hex = format!("{mixed:032x}");
            [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
        };
        let event_id = uuid(pass + 1, nth);
        let run_id = uuid(!pass, self.run);
        let instant = at.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string();
        self.text.replace_range(self.event_id..self.event_id + 36, &event_id);
        self.text.replace_range(self.run_id..self.run_id + 36, &run_id);
        self.text.replace_range(self.timestamp..self.timestamp + 32, &instant);
    }
}

/// Endless frames of `at_once` simultaneous runs. Each run sends its next frame in turn; a finished run
/// is replaced by a new one.
pub struct Busy {
    recorded: Vec<Vec<String>>,
    /// Number of each run, and the index of its next frame.
    running: Vec<(u64, usize)>,
    next_run: u64,
    turn: usize,
}

impl Busy {
    pub fn new(at_once: usize) -> Self {
        let line = |line| serde_json::from_str::<Recorded>(line).expect("a recording").text;
        Self {
            recorded: TRANSCRIPTS.iter().map(|text| text.lines().map(line).collect()).collect(),
            running: (0..at_once as u64).map(|run| (run, 0)).collect(),
            next_run: at_once as u64,
            turn: 0,
        }
    }
}

impl Iterator for Busy {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        let (run, place) = self.running[self.turn];
        let events = &self.recorded[run as usize % self.recorded.len()];
        let frame = Frame::new(&events[place], run);
        let is_over = place + 1 == events.len();
        self.running[self.turn] = if is_over { (self.next_run, 0) } else { (run, place + 1) };
        self.next_run += u64::from(is_over);
        self.turn = (self.turn + 1) % self.running.len();
        Some(frame)
    }
}
