//! What was asked of REST, and when it is to be asked again. Pure: no I/O, and time comes in.
//!
//! A key is asked for once at a time. What was asked ages; an event makes it stale before its time,
//! and what failed is asked again later and later. Nothing is asked that nobody wants.

use std::collections::HashMap;
use std::time::Duration;

use smol_str::SmolStr;
use tokio::time::Instant;

use crate::protocol::RunId;

/// The longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum QueryKey {
    /// The runs that are active.
    List,
    /// A page of the list of all runs.
    Page,
    /// All runs of a song.
    SongRuns(SmolStr),
    Run(RunId),
    Song(SmolStr),
}

/// How soon whoever looks wants an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Freshness {
    /// An answer older than this is asked for again; `None` lasts.
    pub lasts: Option<Duration>,
    /// What events made stale waits until the last answer is this old.
    pub stale_lasts: Duration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Refetch {
    #[default]
    None,
    Stale,
    Now,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    answered_at: Option<Instant>,
    in_flight: bool,
    /// Since when it is wanted without delay.
    wanted_at: Option<Instant>,
    refetch: Refetch,
    failures: u32,
    not_before: Option<Instant>,
}

#[derive(Default)]
pub(super) struct Queries {
    entries: HashMap<QueryKey, Entry>,
    /// Titles of songs that were asked for; `None` has none.
    titles: HashMap<SmolStr, Option<SmolStr>>,
}

impl Queries {
    /// When `key`, wanted since `since`, is to be asked for; `None` while it is, or where what is known
    /// lasts. A moment in the past is now: what is overdue for longest is asked for first.
    pub fn due(&self, key: &QueryKey, freshness: Freshness, since: Instant) -> Option<Instant> {
        let Some(entry) = self.entries.get(key) else { return Some(since) };
        if entry.in_flight {
            return None;
        }
        let due = match (entry.answered_at, entry.refetch) {
            (None, _) | (_, Refetch::Now) => entry.wanted_at.unwrap_or(since),
            (Some(at), Refetch::Stale) => {
                let lasts = freshness.lasts.unwrap_or(freshness.stale_lasts);
                at + freshness.stale_lasts.min(lasts)
            }
            (Some(at), Refetch::None) => at + freshness.lasts?,
        };
        Some(entry.not_before.map_or(due, |pause| due.max(pause)))
    }

    /// `at`, or later where `key` has to wait; `None` while it is asked.
    pub fn due_unless_paused(&self, key: &QueryKey, at: Instant) -> Option<Instant> {
        let Some(entry) = self.entries.get(key) else { return Some(at) };
        let pause = entry.not_before.map_or(at, |pause| at.max(pause));
        (!entry.in_flight).then_some(pause)
    }

    /// How much `key` is preferred to what is due at the same time.
    pub fn head_start(&self, key: &QueryKey) -> Duration {
        // What was never asked for is new to whoever looks.
        let is_wanted_now = self.entries.get(key).is_none_or(|entry| entry.refetch == Refetch::Now);
        match key {
            QueryKey::List => Duration::from_millis(1_500),
            QueryKey::Run(_) if is_wanted_now => Duration::from_secs(2),
            QueryKey::Song(_) => Duration::from_millis(300),
            QueryKey::Page | QueryKey::SongRuns(_) | QueryKey::Run(_) => Duration::ZERO,
        }
    }

    /// When the last answer to `key` came.
    pub fn answered_at(&self, key: &QueryKey) -> Option<Instant> {
        self.entries.get(key)?.answered_at
    }

    pub fn begin(&mut self, key: &QueryKey) {
        let entry = self.entries.entry(key.clone()).or_default();
        entry.in_flight = true;
        entry.wanted_at = None;
        entry.refetch = Refetch::None;
    }

    /// The answer came, or it failed and is asked for again after a pause.
    pub fn answered(&mut self, key: &QueryKey, succeeded: bool, now: Instant) {
        let entry = self.entries.entry(key.clone()).or_default();
        entry.in_flight = false;
        if succeeded {
            entry.answered_at = Some(now);
            entry.failures = 0;
            entry.not_before = None;
        } else {
            let pause = Duration::from_secs(1 << entry.failures.min(5)).min(LONGEST_PAUSE);
            entry.failures += 1;
            entry.not_before = Some(now + pause);
            if entry.refetch == Refetch::None {
                entry.refetch = Refetch::Now;
                entry.wanted_at.get_or_insert(now);
            }
        }
    }

    /// Not before `at`, whatever wants it.
    pub fn pause_until(&mut self, key: &QueryKey, at: Instant) {
        self.entries.entry(key.clone()).or_default().not_before = Some(at);
    }

    /// Something happened that the last answer does not know.
    pub fn invalidate(&mut self, key: &QueryKey) {
        if let Some(entry) = self.entries.get_mut(key)
            && entry.refetch == Refetch::None
        {
            entry.refetch = Refetch::Stale;
        }
    }

    /// It is wanted now, whatever is known.
    pub fn demand(&mut self, key: &QueryKey, now: Instant) {
        let entry = self.entries.entry(key.clone()).or_default();
        entry.refetch = Refetch::Now;
        entry.wanted_at.get_or_insert(now);
    }

    /// All pauses end: the server is back.
    pub fn end_pauses(&mut self) {
        self.entries.values_mut().for_each(|entry| entry.not_before = None);
    }

    pub fn forget(&mut self, key: &QueryKey) {
        self.entries.remove(key);
    }

    pub fn title(&self, song: &str) -> Option<&SmolStr> {
        self.titles.get(song)?.as_ref()
    }

    /// Whether it was answered and nothing has happened since.
    pub fn is_settled(&self, key: &QueryKey) -> bool {
        self.entries.get(key).is_some_and(|entry| {
            entry.answered_at.is_some() && !entry.in_flight && entry.refetch == Refetch::None
        })
    }

    /// Keeps a title; `false` where it is known.
    pub fn keep_title(&mut self, song: &SmolStr, title: Option<SmolStr>) -> bool {
        let before = self.titles.insert(song.clone(), title.clone());
        before.flatten() != title
    }

    /// Keeps the titles of the songs that `is_wanted` names, and forgets the others.
    pub fn keep_songs(&mut self, is_wanted: impl Fn(&str) -> bool) {
        self.titles.retain(|song, _| is_wanted(song));
        self.entries.retain(|key, entry| match key {
            QueryKey::Song(song) => entry.in_flight || is_wanted(song),
            _ => true,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESHNESS: Freshness =
        Freshness { lasts: Some(Duration::from_secs(60)), stale_lasts: Duration::from_secs(5) };

    fn after(now: Instant, secs: u64) -> Option<Instant> {
        Some(now + Duration::from_secs(secs))
    }

    #[test]
    fn a_key_is_asked_once_at_a_time_and_again_when_it_is_old() {
        let (mut queries, now) = (Queries::default(), Instant::now());
        let key = QueryKey::Run("a".into());
        assert_eq!(queries.due(&key, FRESHNESS, now), Some(now));
        queries.begin(&key);
        assert_eq!(queries.due(&key, FRESHNESS, now), None);
        queries.answered(&key, true, now);
        assert_eq!(queries.due(&key, FRESHNESS, now), after(now, 60));
        queries.invalidate(&key);
        assert_eq!(queries.due(&key, FRESHNESS, now), after(now, 5));
        queries.demand(&key, now);
        queries.invalidate(&key);
        assert_eq!(queries.due(&key, FRESHNESS, now), Some(now));
        let lasting = Freshness { lasts: None, ..FRESHNESS };
        queries.begin(&key);
        queries.answered(&key, true, now);
        assert_eq!(queries.due(&key, lasting, now), None);
    }

    #[test]
    fn what_is_wanted_while_it_is_asked_is_asked_again() {
        let (mut queries, now) = (Queries::default(), Instant::now());
        queries.begin(&QueryKey::List);
        queries.demand(&QueryKey::List, now);
        queries.answered(&QueryKey::List, true, now);
        assert_eq!(queries.due(&QueryKey::List, FRESHNESS, now), Some(now));
    }

    #[test]
    fn what_fails_waits_longer_and_longer() {
        let (mut queries, now) = (Queries::default(), Instant::now());
        for pause in [1, 2, 4, 8, 16, 30, 30] {
            queries.begin(&QueryKey::List);
            queries.answered(&QueryKey::List, false, now);
            assert_eq!(queries.due(&QueryKey::List, FRESHNESS, now), after(now, pause));
        }
        queries.end_pauses();
        assert_eq!(queries.due(&QueryKey::List, FRESHNESS, now), Some(now));
    }

    #[test]
    fn titles_last_as_long_as_somebody_wants_them() {
        let mut queries = Queries::default();
        let song = SmolStr::new("s");
        assert!(queries.keep_title(&song, Some("Neon Rain".into())));
        assert!(!queries.keep_title(&song, Some("Neon Rain".into())));
        assert!(queries.keep_title(&song, Some("Neon Sun".into())));
        assert_eq!(queries.title("s").map(SmolStr::as_str), Some("Neon Sun"));
        let key = QueryKey::Song(song);
        queries.begin(&key);
        queries.answered(&key, true, Instant::now());
        assert!(queries.is_settled(&key));
        queries.invalidate(&key);
        assert!(!queries.is_settled(&key));
        queries.keep_songs(|_| false);
        assert_eq!(queries.title("s"), None);
    }
}
