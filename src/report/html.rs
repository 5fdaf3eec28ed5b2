//! Text as HTML.

use std::borrow::Cow;

use crate::text;

/// Cleans a text from outside and escapes it, for content and for quoted attributes.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    let clean = text::one_line(text);
    if !clean.contains(['&', '<', '>', '"', '\'']) {
        return clean;
    }
    let mut out = String::with_capacity(clean.len() + 16);
    for c in clean.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Returns the beginning of a text of at most `most_chars`, escaped.
pub(super) fn excerpt(text: &str, most_chars: usize) -> String {
    escaped(&text::excerpt(text, most_chars)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_texts_is_escaped() {
        let title = "<script>alert('\"&')</script>\u{202e}";
        assert_eq!(escaped(title), "&lt;script&gt;alert(&#39;&quot;&amp;&#39;)&lt;/script&gt;");
    }
}
