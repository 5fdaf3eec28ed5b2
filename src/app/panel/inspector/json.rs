//! A JSON text as rows that can be folded. The text is read once; then the cost follows the rows that are
//! shown.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::protocol::readable_json;
use crate::text;

/// Depth below which values are not shown; the text itself has them.
const MOST_DEPTH: usize = 32;

/// Values of one text that are shown at most.
const MOST_LINES: usize = 20_000;

/// Rows of one long text that are shown at most.
const MOST_PARTS: usize = 20_000;

/// Members of an object or array up to which it is unfolded at first, unless it is in another one.
const MOST_UNFOLDED: usize = 40;

/// Longest beginning of a text that is shown on its own row, in characters.
const SHOWN_CHARS: usize = 160;

/// Name of a value within the one around it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    None,
    Key(Box<str>),
    Index(u32),
}

/// A value; objects and arrays have their members in the lines after them.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Object(u32),
    Array(u32),
    Text(Box<str>, TextSize),
    /// A number, `true`, `false` or `null`.
    Word(Box<str>),
}

/// Size of a text, measured once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TextSize {
    lines: u32,
    chars: u32,
}

impl TextSize {
    fn of(text: &str) -> Self {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self { lines: count(text.lines().count()), chars: count(text.chars().count()) }
    }
}

#[derive(Clone, Debug)]
struct Line {
    depth: u16,
    name: Name,
    value: Value,
    /// Index of the line after the value's last member.
    end: u32,
    is_folded: bool,
}

/// A row that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    Line(u32),
    /// Part of a long text, from one byte to another.
    Part(u32, u32, u32),
}

/// Words of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RowWords {
    /// Number of values around this one.
    pub depth: usize,
    /// Name with its colon; empty for a member of no object.
    pub name: String,
    /// Value, on one line.
    pub value: String,
    /// `Some(true)` for something folded, `Some(false)` for something unfolded.
    pub fold: Option<bool>,
}

/// A JSON text as lines.
#[derive(Clone, Debug, Default)]
pub(super) struct JsonTree {
    lines: Vec<Line>,
    rows: Vec<Row>,
    /// Characters on one row of a long text.
    columns: usize,
    /// Reason why values are missing; empty when all are shown.
    note: &'static str,
}

impl JsonTree {
    /// Reads a text. Of a text that is no JSON, or was cut, everything before the fault is shown.
    pub(super) fn read(json: &str, columns: usize) -> Self {
        let repaired = readable_json(json);
        let mut builder = Builder::default();
        let text = repaired.as_deref().unwrap_or(json);
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let seed = Seed { builder: &mut builder, depth: 0, name: Name::None };
        let read = seed.deserialize(&mut deserializer).and_then(|()| deserializer.end());
        let count = builder.lines.len() as u32;
        for line in &mut builder.lines {
            line.end = line.end.min(count);
            let members = match line.value {
                Value::Object(count) | Value::Array(count) => count as usize,
                Value::Text(..) | Value::Word(_) => 0,
            };
            line.is_folded = line.depth > 1 || members > MOST_UNFOLDED;
            line.is_folded |= matches!(line.value, Value::Text(..));
        }
        if let Some(first) = builder.lines.first_mut() {
            first.is_folded = false;
        }
        let note = match read {
            Err(_) => "The rest is not JSON, or was cut off. The copy has all that is kept.",
            Ok(()) if builder.is_full => "More values are not shown. The copy has all of them.",
            Ok(()) => "",
        };
        let mut tree = Self { lines: builder.lines, rows: Vec::new(), columns: 0, note };
        tree.set_columns(columns);
        tree
    }

    /// Number of rows that are shown.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Reason why values are missing; empty when all are shown.
    pub(super) fn note(&self) -> &'static str {
        self.note
    }

    /// Sets the number of characters on a row of a long text.
    pub(super) fn set_columns(&mut self, columns: usize) {
        let columns = columns.max(16);
        if self.columns != columns {
            self.columns = columns;
            self.arrange();
        }
    }

    /// Makes the rows anew.
    fn arrange(&mut self) {
        let mut rows = Vec::new();
        let mut at = 0;
        while let Some(line) = self.lines.get(at) {
            rows.push(Row::Line(at as u32));
            match &line.value {
                Value::Object(_) | Value::Array(_) if line.is_folded => at = line.end as usize,
                Value::Text(text, size) if !line.is_folded && self.is_long(*size) => {
                    add_parts(&mut rows, at as u32, text, self.columns);
                    at += 1;
                }
                _ => at += 1,
            }
        }
        self.rows = rows;
    }

    /// True when a text does not fit on its row.
    fn is_long(&self, size: TextSize) -> bool {
        size.lines > 1 || size.chars as usize > self.columns
    }

    /// True when a line can be folded.
    fn can_fold(&self, line: &Line) -> bool {
        match &line.value {
            Value::Object(members) | Value::Array(members) => *members > 0,
            Value::Text(_, size) => self.is_long(*size),
            Value::Word(_) => false,
        }
    }

    /// Folds or unfolds the value of a row; no effect where there is nothing to fold.
    pub(super) fn toggle(&mut self, row: usize) {
        let Some(Row::Line(index)) = self.rows.get(row).copied() else { return };
        let can_fold = self.lines.get(index as usize).is_some_and(|line| self.can_fold(line));
        if can_fold && let Some(line) = self.lines.get_mut(index as usize) {
            line.is_folded = !line.is_folded;
            self.arrange();
        }
    }

    /// Unfolds everything around the values that contain `search`, which is in ASCII lower case.
    pub(super) fn reveal(&mut self, search: &str) {
        if search.is_empty() {
            return;
        }
        // Values around the one that is looked at.
        let mut around: Vec<usize> = Vec::new();
        let mut unfolded = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            while around.last().is_some_and(|last| self.lines[*last].end as usize <= index) {
                around.pop();
            }
            if has(line, search) {
                unfolded.append(&mut around.clone());
            }
            if matches!(line.value, Value::Object(_) | Value::Array(_)) {
                around.push(index);
            }
        }
        for index in unfolded {
            self.lines[index].is_folded = false;
        }
        self.arrange();
    }

    /// Returns what a row says.
    pub(super) fn words(&self, row: usize) -> Option<RowWords> {
        match *self.rows.get(row)? {
            Row::Part(index, from, to) => {
                let line = self.lines.get(index as usize)?;
                let Value::Text(all, _) = &line.value else { return None };
                let part = all.get(from as usize..to as usize).unwrap_or_default();
                let value = text::one_line(part).into_owned();
                let depth = usize::from(line.depth) + 1;
                Some(RowWords { depth, name: String::new(), value, fold: None })
            }
            Row::Line(index) => {
                let line = self.lines.get(index as usize)?;
                let name = match &line.name {
                    Name::None => String::new(),
                    Name::Key(key) => format!("{}:", text::excerpt(key, SHOWN_CHARS)),
                    Name::Index(index) => format!("{index}:"),
                };
                let fold = self.can_fold(line).then_some(line.is_folded);
                let value = self.value_words(index as usize, line);
                Some(RowWords { depth: line.depth.into(), name, value, fold })
            }
        }
    }

    fn value_words(&self, index: usize, line: &Line) -> String {
        match &line.value {
            Value::Object(0) => "{}".to_owned(),
            Value::Array(0) => "[]".to_owned(),
            Value::Object(_) if line.is_folded => {
                let end = line.end as usize;
                let mut names = Vec::new();
                let mut at = index + 1;
                while at < end && names.len() < 4 {
                    let Some(member) = self.lines.get(at) else { break };
                    if let Name::Key(key) = &member.name {
                        names.push(text::excerpt(key, 24));
                    }
                    at = member.end as usize;
                }
                let more = if at < end { " …" } else { "" };
                format!("{{ {}{more} }}", names.join(", "))
            }
            Value::Array(members) if line.is_folded => match members {
                1 => "[ 1 item ]".to_owned(),
                members => format!("[ {members} items ]"),
            },
            Value::Object(_) => "{".to_owned(),
            Value::Array(_) => "[".to_owned(),
            Value::Text(all, size) => {
                let head = text::excerpt(all, SHOWN_CHARS);
                match size.lines {
                    _ if !self.is_long(*size) => format!("\"{head}\""),
                    0 | 1 => format!("\"{head}\" {} characters", size.chars),
                    lines => format!("\"{head}\" {lines} lines"),
                }
            }
            Value::Word(word) => word.to_string(),
        }
    }

    /// Returns the value of a row for the clipboard: a text as it is, anything else as JSON.
    pub(super) fn copy(&self, row: usize) -> String {
        let index = match self.rows.get(row) {
            Some(Row::Line(index) | Row::Part(index, ..)) => *index as usize,
            None => return String::new(),
        };
        match self.lines.get(index).map(|line| &line.value) {
            None => String::new(),
            Some(Value::Text(text, _)) => text.to_string(),
            Some(_) => {
                let mut out = String::new();
                self.write(index, 0, &mut out);
                out
            }
        }
    }

    /// Writes a value as indented JSON.
    fn write(&self, index: usize, depth: usize, out: &mut String) {
        let Some(line) = self.lines.get(index) else { return };
        let (open, close) = match &line.value {
            Value::Word(word) => return out.push_str(word),
            Value::Text(text, _) => return out.push_str(&quoted(text)),
            Value::Object(_) => ('{', '}'),
            Value::Array(_) => ('[', ']'),
        };
        out.push(open);
        let end = line.end as usize;
        let mut at = index + 1;
        let indent = |out: &mut String, depth: usize| {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", depth));
        };
        while at < end
            && let Some(member) = self.lines.get(at)
        {
            if at > index + 1 {
                out.push(',');
            }
            indent(out, depth + 1);
            if let Name::Key(key) = &member.name {
                out.push_str(&quoted(key));
                out.push_str(": ");
            }
            self.write(at, depth + 1, out);
            at = member.end as usize;
        }
        if end > index + 1 {
            indent(out, depth);
        }
        out.push(close);
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// True when name or value of a line contain `search`, which is in ASCII lower case.
fn has(line: &Line, search: &str) -> bool {
    let name = matches!(&line.name, Name::Key(key) if find(key, search).is_some());
    name || match &line.value {
        Value::Text(text, _) | Value::Word(text) => find(text, search).is_some(),
        Value::Object(_) | Value::Array(_) => false,
    }
}

/// Returns where `search`, which is in ASCII lower case, begins in `text`, whatever the case of ASCII letters.
pub(super) fn find(text: &str, search: &str) -> Option<usize> {
    let (text, search) = (text.as_bytes(), search.as_bytes());
    let (first, _) = search.split_first()?;
    let upper = first.to_ascii_uppercase();
    text.windows(search.len()).position(|window| {
        (window[0] == *first || window[0] == upper) && window.eq_ignore_ascii_case(search)
    })
}

/// Adds the rows of a long text: its lines, each cut where a row ends.
fn add_parts(rows: &mut Vec<Row>, index: u32, text: &str, columns: usize) {
    let most = rows.len() + MOST_PARTS;
    let (mut from, mut chars) = (0, 0);
    for (at, c) in text.char_indices() {
        if rows.len() >= most {
            return;
        }
        if c == '\n' || chars == columns {
            rows.push(Row::Part(index, from as u32, at as u32));
            chars = 0;
            from = if c == '\n' { at + 1 } else { at };
        }
        chars += usize::from(c != '\n');
    }
    if from < text.len() {
        rows.push(Row::Part(index, from as u32, text.len() as u32));
    }
}

/// Collects the lines of a text while it is read.
#[derive(Default)]
struct Builder {
    lines: Vec<Line>,
    is_full: bool,
}

/// Reads one value into a [`Builder`].
struct Seed<'b> {
    builder: &'b mut Builder,
    depth: usize,
    name: Name,
}

impl Seed<'_> {
    fn push(self, value: Value) {
        let end = self.builder.lines.len() as u32 + 1;
        self.builder.lines.push(Line {
            depth: self.depth as u16,
            name: self.name,
            value,
            end,
            is_folded: false,
        });
    }
}

/// Sets number of members and end of an object or array that has been read up to here.
fn close(builder: &mut Builder, index: usize, members: u32) {
    let end = builder.lines.len() as u32;
    if let Some(line) = builder.lines.get_mut(index) {
        line.end = end;
        match &mut line.value {
            Value::Object(count) | Value::Array(count) => *count = members,
            Value::Text(..) | Value::Word(_) => {}
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.builder.lines.len() >= MOST_LINES {
            self.builder.is_full = true;
            deserializer.deserialize_ignored_any(IgnoredAny)?;
            return Ok(());
        }
        if self.depth >= MOST_DEPTH {
            self.builder.is_full = true;
            deserializer.deserialize_ignored_any(IgnoredAny)?;
            self.push(Value::Word("…".into()));
            return Ok(());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.push(Value::Word(if value { "true" } else { "false" }.into()));
        Ok(())
    }
    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.push(Value::Word(value.to_string().into()));
        Ok(())
    }
    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.push(Value::Word(value.to_string().into()));
        Ok(())
    }
    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        let number = serde_json::Number::from_f64(value);
        let word = number.map_or_else(|| "null".to_owned(), |number| number.to_string());
        self.push(Value::Word(word.into()));
        Ok(())
    }
    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.push(Value::Text(value.into(), TextSize::of(value)));
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        self.push(Value::Word("null".into()));
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Seed { builder, depth, name } = self;
        let index = builder.lines.len();
        Seed { builder: &mut *builder, depth, name }.push(Value::Array(0));
        let mut members = 0;
        loop {
            let name = Name::Index(members);
            let seed = Seed { builder: &mut *builder, depth: depth + 1, name };
            let more = seq.next_element_seed(seed);
            members += u32::from(matches!(more, Ok(Some(()))));
            close(builder, index, members);
            if more?.is_none() {
                return Ok(());
            }
        }
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Seed { builder, depth, name } = self;
        let index = builder.lines.len();
        Seed { builder: &mut *builder, depth, name }.push(Value::Object(0));
        let mut members = 0;
        while let Some(key) = map.next_key::<String>()? {
            let name = Name::Key(key.into());
            let seed = Seed { builder: &mut *builder, depth: depth + 1, name };
            let read = map.next_value_seed(seed);
            members += 1;
            close(builder, index, members);
            read?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
