//! Size of the canvas in design pixels.

/// A rectangle in design pixels, y down.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    pub x: f32,
    pub y: f32,
    pub w: f32,
    pub h: f32,
}

impl Rect {
    pub const fn new(x: f32, y: f32, w: f32, h: f32) -> Self {
        Self { x, y, w, h }
    }

    pub fn right(&self) -> f32 {
        self.x + self.w
    }

    pub fn bottom(&self) -> f32 {
        self.y + self.h
    }

    pub fn centre_x(&self) -> f32 {
        self.x + self.w / 2.0
    }

    pub fn centre_y(&self) -> f32 {
        self.y + self.h / 2.0
    }

    /// True when the point lies in the rectangle.
    pub fn holds(&self, x: f32, y: f32) -> bool {
        (self.x..self.right()).contains(&x) && (self.y..self.bottom()).contains(&y)
    }

    /// Returns the rectangle reduced by `by` on every side.
    pub fn inset(&self, by: f32) -> Self {
        Self::new(self.x + by, self.y + by, self.w - 2.0 * by, self.h - 2.0 * by)
    }

    /// Returns the rectangle moved by a vector.
    pub fn translated(&self, dx: f32, dy: f32) -> Self {
        Self::new(self.x + dx, self.y + dy, self.w, self.h)
    }

    /// Interpolates from this rectangle (`t` = 0) to `other` (`t` = 1).
    pub fn lerp(&self, other: &Self, t: f32) -> Self {
        let mix = |a: f32, b: f32| a + (b - a) * t;
        Self::new(
            mix(self.x, other.x),
            mix(self.y, other.y),
            mix(self.w, other.w),
            mix(self.h, other.h),
        )
    }
}

/// Size of the screen, or of the part that a view occupies, in design pixels.
///
/// One scale applies to everything (design, section 9): the height is 1080, unless the aspect ratio
/// is narrower than 3:2; then the width is 1620 and the height exceeds 1080.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CanvasSize {
    pub width: f32,
    pub height: f32,
    /// Device pixels per design pixel.
    pub scale: f32,
}

impl CanvasSize {
    pub const HEIGHT: f32 = 1080.0;
    /// Smallest width; narrower screens scale everything down instead.
    pub const LEAST_WIDTH: f32 = 1620.0;
    /// Margin at the left and right edge.
    pub const MARGIN: f32 = 56.0;
    /// Height of the meter bridge at the bottom of every view on a landscape screen; see
    /// [`CanvasSize::bridge_height`].
    pub const BRIDGE_HEIGHT: f32 = 184.0;
    /// The same on a portrait screen, in parts of [`CanvasSize::PORTRAIT_WIDTH`].
    const PORTRAIT_BRIDGE_HEIGHT: f32 = 204.0;
    /// Width of a portrait screen that portrait forms are drawn for.
    const PORTRAIT_WIDTH: f32 = 1080.0;
    /// Margin at the left and right edge of such a screen, except on the stage.
    pub(super) const PORTRAIT_MARGIN: f32 = 40.0;
    /// Aspect ratio below which a screen is a portrait screen.
    const PORTRAIT_BELOW: f32 = 1.25;
    /// Ratio of height to width from which a screen is a tall one.
    const TALL_FROM: f32 = 1.25;
    /// Width kept free for the clock at the right edge, including its distance from what stands beside it.
    pub const CLOCK_WIDTH: f32 = 190.0;

    /// Returns the canvas size for a screen in device pixels. Sizes below one pixel count as one.
    pub fn of_pixels(width_px: f32, height_px: f32) -> Self {
        let (width_px, height_px) = (width_px.max(1.0), height_px.max(1.0));
        let scale = (height_px / Self::HEIGHT).min(width_px / Self::LEAST_WIDTH);
        Self { width: width_px / scale, height: height_px / scale, scale }
    }

    /// True when the screen is narrower than 5:4.
    pub fn is_portrait(&self) -> bool {
        self.width < self.height * Self::PORTRAIT_BELOW
    }

    /// True when the screen is so tall that the stage's modules stand in two or more rows, below a lane of
    /// the whole width, and the wall's rows in one column. Every tall screen is a portrait screen.
    pub fn is_tall(&self) -> bool {
        self.height >= Self::TALL_FROM * self.width
    }

    /// Returns the factor between the lengths of the portrait form and design pixels; 1 on a landscape
    /// screen.
    pub fn portrait_scale(&self) -> f32 {
        if self.is_portrait() { self.width / Self::PORTRAIT_WIDTH } else { 1.0 }
    }

    /// Returns the height of the meter bridge at the bottom of every view.
    pub fn bridge_height(&self) -> f32 {
        if self.is_portrait() {
            Self::PORTRAIT_BRIDGE_HEIGHT * self.portrait_scale()
        } else {
            Self::BRIDGE_HEIGHT
        }
    }

    /// Returns the upper edge of the meter bridge.
    pub fn bridge_top(&self) -> f32 {
        self.height - self.bridge_height()
    }

    /// Returns the right edge of the content.
    pub fn right(&self) -> f32 {
        self.width - Self::MARGIN
    }

    /// Returns the height in excess of a 16:9 screen's.
    pub fn extra_height(&self) -> f32 {
        (self.height - Self::HEIGHT).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::CanvasSize;

    #[test]
    fn landscape_scales_by_height_and_portrait_by_width() {
        let check = |pixels: (f32, f32), expected: (f32, f32, f32)| {
            let canvas_size = CanvasSize::of_pixels(pixels.0, pixels.1);
            assert_eq!(
                (canvas_size.width, canvas_size.height, canvas_size.scale),
                expected,
                "{pixels:?}"
            );
        };
        check((1920.0, 1080.0), (1920.0, 1080.0, 1.0));
        check((3840.0, 2160.0), (1920.0, 1080.0, 2.0));
        check((2560.0, 1080.0), (2560.0, 1080.0, 1.0));
        check((1620.0, 2160.0), (1620.0, 2160.0, 1.0));
    }

    #[test]
    fn screens_from_4_5_on_are_tall() {
        let is_tall = |width, height| CanvasSize::of_pixels(width, height).is_tall();
        assert!(is_tall(1080.0, 1920.0) && is_tall(1080.0, 1350.0));
        assert!(!is_tall(1080.0, 1349.0) && !is_tall(1200.0, 1200.0) && !is_tall(1920.0, 1080.0));
    }
}
