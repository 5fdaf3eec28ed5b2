//! Messages: what a webhook is told, and in which words.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::hub::relay::RunNews;
use crate::text::{self, count_words, duration_words, length_words};

/// Maximum number of runs that one message names.
pub const MOST_RUNS: usize = 5;

/// Maximum number of causes that one message names.
pub const MOST_CAUSES: usize = 5;

/// Maximum number of causes that are kept apart while messages are held back.
const MOST_KEPT_CAUSES: usize = 64;

/// Maximum number of characters of a reason.
const LONGEST_REASON: usize = 300;

/// Maximum number of characters of a song's title.
const LONGEST_SONG: usize = 120;

/// Kind of news about runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    Failure,
    Recovery,
    Slow,
}

impl Topic {
    /// Every topic, the most urgent first.
    pub const ALL: [Self; 3] = [Self::Failure, Self::Recovery, Self::Slow];

    fn counted(self, count: u64) -> String {
        let words = match (self, count) {
            (Self::Failure, 1) => "run failed",
            (Self::Failure, _) => "runs failed",
            (Self::Recovery, 1) => "song recovered",
            (Self::Recovery, _) => "songs recovered",
            (Self::Slow, 1) => "run is slow",
            (Self::Slow, _) => "runs are slow",
        };
        format!("{} {words}", count_words(count))
    }
}

/// News of one topic: how much of it there is, some runs, and why they failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Number of news.
    pub count: u64,
    /// The first runs, at most [`MOST_RUNS`].
    pub runs: Vec<RunNews>,
    /// Failures by step and cause.
    causes: BTreeMap<(Option<String>, String), u64>,
}

impl Collected {
    /// Adds news of a run.
    pub fn add(&mut self, run: RunNews) {
        self.count += 1;
        if let Some(cause) = &run.cause {
            self.add_cause((run.step.clone(), cause.clone()), 1);
        }
        if self.runs.len() < MOST_RUNS {
            self.runs.push(run);
        }
    }

    /// Adds all that another collection has.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        other.causes.into_iter().for_each(|(cause, count)| self.add_cause(cause, count));
        let room = MOST_RUNS.saturating_sub(self.runs.len());
        self.runs.extend(other.runs.into_iter().take(room));
    }

    fn add_cause(&mut self, cause: (Option<String>, String), count: u64) {
        if let Some(known) = self.causes.get_mut(&cause) {
            *known += count;
        } else if self.causes.len() < MOST_KEPT_CAUSES {
            self.causes.insert(cause, count);
        }
    }

    /// Returns the most frequent causes: step, reason and count.
    pub fn causes(&self) -> Vec<(Option<&str>, &str, u64)> {
        let mut causes: Vec<_> = self
            .causes
            .iter()
            .map(|((step, reason), count)| (step.as_deref(), reason.as_str(), *count))
            .collect();
        causes.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
        causes.truncate(MOST_CAUSES);
        causes
    }

    fn causes_words(&self) -> String {
        let causes = self.causes();
        let named: u64 = causes.iter().map(|(.., count)| count).sum();
        let mut words: Vec<String> = causes
            .into_iter()
            .map(|(step, reason, count)| {
                let step = step.map(|step| format!("{}: ", text::name(step))).unwrap_or_default();
                let reason = text::excerpt(reason, LONGEST_REASON);
                format!("{} × {step}{reason}", count_words(count))
            })
            .collect();
        if named > 0 && named < self.count {
            words.push(format!("{} × other causes", count_words(self.count - named)));
        }
        words.join("; ")
    }
}

/// An outage of the backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// Begin, by the hub's clock.
    pub since: Timestamp,
    /// Milliseconds from the begin to the message, or to the end of the outage.
    pub lasted_ms: u64,
    /// Reason in words.
    pub reason: String,
}

/// News that quiet hours kept back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// The hours in words.
    pub hours: String,
    /// News by topic, in the order of [`Topic::ALL`].
    pub collected: [Collected; 3],
    /// Number of outages that began.
    pub outages: u64,
    /// The outage that ended last, if the backend is back.
    pub ended: Option<Outage>,
    /// The outage that still lasts.
    pub lasting: Option<Outage>,
}

impl Digest {
    /// True when nothing was kept back.
    pub fn is_empty(&self) -> bool {
        let has_outage = self.outages > 0 || self.ended.is_some();
        !has_outage && self.collected.iter().all(|collected| collected.count == 0)
    }
}

/// Content of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Runs(Topic, Collected),
    Lost(Outage),
    Back(Outage),
    Digest(Box<Digest>),
    /// Sent on request, to try a webhook.
    Test,
}

/// A message for a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Time at which it was made, by the hub's clock.
    pub at: Timestamp,
    pub content: Content,
}

impl Message {
    /// Returns the name of the event.
    pub fn event(&self) -> &'static str {
        match &self.content {
            Content::Runs(Topic::Failure, _) => "failure",
            Content::Runs(Topic::Recovery, _) => "recovery",
            Content::Runs(Topic::Slow, _) => "slow",
            Content::Lost(_) => "backend_lost",
            Content::Back(_) => "backend_back",
            Content::Digest(_) => "digest",
            Content::Test => "test",
        }
    }

    /// Returns the number of news that the message tells of.
    pub fn count(&self) -> u64 {
        match &self.content {
            Content::Runs(_, collected) => collected.count,
            Content::Lost(_) | Content::Back(_) | Content::Test => 1,
            Content::Digest(digest) => {
                let runs: u64 = digest.collected.iter().map(|collected| collected.count).sum();
                runs + digest.outages
            }
        }
    }

    /// Returns the run of a message about a single run.
    pub fn run(&self) -> Option<&RunNews> {
        match &self.content {
            Content::Runs(_, collected) if collected.count == 1 => collected.runs.first(),
            _ => None,
        }
    }

    /// Returns the message in words, on one line.
    pub fn words(&self) -> String {
        match &self.content {
            Content::Runs(topic, collected) => match self.run() {
                Some(run) => run_words(*topic, run),
                None => runs_words(*topic, collected),
            },
            Content::Lost(outage) => {
                let lasted = length_words(outage.lasted_ms);
                format!("The backend has been lost for {lasted}: {}", reason_words(&outage.reason))
            }
            Content::Back(outage) => {
                format!("The backend is back after {}", length_words(outage.lasted_ms))
            }
            Content::Digest(digest) => digest_words(digest),
            Content::Test => "This is a test of a webhook of Meterbridge".to_owned(),
        }
    }
}

fn reason_words(reason: &str) -> String {
    match text::excerpt(reason, LONGEST_REASON) {
        reason if reason.is_empty() => "no reason was given".to_owned(),
        reason => reason,
    }
}

/// Returns the title of a run's song, else its id.
pub fn song_words(run: &RunNews) -> String {
    text::excerpt(run.song.as_deref().unwrap_or(&run.run), LONGEST_SONG)
}

fn run_words(topic: Topic, run: &RunNews) -> String {
    let song = song_words(run);
    let execution = match run.execution {
        0 | 1 => String::new(),
        number => format!(" (execution {number})"),
    };
    let step = run.step.as_deref().map(|step| format!(" at {}", text::name(step)));
    let step = step.unwrap_or_default();
    match topic {
        Topic::Failure => {
            let reason = reason_words(run.reason.as_deref().unwrap_or_default());
            format!("{song}{execution} failed{step}: {reason}")
        }
        Topic::Recovery => {
            let took = run.took_ms.map(|ms| format!(" in {}", duration_words(ms)));
            let failures = match run.failed_before {
                1 => "a failure".to_owned(),
                count => format!("{count} failures"),
            };
            format!("{song}{execution} finished{} after {failures}", took.unwrap_or_default())
        }
        Topic::Slow => {
            let took = length_words(run.took_ms.unwrap_or_default());
            format!("{song}{execution} is slow: running for {took}{step}")
        }
    }
}

fn runs_words(topic: Topic, collected: &Collected) -> String {
    let counted = topic.counted(collected.count);
    let more = match collected.causes_words() {
        causes if causes.is_empty() => {
            let mut songs: Vec<String> = collected.runs.iter().map(song_words).collect();
            let named = songs.len() as u64;
            if named < collected.count {
                songs.push(format!("and {} more", count_words(collected.count - named)));
            }
            songs.join(", ")
        }
        causes => causes,
    };
    format!("{counted}: {more}")
}

fn digest_words(digest: &Digest) -> String {
    let topics = Topic::ALL.into_iter().zip(&digest.collected);
    let mut parts: Vec<String> = topics
        .filter(|(_, collected)| collected.count > 0)
        .map(|(topic, collected)| match collected.causes_words() {
            causes if causes.is_empty() => topic.counted(collected.count),
            causes => format!("{} ({causes})", topic.counted(collected.count)),
        })
        .collect();
    match digest.outages {
        0 => {}
        1 => parts.push("the backend was lost once".to_owned()),
        count => parts.push(format!("the backend was lost {} times", count_words(count))),
    }
    match (&digest.lasting, &digest.ended) {
        (Some(outage), _) => {
            let lasted = length_words(outage.lasted_ms);
            parts.push(format!("the backend has been lost for {lasted}"));
        }
        (None, Some(outage)) => {
            parts.push(format!("the backend is back after {}", length_words(outage.lasted_ms)));
        }
        (None, None) => {}
    }
    format!("In the quiet hours {}: {}", digest.hours, parts.join("; "))
}
