//! Header of the wall: numbers of runs by status, and the run that finishes next.

use bevy::math::Vec2;

use super::wall_index::WallIndex;
use crate::app::draw::glyphs::badge;
use crate::app::draw::{Face, Layer, Part, Text, measure, truncate};
use crate::app::state::run_store::RunStore;
use crate::app::state::run_view::remaining;
use crate::app::state::status::DisplayStatus;
use crate::app::theme::size;
use crate::app::views::chrome::draw_mark;
use crate::app::views::counts::RunCounts;
use crate::app::words::count_words;
use crate::layout::CanvasSize;
use crate::model::RunStatus;

const NEXT: &str = "next to finish:";
const COUNTS_LEFT: f32 = 372.0;
/// Width kept free for the clock.
const CLOCK_WIDTH: f32 = 200.0;
const FIRST_LINE: f32 = 60.0;
const SECOND_LINE: f32 = 98.0;
const GAP: f32 = 34.0;
const BADGE: f32 = 16.0;

/// Contents of the header.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeaderView {
    pub counts: Vec<Count>,
    /// Next run to finish: "next to finish: Copper Sky, 00:03 to go".
    pub next: Option<Next>,
}

/// Number of runs with a status.
#[derive(Clone, Debug, PartialEq)]
pub struct Count {
    pub glyph: DisplayStatus,
    pub number: String,
    pub words: String,
}

/// Run that should finish next.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    pub title: String,
    /// Time left: "00:03 to go", "any moment now".
    pub left: String,
}

impl HeaderView {
    pub fn of(
        counts: &RunCounts,
        wall_index: &WallIndex,
        run_store: &RunStore,
        now: jiff::Timestamp,
    ) -> Self {
        let RunCounts { active, silent, queued, completed, failed, cancelled, .. } = *counts;
        let count = |glyph, count: usize, words: &str| Count {
            glyph,
            number: count_words(count as u64),
            words: words.to_owned(),
        };
        let active_words = match silent {
            0 => "active".to_owned(),
            _ if silent == active && silent > 1 => "active, none with news".to_owned(),
            _ => format!("active, {} without news", of_them(silent)),
        };
        let ended = |status, number: usize, word: &str| {
            (number > 0).then(|| count(DisplayStatus::from(status), number, word))
        };
        let mut counts: Vec<Count> = Vec::new();
        counts.extend(ended(RunStatus::Failed, failed, "failed in 1 h"));
        let glyph = if silent == active { DisplayStatus::Idle } else { DisplayStatus::Running };
        counts.push(count(glyph, active, &active_words));
        counts.extend((queued > 0).then(|| count(DisplayStatus::Pending, queued, "queued")));
        counts.extend(ended(RunStatus::Cancelled, cancelled, "cancelled"));
        counts.extend(ended(RunStatus::Completed, completed, "finished"));
        if let Some(last) = counts.last_mut().filter(|_| cancelled + completed > 0) {
            // "in 1 h" stands once, after the last count.
            last.words.push_str(" in 1 h");
        }
        let model = &run_store.model;
        let next = wall_index.next(model, now).map(|(run, _)| Next {
            title: run_store.name(run),
            left: remaining(run, model.stats(), now).words(),
        });
        Self { counts, next }
    }
}

fn of_them(count: usize) -> String {
    format!("{} of them", count_words(count as u64))
}

/// Draws the header; a notice takes the first line, and the counts move to the second.
pub fn draw(part: &mut Part, view: &HeaderView, canvas_size: &CanvasSize, has_notice: bool) {
    let palette = part.palette;
    draw_mark(part, CanvasSize::MARGIN, FIRST_LINE, 1.46);
    let name = Text::new("product", "Meterbridge", 112.0, FIRST_LINE, Face::Text600, size::PRODUCT);
    part.text(Layer::Face, name.colour(palette.text));
    part.text(
        Layer::Face,
        Text::new("subtitle", "song runs", 112.0, SECOND_LINE, Face::Text500, size::TICKER)
            .colour(palette.text_tertiary),
    );
    let right = canvas_size.right() - CLOCK_WIDTH;
    let first_line = if has_notice { SECOND_LINE } else { FIRST_LINE };
    // A smaller scale is preferred to a second line.
    let fits = |scale: f32| COUNTS_LEFT + widths(&view.counts, scale).sum::<f32>() <= right + GAP;
    let scale = [1.0, 0.93, 0.85].into_iter().find(|scale| fits(*scale)).unwrap_or(0.85);
    let mut pen = (COUNTS_LEFT, first_line);
    let sized = view.counts.iter().zip(widths(&view.counts, scale));
    for (place, (count, width)) in sized.enumerate() {
        if pen.0 + width - GAP * scale > right && pen.0 > COUNTS_LEFT {
            if pen.1 >= SECOND_LINE {
                break;
            }
            pen = (COUNTS_LEFT, SECOND_LINE);
        }
        let (x, y) = pen;
        let radius = BADGE * scale;
        let centre = Vec2::new(x + radius, y - 13.0 * scale);
        badge(part, Layer::Face, count.glyph, centre, radius, "count");
        let number = Text::new(
            ("count", place),
            count.number.clone(),
            x + 2.0 * radius + 12.0 * scale,
            y,
            Face::Display700,
            size::COUNT * scale,
        );
        part.text(
            Layer::Face,
            number
                .colour(palette.text)
                .then(10.0 * scale, count.words.clone())
                .face(Face::Text500)
                .size((size::META * scale).max(size::ESSENTIAL_MIN))
                .colour(palette.text_secondary),
        );
        pen.0 = x + width;
    }
    if let Some(next) = view.next.as_ref().filter(|_| !has_notice) {
        draw_next(part, next, if pen.1 < SECOND_LINE { COUNTS_LEFT } else { pen.0 }, right);
    }
}

/// Widths of the counts, each including the gap after it.
fn widths(counts: &[Count], scale: f32) -> impl Iterator<Item = f32> {
    counts.iter().map(move |count| {
        let words_size = (size::META * scale).max(size::ESSENTIAL_MIN);
        let number = measure(Face::Display700, size::COUNT * scale, 0.0, &count.number);
        let words = measure(Face::Text500, words_size, 0.0, &count.words);
        (2.0 * BADGE + 22.0 + GAP) * scale + number + words
    })
}

fn draw_next(part: &mut Part, next: &Next, x: f32, right: f32) {
    let palette = part.palette;
    let fixed = measure(Face::Text500, size::META, 0.0, &format!("{NEXT} , {}", next.left)) + 10.0;
    let room = right - x - fixed;
    if room < 120.0 {
        return;
    }
    let title = truncate(Face::Text600, size::META, &next.title, room).into_owned();
    part.text(
        Layer::Face,
        Text::new("next", NEXT, x, SECOND_LINE, Face::Text500, size::META)
            .colour(palette.text_secondary)
            .then(10.0, title)
            .face(Face::Text600)
            .colour(palette.text)
            // A span of its own: next to a right-to-left title the comma would move to the left.
            .then(0.0, ",")
            .then(8.0, next.left.clone()),
    );
}
