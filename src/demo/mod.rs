//! The demo studio: a simulated AMCS backend on a real WebSocket.

pub mod scenario;
