//! A port to listen on, and who comes in.

use std::{io, net::SocketAddr, time::Duration};

use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// After a failed `accept` (no file handles left, say) the next try comes this much later.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections that may wait to be accepted, as the standard library has it.
const BACKLOG: u32 = 1024;

/// Listens on `listen` (port 0: any free one), and says where that is. `send_buffer_bytes` is what the
/// system keeps, roughly, for a client that reads nothing, where it does not decide that itself.
///
/// # Errors
///
/// When the address cannot be listened on.
pub(crate) fn bind(
    listen: SocketAddr,
    send_buffer_bytes: Option<u32>,
) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if listen.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As the standard library does: a server that is started again has its port at once.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    if let Some(bytes) = send_buffer_bytes {
        // Connections have it from the listener.
        socket.set_send_buffer_size(bytes)?;
    }
    socket.bind(listen)?;
    let listener = socket.listen(BACKLOG)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// The next connection, however long it takes. Cancelling it loses none.
pub(crate) async fn next_connection(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}
