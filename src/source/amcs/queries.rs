//! State of REST requests: what was requested, and when it is due again. Performs no I/O; the caller
//! passes the time.
//!
//! At most one request per key is in flight. An answer is due again at a certain age, or earlier after
//! an event made it stale; a failed request is repeated after a growing pause. Only keys that the
//! caller asks about become due.

use std::collections::HashMap;
use std::time::Duration;

use smol_str::SmolStr;
use tokio::time::Instant;

use crate::protocol::RunId;

/// Longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum QueryKey {
    /// The list of active runs.
    List,
    /// A page of the list of all runs.
    Page,
    /// The list of a song's runs.
    SongRuns(SmolStr),
    Run(RunId),
    Song(SmolStr),
}

/// Ages at which an answer is requested again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Freshness {
    /// Age at which an answer is outdated; `None` for never.
    pub lasts: Option<Duration>,
    /// Age at which an answer that an event made stale is outdated.
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
struct QueryState {
    answered_at: Option<Instant>,
    in_flight: bool,
    /// Time of the first unmet demand for an immediate request.
    wanted_at: Option<Instant>,
    refetch: Refetch,
    failures: u32,
    not_before: Option<Instant>,
}

#[derive(Default)]
pub(super) struct Queries {
    entries: HashMap<QueryKey, QueryState>,
    /// Titles of songs that were answered; `None` for songs without a title.
    titles: HashMap<SmolStr, Option<SmolStr>>,
}

impl Queries {
    /// The time at which `key`, wanted since `since`, is to be requested; `None` while a request is in
    /// flight or the answer never expires. May be in the past, so that the longest overdue key can be
    /// requested first.
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

    /// Returns `at`, or the end of a pause where that is later; `None` while a request is in flight.
    pub fn due_unless_paused(&self, key: &QueryKey, at: Instant) -> Option<Instant> {
        let Some(entry) = self.entries.get(key) else { return Some(at) };
        let pause = entry.not_before.map_or(at, |pause| at.max(pause));
        (!entry.in_flight).then_some(pause)
    }

    /// Time by which `key` is preferred over others due at the same time.
    pub fn head_start(&self, key: &QueryKey) -> Duration {
        // A key without an entry was never requested, so its information is entirely new.
        let is_wanted_now = self.entries.get(key).is_none_or(|entry| entry.refetch == Refetch::Now);
        match key {
            QueryKey::Run(_) if is_wanted_now => Duration::from_secs(2),
            QueryKey::Song(_) => Duration::from_millis(300),
            _ => Duration::ZERO,
        }
    }

    /// The time of the last answer to `key`.
    pub fn answered_at(&self, key: &QueryKey) -> Option<Instant> {
        self.entries.get(key)?.answered_at
    }

    pub fn begin(&mut self, key: &QueryKey) {
        let entry = self.entries.entry(key.clone()).or_default();
        entry.in_flight = true;
        entry.wanted_at = None;
        entry.refetch = Refetch::None;
    }

    /// Records the end of a request: an answer, or a failure that is repeated after a pause.
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

    /// Delays requests for `key` until `at`, even when they are demanded.
    pub fn pause_until(&mut self, key: &QueryKey, at: Instant) {
        self.entries.entry(key.clone()).or_default().not_before = Some(at);
    }

    /// Marks the last answer as stale.
    pub fn invalidate(&mut self, key: &QueryKey) {
        if let Some(entry) = self.entries.get_mut(key)
            && entry.refetch == Refetch::None
        {
            entry.refetch = Refetch::Stale;
        }
    }

    /// Demands a request now, whatever the age of the last answer.
    pub fn demand(&mut self, key: &QueryKey, now: Instant) {
        let entry = self.entries.entry(key.clone()).or_default();
        entry.refetch = Refetch::Now;
        entry.wanted_at.get_or_insert(now);
    }

    /// Ends all pauses, because the server is back.
    pub fn end_pauses(&mut self) {
        self.entries.values_mut().for_each(|entry| entry.not_before = None);
    }

    pub fn forget(&mut self, key: &QueryKey) {
        self.entries.remove(key);
    }

    pub fn title(&self, song: &str) -> Option<&SmolStr> {
        self.titles.get(song)?.as_ref()
    }

    /// True when the key was answered and neither became stale nor was demanded since.
    pub fn is_settled(&self, key: &QueryKey) -> bool {
        self.entries.get(key).is_some_and(|entry| {
            entry.answered_at.is_some() && !entry.in_flight && entry.refetch == Refetch::None
        })
    }

    /// Stores a title. Returns false when it is unchanged.
    pub fn keep_title(&mut self, song: &SmolStr, title: Option<SmolStr>) -> bool {
        let before = self.titles.insert(song.clone(), title.clone());
        before.flatten() != title
    }

    /// Keeps the titles and requests of songs for which `is_wanted` returns true, and drops the others.
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
    fn key_is_due_again_only_after_its_answer_ages() {
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
    fn demand_during_a_request_makes_the_key_due_after_the_answer() {
        let (mut queries, now) = (Queries::default(), Instant::now());
        queries.begin(&QueryKey::List);
        queries.demand(&QueryKey::List, now);
        queries.answered(&QueryKey::List, true, now);
        assert_eq!(queries.due(&QueryKey::List, FRESHNESS, now), Some(now));
    }

    #[test]
    fn pause_grows_with_each_failure_up_to_30_s() {
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
    fn titles_are_dropped_once_their_song_is_unwanted() {
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
