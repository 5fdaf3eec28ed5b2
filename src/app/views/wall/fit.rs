//! Fits texts into their room: smaller, then on more lines, and only then truncated.

use crate::app::draw::{Face, measure, truncate, wrap};

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
}
