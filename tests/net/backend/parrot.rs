//! Backend that repeats the credentials of a request, as a proxy, a debug build or an error page may.
//! The repeated credentials must not appear on any screen.

use serde_json::{Value, json};

use super::http::Request;

/// Place in which the credentials are repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parrot {
    /// In a refusal of every request, with this status.
    Refuses(u16),
    /// In the `Location` of a redirect of every request.
    Moves,
    /// In the close reason of every socket, with this close code.
    Closes(u16),
    /// In socket frames (one invalid, one event) and in REST details of runs.
    Tells,
    /// In socket frames, with every character as a JSON escape.
    Escapes,
}

/// Credentials of a request, as sent and, for Basic, also decoded.
pub fn credentials_of(request: &Request) -> String {
    let headers = ["authorization", "x-api-key"].into_iter();
    let mut said: Vec<String> =
        headers.filter_map(|name| request.headers.get(name).cloned()).collect();
    for code in said.clone().iter().filter_map(|value| value.strip_prefix("Basic ")) {
        let userinfo = decoded(code);
        said.extend(userinfo.split_once(':').map(|(_, password)| password.to_owned()));
        said.push(userinfo);
    }
    said.join(" ")
}

/// Event whose message and error message are `words`.
pub fn event(run: &str, words: &str) -> String {
    json!({
        "run_id": run, "phase": "progress", "timestamp": "2026-11-23T01:08:41Z", "node_name": "PLAN",
        "data": {"message": words, "error_message": words},
    })
    .to_string()
}

/// [`event`] with `words` as JSON escapes. The JSON is truncated, and so invalid, where `is_cut`.
pub fn escaped_event(run: &str, words: &str, is_cut: bool) -> String {
    let escaped: String = words.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
    let text = event(run, "WORDS").replace("WORDS", &escaped);
    if is_cut { text[..text.rfind("\\u").unwrap() - 12].to_owned() } else { text }
}

/// Error of a run with the message `words`.
pub fn error(words: &str) -> Value {
    json!({"message": words, "timestamp": "2026-11-23T01:08:41Z"})
}

/// Decodes Base64 (RFC 4648, section 4).
pub fn decoded(code: &str) -> String {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits: Vec<u32> =
        code.chars().filter_map(|c| DIGITS.find(c)).map(|place| place as u32).collect();
    let mut bytes = Vec::new();
    for chunk in digits.chunks(4) {
        let bits = chunk.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - chunk.len()));
        bytes.extend([16, 8, 0][..chunk.len() - 1].iter().map(|shift| (bits >> shift) as u8));
    }
    String::from_utf8(bytes).unwrap()
}
