//! A backend that repeats the credentials it is shown: a proxy in front of it, a debug build, a page of
//! errors. What it repeats must not be seen on any screen.

use serde_json::{Value, json};

use super::http::Request;

/// Where it repeats them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parrot {
    /// In the refusal of everything, with this status.
    Refuses(u16),
    /// In the address that it sends everybody to.
    Moves,
    /// In the reason for which it closes every socket, with this code.
    Closes(u16),
    /// Among the news: in a frame that is none, in an event, in a row of REST.
    Tells,
    /// The same in frames, with every character of them as an escape of JSON.
    Escapes,
}

/// The credentials of a request as it has them, and as they are meant.
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

/// An event that says `words`.
pub fn event(run: &str, words: &str) -> String {
    json!({
        "run_id": run, "phase": "progress", "timestamp": "2026-11-23T01:08:41Z", "node_name": "PLAN",
        "data": {"message": words, "error_message": words},
    })
    .to_string()
}

/// [`event`] with the words as escapes of JSON, in a text that is none where `is_cut`.
pub fn escaped_event(run: &str, words: &str, is_cut: bool) -> String {
    let escaped: String = words.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
    let text = event(run, "WORDS").replace("WORDS", &escaped);
    if is_cut { text[..text.rfind("\\u").unwrap() - 12].to_owned() } else { text }
}

/// The error of a run that says `words`.
pub fn error(words: &str) -> Value {
    json!({"message": words, "timestamp": "2026-11-23T01:08:41Z"})
}

/// RFC 4648, section 4.
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
