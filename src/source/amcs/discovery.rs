//! Finds runs that the list of active runs never contained: runs that began and ended between two
//! requests, and runs that ended while no viewer was connected (protocol, section 6.6). Performs no
//! I/O; the caller passes the time.
//!
//! `GET /workflow-runs` lists all runs in no useful order, and answers 500 for a page that contains a
//! pending run. So the list is read page by page, in a *walk*: a refused page is requested again at
//! half its size, and a single refused row is skipped where the server's cursors are numbers. A walk is
//! only worth its requests when the number of runs has grown, so between walks only that number is
//! requested.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use smol_str::SmolStr;
use tokio::time::Instant;

use crate::protocol::RunId;
use crate::protocol::rest::{ListedRun, ReportedStatus, RunList};

/// Largest number of rows of a page.
const LARGEST_PAGE: u32 = 100;
/// Largest number of rows of a page that counts as small.
const SMALL_PAGE: u32 = 4;
/// Interval of requests for the number of runs.
const COUNT_INTERVAL: Duration = Duration::from_secs(2);
/// Pause after a walk that could not read every row, or did not learn the number of runs.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);
/// Duration of such a walk above which the pause is as long as the walk.
const LONG_WALK: Duration = Duration::from_secs(10);
/// Pause between two walks of a list whose length stays the same, because a run may be executed again:
/// at least `RECHECK_INTERVAL`, and at least `RECHECK_FACTOR` times the duration of the walk; as long as
/// the walk where rows could not be read.
const RECHECK_INTERVAL: Duration = Duration::from_secs(8);
const RECHECK_FACTOR: u32 = 20;
/// Largest number of requests of one walk.
const MOST_QUESTIONS: u32 = 1_000;
/// Number of successive walks without a readable row after which each further one doubles the pause.
const PATIENT_WALKS: u32 = 2;
/// Number of requests without a readable row after which a walk requests a page beyond the end of the
/// list. If the server refuses that, too, the walk ends, instead of requesting every row.
const MOST_REFUSALS: u32 = 9;
/// Cursor of a position beyond the end of any list.
const BEYOND: &str = "1000000000";
/// Largest number of run ids that are remembered as seen.
const MOST_KNOWN: usize = 50_000;

/// Request for a page of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PageQuestion {
    pub cursor: Option<SmolStr>,
    pub limit: u32,
    purpose: Purpose,
}

impl PageQuestion {
    /// True when the page has so few rows that it costs the server little.
    pub fn is_small(&self) -> bool {
        self.limit <= SMALL_PAGE
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Walk,
    /// Page beyond the end of the list. An answer shows that the list is readable in principle.
    Beyond,
    /// Request for the number of runs.
    Count,
}

/// Outcome of a request for a page.
#[derive(Clone, Debug)]
pub(super) enum PageAnswer {
    Rows(RunList),
    /// The server answered with an error that is not a 3xx or 4xx status, as it does for a page that
    /// contains a pending run, or with a list that cannot be read.
    Refused,
    /// The server answered with a 3xx or 4xx status: the list is not accessible or does not exist.
    Denied,
    /// No answer came.
    Lost,
}

#[derive(Debug)]
struct Walk {
    cursor: Option<SmolStr>,
    limit: u32,
    began: Instant,
    questions: u32,
    /// True when rows could not be read.
    incomplete: bool,
    total: Option<u64>,
    /// Number of rows with runs that were not known before.
    added: u64,
    rows: u32,
    /// Positions of refused rows.
    refused: BTreeSet<u64>,
    beyond: Beyond,
}

/// Readability of a page beyond the end of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Beyond {
    #[default]
    NotAsked,
    Asked,
    Readable,
}

/// Result of processing a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FoundRuns {
    /// Runs that are new, or have changed since they were last seen.
    pub new_runs: Vec<ListedRun>,
    /// Result of the walk that ended with this page; `None` when no walk ended.
    pub end: Option<WalkEnd>,
}

/// Result of a finished walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WalkEnd {
    /// True when no row of the list is unread.
    pub is_complete: bool,
    /// True when no page could be read, and at least one was refused or denied.
    pub is_refused: bool,
}

/// Chooses the page to request next.
#[derive(Debug)]
pub(super) struct Discovery {
    walk: Option<Walk>,
    next_at: Instant,
    /// Number of runs at the end of the last walk.
    total: Option<u64>,
    /// True when rows of the list are unread after the last walk.
    was_incomplete: bool,
    /// Small page that was readable. Requesting it again tells the number of runs.
    readable: Option<PageQuestion>,
    /// True when a walk is wanted even if the number of runs is unchanged.
    is_demanded: bool,
    /// Number of successive walks that could read nothing.
    refused_in_a_row: u32,
    /// The time at which the list is walked again even if its length is unchanged.
    recheck_at: Option<Instant>,
    /// Positions of rows that were refused in the last walk. The next walk requests each of them alone,
    /// and the rows between them together.
    refused: BTreeSet<u64>,
    known: HashMap<RunId, (Option<ReportedStatus>, Option<Timestamp>)>,
}

impl Discovery {
    pub fn new(now: Instant) -> Self {
        Self {
            walk: None,
            next_at: now,
            total: None,
            was_incomplete: false,
            readable: None,
            is_demanded: true,
            refused_in_a_row: 0,
            recheck_at: None,
            refused: BTreeSet::new(),
            known: HashMap::new(),
        }
    }

    /// Demands a walk of the whole list as soon as possible after `at`, because the backend was unreachable, or
    /// because no other list contains its runs. Does not shorten the pause after [`PATIENT_WALKS`]
    /// unreadable walks.
    pub fn demand(&mut self, at: Instant) {
        self.is_demanded = true;
        if self.walk.is_none() && self.refused_in_a_row < PATIENT_WALKS {
            self.next_at = self.next_at.min(at);
        }
    }

    /// True when no page is due for a while, after walks that could read nothing.
    pub fn is_pausing(&self, now: Instant) -> bool {
        self.walk.is_none() && self.refused_in_a_row > 0 && self.next_at > now + RETRY_INTERVAL / 2
    }

    /// Returns the next page and the time at which it is due; a time in the past means now.
    pub fn next(&self, now: Instant) -> (Instant, PageQuestion) {
        // A due time may be in the past: an overdue page gets more urgent until it is requested.
        let at = self.next_at;
        if let Some(walk) = &self.walk {
            if walk.beyond == Beyond::Asked {
                let cursor = Some(BEYOND.into());
                return (at, PageQuestion { cursor, limit: 1, purpose: Purpose::Beyond });
            }
            let cursor = walk.cursor.clone();
            let limit = self.likely_readable(position(cursor.as_deref()), walk.limit);
            return (at, PageQuestion { cursor, limit, purpose: Purpose::Walk });
        }
        let is_due = self.recheck_at.is_some_and(|at| at <= now);
        match &self.readable {
            Some(page) if !self.is_demanded && !is_due => (at, page.clone()),
            _ => {
                let limit = self.likely_readable(Some(0), LARGEST_PAGE);
                (at, PageQuestion { cursor: None, limit, purpose: Purpose::Walk })
            }
        }
    }

    /// Returns the number of rows from `position` on, at most `limit`, that were readable in the last
    /// walk; 1 where the row at `position` was refused.
    fn likely_readable(&self, position: Option<u64>, limit: u32) -> u32 {
        let refused = position.and_then(|at| Some(self.refused.range(at..).next()? - at));
        let readable = refused.map_or(limit, |rows| u32::try_from(rows).unwrap_or(limit));
        crate::bounded::bounded(readable, 1, limit.max(1))
    }

    /// Processes the answer to a request for `page`.
    pub fn answered(
        &mut self,
        page: &PageQuestion,
        answer: &PageAnswer,
        now: Instant,
    ) -> FoundRuns {
        let (new_runs, added) = match answer {
            PageAnswer::Rows(list) => self.note(list),
            PageAnswer::Refused | PageAnswer::Denied | PageAnswer::Lost => (Vec::new(), 0),
        };
        match page.purpose {
            Purpose::Count => {
                self.counted(answer, now);
                FoundRuns { new_runs, end: None }
            }
            Purpose::Walk | Purpose::Beyond => {
                let end = self.walked(page, answer, added, now);
                FoundRuns { new_runs, end }
            }
        }
    }

    /// Remembers the runs of a list. Returns the runs that are new or have changed, and the number of
    /// new ones.
    pub fn note(&mut self, list: &RunList) -> (Vec<ListedRun>, u64) {
        if self.known.len() + list.runs.len() > MOST_KNOWN {
            self.known.clear();
        }
        let mut added = 0;
        let is_new = |run: &&ListedRun| {
            let state = (run.status, run.updated_at);
            let before = self.known.insert(run.run_id.clone(), state);
            added += u64::from(before.is_none());
            before != Some(state)
        };
        let new_runs = list.runs.iter().filter(is_new).cloned().collect();
        (new_runs, added)
    }

    fn counted(&mut self, answer: &PageAnswer, now: Instant) {
        match answer {
            PageAnswer::Rows(list) if list.total.is_some() && list.total == self.total => {
                self.next_at = now + COUNT_INTERVAL;
            }
            // The number changed or is missing, or the page now contains a pending run: walk the list.
            PageAnswer::Rows(_) | PageAnswer::Refused | PageAnswer::Denied => {
                self.readable = None;
                self.next_at = now;
            }
            PageAnswer::Lost => self.next_at = now + COUNT_INTERVAL,
        }
    }

    fn walked(
        &mut self,
        page: &PageQuestion,
        answer: &PageAnswer,
        new_runs: u64,
        now: Instant,
    ) -> Option<WalkEnd> {
        if matches!(answer, PageAnswer::Lost) {
            // Rows that were read may have changed once the backend answers again: start over.
            self.walk = None;
            self.is_demanded = true;
            self.next_at = now + COUNT_INTERVAL;
            return None;
        }
        if self.walk.is_none() {
            self.is_demanded = false;
        }
        let walk = self.walk.get_or_insert(Walk {
            cursor: None,
            limit: page.limit,
            began: now,
            questions: 0,
            incomplete: false,
            total: None,
            added: 0,
            rows: 0,
            refused: BTreeSet::new(),
            beyond: Beyond::default(),
        });
        self.next_at = now;
        walk.questions += 1;
        walk.added += new_runs;
        let goes_on = match answer {
            PageAnswer::Rows(list) if page.purpose == Purpose::Beyond => {
                walk.beyond = Beyond::Readable;
                walk.total = list.total.or(walk.total);
                if list.total.is_some() {
                    self.readable = Some(PageQuestion { purpose: Purpose::Count, ..page.clone() });
                }
                true
            }
            PageAnswer::Rows(list) => {
                walk.total = list.total.or(walk.total);
                walk.rows += u32::try_from(list.runs.len()).unwrap_or(u32::MAX);
                if list.total.is_some() && !list.runs.is_empty() {
                    let (cursor, limit) = (page.cursor.clone(), 1);
                    self.readable = Some(PageQuestion { cursor, limit, purpose: Purpose::Count });
                }
                walk.limit = (walk.limit * 2).min(LARGEST_PAGE);
                // A server that repeats its cursor, or sends empty pages, has told everything.
                let is_new = list.next_cursor.is_some() && list.next_cursor != page.cursor;
                walk.cursor.clone_from(&list.next_cursor);
                is_new && !list.runs.is_empty()
            }
            // An unanswered page was taken above.
            PageAnswer::Denied | PageAnswer::Lost => {
                walk.incomplete = true;
                false
            }
            PageAnswer::Refused if page.purpose == Purpose::Beyond => {
                walk.incomplete = true;
                false
            }
            PageAnswer::Refused
                if walk.rows == 0
                    && walk.questions >= MOST_REFUSALS
                    && walk.beyond == Beyond::NotAsked =>
            {
                walk.beyond = Beyond::Asked;
                true
            }
            PageAnswer::Refused if page.limit > 1 => {
                walk.limit = page.limit / 2;
                true
            }
            PageAnswer::Refused => {
                walk.incomplete = true;
                let refused = position(walk.cursor.as_deref());
                walk.refused.extend(refused);
                // Behind a row that the last walk was refused, that walk also tells which are readable.
                let was_known = refused.is_some_and(|at| self.refused.contains(&at));
                walk.limit = if was_known { LARGEST_PAGE } else { 1 };
                match refused.map(|at| at + 1) {
                    Some(next) if walk.total.is_none_or(|total| next < total) => {
                        walk.cursor = Some(next.to_string().into());
                        true
                    }
                    _ => false,
                }
            }
        };
        // A walk ends early once it has found as many new runs as were added since the last walk.
        let added = self.total.zip(walk.total).map(|(before, now)| now.saturating_sub(before));
        let found_all = added.is_some_and(|added| added > 0 && walk.added >= added);
        if goes_on && !found_all && walk.questions < MOST_QUESTIONS {
            return None;
        }
        let is_complete = !goes_on && !walk.incomplete;
        let is_refused = walk.rows == 0 && walk.beyond != Beyond::Readable && !is_complete;
        self.was_incomplete = match found_all {
            true => !is_complete && (self.was_incomplete || walk.incomplete),
            false => !is_complete,
        };
        self.total = walk.total;
        let took = now.saturating_duration_since(walk.began);
        let pause = match () {
            () if !self.was_incomplete && walk.total.is_some() => COUNT_INTERVAL,
            () if took > LONG_WALK => took,
            () => RETRY_INTERVAL,
        };
        self.refused_in_a_row = if is_refused { self.refused_in_a_row + 1 } else { 0 };
        let beyond = self.refused_in_a_row.saturating_sub(PATIENT_WALKS).min(5);
        let doubled = pause.saturating_mul(1 << beyond);
        self.next_at = now + doubled;
        // Unread rows may be pending runs, which end without a change of the number of runs.
        let recheck = match self.was_incomplete {
            true => RECHECK_INTERVAL.max(took),
            false => RECHECK_INTERVAL.max(took * RECHECK_FACTOR),
        };
        self.recheck_at = Some(now + recheck);
        let mut refused =
            self.walk.take().map(|walk| (walk.refused, walk.cursor)).unwrap_or_default();
        if goes_on {
            // Keep the refused positions of the previous walk that this walk did not reach.
            let reached = position(refused.1.as_deref()).unwrap_or(u64::MAX);
            refused.0.extend(self.refused.range(reached..));
        }
        self.refused = refused.0;
        Some(WalkEnd { is_complete: !self.was_incomplete, is_refused })
    }
}

/// Returns the position of the first row behind `cursor`, where cursors count rows.
fn position(cursor: Option<&str>) -> Option<u64> {
    match cursor {
        None => Some(0),
        Some(cursor) => cursor.parse().ok().filter(|at| *at < u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::rest::{ListedRun, ReportedStatus};

    /// A server with runs (id, and true for a pending run), whose cursors are row positions.
    struct Server(Vec<(String, bool)>);

    impl Server {
        fn of(runs: usize, pending: impl Fn(usize) -> bool) -> Self {
            Self((0..runs).map(|at| (format!("run-{at}"), pending(at))).collect())
        }

        fn answer(&self, page: &PageQuestion) -> PageAnswer {
            let begin: usize = page.cursor.as_deref().map_or(0, |it| it.parse().unwrap());
            let end = (begin + page.limit as usize).min(self.0.len());
            let rows = &self.0[begin.min(end)..end];
            if rows.iter().any(|(_, pending)| *pending) {
                return PageAnswer::Refused;
            }
            let runs = rows.iter().map(|(id, _)| ListedRun {
                run_id: id.as_str().into(),
                song_id: None,
                status: Some(ReportedStatus::Completed),
                current_node: None,
                started_at: None,
                updated_at: None,
            });
            PageAnswer::Rows(RunList {
                server_now: None,
                runs: runs.collect(),
                next_cursor: (end < self.0.len()).then(|| end.to_string().into()),
                total: Some(self.0.len() as u64),
            })
        }
    }

    /// Answers the requests of `discovery` until none is due. Returns the number of requests, the ids
    /// of new and changed runs, and the end of the last walk.
    fn walk(
        discovery: &mut Discovery,
        server: &Server,
        now: Instant,
    ) -> (usize, Vec<String>, Option<WalkEnd>) {
        let (mut questions, mut found, mut end) = (0, Vec::new(), None);
        loop {
            let (at, page) = discovery.next(now);
            if at > now {
                return (questions, found, end);
            }
            questions += 1;
            let answered = discovery.answered(&page, &server.answer(&page), now);
            found.extend(answered.new_runs.iter().map(|run| run.run_id.to_string()));
            end = answered.end.or(end);
            assert!(questions < 2_000, "it never rests");
        }
    }

    #[test]
    fn reads_every_page_then_only_counts() {
        let (mut discovery, now) = (Discovery::new(Instant::now()), Instant::now());
        let server = Server::of(250, |_| false);
        let (questions, found, end) = walk(&mut discovery, &server, now);
        assert_eq!((questions, found.len()), (3, 250));
        assert_eq!(end, Some(WalkEnd { is_complete: true, is_refused: false }));
        let later = now + COUNT_INTERVAL;
        let (questions, found, _) = walk(&mut discovery, &server, later);
        assert_eq!((questions, found.len()), (1, 0), "one question for the number of runs");
        let (questions, found, _) =
            walk(&mut discovery, &Server::of(251, |_| false), later + COUNT_INTERVAL);
        assert_eq!((questions, found), (4, vec!["run-250".to_owned()]));
    }

    #[test]
    fn reads_around_pending_runs() {
        for (runs, pending) in [(60, 12), (260, 200), (1_000, 12)] {
            let (mut discovery, now) = (Discovery::new(Instant::now()), Instant::now());
            // Pending runs are spread evenly over the list.
            let server = Server::of(runs, |at| at * pending / runs != (at + 1) * pending / runs);
            let (questions, found, end) = walk(&mut discovery, &server, now);
            assert_eq!(found.len(), runs - pending, "{pending} pending");
            assert!(questions <= 2 * runs, "{questions} questions for {runs} runs");
            assert!(!end.unwrap().is_complete);
        }
    }

    #[test]
    fn second_walk_requests_each_refused_row_once() {
        let (mut discovery, now) = (Discovery::new(Instant::now()), Instant::now());
        // Ten pending rows after each readable one.
        let server = |runs: usize| Server::of(runs, |at| at % 11 != 0);
        let (first, found, _) = walk(&mut discovery, &server(220), now);
        assert_eq!(found.len(), 20);
        let later = now + Duration::from_secs(60);
        let (again, _, _) = walk(&mut discovery, &server(220), later);
        assert!(again <= 220, "{again} questions, {first} before");
        let (grown, found, _) = walk(&mut discovery, &server(221), later + Duration::from_secs(60));
        assert_eq!(found, ["run-220"]);
        assert!(grown <= 240, "{grown} questions");
    }

    #[test]
    fn reports_that_no_row_can_be_read() {
        let (mut discovery, now) = (Discovery::new(Instant::now()), Instant::now());
        let (mut requests, mut now) = (0, now);
        let began = now;
        let mut end = None;
        while now < began + Duration::from_secs(20) {
            let (at, page) = discovery.next(now);
            now = now.max(at);
            end = discovery.answered(&page, &PageAnswer::Refused, now).end.or(end);
            requests += 1;
        }
        assert_eq!(end, Some(WalkEnd { is_complete: false, is_refused: true }));
        assert!(requests <= 60, "{requests} requests in 20 s to a server that refuses everything");
    }

    #[test]
    fn reads_the_last_rows_of_a_list_that_begins_with_many_pending_ones() {
        let (mut discovery, now) = (Discovery::new(Instant::now()), Instant::now());
        let (_, found, end) = walk(&mut discovery, &Server::of(205, |at| at < 203), now);
        assert_eq!(found, ["run-203", "run-204"]);
        assert_eq!(end, Some(WalkEnd { is_complete: false, is_refused: false }));
        let (mut discovery, now) = (Discovery::new(Instant::now()), Instant::now());
        let (_, found, end) = walk(&mut discovery, &Server::of(200, |_| true), now);
        assert!(found.is_empty());
        assert_eq!(end, Some(WalkEnd { is_complete: false, is_refused: false }));
    }

    #[test]
    fn walks_again_after_an_incomplete_walk() {
        let (mut discovery, now) = (Discovery::new(Instant::now()), Instant::now());
        walk(&mut discovery, &Server::of(10, |at| at == 4), now);
        let later = now + RECHECK_INTERVAL;
        let (_, found, _) = walk(&mut discovery, &Server::of(10, |_| false), later);
        assert_eq!(found, ["run-4"]);
    }

    #[test]
    fn newly_pending_rows_are_requested_one_by_one() {
        let (mut discovery, now) = (Discovery::new(Instant::now()), Instant::now());
        walk(&mut discovery, &Server::of(400, |at| at == 399), now);
        let later = now + Duration::from_secs(60);
        let (requests, _, _) = walk(&mut discovery, &Server::of(400, |at| at >= 200), later);
        assert!(requests <= 300, "{requests} requests");
    }

    #[test]
    fn walk_starts_over_after_an_outage() {
        let (mut discovery, now) = (Discovery::new(Instant::now()), Instant::now());
        let server = Server::of(250, |_| false);
        let (_, page) = discovery.next(now);
        discovery.answered(&page, &server.answer(&page), now);
        let (_, page) = discovery.next(now);
        discovery.answered(&page, &PageAnswer::Lost, now);
        let later = now + Duration::from_secs(60);
        discovery.demand(later);
        let (requests, _, end) = walk(&mut discovery, &server, later);
        assert_eq!(requests, 3, "all pages, from the first on");
        assert!(end.is_some_and(|end| end.is_complete));
        assert!(discovery.recheck_at.is_some_and(|at| at <= later + RECHECK_INTERVAL));
    }

    #[test]
    fn walk_ends_when_the_server_repeats_its_cursor() {
        let (mut discovery, now) = (Discovery::new(Instant::now()), Instant::now());
        let mut requests = 0;
        loop {
            let (at, page) = discovery.next(now);
            if at > now {
                break;
            }
            requests += 1;
            assert!(requests < 5, "it never rests");
            let PageAnswer::Rows(mut list) = Server::of(100, |_| false).answer(&page) else {
                panic!("no rows")
            };
            list.next_cursor = Some("7".into());
            discovery.answered(&page, &PageAnswer::Rows(list), now);
        }
    }
}
