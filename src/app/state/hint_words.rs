//! Words of hints. They say what a picture means and what it has no room for, not what it says in words.

use jiff::Timestamp;

use super::actions::{Action, ActionEntry, Transport};
use super::clock::local_zone;
use super::hints::{HintSubject, HintWords};
use super::link::Link;
use super::run_store::RunStore;
use super::run_view::{FixView, ModuleView, StageView, ordinal_words};
use crate::app::words::{
    clock_words, duration_words, number_words, one_line, time_words, updates_words,
};
use crate::model::{Baseline, NodeStatus, Run};
use crate::protocol::MAX_FIX_PASSES;
use crate::source::{ConnectionState, Updates};

/// Longest reason of a failure in a hint, in bytes.
const MOST_REASON: usize = 180;

/// Inputs of the words.
pub struct HintContext<'a> {
    pub run_store: &'a RunStore,
    pub link: &'a Link,
    /// The time that is shown, by this machine's clock and by the server's.
    pub now: Timestamp,
    pub server_now: Timestamp,
    /// The present, by this machine's clock.
    pub live_now: Timestamp,
}

impl HintContext<'_> {
    /// Returns the words about a subject; `None` when nothing is known about it any more.
    pub fn words(&self, subject: &HintSubject) -> Option<HintWords> {
        match subject {
            HintSubject::Meter(place) => meter(*place),
            HintSubject::Connection => Some(self.connection()),
            HintSubject::Activity => Some(words(
                "Activity over time",
                &[
                    "Height = events. Octagon = a run failed, square = cancelled, dot = finished.",
                    "Drag to move in time.",
                ],
            )),
            HintSubject::Step { run, step, has_dial } => {
                let run = self.run_store.model.run(run)?;
                let view = StageView::of(run, self.run_store, self.now, self.server_now);
                self.step(run, &view, step, *has_dial)
            }
            HintSubject::Run(run) => Some(self.run(self.run_store.model.run(run)?)),
            HintSubject::Button(action) => button(action),
        }
    }

    fn step(&self, run: &Run, view: &StageView, step: &str, has_dial: bool) -> Option<HintWords> {
        if step == "FIX" {
            return Some(fix(&view.fix));
        }
        let module = view.modules.iter().find(|module| module.name == step)?;
        let mut lines = vec![status_words(module)];
        if let Some(pass) = pass_words(module, &view.fix) {
            lines[0] = format!("{}, {pass}", lines[0]);
        }
        lines.push(usual_words(module.baseline));
        if module.is_slow() {
            lines.push("This one is among the slowest 5 %.".to_owned());
        }
        if module.refused {
            lines.push("The song did not pass.".to_owned());
        }
        let error = run.node(step).filter(|node| node.status == NodeStatus::Failed);
        if let Some(error) = error.and_then(|node| node.error.as_deref()) {
            lines.push(cut(&one_line(error)));
        } else if module.refused_before && !module.refused {
            lines.push("An earlier attempt failed or was refused.".to_owned());
        }
        if has_dial && module.baseline.is_some() {
            lines.push("Dial: full = slowest 5 %, tick = usual (median) time.".to_owned());
        }
        Some(HintWords { title: step.to_owned(), lines })
    }

    fn run(&self, run: &Run) -> HintWords {
        let view = StageView::of(run, self.run_store, self.now, self.server_now);
        let joined = |words: &str, detail: &str| match detail {
            "" => words.to_owned(),
            detail => format!("{words}: {detail}"),
        };
        let mut lines = vec![match &view.failure {
            Some(failure) => cut(&joined(&failure.headline, &failure.reason)),
            None => joined(view.status_word, &view.status_detail),
        }];
        let mut times = vec![format!("{} {}", view.time_word, view.time)];
        times.extend([view.time_detail, view.queued].into_iter().filter(|words| !words.is_empty()));
        if let Some(usual) = self.run_store.model.stats().run_baseline() {
            times.push(format!("a run usually takes {}", clock_words(usual.p50_ms + 500)));
        }
        lines.push(times.join(", "));
        let begun = time_words(run.begun_at(), &local_zone());
        lines.push(format!("Run {}, since {begun}", self.run_store.short_id(run.id())));
        HintWords { title: view.title, lines }
    }

    fn connection(&self) -> HintWords {
        let link = self.link;
        let zone = local_zone();
        let mut lines = Vec::new();
        if self.run_store.is_rewound() {
            lines.push("The past is shown. Received events are kept meanwhile.".to_owned());
        }
        match &link.state {
            _ if link.is_recording() => lines.push("A recording: nothing is live.".to_owned()),
            ConnectionState::Connected { updates, since, .. } => {
                lines.push(match updates {
                    Updates::Live => "Events arrive as they happen.".to_owned(),
                    Updates::Polling(polling) => sentence(&polling.words()),
                    other => updates_words(other, &zone).unwrap_or_default(),
                });
                lines.push(format!("Connected since {}.", time_words(*since, &zone)));
            }
            ConnectionState::Connecting { .. } => lines.push("Connecting.".to_owned()),
            ConnectionState::Reconnecting { reason, .. } => {
                lines.push(cut(&sentence(reason)));
                lines.push("Retrying automatically. The data on screen is not updated.".to_owned());
            }
            ConnectionState::Failed { reason, .. } => {
                lines.push(cut(&sentence(reason)));
                lines.push("The data on screen is not updated.".to_owned());
            }
            ConnectionState::Disconnected => {
                let how = ActionEntry::with_keys("Connect in the panel", &Action::TogglePanel);
                lines.push(format!("Not connected. {how}."));
            }
        }
        if matches!(link.state, ConnectionState::Connected { .. }) && !link.is_recording() {
            let mut numbers = vec![format!(
                "{:.1} events a second",
                link.health.events_per_second(self.live_now)
            )];
            if let Some(latency) = link.health.answered_in {
                numbers.push(format!("answered in {} ms", latency.as_millis()));
            }
            match link.health.reconnects {
                0 => {}
                1 => numbers.push("reconnected once".to_owned()),
                times => numbers.push(format!("reconnected {times} times")),
            }
            lines.push(format!("{}.", numbers.join(", ")));
            lines.push("Ticks = messages in each of the last 32 s.".to_owned());
        }
        if !self.run_store.is_rewound() {
            let pause = Action::Time(Transport::TogglePlaying);
            let how = ActionEntry::with_keys("Click to pause the picture", &pause);
            lines.push(format!("{how}."));
        }
        let title = match link.source {
            Some(_) => link.source_name(),
            None => "Connection".to_owned(),
        };
        HintWords { title, lines: lines.into_iter().filter(|line| !line.is_empty()).collect() }
    }
}

fn words(title: &str, lines: &[&str]) -> HintWords {
    let lines = lines.iter().map(|line| (*line).to_owned()).collect();
    HintWords { title: title.to_owned(), lines }
}

fn meter(place: usize) -> Option<HintWords> {
    let (title, lines): (_, &[&str]) = match place {
        0 => (
            "Events a second",
            &["Mean of the last 5 s.", "Dot = busiest second of the last 10 min."],
        ),
        1 => ("Runs in progress", &["Dot = most at once in the last 10 min."]),
        2 => (
            "Successful runs of the last hour",
            &[
                "Finished runs among those that finished or failed. Cancelled runs do not count.",
                "Red part of the scale = below 75 %.",
            ],
        ),
        3 => (
            "Usual time of a run",
            &[
                "Needle = usual (median) time of the last finished runs, at most 200.",
                "Diamond = the slowest 5 % take longer.",
            ],
        ),
        _ => return None,
    };
    Some(words(title, lines))
}

/// Name and keys of a button's action.
fn button(action: &Action) -> Option<HintWords> {
    if let Action::Dismiss(_) = action {
        let list = "Notices stay in the list of the panel";
        let list = format!("{}.", ActionEntry::with_keys(list, &Action::TogglePanel));
        return Some(words("Close this notice", &[&list]));
    }
    let entry = ActionEntry::of(action)?;
    let keys = entry.key_words();
    let keys = if keys.is_empty() { Vec::new() } else { vec![format!("Key: {keys}")] };
    Some(HintWords { title: entry.name.to_owned(), lines: keys })
}

fn status_words(module: &ModuleView) -> String {
    let took = module.duration_ms;
    let after = |word: &str| match took {
        Some(millis) => format!("{word} after {}", duration_words(millis)),
        None => word.to_owned(),
    };
    match module.status {
        _ if module.stopped => format!("{}: the run was cancelled", after("Stopped")),
        NodeStatus::Running => match took {
            Some(millis) => format!("Running, now {}", clock_words(millis)),
            None => "Running".to_owned(),
        },
        NodeStatus::Success => match took {
            Some(millis) => format!("Done in {}", duration_words(millis)),
            None => "Done".to_owned(),
        },
        NodeStatus::Failed => after("Failed"),
        NodeStatus::Pending if module.attempts > 0 => "To be repeated".to_owned(),
        NodeStatus::Pending => "Not started yet".to_owned(),
        NodeStatus::Skipped => "Skipped: it was not needed".to_owned(),
        NodeStatus::Unknown => "No data: its events were not received".to_owned(),
    }
}

/// Fix pass or number of the attempt; `None` for a first attempt.
fn pass_words(module: &ModuleView, fix: &FixView) -> Option<String> {
    let is_repeated = matches!(module.name.as_str(), "COMPOSE" | "VALIDATE");
    if is_repeated && fix.live && module.status == NodeStatus::Running {
        return Some(format!("fix {} of {MAX_FIX_PASSES}", fix.passes));
    }
    (module.attempts > 1).then(|| format!("{} attempt", ordinal_words(module.attempts)))
}

fn usual_words(baseline: Option<Baseline>) -> String {
    match baseline {
        Some(Baseline { p50_ms, p95_ms, .. }) => {
            let (usual, slow) = (duration_words(p50_ms), duration_words(p95_ms));
            format!("Usually {usual}, slowest 5 % over {slow}.")
        }
        None => "No usual time yet: it has not succeeded so far.".to_owned(),
    }
}

fn fix(fix: &FixView) -> HintWords {
    let status = match (fix.passes, fix.status) {
        (0, _) => format!(
            "Not needed so far. A song that VALIDATE refuses is fixed up to {MAX_FIX_PASSES} times."
        ),
        (passes, NodeStatus::Running) => match fix.duration_ms {
            Some(millis) => {
                format!("Fix {passes} of {MAX_FIX_PASSES}, now {}", clock_words(millis))
            }
            None => format!("Fix {passes} of {MAX_FIX_PASSES}"),
        },
        (passes, _) if fix.live => {
            format!("Fix {passes} of {MAX_FIX_PASSES}: the song is composed and validated again")
        }
        (1, _) => "1 fix".to_owned(),
        (passes, _) => format!("{passes} fixes"),
    };
    let mut lines = vec![status];
    let scores: Vec<String> =
        fix.verdicts.iter().filter_map(|verdict| verdict.score).map(number_words).collect();
    if scores.len() > 1 {
        lines.push(format!("Scores: {}", scores.join(", then ")));
    }
    lines.push(usual_words(fix.baseline));
    HintWords { title: "FIX".to_owned(), lines }
}

fn sentence(text: &str) -> String {
    let text = one_line(text);
    let mut letters = text.trim_end_matches('.').chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    match first {
        Some(first) => format!("{first}{}.", letters.as_str()),
        None => String::new(),
    }
}

fn cut(text: &str) -> String {
    crate::text::single_spaced(text, MOST_REASON)
}

#[cfg(test)]
#[path = "hint_words_tests.rs"]
mod tests;
