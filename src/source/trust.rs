//! Server certificates that are accepted: those of trusted authorities, and those that a person named
//! themselves.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::verify_server_name,
};

/// Certificate authorities to trust, and certificates that servers may use although no authority
/// vouches for them.
#[derive(Clone, Debug)]
pub struct Trust {
    /// Certificate authorities.
    pub roots: RootCertStore,
    /// Certificates that a server may present itself.
    pub certificates: Vec<CertificateDer<'static>>,
}

impl From<RootCertStore> for Trust {
    fn from(roots: RootCertStore) -> Self {
        Self { roots, certificates: Vec::new() }
    }
}

/// Verifier that accepts, beside certificates of trusted authorities, the certificates that a person
/// named. A self-signed server certificate is usually its own authority, which the usual verification
/// refuses as a server's certificate.
#[derive(Debug)]
pub(super) struct TrustVerifier {
    usual: Arc<WebPkiServerVerifier>,
    certificates: Vec<CertificateDer<'static>>,
}

impl TrustVerifier {
    /// Creates a verifier.
    ///
    /// # Errors
    /// Fails when there is nothing to trust.
    pub fn new(trust: Trust, provider: Arc<CryptoProvider>) -> Result<Self, Error> {
        let Trust { roots, certificates } = trust;
        let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| Error::General(error.to_string()))?;
        Ok(Self { usual, certificates })
    }
}

impl ServerCertVerifier for TrustVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let usual = self.usual.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match usual {
            Err(Error::InvalidCertificate(problem))
                if is_about_issuer(&problem)
                    && self.certificates.iter().any(|known| known == end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            usual => usual,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

/// True when no trusted authority vouches for a certificate. Such problems are found after its period
/// of validity was checked.
fn is_about_issuer(problem: &CertificateError) -> bool {
    matches!(problem, CertificateError::UnknownIssuer | CertificateError::BadSignature)
        || is_authority_as_server(problem)
}

/// True when the server's certificate is one of an authority, as most self-signed ones are.
fn is_authority_as_server(problem: &CertificateError) -> bool {
    // The error's own type belongs to a crate that rustls does not re-export.
    matches!(problem, CertificateError::Other(other) if other.0.to_string() == "CaUsedAsEndEntity")
}

/// Returns what is wrong with a server's certificate, and what to do, as the end of a sentence about the
/// server.
pub(super) fn certificate_words(problem: &CertificateError) -> String {
    let words = match problem {
        problem if is_authority_as_server(problem) => {
            "its certificate is self-signed. To trust it, name a PEM file of exactly this certificate with --ca-file"
        }
        CertificateError::UnknownIssuer => {
            "its certificate is not from a known authority. Name a PEM file of that authority's certificate with --ca-file, or use ws:// inside a network you trust"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired. Renew it, or check this machine's clock"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet. Check this machine's clock"
        }
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            "its certificate names no host (it has no subjectAltName). Make one that does"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name. Connect to the name in the certificate"
        }
        CertificateError::Revoked => "its certificate was revoked. The server needs a new one",
        CertificateError::BadSignature => {
            "its certificate is not signed by the authority that it names. Is --ca-file the present certificate of that authority?"
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "its certificate is not meant for a server (extended key usage). The server needs one with serverAuth"
        }
        CertificateError::BadEncoding => {
            "its certificate cannot be read. The server needs a new one"
        }
        problem => {
            return format!(
                "its certificate cannot be accepted ({}). The server needs another one, from a known authority or one named with --ca-file",
                problem_name(problem)
            );
        }
    };
    words.to_owned()
}

/// Returns the name of a rare problem without the names of Rust types around it.
fn problem_name(problem: &CertificateError) -> String {
    match problem {
        CertificateError::Other(other) => other.0.to_string(),
        problem => problem.to_string(),
    }
}
