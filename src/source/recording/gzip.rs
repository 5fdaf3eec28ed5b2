//! Gzip decompression (RFC 1952) of all members of a file, one after the other.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

/// First bytes of a member.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// True when a file begins with a gzip member.
pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(&MAGIC)
}

/// Decompressing reader. Zeros after a member are padding and skipped, as `gzip` does.
pub(super) struct Gzip<R: Read> {
    /// `None` at the end.
    member: Option<GzDecoder<BufReader<R>>>,
}

impl<R: Read> Gzip<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { member: Some(GzDecoder::new(BufReader::new(reader))) }
    }

    /// Returns the compressed input; `None` at the end.
    pub(super) fn source(&self) -> Option<&R> {
        self.member.as_ref().map(|member| member.get_ref().get_ref())
    }
}

impl<R: Read> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(member) = &mut self.member {
            let length = member.read(buffer)?;
            if length > 0 {
                return Ok(length);
            }
            if has_more(member.get_mut())? {
                let Some(member) = self.member.take() else { continue };
                self.member = Some(GzDecoder::new(member.into_inner()));
            } else {
                self.member = None;
            }
        }
        Ok(0)
    }
}

/// Skips padding; returns `false` at the end of the input, and an error before other data than gzip.
fn has_more(reader: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let waiting = reader.fill_buf()?;
        match waiting.iter().position(|byte| *byte != 0) {
            Some(padding) => {
                let is_member = waiting[padding] == MAGIC[0];
                reader.consume(padding);
                return if is_member { Ok(true) } else { Err(io::ErrorKind::InvalidData.into()) };
            }
            None if waiting.is_empty() => return Ok(false),
            None => {
                let padding = waiting.len();
                reader.consume(padding);
            }
        }
    }
}
