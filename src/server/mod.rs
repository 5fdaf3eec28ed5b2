//! Code shared by the servers of this program: the demo studio and the hub.

pub(crate) mod flood_guard;
pub(crate) mod port;
#[cfg(any(feature = "app", feature = "cli"))]
pub(crate) mod signals;
pub(crate) mod websocket;
