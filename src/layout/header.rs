//! Places of the wall's header and of the lane for toasts, in both views.

use super::{CanvasSize, Rect};

/// Left edge of the counts on a landscape screen.
const COUNTS_LEFT: f32 = 372.0;
/// Width of the stage's lane on a landscape screen.
const STAGE_LANE_WIDTH: f32 = 660.0;
/// Distance of the stage's lane from the room of the clock on a landscape screen.
const STAGE_LANE_GAP: f32 = 4.0;
/// Upper edge and height of the lane on a portrait screen, below the header's two lines; in lengths of the
/// portrait form.
const PORTRAIT_LANE: (f32, f32) = (150.0, 36.0);
/// Upper edge of the wall's content: on a landscape screen, and on a portrait one.
const TOP: f32 = 128.0;
const PORTRAIT_TOP: f32 = 200.0;

/// Places of the wall's header, in design pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeaderPlaces {
    /// True where the counts stand on a line of their own below the product's name.
    pub is_portrait: bool,
    /// Factor of all lengths and sizes of type.
    pub scale: f32,
    /// Left and right end of the content.
    pub left: f32,
    pub right: f32,
    /// Baseline of the product's name.
    pub name_y: f32,
    /// Baseline of the clock.
    pub clock_y: f32,
    /// Left end and baseline of the counts, and the right end of their room.
    pub counts: (f32, f32),
    pub counts_right: f32,
    /// Area of the toasts.
    pub lane: Rect,
}

/// Returns the places of the wall's header.
pub fn wall_header(canvas_size: &CanvasSize) -> HeaderPlaces {
    let scale = canvas_size.portrait_scale();
    if canvas_size.is_portrait() {
        let left = CanvasSize::PORTRAIT_MARGIN * scale;
        let right = canvas_size.width - left;
        return HeaderPlaces {
            is_portrait: true,
            scale,
            left,
            right,
            name_y: 70.0 * scale,
            clock_y: 80.0 * scale,
            counts: (left, 131.0 * scale),
            counts_right: right,
            lane: portrait_lane(canvas_size),
        };
    }
    let (left, right) = (CanvasSize::MARGIN, canvas_size.right());
    let counts_right = right - CanvasSize::CLOCK_WIDTH;
    HeaderPlaces {
        is_portrait: false,
        scale,
        left,
        right,
        name_y: 68.0,
        clock_y: 86.0,
        counts: (COUNTS_LEFT, 68.0),
        counts_right,
        lane: Rect::new(COUNTS_LEFT, 80.0, (counts_right - COUNTS_LEFT).max(0.0), 36.0),
    }
}

/// Returns the lane for toasts on the stage, beside the clock or above the title, and the factor of its
/// type.
pub fn stage_lane(canvas_size: &CanvasSize) -> (Rect, f32) {
    if canvas_size.is_tall() {
        return (portrait_lane(canvas_size), canvas_size.portrait_scale());
    }
    let right = canvas_size.right() - CanvasSize::CLOCK_WIDTH - STAGE_LANE_GAP;
    (Rect::new(right - STAGE_LANE_WIDTH, 44.0, STAGE_LANE_WIDTH, 44.0), 1.0)
}

fn portrait_lane(canvas_size: &CanvasSize) -> Rect {
    let scale = canvas_size.portrait_scale();
    let (x, (y, height)) = (CanvasSize::PORTRAIT_MARGIN * scale, PORTRAIT_LANE);
    Rect::new(x, y * scale, canvas_size.width - 2.0 * x, height * scale)
}

/// Returns the upper edge of the wall's content.
pub(super) fn content_top(canvas_size: &CanvasSize) -> f32 {
    if canvas_size.is_portrait() { PORTRAIT_TOP * canvas_size.portrait_scale() } else { TOP }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_stand_where_the_design_has_them() {
        let hd = CanvasSize::of_pixels(1920.0, 1080.0);
        assert_eq!(wall_header(&hd).lane, Rect::new(372.0, 80.0, 1302.0, 36.0));
        assert_eq!(stage_lane(&hd), (Rect::new(1010.0, 44.0, 660.0, 44.0), 1.0));
        let portrait = CanvasSize::of_pixels(1080.0, 1920.0);
        for lane in [wall_header(&portrait).lane, stage_lane(&portrait).0] {
            let pixels = [lane.x, lane.y, lane.right(), lane.bottom()].map(|x| x * portrait.scale);
            for (found, drawn) in pixels.into_iter().zip([40.0, 150.0, 1040.0, 186.0]) {
                assert!((found - drawn).abs() < 0.01, "{lane:?}");
            }
        }
    }

    #[test]
    fn content_begins_below_the_lane() {
        for pixels in [(1920.0, 1080.0), (1080.0, 1920.0), (1024.0, 768.0), (1200.0, 1200.0)] {
            let canvas_size = CanvasSize::of_pixels(pixels.0, pixels.1);
            let lane = wall_header(&canvas_size).lane;
            assert!(lane.bottom() < content_top(&canvas_size), "{pixels:?}");
            assert!(lane.right() < canvas_size.width, "{pixels:?}");
        }
    }
}
