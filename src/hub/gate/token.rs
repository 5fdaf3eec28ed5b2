//! The token for screens: compared in constant time and never displayed.

use std::fmt;

use ring::hmac;
use thiserror::Error;

use crate::source::Secret;

/// Minimum length of a token in bytes. Shorter ones could be guessed.
pub const SHORTEST: usize = 16;

/// Message whose HMAC is the cookie's value; unique to this purpose.
const COOKIE: &[u8] = b"meterbridge hub: this screen has shown the token";

/// Reason why a text cannot be a token. Does not reveal the text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TokenError {
    #[error(
        "the token for screens has {length} characters; it needs {SHORTEST} at least: make one with \
         `head -c 24 /dev/urandom | base64`"
    )]
    TooShort { length: usize },
    #[error(
        "the token for screens cannot be sent: a header may hold visible ASCII characters only"
    )]
    Unsendable,
}

/// The token for screens, kept as an HMAC-SHA256 key with which texts are compared.
#[derive(Clone)]
pub struct HubToken {
    key: hmac::Key,
    /// HMAC of the token itself.
    code: hmac::Tag,
}

impl fmt::Debug for HubToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HubToken(…)")
    }
}

impl HubToken {
    /// Creates a token.
    ///
    /// # Errors
    ///
    /// Fails when the token is too short or cannot be sent in a header.
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

    /// True when `text` is the token. Compares in constant time.
    pub fn matches(&self, text: &str) -> bool {
        hmac::verify(&self.key, text.as_bytes(), self.code.as_ref()).is_ok()
    }

    /// Returns the cookie value for screens that have shown the token. It becomes invalid when the
    /// token changes, and can be verified without storing anything.
    pub fn cookie(&self) -> String {
        let code = hmac::sign(&self.key, COOKIE);
        code.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// True when `value` is the result of [`cookie`](Self::cookie).
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
    fn token_is_verified_and_never_shown() {
        let token = token("correct-horse-battery\n").unwrap();
        assert!(token.matches("correct-horse-battery"));
        for wrong in ["", "correct-horse-batter", "correct-horse-battery ", "correct-horse-batterx"]
        {
            assert!(!token.matches(wrong), "{wrong:?}");
        }
        assert_eq!(format!("{token:?}"), "HubToken(…)");
        assert!(!token.cookie().contains("correct"));
    }

    #[test]
    fn cookie_survives_a_restart_but_not_a_new_token() {
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
    fn short_and_unsendable_tokens_are_rejected() {
        let error = token("123456789012345").unwrap_err();
        assert!(error.to_string().contains("15 characters; it needs 16"), "{error}");
        assert_eq!(token("with a space inside").unwrap_err(), TokenError::Unsendable);
    }
}
