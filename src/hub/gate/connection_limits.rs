//! Limits on connections per address and on the number of screens.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::rates::client_network;

/// Limits and current numbers of connections and screens.
#[derive(Debug)]
pub struct ConnectionLimits {
    max_screens: usize,
    max_per_address: usize,
    clients: Arc<Semaphore>,
    taken: Mutex<HashMap<IpAddr, usize>>,
}

impl ConnectionLimits {
    pub(super) fn new(max_screens: usize, max_per_address: usize) -> Self {
        let max_screens = max_screens.min(Semaphore::MAX_PERMITS);
        let clients = Arc::new(Semaphore::new(max_screens));
        Self { max_screens, max_per_address, clients, taken: Mutex::default() }
    }

    /// Returns the maximum number of screens.
    pub fn max_screens(&self) -> usize {
        self.max_screens
    }

    /// Returns the number of connected screens.
    pub fn clients(&self) -> usize {
        self.max_screens - self.clients.available_permits()
    }

    /// Admits a connection; `None` when its address has too many. Loopback addresses are not
    /// limited.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Peer> {
        let address = address.to_canonical();
        let counted = if address.is_loopback() { None } else { Some(client_network(address)) };
        if let Some(counted) = counted {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            let count = taken.entry(counted).or_default();
            if *count >= self.max_per_address {
                return None;
            }
            *count += 1;
        }
        let slot = Arc::new(ConnectionSlot { limits: Arc::clone(self), counted });
        Some(Peer { address, slot, long_answers: Arc::default() })
    }

    /// Reserves a slot for a screen on a connection; `None` when there are too many screens.
    pub(super) fn reserve(&self, peer: Option<&Peer>) -> Option<ClientSlot> {
        let permit = Arc::clone(&self.clients).try_acquire_owned().ok()?;
        let slot = peer.map(|peer| Arc::clone(&peer.slot));
        Some(ClientSlot(Arc::new((permit, slot))))
    }
}

/// A counted connection of an address.
#[derive(Debug)]
struct ConnectionSlot {
    limits: Arc<ConnectionLimits>,
    counted: Option<IpAddr>,
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let Some(address) = self.counted else { return };
        let mut taken = self.limits.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&address);
            }
        }
    }
}

/// Connection from which a request came. The connection counts until all clones are dropped.
#[derive(Clone, Debug)]
pub struct Peer {
    address: IpAddr,
    slot: Arc<ConnectionSlot>,
    long_answers: Arc<AtomicUsize>,
}

impl Peer {
    /// Returns the client's address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Marks that an answer may take arbitrarily long, until the returned guard is dropped.
    pub fn wait_long(&self) -> LongRequestGuard {
        self.long_answers.fetch_add(1, Ordering::Relaxed);
        LongRequestGuard(Arc::clone(&self.long_answers))
    }

    /// True while such an answer is pending.
    pub fn waits_long(&self) -> bool {
        self.long_answers.load(Ordering::Relaxed) > 0
    }
}

/// Marks an answer that may take arbitrarily long.
#[derive(Debug)]
pub struct LongRequestGuard(Arc<AtomicUsize>);

impl Drop for LongRequestGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Slot of a screen, released when it and all its clones are dropped.
#[derive(Clone, Debug)]
pub struct ClientSlot(
    #[expect(dead_code, reason = "held")] Arc<(OwnedSemaphorePermit, Option<Arc<ConnectionSlot>>)>,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_limited_per_address_except_loopback() {
        let limits = Arc::new(ConnectionLimits::new(10, 2));
        let enter = |text: &str| limits.enter(text.parse().unwrap());
        let (one, two) = (enter("10.0.0.1").unwrap(), enter("10.0.0.1").unwrap());
        assert!(enter("10.0.0.1").is_none() && enter("::ffff:10.0.0.1").is_none());
        assert!(enter("10.0.0.2").is_some());
        // A pending request keeps the connection counted, and so does a screen.
        let request = one.clone();
        let client = limits.reserve(Some(&two));
        drop((one, two));
        assert!(enter("10.0.0.1").is_none());
        drop(request);
        let again = enter("10.0.0.1");
        assert!(again.is_some() && enter("10.0.0.1").is_none());
        drop((client, again));
        let here: Vec<_> = (0..100).map(|_| enter("127.0.0.1")).collect();
        assert!(here.iter().all(Option::is_some));
        assert_eq!(limits.taken.lock().unwrap().len(), 0, "nothing is kept of who left");
    }

    #[test]
    fn screens_are_limited_in_total() {
        let limits = Arc::new(ConnectionLimits::new(2, 1));
        let slots: Vec<_> = (0..3).filter_map(|_| limits.reserve(None)).collect();
        assert_eq!((slots.len(), limits.clients()), (2, 2));
        drop(slots);
        assert_eq!(limits.clients(), 0);
    }
}
