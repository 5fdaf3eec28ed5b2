//! What a press lands on: views and overlays say what stands where, and control asks.

use bevy::prelude::*;

use super::actions::Action;
use crate::layout::{CellGrid, Rect};
use crate::protocol::RunId;

/// Where runs are on the wall, in design pixels.
#[derive(Resource, Clone, Debug, Default)]
pub struct Pickable {
    tiles: Vec<(RunId, Rect)>,
    names: Vec<(RunId, Rect)>,
    cells: Option<CellGrid>,
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
        (self.names, self.cells) = (Vec::new(), None);
    }

    /// Failures that stand beside the tiles.
    pub(in crate::app) fn show_names(&mut self, names: &[(RunId, Rect)]) {
        self.names = names.to_vec();
    }

    pub(in crate::app) fn show_board(&mut self, names: Vec<(RunId, Rect)>, cells: CellGrid) {
        (self.names, self.cells) = (names, Some(cells));
    }

    /// Where the runs are that these ids name.
    pub fn places_where(&self, names: impl Fn(&str) -> bool) -> impl Iterator<Item = Rect> {
        let all = self.tiles.iter().chain(&self.names);
        all.filter(move |(id, _)| names(id)).map(|(_, rect)| *rect)
    }

    /// The run at a point: its tile, its name on the board, or its cells.
    pub fn at(&self, point: Vec2, run_at: impl Fn(usize) -> Option<RunId>) -> Option<RunId> {
        let mut named = self.names.iter().chain(&self.tiles);
        match named.find(|(_, rect)| rect.holds(point.x, point.y)) {
            Some((id, _)) => Some(id.clone()),
            None => run_at(self.cells?.place_at(point.x, point.y)?),
        }
    }

    /// The run `by` places from the selected one, in the order of what needs eyes.
    pub fn step(&self, selected: Option<&RunId>, by: isize) -> Option<RunId> {
        let runs: Vec<&RunId> = self.names.iter().chain(&self.tiles).map(|(id, _)| id).collect();
        let here = selected.and_then(|id| runs.iter().position(|run| *run == id));
        let there = match here {
            Some(here) => here.saturating_add_signed(by).min(runs.len().saturating_sub(1)),
            None => 0,
        };
        runs.get(there).map(|run| (*run).clone())
    }
}

/// A place of an overlay that can be pressed.
#[derive(Clone, Debug, PartialEq)]
pub struct Button {
    /// In design pixels.
    pub rect: Rect,
    /// What a press on it asks for.
    pub action: Action,
    /// The pointer over it is not over the view, as over a window of the panel's.
    pub holds_pointer: bool,
}

/// Where overlays can be pressed.
#[derive(Resource, Clone, Debug, Default, PartialEq)]
pub struct Buttons(Vec<(&'static str, Vec<Button>)>);

impl Buttons {
    /// What of an overlay can be pressed from now on.
    pub fn show(&mut self, overlay: &'static str, buttons: Vec<Button>) {
        match self.0.iter_mut().find(|(name, _)| *name == overlay) {
            Some((_, shown)) => *shown = buttons,
            None => self.0.push((overlay, buttons)),
        }
    }

    /// The buttons of each overlay.
    pub fn by_overlay(&self) -> impl Iterator<Item = &[Button]> {
        self.0.iter().map(|(_, buttons)| buttons.as_slice())
    }

    /// Whether the pointer at a point is over one that holds it.
    pub fn hold_pointer_at(&self, point: Vec2) -> bool {
        let mut holding = self.by_overlay().flatten().filter(|button| button.holds_pointer);
        holding.any(|button| button.rect.holds(point.x, point.y))
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
    fn a_tile_is_found_where_it_is() {
        let at = |x: f32| wall().at(Vec2::new(x, 5.0), |_| None);
        assert_eq!((at(5.0), at(15.0), at(25.0)), (Some(id("a")), None, Some(id("b"))));
    }

    #[test]
    fn cells_are_found_on_the_board() {
        let mut wall = Pickable::default();
        let rect = Rect::new(0.0, 100.0, 100.0, 40.0);
        wall.show_board(Vec::new(), CellGrid { rect, columns: 2, rows: 4, nodes: 9 });
        let run_at = |place: usize| (place == 5).then(|| id("five"));
        assert_eq!(wall.at(Vec2::new(60.0, 115.0), run_at), Some(id("five")));
        assert_eq!(wall.at(Vec2::new(10.0, 115.0), run_at), None);
    }

    #[test]
    fn steps_do_not_leave_the_wall() {
        let wall = wall();
        assert_eq!(wall.step(None, 1), Some(id("a")));
        assert_eq!(wall.step(Some(&id("a")), 1), Some(id("b")));
        assert_eq!(wall.step(Some(&id("b")), 1), Some(id("b")));
        assert_eq!(wall.step(Some(&id("gone")), -1), Some(id("a")));
        assert_eq!(Pickable::default().step(None, 1), None);
    }
}
