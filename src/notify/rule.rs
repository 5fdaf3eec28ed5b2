//! The rule: what is told, when, and in which words.

use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp};

use super::{News, Notification, NotifyAbout, NotifySettings, Watching};
use crate::text::{count_words, excerpt, single_spaced, whole_seconds};

/// Time for which failures of one cause are collected before they are told.
const COLLECTS: SignedDuration = SignedDuration::from_secs(3);
/// Time within which failures of one cause are one notification.
const TOGETHER: SignedDuration = SignedDuration::from_secs(60);
/// Loss of the backend that is told.
const LOST_AFTER: SignedDuration = SignedDuration::from_secs(10);
/// Most notifications in a minute; what comes beyond is counted, and told once.
const MOST_A_MINUTE: usize = 5;
const MINUTE: SignedDuration = SignedDuration::from_secs(60);
/// Most names in a notification, and longest name, step and reason in characters.
const MOST_NAMES: usize = 3;
const LONGEST: usize = 120;

/// Failures of one step for one cause.
#[derive(Clone, Debug)]
struct Group {
    number: u64,
    step: Option<String>,
    cause: u64,
    reason: String,
    /// Names of the first runs, and the number of all.
    titles: Vec<String>,
    failed: usize,
    since: Timestamp,
    /// Number of runs that were told.
    told: usize,
}

/// Numbers of news that were not told one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counted {
    failed: usize,
    recovered: usize,
    lost: usize,
}

impl Counted {
    fn add(&mut self, other: Self) {
        self.failed += other.failed;
        self.recovered += other.recovered;
        self.lost += other.lost;
    }

    fn words(self) -> Vec<String> {
        let counted = |count: usize, one: &str, more: &str| {
            (count > 0).then(|| {
                let words = if count == 1 { one } else { more };
                format!("{} {words}", count_words(count as u64))
            })
        };
        let all = [
            counted(self.failed, "run failed", "runs failed"),
            counted(self.recovered, "song recovered", "songs recovered"),
            counted(self.lost, "loss of the backend", "losses of the backend"),
        ];
        all.into_iter().flatten().collect()
    }
}

/// A notification with the numbers that it tells, for when it is not told by itself.
#[derive(Clone, Debug)]
struct Pending {
    notification: Notification,
    counted: Counted,
}

/// Loss of the backend.
#[derive(Clone, Debug)]
struct Loss {
    source: String,
    since: Timestamp,
    /// Number of the notification, once it was told.
    told: Option<u64>,
}

/// Turns news into notifications.
#[derive(Clone, Debug, Default)]
pub struct Notifier {
    settings: NotifySettings,
    numbers: u64,
    groups: Vec<Group>,
    /// Notifications that wait to be told.
    waiting: Vec<Pending>,
    loss: Option<Loss>,
    /// Instants of the notifications of the last minute.
    told_at: Vec<Timestamp>,
    /// News beyond the most of a minute.
    beyond: Counted,
    /// News of the quiet hours, and true from their begin until they were summed up.
    quiet: Counted,
    was_quiet: bool,
}

impl Notifier {
    /// Creates a notifier.
    pub fn new(settings: NotifySettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// True when news are told at all.
    pub fn is_on(&self) -> bool {
        self.settings.about != NotifyAbout::Off
    }

    /// Takes news at `now`. News of a recording, and those that come while the past is shown, are not told.
    pub fn add(&mut self, news: News, watching: Watching, now: Timestamp) {
        if !self.is_on() || watching != Watching::Live {
            return;
        }
        match news {
            News::Failed { title, step, reason, cause } => {
                let title = short(&title);
                let step = step.map(|step| short(&step));
                let known = self.groups.iter_mut().find(|group| {
                    group.step == step && group.cause == cause && now < group.since + TOGETHER
                });
                match known {
                    Some(group) => {
                        group.failed += 1;
                        if group.titles.len() < MOST_NAMES {
                            group.titles.push(title);
                        }
                    }
                    None => {
                        let (number, titles) = (self.number(), vec![title]);
                        let reason = short(&reason);
                        let (since, failed, told) = (now, 1, 0);
                        self.groups.push(Group {
                            number,
                            step,
                            cause,
                            reason,
                            titles,
                            failed,
                            since,
                            told,
                        });
                    }
                }
            }
            News::Recovered { title } if self.settings.about == NotifyAbout::All => {
                let number = self.number();
                let title = format!("{} finished", short(&title));
                let body = "The previous run failed.".to_owned();
                let (is_bad, has_sound) = (false, false);
                self.waiting.push(Pending {
                    notification: Notification { number, title, body, is_bad, has_sound },
                    counted: Counted { recovered: 1, ..Counted::default() },
                });
            }
            News::Recovered { .. } => {}
        }
    }

    /// Notes whether the backend of this name is lost; `None` while there is none that could be.
    pub fn connection(&mut self, is_lost: Option<bool>, source: &str, now: Timestamp) {
        let loss = match is_lost {
            Some(true) => {
                let source = || short(source);
                self.loss.get_or_insert_with(|| Loss { source: source(), since: now, told: None });
                return;
            }
            _ => self.loss.take(),
        };
        let told = loss.and_then(|loss| Some((loss.told?, loss)));
        let is_wanted = is_lost.is_some() && self.settings.about == NotifyAbout::All;
        if let Some((number, loss)) = told.filter(|_| is_wanted) {
            let millis = now.duration_since(loss.since).as_millis();
            let after = whole_seconds(u64::try_from(millis).unwrap_or(0));
            let title = format!("{} is connected again", loss.source);
            let body = format!("It was lost for {after}.");
            let (is_bad, has_sound) = (false, false);
            self.waiting.push(Pending {
                notification: Notification { number, title, body, is_bad, has_sound },
                counted: Counted::default(),
            });
        }
    }

    /// Forgets what was collected, because another source begins.
    pub fn forget(&mut self) {
        *self = Self { numbers: self.numbers, ..Self::new(self.settings) };
    }

    /// Returns what is to be told at `now`, which is `time` of the day on this display.
    pub fn due(&mut self, now: Timestamp, time: Time) -> Vec<Notification> {
        if !self.is_on() {
            return Vec::new();
        }
        let is_recent = |at: &Timestamp| now.duration_since(*at).abs() < MINUTE;
        self.told_at.retain(is_recent);
        let mut due = std::mem::take(&mut self.waiting);
        due.extend(self.due_loss(now));
        due.extend(self.due_groups(now));
        if self.settings.quiet.is_some_and(|quiet| quiet.hold(time)) {
            self.was_quiet = true;
            due.into_iter().for_each(|pending| self.quiet.add(pending.counted));
            // What the minute before them had no room for is summed up with their news.
            self.quiet.add(std::mem::take(&mut self.beyond));
            return Vec::new();
        }
        let mut told = Vec::new();
        if std::mem::take(&mut self.was_quiet) {
            let words = std::mem::take(&mut self.quiet).words();
            told.extend(self.summary("During the quiet hours", &words));
        }
        for Pending { notification, counted } in due {
            if self.told_at.len() < MOST_A_MINUTE {
                self.told_at.push(now);
                told.push(notification);
            } else {
                self.beyond.add(counted);
            }
        }
        if self.told_at.len() < MOST_A_MINUTE {
            let words = std::mem::take(&mut self.beyond).words();
            let summary = self.summary("More in the last minute", &words);
            self.told_at.extend(summary.as_ref().map(|_| now));
            told.extend(summary);
        }
        told
    }

    /// Returns the time until something is to be told, if nothing else happens; `None` when nothing waits.
    pub fn due_in(&self, now: Timestamp) -> Option<SignedDuration> {
        let groups =
            self.groups.iter().filter(|group| group.failed > group.told).map(Group::due_at);
        let loss = self.loss.iter().filter(|loss| loss.told.is_none());
        let next = groups.chain(loss.map(|loss| loss.since + LOST_AFTER)).min()?;
        Some(next.duration_since(now).max(SignedDuration::ZERO))
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn due_loss(&mut self, now: Timestamp) -> Option<Pending> {
        let is_due = |loss: &&mut Loss| loss.told.is_none() && now >= loss.since + LOST_AFTER;
        let number = self.numbers + 1;
        let loss = self.loss.as_mut().filter(is_due)?;
        loss.told = Some(number);
        let title = format!("Connection to {} lost", loss.source);
        self.numbers = number;
        let body = "The display is not updated. Reconnecting automatically.".to_owned();
        let (is_bad, has_sound) = (true, self.settings.sound);
        Some(Pending {
            notification: Notification { number, title, body, is_bad, has_sound },
            counted: Counted { lost: 1, ..Counted::default() },
        })
    }

    /// Returns the groups that were collected, or that have grown until their end, and drops those that ended.
    fn due_groups(&mut self, now: Timestamp) -> Vec<Pending> {
        let sound = self.settings.sound;
        let mut due = Vec::new();
        for group in &mut self.groups {
            if group.failed > group.told && now >= group.due_at() {
                due.push(Pending {
                    notification: group.notification(sound),
                    counted: Counted { failed: group.failed - group.told, ..Counted::default() },
                });
                group.told = group.failed;
            }
        }
        self.groups.retain(|group| now < group.since + TOGETHER);
        due
    }

    /// Returns what is counted in words as a notification; `None` when nothing was counted.
    fn summary(&mut self, title: &str, words: &[String]) -> Option<Notification> {
        (!words.is_empty()).then(|| Notification {
            number: self.number(),
            title: title.to_owned(),
            body: format!("{}.", words.join(", ")),
            is_bad: false,
            has_sound: false,
        })
    }
}

/// Cleans a text of others, with one space for each run of white space, and cuts it off after [`LONGEST`].
fn short(text: &str) -> String {
    // A character has 4 bytes at most.
    excerpt(&single_spaced(text, 4 * LONGEST), LONGEST)
}

impl Group {
    /// Returns when it is to be told: once it was collected; later what came until its end.
    fn due_at(&self) -> Timestamp {
        self.since + if self.told == 0 { COLLECTS } else { TOGETHER }
    }

    fn notification(&self, sound: bool) -> Notification {
        let Self { number, step, reason, titles, failed, told, .. } = self;
        let at = step.as_ref().map_or_else(String::new, |step| format!(" at {step}"));
        let (title, body) = match (*failed, titles.first()) {
            (1, Some(first)) => (format!("{first} failed{at}"), reason.clone()),
            (failed, _) => {
                let songs = format!("{} songs failed{at}", count_words(failed as u64));
                let mut names = titles.join(", ");
                if failed > titles.len() {
                    let others = count_words((failed - titles.len()) as u64);
                    names = format!("{names} and {others} more");
                }
                (songs, format!("{reason}: {names}"))
            }
        };
        let has_sound = sound && *told == 0;
        Notification { number: *number, title, body, is_bad: true, has_sound }
    }
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
