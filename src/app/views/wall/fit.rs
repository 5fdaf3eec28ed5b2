//! Fits texts into their room: smaller, then on more lines, and only then truncated.

use unicode_segmentation::UnicodeSegmentation;

use crate::app::draw::{Face, measure, truncate, wrap};

/// Graphemes of a variant's part that tell it apart, and least bytes of a title before its ellipsis.
const SHOWN_OF_VARIANT: usize = 6;
const LEAST_HEAD: usize = 4;

/// Fitted text: its lines and their type size.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    pub lines: Vec<String>,
    pub size: f32,
}

impl Fitted {
    /// Distance from one baseline to the next.
    pub fn pitch(&self) -> f32 {
        self.size * 1.1
    }

    /// Distance from the first baseline to the last.
    pub fn depth(&self) -> f32 {
        self.pitch() * self.lines.len().saturating_sub(1) as f32
    }
}

/// Fits a text by the first step (type size, greatest number of lines) that holds all of it, at best
/// without breaking a word. If none does, the last step truncates it. The first line has a room of its
/// own.
pub fn fit(
    face: Face,
    steps: &[(f32, usize)],
    (first_room, room): (f32, f32),
    text: &str,
) -> Fitted {
    let mut cut = Fitted { lines: Vec::new(), size: 0.0 };
    // First step that holds the text but breaks a word.
    let mut breaking = None;
    for (size, most) in steps {
        let lines = broken(face, *size, (first_room, room), text, *most + 1);
        if lines.len() > *most {
            let lines = broken(face, *size, (first_room, room), text, *most);
            cut = Fitted { lines, size: *size };
            continue;
        }
        let ends_with_word =
            |line: &String| text.split_whitespace().any(|word| line.ends_with(word));
        let fitted = Fitted { size: *size, lines };
        if fitted.lines.iter().all(ends_with_word) {
            return fitted;
        }
        breaking.get_or_insert(fitted);
    }
    breaking.unwrap_or(cut)
}

fn broken(
    face: Face,
    size: f32,
    (first_room, room): (f32, f32),
    text: &str,
    most: usize,
) -> Vec<String> {
    let text = text.trim();
    if most == 1 {
        return wrap(face, size, text, first_room, 1);
    }
    let Some(first) = wrap(face, size, text, first_room, 2).into_iter().next() else {
        return Vec::new();
    };
    let rest = text.get(first.len()..).unwrap_or("").trim_start().to_owned();
    let mut lines = vec![first];
    lines.extend(wrap(face, size, &rest, room, most - 1));
    lines
}

/// Title that needs more room than there is, cut in the middle because its end tells it apart from
/// others and would be lost: "Glass Harbour … (Take Two)"; `None` where its end may be cut. `fits` says
/// whether a text fits.
fn cut(title: &str, variant: &str, fits: impl Fn(&str) -> bool) -> Option<String> {
    let head = title.strip_suffix(variant).filter(|_| !variant.is_empty())?;
    // Cut at its end, the title would still show where it differs.
    let shown: String = variant.graphemes(true).take(SHOWN_OF_VARIANT).collect();
    if fits(&format!("{head}{shown}…")) {
        return None;
    }
    let ends: Vec<usize> = head.grapheme_indices(true).map(|(at, _)| at).skip(1).collect();
    let joined = |end: usize| format!("{} … {variant}", head[..end].trim_end());
    // The longest head that fits.
    let longest = ends.partition_point(|end| fits(&joined(*end)));
    let end = *ends.get(longest.checked_sub(1)?)?;
    // A word is left out as a whole where little is lost, and never the first one of the name.
    let is_little = |at: &usize| *at * 4 > end * 3 && !head[..*at].ends_with('·');
    let words_end = head[..end].rfind(char::is_whitespace).filter(is_little);
    // Of a title with a time, something of the song is left.
    let time = title.len() - without_time(title).len();
    (end >= LEAST_HEAD && end > time).then(|| joined(words_end.unwrap_or(end)))
}

/// One line of a title in one size, cut where it does not fit; see [`cut`].
pub fn title_line(face: Face, size: f32, title: &str, variant: &str, room: f32) -> String {
    let title = title.trim();
    let fits = |text: &str| measure(face, size, 0.0, text) <= room;
    if fits(title) {
        return title.to_owned();
    }
    cut(title, variant, fits).unwrap_or_else(|| truncate(face, size, title, room).into_owned())
}

/// Title of one of several runs of a song without the time that tells it apart, for places where the time
/// would leave no room for the song: "09:04:31 · Neon Rain" → "Neon Rain".
pub fn without_time(title: &str) -> &str {
    let is_time = |time: &str| time.chars().all(|c| c.is_ascii_digit() || c == ':');
    match title.split_once(" · ") {
        Some((time, song)) if is_time(time) && !song.is_empty() => song,
        _ => title,
    }
}

/// A title in its slot: one line in the first size, or up to two in the second one, cut where it does
/// not fit; see [`cut`].
pub fn title_slot(face: Face, sizes: (f32, f32), title: &str, variant: &str, room: f32) -> Fitted {
    let title = title.trim();
    if measure(face, sizes.0, 0.0, title) <= room {
        return Fitted { lines: vec![title.to_owned()], size: sizes.0 };
    }
    let size = sizes.1;
    let fits = |text: &str| broken(face, size, (room, room), text, 3).len() <= 2;
    let cut = if fits(title) { None } else { cut(title, variant, fits) };
    let title = cut.as_deref().unwrap_or(title);
    Fitted { lines: broken(face, size, (room, room), title, 2), size }
}

/// Largest type size from `wanted` down to `least` in which a line fits `room`. Sizes below `wanted`
/// are whole numbers, because each size needs glyphs of its own.
pub fn size_for(face: Face, (wanted, least): (f32, f32), text: &str, room: f32) -> f32 {
    let width = measure(face, wanted, 0.0, text);
    if width <= room { wanted } else { (wanted * room / width).floor().max(least.min(wanted)) }
}

/// Line in the largest type size from `wanted` down to `least` that fits `room`, cut where none does.
pub fn line_for(face: Face, sizes: (f32, f32), text: &str, room: f32) -> (String, f32) {
    let size = size_for(face, sizes, text, room);
    (truncate(face, size, text, room).into_owned(), size)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [(f32, usize); 3] = [(32.0, 1), (32.0, 2), (24.0, 3)];

    fn lines(text: &str) -> (Vec<String>, f32) {
        let fitted = fit(Face::Text600, &STEPS, (250.0, 300.0), text);
        (fitted.lines, fitted.size)
    }

    #[test]
    fn name_takes_more_lines_before_it_is_truncated() {
        assert_eq!(lines("Neon Rain"), (vec!["Neon Rain".to_owned()], 32.0));
        assert_eq!(lines("The Long Way Round Again").0.len(), 2);
        let (long, size) = lines("The Lighthouse Keeper’s Daughter Dreams of Copper Rivers");
        assert_eq!((long.len(), size), (3, 24.0));
        assert!(!long.concat().contains('…'), "{long:?}");
        let (one_word, size) = lines("Supercalifragilistics");
        assert_eq!((one_word.len(), size), (1, 24.0), "smaller rather than broken");
        assert!(lines(&"word ".repeat(80)).0.concat().ends_with('…'));
        assert!(lines("").0.is_empty());
    }

    #[test]
    fn size_shrinks_to_fit_but_not_below_least() {
        assert_eq!(size_for(Face::Text500, (30.0, 20.0), "short", 400.0), 30.0);
        assert_eq!(size_for(Face::Text500, (30.0, 20.0), &"long ".repeat(40), 400.0), 20.0);
    }

    const HARBOUR: &str = "Glass Harbour at the End of the Northern Line";

    #[test]
    fn title_of_a_variant_is_cut_in_the_middle() {
        let titles = ["(Take Two)", "(Take Three)"].map(|take| (format!("{HARBOUR} {take}"), take));
        for (title, take) in &titles {
            let line = title_line(Face::Text600, 28.0, title, take, 370.0);
            assert!(line.starts_with("Glass") && line.ends_with(&format!(" … {take}")), "{line}");
            assert!(measure(Face::Text600, 28.0, 0.0, &line) <= 370.0, "{line}");
            let slot = title_slot(Face::Text700, (32.0, 28.0), title, take, 250.0);
            assert_eq!(slot.lines.len(), 2);
            assert!(slot.lines.concat().ends_with(take), "{slot:?}");
        }
        let plain = title_line(Face::Text600, 28.0, HARBOUR, "", 300.0);
        assert!(plain.ends_with('…') && !plain.contains(" … "), "{plain}");
        // After the time something of the name is left.
        let timed = title_line(
            Face::Text600,
            28.0,
            "07:23 · Driftwood Choir (Club Mix)",
            "(Club Mix)",
            376.0,
        );
        assert!(timed.starts_with("07:23 · D") && timed.ends_with(" … (Club Mix)"), "{timed}");
        let timed = title_line(Face::Text600, 28.0, "21:13:04 · Paper Lanterns", "Lanterns", 264.0);
        assert!(timed.starts_with("21:13:04 · P"), "{timed}");
        // The end is cut where the difference stays visible.
        let late =
            title_line(Face::Text600, 28.0, "Blue Hour Radio Station", "Radio Station", 270.0);
        assert!(late.starts_with("Blue Hour Radio") && late.ends_with('…'), "{late}");
    }

    #[test]
    fn time_before_a_title_can_be_left_out() {
        assert_eq!(without_time("09:04:31 · Neon Rain"), "Neon Rain");
        assert_eq!(without_time("09:04 · A · B"), "A · B");
        for title in ["Neon Rain", "A · B", "09:04 · ", "09:04"] {
            assert_eq!(without_time(title), title);
        }
    }

    #[test]
    fn title_has_two_sizes_and_at_most_two_lines() {
        let slot = |title: &str| title_slot(Face::Text700, (32.0, 28.0), title, "", 250.0);
        assert_eq!(slot("Neon Rain"), Fitted { lines: vec!["Neon Rain".to_owned()], size: 32.0 });
        let two = slot("The Weather in Your Voice");
        assert_eq!((two.lines.len(), two.size), (2, 28.0));
        let long = slot("The Lighthouse Keeper’s Daughter Dreams of Copper Rivers");
        assert_eq!((long.lines.len(), long.size), (2, 28.0));
        assert!(long.lines[1].ends_with('…'), "{long:?}");
        assert!(slot("").lines.concat().is_empty());
        let titles =
            ["夜に駆ける雨と銅の川の長い夜の物語と灯台守", "Ночной поезд через долину", "x"];
        for title in titles {
            for line in slot(title).lines {
                assert!(measure(Face::Text700, 28.0, 0.0, &line) <= 250.5, "{line}");
            }
        }
    }
}
