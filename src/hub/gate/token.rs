//! The token that screens show: compared in constant time, and never shown itself.

use std::fmt;

use ring::hmac;
use thiserror::Error;

use crate::source::Secret;

/// Bytes that a token has at least. What is shorter can be tried out.
pub const SHORTEST: usize = 16;

/// What a cookie's value is the code of: so it is no code of anything else.
const COOKIE: &[u8] = b"meterbridge hub: this screen has shown the token";

/// Why a text can be no token. Says nothing of what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TokenError {
    #[error(
        "the token for screens has {length} characters; it needs {SHORTEST} at least: make one with \
         `head -c 24 /dev/urandom | base64`"
    )]
    TooShort { length: usize },
    #[error("the token for screens cannot be sent: a header holds visible ASCII only")]
    Unsendable,
}

/// The token for screens. Kept as a key for codes (HMAC-SHA256), by which texts are compared.
#[derive(Clone)]
pub struct HubToken {
    key: hmac::Key,
    /// The code of the token itself.
    code: hmac::Tag,
}

impl fmt::Debug for HubToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScreenToken(…)")
    }
}

impl HubToken {
    /// # Errors
    ///
    /// When it is too short, or cannot stand in a header.
    pub fn new(secret: &Secret) -> Result<Self, TokenError> {
        let token = secret.reveal();
        if token.len() < SHORTEST {
            return Err(TokenError::TooShort { length: token.len() });
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Unsendable);
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, token.as_bytes());
        let code = hmac::sign(&key, token.as_bytes());
        Ok(Self { key, code })
    }

    /// Whether `text` is the token. How long that takes says nothing of how much of it is right.
    pub fn is(&self, text: &str) -> bool {
        hmac::verify(&self.key, text.as_bytes(), self.code.as_ref()).is_ok()
    }

    /// What a screen is given that has shown the token: worthless once the token is another one, and
    /// known again without anything being kept.
    pub fn cookie(&self) -> String {
        let code = hmac::sign(&self.key, COOKIE);
        code.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether `value` is what [`cookie`](Self::cookie) gives.
    pub fn is_cookie(&self, value: &str) -> bool {
        let digits = value.as_bytes().chunks(2);
        let code: Option<Vec<u8>> = digits
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        code.is_some_and(|code| hmac::verify(&self.key, COOKIE, &code).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Result<HubToken, TokenError> {
        HubToken::new(&Secret::new(text).unwrap())
    }

    #[test]
    fn a_token_is_known_and_never_shown() {
        let token = token("correct-horse-battery\n").unwrap();
        assert!(token.is("correct-horse-battery"));
        for wrong in ["", "correct-horse-batter", "correct-horse-battery ", "correct-horse-batterx"]
        {
            assert!(!token.is(wrong), "{wrong:?}");
        }
        assert_eq!(format!("{token:?}"), "ScreenToken(…)");
        assert!(!token.cookie().contains("correct"));
    }

    #[test]
    fn a_cookie_outlives_a_restart_and_not_another_token() {
        let (before, after) = (token("0123456789abcdef"), token("0123456789abcdef"));
        let cookie = before.unwrap().cookie();
        assert_eq!(cookie.len(), 64);
        assert!(after.unwrap().is_cookie(&cookie));
        let other = token("0123456789abcdeg").unwrap();
        for wrong in [&cookie, "", "0", "zz", "é", &cookie[..62], &format!("{cookie}00")] {
            assert!(!other.is_cookie(wrong), "{wrong}");
        }
        assert!(!other.is_cookie("0123456789abcdeg"), "the token is no cookie");
    }

    #[test]
    fn what_can_be_tried_out_is_refused() {
        let error = token("123456789012345").unwrap_err();
        assert!(error.to_string().contains("15 characters; it needs 16"), "{error}");
        assert_eq!(token("with a space inside").unwrap_err(), TokenError::Unsendable);
    }
}
