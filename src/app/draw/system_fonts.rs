//! System fonts, for scripts that the embedded faces lack.
//!
//! The text engine finds system fonts by itself, one per script. Code with its own font handling,
//! such as the panel, gets them here. Not available in a web page.

use std::sync::OnceLock;

use fontique::{Blob, Collection, CollectionOptions, Script, SourceCache, SourceCacheOptions};

/// Scripts of song titles that the embedded faces lack.
const SCRIPTS: [Script; 8] = [
    Script::from_bytes(*b"Hira"),
    Script::from_bytes(*b"Hani"),
    Script::from_bytes(*b"Hang"),
    Script::from_bytes(*b"Arab"),
    Script::from_bytes(*b"Hebr"),
    Script::from_bytes(*b"Thai"),
    Script::from_bytes(*b"Deva"),
    Script::from_bytes(*b"Beng"),
];

/// A system font file.
pub struct SystemFont {
    pub family: String,
    /// Index of the face within a font collection.
    pub index: u32,
    /// File content, memory-mapped.
    pub file: Blob<u8>,
}

/// Returns the system's preferred family for each script, without duplicates. Empty if the system
/// has no fonts or no way to query them. The result is computed once per process.
pub fn system_fonts() -> &'static [SystemFont] {
    static FONTS: OnceLock<Vec<SystemFont>> = OnceLock::new();
    FONTS.get_or_init(find)
}

fn find() -> Vec<SystemFont> {
    let mut collection = Collection::new(CollectionOptions { shared: false, system_fonts: true });
    let mut files = SourceCache::new(SourceCacheOptions { shared: false });
    let mut fonts: Vec<SystemFont> = Vec::new();
    for script in SCRIPTS {
        let Some(id) = collection.fallback_families(script).next() else {
            continue;
        };
        let Some(family) = collection.family(id) else {
            continue;
        };
        if fonts.iter().any(|font| font.family == family.name()) {
            continue;
        }
        if let Some(face) = family.default_font()
            && let Some(file) = face.load(Some(&mut files))
        {
            fonts.push(SystemFont { family: family.name().to_owned(), index: face.index(), file });
        }
    }
    fonts
}
