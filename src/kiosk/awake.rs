//! Keeping the screen awake on a desktop.
//!
//! On Linux and BSD, desktops offer `org.freedesktop.ScreenSaver` on the D-Bus session bus: a call
//! of `Inhibit` keeps the screen awake until the caller's connection closes. A single method call
//! does not justify a D-Bus library with its own executor (`zbus` brings forty crates), so this
//! module implements the small part of the protocol that it needs, after the [D-Bus specification]
//! (authentication, messages).
//!
//! The crate `keepawake` would also serve macOS and Windows, where [`keep_awake`] is not supported. On Linux
//! it uses `zbus` and does not report the loss of the session, which [`KeptAwake::until_lost`] waits for.
//! `keepawake` becomes worthwhile when such a machine is used for a wall display.
//!
//! [D-Bus specification]: https://dbus.freedesktop.org/doc/dbus-specification.html

use thiserror::Error;

/// The reason why the screen may go dark, worded to follow "The screen may go dark: ".
#[derive(Debug, Error)]
pub enum AwakeError {
    #[error("there is no desktop session to ask; for a bare X server see docs/wall.md")]
    NoSession,
    #[error("the desktop session cannot be asked ({0})")]
    Unreachable(#[from] std::io::Error),
    #[error("the desktop refused to keep the screen awake ({0})")]
    Refused(String),
    #[error("the desktop session has ended")]
    Ended,
    #[error("Meterbridge cannot prevent it on this system; change the system's settings")]
    UnknownSystem,
}

#[cfg(all(unix, not(target_os = "macos")))]
pub use session::{KeptAwake, keep_awake};

/// Keeps the screen awake until dropped.
#[cfg(not(all(unix, not(target_os = "macos"))))]
#[derive(Debug)]
pub enum KeptAwake {}

#[cfg(not(all(unix, not(target_os = "macos"))))]
impl KeptAwake {
    /// Waits until the screen is no longer kept awake; returns the reason.
    pub fn until_lost(self) -> AwakeError {
        match self {}
    }
}

/// Asks the desktop to keep the screen awake.
///
/// # Errors
///
/// Always fails: this system is not supported.
#[cfg(not(all(unix, not(target_os = "macos"))))]
pub fn keep_awake() -> Result<KeptAwake, AwakeError> {
    Err(AwakeError::UnknownSystem)
}

#[cfg(all(unix, not(target_os = "macos")))]
mod session {
    use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use super::AwakeError;
    use crate::kiosk::dbus::{Kind, Message, call, socket_of};

    /// Timeout for an answer; the bus may have to start the service first.
    const ANSWER_WITHIN: Duration = Duration::from_secs(30);
    /// Largest accepted message. The bus allows 128 MiB, but the messages used here are small.
    const MOST_BYTES: usize = 1 << 20;

    /// Keeps the screen awake until dropped.
    #[derive(Debug)]
    pub struct KeptAwake(Bus);

    impl KeptAwake {
        /// Waits until the session ends the connection; returns the reason.
        pub fn until_lost(mut self) -> AwakeError {
            let endless = self.0.stream.get_ref().set_read_timeout(None);
            while endless.is_ok() && self.0.receive().is_ok() {}
            AwakeError::Ended
        }
    }

    /// Asks the desktop to keep the screen awake.
    ///
    /// # Errors
    ///
    /// Fails when there is no desktop session, or the session has no screen saver service.
    pub fn keep_awake() -> Result<KeptAwake, AwakeError> {
        let stream = connect()?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        stream.set_write_timeout(Some(ANSWER_WITHIN))?;
        inhibit(stream)
    }

    /// Connects to the session bus; uses its default path when the environment gives no address.
    fn connect() -> Result<UnixStream, AwakeError> {
        let named = std::env::var("DBUS_SESSION_BUS_ADDRESS").ok();
        let default = || Some(format!("unix:path={}/bus", std::env::var("XDG_RUNTIME_DIR").ok()?));
        let addresses = named.or_else(default).ok_or(AwakeError::NoSession)?;
        let mut failed = None;
        for address in addresses.split(';') {
            match socket_of(address).map(|at| UnixStream::connect_addr(&at)) {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(error)) => failed = Some(error),
                None => {}
            }
        }
        match failed {
            Some(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Err(AwakeError::NoSession),
        }
    }

    pub(super) fn inhibit(stream: UnixStream) -> Result<KeptAwake, AwakeError> {
        let mut bus = Bus { stream: BufReader::new(stream), serial: 0 };
        bus.introduce()?;
        let hello = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus");
        bus.call(hello, "Hello", &[])?;
        let saver = (
            "org.freedesktop.ScreenSaver",
            "/org/freedesktop/ScreenSaver",
            "org.freedesktop.ScreenSaver",
        );
        bus.call(saver, "Inhibit", &["Meterbridge", "Shows the studio's runs on a wall"])?;
        Ok(KeptAwake(bus))
    }

    #[derive(Debug)]
    struct Bus {
        stream: BufReader<UnixStream>,
        serial: u32,
    }

    impl Bus {
        fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.stream.get_mut().write_all(bytes)
        }

        /// Authenticates with EXTERNAL: the bus reads the user id from the socket itself.
        fn introduce(&mut self) -> Result<(), AwakeError> {
            self.send(b"\0AUTH EXTERNAL\r\nDATA\r\n")?;
            for _ in 0..2 {
                let mut line = String::new();
                self.stream.by_ref().take(MOST_BYTES as u64).read_line(&mut line)?;
                match line.split_whitespace().next() {
                    Some("DATA") => {}
                    Some("OK") => return Ok(self.send(b"BEGIN\r\n")?),
                    _ => return Err(AwakeError::Refused(line.trim().to_owned())),
                }
            }
            Err(AwakeError::Refused("authentication was refused".to_owned()))
        }

        fn call(
            &mut self,
            to: (&str, &str, &str),
            member: &str,
            arguments: &[&str],
        ) -> Result<(), AwakeError> {
            self.serial += 1;
            let bytes = call(self.serial, to, member, arguments);
            self.send(&bytes)?;
            loop {
                let message = self.receive()?;
                if message.reply_to != Some(self.serial) {
                    continue;
                }
                return match message.kind {
                    Kind::Error => Err(AwakeError::Refused(message.words())),
                    _ => Ok(()),
                };
            }
        }

        fn receive(&mut self) -> io::Result<Message> {
            let mut head = [0; Message::HEAD];
            self.stream.read_exact(&mut head)?;
            let length = Message::rest(&head)
                .filter(|length| *length <= MOST_BYTES)
                .ok_or_else(|| io::Error::from(ErrorKind::InvalidData))?;
            let mut rest = vec![0; length];
            self.stream.read_exact(&mut rest)?;
            Message::read(&head, &rest).ok_or_else(|| ErrorKind::InvalidData.into())
        }
    }

    #[cfg(test)]
    mod tests {
        use std::thread;

        use super::*;

        /// Runs a bus that answers `Hello` with success and `Inhibit` with `answer`, and then
        /// closes.
        fn with_bus(answer: &'static [u8]) -> Result<KeptAwake, AwakeError> {
            let (ours, theirs) = UnixStream::pair().unwrap();
            let bus = thread::spawn(move || {
                let mut stream = BufReader::new(theirs);
                let mut line = String::new();
                while !line.ends_with("DATA\r\n") {
                    stream.read_line(&mut line).unwrap();
                }
                stream.get_mut().write_all(b"DATA\r\nOK 0123\r\n").unwrap();
                stream.read_line(&mut line).unwrap();
                assert_eq!(line, "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n");
                let mut bus = Bus { stream, serial: 0 };
                let hello = b"l\x02\x01\x01\0\0\0\0\x01\0\0\0\x08\0\0\0\x05\x01u\0\x01\0\0\0";
                for answer in [&hello[..], answer] {
                    assert_eq!(bus.receive().unwrap().kind, Kind::Call);
                    // A broadcast signal, which is not the expected answer.
                    bus.send(b"l\x04\x01\x01\0\0\0\0\x09\0\0\0\0\0\0\0").unwrap();
                    bus.send(answer).unwrap();
                }
            });
            let kept = inhibit(ours);
            bus.join().unwrap();
            kept
        }

        #[test]
        fn screen_is_kept_awake_until_the_session_ends() {
            let cookie = b"l\x02\x01\x01\x04\0\0\0\x02\0\0\0\x0f\0\0\0\
                \x05\x01u\0\x02\0\0\0\x08\x01g\0\x01u\0\0\x2a\0\0\0";
            let kept = with_bus(cookie).unwrap();
            assert!(matches!(kept.until_lost(), AwakeError::Ended));
        }

        #[test]
        fn error_reply_to_inhibit_is_a_refusal() {
            let refusal = b"l\x03\x01\x01\x07\0\0\0\x02\0\0\0\x0f\0\0\0\
                \x05\x01u\0\x02\0\0\0\x08\x01g\0\x01s\0\0\x02\0\0\0no\0";
            let error = with_bus(refusal).unwrap_err();
            assert_eq!(error.to_string(), "the desktop refused to keep the screen awake (no)");
        }
    }
}
