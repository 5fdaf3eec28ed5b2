//! A row of the timing board: one run in one line, whose parts stand below those of the others.

use bevy::color::Color;
use bevy::math::Vec2;

use super::super::chain;
use super::super::fit::{line_for, size_for, title_line, without_time};
use super::super::marks::{TileMarks, draw_tag};
use super::super::tile::TileLayout;
use super::super::tile_view::{Look, StepTime, TileView, running_step};
use super::cells::{CellsPlace, draw_cells, draw_loop};
use crate::app::draw::glyphs::badge;
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, measure};
use crate::app::state::hints::HintArea;
use crate::app::words::{clock_words, countdown_words};
use crate::bounded::bounded;
use crate::layout::RowsLayout;
use crate::model::{FollowUp, Remaining};

/// Type sizes at scale 1.
const SONG: f32 = 28.0;
const STEP: f32 = 23.0;
const TIME: f32 = 24.0;
const ELAPSED: f32 = 26.0;
const TO_GO: f32 = 29.0;
const NOTE: f32 = 22.0;
/// Least size of a time that needs more room.
const LEAST_TIME: f32 = 20.0;
/// Radius of the status glyph.
const BADGE: f32 = 12.5;
/// Least room of a song beside a tag.
const LEAST_SONG: f32 = 120.0;
/// Distance of a row's age from the step.
const AGE_AFTER: f32 = 138.0;
/// Length of the usual bar in usual times.
const BAR_FULL: f32 = 1.5;
const DASH: &str = "–";

/// Width of the name of a failed step.
fn width_of_step(name: &str, k: f32) -> f32 {
    measure(Face::Text600, LEAST_TIME * k, 0.0, name)
}

/// Pen of a row: its left edge, middle and scale.
struct Row<'a> {
    view: &'a TileView,
    layout: &'a RowsLayout,
    left: f32,
    middle: f32,
    k: f32,
    is_next: bool,
}

/// Draws a run as a row. Returns where its steps stand.
pub fn draw_row(
    part: &mut Part,
    view: &TileView,
    at: &TileLayout,
    layout: &RowsLayout,
    marks: &TileMarks,
) -> HintArea {
    let is_next = marks.is_next(view);
    let (left, middle, k) = (at.rect.x, at.rect.centre_y(), layout.scale);
    let row = Row { view, layout, left, middle, k, is_next };
    let palette = part.palette;
    if is_next {
        let ground = Shape::rounded_box(at.rect.inset(0.5)).radius(8.0).unsnapped();
        part.shape(
            Layer::Module,
            ground.fill(palette.running_deep).border(2.5, palette.text).keep_colour(),
        );
    }
    if at.selected {
        let outline = Shape::rounded_box(at.rect).radius(8.0).unsnapped();
        let outline = outline.fill(Color::NONE).border(4.0, palette.violet_text);
        part.shape(Layer::OverlayFace, outline.keep_colour());
    }
    let centre = Vec2::new(left + layout.places.status, middle);
    badge(part, Layer::Face, chain::glyph(view.look), centre, BADGE * k, "status");
    row.song(part, marks);
    let columns = &layout.places;
    let steps = draw_cells(part, view, &CellsPlace { left, middle, columns, scale: k });
    if view.fix.passes > 0 {
        let x = left + columns.fix;
        draw_loop(part, Vec2::new(x + 8.0 * k, middle), k);
        row.text(part, "fixes", view.fix.passes.to_string(), x + 18.0 * k, (Face::Text600, NOTE));
    }
    match view.look {
        Look::Running => row.step(part),
        Look::Silent => {
            let millis = view.silent_ms.unwrap_or(0);
            row.across(part, format!("no news for {}", clock_words(millis)), palette.text);
        }
        Look::Queued => {
            let place = if view.note.is_empty() { &view.place } else { &view.note };
            row.across(part, place.clone(), palette.text_secondary);
        }
        Look::Cancelled => {
            let step = if view.other_time.1.is_empty() { &view.place } else { &view.other_time.1 };
            row.ended(part, step, palette.cancelled);
        }
        Look::Finished => {
            let words = match view.score {
                Some(_) => format!("score {}", view.other_time.1),
                None => view.place.clone(),
            };
            row.ended(part, &words, palette.success);
        }
        Look::Failed | Look::FailedBefore | Look::Recovered => row.failed(part),
    }
    row.times(part);
    steps
}

impl Row<'_> {
    /// Places a text of this size on the row's baseline.
    fn text(
        &self,
        part: &mut Part,
        key: &'static str,
        words: String,
        x: f32,
        (face, size): (Face, f32),
    ) {
        let ink = part.palette.text;
        self.ink(part, key, words, x, (face, size * self.k, ink), false);
    }

    fn ink(
        &self,
        part: &mut Part,
        key: &'static str,
        words: String,
        x: f32,
        (face, size, ink): (Face, f32, Color),
        at_end: bool,
    ) {
        let y = self.middle + 8.6 * self.k;
        let text = Text::new(key, words, x, y, face, size).colour(ink);
        part.text(Layer::Face, if at_end { text.end() } else { text });
    }

    /// True for runs whose row is quiet, so that running ones stand out.
    fn is_quiet(&self) -> bool {
        matches!(self.view.look, Look::Queued | Look::Cancelled | Look::Finished)
    }

    fn song(&self, part: &mut Part, marks: &TileMarks) {
        let palette = part.palette;
        let k = self.k;
        let (x, mut room) = self.layout.places.song;
        let mut title = self.view.title.as_str();
        let tag = if self.is_next { Some("next") } else { marks.retry(self.view).map(|_| "retry") };
        let tag = tag.map(|words| (words, measure(Face::Text600, NOTE * k, 0.0, words) + 16.0 * k));
        // The song takes precedence over the tag where room is short.
        if let Some((words, width)) = tag.filter(|(_, width)| room - width > LEAST_SONG * k) {
            let size = NOTE * k;
            let right = self.left + x + room;
            let (tag_y, height) = (self.middle - 14.0 * k, 28.0 * k);
            let tag = Rect::new(right - width, tag_y, width, height);
            draw_tag(part, (tag, 7.0 * k), (words.to_owned(), size), self.is_next);
            room -= width + 8.0 * k;
        }
        // The other columns tell the runs of a song apart where their start would cut its name.
        if measure(Face::Text600, SONG * k, 0.0, title) > room {
            title = without_time(title);
        }
        // A flat palette keeps full text; quiet rows differ by weight.
        let (face, ink) = match self.is_quiet() {
            true if palette.flat => (Face::Text500, palette.text),
            true => (Face::Text500, palette.text_secondary),
            false => (Face::Text600, palette.text),
        };
        let size = SONG * k;
        let title = title_line(face, size, title, &self.view.variant, room);
        let y = self.middle + 9.6 * k;
        let text = Text::new("song", title, self.left + x, y, face, size);
        part.text(Layer::Face, text.colour(ink));
    }

    /// Draws the step now, its time, and the bar of its usual time.
    fn step(&self, part: &mut Part) {
        let palette = part.palette;
        let (k, places) = (self.k, &self.layout.places);
        let step = running_step(&self.view.chain, &self.view.fix);
        let (x, mut right) = (self.left + places.now, self.left + places.time);
        if let Some(millis) = step.so_far_ms {
            let words = clock_words(millis);
            let width = measure(Face::Text600, TIME * k, 0.0, &words);
            let ink = (Face::Text600, TIME * k, palette.text);
            self.ink(part, "step time", words, right, ink, true);
            right -= width + places.gap();
        }
        // Between two steps nothing runs.
        let between = self.view.place == "running" && step == StepTime::default();
        let (place, ink) = match between {
            true => (&self.view.detail, palette.text_secondary),
            false if self.is_next => (&self.view.place, palette.text),
            false => (&self.view.place, palette.running),
        };
        let (words, size) = line_for(Face::Text600, (STEP * k, LEAST_TIME * k), place, right - x);
        self.ink(part, "step", words, x, (Face::Text600, size, ink), false);
        self.bar(part, &step);
    }

    fn bar(&self, part: &mut Part, step: &StepTime) {
        let palette = part.palette;
        let k = self.k;
        let (Some((x, width)), Some(millis), Some(usual)) =
            (self.layout.places.usual, step.so_far_ms, step.baseline)
        else {
            return;
        };
        let least = measure(Face::Text500, NOTE * k, 0.0, &self.view.time.1);
        if least > self.layout.places.elapsed_room() {
            // A long time takes the bar's room.
            return;
        }
        let x = self.left + x;
        let line = |from: f32, width: f32, height: f32| {
            Rect::new(from, self.middle - height / 2.0, width, height)
        };
        // A flat palette has no shades: there the track is thinner.
        let (track_h, fill_h) = if palette.flat { (2.0 * k, 8.0 * k) } else { (5.0 * k, 5.0 * k) };
        let track = Shape::rounded_box(line(x, width, track_h)).radius(2.5 * k).unsnapped();
        part.shape(Layer::Face, track.fill(palette.hair));
        let usual_ms = usual.p50_ms.max(1) as f32;
        let filled = bounded(millis as f32 / (usual_ms * BAR_FULL), 0.0, 1.0);
        let is_slow = millis > usual.p95_ms;
        let ink = if is_slow { palette.text } else { palette.running };
        let fill = line(x, (width * filled).max(2.0 * k), fill_h);
        part.shape(Layer::Face, Shape::rounded_box(fill).radius(2.5 * k).unsnapped().fill(ink));
        let tick = line(x + width / BAR_FULL - 1.5 * k, 3.0 * k, 11.0 * k);
        part.shape(Layer::Face, Shape::rounded_box(tick).radius(k).fill(palette.text).unsnapped());
    }

    /// Draws words in the room of the step and its time.
    fn across(&self, part: &mut Part, words: String, ink: Color) {
        let (k, places) = (self.k, &self.layout.places);
        let room = places.time - places.now;
        let (words, size) = line_for(Face::Text600, (TIME * k, LEAST_TIME * k), &words, room);
        let x = self.left + places.now;
        self.ink(part, "step", words, x, (Face::Text600, size, ink), false);
    }

    /// Draws the result of a run that is over, and its age.
    fn ended(&self, part: &mut Part, words: &str, ink: Color) {
        let (k, places) = (self.k, &self.layout.places);
        let now = self.left + places.now;
        let elapsed = measure(Face::Text500, ELAPSED * k, 0.0, &self.view.time.1);
        let right = self.left + places.elapsed - elapsed - places.gap();
        let age = &self.view.ago;
        let age_width = measure(Face::Text500, NOTE * k, 0.0, age);
        let age_x = (now + AGE_AFTER * k).min(right - age_width);
        let room = age_x - now - places.gap();
        let (words, size) = line_for(Face::Text600, (TIME * k, LEAST_TIME * k), words, room);
        self.ink(part, "step", words, now, (Face::Text600, size, ink), false);
        let age_ink = (Face::Text500, NOTE * k, part.palette.text_secondary);
        self.ink(part, "age", age.clone(), age_x, age_ink, false);
    }

    /// Draws the failed step, the reason as far as there is room, and the age.
    fn failed(&self, part: &mut Part) {
        let palette = part.palette;
        let (k, places) = (self.k, &self.layout.places);
        let failure = self.view.failure.as_ref();
        let (headline, reason) =
            failure.map_or(("Run", ""), |failure| (&*failure.headline, &*failure.reason));
        let now = self.left + places.now;
        let right = self.left + places.to_go;
        let is_recovered = self.view.look == Look::Recovered;
        let became = if is_recovered { "" } else { self.view.became.as_str() };
        let both = format!("{}, {became}", self.view.ago);
        let width = |words: &str| measure(Face::Text500, NOTE * k, 0.0, words);
        // The glyph says that it failed.
        let failed = headline.strip_suffix(" failed").unwrap_or(headline);
        // The reason takes precedence over what became of the song, and that over the room of the fix passes.
        let least = |words: &str| measure(Face::Text500, LEAST_TIME * k, 0.0, words);
        let needed = width_of_step(failed, k) + least(reason) + 4.0 * places.gap();
        let now = match self.view.fix.passes {
            0 if now + needed + width(&self.view.ago) > right => self.left + places.fix,
            _ => now,
        };
        let is_retried = !matches!(self.view.follow_up, Some(FollowUp::NotRetried) | None);
        let most = if is_retried || now + needed + width(&both) <= right { 0.6 } else { 0.0 };
        let both_fit = !became.is_empty() && width(&both) <= (right - now) * most;
        let age = if both_fit { &both } else { &self.view.ago };
        let ink = (Face::Text500, NOTE * k, palette.text_secondary);
        self.ink(part, "age", age.clone(), right, ink, true);
        let right = right - width(age) - 2.0 * places.gap();
        let told = format!("{headline}: {reason}");
        let (headline, reason, inks) = if is_recovered {
            let told = if reason.is_empty() { headline } else { told.as_str() };
            (self.view.became.as_str(), told, (palette.success, palette.text_secondary))
        } else {
            (failed, reason, (palette.failed_text, palette.text))
        };
        let sizes = (STEP * k, LEAST_TIME * k);
        let (headline, size) = line_for(Face::Text600, sizes, headline, right - now);
        let end = now + measure(Face::Text600, size, 0.0, &headline) + 2.0 * places.gap();
        self.ink(part, "step", headline, now, (Face::Text600, size, inks.0), false);
        if right - end > 60.0 * k {
            let sizes = (TIME * k, LEAST_TIME * k);
            let (reason, size) = line_for(Face::Text500, sizes, reason, right - end);
            let ink = (Face::Text500, size, inks.1);
            self.ink(part, "reason", reason, end, ink, false);
        }
    }

    /// Draws the elapsed time and the time to go.
    fn times(&self, part: &mut Part) {
        let palette = part.palette;
        let (k, places) = (self.k, &self.layout.places);
        if self.view.failure.is_some() {
            return;
        }
        let words = self.view.time.1.clone();
        let room = if measure(Face::Text500, NOTE * k, 0.0, &words) > places.elapsed_room() {
            places.elapsed - places.time - places.gap()
        } else {
            places.elapsed_room()
        };
        let size = size_for(Face::Text500, (ELAPSED * k, LEAST_TIME * k), &words, room);
        let ink = if self.is_next { palette.text } else { palette.text_secondary };
        let right = self.left + places.elapsed;
        self.ink(part, "elapsed", words, right, (Face::Text500, size, ink), true);
        let (words, face, size) = match (self.view.look, self.view.left) {
            (Look::Running, Some(Remaining::Left { millis, .. })) => {
                (countdown_words(millis), Face::Text700, TO_GO)
            }
            (Look::Running, Some(Remaining::AnyMoment)) => ("now".to_owned(), Face::Text700, TO_GO),
            (Look::Running, Some(Remaining::Late { .. })) => {
                ("late".to_owned(), Face::Text700, ELAPSED)
            }
            (Look::Running | Look::Silent | Look::Queued, _) => {
                (DASH.to_owned(), Face::Text500, ELAPSED)
            }
            _ => return,
        };
        let ink = if face == Face::Text700 { palette.text } else { palette.text_secondary };
        let size = size_for(face, (size * k, LEAST_TIME * k), &words, places.to_go_room());
        let y = self.middle + 9.6 * k;
        let text = Text::new("to go", words, self.left + places.to_go, y, face, size);
        part.text(Layer::Face, text.end().colour(ink));
    }
}
