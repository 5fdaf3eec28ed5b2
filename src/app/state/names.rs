//! Display names of runs, in which runs that look alike are told apart by what differs.
//!
//! A run is named by its song's title, else by its song's id, else by its own id, and ids are shortened
//! to their ends. Where that gives the same text twice, ids show the part in which they differ
//! (`…build-linux…`), and runs of the same title show their start in front of it (`21:04 · Neon Rain`).
//! The start stands in front because a name that is too long is cut at its end. The latest of these runs
//! keeps its plain title if it started long after the others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use foldhash::fast::FixedState;
use jiff::{SignedDuration, civil::DateTime, tz::TimeZone};
use smol_str::SmolStr;

use crate::app::words::{DisplayName, ID_END, display_name, short_id};
use crate::model::{Model, Run};
use crate::protocol::RunId;
use crate::text;

/// Time between the starts of two runs of the same title after which the later one keeps the plain title.
const LONG_BEFORE: SignedDuration = SignedDuration::from_hours(1);
/// Greatest number of characters by which a shown part of an id is extended to the beginning of its
/// word, and to its end.
const WORD_BEFORE: usize = 6;
const WORD_AFTER: usize = 8;
/// Characters shown of a longer word.
const WORD_PART: usize = 4;
/// Parts of an id that are not longer than this are shown rather than elided.
const NOT_ELIDED: usize = 2;
/// Characters in which titles must begin alike for one to count as a variant of the other.
const ALIKE_CHARS: usize = 5;

/// Index of all runs' names. Each update costs as much as the runs that changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    runs: HashMap<RunId, Named, FixedState>,
    /// Runs by the text that they are named by.
    titles: HashMap<SmolStr, Group, FixedState>,
    /// The same texts in their order, in which those that begin alike are neighbours.
    sorted: BTreeSet<SmolStr>,
    /// Ids of runs, and ids of the songs that name runs.
    ids: AlikeIds,
    songs: AlikeIds,
}

/// Entry of a run: what it is counted by.
#[derive(Clone, Debug, PartialEq)]
struct Named {
    title: SmolStr,
    /// True when the title is the song's id.
    by_song_id: bool,
    /// Start in local time, in whole seconds.
    start: DateTime,
}

impl Named {
    fn of(run: &Run, zone: &TimeZone) -> Self {
        let name = display_name(run);
        let title = match name {
            // Blanks do not make a difference that can be seen.
            DisplayName::Title(title) => SmolStr::new(text::single_spaced(title, usize::MAX)),
            DisplayName::SongId(id) | DisplayName::RunId(id) => SmolStr::new(id),
        };
        // Start and elapsed time add up to now.
        let start = run.begun_at().to_zoned(zone.clone()).datetime();
        Self {
            title,
            by_song_id: matches!(name, DisplayName::SongId(_)),
            start: start.with().subsec_nanosecond(0).build().unwrap_or(start),
        }
    }
}

/// Runs with the same title: their number by second of their start.
#[derive(Clone, Debug, Default)]
struct Group {
    runs: usize,
    starts: BTreeMap<DateTime, usize>,
}

impl Names {
    /// Brings the names in step with the model. `touched` are the runs that changed or were evicted;
    /// an id may occur more than once. Counts all runs anew if these do not account for all runs.
    pub(super) fn update(&mut self, model: &Model, touched: &[RunId], zone: &TimeZone) {
        for id in touched {
            self.update_run(model, id, zone);
        }
        if self.runs.len() != model.len() {
            *self = Self::default();
            for run in model.runs() {
                self.update_run(model, run.id(), zone);
            }
        }
    }

    fn update_run(&mut self, model: &Model, id: &RunId, zone: &TimeZone) {
        let named = model.run(id).map(|run| Named::of(run, zone));
        let before = self.runs.get(id);
        if before == named.as_ref() {
            return;
        }
        match (before.is_some(), named.is_some()) {
            (false, true) => self.ids.add(id),
            (true, false) => self.ids.remove(id),
            _ => {}
        }
        if let Some(before) = self.runs.remove(id) {
            if before.by_song_id {
                self.songs.remove(&before.title);
            }
            if let Some(group) = self.titles.get_mut(&before.title) {
                group.runs -= 1;
                take_one(&mut group.starts, &before.start);
                if group.runs == 0 {
                    self.titles.remove(&before.title);
                    self.sorted.remove(&before.title);
                }
            }
        }
        if let Some(named) = named {
            if named.by_song_id {
                self.songs.add(&named.title);
            }
            let group = self.titles.entry(named.title.clone()).or_default();
            if group.runs == 0 {
                self.sorted.insert(named.title.clone());
            }
            group.runs += 1;
            *group.starts.entry(named.start).or_default() += 1;
            self.runs.insert(id.clone(), named);
        }
    }

    /// Name of a run, unlike the names of all others. `labelled` puts "Song" or "Run" before an id.
    pub(super) fn name(&self, run: &Run, labelled: bool) -> String {
        let label = |word: &str, id: String| if labelled { format!("{word} {id}") } else { id };
        let name = match display_name(run) {
            DisplayName::Title(title) => title.to_owned(),
            DisplayName::SongId(song_id) => {
                label("Song", self.songs.short(song_id, self.with_ends()))
            }
            DisplayName::RunId(id) => return label("Run", self.ids.short(id, self.with_ends())),
        };
        match self.mark(run) {
            Some(mark) => format!("{mark} · {name}"),
            None => name,
        }
    }

    /// Part of a title from the word on in which it differs from another one that begins alike, "(Take
    /// Two)" of "Glass Harbour (Take Two)"; `None` for a title that begins like no other.
    pub(super) fn variant(&self, run: &Run) -> Option<String> {
        let title = &self.runs.get(run.id())?.title;
        let before = self.sorted.range::<str, _>((Bound::Unbounded, Bound::Excluded(&**title)));
        let after = self.sorted.range::<str, _>((Bound::Excluded(&**title), Bound::Unbounded));
        let neighbours = before.rev().take(1).chain(after.take(1));
        let equal = neighbours.map(|other| equal_bytes(title, other)).max()?;
        let blank = title[..equal].char_indices().rfind(|(_, c)| c.is_whitespace());
        let word = blank.map_or(0, |(at, blank)| at + blank.len_utf8());
        // All that follows the end of the other title is different.
        let is_end = title[equal..].chars().next().is_none_or(char::is_whitespace);
        let word = if is_end { equal } else { bracket_before(title, word) };
        let variant = title.get(word..)?.trim();
        let is_long = title[..word].chars().count() >= ALIKE_CHARS;
        (is_long && !variant.is_empty()).then(|| variant.to_owned())
    }

    /// Shortened id of a run, which need not be in the index.
    pub(super) fn short_id(&self, id: &str) -> String {
        self.ids.short(id, self.with_ends())
    }

    /// True when the parts in which ids differ are not enough, because they may be the same for ids with
    /// other ends.
    fn with_ends(&self) -> bool {
        self.ids.shared + self.songs.shared > 1
    }

    /// Start of a run, or its id, if other runs have the same title; `None` for the latest of them if all
    /// others started [`LONG_BEFORE`].
    fn mark(&self, run: &Run) -> Option<String> {
        let named = self.runs.get(run.id())?;
        let group = self.titles.get(&named.title).filter(|group| group.runs > 1)?;
        let start = named.start;
        let mut latest = group.starts.iter().rev();
        let is_latest = latest.next() == Some((&start, &1));
        let is_long_after =
            |(before, _): (&DateTime, &usize)| start.duration_since(*before) > LONG_BEFORE;
        if is_latest && latest.next().is_none_or(is_long_after) {
            return None;
        }
        let minute = |second: i8| start.with().second(second).build().unwrap_or(start);
        // Both iterators are left after two steps, however many runs share the minute.
        let in_minute: usize =
            group.starts.range(minute(0)..=minute(59)).take(2).map(|(_, count)| count).sum();
        let days = |at: Option<(&DateTime, &usize)>| at.map(|(at, _)| at.date());
        let same_day = days(group.starts.first_key_value()) == days(group.starts.last_key_value());
        let format = match (in_minute, group.starts.get(&start), same_day) {
            (..=1, _, true) => "%H:%M",
            (..=1, _, false) => "%H:%M, %-d %b",
            (_, Some(1), true) => "%H:%M:%S",
            (_, Some(1), false) => "%H:%M:%S, %-d %b",
            _ => return Some(self.ids.short(run.id(), self.with_ends())),
        };
        Some(start.strftime(format).to_string())
    }
}

/// Ids that are shortened to the same text, by that text. Ids that stay whole are not in it.
#[derive(Clone, Debug, Default)]
struct AlikeIds {
    by_short: HashMap<String, BTreeMap<SmolStr, usize>, FixedState>,
    /// Number of texts that more than one id is shortened to.
    shared: usize,
}

impl AlikeIds {
    fn add(&mut self, id: &str) {
        let id = text::name(id);
        let short = short_id(&id);
        if short != id {
            let alike = self.by_short.entry(short).or_default();
            let before = alike.len();
            *alike.entry(SmolStr::new(id)).or_default() += 1;
            self.shared += usize::from((before, alike.len()) == (1, 2));
        }
    }

    fn remove(&mut self, id: &str) {
        let id = text::name(id);
        let short = short_id(&id);
        if let Some(alike) = self.by_short.get_mut(&short) {
            let before = alike.len();
            take_one(alike, &*id);
            self.shared -= usize::from((before, alike.len()) == (2, 1));
            if alike.is_empty() {
                self.by_short.remove(&short);
            }
        }
    }

    /// Shortens an id to its ends, or to the parts in which it differs from ids with the same ends.
    /// `with_ends` keeps the ends beside these parts.
    fn short(&self, id: &str, with_ends: bool) -> String {
        let id = text::name(id);
        let short = short_id(&id);
        match self.by_short.get(&short) {
            Some(alike) if alike.len() > usize::from(alike.contains_key(&*id)) => {
                differing_parts(alike, &id, with_ends)
            }
            _ => short,
        }
    }
}

/// Subtracts 1 from a count, and removes a count of 0.
fn take_one<K: Ord + std::borrow::Borrow<Q>, Q: Ord + ?Sized>(
    counts: &mut BTreeMap<K, usize>,
    key: &Q,
) {
    match counts.get_mut(key) {
        Some(count) if *count > 1 => *count -= 1,
        _ => drop(counts.remove(key)),
    }
}

/// Parts of `id` in which it differs from the others: at each place where an id with the same text
/// before it goes on otherwise, the word there. Two ids with the same parts would be equal up to the
/// place where they differ, and there is a part at that place. Costs a few searches of the tree for
/// each such place.
fn differing_parts(alike: &BTreeMap<SmolStr, usize>, id: &str, with_ends: bool) -> String {
    let head = id.char_indices().nth(ID_END).map_or(id.len(), |(at, _)| at);
    let tail = id.char_indices().nth_back(ID_END - 1).map_or(0, |(at, _)| at);
    let mut parts: Vec<(usize, usize)> = if with_ends { vec![(0, head)] } else { Vec::new() };
    let mut equal = 0;
    while let Some(place) = next_difference(alike, id, equal) {
        join(&mut parts, id, word_at(id, place));
        let Some(differing) = id[place..].chars().next() else { break };
        equal = place + differing.len_utf8();
    }
    if with_ends {
        join(&mut parts, id, (tail, id.len()));
    }
    let mut words = String::with_capacity(id.len());
    let mut end = 0;
    for (from, to) in parts {
        let elided = chars(id, end, from) > NOT_ELIDED;
        words.push_str(if elided { "…" } else { &id[end..from] });
        words.push_str(&id[from..to]);
        end = to;
    }
    let elided = chars(id, end, id.len()) > NOT_ELIDED;
    words.push_str(if elided { "…" } else { &id[end..] });
    words
}

/// Adds a part of an id behind others; what is between them is elided unless it is short.
fn join(parts: &mut Vec<(usize, usize)>, id: &str, (from, to): (usize, usize)) {
    match parts.last_mut() {
        Some((_, end)) if chars(id, *end, from) <= NOT_ELIDED => *end = to.max(*end),
        _ => parts.push((from, to)),
    }
}

/// First place from `equal` on at which an id that is equal up to `equal` differs from `id`.
fn next_difference(alike: &BTreeMap<SmolStr, usize>, id: &str, equal: usize) -> Option<usize> {
    let prefix = &id[..equal];
    // No id contains this noncharacter.
    let behind = format!("{prefix}\u{10ffff}");
    let mut range = alike.range::<str, _>((Bound::Included(prefix), Bound::Excluded(&*behind)));
    let first = range.next()?.0;
    let last = range.next_back().map_or(first, |(last, _)| last);
    let place =
        [first, last].into_iter().filter(|other| **other != id).map(|other| equal_bytes(id, other));
    place.min()
}

/// Bounds of the word at a place of an id, or of a part of the word if it is long.
fn word_at(id: &str, place: usize) -> (usize, usize) {
    let in_word = |c: &char| c.is_alphanumeric();
    let word = |text: &mut dyn Iterator<Item = char>, most: usize| {
        let text: Vec<char> = text.take(most + 1).take_while(in_word).collect();
        (text.len() <= most).then(|| text.into_iter().map(char::len_utf8).sum::<usize>())
    };
    let before = word(&mut id[..place].chars().rev(), WORD_BEFORE).unwrap_or(0);
    let mut after = id[place..].chars();
    let Some(first) = after.next() else { return (place - before, place) };
    let first_end = place + first.len_utf8();
    let rest = || id[first_end..].chars();
    let length = match word(&mut rest(), WORD_AFTER - 1) {
        _ if !first.is_alphanumeric() => 0,
        Some(length) => length,
        None => rest().take(WORD_PART - 1).map(char::len_utf8).sum(),
    };
    (place - before, first_end + length)
}

/// Place of a bracket that is open at a place of a text, else that place.
fn bracket_before(title: &str, place: usize) -> usize {
    let opened = title[..place].rfind(['(', '[']);
    opened.filter(|at| !title[*at..place].contains([')', ']'])).unwrap_or(place)
}

/// Number of bytes at the beginning in which two texts are equal, in whole characters.
fn equal_bytes(a: &str, b: &str) -> usize {
    let equal = a.char_indices().zip(b.chars()).take_while(|((_, a), b)| a == b);
    equal.last().map_or(0, |((at, c), _)| at + c.len_utf8())
}

/// Number of characters from one place to another; 0 if there are none.
fn chars(id: &str, from: usize, to: usize) -> usize {
    id.get(from..to).map_or(0, |part| part.chars().count())
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
