//! Screens that send, although they have nothing to say.

use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::timeout;

use super::{Fed, PATIENCE, event, eventually};

/// Opens a screen of which the test writes the frames byte by byte.
fn raw_screen(fed: &Fed) -> DuplexStream {
    let (client, server) = tokio::io::duplex(64 << 10);
    fed.hub.accept_client(None, None, async { Some(server) });
    client
}

/// Returns a masked frame without content. The first byte holds FIN and the kind of frame.
fn empty_frame(first: u8) -> [u8; 6] {
    [first, 0x80, 0, 0, 0, 0]
}

async fn flood_closes_the_screen(frames: Vec<[u8; 6]>) {
    let fed = Fed::new();
    let mut other = fed.viewer().await;
    other.until_live().await;
    let mut screen = raw_screen(&fed);
    let bytes = frames.concat();
    assert!(bytes.len() >= 600_000);
    let (mut reading, mut writing) = tokio::io::split(&mut screen);
    let mut received = Vec::new();
    // The hub hangs up before it has read everything.
    let (sent, _) = tokio::join!(
        timeout(PATIENCE, writing.write_all(&bytes)),
        timeout(PATIENCE, reading.read_to_end(&mut received))
    );
    sent.expect("it is still connected").unwrap_err();
    let close = [0x88, 2 + "Screens must not send anything".len() as u8, 0x03, 0xf0];
    assert!(received.windows(4).any(|it| it == close), "no close frame with 1008");
    eventually("its end", || fed.hub.counters().clients.get() == 1).await;
    assert_eq!(fed.hub.counters().flood_closes.get(), 1);
    // Other screens are served.
    fed.say([event("r-1", None, "start", 0)]);
    other.until_told(1).await;
}

/// Fragments without content never reach the limit on the size of a message.
#[tokio::test]
async fn screen_that_sends_100k_empty_fragments_is_closed() {
    let mut frames = vec![empty_frame(0x01)];
    frames.resize(100_000, empty_frame(0x00));
    flood_closes_the_screen(frames).await;
}

#[tokio::test]
async fn screen_that_sends_100k_pings_is_closed() {
    flood_closes_the_screen(vec![empty_frame(0x89); 100_000]).await;
}

#[tokio::test]
async fn screen_that_sends_100k_empty_messages_is_closed() {
    flood_closes_the_screen(vec![empty_frame(0x82); 100_000]).await;
}

/// A viewer's own pings are answered.
#[tokio::test]
async fn screen_that_pings_now_and_then_stays() {
    let fed = Fed::new();
    let mut viewer = fed.viewer().await;
    viewer.until_live().await;
    for _ in 0..100 {
        let ping = tokio_tungstenite::tungstenite::Message::Ping(vec![7; 100].into());
        futures_util::SinkExt::send(&mut viewer.socket, ping).await.unwrap();
        let pong = timeout(PATIENCE, viewer.socket.next()).await.unwrap().unwrap().unwrap();
        assert!(pong.is_pong(), "{pong:?}");
    }
    assert_eq!(fed.hub.counters().flood_closes.get(), 0);
}
