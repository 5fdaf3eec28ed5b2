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
use crate::bounded::bounded;
use crate::layout::RowsLayout;
use crate::model::{FailureCause, FollowUp, Run, RunStatus};
use crate::protocol::RunId;

const LAYER: Layer = Layer::Face;
const RADIUS: f32 = 16.0;
/// Width of the solid part on a landscape screen, and its height on a portrait one at scale 1.
const SOLID_WIDTH: f32 = 800.0;
const SOLID_HEIGHT: f32 = 102.0;
const HATCH: f32 = 12.0;
/// Greatest number of failures, the newest ones, among which the cause is looked for.
const MOST_EXPLAINED: usize = 400;
/// Height of one of several slabs at scale 1.
const SMALL_HEIGHT: f32 = 112.0;
/// Songs of a single cause that are listed.
const MOST_SONGS: usize = 2;

/// Slabs that stand side by side at most, and the gap between two.
const MOST_CAUSES: usize = 3;
const GAP: f32 = 16.0;
/// Width of the number of other failures beside several slabs, and its height below them.
const MORE_WIDTH: f32 = 132.0;
const MORE_HEIGHT: f32 = 40.0;
/// Least width of one of several slabs, and its least height where they stand below each other.
const LEAST_WIDTH: f32 = 540.0;
const LEAST_HEIGHT: f32 = 96.0;

/// Contents of the slabs above the rows: one for each cause that is news.
#[derive(Clone, Debug, PartialEq)]
pub struct SlabView {
    causes: Vec<CauseView>,
    /// Failures of the last hour that several slabs do not tell of, and the place of their number.
    more: Option<(usize, Rect)>,
    rows: RowsLayout,
}

/// Contents of one slab.
#[derive(Clone, Debug, PartialEq)]
struct CauseView {
    /// Number of songs that failed for this cause.
    count: usize,
    /// "RENDER failed, 2 songs".
    headline: String,
    reason: String,
    /// Latest songs of this cause.
    songs: Vec<TileView>,
    /// Failures of the last hour, in words, that the only slab does not list; empty without such, and where
    /// there are several slabs.
    others: String,
    rect: Rect,
}

/// A cause and the failed runs that have it: those without a retry first, and the newest first among these.
struct Failures<'a> {
    cause: FailureCause,
    runs: Vec<&'a Run>,
    is_news: bool,
}

impl SlabView {
    /// Headline and reason of each slab.
    #[cfg(test)]
    pub fn causes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.causes.iter().map(|cause| (&*cause.headline, &*cause.reason))
    }

    /// Number of failures that they tell of, in words or by name.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        let number = |words: &str| {
            let words = words.split(' ').nth(1).unwrap_or_default().replace(',', "");
            words.parse::<usize>().unwrap_or_default()
        };
        let several = self.causes.len() > 1;
        let told = |cause: &CauseView| if several { cause.count } else { cause.songs.len() };
        let more = self.more.map_or(0, |(count, _)| count);
        more + self.causes.iter().map(|cause| told(cause) + number(&cause.others)).sum::<usize>()
    }

    /// Number of failures that stands in a place of its own.
    #[cfg(test)]
    pub fn more(&self) -> Option<usize> {
        self.more.map(|(count, _)| count)
    }

    /// Returns the failures by cause, in `rect` above `rows`: those of each cause that is news; those of
    /// the latest one where none is. `failed` is the number of failures of the last hour.
    pub fn of(
        failed: usize,
        (rect, rows): (Rect, RowsLayout),
        wall_index: &WallIndex,
        run_store: &RunStore,
        (now, server_now): (Timestamp, Timestamp),
    ) -> Self {
        let told = failures_by_cause(wall_index, run_store, server_now);
        let news = told.iter().filter(|failures| failures.is_news).count();
        let rest_of = |places: &[Rect]| {
            let counted = told.iter().take(places.len()).map(|failures| failures.runs.len());
            failed.saturating_sub(counted.sum())
        };
        let mut places = split(rect, news, &rows);
        let mut more = None;
        if places.len() > 1 && rest_of(&places) > 0 {
            // The number of the others stands beside the slabs, not in one of them.
            let (slabs, place) = without_more(rect, &rows);
            let fewer = split(slabs, news, &rows);
            if fewer.len() > 1 {
                more = Some((rest_of(&fewer), place));
                places = fewer;
            } else {
                places.truncate(1);
                places[0] = rect;
            }
        }
        let is_single = places.len() == 1;
        let rest = if is_single { rest_of(&places) } else { 0 };
        let mut causes: Vec<CauseView> = Vec::with_capacity(places.len());
        for (failures, rect) in told.iter().zip(&places) {
            let count = failures.runs.len();
            // Of one cause two songs are named, or one and the number of the others.
            let (most, others) = match is_single {
                true if rest > 0 || count > MOST_SONGS => (1, (count + rest).saturating_sub(1)),
                true => (MOST_SONGS, 0),
                false => (1, 0),
            };
            let listed = failures.runs.iter().take(most);
            let first = failures.runs.first();
            let (node, reason) = first.and_then(|run| failure_words(run)).unwrap_or_default();
            let node = node.unwrap_or_else(|| "Run".to_owned());
            causes.push(CauseView {
                count,
                headline: match count {
                    0 | 1 => format!("{node} failed"),
                    songs => format!("{node} failed, {} songs", count_words(songs as u64)),
                },
                reason,
                songs: listed.map(|run| TileView::of(run, run_store, now, server_now)).collect(),
                others: match others {
                    0 => String::new(),
                    others => {
                        format!("and {} more failed in the last hour", count_words(others as u64))
                    }
                },
                rect: *rect,
            });
        }
        Self { causes, more, rows }
    }
}

/// Returns the failures of the last hour that are told of, by cause: causes that are news first, and the
/// latest ones first among these.
fn failures_by_cause<'a>(
    wall_index: &'a WallIndex,
    run_store: &'a RunStore,
    server_now: Timestamp,
) -> Vec<Failures<'a>> {
    let lately = server_now.checked_sub(LATELY).unwrap_or(Timestamp::MIN);
    let newest = wall_index.newest(RunStatus::Failed).take_while(|(at, _)| *at >= lately);
    let mut told: Vec<Failures> = Vec::new();
    // Failures that were answered are told of only where there are no others.
    let mut counted: Vec<Failures> = Vec::new();
    for (_, id) in newest.take(MOST_EXPLAINED) {
        let Some(run) = run_store.model.run(id) else { continue };
        let Some(life) = FailureLife::of(run, run_store, server_now) else { continue };
        let Some(cause) = FailureCause::of(run) else { continue };
        let list = if life.stage == FailureStage::Counted { &mut counted } else { &mut told };
        let known = list.iter().position(|failures| failures.cause == cause);
        let place = known.unwrap_or_else(|| {
            list.push(Failures { cause, runs: Vec::new(), is_news: false });
            list.len() - 1
        });
        list[place].runs.push(run);
        list[place].is_news |= life.stage == FailureStage::Fresh;
    }
    if told.is_empty() {
        counted.truncate(1);
        counted.iter_mut().for_each(|failures| failures.runs.truncate(1));
        return counted;
    }
    // Of one cause, songs that nobody retries are named before the others.
    for failures in &mut told {
        failures.runs.sort_by_key(|run| run_store.follow_up(run) != FollowUp::NotRetried);
    }
    // A stable sort: causes stay in order of their latest failures.
    told.sort_by_key(|failures| !failures.is_news);
    told
}

/// Returns the places of slabs for this number of causes that are news; at least one.
fn split(rect: Rect, news: usize, rows: &RowsLayout) -> Vec<Rect> {
    let gap = GAP * rows.scale;
    let most = |size: f32, least: f32| ((size + gap) / (least * rows.scale + gap)) as usize;
    let is_stacked = is_stacked(rect);
    let fit = if is_stacked { most(rect.h, LEAST_HEIGHT) } else { most(rect.w, LEAST_WIDTH) };
    let count = bounded(news, 1, bounded(fit, 1, MOST_CAUSES));
    let part = |size: f32| (size - gap * (count - 1) as f32) / count as f32;
    let place = |number: usize| match is_stacked {
        true => {
            let h = part(rect.h);
            Rect::new(rect.x, rect.y + (h + gap) * number as f32, rect.w, h)
        }
        false => {
            let w = part(rect.w);
            Rect::new(rect.x + (w + gap) * number as f32, rect.y, w, rect.h)
        }
    };
    (0..count).map(place).collect()
}

/// Returns the place of several slabs, and beside or below it that of the number of other failures.
fn without_more(rect: Rect, rows: &RowsLayout) -> (Rect, Rect) {
    let gap = GAP * rows.scale;
    if is_stacked(rect) {
        let h = MORE_HEIGHT * rows.scale;
        let slabs = Rect { h: rect.h - h - gap, ..rect };
        return (slabs, Rect::new(rect.x, rect.bottom() - h, rect.w, h));
    }
    let w = MORE_WIDTH * rows.scale.max(1.0);
    let slabs = Rect { w: rect.w - w - gap, ..rect };
    (slabs, Rect::new(rect.right() - w, rect.y, w, rect.h))
}

/// True for the slab of a portrait screen, on which songs stand below their cause.
fn is_stacked(rect: Rect) -> bool {
    rect.h > 160.0
}

impl BlockView for SlabView {
    const PART: &'static str = "wall slab";

    fn draw(&self, part: &mut Part, names: &mut Vec<(RunId, Rect)>) {
        let several = self.causes.len() > 1;
        for (number, cause) in self.causes.iter().enumerate() {
            if several {
                draw_small(part, number, cause, &self.rows, names);
            } else {
                draw_single(part, cause, &self.rows, names);
            }
        }
        if let Some((count, rect)) = self.more {
            draw_more(part, count, rect, self.rows.scale);
        }
    }
}

/// Draws one of several slabs: the cause, and below it the newest of its songs.
fn draw_small(
    part: &mut Part,
    number: usize,
    view: &CauseView,
    rows: &RowsLayout,
    names: &mut Vec<(RunId, Rect)>,
) {
    let palette = part.palette;
    let (rect, k) = (view.rect, (view.rect.h / SMALL_HEIGHT).min(rows.scale.max(1.0)));
    let line_h = 40.0 * k;
    let hatch_h = 6.0 * k;
    let solid = Rect::new(rect.x, rect.y, rect.w, rect.h - line_h - hatch_h);
    let hatch = Rect::new(rect.x, solid.bottom(), rect.w, hatch_h);
    draw_body(part, rect, solid, hatch, true);
    let centre = Vec2::new(solid.x + 38.0 * k, solid.centre_y());
    draw_octagon(part, centre, 24.0 * k);
    let x = solid.x + 72.0 * k;
    let room = solid.right() - 12.0 * k - x;
    let (headline, headline_size) =
        line_for(Face::Display700, (32.0 * k, 24.0 * k), &view.headline, room);
    let (reason, reason_size) = line_for(Face::Text600, (24.0 * k, 20.0 * k), &view.reason, room);
    for (key, words, face, size, y) in [
        ("headline", headline, Face::Display700, headline_size, -2.5 * k),
        ("reason", reason, Face::Text600, reason_size, 25.5 * k),
    ] {
        let text = Text::new((key, number), words, x, solid.centre_y() + y, face, size);
        part.text(LAYER, text.colour(palette.failed_ink).keep_colour());
    }
    let Some(song) = view.songs.first() else { return };
    let line = Rect::new(rect.x, hatch.bottom(), rect.w, line_h);
    names.push((song.id.clone(), line));
    let (left, right) = (line.x + 20.0 * k, line.right() - 20.0 * k);
    let (size, y) = (24.0 * k, line.centre_y() + 8.4 * k);
    // Words without room beside a title of some length are left out.
    let told = match song.became.is_empty() {
        false => vec![format!("{}, {}", song.ago, song.became), song.ago.clone()],
        true => vec![song.ago.clone()],
    };
    let width = |words: &str| measure(Face::Text600, size, 0.0, words);
    let title_w = width(&song.title).min((right - left) * 0.45);
    let fits = |words: &&String| width(words) + title_w + 20.0 * k <= right - left;
    let told = told.iter().find(fits).or(told.last()).cloned().unwrap_or_default();
    let room = right - left - width(&told) - 20.0 * k;
    let title = title_line(Face::Text600, size, &song.title, &song.variant, room);
    part.text(
        LAYER,
        Text::new(("song", number), title, left, y, Face::Text600, size)
            .colour(palette.text)
            .keep_colour(),
    );
    part.text(
        LAYER,
        Text::new(("told", number), told, right, y, Face::Text600, size)
            .end()
            .colour(palette.failed_on_tint)
            .keep_colour(),
    );
}

/// Draws how many failures no slab tells of: in two lines beside the slabs, or in one below them.
fn draw_more(part: &mut Part, count: usize, rect: Rect, k: f32) {
    let palette = part.palette;
    let body = Shape::rounded_box(rect).radius(RADIUS).fill(palette.failed_tint_from);
    let edge = palette.failed.with_alpha(0.45);
    part.shape(Layer::Rack, body.border(1.5, edge).keep_colour());
    let number = format!("{} more", count_words(count as u64));
    let word = if count == 1 { "failure" } else { "failures" };
    let (lines, size) = match rect.w > rect.h * 4.0 {
        true => (vec![format!("{number} {word} in the last hour")], 24.0 * k),
        false => (vec![number, word.to_owned()], 24.0 * k.max(1.0)),
    };
    let pitch = 30.0 * size / 24.0;
    let first = rect.centre_y() + size * 0.36 - pitch * (lines.len() - 1) as f32 / 2.0;
    for (line, words) in lines.into_iter().enumerate() {
        let size = size_for(Face::Text600, (size, 20.0), &words, rect.w - 16.0);
        let y = first + pitch * line as f32;
        let text = Text::new(("more", line), words, rect.centre_x(), y, Face::Text600, size);
        part.text(LAYER, text.middle().colour(palette.failed_on_tint).keep_colour());
    }
}

fn draw_octagon(part: &mut Part, centre: Vec2, radius: f32) {
    let palette = part.palette;
    part.shape(LAYER, Shape::octagon(centre, radius).fill(palette.failed_ink).keep_colour());
    let cross = Shape::cross(centre, radius * 0.36, radius * 0.24);
    part.shape(LAYER, cross.fill(palette.failed).keep_colour());
}

/// Draws the only slab: the cause, and beside or below it its songs.
fn draw_single(
    part: &mut Part,
    view: &CauseView,
    rows: &RowsLayout,
    names: &mut Vec<(RunId, Rect)>,
) {
    let rect = view.rect;
    let stacked = is_stacked(rect);
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
    let solid = solid.fill_vertical(palette.failed_solid_from, palette.failed_solid_to);
    part.shape(layer, solid.keep_colour());
    let hatch = Shape::rounded_box(hatch)
        .fill(Color::NONE)
        .texture(Texture::Hatch { period: 14.0, width: 6.0 }, palette.failed);
    part.shape(layer, hatch.keep_colour());
    let outline = Shape::rounded_box(rect).radius(RADIUS).fill(Color::NONE);
    part.shape(layer, outline.border(3.0, palette.failed).keep_colour());
}

fn draw_cause(part: &mut Part, view: &CauseView, solid: Rect, k: f32) {
    let palette = part.palette;
    draw_octagon(part, Vec2::new(solid.x + 60.0 * k, solid.centre_y()), 36.0 * k);
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
    view: &CauseView,
    (list, rows): (Rect, &RowsLayout),
    k: f32,
    names: &mut Vec<(RunId, Rect)>,
) {
    let palette = part.palette;
    let (left, right) = (list.x + 22.0 * k, list.right() - 26.0 * k);
    let lines = view.songs.len() + usize::from(!view.others.is_empty());
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
    if !view.others.is_empty() {
        let words = view.others.clone();
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
