//! The page of `report`: well-formed, without markup from outside, readable, and in agreement with
//! `inspect`.

use std::collections::{BTreeMap, HashSet};

use meterbridge::model::Model;
use meterbridge::report::write_page;

use crate::export::{model_in, recordings};
use crate::support::{answer, fixture, model_of};

fn page(model: &Model) -> String {
    let mut out = Vec::new();
    let zone = "UTC".parse().unwrap();
    write_page(&mut out, model, &["recording.ndjson".to_owned()], &zone).unwrap();
    String::from_utf8(out).unwrap()
}

/// Tags that have no end.
const VOID: [&str; 2] = ["meta", "!DOCTYPE"];

/// Parses the page: each tag is closed in its order, ids are unique, references lead to an id. Returns
/// the names of all tags.
#[track_caller]
fn checked(page: &str) -> HashSet<String> {
    let (before, rest) = page.split_once("<style>").unwrap();
    let page = format!("{before}{}", rest.split_once("</style>").unwrap().1);
    let (mut open, mut names) = (Vec::new(), HashSet::new());
    let (mut ids, mut refers) = (HashSet::new(), HashSet::new());
    for part in page.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or_else(|| panic!("not a tag: {part}"));
        assert!(!text.contains('>'), "a bare > in {text}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "{part}");
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap().to_owned();
        for (key, set) in [(" id=\"", &mut ids), (" aria-labelledby=\"", &mut refers)] {
            let value = tag.split_once(key).map(|(_, rest)| rest.split('"').next().unwrap());
            for id in value.unwrap_or_default().split_whitespace() {
                let is_new = set.insert(id.to_owned());
                assert!(is_new || key != " id=\"", "the id {id} occurs twice");
            }
        }
        names.insert(name.clone());
        if !VOID.contains(&&*name) && !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    assert!(refers.is_subset(&ids), "{refers:?} in {ids:?}");
    names
}

#[test]
fn pages_of_all_recordings_are_well_formed() {
    for path in recordings() {
        checked(&page(&model_in(&path)));
    }
    checked(&page(&model_of([""; 0])));
}

#[test]
fn page_has_landmarks_and_tables_for_assistive_technology() {
    let page = page(&model_in(&fixture("scenes/12-runs.ndjson")));
    let names = checked(&page);
    for name in ["main", "header", "footer", "h1", "h2", "caption", "title", "desc", "svg"] {
        assert!(names.contains(name), "{name}");
    }
    assert!(page.contains("<html lang=\"en\">") && page.contains("class=\"skip\" href=\"#main\""));
    let count = |text: &str| page.matches(text).count();
    assert_eq!(count("<table>"), count("<caption>"));
    assert_eq!(count("<th "), count("scope=\""), "each heading cell has a scope");
    assert_eq!(count("<h1>"), 1);
}

#[test]
fn page_loads_nothing_and_runs_nothing() {
    let page = page(&model_in(&fixture("scenes/12-runs.ndjson")));
    assert!(page.contains("default-src 'none'"));
    for banned in ["<script", "<link", "<img", "src=\"", "http://", "https://", "@import", " on"] {
        let found = page.match_indices(banned).find(|(at, _)| {
            // An attribute such as onclick, not a word of a text.
            banned != " on"
                || page[*at..].split(['=', '>']).next().unwrap().len() < 12
                    && page[*at + 1..].starts_with("onc")
        });
        assert_eq!(found, None);
    }
}

#[test]
fn hostile_texts_stay_texts() {
    let hostile = r#"\"><script>alert(1)</script>&<b>\u202e"#;
    let event = |phase: &str, data: &str| {
        format!(
            r#"{{"ts":"2026-11-23T10:00:01Z","run_id":"<i>{phase}","node_name":"<u>","phase":"{phase}","data":{{{data}}}}}"#
        )
    };
    let run = |phase: &str, data: &str| {
        event(phase, data).replace(r#""node_name":"<u>","#, "").replace("<i>fail", "<i>start")
    };
    let titled = format!(r#""song_title":"{hostile}","song_id":"<s>""#);
    let failed = format!(r#""error_message":"{hostile}""#);
    let page = page(&model_of([
        run("start", &titled),
        event("start", "").replace("<i>fail", "<i>start"),
        event("fail", &failed).replace("<i>fail", "<i>start"),
        run("fail", &failed),
    ]));
    let names = checked(&page);
    for name in ["script", "b", "i", "u", "s"] {
        let ours = name == "i";
        assert!(ours || !names.contains(name), "{name}");
    }
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&amp;&lt;b&gt;"));
    assert!(!page.contains('\u{202e}') && !page.contains("<i>start"));
}

#[test]
fn summary_agrees_with_inspect() {
    let model = model_in(&fixture("scenes/wall-causes.ndjson"));
    let report = meterbridge::inspect::Report::of(&model);
    let page = page(&model);
    let of = |status: &str| report.runs.iter().filter(|run| run.status == status).count();
    for (name, value) in [
        ("Runs", report.runs.len()),
        ("Finished", of("completed")),
        ("Failed", of("failed")),
        ("Running", of("running")),
        ("Events", report.events as usize),
        ("Frames", report.frames as usize),
    ] {
        let line = format!("<dt>{name}</dt><dd>{value}</dd>");
        assert!(page.contains(&line), "{line}");
    }
    // All finished runs count, also where their events arrived late.
    let mut took: Vec<u64> = report
        .runs
        .iter()
        .filter(|run| run.status == "completed")
        .filter_map(|run| run.duration_ms)
        .collect();
    took.sort_unstable();
    let usual = meterbridge::text::duration_words(took[took.len().div_ceil(2) - 1]);
    assert!(page.contains(&format!("<dt>Usual duration</dt><dd>{usual}</dd>")), "{usual}");
    assert!(of("failed") > 1, "the fixture has failures");
}

#[test]
fn failures_that_differ_in_numbers_are_one_cause() {
    let run = |id: &str, error: &str| {
        [
            format!(
                r#"{{"ts":"2026-11-23T10:00:01Z","run_id":"{id}","phase":"start","data":{{"song_title":"Song {id}"}}}}"#
            ),
            format!(
                r#"{{"ts":"2026-11-23T10:00:02Z","run_id":"{id}","phase":"fail","data":{{"error":"{error}"}}}}"#
            ),
        ]
    };
    let frames =
        [run("a", "timeout after 30 s"), run("b", "timeout after 45 s"), run("c", "quota")];
    let page = page(&model_of(frames.concat()));
    let causes = page.split("id=\"causes\"").nth(1).unwrap().split("</section>").next().unwrap();
    assert_eq!(causes.matches("<tr><th scope=\"row\">").count(), 2);
    assert!(causes.contains("<td class=\"n\">2</td><td>Song a, Song b</td>"), "{causes}");
}

#[test]
fn page_of_ten_thousand_runs_is_bounded_and_says_what_is_left_out() {
    let frames = (0..10_000).flat_map(|id| {
        let at =
            |second: i32| format!("2026-11-23T{:02}:{:02}:{second:02}Z", id / 600, id / 10 % 60);
        let started = format!(r#"{{"ts":"{}","run_id":"r{id}","phase":"start"}}"#, at(1));
        let phase = if id % 7 == 0 { "fail" } else { "end" };
        let ended = format!(
            r#"{{"ts":"{}","run_id":"r{id}","phase":"{phase}","data":{{"error":"{}"}}}}"#,
            at(40),
            "x".repeat(2_000)
        );
        [started, ended]
    });
    let page = page(&model_of(frames));
    checked(&page);
    assert!(page.len() < 1 << 20, "{} bytes", page.len());
    assert!(page.contains("9,000 earlier runs left out"));
    assert!(page.matches("class=\"finished\" x=").count() < 60, "bars are limited");
}

/// Returns the relative luminance of a colour (WCAG 2.2).
fn luminance(hex: &str) -> f64 {
    let value = u32::from_str_radix(hex.trim_start_matches('#'), 16).unwrap();
    let channel = |shift: u32| {
        let part = f64::from(value >> shift & 0xff) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(16) + 0.7152 * channel(8) + 0.0722 * channel(0)
}

#[test]
fn texts_and_bars_have_contrast_in_light_dark_and_print() {
    let page = page(&model_of([""; 0]));
    let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let schemes: Vec<BTreeMap<&str, &str>> = style
        .split(":root{")
        .skip(1)
        .map(|block| {
            let block = block.split('}').next().unwrap();
            block.split(';').filter_map(|line| line.strip_prefix("--")?.split_once(':')).collect()
        })
        .collect();
    assert_eq!(schemes.len(), 3, "light, dark and print");
    for scheme in schemes {
        let contrast = |a: &str, b: &str| {
            let (a, b) = (luminance(scheme[a]), luminance(scheme[b]));
            (a.max(b) + 0.05) / (a.min(b) + 0.05)
        };
        for text in ["text", "soft", "link", "finished", "failed", "cancelled", "running"] {
            for ground in ["page", "band"] {
                let found = contrast(text, ground);
                assert!(found >= 4.5, "{text} on {ground}: {found:.2} in {scheme:?}");
            }
        }
        assert!(contrast("line", "page") >= 3.0);
    }
}

#[test]
fn report_command_writes_a_page_with_times_in_the_chosen_zone() {
    let recording = fixture("transcripts/c-node-fails.ndjson");
    let recording = recording.to_str().unwrap();
    let output = answer(&["report", recording, "--time-zone", "+02:00"]);
    assert_eq!(output.status.code(), Some(0));
    let page = String::from_utf8(output.stdout).unwrap();
    checked(&page);
    assert!(
        page.contains("<time datetime=\"2026-11-23T01:08:49.536148Z\">2026-11-23 03:08:49</time>")
    );
    assert!(page.contains("Made from c-node-fails.ndjson."), "without its folder");
    assert_eq!(answer(&["report", "missing.ndjson"]).status.code(), Some(2));
}
