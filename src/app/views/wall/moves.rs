//! Motion of tiles and rows: they glide when the order changes, and fade in and out.

use super::marks::TileMarks;
use super::order::Placed;
use super::plan::Plan;
use super::rows::draw_row;
use super::tile::TileLayout;
use super::tile_view::{Look, TileView};
use super::{failed, strip, tile};
use crate::app::draw::{Canvas, Part, Rect};
use crate::app::state::hints::HintArea;
use crate::app::theme::motion;
use crate::bounded::bounded;
use crate::layout::{Density, RowsLayout};
use crate::protocol::RunId;

/// Name of a tile's canvas part; its number tells tiles apart.
const PART: &str = "tile";
/// Age given to motions that are to be over at once, in seconds.
const LONG_AGO_SECS: f64 = 1e4;

/// All tiles on the wall, including those that fade out.
#[derive(Default)]
pub struct Moves {
    tiles: Vec<Tile>,
    next_part: u32,
    /// Draw-clock time of the last failure's entrance; the next begins at least 1 s later.
    last_failed_at: f64,
}

struct Tile {
    id: RunId,
    part: u32,
    from: Rect,
    to: Rect,
    moved_at: f64,
    born_at: f64,
    /// Draw-clock time at which it began to fade out.
    going_at: Option<f64>,
    fade_secs: f64,
    form: Form,
    view: Option<TileView>,
    marks: TileMarks,
    failed_at: f64,
    drawn: Option<Drawn>,
    /// Place of its steps as last drawn.
    steps: Option<HintArea>,
}

/// Form of a tile; a row has the columns of its timing board.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Form {
    density: Density,
    rows: Option<RowsLayout>,
}

impl Form {
    /// True where one is a row and the other is not, or they stand in columns side by side: gliding from
    /// one to the other would cross the whole wall.
    fn is_apart(&self, from: Rect, to_form: &Self, to: Rect) -> bool {
        match (self.rows, to_form.rows) {
            (None, None) => false,
            (Some(_), Some(_)) => (from.x - to.x).abs() > 1.0,
            _ => true,
        }
    }
}

/// Inputs of a tile's drawing besides its view and its marks.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Drawn {
    rect: Rect,
    opacity: f32,
    frozen: bool,
    selected: bool,
    form: Form,
}

/// Inputs of one drawing of all tiles; `now` is the draw clock's, in seconds.
pub struct MoveContext<'a> {
    pub now: f64,
    pub frozen: bool,
    pub selected: Option<&'a RunId>,
}

impl Tile {
    fn rect(&self, now: f64) -> Rect {
        let t = bounded((now - self.moved_at) / f64::from(motion::TILE_MOVE), 0.0, 1.0) as f32;
        self.from.lerp(&self.to, 1.0 - (1.0 - t).powi(5))
    }

    fn opacity(&self, now: f64) -> f32 {
        let part = |since: f64| bounded((now - since) / self.fade_secs, 0.0, 1.0) as f32;
        let going = self.going_at.map_or(0.0, part);
        part(self.born_at) * (1.0 - going)
    }

    fn is_moving(&self, now: f64) -> bool {
        self.going_at.is_some()
            || now - self.moved_at < f64::from(motion::TILE_MOVE)
            || now - self.born_at < self.fade_secs
    }

    /// Starts to fade the tile in anew in its place, and returns the copy that fades out there.
    fn supersede(&mut self, now: f64, next_part: &mut u32) -> Self {
        let going = Self {
            id: self.id.clone(),
            view: self.view.clone(),
            marks: self.marks.clone(),
            going_at: Some(now),
            fade_secs: motion::FAIL_SETTLES,
            steps: None,
            ..*self
        };
        *next_part = next_part.wrapping_add(1);
        (self.part, self.drawn) = (*next_part, None);
        (self.born_at, self.fade_secs) = (now, motion::FAIL_SETTLES);
        going
    }

    fn is_gone(&self, now: f64) -> bool {
        self.going_at.is_some_and(|at| now - at >= self.fade_secs)
    }
}

impl Moves {
    /// True when a tile has to be drawn although nothing changed.
    pub fn is_moving(&self, now: f64) -> bool {
        // Includes one more frame after a move, at the final place.
        self.tiles
            .iter()
            .any(|tile| tile.is_moving(now) || tile.drawn.is_none_or(|drawn| drawn.rect != tile.to))
    }

    /// Moves the tiles to the places of a plan, at once or gliding.
    pub fn follow(&mut self, plan: &Plan, now: f64, at_once: bool, reduced_motion: bool) {
        let places = plan.places();
        let runs = places.map_or(&[][..], |places| &places.runs);
        let form = places.map_or(Form { density: Density::Strip, rows: None }, |places| Form {
            density: places.density,
            rows: places.rows,
        });
        let fade_secs =
            f64::from(if reduced_motion { motion::CROSS_FADE } else { motion::TILE_FADE });
        let long_ago = now - LONG_AGO_SECS;
        let mut staying = Vec::with_capacity(runs.len());
        for Placed { id, rect, .. } in runs {
            let known =
                self.tiles.iter().position(|tile| tile.id == *id && tile.going_at.is_none());
            let tile = match known.map(|known| self.tiles.swap_remove(known)) {
                Some(mut tile) if at_once => {
                    if tile.to != *rect {
                        (tile.from, tile.to, tile.moved_at) = (*rect, *rect, long_ago);
                    }
                    tile.form = form;
                    tile
                }
                Some(tile)
                    if tile.form.is_apart(tile.to, &form, *rect)
                        || (reduced_motion && tile.to != *rect) =>
                {
                    // Fades out at the old place and in at the new one.
                    let fresh = self.new_tile(id, *rect, form, now, fade_secs);
                    let fresh = Tile {
                        view: tile.view.clone(),
                        marks: tile.marks.clone(),
                        failed_at: tile.failed_at,
                        ..fresh
                    };
                    self.tiles.push(Tile { going_at: Some(now), fade_secs, ..tile });
                    fresh
                }
                Some(mut tile) => {
                    if tile.to != *rect {
                        (tile.from, tile.to, tile.moved_at) = (tile.rect(now), *rect, now);
                    }
                    tile.form = form;
                    tile
                }
                None => {
                    let born_at = if at_once { long_ago } else { now };
                    self.new_tile(id, *rect, form, born_at, fade_secs)
                }
            };
            staying.push(tile);
        }
        let going_at = if at_once { long_ago } else { now };
        for tile in &mut self.tiles {
            tile.going_at.get_or_insert(going_at);
        }
        self.tiles.extend(staying);
    }

    fn new_tile(
        &mut self,
        id: &RunId,
        rect: Rect,
        form: Form,
        born_at: f64,
        fade_secs: f64,
    ) -> Tile {
        self.next_part = self.next_part.wrapping_add(1);
        Tile {
            id: id.clone(),
            part: self.next_part,
            from: rect,
            to: rect,
            moved_at: born_at - LONG_AGO_SECS,
            born_at,
            going_at: None,
            fade_secs,
            form,
            view: None,
            marks: TileMarks::default(),
            failed_at: born_at - LONG_AGO_SECS,
            drawn: None,
            steps: None,
        }
    }

    /// Makes all tiles be drawn again in their places, as after a change of theme.
    pub fn forget_looks(&mut self) {
        for tile in &mut self.tiles {
            tile.drawn = None;
        }
    }

    /// Draws the tiles that differ from their last drawing. `changed` is true when their views or marks
    /// may differ.
    pub fn draw(
        &mut self,
        canvas: &mut Canvas,
        context: &MoveContext,
        changed: bool,
        view_of: impl Fn(&RunId) -> Option<(TileView, TileMarks)>,
    ) {
        let now = context.now;
        self.tiles.retain(|tile| {
            let gone = tile.is_gone(now);
            if gone {
                canvas.remove((PART, tile.part));
            }
            !gone
        });
        let mut faded = Vec::new();
        for tile in &mut self.tiles {
            let mut differs = false;
            if (changed || tile.view.is_none()) && tile.going_at.is_none() {
                // The tile of a run that the model dropped keeps its view until it has faded out.
                let found = view_of(&tile.id);
                if let Some((view, marks)) = found.filter(|(view, marks)| {
                    tile.view.as_ref() != Some(view) || tile.marks != *marks
                }) {
                    let was = tile.view.as_ref().map(|view| view.look);
                    let settles = was == Some(Look::Failed)
                        && matches!(view.look, Look::FailedBefore | Look::Recovered);
                    // A row becomes quiet in its place before it leaves.
                    let ends = tile.form.rows.is_some()
                        && matches!(was, Some(Look::Running | Look::Silent))
                        && matches!(view.look, Look::Finished | Look::Cancelled);
                    if (settles || ends) && !context.frozen {
                        faded.push(tile.supersede(now, &mut self.next_part));
                    }
                    let failed = view.look == Look::Failed && view.just_ended;
                    if failed && was.is_some_and(|was| was != Look::Failed) {
                        tile.failed_at = now.max(self.last_failed_at + 1.0);
                        self.last_failed_at = tile.failed_at;
                    }
                    (tile.view, tile.marks) = (Some(view), marks);
                    differs = true;
                }
            }
            let drawn = Drawn {
                rect: tile.rect(now),
                opacity: tile.opacity(now),
                frozen: context.frozen,
                selected: context.selected == Some(&tile.id),
                form: tile.form,
            };
            if !differs && tile.drawn == Some(drawn) {
                continue;
            }
            tile.drawn = Some(drawn);
            let Some(view) = &tile.view else {
                continue;
            };
            let part = canvas.redraw((PART, tile.part));
            let place = TileLayout {
                rect: drawn.rect,
                scale: TileLayout::scale_of(tile.to),
                clock_secs: now,
                frozen: drawn.frozen,
                selected: drawn.selected,
                failed_at: if drawn.frozen { now - LONG_AGO_SECS } else { tile.failed_at },
            };
            tile.steps = draw_tile(part, view, &place, &tile.form, &tile.marks);
            if drawn.opacity < 1.0 {
                let whole = crate::app::draw::Mark::default();
                part.dim(whole, drawn.opacity);
            }
        }
        self.tiles.extend(faded);
    }

    /// Targets of the tiles, in their order, for the pointer.
    pub fn places(&self) -> impl Iterator<Item = (&RunId, Rect)> {
        let staying = self.tiles.iter().filter(|tile| tile.going_at.is_none());
        staying.map(|tile| (&tile.id, tile.to))
    }

    /// Places of the steps of the tiles.
    pub fn steps(&self) -> impl Iterator<Item = &HintArea> {
        let staying = self.tiles.iter().filter(|tile| tile.going_at.is_none());
        staying.filter_map(|tile| tile.steps.as_ref())
    }

    /// Places of the songs that share a failure's tile.
    pub fn shared_names(&self) -> Vec<(RunId, Rect)> {
        let staying = self.tiles.iter().filter(|tile| tile.going_at.is_none());
        let shared = staying.filter_map(|tile| {
            let view = tile.view.as_ref().filter(|view| view.look == Look::Failed)?;
            Some(failed::song_places(tile.to, view))
        });
        shared.flatten().collect()
    }

    /// Removes all tiles from the canvas.
    pub fn leave(self, canvas: &mut Canvas) {
        for tile in self.tiles {
            canvas.remove((PART, tile.part));
        }
    }
}

/// Draws a tile. Returns where its steps stand.
fn draw_tile(
    part: &mut Part,
    view: &TileView,
    at: &TileLayout,
    form: &Form,
    marks: &TileMarks,
) -> Option<HintArea> {
    Some(match (form.rows, form.density) {
        (Some(rows), _) => draw_row(part, view, at, &rows, marks),
        _ if view.look == Look::Failed => return failed::draw(part, view, at),
        (_, Density::Strip) => strip::draw(part, view, at),
        _ => tile::draw(part, view, at, marks),
    })
}

#[cfg(test)]
mod tests {
    use super::super::level::Level;
    use super::super::order::Kind;
    use super::super::plan::Places;
    use super::super::waiting::ghost;
    use super::*;
    use crate::layout::{CanvasSize, RowsRequest, lay_out_rows};

    const PLACES: [Rect; 2] =
        [Rect::new(0.0, 0.0, 300.0, 240.0), Rect::new(400.0, 0.0, 300.0, 240.0)];

    fn plan(runs: &[&str]) -> Plan {
        let placed = |(id, rect): (&&str, Rect)| {
            let (id, kind) = (RunId::new(*id), Kind::Running);
            Placed { id, kind, rect }
        };
        Plan::Runs(Box::new(Places {
            level: Level::Medium,
            density: Density::Tile,
            runs: runs.iter().zip(PLACES).map(placed).collect(),
            failures: None,
            rows: None,
            lines: Vec::new(),
            next: None,
            retries: Vec::new(),
            groups: Vec::new(),
        }))
    }

    /// Plan of a timing board, whose first rows the runs have.
    fn rows_plan(runs: &[&str]) -> Plan {
        let canvas_size = CanvasSize::of_pixels(1920.0, 1080.0);
        let rows = lay_out_rows(&RowsRequest {
            canvas_size,
            single: false,
            slab: false,
            runs: 30,
            columns: 0,
        });
        let Plan::Runs(places) = plan(&[]) else { unreachable!() };
        let placed = |(index, id): (usize, &&str)| {
            let (id, kind, rect) = (RunId::new(*id), Kind::Running, rows.row(index));
            Placed { id, kind, rect }
        };
        let runs = runs.iter().enumerate().map(placed).collect();
        let density = Density::Row;
        Plan::Runs(Box::new(Places { density, rows: Some(rows), runs, ..*places }))
    }

    /// Draws all tiles with this look; returns the number of redrawn parts.
    fn draw_look(moves: &mut Moves, canvas: &mut Canvas, now: f64, look: Look) -> usize {
        let before = canvas.generation();
        let context = MoveContext { now, frozen: false, selected: None };
        let view_of = |id: &RunId| {
            let view = TileView { id: id.clone(), look, ..ghost(Vec::new()) };
            Some((view, TileMarks::default()))
        };
        moves.draw(canvas, &context, true, view_of);
        (canvas.generation() - before) as usize
    }

    fn draw(moves: &mut Moves, canvas: &mut Canvas, now: f64) -> usize {
        draw_look(moves, canvas, now, ghost(Vec::new()).look)
    }

    fn at(moves: &Moves, run: &str, now: f64) -> Vec<(f32, f32)> {
        let tiles = moves.tiles.iter().filter(|tile| tile.id.as_str() == run);
        tiles.map(|tile| (tile.rect(now).x, tile.opacity(now))).collect()
    }

    #[test]
    fn tiles_glide_to_their_places_then_redrawing_stops() {
        let (mut moves, mut canvas) = (Moves::default(), Canvas::default());
        moves.follow(&plan(&["a", "b"]), 0.0, true, false);
        assert_eq!(at(&moves, "a", 0.0), [(0.0, 1.0)], "the first wall is there at once");
        assert_eq!(draw(&mut moves, &mut canvas, 0.0), 2);
        assert!(!moves.is_moving(0.0));
        assert_eq!(draw(&mut moves, &mut canvas, 0.1), 0);
        moves.follow(&plan(&["b", "a"]), 10.0, false, false);
        let x = |now: f64| at(&moves, "a", now)[0].0;
        assert!(x(10.0) < 1.0 && x(10.1) > x(10.05) && x(10.1) < 400.0 && x(10.7) == 400.0);
        assert!(moves.is_moving(10.5));
        draw(&mut moves, &mut canvas, 10.8);
        assert!(!moves.is_moving(10.8));
    }

    #[test]
    fn new_tile_fades_in_while_old_tile_fades_out() {
        let (mut moves, mut canvas) = (Moves::default(), Canvas::default());
        moves.follow(&plan(&["a"]), 0.0, true, false);
        draw(&mut moves, &mut canvas, 0.0);
        moves.follow(&plan(&["c"]), 10.0, false, false);
        assert_eq!(at(&moves, "c", 10.0), [(0.0, 0.0)]);
        assert_eq!(at(&moves, "a", 10.0), [(0.0, 1.0)]);
        assert_eq!(at(&moves, "c", 10.5), [(0.0, 1.0)]);
        draw(&mut moves, &mut canvas, 10.5);
        assert!(at(&moves, "a", 10.5).is_empty(), "it is gone");
    }

    #[test]
    fn failed_tile_cross_fades_to_failed_before() {
        let (mut moves, mut canvas) = (Moves::default(), Canvas::default());
        moves.follow(&plan(&["a"]), 0.0, true, false);
        let mut draw = |moves: &mut Moves, now, look| draw_look(moves, &mut canvas, now, look);
        draw(&mut moves, 0.0, Look::Failed);
        draw(&mut moves, 600.0, Look::FailedBefore);
        assert_eq!(at(&moves, "a", 600.0), [(0.0, 0.0), (0.0, 1.0)]);
        assert!(moves.is_moving(600.5));
        let half = at(&moves, "a", 600.5);
        assert!(half.iter().all(|(_, opacity)| (opacity - 0.5).abs() < 0.01), "{half:?}");
        draw(&mut moves, 601.1, Look::FailedBefore);
        assert_eq!(at(&moves, "a", 601.1), [(0.0, 1.0)]);
        assert!(!moves.is_moving(601.1));
    }

    #[test]
    fn reduced_motion_fades_tiles_instead_of_moving_them() {
        let mut moves = Moves::default();
        moves.follow(&plan(&["a", "b"]), 0.0, true, true);
        moves.follow(&plan(&["b", "a"]), 10.0, false, true);
        let half = at(&moves, "a", 10.1);
        assert_eq!(half.len(), 2);
        assert!(
            half.iter()
                .all(|(x, opacity)| { (*x == 0.0 || *x == 400.0) && (opacity - 0.5).abs() < 0.01 })
        );
    }

    #[test]
    fn row_that_ends_becomes_quiet_in_its_place() {
        let (mut moves, mut canvas) = (Moves::default(), Canvas::default());
        moves.follow(&rows_plan(&["a"]), 0.0, true, false);
        let mut draw = |moves: &mut Moves, now, look| draw_look(moves, &mut canvas, now, look);
        draw(&mut moves, 0.0, Look::Running);
        draw(&mut moves, 10.0, Look::Finished);
        let half = at(&moves, "a", 10.5);
        assert_eq!(half.len(), 2, "the running row fades into the quiet one: {half:?}");
        assert_eq!(half[0].0, half[1].0);
        draw(&mut moves, 11.1, Look::Finished);
        assert_eq!(at(&moves, "a", 11.1).len(), 1);
    }

    #[test]
    fn rows_glide_within_a_column_and_fade_where_their_form_changes() {
        let mut moves = Moves::default();
        moves.follow(&rows_plan(&["a", "b"]), 0.0, true, false);
        moves.follow(&rows_plan(&["b", "a"]), 10.0, false, false);
        assert_eq!(at(&moves, "a", 10.1).len(), 1, "it glides");
        assert!(moves.is_moving(10.1));
        moves.follow(&plan(&["a"]), 20.0, false, false);
        assert_eq!(at(&moves, "a", 20.1).len(), 2, "the row fades out while the tile fades in");
    }
}
