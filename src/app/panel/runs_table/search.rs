//! Search in the runs: texts in which it looks, and the parts of a text that it found.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::FixedState;
use smol_str::SmolStr;

use crate::model::{NodeStatus, Run, RunStatus};
use crate::protocol::{NodeName, RunId};

/// Words of a search, all of which must occur; without regard to upper and lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Needle {
    words: Vec<String>,
}

impl Needle {
    /// Creates the needle of a typed text.
    pub(super) fn new(typed: &str) -> Self {
        Self { words: typed.split_whitespace().map(fold).collect() }
    }

    /// True when everything matches.
    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// True when a folded text has all words.
    fn is_in(&self, folded: &str) -> bool {
        self.words.iter().all(|word| folded.contains(word.as_str()))
    }

    /// Returns the parts of a text that are equal to a word, in bytes, from left to right and apart.
    pub(super) fn hits(&self, text: &str) -> Vec<Range<usize>> {
        if self.is_empty() {
            return Vec::new();
        }
        // Place in `text` of each byte of the folded text.
        let (mut folded, mut places) = (String::with_capacity(text.len()), Vec::new());
        for (place, c) in text.char_indices() {
            push_folded(c, &mut folded);
            places.resize(folded.len(), place);
        }
        places.push(text.len());
        let mut hits: Vec<Range<usize>> = Vec::new();
        for word in &self.words {
            for (start, found) in folded.match_indices(word.as_str()) {
                let last = places[start + found.len() - 1];
                let end = text[last..].chars().next().map_or(last, |c| last + c.len_utf8());
                hits.push(places[start]..end);
            }
        }
        hits.sort_unstable_by_key(|hit| (hit.start, hit.end));
        hits.dedup_by(|next, hit| {
            let joins = next.start <= hit.end;
            if joins {
                hit.end = hit.end.max(next.end);
            }
            joins
        });
        hits
    }
}

/// Returns a text without the difference between upper and lower case.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        push_folded(c, &mut folded);
    }
    folded
}

fn push_folded(c: char, folded: &mut String) {
    match c {
        _ if c.is_ascii() => folded.push(c.to_ascii_lowercase()),
        // The small sigma at the end of a word.
        'ς' => folded.push('σ'),
        _ => folded.extend(c.to_lowercase()),
    }
}

/// Step at which a run is, failed or was stopped.
pub(super) fn step_of(run: &Run) -> Option<&NodeName> {
    match run.status {
        RunStatus::Pending | RunStatus::Completed => None,
        RunStatus::Running => run.stands().map(|(name, _)| name),
        RunStatus::Failed => run.failed_node().map(|node| &node.name),
        RunStatus::Cancelled => {
            let stopped = run.nodes.iter().rfind(|node| node.status == NodeStatus::Running);
            stopped.map(|node| &node.name)
        }
    }
}

/// Parts of a run that a search covers.
#[derive(Clone, Debug)]
struct Searched {
    title: Option<SmolStr>,
    song_id: Option<SmolStr>,
    seed: Option<i128>,
    step: Option<NodeName>,
    errors: [Option<Arc<str>>; 2],
}

impl Searched {
    fn of(run: &Run) -> Self {
        Self {
            title: run.song_title.clone(),
            song_id: run.song_id.clone(),
            seed: run.seed,
            step: step_of(run).cloned(),
            errors: errors_of(run).map(|error| error.cloned()),
        }
    }

    fn is_of(&self, run: &Run) -> bool {
        let same = |(mine, theirs): (&Option<Arc<str>>, Option<&Arc<str>>)| match (mine, theirs) {
            (Some(mine), Some(theirs)) => Arc::ptr_eq(mine, theirs),
            (mine, theirs) => mine.is_none() && theirs.is_none(),
        };
        self.title == run.song_title
            && self.song_id == run.song_id
            && self.seed == run.seed
            && self.step.as_ref() == step_of(run)
            && self.errors.iter().zip(errors_of(run)).all(same)
    }

    /// Returns what is searched as one text, in which no word reaches from one part into the next.
    fn folded(&self, id: &str) -> String {
        let mut text = fold(id);
        let mut push = |part: &str| {
            text.push('\n');
            for c in part.chars() {
                push_folded(c, &mut text);
            }
        };
        for part in [&self.title, &self.song_id].into_iter().flatten() {
            push(part);
        }
        if let Some(seed) = self.seed {
            push(&seed.to_string());
        }
        if let Some(step) = &self.step {
            push(step);
        }
        for error in self.errors.iter().flatten() {
            push(error);
        }
        text
    }
}

/// Errors of a run and of its failed step; one if they are the same.
fn errors_of(run: &Run) -> [Option<&Arc<str>>; 2] {
    let of_run = run.error.as_ref();
    let of_step = run.failed_node().and_then(|node| node.error.as_ref());
    let is_same = of_run.zip(of_step).is_some_and(|(one, other)| one == other);
    [of_run, of_step.filter(|_| !is_same)]
}

/// Texts of the runs that a search looks at. Each is made once, and again after its run changed.
#[derive(Clone, Debug, Default)]
pub(super) struct SearchTexts {
    texts: HashMap<RunId, (Searched, String), FixedState>,
}

impl SearchTexts {
    /// True when a run has all words of the needle.
    pub(super) fn matches(&mut self, run: &Run, needle: &Needle) -> bool {
        if needle.is_empty() {
            return true;
        }
        if let Some((searched, folded)) = self.texts.get_mut(run.id()) {
            if !searched.is_of(run) {
                *searched = Searched::of(run);
                *folded = searched.folded(run.id());
            }
            return needle.is_in(folded);
        }
        let searched = Searched::of(run);
        let folded = searched.folded(run.id());
        let is_match = needle.is_in(&folded);
        self.texts.insert(run.id().clone(), (searched, folded));
        is_match
    }

    /// Drops the texts of all runs.
    pub(super) fn clear(&mut self) {
        self.texts = HashMap::default();
    }

    /// Drops the texts of runs that are no longer kept.
    pub(super) fn retain(&mut self, is_kept: impl Fn(&RunId) -> bool) {
        self.texts.retain(|id, _| is_kept(id));
    }

    /// Number of texts.
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panel::testing::{frame, receive, run_store};

    #[test]
    fn hits_are_found_without_regard_to_case() {
        let check = |typed: &str, text: &str, found: &[&str]| {
            let hits = Needle::new(typed).hits(text);
            let parts: Vec<&str> = hits.into_iter().map(|hit| &text[hit]).collect();
            assert_eq!(parts, found, "{typed} in {text}");
        };
        check("har", "Glass Harbour", &["Har"]);
        check("har", "Harvest, uncharted", &["Har", "har"]);
        check("GLASS har", "glass Harbour", &["glass", "Har"]);
        check("arb harb", "Harbour", &["Harb"]);
        check("ÉTÉ", "un été", &["été"]);
        check("οδος", "ΟΔΟΣ Οδός οδος", &["ΟΔΟΣ", "οδος"]);
        check("istanbul", "İstanbul", &[]);
        check("stan", "İstanbul", &["stan"]);
        check("i", "İ", &["İ"]);
        check("音", "音楽音", &["音", "音"]);
        check("", "anything", &[]);
        check("x", "anything", &[]);
    }

    #[test]
    fn all_words_must_occur_in_whatever_part_of_the_run() {
        let data = r#"{"song_title":"Glass Harbour","song_id":"song-7","global_seed":1187}"#;
        let error = r#"{"error":"Quota exceeded at 9 GB"}"#;
        let run_store = run_store(&[
            &frame(0, "79d5c1f0", None, "start", data),
            &frame(1, "79d5c1f0", Some("RENDER"), "start", "{}"),
            &frame(2, "79d5c1f0", Some("RENDER"), "fail", error),
            &frame(3, "79d5c1f0", None, "fail", error),
        ]);
        let run = run_store.model.run("79d5c1f0").unwrap();
        let mut texts = SearchTexts::default();
        let mut check = |typed: &str, expected: bool| {
            assert_eq!(texts.matches(run, &Needle::new(typed)), expected, "{typed}");
        };
        for typed in ["", "har", "GLASS harb", "song-7", "1187", "d5c1", "render", "quota", "9 gb"]
        {
            check(typed, true);
        }
        check("glass quota 1187", true);
        check("glass violin", false);
        check("compose", false);
        check("harboursong", false);
    }

    #[test]
    fn text_of_a_run_is_made_again_after_it_changed() {
        let mut run_store = run_store(&[&frame(0, "run-1", None, "start", "{}")]);
        let mut texts = SearchTexts::default();
        let mut found = |run_store: &crate::app::state::run_store::RunStore, typed: &str| {
            texts.matches(run_store.model.run("run-1").unwrap(), &Needle::new(typed))
        };
        assert!(!found(&run_store, "lyrics"));
        receive(&mut run_store, &[&frame(1, "run-1", Some("LYRICS"), "start", "{}")]);
        assert!(found(&run_store, "lyrics"));
        receive(&mut run_store, &[&frame(2, "run-1", None, "info", r#"{"song_title":"Neon"}"#)]);
        receive(&mut run_store, &[&frame(3, "run-1", None, "fail", r#"{"error":"disk full"}"#)]);
        assert!(found(&run_store, "disk full"));
    }
}
