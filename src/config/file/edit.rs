//! Changes of one value in the text of a settings file. Everything else, comments and order included, stays as
//! it is.

use std::ops::Range;

use toml_edit::{Array, Value};

use super::document::{Document, FileValue, PROFILE, place_of};

/// Mark of the order of bytes, which some editors begin a file with.
const MARK: char = '\u{feff}';

/// Returns the text with a value changed; `None` removes it. `is_typed` is true for values that stand without
/// quotes where they look like numbers or truth values.
///
/// # Errors
///
/// Says why the file has to be changed by hand.
pub(super) fn changed(
    text: &str,
    name: &str,
    profile: Option<&str>,
    values: Option<&[String]>,
    is_typed: bool,
) -> Result<String, String> {
    // A mark of the order of bytes belongs to no line.
    if let Some(rest) = text.strip_prefix(MARK) {
        let new = changed(rest, name, profile, values, is_typed)?;
        return Ok(format!("{MARK}{new}"));
    }
    let before = Document::read(text);
    if let Some(error) = before.errors.first() {
        let (line, _) = place_of(text, error.at);
        return Err(format!("line {line} of the file is not TOML; correct it first"));
    }
    let known = before.value(name, profile);
    let new = match (known, values) {
        (None, None) => return Ok(text.to_owned()),
        (Some(known), Some(values)) => {
            let mut new = text.to_owned();
            new.replace_range(known.value.clone(), &toml_of(values, is_typed));
            new
        }
        (Some(known), None) => without(text, known),
        (None, Some(values)) => {
            let line = format!("{name} = {}", toml_of(values, is_typed));
            with_line(text, &before, profile, &line)
        }
    };
    // Inline tables and dotted keys can be written in ways that a line does not fit into.
    let after = Document::read(&new);
    let others = |document: &Document| -> Vec<_> {
        let is_other = |it: &&FileValue| it.name != name || it.profile.as_deref() != profile;
        let content = |it: &FileValue| (it.name.clone(), it.profile.clone(), it.values.clone());
        document.values.iter().filter(is_other).map(content).collect()
    };
    let is_as_wanted = match values {
        Some(values) => after.value(name, profile).is_some_and(|it| {
            it.values.as_ref().is_ok_and(|it| it.len() == values.len() || values.is_empty())
        }),
        None => after.value(name, profile).is_none(),
    };
    if after.errors.is_empty() && is_as_wanted && others(&before) == others(&after) {
        Ok(new)
    } else {
        Err("the file is written in a way that only a person can change".to_owned())
    }
}

/// Returns values as TOML: one alone, several as a list.
fn toml_of(values: &[String], is_typed: bool) -> String {
    let one = |value: &String| -> Value {
        if !is_typed {
            return value.as_str().into();
        }
        match value.as_str() {
            "yes" | "true" | "on" => return true.into(),
            "no" | "false" | "off" => return false.into(),
            _ => {}
        }
        let number = value.parse::<i64>().ok().filter(|it| it.to_string() == *value);
        let factor = value.parse::<f64>().ok().filter(|it| it.is_finite());
        match (number, factor) {
            (Some(number), _) => number.into(),
            (None, Some(factor)) if factor.to_string() == *value => factor.into(),
            _ => value.as_str().into(),
        }
    };
    match values {
        [value] => one(value).to_string(),
        values => {
            let mut list = Array::new();
            values.iter().for_each(|value| list.push(one(value)));
            list.to_string()
        }
    }
}

/// Removes a value with its line; a comment at the end of the line stays, on a line of its own.
fn without(text: &str, value: &FileValue) -> String {
    let start = line_start(text, value.key.start);
    let end = line_end(text, value.value.end);
    let rest = text[value.value.end..end].trim();
    let before = &text[start..value.key.start];
    let new = match (before.trim().is_empty(), rest) {
        (true, "") => String::new(),
        (true, comment) if comment.starts_with('#') => {
            format!("{before}{comment}{}", line_break(text))
        }
        // A part of an inline table: the check of the result refuses it.
        _ => text[start..end].to_owned(),
    };
    format!("{}{new}{}", &text[..start], &text[end..])
}

/// Adds a line behind the last value of its table.
fn with_line(text: &str, document: &Document, profile: Option<&str>, line: &str) -> String {
    let of_table = document.values.iter().filter(|it| it.profile.as_deref() == profile);
    if let Some(last) = of_table.map(|it| it.value.end).max() {
        return insert(text, line_end(text, last), line);
    }
    let header = |name: &str| {
        text.split_inclusive('\n')
            .scan(0, |at, line| {
                let range = *at..*at + line.len();
                *at = range.end;
                Some((range, line))
            })
            .find(|(_, line)| line.split('#').next().is_some_and(|it| it.trim() == name))
            .map(|(range, _)| range)
    };
    match profile {
        Some(profile) => {
            let name = format!("[{PROFILE}.{}]", toml_key(profile));
            match header(&name) {
                Some(range) => insert(text, range.end, line),
                None => {
                    let end = line_break(text);
                    let gap = if text.is_empty() { "" } else { end };
                    insert(text, text.len(), &format!("{gap}{name}{end}{line}"))
                }
            }
        }
        None => match first_table(text) {
            Some(at) => {
                let at = comment_start(text, at);
                let end = line_break(text);
                format!("{}{line}{end}{end}{}", &text[..at], &text[at..])
            }
            None => insert(text, text.len(), line),
        },
    }
}

/// Inserts a line; adds the end of the line before it where that lacks one.
fn insert(text: &str, at: usize, line: &str) -> String {
    let (before, after) = text.split_at(at);
    let end = line_break(text);
    let gap = if before.is_empty() || before.ends_with('\n') { "" } else { end };
    format!("{before}{gap}{line}{end}{after}")
}

/// Returns what ends the lines of a text.
fn line_break(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |at| at + 1)
}

/// Returns the end of the line, its line break included.
fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |by| at + by + 1)
}

/// Returns the start of the first line that begins a table.
fn first_table(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with('[') {
            return Some(at);
        }
        at += line.len();
    }
    None
}

/// Returns the start of the comments directly above a line.
fn comment_start(text: &str, mut at: usize) -> usize {
    while at > 0 {
        let Range { start, end } = line_start(text, at - 1)..at;
        if !text[start..end].trim_start().starts_with('#') {
            break;
        }
        at = start;
    }
    at
}

/// Returns a name as a key: bare where that is possible.
fn toml_key(name: &str) -> String {
    let is_bare = |sign: char| sign.is_ascii_alphanumeric() || sign == '-' || sign == '_';
    if !name.is_empty() && name.chars().all(is_bare) {
        name.to_owned()
    } else {
        Value::from(name).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# Settings of the control room.

# Bright in the morning.
theme = \"light\"   # until noon
keep-runs = 50

# The wall.
[profile.wall-3]
kiosk = true
# Slow network.
reconnect-delay = 10
";

    fn change(text: &str, name: &str, profile: Option<&str>, value: Option<&str>) -> String {
        let values = value.map(|value| vec![value.to_owned()]);
        changed(text, name, profile, values.as_deref(), name != "theme").unwrap()
    }

    #[test]
    fn changed_value_leaves_everything_else_alone() {
        let new = change(FILE, "theme", None, Some("dark"));
        assert_eq!(new, FILE.replace("\"light\"", "\"dark\""));
        let new = change(FILE, "reconnect-delay", Some("wall-3"), Some("0.5"));
        assert_eq!(new, FILE.replace("delay = 10", "delay = 0.5"));
        let new = change(FILE, "kiosk", Some("wall-3"), Some("no"));
        assert_eq!(new, FILE.replace("kiosk = true", "kiosk = false"));
    }

    #[test]
    fn new_value_stands_behind_the_last_one_of_its_table() {
        let new = change(FILE, "speed", None, Some("2"));
        assert_eq!(new, FILE.replace("keep-runs = 50\n", "keep-runs = 50\nspeed = 2\n"));
        let new = change(FILE, "screen", Some("wall-3"), Some("2/3"));
        assert_eq!(new, format!("{FILE}screen = \"2/3\"\n"));
        let new = change(FILE, "speed", Some("at home"), Some("2"));
        assert_eq!(new, format!("{FILE}\n[profile.\"at home\"]\nspeed = 2\n"));
        assert_eq!(change("", "speed", None, Some("2")), "speed = 2\n");
        assert_eq!(change("# mine", "speed", None, Some("2")), "# mine\nspeed = 2\n");
        let new = change("# top\n\n# wall\n[profile.w]\n", "speed", None, Some("2"));
        assert_eq!(new, "# top\n\nspeed = 2\n\n# wall\n[profile.w]\n");
        let new = change("[profile.w] # big\n", "speed", Some("w"), Some("2"));
        assert_eq!(new, "[profile.w] # big\nspeed = 2\n");
    }

    #[test]
    fn line_ends_of_windows_and_the_mark_of_the_order_of_bytes_stay() {
        let text = format!("{MARK}{}", FILE.replace('\n', "\r\n"));
        let changes = [
            ("theme", None, None),
            ("keep-runs", None, None),
            ("speed", None, Some("2")),
            ("speed", Some("wall-3"), Some("2")),
            ("speed", Some("new"), Some("2")),
        ];
        for (name, profile, value) in changes {
            let plain = change(FILE, name, profile, value);
            let expected = format!("{MARK}{}", plain.replace('\n', "\r\n"));
            assert_eq!(change(&text, name, profile, value), expected, "{name}");
        }
        let first = format!("{MARK}theme = \"light\"\n");
        assert_eq!(change(&first, "theme", None, None), MARK.to_string());
        let table = format!("{MARK}[profile.w]\r\n");
        let expected = format!("{MARK}speed = 2\r\n\r\n[profile.w]\r\n");
        assert_eq!(change(&table, "speed", None, Some("2")), expected);
    }

    #[test]
    fn removed_value_leaves_its_comments() {
        let new = change(FILE, "theme", None, None);
        assert_eq!(new, FILE.replace("theme = \"light\"   # until noon", "# until noon"));
        let new = change(FILE, "keep-runs", None, None);
        assert_eq!(new, FILE.replace("keep-runs = 50\n", ""));
        assert_eq!(change(FILE, "speed", None, None), FILE);
    }

    #[test]
    fn file_that_cannot_be_changed_safely_is_refused() {
        let two = ["2".to_owned()];
        let inline = "profile = { w = { speed = 1, kiosk = true } }\n";
        assert!(changed(inline, "theme", Some("w"), Some(&two), true).is_err());
        assert!(changed(inline, "speed", Some("w"), None, true).is_err());
        let new = changed(inline, "speed", Some("w"), Some(&two), true);
        assert_eq!(new, Ok(inline.replace("speed = 1", "speed = 2")));
        let error = changed("theme = \n", "speed", None, Some(&two), true).unwrap_err();
        assert_eq!(error, "line 1 of the file is not TOML; correct it first");
    }

    #[test]
    fn text_that_looks_like_a_number_keeps_its_form() {
        for (text, toml) in
            [("2", "2"), ("0.50", "\"0.50\""), ("007", "\"007\""), ("4M", "\"4M\""), ("on", "true")]
        {
            assert_eq!(toml_of(&[text.to_owned()], true), toml);
        }
        assert_eq!(toml_of(&["42".to_owned()], false), "\"42\"");
        assert_eq!(toml_of(&["a\"b".to_owned(), "c".to_owned()], false), "['a\"b', \"c\"]");
    }
}
