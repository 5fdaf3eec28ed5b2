//! Connecting to a host with several addresses: attempts run side by side, and the first that succeeds
//! is used (RFC 8305, "Happy Eyeballs"). A dead address of one family does not hide a working one of
//! the other.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

/// Delay before the next attempt while the others are unanswered (RFC 8305, section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to `addresses` in the order of [`interleaved`], each attempt [`ATTEMPT_DELAY`] after the one
/// before it, or at once when an attempt fails. Returns the first success, else the error
/// of the attempt that failed last; `None` where there is no address.
pub(super) async fn first_success<T, E, F>(
    addresses: impl IntoIterator<Item = SocketAddr>,
    connect: impl Fn(SocketAddr) -> F,
) -> Option<Result<T, E>>
where
    F: Future<Output = Result<T, E>>,
{
    let mut waiting = VecDeque::from(interleaved(addresses));
    let mut attempts = FuturesUnordered::new();
    let mut next_at = Instant::now();
    let mut failure = None;
    loop {
        tokio::select! {
            biased;
            Some(result) = attempts.next(), if !attempts.is_empty() => match result {
                Ok(connection) => return Some(Ok(connection)),
                Err(error) => {
                    failure = Some(error);
                    next_at = Instant::now();
                }
            },
            () = sleep_until(next_at), if !waiting.is_empty() => {
                attempts.extend(waiting.pop_front().map(&connect));
                next_at = Instant::now() + ATTEMPT_DELAY;
            }
            else => return failure.map(Err),
        }
    }
}

/// Sorts addresses so that the families alternate. Keeps the system's order within each family, and its
/// preferred family first.
fn interleaved(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let addresses: Vec<SocketAddr> = addresses.into_iter().collect();
    let is_first_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut preferred, mut others): (VecDeque<_>, VecDeque<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == is_first_v6);
    let mut sorted = Vec::new();
    while !preferred.is_empty() || !others.is_empty() {
        sorted.extend(preferred.pop_front());
        sorted.extend(others.pop_front());
    }
    sorted
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 80)).collect()
    }

    /// Connects after the milliseconds in the last part of an address. Never connects to `::1` and
    /// refuses every IPv4 address whose third part is 1.
    async fn connect(address: SocketAddr) -> Result<SocketAddr, String> {
        let text = address.ip().to_string();
        if text == "::1" {
            std::future::pending::<()>().await;
        }
        let parts: Vec<u64> = text.split('.').filter_map(|part| part.parse().ok()).collect();
        sleep(Duration::from_millis(parts[3])).await;
        if parts[2] == 1 { Err(format!("{text} refused")) } else { Ok(address) }
    }

    /// Returns the winner, or the error, and the milliseconds it took.
    async fn race(texts: &[&str]) -> (Option<Result<String, String>>, u128) {
        let began = Instant::now();
        let result = first_success(addresses(texts), connect).await;
        let won = result.map(|result| result.map(|address| address.ip().to_string()));
        (won, began.elapsed().as_millis())
    }

    #[test]
    fn families_alternate_from_the_preferred_one() {
        let sorted = |texts| {
            let sorted = interleaved(addresses(texts));
            sorted.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(
            sorted(&["::1", "::2", "::3", "10.0.0.1", "10.0.0.2"]),
            ["::1", "10.0.0.1", "::2", "10.0.0.2", "::3"]
        );
        assert_eq!(sorted(&["10.0.0.1", "10.0.0.2", "::1"]), ["10.0.0.1", "::1", "10.0.0.2"]);
        assert!(sorted(&[]).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn dead_ipv6_address_does_not_hide_a_working_ipv4_address() {
        let (won, millis) = race(&["::1", "10.0.0.5"]).await;
        assert_eq!(won, Some(Ok("10.0.0.5".to_owned())));
        assert!((255..260).contains(&millis), "{millis}");
    }

    #[tokio::test(start_paused = true)]
    async fn next_address_is_tried_at_once_after_a_refusal() {
        let (won, millis) = race(&["10.0.1.3", "10.0.0.5"]).await;
        assert_eq!(won, Some(Ok("10.0.0.5".to_owned())));
        assert!((8..12).contains(&millis), "{millis}");
    }

    #[tokio::test(start_paused = true)]
    async fn slow_preferred_address_wins_over_a_slower_one() {
        let (won, millis) = race(&["10.0.0.255", "10.0.0.50"]).await;
        assert_eq!(won, Some(Ok("10.0.0.255".to_owned())));
        assert!((255..260).contains(&millis), "{millis}");
    }

    #[tokio::test(start_paused = true)]
    async fn last_error_is_reported_when_every_address_refuses() {
        let (failed, _) = race(&["10.0.1.9", "10.0.1.3"]).await;
        assert_eq!(failed, Some(Err("10.0.1.3 refused".to_owned())));
        assert_eq!(race(&[]).await.0, None);
    }
}
