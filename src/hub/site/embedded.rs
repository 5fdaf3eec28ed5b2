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
    // A reproducible build dates all files alike, and names with hashes leave an index.html as long
    // as it was: so that its entity tag differs all the same, its date has a fraction of the hash.
    let fraction = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) % 1_000_000_000;
    let modified = Duration::new(file.metadata.last_modified().unwrap_or_default(), fraction);
    Some(EmbeddedFile { data: file.data, modified: SystemTime::UNIX_EPOCH.checked_add(modified) })
}
