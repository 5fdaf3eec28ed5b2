//! The size of an X server's screen, from the server itself.
//!
//! winit learns the screens when the program starts and not that they change: Xlib drops the events of
//! RandR, an extension that nobody registers with it. A window manager resizes a full-screen window by
//! itself; without one, the window has to learn the new size. A second connection therefore reads the
//! root window's size and its changes, which needs nothing but the core protocol (X Window System
//! Protocol, X11 Release 7.7: sections "Connection Setup" and `ConfigureNotify`).

use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::PathBuf;
use std::thread;

use bevy::math::UVec2;

/// Name of the only kind of credentials that is read.
const COOKIE: &[u8] = b"MIT-MAGIC-COOKIE-1";
/// Family of an address in the file of credentials: a server on the machine of that name.
const LOCAL: u16 = 256;
/// Family of credentials for every address.
const ANY_ADDRESS: u16 = u16::MAX;
/// Most bytes read of the file of credentials.
const LONGEST_AUTHORITY_FILE: u64 = 1 << 20;
/// Code of the event that a window changed its size.
const CONFIGURE_NOTIFY: u8 = 22;
/// Code of an event of variable length.
const GENERIC_EVENT: u8 = 35;
/// Code of a reply.
const REPLY: u8 = 1;

/// Calls `tell` with the size of the screen of `DISPLAY`, now and after each change, until it returns
/// false. Does nothing where the server is not on this machine or does not answer.
pub(super) fn follow(tell: impl FnMut(UVec2) -> bool + Send + 'static) {
    let body = || {
        // The picture then keeps the size that the window has.
        let _ = read_sizes(tell);
    };
    // Without a thread, likewise.
    let _ = thread::Builder::new().name("meterbridge-screen".to_owned()).spawn(body);
}

fn read_sizes(mut tell: impl FnMut(UVec2) -> bool) -> io::Result<()> {
    let display = env::var("DISPLAY").unwrap_or_default();
    let Some(number) = local_display(&display) else { return Ok(()) };
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let cookie = authority_file()
        .and_then(|path| cookie_in(&read(path).ok()?, host.trim().as_bytes(), number));
    let mut stream = connect(number)?;
    stream.write_all(&setup_request(cookie.as_deref()))?;
    let root = read_setup(&mut stream)?;
    stream.write_all(&watch_request(root.window))?;
    if !tell(root.size) {
        return Ok(());
    }
    loop {
        if let Some(size) = read_event(&mut stream, root.window)?
            && !tell(size)
        {
            return Ok(());
        }
    }
}

/// Returns the number in `DISPLAY` when the server is on this machine: 1 in ":1" and in "unix:1.0".
fn local_display(display: &str) -> Option<u32> {
    let (host, rest) = display.rsplit_once(':')?;
    let number = rest.split_once('.').map_or(rest, |(number, _)| number);
    number.parse().ok().filter(|_| host.is_empty() || host == "unix")
}

fn connect(number: u32) -> io::Result<UnixStream> {
    let path = format!("/tmp/.X11-unix/X{number}");
    let hidden = SocketAddr::from_abstract_name(&path);
    let opened = hidden.and_then(|address| UnixStream::connect_addr(&address));
    opened.or_else(|_| UnixStream::connect(path))
}

fn authority_file() -> Option<PathBuf> {
    let named = env::var_os("XAUTHORITY").filter(|path| !path.is_empty());
    named.map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".Xauthority")))
}

fn read(path: PathBuf) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(LONGEST_AUTHORITY_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// An entry of a file of credentials.
struct Entry<'a> {
    family: u16,
    address: &'a [u8],
    display: &'a [u8],
    kind: &'a [u8],
    cookie: &'a [u8],
}

/// Returns the cookie of a display of this machine, which is called `host`, in a file of credentials. Prefers
/// entries for this machine; those of other names are left from before it was renamed.
fn cookie_in(mut file: &[u8], host: &[u8], number: u32) -> Option<Vec<u8>> {
    let number = number.to_string();
    let entries = std::iter::from_fn(|| entry(&mut file)).filter(|entry| {
        let is_of_display = entry.display.is_empty() || entry.display == number.as_bytes();
        is_of_display && entry.kind == COOKIE
    });
    let distance = |entry: &Entry| match entry.family {
        ANY_ADDRESS => 0,
        LOCAL if entry.address == host => 0,
        LOCAL => 1,
        _ => 2,
    };
    entries.min_by_key(distance).map(|entry| entry.cookie.to_owned())
}

/// Takes an entry off the file: a family and four texts, each after its length.
fn entry<'a>(file: &mut &'a [u8]) -> Option<Entry<'a>> {
    let (family, rest) = file.split_first_chunk::<2>()?;
    *file = rest;
    Some(Entry {
        family: u16::from_be_bytes(*family),
        address: text(file)?,
        display: text(file)?,
        kind: text(file)?,
        cookie: text(file)?,
    })
}

/// Takes a text after its length off the file.
fn text<'a>(file: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = file.split_first_chunk::<2>()?;
    let (text, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    *file = rest;
    Some(text)
}

fn setup_request(cookie: Option<&[u8]>) -> Vec<u8> {
    let (kind, cookie) = cookie.map_or((&[][..], &[][..]), |cookie| (COOKIE, cookie));
    // Little-endian, protocol 11.0.
    let mut request = vec![b'l', 0, 11, 0, 0, 0];
    // Lengths in the file of credentials have 16 bits, too.
    request.extend((kind.len() as u16).to_le_bytes());
    request.extend((cookie.len() as u16).to_le_bytes());
    request.extend([0, 0]);
    for text in [kind, cookie] {
        request.extend(text);
        request.resize(request.len().next_multiple_of(4), 0);
    }
    request
}

/// The window behind all others, and its size.
#[derive(Debug, PartialEq)]
struct Root {
    window: u32,
    size: UVec2,
}

fn read_setup(stream: &mut impl Read) -> io::Result<Root> {
    let mut head = [0; 8];
    stream.read_exact(&mut head)?;
    let mut body = vec![0; usize::from(u16::from_le_bytes([head[6], head[7]])) * 4];
    stream.read_exact(&mut body)?;
    let refused = || io::Error::other("the X server refused the connection");
    if head[0] != 1 { Err(refused()) } else { first_screen(&body).ok_or_else(refused) }
}

/// Returns the root window of the first screen in the server's description of itself.
fn first_screen(body: &[u8]) -> Option<Root> {
    let vendor_length = usize::from(u16_at(body, 16)?);
    let formats = usize::from(*body.get(21)?);
    let screen = body.get(32 + vendor_length.next_multiple_of(4) + 8 * formats..)?;
    let (width, height) = (u16_at(screen, 20)?, u16_at(screen, 22)?);
    Some(Root { window: u32_at(screen, 0)?, size: UVec2::new(width.into(), height.into()) })
}

/// Asks for events about the size of a window: `ChangeWindowAttributes` with the event mask
/// `StructureNotify`.
fn watch_request(window: u32) -> Vec<u8> {
    let mut request = vec![2, 0, 4, 0];
    for word in [window, 0x800, 0x2_0000] {
        request.extend(word.to_le_bytes());
    }
    request
}

/// Reads one event; returns the new size if it is that of `window`.
fn read_event(stream: &mut impl Read, window: u32) -> io::Result<Option<UVec2>> {
    let mut event = [0; 32];
    stream.read_exact(&mut event)?;
    // The top bit marks events that another client sent.
    let code = event[0] & 0x7f;
    if matches!(code, REPLY | GENERIC_EVENT) {
        let more = u64::from(u32_at(&event, 4).unwrap_or_default()) * 4;
        io::copy(&mut stream.take(more), &mut io::sink())?;
    }
    let is_of_window = code == CONFIGURE_NOTIFY && u32_at(&event, 8) == Some(window);
    let size = u16_at(&event, 20).zip(u16_at(&event, 22));
    Ok(size.filter(|_| is_of_window).map(|(width, height)| UVec2::new(width.into(), height.into())))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_displays_of_this_machine_are_asked() {
        for (display, number) in [
            (":0", Some(0)),
            (":77.0", Some(77)),
            ("unix:1", Some(1)),
            ("host:0", None),
            ("", None),
            (":x", None),
        ] {
            assert_eq!(local_display(display), number, "{display}");
        }
    }

    fn entry(display: &str, kind: &[u8], cookie: &[u8]) -> Vec<u8> {
        entry_of(LOCAL, b"host", display, kind, cookie)
    }

    fn entry_of(family: u16, host: &[u8], display: &str, kind: &[u8], cookie: &[u8]) -> Vec<u8> {
        let mut entry = family.to_be_bytes().to_vec();
        for text in [host, display.as_bytes(), kind, cookie] {
            entry.extend((text.len() as u16).to_be_bytes());
            entry.extend(text);
        }
        entry
    }

    #[test]
    fn cookie_is_that_of_the_display() {
        let file = [
            entry("1", COOKIE, b"one"),
            entry("2", b"XDM-AUTHORIZATION-1", b"other"),
            entry("2", COOKIE, b"two"),
        ]
        .concat();
        assert_eq!(cookie_in(&file, b"host", 2).as_deref(), Some(&b"two"[..]));
        assert_eq!(cookie_in(&file, b"host", 3), None);
        for length in 0..file.len() {
            let _ = cookie_in(&file[..length], b"host", 2);
        }
        let any = cookie_in(&entry("", COOKIE, b"any"), b"host", 9);
        assert_eq!(any.as_deref(), Some(&b"any"[..]));
    }

    #[test]
    fn cookie_is_that_of_this_machine_where_there_is_one() {
        let of = |family, host: &[u8]| entry_of(family, host, "0", COOKIE, host);
        let (internet, other) = (of(0, &[10, 0, 0, 7]), of(LOCAL, b"otherhost"));
        let check = |entries: &[&[u8]], cookie: &[u8]| {
            let found = cookie_in(&entries.concat(), b"studio", 0);
            assert_eq!(found.as_deref(), Some(cookie));
        };
        check(&[&internet, &other, &of(LOCAL, b"studio")], b"studio");
        check(&[&other, &of(ANY_ADDRESS, b"any")], b"any");
        check(&[&internet, &other], b"otherhost");
        check(&[&internet], &[10, 0, 0, 7]);
        // As Xlib does, the first of two that apply.
        check(&[&of(ANY_ADDRESS, b"any"), &of(LOCAL, b"studio")], b"any");
    }

    #[test]
    fn setup_request_pads_its_texts() {
        let request = setup_request(Some(&[7; 16]));
        assert_eq!(request.len(), 12 + 20 + 16);
        assert_eq!(request[..12], [b'l', 0, 11, 0, 0, 0, 18, 0, 16, 0, 0, 0]);
        assert_eq!(setup_request(None).len(), 12);
    }

    /// A server's description of itself: vendor "abc", one format, one screen of 1920×1080.
    fn setup() -> Vec<u8> {
        let mut body = vec![0; 32];
        body[16] = 3;
        body[20] = 1;
        body[21] = 1;
        body.extend(b"abc\0");
        body.extend([0; 8]);
        let mut screen = vec![0; 40];
        screen[..4].copy_from_slice(&0x123_u32.to_le_bytes());
        screen[20..22].copy_from_slice(&1920_u16.to_le_bytes());
        screen[22..24].copy_from_slice(&1080_u16.to_le_bytes());
        body.extend(screen);
        body
    }

    #[test]
    fn size_is_read_at_first_and_after_each_change_of_the_root_window() {
        let body = setup();
        let mut stream = vec![1, 0, 11, 0, 0, 0];
        stream.extend(((body.len() / 4) as u16).to_le_bytes());
        stream.extend(body);
        for (code, window, width) in
            [(CONFIGURE_NOTIFY, 0x123_u32, 1280_u16), (CONFIGURE_NOTIFY, 0x99, 5), (12, 0x123, 6)]
        {
            let mut event = [0; 32];
            event[0] = code;
            event[8..12].copy_from_slice(&window.to_le_bytes());
            event[20..22].copy_from_slice(&width.to_le_bytes());
            event[22..24].copy_from_slice(&720_u16.to_le_bytes());
            stream.extend(event);
        }
        let mut stream = stream.as_slice();
        let root = read_setup(&mut stream).unwrap();
        assert_eq!(root, Root { window: 0x123, size: UVec2::new(1920, 1080) });
        let mut next = || read_event(&mut stream, root.window).ok();
        assert_eq!(next(), Some(Some(UVec2::new(1280, 720))));
        assert_eq!([next(), next(), next()], [Some(None), Some(None), None]);
    }

    #[test]
    fn refused_and_short_answers_are_errors() {
        let mut refused: &[u8] = &[0, 4, 11, 0, 0, 0, 1, 0, b'n', b'o', b'!', b'!'];
        assert!(read_setup(&mut refused).is_err());
        let body = setup();
        for length in 0..body.len() - 16 {
            assert_eq!(first_screen(&body[..length]), None, "{length}");
        }
    }
}
