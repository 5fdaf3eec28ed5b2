//! Splits a stream of text into single JSON objects. Only braces, brackets and quotes are interpreted.
//! Commas, brackets and white space between objects are skipped, so the elements of an array come one
//! by one.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;

use crate::protocol::KEPT_OF_A_BAD_FRAME;
use crate::text;

/// Most bytes of a line or an object that is read as a frame: the largest message, escaped.
pub(super) const LONGEST_LINE: usize = 16 << 20;

/// Most keys named of JSON that is no event.
const MOST_KEYS: usize = 3;

/// An object, or text outside of any object.
#[derive(Debug, PartialEq)]
pub(super) struct Part {
    /// Line on which the part began.
    pub(super) line: u64,
    pub(super) text: String,
    /// True when `text` is a complete object, from its first brace to its last.
    pub(super) is_whole: bool,
}

/// Incremental splitter of text into objects.
#[derive(Default)]
pub(super) struct Objects {
    /// Text so far of the unfinished object.
    begun: String,
    /// Line on which the unfinished object began.
    line: u64,
    depth: usize,
    is_in_text: bool,
    is_escaped: bool,
}

impl Objects {
    /// True while an object is unfinished.
    pub(super) fn is_within(&self) -> bool {
        self.depth > 0
    }

    /// Reads more text; returns the parts that it completed.
    pub(super) fn feed(&mut self, text: &str, line: u64) -> Vec<Part> {
        let mut parts = Vec::new();
        // Start of the text that is not yet in `begun` or `parts`.
        let mut start = 0;
        for (at, byte) in text.bytes().enumerate() {
            if self.depth == 0 {
                if byte == b'{' {
                    parts.extend(left_over(&text[start..at], line));
                    start = at;
                    self.depth = 1;
                    self.line = line;
                }
            } else if self.is_in_text {
                match byte {
                    _ if self.is_escaped => self.is_escaped = false,
                    b'\\' => self.is_escaped = true,
                    b'"' => self.is_in_text = false,
                    _ => {}
                }
            } else {
                match byte {
                    b'"' => self.is_in_text = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => self.depth -= 1,
                    _ => {}
                }
                if self.depth == 0 {
                    self.begun.push_str(&text[start..=at]);
                    start = at + 1;
                    let text = std::mem::take(&mut self.begun);
                    parts.push(Part { line: self.line, text, is_whole: true });
                }
            }
        }
        if !self.is_within() {
            parts.extend(left_over(&text[start..], line));
        } else if self.begun.len() + text.len() - start > LONGEST_LINE {
            parts.push(self.give_up());
        } else {
            self.begun.push_str(&text[start..]);
        }
        parts
    }

    /// Ends the unfinished object and returns it as incomplete.
    pub(super) fn give_up(&mut self) -> Part {
        let given_up = std::mem::take(self);
        let text = text::head_of(&given_up.begun, KEPT_OF_A_BAD_FRAME).trim_end().to_owned();
        Part { line: given_up.line, text, is_whole: false }
    }
}

fn left_over(text: &str, line: u64) -> Option<Part> {
    let separator =
        |c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']' | '\0' | '\u{1e}' | '\u{feff}');
    let text = text::head_of(text.trim_matches(separator), KEPT_OF_A_BAD_FRAME);
    (!text.is_empty()).then(|| Part { line, text: text.to_owned(), is_whole: false })
}

/// True when a line is a complete frame of its own, even while an earlier object is unfinished.
pub(super) fn is_frame(line: &str) -> bool {
    let has = |key| line.contains(key);
    line.starts_with('{')
        && (has("\"recv_ms\"") || has("\"run_id\"") && has("\"phase\""))
        && matches!(&Objects::default().feed(line, 0)[..], [part] if part.is_whole)
}

/// Returns the first keys of an object, for a message.
pub(super) fn keys_of(json: &str) -> Option<String> {
    let keys: BTreeMap<String, IgnoredAny> = serde_json::from_str(json).ok()?;
    let shown = |key: &String| format!("`{}`", text::excerpt(key, 24));
    let shown: Vec<String> = keys.keys().take(MOST_KEYS).map(shown).collect();
    (!shown.is_empty()).then(|| shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(parts: Vec<Part>) -> Vec<(u64, String, bool)> {
        parts.into_iter().map(|part| (part.line, part.text, part.is_whole)).collect()
    }

    #[test]
    fn objects_end_at_their_own_brace() {
        let mut objects = Objects::default();
        assert_eq!(texts(objects.feed("[\n", 1)), []);
        assert_eq!(texts(objects.feed("{\"a\": \"}\\\"{\",\n", 2)), []);
        assert!(objects.is_within());
        let whole = "{\"a\": \"}\\\"{\",\n\"b\": [{}]}".to_owned();
        assert_eq!(
            texts(objects.feed("\"b\": [{}]}, {}{\"c\"\n", 3)),
            [(2, whole, true), (3, "{}".to_owned(), true)]
        );
        assert_eq!(
            texts(objects.feed(":1}, oops {}]\n", 4)),
            [
                (3, "{\"c\"\n:1}".to_owned(), true),
                (4, "oops".to_owned(), false),
                (4, "{}".to_owned(), true)
            ]
        );
        assert!(!objects.is_within());
    }

    #[test]
    fn endless_object_is_abandoned() {
        let mut objects = Objects::default();
        let filler = "x".repeat(LONGEST_LINE);
        let parts = objects.feed(&format!("{{\"a\": \"{filler}"), 1);
        assert_eq!(parts.len(), 1);
        assert!(!parts[0].is_whole && !objects.is_within());
    }

    #[test]
    fn lines_with_frame_keys_are_frames() {
        assert!(is_frame(r#"{"run_id": "r", "phase": "end"}"#));
        assert!(is_frame(r#"{"recv_ms": 1, "text": "{}"}"#));
        for line in
            [r#"  {"run_id": "r", "phase": "end"}"#, r#"{"run_id": "r"}"#, r#"{"run_id", "phase""#]
        {
            assert!(!is_frame(line), "{line}");
        }
    }
}
