//! A tile: one run with its whole chain, readable across a room. Its baselines are the same whatever it
//! shows, so that they meet across a row.

use bevy::color::{Alpha, Color};
use bevy::math::Vec2;

use super::chain::{self, ChainLayout};
use super::fit::{Fitted, fit, line_for, size_for, title_slot};
use super::marks::{self, TileMarks};
use super::tile_view::{Look, TileView};
use crate::app::draw::glyphs::badge;
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, Texture, measure};
use crate::app::state::hints::HintArea;
use crate::app::theme::{Palette, size};
use crate::bounded::bounded;
use crate::model::FollowUp;

/// Width of the reference tile, in design pixels.
const WIDTH: f32 = 348.8;
const HEIGHT: f32 = 240.0;
const RADIUS: f32 = 14.0;
const PAD: f32 = 22.0;
/// Width of the vermillion edge of a failure that is no longer news.
const EDGE: f32 = 14.0;
/// Desaturation of a run without news, 0 to 1; [`FADED`] is its opacity.
const STALE_DESATURATION: f32 = 0.92;
const FADED: f32 = 0.76;

/// Place and time of a tile's drawing.
#[derive(Clone, Copy, Debug)]
pub struct TileLayout {
    pub rect: Rect,
    /// Scale of type; 1 on the reference tile.
    pub scale: f32,
    pub clock_secs: f64,
    /// True when the clock is fixed or the connection lost.
    pub frozen: bool,
    pub selected: bool,
    /// Draw-clock time at which a failure's entrance begins, in seconds.
    pub failed_at: f64,
}

impl TileLayout {
    pub fn scale_of(rect: Rect) -> f32 {
        bounded((rect.w / WIDTH).min(rect.h / HEIGHT), 0.55, 2.2)
    }
}

/// Draws the tile's body for a look.
pub fn draw_body(part: &mut Part, look: Look, at: &TileLayout) {
    let palette = part.palette;
    let rect = at.rect;
    let body = Shape::rounded_box(rect).radius(RADIUS).unsnapped();
    let body = match look {
        Look::Queued => body.fill(palette.ghost).border(1.5, palette.ghost_edge),
        Look::Cancelled => body
            .fill_vertical(palette.panel_top, palette.panel_bottom)
            .border(1.5, palette.cancelled_edge)
            .highlight(0.09),
        Look::FailedBefore | Look::Failed => body
            .fill_diagonal(palette.failed_tint_from, palette.failed_tint_to)
            .border(1.5, palette.failed.with_alpha(0.5))
            .keep_colour(),
        Look::Recovered => body
            .fill_vertical(palette.panel_top, palette.panel_bottom)
            .border(1.5, palette.success.with_alpha(0.5))
            .highlight(0.09),
        Look::Silent => body.fill_vertical(palette.panel_top, palette.panel_bottom),
        Look::Running | Look::Finished => body
            .fill_vertical(palette.panel_top, palette.panel_bottom)
            .border(1.5, palette.tile_edge)
            .highlight(0.09),
    };
    part.shape(Layer::Rack, body);
    if matches!(look, Look::FailedBefore | Look::Failed) {
        let edge = Rect::new(rect.x, rect.y, EDGE.min(rect.w), rect.h);
        let edge = Shape::rounded_box(edge).radii([RADIUS.min(EDGE), 0.0, 0.0, RADIUS.min(EDGE)]);
        part.shape(Layer::Rack, edge.unsnapped().fill(palette.failed).keep_colour());
    }
    if look == Look::Silent {
        // The veil is drawn below the texts.
        let veil = Shape::rounded_box(rect).radius(RADIUS).unsnapped();
        part.shape(
            Layer::Module,
            veil.clone()
                .fill(palette.bg)
                .opacity(0.7)
                .texture(Texture::Scanlines { period: 6.0, width: 1.5 }, palette.stale_scanline),
        );
        part.shape(
            Layer::Module,
            Shape::rounded_box(rect.inset(1.25))
                .radius(RADIUS - 1.0)
                .unsnapped()
                .fill(Color::NONE)
                .border(2.5, palette.stale_outline)
                .dash(1.0, 8.0),
        );
    }
}

/// Draws the outline of a selected tile.
pub fn draw_selection(part: &mut Part, at: &TileLayout) {
    if at.selected {
        let outline = Shape::rounded_box(at.rect.inset(-5.0)).radius(RADIUS + 5.0).unsnapped();
        part.shape(
            Layer::OverlayFace,
            outline.fill(Color::NONE).border(4.0, part.palette.violet_text).keep_colour(),
        );
    }
}

/// Draws with `draw`, desaturated and faded if the run is `silent`.
pub fn desaturated_if<T>(silent: bool, part: &mut Part, draw: impl FnOnce(&mut Part) -> T) -> T {
    let before = part.mark();
    let drawn = draw(part);
    if silent {
        part.desaturate(before, STALE_DESATURATION);
        part.dim(before, FADED);
    }
    drawn
}

/// Colour of the tile below hollow shapes.
pub fn ground(look: Look, palette: &Palette) -> Color {
    match look {
        Look::Queued => palette.ghost,
        Look::Failed | Look::FailedBefore => palette.failed_tint_to,
        _ => palette.card,
    }
}

/// Baselines of a tile's lines from its upper edge, at scale 1.
const TITLE_ONE: f32 = 57.0;
const TITLE_TWO: f32 = 41.0;
const TITLE_PITCH: f32 = 32.0;
const BADGE_Y: f32 = 46.0;
const NODE: f32 = 111.0;
const CHAIN: f32 = 147.0;
const VALUES: f32 = 223.0;
/// Baselines of a failure's reason and of what became of its song.
const REASON: f32 = 193.0;
const BECAME: f32 = 224.0;
/// Distance between the two lines of a long reason.
const SECOND_REASON: f32 = 24.0;
/// Depth of the fix loop below the chain.
const LOOP: f32 = 31.0;
/// The same where a line of words stands below it.
const SHORT_LOOP: f32 = 15.0;
/// Baseline of a tile's values where the line below them counts other runs.
const SHORT_VALUES: f32 = 190.0;
/// Size of a title of two lines.
const TITLE_SMALL: f32 = 28.0;

/// Vertical places of a tile; what is left of its height goes between the lines.
#[derive(Clone, Copy, Debug)]
struct Lines {
    top: f32,
    k: f32,
    extra: f32,
}

impl Lines {
    fn of(at: &TileLayout) -> Self {
        let extra = (at.rect.h - HEIGHT * at.scale).max(0.0);
        Self { top: at.rect.y, k: at.scale, extra }
    }

    /// Returns a baseline, shifted by a part of the extra height.
    fn at(&self, line: f32, part: f32) -> f32 {
        self.top + line * self.k + self.extra * part
    }

    fn node(&self) -> f32 {
        self.at(NODE, 0.2)
    }

    fn chain(&self) -> f32 {
        self.at(CHAIN, 0.55)
    }

    fn values(&self) -> f32 {
        self.at(VALUES, 1.0)
    }
}

/// Draws a tile with title, place, chain and times. Returns where its steps stand.
pub fn draw(part: &mut Part, view: &TileView, at: &TileLayout, marks: &TileMarks) -> HintArea {
    if marks.more.is_some() {
        marks::draw_edges(part, at.rect);
    }
    draw_body(part, view.look, at);
    draw_selection(part, at);
    let silent = view.look == Look::Silent;
    let steps = desaturated_if(silent, part, |part| draw_content(part, view, at, marks));
    if marks.more.is_none() && view.failure.is_none() {
        draw_other_time(part, view, at);
    }
    marks::draw_tab(part, view, marks, at.rect);
    steps
}

fn draw_content(part: &mut Part, view: &TileView, at: &TileLayout, marks: &TileMarks) -> HintArea {
    let palette = part.palette;
    let (rect, k) = (at.rect, at.scale);
    let pad = PAD * k.min(1.5);
    let (left, right) = (rect.x + pad, rect.right() - pad);
    let radius = 17.0 * k;
    let lines = Lines::of(at);
    let room = right - left - 2.0 * radius - 12.0 * k;
    let sizes = (size::TILE_TITLE * k, TITLE_SMALL * k);
    let title = title_slot(Face::Text700, sizes, &view.title, &view.variant, room);
    let first = if title.lines.len() > 1 { TITLE_TWO } else { TITLE_ONE };
    let ghostly = view.look == Look::Queued;
    let title_ink = if ghostly { palette.text_secondary } else { palette.text };
    for (line, words) in title.lines.iter().enumerate() {
        let y = rect.y + (first + TITLE_PITCH * line as f32) * k;
        part.text(
            Layer::Face,
            Text::new(("title", line), words.clone(), left, y, Face::Text700, title.size)
                .colour(title_ink),
        );
    }
    let glyph = chain::glyph(view.look);
    let badge_at = Vec2::new(right - radius, rect.y + BADGE_Y * k);
    badge(part, Layer::Face, glyph, badge_at, radius, "status");

    if view.look == Look::Recovered {
        draw_recovered(part, view, (left, right - left, lines.node()), k);
    } else if view.failure.is_some() {
        draw_failed_step(part, view, (left, right - left, lines.node()), k);
    } else {
        draw_place(part, view, (left, right, lines.node()), k, part.palette.tone(glyph.tone()));
    }
    // "no news for" is longer than other words beside the elapsed time.
    let has_words_below =
        view.failure.is_some() || marks.more.is_some() || view.look == Look::Silent;
    let steps = draw_chain(part, view, at, (left, right), (&lines, has_words_below));
    if let Some(failure) = view.failure.as_ref() {
        draw_failure(part, view, &failure.reason, marks, (left, right), &lines);
        return steps;
    }
    match &marks.more {
        Some(more) => draw_short_values(part, view, more, (left, right), &lines),
        None => {
            let (word, time) = &view.time;
            let place = (left, lines.values(), time_room(view, at));
            draw_time(part, ("time", word, time), place, k, false);
        }
    }
    steps
}

/// Draws the reason of a failure, and below it what became of the song or the number of failures
/// without a place.
fn draw_failure(
    part: &mut Part,
    view: &TileView,
    reason: &str,
    marks: &TileMarks,
    (left, right): (f32, f32),
    lines: &Lines,
) {
    let (palette, k) = (part.palette, lines.k);
    let room = right - left;
    // A portrait screen has fewer pixels for a length, and larger tiles.
    let least = (22.0 * k).max(size::ESSENTIAL_MIN);
    let sizes = ((24.0 * k).max(size::ESSENTIAL_MIN), least);
    // Without a fix loop there is room for a second line.
    let has_two = view.fix.passes == 0 || lines.extra > SECOND_REASON * k;
    let steps = [(sizes.0, 1), (sizes.1, if has_two { 2 } else { 1 })];
    let reason = fit(Face::Text500, &steps, (room, room), reason);
    let lift = SECOND_REASON * k * reason.lines.len().saturating_sub(1) as f32;
    let y = lines.at(REASON, 1.0) - lift * 0.7;
    let is_recovered = view.look == Look::Recovered;
    let ink = if is_recovered { palette.text_secondary } else { palette.text };
    for (line, words) in reason.lines.iter().enumerate() {
        let y = y + lift * line as f32;
        let text = Text::new(("reason", line), words.clone(), left, y, Face::Text500, reason.size);
        part.text(Layer::Face, text.colour(ink).keep_colour());
    }
    let failed = format!("{} {}", view.place, view.ago);
    let (words, ink) = match &marks.more {
        Some(more) => (more.as_str(), palette.text),
        // Its word stands above, so what failed stands here.
        None if is_recovered => (failed.as_str(), palette.text_secondary),
        None => (view.became.as_str(), became_ink(view, palette)),
    };
    let (words, words_size) = line_for(Face::Text600, sizes, words, room);
    let y = lines.at(BECAME, 1.0);
    part.text(
        Layer::Face,
        Text::new("became", words, left, y, Face::Text600, words_size).colour(ink).keep_colour(),
    );
}

/// Ink of the words about what became of a failed song.
pub fn became_ink(view: &TileView, palette: &Palette) -> Color {
    match view.follow_up {
        Some(FollowUp::RetryRunning(_) | FollowUp::RetryQueued(_)) => palette.running,
        Some(FollowUp::Recovered(..)) => palette.success,
        Some(FollowUp::NotRetried | FollowUp::FailedAgain(_)) | None => palette.failed_on_tint,
    }
}

/// Draws the values in one line, and below it the number of runs without a place.
fn draw_short_values(
    part: &mut Part,
    view: &TileView,
    more: &str,
    (left, right): (f32, f32),
    lines: &Lines,
) {
    let (palette, k) = (part.palette, lines.k);
    let values_size = (24.0 * k).max(size::ESSENTIAL_MIN);
    let baseline = lines.at(SHORT_VALUES, 1.0);
    let mut line: Option<Text> = None;
    let mut end = left;
    for (words, value) in [&view.time, &view.other_time] {
        let gap = if line.is_some() { 14.0 * k } else { 0.0 };
        let width = measure(Face::Text500, values_size, 0.0, words)
            + measure(Face::Text600, values_size, 0.0, value)
            + 8.0 * k;
        if value.is_empty() || end + gap + width > right {
            continue;
        }
        end += gap + width;
        let text = match line {
            Some(line) => line.then(gap, words.clone()).face(Face::Text500),
            None => Text::new("values", words.clone(), left, baseline, Face::Text500, values_size),
        };
        let text = text.colour(palette.text_secondary).then(8.0 * k, value.clone());
        line = Some(text.face(Face::Text600).colour(palette.text));
    }
    if let Some(line) = line {
        part.text(Layer::Face, line);
    }
    let sizes = ((26.0 * k).max(size::ESSENTIAL_MIN), 20.0);
    let (more, more_size) = line_for(Face::Text600, sizes, more, right - left);
    part.text(
        Layer::Face,
        Text::new("more", more, left, lines.values(), Face::Text600, more_size)
            .colour(palette.text),
    );
}

fn draw_chain(
    part: &mut Part,
    view: &TileView,
    at: &TileLayout,
    (left, right): (f32, f32),
    (lines, has_words_below): (&Lines, bool),
) -> HintArea {
    let k = at.scale;
    let inset = 10.0 * k;
    chain::draw(
        part,
        view,
        &ChainLayout {
            left: left + inset,
            right: right - inset,
            y: lines.chain(),
            scale: k.min(1.0 + (k - 1.0) * 0.8),
            drop: if has_words_below { SHORT_LOOP } else { LOOP } * k,
            loop_inset: 0.0,
            clock_secs: at.clock_secs,
            frozen: at.frozen || view.look == Look::Silent,
            ground: ground(view.look, part.palette),
        },
    )
}

/// Draws the lines of a title.
pub fn draw_title(part: &mut Part, title: &Fitted, x: f32, baseline: f32, ink: Color) {
    for (line, words) in title.lines.iter().enumerate() {
        let y = baseline + title.pitch() * line as f32;
        part.text(
            Layer::Face,
            Text::new(("title", line), words.clone(), x, y, Face::Text700, title.size).colour(ink),
        );
    }
}

/// Draws the word of a song that finished after its failure.
fn draw_recovered(
    part: &mut Part,
    view: &TileView,
    (left, room, baseline): (f32, f32, f32),
    k: f32,
) {
    let sizes = (size::TILE_NODE * k, size::ESSENTIAL_MIN);
    let (words, words_size) = line_for(Face::Text700, sizes, &view.became, room);
    part.text(
        Layer::Face,
        Text::new("place", words, left, baseline, Face::Text700, words_size)
            .colour(part.palette.success),
    );
}

/// Draws the failed step and the age of the failure, "LYRICS failed 5 min ago".
fn draw_failed_step(
    part: &mut Part,
    view: &TileView,
    (left, room, baseline): (f32, f32, f32),
    k: f32,
) {
    let palette = part.palette;
    let gap = 9.0 * k;
    let sizes = (size::META * k, 20.0);
    let both = format!("{} {}", view.place, view.ago);
    let words_size = size_for(Face::Text600, sizes, &both, room - gap);
    let ago_width = measure(Face::Text600, words_size, 0.0, &view.ago) + gap;
    let (place, _) =
        line_for(Face::Text600, (words_size, words_size), &view.place, room - ago_width);
    let line = Text::new("place", place, left, baseline, Face::Text600, words_size);
    let line = line.colour(palette.failed_text).then(gap, view.ago.clone());
    part.text(Layer::Face, line.colour(palette.failed_on_tint).keep_colour());
}

/// Draws place and detail, "LYRICS 00:11", and the note at the right end.
fn draw_place(
    part: &mut Part,
    view: &TileView,
    (left, right, baseline): (f32, f32, f32),
    k: f32,
    ink: Color,
) {
    let palette = part.palette;
    let node_size = size::TILE_NODE * k;
    let meta_size = (size::META * k).max(size::ESSENTIAL_MIN);
    let gap = 12.0 * k;
    let room = right - left;
    let (note, note_ink) = if view.cancel_requested {
        ("cancel requested", palette.cancelled)
    } else {
        (view.note.as_str(), palette.text)
    };
    let sizes = (meta_size, size::ESSENTIAL_MIN);
    let width = |words: &str, size: f32| match words.is_empty() {
        true => 0.0,
        false => gap + measure(Face::Text500, size, 0.0, words),
    };
    // In a fix pass its number stands in place of the time, which the ring still shows; else the time of
    // a running step always has its room.
    let has_time = !view.fix.live && !view.cancel_requested;
    let least = if has_time { width(&view.step_time, size::ESSENTIAL_MIN) } else { 0.0 };
    let place_sizes = (node_size, 20.0);
    let (place, place_size) =
        line_for(Face::Text700, place_sizes, &view.place, (room - least).max(1.0));
    let place_width = measure(Face::Text700, place_size, 0.0, &place);
    let note_room = (room - place_width - gap - least).max(1.0);
    let note_size = size_for(Face::Text500, sizes, note, note_room);
    let note_fits = place_width + least + width(note, note_size) <= room + 0.5;
    let with_note = if note_fits { width(note, note_size) } else { 0.0 };
    let details = [&view.detail, &view.step_time].map(|detail| {
        let room = (room - place_width - gap - with_note).max(1.0);
        (detail, size_for(Face::Text500, sizes, detail, room))
    });
    let detail = details.into_iter().find(|(detail, size)| {
        let end = place_width + width(detail, *size) + with_note;
        !view.fix.live && !detail.is_empty() && end <= room + 0.5
    });
    let ink = if view.look == Look::Queued { palette.text_secondary } else { ink };
    let mut line = Text::new("place", place, left, baseline, Face::Text700, place_size).colour(ink);
    if let Some((detail, detail_size)) = detail {
        line = line
            .then(gap, detail.clone())
            .face(Face::Text500)
            .size(detail_size)
            .colour(palette.text_secondary);
    }
    part.text(Layer::Face, line);
    if note_fits && !note.is_empty() {
        part.text(
            Layer::Face,
            Text::new("note", note.to_owned(), right, baseline, Face::Text500, note_size)
                .end()
                .colour(note_ink),
        );
    }
}

/// Width for the first time: the two times share the tile's width in proportion to their lengths.
fn time_room(view: &TileView, at: &TileLayout) -> f32 {
    let room = at.rect.w - 2.0 * PAD * at.scale.min(1.5) - 12.0 * at.scale;
    let width = |words: &(String, String)| {
        let time = measure(Face::Display700, size::TILE_TIME, 0.0, &words.1);
        time.max(measure(Face::Text500, size::ESSENTIAL_MIN, 0.0, &words.0))
    };
    let (time, other) = (width(&view.time), width(&view.other_time));
    room * time / (time + other).max(1.0)
}

/// Draws a time with its label above it.
fn draw_time(
    part: &mut Part,
    (key, word, time): (&'static str, &str, &str),
    (x, baseline, room): (f32, f32, f32),
    k: f32,
    at_end: bool,
) {
    let palette = part.palette;
    let sizes = (size::TILE_TIME * k, 24.0);
    let time_size = size_for(Face::Display700, sizes, time, room);
    let word_size = size::ESSENTIAL_MIN.max(size::ESSENTIAL_MIN * k * 0.9);
    let words =
        Text::new((key, "word"), word.to_owned(), x, baseline - 36.0 * k, Face::Text500, word_size)
            .colour(palette.text_secondary);
    let value =
        Text::new((key, "value"), time.to_owned(), x, baseline, Face::Display700, time_size)
            .tracking(-0.01)
            .colour(palette.text);
    let (words, value) = if at_end { (words.end(), value.end()) } else { (words, value) };
    part.text(Layer::Face, words);
    part.text(Layer::Face, value);
}

/// Draws the second time (time left, or time without news), which is never desaturated.
fn draw_other_time(part: &mut Part, view: &TileView, at: &TileLayout) {
    let k = at.scale;
    let (word, time) = &view.other_time;
    let x = at.rect.right() - PAD * k.min(1.5);
    let baseline = Lines::of(at).values();
    let room = at.rect.w - 2.0 * PAD * k.min(1.5) - 12.0 * k - time_room(view, at);
    draw_time(part, ("other time", word, time), (x, baseline, room), k, true);
}
