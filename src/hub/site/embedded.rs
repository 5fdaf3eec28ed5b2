//! The page embedded at build time from `web/dist` (feature `embed-page`).

use std::time::{Duration, SystemTime};

use rust_embed::RustEmbed;

use super::EmbeddedFile;

#[derive(RustEmbed)]
#[folder = "web/dist"]
struct Page;

pub(super) fn lookup(path: &str) -> Option<EmbeddedFile> {
    let file = Page::get(path)?;
    let hash = file.metadata.sha256_hash();
    // The entity tag is made of date and length. Reproducible builds date all files alike, and
    // hashed file names keep the length of index.html unchanged, so a fraction of a second from the
    // content hash is added to the date.
    let fraction = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) % 1_000_000_000;
    let modified = Duration::new(file.metadata.last_modified().unwrap_or_default(), fraction);
    Some(EmbeddedFile { data: file.data, modified: SystemTime::UNIX_EPOCH.checked_add(modified) })
}
