//! A demo studio on a thread of its own, for the app.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::mpsc,
    thread::{self, JoinHandle},
};

use tokio::sync::oneshot;

use super::{DemoControls, DemoError, DemoOptions, DemoServer};

/// A demo studio in this process. Dropping it closes the studio and ends its thread.
#[derive(Debug)]
pub struct DemoHandle {
    url: String,
    address: SocketAddr,
    controls: DemoControls,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl DemoHandle {
    /// Returns the URL to connect to: `ws://127.0.0.1:PORT/events`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the address on which the studio listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the controls of the studio.
    pub fn controls(&self) -> &DemoControls {
        &self.controls
    }
}

impl Drop for DemoHandle {
    fn drop(&mut self) {
        // Sending fails if the thread has already ended. Joining takes at most about half a second,
        // the time that clients have to confirm the close.
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Opens a demo studio on a free port of 127.0.0.1, on a thread of its own. Returns once clients
/// can connect.
///
/// # Errors
///
/// Fails when the thread, the runtime or the port is not available.
pub fn spawn_thread(options: DemoOptions) -> Result<DemoHandle, DemoError> {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let (stop, stopped) = oneshot::channel();
    let (opened, opening) = mpsc::sync_channel(1);
    let thread = thread::Builder::new()
        .name("meterbridge-demo".to_owned())
        .spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => {
                    // Sending fails only if this process is ending.
                    let _ = opened.send(Err(DemoError::Thread(error)));
                    return;
                }
            };
            runtime.block_on(async {
                match DemoServer::start(listen, options).await {
                    Ok(server) => {
                        let _ = opened.send(Ok((
                            server.url(),
                            server.address(),
                            server.controls().clone(),
                        )));
                        // A message and a dropped sender both mean stop.
                        let _ = stopped.await;
                        server.stop().await;
                    }
                    Err(error) => {
                        let _ = opened.send(Err(error));
                    }
                }
            });
        })
        .map_err(DemoError::Thread)?;
    let died = || DemoError::Thread(std::io::Error::other("it ended before the studio was open"));
    let (url, address, controls) = opening.recv().map_err(|_| died())??;
    Ok(DemoHandle { url, address, controls, stop: Some(stop), thread: Some(thread) })
}
