//! Recordings of the situations that a stage has to show: `tests/fixtures/scenes/*.ndjson`.
//!
//! Each is a connection to a studio that has worked for an hour, so that usual times and meters have
//! data, and ends at the moment to be shown. Any of them can be played: `meterbridge
//! tests/fixtures/scenes/failed.ndjson`. After a change here, `METERBRIDGE_UPDATE_SCENES=1 cargo test
//! --test app scenes` writes them again.

use std::path::PathBuf;

use super::tape::{Scores, Story, Tape, scores_data};
use super::wall_scenes;

/// Name of a scene and the function that generates it.
pub type Scene = (&'static str, fn() -> Tape);

pub const SCENES: &[Scene] = &[
    ("waiting", waiting),
    ("mid-run", mid_run),
    ("first-run-no-history", first_run),
    ("fix-running", fix_running),
    ("second-fix-pass", second_fix_pass),
    ("failed", failed),
    ("failed-run-without-node", failed_without_node),
    ("failed-fix", failed_fix),
    ("failed-first", failed_first),
    ("long-error", long_error),
    ("cancelled", cancelled),
    ("cancel-goes-on", cancel_goes_on),
    ("several-nodes", several_nodes),
    ("three-nodes", three_nodes),
    ("four-nodes", four_nodes),
    ("long-title", long_title),
    ("completed", completed),
    ("completed-exhausted", completed_exhausted),
    ("unknown-start", unknown_start),
    ("second-execution", second_execution),
    ("slow-node", slow_node),
    ("unknown-extra-node", unknown_extra_node),
    ("stale", stale),
    ("12-runs", twelve_runs),
    ("400-runs", four_hundred_runs),
];

/// Returns the path of a scene's recording.
pub fn path(name: &str) -> PathBuf {
    fixture(&format!("scenes/{name}.ndjson"))
}

/// Returns the path of a test fixture.
pub fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

#[test]
fn committed_recordings_match_the_generators() {
    let update = std::env::var_os("METERBRIDGE_UPDATE_SCENES").is_some();
    for (name, tell) in SCENES.iter().chain(wall_scenes::SCENES) {
        let told = tell().write();
        if update {
            std::fs::write(path(name), &told).unwrap();
        }
        let kept = std::fs::read_to_string(path(name)).unwrap_or_default();
        assert!(kept == told, "{name} differs; see the top of this file");
    }
}

const NEON_RAIN: &str = "f1a9c2d4-5b6e-4f70-8a9b-0c1d2e3f7d93";
pub const SEED: u64 = 7;

/// Usual durations of the nodes in milliseconds.
pub const NODE_DURATIONS: [(&str, i64); 9] = [
    ("PLAN", 2_100),
    ("STYLE", 3_000),
    ("LYRICS", 19_000),
    ("PRODUCER", 6_500),
    ("COMPOSE", 33_200),
    ("VALIDATE", 4_000),
    ("FIX", 8_000),
    ("RENDER", 48_400),
    ("REVIEW", 7_000),
];
/// Durations of past runs in percent of the usual one. The middle ones are equal so that a few more
/// durations do not move the median.
const SPREAD: [i64; 15] = [78, 84, 88, 92, 95, 98, 100, 100, 100, 100, 103, 107, 114, 125, 150];
/// Titles of past runs.
pub const TITLES: [&str; 15] = [
    "Copper Sky",
    "Velvet Engine",
    "Salt & Static",
    "Paper Lanterns",
    "Seven Bridges",
    "Low Orbit",
    "Cassette Summer",
    "The Long Way Round",
    "Northern Line",
    "Honey and Rust",
    "Midnight Ferry",
    "Glass Harbour",
    "Wildfire Season",
    "Blue Hour",
    "Second Sunrise",
];

const FIRST: Scores = scores(0.55, 0.74, 0.63, 0.81, 0.71);
const BETTER: Scores = scores(0.58, 0.79, 0.66, 0.83, 0.74);
const CLOSE: Scores = scores(0.63, 0.80, 0.71, 0.88, 0.78);
const GOOD: Scores = scores(0.71, 0.86, 0.82, 1.00, 0.88);

const fn scores(hook: f64, singability: f64, rhyme: f64, sections: f64, total: f64) -> Scores {
    [
        ("hook_density", hook),
        ("singability", singability),
        ("rhyme_tightness", rhyme),
        ("section_completeness", sections),
        ("total", total),
    ]
}

/// Steps of "Neon Rain" before VALIDATE, with their durations in milliseconds.
const OPENING: [(&str, i64); 4] =
    [("PLAN", 1_900), ("STYLE", 2_900), ("LYRICS", 18_400), ("PRODUCER", 6_200)];

/// Generates a studio that completed `runs` runs in the last hour, and in which one more failed.
fn after(runs: usize) -> Tape {
    let mut tape = Tape::new(SEED);
    // Each node goes through the whole spread, in its own order.
    let orders: Vec<[usize; 15]> = NODE_DURATIONS.iter().map(|_| shuffled(&mut tape)).collect();
    for (run, title) in TITLES[..runs].iter().enumerate() {
        let begin_ms = -3_500_000 + 220_000 * run as i64 + tape.rng().below(40_000) as i64;
        let mut story = tape.run(title, begin_ms);
        story.start().wait(300);
        for (node, (name, usual)) in NODE_DURATIONS.iter().enumerate() {
            let millis = usual * SPREAD[orders[node][run]] / 100;
            match *name {
                "VALIDATE" if run % 5 == 2 => {
                    story
                        .ended("VALIDATE", millis, &scores_data(&BETTER))
                        .ended("FIX", 8_000, "{}")
                        .ended("COMPOSE", 33_200, "{}")
                        .ended("VALIDATE", 4_000, &scores_data(&GOOD));
                }
                "VALIDATE" => drop(story.ended("VALIDATE", millis, &scores_data(&GOOD))),
                "FIX" => {}
                _ => drop(story.ended(name, millis, "{}")),
            }
        }
        story.end();
    }
    tape.run("Ashes of June", -1_700_000).start().wait(300).fails(
        "STYLE",
        1_400,
        "Genre not found in blueprint",
    );
    tape
}

fn shuffled(tape: &mut Tape) -> [usize; 15] {
    let mut order = std::array::from_fn(|place| place);
    for place in (1..order.len()).rev() {
        order.swap(place, tape.rng().below(place as u64 + 1) as usize);
    }
    order
}

/// Adds runs that are running beside the one that is shown and started before it.
fn with_others(mut tape: Tape) -> Tape {
    let mut others = tape.run("Tin Rooftops", -64_000);
    others.start().wait(300).steps(&OPENING).step("COMPOSE", 36_000);
    others.validate(4_200, &GOOD).begin("RENDER").wait(9_000);
    others.progress("RENDER", "Rendering the rhythm stems").wait(9_000);
    others.progress("RENDER", "Rendering the lead vocal");
    let mut others = tape.run("Harbour Lights", -31_000);
    others.start().wait(300).steps(&OPENING).begin("COMPOSE").wait(8_000);
    others.progress("COMPOSE", "Laying down drums and bass").wait(14_000);
    others.progress("COMPOSE", "Voicing the pads").wait(12_000);
    others.finish("COMPOSE", "{}").begin("VALIDATE");
    tape
}

/// Begins the run that is shown: queued for 32 s, then started.
fn neon_rain(tape: &mut Tape) -> Story<'_> {
    let mut story = tape.run_with_id("Neon Rain", NEON_RAIN, 0);
    story.created(42).wait(32_000).start().wait(400);
    story
}

/// Tells "Neon Rain" up to the end of its first VALIDATE.
fn neon_rain_refused<'t>(tape: &'t mut Tape, first: &Scores) -> Story<'t> {
    let mut story = neon_rain(tape);
    story.steps(&OPENING).step("COMPOSE", 32_000).validate(4_100, first);
    story
}

/// Continues a run until 11 s into LYRICS.
fn lyrics(story: &mut Story) {
    story.steps(&OPENING[..2]).begin("LYRICS").wait(3_200);
    story.progress("LYRICS", "Drafting the first verse").wait(3_900);
    story.progress("LYRICS", "Looking for the hook").wait(3_900);
}

fn waiting() -> Tape {
    let mut tape = Tape::new(SEED);
    tape.keepalive(0);
    tape
}

fn mid_run() -> Tape {
    let mut tape = with_others(after(15));
    let mut story = neon_rain(&mut tape);
    lyrics(&mut story);
    story.now();
    tape
}

fn first_run() -> Tape {
    let mut tape = Tape::new(SEED);
    let mut story = neon_rain(&mut tape);
    lyrics(&mut story);
    story.now();
    tape
}

fn fix_running() -> Tape {
    let mut tape = after(15);
    neon_rain_refused(&mut tape, &FIRST).begin("FIX").wait(5_000).now();
    tape
}

fn second_fix_pass() -> Tape {
    let mut tape = after(15);
    let mut story = neon_rain_refused(&mut tape, &FIRST);
    story.step("FIX", 8_300).step("COMPOSE", 31_500).validate(4_000, &BETTER);
    story.step("FIX", 7_600).begin("COMPOSE").wait(14_000);
    story.progress("COMPOSE", "Writing the chorus melody").wait(13_000).now();
    tape
}

fn failed() -> Tape {
    let mut tape = after(15);
    let mut story = neon_rain_refused(&mut tape, &BETTER);
    story.step("FIX", 8_300).step("COMPOSE", 31_500).validate(4_000, &GOOD);
    story.fails("RENDER", 3_100, "Engine queue rejected the job: quota exceeded");
    story.wait(7_000).now();
    tape
}

fn failed_without_node() -> Tape {
    let mut tape = after(15);
    let mut story = neon_rain(&mut tape);
    story.steps(&OPENING).step("COMPOSE", 32_000).validate(4_100, &GOOD);
    story.run_fails("Skill not registered: amcs.render.submit").wait(4_000).now();
    tape
}

fn failed_fix() -> Tape {
    let mut tape = after(15);
    let mut story = neon_rain_refused(&mut tape, &FIRST);
    story.fails("FIX", 2_200, "The patch would leave the chorus without lyrics").wait(4_000).now();
    tape
}

fn failed_first() -> Tape {
    let mut tape = after(15);
    let mut story = neon_rain(&mut tape);
    story.fails("PLAN", 800, "The song has no sections to plan").wait(4_000).now();
    tape
}

/// Error text of about 11 kB, like one that a real backend sent.
fn long_error() -> Tape {
    let mut error = String::from(
        "KeyError: \"chorus\" is not among the sections the blueprint allows for genre <synthwave>, \
         so the hook could not be placed; <script>alert('not run')</script>\n\
         Traceback (most recent call last):\n",
    );
    for line in 1.. {
        let frame = format!(
            "  File \"/srv/amcs/skills/compose/sections.py\", line {}, in place_section\n    \
             return self.blueprint[\"sections\"][name]\n",
            100 + line
        );
        if error.len() + frame.len() > 11_000 {
            break;
        }
        error.push_str(&frame);
    }
    let mut tape = after(15);
    let mut story = neon_rain(&mut tape);
    story.steps(&OPENING).fails("COMPOSE", 12_700, &error).wait(4_000).now();
    tape
}

fn cancelled() -> Tape {
    let mut tape = after(15);
    let mut story = neon_rain(&mut tape);
    story.steps(&OPENING).begin("COMPOSE").wait(12_000).cancel().wait(9_000).now();
    tape
}

fn cancel_goes_on() -> Tape {
    let mut tape = after(15);
    let mut story = neon_rain(&mut tape);
    story.steps(&OPENING).begin("COMPOSE").wait(12_000).cancel().wait(19_000);
    story.finish("COMPOSE", "{}").begin("VALIDATE").wait(2_000).now();
    tape
}

fn several_nodes() -> Tape {
    let mut tape = after(15);
    let mut story = neon_rain(&mut tape);
    story.steps(&OPENING[..2]).begin("LYRICS").wait(1_500).begin("PRODUCER").wait(4_600).now();
    tape
}

fn three_nodes() -> Tape {
    let mut tape = after(15);
    let mut story = neon_rain(&mut tape);
    story.steps(&OPENING[..1]).begin("STYLE").wait(400).begin("LYRICS").wait(700);
    story.begin("PRODUCER").wait(1_300).now();
    tape
}

fn four_nodes() -> Tape {
    let mut tape = after(15);
    let mut story = neon_rain(&mut tape);
    story.steps(&OPENING[..1]).begin("STYLE").wait(400).begin("LYRICS").wait(700);
    story.begin("PRODUCER").wait(300).begin("COMPOSE").wait(1_100).now();
    tape
}

fn long_title() -> Tape {
    let title = "The Lighthouse Keeper’s Daughter Dreams of Copper Rivers (Extended Night Version)";
    let mut tape = with_others(after(15));
    let mut story = tape.run_with_id(title, NEON_RAIN, 0);
    story.created(42).wait(32_000).start().wait(400);
    lyrics(&mut story);
    story.now();
    tape
}

fn completed() -> Tape {
    let mut tape = after(15);
    let mut story = neon_rain_refused(&mut tape, &BETTER);
    story.step("FIX", 8_300).step("COMPOSE", 31_500).validate(4_000, &GOOD);
    story.step("RENDER", 46_300).step("REVIEW", 6_800).end().wait(5_000).now();
    tape
}

fn completed_exhausted() -> Tape {
    let mut tape = after(15);
    let mut story = neon_rain_refused(&mut tape, &FIRST);
    for scores in [&FIRST, &BETTER, &CLOSE] {
        story.step("FIX", 8_300).step("COMPOSE", 31_500).validate(4_000, scores);
    }
    story.step("REVIEW", 6_800).end().wait(5_000).now();
    tape
}

/// The viewer connected while PRODUCER ran: the run's start was replayed, its first steps were not.
fn unknown_start() -> Tape {
    let mut tape = after(15);
    let mut story = tape.run_with_id("Neon Rain", NEON_RAIN, -45_000);
    story.created(42).wait(12_000).start().wait(34_000).ended("PRODUCER", 6_200, "{}");
    story.begin("COMPOSE").wait(14_000).now();
    tape
}

fn second_execution() -> Tape {
    let mut tape = after(15);
    let mut story = neon_rain(&mut tape);
    story.steps(&OPENING[..1]).fails("STYLE", 1_100, "Genre not found in blueprint").wait(6_000);
    story.start().wait(400);
    lyrics(&mut story);
    story.now();
    tape
}

fn slow_node() -> Tape {
    let mut tape = after(15);
    let mut story = neon_rain(&mut tape);
    lyrics(&mut story);
    story.wait(24_000).progress("LYRICS", "Tightening the rhymes").wait(6_000).now();
    tape
}

fn unknown_extra_node() -> Tape {
    let mut tape = after(15);
    let mut story = neon_rain(&mut tape);
    story.steps(&OPENING[..3]).step("SAFETY_CHECK", 2_400).begin("PRODUCER").wait(3_000).now();
    tape
}

/// The connection is alive, but the run has been silent for 38 s.
fn stale() -> Tape {
    let mut tape = after(15);
    let mut story = neon_rain(&mut tape);
    lyrics(&mut story);
    story.progress("LYRICS", "Drafting the second verse").wait(38_000).now();
    tape
}

fn twelve_runs() -> Tape {
    // Five past runs and the one that failed.
    let mut tape = with_others(after(5));
    tape.run("Glass Harbour", -41_000).start().wait(300).steps(&OPENING).fails(
        "COMPOSE",
        9_400,
        "The chord sheet has no bars",
    );
    let mut story = tape.run("Blue Hour", -20_000);
    story.start().wait(300).steps(&OPENING[..2]).begin("LYRICS").wait(2_000).cancel();
    tape.run("Wildfire Season", 20_000).created(77);
    let mut story = neon_rain(&mut tape);
    lyrics(&mut story);
    story.now();
    tape
}

/// Few events per run, because the list is what matters here.
fn four_hundred_runs() -> Tape {
    let mut tape = Tape::new(SEED).without_ids();
    for run in 1..400_i64 {
        let title = TITLES[run as usize % TITLES.len()];
        let id = format!("run-{run:04}");
        let mut story = tape.run_with_id(title, &id, -3_600_000 + 9_000 * run);
        story.start();
        match run {
            388.. => story.wait(1_000).begin("PLAN"),
            _ if run % 23 == 5 => story.wait(64_000).run_fails("RENDER failed"),
            _ if run % 41 == 7 => story.wait(31_000).cancel(),
            _ => story.wait(100_000 + run * 137 % 50_000).end(),
        };
    }
    let mut story = neon_rain(&mut tape);
    lyrics(&mut story);
    story.now();
    tape
}
