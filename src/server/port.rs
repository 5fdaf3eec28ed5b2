//! Listening on a port, and accepting connections.

use std::{io, net::SocketAddr, time::Duration};

use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Pause after a failed `accept`, for example when no file handles are left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Limit of connections waiting to be accepted; the same as in the standard library.
const BACKLOG: u32 = 1024;

/// Listens on `listen` (port 0 for any free port) and returns the listener with its actual address.
/// `send_buffer_bytes` is roughly the amount of data that the system buffers for a client that does
/// not read; `None` leaves it to the system.
///
/// # Errors
///
/// Fails when the address cannot be listened on.
pub(crate) fn bind(
    listen: SocketAddr,
    send_buffer_bytes: Option<u32>,
) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if listen.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As in the standard library: a restarted server can use its port at once.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    if let Some(bytes) = send_buffer_bytes {
        // Accepted connections inherit the size from the listener.
        socket.set_send_buffer_size(bytes)?;
    }
    socket.bind(listen)?;
    let listener = socket.listen(BACKLOG)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Waits for the next connection, for as long as it takes. Cancel-safe: no connection is lost.
pub(crate) async fn next_connection(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}
