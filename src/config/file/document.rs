//! The text of a settings file → values with their places. What cannot be read costs its line, no more.

use std::ops::Range;

use toml_edit::{Document as Toml, Item, Table, Value};

/// Name of the table that holds the profiles.
pub(super) const PROFILE: &str = "profile";

/// Number of lines that may be wrong; the rest of the file is not read after that.
const MOST_ERRORS: usize = 20;

/// A value of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FileValue {
    /// Key.
    pub name: String,
    /// Profile whose table has it; `None` for the top level.
    pub profile: Option<String>,
    /// Values as text; the reason if no option takes such a value.
    pub values: Result<Vec<String>, &'static str>,
    /// Bytes of the key, and of the value.
    pub key: Range<usize>,
    pub value: Range<usize>,
}

/// The values of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Document {
    /// Values of the top level and of all profiles, in the order of the file.
    pub values: Vec<FileValue>,
    /// Names of the profiles.
    pub profiles: Vec<String>,
    /// Lines that are not TOML.
    pub errors: Vec<WrongLine>,
}

/// A line that is not TOML.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WrongLine {
    /// Place of the mistake, in bytes.
    pub at: usize,
    /// Reason.
    pub words: String,
    /// True when it begins a table: nobody knows which table the values below belong to.
    pub is_header: bool,
}

impl Document {
    /// Reads a text.
    pub(super) fn read(text: &str) -> Self {
        let mut errors: Vec<WrongLine> = Vec::new();
        let mut left = text.to_owned();
        while errors.len() < MOST_ERRORS {
            let error = match Toml::parse(left.as_str()) {
                Ok(toml) => {
                    errors.sort_by_key(|error| error.at);
                    let mut document = Self { errors, ..Self::default() };
                    document.take(toml.as_table());
                    document.values.sort_by_key(|value| value.key.start);
                    return document;
                }
                Err(error) => error,
            };
            let at = error.span().map_or(0, |span| span.start).min(left.len());
            let words = error.message().lines().next().unwrap_or_default().to_owned();
            // The error may stand at the end of its line, or of the whole text.
            let line = line_with_text(&left, at);
            let Some(line) = line else { break };
            let place = if line.contains(&at) { at } else { line.start };
            let is_header = is_header(&left[line.clone()]);
            errors.push(WrongLine { at: place, words, is_header });
            let out = if is_header { line.start..next_header(&left, line.end) } else { line };
            // Spaces keep the places of everything else.
            let spaces = |part: &str| " ".repeat(part.len());
            let blank: Vec<String> = left[out.clone()].split('\n').map(spaces).collect();
            left.replace_range(out, &blank.join("\n"));
        }
        errors.sort_by_key(|error| error.at);
        Self { errors, ..Self::default() }
    }

    fn take(&mut self, top: &Table) {
        for (name, item) in top.iter() {
            if name != PROFILE {
                self.take_value(top, name, item, None);
                continue;
            }
            let Some(profiles) = item.as_table_like() else {
                self.take_value(top, name, item, None);
                continue;
            };
            for (profile, item) in profiles.iter() {
                self.profiles.push(profile.to_owned());
                let Some(table) = item.as_table_like() else { continue };
                for (name, item) in table.iter() {
                    let key = table.key(name).and_then(toml_edit::Key::span);
                    self.values.extend(file_value(name, key, item, Some(profile)));
                }
            }
        }
    }

    fn take_value(&mut self, table: &Table, name: &str, item: &Item, profile: Option<&str>) {
        let key = table.key(name).and_then(toml_edit::Key::span);
        self.values.extend(file_value(name, key, item, profile));
    }

    /// Returns the value of a key in a profile, or at the top level.
    pub(super) fn value(&self, name: &str, profile: Option<&str>) -> Option<&FileValue> {
        self.values.iter().find(|it| it.name == name && it.profile.as_deref() == profile)
    }
}

fn file_value(
    name: &str,
    key: Option<Range<usize>>,
    item: &Item,
    profile: Option<&str>,
) -> Option<FileValue> {
    let value = item.span().or_else(|| key.clone())?;
    Some(FileValue {
        name: name.to_owned(),
        profile: profile.map(str::to_owned),
        values: match item {
            Item::Value(Value::Array(array)) => array.iter().map(text_of).collect(),
            Item::Value(value) => text_of(value).map(|text| vec![text]),
            Item::None | Item::Table(_) | Item::ArrayOfTables(_) => Err("a table is no value"),
        },
        key: key.unwrap_or_else(|| value.clone()),
        value,
    })
}

fn text_of(value: &Value) -> Result<String, &'static str> {
    match value {
        Value::String(text) => Ok(text.value().clone()),
        Value::Integer(number) => Ok(number.value().to_string()),
        Value::Float(number) => Ok(number.value().to_string()),
        Value::Boolean(on) => Ok(if *on.value() { "yes" } else { "no" }.to_owned()),
        Value::Datetime(_) => Err("a date needs quotes"),
        Value::Array(_) | Value::InlineTable(_) => Err("a table is no value"),
    }
}

/// Returns the bytes of the last line up to `at` that has text, without its end.
fn line_with_text(text: &str, at: usize) -> Option<Range<usize>> {
    let mut end = text[at..].find('\n').map_or(text.len(), |by| at + by);
    loop {
        let start = text[..end].rfind('\n').map_or(0, |at| at + 1);
        if !text[start..end].trim().is_empty() {
            return Some(start..end);
        }
        end = start.checked_sub(1)?;
    }
}

/// True for a line that begins a table.
fn is_header(line: &str) -> bool {
    line.trim_start().starts_with('[')
}

/// Returns the start of the next line that begins a table, or the end of the text.
fn next_header(text: &str, from: usize) -> usize {
    let mut at = from;
    for line in text[from..].split_inclusive('\n') {
        if is_header(line) {
            return at;
        }
        at += line.len();
    }
    text.len()
}

/// Returns line and column of a byte, from 1.
pub(super) fn place_of(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(String, Option<String>, String)> {
        let document = Document::read(text);
        let value = |it: FileValue| (it.name, it.profile, it.values.unwrap().join("|"));
        document.values.into_iter().map(value).collect()
    }

    #[test]
    fn values_of_all_kinds_become_text() {
        let text = "theme = 'light'\nspeed = 2.5\nkeep-runs = 50\npanel = true\nrun = [\"a\", 'b']\n\
                    [profile.wall-3]\nkiosk = true\n";
        let expected = [
            ("theme", None, "light"),
            ("speed", None, "2.5"),
            ("keep-runs", None, "50"),
            ("panel", None, "yes"),
            ("run", None, "a|b"),
            ("kiosk", Some("wall-3"), "yes"),
        ];
        let expected = expected.map(|(name, profile, value)| {
            (name.to_owned(), profile.map(str::to_owned), value.to_owned())
        });
        assert_eq!(values(text), expected);
    }

    #[test]
    fn line_that_is_not_toml_costs_only_itself() {
        for wrong in ["reconnect-delay = ", "= 3", "theme light", "x = \"open", "a = 1 b = 2"] {
            let text = format!("theme = \"light\"\n{wrong}\nspeed = 2\n");
            let document = Document::read(&text);
            let names: Vec<&str> = document.values.iter().map(|it| it.name.as_str()).collect();
            assert_eq!(names, ["theme", "speed"], "{wrong}");
            let places: Vec<usize> =
                document.errors.iter().map(|error| place_of(&text, error.at).0).collect();
            assert_eq!(places, [2], "{wrong}");
        }
    }

    #[test]
    fn values_below_a_wrong_header_become_none_of_another_table() {
        for wrong in ["[profile.wall-3", "[[", "[profile.home]", "  [profile.wall-3]]"] {
            let text = format!(
                "theme = \"light\"\n[profile.home]\nspeed = 2\n{wrong}\nkiosk = true\n\nspeed = 9\n\
                 [profile.last]\nspeed = 3\n"
            );
            let document = Document::read(&text);
            let found: Vec<(&str, Option<&str>)> = document
                .values
                .iter()
                .map(|it| (it.name.as_str(), it.profile.as_deref()))
                .collect();
            let expected = [("theme", None), ("speed", Some("home")), ("speed", Some("last"))];
            assert_eq!(found, expected, "{wrong}");
            let errors: Vec<(usize, bool)> =
                document.errors.iter().map(|it| (place_of(&text, it.at).0, it.is_header)).collect();
            assert_eq!(errors, [(4, true)], "{wrong}");
        }
    }

    #[test]
    fn no_text_panics() {
        for text in
            ["", "\n\n", "\"", "'''", "[", "=", "\u{feff}", "a=1\na=2", "[profile]\nx=1", "é = ö"]
        {
            Document::read(text);
        }
        let many = "x\n".repeat(1_000);
        assert_eq!(Document::read(&many).errors.len(), MOST_ERRORS);
    }
}
