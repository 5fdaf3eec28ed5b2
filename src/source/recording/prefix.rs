//! Prefixes that logs and event streams put before a line's JSON.
//!
//! | written by | line |
//! | --- | --- |
//! | server-sent events | `data: {…}`, between `event:`, `id:`, `retry:` and `:` lines |
//! | `docker logs -t`, `kubectl logs --timestamps` | `2026-11-23T10:00:00.000000000Z {…}` |
//! | `kubectl logs --prefix` | `[pod/amcs-0/backend] {…}` |
//! | container runtimes (CRI) | `2026-11-23T10:00:00.0Z stdout F {…}`; `P` where the line is split |
//! | `docker compose logs` | `backend-1  | {…}` |
//! | Docker's log files | `{"log":"{…}\n","stream":"stdout","time":"…"}` |
//! | `journalctl -o json` | `{"__CURSOR":"…","MESSAGE":"{…}"}` |
//! | any logger | text before and after an event or a recorded frame |

use std::borrow::Cow;

use serde::Deserialize;

use super::objects::Objects;
use crate::protocol::parse_instant;

/// Most prefixes removed from one line.
const MOST_PREFIXES: usize = 4;

/// Longest prefix of an unknown kind, in bytes.
const LONGEST_PREFIX: usize = 512;

/// A line without its prefixes.
pub(super) struct LogLine<'t> {
    pub(super) text: &'t str,
    /// True when the log split the line here: the next line continues it.
    pub(super) is_broken: bool,
}

/// Removes known prefixes from a line.
pub(super) fn without_prefix(line: &str) -> LogLine<'_> {
    let mut log_line = LogLine { text: line, is_broken: false };
    for _ in 0..MOST_PREFIXES {
        match without_one(log_line.text) {
            Some(LogLine { text, is_broken }) => {
                log_line = LogLine { text, is_broken: log_line.is_broken || is_broken };
            }
            None => break,
        }
    }
    log_line
}

fn without_one(line: &str) -> Option<LogLine<'_>> {
    let whole = |text| Some(LogLine { text, is_broken: false });
    let trimmed = line.trim_start();
    if let Some(data) = trimmed.strip_prefix("data:") {
        return whole(data.strip_prefix(' ').unwrap_or(data));
    }
    if let Some(rest) = trimmed.strip_prefix('[') {
        let (name, rest) = rest.split_once(']')?;
        let is_name =
            name.starts_with(char::is_alphanumeric) && !name.contains(['"', ',', '{', '[']);
        return (is_name && !rest.trim().is_empty()).then(|| rest.trim_start()).and_then(whole);
    }
    let (word, rest) = trimmed.split_once(' ')?;
    if word.len() >= "2026-11-23T10:00:00".len()
        && word.starts_with(|c: char| c.is_ascii_digit())
        && parse_instant(word).is_some()
    {
        for (tag, is_broken) in
            [("stdout F ", false), ("stderr F ", false), ("stdout P ", true), ("stderr P ", true)]
        {
            if let Some(text) = rest.strip_prefix(tag) {
                return Some(LogLine { text, is_broken });
            }
        }
        return whole(rest);
    }
    let is_name = word.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'));
    let text = rest.trim_start().strip_prefix('|').filter(|_| is_name)?;
    whole(text.strip_prefix(' ').unwrap_or(text))
}

/// Returns the part of a line that is an event or a recorded frame, without a logger's text around it.
pub(super) fn payload(line: &str) -> Option<&str> {
    let at = line.find('{').filter(|at| *at <= LONGEST_PREFIX)?;
    let objects = &line[at..=line.rfind('}').filter(|end| end > &at)?];
    let parts = Objects::default().feed(objects, 0);
    let is_frame = |text: &str| {
        text.contains("\"recv_ms\"") || text.contains("\"run_id\"") && text.contains("\"phase\"")
    };
    parts.first().filter(|part| part.is_whole && is_frame(&part.text)).map(|_| objects)
}

/// True for a line of server-sent events that holds no data.
pub(super) fn is_field(line: &str) -> bool {
    ["event:", "id:", "retry:", ":"].iter().any(|field| line.starts_with(field))
}

/// Output of a program in a line of a log in JSON.
pub(super) struct Logged<'t> {
    pub(super) text: Cow<'t, str>,
    /// True when the log split the output here: the next line continues it.
    pub(super) is_broken: bool,
}

/// Returns the output in a line of Docker's log files or of the systemd journal. In Docker's, output
/// without a final `\n` continues on the next line.
pub(super) fn logged_output(line: &str) -> Option<Logged<'_>> {
    #[derive(Deserialize)]
    struct Docker<'a> {
        #[serde(borrow)]
        log: Cow<'a, str>,
        #[serde(rename = "stream")]
        _stream: Cow<'a, str>,
    }
    #[derive(Deserialize)]
    struct Journal<'a> {
        #[serde(borrow, rename = "MESSAGE")]
        message: Cow<'a, str>,
        #[serde(borrow, rename = "__CURSOR")]
        _cursor: Cow<'a, str>,
    }
    if line.contains("\"log\"")
        && let Ok(Docker { log, .. }) = serde_json::from_str(line)
    {
        let (is_broken, length) = (!log.ends_with('\n'), log.trim_end_matches('\n').len());
        let text = match log {
            Cow::Borrowed(text) => Cow::Borrowed(&text[..length]),
            Cow::Owned(mut text) => {
                text.truncate(length);
                Cow::Owned(text)
            }
        };
        return Some(Logged { text, is_broken });
    }
    if line.contains("\"__CURSOR\"")
        && let Ok(Journal { message, .. }) = serde_json::from_str(line)
    {
        return Some(Logged { text: message, is_broken: false });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_prefixes_are_removed() {
        for (line, text) in [
            (r#"data: {"a":1}"#, r#"{"a":1}"#),
            (r#"data:{"a":1}"#, r#"{"a":1}"#),
            (r#"data:   "a": 1,"#, r#"  "a": 1,"#),
            (r#"2026-11-23T10:00:00.123456789Z {"a":1}"#, r#"{"a":1}"#),
            (r#"2026-11-23T10:00:00.1+01:00 stdout F {"a":1}"#, r#"{"a":1}"#),
            (r#"[pod/amcs-0/backend] {"a":1}"#, r#"{"a":1}"#),
            (r#"[pod/a/b] 2026-11-23T10:00:00Z {"a":1}"#, r#"{"a":1}"#),
            (r#"backend-1  | {"a":1}"#, r#"{"a":1}"#),
            (r#"backend-1  | data: {"a":1}"#, r#"{"a":1}"#),
            (r#"  "a": [1, 2],"#, r#"  "a": [1, 2],"#),
            (r#"["a"] x"#, r#"["a"] x"#),
            ("# Title | x", "# Title | x"),
            ("", ""),
        ] {
            let log_line = without_prefix(line);
            assert_eq!((log_line.text, log_line.is_broken), (text, false), "{line}");
        }
        let broken = without_prefix(r#"2026-11-23T10:00:00Z stdout P {"a"#);
        assert_eq!((broken.text, broken.is_broken), (r#"{"a"#, true));
    }

    #[test]
    fn frame_is_found_after_logger_text() {
        let frame = r#"{"run_id":"r","phase":"end"}"#;
        for words in ["INFO:root:", "2026-11-23 10:00:00,123 - amcs - INFO - ", "<6>x[1]: "] {
            assert_eq!(payload(&format!("{words}{frame}")), Some(frame), "{words}");
            assert_eq!(payload(&format!("{words}{frame} (3 subscribers)")), Some(frame), "{words}");
        }
        assert_eq!(payload("INFO {\"a\":1}"), None);
        assert_eq!(payload("INFO {"), None);
    }

    #[test]
    fn log_line_in_json_yields_its_output() {
        let output = |line: &str| {
            logged_output(line).map(|Logged { text, is_broken }| (text.into_owned(), is_broken))
        };
        let whole = Some((r#"{"a":1}"#.to_owned(), false));
        let docker = r#"{"log":"{\"a\":1}\n","stream":"stdout","time":"2026-11-23T10:00:00Z"}"#;
        assert_eq!(output(docker), whole);
        assert_eq!(output(r#"{"log":"{","stream":"stdout"}"#), Some(("{".to_owned(), true)));
        assert_eq!(output(r#"{"log":"x"}"#), None);
        let journal = r#"{"__CURSOR":"s=1","MESSAGE":"{\"a\":1}","_PID":"7"}"#;
        assert_eq!(output(journal), whole);
        assert_eq!(output(r#"{"MESSAGE":"x"}"#), None);
    }
}
