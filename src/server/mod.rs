//! Code shared by the servers of this program: the demo studio and the hub.

pub(crate) mod port;
pub(crate) mod signals;
pub(crate) mod websocket;
