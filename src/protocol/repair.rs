//! Repair of text that is not JSON: tokens that writers in Python, JavaScript and C emit although JSON
//! lacks them, and several values where one was expected. Pure, and linear in the length of the text.
//!
//! | in the text | read as |
//! | --- | --- |
//! | `NaN`, `Infinity`, `-inf`, `undefined`, `None`, a number beyond every float | `null` |
//! | `True`, `False`, `+1`, `.5`, `5.`, `007` | `true`, `false`, `1`, `0.5`, `5`, `7` |
//! | `\ud83d` without its other half, `\u12` | U+FFFD |
//! | `\x1b`, `\'`, `\0`, and other escapes that JSON lacks | the character |
//! | a control character within a string | the same, escaped |
//! | `,` before `}` or `]` | nothing |
//! | `1,5` as the value of a field | `1.5` |
//! | `{…}{…}`, also separated by blanks, commas, line breaks, NUL or U+001E | separate values |
//! | an array that is cut off | its complete elements |
//! | `{"run_id":"r","pha{…}{…}`, an object that is cut off before others | the others |
//!
//! Otherwise only tokens are changed: an object whose structure is broken remains unreadable.

use std::borrow::Cow;

/// Maximum number of values read from one text; the rest is left over.
const MOST_PIECES: usize = 1 << 16;

/// Maximum number of objects without an end, nested ones included, after which one text is searched for
/// further objects. Each search may read the whole text.
const MOST_BROKEN: usize = 16;

/// A part of a text.
#[derive(Debug, PartialEq)]
pub(super) enum Piece<'t> {
    /// A complete object or array. It is valid JSON unless its structure is broken.
    Value(Cow<'t, str>),
    /// Text that belongs to no value.
    LeftOver(&'t str),
}

/// Splits a text into its values.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut is_in_array = false;
    let mut searches = MOST_BROKEN;
    loop {
        let separator = |c: char| {
            c.is_whitespace()
                || matches!(c, ',' | '\u{1e}' | '\0' | '\u{feff}')
                || is_in_array && c == ']'
        };
        rest = rest.trim_start_matches(separator);
        if rest.is_empty() {
            return pieces;
        }
        if pieces.len() >= MOST_PIECES {
            pieces.push(Piece::LeftOver(rest));
            return pieces;
        }
        if !rest.starts_with(['{', '[']) {
            let end = rest.find('{').unwrap_or(rest.len());
            pieces.push(Piece::LeftOver(rest[..end].trim_end()));
            rest = &rest[end..];
        } else if let Some((value, length)) = value(rest) {
            pieces.push(Piece::Value(value));
            rest = &rest[length..];
        } else if rest.starts_with('[') && !is_in_array {
            is_in_array = true;
            rest = &rest[1..];
        } else {
            let end = next_event(rest, &mut searches).unwrap_or(rest.len());
            pieces.push(Piece::LeftOver(rest[..end].trim_end()));
            rest = &rest[end..];
        }
    }
}

/// Returns where the next complete event begins in a text that begins with an object without an end, as
/// a writer leaves it that is killed within a line and started again. Complete objects that are no event
/// are parts of the broken one.
fn next_event(text: &str, searches: &mut usize) -> Option<usize> {
    *searches = searches.checked_sub(1)?;
    let mut at = 1;
    loop {
        at += text[at..].find("{\"")?;
        let Some((value, length)) = value(&text[at..]) else {
            *searches = searches.checked_sub(1)?;
            at += 1;
            continue;
        };
        if value.contains("\"run_id\"") && value.contains("\"phase\"") {
            return Some(at);
        }
        at += length;
    }
}

/// Returns the only value of a text as JSON; `None` if the text contains anything else.
pub(super) fn only_value(text: &str) -> Option<Cow<'_, str>> {
    let mut pieces = pieces(text);
    match (pieces.pop(), pieces.is_empty()) {
        (Some(Piece::Value(value)), true) => Some(value),
        _ => None,
    }
}

/// Ranges of a text and their replacements, in order.
type Edits = Vec<(usize, usize, Cow<'static, str>)>;

/// Returns the object or array at the beginning of a text, and its length; `None` if it has no end.
fn value(text: &str) -> Option<(Cow<'_, str>, usize)> {
    let bytes = text.as_bytes();
    let mut edits = Edits::new();
    // The opening brackets of the values around.
    let mut around = Vec::new();
    // Position of the last comma, as long as only white space has followed it.
    let mut comma = None;
    // Range of the last whole number, as long as only a comma has followed it.
    let mut whole = 0..0;
    let mut at = 0;
    loop {
        let byte = *bytes.get(at)?;
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => at += 1,
            b',' => {
                comma = Some(at);
                at += 1;
            }
            b'}' | b']' => {
                edits.extend(comma.take().map(|comma| (comma, comma + 1, Cow::Borrowed(""))));
                around.pop()?;
                at += 1;
                if around.is_empty() {
                    return Some((edited(&text[..at], &edits), at));
                }
            }
            b'0'..=b'9' if around.last() == Some(&b'{') && comma == Some(whole.end) => {
                // A word where a name is expected: the decimals of a number with a comma.
                edits.push((whole.end, at, ".".into()));
                (comma, whole) = (None, 0..0);
                at += bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            }
            _ => {
                comma = None;
                match byte {
                    b'{' | b'[' => {
                        around.push(byte);
                        at += 1;
                    }
                    b':' => at += 1,
                    b'"' => at = text_end(text, at + 1, &mut edits)?,
                    _ => {
                        let end = word_end(text, at, &mut edits);
                        let digits = text[at..end].strip_prefix('-').unwrap_or(&text[at..end]);
                        let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit());
                        whole = if is_whole { at..end } else { 0..0 };
                        at = end;
                    }
                }
            }
        }
    }
}

fn edited<'t>(text: &'t str, edits: &Edits) -> Cow<'t, str> {
    if edits.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut done = 0;
    for (start, end, replacement) in edits {
        out.push_str(&text[done..*start]);
        out.push_str(replacement);
        done = *end;
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

/// Returns the position after the closing quote of the string whose content begins at `at`.
fn text_end(text: &str, mut at: usize, edits: &mut Edits) -> Option<usize> {
    let bytes = text.as_bytes();
    loop {
        match *bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at = escape_end(bytes, at, edits)?,
            control @ 0..0x20 => {
                edits.push((at, at + 1, format!("\\u{control:04x}").into()));
                at += 1;
            }
            _ => at += 1,
        }
    }
}

/// Returns the position after the escape that begins at `at`.
fn escape_end(bytes: &[u8], at: usize, edits: &mut Edits) -> Option<usize> {
    let mut replace = |length: usize, with: Cow<'static, str>| {
        edits.push((at, at + length, with));
        Some(at + length)
    };
    match *bytes.get(at + 1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 2),
        b'u' => match code_unit(bytes, at) {
            Some(0xd800..=0xdbff) if matches!(code_unit(bytes, at + 6), Some(0xdc00..=0xdfff)) => {
                Some(at + 12)
            }
            Some(0xd800..=0xdfff) => replace(6, "\\ufffd".into()),
            Some(_) => Some(at + 6),
            None => {
                let digits = bytes[at + 2..].iter().take(4);
                let digits = digits.take_while(|byte| byte.is_ascii_hexdigit()).count();
                replace(2 + digits, "\\ufffd".into())
            }
        },
        b'x' => match bytes.get(at + 2..at + 4).and_then(hex) {
            Some(code) => replace(4, format!("\\u{code:04x}").into()),
            None => replace(1, "\\\\".into()),
        },
        b'\'' => replace(2, "'".into()),
        b'0' => replace(2, "\\u0000".into()),
        b'a' => replace(2, "\\u0007".into()),
        b'e' => replace(2, "\\u001b".into()),
        b'v' => replace(2, "\\u000b".into()),
        _ => replace(1, "\\\\".into()),
    }
}

/// Returns the UTF-16 code unit of the `\uXXXX` at `at`; `None` if there is none.
fn code_unit(bytes: &[u8], at: usize) -> Option<u32> {
    let escape = bytes.get(at..at + 6)?;
    escape.strip_prefix(b"\\u").and_then(hex)
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |code, digit| Some(code << 4 | char::from(*digit).to_digit(16)?))
}

/// Returns the position after the unquoted word that begins at `at`.
fn word_end(text: &str, at: usize, edits: &mut Edits) -> usize {
    let ends =
        |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | ',' | ':' | '{' | '}' | '[' | ']' | '"');
    let end = text[at..].find(ends).map_or(text.len(), |length| at + length);
    let word = &text[at..end];
    let number = word.parse::<f64>().ok().filter(|number| number.is_finite());
    let replacement = match (word, number) {
        ("true" | "false" | "null", _) => return end,
        ("True", _) => "true".into(),
        ("False", _) => "false".into(),
        (_, Some(_)) if is_json_number(word) => return end,
        (_, Some(number)) => number.to_string().into(),
        (_, None) => "null".into(),
    };
    edits.push((at, end, replacement));
    end
}

/// True for a number in JSON's syntax (RFC 8259, section 6).
fn is_json_number(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let word = word.strip_prefix('-').unwrap_or(word);
    let (mantissa, exponent) = match word.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (word, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, json: &str) {
        assert_eq!(only_value(text).as_deref(), Some(json), "{text}");
        assert!(serde_json::from_str::<serde_json::Value>(json).is_ok(), "{json}");
        assert!(matches!(only_value(json), Some(Cow::Borrowed(_))), "JSON is left alone: {json}");
    }

    #[test]
    fn replaces_tokens_that_json_lacks() {
        check(r#"{"a":NaN,"b":[-Infinity, +inf]}"#, r#"{"a":null,"b":[null, null]}"#);
        check(r#"{"a":undefined,"b":None,"c":True}"#, r#"{"a":null,"b":null,"c":true}"#);
        check(r#"[1e999,-1e999,1e308]"#, r#"[null,null,1e308]"#);
        check(r#"[+1,.5,5.,007,-0,1E+2]"#, r#"[1,0.5,5,7,-0,1E+2]"#);
        check(r#"{"a":18446744073709551616}"#, r#"{"a":18446744073709551616}"#);
        check("{\"a\":1,\n }", "{\"a\":1\n }");
        check("[1,[],]", "[1,[]]");
        check(r#"{"a":-1,5,"b":0,25}"#, r#"{"a":-1.5,"b":0.25}"#);
        check(r#"{"a":[1,5],"b":1,"c":2}"#, r#"{"a":[1,5],"b":1,"c":2}"#);
    }

    #[test]
    fn replaces_escapes_that_json_lacks() {
        check(r#"["t\udce9.wav","\ud83d","\ud83dx"]"#, r#"["t\ufffd.wav","\ufffd","\ufffdx"]"#);
        check(r#"["\ud83d\ude00\ude00"]"#, r#"["\ud83d\ude00\ufffd"]"#);
        check(r#"["\ud83d\ud83d\ude00"]"#, r#"["\ufffd\ud83d\ude00"]"#);
        check(
            r#"["\u12","\x1b[1m","it\'s","C:\dir"]"#,
            r#"["\ufffd","\u001b[1m","it's","C:\\dir"]"#,
        );
        check("[\"a\nb\tc\0\"]", r#"["a\u000ab\u0009c\u0000"]"#);
    }

    #[test]
    fn splits_text_into_its_values() {
        let values = |text: &str| {
            let values = pieces(text).into_iter().map(|piece| match piece {
                Piece::Value(value) => value.into_owned(),
                Piece::LeftOver(text) => format!("left over: {text}"),
            });
            values.collect::<Vec<_>>()
        };
        assert_eq!(values("{}{\"a\":\"}{\"}\n{}"), ["{}", "{\"a\":\"}{\"}", "{}"]);
        assert_eq!(values("\u{1e}{},\0[{}] , "), ["{}", "[{}]"]);
        assert_eq!(values("[{\"a\":NaN},{\"b\""), ["{\"a\":null}", "left over: {\"b\""]);
        assert_eq!(values("a {} b"), ["left over: a", "{}", "left over: b"]);
        assert_eq!(values("{}}"), ["{}", "left over: }"]);
        let event = r#"{"run_id":"r","phase":"end","data":{"a":1}}"#;
        for cut in 2..event.len() - 1 {
            let expected = [&format!("left over: {}", event[..cut].trim_end()), event, event];
            let text = format!("{}{event}{event}", &event[..cut]);
            assert_eq!(values(&text), expected, "{cut}");
        }
        // Complete objects within the broken one are no events.
        let inner = r#"{"a":{"b":1}},"#.repeat(5);
        let broken = format!(r#"{{"run_id":"r","phase":"end","data":[{inner}{{"c"#);
        let expected = [&format!("left over: {broken}"), event, event];
        assert_eq!(values(&format!("{broken}{event}{event}")), expected);
        // Several broken ones in a row, cut off within nested objects.
        let broken = r#"{"run_id":"r","data":{"scores":{"to"#.repeat(4);
        let expected = [&format!("left over: {broken}"), event, event];
        assert_eq!(values(&format!("{broken}{event}{event}")), expected);
        assert_eq!(values(""), [""; 0]);
        assert_eq!(pieces(&"{}".repeat(MOST_PIECES + 5)).len(), MOST_PIECES + 1);
    }

    #[test]
    fn repairs_hostile_text_in_linear_time() {
        let began = std::time::Instant::now();
        let event = r#"{"{"run_id":"r","phase":"end"}"#;
        let inner = r#"{"a":{"b":1},{"#;
        let texts =
            ["[", "{\"a\":", "{", "\"", "\\", "[{", "x{", "]", "{\u{c}", "{\0", event, inner];
        for text in texts {
            let text = text.repeat(400_000 / text.len());
            assert!(pieces(&text).len() <= MOST_PIECES + 1);
            assert!(only_value(&text).is_none());
        }
        assert!(began.elapsed().as_secs() < 10);
    }
}
