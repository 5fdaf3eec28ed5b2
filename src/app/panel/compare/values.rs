//! Scores and parameters of two runs, with their differences.

use jiff::Timestamp;

use crate::app::panel::inspector::{Fixes, RunLines};
use crate::app::words::number_words;
use crate::model::{EventLog, Run};
use crate::timeline::RunBars;

/// Differences of scores from here on are marked.
pub(super) const MARKED_SCORE: f64 = 0.10;

/// Rows of parameters that are compared at most.
const MOST_PARAMETERS: usize = 400;

/// A score of the last verdict of both runs.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::app::panel) struct ScoreRow {
    /// Name as on the wire.
    pub name: String,
    /// Score of A and of B; `None` where there is none.
    pub both: [Option<f64>; 2],
    /// A less B.
    pub difference: Option<f64>,
    /// True where they differ by [`MARKED_SCORE`] or more, or only one of them has it.
    pub is_marked: bool,
}

impl ScoreRow {
    fn new(name: &str, both: [Option<f64>; 2]) -> Self {
        let difference = both[0].zip(both[1]).map(|(a, b)| a - b);
        let is_marked = match difference {
            // Scores have two places.
            Some(difference) => difference.abs() >= MARKED_SCORE - 1e-9,
            None => both[0].is_some() != both[1].is_some(),
        };
        Self { name: name.to_owned(), both, difference, is_marked }
    }

    /// Returns a side's score in words.
    pub(super) fn words(&self, side: usize) -> String {
        self.both.get(side).copied().flatten().map_or_else(|| "–".to_owned(), number_words)
    }
}

/// Scores of the last verdicts.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::app::panel) struct Scores {
    /// Verdicts of A and B; empty for the usual run.
    pub fixes: [Fixes; 2],
    /// Rows in order of name.
    pub rows: Vec<ScoreRow>,
    /// The total.
    pub total: ScoreRow,
}

impl Scores {
    /// Returns the scores of A and B at `now`, by the server's clock.
    pub(in crate::app::panel) fn of(
        a: &Run,
        b: Option<&Run>,
        pass_mark: Option<f64>,
        now: Timestamp,
    ) -> Self {
        let fixes = [Some(a), b].map(|run| match run {
            Some(run) => Fixes::of(run, &RunBars::of(run, now), pass_mark),
            None => Fixes { pass_mark, ..Fixes::default() },
        });
        let last = fixes.each_ref().map(Fixes::latest_scored);
        let mut names: Vec<&str> = last
            .iter()
            .flatten()
            .flat_map(|column| column.scores.iter().map(|(name, _)| name.as_str()))
            .filter(|name| !Fixes::is_total(name))
            .collect();
        names.sort_unstable();
        names.dedup();
        let score = |name: &str| last.map(|column| column.and_then(|column| column.score(name)));
        let row = |name: &str, both| {
            let row = ScoreRow::new(name, both);
            // The usual run has no scores to differ from.
            ScoreRow { is_marked: row.is_marked && b.is_some(), ..row }
        };
        let total = last.map(|column| column.and_then(|column| column.total));
        Self {
            rows: names.iter().map(|name| row(name, score(name))).collect(),
            total: row("total", total),
            fixes,
        }
    }

    /// Number of scores that are marked, the total included.
    pub(super) fn marked(&self) -> usize {
        self.rows.iter().chain([&self.total]).filter(|row| row.is_marked).count()
    }
}

/// A parameter of both runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app::panel) struct ParameterRow {
    /// Step, or "run".
    pub step: String,
    /// Name of the parameter.
    pub name: String,
    /// Value of A and of B; `None` where there is none.
    pub both: [Option<String>; 2],
}

impl ParameterRow {
    /// True where the values differ.
    pub(super) fn is_marked(&self) -> bool {
        self.both[0] != self.both[1]
    }

    /// Returns a side's value in words.
    pub(super) fn words(&self, side: usize) -> &str {
        self.both.get(side).and_then(Option::as_deref).unwrap_or("–")
    }
}

/// Returns the parameters of a run by step and name.
fn parameters(run: &Run, log: &EventLog, lines: &mut RunLines) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let mut add = |step: &str, name: &str, value: Option<String>| {
        if let Some(value) = value {
            found.push((step.to_owned(), name.to_owned(), value));
        }
    };
    add("run", "seed", run.seed.map(|seed| seed.to_string()));
    add("run", "song", run.song_id.as_deref().map(|id| crate::text::name(id).into_owned()));
    for node in &run.nodes {
        let Some(attempt) = node.history().last() else { continue };
        let fields = lines.attempt_fields(log, &node.name, attempt);
        add(&node.name, "skill", fields.get(|it| it.skill.clone()));
        if let Some(mark) = fields.get(|it| it.pass_mark) {
            add(&node.name, "pass mark", Some(number_words(mark)));
        }
        let both = [fields.end.as_deref(), fields.start.as_deref()];
        let params = both.into_iter().flatten().map(|it| &it.model_params);
        for (name, value) in params.filter(|list| !list.is_empty()).take(1).flatten() {
            add(&node.name, name, Some(value.clone()));
        }
    }
    found
}

/// Returns the parameters of A and B; those of the usual run are not known.
pub(in crate::app::panel) fn parameter_rows(
    (a, a_lines): (&Run, &mut RunLines),
    b: Option<(&Run, &mut RunLines)>,
    log: &EventLog,
) -> Vec<ParameterRow> {
    let mut rows: Vec<ParameterRow> = Vec::new();
    let own = parameters(a, log, a_lines);
    for (step, name, value) in own.into_iter().take(MOST_PARAMETERS) {
        rows.push(ParameterRow { step, name, both: [Some(value), None] });
    }
    let theirs = b.map(|(b, lines)| parameters(b, log, lines)).unwrap_or_default();
    for (step, name, value) in theirs.into_iter().take(MOST_PARAMETERS) {
        if let Some(row) = rows.iter_mut().find(|row| row.step == step && row.name == name) {
            row.both[1] = Some(value);
            continue;
        }
        // Beside the others of its step.
        let after = rows.iter().rposition(|row| row.step == step);
        let place = after.map_or(rows.len(), |place| place + 1);
        rows.insert(place, ParameterRow { step, name, both: [None, Some(value)] });
    }
    rows
}
