//! The area of the window or picture that the views occupy.

use bevy::prelude::*;

use crate::app::systems::AppSystems;
use crate::bounded::bounded;
use crate::layout::CanvasSize;

/// Size of the drawing surface, and the width that the panel takes from it.
#[derive(Resource, Clone, Copy, Debug, PartialEq)]
pub struct Viewport {
    /// Device pixels.
    pub size_px: Vec2,
    /// Device pixels per logical pixel.
    pub scale_factor: f32,
    /// Device pixels that the panel takes at the right edge.
    pub taken_right_px: f32,
}

impl Default for Viewport {
    fn default() -> Self {
        Self { size_px: Vec2::new(1920.0, 1080.0), scale_factor: 1.0, taken_right_px: 0.0 }
    }
}

impl Viewport {
    /// Returns the size of the views' area in device pixels.
    pub fn views_px(&self) -> Vec2 {
        Vec2::new((self.size_px.x - self.taken_right_px).max(1.0), self.size_px.y)
    }

    /// Returns the size of the views' area in design pixels.
    pub fn canvas_size(&self) -> CanvasSize {
        let views_px = self.views_px();
        CanvasSize::of_pixels(views_px.x, views_px.y)
    }
}

/// Width of the panel in the window.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq)]
pub struct PanelArea {
    /// Logical pixels from the right edge; 0 while the panel is hidden.
    pub width_px: f32,
}

/// True when the user asked the system for reduced motion.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReducedMotion(pub bool);

/// Zoom and position of the views.
#[derive(Resource, Clone, Copy, Debug, PartialEq)]
pub struct Zoom {
    /// Magnification; 1 fits the whole view into its area.
    pub factor: f32,
    /// Position of the view's upper left corner, in device pixels of the area.
    pub origin_px: Vec2,
}

impl Default for Zoom {
    fn default() -> Self {
        Self { factor: 1.0, origin_px: Vec2::ZERO }
    }
}

impl Zoom {
    /// Largest magnification, at which a module fills a third of the screen.
    const CLOSEST: f32 = 4.0;

    /// Multiplies the magnification by `by`, keeping the point at `pointer_px` in place.
    #[must_use]
    pub fn about(self, pointer_px: Vec2, by: f32, area_px: Vec2) -> Self {
        let factor = bounded(self.factor * by, 1.0, Self::CLOSEST);
        let origin_px = pointer_px - (pointer_px - self.origin_px) * (factor / self.factor);
        Self { factor, origin_px }.within(area_px)
    }

    /// Moves the view by `by_px` device pixels.
    #[must_use]
    pub fn moved(self, by_px: Vec2, area_px: Vec2) -> Self {
        Self { origin_px: self.origin_px + by_px, ..self }.within(area_px)
    }

    /// Clamps the position so that the view covers its area.
    fn within(self, area_px: Vec2) -> Self {
        let least = area_px * (1.0 - self.factor);
        Self { origin_px: self.origin_px.max(least).min(Vec2::ZERO), ..self }
    }
}

pub(in crate::app) fn plugin(app: &mut App) {
    app.init_resource::<Viewport>()
        .init_resource::<Zoom>()
        .init_resource::<ReducedMotion>()
        .add_systems(Update, make_room_for_panel.in_set(AppSystems::Sync));
}

fn make_room_for_panel(mut viewport: ResMut<Viewport>, panel: Option<Res<PanelArea>>) {
    let logical_px = panel.map_or(0.0, |panel| panel.width_px);
    let taken_right_px = (logical_px * viewport.scale_factor).round();
    let fitted = Viewport { taken_right_px, ..*viewport };
    viewport.set_if_neq(fitted);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zoom_keeps_the_point_under_the_pointer_and_covers_the_area() {
        let area = Vec2::new(1920.0, 1080.0);
        let pointer = Vec2::new(960.0, 540.0);
        let closer = Zoom::default().about(pointer, 2.0, area);
        assert_eq!(closer, Zoom { factor: 2.0, origin_px: Vec2::new(-960.0, -540.0) });
        let far = closer.moved(Vec2::splat(1e6), area);
        assert_eq!(far.origin_px, Vec2::ZERO);
        assert_eq!(closer.about(pointer, 0.01, area), Zoom::default());
    }
}
