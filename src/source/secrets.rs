//! Secrets of a connection, and their removal from everything that a server sends before anybody can
//! see, log or store it. Pure.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use form_urlencoded::byte_serialize;

use super::{Access, Credentials, SourceUrl};
use crate::text::is_dropped;

/// Shortest secret in bytes that is hidden in messages. A shorter one occurs in too many words and is
/// easily guessed anyway.
const LEAST_IN_WORDS: usize = 4;

/// Shortest secret in bytes that is hidden in events and responses, where other data must stay intact.
const LEAST_IN_DATA: usize = 8;

/// Secret texts of a connection.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(Vec<String>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

impl Secrets {
    /// Collects the secrets sent to `url`: the token, user and password, and secret query parameters.
    /// Each is kept in every spelling in which a server may return it.
    pub fn new(credentials: Option<&Credentials>, url: &SourceUrl) -> Self {
        let mut texts: Vec<String> = Vec::new();
        if let Some(credentials) = credentials {
            texts.push(credentials.token().to_owned());
        }
        if let Some(userinfo) = url.userinfo() {
            let code = basic(userinfo);
            texts
                .extend([userinfo.to_owned(), code.rsplit(' ').next().unwrap_or(&code).to_owned()]);
            texts.extend(userinfo.split_once(':').map(|(_, password)| password.to_owned()));
        }
        texts.extend(url.secret_values().map(str::to_owned));
        for text in texts.clone() {
            texts.push(String::from_utf8_lossy(&percent_decode(&text)).into_owned());
            texts.push(byte_serialize(text.as_bytes()).collect());
        }
        texts.retain(|text| text.len() >= LEAST_IN_WORDS);
        // A longer secret may contain a shorter one, so it comes first.
        texts.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        texts.dedup();
        Self(texts)
    }

    /// True when there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Replaces each secret in a server's message by `…`, however it is escaped, also the beginning of
    /// a secret where the message is cut off.
    pub fn hide<'t>(&self, words: &'t str) -> Cow<'t, str> {
        self.hide_from(LEAST_IN_WORDS, words)
    }

    /// Works like [`hide`](Self::hide), for events and responses.
    pub fn hide_in_data<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.hide_from(LEAST_IN_DATA, text)
    }

    fn hide_from<'t>(&self, least: usize, text: &'t str) -> Cow<'t, str> {
        let secrets = || self.0.iter().map(String::as_str).filter(|secret| secret.len() >= least);
        if secrets().next().is_none() {
            return Cow::Borrowed(text);
        }
        let mut found = Vec::new();
        for secret in secrets() {
            found.extend(text.match_indices(secret).map(|(at, _)| at..at + secret.len()));
            found.extend(begun_at_cuts(text, secret));
        }
        for reading in readings(text) {
            for secret in secrets() {
                let whole = reading.text.match_indices(secret).map(|(at, _)| at..at + secret.len());
                let begun = begun_at_cuts(&reading.text, secret);
                found.extend(whole.chain(begun).map(|place| reading.in_source(&place)));
            }
        }
        if found.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(redact_ranges(text, found)) }
    }
}

impl Access {
    /// Returns the secrets of a connection to `url`. A token that cannot be read is left out.
    pub(super) fn secrets(&self, url: &SourceUrl) -> Secrets {
        #[cfg(not(target_arch = "wasm32"))]
        let credentials = self.credentials().ok().flatten();
        #[cfg(target_arch = "wasm32")]
        let credentials = None;
        Secrets::new(credentials.as_ref(), url)
    }
}

/// Replaces each part of a text by `…`; overlapping and adjacent parts share one.
fn redact_ranges(text: &str, mut parts: Vec<Range<usize>>) -> String {
    parts.sort_by_key(|part| (part.start, part.end));
    let mut shown = String::with_capacity(text.len());
    let mut done = 0;
    for (nth, part) in parts.into_iter().enumerate() {
        if nth == 0 || part.start > done {
            shown.push_str(&text[done..part.start]);
            shown.push('…');
        }
        done = done.max(part.end);
    }
    shown.push_str(&text[done..]);
    shown
}

/// Finds beginnings of a secret where a text is cut off: at its end, and before each `…`.
fn begun_at_cuts<'t>(text: &'t str, secret: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
    let marks = text.match_indices('…').map(|(at, mark)| (at, at + mark.len()));
    marks.chain([(text.len(), text.len())]).filter_map(move |(cut, end)| {
        let longest = secret.len().saturating_sub(1).min(cut);
        let begun = (LEAST_IN_WORDS..=longest).rev().find(|length| {
            secret.is_char_boundary(*length) && text[..cut].ends_with(&secret[..*length])
        })?;
        Some(cut - begun..end)
    })
}

/// A text with its escapes resolved, as a reader may understand it.
struct DecodedText {
    text: String,
    /// Position in the source of each byte, and the end of the source.
    places: Vec<usize>,
}

/// Decodes one character at the beginning of a text and returns it with its length in bytes; no
/// character where it is invisible. `None` where the text begins with a plain character.
type Decode = fn(&str) -> Option<(Option<char>, usize)>;

impl DecodedText {
    fn in_source(&self, part: &Range<usize>) -> Range<usize> {
        self.places[part.start]..self.places[part.end]
    }

    /// Decodes a text; `None` where it has no escapes.
    fn of(text: &str, places: impl Fn(usize) -> usize, decode: Decode) -> Option<Self> {
        let mut reading = Self { text: String::new(), places: Vec::new() };
        let (mut at, mut is_changed) = (0, false);
        while let Some(c) = text[at..].chars().next() {
            let decoded = decode(&text[at..]);
            is_changed |= decoded.is_some();
            let (shown, length) = decoded.unwrap_or((Some(c), c.len_utf8()));
            reading.text.extend(shown);
            reading.places.resize(reading.text.len(), places(at));
            at += length;
        }
        reading.places.push(places(text.len()));
        is_changed.then_some(reading)
    }

    fn again(&self, decode: Decode) -> Option<Self> {
        Self::of(&self.text, |at| self.places[at], decode)
    }
}

/// Returns the decoded forms of a text: JSON, JSON within JSON, each with URL and HTML escapes resolved
/// or invisible characters removed.
fn readings(text: &str) -> Vec<DecodedText> {
    let escapes: [Decode; 3] = [percent_escape, html_escape, hidden];
    let first = |decode: Decode| DecodedText::of(text, |at| at, decode);
    let mut readings: Vec<DecodedText> = Vec::new();
    // Most texts are ASCII without any escape.
    if text.bytes().all(|byte| byte.is_ascii() && !matches!(byte, b'\\' | b'%' | b'&')) {
        return readings;
    }
    readings.extend(escapes.into_iter().filter_map(first));
    if let Some(json) = first(json_escape) {
        readings.extend(escapes.into_iter().filter_map(|decode| json.again(decode)));
        readings.extend(json.again(json_escape));
        readings.push(json);
    }
    readings
}

/// Decodes an escape of JSON (RFC 8259, section 7). An escape cut off by the end of the text is
/// invisible.
fn json_escape(text: &str) -> Option<(Option<char>, usize)> {
    let rest = text.strip_prefix('\\')?;
    let Some(kind) = rest.chars().next() else { return Some((None, 1)) };
    let digits = rest.get(1..5).filter(|_| kind == 'u');
    match (kind, digits.and_then(|digits| u32::from_str_radix(digits, 16).ok())) {
        ('u', Some(code)) => Some((char::from_u32(code), 6)),
        ('u', None) if rest.len() < 5 => Some((None, text.len())),
        ('"' | '\\' | '/', _) => Some((Some(kind), 2)),
        ('b' | 'f' | 'n' | 'r' | 't', _) => Some((Some(' '), 2)),
        _ => None,
    }
}

/// Decodes a percent-escape (RFC 3986, section 2.1).
fn percent_escape(text: &str) -> Option<(Option<char>, usize)> {
    let rest = text.strip_prefix('%')?;
    if rest.len() < 2 {
        return Some((None, text.len()));
    }
    let code = u8::from_str_radix(rest.get(..2)?, 16).ok().filter(u8::is_ascii)?;
    Some((Some(code.into()), 3))
}

fn html_escape(text: &str) -> Option<(Option<char>, usize)> {
    const LONGEST: usize = 10;
    let rest = text.strip_prefix('&')?;
    let name = &rest[..rest.bytes().take(LONGEST).position(|byte| byte == b';')?];
    let shown = match name.strip_prefix('#') {
        Some(code) => match code.strip_prefix(['x', 'X']) {
            Some(code) => u32::from_str_radix(code, 16).ok(),
            None => code.parse().ok(),
        }
        .and_then(char::from_u32)?,
        None => match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => return None,
        },
    };
    Some((Some(shown), name.len() + 2))
}

/// Skips a character that is removed from texts before they are shown.
fn hidden(text: &str) -> Option<(Option<char>, usize)> {
    let c = text.chars().next().filter(|c| is_dropped(*c))?;
    Some((None, c.len_utf8()))
}

/// Returns the value of `Authorization` for `user:password` as written in a URL (RFC 7617).
pub(super) fn basic(userinfo: &str) -> String {
    format!("Basic {}", base64(&percent_decode(userinfo)))
}

fn percent_decode(text: &str) -> Vec<u8> {
    percent_encoding::percent_decode_str(text).collect()
}

/// Encodes bytes as Base64 (RFC 4648, section 4), for `Authorization: Basic` (RFC 7617). By hand: it is
/// short, and no crate that the page already contains does it.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Secret, parse_source_url};

    #[test]
    fn base64_matches_the_rfc() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn secrets_repeated_by_a_server_are_hidden_in_every_spelling() {
        let url = parse_source_url("wss://ann:p%40ss%2Fword@h/e?room=7&api_key=k%20ey").unwrap();
        let token = Credentials::new(Secret::new("t0k/en").unwrap(), None).unwrap();
        let secrets = Secrets::new(Some(&token), &url);
        for (said, shown) in [
            ("no such token: t0k/en", "no such token: …"),
            ("/login?t=t0k%2Fen&u=ann", "/login?t=…&u=ann"),
            ("ann:p%40ss%2Fword", "…"),
            ("ann may not use p@ss/word", "ann may not use …"),
            ("Basic YW5uOnBAc3Mvd29yZA==", "Basic …"),
            (
                "room 7 wants another key than k ey or k%20ey",
                "room 7 wants another key than … or …",
            ),
            ("nothing of it", "nothing of it"),
        ] {
            assert_eq!(secrets.hide(said), shown);
        }
        assert_eq!(Secrets::default().hide("t0k/en"), "t0k/en");
        assert_eq!(secrets.hide_in_data(r#"{"run_id":"k ey"}"#), r#"{"run_id":"k ey"}"#);
        assert!(!format!("{secrets:?}").contains("t0k"));
    }
    fn secrets_of(token: &str) -> Secrets {
        let token = Credentials::new(Secret::new(token).unwrap(), None).unwrap();
        Secrets::new(Some(&token), &parse_source_url("ws://h/e").unwrap())
    }

    #[test]
    fn escaped_secrets_are_hidden() {
        let secrets = secrets_of("t0k/en+5f1e8d");
        let all =
            |write: fn(u32) -> String| "t0k/en+5f1e8d".chars().map(|c| write(c.into())).collect();
        let spelled: [String; 12] = [
            r"t0k\/en\u002B5f1e8d".to_owned(),
            r"t0k\u002fen\u002b5f1e8d".to_owned(),
            all(|code| format!("\\u{code:04x}")),
            all(|code| format!("\\u{code:04X}")),
            // JSON within JSON.
            r"t0k\\/en\\u002B5f1e8d".to_owned(),
            all(|code| format!("%{code:02x}")),
            "t0k%2fen%2b5f1e8d".to_owned(),
            r"t0k\u00252fen\u00252B5f1e8d".to_owned(),
            all(|code| format!("&#{code};")),
            "t0k&#x2F;en&#43;5f1e8d".to_owned(),
            "t0k/en\0+\u{202e}5f1e8d".to_owned(),
            r"t0k\/en\u202e+5f1e8d".to_owned(),
        ];
        for spelled in spelled {
            let text = format!(r#"{{"a": "x {spelled} y", "b": "{spelled}"}}"#);
            let shown = r#"{"a": "x … y", "b": "…"}"#;
            assert_eq!(secrets.hide(&text), shown, "{spelled}");
            assert_eq!(secrets.hide_in_data(&text), shown, "{spelled}");
        }
        for text in [r"a \u0074 \n b", "100 % of a & b", "…", r"\", r"\u00", "%", "é", "t0"] {
            assert_eq!(secrets.hide(text), text);
        }
    }

    #[test]
    fn beginning_of_a_secret_is_hidden_where_a_text_is_cut() {
        let secrets = secrets_of("t0ken-5f1e8d-s3cret");
        for (said, shown) in [
            ("no such token: t0ken-5f1e", "no such token: …"),
            ("no such token: t0ken-5f1e8d-s3cre", "no such token: …"),
            ("no such token: \"t0ken-5…\"", "no such token: \"…\""),
            (r"no such token: \u0074\u0030\u006b\u0065\u006e\u00", "no such token: …"),
            ("no such token: t0k", "no such token: t0k"),
            ("t0ken-5 is none", "t0ken-5 is none"),
        ] {
            assert_eq!(secrets.hide(said), shown, "{said}");
        }
    }

    #[test]
    fn hostile_text_takes_linear_time() {
        let secrets = secrets_of("t0ken-5f1e8d-s3cret");
        let began = std::time::Instant::now();
        for text in ["\\", "\\u", "%", "&", "…", "\u{202e}", "t0ken-", "&#"] {
            secrets.hide(&text.repeat(300_000));
        }
        assert!(began.elapsed().as_secs() < 20);
    }
}
