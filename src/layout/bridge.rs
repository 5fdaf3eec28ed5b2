//! Layout of the meter bridge: four meters and the panel of the connection.

use super::{CanvasSize, Rect};

/// Number of meters.
const METERS: usize = 4;
/// Distance between two panels.
const GAP: f32 = 14.0;
/// Landscape: distance from the bridge's upper edge to the panels, and their height.
const TOP: f32 = 12.0;
const HEIGHT: f32 = 156.0;
/// Portrait: distance from the upper edge to the meters, their height, distance to
/// the line of the connection, and its height.
const PORTRAIT_TOP: f32 = 14.0;
const PORTRAIT_HEIGHT: f32 = 104.0;
const PORTRAIT_GAP: f32 = 12.0;
const PORTRAIT_LINE: f32 = 58.0;

/// Places of the panels, in design pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bridge {
    /// True when the connection is a line below four small meters, false when it is a fifth panel.
    pub is_portrait: bool,
    /// Factor of all lengths and sizes of type.
    pub scale: f32,
    /// The whole bridge.
    pub rect: Rect,
    pub meters: [Rect; METERS],
    pub connection: Rect,
}

impl Bridge {
    /// Places the panels at the bottom of a screen.
    pub fn of(canvas_size: &CanvasSize) -> Self {
        let scale = canvas_size.portrait_scale();
        let top = canvas_size.bridge_top();
        let rect = Rect::new(0.0, top, canvas_size.width, canvas_size.bridge_height());
        let is_portrait = canvas_size.is_portrait();
        let gap = GAP * scale;
        let row = |x: f32, y: f32, width: f32, height: f32| {
            std::array::from_fn(|index| {
                Rect::new(x + index as f32 * (width + gap), y, width, height)
            })
        };
        if is_portrait {
            let margin = CanvasSize::PORTRAIT_MARGIN * scale;
            let all = canvas_size.width - 2.0 * margin;
            let width = (all - (METERS - 1) as f32 * gap) / METERS as f32;
            let y = top + PORTRAIT_TOP * scale;
            let height = PORTRAIT_HEIGHT * scale;
            let line = y + height + PORTRAIT_GAP * scale;
            Self {
                is_portrait,
                scale,
                rect,
                meters: row(margin, y, width, height),
                connection: Rect::new(margin, line, all, PORTRAIT_LINE * scale),
            }
        } else {
            let all = canvas_size.width - 2.0 * CanvasSize::MARGIN;
            let width = (all - METERS as f32 * gap) / (METERS + 1) as f32;
            let y = top + TOP;
            let last = canvas_size.right() - width;
            Self {
                is_portrait,
                scale,
                rect,
                meters: row(CanvasSize::MARGIN, y, width, HEIGHT),
                connection: Rect::new(last, y, width, HEIGHT),
            }
        }
    }

    /// Returns a tab on the bridge's upper edge, at the left end of the last panel of the upper row. It
    /// stands between the view and the panels and covers neither.
    pub fn tab(&self, width: f32) -> Rect {
        let last = if self.is_portrait { self.meters[METERS - 1] } else { self.connection };
        let height = 2.0 * (last.y - self.rect.y);
        Rect::new(
            last.right().min(last.x + width) - width,
            self.rect.y - height / 2.0,
            width,
            height,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn landscape_has_five_equal_panels() {
        let bridge = Bridge::of(&CanvasSize::of_pixels(1920.0, 1080.0));
        let xs: Vec<f32> =
            bridge.meters.iter().map(|panel| (panel.x * 10.0).round() / 10.0).collect();
        assert_eq!(xs, [56.0, 420.4, 784.8, 1149.2]);
        assert_eq!(bridge.rect, Rect::new(0.0, 896.0, 1920.0, 184.0));
        for panel in bridge.meters.iter().chain([&bridge.connection]) {
            assert!((panel.w - 350.4).abs() < 0.01 && panel.y == 908.0 && panel.h == 156.0);
        }
        assert!((bridge.connection.right() - 1864.0).abs() < 0.01);
    }

    #[test]
    fn portrait_has_four_small_panels_and_a_line() {
        let bridge = Bridge::of(&CanvasSize::of_pixels(1080.0, 1920.0));
        let drawn = |x: f32| x / bridge.scale;
        assert!(bridge.is_portrait);
        assert!((drawn(bridge.rect.h) - 204.0).abs() < 0.01);
        assert!((drawn(bridge.meters[0].w) - 239.5).abs() < 0.01);
        assert!((drawn(bridge.meters[3].right()) - 1040.0).abs() < 0.01);
        assert!((drawn(bridge.connection.y - bridge.rect.y) - 130.0).abs() < 0.01);
        assert!((drawn(bridge.connection.w) - 1000.0).abs() < 0.01);
    }

    #[test]
    fn panels_stay_on_the_bridge_at_every_size() {
        for width in [1.0, 320.0, 1080.0, 1349.0, 1350.0, 1620.0, 1920.0, 2560.0, 7680.0] {
            for height in [1.0, 240.0, 1080.0, 1920.0, 4320.0] {
                let canvas_size = CanvasSize::of_pixels(width, height);
                let Bridge { rect, meters, connection, .. } = Bridge::of(&canvas_size);
                assert!((rect.bottom() - canvas_size.height).abs() <= canvas_size.height * 1e-6);
                for panel in meters.iter().chain([&connection]) {
                    assert!(panel.w > 0.0 && panel.x >= 0.0 && panel.y > rect.y, "{canvas_size:?}");
                    assert!(panel.right() <= rect.right() && panel.bottom() < rect.bottom());
                }
                assert!(meters.is_sorted_by(|a, b| a.right() < b.x));
            }
        }
    }
}
