//! How often an address may do something: so many at once, and then so many a second.
//!
//! Forty lines instead of a crate: the one that is kept well brings a dozen others for what is not
//! needed here, keeps every address for ever unless it is swept, and knows no paused time.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Addresses that are told apart; what is beyond shares one bucket.
const MOST_ADDRESSES: usize = 4096;

/// A token bucket for each address, kept as the instant at which it will be full again.
#[derive(Debug)]
pub struct Buckets {
    /// Between two tokens.
    interval: Duration,
    /// What fills an empty bucket.
    whole: Duration,
    full_at: Mutex<HashMap<IpAddr, Instant>>,
}

impl Buckets {
    /// Buckets of `burst` tokens, and another each `interval`.
    pub fn new(interval: Duration, burst: u32) -> Self {
        Self { interval, whole: interval * burst, full_at: Mutex::default() }
    }

    /// Whether this address has a token.
    pub fn has(&self, address: IpAddr) -> bool {
        self.next(address, false)
    }

    /// Takes a token of this address; `false` where there is none.
    pub fn take(&self, address: IpAddr) -> bool {
        self.next(address, true)
    }

    fn next(&self, address: IpAddr, takes: bool) -> bool {
        let now = Instant::now();
        // Nothing that is done under the lock leaves the map half changed.
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= MOST_ADDRESSES {
            full_at.retain(|_, at| *at > now);
        }
        let mut address = household(address);
        if full_at.len() >= MOST_ADDRESSES && !full_at.contains_key(&address) {
            address = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        }
        let at = full_at.get(&address).copied().unwrap_or(now);
        let after = at.max(now) + self.interval;
        let is_there = after <= now + self.whole;
        if is_there && takes {
            full_at.insert(address, after);
        }
        is_there
    }
}

/// What counts as one address: of IPv6 the network of 64 bits, of which everybody has many hosts.
pub(super) fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(network))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_and_then_one_at_a_time_for_each_address() {
        let buckets = Buckets::new(Duration::from_millis(500), 3);
        let (one, other) = (address("10.0.0.1"), address("10.0.0.2"));
        let take = |address| (0..10).filter(|_| buckets.take(address)).count();
        assert_eq!((take(one), take(other)), (3, 3));
        tokio::time::advance(Duration::from_millis(1100)).await;
        assert_eq!(take(one), 2);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(take(one), 3, "it does not overflow");
    }

    #[tokio::test(start_paused = true)]
    async fn hosts_of_one_network_share_and_memory_is_bounded() {
        let buckets = Buckets::new(Duration::from_secs(1), 1);
        assert!(buckets.take(address("2001:db8:1:2:aaaa::1")));
        assert!(!buckets.take(address("2001:db8:1:2:bbbb::2")));
        assert!(buckets.take(address("::ffff:10.0.0.1")));
        assert!(!buckets.take(address("10.0.0.1")));
        for host in 0..2 * MOST_ADDRESSES as u32 {
            buckets.take(IpAddr::V4(host.into()));
        }
        let kept = buckets.full_at.lock().unwrap().len();
        assert!(kept <= MOST_ADDRESSES + 1, "{kept}");
        // Those that are full again make room.
        tokio::time::advance(Duration::from_secs(5)).await;
        assert!(buckets.take(address("192.0.2.1")));
        assert_eq!(buckets.full_at.lock().unwrap().len(), 1);
    }
}
