//! WebSocket helpers for servers.

use futures_util::StreamExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, protocol::CloseFrame},
};

/// Closes the connection from this side and waits for the other side to confirm.
pub(crate) async fn close<S>(
    socket: &mut WebSocketStream<S>,
    frame: CloseFrame,
) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    socket.close(Some(frame)).await?;
    while let Some(message) = socket.next().await {
        message?;
    }
    Ok(())
}
