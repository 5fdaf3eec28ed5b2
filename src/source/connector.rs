//! Transports to a server: TCP, with TLS on top for `wss://`.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

use super::race::first_success;
use super::trust::{Trust, TrustVerifier, certificate_words};
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
        let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        Self::trusting(roots)
    }

    /// Trusts only these authorities and certificates.
    ///
    /// # Errors
    /// Fails when there is nothing to trust, or the TLS library refuses its own defaults.
    pub fn trusting(trust: impl Into<Trust>) -> Result<Self, rustls::Error> {
        // The provider is named explicitly: with two providers in the dependency tree rustls has no
        // default.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = TrustVerifier::new(trust.into(), provider.clone())?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
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
    let addresses = lookup_host((host, port)).await.map_err(|_| unknown())?;
    let opened = first_success(addresses, open_tcp_to).await;
    let stream = opened.unwrap_or_else(|| Err(unknown()))?;
    // Without TCP_NODELAY a small packet may be delayed, which does no harm.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

async fn open_tcp_to(address: SocketAddr) -> Result<TcpStream, Disconnect> {
    TcpStream::connect(address).await.map_err(|error| {
        let address = address.to_string();
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Disconnect::Refused { address },
            _ => Disconnect::Unreachable { address, detail: error.to_string() },
        }
    })
}

fn tls_detail(error: &io::Error) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let detail = match tls {
        Some(rustls::Error::InvalidCertificate(problem)) => return certificate_words(problem),
        Some(rustls::Error::InvalidMessage(_)) => {
            "it does not speak TLS. Is it ws:// rather than wss://?"
        }
        Some(
            rustls::Error::PeerIncompatible(_)
            | rustls::Error::AlertReceived(AlertDescription::ProtocolVersion),
        ) => "it offers no TLS version from 1.2 on. Update the server",
        Some(rustls::Error::AlertReceived(AlertDescription::UnrecognisedName)) => {
            "it has no certificate for this name. Connect to the name that it serves"
        }
        Some(rustls::Error::NoCertificatesPresented) => "it shows no certificate",
        _ if error.kind() == io::ErrorKind::UnexpectedEof => {
            "it closed the connection during the TLS handshake. Is it ws:// rather than wss://?"
        }
        _ => return error.to_string(),
    };
    detail.to_owned()
}
