//! Rows of a table as text: CSV (RFC 4180), or one JSON object a line (NDJSON).

use std::borrow::Cow;
use std::io::{self, Write};

use serde_json::Number;

use crate::text;

/// Form of a file with rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableForm {
    /// One JSON object a line.
    Ndjson,
    /// A table with a header line, for spreadsheets.
    Csv,
}

impl TableForm {
    /// All forms.
    pub const ALL: [Self; 2] = [Self::Ndjson, Self::Csv];

    /// Returns the name on screen.
    pub fn words(self) -> &'static str {
        match self {
            Self::Ndjson => "NDJSON",
            Self::Csv => "CSV",
        }
    }

    /// Returns the ending of a file's name, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }
}

/// Content of a cell.
pub(crate) enum Cell<'a> {
    /// Number, time or word of the program.
    Plain(String),
    /// Text from outside.
    Foreign(Cow<'a, str>),
}

/// Returns a number, time or word; nothing for what is not known.
pub(crate) fn plain<T: ToString>(value: Option<T>) -> Cell<'static> {
    Cell::Plain(value.map_or_else(String::new, |value| value.to_string()))
}

/// Returns a text from outside on one line; nothing for what is not known.
pub(crate) fn foreign(text: Option<&str>) -> Cell<'_> {
    Cell::Foreign(text::one_line(text.unwrap_or_default()))
}

/// Writer of a table.
pub(crate) struct Table<'a, W: Write> {
    out: &'a mut W,
    form: TableForm,
    names: &'static [&'static str],
}

impl<'a, W: Write> Table<'a, W> {
    /// Begins a table with columns of these names, in CSV with a header line.
    pub(crate) fn begin(
        out: &'a mut W,
        form: TableForm,
        names: &'static [&'static str],
    ) -> io::Result<Self> {
        let mut table = Self { out, form, names };
        if form == TableForm::Csv {
            table.csv(names.iter().map(|name| Cell::Plain((*name).to_owned())))?;
        }
        Ok(table)
    }

    /// Writes a row; the cells are in the order of the columns. Unknown values are empty in CSV, `null` in NDJSON.
    pub(crate) fn row<'c>(&mut self, cells: impl IntoIterator<Item = Cell<'c>>) -> io::Result<()> {
        match self.form {
            TableForm::Csv => self.csv(cells),
            TableForm::Ndjson => self.ndjson(cells),
        }
    }

    fn csv<'c>(&mut self, cells: impl IntoIterator<Item = Cell<'c>>) -> io::Result<()> {
        for (column, cell) in cells.into_iter().enumerate() {
            if column > 0 {
                self.out.write_all(b",")?;
            }
            let text: Cow<str> = match cell {
                Cell::Plain(text) => text.into(),
                Cell::Foreign(text) => without_formula(text),
            };
            if text.contains([',', '"', '\r', '\n']) || text.starts_with(' ') || text.ends_with(' ')
            {
                write!(self.out, "\"{}\"", text.replace('"', "\"\""))?;
            } else {
                self.out.write_all(text.as_bytes())?;
            }
        }
        self.out.write_all(b"\r\n")
    }

    fn ndjson<'c>(&mut self, cells: impl IntoIterator<Item = Cell<'c>>) -> io::Result<()> {
        for (column, (name, cell)) in self.names.iter().zip(cells).enumerate() {
            self.out.write_all(if column == 0 { b"{" } else { b"," })?;
            serde_json::to_writer(&mut *self.out, name)?;
            self.out.write_all(b":")?;
            match cell {
                Cell::Plain(text) if text.is_empty() => self.out.write_all(b"null")?,
                Cell::Plain(text) if text == "true" || text == "false" => {
                    self.out.write_all(text.as_bytes())?;
                }
                Cell::Plain(text) if serde_json::from_str::<Number>(&text).is_ok() => {
                    self.out.write_all(text.as_bytes())?;
                }
                Cell::Plain(text) => serde_json::to_writer(&mut *self.out, &text)?,
                Cell::Foreign(text) if text.is_empty() => self.out.write_all(b"null")?,
                Cell::Foreign(text) => serde_json::to_writer(&mut *self.out, &text)?,
            }
        }
        self.out.write_all(b"}\n")
    }
}

/// Puts an apostrophe before a text that a spreadsheet would take for a formula.
fn without_formula(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) {
        true => format!("'{text}").into(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[&str] = &["a", "b", "c", "d"];

    fn row(form: TableForm, cells: Vec<Cell>) -> String {
        let mut out = Vec::new();
        Table::begin(&mut out, form, NAMES).unwrap().row(cells).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn texts_that_look_like_formulas_get_an_apostrophe_in_csv_and_numbers_do_not() {
        let cells =
            ["=1+1", " @SUM(A1)", "-5 Degrees", "a=b"].map(|text| Cell::Foreign(text.into()));
        let written = row(TableForm::Csv, cells.into());
        assert_eq!(written, "a,b,c,d\r\n'=1+1,' @SUM(A1),'-5 Degrees,a=b\r\n");
        assert_eq!(row(TableForm::Csv, vec![plain(Some(-5))]), "a,b,c,d\r\n-5\r\n");
    }

    #[test]
    fn commas_quotes_and_outer_blanks_are_quoted() {
        let cells = ["a,b", "say \"x\"", "end "].map(|text| Cell::Foreign(text.into()));
        let written = row(TableForm::Csv, cells.into());
        assert_eq!(written, "a,b,c,d\r\n\"a,b\",\"say \"\"x\"\"\",\"end \"\r\n");
    }

    #[test]
    fn ndjson_has_numbers_texts_and_null() {
        let cells = vec![plain(Some(-5.25)), foreign(Some("=\"12\"")), plain(Some(true))];
        let cells = cells.into_iter().chain([plain::<u8>(None)]).collect();
        let written = row(TableForm::Ndjson, cells);
        assert_eq!(written, "{\"a\":-5.25,\"b\":\"=\\\"12\\\"\",\"c\":true,\"d\":null}\n");
        // A number in a text from outside stays a text.
        let cells = vec![foreign(Some("12")), plain(Some("2025-11-13T10:00:00Z"))];
        let written = row(TableForm::Ndjson, cells);
        assert_eq!(written, "{\"a\":\"12\",\"b\":\"2025-11-13T10:00:00Z\"}\n");
    }
}
