//! Header of the timeline of one run, and of a race: the run, its status, and one number.

use bevy::math::Vec2;

use crate::app::draw::glyphs::badge;
use crate::app::draw::{Face, Layer, Part, Text, measure, truncate};
use crate::app::state::run_view::StageView;
use crate::app::state::status::DisplayStatus;
use crate::app::theme::size;
use crate::app::views::chrome::draw_mark;
use crate::app::views::wall::fit::size_for;
use crate::bounded::bounded;
use crate::layout::{CanvasSize, timeline_header};
use crate::model::RunStatus;

/// Type sizes at scale 1.
const TITLE: (f32, f32) = (72.0, 40.0);
const NUMBER: f32 = 72.0;
const WORD: f32 = 28.0;
const NOTE: f32 = 26.0;
const STATUS: f32 = 36.0;
/// Tracking of title and number, in ems.
const TRACKING: f32 = -0.02;

/// Contents of the header.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeaderView {
    /// Parts of the line above the title.
    pub meta: Vec<String>,
    pub title: String,
    pub status: Option<RunStatus>,
    pub status_word: String,
    pub status_detail: String,
    /// True when the detail tells a failure.
    pub is_failure: bool,
    /// Number at the right end, the word before it, and a note below the word.
    pub number: String,
    pub word: String,
    pub note: String,
}

impl HeaderView {
    /// Header of a run's own timeline.
    pub fn of(stage: &StageView) -> Self {
        let mut meta = stage.meta.clone();
        if !stage.queued.is_empty() {
            meta.push(stage.queued.replace(" of it queued", " queued"));
        }
        let failure = stage.failure.as_ref();
        let detail = match failure {
            Some(failure) => format!("{}: {}", failure.headline, failure.reason),
            None => stage.status_detail.clone(),
        };
        Self {
            meta,
            title: stage.title.clone(),
            status: Some(stage.status),
            status_word: stage.status_word.to_owned(),
            status_detail: detail,
            is_failure: failure.is_some(),
            number: stage.time.clone(),
            word: stage.time_word.to_owned(),
            note: stage.time_detail.clone(),
        }
    }

    /// Draws the header; while there is a band over the line above the title, that is left out.
    pub fn draw(&self, part: &mut Part, canvas_size: &CanvasSize, has_notice: bool) {
        let at = timeline_header(canvas_size);
        let (k, palette) = (at.scale, part.palette);
        let (left, right) = (CanvasSize::MARGIN, canvas_size.right());
        if !has_notice {
            self.draw_meta(part, at.meta, at.meta_right);
        }
        let number_size =
            size_for(Face::Display700, (NUMBER * k, 30.0 * k), &self.number, (right - left) * 0.3);
        let number_width = measure(Face::Display700, number_size, TRACKING, &self.number);
        let number_y = if at.one_line { at.title + 6.0 } else { at.title };
        let number = Text::new(
            "number",
            self.number.clone(),
            right,
            number_y,
            Face::Display700,
            number_size,
        );
        part.text(Layer::Face, number.end().tracking(TRACKING).colour(palette.text));
        let notes_x = right - number_width - 20.0 * k;
        let (word_y, note_y) = match self.note.is_empty() {
            true => (at.title, at.title),
            false => (at.title - 30.0 * k, at.title + 4.0 * k),
        };
        let notes_room = (right - left) * 0.2;
        let note = truncate(Face::Text500, NOTE * k, &self.note, notes_room).into_owned();
        let notes_width = measure(Face::Text500, NOTE * k, 0.0, &note).max(measure(
            Face::Text600,
            WORD * k,
            0.0,
            &self.word,
        ));
        let word = Text::new("word", self.word.clone(), notes_x, word_y, Face::Text600, WORD * k);
        part.text(Layer::Face, word.end().colour(palette.text));
        let note = Text::new("note", note, notes_x, note_y, Face::Text500, NOTE * k);
        part.text(Layer::Face, note.end().colour(palette.text_secondary));

        let room = (notes_x - notes_width - 40.0 * k - left).max(0.0);
        let title_room = if at.one_line { room * 0.56 } else { room };
        let title_size =
            size_for(Face::Display700, (TITLE.0 * k, TITLE.1 * k), &self.title, title_room);
        let title = truncate(Face::Display700, title_size, &self.title, title_room).into_owned();
        let title_width = measure(Face::Display700, title_size, 0.0, &title);
        let text = Text::new("title", title, left - 2.0, at.title, Face::Display700, title_size);
        part.text(Layer::Face, text.tracking(TRACKING).colour(palette.text));
        let (x, status_room) = match at.one_line {
            true => {
                let x = left + title_width + 44.0 * k;
                (x, left + room - x)
            }
            false => (left, right - left),
        };
        self.draw_status(part, (x, at.status), status_room, k);
    }

    fn draw_meta(&self, part: &mut Part, y: f32, right: f32) {
        let palette = part.palette;
        draw_mark(part, CanvasSize::MARGIN, y, 1.0);
        let x = CanvasSize::MARGIN + 36.0;
        let product = measure(Face::Text600, size::META, 0.0, "Meterbridge")
            + measure(Face::Text600, size::META, 0.0, "/")
            + 28.0;
        let meta = self.meta.join("     ");
        let meta = truncate(Face::Text500, size::META, &meta, right - x - product).into_owned();
        part.text(
            Layer::Face,
            Text::new("product", "Meterbridge", x, y, Face::Text600, size::META)
                .colour(palette.text_secondary)
                .then(14.0, "/")
                .colour(palette.text_decorative)
                .then(14.0, meta)
                .face(Face::Text500)
                .colour(palette.text_secondary),
        );
    }

    fn draw_status(&self, part: &mut Part, (x, y): (f32, f32), room: f32, k: f32) {
        let Some(status) = self.status else { return };
        let palette = part.palette;
        let glyph = DisplayStatus::from(status);
        let radius = 18.0 * k;
        let word_x = x + 2.0 * radius + 16.0 * k;
        let size = STATUS * k;
        let word_width = measure(Face::Text700, size, 0.0, &self.status_word);
        let detail_room = room - (word_x - x) - word_width - 18.0 * k;
        if room < word_x - x + word_width {
            return;
        }
        badge(part, Layer::Face, glyph, Vec2::new(x + radius, y - 13.0 * k), radius, "status");
        let ink = match status {
            RunStatus::Pending => palette.text_secondary,
            _ => palette.tone_words(glyph.tone()),
        };
        let detail_size = if self.is_failure { 28.0 * k } else { size };
        let detail_size = bounded(detail_size, size::ESSENTIAL_MIN, size);
        let detail = match detail_room > 60.0 * k {
            true => truncate(Face::Text500, detail_size, &self.status_detail, detail_room),
            false => "".into(),
        };
        let text = Text::new("status", self.status_word.clone(), word_x, y, Face::Text700, size)
            .colour(ink)
            .then(18.0 * k, detail.into_owned())
            .face(Face::Text500)
            .size(detail_size)
            .colour(palette.text);
        part.text(Layer::Face, text);
    }
}
