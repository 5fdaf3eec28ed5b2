//! Columns of the table: their heads, their places for each width, and the order in which they leave.

use serde::{Deserialize, Serialize};

use crate::bounded::bounded;

/// A column, from left to right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::app::panel) enum Column {
    Status,
    Song,
    RunId,
    Step,
    Elapsed,
    ToGo,
    Started,
    Ended,
    /// The song's runs up to this one.
    Attempts,
    Score,
}

impl Column {
    pub(super) const ALL: [Self; 10] = [
        Self::Status,
        Self::Song,
        Self::RunId,
        Self::Step,
        Self::Elapsed,
        Self::ToGo,
        Self::Started,
        Self::Ended,
        Self::Attempts,
        Self::Score,
    ];

    /// Columns that leave where there is no room for them, the first one first. The status keeps its sign
    /// when its word leaves.
    pub(super) const LEAVING: [Self; 6] =
        [Self::Ended, Self::Score, Self::RunId, Self::Status, Self::Started, Self::Attempts];

    /// Returns the words of the head.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Song => "song",
            Self::RunId => "run id",
            Self::Step => "step",
            Self::Elapsed => "elapsed",
            Self::ToGo => "to go",
            Self::Started => "started",
            Self::Ended => "ended",
            Self::Attempts => "attempts",
            Self::Score => "score",
        }
    }

    /// True when its values begin at the left edge; the others end at the right edge.
    pub(super) fn is_left(self) -> bool {
        matches!(self, Self::Status | Self::Song | Self::RunId | Self::Step)
    }

    /// True when the first press on its head puts the greatest value first.
    pub(super) fn begins_descending(self) -> bool {
        matches!(self, Self::Elapsed | Self::Started | Self::Ended | Self::Attempts | Self::Score)
    }

    /// True when its values change with time alone.
    pub(super) fn is_timed(self) -> bool {
        matches!(self, Self::Elapsed | Self::ToGo)
    }
}

/// Distance of values from the column beside them, in points.
pub(super) const GAP: f32 = 8.0;
/// Width of the scroll bar with the distance from the rows, in points.
pub(super) const SCROLL_BAR: f32 = 12.0;
/// Least width at which a row has one line.
const LEAST_LINE: f32 = 480.0;
/// Least and greatest width of a song beside all others.
const LEAST_SONG: f32 = 168.0;
const MOST_SONG: f32 = 520.0;
/// Width of the column of the signs where the words have left.
const SIGN: f32 = 24.0;

/// Heads of a pane whose rows have two lines; they stand one after the other.
const IN_TWO_LINES: [Column; 6] =
    [Column::Started, Column::Ended, Column::Song, Column::Step, Column::Elapsed, Column::ToGo];

/// Place of a column: its left and its right edge in points from the pane's left edge. Values keep
/// [`GAP`] from the next column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    pub column: Column,
    pub left: f32,
    pub right: f32,
}

/// Places of the columns in a pane of some width.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Columns {
    /// From left to right.
    pub places: Vec<Place>,
    /// True when the status is a sign with its word.
    pub has_status_word: bool,
    /// True when a row has two lines: the song, and below it step, elapsed and to go.
    pub has_two_lines: bool,
    /// Distance of the contents from the pane's edges, in points.
    pub margin: f32,
}

impl Columns {
    /// Returns the columns for a pane of this width in points, without the `hidden` ones.
    pub(super) fn of(width: f32, two_lines: bool, hidden: &[Column]) -> Self {
        if two_lines || width < LEAST_LINE {
            return Self::in_two_lines(width);
        }
        let mut gone: Vec<Column> =
            hidden.iter().copied().filter(|column| Column::LEAVING.contains(column)).collect();
        let mut leaving = Column::LEAVING.into_iter().filter(|column| !hidden.contains(column));
        // Without the word of the status, the pane counts as narrow and everything moves together.
        loop {
            let columns = Self::in_one_line(width, &gone);
            let song = columns.place(Column::Song).map_or(0.0, |place| place.right - place.left);
            match leaving.next() {
                Some(column) if song < LEAST_SONG => gone.push(column),
                _ => return columns,
            }
        }
    }

    fn in_one_line(width: f32, gone: &[Column]) -> Self {
        let has_status_word = !gone.contains(&Column::Status);
        let margin = if has_status_word { 16.0 } else { 12.0 };
        let width_of = |column: Column| match column {
            Column::Status if has_status_word => 108.0,
            Column::Status => SIGN,
            Column::Song => 0.0,
            _ if gone.contains(&column) => 0.0,
            Column::RunId => 88.0,
            Column::Step if has_status_word => 174.0,
            Column::Step => 150.0,
            Column::Elapsed => 58.0,
            Column::ToGo => 56.0,
            Column::Started | Column::Ended => 78.0,
            Column::Attempts => 80.0,
            Column::Score => 56.0,
        };
        let taken: f32 = Column::ALL.into_iter().map(width_of).sum();
        let free = (width - margin - SCROLL_BAR - GAP - taken).max(0.0);
        // In a wide pane the song stops growing before the step's name has no room.
        let song = free.min(MOST_SONG);
        let step_extra = bounded(free - song, 0.0, 160.0);
        let song = song.max(free - step_extra);
        let mut places = Vec::new();
        let mut left = margin;
        for column in Column::ALL {
            let width = match column {
                Column::Song => song,
                Column::Step => width_of(column) + step_extra,
                _ => width_of(column),
            };
            if width > 0.0 || column == Column::Song {
                places.push(Place { column, left, right: left + width });
                left += width;
            }
        }
        Self { places, has_status_word, has_two_lines: false, margin }
    }

    fn in_two_lines(width: f32) -> Self {
        let margin = 12.0;
        let left = margin + SIGN;
        let right = (width - SCROLL_BAR - GAP).max(left);
        let to_go = (right - 52.0).max(left);
        let elapsed = (to_go - 58.0).max(left);
        let places = vec![
            Place { column: Column::Status, left: margin, right: left },
            Place { column: Column::Song, left, right },
            Place { column: Column::Step, left, right: elapsed },
            Place { column: Column::Elapsed, left: elapsed, right: to_go },
            Place { column: Column::ToGo, left: to_go, right },
        ];
        Self { places, has_status_word: false, has_two_lines: true, margin }
    }

    /// Returns the place of a column; `None` where it is not shown.
    pub(super) fn place(&self, column: Column) -> Option<Place> {
        self.places.iter().find(|place| place.column == column).copied()
    }

    /// Returns the columns that have a head, from left to right.
    pub(super) fn heads(&self) -> Vec<Column> {
        if self.has_two_lines {
            return IN_TWO_LINES.to_vec();
        }
        self.places.iter().map(|place| place.column).collect()
    }

    /// Returns the columns that have no head.
    pub(super) fn headless(&self) -> Vec<Column> {
        let shown = self.heads();
        Column::ALL.into_iter().filter(|column| !shown.contains(column)).collect()
    }

    /// Height of a row in points.
    pub(super) fn row_height(&self) -> f32 {
        if self.has_two_lines { 50.0 } else { 29.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(width: f32) -> Vec<&'static str> {
        Columns::of(width, false, &[]).places.iter().map(|place| place.column.words()).collect()
    }

    #[test]
    fn all_columns_stand_as_drawn_at_948() {
        let columns = Columns::of(948.0, false, &[]);
        let left = |column| columns.place(column).unwrap().left.round();
        let right = |column| columns.place(column).unwrap().right.round();
        assert_eq!([Column::Status, Column::Song].map(left), [16.0, 124.0]);
        let drawn = [(Column::Elapsed, 668.0), (Column::ToGo, 728.0), (Column::Score, 926.0)];
        for (column, x) in drawn {
            assert!((right(column) - x).abs() <= 16.0, "{column:?} ends at {}", right(column));
        }
    }

    #[test]
    fn end_has_a_column_where_the_others_leave_it_room() {
        let has_end = |width| Columns::of(width, false, &[]).place(Column::Ended).is_some();
        assert_eq!([948.0, 1_000.0].map(has_end), [false, true]);
        // A column that was hidden makes room for it.
        assert!(Columns::of(948.0, false, &[Column::RunId]).place(Column::Ended).is_some());
    }

    #[test]
    fn columns_leave_in_their_order() {
        let mut gone: Vec<&str> = Vec::new();
        let mut had_word = true;
        for width in (300..=1_400).rev() {
            let columns = Columns::of(width as f32, false, &[]);
            if columns.has_two_lines {
                assert!((width as f32) < LEAST_LINE);
                continue;
            }
            if had_word && !columns.has_status_word {
                gone.push("status");
            }
            had_word = columns.has_status_word;
            let shown = shown(width as f32);
            for column in Column::ALL {
                if !shown.contains(&column.words()) && !gone.contains(&column.words()) {
                    gone.push(column.words());
                }
            }
            for stays in ["song", "step", "elapsed", "to go"] {
                assert!(shown.contains(&stays), "{stays} at {width}");
            }
            let song = columns.place(Column::Song).unwrap();
            assert!(song.right - song.left >= 140.0, "{width}: {song:?}");
        }
        assert_eq!(gone, ["ended", "score", "run id", "status", "started", "attempts"]);
    }

    #[test]
    fn columns_never_overlap_or_leave_the_pane() {
        for width in 300..=1_400 {
            for two_lines in [false, true] {
                let columns = Columns::of(width as f32, two_lines, &[Column::Started]);
                let mut line = columns.places.clone();
                if columns.has_two_lines {
                    // The song has a line of its own.
                    line.retain(|place| place.column != Column::Song);
                }
                for pair in line.windows(2) {
                    assert!(pair[0].right <= pair[1].left + 0.01, "{width}: {pair:?}");
                }
                let last = columns.places.last().unwrap();
                assert!(last.right <= width as f32 - SCROLL_BAR, "{width}: {last:?}");
            }
        }
    }

    #[test]
    fn hidden_columns_make_room() {
        let columns = Columns::of(948.0, false, &[Column::RunId, Column::Song]);
        assert!(columns.place(Column::RunId).is_none());
        assert!(columns.place(Column::Song).is_some(), "the song always stays");
    }
}
