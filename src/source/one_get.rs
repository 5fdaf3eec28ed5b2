//! One `GET`, over a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};

use super::connector::NetConnector;
use super::http::{HttpClient, HttpError};
use super::{Access, Address, ApiUrl, Waker, parse_api_url, parse_source_url};

/// Time for the answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time for the answer of a server that is tested.
const TEST_PATIENCE: Duration = Duration::from_secs(5);

/// Asks the server of an address once whether it answers, on a thread of its own. Sends one `GET /`, without
/// credentials, which is neither repeated nor redirected, and opens no stream of events: the request costs an
/// AMCS backend none of its database connections. Sends the status of the answer, or the reason why there is
/// none, and calls `waker` then.
pub fn test_address(
    address: &Address,
    access: &Access,
    waker: Waker,
) -> Receiver<Result<u16, String>> {
    let (result, tested) = bounded(1);
    let failed = result.clone();
    let address = address.clone();
    let access = Access { ca_file: access.ca_file.clone(), ..Access::default() };
    let body = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let answer = match runtime {
            Ok(runtime) => {
                let answer = runtime.block_on(answer_of(address.as_str(), &access));
                // A name lookup may still block in the system.
                runtime.shutdown_background();
                answer
            }
            Err(error) => Err(format!("no network: {error}")),
        };
        // Sending fails when another test was asked for.
        let _ = result.send(answer);
        waker();
    };
    let thread = std::thread::Builder::new().name("meterbridge-test".to_owned()).spawn(body);
    if let Err(error) = thread {
        let _ = failed.try_send(Err(format!("cannot start a thread: {error}")));
    }
    tested
}

async fn answer_of(address: &str, access: &Access) -> Result<u16, String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let origin = origin_of(address)?;
    let trust = access.trust().map_err(|error| words(&error))?;
    let connector = NetConnector::trusting(trust).map_err(|error| words(&error))?;
    let client = HttpClient::new(Arc::new(connector), origin, None, TEST_PATIENCE);
    client.reach("/").await.map_err(|error| words(&error))
}

/// Returns the origin of an address, without user and password.
fn origin_of(address: &str) -> Result<ApiUrl, String> {
    let place = match ApiUrl::is_meant(address) {
        true => parse_api_url(address).map(|url| url.location().clone()),
        false => parse_source_url(address),
    };
    let place = place.map_err(|error| error.to_string())?;
    let scheme = if place.is_secure() { "https" } else { "http" };
    parse_api_url(&format!("{scheme}://{}", place.authority())).map_err(|error| error.to_string())
}

/// Returns what is at `target`, a path and query below `url`.
///
/// # Errors
///
/// Fails when the credentials cannot be read, or there is no answer that is a success; says so without
/// secrets.
pub async fn get_once(url: &ApiUrl, target: &str, access: &Access) -> Result<Vec<u8>, GetError> {
    let words = |error: &dyn std::fmt::Display| GetError { status: None, words: error.to_string() };
    let credentials = access.credentials().map_err(|error| words(&error))?;
    let trust = access.trust().map_err(|error| words(&error))?;
    let connector = NetConnector::trusting(trust).map_err(|error| words(&error))?;
    let target = format!("{}{target}", url.path());
    let client = HttpClient::new(Arc::new(connector), url.clone(), credentials, PATIENCE);
    client
        .get(&target)
        .await
        .map_err(|error: HttpError| GetError { status: error.status(), words: error.to_string() })
}

/// Reason why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct GetError {
    /// Status of the answer, if there was one.
    pub status: Option<u16>,
    /// The reason, for a person.
    pub words: String,
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn origin_has_neither_path_nor_password() {
        let origin = |address| origin_of(address).map(|url| url.to_string());
        let plain = Ok("http://studio:8000".to_owned());
        assert_eq!(origin("ws://ann:hunter2@studio:8000/events?token=sesame"), plain);
        assert_eq!(origin("http://ann:hunter2@studio:8000/amcs"), plain);
        assert_eq!(origin("wss://studio/events"), Ok("https://studio".to_owned()));
        assert!(origin_of("ws://").is_err());
        let ann = origin_of("http://ann:hunter2@studio").unwrap();
        assert_eq!(ann.userinfo(), None);
    }

    #[test]
    fn tested_server_receives_one_get_without_credentials() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut head = vec![0; 4096];
            let read = socket.read(&mut head).unwrap();
            socket.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").unwrap();
            let mut rest = Vec::new();
            let _ = socket.read_to_end(&mut rest);
            listener.set_nonblocking(true).unwrap();
            assert!(listener.accept().is_err(), "one connection");
            (String::from_utf8_lossy(&head[..read]).into_owned(), rest)
        });
        let access = Access { token: super::super::Secret::new("sesame"), ..Access::default() };
        let address = format!("ws://ann:hunter2@127.0.0.1:{port}/events?token=sesame").into();
        let answer = test_address(&address, &access, Arc::new(|| {}));
        assert_eq!(answer.recv_timeout(TEST_PATIENCE * 2), Ok(Ok(404)));
        let (head, rest) = server.join().unwrap();
        assert!(head.starts_with("GET / HTTP/1.1\r\n") && rest.is_empty(), "{head}");
        for secret in ["authorization", "sesame", "hunter2", "upgrade"] {
            assert!(!head.to_ascii_lowercase().contains(secret), "{head}");
        }
    }

    #[test]
    fn test_of_a_port_where_nothing_listens_says_so() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("http://127.0.0.1:{port}").into();
        let answer = test_address(&address, &Access::default(), Arc::new(|| {}));
        let words = format!("nothing is listening at 127.0.0.1:{port}. Is the backend running?");
        assert_eq!(answer.recv_timeout(TEST_PATIENCE * 2), Ok(Err(words)));
    }
}
