//! Bounds on the texts that are kept of an event or an answer, each cleaned once. A message may be
//! megabytes long, and thousands are kept; nobody reads more of it than this.

use std::borrow::Cow;

use smol_str::SmolStr;

use crate::text;

/// Maximum length of an id in bytes. Ids are not cut, because they identify something at the backend.
pub(super) const LONGEST_ID: usize = 1024;

/// Maximum number of characters of a name: a node, a score, a title.
const LONGEST_NAME: usize = 200;

/// Maximum length of a message or an error in bytes.
const LONGEST_TEXT: usize = 16 << 10;

/// Maximum number of scores or artifacts of one event.
pub(super) const MOST_NAMES: usize = 1_000;

/// Cleans a name, and cuts it to the length that is kept.
pub(super) fn name(name: &str) -> SmolStr {
    if name.len() <= LONGEST_NAME {
        return SmolStr::new(text::name(name));
    }
    SmolStr::new(text::excerpt(name, LONGEST_NAME))
}

/// Cleans a title, which may be empty, and cuts it to the length that is kept.
pub(super) fn title(title: &str) -> SmolStr {
    if title.len() <= LONGEST_NAME {
        return SmolStr::new(text::one_line(title));
    }
    SmolStr::new(text::excerpt(title, LONGEST_NAME))
}

/// Cleans a text that may have several lines, and cuts it to the length that is kept.
pub(super) fn message(message: Cow<'_, str>) -> Box<str> {
    if message.len() > LONGEST_TEXT {
        // Enough for any text that does not consist of escape sequences.
        let clean = text::clean(text::head_of(&message, 4 * LONGEST_TEXT));
        return format!("{}…", text::head_of(&clean, LONGEST_TEXT)).into();
    }
    match text::clean(&message) {
        Cow::Owned(cleaned) => cleaned.into(),
        Cow::Borrowed(_) => message.into(),
    }
}

/// Returns an id unless it is too long to be one.
pub(super) fn id<T: AsRef<str>>(id: T) -> Option<T> {
    (id.as_ref().len() <= LONGEST_ID).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_and_short_ones_kept() {
        let long = "é\u{1b}[31m\n".repeat(1 << 20);
        for shown in [name(&long), title(&long)] {
            assert_eq!(shown.chars().count(), LONGEST_NAME + 1);
            assert!(shown.starts_with("é é é") && shown.ends_with('…'), "{shown}");
        }
        let shown = message(long.as_str().into());
        assert!(shown.starts_with("é\né\n") && shown.ends_with('…'));
        assert!((LONGEST_TEXT..LONGEST_TEXT + 4).contains(&shown.len()), "{}", shown.len());
        let fits = "x".repeat(LONGEST_TEXT);
        assert_eq!(*message(fits.as_str().into()), *fits);
        assert_eq!((name("PLAN\n"), title("\n")), ("PLAN".into(), "".into()));
        assert_eq!(name("\u{202e}"), "\u{fffd}");
        assert!(id("x".repeat(LONGEST_ID)).is_some() && id("x".repeat(LONGEST_ID + 1)).is_none());
    }
}
