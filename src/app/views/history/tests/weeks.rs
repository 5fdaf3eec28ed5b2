//! Two seeded weeks of a studio, with what is true of the second one.

use std::fmt::Write;

use fastrand::Rng;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::protocol::PIPELINE;

/// Time at which the weeks end: Monday, 21:14 in Berlin.
pub fn now() -> Timestamp {
    "2026-11-23T20:14:00Z".parse().unwrap()
}

pub fn berlin() -> TimeZone {
    let zone: crate::time_zone::DisplayZone = "Europe/Berlin".parse().unwrap();
    zone.zone().clone()
}

/// Runs of each day of the second week, from Tuesday on.
const DAYS: [u32; 7] = [646, 672, 653, 683, 277, 311, 700];
/// Share of the runs of a day in each of its hours.
const HOURS: [f64; 24] = [
    0.7, 0.8, 0.9, 0.8, 0.9, 1.2, 1.6, 2.2, 4.2, 7.0, 8.6, 8.9, 8.2, 8.6, 8.4, 7.8, 6.2, 4.8, 4.0,
    3.0, 2.9, 3.0, 2.6, 1.9,
];
/// Usual seconds of each step of the pipeline.
const USUAL: [f64; 9] = [2.1, 3.0, 18.0, 6.6, 34.0, 4.0, 8.1, 48.0, 7.0];

/// True numbers of the runs that ended in a stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    pub finished: u64,
    pub failed: u64,
    pub cancelled: u64,
    pub quota: u64,
}

/// Events, and the truth about the second week.
pub struct Weeks {
    /// Lines of a recording, by the time of their events.
    pub lines: Vec<(Timestamp, String)>,
    pub last: Truth,
    pub before: Truth,
    /// Truth of Friday from 14:00 to 15:00.
    pub friday: Truth,
}

/// Makes two weeks with this part of a large studio's runs.
pub fn weeks(share: f64) -> Weeks {
    let mut all = Weeks {
        lines: Vec::new(),
        last: Truth::default(),
        before: Truth::default(),
        friday: Truth::default(),
    };
    let mut rng = Rng::with_seed(16);
    let first = date(2026, 11, 10);
    for day in 0..14_i64 {
        let (is_last, place) = (day >= 7, (day % 7) as usize);
        let runs = f64::from(DAYS[place]) * share * if is_last { 1.0 } else { 0.95 };
        let today = first.checked_add(day.days()).unwrap();
        for nth in 0..runs.round() as u32 {
            let Some(end) = end_of(&mut rng, today) else { continue };
            let is_friday = is_last && place == 3 && end.to_zoned(berlin()).hour() == 14;
            let run = Run { id: format!("{today}-{nth:04}"), end, is_last, is_friday };
            let told = run.tell(&mut all.lines, &mut rng);
            let week = if is_last { &mut all.last } else { &mut all.before };
            for truth in [Some(week), is_friday.then_some(&mut all.friday)].into_iter().flatten() {
                match told {
                    Told::Finished => truth.finished += 1,
                    Told::Cancelled => truth.cancelled += 1,
                    Told::Failed { quota } => {
                        truth.failed += 1;
                        truth.quota += u64::from(quota);
                    }
                }
            }
        }
    }
    all.lines.sort_by_key(|(at, _)| *at);
    all
}

/// An instant of the day by the studio's hours; `None` after now, and for the same hours a week before.
fn end_of(rng: &mut Rng, day: Date) -> Option<Timestamp> {
    let mut left = rng.f64() * HOURS.iter().sum::<f64>();
    let hour = HOURS.iter().position(|share| {
        left -= share;
        left <= 0.0
    });
    let (minute, second) = (rng.i8(0..60), rng.i8(0..60));
    let at = day.at(hour.unwrap_or(23) as i8, minute, second, 0);
    let at = at.to_zoned(berlin()).unwrap().timestamp();
    let week = SignedDuration::from_hours(7 * 24);
    let is_monday = day == date(2026, 11, 16);
    (at < now() && !(is_monday && at > now() - week)).then_some(at)
}

struct Run {
    id: String,
    end: Timestamp,
    is_last: bool,
    is_friday: bool,
}

#[derive(Clone, Copy)]
enum Told {
    Finished,
    Cancelled,
    Failed { quota: bool },
}

impl Run {
    fn tell(&self, lines: &mut Vec<(Timestamp, String)>, rng: &mut Rng) -> Told {
        let quota = match (self.is_friday, self.is_last) {
            (true, _) => 0.3,
            (_, true) => 0.011,
            (_, false) => 0.010,
        };
        let cause = pick(
            rng,
            &[
                (quota, ("RENDER", "quota exceeded")),
                (if self.is_last { 0.011 } else { 0.015 }, ("VALIDATE", "score too low")),
                (0.0065, ("LYRICS", "no answer in 30 s")),
                (0.0033, ("STYLE", "genre not found")),
                (0.0008, ("COMPOSE", "worker was lost")),
                (0.0006, ("PLAN", "no such song")),
                (0.0005, ("REVIEW", "file cannot be read")),
            ],
        );
        let is_cancelled = cause.is_none() && rng.f64() < 0.011;
        let fixes = pick(rng, &[(0.2, 1), (0.077, 2), (0.027, 3)]).unwrap_or(0);
        // Steps from the end back, so that the run ends when it should.
        let mut steps: Vec<(&str, u64)> = Vec::new();
        for (place, name) in PIPELINE.iter().enumerate().filter(|(_, name)| **name != "FIX") {
            steps.push((name, self.took(rng, place)));
            if *name == "VALIDATE" {
                for _ in 0..fixes {
                    steps.push(("FIX", self.took(rng, 6)));
                    steps.push(("COMPOSE", self.took(rng, 4)));
                    steps.push(("VALIDATE", self.took(rng, 5)));
                }
            }
            if cause.is_some_and(|(step, _)| step == *name) || (is_cancelled && place == 4) {
                break;
            }
        }
        let all: u64 = steps.iter().map(|(_, ms)| ms).sum();
        let mut at = self.end - SignedDuration::from_millis(all as i64);
        let title = ["Neon Rain", "Copper Sky", "Glass Harbour", "Night Train"][rng.usize(0..4)];
        let song = format!(r#""song_title":"{title}""#);
        self.event(lines, at, None, "start", &song);
        let last = steps.len() - 1;
        for (place, (step, took)) in steps.into_iter().enumerate() {
            self.event(lines, at, Some(step), "start", "");
            at += SignedDuration::from_millis(took as i64);
            match cause.filter(|_| place == last) {
                Some((_, reason)) => {
                    let error = format!(r#""error":"{reason}""#);
                    self.event(lines, at, Some(step), "fail", &error);
                }
                None if is_cancelled && place == last => {}
                None => {
                    let took = format!(r#""duration_ms":{took}"#);
                    self.event(lines, at, Some(step), "end", &took);
                }
            }
        }
        match cause {
            Some((step, reason)) => {
                self.event(lines, self.end, None, "fail", &format!(r#""error":"{reason}""#));
                Told::Failed { quota: step == "RENDER" }
            }
            None if is_cancelled => {
                self.event(lines, self.end, None, "info", r#""status":"cancelled""#);
                Told::Cancelled
            }
            None => {
                self.event(lines, self.end, None, "end", "");
                Told::Finished
            }
        }
    }

    /// Milliseconds that a step takes: spread like those of real steps, with a tail.
    fn took(&self, rng: &mut Rng, place: usize) -> u64 {
        let (radius, angle) = (rng.f64().max(1e-12), rng.f64() * std::f64::consts::TAU);
        let normal = (-2.0 * radius.ln()).sqrt() * angle.cos();
        let slower = if place == 7 && self.is_last { 57.0 / 48.0 } else { 1.0 };
        let faster = if place == 2 && self.is_last { 0.965 } else { 1.0 };
        let tail = if rng.f64() < 0.06 { 1.3 } else { 1.0 };
        (USUAL[place] * 1_000.0 * slower * faster * tail * (0.15 * normal).exp()) as u64
    }

    fn event(
        &self,
        lines: &mut Vec<(Timestamp, String)>,
        at: Timestamp,
        node: Option<&str>,
        phase: &str,
        data: &str,
    ) {
        let mut line = format!(r#"{{"ts":"{at}","run_id":"{}""#, self.id);
        if let Some(node) = node {
            write!(line, r#","node_name":"{node}""#).unwrap();
        }
        write!(line, r#","phase":"{phase}","data":{{{data}}}}}"#).unwrap();
        lines.push((at, line));
    }
}

/// One of several outcomes by their odds; `None` for what is left of 1.
fn pick<T: Copy>(rng: &mut Rng, odds: &[(f64, T)]) -> Option<T> {
    let mut left = rng.f64();
    let found = odds.iter().find(|(share, _)| {
        left -= share;
        left < 0.0
    });
    found.map(|(_, outcome)| *outcome)
}
