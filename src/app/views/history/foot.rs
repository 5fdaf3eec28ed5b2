//! Draws the line at the foot of the history: what the numbers are of, or what is chosen, and the keys. The light of
//! the connection at its left end is drawn with what is around every view.

use super::history_view::FootView;
use crate::app::draw::{Face, Layer, Part, Text, measure, truncate};
use crate::app::state::actions::{Action, ActionEntry};
use crate::layout::HistoryPlaces;

const WORDS: f32 = 24.0;
const KEYS: f32 = 22.0;
/// Gaps between a key and its words, between two keys, and before them.
const AFTER_KEY: f32 = 10.0;
const BETWEEN: f32 = 22.0;
const BEFORE: f32 = 28.0;
/// Left end of the words as part of the width, where the light stands on the same line.
const AFTER_LIGHT: f32 = 0.27;

/// Draws the foot; `part_name` is what ← and → choose, and without `has_keys` there are no keys.
pub fn draw(part: &mut Part, view: &FootView, at: &HistoryPlaces, part_name: &str, has_keys: bool) {
    let (k, palette) = (at.scale, part.palette);
    let (y, left) = match at.second_foot {
        Some(y) => (y, at.left),
        None => (at.foot, at.left + (at.right - at.left) * AFTER_LIGHT),
    };
    let size = WORDS * k;
    let room = at.right - left;
    let mut end = left;
    if let Some((title, words)) = &view.readout {
        let title = truncate(Face::Text600, size, title, room * 0.4).into_owned();
        let gap = 14.0 * k;
        let width = measure(Face::Text600, size, 0.0, &title) + gap;
        let words = truncate(Face::Text500, size, words, room - width).into_owned();
        end = left + width + measure(Face::Text500, size, 0.0, &words);
        let text = Text::new("foot", title, left, y, Face::Text600, size)
            .colour(palette.violet_text)
            .then(gap, words)
            .face(Face::Text500)
            .colour(palette.text);
        part.text(Layer::Face, text);
    } else {
        let keys =
            if at.second_foot.is_some() || !has_keys { 0.0 } else { keys_width(k, part_name) };
        let fits = |words: &&String, room: f32| measure(Face::Text500, size, 0.0, words) <= room;
        // The origin of the numbers takes precedence over the keys.
        let found = view.words.iter().find(|words| fits(words, room - keys - BEFORE * k));
        let found = found.or_else(|| view.words.iter().find(|words| fits(words, room)));
        let Some(words) = found.or(view.words.last()) else { return };
        let words = truncate(Face::Text500, size, words, room).into_owned();
        end += measure(Face::Text500, size, 0.0, &words);
        let ink = if view.is_warning { palette.cancelled } else { palette.text_secondary };
        let text = Text::new("foot", words, left, y, Face::Text500, size).colour(ink);
        part.text(Layer::Face, text);
    }
    let key_room = match at.second_foot {
        Some(_) => (at.right - at.left) * 0.62,
        None => at.right - end - BEFORE * k,
    };
    if has_keys && keys_width(k, part_name) <= key_room {
        draw_keys(part, at, part_name);
    }
}

/// Returns the keys, and what they do.
fn hints(part_name: &str) -> [(String, &str); 3] {
    let keys = |actions: &[Action]| {
        actions.iter().filter_map(ActionEntry::keys_of).collect::<Vec<_>>().join(" ")
    };
    [
        (keys(&[Action::ChoosePart(-1), Action::ChoosePart(1)]), part_name),
        (keys(&[Action::ChooseRow(-1), Action::ChooseRow(1)]), "step or cause"),
        (keys(&[Action::OpenSelected]), "opens its newest run"),
    ]
}

fn keys_width(k: f32, part_name: &str) -> f32 {
    let each = hints(part_name).into_iter().map(|(key, words)| {
        measure(Face::Text600, KEYS * k, 0.0, &key)
            + AFTER_KEY * k
            + measure(Face::Text500, KEYS * k, 0.0, words)
    });
    each.sum::<f32>() + 2.0 * BETWEEN * k
}

fn draw_keys(part: &mut Part, at: &HistoryPlaces, part_name: &str) {
    let (k, palette) = (at.scale, part.palette);
    let size = KEYS * k;
    let mut x = at.right - keys_width(k, part_name);
    for (place, (key, words)) in hints(part_name).into_iter().enumerate() {
        let width = measure(Face::Text600, size, 0.0, &key);
        let text = Text::new(("key", place), key, x, at.foot, Face::Text600, size)
            .colour(palette.violet_text)
            .then(AFTER_KEY * k, words.to_owned())
            .face(Face::Text500)
            .colour(palette.text_secondary);
        part.text(Layer::Face, text);
        x += width + AFTER_KEY * k + measure(Face::Text500, size, 0.0, words) + BETWEEN * k;
    }
}
