//! Decoding of a recording's file into UTF-8 text: decompression and UTF-16.

use std::io::{self, BufReader, Chain, Cursor, Read};

/// Number of bytes read to identify a file.
const HEAD_BYTES: usize = 512;

/// Text of a recording as UTF-8, from any supported kind of file. Invalid UTF-8 is passed through.
pub(super) type Text<R> = BufReader<Utf8<Headed<Plain<Headed<R>>>>>;

/// A reader whose first bytes were read ahead.
type Headed<R> = Chain<Cursor<Vec<u8>>, R>;

/// Opens the text of a file. The inner error says what the file is, where it is not text.
pub(super) fn open<R: Read>(reader: R) -> io::Result<Result<Text<R>, &'static str>> {
    let (head, reader) = look(reader)?;
    if let Some(kind) = unsupported_format(&head) {
        return Ok(Err(kind));
    }
    #[cfg(target_arch = "wasm32")]
    if head.starts_with(b"\x28\xb5\x2f\xfd") {
        return Ok(Err(
            "it is compressed with Zstandard, which a page cannot read; unpack it with `unzstd`",
        ));
    }
    let was_compressed = is_compressed(&head);
    let (head, reader) = look(Plain::of(&head, reader))?;
    if was_compressed && is_compressed(&head) {
        return Ok(Err("it is compressed twice; unpack it once with `gunzip` or `unzstd`"));
    }
    if let Some(kind) = unsupported_format(&head) {
        return Ok(Err(kind));
    }
    let text =
        Utf8 { encoding: Encoding::of(&head), reader, rest: Vec::new(), out: Vec::new(), at: 0 };
    if text.encoding == Encoding::Utf8 && is_binary(&head) {
        return Ok(Err("it is binary data, not text"));
    }
    Ok(Ok(BufReader::new(text)))
}

fn look<R: Read>(mut reader: R) -> io::Result<(Vec<u8>, Headed<R>)> {
    let mut head = Vec::new();
    match reader.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head) {
        // Data read before a failure counts; the next read reports the failure again.
        Err(error) if head.is_empty() => return Err(error),
        _ => {}
    }
    Ok((head.clone(), Cursor::new(head).chain(reader)))
}

/// Identifies files that cannot be read here: unsupported compression, archives, binary formats.
fn unsupported_format(head: &[u8]) -> Option<&'static str> {
    let kinds: [(&[u8], &str); 11] = [
        (b"\xfd7zXZ\0", "it is compressed with xz; unpack it with `xz -d`"),
        (b"BZh", "it is compressed with bzip2; unpack it with `bunzip2`"),
        (b"\x04\x22\x4d\x18", "it is compressed with lz4; unpack it with `lz4 -d`"),
        (b"PK\x03\x04", "it is a zip archive; unpack it with `unzip`"),
        (b"7z\xbc\xaf\x27\x1c", "it is a 7z archive; unpack it with `7z x`"),
        (b"SQLite format 3\0", "it is an SQLite database"),
        (b"\x7fELF", "it is a program"),
        (b"\x89PNG", "it is a PNG picture"),
        (b"%PDF-", "it is a PDF document"),
        (b"\xff\xfe\0\0", "it is UTF-32; write it as UTF-8"),
        (b"\0\0\xfe\xff", "it is UTF-32; write it as UTF-8"),
    ];
    let known = kinds.into_iter().find(|(magic, _)| head.starts_with(magic));
    if head.get(257..262) == Some(b"ustar") {
        return Some("it is a tar archive; unpack it with `tar -x`");
    }
    known.map(|(_, kind)| kind)
}

/// True when a file begins with data that is decompressed here.
#[cfg(not(target_arch = "wasm32"))]
fn is_compressed(head: &[u8]) -> bool {
    super::gzip::begins(head) || super::zstd::begins(head)
}

/// Compressed data is not decompressed in a page, so it is binary data.
#[cfg(target_arch = "wasm32")]
fn is_compressed(_: &[u8]) -> bool {
    false
}

/// True when the head of a file that is not UTF-16 shows binary data.
fn is_binary(head: &[u8]) -> bool {
    // A recording written to a full disk contains zeros as well.
    head.contains(&0) && !head.windows(2).any(|pair| pair == b"{\"")
}

/// Decompressed bytes. After a failure every read fails.
pub(super) struct Plain<R: Read> {
    source: Source<R>,
    failure: Option<(io::ErrorKind, String)>,
}

enum Source<R: Read> {
    Plain(R),
    #[cfg(not(target_arch = "wasm32"))]
    Gzip(Box<super::gzip::Gzip<Watched<R>>>),
    #[cfg(not(target_arch = "wasm32"))]
    Zstd(Box<super::zstd::Zstd<Watched<R>>>),
}

/// A reader that remembers its end.
#[cfg(not(target_arch = "wasm32"))]
pub(super) struct Watched<R> {
    reader: R,
    has_ended: bool,
}

#[cfg(not(target_arch = "wasm32"))]
impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer);
        self.has_ended |= matches!(read, Ok(0)) && !buffer.is_empty();
        read
    }
}

impl<R: Read> Plain<R> {
    fn of(head: &[u8], reader: R) -> Self {
        Self { source: Source::of(head, reader), failure: None }
    }
}

impl<R: Read> Source<R> {
    #[cfg(not(target_arch = "wasm32"))]
    fn of(head: &[u8], reader: R) -> Self {
        let watched = |reader| Watched { reader, has_ended: false };
        if super::gzip::begins(head) {
            Self::Gzip(Box::new(super::gzip::Gzip::new(watched(reader))))
        } else if super::zstd::begins(head) {
            Self::Zstd(Box::new(super::zstd::Zstd::new(watched(reader))))
        } else {
            Self::Plain(reader)
        }
    }

    /// A page plays no files, so nothing is decompressed.
    #[cfg(target_arch = "wasm32")]
    fn of(_: &[u8], reader: R) -> Self {
        Self::Plain(reader)
    }
}

impl<R: Read> Read for Plain<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some((kind, words)) = &self.failure {
            return Err(io::Error::new(*kind, words.clone()));
        }
        self.source.read(buffer).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.failure = Some((error.kind(), error.to_string()));
            }
        })
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(reader) => reader.read(buffer),
            #[cfg(not(target_arch = "wasm32"))]
            Self::Gzip(gzip) => gzip.read(buffer).map_err(|error| {
                damaged(error, "gzip", gzip.source().is_some_and(|source| source.has_ended))
            }),
            #[cfg(not(target_arch = "wasm32"))]
            Self::Zstd(zstd) => zstd
                .read(buffer)
                .map_err(|error| damaged(error, "Zstandard", zstd.source().has_ended)),
        }
    }
}

/// Converts an error of a decompressor into plain words. Errors of the file itself stay as they are.
#[cfg(not(target_arch = "wasm32"))]
fn damaged(error: io::Error, format: &str, has_ended: bool) -> io::Error {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};

    match error.kind() {
        InvalidData | InvalidInput | Other | UnexpectedEof if has_ended => {
            io::Error::new(UnexpectedEof, format!("the {format} data is cut off"))
        }
        InvalidData | InvalidInput | Other | UnexpectedEof => {
            io::Error::new(InvalidData, format!("the {format} data is damaged"))
        }
        _ => error,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16 { little_endian: bool },
}

impl Encoding {
    /// Detects the encoding by the byte order mark. Without one, UTF-16 is detected by zeros beside the
    /// first two characters, which are ASCII in JSON.
    fn of(head: &[u8]) -> Self {
        match head {
            [0xff, 0xfe, ..] => Self::Utf16 { little_endian: true },
            [0xfe, 0xff, ..] => Self::Utf16 { little_endian: false },
            [a, 0, b, 0, ..] if *a > 0 && *b > 0 => Self::Utf16 { little_endian: true },
            [0, a, 0, b, ..] if *a > 0 && *b > 0 => Self::Utf16 { little_endian: false },
            _ => Self::Utf8,
        }
    }
}

/// Converts text to UTF-8. Invalid UTF-16 becomes U+FFFD.
pub(super) struct Utf8<R> {
    encoding: Encoding,
    reader: R,
    /// Bytes of an incomplete UTF-16 character.
    rest: Vec<u8>,
    /// Converted text; the part from `at` on has not been read yet.
    out: Vec<u8>,
    at: usize,
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Encoding::Utf16 { little_endian } = self.encoding else {
            return self.reader.read(buffer);
        };
        while self.at == self.out.len() {
            if !self.transcode(little_endian)? {
                return Ok(0);
            }
        }
        let waiting = &self.out[self.at..];
        let length = waiting.len().min(buffer.len());
        buffer[..length].copy_from_slice(&waiting[..length]);
        self.at += length;
        Ok(length)
    }
}

impl<R: Read> Utf8<R> {
    /// Converts the next UTF-16 data; returns `false` at the end.
    fn transcode(&mut self, little_endian: bool) -> io::Result<bool> {
        let mut bytes = std::mem::take(&mut self.rest);
        let length = bytes.len();
        bytes.resize(length + (8 << 10), 0);
        let read = loop {
            match self.reader.read(&mut bytes[length..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        bytes.truncate(length + read);
        if bytes.is_empty() {
            return Ok(false);
        }
        let unit = |pair: &[u8]| match pair {
            [low, high] if little_endian => u16::from_le_bytes([*low, *high]),
            [high, low] => u16::from_be_bytes([*high, *low]),
            // A single byte at the very end.
            _ => 0xfffd,
        };
        if read > 0 {
            let whole = bytes.len() / 2 * 2;
            let goes_on = bytes[..whole]
                .rchunks(2)
                .next()
                .is_some_and(|pair| matches!(unit(pair), 0xd800..=0xdbff));
            self.rest = bytes.split_off(if goes_on { whole - 2 } else { whole });
        }
        let units = bytes.chunks(2).map(unit);
        let text: String = char::decode_utf16(units)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        self.out = text.into_bytes();
        self.at = 0;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reader that returns one byte at a time, as a slow pipe may.
    struct ByteByByte<'t>(&'t [u8]);

    impl Read for ByteByByte<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(1);
            self.0.read(&mut buffer[..length])
        }
    }

    fn text_of(bytes: &[u8]) -> String {
        let mut texts = [String::new(), String::new()];
        open(bytes).unwrap().unwrap().read_to_string(&mut texts[0]).unwrap();
        open(ByteByByte(bytes)).unwrap().unwrap().read_to_string(&mut texts[1]).unwrap();
        assert_eq!(texts[0], texts[1]);
        std::mem::take(&mut texts[0])
    }

    #[test]
    fn utf_16_is_read_in_both_orders_with_and_without_a_mark() {
        let text = format!("{{\"é😀\": \"{}\"}}\r\n", "音".repeat(9_000));
        let units: Vec<u16> = text.encode_utf16().collect();
        for mark in ["", "\u{feff}"] {
            let marked: Vec<u16> = mark.encode_utf16().chain(units.clone()).collect();
            let expected = format!("{mark}{text}");
            let little: Vec<u8> = marked.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            assert_eq!(text_of(&little), expected);
            let big: Vec<u8> = marked.iter().flat_map(|unit| unit.to_be_bytes()).collect();
            assert_eq!(text_of(&big), expected);
        }
    }

    #[test]
    fn broken_utf_16_becomes_replacement_characters() {
        assert_eq!(text_of(b"\xff\xfea\0\x3d\xd8b\0"), "\u{feff}a\u{fffd}b");
        assert_eq!(text_of(b"\xff\xfea\0\x3d\xd8"), "\u{feff}a\u{fffd}");
        assert_eq!(text_of(b"\xff\xfea\0b"), "\u{feff}a\u{fffd}");
    }

    #[test]
    fn files_without_text_are_identified() {
        for (bytes, kind) in [
            (&b"\xfd7zXZ\0..."[..], "xz"),
            (b"BZh91AY", "bzip2"),
            (b"PK\x03\x04..", "zip"),
            (b"\x89PNG\r\n\x1a\n", "PNG"),
            (b"\0\x01\x02\x03", "binary"),
        ] {
            let told = open(bytes).unwrap().err().unwrap_or_default();
            assert!(told.contains(kind), "{kind}: {told}");
        }
        assert_eq!(text_of(b""), "");
    }
}
