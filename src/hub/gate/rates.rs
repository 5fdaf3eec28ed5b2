//! Rate limits per address: a burst, then a sustained rate.
//!
//! Forty lines instead of a crate: the well-maintained one has a dozen dependencies for features
//! not needed here, keeps every address until it is swept, and does not support paused time in
//! tests.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Maximum number of addresses tracked separately; all others share one bucket.
const MOST_ADDRESSES: usize = 4096;

/// Token buckets by address, each stored as the instant at which it will be full again.
#[derive(Debug)]
pub struct Buckets {
    /// Time to regain one token.
    interval: Duration,
    /// Time to fill an empty bucket.
    whole: Duration,
    full_at: Mutex<HashMap<IpAddr, Instant>>,
}

impl Buckets {
    /// Creates buckets of `burst` tokens that regain one token per `interval`.
    pub fn new(interval: Duration, burst: u32) -> Self {
        Self { interval, whole: interval * burst, full_at: Mutex::default() }
    }

    /// Takes a token of this address; `false` when there is none.
    pub fn take(&self, address: IpAddr) -> bool {
        let now = Instant::now();
        // A panic while the lock was held cannot have left the map inconsistent.
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= MOST_ADDRESSES {
            full_at.retain(|_, at| *at > now);
        }
        let mut address = client_network(address);
        if full_at.len() >= MOST_ADDRESSES && !full_at.contains_key(&address) {
            address = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        }
        let at = full_at.get(&address).copied().unwrap_or(now);
        let after = at.max(now) + self.interval;
        let is_there = after <= now + self.whole;
        if is_there {
            full_at.insert(address, after);
        }
        is_there
    }
}

/// Returns the key of an address: for IPv6 the /64 network, of which one client may use many
/// addresses.
pub(super) fn client_network(address: IpAddr) -> IpAddr {
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
    async fn each_address_has_a_burst_and_then_the_sustained_rate() {
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
    async fn ipv6_networks_share_a_bucket_and_memory_is_bounded() {
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
        // Full buckets are removed.
        tokio::time::advance(Duration::from_secs(5)).await;
        assert!(buckets.take(address("192.0.2.1")));
        assert_eq!(buckets.full_at.lock().unwrap().len(), 1);
    }
}
