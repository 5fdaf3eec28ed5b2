//! The failures above the rows: the latest cause on a solid area, and beside it the songs it stopped,
//! with what became of them.

use bevy::color::{Alpha, Color};
use bevy::math::Vec2;
use jiff::Timestamp;

use super::super::block::BlockView;
use super::super::fit::{line_for, size_for, title_line};
use super::super::tile::became_ink;
use super::super::tile_view::TileView;
use super::super::wall_index::{LATELY, WallIndex};
use super::cells::{CellsPlace, draw_cells};
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, Texture, measure};
use crate::app::state::failure_life::{FailureLife, FailureStage};
use crate::app::state::run_store::RunStore;
use crate::app::state::run_view::failure_words;
use crate::app::theme::motion;
use crate::app::words::count_words;
use crate::layout::RowsLayout;
use crate::model::{Run, RunStatus};
use crate::protocol::RunId;
use crate::text;

const LAYER: Layer = Layer::Face;
const RADIUS: f32 = 16.0;
/// Width of the solid part on a landscape screen, and its height on a portrait one at scale 1.
const SOLID_WIDTH: f32 = 800.0;
const SOLID_HEIGHT: f32 = 102.0;
const HATCH: f32 = 12.0;
/// Greatest number of failures, the newest ones, among which the cause is looked for.
const MOST_EXPLAINED: usize = 400;
/// Songs that are listed.
const MOST_SONGS: usize = 2;

/// Contents of the slab.
#[derive(Clone, Debug, PartialEq)]
pub struct SlabView {
    /// "RENDER failed, 2 songs".
    headline: String,
    reason: String,
    /// Latest songs of this cause.
    songs: Vec<TileView>,
    /// Failures of the last hour that are not listed.
    others: usize,
    rect: Rect,
    rows: RowsLayout,
}

impl SlabView {
    /// Headline and reason.
    #[cfg(test)]
    pub fn cause(&self) -> (&str, &str) {
        (&self.headline, &self.reason)
    }

    /// Number of failures that it tells of.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.songs.len() + self.others
    }

    /// Returns the failures of the latest cause, in `rect` above `rows`; `failed` is the number of failures
    /// of the last hour.
    pub fn of(
        failed: usize,
        (rect, rows): (Rect, RowsLayout),
        wall_index: &WallIndex,
        run_store: &RunStore,
        (now, server_now): (Timestamp, Timestamp),
    ) -> Self {
        let lately = server_now.checked_sub(LATELY).unwrap_or(Timestamp::MIN);
        let newest = wall_index.newest(RunStatus::Failed).take_while(|(at, _)| *at >= lately);
        let failed_runs: Vec<(&Run, FailureStage)> = newest
            .take(MOST_EXPLAINED)
            .filter_map(|(_, id)| {
                let run = run_store.model.run(id)?;
                Some((run, FailureLife::of(run, run_store, server_now)?.stage))
            })
            .collect();
        // The cause of the latest failure that is news, whose songs may have a retry already; where none is
        // any more, that of the latest one that is not only counted.
        let is_news = |stage: FailureStage| stage == FailureStage::Fresh;
        let is_told = |stage: FailureStage| stage != FailureStage::Counted;
        let latest = failed_runs
            .iter()
            .find(|(_, stage)| is_news(*stage))
            .or_else(|| failed_runs.iter().find(|(_, stage)| is_told(*stage)))
            .or(failed_runs.first());
        let (node, reason) = latest.and_then(|(run, _)| failure_words(run)).unwrap_or_default();
        let masked = text::masked(&reason);
        let has_cause = |run: &Run| {
            let is_at_node = run.failed_node().map(|node| &*node.name) == node.as_deref();
            is_at_node
                && failure_words(run).is_some_and(|(_, reason)| text::masked(&reason) == masked)
        };
        let (mut count, mut songs) = (0, Vec::new());
        for (run, _) in failed_runs.iter().filter(|(_, stage)| is_told(*stage)) {
            if !has_cause(run) {
                continue;
            }
            count += 1;
            if songs.len() < MOST_SONGS {
                songs.push(TileView::of(run, run_store, now, server_now));
            }
        }
        let node = node.unwrap_or_else(|| "Run".to_owned());
        let headline = match count {
            0 | 1 => format!("{node} failed"),
            songs => format!("{node} failed, {} songs", count_words(songs)),
        };
        let mut others = failed.saturating_sub(songs.len());
        if others > 0 && songs.len() == MOST_SONGS {
            // The last line counts the others.
            songs.pop();
            others += 1;
        }
        Self { headline, reason, songs, others, rect, rows }
    }
}

impl BlockView for SlabView {
    const PART: &'static str = "wall slab";

    fn draw(&self, part: &mut Part, names: &mut Vec<(RunId, Rect)>) {
        draw_slab(part, self, names);
    }
}

fn draw_slab(part: &mut Part, view: &SlabView, names: &mut Vec<(RunId, Rect)>) {
    let (rect, rows) = (view.rect, &view.rows);
    // On a portrait screen the songs stand below the cause.
    let stacked = rect.h > 160.0;
    let k = if stacked { rows.scale } else { 1.0 };
    let (solid, hatch, list) = if stacked {
        let y = rect.y + SOLID_HEIGHT * k;
        let list_y = y + HATCH * k;
        (
            Rect::new(rect.x, rect.y, rect.w, SOLID_HEIGHT * k),
            Rect::new(rect.x, y, rect.w, HATCH * k),
            Rect::new(rect.x, list_y, rect.w, rect.bottom() - list_y),
        )
    } else {
        let width = SOLID_WIDTH.min(rect.w * 0.46);
        let x = rect.x + width;
        let list_x = x + HATCH;
        (
            Rect::new(rect.x, rect.y, width, rect.h),
            Rect::new(x, rect.y, HATCH, rect.h),
            Rect::new(list_x, rect.y, rect.right() - list_x, rect.h),
        )
    };
    draw_body(part, rect, solid, hatch, stacked);
    draw_cause(part, view, solid, k);
    draw_songs(part, view, (list, rows), k, names);
}

fn draw_body(part: &mut Part, rect: Rect, solid: Rect, hatch: Rect, stacked: bool) {
    let palette = part.palette;
    let layer = Layer::Rack;
    let body = Shape::rounded_box(rect)
        .radius(RADIUS)
        .fill_diagonal(palette.failed_tint_from, palette.failed_tint_to)
        .glow(9.0, 10.0, palette.failed.with_alpha(0.4))
        .breathing(motion::BREATHE_LOW);
    part.shape(layer, body.keep_colour());
    let radii = if stacked { [RADIUS, RADIUS, 0.0, 0.0] } else { [RADIUS, 0.0, 0.0, RADIUS] };
    let solid = Shape::rounded_box(solid).radii(radii);
    part.shape(layer, solid.fill(palette.failed).keep_colour());
    let hatch = Shape::rounded_box(hatch)
        .fill(Color::NONE)
        .texture(Texture::Hatch { period: 14.0, width: 6.0 }, palette.failed);
    part.shape(layer, hatch.keep_colour());
    let outline = Shape::rounded_box(rect).radius(RADIUS).fill(Color::NONE);
    part.shape(layer, outline.border(3.0, palette.failed).keep_colour());
}

fn draw_cause(part: &mut Part, view: &SlabView, solid: Rect, k: f32) {
    let palette = part.palette;
    let centre = Vec2::new(solid.x + 60.0 * k, solid.centre_y());
    part.shape(LAYER, Shape::octagon(centre, 36.0 * k).fill(palette.failed_ink).keep_colour());
    let cross = Shape::cross(centre, 13.0 * k, 8.6 * k);
    part.shape(LAYER, cross.fill(palette.failed).keep_colour());
    let x = solid.x + 114.0 * k;
    let room = solid.right() - 16.0 * k - x;
    let lines = [
        ("headline", &view.headline, Face::Display700, (44.0 * k, 28.0 * k), -6.0),
        ("reason", &view.reason, Face::Text600, (28.0 * k, 24.0 * k), 34.0),
    ];
    for (key, words, face, sizes, y) in lines {
        let (words, size) = line_for(face, sizes, words, room);
        let text = Text::new(key, words, x, solid.centre_y() + y * k, face, size);
        part.text(LAYER, text.colour(palette.failed_ink).keep_colour());
    }
}

fn draw_songs(
    part: &mut Part,
    view: &SlabView,
    (list, rows): (Rect, &RowsLayout),
    k: f32,
    names: &mut Vec<(RunId, Rect)>,
) {
    let palette = part.palette;
    let (left, right) = (list.x + 22.0 * k, list.right() - 26.0 * k);
    let lines = view.songs.len() + usize::from(view.others > 0);
    let pitch = list.h / lines.max(1) as f32;
    let middle = |line: usize| list.y + pitch * (line as f32 + 0.5);
    let width = |face, words: &str| measure(face, 24.0 * k, 0.0, words);
    let cells_width = rows.places.steps_end() - rows.places.steps;
    // The cells and the ages of all songs stand below each other.
    let widest = view
        .songs
        .iter()
        .map(|song| (width(Face::Text600, &song.ago), width(Face::Text600, &song.became)));
    let (ago_w, became_w) =
        widest.fold((0.0, 0.0), |(a, b): (f32, f32), (c, d)| (a.max(c), b.max(d)));
    let ago_x = right - became_w - 28.0 * k - ago_w;
    let cells_x = ago_x - 24.0 * k - cells_width;
    let has_cells = cells_x - left > 200.0 * k;
    let room = if has_cells { cells_x } else { ago_x } - 20.0 * k - left;
    for (line, song) in view.songs.iter().enumerate() {
        let y = middle(line) + 9.6 * k;
        let title = title_line(Face::Text600, 28.0 * k, &song.title, &song.variant, room);
        part.text(
            LAYER,
            Text::new(("song", line), title, left, y, Face::Text600, 28.0 * k)
                .colour(palette.text)
                .keep_colour(),
        );
        if has_cells {
            let columns = &rows.places;
            let left = cells_x - columns.steps;
            let place = CellsPlace { left, middle: middle(line), columns, scale: rows.scale };
            draw_cells(part, song, &place);
        }
        part.text(
            LAYER,
            Text::new(("ago", line), song.ago.clone(), ago_x, y, Face::Text600, 24.0 * k)
                .colour(palette.failed_on_tint)
                .keep_colour(),
        );
        part.text(
            LAYER,
            Text::new(("became", line), song.became.clone(), right, y, Face::Text600, 24.0 * k)
                .end()
                .colour(became_ink(song, palette))
                .keep_colour(),
        );
        let row = Rect::new(list.x, list.y + pitch * line as f32, list.w, pitch);
        names.push((song.id.clone(), row));
    }
    if view.others > 0 {
        let words = format!("and {} more failed in the last hour", count_words(view.others as u64));
        let sizes = (24.0 * k, 22.0 * k);
        let size = size_for(Face::Text500, sizes, &words, right - left);
        let y = middle(view.songs.len()) + 9.0 * k;
        part.text(
            LAYER,
            Text::new("others", words, left, y, Face::Text500, size)
                .colour(palette.failed_on_tint)
                .keep_colour(),
        );
    }
}
