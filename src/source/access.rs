//! Credentials and certificate authorities: where they are read from, and how they are kept from view.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

/// A text that must stay hidden: it is not shown, logged, recorded or put into a URL.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Returns `None` where `text` is blank. Surrounding white space is removed.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Credentials to send and certificate authorities to trust. Files are read again for each connection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Access {
    /// Token from the environment.
    pub token: Option<Secret>,
    /// File that holds nothing but the token; takes precedence over `token`.
    pub token_file: Option<PathBuf>,
    /// Header that carries the bare token. `None` sends `Authorization: Bearer …`.
    pub token_header: Option<String>,
    /// PEM file of certificates that are trusted in addition to Mozilla's.
    pub ca_file: Option<PathBuf>,
}

/// Reason why credentials or certificate authorities are not available. Contains no secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the message of each variant says what it means")]
pub enum AccessError {
    #[error("cannot read {what} `{}`: {detail}", .path.display())]
    Unreadable { what: &'static str, path: PathBuf, detail: String },
    #[error("there is no token in `{}`", .path.display())]
    NoToken { path: PathBuf },
    #[error("the token cannot be sent: a header may hold visible ASCII characters only")]
    BadToken,
    #[error("`{name}` is not the name of a header")]
    BadHeader { name: String },
    #[error("`{}` holds no certificate: it must be a PEM file", .path.display())]
    NoCertificate { path: PathBuf },
}

/// A header that authenticates us.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    name: String,
    value: String,
    secret: Secret,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({}: …)", self.name)
    }
}

impl Credentials {
    /// Builds `Authorization: Bearer …`, or a header of the given name with the bare token.
    ///
    /// # Errors
    ///
    /// Fails when the token or the name is not allowed in a request head.
    pub fn new(secret: Secret, header: Option<&str>) -> Result<Self, AccessError> {
        if !secret.0.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            return Err(AccessError::BadToken);
        }
        let (name, value) = match header {
            None => ("Authorization".to_owned(), format!("Bearer {}", secret.0)),
            Some(name) => (name.trim().to_owned(), secret.0.clone()),
        };
        let in_a_name =
            |byte: u8| byte.is_ascii_alphanumeric() || b"-_!#$%&'*+.^`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(in_a_name) {
            return Err(AccessError::BadHeader { name });
        }
        Ok(Self { name, value, secret })
    }

    /// Returns the header's name and value. The value is a secret.
    pub fn header(&self) -> (&str, &str) {
        (&self.name, &self.value)
    }

    /// Returns the token. A secret.
    pub fn token(&self) -> &str {
        &self.secret.0
    }
}

/// Maximum size of a token file in bytes.
#[cfg(not(target_arch = "wasm32"))]
const LONGEST_TOKEN_FILE: u64 = 64 << 10;

/// Maximum size of a file of certificates in bytes; a system's has half a megabyte.
#[cfg(not(target_arch = "wasm32"))]
const LONGEST_CA_FILE: u64 = 16 << 20;

/// Reads a file of at most `most_bytes`. A path may name something without an end, such as a device.
#[cfg(not(target_arch = "wasm32"))]
fn read_bounded(path: &std::path::Path, most_bytes: u64) -> std::io::Result<Vec<u8>> {
    use std::io::Read;

    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(most_bytes + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most_bytes {
        let size = format!("it has more than {} KiB", most_bytes >> 10);
        return Err(std::io::Error::other(size));
    }
    Ok(bytes)
}

#[cfg(not(target_arch = "wasm32"))]
impl Secret {
    /// Reads a file that holds nothing but the token.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read or is blank.
    pub fn of_file(path: &std::path::Path) -> Result<Self, AccessError> {
        let unreadable = |error: std::io::Error| AccessError::Unreadable {
            what: "the token file",
            path: path.to_owned(),
            detail: error.to_string(),
        };
        let bytes = read_bounded(path, LONGEST_TOKEN_FILE).map_err(unreadable)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            unreadable(std::io::Error::new(std::io::ErrorKind::InvalidData, error))
        })?;
        Self::new(&text).ok_or_else(|| AccessError::NoToken { path: path.to_owned() })
    }

    /// Returns the plain text, to compare or send it.
    #[cfg(feature = "hub")]
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Access {
    /// Returns the header to send; `None` where no token is configured.
    ///
    /// # Errors
    ///
    /// Fails when a file cannot be read, or its content is not allowed in a header.
    pub fn credentials(&self) -> Result<Option<Credentials>, AccessError> {
        let secret = match &self.token_file {
            Some(path) => Some(Secret::of_file(path)?),
            None => self.token.clone(),
        };
        secret.map(|secret| Credentials::new(secret, self.token_header.as_deref())).transpose()
    }

    /// Returns the certificates to trust: Mozilla's authorities, and the content of `ca_file`, as
    /// authorities and as certificates of servers.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read or holds no certificate.
    pub fn trust(&self) -> Result<super::trust::Trust, AccessError> {
        use rustls::pki_types::{CertificateDer, pem::PemObject};

        let mut roots: rustls::RootCertStore =
            webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        let Some(path) = &self.ca_file else { return Ok(roots.into()) };
        let pem = read_bounded(path, LONGEST_CA_FILE).map_err(|error| AccessError::Unreadable {
            what: "the certificates",
            path: path.clone(),
            detail: error.to_string(),
        })?;
        let certificates: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect();
        let (added, _) = roots.add_parsable_certificates(certificates.iter().cloned());
        if added == 0 {
            return Err(AccessError::NoCertificate { path: path.clone() });
        }
        Ok(super::trust::Trust { roots, certificates })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_sent_and_never_shown() {
        let secret = Secret::new(" s3cr3t-token\n").unwrap();
        let bearer = Credentials::new(secret.clone(), None).unwrap();
        assert_eq!(bearer.header(), ("Authorization", "Bearer s3cr3t-token"));
        let own = Credentials::new(secret.clone(), Some("X-Api-Key")).unwrap();
        assert_eq!(own.header(), ("X-Api-Key", "s3cr3t-token"));
        let access = Access { token: Some(secret), ..Access::default() };
        assert!(!format!("{bearer:?}{own:?}{access:?}").contains("s3cr3t"));
    }

    /// Regression: `--token-file /dev/zero` once filled the memory.
    #[cfg(target_os = "linux")]
    #[test]
    fn files_without_an_end_are_refused() {
        let path = std::path::PathBuf::from("/dev/zero");
        let error = Secret::of_file(&path).unwrap_err().to_string();
        assert_eq!(error, "cannot read the token file `/dev/zero`: it has more than 64 KiB");
        let access = Access { ca_file: Some(path), ..Access::default() };
        let error = access.trust().unwrap_err().to_string();
        assert_eq!(error, "cannot read the certificates `/dev/zero`: it has more than 16384 KiB");
    }

    #[test]
    fn tokens_and_names_not_allowed_in_a_header_are_refused() {
        let secret = |text| Secret::new(text).unwrap();
        assert_eq!(Credentials::new(secret("a\r\nb"), None), Err(AccessError::BadToken));
        let bad = Credentials::new(secret("a"), Some("X: y"));
        assert_eq!(bad, Err(AccessError::BadHeader { name: "X: y".to_owned() }));
        assert_eq!(Secret::new(" \n"), None);
    }
}
