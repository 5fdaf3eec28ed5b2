//! Text widths without shaping, for layout, truncation and wrapping.
//!
//! Advances are summed glyph by glyph, with tracking after each. Kerning is ignored, which
//! overestimates Inter by one or two percent, so text that is measured to fit does fit.

use std::borrow::Cow;
use std::sync::OnceLock;

use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

use super::fonts::Face;

const ELLIPSIS: &str = "…";
/// Keeps a number and its unit together.
const NO_BREAK_SPACE: char = '\u{a0}';
/// Characters below this code point have their advance in a table: Latin with its extensions.
const CACHED: usize = 0x250;
/// Advance in ems of the box for a character that no embedded font has. Also a good estimate for a
/// letter of another script in a system font.
const BOX: f32 = 0.6;
/// Advance of an ideogram in ems.
const IDEOGRAM: f32 = 1.0;

struct FaceMetrics {
    /// Advances in ems, by code point.
    latin: Vec<f32>,
    font: Option<FontRef<'static>>,
}

impl FaceMetrics {
    fn new(face: Face) -> Self {
        // The fonts are embedded, so a parse failure is a build defect, which a test detects; a
        // fallback advance keeps the layout usable at run time.
        let font = FontRef::new(face.bytes()).ok();
        let latin = (0..CACHED as u32)
            .map(|code| char::from_u32(code).map_or(0.0, |c| advance(font.as_ref(), c)))
            .collect();
        Self { latin, font }
    }

    fn advance(&self, c: char) -> f32 {
        match self.latin.get(c as usize) {
            Some(advance) => *advance,
            None => advance(self.font.as_ref(), c),
        }
    }
}

fn advance(font: Option<&FontRef<'_>>, c: char) -> f32 {
    let known = font.and_then(|font| {
        let glyph = font.charmap().map(c)?;
        // At a size of one pixel per em, advances are in ems.
        font.glyph_metrics(Size::new(1.0), LocationRef::default()).advance_width(glyph)
    });
    // A web page has no system fonts and draws boxes.
    let of_a_system = cfg!(not(target_arch = "wasm32"));
    known.unwrap_or(match c.width() {
        Some(2) if of_a_system => IDEOGRAM,
        Some(0) if of_a_system => 0.0,
        _ => BOX,
    })
}

fn metrics(face: Face) -> &'static FaceMetrics {
    static TABLES: [OnceLock<FaceMetrics>; Face::ALL.len()] =
        [const { OnceLock::new() }; Face::ALL.len()];
    TABLES[face as usize].get_or_init(|| FaceMetrics::new(face))
}

/// Returns the width of a line in design pixels, for a size in design pixels and a tracking in ems.
pub fn measure(face: Face, size: f32, tracking_em: f32, text: &str) -> f32 {
    let metrics = metrics(face);
    let ems: f32 = text.chars().map(|c| metrics.advance(c) + tracking_em).sum();
    ems * size
}

/// Returns the text if it fits into `max_width` design pixels; otherwise as many whole graphemes as
/// fit, followed by an ellipsis.
pub fn truncate(face: Face, size: f32, text: &str, max_width: f32) -> Cow<'_, str> {
    if measure(face, size, 0.0, text) <= max_width {
        return Cow::Borrowed(text);
    }
    let room = max_width - measure(face, size, 0.0, ELLIPSIS);
    let mut used = 0.0;
    let mut end = 0;
    for (start, grapheme) in text.grapheme_indices(true) {
        used += measure(face, size, 0.0, grapheme);
        if used > room {
            break;
        }
        end = start + grapheme.len();
    }
    Cow::Owned(format!("{}{ELLIPSIS}", text[..end].trim_end()))
}

/// Breaks a text between words into at most `max_lines` lines of `max_width` design pixels. Words
/// longer than a line are broken; text that does not fit is cut off with an ellipsis.
pub fn wrap(face: Face, size: f32, text: &str, max_width: f32, max_lines: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() && lines.len() < max_lines {
        if lines.len() + 1 == max_lines {
            lines.push(truncate(face, size, rest, max_width).into_owned());
            break;
        }
        let end = line_end(face, size, rest, max_width);
        lines.push(rest[..end].trim_end().to_owned());
        rest = rest[end..].trim_start();
    }
    lines
}

/// Returns the byte offset of the end of the first line: after the last word that fits, or after
/// the last grapheme if no word does.
fn line_end(face: Face, size: f32, text: &str, max_width: f32) -> usize {
    let mut used = 0.0;
    let mut by_word = 0;
    let mut by_grapheme = 0;
    for (start, piece) in text.split_word_bound_indices() {
        let width = measure(face, size, 0.0, piece);
        let blank = piece.trim().is_empty();
        if !blank && used + width > max_width {
            if by_word > 0 {
                return by_word;
            }
            for (at, grapheme) in piece.grapheme_indices(true) {
                used += measure(face, size, 0.0, grapheme);
                if used > max_width && by_grapheme > 0 {
                    return by_grapheme;
                }
                by_grapheme = start + at + grapheme.len();
            }
            return by_grapheme;
        }
        used += width;
        by_grapheme = start + piece.len();
        // Punctuation belongs to the word before it, so only white space ends a word.
        if blank && !piece.contains(NO_BREAK_SPACE) {
            by_word = start;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use skrifa::GlyphId;

    use super::*;

    #[test]
    fn every_face_parses_and_contains_latin() {
        for face in Face::ALL {
            let metrics = metrics(face);
            assert!(metrics.font.is_some(), "{face:?}");
            assert!(metrics.advance('M') > 0.5, "{face:?}");
            let font = metrics.font.as_ref().unwrap();
            let drawn = font.glyph_metrics(Size::new(1.0), LocationRef::default());
            let width = drawn.advance_width(GlyphId::NOTDEF).unwrap();
            assert!((width - BOX).abs() < 1e-3, "{face:?}: the box is {width} em wide");
        }
    }

    #[test]
    fn width_grows_with_size_and_tracking() {
        let plain = measure(Face::Text500, 20.0, 0.0, "VALIDATE");
        assert!((measure(Face::Text500, 40.0, 0.0, "VALIDATE") - plain * 2.0).abs() < 1e-3);
        let tracked = measure(Face::Text500, 20.0, 0.1, "VALIDATE");
        assert!((tracked - plain - 8.0 * 2.0).abs() < 1e-3);
    }

    /// Such titles must not overlap neighbouring elements, whichever system font draws them.
    #[test]
    fn characters_missing_from_the_faces_have_estimated_widths() {
        assert_eq!(measure(Face::Text600, 20.0, 0.0, "夜の灯台"), 80.0);
        assert_eq!(measure(Face::Text600, 20.0, 0.0, "밤"), 20.0);
        // The vowel sign is drawn above its letter and has no width.
        assert_eq!(measure(Face::Text600, 20.0, 0.0, "ร\u{e31}"), 12.0);
    }

    #[test]
    fn truncation_keeps_what_fits_and_whole_graphemes() {
        assert!(matches!(truncate(Face::Text600, 32.0, "Neon Rain", 400.0), Cow::Borrowed(_)));
        let cut = truncate(Face::Text600, 32.0, "Copper Sky over the Harbour", 200.0);
        assert!(cut.ends_with('…') && cut.starts_with("Copper"));
        assert!(measure(Face::Text600, 32.0, 0.0, &cut) <= 200.0);
        let flags = "e\u{301}".repeat(30);
        let cut = truncate(Face::Text500, 20.0, &flags, 100.0);
        assert!(cut.trim_end_matches('…').ends_with('\u{301}'));
        assert_eq!(truncate(Face::Text500, 20.0, "abc", 0.0), "…");
    }

    #[test]
    fn wrapping_breaks_between_words_and_cuts_the_last_line() {
        let text = "Engine queue rejected the job: quota exceeded for this studio until Monday";
        let lines = wrap(Face::Text500, 36.0, text, 500.0, 2);
        assert_eq!(lines.len(), 2);
        assert!(lines[0].ends_with("the") || lines[0].ends_with("rejected"), "{lines:?}");
        assert!(lines[1].ends_with('…'));
        for line in &lines {
            assert!(measure(Face::Text500, 36.0, 0.0, line) <= 500.0);
        }
    }

    #[test]
    fn wrapping_breaks_a_word_that_is_too_long() {
        let lines = wrap(Face::Mono, 20.0, &"x".repeat(100), 200.0, 20);
        assert!(lines.len() > 5 && lines.iter().all(|line| !line.is_empty()));
        assert_eq!(lines.concat().len(), 100);
        assert_eq!(wrap(Face::Mono, 20.0, "", 200.0, 3), Vec::<String>::new());
    }

    #[test]
    fn wrapping_keeps_a_number_with_its_unit() {
        let width = measure(Face::Text500, 20.0, 0.0, "No news for 38");
        let lines = wrap(Face::Text500, 20.0, "No news for 38\u{a0}s.", width + 1.0, 3);
        assert_eq!(lines, ["No news for", "38\u{a0}s."]);
    }

    #[test]
    fn wrapping_keeps_punctuation_with_its_word() {
        let width = measure(Face::Text500, 20.0, 0.0, "one two");
        let lines = wrap(Face::Text500, 20.0, "one two, three", width + 1.0, 3);
        assert_eq!(lines, ["one", "two,", "three"]);
    }
}
