//! Failures on the board, grouped by cause, each with its reason and its latest runs.

use bevy::color::{Alpha, Color};
use bevy::math::Vec2;

use super::causes::{Failures, Group, MOST_NAMED};
use super::fit::{fit, size_for};
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, Texture, measure, truncate, wrap};
use crate::app::theme::{Palette, motion, size};
use crate::app::words::count_words;
use crate::bounded::bounded;
use crate::protocol::RunId;

const RADIUS: f32 = 16.0;
const HEAD: f32 = 104.0;
const HATCH: f32 = 12.0;
const PAD: f32 = 26.0;
const NAME: f32 = 26.0;
const REASON: f32 = 24.5;
const LINE: f32 = 31.0;
const GAP: f32 = 16.0;
/// Distance between two names on a line.
const NAME_GAP: f32 = 8.0;
/// Causes after a cause whose room is reserved before that cause's names use it.
const CAUSES_FIRST: usize = 5;
const LAYER: Layer = Layer::Face;

/// Piece of text in the block; its place is relative to the block's upper left corner.
#[derive(Clone, Debug, PartialEq)]
struct Word {
    text: String,
    x: f32,
    y: f32,
    size: f32,
    face: Face,
    ink: Color,
    at_end: bool,
}

/// Failures as set in a room of some size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FailuresText {
    words: Vec<Word>,
    /// Vertical positions of the rules between causes.
    rules: Vec<f32>,
    names: Vec<(RunId, Rect)>,
    /// Height of the whole block.
    pub height: f32,
    /// Least height in which the same text fits.
    pub needs: f32,
}

/// Writer of the lines, from top to bottom.
struct Pen {
    told: FailuresText,
    palette: &'static Palette,
    width: f32,
    y: f32,
    /// Last baseline, above the line of "+n more".
    foot: f32,
    named: usize,
    /// Failures whose cause has been written.
    counted: usize,
}

/// Sets the failures in a block of this width and at most this height.
pub fn lay_out_failures(
    failures: &Failures,
    width: f32,
    most_height: f32,
    palette: &'static Palette,
) -> FailuresText {
    let mut pen = Pen {
        palette,
        told: FailuresText::default(),
        width: width - 2.0 * PAD,
        y: HEAD + HATCH + 12.0,
        foot: most_height - PAD - LINE,
        named: 0,
        counted: 0,
    };
    for (place, group) in failures.groups.iter().enumerate() {
        let after = failures.groups[place + 1..].iter().take(CAUSES_FIRST);
        let reserved: f32 = after.map(|group| pen.least(group)).sum();
        if !pen.tell_group(group, reserved) {
            break;
        }
    }
    let rest = failures.count.saturating_sub(pen.counted);
    if rest > 0 {
        pen.y += LINE;
        let words = format!("+{} more", count_words(rest as u64));
        pen.write(words, 0.0, (Face::Text600, NAME), palette.text);
    }
    // The line for "+n more" stays reserved until it proves unnecessary.
    pen.told.needs = pen.y + PAD + if rest > 0 { 0.0 } else { LINE };
    pen.told.height = bounded(pen.y + PAD, HEAD + HATCH + 60.0, most_height);
    pen.told
}

impl Pen {
    fn write(&mut self, text: String, x: f32, (face, size): (Face, f32), ink: Color) {
        let y = self.y;
        self.told.words.push(Word { text, x: PAD + x, y, size, face, ink, at_end: false });
    }

    fn write_at_end(&mut self, text: String, (face, size): (Face, f32)) {
        let (x, y, ink) = (PAD + self.width, self.y, self.palette.failed_on_tint);
        self.told.words.push(Word { text, x, y, size, face, ink, at_end: true });
    }

    fn reasons(&self, group: &Group) -> Vec<String> {
        wrap(Face::Text500, REASON, &group.reason, self.width, 2)
    }

    /// Least height of a cause: its head, its reason, and what became of its songs.
    fn least(&self, group: &Group) -> f32 {
        let became = usize::from(!group.became_words().is_empty());
        GAP + LINE * (1 + self.reasons(group).len() + became) as f32
    }

    /// Writes a cause with its runs; returns false when there is no room.
    fn tell_group(&mut self, group: &Group, reserved: f32) -> bool {
        if self.y + self.least(group) > self.foot {
            return false;
        }
        if self.counted > 0 {
            self.told.rules.push(self.y + GAP * 0.62);
            self.y += GAP;
        }
        self.y += LINE;
        let has_name = group.count == 1 && self.named < MOST_NAMED;
        match group.runs.first().filter(|_| has_name) {
            Some((id, title)) => self.tell_one(id, title, group.place_words()),
            None => {
                let head = group.counted_words();
                let ago = format!("last {}", group.ago);
                let room = self.width - measure(Face::Text700, NAME, 0.0, &head) - 20.0;
                self.write(head, 0.0, (Face::Text700, NAME), self.palette.text);
                if measure(Face::Text500, REASON, 0.0, &ago) <= room {
                    self.write_at_end(ago, (Face::Text500, REASON));
                }
            }
        }
        for reason in self.reasons(group) {
            self.y += LINE;
            self.write(reason, 0.0, (Face::Text500, REASON), self.palette.failed_on_tint);
        }
        let became = group.became_words();
        if !became.is_empty() {
            self.y += LINE;
            let became = truncate(Face::Text600, REASON, &became, self.width).into_owned();
            self.write(became, 0.0, (Face::Text600, REASON), self.palette.text);
        }
        if group.count > 1 {
            self.tell_names(group, reserved);
        }
        self.counted += group.count;
        true
    }

    /// Writes a failure with a cause of its own: the song, and the node at the right.
    fn tell_one(&mut self, id: &RunId, title: &str, node: &str) {
        let node_w = measure(Face::Text600, NAME, 0.0, node);
        let room = (self.width - node_w - 20.0).max(self.width * 0.4);
        let title_size = size_for(Face::Text700, (NAME, 22.0), title, room);
        let words = truncate(Face::Text700, title_size, title, room).into_owned();
        self.write(words, 0.0, (Face::Text700, title_size), self.palette.text);
        let room = self.width - room.min(measure(Face::Text700, title_size, 0.0, title)) - 20.0;
        let node_size = size_for(Face::Text600, (NAME, 20.0), node, room);
        self.write_at_end(node.to_owned(), (Face::Text600, node_size));
        let rect = Rect::new(PAD, self.y - NAME, self.width, LINE);
        self.told.names.push((id.clone(), rect));
        self.named += 1;
    }

    /// Writes names side by side, as many as fit, then "and n more".
    fn tell_names(&mut self, group: &Group, reserved: f32) {
        let left = MOST_NAMED - self.named.min(MOST_NAMED);
        let room = ((self.foot - reserved - self.y) / LINE).floor().max(0.0) as usize;
        let can = group.runs.len().min(left);
        let all = can == group.count && self.fitting(group, can, room) == can;
        let lines = if all { room } else { room.saturating_sub(1) };
        let count = self.fitting(group, can, lines);
        let mut x = self.width;
        for (place, (id, title)) in group.runs.iter().take(count).enumerate() {
            let words = name_words(title, place + 1 == group.count);
            let width = measure(Face::Text600, REASON, 0.0, &words);
            if x + width > self.width {
                self.y += LINE;
                x = 0.0;
            }
            let words = truncate(Face::Text600, REASON, &words, self.width - x).into_owned();
            self.write(words, x, (Face::Text600, REASON), self.palette.text);
            let rect = Rect::new(PAD + x, self.y - REASON, width.min(self.width - x), LINE);
            self.told.names.push((id.clone(), rect));
            x += width + NAME_GAP;
        }
        self.named += count;
        let rest = group.count - count;
        if rest > 0 && count > 0 {
            let words = format!("and {} more", count_words(rest as u64));
            if x + measure(Face::Text500, REASON, 0.0, &words) > self.width {
                self.y += LINE;
                x = 0.0;
            }
            self.write(words, x, (Face::Text500, REASON), self.palette.failed_on_tint);
        }
    }

    /// Number of the first `most` names that fit into `lines` lines.
    fn fitting(&self, group: &Group, most: usize, lines: usize) -> usize {
        let (mut x, mut line) = (self.width, 0);
        for (place, (_, title)) in group.runs.iter().take(most).enumerate() {
            let words = name_words(title, place + 1 == group.count);
            let width = measure(Face::Text600, REASON, 0.0, &words);
            if x + width > self.width {
                line += 1;
                x = 0.0;
            }
            if line > lines {
                return place;
            }
            x += width + NAME_GAP;
        }
        most.min(group.runs.len())
    }
}

fn name_words(title: &str, is_last: bool) -> String {
    if is_last { title.to_owned() } else { format!("{title},") }
}

/// Draws the failures, and adds the places of names to `names`.
pub fn draw_failures(
    part: &mut Part,
    failures: &Failures,
    told: &FailuresText,
    at: Rect,
    names: &mut Vec<(RunId, Rect)>,
) {
    draw_body(part, failures, Rect::new(at.x, at.y, at.w, told.height));
    for (place, word) in told.words.iter().enumerate() {
        let (x, y) = (at.x + word.x, at.y + word.y);
        let text = Text::new(("told", place), word.text.clone(), x, y, word.face, word.size);
        let text = if word.at_end { text.end() } else { text };
        part.text(LAYER, text.colour(word.ink).keep_colour());
    }
    for y in &told.rules {
        let rule = Rect::new(at.x + PAD, at.y + y, at.w - 2.0 * PAD, 1.5);
        let rule = Shape::rounded_box(rule).fill(part.palette.failed.with_alpha(0.3));
        part.shape(LAYER, rule.keep_colour());
    }
    names.extend(told.names.iter().map(|(id, rect)| (id.clone(), rect.translated(at.x, at.y))));
}

fn draw_body(part: &mut Part, failures: &Failures, rect: Rect) {
    let palette = part.palette;
    let layer = Layer::Rack;
    let body = Shape::rounded_box(rect)
        .radius(RADIUS)
        .fill_diagonal(palette.failed_tint_from, palette.failed_tint_to);
    let body = if failures.settled {
        body
    } else {
        body.glow(9.0, 10.0, palette.failed.with_alpha(0.4)).breathing(motion::BREATHE_LOW)
    };
    part.shape(layer, body.keep_colour());
    let head = Rect::new(rect.x, rect.y, rect.w, HEAD);
    let head = Shape::rounded_box(head).radii([RADIUS, RADIUS, 0.0, 0.0]);
    part.shape(
        layer,
        head.fill_vertical(palette.failed_solid_from, palette.failed_solid_to).keep_colour(),
    );
    part.shape(
        layer,
        Shape::rounded_box(Rect::new(rect.x, rect.y + HEAD, rect.w, HATCH))
            .fill(Color::NONE)
            .texture(Texture::Hatch { period: 14.0, width: 6.0 }, palette.failed)
            .keep_colour(),
    );
    let outline = Shape::rounded_box(rect).radius(RADIUS).fill(Color::NONE);
    part.shape(layer, outline.border(3.0, palette.failed).keep_colour());
    draw_head(part, failures, rect);
}

fn draw_head(part: &mut Part, failures: &Failures, rect: Rect) {
    let palette = part.palette;
    let centre = Vec2::new(rect.x + 60.0, rect.y + HEAD / 2.0);
    part.shape(LAYER, Shape::octagon(centre, 32.0).fill(palette.failed_ink).keep_colour());
    part.shape(LAYER, Shape::cross(centre, 12.0, 8.0).fill(palette.failed).keep_colour());
    let number = count_words(failures.count as u64);
    let (x, y) = (rect.x + 108.0, rect.y + 74.0);
    let number_w = measure(Face::Display700, size::COUNT_XL, 0.0, &number);
    part.text(
        LAYER,
        Text::new("failed", number, x, y, Face::Display700, size::COUNT_XL)
            .colour(palette.failed_ink)
            .then(16.0, "failed")
            .size(40.0)
            .keep_colour(),
    );
    // After "failed": the most frequent cause if it has several runs. The header names the window of time.
    let common = failures.groups.first().filter(|group| group.count > 1);
    let words = match common {
        Some(group) => {
            let at = if group.node.is_some() { "at " } else { "" };
            let count = count_words(group.count as u64);
            format!("{count} {at}{}: {}", group.place_words(), group.reason)
        }
        None => String::new(),
    };
    let end = x + number_w + 16.0 + measure(Face::Display700, 40.0, 0.0, "failed");
    let room = rect.right() - 22.0 - end - 24.0;
    let said = fit(Face::Text600, &[(26.0, 2), (23.0, 3)], (room, room), &words);
    let first = rect.y + HEAD / 2.0 - said.depth() / 2.0 + said.size * 0.36;
    for (row, words) in said.lines.iter().enumerate() {
        let (x, y) = (rect.right() - 22.0, first + said.pitch() * row as f32);
        part.text(
            LAYER,
            Text::new(("common", row), words.clone(), x, y, Face::Text600, said.size)
                .end()
                .colour(palette.failed_ink)
                .keep_colour(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::theme::DARK;

    fn group(node: &str, reason: &str, count: usize) -> Group {
        let runs = (0..count.min(MOST_NAMED))
            .map(|n| (RunId::new(format!("{node}-{n}")), format!("Copper Lullaby {n}")));
        Group {
            node: Some(node.to_owned()),
            reason: reason.to_owned(),
            count,
            ago: "1 min ago".to_owned(),
            runs: runs.collect(),
            ..Group::default()
        }
    }

    fn told(groups: Vec<Group>, height: f32) -> (Vec<String>, FailuresText) {
        let count = groups.iter().map(|group| group.count).sum();
        let told =
            lay_out_failures(&Failures { count, settled: false, groups }, 588.0, height, &DARK);
        (told.words.iter().map(|word| word.text.clone()).collect(), told)
    }

    #[test]
    fn every_cause_is_written_before_more_names() {
        let groups = vec![
            group("RENDER", "quota exceeded", 250),
            group("VALIDATE", "score 0.71, needs 0.80", 40),
            group("LYRICS", "no answer in 60 s", 1),
        ];
        let (words, told) = told(groups, 500.0);
        for cause in ["quota exceeded", "score 0.71, needs 0.80", "no answer in 60 s"] {
            assert!(words.iter().any(|word| word == cause), "{words:?}");
        }
        assert!(told.height <= 500.0 && told.names.len() <= MOST_NAMED);
    }

    #[test]
    fn failures_without_room_are_counted() {
        let groups = (0..40).map(|n| group(&format!("N{n}"), "a reason of its own", 1)).collect();
        let (words, told) = told(groups, 752.0);
        assert!(words.last().is_some_and(|word| word.starts_with('+')), "{words:?}");
        let named = told.names.len();
        assert_eq!(words.last().map(String::as_str), Some(&*format!("+{} more", 40 - named)));
        assert!(told.words.iter().all(|word| word.y < told.height), "{told:?}");
    }

    #[test]
    fn same_text_fits_in_the_height_it_needs() {
        let groups = || {
            vec![
                group("RENDER", "quota exceeded", 250),
                group("VALIDATE", "score 0.71, needs 0.80", 40),
                group("LYRICS", "no answer in 60 s", 25),
            ]
        };
        let (words, all) = told(groups(), 2000.0);
        let (again, _) = told(groups(), all.needs);
        assert_eq!(words, again);
    }

    #[test]
    fn one_failure_makes_a_small_block() {
        let (_, told) = told(vec![group("RENDER", "quota exceeded", 1)], 752.0);
        assert!(told.height < 260.0, "{}", told.height);
    }
}
