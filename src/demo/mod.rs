//! The demo studio: a simulated AMCS backend on a real WebSocket.

pub mod dialect;
pub mod scenario;

pub use dialect::Dialect;
