//! D-Bus wire format, limited to method calls with string arguments and their replies. No I/O.

use std::os::unix::net::SocketAddr;

/// Message type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Call,
    Return,
    Error,
    Signal,
}

/// The parts of a message that are read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    pub kind: Kind,
    /// Serial number of the call that this message answers.
    pub reply_to: Option<u32>,
    /// Error name.
    name: Option<String>,
    /// First argument, if it is a string.
    text: Option<String>,
}

const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
const SIGNATURE: u8 = 8;

/// Encodes a method call with string arguments; the tuple is destination, path and interface.
pub(super) fn call(
    serial: u32,
    (destination, path, interface): (&str, &str, &str),
    member: &str,
    arguments: &[&str],
) -> Vec<u8> {
    let mut body = Vec::new();
    for argument in arguments {
        align(&mut body, 4);
        push_text(&mut body, argument);
    }
    // Little-endian, method call, no flags, version 1. The length of the fields follows at the end.
    let mut bytes = vec![b'l', 1, 0, 1];
    bytes.extend(length(&body));
    bytes.extend(serial.to_le_bytes());
    let mut fields = Vec::new();
    let texts = [
        (PATH, b'o', path),
        (INTERFACE, b's', interface),
        (MEMBER, b's', member),
        (DESTINATION, b's', destination),
    ];
    for (code, kind, text) in texts {
        align(&mut fields, 8);
        fields.extend([code, 1, kind, 0]);
        push_text(&mut fields, text);
    }
    if !arguments.is_empty() {
        align(&mut fields, 8);
        fields.extend([SIGNATURE, 1, b'g', 0, arguments.len() as u8]);
        fields.extend(arguments.iter().map(|_| b's'));
        fields.push(0);
    }
    bytes.extend(length(&fields));
    bytes.extend(fields);
    align(&mut bytes, 8);
    bytes.extend(body);
    bytes
}

fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes()
}

fn push_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend(length(text.as_bytes()));
    bytes.extend(text.bytes());
    bytes.push(0);
}

fn align(bytes: &mut Vec<u8>, to: usize) {
    bytes.resize(bytes.len().next_multiple_of(to), 0);
}

impl Message {
    /// Length in bytes of the fixed part of a header, which contains the length of the rest.
    pub const HEAD: usize = 16;

    /// Returns how many bytes follow `head`; `None` if `head` is invalid.
    pub fn rest(head: &[u8; Self::HEAD]) -> Option<usize> {
        let body = Reader::of(head, head)?.at(4).number()?;
        let fields = Reader::of(head, head)?.at(12).number()?;
        (fields as usize).checked_next_multiple_of(8)?.checked_add(body as usize)
    }

    pub fn read(head: &[u8; Self::HEAD], rest: &[u8]) -> Option<Self> {
        let kind = match head[1] {
            1 => Kind::Call,
            2 => Kind::Return,
            3 => Kind::Error,
            4 => Kind::Signal,
            _ => return None,
        };
        let mut message = Self { kind, reply_to: None, name: None, text: None };
        let end = Reader::of(head, head)?.at(12).number()? as usize;
        let mut fields = Reader::of(head, rest.get(..end)?)?;
        let mut is_text = false;
        while fields.align(8).is_some() && !fields.is_at_end() {
            let code = fields.byte()?;
            match fields.signature()? {
                "u" => {
                    let number = fields.align(4)?.number()?;
                    if code == REPLY_SERIAL {
                        message.reply_to = Some(number);
                    }
                }
                "s" | "o" => {
                    let text = fields.align(4)?.text()?;
                    if code == ERROR_NAME {
                        message.name = Some(text.to_owned());
                    }
                }
                "g" => {
                    let signature = fields.signature()?;
                    is_text |= code == SIGNATURE && signature.starts_with('s');
                }
                // Messages sent to this client have no header fields of other types.
                _ => return None,
            }
        }
        if is_text {
            let body = rest.get(end.next_multiple_of(8)..)?;
            message.text = Some(Reader::of(head, body)?.text()?.to_owned());
        }
        Some(message)
    }

    /// Returns the error text for display.
    pub fn words(&self) -> String {
        let name = self.name.as_deref().unwrap_or("no name");
        self.text.clone().unwrap_or_else(|| name.to_owned())
    }
}

/// Reads values in the byte order given by the message header.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    big_endian: bool,
}

impl<'a> Reader<'a> {
    fn of(head: &[u8], bytes: &'a [u8]) -> Option<Self> {
        match head.first()? {
            b'l' => Some(Self { bytes, at: 0, big_endian: false }),
            b'B' => Some(Self { bytes, at: 0, big_endian: true }),
            _ => None,
        }
    }

    fn at(mut self, at: usize) -> Self {
        self.at = at;
        self
    }

    fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn align(&mut self, to: usize) -> Option<&mut Self> {
        self.at = self.at.checked_next_multiple_of(to)?;
        Some(self)
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn number(&mut self) -> Option<u32> {
        let bytes: [u8; 4] = self.take(4)?.try_into().ok()?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.number()? as usize;
        let text = std::str::from_utf8(self.take(length)?).ok()?;
        (self.byte()? == 0).then_some(text)
    }

    fn signature(&mut self) -> Option<&'a str> {
        let length = usize::from(self.byte()?);
        let text = std::str::from_utf8(self.take(length)?).ok()?;
        (self.byte()? == 0).then_some(text)
    }
}

/// Parses a bus address: `unix:path=…` or `unix:abstract=…`, possibly with further keys.
pub(super) fn socket_of(address: &str) -> Option<SocketAddr> {
    let keys = address.strip_prefix("unix:")?;
    keys.split(',').find_map(|pair| match pair.split_once('=')? {
        ("path", path) => SocketAddr::from_pathname(unescaped(path)?).ok(),
        #[cfg(target_os = "linux")]
        ("abstract", name) => {
            use std::os::linux::net::SocketAddrExt;
            SocketAddr::from_abstract_name(unescaped(name)?).ok()
        }
        _ => None,
    })
}

/// Decodes percent escapes such as `%20`.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = |digit: u8| char::from(digit).to_digit(16);
        bytes.push(match byte {
            b'%' => (hex(rest.next()?)? * 16 + hex(rest.next()?)?) as u8,
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Option<Message> {
        let (head, rest) = bytes.split_first_chunk()?;
        (Message::rest(head)? == rest.len()).then_some(())?;
        Message::read(head, rest)
    }

    /// Compared byte by byte with the layout in the specification.
    #[test]
    fn call_encoding_matches_the_specification() {
        let bytes = call(1, ("org.a", "/a", "org.a"), "M", &["x", "yz"]);
        let expected: &[&[u8]] = &[
            b"l\x01\x00\x01\x0f\0\0\0\x01\0\0\0\x4b\0\0\0",
            b"\x01\x01o\0\x02\0\0\0/a\0\0\0\0\0\0",
            b"\x02\x01s\0\x05\0\0\0org.a\0\0\0",
            b"\x03\x01s\0\x01\0\0\0M\0\0\0\0\0\0\0",
            b"\x06\x01s\0\x05\0\0\0org.a\0\0\0",
            b"\x08\x01g\0\x02ss\0",
            b"\x01\0\0\0x\0\0\0\x02\0\0\0yz\0",
        ];
        assert_eq!(bytes.len(), expected.concat().len(), "{bytes:?}");
        let fields = u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
        let mut expected = expected.concat();
        expected[12..16].copy_from_slice(&fields.to_le_bytes());
        assert_eq!(bytes, expected);
        assert_eq!(fields as usize, bytes.len() - 16 - 15);
        let message = read(&bytes).unwrap();
        assert_eq!((message.kind, message.text.as_deref()), (Kind::Call, Some("x")));
    }

    #[test]
    fn replies_carry_their_serial_and_errors_their_text() {
        let answer = b"l\x02\x01\x01\x04\0\0\0\x07\0\0\0\x0f\0\0\0\
            \x05\x01u\0\x02\0\0\0\x08\x01g\0\x01u\0\0\x2a\0\0\0";
        let message = read(answer).unwrap();
        assert_eq!((message.kind, message.reply_to), (Kind::Return, Some(2)));

        let error = b"B\x03\x01\x01\0\0\0\x07\0\0\0\x07\0\0\0\x1f\
            \x05\x01u\0\0\0\0\x02\x04\x01s\0\0\0\0\x03a.b\0\0\0\0\0\x08\x01g\0\x01s\0\0\
            \0\0\0\x02no\0";
        let message = read(error).unwrap();
        assert_eq!((message.kind, message.reply_to), (Kind::Error, Some(2)));
        assert_eq!(message.words(), "no");
    }

    #[test]
    fn malformed_messages_are_rejected_without_panic() {
        let whole = call(1, ("org.a", "/a", "org.a"), "M", &["x"]);
        for cut in 0..whole.len() {
            assert_eq!(read(&whole[..cut]), None);
        }
        let mut rng = fastrand::Rng::with_seed(5);
        for _ in 0..20_000 {
            let mut bytes = whole.clone();
            for _ in 0..3 {
                let at = rng.usize(..bytes.len());
                bytes[at] = rng.u8(..);
            }
            let _ = read(&bytes);
            if let Some((head, rest)) = bytes.split_first_chunk() {
                let _ = (Message::rest(head), Message::read(head, rest));
            }
        }
    }

    #[test]
    fn bus_addresses_are_parsed() {
        let path = |address: &str| {
            let found = socket_of(address)?;
            found.as_pathname().map(|path| path.display().to_string())
        };
        assert_eq!(path("unix:path=/run/user/1000/bus").as_deref(), Some("/run/user/1000/bus"));
        assert_eq!(path("unix:guid=5,path=/a%20b").as_deref(), Some("/a b"));
        assert_eq!(path("tcp:host=x,port=1"), None);
        assert_eq!(path("unix:path=/a%2"), None);
        assert_eq!(path(""), None);
        #[cfg(target_os = "linux")]
        assert!(socket_of("unix:abstract=/tmp/dbus-x,guid=1").is_some());
    }
}
