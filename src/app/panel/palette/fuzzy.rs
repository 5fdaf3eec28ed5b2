//! Fuzzy search: finds the letters of a query in a text, in their order, and prefers starts of words and
//! letters in a row.

/// Characters of a text that are looked at.
const MOST_CHARS: usize = 160;
/// Points for a letter, for one that follows the letter before, and for one at the start of a word.
const LETTER: i32 = 1;
const IN_A_ROW: i32 = 6;
const WORD_START: i32 = 8;
/// Points for a letter at the start of the text, besides those for the start of a word.
const TEXT_START: i32 = 4;

/// A match of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// Quality; higher is better.
    pub score: i32,
    /// Places of the letters in the text, in characters, ascending.
    pub places: Vec<usize>,
}

/// Finds the best match of `query`, without regard to case; `None` where a letter is missing. Spaces in the
/// query are ignored. An empty query matches everything.
pub(super) fn find(query: &str, text: &str) -> Option<Match> {
    let wanted: Vec<char> =
        query.chars().filter(|sign| !sign.is_whitespace()).flat_map(char::to_lowercase).collect();
    let signs: Vec<char> = text.chars().take(MOST_CHARS).map(lower).collect();
    if !has_in_order(&wanted, &signs) {
        return None;
    }
    let starts = word_starts(text);
    // best[letter][place]: the best score with this letter at this place, and the place of the letter before.
    let mut best: Vec<Vec<Option<(i32, usize)>>> = Vec::with_capacity(wanted.len());
    for (letter, sign) in wanted.iter().enumerate() {
        let mut row = vec![None; signs.len()];
        // Best place of the letter before, up to the one but last.
        let mut earlier: Option<(i32, usize)> = None;
        for (place, known) in signs.iter().enumerate() {
            let before = letter.checked_sub(1).map(|before| &best[before]);
            if let (Some(before), Some(last)) = (before, place.checked_sub(2))
                && let Some((score, _)) = before[last]
                && earlier.is_none_or(|(known, _)| score > known)
            {
                earlier = Some((score, last));
            }
            if known != sign {
                continue;
            }
            let own = LETTER
                + if starts[place] { WORD_START } else { 0 }
                + if place == 0 { TEXT_START } else { 0 };
            row[place] = match before {
                None => Some((own, place)),
                Some(before) => {
                    let near = place.checked_sub(1).and_then(|near| {
                        before[near].map(|(score, _)| (score + IN_A_ROW + own, near))
                    });
                    let far = earlier.map(|(score, far)| (score + own, far));
                    near.max(far)
                }
            };
        }
        best.push(row);
    }
    let Some(last) = best.last() else { return Some(Match { score: 0, places: Vec::new() }) };
    let ends =
        last.iter().enumerate().filter_map(|(place, known)| Some((known.as_ref()?.0, place)));
    // Of equally good ones the first.
    let (score, mut place) =
        ends.max_by_key(|(score, place)| (*score, std::cmp::Reverse(*place)))?;
    let mut places = vec![place];
    for row in best.iter().skip(1).rev() {
        (_, place) = row[place]?;
        places.push(place);
    }
    places.reverse();
    // Of texts with the same letters the shorter one is meant.
    let length = i32::try_from(signs.len()).unwrap_or(i32::MAX);
    Some(Match { score: score * 16 - length / 4, places })
}

fn lower(sign: char) -> char {
    sign.to_lowercase().next().unwrap_or(sign)
}

fn has_in_order(wanted: &[char], signs: &[char]) -> bool {
    let mut signs = signs.iter();
    wanted.iter().all(|wanted| signs.any(|sign| sign == wanted))
}

/// True at the places where a word begins: after a space or sign, and at a capital after a small letter.
fn word_starts(text: &str) -> Vec<bool> {
    let mut before = ' ';
    text.chars()
        .take(MOST_CHARS)
        .map(|sign| {
            let starts = sign.is_alphanumeric()
                && (!before.is_alphanumeric() || (sign.is_uppercase() && before.is_lowercase()));
            before = sign;
            starts
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(query: &str, text: &str) -> Option<String> {
        let found = find(query, text)?;
        Some(
            text.chars()
                .enumerate()
                .map(|(place, sign)| if found.places.contains(&place) { sign } else { '.' })
                .collect(),
        )
    }

    #[test]
    fn letters_are_found_in_order_without_regard_to_case() {
        assert_eq!(matched("re", "Red Kite").unwrap(), "Re......");
        assert_eq!(matched("rk", "Red Kite").unwrap(), "R...K...");
        assert_eq!(matched("har", "Glass Harbour").unwrap(), "......Har....");
        assert_eq!(matched("gh", "Glass Harbour").unwrap(), "G.....H......");
        assert_eq!(matched("ra", "Harbour"), None);
        assert_eq!(matched("ste rend", "Step RENDER").unwrap(), "Ste..REND..");
        assert_eq!(matched("", "any").unwrap(), "...");
        assert_eq!(matched("x", ""), None);
        assert_eq!(matched("ÉT", "l'été").unwrap(), "..ét.");
    }

    #[test]
    fn starts_of_words_and_letters_in_a_row_come_first() {
        let score = |text: &str| find("re", text).unwrap().score;
        let order = ["Retry this run", "Score: Red", "Compare", "Charter house"];
        for pair in order.windows(2) {
            assert!(score(pair[0]) > score(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn long_texts_and_queries_are_no_problem() {
        let text = "🎵 ".repeat(5_000);
        assert_eq!(find(&"a".repeat(500), &text), None);
        assert!(find("🎵🎵🎵", &text).is_some());
    }
}
