//! TLS: a trusted authority, an unknown one, a wrong name, a server without TLS.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use meterbridge::source::connector::{Connect, NetConnector};
use meterbridge::source::{Disconnect, parse_source_url, spawn};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{accept_async, client_async};

use crate::real::{failure, settings, wait_for};

/// Returns a self-signed certificate for `name`, and a TLS acceptor that presents it.
pub fn certificate(name: &str) -> (CertificateDer<'static>, TlsAcceptor) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    (cert.der().clone(), TlsAcceptor::from(Arc::new(config)))
}

/// Serves one event to every client that connects; returns the port.
async fn serve(acceptor: TlsAcceptor) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                let mut socket = accept_async(stream).await.unwrap();
                socket.send(Message::text("hello")).await.unwrap();
                while socket.next().await.is_some() {}
            }
        }
    });
    port
}

fn trusting(certificate: CertificateDer<'static>) -> NetConnector {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    NetConnector::trusting(roots).unwrap()
}

async fn refusal(connector: &NetConnector, port: u16) -> String {
    let url = parse_source_url(&format!("wss://localhost:{port}/events")).unwrap();
    match connector.connect(&url).await {
        Err(disconnect @ Disconnect::Tls { .. }) => {
            assert!(!disconnect.is_final());
            disconnect.to_string()
        }
        Err(disconnect) => panic!("{disconnect}"),
        Ok(_) => panic!("it was let through"),
    }
}

#[tokio::test]
async fn trusted_authority_is_accepted() {
    let (certificate, acceptor) = certificate("localhost");
    let port = serve(acceptor).await;
    let url = parse_source_url(&format!("wss://localhost:{port}/events")).unwrap();
    let transport = trusting(certificate).connect(&url).await.unwrap();
    let (mut socket, _) = client_async("ws://localhost/events", transport).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
}

#[tokio::test]
async fn certificate_for_another_name_is_refused() {
    let (certificate, acceptor) = certificate("elsewhere.example");
    let port = serve(acceptor).await;
    assert_eq!(
        refusal(&trusting(certificate), port).await,
        "no secure connection to localhost: its certificate is for another name. Connect to the name in the certificate"
    );
}

#[tokio::test]
async fn server_without_tls_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let (certificate, _) = certificate("localhost");
    assert_eq!(
        refusal(&trusting(certificate), port).await,
        "no secure connection to localhost: it does not speak TLS. Is it ws:// rather than wss://?"
    );
}

#[tokio::test]
async fn unknown_authority_is_refused_over_a_real_socket() {
    let (_, acceptor) = certificate("localhost");
    let port = serve(acceptor).await;
    let url = format!("wss://localhost:{port}/events");
    let reason = tokio::task::spawn_blocking(move || {
        let source = spawn(Some(url), settings(), Arc::new(|| {}));
        wait_for(&source, failure)
    });
    assert_eq!(
        reason.await.unwrap(),
        "no secure connection to localhost: its certificate is not from a known authority. Use one that is, or ws:// inside a network you trust"
    );
}
