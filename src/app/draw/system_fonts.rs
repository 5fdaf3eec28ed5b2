//! Fonts of the system, for writing that the embedded faces lack.
//!
//! The text engine finds them by itself, one for each script. What has fonts of its own, as the panel
//! does, asks here. A page cannot reach them.

use std::sync::OnceLock;

use fontique::{Blob, Collection, CollectionOptions, Script, SourceCache, SourceCacheOptions};

/// Scripts that songs have titles in, and that the embedded faces lack.
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

/// A font file of the system.
pub struct SystemFont {
    pub family: String,
    /// The face in a file of several.
    pub index: u32,
    /// The file, as the system maps it into memory.
    pub file: Blob<u8>,
}

/// The system's choice for each script, each family once. None where it has no fonts, or no way to ask
/// for them. Asked once in a program's life.
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
