//! Time of two runs in each step, with the differences, which add up to the gap.

use jiff::Timestamp;

use crate::app::panel::inspector::words::time_change_words;
use crate::app::views::timeline::race_view::lap_words;
use crate::app::words::duration_words;
use crate::model::{Run, Stats};
use crate::timeline::{BETWEEN, Column, Lap, Opponent, Race, RunBars};

/// Differences from here on are marked, in milliseconds.
pub(super) const MARKED_MS: u64 = 2_000;

/// A step, fix pass or wait of both runs.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::app::panel) struct TimeRow {
    /// Name: "PLAN", "fix 1", "queued".
    pub name: String,
    /// Time of A and of B, in words.
    pub both: [String; 2],
    /// Milliseconds that A took longer; `None` while it is not over in both.
    pub difference_ms: Option<i64>,
    /// Remark: "only B, failed", "A at work".
    pub note: String,
    /// True where the runs differ by [`MARKED_MS`] or more, or only one of them has it.
    pub is_marked: bool,
    /// True while A is at work in it.
    pub is_at_work: bool,
}

impl TimeRow {
    /// Returns the difference in words; ≠ where there is no number.
    pub(super) fn difference_words(&self) -> String {
        match self.difference_ms {
            Some(ms) => time_change_words(ms),
            None if self.is_marked => "≠".to_owned(),
            None => String::new(),
        }
    }
}

/// Times of two runs.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::app::panel) struct Times {
    /// Rows in the order of the pipeline.
    pub rows: Vec<TimeRow>,
    /// Milliseconds that A is behind, over all rows with a difference; `None` when there are none.
    pub gap_ms: Option<i64>,
    /// Milliseconds of A and B from their creation to the end of the last row with a difference.
    pub totals_ms: [u64; 2],
    /// Name of that row.
    pub until: String,
    /// The race from the start of both.
    pub race: Race,
    /// Milliseconds that A and B waited in the queue.
    pub queued_ms: [u64; 2],
}

/// Milliseconds from the creation of a run to its start.
fn queued_ms(run: &Run, now: Timestamp) -> u64 {
    let bars = RunBars::of(run, now);
    match (bars.queued, bars.started_at) {
        (Some(queued), _) => queued.millis(),
        (None, _) => 0,
    }
}

/// Returns what is to be said about a column, and true when only one of the runs has it.
fn note_of(this: Lap, other: Lap) -> (String, bool) {
    let has = |lap: Lap| matches!(lap, Lap::Took(_) | Lap::Broken(_));
    let broke = |lap: Lap| matches!(lap, Lap::Broken(_));
    let alone = |name: &str, lap: Lap| {
        let end = if broke(lap) { ", failed" } else { "" };
        (format!("only {name}{end}"), true)
    };
    match (this, other) {
        (Lap::AtWork(_), Lap::AtWork(_)) => ("both at work".to_owned(), false),
        (Lap::AtWork(_), _) => ("A at work".to_owned(), false),
        (_, Lap::AtWork(_)) => ("B at work".to_owned(), false),
        (Lap::Unknown, _) | (_, Lap::Unknown) => ("not seen".to_owned(), false),
        (this, Lap::Absent | Lap::ToCome) if has(this) => alone("A", this),
        (Lap::Absent, other) if has(other) => alone("B", other),
        (Lap::ToCome, other) if broke(other) => ("B failed".to_owned(), false),
        (Lap::ToCome, _) => ("to come".to_owned(), false),
        (this, other) if broke(this) && broke(other) => ("both failed".to_owned(), false),
        (this, _) if broke(this) => ("A failed".to_owned(), true),
        (_, other) if broke(other) => ("B failed".to_owned(), true),
        _ => (String::new(), false),
    }
}

fn row_of(column: &Column) -> TimeRow {
    let (note, differs) = match column.name.as_str() {
        BETWEEN => (String::new(), false),
        _ => note_of(column.this, column.other),
    };
    let name = if column.name == BETWEEN { "between the steps" } else { &column.name };
    let is_large = column.difference_ms.is_some_and(|ms| ms.unsigned_abs() >= MARKED_MS);
    TimeRow {
        name: name.to_owned(),
        both: [lap_words(column.this), lap_words(column.other)],
        difference_ms: column.difference_ms,
        note,
        is_marked: is_large || differs,
        is_at_work: matches!(column.this, Lap::AtWork(_)),
    }
}

impl Times {
    /// Compares A with B, or with the usual run, at `now` by the server's clock.
    pub(in crate::app::panel) fn of(
        a: &Run,
        b: Option<&Run>,
        stats: &Stats,
        now: Timestamp,
    ) -> Self {
        let opponent = b.map_or(Opponent::Usual(stats), Opponent::Run);
        let race = Race::of(a, opponent, now);
        // The usual run waits in no queue, and neither does A beside it.
        let queued_ms = b.map_or([0, 0], |b| [queued_ms(a, now), queued_ms(b, now)]);
        let wait = difference(queued_ms[0], queued_ms[1]);
        let gap_ms = race.gap_ms.map(|gap| gap.saturating_add(wait));
        let mut rows = Vec::new();
        if queued_ms != [0, 0] {
            rows.push(TimeRow {
                name: "queued".to_owned(),
                both: queued_ms.map(duration_words),
                difference_ms: gap_ms.map(|_| wait),
                note: String::new(),
                is_marked: gap_ms.is_some() && wait.unsigned_abs() >= MARKED_MS,
                is_at_work: false,
            });
        }
        let is_nothing = |column: &&Column| {
            let nothing = |lap| matches!(lap, Lap::Absent);
            !(nothing(column.this)
                && nothing(column.other)
                && column.difference_ms.unwrap_or(0) == 0)
        };
        rows.extend(race.columns.iter().filter(is_nothing).map(row_of));
        let over = |column: &&Column| column.difference_ms.is_some() && column.name != BETWEEN;
        let until = race.columns.iter().filter(is_nothing).rfind(over);
        let a_end = race.curve.last().map_or(0, |(end, _)| *end).saturating_add(queued_ms[0]);
        let b_end = i64::try_from(a_end).unwrap_or(i64::MAX).saturating_sub(gap_ms.unwrap_or(0));
        Self {
            rows,
            gap_ms,
            totals_ms: [a_end, u64::try_from(b_end).unwrap_or(0)],
            until: until.map(|column| column.name.clone()).unwrap_or_default(),
            race,
            queued_ms,
        }
    }

    /// Number of rows that are marked.
    pub(super) fn marked(&self) -> usize {
        self.rows.iter().filter(|row| row.is_marked).count()
    }
}

fn difference(a: u64, b: u64) -> i64 {
    let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    signed(a).saturating_sub(signed(b))
}
