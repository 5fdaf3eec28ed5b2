//! View model of the history: its header, its five panels and its foot.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::causes_view::{CausesView, cause_words};
use super::durations_view::DurationsView;
use super::fixes_view::FixesView;
use super::period_view::{
    PeriodWords, instant, period_words, share_change_words, short_period_words, success_words,
    zoned,
};
use super::runs_view::{PartWords, RunsView, part_words};
use super::steps_view::{StepsView, step_words};
use crate::app::state::history::{Chosen, HistoryData, HistoryOrigin, PERIODS};
use crate::app::words::{count_words, one_line, time_words};
use crate::history::{Last, Summary};
use crate::text;

/// Change of the success in points from which it is told in colour.
const NOTABLE: f64 = 0.005;

/// Contents of the history.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryView {
    pub header: HeaderView,
    pub body: Body,
    pub foot: FootView,
}

/// Contents of the header.
#[derive(Clone, Debug, PartialEq)]
pub struct HeaderView {
    /// "history, studio-engine.local".
    pub subtitle: String,
    /// Periods that can be chosen, and the place of the one that is shown.
    pub pills: Vec<(Last, &'static str)>,
    pub chosen: Option<usize>,
    /// "3,869", "runs"; empty until it is known.
    pub runs: String,
    pub runs_word: &'static str,
    /// "96.2 %"; empty where no run was finished or failed.
    pub success: String,
    /// "+0.8", and "in a week"; empty with less than 30 runs in either period.
    pub change: String,
    pub change_word: &'static str,
    /// Direction of a change that is told in colour.
    pub is_better: Option<bool>,
}

/// Numbers of a period, or the reason why there are none.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// "no run has ended yet".
    Nothing(String),
    Numbers(Box<Numbers>),
}

/// Contents of the panels.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    pub runs: RunsView,
    /// Chosen part of the period.
    pub part: Option<(Timestamp, PartWords)>,
    pub durations: DurationsView,
    pub steps: StepsView,
    /// "against the week before".
    pub against: String,
    pub causes: CausesView,
    pub fixes: FixesView,
    /// The step or cause that is chosen.
    pub row: Option<Chosen>,
}

/// Contents of the foot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FootView {
    /// Period and origin of the numbers in words, from long to short.
    pub words: Vec<String>,
    /// True when this is a warning.
    pub is_warning: bool,
    /// Title and words about the step or cause that is chosen.
    pub readout: Option<(String, String)>,
}

/// Inputs of the view, beside the numbers.
#[derive(Clone, Debug)]
pub struct Around<'a> {
    /// Name of the source.
    pub source: &'a str,
    pub is_recording: bool,
    /// True while the past is shown: the history goes on telling what is known now.
    pub is_rewound: bool,
    /// The server's time.
    pub now: Timestamp,
    pub zone: &'a TimeZone,
    /// Choice under the pointer, else by key or click.
    pub chosen: Option<&'a Chosen>,
    /// Number of steps that there is room for.
    pub steps: usize,
}

impl HistoryView {
    /// Contents of the history.
    pub fn of(data: &HistoryData, around: &Around) -> Self {
        let period = PeriodWords::of(data.asked);
        let summary = data.summary.as_deref();
        let (body, readout) = match summary {
            Some(summary) => body(summary, around, period),
            None => (Body::Nothing(nothing_known(data)), None),
        };
        // The read-out stands where it is said that the numbers are of now.
        let readout = match around.is_rewound {
            true => readout.map(|(title, words)| (title, format!("{words} (as of now)"))),
            false => readout,
        };
        Self {
            header: HeaderView::of(data, around.source, period),
            body,
            foot: FootView { readout, ..foot(data, around) },
        }
    }
}

fn nothing_known(data: &HistoryData) -> String {
    match &data.error {
        Some(error) => format!("there is no history: {}", one_line(error)),
        None => "the history is loading".to_owned(),
    }
}

impl HeaderView {
    fn of(data: &HistoryData, source: &str, period: PeriodWords) -> Self {
        let pills = PERIODS.map(|last| (last, PeriodWords::of(last).name)).to_vec();
        let chosen = PERIODS.iter().position(|last| *last == data.asked);
        let subtitle = match source {
            "" => "history".to_owned(),
            source => format!("history, {source}"),
        };
        let told = data.summary.as_deref().filter(|summary| summary.kept_since.is_some());
        let change = told.and_then(|summary| summary.success_change);
        Self {
            subtitle,
            pills,
            chosen,
            runs: told.map(|summary| count_words(summary.now.runs)).unwrap_or_default(),
            runs_word: if told.is_some_and(|summary| summary.now.runs == 1) {
                "run"
            } else {
                "runs"
            },
            success: told
                .map(|summary| &summary.now.ended)
                .map(|ended| (ended.finished, ended.finished + ended.failed))
                .filter(|(_, judged)| *judged > 0)
                .map(success_words)
                .unwrap_or_default(),
            change: change.map(share_change_words).unwrap_or_default(),
            change_word: if change.is_some() { period.change } else { "" },
            is_better: change.filter(|by| by.abs() >= NOTABLE).map(|by| by > 0.0),
        }
    }
}

fn body(
    summary: &Summary,
    around: &Around,
    period: PeriodWords,
) -> (Body, Option<(String, String)>) {
    let Some(since) = summary.kept_since.as_deref().and_then(instant) else {
        return (Body::Nothing("no run has ended yet".to_owned()), None);
    };
    if summary.now.runs == 0 && summary.before.runs == 0 {
        let since = since_words(since, around);
        let words = format!("no run ended in this period; the first one known ended {since}");
        return (Body::Nothing(words), None);
    }
    let Some(runs) = RunsView::of(summary, around.zone) else {
        return (
            Body::Nothing("this period cannot be divided into hours or days".to_owned()),
            None,
        );
    };
    let mut numbers = Numbers {
        runs,
        part: None,
        durations: DurationsView::of(summary),
        steps: StepsView::of(summary, around.steps),
        against: format!("against {}", period.before),
        causes: CausesView::of(summary),
        fixes: FixesView::of(summary, period),
        row: None,
    };
    let readout = match around.chosen {
        None => None,
        Some(Chosen::Part(begin)) => {
            numbers.part = part_words(summary, *begin, around.zone).map(|words| (*begin, words));
            None
        }
        Some(Chosen::Step(step)) => {
            step_words(summary, step).map(|words| (text::name(step).into_owned(), words))
        }
        Some(Chosen::Cause { step, reason }) => cause_words(summary, step.as_deref(), reason),
    };
    numbers.row = around.chosen.filter(|_| readout.is_some()).cloned();
    (Body::Numbers(Box::new(numbers)), readout)
}

/// An instant as people say it: "at 14:02", "on Tue 17 Nov, 14:02".
fn since_words(at: Timestamp, around: &Around) -> String {
    let day = |at: Timestamp| at.to_zoned(around.zone.clone()).date();
    match day(at) == day(around.now) {
        true => format!("at {}", zoned(at, around.zone, "%H:%M")),
        false => format!("on {}", zoned(at, around.zone, "%a %-d %b, %H:%M")),
    }
}

fn foot(data: &HistoryData, around: &Around) -> FootView {
    let Some(summary) = data.summary.as_deref() else { return FootView::default() };
    if around.is_rewound {
        let words = [
            "these numbers are current, not those of the moment shown",
            "these numbers are current",
        ];
        let words = words.map(str::to_owned).to_vec();
        return FootView { words, is_warning: true, readout: None };
    }
    let (long, short) =
        (period_words(summary, around.zone), short_period_words(summary, around.zone));
    let Some(since) = summary.kept_since.as_deref().and_then(instant) else {
        return FootView { words: vec![long, short], ..FootView::default() };
    };
    let at = since_words(since, around);
    let at = at.trim_start_matches("at ").trim_start_matches("on ");
    let origin = match data.from {
        // All of it is known.
        HistoryOrigin::Hub
            if data.error.is_none() && instant(&summary.from).is_some_and(|from| since <= from) =>
        {
            String::new()
        }
        HistoryOrigin::Hub => format!("kept by the hub since {at}"),
        HistoryOrigin::Seen if around.is_recording => format!("in this recording since {at}"),
        HistoryOrigin::Seen => format!("seen by this screen since {at}"),
    };
    if origin.is_empty() {
        return FootView { words: vec![long, short], ..FootView::default() };
    }
    let mut words = vec![format!("{long}, {origin}"), format!("{short}, {origin}"), origin.clone()];
    // Without the day of the week.
    if let Some((name, rest)) = at.split_once(' ').filter(|(name, _)| name.len() == 3) {
        let short_origin = origin.replace(&format!("{name} {rest}"), rest);
        words.insert(2, format!("{short}, {short_origin}"));
    }
    let mut is_warning = false;
    if let Some(error) = data.error.as_deref() {
        is_warning = true;
        // Of a hub's numbers it is said how old they are.
        let of = match (data.from, instant(&summary.to)) {
            (HistoryOrigin::Hub, Some(to)) => format!("as of {}", time_words(to, around.zone)),
            _ => origin.clone(),
        };
        words.insert(0, format!("no answer from the hub: {}; {of}", one_line(error)));
        words.push(format!("no answer from the hub; {of}"));
    }
    FootView { words, is_warning, readout: None }
}
