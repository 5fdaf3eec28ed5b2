//! Makes text from outside safe to show on the canvas, in a panel, on a terminal or in a log, and
//! formats durations, ages and counts. No I/O.
//!
//! Text is cleaned once, where it enters: [`clean`] for text with several lines, [`one_line`] for
//! names and titles, [`excerpt`] for quotes in a message. Ids are kept unchanged, because they
//! identify a run at its backend; code that shows an id calls [`one_line`].

mod quantities;

use std::borrow::Cow;

pub use self::quantities::{
    ago_words, clock_words, count_words, countdown_words, duration_words, length_words, size_words,
    span_words, whole_seconds,
};

/// Treatment of a character.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Shown,
    Tab,
    LineBreak,
    /// Starts a terminal escape sequence (ECMA-48), which is removed as a whole.
    Introducer,
    /// Removed: a control or format character, which would be shown as a box or change the
    /// direction of surrounding text.
    Dropped,
    /// Replaced by U+FFFD: a noncharacter (Unicode 23.7).
    Replaced,
}

const ESCAPE: char = '\u{1b}';
/// Ends a control string of a terminal, as BEL does.
const STRING_TERMINATOR: char = '\u{9c}';
const BELL: char = '\u{7}';

fn class(c: char) -> Class {
    match c {
        ' '..='~' => Class::Shown,
        '\t' => Class::Tab,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Class::LineBreak,
        ESCAPE | '\u{90}' | '\u{98}' | '\u{9b}' | '\u{9d}'..='\u{9f}' => Class::Introducer,
        _ if c.is_control() => Class::Dropped,
        // The soft hyphen, direction marks and overrides, and zero-width characters. The joiners
        // U+200C and U+200D are kept, because letters and emoji are written with them.
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' => Class::Dropped,
        '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => Class::Dropped,
        '\u{feff}' | '\u{fff9}'..='\u{fffb}' => Class::Dropped,
        '\u{fdd0}'..='\u{fdef}' => Class::Replaced,
        _ if u32::from(c) & 0xfffe == 0xfffe => Class::Replaced,
        _ => Class::Shown,
    }
}

/// True when a text consists of printable ASCII, as most texts do. Examines eight bytes at a time,
/// because several texts of every event are checked.
fn is_printable_ascii(text: &str) -> bool {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = EACH << 7;
    // A byte below 0x20 borrows; a byte from 0x7f on carries into its high bit or has it set.
    let odd = |word: u64| {
        (word.wrapping_sub(EACH * 0x20) & !word | word.wrapping_add(EACH) | word) & HIGH
    };
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    words.iter().fold(0, |found, word| found | odd(u64::from_ne_bytes(*word))) == 0
        && rest.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Cleans text that may have several lines.
///
/// Removes escape sequences, controls and direction overrides, keeps letters of every script, and
/// converts every kind of line break to `\n`.
pub fn clean(text: &str) -> Cow<'_, str> {
    let is_clean = |c| matches!(class(c), Class::Shown | Class::Tab) || c == '\n';
    if is_printable_ascii(text) || text.chars().all(is_clean) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    each_shown(text, |c, class| match class {
        Class::LineBreak => out.push('\n'),
        _ => out.push(c),
    });
    Cow::Owned(out)
}

/// Cleans a name or title like [`clean`]; line breaks and tabs become one space each, and are
/// removed at both ends. Other spaces are kept.
pub fn one_line(text: &str) -> Cow<'_, str> {
    let is_clean = |c| class(c) == Class::Shown;
    if is_printable_ascii(text) || text.chars().all(is_clean) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut is_broken = false;
    each_shown(text, |c, class| {
        if class != Class::Shown {
            is_broken = true;
            return;
        }
        if std::mem::take(&mut is_broken) && !out.is_empty() && !out.ends_with(' ') && c != ' ' {
            out.push(' ');
        }
        out.push(c);
    });
    Cow::Owned(out)
}

/// Replaces numbers and ids by `#`, so that texts that differ only in them become equal. A word with a
/// digit in it counts as an id.
pub fn masked(text: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| is_word(c) != is_word(first)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let is_masked = is_word(first) && word.contains(|c: char| c.is_numeric());
        out.push_str(if is_masked { "#" } else { word });
        rest = after;
    }
    out
}

/// Cleans a text like [`one_line`], with one space for each run of white space and none at the ends.
/// Stops after the word that exceeds `most_bytes`.
pub fn single_spaced(text: &str, most_bytes: usize) -> String {
    let clean = one_line(text);
    let mut line = String::new();
    for word in clean.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > most_bytes {
            break;
        }
    }
    line
}

/// Cleans a name like [`one_line`]; returns U+FFFD if nothing visible is left of a non-empty name,
/// so that it is not taken for an absent name.
pub fn name(text: &str) -> Cow<'_, str> {
    match one_line(text) {
        shown if shown.is_empty() && !text.is_empty() => Cow::Borrowed("\u{fffd}"),
        shown => shown,
    }
}

/// Returns the first `most_chars` characters of a text on one line, with `…` appended if text was
/// cut off.
pub fn excerpt(text: &str, most_chars: usize) -> String {
    // Enough for any text that does not consist of escape sequences.
    let head = head_of(text, most_chars.saturating_mul(16));
    let mut line = one_line(head).into_owned();
    match line.char_indices().nth(most_chars) {
        Some((end, _)) => line.truncate(end),
        None if head.len() == text.len() => return line,
        None => {}
    }
    line.push('…');
    line
}

/// Returns words with a capital at their beginning.
pub fn capitalised(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Returns words as a sentence, with a capital and an end; empty words stay empty.
pub fn sentence(words: &str) -> String {
    let mut sentence = capitalised(words.trim());
    if !sentence.is_empty() && !sentence.ends_with(['.', '!', '?', '…']) {
        sentence.push('.');
    }
    sentence
}

/// Returns the text of a web page without its tags, scripts and styles, on one line; `None` where `text`
/// is no web page. Proxies answer with pages where a server would answer in words.
pub fn page_words(text: &str) -> Option<String> {
    let start = text.trim_start();
    let begins_with =
        |head: &str| start.get(..head.len()).is_some_and(|it| it.eq_ignore_ascii_case(head));
    if !["<!doctype html", "<html", "<head", "<body", "<h1"].into_iter().any(begins_with) {
        return None;
    }
    let mut words = String::new();
    let mut rest = start;
    while let Some((before, after)) = rest.split_once('<') {
        words.push_str(before);
        words.push(' ');
        let name: String = after
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_lowercase();
        let hidden = match &*name {
            "script" | "style" => {
                after.to_ascii_lowercase().find(&format!("</{name}")).unwrap_or(after.len())
            }
            _ => 0,
        };
        rest = after[hidden..].split_once('>').map_or("", |(_, rest)| rest);
    }
    words.push_str(rest);
    Some(single_spaced(&words, usize::MAX))
}

/// Returns the first `most_bytes` bytes of a text, cut at a character boundary.
pub fn head_of(text: &str, most_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(most_bytes)]
}

/// Escapes in JSON, as `\uXXXX`, everything that is invisible or changes how surrounding text is
/// read. Line breaks and tabs are kept: they separate values of a JSON text.
pub fn visible_json(json: &str) -> Cow<'_, str> {
    let is_visible = |c| c == '\n' || matches!(class(c), Class::Shown | Class::Tab);
    if json.chars().all(is_visible) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 32);
    let mut units = [0; 2];
    for c in json.chars() {
        if is_visible(c) {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    Cow::Owned(out)
}

/// True when [`clean`] removes the character, so that its neighbours become adjacent.
pub(crate) fn is_dropped(c: char) -> bool {
    class(c) == Class::Dropped
}

/// Calls `show` for each character that is kept, with its class; `\r\n` is one line break.
fn each_shown(text: &str, mut show: impl FnMut(char, Class)) {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match class(c) {
            Class::Dropped => {}
            Class::Introducer => rest = after_sequence(c, rest),
            Class::Replaced => show('\u{fffd}', Class::Shown),
            Class::LineBreak if c == '\r' && rest.starts_with('\n') => {}
            class => show(c, class),
        }
    }
}

/// Returns the text after the escape sequence that `introducer` starts.
fn after_sequence(introducer: char, rest: &str) -> &str {
    let (kind, after) = match introducer {
        ESCAPE => match rest.chars().next() {
            Some(kind @ ' '..='~') => (kind, &rest[1..]),
            _ => return rest,
        },
        '\u{9b}' => ('[', rest),
        _ => (']', rest),
    };
    match kind {
        '[' => after_control_sequence(after),
        ']' | 'P' | 'X' | '^' | '_' => after_string(after),
        ' '..='/' => {
            let after = after.trim_start_matches(|c| matches!(c, ' '..='/'));
            after.strip_prefix(|c| matches!(c, '0'..='~')).unwrap_or(after)
        }
        _ => after,
    }
}

/// Returns the text after the parameters and the final byte of a control sequence (ECMA-48, 5.4).
fn after_control_sequence(rest: &str) -> &str {
    let rest = rest.trim_start_matches(|c| matches!(c, '0'..='?'));
    let rest = rest.trim_start_matches(|c| matches!(c, ' '..='/'));
    rest.strip_prefix(|c| matches!(c, '@'..='~')).unwrap_or(rest)
}

/// Returns the text after a control string (such as a window title or a link address). An
/// unterminated string is treated as text.
fn after_string(rest: &str) -> &str {
    let Some(at) = rest.find(|c: char| c.is_control()) else { return rest };
    let end = &rest[at..];
    [BELL, STRING_TERMINATOR]
        .into_iter()
        .find_map(|terminator| end.strip_prefix(terminator))
        .or_else(|| end.strip_prefix("\u{1b}\\"))
        .unwrap_or(rest)
}

/// Most characters of a name in the name of a file.
const LONGEST_STEM: usize = 60;

/// Returns the beginning of a file's name that every file system takes: letters, digits, dots and hyphens.
pub fn file_stem(name: &str) -> String {
    let letter = |c: char| if c.is_alphanumeric() || c == '.' { c } else { '-' };
    let name: String = name.chars().map(letter).take(LONGEST_STEM).collect();
    let name = name.trim_matches(['-', '.']);
    if name.is_empty() { "recording".to_owned() } else { name.to_lowercase() }
}

/// Returns the number of letters to insert, remove or replace between two words (Levenshtein distance).
pub fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (nth, letter) in one.bytes().take(64).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], nth + 1);
        for (place, wanted) in other.bytes().enumerate() {
            let replaced = diagonal + usize::from(letter != wanted);
            diagonal = row[place + 1];
            row[place + 1] = replaced.min(row[place] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_of_a_source_becomes_a_name_of_a_file() {
        for (source, name) in [
            ("demo studio", "demo-studio"),
            ("Studio:8000", "studio-8000"),
            ("[::1]:9", "1--9"),
            ("../../etc/passwd", "etc-passwd"),
            ("…", "recording"),
        ] {
            assert_eq!(file_stem(source), name);
        }
    }

    #[test]
    fn texts_that_differ_in_numbers_and_ids_are_equal_when_masked() {
        assert_eq!(masked("score 0.71, needs 0.80"), masked("score 0.64, needs 0.80"));
        assert_eq!(masked("job 6f9619ff-8b86-d011 of worker_3 died"), "job # of # died");
        assert_eq!(masked("Zeitüberschreitung nach 30 s"), "Zeitüberschreitung nach # s");
        assert_ne!(masked("quota exceeded"), masked("no answer"));
    }

    #[test]
    fn head_of_cuts_at_a_character_boundary() {
        assert_eq!(head_of("äöü", 3), "ä");
        assert_eq!(head_of("abc", 9), "abc");
    }

    #[test]
    fn words_of_a_web_page_are_read_without_tags() {
        for (page, words) in [
            (
                "<html>\r\n<head><title>502 Bad Gateway</title></head><body><center><h1>502</h1></center>\n<hr>nginx</body>",
                Some("502 Bad Gateway 502 nginx"),
            ),
            (
                " <!DOCTYPE HTML><style>b { a > c }</style><script>if (1 < 2) {}</script><b>Sign in</b>",
                Some("Sign in"),
            ),
            ("<html", Some("")),
            ("<html><body>cut <b", Some("cut")),
            ("a < b and c > d", None),
            ("{\"detail\":\"<html>\"}", None),
            ("", None),
        ] {
            assert_eq!(page_words(page).as_deref(), words, "{page}");
        }
    }

    #[test]
    fn escape_sequences_are_removed_as_a_whole() {
        for (text, shown) in [
            ("\u{1b}[31m\u{1b}[1mError:\u{1b}[0m no", "Error: no"),
            ("\u{1b}[38;5;208mgpt\u{1b}[m", "gpt"),
            ("\u{9b}31mred\u{9b}0m", "red"),
            ("\u{1b}]8;;http://x\u{7}link\u{1b}]8;;\u{7}", "link"),
            ("\u{1b}]0;title\u{1b}\\text", "text"),
            ("\u{9d}0;title\u{9c}text", "text"),
            ("\u{1b}P1;2|data\u{1b}\\text", "text"),
            ("\u{1b}(Btext\u{1b}7\u{1b}8", "text"),
            ("\u{1b}]0;never ends\nnext", "0;never ends\nnext"),
            ("\u{1b}", ""),
            ("\u{1b}[", ""),
            ("\u{1b}é", "é"),
            ("[31m stays", "[31m stays"),
        ] {
            assert_eq!(clean(text), shown, "{text:?}");
        }
    }

    #[test]
    fn controls_and_overrides_are_removed_and_letters_kept() {
        for (text, shown) in [
            ("a\0b\u{7}c\u{8}d\u{200b}e\u{ad}f\u{7f}g\u{9f}", "abcdefg"),
            ("\u{202e}EVIL\u{202c} \u{2066}x\u{2069}", "EVIL x"),
            ("שלום \u{200f}עולם", "שלום עולם"),
            ("مرحبا", "مرحبا"),
            ("क्\u{200d}ष 👩\u{200d}🎤 🎛\u{fe0f}", "क्\u{200d}ष 👩\u{200d}🎤 🎛\u{fe0f}"),
            ("\u{fdd0}\u{ffff}\u{1fffe}", "\u{fffd}\u{fffd}\u{fffd}"),
            ("plain", "plain"),
        ] {
            assert_eq!(clean(text), shown, "{text:?}");
        }
        assert!(matches!(clean("Grüße\n\t音楽"), Cow::Borrowed(_)));
    }

    #[test]
    fn ascii_check_examines_every_byte() {
        for length in 1..20 {
            for at in 0..length {
                for byte in 0..0x80_u8 {
                    let mut text = "a".repeat(length).into_bytes();
                    text[at] = byte;
                    let text = String::from_utf8(text).unwrap();
                    let is_printable = (b' '..=b'~').contains(&byte);
                    assert_eq!(is_printable_ascii(&text), is_printable, "{text:?}");
                }
                assert!(!is_printable_ascii(&("a".repeat(at) + "é" + &"a".repeat(length))));
            }
        }
    }

    #[test]
    fn line_breaks_become_newlines_or_one_space() {
        let text = "a\r\nb\rc\u{85}d\u{2028}e\u{2029}f\u{b}g\n\nh\n";
        assert_eq!(clean(text), "a\nb\nc\nd\ne\nf\ng\n\nh\n");
        assert_eq!(one_line(text), "a b c d e f g h");
        assert_eq!(one_line("\r\n a \t b\n"), " a  b");
        assert_eq!(one_line("PLAN "), "PLAN ", "blanks of a name are kept");
    }

    #[test]
    fn invisible_names_become_a_replacement_character() {
        assert_eq!(name("\u{202e}\0"), "\u{fffd}");
        assert_eq!(name("\n"), "\u{fffd}");
        assert_eq!(name(""), "");
        assert_eq!(name("PLAN\u{0}"), "PLAN");
    }

    #[test]
    fn excerpts_are_one_short_line() {
        assert_eq!(excerpt("short", 5), "short");
        assert_eq!(excerpt("longer", 5), "longe…");
        assert_eq!(excerpt("a\nb\u{1b}[31mc", 9), "a bc");
        let long = "\u{1b}[31m".repeat(1 << 20);
        assert_eq!(excerpt(&long, 10), "…");
        assert!(excerpt(&"é".repeat(1 << 20), 200).chars().count() == 201);
    }

    #[test]
    fn invisible_characters_in_json_are_escaped() {
        assert_eq!(visible_json("{\"a\":\n\t\"é\"}"), "{\"a\":\n\t\"é\"}");
        let json = "\"\u{202e}\u{9b}\u{2028}\u{7f}\u{1fffe}\"";
        let visible = visible_json(json);
        assert_eq!(visible, r#""\u202e\u009b\u2028\u007f\ud83f\udffe""#);
        assert_eq!(serde_json::from_str::<String>(&visible).ok(), serde_json::from_str(json).ok());
    }

    /// An unterminated string is scanned only up to the next control character.
    #[test]
    fn hostile_text_takes_linear_time() {
        let began = std::time::Instant::now();
        for text in ["\u{1b}]", "\u{9d}x", "\u{1b}[1;", "\u{1b}P"] {
            assert!(!clean(&text.repeat(500_000)).contains('\u{1b}'));
        }
        assert!(began.elapsed().as_secs() < 10);
    }
}
