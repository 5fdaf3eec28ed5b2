//! Notices to a service manager, by the protocol of `sd_notify(3)`: text lines in a datagram.
//!
//! Written by hand, without the crate `sd-notify`: three fixed lines are sent, and the address may be an
//! abstract name; the crate would replace one `send_to`.

#[cfg(unix)]
use std::ffi::OsString;
#[cfg(unix)]
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// A notice to the service manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The display is ready.
    Ready,
    /// Frames are being drawn. The service manager restarts the program if none comes for
    /// `WatchdogSec`.
    Alive,
    /// The display is closed; the program ends as soon as it holds no sockets of running runs.
    Stopping,
}

#[cfg(unix)]
impl Notice {
    fn line(self) -> &'static str {
        match self {
            Self::Ready => "READY=1\nSTATUS=The display is up.",
            Self::Alive => "WATCHDOG=1",
            Self::Stopping => "STOPPING=1\nSTATUS=Waiting for watched runs to end.",
        }
    }
}

/// Connection to the service manager that started this program.
#[derive(Debug)]
#[cfg(unix)]
pub struct Service {
    socket: UnixDatagram,
    at: SocketAddr,
}

#[cfg(unix)]
impl Service {
    /// Returns the service manager named by `NOTIFY_SOCKET`; `None` if there is none.
    pub fn of_environment() -> Option<Self> {
        Self::at(std::env::var_os("NOTIFY_SOCKET")?)
    }

    /// Returns the service manager that listens at a path, or on Linux at an abstract name after
    /// `@`.
    pub fn at(name: OsString) -> Option<Self> {
        let at = address(name)?;
        Some(Self { socket: UnixDatagram::unbound().ok()?, at })
    }

    /// Sends a notice. Errors are ignored, because nothing can be done about them.
    pub fn tell(&self, notice: Notice) {
        let _ = self.socket.send_to_addr(notice.line().as_bytes(), &self.at);
    }
}

#[cfg(unix)]
fn address(name: OsString) -> Option<SocketAddr> {
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::ffi::OsStrExt;
        if let Some(name) = name.as_bytes().strip_prefix(b"@") {
            return SocketAddr::from_abstract_name(name).ok();
        }
    }
    SocketAddr::from_pathname(name).ok()
}

/// Other systems have no service manager with this protocol.
#[cfg(not(unix))]
#[derive(Debug)]
pub enum Service {}

#[cfg(not(unix))]
impl Service {
    pub fn of_environment() -> Option<Self> {
        None
    }

    pub fn tell(&self, _: Notice) {
        match *self {}
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 200];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    #[test]
    fn notices_reach_the_service_manager() {
        let folder = std::env::temp_dir().join(format!("meterbridge-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let service = Service::at(path.into_os_string()).unwrap();
        service.tell(Notice::Ready);
        service.tell(Notice::Alive);
        assert_eq!(heard(&socket), "READY=1\nSTATUS=The display is up.");
        assert_eq!(heard(&socket), "WATCHDOG=1");
        drop(socket);
        // A service manager that is gone causes no error.
        service.tell(Notice::Alive);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn notices_reach_an_abstract_socket() {
        use std::os::linux::net::SocketAddrExt;
        let name = format!("meterbridge-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        Service::at(format!("@{name}").into()).unwrap().tell(Notice::Alive);
        assert_eq!(heard(&socket), "WATCHDOG=1");
    }
}
