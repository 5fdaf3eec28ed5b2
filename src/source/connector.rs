//! Transports to a server: TCP, with TLS on top for `wss://`.

use std::future::Future;
use std::io;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

use super::{Disconnect, SourceUrl};

/// Opens transports. The application uses [`NetConnector`]; tests use in-memory transports.
pub trait Connect {
    /// A byte stream in both directions, before the WebSocket handshake.
    type Transport: AsyncRead + AsyncWrite + Unpin + Send;

    /// Opens a transport to the host of `url`. The caller limits the time by dropping the future.
    fn connect(
        &self,
        url: &SourceUrl,
    ) -> impl Future<Output = Result<Self::Transport, Disconnect>> + Send;
}

/// Connects over the network.
pub struct NetConnector {
    tls: TlsConnector,
}

impl NetConnector {
    /// Trusts Mozilla's certificate authorities.
    ///
    /// # Errors
    /// Fails when the TLS library refuses its own defaults.
    pub fn new() -> Result<Self, rustls::Error> {
        let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        Self::trusting(roots)
    }

    /// Trusts `roots` only.
    ///
    /// # Errors
    /// Fails when the TLS library refuses its own defaults.
    pub fn trusting(roots: RootCertStore) -> Result<Self, rustls::Error> {
        // The provider is named explicitly: with two providers in the dependency tree rustls has no
        // default.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)) })
    }
}

/// A TCP connection, with or without TLS.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Transport for T {}

impl Connect for NetConnector {
    type Transport = Box<dyn Transport>;

    async fn connect(&self, url: &SourceUrl) -> Result<Self::Transport, Disconnect> {
        let stream = open_tcp(url).await?;
        if !url.is_secure() {
            return Ok(Box::new(stream));
        }
        let host = url.host().to_owned();
        let tls = |detail: String| Disconnect::Tls { host: host.clone(), detail };
        let name = ServerName::try_from(host.clone())
            .map_err(|_| tls("its name cannot be the name in a certificate".to_owned()))?;
        match self.tls.connect(name, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(tls(tls_detail(&error))),
        }
    }
}

async fn open_tcp(url: &SourceUrl) -> Result<TcpStream, Disconnect> {
    let (host, port) = (url.host(), url.port());
    let unknown = || Disconnect::UnknownHost { host: host.to_owned() };
    let mut failure = unknown();
    for address in lookup_host((host, port)).await.map_err(|_| unknown())? {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Without TCP_NODELAY a small packet may be delayed, which does no harm.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => {
                let address = address.to_string();
                failure = match error.kind() {
                    io::ErrorKind::ConnectionRefused => Disconnect::Refused { address },
                    _ => Disconnect::Unreachable { address, detail: error.to_string() },
                };
            }
        }
    }
    Err(failure)
}

fn tls_detail(error: &io::Error) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let detail = match tls {
        Some(rustls::Error::InvalidCertificate(problem)) => match problem {
            CertificateError::UnknownIssuer => {
                "its certificate is not from a known authority. Use one that is, or ws:// inside a network you trust"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired. Renew it, or check this machine's clock"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet. Check this machine's clock"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another name. Connect to the name in the certificate"
            }
            _ => return format!("its certificate is not valid: {problem}"),
        },
        Some(rustls::Error::InvalidMessage(_)) => {
            "it does not speak TLS. Is it ws:// rather than wss://?"
        }
        _ if error.kind() == io::ErrorKind::UnexpectedEof => {
            "it closed the connection during the TLS handshake. Is it ws:// rather than wss://?"
        }
        _ => return error.to_string(),
    };
    detail.to_owned()
}
