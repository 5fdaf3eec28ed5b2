//! TLS: a trusted authority, an unknown one, a wrong name, a server without TLS.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use meterbridge::source::connector::{Connect, NetConnector};
use meterbridge::source::{Access, Disconnect, parse_source_url, spawn};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedKey, IsCa, KeyPair,
    generate_simple_self_signed,
};
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
    presented(&cert, &signing_key)
}

/// Returns a certificate of these parameters, signed by itself, and a TLS acceptor that presents it.
fn self_signed(params: &CertificateParams) -> (CertificateDer<'static>, TlsAcceptor) {
    let key = KeyPair::generate().unwrap();
    presented(&params.self_signed(&key).unwrap(), &key)
}

/// Returns parameters of a certificate that is its own authority, as `openssl req -x509` makes it.
fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn presented(cert: &Certificate, signing_key: &KeyPair) -> (CertificateDer<'static>, TlsAcceptor) {
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

/// Returns a connector that trusts the certificates of a file as `--ca-file` does.
fn trusting_file(name: &str, certificates: &[&CertificateDer<'static>]) -> NetConnector {
    let path = std::env::temp_dir().join(format!("meterbridge-{name}-{}.pem", std::process::id()));
    let pem: String = certificates.iter().map(|certificate| pem(certificate)).collect();
    std::fs::write(&path, pem).unwrap();
    let access = Access { ca_file: Some(path.clone()), ..Access::default() };
    let trust = access.trust().unwrap();
    std::fs::remove_file(path).unwrap();
    NetConnector::trusting(trust).unwrap()
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for chunk in certificate.chunks(3) {
        let bytes = [0, 1, 2].map(|place| u32::from(*chunk.get(place).unwrap_or(&0)));
        let bits = bytes[0] << 16 | bytes[1] << 8 | bytes[2];
        for place in 0..4 {
            let digit = char::from(DIGITS[(bits >> (18 - 6 * place) & 63) as usize]);
            text.push(if place > chunk.len() { '=' } else { digit });
        }
    }
    text + "\n-----END CERTIFICATE-----\n"
}

#[tokio::test]
async fn self_signed_authority_in_the_ca_file_is_accepted_as_server() {
    let (certificate, acceptor) = self_signed(&authority("localhost"));
    let port = serve(acceptor).await;
    let url = parse_source_url(&format!("wss://localhost:{port}/events")).unwrap();
    let transport = trusting_file("own", &[&certificate]).connect(&url).await.unwrap();
    let (mut socket, _) = client_async("ws://localhost/events", transport).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
}

#[tokio::test]
async fn self_signed_certificate_is_refused_unless_it_is_the_one_in_the_ca_file() {
    let (_, acceptor) = self_signed(&authority("localhost"));
    let (other, _) = self_signed(&authority("localhost"));
    let port = serve(acceptor).await;
    assert_eq!(
        refusal(&trusting_file("other", &[&other]), port).await,
        "no secure connection to localhost: its certificate is self-signed. To trust it, name a PEM file of exactly this certificate with --ca-file"
    );
}

#[tokio::test]
async fn self_signed_certificate_in_the_ca_file_is_still_checked_for_name_and_time() {
    let mut expired = authority("localhost");
    expired.not_before = rcgen::date_time_ymd(2001, 1, 1);
    expired.not_after = rcgen::date_time_ymd(2002, 1, 1);
    let mut early = authority("localhost");
    early.not_before = rcgen::date_time_ymd(3001, 1, 1);
    let mut client = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    client.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let nameless = {
        let mut params = authority("localhost");
        params.subject_alt_names.clear();
        params
    };
    for (name, params, words) in [
        (
            "name",
            authority("elsewhere.example"),
            "is for another name. Connect to the name in the certificate",
        ),
        ("nameless", nameless, "names no host (it has no subjectAltName). Make one that does"),
        ("expired", expired, "has expired. Renew it, or check this machine's clock"),
        ("early", early, "is not valid yet. Check this machine's clock"),
        (
            "client",
            client,
            "is not meant for a server (extended key usage). The server needs one with serverAuth",
        ),
    ] {
        let (certificate, acceptor) = self_signed(&params);
        let port = serve(acceptor).await;
        let refusal = refusal(&trusting_file(name, &[&certificate]), port).await;
        assert_eq!(refusal, format!("no secure connection to localhost: its certificate {words}"));
    }
}

#[tokio::test]
async fn server_certificate_of_a_private_authority_in_the_ca_file_is_accepted() {
    let authority_key = KeyPair::generate().unwrap();
    let issuer = rcgen::Issuer::new(authority("private authority"), authority_key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let (certificate, acceptor) = presented(&params.signed_by(&key, &issuer).unwrap(), &key);
    let port = serve(acceptor).await;
    let url = parse_source_url(&format!("wss://localhost:{port}/events")).unwrap();
    assert!(trusting_file("leaf", &[&certificate]).connect(&url).await.is_ok());
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
        "no secure connection to localhost: its certificate is not from a known authority. Name a PEM file of that authority's certificate with --ca-file, or use ws:// inside a network you trust"
    );
}
