//! What a service manager is told: the protocol of `sd_notify(3)`, a line in a datagram.
//!
//! By hand and not with the crate `sd-notify`: three fixed lines are sent, and the address may be of an abstract
//! name; the crate would replace one `send_to`.

#[cfg(unix)]
use std::ffi::OsString;
#[cfg(unix)]
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// A sign for whoever supervises the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The display is up.
    Ready,
    /// It still draws. Without these for `WatchdogSec` the service manager starts it anew.
    Alive,
    /// The display is closed, and the program ends as soon as nothing is at stake.
    Stopping,
}

#[cfg(unix)]
impl Notice {
    fn line(self) -> &'static str {
        match self {
            Self::Ready => "READY=1\nSTATUS=The display is up.",
            Self::Alive => "WATCHDOG=1",
            Self::Stopping => "STOPPING=1\nSTATUS=Watched runs go on; waiting for them.",
        }
    }
}

/// The service manager that started this program.
#[derive(Debug)]
#[cfg(unix)]
pub struct Service {
    socket: UnixDatagram,
    at: SocketAddr,
}

#[cfg(unix)]
impl Service {
    /// The one that `NOTIFY_SOCKET` names; `None` where there is none.
    pub fn of_environment() -> Option<Self> {
        Self::at(std::env::var_os("NOTIFY_SOCKET")?)
    }

    /// The one that listens at a path, or at a name of Linux's own, after `@`.
    pub fn at(name: OsString) -> Option<Self> {
        let at = address(name)?;
        Some(Self { socket: UnixDatagram::unbound().ok()?, at })
    }

    /// Nobody can do anything about a service manager that does not listen.
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

/// Elsewhere there is none that speaks this.
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
    fn a_service_manager_hears_of_it() {
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
        // It is gone, and that is no trouble of ours.
        service.tell(Notice::Alive);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn it_may_listen_at_an_abstract_name() {
        use std::os::linux::net::SocketAddrExt;
        let name = format!("meterbridge-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        Service::at(format!("@{name}").into()).unwrap().tell(Notice::Alive);
        assert_eq!(heard(&socket), "WATCHDOG=1");
    }
}
