//! The rule of one webhook: what is told when. Pure; time comes in with each call.
//!
//! * The first news of a topic is told at once. What follows within the group time is held back and told
//!   together, with counts. While that goes on, the group time doubles.
//! * An outage is told when it has lasted for some time, and its end when the connection has held for some
//!   time. A backend that comes and goes is one outage.
//! * In quiet hours nothing is told; their end tells what there was.
//! * The same run and execution is told once per topic.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use foldhash::fast::FixedState;
use jiff::Timestamp;

use super::message::{Collected, Content, Digest, Message, Outage, Topic};
use super::quiet::QuietHours;
use crate::hub::relay::{News, RunNews};
use crate::protocol::RunId;
use crate::protocol::hub::UpstreamState;

/// Longest time for which news are collected, however long a storm lasts.
const LONGEST_GROUP: Duration = Duration::from_secs(900);

/// Longest time for which a connection has to hold until an outage is over.
const STEADY_FOR: Duration = Duration::from_secs(15);

/// Number of runs that are remembered as told, per topic.
const REMEMBERED: usize = 20_000;

/// A moment, by two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By this machine's clock, which may be set.
    pub at: Timestamp,
    /// Since any fixed moment, by a clock that nobody sets.
    pub elapsed: Duration,
}

/// Events that a webhook is told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Events {
    pub failure: bool,
    pub recovery: bool,
    pub slow: bool,
    pub backend_lost: bool,
}

impl Events {
    /// Every event.
    pub const ALL: Self = Self { failure: true, recovery: true, slow: true, backend_lost: true };

    fn has(self, topic: Topic) -> bool {
        match topic {
            Topic::Failure => self.failure,
            Topic::Recovery => self.recovery,
            Topic::Slow => self.slow,
        }
    }
}

/// Settings of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleSettings {
    /// Events that are told.
    pub events: Events,
    pub quiet: Option<QuietHours>,
    /// Events that are told in quiet hours, too.
    pub urgent: Events,
    /// Time for which news are collected after one was told.
    pub group_for: Duration,
    /// Time after which an outage is told.
    pub outage_after: Duration,
}

impl Default for RuleSettings {
    fn default() -> Self {
        Self {
            events: Events { slow: false, ..Events::ALL },
            quiet: None,
            urgent: Events::default(),
            group_for: Duration::from_secs(60),
            outage_after: Duration::from_secs(30),
        }
    }
}

/// News of one topic that are held back.
#[derive(Debug, Default)]
struct Group {
    /// End of the time for which news are collected, and its length; `None` while nothing is.
    open: Option<(Duration, Duration)>,
    held: Collected,
    told: Told,
}

/// Runs that were told.
#[derive(Debug, Default)]
struct Told {
    known: HashSet<(RunId, u32), FixedState>,
    order: VecDeque<(RunId, u32)>,
}

impl Told {
    /// Returns true when the run and execution was not told before.
    fn insert(&mut self, news: &RunNews) -> bool {
        let key = (news.run.clone(), news.execution);
        if !self.known.insert(key.clone()) {
            return false;
        }
        self.order.push_back(key);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

/// The connection to the backend.
#[derive(Debug, Default)]
enum Link {
    #[default]
    Up,
    /// Lost, and not told yet.
    Lost { since: Moment, reason: String },
    /// Lost, and told.
    Told { since: Moment, reason: String },
    /// Back since this moment, after an outage that was told.
    Back { since: Moment, back: Moment, reason: String },
}

/// Decides what one webhook is told.
#[derive(Debug)]
pub struct Rule {
    settings: RuleSettings,
    groups: [Group; 3],
    link: Link,
    /// News that quiet hours keep back, and the end of these hours.
    kept_back: Option<(Digest, Timestamp)>,
}

impl Rule {
    /// Creates a rule.
    pub fn new(settings: RuleSettings) -> Self {
        Self { settings, groups: Default::default(), link: Link::Up, kept_back: None }
    }

    /// True when slow runs are told.
    pub fn wants_slow(&self) -> bool {
        self.settings.events.slow
    }

    /// Takes news. Returns what is to be told now.
    pub fn hear(&mut self, news: &News, now: Moment) -> Vec<Message> {
        let mut messages = self.tick(now);
        match news {
            News::Failed(run) => self.hear_run(Topic::Failure, run, now, &mut messages),
            News::Recovered(run) => self.hear_run(Topic::Recovery, run, now, &mut messages),
            News::Slow(run) => self.hear_run(Topic::Slow, run, now, &mut messages),
            News::Upstream(upstream) if self.settings.events.backend_lost => {
                let is_lost = upstream.state == UpstreamState::Lost;
                self.hear_link(is_lost, &upstream.reason, now);
            }
            News::Upstream(_) => {}
        }
        messages
    }

    /// Returns what is to be told because time has passed.
    pub fn tick(&mut self, now: Moment) -> Vec<Message> {
        let mut messages = Vec::new();
        self.end_quiet_hours(now, &mut messages);
        for topic in Topic::ALL {
            self.end_group(topic, now, &mut messages);
        }
        self.check_link(now, &mut messages);
        messages
    }

    /// Returns everything that is held back, because the hub ends. Quiet hours stay quiet.
    pub fn finish(&mut self, now: Moment) -> Vec<Message> {
        let mut messages = self.tick(now);
        for topic in Topic::ALL {
            self.tell_held(topic, now, &mut messages);
        }
        messages
    }

    fn hear_run(&mut self, topic: Topic, run: &RunNews, now: Moment, messages: &mut Vec<Message>) {
        if !self.settings.events.has(topic) {
            return;
        }
        let group = &mut self.groups[topic as usize];
        if !group.told.insert(run) {
            return;
        }
        group.held.add(run.clone());
        if group.open.is_none() {
            let length = self.settings.group_for;
            group.open = Some((now.elapsed + length, length));
            self.tell_held(topic, now, messages);
        }
    }

    fn end_group(&mut self, topic: Topic, now: Moment, messages: &mut Vec<Message>) {
        let group = &mut self.groups[topic as usize];
        let Some((until, length)) = group.open.filter(|(until, _)| *until <= now.elapsed) else {
            return;
        };
        if group.held.count == 0 {
            group.open = None;
            return;
        }
        let most = LONGEST_GROUP.max(self.settings.group_for);
        let length = (length * 2).min(most);
        group.open = Some((until.max(now.elapsed) + length, length));
        self.tell_held(topic, now, messages);
    }

    fn tell_held(&mut self, topic: Topic, now: Moment, messages: &mut Vec<Message>) {
        let held = std::mem::take(&mut self.groups[topic as usize].held);
        if held.count == 0 {
            return;
        }
        match self.digest(now, self.settings.urgent.has(topic)) {
            Some(digest) => digest.collected[topic as usize].merge(held),
            None => messages.push(Message { at: now.at, content: Content::Runs(topic, held) }),
        }
    }

    /// Returns where news are kept back; `None` where they may be told now.
    fn digest(&mut self, now: Moment, is_urgent: bool) -> Option<&mut Digest> {
        let quiet = self.settings.quiet.as_ref()?;
        if is_urgent || !quiet.contains(now.at) {
            return None;
        }
        let (digest, _) = self.kept_back.get_or_insert_with(|| {
            (Digest { hours: quiet.words(), ..Digest::default() }, quiet.next_end(now.at))
        });
        Some(digest)
    }

    fn end_quiet_hours(&mut self, now: Moment, messages: &mut Vec<Message>) {
        let quiet = self.settings.quiet.as_ref();
        // A clock that is set back or forward ends them, too.
        let goes_on = |(_, until): &(Digest, Timestamp)| {
            quiet.is_some_and(|quiet| quiet.contains(now.at)) && now.at < *until
        };
        if self.kept_back.as_ref().is_none_or(goes_on) {
            return;
        }
        let Some((mut digest, _)) = self.kept_back.take() else { return };
        if let Link::Told { since, reason } | Link::Back { since, reason, .. } = &self.link
            && digest.outages > 0
        {
            digest.lasting = Some(outage(*since, now, reason));
        }
        if !digest.is_empty() {
            let content = Content::Digest(Box::new(digest));
            messages.push(Message { at: now.at, content });
        }
    }

    fn hear_link(&mut self, is_lost: bool, reason: &str, now: Moment) {
        let link = std::mem::take(&mut self.link);
        self.link = match (link, is_lost) {
            (Link::Up, true) => Link::Lost { since: now, reason: reason.to_owned() },
            // The latest reason says most: the first one is often "connecting".
            (Link::Lost { since, .. }, true) => Link::Lost { since, reason: reason.to_owned() },
            (Link::Told { since, .. } | Link::Back { since, .. }, true) => {
                Link::Told { since, reason: reason.to_owned() }
            }
            (Link::Up | Link::Lost { .. }, false) => Link::Up,
            (Link::Told { since, reason }, false) => Link::Back { since, back: now, reason },
            (back @ Link::Back { .. }, false) => back,
        };
    }

    fn check_link(&mut self, now: Moment, messages: &mut Vec<Message>) {
        let lasted = |since: &Moment| now.elapsed.saturating_sub(since.elapsed);
        let link = std::mem::take(&mut self.link);
        let (link, content) = match link {
            Link::Lost { since, reason } if lasted(&since) >= self.settings.outage_after => {
                let content = Content::Lost(outage(since, now, &reason));
                (Link::Told { since, reason }, Some(content))
            }
            Link::Back { since, back, reason }
                if lasted(&back) >= self.settings.outage_after.min(STEADY_FOR) =>
            {
                (Link::Up, Some(Content::Back(outage(since, back, &reason))))
            }
            link => (link, None),
        };
        self.link = link;
        let Some(content) = content else { return };
        match (self.digest(now, self.settings.urgent.backend_lost), content) {
            (Some(digest), Content::Back(outage)) => digest.ended = Some(outage),
            (Some(digest), _) => {
                digest.outages += 1;
                digest.ended = None;
            }
            (None, content) => messages.push(Message { at: now.at, content }),
        }
    }
}

fn outage(since: Moment, until: Moment, reason: &str) -> Outage {
    let lasted = until.elapsed.saturating_sub(since.elapsed);
    Outage {
        since: since.at,
        lasted_ms: u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
