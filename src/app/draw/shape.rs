//! Appearance of shapes. [`super::motion`] defines how they move.

use bevy::color::Color;
use bevy::math::{Rect as MathRect, Vec2, Vec4};

use super::colour::desaturated;
use super::instance::{Instance, flag, pack};
use crate::bounded::bounded;

pub use crate::layout::Rect;

impl Rect {
    /// Returns a rectangle from its centre and size.
    pub fn centred(centre: Vec2, w: f32, h: f32) -> Self {
        Self::new(centre.x - w * 0.5, centre.y - h * 0.5, w, h)
    }

    /// Returns the centre.
    pub fn centre(self) -> Vec2 {
        Vec2::new(self.x + self.w * 0.5, self.y + self.h * 0.5)
    }

    fn corners(self) -> [f32; 4] {
        [self.x, self.y, self.right(), self.bottom()]
    }
}

/// A pattern drawn over the fill, inside the outline. Periods and widths are in design pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Texture {
    /// Stripes at 45°, continuous across neighbouring shapes.
    Hatch {
        /// Distance between stripes, perpendicular to them.
        period: f32,
        /// Width of a stripe.
        width: f32,
    },
    /// Vertical bars.
    Bars {
        /// Distance between bars.
        period: f32,
        /// Width of a bar.
        width: f32,
    },
    /// Horizontal lines.
    Scanlines {
        /// Distance between lines.
        period: f32,
        /// Width of a line.
        width: f32,
    },
}

/// Form of the ends of strokes and dashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cap {
    /// Half a disc beyond the end.
    #[default]
    Round,
    /// Cut off at the end.
    Butt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Kind {
    Box = 0,
    Arc,
    Capsule,
    Circle,
    Octagon,
    Polyline,
    Cross,
    Triangle,
    Cubic,
    Lane,
    Pool,
    TabBox,
    Needle,
    Levels,
}

/// One shape: geometry, paint and motion, evaluated on the GPU. Coordinates are design pixels, y
/// down; angles are degrees clockwise from 12 o'clock.
///
/// Paint order: glow, fill, texture, highlight, border, beads.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    pub(super) raw: Instance,
    pub(super) kind: Kind,
    pub(super) extent: MathRect,
    /// Start times in seconds of the draw clock; encoding subtracts the epoch.
    pub(super) fade_at: f64,
    pub(super) enter_at: f64,
    pub(super) motion_at: Option<f64>,
}

fn around(points: &[Vec2], margin: f32) -> MathRect {
    points.iter().fold(MathRect::EMPTY, |rect, point| rect.union_point(*point)).inflate(margin)
}

/// Properties of a shape other than colour, size and position.
#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub struct Traits {
    pub silhouette: u32,
    /// True for a box, circle or octagon: the solid body of a badge.
    pub area: bool,
    pub texture: u32,
    pub dashed: bool,
    pub motion: u32,
}

/// Thinnest outline in a flat palette, in design pixels.
const FLAT_BORDER: f32 = 3.0;

impl Shape {
    fn new(kind: Kind, extent: MathRect) -> Self {
        let raw = Instance {
            codes: [kind as u32, flag::ROUND_CAP, 0, 0],
            style: [0.0, 0.0, 1.0, 0.0],
            fade: [0.0, 0.0, 1.0, 1.0],
            ..Instance::default()
        };
        Self { raw, kind, extent, fade_at: 0.0, enter_at: 0.0, motion_at: None }
    }

    /// Creates a box with square corners; see [`Shape::radius`].
    pub fn rounded_box(rect: Rect) -> Self {
        let c = rect.centre();
        let [x0, y0, x1, y1] = rect.corners();
        let mut shape = Self::new(Kind::Box, MathRect::new(x0, y0, x1, y1));
        shape.raw.geom0 = [c.x, c.y, rect.w * 0.5, rect.h * 0.5];
        shape.raw.codes[1] |= flag::SNAP;
        shape
    }

    /// Creates a stroke along a circle, from one angle to a larger one.
    pub fn arc(centre: Vec2, radius: f32, width: f32, from_deg: f32, to_deg: f32) -> Self {
        let extent = MathRect::from_center_half_size(centre, Vec2::splat(radius + width * 0.5));
        let mut shape = Self::new(Kind::Arc, extent);
        shape.raw.geom0 = [centre.x, centre.y, radius, 0.0];
        shape.raw.geom1 = [from_deg.to_radians(), to_deg.to_radians(), 0.0, 0.0];
        shape.raw.geom2[0] = width;
        shape
    }

    /// Creates a full circle as a stroke.
    pub fn ring(centre: Vec2, radius: f32, width: f32) -> Self {
        Self::arc(centre, radius, width, 0.0, 360.0)
    }

    /// Creates a filled circle.
    pub fn disc(centre: Vec2, radius: f32) -> Self {
        let extent = MathRect::from_center_half_size(centre, Vec2::splat(radius));
        let mut shape = Self::new(Kind::Circle, extent);
        shape.raw.geom0 = [centre.x, centre.y, radius, 0.0];
        shape
    }

    /// Creates a regular octagon with flat sides at `apothem` from the centre.
    pub fn octagon(centre: Vec2, apothem: f32) -> Self {
        let extent = MathRect::from_center_half_size(centre, Vec2::splat(apothem));
        let mut shape = Self::new(Kind::Octagon, extent);
        shape.raw.geom0 = [centre.x, centre.y, apothem, 0.0];
        shape
    }

    /// Creates a straight stroke.
    pub fn capsule(a: Vec2, b: Vec2, width: f32) -> Self {
        let mut shape = Self::new(Kind::Capsule, around(&[a, b], width * 0.5));
        shape.raw.geom0 = [a.x, a.y, b.x, b.y];
        shape.raw.geom2[0] = width;
        shape
    }

    /// Creates a stroke along a radius, such as a tick on a dial.
    pub fn tick(centre: Vec2, deg: f32, inner: f32, outer: f32, width: f32) -> Self {
        let (sin, cos) = deg.to_radians().sin_cos();
        let along = Vec2::new(sin, -cos);
        Self::capsule(centre + along * inner, centre + along * outer, width)
    }

    /// Creates two straight strokes with a round join: a check mark or a chevron.
    pub fn polyline3(a: Vec2, b: Vec2, c: Vec2, width: f32) -> Self {
        let mut shape = Self::new(Kind::Polyline, around(&[a, b, c], width * 0.5));
        shape.raw.geom0 = [a.x, a.y, b.x, b.y];
        shape.raw.geom1 = [c.x, c.y, 0.0, 0.0];
        shape.raw.geom2[0] = width;
        shape
    }

    /// Creates the check mark of a badge with this radius, in the design's proportions.
    pub fn check(centre: Vec2, radius: f32) -> Self {
        let at = |x: f32, y: f32| centre + Vec2::new(x, y) * radius;
        Self::polyline3(at(-0.435, 0.022), at(-0.113, 0.347), at(0.458, -0.325), radius * 0.2)
    }

    /// Creates a diagonal cross; `reach` is the distance from the centre to an arm's end along each
    /// axis.
    pub fn cross(centre: Vec2, reach: f32, width: f32) -> Self {
        let half = Vec2::splat(reach + width * 0.5);
        let mut shape = Self::new(Kind::Cross, MathRect::from_center_half_size(centre, half));
        shape.raw.geom0 = [centre.x, centre.y, reach, 0.0];
        shape.raw.geom2[0] = width;
        shape
    }

    /// Creates a filled triangle, grown by `rounding` with round corners.
    pub fn triangle(a: Vec2, b: Vec2, c: Vec2, rounding: f32) -> Self {
        let mut shape = Self::new(Kind::Triangle, around(&[a, b, c], rounding));
        shape.raw.geom0 = [a.x, a.y, b.x, b.y];
        shape.raw.geom1 = [c.x, c.y, 0.0, 0.0];
        shape.raw.geom2[0] = rounding;
        shape
    }

    /// Creates a triangle that points along `deg`, with its tip at `tip`.
    pub fn arrowhead(tip: Vec2, deg: f32, length: f32, width: f32) -> Self {
        let (sin, cos) = deg.to_radians().sin_cos();
        let along = Vec2::new(sin, -cos);
        let base = tip - along * length;
        let side = along.perp() * (width * 0.5);
        Self::triangle(base - side, tip, base + side, 1.5)
    }

    /// Creates a stroke along a cubic Bézier curve.
    pub fn cubic(points: [Vec2; 4], width: f32) -> Self {
        let [a, b, c, d] = points;
        // The extent is that of the control points, because a Bézier curve lies in their hull. A
        // tighter bound holds only for symmetrical curves.
        let mut shape = Self::new(Kind::Cubic, around(&points, width * 0.5));
        shape.raw.geom0 = [a.x, a.y, b.x, b.y];
        shape.raw.geom1 = [c.x, c.y, d.x, d.y];
        shape.raw.geom2[0] = width;
        shape
    }

    /// Returns the control points of a patch cable that hangs `sag` below the mean of its ends.
    pub fn cable_points(from: Vec2, to: Vec2, sag: f32) -> [Vec2; 4] {
        // A cubic with both handles straight down reaches 3/4 of their length.
        let drop = Vec2::new(0.0, sag * 4.0 / 3.0);
        [from, from + drop, to + drop, to]
    }

    /// Creates a patch cable between two jacks that hangs `sag` below the mean of its ends.
    pub fn cable(from: Vec2, to: Vec2, sag: f32, width: f32) -> Self {
        Self::cubic(Self::cable_points(from, to, sag), width)
    }

    /// Creates a lane of the fix loop: down on the right from `top`, half around `centre`, up on
    /// the left.
    pub fn lane(centre: Vec2, radius: f32, top: f32, width: f32) -> Self {
        let extent = MathRect::new(centre.x - radius, top, centre.x + radius, centre.y + radius);
        let mut shape = Self::new(Kind::Lane, extent.inflate(width * 0.5));
        shape.raw.geom0 = [centre.x, centre.y, radius, top];
        shape.raw.geom2[0] = width;
        shape.cap(Cap::Butt)
    }

    /// Creates a pool of light: `inner` at the centre, `middle` half way out, transparent at the
    /// rim.
    pub fn pool(centre: Vec2, radius: f32, inner: Color, middle: Color) -> Self {
        Self::pool_ellipse(centre, Vec2::splat(radius), inner, middle)
    }

    /// Creates a pool of light with a radius for each axis; see [`Shape::pool`].
    pub fn pool_ellipse(centre: Vec2, radii: Vec2, inner: Color, middle: Color) -> Self {
        let mut shape = Self::new(Kind::Pool, MathRect::from_center_half_size(centre, radii));
        shape.raw.geom0 = [centre.x, centre.y, radii.x, radii.y];
        shape.raw.geom1[0] = 0.5;
        shape.raw.codes[2] = pack(inner);
        shape.raw.codes[3] = pack(middle);
        shape
    }

    /// Creates the failure block: a headline bar and the failed module below it as one outline.
    /// `radius` (18 in the design) applies to outer corners, `join` (22) to inner ones. Where the
    /// module is at the bar's end, the edges continue without a join.
    pub fn tab_box(bar: Rect, module: Rect, radius: f32, join: f32) -> Self {
        let extent = MathRect::new(
            bar.x.min(module.x),
            bar.y,
            bar.right().max(module.right()),
            module.bottom().max(bar.bottom()),
        );
        let mut shape = Self::new(Kind::TabBox, extent);
        shape.raw.geom0 = bar.corners();
        shape.raw.geom1 = [module.x, module.right(), module.bottom(), radius];
        // A join needs room beside the bar's own corner.
        let left = (module.x - bar.x).max(0.0);
        let right = (bar.right() - module.right()).max(0.0);
        let fit = |gap: f32| join.min((gap - radius).max(0.0)).min(bar.h * 0.5);
        shape.raw.geom2 = [fit(left), fit(right), radius.min(left), radius.min(right)];
        shape.raw.enter[2] = extent.min.y;
        shape.raw.enter[3] = extent.max.y;
        shape
    }

    /// Creates a needle on a pivot, from `inner` to `outer` along `deg`; see [`Shape::swinging`].
    pub fn needle(pivot: Vec2, deg: f32, inner: f32, outer: f32, width: f32) -> Self {
        let half = Vec2::splat(outer + width);
        let mut shape = Self::new(Kind::Needle, MathRect::from_center_half_size(pivot, half));
        shape.raw.geom0 = [pivot.x, pivot.y, inner, outer];
        shape.raw.geom1 = [deg.to_radians(), deg.to_radians(), 0.0, 0.0];
        shape.raw.geom2[0] = width;
        shape
    }

    /// Creates the glyph of a running node: three level bars that move in the rhythm of the beads,
    /// in a box of the given half size.
    pub fn levels(centre: Vec2, half_size: Vec2) -> Self {
        let mut shape = Self::new(Kind::Levels, MathRect::from_center_half_size(centre, half_size));
        shape.raw.geom0 = [centre.x, centre.y, half_size.x, half_size.y];
        shape.raw.geom2[0] = half_size.x * 0.44;
        shape
    }

    /// Sets one radius for all corners of a box.
    pub fn radius(self, radius: f32) -> Self {
        self.radii([radius; 4])
    }

    /// Sets the radii of a box: top left, top right, bottom right, bottom left.
    pub fn radii(mut self, radii: [f32; 4]) -> Self {
        if self.kind == Kind::Box {
            let most = self.raw.geom0[2].min(self.raw.geom0[3]);
            self.raw.geom1 = radii.map(|radius| bounded(radius, 0.0, most));
        }
        self
    }

    /// Sets the colour of the area or of the stroke.
    pub fn fill(mut self, colour: Color) -> Self {
        self.raw.codes[2] = pack(colour);
        self.raw.codes[3] = pack(colour);
        self
    }

    fn fill_along(mut self, from: Color, to: Color, direction: Vec2) -> Self {
        self.raw.codes[2] = pack(from);
        self.raw.codes[3] = pack(to);
        let size = self.extent.size().max(Vec2::splat(1e-3));
        let step = direction / size;
        let offset = -step.dot(self.extent.min);
        self.raw.gradient = [step.x, step.y, offset, 0.0];
        self
    }

    /// Fills with a gradient from the top of the shape's extent to its bottom.
    pub fn fill_vertical(self, top: Color, bottom: Color) -> Self {
        self.fill_along(top, bottom, Vec2::Y)
    }

    /// Fills with a gradient from the top left to the bottom right corner of the shape's extent.
    pub fn fill_diagonal(self, from: Color, to: Color) -> Self {
        self.fill_along(from, to, Vec2::splat(0.5))
    }

    /// Adds a line just inside the outline of an area.
    pub fn border(mut self, width: f32, colour: Color) -> Self {
        self.raw.style[0] = width;
        self.raw.style[1] = -width * 0.5;
        self.raw.colours[0] = pack(colour);
        self
    }

    /// Sets the opacity of the whole shape, 0 to 1.
    pub fn opacity(mut self, opacity: f32) -> Self {
        self.raw.style[2] = opacity;
        self
    }

    /// Removes glow, gradients, highlights and thin outlines, for flat palettes; `None` if nothing
    /// is left.
    pub(super) fn flattened(mut self) -> Option<Self> {
        let is_shadow = self.raw.tex[2] > 0.0;
        if self.kind == Kind::Pool || is_shadow {
            return None;
        }
        self.raw.glow_dash[0] = 0.0;
        // Paint becomes opaque, unless it is fully transparent.
        let [red, green, blue, alpha] = self.raw.codes[2].to_le_bytes();
        let alpha = if alpha == 0 { 0 } else { u8::MAX };
        self.raw.codes[2] = u32::from_le_bytes([red, green, blue, alpha]);
        self.raw.codes[3] = self.raw.codes[2];
        self.raw.style[3] = 0.0;
        let width = self.raw.style[0];
        if width > 0.0 && width < FLAT_BORDER {
            // Keeps the border inside or centred.
            self.raw.style[1] *= FLAT_BORDER / width;
            self.raw.style[0] = FLAT_BORDER;
        }
        Some(self)
    }

    /// Multiplies the shape's opacity.
    pub(super) fn dim(&mut self, opacity: f32) {
        self.raw.style[2] *= opacity;
    }

    /// Desaturates all paint of the shape.
    pub(super) fn desaturate(&mut self, amount: f32) {
        let [_, _, from, to] = &mut self.raw.codes;
        for packed in [from, to].into_iter().chain(&mut self.raw.colours) {
            let [red, green, blue, alpha] = packed.to_le_bytes();
            *packed = pack(desaturated(Color::srgba_u8(red, green, blue, alpha), amount));
        }
    }

    /// Adds a glow below the shape: its outline as a stroke of `width`, blurred with standard
    /// deviation `blur`. For paths, `width` is the full width of the stroke.
    pub fn glow(mut self, blur: f32, width: f32, colour: Color) -> Self {
        self.raw.glow_dash[0] = blur;
        self.raw.glow_dash[1] = width;
        self.raw.colours[1] = pack(colour);
        self
    }

    /// Blurs the fill with this standard deviation, for shadows.
    pub fn soft(mut self, blur: f32) -> Self {
        self.raw.tex[2] = blur;
        self
    }

    /// Adds white light of this alpha on the upper edge of a box.
    pub fn highlight(mut self, alpha: f32) -> Self {
        self.raw.style[3] = alpha;
        self
    }

    /// Adds a pattern over the fill.
    pub fn texture(mut self, texture: Texture, colour: Color) -> Self {
        let (code, period, width) = match texture {
            Texture::Hatch { period, width } => (1, period, width),
            Texture::Bars { period, width } => (2, period, width),
            Texture::Scanlines { period, width } => (3, period, width),
        };
        self.raw.codes[0] = (self.raw.codes[0] & 0x00ff_ffff) | code << 24;
        self.raw.tex[0] = period;
        self.raw.tex[1] = width;
        self.raw.colours[2] = pack(colour);
        self
    }

    /// Dashes a path, or the border of a box or disc. Round caps add their radius at each end. On
    /// closed outlines the period is adjusted so that the dashes meet.
    pub fn dash(mut self, dash: f32, gap: f32) -> Self {
        self.raw.glow_dash[2] = dash;
        self.raw.glow_dash[3] = gap;
        self
    }

    /// Sets the ends of a path and of its dashes; the default is round.
    pub fn cap(mut self, cap: Cap) -> Self {
        match cap {
            Cap::Round => self.raw.codes[1] |= flag::ROUND_CAP,
            Cap::Butt => self.raw.codes[1] &= !flag::ROUND_CAP,
        }
        self
    }

    /// Clips the shape to a rounded box.
    pub fn clip(mut self, rect: Rect, radius: f32) -> Self {
        self.raw.clip = rect.corners();
        self.raw.tex[3] = radius;
        self.raw.codes[1] |= flag::CLIPPED;
        self
    }

    /// Disables the alignment of box edges to whole device pixels, for boxes that move smoothly.
    pub fn unsnapped(mut self) -> Self {
        self.raw.codes[1] &= !flag::SNAP;
        self
    }

    /// Keeps the colours when the canvas is desaturated, as failures do.
    pub fn keep_colour(mut self) -> Self {
        self.raw.codes[1] |= flag::KEEP_COLOUR;
        self
    }

    /// Returns the instance to upload, with times relative to `epoch` and bounds that contain all
    /// paint.
    pub(super) fn encode(&self, epoch: f64) -> Instance {
        let mut raw = self.raw;
        let glow = if raw.glow_dash[0] > 0.0 {
            let half_stroke = if raw.geom2[0] > 0.0 { raw.geom2[0] * 0.5 } else { 0.0 };
            (3.0 * raw.glow_dash[0] + raw.glow_dash[1] * 0.5 - half_stroke).max(0.0)
        } else {
            0.0
        };
        let border = (raw.style[1] + raw.style[0] * 0.5).max(0.0);
        let bead = if self.motion_code() == 1 { raw.motion[3] * 0.5 } else { 0.0 };
        let margin = glow.max(border).max(raw.tex[2] * 3.0).max(bead);
        let mut bounds = self.extent.inflate(margin);
        if raw.codes[1] & flag::CLIPPED != 0 {
            let clip = Vec4::from_array(raw.clip);
            bounds = bounds.intersect(MathRect::new(clip.x, clip.y, clip.z, clip.w));
        }
        raw.bounds = [bounds.min.x, bounds.min.y, bounds.max.x, bounds.max.y];
        raw.fade[0] = (self.fade_at - epoch) as f32;
        raw.enter[0] = (self.enter_at - epoch) as f32;
        if let Some(at) = self.motion_at {
            raw.motion[0] = (at - epoch) as f32;
        }
        raw
    }

    /// Returns the properties that do not depend on colour.
    #[cfg(test)]
    pub(super) fn traits(&self) -> Traits {
        Traits {
            silhouette: self.kind as u32,
            area: matches!(self.kind, Kind::Box | Kind::Circle | Kind::Octagon),
            texture: self.raw.codes[0] >> 24,
            dashed: self.raw.glow_dash[2] > 0.0,
            // Level bars always move.
            motion: if self.kind == Kind::Levels { u32::MAX } else { self.motion_code() },
        }
    }

    pub(super) fn motion_code(&self) -> u32 {
        self.raw.codes[0] >> 16 & 0xff
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_include_the_glow() {
        let shape = Shape::rounded_box(Rect::new(100.0, 100.0, 50.0, 50.0));
        let plain = shape.encode(0.0).bounds;
        assert_eq!(plain, [100.0, 100.0, 150.0, 150.0]);
        let glowing = shape.glow(9.0, 8.0, Color::WHITE).encode(0.0).bounds;
        assert_eq!(glowing, [69.0, 69.0, 181.0, 181.0]);
    }

    #[test]
    fn flattening_removes_glow_gradient_and_thin_borders() {
        let body = Shape::rounded_box(Rect::new(0.0, 0.0, 10.0, 10.0))
            .fill_vertical(Color::BLACK, Color::WHITE)
            .border(1.5, Color::WHITE)
            .highlight(0.09)
            .glow(9.0, 8.0, Color::WHITE);
        let raw = body.clone().flattened().unwrap().encode(0.0);
        assert_eq!((raw.glow_dash[0], raw.style[3]), (0.0, 0.0));
        assert_eq!(raw.codes[2], raw.codes[3]);
        assert_eq!(raw.style[..2], [3.0, -1.5], "as thick as it should be, and inside");
        assert!(body.soft(10.0).flattened().is_none(), "a shadow");
        assert!(Shape::pool(Vec2::ZERO, 9.0, Color::WHITE, Color::WHITE).flattened().is_none());
    }

    #[test]
    fn clipping_reduces_the_bounds() {
        let shape = Shape::disc(Vec2::splat(50.0), 40.0).clip(Rect::new(0.0, 0.0, 50.0, 50.0), 0.0);
        assert_eq!(shape.encode(0.0).bounds, [10.0, 10.0, 50.0, 50.0]);
    }

    #[test]
    fn vertical_gradient_runs_from_top_to_bottom() {
        let shape = Shape::rounded_box(Rect::new(0.0, 20.0, 10.0, 40.0))
            .fill_vertical(Color::BLACK, Color::WHITE);
        let [_, y, offset, _] = shape.raw.gradient;
        assert!((y * 20.0 + offset).abs() < 1e-6);
        assert!((y * 60.0 + offset - 1.0).abs() < 1e-6);
    }

    #[test]
    fn cable_hangs_by_its_sag() {
        let [a, b, c, d] = Shape::cable_points(Vec2::ZERO, Vec2::new(90.0, 0.0), 58.0);
        let lowest = (a + 3.0 * b + 3.0 * c + d) / 8.0;
        assert!((lowest.y - 58.0).abs() < 1e-3);
    }

    #[test]
    fn tab_box_has_no_join_at_the_end_of_its_bar() {
        let bar = Rect::new(56.0, 196.0, 1808.0, 84.0);
        let shape = Shape::tab_box(bar, Rect::new(1526.0, 284.0, 338.0, 352.0), 18.0, 22.0);
        assert_eq!(shape.raw.geom2, [22.0, 0.0, 18.0, 0.0]);
    }
}
