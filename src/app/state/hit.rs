//! Hit testing: views and overlays publish their clickable areas, and `control` queries them.

use bevy::prelude::*;
use jiff::{SignedDuration, Timestamp};

use super::actions::Action;
use crate::bounded::bounded;
use crate::layout::Rect;
use crate::protocol::RunId;

/// Clickable areas of runs on the wall, in design pixels.
#[derive(Resource, Clone, Debug, Default)]
pub struct Pickable {
    tiles: Vec<(RunId, Rect)>,
    names: Vec<(RunId, Rect)>,
    /// Cells of the board, one for each run.
    cells: Vec<(RunId, Rect)>,
}

impl Pickable {
    pub(in crate::app) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(in crate::app) fn show_tiles<'a>(
        &mut self,
        tiles: impl Iterator<Item = (&'a RunId, Rect)>,
    ) {
        self.tiles.clear();
        self.tiles.extend(tiles.map(|(id, rect)| (id.clone(), rect)));
        self.names.clear();
        self.cells.clear();
    }

    /// Sets the failures listed beside the tiles.
    pub(in crate::app) fn show_names(&mut self, names: Vec<(RunId, Rect)>) {
        self.names = names;
    }

    /// Sets the runs that are named on the board, and its cells, in place of everything else.
    pub(in crate::app) fn show_board(&mut self, names: &[(RunId, Rect)], cells: &[(RunId, Rect)]) {
        self.tiles.clear();
        self.names.clear();
        self.names.extend_from_slice(names);
        self.cells.clear();
        self.cells.extend_from_slice(cells);
    }

    /// Tiles or rows, with their runs.
    #[cfg(test)]
    pub fn tiles(&self) -> &[(RunId, Rect)] {
        &self.tiles
    }

    /// Cells of the board, with their runs.
    #[cfg(test)]
    pub fn cells(&self) -> &[(RunId, Rect)] {
        &self.cells
    }

    /// Returns the run at a point: from the names, the tiles, or the cells of the board.
    pub fn at(&self, point: Vec2) -> Option<RunId> {
        let mut all = self.names.iter().chain(&self.tiles).chain(&self.cells);
        all.find(|(_, rect)| rect.holds(point.x, point.y)).map(|(id, _)| id.clone())
    }

    /// Returns the run at a point whose place has no room for all about it, with this place: one of the names
    /// or of the cells of the board.
    pub fn small_at(&self, point: Vec2) -> Option<(&RunId, Rect)> {
        let mut small = self.names.iter().chain(&self.cells);
        small.find(|(_, rect)| rect.holds(point.x, point.y)).map(|(id, rect)| (id, *rect))
    }

    /// Returns the run `by` places after `selected`, counting listed names first and then tiles;
    /// the first run when `selected` is not on the wall.
    pub fn step(&self, selected: Option<&RunId>, by: isize) -> Option<RunId> {
        let mut runs: Vec<&RunId> = Vec::new();
        // A run can have both, as the first of the failures that share its tile.
        for (id, _) in self.names.iter().chain(&self.tiles) {
            if !runs.contains(&id) {
                runs.push(id);
            }
        }
        let here = selected.and_then(|id| runs.iter().position(|run| *run == id));
        let there = match here {
            Some(here) => here.saturating_add_signed(by).min(runs.len().saturating_sub(1)),
            None => 0,
        };
        runs.get(there).map(|run| (*run).clone())
    }
}

/// A clickable area of an overlay.
#[derive(Clone, Debug, PartialEq)]
pub struct Button {
    /// In design pixels.
    pub rect: Rect,
    /// The action sent when the button is pressed.
    pub action: Action,
    /// True when the pointer over the button does not count as over the view, as with panel
    /// windows.
    pub holds_pointer: bool,
}

/// Clickable areas of all overlays, by overlay.
#[derive(Resource, Clone, Debug, Default, PartialEq)]
pub struct Buttons(Vec<(&'static str, Vec<Button>)>);

impl Buttons {
    /// Replaces the buttons of an overlay.
    pub fn show(&mut self, overlay: &'static str, buttons: Vec<Button>) {
        match self.0.iter_mut().find(|(name, _)| *name == overlay) {
            Some((_, shown)) => *shown = buttons,
            None => self.0.push((overlay, buttons)),
        }
    }

    /// Returns the buttons of each overlay.
    pub fn by_overlay(&self) -> impl Iterator<Item = &[Button]> {
        self.0.iter().map(|(_, buttons)| buttons.as_slice())
    }

    /// True when the point is on a button that has `holds_pointer` set.
    pub fn hold_pointer_at(&self, point: Vec2) -> bool {
        let mut holding = self.by_overlay().flatten().filter(|button| button.holds_pointer);
        holding.any(|button| button.rect.holds(point.x, point.y))
    }
}

/// Area in which a drag moves in time, in design pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScrubArea {
    pub rect: Rect,
    /// Instants at its left and right end.
    pub from: Timestamp,
    pub until: Timestamp,
}

impl ScrubArea {
    /// Returns the instant at a place, and `None` at the right end, which is the present.
    pub fn instant_at(&self, x: f32) -> Option<Timestamp> {
        let place = bounded(f64::from((x - self.rect.x) / self.rect.w.max(1.0)), 0.0, 1.0);
        let span = self.until.duration_since(self.from).as_secs_f64();
        let after = SignedDuration::try_from_secs_f64(span * place).ok()?;
        (place < 1.0).then(|| self.from.checked_add(after).ok())?
    }
}

/// The area in which a drag moves in time, and the one that is being dragged in.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq)]
pub struct Scrub {
    pub area: Option<ScrubArea>,
    /// As it was when the drag began, so that what is under the pointer stays there.
    pub dragged: Option<ScrubArea>,
}

impl Scrub {
    /// True when the pointer at this point moves in time, and not the view.
    pub fn holds_pointer_at(&self, point: Vec2) -> bool {
        self.dragged.is_some() || self.area.is_some_and(|area| area.rect.holds(point.x, point.y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> RunId {
        RunId::new(name)
    }

    fn wall() -> Pickable {
        let mut wall = Pickable::default();
        let (a, b) = (id("a"), id("b"));
        let tiles = [(&a, Rect::new(0.0, 0.0, 10.0, 10.0)), (&b, Rect::new(20.0, 0.0, 10.0, 10.0))];
        wall.show_tiles(tiles.into_iter());
        wall
    }

    #[test]
    fn failures_that_share_a_tile_are_passed_one_by_one() {
        let mut wall = wall();
        let song = |name, y| (id(name), Rect::new(0.0, y, 10.0, 5.0));
        wall.show_names(vec![song("newer", 0.0), song("a", 5.0)]);
        assert_eq!(wall.at(Vec2::new(5.0, 2.0)), Some(id("newer")));
        let mut passed = vec![wall.step(None, 1).unwrap()];
        for _ in 0..2 {
            passed.push(wall.step(passed.last(), 1).unwrap());
        }
        assert_eq!(passed, [id("newer"), id("a"), id("b")]);
    }

    #[test]
    fn a_point_on_a_tile_hits_its_run() {
        let at = |x: f32| wall().at(Vec2::new(x, 5.0));
        assert_eq!((at(5.0), at(15.0), at(25.0)), (Some(id("a")), None, Some(id("b"))));
    }

    #[test]
    fn a_point_on_a_board_cell_hits_its_run() {
        let mut wall = Pickable::default();
        let cell = |n: u8| Rect::new(f32::from(n) * 6.0, 100.0, 6.0, 26.0);
        wall.show_board(&[], &[(id("four"), cell(4)), (id("five"), cell(5))]);
        assert_eq!(wall.at(Vec2::new(31.0, 115.0)), Some(id("five")));
        assert_eq!(wall.at(Vec2::new(10.0, 115.0)), None);
        assert_eq!(wall.step(None, 1), None, "arrow keys go through names only");
    }

    #[test]
    fn selection_steps_stop_at_first_and_last_run() {
        let wall = wall();
        assert_eq!(wall.step(None, 1), Some(id("a")));
        assert_eq!(wall.step(Some(&id("a")), 1), Some(id("b")));
        assert_eq!(wall.step(Some(&id("b")), 1), Some(id("b")));
        assert_eq!(wall.step(Some(&id("gone")), -1), Some(id("a")));
        assert_eq!(Pickable::default().step(None, 1), None);
    }
}
