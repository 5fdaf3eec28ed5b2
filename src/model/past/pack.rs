//! Compression of a block of the journal.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

/// Compresses the bytes of a block.
pub(super) fn packed(bytes: &[u8]) -> Box<[u8]> {
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(bytes.len() / 6), Compression::fast());
    // Writing into a vector does not fail.
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.unwrap_or_default().into_boxed_slice()
}

/// Restores the bytes of a block, which were `length` bytes.
pub(super) fn unpacked(packed: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length);
    // Reading cannot fail: `packed` wrote these bytes.
    let _ = DeflateDecoder::new(packed).read_to_end(&mut bytes);
    bytes
}
