//! Compression of a recording. Each flush becomes a member of its own, so that everything that was
//! written can be read, whenever the program ends.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// Compression of a file, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    Plain,
    Gzip,
    Zstd,
}

impl Codec {
    /// Returns the compression that a name asks for.
    pub(super) fn of(path: &Path) -> Self {
        match path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase).as_deref() {
            Some("gz") => Self::Gzip,
            Some("zst" | "zstd") => Self::Zstd,
            _ => Self::Plain,
        }
    }

    /// Returns lines as one complete member.
    pub(super) fn member(self, lines: Vec<u8>) -> io::Result<Vec<u8>> {
        match self {
            Self::Plain => Ok(lines),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(&lines)?;
                encoder.finish()
            }
            Self::Zstd => Ok(compress_to_vec(lines.as_slice(), CompressionLevel::Fastest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_chooses_the_compression() {
        for (name, codec) in [
            ("a.ndjson", Codec::Plain),
            ("a.ndjson.zst", Codec::Zstd),
            ("a.ZST", Codec::Zstd),
            ("b.zst/a.ndjson.gz", Codec::Gzip),
            ("zst", Codec::Plain),
        ] {
            assert_eq!(Codec::of(Path::new(name)), codec, "{name}");
        }
    }

    #[test]
    fn members_of_any_size_and_content_are_read_again() {
        use std::io::Read;

        let mut rng = fastrand::Rng::with_seed(16);
        for length in (1..40).chain([1_000, 65_536, 131_072, 131_073, 300_000, 1 << 20]) {
            let noise: Vec<u8> = (0..length).map(|_| rng.u8(..)).collect();
            let words: Vec<u8> = (0..length).map(|nth| b"{\"run_id\":\"r\"}\n"[nth % 15]).collect();
            let few: Vec<u8> = (0..length).map(|_| b'a' + rng.u8(..3)).collect();
            for lines in [noise, words, few, vec![0; length]] {
                let mut read = Vec::new();
                let member = Codec::Zstd.member(lines.clone()).unwrap();
                let mut decoder = ruzstd::decoding::StreamingDecoder::new(&member[..]).unwrap();
                decoder.read_to_end(&mut read).unwrap();
                assert!(read == lines, "Zstandard, {length} bytes");
                read.clear();
                let member = Codec::Gzip.member(lines.clone()).unwrap();
                flate2::read::GzDecoder::new(&member[..]).read_to_end(&mut read).unwrap();
                assert!(read == lines, "gzip, {length} bytes");
            }
        }
    }
}
