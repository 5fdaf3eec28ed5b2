//! Side of the window at which the panel stands, and its size there.

use bevy::prelude::*;
use serde::{Deserialize, Serialize};

use crate::bounded::bounded;

/// Side of the window at which the panel stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PanelSide {
    /// Left edge, over the whole height.
    Left,
    /// Bottom edge, over the whole width.
    Bottom,
    /// Right edge, over the whole height.
    #[default]
    Right,
}

impl PanelSide {
    /// All sides, in the order in which [`PanelSide::next`] goes through them.
    pub const ALL: [Self; 3] = [Self::Right, Self::Left, Self::Bottom];

    /// Returns the side that follows; after the last one the first.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Right => Self::Left,
            Self::Left => Self::Bottom,
            Self::Bottom => Self::Right,
        }
    }
}

/// Place of the panel in the window. Lengths are in points.
#[derive(Resource, Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PanelDock {
    /// Side at which the panel stands.
    pub side: PanelSide,
    /// Width that was chosen for the left and the right side.
    width: f32,
    /// Part of the window's height that was chosen for the bottom, 0 to 1.
    height_part: f32,
}

impl Default for PanelDock {
    fn default() -> Self {
        Self { side: PanelSide::default(), width: 556.0, height_part: 0.3 }
    }
}

impl PanelDock {
    /// Least width of the panel at the left and the right side; a narrower window shows no panel.
    pub const LEAST_WIDTH: f32 = 480.0;
    const MOST_WIDTH: f32 = 720.0;
    /// Least height at the bottom, and the largest part of the window's height there.
    const LEAST_HEIGHT: f32 = 220.0;
    const MOST_PART: f32 = 0.6;
    /// Width of the window from which the stage makes room for the panel, and height from which it does for a
    /// panel at the bottom. The panel covers a part of the stage of a smaller window.
    const ROOM: Vec2 = Vec2::new(1600.0, 900.0);

    /// Returns width or height of the panel in a window of this size.
    pub fn size(&self, window: Vec2) -> f32 {
        let size = match self.side {
            PanelSide::Bottom => self.height_part * window.y,
            PanelSide::Left | PanelSide::Right => self.width,
        };
        self.fitted(size, window)
    }

    /// Sets width or height of the panel in a window of this size.
    pub fn resize(&mut self, size: f32, window: Vec2) {
        let size = self.fitted(size, window);
        match self.side {
            PanelSide::Bottom => self.height_part = size / window.y.max(1.0),
            PanelSide::Left | PanelSide::Right => self.width = size,
        }
    }

    fn fitted(&self, size: f32, window: Vec2) -> f32 {
        let (least, most, whole) = match self.side {
            PanelSide::Bottom => (Self::LEAST_HEIGHT, Self::MOST_PART * window.y, window.y),
            PanelSide::Left | PanelSide::Right => (Self::LEAST_WIDTH, Self::MOST_WIDTH, window.x),
        };
        bounded(size, least, most.max(least)).min(whole)
    }

    /// True when the panel covers a part of the views in a window of this size, instead of taking room from them.
    pub fn overlays(&self, window: Vec2) -> bool {
        let is_low = self.side == PanelSide::Bottom && window.y < Self::ROOM.y;
        window.x < Self::ROOM.x || is_low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dock(side: PanelSide) -> PanelDock {
        PanelDock { side, ..PanelDock::default() }
    }

    #[test]
    fn moving_on_reaches_each_side_once() {
        let mut side = PanelSide::default();
        for expected in PanelSide::ALL {
            assert_eq!(side, expected);
            side = side.next();
        }
        assert_eq!(side, PanelSide::default());
    }

    #[test]
    fn panel_takes_room_only_from_a_window_that_has_it() {
        for (side, window, size, overlays) in [
            (PanelSide::Right, (1920.0, 1080.0), 556.0, false),
            (PanelSide::Left, (1600.0, 900.0), 556.0, false),
            (PanelSide::Left, (1599.0, 900.0), 556.0, true),
            (PanelSide::Right, (1280.0, 720.0), 556.0, true),
            (PanelSide::Bottom, (1920.0, 1080.0), 324.0, false),
            (PanelSide::Bottom, (1280.0, 720.0), 220.0, true),
            (PanelSide::Bottom, (1920.0, 720.0), 220.0, true),
            (PanelSide::Right, (300.0, 200.0), 300.0, true),
            (PanelSide::Bottom, (300.0, 200.0), 200.0, true),
        ] {
            let (dock, window) = (dock(side), Vec2::from(window));
            assert_eq!(
                (dock.size(window), dock.overlays(window)),
                (size, overlays),
                "{side:?} {window}"
            );
        }
    }

    #[test]
    fn size_stays_within_bounds_whatever_was_remembered() {
        let window = Vec2::new(1920.0, 1080.0);
        for (side, least, most) in [
            (PanelSide::Left, 480.0, 720.0),
            (PanelSide::Right, 480.0, 720.0),
            (PanelSide::Bottom, 220.0, 648.0),
        ] {
            let mut dock = dock(side);
            for (wanted, expected) in
                [(0.0, least), (-1e30, least), (f32::NAN, least), (1e30, most)]
            {
                dock.resize(wanted, window);
                assert_eq!(dock.size(window), expected, "{side:?} {wanted}");
            }
            (dock.width, dock.height_part) = (f32::NAN, f32::INFINITY);
            assert!((least..=most).contains(&dock.size(window)), "{side:?}");
        }
    }
}
