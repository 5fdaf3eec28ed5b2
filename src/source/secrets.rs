//! What nobody but a server is told, and what becomes of it where the server repeats it: it is taken out
//! of everything that came from there before anybody can see, log or keep it. Pure.

use std::borrow::Cow;
use std::fmt;

use form_urlencoded::byte_serialize;

use super::{Access, Credentials, SourceUrl};

/// What is shorter stands in too many words, and is guessed anyway.
const LEAST_IN_WORDS: usize = 4;

/// The same of events and of answers: what is taken out of them must not be part of anything else.
const LEAST_IN_DATA: usize = 8;

/// The texts that a connection must not let be seen.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(Vec<String>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

impl Secrets {
    /// What is sent to `url`: a token, else user and password; and what its query has of the kind. Each in
    /// every spelling in which it may come back.
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
        // What holds another one goes first.
        texts.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        texts.dedup();
        Self(texts)
    }

    /// There is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A server's words with `…` in place of each secret.
    pub fn hide<'t>(&self, words: &'t str) -> Cow<'t, str> {
        self.hide_from(LEAST_IN_WORDS, words)
    }

    /// The same of events and of answers.
    pub fn hide_in_data<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.hide_from(LEAST_IN_DATA, text)
    }

    fn hide_from<'t>(&self, least: usize, text: &'t str) -> Cow<'t, str> {
        let mut hidden = Cow::Borrowed(text);
        for secret in self.0.iter().filter(|secret| secret.len() >= least) {
            if hidden.contains(secret.as_str()) {
                hidden = Cow::Owned(hidden.replace(secret.as_str(), "…"));
            }
        }
        hidden
    }
}

impl Access {
    /// What a connection to `url` must not let be seen, as far as it can be had.
    pub(super) fn secrets(&self, url: &SourceUrl) -> Secrets {
        #[cfg(not(target_arch = "wasm32"))]
        let credentials = self.credentials().ok().flatten();
        #[cfg(target_arch = "wasm32")]
        let credentials = None;
        Secrets::new(credentials.as_ref(), url)
    }
}

/// What `Authorization` says of `user:password` as it stands in a URL (RFC 7617).
pub(super) fn basic(userinfo: &str) -> String {
    format!("Basic {}", base64(&percent_decode(userinfo)))
}

fn percent_decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let escaped = (byte == b'%')
            .then(|| behind.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped {
            Some(value) => {
                bytes.push(value);
                rest = &behind[2..];
            }
            None => {
                bytes.push(byte);
                rest = behind;
            }
        }
    }
    bytes
}

/// RFC 4648, section 4: what `Authorization: Basic` wants (RFC 7617).
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
    fn base64_by_the_rfc() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn what_a_server_repeats_is_taken_out_however_it_is_spelled() {
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
}
