//! Tests of names that look alike.

use std::collections::HashSet;

use super::*;
use crate::model::Retention;
use crate::protocol::Batch;

const NOON: &str = "2026-11-23T12:00:00Z";

struct Studio {
    model: Model,
    names: Names,
}

impl Studio {
    fn new(most_runs: usize) -> Self {
        let retention = Retention { runs: most_runs, ..Retention::default() };
        Self { model: Model::new(retention), names: Names::default() }
    }

    /// Receives the start of a run at a time of 23 November, or of another day of that month.
    fn start(&mut self, run: &str, at: &str, data: &str) {
        let at = if at.contains('T') { at.to_owned() } else { format!("23T{at}") };
        self.tell(&format!(
            r#"{{"ts":"2026-11-{at}Z","run_id":"{run}","phase":"start","data":{data}}}"#
        ));
    }

    fn tell(&mut self, frame: &str) {
        let mut batch = Batch::new(NOON.parse().unwrap(), true);
        batch.push_text(frame);
        let mut touched = Vec::new();
        self.model.receive(batch, |_, change| {
            touched.push(change.run_id);
            touched.extend(change.evicted);
        });
        self.names.update(&self.model, &touched, &TimeZone::UTC);
    }

    fn name(&self, run: &str) -> String {
        self.names.name(self.model.run(run).unwrap(), false)
    }

    fn titled(starts: &[(&str, &str)]) -> Self {
        let mut studio = Self::new(100);
        for (run, at) in starts {
            studio.start(run, at, r#"{"song_title":"Neon Rain"}"#);
        }
        studio
    }
}

fn parts_of(ids: &[&str]) -> Vec<String> {
    let mut alike = AlikeIds::default();
    for id in ids {
        alike.add(id);
    }
    ids.iter().map(|id| alike.short(id, alike.shared > 1)).collect()
}

#[test]
fn unique_names_stay_as_they_are() {
    let mut studio = Studio::titled(&[("a", "11:00:00")]);
    assert_eq!(studio.name("a"), "Neon Rain");
    studio.start("f1a9c2d4-5b6e-4f70-8a9b-0c1d2e3f7d93", "11:00:00", "{}");
    studio.start("b", "11:00:00", r#"{"song_id":"song-1"}"#);
    assert_eq!(studio.name("f1a9c2d4-5b6e-4f70-8a9b-0c1d2e3f7d93"), "f1a9…7d93");
    assert_eq!(studio.name("b"), "song-1");
    let labelled = |run: &str| studio.names.name(studio.model.run(run).unwrap(), true);
    assert_eq!(labelled("a"), "Neon Rain");
    assert_eq!(labelled("b"), "Song song-1");
    assert_eq!(labelled("f1a9c2d4-5b6e-4f70-8a9b-0c1d2e3f7d93"), "Run f1a9…7d93");
}

#[test]
fn ids_with_the_same_ends_show_the_part_that_differs() {
    let check = |ids: &[&str], expected: &[&str]| assert_eq!(parts_of(ids), expected);
    check(
        &[
            "nightly-build-linux-0001",
            "nightly-build-macos-0001",
            "nightly-release-beta-0001",
            "nightly-tests-linux-0001",
        ],
        &["…build-linux…", "…build-macos…", "…release…", "…tests…"],
    );
    check(&["nightly-build-linux-0001", "nightly-build-macos-0001"], &["…linux…", "…macos…"]);
    // Without words, a part of the id.
    check(
        &["f1a9c2d45b6e4f708a9b0c1d2e3f7d93", "f1a9c2d45b6e4f718a9b0c1d2e3f7d93"],
        &["…08a9…", "…18a9…"],
    );
    check(&["song-äöü-0001-x-last", "song-äöß-0001-x-last"], &["…äöü…", "…äöß…"]);
    // One of them is a shorter form of another.
    check(&["aaaaaaaaaaaaa", "aaaaaaaaaaaaaa"], &["…", "…a"]);
}

#[test]
fn ids_of_several_ends_keep_their_ends() {
    let ids = ["build-linux-0001", "build-macos-0001", "tests-linux-0001", "tests-macos-0001"];
    let parts = ["build-linux-0001", "build-macos-0001", "tests-linux-0001", "tests-macos-0001"];
    assert_eq!(parts_of(&ids), parts);
    let long = ["studio-west-night-build-linux-0001", "studio-west-night-build-macos-0001"];
    let other = ["studio-west-night-build-linux-0002", "studio-west-night-build-macos-0002"];
    assert_eq!(
        parts_of(&[long, other].concat()),
        ["stud…linux-0001", "stud…macos-0001", "stud…linux-0002", "stud…macos-0002"]
    );
}

#[test]
fn different_ids_never_have_the_same_parts() {
    let mut random = fastrand::Rng::with_seed(14);
    for round in 0..200 {
        let mut ids = HashSet::new();
        for _ in 0..random.usize(2..40) {
            let letters = ["a", "b", "-", "ä", "0"];
            let middle: String =
                (0..random.usize(4..12)).map(|_| letters[random.usize(0..5)]).collect();
            let ends = if round % 2 == 0 { 0 } else { random.u8(0..3) };
            ids.insert(format!("same{middle}las{ends}"));
        }
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let parts = parts_of(&ids);
        let distinct: HashSet<&String> = parts.iter().collect();
        assert_eq!(distinct.len(), ids.len(), "round {round}: {ids:?} {parts:?}");
    }
}

#[test]
fn runs_of_the_same_title_show_the_minute_of_their_start() {
    let studio = Studio::titled(&[("a", "11:04:10"), ("b", "11:05:10")]);
    assert_eq!(studio.name("a"), "11:04 · Neon Rain");
    assert_eq!(studio.name("b"), "11:05 · Neon Rain");
}

#[test]
fn runs_of_the_same_minute_show_the_second() {
    let studio = Studio::titled(&[("a", "11:04:10"), ("b", "11:04:59"), ("c", "11:05:00")]);
    assert_eq!(studio.name("a"), "11:04:10 · Neon Rain");
    assert_eq!(studio.name("b"), "11:04:59 · Neon Rain");
    assert_eq!(studio.name("c"), "11:05 · Neon Rain");
}

#[test]
fn runs_of_the_same_second_show_their_ids() {
    let studio = Studio::titled(&[
        ("nightly-build-linux-0001", "11:04:10"),
        ("nightly-build-macos-0001", "11:04:10"),
    ]);
    assert_eq!(studio.name("nightly-build-linux-0001"), "…linux… · Neon Rain");
    assert_eq!(studio.name("nightly-build-macos-0001"), "…macos… · Neon Rain");
}

#[test]
fn runs_of_several_days_show_the_day() {
    let studio =
        Studio::titled(&[("a", "22T11:04:10"), ("b", "23T11:04:10"), ("c", "23T12:00:00")]);
    assert_eq!(studio.name("a"), "11:04, 22 Nov · Neon Rain");
    assert_eq!(studio.name("b"), "11:04, 23 Nov · Neon Rain");
}

#[test]
fn latest_run_keeps_its_title_an_hour_after_the_others() {
    let mut studio = Studio::titled(&[("a", "09:00:00"), ("b", "10:00:01")]);
    assert_eq!(studio.name("a"), "09:00 · Neon Rain");
    assert_eq!(studio.name("b"), "Neon Rain");
    studio.start("c", "10:30:00", r#"{"song_title":"Neon Rain"}"#);
    assert_eq!(studio.name("b"), "10:00 · Neon Rain");
    assert_eq!(studio.name("c"), "10:30 · Neon Rain");
}

#[test]
fn titles_that_differ_in_blanks_only_are_alike() {
    let mut studio = Studio::titled(&[("a", "11:04:10")]);
    studio.start("b", "11:05:10", r#"{"song_title":"Neon   Rain "}"#);
    assert_eq!(studio.name("a"), "11:04 · Neon Rain");
}

#[test]
fn runs_of_the_same_song_without_title_show_their_start() {
    let mut studio = Studio::new(100);
    for (run, at) in [("a", "11:04:10"), ("b", "11:05:10")] {
        studio.start(run, at, r#"{"song_id":"song-1"}"#);
    }
    assert_eq!(studio.name("a"), "11:04 · song-1");
    studio.start("c", "11:06:00", r#"{"song_id":"album-blue-song-0001"}"#);
    studio.start("d", "11:06:00", r#"{"song_id":"album-grey-song-0001"}"#);
    assert_eq!(studio.name("c"), "…blue…");
    assert_eq!(studio.name("d"), "…grey…");
}

#[test]
fn name_becomes_unique_again_when_the_other_run_is_dropped_or_renamed() {
    let mut studio = Studio::new(2);
    studio.start("a", "11:04:10", r#"{"song_title":"Neon Rain"}"#);
    studio.start("b", "11:05:10", r#"{"song_title":"Neon Rain"}"#);
    studio.start("c", "11:06:10", "{}");
    assert!(studio.model.run("a").is_none());
    assert_eq!(studio.name("b"), "Neon Rain");
    studio.start("c", "11:06:11", r#"{"song_title":"Neon Rain"}"#);
    assert_eq!(studio.name("b"), "11:05 · Neon Rain");
}

#[test]
fn variant_of_a_title_is_the_part_in_which_it_differs() {
    let mut studio = Studio::new(9);
    let titles = [
        ("a", "Glass Harbour"),
        ("b", "Glass Harbour (Take One)"),
        ("c", "Glass Harbour (Take Two)"),
        ("d", "Neon Rain"),
        ("e", "Ballad of the North, Part 1"),
        ("f", "Ballad of the North, Part 2"),
        ("g", "Tin Sky"),
        ("h", "Tin Roof"),
    ];
    for (run, title) in titles {
        studio.start(run, "11:04:10", &format!(r#"{{"song_title":"{title}"}}"#));
    }
    let variant = |studio: &Studio, run: &str| studio.names.variant(studio.model.run(run).unwrap());
    let expected =
        [None, Some("(Take One)"), Some("(Take Two)"), None, Some("1"), Some("2"), None, None];
    for ((run, title), expected) in titles.iter().zip(expected) {
        assert_eq!(variant(&studio, run).as_deref(), expected, "{title}");
    }
    let mut few = Studio::new(2);
    few.start("a", "11:04:10", r#"{"song_title":"Glass Harbour (Take One)"}"#);
    few.start("b", "11:05:10", r#"{"song_title":"Glass Harbour (Take Two)"}"#);
    assert_eq!(variant(&few, "b").as_deref(), Some("(Take Two)"));
    few.start("c", "11:06:10", r#"{"song_title":"Neon Rain"}"#);
    assert_eq!(variant(&few, "b"), None, "the other one was dropped");
}

#[test]
fn names_equal_those_of_an_index_made_anew() {
    let mut random = fastrand::Rng::with_seed(5);
    let mut studio = Studio::new(20);
    for step in 0..600 {
        let run = format!("night-{}-shift-{}-0001", random.u8(0..6), random.u8(0..6));
        let at = format!("{:02}:{:02}:{:02}", random.u8(9..11), random.u8(0..2), random.u8(0..3));
        let data = match random.u8(0..4) {
            0 => "{}".to_owned(),
            1 => format!(r#"{{"song_id":"album-{}-song-0001"}}"#, random.u8(0..3)),
            _ => format!(r#"{{"song_title":"Title {}"}}"#, random.u8(0..3)),
        };
        studio.start(&run, &at, &data);
        let mut anew = Names::default();
        anew.update(&studio.model, &[], &TimeZone::UTC);
        let mut names = HashSet::new();
        for run in studio.model.runs() {
            let name = studio.names.name(run, false);
            assert_eq!(studio.names.variant(run), anew.variant(run), "step {step}");
            assert_eq!(name, anew.name(run, false), "step {step}");
            assert!(names.insert(name), "step {step}: not unique");
        }
    }
}

#[test]
fn song_ids_with_wide_blanks_have_a_variant() {
    let mut studio = Studio::new(20);
    studio.start("a", "10:00:00", "{\"song_id\":\"夜の灯台の歌\u{3000}一番\"}");
    studio.start("b", "10:00:01", "{\"song_id\":\"夜の灯台の歌\u{3000}二番\"}");
    let run = studio.model.run("a").unwrap();
    assert_eq!(studio.names.variant(run).as_deref(), Some("一番"));
}

#[test]
fn name_of_one_of_10_000_alike_runs_is_cheap() {
    let mut studio = Studio::new(20_000);
    let mut batch = Batch::new(NOON.parse().unwrap(), true);
    for n in 0..10_000 {
        batch.push_text(&format!(
            r#"{{"ts":"{NOON}","run_id":"nightly-{n:05}-0001","phase":"start","data":{{"song_title":"Neon Rain"}}}}"#
        ));
    }
    studio.model.receive(batch, |_, _| ());
    studio.names.update(&studio.model, &[], &TimeZone::UTC);
    assert_eq!(studio.name("nightly-00123-0001"), "…00123… · Neon Rain");
    // A walk over all runs would take minutes for these in a test build.
    for n in 0..10_000 {
        let run = studio.model.run(&format!("nightly-{n:05}-0001")).unwrap();
        assert!(studio.names.name(run, false).contains(&format!("{n:05}")));
    }
}
