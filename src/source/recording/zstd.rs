//! Zstandard decompression (RFC 8878) of all frames of a file, one after the other.

use std::io::{self, BufRead, BufReader, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// True when a file begins with a Zstandard frame.
pub(super) fn begins(head: &[u8]) -> bool {
    let is_skippable =
        |magic: &[u8]| (0x50..=0x5f).contains(&magic[0]) && magic[1..] == *b"\x2a\x4d\x18";
    head.starts_with(b"\x28\xb5\x2f\xfd") || head.get(..4).is_some_and(is_skippable)
}

/// Decompressing reader.
pub(super) struct Zstd<R: Read> {
    source: BufReader<R>,
    decoder: FrameDecoder,
    is_in_frame: bool,
}

impl<R: Read> Zstd<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { source: BufReader::new(reader), decoder: FrameDecoder::new(), is_in_frame: false }
    }

    /// Returns the compressed input.
    pub(super) fn source(&self) -> &R {
        self.source.get_ref()
    }

    /// Begins the next frame; returns `false` where there is none.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.source) {
                Ok(()) => {
                    self.is_in_frame = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    io::copy(&mut self.source.by_ref().take(length.into()), &mut io::sink())?;
                }
                Err(error) => return Err(unreadable(error)),
            }
        }
        Ok(false)
    }
}

impl<R: Read> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.is_in_frame && !self.begin()? {
                return Ok(0);
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let some = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.source, some).map_err(unreadable)?;
            }
            let length = self.decoder.read(buffer)?;
            if length > 0 {
                return Ok(length);
            }
            self.is_in_frame = false;
        }
    }
}

fn unreadable(error: FrameDecoderError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
