//! Scenes of the wall. The small ones are stored as recordings like all scenes; those with hundreds or
//! thousands of runs are generated when needed, always identically.

use super::scenes::{NODE_DURATIONS, SEED, Scene, TITLES};
use super::tape::{SplitMix, Tape, scores_data};

pub const SCENES: &[Scene] = &[
    ("wall-1", one),
    ("wall-3", three),
    ("wall-12", twelve),
    ("wall-36", thirty_six),
    ("wall-40", forty),
    ("wall-variants", variants),
    ("wall-odd", odd),
    ("wall-scripts", scripts),
    ("wall-failures", failures),
    ("wall-same-cause", same_cause),
    ("wall-causes", causes),
    ("wall-stale", stale),
];

/// Time at which the pictures are taken: 49 s after instant zero, 21:14:07.
const NOW: i64 = 49_000;
const HOUR: i64 = 3_600_000;

/// Begins a studio with known usual times, from runs of more than an hour ago.
fn tape() -> Tape {
    let mut tape = Tape::new(SEED);
    for (run, title) in TITLES.iter().take(5).enumerate() {
        let percent = [92, 97, 100, 104, 118][run];
        let mut story = tape.run(title, -HOUR - 1_000_000 + 150_000 * run as i64);
        story.start().wait(300);
        for (node, millis) in NODE_DURATIONS.iter().filter(|(node, _)| *node != "FIX") {
            story.ended(node, millis * percent / 100, "{}");
        }
        story.end();
    }
    tape
}

/// Returns the usual total duration in milliseconds of the steps before a node.
fn before(node: &str) -> i64 {
    let steps = NODE_DURATIONS.iter().filter(|(name, _)| *name != "FIX");
    let earlier = steps.take_while(|(name, _)| *name != node);
    earlier.map(|(_, millis)| millis + 200).sum::<i64>() + 300
}

/// Adds a run that is `into_ms` into a node now and sent its last event 2 s ago.
fn running(tape: &mut Tape, title: &str, node: &str, into_ms: i64) {
    let mut story = tape.run(title, NOW - into_ms - before(node));
    story.start().wait(300);
    for (name, millis) in NODE_DURATIONS.iter().filter(|(name, _)| *name != "FIX") {
        if *name == node {
            break;
        }
        story.step(name, *millis);
    }
    story.begin(node);
    if into_ms > 2_000 {
        story.wait(into_ms - 2_000).progress(node, "At work");
    }
}

/// Adds a run whose first song was refused and that is `into_ms` into a later node.
fn fixing(tape: &mut Tape, title: &str, node: &str, into_ms: i64) {
    fixing_again(tape, title, node, into_ms, 1);
}

/// Adds a run whose song was refused `passes` times and that is `into_ms` into a later node.
fn fixing_again(tape: &mut Tape, title: &str, node: &str, into_ms: i64, passes: i64) {
    let pass = [("FIX", 8_000), ("COMPOSE", 33_200), ("VALIDATE", 4_000)];
    let pass_ms = pass.iter().map(|(_, millis)| millis + 200).sum::<i64>();
    let after: &[(&str, i64)] = match node {
        "FIX" => &[],
        "COMPOSE" => &[("FIX", 8_000)],
        "VALIDATE" => &[("FIX", 8_000), ("COMPOSE", 33_200)],
        _ => &[("FIX", 8_000), ("COMPOSE", 33_200), ("VALIDATE", 4_000)],
    };
    let since: i64 = after.iter().map(|(_, millis)| millis + 200).sum();
    let refused = before("VALIDATE") + 4_200;
    let begun = NOW - into_ms - since - refused - (passes - 1) * pass_ms;
    let mut story = tape.run(title, begun);
    story.start().wait(300);
    for (name, millis) in NODE_DURATIONS.iter().take(5) {
        story.step(name, *millis);
    }
    story.step("VALIDATE", 4_000);
    for _ in 1..passes {
        story.steps(&pass);
    }
    for (name, millis) in after {
        story.step(name, *millis);
    }
    story.begin(node);
    if into_ms > 2_000 {
        story.wait(into_ms - 2_000).progress(node, "At work");
    }
}

/// Adds a run that completed `ago_ms` ago.
fn finished(tape: &mut Tape, title: &str, ago_ms: i64, score: f64) {
    let scores = [("hook_density", 0.8), ("total", score)];
    let scores: Vec<String> =
        scores.iter().map(|(name, value)| format!("\"{name}\":{value:.2}")).collect();
    let data = format!("{{\"scores\":{{{}}}}}", scores.join(","));
    let took: i64 =
        NODE_DURATIONS.iter().filter(|(name, _)| *name != "FIX").map(|(_, ms)| ms + 200).sum();
    let mut story = tape.run(title, NOW - ago_ms - took - 300);
    story.start().wait(300);
    for (name, millis) in NODE_DURATIONS.iter().filter(|(name, _)| *name != "FIX") {
        let told = if *name == "VALIDATE" { data.as_str() } else { "{}" };
        story.ended(name, *millis, told);
    }
    story.end();
}

/// Adds a run that was cancelled `ago_ms` ago, in the middle of a node.
fn cancelled(tape: &mut Tape, title: &str, node: &str, ago_ms: i64) {
    let mut story = tape.run(title, NOW - ago_ms - before(node) - 3_000);
    story.start().wait(300);
    for (name, millis) in NODE_DURATIONS.iter().take_while(|(name, _)| *name != node) {
        if *name != "FIX" {
            story.step(name, *millis);
        }
    }
    story.begin(node).wait(3_000).cancel();
}

/// Adds a run that failed `ago_ms` ago.
fn failed(tape: &mut Tape, title: &str, node: &str, ago_ms: i64, error: &str) {
    let mut story = tape.run(title, NOW - ago_ms - before(node) - 3_000);
    story.start().wait(300);
    for (name, millis) in NODE_DURATIONS.iter().take_while(|(name, _)| *name != node) {
        if *name != "FIX" {
            story.step(name, *millis);
        }
    }
    story.fails(node, 3_000, error);
}

/// Adds a run whose last event was before the viewer connected.
fn silent(tape: &mut Tape, title: &str, node: &str) {
    let mut story = tape.run(title, -8_000 - before(node));
    story.start().wait(300);
    for (name, millis) in NODE_DURATIONS.iter().take_while(|(name, _)| *name != node) {
        if *name != "FIX" {
            story.step(name, *millis);
        }
    }
    story.begin(node);
}

fn one() -> Tape {
    let mut tape = Tape::new(SEED);
    running(&mut tape, "Neon Rain", "LYRICS", 11_000);
    tape.keepalive(NOW);
    tape
}

fn three() -> Tape {
    let mut tape = tape();
    finished(&mut tape, "Velvet Engine", 21_000, 0.91);
    running(&mut tape, "Copper Sky", "RENDER", 22_000);
    fixing(&mut tape, "Salt & Static", "COMPOSE", 9_000);
    tape.keepalive(NOW);
    tape
}

/// Generates the wall of the mock-up.
fn twelve() -> Tape {
    let mut tape = tape();
    let mut story = tape.run("Glass Harbour", NOW - 40_000 - 226_000);
    story.start().wait(300);
    for (name, millis) in NODE_DURATIONS.iter().take(5) {
        story.step(name, *millis);
    }
    let scores = |total| [("a", 0.6), ("b", 0.7), ("c", 0.7), ("d", 0.8), ("total", total)];
    for total in [0.68, 0.71, 0.73] {
        story.validate(4_000, &scores(total)).step("FIX", 8_000).step("COMPOSE", 31_000);
    }
    story.fails("VALIDATE", 4_000, "Score 0.74 after 3 fix passes, needs 0.80");
    fixing(&mut tape, "Midnight Ferry", "RENDER", 33_000);
    fixing(&mut tape, "Salt & Static", "FIX", 4_000);
    running(&mut tape, "Copper Sky", "REVIEW", 4_000);
    running(&mut tape, "Kite Season", "VALIDATE", 2_500);
    running(&mut tape, "Paper Lanterns", "COMPOSE", 21_000);
    running(&mut tape, "Northern Line", "PRODUCER", 5_000);
    running(&mut tape, "Neon Rain", "LYRICS", 11_000);
    running(&mut tape, "Low Tide Lullaby", "STYLE", 1_000);
    silent(&mut tape, "Small Hours", "COMPOSE");
    cancelled(&mut tape, "Seven Bridges", "COMPOSE", 77_000);
    finished(&mut tape, "Velvet Engine", 21_000, 0.91);
    tape.keepalive(NOW);
    tape
}

const QUOTA: &str = "Engine queue rejected the job: quota exceeded";

/// Small studio on a bad day: more causes of failures than fit into tiles.
fn failures() -> Tape {
    let mut tape = tape();
    for (title, ago) in [("Glass Harbour", 40_000), ("Night Swimmers", 95_000)] {
        failed(&mut tape, title, "RENDER", ago, QUOTA);
    }
    failed(&mut tape, "Undertow", "LYRICS", 130_000, "LLM call timed out in LYRICS after 30s");
    failed(&mut tape, "Red Umbrella", "STYLE", 150_000, "Genre not found in blueprint");
    failed(&mut tape, "Cold Marble", "COMPOSE", 160_000, "no melody within 3 tries");
    failed(&mut tape, "Ashes of June", "RENDER", 470_000, QUOTA);
    beside_failures(&mut tape);
    tape
}

/// The same studio with two failures for one cause and one for another.
fn same_cause() -> Tape {
    let mut tape = tape();
    failed(&mut tape, "Glass Harbour", "RENDER", 40_000, QUOTA);
    failed(&mut tape, "Night Swimmers on the Way Home", "RENDER", 95_000, QUOTA);
    running(&mut tape, "Copper Sky", "REVIEW", 4_000);
    running(&mut tape, "Kite Season", "VALIDATE", 2_500);
    silent(&mut tape, "Small Hours", "COMPOSE");
    finished(&mut tape, "Velvet Engine", 21_000, 0.91);
    tape.keepalive(NOW);
    tape
}

/// Timing board with failures for several causes.
fn causes() -> Tape {
    let mut tape = thirty_six();
    let timed_out = "LLM call timed out in LYRICS after 30s";
    failed(&mut tape, "Undertow", "LYRICS", 90_000, timed_out);
    failed(&mut tape, "Red Umbrella", "STYLE", 100_000, "Genre not found in blueprint");
    failed(&mut tape, "Cold Marble", "COMPOSE", 110_000, "no melody within 3 tries");
    tape
}

/// Adds running and finished runs beside the failures.
fn beside_failures(tape: &mut Tape) {
    running(tape, "Copper Sky", "REVIEW", 4_000);
    running(tape, "Kite Season", "VALIDATE", 2_500);
    running(tape, "Paper Lanterns", "COMPOSE", 21_000);
    running(tape, "Northern Line", "PRODUCER", 5_000);
    fixing(tape, "Letters from the Lighthouse Keeper's Daughter", "FIX", 4_000);
    silent(tape, "Small Hours", "COMPOSE");
    for (title, ago) in [("Velvet Engine", 21_000), ("Low Tide", 75_000), ("Tin Rooftops", 140_000)]
    {
        finished(tape, title, ago, 0.9);
    }
    tape.keepalive(NOW);
}

/// Backend that stopped reporting its longest runs.
fn stale() -> Tape {
    let mut tape = tape();
    for (title, node) in [
        ("Small Hours", "COMPOSE"),
        ("Harbour Lights", "RENDER"),
        ("Cold Marble", "COMPOSE"),
        ("Tin Rooftops", "LYRICS"),
    ] {
        silent(&mut tape, title, node);
    }
    running(&mut tape, "Copper Sky", "REVIEW", 4_000);
    running(&mut tape, "Kite Season", "VALIDATE", 2_500);
    running(&mut tape, "Neon Rain", "LYRICS", 11_000);
    finished(&mut tape, "Velvet Engine", 21_000, 0.91);
    tape.keepalive(NOW);
    tape
}

const NODES: [&str; 8] =
    ["PLAN", "STYLE", "LYRICS", "PRODUCER", "COMPOSE", "VALIDATE", "RENDER", "REVIEW"];

/// The timing board of the drawing.
fn thirty_six() -> Tape {
    let mut tape = tape();
    failed(&mut tape, "Glass Harbour", "RENDER", 58_000, QUOTA);
    failed(&mut tape, "Tidal Clock", "RENDER", 40_000, QUOTA);
    running(&mut tape, "Copper Sky", "REVIEW", 4_000);
    fixing(&mut tape, "Northern Line", "REVIEW", 2_000);
    running(&mut tape, "Wild Engine", "REVIEW", 1_000);
    fixing(&mut tape, "Midnight Ferry", "RENDER", 46_000);
    running(&mut tape, "Hollow Moon", "RENDER", 60_000);
    fixing(&mut tape, "Letters from the Lighthouse Keeper's Daughter", "RENDER", 33_000);
    running(&mut tape, "Blue Hour Radio", "RENDER", 21_000);
    fixing_again(&mut tape, "Salt & Static", "RENDER", 14_000, 2);
    running(&mut tape, "Amber Ferry", "RENDER", 9_000);
    running(&mut tape, "Paper Harbour", "RENDER", 3_000);
    fixing(&mut tape, "Saffron", "RENDER", 1_000);
    running(&mut tape, "Kite Season", "VALIDATE", 2_000);
    fixing(&mut tape, "Marble Sky", "VALIDATE", 1_000);
    fixing_again(&mut tape, "Everything We Left on the Platform at Dawn", "COMPOSE", 24_000, 2);
    running(&mut tape, "Glass Harbour", "COMPOSE", 21_000);
    fixing(&mut tape, "Thin Ice", "COMPOSE", 14_000);
    running(&mut tape, "Paper Lanterns", "COMPOSE", 9_000);
    running(&mut tape, "Second Sun", "COMPOSE", 5_000);
    fixing(&mut tape, "Iron & Lace", "FIX", 5_000);
    running(&mut tape, "Driftwood Choir", "PRODUCER", 3_000);
    fixing_again(&mut tape, "Cartographer", "FIX", 2_000, 2);
    running(&mut tape, "Neon Rain", "LYRICS", 11_000);
    running(&mut tape, "Whisper Gallery", "LYRICS", 6_000);
    running(&mut tape, "The Quiet Machine", "LYRICS", 2_000);
    running(&mut tape, "Low Tide Lullaby", "STYLE", 1_000);
    running(&mut tape, "Winter Orchard", "PLAN", 1_000);
    for (title, ago) in [
        ("Foxglove Road", 18_000),
        ("Telegraph Hill", 15_000),
        ("The Weather in Your Voice", 11_000),
    ] {
        tape.run(title, NOW - ago).created(7);
    }
    cancelled(&mut tape, "Seven Bridges", "COMPOSE", 77_000);
    cancelled(&mut tape, "Tin Rooftops", "LYRICS", 130_000);
    finished(&mut tape, "Velvet Engine", 4_000, 0.91);
    finished(&mut tape, "Small Hours", 22_000, 0.85);
    finished(&mut tape, "Photograph of a Storm", 51_000, 0.88);
    tape.keepalive(NOW);
    tape
}

/// Long titles that differ at their ends, and a retry of one of them.
fn variants() -> Tape {
    let mut tape = tape();
    let title = "Glass Harbour at the End of the Northern Line";
    failed(&mut tape, "Undertow", "LYRICS", 1_400_000, "no answer within 30 s");
    running(&mut tape, &format!("{title} (Take One)"), "RENDER", 30_000);
    running(&mut tape, &format!("{title} (Take Two)"), "COMPOSE", 20_000);
    running(&mut tape, &format!("{title} (Take Three)"), "LYRICS", 9_000);
    running(&mut tape, "Everything We Left on the Platform at Dawn", "PRODUCER", 3_000);
    running(&mut tape, "Undertow", "STYLE", 2_000);
    fixing_again(&mut tape, "The Weather in Your Voice", "COMPOSE", 12_000, 2);
    tape.run("Low Tide Lullaby", NOW - 18_000).created(7);
    cancelled(&mut tape, "Seven Bridges", "COMPOSE", 77_000);
    for run in 0..20_i64 {
        finished(&mut tape, &format!("Evening {}", run + 1), 20_000 + 110_000 * run, 0.88);
    }
    tape.keepalive(NOW);
    tape
}

fn forty() -> Tape {
    let mut tape = tape();
    let mut names = Names::default();
    for run in 0..22_i64 {
        let node = NODES[(run * 5 % 8) as usize];
        let millis =
            NODE_DURATIONS.iter().find(|(name, _)| *name == node).map_or(1_000, |(_, ms)| *ms);
        running(&mut tape, &names.next(), node, millis * (13 + run * 37 % 70) / 100);
    }
    fixing(&mut tape, "The Long Way Round", "COMPOSE", 12_000);
    fixing(&mut tape, "Honey and Rust", "FIX", 3_000);
    for title in ["Wildfire Season", "Second Sunrise", "Blue Hour"] {
        tape.run(title, NOW - 5_000).created(7);
    }
    silent(&mut tape, "Small Hours", "COMPOSE");
    silent(&mut tape, "Harbour Lights", "RENDER");
    failed(&mut tape, "Ashes of June", "STYLE", 1_500_000, "Genre not found in blueprint");
    cancelled(&mut tape, "Seven Bridges", "COMPOSE", 77_000);
    cancelled(&mut tape, "Tin Rooftops", "LYRICS", 300_000);
    for run in 0..8_i64 {
        finished(&mut tape, &names.next(), 20_000 + 47_000 * run, 0.81 + 0.01 * run as f64);
    }
    tape.keepalive(NOW);
    tape
}

/// Long names, a huge error, unknown nodes, and a run of which little was seen.
fn odd() -> Tape {
    let mut tape = tape();
    let title = "The Lighthouse Keeper’s Daughter Dreams of Copper Rivers (Extended Night Version)";
    running(&mut tape, title, "PRODUCER", 4_000);
    let error = "KeyError: \"chorus\" is not among the sections the blueprint allows for genre \
                 <synthwave>, so the hook could not be placed. "
        .repeat(40);
    failed(&mut tape, "Ein Lied über Flüsse und Züge bei Nacht", "COMPOSE", 30_000, &error);
    failed(&mut tape, "夜の灯台", "RENDER", 95_000, "quota exceeded");
    let mut story = tape.run("Supercalifragilisticexpialidocious", NOW - 30_000);
    story.start().wait(300).step("PLAN", 2_000).begin("MASTERING_AND_LOUDNESS_NORMALISATION");
    story.wait(25_000).progress("MASTERING_AND_LOUDNESS_NORMALISATION", "At work");
    let mut story = tape.run("Two at Once", NOW - 20_000);
    story.start().wait(300).step("PLAN", 2_000).begin("LYRICS").wait(3_000).begin("PRODUCER");
    story.wait(10_000).progress("LYRICS", "At work");
    let mut story = tape.run("Slow Burn", NOW - 120_000);
    story.start().wait(300).step("PLAN", 2_000).begin("STYLE").wait(115_000);
    story.progress("STYLE", "At work");
    let mut story = tape.run("Asked to Stop", NOW - 20_000);
    story.start().wait(300).step("PLAN", 2_000).begin("STYLE").wait(2_000).cancel().wait(5_000);
    story.finish("STYLE", "{}").begin("LYRICS").wait(5_000).progress("LYRICS", "At work");
    tape.keepalive(NOW);
    tape
}

/// Titles in many scripts, and one with an emoji.
fn scripts() -> Tape {
    let mut tape = Tape::new(SEED);
    running(&mut tape, "夜に駆ける雨", "COMPOSE", 21_000);
    running(&mut tape, "月光下的城市", "LYRICS", 11_000);
    running(&mut tape, "서울의 밤", "RENDER", 22_000);
    running(&mut tape, "Ночной поезд", "STYLE", 1_000);
    running(&mut tape, "Νυχτερινό τρένο", "VALIDATE", 2_500);
    running(&mut tape, "أغنية الليل", "PRODUCER", 5_000);
    running(&mut tape, "שיר הלילה", "REVIEW", 4_000);
    running(&mut tape, "รักในสายฝน", "COMPOSE", 9_000);
    running(&mut tape, "रात का गीत", "COMPOSE", 15_000);
    running(&mut tape, "Đêm mưa ở Sài Gòn", "LYRICS", 7_000);
    failed(
        &mut tape,
        "東京の灯台守と銅の川の長い夜の物語",
        "RENDER",
        40_000,
        "割り当てを超えました",
    );
    finished(&mut tape, "Neon Rain 🌧", 21_000, 0.91);
    tape.keepalive(NOW);
    tape
}

/// Titles without repetition for a long while.
#[derive(Default)]
struct Names(usize);

const FIRST: [&str; 20] = [
    "Copper", "Velvet", "Paper", "Glass", "Iron", "Tin", "Blue", "Marble", "Cold", "Second", "Low",
    "Wild", "Silver", "Neon", "Slow", "Northern", "Hidden", "Salt", "Amber", "Hollow",
];
const SECOND: [&str; 19] = [
    "Sky", "Engine", "Lanterns", "Harbour", "Lullaby", "Radio", "Hour", "Run", "Waltz", "Sun",
    "Tide", "Season", "Ferry", "Rain", "Bridges", "Line", "Garden", "Static", "Letters",
];

impl Names {
    fn next(&mut self) -> String {
        let n = self.0;
        self.0 += 1;
        let round = n / (FIRST.len() * SECOND.len());
        let name =
            format!("{} {}", FIRST[n % FIRST.len()], SECOND[(n * 7 + n / 20) % SECOND.len()]);
        if round == 0 { name } else { format!("{name} {}", round + 1) }
    }
}

/// Generates hundreds or thousands of runs of the last hour, in realistic proportions: most are done,
/// about three in ten are running, one in thirty failed.
pub fn many(runs: usize) -> Tape {
    let mut tape = Tape::new(SEED).without_ids();
    let mut rng = SplitMix::new(SEED);
    let mut names = Names::default();
    for run in 0..runs {
        let title = names.next();
        let id = format!("run-{run:05}");
        let ago = 60_000 + rng.below(3_400_000) as i64;
        match run % 100 {
            0..3 => {
                let (node, error) = match (run / 100 + run) % 4 {
                    0 if run % 3 == 0 => ("VALIDATE", "score 0.71 after 3 fix passes, needs 0.80"),
                    1 if run % 5 == 1 => ("LYRICS", "the language model did not answer in 60 s"),
                    _ => ("RENDER", "quota exceeded"),
                };
                let mut story = tape.run_with_id(&title, &id, NOW - ago - 120_000);
                story.start();
                for (name, millis) in NODE_DURATIONS.iter().take_while(|(name, _)| *name != node) {
                    if *name != "FIX" {
                        story.ended(name, *millis, "{}");
                    }
                }
                story.fails(node, 3_000, error);
            }
            3..5 => {
                let mut story = tape.run_with_id(&title, &id, NOW - ago - 10_000);
                story.start().ended("PLAN", 2_000, "{}").ended("STYLE", 3_000, "{}");
                story.begin("LYRICS").wait(3_000).cancel();
            }
            5..33 => {
                // Slow nodes hold more of the runs.
                let node = [
                    "LYRICS", "COMPOSE", "RENDER", "COMPOSE", "RENDER", "PLAN", "STYLE",
                    "PRODUCER", "VALIDATE", "REVIEW", "FIX",
                ][rng.below(11) as usize];
                let into = 500 + rng.below(16_000) as i64;
                let since = before(if node == "FIX" { "VALIDATE" } else { node }) + 200;
                let mut story = tape.run_with_id(&title, &id, NOW - into - since);
                story.start();
                for (name, millis) in NODE_DURATIONS.iter().take_while(|(name, _)| *name != node) {
                    if *name != "FIX" && (node != "FIX" || *name != "VALIDATE") {
                        story.ended(name, *millis, "{}");
                    }
                }
                story.begin(node);
                if run % 71 != 9 && into > 1_000 {
                    story.wait(into - 1_000).progress(node, "At work");
                }
            }
            33..35 => drop(tape.run_with_id(&title, &id, NOW - 20_000).created(7)),
            _ => {
                let scale = 80 + rng.below(50) as i64;
                let mut story = tape.run_with_id(&title, &id, NOW - ago - 150_000);
                story.start();
                for (name, millis) in NODE_DURATIONS.iter().filter(|(name, _)| *name != "FIX") {
                    let data = if *name == "VALIDATE" {
                        scores_data(&[
                            ("a", 0.8),
                            ("b", 0.8),
                            ("c", 0.8),
                            ("d", 0.9),
                            ("total", 0.86),
                        ])
                    } else {
                        "{}".to_owned()
                    };
                    story.ended(name, millis * scale / 100, &data);
                }
                story.end();
            }
        }
    }
    tape.keepalive(NOW);
    tape
}

/// Generates a studio whose RENDER is jammed: runs take about 22 minutes, begin every 11 s, and most of
/// them stay at RENDER since 14 minutes ago. Nine failed there within the last four minutes, and four of
/// these songs run again.
pub fn jammed() -> Tape {
    let mut tape = Tape::new(SEED).without_ids();
    let mut rng = SplitMix::new(SEED);
    let mut names = Names::default();
    let jam_at = NOW - 840_000;
    let mut failures = 0;
    for run in 0..430_i64 {
        let title = names.next();
        let mut at = NOW - 4_730_000 + run * 11_000;
        let mut story = tape.run_with_id(&title, &format!("run-{run:04}"), at);
        story.start();
        let (mut ended, mut failed) = (true, false);
        for (node, millis) in NODE_DURATIONS.iter().filter(|(node, _)| *node != "FIX") {
            let millis = millis * (900 + rng.below(250) as i64) / 100;
            let fails_at = at + 20_000;
            if *node == "RENDER" && failures < 9 && (NOW - 240_000..NOW).contains(&fails_at) {
                story.fails(node, 20_000, "quota exceeded");
                (ended, failed, failures) = (false, true, failures + 1);
                break;
            }
            story.begin(node);
            let stays = *node == "RENDER" && at + millis > jam_at && run % 3 != 0;
            if stays || at + millis >= NOW {
                story.wait(NOW - 2_000 - at).progress(node, "At work");
                ended = false;
                break;
            }
            let data = match *node {
                "VALIDATE" => scores_data(&[
                    ("a", 0.8),
                    ("b", 0.8),
                    ("c", 0.8),
                    ("d", 0.9),
                    ("total", 0.81 + (run % 12) as f64 / 100.0),
                ]),
                _ => "{}".to_owned(),
            };
            story.wait(millis).finish(node, &data);
            at += millis + 200;
        }
        if ended {
            story.end();
        } else if failed && failures % 2 == 0 {
            tape.run_with_id(&title, &format!("again-{run:04}"), NOW - 15_000).start();
        }
    }
    for run in 0..14 {
        tape.run_with_id(&names.next(), &format!("next-{run}"), NOW - 72_000).created(7);
    }
    for run in 0..8 {
        let title = names.next();
        let mut story =
            tape.run_with_id(&title, &format!("stop-{run}"), NOW - 90_000 - run * 400_000);
        story.start().step("PLAN", 2_000).begin("STYLE").wait(2_000).cancel();
    }
    tape.keepalive(NOW);
    tape
}
